#include "engineer/prove_graph.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 100

/* ---- Reports ---- */

/* The failure that the lowest of these lanes stands for. */
static char *
lanes_text(const struct walk *w, uint64_t lanes)
{
    if (lanes & LANE_UP)
        return NULL;
    if (lanes == LANE_ANY)
        return xstrdup(w->prover->updating ? WHEN_MIXED : WHEN_SEVERAL_FAIL);
    uint32_t number = w->round * LANES_FAILURE + (uint32_t)__builtin_ctzll(lanes) - 1;
    return number < w->prover->n_failures
               ? failure_text(w->prover, &w->prover->failures[number])
               : NULL; /* a lane that no element has taken is like the first */
}

static void PRINTF_LIKE(5, 6)
    report(const struct walk *w, enum violation_kind kind, const struct step *step,
           const struct state *s, const char *format, ...)
{
    struct judging *j = w->arg;
    j->complained = true;
    if (j->silent)
        return;
    const struct step *at = !step->flow && step->before ? step->before
                                                        : step; /* what sent it there */
    va_list args;
    va_start(args, format);
    struct violation v = {.kind = kind,
                          .circuit = xstrdup(j->claim->circuit->name),
                          .node = xstrdup(j->prover->nodes[at->state->node].node->name),
                          .rule = at->flow ? flow_text(at->flow) : NULL,
                          .packet = entering_text(j->prover, step, &s->cube),
                          .path = path_text(j->prover, step),
                          .failure = lanes_text(w, s->lanes),
                          .text = xvasprintf(format, args)};
    va_end(args);
    violations_add(j->prover, &j->judged->violations, &v);
}

static const char *
where(const struct proved_port *port)
{
    return port->host                   ? port->host->name
           : port->number == PORT_LOCAL ? "the node itself"
                                        : "no host";
}

/* ---- What must hold of a class on its way ---- */

/* The lanes in which a part of this has arrived before. */
static uint64_t
lanes_again(const struct arrivals *a, const struct match *cube, uint64_t lanes)
{
    uint64_t again = lanes & a->whole;
    for (uint32_t i = 0; i < a->n && lanes & a->any; i++) {
        if (match_intersect(&a->parts[i].cube, cube, NULL))
            again |= lanes & a->parts[i].lanes;
    }
    return again;
}

static void
note_arrival(struct arrivals *a, const struct claim *claim, const struct match *cube,
             uint64_t lanes)
{
    if (match_contains(cube, &claim->received))
        a->whole |= lanes;
    a->any |= lanes;
    lanes &= ~a->whole;
    if (!lanes)
        return;
    GROW(a->parts, a->n, a->capacity);
    a->parts[a->n++] = (struct arrival){lanes, *cube};
}

static void
check_twice(struct walk *w, const struct step *step, const struct state *s,
            const struct arrivals *a, const struct match *arrived)
{
    struct judging *j = w->arg;
    struct state twice = *s;
    twice.lanes = lanes_again(a, arrived, s->lanes & lanes_once(j->claim));
    if (twice.lanes)
        report(w, VIOLATION_TWICE, step, &twice, "circuit \"%s\" arrives at node %s again",
               j->claim->circuit->name, j->prover->nodes[s->node].node->name);
}

void
judging_twice(struct walk *w, const struct step *step, const struct state *s)
{
    struct judging *j = w->arg;
    report(w, VIOLATION_TWICE, step, s, "circuit \"%s\" comes to node %s by two ways at once",
           j->claim->circuit->name, j->prover->nodes[s->node].node->name);
}

static struct match
without_port(const struct match *cube)
{
    struct match m = *cube;
    m.value.in_port = m.mask.in_port = 0;
    return m;
}

uint32_t
judging_receiver(const struct judging *j, const struct state *s, uint32_t number, bool *whole)
{
    const struct claim *claim = j->claim;
    const struct node *node = j->prover->nodes[s->node].node;
    struct match arrived = without_port(&s->cube);
    for (uint32_t i = 0; i < claim->n_to; i++) {
        if (claim->to[i].node != node || claim->to[i].port != number)
            continue;
        *whole = match_contains(&arrived, &claim->received);
        return match_contains(&claim->received, &arrived) ? i : NO_ELEMENT;
    }
    return NO_ELEMENT;
}

