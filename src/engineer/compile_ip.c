#include "engineer/compile_private.h"

#include "base/alloc.h"

#include <stdlib.h>

/* One conversation in one direction, over the circuit's paths. */
struct stream {
    struct match match; /* on the wire between nodes, without in_port */
    bool rewrite;       /* at the first node: the host sends to its gateway */
    struct mac sent_to; /* ... to this MAC address */
    struct mac gateway; /* ... and the far gateway's is the source from there on */
    const struct host *from, *to;
    uint32_t in_port, out_port; /* at the first and at the last node */
    uint32_t meter_id;
    uint64_t cookie;
    bool failover_only; /* a test of the failover path */
};

struct paths {
    const struct trail *primary, *failover; /* failover NULL: there is none */
};

/* ---- Where the paths part ---- */

/* The failover path's next hop at this node of the primary path, if it is another one; 0: it is
 * not. */
static uint32_t
other_way(const struct paths *p, uint32_t i)
{
    uint32_t k = p->failover ? trail_find(p->failover, p->primary->hops[i].node) : NO_INDEX;
    if (k == NO_INDEX || k + 1 >= p->failover->n)
        return 0;
    uint32_t out = p->failover->hops[k].out_port;
    return out == p->primary->hops[i].out_port ? 0 : out;
}

/* Can a packet that cannot go on at this node be sent back to a node where the paths part? */
static bool
may_return(const struct paths *p, uint32_t i)
{
    if (!p->failover || i == 0 || i + 1 >= p->primary->n)
        return false;
    uint32_t k = trail_find(p->failover, p->primary->hops[i].node);
    if (k != NO_INDEX && p->failover->hops[k].out_port == p->primary->hops[i].out_port)
        return false; /* the failover path needs the same link */
    for (uint32_t before = i; before-- > 0;) {
        if (other_way(p, before))
            return true;
    }
    return false;
}

/* Does the failover path come to this node by the same port as the primary one? */
static bool
is_primary_state(const struct paths *p, const struct hop *hop)
{
    uint32_t i = trail_find(p->primary, hop->node);
    return i != NO_INDEX && i > 0 && p->primary->hops[i].in_port == hop->in_port;
}

/* ---- Rules ---- */

static struct flow
stream_flow(const struct stream *s, uint32_t in_port)
{
    struct flow flow = {.priority = PRIORITY_CONVERSATION, .cookie = s->cookie};
    match_set(&flow.match, FIELD_IN_PORT, in_port);
    (void)match_intersect(&flow.match, &s->match, &flow.match);
    return flow;
}

/* The rule at the node where the conversation enters. */
static struct flow
first_flow(const struct compilation *c, const struct stream *s)
{
    struct flow flow = stream_flow(s, s->in_port);
    flow.meter_id = s->meter_id;
    if (s->rewrite) {
        memcpy(flow_key_field(&flow.match.value, FIELD_ETH_DST), s->sent_to.octets, 6);
        memcpy(flow_key_field(&flow.match.value, FIELD_ETH_SRC), s->from->mac.octets, 6);
        actions_set_mac(&flow.apply, FIELD_ETH_SRC, &s->gateway);
        actions_set_mac(&flow.apply, FIELD_ETH_DST, &s->to->mac);
    }
    actions_set_queue(&flow.apply, service_class_queue(c->circuit->service_class));
    return flow;
}

static struct flow
next_flow(const struct compilation *c, const struct stream *s, uint32_t in_port)
{
    struct flow flow = stream_flow(s, in_port);
    actions_set_queue(&flow.apply, service_class_queue(c->circuit->service_class));
    return flow;
}

/* Output to a port; back out of the input port needs OpenFlow's word for it. */
static void
put_output(struct flow *flow, uint32_t in_port, uint32_t out_port)
{
    actions_output(&flow->apply, in_port == out_port ? PORT_IN_PORT : out_port);
}

/* The group that takes `out`, or else what this hop has as its second choice; and the action. */
static void
put_protected_output(struct compilation *c, const struct paths *p, uint32_t i, struct flow *flow)
{
    const struct hop *hop = &p->primary->hops[i];
    uint32_t other = other_way(p, i);
    if (!other && !may_return(p, i)) {
        put_output(flow, hop->in_port, hop->out_port);
        return;
    }
    uint32_t second = other ? other : hop->in_port;
    uint32_t id = group_number(other ? GROUP_OTHER_PATH : GROUP_RETURN, hop->out_port, second);
    struct group g = group_of(id, GROUP_TYPE_FF, 2);
    g.buckets[0].watch_port = hop->out_port;
    actions_output(&g.buckets[0].actions, hop->out_port);
    g.buckets[1].watch_port = second;
    actions_output(&g.buckets[1].actions, other ? other : PORT_IN_PORT);
    emit_group(c, hop->node, &g);
    actions_group(&flow->apply, id);
}

