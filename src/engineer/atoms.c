#include "engineer/atoms_private.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>

#define ROOT 1u
#define FIRST_ELEMENTS 16u

/* ---- Memory ---- */

static bool
affords(const struct atoms *a, size_t size)
{
    return size <= a->budget && a->memory <= a->budget - size;
}

static void *
take(struct atoms *a, size_t n, size_t size)
{
    if (!affords(a, n * size))
        return NULL;
    a->memory += n * size;
    return xcalloc(MAX(n, 1), size);
}

/* Room for `need` elements: twice as many as there were, or if that is too much, a few more. Old
 * and new are both there for a moment, and both count. */
static bool
grow(struct atoms *a, struct array *array, size_t need)
{
    size_t capacity = array->capacity, held = capacity * array->size;
    if (need <= capacity)
        return true;
    size_t wants[] = {MAX(need, MAX(capacity * 2, FIRST_ELEMENTS)), need + capacity / 8};
    for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
        size_t size = wants[i] * array->size;
        if (wants[i] >= UINT32_MAX || !affords(a, size))
            continue;
        array->data = xrealloc(array->data, wants[i], array->size);
        array->capacity = (uint32_t)wants[i];
        a->memory += size - held;
        return true;
    }
    return false;
}

static void
let_go(struct atoms *a, struct array *array)
{
    a->memory -= (size_t)array->capacity * array->size;
    free(array->data);
    *array = (struct array){.size = array->size};
}

/* ---- Prefixes ---- */

static unsigned
bit_at(uint64_t key, uint32_t at)
{
    return (unsigned)(key >> (63 - at)) & 1;
}

/* As its parent sees it: do prefixes cover all of it? */
static bool
covered(const struct trie_node *t)
{
    return t->class != ATOMS_NONE || t->filled;
}

static bool
is_filled(const struct atoms *a, const struct trie_node *t)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct trie_node *c = trie_at(a, t->child[i]);
        if (!t->child[i] || c->length != t->length + 1 || !covered(c))
            return false;
    }
    return true;
}

/* What is below a node has changed: has its class destinations of its own? */
static void
refill(struct atoms *a, uint32_t n)
{
    while (n) {
        struct trie_node *t = trie_at(a, n);
        bool filled = is_filled(a, t), same = filled == t->filled;
        t->filled = filled;
        if (t->class != ATOMS_NONE) {
            uint64_t *plane = planes_of(a, t->class / 64), bit = UINT64_C(1) << t->class % 64;
            *plane = filled ? *plane & ~bit : *plane | bit;
            return;
        }
        if (same)
            return;
        n = t->parent;
    }
}

/* Where a prefix is, or would be. */
struct place {
    uint32_t found;  /* 0: not there */
    uint32_t above;  /* the longest prefix that covers it, itself if it is there */
    uint32_t parent; /* not found: it goes below this one, */
    uint32_t below;  /* above this one, if any, */
    uint32_t common; /* with which it has so many bits in common */
};

static struct place
locate(const struct atoms *a, uint64_t key, uint32_t length)
{
    struct place p = {.above = ROOT};
    uint32_t n = ROOT;
    for (;;) {
        const struct trie_node *t = trie_at(a, n);
        if (t->class != ATOMS_NONE)
            p.above = n;
        if (t->length == length) {
            p.found = n;
            return p;
        }
        uint32_t c = t->child[bit_at(key, t->length)];
        p.parent = n;
        p.below = c;
        if (!c)
            return p;
        const struct trie_node *child = trie_at(a, c);
        uint64_t difference = key ^ child->key;
        uint32_t same = difference ? (uint32_t)__builtin_clzll(difference) : 64;
        p.common = MIN(same, MIN(length, (uint32_t)child->length));
        if (p.common < child->length)
            return p;
        n = c;
    }
}

static uint32_t
trie_new(struct atoms *a, uint64_t key, uint32_t length, uint32_t parent)
{
    uint32_t n = a->free_trie;
    if (n)
        a->free_trie = trie_at(a, n)->parent;
    else
        n = ++a->n_tries;
    *trie_at(a, n) = (struct trie_node){
        .key = key, .length = (uint8_t)length, .parent = parent, .class = ATOMS_NONE};
    return n;
}

static void
trie_free(struct atoms *a, uint32_t n)
{
    *trie_at(a, n) = (struct trie_node){.class = ATOMS_NONE, .parent = a->free_trie};
    a->free_trie = n;
}

