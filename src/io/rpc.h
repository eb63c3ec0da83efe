/* rpc.h - JSON-RPC 2.0 over a stream, one message per line; both sides may call and notify.
 *
 * Requests are answered by handlers from a table, at once or later: a request is a token that may
 * be kept, and that stays valid when the connection goes (an answer then goes nowhere).
 *
 * A peer that breaks the rules (no JSON, no JSON-RPC, a line above the limit, an answer to what was
 * not asked) gets an error reply where there can be one, and is disconnected: what follows on such
 * a stream means nothing. Mistakes within the rules (unknown method, bad parameters) are answered.
 *
 * Errors on the wire: `code` as the specification says, `message` in words, and `data.err` with the
 * name of the `enum err`, by which they arrive as the same error here.
 *
 * Not thread-safe: the loop's thread only. Callbacks come from the loop, except where said. */
#ifndef IO_RPC_H
#define IO_RPC_H

#include "io/calls.h"
#include "io/stream.h"

struct rpc;         /* Opaque: one connection. */
struct rpc_request; /* Opaque: one request of the peer. */

/* `params` is an array, an object, or NULL if there are none; borrowed: json_incref() to keep it,
 * and never changed. Answers `request` once, now or later, by rpc_reply() or rpc_fail(); a
 * notification too, of which nothing is sent. May free the connection. */
typedef void rpc_handler_fn(void *arg, struct rpc_request *request, json_t *params);

struct rpc_method {
    const char *name;
    const char *usage; /* the parameters, "{name, window?}"; not NULL */
    const char *help;  /* one sentence; not NULL */
    rpc_handler_fn *handler;
};

#define RPC_LINE_LIMIT ((size_t)4 << 20) /* octets */
#define RPC_CALL_LIMIT 1024

struct rpc_config {
    const struct rpc_method *methods; /* not copied */
    size_t n_methods;
    /* The end, once; as `closed` of stream.h. All calls have ended before it. */
    void (*closed)(void *arg, struct rpc *, enum err, const char *reason);
    void *arg;         /* for `closed` and for the handlers */
    void *closed_arg;  /* for `closed`, if another one than `arg`; NULL: that */
    size_t line_limit; /* octets in a message, either way; 0: RPC_LINE_LIMIT */
    size_t call_limit; /* calls that wait for an answer, either way; 0: RPC_CALL_LIMIT. A request
                        * above it is answered with ERR_BUSY. */
};

/* Takes over an open stream: call it from `opened` or `accepted`. Besides the methods of the table
 * the peer may call `rpc.methods`, which returns the table. Never NULL. */
struct rpc *rpc_new(uv_loop_t *, struct stream *, const struct rpc_config *);

/* Ends the connection as stream_free() does: what was sent is still delivered. Calls that wait end
 * with ERR_CLOSED before this returns (when it is called from inside a callback of this connection:
 * right after that). `closed` is not called. NULL is fine. */
void rpc_free(struct rpc *);

/* Calls. `done` is called exactly once, unless rpc_cancel() comes first, or this returns an error:
 * ERR_CLOSED, the connection has ended; ERR_LIMIT, too many calls wait or the message is too long.
 * `params` (array, object, or NULL for none) is consumed in any case; `id` may be NULL.
 * Besides the peer's errors, `done` gets ERR_TIMEOUT and whatever ended the connection. */
enum err rpc_call(struct rpc *, const char *method, json_t *params, nsec_t timeout,
                  call_done_fn *done, void *arg, uint64_t *id);
/* `done` will not be called. Ignored if it was. */
void rpc_cancel(struct rpc *, uint64_t id);
/* Sends and expects nothing. As rpc_call() otherwise. */
enum err rpc_notify(struct rpc *, const char *method, json_t *params);

/* Answers, and frees the token. `result` is consumed; NULL answers {}. An answer that is too long
 * for a line goes as ERR_LIMIT. */
void rpc_reply(struct rpc_request *, json_t *result);
/* ERR_INVALID and ERR_MALFORMED go as code -32602, invalid params; others as -32000 less their
 * number. `err` must not be ERR_OK. */
void rpc_fail(struct rpc_request *, enum err err, const char *format, ...) PRINTF_LIKE(3, 4);
/* The connection it came by; NULL once that has ended, when nobody waits for the answer. */
struct rpc *rpc_request_connection(const struct rpc_request *);

/* As stream_peer_name() and stream_peer_address(); valid until rpc_free(). */
const char *rpc_peer_name(const struct rpc *);
const char *rpc_peer_address(const struct rpc *);
/* Octets sent that the kernel has not taken yet: back-pressure for who notifies a lot. */
size_t rpc_pending(const struct rpc *);
/* As stream_pause(): nothing more is taken from the peer, so that it must wait. Messages that came
 * before, at most 64 KiB of them, are still handled. */
void rpc_pause(struct rpc *, bool paused);

#endif
