/* netconf_frame.h - where one NETCONF message ends and the next begins (RFC 6242 section 4).
 *
 * A connection starts with a mark behind each message, ]]>]]>, and goes over to chunks when both
 * sides speak base:1.1. What a peer sends is never scanned twice. */
#ifndef PROTO_NETCONF_NETCONF_FRAME_H
#define PROTO_NETCONF_NETCONF_FRAME_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct netconf_frames {
    bool chunked;
    struct buf in;      /* as it came, from `at` on not dealt with */
    size_t at;          /* of `in` */
    size_t scanned;     /* of `in`: no mark begins before this */
    struct buf message; /* of chunks: so far */
    uint32_t chunk;     /* octets of the current chunk that are missing */
    bool inside;        /* a message of chunks has begun */
    size_t limit;       /* octets of a message */
    size_t taken;       /* of `in`: the message that was handed out last, and its mark */
    bool done;          /* `message` was handed out */
};

/* Messages longer than `limit` octets are refused. */
void netconf_frames_init(struct netconf_frames *, size_t limit);
void netconf_frames_fini(struct netconf_frames *);
/* From the next message on, that is, behind the one that was handed out last (RFC 6242 4.1). */
void netconf_frames_go_chunked(struct netconf_frames *);

/* Adds what came. */
void netconf_frames_put(struct netconf_frames *, const uint8_t *data, size_t size);
/* The next whole message, valid until the next call of any of these functions; white space around
 * it is dropped, and an empty one is skipped between marks. ERR_TRUNCATED: not whole yet;
 * ERR_LIMIT: too long; ERR_MALFORMED: not a chunk where one must be (RFC 6242 section 4.2: the
 * session must end). */
MUST_CHECK enum err netconf_frames_next(struct netconf_frames *, const uint8_t **data, size_t *size,
                                        struct diag *);

/* Appends one message with its frame: as one chunk, or with the mark. */
void netconf_frame_put(struct buf *out, bool chunked, const void *message, size_t size);

#endif
