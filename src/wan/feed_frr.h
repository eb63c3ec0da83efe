/* feed_frr.h - the traffic-engineering database of an FRR daemon, read over its vty socket from
 * time to time, into the database.
 *
 * A vty socket (ospfd.vty, isisd.vty) takes commands that end with NUL. The answer is text, then
 * three NULs and a status: 0 is success (as seen with FRR 8.4). The connection stays open. An
 * answer that is the same as the last one (by its hash) costs nothing more. One that cannot be read
 * changes no record; the source is stale until one can. */
#ifndef WAN_FEED_FRR_H
#define WAN_FEED_FRR_H

#include "te/ted.h"

#include <uv.h>

struct feed_frr; /* Opaque; the loop's thread only. */

enum feed_frr_daemon { FEED_FRR_OSPFD, FEED_FRR_ISISD };

struct feed_frr_config {
    const char *socket; /* path of the vty socket */
    enum feed_frr_daemon daemon;
    nsec_t interval; /* between an answer and the next question; 0: 1 s */
    nsec_t timeout;  /* of an answer; 0: 10 s */
    struct ted *ted; /* outlives the feed */
    uint32_t source; /* of ted; the feed says whether it is up */
};

struct feed_frr_handler {
    /* Records were put: commit soon (ted_pending() says how soon). */
    void (*changed)(void *arg);
    /* Why it cannot be read, once for each new reason; ERR_OK: it can again. May be NULL. */
    void (*trouble)(void *arg, enum err, const char *reason);
};

struct feed_frr_counters {
    uint64_t connections, questions, answers, unchanged, malformed, timeouts;
    uint32_t n_nodes, n_links, n_prefixes; /* of the last answer */
    uint32_t n_open, n_ignored;            /* frr_ted */
};

/* Copies the configuration; `handler` is kept. Starts at once. ERR_INVALID: the path is too long.
 */
MUST_CHECK enum err feed_frr_new(uv_loop_t *, const struct feed_frr_config *,
                                 const struct feed_frr_handler *, void *arg, struct feed_frr **,
                                 struct diag *);
void feed_frr_free(struct feed_frr *); /* NULL is fine. The source goes down. */
void feed_frr_counters(const struct feed_frr *, struct feed_frr_counters *);
/* Asks now: somebody knows that something has changed. */
void feed_frr_hurry(struct feed_frr *);

#endif
