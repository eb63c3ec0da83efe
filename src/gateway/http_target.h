/* http_target.h - what a request is about: the segments of its path, and its query. Pure.
 *
 * Percent-encoding is undone after the target was cut into its parts (RFC 3986 section 2.4), so an
 * encoded slash is part of a name. In the query '+' is a space, as forms write it. */
#ifndef GATEWAY_HTTP_TARGET_H
#define GATEWAY_HTTP_TARGET_H

#include "base/err.h"

#include <stddef.h>

#define HTTP_SEGMENTS_MAX 16
#define HTTP_PARAMETERS_MAX 64

struct http_parameter {
    const char *name, *value; /* the value is "" where there is none */
};

struct http_target {
    const char *segments[HTTP_SEGMENTS_MAX]; /* "/api/v1/" has "api", "v1", "" */
    size_t n_segments;
    struct http_parameter query[HTTP_PARAMETERS_MAX]; /* in their order; names may repeat */
    size_t n_query;
    char *text; /* what the strings above point into */
};

/* Takes "/path?query". On error nothing is left to free. ERR_MALFORMED: a '%' without two
 * hexadecimal digits, or something encoded that is no text in UTF-8 without control characters, or
 * "." and "..", which mean other things to other programs. ERR_LIMIT: too many segments or
 * parameters. */
MUST_CHECK enum err http_target_parse(const char *target, struct http_target *, struct diag *);
void http_target_fini(struct http_target *); /* A zeroed one is fine. */

/* The first parameter of that name; NULL: none. */
const char *http_target_parameter(const struct http_target *, const char *name);

#endif
