/* classbench.h - packet filters in the form of ClassBench (D. Taylor, J. Turner, "ClassBench: A
 * Packet Classification Benchmark", INFOCOM 2005), and packets drawn from them, for the benchmarks
 * of classifiers.
 *
 * The sets are in $CLASSBENCH, or shared/data/classbench beside the worktree. TCP flags are left
 * out, and with them rules that say nothing new. */
#ifndef BENCH_CLASSBENCH_H
#define BENCH_CLASSBENCH_H

#include <stdbool.h>
#include <stdint.h>

#define CLASSBENCH_RULES_MAX 20000u

struct classbench_rule { /* host order; values have no bits outside their masks */
    uint32_t src, src_mask, dst, dst_mask;
    uint16_t sport[2], dport[2]; /* first and last */
    uint8_t proto, proto_mask;
    uint16_t priority; /* falls from rule to rule */
};

struct classbench_packet {
    uint32_t src, dst;
    uint16_t sport, dport;
    uint8_t proto;
};

struct classbench {
    uint32_t n;
    struct classbench_rule rules[CLASSBENCH_RULES_MAX];
};

/* Where the sets are. */
const char *classbench_directory(void);
/* Reads a set. False: there is none; that is said on standard error, with the benchmark's name. */
bool classbench_read(struct classbench *, const char *bench, const char *set);
/* A number below `n`; always the same sequence. */
uint32_t classbench_pick(uint32_t n);
/* A packet that a rule covers; some other rule may come first. */
void classbench_draw(const struct classbench *, struct classbench_packet *);
/* The priority of the first rule that covers the packet; -1: none does. */
int classbench_search(const struct classbench *, const struct classbench_packet *);
/* CPU time of this thread, seconds. */
double classbench_seconds(void);

#endif
