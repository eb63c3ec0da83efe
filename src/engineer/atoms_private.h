/* atoms_private.h - shared by atoms.c (which rule counts for which class) and atoms_judge.c (what
 * follows from it). */
#ifndef ENGINEER_ATOMS_PRIVATE_H
#define ENGINEER_ATOMS_PRIVATE_H

#include "engineer/atoms.h"

#include <string.h>

/* All prefixes, in a binary tree whose nodes without a choice are left out. A node is a prefix that
 * some rule has, or where two of them part. Keys are left-aligned. Index 0 is nothing, 1 the root,
 * which is a class even without a rule. */
struct trie_node {
    uint64_t key;
    uint64_t whose; /* bit node % 64 is set if such a node may have a rule here */
    uint32_t child[2], parent;
    uint32_t class; /* ATOMS_NONE: only a fork */
    uint32_t rules; /* the first; 0: none */
    uint8_t length;
    bool filled; /* longer prefixes cover all of it */
};

struct trie_rule {
    uint64_t rank; /* priority, then length */
    uint32_t node, action;
    uint32_t next; /* of the same prefix; or the next free one */
    uint32_t trie;
};

#define LINKS_INSIDE 4u   /* of an action itself */
#define EVENTS_MAX 65536u /* told of one change */

struct action { /* what a rule does; one for all rules that do the same */
    uint64_t exit;
    uint32_t node, n_links, users;
    uint32_t next; /* with the same hash; or the next free one */
    uint64_t hash;
    union {
        uint32_t few[LINKS_INSIDE];
        uint32_t *many;
    }; /* indices of planes, rising */
};

/* A change's share of one block. */
struct touched {
    uint32_t block;
    uint64_t classes;
    uint64_t moved; /* left here before and after, but elsewhere */
};

struct lane { /* the same in the network as it is, as it was, and as it is without filtered links */
    uint64_t now, before, open;
};

struct array {
    void *data;
    uint32_t capacity;
    uint32_t size; /* of an element, octets */
};

struct atoms {
    uint32_t width, n_nodes, n_links;
    size_t budget, memory;

    struct array tries, rules, actions;
    uint32_t n_tries, n_rules, n_actions; /* ever used, from 1 */
    uint32_t free_trie, free_rule, free_action;
    uint32_t live_rules, live_prefixes;
    uint32_t *action_slots, n_action_slots; /* a power of two */
    uint32_t live_actions;
    uint32_t doomed; /* the prefix whose last rule has gone: its class is told of until the next
                      * change; 0: none */

    /* Classes: which rule of each node counts, and where the prefix is in the tree. */
    struct array rows, tries_of; /* class * n_nodes + node: index of a rule, 0: none */
    uint32_t n_classes, free_class;
    /* Blocks of 64 classes. Words of a block, its planes: which classes are not empty; then for
     * each link, sorted by `from`, which take it; for each node which leave there, and which have
     * no rule there. */
    struct array planes;
    uint32_t n_planes;
    struct array touches, saved, slots; /* per block */
    uint32_t n_touched;
    uint32_t stride; /* words saved of a block */
    uint32_t changed_node;

    /* The graph; plane indices of links start at 1. */
    uint32_t *plane_of;          /* by link */
    uint32_t *link_of, *head_of; /* by plane */
    uint32_t *tail_of;
    uint32_t *out_first; /* by node, one more than nodes: planes of its links */
    uint32_t *in_first, *in_plane;
    uint64_t *unfiltered; /* by plane: all bits, or none */
    bool has_filters;

    /* Working memory of a walk, all zero between walks. */
    struct lane *reached, *fresh;
    uint64_t *back;
    uint32_t *stack, *visited;
    bool *queued;
    uint32_t n_stack, n_visited;
    struct lane looped;

    struct array events;
    struct atoms_change change;
};

static inline struct trie_node *
trie_at(const struct atoms *a, uint32_t i)
{
    return (struct trie_node *)a->tries.data + i;
}

static inline struct trie_rule *
rule_at(const struct atoms *a, uint32_t i)
{
    return (struct trie_rule *)a->rules.data + i;
}

static inline struct action *
action_at(const struct atoms *a, uint32_t i)
{
    return (struct action *)a->actions.data + i;
}

static inline const uint32_t *
action_planes(const struct action *action)
{
    return action->n_links > LINKS_INSIDE ? action->many : action->few;
}

static inline uint32_t *
row_of(const struct atoms *a, uint32_t class)
{
    return (uint32_t *)a->rows.data + (size_t) class * a->n_nodes;
}

static inline uint64_t *
planes_of(const struct atoms *a, uint32_t block)
{
    return (uint64_t *)a->planes.data + (size_t)block * a->n_planes;
}

static inline uint32_t
plane_leaves(const struct atoms *a, uint32_t node)
{
    return 1 + a->n_links + node;
}

static inline uint32_t
plane_hole(const struct atoms *a, uint32_t node)
{
    return 1 + a->n_links + a->n_nodes + node;
}

static inline uint32_t
n_blocks(const struct atoms *a)
{
    return (a->n_classes + 63) / 64;
}

static inline struct touched *
touched_at(const struct atoms *a, uint32_t i)
{
    return (struct touched *)a->touches.data + i;
}

/* The bits of a key that a prefix of this length fixes. */
static inline uint64_t
key_mask(uint32_t length)
{
    return length ? UINT64_MAX << (64 - length) : 0;
}

static inline uint64_t
to_key(const struct atoms *a, uint64_t value)
{
    return value << (64 - a->width);
}

static inline uint64_t
from_key(const struct atoms *a, uint64_t key)
{
    return key >> (64 - a->width);
}

/* The share of the change in a block, from now on; its planes may be changed after that. */
struct touched *atoms_touch(struct atoms *, uint32_t block);
/* Starts anew to note what a change does. */
void atoms_begin(struct atoms *, uint32_t node);
/* Gives out what was noted. */
void atoms_end(const struct atoms *, struct atoms_change *);
/* Judges what has been touched: rules of the changed node are others now. */
void atoms_judge(struct atoms *);
/* Adds all classes with such a destination (keys) to what is touched. */
void atoms_mark(struct atoms *, uint64_t value, uint64_t mask);
bool atoms_find(const struct atoms *, uint32_t trie, uint64_t value, uint64_t mask, uint64_t *key);

#endif
