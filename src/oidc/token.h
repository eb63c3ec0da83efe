/* token.h - signed tokens of an identity provider: JSON Web Tokens (RFC 7519, RFC 7515) as OpenID
 * Connect Core 1.0 section 3.1.3.7 wants them checked, and as RFC 8725 (best practices) says. Pure:
 * the keys and the time are given.
 *
 * Which algorithms count is this file's own list, never the token's word: ES256, RS256 and PS256,
 * each with its own kind of key, RSA from 2048 bits on. So `none` and HMAC with a public key as its
 * secret are not known here. libcjose does the arithmetic (it has no EdDSA). */
#ifndef OIDC_TOKEN_H
#define OIDC_TOKEN_H

#include "base/err.h"
#include "base/time.h"

#include <jansson.h>
#include <stddef.h>

#define TOKEN_SIZE_MAX ((size_t)16 << 10) /* octets */
#define TOKEN_DEPTH 8                     /* of header and claims */
#define TOKEN_KEYS_MAX 64                 /* in a set */
#define TOKEN_LEEWAY (60 * NSEC_PER_SEC)  /* that clocks may differ, if nothing else is said */

/* ---- the provider's keys */

struct token_keys; /* Opaque: a JSON Web Key Set (RFC 7517). */

/* Takes of a set the keys that can check signatures by the algorithms above, the others are left
 * out: what a provider has beside them does no harm. ERR_MALFORMED: not a key set; ERR_LIMIT: more
 * than TOKEN_KEYS_MAX; ERR_INVALID: none of its keys is of use. */
MUST_CHECK enum err token_keys_read(const json_t *set, struct token_keys **, struct diag *);
void token_keys_free(struct token_keys *); /* NULL is fine. */
size_t token_keys_count(const struct token_keys *);

/* ---- tokens */

struct token_wanted {
    const char *issuer; /* `iss`, to the letter */
    const char
        *client;     /* among `aud` of what is for the client itself; and `azp`, if there is one */
    const char *api; /* or this: of what is for an API; NULL: that is not taken */
    const char *nonce; /* NULL: none was sent, and none is looked at */
    nsec_t now;        /* wall clock */
    nsec_t leeway;     /* that clocks may differ */
};

/* Checks all of it and gives the claims, which the caller owns.
 * ERR_LIMIT: larger than TOKEN_SIZE_MAX; ERR_MALFORMED: not a signed token in compact form;
 * ERR_NOT_FOUND: signed by a key that is not in the set (the provider may have a new one);
 * ERR_DENIED: everything else, in words that name the claim. Nothing of the token but its `kid`,
 * `alg`, and the names of parties is ever in the words. */
MUST_CHECK enum err token_check(const char *text, size_t size, const struct token_keys *,
                                const struct token_wanted *, json_t **claims, struct diag *);

#endif
