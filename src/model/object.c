#include "model/object.h"

#include "base/alloc.h"
#include "model/text.h"
#include "model/vpn.h"
#include "packet/flow_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MAX_US 10000000
#define WAIT_MAX_MS 86400000
#define LOCAL_HOURS_MAX 168 /* a week */
#define BURST_DEFAULT 15180 /* ten frames of 1518 octets */
#define SERVER_PORTS_MAX 64
#define PRIORITY_DEFAULT 4
#define TIME_NOT_GIVEN (-1) /* while a window is being read */

static const char *const site_kinds[] = {"control-centre", "wan", "substation", NULL};
static const char *const node_kinds[] = {"tieline-edge", "openvswitch", "openflow", NULL};
static const char *const platforms[] = {"frr", "junos", "ietf", NULL};
static const char *const transports[] = {"ssh", "tls", NULL};
static const char *const metrics[] = {"igp", "te", "delay", "hops", NULL};
static const char *const applications[] = {"goose", "sv", NULL};
static const char *const service_classes[] = {"bulk", "engineering", "scada", "protection", NULL};
static const char *const disjointnesses[] = {"none", "maximal", "link", "node", NULL};
static const char *const drift_policies[] = {"repair", "report", NULL};
static const char *const local_policies[] = {"none", "disable", "all", NULL};
static const char *const conflict_policies[] = {"centre-wins", "local-stays", NULL};

_Static_assert(ARRAY_SIZE(site_kinds) == SITE_KIND_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(node_kinds) == NODE_KIND_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(platforms) == ROUTER_PLATFORM_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(transports) == NETCONF_TRANSPORT_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(metrics) == TUNNEL_METRIC_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(applications) == MULTICAST_APPLICATION_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(service_classes) == CLASS_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(disjointnesses) == DISJOINT_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(drift_policies) == DRIFT_POLICY_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(local_policies) == LOCAL_POLICY_MAX + 1, "a word for each");
_Static_assert(ARRAY_SIZE(conflict_policies) == CONFLICT_POLICY_MAX + 1, "a word for each");

static bool
is_ip(const void *object)
{
    return ((const struct circuit *)object)->kind == CIRCUIT_IP;
}

static bool
is_multicast(const void *object)
{
    return ((const struct circuit *)object)->kind == CIRCUIT_MULTICAST;
}

static bool
is_tagged(const void *object)
{
    return is_multicast(object) && ((const struct circuit *)object)->multicast.vlan_id >= 0;
}

static bool
is_set(const struct window *window)
{
    return window->start != 0 || window->end != 0;
}

static bool
tunnel_has_window(const void *object)
{
    return is_set(&((const struct tunnel *)object)->window);
}

static bool
has_window(const void *object)
{
    return is_set(&((const struct circuit *)object)->window);
}

static bool
has_failover(const void *object)
{
    return ((const struct design *)object)->has_failover;
}

#define AT(type, member_name) .offset = offsetof(struct type, member_name)
#define MORE(type, member_name) .more = offsetof(struct type, member_name)
#define LIST(type, list, count) AT(type, list), MORE(type, count)
#define WORD(list) .type = MEMBER_WORD, .words = (list)
#define NO_WORD UINT32_MAX

static const struct member site_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(site, name)},
    {"description", "description", NULL, MEMBER_TEXT, AT(site, description)},
    {"kind", "kind", WORD(site_kinds), .need = MEMBER_REQUIRED, .fallback = NO_WORD,
     AT(site, kind)},
};

static const struct member node_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(node, name)},
    {"site", "site", NULL, MEMBER_NAME, MEMBER_REQUIRED, AT(node, site)},
    {"description", "description", NULL, MEMBER_TEXT, AT(node, description)},
    {"kind", "kind", WORD(node_kinds), .need = MEMBER_REQUIRED, .fallback = NO_WORD,
     AT(node, kind)},
    {"datapath-id", "datapath-id", NULL, MEMBER_DATAPATH_ID, MEMBER_REQUIRED,
     AT(node, datapath_id)},
    {"management-address", "management-address", NULL, MEMBER_IPV4, AT(node, management_address)},
    {"probe", "probe", NULL, MEMBER_BOOL, AT(node, probe)},
    {"port", NULL, NULL, MEMBER_PORTS, LIST(node, ports, n_ports)},
};

