#include "io/clock.h"

#include <time.h>

static nsec_t
read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (nsec_t)now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

nsec_t
clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

nsec_t
clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}
