/* origin.h - tells other sites what is in this site's journal.
 *
 * It answers `from.READER.sync.read` (wire.h) from the journal, and says `sync.head` to the sites
 * that follow it when there is something new. Readers come for what they miss when they can: they
 * keep the watermark, not this site. A reader that remembers more, or something else, than this
 * journal has is how a journal that was rolled back or replaced is found out. */
#ifndef SYNC_ORIGIN_H
#define SYNC_ORIGIN_H

#include "bus/bus.h"
#include "journal/journal.h"
#include "sync/wire.h"

struct sync_origin; /* Opaque. */

/* A site that follows this one. */
struct sync_reader {
    const char *site;
    struct bus *bus; /* to it */
};

struct sync_origin_config {
    uv_loop_t *loop;
    struct journal *journal;
    struct bus *bus; /* our own, where others' questions arrive */
    const struct sync_reader *readers;
    size_t n_readers;
    /* A reader remembers events up to `seq` that this journal does not have. `replaced`: they are
     * of another journal of this site; otherwise this one has lost them. Told once of each. */
    void (*lost)(void *arg, const char *reader, uint64_t seq, bool replaced);
    void *arg;
};

/* Copies the readers' names. Errors of bus_subscribe() and journal_subscribe(). */
MUST_CHECK enum err sync_origin_new(const struct sync_origin_config *, struct sync_origin **,
                                    struct diag *);
void sync_origin_free(struct sync_origin *); /* NULL is fine */

struct sync_reader_status {
    const char *site;
    nsec_t heard; /* monotonic: when it last asked; 0: never */
    uint64_t seq; /* how far it was */
};
/* Of reader `i`, as in the configuration. */
struct sync_reader_status sync_origin_reader(const struct sync_origin *, size_t i);

#endif
