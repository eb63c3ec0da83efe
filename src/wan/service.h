/* service.h - the WAN controller: knows the routers' network, computes where tunnels go, brings
 * their label-switched paths into the routers over PCEP, and lays them another way when the network
 * changes.
 *
 * Routers of any make connect to it as path computation clients (pce.h). The network is learned
 * from the sources in `feeds`. What it answers on the bus is in doc/architecture.md; how it works,
 * in doc/wan.md. */
#ifndef WAN_SERVICE_H
#define WAN_SERVICE_H

#include "bus/bus.h"
#include "io/tls.h"
#include "journal/journal.h"
#include "model/state.h"

struct wan_service; /* Opaque. */

/* All borrowed; they outlive the service. */
struct wan_config {
    uv_loop_t *loop;
    struct bus *bus;
    struct journal *journal;
    const struct state *state;
    struct tls *tls; /* our identity, for routers that want TLS; NULL: none may */
    const char
        *settings; /* a file as wan/settings.h says; NULL: nobody connects, nothing is known */
    nsec_t (*now)(void *arg); /* wall clock; what windows are judged by. NULL: clock_wall() */
    void *now_arg;
};

/* Starts listening. The state must be complete. Errors of wan_settings_load(),
 * feeds_new(), pce_server_new(),
 * bus_subscribe(). */
MUST_CHECK enum err wan_service_new(const struct wan_config *, struct wan_service **,
                                    struct diag *);
void wan_service_free(struct wan_service *); /* NULL is fine */

/* Tells it of an event that has just been applied to the state. */
void wan_service_event(struct wan_service *, const struct state_event *);

/* Where it listens, with the port that was chosen if 0 was asked for; NULL: nowhere. */
const char *wan_service_pcep_address(const struct wan_service *);

#endif
