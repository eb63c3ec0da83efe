/* What the tables do to a class of packets: the semantics of OpenFlow 1.3 on cubes of header space.
 *
 * At a node the class is looked up in the order of priorities: each rule takes the part of the
 * class that it covers and that no rule above it has taken; what is left goes on. Rules are found
 * by tuples, as in a switch; only a class that leaves open what a tuple looks at is compared rule
 * by rule. */
#include "engineer/prove_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MAX_GROUP_DEPTH 8

bool
link_is_down(const struct prover *p, const struct failure *f, uint32_t link)
{
    const struct link *l = p->links[link];
    if (f->link == link)
        return true;
    if (f->node != NO_ELEMENT) {
        const char *name = p->nodes[f->node].node->name;
        if (!strcmp(l->a.node, name) || !strcmp(l->b.node, name))
            return true;
    }
    for (uint32_t i = 0; f->risk && i < l->n_shared_risks; i++) {
        if (!strcmp(l->shared_risks[i], f->risk))
            return true;
    }
    return false;
}

const struct proved_port *
proved_port(const struct proved_node *node, uint32_t number)
{
    for (uint32_t i = 0; i < node->n_ports; i++) {
        if (node->ports[i].number == number)
            return &node->ports[i];
    }
    return NULL;
}

const struct meter *
proved_meter(const struct proved_node *node, uint32_t meter_id)
{
    for (uint32_t i = 0; i < node->n_meters; i++) {
        if (node->meters[i]->meter_id == meter_id)
            return node->meters[i];
    }
    return NULL;
}

static const struct group *
find_group(const struct proved_node *node, uint32_t group_id)
{
    for (uint32_t i = 0; i < node->n_groups; i++) {
        if (node->groups[i]->group_id == group_id)
            return node->groups[i];
    }
    return NULL;
}

/* Notes that this port's state mattered, and says whether it can be used. */
static bool
port_is_up(struct walk *w, const struct proved_node *node, uint32_t number)
{
    const struct proved_port *port = proved_port(node, number);
    if (!port)
        return false;
    if (port->link == NO_ELEMENT)
        return true;
    if (w->touched_links) {
        w->touched_links[port->link] = true;
        w->touched_nodes[port->far_node] = true;
    }
    return !link_is_down(w->prover, &w->failure, port->link);
}

static bool bucket_is_up(struct walk *, const struct proved_node *, const struct bucket *,
                         int depth);

static bool
group_is_up(struct walk *w, const struct proved_node *node, uint32_t group_id, int depth)
{
    const struct group *g = find_group(node, group_id);
    bool up = false;
    for (uint32_t i = 0; g && depth && i < g->n_buckets; i++)
        up |= bucket_is_up(w, node, &g->buckets[i], depth - 1);
    return up;
}

static bool
bucket_is_up(struct walk *w, const struct proved_node *node, const struct bucket *b, int depth)
{
    if (b->watch_port == PORT_ANY && b->watch_group == GROUP_ANY)
        return true;
    return (b->watch_port != PORT_ANY && port_is_up(w, node, b->watch_port)) ||
           (b->watch_group != GROUP_ANY && group_is_up(w, node, b->watch_group, depth));
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
    const struct proved_node *node = &w->prover->nodes[s->node];
    if (number == PORT_CONTROLLER)
        return;
    if (number == PORT_LOCAL) {
        w->delivered(w, step, s->node, PORT_LOCAL, &s->cube);
        return;
    }
    const struct proved_port *port = proved_port(node, number);
    if (!port)
        return; /* no such port: the packet is dropped */
    if (port->link == NO_ELEMENT) {
        w->delivered(w, step, s->node, number, &s->cube);
        return;
    }
    w->forwarded(w, step, s->queue);
    if (!port_is_up(w, node, number))
        return;
    struct state next = *s;
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
            if (node->ports[i].number != s->in_port)
                leave_by(w, step, s, node->ports[i].number);
        }
    } else if (number == PORT_NORMAL || number == PORT_TABLE) {
        w->trouble(w, step, VIOLATION_UNJUDGED, "it forwards by learning or resubmission");
    } else if (number != s->in_port) { /* its own port: dropped, by the specification */
        leave_by(w, step, s, number);
    }
}

