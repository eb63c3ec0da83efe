/* A definition is read by tables (workflow_fields.h). What spans steps is checked afterwards, in
 * workflow_check.c. */
#include "orchestrate/workflow_fields.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define DEFINITION_BUDGET ((size_t)4 << 20)
#define DEFAULT_PARALLEL 8

static enum err
read_retry(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    static const struct workflow_field fields[] = {
        {"count", workflow_read_retry_count, offsetof(struct workflow_retry, count), true},
        {"backoff", workflow_read_duration, offsetof(struct workflow_retry, backoff), false},
        {"factor", workflow_read_factor, offsetof(struct workflow_retry, factor), false},
        {"limit", workflow_read_duration, offsetof(struct workflow_retry, limit), false},
    };
    struct workflow_retry *retry = into;
    *retry = (struct workflow_retry){
        .backoff = NSEC_PER_SEC, .factor = 2, .limit = 300 * NSEC_PER_SEC};
    return READ_FIELDS(reader, place, value, fields, retry);
}

static enum err
read_undo(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    static const struct workflow_field fields[] = {
        {"action", workflow_read_dotted_name, offsetof(struct workflow_call, action), true},
        {"with", workflow_read_object_template, offsetof(struct workflow_call, with), false},
        {"timeout", workflow_read_duration, offsetof(struct workflow_call, timeout), false},
        {"retry", read_retry, offsetof(struct workflow_call, retry), false},
    };
    return READ_FIELDS(reader, place, value, fields, into);
}

bool
workflow_is_role(const char *name)
{
    static const char *const roles[] = {"VIEWER", "OPERATOR", "ENGINEER", "INSTALLER",
                                        "SECADM", "SECAUD",   "RBACMNT"};
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        if (!strcmp(roles[i], name))
            return true;
    }
    return false;
}

static enum err
read_roles(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    struct workflow_approval *approval = into;
    size_t index;
    json_t *role;
    if (!json_is_array(value) || json_array_size(value) == 0 ||
        json_array_size(value) > WORKFLOW_ROLES_MAX)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "roles: a list of 1 to %d roles expected", WORKFLOW_ROLES_MAX);
    json_array_foreach(value, index, role)
    {
        if (!json_is_string(role) || !workflow_is_role(json_string_value(role)))
            return workflow_reader_fail(reader, ERR_INVALID, element(value, index),
                                        "roles: VIEWER, OPERATOR, ENGINEER, INSTALLER, SECADM, "
                                        "SECAUD or RBACMNT (IEC 62351-8) expected");
        approval->roles[approval->n_roles++] = json_string_value(role);
    }
    return ERR_OK;
}

/* One person must not fill two places of the same role: that would be one approval said twice. */
static bool
asks_role_twice(const struct workflow_approval *approval)
{
    for (uint32_t i = 0; i < approval->n_roles; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (!strcmp(approval->roles[i], approval->roles[j]))
                return true;
        }
    }
    return false;
}

static enum err
read_approval(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    static const struct workflow_field fields[] = {
        {"roles", read_roles, 0, true},
        {"distinct", workflow_read_bool, offsetof(struct workflow_approval, distinct), false},
        {"requester", workflow_read_bool, offsetof(struct workflow_approval, requester), false},
        {"expires", workflow_read_duration, offsetof(struct workflow_approval, expires), true},
        {"bind", workflow_read_text_template, offsetof(struct workflow_approval, bind), false},
        {"show", workflow_read_object_template, offsetof(struct workflow_approval, show), false},
    };
    struct workflow_approval *approval = into;
    approval->distinct = true;
    enum err err = READ_FIELDS(reader, place, value, fields, approval);
    if (!err && !approval->distinct && asks_role_twice(approval))
        err = workflow_reader_fail(reader, ERR_INVALID, place,
                                   "approval: a role that is there twice needs distinct people");
    return err;
}

