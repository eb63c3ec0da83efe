/* stream.h - one direction of a TCP connection, put back in order (RFC 9293 section 3.4) as seen by
 * somebody who only listens: the capture may begin in its middle, lack packets that the receiver
 * got, or lack the other direction. Pure; memory is taken from a budget that all streams share.
 *
 * A hole is waited for until it is sure that it will not be filled: the receiver has acknowledged
 * what is behind it, more has come than is waited with (STREAM_AHEAD), or stream_flush() says so.
 * Then the stream goes on behind the hole, and says so. What comes again is not delivered again:
 * where it differs from what was there before, the first counts, as nearly all receivers have it,
 * and the difference is told.
 */
#ifndef SENSOR_STREAM_H
#define SENSOR_STREAM_H

#include "base/attr.h"
#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_AHEAD 16            /* pieces that wait behind holes */
#define STREAM_AHEAD_OCTETS 131072 /* ... and octets */
#define STREAM_PAST 256            /* octets that are remembered, to be compared */
#define STREAM_WINDOW (1u << 30)   /* what is farther away is of another connection */

struct stream_budget {
    size_t used, limit; /* octets */
    uint64_t n_refused; /* pieces there was no room for */
};

/* Where octets came from: what is told of them later is told of that frame. */
struct stream_origin {
    nsec_t time;
    uint32_t frame;
};

struct stream_piece;

struct stream {
    uint32_t next; /* sequence number of the next octet to be delivered */
    bool is_begun;
    uint8_t n_ahead;
    uint16_t n_past;
    uint32_t ahead_octets;
    struct stream_piece *ahead; /* by sequence number */
    uint8_t
        *past; /* the last n_past octets, each at its sequence number % STREAM_PAST; NULL: none */
};

/* What `stream_input` found out; bits. */
enum stream_news {
    STREAM_AGAIN = 1,   /* octets that were there before */
    STREAM_DIFFERS = 2, /* ... and were others: somebody writes into the connection */
    STREAM_HOLE = 4,    /* octets are missing for good */
    STREAM_FOREIGN = 8, /* far from where the stream is */
};

/* In order: `lost` octets are missing before `data`. */
typedef void stream_fn(void *arg, const struct stream_origin *, const uint8_t *data, uint32_t size,
                       uint32_t lost);

struct stream_segment {
    struct stream_origin origin;
    uint32_t seq, size;
    bool syn;
    const uint8_t *data;
};
/* Takes a segment's payload. `syn`: its sequence number is of the SYN. Returns enum stream_news. */
unsigned stream_input(struct stream *, struct stream_budget *, const struct stream_segment *,
                      stream_fn *, void *arg);
/* The receiver has everything before `ack`. Returns enum stream_news. */
unsigned stream_acknowledged(struct stream *, struct stream_budget *, uint32_t ack, stream_fn *,
                             void *arg);
/* Goes on behind holes that octets from before `since` wait behind; NSEC_NEVER: all. */
unsigned stream_flush(struct stream *, struct stream_budget *, nsec_t since, stream_fn *,
                      void *arg);
/* Gives the memory back; the stream is as new. */
void stream_reset(struct stream *, struct stream_budget *);

#endif
