/* carrier.h - which interfaces are up, told by the kernel the moment it changes (rtnetlink). */
#ifndef IO_CARRIER_H
#define IO_CARRIER_H

#include "base/err.h"

#include <stdbool.h>

struct carrier; /* Opaque; not thread-safe, but each thread may have its own. */

struct carrier_event {
    unsigned ifindex;
    char name[16];
    bool up; /* administratively up, and with carrier; false also when the interface has gone */
    bool gone;
    bool admin_up;
};

MUST_CHECK enum err carrier_open(struct carrier **, struct diag *);
void carrier_close(struct carrier *); /* NULL is fine. */
/* Readable when events wait. */
int carrier_fd(const struct carrier *);
/* Asks for the state of every interface; it comes as events. Done by carrier_open() too, and by
 * itself when the kernel says it had to drop messages. */
void carrier_ask(struct carrier *);
/* Calls `event` for what waits; never blocks. */
void carrier_read(struct carrier *, void (*event)(void *arg, const struct carrier_event *),
                  void *arg);

#endif
