/* ted_private.h - how the traffic-engineering database keeps what it was told.
 *
 * Records are kept by source and id, also for a while after they were withdrawn (`withdrawn`), so
 * that the merged view is a function of the records. Merged nodes (`ted_mnode`) and links
 * (`ted_mlink`) are kept from one commit to the next; they know their records, and records know the
 * merged links they are part of.
 *
 * A commit does the least of four things:
 *   PATCH      records changed: their merged links are resolved again, and the snapshot is patched;
 *   RESOLVE    all are resolved again (an override of a group, a source that became stale);
 *   ARRAYS     the snapshot is built anew from the merged nodes and links (a node changed, or the
 *              groups of a link);
 *   STRUCTURE  which records are of which node and link is found out anew, too. */
#ifndef TE_TED_PRIVATE_H
#define TE_TED_PRIVATE_H

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/hash_table.h"
#include "te/ted.h"

#define TED_SOURCES_MAX 255
#define TED_NAMES_MAX 100000
#define TED_TEXT_MAX 255
#define TED_BUCKET                                                                                 \
    4 /* devices under one id that are told apart; more are not compared any more                  \
       */

/* In a queue of what ends by time, oldest first. */
struct ted_timed {
    struct ted_timed *prev, *next;
    nsec_t at;
    bool of_node;
};

struct ted_marks { /* findings of one thing */
    uint32_t set;
    nsec_t *since; /* by code; NULL while there was none */
};

struct ted_prefix_rec {
    struct ted_prefix_key {
        struct ted_node_id node;
        struct te_address prefix;
        uint8_t length;
        uint8_t zero[6];
    } key;
    struct ted_prefix_record r;
    struct ted_node_rec *node;
    struct ted_prefix_rec *next_of_node, *prev_of_node;
    uint32_t epoch;
    UT_hash_handle hh;
};

struct ted_node_rec {
    struct ted_node_id id;
    uint32_t source;
    uint32_t epoch; /* of the source's synchronisation that told it last */
    bool told;      /* by itself, not only as the end of a link */
    bool withdrawn;
    bool queued;
    struct ted_timed gone; /* in ted.gone while withdrawn */
    nsec_t at;             /* when it was said, or withdrawn */
    struct ted_node_record r;
    char *name;               /* r.name */
    uint32_t n_refs;          /* link records that end here, prefixes */
    struct ted_link_rec *out; /* link records that begin here */
    struct ted_prefix_rec *prefixes;
    struct te_address *addresses; /* sorted, of `out`; made when asked for */
    uint32_t n_addresses;
    bool addresses_known;
    /* While a structure is made, and after it: */
    struct ted_mnode *node; /* NULL: a pseudonode */
    struct ted_lan *lan;
    UT_hash_handle hh;
};

struct ted_link_rec {
    struct ted_link_id key; /* nodes, and one way to call its beginning */
    struct ted_link_id id;  /* all that was told */
    uint32_t source;
    uint32_t epoch;
    bool withdrawn;
    bool dirty;
    uint32_t findings;  /* TED_BIT of codes: what is senseless in it by itself */
    nsec_t there_since; /* told for the first time, or again after it was withdrawn */
    struct ted_timed gone, doubted;
    nsec_t at;
    struct ted_link_record r; /* srlgs, risk: its own; id: empty */
    uint32_t *srlgs;
    char *risk;
    struct ted_node_rec *local, *remote;
    struct ted_link_rec *next_out, *prev_out;
    struct ted_mlink **links; /* merged links that it is part of */
    uint32_t n_links, links_capacity;
    UT_hash_handle hh;
};

struct ted_source {
    bool used, over_limit, refreshing;
    bool small; /* it has told all, which is not believed: since `small_since` */
    nsec_t small_since;
    uint32_t n_told, n_expected; /* nodes and links, while it is small */
    enum ted_kind kind;
    char *name, *domain;
    enum ted_source_state state;
    nsec_t since, state_since;
    uint32_t epoch;
    uint32_t order; /* among the sources */
    struct ted_node_rec *nodes;
    struct ted_link_rec *links;
    struct ted_prefix_rec *prefixes;
    uint64_t n_puts, n_withdrawals, n_refused;
    uint64_t n_garbled; /* since it last began to tell all of it */
    char *garbled;      /* one of them, in words; NULL: n_garbled is 0 */
    struct ted_marks marks;
};

