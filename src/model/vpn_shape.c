#include "model/vpn_shape.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COMMON "ietf-vpn-common:"
#define L3NM "ietf-l3vpn-ntw:"
#define L2NM "ietf-l2vpn-ntw:"

static const char *const families[] = {"ipv4", "ipv6"};

/* ---- Members ---- */

static json_t *
at(const json_t *object, const char *name)
{
    return json_object_get(object, name);
}

static json_t *
list_in(const json_t *object, const char *container, const char *list)
{
    return at(at(object, container), list);
}

static void
put(json_t *object, const char *name, json_t *value)
{
    json_object_set_new(object, name, value);
}

/* Takes a member out of an object; NULL: it is not there. */
static json_t *
take(json_t *object, const char *name)
{
    json_t *value = json_incref(at(object, name));
    json_object_del(object, name);
    return value;
}

static bool
is_identity(const json_t *value, const char *module, const char *name)
{
    const char *text = json_string_value(value);
    size_t length = strlen(module);
    if (text && !strncmp(text, module, length))
        text += length;
    return text && !strcmp(text, name);
}

/* The only member of an object, with that name; NULL: it has others, or not this one. */
static json_t *
only(const json_t *object, const char *name)
{
    return json_object_size(object) == 1 ? at(object, name) : NULL;
}

/* ---- To the flat shape ---- */

static enum err
wrong_family(const json_t *profile, const char *what, struct diag *diag)
{
    const char *id = json_string_value(at(profile, "profile-id"));
    return diag_set(diag, ERR_INVALID, "vpn-instance-profile[%.64s]/address-family: %s",
                    id ? id : "", what);
}

static enum err
flatten_profile(json_t *profile, struct diag *diag)
{
    const json_t *list = at(profile, "address-family"), *family;
    json_t *targets = at(json_array_get(list, 0), "vpn-targets");
    size_t i;
    json_array_foreach(list, i, family)
    {
        if (json_object_size(family) != 2 || !at(family, "address-family") || !targets)
            return wrong_family(profile, "vpn-targets and nothing else is read of it", diag);
        if (!json_equal(at(family, "vpn-targets"), targets))
            return wrong_family(profile, "all need the same vpn-targets", diag);
    }
    if (targets) {
        json_object_set(profile, "vpn-targets", targets);
        json_object_del(profile, "address-family");
    }
    return ERR_OK;
}

/* The only active profile of a node: its name is the node's `leaf`, what else it says the node's.
 */
static void
flatten_active_profile(json_t *node, const char *container, const char *leaf)
{
    json_t *list = list_in(node, container, leaf), *profile = json_array_get(list, 0), *value;
    const char *key;
    if (json_array_size(list) != 1 || json_object_size(at(node, container)) != 1)
        return;
    json_incref(profile); /* a member of the container's name takes its place */
    json_object_foreach(profile, key, value)
        json_object_set(node, strcmp(key, "profile-id") ? key : leaf, value);
    json_decref(profile);
    json_object_del(node, container);
}

#define BGP_MEMBERS_MAX 16 /* each neighbour gets a copy of them */
#define BGP_NEIGHBORS_MAX 256

/* One flat entry for each neighbour; a second one of the same protocol has its number. */
static bool
flatten_bgp(json_t *bgps, const json_t *protocol)
{
    const json_t *bgp = at(protocol, "bgp"), *neighbor, *id = at(protocol, "id");
    size_t i;
    if (!json_is_array(at(bgp, "neighbor")) || !json_is_string(id) ||
        json_object_size(bgp) > BGP_MEMBERS_MAX ||
        json_array_size(bgps) + json_array_size(at(bgp, "neighbor")) > BGP_NEIGHBORS_MAX)
        return false; /* who reads it refuses it */
    json_array_foreach(at(bgp, "neighbor"), i, neighbor)
    {
        json_t *entry = json_copy((json_t *)(uintptr_t)bgp);
        put(entry, "id",
            i ? json_sprintf("%s.%zu", json_string_value(id), i + 1)
              : json_incref((json_t *)(uintptr_t)id));
        json_object_set(entry, "neighbor", (json_t *)(uintptr_t)neighbor);
        json_array_append_new(bgps, entry);
    }
    return true;
}