static void
hang(struct atoms *a, uint32_t parent, uint32_t child)
{
    struct trie_node *c = trie_at(a, child);
    c->parent = parent;
    trie_at(a, parent)->child[bit_at(c->key, trie_at(a, parent)->length)] = child;
}

/* Puts an only child in its parent's place. */
static void
splice(struct atoms *a, uint32_t n)
{
    const struct trie_node *t = trie_at(a, n);
    uint32_t parent = t->parent;
    hang(a, parent, t->child[0] ? t->child[0] : t->child[1]);
    trie_free(a, n);
    refill(a, parent);
}

/* ---- Classes ---- */

/* Gives class `to` what `from` has in each plane but the first. */
static void
copy_planes(struct atoms *a, uint32_t to, uint32_t from)
{
    uint64_t *target = planes_of(a, to / 64);
    const uint64_t *source = planes_of(a, from / 64);
    unsigned at = to % 64, of = from % 64;
    uint64_t others = ~(UINT64_C(1) << at);
    for (uint32_t i = 1; i < a->n_planes; i++)
        target[i] = (target[i] & others) | (source[i] >> of & 1) << at;
}

static uint32_t
class_new(struct atoms *a, uint32_t trie)
{
    uint32_t class = a->free_class;
    if (class != ATOMS_NONE) {
        a->free_class = ((uint32_t *)a->tries_of.data)[class];
    } else {
        class = a->n_classes++;
        if (class % 64 == 0) {
            memset(planes_of(a, class / 64), 0, (size_t)a->n_planes * 8);
            ((uint32_t *)a->slots.data)[class / 64] = ATOMS_NONE;
        }
    }
    ((uint32_t *)a->tries_of.data)[class] = trie;
    trie_at(a, trie)->class = class;
    return class;
}

static void
class_free(struct atoms *a, uint32_t class)
{
    *planes_of(a, class / 64) &= ~(UINT64_C(1) << class % 64);
    ((uint32_t *)a->tries_of.data)[class] = a->free_class;
    a->free_class = class;
}

static void
class_split(struct atoms *a, uint32_t trie, uint32_t from)
{
    uint32_t class = class_new(a, trie);
    memcpy(row_of(a, class), row_of(a, from), (size_t)a->n_nodes * sizeof(uint32_t));
    copy_planes(a, class, from);
}

/* Makes the prefix of a place a class, which is treated as what covers it. */
static uint32_t
prefix_new(struct atoms *a, const struct place *p, uint64_t key, uint32_t length)
{
    uint32_t from = trie_at(a, p->above)->class, n = p->found, fork = 0;
    if (!n) {
        uint32_t parent = p->parent;
        if (p->below && p->common < length) {
            fork = trie_new(a, key & key_mask(p->common), p->common, parent);
            hang(a, parent, fork);
            hang(a, fork, p->below);
            parent = fork;
        }
        n = trie_new(a, key, length, parent);
        hang(a, parent, n);
        if (p->below && !fork)
            hang(a, n, p->below);
    }
    class_split(a, n, from);
    a->live_prefixes++;
    refill(a, n);
    if (fork)
        refill(a, fork);
    refill(a, fork ? trie_at(a, fork)->parent : trie_at(a, n)->parent);
    return n;
}

static void
prefix_free(struct atoms *a, uint32_t n)
{
    struct trie_node *t = trie_at(a, n);
    uint32_t parent = t->parent, children = (t->child[0] != 0) + (t->child[1] != 0);
    class_free(a, t->class);
    t->class = ATOMS_NONE;
    a->live_prefixes--;
    if (children == 1) {
        splice(a, n);
    } else if (children == 2) {
        refill(a, n);
        refill(a, parent);
    } else {
        struct trie_node *above = trie_at(a, parent);
        above->child[bit_at(t->key, above->length)] = 0;
        trie_free(a, n);
        if (above->class == ATOMS_NONE)
            splice(a, parent);
        else
            refill(a, parent);
    }
}

