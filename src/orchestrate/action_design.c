/* action_design.c - design and proof: computed on a thread, on a copy of the network. */
#include "orchestrate/actions.h"

#include "base/alloc.h"
#include "engineer/standing.h"

#include <stdlib.h>

#define ROUNDS 3 /* a design of a network that has changed meanwhile is made anew, so often */

/* What either computes with. It belongs to the job; the effect may be gone before it is. */
struct drawing {
    struct effect *effect;
    uint64_t version; /* of the network it was made for */
    unsigned round;
    json_t *circuits; /* design: names */
    json_t *others;   /* design: drafts that other orders hold */
    json_t *draft;
    effect_next_fn *then; /* proof: what follows */
    struct standing *standing;
    json_t *summary, *proof;
    uint32_t n_violations;
    char *violation; /* the first ones, for the error; NULL: none */
    enum err err;
    struct diag why;
};

static void
drawing_free(void *arg)
{
    struct drawing *drawing = arg;
    json_decref(drawing->circuits);
    json_decref(drawing->others);
    json_decref(drawing->draft);
    json_decref(drawing->summary);
    json_decref(drawing->proof);
    standing_release(drawing->standing);
    free(drawing->violation);
    free(drawing);
}

static struct network *
copy_network(void *arg)
{
    struct drawing *drawing = arg;
    const struct state *state = drawing->effect->service->state;
    drawing->version = state->network_version;
    return network_copy(state->network);
}

/* ---- Design ------------------------------------------------------------------------------------
 */

/* Also what others have designed but not reserved counts as taken. */
static struct network *
prepare_design(void *arg)
{
    struct drawing *drawing = arg;
    const struct works *works = drawing->effect->service->works;
    drawing->others = works_held_drafts(works, drawing->effect->work);
    return copy_network(drawing);
}

static void
compute_design(void *arg, struct network *net)
{
    struct drawing *drawing = arg;
    size_t i;
    json_t *draft;
    json_array_foreach(drawing->others, i, draft)
    {
        draft_hold(net, draft);
    }
    drawing->err = draft_make(net, drawing->circuits, &drawing->draft, &drawing->why);
    if (!drawing->err)
        drawing->err = draft_summary(net, drawing->draft, &drawing->summary, &drawing->why);
}

static void start_design(struct effect *, unsigned round);

static void
design_made(void *arg)
{
    struct drawing *drawing = arg;
    struct effect *effect = drawing->effect;
    effect->job = NULL;
    if (drawing->version != effect->service->state->network_version && drawing->round < ROUNDS) {
        start_design(effect, drawing->round + 1);
    } else if (drawing->err) {
        effect_fail(effect, false, "%s", drawing->why.text);
    } else {
        work_keep_draft(effect->work, drawing->draft); /* at once: the next design is to see it */
        effect_done(effect, json_pack("{s:O, s:s, s:O}", "plan", drawing->draft, "plan_hash",
                                      draft_hash(drawing->draft), "summary", drawing->summary));
    }
}

static const struct job_class design_job = {prepare_design, compute_design, design_made,
                                            drawing_free};

static void
start_design(struct effect *effect, unsigned round)
{
    struct drawing *drawing = xcalloc(1, sizeof *drawing);
    drawing->effect = effect;
    drawing->round = round;
    drawing->circuits = json_incref(effect->circuits);
    effect->job = jobs_add(effect->service->jobs, &design_job, drawing);
}

void
action_design(struct effect *effect)
{
    if (action_has_circuits(effect))
        start_design(effect, 1);
}

/* ---- Proof -------------------------------------------------------------------------------------
 */

static char *
describe_violations(const struct proof *proof)
{
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < proof->n && i < 3; i++) {
        const struct violation *v = &proof->violations[i];
        buf_printf(&text, "%s%s: %s", i ? "; " : "", violation_name(v->kind), v->text);
        if (v->rule)
            buf_printf(&text, " [%s: %s]", v->node, v->rule);
        if (v->packet)
            buf_printf(&text, " [packet %s]", v->packet);
    }
    if (proof->n > 3)
        buf_printf(&text, "; and %u more%s", proof->n - 3, proof->truncated ? " at least" : "");
    return buf_steal_cstr(&text);
}

/* A budget that is not kept refutes a plan as a packet does that gets lost. */
static void
compute_bounds(struct drawing *drawing, const struct network *net)
{
    json_t *bounds;
    drawing->err = draft_bounds(net, drawing->draft, &bounds, &drawing->violation, &drawing->why);
    if (drawing->err)
        return;
    json_object_set_new(drawing->proof, "bounds", bounds);
    if (!drawing->violation)
        return;
    drawing->n_violations = 1;
    json_object_set_new(drawing->proof, "ok", json_false());
    json_object_set_new(drawing->proof, "unmet", json_string(drawing->violation));
}

/* First to what is reserved now: what stood at the last proof may have been refuted, or given up.
 * What is found on the way there is not this order's. */
static enum err
prove_draft(struct drawing *drawing, struct network *net, struct proof *proof,
            struct standing_work *work)
{
    struct proof before;
    struct diag *why = &drawing->why;
    enum err err = standing_move(drawing->standing, net, 1, &before, NULL, why);
    if (err)
        return err;
    proof_fini(&before);
    err = draft_put(net, drawing->draft, why);
    if (!err)
        err = draft_check(net, drawing->draft, why);
    return err ? err : standing_move(drawing->standing, net, 0, proof, work, why);
}

static void
compute_proof(void *arg, struct network *net)
{
    struct drawing *drawing = arg;
    struct proof proof;
    struct standing_work work;
    drawing->err = prove_draft(drawing, net, &proof, &work);
    if (drawing->err)
        return;
    drawing->proof = proof_to_json(&proof, DRAFT_SHOWN);
    json_object_set_new(drawing->proof, "certified", json_integer(work.certified));
    if (work.uncertified)
        json_object_set_new(drawing->proof, "uncertified", json_integer(work.uncertified));
    drawing->n_violations = proof.n;
    drawing->violation = proof.n ? describe_violations(&proof) : NULL;
    proof_fini(&proof);
    if (!drawing->n_violations)
        compute_bounds(drawing, net);
}

static void
proof_made(void *arg)
{
    struct drawing *drawing = arg;
    struct effect *effect = drawing->effect;
    effect->job = NULL;
    if (drawing->err) {
        effect_fail(effect, false, "%s", drawing->why.text);
    } else if (drawing->n_violations) {
        effect_refute(effect, json_incref(drawing->proof), "refuted: %s", drawing->violation);
    } else {
        effect->work->proved = true;
        effect->work->proved_version = drawing->version;
        json_decref(effect->work->proof);
        effect->work->proof = json_incref(drawing->proof);
        drawing->then(effect);
    }
}

static const struct job_class proof_job = {copy_network, compute_proof, proof_made, drawing_free};

void
action_prove_then(struct effect *effect, json_t *draft, effect_next_fn *then)
{
    struct drawing *drawing = xcalloc(1, sizeof *drawing);
    drawing->effect = effect;
    drawing->draft = json_incref(draft);
    drawing->then = then;
    drawing->standing = standing_hold(effect->service->standing);
    effect->job = jobs_add(effect->service->jobs, &proof_job, drawing);
}

static void
report_proof(struct effect *effect)
{
    effect_done(effect, json_incref(effect->work->proof));
}

void
action_prove(struct effect *effect)
{
    json_t *draft;
    if (action_has_plan(effect, &draft))
        action_prove_then(effect, draft, report_proof);
}
