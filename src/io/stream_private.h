/* stream_private.h - what stream.c and listener.c share. */
#ifndef IO_STREAM_PRIVATE_H
#define IO_STREAM_PRIVATE_H

#include "io/address.h"
#include "io/stream.h"

union stream_uv {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
};

/* TCP or, for AF_UNIX, a Unix socket. */
void stream_uv_init(union stream_uv *, uv_loop_t *, int family);

/* What a stream keeps of its configuration, defaults filled in. */
struct stream_settings {
    struct tls *tls; /* a reference of its own; NULL: without TLS */
    bool tls_1_3, anonymous;
    char *peer_name; /* or NULL */
    nsec_t timeout, dead_after;
    size_t send_limit;
};

void stream_settings_init(struct stream_settings *, const struct stream_config *);
void stream_settings_fini(struct stream_settings *);

/* A stream from the connection that waits on `server`, for the caller to own like one from
 * stream_connect(). *result is NULL if `opened` or `closed` has been called with it before this
 * returns; that is so without TLS. */
enum err stream_accept(uv_stream_t *server, const union address *address,
                       const struct stream_settings *, const struct stream_handler *, void *arg,
                       struct stream **result, struct diag *);

/* Once per process: a write to a peer that has gone must be an error, not a signal. */
void stream_ignore_sigpipe(void);

#endif
