#include "engineer/prove_private.h"

#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 100
#define WALK_BUDGET 100000 /* steps of one class */
#define MAX_RECEIVERS 1024

/* ---- The tables ---- */

static int
by_node_name(const void *a, const void *b)
{
    return strcmp(((const struct proved_node *)a)->node->name,
                  ((const struct proved_node *)b)->node->name);
}

static int
by_link_name(const void *a, const void *b)
{
    return strcmp((*(const struct link *const *)a)->name, (*(const struct link *const *)b)->name);
}

uint32_t
prover_node(const struct prover *p, const char *name)
{
    struct node wanted = {.name = (char *)name};
    struct proved_node key = {.node = &wanted};
    struct proved_node *found =
        name ? bsearch(&key, p->nodes, p->n_nodes, sizeof *p->nodes, by_node_name) : NULL;
    return found ? (uint32_t)(found - p->nodes) : NO_ELEMENT;
}

static void
add_port(struct prover *p, struct proved_node *node, uint32_t number)
{
    struct proved_port port = {.number = number, .link = NO_ELEMENT, .far_node = NO_ELEMENT};
    for (uint32_t i = 0; i < p->n_links; i++) {
        const struct link_end *here = link_end_at(p->links[i], node->node->name);
        const struct link_end *far = link_far_end(p->links[i], node->node->name);
        if (here && here->port == number && prover_node(p, far->node) != NO_ELEMENT) {
            port.link = i;
            port.far_node = prover_node(p, far->node);
            port.far_port = far->port;
        }
    }
    port.host = network_host_at(p->network, node->node->name, number) != NULL;
    node->ports[node->n_ports++] = port;
}

struct prover *
prover_new(const struct network *net)
{
    struct prover *p = xcalloc(1, sizeof *p);
    p->network = net;
    p->nodes = xcalloc(HASH_COUNT(net->nodes), sizeof *p->nodes);
    p->links = xcalloc(HASH_COUNT(net->links), sizeof *p->links);
    for (const struct node *node = net->nodes; node; node = node->hh.next)
        p->nodes[p->n_nodes++].node = node;
    qsort(p->nodes, p->n_nodes, sizeof *p->nodes, by_node_name);
    for (const struct link *link = net->links; link; link = link->hh.next)
        p->links[p->n_links++] = link;
    qsort(p->links, p->n_links, sizeof *p->links, by_link_name);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct proved_node *node = &p->nodes[i];
        node->ports = xcalloc(node->node->n_ports, sizeof *node->ports);
        for (uint32_t k = 0; k < node->node->n_ports; k++)
            add_port(p, node, node->node->ports[k].number);
    }
    return p;
}

static void
forget_tuples(struct proved_node *node)
{
    for (uint32_t i = 0; i < node->n_tuples; i++)
        free(node->tuples[i].slots);
    free(node->tuples);
    free(node->next);
    free(node->next_member);
    node->tuples = NULL;
    node->next = node->next_member = NULL;
    node->n_tuples = 0;
}

void
prover_free(struct prover *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        forget_tuples(&p->nodes[i]);
        free(p->nodes[i].flows);
        free(p->nodes[i].groups);
        free(p->nodes[i].meters);
        free(p->nodes[i].ports);
    }
    free(p->nodes);
    free(p->links);
    free(p);
}

/* Anything but "to the controller" and "nowhere". */
static bool
forwards(const struct flow *flow)
{
    for (uint32_t i = 0; i < flow->apply.n; i++) {
        const struct action *a = &flow->apply.list[i];
        if (a->type == ACTION_GROUP || (a->type == ACTION_OUTPUT && a->id != PORT_CONTROLLER))
            return true;
    }
    return flow->has_goto || flow->has_write;
}

