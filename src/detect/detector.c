/* Most messages are of no interest, and most of those that are repeat others: rules are listed by
 * protocol, kind and act, and where all rules of such a list only ask whether something is new, a
 * conversation remembers which functions have been looked at. What is left is rare. */
#include "detect/detector.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "detect/cells.h"
#include "detect/elapsed.h"
#include "detect/objects.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define KINDS (PDU_LINK + 1)
#define ACTS (ACT_ACKNOWLEDGE + 1)
#define CLASSES (KINDS * ACTS)
#define CONVERSATIONS 65536
#define SEEN 6        /* functions of a conversation that were looked at */
#define OBJECTS 64    /* of a message that are looked at for one rule */
#define RANGE_SURE 10 /* values without which a range is none */
#define TEXT_MAX 200  /* octets of a text that is compared with a pattern */
#define PROTO_TCP 6
#define HOLE (60 * NSEC_PER_SEC) /* of silence counts no longer than that */

#define MEMOS 8 /* functions of a list; a power of 2 */

/* Which rules of a list ask for a function. */
struct memo {
    uint64_t asks; /* the rules' places, a bit each */
    uint32_t function;
    bool is_there;
};

/* Small: there are many, most of them empty, and each message looks whether its own is. */
struct list {
    uint32_t n, capacity;
    const struct rule **rules;
    struct memo *memos;   /* NULL: there is no rule */
    uint64_t conditional; /* the places of those with conditions, a bit each; of the first 64 */
    uint64_t n_skipped;   /* messages that were like others of their conversation */
    bool needs_each;
};

/* What is kept of a conversation, by its slot. */
struct watch {
    uint64_t serial; /* of the conversation */
    const struct protocol *protocol;
    const char *circuit;
    uint32_t generation; /* of the plan that it was looked up in; 0: not yet */
    uint32_t judged;     /* ... and that rules of conversations were tried with */
    uint8_t number, planned, next, next_old;
    uint8_t began; /* the way of who began it */
    uint32_t seen[SEEN];
    uint32_t old[SEEN]; /* as seen, for lists of which some rules need each */
};

struct sighted {
    uint32_t count;
};

struct tally {
    nsec_t since;
    uint32_t n, before; /* in this half of the time, and in the one before */
};

struct distinct {
    nsec_t since;
    uint32_t n;
    uint32_t prints[RULE_DISTINCT];
};

struct mark {
    nsec_t until, lasts;
};

struct range {
    double low, high;
    uint32_t n;
};

/* Of a rule: what begins its keys, and those of its marks. */
struct seeds {
    uint64_t rule, sets, lacks, has;
};

/* How usual it is that something is new: of each rule. */
struct usual {
    uint64_t n, once;
    nsec_t since; /* of the time that was learned */
};

struct detector {
    struct detector_config config;
    unsigned n_protocols;
    struct object_fields *objects; /* by protocol */
    struct list *classes;          /* by protocol, kind and act */
    struct list *malformed;        /* by protocol */
    struct list conversation, device, change, finding;
    struct watch *watches;
    uint32_t generation;
    const struct rule *first; /* of all */
    struct seeds *seeds;      /* by rule */
    uint8_t *name_sizes;      /* by protocol */
    struct cells *known, *tallies, *distincts, *marks, *ranges;
    struct usual *usual; /* by rule */
    uint64_t seed;
    nsec_t learned; /* how long something has been heard; as far as that counts */
    nsec_t now;     /* 0: nothing has come yet */
    struct buf object, detail;
};

struct event {
    nsec_t time;
    const struct conversation *c;
    unsigned way;
    const struct frame *frame;
    const struct pdu *pdu;
    const struct finding *finding;
    const struct asset *asset;
    const char *detail;
    int protocol; /* its number; -1: none */
    uint16_t object;
    struct who source, target;
    enum rule_planned planned;
    const char *circuit;
    uint64_t n_skipped; /* that were like it, and not looked at */
    uint64_t asks;      /* places of rules that may be about the message */
    bool is_old;        /* what does not look at fields or the MAC address has been seen */
    bool is_late;       /* a conversation that had begun before it was heard */
    bool is_again;      /* one that is judged by another plan than before */
};

/* ---- Making ---- */

static void
list_add(struct list *list, const struct rule *rule)
{
    if (!list->memos)
        list->memos = xcalloc(MEMOS, sizeof *list->memos);
    GROW(list->rules, list->n, list->capacity);
    if (rule->n_conditions && list->n < 64)
        list->conditional |= UINT64_C(1) << list->n;
    list->rules[list->n++] = rule;
    list->needs_each |= rule->needs_each;
}

static void
list_fini(struct list *list)
{
    free(list->rules);
    free(list->memos);
}

static struct list *
class_of(const struct detector *d, unsigned protocol, enum pdu_kind kind, enum act act)
{
    return &d->classes[(size_t)protocol * CLASSES + kind * ACTS + act];
}

static bool
has_bit(unsigned mask, unsigned bit)
{
    return !mask || mask >> bit & 1;
}

static void
list_message_rule(struct detector *d, const struct rule *rule)
{
    for (unsigned k = 0; k < d->n_protocols; k++) {
        if (rule->protocols && !(rule->protocols >> k & 1))
            continue;
        for (unsigned kind = 0; kind < KINDS; kind++) {
            for (unsigned act = 0; act < ACTS; act++) {
                if (has_bit(rule->kinds, kind) && has_bit(rule->acts, act))
                    list_add(class_of(d, k, (enum pdu_kind)kind, (enum act)act), rule);
            }
        }
    }
}

