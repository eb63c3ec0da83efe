/* cpu_account.h - the CPU time of processes, and of the kernel's threads that take over network
 * work, from /proc, in nanoseconds. */
#ifndef LAB_TOOLS_CPU_ACCOUNT_H
#define LAB_TOOLS_CPU_ACCOUNT_H

#include "base/time.h"

#define CPU_ACCOUNT_MAX 64

struct cpu_account {
    int pids[CPU_ACCOUNT_MAX]; /* each with all its threads */
    unsigned n;
    unsigned n_asked; /* the first ones; behind them are ksoftirqd of each CPU */
};

/* "12,34" or "" and the kernel's ksoftirqd threads. ERR_MALFORMED, ERR_LIMIT. */
MUST_CHECK enum err cpu_account_init(struct cpu_account *, const char *pids);

struct cpu_time {
    nsec_t asked;    /* of the processes that were named, since they began */
    nsec_t softirqd; /* of ksoftirqd */
};
/* ERR_NOT_FOUND: one of the processes has ended. */
MUST_CHECK enum err cpu_account_read(const struct cpu_account *, struct cpu_time *);

/* The calling thread's, since it began. */
nsec_t cpu_account_thread(void);

#endif
