/* actions.h - what workflows can have done. Each action looks at the state first and does what is
 * left, so all of them can be repeated at any time. doc/workflows.md lists their parameters. */
#ifndef ORCHESTRATE_ACTIONS_H
#define ORCHESTRATE_ACTIONS_H

#include "orchestrate/draft.h"
#include "orchestrate/effects.h"

typedef void action_fn(struct effect *);

action_fn *action_find(const char *name); /* NULL: there is none */

action_fn action_design, action_prove;    /* action_design.c */
action_fn action_reserve, action_release; /* action_reserve.c */
action_fn action_push, action_remove;     /* action_push.c */
action_fn action_readback, action_repair; /* action_check.c */
action_fn action_test, action_fingerprint;
action_fn action_close_exception;
action_fn action_tunnel_design, action_tunnel_reserve; /* action_wan.c */
action_fn action_tunnel_release, action_tunnel_push;
action_fn action_tunnel_remove, action_tunnel_test;
action_fn action_carriers, action_drop_carriers; /* action_carrier.c */
action_fn action_vpn_design, action_vpn_reserve;
action_fn action_vpn_release, action_vpn_push;
action_fn action_vpn_remove, action_vpn_revert, action_vpn_test;
action_fn action_tunnel_optimise, action_tunnel_relieve, action_tunnel_move;
action_fn action_wan_plan_drain, action_wan_drain;

/* Are `circuits` names of circuits that exist? If not, the effect has failed. */
bool action_has_circuits(struct effect *);
/* Is `plan` a draft? If not, the effect has failed. */
bool action_has_plan(struct effect *, json_t **draft);

/* Proves what is reserved together with the draft; then `then`. If it is refuted, or the network
 * has changed since it was designed, the effect has failed. */
void action_prove_then(struct effect *, json_t *draft, effect_next_fn *then);

/* The circuits of the effect that `chosen` picks; the caller owns the list. */
json_t *action_circuits(const struct effect *,
                        bool (*chosen)(const struct effect *, const char *circuit));

/* The circuit was last changed by this order, or by one that is closed: it is this order's to undo.
 */
bool action_may_touch(const struct effect *, const char *circuit);

/* {"order": ..., "circuits": ...}; the list is consumed. */
json_t *action_event_body(const struct effect *, json_t *circuits);
/* "circuit/NAME" of the first of the list, for events about one or several; `object` holds
 * ACTION_OBJECT_SIZE octets. */
#define ACTION_OBJECT_SIZE 128
const char *action_object(const json_t *circuits, char *object);

#endif
