/* verdict.h - is what was measured what was engineered? Pure.
 *
 * An error means that the circuit is not as it should be: packets were lost within its committed
 * rate, or more than one in a hundred took longer than its latency budget, or the meter passes what
 * it should not. A warning does not stop it: a single packet beyond the budget (software timestamps
 * know such), a latency that could not be measured because clocks are not synchronised, a result
 * that is worse than the one before but within the budget. */
#ifndef ASSURE_VERDICT_H
#define ASSURE_VERDICT_H

#include "assure/fingerprint.h"

/* Judges a test's entries against the circuit and its previous fingerprint (NULL: none). Adds to
 * `findings`. */
void verdict_entries(const struct circuit *, const struct entries *, const struct entries *before,
                     struct findings *);

/* Judges the answer to LOAD_EXCESS: the meter acted on what came forward. */
void verdict_excess(const struct circuit *, const struct test_session *, const struct load *,
                    const struct node_answer *, struct findings *);

/* Says of a test's entries that become the fingerprint where they are too noisy to count as they
 * are: surveillance by them is coarse, and not as coarse as they suggest. */
void verdict_noise(const struct circuit *, const struct entries *, struct findings *);

/* Up to where the median of a later measurement is still the fingerprint's latency: what of its
 * 99th percentile counts, and a margin (rules.h). And from where on it is shorter than it should
 * be. */
nsec_t latency_margin(nsec_t p50);
nsec_t latency_ceiling(const struct entry *);
nsec_t latency_floor(const struct entry *);

/* "1.234 ms", "56 us". `text` holds LATENCY_TEXT_SIZE. Returns it. */
#define LATENCY_TEXT_SIZE 32
char *latency_format(nsec_t, char *text);

#endif
