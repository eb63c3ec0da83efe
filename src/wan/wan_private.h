/* wan_private.h - what the files of the service share:
 *
 *   service.c     life, bus, the clock of the database
 *   orders.c      requests of work orders: design ... test
 *   lsps.c        what routers should hold, brought there
 *   router_events.c  what routers say
 *   troubles.c    how routers behave, as people are told of it
 *   findings.c    what is wrong with sources and nodes, the same
 *   litter.c      what routers hold and should not
 *   reroute.c     another way when the network changes: planner_mend(), and who is told
 *   fate.c        circuits whose two paths meet in the WAN
 *   requests.c    paths that routers ask for
 *   resync.c      routers that are asked to report again
 *   delegated.c   paths of routers' own that they delegated
 *   vpns.h        VPNs on their routers
 *   optimise.c    other ways for many at once, and the moves there, one by one
 *   congestion.c  links that are too full
 *   changes.c     that the network is another one
 *   waiting.c     who waits for tunnels
 *   design.c      what is computed for orders: pure
 *   think.h       computing on a thread
 *   questions.c   what is only asked
 *   maintenance.c what operators take out of service
 *   told.c        what others than routers say of the network: the optical layer, plans
 *   delays.c      ... and who measures
 *   planner.h     where tunnels go (pure)
 *   at_risk.h     links that tunnels leave while they still carry (pure)
 *   report.h      what is known, as JSON (pure) */
#ifndef WAN_WAN_PRIVATE_H
#define WAN_WAN_PRIVATE_H

#include "io/timer.h"
#include "wan/at_risk.h"
#include "wan/pce_server.h"
#include "wan/planner.h"
#include "wan/service.h"
#include "wan/settings.h"
#include "wan/think.h"

#define ACTOR "system/wan"

/* The two ends of a tunnel, each of which has a label-switched path to the other. */
enum wan_end { WAN_HEAD, WAN_TAIL, WAN_ENDS };

/* One label-switched path that a router should hold. */
struct wan_lsp {
    uint64_t order;    /* that is under way; 0: none */
    uint64_t way;      /* hash of the labels, rate and priorities that were ordered last */
    nsec_t done;       /* monotonic: when an order for them was; 0: none was */
    nsec_t taken;      /* monotonic: when it was taken over; 0: it was not */
    nsec_t again;      /* monotonic: not before; 0: at once */
    nsec_t remind;     /* monotonic: it is told again then, if it is still going up; 0: it is not */
    unsigned tries;    /* that failed, since the last that did not */
    unsigned relapses; /* in a row: it was done, and was not so any more soon after */
    uint8_t repeats;   /* of its order, that are to come */
    bool moved;        /* it goes another way, perhaps by the same labels */
    bool is_set;       /* the router reports it as it should be */
    bool is_up;        /* ... and that it carries */
    char why[200];     /* it is not; "" */
};

struct wan_tunnel {
    char *name;
    struct wan_lsp lsps[TUNNEL_PATHS][WAN_ENDS];
    nsec_t wanted; /* monotonic: since when it is being built; 0: it is not */
    nsec_t yields; /* monotonic: until then those who pushed it aside wait for it; 0: nobody does */
    uint64_t troubled, broken; /* when it last was when looked at: wan_service.n_looks */
    nsec_t planned;  /* monotonic: until then an order at work decides where it goes; 0: none */
    bool built_told; /* tunnel.built is on its way into the journal */
    bool without;    /* a path: an exception says so */
    bool failed;     /* to be installed: an exception says so */
    UT_hash_handle hh;
};

/* Which path an order of the PCE is about. */
struct wan_order {
    uint64_t id;
    char *tunnel;
    enum tunnel_path path;
    enum wan_end end;
    UT_hash_handle hh;
};

