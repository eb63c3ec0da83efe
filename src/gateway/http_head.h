/* http_head.h - the head of an HTTP request (RFC 9112): request line and fields. Pure.
 *
 * Strict where leniency lets two programs read one message differently (RFC 9112 section 11.2):
 * lines end with CR LF, nothing is folded, no space stands before a colon, a length is stated once
 * and in digits, and never beside a transfer coding. */
#ifndef GATEWAY_HTTP_HEAD_H
#define GATEWAY_HTTP_HEAD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_MAX /* any other */
};

const char *http_method_word(enum http_method); /* "GET"; static */

#define HTTP_HEAD_SIZE_MAX 16384 /* octets, the empty line included */
#define HTTP_TARGET_MAX 8192
#define HTTP_FIELDS_MAX 64

struct http_field {
    const char *name;  /* in small letters */
    const char *value; /* without the white space around it */
};

struct http_head {
    enum http_method method;
    const char *method_text; /* as it came */
    const char *target;      /* "/path?query", or "*"; of an absolute form what follows the host */
    unsigned minor_version;  /* 0 or 1 */
    struct http_field fields[HTTP_FIELDS_MAX];
    size_t n_fields;
    bool chunked;            /* the body comes in chunks; else it has content_length octets */
    bool has_length;         /* a length was stated, be it 0 */
    uint64_t content_length; /* 0 if none was stated */
    bool keep_alive;         /* the client wants to go on with this connection */
    bool expects_continue;   /* it waits for 100 before it sends the body */
    char *text;              /* what the strings above point into */
};

/* How many octets of `data` the head has, the empty line included; 0 if its end is not there yet.
 * `looked` keeps between calls how far it was searched; start it at 0. */
size_t http_head_size(const uint8_t *data, size_t size, size_t *looked);

/* Reads a whole head of that size. On error nothing is left to free, and `*status` is what to
 * answer: ERR_MALFORMED 400; ERR_LIMIT 414 or 431; ERR_UNSUPPORTED 501 (a transfer coding) or 505
 * (a version). A method that is not known is no error here. */
MUST_CHECK enum err http_head_parse(const uint8_t *data, size_t size, struct http_head *,
                                    int *status, struct diag *);
void http_head_fini(struct http_head *); /* A zeroed one is fine. */

/* The value of the first field with this name (small letters); NULL: none. */
const char *http_head_field(const struct http_head *, const char *name);
/* The same from index `*at` on, which is moved behind it: for fields that may be repeated. */
const char *http_head_next(const struct http_head *, const char *name, size_t *at);

#endif
