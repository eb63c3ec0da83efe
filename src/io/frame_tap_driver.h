/* frame_tap_driver.h - what a driver of io/frame_tap.h provides. */
#ifndef IO_FRAME_TAP_DRIVER_H
#define IO_FRAME_TAP_DRIVER_H

#include "io/frame_tap.h"

struct frame_tap {
    const struct frame_tap_driver *driver;
    char interface[16];
    unsigned ifindex;
    char text[64];
    int fd; /* -1: none */
    struct frame_tap_counters counters;
};

struct frame_tap_driver {
    struct frame_tap *(*make)(void); /* all 0 */
    /* What is behind the common part, which is filled in. `close` either way. */
    enum err (*open)(struct frame_tap *, const struct frame_tap_options *, struct diag *);
    void (*close)(struct frame_tap *);
    unsigned (*read)(struct frame_tap *, unsigned blocks,
                     void (*)(void *, const struct tapped_frame *), void *arg);
    void (*count)(struct frame_tap *); /* brings its counters up to date */
};

extern const struct frame_tap_driver frame_tap_driver_packet, frame_tap_driver_xdp,
    frame_tap_driver_erspan;

/* Sets the interface promiscuous as long as this AF_PACKET socket is open. */
MUST_CHECK enum err frame_tap_hear_all(const struct frame_tap *, int fd, struct diag *);

#endif