static const struct member port_members[] = {
    {"number", "number", NULL, MEMBER_U32, MEMBER_KEY, AT(port, number), .min = 1,
     .max = UINT32_C(0xffffff00)},
    {"name", "name", NULL, MEMBER_NAME, MEMBER_REQUIRED, AT(port, name)},
    {"description", "description", NULL, MEMBER_TEXT, AT(port, description)},
};

static const struct member link_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(link, name)},
    {"description", "description", NULL, MEMBER_TEXT, AT(link, description)},
    {"node", "node-a", "a", MEMBER_NAME, MEMBER_REQUIRED, AT(link, a.node)},
    {"port", "port-a", "a", MEMBER_U32, MEMBER_REQUIRED, AT(link, a.port), .min = 1,
     .max = UINT32_C(0xffffff00)},
    {"node", "node-b", "b", MEMBER_NAME, MEMBER_REQUIRED, AT(link, b.node)},
    {"port", "port-b", "b", MEMBER_U32, MEMBER_REQUIRED, AT(link, b.port), .min = 1,
     .max = UINT32_C(0xffffff00)},
    {"delay-us", "delay-us", NULL, MEMBER_U32, MEMBER_REQUIRED, AT(link, delay_us),
     .max = DELAY_MAX_US},
    {"capacity-kbps", "capacity-kbps", NULL, MEMBER_U32, MEMBER_REQUIRED, AT(link, capacity_kbps),
     .min = 1, .max = UINT32_MAX},
    {"shared-risks", "shared-risks", NULL, MEMBER_NAMES, LIST(link, shared_risks, n_shared_risks)},
    {"tunnel", "tunnel", NULL, MEMBER_NAME, AT(link, tunnel)},
    {"vpn", "vpn", NULL, MEMBER_NAME, AT(link, vpn)},
};

static const struct member host_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(host, name)},
    {"description", "description", NULL, MEMBER_TEXT, AT(host, description)},
    {"mac", "mac", NULL, MEMBER_MAC, MEMBER_REQUIRED, AT(host, mac)},
    {"ipv4", "ipv4", NULL, MEMBER_IPV4_INTERFACE, AT(host, ipv4), MORE(host, prefix_length)},
    {"gateway", "gateway", NULL, MEMBER_IPV4, AT(host, gateway)},
    {"node", "node", NULL, MEMBER_NAME, MEMBER_REQUIRED, AT(host, node)},
    {"port", "port", NULL, MEMBER_U32, MEMBER_REQUIRED, AT(host, port), .min = 1,
     .max = UINT32_C(0xffffff00)},
    {"ied", "ied", NULL, MEMBER_NAME, AT(host, ied)},
};

static const struct member router_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(router, name)},
    {"site", "site", NULL, MEMBER_NAME, MEMBER_REQUIRED, AT(router, site)},
    {"description", "description", NULL, MEMBER_TEXT, AT(router, description)},
    {"router-id", "router-id", NULL, MEMBER_IPV4, MEMBER_REQUIRED, AT(router, router_id)},
    {"platform", "platform", WORD(platforms), .need = MEMBER_REQUIRED, .fallback = NO_WORD,
     AT(router, platform)},
    {"management-address", "management-address", NULL, MEMBER_IPV4, AT(router, management_address)},
    {"netconf-transport", "netconf-transport", WORD(transports), .fallback = NETCONF_SSH,
     AT(router, netconf_transport)},
    {"netconf-port", "netconf-port", NULL, MEMBER_U16, AT(router, netconf_port), .min = 1,
     .max = UINT16_MAX},
    {"netconf-user", "netconf-user", NULL, MEMBER_NAME, AT(router, netconf_user)},
};

static const struct member vpn_members[] = {
    {"name", NULL, NULL, MEMBER_NAME, MEMBER_KEY, AT(vpn, name)},
    {"description", NULL, NULL, MEMBER_TEXT, AT(vpn, description)},
    {"service", NULL, NULL, MEMBER_DOCUMENT, MEMBER_REQUIRED, AT(vpn, service)},
};

