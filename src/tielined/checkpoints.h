/* checkpoints.h - the checkpoints of this site's journal: the key, the tree, whom they go to. */
#ifndef TIELINED_CHECKPOINTS_H
#define TIELINED_CHECKPOINTS_H

#include "sync/checkpointer.h"
#include "tielined/sites.h"

struct checkpoints_config {
    const char *site, *journal;
    const char *key;       /* file: PEM, Ed25519; NULL: none, and no checkpoints */
    const char *every;     /* as checkpointer_parse_every() takes it; NULL: the default */
    const char *file;      /* NULL: JOURNAL.checkpoints */
    const char *keys;      /* file: public keys of sites, a line each (io/signed_note.h); NULL */
    const char *witnesses; /* names, "sub-a,sub-b"; NULL: up to two that have a key */
};

struct checkpoints; /* Opaque. */

/* Reads the files. ERR_INVALID: an option without the one it needs; ERR_MALFORMED: no key, and
 * where; ERR_IO, ERR_NOT_FOUND. NULL in `*result`: no key was given. */
MUST_CHECK enum err checkpoints_new(const struct checkpoints_config *, struct checkpoints **,
                                    struct diag *);
void checkpoints_free(struct checkpoints *); /* NULL is fine */

/* Each event of the journal, from the first. NULL is fine. */
void checkpoints_event(struct checkpoints *, const struct journal_event *);
/* The key to countersign with, and the sites' keys; false: not among several sites. */
bool checkpoints_witness(const struct checkpoints *, EVP_PKEY **secret,
                         const struct content_trust **);
/* With the journal, and all its events told. `sites` NULL: this site is alone. NULL is fine. Errors
 * of checkpointer_new(); ERR_INVALID: a witness that is no peer, or has no key. */
MUST_CHECK enum err checkpoints_start(struct checkpoints *, uv_loop_t *, struct journal *,
                                      struct bus *, const struct sites *, struct diag *);

#endif
