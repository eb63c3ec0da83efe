#include "engineer/compile_private.h"

#include "base/alloc.h"

#include <stdlib.h>

struct ports {
    uint32_t n;
    uint32_t *list; /* ascending, unique */
};

/* What a frame meets at one node: on the tree, once per node; on the failover paths, once per input
 * port. */
struct stop {
    const struct node *node;
    uint32_t in_port;     /* 0: the publisher's node */
    struct ports out;     /* to other nodes */
    struct ports hosts;   /* to subscribers */
    struct ports guarded; /* those of `out` whose subscribers have failover paths */
};

struct stops {
    uint32_t n, capacity;
    struct stop *list;
};

struct multicast {
    struct compilation *c;
    const struct host *publisher;
    struct trail *primaries, *failovers; /* by subscriber */
    struct stops tree, detours;
};

/* One kind of frame that takes these ways: the circuit's own, or its test packets. */
struct stream {
    struct flow flow; /* what its rules have in common, but for in_port and VLAN */
    uint32_t in_port; /* at the publisher's node */
    bool test;        /* delivered to the LOCAL port of the subscribers' nodes */
    bool failover_only;
};

static void
ports_add(struct ports *p, uint32_t port)
{
    uint32_t at = 0;
    while (at < p->n && p->list[at] < port)
        at++;
    if (at < p->n && p->list[at] == port)
        return;
    p->list = xrealloc(p->list, p->n + 1, sizeof *p->list);
    memmove(&p->list[at + 1], &p->list[at], (p->n - at) * sizeof *p->list);
    p->list[at] = port;
    p->n++;
}

static bool
ports_have(const struct ports *p, uint32_t port)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->list[i] == port)
            return true;
    }
    return false;
}

static struct stop *
stop_at(struct stops *stops, const struct node *node, uint32_t in_port)
{
    for (uint32_t i = 0; i < stops->n; i++) {
        if (stops->list[i].node == node && stops->list[i].in_port == in_port)
            return &stops->list[i];
    }
    GROW(stops->list, stops->n, stops->capacity);
    stops->list[stops->n] = (struct stop){.node = node, .in_port = in_port};
    return &stops->list[stops->n++];
}

static void
stops_fini(struct stops *stops)
{
    for (uint32_t i = 0; i < stops->n; i++) {
        free(stops->list[i].out.list);
        free(stops->list[i].hosts.list);
        free(stops->list[i].guarded.list);
    }
    free(stops->list);
}

static bool
has_failover(const struct multicast *m, uint32_t subscriber)
{
    return m->failovers[subscriber].n > 1;
}

static void
add_trail(struct multicast *m, uint32_t subscriber, const struct trail *trail, struct stops *stops,
          bool is_tree)
{
    const struct host *host = network_host(m->c->network,
                                           m->c->circuit->multicast.subscribers[subscriber]);
    for (uint32_t i = 0; i < trail->n; i++) {
        struct stop *stop = stop_at(stops, trail->hops[i].node, trail->hops[i].in_port);
        if (i + 1 == trail->n) {
            ports_add(&stop->hosts, host->port);
            continue;
        }
        ports_add(&stop->out, trail->hops[i].out_port);
        if (is_tree && has_failover(m, subscriber))
            ports_add(&stop->guarded, trail->hops[i].out_port);
    }
}

/* The first hops of the failover paths of the subscribers behind this port of the publisher's node;
 * 0 for port: of all. */
static struct ports
first_hops(const struct multicast *m, uint32_t behind)
{
    struct ports p = {0};
    for (uint32_t i = 0; i < m->c->circuit->multicast.n_subscribers; i++) {
        if (has_failover(m, i) && (!behind || m->primaries[i].hops[0].out_port == behind))
            ports_add(&p, m->failovers[i].hops[0].out_port);
    }
    return p;
}

/* ---- VLAN marks ---- */

static bool
is_tagged(const struct multicast *m)
{
    return m->c->circuit->multicast.vlan_id != VLAN_UNTAGGED;
}

static uint16_t
own_vlan(const struct multicast *m)
{
    int vlan = m->c->circuit->multicast.vlan_id;
    return vlan == VLAN_UNTAGGED ? 0 : (uint16_t)(VLAN_PRESENT | vlan);
}

