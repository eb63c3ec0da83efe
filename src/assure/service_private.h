/* service_private.h - what the files of the service share:
 *
 *   service.c   life, bus, calls to nodes      request.c   tests that somebody asked for
 *   record.c    results in the journal         survey.c    surveillance, round by round
 *   report.c    assure.status                  watch.h     what its rounds mean (pure) */
#ifndef ASSURE_SERVICE_PRIVATE_H
#define ASSURE_SERVICE_PRIVATE_H

#include "assure/admission.h"
#include "assure/service.h"
#include "assure/test_run.h"
#include "io/timer.h"

#define ACTOR "system/assure"
#define TEST_ID_SIZE 64
#define NOTICE_TIMEOUT (10 * NSEC_PER_SEC)

struct test;      /* request.c: one that was asked for */
struct recording; /* record.c: a result that is not durable yet */
struct survey;    /* survey.c: surveillance of one circuit */
struct notice;    /* survey.c: news about an exception on their way */
struct rounds;

struct assure_service {
    struct assure_service_config config; /* with the defaults filled in */
    struct bus_subscription *subscriptions[4];
    uint32_t n_subscriptions;
    uint32_t instance; /* random: names tests of this run of the program */
    uint32_t last_id;
    struct admission *admission;
    struct task *admit; /* lets those in who fit */
    struct test *tests; /* in order of asking */
    struct recording *recordings;
    struct rounds *rounds;
    struct timer *turn;
    struct survey *surveys; /* by circuit */
    struct notice *notices;
};

/* service.c */
/* A name for a test, never used before. `id` holds TEST_ID_SIZE. */
void assure_name_test(struct assure_service *, char *id);
/* Asks a node to test; takes over `params`. Errors as of bus_request(). */
MUST_CHECK enum err assure_call(struct assure_service *, const char *node, json_t *params,
                                nsec_t timeout, call_done_fn *done, void *arg, uint64_t *request);
/* Ends such a call: nobody wants its answer any more, and the node need not go on. */
void assure_abort(struct assure_service *, const char *node, const char *id, uint64_t request);
/* Are the circuit's rules in the nodes? If not, `why` (NULL is fine) says in what state it is. */
bool assure_is_built(const struct assure_service *, const char *circuit, const char **why);

/* request.c */
void assure_serve_test(void *arg, struct bus *, const struct bus_message *);
void assure_admit(void *arg);                     /* the task of that name */
void assure_tests_check(struct assure_service *); /* stops those whose circuits have gone */
void assure_tests_free(struct assure_service *);
/* Does a test of the circuit run? It would compete with surveillance for the meter. */
bool assure_is_testing(const struct assure_service *, const char *circuit);
json_t *assure_tests_report(const struct assure_service *);

/* survey.c */
void assure_surveys_start(struct assure_service *);
void assure_surveys_free(struct assure_service *);
void assure_take_turns(void *arg); /* the timer `turn` */
/* This circuit may be active now, or not any more, or have another fingerprint. */
void assure_survey_sync(struct assure_service *, const char *circuit);
void assure_surveys_check(struct assure_service *); /* any of those that are watched */
/* Of one circuit, or NULL: of all. */
json_t *assure_surveys_report(const struct assure_service *, const char *circuit);
nsec_t assure_surveys_interval(const struct assure_service *);

/* record.c */
/* Appends `test.result`. `answer` is what test_run_result() makes. When it is durable it is also
 * the answer to `reply_to` (NULL: nobody waits). */
void assure_record(struct assure_service *, const char *circuit, const char *reason,
                   const json_t *answer, const char *reply_to);
void assure_recordings_forget(struct assure_service *); /* the service ends */

/* report.c */
void assure_serve_status(void *arg, struct bus *, const struct bus_message *);

#endif
