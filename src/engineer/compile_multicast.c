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
    struct match match; /* without in_port and VLAN */
    uint32_t in_port;   /* at the publisher's node */
    uint64_t cookie;
    bool test; /* delivered to the LOCAL port of the subscribers' nodes */
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

/* Marks the circuit's own frame. */
static void
put_mark(const struct multicast *m, struct actions *actions, uint16_t mark)
{
    if (!is_tagged(m))
        actions_add(actions, ACTION_PUSH_VLAN)->eth_type = ETH_TYPE_VLAN;
    actions_set_field(actions, FIELD_VLAN_VID, VLAN_PRESENT | mark);
}

/* Takes the mark off again. */
static void
put_unmark(const struct multicast *m, struct actions *actions)
{
    if (is_tagged(m))
        actions_set_field(actions, FIELD_VLAN_VID, own_vlan(m));
    else
        actions_add(actions, ACTION_POP_VLAN);
}

/* ---- Rules ---- */

static struct flow
stream_flow(const struct multicast *m, const struct stream *s, uint32_t in_port, uint16_t vlan)
{
    struct flow flow = {.priority = PRIORITY_CONVERSATION, .cookie = s->cookie};
    flow.match = s->match;
    match_set(&flow.match, FIELD_IN_PORT, in_port);
    match_set(&flow.match, FIELD_VLAN_VID, vlan);
    actions_set_queue(&flow.apply, service_class_queue(m->c->circuit->service_class));
    return flow;
}

static void
put_outputs(struct actions *actions, const struct ports *ports, uint32_t in_port)
{
    for (uint32_t i = 0; i < ports->n; i++)
        actions_output(actions, ports->list[i] == in_port ? PORT_IN_PORT : ports->list[i]);
}

/* Delivery at a node: to the subscribers' ports, or the test packet to the node itself. */
static void
put_delivery(const struct stream *s, const struct stop *stop, struct actions *actions)
{
    if (!s->test)
        put_outputs(actions, &stop->hosts, 0);
    else if (stop->hosts.n && node_can_test(stop->node) && stop->in_port)
        actions_output(actions, PORT_LOCAL);
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
    if (first.n > 1) {
        struct group paths = group_of(all, GROUP_TYPE_ALL, first.n);
        for (uint32_t i = 0; i < first.n; i++)
            actions_output(&paths.buckets[i].actions, first.list[i]);
        emit_group(m->c, root->node, &paths);
    }
    struct group g = group_of(id, GROUP_TYPE_FF, 2);
    g.buckets[0].watch_port = port;
    actions_output(&g.buckets[0].actions, port);
    put_mark(m, &g.buckets[1].actions, VLAN_FAILOVER);
    if (first.n > 1) {
        g.buckets[1].watch_group = all;
        actions_group(&g.buckets[1].actions, all);
    } else {
        g.buckets[1].watch_port = first.list[0];
        actions_output(&g.buckets[1].actions, first.list[0]);
    }
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
    struct group g = group_of(id, GROUP_TYPE_FF, 2);
    g.buckets[0].watch_port = port;
    actions_output(&g.buckets[0].actions, port);
    g.buckets[1].watch_port = stop->in_port;
    put_mark(m, &g.buckets[1].actions, VLAN_RETURN);
    actions_output(&g.buckets[1].actions, PORT_IN_PORT);
    emit_group(m->c, stop->node, &g);
    return id;
}

static void
compile_tree_stop(struct multicast *m, const struct stream *s, const struct stop *stop)
{
    bool is_root = !stop->in_port;
    struct flow flow = stream_flow(m, s, is_root ? s->in_port : stop->in_port, own_vlan(m));
    if (is_root)
        flow.meter_id = 2 * m->c->design->number;
    for (uint32_t i = 0; i < stop->out.n; i++) {
        uint32_t port = stop->out.list[i];
        if (ports_have(&stop->guarded, port))
            actions_group(&flow.apply,
                          is_root ? root_group(m, stop, port) : return_group(m, stop, port));
        else
            actions_output(&flow.apply, port);
    }
    put_delivery(s, stop, &flow.apply);
    emit_flow(m->c, stop->node, &flow);
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
compile_returns(struct multicast *m, const struct stream *s, const struct stop *stop)
{
    for (uint32_t i = 0; i < stop->guarded.n; i++) {
        uint32_t port = stop->guarded.list[i];
        if (!may_return_through(m, stop, port))
            continue;
        struct flow flow = stream_flow(m, s, port, VLAN_PRESENT | VLAN_RETURN);
        if (stop->in_port) {
            actions_output(&flow.apply, stop->in_port);
        } else {
            struct ports first = first_hops(m, port);
            actions_set_field(&flow.apply, FIELD_VLAN_VID, VLAN_PRESENT | VLAN_FAILOVER);
            put_outputs(&flow.apply, &first, port);
            free(first.list);
        }
        emit_flow(m->c, stop->node, &flow);
    }
}

static void
compile_detour(struct multicast *m, const struct stream *s, const struct stop *stop)
{
    if (!stop->in_port)
        return; /* the publisher's node sends by its groups */
    struct flow flow = stream_flow(m, s, stop->in_port, VLAN_PRESENT | VLAN_FAILOVER);
    put_outputs(&flow.apply, &stop->out, stop->in_port);
    if (stop->hosts.n) {
        put_unmark(m, &flow.apply);
        put_delivery(s, stop, &flow.apply);
    }
    emit_flow(m->c, stop->node, &flow);
}

static void
compile_failover_test(struct multicast *m, const struct stream *s, const struct node *root)
{
    struct ports first = first_hops(m, 0);
    struct flow flow = stream_flow(m, s, s->in_port, own_vlan(m));
    flow.meter_id = 2 * m->c->design->number;
    put_mark(m, &flow.apply, VLAN_FAILOVER);
    put_outputs(&flow.apply, &first, 0);
    emit_flow(m->c, root, &flow);
    free(first.list);
}

static void
compile_stream(struct multicast *m, const struct stream *s)
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

static void
set_macs(const struct multicast *m, struct match *match)
{
    match_set_mac(match, FIELD_ETH_DST, &m->c->circuit->multicast.mac);
    match_set_mac(match, FIELD_ETH_SRC, &m->publisher->mac);
}

static void
compile_own(struct multicast *m)
{
    struct stream s = {.in_port = m->publisher->port,
                       .cookie = rule_cookie(m->c->design->number, ROLE_FORWARD)};
    bool goose = m->c->circuit->multicast.application == MULTICAST_GOOSE;
    set_macs(m, &s.match);
    match_set(&s.match, FIELD_ETH_TYPE, goose ? ETH_TYPE_GOOSE : ETH_TYPE_SV);
    compile_stream(m, &s);
}

/* STAMP in IPv4 to a group address of the circuit's own; reflectors answer to the source, which is
 * the node's management address, over the management network. */
static void
compile_test(struct multicast *m, bool failover)
{
    const struct node *root = m->tree.list[0].node;
    struct stream s = {.in_port = PORT_LOCAL,
                       .cookie = rule_cookie(m->c->design->number, ROLE_TEST),
                       .test = true,
                       .failover_only = failover};
    set_macs(m, &s.match);
    match_set(&s.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(&s.match, FIELD_IP_PROTO, IP_PROTO_UDP);
    match_set(&s.match, FIELD_IPV4_SRC, root->management_address);
    match_set(&s.match, FIELD_IPV4_DST, test_group(m->c->design->number));
    match_set(&s.match, FIELD_UDP_SRC, test_port(m->c->design->number, failover));
    match_set(&s.match, FIELD_UDP_DST, TEST_UDP_PORT);
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
