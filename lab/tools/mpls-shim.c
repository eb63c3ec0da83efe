/* mpls-shim.c - lets FRR's zebra believe that the kernel routes MPLS. A tool of the lab only: no
 * labelled packet is forwarded by what runs under it.
 *
 * On a kernel without MPLS routing zebra refuses labels, and with them goes segment routing: no
 * label table, no policy that is ever active. Preloaded into zebra (LD_PRELOAD) this shim
 *
 *   - answers stat() of /proc/sys/net/mpls, by which zebra decides that there is MPLS;
 *   - turns what zebra says to the kernel about labelled routes (family AF_MPLS) into messages that
 *     do nothing. They keep their place, length and sequence number, and the kernel itself
 *     acknowledges them, in order: a batch is answered as if all of it had been done;
 *   - takes the labels off IP routes and next hops, so that the plain IP route stays, over which
 *     BGP and PCEP reach loopbacks;
 *   - shows a bridge as a VRF device, and other interfaces as its members, for kernels without VRF:
 *     MPLS_SHIM_VRF=NAME:TABLE:MEMBER,MEMBER;NAME:TABLE:MEMBER
 *
 * So zebra's label table, its answers to other daemons and what it tells a forwarding plane over
 * FPM are what they would be with MPLS in the kernel. zebra is one thread per socket, and what is
 * kept here is per thread.
 *
 * Netlink is trusted here: it is zebra's own or the kernel's. What does not look like netlink is
 * passed on untouched. */
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <linux/if_link.h>
#include <linux/lwtunnel.h>
#include <linux/netlink.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>

#define MPLS_PATH "/proc/sys/net/mpls"
#define BATCH_SIZE (1 << 18) /* zebra's own batches are smaller */
#define ATTRIBUTE_TYPE(a) ((a)->nla_type & NLA_TYPE_MASK)

static void *
real(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);
    if (!function)
        abort();
    return function;
}

/* ---- The directory that says "MPLS" ---- */

int
stat(const char *restrict path, struct stat *restrict s)
{
    static int (*real_stat)(const char *, struct stat *);
    if (!real_stat)
        real_stat = real("stat");
    return real_stat(strcmp(path, MPLS_PATH) == 0 ? "/proc/sys/net" : path, s);
}

/* ---- Attributes ---- */

static const struct nlattr *
attribute_at(const uint8_t *list, size_t size, size_t at)
{
    const struct nlattr *a = (const struct nlattr *)(list + at);
    bool whole = at + NLA_HDRLEN <= size && a->nla_len >= NLA_HDRLEN && at + a->nla_len <= size;
    return whole ? a : NULL;
}

static const struct nlattr *
find(const uint8_t *list, size_t size, int type)
{
    const struct nlattr *a;
    for (size_t at = 0; (a = attribute_at(list, size, at)) != NULL; at += NLA_ALIGN(a->nla_len))
        if (ATTRIBUTE_TYPE(a) == type)
            return a;
    return NULL;
}

static const void *
value_of(const struct nlattr *a)
{
    return (const uint8_t *)a + NLA_HDRLEN;
}

/* Writes an attribute; returns its size, padding and all. */
static size_t
put(uint8_t *out, int type, const void *value, size_t size)
{
    struct nlattr head = {(uint16_t)(NLA_HDRLEN + size), (uint16_t)type};
    memset(out, 0, NLA_ALIGN(head.nla_len));
    memcpy(out, &head, sizeof head);
    if (size)
        memcpy(out + NLA_HDRLEN, value, size);
    return NLA_ALIGN(head.nla_len);
}

/* Copies a list without the attributes in `unwanted`, which ends with 0; returns its size. */
static size_t
copy_without(uint8_t *out, const uint8_t *list, size_t size, const int *unwanted)
{
    size_t n = 0;
    const struct nlattr *a;
    for (size_t at = 0; (a = attribute_at(list, size, at)) != NULL; at += NLA_ALIGN(a->nla_len)) {
        const int *u = unwanted;
        while (*u && *u != ATTRIBUTE_TYPE(a))
            u++;
        if (!*u)
            n += put(out + n, a->nla_type, value_of(a), a->nla_len - (size_t)NLA_HDRLEN);
    }
    return n;
}

/* ---- What zebra says to the kernel ---- */

static bool
is_mpls(const struct nlattr *encap_type)
{
    uint16_t type = LWTUNNEL_ENCAP_NONE;
    if (encap_type && encap_type->nla_len >= NLA_HDRLEN + sizeof type)
        memcpy(&type, value_of(encap_type), sizeof type);
    return type == LWTUNNEL_ENCAP_MPLS;
}

static size_t
strip(uint8_t *out, const uint8_t *list, size_t size, int encap, int encap_type)
{
    const int none[] = {0}, labels[] = {encap, encap_type, 0};
    return copy_without(out, list, size, is_mpls(find(list, size, encap_type)) ? labels : none);
}