void
judging_delivered(struct walk *w, const struct step *step, const struct state *s, uint32_t number)
{
    struct judging *j = w->arg;
    const struct claim *claim = j->claim;
    const struct proved_node *node = &j->prover->nodes[s->node];
    struct match arrived = without_port(&s->cube);
    for (uint32_t i = 0; i < claim->n_to; i++) {
        if (claim->to[i].node != node->node || claim->to[i].port != number)
            continue;
        if (!match_contains(&claim->received, &arrived)) {
            report(w, VIOLATION_LEAK, step, s,
                   "circuit \"%s\" arrives at %s port %u with other headers than it should",
                   claim->circuit->name, node->node->name, number);
            return;
        }
        check_twice(w, step, s, &j->prover->arrivals[i], &arrived);
        note_arrival(&j->prover->arrivals[i], claim, &arrived, s->lanes);
        return;
    }
    report(w, VIOLATION_LEAK, step, s, "circuit \"%s\" comes out at %s port %u (%s)",
           claim->circuit->name, node->node->name, number, where(proved_port(node, number)));
}

/* Two circuits between the same hosts, one each way, both leave the client's port open: then
 * packets from one server port to the other belong to both. Is there another circuit that this
 * class is such a part of, and of which this holds? */
static bool
is_shared(struct judging *j, const struct match *cube,
          bool (*holds)(const struct claim *, const void *), const void *arg)
{
    struct cube_list found = {0};
    bool shared = false;
    cubes_meet(&j->entry->claims, &j->claim->sent, CUBES_ALL, &found);
    for (uint32_t i = 0; i < found.n && !shared; i++) {
        const struct claim *other = ((struct judged *)found.items[i])->claim;
        shared = other->circuit != j->claim->circuit && holds(other, arg) &&
                 (match_intersect(&other->received, cube, NULL) ||
                  match_intersect(&other->sent, cube, NULL));
    }
    cube_list_fini(&found);
    return shared;
}

static bool
has_queue(const struct claim *claim, const void *queue)
{
    return service_class_queue(claim->circuit->service_class) == *(const uint32_t *)queue;
}

void
judging_forwarded(struct walk *w, const struct step *step, const struct state *s)
{
    struct judging *j = w->arg;
    const struct claim *claim = j->claim;
    if (!claim->arp && !has_queue(claim, &s->queue) &&
        !is_shared(j, &step->state->cube, has_queue, &s->queue))
        report(w, VIOLATION_QUEUE, step, s,
               "circuit \"%s\" leaves node %s by queue %u, not its class's %u",
               claim->circuit->name, j->prover->nodes[s->node].node->name, s->queue,
               service_class_queue(claim->circuit->service_class));
}

void
judging_trouble(struct walk *w, const struct step *step, const struct state *s,
                enum violation_kind kind, const char *what)
{
    struct judging *j = w->arg;
    report(w, kind, step, s, "node %s: %s", j->prover->nodes[s->node].node->name, what);
}

/* The circuit's meter has its rate and burst; requests for addresses have any. */
static bool
has_meter(const struct claim *claim, const void *arg)
{
    const struct meter *meter = arg;
    const struct circuit *c = claim->circuit;
    if (!meter || meter->n_bands != 1 || meter->bands[0].type != BAND_DROP)
        return false;
    return claim->arp || ((meter->flags & METER_KBPS) && (meter->flags & METER_BURST) &&
                          meter->bands[0].rate == c->rate_kbps &&
                          meter->bands[0].burst == (c->burst_octets * 8 + 999) / 1000);
}

static bool
has_its_meter(struct judging *j, const struct match *cube, const struct meter *meter)
{
    return has_meter(j->claim, meter) || is_shared(j, cube, has_meter, meter);
}

/* During an update, whatever it may be. What is taken out goes after the rules that name it. */
static bool
is_metered(struct judging *j, const struct match *cube, const struct proved_meter *m)
{
    if (m && m->old && !has_its_meter(j, cube, m->old))
        return false;
    return (m && m->old && !m->meter) || has_its_meter(j, cube, m ? m->meter : NULL);
}

