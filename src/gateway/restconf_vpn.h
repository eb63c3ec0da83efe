/* restconf_vpn.h - VPNs as ietf-l3vpn-ntw (RFC 9182) and ietf-l2vpn-ntw (RFC 9291) have them, for
 * programs that order them over RESTCONF. Below `vpn-services`, each service is a VPN of the
 * inventory; its `status` is what is known of it, and ignored in what is sent. */
#ifndef GATEWAY_RESTCONF_VPN_H
#define GATEWAY_RESTCONF_VPN_H

#include "model/state.h"

#define L3VPN_MODULE "ietf-l3vpn-ntw:l3vpn-ntw"
#define L2VPN_MODULE "ietf-l2vpn-ntw:l2vpn-ntw"

/* Of L3VPN_MODULE or L2VPN_MODULE all services as the RFC has them, however they were stated:
 * {"vpn-profiles", "vpn-services": {"vpn-service": [...]}}; the caller owns it. */
json_t *restconf_vpns(const struct state *, const char *module, bool with_status);

/* Is the first segment of a path one of the modules? */
bool restconf_vpn_is_module(const char *segment);
/* What "MODULE", "vpn-services", "vpn-service=NAME" means. *name: NULL for the list as a whole.
 * False: nothing that can be changed by itself. */
bool restconf_vpn_target(const char *const *segments, size_t n, const char **name);

/* The inventory's object of a service of that module, with the description of what is there; the
 * caller owns it. NULL: it has no vpn-id. */
json_t *restconf_vpn_object(const struct network *, const char *module, const json_t *service);

#endif
