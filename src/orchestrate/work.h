/* work.h - work orders as this service runs them: each a workflow run, fed with its events from the
 * journal, whose commands become events and effects.
 *
 * A run's events come from the journal and from nowhere else, at start and afterwards alike. So
 * what follows an event is the same whether it was just appended or is a year old, but that
 * commands are only asked for once the journal has been read to its end. */
#ifndef ORCHESTRATE_WORK_H
#define ORCHESTRATE_WORK_H

#include "orchestrate/notes.h"
#include "orchestrate/service_private.h"
#include "orchestrate/workflow_run.h"

/* A work order. Those that are closed keep only what is shown of them. */
struct work {
    struct orchestrate_service *service;
    uint32_t id;
    char object[24]; /* "work/12" */
    char *comment;   /* NULL: none */
    nsec_t created, closed;
    struct workflow_run *run; /* NULL: closed */
    struct notes *notes;      /* NULL: closed */
    json_t *shown;            /* closed: as work.get tells it, but for `plan` */
    json_t *circuits;         /* of its input; NULL: none */
    bool engages;             /* it designs, builds or removes them */
    bool waits;               /* it has steps that wait for events */
    json_t *offers;           /* wait.matched bodies found while the journal is read; NULL: none */

    /* What it designed. */
    json_t *draft, *summary, *proof; /* NULL: not yet, or closed */
    json_t *tested;        /* {circuit: entries} of its tests; NULL: none yet, or closed */
    uint64_t draft_seq;    /* the event that has them; 0: none */
    bool tentative;        /* designed, but not reserved */
    bool proved, verified; /* the draft was, on these versions of the network: */
    uint64_t proved_version, verified_version;

    bool dirty;               /* its commands are to be asked for */
    nsec_t wake;              /* ... and at this time, wall clock */
    struct work *prev, *next; /* of those that are open */
    UT_hash_handle hh;
};

struct works *works_new(struct orchestrate_service *);
void works_free(struct works *); /* NULL is fine. */

/* Takes an event of the journal. `live`: it was just appended. */
void works_event(struct works *, const struct journal_event *, bool live);
/* The journal has been read: goes to work. */
void works_begin(struct works *);
/* Asks all runs for their commands: the journal may take them now. */
void works_stir(struct works *);
/* Asks this one, on the loop's next turn. */
void work_stir(struct work *);

struct work *works_find(const struct works *, uint32_t id); /* NULL: none */
/* In the order of their numbers. */
struct work *works_first(const struct works *);
size_t works_n_open(const struct works *);

/* The open order that has this circuit in hand; 0: none. */
uint32_t works_engaged(const struct works *, const char *circuit);

/* What the order has designed. */
void work_keep_draft(struct work *, json_t *draft);
/* The drafts that other open orders have designed and not reserved: a list; the caller owns it. */
json_t *works_held_drafts(const struct works *, const struct work *other_than);

/* Why the run refused the event of that seq, if it is the last one that was refused and this is
 * asked from its append's `done`; ERR_OK: it was not. `why` is valid until the next event. */
enum err works_refusal(const struct works *, uint64_t seq, const char **why);

/* An order that is about to be: its number, its circuits and the body of its run.created event. */
struct new_work {
    uint32_t id;
    char object[24];
    json_t *body; /* to be appended by the caller, who owns it */
};

/* Makes one and engages its circuits for it. ERR_CONFLICT: a circuit is in hand of another order,
 * or is not where this workflow begins. ERR_NOT_FOUND: there is no such circuit. ERR_INVALID: the
 * input; `diag` says what. */
MUST_CHECK enum err works_prepare(struct works *, const struct definition *, const char *requester,
                                  const char *comment, json_t *input, struct new_work *,
                                  struct diag *);
/* It could not be appended: `body` is that of the new work. */
void works_drop(struct works *, const json_t *body);

/* ---- For effects --------------------------------------------------------------------------------
 */

/* A command of a run: what is to be appended, then done. */
struct command {
    struct work *work;
    enum workflow_command_kind kind;
    char *type, *step, *action, *key; /* action, key: NULL but for actions */
    uint32_t item, attempt;
    json_t *body, *params;
    bool recover;
    nsec_t patience; /* how long the action may take; NSEC_NEVER: for ever */
    struct append *append;
    struct command *prev, *next;
};
void command_free(struct command *);

/* The order of this number is at work still. */
bool works_is_open(const struct works *, uint32_t id);

#endif
