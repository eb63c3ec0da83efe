#include "io/frame_tap_driver.h"

#include "base/attr.h"
#include "io/interface.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct frame_tap_driver *const drivers[] = {
    [FRAME_TAP_PACKET] = &frame_tap_driver_packet,
    [FRAME_TAP_XDP] = &frame_tap_driver_xdp,
    [FRAME_TAP_ERSPAN] = &frame_tap_driver_erspan,
};

enum err
frame_tap_hear_all(const struct frame_tap *t, int fd, struct diag *diag)
{
    struct packet_mreq all = {.mr_ifindex = (int)t->ifindex, .mr_type = PACKET_MR_PROMISC};
    if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all))
        return interface_fail(t->interface, "promiscuous mode", errno, diag);
    return ERR_OK;
}

static enum err
check_interface(struct frame_tap *t, const char *interface, struct diag *diag)
{
    struct ifreq request = {.ifr_ifindex = 0};
    enum err err = ERR_OK;
    if (!*interface || strlen(interface) >= sizeof t->interface)
        return diag_set(diag, ERR_NOT_FOUND, "%s: no such interface", interface);
    strcpy(t->interface, interface);
    strcpy(request.ifr_name, interface);
    t->ifindex = if_nametoindex(interface);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request))
        err = interface_fail(t->interface, "its kind", errno, diag);
    else if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER &&
             request.ifr_hwaddr.sa_family != ARPHRD_LOOPBACK)
        err = diag_set(diag, ERR_INVALID, "%s: it is not Ethernet", interface);
    if (fd >= 0)
        close(fd);
    return err;
}

enum err
frame_tap_open(const char *interface, const struct frame_tap_options *options,
               struct frame_tap **tap, struct diag *diag)
{
    const struct frame_tap_driver *driver = drivers[options->driver];
    struct frame_tap *t = driver->make();
    t->driver = driver;
    t->fd = -1;
    snprintf(t->interface, sizeof t->interface, "%s", interface);
    enum err err = options->driver == FRAME_TAP_ERSPAN ? ERR_OK
                                                       : check_interface(t, interface, diag);
    if (!err)
        err = driver->open(t, options, diag);
    if (err) {
        frame_tap_close(t);
        return err;
    }
    *tap = t;
    return ERR_OK;
}

void
frame_tap_close(struct frame_tap *t)
{
    if (t)
        t->driver->close(t);
}

const char *
frame_tap_text(const struct frame_tap *t)
{
    return t->text;
}

int
frame_tap_fd(const struct frame_tap *t)
{
    return t->fd;
}

unsigned
frame_tap_read(struct frame_tap *t, unsigned blocks,
               void (*fn)(void *, const struct tapped_frame *), void *arg)
{
    return t->driver->read(t, blocks, fn, arg);
}

void
frame_tap_count(struct frame_tap *t, struct frame_tap_counters *counters)
{
    t->driver->count(t);
    *counters = t->counters;
}

bool
frame_tap_is_there(const struct frame_tap *t)
{
    return t->driver == &frame_tap_driver_erspan || if_nametoindex(t->interface) == t->ifindex;
}

bool
frame_tap_is_welcome(const struct frame_tap *t, struct diag *why)
{
    return t->driver != &frame_tap_driver_xdp || !interface_is_used(t->interface, why);
}