static enum err
read_timer(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    static const struct workflow_field fields[] = {
        {"until", workflow_read_text_template, offsetof(struct workflow_timer, until), false},
        {"for", workflow_read_duration, offsetof(struct workflow_timer, duration), false},
    };
    struct workflow_timer *timer = into;
    enum err err = READ_FIELDS(reader, place, value, fields, timer);
    if (!err && !timer->until == !timer->duration)
        err = workflow_reader_fail(reader, ERR_INVALID, place,
                                   "timer: either 'until' or 'for' expected");
    return err;
}

static enum err
read_wait(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    static const struct workflow_field fields[] = {
        {"event", workflow_read_dotted_name, offsetof(struct workflow_wait, event), true},
        {"object", workflow_read_text_template, offsetof(struct workflow_wait, object), false},
        {"match", workflow_read_object_template, offsetof(struct workflow_wait, match), false},
    };
    return READ_FIELDS(reader, place, value, fields, into);
}

static enum err
read_kept(struct workflow_reader *reader UNUSED, struct yaml_place place UNUSED,
          json_t *value UNUSED, void *into UNUSED)
{
    return ERR_OK; /* read elsewhere: `needs` once all steps are known, `timeout` once the kind is
                    */
}

static const struct workflow_field step_fields[] = {
    {"name", workflow_read_name, offsetof(struct workflow_step, name), true},
    {"title", workflow_read_text, offsetof(struct workflow_step, title), false},
    {"needs", read_kept, 0, false},
    {"always", workflow_read_bool, offsetof(struct workflow_step, always), false},
    {"when", workflow_read_condition, offsetof(struct workflow_step, when), false},
    {"foreach", workflow_read_list_template, offsetof(struct workflow_step, foreach), false},
    {"parallel", workflow_read_parallel, offsetof(struct workflow_step, parallel), false},
    {"before", workflow_read_text_template, offsetof(struct workflow_step, before), false},
    {"action", workflow_read_dotted_name, offsetof(struct workflow_step, call.action), false},
    {"with", workflow_read_object_template, offsetof(struct workflow_step, call.with), false},
    {"retry", read_retry, offsetof(struct workflow_step, call.retry), false},
    {"undo", read_undo, offsetof(struct workflow_step, undo), false},
    {"approval", read_approval, offsetof(struct workflow_step, approval), false},
    {"timer", read_timer, offsetof(struct workflow_step, timer), false},
    {"wait", read_wait, offsetof(struct workflow_step, wait), false},
    {"timeout", read_kept, 0, false},
};

static const char *const kind_names[] = {"action", "approval", "timer", "wait"};

/* Which keys go with which kinds of step; those not named here go with all. */
static const struct {
    const char *key;
    unsigned kinds;
} step_key_kinds[] = {
    {"foreach", 1u << WORKFLOW_ACTION},
    {"parallel", 1u << WORKFLOW_ACTION},
    {"with", 1u << WORKFLOW_ACTION},
    {"retry", 1u << WORKFLOW_ACTION},
    {"undo", 1u << WORKFLOW_ACTION},
    {"always", 1u << WORKFLOW_ACTION},
    {"before", 1u << WORKFLOW_ACTION | 1u << WORKFLOW_APPROVAL},
    {"timeout", 1u << WORKFLOW_ACTION | 1u << WORKFLOW_WAIT},
};

static enum err
read_kind(struct workflow_reader *reader, struct yaml_place place, const json_t *object,
          struct workflow_step *step)
{
    unsigned n = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(kind_names); i++) {
        if (json_object_get(object, kind_names[i])) {
            step->kind = (enum workflow_kind)i;
            n++;
        }
    }
    if (n != 1)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "exactly one of action, approval, timer and wait expected");
    for (size_t i = 0; i < ARRAY_SIZE(step_key_kinds); i++) {
        const char *key = step_key_kinds[i].key;
        if (json_object_get(object, key) && !(step_key_kinds[i].kinds & 1u << step->kind))
            return workflow_reader_fail(reader, ERR_INVALID, member(object, key),
                                        "'%s' does not go with '%s'", key, kind_names[step->kind]);
    }
    if (json_object_get(object, "parallel") && !step->foreach)
        return workflow_reader_fail(reader, ERR_INVALID, member(object, "parallel"),
                                    "'parallel' does not go without 'foreach'");
    if (step->always && step->undo.action)
        return workflow_reader_fail(reader, ERR_INVALID, member(object, "undo"),
                                    "a step that runs always is not undone");
    return ERR_OK;
}

