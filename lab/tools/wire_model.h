/* wire_model.h - what one direction of a cable does to frames: delay, capacity with a finite queue
 * in front of it, loss, silence. Pure: a frame and the time in, the time it arrives out. */
#ifndef LAB_TOOLS_WIRE_MODEL_H
#define LAB_TOOLS_WIRE_MODEL_H

#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_settings {
    nsec_t delay;      /* propagation */
    uint64_t rate_bps; /* 0: no limit */
    uint64_t queue;    /* octets that may wait for the capacity, the frame itself included */
    double loss;       /* probability, 0 to 1 */
};

#define WIRE_DEFAULT_QUEUE 262144

enum wire_verdict { WIRE_PASS, WIRE_BLOCKED, WIRE_LOST, WIRE_QUEUE_FULL };

struct wire_way {
    struct wire_settings settings;
    bool blocked;        /* everything is lost, without a sign */
    uint64_t random;     /* the seed, then the state */
    nsec_t busy_until;   /* when the last octet of the queue has been sent */
    nsec_t last_arrival; /* frames do not overtake each other, whatever is set meanwhile */
};

/* A frame of `size` octets without FCS is put on the wire at `now`. WIRE_PASS: it arrives whole at
 * `*arrival`. */
enum wire_verdict wire_way_pass(struct wire_way *, size_t wire_size, nsec_t now, nsec_t *arrival);

/* Octets a frame takes on an Ethernet: at least 60, with FCS, preamble and gap. A host may hand
 * over `segments` frames in one, with headers of `header_size` octets to be repeated. */
size_t wire_size(size_t frame_size, unsigned segments, size_t header_size);

#endif
