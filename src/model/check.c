#include "model/check.h"

#include "base/alloc.h"
#include "model/check_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct checking {
    const struct network *network;
    struct findings *findings;
    struct claim *datapath_ids, *managements, *macs, *addresses, *ieds, *ports, *numbers;
};

#define ERROR(c, ...) findings_add((c)->findings, SEVERITY_ERROR, __VA_ARGS__)
#define WARN(c, ...) findings_add((c)->findings, SEVERITY_WARNING, __VA_ARGS__)

/* ---- Nodes -------------------------------------------------------------------------------------
 */

static void
check_port_names(struct checking *c, const struct node *node)
{
    struct claim *names = NULL;
    for (uint32_t i = 0; i < node->n_ports; i++) {
        const struct port *port = &node->ports[i], *other = claim_text(&names, port->name, port);
        if (!other)
            continue;
        char *name = xasprintf("%s/%u", node->name, port->number);
        ERROR(c, "name-duplicate", "port", name, "name", "port %u of node %s is named %s already",
              other->number, node->name, port->name);
        free(name);
    }
    claims_free(&names);
}

static void
check_node(struct checking *c, const struct node *node)
{
    if (!network_site(c->network, node->site))
        ERROR(c, "site-unknown", "node", node->name, "site", "there is no site %s", node->site);
    const struct node *other = claim_key(&c->datapath_ids, &node->datapath_id,
                                         sizeof node->datapath_id, node);
    if (other)
        ERROR(c, "datapath-id-duplicate", "node", node->name, "datapath-id",
              "node %s has the same datapath id", other->name);
    other = node->management_address ? claim_key(&c->managements, &node->management_address,
                                                 sizeof node->management_address, node)
                                     : NULL;
    if (other)
        ERROR(c, "address-duplicate", "node", node->name, "management-address",
              "node %s has the same management address", other->name);
    check_port_names(c, node);
}

/* ---- Ports -------------------------------------------------------------------------------------
 */

/* What is at a port: "link a1-a2" or "host rtu-a". Owned by the claim set of checking. */
struct occupant {
    const char *kind, *name;
};

/* The port exists, and is free. `occupant` outlives the check. */
static void
check_attachment(struct checking *c, const struct occupant *occupant, const char *node_field,
                 const char *port_field, const char *node_name, uint32_t port)
{
    const struct node *node = network_node(c->network, node_name);
    if (!node) {
        ERROR(c, "node-unknown", occupant->kind, occupant->name, node_field, "there is no node %s",
              node_name);
        return;
    }
    if (!node_port(node, port)) {
        ERROR(c, "port-unknown", occupant->kind, occupant->name, port_field,
              "node %s has no port %u", node_name, port);
        return;
    }
    char key[128];
    snprintf(key, sizeof key, "%u %s", port, node_name);
    const struct occupant *other = claim_text(&c->ports, key, occupant);
    if (other)
        ERROR(c, "port-occupied", occupant->kind, occupant->name, port_field,
              "%s %s is at port %u of node %s already", other->kind, other->name, port, node_name);
}

static void
check_link(struct checking *c, const struct link *link, const struct occupant *occupant)
{
    check_attachment(c, occupant, "a/node", "a/port", link->a.node, link->a.port);
    check_attachment(c, occupant, "b/node", "b/port", link->b.node, link->b.port);
    if (!strcmp(link->a.node, link->b.node))
        ERROR(c, "link-loop", "link", link->name, "b/node", "both ends are at node %s",
              link->b.node);
}

/* ---- Hosts -------------------------------------------------------------------------------------
 */

static bool
in_subnet(const struct host *host, uint32_t address)
{
    return ((host->ipv4 ^ address) & ipv4_mask(host->prefix_length)) == 0;
}

static void
check_gateway(struct checking *c, const struct host *host)
{
    char text[IPV4_TEXT_SIZE];
    if (!host->gateway)
        return;
    ipv4_format(host->gateway, text);
    if (host->gateway == host->ipv4)
        ERROR(c, "gateway-outside", "host", host->name, "gateway", "%s is its own address", text);
    else if (!in_subnet(host, host->gateway))
        ERROR(c, "gateway-outside", "host", host->name, "gateway", "%s is not in its subnet", text);
}

/* Why no host can have this address; NULL: it can. RFC 1122 section 3.2.1.3. */
static const char *
unusable(uint32_t address, int prefix_length)
{
    uint32_t rest = address & ~ipv4_mask(prefix_length);
    if (address >> 24 == 127)
        return "a loopback address";
    if (address >> 24 == 0)
        return "an address of network 0";
    if (address >> 28 >= 14)
        return "a multicast or reserved address";
    if (prefix_length < 31 && rest == 0)
        return "the address of its subnet";
    if (prefix_length < 31 && rest == ~ipv4_mask(prefix_length))
        return "the broadcast address of its subnet";
    return NULL;
}

