#include "detect/goose_watch.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "detect/elapsed.h"
#include "proto/ot/goose/goose_protocol.h"

#include <inttypes.h>
#include <stdlib.h>

#define PUBLISHERS 1024
#define MANY_PAUSE (60 * NSEC_PER_SEC)
#define REFERENCE_SIZE 132 /* ObjectReference has 129 characters at most */
#define RECENT 8           /* messages that may come again over another way */
#define COPIES 4           /* two networks, each mirrored twice; more are none */
#define COPY_WITHIN (100 * NSEC_PER_MSEC)
#define STALE (10 * NSEC_PER_SEC) /* that t may be older than it ever was */
#define STATES_TO_LEARN 3         /* by which it is known how old a publisher's t is */
#define STRICT 16                 /* messages by which it is known that t is the state's */
#define SAME_TICK NSEC_PER_SEC    /* clocks of devices are coarse: states may have the same t */
#define LIFE_MAX (3600 * NSEC_PER_SEC)

/* Messages of one publisher in a second. The burst behind a new state has about 10. */
static const struct watch_rate_limits flood = {
    .window = NSEC_PER_SEC, .least = 50, .factor = 4, .windows = 10, .before = 500};

struct key {
    char reference[REFERENCE_SIZE];
    uint32_t is_simulated; /* a test set speaks beside the real one */
};

/* What a message says. */
struct said {
    struct key key;
    struct end who;
    uint32_t state, sequence;
    nsec_t t, life;
    bool needs_commissioning;
    uint16_t appid;
    uint32_t configuration, entries;
    uint64_t data_set, id, types;
    uint64_t values; /* but for times in it */
    uint64_t all;    /* everything, and who says it */
};

struct publisher {
    struct key key;
    struct said last; /* that counts */
    nsec_t heard, expires;
    bool is_expired;
    struct {
        uint64_t hash;
        nsec_t time;
        uint32_t n;
    } recent[RECENT];
    uint32_t next_recent;
    nsec_t age_most; /* of t when a new state was told */
    uint32_t n_states;
    nsec_t interval; /* the shortest that was heard */
    nsec_t state_began;
    uint64_t state_values; /* that it began with */
    uint32_t n_strict;     /* messages of a state that left its t alone */
    bool is_loose;         /* it did not so from the beginning: its t is the message's */
    struct watch_rate rate;
};

struct goose_watch {
    struct watch_config config;
    struct peer_watch *peers;
    struct watch_table *publishers;
    nsec_t told_many; /* that there are too many; 0: not yet */
};

struct goose_watch *
goose_watch_new(const struct watch_config *config, struct peer_watch *peers)
{
    struct goose_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->peers = peers;
    w->publishers = watch_table_of(config, PUBLISHERS, sizeof(struct publisher),
                                   sizeof(struct key));
    return w;
}

void
goose_watch_free(struct goose_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->publishers);
    free(w);
}

/* ---- Reading a message ---- */

static bool
is_value(uint16_t id)
{
    return id >= GOOSE_FIELD_BOOLEAN && id <= GOOSE_FIELD_OCTETS;
}

static void
read_header(const struct field *f, struct said *s)
{
    switch (f->id) {
    case PROCESS_BUS_APPID:
        s->appid = (uint16_t)f->u;
        break;
    case PROCESS_BUS_SIMULATED:
    case GOOSE_FIELD_SIMULATION:
        s->key.is_simulated |= f->u != 0;
        break;
    case GOOSE_FIELD_GOCB_REF:
        watch_text(s->key.reference, sizeof s->key.reference, f->octets, f->n);
        break;
    case GOOSE_FIELD_TIME_ALLOWED_TO_LIVE:
        s->life = (nsec_t)MIN(f->u, (uint64_t)(LIFE_MAX / NSEC_PER_MSEC)) * NSEC_PER_MSEC;
        break;
    case GOOSE_FIELD_DAT_SET:
        s->data_set = hash_bytes(f->octets, f->n, 1);
        break;
    case GOOSE_FIELD_GO_ID:
        s->id = hash_bytes(f->octets, f->n, 2);
        break;
    case GOOSE_FIELD_T:
        s->t = f->i;
        break;
    case GOOSE_FIELD_ST_NUM:
        s->state = (uint32_t)f->u;
        break;
    case GOOSE_FIELD_SQ_NUM:
        s->sequence = (uint32_t)f->u;
        break;
    case GOOSE_FIELD_CONF_REV:
        s->configuration = (uint32_t)f->u;
        break;
    case GOOSE_FIELD_NDS_COM:
        s->needs_commissioning = f->u != 0;
        break;
    case GOOSE_FIELD_ENTRIES:
        s->entries = (uint32_t)f->u;
        break;
    default:
        break;
    }
}

