/* atoms.h - routers' prefix tables, judged rule by rule: which destinations run in circles, which
 * are sent to where nobody knows them, and for whom a change changes where packets come out.
 *
 * Destinations that all routers treat alike are one class (an atom of Delta-net: A. Horn et al.,
 * "Delta-net: Real-time Network Verification Using Atoms", NSDI 2017). Here a class is what one
 * prefix covers and no longer prefix does, of all prefixes that any router has; so a rule with a
 * new prefix makes one class, and the last rule of a prefix takes it away. Of each link and each
 * node it is known which classes go there, 64 of them in a word: a change is followed through the
 * network for 64 classes at a time, and only for those that it changes.
 *
 * Rules: of all rules of a node that cover a destination the one of the highest priority counts;
 * of equal priorities, the longest prefix. A rule may name several links (equal-cost paths, a
 * segment with several routers): a packet may take any of them. So what is found may happen, and
 * what is not found cannot.
 *
 * Not thread-safe. Memory stays below the budget given, at every moment. */
#ifndef ENGINEER_ATOMS_H
#define ENGINEER_ATOMS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATOMS_NONE UINT32_MAX
#define ATOMS_NODES_MAX 65536u
#define ATOMS_LINKS_MAX 262144u
#define ATOMS_BUDGET ((size_t)1 << 30) /* a sensible one, octets */

struct atoms;

struct atoms_link {
    uint32_t from, to; /* nodes, from 0 */
    bool filtered;     /* may let only some packets of a class pass, by their other headers */
};

struct atoms_config {
    uint32_t width; /* bits of a destination: 32 for IPv4; 1 to 64 */
    uint32_t n_nodes, n_links;
    const struct atoms_link *links; /* copied */
    size_t budget;                  /* octets */
};

/* ERR_INVALID: a width or a link that cannot be. ERR_LIMIT: too many nodes or links, or the budget
 * does not even hold those. */
MUST_CHECK enum err atoms_new(const struct atoms_config *, struct atoms **, struct diag *);
void atoms_free(struct atoms *); /* NULL is fine */

struct atoms_rule {
    uint32_t node;
    uint64_t prefix; /* as a number of `width` bits; bits behind `length` are 0 */
    uint32_t length; /* bits */
    uint32_t priority;
    const uint32_t *links; /* of this node; copied; in any order */
    uint32_t n_links;
    uint64_t exit; /* says where packets leave the network here; 0: they do not. Without links
                    * and exit the rule drops */
};

enum atoms_kind {
    ATOMS_LOOP,  /* packets come back to this node */
    ATOMS_HOLE,  /* packets are sent to this node, which has no rule for them */
    ATOMS_REACH, /* where this node's packets come out has changed */
};

/* Up to 64 classes to which it happened. */
struct atoms_event {
    enum atoms_kind kind;
    uint32_t node;
    uint32_t from;    /* the node whose rule or link has changed; ATOMS_NONE: an audit's */
    uint32_t block;   /* the class of bit i is 64 * block + i */
    uint64_t classes; /* not 0 */
    uint64_t sure;    /* of these: there is a way without filtered links */
};

/* What a change did. */
struct atoms_change {
    const struct atoms_event *events; /* until the next change */
    uint32_t n_events;
    bool truncated;     /* there were more events than there was room for; numbers are right */
    uint32_t node;      /* whose rule or link it was */
    uint64_t classes;   /* treated otherwise than before */
    uint64_t loops;     /* classes that loop now by what has changed */
    uint64_t holes;     /* pairs of class and node, new */
    uint64_t mended;    /* the same, loops and holes, that are no longer */
    uint64_t reachable; /* pairs of source node and class */
};

/* Adds a rule and judges what it changes. ERR_EXISTS: the node has one of this prefix and priority;
 * ERR_INVALID: prefix, node or links cannot be; ERR_LIMIT: the budget. */
MUST_CHECK enum err atoms_insert(struct atoms *, const struct atoms_rule *, struct atoms_change *,
                                 struct diag *);
/* Takes away the rule with this node, prefix, length and priority. ERR_NOT_FOUND. */
MUST_CHECK enum err atoms_remove(struct atoms *, const struct atoms_rule *, struct atoms_change *,
                                 struct diag *);

/* A filter on links has changed, for destinations that have `value` where `mask` has bits: they
 * get through now, or no longer. Judges it for all classes with such a destination; what the filter
 * asks of other headers is the caller's (imported.h). */
void atoms_filter(struct atoms *, const uint32_t *links, uint32_t n_links, uint64_t value,
                  uint64_t mask, bool opens, struct atoms_change *);

/* All loops and holes that there are, as events of a change. A loop's node is one of those from
 * which packets come into it. */
void atoms_audit(struct atoms *, struct atoms_change *);

/* ---- What is behind an event ---- */

/* The class's prefix. False: there is no such class. */
bool atoms_class(const struct atoms *, uint32_t class, uint64_t *prefix, uint32_t *length);
/* A destination of the class that has `value` where `mask` has bits. False: it has none. */
bool atoms_address(const struct atoms *, uint32_t class, uint64_t value, uint64_t mask,
                   uint64_t *address);
/* The class of a destination. */
uint32_t atoms_class_of(const struct atoms *, uint64_t address);
/* The rule a node has for a class; `links` are valid until the next change. False: none. */
bool atoms_rule_of(const struct atoms *, uint32_t class, uint32_t node, struct atoms_rule *);
/* The links a node's packets of a class may take: for i from 0 on, until it is ATOMS_NONE. */
uint32_t atoms_next_link(const struct atoms *, uint32_t class, uint32_t node, uint32_t i);
/* Do packets of a class take this link? */
bool atoms_takes(const struct atoms *, uint32_t class, uint32_t link);
/* Nodes from `from` to `to` (the same: round a loop) as packets of the class may take them, both
 * ends included; at most n_nodes + 1 of them. 0: there is no such path. */
uint32_t atoms_path(const struct atoms *, uint32_t class, uint32_t from, uint32_t to,
                    uint32_t *path);

struct atoms_size {
    uint32_t rules, prefixes, classes; /* `classes` with destinations of their own */
    size_t memory;                     /* octets held */
};
void atoms_get_size(const struct atoms *, struct atoms_size *);
size_t atoms_memory(const struct atoms *); /* the same octets */

#endif
