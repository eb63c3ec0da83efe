#include "model/check.h"

#include "base/alloc.h"
#include "model/check_private.h"
#include "packet/flow_key.h"

#include <stdlib.h>
#include <string.h>

#define LARGE_FRAME 1518 /* octets, with a VLAN tag, without the check sequence */

#define ERROR(...) findings_add(findings, SEVERITY_ERROR, __VA_ARGS__)
#define WARN(...) findings_add(findings, SEVERITY_WARNING, __VA_ARGS__)
#define INFO(...) findings_add(findings, SEVERITY_INFO, __VA_ARGS__)

/* ---- One circuit alone -------------------------------------------------------------------------
 */

static const struct host *
check_end(const struct network *network, const struct circuit *circuit, const char *field,
          const char *name, struct findings *findings)
{
    const struct host *host = network_host(network, name);
    if (!host)
        ERROR("host-unknown", "circuit", circuit->name, field, "there is no host %s", name);
    return host;
}

static bool
reaches(const struct host *host, uint32_t address)
{
    return host->gateway || ((host->ipv4 ^ address) & ipv4_mask(host->prefix_length)) == 0;
}

static void
check_ip_end(const struct circuit *circuit, const char *field, const struct host *host,
             const struct host *other, struct findings *findings)
{
    if (!host)
        return;
    if (!host->ipv4)
        ERROR("address-missing", "circuit", circuit->name, field, "host %s has no IPv4 address",
              host->name);
    else if (other && other->ipv4 && !reaches(host, other->ipv4))
        ERROR("gateway-missing", "circuit", circuit->name, field,
              "host %s has no gateway, and host %s is not in its subnet", host->name, other->name);
}

static void
check_ip_ports(const struct circuit *circuit, struct findings *findings)
{
    const struct ip_service *ip = &circuit->ip;
    if (ip->protocol == IP_PROTO_ICMP)
        return;
    if (ip->protocol != IP_PROTO_TCP && ip->protocol != IP_PROTO_UDP)
        ERROR("protocol-unsupported", "circuit", circuit->name, "ip/protocol",
              "IP protocol %u is none of TCP, UDP and ICMP", ip->protocol);
    if (ip->n_server_ports == 0)
        ERROR("server-port-missing", "circuit", circuit->name, "ip/server-ports",
              "there is no port to reach");
    if (ip->protocol != IP_PROTO_UDP)
        return;
    bool reserved = ip->client_port == STAMP_PORT;
    for (uint32_t i = 0; i < ip->n_server_ports; i++)
        reserved |= ip->server_ports[i] == STAMP_PORT;
    if (reserved)
        ERROR("port-reserved", "circuit", circuit->name,
              ip->client_port == STAMP_PORT ? "ip/client-port" : "ip/server-ports",
              "UDP port %d carries the tests of every circuit", STAMP_PORT);
}

static void
check_ip(const struct network *network, const struct circuit *circuit, struct findings *findings)
{
    const struct ip_service *ip = &circuit->ip;
    const struct host *client = check_end(network, circuit, "ip/client", ip->client, findings);
    const struct host *server = check_end(network, circuit, "ip/server", ip->server, findings);
    if (!strcmp(ip->client, ip->server)) {
        ERROR("same-host", "circuit", circuit->name, "ip/server", "the client is the server");
    } else {
        check_ip_end(circuit, "ip/client", client, server, findings);
        check_ip_end(circuit, "ip/server", server, client, findings);
    }
    check_ip_ports(circuit, findings);
}

