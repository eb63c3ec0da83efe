/* certificate.h - the X.509 of a site authority: ECDSA on P-256, which nats-server, OpenSSL and
 * browsers' libraries all take; RFC 5280. Pure, but for random numbers. Times are seconds since
 * 1970. Errors: ERR_IO when OpenSSL cannot; others are named. */
#ifndef ENROL_CERTIFICATE_H
#define ENROL_CERTIFICATE_H

#include "base/buf.h"

#include <openssl/x509.h>
#include <stdbool.h>

#define CERTIFICATE_PEM_MAX 16384
#define CERTIFICATE_SERIAL_SIZE 41 /* octets of text, NUL included */

/* ---- keys */

MUST_CHECK enum err certificate_key_new(EVP_PKEY **, struct diag *);
MUST_CHECK enum err certificate_put_key(struct buf *pem, EVP_PKEY *); /* secret: wipe it */
/* ERR_MALFORMED: not a private key. */
MUST_CHECK enum err certificate_read_key(const char *pem, size_t size, EVP_PKEY **, struct diag *);

/* Signatures over any octets, ECDSA with SHA-256 in DER. */
MUST_CHECK enum err certificate_sign(EVP_PKEY *, const void *data, size_t size, struct buf *);
bool certificate_verify_signature(EVP_PKEY *, const void *data, size_t size,
                                  const struct buf *signature);

/* ---- requests */

/* A PKCS #10 request (RFC 2986) of this name. */
MUST_CHECK enum err certificate_put_request(struct buf *pem, EVP_PKEY *, const char *name,
                                            struct diag *);
/* The key that asks, which has signed the request. ERR_MALFORMED: not a request; ERR_DENIED: it was
 * not signed by its key; ERR_UNSUPPORTED: a key other than P-256. */
MUST_CHECK enum err certificate_read_request(const char *pem, size_t size, EVP_PKEY **,
                                             struct diag *);

/* ---- certificates */

struct certificate_terms {
    const char *name;  /* the common name */
    const char *names; /* "DNS:a,IP:192.0.2.1": other names; NULL: none. Checked by the caller */
    bool is_authority, is_server, is_client;
    unsigned depth; /* of an authority: how many others may be below it */
    int64_t from, to;
};

/* Of `key`, by an authority; `authority` NULL: by itself. Free it by X509_free(). */
MUST_CHECK enum err certificate_issue(EVP_PKEY *key, const struct certificate_terms *,
                                      X509 *authority, EVP_PKEY *authority_key, X509 **,
                                      struct diag *);
MUST_CHECK enum err certificate_put(struct buf *pem, X509 *);
/* The first in the text. ERR_MALFORMED: there is none. */
MUST_CHECK enum err certificate_read(const char *pem, size_t size, X509 **, struct diag *);
/* Is it signed by this authority, valid at `now`, and of this key (NULL: any)? ERR_DENIED says what
 * not. */
MUST_CHECK enum err certificate_check(X509 *, X509 *authority, EVP_PKEY *key, int64_t now,
                                      struct diag *);
/* May it sign other authorities, and is this its key? ERR_INVALID; ERR_CONFLICT: not its key. */
MUST_CHECK enum err certificate_check_authority(X509 *, EVP_PKEY *key, int64_t now, struct diag *);
int64_t certificate_expires(X509 *); /* 0: it cannot be read */
void certificate_serial(X509 *, char hex[CERTIFICATE_SERIAL_SIZE]);

#endif