static const struct member tunnel_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(tunnel, name)},
    {"description", "description", NULL, MEMBER_TEXT, AT(tunnel, description)},
    {"head", "head", NULL, MEMBER_NAME, MEMBER_REQUIRED, AT(tunnel, head)},
    {"tail", "tail", NULL, MEMBER_NAME, MEMBER_REQUIRED, AT(tunnel, tail)},
    {"rate-kbps", "rate-kbps", NULL, MEMBER_U32, MEMBER_REQUIRED, AT(tunnel, rate_kbps), .min = 1,
     .max = UINT32_MAX},
    {"setup-priority", "setup-priority", NULL, MEMBER_U8, AT(tunnel, setup_priority), .max = 7,
     .fallback = PRIORITY_DEFAULT},
    {"hold-priority", "hold-priority", NULL, MEMBER_U8, AT(tunnel, hold_priority), .max = 7,
     .fallback = PRIORITY_DEFAULT},
    {"metric", "metric", WORD(metrics), .fallback = TUNNEL_TE, AT(tunnel, metric)},
    {"max-latency-us", "max-latency-us", NULL, MEMBER_U32, AT(tunnel, max_latency_us), .min = 1,
     .max = DELAY_MAX_US},
    {"max-asymmetry-us", "max-asymmetry-us", NULL, MEMBER_U32, AT(tunnel, max_asymmetry_us),
     .min = 1, .max = DELAY_MAX_US},
    {"max-hops", "max-hops", NULL, MEMBER_U8, AT(tunnel, max_hops), .min = 1, .max = UINT8_MAX},
    {"via", "via", NULL, MEMBER_NAMES, LIST(tunnel, via, n_via), .ordered = true},
    {"strict", "strict", NULL, MEMBER_BOOL, AT(tunnel, strict), .fallback = false},
    {"avoid", "avoid", NULL, MEMBER_NAMES, LIST(tunnel, avoid, n_avoid)},
    {"include-any", "include-any", NULL, MEMBER_U32, AT(tunnel, include_any), .max = UINT32_MAX,
     .fallback = 0},
    {"include-all", "include-all", NULL, MEMBER_U32, AT(tunnel, include_all), .max = UINT32_MAX,
     .fallback = 0},
    {"exclude-any", "exclude-any", NULL, MEMBER_U32, AT(tunnel, exclude_any), .max = UINT32_MAX,
     .fallback = 0},
    {"protection", "protection", WORD(disjointnesses), .fallback = DISJOINT_MAXIMAL,
     AT(tunnel, protection)},
    {"diverse-from", "diverse-from", NULL, MEMBER_NAME, AT(tunnel, diverse_from)},
    {"start", "start", "window", MEMBER_TIME, MEMBER_REQUIRED, AT(tunnel, window.start),
     .present = tunnel_has_window},
    {"end", "end", "window", MEMBER_TIME, MEMBER_REQUIRED, AT(tunnel, window.end),
     .present = tunnel_has_window},
};

static const struct member circuit_members[] = {
    {"name", "name", NULL, MEMBER_NAME, MEMBER_KEY, AT(circuit, name)},
    {"description", "description", NULL, MEMBER_TEXT, AT(circuit, description)},
    {"client", "client", "ip", MEMBER_NAME, MEMBER_REQUIRED, AT(circuit, ip.client),
     .present = is_ip},
    {"server", "server", "ip", MEMBER_NAME, MEMBER_REQUIRED, AT(circuit, ip.server),
     .present = is_ip},
    {"protocol", NULL, "ip", MEMBER_IP_PROTOCOL, MEMBER_REQUIRED, AT(circuit, ip.protocol),
     .present = is_ip},
    {"client-port", "client-port", "ip", MEMBER_U16, AT(circuit, ip.client_port), .min = 1,
     .max = UINT16_MAX, .present = is_ip},
    {"server-ports", "server-ports", "ip", MEMBER_TRANSPORT_PORTS,
     LIST(circuit, ip.server_ports, ip.n_server_ports), .max = SERVER_PORTS_MAX, .present = is_ip},
    {"application", NULL, "multicast", WORD(applications), .need = MEMBER_REQUIRED,
     .fallback = NO_WORD, AT(circuit, multicast.application), .present = is_multicast},
    {"publisher", "publisher", "multicast", MEMBER_NAME, MEMBER_REQUIRED,
     AT(circuit, multicast.publisher), .present = is_multicast},
    {"subscribers", "subscribers", "multicast", MEMBER_NAMES, MEMBER_REQUIRED,
     LIST(circuit, multicast.subscribers, multicast.n_subscribers), .min = 1,
     .present = is_multicast},
    {"mac", "mac", "multicast", MEMBER_MAC, MEMBER_REQUIRED, AT(circuit, multicast.mac),
     .present = is_multicast},
    {"vlan-id", "vlan-id", "multicast", MEMBER_VLAN, AT(circuit, multicast.vlan_id), .max = 4094,
     .present = is_multicast},
    {"vlan-priority", "vlan-priority", "multicast", MEMBER_U8, AT(circuit, multicast.vlan_priority),
     .max = 7, .fallback = 4, .present = is_tagged},
    {"appid", "appid", "multicast", MEMBER_APPID, MEMBER_REQUIRED, AT(circuit, multicast.appid),
     .present = is_multicast},
    {"service-class", "service-class", WORD(service_classes), .need = MEMBER_REQUIRED,
     .fallback = NO_WORD, AT(circuit, service_class)},
    {"rate-kbps", "rate-kbps", NULL, MEMBER_U32, MEMBER_REQUIRED, AT(circuit, rate_kbps), .min = 1,
     .max = UINT32_MAX},
    {"burst-octets", "burst-octets", NULL, MEMBER_U32, AT(circuit, burst_octets), .min = 64,
     .max = UINT32_MAX, .fallback = BURST_DEFAULT},
    {"max-latency-us", "max-latency-us", NULL, MEMBER_U32, AT(circuit, max_latency_us), .min = 1,
     .max = DELAY_MAX_US},
    {"max-asymmetry-us", "max-asymmetry-us", NULL, MEMBER_U32, AT(circuit, max_asymmetry_us),
     .min = 1, .max = DELAY_MAX_US, .present = is_ip},
    {"protection", "protection", WORD(disjointnesses), .fallback = DISJOINT_MAXIMAL,
     AT(circuit, protection)},
    {"start", "start", "window", MEMBER_TIME, MEMBER_REQUIRED, AT(circuit, window.start),
     .present = has_window},
    {"end", "end", "window", MEMBER_TIME, MEMBER_REQUIRED, AT(circuit, window.end),
     .present = has_window},
};

