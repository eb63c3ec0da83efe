/* verify.h - finds out whether a journal is what was written: nothing changed, removed, inserted,
 * reordered or cut off.
 *
 * Each event carries the hash of its content, which includes the hash of the event before. So a
 * change shows in the event itself, or, if its hash was computed anew, in the event behind; and so
 * on to the last one, whose seq and hash are recorded a second time beside the events. Whoever
 * rewrites everything behind a change, that record included, is found only by somebody who
 * remembers a seq and its hash from before: keep journal_head() elsewhere, and hand it in here. */
#ifndef JOURNAL_VERIFY_H
#define JOURNAL_VERIFY_H

#include "journal/event.h"

enum journal_fault {
    JOURNAL_CHANGED,   /* its content does not give its hash */
    JOURNAL_REPLACED,  /* sound in itself, but not what the next event, or the head, follows */
    JOURNAL_MISSING,   /* not there, though there are events behind it */
    JOURNAL_TRUNCATED, /* not there, and it was the last, as far as is known */
    JOURNAL_ADDED,     /* behind the last event that was recorded as such */
    JOURNAL_FOREIGN,   /* the first event does not follow this journal's identity */
    JOURNAL_BACKWARDS, /* time, or the epoch, runs backwards here */
    JOURNAL_FORKED,    /* not the event remembered elsewhere */
    JOURNAL_DAMAGED,   /* cannot be read; what is behind it was not looked at */
    JOURNAL_FAULT_MAX
};

/* "changed", "missing", ...; static. */
const char *journal_fault_name(enum journal_fault);

struct journal_finding {
    enum journal_fault fault;
    uint64_t first, last; /* seq of the events it is about */
    char text[240];       /* for people */
};

#define JOURNAL_FINDINGS_MAX 32

struct journal_report {
    struct journal_identity identity;
    struct journal_head head; /* of the last event there is */
    uint64_t n_events;
    uint64_t n_findings; /* all; the first JOURNAL_FINDINGS_MAX are below, as found */
    struct journal_finding findings[JOURNAL_FINDINGS_MAX];
};

/* Reads the whole journal without trusting it, beside a writer or without one; needs no lock and
 * changes nothing. `remembered` is a seq and hash known from elsewhere (the rest of it is not
 * used), or NULL.
 * ERR_OK: it is sound, as of one moment. ERR_CORRUPT: it is not; `diag` has the first finding and
 * the report, which is valid only in these two cases, has the others. ERR_NOT_FOUND, ERR_MALFORMED,
 * ERR_UNSUPPORTED, ERR_IO: as journal_reader_open(). A file so damaged that there is no reading it
 * at all is one finding, JOURNAL_DAMAGED, too. */
MUST_CHECK enum err journal_verify(const char *path, const struct journal_head *remembered,
                                   struct journal_report *, struct diag *);

struct store;
struct store_driver;

/* What journal_open() looks at before it appends: the head, and the last `n` events. Returns the
 * head to go on from. ERR_CORRUPT: they are not sound. */
MUST_CHECK enum err journal_check_tail(const struct store_driver *, struct store *, uint64_t n,
                                       struct journal_head *, struct diag *);

#endif