enum err
prover_add(struct prover *p, const char *name, const struct rule *rule)
{
    uint32_t index = prover_node(p, name);
    if (index == NO_ELEMENT)
        return ERR_NOT_FOUND;
    struct proved_node *node = &p->nodes[index];
    p->sorted = false;
    if (rule->kind == RULE_FLOW) {
        GROW(node->flows, node->n_flows, node->capacity);
        node->flows[node->n_flows++] = (struct proved_flow){rule->flow, forwards(rule->flow)};
    } else if (rule->kind == RULE_GROUP) {
        GROW(node->groups, node->n_groups, node->groups_capacity);
        node->groups[node->n_groups++] = rule->group;
    } else {
        GROW(node->meters, node->n_meters, node->meters_capacity);
        node->meters[node->n_meters++] = rule->meter;
    }
    return ERR_OK;
}

enum err
prover_add_plan(struct prover *p, const struct plan *plan)
{
    const char **names;
    uint32_t n = plan_nodes(plan, &names);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < n && !err; i++) {
        struct rule_list rules;
        plan_rules(plan, names[i], &rules);
        for (uint32_t k = 0; k < rules.n && !err; k++)
            err = prover_add(p, names[i], &rules.list[k]);
        free(rules.list);
    }
    free(names);
    return err;
}

static int
by_priority(const void *a, const void *b)
{
    const struct flow *x = ((const struct proved_flow *)a)->flow,
                      *y = ((const struct proved_flow *)b)->flow;
    if (x->table_id != y->table_id)
        return x->table_id < y->table_id ? -1 : 1;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return match_compare(&x->match, &y->match);
}

static struct flow_tuple *
find_tuple(struct proved_node *node, const struct flow_key *mask)
{
    for (uint32_t i = 0; i < node->n_tuples; i++) {
        if (!memcmp(&node->tuples[i].mask, mask, sizeof *mask))
            return &node->tuples[i];
    }
    return NULL;
}

static struct flow_tuple *
add_tuple(struct proved_node *node, const struct match *first, uint32_t n_slots)
{
    node->tuples = xrealloc(node->tuples, node->n_tuples + 1, sizeof *node->tuples);
    struct flow_tuple *tuple = &node->tuples[node->n_tuples++];
    *tuple = (struct flow_tuple){.mask = first->mask,
                                 .hashed = first->mask,
                                 .n_slots = n_slots,
                                 .slots = xcalloc(n_slots, sizeof(uint32_t)),
                                 .same = first->mask,
                                 .value = first->value};
    memset(&tuple->hashed.tp_src, 0, sizeof tuple->hashed.tp_src);
    memset(&tuple->hashed.tp_dst, 0, sizeof tuple->hashed.tp_dst);
    return tuple;
}

/* Sorts a node's flows and builds its tuples. Table 0 is where packets start; nothing in another
 * table is ever reached without a goto, which the walk reports. */
static void
index_node(struct proved_node *node)
{
    uint32_t n_slots = 16;
    forget_tuples(node);
    qsort(node->flows, node->n_flows, sizeof *node->flows, by_priority);
    while (node->n_flows && node->flows[node->n_flows - 1].flow->table_id)
        node->n_flows--;
    while (n_slots < node->n_flows)
        n_slots *= 2;
    node->next = xcalloc(node->n_flows, sizeof *node->next);
    node->next_member = xcalloc(node->n_flows, sizeof *node->next_member);
    for (uint32_t i = 0; i < node->n_flows; i++) {
        const struct match *m = &node->flows[i].flow->match;
        struct flow_tuple *tuple = find_tuple(node, &m->mask);
        if (!tuple)
            tuple = add_tuple(node, m, n_slots);
        for (int word = 0; word < FLOW_KEY_WORDS; word++)
            tuple->same.words[word] &= ~(tuple->value.words[word] ^ m->value.words[word]);
        node->next_member[i] = tuple->members;
        tuple->members = i + 1;
        uint32_t slot = (uint32_t)hash_masked(&m->value, &tuple->hashed) & (tuple->n_slots - 1);
        node->next[i] = tuple->slots[slot];
        tuple->slots[slot] = i + 1;
    }
}

