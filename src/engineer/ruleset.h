/* ruleset.h - the rules of one node, found by what makes each that rule: its kind and number, or
 * its table, priority and match. What a plan wants a node to hold, and what a node is known to
 * hold, are both rule sets; their difference is what is to be sent. */
#ifndef ENGINEER_RULESET_H
#define ENGINEER_RULESET_H

#include "packet/rule.h"

enum rule_kind { RULE_METER, RULE_GROUP, RULE_FLOW };

/* One rule of one node. */
struct rule {
    enum rule_kind kind;
    union {
        const struct flow *flow;
        const struct group *group;
        const struct meter *meter;
    };
};

static inline struct rule
rule_of_flow(const struct flow *flow)
{
    return (struct rule){.kind = RULE_FLOW, .flow = flow};
}

static inline struct rule
rule_of_group(const struct group *group)
{
    return (struct rule){.kind = RULE_GROUP, .group = group};
}

static inline struct rule
rule_of_meter(const struct meter *meter)
{
    return (struct rule){.kind = RULE_METER, .meter = meter};
}

/* The same rule; it may do something else. */
bool rule_same(const struct rule *, const struct rule *);
/* It does the same, and of flows, has the same cookie. */
bool rule_equal(const struct rule *, const struct rule *);
/* Canonical order: meters, groups by number; flows by table, falling priority, match. */
int rule_compare(const struct rule *, const struct rule *);
void rule_format(const struct rule *, struct buf *);

/* A copy of a rule, in a set or held by somebody else too; with its actions, buckets and bands it
 * is one piece of memory. */
struct rule_item {
    struct rule rule; /* points into this item */
    uint32_t users;   /* the owner's own count */
    uint32_t holders; /* of the memory */
    uint32_t hash;    /* of what makes it that rule */
    union {
        struct flow flow;
        struct group group;
        struct meter meter;
    };
    struct {
        struct rule_item *next, *prev; /* in the order in which they came into the set */
    } hh;
};

/* The item that a rule, got from a set or a list of a set, is in. */
struct rule_item *rule_item_of(const struct rule *);
struct rule_item *rule_item_hold(struct rule_item *);
void rule_item_release(struct rule_item *); /* NULL is fine */

/* Zeroed, it is an empty set. A hash table with open addressing; an item that is not there costs
 * one look at one cache line, mostly. */
struct ruleset {
    struct rule_item *items, *last; /* items->hh.next and so on: all of them */
    uint32_t counts[3];             /* by kind */
    uint32_t n_slots;               /* a power of two, or 0 */
    struct rule_slot {
        struct rule_item *item; /* NULL: free */
        uint32_t hash;
    } * slots;
};

static inline uint32_t
ruleset_count(const struct ruleset *set)
{
    return set->counts[RULE_METER] + set->counts[RULE_GROUP] + set->counts[RULE_FLOW];
}

void ruleset_fini(struct ruleset *); /* empty again */
/* NULL: there is none. */
struct rule_item *ruleset_find(const struct ruleset *, const struct rule *);
/* Copies a rule into the set, in place of the same one if it is there. Never NULL. */
struct rule_item *ruleset_put(struct ruleset *, const struct rule *);
/* The same one if it is there, whatever it does; otherwise a copy, put into the set. Never NULL. */
struct rule_item *ruleset_need(struct ruleset *, const struct rule *, bool *is_new);
void ruleset_remove(struct ruleset *, struct rule_item *);

struct rule_list {
    uint32_t n;
    struct rule *list;
};
/* All rules in canonical order, as they are in the set; free(list). */
void ruleset_list(const struct ruleset *, struct rule_list *);

/* What has to be done to a node that holds `held`, so that it holds `wanted`. Each callback gets
 * the item of the set it is in: `missing` from wanted, `foreign` from held, `changed` both.
 * `equal`, which may be NULL, gets those of wanted that need nothing. */
struct ruleset_difference {
    void (*missing)(void *arg, struct rule_item *wanted);
    void (*changed)(void *arg, struct rule_item *wanted, struct rule_item *held);
    void (*foreign)(void *arg, struct rule_item *held);
    void (*equal)(void *arg, struct rule_item *wanted);
    void *arg;
};
void ruleset_compare(const struct ruleset *wanted, const struct ruleset *held,
                     const struct ruleset_difference *);

#endif