static enum err
read_step(struct workflow_reader *reader, const json_t *steps, size_t index,
          struct workflow_step *step)
{
    json_t *object = json_array_get(steps, index);
    struct yaml_place place = element(steps, index);
    reader->step = json_string_value(json_object_get(object, "name"));
    step->parallel = DEFAULT_PARALLEL;
    enum err err = READ_FIELDS(reader, place, object, step_fields, step);
    if (!err)
        err = read_kind(reader, place, object, step);
    json_t *timeout = json_object_get(object, "timeout");
    if (!err && timeout)
        err = workflow_read_duration(reader, member(object, "timeout"), timeout,
                                     step->kind == WORKFLOW_WAIT ? &step->timeout
                                                                 : &step->call.timeout);
    for (uint32_t i = 0; !err && i < reader->workflow->n_steps; i++) {
        if (!strcmp(reader->workflow->steps[i].name, step->name))
            err = workflow_reader_fail(reader, ERR_INVALID, member(object, "name"),
                                       "another step is called this");
    }
    return err;
}

static enum err
read_steps(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    struct workflow *workflow = into;
    size_t n = json_array_size(value);
    if (n == 0 || n > WORKFLOW_STEPS_MAX)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "steps: a list of 1 to %d steps expected", WORKFLOW_STEPS_MAX);
    workflow->steps = arena_calloc(workflow->arena, n, sizeof *workflow->steps);
    if (!workflow->steps)
        return workflow_reader_fail(reader, ERR_LIMIT, place, "too large");
    for (size_t i = 0; i < n; i++) {
        enum err err = read_step(reader, value, i, &workflow->steps[i]);
        if (err)
            return err;
        workflow->n_steps++;
    }
    reader->step = NULL;
    return ERR_OK;
}

static enum err
read_type(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    for (unsigned i = 0; json_is_string(value) && i < WORKFLOW_N_TYPES; i++) {
        if (!strcmp(workflow_type_name((enum workflow_type)i), json_string_value(value))) {
            *(enum workflow_type *)into = (enum workflow_type)i;
            return ERR_OK;
        }
    }
    return workflow_reader_fail(reader, ERR_INVALID, place,
                                "%s: text, integer, boolean, list, object, time or any expected",
                                place.key);
}

static enum err
read_value(struct workflow_reader *reader UNUSED, struct yaml_place place UNUSED, json_t *value,
           void *into)
{
    *(json_t **)into = value;
    return ERR_OK;
}

static enum err
read_input(struct workflow_reader *reader, struct yaml_place place, json_t *value,
           struct workflow_input *input)
{
    static const struct workflow_field fields[] = {
        {"type", read_type, offsetof(struct workflow_input, type), true},
        {"items", read_type, offsetof(struct workflow_input, items), false},
        {"required", workflow_read_bool, offsetof(struct workflow_input, required), false},
        {"default", read_value, offsetof(struct workflow_input, preset), false},
        {"title", workflow_read_text, offsetof(struct workflow_input, title), false},
    };
    enum err err = READ_FIELDS(reader, place, value, fields, input);
    if (err)
        return err;
    if (input->items != WORKFLOW_ANY && input->type != WORKFLOW_LIST)
        return workflow_reader_fail(reader, ERR_INVALID, member(value, "items"),
                                    "'items' goes with lists only");
    if (input->preset && input->required)
        return workflow_reader_fail(reader, ERR_INVALID, member(value, "default"),
                                    "what is required has no default");
    if (input->preset && !workflow_type_accepts(input->type, input->preset))
        return workflow_reader_fail(reader, ERR_INVALID, member(value, "default"),
                                    "default: %s expected", workflow_type_name(input->type));
    return ERR_OK;
}