/* One of our names that nobody wants, in a router. */
struct wan_litter {
    uint64_t lsp;   /* of the PCE's database */
    uint64_t order; /* to remove it; 0: it has ended */
    nsec_t again;   /* monotonic: not before */
    UT_hash_handle hh;
};

/* Somebody who waits for a tunnel: to be built, to be gone, to be in the routers as it should be.
 */
enum wan_wait { WAN_WAIT_BUILT, WAN_WAIT_REMOVED, WAN_WAIT_UP };
struct wan_waiter {
    struct wan_service *service;
    char *tunnel, *reply_to;
    enum wan_wait what;
    json_t *paths;  /* that it should have then, as of planner.h; NULL: whatever they are */
    nsec_t begun;   /* monotonic */
    uint32_t order; /* work order */
    struct wan_waiter *prev, *next;
};

/* A link that is too full, and what is known of it. */
struct wan_congestion {
    char *link; /* key */
    uint64_t capacity_bps, reserved_bps;
    bool told, there;
    UT_hash_handle hh;
};

struct feeds;       /* feeds.h */
struct fate;        /* fate.c */
struct wan_changes; /* changes.c */
struct wan_trouble; /* troubles.c */
struct wan_finding; /* findings.c */
struct vpns;        /* vpns.h */
struct delegations; /* delegated.c */

struct wan_service {
    struct wan_config config;
    struct wan_settings settings;
    struct ted *ted;
    struct planner *planner;
    struct thinker *thinker;
    struct pce_server *server; /* NULL: it does not listen */
    struct wan_tunnel *tunnels;
    struct wan_order *orders;
    struct wan_litter *litter; /* by `lsp` */
    nsec_t alarm;              /* monotonic: what `retry` is set to; NSEC_NEVER: it is not */
    struct wan_waiter *waiters;
    struct wan_congestion *congestions;
    bool relieving;                      /* what would end them is being computed */
    struct wan_maintenance *maintenance; /* that waits for the journal */
    struct wan_telling *tellings;        /* the same */
    struct wan_measurer *measurers;
    struct timer *measured; /* what somebody measured is old */
    struct wan_handle *handle;
    struct timer *commit, *retry, *again;
    struct timer
        *push; /* what is wanted pushes others aside then, and goes to the routers behind them */
    struct timer *look;   /* something was given back: is there better use for it? */
    struct timer *repeat; /* orders to routers that may have lost them */
    struct timer *risk;   /* a link has been at risk for long enough, or not for long enough */
    struct at_risk *at_risk;
    nsec_t changed; /* monotonic: the network, last */
    struct feeds *feeds;
    nsec_t begun;     /* monotonic */
    nsec_t settled;   /* monotonic: from then on routers are told */
    bool blind;       /* nobody tells how the network is: an exception says so */
    uint64_t version; /* of the database, that the planner works on */
    struct vpns *vpns;
    struct delegations *delegations;
    struct bus_subscription *subscriptions[64];
    size_t n_subscriptions;
    uint64_t n_moves;   /* tunnels that were laid another way */
    uint64_t n_looks;   /* at what is held */
    nsec_t yields;      /* monotonic: the latest of its tunnels' */
    struct timer *fate; /* looks at fates */
    struct fate *fates;
    struct wan_changes *changes; /* that are to be told */
    struct timer *calm;          /* looks at troubles: what was withheld, what is over */
    nsec_t calm_at;              /* monotonic: what `calm` is set to; NSEC_NEVER: it is not */
    bool is_calm;                /* what was told before this program began has been looked at */
    struct wan_trouble *troubles;
    struct timer *look_at_findings;
    struct wan_finding *findings; /* that were told */
    bool old_findings_closed;     /* those of a program that ran before this one */
};

/* ---- service.c ---- */

/* Appends an event; the body is consumed. `done` NULL: that it failed is logged. */
void wan_append(struct wan_service *, const char *type, const char *object, const char *actor,
                json_t *body, journal_done_fn *done, void *arg);