/* ---- Actions ---- */

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* The planes of a rule's links, sorted, in a->stack (a walk's, idle now). */
static enum err
sort_links(struct atoms *a, const struct atoms_rule *rule, struct diag *diag)
{
    uint32_t degree = a->out_first[rule->node + 1] - a->out_first[rule->node];
    if (rule->n_links > degree)
        return diag_set(diag, ERR_INVALID, "a rule with %u links of a node that has %u",
                        rule->n_links, degree);
    for (uint32_t i = 0; i < rule->n_links; i++) {
        uint32_t link = rule->links[i];
        if (link >= a->n_links || a->tail_of[a->plane_of[link]] != rule->node)
            return diag_set(diag, ERR_INVALID, "link %u is not one of node %u", link, rule->node);
        a->stack[i] = a->plane_of[link];
    }
    if (rule->n_links > 1)
        qsort(a->stack, rule->n_links, sizeof *a->stack, by_number);
    for (uint32_t i = 1; i < rule->n_links; i++) {
        if (a->stack[i] == a->stack[i - 1])
            return diag_set(diag, ERR_INVALID, "link %u is named twice", a->link_of[a->stack[i]]);
    }
    return ERR_OK;
}

static bool
is_action(const struct action *action, uint64_t hash, const struct atoms_rule *rule,
          const uint32_t *planes)
{
    return action->hash == hash && action->node == rule->node && action->exit == rule->exit &&
           action->n_links == rule->n_links &&
           !memcmp(action_planes(action), planes, rule->n_links * sizeof *planes);
}

static bool
more_slots(struct atoms *a)
{
    uint32_t n = a->n_action_slots * 2;
    uint32_t *slots = take(a, n, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < a->n_action_slots; i++) {
        for (uint32_t k = a->action_slots[i], next; k; k = next) {
            struct action *action = action_at(a, k);
            uint32_t *slot = &slots[action->hash & (n - 1)];
            next = action->next;
            action->next = *slot;
            *slot = k;
        }
    }
    free(a->action_slots);
    a->memory -= a->n_action_slots * sizeof *slots;
    a->action_slots = slots;
    a->n_action_slots = n;
    return true;
}

static uint32_t
action_new(struct atoms *a, const struct atoms_rule *rule, uint64_t hash)
{
    if (!a->free_action && !grow(a, &a->actions, (size_t)a->n_actions + 2))
        return 0;
    if (a->live_actions >= a->n_action_slots && !more_slots(a))
        return 0;
    uint32_t *many = NULL;
    if (rule->n_links > LINKS_INSIDE && !(many = take(a, rule->n_links, sizeof *many)))
        return 0;
    uint32_t n = a->free_action;
    if (n)
        a->free_action = action_at(a, n)->next;
    else
        n = ++a->n_actions;
    struct action *action = action_at(a, n);
    *action = (struct action){
        .exit = rule->exit, .node = rule->node, .n_links = rule->n_links, .hash = hash};
    if (rule->n_links)
        memcpy(many ? many : action->few, a->stack, rule->n_links * sizeof *many);
    if (many)
        action->many = many;
    uint32_t *slot = &a->action_slots[hash & (a->n_action_slots - 1)];
    action->next = *slot;
    *slot = n;
    a->live_actions++;
    return n;
}

/* The action with the planes in a->stack. 0: the budget. */
static uint32_t
action_of(struct atoms *a, const struct atoms_rule *rule)
{
    uint64_t hash = hash_add(rule->node, rule->exit);
    for (uint32_t i = 0; i < rule->n_links; i++)
        hash = hash_add(hash, a->stack[i]);
    hash = hash_mix(hash);
    for (uint32_t i = a->action_slots[hash & (a->n_action_slots - 1)]; i;
         i = action_at(a, i)->next) {
        if (is_action(action_at(a, i), hash, rule, a->stack))
            return i;
    }
    return action_new(a, rule, hash);
}

static void
action_release(struct atoms *a, uint32_t n)
{
    struct action *action = action_at(a, n);
    if (--action->users)
        return;
    uint32_t *slot = &a->action_slots[action->hash & (a->n_action_slots - 1)];
    while (*slot != n)
        slot = &action_at(a, *slot)->next;
    *slot = action->next;
    if (action->n_links > LINKS_INSIDE) {
        free(action->many);
        a->memory -= action->n_links * sizeof *action->many;
    }
    *action = (struct action){.next = a->free_action};
    a->free_action = n;
    a->live_actions--;
}

/* ---- Which rule counts ---- */

