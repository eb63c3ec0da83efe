#include "detect/answer_watch.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "detect/elapsed.h"
#include "proto/ot/dnp3/dnp3.h"
#include "proto/ot/iec104/iec104.h"
#include "proto/ot/modbus/modbus.h"

#include <stdlib.h>

#define TALKS 1024
#define POLLED 1024
#define ASKED 16 /* requests of a conversation that are remembered; a power of 2 */
#define SURE 1   /* answers that fitted: of one who is heard both ways */
#define OPEN_MAX 8
#define TTL_STEP 5 /* as of tcp_watch.c */
#define COPY_WITHIN (100 * NSEC_PER_MSEC)
#define LEARN (60 * NSEC_PER_SEC)
#define LOSS_WITHIN (60 * NSEC_PER_SEC)
#define PROTO_TCP 6
#define PROTO_UDP 17
#define EVERYBODY 0xffff /* a common address of -104 */
#define STARTDT (IEC104_U_FORMAT | 0x07)
#define ACTIVATION_CONFIRMED 7
#define DEACTIVATION_CONFIRMED 9
#define UNKNOWN_TYPE 44

struct asked {
    uint64_t answer; /* hash of the last one; 0: it is not needed */
    nsec_t answered;
    uint32_t function, quantity;
    uint8_t n_open; /* times that it was asked, and not answered */
    bool is_there;
};

/* A conversation. */
struct talk {
    struct conversation_key key;
    uint64_t serial, lost;
    uint64_t numbers[ASKED]; /* of the requests */
    struct asked asked[ASKED];
    unsigned last;              /* the newest of them */
    const struct asked *newest; /* what was asked last, maybe again */
    uint32_t n_fit;
    nsec_t odd;      /* the last datagram that answered what was not heard; 0: none */
    bool is_started; /* something was asked in it, or that is not known */
    struct mac mac;  /* of who answers */
    uint8_t ttl;
};

/* Compared as octets. */
struct polled_key {
    uint8_t address[16];
    uint32_t ip, station;
};

struct polled {
    struct polled_key key;
    bool is_asked, is_told;
};

struct answer_watch {
    struct watch_config config;
    struct watch_table *talks, *polled;
    nsec_t since; /* the first that was asked of an outstation */
};

struct answer_watch *
answer_watch_new(const struct watch_config *config)
{
    struct answer_watch *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->talks = watch_table_of(config, TALKS, sizeof(struct talk), sizeof(struct conversation_key));
    w->polled = watch_table_of(config, POLLED, sizeof(struct polled), sizeof(struct polled_key));
    return w;
}

void
answer_watch_free(struct answer_watch *w)
{
    if (!w)
        return;
    watch_table_free(w->talks);
    watch_table_free(w->polled);
    free(w);
}

#define TELL(name, ...)                                                                            \
    watch_tell(&w->config, at, name,                                                               \
               watch_address(&at->conversation->key, at->way, (char[WATCH_ADDRESS_SIZE]){""}),     \
               __VA_ARGS__)

/* ---- What a message says ---- */

struct said {
    bool asks, answers;
    uint64_t number;
    uint64_t other; /* that it may answer, too; 0: none */
    uint32_t station;
    uint32_t quantity; /* of registers; 0: it does not say */
    bool is_to_be_confirmed;
};

/* Transaction and unit stand first. */
static void
read_modbus(const struct pdu *p, struct said *s)
{
    s->asks = p->kind == PDU_REQUEST;
    s->answers = p->kind == PDU_RESPONSE || p->kind == PDU_REFUSAL;
    for (uint32_t i = 0; i < p->n_fields && !p->fields[i].object; i++) {
        const struct field *f = &p->fields[i];
        if (f->id == MODBUS_TRANSACTION)
            s->number = f->u << 8;
        else if (f->id == MODBUS_UNIT)
            s->number |= f->u;
        else if (f->id == MODBUS_QUANTITY && s->asks)
            s->quantity = (uint32_t)f->u;
        else if (f->id == MODBUS_WORDS && p->kind == PDU_RESPONSE)
            s->quantity = f->n;
    }
}

static void
read_dnp3(const struct pdu *p, struct said *s)
{
    uint64_t from = 0, to = 0, sequence = 0;
    bool continues = false;
    for (uint32_t i = 0; i < p->n_fields && !p->fields[i].object; i++) {
        const struct field *f = &p->fields[i];
        from = f->id == DNP3_SOURCE ? f->u : from;
        to = f->id == DNP3_DESTINATION ? f->u : to;
        sequence = f->id == DNP3_APP_SEQUENCE ? f->u : sequence;
        continues |= f->id == DNP3_CONTINUES;
        s->is_to_be_confirmed |= f->id == DNP3_CONFIRM && f->u;
    }
    s->asks = p->kind == PDU_REQUEST;
    s->answers = (p->kind == PDU_RESPONSE || p->kind == PDU_REFUSAL) && !continues;
    s->station = (uint32_t)(s->asks ? to : from);
    s->number = (s->asks ? to << 32 | from << 16 : from << 32 | to << 16) | sequence;
}

