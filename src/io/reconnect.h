/* reconnect.h - when to try again: the state machine of a client that keeps a connection up.
 *
 * Pure: it is told the time and what became of the connection, and says when to connect. Whoever
 * owns the connection does the rest:
 *
 *     if (reconnect_run(&r, now))                    start connecting
 *     opened:  reconnect_connected(&r, now)
 *     closed:  reconnect_lost(&r, now)               also when it never opened
 *     then call reconnect_run() again at reconnect_wake(&r)
 *
 * The first attempt is at once. After each failure the wait doubles, from `min` to `max`, and is
 * then cut by a random part of up to one half, so that a hundred nodes that lost one controller do
 * not return as one. A connection that stayed for `healthy_after` is worth a fresh start when it is
 * lost; one that was lost sooner counts as one more failure, for a peer that accepts and then
 * refuses (wrong certificate, wrong version) must not be asked twice a second for ever. */
#ifndef IO_RECONNECT_H
#define IO_RECONNECT_H

#include "base/time.h"

#include <stdbool.h>
#include <stdint.h>

struct reconnect_config {
    nsec_t min, max;      /* wait after a failure; 0: 500 ms and 8 s */
    nsec_t healthy_after; /* 0: 10 s */
    uint64_t seed;        /* of the random part; same seed, same waits */
};

enum reconnect_state { RECONNECT_WAITING, RECONNECT_CONNECTING, RECONNECT_CONNECTED };

/* Caller's storage; members are for reading only. */
struct reconnect {
    struct reconnect_config config;
    enum reconnect_state state;
    nsec_t since;                   /* when the state began */
    nsec_t due;                     /* of the next attempt, while waiting */
    unsigned failures;              /* in a row */
    uint64_t attempts, connections; /* since the start */
    uint64_t random;
};

/* Waiting, with the first attempt due at `now`. A `max` below `min` is taken as `min`. */
void reconnect_init(struct reconnect *, const struct reconnect_config *, nsec_t now);

/* True once, when an attempt is due: connect now. The state is then RECONNECT_CONNECTING. */
MUST_CHECK bool reconnect_run(struct reconnect *, nsec_t now);
/* When reconnect_run() has to be called; NSEC_NEVER unless waiting. */
nsec_t reconnect_wake(const struct reconnect *);

/* The attempt succeeded. Ignored unless connecting. */
void reconnect_connected(struct reconnect *, nsec_t now);
/* The attempt failed or the connection was lost. Ignored while waiting. */
void reconnect_lost(struct reconnect *, nsec_t now);
/* Does not wait any longer: the configuration changed, or an operator asks. Ignored unless
 * waiting. */
void reconnect_hurry(struct reconnect *, nsec_t now);

/* "waiting", "connecting", "connected"; static. */
const char *reconnect_state_name(enum reconnect_state);

#endif