/* ---- Reports ---- */

struct judging {
    struct prover *prover;
    struct claims claims;
    struct proof *proof;
    uint32_t limit;
    const struct claim *claim; /* the one that allows the class being followed; NULL: none does */
    struct arrivals {
        bool whole; /* all of the class has arrived at once */
        uint32_t n, capacity;
        struct match *parts;
    } arrivals[MAX_RECEIVERS];
    struct pieces *pieces;
};

const char *
violation_name(enum violation_kind kind)
{
    static const char *const names[VIOLATION_MAX] = {"leak",      "loss",  "loop",
                                                     "unmetered", "queue", "unjudged"};
    return kind < VIOLATION_MAX ? names[kind] : "?";
}

static char *
cube_text(const struct match *cube)
{
    struct buf text = BUF_INIT;
    match_format(cube, &text);
    return buf_steal_cstr(&text);
}

static char *
flow_text(const struct flow *flow)
{
    struct buf text = BUF_INIT;
    flow_format(flow, &text);
    return buf_steal_cstr(&text);
}

static void
put_path(const struct prover *p, const struct step *step, struct buf *out)
{
    if (step->before) {
        put_path(p, step->before, out);
        buf_str(out, " > ");
    }
    buf_str(out, p->nodes[step->state->node].node->name);
}

static char *
failure_text(const struct prover *p, const struct failure *f)
{
    if (f->link != NO_ELEMENT)
        return xasprintf("link %s", p->links[f->link]->name);
    if (f->node != NO_ELEMENT)
        return xasprintf("node %s", p->nodes[f->node].node->name);
    return f->risk ? xasprintf("shared risk %s", f->risk) : NULL;
}

static void PRINTF_LIKE(6, 7)
    report(struct judging *j, enum violation_kind kind, const struct failure *failure,
           const struct step *step, const struct match *cube, const char *format, ...)
{
    struct proof *proof = j->proof;
    if (proof->n >= j->limit) {
        proof->truncated = true;
        return;
    }
    GROW(proof->violations, proof->n, proof->capacity);
    struct violation *v = &proof->violations[proof->n++];
    *v = (struct violation){.kind = kind, .failure = failure_text(j->prover, failure)};
    if (j->claim)
        v->circuit = xstrdup(j->claim->circuit->name);
    if (cube)
        v->packet = cube_text(cube);
    if (step) {
        struct buf path = BUF_INIT;
        put_path(j->prover, step, &path);
        v->path = buf_steal_cstr(&path);
        if (!step->flow && step->before) /* the rule that sent it there */
            step = step->before;
        v->node = xstrdup(j->prover->nodes[step->state->node].node->name);
        v->rule = step->flow ? flow_text(step->flow) : NULL;
    }
    va_list args;
    va_start(args, format);
    v->text = xvasprintf(format, args);
    va_end(args);
}

void
proof_fini(struct proof *proof)
{
    for (uint32_t i = 0; i < proof->n; i++) {
        struct violation *v = &proof->violations[i];
        char *const texts[] = {v->circuit, v->node,    v->rule, v->packet,
                               v->path,    v->failure, v->text};
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            free(texts[k]);
    }
    free(proof->violations);
    *proof = (struct proof){0};
}

void
proof_format(const struct proof *proof, struct buf *out)
{
    for (uint32_t i = 0; i < proof->n; i++) {
        const struct violation *v = &proof->violations[i];
        buf_printf(out, "%s: %s\n", violation_name(v->kind), v->text);
        if (v->failure)
            buf_printf(out, "  with %s down\n", v->failure);
        if (v->packet)
            buf_printf(out, "  packet %s\n", v->packet);
        if (v->path)
            buf_printf(out, "  path   %s\n", v->path);
        if (v->rule)
            buf_printf(out, "  rule   %s: %s\n", v->node, v->rule);
    }
    buf_printf(out,
               "%s: %llu circuits, %llu rules, %llu classes of packets, %llu failures; "
               "%llu walks of %llu steps\n",
               proof->n ? (proof->truncated ? "refuted (and more)" : "refuted") : "proved",
               (unsigned long long)proof->circuits, (unsigned long long)proof->rules,
               (unsigned long long)proof->classes, (unsigned long long)proof->failures,
               (unsigned long long)proof->walks, (unsigned long long)proof->steps);
}

