#include "proto/ot/goose/goose_subscriber.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

struct goose_subscriber {
    char *gocb_ref, *dat_set, *go_id;
    uint16_t appid;
    uint32_t conf_rev;
    bool simulation;     /* take simulated messages */
    bool simulated_seen; /* and since one came, only those */
    enum { WAITING, VALID, SILENT } state;
    uint32_t st_num, sq_num; /* of the last message taken */
    nsec_t t;                /* of the last state */
    uint64_t values_hash;
    nsec_t expires;
    struct goose_subscriber_counters counters;
};

static const char *const event_names[GOOSE_EVENT_MAX] = {
    [GOOSE_FIRST] = "first",
    [GOOSE_NEW_STATE] = "new-state",
    [GOOSE_RESTART] = "restart",
    [GOOSE_RETRANSMISSION] = "retransmission",
    [GOOSE_RECOVERED] = "recovered",
    [GOOSE_DUPLICATE] = "duplicate",
    [GOOSE_OLD] = "old",
    [GOOSE_MISMATCH] = "mismatch",
    [GOOSE_SIMULATED] = "simulated",
    [GOOSE_FOREIGN] = "foreign",
};

const char *
goose_event_name(enum goose_event_kind kind)
{
    return kind < GOOSE_EVENT_MAX ? event_names[kind] : "?";
}

bool
goose_event_has_state(enum goose_event_kind kind)
{
    return kind == GOOSE_FIRST || kind == GOOSE_NEW_STATE || kind == GOOSE_RESTART ||
           kind == GOOSE_RECOVERED;
}

static char *
copy(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

struct goose_subscriber *
goose_subscriber_new(const struct goose_subscriber_config *config)
{
    struct goose_subscriber *s = xcalloc(1, sizeof *s);
    s->gocb_ref = copy(config->gocb_ref);
    s->dat_set = copy(config->dat_set);
    s->go_id = copy(config->go_id);
    s->appid = config->appid;
    s->conf_rev = config->conf_rev;
    s->simulation = config->simulation;
    s->expires = NSEC_NEVER;
    return s;
}

void
goose_subscriber_free(struct goose_subscriber *s)
{
    if (!s)
        return;
    free(s->gocb_ref);
    free(s->dat_set);
    free(s->go_id);
    free(s);
}

static bool
text_is(struct ber_text text, const char *expected)
{
    return text.size == strlen(expected) && !memcmp(text.data, expected, text.size);
}

/* The field in which the message is not what was engineered, NULL if it is all right. */
static const char *
find_mismatch(const struct goose_subscriber *s, const struct goose_pdu *pdu)
{
    if (s->dat_set && !text_is(pdu->dat_set, s->dat_set))
        return "datSet";
    if (s->go_id && (!pdu->go_id.data || !text_is(pdu->go_id, s->go_id)))
        return "goID";
    if (s->conf_rev && pdu->conf_rev != s->conf_rev)
        return "confRev";
    return pdu->nds_com ? "ndsCom" : NULL;
}

/* LPHD.Sim of IEC 61850-7-4: while it is on, simulated messages replace the real ones from the
 * first of them on; while it is off they are ignored. */
static bool
passes_simulation(struct goose_subscriber *s, const struct goose_pdu *pdu)
{
    bool simulated = pdu->simulation || pdu->header.reserved1 & IEC61850_SIMULATED;
    if (simulated && !s->simulation)
        return false;
    s->simulated_seen |= simulated;
    return simulated || !s->simulated_seen;
}

/* How far `to` is ahead of `from`, over the wrap that leaves 0 out; negative when behind. */
static int64_t
distance(uint32_t from, uint32_t to)
{
    int32_t ahead = (int32_t)(to - from);
    if (ahead > 0 && to < from)
        return (int64_t)ahead - 1;
    return ahead;
}

/* A publisher that lost its memory counts from 1 again; t tells it from a replayed message. */
static bool
is_restart(const struct goose_subscriber *s, const struct goose_pdu *pdu)
{
    return pdu->st_num == 1 && pdu->sq_num <= 1 && iec61850_time_wall(pdu->t) > s->t;
}

static struct goose_event
judge_same_state(const struct goose_subscriber *s, const struct goose_pdu *pdu, uint64_t hash)
{
    int64_t ahead = distance(s->sq_num, pdu->sq_num);
    struct goose_event event = {.kind = GOOSE_RETRANSMISSION};
    if (ahead <= 0 && is_restart(s, pdu))
        event.kind = GOOSE_RESTART;
    else if (ahead <= 0)
        event.kind = ahead ? GOOSE_OLD : GOOSE_DUPLICATE;
    else
        event.missed_messages = (uint32_t)(ahead - 1);
    event.altered = event.kind != GOOSE_RESTART &&
                    (hash != s->values_hash || iec61850_time_wall(pdu->t) != s->t);
    return event;
}

static struct goose_event
judge(const struct goose_subscriber *s, const struct goose_pdu *pdu, uint64_t hash)
{
    if (s->state == WAITING)
        return (struct goose_event){.kind = GOOSE_FIRST};
    if (s->state == SILENT)
        return (struct goose_event){.kind = GOOSE_RECOVERED};
    int64_t ahead = distance(s->st_num, pdu->st_num);
    if (ahead == 0)
        return judge_same_state(s, pdu, hash);
    if (ahead > 0)
        return (struct goose_event){.kind = GOOSE_NEW_STATE,
                                    .missed_states = (uint32_t)(ahead - 1),
                                    .missed_messages = pdu->sq_num};
    return (struct goose_event){.kind = is_restart(s, pdu) ? GOOSE_RESTART : GOOSE_OLD};
}

static void
take(struct goose_subscriber *s, const struct goose_pdu *pdu, uint64_t hash, nsec_t now)
{
    s->state = VALID;
    s->st_num = pdu->st_num;
    s->sq_num = pdu->sq_num;
    s->t = iec61850_time_wall(pdu->t);
    s->values_hash = hash;
    s->expires = now + pdu->time_allowed_to_live_ms * NSEC_PER_MSEC;
}

struct goose_event
goose_subscriber_input(struct goose_subscriber *s, const struct goose_pdu *pdu, nsec_t now)
{
    struct goose_event event = {.kind = GOOSE_FOREIGN};
    if (pdu->header.appid == s->appid && text_is(pdu->gocb_ref, s->gocb_ref)) {
        uint64_t hash = hash_bytes(pdu->all_data, pdu->all_data_size, hash_secret());
        event.field = find_mismatch(s, pdu);
        if (event.field)
            event.kind = GOOSE_MISMATCH;
        else if (!passes_simulation(s, pdu))
            event.kind = GOOSE_SIMULATED;
        else
            event = judge(s, pdu, hash);
        if (goose_event_has_state(event.kind) || event.kind == GOOSE_RETRANSMISSION)
            take(s, pdu, hash, now);
    }
    s->counters.events[event.kind]++;
    s->counters.missed_states += event.missed_states;
    s->counters.missed_messages += event.missed_messages;
    s->counters.altered += event.altered;
    return event;
}

nsec_t
goose_subscriber_next(const struct goose_subscriber *s)
{
    return s->expires;
}

bool
goose_subscriber_expire(struct goose_subscriber *s, nsec_t now)
{
    if (s->state != VALID || now < s->expires)
        return false;
    s->state = SILENT;
    s->expires = NSEC_NEVER;
    s->counters.lost++;
    return true;
}

const struct goose_subscriber_counters *
goose_subscriber_counters(const struct goose_subscriber *s)
{
    return &s->counters;
}
