/* What the tables do to a class of packets: the semantics of OpenFlow 1.3 on cubes of header space.
 *
 * At a node the class is looked up in the order of priorities: each rule takes the part of the
 * class that it covers and that no rule above it has taken; what is left goes on. Where two rules
 * of the same priority meet, the standard leaves open which one a packet follows (section 5.3); the
 * first by match is followed, and in the lane of anything the others too.
 *
 * No code is shared with the compiler, and no cookie is looked at. */
#include "engineer/prove_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MAX_GROUP_DEPTH 8

/* ---- Failures ---- */

uint64_t
walk_lane(const struct walk *w, uint32_t number)
{
    uint32_t in_round = number - w->round * LANES_FAILURE;
    return in_round < LANES_FAILURE ? LANE_UP << (1 + in_round) : 0;
}

/* The lanes in which this element is down. It is numbered when it is met with everything up. */
static uint64_t
lanes_of(struct walk *w, enum failure_kind kind, uint32_t index, bool met)
{
    struct prover *p = w->prover;
    struct lane_number *n = &p->lane_numbers[kind][index];
    if (n->walk != p->walk_number) {
        if (!met)
            return 0;
        n->walk = p->walk_number;
        n->number = p->n_failures;
        GROW(p->failures, p->n_failures, p->failures_capacity);
        p->failures[p->n_failures++] = (struct failure){kind, index};
    }
    return walk_lane(w, n->number);
}

/* The lanes in which this port cannot be used. */
static uint64_t
lanes_down(struct walk *w, struct far_end far, uint64_t lanes)
{
    if (far.link == NO_ELEMENT || !w->with_failures)
        return 0;
    bool met = lanes & LANE_UP;
    const struct proved_link *link = &w->prover->links[far.link];
    uint64_t down = lanes_of(w, FAILS_LINK, far.link, met);
    if (far.node != w->entry_node)
        down |= lanes_of(w, FAILS_NODE, far.node, met);
    for (uint32_t i = 0; i < link->n_risks; i++)
        down |= lanes_of(w, FAILS_RISK, link->risks[i], met);
    return down;
}

static uint64_t
lanes_up(struct walk *w, const struct proved_node *node, uint32_t number, uint64_t lanes)
{
    const struct proved_port *port = proved_port(node, number);
    return port ? ~lanes_down(w, far_end(port), lanes) : 0;
}

static struct proved_group *
look_at_group(struct proved_node *node, uint32_t group_id)
{
    struct proved_group *g = proved_group(node, group_id);
    g->looked_at = true;
    return g;
}

/* Groups may name each other: each bucket counts as a step. */
static bool
spend(struct walk *w)
{
    if (!w->budget)
        return false;
    w->budget--;
    return true;
}

/* The lanes in which this bucket is live (section 6.5: its port or its group is). */
static uint64_t
lanes_live(struct walk *w, struct proved_node *node, const struct bucket *b, uint64_t lanes,
           int depth)
{
    uint64_t live = 0;
    if (b->watch_port == PORT_ANY && b->watch_group == GROUP_ANY)
        return LANES_ALL;
    if (b->watch_port != PORT_ANY)
        live |= lanes_up(w, node, b->watch_port, lanes);
    if (b->watch_group != GROUP_ANY && depth) {
        const struct group *g = look_at_group(node, b->watch_group)->group;
        for (uint32_t i = 0; g && i < g->n_buckets && spend(w); i++)
            live |= lanes_live(w, node, &g->buckets[i], lanes, depth - 1);
    }
    return live;
}

/* ---- Header changes ---- */

static void
write_field(struct match *cube, enum field field, const uint8_t *value)
{
    memcpy(flow_key_field(&cube->value, field), value, field_table[field].size);
    field_full_mask(field, flow_key_field(&cube->mask, field));
}

static void
set_vlan(struct match *cube, uint64_t vid, uint64_t vid_mask, uint64_t pcp, uint64_t pcp_mask)
{
    flow_key_set(&cube->value, FIELD_VLAN_VID, vid);
    flow_key_set(&cube->mask, FIELD_VLAN_VID, vid_mask);
    flow_key_set(&cube->value, FIELD_VLAN_PCP, pcp);
    flow_key_set(&cube->mask, FIELD_VLAN_PCP, pcp_mask);
}

