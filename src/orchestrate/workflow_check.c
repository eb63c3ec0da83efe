/* What spans a definition's steps: which need which, in what order they can run, and whether every
 * reference points at something that is there by then. */
#include "orchestrate/workflow_fields.h"

#include <string.h>

int
workflow_find_step(const struct workflow *workflow, const struct workflow_name *name)
{
    for (uint32_t i = 0; i < workflow->n_steps; i++) {
        if (workflow_name_is(name, workflow->steps[i].name))
            return (int)i;
    }
    return -1;
}

static bool
has_bit(const uint64_t *set, uint32_t bit)
{
    return set[bit / 64] >> bit % 64 & 1;
}

/* Without `needs`, a step needs the one before it in the list, of its own sort: steps that run
 * always are an order of their own, at the end. */
static uint32_t
previous_step(const struct workflow *workflow, uint32_t index)
{
    uint32_t i = index;
    while (i > 0 && workflow->steps[i - 1].always != workflow->steps[index].always)
        i--;
    return i - 1; /* UINT32_MAX: there is none */
}

static enum err
read_need(struct workflow_reader *reader, const json_t *list, size_t at, struct workflow_step *step,
          uint32_t *need)
{
    const struct workflow *workflow = reader->workflow;
    struct yaml_place place = element(list, at);
    const char *text = json_string_value(json_array_get(list, at));
    if (!text)
        return workflow_reader_fail(reader, ERR_INVALID, place, "needs: a step's name expected");
    int found = workflow_find_step(workflow, &(struct workflow_name){text, strlen(text)});
    if (found < 0)
        return workflow_reader_fail(reader, ERR_INVALID, place, "needs: there is no step '%.63s'",
                                    text);
    if (workflow->steps[found].always != step->always)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "needs: '%s' %s; the steps that run always come last, and need "
                                    "only each other",
                                    text, step->always ? "does not run always" : "runs always");
    *need = (uint32_t)found;
    return ERR_OK;
}

static enum err
read_needs(struct workflow_reader *reader, const json_t *object, uint32_t index)
{
    struct workflow_step *step = &reader->workflow->steps[index];
    const json_t *list = json_object_get(object, "needs");
    struct yaml_place place = member(object, "needs");
    uint32_t previous = previous_step(reader->workflow, index);
    size_t n = list ? json_array_size(list) : previous != UINT32_MAX;
    if ((list && !json_is_array(list)) || n > WORKFLOW_STEPS_MAX)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "needs: a list of steps' names expected");
    uint32_t *needs = arena_calloc(reader->workflow->arena, n + 1, sizeof *needs);
    if (!needs)
        return workflow_reader_fail(reader, ERR_LIMIT, place, "too large");
    if (!list)
        needs[0] = previous;
    for (size_t i = 0; list && i < n; i++) {
        enum err err = read_need(reader, list, i, step, &needs[i]);
        if (err)
            return err;
    }
    step->needs = needs;
    step->n_needs = (uint32_t)n;
    return ERR_OK;
}

static bool
needs_are_in(const struct workflow_step *step, const uint64_t *placed)
{
    for (uint32_t i = 0; i < step->n_needs; i++) {
        if (!has_bit(placed, step->needs[i]))
            return false;
    }
    return true;
}

static void
place_step(struct workflow *workflow, uint32_t index, uint32_t at, uint64_t *placed)
{
    struct workflow_step *step = &workflow->steps[index];
    workflow->order[at] = index;
    placed[index / 64] |= UINT64_C(1) << index % 64;
    for (uint32_t i = 0; i < step->n_needs; i++) {
        uint32_t need = step->needs[i];
        step->ancestors[need / 64] |= UINT64_C(1) << need % 64;
        for (size_t word = 0; word < ARRAY_SIZE(step->ancestors); word++)
            step->ancestors[word] |= workflow->steps[need].ancestors[word];
    }
}

