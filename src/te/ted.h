/* ted.h - the traffic-engineering database: what several sources say about one network, kept apart,
 * and the one network that follows from it.
 *
 * Sources are OSPF-TE and IS-IS-TE (through a router that takes part), BGP-LS peers, an import of
 * what was planned, the optical layer below, and measurements. Each puts records of nodes, links
 * and prefixes under ids of its own protocol; a record replaces the one that this source put under
 * the same id before. Nothing that a source says touches what another said. The merged view is a
 * function of the records alone, those withdrawn a short time ago among them, and not of the order
 * in which they came.
 *
 *     source = ted_source_add(...)           once per feed
 *     ted_source_up(source)                  it is there: what follows is the whole of it, anew
 *     ted_put_node/link/prefix, ted_withdraw_...
 *     ted_source_synced(source)              what it did not repeat since `up` is withdrawn, unless
 *                                            that is most of it (TED_SOURCE_SMALL): then later
 *     ted_source_down(source)                it has gone: its records are stale, and withdrawn
 *                                            after ted_config.stale_hold
 *     ted_commit(now)                        from time to time: the merged view follows, a new
 *                                            version, deltas; nothing else changes it
 *
 * Which records are of one node. Two records are when they have the same TE router id, or the same
 * IGP router id in the same protocol, domain and instance (an area border router is one node); a
 * named node (import, optical) is the one that has that name or that router id. But records of
 * evidently different devices are not: their names differ and they share no address of a link; or
 * they are of one area of one protocol and share no address although both have links; or one
 * source has them under two IGP router ids of one protocol. Then the node of the source that goes
 * first keeps its key, each other one becomes a node of its own ("10.0.0.1!SOURCE") that nothing
 * passes and that has no router id, and TED_NODE_ID_CONFLICT names both.
 *
 * Which records are of one link: of the same two nodes and the same local address (IPv4, else
 * IPv6), else local link id. A record with neither is of the only link between its nodes.
 * Pseudonodes (broadcast networks) are not in the merged view: there is a link from each router at
 * it to each other one.
 *
 * Whose word counts. Attribute by attribute the first source that tells it and makes sense, in the
 * order of enum ted_kind and then of their names; those that are stale after those that are not. A
 * delay that the optical layer told later than it was measured goes first. SRLGs of all sources add
 * up. Each attribute knows whose word it is and
 * since when. A link is up when a source that hears routers tells of it and of its other direction,
 * and none of these has withdrawn it within the last ted_config.withdrawn_hold, unless another one
 * has told it (again) after that. A link that is gone
 * stays as a link that is down for ted_config.forget_after, so that its going, and return, changes
 * one place of the snapshot and not the order of all.
 *
 * Pure: no clock, no socket. `now` is any clock that does not go backwards; `until` of overrides is
 * on the same. Units: bit/s, microseconds. Not thread-safe, except that views (snapshots) may be
 * read and released by any thread. */
#ifndef TE_TED_H
#define TE_TED_H

#include "base/err.h"
#include "base/time.h"
#include "te/network.h"

struct ted; /* Opaque. */

/* ---- whose word it is */

enum ted_kind {
    TED_KIND_OPERATOR, /* overrides; no source has it */
    TED_KIND_MEASURED, /* delays, by STAMP */
    TED_KIND_OPTICAL,
    TED_KIND_OSPF, /* hears routers: these three say whether a link is up */
    TED_KIND_ISIS,
    TED_KIND_BGP_LS,
    TED_KIND_IMPORT,
    TED_KINDS
};

/* "operator", "measured", "optical", "ospf", "isis", "bgp-ls", "import"; static. */
const char *ted_kind_name(enum ted_kind);

/* Each 0: what is said with it. */
struct ted_config {
    nsec_t stale_hold;     /* 120 s */
    nsec_t withdrawn_hold; /* 60 s */
    nsec_t forget_after;   /* 1 h */
    nsec_t small_hold;     /* 10 s */
    uint32_t max_nodes;    /* records of one source; 20,000 */
    uint32_t max_links;    /* records of one source; 200,000 */
    uint32_t max_prefixes; /* records of one source; 200,000 */
    uint32_t max_lan;      /* routers at one pseudonode; 32 */
    uint32_t max_deltas;   /* that wait to be taken; 65,536 */
    /* What a link at risk looks like in the snapshot, so that paths keep away from it: it has this
     * administrative group (255), and its TE metric is multiplied by this (10). */
    uint32_t at_risk_group, at_risk_factor;
};

