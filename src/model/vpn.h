/* vpn.h - the service that a VPN's document describes. Pure. */
#ifndef MODEL_VPN_H
#define MODEL_VPN_H

#include "model/model.h"
#include "model/vpn_service.h"

#define VPN_BUDGET ((size_t)16 << 20) /* octets that reading one service may take */

/* The service in the document, which has one and is called `name`; it lives in the arena.
 * ERR_INVALID: `diag` names the path; ERR_LIMIT: the arena. */
MUST_CHECK enum err vpn_read_document(const char *name, const json_t *document, struct arena *,
                                      const struct vpn_service **, struct diag *);
MUST_CHECK enum err vpn_read(const struct vpn *, struct arena *, const struct vpn_service **,
                             struct diag *);
/* Can it be read? */
MUST_CHECK enum err vpn_check(const struct vpn *, struct diag *);

#endif