static void
compile_primary(struct compilation *c, const struct stream *s, const struct paths *p)
{
    const struct trail *t = p->primary;
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t in_port = i ? t->hops[i].in_port : s->in_port;
        struct flow flow = i ? next_flow(c, s, in_port) : first_flow(c, s);
        if (i + 1 == t->n)
            put_output(&flow, in_port, s->out_port);
        else
            put_protected_output(c, p, i, &flow);
        emit_flow(c, t->hops[i].node, &flow);
    }
}

/* Rules for packets that come back: up to the node where the paths part, and off over the other. */
static void
compile_returns(struct compilation *c, const struct stream *s, const struct paths *p)
{
    for (uint32_t i = p->primary->n; i-- > 1;) {
        if (!may_return(p, i) || other_way(p, i))
            continue;
        for (uint32_t at = i; at-- > 0;) {
            const struct hop *hop = &p->primary->hops[at];
            uint32_t other = other_way(p, at);
            struct flow flow = next_flow(c, s, hop->out_port);
            put_output(&flow, hop->out_port, other ? other : hop->in_port);
            emit_flow(c, hop->node, &flow);
            if (other)
                break;
        }
    }
}

static void
compile_failover(struct compilation *c, const struct stream *s, const struct paths *p)
{
    const struct trail *t = p->failover;
    for (uint32_t k = 1; t && k < t->n; k++) {
        const struct hop *hop = &t->hops[k];
        if (!s->failover_only && is_primary_state(p, hop))
            continue;
        struct flow flow = next_flow(c, s, hop->in_port);
        put_output(&flow, hop->in_port, k + 1 == t->n ? s->out_port : hop->out_port);
        emit_flow(c, hop->node, &flow);
    }
}

static void
compile_stream(struct compilation *c, const struct stream *s, const struct paths *p)
{
    if (!s->failover_only) {
        compile_primary(c, s, p);
        compile_returns(c, s, p);
        compile_failover(c, s, p);
        return;
    }
    struct flow flow = first_flow(c, s);
    put_output(&flow, s->in_port, p->failover->hops[0].out_port);
    emit_flow(c, p->failover->hops[0].node, &flow);
    compile_failover(c, s, p);
}

/* ---- Conversations ---- */

static bool
same_subnet(const struct host *a, const struct host *b)
{
    uint32_t mask = ipv4_mask(a->prefix_length);
    return (a->ipv4 & mask) == (b->ipv4 & mask);
}

