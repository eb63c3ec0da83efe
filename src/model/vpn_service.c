/* The models are tables: a row says what a member is called, how it is read and where it goes. One
 * reader walks all of them, keeping the path. Containers put their members into the same struct. */
#include "model/vpn_service.h"

#include "base/buf.h"
#include "base/hash.h"
#include "model/vpn_shape.h"
#include "model/vpn_value.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    const char *name;
    enum vpn_value how;
    size_t offset;
    bool required;
    uint64_t min, max;        /* of numbers */
    const char *const *words; /* of identities; ends with NULL */
    const struct row *rows;   /* of containers and lists; ends with a NULL name */
    size_t size, count;       /* of a list: of an entry, and where their number goes */
    const char *key;          /* of a list: names an entry in paths, and is unique */
};

struct reader {
    struct arena *arena;
    struct buf path;
    struct diag *diag;
};

#define AT(type, member) offsetof(struct type, member)

static const char *const encapsulations[] = {"untagged-int", "dot1q", "qinq", NULL};
static const char *const target_types[] = {"both", "import", "export", NULL};
static const char *const topologies[] = {"any-to-any", "hub-spoke", "p2p", NULL};
static const char *const l3_types[] = {"l3vpn", NULL};
static const char *const l2_types[] = {"vpls-evpn", "vpws", NULL};

static const struct row route_target_rows[] = {
    {"route-target", VALUE_TARGET, AT(vpn_route_target, value), .required = true}, {0}};

static const struct row target_rows[] = {
    {"id", VALUE_NUMBER, AT(vpn_target, id), .required = true, .max = 255},
    {"route-targets", VALUE_LIST, AT(vpn_target, values), .required = true,
     .rows = route_target_rows, .size = sizeof(struct vpn_route_target),
     .count = AT(vpn_target, n_values), .key = "route-target"},
    {"route-target-type", VALUE_IDENTITY, AT(vpn_target, type), .required = true,
     .words = target_types},
    {0}};

#define TARGETS                                                                                    \
    {                                                                                              \
        "vpn-target", VALUE_LIST, AT(vpn_profile, targets),                                        \
            .required = true, .rows = target_rows, .size = sizeof(struct vpn_target),              \
            .count = AT(vpn_profile, n_targets), .key = "id"                                       \
    }

static const struct row targets_rows[] = {TARGETS, {0}};

static const struct row l3_profile_rows[] = {
    {"profile-id", VALUE_NAME, AT(vpn_profile, id), .required = true},
    {"local-as", VALUE_NUMBER, AT(vpn_profile, local_as), .min = 1, .max = UINT32_MAX},
    {"rd", VALUE_TARGET, AT(vpn_profile, rd), .required = false},
    {"vpn-targets", VALUE_CONTAINER, 0, .required = true, .rows = targets_rows},
    {0}};

static const struct row l2_profile_rows[] = {
    {"profile-id", VALUE_NAME, AT(vpn_profile, id), .required = true},
    {"local-autonomous-system", VALUE_NUMBER, AT(vpn_profile, local_as), .min = 1,
     .max = UINT32_MAX},
    {"rd", VALUE_TARGET, AT(vpn_profile, rd), .required = false},
    TARGETS,
    {0}};

static const struct row dot1q_rows[] = {
    {"cvlan-id", VALUE_NUMBER, AT(vpn_access, cvlan), .required = true, .min = 1, .max = 4094},
    {0}};
static const struct row qinq_rows[] = {
    {"svlan-id", VALUE_NUMBER, AT(vpn_access, svlan), .required = true, .min = 1, .max = 4094},
    {"cvlan-id", VALUE_NUMBER, AT(vpn_access, cvlan), .required = true, .min = 1, .max = 4094},
    {0}};

#define ENCAPSULATION(type_name)                                                                   \
    {                                                                                              \
        {type_name, VALUE_IDENTITY, AT(vpn_access, encapsulation), .words = encapsulations},       \
            {"dot1q", VALUE_CONTAINER, .rows = dot1q_rows},                                        \
            {"qinq", VALUE_CONTAINER, .rows = qinq_rows},                                          \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }

static const struct row l3_encapsulation_rows[] = ENCAPSULATION("type");
static const struct row l2_encapsulation_rows[] = ENCAPSULATION("encap-type");
static const struct row l3_connection_rows[] = {
    {"encapsulation", VALUE_CONTAINER, .rows = l3_encapsulation_rows}, {0}};
static const struct row l2_connection_rows[] = {
    {"encapsulation", VALUE_CONTAINER, .rows = l2_encapsulation_rows}, {0}};

static const struct row ipv4_rows[] = {
    {"local-address", VALUE_IPV4, AT(vpn_access, ipv4), .required = true},
    {"prefix-length", VALUE_NUMBER, AT(vpn_access, ipv4_length), .required = true, .max = 32},
    {0}};
static const struct row ipv6_rows[] = {
    {"local-address", VALUE_IPV6, AT(vpn_access, ipv6), .required = true},
    {"prefix-length", VALUE_NUMBER, AT(vpn_access, ipv6_length), .required = true, .max = 128},
    {0}};
static const struct row ip_connection_rows[] = {{"ipv4", VALUE_CONTAINER, .rows = ipv4_rows},
                                                {"ipv6", VALUE_CONTAINER, .rows = ipv6_rows},
                                                {0}};

static const struct row lan4_rows[] = {
    {"lan", VALUE_PREFIX4, AT(vpn_route, prefix), .required = true},
    {"next-hop", VALUE_IPV4, AT(vpn_route, next_hop), .required = true},
    {0}};
static const struct row lan6_rows[] = {
    {"lan", VALUE_PREFIX6, AT(vpn_route, prefix), .required = true},
    {"next-hop", VALUE_IPV6, AT(vpn_route, next_hop), .required = true},
    {0}};
static const struct row lan_rows[] = {
    {"ipv4-lan-prefixes", VALUE_LIST, AT(vpn_access, routes), .rows = lan4_rows,
     .size = sizeof(struct vpn_route), .count = AT(vpn_access, n_routes), .key = "lan"},
    {"ipv6-lan-prefixes", VALUE_LIST, AT(vpn_access, routes6), .rows = lan6_rows,
     .size = sizeof(struct vpn_route), .count = AT(vpn_access, n_routes6), .key = "lan"},
    {0}};
static const struct row static_rows[] = {
    {"cascaded-lan-prefixes", VALUE_CONTAINER, .rows = lan_rows}, {0}};
static const struct row bgp_rows[] = {
    {"id", VALUE_NAME, AT(vpn_bgp, id), .required = true},
    {"neighbor", VALUE_ADDRESS, AT(vpn_bgp, neighbor), .required = true},
    {"peer-as", VALUE_NUMBER, AT(vpn_bgp, peer_as), .required = true, .min = 1, .max = UINT32_MAX},
    {0}};
static const struct row protocol_rows[] = {{"static", VALUE_CONTAINER, .rows = static_rows},
                                           {"bgp", VALUE_LIST, AT(vpn_access, bgps),
                                            .rows = bgp_rows, .size = sizeof(struct vpn_bgp),
                                            .count = AT(vpn_access, n_bgps), .key = "id"},
                                           {0}};

static const struct row qos_rows[] = {
    {"qos-profile", VALUE_NAME, AT(vpn_access, qos), .required = false}, {0}};
static const struct row service_rows[] = {
    {"pe-to-ce-bandwidth", VALUE_NUMBER64, AT(vpn_access, to_customer_bps), .min = 1,
     .max = INT64_MAX},
    {"ce-to-pe-bandwidth", VALUE_NUMBER64, AT(vpn_access, from_customer_bps), .min = 1,
     .max = INT64_MAX},
    {"mtu", VALUE_NUMBER, AT(vpn_access, mtu), .min = 68, .max = 65535},
    {"qos", VALUE_CONTAINER, .rows = qos_rows},
    {0}};