static void
put_bits(struct atoms *a, uint64_t *planes, uint32_t node, uint32_t n_action, uint64_t bit, bool on)
{
    uint64_t set = on ? bit : 0;
    if (!n_action) {
        uint64_t *plane = &planes[plane_hole(a, node)];
        *plane = (*plane & ~bit) | set;
        return;
    }
    const struct action *action = action_at(a, n_action);
    const uint32_t *links = action_planes(action);
    for (uint32_t i = 0; i < action->n_links; i++)
        planes[links[i]] = (planes[links[i]] & ~bit) | set;
    if (action->exit) {
        uint64_t *plane = &planes[plane_leaves(a, node)];
        *plane = (*plane & ~bit) | set;
    }
}

static void
set_owner(struct atoms *a, uint32_t class, uint32_t node, uint32_t rule)
{
    uint32_t *owner = &row_of(a, class)[node];
    uint32_t was = rule_at(a, *owner)->action, is = rule_at(a, rule)->action;
    *owner = rule;
    if (was == is)
        return;
    uint64_t bit = UINT64_C(1) << class % 64;
    struct touched *touched = atoms_touch(a, class / 64);
    touched->classes |= bit;
    uint64_t before = action_at(a, was)->exit, now = action_at(a, is)->exit;
    if (before && now && before != now)
        touched->moved |= bit;
    uint64_t *planes = planes_of(a, class / 64);
    put_bits(a, planes, node, was, bit, false);
    put_bits(a, planes, node, is, bit, true);
}

/* A rule counts from here down wherever none of a higher rank does. Ranks only rise on the way
 * down, so that where it does not count, it counts nowhere below. */
static void
spread(struct atoms *a, uint32_t n, uint32_t rule)
{
    const struct trie_node *t = trie_at(a, n);
    if (t->class != ATOMS_NONE) {
        const struct trie_rule *r = rule_at(a, rule);
        uint32_t owner = row_of(a, t->class)[r->node];
        if (owner && rule_at(a, owner)->rank > r->rank)
            return;
        set_owner(a, t->class, r->node, rule);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (t->child[i])
            spread(a, t->child[i], rule);
    }
}

/* The same the other way round: `best` is what counts instead, of those from above. */
static void
withdraw(struct atoms *a, uint32_t n, uint32_t node, uint32_t rule, uint32_t best)
{
    const struct trie_node *t = trie_at(a, n);
    if (t->class != ATOMS_NONE) {
        if (row_of(a, t->class)[node] != rule)
            return;
        for (uint32_t i = t->whose >> node % 64 & 1 ? t->rules : 0; i; i = rule_at(a, i)->next) {
            if (rule_at(a, i)->node == node && rule_at(a, i)->rank > rule_at(a, best)->rank)
                best = i;
        }
        set_owner(a, t->class, node, best);
    }
    for (unsigned i = 0; i < 2; i++) {
        if (t->child[i])
            withdraw(a, t->child[i], node, rule, best);
    }
}

/* ---- Rules ---- */

/* A rule of a prefix; `link` is what points to it. */
static uint32_t
find_rule(const struct atoms *a, uint32_t n, uint32_t node, uint64_t rank, uint32_t **link)
{
    *link = &trie_at(a, n)->rules;
    for (uint32_t i; (i = **link); *link = &rule_at(a, i)->next) {
        if (rule_at(a, i)->node == node && rule_at(a, i)->rank == rank)
            return i;
    }
    return 0;
}

static uint64_t
rank_of(const struct atoms_rule *rule)
{
    return (uint64_t)rule->priority << 8 | (rule->length + 1); /* none has rank 0 */
}

static enum err
check_rule(const struct atoms *a, const struct atoms_rule *rule, struct diag *diag)
{
    uint64_t all = UINT64_MAX >> (64 - a->width);
    if (rule->node >= a->n_nodes)
        return diag_set(diag, ERR_INVALID, "there is no node %u", rule->node);
    if (rule->length > a->width)
        return diag_set(diag, ERR_INVALID, "a prefix of %u bits, where destinations have %u",
                        rule->length, a->width);
    if (rule->prefix > all || to_key(a, rule->prefix) & ~key_mask(rule->length))
        return diag_set(diag, ERR_INVALID, "the prefix has bits set behind its %u bits",
                        rule->length);
    return ERR_OK;
}