/* Marks the circuit's own frame, by one or two actions. Returns how many. */
static uint32_t
mark_actions(const struct multicast *m, uint16_t mark, struct action actions[2])
{
    uint32_t n = 0;
    if (!is_tagged(m))
        actions[n++] = (struct action){.type = ACTION_PUSH_VLAN, .eth_type = ETH_TYPE_VLAN};
    actions[n] = (struct action){.type = ACTION_SET_FIELD, .field = FIELD_VLAN_VID};
    put_be16(actions[n++].value, VLAN_PRESENT | mark);
    return n;
}

static void
put_mark(const struct multicast *m, struct flow *flow, uint16_t mark)
{
    struct action actions[2];
    uint32_t n = mark_actions(m, mark, actions);
    for (uint32_t i = 0; i < n; i++)
        *flow_add(m->c, flow, actions[i].type) = actions[i];
}

/* Takes the mark off again. */
static void
put_unmark(const struct multicast *m, struct flow *flow)
{
    if (is_tagged(m))
        flow_add_set(m->c, flow, FIELD_VLAN_VID, own_vlan(m));
    else
        flow_add(m->c, flow, ACTION_POP_VLAN);
}

/* ---- Rules ---- */

/* Makes the stream's flow the one for this input port and VLAN. */
static struct flow *
next_flow(const struct multicast *m, struct stream *s, uint32_t in_port, uint16_t vlan)
{
    struct flow *flow = &s->flow;
    flow_key_set(&flow->match.value, FIELD_IN_PORT, in_port);
    flow_key_set(&flow->match.value, FIELD_VLAN_VID, vlan);
    flow->meter_id = 0;
    flow->apply.n = 0;
    flow_add(m->c, flow, ACTION_SET_QUEUE)->id = service_class_queue(m->c->circuit->service_class);
    return flow;
}

static void
put_outputs(struct compilation *c, struct flow *flow, const struct ports *ports, uint32_t in_port)
{
    for (uint32_t i = 0; i < ports->n; i++)
        flow_add_output(c, flow, ports->list[i] == in_port ? PORT_IN_PORT : ports->list[i]);
}

/* Delivery at a node: to the subscribers' ports, or the test packet to the node itself. */
static void
put_delivery(const struct multicast *m, const struct stream *s, const struct stop *stop,
             struct flow *flow)
{
    if (!s->test)
        put_outputs(m->c, flow, &stop->hosts, 0);
    else if (stop->hosts.n && node_can_test(stop->node) && stop->in_port)
        flow_add_output(m->c, flow, PORT_LOCAL);
}

/* The group of all first hops of the failover paths. */
static void
emit_failover_paths(struct multicast *m, const struct node *root, uint32_t id,
                    const struct ports *first)
{
    struct group g = {id, GROUP_TYPE_ALL, first->n, xcalloc(first->n, sizeof *g.buckets)};
    struct action *outputs = xcalloc(first->n, sizeof *outputs);
    for (uint32_t i = 0; i < first->n; i++) {
        outputs[i] = (struct action){.type = ACTION_OUTPUT, .id = first->list[i]};
        g.buckets[i] = (struct bucket){0, PORT_ANY, GROUP_ANY, {&outputs[i], 1}};
    }
    emit_group(m->c, root, &g);
    free(outputs);
    free(g.buckets);
}

/* At the publisher's node: out by this port, or else marked over the failover paths of who is
 * behind. */
static uint32_t
root_group(struct multicast *m, const struct stop *root, uint32_t port)
{
    struct ports first = first_hops(m, port);
    uint32_t number = m->c->design->number;
    uint32_t id = group_number(GROUP_ROOT, number, port);
    uint32_t all = group_number(GROUP_FAILOVER_PATHS, number, port);
    struct action out = {.type = ACTION_OUTPUT, .id = port}, other[3];
    uint32_t n = mark_actions(m, VLAN_FAILOVER, other);
    if (first.n > 1) {
        emit_failover_paths(m, root->node, all, &first);
        other[n] = (struct action){.type = ACTION_GROUP, .id = all};
    } else {
        other[n] = (struct action){.type = ACTION_OUTPUT, .id = first.list[0]};
    }
    struct bucket buckets[2] = {
        {0, port, GROUP_ANY, {&out, 1}},
        {0, first.n > 1 ? PORT_ANY : first.list[0], first.n > 1 ? all : GROUP_ANY, {other, n + 1}},
    };
    struct group g = {id, GROUP_TYPE_FF, 2, buckets};
    emit_group(m->c, root->node, &g);
    free(first.list);
    return id;
}

