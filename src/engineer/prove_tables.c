/* What is being judged: the tables of all nodes, and who has looked at what in them. */
#include "engineer/prove_graph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define USES_PER_BLOCK 1024

struct use_block {
    struct use_block *next;
    struct use uses[USES_PER_BLOCK];
};

struct spare_pieces {
    struct spare_pieces *next;
    struct pieces pieces;
};

/* ---- Users ---- */

static struct use *
new_use(struct prover *p)
{
    if (!p->free_uses) {
        struct use_block *block = xmalloc(sizeof *block);
        block->next = p->use_blocks;
        p->use_blocks = block;
        for (uint32_t i = 0; i < USES_PER_BLOCK; i++) {
            block->uses[i].next = p->free_uses;
            p->free_uses = &block->uses[i];
        }
    }
    struct use *use = p->free_uses;
    p->free_uses = use->next;
    return use;
}

static void
drop_use(struct prover *p, struct use *use)
{
    *use->previous_at = use->next;
    if (use->next)
        use->next->previous_at = use->previous_at;
    use->next = p->free_uses;
    p->free_uses = use;
}

void
begin_uses(struct prover *p, struct judged *by)
{
    p->walk_number++;
    p->n_used = 0;
    for (uint32_t i = 0; i < by->n_used; i++) {
        if (by->used[i].use)
            drop_use(p, by->used[i].use);
    }
}

void
note_use(struct prover *p, struct judged *by, struct element *element)
{
    struct use *use = NULL;
    if (element->seen == p->walk_number)
        return;
    element->seen = p->walk_number;
    if (!element->user) {
        element->user = by;
    } else if (element->user != by) {
        use = new_use(p);
        *use = (struct use){by, element->more, &element->more};
        if (use->next)
            use->next->previous_at = &use->next;
        element->more = use;
    }
    GROW(p->used, p->n_used, p->used_capacity);
    p->used[p->n_used++] = (struct used){element, use};
}

void
end_uses(struct prover *p, struct judged *by)
{
    for (uint32_t i = 0; i < by->n_used; i++) {
        struct element *e = by->used[i].element;
        if (!by->used[i].use && e->seen != p->walk_number)
            e->user = NULL;
    }
    if (by->used_capacity < p->n_used) {
        by->used = xrealloc(by->used, p->n_used, sizeof *by->used);
        by->used_capacity = p->n_used;
    }
    by->n_used = p->n_used;
    if (p->n_used)
        memcpy(by->used, p->used, p->n_used * sizeof *by->used);
}

void
drop_uses(struct prover *p, struct judged *by)
{
    for (uint32_t i = 0; i < by->n_used; i++) {
        if (by->used[i].use)
            drop_use(p, by->used[i].use);
        else
            by->used[i].element->user = NULL;
    }
    by->n_used = 0;
}

/* It goes; who came by is to be judged again. */
static void
forget_element(struct prover *p, struct element *element)
{
    mark_users_dirty(p, element);
    if (element->user)
        drop_uses(p, element->user);
    while (element->more)
        drop_uses(p, element->more->by);
}

/* In a network of some size nothing of a claim is in the processor's caches when its turn comes:
 * what a judgement begins with is fetched while the rest is still being told. */
static void
prefetch_claim(const struct judged *j)
{
    const char *ways = (const char *)j->ways;
    __builtin_prefetch(j->claim);
    __builtin_prefetch(j->failures);
    for (int i = 0; ways && i < 12; i++)
        __builtin_prefetch(ways + 64 * i);
}

/* It is to be judged, but where its packets go by is drawn. */
static void
mark_again(struct prover *p, struct judged *j)
{
    prefetch_claim(j);
    if (j->dirty)
        return;
    j->dirty = true;
    j->next_dirty = p->dirty;
    p->dirty = j;
}

void
mark_dirty(struct prover *p, struct judged *j)
{
    j->anew = true;
    mark_again(p, j);
}

void
mark_users_dirty(struct prover *p, const struct element *element)
{
    if (element->user)
        mark_dirty(p, element->user);
    for (const struct use *use = element->more; use; use = use->next)
        mark_dirty(p, use->by);
}

void
mark_entry_dirty(struct prover *p, struct proved_flow *f)
{
    if (f->entry_is_dirty)
        return;
    f->entry_is_dirty = true;
    f->next_dirty = p->dirty_flows;
    f->previous_dirty_at = &p->dirty_flows;
    if (f->next_dirty)
        f->next_dirty->previous_dirty_at = &f->next_dirty;
    p->dirty_flows = f;
}

