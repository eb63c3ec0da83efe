#include "engineer/standing_private.h"

#include "base/alloc.h"
#include "engineer/certificate.h"
#include "model/object.h"

#include <stdlib.h>
#include <string.h>

#define WAY_SHOWN 1000 /* violations on the way */

struct standing *
standing_new(void)
{
    return standing_hold(xcalloc(1, sizeof(struct standing)));
}

struct standing *
standing_hold(struct standing *s)
{
    s->holders++;
    return s;
}

static void
leave(struct standing *s)
{
    prover_free(s->prover); /* before the rules and circuits it looks at */
    if (s->plan)
        plan_free(s->plan);
    if (s->network)
        network_free(s->network);
    *s = (struct standing){.holders = s->holders};
}

void
standing_release(struct standing *s)
{
    if (!s || --s->holders)
        return;
    leave(s);
    free(s);
}

/* ---- What is different ---- */

static bool
same_objects(const struct network *a, const struct network *b, enum object_kind kind)
{
    if (network_count(a, kind) != network_count(b, kind))
        return false;
    for (const void *object = network_first(a, kind); object; object = object_next(kind, object)) {
        const void *other = network_find(b, kind, object_name(kind, object));
        if (!other || !object_equal(kind, object, other))
            return false;
    }
    return true;
}

static bool
same_inventory(const struct network *a, const struct network *b)
{
    return same_objects(a, b, OBJECT_SITE) && same_objects(a, b, OBJECT_NODE) &&
           same_objects(a, b, OBJECT_LINK) && same_objects(a, b, OBJECT_HOST);
}

/* Is the circuit built alike in both? */
static bool
same_circuit(const struct network *a, const struct network *b, const char *name)
{
    const struct design *x = network_design(a, name), *y = network_design(b, name);
    const struct circuit *c = network_circuit(a, name), *d = network_circuit(b, name);
    return x && y && c && d && circuit_equal(c, d) && object_equal(OBJECT_DESIGN, x, y);
}

/* Those with a design that `other` has not alike; the names are the network's. A design without its
 * circuit is nobody's business here, as in plan_network(). */
static const char **
circuits_not_in(const struct network *net, const struct network *other, uint32_t *n)
{
    uint32_t capacity = 0;
    const char **names = NULL;
    *n = 0;
    for (const struct design *d = net->designs; d; d = d->hh.next) {
        if (!network_circuit(net, d->circuit) || same_circuit(net, other, d->circuit))
            continue;
        GROW(names, *n, capacity);
        names[(*n)++] = d->circuit;
    }
    return names;
}

/* ---- Moving ---- */

static enum err
apply(struct standing *s, const struct plan_changes *changes)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < changes->n && !err; i++) {
        const struct plan_change *c = &changes->list[i];
        err = c->add ? prover_put(s->prover, c->node, &c->rule)
                     : prover_remove(s->prover, c->node, &c->rule);
    }
    return err;
}

static bool
same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool
is_among(const struct violation *v, const struct violation *list, uint32_t n)
{
    bool found = false;
    for (uint32_t i = 0; i < n && !found; i++) {
        const struct violation *o = &list[i];
        found = o->kind == v->kind && same_text(o->text, v->text) && same_text(o->rule, v->rule) &&
                same_text(o->packet, v->packet) && same_text(o->path, v->path) &&
                same_text(o->failure, v->failure);
    }
    return found;
}

/* Proofs of the same prover, one after the other: what the first found comes first, and what stands
 * all the way is told once. What is not taken stays in `more`. */
static void
append_violations(struct proof *proof, struct proof *more, uint32_t limit)
{
    uint32_t before = proof->n, left = 0;
    proof->violations = xrealloc(proof->violations, before + more->n + 1,
                                 sizeof *proof->violations);
    for (uint32_t i = 0; i < more->n; i++) {
        bool known = is_among(&more->violations[i], proof->violations, before);
        bool room = !limit || proof->n < limit;
        proof->truncated |= !known && !room;
        if (known || !room)
            more->violations[left++] = more->violations[i];
        else
            proof->violations[proof->n++] = more->violations[i];
    }
    proof->truncated |= more->truncated;
    more->n = left;
}

/* Judged in the middle of an update, when old and new rules are there. */
static void
judge_mixture(struct standing *s, uint32_t limit, struct proof *way)
{
    struct proof proof;
    if (!prover_judge(s->prover))
        return;
    prover_violations(s->prover, limit ? limit : WAY_SHOWN, &proof);
    append_violations(way, &proof, limit);
    proof_fini(&proof);
}

/* The changes keep the rules alive that go, until they have gone from the prover too. */
static enum err
update(struct standing *s, struct plan_changes *changes, uint32_t limit, struct proof *way)
{
    prover_begin_update(s->prover);
    enum err err = apply(s, changes);
    if (!err)
        judge_mixture(s, limit, way);
    prover_end_update(s->prover);
    prover_judge(s->prover);
    plan_changes_free(changes);
    return err;
}

static void
forget_circuit(struct network *net, const char *name)
{
    char *own = xstrdup(name); /* it may be the design's */
    if (network_remove_design(net, own) || network_remove_circuit(net, own))
        abort(); /* both are there */
    free(own);
}

static enum err
take_out(struct standing *s, const char **names, uint32_t n, uint32_t limit, struct proof *way)
{
    struct plan_changes changes = {0};
    for (uint32_t i = 0; i < n; i++) {
        struct plan_changes one = {0};
        plan_remove_circuit(s->plan, s->network, network_circuit(s->network, names[i]),
                            network_design(s->network, names[i]), &one);
        plan_changes_append(&changes, &one);
    }
    enum err err = update(s, &changes, limit, way);
    for (uint32_t i = 0; i < n && !err; i++) {
        err = prover_forbid(s->prover, names[i]);
        if (!err)
            forget_circuit(s->network, names[i]);
    }
    return err;
}

