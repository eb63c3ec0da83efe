/* http_connection.h - one connection of an HTTP/1.1 server (RFC 9112) as a machine: octets in,
 * requests and octets out. No sockets and no clock; http_server.h has both.
 *
 *     head --> body --> answered --> head ...        one request after the other; what comes early
 *       \________\________|                          waits (a little, then the connection ends)
 *                         v
 *                       ending                       after an error, or when the client wants to
 *
 * A request is an exchange. Its handler is told twice: when its head has come, so that it can be
 * refused before its body is sent, and when all of it is there. It is answered once, then or later;
 * an exchange stays valid when the connection goes, and the answer then goes nowhere. What is
 * broken as HTTP is answered here, with a problem document, and ends the connection.
 *
 * Slow clients: the head, the body and the taking of the answer each have a time (struct
 * http_limits). How long answering takes is the handler's own affair. */
#ifndef GATEWAY_HTTP_CONNECTION_H
#define GATEWAY_HTTP_CONNECTION_H

#include "base/time.h"
#include "gateway/http_head.h"

struct http_connection; /* Opaque. */
struct http_exchange;   /* Opaque. */
struct http_stream;     /* Opaque: an answer that goes on, until one side ends it. */

struct http_limits {
    nsec_t head_time;   /* from the first octet of a head to its last */
    nsec_t idle_time;   /* between requests */
    nsec_t body_time;   /* for a body, and on top of it */
    size_t body_rate;   /* ... a second for so many octets that have come */
    nsec_t write_time;  /* in which the client must take something of what it is sent */
    size_t early_size;  /* octets that may come before the answer to the request before */
    size_t bodies_size; /* octets, all connections together: more is answered with 503 */
};

/* What the connections of a server have in common. */
struct http_common {
    const struct http_handler *handler;
    void *arg; /* for the handler */
    struct http_limits limits;
    size_t bodies_size; /* in use */
    uint64_t n_requests, n_malformed, n_timeouts;
};

struct http_handler {
    /* The head is there. True: go on, *body_limit octets are welcome at the most. False: it was
     * answered. */
    bool (*head)(void *arg, struct http_exchange *, size_t *body_limit);
    /* All of it is there. Must be answered. */
    void (*request)(void *arg, struct http_exchange *);
};

/* Where the octets go. */
struct http_wire {
    void (*send)(void *arg, const void *data, size_t size);
    size_t (*pending)(void *arg); /* octets sent that are still on this side */
    /* Deliver what was sent, and hang up. Comes last: may free the connection. */
    void (*finish)(void *arg);
    /* Call http_connection_tick() at this time of the monotonic clock; NSEC_NEVER: not at all. */
    void (*wake)(void *arg, nsec_t at);
    nsec_t (*clock)(void *arg); /* monotonic */
    nsec_t (*wall)(void *arg);
    const char *peer_name; /* what the client's certificate says; "" without one */
    const char *peer_address;
    const char *peer_serial; /* of that certificate; NULL: ""; all three outlive the connection */
};

/* Never NULL. The wire and what is common must outlive it. */
struct http_connection *http_connection_new(struct http_common *, const struct http_wire *,
                                            void *wire_arg);
/* The wire has gone. Exchanges stay with their handlers; streams are told. NULL is fine. */
void http_connection_free(struct http_connection *);

/* What came; all that was sent has left; the time of `wake` has come. Any of them may end with
 * finish(). */
void http_connection_input(struct http_connection *, const uint8_t *data, size_t size);
void http_connection_drained(struct http_connection *);
void http_connection_tick(struct http_connection *);
/* Answers 503 with this text, and ends: for a client that is one too many. */
void http_connection_refuse(struct http_connection *, const char *text);
/* Between two requests, with nothing on its way? */
bool http_connection_is_idle(const struct http_connection *);

/* ---- an exchange, for its handler */

const struct http_head *http_exchange_head(const struct http_exchange *);
/* *size octets and a NUL; valid until it is answered. "" before all of it is there. */
const char *http_exchange_body(const struct http_exchange *, size_t *size);
const char *http_exchange_peer_name(const struct http_exchange *);
const char *http_exchange_peer_address(const struct http_exchange *);
const char *http_exchange_peer_serial(const struct http_exchange *);

struct http_reply {
    int status;
    const char *type;   /* media type of the body; NULL: there is none */
    const char *fields; /* more header lines, each with its CR LF; NULL: none */
    const void *body;   /* not sent in answer to HEAD; the length is */
    size_t size;
};

/* Answers, and ends the exchange. */
void http_reply(struct http_exchange *, const struct http_reply *);

struct http_stream_handler {
    void (*drained)(void *arg); /* all that was sent has left; NULL: never mind */
    void (*closed)(void *arg);  /* the end, unless http_stream_end() was called */
};

/* Answers 200 with a body that follows piece by piece, and ends the exchange. NULL: the client has
 * gone, or asked by HEAD and has its answer. */
struct http_stream *http_reply_stream(struct http_exchange *, const char *type, const char *fields,
                                      const struct http_stream_handler *, void *arg);
void http_stream_send(struct http_stream *, const void *data, size_t size);
size_t http_stream_pending(const struct http_stream *);
/* The body ends here, and so does the connection. */
void http_stream_end(struct http_stream *);

#endif