void
set_odd(struct prover *p, struct proved_flow *f, bool odd)
{
    struct proved_flow **list = &p->nodes[f->node].odd;
    if (f->odd == odd)
        return;
    f->odd = odd;
    if (odd) {
        f->next_odd = *list;
        f->previous_odd_at = list;
        if (*list)
            (*list)->previous_odd_at = &f->next_odd;
        *list = f;
    } else {
        *f->previous_odd_at = f->next_odd;
        if (f->next_odd)
            f->next_odd->previous_odd_at = f->previous_odd_at;
    }
}

void
mark_odd_dirty(struct prover *p, const struct proved_node *node, const struct match *changed)
{
    if (!node->odd)
        return;
    p->found.n = 0;
    cubes_meet(&node->flows, changed, CUBES_ALL, &p->found);
    for (uint32_t i = 0; i < p->found.n; i++) {
        struct proved_flow *f = (struct proved_flow *)p->found.items[i];
        if (f->odd)
            mark_entry_dirty(p, f);
    }
}

/* ---- Flows ---- */

bool
flow_forwards(const struct flow *flow)
{
    for (uint32_t i = 0; i < flow->apply.n; i++) {
        const struct action *a = &flow->apply.list[i];
        if (a->type == ACTION_GROUP || (a->type == ACTION_OUTPUT && a->id != PORT_CONTROLLER))
            return true;
    }
    return flow->has_goto || flow->has_write;
}

/* In other tables, flows of the same match and priority are told apart by their table. */
static struct cubes *
set_of(struct proved_node *node, const struct flow *flow, uint32_t *priority)
{
    *priority = (uint32_t)flow->table_id << 16 | flow->priority;
    return flow->table_id ? &node->unreached : &node->flows;
}

static void
note_changing(struct prover *p, struct changing_rule rule)
{
    GROW(p->changing.list, p->changing.n, p->changing.capacity);
    p->changing.list[p->changing.n++] = rule;
}

/* What it does is another thing; what it takes is the same. */
static void
mark_replaced(struct prover *p, struct proved_flow *f)
{
    f->replaced = ++p->n_changes;
    if (p->n_replaced < REPLACED_KEPT)
        p->replaced[p->n_replaced] = f;
    p->n_replaced += p->n_replaced <= REPLACED_KEPT;
    if (f->element.user)
        mark_again(p, f->element.user);
    for (const struct use *use = f->element.more; use; use = use->next)
        mark_again(p, use->by);
}

/* Both what it was and what it is to be may be there. */
static void
replace_flow(struct prover *p, struct proved_flow *f, const struct flow *flow)
{
    if (p->updating && !f->old) {
        f->old = f->flow;
        if (!f->item.tentative) /* then it is noted already */
            note_changing(p, (struct changing_rule){.flow = f});
    }
    bool forwarded = f->forwards;
    f->goes = false;
    f->flow = flow;
    f->item.match = &flow->match;
    f->forwards = flow_forwards(flow) || (f->old && flow_forwards(f->old));
    mark_replaced(p, f);
    if (!flow->table_id && (f->forwards != forwarded || f->leaks)) /* a leak shows the rule */
        mark_entry_dirty(p, f);
}

static void
put_flow(struct prover *p, uint32_t index, const struct flow *flow)
{
    struct proved_node *node = &p->nodes[index];
    uint32_t priority;
    struct cubes *set = set_of(node, flow, &priority);
    __builtin_prefetch(flow->apply.list);
    struct proved_flow *f = (struct proved_flow *)cubes_find(set, &flow->match, priority);
    if (f) {
        replace_flow(p, f, flow);
        return;
    }
    f = xcalloc(1, sizeof *f);
    f->item = (struct cube_item){.match = &flow->match, .priority = priority};
    f->flow = flow;
    f->node = index;
    f->forwards = flow_forwards(flow);
    if (p->updating) {
        f->item.tentative = true;
        note_changing(p, (struct changing_rule){.flow = f});
    }
    p->n_flows++;
    if (set == &node->flows) {
        /* It takes from what lower rules took until now; and from what none did. */
        p->found.n = 0;
        cubes_meet(set, &flow->match, priority, &p->found);
        for (uint32_t i = 0; i < p->found.n; i++)
            mark_users_dirty(p, &((struct proved_flow *)p->found.items[i])->element);
        mark_users_dirty(p, &node->miss);
        mark_odd_dirty(p, node, &flow->match);
        if (f->forwards)
            mark_entry_dirty(p, f);
    }
    cubes_insert(set, &f->item);
}

