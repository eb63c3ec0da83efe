/* te_instance.h - networks and demands from ../shared/data/topologies, for benches of traffic
 * engineering: files of TopoHub (node-link JSON), which has neither capacities nor metrics.
 *
 * Metric: the length in units of 100 m, at least 1. Delay: 5 us/km. Every link has the same
 * capacity: what the shortest paths (with equal splitting) need at their hottest link, so that the
 * IGP's highest utilisation is 100 %. Demands: those of the file; where it gives a pair in one
 * direction only, it means both, as TopoHub's own count says. Without demands in it: gravity, from
 * weights of the nodes that are drawn with a fixed seed. */
#ifndef BENCH_TE_INSTANCE_H
#define BENCH_TE_INSTANCE_H

#include "te/mcf.h"
#include "te/network_build.h"

struct te_instance {
    char name[64];
    const struct te_network *net;
    uint32_t n_demands;
    struct te_instance_demand {
        uint32_t from, to;
        uint64_t bps;
    } * demands;
};

/* Exits with a message if the file cannot be read. */
void te_instance_load(struct te_instance *, const char *path);
void te_instance_free(struct te_instance *);
/* Of several files in a directory, sorted; returns how many. free() each and the list. */
uint32_t te_instance_list(const char *directory, char ***paths);

#endif
