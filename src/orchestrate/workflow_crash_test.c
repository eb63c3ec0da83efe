/* Runs are killed, everywhere and again and again, and must come to the same end: what was to be
 * done is done once, what was to be undone is undone once, and nobody is asked for it twice. */
#include "orchestrate/workflow_run.h"

#include "base/testing.h"
#include "orchestrate/workflow_testing.h"

static const char varied[] =
    "workflow: varied\n"
    "input: {names: {type: list}, wait: {type: boolean}}\n"
    "steps:\n"
    "- {name: plan, action: do.plan, undo: {action: undo.plan, retry: {count: 5}},\n"
    "   retry: {count: 5}, timeout: 1m}\n"
    "- name: left\n"
    "  needs: [plan]\n"
    "  foreach: '${input.names}'\n"
    "  parallel: 3\n"
    "  action: do.left\n"
    "  with: {name: '${item}', plan: '${steps.plan.result}'}\n"
    "  retry: {count: 5, backoff: 3s}\n"
    "  timeout: 1m\n"
    "  undo: {action: undo.left, with: {name: '${item}'}, retry: {count: 5}, timeout: 1m}\n"
    "- name: right\n"
    "  needs: [plan]\n"
    "  foreach: [1, 2, 3]\n"
    "  parallel: 2\n"
    "  action: do.right\n"
    "  with: {n: '${item}'}\n"
    "  retry: {count: 5}\n"
    "  timeout: 1m\n"
    "  undo: {action: undo.right, with: {n: '${item}'}, retry: {count: 5}, timeout: 1m}\n"
    "- name: ok\n"
    "  needs: [right]\n"
    "  approval: {roles: [OPERATOR, SECADM], expires: 1h}\n"
    "- {name: pause, needs: [ok], timer: {for: 30s}}\n"
    "- {name: hear, needs: [left], wait: {event: it.happened}, when: input.wait == true}\n"
    "- name: last\n"
    "  needs: [pause, hear, left]\n"
    "  foreach: '${steps.left.results}'\n"
    "  parallel: 4\n"
    "  action: do.last\n"
    "  with: {result: '${item}'}\n"
    "  retry: {count: 5}\n"
    "  timeout: 1m\n"
    "  undo: {action: undo.last, with: {result: '${item}'}, retry: {count: 5}, timeout: 1m}\n"
    "- {name: tell, always: true, action: do.tell, retry: {count: 9}, timeout: 1m}\n";

/* Per mille of the attempts of an action that go each way; undo never fails for good here. */
struct odds {
    unsigned retry, fatal, lost;
};
static struct odds odds;

static enum behaviour
behave_by_chance(struct sim *sim UNUSED, const char *key, unsigned attempt)
{
    uint64_t chance = hash_bytes(key, strlen(key), attempt + (uint64_t)odds.retry * 1000) % 1000;
    bool may_fail = !strstr(key, "/undo") && !strstr(key, "/tell/");
    if (chance < odds.retry && attempt < 5)
        return BEHAVE_RETRY;
    if (chance < odds.retry + odds.lost && attempt < 5)
        return BEHAVE_LOST;
    if (chance >= 1000 - odds.fatal && may_fail)
        return BEHAVE_FATAL;
    return BEHAVE_OK;
}

