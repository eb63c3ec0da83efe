/* What templates see. Everything is reckoned here, so that templates only have to say where it
 * goes. */
#include "wan/vpn_plan.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static void
put_text(json_t *to, const char *name, const char *text)
{
    if (text)
        json_object_set_new(to, name, json_string(text));
}

static void
put_number(json_t *to, const char *name, uint64_t number)
{
    if (number)
        json_object_set_new(to, name, json_integer((json_int_t)number));
}

static void
put_flag(json_t *to, const char *name, bool value)
{
    json_object_set_new(to, name, json_boolean(value));
}

/* {"n": 1, "target": "65000:1"} of each direction, in the order of the profile, none twice. */
static json_t *
targets(const struct vpn_profile *profile, enum vpn_target_type direction)
{
    json_t *list = json_array(), *seen = json_object();
    for (uint32_t i = 0; profile && i < profile->n_targets; i++) {
        const struct vpn_target *t = &profile->targets[i];
        if (t->type != VPN_BOTH && t->type != direction)
            continue;
        for (uint32_t j = 0; j < t->n_values; j++) {
            if (json_object_get(seen, t->values[j].value))
                continue;
            json_object_set_new(seen, t->values[j].value, json_true());
            json_array_append_new(list, json_pack("{s:i, s:s}", "n", (int)json_array_size(list) + 1,
                                                  "target", t->values[j].value));
        }
    }
    json_decref(seen);
    return list;
}

#define IFNAME_LENGTH 15u           /* of an interface of Linux */
#define BURST_NS 5u                 /* in milliseconds: what a policer lets pass at once */
#define BURST_MIN ((uint64_t)15000) /* octets: ten frames */

static void
put_interface(json_t *to, const struct vpn_access *a)
{
    size_t length;
    uint32_t unit = vpn_access_unit(a, &length);
    bool tagged = a->encapsulation != VPN_UNTAGGED;
    char port[96];
    snprintf(port, sizeof port, "%.*s", (int)length, a->interface);
    put_text(to, "interface", port);
    json_object_set_new(to, "unit", json_integer(unit));
    if (tagged)
        snprintf(port + length, sizeof port - length, ".%u", unit);
    put_text(to, "port", port);
    put_flag(to, "tagged", tagged);
    put_flag(to, "dot1q", a->encapsulation == VPN_DOT1Q);
    put_flag(to, "qinq", a->encapsulation == VPN_QINQ);
}

static json_t *
access_values(const struct vpn_service *s, const struct vpn_access *a)
{
    json_t *v = json_object();
    char marker[400];
    snprintf(marker, sizeof marker, "tieline:%s %s%s%s", s->id, a->id, a->description ? " " : "",
             a->description ? a->description : "");
    put_text(v, "access", a->id);
    put_text(v, "access_marker", marker);
    put_interface(v, a);
    put_number(v, "svlan", a->svlan);
    put_number(v, "cvlan", a->cvlan);
    put_text(v, "ipv4", a->ipv4);
    put_text(v, "ipv6", a->ipv6);
    json_object_set_new(v, "ipv4_length", json_integer(a->ipv4_length));
    json_object_set_new(v, "ipv6_length", json_integer(a->ipv6_length));
    put_number(v, "mtu", a->mtu);
    put_number(v, "to_customer_bps", a->to_customer_bps);
    put_number(v, "from_customer_bps", a->from_customer_bps);
    put_number(v, "from_customer_burst",
               MAX(a->from_customer_bps / 8 / 1000 * BURST_NS, BURST_MIN));
    put_text(v, "qos", a->qos);
    put_flag(v, "has_class", a->qos || a->to_customer_bps);
    return v;
}

static void
put_routes(json_t *list, const struct vpn_route *routes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "prefix", routes[i].prefix, "next_hop",
                                              routes[i].next_hop));
}

static void
put_bgps(json_t *all, json_t *six, const struct vpn_access *a)
{
    for (uint32_t i = 0; i < a->n_bgps; i++) {
        json_t *one = json_pack("{s:s, s:s, s:I}", "bgp", a->bgps[i].id, "neighbor",
                                a->bgps[i].neighbor, "peer_as", (json_int_t)a->bgps[i].peer_as);
        if (strchr(a->bgps[i].neighbor, ':'))
            json_array_append(six, one);
        json_array_append_new(all, one);
    }
}

