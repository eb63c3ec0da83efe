/* authority.h - what the control centre vouches by: a CA for certificates, an operator and
 * accounts for claims. In its directory: ca.pem, ca.key, operator.nk, operator.jwt, account.nk,
 * account.jwt, system.jwt. The operator's seed is needed only to take sites in and to revoke: it
 * may be kept elsewhere meanwhile. */
#ifndef ENROL_AUTHORITY_H
#define ENROL_AUTHORITY_H

#include "enrol/identity.h"
#include "enrol/rights.h"
#include "io/nats_jwt.h"

#include <openssl/x509.h>

struct authority {
    X509 *ca;
    EVP_PKEY *ca_key;
    struct nkey account;              /* the centre's own */
    struct nkey operator_key, system; /* public only */
    char *operator_jwt, *account_jwt;
    char *system_jwt; /* of nats-server's own account, which has no users; its seed is forgotten */
};

/* Makes one in `dir`, with a CA of its own called after the centre, `name`, or by an existing one,
 * whose certificate and key are read from these files and copied. */
struct authority_config {
    const char *dir, *name;
    const char *ca_file, *ca_key_file; /* NULL: make one */
    int64_t now;                       /* seconds since 1970 */
};
MUST_CHECK enum err authority_new(const struct authority_config *, struct authority *,
                                  struct diag *);
MUST_CHECK enum err authority_open(const char *dir, struct authority *, struct diag *);
void authority_fini(struct authority *); /* of a zeroed one, too */

/* Signs claims of an account. ERR_NOT_FOUND: the operator's seed is not there; ERR_CONFLICT: it is
 * another's. *jwt is the caller's. */
MUST_CHECK enum err authority_sign_account(const struct authority *, const char *dir,
                                           const struct nats_subject *, const struct nats_account *,
                                           char **jwt, struct diag *);
/* What lets a site's tielined ask its own nats-server about connections, as the service
 * "broker.connections" of the site (bus/nats_turned_away.h): an import of nats_account. The caller
 * owns it. */
json_t *authority_broker_import(const struct nkey *system, const char *site);
/* Signs the account of nats-server itself anew, so that it lets others ask that. */
MUST_CHECK enum err authority_renew_system(struct authority *, const char *dir, int64_t now,
                                           struct diag *);
/* Writes the centre's own account, signed so. Consumes the text. */
MUST_CHECK enum err authority_set_account(struct authority *, const char *dir, char *jwt,
                                          struct diag *);

/* SHA-256 over the CA's certificate and the operator's key: what people compare. */
MUST_CHECK enum err authority_fingerprint(X509 *ca, const struct nkey *operator_key,
                                          char hex[ENVELOPE_HASH_LENGTH + 1]);

/* ---- issuing */

struct issue {
    const struct nkey *account; /* of the site, with its seed */
    struct rights rights;
    const struct identity_public *keys;
    const char *host;        /* more names or addresses of its nats-server, with commas; NULL */
    const json_t *addresses; /* networks that the link may come from; NULL or empty: any */
    int64_t now, expires;
};

/* The server's certificate of a site is signed by an authority of its own, which the CA has signed
 * and whose key is forgotten at once. The hub's links trust only the authorities of sites that are
 * enrolled, a file that can be changed while it runs: so a certificate is revoked. */
struct issued {
    X509 *server, *client;
    X509 *issuer; /* of the server's; NULL for the centre, whose is signed by the CA */
    char *leaf_jwt, *tielined_jwt; /* leaf_jwt NULL for the centre */
};

MUST_CHECK enum err authority_issue(const struct authority *, const struct issue *, struct issued *,
                                    struct diag *);
void issued_fini(struct issued *); /* of a zeroed one, too */

#endif
