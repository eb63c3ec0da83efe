#include "io/thread.h"

#include <sched.h>

int
thread_start(pthread_t *thread, int priority, void *(*run)(void *arg), void *arg, bool *realtime)
{
    const struct sched_param param = {.sched_priority = priority};
    pthread_attr_t attributes;
    *realtime = false;
    if (priority) {
        pthread_attr_init(&attributes);
        pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        pthread_attr_setschedpolicy(&attributes, SCHED_FIFO);
        pthread_attr_setschedparam(&attributes, &param);
        *realtime = !pthread_create(thread, &attributes, run, arg);
        pthread_attr_destroy(&attributes);
    }
    return *realtime ? 0 : pthread_create(thread, NULL, run, arg);
}
