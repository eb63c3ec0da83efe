/* design.h - from a circuit to its paths: which links, primary and failover.
 *
 * A designer knows the network and what is reserved in it. Paths have the least delay there is with
 * enough capacity left; of the failover paths, the one that shares least with the primary (pair.h
 * has the order of preference, and how ties are broken: by names). What a design could not keep
 * apart it names. The same network, designs and circuit give the same design, in whatever order the
 * network's objects were put there; numbers are given in the order in which circuits come, the
 * lowest first.
 *
 * Between two nodes the answer depends on nothing but whose stations the circuit belongs to and
 * which links are too full for it, so the designer keeps answers and gives them again while that is
 * the same. */
#ifndef ENGINEER_DESIGN_H
#define ENGINEER_DESIGN_H

#include "engineer/topology.h"

struct designer;

/* Of the network with the designs it has, whose circuits' rates are reserved. The network's sites,
 * nodes, links and hosts must outlive it and not change meanwhile; circuits and designs may. */
struct designer *designer_new(const struct network *);
void designer_free(struct designer *);

/* Designs one circuit, which need not be in the network, takes a free number for it and reserves
 * its rate. The result belongs to the caller (design_free()). Errors, with the reason in `diag`:
 * ERR_NOT_FOUND: a host is not there, or no path exists or has the capacity left.
 * ERR_UNSUPPORTED: the separation asked for is not possible in this network.
 * ERR_LIMIT: the latency budget cannot be met, or no number is left. */
MUST_CHECK enum err designer_add(struct designer *, const struct circuit *, struct design **,
                                 struct diag *);
/* Gives back what a design reserved. */
void designer_remove(struct designer *, const struct circuit *, const struct design *);
/* From now on no path uses this link, as if it were down. ERR_NOT_FOUND: there is no such link. */
MUST_CHECK enum err designer_exclude(struct designer *, const char *link);

/* What is reserved by now; the designer's, and changes with it. */
const struct topology *designer_topology(const struct designer *);

#define DESIGN_NUMBER_MAX 65535

#endif