static void run_actions(struct walk *, const struct step *, struct state *, const struct actions *,
                        int depth);

static void
run_bucket(struct walk *w, const struct step *step, const struct state *s, const struct bucket *b,
           int depth)
{
    struct state copy = *s;
    struct actions ordered = {0};
    /* An action set: changes first, output last (section 5.10); of ours only this much matters. */
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < b->actions.n; i++) {
            const struct action *a = &b->actions.list[i];
            bool last = a->type == ACTION_OUTPUT || a->type == ACTION_GROUP;
            if (last == (pass == 1))
                *actions_add(&ordered, a->type) = *a;
        }
    }
    run_actions(w, step, &copy, &ordered, depth);
    actions_free(&ordered);
}

static void
run_group(struct walk *w, const struct step *step, const struct state *s, uint32_t group_id,
          int depth)
{
    const struct proved_node *node = &w->prover->nodes[s->node];
    const struct group *g = find_group(node, group_id);
    if (!g || !depth) {
        w->trouble(w, step, VIOLATION_UNJUDGED,
                   g ? "groups nest too deeply" : "its group is missing");
        return;
    }
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        bool up = g->type != GROUP_TYPE_FF || bucket_is_up(w, node, &g->buckets[i], depth);
        if (!up)
            continue;
        run_bucket(w, step, s, &g->buckets[i], depth - 1);
        if (g->type == GROUP_TYPE_FF || g->type == GROUP_TYPE_INDIRECT)
            return;
    }
}

static void
run_actions(struct walk *w, const struct step *step, struct state *s, const struct actions *actions,
            int depth)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        switch ((enum action_type)a->type) {
        case ACTION_OUTPUT:
            output(w, step, s, a->id);
            break;
        case ACTION_GROUP:
            run_group(w, step, s, a->id, depth);
            break;
        case ACTION_SET_QUEUE:
            s->queue = a->id;
            break;
        case ACTION_SET_FIELD:
            write_field(&s->cube, a->field, a->value);
            break;
        case ACTION_PUSH_VLAN:
            if (!push_vlan(s)) {
                w->trouble(w, step, VIOLATION_UNJUDGED, "it pushes too many tags");
                return;
            }
            break;
        case ACTION_POP_VLAN:
            pop_vlan(s);
            break;
        default:
            w->trouble(w, step, VIOLATION_UNJUDGED, "it has actions this proof cannot follow");
            return;
        }
    }
}

/* ---- Lookup ---- */

void
pieces_start(struct pieces *p, const struct match *whole)
{
    p->n = 1;
    p->cubes[0] = *whole;
    p->overflow = false;
}

/* Takes what `taken` covers out of the pieces. A piece becomes several: for each bit that `taken`
 * asks for and the piece leaves open, the part that has it the other way. */
void
pieces_subtract(struct pieces *p, const struct match *taken)
{
    uint32_t n_old = p->n;
    for (uint32_t i = 0; i < n_old;) {
        struct match piece = p->cubes[i];
        if (!match_intersect(&piece, taken, NULL)) {
            i++;
            continue;
        }
        p->cubes[i] = p->cubes[--n_old]; /* it goes; its remains come behind the old ones */
        p->cubes[n_old] = p->cubes[--p->n];
        for (int word = 0; word < FLOW_KEY_WORDS; word++) {
            uint64_t open = taken->mask.words[word] & ~piece.mask.words[word];
            while (open) {
                uint64_t bit = open & -open;
                open ^= bit;
                struct match rest = piece;
                rest.mask.words[word] |= bit;
                rest.value.words[word] |= ~taken->value.words[word] & bit;
                if (p->n == MAX_PIECES) {
                    p->overflow = true;
                    return;
                }
                p->cubes[p->n++] = rest;
                piece.mask.words[word] |= bit;
                piece.value.words[word] |= taken->value.words[word] & bit;
            }
        }
    }
}

struct candidates {
    uint32_t n, capacity;
    uint32_t *flows; /* indices: the order of priority */
};

static void
add_candidate(struct candidates *c, uint32_t flow)
{
    GROW(c->flows, c->n, c->capacity);
    c->flows[c->n++] = flow;
}

