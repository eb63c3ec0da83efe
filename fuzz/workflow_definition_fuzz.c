/* Any text as a workflow's definition. What loads must load again from its JSON with the same hash,
 * and a run of it in which every action succeeds must come to an end, or wait for someone. */
#include "base/err.h"
#include "orchestrate/workflow_run.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CALLS_MAX 2000 /* a loop of timers of 10 years each would be long, too */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect(bool what)
{
    if (!what)
        abort();
}

static void
load_again(const struct workflow *workflow)
{
    struct workflow *again = NULL;
    char *text = json_dumps(workflow_json(workflow), JSON_COMPACT);
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    expect(json && workflow_parse_json(json, &again, NULL) == ERR_OK);
    expect(!strcmp(workflow_hash(again), workflow_hash(workflow)));
    workflow_free(again);
    json_decref(json);
    free(text);
}

static void
collect(void *arg, const struct workflow_command *command)
{
    json_t *list = arg;
    if (json_array_size(list) < 64) /* what is beyond is as good as lost */
        json_array_append_new(list, workflow_command_json(command));
}

static enum err
apply(struct workflow_run *run, const char *type, json_t *body, nsec_t now)
{
    struct workflow_event event = {.type = type, .time = now, .body = body};
    return workflow_run_apply(run, &event, NULL);
}

static void
obey(struct workflow_run *run, json_t *command, nsec_t now)
{
    json_t *body = json_object_get(command, "body");
    const char *type = json_string_value(json_object_get(command, "type"));
    if (apply(run, type, body, now) || !json_object_get(command, "key"))
        return;
    bool undo = type[0] == 'u';
    json_t *done = json_copy(body);
    json_object_set(done, "result", json_object_get(command, "params"));
    expect(apply(run, undo ? "undo.done" : "step.done", done, now) == ERR_OK);
    json_decref(done);
}

static void
play(struct workflow_run *run)
{
    nsec_t now = INT64_C(1700000000) * NSEC_PER_SEC;
    for (int i = 0; i < CALLS_MAX; i++) {
        json_t *commands = json_array(), *command;
        size_t index;
        nsec_t wake = workflow_run_next(run, now, collect, commands);
        json_array_foreach(commands, index, command) obey(run, command, now);
        size_t n = json_array_size(commands);
        json_decref(commands);
        if (n == 0 && wake == NSEC_NEVER)
            break;
        if (n == 0)
            now = wake;
    }
    json_t *status = workflow_run_status(run);
    expect(status != NULL);
    json_decref(status);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct workflow *workflow;
    struct workflow_run *run;
    struct diag diag;
    json_t *created;
    if (workflow_parse_yaml((const char *)data, size, "fuzz", &workflow, &diag))
        return 0;
    load_again(workflow);
    json_t *input = json_pack("{s:[s, s]}", "circuits", "a", "b"), *none = json_object();
    if (workflow_request(workflow, "r", "rita", input, &created, &diag) == ERR_OK ||
        workflow_request(workflow, "r", "rita", none, &created, &diag) == ERR_OK) {
        expect(workflow_run_new(created, &run, &diag) == ERR_OK);
        play(run);
        workflow_run_free(run);
        json_decref(created);
    }
    json_decref(none);
    json_decref(input);
    workflow_free(workflow);
    return 0;
}