/* IEC 61850-8-1 annex B, IEC 61850-9-2 annex B: recommended destinations. */
static void
check_destination(const struct circuit *circuit, struct findings *findings)
{
    static const uint8_t prefixes[MULTICAST_APPLICATION_MAX][4] = {
        [MULTICAST_GOOSE] = {0x01, 0x0c, 0xcd, 0x01}, [MULTICAST_SV] = {0x01, 0x0c, 0xcd, 0x04}};
    const struct multicast_service *m = &circuit->multicast;
    char text[MAC_TEXT_SIZE];
    mac_format(&m->mac, text);
    if (!mac_is_group(&m->mac))
        ERROR("mac-not-group", "circuit", circuit->name, "multicast/mac",
              "%s is not a group address", text);
    else if (memcmp(m->mac.octets, prefixes[m->application], 4) || m->mac.octets[4] > 1)
        INFO("mac-unusual", "circuit", circuit->name, "multicast/mac",
             "%s is outside the range recommended for %s", text,
             m->application == MULTICAST_GOOSE ? "GOOSE" : "sampled values");
}

/* IEC 61850-8-1 annex C: the two highest bits of an APPID say what it identifies. */
static void
check_appid(const struct circuit *circuit, struct findings *findings)
{
    const struct multicast_service *m = &circuit->multicast;
    unsigned type = m->appid >> 14;
    bool usual = m->application == MULTICAST_SV ? type == 1 : type == 0 || type == 2;
    if (!usual)
        INFO("appid-unusual", "circuit", circuit->name, "multicast/appid",
             "%04X is outside the range reserved for %s", m->appid,
             m->application == MULTICAST_GOOSE ? "GOOSE" : "sampled values");
}

static void
check_multicast(const struct network *network, const struct circuit *circuit,
                struct findings *findings)
{
    const struct multicast_service *m = &circuit->multicast;
    check_end(network, circuit, "multicast/publisher", m->publisher, findings);
    for (uint32_t i = 0; i < m->n_subscribers; i++) {
        check_end(network, circuit, "multicast/subscribers", m->subscribers[i], findings);
        if (!strcmp(m->subscribers[i], m->publisher))
            ERROR("same-host", "circuit", circuit->name, "multicast/subscribers",
                  "the publisher %s is among its subscribers", m->publisher);
    }
    if (m->n_subscribers == 0)
        ERROR("subscriber-missing", "circuit", circuit->name, "multicast/subscribers",
              "there is nobody to deliver to");
    check_destination(circuit, findings);
    check_appid(circuit, findings);
}

static void
check_limits(const struct circuit *circuit, struct findings *findings)
{
    const struct window *window = &circuit->window;
    if ((window->start || window->end) && window->end <= window->start)
        ERROR("window-invalid", "circuit", circuit->name, "window/end", "is not after the start");
    if (circuit->rate_kbps == 0 || circuit->burst_octets == 0)
        ERROR("rate-missing", "circuit", circuit->name,
              circuit->rate_kbps ? "burst-octets" : "rate-kbps", "is 0, so nothing passes");
    else if (circuit->kind == CIRCUIT_IP && circuit->burst_octets < LARGE_FRAME)
        WARN("burst-small", "circuit", circuit->name, "burst-octets",
             "%u octets are less than one frame of %d: such frames are dropped",
             circuit->burst_octets, LARGE_FRAME);
}

static void
check_alone(const struct network *network, const struct circuit *circuit, struct findings *findings)
{
    if (circuit->kind == CIRCUIT_IP)
        check_ip(network, circuit, findings);
    else
        check_multicast(network, circuit, findings);
    check_limits(circuit, findings);
}

/* ---- Two circuits ------------------------------------------------------------------------------
 */

static bool
is_always(const struct window *window)
{
    return window->start == 0 && window->end == 0;
}

static bool
windows_overlap(const struct window *a, const struct window *b)
{
    return is_always(a) || is_always(b) || (a->start < b->end && b->start < a->end);
}

/* The lowest port that both may reach; 0 if there is none. Both lists ascend. */
static uint16_t
common_port(const struct ip_service *a, const struct ip_service *b)
{
    for (uint32_t i = 0, j = 0; i < a->n_server_ports && j < b->n_server_ports;) {
        uint16_t x = a->server_ports[i], y = b->server_ports[j];
        if (x == y)
            return x;
        if (x < y)
            i++;
        else
            j++;
    }
    return 0;
}