/* At another node: out by this port, or else marked and back. */
static uint32_t
return_group(struct multicast *m, const struct stop *stop, uint32_t port)
{
    enum group_family family = is_tagged(m) ? GROUP_RETURN_TAGGED : GROUP_RETURN_UNTAGGED;
    uint32_t id = group_number(family, port, stop->in_port);
    struct action out = {.type = ACTION_OUTPUT, .id = port}, back[3];
    uint32_t n = mark_actions(m, VLAN_RETURN, back);
    back[n] = (struct action){.type = ACTION_OUTPUT, .id = PORT_IN_PORT};
    struct bucket buckets[2] = {
        {0, port, GROUP_ANY, {&out, 1}},
        {0, stop->in_port, GROUP_ANY, {back, n + 1}},
    };
    struct group g = {id, GROUP_TYPE_FF, 2, buckets};
    emit_group(m->c, stop->node, &g);
    return id;
}

static void
compile_tree_stop(struct multicast *m, struct stream *s, const struct stop *stop)
{
    bool is_root = !stop->in_port;
    struct flow *flow = next_flow(m, s, is_root ? s->in_port : stop->in_port, own_vlan(m));
    if (is_root)
        flow->meter_id = 2 * m->c->design->number;
    for (uint32_t i = 0; i < stop->out.n; i++) {
        uint32_t port = stop->out.list[i];
        if (ports_have(&stop->guarded, port))
            flow_add(m->c, flow, ACTION_GROUP)->id = is_root ? root_group(m, stop, port)
                                                             : return_group(m, stop, port);
        else
            flow_add_output(m->c, flow, port);
    }
    put_delivery(m, s, stop, flow);
    emit_flow(m->c, stop->node, flow);
}

/* Does the node behind this port of the tree have something to send back? */
static bool
may_return_through(const struct multicast *m, const struct stop *stop, uint32_t port)
{
    const struct link *link = network_link_at(m->c->network, stop->node->name, port);
    const struct link_end *far = link ? link_far_end(link, stop->node->name) : NULL;
    for (uint32_t i = 0; far && i < m->tree.n; i++) {
        const struct stop *next = &m->tree.list[i];
        if (!strcmp(next->node->name, far->node) && next->in_port == far->port)
            return next->guarded.n > 0;
    }
    return false;
}

/* Frames that come back: on towards the publisher's node, and there off over the failover paths. */
static void
compile_returns(struct multicast *m, struct stream *s, const struct stop *stop)
{
    for (uint32_t i = 0; i < stop->guarded.n; i++) {
        uint32_t port = stop->guarded.list[i];
        if (!may_return_through(m, stop, port))
            continue;
        struct flow *flow = next_flow(m, s, port, VLAN_PRESENT | VLAN_RETURN);
        if (stop->in_port) {
            flow_add_output(m->c, flow, stop->in_port);
        } else {
            struct ports first = first_hops(m, port);
            flow_add_set(m->c, flow, FIELD_VLAN_VID, VLAN_PRESENT | VLAN_FAILOVER);
            put_outputs(m->c, flow, &first, port);
            free(first.list);
        }
        emit_flow(m->c, stop->node, flow);
    }
}

static void
compile_detour(struct multicast *m, struct stream *s, const struct stop *stop)
{
    if (!stop->in_port)
        return; /* the publisher's node sends by its groups */
    struct flow *flow = next_flow(m, s, stop->in_port, VLAN_PRESENT | VLAN_FAILOVER);
    put_outputs(m->c, flow, &stop->out, stop->in_port);
    if (stop->hosts.n) {
        put_unmark(m, flow);
        put_delivery(m, s, stop, flow);
    }
    emit_flow(m->c, stop->node, flow);
}

static void
compile_failover_test(struct multicast *m, struct stream *s, const struct node *root)
{
    struct ports first = first_hops(m, 0);
    struct flow *flow = next_flow(m, s, s->in_port, own_vlan(m));
    flow->meter_id = 2 * m->c->design->number;
    put_mark(m, flow, VLAN_FAILOVER);
    put_outputs(m->c, flow, &first, 0);
    emit_flow(m->c, root, flow);
    free(first.list);
}

static void
compile_stream(struct multicast *m, struct stream *s)
{
    for (uint32_t i = 0; i < m->tree.n && !s->failover_only; i++) {
        compile_tree_stop(m, s, &m->tree.list[i]);
        compile_returns(m, s, &m->tree.list[i]);
    }
    if (s->failover_only)
        compile_failover_test(m, s, m->tree.list[0].node);
    for (uint32_t i = 0; i < m->detours.n; i++)
        compile_detour(m, s, &m->detours.list[i]);
}