/* Does the rule itself send the same packet out of a port twice? */
static bool
outputs_twice(const struct actions *actions)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        for (uint32_t k = i + 1; a->type == ACTION_OUTPUT && k < actions->n; k++) {
            const struct action *b = &actions->list[k];
            if (b->type == ACTION_OUTPUT && b->id == a->id)
                return true;
            if (b->type != ACTION_OUTPUT && b->type != ACTION_SET_QUEUE && b->type != ACTION_GROUP)
                break; /* it is another packet from here on */
        }
    }
    return false;
}

/* The circuit's meter must stand where the circuit enters, and none behind it. */
void
judging_taken(struct walk *w, const struct step *step, const struct state *s, bool forwards)
{
    struct judging *j = w->arg;
    struct proved_node *node = &j->prover->nodes[s->node];
    if (!forwards && step->depth && s->lanes & ~LANE_ANY) {
        report(w, VIOLATION_STRAY, step, s,
               "circuit \"%s\" comes to node %s, where no rule takes it further",
               j->claim->circuit->name, node->node->name);
        return;
    }
    if (forwards && outputs_twice(&step->flow->apply))
        report(w, VIOLATION_TWICE, step, s, "circuit \"%s\" leaves node %s twice by the same port",
               j->claim->circuit->name, node->node->name);
    uint32_t id = forwards ? step->flow->meter_id : 0;
    if (!forwards || (!id && step->depth))
        return;
    struct proved_meter *m = id ? proved_meter(node, id) : NULL;
    if (m)
        m->looked_at = true;
    if (step->depth)
        report(w, VIOLATION_UNMETERED, step, s,
               "circuit \"%s\" passes a meter behind its own at node %s", j->claim->circuit->name,
               node->node->name);
    else if (!is_metered(j, &s->cube, m))
        report(w, VIOLATION_UNMETERED, step, s, "circuit \"%s\" enters node %s without its meter",
               j->claim->circuit->name, node->node->name);
}

/* ---- What a circuit allows arrives, also after failures ---- */

/* Has the design said that this failure may cost this receiver's deliveries? */
static bool
is_excused(const struct prover *p, const struct claim *claim, uint32_t receiver,
           const struct failure *f)
{
    if (!claim->to[receiver].has_failover)
        return true;
    if (f->kind == FAILS_NODE && p->nodes[f->index].node == claim->to[receiver].node)
        return true;
    for (uint32_t i = 0; i < claim->n_shared; i++) {
        const struct shared_element *e = &claim->shared[i];
        if (e->receiver == receiver &&
            ((f->kind == FAILS_LINK && e->link == p->links[f->index].link) ||
             (f->kind == FAILS_NODE && e->node == p->nodes[f->index].node) ||
             (f->kind == FAILS_RISK && e->risk && !strcmp(e->risk, p->risks[f->index]))))
            return true;
    }
    return false;
}

/* What is left of the class that has not arrived at this receiver in this lane, in whatever parts
 * the rest came. What belongs to another circuit too is that one's to deliver. */
static struct pieces *
missing_pieces(struct judging *j, uint32_t receiver, uint64_t lane)
{
    const struct arrivals *a = &j->prover->arrivals[receiver];
    struct cube_list found = {0};
    struct pieces *left = pieces_take(j->prover);
    bool any = false;
    pieces_start(left, &j->claim->received);
    for (uint32_t i = 0; i < a->n && left->n; i++) {
        if (!(a->parts[i].lanes & lane))
            continue;
        pieces_subtract(left, &a->parts[i].cube);
        any = true;
    }
    if (any && left->n)
        cubes_meet(&j->entry->claims, &j->claim->sent, CUBES_ALL, &found);
    cube_list_sort(&found);
    for (uint32_t i = 0; i < found.n && left->n; i++) {
        const struct claim *other = ((struct judged *)found.items[i])->claim;
        if (other->circuit != j->claim->circuit)
            pieces_subtract(left, &other->received);
    }
    cube_list_fini(&found);
    return left;
}

/* The lanes of `wanted` in which this receiver gets all. */
static uint64_t
lanes_arrived(struct judging *j, uint32_t receiver, uint64_t wanted)
{
    const struct arrivals *a = &j->prover->arrivals[receiver];
    uint64_t arrived = wanted & a->whole, open = a->n ? wanted & ~arrived : 0;
    while (open) {
        uint64_t lane = open & -open;
        struct pieces *left = missing_pieces(j, receiver, lane);
        open ^= lane;
        if (!left->n && !left->overflow)
            arrived |= lane;
        pieces_give(j->prover, left);
    }
    return arrived;
}

