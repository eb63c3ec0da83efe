/* test_run.h - one test of a circuit from its first packet to its verdict. Pure.
 *
 *     per path   LOAD_LATENCY, then LOAD_COMMITTED unless nothing arrived
 *     at last    LOAD_EXCESS on the primary path, if a full test is asked for: the meter is empty
 *                afterwards
 *
 * One call to a node follows the other, so a test never competes with itself. A node that is busy
 * or not connected (it may be about to come back, as after a restart) is asked again for a while;
 * any other failure ends the test, which then is not passed. */
#ifndef ASSURE_TEST_RUN_H
#define ASSURE_TEST_RUN_H

#include "assure/verdict.h"

struct test_options {
    unsigned paths; /* TEST_PRIMARY | TEST_FAILOVER */
    bool full;
    bool one_clock; /* all nodes read the same clock */
    struct load_limits limits;
};

struct test_run; /* Opaque. */

/* Copies what it needs of the network. `before`: the entries of the circuit's fingerprint, NULL:
 * none. Errors of test_sessions_make(). On success the caller owns the result. */
MUST_CHECK enum err test_run_new(const struct network *, const struct circuit *,
                                 const struct design *, const struct test_options *,
                                 const json_t *before, struct test_run **, struct diag *);
void test_run_free(struct test_run *); /* NULL is fine. */

/* The nodes that take part, each once; their number. Valid as long as the run. */
uint32_t test_run_nodes(const struct test_run *, const char *const **names);

struct test_call {
    const char *node;
    nsec_t delay;   /* wait so long before calling */
    nsec_t sending; /* from the first packet to the last */
    nsec_t timeout; /* of the call */
    json_t *params; /* of test.start; the caller's */
};

/* The packets per second of the load to make next; 0: nothing more. */
uint32_t test_run_rate(const struct test_run *);
/* What to do next; the same again until test_run_answer(). False: nothing more, there is a result.
 * `id` names the test to the node. */
bool test_run_next(struct test_run *, const char *id, struct test_call *);
/* How the call went: an error with its text, or the node's answer. `wall`: now. */
void test_run_answer(struct test_run *, enum err, const char *text, const json_t *answer,
                     nsec_t wall);
/* Ends it with a finding that says why. */
void test_run_stop(struct test_run *, const char *why);

/* {"ok", "entries", "findings"}: as assure.test answers. The caller owns it. */
json_t *test_run_result(const struct test_run *);

#endif
