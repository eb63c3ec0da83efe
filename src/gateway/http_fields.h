/* http_fields.h - what header fields say: media types, what is accepted, entity tags (RFC 9110).
 * Pure. */
#ifndef GATEWAY_HTTP_FIELDS_H
#define GATEWAY_HTTP_FIELDS_H

#include "base/buf.h"
#include "base/time.h"
#include "gateway/http_head.h"

#include <stdbool.h>

/* Would the client take this media type ("application/json")? True where it does not say. The most
 * specific range counts, and q=0 refuses (RFC 9110 section 12.5.1). */
bool http_accepts(const struct http_head *, const char *type);

/* Is this the media type of the value, parameters aside? "application/json; charset=utf-8" is
 * "application/json". */
bool http_media_type_is(const char *value, const char *type);
/* Appends the value of a parameter of a field ("boundary" of "multipart/form-data; boundary=x"),
 * quotes taken off. False: it has none, or is malformed; then nothing is appended. */
bool http_field_parameter(const char *value, const char *name, struct buf *out);

/* What the fields If-Match or If-None-Match say of a representation that has the entity tag `etag`,
 * quotes included; NULL: there is none. */
enum http_match {
    HTTP_MATCH_UNASKED, /* no such field */
    HTTP_MATCH_YES,
    HTTP_MATCH_NO
};
/* `name` is "if-match", by which weak tags never match, or "if-none-match". */
enum http_match http_etag_match(const struct http_head *, const char *name, const char *etag);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7) for a time of the wall clock. `text`
 * holds HTTP_DATE_SIZE octets. Returns `text`. */
#define HTTP_DATE_SIZE 30
char *http_date(nsec_t wall, char *text);

#endif
