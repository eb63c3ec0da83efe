/* segments.h - strict paths as segment lists for SR-MPLS (RFC 8402, 8660), and back.
 *
 * A node segment follows the IGP's shortest paths to a node, all of them where several cost the
 * same; an adjacency segment takes one link. A path becomes as few segments as can be: of all ways
 * to cut it, the shortest, found from its end backwards. A piece may be a node segment if the IGP
 * goes there that way and no other; or, if the caller says which links are good enough, if all ways
 * that the IGP might take are over such links.
 *
 * The label of a node segment is an index in the label block (SRGB) of the node that reads it: that
 * is where the segment before ends, for the first one the ingress. A router that has no block, or
 * one that is too small for the index, cannot pass such a packet on; so no such segment is made
 * across it. */
#ifndef TE_SEGMENTS_H
#define TE_SEGMENTS_H

#include "base/err.h"
#include "te/router.h"

/* What the IGP does: shortest paths by its metric over the links that are in service, not through
 * nodes that may not be passed; what operators have drained it knows nothing of, and uses.
 * Distances to a node are computed when first asked for, and kept. */
struct te_igp; /* opaque; not thread-safe: writes on the router's scratch */

/* `down` by link (NULL: none): out of service, too, with their reverse: what if they failed?
 * Copied. */
struct te_igp *te_igp_new(struct te_router *, const uint8_t *down);
void te_igp_free(struct te_igp *); /* NULL is fine. */
/* By node; DIGRAPH_FAR: cannot reach it. Until te_igp_free(). */
const uint64_t *te_igp_distances(struct te_igp *, uint32_t to);
/* Does the IGP send packets for `to` over this link? */
bool te_igp_uses(struct te_igp *, uint32_t link, uint32_t to);

struct te_segment {
    uint32_t node; /* where it ends */
    uint32_t link; /* of an adjacency segment; TE_NONE: a node segment */
    uint32_t label;
};

struct te_segments {
    uint32_t n;
    struct te_segment *list; /* the first one to be read first */
};
void te_segments_fini(struct te_segments *);

struct te_segments_request {
    const uint32_t *links; /* the path */
    uint32_t n_links;
    uint32_t max_depth;        /* labels; what the ingress can do (RFC 8491) counts, too; 0: no
                                  bound of the caller's */
    const uint8_t *good_links; /* by link, e.g. of te_good_links(); NULL: the path and no other */
};

/* ERR_NOT_FOUND: there is no segment for some link; `diag` (may be NULL) says which. ERR_LIMIT: it
 * takes more labels than allowed: `*needed` (may be NULL; always set unless ERR_NOT_FOUND) says how
 * many. ERR_INVALID: the links are no path, or one is out of service. */
MUST_CHECK enum err te_segments_find(struct te_igp *, const struct te_segments_request *,
                                     struct te_segments *, uint32_t *needed, struct diag *);

/* What a stack of labels means that a node puts on a packet (or reads). ERR_NOT_FOUND: a label that
 * its reader does not know; `diag` says which. */
MUST_CHECK enum err te_segments_decode(struct te_igp *, uint32_t from, const uint32_t *labels,
                                       uint32_t n_labels, struct te_segments *, struct diag *);

/* Where packets go. */
struct te_expansion {
    uint32_t end; /* where they come out */
    uint32_t n;
    struct te_share {
        uint32_t link;
        double share; /* of the packets, if each router divides them evenly among its ways */
    } * shares;       /* segment by segment, on the way; a link twice if two segments use it */
    bool unique;      /* there is one way only: the shares are the path */
    uint64_t min_delay_us, max_delay_us; /* of the ways; unknown delays count for nothing */
};
void te_expansion_fini(struct te_expansion *);

/* ERR_NOT_FOUND: some packets cannot go on: the link of a segment is out of service, its node
 * cannot be reached, a router on the way has no label for it; `diag` says which. */
MUST_CHECK enum err te_segments_expand(struct te_igp *, uint32_t from, const struct te_segments *,
                                       struct te_expansion *, struct diag *);

#endif