/* One rule, one class and two nodes of the tree more. */
static bool
reserve(struct atoms *a)
{
    size_t blocks = n_blocks(a);
    if (!grow(a, &a->tries, (size_t)a->n_tries + 3) ||
        (!a->free_rule && !grow(a, &a->rules, (size_t)a->n_rules + 2)))
        return false;
    if (a->free_class != ATOMS_NONE)
        return true;
    if (!grow(a, &a->rows, (size_t)a->n_classes + 1) ||
        !grow(a, &a->tries_of, (size_t)a->n_classes + 1))
        return false;
    if (a->n_classes % 64)
        return true;
    return grow(a, &a->planes, blocks + 1) && grow(a, &a->touches, blocks + 1) &&
           grow(a, &a->saved, blocks + 1) && grow(a, &a->slots, blocks + 1) &&
           grow(a, &a->events, MIN((blocks + 1) * (2 * (size_t)a->n_nodes + 1), EVENTS_MAX));
}

static void
forget_tables(struct atoms *a)
{
    for (uint32_t i = 1; i <= a->n_actions; i++) {
        if (action_at(a, i)->n_links > LINKS_INSIDE) {
            a->memory -= action_at(a, i)->n_links * sizeof(uint32_t);
            free(action_at(a, i)->many);
        }
    }
    struct array *const arrays[] = {&a->tries,  &a->rules,   &a->actions, &a->rows, &a->tries_of,
                                    &a->planes, &a->touches, &a->saved,   &a->slots};
    for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
        let_go(a, arrays[i]);
    let_go(a, &a->events);
    free(a->action_slots);
    a->memory -= a->n_action_slots * sizeof *a->action_slots;
    a->action_slots = NULL;
    a->n_action_slots = 0;
}

/* Empty tables: one class, for which nobody has a rule. */
static bool
start(struct atoms *a)
{
    a->n_tries = a->n_rules = a->n_actions = a->n_classes = 0;
    a->free_trie = a->free_rule = a->free_action = 0;
    a->live_rules = a->live_prefixes = a->live_actions = a->doomed = a->n_touched = 0;
    a->free_class = ATOMS_NONE;
    if (!(a->action_slots = take(a, FIRST_ELEMENTS, sizeof *a->action_slots)))
        return false;
    a->n_action_slots = FIRST_ELEMENTS;
    if (!reserve(a) || !grow(a, &a->actions, 1))
        return false;
    *rule_at(a, 0) = (struct trie_rule){0};
    *action_at(a, 0) = (struct action){0};
    *trie_at(a, 0) = (struct trie_node){.class = ATOMS_NONE};
    uint32_t root = trie_new(a, 0, 0, 0), class = class_new(a, root);
    memset(row_of(a, class), 0, (size_t)a->n_nodes * sizeof(uint32_t));
    refill(a, root);
    for (uint32_t i = 0; i < a->n_nodes; i++)
        planes_of(a, 0)[plane_hole(a, i)] |= 1;
    return true;
}

void
atoms_begin(struct atoms *a, uint32_t node)
{
    if (a->doomed)
        prefix_free(a, a->doomed);
    a->doomed = 0;
    a->n_touched = 0;
    a->changed_node = node;
    a->change = (struct atoms_change){.node = node};
    if (a->live_rules || !a->n_rules)
        return;
    /* Nothing is left of what may have been much: give it back. It was enough once, so it is. */
    forget_tables(a);
    if (!start(a))
        abort();
}

void
atoms_end(const struct atoms *a, struct atoms_change *change)
{
    *change = a->change;
    change->events = a->events.data; /* they may have moved since the beginning */
}

static enum err
is_full(const struct atoms *a, struct diag *diag)
{
    return diag_set(diag, ERR_LIMIT,
                    "the budget of %zu octets for prefix tables is used up: %u rules, %u prefixes",
                    a->budget, a->live_rules, a->live_prefixes);
}

