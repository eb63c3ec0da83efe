#include "io/passing.h"

#include "base/alloc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)

struct passing {
    int fd;
    pid_t pid; /* of it; 0: it cannot be known */
    int peer;  /* a descriptor of the process at the other end; -1: it cannot be known */
    int patience_ms;
    struct buf in; /* received ... */
    size_t taken;  /* ... of which so much was asked for */
    int fds[PASSING_DESCRIPTORS];
    unsigned n_fds;
};

static enum err
set_path(struct sockaddr_un *address, const char *path, struct diag *diag)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof address->sun_path)
        return diag_set(diag, ERR_INVALID, "%s: no path of a socket", path);
    memcpy(address->sun_path, path, strlen(path));
    return ERR_OK;
}

static enum err
system_error(struct diag *diag, const char *path, const char *what)
{
    enum err err = errno == EADDRINUSE                        ? ERR_EXISTS
                   : errno == ENOENT || errno == ECONNREFUSED ? ERR_NOT_FOUND
                   : errno == EACCES || errno == EPERM        ? ERR_DENIED
                                                              : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", path, what, strerror(errno));
}

/* Removes a socket nobody listens on any more; never a file of another kind. */
static void
remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) && errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(fd);
}

enum err
passing_listen(const char *path, int *result, struct diag *diag)
{
    struct sockaddr_un address;
    enum err err = set_path(&address, path, diag);
    if (err)
        return err;
    remove_stale(&address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_error(diag, path, "socket");
    /* The file gets the socket's permissions: there is no moment at which anybody could connect. */
    if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&address, sizeof address) ||
        listen(fd, 4)) {
        err = system_error(diag, path, "listen");
        close(fd);
        return err;
    }
    *result = fd;
    return ERR_OK;
}

static struct passing *
passing_new(int fd)
{
    struct passing *p = xcalloc(1, sizeof *p);
    struct ucred peer;
    socklen_t size = sizeof peer;
    p->fd = fd;
    p->peer = -1;
    if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && peer.pid > 0) {
        p->pid = peer.pid;
        p->peer = (int)syscall(SYS_pidfd_open, peer.pid, 0);
    }
    passing_set_patience(p, NSEC_PER_SEC);
    return p;
}

enum err
passing_accept(int listening, struct passing **result)
{
    int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return ERR_BUSY;
    *result = passing_new(fd);
    return ERR_OK;
}

enum err
passing_connect(const char *path, struct passing **result, struct diag *diag)
{
    struct sockaddr_un address;
    enum err err = set_path(&address, path, diag);
    if (err)
        return err;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return system_error(diag, path, "socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address)) {
        err = system_error(diag, path, "connect");
        close(fd);
        return err;
    }
    *result = passing_new(fd);
    return ERR_OK;
}

void
passing_close(struct passing *p)
{
    int fd;
    if (!p)
        return;
    while ((fd = passing_take(p)) >= 0)
        close(fd);
    close(p->fd);
    if (p->peer >= 0)
        close(p->peer);
    buf_fini(&p->in);
    free(p);
}

pid_t
passing_peer_pid(const struct passing *p)
{
    return p->pid;
}

bool
passing_peer_has_gone(const struct passing *p)
{
    struct pollfd ended = {.fd = p->peer, .events = POLLIN};
    return p->peer >= 0 && poll(&ended, 1, p->patience_ms) > 0;
}

void
passing_set_patience(struct passing *p, nsec_t patience)
{
    p->patience_ms = (int)((patience + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC);
}

/* Waits until the call that failed can be tried again. */
static enum err
wait_for(struct passing *p, short events)
{
    struct pollfd poll_fd = {.fd = p->fd, .events = events};
    if (errno == EINTR)
        return ERR_OK;
    if (errno != EAGAIN)
        return ERR_CLOSED;
    int n = poll(&poll_fd, 1, p->patience_ms);
    return n > 0 || (n < 0 && errno == EINTR) ? ERR_OK : ERR_TIMEOUT;
}

union ancillary {
    char octets[CMSG_SPACE(PASSING_DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
};

static void
attach(struct msghdr *m, union ancillary *room, const int *fds, unsigned n)
{
    m->msg_control = room->octets;
    m->msg_controllen = CMSG_SPACE(n * sizeof *fds);
    struct cmsghdr *c = CMSG_FIRSTHDR(m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof *fds);
    memcpy(CMSG_DATA(c), fds, n * sizeof *fds);
}

enum err
passing_send(struct passing *p, const void *data, size_t size, const int *fds, unsigned n_fds)
{
    const uint8_t *at = data;
    if (n_fds > PASSING_DESCRIPTORS)
        return ERR_LIMIT;
    while (size) {
        union ancillary room = {{0}};
        struct iovec iov = {(void *)at, size};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
        if (n_fds)
            attach(&m, &room, fds, n_fds);
        ssize_t n = sendmsg(p->fd, &m, MSG_NOSIGNAL);
        if (n < 0) {
            enum err err = wait_for(p, POLLOUT);
            if (err)
                return err;
            continue;
        }
        n_fds = 0;
        at += n;
        size -= (size_t)n;
    }
    return ERR_OK;
}

/* Keeps what came; what there is no room for is closed. */
static bool
keep_descriptors(struct passing *p, struct msghdr *m)
{
    bool kept = !(m->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
            if (p->n_fds < PASSING_DESCRIPTORS) {
                p->fds[p->n_fds++] = fd;
            } else {
                close(fd);
                kept = false;
            }
        }
    }
    return kept;
}

/* Descriptors come with the octet they were sent with: no call returns those of two messages. */
static enum err
receive_some(struct passing *p)
{
    uint8_t chunk[CHUNK];
    union ancillary room;
    struct iovec iov = {chunk, sizeof chunk};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = room.octets,
                       .msg_controllen = sizeof room.octets};
    ssize_t n = recvmsg(p->fd, &m, MSG_CMSG_CLOEXEC);
    if (n < 0)
        return wait_for(p, POLLIN);
    if (n == 0)
        return ERR_CLOSED;
    buf_put(&p->in, chunk, (size_t)n);
    return keep_descriptors(p, &m) ? ERR_OK : ERR_LIMIT;
}

enum err
passing_receive(struct passing *p, size_t size, struct buf *into)
{
    while (p->in.size - p->taken < size) {
        buf_consume(&p->in, p->taken);
        p->taken = 0;
        enum err err = receive_some(p);
        if (err)
            return err;
    }
    if (size)
        buf_put(into, p->in.data + p->taken, size);
    p->taken += size;
    return buf_err(into);
}

int
passing_take(struct passing *p)
{
    if (!p->n_fds)
        return -1;
    int fd = p->fds[0];
    memmove(p->fds, p->fds + 1, --p->n_fds * sizeof p->fds[0]);
    return fd;
}
