/* orders.h - what the control centre asks of a site's services, as the site takes it: each request
 * once at the most, and only when it is known what it is about.
 *
 * Brokers deliver once at the most, and permissions see to it that only the centre's tielined can
 * ask (doc/sites.md). What is left is a broker, or whoever has taken one over, that delivers again
 * what it has delivered before: a port released a second time, an exception closed when it is back.
 * So a request names its run, session and number (tielined/once.h; tielined/asker.h writes them):
 *
 *     {..., "after-seq": N, "once": {"run": NAME, "session": NAME, "number": N}}
 *
 * and the answer is one of
 *
 *     {"answer": VALUE}    what the service has answered; its errors are errors
 *     {"session": NAME}    not carried out: to be asked again, with this session
 *
 * A request whose number was taken before is not answered, since the answer to the first may be
 * waited for still, but told by `refused`. */
#ifndef TIELINED_ORDERS_H
#define TIELINED_ORDERS_H

#include "bus/bus.h"

#define ORDERS_WAIT (20 * NSEC_PER_SEC) /* for the events that a request is about */
#define ORDERS_MAX 1024                 /* under way; the next is refused with ERR_BUSY */

/* Borrowed; must outlive what is made of it. */
struct orders_config {
    struct bus *near; /* over the broker: requests come as "from.CENTRE.SUBJECT" */
    struct bus *bus;  /* of this program: who serves them */
    const char *site, *centre;
    const char *const *subjects; /* that may be asked; not needed after orders_new() */
    size_t n_subjects;
    uint64_t (*known)(void *arg); /* the last event of the centre's journal that we have */
    void (*refused)(void *arg, const char *subject, const char *why);
    void *arg;
};

struct orders; /* Opaque. */

MUST_CHECK enum err orders_new(const struct orders_config *, struct orders **, struct diag *);
void orders_free(struct orders *); /* NULL is fine; what is under way is not answered */

/* Whatever is under way, and what comes from now on, is refused with ERR_CLOSED; `why` is static.
 */
void orders_close(struct orders *, const char *why);

/* More is known of the centre's journal, or time has passed. */
void orders_run(struct orders *);

#endif