/* Some packet belongs to both; `*port` is the server's port of such a packet. */
static bool
same_conversation(const struct ip_service *a, const struct ip_service *b, uint16_t *port)
{
    *port = 0;
    if (a->protocol != b->protocol || strcmp(a->client, b->client) || strcmp(a->server, b->server))
        return false;
    if (a->protocol == IP_PROTO_ICMP)
        return true;
    if (a->client_port && b->client_port && a->client_port != b->client_port)
        return false;
    *port = common_port(a, b);
    return *port != 0;
}

/* What has been said about a circuit beside others: one error is enough to know, and one warning.
 */
struct verdict {
    bool error, warning;
    struct findings *findings;
};

static void
compare_multicasts(const struct circuit *a, const struct circuit *b, struct verdict *verdict)
{
    const struct multicast_service *x = &a->multicast, *y = &b->multicast;
    struct findings *findings = verdict->findings;
    bool one_address = mac_equal(&x->mac, &y->mac) && x->vlan_id == y->vlan_id;
    bool one_application = x->application == y->application;
    bool one_appid = one_application && x->appid == y->appid;
    if (one_address && one_appid) {
        verdict->error = true;
        ERROR("multicast-duplicate", "circuit", a->name, "multicast/mac",
              "circuit %s has the same MAC address, VLAN and APPID", b->name);
    } else if (one_address && one_application && !strcmp(x->publisher, y->publisher)) {
        verdict->error = true;
        ERROR("multicast-duplicate", "circuit", a->name, "multicast/mac",
              "circuit %s has the same publisher, MAC address and VLAN: switches cannot tell them "
              "apart",
              b->name);
    } else if ((one_address || one_appid) && !verdict->warning) {
        verdict->warning = true;
        WARN(one_address ? "multicast-shared" : "appid-duplicate", "circuit", a->name,
             one_address ? "multicast/mac" : "multicast/appid", "circuit %s has the same %s",
             b->name, one_address ? "MAC address and VLAN" : "APPID");
    }
}

/* `only_port` is the group the two were found in: conversations that have many ports in common are
 * reported once. 0: whatever it is. */
static void
compare_conversations(const struct circuit *a, const struct circuit *b, uint16_t only_port,
                      struct verdict *verdict)
{
    struct findings *findings = verdict->findings;
    uint16_t port;
    if (!same_conversation(&a->ip, &b->ip, &port) || (only_port && port != only_port))
        return;
    verdict->error = true;
    if (port)
        ERROR("conversation-duplicate", "circuit", a->name, "ip/server-ports",
              "circuit %s lets the same packets pass, to port %u", b->name, port);
    else
        ERROR("conversation-duplicate", "circuit", a->name, "ip/protocol",
              "circuit %s lets the same packets pass", b->name);
}

static void
compare(const struct circuit *a, const struct circuit *b, uint16_t only_port,
        struct verdict *verdict)
{
    if (a->kind != b->kind || !windows_overlap(&a->window, &b->window))
        return;
    if (a->kind == CIRCUIT_MULTICAST)
        compare_multicasts(a, b, verdict);
    else
        compare_conversations(a, b, only_port, verdict);
}

void
network_check_circuit(const struct network *network, const struct circuit *circuit,
                      struct findings *findings)
{
    struct verdict verdict = {.findings = findings};
    check_alone(network, circuit, findings);
    for (const struct circuit *other = network->circuits; other && !verdict.error;
         other = other->hh.next) {
        if (strcmp(other->name, circuit->name))
            compare(circuit, other, 0, &verdict);
    }
}

/* ---- Each with each other ----------------------------------------------------------------------
 */

/* Circuits that have something in common, which is the only ones that have to be compared. */
struct group {
    const struct circuit **circuits;
    size_t n, capacity;
};

struct grouping {
    struct claim *by_key; /* of struct group */
    struct group **all;
    size_t n, capacity;
    struct findings *findings;
};

static struct group *
group_of(struct grouping *grouping, const struct buf *key)
{
    struct group *group = (struct group *)claim_owner(&grouping->by_key, key->data, key->size);
    if (!group) {
        group = xcalloc(1, sizeof *group);
        claim_key(&grouping->by_key, key->data, key->size, group);
        GROW(grouping->all, grouping->n, grouping->capacity);
        grouping->all[grouping->n++] = group;
    }
    return group;
}

