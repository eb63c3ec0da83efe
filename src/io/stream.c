/* stream.c - one stream.
 *
 *     CONNECTING ---> HANDSHAKING ---> OPEN ---> LINGERING ---> CLOSED
 *          |  (no TLS) ----------------^ |           ^             ^
 *          '-----------------------------'-----------'-------------'   any failure
 *
 * OPEN is where the owner is: `opened` is called on entering, `closed` on leaving (unless the owner
 * has left first, by stream_free()). LINGERING has no owner to call: it flushes the queue, says
 * close_notify and FIN, and reads on until the peer has ended too, because closing a socket with
 * unread octets makes the kernel send a reset that can destroy what we sent last. CLOSED waits for
 * libuv to let go of the handle. The memory goes when the handle is closed and the owner has left,
 * in whatever order; both come on later turns of the loop, so no callback can pull the ground from
 * under the code that calls it.
 *
 * Sending: stream_send() appends to `queue`; the task `turn` runs flush() once per turn of the
 * loop, which encrypts a chunk into `out` and gives it to the kernel; one write is under way at a
 * time, and its end starts the next. So what is sent within a turn leaves as one write and in few
 * TLS records, and a huge queue neither exists twice nor keeps the loop busy.
 *
 * A write that fails does not end the stream at once: what the peer said before it went (an alert,
 * an error reply) may be waiting in the socket, and says more than "broken pipe". Reading meets the
 * end right behind it; a timer stands by. */
#include "io/stream_private.h"

#include "base/alloc.h"
#include "io/timer.h"
#include "io/uverr.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)256 << 10) /* octets encrypted and written at a time */
#define KEEP ((size_t)64 << 10)   /* octets an empty buffer may keep */
#define READ_SIZE ((size_t)64 << 10)
#define RECORD_SIZE ((size_t)16 << 10) /* RFC 8446 section 5.1: most plain text in a record */
#define AFTER_WRITE_ERROR NSEC_PER_SEC /* for reading to find the peer's last words */

enum state { CONNECTING, HANDSHAKING, OPEN, LINGERING, CLOSED };

struct stream {
    union stream_uv uv;
    const struct stream_handler *handler; /* NULL when the owner is not to be called any more */
    void *arg;
    enum state state;
    bool owned;          /* stream_free() is still to come */
    bool handle_closed;  /* libuv has let go */
    struct timer *timer; /* CONNECTING, HANDSHAKING: `timeout`; LINGERING; after a write error */
    struct task *turn;   /* scheduled when there is something to flush or a failure to report */
    struct tls_session *tls; /* NULL: none */
    enum tls_role role;
    nsec_t timeout, dead_after;
    size_t send_limit;

    struct buf queue; /* as sent by the owner; `queue_at` octets of it are in `out` or gone */
    size_t queue_at;
    struct buf out; /* under way to the kernel while `writing` */
    bool writing, write_failed;
    bool ended_tls;  /* close_notify is in the output */
    bool shutting;   /* FIN asked for ... */
    bool shut;       /* ... and done */
    bool peer_ended; /* EOF was read */
    bool paused;     /* nothing is read */
    uv_write_t write;
    uv_connect_t connect;
    uv_shutdown_t shutdown;

    enum err failure; /* to be reported by `turn` or `timer` */
    struct diag why;
    char peer_address[ADDRESS_TEXT_SIZE];
};

static void flush(struct stream *);
static void resume(struct stream *);

/* ---- the end */

static void
release(struct stream *s)
{
    if (s->owned || !s->handle_closed)
        return;
    buf_fini(&s->queue);
    buf_fini(&s->out);
    tls_session_free(s->tls);
    free(s);
}

static void
on_handle_closed(uv_handle_t *handle)
{
    struct stream *s = handle->data;
    s->handle_closed = true;
    release(s);
}

static void
close_now(struct stream *s)
{
    if (s->state == CLOSED)
        return;
    s->state = CLOSED;
    timer_free(s->timer);
    task_free(s->turn);
    uv_close(&s->uv.handle, on_handle_closed);
}

static void
linger(struct stream *s)
{
    if (s->write_failed) {
        close_now(s);
        return;
    }
    s->state = LINGERING;
    timer_start(s->timer, STREAM_LINGER);
    if (s->paused)
        resume(s);
    flush(s);
}

