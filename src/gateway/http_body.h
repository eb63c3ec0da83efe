/* http_body.h - the body of an HTTP request: so many octets, or chunks (RFC 9112 sections 6 and 7).
 * Pure; takes what comes in pieces of any size. */
#ifndef GATEWAY_HTTP_BODY_H
#define GATEWAY_HTTP_BODY_H

#include "base/buf.h"
#include "gateway/http_head.h"

enum http_body_state {
    BODY_OCTETS,     /* `left` more of them */
    BODY_CHUNK_SIZE, /* in the line that says how large the next chunk is */
    BODY_CHUNK_END,  /* in the line end behind a chunk */
    BODY_TRAILER,    /* in the fields behind the last chunk, which are dropped */
    BODY_COMPLETE
};

struct http_body {
    enum http_body_state state;
    bool chunked;
    uint64_t left;   /* octets of the body, or of the chunk, still to come */
    struct buf data; /* what has come */
    size_t limit;    /* octets it may have */
    struct buf line; /* a line that has not ended yet */
    size_t overhead; /* octets of lines and trailers so far */
};

/* `limit`: octets the body may have. What the head states is not checked against it here. */
void http_body_init(struct http_body *, const struct http_head *, size_t limit);
void http_body_fini(struct http_body *); /* A zeroed one is fine. */

/* Takes octets up to the body's end, and says how many in *used. ERR_MALFORMED: no chunk;
 * ERR_LIMIT: larger than the limit, or the lines between the chunks are out of proportion. */
MUST_CHECK enum err http_body_input(struct http_body *, const uint8_t *data, size_t size,
                                    size_t *used, struct diag *);
static inline bool
http_body_is_complete(const struct http_body *body)
{
    return body->state == BODY_COMPLETE;
}

#endif
