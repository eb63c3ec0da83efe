#include "detect/poll_watch.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "proto/ot/bacnet/bacnet.h"
#include "proto/ot/dnp3/dnp3.h"
#include "proto/ot/enip/enip.h"
#include "proto/ot/iec104/iec104.h"
#include "proto/ot/mms/mms.h"
#include "proto/ot/modbus/modbus.h"
#include "proto/ot/s7comm/s7comm.h"
#include "proto/ptp/ptp_protocol.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define POLLS 4096
#define PAIRS 2048
#define REGULAR 10  /* intervals by which a period is known */
#define CHANGED 6   /* ... by which it is another */
#define STREAK 20   /* ... before one that is not is a surprise */
#define HURRIED 0.2 /* of an interval: who asks again so soon after the answer has no period */
#define DEAF_AFTER (10 * NSEC_PER_SEC)  /* nothing at all was heard: that teaches nothing */
#define TOLERANCE 0.25                  /* of the period, at least */
#define PERIOD_MIN (20 * NSEC_PER_MSEC) /* what is faster reads as fast as it can */
#define LOST_PERIODS 5
#define QUIET_PERIODS 2  /* without any request of the same client to the same server */
#define SILENT_ANSWERS 3 /* requests without one */
#define ANSWERED 10      /* before it is known that there are answers */
#define HELD 20          /* messages of a connection that was meant to last */
#define DNP3_UNSOLICITED_RESPONSE 130

static const struct watch_rate_limits connections = {
    .window = 120 * NSEC_PER_SEC, .least = 3, .factor = 3, .windows = 3, .before = 3};
static const struct watch_rate_limits unsolicited = {
    .window = 10 * NSEC_PER_SEC, .least = 20, .factor = 4, .windows = 6, .before = 50};

/* What a request asks for; of other protocols the function is all that is looked at. */
static const struct row {
    const struct protocol *protocol;
    uint16_t fields[5];
    unsigned n;
} rows[] = {
    {&modbus, {MODBUS_UNIT, MODBUS_ADDRESS, MODBUS_QUANTITY}, 3},
    {&dnp3, {DNP3_DESTINATION, DNP3_GROUP, DNP3_VARIATION, DNP3_START, DNP3_STOP}, 5},
    {&iec104, {IEC104_COMMON_ADDRESS, IEC104_OBJECT_ADDRESS, IEC104_CAUSE}, 3},
    {&s7comm, {S7_AREA, S7_DB, S7_BYTE, S7_NUMBER, S7_LENGTH}, 5},
    {&enip, {ENIP_SERVICE, ENIP_CLASS, ENIP_INSTANCE, ENIP_ATTRIBUTE, ENIP_SYMBOL}, 5},
    {&bacnet, {BACNET_OBJECT_TYPE, BACNET_INSTANCE, BACNET_PROPERTY}, 3},
    {&mms, {MMS_DOMAIN, MMS_ITEM, MMS_SCOPE, MMS_NAME}, 4},
};

struct pair_key {
    uint8_t client[16], server[16];
    const struct protocol *protocol;
    uint64_t ip;
};

struct pair {
    struct pair_key key;
    uint64_t hash;               /* of it */
    const struct row *row;       /* of its protocol; NULL: none */
    uint32_t n_answered, n_open; /* requests since the last answer */
    nsec_t open_since;
    bool is_silent;
    nsec_t connected; /* when the newest connection began */
    uint32_t n_messages;
    bool has_held;
    nsec_t asked_at, answered;
    bool is_quiet;  /* nothing is asked any more: that is told once, whatever was asked */
    uint64_t asked; /* hash of the last request */
    struct watch_place first, last; /* polls: that should come first; that came last */
    struct watch_rate connections, unsolicited;
};

struct poll {
    uint64_t key; /* hash of the pair, the function, and what is asked for */
    struct pair_key pair;
    nsec_t last;         /* that was in its place */
    double mean, jitter; /* ns */
    uint32_t n_regular, streak;
    bool is_lost, is_told;
    nsec_t other_last; /* whichever: whether it has another period now */
    double other_mean;
    uint32_t n_other;
    const char *name;        /* of the function; static */
    struct watch_place next; /* that came behind it: requests come in the same order again */
    uint32_t at;             /* its place */
};

struct poll_watch {
    struct watch_config config;
    struct watch_table *polls, *pairs;
    nsec_t heard, resumed; /* anything; after nothing */
    nsec_t due;            /* the first of those below */
    nsec_t *dues;          /* by the polls' places: when each is lost; NSEC_NEVER: it cannot be */
    uint32_t n_dues;
    uint64_t seed;
    uint64_t asks[ARRAY_SIZE(rows)][PROTOCOL_FIELDS / 64]; /* the rows' fields, a bit each */
};

