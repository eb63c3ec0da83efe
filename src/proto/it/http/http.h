/* http.h - HTTP/1.0 and 1.1 (RFC 9110, RFC 9112): who asks for what by which program, what answers,
 * who logs in where. A message is a request or response up to its empty line. Its body passes by
 * without being held, but for the first octets: whether it runs (dissect/executable.h), and what
 * title a page has; a message of its own says so.
 *
 * Of Basic and Digest credentials the user's name is told, never what goes with it. Behind an
 * accepted CONNECT or Upgrade the connection is another protocol's. Not: HTTP/0.9, HTTP/2. */
#ifndef PROTO_IT_HTTP_HTTP_H
#define PROTO_IT_HTTP_HTTP_H

#include "dissect/protocol.h"

#define HTTP_HEAD_MAX 32768u /* octets of a start line and its fields */
#define HTTP_BODY 0x100u     /* `function` of what a body begins with */

enum http_field {
    HTTP_METHOD,
    HTTP_TARGET,
    HTTP_VERSION, /* 10, 11 */
    HTTP_STATUS,
    HTTP_REASON,
    HTTP_HOST,
    HTTP_USER_AGENT,
    HTTP_SERVER,
    HTTP_POWERED_BY,
    HTTP_AUTHENTICATION, /* the scheme that is asked for, or used */
    HTTP_REALM,
    HTTP_USER,
    HTTP_CONTENT_TYPE,
    HTTP_CONTENT_LENGTH,
    HTTP_CONTENT_ENCODING,
    HTTP_CONTENT_DISPOSITION,
    HTTP_TRANSFER_ENCODING,
    HTTP_LOCATION,
    HTTP_UPGRADE,
    HTTP_TITLE, /* of a body */
    HTTP_EXECUTABLE,
};

extern const struct protocol http;

#endif