enum err
atoms_insert(struct atoms *a, const struct atoms_rule *rule, struct atoms_change *change,
             struct diag *diag)
{
    uint64_t key = to_key(a, rule->prefix), rank = rank_of(rule);
    uint32_t *link;
    enum err err = check_rule(a, rule, diag);
    if (!err)
        err = sort_links(a, rule, diag);
    if (err)
        return err;
    atoms_begin(a, rule->node);
    if (!reserve(a))
        return is_full(a, diag);
    struct place place = locate(a, key, rule->length);
    if (place.found && find_rule(a, place.found, rule->node, rank, &link))
        return diag_set(diag, ERR_EXISTS, "the node has a rule of this prefix and priority");
    uint32_t action = action_of(a, rule), n = place.found;
    if (!action)
        return is_full(a, diag);
    action_at(a, action)->users++;
    if (!n || trie_at(a, n)->class == ATOMS_NONE)
        n = prefix_new(a, &place, key, rule->length);
    uint32_t added = a->free_rule;
    if (added)
        a->free_rule = rule_at(a, added)->next;
    else
        added = ++a->n_rules;
    struct trie_node *t = trie_at(a, n);
    *rule_at(a, added) = (struct trie_rule){
        .rank = rank, .node = rule->node, .action = action, .next = t->rules, .trie = n};
    t->rules = added;
    t->whose |= UINT64_C(1) << rule->node % 64;
    a->live_rules++;
    spread(a, n, added);
    atoms_judge(a);
    atoms_end(a, change);
    return ERR_OK;
}

enum err
atoms_remove(struct atoms *a, const struct atoms_rule *rule, struct atoms_change *change,
             struct diag *diag)
{
    uint32_t *link, gone = 0;
    enum err err = check_rule(a, rule, diag);
    if (err)
        return err;
    atoms_begin(a, rule->node);
    struct place place = locate(a, to_key(a, rule->prefix), rule->length);
    if (place.found)
        gone = find_rule(a, place.found, rule->node, rank_of(rule), &link);
    if (!gone)
        return diag_set(diag, ERR_NOT_FOUND, "the node has no rule of this prefix and priority");
    uint32_t n = place.found, above = trie_at(a, n)->parent;
    struct trie_node *t = trie_at(a, n);
    *link = rule_at(a, gone)->next;
    t->whose = 0;
    for (uint32_t i = t->rules; i; i = rule_at(a, i)->next)
        t->whose |= UINT64_C(1) << rule_at(a, i)->node % 64;
    while (above && trie_at(a, above)->class == ATOMS_NONE)
        above = trie_at(a, above)->parent;
    withdraw(a, n, rule->node, gone, above ? row_of(a, trie_at(a, above)->class)[rule->node] : 0);
    action_release(a, rule_at(a, gone)->action);
    *rule_at(a, gone) = (struct trie_rule){.next = a->free_rule};
    a->free_rule = gone;
    a->live_rules--;
    if (!t->rules && n != ROOT)
        a->doomed = n;
    atoms_judge(a);
    atoms_end(a, change);
    return ERR_OK;
}

/* ---- The graph ---- */

/* Numbers links by the node they leave; plane 0 is another's. */
static void
index_links(struct atoms *a, const struct atoms_link *links)
{
    for (uint32_t i = 0; i < a->n_links; i++) {
        a->out_first[links[i].from + 1]++;
        a->in_first[links[i].to + 1]++;
    }
    a->out_first[0] = 1;
    for (uint32_t i = 0; i < a->n_nodes; i++) {
        a->out_first[i + 1] += a->out_first[i];
        a->in_first[i + 1] += a->in_first[i];
        a->stride = MAX(a->stride, a->out_first[i + 1] - a->out_first[i]);
    }
    a->stride += 2;
    for (uint32_t i = 0; i < a->n_links; i++) { /* the places taken so far are counted in stack */
        uint32_t plane = a->out_first[links[i].from] + a->stack[links[i].from]++;
        a->plane_of[i] = plane;
        a->link_of[plane] = i;
        a->head_of[plane] = links[i].to;
        a->tail_of[plane] = links[i].from;
        a->unfiltered[plane] = links[i].filtered ? 0 : UINT64_MAX;
        a->has_filters |= links[i].filtered;
    }
    memset(a->stack, 0, a->n_nodes * sizeof *a->stack);
    for (uint32_t plane = 1; plane <= a->n_links; plane++) {
        uint32_t to = a->head_of[plane];
        a->in_plane[a->in_first[to] + a->stack[to]++] = plane;
    }
    memset(a->stack, 0, a->n_nodes * sizeof *a->stack);
}