struct poll_watch *
poll_watch_new(const struct watch_config *config)
{
    struct poll_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->polls = watch_table_of(config, POLLS, sizeof(struct poll), sizeof(uint64_t));
    w->pairs = watch_table_of(config, PAIRS, sizeof(struct pair), sizeof(struct pair_key));
    w->due = NSEC_NEVER;
    w->n_dues = config->capacity ? config->capacity : POLLS;
    w->dues = xcalloc(w->n_dues, sizeof *w->dues);
    if (config->octets)
        *config->octets += w->n_dues * sizeof *w->dues;
    w->seed = hash_secret();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        for (unsigned k = 0; k < rows[i].n; k++)
            w->asks[i][rows[i].fields[k] / 64] |= UINT64_C(1) << rows[i].fields[k] % 64;
    }
    return w;
}

void
poll_watch_free(struct poll_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->polls);
    free(w->dues);
    watch_table_free(w->pairs);
    free(w);
}

/* ---- Who and what ---- */

static void
read_pair(const struct sight *at, bool from_client, struct pair_key *key)
{
    const struct conversation_key *k = &at->conversation->key;
    unsigned client = from_client ? at->way : !at->way;
    memset(key, 0, sizeof *key);
    memcpy(key->client, k->ends[client].address, sizeof key->client);
    memcpy(key->server, k->ends[!client].address, sizeof key->server);
    key->protocol = at->pdu->protocol;
    key->ip = k->ip;
}

static const struct row *
row_of(const struct protocol *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].protocol == p)
            return &rows[i];
    }
    return NULL;
}

static struct pair *
pair_of(struct poll_watch *w, const struct sight *at, bool from_client)
{
    struct watch_place *place = &at->memory->pairs[from_client ? at->way : !at->way];
    struct pair *p = watch_table_again(w->pairs, *place);
    struct pair_key key;
    bool is_new;
    if (p && p->key.protocol == at->pdu->protocol)
        return p;
    read_pair(at, from_client, &key);
    p = watch_table_get(w->pairs, &key, &is_new);
    if (is_new) {
        p->hash = hash_bytes(&key, sizeof key, w->seed);
        p->row = row_of(key.protocol);
    }
    *place = watch_table_place(w->pairs, p);
    return p;
}

/* Most are numbers. */
static inline uint64_t
hash_asked_field(const struct pdu *p, const struct field *f, uint64_t hash)
{
    if (p->protocol->fields[f->id].type != FIELD_UINT)
        return watch_hash_field(p, f, hash);
    return hash_add(hash_add(hash, (uint64_t)f->id << 16 | f->object), f->u);
}

static uint64_t
hash_asked(const struct poll_watch *w, const struct row *row, const struct pdu *p)
{
    uint64_t hash = 1;
    const uint64_t *asks = row ? w->asks[row - rows] : NULL;
    if (!asks || !pdu_has_any(p, asks))
        return hash;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        uint16_t id = p->fields[i].id;
        if (asks[id / 64] >> id % 64 & 1)
            hash = hash_asked_field(p, &p->fields[i], hash);
    }
    return hash;
}

/* "10.0.0.1 read-coils" of the server and what it is asked. */
static const char *
object_of(const struct poll *p, char *text)
{
    struct conversation_key key = {.ip = (uint8_t)p->pair.ip};
    char address[WATCH_ADDRESS_SIZE];
    memcpy(key.ends[0].address, p->pair.server, sizeof p->pair.server);
    snprintf(text, WATCH_TEXT_MAX, "%s %s %s", watch_address(&key, 0, address),
             p->pair.protocol->name, p->name);
    return text;
}

/* ---- Periods ---- */

#define TELL(name, ...) watch_tell(&w->config, at, name, object_of(p, object), __VA_ARGS__)

static double
seconds(double ns)
{
    return ns / (double)NSEC_PER_SEC;
}

/* One more interval of what may be a period. */
static uint32_t
learn(double *mean, double *jitter, uint32_t n, double interval)
{
    double off = fabs(interval - *mean);
    if (!n || off > TOLERANCE * *mean + 5e6) {
        *mean = interval;
        *jitter = 0;
        return 1;
    }
    *mean += (interval - *mean) / 4;
    *jitter += (off - *jitter) / 4;
    return n + 1;
}

/* True: it is another, and learned. */
static bool
judge_other_period(struct poll_watch *w, struct poll *p, const struct sight *at, double tolerance)
{
    char object[WATCH_TEXT_MAX];
    double jitter = 0, interval = (double)(at->now - p->other_last);
    p->other_last = at->now;
    p->n_other = learn(&p->other_mean, &jitter, p->n_other, interval);
    if (p->n_other < CHANGED || fabs(p->other_mean - p->mean) <= tolerance)
        return false;
    TELL("poll-period-changed", "every %.3f s after every %.3f s", seconds(p->other_mean),
         seconds(p->mean));
    p->mean = p->other_mean;
    p->n_other = 0;
    return true;
}