static bool
specifies(const struct match *cube, const struct flow_key *mask)
{
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        if (mask->words[i] & ~cube->mask.words[i])
            return false;
    }
    return true;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* All rules of the tuple ask for something else than the class is. */
static bool
is_apart(const struct flow_tuple *tuple, const struct match *cube)
{
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        if ((tuple->value.words[i] ^ cube->value.words[i]) & tuple->same.words[i] &
            cube->mask.words[i])
            return true;
    }
    return false;
}

/* The rules that could take a part of the class, highest priority first. */
static void
find_candidates(const struct proved_node *node, const struct match *cube, struct candidates *c)
{
    for (uint32_t t = 0; t < node->n_tuples; t++) {
        const struct flow_tuple *tuple = &node->tuples[t];
        if (is_apart(tuple, cube))
            continue;
        bool exact = specifies(cube, &tuple->hashed);
        const uint32_t *next = exact ? node->next : node->next_member;
        uint32_t slot = exact ? (uint32_t)hash_masked(&cube->value, &tuple->hashed) : 0;
        uint32_t i = exact ? tuple->slots[slot & (tuple->n_slots - 1)] : tuple->members;
        for (; i; i = next[i - 1]) {
            if (match_intersect(&node->flows[i - 1].flow->match, cube, NULL))
                add_candidate(c, i - 1);
        }
    }
    qsort(c->flows, c->n, sizeof *c->flows, by_number);
}

static bool
is_loop(const struct step *before, const struct state *s)
{
    for (; before; before = before->before) {
        if (before->state->node == s->node && before->state->in_port == s->in_port &&
            match_equal(&before->state->cube, &s->cube))
            return true;
    }
    return false;
}

static void
run_rule(struct walk *w, const struct step *before, const struct state *s, const struct flow *flow)
{
    struct state copy = *s;
    struct step step = {before, s, flow, before ? before->depth + 1 : 0};
    if (flow->has_goto || flow->has_write || flow->clear) {
        w->trouble(w, &step, VIOLATION_UNJUDGED, "it uses more than one table or an action set");
        return;
    }
    run_actions(w, &step, &copy, &flow->apply, MAX_GROUP_DEPTH);
}

void
walk_rule(struct walk *w, const struct state *s, const struct flow *flow)
{
    w->steps++;
    run_rule(w, NULL, s, flow);
}

/* Cuts the class up among the rules that take parts of it. */
static void
follow_parts(struct walk *w, const struct step *before, const struct state *s,
             const struct candidates *c)
{
    const struct proved_node *node = &w->prover->nodes[s->node];
    struct pieces *rest = xmalloc(sizeof *rest);
    pieces_start(rest, &s->cube);
    for (uint32_t i = 0; i < c->n && rest->n; i++) {
        const struct flow *flow = node->flows[c->flows[i]].flow;
        uint32_t n = rest->overflow ? 1 : rest->n;
        for (uint32_t k = 0; k < n; k++) {
            struct state part = *s;
            const struct match *from = rest->overflow ? &s->cube : &rest->cubes[k];
            if (match_intersect(from, &flow->match, &part.cube))
                run_rule(w, before, &part, flow);
        }
        if (match_contains(&flow->match, &s->cube))
            break;
        if (!rest->overflow)
            pieces_subtract(rest, &flow->match);
    }
    free(rest);
}

static void
follow(struct walk *w, const struct step *before, const struct state *s)
{
    const struct proved_node *node = &w->prover->nodes[s->node];
    struct step here = {before, s, NULL, before ? before->depth + 1 : 0};
    w->steps++;
    if (is_loop(before, s)) {
        w->trouble(w, &here, VIOLATION_LOOP, "the packet comes back to where it was");
        return;
    }
    if (!w->budget) {
        w->trouble(w, &here, VIOLATION_UNJUDGED, "too many ways to follow");
        return;
    }
    w->budget--;
    struct candidates c = {0};
    find_candidates(node, &s->cube, &c);
    if (c.n && match_contains(&node->flows[c.flows[0]].flow->match, &s->cube))
        run_rule(w, before, s, node->flows[c.flows[0]].flow);
    else if (c.n)
        follow_parts(w, before, s, &c);
    free(c.flows);
}

void
walk_run(struct walk *w, const struct state *s)
{
    follow(w, NULL, s);
}