static void
take_out_flow(struct prover *p, struct proved_flow *f)
{
    struct proved_node *node = &p->nodes[f->node];
    cubes_remove(f->flow->table_id ? &node->unreached : &node->flows, &f->item);
    forget_element(p, &f->element);
    violations_clear(p, &f->leaks);
    set_odd(p, f, false);
    if (f->entry_is_dirty) {
        *f->previous_dirty_at = f->next_dirty;
        if (f->next_dirty)
            f->next_dirty->previous_dirty_at = f->previous_dirty_at;
    }
    mark_odd_dirty(p, node, &f->flow->match);
    free(f);
    p->n_flows--;
}

static enum err
remove_flow(struct prover *p, uint32_t index, const struct flow *flow)
{
    uint32_t priority;
    struct cubes *set = set_of(&p->nodes[index], flow, &priority);
    struct proved_flow *f = (struct proved_flow *)cubes_find(set, &flow->match, priority);
    if (!f || f->goes)
        return ERR_NOT_FOUND;
    if (!p->updating) {
        take_out_flow(p, f);
        return ERR_OK;
    }
    if (!f->item.tentative && !f->old)
        note_changing(p, (struct changing_rule){.flow = f});
    f->goes = f->item.tentative = true;
    mark_users_dirty(p, &f->element);
    mark_odd_dirty(p, &p->nodes[index], &flow->match);
    return ERR_OK;
}

/* ---- Groups and meters ---- */

struct proved_group *
proved_group(struct proved_node *node, uint32_t group_id)
{
    struct proved_group *g;
    HASH_FIND(hh, node->groups, &group_id, sizeof group_id, g);
    if (!g) {
        g = xcalloc(1, sizeof *g);
        g->group_id = group_id;
        HASH_ADD(hh, node->groups, group_id, sizeof group_id, g);
    }
    return g;
}

struct proved_meter *
proved_meter(struct proved_node *node, uint32_t meter_id)
{
    struct proved_meter *m;
    HASH_FIND(hh, node->meters, &meter_id, sizeof meter_id, m);
    if (!m) {
        m = xcalloc(1, sizeof *m);
        m->meter_id = meter_id;
        HASH_ADD(hh, node->meters, meter_id, sizeof meter_id, m);
    }
    return m;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void
sort_numbers(struct numbers *all)
{
    if (all->n)
        qsort(all->list, all->n, sizeof *all->list, by_number);
}

static void
add_number(struct numbers *all, uint32_t number)
{
    GROW(all->list, all->n, all->capacity);
    all->list[all->n++] = number;
}

static bool
has_number(const struct numbers *sorted, uint32_t number)
{
    return sorted->n && bsearch(&number, sorted->list, sorted->n, sizeof number, by_number);
}

static bool
names_group(const struct actions *actions, const struct numbers *groups)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        if (actions->list[i].type == ACTION_GROUP && has_number(groups, actions->list[i].id))
            return true;
    }
    return false;
}

/* Does a bucket lead to, or watch, one of these groups? */
static bool
leads_to(const struct group *g, const struct numbers *groups)
{
    for (uint32_t i = 0; g && i < g->n_buckets; i++) {
        if (names_group(&g->buckets[i].actions, groups) ||
            has_number(groups, g->buckets[i].watch_group))
            return true;
    }
    return false;
}

/* All flows of the node that name one of its changed groups or meters. */
static void
mark_flows_naming(struct prover *p, struct proved_node *node)
{
    struct match any = MATCH_ANY;
    p->found.n = 0;
    cubes_meet(&node->flows, &any, CUBES_ALL, &p->found);
    for (uint32_t i = 0; i < p->found.n; i++) {
        const struct proved_flow *f = (const struct proved_flow *)p->found.items[i];
        const struct flow *versions[] = {f->flow, f->old};
        for (int k = 0; k < 2 && versions[k]; k++) {
            if (has_number(&node->changed_meters, versions[k]->meter_id) ||
                names_group(&versions[k]->apply, &node->changed_groups))
                mark_users_dirty(p, &f->element);
        }
    }
}

