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

/* What it answers: the words behind "lan." in subjects (doc/architecture.md). */
enum lan_request {
    LAN_NODES,
    LAN_RULES,
    LAN_LINKS,
    LAN_PUSH,
    LAN_REMOVE,
    LAN_READBACK,
    LAN_REPAIR,
    LAN_RPC,
    LAN_DENIED,
    LAN_RELEASE_PORT,
    LAN_PROVE,
    LAN_ASK,
    LAN_CONDITIONS,
    LAN_N_REQUESTS
};
extern const char *const lan_request_names[LAN_N_REQUESTS];

struct lan_config {
    uv_loop_t *loop;
    struct bus *bus;
    struct journal *journal;
    const struct state *state;
    struct tls *tls;              /* of the controller: CA, certificate, key */
    const char *openflow_address; /* to listen on, as in io/address.h */
    const char *rpc_address;
    /* The sites whose nodes are ours; a NULL ends the array. NULL: all nodes. Nodes of other sites
     * have controllers of their own, which know the same state (domain.c). */
    const char *const *domain;
    /* What it answers is called by this instead of "lan.", so that somebody else can answer for
     * several domains. NULL: "lan.". */
    const char *prefix;
    /* The time that circuits' windows are judged by, wall clock; NULL: clock_wall(). */
    nsec_t (*now)(void *arg);
    void *now_arg;
};

/* Starts listening. The state must be complete (the journal replayed) by then. */
MUST_CHECK enum err lan_service_new(const struct lan_config *, struct lan_service **,
                                    struct diag *);
void lan_service_free(struct lan_service *); /* NULL is fine */

/* Tells it of an event that has just been applied to the state. */
void lan_service_event(struct lan_service *, const struct state_event *);

/* The secret that frames of discovery are signed with, the same for all who share links. Without
 * this, one of this process. */
#define LAN_SECRET_SIZE 32
void lan_service_set_secret(struct lan_service *, const uint8_t secret[LAN_SECRET_SIZE]);

/* Where it listens, with the ports that were chosen if 0 was asked for. */
const char *lan_service_openflow_address(const struct lan_service *);
const char *lan_service_rpc_address(const struct lan_service *);

#endif
