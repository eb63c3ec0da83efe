/* Requests of sites, bundles, keys and claims from strangers. Whatever is believed was signed: so
 * what a fuzzer makes of a seed is refused, and reads nothing beyond its end. */
#include "enrol/certificate.h"
#include "enrol/identity.h"
#include "io/nats_jwt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A key that is read is written as it was. */
static void
try_keys(const char *text, size_t size)
{
    struct nkey key;
    char again[NKEY_SEED_LENGTH + 1];
    for (enum nkey_kind kind = NKEY_OPERATOR; kind <= NKEY_USER; kind++) {
        if (!nkey_parse_public(text, size, kind, &key, NULL)) {
            nkey_put_public(&key, again);
            if (memcmp(again, text, size) != 0)
                abort();
        }
        if (!nkey_parse_seed(text, size, kind, &key, NULL)) {
            nkey_put_seed(&key, again);
            if (memcmp(again, text, size) != 0)
                abort();
        }
    }
}

static void
try_request(const char *text, size_t size)
{
    struct envelope e;
    struct identity_public keys;
    struct diag diag = {""};
    if (identity_open(text, size, &e, &keys, &diag)) {
        if (!*diag.text)
            abort(); /* a refusal without a reason */
        return;
    }
    identity_public_fini(&keys);
    envelope_fini(&e);
}

static void
try_certificates(const char *text, size_t size)
{
    X509 *cert;
    EVP_PKEY *key;
    char serial[CERTIFICATE_SERIAL_SIZE];
    if (!certificate_read(text, size, &cert, NULL)) {
        (void)certificate_expires(cert);
        certificate_serial(cert, serial);
        X509_free(cert);
    }
    if (!certificate_read_request(text, size, &key, NULL))
        EVP_PKEY_free(key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct nkey subject;
    struct envelope e;
    try_keys(text, size);
    try_request(text, size);
    try_certificates(text, size);
    (void)!nats_jwt_open_operator(text, size, &subject, NULL);
    if (!envelope_open(ENVELOPE_BUNDLE, text, size, &e, NULL))
        envelope_fini(&e);
    return 0;
}
