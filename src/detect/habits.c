#include "detect/habits.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "detect/objects.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define CONVERSATIONS 65536
#define BITS 1024 /* of an estimate of how many objects there are */
#define PERIODS 8 /* intervals without which there is no period */

struct habit_key {
    uint8_t client[16], server[16];
    uint64_t protocol; /* its address */
    uint16_t port;
    uint8_t ip, padding[5];
};

struct use {
    uint32_t function;
    uint8_t act;
    uint64_t n;
    nsec_t last;
    double period, deviation; /* seconds, by exponential means */
    uint64_t n_intervals;
    uint64_t objects[BITS / 64];
};

struct habit {
    struct habit_key key;
    const struct protocol *protocol;
    const struct object_fields *fields;
    nsec_t first, last;
    uint64_t messages, refused, octets, others;
    unsigned n_uses, newest;
    struct use uses[HABIT_FUNCTIONS];
    UT_hash_handle hh;
};

struct slot {
    uint64_t serial;
    struct habit *habit;
};

/* A protocol's fields that name objects. */
struct named {
    const struct protocol *protocol;
    struct object_fields fields;
    UT_hash_handle hh;
};

struct habits {
    struct habit *all;
    struct named *named;
    struct slot *slots;
    uint32_t n_slots;
    uint64_t left_out, seed;
    struct buf json;
};

struct habits *
habits_new(uint32_t conversations)
{
    struct habits *h = xcalloc(1, sizeof *h);
    h->n_slots = conversations ? conversations : CONVERSATIONS;
    h->slots = xcalloc(h->n_slots, sizeof *h->slots);
    h->seed = hash_secret();
    return h;
}

void
habits_free(struct habits *h)
{
    struct habit *x, *next;
    struct named *n, *after;
    if (!h)
        return;
    HASH_ITER (hh, h->all, x, next) {
        HASH_DEL(h->all, x);
        free(x);
    }
    HASH_ITER (hh, h->named, n, after) {
        HASH_DEL(h->named, n);
        free(n);
    }
    buf_fini(&h->json);
    free(h->slots);
    free(h);
}

uint64_t
habits_left_out(const struct habits *h)
{
    return h->left_out;
}

/* ---- Finding ---- */

static const struct object_fields *
fields_of(struct habits *h, const struct protocol *p)
{
    struct named *n;
    HASH_FIND_PTR(h->named, &p, n);
    if (!n) {
        n = xcalloc(1, sizeof *n);
        n->protocol = p;
        object_resolve(p, &n->fields);
        HASH_ADD_PTR(h->named, protocol, n);
    }
    return &n->fields;
}

/* Of a conversation without IP there is no server: who is heard first is told as the client. */
static struct habit *
make(struct habits *h, const struct conversation *c, unsigned way, nsec_t now)
{
    struct habit_key key;
    struct habit *x;
    unsigned server = c->key.ip ? conversation_server(c) : !way;
    memset(&key, 0, sizeof key);
    memcpy(key.client, c->key.ends[!server].address, sizeof key.client);
    memcpy(key.server, c->key.ends[server].address, sizeof key.server);
    key.port = c->key.ends[server].port;
    key.protocol = (uint64_t)(uintptr_t)c->protocol;
    key.ip = c->key.ip;
    HASH_FIND(hh, h->all, &key, sizeof key, x);
    if (x || HASH_COUNT(h->all) == HABITS_MAX)
        return x;
    x = xcalloc(1, sizeof *x);
    x->key = key;
    x->protocol = c->protocol;
    x->fields = fields_of(h, c->protocol);
    x->first = now;
    HASH_ADD(hh, h->all, key, sizeof x->key, x);
    return x;
}

static struct habit *
find(struct habits *h, const struct conversation *c, unsigned way, nsec_t now)
{
    struct slot *s = &h->slots[c->slot < h->n_slots ? c->slot : 0];
    if (s->serial != c->serial || !s->habit || s->habit->protocol != c->protocol)
        *s = (struct slot){.serial = c->serial, .habit = make(h, c, way, now)};
    return s->habit;
}

static struct use *
use_of(struct habit *x, const struct pdu *p)
{
    for (unsigned i = 0; i < x->n_uses; i++) {
        unsigned at = (x->newest + i) % x->n_uses;
        if (x->uses[at].function == p->function) {
            x->newest = at;
            return &x->uses[at];
        }
    }
    if (x->n_uses == HABIT_FUNCTIONS)
        return NULL;
    x->newest = x->n_uses++;
    struct use *u = &x->uses[x->newest];
    u->function = p->function;
    u->act = (uint8_t)p->act;
    return u;
}

/* ---- What is learned ---- */

