/* vpn_service.h - L2 and L3 VPN services as the network operator sees them, in the shape of the
 * network models L3NM (RFC 9182, ietf-l3vpn-ntw) and L2NM (RFC 9291, ietf-l2vpn-ntw).
 *
 * What is read is the part of the models that is engineered here; doc/vpn.md lists it; in the RFCs'
 * shape or a flatter one (vpn_shape.h). Reading is total: a member that is unknown, missing or
 * wrong is ERR_INVALID, and `diag` names its path
 * ("vpn-service[ems]/vpn-nodes/vpn-node[pe1]/router-id: not an IPv4 address"). All texts end up in
 * configurations of routers, so that no text may have control characters, and names have letters,
 * digits and few others. */
#ifndef MODEL_VPN_SERVICE_H
#define MODEL_VPN_SERVICE_H

#include "base/arena.h"
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define VPN_LIST_MAX 4096 /* entries of any list */

enum vpn_kind { VPN_L3, VPN_L2 };
enum vpn_topology { VPN_ANY_TO_ANY, VPN_HUB_SPOKE, VPN_P2P };
enum vpn_l2_type { VPN_VPLS_EVPN, VPN_VPWS }; /* EVPN (RFC 7432); pseudowires by LDP (RFC 8077) */
enum vpn_encapsulation { VPN_UNTAGGED, VPN_DOT1Q, VPN_QINQ };
enum vpn_target_type { VPN_BOTH, VPN_IMPORT, VPN_EXPORT };

struct vpn_route_target {
    const char *value; /* "65000:100" */
};

struct vpn_target {
    uint32_t id;
    enum vpn_target_type type;
    uint32_t n_values;
    struct vpn_route_target *values;
};

struct vpn_profile {     /* vpn-instance-profile, global-parameters-profile */
    const char *id, *rd; /* rd: may be NULL, then the nodes tell theirs */
    uint32_t local_as;
    uint32_t n_targets;
    struct vpn_target *targets;
};

struct vpn_route { /* of a customer's network behind the access */
    const char *prefix, *next_hop;
};

struct vpn_bgp { /* a session with the customer's router */
    const char *id, *neighbor;
    uint32_t peer_as;
};

struct vpn_access {
    const char *id, *interface, *description;
    enum vpn_encapsulation encapsulation;
    uint32_t svlan, cvlan;   /* 0: none; with one tag only cvlan */
    const char *ipv4, *ipv6; /* the router's own; NULL: none */
    uint32_t ipv4_length, ipv6_length;
    uint32_t n_routes, n_routes6, n_bgps;
    struct vpn_route *routes, *routes6;
    struct vpn_bgp *bgps;
    uint64_t to_customer_bps, from_customer_bps; /* 0: not limited */
    uint32_t mtu;                                /* octets; 0: the router's */
    const char *qos;                             /* class of service; NULL: none */
};

struct vpn_pseudowire {
    const char *peer; /* address of the other router */
    uint32_t vc_id;
};

struct vpn_node {
    const char *id, *ne_id, *description, *router_id;
    const char *profile, *rd; /* rd before the profile's */
    uint32_t local_as;        /* 0: the profile's */
    uint32_t n_accesses, n_pseudowires;
    struct vpn_access *accesses;
    struct vpn_pseudowire *pseudowires;
};

struct vpn_service {
    enum vpn_kind kind;
    const char *id, *name, *description, *customer;
    enum vpn_topology topology;
    enum vpn_l2_type l2_type;
    const char *lsp; /* underlay-transport: name of the tunnel; NULL: none */
    uint32_t colour; /* of the SR policies that carry it (RFC 9256 section 2.1); 0: none */
    uint32_t n_profiles, n_nodes;
    struct vpn_profile *profiles;
    struct vpn_node *nodes;
};

struct vpn_services {
    uint32_t n;
    struct vpn_service *services;
};

/* {"ietf-l3vpn-ntw:l3vpn-ntw": {"vpn-services": {"vpn-service": [...]}}}, the same of
 * "ietf-l2vpn-ntw:l2vpn-ntw", or both in one object. The result lives in the arena. ERR_INVALID as
 * above; ERR_LIMIT: the arena. */
MUST_CHECK enum err vpn_services_from_json(const json_t *, struct arena *, struct vpn_services *,
                                           struct diag *);
/* The profile that a node has; never NULL for what was read. */
const struct vpn_profile *vpn_node_profile(const struct vpn_service *, const struct vpn_node *);

/* The number of the logical interface of an access: what interface-id ends in ("ge-0/0/1.100"), or
 * its tag if there is one; 0 otherwise. *port_length (may be NULL): characters of interface-id that
 * name the port. */
uint32_t vpn_access_unit(const struct vpn_access *, size_t *port_length);

/* Writes the name of the service on devices: "tl-ID" where that has at most `length` characters,
 * and "tl-" with as much of the ID as there is room for and eight digits of its hash otherwise. The
 * same ID gives the same name for ever. `name` has length + 1 octets, at least 16. */
void vpn_service_name(const char *id, size_t length, char *name);

#endif
