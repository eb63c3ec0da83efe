#include "sensors/service_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define ROWS_MAX 20000
#define SHOWN_MAX 5000

/* Who talks with whom: counted since this program began, of the sensors here. Not in the journal:
 * it is what is on the wire now, and a lot. The one that was silent longest makes room. */
struct row {
    char *key, *sensor;
    json_t *said; /* the newest report of it */
    uint64_t packets, octets;
    nsec_t first, last;
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

static void
add_row(struct sensors_service *s, const char *sensor, json_t *said)
{
    nsec_t first, last;
    if (time_parse(text_of(said, "first"), &first) || time_parse(text_of(said, "last"), &last))
        return;
    struct row *r = row_of(s, sensor, said);
    r->packets += (uint64_t)json_integer_value(json_object_get(said, "packets"));
    r->octets += (uint64_t)json_integer_value(json_object_get(said, "octets"));
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

static json_t *
row_json(const struct row *r)
{
    char first[TIME_TEXT_SIZE], last[TIME_TEXT_SIZE];
    double seconds = (double)(r->last - r->first) / NSEC_PER_SEC;
    json_t *json = json_copy(r->said);
    json_int_t rate = seconds >= 1 ? (json_int_t)((double)r->octets * 8 / seconds) : 0;
    json_t *more = json_pack("{ss sI sI ss ss sI}", "sensor", r->sensor, "packets",
                             (json_int_t)r->packets, "octets", (json_int_t)r->octets, "first",
                             time_format(r->first, first), "last", time_format(r->last, last),
                             "rate-bps", rate);
    json_object_update(json, more);
    json_decref(more);
    return json;
}

static int
by_octets(const void *a, const void *b)
{
    const struct row *x = *(const struct row *const *)a, *y = *(const struct row *const *)b;
    return x->octets == y->octets ? strcmp(x->key, y->key) : x->octets < y->octets ? 1 : -1;
}

/* The most first. */
void
sensors_serve_traffic(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sensors_service *s = arg;
    json_int_t number = json_integer_value(json_object_get(m->payload, "site-number"));
    if (number != s->config.number && s->config.elsewhere) {
        s->config.elsewhere(s->config.elsewhere_arg, (uint32_t)number, "sensor.traffic", m->payload,
                            m->reply_to);
        return;
    }
    size_t n = 0, count = HASH_COUNT(s->rows);
    struct row **list = xcalloc(count + 1, sizeof *list);
    for (struct row *r = s->row_list; r; r = r->next)
        list[n++] = r;
    qsort(list, n, sizeof(struct row *), by_octets);
    json_t *shown = json_array();
    for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
        json_array_append_new(shown, row_json(list[i]));
    free(list);
    bus_reply(bus, m->reply_to,
              json_pack("{ss so sI}", "site", s->config.site, "conversations", shown, "left-out",
                        (json_int_t)(n - json_array_size(shown))));
}