static void
drop_queue(struct stream *s)
{
    buf_clear(&s->queue);
    s->queue_at = 0;
}

/* Takes the owner's handler away, closes or lingers, and tells the owner. */
static void
end(struct stream *s, void (*how)(struct stream *), enum err err, const char *reason)
{
    if (s->state >= LINGERING)
        return;
    const struct stream_handler *handler = s->handler;
    s->handler = NULL;
    how(s);
    if (handler)
        handler->closed(s->arg, s, err, reason);
}

/* ---- sending */

static void
on_write_error(struct stream *s, int status)
{
    s->write_failed = true;
    drop_queue(s);
    if (s->state == LINGERING) {
        close_now(s);
        return;
    }
    s->failure = uverr_explain(&s->why, status, "write");
    timer_start(s->timer, AFTER_WRITE_ERROR);
}

static void
encrypt(struct stream *s, const uint8_t *data, size_t size)
{
    if (size && tls_session_write(s->tls, data, size, NULL))
        drop_queue(s); /* OpenSSL is out of memory, or the session failed: reading reports it */
    bool all_in = s->queue_at + size >= s->queue.size;
    if (s->state == LINGERING && all_in && !s->ended_tls) {
        tls_session_end(s->tls);
        s->ended_tls = true;
    }
    tls_session_output(s->tls, &s->out);
}

/* Moves a chunk of the queue to `out`. During the handshake there is only TLS's own output. */
static void
fill(struct stream *s)
{
    size_t size = s->state == HANDSHAKING ? 0 : MIN(s->queue.size - s->queue_at, CHUNK);
    const uint8_t *data = size ? s->queue.data + s->queue_at : NULL;
    buf_clear(&s->out);
    if (s->tls)
        encrypt(s, data, size);
    else
        buf_put(&s->out, data, size);
    s->queue_at += size;
    if (s->queue_at >= s->queue.size) {
        drop_queue(s);
        if (s->queue.capacity > KEEP)
            buf_fini(&s->queue);
    }
}

static void
on_shut(uv_shutdown_t *request, int status)
{
    struct stream *s = request->data;
    s->shut = true;
    if (status || s->peer_ended)
        close_now(s); /* nothing, if that is why we are here */
}

static void
send_fin(struct stream *s)
{
    if (s->shutting)
        return;
    s->shutting = true;
    s->shutdown.data = s;
    if (uv_shutdown(&s->shutdown, &s->uv.stream, on_shut))
        close_now(s);
}

static void
on_written(uv_write_t *request, int status)
{
    struct stream *s = request->data;
    s->writing = false;
    if (s->state == CLOSED)
        return;
    if (status) {
        on_write_error(s, status);
        return;
    }
    flush(s);
    if (s->state == OPEN && !s->writing && s->handler->drained)
        s->handler->drained(s->arg, s);
}

static void
flush(struct stream *s)
{
    if (s->writing || s->write_failed || s->state == CONNECTING || s->state == CLOSED)
        return;
    fill(s);
    if (s->out.size == 0) {
        if (s->out.capacity > KEEP)
            buf_fini(&s->out);
        if (s->state == LINGERING)
            send_fin(s);
        return;
    }
    uv_buf_t piece = uv_buf_init((char *)s->out.data, (unsigned)s->out.size);
    s->write.data = s;
    int status = uv_write(&s->write, &s->uv.stream, &piece, 1, on_written);
    if (status)
        on_write_error(s, status);
    else
        s->writing = true;
}

size_t
stream_pending(const struct stream *s)
{
    return s->queue.size - s->queue_at + uv_stream_get_write_queue_size(&s->uv.stream);
}

static void
fail_soon(struct stream *s, enum err err)
{
    s->failure = err;
    task_schedule(s->turn);
}

enum err
stream_send(struct stream *s, const void *data, size_t size)
{
    if (s->state >= LINGERING || s->failure)
        return ERR_CLOSED;
    size_t pending = stream_pending(s);
    if (pending > s->send_limit || size > s->send_limit - pending) {
        fail_soon(s, diag_set(&s->why, ERR_LIMIT, "the peer does not keep up: %zu octets queued",
                              pending));
        return ERR_LIMIT;
    }
    if (s->queue_at > s->queue.size / 2) {
        buf_consume(&s->queue, s->queue_at);
        s->queue_at = 0;
    }
    buf_put(&s->queue, data, size);
    if (!s->writing)
        task_schedule(s->turn);
    return ERR_OK;
}

