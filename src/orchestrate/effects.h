/* effects.h - actions being carried out. An effect lives from the command that starts it until its
 * result is in the journal and the run has accepted it; its key is unique for ever.
 *
 * The same command may come again: a further attempt after a time-out, or `recover` after a
 * restart. An attempt that is still going on is joined. What an earlier process did is told by the
 * state, so every action looks there first and does what is left. */
#ifndef ORCHESTRATE_EFFECTS_H
#define ORCHESTRATE_EFFECTS_H

#include "orchestrate/work.h"

struct effect;
typedef void effect_next_fn(struct effect *);
typedef void effect_answer_fn(struct effect *, const struct call_result *);

/* At any time an effect waits for exactly one thing: the journal, the bus, a job or its turn. */
struct effect {
    struct orchestrate_service *service;
    struct work *work; /* open as long as the effect lives */
    char *key, *step;
    uint32_t item, attempt;
    bool undo;
    json_t *params;
    json_t *circuits;       /* of the parameters; NULL: none are named */
    nsec_t begun, patience; /* monotonic clock; NSEC_NEVER: no limit */

    effect_next_fn *next;
    effect_answer_fn *answered;
    struct append *append;
    uint64_t request; /* 0: none */
    struct job *job;
    struct turn turn;
    json_t *gathered; /* the action's own; NULL: nothing yet */

    json_t *outcome; /* body of its last event, without `attempt`; NULL: at work */
    bool failed;
    uint32_t recorded;         /* the attempt `outcome` is being appended for */
    struct command *successor; /* an undo that begins when this has ended */
    UT_hash_handle hh;
};

struct effects *effects_new(struct orchestrate_service *);
void effects_free(struct effects *); /* NULL is fine. */

/* Carries out a command, which is consumed. */
void effects_begin(struct effects *, struct command *);
/* Ends all effects of an order. */
void effects_end(struct effects *, const struct work *);
/* Is this effect going on, and may it still take its time? */
bool effects_has_time(const struct effects *, const char *key);
/* Is any effect going on of which this is true? */
bool effects_any(const struct effects *, bool (*is)(const struct effect *, const void *arg),
                 const void *arg);

/* ---- For actions: each of these is the last thing a step of an action does ----------------------
 */

/* Appends events, patiently; then `next`. The bodies are consumed. */
void effect_append(struct effect *, const struct new_event *, size_t n, effect_next_fn *next);
/* Asks a service; the payload is consumed. */
void effect_ask(struct effect *, const char *subject, json_t *payload, effect_answer_fn *answered);
/* Waits for the turn to change the network, and keeps it until the effect ends. */
void effect_take_turn(struct effect *, effect_next_fn *next);
/* It has succeeded; the result is consumed, NULL: null. */
void effect_done(struct effect *, json_t *result);
/* It has failed. */
void effect_fail(struct effect *, bool retryable, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same, with a result for people; consumed. */
void effect_refute(struct effect *, json_t *result, const char *format, ...) PRINTF_LIKE(3, 4);

/* May the same question be answered otherwise later? */
bool err_is_passing(enum err);

#endif
