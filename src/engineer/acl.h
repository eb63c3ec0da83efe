/* acl.h - a packet filter as others write it: rules that overlap, the first that fits decides, and
 * what fits none is denied. Judged by cutting classes of packets up into what each rule decides, so
 * that an answer comes with a packet that shows it.
 *
 * Cutting can take long: who writes a rule for each address of a large network can make a class
 * fall into millions of parts. So each question has a number of steps (comparisons of a part with a
 * rule); when they are used up the answer is that there is none, never a guess. */
#ifndef ENGINEER_ACL_H
#define ENGINEER_ACL_H

#include "engineer/cube.h"

#define ACL_RULES_MAX 131072u         /* of one filter */
#define ACL_STEPS 4000000u            /* a sensible number */
#define ACL_BUDGET ((size_t)64 << 20) /* a sensible one, octets */

struct acl;

struct acl_rule {
    struct cube cube;
    uint32_t priority; /* the higher decides; no two rules have the same */
    bool permit;
};

struct acl *acl_new(size_t budget); /* octets it may hold; never NULL */
void acl_free(struct acl *);        /* NULL is fine */
size_t acl_memory(const struct acl *);

/* ERR_EXISTS: there is a rule of this priority. ERR_INVALID: a range that ends before it begins, or
 * an address with bits that its mask does not have. ERR_LIMIT: too many rules, or the budget. */
MUST_CHECK enum err acl_add(struct acl *, const struct acl_rule *, struct diag *);
/* ERR_NOT_FOUND: there is no rule of this priority. */
MUST_CHECK enum err acl_remove(struct acl *, uint32_t priority, struct diag *);

/* All rules by falling priority; until the next change. */
const struct acl_rule *acl_rules(const struct acl *, uint32_t *n);
/* NULL: there is none. */
const struct acl_rule *acl_find(const struct acl *, uint32_t priority);
/* The rule that decides a packet; NULL: none does, it is denied. */
const struct acl_rule *acl_decides(const struct acl *, const struct packet5 *);
bool acl_permits(const struct acl *, const struct packet5 *);

/* Told of a part of a class, and the rule that decides it (NULL: none does). True: that is enough.
 */
typedef bool (*acl_part_fn)(void *arg, const struct cube *part, const struct acl_rule *by);

/* Cuts a class up into parts, each decided by one rule; they do not overlap. `steps` is what may be
 * used, and says afterwards what is left. ERR_LIMIT: they did not suffice; more parts are
 * missing. */
MUST_CHECK enum err acl_cut(const struct acl *, const struct cube *, acl_part_fn, void *arg,
                            uint32_t *steps);
/* What of a class all of these filters permit, in parts that may overlap, those by the lowest
 * rules, which are mostly the widest, first; `by` is NULL. For those who look for one packet: it
 * takes a rule of each filter, and what all of these have, less what is denied before; so what some
 * filter permits nothing of costs little. At most ACL_COMMON_MAX filters. */
#define ACL_COMMON_MAX 256u
MUST_CHECK enum err acl_common(const struct acl *const *, uint32_t n, const struct cube *,
                               acl_part_fn, void *arg, uint32_t *steps);
/* What is decided otherwise because this rule is there, in parts that may overlap; `by` is a rule
 * that would decide otherwise, if not another one before it (NULL: none). ERR_NOT_FOUND: there is
 * no such rule. */
MUST_CHECK enum err acl_effect(const struct acl *, uint32_t priority, acl_part_fn, void *arg,
                               uint32_t *steps);

enum acl_verdict { ACL_NONE, ACL_SOME, ACL_ALL, ACL_UNJUDGED };
const char *acl_verdict_name(enum acl_verdict); /* "some"; static */

struct acl_answer {
    enum acl_verdict permitted; /* of the class: nothing, a part, all of it */
    bool has_permitted, has_denied;
    struct packet5 permitted_packet, denied_packet; /* that show it */
    uint32_t permitted_by, denied_by; /* priority of the rule; denied by none: UINT32_MAX */
};

/* Does the filter let this class of packets pass? */
void acl_judge(const struct acl *, const struct cube *, uint32_t steps, struct acl_answer *);

enum acl_flaw_kind {
    ACL_SHADOWED,      /* rules before it decide all that it could */
    ACL_REDUNDANT,     /* without it the same would be decided the same way */
    ACL_FLAW_UNJUDGED, /* the steps did not suffice to tell */
};

struct acl_flaw {
    enum acl_flaw_kind kind;
    uint32_t priority;
    uint32_t other; /* a rule that alone makes it so; UINT32_MAX: it takes several, or none, the
                     * default, does */
};

/* Rules that do nothing, by falling priority; each is judged with `steps`, with all others there.
 * free(flaws). */
void acl_flaws(const struct acl *, uint32_t steps, struct acl_flaw **flaws, uint32_t *n);

#endif