static void
list_rule(struct detector *d, const struct rule *rule)
{
    switch (rule->on) {
    case ON_MESSAGE:
        list_message_rule(d, rule);
        break;
    case ON_MALFORMED:
        for (unsigned k = 0; k < d->n_protocols; k++) {
            if (!rule->protocols || rule->protocols >> k & 1)
                list_add(&d->malformed[k], rule);
        }
        break;
    case ON_CONVERSATION:
        list_add(&d->conversation, rule);
        break;
    case ON_DEVICE:
        list_add(&d->device, rule);
        break;
    case ON_CHANGE:
        list_add(&d->change, rule);
        break;
    default:
        list_add(&d->finding, rule);
        break;
    }
}

static uint64_t
name_seed(const struct detector *d, const char *name)
{
    return name ? hash_bytes(name, strlen(name), d->seed) : 0;
}

static void
make_seeds(struct detector *d)
{
    for (size_t i = 0; i < rules_number(d->config.rules); i++) {
        const struct rule *rule = rules_at(d->config.rules, i);
        d->seeds[i] = (struct seeds){.rule = name_seed(d, rule->name),
                                     .sets = name_seed(d, rule->sets.name),
                                     .lacks = name_seed(d, rule->lacks.name),
                                     .has = name_seed(d, rule->has.name)};
    }
}

struct detector *
detector_new(const struct detector_config *config)
{
    struct detector *d = xcalloc(1, sizeof *d);
    d->config = *config;
    if (!d->config.conversations)
        d->config.conversations = CONVERSATIONS;
    while (d->n_protocols < RULE_PROTOCOLS && config->protocols[d->n_protocols])
        d->n_protocols++;
    d->objects = xcalloc(d->n_protocols, sizeof *d->objects);
    for (unsigned k = 0; k < d->n_protocols; k++)
        object_resolve(config->protocols[k], &d->objects[k]);
    d->name_sizes = xcalloc(d->n_protocols, sizeof *d->name_sizes);
    for (unsigned k = 0; k < d->n_protocols; k++)
        d->name_sizes[k] = (uint8_t)strlen(config->protocols[k]->name);
    d->classes = xcalloc((size_t)d->n_protocols * CLASSES, sizeof *d->classes);
    d->malformed = xcalloc(d->n_protocols, sizeof *d->malformed);
    d->usual = xcalloc(rules_number(config->rules), sizeof *d->usual);
    for (size_t i = 0; i < rules_number(config->rules); i++)
        list_rule(d, rules_at(config->rules, i));
    d->watches = xcalloc(d->config.conversations, sizeof *d->watches);
    d->generation = 1;
    d->known = cells_new(DETECTOR_KNOWN, sizeof(struct sighted));
    d->tallies = cells_new(DETECTOR_COUNTS, sizeof(struct tally));
    d->distincts = cells_new(DETECTOR_DISTINCT, sizeof(struct distinct));
    d->marks = cells_new(DETECTOR_MARKS, sizeof(struct mark));
    d->ranges = cells_new(DETECTOR_RANGES, sizeof(struct range));
    d->seed = hash_secret();
    d->first = rules_number(config->rules) ? rules_at(config->rules, 0) : NULL;
    d->seeds = xcalloc(rules_number(config->rules), sizeof *d->seeds);
    make_seeds(d);
    return d;
}

void
detector_free(struct detector *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < (size_t)d->n_protocols * CLASSES; i++)
        list_fini(&d->classes[i]);
    for (unsigned k = 0; k < d->n_protocols; k++)
        list_fini(&d->malformed[k]);
    list_fini(&d->conversation);
    list_fini(&d->device);
    list_fini(&d->change);
    list_fini(&d->finding);
    free(d->classes);
    free(d->malformed);
    free(d->objects);
    free(d->usual);
    free(d->seeds);
    free(d->name_sizes);
    free(d->watches);
    cells_free(d->known);
    cells_free(d->tallies);
    cells_free(d->distincts);
    cells_free(d->marks);
    cells_free(d->ranges);
    buf_fini(&d->object);
    buf_fini(&d->detail);
    free(d);
}

bool
detector_learns(const struct detector *d)
{
    return !d->config.learn || d->learned < d->config.learn;
}

void
detector_plan_changed(struct detector *d)
{
    d->generation++;
}

/* What counts is the time in which something is heard: clocks may step, and captures have holes. */
static void
pass_time(struct detector *d, nsec_t now)
{
    if (d->now && now <= d->now && !clock_went_back(now, d->now))
        return;
    if (d->now && d->config.learn && now > d->now)
        d->learned += MIN(now - d->now, HOLE);
    d->now = now;
}

static size_t
index_of(const struct detector *d, const struct rule *rule)
{
    return (size_t)(rule - d->first);
}

static struct usual *
usual_of(struct detector *d, const struct rule *rule)
{
    return &d->usual[index_of(d, rule)];
}

/* A rule that came later than the others learns as long as they did. */
static bool
rule_learns(struct detector *d, const struct rule *rule)
{
    return !d->config.learn || d->learned - usual_of(d, rule)->since < d->config.learn;
}

/* ---- Who ---- */

struct who
who_of(const struct conversation *c, unsigned end)
{
    struct who who = {.ip = c->key.ip, .is_there = true, .mac = c->macs[end]};
    memcpy(who.address, c->key.ends[end].address, sizeof who.address);
    who.port = c->key.ends[end].port;
    return who;
}

void
who_put(struct buf *out, const struct who *who)
{
    char text[IPV6_TEXT_SIZE];
    buf_str(out, end_address_format(who->address, who->ip, text));
}

