/* standby.h - waits for its turn to write a journal that another program writes, and reads along,
 * so that it knows nearly everything when its turn comes.
 *
 * Of a database it asks who leads, and tries when that lease has ended. Of a file it tries whether
 * the lock is free. On the loop's thread: nothing else is expected to go on there meanwhile, a
 * database that does not answer holds it up for some seconds. */
#ifndef JOURNAL_STANDBY_H
#define JOURNAL_STANDBY_H

#include "journal/journal.h"

struct standby;

struct standby_config {
    const char *path;              /* as of journal_open(); borrowed, as is what follows */
    struct journal_config journal; /* to open it with */
    nsec_t poll;                   /* between looks; 0: 200 ms */

    /* Each event once, in order, from the first: what will not be told again by a subscription from
     * `next` on. */
    journal_listener_fn *event;
    /* Why it waits, in words, whenever that is something new. */
    void (*waits)(void *arg, const char *why);
    /* Its turn: the journal is the callee's, who has heard the events before `next`. Or it never
     * comes: `journal` is NULL, and `err` and `why` say what is wrong with it, as journal_open()
     * and journal_reader_read() do. Called once, from the loop; the standby may be freed here. */
    void (*turn)(void *arg, struct journal *, uint64_t next, enum err err, const char *why);
    void *arg;
};

/* Never NULL. Looks for the first time on the loop's next turn. */
struct standby *standby_new(uv_loop_t *, const struct standby_config *);
void standby_free(struct standby *); /* NULL is fine. */

#endif