static const struct row l3_access_rows[] = {
    {"id", VALUE_NAME, AT(vpn_access, id), .required = true},
    {"interface-id", VALUE_INTERFACE, AT(vpn_access, interface), .required = true},
    {"description", VALUE_TEXT, AT(vpn_access, description), .required = false},
    {"connection", VALUE_CONTAINER, .rows = l3_connection_rows},
    {"ip-connection", VALUE_CONTAINER, 0, .required = true, .rows = ip_connection_rows},
    {"routing-protocols", VALUE_CONTAINER, .rows = protocol_rows},
    {"service", VALUE_CONTAINER, .rows = service_rows},
    {0}};
static const struct row l2_access_rows[] = {
    {"id", VALUE_NAME, AT(vpn_access, id), .required = true},
    {"interface-id", VALUE_INTERFACE, AT(vpn_access, interface), .required = true},
    {"description", VALUE_TEXT, AT(vpn_access, description), .required = false},
    {"connection", VALUE_CONTAINER, .rows = l2_connection_rows},
    {"service", VALUE_CONTAINER, .rows = service_rows},
    {0}};

#define ACCESSES(which)                                                                            \
    {                                                                                              \
        {"vpn-network-access",                                                                     \
         VALUE_LIST,                                                                               \
         AT(vpn_node, accesses),                                                                   \
         true,                                                                                     \
         .rows = which,                                                                            \
         .size = sizeof(struct vpn_access),                                                        \
         .count = AT(vpn_node, n_accesses),                                                        \
         .key = "id"},                                                                             \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
static const struct row l3_accesses_rows[] = ACCESSES(l3_access_rows);
static const struct row l2_accesses_rows[] = ACCESSES(l2_access_rows);

static const struct row pseudowire_rows[] = {
    {"peer-addr", VALUE_IPV4, AT(vpn_pseudowire, peer), .required = true},
    {"vc-id", VALUE_NUMBER, AT(vpn_pseudowire, vc_id), .required = true, .min = 1,
     .max = UINT32_MAX},
    {0}};
static const struct row signaling_rows[] = {
    {"ac-pw-list", VALUE_LIST, AT(vpn_node, pseudowires), .rows = pseudowire_rows,
     .size = sizeof(struct vpn_pseudowire), .count = AT(vpn_node, n_pseudowires), .key = "vc-id"},
    {0}};

static const struct row l3_node_rows[] = {
    {"vpn-node-id", VALUE_NAME, AT(vpn_node, id), .required = true},
    {"ne-id", VALUE_NAME, AT(vpn_node, ne_id), .required = true},
    {"description", VALUE_TEXT, AT(vpn_node, description), .required = false},
    {"router-id", VALUE_IPV4, AT(vpn_node, router_id), .required = false},
    {"local-as", VALUE_NUMBER, AT(vpn_node, local_as), .min = 1, .max = UINT32_MAX},
    {"rd", VALUE_TARGET, AT(vpn_node, rd), .required = false},
    {"vpn-instance-profile", VALUE_NAME, AT(vpn_node, profile), .required = false},
    {"vpn-network-accesses", VALUE_CONTAINER, .rows = l3_accesses_rows},
    {0}};
static const struct row l2_node_rows[] = {
    {"vpn-node-id", VALUE_NAME, AT(vpn_node, id), .required = true},
    {"ne-id", VALUE_NAME, AT(vpn_node, ne_id), .required = true},
    {"description", VALUE_TEXT, AT(vpn_node, description), .required = false},
    {"router-id", VALUE_IPV4, AT(vpn_node, router_id), .required = false},
    {"rd", VALUE_TARGET, AT(vpn_node, rd), .required = false},
    {"global-parameters-profile", VALUE_NAME, AT(vpn_node, profile), .required = false},
    {"signaling-option", VALUE_CONTAINER, .rows = signaling_rows},
    {"vpn-network-accesses", VALUE_CONTAINER, .rows = l2_accesses_rows},
    {0}};

#define NODES(which)                                                                               \
    {                                                                                              \
        {"vpn-node",                                                                               \
         VALUE_LIST,                                                                               \
         AT(vpn_service, nodes),                                                                   \
         true,                                                                                     \
         .rows = which,                                                                            \
         .size = sizeof(struct vpn_node),                                                          \
         .count = AT(vpn_service, n_nodes),                                                        \
         .key = "vpn-node-id"},                                                                    \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
static const struct row l3_nodes_rows[] = NODES(l3_node_rows);
static const struct row l2_nodes_rows[] = NODES(l2_node_rows);

static const struct row l3_profiles_rows[] = {
    {"vpn-instance-profile", VALUE_LIST, AT(vpn_service, profiles), .required = true,
     .rows = l3_profile_rows, .size = sizeof(struct vpn_profile),
     .count = AT(vpn_service, n_profiles), .key = "profile-id"},
    {0}};
static const struct row l2_profiles_rows[] = {
    {"global-parameters-profile", VALUE_LIST, AT(vpn_service, profiles), .required = true,
     .rows = l2_profile_rows, .size = sizeof(struct vpn_profile),
     .count = AT(vpn_service, n_profiles), .key = "profile-id"},
    {0}};

static const struct row transport_rows[] = {
    {"transport-instance-id", VALUE_NAME, AT(vpn_service, lsp), .required = false},
    {"tieline-vpn:colour", VALUE_NUMBER, AT(vpn_service, colour), .min = 1, .max = UINT32_MAX},
    {0}};

#define SERVICE                                                                                    \
    {"vpn-id", VALUE_NAME, AT(vpn_service, id), .required = true},                                 \
        {"vpn-name", VALUE_TEXT, AT(vpn_service, name), .required = false},                        \
        {"vpn-description", VALUE_TEXT, AT(vpn_service, description), .required = false},          \
        {"customer-name", VALUE_TEXT, AT(vpn_service, customer), .required = false},               \
        {"vpn-service-topology", VALUE_IDENTITY, AT(vpn_service, topology), .words = topologies},  \
    {                                                                                              \
        "underlay-transport", VALUE_CONTAINER, .rows = transport_rows                              \
    }

static const struct row l3_service_rows[] = {
    SERVICE,
    {"vpn-type", VALUE_IDENTITY, AT(vpn_service, l2_type), .words = l3_types},
    {"vpn-instance-profiles", VALUE_CONTAINER, 0, .required = true, .rows = l3_profiles_rows},
    {"vpn-nodes", VALUE_CONTAINER, 0, .required = true, .rows = l3_nodes_rows},
    {0}};
static const struct row l2_service_rows[] = {
    SERVICE,
    {"vpn-type", VALUE_IDENTITY, AT(vpn_service, l2_type), .required = true, .words = l2_types},
    {"global-parameters-profiles", VALUE_CONTAINER, 0, .rows = l2_profiles_rows},
    {"vpn-nodes", VALUE_CONTAINER, 0, .required = true, .rows = l2_nodes_rows},
    {0}};

#define SERVICES(which)                                                                            \
    {                                                                                              \
        {"vpn-service",                                                                            \
         VALUE_LIST,                                                                               \
         AT(vpn_services, services),                                                               \
         true,                                                                                     \
         .rows = which,                                                                            \
         .size = sizeof(struct vpn_service),                                                       \
         .count = AT(vpn_services, n),                                                             \
         .key = "vpn-id"},                                                                         \
        {                                                                                          \
            0                                                                                      \
        }                                                                                          \
    }
static const struct row l3_services_rows[] = SERVICES(l3_service_rows);
static const struct row l2_services_rows[] = SERVICES(l2_service_rows);
static const struct row l3_rows[] = {
    {"vpn-services", VALUE_CONTAINER, 0, .required = true, .rows = l3_services_rows}, {0}};
static const struct row l2_rows[] = {
    {"vpn-services", VALUE_CONTAINER, 0, .required = true, .rows = l2_services_rows}, {0}};

/* ---- reading */

static enum err
wrong(struct reader *r, const char *what)
{
    const char *path = buf_cstr(&r->path);
    return diag_set(r->diag, ERR_INVALID, "%s: %s", *path == '/' ? path + 1 : path, what);
}

static enum err
read_text(struct reader *r, const struct row *row, const json_t *value, void *to)
{
    if (!json_is_string(value))
        return wrong(r, "not a string");
    const char *text = vpn_value_accept(row->how, json_string_value(value));
    if (!text)
        return wrong(r, vpn_value_rule(row->how));
    const char *copy = vpn_value_copy(r->arena, row->how, text);
    if (!copy)
        return diag_set(r->diag, ERR_LIMIT, "the services take more memory than is allowed");
    *(const char **)to = copy;
    return ERR_OK;
}

/* Numbers of 64 bits are strings in JSON (RFC 7951 section 6.1); people write numbers. */
static enum err
read_number(struct reader *r, const struct row *row, const json_t *value, void *to)
{
    char text[80];
    long long number = -1;
    int end = 0;
    if (json_is_integer(value))
        number = json_integer_value(value);
    else if (row->how == VALUE_NUMBER64 && json_is_string(value) &&
             (sscanf(json_string_value(value), "%18lld%n", &number, &end) != 1 ||
              json_string_value(value)[end]))
        number = -1;
    if (number < 0 || (uint64_t)number < row->min || (uint64_t)number > row->max) {
        snprintf(text, sizeof text, "not a number within %llu to %llu",
                 (unsigned long long)row->min, (unsigned long long)row->max);
        return wrong(r, text);
    }
    if (row->how == VALUE_NUMBER64)
        *(uint64_t *)to = (uint64_t)number;
    else
        *(uint32_t *)to = (uint32_t)number;
    return ERR_OK;
}

static enum err
read_identity(struct reader *r, const struct row *row, const json_t *value, void *to)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (!strncmp(text, "ietf-vpn-common:", 16))
        text += 16;
    for (unsigned i = 0; row->words[i]; i++) {
        if (!strcmp(row->words[i], text)) {
            *(unsigned *)to = i;
            return ERR_OK;
        }
    }
    struct buf what = BUF_INIT;
    buf_str(&what, "not one of");
    for (unsigned i = 0; row->words[i]; i++)
        buf_printf(&what, " %s", row->words[i]);
    enum err err = wrong(r, buf_cstr(&what));
    buf_fini(&what);
    return err;
}

static enum err read_object(struct reader *, const struct row *, const json_t *, char *base);

/* Adds "[KEY]" to the path, of what names the entry, or of its place. */
static void
name_entry(struct reader *r, const struct row *row, const json_t *entry, size_t place)
{
    const json_t *key = json_object_get(entry, row->key);
    if (json_is_string(key))
        buf_printf(&r->path, "[%.64s]", json_string_value(key));
    else if (json_is_integer(key))
        buf_printf(&r->path, "[%lld]", (long long)json_integer_value(key));
    else
        buf_printf(&r->path, "[%zu]", place + 1);
}

static bool
is_repeated(const json_t *list, const char *key, size_t place, json_t *seen)
{
    const json_t *value = json_object_get(json_array_get(list, place), key);
    char text[32];
    const char *word = text;
    if (json_is_string(value))
        word = json_string_value(value);
    else
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    bool repeated = json_object_get(seen, word);
    json_object_set_new(seen, word, json_true());
    return repeated;
}

static enum err
read_list(struct reader *r, const struct row *row, const json_t *value, char *base)
{
    size_t n = json_array_size(value), length = r->path.size;
    if (!json_is_array(value) || n > VPN_LIST_MAX)
        return wrong(r, json_is_array(value) ? "more entries than are allowed" : "not a list");
    if (row->required && n == 0)
        return wrong(r, "empty");
    char *entries = arena_calloc(r->arena, n, row->size);
    if (n > 0 && !entries)
        return diag_set(r->diag, ERR_LIMIT, "the services take more memory than is allowed");
    json_t *seen = json_object();
    enum err err = ERR_OK;
    for (size_t i = 0; i < n && !err; i++) {
        name_entry(r, row, json_array_get(value, i), i);
        err = read_object(r, row->rows, json_array_get(value, i), entries + i * row->size);
        if (!err && is_repeated(value, row->key, i, seen))
            err = wrong(r, "is there twice");
        r->path.size = length;
    }
    json_decref(seen);
    if (err)
        return err;
    memcpy(base + row->offset, &entries, sizeof entries);
    *(uint32_t *)(void *)(base + row->count) = (uint32_t)n;
    return ERR_OK;
}

static enum err
read_member(struct reader *r, const struct row *row, const json_t *value, char *base)
{
    void *to = base + row->offset;
    switch (row->how) {
    case VALUE_CONTAINER:
        return read_object(r, row->rows, value, base);
    case VALUE_LIST:
        return read_list(r, row, value, base);
    case VALUE_NUMBER:
    case VALUE_NUMBER64:
        return read_number(r, row, value, to);
    case VALUE_IDENTITY:
        return read_identity(r, row, value, to);
    default:
        return read_text(r, row, value, to);
    }
}

static enum err
read_object(struct reader *r, const struct row *rows, const json_t *object, char *base)
{
    size_t length = r->path.size, known = 0;
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        return wrong(r, "not an object");
    for (const struct row *row = rows; row->name; row++) {
        value = json_object_get(object, row->name);
        buf_printf(&r->path, "/%s", row->name);
        enum err err = value           ? read_member(r, row, value, base)
                       : row->required ? wrong(r, "missing")
                                       : ERR_OK;
        if (err)
            return err;
        r->path.size = length;
        known += value != NULL;
    }
    if (known == json_object_size(object))
        return ERR_OK;
    json_object_foreach((json_t *)object, name, value)
    {
        const struct row *row = rows;
        while (row->name && strcmp(row->name, name))
            row++;
        if (row->name)
            continue;
        buf_printf(&r->path, "/%.64s", name);
        return wrong(r, "unknown, or not supported");
    }
    return ERR_OK;
}

/* ---- what spans members */

const struct vpn_profile *
vpn_node_profile(const struct vpn_service *service, const struct vpn_node *node)
{
    for (uint32_t i = 0; i < service->n_profiles; i++) {
        if (!node->profile || !strcmp(service->profiles[i].id, node->profile))
            return &service->profiles[i];
    }
    return NULL;
}

uint32_t
vpn_access_unit(const struct vpn_access *a, size_t *port_length)
{
    const char *dot = strrchr(a->interface, '.');
    size_t digits = dot ? strspn(dot + 1, "0123456789") : 0;
    bool told = digits > 0 && digits <= 9 && !dot[1 + digits];
    unsigned unit = 0;
    if (port_length)
        *port_length = told ? (size_t)(dot - a->interface) : strlen(a->interface);
    if (told)
        sscanf(dot + 1, "%u", &unit);
    else if (a->encapsulation == VPN_DOT1Q)
        unit = a->cvlan;
    return unit;
}

static enum err
check_access(const struct vpn_service *s, const struct vpn_node *node, const struct vpn_access *a,
             struct diag *diag)
{
    const char *what = NULL;
    if (a->encapsulation == VPN_DOT1Q && (!a->cvlan || a->svlan))
        what = "dot1q without its cvlan-id";
    else if (a->encapsulation == VPN_QINQ && (!a->cvlan || !a->svlan))
        what = "qinq without its two tags";
    else if (a->encapsulation == VPN_UNTAGGED && a->cvlan)
        what = "a tag, but the encapsulation is untagged-int";
    else if (a->encapsulation == VPN_QINQ && !vpn_access_unit(a, NULL))
        what = "qinq, so interface-id must end in .UNIT";
    else if (s->kind == VPN_L3 && !a->ipv4 && !a->ipv6)
        what = "no address";
    if (!what)
        return ERR_OK;
    return diag_set(diag, ERR_INVALID,
                    "vpn-service[%s]/vpn-nodes/vpn-node[%s]/vpn-network-accesses/"
                    "vpn-network-access[%s]: %s",
                    s->id, node->id, a->id, what);
}

/* Each by itself, and no two on one logical interface. */
static enum err
check_accesses(const struct vpn_service *s, const struct vpn_node *node, struct diag *diag)
{
    json_t *seen = json_object();
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < node->n_accesses && !err; i++) {
        const struct vpn_access *a = &node->accesses[i];
        char name[96];
        size_t length;
        unsigned unit = vpn_access_unit(a, &length);
        snprintf(name, sizeof name, "%.*s.%u", (int)length, a->interface, unit);
        err = check_access(s, node, a, diag);
        if (!err && json_object_get(seen, name))
            err = diag_set(diag, ERR_INVALID,
                           "vpn-service[%s]/vpn-nodes/vpn-node[%s]/vpn-network-accesses/"
                           "vpn-network-access[%s]: another access is on %s",
                           s->id, node->id, a->id, name);
        json_object_set_new(seen, name, json_true());
    }
    json_decref(seen);
    return err;
}