static void
judge_interval(struct poll_watch *w, struct poll *p, const struct sight *at)
{
    char object[WATCH_TEXT_MAX];
    double interval = (double)(at->now - p->last),
           tolerance = MAX(6 * p->jitter, TOLERANCE * p->mean);
    double off = interval - p->mean, missing = round(interval / p->mean) - 1;
    if (judge_other_period(w, p, at, tolerance)) {
        p->last = at->now;
        return;
    }
    bool is_surprise = p->streak >= STREAK;
    if (fabs(off) <= tolerance) {
        p->mean += off / 16;
        p->jitter += (fabs(off) - p->jitter) / 16;
        p->streak++;
        p->last = at->now;
        return;
    }
    p->streak = 0;
    if (off < 0) {
        if (is_surprise)
            TELL("poll-extra", "%.3f s after the last, every %.3f s is usual", seconds(interval),
                 seconds(p->mean));
        return; /* the next in its place is no surprise */
    }
    if (is_surprise && missing >= 1 && fabs(interval - (missing + 1) * p->mean) <= tolerance)
        TELL("poll-missed", "%.0f missing, every %.3f s is usual", missing, seconds(p->mean));
    p->last = at->now;
}

static bool
is_known(const struct poll *p)
{
    return p->n_regular >= REGULAR && p->mean >= (double)PERIOD_MIN;
}

/* It is lost when that has passed. */
static nsec_t
lost_at(const struct poll *p)
{
    double wait = LOST_PERIODS * p->mean;
    return wait < (double)(NSEC_NEVER - p->last) ? p->last + (nsec_t)wait : NSEC_NEVER;
}

static struct poll *
find_poll(struct poll_watch *w, struct pair *pair, uint64_t key, bool *is_new)
{
    struct poll *last = watch_table_again(w->polls, pair->last);
    struct watch_place *next = last ? &last->next : &pair->first;
    struct poll *p = watch_table_again(w->polls, *next);
    *is_new = false;
    if (!p || p->key != key) {
        p = watch_table_get(w->polls, &key, is_new);
        *next = watch_table_place(w->polls, p);
    }
    pair->last = *next;
    return p;
}

static void
take_request(struct poll_watch *w, struct pair *pair, const struct sight *at)
{
    char object[WATCH_TEXT_MAX];
    bool is_new;
    uint64_t asked = hash_add(hash_asked(w, pair->row, at->pdu), at->pdu->function);
    uint64_t key = hash_mix(hash_add(pair->hash, asked));
    struct poll *p = find_poll(w, pair, key, &is_new);
    if (is_new) {
        p->at = pair->last.at;
        p->pair = pair->key;
        p->name = at->pdu->info ? at->pdu->info->name : "?";
    }
    bool is_hurried = pair->asked == asked && pair->answered > p->last &&
                      (double)(at->now - pair->answered) < HURRIED * (double)(at->now - p->last);
    pair->asked = asked;
    pair->asked_at = at->now;
    pair->is_quiet = false;
    if (p->n_regular < REGULAR && is_hurried)
        p->n_regular = 0;
    if (is_new || at->now < p->last || p->last < w->resumed) {
        p->streak = 0;
        p->last = p->other_last = at->now;
    } else if (p->n_regular < REGULAR || p->mean < (double)PERIOD_MIN) {
        p->n_regular = learn(&p->mean, &p->jitter, p->n_regular, (double)(at->now - p->last));
        p->last = p->other_last = at->now;
    } else if (p->is_lost) {
        if (p->is_told)
            TELL("poll-returned", "after %.3f s, every %.3f s was usual",
                 seconds((double)(at->now - p->last)), seconds(p->mean));
        p->is_lost = p->is_told = false;
        p->n_other = p->streak = 0;
        p->last = p->other_last = at->now;
    } else {
        judge_interval(w, p, at);
    }
    w->dues[p->at] = is_known(p) && !p->is_lost ? lost_at(p) : NSEC_NEVER;
    w->due = MIN(w->due, w->dues[p->at]);
}

/* ---- Answers and connections ---- */

#undef TELL
#define TELL(name, ...)                                                                            \
    watch_tell(&w->config, at, name, watch_address(&at->conversation->key, server, text),          \
               __VA_ARGS__)

