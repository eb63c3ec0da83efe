/* testing_random.h - random networks and circuits, small and nasty: equal delays, links that fill
 * up, parallel links, shared risks, stations that nobody else should pass through, parts that hang
 * together by one link or not at all. */
#ifndef ENGINEER_TESTING_RANDOM_H
#define ENGINEER_TESTING_RANDOM_H

#include "engineer/testing.h"

static uint64_t random_state = 7;

static inline UNUSED uint32_t
draw(uint32_t below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % below;
}

/* Node and link names are drawn, so that their order is not the one in which they are put. */
static inline UNUSED const char *
draw_name(const char *site)
{
    static char name[32];
    snprintf(name, sizeof name, "%s%u", site, 100 + draw(900));
    return name;
}

static inline UNUSED const char *
any_node(const struct network *net)
{
    const struct node *node = net->nodes;
    for (uint32_t skip = draw(HASH_COUNT(net->nodes)); skip--;)
        node = node->hh.next;
    return node->name;
}

static inline UNUSED void
add_risks(struct link *link, uint32_t n)
{
    static const char *const risks[] = {"duct-1", "duct-2", "bridge", "mast"};
    link->shared_risks = xcalloc(n, sizeof(char *));
    for (uint32_t i = 0; i < n; i++)
        link->shared_risks[link->n_shared_risks++] = xstrdup(risks[draw(ARRAY_SIZE(risks))]);
}

/* `alike`: as all links of the network. */
static inline UNUSED void
random_link(struct network *net, const char *a, const char *b, uint32_t number, bool alike)
{
    static const uint32_t delays[] = {5, 5, 5, 10, 100};
    static const uint32_t capacities[] = {2000, 4000, 10000, 10000};
    struct link *link = xcalloc(1, sizeof *link);
    link->name = xasprintf("%c-%u", 'a' + (char)draw(26), number);
    link->a = (struct link_end){xstrdup(a), test_port_of(net, a)};
    link->b = (struct link_end){xstrdup(b), test_port_of(net, b)};
    link->delay_us = alike ? 5 : delays[draw(ARRAY_SIZE(delays))];
    link->capacity_kbps = alike ? 4000 : capacities[draw(ARRAY_SIZE(capacities))];
    if (!draw(4))
        add_risks(link, 1 + draw(2));
    network_put_link(net, link);
}

/* Up to 14 nodes in up to 5 sites, twice as many links at most, a host at each node. Every other
 * one has links that are all alike, so that most paths have equals. */
static inline UNUSED struct network *
random_network(void)
{
    static const char *const sites[] = {"wan", "alpha", "beta", "gamma", "nowhere"};
    struct network *net = network_new();
    uint32_t n_nodes = 3 + draw(12);
    bool alike = draw(2);
    test_site(net, "wan", SITE_WAN);
    for (size_t i = 1; i < 4; i++)
        test_site(net, sites[i], i == 3 ? SITE_CONTROL_CENTRE : SITE_SUBSTATION);
    for (uint32_t i = 0; i < n_nodes; i++) {
        const char *name = draw_name(sites[draw(ARRAY_SIZE(sites))]);
        while (network_node(net, name))
            name = draw_name("wan");
        test_node(net, name);
    }
    for (uint32_t i = n_nodes - 1 + draw(n_nodes + 1); i > 0; i--) {
        const char *a = any_node(net), *b = any_node(net);
        if (strcmp(a, b))
            random_link(net, a, b, i, alike);
    }
    uint32_t number = 0;
    for (struct node *node = net->nodes; node; node = node->hh.next) {
        char name[32];
        snprintf(name, sizeof name, "host-%u", number);
        test_host(net, name, node->name, (uint8_t)(1 + number), 10);
        number++;
    }
    return net;
}

static inline UNUSED struct circuit *
random_multicast(struct network *net, const char *name, uint32_t number)
{
    uint32_t n_hosts = HASH_COUNT(net->hosts), publisher = draw(n_hosts);
    struct buf subscribers = BUF_INIT;
    char host[32];
    for (uint32_t i = 0; i < n_hosts; i++) {
        if (i != publisher && (i == (publisher + 1) % n_hosts || !draw(4)))
            buf_printf(&subscribers, "host-%u ", i);
    }
    snprintf(host, sizeof host, "host-%u", publisher);
    struct circuit *c = test_goose(net, name, host, buf_cstr(&subscribers));
    c->multicast.appid = (uint16_t)number;
    c->multicast.mac.octets[4] = (uint8_t)(number >> 8);
    c->multicast.mac.octets[5] = (uint8_t)number;
    buf_fini(&subscribers);
    return c;
}

/* Puts a circuit named after its number. */
static inline UNUSED struct circuit *
random_circuit(struct network *net, uint32_t number)
{
    static const enum disjointness protections[] = {DISJOINT_NONE, DISJOINT_MAXIMAL,
                                                    DISJOINT_MAXIMAL, DISJOINT_LINK, DISJOINT_NODE};
    uint32_t n_hosts = HASH_COUNT(net->hosts);
    char name[32], client[32], server[32];
    struct circuit *c;
    snprintf(name, sizeof name, "circuit-%u", number);
    snprintf(client, sizeof client, "host-%u", draw(n_hosts));
    snprintf(server, sizeof server, "host-%u", draw(n_hosts + n_hosts / 8));
    if (draw(3) && strcmp(client, server))
        c = test_tcp(net, name, client, server, (uint16_t)(1000 + number));
    else
        c = random_multicast(net, name, number);
    c->rate_kbps = draw(5) ? 100 + draw(700) : 0;
    c->protection = protections[draw(ARRAY_SIZE(protections))];
    c->max_latency_us = draw(4) ? 0 : 2000 + draw(12000);
    return c;
}

#endif
