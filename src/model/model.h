/* model.h - what all parts of the product agree on: sites, nodes, links, hosts and circuits.
 *
 * The public contract is schema/tieline-*.yang; these structs are its runtime form, with the same
 * names. A struct owns its strings. References between objects are names, resolved through the
 * hashes of `struct network`, so that any object can be replaced without touching the others. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "base/err.h"
#include "base/time.h"
#include "packet/addr.h"

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

enum site_kind { SITE_CONTROL_CENTRE, SITE_WAN, SITE_SUBSTATION, SITE_KIND_MAX };

struct site {
    char *name;
    char *description; /* NULL if none */
    enum site_kind kind;
    UT_hash_handle hh;
};

enum node_kind {
    NODE_TIELINE_EDGE, /* tests itself: STAMP sender and reflector built in */
    NODE_OPENVSWITCH,  /* a probe on its LOCAL port tests for it, if `probe` */
    NODE_OPENFLOW,     /* any other OpenFlow 1.3 switch */
    NODE_KIND_MAX
};

struct port {
    uint32_t number; /* OpenFlow port number, 1 and up; unique within the node */
    char *name;      /* the interface's name on the device; unique within the node */
    char *description;
};

struct node {
    char *name; /* also the common name of its certificate */
    char *site;
    char *description;
    enum node_kind kind;
    uint64_t datapath_id;
    uint32_t management_address; /* IPv4, host order; 0 if not known */
    bool probe;                  /* something at its LOCAL port sends and reflects tests */
    uint32_t n_ports;
    struct port *ports; /* by number */
    UT_hash_handle hh;
};

struct link_end {
    char *node;
    uint32_t port;
};

struct link {
    char *name;
    char *description;
    struct link_end a, b;
    uint32_t delay_us;      /* one way, stated by the engineer */
    uint32_t capacity_kbps; /* each direction */
    uint32_t n_shared_risks;
    char **shared_risks; /* names of shared-risk groups: what fails together */
    char *tunnel;        /* through the WAN, that carries it; NULL: it is a cable */
    char *vpn;           /* that makes it on the routers; NULL: somebody else sees to that */
    UT_hash_handle hh;
};

struct host {
    char *name;
    char *description;
    struct mac mac;
    uint32_t ipv4; /* host order; 0: none, it speaks layer 2 only */
    int prefix_length;
    uint32_t gateway; /* 0: none; then it reaches only its own subnet */
    char *node;       /* where it is attached */
    uint32_t port;
    char *ied; /* its name in the SCD file, if it is not `name` */
    UT_hash_handle hh;
};

/* How VPN services are configured on a router. */
enum router_platform { ROUTER_FRR, ROUTER_JUNOS, ROUTER_IETF, ROUTER_PLATFORM_MAX };

enum netconf_transport { NETCONF_SSH, NETCONF_TLS, NETCONF_TRANSPORT_MAX };

/* A router of the MPLS WAN. Its links are learned from the routers (wan/). */
struct router {
    char *name;
    char *site;
    char *description;
    uint32_t router_id; /* IPv4, host order */
    enum router_platform platform;
    uint32_t management_address; /* IPv4, host order; 0 if not known */
    enum netconf_transport netconf_transport;
    uint16_t netconf_port; /* 0: the usual one */
    char *netconf_user;    /* NULL: the controller's settings have it */
    UT_hash_handle hh;
};

/* Which of a port's queues a circuit uses; strict priority, the highest number first. */
enum service_class {
    CLASS_BULK,        /* queue 1 */
    CLASS_ENGINEERING, /* queue 2 */
    CLASS_SCADA,       /* queue 3 */
    CLASS_PROTECTION,  /* queue 4 */
    CLASS_MAX
};

static inline uint32_t service_class_queue(enum service_class class)
{
    return (uint32_t) class + 1;
}

/* How much of the failover path must be apart from the primary one. */
enum disjointness {
    DISJOINT_NONE,    /* no failover path at all */
    DISJOINT_MAXIMAL, /* as far apart as the network allows, which may be not at all */
    DISJOINT_LINK,    /* no link in common, nor a shared-risk group */
    DISJOINT_NODE,    /* no node in common but the ends, either */
    DISJOINT_MAX
};

enum circuit_kind { CIRCUIT_IP, CIRCUIT_MULTICAST, CIRCUIT_KIND_MAX };
enum multicast_application { MULTICAST_GOOSE, MULTICAST_SV, MULTICAST_APPLICATION_MAX };

#define VLAN_UNTAGGED (-1)