static void
on_turn(void *arg)
{
    struct stream *s = arg;
    if (s->failure)
        end(s, close_now, s->failure, s->why.text);
    else
        flush(s);
}

/* ---- receiving */

static void
open_up(struct stream *s)
{
    s->state = OPEN;
    timer_stop(s->timer);
    if (s->queue.size)
        task_schedule(s->turn);
    if (s->handler->opened)
        s->handler->opened(s->arg, s);
}

/* An alert may be in the output, so linger; what the owner queued can no longer be encrypted. */
static void
on_tls_error(struct stream *s, enum err err, const struct diag *diag)
{
    if (err != ERR_CLOSED)
        drop_queue(s);
    end(s, linger, err, diag->text);
}

static void
read_plain(struct stream *s)
{
    uint8_t plain[RECORD_SIZE];
    while (s->state == OPEN) {
        struct diag diag;
        size_t n;
        enum err err = tls_session_read(s->tls, plain, sizeof plain, &n, &diag);
        if (err)
            on_tls_error(s, err, &diag);
        else if (n == 0)
            break;
        else
            s->handler->received(s->arg, s, plain, n);
    }
}

static void
on_cipher(struct stream *s, const void *data, size_t size)
{
    struct diag diag;
    enum err err = tls_session_input(s->tls, data, size, &diag);
    if (err) {
        on_tls_error(s, err, &diag);
        return;
    }
    if (s->state == HANDSHAKING && tls_session_is_established(s->tls))
        open_up(s);
    read_plain(s);
    if (s->state == HANDSHAKING || s->state == OPEN)
        flush(s); /* the next flight of the handshake, or an answer of TLS's own */
}

static void
on_peer_end(struct stream *s)
{
    s->peer_ended = true;
    if (s->state == LINGERING && s->shut)
        close_now(s);
    else if (s->state == HANDSHAKING)
        end(s, close_now, ERR_CLOSED, "closed by the other side during the TLS handshake");
    else if (s->tls)
        end(s, linger, ERR_CLOSED, "closed by the other side without a TLS close_notify");
    else
        end(s, linger, ERR_CLOSED, "closed by the other side");
}

static void
on_read_error(struct stream *s, int status)
{
    struct diag diag;
    enum err err = uverr_explain(&diag, status, "read");
    if (s->state == LINGERING)
        close_now(s);
    else
        end(s, close_now, err, diag.text);
}

static void
on_alloc(uv_handle_t *handle UNUSED, size_t size UNUSED, uv_buf_t *buf)
{
    static _Thread_local char shared[READ_SIZE]; /* used up before the next read */
    *buf = uv_buf_init(shared, sizeof shared);
}

static void
on_read(uv_stream_t *handle, ssize_t n, const uv_buf_t *buf)
{
    struct stream *s = handle->data;
    if (s->state == CLOSED || n == 0)
        return;
    if (n == UV_EOF)
        on_peer_end(s);
    else if (n < 0)
        on_read_error(s, (int)n);
    else if (s->state == LINGERING)
        return; /* nobody to give it to */
    else if (s->tls)
        on_cipher(s, buf->base, (size_t)n);
    else
        s->handler->received(s->arg, s, (const uint8_t *)buf->base, (size_t)n);
}

static void
resume(struct stream *s)
{
    int status = uv_read_start(&s->uv.stream, on_alloc, on_read);
    s->paused = false;
    if (status)
        fail_soon(s, uverr_explain(&s->why, status, "read"));
}

void
stream_pause(struct stream *s, bool paused)
{
    if (s->state != OPEN || s->paused == paused)
        return;
    if (!paused) {
        resume(s);
        return;
    }
    (void)uv_read_stop(&s->uv.stream);
    s->paused = true;
}

/* ---- the beginning */

static void
set_option(int fd, int name, int value)
{
    (void)setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value); /* better with, works without */
}

/* Small messages must not wait for each other. A peer that has vanished is noticed whether we are
 * silent (keepalive) or talk to it (user timeout, RFC 5482). */