/* The addresses of a stream, as seen between nodes. */
static void
set_addresses(struct stream *s, const struct host *from, const struct host *to, uint8_t protocol)
{
    s->from = from;
    s->to = to;
    s->rewrite = !same_subnet(from, to);
    gateway_mac(to->gateway, &s->gateway);
    gateway_mac(from->gateway, &s->sent_to);
    match_set_mac(&s->match, FIELD_ETH_DST, &to->mac);
    match_set_mac(&s->match, FIELD_ETH_SRC, s->rewrite ? &s->gateway : &from->mac);
    match_set(&s->match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(&s->match, FIELD_VLAN_VID, 0);
    match_set(&s->match, FIELD_IP_PROTO, protocol);
    match_set(&s->match, FIELD_IPV4_SRC, from->ipv4);
    match_set(&s->match, FIELD_IPV4_DST, to->ipv4);
}

static void
set_ports(struct stream *s, uint8_t protocol, uint16_t src, uint16_t dst)
{
    bool tcp = protocol == IP_PROTO_TCP;
    if (src)
        match_set(&s->match, tcp ? FIELD_TCP_SRC : FIELD_UDP_SRC, src);
    if (dst)
        match_set(&s->match, tcp ? FIELD_TCP_DST : FIELD_UDP_DST, dst);
}

struct direction {
    const struct host *from, *to;
    struct paths paths;
    uint32_t meter_id;
    bool backward;
};

static void
compile_conversation(struct compilation *c, const struct direction *d, uint16_t server_port)
{
    const struct ip_service *ip = &c->circuit->ip;
    struct stream s = {
        .in_port = d->from->port,
        .out_port = d->to->port,
        .meter_id = d->meter_id,
        .cookie = rule_cookie(c->design->number, d->backward ? ROLE_BACKWARD : ROLE_FORWARD),
    };
    set_addresses(&s, d->from, d->to, ip->protocol);
    if (ip->protocol == IP_PROTO_ICMP) { /* echo request out, echo reply back */
        match_set(&s.match, FIELD_ICMPV4_TYPE, d->backward ? 0 : 8);
        match_set(&s.match, FIELD_ICMPV4_CODE, 0);
    } else if (d->backward) {
        set_ports(&s, ip->protocol, server_port, ip->client_port);
    } else {
        set_ports(&s, ip->protocol, ip->client_port, server_port);
    }
    compile_stream(c, &s, &d->paths);
}

/* STAMP between the same addresses: out to port 862, back from it. */
static void
compile_test(struct compilation *c, const struct direction *d, bool failover)
{
    uint16_t port = test_port(c->design->number, failover);
    struct stream s = {
        .in_port = PORT_LOCAL,
        .out_port = PORT_LOCAL,
        .meter_id = d->meter_id,
        .cookie = rule_cookie(c->design->number, ROLE_TEST),
        .failover_only = failover,
    };
    set_addresses(&s, d->from, d->to, IP_PROTO_UDP);
    if (d->backward)
        set_ports(&s, IP_PROTO_UDP, TEST_UDP_PORT, port);
    else
        set_ports(&s, IP_PROTO_UDP, port, TEST_UDP_PORT);
    compile_stream(c, &s, &d->paths);
}

static bool
can_test(const struct paths *p)
{
    const struct trail *t = p->primary;
    return t->n > 1 && node_can_test(t->hops[0].node) && node_can_test(t->hops[t->n - 1].node);
}

/* The first node answers the host's request for the address it sends to. */
static void
compile_arp(struct compilation *c, const struct node *node, const struct host *asker,
            const struct host *peer)
{
    bool direct = same_subnet(asker, peer);
    uint32_t asked = direct ? peer->ipv4 : asker->gateway;
    struct mac answer = peer->mac;
    struct flow flow = {.priority = PRIORITY_CONVERSATION,
                        .cookie = rule_cookie(0, ROLE_ARP),
                        .meter_id = METER_ARP};
    if (!direct)
        gateway_mac(asker->gateway, &answer);
    match_set(&flow.match, FIELD_IN_PORT, asker->port);
    match_set_mac(&flow.match, FIELD_ETH_SRC, &asker->mac);
    match_set(&flow.match, FIELD_ETH_TYPE, ETH_TYPE_ARP);
    match_set(&flow.match, FIELD_VLAN_VID, 0);
    match_set(&flow.match, FIELD_ARP_OP, 1);
    match_set(&flow.match, FIELD_ARP_SPA, asker->ipv4);
    match_set(&flow.match, FIELD_ARP_TPA, asked);
    match_set_mac(&flow.match, FIELD_ARP_SHA, &asker->mac);
    actions_set_mac(&flow.apply, FIELD_ETH_DST, &asker->mac);
    actions_set_mac(&flow.apply, FIELD_ETH_SRC, &answer);
    actions_set_field(&flow.apply, FIELD_ARP_OP, 2);
    actions_set_mac(&flow.apply, FIELD_ARP_SHA, &answer);
    actions_set_field(&flow.apply, FIELD_ARP_SPA, asked);
    actions_set_mac(&flow.apply, FIELD_ARP_THA, &asker->mac);
    actions_set_field(&flow.apply, FIELD_ARP_TPA, asker->ipv4);
    actions_output(&flow.apply, PORT_IN_PORT);
    emit_flow(c, node, &flow);
}

static void
compile_direction(struct compilation *c, const struct direction *d)
{
    const struct ip_service *ip = &c->circuit->ip;
    const struct node *first = d->paths.primary->hops[0].node;
    emit_meter(c, first, d->meter_id);
    compile_arp(c, first, d->from, d->to);
    if (ip->protocol == IP_PROTO_ICMP)
        compile_conversation(c, d, 0);
    for (uint32_t i = 0; i < ip->n_server_ports; i++)
        compile_conversation(c, d, ip->server_ports[i]);
    if (!can_test(&d->paths))
        return;
    compile_test(c, d, false);
    if (d->paths.failover)
        compile_test(c, d, true);
}

void
compile_ip(struct compilation *c)
{
    const struct ip_service *ip = &c->circuit->ip;
    const struct host *client = network_host(c->network, ip->client);
    const struct host *server = network_host(c->network, ip->server);
    struct trail forward[2] = {0}, backward[2] = {0};
    bool protected = c->design->has_failover;
    if (!client || !server) {
        c->err = diag_set(c->diag, ERR_NOT_FOUND, "circuit \"%s\": host \"%s\" is not there",
                          c->circuit->name, client ? ip->server : ip->client);
        return;
    }
    c->err = trail_follow(c->network, client->node, &c->design->primary, &forward[0], c->diag);
    if (!c->err && protected)
        c->err = trail_follow(c->network, client->node, &c->design->failover, &forward[1], c->diag);
    if (!c->err && strcmp(forward[0].hops[forward[0].n - 1].node->name, server->node))
        c->err = diag_set(c->diag, ERR_CONFLICT, "circuit \"%s\": its path does not lead to \"%s\"",
                          c->circuit->name, server->name);
    if (!c->err) {
        trail_reverse(&forward[0], &backward[0]);
        if (protected)
            trail_reverse(&forward[1], &backward[1]);
        const struct direction directions[2] = {
            {client,
             server,
             {&forward[0], protected ? &forward[1] : NULL},
             2 * c->design->number,
             false},
            {server,
             client,
             {&backward[0], protected ? &backward[1] : NULL},
             2 * c->design->number + 1,
             true},
        };
        for (int i = 0; i < 2; i++)
            compile_direction(c, &directions[i]);
    }
    for (int i = 0; i < 2; i++) {
        trail_fini(&forward[i]);
        trail_fini(&backward[i]);
    }
}
