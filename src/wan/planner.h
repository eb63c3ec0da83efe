/* planner.h - where tunnels go: paths for new ones within what is left, an account of those that
 * are reserved, and another way for those whose path does not hold any more. Pure.
 *
 * A tunnel has a primary path, and unless it wants none a standby path that is apart from it; each
 * is one row of links that is used in both directions. Both reserve the tunnel's rate, once on a
 * link that both use. The planner works on one snapshot of the database (ted.h) at a time; between
 * snapshots paths are known by the keys of their links.
 *
 * A path as JSON, as it is in events and in what is shown:
 *
 *     {"links": ["10.0.0.1>10.0.0.2/192.0.2.1", ...], "routers": ["pe1", ...], "latency-us": 4200,
 * "latency-back-us": 4200, "metric": 30, "labels": [16004, ...], "labels-back": [...]}
 *
 * `links` is what counts, all else is what they had when the path was laid. A latency that is not
 * known is left out. */
#ifndef WAN_PLANNER_H
#define WAN_PLANNER_H

#include "model/state.h"
#include "te/ted.h"

struct planner; /* Opaque; not thread-safe. */

struct planner *planner_new(void);   /* Never NULL; it knows no network. */
void planner_free(struct planner *); /* NULL is fine. */

/* What is held and the network, for another thread, which begins with planner_open(): the account
 * is made there. Nothing is shared but the view, which never changes. */
struct planner *planner_copy(const struct planner *);
void planner_open(struct planner *);

/* A link that is at risk, either direction. `leave`: tunnels that stand leave it if there is a
 * sound other way; else it is only none that they come to for that. */
struct planner_risk {
    const char *link, *why; /* key; why: "" if nobody says */
    bool leave;
};
/* In place of those that were told before; copied. They stay with the keys of the links. */
void planner_set_risks(struct planner *, const struct planner_risk *, size_t n);

/* From now on this is the network; keeps the view. What is held stays held, on the links of the
 * same keys. */
void planner_set_view(struct planner *, const struct ted_view *);

/* ---- what is reserved ---- */

/* Holds what a tunnel has, in place of what it held before. `tunnel` is copied. A path whose links
 * are not all there holds what is. `standing`: it is in the routers, or on its way there; one that
 * is only reserved keeps others from coming, but pushes nobody aside. */
void planner_hold(struct planner *, const struct tunnel *, uint32_t number, bool standing,
                  const json_t *const paths[TUNNEL_PATHS]);
void planner_release(struct planner *, const char *tunnel);
/* Does it hold that path, link by link? NULL: does it hold none? */
bool planner_holds(const struct planner *, const char *tunnel, enum tunnel_path,
                   const json_t *links);

/* ---- computing ---- */

/* Computes paths for a tunnel that holds none, or other ones for one that does: of what it holds
 * only `keep` (a bit per enum tunnel_path) stays. `lenient`, where something has failed: a standby
 * path that is as far apart as may be, or none, is better than no way at all; a tunnel that wants
 * `maximal` is always content with that; and a way that is not apart from the tunnel that it is to
 * be apart from is better than none, too. Nothing is held by this. *paths: owned by the caller; the
 * standby may be NULL. *victims: names of tunnels that would have to go another way, a list; NULL:
 * not asked, and none are made. ERR_NOT_FOUND: there is no way, `diag` says what is in it;
 * ERR_CONFLICT: there is one only for a path that has no standby, or a standby that is not apart
 * enough; ERR_INVALID: a router of it is not in the network (yet). */
MUST_CHECK enum err planner_place(struct planner *, const struct network *, const struct tunnel *,
                                  unsigned keep, bool lenient, json_t *paths[TUNNEL_PATHS],
                                  json_t **victims, struct diag *);

/* Another way for a tunnel that passes links at risk: off all of these, or at least the primary
 * path off them, or at least the standby path; what is not at risk stays if that is possible. The
 * paths are no closer to each other than they were, and nobody is pushed aside. ERR_NOT_FOUND,
 * ERR_CONFLICT: there is no such way. */
MUST_CHECK enum err planner_leave(struct planner *, const struct network *, const struct tunnel *,
                                  json_t *paths[TUNNEL_PATHS], struct diag *);
/* Does a path pass a link that is at risk, or was so recently? */
bool planner_is_risky(const struct planner *, const json_t *path);

/* Does what is given still fit beside what is held, but for what `tunnel` holds itself?
 * ERR_CONFLICT: it does not, `diag` says where; ERR_BUSY: nothing is known of the network yet. */
MUST_CHECK enum err planner_fits(const struct planner *, const struct tunnel *,
                                 const json_t *const paths[TUNNEL_PATHS], struct diag *);

/* ---- looking after what is held ---- */

