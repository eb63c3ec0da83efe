/* prove_graph.h - the ways of a claim's packets, drawn once and passed through by lanes. */
#ifndef ENGINEER_PROVE_GRAPH_H
#define ENGINEER_PROVE_GRAPH_H

#include "engineer/prove_private.h"

/* Brings the drawing of the claim's ways up to date; `anew`: more than the actions of rules may
 * have changed. False: they lead round in a circle, or there are too many; the claim is to be
 * followed step by step. */
bool ways_draw(struct judging *, bool anew);
/* Sends these lanes through. */
void ways_pass(struct walk *, const struct graph_of_ways *, uint64_t lanes);
void ways_free(struct graph_of_ways *); /* NULL is fine */
void sketch_free(struct sketch *);      /* likewise */

#endif
