/* Any events, at any time, in any order, for one run. Whatever comes, an event that is refused
 * changes nothing, and the events so far make the same run again.
 *
 * Each octet of the input is something that happens; 'e' is followed by an event's type and body as
 * text up to the end of the line, in which "run" need not be said. */
#include "base/err.h"
#include "orchestrate/workflow_run.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char definition[] =
    "workflow: w\n"
    "steps:\n"
    "- {name: a, action: do.a, retry: {count: 2}, timeout: 5s, undo: {action: undo.a}}\n"
    "- {name: b, needs: [a], foreach: [1, 2, 3], parallel: 2, action: do.b,\n"
    "   with: {n: '${item}'}, retry: {count: 1}, undo: {action: undo.b, retry: {count: 1}}}\n"
    "- {name: ok, needs: [a], before: 2023-11-20T00:00:00Z,\n"
    "   approval: {roles: [OPERATOR, SECADM], bind: abc, expires: 1h}}\n"
    "- {name: t, needs: [ok], timer: {for: 30s}}\n"
    "- {name: h, needs: [b], wait: {event: x.y, match: {k: 1}}, timeout: 1h}\n"
    "- {name: c, needs: [t, h], when: steps.h.result.k == 1, action: do.c}\n"
    "- {name: z, always: true, action: do.z, with: {o: '${run.outcome}'}}\n";

struct world {
    struct workflow_run *run;
    json_t *journal;  /* [type, time, body] */
    json_t *commands; /* not obeyed yet */
    json_t *flying;   /* obeyed and not answered */
    nsec_t now, wake;
};

static void
expect(bool what)
{
    if (!what)
        abort();
}

static char *
status_text(const struct workflow_run *run)
{
    json_t *status = workflow_run_status(run);
    char *text = json_dumps(status, JSON_SORT_KEYS);
    json_decref(status);
    expect(text != NULL);
    return text;
}

static enum err
append(struct world *world, const char *type, json_t *body)
{
    struct workflow_event event = {.type = type, .time = world->now, .body = body};
    enum err checked = workflow_run_check(world->run, &event, NULL);
    char *before = checked ? status_text(world->run) : NULL;
    enum err err = workflow_run_apply(world->run, &event, NULL);
    char *after = checked ? status_text(world->run) : NULL;
    expect(checked == err);
    expect(!checked || !strcmp(before, after));
    json_array_append_new(world->journal,
                          json_pack("[s, I, O]", type, (json_int_t)world->now, body));
    free(before);
    free(after);
    return err;
}

static void
collect(void *arg, const struct workflow_command *command)
{
    struct world *world = arg;
    json_t *json = workflow_command_json(command);
    json_object_set_new(json, "item", json_integer(command->item));
    json_object_set_new(json, "step", json_string(command->step));
    json_array_append_new(world->commands, json);
}

static json_t *
take(json_t *list, unsigned which)
{
    size_t n = json_array_size(list);
    json_t *taken = n ? json_incref(json_array_get(list, which % n)) : NULL;
    if (taken)
        json_array_remove(list, which % n);
    return taken;
}

static void
obey(struct world *world, unsigned which)
{
    json_t *command = take(world->commands, which);
    if (!command)
        return;
    const char *type = json_string_value(json_object_get(command, "type"));
    bool recover = json_is_true(json_object_get(command, "recover"));
    enum err err = recover ? ERR_OK : append(world, type, json_object_get(command, "body"));
    if (!err && json_object_get(command, "key"))
        json_array_append(world->flying, command);
    json_decref(command);
}

static void
retract(struct world *world, unsigned which)
{
    json_t *command = take(world->commands, which);
    if (!command)
        return;
    const char *name = json_string_value(json_object_get(command, "command"));
    struct workflow_command was = {
        .kind = !strcmp(name, "close") ? WORKFLOW_CLOSE : WORKFLOW_RECORD,
        .type = json_string_value(json_object_get(command, "type")),
        .step = json_string_value(json_object_get(command, "step")),
        .item = (uint32_t)json_integer_value(json_object_get(command, "item")),
    };
    workflow_run_retract(world->run, &was);
    json_decref(command);
}

