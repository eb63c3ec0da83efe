/* frames.h - Ethernet headers for the lab's instruments: writing one, looking behind one. */
#ifndef LAB_TOOLS_FRAMES_H
#define LAB_TOOLS_FRAMES_H

#include "base/buf.h"
#include "packet/addr.h"

#include <stdint.h>

#define FRAME_NO_VLAN (-1)
#define FRAME_MIN_SIZE 60

struct frame_header {
    struct mac dst, src;
    int64_t vlan; /* VLAN identifier, or FRAME_NO_VLAN */
    int64_t pcp;  /* priority, when there is a tag */
    uint16_t ethertype;
};

/* Appends it to an empty buffer. */
void frame_begin(struct buf *, const struct frame_header *);
/* Pads the frame to Ethernet's least size. */
void frame_end(struct buf *);

/* Reads it, with the outermost tag in `vlan`, and returns where the payload begins: 0 when the
 * frame is too short. */
size_t frame_parse(const uint8_t *frame, size_t size, struct frame_header *);

#endif