struct ted *ted_new(const struct ted_config *); /* NULL: all defaults. Never NULL. */
void ted_free(struct ted *);                    /* NULL is fine. Views outlive it. */

/* Adds a source, which is down and says nothing. `name` is told to people ("bgp-ls 10.0.0.7") and
 * orders sources of one kind. `domain`: sources of one IGP domain have the same, "" by default; the
 * same IGP router id in two domains is two nodes. ERR_EXISTS: the name; ERR_LIMIT: 255 sources. */
MUST_CHECK enum err ted_source_add(struct ted *, enum ted_kind, const char *name,
                                   const char *domain, uint32_t *source);
/* Withdraws at once all that it said. Its number may be given to another. */
void ted_source_remove(struct ted *, uint32_t source, nsec_t now);
void ted_source_up(struct ted *, uint32_t source, nsec_t now);
/* What follows until ted_source_synced() is the whole of it again, though it was never away: a
 * table that is read from time to time. */
void ted_source_refresh(struct ted *, uint32_t source, nsec_t now);
/* A source that hears routers, and told of eight nodes and links or more, is not believed at once
 * that it is less than half of them: a daemon that has just begun does not know the network yet.
 * What it does not tell counts for ted_config.small_hold (stale_hold if as much could not be read),
 * unless it tells the whole of it again. */
void ted_source_synced(struct ted *, uint32_t source, nsec_t now);
void ted_source_down(struct ted *, uint32_t source, nsec_t now);
/* `n` more values of what it says could not be read and are left out; `what` (any text; cut) names
 * one of them: "ted.edges[3].metric: a number from 0 to 4294967295 is expected". TED_SOURCE_GARBLED
 * says so, until the source tells the whole of it anew without any. */
void ted_source_garbled(struct ted *, uint32_t source, uint64_t n, const char *what, nsec_t now);

enum ted_source_state { TED_DOWN, TED_STALE, TED_SYNCING, TED_UP };

struct ted_source_info {
    enum ted_kind kind;
    const char *name, *domain; /* the database's */
    enum ted_source_state state;
    nsec_t since; /* of the state */
    uint32_t n_nodes, n_links, n_prefixes;
    uint64_t n_puts, n_withdrawals, n_refused; /* refused: over its limit, or senseless */
};
/* false: there is no such source. Sources are numbered from 0; some may be missing. */
bool ted_source_info(const struct ted *, uint32_t source, struct ted_source_info *);
uint32_t ted_n_sources(const struct ted *); /* the highest number + 1 */

/* ---- what a source says */

/* The numbers of BGP-LS protocol ids (RFC 9552 section 5.2), and one of our own. */
enum ted_protocol {
    TED_ISIS_L1 = 1,
    TED_ISIS_L2 = 2,
    TED_OSPFV2 = 3,
    TED_DIRECT = 4,
    TED_STATIC = 5,
    TED_OSPFV3 = 6,
    TED_BGP = 7,
    TED_NAMED = 255, /* by a text: ted_named() */
};

/* A node as a routing protocol calls it (RFC 9552 section 5.2.1.4). What was not told is 0. */
struct ted_node_id {
    uint8_t protocol; /* enum ted_protocol */
    /* Octets of router_id. OSPF: 4, or 8 for a pseudonode (router id of the designated router, then
     * its address, or interface id, on that network). IS-IS: 6, or 7 for a pseudonode. */
    uint8_t size;
    uint8_t router_id[8];
    uint32_t asn, area; /* area: OSPF only */
    uint64_t instance;  /* the Identifier of BGP-LS (section 5.2); for TED_NAMED: the name */
};

/* The id of a node that is called by its name or its TE router id as text ("10.0.0.1"), for import,
 * optical and measurements. ERR_LIMIT: too many names, or over 255 octets. */
MUST_CHECK enum err ted_named(struct ted *, const char *name, struct ted_node_id *);
bool ted_node_id_is_pseudonode(const struct ted_node_id *);

/* Attributes: what a record tells, what a delta says has changed, whose word something is. */
enum ted_attribute {
    /* of nodes */
    TED_NAME,
    TED_ROUTER_ID, /* IPv4 or IPv6 or both */
    TED_SRGB,
    TED_SRLB,
    TED_MSD,
    TED_OVERLOAD,
    TED_NODE_SID, /* of a prefix record, or told of the node itself */
    /* of links */
    TED_IGP_METRIC,
    TED_TE_METRIC,
    TED_DELAY,
    TED_JITTER,
    TED_LOSS,
    TED_CAPACITY,
    TED_RESERVABLE,
    TED_UNRESERVED,
    TED_AFFINITY,
    TED_SRLG,
    TED_ADJACENCY_SID,
    TED_LINK_MSD,
    TED_REMOTE, /* address or id of the far end: in deltas only */
    TED_STATE,  /* up or down */
    TED_RISK,   /* at risk, degraded */
    TED_ATTRIBUTES
};
#define TED_BIT(attribute) (UINT32_C(1) << (attribute))
/* "name", "router-id", ... "risk"; static. */
const char *ted_attribute_name(enum ted_attribute);