/* An IP conversation: the client opens it, the server answers. */
struct ip_service {
    char *client, *server; /* hosts */
    uint8_t protocol;      /* IP_PROTO_TCP, _UDP or _ICMP (echo) */
    uint16_t client_port;  /* 0: any */
    uint32_t n_server_ports;
    uint16_t *server_ports; /* ascending; none for ICMP */
};

/* A layer 2 multicast: one publisher, its subscribers. */
struct multicast_service {
    enum multicast_application application;
    char *publisher;
    uint32_t n_subscribers;
    char **subscribers; /* sorted, unique */
    struct mac mac;     /* destination, a group address */
    int vlan_id;        /* 0 to 4094 (0: priority-tagged), or VLAN_UNTAGGED */
    uint8_t vlan_priority;
    uint16_t appid;
};

struct window {
    nsec_t start, end; /* wall clock; 0 and 0: always */
};

enum tunnel_metric { TUNNEL_IGP, TUNNEL_TE, TUNNEL_DELAY, TUNNEL_HOPS, TUNNEL_METRIC_MAX };

/* A pair of label-switched paths between two routers, one each way over the same links. */
struct tunnel {
    char *name;
    char *description;
    char *head, *tail;                     /* routers */
    uint32_t rate_kbps;                    /* reserved on every link, each direction */
    uint8_t setup_priority, hold_priority; /* 0 is the best */
    enum tunnel_metric metric;
    uint32_t max_latency_us;   /* one way; 0: no budget */
    uint32_t max_asymmetry_us; /* between its directions; 0: no budget */
    uint8_t max_hops;          /* 0: no budget */
    uint32_t n_via, n_avoid;
    char **via;   /* routers and links (way.h), in order; the primary path's */
    char **avoid; /* routers, links and shared risks */
    bool strict;  /* `via` is all that the primary path passes */
    uint32_t include_any, include_all, exclude_any; /* administrative groups, a bit each */
    enum disjointness protection; /* of its standby path; DISJOINT_NONE: there is none */
    char *diverse_from;           /* a tunnel; NULL: none */
    struct window window;
    UT_hash_handle hh;
};

/* An L2 or L3 VPN over several routers. */
struct vpn {
    char *name; /* its vpn-id, too */
    char *description;
    char *service; /* one service as model/vpn_service.h reads it: JSON, keys sorted, no spaces */
    UT_hash_handle hh;
};

/* What an engineer states. */
struct circuit {
    char *name;
    char *description;
    enum circuit_kind kind;
    struct ip_service ip;
    struct multicast_service multicast;
    enum service_class service_class;
    uint32_t rate_kbps;           /* committed, each direction; the meter's rate */
    uint32_t burst_octets;        /* the meter's burst */
    uint32_t max_latency_us;      /* one way; 0: no budget */
    uint32_t max_asymmetry_us;    /* of an IP circuit, between its directions; 0: no budget */
    enum disjointness protection; /* what is asked for at least */
    struct window window;
    UT_hash_handle hh;
};

/* A path from the client's node to the server's, or a tree from the publisher's node outwards:
 * links in such an order that each starts where an earlier one (or the source) was reached. */
struct route {
    uint32_t n_links;
    char **links; /* names */
};

/* What the engineer service computed for a circuit; kept, so that later plans leave it alone. */
struct design {
    char *circuit;
    uint32_t number; /* 1 to 65535, unique among the designs that exist: cookie and meter number */
    struct route primary;
    bool has_failover;
    struct route failover;
    enum disjointness disjoint; /* what was reached */
    uint32_t n_shared_links, n_shared_nodes;
    char **shared_links, **shared_nodes; /* what both paths have in common, but for the ends */
    UT_hash_handle hh;
};

enum drift_policy { DRIFT_REPAIR, DRIFT_REPORT, DRIFT_POLICY_MAX };

/* What people at a site may do to its circuits while the centre cannot be asked (model/local.h). */
enum local_policy { LOCAL_WORK_NONE, LOCAL_WORK_DISABLE, LOCAL_WORK_ALL, LOCAL_POLICY_MAX };
/* What becomes of it when the centre meant something else meanwhile. */
enum conflict_policy { CONFLICT_CENTRE_WINS, CONFLICT_LOCAL_STAYS, CONFLICT_POLICY_MAX };

struct settings {
    enum drift_policy missing_rule; /* what to do about a rule that has gone or changed */
    enum drift_policy foreign_rule; /* ... about one nobody planned */
    uint32_t wait_to_restore_ms;    /* a link that is back is used again after this; */
    bool revertive;                 /* false: only when an operator says so */
    bool shape_links;               /* packet nodes send no faster than a link's capacity */
    enum local_policy local_work;
    uint32_t local_work_hours; /* at most; then the centre's intent holds again */
    enum conflict_policy local_conflict;
};

