/* check_private.h - what the parts of the check share: inventory (check.c), routers, tunnels and
 * VPNs (check_wan.c), and circuits (check_circuit.c). */
#ifndef MODEL_CHECK_PRIVATE_H
#define MODEL_CHECK_PRIVATE_H

#include "model/claim.h"
#include "model/finding.h"
#include "model/model.h"

/* Every circuit alone and each with each other. */
void check_circuits(const struct network *, struct findings *);

/* Routers, tunnels between them, and VPNs on them. */
void check_wan(const struct network *, struct findings *);

/* Which island each node is on, by name. */
struct islands;
struct islands *islands_find(const struct network *);
void islands_free(struct islands *);
/* A link, or several in a row, lead from one to the other; true too if one of them does not exist.
 */
bool islands_connected(struct islands *, const char *node_a, const char *node_b);
void islands_report(struct islands *, struct findings *);

#endif
