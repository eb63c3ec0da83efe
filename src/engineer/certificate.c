#include "engineer/certificate.h"

#include "engineer/claims.h"
#include "engineer/cubes.h"
#include "engineer/trail.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define MAX_GROUP_DEPTH 8
/* Numbers fixed by the documentation of compiled circuits (doc/circuits.md), repeated on purpose.
 */
#define MARK_RETURN 4093
#define MARK_FAILOVER 4094
#define CIRCUIT_PRIORITY 1000

/* Which headers: a multicast frame on a detour is marked. */
enum headers { HEADERS_OWN, HEADERS_RETURN, HEADERS_FAILOVER, HEADERS_KINDS };

struct place;

struct edge {
    uint32_t port;
    enum headers headers;
    struct place *to; /* NULL: it is delivered */
};

/* Where packets of a conversation may come by. */
struct place {
    struct cube_item item; /* the first member; of its node */
    struct match match;
    struct conversation *of;
    uint32_t node, in_port;
    enum headers headers;
    bool entry;
    uint8_t mark; /* while looking for circles */
    uint32_t n_edges, capacity;
    struct edge *edges;
};

/* A claim and its graph. */
struct conversation {
    const struct claim *claim;
    struct match headers[HEADERS_KINDS]; /* without in_port */
    uint32_t n, capacity;
    struct place **places;
};

struct certified_circuit {
    const struct circuit *circuit;
    struct claims claims;
    struct conversation *conversations; /* one per claim */
    UT_hash_handle hh;
};

struct certified_node {
    const struct node *node;
    struct cubes places;
};

struct certifier {
    const struct network *network;
    uint32_t n_nodes;
    struct certified_node *nodes; /* by name */
    struct certified_circuit *circuits;
};

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const struct certified_node *)a)->node->name,
                  ((const struct certified_node *)b)->node->name);
}

static struct certified_node *
find_node(const struct certifier *c, const char *name)
{
    struct node wanted = {.name = (char *)name};
    struct certified_node key = {.node = &wanted};
    return c->n_nodes ? bsearch(&key, c->nodes, c->n_nodes, sizeof *c->nodes, by_name) : NULL;
}

struct certifier *
certifier_new(const struct network *net)
{
    struct certifier *c = xcalloc(1, sizeof *c);
    c->network = net;
    c->nodes = xcalloc(HASH_COUNT(net->nodes) + 1, sizeof *c->nodes);
    for (const struct node *node = net->nodes; node; node = node->hh.next)
        c->nodes[c->n_nodes++].node = node;
    qsort(c->nodes, c->n_nodes, sizeof *c->nodes, by_name);
    return c;
}

/* ---- The graph of a conversation ---- */

struct drawing {
    struct certifier *certifier;
    struct conversation *conversation;
    struct diag *diag;
};

static struct place *
place_at(struct drawing *d, const struct node *node, uint32_t in_port, enum headers headers)
{
    struct conversation *c = d->conversation;
    uint32_t index = (uint32_t)(find_node(d->certifier, node->name) - d->certifier->nodes);
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->places[i]->node == index && c->places[i]->in_port == in_port &&
            c->places[i]->headers == headers)
            return c->places[i];
    }
    struct place *p = xcalloc(1, sizeof *p);
    *p = (struct place){.of = c, .node = index, .in_port = in_port, .headers = headers};
    GROW(c->places, c->n, c->capacity);
    c->places[c->n++] = p;
    return p;
}

static void
add_edge(struct place *from, uint32_t port, enum headers headers, struct place *to)
{
    for (uint32_t i = 0; i < from->n_edges; i++) {
        if (from->edges[i].port == port && from->edges[i].headers == headers)
            return;
    }
    GROW(from->edges, from->n_edges, from->capacity);
    from->edges[from->n_edges++] = (struct edge){port, headers, to};
}

/* An edge over a hop's link. */
static void
add_hop(struct drawing *d, struct place *from, const struct trail *t, uint32_t hop,
        enum headers headers)
{
    const struct hop *next = &t->hops[hop + 1];
    add_edge(from, t->hops[hop].out_port, headers, place_at(d, next->node, next->in_port, headers));
}

