/* scenarios.h - what if the network were another one: engineer/scenario.h as a request. Computed
 * beside the loop on a copy of the network, with what orders have designed; nothing is changed or
 * kept. */
#ifndef ORCHESTRATE_SCENARIOS_H
#define ORCHESTRATE_SCENARIOS_H

#include "orchestrate/requests.h"

#include "model/model.h"

/* {"remove"?: [{"kind": "site|node|link|host|circuit", "name"}, ...],
 *  "files"?: [{"name", "text"}, ...], "format"?: "csv|json",     put after that, as by an import
 *  "fail"?: [{"kind": "link|node|shared-risk", "name"}, ...],    all at once
 *  "design"?: [circuit, ...],                                     that have no design yet
 *  "redesign"?: bool, "each-failure"?: bool}
 *
 * is answered as scenario_run() says; or by {"report"}, if there is something wrong in the files.
 */
request_fn scenarios;

/* The same for any network, which stays as it is. ERR_INVALID: the request is none; others as
 * scenario_remove(), scenario_design() and scenario_run(). The caller owns the answer. */
MUST_CHECK enum err scenario_answer(const struct network *base, const json_t *request,
                                    json_t **answer, struct diag *);

#endif