static enum err
add_circuit(struct standing *s, const struct network *to, const char *name,
            struct plan_changes *changes, struct diag *diag)
{
    network_put_circuit(s->network, circuit_copy(network_circuit(to, name)));
    network_put_design(s->network, design_copy(network_design(to, name)));
    const struct circuit *c = network_circuit(s->network, name);
    const struct design *d = network_design(s->network, name);
    struct plan_changes one = {0};
    enum err err = prover_allow(s->prover, c, d, diag);
    if (!err)
        err = plan_add_circuit(s->plan, s->network, c, d, &one, diag);
    plan_changes_append(changes, &one);
    return err;
}

/* ---- Certificates ---- */

static void
add_refusal(struct proof *way, const struct plan_change *change, const struct certificate *c)
{
    struct buf rule = BUF_INIT;
    rule_format(&change->rule, &rule);
    way->violations = xrealloc(way->violations, way->n + 1, sizeof *way->violations);
    way->violations[way->n++] = (struct violation){
        .kind = c->violation,
        .circuit = c->circuit ? xstrdup(c->circuit->name) : NULL,
        .node = xstrdup(change->node),
        .rule = buf_steal_cstr(&rule),
        .text = xasprintf("node %s: the rule is not certified: %s", change->node, c->text)};
}

static void
certify_change(const struct standing *s, const struct certifier *c,
               const struct plan_change *change, uint32_t limit, struct proof *way,
               struct standing_work *work)
{
    const struct rule_lookup lookup = rule_lookup_in(plan_ruleset(s->plan, change->node));
    struct certificate result;
    if (!change->add || change->rule.kind != RULE_FLOW ||
        certify(c, change->node, change->rule.flow, &lookup, &result))
        return;
    if (result.kind != REFUSED)
        work->certified++;
    else if (!limit || way->n < limit)
        add_refusal(way, change, &result);
    else
        way->truncated = true;
}

/* Rules that came are those of the circuits that came. One whose paths together lead round in a
 * circle has no certificates; then nothing is certified, for its rules are among the others. */
static void
certify_changes(const struct standing *s, const char **names, uint32_t n,
                const struct plan_changes *changes, uint32_t limit, struct proof *way,
                struct standing_work *work)
{
    struct certifier *c = certifier_new(s->network);
    for (uint32_t i = 0; i < n; i++) {
        const struct circuit *circuit = network_circuit(s->network, names[i]);
        if (certifier_allow(c, circuit, network_design(s->network, names[i]), NULL))
            work->uncertified++;
    }
    for (uint32_t i = 0; i < changes->n && !work->uncertified; i++)
        certify_change(s, c, &changes->list[i], limit, way, work);
    certifier_free(c);
}

/* ---- Moving on ---- */

static enum err
put_in(struct standing *s, const struct network *to, const char **names, uint32_t n, uint32_t limit,
       struct proof *way, struct standing_work *work, struct diag *diag)
{
    struct plan_changes changes = {0};
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < n && !err; i++)
        err = add_circuit(s, to, names[i], &changes, diag);
    if (err) {
        plan_changes_free(&changes);
        return err;
    }
    certify_changes(s, names, n, &changes, limit, way, work);
    return update(s, &changes, limit, way);
}

static enum err
move_circuits(struct standing *s, const struct network *to, uint32_t limit, struct proof *way,
              struct standing_work *work, struct diag *diag)
{
    uint32_t n_old, n_new;
    const char **old = circuits_not_in(s->network, to, &n_old);
    const char **new = circuits_not_in(to, s->network, &n_new);
    *work = (struct standing_work){.taken_out = n_old, .put_in = n_new};
    enum err err = n_old ? take_out(s, old, n_old, limit, way) : ERR_OK;
    if (!err && n_new)
        err = put_in(s, to, new, n_new, limit, way, work, diag);
    free(old);
    free(new);
    return err;
}

/* A circuit without a design is nobody's business here. */
static void
drop_proposals(struct network *net)
{
    struct circuit *c, *next;
    HASH_ITER (hh, net->circuits, c, next) {
        if (!network_design(net, c->name) && network_remove_circuit(net, c->name))
            abort(); /* it is there */
    }
}

static enum err
begin_anew(struct standing *s, const struct network *to, struct standing_work *work,
           struct diag *diag)
{
    leave(s);
    s->network = network_copy(to);
    drop_proposals(s->network);
    *work = (struct standing_work){.anew = true,
                                   .put_in = network_count(s->network, OBJECT_DESIGN)};
    enum err err = plan_network(s->network, &s->plan, diag);
    if (err)
        return err;
    s->prover = prover_new(s->network);
    err = prover_put_plan(s->prover, s->plan);
    return err ? err : prover_allow_all(s->prover, diag);
}

enum err
standing_move(struct standing *s, const struct network *to, uint32_t limit, struct proof *proof,
              struct standing_work *work, struct diag *diag)
{
    struct standing_work done;
    struct proof way = {0}, there;
    bool kept = s->network && same_inventory(s->network, to);
    enum err err = kept ? move_circuits(s, to, limit, &way, &done, diag)
                        : begin_anew(s, to, &done, diag);
    if (err) {
        proof_fini(&way);
        leave(s);
        return err;
    }
    prover_judge(s->prover);
    prover_report(s->prover, limit, &there);
    *proof = there;
    append_violations(&way, &there, limit);
    proof_fini(&there); /* those for which there was no room */
    proof->violations = way.violations;
    proof->n = way.n;
    proof->truncated = way.truncated;
    if (work)
        *work = done;
    return ERR_OK;
}
