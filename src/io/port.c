#include "io/port.h"

#include "io/clock.h"
#include "io/port_driver.h"

#include <errno.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct port_driver *const drivers[] = {
    [PORT_DRIVER_PACKET] = &port_driver_packet,
    [PORT_DRIVER_XDP] = &port_driver_xdp,
    [PORT_DRIVER_KERNEL] = &port_driver_kernel,
};

static void
complete_name(struct port_io *port)
{
    snprintf(port->name_xsk, sizeof port->name_xsk, "%s, sends by AF_XDP", port->name);
}

static enum err
open_with(enum port_choice choice, const struct port_options *options, struct packet_pool *pool,
          struct port_io **port, struct diag *diag)
{
    struct port_io *p = NULL;
    enum err err = drivers[choice]->open(options, &p, diag);
    if (err)
        return err;
    p->driver = drivers[choice];
    p->pool = pool;
    p->claim_fd = -1;
    complete_name(p);
    *port = p;
    return ERR_OK;
}

unsigned
port_up_ifindex(const struct port_io *port)
{
    return port->up_ifindex;
}

/* A name in the abstract namespace of Unix sockets, which is the network namespace's own and is
 * free again when the process has gone, however it went. */
static enum err
claim(const struct port_options *options, int *fd, struct diag *diag)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "tieline/port/%u",
                          if_nametoindex(options->interface));
    *fd = -1;
    if (!options->exclusive)
        return ERR_OK;
    *fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
    if (*fd >= 0 && !bind(*fd, (struct sockaddr *)&name, size))
        return ERR_OK;
    enum err err = errno == EADDRINUSE ? ERR_BUSY : ERR_IO;
    diag_set(diag, err, "%s: %s", options->interface,
             err == ERR_BUSY ? "another process has it" : strerror(errno));
    if (*fd >= 0)
        close(*fd);
    return err;
}

/* The port is of use without it too: whoever opened it decides. */
static void
isolate(struct port_io *port, const struct port_options *options)
{
    diag_set(&port->not_isolated, ERR_OK, "not asked for");
    if (options->exclusive && !port->isolation &&
        isolation_open(options->interface, port->ifindex, -1, -1, &port->isolation,
                       &port->not_isolated))
        port->isolation = NULL;
}

/* AF_XDP if it is zero-copy; else AF_PACKET, with the reason kept in the name. */
static enum err
open_auto(const struct port_options *options, struct packet_pool *pool, struct port_io **port,
          struct diag *diag)
{
    struct port_io *p = NULL;
    struct diag why;
    enum err err = open_with(PORT_DRIVER_XDP, options, pool, &p, &why);
    if (!err && !strcmp(p->name, "xdp zero-copy")) {
        *port = p;
        return ERR_OK;
    }
    if (!err)
        diag_set(&why, ERR_UNSUPPORTED, "no zero-copy on this interface");
    port_close(p);
    err = open_with(PORT_DRIVER_PACKET, options, pool, port, diag);
    if (err)
        return err;
    snprintf((*port)->name, sizeof(*port)->name, "packet (AF_XDP: %.120s)", why.text);
    complete_name(*port);
    return ERR_OK;
}

static enum err
adopt(const struct port_options *options, struct packet_pool *pool, struct port_io **port,
      struct diag *diag)
{
    enum port_choice driver = options->parts->tap >= 0 ? PORT_DRIVER_KERNEL : PORT_DRIVER_PACKET;
    enum err err = open_with(driver, options, pool, port, diag);
    if (err)
        return err;
    close(options->parts->socket); /* they have been duplicated */
    if (options->parts->tap >= 0)
        close(options->parts->tap);
    (*port)->claim_fd = options->parts->claim;
    (*port)->foreign = true;
    (*port)->owns_hook = options->parts->owns_hook;
    return ERR_OK;
}

enum err
port_open(const struct port_options *options, struct packet_pool *pool, struct port_io **port,
          struct diag *diag)
{
    if (!if_nametoindex(options->interface))
        return diag_set(diag, ERR_NOT_FOUND, "there is no interface \"%s\"", options->interface);
    int claim_fd;
    if (options->parts)
        return adopt(options, pool, port, diag);
    enum err err = claim(options, &claim_fd, diag);
    if (err)
        return err;
    err = options->driver == PORT_DRIVER_AUTO
              ? open_auto(options, pool, port, diag)
              : open_with(options->driver, options, pool, port, diag);
    if (err) {
        if (claim_fd >= 0)
            close(claim_fd);
        return err;
    }
    (*port)->claim_fd = claim_fd;
    isolate(*port, options);
    return ERR_OK;
}

