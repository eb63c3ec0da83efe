#include "engineer/acl.h"

#include "base/alloc.h"
#include "engineer/classifier.h"

#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 262144u /* of a class, not yet decided */
#define NOBODY UINT32_MAX

struct acl {
    uint32_t n, capacity;
    struct acl_rule *rules; /* by falling priority */
    struct classifier *index;
    size_t budget;
};

struct acl *
acl_new(size_t budget)
{
    struct acl *acl = xcalloc(1, sizeof *acl);
    acl->budget = budget;
    acl->index = classifier_new(budget / 2);
    return acl;
}

void
acl_free(struct acl *acl)
{
    if (!acl)
        return;
    classifier_free(acl->index);
    free(acl->rules);
    free(acl);
}

size_t
acl_memory(const struct acl *acl)
{
    return sizeof *acl + acl->capacity * sizeof *acl->rules + classifier_memory(acl->index);
}

/* ---- Rules ---- */

/* The first rule whose priority is not higher. */
static uint32_t
lower_bound(const struct acl *acl, uint32_t priority)
{
    uint32_t low = 0, high = acl->n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (acl->rules[middle].priority > priority)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum err
check_cube(const struct cube *c, struct diag *diag)
{
    if (c->src & ~c->src_mask)
        return diag_set(diag, ERR_INVALID, "the source address has bits outside its mask");
    if (c->dst & ~c->dst_mask)
        return diag_set(diag, ERR_INVALID, "the destination address has bits outside its mask");
    if (c->proto[0] > c->proto[1])
        return diag_set(diag, ERR_INVALID, "protocols %u to %u", c->proto[0], c->proto[1]);
    if (c->sport[0] > c->sport[1])
        return diag_set(diag, ERR_INVALID, "source ports %u to %u", c->sport[0], c->sport[1]);
    if (c->dport[0] > c->dport[1])
        return diag_set(diag, ERR_INVALID, "destination ports %u to %u", c->dport[0], c->dport[1]);
    return ERR_OK;
}

enum err
acl_add(struct acl *acl, const struct acl_rule *rule, struct diag *diag)
{
    enum err err = check_cube(&rule->cube, diag);
    if (err)
        return err;
    uint32_t at = lower_bound(acl, rule->priority);
    if (at < acl->n && acl->rules[at].priority == rule->priority)
        return diag_set(diag, ERR_EXISTS, "the filter has a rule %u", rule->priority);
    if (acl->n == ACL_RULES_MAX)
        return diag_set(diag, ERR_LIMIT, "a filter has at most %u rules", ACL_RULES_MAX);
    size_t room = MAX(acl->capacity, acl->n == acl->capacity ? acl->n * 2 : 8);
    if (room * sizeof *acl->rules > acl->budget / 2 ||
        classifier_add(acl->index, &rule->cube, rule->priority))
        return diag_set(diag, ERR_LIMIT, "the filter's budget of %zu octets is used up: %u rules",
                        acl->budget, acl->n);
    GROW(acl->rules, acl->n, acl->capacity);
    memmove(&acl->rules[at + 1], &acl->rules[at], (acl->n - at) * sizeof *acl->rules);
    acl->rules[at] = *rule;
    acl->n++;
    return ERR_OK;
}

enum err
acl_remove(struct acl *acl, uint32_t priority, struct diag *diag)
{
    uint32_t at = lower_bound(acl, priority);
    if (at == acl->n || acl->rules[at].priority != priority)
        return diag_set(diag, ERR_NOT_FOUND, "the filter has no rule %u", priority);
    if (classifier_remove(acl->index, &acl->rules[at].cube, priority))
        abort(); /* it was added there too */
    memmove(&acl->rules[at], &acl->rules[at + 1], (--acl->n - at) * sizeof *acl->rules);
    if (!acl->n) {
        free(acl->rules);
        acl->rules = NULL;
        acl->capacity = 0;
    }
    return ERR_OK;
}

const struct acl_rule *
acl_rules(const struct acl *acl, uint32_t *n)
{
    *n = acl->n;
    return acl->rules;
}

const struct acl_rule *
acl_find(const struct acl *acl, uint32_t priority)
{
    uint32_t at = lower_bound(acl, priority);
    return at < acl->n && acl->rules[at].priority == priority ? &acl->rules[at] : NULL;
}

const struct acl_rule *
acl_decides(const struct acl *acl, const struct packet5 *p)
{
    int64_t priority = classifier_lookup(acl->index, p);
    return priority < 0 ? NULL : acl_find(acl, (uint32_t)priority);
}

bool
acl_permits(const struct acl *acl, const struct packet5 *p)
{
    const struct acl_rule *rule = acl_decides(acl, p);
    return rule && rule->permit;
}

/* ---- Cutting ---- */

struct undecided {
    struct cube cube;
    uint32_t next; /* rule to be asked */
};

struct cutting {
    const struct acl *acl;
    uint32_t *steps;
    struct undecided *parts;
    uint32_t n, capacity;
};

/* The next rule that has some of this class; their number if none has. */
static uint32_t
next_rule(struct cutting *c, const struct undecided *part)
{
    uint32_t i = part->next;
    while (i < c->acl->n && !cube_overlaps(&part->cube, &c->acl->rules[i].cube)) {
        if (!*c->steps)
            return i;
        --*c->steps;
        i++;
    }
    return i;
}

static enum err
cut_on(struct cutting *c, acl_part_fn tell, void *arg)
{
    while (c->n) {
        struct undecided part = c->parts[--c->n];
        struct cube both, rest[CUBE_PARTS_MAX];
        uint32_t i = next_rule(c, &part);
        if (!*c->steps)
            return ERR_LIMIT;
        --*c->steps;
        if (i == c->acl->n) {
            if (tell(arg, &part.cube, NULL))
                return ERR_OK;
            continue;
        }
        const struct acl_rule *rule = &c->acl->rules[i];
        if (!cube_intersect(&part.cube, &rule->cube, &both))
            abort(); /* they overlap */
        uint32_t n = cube_contains(&rule->cube, &part.cube)
                         ? 0
                         : cube_subtract(&part.cube, &rule->cube, rest);
        if (c->n + n > PARTS_MAX)
            return ERR_LIMIT;
        for (uint32_t k = 0; k < n; k++) {
            GROW(c->parts, c->n, c->capacity);
            c->parts[c->n++] = (struct undecided){rest[k], i + 1};
        }
        if (tell(arg, &both, rule))
            return ERR_OK;
    }
    return ERR_OK;
}

enum err
acl_cut(const struct acl *acl, const struct cube *whole, acl_part_fn tell, void *arg,
        uint32_t *steps)
{
    struct cutting c = {.acl = acl, .steps = steps};
    GROW(c.parts, c.n, c.capacity);
    c.parts[c.n++] = (struct undecided){*whole, 0};
    enum err err = cut_on(&c, tell, arg);
    free(c.parts);
    return err;
}

/* ---- What is left of a class ---- */

struct taken {
    const struct cube *cube;
    unsigned bits; /* that it asks for */
};

/* A class less others: mostly one packet is looked for, so it does not matter in which parts. The
 * widest of the others go first; they leave least. */
struct remainder {
    struct taken *taken;
    uint32_t n_taken, capacity;
    struct undecided *parts; /* `next` is one of those taken */
    uint32_t n_parts, parts_capacity;
    acl_part_fn tell;
    void *arg;
    uint32_t *steps;
    bool enough;
};

static void
remainder_fini(struct remainder *r)
{
    free(r->taken);
    free(r->parts);
}

static unsigned
bits_asked(const struct cube *c)
{
    return (unsigned)(__builtin_popcount(c->src_mask) + __builtin_popcount(c->dst_mask)) +
           (c->proto[0] || c->proto[1] != 255 ? 8 : 0) +
           (c->sport[0] || c->sport[1] != UINT16_MAX ? 16 : 0) +
           (c->dport[0] || c->dport[1] != UINT16_MAX ? 16 : 0);
}

static int
widest_first(const void *a, const void *b)
{
    unsigned x = ((const struct taken *)a)->bits, y = ((const struct taken *)b)->bits;
    return (x > y) - (x < y);
}

enum which { PERMITS = 1, DENIALS = 2, BOTH = 3 };

/* Of a filter's rules from `from` to before `to`, those that have some of the class. */
static enum err
take(struct remainder *r, const struct acl *acl, uint32_t from, uint32_t to, enum which which,
     const struct cube *whole)
{
    if (*r->steps < to - from)
        return ERR_LIMIT;
    *r->steps -= to - from;
    for (uint32_t i = from; i < to; i++) {
        const struct acl_rule *rule = &acl->rules[i];
        if (!(which & (rule->permit ? PERMITS : DENIALS)) || !cube_overlaps(whole, &rule->cube))
            continue;
        GROW(r->taken, r->n_taken, r->capacity);
        r->taken[r->n_taken++] = (struct taken){&rule->cube, bits_asked(&rule->cube)};
    }
    return ERR_OK;
}

static enum err
push_part(struct remainder *r, const struct cube *cube, uint32_t next)
{
    if (r->n_parts == PARTS_MAX)
        return ERR_LIMIT;
    GROW(r->parts, r->n_parts, r->parts_capacity);
    r->parts[r->n_parts++] = (struct undecided){*cube, next};
    return ERR_OK;
}

/* Tells of what is left of a class, as being decided by `by`. */
static enum err
tell_rest(struct remainder *r, const struct cube *whole, const struct acl_rule *by)
{
    if (r->n_taken > 1)
        qsort(r->taken, r->n_taken, sizeof *r->taken, widest_first);
    r->n_parts = 0;
    enum err err = push_part(r, whole, 0);
    while (r->n_parts && !err && !r->enough) {
        struct undecided part = r->parts[--r->n_parts];
        struct cube rest[CUBE_PARTS_MAX];
        uint32_t i = part.next;
        while (i < r->n_taken && *r->steps && !cube_overlaps(&part.cube, r->taken[i].cube)) {
            --*r->steps;
            i++;
        }
        if (!*r->steps)
            return ERR_LIMIT;
        --*r->steps;
        if (i == r->n_taken) {
            r->enough = r->tell(r->arg, &part.cube, by);
            continue;
        }
        if (cube_contains(r->taken[i].cube, &part.cube))
            continue;
        uint32_t n = cube_subtract(&part.cube, r->taken[i].cube, rest);
        for (uint32_t k = 0; k < n && !err; k++)
            err = push_part(r, &rest[k], i + 1);
    }
    return err;
}

/* ---- What several filters permit ---- */

struct common {
    const struct acl *const *acls;
    uint32_t n;
    uint32_t chosen[ACL_COMMON_MAX]; /* of each filter, the permitting rule */
    struct remainder rest;
};

/* What the chosen rules all have, less what is denied before them. */
static enum err
tell_undenied(struct common *c, const struct cube *whole)
{
    enum err err = ERR_OK;
    c->rest.n_taken = 0;
    for (uint32_t i = 0; i < c->n && !err; i++)
        err = take(&c->rest, c->acls[i], 0, c->chosen[i], DENIALS, whole);
    return err ? err : tell_rest(&c->rest, whole, NULL);
}

/* Chooses rules of the filters from `at` on. */
static enum err
choose(struct common *c, uint32_t at, const struct cube *whole)
{
    enum err err = ERR_OK;
    if (at == c->n)
        return tell_undenied(c, whole);
    for (uint32_t i = c->acls[at]->n; i-- > 0 && !err && !c->rest.enough;) {
        const struct acl_rule *rule = &c->acls[at]->rules[i];
        struct cube both;
        if (!*c->rest.steps)
            return ERR_LIMIT;
        --*c->rest.steps;
        if (!rule->permit || !cube_intersect(whole, &rule->cube, &both))
            continue;
        c->chosen[at] = i;
        err = choose(c, at + 1, &both);
    }
    return err;
}

enum err
acl_common(const struct acl *const *acls, uint32_t n, const struct cube *whole, acl_part_fn tell,
           void *arg, uint32_t *steps)
{
    struct common c = {.acls = acls, .n = n, .rest = {.tell = tell, .arg = arg, .steps = steps}};
    if (n > ACL_COMMON_MAX)
        return ERR_LIMIT;
    enum err err = choose(&c, 0, whole);
    remainder_fini(&c.rest);
    return err;
}

/* ---- What a rule does ---- */

/* What the rule decides and `other` would decide otherwise; other == n: no rule would. */
static enum err
tell_otherwise(struct remainder *r, const struct acl *acl, uint32_t at, uint32_t other)
{
    const struct acl_rule *rule = &acl->rules[at];
    const struct acl_rule *by = other < acl->n ? &acl->rules[other] : NULL;
    struct cube whole = rule->cube;
    if ((by && by->permit) == rule->permit || (by && !cube_intersect(&whole, &by->cube, &whole)))
        return ERR_OK;
    r->n_taken = 0;
    enum err err = take(r, acl, 0, at, BOTH, &whole);
    if (!err) /* who would decide the same instead */
        err = take(r, acl, at + 1, other, rule->permit ? PERMITS : DENIALS, &whole);
    return err ? err : tell_rest(r, &whole, by);
}

enum err
acl_effect(const struct acl *acl, uint32_t priority, acl_part_fn tell, void *arg, uint32_t *steps)
{
    uint32_t at = lower_bound(acl, priority);
    struct remainder r = {.tell = tell, .arg = arg, .steps = steps};
    enum err err = ERR_OK;
    if (at == acl->n || acl->rules[at].priority != priority)
        return ERR_NOT_FOUND;
    for (uint32_t i = acl->n + 1; --i > at && !err && !r.enough;)
        err = tell_otherwise(&r, acl, at, i);
    remainder_fini(&r);
    return err;
}

/* ---- Verdicts ---- */

const char *
acl_verdict_name(enum acl_verdict verdict)
{
    static const char *const names[] = {"none", "some", "all", "unjudged"};
    return (size_t)verdict < ARRAY_SIZE(names) ? names[verdict] : "?";
}

static bool
on_judged(void *arg, const struct cube *part, const struct acl_rule *by)
{
    struct acl_answer *answer = arg;
    if (by && by->permit) {
        answer->has_permitted = true;
        answer->permitted_packet = cube_sample(part);
        answer->permitted_by = by->priority;
    } else {
        answer->has_denied = true;
        answer->denied_packet = cube_sample(part);
        answer->denied_by = by ? by->priority : NOBODY;
    }
    return answer->has_permitted && answer->has_denied;
}

void
acl_judge(const struct acl *acl, const struct cube *whole, uint32_t steps,
          struct acl_answer *answer)
{
    *answer = (struct acl_answer){.permitted_by = NOBODY, .denied_by = NOBODY};
    enum err err = acl_cut(acl, whole, on_judged, answer, &steps);
    if (answer->has_permitted && answer->has_denied)
        answer->permitted = ACL_SOME;
    else if (err)
        answer->permitted = ACL_UNJUDGED;
    else
        answer->permitted = answer->has_permitted ? ACL_ALL : ACL_NONE;
}

static bool
is_told(void *arg, const struct cube *part UNUSED, const struct acl_rule *by UNUSED)
{
    *(bool *)arg = true;
    return true;
}

/* Is there anything that rules before it leave to a rule? */
static enum err
is_reached(const struct acl *acl, uint32_t at, uint32_t *steps, bool *reached)
{
    struct remainder r = {.tell = is_told, .arg = reached, .steps = steps};
    const struct cube *cube = &acl->rules[at].cube;
    enum err err = take(&r, acl, 0, at, BOTH, cube);
    if (!err)
        err = tell_rest(&r, cube, NULL);
    remainder_fini(&r);
    return err;
}

/* A rule from `from` on, before `to`, that has all of this one. */
static uint32_t
container(const struct acl *acl, uint32_t from, uint32_t to, const struct cube *cube)
{
    for (uint32_t i = from; i < to; i++) {
        if (cube_contains(&acl->rules[i].cube, cube))
            return acl->rules[i].priority;
    }
    return NOBODY;
}

/* Is a rule of no use? */
static bool
is_flaw(const struct acl *acl, uint32_t at, uint32_t steps, struct acl_flaw *flaw)
{
    const struct acl_rule *rule = &acl->rules[at];
    bool decides = false, matters = false;
    *flaw = (struct acl_flaw){ACL_SHADOWED, rule->priority, NOBODY};
    enum err err = is_reached(acl, at, &steps, &decides);
    if (!err && !decides) {
        flaw->other = container(acl, 0, at, &rule->cube);
        return true;
    }
    if (!err)
        err = acl_effect(acl, rule->priority, is_told, &matters, &steps);
    flaw->kind = err ? ACL_FLAW_UNJUDGED : ACL_REDUNDANT;
    if (!err && !matters)
        flaw->other = container(acl, at + 1, acl->n, &rule->cube);
    return !matters;
}

void
acl_flaws(const struct acl *acl, uint32_t steps, struct acl_flaw **flaws, uint32_t *n)
{
    uint32_t capacity = 0;
    *flaws = NULL;
    *n = 0;
    for (uint32_t i = 0; i < acl->n; i++) {
        struct acl_flaw flaw;
        if (!is_flaw(acl, i, steps, &flaw))
            continue;
        GROW(*flaws, *n, capacity);
        (*flaws)[(*n)++] = flaw;
    }
}
