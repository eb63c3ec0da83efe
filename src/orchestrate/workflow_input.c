/* What a run is started with: the types inputs have, and the request that becomes run.created. */
#include "orchestrate/workflow_def.h"

#include <stdlib.h>
#include <string.h>

static const char *const type_names[] = {
    [WORKFLOW_ANY] = "any",         [WORKFLOW_TEXT] = "text", [WORKFLOW_INTEGER] = "integer",
    [WORKFLOW_BOOLEAN] = "boolean", [WORKFLOW_LIST] = "list", [WORKFLOW_OBJECT] = "object",
    [WORKFLOW_TIME] = "time",
};

const char *
workflow_type_name(enum workflow_type type)
{
    return type_names[type];
}

bool
workflow_type_accepts(enum workflow_type type, const json_t *value)
{
    nsec_t wall;
    switch (type) {
    case WORKFLOW_ANY:
        return true;
    case WORKFLOW_TEXT:
        return json_is_string(value);
    case WORKFLOW_INTEGER:
        return json_is_integer(value);
    case WORKFLOW_BOOLEAN:
        return json_is_boolean(value);
    case WORKFLOW_LIST:
        return json_is_array(value);
    case WORKFLOW_OBJECT:
        return json_is_object(value);
    case WORKFLOW_TIME:
        return json_is_string(value) && time_parse(json_string_value(value), &wall) == ERR_OK;
    case WORKFLOW_N_TYPES:
        break;
    }
    return false;
}

static bool
depth_within(const json_t *json, unsigned depth)
{
    size_t index;
    const char *key;
    json_t *child;
    if (depth == 0)
        return !json_is_array(json) && !json_is_object(json);
    json_array_foreach(json, index, child)
    {
        if (!depth_within(child, depth - 1))
            return false;
    }
    json_object_foreach((json_t *)json, key, child)
    {
        if (!depth_within(child, depth - 1))
            return false;
    }
    return true;
}

bool
workflow_depth_ok(const json_t *json)
{
    return depth_within(json, WORKFLOW_DEPTH_MAX);
}

static enum err
check_value(const struct workflow_input *input, const json_t *value, struct diag *diag)
{
    size_t index;
    json_t *item;
    if (!workflow_type_accepts(input->type, value))
        return diag_set(diag, ERR_INVALID, "input '%s': %s expected", input->name,
                        workflow_type_name(input->type));
    bool empty = (json_is_array(value) && json_array_size(value) == 0) ||
                 (json_is_string(value) && json_string_length(value) == 0);
    if (empty && input->required)
        return diag_set(diag, ERR_INVALID, "input '%s' is empty", input->name);
    if (input->items == WORKFLOW_ANY)
        return ERR_OK;
    json_array_foreach(value, index, item)
    {
        if (!workflow_type_accepts(input->items, item))
            return diag_set(diag, ERR_INVALID, "input '%s': element %zu: %s expected", input->name,
                            index, workflow_type_name(input->items));
    }
    return ERR_OK;
}

static enum err
check_names(const struct workflow *workflow, json_t *input, struct diag *diag)
{
    const char *key;
    json_t *value;
    json_object_foreach(input, key, value)
    {
        uint32_t i = 0;
        while (i < workflow->n_inputs && strcmp(workflow->inputs[i].name, key) != 0)
            i++;
        if (i == workflow->n_inputs)
            return diag_set(diag, ERR_INVALID, "workflow '%s' has no input '%.63s'", workflow->name,
                            key);
    }
    return ERR_OK;
}

/* Null and absent are the same. The caller owns the result. */
static enum err
complete_input(const struct workflow *workflow, json_t *input, json_t **complete, struct diag *diag)
{
    enum err err = check_names(workflow, input, diag);
    json_t *made = json_object();
    for (uint32_t i = 0; !err && i < workflow->n_inputs; i++) {
        const struct workflow_input *wanted = &workflow->inputs[i];
        json_t *value = json_object_get(input, wanted->name);
        if (!value || json_is_null(value))
            value = wanted->preset;
        if (value)
            err = check_value(wanted, value, diag);
        else if (wanted->required)
            err = diag_set(diag, ERR_INVALID, "input '%s' is missing", wanted->name);
        if (!err && value)
            json_object_set(made, wanted->name, value);
    }
    if (err)
        json_decref(made);
    else
        *complete = made;
    return err;
}

bool
workflow_is_run_id(const char *text)
{
    size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                 "0123456789._-");
    return length >= 1 && length <= 63 && text[length] == '\0';
}

void
workflow_hash_run(const char *run, const char *requester, const char *definition_hash,
                  json_t *input, char hash[WORKFLOW_HASH_SIZE])
{
    json_t *what = json_pack("{s:s, s:s, s:s, s:O}", "run", run, "requester", requester,
                             "definition_hash", definition_hash, "input", input);
    workflow_hash_json(what, hash);
    json_decref(what);
}

/* With sorted keys, as the journal may give it back: commands must not depend on which it was. */
static json_t *
canonical_copy(const json_t *json)
{
    char *text = json_dumps(json, JSON_SORT_KEYS | JSON_COMPACT);
    json_t *copy = text ? json_loads(text, 0, NULL) : NULL;
    free(text);
    if (!copy) /* for lack of memory only: depth and text were checked */
        abort();
    return copy;
}

enum err
workflow_request(const struct workflow *workflow, const char *run, const char *requester,
                 json_t *input, json_t **created, struct diag *diag)
{
    json_t *complete = NULL;
    char hash[WORKFLOW_HASH_SIZE];
    if (!workflow_is_run_id(run))
        return diag_set(diag, ERR_INVALID, "'%.80s' cannot be a run's id", run);
    json_t *name = json_string(requester); /* NULL if it is not UTF-8 */
    json_decref(name);
    if (!name || requester[0] == '\0')
        return diag_set(diag, ERR_INVALID, "the requester has no name");
    if (!json_is_object(input) || !workflow_depth_ok(input))
        return diag_set(diag, ERR_INVALID, "the input must be an object, %d deep at most",
                        WORKFLOW_DEPTH_MAX);
    enum err err = complete_input(workflow, input, &complete, diag);
    if (err)
        return err;
    workflow_hash_run(run, requester, workflow->hash, complete, hash);
    json_t *body = json_pack("{s:s, s:s, s:s, s:O, s:s, s:o, s:s}", "run", run, "workflow",
                             workflow->name, "requester", requester, "definition", workflow->json,
                             "definition_hash", workflow->hash, "input", complete, "hash", hash);
    *created = canonical_copy(body);
    json_decref(body);
    return ERR_OK;
}
