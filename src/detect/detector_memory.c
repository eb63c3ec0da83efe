/* What rules remember, under keys of what they tell apart. */
#include "detect/detector_private.h"

#include "detect/elapsed.h"

#include <math.h>

#define RANGE_SURE 10       /* values without which a range is none */
#define USUAL 0x757375616cu /* tells counts from ranges among the keys */
#define COUNT_MAX 1e6

/* ---- Keys ---- */

static uint64_t
add_who(uint64_t h, const struct who *who)
{
    return hash_bytes(who->address, sizeof who->address, hash_add(h, who->ip));
}

static uint64_t
add_field(const struct event *e, uint16_t id, uint64_t h)
{
    const struct field *f = e->pdu ? event_field(e, id) : NULL;
    return f ? field_hash(e->pdu->protocol, f, h) : hash_add(h, 0);
}

static uint64_t
add_object(const struct detector *d, const struct event *e, uint64_t h)
{
    if (e->finding && e->finding->object)
        return hash_bytes(e->finding->object, strlen(e->finding->object), h);
    if (e->pdu && e->protocol >= 0)
        return hash_add(
            h, object_hash(&d->objects[e->protocol], e->pdu, &e->span, e->object, d->seed));
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

uint64_t
detector_key(const struct detector *d, const struct event *e, const struct rule_key *key,
             uint64_t seed)
{
    uint64_t h = seed;
    for (unsigned i = 0; i < key->n; i++)
        h = add_part(d, e, &key->parts[i], h);
    return hash_mix(h);
}

/* ---- What is remembered ---- */

static bool
has_part(const struct rule_key *key, enum part_kind kind)
{
    for (unsigned i = 0; i < key->n; i++) {
        if (key->parts[i].kind == kind)
            return true;
    }
    return false;
}

/* Whom the event is of; false: of no pair. */
static bool
pair_of(const struct detector *d, const struct event *e, struct verdict_about *about)
{
    if (!e->source.is_there || !e->target.is_there || e->source.ip != e->target.ip)
        return false;
    memset(about, 0, sizeof *about);
    memcpy(about->ends[0], e->source.address, sizeof about->ends[0]);
    memcpy(about->ends[1], e->target.address, sizeof about->ends[1]);
    about->ip = e->source.ip;
    if (e->protocol >= 0)
        verdict_name_put(about->protocol, d->config.protocols[e->protocol]->name);
    about->has_function = e->protocol >= 0 && e->pdu;
    about->function = e->pdu ? e->pdu->function : 0;
    return true;
}

/* What is known of a pair that was forgotten is known under a key that does not come any more. */
static uint64_t
seed_of(const struct detector *d, const struct event *e, const struct rule *rule)
{
    struct verdict_about about;
    uint64_t seed = d->seeds[index_of(d, rule)].rule, epoch = 0;
    if (verdicts_number(d->verdicts) && has_part(&rule->fresh, PART_SOURCE) &&
        has_part(&rule->fresh, PART_TARGET) && pair_of(d, e, &about))
        epoch = verdicts_epoch(d->verdicts, &about);
    return epoch ? hash_add(seed, epoch) : seed;
}

static bool
is_approved(const struct detector *d, const struct event *e)
{
    struct verdict_about about;
    return verdicts_number(d->verdicts) && pair_of(d, e, &about) &&
           verdicts_hold(d->verdicts, &about) == VERDICT_APPROVED;
}

bool
detector_is_fresh(struct detector *d, const struct event *e, const struct rule *rule,
                  unsigned *sure)
{
    bool is_new;
    struct usual *usual = usual_of(d, rule);
    uint64_t key = detector_key(d, e, &rule->fresh, seed_of(d, e, rule));
    struct sighted *k = cells_make(d->known, key, e->time, &is_new);
    uint64_t n = usual->n + e->n_skipped;
    bool counts = is_new && !detector_rule_learns(d, rule) && !is_approved(d, e);
    if (counts)
        *sure = MIN(*sure, n ? (unsigned)(100 - 100 * usual->once / n) : 100); /* there was none */
    usual->n++;
    usual->once += is_new;
    usual->once -= usual->once && k->count == 1;
    k->count += k->count < UINT32_MAX;
    return counts;
}

bool
detector_is_out_of_range(struct detector *d, const struct event *e, const struct rule *rule,
                         unsigned *sure)
{
    const struct field *f = NULL;
    bool is_new;
    for (unsigned i = 0; !f && i < rule->n_values; i++)
        f = event_field(e, rule->values[i].at[e->protocol]);
    if (!f)
        return false;
    double value = field_number(e->pdu->protocol, f);
    struct range *r = cells_make(d->ranges,
                                 detector_key(d, e, &rule->range, d->seeds[index_of(d, rule)].rule),
                                 e->time, &is_new);
    if (!isfinite(value))
        return !detector_rule_learns(d, rule);
    if (is_new)
        r->low = r->high = value;
    double slack = (r->high - r->low) / 10;
    bool is_out = value < r->low - slack || value > r->high + slack;
    bool counts = r->n >= RANGE_SURE && !detector_rule_learns(d, rule);
    if (is_out && counts) {
        buf_printf(&d->detail, "%.6g, where %u values were %.6g to %.6g", value, r->n, r->low,
                   r->high);
        *sure = MIN(*sure, (unsigned)(100 - 200 / (r->n + UINT64_C(1))));
    }
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
    r->n += r->n < UINT32_MAX;
    return is_out && counts;
}

bool
detector_is_marked(struct detector *d, const struct event *e, const struct rule_mark *mark,
                   uint64_t seed)
{
    const struct mark *m = cells_find(d->marks, detector_key(d, e, &mark->by, seed), e->time);
    return m && m->until >= e->time && m->until - e->time <= m->lasts + ELAPSED_BACK;
}

void
detector_set_mark(struct detector *d, const struct event *e, const struct rule_mark *mark,
                  uint64_t seed)
{
    bool is_new;
    struct mark *m = cells_make(d->marks, detector_key(d, e, &mark->by, seed), e->time, &is_new);
    m->until = e->time + mark->lasts;
    m->lasts = mark->lasts;
}

/* How many make a hit: of what is only worth telling if it is far more than usual, what was the
 * most of the same while that was learned counts. What is learned later is not usual: who goes on
 * slowly would not be seen. `*most`: what is to be learned of now; NULL: nothing. */
static uint32_t
count_limit(struct detector *d, const struct event *e, const struct rule *rule, uint64_t key,
            struct range **most)
{
    bool is_new;
    *most = NULL;
    if (!rule->usual || !d->config.learn)
        return rule->count;
    uint64_t usual_key = hash_mix(hash_add(key, USUAL));
    uint64_t limit = (uint64_t)rule->usual * rule->count;
    if (detector_rule_learns(d, rule)) {
        *most = cells_make(d->ranges, usual_key, e->time, &is_new);
    } else {
        const struct range *was = cells_find(d->ranges, usual_key, e->time);
        double high = was && was->high >= 0 ? fmin(was->high, COUNT_MAX) : 0;
        limit = MAX(rule->count, rule->usual * (uint64_t)high);
    }
    return (uint32_t)MIN(limit, rule->is_distinct ? RULE_DISTINCT : (uint64_t)UINT32_MAX);
}

static void
learn_most(struct range *most, uint32_t n)
{
    if (!most)
        return;
    most->high = fmax(most->high, n);
    most->n += most->n < UINT32_MAX;
}

/* In halves of the time: what is counted came within it, and at least all of its later half is.
 * Begins anew when it has reached what the rule asks for. */
uint32_t
detector_count(struct detector *d, const struct event *e, const struct rule *rule)
{
    bool is_new;
    nsec_t half = rule->within / 2;
    uint64_t key = detector_key(d, e, &rule->by, d->seeds[index_of(d, rule)].rule);
    struct range *most;
    uint32_t limit = count_limit(d, e, rule, key, &most);
    struct tally *t = cells_make(d->tallies, key, e->time, &is_new);
    if (is_new || has_elapsed(e->time, t->since, 2 * half))
        *t = (struct tally){.since = e->time};
    if (has_elapsed(e->time, t->since, half))
        *t = (struct tally){.since = t->since + half, .before = t->n};
    t->n++;
    uint32_t n = t->before + t->n;
    if (n < limit) {
        learn_most(most, n);
        return 0;
    }
    *t = (struct tally){.since = e->time};
    return n;
}

uint32_t
detector_count_distinct(struct detector *d, const struct event *e, const struct rule *rule)
{
    bool is_new;
    uint64_t h = hash_mix(add_part(d, e, &rule->distinct, d->seed));
    uint64_t key = detector_key(d, e, &rule->by, d->seeds[index_of(d, rule)].rule);
    struct range *most;
    uint32_t limit = count_limit(d, e, rule, key, &most);
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
    if (t->n < limit) {
        learn_most(most, t->n);
        return 0;
    }
    uint32_t n = t->n;
    t->n = 0;
    t->since = e->time;
    return n;
}
