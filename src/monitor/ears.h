/* ears.h - the interfaces that a sensor listens to: opened by their names, read whenever something
 * comes, counted.
 *
 *   NAME, packet:NAME   by AF_PACKET (io/frame_tap.h)
 *   xdp:NAME            by AF_XDP, which takes what comes in there away from the host
 *
 * Should the host begin to use an interface that is taken away from it, it is let go at once, and
 * listened to by AF_PACKET.
 *
 *   erspan:ADDRESS      what switches mirror to this address of the host; the interface of a frame
 * is then the switch's address and its port
 *
 * Nothing is ever sent. */
#ifndef MONITOR_EARS_H
#define MONITOR_EARS_H

#include "base/err.h"
#include "sensor/capture.h"

#include <stdint.h>
#include <uv.h>

struct ears_config {
    const char *const *names; /* they stay the caller's, and stay */
    unsigned n;
    /* A frame, valid during the call; frames are numbered from 1 on, whichever ear they came by. */
    void (*frame)(void *arg, const struct frame *);
    void (*pause)(void *arg); /* behind the frames of a turn; NULL: nothing to do */
    void *arg;
};

struct ears; /* One thread's. */

/* ERR_INVALID: that is no name of an ear; `diag` says why. */
MUST_CHECK enum err ears_check_name(const char *, struct diag *);
/* ERR_* as frame_tap_open(); nothing is left open then. */
MUST_CHECK enum err ears_open(const struct ears_config *, struct ears **, struct diag *);
/* After ears_stop() and the end of the loop, or without ears_listen(). NULL is fine. */
void ears_close(struct ears *);

/* Reads them from now on, in the loop; log says by what each is. */
void ears_listen(struct ears *, uv_loop_t *);
/* The loop can end. NULL is fine. */
void ears_stop(struct ears *);
/* What came meanwhile, at the end. NULL is fine. */
void ears_read_rest(struct ears *);
/* About once a second: does the host use what is taken away from it; is what was gone there again?
 */
void ears_tick(struct ears *);

struct ears_counters {
    uint64_t frames, dropped; /* that came, of which there was no room for so many */
};
void ears_count(struct ears *, struct ears_counters *); /* NULL is fine: none */

#endif