static bool
is_many(const struct who *w)
{
    if (w->ip == 4)
        return w->address[0] >= 224 || w->address[3] == 255;
    return w->ip == 6 ? w->address[0] == 0xff : w->address[0] & 1;
}

/* Of the Internet: no address of RFC 6890 that is for one's own. */
static bool
is_public(const struct who *w)
{
    const uint8_t *a = w->address;
    if (w->ip == 6)
        return (a[0] & 0xe0) == 0x20 && get_be32(a) != 0x20010db8;
    if (w->ip != 4 || is_many(w))
        return false;
    return !(a[0] == 0 || a[0] == 10 || a[0] == 127 || (a[0] == 172 && (a[1] & 0xf0) == 16) ||
             (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254) ||
             (a[0] == 100 && (a[1] & 0xc0) == 64) ||
             (a[0] == 192 && a[1] == 0 && (a[2] == 0 || a[2] == 2)) ||
             (a[0] == 198 && (a[1] & 0xfe) == 18) || (a[0] == 198 && a[1] == 51 && a[2] == 100) ||
             (a[0] == 203 && a[1] == 0 && a[2] == 113) || a[0] >= 240);
}

static bool
is_whom(const struct who *w, unsigned whom)
{
    return !whom || (whom & WHOM_PUBLIC && is_public(w)) || (whom & WHOM_ONE && !is_many(w)) ||
           (whom & WHOM_MANY && is_many(w));
}

/* ---- Fields ---- */

static double
number_of(const struct protocol *p, const struct field *f)
{
    switch (p->fields[f->id].type) {
    case FIELD_INT:
    case FIELD_TIME:
        return (double)f->i;
    case FIELD_REAL:
        return f->r;
    case FIELD_WORDS:
        return f->n ? get_be16(f->octets) : 0;
    case FIELD_TEXT:
    case FIELD_OCTETS:
    case FIELD_BITS:
    case FIELD_MAC:
        return f->n;
    default:
        return (double)f->u;
    }
}

static bool
is_like(const struct field *f, const char *pattern)
{
    char text[TEXT_MAX + 1];
    size_t n = MIN(f->n, (uint32_t)TEXT_MAX);
    memcpy(text, f->octets, n);
    text[n] = '\0';
    return !fnmatch(pattern, text, FNM_CASEFOLD);
}

static bool
is_text(const struct field *f, const char *text)
{
    size_t n = strlen(text);
    return f->n == n && !strncasecmp((const char *)f->octets, text, n);
}

static bool
is_among(const struct rule_condition *c, const struct protocol *p, const struct field *f)
{
    for (unsigned i = 0; i < c->n; i++) {
        if (c->texts ? is_text(f, c->texts[i]) : number_of(p, f) == c->numbers[i])
            return true;
    }
    return false;
}

static bool
meets(const struct detector *d, const struct rule_condition *c, const struct protocol *p,
      const struct field *f)
{
    switch (c->test) {
    case TEST_ONE_OF:
        return is_among(c, p, f);
    case TEST_NOT:
        return !is_among(c, p, f);
    case TEST_ABOVE:
        return number_of(p, f) > c->numbers[0];
    case TEST_BELOW:
        return number_of(p, f) < c->numbers[0];
    case TEST_FEED:
        return d->config.feed && feed_has_name(d->config.feed, f->octets, f->n);
    case TEST_ANY_BIT:
        return f->u & (uint64_t)c->numbers[0];
    default:
        for (unsigned i = 0; i < c->n; i++) {
            if (is_like(f, c->texts[i]))
                return true;
        }
        return false;
    }
}

static bool
asks_objects(const struct rule_key *key)
{
    for (unsigned i = 0; i < key->n; i++) {
        if (key->parts[i].kind >= PART_OBJECT)
            return true;
    }
    return false;
}

static bool
tells_objects(const struct rule *rule)
{
    return rule->range.n || asks_objects(&rule->fresh) || asks_objects(&rule->by) ||
           asks_objects(&rule->sets.by) || asks_objects(&rule->lacks.by) ||
           asks_objects(&rule->has.by) || (rule->is_distinct && rule->distinct.kind >= PART_OBJECT);
}

/* Each object that has a name, if the rule tells them apart; else the message. */
static unsigned
list_objects(const struct detector *d, const struct rule *rule, const struct event *e,
             uint16_t *objects)
{
    unsigned n = 0;
    objects[0] = 0;
    if (!e->pdu || !e->pdu->n_objects || !tells_objects(rule))
        return 1;
    for (uint32_t i = 0; i < e->pdu->n_fields && n < OBJECTS; i++) {
        const struct field *f = &e->pdu->fields[i];
        if (f->object && (!n || objects[n - 1] != f->object) &&
            object_is_named_by(&d->objects[e->protocol], f))
            objects[n++] = f->object;
    }
    return n ? n : 1;
}

/* Has the message the fields that all conditions are about? */
static bool
has_fields(const struct rule *rule, unsigned protocol, const uint64_t *fields)
{
    for (unsigned k = 0; k < rule->n_conditions; k++) {
        uint16_t id = rule->conditions[k].at[protocol];
        if (id >= PROTOCOL_FIELDS || !(fields[id / 64] >> id % 64 & 1))
            return false;
    }
    return true;
}

