#include "engineer/ruleset.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

static uint64_t
number_of(const struct rule *rule)
{
    if (rule->kind == RULE_FLOW)
        return (uint64_t)rule->flow->table_id << 16 | rule->flow->priority;
    return rule->kind == RULE_GROUP ? rule->group->group_id : rule->meter->meter_id;
}

/* Sums up the words, each with a factor of its own, so that they need not wait for each other. */
static uint64_t
hash_key(const struct flow_key *key, uint64_t factor)
{
    uint64_t sum = 0;
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        uint64_t word = (key->words[i] ^ key->words[i] >> 32) * (factor + 2 * (uint64_t)i);
        sum += word ^ word >> 29;
    }
    return sum;
}

static uint32_t
hash_rule(const struct rule *rule)
{
    uint64_t hash = hash_add(rule->kind, number_of(rule));
    if (rule->kind == RULE_FLOW)
        hash += hash_key(&rule->flow->match.value, UINT64_C(0x9e3779b97f4a7c15)) +
                hash_key(&rule->flow->match.mask, UINT64_C(0xc2b2ae3d27d4eb4f));
    return (uint32_t)hash_mix(hash);
}

bool
rule_same(const struct rule *a, const struct rule *b)
{
    return a->kind == b->kind && number_of(a) == number_of(b) &&
           (a->kind != RULE_FLOW || match_equal(&a->flow->match, &b->flow->match));
}

bool
rule_equal(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == RULE_FLOW)
        return flow_equal(a->flow, b->flow) && a->flow->cookie == b->flow->cookie;
    return a->kind == RULE_GROUP ? group_equal(a->group, b->group)
                                 : meter_equal(a->meter, b->meter);
}

int
rule_compare(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind != RULE_FLOW) {
        uint64_t x = number_of(a), y = number_of(b);
        return x < y ? -1 : x > y;
    }
    if (a->flow->table_id != b->flow->table_id)
        return a->flow->table_id < b->flow->table_id ? -1 : 1;
    if (a->flow->priority != b->flow->priority)
        return a->flow->priority > b->flow->priority ? -1 : 1;
    return match_compare(&a->flow->match, &b->flow->match);
}

void
rule_format(const struct rule *rule, struct buf *out)
{
    if (rule->kind == RULE_FLOW)
        flow_format(rule->flow, out);
    else if (rule->kind == RULE_GROUP)
        group_format(rule->group, out);
    else
        meter_format(rule->meter, out);
}

/* ---- Items ---- */

static size_t
size_of_actions(const struct actions *actions)
{
    return actions->n * sizeof *actions->list;
}

/* What a rule has besides its struct. */
static size_t
size_of_rest(const struct rule *rule)
{
    if (rule->kind == RULE_FLOW)
        return size_of_actions(&rule->flow->apply) + size_of_actions(&rule->flow->write);
    if (rule->kind == RULE_METER)
        return rule->meter->n_bands * sizeof *rule->meter->bands;
    size_t size = rule->group->n_buckets * sizeof *rule->group->buckets;
    for (uint32_t i = 0; i < rule->group->n_buckets; i++)
        size += size_of_actions(&rule->group->buckets[i].actions);
    return size;
}

/* Copies to `at` and returns what is behind the copy; `at` becomes NULL if there is nothing. */
static char *
copy_out(void *list, const void *from, size_t size, char *at)
{
    char *copy = size ? at : NULL;
    if (size)
        memcpy(at, from, size);
    memcpy(list, &copy, sizeof copy);
    return at + size;
}

static char *
copy_actions(struct actions *actions, const struct actions *from, char *at)
{
    actions->n = from->n;
    return copy_out(&actions->list, from->list, size_of_actions(from), at);
}

static void
copy_group(struct group *group, const struct group *from, char *at)
{
    *group = *from;
    at = copy_out(&group->buckets, from->buckets, from->n_buckets * sizeof *from->buckets, at);
    for (uint32_t i = 0; i < from->n_buckets; i++)
        at = copy_actions(&group->buckets[i].actions, &from->buckets[i].actions, at);
}

static struct rule_item *
item_new(const struct rule *rule, uint32_t hash)
{
    struct rule_item *item = xmalloc(sizeof *item + size_of_rest(rule));
    char *rest = (char *)(item + 1);
    item->rule.kind = rule->kind;
    item->users = 0;
    item->holders = 1;
    item->hash = hash;
    if (rule->kind == RULE_FLOW) {
        item->flow = *rule->flow;
        rest = copy_actions(&item->flow.apply, &rule->flow->apply, rest);
        (void)copy_actions(&item->flow.write, &rule->flow->write, rest);
        item->rule.flow = &item->flow;
    } else if (rule->kind == RULE_GROUP) {
        copy_group(&item->group, rule->group, rest);
        item->rule.group = &item->group;
    } else {
        item->meter = *rule->meter;
        (void)copy_out(&item->meter.bands, rule->meter->bands, size_of_rest(rule), rest);
        item->rule.meter = &item->meter;
    }
    return item;
}

struct rule_item *
rule_item_of(const struct rule *rule)
{
    if (rule->kind == RULE_FLOW)
        return CONTAINER_OF(rule->flow, struct rule_item, flow);
    return rule->kind == RULE_GROUP ? CONTAINER_OF(rule->group, struct rule_item, group)
                                    : CONTAINER_OF(rule->meter, struct rule_item, meter);
}

struct rule_item *
rule_item_hold(struct rule_item *item)
{
    item->holders++;
    return item;
}

