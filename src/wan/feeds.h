/* feeds.h - the sources that settings name, each feeding the database. */
#ifndef WAN_FEEDS_H
#define WAN_FEEDS_H

#include "te/ted.h"
#include "wan/settings.h"

#include <uv.h>

struct feeds; /* Opaque; the loop's thread only. */

/* `changed` is called when records were put: commit soon (ted_pending() says how soon). Errors of
 * the feeds, with the name of the one. */
MUST_CHECK enum err feeds_new(uv_loop_t *, struct ted *, const struct wan_settings *,
                              void (*changed)(void *arg), void *arg, struct feeds **,
                              struct diag *);
void feeds_free(struct feeds *); /* NULL is fine. */
/* An IGP link is said to have gone: those that are polled are asked at once. */
void feeds_hurry(struct feeds *);

#endif