/* ---- What must hold of a class on its way ---- */

static const struct host *
host_of(const struct judging *j, uint32_t node, uint32_t port)
{
    return network_host_at(j->prover->network, j->prover->nodes[node].node->name, port);
}

static void
note_arrival(struct arrivals *a, const struct claim *claim, const struct match *cube)
{
    a->whole |= match_contains(cube, &claim->received);
    if (a->whole)
        return;
    GROW(a->parts, a->n, a->capacity);
    a->parts[a->n++] = *cube;
}

static void
on_delivered(struct walk *w, const struct step *step, uint32_t node, uint32_t port,
             const struct match *cube)
{
    struct judging *j = w->arg;
    const struct claim *claim = j->claim;
    const struct node *at = j->prover->nodes[node].node;
    const struct host *host = host_of(j, node, port);
    struct match arrived = *cube;
    memset(flow_key_field(&arrived.value, FIELD_IN_PORT), 0, 4);
    memset(flow_key_field(&arrived.mask, FIELD_IN_PORT), 0, 4);
    for (uint32_t i = 0; claim && i < claim->n_to; i++) {
        if (claim->to[i].node != at || claim->to[i].port != port)
            continue;
        if (!match_contains(&claim->received, &arrived)) {
            report(j, VIOLATION_LEAK, &w->failure, step, cube,
                   "circuit \"%s\" arrives at %s port %u with other headers than it should",
                   claim->circuit->name, at->name, port);
        } else if (i < MAX_RECEIVERS) {
            note_arrival(&j->arrivals[i], claim, &arrived);
        }
        return;
    }
    report(j, VIOLATION_LEAK, &w->failure, step, cube, "%s%s%s comes out at %s port %u (%s)",
           claim ? "circuit \"" : "a packet that no circuit allows",
           claim ? claim->circuit->name : "", claim ? "\"" : "", at->name, port,
           host                 ? host->name
           : port == PORT_LOCAL ? "the node itself"
                                : "no host");
}

/* Two circuits between the same hosts, one each way, both leave the client's port open: then
 * packets from one server port to the other belong to both. Is this class such a part of another
 * circuit too, whose queue this is? */
static bool
is_shared_with_queue(const struct judging *j, const struct match *cube, uint32_t queue)
{
    uint32_t n;
    const struct claim *claim = j->claim;
    const struct claim *others = claims_at(&j->claims, claim->from.node, claim->from.port, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (others[i].circuit != claim->circuit &&
            service_class_queue(others[i].circuit->service_class) == queue &&
            (match_intersect(&others[i].received, cube, NULL) ||
             match_intersect(&others[i].sent, cube, NULL)))
            return true;
    }
    return false;
}

static void
on_forwarded(struct walk *w, const struct step *step, uint32_t queue)
{
    struct judging *j = w->arg;
    const struct claim *claim = j->claim;
    if (claim && !claim->arp && queue != service_class_queue(claim->circuit->service_class) &&
        !is_shared_with_queue(j, &step->state->cube, queue))
        report(j, VIOLATION_QUEUE, &w->failure, step, &step->state->cube,
               "circuit \"%s\" leaves node %s by queue %u, not its class's %u",
               claim->circuit->name, j->prover->nodes[step->state->node].node->name, queue,
               service_class_queue(claim->circuit->service_class));
}

