/* merged.h - many masks in few hash tables, for tables whose entries were not engineered.
 *
 * Imported packet filters have hundreds of masks, and tuple space search asks a hash table for each
 * of them. Here entries of different masks share a hash table, keyed by the bits that all of them
 * have, and a bucket is searched (J. Daly et al., "TupleMerge: Fast Software Packet Processing for
 * Online Packet Classification", IEEE/ACM Transactions on Networking 27(4), 2019). A bucket that
 * would get too long sends further entries to a table with a finer key.
 *
 * It is an index only: the tuples of flow_table.h stay what is true, for all that the control
 * thread asks; lookups by packets go through this one as long as it is there. Readers need no lock:
 * buckets are replaced, never changed, and freed through qsbr. */
#ifndef EDGE_MERGED_H
#define EDGE_MERGED_H

#include "edge/flow_table.h"

struct merged;

struct merged *merged_new(struct qsbr *);
void merged_free(void *merged); /* No reader may be left. NULL is fine. */

/* Control side. The entry must stay readable until the grace period after its removal. */
void merged_add(struct merged *, struct entry *);
void merged_remove(struct merged *, struct entry *);
/* Has so much been removed that it had better be made anew? */
bool merged_is_worn(const struct merged *);

/* As flow_table_lookup(). */
struct entry *merged_lookup(const struct merged *, const struct flow_key *);

#endif