/* The objects of which all conditions are true; a field of the message is one of each of them. */
static unsigned
find_objects(const struct detector *d, const struct rule *rule, const struct event *e,
             uint16_t *objects)
{
    const struct pdu *p = e->pdu;
    unsigned all = (1u << rule->n_conditions) - 1, common = 0, own = 0, n = 0;
    uint16_t object = 0;
    for (uint32_t i = 0; i < p->n_fields; i++) { /* the message's own may stand behind */
        const struct field *f = &p->fields[i];
        for (unsigned k = 0; f->object == 0 && k < rule->n_conditions; k++) {
            if (rule->conditions[k].at[e->protocol] == f->id &&
                meets(d, &rule->conditions[k], p->protocol, f))
                common |= 1u << k;
        }
    }
    if (common == all)
        return list_objects(d, rule, e, objects);
    for (uint32_t i = 0; i < p->n_fields && n < OBJECTS; i++) {
        const struct field *f = &p->fields[i];
        if (!f->object)
            continue;
        if (f->object != object) {
            object = f->object;
            own = 0;
        }
        unsigned before = common | own;
        for (unsigned k = 0; k < rule->n_conditions; k++) {
            if (rule->conditions[k].at[e->protocol] == f->id &&
                meets(d, &rule->conditions[k], p->protocol, f))
                own |= 1u << k;
        }
        if (before != all && (common | own) == all)
            objects[n++] = object;
    }
    return n;
}

static const struct field *
find_field(const struct event *e, uint16_t id)
{
    const struct field *f = pdu_field(e->pdu, id, e->object);
    return f || !e->object ? f : pdu_field(e->pdu, id, 0);
}

/* ---- Keys ---- */

static uint64_t
add_who(uint64_t h, const struct who *who)
{
    return hash_bytes(who->address, sizeof who->address, hash_add(h, who->ip));
}

static uint64_t
add_field(const struct event *e, uint16_t id, uint64_t h)
{
    const struct field *f = e->pdu ? find_field(e, id) : NULL;
    return f ? field_hash(e->pdu->protocol, f, h) : hash_add(h, 0);
}

static uint64_t
add_object(const struct detector *d, const struct event *e, uint64_t h)
{
    if (e->finding && e->finding->object)
        return hash_bytes(e->finding->object, strlen(e->finding->object), h);
    if (e->pdu && e->protocol >= 0)
        return hash_add(h, object_hash(&d->objects[e->protocol], e->pdu, e->object, d->seed));
    return hash_add(h, 0);
}

static uint64_t
add_part(const struct detector *d, const struct event *e, const struct rule_part *part, uint64_t h)
{
    const struct protocol *p = e->protocol >= 0 ? d->config.protocols[e->protocol] : NULL;
    switch (part->kind) {
    case PART_SOURCE:
        return add_who(h, &e->source);
    case PART_TARGET:
        return add_who(h, &e->target);
    case PART_MAC:
        return hash_bytes(&e->source.mac, sizeof e->source.mac, h);
    case PART_PORT:
        return hash_add(h, e->target.port);
    case PART_PROTOCOL: /* by its name: numbers change with the program */
        return p ? hash_bytes(p->name, d->name_sizes[e->protocol], h) : hash_add(h, 0);
    case PART_FUNCTION:
        return hash_add(h, e->pdu ? e->pdu->function + 1 : 0);
    case PART_ACT:
        return hash_add(h, e->pdu ? e->pdu->act + 1u : 0);
    case PART_MEMBER:
        return p && p->has_member ? add_field(e, p->member, h) : hash_add(h, 0);
    case PART_OBJECT:
        return add_object(d, e, h);
    default:
        return e->protocol >= 0 ? add_field(e, part->at[e->protocol], h) : hash_add(h, 0);
    }
}

static uint64_t
key_of(const struct detector *d, const struct event *e, const struct rule_key *key, uint64_t seed)
{
    uint64_t h = seed;
    for (unsigned i = 0; i < key->n; i++)
        h = add_part(d, e, &key->parts[i], h);
    return hash_mix(h);
}

/* ---- What is remembered ---- */

static bool
is_fresh(struct detector *d, const struct event *e, const struct rule *rule, unsigned *sure)
{
    bool is_new;
    struct usual *usual = usual_of(d, rule);
    uint64_t key = key_of(d, e, &rule->fresh, d->seeds[index_of(d, rule)].rule);
    struct sighted *k = cells_make(d->known, key, e->time, &is_new);
    uint64_t n = usual->n + e->n_skipped;
    bool counts = is_new && !rule_learns(d, rule);
    if (counts)
        *sure = MIN(*sure, n ? (unsigned)(100 - 100 * usual->once / n) : 100); /* there was none */
    usual->n++;
    usual->once += is_new;
    usual->once -= usual->once && k->count == 1;
    k->count += k->count < UINT32_MAX;
    return counts;
}

static bool
is_out_of_range(struct detector *d, const struct event *e, const struct rule *rule, unsigned *sure)
{
    const struct field *f = NULL;
    bool is_new;
    for (unsigned i = 0; !f && i < rule->n_values; i++)
        f = find_field(e, rule->values[i].at[e->protocol]);
    if (!f)
        return false;
    double value = number_of(e->pdu->protocol, f);
    struct range *r = cells_make(
        d->ranges, key_of(d, e, &rule->range, d->seeds[index_of(d, rule)].rule), e->time, &is_new);
    if (!isfinite(value))
        return !rule_learns(d, rule);
    if (is_new)
        r->low = r->high = value;
    double slack = (r->high - r->low) / 10;
    bool is_out = value < r->low - slack || value > r->high + slack;
    bool counts = r->n >= RANGE_SURE && !rule_learns(d, rule);
    if (is_out && counts) {
        buf_printf(&d->detail, "%.6g, where %u values were %.6g to %.6g", value, r->n, r->low,
                   r->high);
        *sure = MIN(*sure, 100 - 200 / (r->n + 1));
    }
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
    r->n += r->n < UINT32_MAX;
    return is_out && counts;
}

