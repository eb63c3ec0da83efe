/* daemon.h - the services of a site in one process: one loop, one journal, one bus, one state.
 *
 * Order is all there is to it. At start the journal is replayed into the state before any service
 * exists. After that, for every event that has become durable: first the state, then the services,
 * then everybody on the bus ("event.<type>"). */
#ifndef TIELINED_DAEMON_H
#define TIELINED_DAEMON_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct daemon; /* Opaque. */

/* Borrowed; must outlive the daemon. */
struct daemon_config {
    const char *site;
    const char *journal;         /* file; created if it is not there */
    const char *ca, *cert, *key; /* files, PEM */
    const char *openflow, *rpc;  /* where the LAN controller listens, as in io/address.h */
    const char *https;           /* ... and the gateway */
    const char *users;           /* file: who has which roles (gateway/identity.h) */
    const char *schema;          /* directory of the YANG modules */
    const char *workflows;       /* directory of the workflows */
    bool one_clock;              /* all nodes read the same clock: a lab */
    uint32_t test_rate;          /* most test packets a second that a node sends; 0: the default */
};

/* Errors of what it opens, in words. On success the caller owns the result. */
MUST_CHECK enum err daemon_new(uv_loop_t *, const struct daemon_config *, struct daemon **,
                               struct diag *);
/* Ends the services, then the journal, which writes what it was given; then the daemon is gone.
 * The loop runs until it is empty. NULL is fine. */
void daemon_end(struct daemon *);
/* Reads certificates and users anew; what cannot be read is logged and stays as it was. */
void daemon_reload(struct daemon *);

#endif
