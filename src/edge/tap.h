/* tap.h - copies of packets for captures, taken where the packet thread handles them.
 *
 * A packet is seen when it has arrived, when it is put into a port's queue, given to the controller
 * or to the node itself, and when it is dropped. Its arrival is reported together with the first
 * thing that happens to it, so that the rule which decided is known. What each capture wants is
 * decided here, in the packet thread; copies go through a ring of the capture's own, which the
 * control thread empties. A copy that finds no room, or is above the capture's rate, is counted as
 * lost; the packet itself is never held up.
 *
 * When nobody captures the packet thread has no tap, and all this costs it one test of a pointer.
 *
 * A tap belongs to one packet thread. tap_arrived() to tap_dropped() are called by that; the rest
 * by the control thread, which frees a capture only after a datapath_barrier() behind
 * tap_detach(). */
#ifndef EDGE_TAP_H
#define EDGE_TAP_H

#include "edge/datapath.h"
#include "packet/packet.h"

#define TAP_CAPTURES 5 /* at the same time: four of clients, and the mirror's */
#define TAP_PORTS 16   /* that a filter can name */

/* What a capture wants: all that is said must hold. */
struct tap_filter {
    bool in, out;                 /* arrivals and drops; what is sent */
    bool drops;                   /* only drops ... */
    enum drop_reason reason;      /* ... for this reason; DROP_NONE: any */
    uint32_t ports[TAP_PORTS];    /* where it arrived, or where it is sent; none: all */
    uint32_t n_ports;             /* PORT_LOCAL and PORT_CONTROLLER are ports, too */
    bool has_cookie, has_match;   /* else these two mean nothing */
    uint64_t cookie, cookie_mask; /* of the rule that decided */
    struct match match;           /* on the frame as it is then, and the port it came in by */
    uint32_t snap;                /* octets to keep of each, 1 to PACKET_MAX */
    uint32_t packets_per_second;  /* more are lost; at least 1 */
};

enum tap_event { TAP_ARRIVED, TAP_SENT, TAP_DROPPED };

/* A copy. */
struct tap_record {
    nsec_t time;    /* wall clock */
    uint64_t id;    /* the same for all that happens to one arrival */
    uint64_t lost;  /* at this port since the record before it */
    uint8_t event;  /* enum tap_event: an arrival that is dropped at once is a drop */
    uint8_t reason; /* drops: enum drop_reason */
    uint8_t queue;  /* sent */
    bool has_rule;  /* the rule that decided; else these three mean nothing */
    uint8_t table_id;
    uint16_t priority;
    uint64_t cookie;
    uint32_t in_port, port; /* where it came in; where it was seen: sent or arrived */
    uint32_t slot;          /* of `port` in the tap's list of ports */
    uint32_t captured, size;
    uint8_t frame[];
};

struct tap_capture; /* Opaque: what one capture takes here. */

/* Copies the filter. `n_slots`: ports of the tap; `ring_size`: octets. */
struct tap_capture *tap_capture_new(const struct tap_filter *, uint32_t n_slots,
                                    uint32_t ring_size);
void tap_capture_free(struct tap_capture *); /* NULL is fine. */

/* The oldest copy; NULL: none. Valid until tap_release(). */
const struct tap_record *tap_peek(struct tap_capture *);
void tap_release(struct tap_capture *);

/* Of several rings, those of the packet threads, the one whose oldest copy is the oldest of all;
 * `n`: there are none. */
unsigned tap_oldest(struct tap_capture *const *, unsigned n);

struct tap_counts {
    uint64_t accepted, lost;
};
/* Since it was made, at the port with this slot. */
struct tap_counts tap_capture_counts(const struct tap_capture *, uint32_t slot);

struct tap; /* Opaque. */

/* Ports by their numbers; a port that is not among them is seen with the last slot, as
 * PORT_CONTROLLER should be. At most MAX_PORTS + 2. `index`: of the packet thread, so that the ids
 * of all are different. */
struct tap *tap_new(const uint32_t *ports, uint32_t n, unsigned index);
void tap_free(struct tap *); /* NULL is fine; no captures may be attached. */

/* ERR_LIMIT: TAP_CAPTURES are attached. */
MUST_CHECK enum err tap_attach(struct tap *, struct tap_capture *);
void tap_detach(struct tap *, struct tap_capture *);
bool tap_is_idle(const struct tap *);

/* ---- In the packet thread ---- */

/* The rule whose actions are being carried out; NULL: none. */
void tap_decided(struct tap *, const struct entry *, uint8_t table_id);
/* A packet comes in, unless it is the control thread's. */
void tap_arrived(struct tap *, const struct packet *);
void tap_injected(struct tap *);
/* It is in the queue of that port; PORT_CONTROLLER and PORT_LOCAL likewise. */
void tap_sent(struct tap *, const struct packet *, uint32_t port);
/* `whole`: nothing else can become of it. */
void tap_dropped(struct tap *, const struct packet *, enum drop_reason, bool whole);

#endif
