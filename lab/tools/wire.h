/* wire.h - many emulated cables, each between two interfaces of this network namespace. Frames are
 * carried as they are, with the offloads of the hosts that sent them. */
#ifndef LAB_TOOLS_WIRE_H
#define LAB_TOOLS_WIRE_H

#include "lab/tools/latency.h"
#include "lab/tools/rawsock.h"
#include "lab/tools/wire_config.h"

struct wires; /* Opaque. */

/* Opens every interface and sets it up. `epoll` gets their sockets, each with an event whose
 * data.u64 is WIRE_EVENT plus a number. `seed` is for the losses. On error nothing stays open. */
#define WIRE_EVENT UINT64_C(0x100000000)
MUST_CHECK enum err wires_open(const struct wire_link_config *, size_t n, uint64_t seed, int epoll,
                               struct wires **, struct diag *);
void wires_close(struct wires *);

/* An interface's socket is readable, or in error: takes what is there. */
void wires_input(struct wires *, uint64_t event);
/* Delivers what has arrived; returns when there is something to deliver again, or NSEC_NEVER. */
nsec_t wires_deliver(struct wires *, nsec_t now);
/* Some interface changed: closes what has gone, opens what has come back. */
void wires_interfaces_changed(struct wires *);

/* What a person does to a cable; the diagnosis names what is wrong. */
MUST_CHECK enum err wires_set(struct wires *, const char *name, char *const *settings, size_t n,
                              struct diag *);
/* Both ends are set down: their peers lose carrier, and what is in the cable is lost. */
MUST_CHECK enum err wires_cut(struct wires *, const char *name, struct diag *);
/* Frames are lost without a sign. `direction`: "a-to-b", "b-to-a", "both". */
MUST_CHECK enum err wires_block(struct wires *, const char *name, const char *direction,
                                struct diag *);
/* Neither cut nor blocked. */
MUST_CHECK enum err wires_restore(struct wires *, const char *name, struct diag *);

/* {"links":[{"name":..,"a":..,"b":..,"cut":..,"a_to_b":{..},"b_to_a":{..}}]}: settings, counters,
 * how late frames were delivered. */
json_t *wires_json(const struct wires *);

#endif
