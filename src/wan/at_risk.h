/* at_risk.h - which links tunnels leave since they are at risk (ted.h: the signal degrades, or the
 * protection is used up), and which ones they do not come to for that reason. Pure.
 *
 * A signal may flap; tunnels should not. Hence two times, which are those of protection switching
 * (ITU-T G.808.1: hold-off, wait-to-restore): a link is left when it has been at risk for
 * `hold_off`, and none that leaves another one comes to it before it has not been for
 * `wait_to_restore`. One that is at risk again before that has been so all the time. */
#ifndef WAN_AT_RISK_H
#define WAN_AT_RISK_H

#include "base/time.h"
#include "te/ted.h"

/* The administrative group that links at risk have in a snapshot: ted_config.at_risk_group. */
#define AT_RISK_GROUP 255

struct at_risk; /* Opaque; not thread-safe. */

struct at_risk *at_risk_new(nsec_t hold_off, nsec_t wait_to_restore); /* never NULL */
void at_risk_free(struct at_risk *);                                  /* NULL is fine */

/* Looks at the network as of the last commit. `now` does not go backwards. */
void at_risk_see(struct at_risk *, struct ted *, nsec_t now);
/* When time alone changes something: call at_risk_see() then; NSEC_NEVER. */
nsec_t at_risk_next(const struct at_risk *, nsec_t now);

struct at_risk_link {
    const char *key, *why; /* valid during the call; why: "" if nobody says */
    bool leave;            /* else only: do not come to it */
};
typedef void at_risk_fn(void *arg, const struct at_risk_link *);
/* Each direction that is told to be at risk. */
void at_risk_each(const struct at_risk *, nsec_t now, at_risk_fn *, void *arg);

#endif
