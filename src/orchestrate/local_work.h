/* local_work.h - work on a site's circuits by people who are there, while the centre cannot be
 * asked (doc/autonomy.md): what may be decided, and what becomes of it.
 *
 * Only a site that is cut off takes decisions, within the policy that the centre has stated
 * (settings local-work), about circuits that lie wholly within the site. Each is an event in the
 * site's journal; whether it holds is judged by model/local.h, here and at the centre alike. The
 * site says so with another event as soon as one is over: its time has passed, the centre meant
 * something else, the policy is another one. The centre raises an exception about each that it
 * learns of, both sides about each conflict; people close those. */
#ifndef ORCHESTRATE_LOCAL_WORK_H
#define ORCHESTRATE_LOCAL_WORK_H

#include "orchestrate/requests.h"

struct local_works; /* Opaque. */

struct local_works *local_works_new(struct orchestrate_service *);
void local_works_free(struct local_works *); /* NULL is fine */
/* The journal has been read, and is in the state. */
void local_works_begin(struct local_works *);

/* {circuit, comment, role, right, hours?, even-if-connected?} -> the work (local_work_to_json()).
 * ERR_UNSUPPORTED: this is no site of a centre; ERR_DENIED: the policy; ERR_CONFLICT: the site is
 * not cut off, or the circuit is not what it must be. */
request_fn local_stop, local_propose;
/* {id, hash, comment?, role, right}: the second person's word on what was proposed. */
request_fn local_agree;
/* {id or circuit, comment, role, right}: here or at the centre, whoever decided it. */
request_fn local_end;
/* -> {works, policy, hours, conflict, cut-off?}: all that are known, the newest last. */
request_fn local_list;

#endif