/* What a callback of the journal gets, which may come after the service has ended: each one that is
 * given is taken once. NULL: it has ended. */
struct wan_handle *wan_handle_give(struct wan_service *);
struct wan_service *wan_handle_take(struct wan_handle *);
/* Exceptions, once each; the text is for people. */
void wan_raise(struct wan_service *, const char *kind, const char *severity, const char *object,
               json_t *evidence, const char *format, ...) PRINTF_LIKE(6, 7);
void wan_close(struct wan_service *, const char *kind, const char *object, const char *reason);
/* "n1-n2/192.0.2.1". Both directions fail as one: NULL for the one with the higher place. The
 * caller frees it. */
char *wan_link_name(struct wan_service *, const char *key);
/* The planner holds of a tunnel what the state has. */
void wan_hold(struct wan_service *, const char *tunnel);
/* The database may have changed. */
void wan_stir(struct wan_service *);
/* The planner works on what the database has now; tunnels are laid another way if need be. */
void wan_commit(struct wan_service *);
struct pce *wan_pce(struct wan_service *); /* NULL: it does not listen */

/* ---- lsps.c ---- */

struct wan_tunnel *wan_tunnel(struct wan_service *, const char *name); /* NULL: none */
struct wan_tunnel *wan_tunnel_need(struct wan_service *, const char *name);
void wan_tunnel_free(struct wan_service *, struct wan_tunnel *);
/* Compares what the routers at its ends report with what they should hold, and orders what is
 * missing. */
void wan_reconcile(struct wan_service *, const char *tunnel, enum pce_urgency);
void wan_reconcile_all(struct wan_service *, enum pce_urgency);
/* The paths whose pause is over. */
void wan_retry(struct wan_service *);
/* It is tried again later; the pause grows. */
void wan_put_off(struct wan_service *, struct wan_lsp *, const char *why);
/* Of which tunnel an LSP is, by its name. False: of none of ours. */
bool wan_read_lsp_name(const char *name, char tunnel[64], enum tunnel_path *);
/* The number of the router at that end among the PCCs; PCE_NO_PCC: it has no session, or is not
 * known. */
uint32_t wan_pcc_of(struct wan_service *, const struct router *);
uint32_t wan_pcc_at(struct wan_service *, const struct tunnel *, enum wan_end);
/* Has that router a session, and has told all that it has? */
bool wan_is_ready(struct wan_service *, const struct tunnel *, enum wan_end);
const struct router *wan_router_at(const struct wan_service *, const struct tunnel *, enum wan_end);
/* Of an exception's object, router/NAME. */
bool wan_has_session(struct wan_service *, const char *object);
/* NULL: it does not hold it. */
const struct lsp *wan_find_lsp(struct wan_service *, const struct tunnel *, enum tunnel_path,
                               enum wan_end);
/* Whether an LSP takes the way that is given, label by label. */
bool wan_lsp_is(const struct lsp *, const struct planner_segment *, size_t n);

/* An order was given for it while the network changes: it is given again, in another form and as it
 * was, a few times in the time that is set. `at_once`: the first of them now. */
void wan_repeat(struct wan_service *, struct wan_lsp *, bool at_once);
void wan_on_repeat(void *service); /* of the timer */

/* As the PCE takes it. */
void wan_fill_path(const struct planner_segment *, size_t n, struct lsp_hop *);

/* ---- litter.c ---- */

void wan_litter_remove(struct wan_service *, const struct lsp *);
void wan_litter_gone(struct wan_service *, uint64_t lsp);
void wan_litter_result(struct wan_service *, const struct pce_result *);

/* ---- router_events.c ---- */

void wan_pce_event(void *service, const struct pce_event *);
/* Of the router with that address; NULL: none is known there. */
const char *wan_router_name(const struct wan_service *, const char *address);
/* As pce_config.admits: who comes over TLS has the certificate of the router at that address; with
 * `admit: inventory` there is a router at the address in any case. */
