/* pce_json.h - PCCs and LSPs as JSON, for REST and the command line. */
#ifndef WAN_PCE_JSON_H
#define WAN_PCE_JSON_H

#include "wan/pce.h"

#include <jansson.h>

/* The caller owns the results; never NULL but where that is said. Keys are in kebab-case; text that
 * a PCC chose is made UTF-8. `now` is on the PCE's clock: ages are told, not times. */

/* NULL: no such PCC. */
json_t *pce_pcc_json(const struct pce *, uint32_t pcc, nsec_t now);
/* An array of all PCCs. */
json_t *pce_pccs_json(const struct pce *, nsec_t now);

json_t *pce_lsp_json(const struct pce *, const struct lsp *, nsec_t now);
/* {lsps: [...], next: "..."}: up to `most` LSPs of one PCC, or of all with PCE_NO_PCC, from behind
 * the one that `after` names (LSP_NONE: from the first). Without `next` there are no more. */
json_t *pce_lsps_json(const struct pce *, uint32_t pcc, uint64_t after, uint32_t most, nsec_t now);

/* "16003" or {label, node} or {address} ...: one hop of a path. */
json_t *lsp_hop_json(const struct lsp_hop *);

#endif