/* False: it lacks what a message is known by. */
static bool
read_message(const struct sight *at, struct said *s)
{
    const struct pdu *p = at->pdu;
    bool has_numbers = false, has_reference = false;
    memset(s, 0, sizeof *s); /* its key is compared as octets */
    s->who = at->conversation->key.ends[at->way];
    s->all = hash_bytes(&s->who, sizeof s->who, 3);
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        uint64_t alone = watch_hash_field(p, f, 0);
        s->all = hash_add(s->all, alone);
        if (!f->object) {
            has_numbers |= f->id == GOOSE_FIELD_ST_NUM;
            has_reference |= f->id == GOOSE_FIELD_GOCB_REF;
            read_header(f, s);
        } else if (f->id == GOOSE_FIELD_TYPE) {
            s->types = hash_add(s->types, alone);
        } else if (is_value(f->id)) {
            s->values = hash_add(s->values, alone);
        }
    }
    return has_numbers && has_reference;
}

/* ---- Judging it ---- */

/* Over the wrap, which leaves 0 out: as in goose_subscriber.c. */
static int64_t
distance(uint32_t from, uint32_t to)
{
    int32_t ahead = (int32_t)(to - from);
    return ahead > 0 && to < from ? (int64_t)ahead - 1 : ahead;
}

struct judging {
    struct goose_watch *w;
    struct publisher *p;
    const struct said *said, *last;
    const struct sight *at;
};

#define TELL(j, name, ...)                                                                         \
    watch_tell(&(j)->w->config, (j)->at, name, (j)->p->key.reference, __VA_ARGS__)

/* It has come over another way just now. */
static bool
is_copy(const struct judging *j)
{
    struct publisher *p = j->p;
    nsec_t now = j->at->now;
    for (unsigned i = 0; i < RECENT; i++) {
        nsec_t passed = now - p->recent[i].time; /* below 0: by another interface */
        if (p->recent[i].hash != j->said->all || passed >= COPY_WITHIN || passed <= -COPY_WITHIN)
            continue;
        if (++p->recent[i].n == COPIES + 1)
            TELL(j, "goose-repeated", "stNum %u sqNum %u more than %d times", j->said->state,
                 j->said->sequence, COPIES);
        return true;
    }
    p->recent[p->next_recent].hash = j->said->all;
    p->recent[p->next_recent].time = now;
    p->recent[p->next_recent].n = 1;
    p->next_recent = (p->next_recent + 1) % RECENT;
    return false;
}

static void
judge_configuration(const struct judging *j)
{
    const struct said *a = j->last, *b = j->said;
    if (a->configuration != b->configuration)
        TELL(j, "goose-conf-rev-changed", "confRev %u after %u", b->configuration,
             a->configuration);
    if (a->data_set != b->data_set)
        TELL(j, "goose-dat-set-changed", "another datSet with confRev %u", b->configuration);
    if (a->id != b->id)
        TELL(j, "goose-id-changed", "another goID with confRev %u", b->configuration);
    if (a->appid != b->appid)
        TELL(j, "goose-appid-changed", "APPID %04x after %04x", b->appid, a->appid);
    if (a->entries != b->entries)
        TELL(j, "goose-entries-changed", "%u entries after %u", b->entries, a->entries);
    else if (a->types != b->types)
        TELL(j, "goose-types-changed", "entries of other types with confRev %u", b->configuration);
    if (!a->needs_commissioning && b->needs_commissioning)
        TELL(j, "goose-needs-commissioning", "ndsCom is set");
}

/* A device that lost its memory counts from 1 again; t tells that from an old message. One without
 * a clock may begin at 1970: it was silent before. */
static bool
is_restart(const struct judging *j)
{
    const struct said *s = j->said;
    bool is_first = s->state == 1 && s->sequence <= 1;
    bool is_back = distance(j->last->state, s->state) < 0 ||
                   (s->state == j->last->state && s->sequence < j->last->sequence);
    return is_first && is_back && (s->t > j->last->t || j->p->is_expired);
}

