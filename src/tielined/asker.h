/* asker.h - how the control centre asks a site's services: so that the site can see that a request
 * is not one it has had before (tielined/orders.h). Like the bus otherwise: an answer, an error, or
 * ERR_TIMEOUT. It costs one more turn when the site's session is not known, or over. */
#ifndef TIELINED_ASKER_H
#define TIELINED_ASKER_H

#include "bus/bus.h"

struct asker; /* Opaque. */

/* `to`: the bus that leads to the site; borrowed. ERR_IO: no random numbers. */
MUST_CHECK enum err asker_new(struct bus *to, struct asker **, struct diag *);
/* What waits ends without a word. NULL is fine. */
void asker_free(struct asker *);

/* As bus_request(); the payload, an object, is consumed. */
MUST_CHECK enum err asker_ask(struct asker *, const char *subject, json_t *payload, nsec_t timeout,
                              call_done_fn *done, void *arg, uint64_t *id);
/* `done` will not be called. Ignored if it was. */
void asker_cancel(struct asker *, uint64_t id);

#endif
