/* vpns.h - VPNs on their routers: each router's NETCONF connection, what is done to several routers
 * as one, and whether it stays. Part of the WAN service (service.h); doc/vpn.md says what it does.
 *
 *   vpns.c        life, connections, and the line of changes: one at a time
 *   vpn_change.c  one change: dry run, build, removal, restoring
 *   vpn_read.c    what is there now, and the watch over it
 *   vpn_orders.c  what work orders ask
 *   vpn_ask.c     what people ask
 *
 * Not thread-safe: the loop's thread only. */
#ifndef WAN_VPNS_H
#define WAN_VPNS_H

#include "bus/bus.h"
#include "io/timer.h"
#include "model/vpning.h"
#include "wan/provision_run.h"
#include "wan/vpn_plan.h"
#include "wan/wan_private.h"

struct vpns;        /* below */
struct vpn_reading; /* Opaque. */

/* A router that NETCONF reaches, or should. */
struct vpn_router {
    char *name;                    /* key */
    char *access;                  /* how it is reached, to notice that it is another way */
    struct netconf_client *client; /* NULL: `reason` says why not */
    char reason[300];
    bool missed; /* an exception says that it is not reached */
    UT_hash_handle hh;
};

/* ---- A change of the routers of one VPN ---- */

enum vpn_change_kind { VPN_DRY_RUN, VPN_BUILD, VPN_REMOVE, VPN_RESTORE };

struct vpn_change;
/* The end, once; `routers` is [{router, outcome, text?, edit?}], borrowed. The change is freed
 * behind it. */
typedef void vpn_changed_fn(void *arg, struct vpn_change *, enum err, const char *text,
                            const json_t *routers);

struct vpn_change {
    struct vpns *vpns;
    enum vpn_change_kind kind;
    char *vpn;
    uint32_t order;
    struct vpn_plan *before, *now; /* owned; NULL: nothing */
    vpn_changed_fn *done;
    void *arg;
    nsec_t asked; /* monotonic */

    struct vpn_router **routers; /* while it runs */
    size_t n_routers;
    json_t *left_out; /* routers of a dry run that are not asked */
    struct provision_run *run;
    struct timer *soak;
    struct vpn_reading *reading; /* of what is not confirmed yet */
    struct vpn_change *prev, *next;
};

/* Puts a change into the line. The plans are the change's from then on. */
struct vpn_change *vpn_change_add(struct vpns *, enum vpn_change_kind, const char *vpn,
                                  uint32_t order, struct vpn_plan *before, struct vpn_plan *now,
                                  vpn_changed_fn *done, void *arg);
/* NULL: none of this VPN waits or runs (dry runs do not count). */
struct vpn_change *vpn_change_find(struct vpns *, const char *vpn);
void vpn_change_start(struct vpn_change *); /* for vpns.c */
void vpn_change_free(struct vpn_change *);  /* stops it where it is */
void vpn_change_end(struct vpn_change *, enum err, const char *text, const json_t *routers);

/* ---- What is there ---- */

/* {ok, reached, routers: [{router, ok?, reason?, differences: [text]}]}, consumed by `done`.
 * `reached`: all routers answered; `ok`: and none differs. */
typedef void vpn_read_fn(void *arg, json_t *answer);
/* Compares what is on the routers with the plan, which is freed. Never calls back from inside. */
struct vpn_reading *vpn_read_routers(struct vpns *, struct vpn_plan *, vpn_read_fn *done,
                                     void *arg);
void vpn_read_end_all(struct vpns *); /* nobody is reached any more: for vpns.c */
/* A router that has not answered yet; NULL: all have. */
const char *vpn_read_silent(const struct vpn_reading *);
void vpn_read_cancel(struct vpn_reading *); /* `done` is not called any more. NULL is fine */
/* Tells of drift, or that it is over. */
void vpn_judge(struct vpns *, const char *vpn, const json_t *answer);
void vpn_watch_all(struct vpns *);

/* ---- vpns.c ---- */

struct vpns {
    struct wan_service *wan;
    struct vpn_catalog *catalog;
    struct vpn_router *routers;
    struct vpn_change *changes; /* the first one runs */
    struct timer *sync, *turn, *watch;
    json_t *drifts;     /* of each VPN that differs, as it was told */
    uint64_t n_changes; /* that began */
    unsigned n_reading; /* VPNs the watch is reading */
    struct vpn_reading *readings;
};

/* Reads the templates. ERR_MALFORMED and errors of files: `diag` says which. */
MUST_CHECK enum err vpns_new(struct wan_service *, struct vpns **, struct diag *);
void vpns_free(struct vpns *); /* NULL is fine */
/* Routers are stated in another way: connects anew where need be. */
void vpns_model_changed(struct vpns *);
/* ERR_CLOSED: NETCONF does not reach it, `why` says why not; ERR_UNSUPPORTED: it never will. */
MUST_CHECK enum err vpns_router(struct vpns *, const char *name, struct vpn_router **,
                                struct diag *why);
/* The native configuration of a service; freed by vpn_plan_free(). ERR_NOT_FOUND: a router that is
 * not known; others as vpn_read_document() and vpn_plan_make(). */
MUST_CHECK enum err vpns_plan(struct vpns *, const char *vpn, const json_t *service,
                              struct vpn_plan **, struct diag *);
/* Of all that the plan puts on routers. Returns `hash`. */
const char *vpns_hash(const struct vpn_plan *, char hash[WAN_HASH_SIZE]);

#endif