struct network {
    struct site *sites; /* uthash, key `name`, in order of insertion */
    struct node *nodes;
    struct link *links;
    struct host *hosts;
    struct router *routers;
    struct tunnel *tunnels;
    struct vpn *vpns;
    struct circuit *circuits;
    struct design *designs; /* key `circuit` */
    struct settings settings;
    struct network_index
        *index; /* model.c's own: a cache for the lookups by port, datapath id, router id */
};

struct network *network_new(void); /* empty, default settings: repair all, revertive after 1 s */
void network_free(struct network *);
struct network *network_copy(const struct network *); /* deep */

struct site *network_site(const struct network *,
                          const char *name); /* NULL: none; likewise below */
struct node *network_node(const struct network *, const char *name);
struct node *network_node_by_dpid(const struct network *, uint64_t datapath_id);
struct link *network_link(const struct network *, const char *name);
struct host *network_host(const struct network *, const char *name);
struct router *network_router(const struct network *, const char *name);
struct router *network_router_by_id(const struct network *, uint32_t router_id);
struct tunnel *network_tunnel(const struct network *, const char *name);
struct vpn *network_vpn(const struct network *, const char *name);
struct circuit *network_circuit(const struct network *, const char *name);
struct design *network_design(const struct network *, const char *circuit);
/* The link or the host at a port; NULL if there is none. Fast as long as no node, link, host or
 * router is put or removed in between: those drop the index behind these lookups and the ones by
 * datapath id and router id.
 */
struct link *network_link_at(const struct network *, const char *node, uint32_t port);
struct host *network_host_at(const struct network *, const char *node, uint32_t port);
const struct port *node_port(const struct node *, uint32_t number);
const struct port *node_port_by_name(const struct node *, const char *name);
/* The end of `link` at `node`, and the opposite one; NULL if the link does not touch it. */
const struct link_end *link_end_at(const struct link *, const char *node);
const struct link_end *link_far_end(const struct link *, const char *node);

/* Put takes over the object (allocated, like its strings, with malloc). One of the same name is
 * replaced: its struct keeps its place and its address, gets the new contents, and the one given is
 * freed. Nothing is checked against other objects here: network_check() does. An object in a
 * network is not changed in place: put a changed copy. Remove frees it; ERR_NOT_FOUND if it is not
 * there. */
void network_put_site(struct network *, struct site *);
void network_put_node(struct network *, struct node *);
void network_put_link(struct network *, struct link *);
void network_put_host(struct network *, struct host *);
void network_put_router(struct network *, struct router *);
void network_put_tunnel(struct network *, struct tunnel *);
void network_put_vpn(struct network *, struct vpn *);
void network_put_circuit(struct network *, struct circuit *);
void network_put_design(struct network *, struct design *);
enum err network_remove_site(struct network *, const char *name);
enum err network_remove_node(struct network *, const char *name);
enum err network_remove_link(struct network *, const char *name);
enum err network_remove_host(struct network *, const char *name);
enum err network_remove_router(struct network *, const char *name);
enum err network_remove_tunnel(struct network *, const char *name);
enum err network_remove_vpn(struct network *, const char *name);
enum err network_remove_circuit(struct network *, const char *name);
enum err network_remove_design(struct network *, const char *circuit);

void site_free(struct site *); /* NULL is fine, here and below */
void node_free(struct node *);
void link_free(struct link *);
void host_free(struct host *);
void router_free(struct router *);
void tunnel_free(struct tunnel *);
void vpn_free(struct vpn *);
void circuit_free(struct circuit *);
void design_free(struct design *);
struct site *site_copy(const struct site *);
struct node *node_copy(const struct node *);
struct link *link_copy(const struct link *);
struct host *host_copy(const struct host *);
struct router *router_copy(const struct router *);
struct tunnel *tunnel_copy(const struct tunnel *);
struct vpn *vpn_copy(const struct vpn *);
struct circuit *circuit_copy(const struct circuit *);
struct design *design_copy(const struct design *);
/* Same name, same statement: what an upsert would not change. */
bool site_equal(const struct site *, const struct site *);
bool node_equal(const struct node *, const struct node *);
bool link_equal(const struct link *, const struct link *);
bool host_equal(const struct host *, const struct host *);
bool router_equal(const struct router *, const struct router *);
bool tunnel_equal(const struct tunnel *, const struct tunnel *);
bool vpn_equal(const struct vpn *, const struct vpn *);
bool circuit_equal(const struct circuit *, const struct circuit *);

#endif