void
port_close(struct port_io *port)
{
    if (!port)
        return;
    int claim_fd = port->claim_fd;
    struct port_tap *tap = port->tap;
    bool foreign = port->foreign;
    if (foreign)
        isolation_leave(port->isolation);
    else
        isolation_close(port->isolation);
    port->driver->close(port);
    port_tap_close(tap, foreign);
    if (claim_fd >= 0)
        close(claim_fd);
}

enum err
port_get_parts(const struct port_io *port, struct port_parts *parts, struct diag *diag)
{
    if (port->driver == &port_driver_xdp)
        return diag_set(diag, ERR_UNSUPPORTED, "%s: driver %s cannot be handed over",
                        port->interface, port->name);
    *parts = (struct port_parts){port->fd, port->claim_fd, port_tap_fd(port->tap),
                                 isolation_owns_hook(port->isolation)};
    return ERR_OK;
}

enum err
port_own(struct port_io *port, const struct port_options *options, struct diag *diag)
{
    bool kernel = port->tap != NULL;
    port->foreign = false;
    port_packet_own(port);
    isolation_leave(port->isolation);
    port->isolation = NULL;
    enum err err = isolation_open(port->interface, port->ifindex, kernel ? options->program_in : -1,
                                  kernel ? options->program_out : -1, &port->isolation,
                                  &port->not_isolated);
    if (!err && port->owns_hook)
        isolation_own_hook(port->isolation);
    if (!kernel) /* of use without it too: whoever opened it decides */
        return ERR_OK;
    if (err)
        diag_set(diag, err, "%s", port->not_isolated.text);
    return err;
}

uint32_t
port_position(const struct port_io *port)
{
    return port->driver == &port_driver_xdp ? 0 : port_packet_position(port);
}

void
port_set_position(struct port_io *port, uint32_t position)
{
    if (port->driver != &port_driver_xdp)
        port_packet_set_position(port, position);
}

bool
port_is_foreign(const struct port_io *port)
{
    return port->foreign;
}

void
port_disown(struct port_io *port)
{
    port->owns_hook = isolation_owns_hook(port->isolation);
    port->foreign = true;
}

bool
port_is_isolated(const struct port_io *port, const char **why)
{
    if (why)
        *why = port->isolation ? "" : port->not_isolated.text;
    return port->isolation != NULL;
}

const char *
port_driver(const struct port_io *port)
{
    return port->sends_by_xsk ? port->name_xsk : port->name;
}

int
port_fd(const struct port_io *port)
{
    return port->fd;
}

unsigned
port_ifindex(const struct port_io *port)
{
    return port->ifindex;
}

uint32_t
port_frame_max(const struct port_io *port)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    memcpy(ifr.ifr_name, port->interface, sizeof ifr.ifr_name);
    if (ioctl(port->control_fd, SIOCGIFMTU, &ifr))
        return 1518;
    return (uint32_t)ifr.ifr_mtu + 18; /* Ethernet header and one tag */
}

void
port_mac(const struct port_io *port, struct mac *mac)
{
    *mac = port->mac;
}

bool
port_has_tx_stamps(const struct port_io *port)
{
    return port->tx_timestamps;
}

bool
port_asked_stamp(struct port_io *port)
{
    bool asked = port->asked_stamp;
    port->asked_stamp = false;
    return asked;
}

int
port_hardware_clock(const struct port_io *port)
{
    return port->hardware_stamps.on ? port->hardware_stamps.clock : -1;
}

unsigned
port_receive(struct port_io *port, struct packet **packets, unsigned max)
{
    return port->driver->receive(port, packets, max);
}

unsigned
port_send(struct port_io *port, struct packet **packets, unsigned n)
{
    port->down = false;
    return port->driver->send(port, packets, n);
}

bool
port_is_running(const struct port_io *port)
{
    struct ifreq ifr = {.ifr_ifindex = 0};
    memcpy(ifr.ifr_name, port->interface, sizeof ifr.ifr_name);
    return ioctl(port->control_fd, SIOCGIFFLAGS, &ifr) || ifr.ifr_flags & IFF_RUNNING;
}

bool
port_was_down(const struct port_io *port)
{
    return port->down;
}

unsigned
port_tx_stamps(struct port_io *port, struct port_tx_stamp *stamps, unsigned max)
{
    return port->driver->tx_stamps(port, stamps, max);
}

void
port_get_counters(struct port_io *port, struct port_counters *counters)
{
    port->driver->update_counters(port);
    *counters = port->counters;
}

void
port_stamp(struct packet *p)
{
    if (!p->stamp_offset || p->stamp_offset + 8u > p->size)
        return;
    nsec_t now = clock_wall();
    put_be32(p->data + p->stamp_offset, (uint32_t)(now / NSEC_PER_SEC));
    put_be32(p->data + p->stamp_offset + 4, (uint32_t)(now % NSEC_PER_SEC));
}
