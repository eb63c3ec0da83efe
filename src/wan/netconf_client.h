/* netconf_client.h - one device that is managed over NETCONF: a connection that is kept up, and one
 * queue of requests.
 *
 * Over SSH (RFC 6242), TLS (RFC 7589), or a Unix socket. The connection is made at once, and again
 * when it is lost (io/reconnect.h); what is asked while it is not there waits. Every request that
 * was accepted is answered by exactly one call of `done`, never from inside a call of this
 * interface: with the reply, with the server's error, or with why there is none. A request is never
 * sent twice: what had been sent when the connection was lost ends with ERR_CLOSED, and whether the
 * server did it is unknown.
 *
 * Requests that depend on the session (locks, the candidate, a confirmed commit without persist)
 * are bound to a connection: see netconf_client_connection().
 *
 * Not thread-safe: the loop's thread only. */
#ifndef WAN_NETCONF_CLIENT_H
#define WAN_NETCONF_CLIENT_H

#include "io/reconnect.h"
#include "io/tls.h"
#include "proto/netconf/netconf_session.h"
#include "wan/netconf_ssh.h"

struct netconf_client; /* Opaque. */

/* Copied, but for `tls`, which is referred to; NULL or 0 means the value in brackets. */
struct netconf_client_config {
    const char *name;              /* for words in errors */
    struct netconf_ssh_config ssh; /* if ssh.host is given */
    const char *address;           /* else: "10.1.0.5:6513" with `tls`, or "unix:/run/x.sock" */
    struct tls *tls;
    const char *peer_name; /* of the server's certificate (RFC 7589 section 6); NULL: any */
    struct netconf_session_config session;
    struct reconnect_config reconnect;
    size_t max_queue; /* requests that wait for the connection or for room in it [1,000] */
};

struct netconf_client_handler { /* each may be NULL */
    void (*up)(void *arg, struct netconf_client *, const struct netconf_hello *);
    void (*down)(void *arg, struct netconf_client *, enum err, const char *reason);
    void (*notified)(void *arg, struct netconf_client *, const struct netconf_message *);
};

struct netconf_result {
    enum err err;                          /* ERR_OK: done */
    const char *text;                      /* in words, when err is not ERR_OK; "" otherwise */
    const struct netconf_message *message; /* the reply, during the call only; NULL: none came */
    const struct netconf_hello *hello;     /* of the server; NULL: never connected */
};

typedef void netconf_done_fn(void *arg, const struct netconf_result *);

/* ERR_INVALID: the configuration, `diag` says what. All else is tried again for ever, and told to
 * `down`. `handler` is not copied. */
MUST_CHECK enum err netconf_client_new(uv_loop_t *, const struct netconf_client_config *,
                                       const struct netconf_client_handler *, void *arg,
                                       struct netconf_client **, struct diag *);
/* What still waits ends with ERR_CLOSED before this returns. Callable from inside any callback but
 * `done` of a request that this call ends. NULL is fine. */
void netconf_client_free(struct netconf_client *);

/* Asks. Texts of the request are copied. `timeout` counts from now, time in the queue included; 0:
 * as the session is configured. `connection` 0: any; otherwise it ends with ERR_CLOSED if that one
 * is lost before it could be sent. ERR_LIMIT: the queue is full. */
MUST_CHECK enum err netconf_client_request(struct netconf_client *, const struct netconf_request *,
                                           uint64_t connection, nsec_t timeout,
                                           netconf_done_fn *done, void *arg);

/* A number that no other connection of this client has; 0: it is not up. */
uint64_t netconf_client_connection(const struct netconf_client *);
const struct netconf_hello *netconf_client_hello(const struct netconf_client *); /* NULL: not up */
const char *netconf_client_name(const struct netconf_client *);
/* Why it is not up, in words; "" if it is, or has not failed yet. */
const char *netconf_client_reason(const struct netconf_client *);
/* Of all its sessions so far. */
struct netconf_session_stats netconf_client_stats(const struct netconf_client *);

#endif
