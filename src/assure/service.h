/* service.h - assurance as a service: tests circuits when it is asked to, and watches those that
 * are active.
 *
 * It sends nothing itself: it asks nodes to, by the bus request `lan.rpc`. What it answers on the
 * bus is in doc/architecture.md; how it tests and what its numbers mean in doc/assure.md. */
#ifndef ASSURE_SERVICE_H
#define ASSURE_SERVICE_H

#include "assure/load.h"
#include "bus/bus.h"
#include "journal/journal.h"
#include "model/state.h"

struct assure_service; /* Opaque. */

/* 0 stands for the default given. */
struct assure_options {
    bool one_clock;          /* all nodes read the same clock, as in the lab */
    struct load_limits load; /* of a single test */
    uint32_t tests;          /* at the same time; 48 */
    uint32_t tests_per_node; /* 32, half of what a node takes: the rest is for surveillance */
    uint32_t rate_per_node;  /* packets per second of all tests at a node; what one may send */
    nsec_t watch_interval;   /* from a circuit's round of surveillance to its next; 10 s */
    uint32_t watch_rate;     /* packets per second of surveillance in the whole network; 2000 */
    nsec_t record_interval;  /* from one record of what surveillance found to the next; 6 h */
};

/* All borrowed; they outlive the service. */
struct assure_service_config {
    uv_loop_t *loop;
    struct bus *bus;
    struct journal *journal;
    const struct state *state;
    const char *site; /* begins the names of tests, so that a node's log says who tests */
    struct assure_options options;
    /* Is this circuit ours to watch? NULL: all are. */
    bool (*watches)(void *arg, const struct circuit *);
    void *watches_arg;
};

/* Serves from now on, and watches the circuits that are active. The state must be complete (the
 * journal replayed). ERR_IO: no random numbers; also the errors of bus_subscribe(). */
MUST_CHECK enum err assure_service_new(const struct assure_service_config *,
                                       struct assure_service **, struct diag *);
/* Tests under way are stopped at their nodes and answered with ERR_CLOSED. NULL is fine. */
void assure_service_free(struct assure_service *);

/* Tells it of an event that has just been applied to the state. */
void assure_service_event(struct assure_service *, const struct state_event *);

#endif
