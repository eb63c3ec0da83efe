/* nkey.h - the keys of NATS: Ed25519 (RFC 8032) in text that says what the key is for.
 *
 * Public: one prefix octet, the key, CRC-16 (polynomial 0x1021, from 0) with its low octet first;
 * in base32 (RFC 4648 section 6) without padding: 56 characters, the first of them O, A or U. Seeds
 * have two prefix octets, the kind in the lower 8 of their first 13 bits: 58 characters, SO, SA or
 * SU. (https://github.com/nats-io/nkeys) Reading is strict: only these kinds, only capitals, no
 * bits behind the end. Pure, but for the random numbers of a new key. */
#ifndef IO_NKEY_H
#define IO_NKEY_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NKEY_PUBLIC_LENGTH 56
#define NKEY_SEED_LENGTH 58
#define NKEY_SIGNATURE_SIZE 64

enum nkey_kind { NKEY_OPERATOR, NKEY_ACCOUNT, NKEY_USER };

struct nkey {
    enum nkey_kind kind;
    bool has_seed;      /* it can sign */
    uint8_t seed[32];   /* secret; nkey_fini() wipes it */
    uint8_t octets[32]; /* the public key */
};

/* ERR_IO: no random numbers. */
MUST_CHECK enum err nkey_new(enum nkey_kind, struct nkey *, struct diag *);
void nkey_fini(struct nkey *);

/* Exactly `length` characters. ERR_MALFORMED says where; ERR_INVALID: it is of another kind. */
MUST_CHECK enum err nkey_parse_public(const char *text, size_t length, enum nkey_kind,
                                      struct nkey *, struct diag *);
/* The same of a seed. An error's text has nothing of the seed. */
MUST_CHECK enum err nkey_parse_seed(const char *text, size_t length, enum nkey_kind, struct nkey *,
                                    struct diag *);
void nkey_put_public(const struct nkey *, char text[NKEY_PUBLIC_LENGTH + 1]);
/* Wipe the text after use. */
void nkey_put_seed(const struct nkey *, char text[NKEY_SEED_LENGTH + 1]);

bool nkey_equal(const struct nkey *, const struct nkey *); /* the same public key */

/* Needs the seed. ERR_IO: OpenSSL cannot. */
MUST_CHECK enum err nkey_sign(const struct nkey *, const void *data, size_t size,
                              uint8_t signature[NKEY_SIGNATURE_SIZE]);
bool nkey_verify(const struct nkey *, const void *data, size_t size,
                 const uint8_t signature[NKEY_SIGNATURE_SIZE]);

/* Base32 as above, of anything; appends size * 8 / 5 characters, rounded up, and a NUL. */
void nkey_base32(const uint8_t *data, size_t size, char *text);

#endif
