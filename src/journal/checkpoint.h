/* checkpoint.h - what a journal was at a time, signed: a note as transparency logs pass it on, so
 * that tools of others can read and check it (C2SP tlog-checkpoint and signed-note):
 *
 *     tieline-journal/SITE/ID           whose
 *     4711                              events
 *     c29tZSBiYXNlNjQ...                the root over them (merkle.h), base64
 *
 *     — NAME c29tZSBzaWduYXR1cmU...     key id (4 octets) and Ed25519 signature, one line per
 * signer
 *
 * The leaf of an event is its hash (event.h); the note is io/signed_note.h's. Pure. */
#ifndef JOURNAL_CHECKPOINT_H
#define JOURNAL_CHECKPOINT_H

#include "io/signed_content.h"
#include "journal/event.h"
#include "journal/merkle.h"

#define CHECKPOINT_ORIGIN_MAX 160 /* octets */
#define CHECKPOINT_NOTE_MAX 16384

struct checkpoint {
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    uint64_t size;
    struct merkle_hash root;
};

/* An Ed25519 key in PEM. ERR_MALFORMED: it is none, or another kind. EVP_PKEY_free() it. */
MUST_CHECK enum err checkpoint_secret_key(const char *pem, size_t size, EVP_PKEY **, struct diag *);
MUST_CHECK enum err checkpoint_public_key(const char *pem, size_t size, EVP_PKEY **, struct diag *);

/* Whose: of a journal. */
void checkpoint_origin(const struct journal_identity *, char origin[CHECKPOINT_ORIGIN_MAX + 1]);

/* Appends the note with one signature. ERR_INVALID: the name is empty, too long, or has a space, a
 * '+' or a control character in it. */
MUST_CHECK enum err checkpoint_sign(const struct checkpoint *, const char *name, EVP_PKEY *secret,
                                    struct buf *note, struct diag *);
/* Appends one more signature to a note that is there, as a witness does. Also ERR_MALFORMED. */
MUST_CHECK enum err checkpoint_countersign(struct buf *note, const char *name, EVP_PKEY *secret,
                                           struct diag *);
/* Reads a note that this key has signed under this name; other signatures are not looked at.
 * ERR_MALFORMED: it is none; ERR_DENIED: not signed by it, or something else was. */
MUST_CHECK enum err checkpoint_open(const char *note, size_t size, const char *name,
                                    EVP_PKEY *public_key, struct checkpoint *, struct diag *);

/* What a note says, whoever has signed it. ERR_MALFORMED: it is none. */
MUST_CHECK enum err checkpoint_parse(const char *note, size_t size, struct checkpoint *,
                                     struct diag *);
/* Is it signed under this name, with one of its keys in `trust`? */
bool checkpoint_is_signed(const char *note, size_t size, const char *name,
                          const struct content_trust *trust);
/* The site in an origin. False: it is no journal's. */
bool checkpoint_site(const char *origin, char site[JOURNAL_SITE_MAX + 1]);
/* Of those in `trust`, the `i`th signer of the note that is not `site`; NULL: there is none. */
const char *checkpoint_witness(const char *note, size_t size, const char *site,
                               const struct content_trust *trust, size_t i);

#endif