/* Where a conversation comes in: what it is called there by the claim. */
static struct place *
entry_place(struct drawing *d)
{
    const struct claim *claim = d->conversation->claim;
    struct place *entry = place_at(d, claim->from.node, claim->from.port, HEADERS_OWN);
    entry->entry = true;
    return entry;
}

static void
deliver(struct drawing *d, struct place *from, const struct node *node)
{
    const struct claim *claim = d->conversation->claim;
    for (uint32_t i = 0; i < claim->n_to; i++) {
        if (claim->to[i].node == node)
            add_edge(from, claim->to[i].port, HEADERS_OWN, NULL);
    }
}

/* Along a trail from place to place; what is delivered at its end. */
static void
draw_trail(struct drawing *d, const struct trail *t, enum headers headers)
{
    struct place *at = entry_place(d);
    for (uint32_t i = 0; i + 1 < t->n; i++) {
        add_hop(d, at, t, i, headers);
        at = place_at(d, t->hops[i + 1].node, t->hops[i + 1].in_port, headers);
    }
    deliver(d, at, t->hops[t->n - 1].node);
}

/* The last node at or before this one where the failover path goes another way; NO_INDEX: none. */
static uint32_t
parting_before(const struct trail *primary, const struct trail *failover, uint32_t i)
{
    for (uint32_t k = i + 1; k-- > 0;) {
        uint32_t f = trail_find(failover, primary->hops[k].node);
        if (f != NO_INDEX && f + 1 < failover->n &&
            failover->hops[f].out_port != primary->hops[k].out_port)
            return k;
    }
    return NO_INDEX;
}

/* What cannot go on at hop i goes over the other path from here, or back to where the paths part
 * and over the other from there. Not where the other path needs the same link. */
static void
draw_ways_out(struct drawing *d, const struct trail *primary, const struct trail *failover,
              uint32_t i)
{
    const struct hop *hop = &primary->hops[i];
    uint32_t f = trail_find(failover, hop->node), parting = parting_before(primary, failover, i);
    struct place *at = i ? place_at(d, hop->node, hop->in_port, HEADERS_OWN) : entry_place(d);
    if (parting == NO_INDEX ||
        (f != NO_INDEX && f + 1 < failover->n && failover->hops[f].out_port == hop->out_port))
        return;
    for (uint32_t k = i; k > parting; k--) {
        const struct hop *before = &primary->hops[k - 1];
        struct place *back = place_at(d, before->node, before->out_port, HEADERS_OWN);
        add_edge(at, primary->hops[k].in_port, HEADERS_OWN, back);
        at = back;
    }
    add_hop(d, at, failover, trail_find(failover, primary->hops[parting].node), HEADERS_OWN);
}

static enum err
draw_ip(struct drawing *d, const struct circuit *c, const struct design *design)
{
    const struct claim *claim = d->conversation->claim;
    const struct network *net = d->certifier->network;
    const struct host *client = network_host(net, c->ip.client);
    bool backward = strcmp(claim->from.node->name, client->node) != 0;
    struct trail routes[2] = {{0}}, trails[2] = {{0}};
    enum err err = ERR_OK;
    for (int i = 0; i <= design->has_failover && !err; i++) {
        err = trail_follow(net, client->node, i ? &design->failover : &design->primary, &routes[i],
                           d->diag);
        if (!err && backward)
            trail_reverse(&routes[i], &trails[i]);
    }
    const struct trail *t = backward ? trails : routes;
    if (!err && !claim->failover_only)
        draw_trail(d, &t[0], HEADERS_OWN);
    if (!err && design->has_failover)
        draw_trail(d, &t[1], HEADERS_OWN);
    for (uint32_t i = 0; !err && design->has_failover && !claim->failover_only && i + 1 < t[0].n;
         i++)
        draw_ways_out(d, &t[0], &t[1], i);
    for (int i = 0; i < 2; i++) {
        trail_fini(&trails[i]);
        trail_fini(&routes[i]);
    }
    return err;
}