/* Compares with those that came before. */
static void
join(struct grouping *grouping, const struct buf *key, const struct circuit *circuit, uint16_t port)
{
    struct group *group = group_of(grouping, key);
    struct verdict verdict = {.findings = grouping->findings};
    for (size_t i = 0; i < group->n && !verdict.error; i++)
        compare(circuit, group->circuits[i], port, &verdict);
    GROW(group->circuits, group->n, group->capacity);
    group->circuits[group->n++] = circuit;
}

static void
group_conversation(struct grouping *grouping, const struct circuit *circuit)
{
    const struct ip_service *ip = &circuit->ip;
    struct buf key = BUF_INIT;
    bool icmp = ip->protocol == IP_PROTO_ICMP;
    for (uint32_t i = 0; i < (icmp ? 1 : ip->n_server_ports); i++) {
        uint16_t port = icmp ? 0 : ip->server_ports[i];
        buf_clear(&key);
        buf_printf(&key, "ip %u %u %s %s", ip->protocol, port, ip->client, ip->server);
        join(grouping, &key, circuit, port);
    }
    buf_fini(&key);
}

/* By address and by APPID; two that have both in common are compared in the first group only. */
static void
group_multicast(struct grouping *grouping, const struct circuit *circuit)
{
    const struct multicast_service *m = &circuit->multicast;
    struct buf key = BUF_INIT;
    char mac[MAC_TEXT_SIZE];
    buf_printf(&key, "address %s %d", mac_format(&m->mac, mac), m->vlan_id);
    join(grouping, &key, circuit, 0);
    buf_clear(&key);
    buf_printf(&key, "appid %d %04x", m->application, m->appid);
    struct group *group = group_of(grouping, &key);
    bool alone = true; /* one of each address: the others are reported by address */
    for (size_t i = 0; i < group->n; i++) {
        const struct multicast_service *other = &group->circuits[i]->multicast;
        if (mac_equal(&m->mac, &other->mac) && m->vlan_id == other->vlan_id)
            alone = false;
    }
    if (alone)
        join(grouping, &key, circuit, 0);
    buf_fini(&key);
}

static void
check_connected(struct islands *islands, const struct network *network,
                const struct circuit *circuit, const char *from, const char *to,
                struct findings *findings)
{
    const struct host *a = network_host(network, from), *b = network_host(network, to);
    if (a && b && !islands_connected(islands, a->node, b->node))
        ERROR("no-path", "circuit", circuit->name, NULL, "no links lead from host %s to host %s",
              from, to);
}

static void
check_path(struct islands *islands, const struct network *network, const struct circuit *circuit,
           struct findings *findings)
{
    const struct multicast_service *m = &circuit->multicast;
    if (circuit->kind == CIRCUIT_IP)
        check_connected(islands, network, circuit, circuit->ip.client, circuit->ip.server,
                        findings);
    for (uint32_t i = 0; circuit->kind == CIRCUIT_MULTICAST && i < m->n_subscribers; i++)
        check_connected(islands, network, circuit, m->publisher, m->subscribers[i], findings);
}

void
check_circuits(const struct network *network, struct findings *findings)
{
    struct grouping grouping = {.findings = findings};
    struct islands *islands = islands_find(network);
    islands_report(islands, findings);
    for (const struct circuit *circuit = network->circuits; circuit; circuit = circuit->hh.next) {
        check_alone(network, circuit, findings);
        check_path(islands, network, circuit, findings);
        if (circuit->kind == CIRCUIT_IP)
            group_conversation(&grouping, circuit);
        else
            group_multicast(&grouping, circuit);
    }
    for (size_t i = 0; i < grouping.n; i++) {
        free(grouping.all[i]->circuits);
        free(grouping.all[i]);
    }
    free(grouping.all);
    claims_free(&grouping.by_key);
    islands_free(islands);
}
