/* ted_bgpls.h - what a BGP-LS peer tells, put into the traffic-engineering database. Pure.
 *
 * One feed per peer, which is one source of the database. Nodes, links and prefixes of the default
 * topology are taken; those of other topologies, of protocols without a router ID that the
 * database can hold, and NLRI of other types are counted and left out.
 *
 * While the session is away the database holds what the peer said (ted_config.stale_hold), whether
 * the peer does graceful restart or not: what the table withdraws or sweeps then is not passed on,
 * and what does not come again goes at End-of-RIB. */
#ifndef WAN_TED_BGPLS_H
#define WAN_TED_BGPLS_H

#include "proto/bgpls/bgpls_rib.h"
#include "te/ted.h"

struct ted_bgpls {
    struct ted *ted;
    uint32_t source; /* of it: ted_source_add() with TED_KIND_BGP_LS */
    bool up;
    uint64_t n_put, n_withdrawn;
    uint64_t n_ignored; /* of another topology, type or form */
    uint64_t n_refused; /* by the database */
};

/* To be called from the handlers of bgp_speaker.h, in the order in which they are called. */
void ted_bgpls_up(struct ted_bgpls *, nsec_t now);
void ted_bgpls_change(struct ted_bgpls *, const struct bgpls_change *, nsec_t now);
void ted_bgpls_complete(struct ted_bgpls *, nsec_t now);
void ted_bgpls_down(struct ted_bgpls *, nsec_t now);

/* Each false: it is left out. `attributes` may be NULL: only the id is set. */
bool ted_bgpls_node(const struct bgpls_nlri *, const struct bgpls_attributes *,
                    struct ted_node_record *, char name[256]);
#define TED_BGPLS_SRLGS (TED_RECORD_SRLGS + 1) /* one more than counts, so that it is named */
bool ted_bgpls_link(const struct bgpls_nlri *, const struct bgpls_attributes *,
                    struct ted_link_record *, uint32_t srlgs[TED_BGPLS_SRLGS]);
bool ted_bgpls_prefix(const struct bgpls_nlri *, const struct bgpls_attributes *,
                      struct ted_prefix_record *);

#endif