static bool
is_marked(struct detector *d, const struct event *e, const struct rule_mark *mark, uint64_t seed)
{
    const struct mark *m = cells_find(d->marks, key_of(d, e, &mark->by, seed), e->time);
    return m && m->until >= e->time && m->until - e->time <= m->lasts + ELAPSED_BACK;
}

static void
set_mark(struct detector *d, const struct event *e, const struct rule_mark *mark, uint64_t seed)
{
    bool is_new;
    struct mark *m = cells_make(d->marks, key_of(d, e, &mark->by, seed), e->time, &is_new);
    m->until = e->time + mark->lasts;
    m->lasts = mark->lasts;
}

/* In halves of the time: what is counted came within it, and at least all of its later half is.
 * Begins anew when it has reached what the rule asks for. */
static uint32_t
count(struct detector *d, const struct event *e, const struct rule *rule)
{
    bool is_new;
    nsec_t half = rule->within / 2;
    uint64_t key = key_of(d, e, &rule->by, d->seeds[index_of(d, rule)].rule);
    struct tally *t = cells_make(d->tallies, key, e->time, &is_new);
    if (is_new || has_elapsed(e->time, t->since, 2 * half))
        *t = (struct tally){.since = e->time};
    if (has_elapsed(e->time, t->since, half))
        *t = (struct tally){.since = t->since + half, .before = t->n};
    t->n++;
    uint32_t n = t->before + t->n;
    if (n < rule->count)
        return 0;
    *t = (struct tally){.since = e->time};
    return n;
}

static uint32_t
count_distinct(struct detector *d, const struct event *e, const struct rule *rule)
{
    bool is_new;
    uint64_t h = hash_mix(add_part(d, e, &rule->distinct, d->seed));
    uint64_t key = key_of(d, e, &rule->by, d->seeds[index_of(d, rule)].rule);
    struct distinct *t = cells_make(d->distincts, key, e->time, &is_new);
    if (is_new || has_elapsed(e->time, t->since, rule->within)) {
        t->since = e->time;
        t->n = 0;
    }
    for (uint32_t i = 0; i < t->n; i++) {
        if (t->prints[i] == (uint32_t)h)
            return 0;
    }
    t->prints[t->n++] = (uint32_t)h;
    if (t->n < rule->count)
        return 0;
    uint32_t n = t->n;
    t->n = 0;
    t->since = e->time;
    return n;
}

/* ---- Rules ---- */

static bool
is_listed(const uint32_t (*list)[2], unsigned n, int protocol, uint32_t number)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i][0] == (uint32_t)protocol && list[i][1] == number)
            return true;
    }
    return n == 0;
}

static bool
has_port(const struct rule *rule, uint16_t port)
{
    for (unsigned i = 0; i < rule->n_ports; i++) {
        if (rule->ports[i] == port)
            return true;
    }
    return rule->n_ports == 0;
}

static bool
is_fed(const struct detector *d, const struct who *w)
{
    return d->config.feed && w->is_there && w->ip &&
           feed_has_address(d->config.feed, w->address, w->ip);
}

/* What costs nothing to see. */
static bool
is_about(const struct detector *d, const struct rule *rule, const struct event *e)
{
    const struct pdu *p = e->pdu;
    if (p && rule->on == ON_MESSAGE && rule->n_errors &&
        !(p->error && is_listed(rule->errors, rule->n_errors, e->protocol, p->error)))
        return false;
    if (rule->protocols && (e->protocol < 0 || !(rule->protocols >> e->protocol & 1)))
        return false;
    if (rule->feed &&
        !((rule->feed & 1 && is_fed(d, &e->source)) || (rule->feed & 2 && is_fed(d, &e->target))))
        return false;
    return has_port(rule, e->target.port) && is_whom(&e->source, rule->from) &&
           is_whom(&e->target, rule->to) && (!rule->planned || rule->planned & e->planned);
}

/* What makes two hits of a rule the same alert: what it tells apart, or else the ends. */
static uint64_t
alert_key(const struct detector *d, const struct event *e, const struct rule *rule)
{
    static const struct rule_key ends = {.n = 2,
                                         .parts = {{.kind = PART_SOURCE}, {.kind = PART_TARGET}}};
    const struct rule_key *key = rule->range.n   ? &rule->range
                                 : rule->fresh.n ? &rule->fresh
                                 : rule->count   ? &rule->by
                                                 : &ends;
    uint64_t h = key_of(d, e, key, d->seeds[index_of(d, rule)].rule);
    if (e->finding && e->finding->object)
        h = hash_bytes(e->finding->object, strlen(e->finding->object), h);
    if (rule->on == ON_CHANGE && e->detail)
        h = hash_bytes(e->detail, strlen(e->detail), h);
    return h;
}

static void
tell(struct detector *d, const struct event *e, const struct rule *rule, uint32_t n, unsigned sure)
{
    buf_clear(&d->object);
    if (e->finding && e->finding->object)
        buf_str(&d->object, e->finding->object);
    else if (e->pdu && e->protocol >= 0)
        object_put(&d->object, &d->objects[e->protocol], e->pdu, e->object);
    if (!d->detail.size && e->detail)
        buf_str(&d->detail, e->detail);
    const struct hit hit = {.rule = rule,
                            .time = e->time,
                            .source = e->source,
                            .target = e->target,
                            .conversation = e->c,
                            .way = e->way,
                            .frame = e->frame,
                            .pdu = e->pdu,
                            .finding = e->finding,
                            .asset = e->asset,
                            .object = buf_cstr(&d->object),
                            .object_number = e->object,
                            .detail = buf_cstr(&d->detail),
                            .count = n,
                            .circuit = e->circuit,
                            .planned = e->planned,
                            .sure = sure,
                            .key = alert_key(d, e, rule)};
    if (d->config.hit)
        d->config.hit(d->config.arg, &hit);
}