bool wan_admits(void *service, const char *address, const char *name, struct diag *);
/* As pce_config.owns: of an address whose router is known from the inventory or the database, only
 * that router may say that a path begins there, wherever it comes from of what is known of it. */
bool wan_owns(void *service, const char *address, const struct te_address *source);

/* ---- troubles.c ---- */

/* A session is up, or over: the event and its exception. Who comes and goes is told of now and then
 * only. */
void wan_tell_session(struct wan_service *, const struct pce_event *, bool up);
/* One exception for each router, which ends when it has behaved for a while. */
void wan_tell_misbehaviour(struct wan_service *, const struct pce_event *);
/* Is the session of that object (router/NAME) another than was told last? */
bool wan_session_is_withheld(const struct wan_service *, const char *object);
void wan_troubles_begin(struct wan_service *); /* once its settings are read */
void wan_troubles_free(struct wan_service *);

/* ---- resync.c ---- */

bus_message_fn wan_serve_resync;

/* ---- findings.c ---- */

/* The database may have others: soon it is looked which of them are grave. */
void wan_look_at_findings(struct wan_service *);
void wan_findings_free(struct wan_service *);

/* ---- requests.c ---- */

void wan_answer_request(struct wan_service *, const struct pce_request *);
void wan_question_fini(struct planner_question *); /* the lists that it has */
/* Bounds, and what is to be least. */
void wan_read_metrics(const struct lsp_metric *, unsigned n, struct planner_question *);
/* As the PCE takes it; returns how many hops. */
size_t wan_write_path(const struct planner_answer *, struct lsp_hop[LSP_HOPS_MAX]);

/* ---- delegated.c ---- */

void wan_delegations_new(struct wan_service *);
void wan_delegations_free(struct wan_service *);
/* A request was answered so: kept until its path is reported. Takes the question's lists. */
void wan_delegated_asked(struct wan_service *, uint32_t pcc, struct planner_question *,
                         const struct planner_answer *);
/* The association of those that are to be disjoint (RFC 8800); NULL: none. */
const struct lsp_association *wan_disjoint_group(const struct lsp_association *, unsigned n);
/* As planner_answer(), apart from the delegated paths of that group (NULL: of none), as far as it
 * says; the path of that PCC with that PLSP-ID is itself. *status: flags that were reached. */
MUST_CHECK enum err wan_answer_apart(struct wan_service *, const struct planner_question *,
                                     const struct lsp_association *group, uint32_t pcc,
                                     uint32_t plsp_id, struct planner_answer *, uint32_t *status,
                                     bool *unknown_source, struct diag *);
/* The network, or what is reserved, is another one. */
void wan_look_at_delegated(struct wan_service *);
void wan_delegated_changed(struct wan_service *, const struct lsp *, unsigned changed);
void wan_delegated_gone(struct wan_service *, uint64_t lsp);
void wan_delegated_result(struct wan_service *, const struct pce_result *);
bool wan_delegated_is_without(const struct wan_service *, const char *object);
/* Into the JSON of an LSP: its way, how often it moved, what is wrong with it. */
void wan_delegated_json(const struct wan_service *, uint64_t lsp, json_t *);

/* ---- orders.c ---- */

#define WAN_HASH_SIZE 65 /* SHA-256 in hexadecimal digits, with the NUL */
/* Of a plan, whatever the order of its members. Returns `hash`. */
char *wan_hash(const json_t *plan, char hash[WAN_HASH_SIZE]);

void wan_serve_design(void *, struct bus *, const struct bus_message *);
void wan_serve_reserve(void *, struct bus *, const struct bus_message *);
void wan_serve_release(void *, struct bus *, const struct bus_message *);
void wan_serve_push(void *, struct bus *, const struct bus_message *);
void wan_serve_remove(void *, struct bus *, const struct bus_message *);
void wan_serve_test(void *, struct bus *, const struct bus_message *);
/* ---- waiting.c ---- */