/* A list, and has_NAME, which a container around it needs. */
static void
put_list(json_t *to, const char *name, const char *has, json_t *list)
{
    json_object_set_new(to, has, json_boolean(json_array_size(list) > 0));
    json_object_set_new(to, name, list);
}

static void
put_accesses(json_t *v, const struct vpn_service *s, const struct vpn_node *node)
{
    json_t *accesses = json_array(), *static4 = json_array(), *static6 = json_array();
    json_t *bgps = json_array(), *bgps6 = json_array();
    bool policers = false, classes = false, ipv4 = false, ipv6 = false;
    for (uint32_t i = 0; i < node->n_accesses; i++) {
        const struct vpn_access *a = &node->accesses[i];
        json_array_append_new(accesses, access_values(s, a));
        put_routes(static4, a->routes, a->n_routes);
        put_routes(static6, a->routes6, a->n_routes6);
        put_bgps(bgps, bgps6, a);
        policers |= a->from_customer_bps > 0;
        classes |= a->qos || a->to_customer_bps;
        ipv4 |= a->ipv4 != NULL;
        ipv6 |= a->ipv6 != NULL;
    }
    put_flag(v, "has_routing", json_array_size(static4) + json_array_size(static6) > 0);
    put_flag(v, "has_policers", policers);
    put_flag(v, "has_classes", classes);
    put_flag(v, "has_ipv4", ipv4);
    put_flag(v, "has_ipv6", ipv6);
    put_list(v, "accesses", "has_accesses", accesses);
    put_list(v, "static4", "has_static4", static4);
    put_list(v, "static6", "has_static6", static6);
    put_list(v, "bgps", "has_bgp", bgps);
    put_list(v, "bgps6", "has_bgp6", bgps6);
}

/* "tl-ems.1": the interface of a pseudowire, which no other VPN on the router has. */
static void
put_ifname(json_t *to, const char *service, uint32_t n)
{
    char name[IFNAME_LENGTH + 1], number[12];
    int digits = snprintf(number, sizeof number, ".%u", n);
    vpn_service_name(service, IFNAME_LENGTH - (size_t)digits, name);
    strcat(name, number);
    put_text(to, "ifname", name);
}

/* Each with the first access, to which it is joined where the platform wants to know. */
static void
put_pseudowires(json_t *v, const struct vpn_service *s, const struct vpn_node *node)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < node->n_pseudowires; i++) {
        json_t *one = json_pack("{s:i, s:s, s:I}", "n", (int)i + 1, "peer",
                                node->pseudowires[i].peer, "vc_id",
                                (json_int_t)node->pseudowires[i].vc_id);
        put_ifname(one, s->id, i + 1);
        if (node->n_accesses > 0) {
            put_interface(one, &node->accesses[0]);
            put_number(one, "mtu", node->accesses[0].mtu);
        }
        json_array_append_new(list, one);
    }
    put_flag(v, "several_pseudowires", node->n_pseudowires > 1);
    put_list(v, "pseudowires", "has_pseudowires", list);
}

/* ---- what the other ends tell of */

static bool
share_a_target(const json_t *imports, const json_t *exports)
{
    const json_t *one, *other;
    size_t i, j;
    json_array_foreach(imports, i, one)
    {
        json_array_foreach(exports, j, other)
        {
            if (json_equal(json_object_get(one, "target"), json_object_get(other, "target")))
                return true;
        }
    }
    return false;
}