static void
flatten_protocols(json_t *access)
{
    json_t *protocols = at(access, "routing-protocols"), *protocol;
    json_t *list = at(protocols, "routing-protocol");
    json_t *flat = json_object(), *bgps = json_array();
    bool good = json_is_array(list) && json_object_size(protocols) == 1;
    size_t i;
    json_array_foreach(list, i, protocol)
    {
        const json_t *type = at(protocol, "type");
        good = good && json_object_size(protocol) == 3;
        if (is_identity(type, COMMON, "static-routing") && at(protocol, "static") &&
            !at(flat, "static"))
            json_object_set(flat, "static", at(protocol, "static"));
        else
            good = good && is_identity(type, COMMON, "bgp-routing") && flatten_bgp(bgps, protocol);
    }
    if (json_array_size(bgps))
        json_object_set(flat, "bgp", bgps);
    if (good)
        json_object_set(access, "routing-protocols", flat);
    json_decref(bgps);
    json_decref(flat);
}

static void
flatten_qos(json_t *access)
{
    json_t *qos = at(at(access, "service"), "qos");
    json_t *profiles = only(at(qos, "qos-profile"), "qos-profile");
    json_t *profile = json_array_size(profiles) == 1 ? only(json_array_get(profiles, 0), "profile")
                                                     : NULL;
    if (profile)
        json_object_set(qos, "qos-profile", profile);
}

static void
flatten_access(json_t *access)
{
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        json_t *family = list_in(access, "ip-connection", families[i]);
        if (is_identity(at(family, "address-allocation-type"), L3NM, "static-address"))
            json_object_del(family, "address-allocation-type");
    }
    flatten_qos(access);
    flatten_protocols(access);
}

/* vc-id is a text there. */
static void
flatten_pseudowires(json_t *node)
{
    json_t *option = at(node, "signaling-option"), *entry;
    json_t *list = only(at(option, "ldp-or-l2tp"), "pw-peer-list");
    size_t i;
    if (!json_is_array(list))
        return;
    json_array_foreach(list, i, entry)
    {
        const char *text = json_string_value(at(entry, "vc-id"));
        size_t digits = text ? strspn(text, "0123456789") : 0;
        if (digits && digits < 11 && !text[digits])
            put(entry, "vc-id", json_integer(strtoll(text, NULL, 10)));
    }
    json_object_set(option, "ac-pw-list", list);
    json_object_del(option, "ldp-or-l2tp");
}

static const struct {
    const char *container, *leaf; /* of L2; the leaf is the name of L3's, too */
} bandwidths[] = {{"svc-pe-to-ce-bandwidth", "pe-to-ce-bandwidth"},
                  {"svc-ce-to-pe-bandwidth", "ce-to-pe-bandwidth"}};

static void
flatten_l2_access(json_t *access)
{
    json_t *service = at(access, "service");
    for (size_t i = 0; i < ARRAY_SIZE(bandwidths); i++) {
        json_t *list = only(at(service, bandwidths[i].container), bandwidths[i].leaf);
        json_t *entry = json_array_get(list, 0);
        if (json_array_size(list) != 1 || json_object_size(entry) != 2 || !at(entry, "cir") ||
            !is_identity(at(entry, "bw-type"), COMMON, "bw-per-port"))
            continue;
        json_object_set(service, bandwidths[i].leaf, at(entry, "cir"));
        json_object_del(service, bandwidths[i].container);
    }
    flatten_qos(access);
}

