/* restconf.h - the same over RESTCONF (RFC 8040): what is stated, and how the WAN is, as data
 * resources of YANG modules, for programs that know no API but that. doc/restconf.md says what
 * there is.
 *
 * Below /restconf/data: tieline-inventory:inventory, tieline-wan:wan and tieline-circuit:circuits,
 * which are stated, and whose objects can be changed; ietf-l3vpn-ntw:l3vpn-ntw and
 * ietf-l2vpn-ntw:l2vpn-ntw, which are the VPNs among them (restconf_vpn.h);
 * tieline-wan:wan-state, the sessions and paths of routers; ietf-network:networks (RFC 8345).
 * /restconf/streams/events: server-sent events. */
#ifndef GATEWAY_RESTCONF_H
#define GATEWAY_RESTCONF_H

#include "gateway/request.h"

#define RESTCONF_TYPE "application/yang-data+json"

/* As route_find(). False: the path is none of RESTCONF's. */
bool restconf_find(enum http_method, const struct http_target *, struct route_match *);

/* The status that RFC 8040 section 7 has for it. */
int restconf_status(const struct problem *);
/* What is wrong, as an errors document (RFC 8040 section 7.1). */
void restconf_put_errors(struct buf *, const struct problem *);

/* ---- Pure parts, for tests ---- */

/* Finds what segments of an API path (RFC 8040 section 3.5.3), decoded, lead to in a document:
 * "tieline-wan:wan", "tunnel=a". *found is borrowed from `document`, or for an entry of a list a
 * new list of that one; *name (in `segments` or static) is what to call it in the answer.
 * ERR_NOT_FOUND: there is no such; ERR_INVALID: a list without a key that is not the last, a key
 * that is none. */
MUST_CHECK enum err restconf_select(json_t *document, const char *const *segments, size_t n,
                                    json_t **found, char name[128], struct diag *);
/* Leaves out what is more than `depth` levels down (RFC 8040 section 4.8.2); 0: nothing. The caller
 * owns the copy. */
json_t *restconf_prune(const json_t *, unsigned depth);

#endif
