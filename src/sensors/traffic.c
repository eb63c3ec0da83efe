#include "sensors/service_private.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define ROWS_MAX 20000
#define SHOWN_MAX 5000
#define SPAN (600 * NSEC_PER_SEC)       /* of a slot */
#define MINUTE (60 * NSEC_PER_SEC)      /* of a report */
#define AHEAD 144                       /* slots that a sensor's clock may be: a day */
#define SLOTS_SHOWN 1008                /* a week */
#define SLOTS_OF_ROW 8064               /* eight weeks; then its oldest goes */
#define SLOTS_MAX 1000000               /* of all rows: 16 MB */
#define NOW_WITHIN (150 * NSEC_PER_SEC) /* the newest report is of now */

/* What went over in ten minutes. */
struct slot {
    uint32_t at, packets; /* `at` times SPAN since 1970 */
    uint64_t octets;
};

/* Who talks with whom: counted since this program began, of the sensors here, in slots of ten
 * minutes, so that it can be asked for a time. Not in the journal: it is what is on the wire now,
 * and a lot. The one that was silent longest makes room; and where there are too many slots, the
 * oldest of all. */
struct row {
    char *key, *sensor;
    json_t *said; /* the newest report of it */
    uint64_t packets, octets;
    nsec_t first, last;
    struct slot *slots; /* by time */
    size_t n_slots, capacity;
    struct row *prev, *next; /* the longest silent first */
    UT_hash_handle hh;
};

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

static void
row_free(struct sensors_service *s, struct row *r)
{
    HASH_DEL(s->rows, r);
    DL_DELETE(s->row_list, r);
    free(r->key);
    free(r->sensor);
    json_decref(r->said);
    s->n_slots -= r->n_slots;
    free(r->slots);
    free(r);
}

void
sensors_traffic_free(struct sensors_service *s)
{
    while (s->row_list)
        row_free(s, s->row_list);
}

static struct row *
row_of(struct sensors_service *s, const char *sensor, const json_t *said)
{
    struct row *r;
    json_int_t port = json_integer_value(json_object_get(said, "port"));
    char *key = xasprintf("%s %s %s %s %" JSON_INTEGER_FORMAT, sensor, text_of(said, "from"),
                          text_of(said, "to"), text_of(said, "transport"), port);
    HASH_FIND_STR(s->rows, key, r);
    if (r) {
        free(key);
        DL_DELETE(s->row_list, r);
        DL_APPEND(s->row_list, r);
        return r;
    }
    r = xcalloc(1, sizeof *r);
    *r = (struct row){.key = key, .sensor = xstrdup(sensor), .first = NSEC_NEVER};
    HASH_ADD_KEYPTR(hh, s->rows, r->key, strlen(r->key), r);
    DL_APPEND(s->row_list, r);
    if (HASH_COUNT(s->rows) > ROWS_MAX)
        row_free(s, s->row_list);
    return r;
}

/* Those before this time are forgotten. */
static void
forget_slots(struct sensors_service *s, uint32_t before)
{
    s->slots_from = before;
    for (struct row *r = s->row_list; r; r = r->next) {
        size_t n = 0;
        while (n < r->n_slots && r->slots[n].at < before)
            n++;
        if (!n)
            continue;
        memmove(r->slots, r->slots + n, (r->n_slots - n) * sizeof *r->slots);
        r->n_slots -= n;
        s->n_slots -= n;
    }
}

/* What a sensor says is of a time to come, of which nothing can be. */
static void
forget_slots_to_come(struct sensors_service *s)
{
    uint32_t now = (uint32_t)(clock_wall() / SPAN) + AHEAD;
    for (struct row *r = s->row_list; r; r = r->next) {
        while (r->n_slots && r->slots[r->n_slots - 1].at > now) {
            r->n_slots--;
            s->n_slots--;
        }
    }
}

