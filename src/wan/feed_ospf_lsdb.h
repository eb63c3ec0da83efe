/* feed_ospf_lsdb.h - a copy of an OSPF router's link state database, and what it says of nodes and
 * links: the pure half of feed_ospf_api.h.
 *
 * A router LSA says that a link is there, and its metric; the traffic-engineering LSA with the same
 * local address says the rest of it; extended link LSAs add adjacency segments, extended prefix
 * LSAs node segments, router information LSAs label ranges and names. So a link goes as soon as its
 * router LSA does not have it any more, before its traffic-engineering LSA is flushed. A broadcast
 * network is the pseudonode of its designated router (RFC 9552 section 5.2.1.4), known by the
 * network LSA.
 *
 * The database is told what differs from what it was told before: LSAs that are refreshed every
 * half an hour, and come again unchanged, cost nothing there. */
#ifndef WAN_FEED_OSPF_LSDB_H
#define WAN_FEED_OSPF_LSDB_H

#include "te/ted.h"

#include <stddef.h>

struct ospf_lsdb; /* Opaque. */

#define OSPF_LSDB_LSAS_MAX 400000
#define OSPF_LSDB_ROUTER_MAX 4096 /* LSAs of one router in one area that say something of it */

/* Puts its records under `source` of `ted`, which outlives it. Never NULL. */
struct ospf_lsdb *ospf_lsdb_new(struct ted *ted, uint32_t source);
void ospf_lsdb_free(struct ospf_lsdb *); /* NULL is fine. The database keeps its records. */

/* One LSA as it was received in `area`; older than what is there: ignored. One at MaxAge, or
 * `gone`: it is withdrawn, unless a newer one is there. Errors as ospf_lsa_decode(); ERR_LIMIT: too
 * many. On error nothing changes. */
MUST_CHECK enum err ospf_lsdb_put(struct ospf_lsdb *, uint32_t area, const uint8_t *lsa,
                                  size_t size, bool gone, struct diag *);
/* Tells the database what follows from all that was put since the last call. */
void ospf_lsdb_flush(struct ospf_lsdb *, nsec_t now);

struct ospf_lsdb_counters {
    uint32_t n_lsas, n_routers, n_networks;
    uint64_t updates, unchanged, older, withdrawn, malformed;
};
void ospf_lsdb_counters(const struct ospf_lsdb *, struct ospf_lsdb_counters *);

#endif