void
rule_item_release(struct rule_item *item)
{
    if (item && !--item->holders)
        free(item);
}

/* ---- The table ---- */

/* The slot of this rule, or the free one where it would be; the table has free ones. */
static struct rule_slot *
find_slot(const struct ruleset *set, const struct rule *rule, uint32_t hash)
{
    for (uint32_t at = hash;; at++) {
        struct rule_slot *slot = &set->slots[at & (set->n_slots - 1)];
        if (!slot->item || (slot->hash == hash && rule_same(&slot->item->rule, rule)))
            return slot;
    }
}

static struct rule_item *
find_hashed(const struct ruleset *set, const struct rule *rule, uint32_t hash)
{
    return set->n_slots ? find_slot(set, rule, hash)->item : NULL;
}

static void
make_room(struct ruleset *set)
{
    if (4 * (uint64_t)ruleset_count(set) < 3 * (uint64_t)set->n_slots)
        return;
    uint32_t n_slots = set->n_slots ? 2 * set->n_slots : 16;
    struct rule_slot *slots = xcalloc(n_slots, sizeof *slots);
    for (uint32_t i = 0; i < set->n_slots; i++) {
        uint32_t at = set->slots[i].hash & (n_slots - 1);
        if (!set->slots[i].item)
            continue;
        while (slots[at].item)
            at = (at + 1) & (n_slots - 1);
        slots[at] = set->slots[i];
    }
    free(set->slots);
    set->slots = slots;
    set->n_slots = n_slots;
}

/* Frees a slot, and moves those behind it up that it had pushed away from where they belong. */
static void
free_slot(struct ruleset *set, uint32_t hole)
{
    uint32_t last = set->n_slots - 1;
    for (uint32_t at = (hole + 1) & last; set->slots[at].item; at = (at + 1) & last) {
        uint32_t pushed = (at - set->slots[at].hash) & last; /* so far from its own place */
        if (pushed < ((at - hole) & last))
            continue;
        set->slots[hole] = set->slots[at];
        hole = at;
    }
    set->slots[hole].item = NULL;
}

struct rule_item *
ruleset_find(const struct ruleset *set, const struct rule *rule)
{
    return set->items ? find_hashed(set, rule, hash_rule(rule)) : NULL;
}

static struct rule_item *
append(struct ruleset *set, struct rule_slot *slot, const struct rule *rule, uint32_t hash)
{
    struct rule_item *item = item_new(rule, hash);
    *slot = (struct rule_slot){item, hash};
    item->hh.next = NULL;
    item->hh.prev = set->last;
    *(set->last ? &set->last->hh.next : &set->items) = item;
    set->last = item;
    set->counts[rule->kind]++;
    return item;
}

struct rule_item *
ruleset_need(struct ruleset *set, const struct rule *rule, bool *is_new)
{
    uint32_t hash = hash_rule(rule);
    make_room(set);
    struct rule_slot *slot = find_slot(set, rule, hash);
    *is_new = !slot->item;
    return slot->item ? slot->item : append(set, slot, rule, hash);
}

struct rule_item *
ruleset_put(struct ruleset *set, const struct rule *rule)
{
    uint32_t hash = hash_rule(rule);
    struct rule_item *old = find_hashed(set, rule, hash);
    /* The rule may be in what is removed. */
    struct rule_item *held = old ? rule_item_hold(old) : NULL;
    if (old)
        ruleset_remove(set, old);
    make_room(set);
    struct rule_item *item = append(set, find_slot(set, rule, hash), rule, hash);
    rule_item_release(held);
    return item;
}

void
ruleset_remove(struct ruleset *set, struct rule_item *item)
{
    free_slot(set, (uint32_t)(find_slot(set, &item->rule, item->hash) - set->slots));
    *(item->hh.prev ? &item->hh.prev->hh.next : &set->items) = item->hh.next;
    *(item->hh.next ? &item->hh.next->hh.prev : &set->last) = item->hh.prev;
    set->counts[item->rule.kind]--;
    rule_item_release(item);
}

void
ruleset_fini(struct ruleset *set)
{
    struct rule_item *item = set->items;
    while (item) {
        struct rule_item *next = item->hh.next;
        rule_item_release(item);
        item = next;
    }
    free(set->slots);
    *set = (struct ruleset){0};
}

static int
by_order(const void *a, const void *b)
{
    return rule_compare(a, b);
}

void
ruleset_list(const struct ruleset *set, struct rule_list *rules)
{
    *rules = (struct rule_list){.list = xcalloc(ruleset_count(set), sizeof *rules->list)};
    for (const struct rule_item *item = set->items; item; item = item->hh.next)
        rules->list[rules->n++] = item->rule;
    if (rules->n)
        qsort(rules->list, rules->n, sizeof *rules->list, by_order);
}

void
ruleset_compare(const struct ruleset *wanted, const struct ruleset *held,
                const struct ruleset_difference *difference)
{
    struct rule_item *item, *next;
    for (item = wanted->items; item; item = next) {
        struct rule_item *other = find_hashed(held, &item->rule, item->hash);
        next = item->hh.next;
        if (!other)
            difference->missing(difference->arg, item);
        else if (!rule_equal(&item->rule, &other->rule))
            difference->changed(difference->arg, item, other);
        else if (difference->equal)
            difference->equal(difference->arg, item);
    }
    for (item = held->items; item; item = next) {
        next = item->hh.next;
        if (!find_hashed(wanted, &item->rule, item->hash))
            difference->foreign(difference->arg, item);
    }
}