static enum err
check_node(const struct vpn_service *s, const struct vpn_node *node, struct diag *diag)
{
    const struct vpn_profile *profile = vpn_node_profile(s, node);
    bool pseudowires = s->kind == VPN_L2 && s->l2_type == VPN_VPWS;
    const char *what = NULL;
    if (!profile && (node->profile || !pseudowires))
        what = "its profile does not exist";
    else if (!pseudowires && !node->rd && !profile->rd)
        what = "no rd, neither here nor in the profile";
    else if (!pseudowires && !node->local_as && !profile->local_as)
        what = "no autonomous system, neither here nor in the profile";
    else if (pseudowires && node->n_pseudowires == 0)
        what = "a vpws without signaling-option/ac-pw-list";
    if (what)
        return diag_set(diag, ERR_INVALID, "vpn-service[%s]/vpn-nodes/vpn-node[%s]: %s", s->id,
                        node->id, what);
    return check_accesses(s, node, diag);
}

static enum err
read_model(struct reader *r, const json_t *json, const char *name, const struct row *rows,
           enum vpn_kind kind, struct vpn_services *services)
{
    const json_t *value = json_object_get(json, name);
    if (!value)
        return ERR_OK;
    enum err err = read_object(r, rows, value, (char *)services);
    for (uint32_t i = 0; i < services->n && !err; i++) {
        struct vpn_service *s = &services->services[i];
        s->kind = kind;
        for (uint32_t j = 0; j < s->n_nodes && !err; j++)
            err = check_node(s, &s->nodes[j], r->diag);
    }
    return err;
}

