/* settings.h - what the WAN controller is told in its file: where routers connect, and where the
 * network is learned from. Pure.
 *
 *     pcep: {listen: "0.0.0.0:4189", tls: offered,        # none | offered | required
 *            admit: any,                                  # any | inventory
 *            settle: 120ms, repeat: 300ms, binding: 500000, memory-mib: 1024,
 *            quiet: 60s}
 *     feeds:
 *       - {name: core, kind: frr-ospf, api: "127.0.0.1:2607", local: 127.0.0.1,
 *          socket: /run/frr/ospfd.vty}
 *       - {name: east, kind: frr-isis, socket: /run/frr/isisd.vty, interval: 500ms}
 *       - {name: rr, kind: bgp-ls, address: 10.0.0.7, port: 179, as: 65000}
 *       - {name: plan, kind: import, file: /etc/tieline/links.csv}
 *     bgp: {listen: "0.0.0.0:179", as: 65000, identifier: 10.0.0.9}
 *     at-risk: {hold-off: 2s, wait-to-restore: 5m}
 *     netconf: {user: tieline, key: /etc/tieline/wan/id, known-hosts: /etc/tieline/wan/known_hosts,
 *               templates: /usr/share/tieline/vpn, confirm: 120s, soak: 10s, drift: 60s,
 *               works-within: 30s}
 *
 * Of FRR's ospfd either its OSPF API, which tells of changes at once, or its vty socket, which is
 * asked from time to time; with both, the socket where the API fails.
 *
 * `admit: inventory`: only who comes from the router id or management address of a router of the
 * inventory. `memory-mib`: of what all routers report, 1024 if not said.
 *
 * `settle`: after a change of the network routers are told nothing new for so long: FRR's zebra
 * loses the label of a policy that is changed while the IGP changes labels under it. `repeat`: the
 * other cure for that: they are told at once, and an order within half a second of a change comes
 * again four times in so long, every other time as another list for the same way. `binding`:
 * paths get binding labels, this plus their colour; those of all routers must leave room for
 * 131,072. `quiet`: a router that has done nothing wrong for so long is forgiven, its exception
 * `router-misbehaves` closed, as are those of findings that are gone; and sessions of a router that
 * comes and goes are told of as often, six in a row excepted; 60 s without it, 15 s at least, since
 * the PCE tells of the same thing every ten.
 *
 * `at-risk`: how long a link is at risk before tunnels leave it, and is not before they come to it
 * again (at_risk.h).
 *
 * `netconf`: VPNs are brought to routers (doc/vpn.md). `key` and `known-hosts` are what OpenSSH
 * takes; over TLS the controller's own certificate counts. `confirm`: how long a router keeps what
 * is not confirmed; `soak`: how long it is looked at before it is, a third of `confirm` at most;
 * `drift`: how often what is ours there is read. `works-within`: how long a VPN that is there may
 * take to work (labels, routes), before the order that tests it fails; 100 s at most.
 *
 * Strict: keys that are unknown, missing, twice or of another kind are errors with file, line and
 * column. */
#ifndef WAN_SETTINGS_H
#define WAN_SETTINGS_H

#include "base/err.h"
#include "base/time.h"

#include <stdbool.h>
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
enum wan_admit { WAN_ADMIT_ANY, WAN_ADMIT_INVENTORY };

struct wan_feed_settings {
    char *name; /* unique */
    enum wan_feed_kind kind;
    char *socket, *api, *local, *address, *file, *domain; /* NULL: not said */
    uint32_t as, port;
    nsec_t interval; /* 0: not said */
};

#define WAN_FEEDS_MAX 64

struct wan_netconf_settings {
    bool wanted;                                /* the part is there */
    char *user, *key, *known_hosts, *templates; /* NULL: not said */
    nsec_t confirm, soak, drift, works_within;  /* 0: not said; `confirm` in whole seconds */
};

struct wan_settings {
    char *pcep_listen; /* NULL: nowhere */
    enum wan_tls pcep_tls;
    enum wan_admit pcep_admit;
    uint32_t pcep_memory_mib;          /* 0: not said */
    nsec_t settle;                     /* 0: not said */
    nsec_t repeat;                     /* 0: not said */
    nsec_t quiet;                      /* 0: not said */
    uint32_t binding;                  /* 0: none */
    char *bgp_listen, *bgp_identifier; /* NULL */
    uint32_t bgp_as;
    nsec_t hold_off, wait_to_restore; /* 0: not said */
    struct wan_netconf_settings netconf;
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
