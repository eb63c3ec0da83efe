/* nats_jwt.h - what NATS servers believe: claims, version 2, signed by an nkey (nkey.h).
 *
 *     BASE64URL({"typ":"JWT","alg":"ed25519-nkey"}).BASE64URL(claims).BASE64URL(signature)
 *
 * An operator signs itself and accounts, an account signs users. Times are seconds since 1970.
 * (https://github.com/nats-io/jwt) Pure. */
#ifndef IO_NATS_JWT_H
#define IO_NATS_JWT_H

#include "base/buf.h"
#include "io/nkey.h"

#include <jansson.h>

#define NATS_JWT_MAX 65536 /* octets of text */

struct nats_subject {
    const char *name;        /* for people */
    const struct nkey *key;  /* whom the claims are about; its public part */
    int64_t issued, expires; /* expires 0: never */
};

/* The claims; the caller owns them. */
json_t *nats_operator_claims(const struct nats_subject *);

/* What an account lets others have, and has from others; all borrowed, NULL: nothing. */
struct nats_account {
    json_t *exports;  /* array of subjects, as streams, to whoever imports them */
    json_t *services; /* array of subjects, to be asked by whoever imports them */
    /* Array of {"account": "A...", "subject"}, and of a service "to": what it is called here. */
    json_t *imports;
    int64_t revoked; /* users' claims of that time or before are void; 0: none */
};
json_t *nats_account_claims(const struct nats_subject *, const struct nats_account *);

struct nats_user {
    struct nats_subject subject;
    const char *connection; /* "STANDARD", "LEAFNODE": the only kind it may make */
    /* Arrays of subjects, all borrowed; what no list allows is refused. */
    json_t *publish, *publish_not, *subscribe;
    json_t *sources; /* addresses and networks it may come from; NULL or empty: any */
};
json_t *nats_user_claims(const struct nats_user *);

/* Signs: adds `iss` and `jti` to the claims, appends the text. ERR_IO: it cannot be signed. */
MUST_CHECK enum err nats_jwt_sign(json_t *claims, const struct nkey *issuer, struct buf *text);

/* Reads a text that this key has signed, about a key of this kind. The caller owns *claims; NULL:
 * not wanted. ERR_MALFORMED: it is none; ERR_DENIED: signed by another, or not for this kind. That
 * it has expired is not looked at. */
MUST_CHECK enum err nats_jwt_open(const char *text, size_t size, const struct nkey *issuer,
                                  enum nkey_kind kind, struct nkey *subject, json_t **claims,
                                  struct diag *);
/* The same of one that signs itself. */
MUST_CHECK enum err nats_jwt_open_operator(const char *text, size_t size, struct nkey *subject,
                                           struct diag *);

/* A user's claims and seed in one file, as clients and leaf nodes read it. Secret. */
void nats_creds_put(struct buf *, const char *jwt, const struct nkey *user);

#endif
