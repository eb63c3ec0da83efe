/* admission.h - which tests go on at the same time, overall and at each node. Pure.
 *
 * A test is one load after the other, and what a node bears is what it sends and reflects. So
 * each load has a rate, in packets per second, and those that go on at a node share its budget.
 * A load whose rate alone is above the budget goes on there alone. Besides, the number of tests
 * that have begun is limited, whatever they send.
 *
 * Who cannot go on at once waits in line. Tests that have begun stand in front of all that have
 * not. Of either, whoever fits may overtake those in front, but not for ever: when the first has
 * been overtaken ADMISSION_PATIENCE times, the others wait until it goes on. */
#ifndef ASSURE_ADMISSION_H
#define ASSURE_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#define ADMISSION_PATIENCE 16

struct admission_limits {
    uint32_t tests;          /* that have begun */
    uint32_t tests_per_node; /* of these */
    uint32_t rate_per_node;  /* packets per second of the loads that go on there */
};

struct admission;        /* Opaque. */
struct admission_ticket; /* Opaque: a test that waits, or has begun. */

/* Never NULL. */
struct admission *admission_new(const struct admission_limits *);
void admission_free(struct admission *); /* All tickets must have gone. NULL is fine. */

/* Puts the test `who` in line, for a first load at `rate`; the names are copied. Never NULL. */
struct admission_ticket *admission_wait(struct admission *, void *who, uint32_t rate,
                                        uint32_t n_nodes, const char *const *nodes);
/* The next of those in line who may go on, whose load counts from now on; NULL: nobody may. */
void *admission_next(struct admission *);
/* Its load sends no more: makes room for those of others. The test still counts as begun. Again is
 * fine. */
void admission_pause(struct admission *, struct admission_ticket *);
/* Puts a test that has paused in line for its next load. */
void admission_resume(struct admission *, struct admission_ticket *, uint32_t rate);
/* Leaves the line, or ends and makes room. */
void admission_leave(struct admission *, struct admission_ticket *);
bool admission_has_begun(const struct admission_ticket *);

uint32_t admission_waiting(const struct admission *); /* that have not begun */
uint32_t admission_begun(const struct admission *);

#endif
