#include "engineer/claims.h"

#include "base/alloc.h"
#include "engineer/trail.h"

#include <stdlib.h>
#include <string.h>

/* Numbers fixed by the documentation of compiled circuits (doc/circuits.md), repeated here on
 * purpose. */
#define STAMP_PORT 862
#define FIRST_TEST_PORT 49152
#define TEST_PORTS 16384

static const struct node *
node_of(const struct network *net, const struct host *host)
{
    return host && host->node ? network_node(net, host->node) : NULL;
}

static bool
tests_itself(const struct node *node)
{
    return node->kind == NODE_TIELINE_EDGE || node->probe;
}

static struct claim *
new_claim(struct claims *claims, const struct circuit *c, const struct design *d,
          struct claim_end from)
{
    GROW(claims->list, claims->n, claims->capacity);
    struct claim *claim = &claims->list[claims->n++];
    *claim = (struct claim){.circuit = c, .design = d, .from = from};
    return claim;
}

static void
add_receiver(struct claim *claim, struct claim_end to)
{
    for (uint32_t i = 0; i < claim->n_to; i++) { /* two subscribers at one node: one test there */
        if (claim->to[i].node == to.node && claim->to[i].port == to.port)
            return;
    }
    claim->to = xrealloc(claim->to, claim->n_to + 1, sizeof *claim->to);
    claim->to[claim->n_to++] = to;
}

/* A host sends either to the peer itself or, when the peer is outside its prefix, to its gateway,
 * whose MAC address is 02:54 and the gateway's IPv4 address. */
static bool
is_neighbour(const struct host *a, const struct host *b)
{
    int shift = 32 - a->prefix_length;
    return shift >= 32 || a->ipv4 >> shift == b->ipv4 >> shift;
}

static struct mac
router_mac(const struct host *h)
{
    struct mac mac = {{0x02, 0x54, (uint8_t)(h->gateway >> 24), (uint8_t)(h->gateway >> 16),
                       (uint8_t)(h->gateway >> 8), (uint8_t)h->gateway}};
    return mac;
}

/* The headers of one packet, from the outside in. */
struct packet_claim {
    struct mac dst, src;
    uint16_t eth_type;
    int vlan; /* as in the model */
    uint8_t protocol;
    uint32_t ip_src, ip_dst;
    uint16_t l4_src, l4_dst; /* 0: any; ICMP: type and code */
};

static struct match
match_of(const struct packet_claim *p)
{
    struct match m = MATCH_ANY;
    match_set_mac(&m, FIELD_ETH_DST, &p->dst);
    match_set_mac(&m, FIELD_ETH_SRC, &p->src);
    match_set(&m, FIELD_ETH_TYPE, p->eth_type);
    match_set(&m, FIELD_VLAN_VID, p->vlan == VLAN_UNTAGGED ? 0 : (uint64_t)(0x1000 | p->vlan));
    if (p->eth_type != ETH_TYPE_IPV4)
        return m;
    match_set(&m, FIELD_IP_PROTO, p->protocol);
    match_set(&m, FIELD_IPV4_SRC, p->ip_src);
    match_set(&m, FIELD_IPV4_DST, p->ip_dst);
    if (p->protocol == IP_PROTO_ICMP) {
        match_set(&m, FIELD_ICMPV4_TYPE, p->l4_src);
        match_set(&m, FIELD_ICMPV4_CODE, p->l4_dst);
        return m;
    }
    bool tcp = p->protocol == IP_PROTO_TCP;
    if (p->l4_src)
        match_set(&m, tcp ? FIELD_TCP_SRC : FIELD_UDP_SRC, p->l4_src);
    if (p->l4_dst)
        match_set(&m, tcp ? FIELD_TCP_DST : FIELD_UDP_DST, p->l4_dst);
    return m;
}

/* ---- What may fail without a fault ---- */

static void
add_shared(struct claim *claim, struct shared_element e)
{
    GROW(claim->shared, claim->n_shared, claim->shared_capacity);
    claim->shared[claim->n_shared++] = e;
}

