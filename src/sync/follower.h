/* follower.h - keeps a copy of another site's journal up to date, and tells of every event in it.
 *
 * It asks the origin for what comes behind its watermark, stores that (replica.h) on a thread, and
 * only then tells of it: every event once, in order, whatever happens to links, brokers, this
 * program or the origin. It asks when the origin says that there is something new, at once while it
 * is behind, and every SYNC_POLL in any case; an origin that does not answer is asked again every
 * SYNC_RETRY. */
#ifndef SYNC_FOLLOWER_H
#define SYNC_FOLLOWER_H

#include "bus/bus.h"
#include "sync/replica.h"

#define SYNC_POLL NSEC_PER_SEC
#define SYNC_RETRY (500 * NSEC_PER_MSEC)
/* A copy is set aside this often at once, and once more every so often: each needs room. */
#define SYNC_ASIDES 4
#define SYNC_ASIDE (600 * NSEC_PER_SEC)
#define SYNC_PATIENCE (NSEC_PER_SEC + NSEC_PER_SEC / 2) /* with an answer */

struct sync_follower; /* Opaque. */

enum sync_state {
    SYNC_LEVEL,  /* it has all there was when it last asked */
    SYNC_BEHIND, /* it is being told */
    SYNC_AWAY,   /* the origin does not answer */
    SYNC_BROKEN, /* what it answers cannot be taken, or cannot be stored */
};
const char *sync_state_word(enum sync_state); /* "level"; static */

struct sync_status {
    enum sync_state state;
    nsec_t since;      /* wall clock */
    uint64_t seq;      /* how far we are */
    uint64_t head;     /* how far the origin was when it last answered */
    const char *why;   /* of AWAY and BROKEN; "" otherwise; valid until the loop turns */
    uint64_t n_events; /* taken since this was made */
};

struct sync_follower_config {
    uv_loop_t *loop;
    struct bus *near;      /* where we are told of news */
    struct bus *far;       /* to the origin */
    const char *site;      /* the origin */
    const char *directory; /* of the copies */
    void *arg;
    /* An event that is in the copy, valid during the call. */
    void (*event)(void *arg, const char *site, const struct journal_event *);
    /* The origin's journal is another one, or has lost events behind `seq` or before it. The copy
     * up to `seq` is in the file `kept`; all there is is told anew, from event 1. */
    void (*reset)(void *arg, const char *site, uint64_t seq, bool replaced, const char *kept);
    void (*changed)(void *arg, const char *site); /* of the state; NULL is fine */
};

/* Tells of all events that the copy has before it returns, then goes on. Errors of replica_open(),
 * journal_reader_read(), bus_subscribe(). */
MUST_CHECK enum err sync_follower_new(const struct sync_follower_config *, struct sync_follower **,
                                      struct diag *);
/* What is being stored is finished on the loop, without a word. NULL is fine. */
void sync_follower_free(struct sync_follower *);

struct sync_status sync_follower_status(const struct sync_follower *);
/* How far the copy is; not while the loop is inside a callback of `event`. */
const struct sync_place *sync_follower_place(const struct sync_follower *);
/* Monotonic: when the origin last answered; 0: not yet. */
nsec_t sync_follower_heard(const struct sync_follower *);
const char *sync_follower_path(const struct sync_follower *); /* of the copy */

#endif
