/* daemon.h - the services of a site in one process: one loop, one journal, one bus, one state.
 *
 * Where several daemons share a journal, one of them leads. The others stand by: they read along
 * and serve nothing. Whoever leads and has lost the journal is of no use any more, and may not act:
 * it is to be ended; a new one stands by.
 *
 * Where it is told whom to trust it verifies the YANG modules and workflows before any service
 * reads them (content_gate.h).
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
    const char *roles;           /* "lan,assure,orchestrate,gateway": which services; NULL: all */
    const char *journal;         /* file, or a database's address; created if it is not there */
    const char *instance;        /* what others are told who leads; NULL: host and process */
    uint32_t lease_ms;           /* of a shared journal; 0: the default */
    bool standby;                /* waits if another has the journal; a shared one always does */
    const char *ca, *cert, *key; /* files, PEM */
    const char *openflow, *rpc;  /* where the LAN controller listens, as in io/address.h */
    const char *https;           /* ... and the gateway */
    const char *users;           /* file: who has which roles (gateway/identity.h) */
    const char *oidc;            /* file: which identity provider is trusted; "": none */
    const char *schema;          /* directory of the YANG modules */
    const char *workflows;       /* directory of the workflows */
    const char *trust;           /* file: who signs those two (io/signed_content.h); NULL: nobody */
    bool accept_older;           /* an older release of them is taken, too */
    /* Among several sites (sites.h); all of this only if `bus` is there. */
    const char *bus; /* the broker's URL; NULL: this site is alone */
    const char *bus_credentials, *bus_ca, *bus_cert, *bus_key; /* NULL: `ca`, `cert`, `key` */
    const char *copies; /* directory of other sites' journals; NULL: JOURNAL.sites */
    const char *centre; /* the control centre's name; NULL: this is it */
    const char *peers;  /* of the centre: "sub-a=1,sub-b=2" */
    const char *domain; /* whose nodes are ours, "control-centre,wan"; NULL: our site's */
    uint32_t number;    /* of this site; 0: the centre */
    /* Checkpoints of the journal (checkpoints.h); NULL: none, or the default. */
    const char *checkpoint_key, *checkpoint_every, *checkpoints, *witness_keys, *witnesses;
    /* Sensors (sensors/service.h); NULL: none. */
    const char *sensors;    /* where they connect */
    const char *syslog;     /* who is told of their alerts */
    const char *advisories; /* that devices are held against */
    const char
        *wan;       /* settings of the WAN controller (wan/settings.h); NULL or "": there is none */
    bool one_clock; /* all nodes read the same clock: a lab */
    uint32_t test_events; /* of a lab: appends so many events a second */
    uint32_t test_rate;   /* most test packets a second that a node sends; 0: the default */
};

/* Why a daemon wants to be ended. */
enum daemon_why {
    DAEMON_LOST,  /* another one leads, or may: a new one is to stand by */
    DAEMON_FAILED /* its turn came, and it could not begin */
};

/* Errors of what it opens, in words; if it stands by, they come later. `over` is called once, later
 * and from the loop, when the daemon is of no use any more (the log says why); end it then, there
 * or later. On success the caller owns the result. */
MUST_CHECK enum err daemon_new(uv_loop_t *, const struct daemon_config *,
                               void (*over)(void *arg, enum daemon_why), void *arg,
                               struct daemon **, struct diag *);
/* Ends the services, then the journal, which writes what it was given; then the daemon is gone, and
 * `gone` is called (NULL is fine). The loop runs until it is empty. NULL is fine. */
void daemon_end(struct daemon *, void (*gone)(void *arg), void *arg);
/* How far it has come; DAEMON_STARTING if there is none (NULL). */
enum daemon_stage { DAEMON_STARTING, DAEMON_STANDS_BY, DAEMON_LEADS };
enum daemon_stage daemon_stage(const struct daemon *);
/* Reads certificates and users anew, and verifies schema and workflows; what cannot be read or is
 * refused is logged, and what is used stays as it was. */
void daemon_reload(struct daemon *);

#endif