static int
by_at(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* A sixteenth at once, as all rows have to be looked through: times to come, or else the oldest. */
static void
make_room_for_slots(struct sensors_service *s)
{
    size_t n = 0;
    forget_slots_to_come(s);
    if (s->n_slots <= SLOTS_MAX - SLOTS_MAX / 16)
        return;
    uint32_t *all = xcalloc(s->n_slots, sizeof *all);
    for (const struct row *r = s->row_list; r; r = r->next) {
        for (size_t i = 0; i < r->n_slots; i++)
            all[n++] = r->slots[i].at;
    }
    qsort(all, n, sizeof *all, by_at);
    forget_slots(s, all[n / 16] + 1);
    free(all);
}

static void
add_slot(struct sensors_service *s, struct row *r, nsec_t time, uint64_t packets, uint64_t octets)
{
    uint32_t at = (uint32_t)MIN(MAX(time, 0) / SPAN, (nsec_t)UINT32_MAX - 1);
    size_t i = r->n_slots;
    while (i && r->slots[i - 1].at > at) /* clocks step */
        i--;
    if (!i || r->slots[i - 1].at != at) {
        bool is_full = r->n_slots == SLOTS_OF_ROW;
        if (at < s->slots_from || (is_full && !i))
            return;
        if (is_full) {
            memmove(r->slots, r->slots + 1, --r->n_slots * sizeof *r->slots);
            s->n_slots--;
            i--;
        }
        GROW(r->slots, r->n_slots, r->capacity);
        memmove(r->slots + i + 1, r->slots + i, (r->n_slots - i) * sizeof *r->slots);
        r->slots[i++] = (struct slot){.at = at};
        r->n_slots++;
        s->n_slots++;
    }
    struct slot *slot = &r->slots[i - 1];
    slot->packets = (uint32_t)MIN(slot->packets + packets, (uint64_t)UINT32_MAX);
    slot->octets += octets;
    if (s->n_slots > SLOTS_MAX)
        make_room_for_slots(s);
}

static void
add_row(struct sensors_service *s, const char *sensor, json_t *said)
{
    nsec_t first, last;
    if (time_parse(text_of(said, "first"), &first) || time_parse(text_of(said, "last"), &last))
        return;
    struct row *r = row_of(s, sensor, said);
    uint64_t packets = (uint64_t)json_integer_value(json_object_get(said, "packets")),
             octets = (uint64_t)json_integer_value(json_object_get(said, "octets"));
    r->packets += packets;
    r->octets += octets;
    add_slot(s, r, last, packets, octets);
    r->first = MIN(r->first, first);
    r->last = MAX(r->last, last);
    json_incref(said);
    json_decref(r->said);
    r->said = said;
}

void
sensors_take_traffic(void *arg, struct rpc_request *request, json_t *params)
{
    struct caller *l = arg;
    struct diag diag = {""};
    size_t i;
    json_t *said;
    sensors_charge(l, json_dumpb(params, NULL, 0, JSON_COMPACT));
    if (!l->name) {
        rpc_fail(request, ERR_DENIED, "sensor.hello comes first");
        return;
    }
    enum err err = traffic_check(params, &diag);
    if (err) {
        rpc_fail(request, err, "%s", diag.text);
        return;
    }
    json_array_foreach(json_object_get(params, "conversations"), i, said)
    {
        add_row(l->service, l->name, said);
    }
    rpc_reply(request, NULL);
}

/* ---- Telling ---- */

/* What is asked for: slots from, and up to but not with; of rows what falls into it. */
struct asked {
    bool is_all; /* nothing was said of a time */
    uint32_t from, to;
    nsec_t begin, end, now;
    nsec_t begun; /* nothing was counted before */
};

struct sum {
    const struct row *row;
    uint64_t packets, octets;
    json_int_t peak; /* bits a second, of the busiest slot */
    nsec_t first, last;
};

static json_int_t
rate_of(uint64_t octets, nsec_t time)
{
    return time >= NSEC_PER_SEC ? (json_int_t)((double)octets * 8 / ((double)time / NSEC_PER_SEC))
                                : 0;
}

/* Of a slot, or of as much of it as was counted: the first and the last may have less. */
static json_int_t
rate_of_slot(const struct asked *a, const struct slot *slot)
{
    nsec_t begin = (nsec_t)slot->at * SPAN, end = begin + SPAN;
    nsec_t counted = MIN(end, a->now) - MAX(begin, a->begun);
    return rate_of(slot->octets, counted > 0 ? MAX(counted, MINUTE) : SPAN);
}

static struct sum
sum_of(const struct row *r, const struct asked *a)
{
    struct sum sum = {.row = r, .first = r->first, .last = r->last};
    for (size_t i = 0; i < r->n_slots; i++) {
        const struct slot *slot = &r->slots[i];
        if (!a->is_all && (slot->at < a->from || slot->at >= a->to))
            continue;
        sum.packets += slot->packets;
        sum.octets += slot->octets;
        sum.peak = MAX(sum.peak, rate_of_slot(a, slot));
    }
    if (a->is_all) {
        sum.packets = r->packets;
        sum.octets = r->octets;
        return sum;
    }
    sum.first = MAX(sum.first, a->begin);
    sum.last = MIN(sum.last, a->end);
    return sum;
}

/* Of the newest report, which is of a minute; 0: it is not of now. */
static json_int_t
rate_now(const struct row *r, nsec_t now)
{
    nsec_t age = now - r->last;
    uint64_t octets = (uint64_t)json_integer_value(json_object_get(r->said, "octets"));
    return age < NOW_WITHIN && age > -NOW_WITHIN ? rate_of(octets, MINUTE) : 0;
}

static json_t *
sum_json(const struct sum *sum, const struct asked *a)
{
    char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
    const struct row *r = sum->row;
    json_t *json = json_copy(r->said);
    nsec_t time = a->end - a->begin;
    json_t *more = json_pack("{ss sI sI ss ss sI sI sI}", "sensor", r->sensor, "packets",
                             (json_int_t)sum->packets, "octets", (json_int_t)sum->octets, "first",
                             time_format(sum->first, first), "last", time_format(sum->last, last),
                             "rate-bps", rate_of(sum->octets, time), "peak-bps", sum->peak,
                             "now-bps", rate_now(r, a->now));
    json_object_update(json, more);
    json_decref(more);
    return json;
}

static int
by_octets(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;
    return x->octets == y->octets  ? strcmp(x->row->key, y->row->key)
           : x->octets < y->octets ? 1
                                   : -1;
}

static int
by_time(const void *a, const void *b)
{
    const struct slot *x = a, *y = b;
    return x->at < y->at ? -1 : x->at > y->at;
}

/* What all rows together were in each slot: the newest week of them. */
static json_t *
series_json(const struct sensors_service *s, const struct asked *a)
{
    size_t n = 0, last = 0;
    struct slot *all = xcalloc(s->n_slots + 1, sizeof *all);
    json_t *series = json_array();
    for (const struct row *r = s->row_list; r; r = r->next) {
        for (size_t i = 0; i < r->n_slots; i++) {
            if (a->is_all || (r->slots[i].at >= a->from && r->slots[i].at < a->to))
                all[n++] = r->slots[i];
        }
    }
    qsort(all, n, sizeof *all, by_time);
    for (size_t i = 1; i < n; i++) {
        if (all[i].at == all[last].at) {
            all[last].octets += all[i].octets;
            all[last].packets += all[i].packets;
        } else {
            all[++last] = all[i];
        }
    }
    n = n ? last + 1 : 0;
    for (size_t i = n > SLOTS_SHOWN ? n - SLOTS_SHOWN : 0; i < n; i++) {
        char text[TIME_TEXT_SIZE];
        json_array_append_new(
            series, json_pack("{ss sI sI sI}", "from", time_format((nsec_t)all[i].at * SPAN, text),
                              "packets", (json_int_t)all[i].packets, "octets",
                              (json_int_t)all[i].octets, "rate-bps", rate_of_slot(a, &all[i])));
    }
    free(all);
    return series;
}

/* False: what is said is no time. Whole slots; not before there was something to count. */
static bool
read_asked(const struct sensors_service *s, const json_t *payload, struct asked *a)
{
    nsec_t from = 0, to = INT64_MAX / 2;
    const json_t *begin = json_object_get(payload, "from"), *end = json_object_get(payload, "to");
    *a = (struct asked){.is_all = !begin && !end, .now = clock_wall()};
    if ((begin && time_parse(text_of(payload, "from"), &from)) ||
        (end && time_parse(text_of(payload, "to"), &to)))
        return false;
    a->from = (uint32_t)(MAX(from, 0) / SPAN);
    a->to = (uint32_t)MIN((MAX(to, 0) + SPAN - 1) / SPAN, (nsec_t)UINT32_MAX);
    a->begun = s->begun_wall; /* or before: of a capture */
    for (const struct row *r = s->row_list; r; r = r->next)
        a->begun = MIN(a->begun, r->first);
    a->begin = MAX((nsec_t)MAX(a->from, s->slots_from) * SPAN, a->begun);
    a->end = MAX(MIN((nsec_t)a->to * SPAN, a->now), a->begin);
    return true;
}

/* The most first. */
void
sensors_serve_traffic(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sensors_service *s = arg;
    char from[TIME_TEXT_SIZE], to[TIME_TEXT_SIZE];
    struct asked asked;
    json_int_t number = json_integer_value(json_object_get(m->payload, "site-number"));
    if (number != s->config.number && s->config.elsewhere) {
        s->config.elsewhere(s->config.elsewhere_arg, (uint32_t)number, "sensor.traffic", m->payload,
                            m->reply_to);
        return;
    }
    if (!read_asked(s, m->payload, &asked)) {
        bus_reply_error(bus, m->reply_to, ERR_INVALID, "\"from\", \"to\": a time is expected");
        return;
    }
    size_t n = 0, count = HASH_COUNT(s->rows);
    struct sum *list = xcalloc(count + 1, sizeof *list);
    for (const struct row *r = s->row_list; r; r = r->next) {
        list[n] = sum_of(r, &asked);
        n += list[n].packets > 0;
    }
    qsort(list, n, sizeof *list, by_octets);
    json_t *shown = json_array();
    for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
        json_array_append_new(shown, sum_json(&list[i], &asked));
    free(list);
    bus_reply(bus, m->reply_to,
              json_pack("{ss ss ss so so sI}", "site", s->config.site, "from",
                        time_format(asked.begin, from), "to", time_format(asked.end, to), "series",
                        series_json(s, &asked), "conversations", shown, "left-out",
                        (json_int_t)(n - json_array_size(shown))));
}