/* Messages that were lost took their time; numbers that jump do not. */
static void
judge_missing(const struct judging *j, int64_t missing)
{
    nsec_t passed = j->at->now - j->p->heard;
    char text[WATCH_TIME_SIZE];
    watch_time(passed, text);
    if (j->p->interval && passed >= j->p->interval * MIN(missing, INT64_C(1) << 20))
        TELL(j, "goose-messages-missing", "sqNum %u after %u, %s later", j->said->sequence,
             j->last->sequence, text);
    else
        TELL(j, "goose-sequence-jumped", "sqNum %u after %u within %s", j->said->sequence,
             j->last->sequence, text);
}

/* True: it counts. */
static bool
judge_same_state(const struct judging *j)
{
    const struct said *a = j->last, *b = j->said;
    int64_t ahead = distance(a->sequence, b->sequence);
    bool is_other = a->values != b->values;
    char text[WATCH_TIME_SIZE];
    if (ahead < 0) {
        TELL(j, "goose-sequence-went-back", "sqNum %u after %u of stNum %u%s", b->sequence,
             a->sequence, b->state, is_other ? ", other values" : "");
        return false;
    }
    if (!ahead && (is_other || a->t != b->t)) {
        TELL(j, "goose-numbers-again", "stNum %u sqNum %u again with %s", b->state, b->sequence,
             is_other ? "other values" : "another t");
        return false;
    }
    if (!ahead) {
        TELL(j, "goose-repeated", "stNum %u sqNum %u again, %s later", b->state, b->sequence,
             watch_time(j->at->now - j->p->heard, text));
        return false;
    }
    if (ahead > 1)
        judge_missing(j, ahead - 1);
    j->p->is_loose |= a->t != b->t && j->p->n_strict < STRICT;
    j->p->n_strict += a->t == b->t;
    if (j->p->is_loose)
        return true;
    if (b->values != j->p->state_values)
        TELL(j, "goose-change-without-state", "other values with sqNum %u of stNum %u", b->sequence,
             b->state);
    else if (a->t != b->t)
        TELL(j, "goose-t-without-state", "t is %s further with sqNum %u of stNum %u",
             watch_time(b->t - a->t, text), b->sequence, b->state);
    return true;
}

static void
judge_age(const struct judging *j)
{
    struct publisher *p = j->p;
    nsec_t age = j->at->now - j->said->t;
    char text[WATCH_TIME_SIZE];
    if (p->n_states >= STATES_TO_LEARN && age > p->age_most + STALE)
        TELL(j, "goose-t-stale", "t of the new stNum %u is %s old", j->said->state,
             watch_time(age, text));
    else if (!p->n_states || age > p->age_most)
        p->age_most = age;
    p->n_states++;
}

static void
judge_new_state(const struct judging *j, int64_t ahead)
{
    const struct said *a = j->last, *b = j->said;
    char text[WATCH_TIME_SIZE];
    if (ahead > 1)
        TELL(j, "goose-state-jumped", "stNum %u after %u", b->state, a->state);
    else if (b->sequence > 1)
        judge_missing(j, b->sequence);
    if (a->values == b->values && a->types == b->types && !j->p->is_loose)
        TELL(j, "goose-state-without-change", "stNum %u after %u, same values", b->state, a->state);
    if (b->t < a->t)
        TELL(j, "goose-t-went-back", "t of stNum %u is %s before that of %u", b->state,
             watch_time(a->t - b->t, text), a->state);
    else if (b->t == a->t && j->at->now - j->p->state_began > SAME_TICK && !j->p->is_loose)
        TELL(j, "goose-t-stood-still", "t of stNum %u is that of %u", b->state, a->state);
    if (ahead == 1 && b->sequence <= 1)
        judge_age(j);
}

/* True: it counts. */
static bool
judge_numbers(const struct judging *j)
{
    int64_t ahead = distance(j->last->state, j->said->state);
    if (is_restart(j)) {
        TELL(j, "goose-restarted", "stNum 1 sqNum %u after %u and %u", j->said->sequence,
             j->last->state, j->last->sequence);
        j->p->n_states = 0;
        return true;
    }
    if (ahead < 0) {
        TELL(j, "goose-state-went-back", "stNum %u after %u%s", j->said->state, j->last->state,
             j->said->values == j->last->values ? "" : ", other values");
        return false;
    }
    if (!ahead)
        return judge_same_state(j);
    judge_new_state(j, ahead);
    return true;
}

