#include "detect/habits.h"

#include "base/alloc.h"
#include "base/hash_table.h"
#include "detect/real.h"
#include "sensor/message_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CONVERSATIONS 65536
#define BITS 1024         /* of an estimate of how many objects there are */
#define LOOKS 64          /* objects of a message that are looked at */
#define PERIODS 8         /* intervals without which there is no period */
#define MAGIC 0x544c4831u /* "TLH1" */
#define EXAMPLE_MAX 80    /* octets of an object's name */

struct habit_key {
    uint8_t client[16], server[16];
    uint64_t protocol; /* its address */
    uint16_t port;
    uint8_t ip, padding[5];
};

/* What a number was, from to. */
struct span {
    double low, high;
    bool is_there;
};

struct use {
    uint32_t function;
    uint8_t act;
    uint8_t n_examples;
    uint64_t n;
    nsec_t first, last;
    double period, deviation; /* seconds, by exponential means */
    uint64_t n_intervals;
    uint64_t objects[BITS / 64];
    struct span ranges[OBJECT_FIELDS]; /* of the fields that name objects */
    struct span quantity;              /* of objects, from the first on */
    struct span values;
    char *examples[HABIT_NAMES]; /* of objects that have texts for names */
};

struct habit {
    struct habit_key key;
    const struct protocol *protocol;
    const struct named *named;
    uint64_t number; /* rises */
    nsec_t first, last;
    uint64_t messages, refused, octets, others;
    unsigned n_uses, capacity, newest;
    struct use *uses;
    UT_hash_handle hh;
};

struct slot {
    uint64_t serial, octets; /* of the conversation; `octets` are in its habit */
    struct habit *habit;
};

/* A protocol's fields that name objects, and those that are values. */
struct named {
    const struct protocol *protocol;
    struct object_fields fields;
    uint64_t values[PROTOCOL_FIELDS / 64];
    uint16_t quantity; /* UINT16_MAX: none */
    UT_hash_handle hh;
};

