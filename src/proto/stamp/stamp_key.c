#include "proto/stamp/stamp_key.h"

#include "base/alloc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct stamp_key {
    EVP_MAC_CTX *context; /* initialised with the secret; each digest starts it again */
};

enum err
stamp_key_new(const uint8_t *secret, size_t size, struct stamp_key **key)
{
    if (size < STAMP_KEY_MIN_SIZE)
        return ERR_INVALID;
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac); /* the context keeps its own reference */
    if (!context || !EVP_MAC_init(context, secret, size, parameters)) {
        EVP_MAC_CTX_free(context);
        return ERR_IO;
    }
    *key = xmalloc(sizeof **key);
    (*key)->context = context;
    return ERR_OK;
}

void
stamp_key_free(struct stamp_key *key)
{
    if (!key)
        return;
    EVP_MAC_CTX_free(key->context);
    free(key);
}

/* Two pieces, because the HMAC TLV skips the middle of the packet. Once the key is set, none of
 * these calls can fail; if one does all the same, the process has lost its mind. */
static void
digest(struct stamp_key *key, const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
       uint8_t hmac[STAMP_HMAC_SIZE])
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    size_t size;
    if (!EVP_MAC_init(key->context, NULL, 0, NULL) || !EVP_MAC_update(key->context, a, a_size) ||
        !EVP_MAC_update(key->context, b, b_size) ||
        !EVP_MAC_final(key->context, whole, &size, sizeof whole) || size < STAMP_HMAC_SIZE)
        abort();
    memcpy(hmac, whole, STAMP_HMAC_SIZE);
}

void
stamp_key_sign(struct stamp_key *key, uint8_t *packet)
{
    digest(key, packet, STAMP_HMAC_COVERS, packet, 0, packet + STAMP_HMAC_COVERS);
}

bool
stamp_key_verify(struct stamp_key *key, const uint8_t *packet)
{
    uint8_t hmac[STAMP_HMAC_SIZE];
    digest(key, packet, STAMP_HMAC_COVERS, packet, 0, hmac);
    return !CRYPTO_memcmp(hmac, packet + STAMP_HMAC_COVERS, sizeof hmac);
}

void
stamp_key_sign_tlvs(struct stamp_key *key, const uint8_t *packet, const uint8_t *tlvs, size_t size,
                    uint8_t hmac[STAMP_HMAC_SIZE])
{
    digest(key, packet, 4, tlvs, size, hmac);
}

bool
stamp_key_verify_tlvs(struct stamp_key *key, const uint8_t *packet, const uint8_t *tlvs,
                      size_t size, const uint8_t hmac[STAMP_HMAC_SIZE])
{
    uint8_t expected[STAMP_HMAC_SIZE];
    digest(key, packet, 4, tlvs, size, expected);
    return !CRYPTO_memcmp(expected, hmac, sizeof expected);
}
