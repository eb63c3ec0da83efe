/* verify_checkpoints.h - is a journal what its signed checkpoints said it was?
 *
 * journal_verify() finds a change that somebody did not write all of the rest anew for; whoever
 * did, or cut off the end, is found here: the root of each checkpoint (checkpoint_log.h) has to be
 * that of the first events of the journal. A checkpoint that another site has countersigned was
 * compared there, too, and cannot be made again by who keeps the journal. */
#ifndef JOURNAL_VERIFY_CHECKPOINTS_H
#define JOURNAL_VERIFY_CHECKPOINTS_H

#include "journal/checkpoint.h"

enum checkpoint_fault {
    CHECKPOINT_TRUNCATED, /* it has more events than there are */
    CHECKPOINT_DIFFERS,   /* the events are not those it was made of */
    CHECKPOINT_FORKED,    /* two of one size, signed both, with different roots */
    CHECKPOINT_FOREIGN,   /* of another journal */
    CHECKPOINT_UNSIGNED,  /* not signed with a key of its site that is trusted */
    CHECKPOINT_DAMAGED,   /* cannot be read, nor can what is behind it */
    CHECKPOINT_FAULT_MAX
};
const char *checkpoint_fault_name(enum checkpoint_fault); /* "truncated"; static */

struct checkpoint_finding {
    enum checkpoint_fault fault;
    uint64_t first, last;  /* events; 0: it is about none */
    uint64_t size;         /* of the checkpoint; 0: of none */
    bool is_countersigned; /* it */
    char text[320];        /* for people */
};

#define CHECKPOINT_FINDINGS_MAX 32

struct checkpoints_report {
    uint64_t n_events;        /* as many as could be read */
    uint64_t n_checkpoints;   /* different ones */
    uint64_t n_countersigned; /* of them, by somebody whose key is trusted */
    uint64_t agreed;          /* events of the largest that the journal agrees with */
    uint64_t countersigned;   /* ... of those countersigned */
    uint64_t n_findings;      /* all; the first CHECKPOINT_FINDINGS_MAX are below */
    struct checkpoint_finding findings[CHECKPOINT_FINDINGS_MAX];
};

/* `text` is what the file holds. `trust` NULL: signatures are not looked at.
 * ERR_OK: all of them agree with the journal at `path`; ERR_CORRUPT: not all, `diag` has the first
 * finding; the report is valid in these two cases only. Others as journal_reader_open(). */
MUST_CHECK enum err journal_verify_checkpoints(const char *path, const char *text, size_t size,
                                               const struct content_trust *trust,
                                               struct checkpoints_report *, struct diag *);

#endif