static void
on_trouble(struct walk *w, const struct step *step, enum violation_kind kind, const char *what)
{
    struct judging *j = w->arg;
    report(j, kind, &w->failure, step, &step->state->cube, "node %s: %s",
           j->prover->nodes[step->state->node].node->name, what);
}

/* The circuit's meter must stand where the circuit enters, with the circuit's rate and burst. */
static void
check_meter(struct judging *j, const struct step *step)
{
    const struct claim *claim = j->claim;
    static const struct failure none = {NO_ELEMENT, NO_ELEMENT, NULL};
    const struct meter *meter = step->flow->meter_id
                                    ? proved_meter(&j->prover->nodes[step->state->node],
                                                   step->flow->meter_id)
                                    : NULL;
    const struct circuit *c = claim->circuit;
    bool ok = meter && meter->n_bands == 1 && meter->bands[0].type == BAND_DROP &&
              (claim->arp ||
               (meter->bands[0].rate == c->rate_kbps && (meter->flags & METER_BURST) &&
                meter->bands[0].burst == (c->burst_octets * 8 + 999) / 1000));
    if (!ok)
        report(j, VIOLATION_UNMETERED, &none, step, &step->state->cube,
               "circuit \"%s\" enters node %s without its meter", c->name, claim->from.node->name);
}

/* ---- Pass 1: every class that a rule lets in is allowed ---- */

static const struct claim *
allowing(const struct claim *claims, uint32_t n, const struct match *cube)
{
    for (uint32_t i = 0; i < n; i++) {
        if (match_contains(&claims[i].sent, cube))
            return &claims[i];
    }
    return NULL;
}

static struct walk
new_walk(struct judging *j, const struct failure *failure)
{
    return (struct walk){.prover = j->prover,
                         .failure = *failure,
                         .delivered = on_delivered,
                         .forwarded = on_forwarded,
                         .trouble = on_trouble,
                         .arg = j,
                         .budget = WALK_BUDGET};
}

/* Is the whole class taken by rules above this one? Then the rule does nothing here. */
static bool
is_shadowed(const struct proved_node *node, uint32_t flow, const struct match *cube)
{
    for (uint32_t i = 0; i < flow; i++) {
        if (match_contains(&node->flows[i].flow->match, cube))
            return true;
    }
    return false;
}

static void
judge_entry(struct judging *j, uint32_t index, uint32_t port, uint32_t flow)
{
    static const struct failure none = {NO_ELEMENT, NO_ELEMENT, NULL};
    struct proved_node *node = &j->prover->nodes[index];
    struct match entering = MATCH_ANY;
    struct state s = {.node = index, .in_port = port};
    uint32_t n;
    match_set(&entering, FIELD_IN_PORT, port);
    if (!match_intersect(&node->flows[flow].flow->match, &entering, &s.cube) ||
        is_shadowed(node, flow, &s.cube))
        return;
    j->proof->classes++;
    const struct claim *at = claims_at(&j->claims, node->node, port, &n);
    j->claim = allowing(at, n, &s.cube);
    struct step step = {NULL, &s, node->flows[flow].flow, 0};
    if (!j->claim) {
        const struct host *host = host_of(j, index, port);
        report(j, VIOLATION_LEAK, &none, &step, &s.cube,
               "node %s port %u (%s) lets in what no circuit allows", node->node->name, port,
               host                 ? host->name
               : port == PORT_LOCAL ? "the node itself"
                                    : "no host");
        return;
    }
    check_meter(j, &step);
}

static void
judge_entries(struct judging *j)
{
    struct prover *p = j->prover;
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        struct proved_node *node = &p->nodes[i];
        for (uint32_t f = 0; f < node->n_flows; f++) {
            if (!node->flows[f].forwards)
                continue;
            judge_entry(j, i, PORT_LOCAL, f);
            for (uint32_t k = 0; k < node->n_ports; k++) {
                if (node->ports[k].link == NO_ELEMENT)
                    judge_entry(j, i, node->ports[k].number, f);
            }
        }
    }
}