/* "10.4.0.1", 30 -> "10.4.0.0/30" */
static bool
network_of(const char *address, unsigned length, char text[80])
{
    int family = strchr(address, ':') ? AF_INET6 : AF_INET;
    uint8_t octets[16];
    if (inet_pton(family, address, octets) != 1)
        return false;
    for (unsigned bit = length; bit < (family == AF_INET ? 32u : 128u); bit++)
        octets[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
    inet_ntop(family, octets, text, 64);
    snprintf(text + strlen(text), 8, "/%u", length);
    return true;
}

#define REMOTES_MAX 64 /* of a node: enough to see that it works */

/* `pointer`: the prefix as a reference token of JSON Pointer (RFC 6901 section 3). */
static void
put_remote(json_t *list, const struct vpn_node *node, const char *prefix)
{
    const char *slash = strchr(prefix, '/');
    char pointer[80];
    if (!slash || json_array_size(list) >= REMOTES_MAX)
        return;
    snprintf(pointer, sizeof pointer, "%.*s~1%s", (int)(slash - prefix), prefix, slash + 1);
    json_array_append_new(
        list, json_pack("{ss ss ss}", "node", node->id, "prefix", prefix, "pointer", pointer));
}

static void
put_remotes_of(json_t *four, json_t *six, const struct vpn_node *node)
{
    char text[80];
    for (uint32_t i = 0; i < node->n_accesses; i++) {
        const struct vpn_access *a = &node->accesses[i];
        if (a->ipv4 && network_of(a->ipv4, a->ipv4_length, text))
            put_remote(four, node, text);
        if (a->ipv6 && network_of(a->ipv6, a->ipv6_length, text))
            put_remote(six, node, text);
        for (uint32_t j = 0; j < a->n_routes; j++)
            put_remote(four, node, a->routes[j].prefix);
        for (uint32_t j = 0; j < a->n_routes6; j++)
            put_remote(six, node, a->routes6[j].prefix);
    }
}

/* The prefixes of nodes with a target among those that this one imports. */
static void
put_remotes(json_t *v, const struct vpn_service *s, const struct vpn_node *node,
            const json_t *imports)
{
    json_t *four = json_array(), *six = json_array();
    for (uint32_t i = 0; i < s->n_nodes && json_array_size(four) < REMOTES_MAX; i++) {
        json_t *exports = targets(vpn_node_profile(s, &s->nodes[i]), VPN_EXPORT);
        if (&s->nodes[i] != node && share_a_target(imports, exports))
            put_remotes_of(four, six, &s->nodes[i]);
        json_decref(exports);
    }
    put_list(v, "remotes4", "has_remotes4", four);
    put_list(v, "remotes6", "has_remotes6", six);
}

json_t *
vpn_plan_values(const struct vpn_service *s, const struct vpn_node *node)
{
    const struct vpn_profile *profile = vpn_node_profile(s, node);
    json_t *v = json_object();
    char name[64], short_name[16], marker[80];
    vpn_service_name(s->id, sizeof name - 1, name);
    vpn_service_name(s->id, sizeof short_name - 1, short_name);
    snprintf(marker, sizeof marker, "tieline:%s", s->id);
    put_text(v, "service", s->id);
    put_text(v, "name", name);
    put_text(v, "short_name", short_name);
    put_text(v, "marker", marker);
    put_text(v, "customer", s->customer);
    put_text(v, "device", node->ne_id);
    put_text(v, "router_id", node->router_id);
    put_text(v, "rd", node->rd ? node->rd : profile ? profile->rd : NULL);
    put_number(v, "as", node->local_as ? node->local_as : profile ? profile->local_as : 0);
    put_text(v, "lsp", s->lsp);
    put_number(v, "colour", s->colour);
    put_flag(v, "evpn", s->kind == VPN_L2 && s->l2_type == VPN_VPLS_EVPN);
    put_flag(v, "vpws", s->kind == VPN_L2 && s->l2_type == VPN_VPWS);
    json_t *imports = targets(profile, VPN_IMPORT);
    put_flag(v, "several_imports", json_array_size(imports) > 1);
    json_t *exports = targets(profile, VPN_EXPORT);
    put_flag(v, "same_targets", json_equal(imports, exports));
    put_remotes(v, s, node, imports);
    put_list(v, "imports", "has_imports", imports);
    put_list(v, "exports", "has_exports", exports);
    put_accesses(v, s, node);
    put_pseudowires(v, s, node);
    if (node->n_accesses > 0)
        put_number(v, "tagged_vlan", node->accesses[0].cvlan);
    return v;
}
