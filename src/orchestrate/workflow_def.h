/* workflow_def.h - a definition taken apart: for workflow*.c only. Texts and trees named here live
 * as long as the definition's JSON, structures as long as its arena. */
#ifndef ORCHESTRATE_WORKFLOW_DEF_H
#define ORCHESTRATE_WORKFLOW_DEF_H

#include "base/arena.h"
#include "base/time.h"
#include "base/yaml.h"
#include "orchestrate/workflow.h"
#include "orchestrate/workflow_expr.h"

#include <stdint.h>

#define WORKFLOW_ROLES_MAX 8 /* approvals one step may ask for */
#define WORKFLOW_INPUTS_MAX 100
#define WORKFLOW_DEPTH_MAX 32 /* lists and objects inside each other, in definitions and inputs */

struct workflow_retry {
    uint32_t count;        /* further attempts after the first */
    uint32_t factor;       /* each pause is this many times the one before */
    nsec_t backoff, limit; /* first and longest pause */
};

/* An action and how to call it. */
struct workflow_call {
    const char *action; /* NULL: none */
    json_t *with;       /* template of its parameters, an object; NULL: none */
    nsec_t timeout;     /* of one attempt; 0: none */
    struct workflow_retry retry;
};

struct workflow_approval {
    uint32_t n_roles;
    const char *roles[WORKFLOW_ROLES_MAX]; /* one approval in each; a role may be there twice */
    bool distinct;                         /* one person counts once */
    bool requester;                        /* the requester may approve */
    nsec_t expires;                        /* without all approvals by then: refused */
    json_t *bind; /* template of the hash that is approved; NULL: the run's own hash */
    json_t *show; /* template of what the approver should see; NULL: nothing */
};

struct workflow_timer {
    json_t *until;   /* template of an RFC 3339 time; NULL: `duration` is used */
    nsec_t duration; /* from when the step is reached */
};

struct workflow_wait {
    const char *event; /* type */
    json_t *object;    /* template of the event's object; NULL: any */
    json_t *match;     /* template of what the event's body must contain; NULL: anything */
};

enum workflow_kind { WORKFLOW_ACTION, WORKFLOW_APPROVAL, WORKFLOW_TIMER, WORKFLOW_WAIT };

struct workflow_step {
    const char *name;
    const char *title; /* or NULL */
    enum workflow_kind kind;
    bool always; /* runs at the end, whatever became of the rest */
    uint32_t n_needs;
    const uint32_t *needs;                              /* numbers of steps */
    uint64_t ancestors[(WORKFLOW_STEPS_MAX + 63) / 64]; /* needed, directly or not: a bit each */
    const struct workflow_condition *when;              /* NULL: yes */
    json_t *foreach;                                    /* template of a list; NULL: one item */
    uint32_t parallel;                                  /* items at work at once */
    json_t *before;                  /* template of a time; not begun later; or NULL */
    struct workflow_call call, undo; /* WORKFLOW_ACTION */
    struct workflow_approval approval;
    struct workflow_timer timer;
    struct workflow_wait wait;
    nsec_t timeout; /* WORKFLOW_WAIT; 0: none */
};

enum workflow_type {
    WORKFLOW_ANY,
    WORKFLOW_TEXT,
    WORKFLOW_INTEGER,
    WORKFLOW_BOOLEAN,
    WORKFLOW_LIST,
    WORKFLOW_OBJECT,
    WORKFLOW_TIME,
    WORKFLOW_N_TYPES,
};

struct workflow_input {
    const char *name, *title;
    enum workflow_type type, items; /* `items`: of a list's elements */
    bool required;
    json_t *preset; /* its default; NULL: none */
};

struct workflow {
    struct arena *arena;
    json_t *json;
    const char *name, *title, *description;
    char hash[WORKFLOW_HASH_SIZE];
    uint32_t n_inputs, n_steps;
    struct workflow_input *inputs;
    struct workflow_step *steps;
    uint32_t *order; /* the steps' numbers, each after those it needs */
};

/* What reads and checks one definition. */
struct workflow_reader {
    struct workflow *workflow;
    const struct yaml_tree *tree; /* the places; NULL: it came as JSON */
    const char *step;             /* being read: for messages without a place; or NULL */
    struct diag *diag;
};

/* Says what is wrong at a place, and returns `err`. */
enum err workflow_reader_fail(const struct workflow_reader *, enum err err, struct yaml_place,
                              const char *format, ...) PRINTF_LIKE(4, 5);

/* What spans steps: needs, order, references. `steps` is the definition's list of them. */
MUST_CHECK enum err workflow_check_needs(struct workflow_reader *, const json_t *steps);
MUST_CHECK enum err workflow_check_references(struct workflow_reader *, const json_t *steps);

/* Does the value have the type? `time` is RFC 3339 text. */
bool workflow_type_accepts(enum workflow_type, const json_t *);
const char *workflow_type_name(enum workflow_type);

/* The number of the step called this; -1 if there is none. */
int workflow_find_step(const struct workflow *, const struct workflow_name *);

/* 1 to 63 characters of a-z 0-9 -, the first a letter. */
bool workflow_is_name(const char *);
bool workflow_is_run_id(const char *);

/* No deeper than WORKFLOW_DEPTH_MAX, so that walking it by recursion is safe. */
bool workflow_depth_ok(const json_t *);

/* The hash that stands for all of a run's request: what approvals bind to by default. */
void workflow_hash_run(const char *run, const char *requester, const char *definition_hash,
                       json_t *input, char hash[WORKFLOW_HASH_SIZE]);

#endif