static void
add_shared_risks(struct claim *claim, uint32_t receiver, const struct link *a, const struct link *b)
{
    for (uint32_t i = 0; i < a->n_shared_risks; i++) {
        for (uint32_t k = 0; k < b->n_shared_risks; k++) {
            if (!strcmp(a->shared_risks[i], b->shared_risks[k]))
                add_shared(claim, (struct shared_element){.receiver = receiver,
                                                          .risk = a->shared_risks[i]});
        }
    }
}

/* The two paths to one receiver. */
static void
compare_paths(struct claim *claim, uint32_t receiver, const struct trail *a, const struct trail *b)
{
    claim->to[receiver].has_failover = b->n > 0;
    for (uint32_t i = 0; i < a->n; i++) {
        for (uint32_t k = 0; k < b->n; k++) {
            const struct hop *x = &a->hops[i], *y = &b->hops[k];
            bool inside = i && k && i + 1 < a->n && k + 1 < b->n;
            if (inside && x->node == y->node)
                add_shared(claim, (struct shared_element){.receiver = receiver, .node = x->node});
            if (x->link && x->link == y->link)
                add_shared(claim, (struct shared_element){.receiver = receiver, .link = x->link});
            if (x->link && y->link)
                add_shared_risks(claim, receiver, x->link, y->link);
        }
    }
}

struct talk {
    const struct host *from, *to;
    const struct node *from_node, *to_node;
};

/* An IP packet from one host to the other, as it enters and as it arrives. */
static struct claim *
claim_ip(struct claims *claims, const struct circuit *c, const struct design *d,
         const struct talk *t, uint8_t protocol, uint16_t l4_src, uint16_t l4_dst, bool test)
{
    uint32_t in = test ? PORT_LOCAL : t->from->port, out = test ? PORT_LOCAL : t->to->port;
    struct claim *claim = new_claim(claims, c, d, (struct claim_end){t->from_node, in, false});
    struct packet_claim p = {.dst = t->to->mac,
                             .src = t->from->mac,
                             .eth_type = ETH_TYPE_IPV4,
                             .vlan = VLAN_UNTAGGED,
                             .protocol = protocol,
                             .ip_src = t->from->ipv4,
                             .ip_dst = t->to->ipv4,
                             .l4_src = l4_src,
                             .l4_dst = l4_dst};
    bool routed = !is_neighbour(t->from, t->to);
    if (routed)
        p.src = router_mac(t->to);
    claim->received = match_of(&p);
    if (routed) {
        p.dst = router_mac(t->from);
        p.src = t->from->mac;
    }
    claim->sent = match_of(&p);
    match_set(&claim->sent, FIELD_IN_PORT, in);
    claim->test = test;
    add_receiver(claim, (struct claim_end){t->to_node, out, false});
    return claim;
}

static struct match
arp_match(const struct mac *src, uint16_t op, const struct mac *sha, uint32_t spa, uint32_t tpa)
{
    struct match m = MATCH_ANY;
    match_set_mac(&m, FIELD_ETH_SRC, src);
    match_set(&m, FIELD_ETH_TYPE, ETH_TYPE_ARP);
    match_set(&m, FIELD_VLAN_VID, 0);
    match_set(&m, FIELD_ARP_OP, op);
    match_set(&m, FIELD_ARP_SPA, spa);
    match_set(&m, FIELD_ARP_TPA, tpa);
    match_set_mac(&m, FIELD_ARP_SHA, sha);
    return m;
}

/* Who has the peer (or the gateway)? Answered at once, to the asker alone. */
static void
claim_arp(struct claims *claims, const struct circuit *c, const struct design *d,
          const struct talk *t)
{
    struct claim_end end = {t->from_node, t->from->port, false};
    struct claim *claim = new_claim(claims, c, d, end);
    bool direct = is_neighbour(t->from, t->to);
    uint32_t asked = direct ? t->to->ipv4 : t->from->gateway;
    struct mac answer = direct ? t->to->mac : router_mac(t->from);
    claim->sent = arp_match(&t->from->mac, 1, &t->from->mac, t->from->ipv4, asked);
    match_set(&claim->sent, FIELD_IN_PORT, t->from->port);
    claim->received = arp_match(&answer, 2, &answer, asked, t->from->ipv4);
    match_set_mac(&claim->received, FIELD_ETH_DST, &t->from->mac);
    match_set_mac(&claim->received, FIELD_ARP_THA, &t->from->mac);
    claim->arp = true;
    add_receiver(claim, end);
}

