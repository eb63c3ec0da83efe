#include "io/udp.h"

#include "base/alloc.h"
#include "io/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BURST 64 /* datagrams taken before others get their turn */

struct udp {
    uv_poll_t handle;
    struct udp_config config;
    int fd;
    bool closed;
    uint8_t payload[UDP_MAX_PAYLOAD];
};

static enum err
err_of(int code)
{
    switch (code) {
    case EADDRINUSE:
        return ERR_EXISTS;
    case EADDRNOTAVAIL:
    case ENETUNREACH:
    case EHOSTUNREACH:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EAGAIN:
    case ENOBUFS:
        return ERR_BUSY;
    case EMSGSIZE:
    case EMFILE:
    case ENFILE:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}

/* When the kernel says it came; else now. */
static nsec_t
arrival(struct msghdr *m)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        struct timespec t;
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
            continue;
        memcpy(&t, CMSG_DATA(c), sizeof t);
        return (nsec_t)t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
    }
    return clock_wall();
}

static void
on_readable(uv_poll_t *handle, int status UNUSED, int events UNUSED)
{
    struct udp *u = handle->data;
    for (int i = 0; i < BURST && !u->closed; i++) {
        struct sockaddr_in from = {0};
        struct iovec iov = {u->payload, sizeof u->payload};
        union {
            struct cmsghdr header; /* for its alignment */
            char room[64];
        } control;
        struct msghdr m = {.msg_name = &from,
                           .msg_namelen = sizeof from,
                           .msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = &control,
                           .msg_controllen = sizeof control};
        ssize_t size = recvmsg(u->fd, &m, MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN)
            return;
        /* Other errors are an earlier datagram's, which was refused: they are over by now. */
        if (size >= 0 && u->config.received)
            u->config.received(u->config.arg, ntohl(from.sin_addr.s_addr), ntohs(from.sin_port),
                               u->payload, (size_t)size, arrival(&m));
    }
}

static enum err
set_up_socket(int fd, const struct udp_config *config, struct diag *diag)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(config->address),
                                  .sin_port = htons(config->port)};
    int on = 1, ttl = config->ttl;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) ||
        (ttl && setsockopt(fd, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl)) ||
        bind(fd, (struct sockaddr *)&address, sizeof address)) {
        char text[INET_ADDRSTRLEN];
        int code = errno;
        inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
        return diag_set(diag, err_of(code), "UDP port %u of %s: %s", config->port, text,
                        strerror(code));
    }
    return ERR_OK;
}

enum err
udp_open(uv_loop_t *loop, const struct udp_config *config, struct udp **result, struct diag *diag)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return diag_set(diag, err_of(errno), "UDP socket: %s", strerror(errno));
    enum err err = set_up_socket(fd, config, diag);
    if (err) {
        close(fd);
        return err;
    }
    struct udp *u = xcalloc(1, sizeof *u);
    u->config = *config;
    u->fd = fd;
    uv_poll_init(loop, &u->handle, fd);
    u->handle.data = u;
    uv_poll_start(&u->handle, UV_READABLE, on_readable);
    uv_unref((uv_handle_t *)&u->handle);
    *result = u;
    return ERR_OK;
}

static void
on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void
udp_close(struct udp *u)
{
    if (!u)
        return;
    u->closed = true;
    uv_poll_stop(&u->handle);
    close(u->fd); /* at once: the port may be wanted again */
    uv_close((uv_handle_t *)&u->handle, on_closed);
}

uint16_t
udp_port(const struct udp *u)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    (void)getsockname(u->fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

enum err
udp_send(struct udp *u, uint32_t to, uint16_t to_port, const uint8_t *payload, size_t size)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(to), .sin_port = htons(to_port)};
    if (sendto(u->fd, payload, size, MSG_DONTWAIT, (struct sockaddr *)&address, sizeof address) < 0)
        return err_of(errno);
    return ERR_OK;
}