static bool
push_vlan(struct state *s)
{
    if (s->n_saved == ARRAY_SIZE(s->saved))
        return false;
    uint64_t vid = flow_key_get(&s->cube.value, FIELD_VLAN_VID);
    uint64_t vid_mask = flow_key_get(&s->cube.mask, FIELD_VLAN_VID);
    uint64_t pcp = flow_key_get(&s->cube.value, FIELD_VLAN_PCP);
    uint64_t pcp_mask = flow_key_get(&s->cube.mask, FIELD_VLAN_PCP);
    s->saved[s->n_saved].vid = vid;
    s->saved[s->n_saved].vid_mask = vid_mask;
    s->saved[s->n_saved].pcp = pcp;
    s->saved[s->n_saved++].pcp_mask = pcp_mask;
    /* The new tag is a copy of the outermost, or zero if there was none: the low bits stay. */
    bool untagged = vid_mask & VLAN_PRESENT && !(vid & VLAN_PRESENT);
    set_vlan(&s->cube, (untagged ? 0 : vid) | VLAN_PRESENT,
             (untagged ? 0x1fff : vid_mask) | VLAN_PRESENT, untagged ? 0 : pcp,
             untagged ? 7 : pcp_mask);
    return true;
}

static void
pop_vlan(struct state *s)
{
    if (!s->n_saved) { /* whatever was below is not known */
        set_vlan(&s->cube, 0, 0, 0, 0);
        return;
    }
    s->n_saved--;
    set_vlan(&s->cube, s->saved[s->n_saved].vid, s->saved[s->n_saved].vid_mask,
             s->saved[s->n_saved].pcp, s->saved[s->n_saved].pcp_mask);
}

/* ---- Actions ---- */

static void follow(struct walk *, const struct step *before, const struct state *);

static void
leave_by(struct walk *w, const struct step *step, const struct state *s, uint32_t number)
{
    const struct proved_port *port = proved_port(&w->prover->nodes[s->node], number);
    if (!port)
        return; /* no such port (or the controller): the packet goes nowhere */
    if (w->leaving) {
        w->leaving(w, step, s, port);
        return;
    }
    if (port->link == NO_ELEMENT) {
        w->delivered(w, step, s, number);
        return;
    }
    w->forwarded(w, step, s);
    uint64_t lanes = s->lanes & ~lanes_down(w, far_end(port), s->lanes);
    if (!lanes)
        return;
    struct state next = *s;
    next.lanes = lanes;
    next.node = port->far_node;
    next.in_port = port->far_port;
    next.queue = 0;
    flow_key_set(&next.cube.value, FIELD_IN_PORT, port->far_port);
    flow_key_set(&next.cube.mask, FIELD_IN_PORT, UINT32_MAX);
    follow(w, step, &next);
}

static void
output(struct walk *w, const struct step *step, const struct state *s, uint32_t number)
{
    const struct proved_node *node = &w->prover->nodes[s->node];
    if (number == PORT_IN_PORT) {
        leave_by(w, step, s, s->in_port);
    } else if (number == PORT_ALL || number == PORT_FLOOD) {
        for (uint32_t i = 0; i < node->n_ports; i++) {
            if (node->ports[i].number != s->in_port && node->ports[i].number != PORT_LOCAL)
                leave_by(w, step, s, node->ports[i].number);
        }
    } else if (number == PORT_NORMAL || number == PORT_TABLE) {
        w->trouble(w, step, s, VIOLATION_UNJUDGED, "it forwards by learning or resubmission");
    } else if (number != s->in_port) { /* its own port: dropped, by the specification */
        leave_by(w, step, s, number);
    }
}

static void run_group(struct walk *, const struct step *, const struct state *, uint32_t group_id,
                      int depth);

/* One action; false: the rest cannot be followed. */
static bool
run_action(struct walk *w, const struct step *step, struct state *s, const struct action *a,
           int depth)
{
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        output(w, step, s, a->id);
        return true;
    case ACTION_GROUP:
        run_group(w, step, s, a->id, depth);
        return true;
    case ACTION_SET_QUEUE:
        s->queue = a->id;
        return true;
    case ACTION_SET_FIELD:
        write_field(&s->cube, a->field, a->value);
        return true;
    case ACTION_PUSH_VLAN:
        if (!push_vlan(s)) {
            w->trouble(w, step, s, VIOLATION_UNJUDGED, "it pushes too many tags");
            return false;
        }
        return true;
    case ACTION_POP_VLAN:
        pop_vlan(s);
        return true;
    default:
        w->trouble(w, step, s, VIOLATION_UNJUDGED, "it has actions this proof cannot follow");
        return false;
    }
}