/* Members count only if their bit is in `told`. Pointers need to live during the call only. */
struct ted_node_record {
    struct ted_node_id id;
    uint32_t told, bad;                      /* TED_BIT(); bad: told, but senseless */
    const char *name;                        /* any text; cleaned and cut at 255 octets */
    struct te_address router_id, router_id6; /* TE router id, IPv4 and IPv6; family 0: not told */
    uint32_t srgb_base, srgb_size;           /* the first range, if there are several */
    uint32_t srlb_base, srlb_size;
    uint8_t max_sid_depth;
    bool overload;      /* IS-IS overload, OSPF stub router: nothing should pass through it */
    uint32_t sid_index; /* TED_NODE_SID, where a source has it without the prefix */
};

/* The nodes and the first that is told of local address, local address6, local link id, and the
 * same of the far end, tell the links of one source apart; what else is told may change without
 * making another link of it. */
struct ted_link_id {
    struct ted_node_id local, remote;
    struct te_address local_address, remote_address;   /* IPv4; family 0: not told */
    struct te_address local_address6, remote_address6; /* IPv6 */
    uint32_t local_link_id, remote_link_id;            /* RFC 5307 section 1.1; 0: not told */
};

#define TED_RECORD_SRLGS 64 /* of one record; more are dropped and named (TED_TOO_MANY_SRLGS) */

struct ted_link_record {
    struct ted_link_id id;
    uint32_t told, bad;
    uint32_t igp_metric, te_metric;
    uint32_t delay_us, delay_min_us, delay_max_us, jitter_us; /* TED_DELAY tells all but jitter;
                                                                 min and max 0: not told */
    uint32_t loss_ppm;
    uint64_t capacity_bps, reservable_bps, unreserved_bps[TE_PRIORITIES];
    struct te_affinity affinity;
    const uint32_t *srlgs; /* any order */
    uint32_t n_srlgs;
    uint32_t adjacency_label; /* TED_ADJACENCY_SID: of an unprotected one, if there is a choice */
    uint8_t max_sid_depth;
    bool up;        /* TED_STATE; not told: up */
    bool at_risk;   /* TED_RISK: its protection is used up, or its signal degrades */
    char risk[128]; /* why, for people; "" if not told */
};

/* Sets an attribute of bandwidth (TED_CAPACITY, TED_RESERVABLE, or TED_UNRESERVED with `priority`)
 * from octets per second, as routers tell it: told, or bad if it is negative, infinite, no number
 * or over 2^63 bit/s. */
void ted_link_bandwidth(struct ted_link_record *, enum ted_attribute, unsigned priority,
                        double octets_per_s);
void ted_link_affinity32(struct ted_link_record *, uint32_t groups); /* the first 32 groups */

struct ted_prefix_record {
    struct ted_node_id node;
    struct te_address prefix;
    uint8_t length;  /* bits */
    uint32_t metric; /* UINT32_MAX: not told */
    uint32_t
        sid_index; /* of its prefix segment of algorithm 0 (RFC 8667 section 2.1); TE_NO_LABEL */
    bool node_segment; /* N flag: the prefix is of this node and no other */
};

/* Copies the record. `now` is when it was said. ERR_INVALID: its id makes no sense (size, protocol,
 * a link from a node to itself); ERR_LIMIT: the source has as many as it may; ERR_NOT_FOUND: there
 * is no such source. On error nothing but the source's counters changes. */
MUST_CHECK enum err ted_put_node(struct ted *, uint32_t source, const struct ted_node_record *,
                                 nsec_t now);
MUST_CHECK enum err ted_put_link(struct ted *, uint32_t source, const struct ted_link_record *,
                                 nsec_t now);
MUST_CHECK enum err ted_put_prefix(struct ted *, uint32_t source, const struct ted_prefix_record *,
                                   nsec_t now);
/* What it did not say is not an error. Of a prefix: its node, prefix and length. */
void ted_withdraw_node(struct ted *, uint32_t source, const struct ted_node_id *, nsec_t now);
void ted_withdraw_link(struct ted *, uint32_t source, const struct ted_link_id *, nsec_t now);
void ted_withdraw_prefix(struct ted *, uint32_t source, const struct ted_prefix_record *,
                         nsec_t now);

