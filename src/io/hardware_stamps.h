/* hardware_stamps.h - time stamps by a network card's own clock (Linux,
 * Documentation/networking/timestamping.rst). */
#ifndef IO_HARDWARE_STAMPS_H
#define IO_HARDWARE_STAMPS_H

#include <stdbool.h>

/* What was set, to be taken back. All zero: nothing. */
struct hardware_stamps {
    bool on;
    int clock; /* N of /dev/ptpN */
    int tx_type_before, rx_filter_before;
};

/* Turns them on if the interface has both kinds, of frames that leave and, at least, of PTP event
 * messages that come. `fd` is any socket. False: it has not, or they cannot be had (without
 * CAP_NET_ADMIN): nothing has changed. */
bool hardware_stamps_on(struct hardware_stamps *, const char *interface, int fd);
/* As it was before. */
void hardware_stamps_off(const struct hardware_stamps *, const char *interface, int fd);

#endif