static void
flatten_l2_service(json_t *service)
{
    json_t *node, *access;
    size_t i, j;
    if (is_identity(at(service, "vpn-type"), COMMON, "mpls-evpn"))
        put(service, "vpn-type", json_string(COMMON "vpls-evpn"));
    json_array_foreach(list_in(service, "vpn-nodes", "vpn-node"), i, node)
    {
        flatten_active_profile(node, "active-global-parameters-profiles",
                               "global-parameters-profile");
        json_t *rd = only(at(node, "bgp-auto-discovery"), "rd");
        if (rd && json_is_true(at(service, "bgp-ad-enabled"))) {
            json_object_set(node, "rd", rd);
            json_object_del(node, "bgp-auto-discovery");
        }
        flatten_pseudowires(node);
        json_array_foreach(list_in(node, "vpn-network-accesses", "vpn-network-access"), j, access)
            flatten_l2_access(access);
    }
    if (json_is_boolean(at(service, "bgp-ad-enabled")))
        json_object_del(service, "bgp-ad-enabled");
}

static enum err
flatten_service(json_t *service, struct diag *diag)
{
    json_t *entry, *access;
    size_t i, j;
    json_array_foreach(list_in(service, "vpn-instance-profiles", "vpn-instance-profile"), i, entry)
    {
        enum err err = flatten_profile(entry, diag);
        if (err)
            return err;
    }
    json_array_foreach(list_in(service, "vpn-nodes", "vpn-node"), i, entry)
    {
        flatten_active_profile(entry, "active-vpn-instance-profiles", "vpn-instance-profile");
        json_array_foreach(list_in(entry, "vpn-network-accesses", "vpn-network-access"), j, access)
            flatten_access(access);
    }
    return ERR_OK;
}

enum err
vpn_shape_flat(const json_t *document, json_t **flat, struct diag *diag)
{
    json_t *copy = json_deep_copy(document), *service;
    json_t *l3 = at(copy, L3NM "l3vpn-ntw"), *l2 = at(copy, L2NM "l2vpn-ntw");
    size_t i;
    json_object_del(l3, "vpn-profiles");
    json_object_del(l2, "vpn-profiles");
    json_array_foreach(list_in(l2, "vpn-services", "vpn-service"), i, service)
        flatten_l2_service(service);
    json_array_foreach(list_in(l3, "vpn-services", "vpn-service"), i, service)
    {
        enum err err = flatten_service(service, diag);
        if (err) {
            json_decref(copy);
            return err;
        }
    }
    *flat = copy;
    return ERR_OK;
}

/* ---- As the RFC has it ---- */

/* An identity of ietf-vpn-common with its module's name (RFC 7951 section 6.8). */
static void
qualify(json_t *object, const char *name)
{
    const char *text = json_string_value(at(object, name));
    if (text && !strchr(text, ':'))
        put(object, name, json_sprintf(COMMON "%s", text));
}

/* With its type in front (RFC 8294): 0 an AS of two octets, 1 an address, 2 an AS of four. */
static void
number_target(json_t *object, const char *name)
{
    const char *text = json_string_value(at(object, name));
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon || strchr(colon + 1, ':'))
        return;
    size_t digits = strspn(text, "0123456789");
    bool address = text[digits] == '.';
    bool wide = digits > 5 || (digits == 5 && strncmp(text, "65535", 5) > 0);
    put(object, name, json_sprintf("%c:%s", address ? '1' : wide ? '2' : '0', text));
}

static void
number_text(json_t *object, const char *name)
{
    const json_t *number = at(object, name);
    if (json_is_integer(number))
        put(object, name, json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(number)));
}

static void
number_targets(json_t *targets)
{
    json_t *target, *value;
    size_t i, j;
    json_array_foreach(targets, i, target)
    {
        json_array_foreach(at(target, "route-targets"), j, value)
            number_target(value, "route-target");
    }
}

static void
raise_profile(json_t *profile)
{
    json_t *targets = take(profile, "vpn-targets");
    number_target(profile, "rd");
    number_targets(at(targets, "vpn-target"));
    if (targets)
        put(profile, "address-family",
            json_pack("[{ss so}]", "address-family", COMMON "dual-stack", "vpn-targets", targets));
}

