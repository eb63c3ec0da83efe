/* workflow_run.h - one run of a workflow as a pure function of its events.
 *
 *     (run.created, events) -> state;   (state, now) -> commands
 *
 * The journal is the truth: a run's events, applied in their order, make the run, now or after any
 * crash. There is no clock and no I/O here; times are wall clock, nanoseconds since 1970. Equal
 * events make equal commands, octet for octet if written with sorted keys. Not thread-safe.
 *
 * The caller's part, for each command that workflow_run_next() emits:
 *
 *  1. Unless `recover` is set, append the event (`type`, `body`) to the journal and wait until it
 *     is durable; then workflow_run_apply() it. If it could not be stored or is refused, nothing
 *     has happened: workflow_run_retract(), and act on nothing.
 *  2. WORKFLOW_START and WORKFLOW_UNDO: now call `action` with `params` and `key`, and append
 *     step.done, step.failed, undo.done or undo.failed with what came of it. All attempts of one
 *     effect have one key. Whoever carries it out keeps the key with the effect, so that the same
 *     key again gives the same result without doing it twice, and joins an attempt that is still
 *     going on. An undo can follow an attempt that timed out: it must end that attempt first, and
 *     be content when there is nothing to undo.
 *  3. WORKFLOW_ASK: tell people. The other kinds are done once their event is stored.
 *
 * Every event, own or not, is applied when it is durable, in the journal's order, including on
 * replay those that workflow_run_apply() refuses: it refuses the same ones again. An event that
 * comes from outside (an approval, a request to cancel) is put to workflow_run_check() before it is
 * appended, so that a person hears the reason instead.
 *
 * Which actions are in flight is this process's own knowledge: each command is emitted once in the
 * life of a `struct workflow_run`. A run that was rebuilt from the journal has nothing in flight,
 * so what was started and has no result is emitted again: same key, same attempt, `recover` set.
 *
 * Events, all with "run" in the body; `step` is a name, `item` a number from 0, times are RFC 3339:
 *
 *   run.created          workflow, definition, definition_hash, input, requester, hash
 *   step.started         step, item, attempt (from 1), key        and undo.started
 *   step.done            step, item, attempt, result              and undo.done
 *   step.failed          step, item, attempt (0: never started), error, retryable   and undo.failed
 *   timer.set            step, at           timer.fired       step
 *   wait.set             step, event, object, match    wait.matched  step, event, object, result
 *   approval.requested   step, hash, roles, expires, show
 *   approval.granted     step, who, role, holds, hash, comment    and approval.refused
 *   approval.expired     step
 *   run.cancel-requested who, reason
 *   run.closed           outcome, error
 *
 * `holds` are the roles the person held then, as the identity service said; `who` its one spelling
 * of the person. doc/workflows.md explains each state and shows a whole run. */
#ifndef ORCHESTRATE_WORKFLOW_RUN_H
#define ORCHESTRATE_WORKFLOW_RUN_H

#include "base/time.h"
#include "orchestrate/workflow.h"

#include <stdint.h>

struct workflow_run; /* Opaque. */

struct workflow_event {
    const char *type;
    nsec_t time;        /* the journal's, never decreasing */
    const char *object; /* what it is about; only workflow_run_offer() reads it; NULL is fine */
    json_t *body;
};

/* Starts from the run.created event's body alone: the definition is in it, so a run keeps what it
 * started with when the file changes. Takes a reference; the body must not change afterwards. The
 * caller owns the run. ERR_MALFORMED: no such body; ERR_CORRUPT: a hash in it is not what it says;
 * the errors of workflow_parse_json(). */
MUST_CHECK enum err workflow_run_new(json_t *created, struct workflow_run **, struct diag *);
void workflow_run_free(struct workflow_run *); /* NULL is fine. */

/* Takes the run one event further. On any error the run is as it was:
 * ERR_MALFORMED: the body lacks something. ERR_CONFLICT: not an event of this run, or not now:
 * unknown, out of order, a second time. ERR_DENIED: an approval or refusal by someone who may not,
 * or of something else than what is asked; the diag says which rule. */
MUST_CHECK enum err workflow_run_apply(struct workflow_run *, const struct workflow_event *,
                                       struct diag *);
/* What workflow_run_apply() would say. */
MUST_CHECK enum err workflow_run_check(const struct workflow_run *, const struct workflow_event *,
                                       struct diag *);

enum workflow_command_kind {
    WORKFLOW_START,  /* carry out an action */
    WORKFLOW_UNDO,   /* carry out the action that undoes one */
    WORKFLOW_ASK,    /* ask people for an approval */
    WORKFLOW_RECORD, /* append the event, that is all: a timer, a wait, a time-out, an expiry */
    WORKFLOW_CLOSE,  /* append run.closed: the last command of a run */
};

/* Valid during the call that passes it; take references of `body` and `params` to keep them. They
 * share values with the run and must not be changed. */
struct workflow_command {
    enum workflow_command_kind kind;
    const char *type; /* of the event to append first */
    json_t *body;     /* of that event */
    const char *step; /* "" for WORKFLOW_CLOSE */
    uint32_t item;
    /* WORKFLOW_START and WORKFLOW_UNDO: */
    const char *action, *key; /* the key is "run/step/item", and "/undo" behind it */
    json_t *params;           /* an object */
    uint32_t attempt;
    bool recover;    /* its event is in the journal already: do not append, only act */
    nsec_t deadline; /* no result by then is a failure; NSEC_NEVER: none */
};

typedef void workflow_emit_fn(void *arg, const struct workflow_command *);

/* Emits what is to be done now and was not emitted before. Returns when to call again at the
 * latest, NSEC_NEVER if only an event can change anything; call it also after every event that was
 * applied. Its work is bounded by the number of steps and of items at work, whatever the size of
 * the lists. `emit` must not call back into the run: collect, then act. */
nsec_t workflow_run_next(struct workflow_run *, nsec_t now, workflow_emit_fn *emit, void *arg);

/* Forgets that a command was emitted, named by its kind, step and item: the next call emits what is
 * due then, which can be the same. For a command whose event was not stored or was refused, and for
 * an action that got lost on its way. */
void workflow_run_retract(struct workflow_run *, const struct workflow_command *);

/* Shows the run an event of the outside world. For each step that waits for it, emits a
 * WORKFLOW_RECORD of wait.matched. Offer the events after the step's wait.set, in order, and again
 * after a restart. */
void workflow_run_offer(struct workflow_run *, const struct workflow_event *,
                        workflow_emit_fn *emit, void *arg);

const char *workflow_run_id(const struct workflow_run *);
const char *workflow_run_requester(const struct workflow_run *);
const struct workflow *workflow_run_workflow(const struct workflow_run *);
json_t *workflow_run_input(const struct workflow_run *); /* borrowed */
/* "done", "failed-undone", "failed-undo-failed" or "cancelled"; NULL until run.closed. */
const char *workflow_run_outcome(const struct workflow_run *);

/* Where the run stands, for people and programs: phase, outcome, error, and each step with its
 * state, its items counted, what it waits for. The caller owns it; its size does not grow with the
 * lists. */
json_t *workflow_run_status(const struct workflow_run *);

/* Items looked at since the start: what the bound of workflow_run_next() is tested by. */
uint64_t workflow_run_work(const struct workflow_run *);

/* A command as JSON, for logs and golden tests; the caller owns it. */
json_t *workflow_command_json(const struct workflow_command *);

#endif
