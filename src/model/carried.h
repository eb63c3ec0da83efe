/* carried.h - which circuits go through the WAN, and by which tunnels: those whose path has a link
 * that a tunnel carries. Pure. */
#ifndef MODEL_CARRIED_H
#define MODEL_CARRIED_H

#include "model/model.h"

#include <jansson.h>

/* The names of the tunnels that the designs of these circuits (a list of names) have in their
 * paths, each once, in the order of the circuits. The caller owns the list. */
json_t *carried_tunnels(const struct network *, const json_t *circuits);

/* The same of one path. */
json_t *carried_route_tunnels(const struct network *, const struct route *);

/* The names of the circuits whose design has a link that this tunnel carries. `except` (a list of
 * names; NULL: none) are not looked at. The caller owns the list. */
json_t *carried_circuits(const struct network *, const char *tunnel, const json_t *except);

/* The names of the links that a tunnel carries. The caller owns the list. */
json_t *carried_links(const struct network *, const char *tunnel);

#endif
