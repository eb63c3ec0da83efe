/* watch.h - what surveillance makes of its rounds: small measurements of a circuit's paths, one
 * after the other, against its fingerprint. Pure.
 *
 * A deviation is raised by the rules of rules.h, told again while it lasts, and cleared after good
 * rounds in a row; what comes back soon is flapping, and has to be good for longer. Each kind is
 * one exception per circuit and path:
 *
 *     dead        nothing arrives at one of its ends
 *     loss        packets are lost, in more than one round
 *     latency     beyond what the fingerprint and the circuit's budget allow, or far below
 *     unwatched   rounds cannot be made: nothing is known of the circuit
 *
 * A path that is dead has no losses besides. Where a round says nothing about a kind (no latency,
 * or by other clocks than the fingerprint's) it is neither good nor bad. */
#ifndef ASSURE_WATCH_H
#define ASSURE_WATCH_H

#include "assure/fingerprint.h"
#include "model/state.h"

struct watch; /* Opaque; of one circuit. */

enum watch_kind { WATCH_DEAD, WATCH_LOSS, WATCH_LATENCY, WATCH_UNWATCHED, WATCH_KIND_MAX };
enum watch_change { WATCH_RAISED, WATCH_REPEATED, WATCH_CLEARED };

/* What there is to tell. Valid during the call, but for `exception`, which is static. */
struct watch_news {
    enum watch_change change;
    const char *exception; /* its kind: "circuit-loss", "failover-dead" */
    enum exception_severity severity;
    const char *text;       /* a sentence; of WATCH_CLEARED: why */
    const json_t *evidence; /* {name: text}; NULL if cleared */
};
/* Must not touch the watch. */
typedef void watch_news_fn(void *arg, const struct watch_news *);

struct watch_context {
    const struct circuit *circuit; /* as it is now */
    nsec_t now;                    /* monotonic */
    watch_news_fn *tell;
    void *arg;
};

/* Never NULL. Copies the fingerprint. */
struct watch *watch_new(const struct entries *fingerprint);
void watch_free(struct watch *); /* NULL is fine. */
/* A new fingerprint: what was raised stays so until it is good by this one. */
void watch_rebase(struct watch *, const struct entries *fingerprint);

/* A round was made: all entries of it that are about this path, at least one. */
void watch_round(struct watch *, enum test_path, const struct entries *,
                 const struct watch_context *);
/* It could not be made. */
void watch_missed(struct watch *, const char *why, const struct watch_context *);
/* Tells that everything that is raised is cleared, because of `why`. */
void watch_end(struct watch *, const char *why, const struct watch_context *);

/* The static name of an exception that watches raise; NULL: it is not one of theirs. */
const char *watch_exception(const char *kind);
/* It is open already, from before the program started. */
void watch_adopt(struct watch *, const char *exception, nsec_t now);
/* The last news about it did not arrive: with the next round it is told again. */
void watch_untold(struct watch *, const char *exception);

/* "unknown", "good", "latency", "loss", "dead", "unwatched": the worst of what is raised; static.
 * Of a path, or TEST_PATH_MAX: of the circuit. */
const char *watch_verdict(const struct watch *, enum test_path);
bool watch_is_flapping(const struct watch *);
/* [{"path", "verdict", "rounds", "ends": [{"direction", "receiver", "sent", "lost", ...}]}]: the
 * last round of each path, and what was expected. The caller owns it. */
json_t *watch_to_json(const struct watch *);
/* Appends one entry per path, direction and receiver: all rounds since the last summary. What 99 of
 * 100 packets did not exceed is not known of so small rounds: the largest latency is given. */
void watch_summary(struct watch *, nsec_t wall, struct entries *);

#endif
