#include "enrol/certificate.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SERIAL_BITS 127 /* RFC 5280 4.1.2.2: at most 20 octets, not negative, hard to guess */

static enum err
fail(struct diag *diag, const char *what)
{
    const char *why = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return diag_set(diag, ERR_IO, "%s: %s", what, why ? why : "OpenSSL cannot");
}

/* Moves what was written out of a memory BIO. */
static enum err
take(BIO *bio, bool good, struct buf *out)
{
    char *data;
    long size = good && bio ? BIO_get_mem_data(bio, &data) : 0;
    if (size > 0)
        buf_put(out, data, (size_t)size);
    BIO_free(bio);
    ERR_clear_error();
    return size > 0 ? ERR_OK : ERR_IO;
}

static BIO *
over(const char *pem, size_t size)
{
    return size && size <= CERTIFICATE_PEM_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
}

/* ---- Keys ---- */

enum err
certificate_key_new(EVP_PKEY **key, struct diag *diag)
{
    *key = EVP_EC_gen("P-256");
    return *key ? ERR_OK : fail(diag, "a key cannot be made");
}

enum err
certificate_put_key(struct buf *pem, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio)
        bio = BIO_new(BIO_s_mem());
    return take(bio, bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1,
                pem);
}

enum err
certificate_read_key(const char *pem, size_t size, EVP_PKEY **key, struct diag *diag)
{
    BIO *bio = over(pem, size);
    *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return *key ? ERR_OK : diag_set(diag, ERR_MALFORMED, "not a private key in PEM");
}

enum err
certificate_sign(EVP_PKEY *key, const void *data, size_t size, struct buf *out)
{
    uint8_t signature[256];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestSign(ctx, signature, &n, data, size) == 1;
    EVP_MD_CTX_free(ctx);
    if (good)
        buf_put(out, signature, n);
    return good ? ERR_OK : ERR_IO;
}

bool
certificate_verify_signature(EVP_PKEY *key, const void *data, size_t size,
                             const struct buf *signature)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
                EVP_DigestVerify(ctx, signature->data, signature->size, data, size) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return good;
}

/* ---- Requests ---- */

static bool
name_it(X509_NAME *name, const char *text)
{
    return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)text, -1, -1, 0);
}

enum err
certificate_put_request(struct buf *pem, EVP_PKEY *key, const char *name, struct diag *diag)
{
    X509_REQ *request = X509_REQ_new();
    BIO *bio = BIO_new(BIO_s_mem());
    bool good = request && bio && name_it(X509_REQ_get_subject_name(request), name) &&
                X509_REQ_set_pubkey(request, key) && X509_REQ_sign(request, key, EVP_sha256()) &&
                PEM_write_bio_X509_REQ(bio, request);
    X509_REQ_free(request);
    return take(bio, good, pem) ? fail(diag, "a request cannot be made") : ERR_OK;
}

static bool
is_p256(EVP_PKEY *key)
{
    char group[64];
    size_t size;
    return EVP_PKEY_is_a(key, "EC") &&
           EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
           !strcmp(group, "prime256v1");
}

enum err
certificate_read_request(const char *pem, size_t size, EVP_PKEY **result, struct diag *diag)
{
    BIO *bio = over(pem, size);
    X509_REQ *request = bio ? PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL) : NULL;
    EVP_PKEY *key = request ? X509_REQ_get_pubkey(request) : NULL;
    enum err err = ERR_OK;
    if (!key)
        err = diag_set(diag, ERR_MALFORMED, "not a certificate request in PEM");
    else if (!is_p256(key))
        err = diag_set(diag, ERR_UNSUPPORTED, "its key is not of the curve P-256");
    else if (X509_REQ_verify(request, key) != 1)
        err = diag_set(diag, ERR_DENIED, "it is not signed by its own key");
    X509_REQ_free(request);
    BIO_free(bio);
    ERR_clear_error();
    if (err)
        EVP_PKEY_free(key);
    else
        *result = key;
    return err;
}

/* ---- Issuing ---- */

static bool
extend(X509 *cert, X509 *authority, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, authority, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool good = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return good;
}