/* Also the groups that lead to those that have changed. */
static void
add_leading_groups(struct proved_node *node)
{
    struct numbers *groups = &node->changed_groups;
    bool more = groups->n > 0;
    while (more) {
        struct numbers found = {0};
        for (const struct proved_group *g = node->groups; g; g = g->hh.next) {
            if (!has_number(groups, g->group_id) &&
                (leads_to(g->group, groups) || leads_to(g->old, groups)))
                add_number(&found, g->group_id);
        }
        more = found.n > 0;
        for (uint32_t i = 0; i < found.n; i++)
            add_number(groups, found.list[i]);
        sort_numbers(groups);
        free(found.list);
    }
}

void
mark_named(struct prover *p)
{
    for (uint32_t i = 0; i < p->named_at.n; i++) {
        struct proved_node *node = &p->nodes[p->named_at.list[i]];
        sort_numbers(&node->changed_groups);
        sort_numbers(&node->changed_meters);
        add_leading_groups(node);
        mark_flows_naming(p, node);
        node->changed_groups.n = node->changed_meters.n = 0;
    }
    p->named_at.n = 0;
}

/* Whoever may come by this group or meter: through flows, through groups that lead to it. A walk
 * notes only that it was here; to note each claim would cost every walk more than to search the
 * node's flows, once, before anything is judged. */
static void
note_named(struct prover *p, uint32_t index, struct numbers *changed, uint32_t number)
{
    const struct proved_node *node = &p->nodes[index];
    if (!node->changed_groups.n && !node->changed_meters.n)
        add_number(&p->named_at, index);
    add_number(changed, number);
}

static void
mark_group_dirty(struct prover *p, uint32_t index, const struct proved_group *changed)
{
    if (changed->looked_at)
        note_named(p, index, &p->nodes[index].changed_groups, changed->group_id);
}

static void
mark_meter_dirty(struct prover *p, uint32_t index, const struct proved_meter *m)
{
    if (m->looked_at)
        note_named(p, index, &p->nodes[index].changed_meters, m->meter_id);
}

static void
set_group(struct prover *p, uint32_t index, struct proved_group *g, const struct group *group)
{
    mark_group_dirty(p, index, g);
    if (p->updating && g->group && !g->old) {
        g->old = g->group;
        note_changing(p, (struct changing_rule){.node = index, .group = g});
    }
    g->group = group;
}

static void
set_meter(struct prover *p, uint32_t index, struct proved_meter *m, const struct meter *meter)
{
    if (p->updating && m->meter && !m->old) {
        m->old = m->meter;
        note_changing(p, (struct changing_rule){.node = index, .meter = m});
    }
    m->meter = meter;
    mark_meter_dirty(p, index, m);
}

void
prover_begin_update(struct prover *p)
{
    p->updating = true;
}

void
prover_end_update(struct prover *p)
{
    p->updating = false;
    for (uint32_t i = 0; i < p->provisional.n; i++) {
        p->provisional.list[i]->provisional = false;
        mark_dirty(p, p->provisional.list[i]);
    }
    p->provisional.n = 0;
    for (uint32_t i = 0; i < p->changing.n; i++) {
        struct changing_rule *c = &p->changing.list[i];
        if (c->group) {
            mark_group_dirty(p, c->node, c->group);
            c->group->old = NULL;
        } else if (c->meter) {
            c->meter->old = NULL;
            mark_meter_dirty(p, c->node, c->meter);
        } else if (c->flow->goes) {
            take_out_flow(p, c->flow);
        } else {
            c->flow->old = NULL;
            c->flow->item.tentative = false;
            c->flow->forwards = flow_forwards(c->flow->flow);
            mark_users_dirty(p, &c->flow->element);
            mark_odd_dirty(p, &p->nodes[c->flow->node], &c->flow->flow->match);
            if (!c->flow->flow->table_id)
                mark_entry_dirty(p, c->flow);
        }
    }
    p->changing.n = 0;
}

enum err
prover_put(struct prover *p, const char *name, const struct rule *rule)
{
    uint32_t index = prover_node(p, name);
    if (index == NO_ELEMENT)
        return ERR_NOT_FOUND;
    struct proved_node *node = &p->nodes[index];
    if (rule->kind == RULE_FLOW) {
        put_flow(p, index, rule->flow);
    } else if (rule->kind == RULE_GROUP) {
        set_group(p, index, proved_group(node, rule->group->group_id), rule->group);
    } else {
        set_meter(p, index, proved_meter(node, rule->meter->meter_id), rule->meter);
    }
    return ERR_OK;
}

