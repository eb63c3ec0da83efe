/* metrics_server.h - metrics over HTTP for a collector on this machine: GET /metrics, nothing else.
 *
 * HTTP/1.1 as far as that needs it (RFC 9112): one request for each connection, which is closed
 * behind the answer. A request head has at most METRICS_HEAD octets and METRICS_TIMEOUT to come;
 * at most METRICS_CLIENTS are served at a time. There is no encryption and nobody says who he is,
 * so it listens on loopback addresses and Unix sockets only. */
#ifndef EDGE_METRICS_SERVER_H
#define EDGE_METRICS_SERVER_H

#include "base/buf.h"
#include "io/stream.h"

#define METRICS_HEAD 8192
#define METRICS_CLIENTS 8
#define METRICS_TIMEOUT (5 * NSEC_PER_SEC)

struct metrics_server; /* Opaque. */

/* `put` appends the text of an answer. ERR_INVALID: not an address as said above; others as
 * stream_listen(). */
MUST_CHECK enum err metrics_server_new(uv_loop_t *, const char *address,
                                       void (*put)(void *arg, struct buf *), void *arg,
                                       struct metrics_server **, struct diag *);
void metrics_server_free(struct metrics_server *); /* NULL is fine. */

/* "127.0.0.1:9464", "[::1]:9464", "unix:/run/tieline/a1.metrics". ERR_INVALID: why not. */
MUST_CHECK enum err metrics_address_check(const char *text, struct diag *);

/* The status that a request is answered with, as far as it has come; 0: its head is not complete.
 * 200: `*head` says whether only the head is wanted. Pure. */
int metrics_request_status(const uint8_t *data, size_t size, bool *head);

#endif
