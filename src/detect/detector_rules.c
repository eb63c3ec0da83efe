/* Which rules an event is a hit of. */
#include "detect/detector_private.h"

#include <fnmatch.h>
#include <strings.h>

#define OBJECTS 64   /* of a message that are looked at for one rule */
#define TEXT_MAX 200 /* octets of a text that is compared with a pattern */

/* ---- Who ---- */

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

double
field_number(const struct protocol *p, const struct field *f)
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
        if (c->texts ? is_text(f, c->texts[i]) : field_number(p, f) == c->numbers[i])
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
        return field_number(p, f) > c->numbers[0];
    case TEST_BELOW:
        return field_number(p, f) < c->numbers[0];
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

/* An object of a message, and where it begins. */
struct spot {
    uint32_t at;
    uint16_t object;
};

/* Each object that has a name, if the rule tells them apart; else the message. */
static unsigned
list_objects(const struct detector *d, const struct rule *rule, const struct event *e,
             struct spot *spots)
{
    unsigned n = 0;
    spots[0] = (struct spot){0, 0};
    if (!e->pdu || !e->pdu->n_objects || !d->seeds[index_of(d, rule)].tells_objects)
        return 1;
    for (uint32_t i = 0; i < e->pdu->n_fields && n < OBJECTS; i++) {
        const struct field *f = &e->pdu->fields[i];
        if (f->object && (!n || spots[n - 1].object != f->object) &&
            object_is_named_by(&d->objects[e->protocol], f))
            spots[n++] = (struct spot){i, f->object};
    }
    return n ? n : 1;
}

/* Has the message the fields that all conditions are about? */
static bool
has_fields(const struct rule *rule, unsigned protocol, const struct pdu *p)
{
    for (unsigned k = 0; k < rule->n_conditions; k++) {
        if (!pdu_has(p, rule->conditions[k].at[protocol]))
            return false;
    }
    return true;
}

/* Bits of ids, modulo 64. */
static uint64_t
ids_of_conditions(const struct rule *rule, unsigned protocol)
{
    uint64_t ids = 0;
    for (unsigned k = 0; k < rule->n_conditions; k++)
        ids |= UINT64_C(1) << rule->conditions[k].at[protocol] % 64;
    return ids;
}

/* Which conditions the field meets, a bit each. */
static unsigned
conditions_met(const struct detector *d, const struct rule *rule, const struct event *e,
               const struct field *f)
{
    unsigned met = 0;
    for (unsigned k = 0; k < rule->n_conditions; k++) {
        if (rule->conditions[k].at[e->protocol] == f->id &&
            meets(d, &rule->conditions[k], e->pdu->protocol, f))
            met |= 1u << k;
    }
    return met;
}

static uint32_t
beginning_of_object(const struct pdu *p, uint32_t at)
{
    uint16_t object = p->fields[at].object;
    while (at && (p->fields[at - 1].object == object || !p->fields[at - 1].object))
        at--;
    return at;
}

/* The objects of which all conditions are true; a field of the message is one of each of them. */
static unsigned
find_objects(const struct detector *d, const struct rule *rule, const struct event *e,
             struct spot *spots)
{
    const struct pdu *p = e->pdu;
    unsigned all = (1u << rule->n_conditions) - 1, common = 0, own = 0, n = 0;
    uint64_t ids = ids_of_conditions(rule, (unsigned)e->protocol);
    uint16_t object = 0;
    for (uint32_t i = 0; i < p->n_fields; i++) { /* the message's own may stand behind */
        const struct field *f = &p->fields[i];
        if (!f->object && ids >> f->id % 64 & 1)
            common |= conditions_met(d, rule, e, f);
    }
    if (common == all)
        return list_objects(d, rule, e, spots);
    for (uint32_t i = 0; i < p->n_fields && n < OBJECTS; i++) {
        const struct field *f = &p->fields[i];
        if (!f->object || !(ids >> f->id % 64 & 1))
            continue;
        if (f->object != object) {
            object = f->object;
            own = 0;
        }
        unsigned before = common | own;
        own |= conditions_met(d, rule, e, f);
        if (before != all && (common | own) == all)
            spots[n++] = (struct spot){beginning_of_object(p, i), object};
    }
    return n;
}

const struct field *
event_field(const struct event *e, uint16_t id)
{
    const struct field *f = pdu_field(e->pdu, id, e->object);
    return f || !e->object ? f : pdu_field(e->pdu, id, 0);
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

static bool
is_in_countries(const struct detector *d, const struct rule *rule, const struct who *w)
{
    char code[3];
    if (!d->config.geo || !w->is_there || !w->ip ||
        !geo_country(d->config.geo, w->address, w->ip, code))
        return false;
    for (unsigned i = 0; i < rule->n_countries; i++) {
        if (!strcmp(rule->countries[i], code))
            return !rule->not_countries;
    }
    return rule->not_countries;
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
    if (rule->n_countries && !is_in_countries(d, rule, &e->source) &&
        !is_in_countries(d, rule, &e->target))
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
    uint64_t h = detector_key(d, e, key, d->seeds[index_of(d, rule)].rule);
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
    if ((rule->lacks.name && detector_is_marked(d, e, &rule->lacks, seeds->lacks)) ||
        (rule->has.name && !detector_is_marked(d, e, &rule->has, seeds->has)))
        return;
    if (rule->sets.name)
        detector_set_mark(d, e, &rule->sets, seeds->sets);
    if (rule->is_quiet || (rule->range.n && !detector_is_out_of_range(d, e, rule, &sure)) ||
        (rule->fresh.n && !detector_is_fresh(d, e, rule, &sure)))
        return;
    if (rule->count) {
        n = rule->is_distinct ? detector_count_distinct(d, e, rule) : detector_count(d, e, rule);
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

/* ... of those that ask for fields, only those that are about fields that it has. */
uint64_t
detector_rules_about(struct list *list, unsigned protocol, const struct pdu *p)
{
    uint64_t asks = rules_asking(list, (int)protocol, p);
    for (uint64_t left = asks & list->conditional; left; left &= left - 1) {
        int i = __builtin_ctzll(left);
        if (!has_fields(list->rules[i], protocol, p))
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

void
detector_try_rules(struct detector *d, struct event *e, const struct list *list)
{
    struct spot spots[OBJECTS];
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
        unsigned n = rule->n_conditions ? find_objects(d, rule, e, spots)
                                        : list_objects(d, rule, e, spots);
        if (e->pdu && !e->has_span && d->seeds[index_of(d, rule)].tells_objects) {
            e->span = object_span_of(&d->objects[e->protocol], e->pdu);
            e->has_span = true;
        }
        for (unsigned k = 0; k < n; k++) {
            e->object = spots[k].object;
            e->span.at = MAX(spots[k].at, e->span.head);
            try_object(d, e, rule);
        }
    }
}
