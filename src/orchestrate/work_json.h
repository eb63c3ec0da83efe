/* work_json.h - orders as schema/tieline-work.yang has them. */
#ifndef ORCHESTRATE_WORK_JSON_H
#define ORCHESTRATE_WORK_JSON_H

#include "orchestrate/work.h"

/* One entry of list `order`; `full`: with its steps, approvals and `plan`, which has `hash`,
 * `summary`, `proof` and `shown` as far as they are known. The caller owns it. */
json_t *work_to_json(const struct work *, bool full);

/* What was designed: the draft, borrowed from an open order or read from the journal for a closed
 * one. The caller owns a reference. NULL: nothing was. */
json_t *work_read_draft(const struct work *);

/* The first WORK_CHANGES_SHOWN rules of a draft as text, and how many there are: adds `changes` and
 * `n-changes`, or `error`, to `plan`. Pure; for a thread. The network is spoilt. */
#define WORK_CHANGES_SHOWN 500
void work_add_changes(json_t *plan, const json_t *draft, struct network *);

#endif