static enum err
check_config(const struct atoms_config *c, struct diag *diag)
{
    if (!c->width || c->width > 64)
        return diag_set(diag, ERR_INVALID, "destinations of %u bits: 1 to 64 are possible",
                        c->width);
    if (c->n_nodes > ATOMS_NODES_MAX)
        return diag_set(diag, ERR_LIMIT, "%u nodes are too many: at most %u", c->n_nodes,
                        ATOMS_NODES_MAX);
    if (c->n_links > ATOMS_LINKS_MAX)
        return diag_set(diag, ERR_LIMIT, "%u links are too many: at most %u", c->n_links,
                        ATOMS_LINKS_MAX);
    for (uint32_t i = 0; i < c->n_links; i++) {
        if (c->links[i].from >= c->n_nodes || c->links[i].to >= c->n_nodes)
            return diag_set(diag, ERR_INVALID, "link %u ends at a node that is not there", i);
    }
    return ERR_OK;
}

static bool
take_graph(struct atoms *a)
{
    size_t nodes = a->n_nodes, links = a->n_links;
    return (a->plane_of = take(a, links, sizeof *a->plane_of)) &&
           (a->link_of = take(a, links + 1, sizeof *a->link_of)) &&
           (a->head_of = take(a, links + 1, sizeof *a->head_of)) &&
           (a->tail_of = take(a, links + 1, sizeof *a->tail_of)) &&
           (a->out_first = take(a, nodes + 1, sizeof *a->out_first)) &&
           (a->in_first = take(a, nodes + 1, sizeof *a->in_first)) &&
           (a->in_plane = take(a, links, sizeof *a->in_plane)) &&
           (a->reached = take(a, nodes, sizeof *a->reached)) &&
           (a->fresh = take(a, nodes, sizeof *a->fresh)) &&
           (a->back = take(a, nodes, sizeof *a->back)) &&
           (a->unfiltered = take(a, links + 1, sizeof *a->unfiltered)) &&
           (a->stack = take(a, MAX(nodes, links), sizeof *a->stack)) &&
           (a->visited = take(a, nodes, sizeof *a->visited)) &&
           (a->queued = take(a, nodes, sizeof *a->queued));
}

enum err
atoms_new(const struct atoms_config *config, struct atoms **made, struct diag *diag)
{
    enum err err = check_config(config, diag);
    if (err)
        return err;
    struct atoms *a = xcalloc(1, sizeof *a);
    a->width = config->width;
    a->n_nodes = config->n_nodes;
    a->n_links = config->n_links;
    a->budget = config->budget;
    a->memory = sizeof *a;
    a->n_planes = 1 + a->n_links + 2 * a->n_nodes;
    a->tries.size = sizeof(struct trie_node);
    a->rules.size = sizeof(struct trie_rule);
    a->actions.size = sizeof(struct action);
    a->rows.size = MAX(a->n_nodes, 1) * (uint32_t)sizeof(uint32_t);
    a->tries_of.size = a->slots.size = sizeof(uint32_t);
    a->planes.size = a->n_planes * (uint32_t)sizeof(uint64_t);
    a->touches.size = sizeof(struct touched);
    a->events.size = sizeof(struct atoms_event);
    bool enough = take_graph(a);
    if (enough) {
        index_links(a, config->links);
        a->saved.size = a->stride * (uint32_t)sizeof(uint64_t);
        enough = start(a);
    }
    if (!enough) {
        atoms_free(a);
        return diag_set(diag, ERR_LIMIT,
                        "a budget of %zu octets does not hold %u nodes and %u links",
                        config->budget, config->n_nodes, config->n_links);
    }
    *made = a;
    return ERR_OK;
}

void
atoms_free(struct atoms *a)
{
    if (!a)
        return;
    forget_tables(a);
    void *const parts[] = {a->plane_of, a->link_of,  a->head_of, a->tail_of,   a->out_first,
                           a->in_first, a->in_plane, a->reached, a->fresh,     a->back,
                           a->stack,    a->visited,  a->queued,  a->unfiltered};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        free(parts[i]);
    free(a);
}

/* ---- Questions ---- */

bool
atoms_class(const struct atoms *a, uint32_t class, uint64_t *prefix, uint32_t *length)
{
    if (class >= a->n_classes)
        return false;
    uint32_t n = ((const uint32_t *)a->tries_of.data)[class];
    if (!n || n > a->n_tries || trie_at(a, n)->class != class)
        return false;
    *prefix = from_key(a, trie_at(a, n)->key);
    *length = trie_at(a, n)->length;
    return true;
}