static void
answer(struct world *world, unsigned which, bool ok, bool retryable)
{
    json_t *command = take(world->flying, which);
    if (!command)
        return;
    bool undo = json_string_value(json_object_get(command, "type"))[0] == 'u';
    json_t *body = json_copy(json_object_get(command, "body"));
    if (!ok) {
        json_object_set_new(body, "error", json_string("e"));
        json_object_set_new(body, "retryable", json_boolean(retryable));
    }
    (void)append(world,
                 ok ? (undo ? "undo.done" : "step.done") : (undo ? "undo.failed" : "step.failed"),
                 body);
    json_decref(body);
    json_decref(command);
}

static struct workflow_run *
replay(const struct world *world)
{
    struct workflow_run *run;
    size_t index;
    json_t *entry;
    json_t *created = json_array_get(json_array_get(world->journal, 0), 2);
    expect(workflow_run_new(created, &run, NULL) == ERR_OK);
    json_array_foreach(world->journal, index, entry)
    {
        struct workflow_event event = {
            .type = json_string_value(json_array_get(entry, 0)),
            .time = json_integer_value(json_array_get(entry, 1)),
            .body = json_array_get(entry, 2),
        };
        enum err err = index ? workflow_run_apply(run, &event, NULL) : ERR_OK;
        expect(err == ERR_OK || err == ERR_CONFLICT || err == ERR_DENIED || err == ERR_MALFORMED);
    }
    return run;
}

static void
crash(struct world *world)
{
    struct workflow_run *run = replay(world);
    char *live = status_text(world->run), *again = status_text(run);
    expect(!strcmp(live, again));
    free(live);
    free(again);
    workflow_run_free(world->run);
    world->run = run;
    json_array_clear(world->commands);
    json_array_clear(world->flying);
}

/* "TYPE BODY" up to the end of the line. */
static size_t
append_text(struct world *world, const char *text, size_t size)
{
    const char *end = memchr(text, '\n', size), *space;
    size_t length = end ? (size_t)(end - text) : size;
    space = memchr(text, ' ', length);
    if (!space)
        return length;
    char *type = strndup(text, (size_t)(space - text));
    json_t *body = json_loadb(space, length - (size_t)(space - text), 0, NULL);
    json_t *name = json_string(type);
    if (name && json_is_object(body)) {
        if (!json_object_get(body, "run"))
            json_object_set_new(body, "run", json_string("r"));
        (void)append(world, type, body);
        struct workflow_event event = {.type = type, .time = world->now, .body = body};
        workflow_run_offer(world->run, &event, collect, world);
    }
    json_decref(name);
    json_decref(body);
    free(type);
    return length;
}

static void
live_through(struct world *world, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size && json_array_size(world->journal) < 300; i++) {
        unsigned which = data[i] >> 4;
        if (data[i] == 'e') {
            i += append_text(world, (const char *)data + i + 1, size - i - 1);
            continue;
        }
        switch (data[i] & 7) {
        case 0:
            world->wake = workflow_run_next(world->run, world->now, collect, world);
            break;
        case 1:
        case 2:
            obey(world, which);
            break;
        case 3:
            answer(world, which, true, false);
            break;
        case 4:
            answer(world, which, false, which & 1);
            break;
        case 5:
            crash(world);
            break;
        case 6:
            retract(world, which);
            break;
        case 7:
            if (world->wake != NSEC_NEVER && world->wake > world->now)
                world->now = world->wake;
            break;
        }
    }
}

/* The run.created all inputs start from; made once. */
static json_t *
created_body(void)
{
    static json_t *created;
    struct workflow *workflow;
    if (created)
        return created;
    json_t *input = json_object();
    expect(workflow_parse_yaml(definition, strlen(definition), "f", &workflow, NULL) == ERR_OK);
    expect(workflow_request(workflow, "r", "rita", input, &created, NULL) == ERR_OK);
    workflow_free(workflow);
    json_decref(input);
    return created;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world world = {
        .journal = json_pack("[[s, i, O]]", "run.created", 0, created_body()),
        .commands = json_array(),
        .flying = json_array(),
        .now = INT64_C(1700000000) * NSEC_PER_SEC,
        .wake = NSEC_NEVER,
    };
    expect(workflow_run_new(created_body(), &world.run, NULL) == ERR_OK);
    live_through(&world, data, size);
    crash(&world);
    workflow_run_free(world.run);
    json_decref(world.journal);
    json_decref(world.commands);
    json_decref(world.flying);
    return 0;
}
