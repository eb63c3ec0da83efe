/* A port whose frames a program in the kernel forwards. What it leaves to us it redirects to a TAP
 * interface that is the port's own, where an AF_PACKET socket finds it as it came: with its tag,
 * its partial checksum or segment size, and the time of its arrival. The interface exists as long
 * as the process does, however it ends; nothing is ever read from its file. */
#include "io/port_driver.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct port_tap {
    int fd;
    unsigned ifindex;
    struct isolation *isolation;
};

static enum err
system_error(struct diag *diag, const char *interface, const char *what)
{
    enum err err = errno == EPERM || errno == EACCES    ? ERR_DENIED
                   : errno == ENOENT || errno == ENODEV ? ERR_UNSUPPORTED
                                                        : ERR_IO;
    return diag_set(diag, err, "%s: %s: %s", interface, what, strerror(errno));
}

static enum err
take_up(const char *name, struct diag *diag)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    bool ok = fd >= 0 && !ioctl(fd, SIOCGIFFLAGS, &ifr);
    if (ok) {
        ifr.ifr_flags |= IFF_UP | IFF_NOARP;
        ok = !ioctl(fd, SIOCSIFFLAGS, &ifr);
    }
    enum err err = ok ? ERR_OK : system_error(diag, name, "taking it up");
    if (fd >= 0)
        close(fd);
    return err;
}

static enum err
set_up(struct port_tap *tap, const char *interface, struct diag *diag)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "up%%d");
    tap->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (tap->fd < 0)
        return system_error(diag, interface, "/dev/net/tun");
    if (ioctl(tap->fd, TUNSETIFF, &ifr))
        return system_error(diag, interface, "TAP interface");
    tap->ifindex = if_nametoindex(ifr.ifr_name);
    /* Before it is up: the machine's own stack must not hear of it. */
    enum err err = isolation_open(ifr.ifr_name, tap->ifindex, -1, -1, &tap->isolation, diag);
    return err ? err : take_up(ifr.ifr_name, diag);
}

/* Its filters are there already. */
static enum err
take_over(struct port_tap *tap, const struct port_options *o, struct diag *diag)
{
    struct ifreq ifr = {.ifr_flags = 0};
    tap->fd = fcntl(o->parts->tap, F_DUPFD_CLOEXEC, 0);
    if (tap->fd < 0 || ioctl(tap->fd, TUNGETIFF, &ifr))
        return system_error(diag, o->interface, "TAP interface");
    tap->ifindex = if_nametoindex(ifr.ifr_name);
    return ERR_OK;
}

int
port_tap_fd(const struct port_tap *tap)
{
    return tap ? tap->fd : -1;
}

void
port_tap_close(struct port_tap *tap, bool leave)
{
    if (!tap)
        return;
    if (leave) /* it goes with its last descriptor, and its filters with it */
        isolation_leave(tap->isolation);
    else
        isolation_close(tap->isolation);
    if (tap->fd >= 0)
        close(tap->fd);
    free(tap);
}

enum err
port_kernel_open(const struct port_options *o, struct port_io **result, struct diag *diag)
{
    struct port_tap *tap = xcalloc(1, sizeof *tap);
    struct port_io *port = NULL;
    tap->fd = -1;
    enum err err = o->parts ? take_over(tap, o, diag) : set_up(tap, o->interface, diag);
    if (!err)
        err = port_packet_open_from(o, tap->ifindex, &port, diag);
    if (err) {
        port_tap_close(tap, o->parts != NULL);
        return err;
    }
    port->tap = tap;
    port->up_ifindex = tap->ifindex;
    snprintf(port->name, sizeof port->name, "kernel");
    if (!o->parts)
        err = isolation_open(o->interface, port->ifindex, o->program_in, o->program_out,
                             &port->isolation, diag);
    if (err) {
        port_driver_kernel.close(port);
        port_tap_close(tap, o->parts != NULL);
        return err;
    }
    *result = port;
    return ERR_OK;
}
