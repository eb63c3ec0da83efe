/* exceptions.h - what is not as engineered: told once, counted after that, closed when it is over.
 *
 * Of a thing that goes on happening the journal need not hold every occurrence. The first is an
 * event (exception.raised), and answered when that is durable. The same kind about the same object
 * again is counted in memory; the new total is an event (exception.repeated) every
 * EXCEPTION_WRITE_EVERY at the most, and before the exception is acknowledged or closed, and when
 * the service ends. So a crash may cost the count of so long, never the exception.
 *
 * A rule that is missing or foreign, where the settings say `report`, comes with an order: the
 * workflow that repairs and closes an exception begins, and waits for somebody to agree. Both are
 * stored together. (Where they say `repair`, the service lan is at it before anybody reads of it.)
 */
#ifndef ORCHESTRATE_EXCEPTIONS_H
#define ORCHESTRATE_EXCEPTIONS_H

#include "base/time.h"
#include "journal/event.h"
#include "orchestrate/requests.h"

#define EXCEPTION_WRITE_EVERY (10 * NSEC_PER_SEC)

struct exceptions;

struct exceptions *exceptions_new(struct orchestrate_service *);
/* Hands the counts that the journal does not have to it. NULL is fine. */
void exceptions_free(struct exceptions *);
/* The journal has been read, and is in the state. */
void exceptions_begin(struct exceptions *);
/* Takes an event that was just appended. */
void exceptions_event(struct exceptions *, const struct journal_event *);

request_fn exception_raise, exception_close, exception_acknowledge;

/* An event that closes it is about to be appended: writes the count. What happens from now on is
 * another exception, once this one is closed. */
void exceptions_end(struct exceptions *, uint32_t id);

#endif