static const struct member design_members[] = {
    {"circuit", NULL, NULL, MEMBER_NAME, MEMBER_KEY, AT(design, circuit)},
    {"number", NULL, NULL, MEMBER_U32, MEMBER_REQUIRED, AT(design, number), .min = 1,
     .max = UINT16_MAX},
    {"links", NULL, "primary", MEMBER_NAMES, LIST(design, primary.links, primary.n_links),
     .ordered = true},
    {"links", NULL, "failover", MEMBER_NAMES, LIST(design, failover.links, failover.n_links),
     .ordered = true, .present = has_failover},
    {"disjoint", NULL, WORD(disjointnesses), .need = MEMBER_REQUIRED, .fallback = NO_WORD,
     AT(design, disjoint)},
    {"shared-links", NULL, NULL, MEMBER_NAMES, LIST(design, shared_links, n_shared_links)},
    {"shared-nodes", NULL, NULL, MEMBER_NAMES, LIST(design, shared_nodes, n_shared_nodes)},
};

static const struct member settings_members[] = {
    {"missing-rule", NULL, WORD(drift_policies), AT(settings, missing_rule)},
    {"foreign-rule", NULL, WORD(drift_policies), AT(settings, foreign_rule)},
    {"wait-to-restore-ms", NULL, NULL, MEMBER_U32, AT(settings, wait_to_restore_ms),
     .max = WAIT_MAX_MS, .fallback = 1000},
    {"revertive", NULL, NULL, MEMBER_BOOL, AT(settings, revertive), .fallback = true},
    {"shape-links", NULL, NULL, MEMBER_BOOL, AT(settings, shape_links), .fallback = false},
    {"local-work", NULL, WORD(local_policies), AT(settings, local_work)},
    {"local-work-hours", NULL, NULL, MEMBER_U32, AT(settings, local_work_hours), .min = 1,
     .max = LOCAL_HOURS_MAX, .fallback = 24},
    {"local-conflict", NULL, WORD(conflict_policies), AT(settings, local_conflict)},
};

/* ---- What has to hold between members ----------------------------------------------------------
 */

/* Which of ip and multicast is given says which kind of circuit it is. */
static enum err
enter_circuit_group(void *object, const char *group, struct diag *diag)
{
    struct circuit *circuit = object;
    if (!strcmp(group, "window")) {
        circuit->window = (struct window){TIME_NOT_GIVEN, TIME_NOT_GIVEN};
        return ERR_OK;
    }
    if (circuit->kind != CIRCUIT_KIND_MAX)
        return diag_set(diag, ERR_INVALID, "has both ip and multicast");
    circuit->kind = !strcmp(group, "ip") ? CIRCUIT_IP : CIRCUIT_MULTICAST;
    return ERR_OK;
}

