/* evidence.h - that an event is in a journal, for somebody who has neither the journal nor trust in
 * who keeps it, only the public key its checkpoints are signed with. As JSON:
 *
 *     {"format": "tieline-evidence-1",
 *      "checkpoint": NOTE,                                  checkpoint.h
 *      "event"?: {"seq", "epoch", "time-ns", "site", "type", "object", "actor", "body",
 *                 "prev-hash"},
 *      "inclusion"?: [BASE64, ...],                         merkle.h: leaf seq - 1
 *      "before"?: [EVENT, ...],                             those just before it, in order: the
 * hash of each is the prev-hash of the next "older"?: {"checkpoint": NOTE, "consistency": [BASE64,
 * ...]}}
 *
 * `older`: the journal at the checkpoint begins with what it was at the older one: nothing of that
 * was changed, removed, reordered or put elsewhere since. */
#ifndef JOURNAL_EVIDENCE_H
#define JOURNAL_EVIDENCE_H

#include "journal/checkpoint.h"
#include "journal/reader.h"

#include <jansson.h>

/* The tree of a journal, read from its file. Events are only as good as journal_verify() says. */
struct evidence_log;
/* Errors as journal_reader_open() and journal_reader_read(); ERR_CORRUPT also: events are missing.
 */
MUST_CHECK enum err evidence_log_open(const char *path, struct evidence_log **, struct diag *);
void evidence_log_close(struct evidence_log *); /* NULL is fine */
/* What there is now. ERR_NOT_FOUND: there is no event yet. */
MUST_CHECK enum err evidence_log_checkpoint(const struct evidence_log *, struct checkpoint *,
                                            struct diag *);
/* Does the journal begin with what this checkpoint says? ERR_CONFLICT: it is another journal's, of
 * more events than there are, or what was there then is not what is there now. */
MUST_CHECK enum err evidence_log_agrees(const struct evidence_log *, const struct checkpoint *,
                                        struct diag *);

/* Evidence at the checkpoint `note`, which says `now`: of the events from `first` to `seq` (0:
 * none; EVIDENCE_EVENTS_MAX at most), and against `older` (NULL: none), which says `before`. Both
 * have to agree with the log. ERR_NOT_FOUND: there was no such event then; errors of
 * evidence_log_agrees(). The caller owns it. */
#define EVIDENCE_EVENTS_MAX 10000
struct evidence_notes {
    const char *note, *older;
    struct checkpoint now, before;
};
MUST_CHECK enum err evidence_make(struct evidence_log *, const struct evidence_notes *,
                                  uint64_t first, uint64_t seq, json_t **, struct diag *);

/* What a check has found to be true. */
struct evidence_finding {
    struct checkpoint now, before;                  /* before.size 0: no older checkpoint */
    uint64_t first, seq;                            /* 0: no event */
    char signer[NOTE_NAME_MAX + 1], witnesses[256]; /* of `now`; names, ", " between them */
};
/* ERR_MALFORMED: it is no evidence; ERR_DENIED: a checkpoint is not signed; ERR_CORRUPT: a proof
 * does not hold; `diag` says which. */
MUST_CHECK enum err evidence_check(const json_t *, const char *name, EVP_PKEY *public_key,
                                   struct evidence_finding *, struct diag *);
/* The same by the keys of `trust`: the site whose journal it is has to have signed, and, if there
 * are keys of others in it, one of them, too. */
MUST_CHECK enum err evidence_check_trusted(const json_t *, const struct content_trust *,
                                           struct evidence_finding *, struct diag *);

/* Of a file of checkpoints (checkpoint_log.h), the newest of the log's journal that has `seq`
 * events or more: one that somebody besides its site has countersigned, and only if there is none
 * of those one that the site has signed. The caller frees `note`. ERR_NOT_FOUND: there is none;
 * ERR_CORRUPT: the text is damaged. */
MUST_CHECK enum err evidence_newest(const struct evidence_log *, const char *text, size_t size,
                                    const struct content_trust *, uint64_t seq, char **note,
                                    struct checkpoint *, struct diag *);

#endif