/* `m` is answered when the tunnel is as far as that, or nothing comes of it: {"duration-ns"}.
 * `paths` (NULL: none): those that it should have then, shared. */
void wan_wait(struct wan_service *, const struct bus_message *m, const char *tunnel,
              enum wan_wait what, const json_t *paths, uint32_t order);
/* Answers those who wait for this tunnel. `up`: the routers hold it as they should. `err`: why
 * nothing comes of it. */
void wan_answer_waiters(struct wan_service *, const char *tunnel, bool up, enum err,
                        const char *why);
void wan_waiters_free(struct wan_service *);

/* ---- design.c ---- */

/* {plan, plan_hash, ...}: the plan is consumed. */
json_t *wan_hashed(json_t *plan);
/* {tunnels} -> {plan: {placements}, plan_hash, summary} */
think_fn wan_design;

/* ---- optimise.c ---- */

bus_message_fn wan_serve_optimise, wan_serve_relieve, wan_serve_move;
/* {threshold?: percent, keep-priority?} -> as planner_optimise(), with the plan's hash */
think_fn wan_optimise;

/* ---- reroute.c ---- */

/* The network, or what is reserved, is another one: lays what does not hold any more another way,
 * and brings back who gave way to somebody who is gone. */
void wan_reroute(struct wan_service *);

/* ---- fate.c ---- */

/* Tunnels, circuits or risks are others: soon it is looked which circuits have both their paths
 * over one thing in the WAN. */
void wan_look_at_fates(struct wan_service *);
void wan_find_fates(void *service);
void wan_fates_free(struct wan_service *);
/* ---- congestion.c ---- */

/* Tells of links that have more reserved than they can have, with the moves that would end it. */
void wan_look_at_congestion(struct wan_service *);
void wan_congestions_free(struct wan_service *);

/* ---- changes.c ---- */

#define WAN_CHANGES_TOLD 20 /* of one event; the others are counted */

/* Gathers it for the event wan.changed (doc/events.md). */
void wan_note_change(struct wan_service *, const struct ted_delta *);
void wan_changes_begin(struct wan_service *);
void wan_changes_free(struct wan_service *);

/* ---- questions.c ---- */

bus_message_fn wan_serve_nodes, wan_serve_links, wan_serve_sources, wan_serve_findings;
bus_message_fn wan_serve_routers, wan_serve_lsps, wan_serve_state, wan_serve_path;
bus_message_fn wan_serve_topology, wan_serve_what_if, wan_serve_tree;

/* ---- told.c ---- */

bus_message_fn wan_serve_optical, wan_serve_plan;
/* What was told before the program ended; after the feeds of the settings, which it goes before. */
void wan_told_begin(struct wan_service *);
void wan_told_event(struct wan_service *, const struct state_event *);

/* ---- delays.c ---- */

bus_message_fn wan_serve_delays;
void wan_on_measured(void *service); /* of the timer */
/* What is old at `now` is stale. */
void wan_delays_expire(struct wan_service *, nsec_t now);
/* Who told last what that source measured; NULL: it is none that measures. */
const char *wan_measured_by(const struct wan_service *, const char *source);
void wan_delays_free(struct wan_service *);

/* ---- maintenance.c ---- */

bus_message_fn wan_serve_drain, wan_serve_restore, wan_serve_plan_drain;
/* What was out of service when the program ended is so again. */
void wan_maintenance_begin(struct wan_service *);
void wan_maintenance_event(struct wan_service *, const struct state_event *);

/* ---- vpn_orders.c, vpn_ask.c ---- */

bus_message_fn vpn_serve_design, vpn_serve_reserve, vpn_serve_release, vpn_serve_push;
bus_message_fn vpn_serve_remove, vpn_serve_revert, vpn_serve_test, vpn_serve_drift;
bus_message_fn vpn_serve_restore;

#endif