static enum err
enter_tunnel_group(void *object, const char *group UNUSED, struct diag *diag UNUSED)
{
    ((struct tunnel *)object)->window = (struct window){TIME_NOT_GIVEN, TIME_NOT_GIVEN};
    return ERR_OK;
}

static enum err
enter_design_group(void *object, const char *group, struct diag *diag UNUSED)
{
    if (!strcmp(group, "failover"))
        ((struct design *)object)->has_failover = true;
    return ERR_OK;
}

static enum err
check_ip_ports(const struct ip_service *ip, const struct member **culprit, struct diag *diag)
{
    bool icmp = ip->protocol == IP_PROTO_ICMP;
    if (icmp && ip->client_port) {
        *culprit = object_member(OBJECT_CIRCUIT, "ip", "client-port");
        return diag_set(diag, ERR_INVALID, "ICMP has no ports");
    }
    *culprit = object_member(OBJECT_CIRCUIT, "ip", "server-ports");
    if (icmp && ip->n_server_ports)
        return diag_set(diag, ERR_INVALID, "ICMP has no ports");
    if (!icmp && !ip->n_server_ports)
        return diag_set(diag, ERR_INVALID, "TCP and UDP need at least one");
    return ERR_OK;
}

static enum err
check_window(enum object_kind kind, const struct window *window, const struct member **culprit,
             struct diag *diag)
{
    if (!is_set(window) || window->end > window->start)
        return ERR_OK;
    *culprit = object_member(kind, "window", "end");
    return diag_set(diag, ERR_INVALID, "must be after the start");
}

static enum err
check_tunnel(const void *object, const struct member **culprit, struct diag *diag)
{
    const struct tunnel *tunnel = object;
    *culprit = object_member(OBJECT_TUNNEL, NULL, "hold-priority");
    if (tunnel->hold_priority > tunnel->setup_priority)
        return diag_set(diag, ERR_INVALID, "must not be a higher number than the setup-priority");
    *culprit = NULL;
    return check_window(OBJECT_TUNNEL, &tunnel->window, culprit, diag);
}

static enum err
check_vpn(const void *object, const struct member **culprit, struct diag *diag)
{
    *culprit = object_member(OBJECT_VPN, NULL, "service");
    return vpn_check(object, diag);
}

static enum err
check_circuit(const void *object, const struct member **culprit, struct diag *diag)
{
    const struct circuit *circuit = object;
    *culprit = NULL;
    if (circuit->kind == CIRCUIT_KIND_MAX)
        return diag_set(diag, ERR_INVALID, "has neither ip nor multicast");
    if (circuit->kind == CIRCUIT_IP) {
        enum err err = check_ip_ports(&circuit->ip, culprit, diag);
        if (err)
            return err;
    }
    return check_window(OBJECT_CIRCUIT, &circuit->window, culprit, diag);
}

static enum err
check_host(const void *object, const struct member **culprit, struct diag *diag)
{
    const struct host *host = object;
    *culprit = object_member(OBJECT_HOST, NULL, "gateway");
    if (host->gateway && !host->ipv4)
        return diag_set(diag, ERR_INVALID, "a gateway without an IPv4 address");
    return ERR_OK;
}

#define MEMBERS(type) sizeof(struct type), type##_members, ARRAY_SIZE(type##_members)

static const struct object_class classes[OBJECT_KIND_MAX] = {
    [OBJECT_SITE] = {"site", MEMBERS(site), NULL, NULL},
    [OBJECT_NODE] = {"node", MEMBERS(node), NULL, NULL},
    [OBJECT_LINK] = {"link", MEMBERS(link), NULL, NULL},
    [OBJECT_HOST] = {"host", MEMBERS(host), NULL, check_host},
    [OBJECT_ROUTER] = {"router", MEMBERS(router), NULL, NULL},
    [OBJECT_TUNNEL] = {"tunnel", MEMBERS(tunnel), enter_tunnel_group, check_tunnel},
    [OBJECT_VPN] = {"vpn", MEMBERS(vpn), NULL, check_vpn},
    [OBJECT_CIRCUIT] = {"circuit", MEMBERS(circuit), enter_circuit_group, check_circuit},
    [OBJECT_DESIGN] = {"design", MEMBERS(design), enter_design_group, NULL},
    [OBJECT_PORT] = {"port", MEMBERS(port), NULL, NULL},
    [OBJECT_SETTINGS] = {"settings", MEMBERS(settings), NULL, NULL},
};