/* A node without a profile has the first. */
static void
raise_active_profile(json_t *node, const json_t *profiles)
{
    json_t *profile = json_object(), *name = take(node, "vpn-instance-profile");
    json_t *rd = take(node, "rd");
    if (!name)
        name = json_incref(at(json_array_get(profiles, 0), "profile-id"));
    if (name)
        put(profile, "profile-id", name);
    if (rd)
        put(profile, "rd", rd);
    number_target(profile, "rd");
    put(node, "active-vpn-instance-profiles", json_pack("{s[o]}", "vpn-instance-profile", profile));
}

static bool
has_id(const json_t *list, const char *id)
{
    const json_t *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        if (is_identity(at(entry, "id"), "", id))
            return true;
    }
    return false;
}

static void
raise_protocols(json_t *access)
{
    json_t *protocols = take(access, "routing-protocols"), *list = json_array(), *bgp;
    json_t *routes = take(protocols, "static"), *bgps = take(protocols, "bgp");
    size_t i;
    if (routes)
        json_array_append_new(list, json_pack("{ss ss so}", "id",
                                              has_id(bgps, "static") ? "static routes" : "static",
                                              "type", COMMON "static-routing", "static", routes));
    json_array_foreach(bgps, i, bgp)
    {
        json_t *id = take(bgp, "id"), *neighbor = take(bgp, "neighbor");
        put(bgp, "neighbor", json_pack("[o]", neighbor));
        json_array_append_new(
            list, json_pack("{so ss sO}", "id", id, "type", COMMON "bgp-routing", "bgp", bgp));
    }
    if (json_array_size(list))
        put(access, "routing-protocols", json_pack("{sO}", "routing-protocol", list));
    json_decref(list);
    json_decref(bgps);
    json_decref(protocols);
}

/* Without a type an encapsulation would be priority-tagged. */
static void
raise_encapsulation(json_t *access, const char *type)
{
    if (!at(access, "connection"))
        put(access, "connection", json_pack("{s{}}", "encapsulation"));
    json_t *encapsulation = list_in(access, "connection", "encapsulation");
    if (!at(encapsulation, type))
        put(encapsulation, type, json_string("untagged-int"));
    qualify(encapsulation, type);
}

static void
raise_qos(json_t *access)
{
    json_t *qos = at(at(access, "service"), "qos"), *profile = json_incref(at(qos, "qos-profile"));
    if (profile)
        put(qos, "qos-profile", json_pack("{s[{so}]}", "qos-profile", "profile", profile));
}

/* Without a way to allocate addresses they would not be used. */
static void
raise_access(json_t *access)
{
    raise_encapsulation(access, "type");
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        json_t *family = list_in(access, "ip-connection", families[i]);
        if (family)
            put(family, "address-allocation-type", json_string(L3NM "static-address"));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bandwidths); i++)
        number_text(at(access, "service"), bandwidths[i].leaf);
    raise_qos(access);
    raise_protocols(access);
}

static void
raise_l2_access(json_t *access)
{
    json_t *service = at(access, "service");
    raise_encapsulation(access, "encap-type");
    for (size_t i = 0; i < ARRAY_SIZE(bandwidths); i++) {
        number_text(service, bandwidths[i].leaf);
        json_t *cir = take(service, bandwidths[i].leaf);
        if (cir)
            put(service, bandwidths[i].container,
                json_pack("{s[{ss so}]}", bandwidths[i].leaf, "bw-type", COMMON "bw-per-port",
                          "cir", cir));
    }
    raise_qos(access);
}

