/* imported.h - a network that others have built, by their names: routers, links, ports, VLANs,
 * packet filters on links; its prefix rules and filter rules come one by one and each is judged.
 *
 * Destinations are judged by classes (atoms.h). What filters ask of other headers is not cut into
 * classes: a link with filters counts as one that lets pass what it may, and where that makes a
 * loop or a black hole, a packet is looked for that gets through all filters on its way. If there
 * is one, the finding is real and the packet shows it; if there is none, it is not; if the steps do
 * not suffice, it counts as unjudged. Sources whose packets come out elsewhere are told as if
 * filters let everything pass that they may.
 *
 * A packet begins its way at a router: filters on ports by which packets come into the network are
 * not asked. A port with several links, and a VLAN with several ports, sends a packet over any of
 * them.
 *
 * First the topology, then imported_seal(), then rules. Not thread-safe. */
#ifndef ENGINEER_IMPORTED_H
#define ENGINEER_IMPORTED_H

#include "engineer/acl.h"
#include "engineer/atoms.h"
#include "engineer/labels.h"

#define IMPORTED_NAMES_MAX 1048576u /* nodes, ports, VLANs and filters together */
#define IMPORTED_NAME_MAX 80u       /* octets of a name */
#define IMPORTED_RULES_MAX 1000000u /* of one node */
#define IMPORTED_FILTERS_MAX 16u    /* on one link */
#define IMPORTED_PORTS_MAX 256u     /* of one VLAN or rule */
#define IMPORTED_OUTPUTS_MAX 4096u  /* links that one VLAN or rule may send to */

struct imported;

struct imported_config {
    size_t budget;  /* octets: prefix tables; filters have ACL_BUDGET each, at most as much
                     * together */
    uint32_t steps; /* for all findings of one change; 0: ACL_STEPS */
};

struct imported *imported_new(const struct imported_config *); /* never NULL */
void imported_free(struct imported *);                         /* NULL is fine */

/* ---- Topology ----
 * ERR_EXISTS: the name is taken. ERR_NOT_FOUND: a name that is not there. ERR_INVALID: a name that
 * cannot be. ERR_LIMIT: too many. ERR_CONFLICT: the topology is sealed. */

MUST_CHECK enum err imported_add_node(struct imported *, const char *name, struct diag *);
MUST_CHECK enum err imported_add_filter(struct imported *, const char *name, struct diag *);
/* A port by which packets leave the network, unless links are added to it. */
MUST_CHECK enum err imported_add_port(struct imported *, const char *node, const char *port,
                                      struct diag *);
/* One direction of a link. The port need not be there; what leaves passes these filters in turn.
 * Links of the same risk fail together; NULL: those between the same two nodes do. */
MUST_CHECK enum err imported_add_link(struct imported *, const char *node, const char *port,
                                      const char *to, const char *const *filters,
                                      uint32_t n_filters, const char *risk, struct diag *);
/* The port leaves the network through these filters. */
MUST_CHECK enum err imported_add_exit(struct imported *, const char *node, const char *port,
                                      const char *const *filters, uint32_t n_filters,
                                      struct diag *);
/* Packets sent to a VLAN may leave by any of its ports. Ports that are not there are added. */
MUST_CHECK enum err imported_add_vlan(struct imported *, const char *node, const char *vlan,
                                      const char *const *ports, uint32_t n_ports, struct diag *);
MUST_CHECK enum err imported_seal(struct imported *, struct diag *);

/* ---- Names ----
 * ERR_NOT_FOUND: there is none. */

MUST_CHECK enum err imported_find_node(const struct imported *, const char *name, uint32_t *node,
                                       struct diag *);
/* A port or VLAN; "self" is IMPORTED_SELF. */
MUST_CHECK enum err imported_find_port(const struct imported *, uint32_t node, const char *name,
                                       uint32_t *port, struct diag *);
MUST_CHECK enum err imported_find_filter(const struct imported *, const char *name,
                                         uint32_t *filter, struct diag *);
/* A link by its port, and by where it leads (NULL: the only one there). ERR_CONFLICT: several. */
MUST_CHECK enum err imported_find_link(const struct imported *, const char *node, const char *port,
                                       const char *to, uint32_t *link, struct diag *);
const char *imported_node_name(const struct imported *, uint32_t node);
const char *imported_filter_name(const struct imported *, uint32_t filter);
uint32_t imported_n_filters(const struct imported *);

/* ---- Rules ---- */

#define IMPORTED_SELF 0u /* the "port" of what is for the router itself */

struct imported_route {
    uint32_t node;
    uint32_t prefix, length; /* IPv4, host order */
    uint32_t priority;
    const uint32_t *ports; /* ports and VLANs, or IMPORTED_SELF; none: dropped */
    uint32_t n_ports;
};

struct imported_change {
    struct atoms_change atoms; /* as far as destinations go; until the next change */
    /* What is new, a packet shows it. Without filters the same as in `atoms`. */
    uint64_t loops, holes;
    uint64_t refuted;      /* no packet gets through the filters */
    uint64_t unjudged;     /* the steps did not suffice, or there were too many */
    bool has_packet;       /* of a filter rule: it does something: */
    struct packet5 packet; /* this is treated otherwise */
};

/* Add (or not: take away) a rule and judge that. The errors are those of atoms_insert() and
 * atoms_remove(), acl_add() and acl_remove(); ERR_LIMIT: a node has IMPORTED_RULES_MAX; ERR_INVALID
 * also: the topology is not sealed. A route's ports are not looked at to take it away. */
MUST_CHECK enum err imported_put_route(struct imported *, bool add, const struct imported_route *,
                                       struct imported_change *, struct diag *);
MUST_CHECK enum err imported_put_rule(struct imported *, bool add, uint32_t filter,
                                      const struct acl_rule *, struct imported_change *,
                                      struct diag *);

/* Everything that is wrong now. */
MUST_CHECK enum err imported_audit(struct imported *, struct imported_change *, struct diag *);

/* ---- Label-switched paths (labels.h) ---- */

/* Tables for labels over the same nodes and links, numbered alike; labels_free(). */
MUST_CHECK enum err imported_labels(const struct imported *, uint32_t depth, uint32_t steps,
                                    struct labels **, struct diag *);

/* ---- In words ---- */

struct imported_finding {
    enum atoms_kind kind;  /* loop or hole */
    struct packet5 packet; /* that shows it */
    char *node, *prefix;   /* where it was found, and the class: "10.0.0.0/8" */
    char *rule;            /* what the changed node does with it: "10.0.0.0/8 priority 8 to te1/1";
                            * NULL: it has no rule */
    char *path;            /* "r1 > r2 > r1" */
    bool unjudged;         /* no packet is known */
    char *text;            /* one sentence */
};

/* The first findings of the last change, at most `limit`. Only until the next change. */
void imported_findings(struct imported *, const struct imported_change *, uint32_t limit,
                       struct imported_finding **, uint32_t *n);
void imported_findings_free(struct imported_finding *, uint32_t n);
/* Appends them for a person, a few lines each. */
void imported_format(const struct imported_finding *, struct buf *);

const struct atoms *imported_atoms(const struct imported *);                 /* NULL: not sealed */
const struct acl *imported_filter(const struct imported *, uint32_t filter); /* NULL: none */
size_t imported_memory(const struct imported *);                             /* octets */

#endif