/* ---- Pass 2: what a circuit allows arrives, also after failures ---- */

static bool
has_name(char *const *names, uint32_t n, const char *name)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!strcmp(names[i], name))
            return true;
    }
    return false;
}

/* Has the design said that this failure may cost deliveries? */
static bool
is_excused(const struct judging *j, const struct design *d, const struct failure *f)
{
    const struct prover *p = j->prover;
    if (!d->has_failover)
        return true;
    if (f->node != NO_ELEMENT)
        return has_name(d->shared_nodes, d->n_shared_nodes, p->nodes[f->node].node->name);
    if (f->link != NO_ELEMENT)
        return has_name(d->shared_links, d->n_shared_links, p->links[f->link]->name);
    return d->disjoint < DISJOINT_LINK; /* a risk group: paths that are link-disjoint share none */
}

static void
walk_claim(struct judging *j, const struct claim *claim, const struct failure *failure,
           bool *touched_links, bool *touched_nodes)
{
    struct walk w = new_walk(j, failure);
    struct state s = {.node = prover_node(j->prover, claim->from.node->name),
                      .in_port = claim->from.port,
                      .cube = claim->sent};
    w.touched_links = touched_links;
    w.touched_nodes = touched_nodes;
    j->claim = claim;
    for (uint32_t i = 0; i < claim->n_to && i < MAX_RECEIVERS; i++) {
        j->arrivals[i].whole = false;
        j->arrivals[i].n = 0;
    }
    walk_run(&w, &s);
    j->proof->walks++;
    j->proof->steps += w.steps;
}

/* Has all of the class arrived at this receiver, in whatever parts? What belongs to another circuit
 * too is that one's to deliver. */
static bool
has_arrived(struct judging *j, const struct claim *claim, uint32_t receiver)
{
    const struct arrivals *a = &j->arrivals[receiver];
    uint32_t n;
    if (a->whole || !a->n)
        return a->whole;
    const struct claim *others = claims_at(&j->claims, claim->from.node, claim->from.port, &n);
    pieces_start(j->pieces, &claim->received);
    for (uint32_t i = 0; i < a->n && j->pieces->n; i++)
        pieces_subtract(j->pieces, &a->parts[i]);
    for (uint32_t i = 0; i < n && j->pieces->n; i++) {
        if (others[i].circuit != claim->circuit)
            pieces_subtract(j->pieces, &others[i].received);
    }
    return !j->pieces->n && !j->pieces->overflow;
}

static void
check_arrival(struct judging *j, const struct claim *claim, const struct failure *failure)
{
    const char *down = failure->node == NO_ELEMENT ? NULL
                                                   : j->prover->nodes[failure->node].node->name;
    /* Not every subscriber of a multicast has a failover path to be tested. */
    for (uint32_t i = 0; claim->failover_only && i < claim->n_to && i < MAX_RECEIVERS; i++) {
        if (has_arrived(j, claim, i))
            return;
    }
    for (uint32_t i = 0; i < claim->n_to && i < MAX_RECEIVERS; i++) {
        if ((down && !strcmp(down, claim->to[i].node->name)) || has_arrived(j, claim, i))
            continue;
        report(j, VIOLATION_LOSS, failure, NULL, &claim->sent,
               "circuit \"%s\"%s from node %s does not arrive at node %s port %u",
               claim->circuit->name, claim->test ? " (its test)" : "", claim->from.node->name,
               claim->to[i].node->name, claim->to[i].port);
    }
}

static void
fail_one(struct judging *j, const struct claim *claim, const struct failure *failure)
{
    j->proof->failures++;
    walk_claim(j, claim, failure, NULL, NULL);
    if (!is_excused(j, claim->design, failure))
        check_arrival(j, claim, failure);
}