const struct object_class *
object_class(enum object_kind kind)
{
    return &classes[kind];
}

static bool
same_group(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

const struct member *
object_member(enum object_kind kind, const char *group, const char *name)
{
    const struct object_class *class = &classes[kind];
    for (size_t i = 0; i < class->n_members; i++) {
        const struct member *m = &class->members[i];
        if (same_group(m->group, group) && !strcmp(m->name, name))
            return m;
    }
    return NULL;
}

/* ---- Life -------------------------------------------------------------------------------------
 */

void *
object_new(enum object_kind kind)
{
    void *object = xcalloc(1, classes[kind].size);
    for (size_t i = 0; i < classes[kind].n_members; i++)
        member_clear(&classes[kind].members[i], object);
    if (kind == OBJECT_CIRCUIT)
        ((struct circuit *)object)->kind = CIRCUIT_KIND_MAX;
    return object;
}

void
object_fini(enum object_kind kind, void *object)
{
    for (size_t i = 0; i < classes[kind].n_members; i++)
        member_clear(&classes[kind].members[i], object);
}

void
object_free(enum object_kind kind, void *object)
{
    if (!object)
        return;
    object_fini(kind, object);
    free(object);
}

/* A copy is in no network yet. */
static void
clear_handle(enum object_kind kind, void *object)
{
    static const size_t handles[OBJECT_NAMED_MAX] = {
        [OBJECT_SITE] = offsetof(struct site, hh),
        [OBJECT_NODE] = offsetof(struct node, hh),
        [OBJECT_LINK] = offsetof(struct link, hh),
        [OBJECT_HOST] = offsetof(struct host, hh),
        [OBJECT_ROUTER] = offsetof(struct router, hh),
        [OBJECT_TUNNEL] = offsetof(struct tunnel, hh),
        [OBJECT_VPN] = offsetof(struct vpn, hh),
        [OBJECT_CIRCUIT] = offsetof(struct circuit, hh),
        [OBJECT_DESIGN] = offsetof(struct design, hh),
    };
    if (kind < OBJECT_NAMED_MAX)
        memset((char *)object + handles[kind], 0, sizeof(UT_hash_handle));
}

void
object_own(enum object_kind kind, void *object)
{
    for (size_t i = 0; i < classes[kind].n_members; i++)
        member_own(&classes[kind].members[i], object);
}

void *
object_copy(enum object_kind kind, const void *object)
{
    void *copy = xmemdup(object, classes[kind].size);
    clear_handle(kind, copy);
    object_own(kind, copy);
    return copy;
}

bool
object_equal(enum object_kind kind, const void *a, const void *b)
{
    for (size_t i = 0; i < classes[kind].n_members; i++) {
        if (!member_equal(&classes[kind].members[i], a, b))
            return false;
    }
    return true;
}

const char *
object_name(enum object_kind kind, const void *object)
{
    if (kind == OBJECT_SETTINGS)
        return "";
    size_t offset = kind == OBJECT_PORT ? offsetof(struct port, name)
                                        : classes[kind].members[0].offset;
    const char *name;
    memcpy(&name, (const char *)object + offset, sizeof name);
    return name;
}

/* ---- JSON -------------------------------------------------------------------------------------
 */

static enum err
name_culprit(const struct member *m, struct diag *diag, enum err err)
{
    if (diag && m)
        diag_prefix(diag, "%s%s%s", m->group ? m->group : "", m->group ? "/" : "", m->name);
    return err;
}

/* Is it missing, or there where it should not be? */
static enum err
check_member(enum object_kind kind, const struct member *m, const void *object, bool given,
             bool kept, struct diag *diag)
{
    bool present = !m->present || m->present(object);
    if (given && !present)
        return diag_set(diag, ERR_INVALID, "does not apply to this %s", classes[kind].word);
    if (present && m->need != MEMBER_OPTIONAL && !((given || kept) && member_is_set(m, object)))
        return diag_set(diag, ERR_INVALID, "is missing");
    return ERR_OK;
}

enum err
object_check(enum object_kind kind, const void *object, uint64_t given, uint64_t kept,
             const struct member **culprit, struct diag *diag)
{
    const struct object_class *class = &classes[kind];
    const struct member *ignored;
    if (!culprit)
        culprit = &ignored;
    for (size_t i = 0; i < class->n_members; i++) {
        *culprit = &class->members[i];
        enum err err = check_member(kind, *culprit, object, given >> i & 1, kept >> i & 1, diag);
        if (err)
            return err;
    }
    *culprit = NULL;
    return class->check ? class->check(object, culprit, diag) : ERR_OK;
}

static bool
has_group(const struct object_class *class, const char *name)
{
    for (size_t i = 0; i < class->n_members; i++) {
        if (class->members[i].group && !strcmp(class->members[i].group, name))
            return true;
    }
    return false;
}

/* Says which member was probably meant. */
static enum err
unknown_field(enum object_kind kind, const char *group, const char *name, struct diag *diag)
{
    const struct object_class *class = &classes[kind];
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < class->n_members; i++) {
        const struct member *m = &class->members[i];
        if (same_group(m->group, group))
            names[n++] = m->name;
        else if (!group && (i == 0 || !same_group(m->group, class->members[i - 1].group)))
            names[n++] = m->group;
    }
    const char *nearest = nearest_word(name, names, n);
    return diag_set(diag, ERR_INVALID, "%s%s%.60s: there is no such field%s%s", group ? group : "",
                    group ? "/" : "", name, nearest ? "; is it " : "", nearest ? nearest : "");
}

