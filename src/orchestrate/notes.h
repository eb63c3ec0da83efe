/* notes.h - what a run's events say beyond its state: when each step began and ended, how often it
 * was tried and why it failed, who decided what. For people who look at an order, now or in ten
 * years. Pure; a fold over the same events as the run. */
#ifndef ORCHESTRATE_NOTES_H
#define ORCHESTRATE_NOTES_H

#include "base/time.h"

#include <jansson.h>
#include <stdint.h>

struct notes; /* Opaque. */

/* Of a run of this definition. Never NULL. */
struct notes *notes_new(json_t *definition);
void notes_free(struct notes *); /* NULL is fine. */

/* Takes note of an event that the run has accepted. */
void notes_event(struct notes *, const char *type, nsec_t time, const json_t *body);

/* The lists `step` and `approval` of an order in schema/tieline-work.yang. `status` is the run's
 * (workflow_run_status()). The caller owns them. */
json_t *notes_steps(const struct notes *, const json_t *status);
json_t *notes_approvals(const struct notes *, const json_t *status);

/* The state of an order in the same schema: "running", "waiting", "undoing", or its outcome. */
const char *notes_order_state(const json_t *status);

/* What was shown to the approvers last; NULL: nothing. Borrowed. */
json_t *notes_shown(const struct notes *);

#endif