/* The next hops of one route, each with attributes of its own. */
static size_t
strip_multipath(uint8_t *out, const struct nlattr *multipath)
{
    const uint8_t *from = value_of(multipath);
    size_t size = multipath->nla_len - (size_t)NLA_HDRLEN, n = NLA_HDRLEN;
    while (size >= sizeof(struct rtnexthop)) {
        struct rtnexthop hop;
        memcpy(&hop, from, sizeof hop);
        if (hop.rtnh_len < sizeof hop || hop.rtnh_len > size)
            break;
        size_t whole = RTNH_ALIGN(hop.rtnh_len), step = whole < size ? whole : size;
        size_t rest = strip(out + n + sizeof hop, from + sizeof hop, hop.rtnh_len - sizeof hop,
                            RTA_ENCAP, RTA_ENCAP_TYPE);
        hop.rtnh_len = (unsigned short)(sizeof hop + rest);
        memcpy(out + n, &hop, sizeof hop);
        n += hop.rtnh_len;
        from += step;
        size -= step;
    }
    struct nlattr head = {(uint16_t)n, RTA_MULTIPATH};
    memcpy(out, &head, sizeof head);
    return n;
}

static size_t
strip_route(uint8_t *out, const uint8_t *list, size_t size)
{
    const struct nlattr *multipath = find(list, size, RTA_MULTIPATH);
    if (!multipath)
        return strip(out, list, size, RTA_ENCAP, RTA_ENCAP_TYPE);
    const int old[] = {RTA_MULTIPATH, 0};
    size_t n = copy_without(out, list, size, old);
    return n + strip_multipath(out + n, multipath);
}

/* Writes what the kernel is told in place of `in`; returns its size. */
static size_t
translate(uint8_t *out, const struct nlmsghdr *in)
{
    const uint8_t *body = NLMSG_DATA(in);
    size_t size = NLMSG_PAYLOAD(in, 0), head = 0, n = in->nlmsg_len;
    bool hop = in->nlmsg_type == RTM_NEWNEXTHOP;
    bool route = in->nlmsg_type == RTM_NEWROUTE || in->nlmsg_type == RTM_DELROUTE;
    memcpy(out, in, in->nlmsg_len);
    if (hop)
        head = NLMSG_ALIGN(sizeof(struct nhmsg));
    else if (route)
        head = NLMSG_ALIGN(sizeof(struct rtmsg));
    if (head == 0 || size < head)
        return n;
    struct nlmsghdr *message = (struct nlmsghdr *)out;
    if (body[0] == AF_MPLS) { /* the first octet of all that is about routes is their family */
        message->nlmsg_type = NLMSG_NOOP;
        return n;
    }
    uint8_t *list = out + NLMSG_HDRLEN + head;
    n = NLMSG_HDRLEN + head +
        (hop ? strip(list, body + head, size - head, NHA_ENCAP, NHA_ENCAP_TYPE)
             : strip_route(list, body + head, size - head));
    message->nlmsg_len = (uint32_t)n;
    return n;
}

/* Translates all messages of a batch; returns its size, 0: it is no netlink, or it is too long. */
static size_t
translate_batch(uint8_t *out, const uint8_t *in, size_t size)
{
    size_t n = 0;
    while (size >= NLMSG_HDRLEN) {
        const struct nlmsghdr *message = (const struct nlmsghdr *)in;
        if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > size)
            return 0;
        /* What is written is never longer than what is read, but for padding. */
        if (n + message->nlmsg_len + NLMSG_ALIGNTO > BATCH_SIZE)
            return 0;
        size_t written = translate(out + n, message), end = NLMSG_ALIGN(written);
        memset(out + n + written, 0, end - written);
        n += end;
        size_t step = NLMSG_ALIGN(message->nlmsg_len);
        in += step < size ? step : size;
        size -= step < size ? step : size;
    }
    return n;
}

static bool
is_route_netlink(int fd)
{
    int domain = 0, protocol = -1;
    socklen_t size = sizeof domain;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_NETLINK &&
           getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 &&
           protocol == NETLINK_ROUTE;
}

/* All of the vector, in a row; 0: more than there is room for. */
static size_t
gather(uint8_t *out, const struct msghdr *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->msg_iovlen; i++) {
        const struct iovec *part = &m->msg_iov[i];
        if (part->iov_len > BATCH_SIZE - n)
            return 0;
        memcpy(out + n, part->iov_base, part->iov_len);
        n += part->iov_len;
    }
    return n;
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
    static ssize_t (*real_sendmsg)(int, const struct msghdr *, int);
    static __thread uint8_t *said, *told; /* of this thread, as long as it lives */
    int saved = errno;
    if (!real_sendmsg)
        real_sendmsg = real("sendmsg");
    bool netlink = is_route_netlink(fd);
    errno = saved;
    if (!netlink)
        return real_sendmsg(fd, m, flags);
    if (!said)
        said = malloc(BATCH_SIZE);
    if (!told)
        told = malloc(BATCH_SIZE);
    if (!said || !told)
        abort();
    size_t size = gather(said, m), n = translate_batch(told, said, size);
    if (n == 0)
        return real_sendmsg(fd, m, flags);
    struct iovec all = {told, n};
    struct msghdr other = *m;
    other.msg_iov = &all;
    other.msg_iovlen = 1;
    ssize_t sent = real_sendmsg(fd, &other, flags);
    return sent == (ssize_t)n ? (ssize_t)size : sent;
}