struct reading {
    enum object_kind kind;
    void *object;
    uint64_t given; /* bit per member */
    struct diag *diag;
};

static enum err read_members(struct reading *r, const char *group, const json_t *json);

static enum err
read_group(struct reading *r, const char *group, const json_t *json)
{
    const struct object_class *class = &classes[r->kind];
    if (!json_is_object(json))
        return diag_set(r->diag, ERR_INVALID, "%s: must be an object", group);
    if (class->enter_group) {
        enum err err = class->enter_group(r->object, group, r->diag);
        if (err)
            return err;
    }
    return read_members(r, group, json);
}

static enum err
read_members(struct reading *r, const char *group, const json_t *json)
{
    const struct object_class *class = &classes[r->kind];
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)json, key, value)
    {
        const struct member *m = object_member(r->kind, group, key);
        enum err err;
        if (m) {
            err = member_from_json(m, r->object, value, r->diag);
            if (err)
                return name_culprit(m, r->diag, err);
            r->given |= UINT64_C(1) << (m - class->members);
        } else if (!group && has_group(class, key)) {
            err = read_group(r, key, value);
            if (err)
                return err;
        } else {
            return unknown_field(r->kind, group, key, r->diag);
        }
    }
    return ERR_OK;
}

enum err
object_read_json(enum object_kind kind, const json_t *json, void *object, struct diag *diag)
{
    struct reading r = {.kind = kind, .object = object, .diag = diag};
    const struct member *culprit = NULL;
    if (!json_is_object(json))
        return diag_set(diag, ERR_INVALID, "a %s must be an object", classes[kind].word);
    enum err err = read_members(&r, NULL, json);
    if (!err) {
        err = object_check(kind, object, r.given, 0, &culprit, diag);
        if (err)
            name_culprit(culprit, diag, err);
    }
    if (err && diag)
        text_make_printable(diag->text);
    return err;
}

enum err
object_from_json(enum object_kind kind, const json_t *json, void **object, struct diag *diag)
{
    void *result = object_new(kind);
    enum err err = object_read_json(kind, json, result, diag);
    if (err) {
        object_free(kind, result);
        return err;
    }
    *object = result;
    return ERR_OK;
}

/* The group's object within `json`, made when it is first needed. */
static json_t *
group_of(json_t *json, const char *name)
{
    json_t *group = json_object_get(json, name);
    if (!group) {
        group = json_object();
        json_object_set_new(json, name, group);
    }
    return group;
}

json_t *
object_to_json(enum object_kind kind, const void *object)
{
    const struct object_class *class = &classes[kind];
    json_t *json = json_object();
    for (size_t i = 0; i < class->n_members; i++) {
        const struct member *m = &class->members[i];
        json_t *value = member_to_json(m, object);
        bool group = m->group && (value || (m->present && m->present(object)));
        if (group)
            group_of(json, m->group);
        if (value)
            json_object_set_new(m->group ? group_of(json, m->group) : json, m->name, value);
    }
    return json;
}