/* A packet that is sent and not received. */
static char *
lost_text(struct judging *j, uint32_t receiver, uint64_t lane)
{
    struct match m = j->claim->sent;
    struct pieces *left = missing_pieces(j, receiver, lane);
    for (int i = 0; left->n && !left->overflow && i < FLOW_KEY_WORDS; i++) {
        uint64_t open = left->cubes[0].mask.words[i] & ~m.mask.words[i];
        m.mask.words[i] |= open;
        m.value.words[i] |= left->cubes[0].value.words[i] & open;
    }
    pieces_give(j->prover, left);
    return cube_text(&m);
}

static void
report_loss(const struct walk *w, uint32_t receiver, uint64_t lane)
{
    struct judging *j = w->arg;
    const struct claim *claim = j->claim;
    const struct claim_end *to = &claim->to[receiver];
    struct violation v = {
        .kind = VIOLATION_LOSS,
        .circuit = xstrdup(claim->circuit->name),
        .packet = lost_text(j, receiver, lane),
        .failure = lanes_text(w, lane),
        .text = xasprintf("circuit \"%s\"%s from node %s does not arrive at node %s port %u",
                          claim->circuit->name, claim->test ? " (its test)" : "",
                          claim->from.node->name, to->node->name, to->port)};
    violations_add(j->prover, &j->judged->violations, &v);
}

/* The lanes of this round in which something is as it should be or one element has failed. */
static uint64_t
lanes_of_round(const struct walk *w)
{
    uint32_t first = w->round * LANES_FAILURE,
             n = w->prover->n_failures - MIN(first, w->prover->n_failures);
    uint64_t failures = n >= LANES_FAILURE ? LANES_ALL & ~(LANE_UP | LANE_ANY)
                                           : ((UINT64_C(1) << n) - 1) << 1;
    return failures | (w->round ? 0 : LANE_UP);
}

/* Takes the lanes out in which a loss is excused. */
static uint64_t
without_excused(const struct walk *w, uint32_t receiver, uint64_t missing)
{
    const struct judging *j = w->arg;
    uint64_t left = missing & ~LANE_UP;
    while (left) {
        uint64_t lane = left & -left;
        uint32_t number = w->round * LANES_FAILURE + (uint32_t)__builtin_ctzll(lane) - 1;
        left ^= lane;
        if (is_excused(j->prover, j->claim, receiver, &j->prover->failures[number]))
            missing ^= lane;
    }
    return missing;
}

static void
check_arrival(struct walk *w)
{
    struct judging *j = w->arg;
    uint64_t wanted = lanes_of_round(w);
    for (uint32_t i = 0; i < j->claim->n_to; i++) {
        uint64_t missing = wanted & ~j->prover->arrivals[i].whole;
        if (missing)
            missing = without_excused(w, i, missing);
        if (missing)
            missing &= ~lanes_arrived(j, i, missing);
        for (; missing; missing &= missing - 1)
            report_loss(w, i, missing & -missing);
    }
}

static void
forget_arrivals(struct prover *p, uint32_t n)
{
    if (p->arrivals_capacity < n) {
        p->arrivals = xrealloc(p->arrivals, n, sizeof *p->arrivals);
        memset(p->arrivals + p->arrivals_capacity, 0,
               (n - p->arrivals_capacity) * sizeof *p->arrivals);
        p->arrivals_capacity = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        p->arrivals[i].whole = p->arrivals[i].any = 0;
        p->arrivals[i].n = 0;
    }
}

static struct walk
new_walk(struct judging *j)
{
    const struct claim *claim = j->claim;
    return (struct walk){.prover = j->prover,
                         .by = j->judged,
                         .entry_node = j->judged->node,
                         .with_failures = !claim->failover_only && !claim->arp,
                         .choices = 1,
                         .taken = judging_taken,
                         .delivered = judging_delivered,
                         .forwarded = judging_forwarded,
                         .trouble = judging_trouble,
                         .arg = j,
                         .budget = WALK_BUDGET};
}