static bool
leaves(const struct action *a)
{
    return a->type == ACTION_OUTPUT || a->type == ACTION_GROUP;
}

/* An action set: changes first, output last (section 5.10); of ours only this much matters. */
static void
run_bucket(struct walk *w, const struct step *step, const struct state *s, uint64_t lanes,
           const struct bucket *b, int depth)
{
    struct state copy = *s;
    if (!spend(w)) {
        w->trouble(w, step, s, VIOLATION_UNJUDGED, "too many ways to follow");
        return;
    }
    copy.lanes = lanes;
    for (int last = 0; last < 2; last++) {
        for (uint32_t i = 0; i < b->actions.n; i++) {
            if (leaves(&b->actions.list[i]) == last &&
                !run_action(w, step, &copy, &b->actions.list[i], depth))
                return;
        }
    }
}

/* The first live bucket, in the order of the group or, for a select group, from where this round
 * begins: each of its buckets is the first in one round. In the lane of anything, all. */
static void
run_live_bucket(struct walk *w, const struct step *step, const struct state *s,
                const struct group *g, uint32_t begin, int depth)
{
    struct proved_node *node = &w->prover->nodes[s->node];
    uint64_t left = s->lanes & ~LANE_ANY;
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        const struct bucket *b = &g->buckets[(begin + i) % g->n_buckets];
        uint64_t live = left ? left & lanes_live(w, node, b, left, depth) : 0;
        left &= ~live;
        live |= s->lanes & LANE_ANY;
        if (live)
            run_bucket(w, step, s, live, b, depth - 1);
    }
}

static void
run_this_group(struct walk *w, const struct step *step, const struct state *s,
               const struct group *g, int depth)
{
    if (g && depth && w->buckets) {
        w->buckets(w, step, s, g, depth);
    } else if (!g || !depth) {
        w->trouble(w, step, s, VIOLATION_UNJUDGED,
                   g ? "groups nest too deeply" : "its group is missing");
    } else if (g->type == GROUP_TYPE_FF) {
        run_live_bucket(w, step, s, g, 0, depth);
    } else if (g->type == GROUP_TYPE_SELECT) {
        w->choices = MAX(w->choices, g->n_buckets);
        if (g->n_buckets)
            run_live_bucket(w, step, s, g, w->choice % g->n_buckets, depth);
    } else {
        uint32_t n = g->type == GROUP_TYPE_INDIRECT ? MIN(g->n_buckets, 1) : g->n_buckets;
        for (uint32_t i = 0; i < n; i++)
            run_bucket(w, step, s, s->lanes, &g->buckets[i], depth - 1);
    }
}

/* During an update it may be what it was, or what it is to be. */
static void
run_group(struct walk *w, const struct step *step, const struct state *s, uint32_t group_id,
          int depth)
{
    const struct proved_group *g = look_at_group(&w->prover->nodes[s->node], group_id);
    if (g->old)
        run_this_group(w, step, s, g->old, depth);
    if (g->group || !g->old)
        run_this_group(w, step, s, g->group, depth);
}

/* ---- Lookup ---- */

static bool
is_loop(const struct step *before, const struct state *s)
{
    for (; before; before = before->before) {
        if (before->state->node == s->node && before->state->in_port == s->in_port &&
            before->state->lanes & s->lanes && match_equal(&before->state->cube, &s->cube))
            return true;
    }
    return false;
}

static void
run_flow_actions(struct walk *w, const struct step *step, const struct state *s,
                 const struct flow *flow)
{
    struct state copy = *s;
    if (flow->has_goto || flow->has_write || flow->clear) {
        w->trouble(w, step, s, VIOLATION_UNJUDGED, "it uses more than one table or an action set");
        return;
    }
    for (uint32_t i = 0; i < flow->apply.n; i++) {
        if (!run_action(w, step, &copy, &flow->apply.list[i], MAX_GROUP_DEPTH))
            return;
    }
}

static void
run_flow(struct walk *w, const struct step *before, const struct state *s, const struct flow *flow,
         bool forwards)
{
    struct step step = {before, s, flow, before ? before->depth + 1 : 0};
    w->taken(w, &step, s, forwards);
    run_flow_actions(w, &step, s, flow);
}

