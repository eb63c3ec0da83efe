/* refusals.h - the journal's record of what was refused on the way between sites: event
 * `bus.refused` (doc/events.md). So many of each at once, then one in a while, with the number that
 * was left out: nobody fills the journal by being refused. */
#ifndef TIELINED_REFUSALS_H
#define TIELINED_REFUSALS_H

#include "journal/journal.h"

#define REFUSAL_TEXT_MAX 256 /* octets of each text; what is longer is cut */

/* Texts of others: anything but printable ASCII becomes '?'. */
struct refusal {
    const char *what;    /* a word: doc/events.md lists them */
    const char *who;     /* as far as known, "": not; whoever says so may lie */
    const char *address; /* "": not known. Refusals of one word and address are counted together */
    const char *reason;  /* in words */
};

struct refusals; /* Opaque. */

/* Never NULL. The journal is borrowed. */
struct refusals *refusals_new(struct journal *);
void refusals_free(struct refusals *); /* NULL is fine */

/* `now` is monotonic. */
void refusals_note(struct refusals *, const struct refusal *, nsec_t now);

#endif