/* ---- overlays */

enum ted_target { TED_TARGET_NODE, TED_TARGET_LINK, TED_TARGET_SRLG };

/* What an operator says, above all sources. Of a node or link only the attributes in `set` count:
 * of a node TED_STATE (up false: in maintenance), of a link TED_STATE, TED_TE_METRIC, TED_DELAY,
 * TED_CAPACITY, TED_RESERVABLE, TED_AFFINITY, TED_SRLG (none but these), TED_RISK. Of a shared risk
 * group TED_STATE only: all its links. A link in maintenance is down; through a node in maintenance
 * nothing passes, but it may begin and end there. */
struct ted_override {
    const char *id; /* the operator's; a new one with the same id replaces it */
    enum ted_target target;
    const char *key; /* of the node or link; both directions of a link are meant */
    uint32_t srlg;
    uint32_t set;
    bool up, at_risk;
    uint32_t te_metric, delay_us;
    uint64_t capacity_bps, reservable_bps;
    struct te_affinity affinity;
    const uint32_t *srlgs;
    uint32_t n_srlgs;
    const char *who, *why;
    nsec_t until; /* NSEC_NEVER: until it is taken back */
};
/* ERR_INVALID: an attribute that cannot be set, or `who` or `why` is missing. That the target is
 * not there (yet) is no error: TED_OVERRIDE_IDLE names it. */
MUST_CHECK enum err ted_override_put(struct ted *, const struct ted_override *, nsec_t now);
void ted_override_remove(struct ted *, const char *id, nsec_t now);
typedef void ted_override_fn(void *arg, const struct ted_override *);
void ted_each_override(const struct ted *, ted_override_fn *, void *arg);

/* ---- the merged view */

enum ted_pending { TED_NOTHING, TED_PATCH, TED_STRUCTURE };
/* What the next commit has to do. A patch takes microseconds: do it at once. A change of structure
 * reckons up everything: some milliseconds per 1,000 links, so gather what comes within a tenth of
 * a second. */
enum ted_pending ted_pending(const struct ted *);
/* When time alone will change something: a hold ends, an override; NSEC_NEVER. Commit then. */
nsec_t ted_wake(const struct ted *);
/* Returns the version, which is a new one if anything in the merged view changed. */
uint64_t ted_commit(struct ted *, nsec_t now);
/* The same of those links only that were there before: what waits for a change of structure stays
 * for ted_commit(). */
uint64_t ted_commit_links(struct ted *, nsec_t now);
uint64_t ted_version(const struct ted *);

/* A snapshot. The same object until the next commit that changes something. */
struct ted_view;
/* As of the last commit; the caller releases it. */
const struct ted_view *ted_view(struct ted *);
const struct te_network *ted_view_network(const struct ted_view *);
/* Where in its network that is: TE_NONE: not there. */
uint32_t ted_view_find_node(const struct ted_view *, const char *key);
uint32_t ted_view_find_link(const struct ted_view *, const char *key);
/* A link's key, "FROM>TO/LOCAL"; valid as long as the view. */
const char *ted_view_link_key(const struct ted_view *, uint32_t link);
const struct ted_view *ted_view_keep(const struct ted_view *); /* one more to release */
void ted_view_release(const struct ted_view *);                /* any thread; NULL is fine */

/* Whose word an attribute is, and since when it has been that. */
struct ted_origin {
    uint32_t source; /* TE_NONE: nobody's, or the operator's (then `override_id` is its id) */
    const char *override_id;
    nsec_t since;
};

struct ted_node_info {
    const struct te_node *node; /* as in the snapshot */
    uint32_t index;             /* in the snapshot */
    const char *key;
    struct te_address router_id6;
    uint32_t area, asn; /* of the record that goes first */
    uint8_t protocol, id_size, igp_id[8];
    uint32_t srlb_base, srlb_size;
    uint32_t
        sources[8]; /* the set of those that tell of it: source s is bit s % 32 of word s / 32 */
    bool overload, maintenance, contested, stale;
    struct ted_origin origin[TED_ATTRIBUTES];
};

