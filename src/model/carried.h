/* carried.h - which circuits go through the WAN, and on what: those whose path has a link that a
 * tunnel carries, and perhaps a VPN makes of it. Pure. Lists of names belong to the caller. */
#ifndef MODEL_CARRIED_H
#define MODEL_CARRIED_H

#include "model/model.h"

#include <jansson.h>

/* The tunnels, and the VPNs, that the designs of these circuits (a list of names) have in their
 * paths, each once, in the order of the circuits. */
json_t *carried_tunnels(const struct network *, const json_t *circuits);
json_t *carried_vpns(const struct network *, const json_t *circuits);

/* The tunnels of one path. */
json_t *carried_route_tunnels(const struct network *, const struct route *);

/* The circuits whose design has a link that this tunnel carries, or is of this VPN. `except` (a
 * list of names; NULL: none) are not looked at. */
json_t *carried_circuits(const struct network *, const char *tunnel, const json_t *except);
json_t *carried_vpn_circuits(const struct network *, const char *vpn, const json_t *except);

/* The links that a tunnel carries, or that are of a VPN. */
json_t *carried_links(const struct network *, const char *tunnel);
json_t *carried_vpn_links(const struct network *, const char *vpn);

#endif