static void
read_iec104(const struct pdu *p, struct said *s)
{
    uint32_t cause = 0, common = 0, object = 0;
    for (uint32_t i = 0; i < p->n_fields && p->fields[i].object <= 1; i++) {
        const struct field *f = &p->fields[i];
        cause = f->id == IEC104_CAUSE ? (uint32_t)f->u : cause;
        common = f->id == IEC104_COMMON_ADDRESS ? (uint32_t)f->u : common;
        object = f->id == IEC104_OBJECT_ADDRESS ? (uint32_t)f->u : object;
    }
    s->asks = p->kind == PDU_REQUEST || p->function == STARTDT;
    s->answers = cause == ACTIVATION_CONFIRMED || cause == DEACTIVATION_CONFIRMED ||
                 (cause >= UNKNOWN_TYPE && cause <= UNKNOWN_TYPE + 3);
    s->number = (uint64_t)p->function << 48 | (uint64_t)object << 16;
    s->other = s->number | EVERYBODY;
    s->number |= common;
}

/* ---- Conversations ---- */

static struct talk *
talk_of(struct answer_watch *w, const struct sight *at)
{
    const struct conversation *c = at->conversation;
    struct talk *t = watch_table_again(w->talks, at->memory->answers);
    bool is_new;
    bool was_there = at->memory->is_late || at->memory->answers.generation;
    if (!t) {
        t = watch_table_get(w->talks, &c->key, &is_new);
        at->memory->answers = watch_table_place(w->talks, t);
    }
    if (t->serial != c->serial) {
        memset((char *)t + sizeof t->key, 0, sizeof *t - sizeof t->key);
        t->serial = c->serial;
        t->is_started = was_there; /* what it was is forgotten */
    }
    uint64_t lost = c->lost[0] + c->lost[1];
    if (t->lost != lost)
        t->n_fit = 0;
    t->lost = lost;
    return t;
}

static struct asked *
find(struct talk *t, uint64_t number)
{
    for (unsigned i = 0; i < ASKED; i++) {
        unsigned at = (t->last - i) & (ASKED - 1);
        if (t->numbers[at] == number && t->asked[at].is_there)
            return &t->asked[at];
    }
    return NULL;
}

static struct polled *
polled_of(struct answer_watch *w, const struct sight *at, unsigned end, uint32_t station)
{
    const struct conversation_key *k = &at->conversation->key;
    struct polled_key key = {.ip = k->ip, .station = station};
    bool is_new;
    memcpy(key.address, k->ends[end].address, sizeof key.address);
    return watch_table_get(w->polled, &key, &is_new);
}

static void
take_request(struct answer_watch *w, struct talk *t, const struct said *s, const struct sight *at)
{
    struct asked *a = find(t, s->number);
    bool is_dnp3 = at->pdu->protocol == &dnp3;
    if (is_dnp3)
        polled_of(w, at, !at->way, s->station)->is_asked = true;
    if (!a) {
        t->last = (t->last + 1) & (ASKED - 1);
        a = &t->asked[t->last];
        *a = (struct asked){.is_there = true};
        t->numbers[t->last] = s->number;
    }
    t->newest = a;
    a->function = at->pdu->function;
    a->quantity = s->quantity;
    a->n_open = (uint8_t)MIN(a->n_open + 1, OPEN_MAX);
    if (is_dnp3 && !w->since)
        w->since = at->now;
    t->is_started = true;
}

/* ---- Answers ---- */

static uint64_t
hash_answer(const struct pdu *p)
{
    uint64_t hash = hash_add(p->function, p->error);
    for (uint32_t i = 0; i < p->n_fields; i++)
        hash = watch_hash_field(p, &p->fields[i], hash);
    return hash;
}

/* Only of these it is asked whether they come again: in a stream the same octets do not, but what
 * DNP3 wants to be confirmed is repeated until it is. */
static bool
may_repeat(const struct said *s, const struct sight *at)
{
    return s->is_to_be_confirmed || at->conversation->key.proto == PROTO_UDP;
}

/* It comes over another way, or because nobody has confirmed it. */
static bool
is_copy(const struct asked *a, const struct said *s, const struct sight *at)
{
    nsec_t passed = at->now - a->answered; /* below 0: by another interface */
    bool is_near = passed > -COPY_WITHIN && passed < COPY_WITHIN;
    return may_repeat(s, at) && (is_near || s->is_to_be_confirmed) &&
           a->answer == hash_answer(at->pdu);
}