/* What is wrong with a path. */
enum planner_fault {
    PLANNER_SOUND,
    PLANNER_LINK_DOWN, /* or gone */
    PLANNER_BROKEN,    /* a bound or an exclusion that it does not keep any more */
    PLANNER_PUSHED,    /* what a link has is taken by more important tunnels */
    PLANNER_MISSING,   /* there should be a standby path */
    PLANNER_CLOSE,     /* it is not as far apart from the other one as is asked for */
    PLANNER_NEAR,    /* the tunnel is not apart from the other tunnel that it is to be apart from */
    PLANNER_AT_RISK, /* a link that should be left; of standing tunnels alone */
};
const char *planner_fault_word(enum planner_fault); /* "link-down"; static */

struct planner_finding {
    const char *tunnel; /* the planner's */
    enum tunnel_path path;
    enum planner_fault fault;
    char element[128]; /* the link, by key; "" if it is none */
    char text[256];
};
typedef void planner_finding_fn(void *arg, const struct planner_finding *);
/* Looks at all that is held; the primary path of a tunnel comes first, tunnels in the order of
 * their hold priorities. */
void planner_look(struct planner *, const struct network *, planner_finding_fn *, void *arg);

/* What is wrong with a tunnel. */
struct planner_trouble {
    char *tunnel;
    unsigned broken;              /* a bit per path */
    bool pushed;                  /* broken only because more important tunnels came */
    bool near;                    /* it is not apart from another tunnel */
    char element[128], text[256]; /* of the first finding */
};

/* What came of it. */
struct planner_mended {
    const struct planner_trouble *trouble;
    bool moved;           /* it holds `paths` now, as of planner.h; else it holds what it held */
    json_t *const *paths; /* by enum tunnel_path; the planner's */
    enum err err;         /* there is no other way, `why` says what is in it */
    const char *why;
};
typedef void planner_mended_fn(void *arg, const struct planner_mended *);

/* May this one be moved now, though what it holds carries? */
typedef bool planner_may_fn(void *arg, const char *tunnel);

/* Lays all whose path does not hold another way, the best hold priority first, beside the other
 * path if that is sound, and then looks for better ones where less is held than was asked, of those
 * that `may` (NULL: all). Each new way counts at once, so that others are laid beside it. Whom this
 * pushes aside comes the next time. */
void planner_mend(struct planner *, const struct network *, planner_may_fn *may,
                  planner_mended_fn *, void *arg);

/* The same for standing tunnels that pass links at risk which should be left (planner_leave()): of
 * those that `may`. After planner_mend(). */
void planner_leave_risks(struct planner *, const struct network *, planner_may_fn *may,
                         planner_mended_fn *, void *arg);

/* A link on which what stands needs more than it can have reserved, because that fell, or since
 * there was no other way. Both directions are one; `link` is that with the lower place. */
struct planner_congestion {
    const char *link;
    uint64_t capacity_bps, reserved_bps; /* the worse direction's, at the worst time */
};
typedef void planner_congestion_fn(void *arg, const struct planner_congestion *);
void planner_congested(const struct planner *, planner_congestion_fn *, void *arg);

/* Are these ways better than those that it holds, for what it asks: the primary path costs no more,
 * and both together less, in the tunnel's metric? Not if what it holds is not whole. */
bool planner_is_better(struct planner *, const struct network *, const struct tunnel *,
                       const json_t *const paths[TUNNEL_PATHS]);

/* ---- for the routers ---- */

/* One label, and whose it is. */
struct planner_segment {
    uint32_t label;
    struct te_address local, remote; /* of a node segment the node alone */
};
#define PLANNER_SEGMENTS_MAX 16

/* The label stack of a path of a tunnel that is held, from its head, or from its tail back. The
 * first label is for the router where it begins. ERR_NOT_FOUND: it holds no such path, or links of
 * it are gone; ERR_LIMIT: more than the router can put on a packet. */
MUST_CHECK enum err planner_segments(struct planner *, const char *tunnel, enum tunnel_path,
                                     bool back,
                                     struct planner_segment segments[PLANNER_SEGMENTS_MAX],
                                     size_t *n, struct diag *);

/* The same stack after the segment of the path's first link, which no packet bears: another list
 * for the same way. ERR_LIMIT: too many labels then; ERR_NOT_FOUND also: that link has no segment.
 */
MUST_CHECK enum err planner_segments_from_link(
    struct planner *, const char *tunnel, enum tunnel_path, bool back,
    struct planner_segment segments[PLANNER_SEGMENTS_MAX], size_t *n, struct diag *diag);

