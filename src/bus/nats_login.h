/* nats_login.h - where a broker is, and what a client says to be let in. */
#ifndef BUS_NATS_LOGIN_H
#define BUS_NATS_LOGIN_H

#include "base/buf.h"

#include <jansson.h>

/* nats://[USER:PASSWORD@]HOST[:PORT] or tls://... */
struct nats_url {
    bool tls;
    char host[256];                /* without brackets */
    char address[280];             /* as io/address.h */
    char user[128], password[256]; /* "": none */
};

/* ERR_INVALID. The text never has the password. */
MUST_CHECK enum err nats_url_parse(const char *url, struct nats_url *, struct diag *);

struct nats_login {
    const struct nats_url *url;
    const char *name;             /* NULL: none */
    const char *credentials_file; /* NATS .creds: JWT and seed; NULL: none */
};

/* Appends the CONNECT operation that answers the broker's INFO. ERR_NOT_FOUND, ERR_DENIED, ERR_IO,
 * ERR_LIMIT, ERR_MALFORMED: the credentials; nothing secret is in the text. */
MUST_CHECK enum err nats_login_put(struct buf *, const struct nats_login *, const json_t *info,
                                   struct diag *);

#endif
