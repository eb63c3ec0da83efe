/* classifier.h - which of many overlapping rules decides a packet: the index behind acl.h.
 *
 * Rules of different masks share a hash table, keyed by the bits that all of them ask for, and what
 * has the same key is searched by falling priority (J. Daly et al., "TupleMerge: Fast Software
 * Packet Processing for Online Packet Classification", IEEE/ACM Transactions on Networking 27(4),
 * 2019). A bucket that gets too long sends further rules to a table with a finer key. Ranges of
 * ports are not cut into prefixes: a rule is one entry.
 *
 * src/edge/merged.h does the same for a datapath's entries, whose readers need no lock; here there
 * is one thread, and an entry has all of a rule in half a cache line. Not thread-safe. */
#ifndef ENGINEER_CLASSIFIER_H
#define ENGINEER_CLASSIFIER_H

#include "engineer/cube.h"

struct classifier;

#define CLASSIFIER_NONE (-1)

struct classifier *classifier_new(size_t budget); /* octets it may hold; never NULL */
void classifier_free(struct classifier *);        /* NULL is fine */

/* Adds a rule; the higher priority wins, and no two that overlap may have the same. ERR_LIMIT: the
 * budget. */
MUST_CHECK enum err classifier_add(struct classifier *, const struct cube *, uint32_t priority);
/* ERR_NOT_FOUND: there is no such rule with this priority. */
MUST_CHECK enum err classifier_remove(struct classifier *, const struct cube *, uint32_t priority);

/* The highest priority of the rules that cover the packet; CLASSIFIER_NONE: none does. */
int64_t classifier_lookup(const struct classifier *, const struct packet5 *);

struct classifier_size {
    uint32_t rules, tables, longest; /* of the buckets, rules */
    size_t memory;                   /* octets */
};
void classifier_get_size(const struct classifier *, struct classifier_size *);
size_t classifier_memory(const struct classifier *); /* the same octets */

#endif