static void
count_request(struct poll_watch *w, struct pair *p, const struct sight *at)
{
    char text[WATCH_ADDRESS_SIZE];
    unsigned server = !at->way;
    if (!p->n_open)
        p->open_since = at->now;
    p->n_open++;
    if (p->is_silent || p->n_answered < ANSWERED || p->n_open <= SILENT_ANSWERS ||
        at->now - p->open_since < NSEC_PER_SEC)
        return;
    p->is_silent = true;
    TELL("poll-unanswered", "%u requests of %s without an answer, for %.3f s", p->n_open - 1,
         p->key.protocol->name, seconds((double)(at->now - p->open_since)));
}

static void
count_answer(struct pair *p, nsec_t now)
{
    p->answered = now;
    p->n_answered++;
    p->n_open = 0;
    p->is_silent = false;
}

static void
count_connection(struct poll_watch *w, struct pair *p, const struct sight *at, unsigned server)
{
    char text[WATCH_ADDRESS_SIZE];
    const struct conversation *c = at->conversation;
    if (c->first <= p->connected || c->key.proto != 6) {
        p->n_messages++;
        p->has_held |= p->n_messages >= HELD;
        return;
    }
    bool is_first = !p->connected;
    p->connected = c->first;
    p->n_messages = 1;
    if (!is_first && p->has_held && watch_rate_count(&p->connections, &connections, at->now))
        TELL("connection-flaps", "connected %u times again in two minutes", p->connections.n);
}

static void
count_unsolicited(struct poll_watch *w, struct pair *p, const struct sight *at)
{
    char text[WATCH_ADDRESS_SIZE];
    unsigned server = at->way;
    if (watch_rate_count(&p->unsolicited, &unsolicited, at->now))
        TELL("dnp3-unsolicited-storm", "%u in 10 s, the most was %u", p->unsolicited.n,
             p->unsolicited.most);
}

/* ---- Messages ---- */

void
poll_watch_message(struct poll_watch *w, const struct sight *at)
{
    const struct pdu *m = at->pdu;
    poll_watch_heard(w, at->now);
    if (!at->conversation->key.ip || m->protocol == &ptp_protocol || m->kind == PDU_LINK)
        return;
    bool is_request = m->kind == PDU_REQUEST;
    struct pair *p = pair_of(w, at, is_request);
    count_connection(w, p, at, is_request ? !at->way : at->way);
    if (is_request) {
        count_request(w, p, at);
        take_request(w, p, at);
    } else if (m->kind != PDU_REPORT) {
        count_answer(p, at->now);
    } else if (m->protocol == &dnp3 && m->function == DNP3_UNSOLICITED_RESPONSE) {
        count_unsolicited(w, p, at);
    }
}

void
poll_watch_heard(struct poll_watch *w, nsec_t now)
{
    if (now - w->heard > DEAF_AFTER)
        w->resumed = now;
    w->heard = MAX(w->heard, now);
}

/* A client that asks a server nothing any more is told of once. */
static void
lose(struct poll_watch *w, struct poll *p, nsec_t now)
{
    const struct sight at = {.now = now};
    char object[WATCH_TEXT_MAX];
    struct pair *pair = watch_table_find(w->pairs, &p->pair);
    bool is_quiet = pair && (double)(now - pair->asked_at) > QUIET_PERIODS * p->mean;
    p->is_lost = true;
    p->is_told = !is_quiet || !pair->is_quiet;
    if (is_quiet)
        pair->is_quiet = true;
    if (p->is_told)
        watch_tell(&w->config, &at, "poll-lost", object_of(p, object),
                   "nothing for %.3f s, every %.3f s was usual", seconds((double)(now - p->last)),
                   seconds(p->mean));
}

static void
judge_silence(struct poll_watch *w, struct poll *p, nsec_t now)
{
    nsec_t since = MAX(p->last, w->resumed);
    if (now <= w->dues[p->at] || (double)(w->heard - since) <= (LOST_PERIODS - 1) * p->mean)
        return;
    w->dues[p->at] = NSEC_NEVER;
    lose(w, p, now);
}

void
poll_watch_tick(struct poll_watch *w, nsec_t now)
{
    struct poll *p = NULL;
    uint32_t n = watch_table_number(w->polls), n_due = 0, one = 0;
    if (now <= w->due)
        return;
    for (uint32_t i = 0; i < n; i++) {
        n_due += now > w->dues[i];
        one = now > w->dues[i] ? i : one;
    }
    if (n_due == 1)
        judge_silence(w, watch_table_at(w->polls, one), now);
    else if (n_due)
        while ((p = watch_table_next(w->polls, p)))
            judge_silence(w, p, now);
    w->due = NSEC_NEVER;
    for (uint32_t i = 0; i < n; i++)
        w->due = MIN(w->due, w->dues[i]);
}
