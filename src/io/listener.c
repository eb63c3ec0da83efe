/* listener.c - accepts streams. It owns each of them until its handshake is over, as a handler like
 * any other; then the stream goes to whom the listener works for. */
#include "io/stream_private.h"

#include "base/alloc.h"
#include "io/uverr.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 128

/* One peer in its handshake. */
struct pending {
    struct stream_listener *listener;
    struct stream *stream; /* NULL until stream_accept() has told us */
    struct pending *prev, *next;
};

struct stream_listener {
    union stream_uv uv;
    struct stream_settings settings;
    const struct stream_listener_handler *handler;
    void *arg;
    union address address;
    char text[ADDRESS_TEXT_SIZE];
    dev_t socket_device; /* of the Unix socket's file, so that only that one is removed */
    ino_t socket_inode;
    struct pending *oldest, *newest;
    unsigned n_pending;
};

/* ---- peers in their handshake */

static struct pending *
add_pending(struct stream_listener *l)
{
    struct pending *p = xcalloc(1, sizeof *p);
    p->listener = l;
    p->prev = l->newest;
    if (l->newest)
        l->newest->next = p;
    else
        l->oldest = p;
    l->newest = p;
    l->n_pending++;
    return p;
}

static void
remove_pending(struct pending *p)
{
    struct stream_listener *l = p->listener;
    if (p->prev)
        p->prev->next = p->next;
    else
        l->oldest = p->next;
    if (p->next)
        p->next->prev = p->prev;
    else
        l->newest = p->prev;
    l->n_pending--;
    free(p);
}

static void
refuse(struct stream_listener *l, const char *address, enum err err, const char *reason)
{
    if (l->handler->refused)
        l->handler->refused(l->arg, address, err, reason);
}

static void
on_pending_opened(void *arg, struct stream *stream)
{
    struct pending *p = arg;
    struct stream_listener *l = p->listener;
    remove_pending(p);
    l->handler->accepted(l->arg, stream); /* may free the listener */
}

static void
on_pending_closed(void *arg, struct stream *stream, enum err err, const char *reason)
{
    struct pending *p = arg;
    struct stream_listener *l = p->listener;
    remove_pending(p);
    refuse(l, stream_peer_address(stream), err, reason);
    stream_free(stream);
}

static void
end_oldest(struct stream_listener *l)
{
    struct pending *p = l->oldest;
    struct stream *stream = p->stream;
    remove_pending(p);
    refuse(l, stream_peer_address(stream), ERR_LIMIT, "too many handshakes at the same time");
    stream_free(stream);
}

static void
on_connection(uv_stream_t *server, int status)
{
    static const struct stream_handler handler = {
        .opened = on_pending_opened,
        .closed = on_pending_closed,
    };
    struct stream_listener *l = server->data;
    struct diag diag;
    if (status) {
        refuse(l, "", uverr_explain(&diag, status, "accept"), diag.text);
        return;
    }
    struct pending *p = add_pending(l);
    struct stream *stream;
    enum err err = stream_accept(server, &l->address, &l->settings, &handler, p, &stream, &diag);
    if (err) {
        remove_pending(p);
        refuse(l, "", err, diag.text);
    } else if (stream) {
        p->stream = stream;
        if (l->n_pending > STREAM_MAX_HANDSHAKES)
            end_oldest(l);
    }
}

/* ---- sockets */

static enum err
listen_tcp(struct stream_listener *l, struct diag *diag)
{
    int status = uv_tcp_bind(&l->uv.tcp, &l->address.any, 0);
    if (!status)
        status = uv_listen(&l->uv.stream, BACKLOG, on_connection);
    if (status)
        return uverr_explain(diag, status, "listen on %s", l->text);
    int size = sizeof l->address;
    if (uv_tcp_getsockname(&l->uv.tcp, &l->address.any, &size) == 0)
        address_format(&l->address, l->text);
    return ERR_OK;
}