/* Something of the network that a path is to pass, or to stay away from. */
enum planner_resource_kind {
    PLANNER_INTERFACE, /* links with an end there; if there are none: routers of that address */
    PLANNER_NODE,      /* routers of that address, or with such a link */
    PLANNER_SRLGS,     /* the shared risks of such links */
    PLANNER_SRLG,      /* the shared risk `number` */
    PLANNER_STRANGE,   /* something that is not understood here */
};
struct planner_resource {
    uint8_t kind;
    uint8_t prefix;  /* bits of `address` that count */
    bool loose;      /* to pass: others may come before it; to avoid: better without, not never */
    bool unnumbered; /* interface `number` of router `address` */
    struct te_address address;
    uint32_t number;
};

/* What a router asks for by itself (RFC 5440 section 7): a path that is not reserved. 0: no bound.
 */
struct planner_question {
    struct te_address source, destination; /* router ids, or addresses of links of them */
    uint64_t bandwidth_bps;
    uint8_t priority;
    uint32_t include_any, include_all, exclude_any;
    uint32_t max_hops, max_delay_us;
    uint64_t max_igp, max_te;
    enum tunnel_metric metric;
    uint8_t max_labels;
    bool no_labels; /* its links will do: it is not of segments */
    /* In order. One that is given by an address is a router, or an interface that it is entered by;
     * left by if the path is at that router already. */
    const struct planner_resource *pass;
    const struct planner_resource *avoid;
    uint32_t n_pass, n_avoid;
    bool pass_if_possible; /* better without `pass` than not at all */
    /* It goes that way, by keys of links: others of a set are computed beside it. */
    char *const *way;
    uint32_t n_way;
};
/* One link of a path. */
struct planner_step {
    char *link;                /* key */
    struct te_address address; /* of its far end; if that has none, the router that it leaves ... */
    uint32_t interface;        /* ... and its interface there; else 0 */
};
struct planner_answer {
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    size_t n; /* 0 if there are to be no labels */
    struct planner_step *steps;
    uint32_t n_steps;
    uint64_t igp, te, delay_us;
    uint32_t hops;
};
void planner_answer_fini(struct planner_answer *);

/* ERR_NOT_FOUND: there is no such path; ERR_INVALID: one of the ends is not known, *unknown_source
 * says whether it is the source; ERR_LIMIT: too many labels; ERR_UNSUPPORTED: something that it
 * must stay away from is not understood. */
MUST_CHECK enum err planner_answer(struct planner *, const struct planner_question *,
                                   struct planner_answer *, bool *unknown_source, struct diag *);

/* Several that are computed at once, each within what tunnels leave. */
struct planner_together {
    unsigned disjoint;  /* 1 link, 2 node, 4 SRLG: what no two of them have in common */
    bool best_effort;   /* where that cannot be, as little in common as possible */
    unsigned in_common; /* out: what some have in common all the same, as above */
};
/* At most so many; as te/disjoint.h. */
#define PLANNER_TOGETHER_MAX 8
/* All or none of `answers`; errors as above. Those that have their way get no labels. */
MUST_CHECK enum err planner_answer_together(struct planner *, const struct planner_question *,
                                            size_t n, struct planner_together *,
                                            struct planner_answer *answers, bool *unknown_source,
                                            struct diag *);

/* Does such a path stand as it is, by keys of its links? What is only desired does not count.
 * ERR_NOT_FOUND: a link is gone; ERR_INVALID: as planner_answer(), or it is no such path;
 * ERR_CONFLICT: a link is down, or what is asked is not kept. */
MUST_CHECK enum err planner_stands(struct planner *, const struct planner_question *,
                                   char *const *way, uint32_t n, struct diag *);
/* Where labels lead from the source of a question to its destination: *way is the caller's; n is 0
 * where there are several ways. ERR_NOT_FOUND: nowhere, or elsewhere; ERR_INVALID as above. */
MUST_CHECK enum err planner_follow(struct planner *, const struct planner_question *,
                                   const uint32_t *labels, uint32_t n_labels, char ***way,
                                   uint32_t *n, struct diag *);

/* Is there a link where standing tunnels leave this one too little? */
bool planner_is_pushed(const struct planner *, const char *tunnel);

/* What would become of the tunnels if a link, a router or a shared risk failed: each of them alone,
 * the `limit` worst ones first; what planner_mend() and planner_leave_risks() would do then, until
 * nothing moves any more.
 * {"tunnels", "failures", "highest-utilisation", "worst": [{"kind": link|router|srlg, "element",
 * "hit", "standby", "rerouted", "kept", "pushed", "lost", "late", "unprotected",
 * "highest-utilisation", "hottest"?, "tunnels": [{"tunnel", "fate", "routers"?, "standby-routers"?,
 * "why"?, "near"?, "reserved"?}]}]}; the caller owns it. Who could go back to a better way then is
 * not in it. Fates:
 *
 *     standby       routers change over to its standby path; `routers` are its next primary path
 *     rerouted      it is interrupted until it has another path
 *     kept          only its standby path is hit
 *     pushed aside  it is not hit, but goes out of the way of a more important one
 *     moved         it is not hit, but goes another way since others do
 *     no path, no room, too late, ends there   it is lost; `why` says what planner_place() says
 *
 * Numbers count tunnels that stand; `lost`: all of the last four, `late`: those too late among
 * them; `unprotected`: had a standby path and have none then. `near`: not apart any more from the
 * tunnel that it is to be apart from; `reserved`: it does not stand yet. Utilisations are of what
 * is reserved. ERR_BUSY: nothing is known of the network yet. */