static void
try_object(struct detector *d, const struct event *e, const struct rule *rule)
{
    uint32_t n = 0;
    unsigned sure = 100;
    const struct seeds *seeds = &d->seeds[index_of(d, rule)];
    buf_clear(&d->detail);
    if ((rule->lacks.name && is_marked(d, e, &rule->lacks, seeds->lacks)) ||
        (rule->has.name && !is_marked(d, e, &rule->has, seeds->has)))
        return;
    if (rule->sets.name)
        set_mark(d, e, &rule->sets, seeds->sets);
    if (rule->is_quiet || (rule->range.n && !is_out_of_range(d, e, rule, &sure)) ||
        (rule->fresh.n && !is_fresh(d, e, rule, &sure)))
        return;
    if (rule->count) {
        n = rule->is_distinct ? count_distinct(d, e, rule) : count(d, e, rule);
        if (!n)
            return;
    }
    tell(d, e, rule, n, sure);
}

static bool
asks_function(const struct rule *rule, int protocol, const struct pdu *p)
{
    return !p || rule->on != ON_MESSAGE ||
           is_listed(rule->functions, rule->n_functions, protocol, p->function);
}

static uint64_t
rules_asking(struct list *list, int protocol, const struct pdu *p)
{
    uint32_t function = p->function;
    struct memo *m = &list->memos[function & (MEMOS - 1)];
    if (m->is_there && m->function == function)
        return m->asks;
    *m = (struct memo){.function = function, .is_there = true};
    for (uint32_t i = 0; i < MIN(list->n, 64u); i++)
        m->asks |= (uint64_t)asks_function(list->rules[i], protocol, p) << i;
    return m->asks;
}

static void
list_fields(const struct pdu *p, uint64_t *fields)
{
    memset(fields, 0, PROTOCOL_FIELDS / 8);
    for (uint32_t i = 0; i < p->n_fields; i++)
        fields[p->fields[i].id / 64] |= UINT64_C(1) << p->fields[i].id % 64;
}

/* ... of those that ask for fields, only those that are about fields that it has. */
static uint64_t
rules_about(struct list *list, unsigned protocol, const struct pdu *p)
{
    uint64_t fields[PROTOCOL_FIELDS / 64], asks = rules_asking(list, (int)protocol, p);
    uint64_t conditional = asks & list->conditional;
    if (conditional)
        list_fields(p, fields);
    for (; conditional; conditional &= conditional - 1) {
        int i = __builtin_ctzll(conditional);
        if (!has_fields(list->rules[i], protocol, fields))
            asks &= ~(UINT64_C(1) << i);
    }
    return asks;
}

/* Does it only ask whether something is new that is the same in all messages of a function? */
static bool
is_of_ends(const struct rule *rule)
{
    for (unsigned i = 0; i < rule->fresh.n; i++) {
        if (rule->fresh.parts[i].kind == PART_MAC)
            return false;
    }
    return !rule->needs_each;
}

static void
try_rules(struct detector *d, struct event *e, const struct list *list)
{
    uint16_t objects[OBJECTS];
    for (uint32_t i = 0; i < list->n; i++) {
        const struct rule *rule = list->rules[i];
        if (i < 64 && !(e->asks >> i & 1))
            continue;
        if (i >= 64 && !asks_function(rule, e->protocol, e->pdu))
            continue;
        if (!is_about(d, rule, e) || (e->is_late && rule->count) ||
            (e->is_again && (rule->count || !rule->planned)))
            continue;
        if (e->is_old && is_of_ends(rule)) {
            d->usual[index_of(d, rule)].n++; /* it is there, and it was there twice before */
            continue;
        }
        unsigned n = rule->n_conditions ? find_objects(d, rule, e, objects)
                                        : list_objects(d, rule, e, objects);
        for (unsigned k = 0; k < n; k++) {
            e->object = objects[k];
            try_object(d, e, rule);
        }
    }
}

/* ---- Events ---- */

static struct watch *
slot_of(struct detector *d, const struct conversation *c)
{
    return &d->watches[c->slot < d->config.conversations ? c->slot : 0];
}

static struct watch *
watch_of(struct detector *d, const struct conversation *c)
{
    struct watch *w = slot_of(d, c);
    if (w->serial != c->serial) /* a slot is used again */
        *w = (struct watch){
            .serial = c->serial, .number = UINT8_MAX, .judged = d->generation, .began = 2};
    if (w->generation != d->generation) {
        w->generation = d->generation;
        w->circuit = NULL;
        memset(w->old, 0, sizeof w->old);
        w->planned = (uint8_t)(d->config.plan ? d->config.plan(d->config.arg, c, &w->circuit)
                                              : RULE_PLANNED_UNKNOWN);
    }
    if (w->protocol != c->protocol) {
        w->protocol = c->protocol;
        memset(w->old, 0, sizeof w->old);
        w->number = UINT8_MAX;
        for (unsigned k = 0; k < d->n_protocols; k++) {
            if (d->config.protocols[k] == c->protocol)
                w->number = (uint8_t)k;
        }
    }
    return w;
}

