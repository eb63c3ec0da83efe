/* service.h - the LAN controller: brings the rules of the circuits that are wanted into the nodes,
 * keeps them there, and knows which node and which link is there.
 *
 * What it answers on the bus, and publishes, is in doc/architecture.md. How it works: doc/lan.md.
 */
#ifndef LAN_SERVICE_H
#define LAN_SERVICE_H

#include "bus/bus.h"
#include "io/tls.h"
#include "journal/journal.h"
#include "model/state.h"

struct lan_service;

struct lan_config {
    uv_loop_t *loop;
    struct bus *bus;
    struct journal *journal;
    const struct state *state;
    struct tls *tls;              /* of the controller: CA, certificate, key */
    const char *openflow_address; /* to listen on, as in io/address.h */
    const char *rpc_address;
};

/* Starts listening. The state must be complete (the journal replayed) by then. */
MUST_CHECK enum err lan_service_new(const struct lan_config *, struct lan_service **,
                                    struct diag *);
void lan_service_free(struct lan_service *); /* NULL is fine */

/* Tells it of an event that has just been applied to the state. */
void lan_service_event(struct lan_service *, const struct state_event *);

/* Where it listens, with the ports that were chosen if 0 was asked for. */
const char *lan_service_openflow_address(const struct lan_service *);
const char *lan_service_rpc_address(const struct lan_service *);

#endif
