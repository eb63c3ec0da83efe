/* config.h - the nats-server.conf of the hub and of a site. Pure.
 *
 * Good for nats-server 2.9 and for current ones. Nothing but what is written here listens: no
 * monitoring, no clustering, no websockets. Files are named by absolute paths below DIR/current, so
 * that a reload (SIGHUP) finds what has been rotated. */
#ifndef ENROL_CONFIG_H
#define ENROL_CONFIG_H

#include "base/buf.h"
#include "io/nkey.h"

#include <jansson.h>

struct config {
    const char *site;
    const char *dir;                     /* absolute */
    unsigned port;                       /* for the site's own tielined, on 127.0.0.1 */
    const struct nkey *account, *system; /* their public keys */
    const char *operator_jwt, *account_jwt, *system_jwt;
    const json_t *more; /* of the hub: {"A...": JWT}, the sites' accounts; NULL: none */
};

/* `listen`: "ADDRESS:PORT" for the sites' links, which must have certificates by one of the
 * authorities in DIR/current/sites.pem. `hub`: "HOST:PORT" as they reach it: nats-server would tell
 * them the address that it listens on, and they would try that, too. */
void config_put_hub(struct buf *, const struct config *, const char *listen, const char *hub);
/* `hub`: "HOST:PORT" or several with commas, in the names that the hub's certificate has: ways to
 * it, of which one is used; when it does not carry any more, another. */
void config_put_site(struct buf *, const struct config *, const char *hub);

/* "HOST:PORT", "[ADDRESS]:PORT": only what cannot break out of a line of the configuration, or of
 * the names in a certificate. `host` without brackets, free() it. */
MUST_CHECK enum err config_parse_address(const char *text, char **host, unsigned *port);
/* One to CONFIG_HUBS of these with commas. `hosts` likewise with commas, free() it; the port is
 * that of the first. */
#define CONFIG_HUBS 8
MUST_CHECK enum err config_parse_hubs(const char *text, char **hosts, unsigned *port);

#endif