/* Removes a socket nobody listens on any more; never a file of another kind. */
static void
remove_stale_socket(const struct sockaddr_un *local)
{
    struct stat st;
    if (lstat(local->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)local, sizeof *local) && errno == ECONNREFUSED)
        unlink(local->sun_path);
    close(fd);
}

/* Bound here and not by libuv, because Linux takes the file's permissions from the socket: set
 * before the file exists, there is no moment at which anybody could connect. It takes away what the
 * process's umask does; that is given again before anybody can connect. */
static int
bind_unix(const struct sockaddr_un *local, mode_t mode, int *result)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (fchmod(fd, mode) || bind(fd, (const struct sockaddr *)local, sizeof *local) ||
        chmod(local->sun_path, mode)) {
        int status = -errno;
        close(fd);
        return status;
    }
    *result = fd;
    return 0;
}

static enum err
listen_unix(struct stream_listener *l, mode_t mode, struct diag *diag)
{
    const struct sockaddr_un *local = &l->address.local;
    struct stat st;
    int fd = -1;
    remove_stale_socket(local);
    int status = bind_unix(local, mode, &fd);
    if (status)
        return uverr_explain(diag, status, "listen on %s", l->text);
    if (stat(local->sun_path, &st) == 0) {
        l->socket_device = st.st_dev;
        l->socket_inode = st.st_ino;
    }
    status = uv_pipe_open(&l->uv.pipe, fd);
    if (status)
        close(fd);
    else
        status = uv_listen(&l->uv.stream, BACKLOG, on_connection);
    return status ? uverr_explain(diag, status, "listen on %s", l->text) : ERR_OK;
}

static void
remove_own_socket(const struct stream_listener *l)
{
    struct stat st;
    const char *path = l->address.local.sun_path;
    if (l->address.any.sa_family == AF_UNIX && l->socket_inode && stat(path, &st) == 0 &&
        st.st_dev == l->socket_device && st.st_ino == l->socket_inode)
        unlink(path);
}

/* ---- the listener */

/* A name that no session would take is better refused now than with every connection. */
static enum err
check_peer_name(const struct stream_settings *settings, struct diag *diag)
{
    struct tls_session *session;
    if (!settings->tls)
        return ERR_OK;
    enum err err = tls_session_new(settings->tls, TLS_SERVER, settings->peer_name, &session, diag);
    if (!err)
        tls_session_free(session);
    return err;
}

enum err
stream_listen(uv_loop_t *loop, const struct stream_config *config,
              const struct stream_listener_handler *handler, void *arg,
              struct stream_listener **result, struct diag *diag)
{
    union address address;
    enum err err = address_parse(config->address, &address, diag);
    if (err)
        return err;
    stream_ignore_sigpipe();
    struct stream_listener *l = xcalloc(1, sizeof *l);
    l->handler = handler;
    l->arg = arg;
    l->address = address;
    address_format(&address, l->text);
    stream_settings_init(&l->settings, config);
    stream_uv_init(&l->uv, loop, address.any.sa_family);
    l->uv.handle.data = l;
    err = check_peer_name(&l->settings, diag);
    if (!err && address.any.sa_family == AF_UNIX)
        err = listen_unix(l, config->socket_mode ? config->socket_mode : 0600, diag);
    else if (!err)
        err = listen_tcp(l, diag);
    if (err) {
        stream_listener_free(l);
        return err;
    }
    *result = l;
    return ERR_OK;
}

static void
on_listener_closed(uv_handle_t *handle)
{
    struct stream_listener *l = handle->data;
    stream_settings_fini(&l->settings);
    free(l);
}

void
stream_listener_free(struct stream_listener *l)
{
    if (!l)
        return;
    remove_own_socket(l);
    while (l->oldest) {
        struct stream *stream = l->oldest->stream;
        remove_pending(l->oldest);
        stream_free(stream);
    }
    uv_close(&l->uv.handle, on_listener_closed);
}

const char *
stream_listener_address(const struct stream_listener *l)
{
    return l->text;
}
