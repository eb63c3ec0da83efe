/* sites.h - this program as one site among several: the broker, the copies of other journals, what
 * sites ask of each other.
 *
 * A utility has a control centre and sites. The centre follows every site's journal, a site follows
 * the centre's (sync/follower.h); each has the state that both make together. What crosses between
 * them besides is little, and named in sites.c: requests of the centre to a site's LAN controller
 * and about a site's exceptions and sensors, how far controllers are, the secret of discovery,
 * checkpoints to be countersigned.
 *
 * A site that has the centre's journal works whether the centre answers or not. */
#ifndef TIELINED_SITES_H
#define TIELINED_SITES_H

#include "bus/bus.h"
#include "journal/journal.h"
#include "lan/service.h"
#include "model/state.h"
#include "sync/follower.h"
#include "sync/witness.h"

#define SITES_MAX 1024

struct site_peer {
    char name[JOURNAL_SITE_MAX + 1];
    uint32_t number; /* of the site, as in model/state.h */
};

/* Borrowed; must outlive what is made of it. */
struct sites_config {
    uv_loop_t *loop;
    struct journal *journal;
    struct bus *bus; /* of this program */
    const char *site;
    const char *centre; /* the centre's name; NULL: this is the centre */
    const struct site_peer *peers;
    size_t n_peers;            /* of a site: 1, the centre */
    bool decides;              /* orders and the model are made by this program */
    const char *const *domain; /* as in lan/service.h */
    const char *directory;     /* of the copies */
    const char *url, *credentials, *ca, *cert, *key; /* of the broker (bus/nats.h) */
    EVP_PKEY *secret;                  /* to countersign checkpoints with; NULL: none are */
    const struct content_trust *trust; /* ... the sites' keys */
    void *arg;
    /* An event of a peer, in its copy. */
    void (*event)(void *arg, const struct site_peer *, const struct journal_event *);
    /* All of a peer's events are told anew from now on. */
    void (*reset)(void *arg, const struct site_peer *);
    /* Of a site: what the centre wants is known; said once. Not from inside sites_new(). */
    void (*ready)(void *arg);
};

struct sites; /* Opaque. */

/* Tells of all events there are copies of before it returns. Errors of bus_nats_new(),
 * sync_follower_new(), sync_origin_new(). */
MUST_CHECK enum err sites_new(const struct sites_config *, struct sites **, struct diag *);
void sites_free(struct sites *); /* NULL is fine */

/* A site's name is a token of subjects, too. ERR_INVALID, ERR_LIMIT. */
MUST_CHECK enum err sites_check_name(const char *name, struct diag *);

/* Reads names and numbers, "sub-a=1,sub-b=2", each once. ERR_INVALID, which names the fault. free()
 * the array. */
MUST_CHECK enum err sites_parse_peers(const char *text, struct site_peer **, size_t *n,
                                      struct diag *);

/* The secret that all controllers sign frames of discovery with; false: not known yet. */
bool sites_secret(const struct sites *, uint8_t secret[LAN_SECRET_SIZE]);

size_t sites_n_peers(const struct sites *);
const struct site_peer *sites_peer(const struct sites *, size_t i);
struct bus *sites_peer_bus(const struct sites *, size_t i);
/* Asks a service of the site, of the centre only (tielined/asker.h). */
MUST_CHECK enum err sites_ask(struct sites *, size_t i, const char *subject, json_t *payload,
                              nsec_t timeout, call_done_fn *done, void *arg, uint64_t *id);
void sites_cancel(struct sites *, size_t i, uint64_t id);
struct sync_status sites_peer_status(const struct sites *, size_t i);
/* Monotonic: when it last answered; 0: not since this program began. */
nsec_t sites_peer_heard(const struct sites *, size_t i);
/* By name; SIZE_MAX: none. */
size_t sites_find_peer(const struct sites *, const char *name);

/* As orchestrate_service_config.elsewhere, and sensors_service_config's; `arg` is the sites. */
void sites_pass_exception(void *arg, uint32_t number, const char *subject, json_t *payload,
                          const char *reply_to);

/* {site, number, state, since, seq, head, why} of each peer, and of the broker; the caller owns it.
 */
json_t *sites_json(const struct sites *);

#endif
