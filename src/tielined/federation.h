/* federation.h - one LAN controller made of several: the centre's own and those of the sites.
 *
 * Who asks the centre for `lan.*` (orchestrate, assure, the gateway) means the whole network. This
 * answers: it passes a request about one node to the controller that has the node, one about
 * circuits to all that have nodes of theirs, one about everything to everybody, and makes one
 * answer of theirs. The centre's own controller answers to "lan-here.*" then.
 *
 * A site that is cut off, answers an error or nonsense, or too late, holds up only what needs it;
 * of everything else it is told that it is missing and why: its nodes are `absent`, its links
 * `not-seen`, its tables `unread`, its conditions `unknown`. Only `lan.denied` leaves it out. What
 * a site says of nodes that are not its own does not count.
 *
 * `lan.ask` is answered by the centre's controller, for which the nodes of sites hold what is
 * planned for them; `proved` is true only if every site has proved that they do. */
#ifndef TIELINED_FEDERATION_H
#define TIELINED_FEDERATION_H

#include "tielined/sites.h"

#define FEDERATION_HERE "lan-here."

struct federation; /* Opaque. */

/* All borrowed; they outlive it. */
struct federation_config {
    struct bus *bus;
    struct journal *journal;
    const struct state *state;
    struct sites *sites;
    const char *const *domain; /* as in lan/service.h; not NULL */
};

MUST_CHECK enum err federation_new(const struct federation_config *, struct federation **,
                                   struct diag *);
void federation_free(struct federation *); /* NULL is fine */

#endif