static const struct plot {
    const char *name, *file, *input;
    struct odds odds;
    unsigned cancel_after; /* events; 0: never */
} plots[] = {
    {"all goes well", NULL, "{names: [a, b, c, d, e]}", {0, 0, 0}, 0},
    {"attempts fail", NULL, "{names: [a, b, c, d, e], wait: true}", {200, 0, 50}, 0},
    {"something fails for good", NULL, "{names: [a, b, c, d, e, f]}", {100, 100, 20}, 0},
    {"much fails for good", NULL, "{names: [a, b, c, d, e, f]}", {100, 300, 50}, 0},
    {"cancelled early", NULL, "{names: [a, b, c, d, e]}", {50, 0, 20}, 7},
    {"cancelled late", NULL, "{names: [a, b, c, d, e], wait: true}", {50, 0, 20}, 30},
    {"turn up", "etc/workflows/circuit-turn-up.yaml", "{circuits: [a, b, c, d]}", {100, 0, 20}, 0},
    {"turn up for a window",
     "etc/workflows/circuit-turn-up.yaml",
     "{circuits: [a, b], window-start: 2023-11-15T00:00:00Z, window-end: 2023-11-16T00:00:00Z}",
     {0, 0, 0},
     0},
    {"turn up fails",
     "etc/workflows/circuit-turn-up.yaml",
     "{circuits: [a, b, c, d, e]}",
     {50, 60, 0},
     0},
    {"teardown", "etc/workflows/circuit-teardown.yaml", "{circuits: [a, b, c]}", {100, 0, 0}, 0},
    {"repair", "etc/workflows/drift-repair.yaml", "{exception: e7, nodes: [n1]}", {100, 0, 0}, 0},
};

static struct sim *
sim_for(const struct plot *plot, uint64_t seed)
{
    char *text = plot->file ? file_text(plot->file) : xstrdup(varied);
    struct sim *sim = sim_new(created_of(text, "w1", plot->input));
    sim->behave = behave_by_chance;
    sim->happens = "it.happened";
    sim->concurrent = true;
    sim->seed = seed;
    sim_plan_circuits(sim, "w1", "[t, u]", "[v]");
    odds = plot->odds;
    free(text);
    return sim;
}

static void
cancel_when_due(struct sim *sim, const struct plot *plot)
{
    if (plot->cancel_after && json_array_size(sim->journal) >= plot->cancel_after)
        (void)sim_event(sim, "run.cancel-requested", "{who: olga}", NULL);
}

static void
play(struct sim *sim, const struct plot *plot)
{
    while (sim_step(sim))
        cancel_when_due(sim, plot);
    if (!workflow_run_outcome(sim->run))
        fail_msg("%s: stuck after\n%s", plot->name, buf_cstr(&sim->trace));
}

/* Everything that was done and has an undo was undone. */
static void
assert_undone(struct sim *sim)
{
    static const char *const undoable[] = {"w1/plan/", "w1/left/",    "w1/right/",
                                           "w1/last/", "w1/reserve/", "w1/push/"};
    const char *key;
    json_t *result;
    json_object_foreach(sim->results, key, result)
    {
        for (size_t i = 0; i < ARRAY_SIZE(undoable); i++) {
            if (strncmp(key, undoable[i], strlen(undoable[i])) != 0 || strstr(key, "/undo"))
                continue;
            char *undo = xasprintf("%s/undo", key);
            if (!json_object_get(sim->results, undo))
                fail_msg("%s was never undone:\n%s", key, buf_cstr(&sim->trace));
            free(undo);
        }
    }
}

/* Every effect once, and by the outcome all of them or none left. */
static void
assert_sound(struct sim *sim)
{
    const char *what;
    json_t *times;
    json_object_foreach(sim->effects, what, times)
    {
        if (json_integer_value(times) != 1)
            fail_msg("'%s' happened %d times", what, (int)json_integer_value(times));
    }
    const char *outcome = workflow_run_outcome(sim->run);
    assert_string_not_equal(outcome, "failed-undo-failed");
    if (strcmp(outcome, "done") != 0)
        assert_undone(sim);
}

/* The keys whose step.done or undo.done is among the first `n` events of the journal. */
static json_t *
done_keys(const json_t *journal, size_t n, json_t *started)
{
    json_t *done = json_object();
    for (size_t i = 1; i < n; i++) {
        const json_t *entry = json_array_get(journal, i), *body = json_array_get(entry, 2);
        const char *type = json_string_value(json_array_get(entry, 0));
        bool undo = !strncmp(type, "undo.", 5);
        bool refused = strcmp(json_string_value(json_array_get(entry, 3)), "ERR_OK") != 0;
        if (refused || (!undo && strncmp(type, "step.", 5) != 0))
            continue;
        char *key = xasprintf("w1/%s/%d%s", json_string_value(json_object_get(body, "step")),
                              (int)json_integer_value(json_object_get(body, "item")),
                              undo ? "/undo" : "");
        if (!strcmp(type + 5, "done"))
            json_object_set_new(done, key, json_true());
        if (!strcmp(type + 5, "started"))
            json_object_set(started, key, json_object_get(body, "attempt"));
        else
            json_object_del(started, key);
        free(key);
    }
    return done;
}