struct ted_mnode {
    char *key;
    uint32_t index;
    bool fresh, seen;
    struct ted_node_rec **recs; /* in order */
    uint32_t n_recs, recs_capacity;
    uint32_t own_findings;          /* found while the structure was made */
    struct ted_mnode *contested_by; /* the node whose id this one claims */
    struct ted_mnode *claimed_by;   /* one that claims its id */
    char *name;
    struct te_node n;
    uint32_t shown_sid; /* n.sid_index as it was told last */
    struct te_address router_id6;
    uint32_t srlb_base, srlb_size;
    bool overload, maintenance, stale, heard, gone;
    uint32_t told;    /* attributes that have a value */
    uint32_t changed; /* attributes, since told */
    uint8_t origin[TED_ATTRIBUTES];
    nsec_t since[TED_ATTRIBUTES];
    struct ted_override_rec *override;
    struct ted_marks marks;
    UT_hash_handle hh;
};

struct ted_token { /* one way to call a link at its beginning */
    uint8_t kind;  /* 4, 6: address; 1: number; 2: the far end's; 0: none */
    uint8_t octets[16];
};

struct ted_link_key {
    struct ted_mnode *from, *to;
    struct ted_token token;
    uint8_t zero[7];
};

enum { TED_BY_SOURCES = 255 }; /* origin: of several, or nobody's */

/* Attributes of a link that are taken as they are from the record that goes first. */
struct ted_values {
    uint32_t igp_metric, te_metric, delay_us, delay_min_us, delay_max_us, jitter_us, loss_ppm,
        adjacency_label;
    uint8_t max_sid_depth;
    uint64_t capacity_bps, reservable_bps, unreserved_bps[TE_PRIORITIES];
    struct te_affinity affinity;
};

struct ted_part {
    struct ted_link_rec *rec;
    bool far; /* from the pseudonode to the far end: says no more than that this is there */
};

struct ted_mlink {
    struct ted_link_key key;
    char *text;
    uint32_t index;
    bool fresh, seen, dirty, lan;
    struct ted_part *parts; /* in order */
    uint32_t n_parts, parts_capacity;
    struct ted_mlink *reverse;
    struct te_address lan_remote; /* address of `to` on the network between them */
    /* as resolved */
    struct ted_values v;
    struct te_link l;
    uint32_t *srlgs, n_srlgs;
    bool told, half_up, at_risk, maintenance, stale;
    uint32_t changed; /* attributes, since the last ted_settle_link() */
    char risk[128];   /* why; "" */
    nsec_t down_since;
    uint32_t told_attributes;
    uint8_t origin[TED_ATTRIBUTES];
    nsec_t since[TED_ATTRIBUTES];
    uint32_t own_findings;
    struct ted_marks marks;
    struct ted_override_rec *override;
    struct ted_mlink *next_dirty;
    UT_hash_handle hh, hh_text;
};

struct ted_lan {
    struct ted_lan_key {
        struct ted_node_id id; /* asn and area 0 */
        uint64_t domain;
    } key;
    struct ted_link_rec **in, **out;
    uint32_t n_in, n_out, in_capacity, out_capacity;
    UT_hash_handle hh;
};

struct ted_override_rec {
    struct ted_override o; /* strings and groups: its own */
    bool found;
    struct ted_marks marks;
    nsec_t at;
    UT_hash_handle hh;
};

struct ted_name {
    uint32_t number;
    UT_hash_handle hh;
    char text[];
};

/* What snapshots of one structure share. */
struct ted_frame {
    int refs; /* atomic */
    const struct te_network *base;
    struct ted_view *idle[2]; /* atomic: those that nobody has, to be used again */
    char *texts;              /* keys of links */
    const char **link_keys;   /* by place */
    struct ted_places {       /* by hash of a key: place + 1; 0: free */
        uint32_t *places, mask;
    } nodes, links;
};

struct ted_view {
    int refs; /* atomic */
    struct ted_frame *frame;
    struct te_network network;
    struct te_link *links; /* of the network; may be changed while nobody else has the view */
    bool own;              /* not the frame's */
    uint64_t patch;        /* number of the last patch that it has */
};

struct ted_delta_rec {
    struct ted_delta d;
    char *key;
};

