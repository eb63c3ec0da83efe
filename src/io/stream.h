/* stream.h - a byte stream over libuv: TCP or a Unix socket, with TLS or without.
 *
 * The life of a stream, as its owner sees it:
 *
 *     stream_connect()  -> opened    -> received ... -> closed   -> stream_free()
 *     stream_listen()   -> accepted  -> received ... -> closed   -> stream_free()
 *
 * `closed` comes exactly once, whatever goes wrong: no connection, a peer that never finishes its
 * handshake, a refused certificate, the peer's end, a reset, a peer that has vanished, a queue that
 * is full. It has the reason in words. It never comes after stream_free(), and stream_free() may be
 * called at any time, from inside any callback. Callbacks come from the loop only, never from
 * inside a call of this interface. Not thread-safe: the loop's thread only.
 *
 * stream_free() does not throw away what was queued: the stream lingers by itself, delivers, says
 * goodbye (close_notify, FIN), and ends when the peer has ended too or after STREAM_LINGER.
 *
 * A program that ends runs the loop until it is empty.
 *
 * The number of accepted streams is not limited here: with TLS they are peers a CA vouches for, and
 * a Unix socket is for its owner.
 *
 * Ignores SIGPIPE for the process, unless somebody handles it. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "base/time.h"
#include "io/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct stream;          /* Opaque. */
struct stream_listener; /* Opaque. */

#define STREAM_TIMEOUT (10 * NSEC_PER_SEC) /* to connect, TLS included */
#define STREAM_DEAD_AFTER                                                                          \
    (20 * NSEC_PER_SEC)                      /* of a silence, in which even acknowledgements miss */
#define STREAM_SEND_LIMIT ((size_t)16 << 20) /* octets queued */
#define STREAM_LINGER (2 * NSEC_PER_SEC)     /* after stream_free() */
#define STREAM_MAX_HANDSHAKES 64             /* of a listener, at the same time */

/* Copied; 0 and NULL mean what is said with each. */
struct stream_config {
    const char *address;   /* as in address.h */
    const char *from;      /* connecting with TCP: our own address, "127.0.0.9:0"; NULL: any */
    struct tls *tls;       /* NULL: without TLS */
    bool tls_1_3;          /* nothing below it; otherwise as tls.h says */
    bool anonymous;        /* listening: peers may come without a certificate */
    const char *peer_name; /* what the peer's certificate must be issued to; NULL: any accepted */
    nsec_t timeout;        /* 0: STREAM_TIMEOUT */
    nsec_t dead_after;     /* TCP only, in whole seconds, at least 2; 0: STREAM_DEAD_AFTER */
    size_t send_limit;     /* 0: STREAM_SEND_LIMIT */
    unsigned socket_mode;  /* permissions of a Unix socket listened on; 0: 0600 */
};

struct stream_handler {
    /* Connected, and the peer authenticated if there is TLS. Whether the peer accepts us is known
     * later (tls.h): if it does not, `closed` follows with ERR_DENIED. NULL for accepted streams,
     * which are open. */
    void (*opened)(void *arg, struct stream *);
    /* `data` is valid during the call only; `size` is never 0. */
    void (*received)(void *arg, struct stream *, const uint8_t *data, size_t size);
    /* All that was queued is with the kernel. May be NULL. */
    void (*drained)(void *arg, struct stream *);
    /* The end. ERR_CLOSED: by the peer, orderly or not; ERR_TIMEOUT; ERR_DENIED: TLS refused;
     * ERR_MALFORMED: what came is not TLS; ERR_LIMIT: the send queue; others as the system says. */
    void (*closed)(void *arg, struct stream *, enum err, const char *reason);
};

/* Starts connecting. ERR_INVALID: an address or the peer's name. All else comes as `closed`. */
MUST_CHECK enum err stream_connect(uv_loop_t *, const struct stream_config *,
                                   const struct stream_handler *, void *arg, struct stream **,
                                   struct diag *);
void stream_free(struct stream *); /* NULL is fine. */

/* Whom to call from now on; `handler` is not copied. For accepted streams, and for a protocol that
 * takes over a stream. */
void stream_set_handler(struct stream *, const struct stream_handler *handler, void *arg);

/* Queues a copy; what is sent within one turn of the loop leaves together. Also before `opened`.
 * On ERR_LIMIT (the queue would exceed its limit) the stream has failed, and on ERR_CLOSED it had
 * already; either way `closed` says so, and the result may be ignored. */
enum err stream_send(struct stream *, const void *data, size_t size);
/* Octets sent that the kernel has not taken yet. */
size_t stream_pending(const struct stream *);

/* Stops taking octets from the peer, or goes on: back-pressure that reaches it. `received` may
 * still come for what was taken already, at most 64 KiB. While it is paused the peer's end is not
 * noticed unless something is sent. Ignored before `opened` and after `closed`. */
void stream_pause(struct stream *, bool paused);

/* The common name in the peer's certificate; "" without TLS or before `opened`. */
const char *stream_peer_name(const struct stream *);
/* The serial number of that certificate, hexadecimal; "" without one. */
const char *stream_peer_serial(const struct stream *);
/* "10.1.0.5:53412", "[2001:db8::5]:6653", "unix:/run/x.sock"; for a stream accepted on a Unix
 * socket "unix:pid=4711,uid=0". */
const char *stream_peer_address(const struct stream *);

struct stream_listener_handler {
    /* A peer that is connected and, with TLS, authenticated. Must call stream_set_handler() or
     * stream_free() before it returns; the stream is the callee's. */
    void (*accepted)(void *arg, struct stream *);
    /* A peer that did not get that far, for the log; `address` may be "". May be NULL. */
    void (*refused)(void *arg, const char *address, enum err, const char *reason);
};

/* Listens. A Unix socket that was left behind by a process that has gone is replaced.
 * ERR_INVALID: the address; ERR_EXISTS: in use; others as the system says.
 *
 * Peers have `timeout` to finish the handshake. There can be STREAM_MAX_HANDSHAKES of them in it;
 * one more ends the oldest, which has had the most time and is the least likely to mean well. */
MUST_CHECK enum err stream_listen(uv_loop_t *, const struct stream_config *,
                                  const struct stream_listener_handler *, void *arg,
                                  struct stream_listener **, struct diag *);
/* Stops listening; streams already accepted stay. NULL is fine. Removes its Unix socket. */
void stream_listener_free(struct stream_listener *);
/* Where it listens, with the port that was chosen if 0 was asked for. */
const char *stream_listener_address(const struct stream_listener *);

#endif
