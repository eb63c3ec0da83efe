/* fits.h - which of many circuits the network could carry, and what limits the others. Computed
 * beside the loop on a copy of the network, with what orders have designed; nothing is changed or
 * kept. */
#ifndef ORCHESTRATE_FITS_H
#define ORCHESTRATE_FITS_H

#include "orchestrate/requests.h"

#define FITS_CIRCUITS_MAX 10000
#define FITS_LINKS_SHOWN 50

/* {"circuits": [circuit or name, ...], "orders"?: bool} is answered by
 *
 *     {"n", "n-fit", "rate-kbps",         of those that fit, in the order given
 *      "orders": [{"order", "n-fit", "rate-kbps"}, ...],      if asked for
 *      "circuits": [{"circuit", "fits", "limit"?, "reason"?, "links"?: [name, ...]}, ...],
 *      "links": [{"link", "capacity-kbps", "before-kbps", "after-kbps", "limits"}, ...]}
 *
 * links: the fullest ones; `limits`: how many circuits they limit. A circuit that has a design, or
 * is named twice, is refused. */
request_fn fits;

#endif
