/* interface.h - a network interface as the kernel knows it, apart from its packets (port.h). */
#ifndef IO_INTERFACE_H
#define IO_INTERFACE_H

#include "packet/addr.h"

struct interface_info {
    unsigned ifindex;
    struct mac mac;
    uint32_t speed_kbps; /* 0: not known, or the link is down */
};

/* ERR_NOT_FOUND: there is no such interface; ERR_IO. */
MUST_CHECK enum err interface_get(const char *name, struct interface_info *, struct diag *);
/* Takes it administratively up or down. ERR_DENIED; ERR_NOT_FOUND; ERR_IO. */
MUST_CHECK enum err interface_set_up(const char *name, bool up, struct diag *);
/* Receive or transmit queues in use; 0: not known. */
unsigned interface_queues(const char *name, bool receive);
bool interface_has_driver(const char *name, const char *driver); /* as `ethtool -i` tells it */

#endif
