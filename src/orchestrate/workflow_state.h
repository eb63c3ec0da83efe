/* workflow_state.h - what a run consists of: for workflow*.c only.
 *
 *   FORWARD --all steps done or skipped--------------------------> FINAL --> CLOSING --> CLOSED
 *      |  a step failed, or cancelled                                ^
 *      +--> DRAIN --nothing at work any more--> UNDO --all undone----+
 *
 * DRAIN starts nothing new and retries nothing, but waits for the actions at work: only what has
 * ended can be undone. UNDO goes back through the steps, last first, one step at a time, and calls
 * `undo` for every item that was ever started: one that failed may have done half its work. FINAL
 * runs the steps that run always. */
#ifndef ORCHESTRATE_WORKFLOW_STATE_H
#define ORCHESTRATE_WORKFLOW_STATE_H

#include "io/jsontext.h"
#include "orchestrate/workflow_def.h"
#include "orchestrate/workflow_run.h"

enum run_phase { RUN_FORWARD, RUN_DRAIN, RUN_UNDO, RUN_FINAL, RUN_CLOSING, RUN_CLOSED };

enum effort_state {
    EFFORT_PENDING,
    EFFORT_STARTED, /* an action at work; an approval asked for, a timer set, a wait begun */
    EFFORT_BACKOFF, /* an attempt failed, another will follow */
    EFFORT_DONE,
    EFFORT_FAILED,
};

/* One thing to do, or to undo, through all its attempts. */
struct effort {
    enum effort_state state;
    bool issued;      /* in this process: the command that moves it on is out */
    bool reported;    /* in this process: its time-out is out */
    uint32_t attempt; /* the last that started; 0: none */
    nsec_t due;       /* EFFORT_BACKOFF: the next attempt not before this */
    nsec_t deadline;  /* EFFORT_STARTED: the end of an action's patience, an approval's expiry, a
                         timer's time; NSEC_NEVER: none */
};

/* One item of a step; a step without foreach has one. */
struct unit {
    struct effort forward, undo;
    json_t *result;          /* owned; NULL before it is done */
    uint32_t next, previous; /* in the step's list of those at work: numbers + 1; 0: none */
};

enum step_state {
    STEP_WAITING, /* for the steps it needs */
    STEP_OPEN,
    STEP_DONE,
    STEP_SKIPPED, /* its condition did not hold */
    STEP_FAILED,
    STEP_STOPPED, /* the run turned back before it was done */
};

/* A step of a run. */
struct progress {
    const struct workflow_step *step;
    enum step_state state;
    json_t *items;   /* the list of foreach; NULL without; owned */
    json_t *results; /* of all items, once STEP_DONE; NULL without foreach; owned */
    char *broken;    /* why it cannot even begin; NULL: it can; owned */
    struct unit *units;
    uint32_t n_units, n_begun, n_finished, n_failed;
    uint32_t undo_left, n_undone, n_undo_failed;
    /* Items at work, in the order they started; both directions use it, never at once. */
    uint32_t first, last, n_active;
    uint32_t n_out;  /* commands out that will start an item */
    uint32_t cursor; /* every item before it (on the way back: after it) was started */
    char *hash;      /* approval: what is approved; owned */
    char *who[WORKFLOW_ROLES_MAX]; /* approval: by role, who granted; NULL: nobody yet; owned */
    json_t *verdicts;              /* approval: who granted what; owned */
    json_t *object, *match;        /* wait: filled in; owned */
};

struct workflow_run {
    struct workflow *workflow;
    json_t *created, *input; /* `input` is in `created` */
    const char *id, *requester, *hash;
    json_t *about;          /* what references call `run`; owned */
    struct progress *steps; /* by the numbers of the definition */
    enum run_phase phase;
    bool stirred; /* a step or the phase has changed: see what follows */
    bool cancelled, undo_failed;
    bool close_issued;
    uint32_t n_running;  /* actions at work on the way forward, before FINAL */
    uint32_t undo_at;    /* RUN_UNDO: steps of the definition's order still to undo */
    char *error;         /* the first failure; NULL: none; owned */
    const char *outcome; /* static; known from RUN_FINAL on */
    uint64_t work;
};

/* The values that references stand for, seen from one item of a step. */
struct run_scope {
    struct workflow_scope scope;
    const struct workflow_run *run;
    const struct progress *progress;
    uint32_t item;
};
struct run_scope workflow_run_scope(const struct workflow_run *, const struct progress *,
                                    uint32_t item);

/* The step with that name; NULL if there is none. */
struct progress *workflow_run_step(const struct workflow_run *, const char *name);
/* The idempotency key of an item's action, or of its undo; the caller frees it. */
char *workflow_effect_key(const struct workflow_run *, const struct progress *, uint32_t item,
                          bool undo);
/* The step being undone; NULL outside of RUN_UNDO. */
struct progress *workflow_run_undoing(const struct workflow_run *);

/* Puts the unit at the end of those at work, or takes it out. */
void workflow_activate(struct progress *, uint32_t item);
void workflow_deactivate(struct progress *, uint32_t item);

/* The item is done (`result` is taken over, NULL is null) or has failed for good. */
void workflow_unit_done(struct workflow_run *, struct progress *, uint32_t item, json_t *result);
void workflow_unit_failed(struct workflow_run *, struct progress *, uint32_t item,
                          const char *error);
/* Turns the run back for a reason, which is taken over. */
void workflow_turn_back(struct workflow_run *, char *reason);
/* After an event: opens steps and changes phases as far as that goes. */
void workflow_settle(struct workflow_run *);

/* Approvals. The hash an approval step asks for; the caller frees it. ERR_INVALID with a diag if
 * the definition's `bind` stands for no text. */
MUST_CHECK enum err workflow_approval_hash(const struct workflow_run *, const struct progress *,
                                           char **hash, struct diag *);
/* May this verdict count, at that time? `slot` is the number of the role in the step's list. For a
 * refusal any role of the list will do, granted or not. */
MUST_CHECK enum err workflow_approval_check(const struct workflow_run *, const struct progress *,
                                            const json_t *verdict, nsec_t time, bool refusal,
                                            uint32_t *slot, struct diag *);

/* Does a body contain what is to be matched? Objects are compared member by member, what else there
 * is in the body being ignored; all other values must be equal. NULL matches everything. */
bool workflow_wait_matches(const struct progress *, const char *type, const char *object,
                           const json_t *body);

/* A template that stands for a time. `*time` is NSEC_NEVER if it stands for null or is NULL. */
MUST_CHECK enum err workflow_render_time(const struct workflow_run *, const struct progress *,
                                         json_t *template, nsec_t *time, struct diag *);

/* `time` + `duration` (not negative), no later than can be written down. */
nsec_t workflow_later(nsec_t time, nsec_t duration);

/* A time as JSON text in RFC 3339. */
json_t *workflow_json_time(nsec_t);

#endif