enum err
prover_remove(struct prover *p, const char *name, const struct rule *rule)
{
    uint32_t index = prover_node(p, name);
    if (index == NO_ELEMENT)
        return ERR_NOT_FOUND;
    struct proved_node *node = &p->nodes[index];
    if (rule->kind == RULE_FLOW)
        return remove_flow(p, index, rule->flow);
    if (rule->kind == RULE_GROUP) {
        struct proved_group *g = proved_group(node, rule->group->group_id);
        bool there = g->group != NULL;
        set_group(p, index, g, NULL);
        return there ? ERR_OK : ERR_NOT_FOUND;
    }
    struct proved_meter *m = proved_meter(node, rule->meter->meter_id);
    bool there = m->meter != NULL;
    set_meter(p, index, m, NULL);
    return there ? ERR_OK : ERR_NOT_FOUND;
}

enum err
prover_put_plan(struct prover *p, const struct plan *plan)
{
    const char **names;
    uint32_t n = plan_nodes(plan, &names);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < n && !err; i++) {
        struct rule_list rules;
        plan_rules(plan, names[i], &rules);
        for (uint32_t k = 0; k < rules.n && !err; k++)
            err = prover_put(p, names[i], &rules.list[k]);
        free(rules.list);
    }
    free(names);
    return err;
}

/* ---- The end ---- */

static void
free_flows(struct prover *p, struct cubes *set)
{
    struct match any = MATCH_ANY;
    p->found.n = 0;
    cubes_meet(set, &any, CUBES_ALL, &p->found);
    for (uint32_t i = 0; i < p->found.n; i++) {
        struct proved_flow *f = (struct proved_flow *)p->found.items[i];
        violations_clear(p, &f->leaks);
        free(f);
    }
    cubes_fini(set);
}

static void
free_node(struct prover *p, struct proved_node *node)
{
    struct proved_group *g, *next_group;
    struct proved_meter *m, *next_meter;
    free_flows(p, &node->flows);
    free_flows(p, &node->unreached);
    HASH_ITER (hh, node->groups, g, next_group) {
        HASH_DEL(node->groups, g);
        free(g);
    }
    HASH_ITER (hh, node->meters, m, next_meter) {
        HASH_DEL(node->meters, m);
        free(m);
    }
    for (uint32_t i = 0; i < node->n_ports; i++)
        cubes_fini(&node->ports[i].claims);
    free(node->ports);
    free(node->changed_groups.list);
    free(node->changed_meters.list);
}

static void
free_blocks(struct prover *p)
{
    while (p->use_blocks) {
        struct use_block *next = p->use_blocks->next;
        free(p->use_blocks);
        p->use_blocks = next;
    }
    while (p->spare_pieces) {
        struct spare_pieces *next = p->spare_pieces->next;
        free(p->spare_pieces);
        p->spare_pieces = next;
    }
}

void
prover_free(struct prover *p)
{
    struct judged_circuit *c, *next;
    if (!p)
        return;
    HASH_ITER (hh, p->circuits, c, next)
        forget_circuit(p, c);
    for (uint32_t i = 0; i < p->n_nodes; i++)
        free_node(p, &p->nodes[i]);
    for (uint32_t i = 0; i < p->n_links; i++)
        free(p->links[i].risks);
    for (int i = 0; i < FAILS_KINDS; i++)
        free(p->lane_numbers[i]);
    for (uint32_t i = 0; i < p->arrivals_capacity; i++)
        free(p->arrivals[i].parts);
    free_blocks(p);
    free(p->used);
    free(p->guards);
    been_free(p->been);
    sketch_free(p->sketch);
    free(p->named_at.list);
    free(p->changing.list);
    free(p->provisional.list);
    free(p->arrivals);
    free(p->failures);
    free(p->nodes);
    free(p->name_slots);
    free(p->links);
    free(p->risks);
    cube_list_fini(&p->found);
    free(p);
}

/* ---- Pieces ---- */

struct pieces *
pieces_take(struct prover *p)
{
    struct spare_pieces *spare = p->spare_pieces;
    if (!spare)
        return &((struct spare_pieces *)xmalloc(sizeof *spare))->pieces;
    p->spare_pieces = spare->next;
    return &spare->pieces;
}

void
pieces_give(struct prover *p, struct pieces *pieces)
{
    struct spare_pieces *spare = (struct spare_pieces *)((char *)pieces -
                                                         offsetof(struct spare_pieces, pieces));
    spare->next = p->spare_pieces;
    p->spare_pieces = spare;
}
