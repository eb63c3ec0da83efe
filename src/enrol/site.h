/* site.h - a substation's directory: site.json, and generations (files.h) of what its nats-server
 * and tielined run by: server.key, client.key, leaf.nk, tielined.nk, request.json from the request
 * on; ca.pem, server.pem, client.pem, leaf.creds, tielined.creds, nats-server.conf, centre.json
 * when it is installed. As centre.h says of files, time and what is said. */
#ifndef ENROL_SITE_H
#define ENROL_SITE_H

#include "base/err.h"

#include <jansson.h>
#include <stdint.h>

struct site_config {
    const char *dir, *name;
    unsigned port;     /* of its nats-server, for its own tielined, on 127.0.0.1 */
    json_t *addresses; /* array: from where the hub will see it; borrowed */
};

/* The first request. {site, request, fingerprint}. ERR_EXISTS, ERR_INVALID. */
MUST_CHECK enum err site_request(const struct site_config *, json_t **said, struct diag *);
/* A request with new keys, signed by those in use. */
MUST_CHECK enum err site_rotate(const char *dir, json_t **said, struct diag *);

struct site_bundle {
    const char *dir;
    const char *text;
    size_t size;
    const char *fingerprint; /* what the centre has said its is; NULL: not asked yet */
    int64_t now;
};

/* Checks a bundle: {site, centre, fingerprint, known}. `known`: it is the authority that is
 * installed: no need to compare. */
MUST_CHECK enum err site_look(const struct site_bundle *, json_t **said, struct diag *);
/* ERR_DENIED: not of this authority, or not for this site's request; ERR_EXISTS: it is installed
 * already, or something newer. */
MUST_CHECK enum err site_install(const struct site_bundle *, json_t **said, struct diag *);
/* {site, centre, hub, fingerprint, expires, days-left, renew, waiting} */
MUST_CHECK enum err site_list(const char *dir, int64_t now, json_t **said, struct diag *);

#endif