struct habits {
    struct habit *all; /* in the order of their numbers */
    struct named *named;
    struct slot *slots;
    uint32_t n_slots;
    uint64_t left_out, seed, last_number;
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

static void
use_fini(struct use *u)
{
    for (unsigned i = 0; i < u->n_examples; i++)
        free(u->examples[i]);
}

static void
habit_free(struct habits *h, struct habit *x)
{
    HASH_DEL(h->all, x);
    for (unsigned i = 0; i < x->n_uses; i++)
        use_fini(&x->uses[i]);
    free(x->uses);
    free(x);
}

static void
forget_all(struct habits *h)
{
    struct habit *x, *next;
    HASH_ITER (hh, h->all, x, next) {
        habit_free(h, x);
    }
    memset(h->slots, 0, h->n_slots * sizeof *h->slots);
}

void
habits_free(struct habits *h)
{
    struct named *n, *after;
    if (!h)
        return;
    forget_all(h);
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

uint32_t
habits_number(const struct habits *h)
{
    return HASH_COUNT(h->all);
}

/* ---- Finding ---- */

static void
find_values(struct named *n)
{
    static const char *const names[] = {"value", "real", "normalised", "words"};
    n->quantity = UINT16_MAX;
    for (size_t i = 0; i < n->protocol->n_fields; i++) {
        const char *name = n->protocol->fields[i].name;
        if (name && !strcmp(name, "quantity"))
            n->quantity = (uint16_t)i;
        for (size_t k = 0; name && k < ARRAY_SIZE(names); k++) {
            if (!strcmp(name, names[k]))
                n->values[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
}

static const struct named *
named_of(struct habits *h, const struct protocol *p)
{
    struct named *n;
    HASH_FIND_PTR(h->named, &p, n);
    if (!n) {
        n = xcalloc(1, sizeof *n);
        n->protocol = p;
        object_resolve(p, &n->fields);
        find_values(n);
        HASH_ADD_PTR(h->named, protocol, n);
    }
    return n;
}

static struct habit *
add(struct habits *h, const struct habit_key *key, const struct protocol *protocol, nsec_t now)
{
    struct habit *x = xcalloc(1, sizeof *x);
    x->key = *key;
    x->protocol = protocol;
    x->named = named_of(h, protocol);
    x->number = ++h->last_number;
    x->first = x->last = now;
    HASH_ADD(hh, h->all, key, sizeof x->key, x);
    return x;
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
    return add(h, &key, c->protocol, now);
}

static struct slot *
find(struct habits *h, const struct conversation *c, unsigned way, nsec_t now)
{
    struct slot *s = &h->slots[c->slot < h->n_slots ? c->slot : 0];
    if (s->serial != c->serial)
        *s = (struct slot){.serial = c->serial};
    if (!s->habit || s->habit->protocol != c->protocol)
        s->habit = make(h, c, way, now);
    return s;
}

/* Most pairs have few: one, two, four... */
static struct use *
add_use(struct habit *x)
{
    if (x->n_uses == x->capacity) {
        x->capacity = x->capacity ? 2 * x->capacity : 1;
        x->uses = xrealloc(x->uses, x->capacity, sizeof *x->uses);
    }
    return &x->uses[x->n_uses++];
}

static struct use *
use_of(struct habit *x, const struct pdu *p, nsec_t now)
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
    struct use *u = add_use(x);
    x->newest = x->n_uses - 1;
    *u = (struct use){.function = p->function, .act = (uint8_t)p->act, .first = now};
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
widen(struct span *s, double value)
{
    if (!isfinite(value))
        return;
    s->low = s->is_there ? fmin(s->low, value) : value;
    s->high = s->is_there ? fmax(s->high, value) : value;
    s->is_there = true;
}

static void
note_example(const struct named *n, struct use *u, const struct pdu *p, uint16_t object)
{
    struct buf text = buf_limited(EXAMPLE_MAX);
    if (u->n_examples == HABIT_NAMES)
        return;
    object_put(&text, &n->fields, p, object);
    if (text.size)
        u->examples[u->n_examples++] = buf_steal_cstr(&text);
    buf_fini(&text);
}

/* Is the object named by a text, and not by numbers alone? */
static bool
has_text(const struct named *n, const struct pdu *p, uint16_t object)
{
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if ((f->object == object || !f->object) && object_is_named_by(&n->fields, f) &&
            n->protocol->fields[f->id].type >= FIELD_TEXT)
            return true;
    }
    return false;
}

static void
note_objects(struct habits *h, const struct named *named, struct use *u, const struct pdu *p)
{
    const struct object_span span = object_span_of(&named->fields, p);
    uint32_t n = p->n_objects ? p->n_objects : 1, first = (uint32_t)(u->n * LOOKS % n);
    for (uint32_t i = 0; i < n && i < LOOKS; i++) { /* others with the next message */
        uint16_t object = (uint16_t)(p->n_objects ? (first + i) % n + 1 : 0);
        uint64_t print = object_hash(&named->fields, p, &span, object, h->seed);
        uint64_t *word = &u->objects[print / 2 % BITS / 64], bit = UINT64_C(1) << (print / 2 % 64);
        if (!print || *word & bit)
            continue;
        *word |= bit;
        if (u->n_examples < HABIT_NAMES && has_text(named, p, object))
            note_example(named, u, p, object);
    }
}

static unsigned
place_of(const struct object_fields *o, uint16_t id)
{
    unsigned i = 0;
    while (i < o->n && o->ids[i] != id)
        i++;
    return i;
}

static void
note_numbers(const struct named *n, struct use *u, const struct pdu *p)
{
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        enum field_type type = n->protocol->fields[f->id].type;
        bool is_value = n->values[f->id / 64] >> (f->id % 64) & 1;
        bool is_name = type == FIELD_UINT && object_is_named_by(&n->fields, f);
        if (is_name)
            widen(&u->ranges[place_of(&n->fields, f->id)], (double)f->u);
        if (f->id == n->quantity && type == FIELD_UINT)
            widen(&u->quantity, (double)f->u);
        for (uint32_t k = 0; is_value && type == FIELD_WORDS && k < f->n; k++)
            widen(&u->values, get_be16(f->octets + 2 * (size_t)k));
        if (is_value && type < FIELD_TEXT)
            widen(&u->values, type == FIELD_REAL  ? f->r
                              : type == FIELD_INT ? (double)f->i
                                                  : (double)f->u);
    }
}

/* Live: what went over since the last message. */
static void
note_octets(struct slot *s, const struct conversation *c)
{
    uint64_t octets = c->octets[0] + c->octets[1];
    if (octets > s->octets)
        s->habit->octets += octets - s->octets;
    s->octets = octets;
}

void
habits_message(struct habits *h, const struct conversation *c, unsigned way, nsec_t now,
               const struct pdu *p)
{
    struct slot *s = find(h, c, way, now);
    struct habit *x = s->habit;
    if (!x) {
        h->left_out++;
        return;
    }
    note_octets(s, c);
    x->last = MAX(x->last, now);
    x->messages++;
    x->refused += p->kind == PDU_REFUSAL;
    if (p->kind == PDU_RESPONSE || p->kind == PDU_REFUSAL)
        return; /* it follows from what was asked */
    struct use *u = use_of(x, p, now);
    if (!u) {
        x->others++;
        return;
    }
    note_interval(u, now);
    if (u->n < 256 || u->n % 16 == 0) { /* what is new is new early */
        note_objects(h, x->named, u, p);
        note_numbers(x->named, u, p);
    }
    u->n++;
}

void
habits_ended(struct habits *h, const struct conversation *c)
{
    struct slot *s = &h->slots[c->slot < h->n_slots ? c->slot : 0];
    if (s->serial == c->serial && s->habit)
        note_octets(s, c);
}

/* ---- Forgetting ---- */

static bool
is_pair(const struct habit *x, const struct verdict_about *a)
{
    return x->key.ip == a->ip && (!*a->protocol || !strcmp(a->protocol, x->protocol->name)) &&
           ((!memcmp(x->key.client, a->ends[0], 16) && !memcmp(x->key.server, a->ends[1], 16)) ||
            (!memcmp(x->key.client, a->ends[1], 16) && !memcmp(x->key.server, a->ends[0], 16)));
}

static void
forget_use(struct habit *x, uint32_t function)
{
    for (unsigned i = 0; i < x->n_uses; i++) {
        if (x->uses[i].function != function)
            continue;
        use_fini(&x->uses[i]);
        x->uses[i] = x->uses[--x->n_uses];
        x->newest = 0;
        return;
    }
}

void
habits_forget(struct habits *h, const struct verdict_about *about)
{
    struct habit *x, *next;
    HASH_ITER (hh, h->all, x, next) {
        if (!is_pair(x, about))
            continue;
        if (about->has_function) {
            forget_use(x, about->function);
            continue;
        }
        for (uint32_t i = 0; i < h->n_slots; i++) {
            if (h->slots[i].habit == x)
                h->slots[i].habit = NULL;
        }
        habit_free(h, x);
    }
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

static const char *
put_range(struct buf *out, const char *separator, const char *name, const struct span *s)
{
    if (!s->is_there)
        return separator;
    buf_printf(out, "%s\"%s\":[%.0f,%.0f]", separator, name, s->low, s->high);
    return ",";
}

static void
put_ranges(struct buf *out, const struct named *n, const struct use *u)
{
    const char *begin = ",\"range\":{", *separator = begin;
    for (unsigned i = 0; i < n->fields.n; i++)
        separator = put_range(out, separator, n->protocol->fields[n->fields.ids[i]].name,
                              &u->ranges[i]);
    separator = put_range(out, separator, "quantity", &u->quantity);
    buf_str(out, separator == begin ? "" : "}");
}

static void
put_examples(struct buf *out, const struct use *u)
{
    for (unsigned i = 0; i < u->n_examples; i++) {
        buf_str(out, i ? "," : ",\"examples\":[");
        text_json_put(out, u->examples[i], strlen(u->examples[i]));
    }
    buf_str(out, u->n_examples ? "]" : "");
}

static void
put_verdict(struct buf *out, const struct verdicts *verdicts, const struct verdict_about *about)
{
    const struct verdict *v = verdicts ? verdicts_of(verdicts, about) : NULL;
    if (!v)
        return;
    buf_str(out, ",\"verdict\":");
    verdict_put(out, v);
}

static void
put_use(struct buf *out, const struct habit *x, const struct use *u,
        const struct verdicts *verdicts, struct verdict_about *about)
{
    char text[TIME_TEXT_SIZE];
    const struct function_info *info = protocol_function(x->protocol, u->function);
    buf_printf(out, "{\"function\":%u,\"name\":\"%s\",\"act\":\"%s\",\"messages\":%" PRIu64,
               u->function, info ? info->name : "?", act_word(u->act), u->n);
    buf_printf(out, ",\"first\":\"%s\"", time_format(u->first, text));
    buf_printf(out, ",\"last\":\"%s\",\"objects\":%u", time_format(u->last, text), n_objects(u));
    put_ranges(out, x->named, u);
    put_examples(out, u);
    if (u->values.is_there)
        buf_printf(out, ",\"values\":[%.9g,%.9g]", u->values.low, u->values.high);
    if (u->n_intervals >= PERIODS)
        buf_printf(out, ",\"period\":%.6g,\"jitter\":%.6g", u->period, u->deviation);
    about->function = u->function;
    put_verdict(out, verdicts, about);
    buf_u8(out, '}');
}

/* Of functions; those that found no room are taken as old. */
static unsigned
how_sure(const struct habit *x)
{
    uint64_t n = x->others, once = 0;
    for (unsigned i = 0; i < x->n_uses; i++) {
        n += x->uses[i].n;
        once += x->uses[i].n == 1;
    }
    return n ? (unsigned)(100 - 100 * once / n) : 0;
}

static struct verdict_about
about_of(const struct habit *x)
{
    struct verdict_about about;
    memset(&about, 0, sizeof about);
    memcpy(about.ends[0], x->key.client, sizeof about.ends[0]);
    memcpy(about.ends[1], x->key.server, sizeof about.ends[1]);
    about.ip = x->key.ip;
    return about;
}

static void
put_habit(struct buf *out, const struct habit *x, const struct verdicts *verdicts)
{
    char text[TIME_TEXT_SIZE], client[IPV6_TEXT_SIZE], server[IPV6_TEXT_SIZE];
    struct verdict_about about = about_of(x);
    buf_printf(out, "{\"client\":\"%s\",\"server\":\"%s\",",
               end_address_format(x->key.client, x->key.ip, client),
               end_address_format(x->key.server, x->key.ip, server));
    if (x->key.port)
        buf_printf(out, "\"port\":%u,", x->key.port);
    buf_printf(out, "\"protocol\":\"%s\",\"first\":\"%s\"", x->protocol->name,
               time_format(x->first, text));
    buf_printf(out, ",\"last\":\"%s\",\"messages\":%" PRIu64 ",\"refused\":%" PRIu64,
               time_format(x->last, text), x->messages, x->refused);
    buf_printf(out, ",\"octets\":%" PRIu64 ",\"other-functions\":%" PRIu64 ",\"sure\":%u",
               x->octets, x->others, how_sure(x));
    const struct verdict *of_pair = verdicts ? verdicts_of(verdicts, &about) : NULL;
    verdict_name_put(about.protocol, x->protocol->name);
    const struct verdict *of_protocol = verdicts ? verdicts_of(verdicts, &about) : NULL;
    if (of_protocol || of_pair) {
        buf_str(out, ",\"verdict\":");
        verdict_put(out, of_protocol ? of_protocol : of_pair);
    }
    buf_str(out, ",\"functions\":[");
    about.has_function = true;
    for (unsigned i = 0; i < x->n_uses; i++) {
        buf_str(out, i ? "," : "");
        put_use(out, x, &x->uses[i], verdicts, &about);
    }
    buf_str(out, "]}");
}

static int
by_ends(const void *a, const void *b)
{
    const struct habit *x = *(const struct habit *const *)a, *y = *(const struct habit *const *)b;
    int order = memcmp(x->key.client, y->key.client, 2 * sizeof x->key.client);
    return order                        ? order
           : x->key.port != y->key.port ? x->key.port - y->key.port
                                        : strcmp(x->protocol->name, y->protocol->name);
}

void
habits_each(struct habits *h, bool (*each)(void *arg, const char *json, size_t), void *arg)
{
    size_t n = 0;
    const struct habit **list = xcalloc(HASH_COUNT(h->all) + 1, sizeof *list);
    for (const struct habit *x = h->all; x; x = x->hh.next)
        list[n++] = x;
    qsort(list, n, sizeof(const struct habit *), by_ends);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&h->json);
        put_habit(&h->json, list[i], NULL);
        if (!each(arg, buf_cstr(&h->json), h->json.size))
            break;
    }
    free(list);
}

static bool
is_wanted(const struct habit *x, const struct habits_page *page)
{
    return x->number > page->after &&
           (!page->address ||
            (page->ip == x->key.ip && (!memcmp(x->key.client, page->address, 16) ||
                                       !memcmp(x->key.server, page->address, 16))));
}

uint64_t
habits_put_page(struct habits *h, const struct habits_page *page, struct buf *out)
{
    uint64_t last = 0;
    uint32_t n = 0;
    size_t begin = out->size;
    for (const struct habit *x = h->all; x; x = x->hh.next) {
        if (!is_wanted(x, page))
            continue;
        if (n && (n >= page->most || out->size - begin >= page->octets))
            return last;
        buf_str(out, n++ ? "," : "");
        put_habit(out, x, page->verdicts);
        last = x->number;
    }
    return 0;
}

/* ---- Keeping ---- */

static void
save_span(struct buf *out, const struct span *s)
{
    buf_u8(out, s->is_there);
    real_put(out, s->low);
    real_put(out, s->high);
}

/* What was counted by hashes is counted with their seed. */
static void
save_use(struct buf *out, const struct use *u)
{
    buf_be32(out, u->function);
    buf_u8(out, u->act);
    buf_be64(out, u->n);
    buf_be64(out, (uint64_t)u->first);
    buf_be64(out, (uint64_t)u->last);
    real_put(out, u->period);
    real_put(out, u->deviation);
    buf_be64(out, u->n_intervals);
    for (unsigned i = 0; i < BITS / 64; i++)
        buf_be64(out, u->objects[i]);
    for (unsigned i = 0; i < OBJECT_FIELDS; i++)
        save_span(out, &u->ranges[i]);
    save_span(out, &u->quantity);
    save_span(out, &u->values);
    buf_u8(out, u->n_examples);
    for (unsigned i = 0; i < u->n_examples; i++) {
        buf_u8(out, (uint8_t)strlen(u->examples[i]));
        buf_str(out, u->examples[i]);
    }
}

static void
save_habit(struct buf *out, const struct habit *x)
{
    buf_put(out, x->key.client, 16);
    buf_put(out, x->key.server, 16);
    buf_be16(out, x->key.port);
    buf_u8(out, x->key.ip);
    buf_u8(out, (uint8_t)strlen(x->protocol->name));
    buf_str(out, x->protocol->name);
    buf_be64(out, (uint64_t)x->first);
    buf_be64(out, (uint64_t)x->last);
    buf_be64(out, x->messages);
    buf_be64(out, x->refused);
    buf_be64(out, x->octets);
    buf_be64(out, x->others);
    buf_u8(out, (uint8_t)x->n_uses);
    for (unsigned i = 0; i < x->n_uses; i++)
        save_use(out, &x->uses[i]);
}

void
habits_save(const struct habits *h, struct buf *out)
{
    buf_be32(out, MAGIC);
    buf_be64(out, h->seed);
    buf_be32(out, HASH_COUNT(h->all));
    for (const struct habit *x = h->all; x; x = x->hh.next)
        save_habit(out, x);
}

static double
read_real(struct cursor *c, const char *what)
{
    double value = real_read(c, what);
    if (!isfinite(value))
        cursor_fail(c, ERR_MALFORMED, what);
    return value;
}

static nsec_t
read_time(struct cursor *c, const char *what)
{
    return (nsec_t)(cursor_be64(c, what) & INT64_MAX);
}

static struct span
read_span(struct cursor *c, const char *what)
{
    struct span s = {.is_there = cursor_u8(c, what) & 1};
    s.low = read_real(c, what);
    s.high = read_real(c, what);
    return s;
}

/* A text of `max` octets at most; the caller owns it. NULL: something has failed. */
static char *
read_text(struct cursor *c, size_t max, const char *what)
{
    uint8_t size = cursor_u8(c, what);
    const uint8_t *octets = cursor_bytes(c, size, what);
    if (size > max || (octets && memchr(octets, '\0', size)))
        cursor_fail(c, ERR_MALFORMED, what);
    return octets && !c->err ? strndup((const char *)octets, size) : NULL;
}

static void
read_use(struct cursor *c, struct use *u)
{
    *u = (struct use){.function = cursor_be32(c, "function"), .act = cursor_u8(c, "act")};
    u->n = cursor_be64(c, "messages");
    u->first = read_time(c, "first");
    u->last = read_time(c, "last");
    u->period = read_real(c, "period");
    u->deviation = read_real(c, "jitter");
    u->n_intervals = cursor_be64(c, "intervals");
    for (unsigned i = 0; i < BITS / 64; i++)
        u->objects[i] = cursor_be64(c, "objects");
    for (unsigned i = 0; i < OBJECT_FIELDS; i++)
        u->ranges[i] = read_span(c, "range");
    u->quantity = read_span(c, "quantity");
    u->values = read_span(c, "values");
    unsigned n = cursor_u8(c, "examples");
    if (n > HABIT_NAMES || u->act > ACT_ACKNOWLEDGE)
        cursor_fail(c, ERR_MALFORMED, "examples");
    for (unsigned i = 0; i < n && !c->err; i++) {
        char *text = read_text(c, EXAMPLE_MAX, "example");
        if (text)
            u->examples[u->n_examples++] = text;
    }
}

static const struct protocol *
protocol_named(const struct protocol *const *protocols, const char *name)
{
    for (; name && *protocols; protocols++) {
        if (!strcmp((*protocols)->name, name))
            return *protocols;
    }
    return NULL;
}

static void
read_habit(struct habits *h, struct cursor *c, const struct protocol *const *protocols)
{
    struct habit x = {.messages = 0}, *mine = NULL;
    memset(&x.key, 0, sizeof x.key);
    cursor_copy(c, x.key.client, 16, "client");
    cursor_copy(c, x.key.server, 16, "server");
    x.key.port = cursor_be16(c, "port");
    x.key.ip = cursor_u8(c, "ip");
    char *name = read_text(c, UINT8_MAX, "protocol");
    x.first = read_time(c, "first");
    x.last = read_time(c, "last");
    x.messages = cursor_be64(c, "messages");
    x.refused = cursor_be64(c, "refused");
    x.octets = cursor_be64(c, "octets");
    x.others = cursor_be64(c, "other functions");
    unsigned n = cursor_u8(c, "functions");
    if (n > HABIT_FUNCTIONS)
        cursor_fail(c, ERR_MALFORMED, "functions");
    const struct protocol *protocol = protocol_named(protocols, name);
    x.key.protocol = (uint64_t)(uintptr_t)protocol;
    if (protocol && !c->err)
        HASH_FIND(hh, h->all, &x.key, sizeof x.key, mine);
    bool takes = protocol && !c->err && !mine && HASH_COUNT(h->all) < HABITS_MAX;
    if (takes) {
        mine = add(h, &x.key, protocol, x.first);
        mine->last = x.last;
        mine->messages = x.messages;
        mine->refused = x.refused;
        mine->octets = x.octets;
        mine->others = x.others;
    }
    for (; n && !c->err; n--) {
        struct use u;
        read_use(c, &u);
        if (takes && !c->err)
            *add_use(mine) = u;
        else
            use_fini(&u);
    }
    free(name);
}

/* Into a table of its own, that takes the place of ours when it is whole. */
enum err
habits_restore(struct habits *h, const struct protocol *const *protocols, const void *data,
               size_t size, struct diag *diag)
{
    struct cursor c = cursor_over(data, size);
    if (cursor_be32(&c, "version") != MAGIC)
        return diag_set(diag, ERR_UNSUPPORTED, "not of this version");
    struct habits *read = habits_new(1);
    read->seed = cursor_be64(&c, "seed");
    for (uint32_t n = cursor_be32(&c, "pairs"); n && !c.err; n--)
        read_habit(read, &c, protocols);
    if (!c.err && cursor_left(&c))
        cursor_fail(&c, ERR_MALFORMED, "end");
    if (!c.err) {
        forget_all(h);
        h->seed = read->seed;
        h->last_number = read->last_number;
        h->all = read->all;
        read->all = NULL;
        for (struct habit *x = h->all; x; x = x->hh.next)
            x->named = named_of(h, x->protocol);
    }
    habits_free(read);
    return c.err ? diag_set(diag, ERR_MALFORMED, "%s at octet %zu: %s", c.field, c.offset,
                            err_text(c.err))
                 : ERR_OK;
}
