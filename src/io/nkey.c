#include "io/nkey.h"

#include "base/bytes.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_SEED 0x90 /* 'S' in the first five bits */
#define PUBLIC_SIZE 35   /* prefix, key, CRC */
#define SEED_SIZE 36

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static const struct {
    uint8_t prefix;
    const char *name;
} kinds[] = {
    [NKEY_OPERATOR] = {14 << 3, "an operator's"},
    [NKEY_ACCOUNT] = {0, "an account's"},
    [NKEY_USER] = {20 << 3, "a user's"},
};

/* ---- Text ---- */

void
nkey_base32(const uint8_t *data, size_t size, char *text)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | data[i];
        for (n_bits += 8; n_bits >= 5; n_bits -= 5)
            *text++ = alphabet[bits >> (n_bits - 5) & 31];
    }
    if (n_bits)
        *text++ = alphabet[bits << (5 - n_bits) & 31];
    *text = 0;
}

/* Exactly `size` octets out of as many characters as they need. */
static enum err
parse_base32(const char *text, uint8_t *data, size_t size, const char *what, struct diag *diag)
{
    size_t length = (size * 8 + 4) / 5;
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < length; i++) {
        const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!at)
            return diag_set(diag, ERR_MALFORMED, "%s: character %zu is not base32", what, i + 1);
        bits = bits << 5 | (uint32_t)(at - alphabet);
        n_bits += 5;
        if (n_bits >= 8) {
            n_bits -= 8;
            *data++ = (uint8_t)(bits >> n_bits);
        }
    }
    return bits & ((1u << n_bits) - 1)
               ? diag_set(diag, ERR_MALFORMED, "%s: bits behind its end", what)
               : ERR_OK;
}

static uint16_t
crc16(const uint8_t *data, size_t size)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint32_t)data[i] << 8;
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
    }
    return (uint16_t)crc;
}

static void
put_crc(uint8_t *data, size_t size)
{
    uint16_t crc = crc16(data, size - 2);
    data[size - 2] = (uint8_t)crc;
    data[size - 1] = (uint8_t)(crc >> 8);
}

static enum err
parse(const char *text, size_t length, uint8_t *data, size_t size, const char *what,
      struct diag *diag)
{
    size_t expected = (size * 8 + 4) / 5;
    if (length != expected)
        return diag_set(diag, ERR_MALFORMED, "%s: %zu characters, not %zu", what, length, expected);
    enum err err = parse_base32(text, data, size, what, diag);
    if (!err && (data[size - 2] | data[size - 1] << 8) != crc16(data, size - 2))
        err = diag_set(diag, ERR_MALFORMED, "%s: its checksum is wrong", what);
    return err;
}

void
nkey_put_public(const struct nkey *key, char text[NKEY_PUBLIC_LENGTH + 1])
{
    uint8_t data[PUBLIC_SIZE];
    data[0] = kinds[key->kind].prefix;
    memcpy(data + 1, key->octets, sizeof key->octets);
    put_crc(data, sizeof data);
    nkey_base32(data, sizeof data, text);
}

void
nkey_put_seed(const struct nkey *key, char text[NKEY_SEED_LENGTH + 1])
{
    uint8_t data[SEED_SIZE], prefix = kinds[key->kind].prefix;
    data[0] = PREFIX_SEED | prefix >> 5;
    data[1] = (uint8_t)(prefix << 3);
    memcpy(data + 2, key->seed, sizeof key->seed);
    put_crc(data, sizeof data);
    nkey_base32(data, sizeof data, text);
    OPENSSL_cleanse(data, sizeof data);
}

enum err
nkey_parse_public(const char *text, size_t length, enum nkey_kind kind, struct nkey *key,
                  struct diag *diag)
{
    uint8_t data[PUBLIC_SIZE];
    enum err err = parse(text, length, data, sizeof data, "public nkey", diag);
    if (err)
        return err;
    if (data[0] != kinds[kind].prefix)
        return diag_set(diag, ERR_INVALID, "public nkey: it is not %s", kinds[kind].name);
    *key = (struct nkey){.kind = kind};
    memcpy(key->octets, data + 1, sizeof key->octets);
    return ERR_OK;
}

/* ---- Keys ---- */

static EVP_PKEY *
secret_of(const struct nkey *key)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed, sizeof key->seed);
}

/* The public key of the seed. */
static enum err
complete(struct nkey *key, struct diag *diag)
{
    size_t size = sizeof key->octets;
    EVP_PKEY *secret = secret_of(key);
    bool good = secret && EVP_PKEY_get_raw_public_key(secret, key->octets, &size) == 1;
    EVP_PKEY_free(secret);
    key->has_seed = true;
    return good ? ERR_OK : diag_set(diag, ERR_IO, "OpenSSL makes no Ed25519 key");
}

enum err
nkey_new(enum nkey_kind kind, struct nkey *result, struct diag *diag)
{
    struct nkey key = {.kind = kind};
    enum err err = RAND_priv_bytes(key.seed, sizeof key.seed) == 1
                       ? complete(&key, diag)
                       : diag_set(diag, ERR_IO, "there are no random numbers");
    if (!err)
        *result = key;
    nkey_fini(&key);
    return err;
}

void
nkey_fini(struct nkey *key)
{
    OPENSSL_cleanse(key, sizeof *key);
}

enum err
nkey_parse_seed(const char *text, size_t length, enum nkey_kind kind, struct nkey *result,
                struct diag *diag)
{
    struct nkey key = {.kind = kind};
    uint8_t data[SEED_SIZE], prefix = kinds[kind].prefix;
    enum err err = parse(text, length, data, sizeof data, "seed", diag);
    if (!err && ((data[0] & 0xf8) != PREFIX_SEED || data[1] & 7))
        err = diag_set(diag, ERR_MALFORMED, "seed: it does not begin as one");
    else if (!err && ((data[0] & 7) != prefix >> 5 || data[1] != (uint8_t)(prefix << 3)))
        err = diag_set(diag, ERR_INVALID, "seed: it is not %s", kinds[kind].name);
    if (!err) {
        memcpy(key.seed, data + 2, sizeof key.seed);
        err = complete(&key, diag);
    }
    if (!err)
        *result = key;
    OPENSSL_cleanse(data, sizeof data);
    nkey_fini(&key);
    return err;
}

bool
nkey_equal(const struct nkey *a, const struct nkey *b)
{
    return a->kind == b->kind && !memcmp(a->octets, b->octets, sizeof a->octets);
}

/* ---- Signatures ---- */

enum err
nkey_sign(const struct nkey *key, const void *data, size_t size,
          uint8_t signature[NKEY_SIGNATURE_SIZE])
{
    size_t n = NKEY_SIGNATURE_SIZE;
    EVP_PKEY *secret = key->has_seed ? secret_of(key) : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = secret && ctx && EVP_DigestSignInit(ctx, NULL, NULL, NULL, secret) == 1 &&
                EVP_DigestSign(ctx, signature, &n, data, size) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(secret);
    return good ? ERR_OK : ERR_IO;
}

bool
nkey_verify(const struct nkey *key, const void *data, size_t size,
            const uint8_t signature[NKEY_SIGNATURE_SIZE])
{
    EVP_PKEY *public_key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->octets,
                                                       sizeof key->octets);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = public_key && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public_key) == 1 &&
                EVP_DigestVerify(ctx, signature, NKEY_SIGNATURE_SIZE, data, size) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(public_key);
    return good;
}