/* Follows needs that cannot be met until a step comes again, and says the round. */
static enum err
fail_cycle(struct workflow_reader *reader, const json_t *steps, const uint64_t *placed)
{
    const struct workflow *workflow = reader->workflow;
    uint64_t seen[ARRAY_SIZE(workflow->steps->ancestors)] = {0};
    uint32_t at = 0;
    while (has_bit(placed, at))
        at++;
    while (!has_bit(seen, at)) {
        const struct workflow_step *step = &workflow->steps[at];
        seen[at / 64] |= UINT64_C(1) << at % 64;
        uint32_t i = 0;
        while (has_bit(placed, step->needs[i]))
            i++;
        at = step->needs[i];
    }
    reader->step = workflow->steps[at].name;
    return workflow_reader_fail(reader, ERR_INVALID, element(steps, at),
                                "needs itself, directly or through other steps");
}

/* Keeps the list's order as far as the needs let it. */
static enum err
order_steps(struct workflow_reader *reader, const json_t *steps)
{
    struct workflow *workflow = reader->workflow;
    uint64_t placed[ARRAY_SIZE(workflow->steps->ancestors)] = {0};
    workflow->order = arena_calloc(workflow->arena, workflow->n_steps, sizeof *workflow->order);
    if (!workflow->order)
        return workflow_reader_fail(reader, ERR_LIMIT, (struct yaml_place){0}, "too large");
    for (uint32_t at = 0; at < workflow->n_steps; at++) {
        uint32_t i = 0;
        while (i < workflow->n_steps &&
               (has_bit(placed, i) || !needs_are_in(&workflow->steps[i], placed)))
            i++;
        if (i == workflow->n_steps)
            return fail_cycle(reader, steps, placed);
        place_step(workflow, i, at, placed);
    }
    return ERR_OK;
}

enum err
workflow_check_needs(struct workflow_reader *reader, const json_t *steps)
{
    for (uint32_t i = 0; i < reader->workflow->n_steps; i++) {
        reader->step = reader->workflow->steps[i].name;
        enum err err = read_needs(reader, json_array_get(steps, i), i);
        if (err)
            return err;
    }
    reader->step = NULL;
    return order_steps(reader, steps);
}

/* Where a reference stands, which decides what it may point at. */
struct standing {
    const struct workflow *workflow;
    const struct workflow_step *step;
    bool item;   /* once per item */
    bool result; /* in `undo`: the item's own result */
};

static bool
input_exists(const struct workflow *workflow, const struct workflow_name *name)
{
    for (uint32_t i = 0; i < workflow->n_inputs; i++) {
        if (workflow_name_is(name, workflow->inputs[i].name))
            return true;
    }
    return false;
}

static enum err
check_run_reference(const struct standing *at, const struct workflow_path *path, struct diag *diag)
{
    static const char *const always[] = {"id", "workflow", "requester", "hash"};
    static const char *const at_end[] = {"outcome", "error"};
    for (size_t i = 0; path->n == 2 && i < ARRAY_SIZE(always); i++) {
        if (workflow_name_is(&path->name[1], always[i]))
            return ERR_OK;
    }
    for (size_t i = 0; path->n == 2 && at->step->always && i < ARRAY_SIZE(at_end); i++) {
        if (workflow_name_is(&path->name[1], at_end[i]))
            return ERR_OK;
    }
    return diag_set(diag, ERR_INVALID,
                    "'run' has id, workflow, requester and hash, and in steps that run always "
                    "outcome and error");
}