static void
claim_direction(struct claims *claims, const struct circuit *c, const struct design *d,
                const struct talk *t, bool back)
{
    const struct ip_service *ip = &c->ip;
    claim_arp(claims, c, d, t);
    if (ip->protocol == IP_PROTO_ICMP)
        claim_ip(claims, c, d, t, ip->protocol, back ? 0 : 8, 0, false);
    for (uint32_t i = 0; i < ip->n_server_ports; i++)
        claim_ip(claims, c, d, t, ip->protocol, back ? ip->server_ports[i] : ip->client_port,
                 back ? ip->client_port : ip->server_ports[i], false);
    if (t->from_node == t->to_node || !tests_itself(t->from_node) || !tests_itself(t->to_node))
        return;
    for (int failover = 0; failover <= d->has_failover; failover++) {
        uint16_t port = (uint16_t)(FIRST_TEST_PORT +
                                   (d->number * 2 + (uint32_t)failover) % TEST_PORTS);
        struct claim *claim = claim_ip(claims, c, d, t, IP_PROTO_UDP, back ? STAMP_PORT : port,
                                       back ? port : STAMP_PORT, true);
        claim->failover_only = failover;
    }
}

static enum err
claim_conversation(struct claims *claims, const struct network *net, const struct circuit *c,
                   const struct design *d, struct diag *diag)
{
    const struct host *client = network_host(net, c->ip.client);
    const struct host *server = network_host(net, c->ip.server);
    struct talk t = {client, server, node_of(net, client), node_of(net, server)};
    if (!t.from_node || !t.to_node)
        return diag_set(diag, ERR_NOT_FOUND, "circuit \"%s\": a host or its node is not there",
                        c->name);
    struct talk back = {server, client, t.to_node, t.from_node};
    struct trail trails[2] = {{0}};
    uint32_t first = claims->n;
    enum err err = trail_follow(net, t.from_node->name, &d->primary, &trails[0], diag);
    if (!err && d->has_failover)
        err = trail_follow(net, t.from_node->name, &d->failover, &trails[1], diag);
    if (!err) {
        claim_direction(claims, c, d, &t, false);
        claim_direction(claims, c, d, &back, true);
    }
    for (uint32_t i = first; i < claims->n; i++)
        compare_paths(&claims->list[i], 0, &trails[0], &trails[1]);
    trail_fini(&trails[0]);
    trail_fini(&trails[1]);
    return err;
}

struct trails {
    struct trail *primaries, *failovers; /* by subscriber */
};

static void
trails_fini(struct trails *t, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        trail_fini(&t->primaries[i]);
        trail_fini(&t->failovers[i]);
    }
    free(t->primaries);
    free(t->failovers);
}

static enum err
find_trails(const struct network *net, const struct circuit *c, const struct design *d,
            struct trails *t, struct diag *diag)
{
    uint32_t n = c->multicast.n_subscribers;
    *t = (struct trails){xcalloc(n + 1, sizeof(struct trail)),
                         xcalloc(n + 1, sizeof(struct trail))};
    enum err err = trail_tree(net, c, &d->primary, t->primaries, diag);
    if (!err && d->has_failover)
        err = trail_failovers(net, c, &d->failover, t->primaries, t->failovers, diag);
    if (err)
        trails_fini(t, n);
    return err;
}

