/* feed_ospf_api.h - LSAs as they come, from FRR's ospfd by its OSPF API, into the database.
 *
 * The API (ospfd -a, TCP port 2607; docs.frrouting.org, developer's guide, "OSPF API
 * Documentation") uses two connections: one from us, for requests and replies, and one from ospfd
 * to the port above the one that ours came from, for notifications. As seen with FRR 8.4, a message
 * is version (1), type, length of what follows the header (two octets), sequence number (four
 * octets), then:
 *
 *   REGISTER_EVENT (3), SYNC_LSDB (4)         bits of LSA types (two octets), origin (2: any),
 *                                             number of areas (0: all)
 *   REPLY (10)                                error code, three octets nothing
 *   LSA_UPDATE_NOTIFY (12), _DELETE_ (13)     interface address, area, self-originated, three
 *                                             octets nothing, the LSA
 *
 * ospfd tells that an LSA is deleted when it is replaced, and then of the new one; both are looked
 * at together. The source is in synchronisation until the reply to SYNC_LSDB is there and
 * notifications have paused.
 *
 * While the API cannot be reached, the database is polled over the vty socket (feed_frr.h), if one
 * is configured. There is no authentication and no encryption: the way to ospfd should be a
 * loopback, a management network, or a tunnel. */
#ifndef WAN_FEED_OSPF_API_H
#define WAN_FEED_OSPF_API_H

#include "te/ted.h"
#include "wan/feed_ospf_lsdb.h"

#include <uv.h>

#define FEED_OSPF_API_PORT 2607
#define FEED_OSPF_API_FALLBACK_AFTER 2 /* failures in a row */

struct feed_ospf_api; /* Opaque; the loop's thread only. */

struct feed_ospf_api_config {
    const char *server; /* address of ospfd, as in io/address.h: "127.0.0.1:2607" */
    const char *local;  /* ours that ospfd can reach, without a port: "127.0.0.1" */
    const char *vty;    /* path of ospfd's vty socket to fall back to; NULL: none */
    struct ted *ted;    /* outlives the feed */
    uint32_t source;    /* of ted; the feed says whether it is up */
};

struct feed_ospf_api_handler {
    void (*changed)(void *arg); /* records were put: commit soon */
    /* Why ospfd cannot be heard, once for each new reason; ERR_OK: it can again. May be NULL. */
    void (*trouble)(void *arg, enum err, const char *reason);
};

struct feed_ospf_api_counters {
    uint64_t connections, failures, messages, unknown, refused; /* refused: LSAs */
    bool synchronised, polling;
    struct ospf_lsdb_counters lsdb;
};

/* Copies the configuration; `handler` is kept. Starts at once. ERR_INVALID: an address. */
MUST_CHECK enum err feed_ospf_api_new(uv_loop_t *, const struct feed_ospf_api_config *,
                                      const struct feed_ospf_api_handler *, void *arg,
                                      struct feed_ospf_api **, struct diag *);
void feed_ospf_api_free(struct feed_ospf_api *); /* NULL is fine. The source goes down. */
void feed_ospf_api_counters(const struct feed_ospf_api *, struct feed_ospf_api_counters *);

#endif