/* Each shared-risk group with a link that was touched, once. */
static void
fail_risks(struct judging *j, const struct claim *claim, const bool *touched_links)
{
    struct prover *p = j->prover;
    const char *done[64];
    uint32_t n_done = 0;
    for (uint32_t i = 0; i < p->n_links; i++) {
        for (uint32_t k = 0; touched_links[i] && k < p->links[i]->n_shared_risks; k++) {
            const char *risk = p->links[i]->shared_risks[k];
            if (n_done == ARRAY_SIZE(done) || has_name((char *const *)done, n_done, risk))
                continue;
            done[n_done++] = risk;
            struct failure failure = {NO_ELEMENT, NO_ELEMENT, risk};
            fail_one(j, claim, &failure);
        }
    }
}

static void
judge_claim(struct judging *j, const struct claim *claim, bool *touched_links, bool *touched_nodes)
{
    struct prover *p = j->prover;
    struct failure failure = {NO_ELEMENT, NO_ELEMENT, NULL};
    memset(touched_links, 0, p->n_links);
    memset(touched_nodes, 0, p->n_nodes);
    walk_claim(j, claim, &failure, touched_links, touched_nodes);
    check_arrival(j, claim, &failure);
    if (claim->failover_only || claim->arp)
        return;
    for (uint32_t i = 0; i < p->n_links; i++) {
        if (!touched_links[i])
            continue;
        failure = (struct failure){i, NO_ELEMENT, NULL};
        fail_one(j, claim, &failure);
    }
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (!touched_nodes[i] || p->nodes[i].node == claim->from.node)
            continue;
        failure = (struct failure){NO_ELEMENT, i, NULL};
        fail_one(j, claim, &failure);
    }
    fail_risks(j, claim, touched_links);
}

static enum err
make_claims(struct judging *j, struct diag *diag)
{
    const struct network *net = j->prover->network;
    enum err err = ERR_OK;
    for (struct design *d = net->designs; d && !err; d = d->hh.next) {
        const struct circuit *c = network_circuit(net, d->circuit);
        if (!c)
            continue;
        err = claims_add(&j->claims, net, c, d, diag);
        j->proof->circuits++;
    }
    claims_sort(&j->claims);
    return err;
}

enum err
prover_run(struct prover *p, uint32_t limit, struct proof *proof, struct diag *diag)
{
    struct judging *j = xcalloc(1, sizeof *j);
    *proof = (struct proof){0};
    j->prover = p;
    j->proof = proof;
    j->limit = limit ? limit : DEFAULT_LIMIT;
    j->pieces = xmalloc(sizeof *j->pieces);
    for (uint32_t i = 0; i < p->n_nodes; i++) {
        if (!p->sorted)
            index_node(&p->nodes[i]);
        proof->rules += p->nodes[i].n_flows;
    }
    p->sorted = true;
    enum err err = make_claims(j, diag);
    bool *touched_links = xcalloc(p->n_links, sizeof *touched_links);
    bool *touched_nodes = xcalloc(p->n_nodes, sizeof *touched_nodes);
    if (!err)
        judge_entries(j);
    for (uint32_t i = 0; i < j->claims.n && !err && !proof->truncated; i++)
        judge_claim(j, &j->claims.list[i], touched_links, touched_nodes);
    free(touched_links);
    free(touched_nodes);
    for (uint32_t i = 0; i < MAX_RECEIVERS; i++)
        free(j->arrivals[i].parts);
    claims_fini(&j->claims);
    free(j->pieces);
    free(j);
    return err;
}

enum err
prove_plan(const struct network *net, const struct plan *plan, struct proof *proof,
           struct diag *diag)
{
    struct prover *p = prover_new(net);
    enum err err = prover_add_plan(p, plan);
    if (!err)
        err = prover_run(p, 0, proof, diag);
    else
        diag_set(diag, err, "the plan has rules for a node that is not in the network");
    prover_free(p);
    return err;
}
