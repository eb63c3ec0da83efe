#include "io/frame_socket.h"

#include "base/alloc.h"
#include "base/bytes.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct frame_socket {
    int fd;
};

/* All sockets of an interface see its frames (ETH_P_ALL): one bound to the EtherType would get them
 * only behind the traffic control hook, where an exclusive port drops what is for the kernel. */
enum err
frame_kind_filter(int fd, const struct frame_kind *kind, bool only, struct diag *diag)
{
    enum { TAGGED = 1, TYPE = 3, HIGH = 5, LOW = 7, UNHEARD = 9, NEITHER = 11, OTHER = 12 };
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, OTHER - TAGGED - 1),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kind->type, 0, OTHER - TYPE - 1),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, get_be32(kind->destination.octets), 0,
                 OTHER - HIGH - 1),
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, get_be16(kind->destination.octets + 4), 0,
                 OTHER - LOW - 1),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kind->unheard_at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kind->unheard_at ? kind->unheard : UINT32_MAX,
                 NEITHER - UNHEARD - 1, 0),
        BPF_STMT(BPF_RET | BPF_K, only ? UINT32_MAX : 0),
        BPF_STMT(BPF_RET | BPF_K, 0), /* nobody's */
        BPF_STMT(BPF_RET | BPF_K, only ? 0 : UINT32_MAX),
    };
    const struct sock_fprog filter = {ARRAY_SIZE(program), program};
    if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter))
        return diag_set(diag, ERR_IO, "SO_ATTACH_FILTER: %s", strerror(errno));
    return ERR_OK;
}

static enum err
set_up(int fd, const char *interface, const struct frame_kind *kind, struct diag *diag)
{
    static const struct {
        int option;
        const char *name;
    } options[] = {{PACKET_IGNORE_OUTGOING, "PACKET_IGNORE_OUTGOING"},
                   {PACKET_QDISC_BYPASS, "PACKET_QDISC_BYPASS"}};
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = __builtin_bswap16(ETH_P_ALL),
                                  .sll_ifindex = (int)if_nametoindex(interface)};
    const int one = 1;
    if (!address.sll_ifindex)
        return diag_set(diag, ERR_NOT_FOUND, "there is no interface \"%s\"", interface);
    struct packet_mreq group = {.mr_ifindex = address.sll_ifindex,
                                .mr_type = PACKET_MR_MULTICAST,
                                .mr_alen = sizeof kind->destination};
    memcpy(group.mr_address, kind->destination.octets, sizeof kind->destination);
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (setsockopt(fd, SOL_PACKET, options[i].option, &one, sizeof one))
            return diag_set(diag, ERR_IO, "%s: %s: %s", interface, options[i].name,
                            strerror(errno));
    }
    enum err err = frame_kind_filter(fd, kind, true, diag);
    if (err)
        return err;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group))
        return diag_set(diag, ERR_IO, "%s: %s", interface, strerror(errno));
    return ERR_OK;
}

enum err
frame_socket_open(const char *interface, const struct frame_kind *kind,
                  struct frame_socket **result, struct diag *diag)
{
    /* Protocol 0: nothing arrives before the socket is bound to its interface. */
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return diag_set(diag, errno == EPERM || errno == EACCES ? ERR_DENIED : ERR_IO,
                        "%s: AF_PACKET socket: %s", interface, strerror(errno));
    enum err err = set_up(fd, interface, kind, diag);
    if (err) {
        close(fd);
        return err;
    }
    struct frame_socket *s = xcalloc(1, sizeof *s);
    s->fd = fd;
    *result = s;
    return ERR_OK;
}

void
frame_socket_close(struct frame_socket *s)
{
    if (!s)
        return;
    close(s->fd);
    free(s);
}

int
frame_socket_fd(const struct frame_socket *s)
{
    return s->fd;
}

size_t
frame_socket_receive(struct frame_socket *s, uint8_t *frame, size_t room)
{
    ssize_t size = recv(s->fd, frame, room, MSG_DONTWAIT);
    if (size < 0 && errno == ENETDOWN) /* told once, when the interface goes down */
        size = recv(s->fd, frame, room, MSG_DONTWAIT);
    return size > 0 ? (size_t)size : 0;
}

enum err
frame_socket_send(struct frame_socket *s, const uint8_t *frame, size_t size)
{
    if (send(s->fd, frame, size, MSG_DONTWAIT) >= 0)
        return ERR_OK;
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
        return ERR_BUSY;
    case ENETDOWN:
    case ENXIO:
    case ENODEV:
        return ERR_CLOSED;
    default:
        return ERR_IO;
    }
}
