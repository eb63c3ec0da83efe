#include "engineer/compile_private.h"

#include "base/alloc.h"

#include <stdlib.h>

/* One conversation in one direction, over the circuit's paths. */
struct stream {
    struct flow flow;   /* what its rules have in common; the match as on the wire between nodes */
    bool rewrite;       /* at the first node: the host sends to its gateway */
    struct mac sent_to; /* ... to this MAC address */
    struct mac gateway; /* ... and the far gateway's is the source from there on */
    const struct host *from, *to;
    uint32_t in_port, out_port; /* at the first and at the last node */
    uint32_t meter_id;
    bool failover_only; /* a test of the failover path */
};

/* Both paths in one direction, and where they part. */
struct paths {
    const struct trail *primary, *failover; /* failover NULL: there is none */
    /* By node of the primary path: the failover path's next hop there, if it is another one; 0: it
     * is not. */
    uint32_t *other_way;
    /* Can a packet that cannot go on there be sent back to a node where the paths part? */
    bool *may_return;
    bool *is_primary; /* by node of the failover path: it comes there by the same port */
    bool has_groups;  /* emitted already */
};

/* ---- Where the paths part ---- */

static uint32_t
find_other_way(const struct paths *p, uint32_t i, uint32_t k)
{
    if (k == NO_INDEX || k + 1 >= p->failover->n)
        return 0;
    uint32_t out = p->failover->hops[k].out_port;
    return out == p->primary->hops[i].out_port ? 0 : out;
}

static void
paths_init(struct paths *p, const struct trail *primary, const struct trail *failover)
{
    bool parted = false; /* at a node before this one */
    *p = (struct paths){.primary = primary, .failover = failover};
    p->other_way = xcalloc(primary->n, sizeof *p->other_way);
    p->may_return = xcalloc(primary->n, sizeof *p->may_return);
    p->is_primary = xcalloc(failover ? failover->n : 0, sizeof *p->is_primary);
    for (uint32_t i = 0; failover && i < primary->n; i++) {
        const struct hop *hop = &primary->hops[i];
        uint32_t k = trail_find(failover, hop->node);
        /* Not where the failover path needs the same link. */
        p->may_return[i] = parted && i + 1 < primary->n &&
                           (k == NO_INDEX || failover->hops[k].out_port != hop->out_port);
        p->other_way[i] = find_other_way(p, i, k);
        parted = parted || p->other_way[i];
        if (k != NO_INDEX && i > 0)
            p->is_primary[k] = failover->hops[k].in_port == hop->in_port;
    }
}

static void
paths_fini(struct paths *p)
{
    free(p->other_way);
    free(p->may_return);
    free(p->is_primary);
}

/* ---- Rules ---- */

/* Makes the stream's flow the one for this input port, at a node between the first and the last. */
static struct flow *
next_flow(struct compilation *c, struct stream *s, uint32_t in_port)
{
    flow_key_set(&s->flow.match.value, FIELD_IN_PORT, in_port);
    s->flow.apply.n = 0;
    flow_add(c, &s->flow, ACTION_SET_QUEUE)->id = service_class_queue(c->circuit->service_class);
    return &s->flow;
}

/* The rule at the node where the conversation enters. */
static struct flow
first_flow(struct compilation *c, const struct stream *s)
{
    struct flow flow = s->flow;
    flow_key_set(&flow.match.value, FIELD_IN_PORT, s->in_port);
    flow.apply.n = 0;
    flow.meter_id = s->meter_id;
    if (s->rewrite) {
        memcpy(flow_key_field(&flow.match.value, FIELD_ETH_DST), s->sent_to.octets, 6);
        memcpy(flow_key_field(&flow.match.value, FIELD_ETH_SRC), s->from->mac.octets, 6);
        flow_add_set_mac(c, &flow, FIELD_ETH_SRC, &s->gateway);
        flow_add_set_mac(c, &flow, FIELD_ETH_DST, &s->to->mac);
    }
    flow_add(c, &flow, ACTION_SET_QUEUE)->id = service_class_queue(c->circuit->service_class);
    return flow;
}