static enum err
read_inputs(struct workflow_reader *reader, struct yaml_place place, json_t *value, void *into)
{
    struct workflow *workflow = into;
    const char *key;
    json_t *description;
    size_t n = json_object_size(value);
    if (!json_is_object(value) || n > WORKFLOW_INPUTS_MAX)
        return workflow_reader_fail(reader, ERR_INVALID, place,
                                    "input: a mapping of %d names at most expected",
                                    WORKFLOW_INPUTS_MAX);
    workflow->inputs = arena_calloc(workflow->arena, n, sizeof *workflow->inputs);
    if (n && !workflow->inputs)
        return workflow_reader_fail(reader, ERR_LIMIT, place, "too large");
    json_object_foreach(value, key, description)
    {
        struct workflow_input *input = &workflow->inputs[workflow->n_inputs++];
        if (!workflow_is_name(key))
            return workflow_reader_fail(reader, ERR_INVALID, member(value, key),
                                        "'%.63s' is no name: a letter, then letters, digits and "
                                        "'-', all small, 63 at most",
                                        key);
        input->name = key;
        enum err err = read_input(reader, member(value, key), description, input);
        if (err)
            return err;
    }
    return ERR_OK;
}

static enum err
read_workflow(struct workflow_reader *reader, json_t *json)
{
    static const struct workflow_field fields[] = {
        {"workflow", workflow_read_name, offsetof(struct workflow, name), true},
        {"title", workflow_read_text, offsetof(struct workflow, title), false},
        {"description", workflow_read_text, offsetof(struct workflow, description), false},
        {"input", read_inputs, 0, false},
        {"steps", read_steps, 0, true},
    };
    json_t *steps = json_object_get(json, "steps");
    enum err err = READ_FIELDS(reader, (struct yaml_place){0}, json, fields, reader->workflow);
    if (!err)
        err = workflow_check_needs(reader, steps);
    return err ? err : workflow_check_references(reader, steps);
}

static enum err
parse(json_t *json, const struct yaml_tree *tree, struct workflow **out, struct diag *diag)
{
    if (!workflow_depth_ok(json))
        return diag_set(diag, ERR_LIMIT, "the definition is nested too deeply");
    struct workflow *workflow = xcalloc(1, sizeof *workflow);
    struct workflow_reader reader = {.workflow = workflow, .tree = tree, .diag = diag};
    workflow->arena = arena_new(DEFINITION_BUDGET);
    workflow->json = json_incref(json);
    enum err err = read_workflow(&reader, json);
    if (err) {
        workflow_free(workflow);
        return err;
    }
    workflow_hash_json(json, workflow->hash);
    *out = workflow;
    return ERR_OK;
}

enum err
workflow_parse_yaml(const char *text, size_t size, const char *file, struct workflow **out,
                    struct diag *diag)
{
    struct yaml_tree *tree;
    enum err err = yaml_tree_parse(text, size, file, YAML_LIMITS_DEFAULT, &tree, diag);
    if (err)
        return err;
    err = parse(yaml_tree_root(tree), tree, out, diag);
    yaml_tree_free(tree);
    return err;
}

enum err
workflow_parse_json(json_t *definition, struct workflow **out, struct diag *diag)
{
    return parse(definition, NULL, out, diag);
}

void
workflow_free(struct workflow *workflow)
{
    if (!workflow)
        return;
    arena_free(workflow->arena);
    json_decref(workflow->json);
    free(workflow);
}

const char *
workflow_name(const struct workflow *workflow)
{
    return workflow->name;
}

const char *
workflow_title(const struct workflow *workflow)
{
    return workflow->title ? workflow->title : "";
}

json_t *
workflow_json(const struct workflow *workflow)
{
    return workflow->json;
}

const char *
workflow_hash(const struct workflow *workflow)
{
    return workflow->hash;
}

void
workflow_hash_json(const json_t *json, char hash[WORKFLOW_HASH_SIZE])
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT | JSON_ENCODE_ANY);
    if (!text) /* jansson fails for lack of memory only: the depth is bounded before */
        abort();
    SHA256((const unsigned char *)text, strlen(text), digest);
    free(text);
    hex_format(digest, sizeof digest, hash);
}