/* ---- What is kept of it ---- */

static void
take(struct publisher *p, const struct said *said, nsec_t now)
{
    nsec_t passed = now - p->heard;
    if (p->heard && passed > 0 && (!p->interval || passed < p->interval))
        p->interval = passed;
    bool is_restarted = said->sequence < p->last.sequence; /* or it would not count */
    if (!p->heard || p->is_expired || p->last.state != said->state || is_restarted) {
        p->state_began = now;
        p->state_values = said->values;
    }
    p->last = *said;
    p->heard = now;
    p->is_expired = false;
    p->expires = said->life ? now + said->life : NSEC_NEVER;
}

static void
expire(struct goose_watch *w, struct publisher *p, const struct sight *at)
{
    char text[WATCH_TIME_SIZE];
    p->is_expired = true;
    peer_watch_gone(w->peers, p->key.reference);
    watch_tell(&w->config, at, "goose-expired", p->key.reference,
               "silent for %s, timeAllowedtoLive was %" PRId64 " ms",
               watch_time(at->now - p->heard, text), p->last.life / NSEC_PER_MSEC);
}

static void
judge(const struct judging *j)
{
    struct publisher *p = j->p;
    nsec_t now = j->at->now;
    bool is_other = memcmp(&j->said->who, &j->last->who, sizeof j->said->who) != 0;
    char was[WATCH_TIME_SIZE];
    if (is_other)
        TELL(j, "goose-publisher-changed", "another sender, %s after the last message of the first",
             watch_time(now - p->heard, was));
    if (is_other && !p->is_expired)
        return;
    judge_configuration(j);
    if (p->is_expired)
        TELL(j, "goose-returned", "stNum %u sqNum %u after %u and %u, silent for %s",
             j->said->state, j->said->sequence, j->last->state, j->last->sequence,
             watch_time(now - p->heard, was));
    bool begins = p->is_expired || is_restart(j), has_changed = j->last->values != j->said->values;
    if (p->is_expired ? !is_restart(j) || judge_numbers(j) : judge_numbers(j)) {
        take(p, j->said, now);
        if ((begins || has_changed) && !p->key.is_simulated)
            peer_watch_goose(j->w->peers, j->at, p->key.reference, !begins);
    }
}

/* Another was forgotten for it; what it says next is taken as the first. */
static void
judge_many(const struct judging *j, uint32_t n)
{
    nsec_t now = j->at->now, *told = &j->w->told_many;
    if (*told && !has_elapsed(now, *told, MANY_PAUSE))
        return;
    *told = MAX(now, 1);
    TELL(j, "goose-too-many", "more than %u publishers: the longest silent are forgotten", n);
}

void
goose_watch_message(struct goose_watch *w, const struct sight *at)
{
    struct said said;
    bool is_new;
    if (at->pdu->protocol != &goose_protocol || at->pdu->function != GOOSE_PUBLISH ||
        !read_message(at, &said))
        return;
    uint32_t n = watch_table_number(w->publishers);
    struct publisher *p = watch_table_get(w->publishers, &said.key, &is_new);
    const struct judging j = {w, p, &said, &p->last, at};
    if (is_new && watch_table_number(w->publishers) == n)
        judge_many(&j, n);
    if (watch_rate_count(&p->rate, &flood, at->now))
        TELL(&j, "goose-flood", "%u messages in a second, the most was %u", p->rate.n,
             p->rate.most);
    if (is_copy(&j))
        return;
    if (!is_new) {
        judge(&j);
        return;
    }
    if (said.key.is_simulated)
        TELL(&j, "goose-simulated", "the simulation bit is set");
    if (said.needs_commissioning)
        TELL(&j, "goose-needs-commissioning", "ndsCom is set");
    take(p, &said, at->now);
    if (!said.key.is_simulated)
        peer_watch_goose(w->peers, at, said.key.reference, false);
}

void
goose_watch_tick(struct goose_watch *w, nsec_t now)
{
    const struct sight at = {.now = now};
    struct publisher *p = NULL;
    while ((p = watch_table_next(w->publishers, p))) {
        if (now > p->expires && !p->is_expired)
            expire(w, p, &at);
    }
}