static struct state
entering(struct judging *j, uint64_t lanes)
{
    const struct claim *claim = j->claim;
    struct state s = {
        .lanes = lanes, .node = j->judged->node, .in_port = claim->from.port, .cube = claim->sent};
    j->entry = j->judged->port;
    forget_arrivals(j->prover, claim->n_to);
    return s;
}

static void
keep_failures(struct prover *p, struct judged *judged)
{
    if (judged->n_failures != p->n_failures)
        judged->failures = xrealloc(judged->failures, p->n_failures + 1, sizeof *p->failures);
    if (p->n_failures)
        memcpy(judged->failures, p->failures, p->n_failures * sizeof *p->failures);
    judged->n_failures = p->n_failures;
}

static void
note_provisional(struct prover *p, struct judged *judged)
{
    if (!p->updating || judged->provisional)
        return;
    judged->provisional = true;
    GROW(p->provisional.list, p->provisional.n, p->provisional.capacity);
    p->provisional.list[p->provisional.n++] = judged;
}

/* Step by step: whatever way the lanes take. */
static void
follow_claim(struct judging *j, struct walk *w, uint64_t lanes)
{
    struct state s = entering(j, lanes);
    w->once = lanes == LANE_ANY;
    if (w->once)
        been_begin(w->prover);
    walk_run(w, &s);
}

static void
judge_claim(struct prover *p, struct judged *judged)
{
    struct judging j = {.prover = p, .judged = judged, .claim = judged->claim};
    j.entry = judged->port;
    struct walk w = new_walk(&j);
    violations_clear(p, &judged->violations);
    bool drawn = !p->updating && !p->step_by_step && ways_draw(&j, judged->anew);
    judged->anew = false;
    p->n_failures = 0;
    if (!drawn)
        begin_uses(p, judged);
    for (w.round = 0; !w.round || w.round * LANES_FAILURE < p->n_failures; w.round++) {
        uint64_t lanes = p->updating ? LANE_ANY
                         : w.round   ? LANES_ALL & ~(LANE_UP | LANE_ANY)
                                     : LANES_ALL;
        for (w.choice = 0; w.choice < w.choices; w.choice++) {
            if (drawn) {
                forget_arrivals(p, j.claim->n_to);
                ways_pass(&w, judged->ways, lanes);
            } else {
                follow_claim(&j, &w, lanes);
            }
            if (!p->updating)
                check_arrival(&w);
        }
    }
    if (!drawn) {
        end_uses(p, judged);
        judged->n_steps = (uint32_t)w.steps;
        judged->anew = true; /* nothing of the drawing holds */
    }
    note_provisional(p, judged);
    keep_failures(p, judged);
}

bool
claim_survives(struct prover *p, struct judged *judged, const struct failure *f)
{
    struct judging j = {.prover = p, .judged = judged, .claim = judged->claim, .silent = true};
    struct walk w = new_walk(&j);
    uint32_t number = 0;
    while (number < judged->n_failures &&
           (judged->failures[number].kind != f->kind || judged->failures[number].index != f->index))
        number++;
    w.aside = true;
    p->walk_number++;
    p->n_failures = 0;
    /* The elements are numbered in the first round, the same way as when it was judged. */
    for (w.round = 0; w.round <= number / LANES_FAILURE; w.round++) {
        struct state s = entering(&j, w.round ? LANES_ALL & ~(LANE_UP | LANE_ANY) : ~LANE_ANY);
        walk_run(&w, &s);
    }
    w.round--;
    uint64_t lane = walk_lane(&w, number);
    for (uint32_t i = 0; i < j.claim->n_to; i++) {
        if (!lanes_arrived(&j, i, lane))
            return false;
    }
    return true;
}

/* ---- What a rule lets in is allowed ---- */

static void
report_entry(struct prover *p, struct proved_flow *f, const struct proved_port *port,
             const struct match *cube)
{
    const char *node = p->nodes[f->node].node->name;
    struct violation v = {.kind = VIOLATION_LEAK,
                          .node = xstrdup(node),
                          .rule = flow_text(f->flow),
                          .packet = cube_text(cube),
                          .path = xstrdup(node),
                          .text = xasprintf("node %s port %u (%s) lets in what no circuit allows",
                                            node, port->number, where(port))};
    violations_add(p, &f->leaks, &v);
}

