/* network_build.h - makes the snapshot of network.h from nodes and links in any order.
 *
 *     struct te_builder *b = te_builder_new(budget);
 *     te_builder_add_node(b, &node, &a); ...
 *     te_builder_add_link(b, &link, srlgs, n_srlgs, &id); ...
 *     network = te_builder_finish(b, version); te_builder_free(b); ... te_network_free(network);
 *
 * Nodes keep the order in which they were added. Links are sorted by `from`, `to`, addresses and
 * numbers of their ends, so that the same links give the same network in whatever order they come.
 *
 * Which link is the other direction of which: those that te_builder_pair() names; then those whose
 * ends are each other's (addresses and numbers swapped; where several have the same ends, or none
 * at all, by their order); then, where one link is left in each direction between two nodes and
 * nothing that both tell contradicts it, these two. What is left has no reverse. */
#ifndef TE_NETWORK_BUILD_H
#define TE_NETWORK_BUILD_H

#include "base/err.h"
#include "te/network.h"

#include <stddef.h>

#define TE_NODES_MAX 65535

struct te_builder; /* opaque; one network; not thread-safe */

/* `budget` in octets bounds what peers can make it hold; the snapshot needs about as much again. */
struct te_builder *te_builder_new(size_t budget);
void te_builder_free(struct te_builder *); /* NULL is fine. */

/* A node and a link that have nothing but what every one has: no segment routing, nothing told,
 * passable, up. `key` is not copied. */
struct te_node te_node_plain(const char *key);
/* Both metrics and the delay as given, reservable and unreserved as the capacity. */
struct te_link te_link_plain(uint32_t from, uint32_t to, uint32_t metric, uint32_t delay_us,
                             uint64_t capacity_bps);

/* Copies it, strings too; name NULL: the key. `*index` (NULL: not asked) is its place in the
 * network. ERR_EXISTS: there is one with that key. ERR_INVALID: no key. ERR_LIMIT: the budget, or
 * more than TE_NODES_MAX. */
MUST_CHECK enum err te_builder_add_node(struct te_builder *, const struct te_node *,
                                        uint32_t *index);

/* `from` and `to` are places of nodes that were added; `reverse`, `first_srlg` and `n_srlgs` of the
 * link are not read: groups are given by their numbers in the network (RFC 4202), in any order,
 * also twice. `*id` (may be NULL) is for te_builder_pair() and te_builder_place(). ERR_INVALID: no
 * such node, or from a node to itself. ERR_LIMIT: the budget. */
MUST_CHECK enum err te_builder_add_link(struct te_builder *, const struct te_link *,
                                        const uint32_t *srlgs, uint32_t n_srlgs, uint32_t *id);

/* Two links that lead back and forth. ERR_INVALID: they do not, or one is paired already. */
MUST_CHECK enum err te_builder_pair(struct te_builder *, uint32_t id, uint32_t other);

/* Both directions at once, paired: `link` and the same from `to` to `from` with the ends' addresses
 * and numbers swapped and no adjacency label. */
MUST_CHECK enum err te_builder_add_both(struct te_builder *, const struct te_link *,
                                        const uint32_t *srlgs, uint32_t n_srlgs, uint32_t *id,
                                        uint32_t *reverse_id);

/* The snapshot, which does not need the builder any more; te_network_free() ends it. Once. */
const struct te_network *te_builder_finish(struct te_builder *, uint64_t version);
/* After that: where the link is in the network. */
uint32_t te_builder_place(const struct te_builder *, uint32_t id);

void te_network_free(const struct te_network *); /* of te_builder_finish(); NULL is fine. */

#endif