static void
run_rule(struct walk *w, const struct step *before, const struct state *s, struct proved_flow *f,
         bool all)
{
    if (w->rule) {
        w->rule(w, s, f, all);
        return;
    }
    if (!w->aside)
        note_use(w->prover, w->by, &f->element);
    if (f->old)
        run_flow(w, before, s, f->old, flow_forwards(f->old));
    run_flow(w, before, s, f->flow, f->old ? flow_forwards(f->flow) : f->forwards);
}

/* The part of the class that this rule could be chosen for, though the first of the same priority
 * was: what any packet may do. */
static void
run_other_choice(struct walk *w, const struct step *before, const struct state *s,
                 struct proved_flow *f)
{
    struct state part = *s;
    part.lanes &= LANE_ANY;
    if (part.lanes && match_intersect(&s->cube, &f->flow->match, &part.cube))
        run_rule(w, before, &part, f, false);
}

/* No rule takes it. */
static void
drop(struct walk *w, const struct step *before, const struct state *s)
{
    struct step step = {before, s, NULL, before ? before->depth + 1 : 0};
    if (!w->aside)
        note_use(w->prover, w->by, &w->prover->nodes[s->node].miss);
    if (w->drop) {
        w->drop(w, s);
        return;
    }
    w->taken(w, &step, s, false);
}

/* Cuts the class up among the rules that take parts of it. */
static void
follow_parts(struct walk *w, const struct step *before, const struct state *s,
             const struct cube_list *found)
{
    struct pieces *rest = pieces_take(w->prover);
    pieces_start(rest, &s->cube);
    for (uint32_t i = 0; i < found->n; i++) {
        struct proved_flow *f = (struct proved_flow *)found->items[i];
        uint32_t n = rest->overflow ? 1 : rest->n;
        if (i && found->items[i - 1]->priority == f->item.priority)
            run_other_choice(w, before, s, f);
        for (uint32_t k = 0; k < n; k++) {
            struct state part = *s;
            const struct match *from = rest->overflow ? &s->cube : &rest->cubes[k];
            if (match_intersect(from, &f->flow->match, &part.cube))
                run_rule(w, before, &part, f, false);
        }
        if (!rest->overflow && !f->item.tentative)
            pieces_subtract(rest, &f->flow->match);
    }
    if (rest->n) {
        struct state missed = *s;
        missed.cube = rest->cubes[0];
        drop(w, before, &missed);
    }
    pieces_give(w->prover, rest);
}

static void
take(struct walk *w, const struct step *before, const struct state *s)
{
    struct prover *p = w->prover;
    struct proved_node *node = &p->nodes[s->node];
    p->found.n = 0;
    if (cubes_take(&node->flows, &s->cube, &p->found)) {
        run_rule(w, before, s, (struct proved_flow *)p->found.items[0], true);
        return;
    }
    if (!p->found.n) {
        drop(w, before, s);
        return;
    }
    struct cube_list mine = {p->found.n, p->found.n, /* the walk asks further questions */
                             xmemdup(p->found.items, p->found.n * sizeof *p->found.items)};
    follow_parts(w, before, s, &mine);
    cube_list_fini(&mine);
}

static void
follow(struct walk *w, const struct step *before, const struct state *s)
{
    struct step here = {before, s, NULL, before ? before->depth + 1 : 0};
    w->steps++;
    if (is_loop(before, s)) {
        w->trouble(w, &here, s, VIOLATION_LOOP, "the packet comes back to where it was");
        return;
    }
    if (here.depth > WALK_DEPTH_MAX || !spend(w)) {
        w->trouble(w, &here, s, VIOLATION_UNJUDGED, "too many ways to follow");
        return;
    }
    if (!w->once || !been_here(w->prover, s))
        take(w, before, s);
}

void
walk_run(struct walk *w, const struct state *s)
{
    follow(w, NULL, s);
}

/* ---- For who draws the ways ---- */

void
walk_take(struct walk *w, const struct state *s)
{
    take(w, NULL, s);
}

void
walk_actions(struct walk *w, const struct step *step, const struct state *s,
             const struct flow *flow)
{
    run_flow_actions(w, step, s, flow);
}

void
walk_bucket(struct walk *w, const struct step *step, const struct state *s, const struct bucket *b,
            int depth)
{
    run_bucket(w, step, s, s->lanes, b, depth);
}

uint64_t
walk_live(struct walk *w, struct proved_node *node, const struct bucket *b, uint64_t lanes)
{
    return lanes_live(w, node, b, lanes, MAX_GROUP_DEPTH);
}

uint64_t
walk_down(struct walk *w, struct far_end far, uint64_t lanes)
{
    return lanes_down(w, far, lanes);
}