static bool
extend_all(X509 *cert, X509 *authority, const struct certificate_terms *terms)
{
    const char *use = terms->is_server && terms->is_client ? "serverAuth,clientAuth"
                      : terms->is_server                   ? "serverAuth"
                                                           : "clientAuth";
    bool good = extend(cert, authority, NID_subject_key_identifier, "hash") &&
                extend(cert, authority, NID_authority_key_identifier, "keyid");
    if (terms->is_authority) {
        char limits[48];
        snprintf(limits, sizeof limits, "critical,CA:TRUE,pathlen:%u", terms->depth);
        return good && extend(cert, authority, NID_basic_constraints, limits) &&
               extend(cert, authority, NID_key_usage, "critical,keyCertSign,cRLSign");
    }
    good = good && extend(cert, authority, NID_basic_constraints, "critical,CA:FALSE") &&
           extend(cert, authority, NID_key_usage, "critical,digitalSignature") &&
           extend(cert, authority, NID_ext_key_usage, use);
    return good && (!terms->names || extend(cert, authority, NID_subject_alt_name, terms->names));
}

static bool
number_it(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool good = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
                BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));
    BN_free(number);
    return good;
}

static bool
date_it(X509 *cert, const struct certificate_terms *terms)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)terms->from) &&
           ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)terms->to);
}

enum err
certificate_issue(EVP_PKEY *key, const struct certificate_terms *terms, X509 *authority,
                  EVP_PKEY *authority_key, X509 **result, struct diag *diag)
{
    X509 *cert = X509_new();
    bool good = cert && X509_set_version(cert, X509_VERSION_3) && number_it(cert) &&
                date_it(cert, terms) && name_it(X509_get_subject_name(cert), terms->name) &&
                X509_set_pubkey(cert, key);
    X509 *by = authority ? authority : cert;
    EVP_PKEY *by_key = authority ? authority_key : key;
    /* Ed25519 has its own hash. */
    const EVP_MD *hash = EVP_PKEY_is_a(by_key, "ED25519") ? NULL : EVP_sha256();
    good = good && X509_set_issuer_name(cert, X509_get_subject_name(by)) &&
           extend_all(cert, by, terms) && X509_sign(cert, by_key, hash);
    if (good) {
        *result = cert;
        return ERR_OK;
    }
    X509_free(cert);
    return fail(diag, "a certificate cannot be issued");
}

/* ---- Reading ---- */

enum err
certificate_put(struct buf *pem, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take(bio, bio && PEM_write_bio_X509(bio, cert), pem);
}

enum err
certificate_read(const char *pem, size_t size, X509 **cert, struct diag *diag)
{
    BIO *bio = over(pem, size);
    *cert = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    return *cert ? ERR_OK : diag_set(diag, ERR_MALFORMED, "not a certificate in PEM");
}

static int64_t
seconds_of(const ASN1_TIME *time)
{
    struct tm tm;
    return ASN1_TIME_to_tm(time, &tm) ? (int64_t)timegm(&tm) : 0;
}

int64_t
certificate_expires(X509 *cert)
{
    return seconds_of(X509_get0_notAfter(cert));
}

static enum err
check_dates(X509 *cert, int64_t now, struct diag *diag)
{
    if (now > certificate_expires(cert))
        return diag_set(diag, ERR_DENIED, "the certificate has expired");
    if (now < seconds_of(X509_get0_notBefore(cert)))
        return diag_set(diag, ERR_DENIED, "the certificate is not valid yet; is the clock right?");
    return ERR_OK;
}

enum err
certificate_check(X509 *cert, X509 *authority, EVP_PKEY *key, int64_t now, struct diag *diag)
{
    EVP_PKEY *authority_key = X509_get0_pubkey(authority);
    bool is_signed = authority_key && X509_check_issued(authority, cert) == X509_V_OK &&
                     X509_verify(cert, authority_key) == 1;
    bool is_own = !key || X509_check_private_key(cert, key) == 1;
    ERR_clear_error();
    if (!is_signed)
        return diag_set(diag, ERR_DENIED, "the certificate is not of this authority");
    if (!is_own)
        return diag_set(diag, ERR_DENIED, "the certificate is of another key");
    return check_dates(cert, now, diag);
}

enum err
certificate_check_authority(X509 *cert, EVP_PKEY *key, int64_t now, struct diag *diag)
{
    bool is_own = X509_check_private_key(cert, key) == 1;
    ERR_clear_error();
    if (X509_check_ca(cert) != 1 || X509_get_pathlen(cert) == 0)
        return diag_set(diag, ERR_INVALID, "the certificate may not sign other authorities");
    if (!is_own)
        return diag_set(diag, ERR_CONFLICT, "the key is not the certificate's");
    return check_dates(cert, now, diag);
}

void
certificate_serial(X509 *cert, char hex[CERTIFICATE_SERIAL_SIZE])
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    const uint8_t *data = ASN1_STRING_get0_data(serial);
    size_t size = (size_t)ASN1_STRING_length(serial);
    *hex = 0;
    hex_format(data, size > 20 ? 20 : size, hex);
}
