/* tls_private.h - between the parts of TLS. */
#ifndef PROTO_IT_TLS_TLS_PRIVATE_H
#define PROTO_IT_TLS_TLS_PRIVATE_H

#include "base/attr.h"
#include "proto/it/tls/tls.h"

#define TLS_JA4_SIZE 36 /* characters */
#define TLS_LIST 256    /* ciphers, extensions that a fingerprint counts; more are left out */

/* What fingerprints are made of, in the order of the message and without GREASE. */
struct tls_words {
    size_t n;
    uint16_t words[TLS_LIST];
};
struct tls_hello {
    uint16_t version, highest; /* of the old place; of all that are offered */
    bool has_server_name;
    const uint8_t *alpn; /* the first; NULL: none */
    size_t alpn_size;
    struct tls_words ciphers, extensions, groups, signatures;
    const uint8_t *point_formats;
    size_t n_point_formats;
};

void tls_words_add(struct tls_words *, uint16_t); /* without GREASE */
bool tls_is_grease(uint16_t);
/* Hexadecimal, 32 characters and a NUL. */
void tls_ja3(const struct tls_hello *, char text[33]);
void tls_ja3s(const struct tls_hello *, char text[33]); /* its only cipher is the chosen one */
void tls_ja4(const struct tls_hello *, char text[TLS_JA4_SIZE + 1]);

/* Adds an object for the certificate (RFC 5280 section 4.1), which is all that is left; `digest`
 * has room for one, and lasts as long as the PDU, or is NULL. */
#define TLS_SHA256_SIZE 32
void tls_certificate(struct dissection *, struct cursor *, uint8_t *digest);

enum frame_found tls_frame(const uint8_t *, size_t, size_t *);
int tls_looks(const uint8_t *, size_t);
void tls_dissect(struct dissection *, struct cursor *);
size_t tls_body(struct dissection *, const uint8_t *, size_t);

struct tls_state {
    bool is_begun[2];   /* a hello was said that way */
    bool is_changed[2]; /* ChangeCipherSpec was said that way */
    bool is_opaque[2];  /* application data were */
};

#endif
