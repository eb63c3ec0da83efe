/* http_server.h - listens for HTTP/1.1 over mutually authenticated TLS 1.3, on the program's loop.
 *
 * Sockets, TLS and timers for the machine in http_connection.h. A client shows a certificate that a
 * CA of the `struct tls` vouches for, or gets no further than the handshake; what it may do is for
 * the handler to decide. Connections are limited in number, in all and for each certificate's name:
 * one that is too many is answered with 503. Where clients without a certificate are let in they
 * are limited by their address, and get half of the connections at the most. */
#ifndef GATEWAY_HTTP_SERVER_H
#define GATEWAY_HTTP_SERVER_H

#include "gateway/http_connection.h"
#include "io/stream.h"

#define HTTP_CONNECTIONS_MAX 512
#define HTTP_CONNECTIONS_PER_NAME 64

struct http_server; /* Opaque. */

struct http_server_config {
    const char *address; /* as in io/address.h */
    bool anonymous;      /* clients may come without a certificate, and have no name then */
    struct tls *tls;     /* NULL: none, for tests over a Unix socket; then peers have no name */
    const struct http_handler *handler;
    /* A peer whose certificate was not accepted, or who speaks no TLS; may be NULL. */
    void (*refused)(void *arg, const char *address, enum err, const char *reason);
    void *arg;                   /* for both */
    struct http_limits limits;   /* each 0: the default */
    unsigned connections;        /* most at a time; 0: HTTP_CONNECTIONS_MAX */
    unsigned connections_a_name; /* 0: HTTP_CONNECTIONS_PER_NAME */
};

/* The default limits: 10 s for a head, 75 s between requests, 30 s for a body and a second for each
 * 64 KiB of it, 30 s in which something of an answer must be taken, 64 KiB of early requests,
 * 256 MiB of bodies. */

/* ERR_INVALID: the address; ERR_EXISTS: in use; others as the system says. */
MUST_CHECK enum err http_server_new(uv_loop_t *, const struct http_server_config *,
                                    struct http_server **, struct diag *);
/* Stops listening, and hangs up: what was answered is still delivered. All exchanges must have been
 * answered; not from inside a handler. NULL is fine. */
void http_server_free(struct http_server *);
/* With the port that was chosen if 0 was asked for. */
const char *http_server_address(const struct http_server *);

struct http_statistics {
    unsigned connections;       /* now */
    uint64_t accepted, refused; /* refused: by TLS */
    uint64_t too_many;          /* answered with 503 for their number */
    uint64_t requests, malformed, timeouts;
};
struct http_statistics http_server_statistics(const struct http_server *);

#endif