/* What cannot go on goes back, marked, to the publisher's node, and from there, marked otherwise,
 * over the failover paths. */
static void
draw_returns(struct drawing *d, const struct trail *primary, const struct trail *failover)
{
    struct place *root = entry_place(d);
    add_hop(d, root, failover, 0, HEADERS_FAILOVER);
    for (uint32_t i = 1; i + 1 < primary->n; i++) {
        const struct hop *hop = &primary->hops[i], *before = &primary->hops[i - 1];
        struct place *back = place_at(d, before->node, before->out_port, HEADERS_RETURN);
        add_edge(place_at(d, hop->node, hop->in_port, HEADERS_OWN), hop->in_port, HEADERS_RETURN,
                 back);
        add_edge(place_at(d, hop->node, hop->out_port, HEADERS_RETURN), hop->in_port,
                 HEADERS_RETURN, back);
    }
    add_hop(d, place_at(d, primary->hops[0].node, primary->hops[0].out_port, HEADERS_RETURN),
            failover, 0, HEADERS_FAILOVER);
}

static enum err
draw_multicast(struct drawing *d, const struct circuit *c, const struct design *design)
{
    const struct network *net = d->certifier->network;
    uint32_t n = c->multicast.n_subscribers;
    bool failover_only = d->conversation->claim->failover_only;
    struct trail *primaries = xcalloc(n, sizeof *primaries);
    struct trail *failovers = xcalloc(n, sizeof *failovers);
    enum err err = trail_tree(net, c, &design->primary, primaries, d->diag);
    if (!err && design->has_failover)
        err = trail_failovers(net, c, &design->failover, primaries, failovers, d->diag);
    for (uint32_t i = 0; i < n && !err; i++) {
        if (!failover_only)
            draw_trail(d, &primaries[i], HEADERS_OWN);
        if (failovers[i].n < 2)
            continue;
        draw_trail(d, &failovers[i], HEADERS_FAILOVER);
        if (!failover_only && primaries[i].n > 1)
            draw_returns(d, &primaries[i], &failovers[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        trail_fini(&primaries[i]);
        trail_fini(&failovers[i]);
    }
    free(primaries);
    free(failovers);
    return err;
}

/* Answered where it is asked. */
static void
draw_arp(struct drawing *d)
{
    const struct claim *claim = d->conversation->claim;
    add_edge(entry_place(d), claim->from.port, HEADERS_OWN, NULL);
}

static bool
leads_round(struct place *p)
{
    if (p->mark)
        return p->mark == 1; /* 1: on the way here; 2: done */
    p->mark = 1;
    for (uint32_t i = 0; i < p->n_edges; i++) {
        if (p->edges[i].to && leads_round(p->edges[i].to))
            return true;
    }
    p->mark = 2;
    return false;
}

static void
set_headers(struct conversation *c)
{
    const struct match *own = &c->claim->received;
    for (int i = 0; i < HEADERS_KINDS; i++)
        c->headers[i] = *own;
    for (int i = HEADERS_RETURN; i < HEADERS_KINDS; i++) {
        uint16_t mark = i == HEADERS_RETURN ? MARK_RETURN : MARK_FAILOVER;
        flow_key_set(&c->headers[i].value, FIELD_VLAN_VID, VLAN_PRESENT | mark);
        flow_key_set(&c->headers[i].mask, FIELD_VLAN_VID, 0x1fff);
    }
}

static void
forget_conversation(struct certifier *c, struct conversation *conversation)
{
    for (uint32_t i = 0; i < conversation->n; i++) {
        struct place *p = conversation->places[i];
        if (p->item.match)
            cubes_remove(&c->nodes[p->node].places, &p->item);
        free(p->edges);
        free(p);
    }
    free(conversation->places);
}

static void
file_places(struct certifier *c, struct conversation *conversation)
{
    for (uint32_t i = 0; i < conversation->n; i++) {
        struct place *p = conversation->places[i];
        p->match = p->entry ? conversation->claim->sent : conversation->headers[p->headers];
        if (!p->entry)
            match_set(&p->match, FIELD_IN_PORT, p->in_port);
        p->item.match = &p->match;
        cubes_insert(&c->nodes[p->node].places, &p->item);
    }
}

static enum err
draw(struct certifier *c, const struct circuit *circuit, const struct design *design,
     struct conversation *conversation, struct diag *diag)
{
    struct drawing d = {c, conversation, diag};
    enum err err = ERR_OK;
    set_headers(conversation);
    if (conversation->claim->arp)
        draw_arp(&d);
    else
        err = circuit->kind == CIRCUIT_IP ? draw_ip(&d, circuit, design)
                                          : draw_multicast(&d, circuit, design);
    for (uint32_t i = 0; i < conversation->n && !err; i++) {
        if (leads_round(conversation->places[i]))
            err = diag_set(diag, ERR_CONFLICT,
                           "circuit \"%s\": its paths together lead round in a circle at node %s",
                           circuit->name, c->nodes[conversation->places[i]->node].node->name);
    }
    return err;
}

static void
forget_circuit(struct certifier *c, struct certified_circuit *circuit)
{
    for (uint32_t i = 0; i < circuit->claims.n; i++)
        forget_conversation(c, &circuit->conversations[i]);
    claims_fini(&circuit->claims);
    free(circuit->conversations);
    free(circuit);
}

enum err
certifier_allow(struct certifier *c, const struct circuit *circuit, const struct design *design,
                struct diag *diag)
{
    struct certified_circuit *new;
    HASH_FIND_STR(c->circuits, circuit->name, new);
    if (new)
        return diag_set(diag, ERR_EXISTS, "circuit \"%s\" is allowed already", circuit->name);
    new = xcalloc(1, sizeof *new);
    new->circuit = circuit;
    enum err err = claims_add(&new->claims, c->network, circuit, design, diag);
    new->conversations = xcalloc(new->claims.n + 1, sizeof *new->conversations);
    for (uint32_t i = 0; i < new->claims.n && !err; i++) {
        new->conversations[i].claim = &new->claims.list[i];
        err = draw(c, circuit, design, &new->conversations[i], diag);
    }
    if (err) {
        forget_circuit(c, new);
        return err;
    }
    for (uint32_t i = 0; i < new->claims.n; i++)
        file_places(c, &new->conversations[i]);
    HASH_ADD_KEYPTR(hh, c->circuits, circuit->name, strlen(circuit->name), new);
    return ERR_OK;
}

enum err
certifier_forbid(struct certifier *c, const char *name)
{
    struct certified_circuit *circuit;
    HASH_FIND_STR(c->circuits, name, circuit);
    if (!circuit)
        return ERR_NOT_FOUND;
    HASH_DEL(c->circuits, circuit);
    forget_circuit(c, circuit);
    return ERR_OK;
}

void
certifier_free(struct certifier *c)
{
    struct certified_circuit *circuit, *next;
    if (!c)
        return;
    HASH_ITER (hh, c->circuits, circuit, next) {
        HASH_DEL(c->circuits, circuit);
        forget_circuit(c, circuit);
    }
    for (uint32_t i = 0; i < c->n_nodes; i++)
        cubes_fini(&c->nodes[i].places);
    free(c->nodes);
    free(c);
}

/* ---- What a node holds ---- */

static const struct group *
group_in(void *arg, uint32_t id)
{
    struct group wanted = {.group_id = id};
    struct rule rule = rule_of_group(&wanted);
    struct rule_item *item = ruleset_find(arg, &rule);
    return item ? item->rule.group : NULL;
}

static const struct meter *
meter_in(void *arg, uint32_t id)
{
    struct meter wanted = {.meter_id = id};
    struct rule rule = rule_of_meter(&wanted);
    struct rule_item *item = ruleset_find(arg, &rule);
    return item ? item->rule.meter : NULL;
}

struct rule_lookup
rule_lookup_in(const struct ruleset *rules)
{
    return (struct rule_lookup){group_in, meter_in, (void *)(uintptr_t)rules};
}

/* ---- One rule ---- */

/* The rule's class on its way through its actions. */
struct passage {
    const struct place *at;
    const struct rule_lookup *lookup;
    struct certificate *result;
    bool forwards;
};

struct headers_now {
    struct match cube;
    uint32_t queue;
};

static bool
refuse(struct passage *p, enum violation_kind kind, const char *text)
{
    p->result->kind = REFUSED;
    p->result->violation = kind;
    p->result->text = text;
    return false;
}

static bool
check_output(struct passage *p, const struct headers_now *h, uint32_t port)
{
    const struct claim *claim = p->at->of->claim;
    struct match cube = h->cube;
    bool back = port == PORT_IN_PORT;
    cube.value.in_port = cube.mask.in_port = 0;
    if (port == PORT_CONTROLLER)
        return true;
    if (port == PORT_NORMAL || port == PORT_TABLE)
        return refuse(p, VIOLATION_UNJUDGED, "it forwards by learning or resubmission");
    if (port == p->at->in_port)
        return true; /* the packet's own port: dropped, by the specification */
    p->forwards = true;
    for (uint32_t i = 0; i < p->at->n_edges; i++) {
        const struct edge *e = &p->at->edges[i];
        if (e->port != (back ? p->at->in_port : port) ||
            !match_contains(&p->at->of->headers[e->headers], &cube))
            continue;
        if (e->to && h->queue != service_class_queue(claim->circuit->service_class))
            return refuse(p, VIOLATION_QUEUE, "it leaves by a queue that is not its class's");
        return true;
    }
    return refuse(p, VIOLATION_LEAK, "it leaves where, or with headers that, the circuit does not");
}

/* What is below a mark is the circuit's own tag, or that it has none. */
static bool
unmark(struct passage *p, struct headers_now *h)
{
    const struct match *own = &p->at->of->headers[HEADERS_OWN];
    uint64_t vid = flow_key_get(&h->cube.value, FIELD_VLAN_VID);
    if (flow_key_get(&own->value, FIELD_VLAN_VID) ||
        (vid != (VLAN_PRESENT | MARK_RETURN) && vid != (VLAN_PRESENT | MARK_FAILOVER)))
        return refuse(p, VIOLATION_LEAK, "it takes off a tag that is not a mark");
    flow_key_set(&h->cube.value, FIELD_VLAN_VID, 0);
    flow_key_set(&h->cube.value, FIELD_VLAN_PCP, 0);
    flow_key_set(&h->cube.mask, FIELD_VLAN_PCP, 0);
    return true;
}

static bool check_group(struct passage *, const struct headers_now *, uint32_t group_id, int depth);

static bool
check_action(struct passage *p, struct headers_now *h, const struct action *a, int depth)
{
    switch ((enum action_type)a->type) {
    case ACTION_OUTPUT:
        return check_output(p, h, a->id);
    case ACTION_GROUP:
        return check_group(p, h, a->id, depth);
    case ACTION_SET_QUEUE:
        h->queue = a->id;
        return true;
    case ACTION_SET_FIELD:
        memcpy(flow_key_field(&h->cube.value, a->field), a->value, field_table[a->field].size);
        field_full_mask(a->field, flow_key_field(&h->cube.mask, a->field));
        return true;
    case ACTION_PUSH_VLAN:
        flow_key_set(&h->cube.value, FIELD_VLAN_VID, VLAN_PRESENT);
        flow_key_set(&h->cube.mask, FIELD_VLAN_VID, 0x1fff);
        return true;
    case ACTION_POP_VLAN:
        return unmark(p, h);
    default:
        return refuse(p, VIOLATION_UNJUDGED, "it has actions that no circuit needs");
    }
}

static bool
check_group(struct passage *p, const struct headers_now *h, uint32_t group_id, int depth)
{
    const struct group *g = p->lookup->group(p->lookup->arg, group_id);
    if (!g || !depth)
        return refuse(p, VIOLATION_UNJUDGED,
                      g ? "its groups nest too deeply" : "its group is missing");
    for (uint32_t i = 0; i < g->n_buckets; i++) {
        struct headers_now copy = *h;
        for (int last = 0; last < 2; last++) { /* an action set: changes first */
            for (uint32_t k = 0; k < g->buckets[i].actions.n; k++) {
                const struct action *a = &g->buckets[i].actions.list[k];
                if ((a->type == ACTION_OUTPUT || a->type == ACTION_GROUP) == last &&
                    !check_action(p, &copy, a, depth - 1))
                    return false;
            }
        }
    }
    return true;
}

static bool
check_meter(struct passage *p, const struct flow *flow)
{
    const struct claim *claim = p->at->of->claim;
    const struct circuit *c = claim->circuit;
    if (!p->at->entry)
        return !flow->meter_id ||
               refuse(p, VIOLATION_UNMETERED, "it has a meter, but not where the circuit enters");
    const struct meter *m = flow->meter_id ? p->lookup->meter(p->lookup->arg, flow->meter_id)
                                           : NULL;
    if (!m || m->n_bands != 1 || m->bands[0].type != BAND_DROP)
        return refuse(p, VIOLATION_UNMETERED, "it lets a circuit in without a meter");
    if (!claim->arp && (!(m->flags & METER_KBPS) || !(m->flags & METER_BURST) ||
                        m->bands[0].rate != c->rate_kbps ||
                        m->bands[0].burst != (c->burst_octets * 8 + 999) / 1000))
        return refuse(p, VIOLATION_UNMETERED, "its meter is not the circuit's");
    return true;
}

static bool
is_passive(const struct flow *flow)
{
    for (uint32_t i = 0; i < flow->apply.n; i++) {
        const struct action *a = &flow->apply.list[i];
        if (a->type == ACTION_GROUP || (a->type == ACTION_OUTPUT && a->id != PORT_CONTROLLER))
            return false;
    }
    return !flow->has_goto && !flow->has_write;
}

/* Is it a rule for packets that come by here? */
static bool
certify_at(struct passage *p, const struct place *place, const struct flow *flow)
{
    struct headers_now h = {.cube = flow->match};
    p->at = place;
    *p->result = (struct certificate){CERTIFIED, 0, place->of->claim->circuit,
                                      "it forwards for its circuit, as approved"};
    if (flow->priority != CIRCUIT_PRIORITY)
        return refuse(p, VIOLATION_UNJUDGED, "its priority is not a circuit's");
    if (!check_meter(p, flow))
        return false;
    for (uint32_t i = 0; i < flow->apply.n; i++) {
        if (!check_action(p, &h, &flow->apply.list[i], MAX_GROUP_DEPTH))
            return false;
    }
    return true;
}

enum err
certify(const struct certifier *c, const char *name, const struct flow *flow,
        const struct rule_lookup *lookup, struct certificate *result)
{
    const struct certified_node *node = find_node(c, name);
    if (!node)
        return ERR_NOT_FOUND;
    struct passage p = {.lookup = lookup, .result = result};
    *result = (struct certificate){CERTIFIED_PASSIVE, 0, NULL, "it forwards nothing"};
    if (is_passive(flow))
        return ERR_OK;
    if (flow->table_id || flow->has_goto || flow->has_write || flow->clear) {
        (void)refuse(&p, VIOLATION_UNJUDGED, "it uses more than one table or an action set");
        return ERR_OK;
    }
    struct place *place = (struct place *)cubes_containing(&node->places, &flow->match);
    if (!place) {
        (void)refuse(&p, VIOLATION_LEAK, "no approved circuit's packets alone come here like this");
        return ERR_OK;
    }
    if (certify_at(&p, place, flow))
        return ERR_OK;
    /* Circuits may share packets: it may be another's rule. */
    struct cube_list found = {0};
    cubes_meet(&node->places, &flow->match, CUBES_ALL, &found);
    for (uint32_t i = 0; i < found.n; i++) {
        struct place *other = (struct place *)found.items[i];
        if (other != place && match_contains(&other->match, &flow->match) &&
            certify_at(&p, other, flow))
            break;
    }
    cube_list_fini(&found);
    return ERR_OK;
}
