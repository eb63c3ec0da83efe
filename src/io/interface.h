/* interface.h - a network interface as the kernel knows it, apart from its packets (port.h). */
#ifndef IO_INTERFACE_H
#define IO_INTERFACE_H

#include "packet/addr.h"

struct interface_info {
    unsigned ifindex;
    struct mac mac;
    uint32_t speed_kbps; /* 0: not known, or the link is down */
};

/* The error with this number of the operating system, with what it was about in `diag`. ERR_DENIED;
 * ERR_NOT_FOUND; ERR_BUSY; ERR_UNSUPPORTED; ERR_IO. */
enum err interface_fail(const char *name, const char *what, int error, struct diag *);

/* ERR_NOT_FOUND: there is no such interface; ERR_IO. */
MUST_CHECK enum err interface_get(const char *name, struct interface_info *, struct diag *);
/* Takes it administratively up or down. ERR_DENIED; ERR_NOT_FOUND; ERR_IO. */
MUST_CHECK enum err interface_set_up(const char *name, bool up, struct diag *);
/* Receive or transmit queues in use; 0: not known. */
unsigned interface_queues(const char *name, bool receive);
/* Whether the host itself makes use of it: has given it an address (those of a link alone do not
 * count), or has made it a port or the ground of another interface. `how` says so. */
bool interface_is_used(const char *name, struct diag *how);
/* Whether the device takes the outer VLAN tag off the frames that come in and tells it beside them;
 * `changed`: it was otherwise before. ERR_UNSUPPORTED: the device will not; ERR_DENIED. */
MUST_CHECK enum err interface_set_tag_removal(const char *name, bool on, bool *changed,
                                              struct diag *);
bool interface_has_driver(const char *name, const char *driver); /* as `ethtool -i` tells it */

#endif
