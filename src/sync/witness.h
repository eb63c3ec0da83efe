/* witness.h - countersigns the checkpoints of other sites' journals that this site has copies of.
 *
 * A site asks with `from.SITE.witness.sign`, {"note": NOTE} (journal/checkpoint.h); the answer is
 * {"note": NOTE} with one signature more, or why not. It is signed if
 *
 * - the note is signed with that site's key, and is of a journal of that site;
 * - its root is that of this site's own copy of the journal, as far as the checkpoint goes; the
 * copy may take `patience` to get there;
 * - the copy goes on from the last checkpoint of that journal which was countersigned here.
 *
 * What is countersigned is remembered in DIRECTORY/SITE.witnessed (journal/checkpoint_log.h) before
 * the answer leaves: no two roots of one size are ever signed. Asked again for the same, it answers
 * the same. A journal that was rolled back behind what was countersigned is not signed any more; a
 * new journal of the site has another id, and begins anew. A copy that was put aside changes
 * nothing of what is remembered.
 *
 * A refusal is an event "checkpoint.refused" and an exception "checkpoint-refused" at this site,
 * once a minute and site at most. That the copy is not there yet is neither. */
#ifndef SYNC_WITNESS_H
#define SYNC_WITNESS_H

#include "bus/bus.h"
#include "io/signed_content.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"

#define WITNESS_PATIENCE (10 * NSEC_PER_SEC)

struct witness; /* Opaque. */

/* Borrowed; must outlive the witness. */
struct witness_config {
    uv_loop_t *loop;
    struct bus *near; /* where other sites' questions arrive */
    struct bus *bus;  /* of this program: exceptions */
    struct journal *journal;
    const char *site;                  /* ours: what we sign as */
    EVP_PKEY *secret;                  /* Ed25519 */
    const struct content_trust *trust; /* the sites' keys, by their names */
    const char *directory;
    nsec_t patience; /* 0: WITNESS_PATIENCE */
    /* How far the copy of a site's journal is, and where. False: there is none. */
    bool (*copy)(void *arg, const char *site, const char **path, uint64_t *seq);
    void *arg;
};

/* Errors of bus_subscribe(). */
MUST_CHECK enum err witness_new(const struct witness_config *, struct witness **, struct diag *);
/* What is being compared is finished on the loop, without a word. NULL is fine. */
void witness_free(struct witness *);

/* {"note": NOTE} of a stranger; borrows from the JSON. ERR_MALFORMED: it is something else, or of a
 * journal that is not `site`'s; ERR_DENIED: not signed with the key of `site`. */
MUST_CHECK enum err witness_parse(const json_t *, const char *site,
                                  const struct content_trust *trust, const char **note,
                                  struct checkpoint *, struct diag *);

#endif
