#include "io/clock.h"

#include <sys/timex.h>
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

nsec_t
clock_tai_offset(void)
{
    nsec_t offset = read_clock(CLOCK_TAI) - clock_wall();
    return (offset + NSEC_PER_SEC / 2) / NSEC_PER_SEC *
           NSEC_PER_SEC; /* between the two is a moment */
}

bool
clock_is_synchronised(nsec_t *error)
{
    struct timex state = {.modes = 0};
    int answer = adjtimex(&state);
    *error = state.maxerror > 0 ? state.maxerror * NSEC_PER_USEC : 0;
    return answer >= 0 && answer != TIME_ERROR && !(state.status & STA_UNSYNC);
}
