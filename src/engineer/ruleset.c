#include "engineer/ruleset.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

/* What makes a rule that rule, as octets. */
struct identity {
    uint64_t kind, number;
    struct match match;
};

static uint64_t
number_of(const struct rule *rule)
{
    if (rule->kind == RULE_FLOW)
        return (uint64_t)rule->flow->table_id << 16 | rule->flow->priority;
    return rule->kind == RULE_GROUP ? rule->group->group_id : rule->meter->meter_id;
}

static unsigned
hash_rule(const struct rule *rule)
{
    struct identity id = {.kind = rule->kind, .number = number_of(rule)};
    if (rule->kind == RULE_FLOW)
        id.match = rule->flow->match;
    return (unsigned)hash_bytes(&id, sizeof id, 0);
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

static struct rule_item *
item_new(const struct rule *rule)
{
    struct rule_item *item = xcalloc(1, sizeof *item);
    item->rule.kind = rule->kind;
    item->holders = 1;
    if (rule->kind == RULE_FLOW) {
        flow_copy(&item->flow, rule->flow);
        item->rule.flow = &item->flow;
    } else if (rule->kind == RULE_GROUP) {
        group_copy(&item->group, rule->group);
        item->rule.group = &item->group;
    } else {
        meter_copy(&item->meter, rule->meter);
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
    if (!item || --item->holders)
        return;
    if (item->rule.kind == RULE_FLOW)
        flow_fini(&item->flow);
    else if (item->rule.kind == RULE_GROUP)
        group_fini(&item->group);
    else
        meter_fini(&item->meter);
    free(item);
}

static struct rule_item *
find_hashed(const struct ruleset *set, const struct rule *rule, unsigned hash)
{
    if (!set->items)
        return NULL;
    /* uthash compares keys as octets, and rules are not kept as such: walk the bucket here. */
    const struct UT_hash_table *table = set->items->hh.tbl;
    unsigned bucket;
    HASH_TO_BKT(hash, table->num_buckets, bucket);
    for (struct UT_hash_handle *h = table->buckets[bucket].hh_head; h; h = h->hh_next) {
        struct rule_item *item = (struct rule_item *)ELMT_FROM_HH(table, h);
        if (h->hashv == hash && rule_same(&item->rule, rule))
            return item;
    }
    return NULL;
}

struct rule_item *
ruleset_find(const struct ruleset *set, const struct rule *rule)
{
    return set->items ? find_hashed(set, rule, hash_rule(rule)) : NULL;
}

struct rule_item *
ruleset_put(struct ruleset *set, const struct rule *rule)
{
    unsigned hash = hash_rule(rule);
    struct rule_item *old = find_hashed(set, rule, hash), *item = item_new(rule);
    if (old)
        ruleset_remove(set, old);
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, set->items, &item->rule, sizeof item->rule, hash, item);
    set->counts[rule->kind]++;
    return item;
}

void
ruleset_remove(struct ruleset *set, struct rule_item *item)
{
    HASH_DEL(set->items, item);
    set->counts[item->rule.kind]--;
    rule_item_release(item);
}

void
ruleset_fini(struct ruleset *set)
{
    struct rule_item *item, *next;
    HASH_ITER (hh, set->items, item, next)
        ruleset_remove(set, item);
}

static int
by_order(const void *a, const void *b)
{
    return rule_compare(a, b);
}

void
ruleset_list(const struct ruleset *set, struct rule_list *rules)
{
    *rules = (struct rule_list){.list = xcalloc(HASH_COUNT(set->items), sizeof *rules->list)};
    for (struct rule_item *item = set->items; item; item = item->hh.next)
        rules->list[rules->n++] = item->rule;
    qsort(rules->list, rules->n, sizeof *rules->list, by_order);
}

void
ruleset_compare(const struct ruleset *wanted, const struct ruleset *held,
                const struct ruleset_difference *difference)
{
    struct rule_item *item, *next;
    HASH_ITER (hh, wanted->items, item, next) {
        struct rule_item *other = find_hashed(held, &item->rule, item->hh.hashv);
        if (!other)
            difference->missing(difference->arg, item);
        else if (!rule_equal(&item->rule, &other->rule))
            difference->changed(difference->arg, item, other);
        else if (difference->equal)
            difference->equal(difference->arg, item);
    }
    HASH_ITER (hh, held->items, item, next) {
        if (!find_hashed(wanted, &item->rule, item->hh.hashv))
            difference->foreign(difference->arg, item);
    }
}
