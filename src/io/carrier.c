#include "io/carrier.h"

#include "base/alloc.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000u
#endif

struct carrier {
    int fd;
    unsigned seq;
};

enum err
carrier_open(struct carrier **result, struct diag *diag)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address)) {
        if (fd >= 0)
            close(fd);
        return diag_set(diag, ERR_IO, "rtnetlink: %s", strerror(errno));
    }
    struct carrier *c = xcalloc(1, sizeof *c);
    c->fd = fd;
    carrier_ask(c);
    *result = c;
    return ERR_OK;
}

void
carrier_close(struct carrier *c)
{
    if (!c)
        return;
    close(c->fd);
    free(c);
}

int
carrier_fd(const struct carrier *c)
{
    return c->fd;
}

void
carrier_ask(struct carrier *c)
{
    struct {
        struct nlmsghdr header;
        struct ifinfomsg info;
    } request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_GETLINK,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = ++c->seq},
        .info = {.ifi_family = AF_UNSPEC},
    };
    if (send(c->fd, &request, sizeof request, MSG_DONTWAIT) < 0) {
        /* A dump may be under way already; its answers come all the same. */
    }
}

static void
read_message(const struct nlmsghdr *h, void (*event)(void *arg, const struct carrier_event *),
             void *arg)
{
    if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) ||
        h->nlmsg_len < NLMSG_LENGTH(sizeof(struct ifinfomsg)))
        return;
    const struct ifinfomsg *info = NLMSG_DATA(h);
    struct carrier_event e = {
        .ifindex = (unsigned)info->ifi_index,
        .gone = h->nlmsg_type == RTM_DELLINK,
        .admin_up = info->ifi_flags & IFF_UP,
    };
    e.up = !e.gone && e.admin_up && (info->ifi_flags & IFF_LOWER_UP) &&
           (info->ifi_flags & IFF_RUNNING);
    int left = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof *info));
    for (const struct rtattr *a = IFLA_RTA(info); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFLA_IFNAME)
            snprintf(e.name, sizeof e.name, "%.*s", (int)RTA_PAYLOAD(a), (const char *)RTA_DATA(a));
    }
    event(arg, &e);
}

void
carrier_read(struct carrier *c, void (*event)(void *arg, const struct carrier_event *), void *arg)
{
    _Alignas(struct nlmsghdr) char data[32768];
    for (;;) {
        ssize_t size = recv(c->fd, data, sizeof data, MSG_DONTWAIT);
        if (size < 0 && errno == ENOBUFS) { /* messages were lost: ask anew */
            carrier_ask(c);
            continue;
        }
        if (size <= 0)
            return;
        const struct nlmsghdr *h = (const struct nlmsghdr *)(void *)data;
        for (unsigned left = (unsigned)size; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
            read_message(h, event, arg);
    }
}
