/* bgp_speaker.h - BGP-LS peers: who may connect, whom to connect to, and what each of them tells.
 *
 * Thin: sockets and time here, the protocol in proto/bgpls/. One listener; peers are told apart by
 * their address, and whoever has no entry is turned away (Cease, Connection Rejected). A peer with
 * a port is also connected to, again and again (io/reconnect.h); of two connections one is closed
 * by the rule (RFC 4271 section 6.8), and an established one gives way to a new one of a peer that
 * does graceful restart (RFC 4724 section 5).
 *
 * Without TCP MD5 or TCP-AO (RFC 2385, 5925), and without a minimum TTL (RFC 5082): streams have
 * neither. Guard port 179 with a packet filter.
 *
 * All calls and callbacks on the loop's thread. Callbacks must not free the speaker or remove a
 * peer. */
#ifndef WAN_BGP_SPEAKER_H
#define WAN_BGP_SPEAKER_H

#include "io/stream.h"
#include "proto/bgpls/bgp_session.h"
#include "proto/bgpls/bgpls_rib.h"

struct bgp_speaker; /* Opaque. */
struct bgp_peer;    /* Opaque; the speaker's. */

struct bgp_speaker_handler {
    /* A change of what the peer tells: bgpls_rib.h. May be NULL, as all of them. */
    void (*changed)(void *arg, struct bgp_peer *, const struct bgpls_change *);
    /* Established, or no longer; `why` is for the log. */
    void (*up)(void *arg, struct bgp_peer *, const struct bgp_open *);
    void (*down)(void *arg, struct bgp_peer *, bool kept, const char *why);
    /* End-of-RIB: all that the peer has is here. */
    void (*complete)(void *arg, struct bgp_peer *);
    /* The peer wants all that was announced again, End-of-RIB behind it. */
    void (*refresh)(void *arg, struct bgp_peer *);
    /* Something for the log that is no change of state: faults of an UPDATE, connections that
     * failed, strangers (peer NULL). At most some 16 in a second of one peer, and of all strangers.
     */
    void (*note)(void *arg, struct bgp_peer *, const char *text);
};

/* Copied; 0 and NULL mean what is said with each. */
struct bgp_speaker_config {
    const char *listen; /* as in io/address.h, "0.0.0.0:179"; NULL: connects only */
    uint32_t local_as, identifier;
};

struct bgp_peer_config {
    const char *name;    /* for people; NULL: its address */
    const char *address; /* without port: "10.0.0.1", "2001:db8::1" */
    uint16_t port;       /* to connect to; 0: the peer connects */
    uint32_t remote_as;  /* 0: whatever it says */
    nsec_t hold_time;    /* 0: 90 s */
    nsec_t stale_limit;  /* as in bgpls_rib.h */
    size_t budget;       /* the same */
    bool no_graceful_restart;
};

/* ERR_INVALID: the address or the numbers; others as stream_listen() says. `handler` is not copied.
 */
MUST_CHECK enum err bgp_speaker_new(uv_loop_t *, const struct bgp_speaker_config *,
                                    const struct bgp_speaker_handler *, void *arg,
                                    struct bgp_speaker **, struct diag *);
/* Ends all sessions (Cease, Administrative Shutdown, with `words`, which may be NULL). No callback
 * comes any more. NULL is fine. */
void bgp_speaker_free(struct bgp_speaker *, const char *words);
const char *bgp_speaker_address(const struct bgp_speaker *); /* with the port chosen; "" */

/* ERR_INVALID: the address; ERR_EXISTS: there is a peer of that address. */
MUST_CHECK enum err bgp_speaker_add(struct bgp_speaker *, const struct bgp_peer_config *,
                                    struct bgp_peer **, struct diag *);
/* Ends its session (Peer De-configured) and forgets what it told, without telling. */
void bgp_speaker_remove(struct bgp_speaker *, struct bgp_peer *);

const char *bgp_peer_name(const struct bgp_peer *);
bool bgp_peer_is_up(const struct bgp_peer *);
struct bgpls_rib *bgp_peer_rib(struct bgp_peer *);
/* Of the session that stands; NULL: none. */
const struct bgp_session *bgp_peer_session(const struct bgp_peer *);
/* For people. Texts are valid until the next callback of that peer. */
struct bgp_peer_status {
    const char *state;       /* RFC 4271's: "Idle", "Connect", "Active" (listening), "OpenSent" ...
                                "Established" */
    bool up, complete;       /* complete: End-of-RIB has come */
    nsec_t since;            /* up, or down; on clock_monotonic() */
    const char *why;         /* the last session ended; "" */
    uint64_t n_sessions;     /* that were established */
    uint32_t as, identifier; /* the peer's; 0 unless up */
    struct bgp_session_stats messages; /* of all sessions */
    struct bgpls_rib_stats table;
};
void bgp_peer_status(const struct bgp_peer *, struct bgp_peer_status *);
/* Ends the session that stands, by an administrator: it comes up again. */
void bgp_peer_reset(struct bgp_peer *, const char *words);

/* As in bgp_session.h; ERR_BUSY also when what was sent before has not left yet: try again. */
MUST_CHECK enum err bgp_peer_announce(struct bgp_peer *, struct bgp_span nlri,
                                      struct bgp_span link_state);
MUST_CHECK enum err bgp_peer_withdraw(struct bgp_peer *, struct bgp_span nlri);
MUST_CHECK enum err bgp_peer_end_of_rib(struct bgp_peer *);
MUST_CHECK enum err bgp_peer_ask_again(struct bgp_peer *); /* ROUTE-REFRESH */

#endif