MUST_CHECK enum err planner_what_if(const struct planner *, const struct network *, uint32_t limit,
                                    json_t **report, struct diag *);

/* ---- other ways for many at once ---- */

struct planner_aim {
    double threshold;      /* the fewest moves so that no link has more than this share of what it
                              can have reserved; 0: the lowest highest utilisation there is */
    uint8_t keep_priority; /* tunnels with a hold priority below (better than) this stay */
};

/* What should be moved, in an order in which every path is made before the old one is given up.
 * Tunnels that stand are moved; what is only reserved keeps its room. Stay: tunnels with given
 * routers, those that another one is apart from, and those that are not whole. Nothing is changed.
 *
 *     {"moves": N, "tunnels": [name...], "plan": {"steps": [{"tunnel", "paths": {"primary"?: PATH,
 *       "standby"?: PATH}, "was": {"primary"?: [link...], ...}, "interim"?, "overlap"?: [{"link",
 *       "over-bps"}]}]},
 *      "summary": {"n", "threshold"?, "bound"?, "fewest", "fixed", "before":
 * {"highest-utilisation", "fullest"?, "above"}, "after": {...}, "left": [{"link", "over-bps"}],
 * "moves": [{"step", "tunnel", "path", "from": [router...], "to": [router...], "latency-us"?,
 * "interim"?, "overlap"?, "highest-utilisation"}]}}
 *
 * `overlap`: links that have too little for the old and the new path of that step at once, and by
 * how much they are exceeded while it is made; there was no other order. `interim`: it moves again.
 * `bound`: no routing has less. `fewest`: fewer moves do not do, proved. `above`: how many links
 * are above the threshold, or above what they can have; `left`: those after it. The caller owns it.
 * ERR_BUSY: nothing is known of the network yet; ERR_LIMIT: it could not be computed. */
MUST_CHECK enum err planner_optimise(struct planner *, const struct network *,
                                     const struct planner_aim *, json_t **answer, struct diag *);

/* What has to be moved so that nothing passes a router, a link (both directions) or a shared risk
 * any more, as planner_optimise() says it; also tunnels with hold priority 0, and others that do
 * not pass there but are in the way (`aside` of them). `key` is the database's, of a shared risk
 * its number. In the summary "stuck": [{"tunnel", "path", "why": ends-there | stays (as there) |
 * no-path | no-room | no-labels}], those that cannot go, and "close": [tunnel...], of which a path
 * goes without being apart from the other one. What is only reserved is not told of.
 * ERR_NOT_FOUND: the network has no such thing; else as planner_optimise(). */
MUST_CHECK enum err planner_drain(struct planner *, const struct network *, enum drain_kind,
                                  const char *key, json_t **answer, struct diag *);

/* May a standing tunnel go these ways now, one of which is another one than it holds? Room counts
 * on the links that come new. `overlap`: they may be exceeded. ERR_CONFLICT: no, `diag` says why;
 * ERR_BUSY as above. */
MUST_CHECK enum err planner_may_move(struct planner *, const struct network *,
                                     const struct tunnel *, bool overlap,
                                     const json_t *const paths[TUNNEL_PATHS], struct diag *);

/* A tree to several routers at a low total cost (te/tree.h), each leaf's way within the bounds and
 * within what tunnels leave: {"root", "leaves": [router...], "rate-kbps"?, "max-latency-us"?,
 * "metric"?: igp|te|delay|hops, "priority"?} -> {"root", "cost": of all links once, "links":
 * [{"link", "from", "to"}]: each after the one it hangs on, "paths": [{"leaf", "routers", "links",
 * "metric", "latency-us"?}]}. It is computed and not more: nothing is reserved, no router is told.
 * ERR_NOT_FOUND: there is no such router, or no such tree; ERR_INVALID: it is asked wrongly;
 * ERR_BUSY: the network, or that router, is not known yet. The caller owns the answer. */
MUST_CHECK enum err planner_tree(struct planner *, const struct network *, const json_t *ask,
                                 json_t **answer, struct diag *);

/* {"reserved-bps", "free-bps"} by link key, of what is reserved here; the caller owns it. */
json_t *planner_load_json(const struct planner *);

#endif