/* The world as it can be when the process dies after `n` events: what is recorded as done is done;
 * what was started may be done, or not. */
static struct sim *
sim_cut(const struct sim *full, const struct plot *plot, size_t n, bool ahead)
{
    struct sim *sim = sim_for(plot, n);
    json_t *started = json_object(), *done = done_keys(full->journal, n, started);
    const char *key;
    json_t *value;
    json_array_clear(sim->journal);
    for (size_t i = 0; i < n; i++)
        json_array_append(sim->journal, json_array_get(full->journal, i));
    sim->now = json_integer_value(json_array_get(json_array_get(sim->journal, n - 1), 1));
    json_object_update(sim->seen, full->seen);
    json_object_foreach(full->seen, key, value)
    {
        char *plain = xstrndup(key, (size_t)(strchr(key, '#') - key));
        int attempt = atoi(strchr(key, '#') + 1);
        bool running = json_integer_value(json_object_get(started, plain)) == attempt;
        if (json_object_get(done, plain) ||
            (ahead && running && sim->behave(sim, plain, (unsigned)attempt) == BEHAVE_OK))
            sim_effect(sim, plain, value);
        free(plain);
    }
    json_decref(started);
    json_decref(done);
    return sim;
}

/* Whoever was asked before the crash still has the request on the screen. */
static void
vote_again(struct sim *sim)
{
    json_t *status = workflow_run_status(sim->run);
    size_t index;
    json_t *step;
    json_array_foreach(json_object_get(status, "steps"), index, step)
    {
        json_t *approval = json_object_get(step, "approval");
        if (!approval)
            continue;
        json_t *request = json_pack("{s:O, s:O, s:O}", "run", json_object_get(status, "run"),
                                    "step", json_object_get(step, "step"), "hash",
                                    json_object_get(approval, "hash"));
        sim_approve(sim, request);
        json_decref(request);
    }
    json_decref(status);
}

static void
a_crash_after_any_event_leads_to_the_same_end(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(plots); i++) {
        const struct plot *plot = &plots[i];
        struct sim *full = sim_for(plot, 1);
        play(full, plot);
        assert_sound(full);
        const char *outcome = workflow_run_outcome(full->run);
        size_t n = json_array_size(full->journal);
        print_message("%s: %zu events, %s\n", plot->name, n, outcome);
        for (size_t cut = 1; cut <= n; cut++) {
            for (int ahead = 0; ahead < 2; ahead++) {
                struct sim *sim = sim_cut(full, plot, cut, ahead);
                sim_crash(sim);
                vote_again(sim);
                play(sim, plot);
                assert_sound(sim);
                assert_string_equal(workflow_run_outcome(sim->run), outcome);
                if (!strcmp(outcome, "done"))
                    assert_true(json_equal(sim->effects, full->effects));
                sim_free(sim);
            }
        }
        sim_free(full);
    }
}

/* The journal did not take the command's event: the disk was full. */
static void
retract(struct sim *sim, const json_t *command)
{
    static const char *const names[] = {"start", "undo", "ask", "record", "close"};
    struct workflow_command was = {
        .type = json_string_value(json_object_get(command, "type")),
        .step = json_string_value(json_object_get(command, "step")),
        .item = (uint32_t)json_integer_value(json_object_get(command, "item")),
    };
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(json_string_value(json_object_get(command, "command")), names[i]))
            was.kind = (enum workflow_command_kind)i;
    }
    workflow_run_retract(sim->run, &was);
}