static void
check_address(struct checking *c, const struct host *host)
{
    if (!host->ipv4)
        return;
    char text[IPV4_TEXT_SIZE];
    ipv4_format(host->ipv4, text);
    const char *why = unusable(host->ipv4, host->prefix_length);
    if (why)
        ERROR(c, "address-unusable", "host", host->name, "ipv4", "%s is %s", text, why);
    const struct host *other = claim_key(&c->addresses, &host->ipv4, sizeof host->ipv4, host);
    if (other)
        ERROR(c, "address-duplicate", "host", host->name, "ipv4", "host %s has address %s too",
              other->name, text);
    check_gateway(c, host);
}

static void
check_host(struct checking *c, const struct host *host, const struct occupant *occupant)
{
    char text[MAC_TEXT_SIZE];
    mac_format(&host->mac, text);
    if (mac_is_group(&host->mac))
        ERROR(c, "mac-not-unicast", "host", host->name, "mac", "%s is a group address", text);
    const struct host *other = claim_key(&c->macs, &host->mac, sizeof host->mac, host);
    if (other)
        ERROR(c, "mac-duplicate", "host", host->name, "mac", "host %s has MAC address %s too",
              other->name, text);
    const char *ied = host->ied ? host->ied : host->name;
    other = claim_text(&c->ieds, ied, host);
    if (other)
        ERROR(c, "ied-duplicate", "host", host->name, "ied", "host %s is IED %s already",
              other->name, ied);
    check_address(c, host);
    check_attachment(c, occupant, "node", "port", host->node, host->port);
}

struct subnet {
    uint32_t network;
    int prefix_length;
    const struct host *host;
};

static int
compare_subnets(const void *a, const void *b)
{
    const struct subnet *x = a, *y = b;
    if (x->network != y->network)
        return x->network < y->network ? -1 : 1;
    return x->prefix_length - y->prefix_length;
}

/* Sorted, a subnet comes right before those that are part of it: one walk finds each overlap once.
 */
static void
check_subnets(struct checking *c)
{
    struct subnet *subnets = xcalloc(HASH_COUNT(c->network->hosts), sizeof *subnets);
    size_t n = 0;
    for (const struct host *host = c->network->hosts; host; host = host->hh.next) {
        if (host->ipv4)
            subnets[n++] = (struct subnet){host->ipv4 & ipv4_mask(host->prefix_length),
                                           host->prefix_length, host};
    }
    qsort(subnets, n, sizeof *subnets, compare_subnets);
    const struct subnet *wide = subnets;
    for (size_t i = 1; i < n; i++) {
        const struct subnet *s = &subnets[i];
        if ((s->network ^ wide->network) & ipv4_mask(wide->prefix_length)) {
            wide = s;
        } else if (s->prefix_length != wide->prefix_length && compare_subnets(s, s - 1) != 0) {
            WARN(c, "subnet-overlap", "host", s->host->name, "ipv4",
                 "its subnet of prefix length %d is part of that of host %s, which has length %d",
                 s->prefix_length, wide->host->name, wide->prefix_length);
        }
    }
    free(subnets);
}

/* ---- Designs -----------------------------------------------------------------------------------
 */

static void
check_route(struct checking *c, const struct design *design, const char *field,
            const struct route *route)
{
    for (uint32_t i = 0; i < route->n_links; i++) {
        if (!network_link(c->network, route->links[i]))
            WARN(c, "link-unknown", "design", design->circuit, field, "there is no link %s",
                 route->links[i]);
    }
}

static void
check_design(struct checking *c, const struct design *design)
{
    if (!network_circuit(c->network, design->circuit))
        WARN(c, "circuit-unknown", "design", design->circuit, "circuit",
             "there is no such circuit");
    const struct design *other = claim_key(&c->numbers, &design->number, sizeof design->number,
                                           design);
    if (other)
        ERROR(c, "number-duplicate", "design", design->circuit, "number",
              "the design of circuit %s has number %u too", other->circuit, design->number);
    check_route(c, design, "primary/links", &design->primary);
    if (design->has_failover)
        check_route(c, design, "failover/links", &design->failover);
}

/* ---- All ---------------------------------------------------------------------------------------
 */

static void
check_occupants(struct checking *c)
{
    const struct network *network = c->network;
    size_t n = HASH_COUNT(network->links) + HASH_COUNT(network->hosts);
    struct occupant *occupants = xcalloc(n, sizeof *occupants), *next = occupants;
    for (const struct link *link = network->links; link; link = link->hh.next) {
        *next = (struct occupant){"link", link->name};
        check_link(c, link, next++);
    }
    for (const struct host *host = network->hosts; host; host = host->hh.next) {
        *next = (struct occupant){"host", host->name};
        check_host(c, host, next++);
    }
    claims_free(&c->ports);
    free(occupants);
}

void
network_check(const struct network *network, struct findings *findings)
{
    struct checking c = {.network = network, .findings = findings};
    for (const struct node *node = network->nodes; node; node = node->hh.next)
        check_node(&c, node);
    check_occupants(&c);
    check_subnets(&c);
    for (const struct design *design = network->designs; design; design = design->hh.next)
        check_design(&c, design);
    check_wan(network, findings);
    check_circuits(network, findings);

    struct claim **const sets[] = {&c.datapath_ids, &c.managements, &c.macs,
                                   &c.addresses,    &c.ieds,        &c.numbers};
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
        claims_free(sets[i]);
}
