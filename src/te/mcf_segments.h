/* mcf_segments.h - what segment lists do to the links: node segments follow the IGP's shortest
 * paths and split evenly, hop by hop, where several are equal; adjacency segments take their link.
 * Pure.
 *
 * A list's load is a share by link, whatever the size of what is sent. Lists here never use more
 * than `labels` labels, the last one included that names the destination, and one for an adjacency
 * of the head-end. */
#ifndef TE_MCF_SEGMENTS_H
#define TE_MCF_SEGMENTS_H

#include "te/mcf_router.h"

/* Shortest paths by IGP metric between all pairs, as shares. Memory: pairs x links of their
 * shortest paths x 12 octets. */
struct mcf_ecmp;
struct mcf_ecmp *mcf_ecmp_new(const struct mcf_graph *);
void mcf_ecmp_free(struct mcf_ecmp *); /* NULL is fine */

/* Arcs (rising) and shares of what goes from one node to another; 0 if it cannot, or from = to. */
uint32_t mcf_ecmp_pair(const struct mcf_ecmp *, uint32_t from, uint32_t to, const uint32_t **arcs,
                       const double **shares);
bool mcf_ecmp_reaches(const struct mcf_ecmp *, uint32_t from, uint32_t to);
/* Whether every router on the way knows the label of the segment (RFC 8660 section 2.3). */
bool mcf_ecmp_labelled(const struct mcf_ecmp *, uint32_t from, uint32_t to);
/* The longest delay of any of the equal paths, us. */
double mcf_ecmp_delay(const struct mcf_ecmp *, uint32_t from, uint32_t to);
void mcf_ecmp_load(const struct mcf_ecmp *, uint32_t from, uint32_t to, double bps, double *loads);

/* A router of lists with at most `labels` (1 to MCF_SEGMENTS_MAX) labels; `ecmp` stays.
 * quick(): by one node, or one adjacency, in between; cheapest(): all lists. A list that
 * passes an arc with a price of INFINITY, or that is not allowed, is none. */
struct mcf_router mcf_segment_router(const struct mcf_problem *, const struct mcf_ecmp *,
                                     uint32_t labels);

#endif