enum err
vpn_services_from_json(const json_t *json, struct arena *arena, struct vpn_services *services,
                       struct diag *diag)
{
    struct reader r = {.arena = arena, .path = BUF_INIT, .diag = diag};
    struct vpn_services l3 = {0}, l2 = {0};
    size_t known = !!json_object_get(json, "ietf-l3vpn-ntw:l3vpn-ntw") +
                   !!json_object_get(json, "ietf-l2vpn-ntw:l2vpn-ntw");
    if (known == 0 || known != json_object_size(json))
        return diag_set(diag, ERR_INVALID,
                        "the document is not of ietf-l3vpn-ntw:l3vpn-ntw, ietf-l2vpn-ntw:l2vpn-ntw "
                        "and nothing else");
    json_t *flat = NULL;
    enum err err = vpn_shape_flat(json, &flat, diag);
    if (!err)
        err = read_model(&r, flat, "ietf-l3vpn-ntw:l3vpn-ntw", l3_rows, VPN_L3, &l3);
    if (!err)
        err = read_model(&r, flat, "ietf-l2vpn-ntw:l2vpn-ntw", l2_rows, VPN_L2, &l2);
    json_decref(flat);
    struct vpn_service *all = err ? NULL : arena_calloc(arena, l3.n + l2.n, sizeof *all);
    buf_fini(&r.path);
    if (err)
        return err;
    if (!all)
        return diag_set(diag, ERR_LIMIT, "the services take more memory than is allowed");
    if (l3.n)
        memcpy(all, l3.services, l3.n * sizeof *all);
    if (l2.n)
        memcpy(all + l3.n, l2.services, l2.n * sizeof *all);
    *services = (struct vpn_services){l3.n + l2.n, all};
    return ERR_OK;
}

void
vpn_service_name(const char *id, size_t length, char *name)
{
    if (strlen(id) + 3 <= length) {
        snprintf(name, length + 1, "tl-%s", id);
        return;
    }
    uint64_t hash = hash_bytes(id, strlen(id), 0);
    snprintf(name, length + 1, "tl-%.*s%08x", (int)(length - 11), id, (unsigned)(hash >> 32));
}
