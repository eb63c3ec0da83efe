/* workflow_testing.h - a world to run workflows in, for tests: a journal that is a list, an
 * executor that keeps the protocol of workflow_run.h, actions that succeed or fail as a rule says,
 * people who approve, and a clock that jumps to the next thing to happen. What happens is written
 * down as a trace of short lines:
 *
 *   push/3#1 ok            the action of item 3 of step push, first attempt, and what came of it:
 *   push/3#2 recover ok    ok, retry (failed, may be tried again), fatal, lost (no answer at all)
 *   undo push/3#1 ok       the same of its undo
 *   approve asked          a step asks for approval; then: granted OPERATOR alice, refused ...
 *   wait timer.set         other events, as step and type
 *   closed done            the end */
#ifndef ORCHESTRATE_WORKFLOW_TESTING_H
#define ORCHESTRATE_WORKFLOW_TESTING_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/testing.h"
#include "base/yaml.h"
#include "orchestrate/workflow_run.h"

#include <stdio.h>

#define T0 (INT64_C(1700000000) * NSEC_PER_SEC)
#define SECOND NSEC_PER_SEC

enum behaviour { BEHAVE_OK, BEHAVE_RETRY, BEHAVE_FATAL, BEHAVE_LOST };

struct sim {
    struct workflow_run *run;
    json_t *journal;  /* [type, time, body, error] of every event, the refused ones too */
    json_t *commands; /* emitted and not yet obeyed */
    nsec_t now, wake;
    struct buf trace;
    const char *rules;  /* "push/3#1=retry undo-push/0=fatal": the key, maybe an attempt */
    const char *people; /* "OPERATOR:alice SECADM:bob": who approves, in that order; "": nobody */
    json_t *effects;    /* the world: what was done, by what it is: how often */
    json_t *results;    /* what the executor keeps: key to result */
    json_t *seen;       /* key#attempt of each command so far, to compare repeated ones with */
    enum behaviour (*behave)(struct sim *, const char *key, unsigned attempt);
    uint64_t seed;
    bool quiet;          /* keeps no trace */
    bool concurrent;     /* actions are answered later, in an order that `seed` decides */
    json_t *flying;      /* commands acted on and not answered */
    const char *happens; /* the type of an event that happens whenever there is nothing to do */
};

static inline UNUSED PRINTF_LIKE(2, 3) void sim_say(struct sim *sim, const char *format, ...)
{
    va_list args;
    if (sim->quiet)
        return;
    va_start(args, format);
    buf_vprintf(&sim->trace, format, args);
    va_end(args);
}

/* JSON from YAML, which needs fewer quotes in C. */
static inline UNUSED json_t *
json_of(const char *yaml)
{
    struct yaml_tree *tree;
    struct diag diag = {""};
    if (yaml_tree_parse(yaml, strlen(yaml), "test", YAML_LIMITS_DEFAULT, &tree, &diag))
        fail_msg("%s", diag.text);
    json_t *json = json_incref(yaml_tree_root(tree));
    yaml_tree_free(tree);
    return json;
}