static void
set_tcp_options(int fd, nsec_t dead_after)
{
    int seconds = (int)MIN(MAX(dead_after / NSEC_PER_SEC, 2), 3600), on = 1;
    set_option(fd, TCP_NODELAY, 1);
    set_option(fd, TCP_KEEPIDLE, seconds / 2);
    set_option(fd, TCP_KEEPINTVL, MAX(seconds / 6, 1));
    set_option(fd, TCP_KEEPCNT, 3);
    set_option(fd, TCP_USER_TIMEOUT, seconds * 1000);
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
}

static void
begin(struct stream *s)
{
    uv_os_fd_t fd;
    if (s->uv.handle.type == UV_TCP && uv_fileno(&s->uv.handle, &fd) == 0)
        set_tcp_options(fd, s->dead_after);
    int status = uv_read_start(&s->uv.stream, on_alloc, on_read);
    if (status) {
        on_read_error(s, status);
        return;
    }
    if (!s->tls) {
        open_up(s);
        return;
    }
    s->state = HANDSHAKING;
    struct diag diag;
    enum err err = s->role == TLS_CLIENT ? tls_session_start(s->tls, &diag) : ERR_OK;
    if (err)
        on_tls_error(s, err, &diag);
    else
        flush(s);
}

static void
on_timer(void *arg)
{
    struct stream *s = arg;
    struct diag diag;
    double seconds = (double)s->timeout / (double)NSEC_PER_SEC;
    if (s->state == LINGERING) {
        close_now(s);
    } else if (s->failure) {
        end(s, close_now, s->failure, s->why.text);
    } else {
        diag_set(&diag, ERR_TIMEOUT, "no %s within %.3g s",
                 s->state == CONNECTING ? "connection" : "TLS handshake", seconds);
        end(s, close_now, ERR_TIMEOUT, diag.text);
    }
}

static enum err
stream_new(uv_loop_t *loop, const struct stream_settings *settings, int family, enum tls_role role,
           struct stream **result, struct diag *diag)
{
    struct tls_session *session = NULL;
    if (settings->tls) {
        enum err err = tls_session_new(settings->tls, role, settings->peer_name, &session, diag);
        if (err)
            return err;
        if (settings->tls_1_3)
            tls_session_require_1_3(session);
        if (settings->anonymous && role == TLS_SERVER)
            tls_session_let_anonymous(session);
    }
    struct stream *s = xcalloc(1, sizeof *s);
    s->tls = session;
    s->role = role;
    s->owned = true;
    s->timeout = settings->timeout;
    s->dead_after = settings->dead_after;
    s->send_limit = settings->send_limit;
    s->timer = timer_new(loop, on_timer, s);
    s->turn = task_new(loop, on_turn, s);
    stream_uv_init(&s->uv, loop, family);
    s->uv.handle.data = s;
    *result = s;
    return ERR_OK;
}

static void
on_connected(uv_connect_t *request, int status)
{
    struct stream *s = request->data;
    if (s->state == CLOSED)
        return;
    if (status) {
        end(s, close_now, uverr_explain(&s->why, status, "connect"), s->why.text);
        return;
    }
    begin(s);
}

static void
start_connecting(struct stream *s, const union address *address)
{
    s->connect.data = s;
    if (address->any.sa_family == AF_UNIX) {
        uv_pipe_connect(&s->connect, &s->uv.pipe, address->local.sun_path, on_connected);
        return;
    }
    int status = uv_tcp_connect(&s->connect, &s->uv.tcp, &address->any, on_connected);
    if (status)
        fail_soon(s, uverr_explain(&s->why, status, "connect"));
}

/* That the address is not ours is found when it connects. */
static enum err
leave_from(struct stream *s, const char *from, int family, struct diag *diag)
{
    union address address;
    enum err err = address_parse(from, &address, diag);
    if (err)
        return err;
    if (address.any.sa_family != family || family == AF_UNIX)
        return diag_set(diag, ERR_INVALID, "%s is of another family than the other side", from);
    int status = uv_tcp_bind(&s->uv.tcp, &address.any, 0);
    return status ? uverr_explain(diag, status, "leave from %s", from) : ERR_OK;
}

