/* fast_path.h - the kernel's fast path: cached programs are carried out where the frame comes in
 * (kernel/fast.bpf.c), and only what has none comes to the packet thread.
 *
 * There is one meaning: the pipeline records what it did with a packet as the program of its key;
 * fast_path_offer() puts a flat copy into memory that the kernel's program reads. Counters, meters
 * and the state of ports are the same memory for both. A change of the tables makes all copies
 * stale, by a store; a barrier waits until no CPU is in the program (a few microseconds).
 *
 * Not carried out there: what goes to the controller or the node itself, changes of more than
 * Ethernet, VLAN, IP, TCP and UDP headers, packets that are not ordinary (kernel/fast_key.h),
 * segments of which not all pass a meter, PTP. They go to the packet thread, which does with them
 * what it always does; what a meter ahead of such a step drops is dropped in the kernel. Neither
 * are queues: what the kernel forwards leaves at once.
 *
 * If a packet thread does not say for FAST_PATH_TRUST that it lives, nothing is forwarded. */
#ifndef EDGE_FAST_PATH_H
#define EDGE_FAST_PATH_H

#include "edge/datapath.h"

struct fast_path;
struct program; /* of the pipeline */

#define FAST_PATH_TRUST (2 * NSEC_PER_SEC)

/* Loads the program and shares its memory with the datapath, which has no ports, flows, groups or
 * meters yet. ERR_DENIED; ERR_UNSUPPORTED: the kernel cannot. */
MUST_CHECK enum err fast_path_new(struct datapath *, struct fast_path **, struct diag *);
/* After the datapath. NULL is fine. */
void fast_path_free(struct fast_path *);

/* The programs to attach at an interface, where frames come in and go out. */
int fast_path_program_in(const struct fast_path *);
int fast_path_program_out(const struct fast_path *);
/* From now on it forwards between this port and the others that were added. `up`: the interface
 * that gets what it does not forward. ERR_LIMIT: the interface's number is too high. */
MUST_CHECK enum err fast_path_add_port(struct fast_path *, struct edge_port *, unsigned ifindex,
                                       unsigned up, struct diag *);

/* Packet thread number `worker`, below QSBR_WORKERS: says that it lives. All that have ever said so
 * must go on saying it. */
void fast_path_alive(struct fast_path *, unsigned worker, nsec_t now);
/* Packet threads: has the kernel carry out the program for packets with its key. False: it cannot.
 */
bool fast_path_offer(struct fast_path *, const struct program *);
/* While `bypassed` everything goes to the packet thread, which somebody watches. Any thread. */
void fast_path_bypass(struct fast_path *, bool bypassed);

struct fast_path_stats {
    uint64_t forwarded;         /* packets carried out in the kernel, drops too */
    uint64_t up;                /* handed to the packet thread */
    uint64_t offered, declined; /* programs; declined: it cannot carry them out */
};
void fast_path_get_stats(const struct fast_path *, struct fast_path_stats *);

#endif
