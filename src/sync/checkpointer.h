/* checkpointer.h - signs what this site's journal is, from time to time, and has it countersigned
 * by other sites (witness.h).
 *
 * The tree of hashes over the events grows with them and is never computed anew. A checkpoint is
 * made when there is something new and it is time, or there are enough new events; it goes into a
 * file (journal/checkpoint_log.h), and the newest is offered to each witness until that has
 * countersigned it, whereupon it goes into the file once more with all its signatures. An older one
 * that nobody countersigned is not offered any more: the newest says all it says.
 *
 * Over the bus of this program it answers `journal.checkpoint`:
 *
 *     {"note": NOTE, "events": N, "made"?: TIME,
 *      "witnesses": [{"site", "events", "state": "countersigned|waiting|refused", "why"}]} */
#ifndef SYNC_CHECKPOINTER_H
#define SYNC_CHECKPOINTER_H

#include "bus/bus.h"
#include "io/signed_content.h"
#include "journal/checkpoint.h"
#include "journal/journal.h"

#define CHECKPOINT_EVERY (600 * NSEC_PER_SEC)
#define CHECKPOINT_RETRY (2 * NSEC_PER_SEC)    /* with a witness that is away */
#define CHECKPOINT_REFUSED (60 * NSEC_PER_SEC) /* ... that has refused */

struct checkpointer; /* Opaque. */

struct checkpointer_witness {
    const char *site;
    struct bus *bus; /* to it */
};

/* Borrowed; must outlive the checkpointer. */
struct checkpointer_config {
    uv_loop_t *loop;
    struct bus *bus; /* of this program; NULL: none */
    const struct journal_identity *identity;
    const struct merkle_tree *tree; /* of the journal; grows */
    const char *path;               /* of the file */
    EVP_PKEY *secret;
    const struct content_trust *trust; /* the witnesses' keys; NULL: none */
    nsec_t every;                      /* 0: CHECKPOINT_EVERY */
    uint64_t events;                   /* 0: not by number */
    const struct checkpointer_witness *witnesses;
    size_t n_witnesses;
};

/* How often: "10m", "30s", "2h", a number of events, or both, "10m,1000". ERR_INVALID. */
MUST_CHECK enum err checkpointer_parse_every(const char *text, nsec_t *every, uint64_t *events,
                                             struct diag *);

/* Makes the first one soon. Errors of checkpoint_log_open(), bus_subscribe(). */
MUST_CHECK enum err checkpointer_new(const struct checkpointer_config *, struct checkpointer **,
                                     struct diag *);
void checkpointer_free(struct checkpointer *); /* NULL is fine */
/* The tree has grown. */
void checkpointer_grown(struct checkpointer *);

#endif