uint32_t
atoms_class_of(const struct atoms *a, uint64_t address)
{
    return trie_at(a, locate(a, to_key(a, address), a->width).above)->class;
}

/* Of one half of what a node covers, a key that is not in `c`, the part of it that is in the tree,
 * because it differs in one of the bits that `c` has and the half has not. */
static bool
beside(const struct trie_node *c, uint32_t from, uint64_t value, uint64_t mask, uint64_t *key)
{
    for (uint32_t i = from; i < c->length; i++) {
        uint64_t bit = UINT64_C(1) << (63 - i);
        if (!(mask & bit) || (value ^ c->key) & bit) {
            *key = (c->key & key_mask(i)) | (~c->key & bit) | (value & mask & ~key_mask(i + 1));
            return true;
        }
    }
    return false;
}

/* A key below this node, in no longer prefix, that has `value` where `mask` has bits. What the node
 * itself covers agrees with them. */
bool
atoms_find(const struct atoms *a, uint32_t n, uint64_t value, uint64_t mask, uint64_t *key)
{
    const struct trie_node *t = trie_at(a, n);
    if (t->length == a->width) {
        *key = t->key;
        return true;
    }
    for (unsigned i = 0; i < 2; i++) {
        uint64_t bit = UINT64_C(1) << (63 - t->length), side = i ? bit : 0;
        const struct trie_node *c = trie_at(a, t->child[i]);
        if (mask & bit && (value & bit) != side)
            continue;
        if (!t->child[i]) {
            *key = t->key | side | (value & mask & ~key_mask(t->length + 1u));
            return true;
        }
        if (beside(c, t->length + 1u, value, mask, key))
            return true;
        if (!covered(c) && atoms_find(a, t->child[i], value, mask, key))
            return true;
    }
    return false;
}

bool
atoms_address(const struct atoms *a, uint32_t class, uint64_t value, uint64_t mask,
              uint64_t *address)
{
    uint64_t prefix, key;
    uint32_t length;
    if (!atoms_class(a, class, &prefix, &length))
        return false;
    value = to_key(a, value);
    mask = to_key(a, mask);
    if ((to_key(a, prefix) ^ value) & mask & key_mask(length))
        return false;
    if (!atoms_find(a, ((const uint32_t *)a->tries_of.data)[class], value, mask, &key))
        return false;
    *address = from_key(a, key);
    return true;
}

bool
atoms_rule_of(const struct atoms *a, uint32_t class, uint32_t node, struct atoms_rule *rule)
{
    uint64_t prefix;
    uint32_t length;
    if (node >= a->n_nodes || !atoms_class(a, class, &prefix, &length))
        return false;
    const struct trie_rule *r = rule_at(a, row_of(a, class)[node]);
    if (!r->rank)
        return false;
    const struct action *action = action_at(a, r->action);
    *rule = (struct atoms_rule){.node = node,
                                .prefix = from_key(a, trie_at(a, r->trie)->key),
                                .length = trie_at(a, r->trie)->length,
                                .priority = (uint32_t)(r->rank >> 8),
                                .n_links = action->n_links,
                                .exit = action->exit};
    for (uint32_t i = 0; i < action->n_links; i++)
        a->stack[i] = a->link_of[action_planes(action)[i]];
    rule->links = a->stack;
    return true;
}

uint32_t
atoms_next_link(const struct atoms *a, uint32_t class, uint32_t node, uint32_t i)
{
    if (class >= a->n_classes || node >= a->n_nodes)
        return ATOMS_NONE;
    const struct action *action = action_at(a, rule_at(a, row_of(a, class)[node])->action);
    return i < action->n_links ? a->link_of[action_planes(action)[i]] : ATOMS_NONE;
}

bool
atoms_takes(const struct atoms *a, uint32_t class, uint32_t link)
{
    return class < a->n_classes && link < a->n_links &&
           planes_of(a, class / 64)[a->plane_of[link]] >> class % 64 & 1;
}

size_t
atoms_memory(const struct atoms *a)
{
    return a->memory;
}

void
atoms_get_size(const struct atoms *a, struct atoms_size *size)
{
    *size = (struct atoms_size){
        .rules = a->live_rules, .prefixes = a->live_prefixes, .memory = a->memory};
    for (uint32_t i = 0; i < n_blocks(a); i++)
        size->classes += (uint32_t)__builtin_popcountll(planes_of(a, i)[0]);
}
