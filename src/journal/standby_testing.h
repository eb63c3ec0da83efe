/* standby_testing.h - what one who waits for a journal has been told. Static functions only. */
#ifndef JOURNAL_STANDBY_TESTING_H
#define JOURNAL_STANDBY_TESTING_H

#include "journal/standby.h"
#include "journal/testing.h"

struct waiting {
    uint64_t n_heard, next;
    unsigned n_waits, n_turns;
    char why[sizeof(struct diag)];
    struct journal *journal;
    enum err err;
};

static inline UNUSED void
waiting_hear(void *arg, const struct journal_event *event)
{
    struct waiting *w = arg;
    assert_int_equal(event->seq, ++w->n_heard);
}

static inline UNUSED void
waiting_note_wait(void *arg, const char *why)
{
    struct waiting *w = arg;
    w->n_waits++;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static inline UNUSED void
waiting_note_turn(void *arg, struct journal *journal, uint64_t next, enum err err, const char *why)
{
    struct waiting *w = arg;
    w->n_turns++;
    w->journal = journal;
    w->next = next;
    w->err = err;
    if (err)
        snprintf(w->why, sizeof w->why, "%s", why);
}

static inline UNUSED struct standby *
stand_by(struct scene *scene, struct waiting *w, const char *site)
{
    return standby_new(scene->loop, &(struct standby_config){.path = scene->path,
                                                             .journal = {.site = site},
                                                             .poll = NSEC_PER_MSEC,
                                                             .event = waiting_hear,
                                                             .waits = waiting_note_wait,
                                                             .turn = waiting_note_turn,
                                                             .arg = w});
}

/* Its turn has come with a journal that lost, or never had, the event that was heard last. */
static inline UNUSED void
assert_not_the_one_before(const struct waiting *w, unsigned seq)
{
    char says[80];
    snprintf(says, sizeof says, ": event %u is not the one that was there before", seq);
    assert_int_equal(w->n_turns, 1);
    assert_err(w->err, ERR_CORRUPT);
    assert_null(w->journal);
    assert_non_null(strstr(w->why, says));
}

#endif