/* One step of a run that may die before, in or after it. */
static bool
step_or_die(struct sim *sim, unsigned *n_deaths)
{
    bool more = sim_next(sim);
    json_t *command = sim_take(sim, sim->commands, false);
    unsigned fate = (unsigned)(sim_random(sim) % 24);
    bool dead = false;
    if (!command && json_array_size(sim->flying)) {
        command = sim_take(sim, sim->flying, true);
        sim_report(sim, command);
    } else if (command && fate == 0 && json_object_get(command, "key") &&
               !json_is_true(json_object_get(command, "recover"))) {
        /* The event is stored, and nothing is done. */
        json_t *body = json_object_get(command, "body");
        (void)sim_append(sim, json_string_value(json_object_get(command, "type")),
                         json_incref(body), NULL);
        dead = true;
    } else if (command && fate == 3) {
        retract(sim, command);
    } else if (command && fate != 1) { /* 1: it dies with the command in hand */
        sim_obey(sim, command);
        dead = fate == 2;
    } else {
        dead = fate == 1;
    }
    json_decref(command);
    if (dead) {
        sim_crash(sim);
        vote_again(sim);
        *n_deaths += 1;
        more = true;
    }
    return more;
}

static void
many_crashes_in_one_run_lead_to_a_sound_end(void **state UNUSED)
{
    unsigned n_deaths = 0, n_runs = 0;
    for (size_t i = 0; i < ARRAY_SIZE(plots); i++) {
        for (uint64_t seed = 1; seed <= 40; seed++, n_runs++) {
            struct sim *sim = sim_for(&plots[i], seed * 7919);
            sim->quiet = true;
            while (step_or_die(sim, &n_deaths))
                cancel_when_due(sim, &plots[i]);
            assert_non_null(workflow_run_outcome(sim->run));
            assert_sound(sim);
            sim_free(sim);
        }
    }
    print_message("%u runs died %u times\n", n_runs, n_deaths);
    assert_true(n_deaths > 1000);
}

static void
log_command(void *arg, const struct workflow_command *command)
{
    json_t *json = workflow_command_json(command);
    char *text = json_dumps(json, JSON_COMPACT); /* in the order it was made */
    buf_printf(arg, "%s\n", text);
    free(text);
    json_decref(json);
}

static void
the_same_events_make_the_same_commands(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(plots); i++) {
        struct sim *full = sim_for(&plots[i], 3);
        play(full, &plots[i]);
        for (size_t n = 1; n <= json_array_size(full->journal); n++) {
            struct buf text[2] = {BUF_INIT, BUF_INIT};
            nsec_t wake[2];
            for (int twice = 0; twice < 2; twice++) {
                struct workflow_run *run = run_replayed(full->journal, n);
                wake[twice] = workflow_run_next(run, T0 + SECOND, log_command, &text[twice]);
                workflow_run_free(run);
            }
            assert_string_equal(buf_cstr(&text[0]), buf_cstr(&text[1]));
            assert_true(wake[0] == wake[1]);
            buf_fini(&text[0]);
            buf_fini(&text[1]);
        }
        sim_free(full);
    }
}

static void
a_replay_refuses_what_was_refused(void **state UNUSED)
{
    struct sim *sim = sim_for(&plots[4], 5);
    while (sim_step(sim)) {
        cancel_when_due(sim, &plots[4]);
        (void)sim_event(sim, "step.done", "{step: left, item: 1, attempt: 1}", NULL);
        (void)sim_event(sim, "approval.granted",
                        "{step: ok, who: rita, role: SECADM, holds: [SECADM], hash: x}", NULL);
    }
    json_t *live = workflow_run_status(sim->run);
    sim_crash(sim);
    json_t *replayed = workflow_run_status(sim->run);
    assert_true(json_equal(live, replayed));
    json_decref(live);
    json_decref(replayed);
    sim_free(sim);
}

TEST_MAIN(cmocka_unit_test(a_crash_after_any_event_leads_to_the_same_end),
          cmocka_unit_test(many_crashes_in_one_run_lead_to_a_sound_end),
          cmocka_unit_test(the_same_events_make_the_same_commands),
          cmocka_unit_test(a_replay_refuses_what_was_refused))