static void
note_interval(struct use *u, nsec_t now)
{
    if (u->n && now > u->last) {
        double interval = (double)(now - u->last) / (double)NSEC_PER_SEC;
        double weight = u->n_intervals < PERIODS ? 1.0 / (double)(u->n_intervals + 1) : 1.0 / 16;
        u->deviation += weight * (fabs(interval - u->period) - u->deviation);
        u->period += weight * (interval - u->period);
        u->n_intervals++;
    }
    u->last = now;
}

static void
note_objects(struct habits *h, const struct habit *x, struct use *u, const struct pdu *p)
{
    const struct object_span span = object_span_of(x->fields, p);
    uint32_t n = p->n_objects ? p->n_objects : 1;
    for (uint32_t i = 0; i < n && i < BITS; i++) {
        uint64_t print = object_hash(x->fields, p, &span, (uint16_t)(p->n_objects ? i + 1 : 0),
                                     h->seed);
        if (print)
            u->objects[print / 2 % BITS / 64] |= UINT64_C(1) << (print / 2 % 64);
    }
}

void
habits_message(struct habits *h, const struct conversation *c, unsigned way, nsec_t now,
               const struct pdu *p)
{
    struct habit *x = find(h, c, way, now);
    if (!x) {
        h->left_out++;
        return;
    }
    x->last = MAX(x->last, now);
    x->messages++;
    x->refused += p->kind == PDU_REFUSAL;
    if (p->kind == PDU_RESPONSE || p->kind == PDU_REFUSAL)
        return; /* it follows from what was asked */
    struct use *u = use_of(x, p);
    if (!u) {
        x->others++;
        return;
    }
    note_interval(u, now);
    if (u->n < 4096 || u->n % 64 == 0) /* what is new is new early */
        note_objects(h, x, u, p);
    u->n++;
}

void
habits_ended(struct habits *h, const struct conversation *c)
{
    const struct slot *s = &h->slots[c->slot < h->n_slots ? c->slot : 0];
    if (s->serial == c->serial && s->habit)
        s->habit->octets += c->octets[0] + c->octets[1];
}

/* ---- Telling ---- */

static unsigned
n_objects(const struct use *u)
{
    unsigned set = 0;
    for (unsigned i = 0; i < BITS / 64; i++)
        set += (unsigned)__builtin_popcountll(u->objects[i]);
    if (set == BITS)
        set--;
    return (unsigned)lround(-BITS * log(1 - (double)set / BITS));
}

static void
put_use(struct buf *out, const struct protocol *p, const struct use *u)
{
    const struct function_info *info = protocol_function(p, u->function);
    buf_printf(out, "{\"function\":%u,\"name\":\"%s\",\"act\":\"%s\",\"messages\":%" PRIu64,
               u->function, info ? info->name : "?", act_word(u->act), u->n);
    buf_printf(out, ",\"objects\":%u", n_objects(u));
    if (u->n_intervals >= PERIODS)
        buf_printf(out, ",\"period\":%.6g,\"jitter\":%.6g", u->period, u->deviation);
    buf_u8(out, '}');
}

static void
put_habit(struct buf *out, const struct habit *x)
{
    char text[TIME_TEXT_SIZE], client[IPV6_TEXT_SIZE], server[IPV6_TEXT_SIZE];
    buf_printf(out, "{\"client\":\"%s\",\"server\":\"%s\",",
               end_address_format(x->key.client, x->key.ip, client),
               end_address_format(x->key.server, x->key.ip, server));
    if (x->key.port)
        buf_printf(out, "\"port\":%u,", x->key.port);
    buf_printf(out, "\"protocol\":\"%s\",\"first\":\"%s\"", x->protocol->name,
               time_format(x->first, text));
    buf_printf(out, ",\"last\":\"%s\",\"messages\":%" PRIu64 ",\"refused\":%" PRIu64,
               time_format(x->last, text), x->messages, x->refused);
    buf_printf(out, ",\"octets\":%" PRIu64 ",\"other-functions\":%" PRIu64 ",\"functions\":[",
               x->octets, x->others);
    for (unsigned i = 0; i < x->n_uses; i++) {
        buf_str(out, i ? "," : "");
        put_use(out, x->protocol, &x->uses[i]);
    }
    buf_str(out, "]}");
}

static int
by_ends(const struct habit *a, const struct habit *b)
{
    int order = memcmp(a->key.client, b->key.client, 2 * sizeof a->key.client);
    return order                        ? order
           : a->key.port != b->key.port ? a->key.port - b->key.port
                                        : strcmp(a->protocol->name, b->protocol->name);
}

void
habits_each(struct habits *h, bool (*each)(void *arg, const char *json, size_t), void *arg)
{
    HASH_SORT(h->all, by_ends);
    for (const struct habit *x = h->all; x; x = x->hh.next) {
        buf_clear(&h->json);
        put_habit(&h->json, x);
        if (!each(arg, buf_cstr(&h->json), h->json.size))
            return;
    }
}
