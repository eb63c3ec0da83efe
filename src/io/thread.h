/* thread.h - threads that something waits for. */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts a thread with a real-time priority (SCHED_FIFO, 1 to 99), or, if that is not permitted
 * (CAP_SYS_NICE, RLIMIT_RTPRIO), without; `realtime` says which. 0: the machine's default. Returns
 * 0 or an error number. */
int thread_start(pthread_t *, int priority, void *(*run)(void *arg), void *arg, bool *realtime);

#endif
