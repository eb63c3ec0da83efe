/* Most messages are of no interest, and most of those that are repeat others: rules are listed by
 * protocol, kind and act, and where all rules of such a list only ask whether something is new, a
 * conversation remembers which functions have been looked at. What is left is rare. */
#include "detect/detector_private.h"

#include "base/alloc.h"
#include "detect/elapsed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define CONVERSATIONS 65536
#define PROTO_TCP 6
#define HOLE (60 * NSEC_PER_SEC) /* of silence counts no longer than that */

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

void
detector_make_seeds(struct detector *d)
{
    for (size_t i = 0; i < rules_number(d->config.rules); i++) {
        const struct rule *rule = rules_at(d->config.rules, i);
        d->seeds[i] = (struct seeds){.rule = name_seed(d, rule->name),
                                     .sets = name_seed(d, rule->sets.name),
                                     .lacks = name_seed(d, rule->lacks.name),
                                     .has = name_seed(d, rule->has.name),
                                     .tells_objects = tells_objects(rule)};
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
    d->verdicts = verdicts_new();
    d->seed = hash_secret();
    d->first = rules_number(config->rules) ? rules_at(config->rules, 0) : NULL;
    d->seeds = xcalloc(rules_number(config->rules), sizeof *d->seeds);
    detector_make_seeds(d);
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
    verdicts_free(d->verdicts);
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

/* ---- What people say ---- */

const struct verdicts *
detector_verdicts(const struct detector *d)
{
    return d->verdicts;
}

enum err
detector_say(struct detector *d, const struct verdict_about *about, enum verdict_word word,
             nsec_t at, const char *by, const char *why, struct diag *diag)
{
    enum err err = verdicts_say(d->verdicts, about, word, at, by, why, diag);
    if (err || word != VERDICT_FORGOTTEN)
        return err;
    for (uint32_t i = 0; i < d->config.conversations; i++) { /* what was seen is looked at again */
        memset(d->watches[i].seen, 0, sizeof d->watches[i].seen);
        memset(d->watches[i].old, 0, sizeof d->watches[i].old);
    }
    return ERR_OK;
}

/* ---- The time ---- */

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

/* A rule that came later than the others learns as long as they did. */
bool
detector_rule_learns(struct detector *d, const struct rule *rule)
{
    return !d->config.learn || d->learned - usual_of(d, rule)->since < d->config.learn;
}

static void
put_rule(struct buf *out, const struct rule *rule, const struct usual *u, const char *separator)
{
    buf_printf(out, "%s{\"rule\":\"%s\",\"seen\":%" PRIu64 ",\"once\":%" PRIu64 ",\"sure\":%u}",
               separator, rule->name, u->n, u->once, (unsigned)(100 - 100 * u->once / u->n));
}

void
detector_put_learned(struct detector *d, struct buf *out)
{
    char text[TIME_TEXT_SIZE];
    const char *separator = "";
    bool learns = detector_learns(d);
    nsec_t left = d->config.learn - d->learned;
    buf_printf(out, "{\"learning\":%s,\"learned-s\":%" PRId64 ",\"learn-s\":%" PRId64,
               learns ? "true" : "false", d->learned / NSEC_PER_SEC,
               d->config.learn / NSEC_PER_SEC);
    if (learns && left > 0 && d->now && left < INT64_MAX - d->now)
        buf_printf(out, ",\"until\":\"%s\"", time_format(d->now + left, text));
    buf_printf(out, ",\"verdicts\":%zu,\"rules\":[", verdicts_number(d->verdicts));
    for (size_t i = 0; i < rules_number(d->config.rules); i++) {
        const struct rule *rule = rules_at(d->config.rules, i);
        if (!rule->fresh.n || !d->usual[i].n)
            continue;
        put_rule(out, rule, &d->usual[i], separator);
        separator = ",";
    }
    buf_str(out, "]}");
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

/* ---- Events ---- */

static struct watch *
slot_of(struct detector *d, const struct conversation *c)
{
    return &d->watches[c->slot < d->config.conversations ? c->slot : 0];
}

/* UINT8_MAX: it has none. */
static uint8_t
number_of(struct detector *d, const struct protocol *p)
{
    struct numbered *n = &d->numbers[((uintptr_t)p >> 5) % NUMBERS];
    if (!p || n->protocol == p)
        return p ? n->number : UINT8_MAX;
    *n = (struct numbered){.protocol = p, .number = UINT8_MAX};
    for (unsigned k = 0; k < d->n_protocols; k++) {
        if (d->config.protocols[k] == p)
            n->number = (uint8_t)k;
    }
    return n->number;
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
        w->number = number_of(d, c->protocol);
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
    detector_try_rules(d, &e, &d->conversation);
}

void
detector_speaks(struct detector *d, const struct conversation *c, unsigned way,
                const struct frame *f)
{
    struct event e = event_of(d, c, way, f);
    e.protocol = -1;
    e.target = (struct who){.is_there = false};
    detector_try_rules(d, &e, &d->device);
}

void
detector_judge_again(struct detector *d, const struct conversation *c)
{
    struct watch *w = watch_of(d, c);
    if (w->judged == d->generation || w->began > 1)
        return;
    bool is_forgotten = !w->judged;
    w->judged = d->generation;
    struct event e = event_of(d, c, w->began, NULL);
    e.time = d->now;
    e.is_again = !is_forgotten;
    e.is_late = is_forgotten;
    detector_try_rules(d, &e, &d->conversation);
}

void
detector_reopen(struct detector *d, const struct conversation *c)
{
    watch_of(d, c)->judged = 0;
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
    unsigned number = number_of(d, p->protocol);
    pass_time(d, f->time);
    if (number == UINT8_MAX)
        return;
    struct list *list = class_of(d, number, p->kind, p->act);
    if (!list->n) /* most answers: what is kept of the conversation is not looked at */
        return;
    struct watch *w = watch_of(d, c);
    if (w->judged != d->generation) /* it was forgotten */
        detector_judge_again(d, c);
    if (!list->needs_each && was_seen(w, way, p)) {
        list->n_skipped++;
        return;
    }
    bool is_old = list->needs_each && was_old(w, way, p);
    uint64_t asks = detector_rules_about(list, number, p);
    if (!asks && list->n <= 64)
        return;
    struct event e = event_of(d, c, way, f);
    e.pdu = p;
    e.n_skipped = list->n_skipped;
    e.asks = asks;
    e.is_old = is_old;
    detector_try_rules(d, &e, list);
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
    detector_try_rules(d, &e, &d->malformed[e.protocol]);
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
            detector_try_rules(d, &e, &one);
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
    detector_try_rules(d, &e, &d->change);
}
