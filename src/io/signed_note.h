/* signed_note.h - text with Ed25519 signatures below it, as transparency logs pass it on (C2SP
 * signed-note), so that tools of others can read and check it:
 *
 *     first line of the text
 *     ...
 *
 *     — NAME c29tZSBzaWduYXR1cmU...     key id (4 octets) and signature, one line per signer
 *
 * The key id is the beginning of SHA-256 over the name, a line feed, 0x01 and the public key. What
 * a text is for, its first line says: a signature of one kind of note is none of another. Pure. */
#ifndef IO_SIGNED_NOTE_H
#define IO_SIGNED_NOTE_H

#include "base/buf.h"

#include <openssl/types.h>
#include <stdbool.h>

#define NOTE_NAME_MAX 128 /* octets of a signer's name */

/* An Ed25519 key in PEM. ERR_MALFORMED: it is none, or another kind. EVP_PKEY_free() it. */
MUST_CHECK enum err note_secret_key(const char *pem, size_t size, EVP_PKEY **, struct diag *);
MUST_CHECK enum err note_public_key(const char *pem, size_t size, EVP_PKEY **, struct diag *);

/* ERR_INVALID: empty, too long, or with a space, a '+', a control character, or beyond ASCII. */
MUST_CHECK enum err note_check_name(const char *name, struct diag *);

/* A verifier's key as a line of text without its end, "NAME+KEYID+BASE64". */
void note_put_verifier(struct buf *, const char *name, EVP_PKEY *key);
/* Reads one. `name` gets the signer's. ERR_MALFORMED: it is none, or its id is another key's. */
MUST_CHECK enum err note_verifier(const char *line, size_t length, char name[NOTE_NAME_MAX + 1],
                                  EVP_PKEY **, struct diag *);

/* Appends the note: the text, which ends with a line feed, and one signature. ERR_INVALID: the
 * name. */
MUST_CHECK enum err note_sign(struct buf *note, const char *text, size_t size, const char *name,
                              EVP_PKEY *secret, struct diag *);
/* Appends one more signature to a note that is there. Also ERR_MALFORMED: it is no note. */
MUST_CHECK enum err note_countersign(struct buf *note, const char *name, EVP_PKEY *secret,
                                     struct diag *);
/* How many octets at the beginning of a note are its text. 0: it is no note. */
size_t note_text_size(const char *note, size_t size);
/* Is there a signature under this name by this key? `text_size` is what note_text_size() said. */
bool note_is_signed(const char *note, size_t size, size_t text_size, const char *name,
                    EVP_PKEY *public_key);

#endif