static enum err
claim_multicast(struct claims *claims, const struct network *net, const struct circuit *c,
                const struct design *d, struct diag *diag)
{
    const struct multicast_service *m = &c->multicast;
    const struct host *publisher = network_host(net, m->publisher);
    const struct node *root = node_of(net, publisher);
    struct trails trails;
    if (!root)
        return diag_set(diag, ERR_NOT_FOUND, "circuit \"%s\": its publisher is not there", c->name);
    for (uint32_t i = 0; i < m->n_subscribers; i++) {
        if (!node_of(net, network_host(net, m->subscribers[i])))
            return diag_set(diag, ERR_NOT_FOUND, "circuit \"%s\": subscriber \"%s\" is not there",
                            c->name, m->subscribers[i]);
    }
    enum err err = find_trails(net, c, d, &trails, diag);
    if (err)
        return err;
    struct packet_claim p = {.dst = m->mac,
                             .src = publisher->mac,
                             .eth_type = m->application == MULTICAST_GOOSE ? ETH_TYPE_GOOSE
                                                                           : ETH_TYPE_SV,
                             .vlan = m->vlan_id};
    for (int kind = 0; kind < 3; kind++) { /* the circuit's own, its test, its failover test */
        if ((kind && !tests_itself(root)) || (kind == 2 && !d->has_failover))
            break;
        struct claim *claim = new_claim(
            claims, c, d, (struct claim_end){root, kind ? PORT_LOCAL : publisher->port, false});
        claim->test = kind > 0;
        claim->failover_only = kind == 2;
        if (kind) {
            p.eth_type = ETH_TYPE_IPV4;
            p.protocol = IP_PROTO_UDP;
            p.ip_src = root->management_address;
            p.ip_dst = 0xefff0000 | d->number;
            p.l4_src = (uint16_t)(FIRST_TEST_PORT + (d->number * 2 + (kind == 2)) % TEST_PORTS);
            p.l4_dst = STAMP_PORT;
        }
        claim->received = claim->sent = match_of(&p);
        match_set(&claim->sent, FIELD_IN_PORT, claim->from.port);
        for (uint32_t i = 0; i < m->n_subscribers; i++) {
            const struct host *host = network_host(net, m->subscribers[i]);
            const struct node *node = node_of(net, host);
            if (kind && (node == root || !tests_itself(node)))
                continue;
            if (kind == 2 && trails.failovers[i].n < 2) /* nothing to be tested */
                continue;
            uint32_t n = claim->n_to;
            add_receiver(claim, (struct claim_end){node, kind ? PORT_LOCAL : host->port, false});
            if (claim->n_to > n)
                compare_paths(claim, n, &trails.primaries[i], &trails.failovers[i]);
        }
        if (kind && !claim->n_to)
            claims->n--;
    }
    trails_fini(&trails, m->n_subscribers);
    return ERR_OK;
}

enum err
claims_add(struct claims *claims, const struct network *net, const struct circuit *c,
           const struct design *d, struct diag *diag)
{
    return c->kind == CIRCUIT_IP ? claim_conversation(claims, net, c, d, diag)
                                 : claim_multicast(claims, net, c, d, diag);
}

static int
compare_ends(const struct node *a, uint32_t a_port, const struct node *b, uint32_t b_port)
{
    if (a != b)
        return (uintptr_t)a < (uintptr_t)b ? -1 : 1;
    return a_port < b_port ? -1 : a_port > b_port;
}

static int
by_entry(const void *a, const void *b)
{
    const struct claim *x = a, *y = b;
    return compare_ends(x->from.node, x->from.port, y->from.node, y->from.port);
}

void
claims_sort(struct claims *claims)
{
    if (claims->n)
        qsort(claims->list, claims->n, sizeof *claims->list, by_entry);
}

const struct claim *
claims_at(const struct claims *claims, const struct node *node, uint32_t port, uint32_t *n)
{
    uint32_t low = 0, high = claims->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct claim *c = &claims->list[middle];
        if (compare_ends(c->from.node, c->from.port, node, port) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *n = 0;
    while (low + *n < claims->n && !compare_ends(claims->list[low + *n].from.node,
                                                 claims->list[low + *n].from.port, node, port))
        ++*n;
    return *n ? &claims->list[low] : NULL;
}

void
claims_fini(struct claims *claims)
{
    for (uint32_t i = 0; i < claims->n; i++) {
        free(claims->list[i].to);
        free(claims->list[i].shared);
    }
    free(claims->list);
    *claims = (struct claims){0};
}
