/* report.h - what the WAN controller knows, as JSON: the database of links, the routers' sessions,
 * the paths that they report. Pure. The caller owns what is returned. doc/api.md says what is in
 * it. */
#ifndef WAN_REPORT_H
#define WAN_REPORT_H

#include "te/ted.h"
#include "wan/pce.h"

#include <jansson.h>

#define WAN_ADDRESS_TEXT 46 /* octets, with the NUL */

/* "10.0.0.1", "2001:db8::1"; "" for none. Returns `text`. */
const char *wan_address_text(const struct te_address *, char text[WAN_ADDRESS_TEXT]);
/* {"family": 0} for no address. ERR_INVALID: it is none. */
MUST_CHECK enum err wan_address_parse(const char *text, struct te_address *);
/* Host order; 0: it is none of IPv4. And back: no address for 0. */
uint32_t wan_address_ipv4(const struct te_address *);
struct te_address wan_address_of(uint32_t ipv4);
bool wan_address_equal(const struct te_address *, const struct te_address *);

/* Lists. Times are seconds before `now`, of the clock that the database is fed with. */
json_t *wan_nodes_json(struct ted *, nsec_t now);
json_t *wan_links_json(struct ted *, nsec_t now);
json_t *wan_sources_json(const struct ted *, nsec_t now);
json_t *wan_findings_json(const struct ted *, nsec_t now);
json_t *wan_overrides_json(const struct ted *, nsec_t now);
json_t *wan_pccs_json(const struct pce *, nsec_t now);

/* {"lsps": [...], "total", "next"?}: at most `limit` of those whose number is above `after`; of one
 * router if `address` is not NULL. `total`: how many there are in all; `next`: there are more,
 * after that. */
json_t *wan_lsps_json(const struct pce *, const char *address, uint64_t after, uint32_t limit);
json_t *wan_lsp_json(const struct pce *, const struct lsp *);

#endif
