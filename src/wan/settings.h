/* settings.h - what the WAN controller is told in its file: where routers connect, and where the
 * network is learned from. Pure.
 *
 *     pcep: {listen: "0.0.0.0:4189", tls: offered}        # none | offered | required
 *     feeds:
 *       - {name: core, kind: frr-ospf, socket: /run/frr/ospfd.vty, api: "127.0.0.1:2607"}
 *       - {name: east, kind: frr-isis, socket: /run/frr/isisd.vty, interval: 500ms}
 *       - {name: rr, kind: bgp-ls, address: 10.0.0.7, port: 179, as: 65000}
 *       - {name: plan, kind: import, file: /etc/tieline/links.csv}
 *     bgp: {listen: "0.0.0.0:179", as: 65000, identifier: 10.0.0.9}
 *
 * Strict: keys that are unknown, missing, twice or of another kind are errors with file, line and
 * column. */
#ifndef WAN_SETTINGS_H
#define WAN_SETTINGS_H

#include "base/err.h"
#include "base/time.h"

#include <stdint.h>

enum wan_feed_kind {
    WAN_FEED_FRR_OSPF,
    WAN_FEED_FRR_ISIS,
    WAN_FEED_BGP_LS,
    WAN_FEED_IMPORT,
    WAN_FEED_KINDS
};
extern const char *const wan_feed_kind_words[WAN_FEED_KINDS]; /* "frr-ospf" */

enum wan_tls { WAN_TLS_NONE, WAN_TLS_OFFERED, WAN_TLS_REQUIRED };

struct wan_feed_settings {
    char *name; /* unique */
    enum wan_feed_kind kind;
    char *socket, *api, *address, *file, *domain; /* NULL: not said */
    uint32_t as, port;
    nsec_t interval; /* 0: not said */
};

#define WAN_FEEDS_MAX 64

struct wan_settings {
    char *pcep_listen; /* NULL: nowhere */
    enum wan_tls pcep_tls;
    char *bgp_listen, *bgp_identifier; /* NULL */
    uint32_t bgp_as;
    struct wan_feed_settings feeds[WAN_FEEDS_MAX];
    size_t n_feeds;
};

/* Reads `size` octets of YAML; `file` is for messages. ERR_MALFORMED, ERR_INVALID, ERR_LIMIT:
 * `diag` has the place; nothing is left to free then. */
MUST_CHECK enum err wan_settings_read(const char *text, size_t size, const char *file,
                                      struct wan_settings *, struct diag *);
/* The same from a file. ERR_NOT_FOUND, ERR_IO: the file. */
MUST_CHECK enum err wan_settings_load(const char *file, struct wan_settings *, struct diag *);
void wan_settings_fini(struct wan_settings *); /* A zeroed one is fine. */

#endif
