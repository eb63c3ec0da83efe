/* fragments.h - IP datagrams put together from their pieces (RFC 791 section 3.2, RFC 8200 section
 * 4.5), as seen by somebody who only listens. Bounded: FRAGMENTS_DATAGRAMS at once, the oldest
 * makes room; memory from the streams' budget. Pieces that overlap make the datagram's end (RFC
 * 5722): it is forgotten, unless the piece is the same again. */
#ifndef SENSOR_FRAGMENTS_H
#define SENSOR_FRAGMENTS_H

#include "sensor/layers.h"
#include "sensor/stream.h"

#define FRAGMENTS_DATAGRAMS 256
#define FRAGMENTS_PIECES 64 /* of a datagram */
#define FRAGMENTS_PATIENCE (30 * NSEC_PER_SEC)

enum fragment_taken {
    FRAGMENT_KEPT,
    FRAGMENT_WHOLE,   /* the datagram's payload is there */
    FRAGMENT_DROPPED, /* it overlaps, is not one, or there is no room */
};

struct fragments;
struct fragments *fragments_new(struct stream_budget *); /* borrowed */
void fragments_free(struct fragments *);                 /* NULL is fine */
/* The whole datagram is valid until the next call. */
enum fragment_taken fragments_input(struct fragments *, const struct layers *, nsec_t now,
                                    const uint8_t **data, uint32_t *size);
void fragments_expire(struct fragments *, nsec_t now);

#endif