/* Who sends it; what is not known is left out. */
static void
judge_sender(struct answer_watch *w, struct talk *t, const struct sight *at)
{
    struct mac mac = at->conversation->macs[at->way];
    uint8_t ttl = at->memory->ttl[at->way];
    char a[MAC_TEXT_SIZE], b[MAC_TEXT_SIZE];
    if (at->conversation->key.proto != PROTO_UDP)
        return;
    if (!mac_is_zero(&t->mac) && !mac_equal(&t->mac, &mac) && !watch_mac_is_virtual(&t->mac) &&
        !watch_mac_is_virtual(&mac))
        TELL("answer-by-other", "from %s, answers came from %s", mac_format(&mac, a),
             mac_format(&t->mac, b));
    else if (t->ttl && ttl && abs(t->ttl - ttl) >= TTL_STEP)
        TELL("answer-by-other", "TTL %u, answers had %u", ttl, t->ttl);
    t->mac = mac;
    t->ttl = ttl;
}

/* It is one to what was asked; true: it says what was asked for. */
static bool
judge_fit(struct answer_watch *w, const struct talk *t, const struct asked *a, const struct said *s,
          const struct sight *at)
{
    const struct pdu *p = at->pdu;
    if (a->n_open > 1 || p->protocol != &modbus || p->kind == PDU_REFUSAL)
        return true;
    if (p->function != a->function) {
        if (t->n_fit >= SURE)
            TELL("answer-differs", "function %u to what asked for %u", p->function, a->function);
        return false;
    }
    if (s->quantity && a->quantity && s->quantity != a->quantity) {
        if (t->n_fit >= SURE)
            TELL("answer-differs", "%u registers to what asked for %u", s->quantity, a->quantity);
        return false;
    }
    return true;
}

static const char *
name_of(const struct pdu *p)
{
    return p->info ? p->info->name : "of a function that is not known";
}

/* One datagram may have been lost on its way to the sensor, and nothing says so; of what was asked
 * last that is known. */
static bool
may_be_lost(struct talk *t, const struct asked *a, const struct sight *at)
{
    nsec_t before = t->odd;
    if (at->conversation->key.proto != PROTO_UDP || (a && a == t->newest))
        return false;
    t->odd = MAX(at->now, 1);
    return !before || has_elapsed(at->now, before, LOSS_WITHIN);
}

static void
take_answer(struct answer_watch *w, struct talk *t, const struct said *s, const struct sight *at)
{
    struct asked *a = find(t, s->number), *all = s->other ? find(t, s->other) : NULL;
    bool is_to_all = all && all->n_open && (!a || !a->n_open || a == all);
    if (is_to_all) /* each of the stations confirms what all were asked */
        a = all;
    if (!a || !a->n_open) {
        if (at->memory->lacks[at->way]) /* it answers what was not heard */
            t->n_fit = 0;
        if (t->n_fit < SURE || (a && is_copy(a, s, at)))
            return;
        judge_sender(w, t, at);
        if (may_be_lost(t, a, at))
            return;
        if (a)
            TELL("answer-twice", "a second answer to one request, %s", name_of(at->pdu));
        else
            TELL("answer-unasked", "an answer to what is none of the last %d requests, %s", ASKED,
                 name_of(at->pdu));
        return;
    }
    judge_sender(w, t, at);
    bool fits = judge_fit(w, t, a, s, at);
    if (!is_to_all)
        a->n_open--;
    a->answer = may_repeat(s, at) ? hash_answer(at->pdu) : 0;
    a->answered = at->now;
    t->n_fit += fits && t->n_fit < SURE;
}

/* ---- What comes unasked ---- */

static void
judge_report(struct answer_watch *w, struct talk *t, const struct said *s, const struct sight *at)
{
    if (at->pdu->protocol == &iec104) {
        if (!t->is_started && at->conversation->side_is_seen && !t->lost)
            TELL("report-unpolled", "data of a connection that was not started");
        t->is_started = true; /* is told once */
        return;
    }
    if (!at->pdu->n_objects || !w->since)
        return;
    struct polled *p = polled_of(w, at, at->way, s->station);
    bool learns = !has_elapsed(at->now, w->since, LEARN - 1);
    p->is_asked |= learns; /* it may have been asked before */
    if (!p->is_asked && !p->is_told)
        TELL("report-unpolled", "outstation %u tells events, and nobody has asked it anything",
             s->station);
    p->is_told = true;
}

void
answer_watch_message(struct answer_watch *w, const struct sight *at)
{
    const struct pdu *p = at->pdu;
    struct said s = {.number = 0};
    if (p->protocol == &modbus)
        read_modbus(p, &s);
    else if (p->protocol == &dnp3)
        read_dnp3(p, &s);
    else if (p->protocol == &iec104)
        read_iec104(p, &s);
    else
        return;
    bool reports = p->kind == PDU_REPORT;
    if (!s.asks && !s.answers && !reports)
        return;
    struct talk *t = talk_of(w, at);
    if (s.asks)
        take_request(w, t, &s, at);
    else if (s.answers)
        take_answer(w, t, &s, at);
    else
        judge_report(w, t, &s, at);
}