enum err
stream_connect(uv_loop_t *loop, const struct stream_config *config,
               const struct stream_handler *handler, void *arg, struct stream **result,
               struct diag *diag)
{
    union address address;
    struct stream *s = NULL;
    struct stream_settings settings;
    enum err err = address_parse(config->address, &address, diag);
    if (err)
        return err;
    stream_ignore_sigpipe();
    stream_settings_init(&settings, config);
    err = stream_new(loop, &settings, address.any.sa_family, TLS_CLIENT, &s, diag);
    stream_settings_fini(&settings);
    if (!err && config->from)
        err = leave_from(s, config->from, address.any.sa_family, diag);
    if (err) {
        stream_free(s);
        return err;
    }
    address_format(&address, s->peer_address);
    stream_set_handler(s, handler, arg);
    timer_start(s->timer, s->timeout);
    start_connecting(s, &address);
    *result = s;
    return ERR_OK;
}

static void
name_peer(struct stream *s)
{
    union address peer = {.storage = {0}};
    int size = sizeof peer;
    struct ucred cred;
    socklen_t cred_size = sizeof cred;
    uv_os_fd_t fd;
    if (s->uv.handle.type == UV_TCP && uv_tcp_getpeername(&s->uv.tcp, &peer.any, &size) == 0)
        address_format(&peer, s->peer_address);
    else if (uv_fileno(&s->uv.handle, &fd) == 0 &&
             getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_size) == 0)
        snprintf(s->peer_address, sizeof s->peer_address, "unix:pid=%d,uid=%u", (int)cred.pid,
                 (unsigned)cred.uid);
}

enum err
stream_accept(uv_stream_t *server, const union address *address,
              const struct stream_settings *settings, const struct stream_handler *handler,
              void *arg, struct stream **result, struct diag *diag)
{
    struct stream *s;
    enum err err = stream_new(server->loop, settings, address->any.sa_family, TLS_SERVER, &s, diag);
    if (err)
        return err;
    int status = uv_accept(server, &s->uv.stream);
    if (status) {
        stream_free(s);
        return uverr_explain(diag, status, "accept");
    }
    name_peer(s);
    stream_set_handler(s, handler, arg);
    timer_start(s->timer, s->timeout);
    begin(s);
    *result = s->state == HANDSHAKING ? s : NULL;
    return ERR_OK;
}

void
stream_free(struct stream *s)
{
    if (!s)
        return;
    s->owned = false;
    s->handler = NULL;
    if (s->state == OPEN && !s->failure)
        linger(s);
    else if (s->state < LINGERING)
        close_now(s);
    release(s);
}

/* ---- small things */

void
stream_set_handler(struct stream *s, const struct stream_handler *handler, void *arg)
{
    if (s->state >= LINGERING)
        return; /* `closed` was called, or never will be */
    s->handler = handler;
    s->arg = arg;
}

const char *
stream_peer_name(const struct stream *s)
{
    return s->tls ? tls_session_peer_name(s->tls) : "";
}

const char *
stream_peer_serial(const struct stream *s)
{
    return s->tls ? tls_session_peer_serial(s->tls) : "";
}

const char *
stream_peer_address(const struct stream *s)
{
    return s->peer_address;
}

void
stream_uv_init(union stream_uv *uv, uv_loop_t *loop, int family)
{
    if (family == AF_UNIX)
        uv_pipe_init(loop, &uv->pipe, 0);
    else
        uv_tcp_init(loop, &uv->tcp);
}

void
stream_settings_init(struct stream_settings *settings, const struct stream_config *config)
{
    *settings = (struct stream_settings){
        .tls = config->tls ? tls_ref(config->tls) : NULL,
        .tls_1_3 = config->tls_1_3,
        .anonymous = config->anonymous,
        .peer_name = config->peer_name ? xstrdup(config->peer_name) : NULL,
        .timeout = config->timeout > 0 ? config->timeout : STREAM_TIMEOUT,
        .dead_after = config->dead_after > 0 ? config->dead_after : STREAM_DEAD_AFTER,
        .send_limit = config->send_limit ? config->send_limit : STREAM_SEND_LIMIT,
    };
}

void
stream_settings_fini(struct stream_settings *settings)
{
    tls_free(settings->tls);
    free(settings->peer_name);
}

static void
ignore_sigpipe(void)
{
    struct sigaction old, ignore = {.sa_handler = SIG_IGN};
    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        sigaction(SIGPIPE, &ignore, NULL);
}

void
stream_ignore_sigpipe(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, ignore_sigpipe);
}
