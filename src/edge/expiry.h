/* expiry.h - entries with timeouts, by the earliest time at which each may have to go.
 *
 * A heap: looking for what is due costs nothing while nothing is, however many wait. A packet does
 * not move its entry: an idle timeout is looked at when it would be over had no packet come, and
 * then put off to when it will be. Control thread only. */
#ifndef EDGE_EXPIRY_H
#define EDGE_EXPIRY_H

#include "edge/flow_table.h"

struct expiry {
    struct expiry_item {
        nsec_t at;
        struct entry *entry; /* its `expiry_slot` is this item's place */
    } * items;
    uint32_t n, capacity;
};

void expiry_fini(struct expiry *);
/* An entry with a timeout, which must not be in it. */
void expiry_add(struct expiry *, struct entry *);
/* Takes it out, if it is in. */
void expiry_remove(struct expiry *, struct entry *);
/* The first entry that may be due at `now`; NULL: none is. */
struct entry *expiry_first(const struct expiry *, nsec_t now);
/* The first one has turned out not to be due: puts it where it belongs. */
void expiry_put_off_first(struct expiry *);

/* When the entry has to go, as of now; NSEC_NEVER: it has no timeout. */
nsec_t entry_deadline(const struct entry *);

#endif
