/* local.h - the bus within one program: a queue and a loop. */
#ifndef BUS_LOCAL_H
#define BUS_LOCAL_H

#include "bus/bus.h"

#define BUS_LOCAL_QUEUE_LIMIT 65536  /* messages not delivered yet */
#define BUS_LOCAL_REQUEST_LIMIT 8192 /* requests that wait */

/* 0 means the numbers above. Never NULL. */
struct bus *bus_local_new(uv_loop_t *, size_t queue_limit, size_t request_limit);

#endif