/* What all streams have in common; each rule has its own input port and VLAN. */
static void
init_flow(const struct multicast *m, struct flow *flow, enum rule_role role)
{
    flow->priority = PRIORITY_CONVERSATION;
    flow->cookie = rule_cookie(m->c->design->number, role);
    match_set(&flow->match, FIELD_IN_PORT, 0);
    match_set(&flow->match, FIELD_VLAN_VID, 0);
    match_set_mac(&flow->match, FIELD_ETH_DST, &m->c->circuit->multicast.mac);
    match_set_mac(&flow->match, FIELD_ETH_SRC, &m->publisher->mac);
}

static void
compile_own(struct multicast *m)
{
    struct stream s = {.in_port = m->publisher->port};
    bool goose = m->c->circuit->multicast.application == MULTICAST_GOOSE;
    init_flow(m, &s.flow, ROLE_FORWARD);
    match_set(&s.flow.match, FIELD_ETH_TYPE, goose ? ETH_TYPE_GOOSE : ETH_TYPE_SV);
    compile_stream(m, &s);
}

/* STAMP in IPv4 to a group address of the circuit's own; reflectors answer to the source, which is
 * the node's management address, over the management network. */
static void
compile_test(struct multicast *m, bool failover)
{
    const struct node *root = m->tree.list[0].node;
    struct stream s = {.in_port = PORT_LOCAL, .test = true, .failover_only = failover};
    init_flow(m, &s.flow, ROLE_TEST);
    match_set(&s.flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(&s.flow.match, FIELD_IP_PROTO, IP_PROTO_UDP);
    match_set(&s.flow.match, FIELD_IPV4_SRC, root->management_address);
    match_set(&s.flow.match, FIELD_IPV4_DST, test_group(m->c->design->number));
    match_set(&s.flow.match, FIELD_UDP_SRC, test_port(m->c->design->number, failover));
    match_set(&s.flow.match, FIELD_UDP_DST, TEST_UDP_PORT);
    compile_stream(m, &s);
}

static bool
is_testable(const struct multicast *m)
{
    if (!node_can_test(m->tree.list[0].node))
        return false;
    for (uint32_t i = 0; i < m->tree.n; i++) {
        const struct stop *stop = &m->tree.list[i];
        if (stop->in_port && stop->hosts.n && node_can_test(stop->node))
            return true;
    }
    return false;
}

static void
compile_all(struct multicast *m)
{
    const struct multicast_service *service = &m->c->circuit->multicast;
    stop_at(&m->tree, network_node(m->c->network, m->publisher->node), 0);
    for (uint32_t i = 0; i < service->n_subscribers; i++) {
        add_trail(m, i, &m->primaries[i], &m->tree, true);
        if (has_failover(m, i))
            add_trail(m, i, &m->failovers[i], &m->detours, false);
    }
    emit_meter(m->c, m->tree.list[0].node, 2 * m->c->design->number);
    compile_own(m);
    if (!is_testable(m))
        return;
    compile_test(m, false);
    if (m->detours.n)
        compile_test(m, true);
}

void
compile_multicast(struct compilation *c)
{
    const struct multicast_service *service = &c->circuit->multicast;
    struct multicast m = {.c = c, .publisher = network_host(c->network, service->publisher)};
    if (service->vlan_id == VLAN_RETURN || service->vlan_id == VLAN_FAILOVER) {
        c->err = diag_set(c->diag, ERR_CONFLICT, "circuit \"%s\": VLAN %d marks failover copies",
                          c->circuit->name, service->vlan_id);
        return;
    }
    m.primaries = xcalloc(service->n_subscribers, sizeof *m.primaries);
    m.failovers = xcalloc(service->n_subscribers, sizeof *m.failovers);
    c->err = trail_tree(c->network, c->circuit, &c->design->primary, m.primaries, c->diag);
    if (!c->err && c->design->has_failover)
        c->err = trail_failovers(c->network, c->circuit, &c->design->failover, m.primaries,
                                 m.failovers, c->diag);
    if (!c->err)
        compile_all(&m);
    for (uint32_t i = 0; i < service->n_subscribers; i++) {
        trail_fini(&m.primaries[i]);
        trail_fini(&m.failovers[i]);
    }
    free(m.primaries);
    free(m.failovers);
    stops_fini(&m.tree);
    stops_fini(&m.detours);
}
