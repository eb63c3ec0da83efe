#include "lab/tools/rawsock.h"

#include "base/bytes.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static enum err
system_error(struct diag *diag, const char *interface, const char *what)
{
    enum err err = errno == EPERM || errno == EACCES   ? ERR_DENIED
                   : errno == ENODEV || errno == ENXIO ? ERR_NOT_FOUND
                                                       : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", interface, what, strerror(errno));
}

static enum err
set_options(int fd, unsigned flags, const char *interface, struct diag *diag)
{
    const struct {
        int level, option, value;
        const char *what;
    } options[] = {
        {SOL_PACKET, PACKET_VNET_HDR, flags & RAWSOCK_OFFLOADS ? 1 : 0, "PACKET_VNET_HDR"},
        {SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA"},
        {SOL_PACKET, PACKET_IGNORE_OUTGOING, 1, "PACKET_IGNORE_OUTGOING"},
        {SOL_PACKET, PACKET_QDISC_BYPASS, 1, "PACKET_QDISC_BYPASS"},
        {SOL_SOCKET, SO_TIMESTAMPNS, flags & RAWSOCK_SEND_ONLY ? 0 : 1, "SO_TIMESTAMPNS"},
        {SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20, "SO_RCVBUFFORCE"},
        {SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20, "SO_SNDBUFFORCE"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (setsockopt(fd, options[i].level, options[i].option, &options[i].value, sizeof(int)))
            return system_error(diag, interface, options[i].what);
    }
    return ERR_OK;
}

static enum err
bind_interface(struct rawsock *s, unsigned flags, struct diag *diag)
{
    uint16_t protocol = flags & RAWSOCK_SEND_ONLY ? 0 : ETH_P_ALL;
    struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                  .sll_protocol = __builtin_bswap16(protocol),
                                  .sll_ifindex = (int)s->ifindex};
    struct packet_mreq promiscuous = {.mr_ifindex = (int)s->ifindex, .mr_type = PACKET_MR_PROMISC};
    if (bind(s->fd, (struct sockaddr *)&address, sizeof address))
        return system_error(diag, s->interface, "bind");
    if (!(flags & RAWSOCK_SEND_ONLY) &&
        setsockopt(s->fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous))
        return system_error(diag, s->interface, "promiscuous mode");
    return ERR_OK;
}

enum err
rawsock_open(struct rawsock *s, const char *interface, unsigned flags, struct diag *diag)
{
    struct rawsock result = {.fd = -1, .offloads = flags & RAWSOCK_OFFLOADS};
    struct ifreq ifr = {.ifr_ifindex = 0};
    if (strlen(interface) >= sizeof result.interface)
        return diag_set(diag, ERR_NOT_FOUND, "%s: no such interface", interface);
    strcpy(result.interface, interface);
    strcpy(ifr.ifr_name, interface);
    result.ifindex = if_nametoindex(interface);
    if (!result.ifindex)
        return diag_set(diag, ERR_NOT_FOUND, "%s: no such interface", interface);
    /* Protocol 0: nothing arrives before the socket is bound. */
    result.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (result.fd < 0)
        return system_error(diag, interface, "AF_PACKET socket");
    enum err err = set_options(result.fd, flags, interface, diag);
    if (!err && ioctl(result.fd, SIOCGIFHWADDR, &ifr))
        err = system_error(diag, interface, "hardware address");
    if (!err)
        err = bind_interface(&result, flags, diag);
    if (err) {
        close(result.fd);
        return err;
    }
    memcpy(result.mac.octets, ifr.ifr_hwaddr.sa_data, sizeof result.mac.octets);
    *s = result;
    return ERR_OK;
}

void
rawsock_close(struct rawsock *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static void
put_tag_back(struct raw_frame *f, const struct tpacket_auxdata *aux)
{
    uint16_t tpid = aux->tp_status & TP_STATUS_VLAN_TPID_VALID ? aux->tp_vlan_tpid : ETH_P_8021Q;
    memmove(f->data - 4, f->data, 12);
    f->data -= 4;
    f->size += 4;
    put_be16(f->data + 12, tpid);
    put_be16(f->data + 14, aux->tp_vlan_tci);
    if (f->vnet.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
        f->vnet.csum_start += 4;
    if (f->vnet.gso_type != VIRTIO_NET_HDR_GSO_NONE)
        f->vnet.hdr_len += 4;
}

static void
read_side(struct msghdr *m, struct raw_frame *f)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA) {
            struct tpacket_auxdata aux;
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
            if (aux.tp_status & TP_STATUS_VLAN_VALID && f->size >= 12)
                put_tag_back(f, &aux);
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec t;
            memcpy(&t, CMSG_DATA(c), sizeof t);
            f->wall = t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
        }
    }
}

static enum err
receive_error(void)
{
    if (errno == EAGAIN || errno == EINTR)
        return ERR_BUSY;
    if (errno == ENETDOWN)
        return ERR_CLOSED;
    return errno == ENXIO || errno == ENODEV ? ERR_NOT_FOUND : ERR_IO;
}

enum err
rawsock_receive(struct rawsock *s, struct raw_frame *f)
{
    union {
        struct cmsghdr align;
        uint8_t octets[256];
    } control;
    struct iovec iov[2] = {{&f->vnet, s->offloads ? sizeof f->vnet : 0},
                           {f->buffer + 4, sizeof f->buffer - 4}};
    struct msghdr m = {.msg_iov = iov,
                       .msg_iovlen = 2,
                       .msg_control = control.octets,
                       .msg_controllen = sizeof control.octets};
    memset(&f->vnet, 0, sizeof f->vnet);
    ssize_t n = recvmsg(s->fd, &m, 0);
    if (n < (ssize_t)iov[0].iov_len)
        return n < 0 ? receive_error() : ERR_IO;
    f->data = f->buffer + 4;
    f->size = (size_t)n - iov[0].iov_len;
    f->wall = 0;
    read_side(&m, f);
    return ERR_OK;
}

enum err
rawsock_send(struct rawsock *s, const struct virtio_net_hdr *vnet, const void *frame, size_t size)
{
    static const struct virtio_net_hdr none;
    struct iovec iov[2] = {{(void *)(vnet ? vnet : &none), s->offloads ? sizeof none : 0},
                           {(void *)frame, size}};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    if (sendmsg(s->fd, &m, MSG_DONTWAIT) >= 0)
        return ERR_OK;
    if (errno == EMSGSIZE)
        return ERR_LIMIT;
    return errno == ENOBUFS ? ERR_BUSY : receive_error();
}

enum err
interface_set_up(const char *interface, bool up, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    enum err err = ERR_OK;
    if (strlen(interface) >= sizeof ifr.ifr_name)
        return diag_set(diag, ERR_NOT_FOUND, "%s: no such interface", interface);
    strcpy(ifr.ifr_name, interface);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return system_error(diag, interface, "socket");
    if (ioctl(fd, SIOCGIFFLAGS, &ifr)) {
        err = system_error(diag, interface, "flags");
    } else {
        ifr.ifr_flags = (short)(up ? ifr.ifr_flags | IFF_UP : ifr.ifr_flags & ~IFF_UP);
        if (ioctl(fd, SIOCSIFFLAGS, &ifr))
            err = system_error(diag, interface, up ? "set up" : "set down");
    }
    close(fd);
    return err;
}