/* Output to a port; back out of the input port needs OpenFlow's word for it. */
static void
put_output(struct compilation *c, struct flow *flow, uint32_t in_port, uint32_t out_port)
{
    flow_add_output(c, flow, in_port == out_port ? PORT_IN_PORT : out_port);
}

static void
emit_protection(struct compilation *c, const struct hop *hop, uint32_t id, uint32_t other)
{
    struct action outputs[2] = {
        {.type = ACTION_OUTPUT, .id = hop->out_port},
        {.type = ACTION_OUTPUT, .id = other ? other : PORT_IN_PORT},
    };
    struct bucket buckets[2] = {
        {0, hop->out_port, GROUP_ANY, {&outputs[0], 1}},
        {0, other ? other : hop->in_port, GROUP_ANY, {&outputs[1], 1}},
    };
    struct group group = {id, GROUP_TYPE_FF, 2, buckets};
    emit_group(c, hop->node, &group);
}

/* Out to the next hop, or by the group that takes it, or else what this hop has as its second
 * choice. */
static void
put_protected_output(struct compilation *c, const struct paths *p, uint32_t i, struct flow *flow)
{
    const struct hop *hop = &p->primary->hops[i];
    uint32_t other = p->other_way[i];
    if (!other && !p->may_return[i]) {
        put_output(c, flow, hop->in_port, hop->out_port);
        return;
    }
    uint32_t id = group_number(other ? GROUP_OTHER_PATH : GROUP_RETURN, hop->out_port,
                               other ? other : hop->in_port);
    if (!p->has_groups)
        emit_protection(c, hop, id, other);
    flow_add(c, flow, ACTION_GROUP)->id = id;
}

static void
compile_primary(struct compilation *c, struct stream *s, struct paths *p)
{
    const struct trail *t = p->primary;
    for (uint32_t i = 0; i < t->n; i++) {
        uint32_t in_port = i ? t->hops[i].in_port : s->in_port;
        struct flow first, *flow = &first;
        if (i)
            flow = next_flow(c, s, in_port);
        else
            first = first_flow(c, s);
        if (i + 1 == t->n)
            put_output(c, flow, in_port, s->out_port);
        else
            put_protected_output(c, p, i, flow);
        emit_flow(c, t->hops[i].node, flow);
    }
    p->has_groups = true;
}

/* Rules for packets that come back: up to the node where the paths part, and off over the other. */
static void
compile_returns(struct compilation *c, struct stream *s, const struct paths *p)
{
    bool coming = false; /* from a node behind */
    for (uint32_t i = p->primary->n; i-- > 0;) {
        const struct hop *hop = &p->primary->hops[i];
        uint32_t other = p->other_way[i];
        if (coming) {
            struct flow *flow = next_flow(c, s, hop->out_port);
            put_output(c, flow, hop->out_port, other ? other : hop->in_port);
            emit_flow(c, hop->node, flow);
        }
        coming = !other && (coming || p->may_return[i]);
    }
}

static void
compile_failover(struct compilation *c, struct stream *s, const struct paths *p)
{
    const struct trail *t = p->failover;
    for (uint32_t k = 1; t && k < t->n; k++) {
        const struct hop *hop = &t->hops[k];
        if (!s->failover_only && p->is_primary[k])
            continue;
        struct flow *flow = next_flow(c, s, hop->in_port);
        put_output(c, flow, hop->in_port, k + 1 == t->n ? s->out_port : hop->out_port);
        emit_flow(c, hop->node, flow);
    }
}

