/* http_private.h - between the tables, heads and bodies of HTTP. */
#ifndef PROTO_IT_HTTP_HTTP_PRIVATE_H
#define PROTO_IT_HTTP_HTTP_PRIVATE_H

#include "base/attr.h"
#include "proto/it/http/http.h"

#define HTTP_WAITING 16 /* requests whose answers are waited for */
#define HTTP_LOOK 1024  /* octets that a body is looked at */

enum http_method {
    METHOD_OTHER,
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_PUT,
    METHOD_DELETE,
    METHOD_CONNECT,
};

enum http_until {
    UNTIL_COUNTED, /* `left` octets */
    UNTIL_CLOSED,
    UNTIL_CHUNK_SIZE, /* within the line that says it */
    UNTIL_CHUNK_END,  /* within a chunk, then its line end */
    UNTIL_CHUNK_LINE,
    UNTIL_TRAILER, /* within lines, until an empty one */
};

struct http_body {
    enum http_until until;
    uint64_t left;
    uint32_t line;   /* octets of a line that were there */
    bool has_digits; /* of a chunk's size; they have ended */
    bool digits_end;
    bool is_told;
    uint8_t method;
    uint16_t n; /* octets that are looked at */
    uint8_t octets[HTTP_LOOK];
};

struct http_state {
    struct http_body bodies[2];
    uint8_t waiting[HTTP_WAITING]; /* enum http_method, oldest at `first` */
    uint8_t first, n;
};

enum frame_found http_frame(const uint8_t *, size_t, size_t *);
int http_looks(const uint8_t *, size_t);
void http_dissect(struct dissection *, struct cursor *);
size_t http_body(struct dissection *, const uint8_t *, size_t);

/* A body begins, this way. */
void http_body_begin(struct dissection *, uint8_t method, enum http_until, uint64_t left);

#endif