static struct event
event_of(struct detector *d, const struct conversation *c, unsigned way, const struct frame *f)
{
    struct event e = {.time = f ? f->time : c->last,
                      .c = c,
                      .way = way,
                      .frame = f,
                      .protocol = -1,
                      .source = who_of(c, way),
                      .target = who_of(c, !way),
                      .planned = RULE_PLANNED_UNKNOWN,
                      .asks = UINT64_MAX};
    const struct watch *w = watch_of(d, c);
    e.protocol = w->number == UINT8_MAX ? -1 : w->number;
    e.planned = (enum rule_planned)w->planned;
    e.circuit = w->circuit;
    pass_time(d, e.time);
    return e;
}

/* Who began it: the sender of what was seen first, unless that can only be an answer. */
static unsigned
beginner(const struct conversation *c, unsigned way, const struct layers *l)
{
    if (c->key.ip && c->key.proto == PROTO_TCP && l->tcp_flags & TCP_SYN)
        return l->tcp_flags & TCP_ACK ? !way : way;
    uint16_t from = c->key.ends[way].port, to = c->key.ends[!way].port;
    bool is_answer = from && from < to && (from < 1024 || to >= 32768);
    return is_answer ? !way : way;
}

void
detector_opened(struct detector *d, const struct conversation *c, unsigned way,
                const struct frame *f, const struct layers *l)
{
    slot_of(d, c)->serial = 0; /* what a finding of its first packet made of it */
    struct watch *w = watch_of(d, c);
    w->began = (uint8_t)beginner(c, way, l);
    struct event e = event_of(d, c, w->began, f);
    e.is_late = c->key.ip && c->key.proto == PROTO_TCP && !(l->tcp_flags & TCP_SYN);
    try_rules(d, &e, &d->conversation);
}

void
detector_speaks(struct detector *d, const struct conversation *c, unsigned way,
                const struct frame *f)
{
    struct event e = event_of(d, c, way, f);
    e.protocol = -1;
    e.target = (struct who){.is_there = false};
    try_rules(d, &e, &d->device);
}

void
detector_judge_again(struct detector *d, const struct conversation *c)
{
    struct watch *w = watch_of(d, c);
    if (w->judged == d->generation || w->began > 1)
        return;
    w->judged = d->generation;
    struct event e = event_of(d, c, w->began, NULL);
    e.time = d->now;
    e.is_again = true;
    try_rules(d, &e, &d->conversation);
}

/* Has the conversation had this function twice? Then only rules that need each look at it. The
 * second time counts: what came once may be chance. */
static bool
was_seen(struct watch *w, unsigned way, const struct pdu *p)
{
    uint32_t print = (p->function << 5 | (uint32_t)p->kind << 2 | way << 1) + 2;
    for (unsigned i = 0; i < SEEN; i++) {
        if ((w->seen[i] & ~1u) != print)
            continue;
        bool is_twice = w->seen[i] & 1;
        w->seen[i] |= 1;
        return is_twice;
    }
    w->seen[w->next] = print;
    w->next = (uint8_t)((w->next + 1) % SEEN);
    return false;
}

/* As was_seen(), of a function with an act. */
static bool
was_old(struct watch *w, unsigned way, const struct pdu *p)
{
    uint64_t what = (uint64_t)p->function << 16 | (uint64_t)p->kind << 12 | p->act << 4 | way;
    uint32_t print = (uint32_t)hash_mix(what + 1) | 1;
    for (unsigned i = 0; i < SEEN; i++) {
        if ((w->old[i] | 1) != print)
            continue;
        bool is_twice = w->old[i] & 1;
        w->old[i] = print;
        return is_twice;
    }
    w->old[w->next_old] = print & ~1u;
    w->next_old = (uint8_t)((w->next_old + 1) % SEEN);
    return false;
}

void
detector_message(struct detector *d, const struct conversation *c, unsigned way,
                 const struct frame *f, const struct pdu *p)
{
    struct watch *w = watch_of(d, c);
    pass_time(d, f->time);
    if (w->judged != d->generation)
        detector_judge_again(d, c);
    if (w->number == UINT8_MAX)
        return;
    struct list *list = class_of(d, w->number, p->kind, p->act);
    if (!list->n)
        return;
    if (!list->needs_each && was_seen(w, way, p)) {
        list->n_skipped++;
        return;
    }
    bool is_old = list->needs_each && was_old(w, way, p);
    uint64_t asks = rules_about(list, w->number, p);
    if (!asks && list->n <= 64)
        return;
    struct event e = event_of(d, c, way, f);
    e.pdu = p;
    e.n_skipped = list->n_skipped;
    e.asks = asks;
    e.is_old = is_old;
    try_rules(d, &e, list);
}

void
detector_malformed(struct detector *d, const struct conversation *c, unsigned way,
                   const struct frame *f, const struct cursor *at)
{
    struct event e = event_of(d, c, way, f);
    char detail[128];
    if (e.protocol < 0)
        return;
    snprintf(detail, sizeof detail, "%s at octet %zu", at->field, at->offset);
    e.detail = detail;
    try_rules(d, &e, &d->malformed[e.protocol]);
}

void
detector_finding(struct detector *d, const struct finding *finding)
{
    struct event e = {.protocol = -1, .planned = RULE_PLANNED_UNKNOWN, .asks = UINT64_MAX};
    if (finding->conversation)
        e = event_of(d, finding->conversation, finding->way, finding->frame);
    e.time = finding->time;
    e.frame = finding->frame;
    e.pdu = finding->pdu;
    e.finding = finding;
    e.detail = finding->detail;
    pass_time(d, e.time);
    for (uint32_t i = 0; i < d->finding.n; i++) {
        const struct list one = {.rules = &d->finding.rules[i], .n = 1};
        if (!strcmp(one.rules[0]->finding, finding->name))
            try_rules(d, &e, &one);
    }
}