struct ted_link_info {
    const struct te_link *link;
    uint32_t index;
    const char *key;
    uint32_t delay_min_us, delay_max_us, loss_ppm;
    uint8_t max_sid_depth; /* labels that can be put on a packet into it (RFC 8491); 0: not told */
    uint32_t igp_area;
    uint32_t sources[8];
    bool told; /* by a source that hears routers */
    bool at_risk, maintenance, stale, lan;
    const char *risk;  /* why at risk; "" */
    nsec_t down_since; /* 0: up */
    struct ted_origin origin[TED_ATTRIBUTES];
};
/* false: no such node, link. Valid until the next commit. */
bool ted_node_info(const struct ted *, const char *key, struct ted_node_info *);
bool ted_link_info(const struct ted *, const char *key, struct ted_link_info *);
bool ted_node_info_at(const struct ted *, uint32_t index, struct ted_node_info *);
bool ted_link_info_at(const struct ted *, uint32_t index, struct ted_link_info *);

/* Prefixes by node, for those who look an address up. The callee gets what the source said. */
typedef void ted_prefix_fn(void *arg, uint32_t source, const char *node_key,
                           const struct ted_prefix_record *);
void ted_each_prefix(const struct ted *, ted_prefix_fn *, void *arg);

/* ---- deltas */

enum ted_delta_kind {
    TED_NODE_ADDED,
    TED_NODE_REMOVED,
    TED_NODE_CHANGED,
    TED_LINK_ADDED,
    TED_LINK_REMOVED,
    TED_LINK_CHANGED, /* also up and down: TED_STATE is among `attributes` */
    TED_FINDING_RAISED,
    TED_FINDING_CLEARED,
    TED_SOURCE_CHANGED, /* its state; `key` is its name */
    TED_DELTAS_LOST     /* more than max_deltas waited: look at everything */
};
const char *ted_delta_kind_name(enum ted_delta_kind);

struct ted_delta {
    uint64_t version; /* of the view that shows it */
    nsec_t at;        /* of the commit */
    enum ted_delta_kind kind;
    const char *key;     /* of the node or link; valid until the next call of any function of ted */
    uint32_t attributes; /* that changed */
    bool up;             /* of a link: as it is now */
    unsigned finding;    /* enum ted_finding_code */
};
/* Takes the oldest. false: there is none. */
bool ted_next_delta(struct ted *, struct ted_delta *);

/* ---- findings: contradictions and nonsense, named */

enum ted_finding_code {
    TED_NODE_ID_CONFLICT,    /* two devices under one id */
    TED_NAMES_DIFFER,        /* of one node, by two sources */
    TED_NAME_AMBIGUOUS,      /* a named node could be several */
    TED_ONE_WAY,             /* one direction of a link is missing */
    TED_CAPACITIES_DIFFER,   /* by more than 1 %: two sources, or the two directions */
    TED_BANDWIDTH_BAD,       /* negative, infinite, not a number */
    TED_BANDWIDTH_ABSENT,    /* nobody tells the capacity of a link that is up */
    TED_BANDWIDTH_TRUNCATED, /* 32 bits were too few for it: the reservable one is taken instead */
    TED_UNRESERVED_ABOVE,    /* more unreserved than reservable */
    TED_DELAY_ABSURD,        /* over 1 s; or the least is above the most */
    TED_DELAYS_DIFFER,       /* of two sources: by more than 1 ms and half */
    TED_SRLG_ONE_WAY,        /* a group is on one direction only */
    TED_TOO_MANY_SRLGS,
    TED_METRIC_BAD,       /* 0, or so large that nothing may pass */
    TED_LINK_AMBIGUOUS,   /* a record without address could be of several links */
    TED_LINK_NOT_HEARD,   /* planned, but no router tells of it */
    TED_SOURCES_DISAGREE, /* one has withdrawn the link, another still tells of it */
    TED_LINK_AT_RISK,
    TED_SID_CONFLICT,   /* two nodes have one node SID: neither is used */
    TED_LAN_TOO_LARGE,  /* more routers at a pseudonode than max_lan: not resolved */
    TED_SOURCE_STALE,   /* it was there, and is not */
    TED_SOURCE_LIMIT,   /* a source says more than it may: the rest is refused */
    TED_SOURCE_GARBLED, /* some of what it says cannot be read, and is left out */
    TED_SOURCE_SMALL,   /* it tells of less than half of what it told before */
    TED_OVERRIDE_IDLE,  /* its target is not there */
    TED_ADDRESS_TWICE,  /* two links leave by one address */
    TED_FINDING_CODES
};
/* "node-id-conflict", ...; static. */
const char *ted_finding_name(enum ted_finding_code);

struct ted_finding {
    enum ted_finding_code code;
    const char *key; /* of the node, link, source or override */
    nsec_t since;
    char text[320]; /* who says what */
};
typedef void ted_finding_fn(void *arg, const struct ted_finding *);
void ted_each_finding(const struct ted *, ted_finding_fn *, void *arg);

#endif
