/* vpns.h - VPNs on their routers: each router's NETCONF connection, what is done to several routers
 * as one, and whether it stays. Part of the WAN service (service.h); doc/vpn.md says what it does.
 *
 *   vpns.c        life, connections, and the line of changes: one at a time
 *   vpn_change.c  one change: dry run, build, removal, restoring
 *   vpn_agents.c  ... of routers with FRR
 *   vpn_read.c    what is there now, and the watch over it
 *   vpn_checks.c  ... whether it works
 *   vpn_orders.c  what work orders ask
 *   vpn_ask.c     what people ask
 *
 * Not thread-safe: the loop's thread only. */
#ifndef WAN_VPNS_H
#define WAN_VPNS_H

#include "bus/bus.h"
#include "io/timer.h"
#include "model/vpning.h"
#include "wan/lines_client.h"
#include "wan/provision_run.h"
#include "wan/vpn_plan.h"
#include "wan/wan_private.h"

struct vpns;        /* below */
struct vpn_reading; /* Opaque. */

/* A router that NETCONF or its agent reaches, or should. */
struct vpn_router {
    char *name;                    /* key */
    char *access;                  /* how it is reached, to notice that it is another way */
    struct netconf_client *client; /* NULL: `reason` says why not, or it has an agent */
    struct lines_client *lines;    /* of FRR: its agent; NULL: likewise */
    char reason[300];
    bool missed; /* an exception says that it is not reached */
    UT_hash_handle hh;
};

/* ---- A change of the routers of one VPN ---- */

enum vpn_change_kind { VPN_DRY_RUN, VPN_BUILD, VPN_REMOVE, VPN_RESTORE };

struct vpn_change;
struct vpn_agent;
/* The end, once; `routers` is [{router, outcome, text?, edit?}], borrowed. The change is freed
 * behind it. */
typedef void vpn_changed_fn(void *arg, struct vpn_change *, enum err, const char *text,
                            const json_t *routers);

typedef void vpn_agents_fn(struct vpn_change *, enum err, const char *why);

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
    struct provision_run_device *devices;
    size_t n_routers;
    json_t *left_out; /* routers of a dry run that are not asked */
    bool started;
    struct provision_run *run; /* of those that speak NETCONF; NULL: there are none */
    struct timer *soak;
    enum err err; /* when the routers of NETCONF have ended, for the others */
    struct diag why;

    struct vpn_agent *agents; /* vpn_agents.c */
    size_t n_agents, n_asked;
    vpn_agents_fn *agents_next;
    const char *agents_outcome, *agents_failed;
    enum err agents_err;
    struct diag agents_why;
    struct vpn_reading *reading; /* of what is not confirmed yet */
    struct vpn_change *prev, *next;
};

/* Puts a change into the line. The plans are the change's from then on. */
struct vpn_change *vpn_change_add(struct vpns *, enum vpn_change_kind, const char *vpn,
                                  uint32_t order, struct vpn_plan *before, struct vpn_plan *now,
                                  vpn_changed_fn *done, void *arg);
/* NULL: none of this VPN waits or runs (dry runs do not count). */
struct vpn_change *vpn_change_find(struct vpns *, const char *vpn);
unsigned vpn_changes_waiting(const struct vpns *);
void vpn_change_start(struct vpn_change *); /* for vpns.c */
void vpn_change_free(struct vpn_change *);  /* stops it where it is */
void vpn_change_end(struct vpn_change *, enum err, const char *text, const json_t *routers);

nsec_t vpn_change_confirm(const struct vpn_change *); /* until routers go back by themselves */

/* vpn_agents.c: for vpn_change.c. */
void vpn_agents_add(struct vpn_change *, struct vpn_router *, const struct vpn_device_plan *before,
                    const struct vpn_device_plan *now);
void vpn_agents_free(struct vpn_change *);
bool vpn_agents_has(const struct vpn_change *, const char *router);
/* Appends what became of each. */
void vpn_agents_report(const struct vpn_change *, json_t *list);
/* Asks all agents whose lines change; all of them for "frr.read", which makes the lines anew of
 * what is there. Then `next`, perhaps before this returns. `outcome`: of those that do it;
 * `failed`: of the others. Both static. */
void vpn_agents_ask(struct vpn_change *, const char *method, const char *outcome,
                    const char *failed, vpn_agents_fn *next);

/* ---- What is there ---- */

/* {ok, reached, works, routers: [{router, ok?, reason?, differences: [text], faults: [text]?}]},
 * consumed by `done`. `reached`: all routers answered; `ok`: and none differs; `works`: no router
 * that was asked finds a fault in it (`faults`: of those that can be asked). */
typedef void vpn_read_fn(void *arg, json_t *answer);
/* Compares what is on the routers with the plan, which is freed; with `checks` asks those that can
 * say whether the service works. Never calls back from inside. */
struct vpn_reading *vpn_read_routers(struct vpns *, struct vpn_plan *, bool checks,
                                     vpn_read_fn *done, void *arg);
void vpn_read_end_all(struct vpns *); /* nobody is reached any more: for vpns.c */
/* A router that has not answered yet; NULL: all have. */
const char *vpn_read_silent(const struct vpn_reading *);
/* vpn_checks.c: asks for all checks of the plan for this router; `faults` is borrowed. The plan
 * must live until then. */
typedef void vpn_checked_fn(void *arg, const json_t *faults);
void vpn_checks_run(struct lines_client *, const struct vpn_device_plan *, vpn_checked_fn *,
                    void *arg);
void vpn_read_cancel(struct vpn_reading *); /* `done` is not called any more. NULL is fine */
void vpn_tests_end(struct vpns *);          /* vpn_orders.c: nobody waits any more: for vpns.c */
/* Tells of drift and faults, or that they are over. */
void vpn_judge(struct vpns *, const char *vpn, const json_t *answer);
void vpn_watch_all(struct vpns *);

/* ---- vpns.c ---- */

struct vpns {
    struct wan_service *wan;
    struct vpn_catalog *catalog;
    struct vpn_router *routers;
    struct vpn_change *changes; /* the first one runs */
    struct timer *sync, *turn, *watch;
    json_t *drifts;        /* of each VPN that differs, as it was told */
    json_t *faults;        /* of each VPN that does not work, as it was seen last */
    struct asker *testers; /* tests that wait to be tried again: vpn_orders.c */
    uint64_t n_changes;    /* that began */
    unsigned n_reading;    /* VPNs the watch is reading */
    struct vpn_reading *readings;
};

/* Reads the templates. ERR_MALFORMED and errors of files: `diag` says which. */
MUST_CHECK enum err vpns_new(struct wan_service *, struct vpns **, struct diag *);
void vpns_free(struct vpns *); /* NULL is fine */
/* Routers are stated in another way: connects anew where need be. */
void vpns_model_changed(struct vpns *);
/* ERR_CLOSED: neither NETCONF nor an agent reaches it, `why` says why not. */
MUST_CHECK enum err vpns_router(struct vpns *, const char *name, struct vpn_router **,
                                struct diag *why);
/* The native configuration of a service; freed by vpn_plan_free(). ERR_NOT_FOUND: a router that is
 * not known; others as vpn_read_document() and vpn_plan_make(). */
MUST_CHECK enum err vpns_plan(struct vpns *, const char *vpn, const json_t *service,
                              struct vpn_plan **, struct diag *);
/* Of all that the plan puts on routers. Returns `hash`. */
const char *vpns_hash(const struct vpn_plan *, char hash[WAN_HASH_SIZE]);

#endif
