/* envelope.h - a JSON document that was signed as the octets it is, so that no two programs can
 * read it differently: {"format", "payload": BASE64, "signatures": {WHO: BASE64}}. What is signed
 * is the format, a line feed, and the octets. Pure. */
#ifndef ENROL_ENVELOPE_H
#define ENROL_ENVELOPE_H

#include "base/buf.h"
#include "io/nkey.h"

#include <jansson.h>
#include <openssl/evp.h>

#define ENVELOPE_MAX 262144 /* octets of text */
#define ENVELOPE_HASH_LENGTH 64

#define ENVELOPE_REQUEST "tieline-site-request/1"
#define ENVELOPE_BUNDLE "tieline-site-bundle/1"

struct envelope {
    json_t *payload;                     /* an object */
    struct buf text;                     /* what is signed */
    json_t *signatures;                  /* WHO: BASE64 */
    char hash[ENVELOPE_HASH_LENGTH + 1]; /* SHA-256 of what is signed: its fingerprint */
};

/* Around a payload, which is consumed. */
MUST_CHECK enum err envelope_new(const char *format, json_t *payload, struct envelope *);
void envelope_fini(struct envelope *); /* of a zeroed one, too */
MUST_CHECK enum err envelope_sign_nkey(struct envelope *, const char *who, const struct nkey *);
MUST_CHECK enum err envelope_sign_key(struct envelope *, const char *who, EVP_PKEY *);
void envelope_put(const struct envelope *, const char *format, struct buf *);

/* ERR_MALFORMED: it is none of this format. Nothing is verified yet. */
MUST_CHECK enum err envelope_open(const char *format, const char *text, size_t size,
                                  struct envelope *, struct diag *);
bool envelope_verify_nkey(const struct envelope *, const char *who, const struct nkey *);
bool envelope_verify_key(const struct envelope *, const char *who, EVP_PKEY *);

/* A text of the payload; NULL: there is none. */
const char *envelope_text(const struct envelope *, const char *member);

#endif