void
detector_changed(struct detector *d, const struct asset *asset, nsec_t now, const char *detail)
{
    struct event e = {.time = now,
                      .protocol = -1,
                      .asset = asset,
                      .detail = detail,
                      .planned = RULE_PLANNED_UNKNOWN,
                      .asks = UINT64_MAX,
                      .source = {.ip = asset->address.ip, .is_there = true, .mac = asset->mac}};
    memcpy(e.source.address, asset->address.octets, sizeof e.source.address);
    pass_time(d, now);
    try_rules(d, &e, &d->change);
}

/* ---- Keeping ---- */

#define MAGIC 0x544c4232u                      /* "TLB2" */
#define LEARNED_MOST ((UINT64_C(1) << 62) - 1) /* 146 years */

struct saver {
    struct buf *out;
    uint32_t n;
};

static void
put_real(struct buf *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    buf_be64(out, bits);
}

static void
save_known(void *arg, uint64_t key, void *cell)
{
    struct saver *s = arg;
    const struct sighted *k = cell;
    buf_be64(s->out, key);
    buf_be32(s->out, k->count);
    s->n++;
}

static void
save_range(void *arg, uint64_t key, void *cell)
{
    struct saver *s = arg;
    const struct range *r = cell;
    buf_be64(s->out, key);
    put_real(s->out, r->low);
    put_real(s->out, r->high);
    buf_be32(s->out, r->n);
    s->n++;
}

static void
save_cells(struct buf *out, struct cells *cells, void (*save)(void *, uint64_t, void *))
{
    struct saver s = {.out = out};
    size_t at = out->size;
    buf_be32(out, 0);
    cells_each(cells, save, &s);
    buf_patch_be32(out, at, s.n);
}

/* Rules are told by their names: another version of them may have others. */
void
detector_save(struct detector *d, struct buf *out)
{
    size_t n = rules_number(d->config.rules);
    buf_be32(out, MAGIC);
    buf_be64(out, d->seed);
    buf_be64(out, (uint64_t)d->learned);
    buf_be32(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        const char *name = rules_at(d->config.rules, i)->name;
        buf_be64(out, hash_bytes(name, strlen(name), 0));
        buf_be64(out, d->usual[i].n);
        buf_be64(out, d->usual[i].once);
        buf_be64(out, (uint64_t)d->usual[i].since);
    }
    save_cells(out, d->known, save_known);
    save_cells(out, d->ranges, save_range);
}

static double
read_real(struct cursor *c, const char *field)
{
    uint64_t bits = cursor_be64(c, field);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void
restore_usual(struct detector *d, uint64_t name, struct usual usual)
{
    for (size_t i = 0; i < rules_number(d->config.rules); i++) {
        const char *its = rules_at(d->config.rules, i)->name;
        if (hash_bytes(its, strlen(its), 0) == name)
            d->usual[i] = usual;
    }
}

/* Once to see that it is whole (`d` NULL), once to take it. */
static void
read_saved(struct detector *d, struct cursor *c)
{
    bool is_new;
    uint64_t seed = cursor_be64(c, "seed");
    nsec_t learned = (nsec_t)(cursor_be64(c, "learned") & LEARNED_MOST);
    uint32_t n = cursor_be32(c, "rules");
    if (d) {
        d->seed = seed;
        make_seeds(d);
        d->learned = learned;
        for (size_t i = 0; i < rules_number(d->config.rules); i++)
            d->usual[i] = (struct usual){.since = learned}; /* those that the file does not have */
    }
    for (; n && !c->err; n--) {
        uint64_t name = cursor_be64(c, "rule");
        struct usual usual = {.n = cursor_be64(c, "seen")};
        usual.once = cursor_be64(c, "seen once");
        usual.since = (nsec_t)(cursor_be64(c, "since") & LEARNED_MOST);
        if (usual.once > usual.n)
            cursor_fail(c, ERR_MALFORMED, "seen once");
        if (d)
            restore_usual(d, name, usual);
    }
    for (n = cursor_be32(c, "keys"); n && !c->err; n--) {
        uint64_t key = cursor_be64(c, "key");
        uint32_t seen = cursor_be32(c, "count");
        if (d)
            ((struct sighted *)cells_make(d->known, key, 0, &is_new))->count = seen;
    }
    for (n = cursor_be32(c, "ranges"); n && !c->err; n--) {
        uint64_t key = cursor_be64(c, "key");
        struct range range = {.low = read_real(c, "low")};
        range.high = read_real(c, "high");
        range.n = cursor_be32(c, "count");
        if (d)
            *(struct range *)cells_make(d->ranges, key, 0, &is_new) = range;
    }
    if (!c->err && cursor_left(c))
        cursor_fail(c, ERR_MALFORMED, "end");
}

enum err
detector_restore(struct detector *d, const void *data, size_t size, struct diag *diag)
{
    struct cursor c = cursor_over(data, size);
    if (cursor_be32(&c, "version") != MAGIC)
        return diag_set(diag, ERR_UNSUPPORTED, "not a baseline of this version");
    struct cursor again = c;
    read_saved(NULL, &c);
    if (c.err)
        return diag_set(diag, ERR_MALFORMED, "%s at octet %zu: %s", c.field, c.offset,
                        err_text(c.err));
    read_saved(d, &again);
    return ERR_OK;
}
