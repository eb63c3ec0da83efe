/* mirror.h - copies of what passes a node, for a sensor elsewhere: as ERSPAN (packet/erspan.h) over
 * the machine's own IPv4 stack, so by its management network, never by the node's ports.
 *
 * Copies are taken in the packet threads, as those of captures (tap.h): what is above the mirror's
 * rate or finds no room is counted as lost there, and forwarding waits for nothing. What is
 * mirrored itself, by this node or another one, is not mirrored again. Not thread-safe: the loop's
 * thread. */
#ifndef EDGE_MIRROR_H
#define EDGE_MIRROR_H

#include "edge/capture.h"

#define MIRROR_RATE 20000u /* packets a second, unless it is said otherwise */
#define MIRROR_SNAP 1522u  /* octets of each: the largest ordinary frame with two tags */

struct mirror_config {
    bool is_on;
    uint32_t to;      /* IPv4, host order */
    uint16_t session; /* of ERSPAN */
    struct tap_filter filter;
};

/* "erspan:10.255.0.9,ports=1+2,direction=both,session=7,snap=256,rate=1000". ERR_INVALID. */
MUST_CHECK enum err mirror_config_parse(const char *text, struct mirror_config *, struct diag *);

struct mirror; /* Opaque. */

/* Copies from the loop's next turn on. `from`: the address it is sent from; 0: whichever the
 * machine has for it; until the machine has it what is to be sent is refused. Both borrowed.
 * ERR_NOT_FOUND: no such port; ERR_DENIED; ERR_IO. */
MUST_CHECK enum err mirror_new(uv_loop_t *, const struct mirror_config *, uint32_t from,
                               const struct capture_config *, struct captures *, struct mirror **,
                               struct diag *);
void mirror_free(struct mirror *); /* NULL is fine. */

struct mirror_counters {
    uint64_t sent;
    uint64_t lost;    /* above the rate, or there was no room */
    uint64_t refused; /* the machine's stack did not take them */
};
void mirror_count(const struct mirror *, struct mirror_counters *); /* NULL: all 0 */

#endif
