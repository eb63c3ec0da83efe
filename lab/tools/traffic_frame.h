/* traffic_frame.h - the frames of edge-traffic: UDP over IPv4 over Ethernet, numbered, with the
 * time they were sent. All fit in Ethernet's least frame. Pure. */
#ifndef LAB_TOOLS_TRAFFIC_FRAME_H
#define LAB_TOOLS_TRAFFIC_FRAME_H

#include "base/time.h"
#include "packet/addr.h"

#include <stdbool.h>

#define TRAFFIC_MIN_SIZE 60u /* octets, without FCS, with the tag if there is one */
#define TRAFFIC_MAX_SIZE 9018u
#define TRAFFIC_MAX_FLOWS 1000000
#define TRAFFIC_PORT 5863u /* UDP destination of the first flow */

struct traffic_shape {
    struct mac dst, src;
    int64_t vlan, pcp; /* FRAME_NO_VLAN: untagged */
    uint32_t size;
    uint32_t n_flows; /* packet `n` belongs to flow `n` modulo this */
    uint16_t id;      /* of the run: frames of another are not read */
};

struct traffic_mark {
    uint32_t number;
    nsec_t sent;  /* the sender's monotonic clock */
    int64_t vlan; /* of the tag in the frame, or FRAME_NO_VLAN */
};

/* Writes a whole frame of shape.size octets, for number 0. */
void traffic_frame_write(uint8_t *frame, const struct traffic_shape *);
/* Makes it the frame with that number: only flow, number and time change. */
void traffic_frame_mark(uint8_t *frame, const struct traffic_shape *, uint32_t number, nsec_t sent);
/* `size` octets of a frame, which may be cut off behind the mark. False: not a frame of run `id`.
 */
bool traffic_frame_read(const uint8_t *frame, size_t size, uint16_t id, struct traffic_mark *);

#endif
