/* tls_private.h - what tls.c and tls_session.c share. */
#ifndef IO_TLS_PRIVATE_H
#define IO_TLS_PRIVATE_H

#include "io/tls.h"

#include <openssl/ssl.h>

struct tls {
    unsigned n_owners;
    char *ca_file, *cert_file, *key_file;
    SSL_CTX *ctx;
};

/* Runs for each certificate of the peer's chain; called by OpenSSL, written in tls_session.c. */
int tls_session_on_verify(int accepted, X509_STORE_CTX *);

/* OpenSSL's words for the first entry of its error queue, which is emptied. Never NULL. */
const char *tls_reason(unsigned long *code);

#endif
