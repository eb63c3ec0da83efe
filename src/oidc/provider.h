/* provider.h - an OpenID Connect provider as far as it must be known: where things are (OpenID
 * Connect Discovery 1.0) and by which keys it signs (its JWKS), kept fresh.
 *
 *     start -> configuration -> keys -> (refresh) -> configuration -> keys ...
 *                  \______________\-> failed -> (back-off: 5 s, 10 s ... 5 min) -> again
 *
 * The keys that were read last hold for `keys_hold`, whether the provider can be reached or not; in
 * the file `cache` they outlive the program. A token signed by a key that is not known makes it
 * look again at once, but not more than once in PROVIDER_LOOK_EVERY. */
#ifndef OIDC_PROVIDER_H
#define OIDC_PROVIDER_H

#include "oidc/fetch.h"
#include "oidc/token.h"

#include <stdbool.h>

#define PROVIDER_REFRESH (3600 * NSEC_PER_SEC)
#define PROVIDER_KEYS_HOLD (7 * 24 * 3600 * NSEC_PER_SEC)
#define PROVIDER_LOOK_EVERY (10 * NSEC_PER_SEC)
#define PROVIDER_BACK_OFF (5 * NSEC_PER_SEC)
#define PROVIDER_BACK_OFF_MAX (300 * NSEC_PER_SEC)

struct provider; /* Opaque. */

/* Copied. */
struct provider_config {
    const char *issuer; /* https://..., to the letter as the provider writes it */
    const char *ca;     /* as in fetch.h */
    const char *cache;  /* file; NULL: none */
    nsec_t keys_hold;   /* 0: PROVIDER_KEYS_HOLD */
    nsec_t refresh;     /* 0: PROVIDER_REFRESH */
};

/* Starts looking; never NULL. What is wrong with the cache is logged: it is done without. */
struct provider *provider_new(uv_loop_t *, const struct provider_config *);
/* Those who wait are told ERR_CLOSED. NULL is fine. */
void provider_free(struct provider *);

/* The keys that hold; NULL: there are none, and `diag` says why. Valid until the loop goes on. */
const struct token_keys *provider_keys(struct provider *, struct diag *);
/* A member of its configuration that is a text: "token_endpoint". NULL: not known. */
const char *provider_text(const struct provider *, const char *member);

/* Looks again now, unless it just has, and tells when that is through. ERR_OK: whatever there is to
 * know is known; it need not be news. */
typedef void provider_looked_fn(void *arg, enum err);
void provider_look(struct provider *, provider_looked_fn *, void *arg);

struct provider_health {
    bool reachable;  /* the last look succeeded */
    const char *why; /* "" or why it did not */
    size_t n_keys;   /* 0: none hold */
    nsec_t holds;    /* wall clock: until when the keys hold; 0: none do */
    uint64_t n_looks, n_failed;
};
struct provider_health provider_health(struct provider *);

#endif
