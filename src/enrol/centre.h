/* centre.h - the control centre's directory: the authority (authority.h), the register of sites
 * (registry.json), their accounts' keys (account-SITE.nk), and generations (files.h) of what its
 * own nats-server, the hub, runs by: ca.pem, sites.pem (whose links it takes), server.pem,
 * server.key, client.pem, client.key, tielined.creds, nats-server.conf.
 *
 * Every function works on files only, one command at a time, and says what it did as a JSON object
 * that the caller owns. Times are seconds since 1970; `valid` is seconds. What is running takes up
 * changes when nats-server is told to reload (SIGHUP). */
#ifndef ENROL_CENTRE_H
#define ENROL_CENTRE_H

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct centre_config {
    const char *dir;
    const char *name;   /* of the control centre's site */
    const char *hub;    /* "HOST:PORT" as sites reach it */
    const char *listen; /* "ADDRESS:PORT" that the hub listens on for them; NULL: any, that port */
    unsigned port;      /* for its own tielined, on 127.0.0.1 */
    const char *ca_file, *ca_key_file; /* of a CA that is there; NULL: make one */
    int64_t now, valid;
};

/* ERR_EXISTS: the directory is there and not empty; ERR_INVALID. */
MUST_CHECK enum err centre_init(const struct centre_config *, json_t **said, struct diag *);

struct centre_request {
    const char *dir;
    const char *text; /* the request */
    size_t size;
    const char *out;         /* where the bundle goes; it must not be there */
    const char *fingerprint; /* what the site has said its request's is; NULL: not asked yet */
    bool replace;            /* a site that is known, with other keys than it had */
    /* Arrays of texts, borrowed; NULL: as it was, at first what the request says, or none. */
    json_t *addresses, *witnesses, *witness_for;
    int64_t now, valid;
};

/* Checks a request and says what is in it: {site, fingerprint, addresses, known, renews}. `renews`:
 * the site's present key has signed it, or it is the last request again: no need to compare. */
MUST_CHECK enum err centre_look(const struct centre_request *, json_t **said, struct diag *);
/* Issues. ERR_DENIED: the fingerprint is not this, or was not given and is needed; ERR_EXISTS: the
 * site is known and `replace` is not said, or the bundle's file is there. */
MUST_CHECK enum err centre_enrol(const struct centre_request *, json_t **said, struct diag *);

/* New keys, certificates and claims for the centre itself. */
MUST_CHECK enum err centre_rotate(const char *dir, int64_t valid, int64_t now, json_t **said,
                                  struct diag *);
/* Nothing that was issued to the site is good any more. May be repeated. */
MUST_CHECK enum err centre_revoke(const char *dir, const char *site, int64_t now, json_t **said,
                                  struct diag *);
/* {centre, hub, fingerprint, sites: [{site, state, expires, days-left, renew, ...}]} */
MUST_CHECK enum err centre_list(const char *dir, int64_t now, json_t **said, struct diag *);

/* Is this directory a centre's? */
bool centre_is(const char *dir);

#endif