/* In the flat shape, as it may have been stated in another; the caller owns it. */
static json_t *
flat_service(const char *module, const json_t *service)
{
    json_t *document = json_pack("{s{s{s[O]}}}", module, "vpn-services", "vpn-service", service);
    json_t *flat = NULL, *result;
    struct diag diag;
    if (vpn_shape_flat(document, &flat, &diag)) /* it would not have been stored */
        result = json_deep_copy(service);
    else
        result = json_incref(
            json_array_get(list_in(at(flat, module), "vpn-services", "vpn-service"), 0));
    json_decref(flat);
    json_decref(document);
    qualify(result, "vpn-type");
    qualify(result, "vpn-service-topology");
    if (is_identity(at(result, "vpn-type"), COMMON, "vpls-evpn"))
        put(result, "vpn-type", json_string(COMMON "mpls-evpn"));
    if (is_identity(at(result, "vpn-service-topology"), COMMON, "p2p"))
        json_object_del(result, "vpn-service-topology");
    return result;
}

json_t *
vpn_shape_rfc9182(const json_t *service)
{
    json_t *result = flat_service(L3NM "l3vpn-ntw", service), *entry, *access;
    size_t i, j;
    const json_t *profiles = list_in(result, "vpn-instance-profiles", "vpn-instance-profile");
    json_array_foreach(profiles, i, entry) raise_profile(entry);
    json_array_foreach(list_in(result, "vpn-nodes", "vpn-node"), i, entry)
    {
        raise_active_profile(entry, profiles);
        json_array_foreach(list_in(entry, "vpn-network-accesses", "vpn-network-access"), j, access)
            raise_access(access);
    }
    return result;
}

static void
raise_l2_node(json_t *node, const json_t *profiles)
{
    json_t *name = take(node, "global-parameters-profile"), *rd, *list, *entry;
    json_t *option = at(node, "signaling-option");
    size_t i;
    if (!name)
        name = json_incref(at(json_array_get(profiles, 0), "profile-id"));
    if (name)
        put(node, "active-global-parameters-profiles",
            json_pack("{s[{so}]}", "global-parameters-profile", "profile-id", name));
    number_target(node, "rd");
    rd = take(node, "rd");
    if (rd)
        put(node, "bgp-auto-discovery", json_pack("{so}", "rd", rd));
    list = take(option, "ac-pw-list");
    json_array_foreach(list, i, entry) number_text(entry, "vc-id");
    if (list)
        put(option, "ldp-or-l2tp", json_pack("{so}", "pw-peer-list", list));
}

json_t *
vpn_shape_rfc9291(const json_t *service)
{
    json_t *result = flat_service(L2NM "l2vpn-ntw", service), *entry, *access;
    const json_t *profiles = list_in(result, "global-parameters-profiles",
                                     "global-parameters-profile");
    size_t i, j;
    json_array_foreach(profiles, i, entry)
    {
        number_target(entry, "rd");
        number_targets(at(entry, "vpn-target"));
    }
    json_array_foreach(list_in(result, "vpn-nodes", "vpn-node"), i, entry)
    {
        raise_l2_node(entry, profiles);
        if (at(entry, "bgp-auto-discovery"))
            put(result, "bgp-ad-enabled", json_true());
        json_array_foreach(list_in(entry, "vpn-network-accesses", "vpn-network-access"), j, access)
            raise_l2_access(access);
    }
    return result;
}

static void
add_profiles(json_t *to, const json_t *node)
{
    const json_t *access, *profile;
    size_t i, j;
    json_array_foreach(list_in(node, "vpn-network-accesses", "vpn-network-access"), i, access)
    {
        const json_t *qos = at(at(access, "service"), "qos");
        json_array_foreach(list_in(qos, "qos-profile", "qos-profile"), j, profile)
        {
            const char *id = json_string_value(at(profile, "profile"));
            if (id && !has_id(to, id))
                json_array_append_new(to, json_pack("{ss}", "id", id));
        }
    }
}

json_t *
vpn_shape_profiles(const json_t *services)
{
    json_t *ids = json_array();
    const json_t *service, *node;
    size_t i, j;
    json_array_foreach(services, i, service)
    {
        json_array_foreach(list_in(service, "vpn-nodes", "vpn-node"), j, node)
            add_profiles(ids, node);
    }
    return json_pack("{s{so}}", "valid-provider-identifiers", "qos-profile-identifier", ids);
}
