/* phase.h - how far what people stated is: circuits, the tunnels that carry them, and VPNs. */
#ifndef MODEL_PHASE_H
#define MODEL_PHASE_H

#include <stdbool.h>

/* How far a circuit is, a tunnel, or a VPN (whose rules are its routers' configuration). */
enum circuit_phase {
    PHASE_PROPOSED, /* stated; no paths, nothing in the network */
    PHASE_RESERVED, /* has its design: paths, capacity, number */
    PHASE_BUILDING, /* its rules are wanted in the nodes */
    PHASE_BUILT,    /* ... and were confirmed by all of them */
    PHASE_ACTIVE,   /* tested and fingerprinted: watched */
    PHASE_REMOVING, /* its rules are no longer wanted */
    PHASE_MAX
};
const char *circuit_phase_word(enum circuit_phase); /* "reserved"; static */

/* Are its rules, or its paths, wanted in the nodes? */
static inline bool
phase_is_wanted(enum circuit_phase phase)
{
    return phase == PHASE_BUILDING || phase == PHASE_BUILT || phase == PHASE_ACTIVE;
}

#endif
