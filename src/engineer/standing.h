/* standing.h - the plan and the proof of a network that changes, kept from one time to the next:
 * only what is different is planned and judged again. Pure.
 *
 * Each move from one network to the next is also judged while it is under way: whatever mixture of
 * old and new rules the nodes hold then, nothing may leak and nothing loop. So the rules may be
 * sent to the nodes in any order, as far as on each of them groups and meters come before the flows
 * that name them. What moves, is taken out first and put in then, as orders do it.
 *
 * Each rule that a step brings is certified by itself, too (certificate.h): two judgements that
 * share no code have to agree. */
#ifndef ENGINEER_STANDING_H
#define ENGINEER_STANDING_H

#include "engineer/prove.h"

struct standing; /* opaque; one thread at a time */

/* Of no network yet. Whoever keeps it holds it once; the last release frees it. */
struct standing *standing_new(void);
struct standing *standing_hold(struct standing *);
void standing_release(struct standing *); /* NULL is fine */

struct standing_work {
    bool anew; /* sites, nodes, links or hosts are not what they were: all of it was done again */
    uint32_t taken_out, put_in; /* circuits */
    uint32_t certified;         /* rules that came and do what one circuit allows, or drop */
    uint32_t uncertified;       /* circuits that no rule can be certified for: only walked */
};

/* Moves on to this network and says what stands there: at most `limit` violations (0: all), those
 * of the way first, whose `failure` says so. The network is copied. ERR_OK also with violations.
 * Errors as plan_network(), prover_allow(): then it stands nowhere, and the next move does all of
 * it anew. `work` may be NULL. */
MUST_CHECK enum err standing_move(struct standing *, const struct network *, uint32_t limit,
                                  struct proof *, struct standing_work *work, struct diag *);

#endif