/* In an order that does not depend on how they came there: what is left, and shown, is the same. */
static void
subtract_all(struct pieces *left, struct cube_list *found, const struct proved_flow *below)
{
    cube_list_sort(found);
    for (uint32_t i = 0; i < found->n && left->n; i++) {
        if (!below ||
            (found->items[i]->priority > below->item.priority && !found->items[i]->tentative))
            pieces_subtract(left, found->items[i]->match);
    }
}

/* No single circuit allows all that comes in here. What rules above this one take it does not let
 * in, and several circuits may allow what none does alone. */
static void
judge_odd_entry(struct prover *p, struct proved_flow *f, struct proved_port *port,
                const struct match *cube)
{
    struct pieces *left = pieces_take(p);
    pieces_start(left, cube);
    p->found.n = 0;
    cubes_meet(&p->nodes[f->node].flows, cube, CUBES_ALL, &p->found);
    subtract_all(left, &p->found, f);
    p->found.n = 0;
    cubes_meet(&port->claims, cube, CUBES_ALL, &p->found);
    subtract_all(left, &p->found, NULL);
    if (left->n)
        report_entry(p, f, port, left->overflow ? cube : &left->cubes[0]);
    pieces_give(p, left);
}

static void
judge_entry_at(struct prover *p, struct proved_flow *f, struct proved_port *port, bool *odd)
{
    uint32_t asked = f->flow->match.mask.in_port, number = to_be32(port->number);
    if (port->link != NO_ELEMENT || (number & asked) != f->flow->match.value.in_port)
        return;
    struct match entering = f->flow->match;
    entering.value.in_port = number;
    entering.mask.in_port = UINT32_MAX;
    f->n_classes++;
    if (cubes_containing(&port->claims, &entering))
        return;
    *odd = true;
    judge_odd_entry(p, f, port, &entering);
}

static void
judge_entry(struct prover *p, struct proved_flow *f)
{
    struct proved_node *node = &p->nodes[f->node];
    bool odd = false;
    violations_clear(p, &f->leaks);
    f->n_classes = 0;
    if (f->forwards && from_be32(f->flow->match.mask.in_port) == UINT32_MAX) {
        struct proved_port *port = proved_port(node, from_be32(f->flow->match.value.in_port));
        if (port)
            judge_entry_at(p, f, port, &odd);
    } else if (f->forwards) {
        for (uint32_t i = 0; i < node->n_ports; i++)
            judge_entry_at(p, f, &node->ports[i], &odd);
    }
    set_odd(p, f, odd);
}

uint64_t
prover_judge(struct prover *p)
{
    mark_named(p);
    while (p->dirty_flows) {
        struct proved_flow *f = p->dirty_flows;
        p->dirty_flows = f->next_dirty;
        if (f->next_dirty)
            f->next_dirty->previous_dirty_at = &p->dirty_flows;
        f->entry_is_dirty = false;
        judge_entry(p, f);
    }
    while (p->dirty) {
        struct judged *j = p->dirty;
        p->dirty = j->next_dirty;
        j->dirty = false;
        judge_claim(p, j);
    }
    p->n_replaced = 0;
    return p->n_violations;
}

/* ---- The usual case ---- */

enum err
prover_allow_all(struct prover *p, struct diag *diag)
{
    const struct network *net = p->network;
    enum err err = ERR_OK;
    for (const struct design *d = net->designs; d && !err; d = d->hh.next) {
        const struct circuit *c = network_circuit(net, d->circuit);
        if (c)
            err = prover_allow(p, c, d, diag);
    }
    return err;
}

enum err
prove_plan(const struct network *net, const struct plan *plan, struct proof *proof,
           struct diag *diag)
{
    struct prover *p = prover_new(net);
    enum err err = prover_put_plan(p, plan);
    if (err)
        diag_set(diag, err, "the plan has rules for a node that is not in the network");
    else
        err = prover_allow_all(p, diag);
    *proof = (struct proof){0};
    if (!err) {
        prover_judge(p);
        prover_report(p, DEFAULT_LIMIT, proof);
    }
    prover_free(p);
    return err;
}