struct ted {
    struct ted_config config;
    struct ted_source sources[TED_SOURCES_MAX];
    uint32_t n_sources;
    struct ted_name *names;
    const char **name_texts;
    uint32_t n_names, names_capacity;
    struct ted_mnode *nodes; /* hash by key */
    struct ted_mlink *links; /* hash by key */
    struct ted_mlink *by_text;
    struct ted_lan *lans;
    struct ted_override_rec *overrides;
    bool overlay_bound;       /* some node or link has one */
    bool groups_drained;      /* an override of a shared risk group exists */
    struct ted_timed gone;    /* records withdrawn, oldest first: to be forgotten */
    struct ted_timed doubted; /* link records withdrawn, oldest first: others' word counts again */
    enum { TED_DO_NOTHING, TED_DO_PATCH, TED_DO_RESOLVE, TED_DO_ARRAYS, TED_DO_STRUCTURE } todo;
    struct ted_mlink *dirty; /* list */
    uint64_t version;
    bool committing, changed;
    nsec_t now;
    struct ted_view *view;
    /* What the last patches changed: an idle view is brought up to date by these. */
    struct ted_touched {
        uint64_t patch;
        uint32_t place;
    } * touched;
    uint32_t n_touched, touched_capacity;
    uint64_t patches, touched_since; /* since: patches after this one are in it */
    struct ted_mnode **node_at;
    struct ted_mlink **link_at;
    struct ted_delta_rec *deltas; /* ring */
    uint32_t first_delta, n_deltas, deltas_capacity;
    bool deltas_lost;
    char *taken_key;
};

static inline bool
ted_hears(enum ted_kind kind)
{
    return kind == TED_KIND_OSPF || kind == TED_KIND_ISIS || kind == TED_KIND_BGP_LS;
}
static inline struct ted_source *
ted_source_of(struct ted *ted, uint32_t source)
{
    return source < ted->n_sources && ted->sources[source].used ? &ted->sources[source] : NULL;
}
/* ted_records.c */
void ted_todo(struct ted *, int what);
void ted_timed_remove(struct ted_timed *);
/* Its merged links are looked at by the next commit. */
void ted_mark_record(struct ted *, struct ted_link_rec *);
/* Nobody speaks of it any more: it goes. */
void ted_node_unref(struct ted *, struct ted_node_rec *);
void ted_free_link_record(struct ted *, struct ted_link_rec *);
void ted_free_prefix_record(struct ted *, struct ted_prefix_rec *);
void ted_withdraw_node_record(struct ted *, struct ted_node_rec *, nsec_t now);
/* `heard`: the source is there and says so; otherwise it has only gone itself. */
void ted_withdraw_link_record(struct ted *, struct ted_link_rec *, bool heard, nsec_t now);

/* ted_judge.c: takes out of the record what cannot be, and says so in its findings. */
void ted_judge_link(struct ted_link_rec *);

/* ted_sources.c */
/* What ended by `now` is forgotten. */
void ted_expire(struct ted *, nsec_t now);
nsec_t ted_next_expiry(const struct ted *);
int ted_compare_address(const struct te_address *, const struct te_address *);

/* ted_merge.c: makes nodes, links and their records anew. */
void ted_make_structure(struct ted *);
void ted_free_merged(struct ted *);
void ted_address_text(const struct te_address *, char *text, size_t size);

/* ted_nodes.c: which node records are of one node. Sets `node` and `lan` of each. */
void ted_cluster(struct ted *);

/* ted_resolve.c: from records to values. */
void ted_resolve_node(struct ted *, struct ted_mnode *);
void ted_resolve_sids(struct ted *); /* of all nodes, after these */
/* By itself. Then, with its other direction known, ted_settle_link(), which tells what changed and
 * whether anything did. */
void ted_resolve_link(struct ted *, struct ted_mlink *);
bool ted_settle_link(struct ted *, struct ted_mlink *);

/* ted_view.c */
/* Lays out nodes and links anew, finds out which link is the other direction of which, and settles
 * them. Then ted_publish(). */
void ted_build_view(struct ted *);
void ted_patch_view(struct ted *, struct ted_mlink *const *links, uint32_t n);
void ted_free_views(struct ted *);

/* ted_overlay.c */
void ted_overlay_free(struct ted *);
void ted_overlay_expire(struct ted *, nsec_t now);
nsec_t ted_overlay_next(const struct ted *);
/* Finds the targets anew. true: other directions of links are among them. */
bool ted_overlay_bind(struct ted *);
void ted_overlay_mark(struct ted *);
bool ted_overlay_drains(const struct ted *, const uint32_t *srlgs, uint32_t n);

/* ted.c */
void ted_delta(struct ted *, enum ted_delta_kind, const char *key, uint32_t attributes, bool up,
               unsigned finding);
/* Raises and clears findings of a thing. */
void ted_mark(struct ted *, struct ted_marks *, const char *key, uint32_t set);

#endif