/* ---- VRF: what the kernel says to zebra about interfaces ---- */

struct vrf_entry {
    char vrf[IFNAMSIZ];
    uint32_t table;
    bool member; /* of it; else it is the device itself */
};

static bool
is_listed(const char *list, const char *name)
{
    size_t size = strlen(name);
    while (*list) {
        size_t n = strcspn(list, ",");
        if (n == size && strncmp(list, name, n) == 0)
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

/* What MPLS_SHIM_VRF says about the interface; false: nothing. */
static bool
vrf_of(const char *interface, struct vrf_entry *found)
{
    const char *setting = getenv("MPLS_SHIM_VRF");
    while (setting && *setting) {
        char row[256], vrf[IFNAMSIZ], members[200] = "";
        size_t n = strcspn(setting, ";");
        snprintf(row, sizeof row, "%.*s", (int)n, setting);
        setting += n + (setting[n] == ';');
        if (sscanf(row, "%15[^:]:%u:%199s", vrf, &found->table, members) < 2)
            continue;
        found->member = is_listed(members, interface);
        if (!found->member && strcmp(interface, vrf) != 0)
            continue;
        strcpy(found->vrf, vrf);
        return true;
    }
    return false;
}

/* What kind of device it is: a VRF, or (whatever else it is) a member of one. */
static size_t
put_link_info(uint8_t *out, const struct vrf_entry *e)
{
    uint8_t info[128], table[16];
    size_t n;
    if (e->member) {
        n = put(info, IFLA_INFO_SLAVE_KIND, "vrf", sizeof "vrf");
    } else {
        n = put(info, IFLA_INFO_KIND, "vrf", sizeof "vrf");
        n += put(info + n, IFLA_INFO_DATA, table,
                 put(table, IFLA_VRF_TABLE, &e->table, sizeof e->table));
    }
    return put(out, IFLA_LINKINFO, info, n);
}

/* Rewrites one message of the kernel where it is. It gets shorter: the statistics go, and more than
 * takes their place goes with them. */
static void
disguise_link(struct nlmsghdr *message)
{
    static const int replaced[] = {IFLA_LINKINFO, IFLA_MASTER, IFLA_STATS, IFLA_STATS64, 0};
    size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct ifinfomsg));
    if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) ||
        message->nlmsg_len < head)
        return;
    uint8_t *list = (uint8_t *)message + head, *made = malloc(message->nlmsg_len + 256);
    size_t size = message->nlmsg_len - head;
    const struct nlattr *name = find(list, size, IFLA_IFNAME);
    struct vrf_entry e;
    if (made && name && vrf_of(value_of(name), &e)) {
        size_t n = copy_without(made, list, size, replaced);
        uint32_t master = e.member ? if_nametoindex(e.vrf) : 0;
        if (master)
            n += put(made + n, IFLA_MASTER, &master, sizeof master);
        n += put_link_info(made + n, &e);
        if (n <= size) {
            memcpy(list, made, n);
            message->nlmsg_len = (uint32_t)(head + n);
        }
    }
    free(made);
}

/* The messages after a shorter one move up; returns the size of all. */
static size_t
disguise(uint8_t *buffer, size_t size)
{
    size_t from = 0, to = 0;
    while (size - from >= NLMSG_HDRLEN) {
        struct nlmsghdr *message = (struct nlmsghdr *)(buffer + from);
        if (message->nlmsg_len < NLMSG_HDRLEN || message->nlmsg_len > size - from)
            break;
        size_t step = NLMSG_ALIGN(message->nlmsg_len);
        disguise_link(message);
        size_t n = NLMSG_ALIGN(message->nlmsg_len);
        memmove(buffer + to, message, n < size - from ? n : size - from);
        from += step < size - from ? step : size - from;
        to += n;
    }
    memmove(buffer + to, buffer + from, size - from);
    return to + (size - from);
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
    static ssize_t (*real_recvmsg)(int, struct msghdr *, int);
    if (!real_recvmsg)
        real_recvmsg = real("recvmsg");
    ssize_t n = real_recvmsg(fd, m, flags);
    int saved = errno;
    bool whole = n > 0 && m->msg_iovlen == 1 && (size_t)n <= m->msg_iov[0].iov_len;
    if (whole && getenv("MPLS_SHIM_VRF") && is_route_netlink(fd))
        n = (ssize_t)disguise(m->msg_iov[0].iov_base, (size_t)n);
    errno = saved;
    return n;
}
