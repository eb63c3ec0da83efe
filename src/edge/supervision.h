/* supervision.h - who says that it sends everything twice, and by which paths it is heard
 * (IEC 62439-3:2021 clauses 4.3 and 5.8); and our saying so for the hosts whose frames we
 * duplicate, as a RedBox does. Pure: frames in and out, the time is told. */
#ifndef EDGE_SUPERVISION_H
#define EDGE_SUPERVISION_H

#include "base/time.h"
#include "packet/redundancy.h"

#define SUPERVISION_NODES 256u   /* that are remembered; who was not heard the longest makes room */
#define SUPERVISION_SPEAKERS 64u /* that we speak for */

struct supervision_node {
    struct supervision said; /* the last time */
    nsec_t heard;            /* monotonic */
    nsec_t by_path[2];       /* A and B, where the frame says its LAN; 0: never */
    uint64_t frames;
};

/* For whom we speak: a frame each `interval`, as the next of its stream, by the stream's group. */
struct supervision_speaker {
    uint32_t stream, group;
    uint8_t type; /* enum supervision_type */
    struct mac node, redbox;
    nsec_t interval, due;
    uint16_t sequence;
    uint64_t sent;
};

/* Members are for reading. */
struct supervisor {
    struct supervision_node nodes[SUPERVISION_NODES];
    struct supervision_speaker speakers[SUPERVISION_SPEAKERS];
    uint32_t n_nodes, n_speakers;
    uint64_t received, flawed;
};

/* A frame for the node itself. False: no supervision frame. */
bool supervisor_input(struct supervisor *, const uint8_t *frame, size_t size, nsec_t now);
/* Forgets who was not heard for SUPERVISION_FORGET_MS. */
void supervisor_forget(struct supervisor *, nsec_t now);
/* Speaks for the node of `speaker` from now on, or otherwise than before; `interval` 0: no longer.
 * False: it speaks for SUPERVISION_SPEAKERS already. */
bool supervisor_speak(struct supervisor *, const struct supervision_speaker *, nsec_t now);
/* A frame that is due, SUPERVISION_FRAME_SIZE octets, and who speaks; NULL: none is. */
const struct supervision_speaker *supervisor_output(struct supervisor *, nsec_t now,
                                                    uint8_t *frame);

#endif