static void
compile_stream(struct compilation *c, struct stream *s, struct paths *p)
{
    if (!s->failover_only) {
        compile_primary(c, s, p);
        compile_returns(c, s, p);
        compile_failover(c, s, p);
        return;
    }
    struct flow flow = first_flow(c, s);
    put_output(c, &flow, s->in_port, p->failover->hops[0].out_port);
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
    struct match *match = &s->flow.match;
    s->from = from;
    s->to = to;
    s->rewrite = !same_subnet(from, to);
    gateway_mac(to->gateway, &s->gateway);
    gateway_mac(from->gateway, &s->sent_to);
    match_set(match, FIELD_IN_PORT, 0); /* each rule has its own */
    match_set_mac(match, FIELD_ETH_DST, &to->mac);
    match_set_mac(match, FIELD_ETH_SRC, s->rewrite ? &s->gateway : &from->mac);
    match_set(match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(match, FIELD_VLAN_VID, 0);
    match_set(match, FIELD_IP_PROTO, protocol);
    match_set(match, FIELD_IPV4_SRC, from->ipv4);
    match_set(match, FIELD_IPV4_DST, to->ipv4);
}

static void
set_ports(struct stream *s, uint8_t protocol, uint16_t src, uint16_t dst)
{
    bool tcp = protocol == IP_PROTO_TCP;
    if (src)
        match_set(&s->flow.match, tcp ? FIELD_TCP_SRC : FIELD_UDP_SRC, src);
    if (dst)
        match_set(&s->flow.match, tcp ? FIELD_TCP_DST : FIELD_UDP_DST, dst);
}

struct direction {
    const struct host *from, *to;
    struct paths paths;
    uint32_t meter_id;
    bool backward;
};

static void
compile_conversation(struct compilation *c, struct direction *d, uint16_t server_port)
{
    const struct ip_service *ip = &c->circuit->ip;
    struct stream s = {
        .in_port = d->from->port,
        .out_port = d->to->port,
        .meter_id = d->meter_id,
    };
    s.flow.priority = PRIORITY_CONVERSATION;
    s.flow.cookie = rule_cookie(c->design->number, d->backward ? ROLE_BACKWARD : ROLE_FORWARD);
    set_addresses(&s, d->from, d->to, ip->protocol);
    if (ip->protocol == IP_PROTO_ICMP) { /* echo request out, echo reply back */
        match_set(&s.flow.match, FIELD_ICMPV4_TYPE, d->backward ? 0 : 8);
        match_set(&s.flow.match, FIELD_ICMPV4_CODE, 0);
    } else if (d->backward) {
        set_ports(&s, ip->protocol, server_port, ip->client_port);
    } else {
        set_ports(&s, ip->protocol, ip->client_port, server_port);
    }
    compile_stream(c, &s, &d->paths);
}

/* STAMP between the same addresses: out to port 862, back from it. */
static void
compile_test(struct compilation *c, struct direction *d, bool failover)
{
    uint16_t port = test_port(c->design->number, failover);
    struct stream s = {
        .in_port = PORT_LOCAL,
        .out_port = PORT_LOCAL,
        .meter_id = d->meter_id,
        .failover_only = failover,
    };
    s.flow.priority = PRIORITY_CONVERSATION;
    s.flow.cookie = rule_cookie(c->design->number, ROLE_TEST);
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
    flow_add_set_mac(c, &flow, FIELD_ETH_DST, &asker->mac);
    flow_add_set_mac(c, &flow, FIELD_ETH_SRC, &answer);
    flow_add_set(c, &flow, FIELD_ARP_OP, 2);
    flow_add_set_mac(c, &flow, FIELD_ARP_SHA, &answer);
    flow_add_set(c, &flow, FIELD_ARP_SPA, asked);
    flow_add_set_mac(c, &flow, FIELD_ARP_THA, &asker->mac);
    flow_add_set(c, &flow, FIELD_ARP_TPA, asker->ipv4);
    flow_add_output(c, &flow, PORT_IN_PORT);
    emit_flow(c, node, &flow);
}

static void
compile_direction(struct compilation *c, struct direction *d)
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
        struct direction directions[2] = {
            {.from = client, .to = server, .meter_id = 2 * c->design->number},
            {.from = server, .to = client, .meter_id = 2 * c->design->number + 1, .backward = true},
        };
        paths_init(&directions[0].paths, &forward[0], protected ? &forward[1] : NULL);
        paths_init(&directions[1].paths, &backward[0], protected ? &backward[1] : NULL);
        for (int i = 0; i < 2; i++) {
            compile_direction(c, &directions[i]);
            paths_fini(&directions[i].paths);
        }
    }
    for (int i = 0; i < 2; i++) {
        trail_fini(&forward[i]);
        trail_fini(&backward[i]);
    }
}
