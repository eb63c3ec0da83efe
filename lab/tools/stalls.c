/* stalls.c - when did a processor of this machine stand still, as those of virtual machines do?
 *
 *     lab-stalls [LEAST_US]      a line for each time of at least LEAST_US (1000), until it is
 * ended: BEGIN END, milliseconds since 1970
 *
 * On each processor a thread of the highest real-time priority wakes every 250 us and looks how
 * much later it is. What is measured beside it can then be told from what the machine did. */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_NS 250000

static int64_t least_ns = 1000000;

static int64_t
now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void *
watch(void *arg)
{
    cpu_set_t mine;
    CPU_ZERO(&mine);
    CPU_SET((size_t)(intptr_t)arg, &mine);
    if (pthread_setaffinity_np(pthread_self(), sizeof mine, &mine))
        return NULL; /* not ours to use */
    for (int64_t last = now_ns();;) {
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
        int64_t now = now_ns();
        if (now - last - PAUSE_NS >= least_ns)
            printf("%.3f %.3f\n", (double)last / 1e6, (double)now / 1e6);
        last = now_ns(); /* writing is no standstill */
    }
}

int
main(int argc, char **argv)
{
    struct sched_param highest = {.sched_priority = sched_get_priority_max(SCHED_FIFO)};
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    pthread_t thread;
    char *end = NULL;
    if (argc > 1) {
        least_ns = 1000 * strtoll(argv[1], &end, 10);
        if (*end || least_ns <= 0 || argc > 2) {
            fprintf(stderr, "lab-stalls: \"%s\": how many microseconds at least?\n", argv[1]);
            return 2;
        }
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (sched_setscheduler(0, SCHED_FIFO, &highest)) {
        perror("lab-stalls: real-time priority");
        return 1;
    }
    for (long cpu = 0; cpu < n; cpu++) {
        if (pthread_create(&thread, NULL, watch, (void *)(intptr_t)cpu))
            return 1;
    }
    pause();
}