static enum err
check_step_reference(const struct standing *at, const struct workflow_path *path, struct diag *diag)
{
    if (path->n < 3)
        return diag_set(diag, ERR_INVALID, "steps.NAME.result or steps.NAME.results expected");
    const struct workflow_name *name = &path->name[1];
    int found = workflow_find_step(at->workflow, name);
    if (found < 0)
        return diag_set(diag, ERR_INVALID, "there is no step '%.*s'", (int)name->length,
                        name->text);
    const struct workflow_step *other = &at->workflow->steps[found];
    bool before = has_bit(at->step->ancestors, (uint32_t)found) ||
                  (at->step->always && !other->always);
    if (!before)
        return diag_set(diag, ERR_INVALID, "step '%s' need not have run by then: it is not needed",
                        other->name);
    const char *member = other->foreach ? "results" : "result";
    if (!workflow_name_is(&path->name[2], member))
        return diag_set(diag, ERR_INVALID, "step '%s' has '%s'", other->name, member);
    return ERR_OK;
}

static enum err
check_reference(void *arg, const struct workflow_path *path, struct diag *diag)
{
    const struct standing *at = arg;
    const struct workflow_name *first = &path->name[0];
    if (workflow_name_is(first, "steps"))
        return check_step_reference(at, path, diag);
    if (workflow_name_is(first, "run"))
        return check_run_reference(at, path, diag);
    if (workflow_name_is(first, "item")) {
        return at->item ? ERR_OK
                        : diag_set(diag, ERR_INVALID,
                                   "'item' is known in the 'with' of a step "
                                   "with 'foreach' only");
    }
    if (workflow_name_is(first, "result")) {
        return at->result ? ERR_OK
                          : diag_set(diag, ERR_INVALID, "'result' is known in 'undo' only");
    }
    if (!workflow_name_is(first, "input"))
        return diag_set(diag, ERR_INVALID,
                        "references begin with input, item, result, run or steps, not '%.*s'",
                        (int)first->length, first->text);
    if (path->n < 2 || !input_exists(at->workflow, &path->name[1]))
        return diag_set(diag, ERR_INVALID, "there is no such input");
    return ERR_OK;
}

/* Checks one template of the step, named by the key it is under. */
static enum err
check_template(const struct workflow_reader *reader, struct standing *at, const json_t *node,
               const json_t *parent, const char *key)
{
    struct diag said;
    enum err err = node ? workflow_template_check(node, check_reference, at, &said) : ERR_OK;
    if (err)
        return workflow_reader_fail(reader, ERR_INVALID, member(parent, key), "%s: %s", key,
                                    said.text);
    return ERR_OK;
}

static enum err
check_step(const struct workflow_reader *reader, const json_t *object,
           const struct workflow_step *step)
{
    struct standing once = {.workflow = reader->workflow, .step = step};
    struct standing each = once, undo = once;
    each.item = undo.item = step->foreach != NULL;
    undo.result = true;
    const json_t *approval = json_object_get(object, "approval");
    const json_t *timer = json_object_get(object, "timer");
    const json_t *wait = json_object_get(object, "wait");
    const json_t *undo_object = json_object_get(object, "undo");
    const struct {
        struct standing *at;
        const json_t *node, *parent;
        const char *key;
    } templates[] = {
        {&once, step->foreach, object, "foreach"},
        {&once, step->before, object, "before"},
        {&each, step->call.with, object, "with"},
        {&undo, step->undo.with, undo_object, "with"},
        {&once, step->approval.bind, approval, "bind"},
        {&once, step->approval.show, approval, "show"},
        {&once, step->timer.until, timer, "until"},
        {&once, step->wait.object, wait, "object"},
        {&once, step->wait.match, wait, "match"},
    };
    struct diag said;
    if (workflow_condition_visit(step->when, check_reference, &once, &said))
        return workflow_reader_fail(reader, ERR_INVALID, member(object, "when"), "when: %s",
                                    said.text);
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < ARRAY_SIZE(templates); i++)
        err = check_template(reader, templates[i].at, templates[i].node, templates[i].parent,
                             templates[i].key);
    return err;
}

enum err
workflow_check_references(struct workflow_reader *reader, const json_t *steps)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; !err && i < reader->workflow->n_steps; i++) {
        reader->step = reader->workflow->steps[i].name;
        err = check_step(reader, json_array_get(steps, i), &reader->workflow->steps[i]);
    }
    return err;
}