static inline UNUSED char *
json_text(const json_t *json)
{
    return json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static inline UNUSED struct workflow *
workflow_of(const char *yaml)
{
    struct workflow *workflow;
    struct diag diag = {""};
    if (workflow_parse_yaml(yaml, strlen(yaml), "test", &workflow, &diag))
        fail_msg("%s", diag.text);
    return workflow;
}

/* The text of a file of the source tree, to free(). */
static inline UNUSED char *
file_text(const char *path)
{
    char *name = xasprintf("%s/%s", TIELINE_SOURCE_DIR, path);
    FILE *file = fopen(name, "rb");
    if (!file)
        fail_msg("%s: cannot be opened", name);
    char *text = xcalloc(1, 1 << 20);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    assert_true(size > 0);
    fclose(file);
    free(name);
    return text;
}

static inline UNUSED json_t *
created_of(const char *yaml, const char *id, const char *input)
{
    struct workflow *workflow = workflow_of(yaml);
    struct diag diag = {""};
    json_t *created, *given = json_of(input);
    if (workflow_request(workflow, id, "rita", given, &created, &diag))
        fail_msg("%s", diag.text);
    json_decref(given);
    workflow_free(workflow);
    return created;
}

static inline UNUSED struct workflow_run *
run_of(json_t *created)
{
    struct workflow_run *run;
    struct diag diag = {""};
    if (workflow_run_new(created, &run, &diag))
        fail_msg("%s", diag.text);
    return run;
}

/* Appends the event to the journal and applies it; takes the body. */
static inline UNUSED enum err
sim_append(struct sim *sim, const char *type, json_t *body, struct diag *diag)
{
    struct workflow_event event = {.type = type, .time = sim->now, .body = body};
    enum err err = workflow_run_apply(sim->run, &event, diag);
    json_array_append_new(
        sim->journal, json_pack("[s, I, O, s]", type, (json_int_t)sim->now, body, err_name(err)));
    json_decref(body);
    return err;
}

/* The run as its first `n` events make it. */
static inline UNUSED struct workflow_run *
run_replayed(const json_t *journal, size_t n)
{
    struct workflow_run *run = run_of(json_array_get(json_array_get(journal, 0), 2));
    for (size_t i = 1; i < n; i++) {
        const json_t *entry = json_array_get(journal, i);
        struct workflow_event event = {
            .type = json_string_value(json_array_get(entry, 0)),
            .time = json_integer_value(json_array_get(entry, 1)),
            .body = json_array_get(entry, 2),
        };
        enum err err = workflow_run_apply(run, &event, NULL);
        assert_true(err == ERR_OK || err == ERR_CONFLICT || err == ERR_DENIED);
    }
    return run;
}

/* The process dies and starts again: all that was in memory is gone. */
static inline UNUSED void
sim_crash(struct sim *sim)
{
    workflow_run_free(sim->run);
    json_array_clear(sim->commands);
    json_array_clear(sim->flying);
    sim->run = run_replayed(sim->journal, json_array_size(sim->journal));
}

static inline UNUSED enum behaviour
behave_by_rules(struct sim *sim, const char *key, unsigned attempt)
{
    static const char *const names[] = {"ok", "retry", "fatal", "lost"};
    char *exact = xasprintf(" %s#%u=", key, attempt), *any = xasprintf(" %s=", key);
    char *rules = xasprintf(" %s", sim->rules ? sim->rules : "");
    const char *found = strstr(rules, exact);
    enum behaviour behaviour = BEHAVE_OK;
    if (found)
        found += strlen(exact);
    else if ((found = strstr(rules, any)))
        found += strlen(any);
    for (unsigned i = 0; found && i < ARRAY_SIZE(names); i++) {
        if (!strncmp(found, names[i], strlen(names[i])))
            behaviour = (enum behaviour)i;
    }
    free(exact);
    free(any);
    free(rules);
    return behaviour;
}

static inline UNUSED struct sim *
sim_new(json_t *created)
{
    struct sim *sim = xcalloc(1, sizeof *sim);
    sim->now = T0;
    sim->journal = json_pack("[[s, I, o]]", "run.created", (json_int_t)T0, created);
    sim->commands = json_array();
    sim->flying = json_array();
    sim->effects = json_object();
    sim->results = json_object();
    sim->seen = json_object();
    sim->behave = behave_by_rules;
    sim->people = "OPERATOR:olga SECADM:sam";
    sim->run = run_of(created);
    return sim;
}

static inline UNUSED void
sim_free(struct sim *sim)
{
    workflow_run_free(sim->run);
    json_decref(sim->journal);
    json_decref(sim->commands);
    json_decref(sim->flying);
    json_decref(sim->effects);
    json_decref(sim->results);
    json_decref(sim->seen);
    buf_fini(&sim->trace);
    free(sim);
}

/* The same key and attempt must always be the same command, but for when and whether it recovers.
 */
static inline UNUSED void
sim_compare_with_seen(struct sim *sim, json_t *command)
{
    if (!json_object_get(command, "key"))
        return;
    json_t *plain = json_copy(command);
    json_object_del(plain, "recover");
    json_object_del(plain, "deadline");
    char *name = xasprintf(
        "%s#%d", json_string_value(json_object_get(command, "key")),
        (int)json_integer_value(json_object_get(json_object_get(command, "body"), "attempt")));
    json_t *before = json_object_get(sim->seen, name);
    if (before)
        assert_true(json_equal(before, plain));
    else
        json_object_set(sim->seen, name, plain);
    json_decref(plain);
    free(name);
}

static inline UNUSED void
sim_collect(void *arg, const struct workflow_command *command)
{
    struct sim *sim = arg;
    json_t *json = workflow_command_json(command);
    json_object_set_new(json, "step", json_string(command->step));
    json_object_set_new(json, "item", json_integer(command->item));
    sim_compare_with_seen(sim, json);
    json_array_append_new(sim->commands, json);
}

/* An effect is what is done to what: it does not depend on keys. Undone effects go away. */
static inline UNUSED void
sim_effect(struct sim *sim, const char *key, json_t *command)
{
    if (json_object_get(sim->results, key))
        return;
    bool undo = strstr(key, "/undo") != NULL;
    char *params = json_text(json_object_get(command, "params"));
    char *what = xasprintf("%s %s %s", json_string_value(json_object_get(command, "step")), params,
                           undo ? "undone" : "done");
    json_int_t n = json_integer_value(json_object_get(sim->effects, what));
    json_object_set_new(sim->effects, what, json_integer(n + 1));
    json_object_set_new(sim->results, key, json_pack("{s:s}", "of", key));
    free(params);
    free(what);
}

/* Carries the command's action out, in the world, and keeps what came of it in the command. */
static inline UNUSED void
sim_act(struct sim *sim, json_t *command)
{
    const char *key = json_string_value(json_object_get(command, "key"));
    unsigned attempt = (unsigned)json_integer_value(
        json_object_get(json_object_get(command, "body"), "attempt"));
    bool known = json_object_get(sim->results, key) != NULL;
    enum behaviour behaviour = known ? BEHAVE_OK : sim->behave(sim, key, attempt);
    if (behaviour == BEHAVE_OK)
        sim_effect(sim, key, command);
    json_object_set_new(command, "behaviour", json_integer(behaviour));
}

/* Tells the run what came of it. */
static inline UNUSED void
sim_report(struct sim *sim, json_t *command)
{
    static const char *const said[] = {"ok", "retry", "fatal", "lost"};
    const char *key = json_string_value(json_object_get(command, "key"));
    bool undo = strstr(key, "/undo") != NULL;
    enum behaviour behaviour = (enum behaviour)json_integer_value(
        json_object_get(command, "behaviour"));
    json_t *body = json_copy(json_object_get(command, "body"));
    json_object_del(body, "key");
    sim_say(sim, "%s%s/%d#%d%s %s\n", undo ? "undo " : "",
            json_string_value(json_object_get(command, "step")),
            (int)json_integer_value(json_object_get(command, "item")),
            (int)json_integer_value(json_object_get(body, "attempt")),
            json_is_true(json_object_get(command, "recover")) ? " recover" : "", said[behaviour]);
    if (behaviour == BEHAVE_LOST) {
        json_decref(body);
        return;
    }
    if (behaviour == BEHAVE_OK) {
        json_object_set(body, "result", json_object_get(sim->results, key));
    } else {
        json_object_set_new(body, "error", json_string("it broke"));
        json_object_set_new(body, "retryable", json_boolean(behaviour == BEHAVE_RETRY));
    }
    const char *type = behaviour == BEHAVE_OK ? (undo ? "undo.done" : "step.done")
                                              : (undo ? "undo.failed" : "step.failed");
    assert_ok(sim_append(sim, type, body, NULL));
}

static inline UNUSED void
sim_approve(struct sim *sim, json_t *request)
{
    const char *step = json_string_value(json_object_get(request, "step"));
    for (const char *at = sim->people; *at;) {
        char role[32], who[32];
        int length = 0;
        assert_int_equal(sscanf(at, "%31[^: ]:%31[^ ]%n", role, who, &length), 2);
        json_t *verdict = json_pack("{s:O, s:O, s:s, s:s, s:[s], s:O}", "run",
                                    json_object_get(request, "run"), "step",
                                    json_object_get(request, "step"), "who", who, "role", role,
                                    "holds", role, "hash", json_object_get(request, "hash"));
        if (sim_append(sim, "approval.granted", verdict, NULL) == ERR_OK)
            sim_say(sim, "%s granted %s %s\n", step, role, who);
        at += length;
        at += strspn(at, " ");
    }
}

/* Obeys one command as workflow_run.h says. */
static inline UNUSED void
sim_obey(struct sim *sim, json_t *command)
{
    const char *type = json_string_value(json_object_get(command, "type"));
    const char *key = json_string_value(json_object_get(command, "key"));
    const char *name = json_string_value(json_object_get(command, "command"));
    json_t *body = json_object_get(command, "body");
    if (!json_is_true(json_object_get(command, "recover"))) {
        struct diag diag = {""};
        enum err err = sim_append(sim, type, json_incref(body), &diag);
        if (err == ERR_CONFLICT && key) /* the run turned back meanwhile: nothing is acted on */
            return;
        if (err)
            fail_msg("%s refused: %s", type, diag.text);
    }
    if (key) {
        sim_act(sim, command);
        if (sim->concurrent)
            json_array_append(sim->flying, command);
        else
            sim_report(sim, command);
    } else if (!strcmp(name, "ask"))
        sim_say(sim, "%s asked\n", json_string_value(json_object_get(command, "step")));
    else if (!strcmp(name, "close"))
        sim_say(sim, "closed %s\n", workflow_run_outcome(sim->run));
    else
        sim_say(sim, "%s %s\n", json_string_value(json_object_get(command, "step")), type);
    if (!strcmp(name, "ask"))
        sim_approve(sim, body);
}

static inline UNUSED uint64_t
sim_random(struct sim *sim)
{
    return hash_mix(sim->seed += UINT64_C(0x9e3779b97f4a7c15));
}

/* Asks for commands; when there are none, something happens or time passes. False: nothing can
 * happen any more without an event from outside, or the run is closed. */
static inline UNUSED bool
sim_next(struct sim *sim)
{
    sim->wake = workflow_run_next(sim->run, sim->now, sim_collect, sim);
    if (json_array_size(sim->commands) || json_array_size(sim->flying))
        return true;
    if (sim->happens) {
        json_t *body = json_pack("{s:s}", "what", sim->happens);
        struct workflow_event event = {.type = sim->happens, .time = sim->now, .body = body};
        workflow_run_offer(sim->run, &event, sim_collect, sim);
        json_decref(body);
        if (json_array_size(sim->commands))
            return true;
    }
    if (sim->wake == NSEC_NEVER)
        return false;
    assert_true(sim->wake > sim->now);
    sim->now = sim->wake;
    return true;
}

/* Takes the first of a list, or any of it, out of it. NULL if it is empty. */
static inline UNUSED json_t *
sim_take(struct sim *sim, json_t *list, bool any)
{
    size_t n = json_array_size(list), index = any && n ? sim_random(sim) % n : 0;
    json_t *taken = json_incref(json_array_get(list, index));
    if (taken)
        json_array_remove(list, index);
    return taken;
}

/* One thing happens: a command is obeyed or an action answered. False as sim_next(). */
static inline UNUSED bool
sim_step(struct sim *sim)
{
    bool more = sim_next(sim);
    bool answer = json_array_size(sim->flying) &&
                  (!json_array_size(sim->commands) || sim_random(sim) % 4 == 0);
    json_t *command = sim_take(sim, answer ? sim->flying : sim->commands, answer);
    if (command && answer)
        sim_report(sim, command);
    else if (command)
        sim_obey(sim, command);
    json_decref(command);
    return more;
}

static inline UNUSED void
sim_play(struct sim *sim)
{
    while (sim_step(sim))
        continue;
}

/* Plays until the trace has the line. */
static inline UNUSED void
sim_play_until(struct sim *sim, const char *line)
{
    while (!strstr(buf_cstr(&sim->trace), line))
        assert_true(sim_step(sim));
}

/* Puts an event, written in YAML without "run", to the run. */
static inline UNUSED enum err
sim_event(struct sim *sim, const char *type, const char *yaml, struct diag *diag)
{
    json_t *body = json_of(yaml);
    json_object_set_new(body, "run", json_string(workflow_run_id(sim->run)));
    return sim_append(sim, type, body, diag);
}

/* A plan, two approvals bound to it, and what follows. */
#define ASK                                                                                        \
    "workflow: w\n"                                                                                \
    "input: {end: {type: time}}\n"                                                                 \
    "steps:\n"                                                                                     \
    "- {name: plan, action: do.plan, undo: {action: undo.plan}}\n"                                 \
    "- name: ok\n"                                                                                 \
    "  before: '${input.end}'\n"                                                                   \
    "  approval: {roles: [OPERATOR, SECADM], bind: '${steps.plan.result.of}', expires: 1h}\n"      \
    "- {name: go, action: do.go, with: {who: '${steps.ok.result.granted.1.who}'}}\n"

static inline UNUSED struct sim *
sim_of(const char *yaml, const char *input, const char *rules, const char *people)
{
    struct sim *sim = sim_new(created_of(yaml, "w1", input));
    sim->rules = rules;
    sim->people = people;
    return sim;
}

/* The commands of one call, one JSON text per line. */
static inline UNUSED char *
next_text(struct workflow_run *run, nsec_t now, nsec_t *wake)
{
    struct sim sim = {.commands = json_array(), .seen = json_object()};
    struct buf text = BUF_INIT;
    nsec_t when = workflow_run_next(run, now, sim_collect, &sim);
    if (wake)
        *wake = when;
    size_t index;
    json_t *command;
    json_array_foreach(sim.commands, index, command)
    {
        char *line = json_text(command);
        buf_printf(&text, "%s\n", line);
        free(line);
    }
    json_decref(sim.commands);
    json_decref(sim.seen);
    return buf_steal_cstr(&text);
}

static inline UNUSED void
assert_next(struct sim *sim, const char *expected)
{
    char *text = next_text(sim->run, sim->now, &sim->wake);
    assert_string_equal(text, expected);
    free(text);
}

/* A run that waits for approvals, and what its status is then. */
static inline UNUSED struct sim *
sim_asking(const char *yaml)
{
    struct sim *sim = sim_of(yaml, "{}", "", "");
    sim_play_until(sim, "ok asked");
    return sim;
}

static inline UNUSED char *
status_text(const struct sim *sim)
{
    json_t *status = workflow_run_status(sim->run);
    char *text = json_text(status);
    json_decref(status);
    return text;
}

/* What the first steps of circuit-turn-up answer. */
static inline UNUSED void
sim_plan_circuits(struct sim *sim, const char *run, const char *tunnels, const char *vpns)
{
    const struct {
        const char *step, *result;
    } steps[] = {{"design", "{plan: p, plan_hash: h, summary: s}"},
                 {"carriers", NULL},
                 {"tunnel-design", "{plan: q, plan_hash: i, summary: t}"},
                 {"vpn-design", "{plan: r, plan_hash: k, summary: u}"}};
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        char key[64], carriers[64];
        snprintf(key, sizeof key, "%s/%s/0", run, steps[i].step);
        snprintf(carriers, sizeof carriers, "{tunnels: %s, vpns: %s, carriers: []}", tunnels, vpns);
        json_object_set_new(sim->results, key,
                            json_of(steps[i].result ? steps[i].result : carriers));
    }
}

#endif
