/* What runs do, told as traces (workflow_testing.h), and what they refuse. */
#include "orchestrate/workflow_run.h"

#include "base/testing.h"
#include "orchestrate/workflow_testing.h"

#define THREE                                                                                      \
    "workflow: w\n"                                                                                \
    "steps:\n"                                                                                     \
    "- {name: a, action: do.a, undo: {action: undo.a, retry: {count: 1}}}\n"                       \
    "- {name: b, action: do.b, timeout: 10s, retry: {count: 2, backoff: 4s},\n"                    \
    "   undo: {action: undo.b, timeout: 3s}}\n"                                                    \
    "- {name: c, action: do.c, undo: {action: undo.c}}\n"

#define EACH                                                                                       \
    "workflow: w\n"                                                                                \
    "input: {names: {type: list}}\n"                                                               \
    "steps:\n"                                                                                     \
    "- name: a\n"                                                                                  \
    "  foreach: '${input.names}'\n"                                                                \
    "  parallel: 2\n"                                                                              \
    "  action: do.a\n"                                                                             \
    "  with: {name: '${item}'}\n"                                                                  \
    "  retry: {count: 1, backoff: 5s}\n"                                                           \
    "  undo: {action: undo.a, with: {name: '${item}', result: '${result}'}}\n"                     \
    "- {name: b, action: do.b, with: {all: '${steps.a.results}'}}\n"

#define ALWAYS                                                                                     \
    "workflow: w\n"                                                                                \
    "steps:\n"                                                                                     \
    "- {name: a, action: do.a, undo: {action: undo.a}}\n"                                          \
    "- {name: tell, always: true, action: do.tell, with: {how: '${run.outcome}'}}\n"               \
    "- {name: b, action: do.b}\n"                                                                  \
    "- {name: sweep, always: true, action: do.sweep, with: {why: '${run.error}'},\n"               \
    "   when: run.outcome != 'done'}\n"

#define DIAMOND                                                                                    \
    "workflow: w\n"                                                                                \
    "steps:\n"                                                                                     \
    "- {name: d, action: x, needs: [b, c], undo: {action: y}}\n"                                   \
    "- {name: a, action: x, needs: [], undo: {action: y}}\n"                                       \
    "- {name: b, action: x, needs: [a], undo: {action: y}}\n"                                      \
    "- {name: c, action: x, needs: [a], undo: {action: y}}\n"

#define CHOICE                                                                                     \
    "workflow: w\n"                                                                                \
    "input: {fast: {type: boolean}}\n"                                                             \
    "steps:\n"                                                                                     \
    "- {name: a, action: x}\n"                                                                     \
    "- {name: b, action: x, when: input.fast != true}\n"                                           \
    "- {name: c, action: x, when: present(steps.a.result.of) and not present(steps.b.result)}\n"   \
    "- {name: d, action: x}\n"

static const struct scenario {
    const char *name, *yaml, *input, *rules, *people, *trace;
} scenarios[] = {
    {"steps run in order", THREE, "{}", "", "", "a/0#1 ok\nb/0#1 ok\nc/0#1 ok\nclosed done\n"},
    {"a failed attempt is tried again", THREE, "{}", "w1/b/0#1=retry w1/b/0#2=retry", "",
     "a/0#1 ok\nb/0#1 retry\nb/0#2 retry\nb/0#3 ok\nc/0#1 ok\nclosed done\n"},
    {"attempts are counted, and what was started is undone, last first", THREE, "{}",
     "w1/b/0=retry", "",
     "a/0#1 ok\nb/0#1 retry\nb/0#2 retry\nb/0#3 retry\nundo b/0#1 ok\nundo a/0#1 ok\n"
     "closed failed-undone\n"},
    {"what cannot be retried is not", THREE, "{}", "w1/b/0=fatal", "",
     "a/0#1 ok\nb/0#1 fatal\nundo b/0#1 ok\nundo a/0#1 ok\nclosed failed-undone\n"},
    {"no answer in time is a failed attempt", THREE, "{}", "w1/b/0#1=lost", "",
     "a/0#1 ok\nb/0#1 lost\nb step.failed\nb/0#2 ok\nc/0#1 ok\nclosed done\n"},
    {"an undo is retried, too, and one that fails stops no other", THREE, "{}",
     "w1/c/0=fatal w1/b/0/undo=lost w1/a/0/undo#1=retry", "",
     "a/0#1 ok\nb/0#1 ok\nc/0#1 fatal\nundo c/0#1 ok\nundo b/0#1 lost\nb undo.failed\n"
     "undo a/0#1 retry\nundo a/0#2 ok\nclosed failed-undo-failed\n"},
    {"items run two at a time", EACH, "{names: [x, y, z]}", "", "",
     "a/0#1 ok\na/1#1 ok\na/2#1 ok\nb/0#1 ok\nclosed done\n"},
    {"no items, nothing to do", EACH, "{names: []}", "", "", "b/0#1 ok\nclosed done\n"},
    {"a list that is none fails the step", EACH, "{}", "", "",
     "a step.failed\nclosed failed-undone\n"},
    {"a failed item undoes the items that were started", EACH, "{names: [p, q, r, s, t]}",
     "w1/a/2=fatal", "",
     "a/0#1 ok\na/1#1 ok\na/2#1 fatal\nundo a/2#1 ok\nundo a/1#1 ok\nundo a/0#1 ok\n"
     "closed failed-undone\n"},
    {"an item between two attempts is not tried again once another has failed", EACH,
     "{names: [p, q, r]}", "w1/a/0#1=retry w1/a/1=fatal", "",
     "a/0#1 retry\na/1#1 fatal\nundo a/1#1 ok\nundo a/0#1 ok\nclosed failed-undone\n"},
    {"both roles approve", ASK, "{}", "", "OPERATOR:olga SECADM:sam",
     "plan/0#1 ok\nok asked\nok granted OPERATOR olga\nok granted SECADM sam\ngo/0#1 ok\n"
     "closed done\n"},
    {"without all approvals in time it is refused", ASK, "{}", "", "SECADM:sam",
     "plan/0#1 ok\nok asked\nok granted SECADM sam\nok approval.expired\nundo plan/0#1 ok\n"
     "closed failed-undone\n"},
    {"people who do not count are not counted", ASK, "{}", "",
     "OPERATOR:rita ENGINEER:emil OPERATOR:olga SECADM:olga OPERATOR:otto SECADM:sam",
     "plan/0#1 ok\nok asked\nok granted OPERATOR olga\nok granted SECADM sam\ngo/0#1 ok\n"
     "closed done\n"},
    {"nothing is asked after the time it had to begin by", ASK, "{end: 2023-11-14T22:13:20Z}", "",
     "", "plan/0#1 ok\nok step.failed\nundo plan/0#1 ok\nclosed failed-undone\n"},
    {"steps that run always run after success", ALWAYS, "{}", "", "",
     "a/0#1 ok\nb/0#1 ok\ntell/0#1 ok\nclosed done\n"},
    {"and after failure, when all is undone", ALWAYS, "{}", "w1/b/0=fatal", "",
     "a/0#1 ok\nb/0#1 fatal\nundo a/0#1 ok\ntell/0#1 ok\nsweep/0#1 ok\nclosed failed-undone\n"},
    {"their own failure undoes nothing", ALWAYS, "{}", "w1/b/0=fatal w1/tell/0=fatal", "",
     "a/0#1 ok\nb/0#1 fatal\nundo a/0#1 ok\ntell/0#1 fatal\nsweep/0#1 ok\nclosed failed-undone\n"},
    {"needs decide the order, forth and back", DIAMOND, "{}", "w1/d/0=fatal", "",
     "a/0#1 ok\nb/0#1 ok\nc/0#1 ok\nd/0#1 fatal\nundo d/0#1 ok\nundo c/0#1 ok\nundo b/0#1 ok\n"
     "undo a/0#1 ok\nclosed failed-undone\n"},
    {"what fails beside a running step is undone with it", DIAMOND, "{}", "w1/b/0=fatal", "",
     "a/0#1 ok\nb/0#1 fatal\nundo b/0#1 ok\nundo a/0#1 ok\nclosed failed-undone\n"},
    {"a condition that does not hold skips its step alone", CHOICE, "{fast: true}", "", "",
     "a/0#1 ok\nc/0#1 ok\nd/0#1 ok\nclosed done\n"},
    {"conditions see earlier results", CHOICE, "{}", "", "",
     "a/0#1 ok\nb/0#1 ok\nd/0#1 ok\nclosed done\n"},
    {"a timer waits",
     "workflow: w\nsteps:\n- {name: t, timer: {for: 90s}}\n- {name: a, action: x}\n", "{}", "", "",
     "t timer.set\nt timer.fired\na/0#1 ok\nclosed done\n"},
    {"a timer without a time fails",
     "workflow: w\ninput: {at: {type: time}}\nsteps:\n- {name: t, timer: {until: '${input.at}'}}\n",
     "{}", "", "", "t step.failed\nclosed failed-undone\n"},
    {"an event that does not come in time fails the wait",
     "workflow: w\nsteps:\n- {name: h, wait: {event: x.y}, timeout: 1h}\n", "{}", "", "",
     "h wait.set\nh step.failed\nclosed failed-undone\n"},
    {"parameters that cannot be made fail the step",
     "workflow: w\ninput: {n: {type: list}}\nsteps:\n- {name: a, action: x, with: {t: "
     "'n=${input.n}'},"
     " undo: {action: y}}\n",
     "{n: [1]}", "", "", "a step.failed\nclosed failed-undone\n"},
    {"an undo whose parameters cannot be made is a failed undo",
     "workflow: w\ninput: {n: {type: list}}\nsteps:\n- {name: a, action: x, undo: {action: y, "
     "with: {t: 'n=${input.n}'}}}\n- {name: b, action: x}\n",
     "{n: [1]}", "w1/b/0=fatal", "",
     "a/0#1 ok\nb/0#1 fatal\na undo.failed\nclosed failed-undo-failed\n"},
};

static void
scenarios_run_as_told(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        const struct scenario *s = &scenarios[i];
        struct sim *sim = sim_of(s->yaml, s->input, s->rules, s->people);
        print_message("%s\n", s->name);
        sim_play(sim);
        assert_string_equal(buf_cstr(&sim->trace), s->trace);
        sim_free(sim);
    }
}

static void
a_command_says_all_that_is_needed(void **state UNUSED)
{
    struct sim *sim = sim_of(EACH, "{names: [x]}", "", "");
    assert_next(sim, "{\"action\":\"do.a\",\"body\":{\"attempt\":1,\"item\":0,\"key\":\"w1/a/0\","
                     "\"run\":\"w1\",\"step\":\"a\"},\"command\":\"start\",\"item\":0,"
                     "\"key\":\"w1/a/0\",\"params\":{\"name\":\"x\"},\"recover\":false,"
                     "\"step\":\"a\",\"type\":\"step.started\"}\n");
    assert_next(sim, "");
    sim_free(sim);
}

static void
pauses_between_attempts_grow_to_their_limit(void **state UNUSED)
{
    static const int pauses[] = {2, 6, 18, 20, 20};
    struct sim *sim = sim_of("workflow: w\nsteps:\n- {name: a, action: x, "
                             "retry: {count: 9, backoff: 2s, factor: 3, limit: 20s}}\n",
                             "{}", "", "");
    for (unsigned i = 0; i < ARRAY_SIZE(pauses); i++) {
        char *start = next_text(sim->run, sim->now, NULL), body[100];
        assert_non_null(strstr(start, "step.started"));
        free(start);
        snprintf(body, sizeof body, "{step: a, item: 0, attempt: %u, key: w1/a/0}", i + 1);
        assert_ok(sim_event(sim, "step.started", body, NULL));
        snprintf(body, sizeof body, "{step: a, item: 0, attempt: %u, error: e, retryable: true}",
                 i + 1);
        assert_ok(sim_event(sim, "step.failed", body, NULL));
        assert_next(sim, "");
        assert_int_equal(sim->wake - sim->now, pauses[i] * SECOND);
        sim->now = sim->wake;
    }
    sim_free(sim);
}

static void
what_was_started_before_a_crash_is_the_same_command_again(void **state UNUSED)
{
    struct sim *sim = sim_of(THREE, "{}", "", "");
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL));
    sim_crash(sim);
    assert_next(sim, "{\"action\":\"do.a\",\"body\":{\"attempt\":1,\"item\":0,\"key\":\"w1/a/0\","
                     "\"run\":\"w1\",\"step\":\"a\"},\"command\":\"start\",\"item\":0,"
                     "\"key\":\"w1/a/0\",\"params\":{},\"recover\":true,\"step\":\"a\","
                     "\"type\":\"step.started\"}\n");
    assert_next(sim, "");
    sim_free(sim);
}

static void
a_time_out_counts_from_the_restart(void **state UNUSED)
{
    struct sim *sim = sim_of(THREE, "{}", "w1/b/0#1=lost", "");
    sim_play_until(sim, "b/0#1 lost");
    sim->now += 3600 * SECOND;
    sim_crash(sim);
    char *text = next_text(sim->run, sim->now, &sim->wake);
    assert_non_null(strstr(text, "\"recover\":true"));
    assert_int_equal(sim->wake - sim->now, 10 * SECOND);
    free(text);
    sim_free(sim);
}

static void
a_retracted_command_is_emitted_again(void **state UNUSED)
{
    struct sim *sim = sim_of(EACH, "{names: [x, y, z]}", "", "");
    char *first = next_text(sim->run, sim->now, NULL);
    struct workflow_command command = {
        .kind = WORKFLOW_START, .type = "step.started", .step = "a", .item = 1};
    workflow_run_retract(sim->run, &command);
    char *again = next_text(sim->run, sim->now, NULL);
    assert_non_null(strstr(again, "w1/a/1"));
    assert_null(strstr(again, "w1/a/0"));
    assert_null(strstr(again, "w1/a/2"));
    assert_string_equal(strchr(first, '\n') + 1, again);
    free(first);
    free(again);
    /* Nonsense is ignored. */
    command.item = 7;
    workflow_run_retract(sim->run, &command);
    command.step = "nowhere";
    workflow_run_retract(sim->run, &command);
    assert_next(sim, "");
    sim_free(sim);
}

static void
an_action_lost_on_its_way_is_recovered(void **state UNUSED)
{
    struct sim *sim = sim_of(THREE, "{}", "", "");
    free(next_text(sim->run, sim->now, NULL));
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL));
    assert_next(sim, "");
    struct workflow_command command = {.kind = WORKFLOW_START, .type = "step.started", .step = "a"};
    workflow_run_retract(sim->run, &command);
    char *again = next_text(sim->run, sim->now, NULL);
    assert_non_null(strstr(again, "\"recover\":true"));
    free(again);
    sim_free(sim);
}

static void
cancelling_waits_for_what_is_at_work_and_undoes_it(void **state UNUSED)
{
    struct sim *sim = sim_of(EACH, "{names: [x, y, z]}", "", "");
    free(next_text(sim->run, sim->now, NULL));
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL));
    assert_ok(sim_event(sim, "run.cancel-requested", "{who: olga, reason: storm}", NULL));
    struct diag diag;
    assert_err(sim_event(sim, "step.started", "{step: a, item: 1, attempt: 1, key: w1/a/1}", &diag),
               ERR_CONFLICT);
    assert_err(sim_event(sim, "run.cancel-requested", "{who: olga}", &diag), ERR_CONFLICT);
    assert_string_equal(diag.text, "run w1 is being undone already and cannot be cancelled");
    assert_next(sim, "");
    assert_ok(sim_event(sim, "step.done", "{step: a, item: 0, attempt: 1, result: r}", NULL));
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "undo a/0#1 ok\nclosed cancelled\n");
    json_t *status = workflow_run_status(sim->run);
    assert_string_equal(json_string_value(json_object_get(status, "error")),
                        "cancelled by olga: storm");
    json_decref(status);
    sim_free(sim);
}

static void
cancelling_ends_waiting_at_once(void **state UNUSED)
{
    struct sim *sim = sim_of(ASK, "{}", "", "");
    sim->people = "";
    sim_play_until(sim, "ok asked");
    assert_ok(sim_event(sim, "run.cancel-requested", "{who: rita}", NULL));
    assert_err(sim_event(sim, "approval.granted",
                         "{step: ok, who: olga, role: OPERATOR, holds: [OPERATOR], "
                         "hash: w1/plan/0}",
                         NULL),
               ERR_CONFLICT);
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace),
                        "plan/0#1 ok\nok asked\nundo plan/0#1 ok\nclosed cancelled\n");
    sim_free(sim);
}

static void
events_out_of_order_change_nothing(void **state UNUSED)
{
    static const struct {
        const char *type, *body;
        enum err err;
    } rows[] = {
        {"run.created", "{}", ERR_CONFLICT},
        {"run.closed", "{outcome: done}", ERR_CONFLICT},
        {"run.closed", "{}", ERR_MALFORMED},
        {"run.renamed", "{}", ERR_CONFLICT},
        {"run.cancel-requested", "{}", ERR_MALFORMED},
        {"run.cancel-requested", "{who: olga, reason: 3}", ERR_MALFORMED},
        {"step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", ERR_CONFLICT},
        {"step.started", "{step: b, item: 0, attempt: 2, key: w1/b/0}", ERR_CONFLICT},
        {"step.done", "{step: a, item: 0, attempt: 1}", ERR_CONFLICT},
        {"step.done", "{step: b, item: 0, attempt: 2}", ERR_CONFLICT},
        {"step.done", "{step: b, item: 1, attempt: 1}", ERR_CONFLICT},
        {"step.done", "{step: b, item: -1, attempt: 1}", ERR_MALFORMED},
        {"step.done", "{step: b, item: 0.5, attempt: 1}", ERR_MALFORMED},
        {"step.done", "{step: b, item: 0}", ERR_MALFORMED},
        {"step.done", "{item: 0, attempt: 1}", ERR_MALFORMED},
        {"step.done", "{step: c, item: 0, attempt: 0}", ERR_CONFLICT},
        {"step.failed", "{step: b, item: 0, attempt: 1, error: e}", ERR_MALFORMED},
        {"step.failed", "{step: b, item: 0, attempt: 1, retryable: true}", ERR_MALFORMED},
        {"step.failed", "{step: b, item: 0, attempt: 0, error: e, retryable: true}", ERR_CONFLICT},
        {"step.failed", "{step: c, item: 0, attempt: 0, error: e, retryable: false}", ERR_CONFLICT},
        {"undo.started", "{step: a, item: 0, attempt: 1, key: w1/a/0/undo}", ERR_CONFLICT},
        {"undo.done", "{step: a, item: 0, attempt: 1}", ERR_CONFLICT},
        {"timer.set", "{step: c, at: 2023-11-14T22:14:20Z}", ERR_CONFLICT},
        {"timer.fired", "{step: b}", ERR_CONFLICT},
        {"wait.set", "{step: b, event: x.y}", ERR_CONFLICT},
        {"wait.matched", "{step: b, event: x.y, result: {}}", ERR_CONFLICT},
        {"approval.requested", "{step: b, hash: x, expires: 2023-11-14T22:14:20Z}", ERR_CONFLICT},
        {"approval.granted", "{step: b}", ERR_CONFLICT},
        {"approval.expired", "{step: b}", ERR_CONFLICT},
    };
    struct sim *sim = sim_of(THREE, "{}", "", "");
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL));
    assert_ok(sim_event(sim, "step.done", "{step: a, item: 0, attempt: 1}", NULL));
    assert_err(sim_event(sim, "step.started", "{step: b, item: 0, attempt: 1, key: w1/a/0}", NULL),
               ERR_CONFLICT);
    assert_ok(sim_event(sim, "step.started", "{step: b, item: 0, attempt: 1, key: w1/b/0}", NULL));
    char *before = status_text(sim);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        print_message("%s %s\n", rows[i].type, rows[i].body);
        assert_err(sim_event(sim, rows[i].type, rows[i].body, NULL), rows[i].err);
        char *after = status_text(sim);
        assert_string_equal(before, after);
        free(after);
    }
    free(before);
    json_t *body = json_of("{run: w2, step: b, item: 0, attempt: 1}");
    struct workflow_event event = {.type = "step.done", .time = sim->now, .body = body};
    assert_err(workflow_run_apply(sim->run, &event, NULL), ERR_CONFLICT);
    event.time = -1;
    json_object_set_new(body, "run", json_string("w1"));
    assert_err(workflow_run_apply(sim->run, &event, NULL), ERR_MALFORMED);
    json_decref(body);
    sim_free(sim);
}

static void
what_never_started_is_neither_begun_nor_undone_by_a_forged_event(void **state UNUSED)
{
    struct sim *sim = sim_of(EACH, "{names: [x, y, z]}", "", "");
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 1, attempt: 1, key: w1/a/1}", NULL));
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 2, attempt: 1, key: w1/a/2}", NULL));
    /* two at a time */
    assert_err(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL),
               ERR_CONFLICT);
    for (int item = 1; item <= 2; item++) {
        char *body = xasprintf("{step: a, item: %d, attempt: 1, error: e, retryable: false}", item);
        assert_ok(sim_event(sim, "step.failed", body, NULL));
        free(body);
    }
    assert_err(
        sim_event(sim, "undo.started", "{step: a, item: 0, attempt: 1, key: w1/a/0/undo}", NULL),
        ERR_CONFLICT);
    assert_ok(
        sim_event(sim, "undo.started", "{step: a, item: 1, attempt: 1, key: w1/a/1/undo}", NULL));
    sim_free(sim);
    sim = sim_of(EACH, "{}", "", ""); /* a list that is none */
    assert_err(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL),
               ERR_CONFLICT);
    sim_free(sim);
}

static void
an_answer_after_the_time_out_counts_no_more(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\nsteps:\n- {name: a, action: x, timeout: 5s, "
                             "undo: {action: y}}\n",
                             "{}", "w1/a/0=lost", "");
    sim_play(sim);
    assert_err(sim_event(sim, "step.done", "{step: a, item: 0, attempt: 1}", NULL), ERR_CONFLICT);
    assert_string_equal(buf_cstr(&sim->trace),
                        "a/0#1 lost\na step.failed\nundo a/0#1 ok\nclosed failed-undone\n");
    sim_free(sim);
}

static void
a_timer_does_not_fire_early(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\nsteps:\n- {name: t, timer: {for: 90s}}\n", "{}", "", "");
    assert_ok(sim_event(sim, "timer.set", "{step: t, at: 2023-11-14T22:14:50Z}", NULL));
    assert_next(sim, "");
    assert_int_equal(sim->wake - sim->now, 90 * SECOND);
    assert_err(sim_event(sim, "timer.fired", "{step: t}", NULL), ERR_CONFLICT);
    sim->now = sim->wake;
    assert_next(sim, "{\"body\":{\"run\":\"w1\",\"step\":\"t\"},\"command\":\"record\",\"item\":0,"
                     "\"step\":\"t\",\"type\":\"timer.fired\"}\n");
    assert_ok(sim_event(sim, "timer.fired", "{step: t}", NULL));
    sim_play(sim);
    assert_string_equal(workflow_run_outcome(sim->run), "done");
    sim_free(sim);
}

static char *
offer_text(struct sim *sim, const char *type, const char *object, const char *yaml)
{
    struct sim out = {.commands = json_array(), .seen = json_object()};
    json_t *body = json_of(yaml);
    struct workflow_event event = {.type = type, .object = object, .time = sim->now, .body = body};
    workflow_run_offer(sim->run, &event, sim_collect, &out);
    json_t *command = json_array_get(out.commands, 0);
    char *text = command ? json_text(json_object_get(command, "body")) : xstrdup("");
    assert_true(json_array_size(out.commands) <= 1);
    json_decref(out.commands);
    json_decref(out.seen);
    json_decref(body);
    return text;
}

static void
a_wait_takes_the_event_that_matches(void **state UNUSED)
{
    static const struct {
        const char *type, *object, *body;
    } others[] = {
        {"exception.opened", "exception/7", "{state: {kind: drift, n: 3}}"},
        {"exception.closed", "exception/8", "{state: {kind: drift, n: 3}}"},
        {"exception.closed", NULL, "{state: {kind: drift, n: 3}}"},
        {"exception.closed", "exception/7", "{state: {kind: drift}}"},
        {"exception.closed", "exception/7", "{state: [kind, drift]}"},
        {"exception.closed", "exception/7", "{state: {kind: drift, n: 3.0}}"},
        {"exception.closed", "exception/7", "[]"},
    };
    struct sim *sim = sim_of("workflow: w\ninput: {id: {type: integer}}\nsteps:\n"
                             "- name: h\n  wait: {event: exception.closed, object: "
                             "'exception/${input.id}', match: {state: {kind: drift, n: 3}}}\n"
                             "- {name: a, action: x, with: {why: '${steps.h.result.why}'}}\n",
                             "{id: 7}", "", "");
    char *text = offer_text(sim, "exception.closed", "exception/7", "{state: {kind: drift, n: 3}}");
    assert_string_equal(text, ""); /* it is not waiting yet */
    free(text);
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "h wait.set\n");
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        text = offer_text(sim, others[i].type, others[i].object, others[i].body);
        assert_string_equal(text, "");
        free(text);
    }
    text = offer_text(sim, "exception.closed", "exception/7",
                      "{state: {kind: drift, n: 3, more: 1}, why: fixed}");
    assert_string_equal(text, "{\"event\":\"exception.closed\",\"object\":\"exception/7\","
                              "\"result\":{\"state\":{\"kind\":\"drift\",\"more\":1,\"n\":3},"
                              "\"why\":\"fixed\"},\"run\":\"w1\",\"step\":\"h\"}");
    assert_err(sim_event(sim, "wait.matched",
                         "{step: h, event: exception.closed, object: exception/8, result: {}}",
                         NULL),
               ERR_CONFLICT);
    assert_ok(sim_event(sim, "wait.matched", text, NULL));
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "h wait.set\na/0#1 ok\nclosed done\n");
    assert_non_null(json_object_get(sim->effects, "a {\"why\":\"fixed\"} done"));
    free(text);
    sim_free(sim);
}

static void
no_item_starts_after_the_time_it_had_to_begin_by(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\ninput: {end: {type: time}}\nsteps:\n"
                             "- name: a\n  foreach: [1, 2]\n  parallel: 1\n"
                             "  before: '${input.end}'\n  action: x\n"
                             "  retry: {count: 1, backoff: 2m}\n  undo: {action: y}\n",
                             "{end: 2023-11-14T22:14:20Z}", "w1/a/1#1=retry", "");
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace),
                        "a/0#1 ok\na/1#1 retry\na step.failed\nundo a/1#1 ok\nundo a/0#1 ok\n"
                        "closed failed-undone\n");
    json_t *status = workflow_run_status(sim->run);
    assert_string_equal(json_string_value(json_object_get(status, "error")),
                        "step 'a', item 1: too late: it had to begin before "
                        "2023-11-14T22:14:20.000000000Z");
    json_decref(status);
    sim_free(sim);
}

static void
what_began_in_time_is_recovered_even_later(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\ninput: {end: {type: time}}\nsteps:\n"
                             "- {name: a, before: '${input.end}', action: x}\n",
                             "{end: 2023-11-14T22:14:20Z}", "", "");
    assert_ok(sim_event(sim, "step.started", "{step: a, item: 0, attempt: 1, key: w1/a/0}", NULL));
    sim->now += 3600 * SECOND;
    sim_crash(sim);
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "a/0#1 recover ok\nclosed done\n");
    sim_free(sim);
}

static void
a_run_keeps_the_definition_it_started_with(void **state UNUSED)
{
    json_t *created = created_of(THREE, "w1", "{}");
    struct sim *sim = sim_new(created);
    struct workflow *other = workflow_of("workflow: w\nsteps: [{name: z, action: z}]\n");
    assert_string_not_equal(workflow_hash(other), workflow_hash(workflow_run_workflow(sim->run)));
    sim_crash(sim);
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "a/0#1 ok\nb/0#1 ok\nc/0#1 ok\nclosed done\n");
    workflow_free(other);
    sim_free(sim);
}

static void
nothing_follows_the_end(void **state UNUSED)
{
    struct sim *sim = sim_of(THREE, "{}", "", "");
    assert_null(workflow_run_outcome(sim->run));
    sim_play(sim);
    struct diag diag;
    assert_err(sim_event(sim, "run.cancel-requested", "{who: olga}", &diag), ERR_CONFLICT);
    assert_string_equal(diag.text, "run w1 is closed");
    assert_next(sim, "");
    assert_int_equal(sim->wake, NSEC_NEVER);
    sim_free(sim);
}

static void
status_tells_where_a_run_stands(void **state UNUSED)
{
    struct sim *sim = sim_asking(ASK);
    assert_ok(sim_event(sim, "approval.granted",
                        "{step: ok, who: olga, role: OPERATOR, holds: [OPERATOR], hash: w1/plan/0}",
                        NULL));
    char *text = status_text(sim);
    assert_string_equal(
        text,
        "{\"phase\":\"forward\",\"requester\":\"rita\",\"run\":\"w1\",\"steps\":["
        "{\"active\":0,\"done\":1,\"failed\":0,\"items\":1,\"kind\":\"action\",\"state\":\"done\","
        "\"step\":\"plan\"},{\"active\":0,\"approval\":{\"expires\":"
        "\"2023-11-14T23:13:20.000000000Z\",\"hash\":\"w1/plan/0\",\"roles\":[{\"granted_by\":"
        "\"olga\",\"role\":\"OPERATOR\"},{\"role\":\"SECADM\"}]},\"done\":0,\"failed\":0,"
        "\"items\":1,\"kind\":\"approval\",\"state\":\"open\",\"step\":\"ok\"},"
        "{\"kind\":\"action\",\"state\":\"waiting\",\"step\":\"go\"}],\"workflow\":\"w\"}");
    free(text);
    sim_free(sim);
}

#define CARRIERS                                                                                   \
    "carriers/0#1 ok\ntunnel-design/0#1 ok\ntunnel-reserve/0#1 ok\nvpn-design/0#1 ok\n"            \
    "vpn-reserve/0#1 ok\n"

static const struct scenario shipped[] = {
    {"access for a window begins and ends by itself", "etc/workflows/circuit-turn-up.yaml",
     "{circuits: [x], window-start: 2023-11-15T08:00:00Z, window-end: 2023-11-15T12:00:00Z}", "",
     "OPERATOR:olga SECADM:sam",
     "design/0#1 ok\nprove/0#1 ok\nreserve/0#1 ok\n" CARRIERS
     "approve asked\napprove granted OPERATOR olga\n"
     "approve granted SECADM sam\nschedule timer.set\nschedule timer.fired\npush/0#1 ok\n"
     "read-back/0#1 ok\ntest/0#1 ok\nfingerprint/0#1 ok\nwatch timer.set\nwatch timer.fired\n"
     "remove/0#1 ok\nread-back-removed/0#1 ok\nrelease/0#1 ok\ndrop-carriers/0#1 ok\nclosed "
     "done\n"},
    {"a permanent circuit stays", "etc/workflows/circuit-turn-up.yaml", "{circuits: [x, y]}", "",
     "OPERATOR:rita OPERATOR:olga SECADM:olga SECADM:sam",
     "design/0#1 ok\nprove/0#1 ok\nreserve/0#1 ok\n" CARRIERS
     "approve asked\napprove granted OPERATOR olga\n"
     "approve granted SECADM sam\npush/0#1 ok\npush/1#1 ok\nread-back/0#1 ok\nread-back/1#1 ok\n"
     "test/0#1 ok\ntest/1#1 ok\nfingerprint/0#1 ok\nfingerprint/1#1 ok\nclosed done\n"},
    {"a circuit that fails its test takes the order back", "etc/workflows/circuit-turn-up.yaml",
     "{circuits: [x, y]}", "w1/test/1=fatal", "OPERATOR:olga SECADM:sam",
     "design/0#1 ok\nprove/0#1 ok\nreserve/0#1 ok\n" CARRIERS
     "approve asked\napprove granted OPERATOR olga\n"
     "approve granted SECADM sam\npush/0#1 ok\npush/1#1 ok\nread-back/0#1 ok\nread-back/1#1 ok\n"
     "test/0#1 ok\ntest/1#1 fatal\nundo push/1#1 ok\nundo push/0#1 ok\n"
     "undo vpn-reserve/0#1 ok\nundo tunnel-reserve/0#1 ok\nundo reserve/0#1 ok\n"
     "closed failed-undone\n"},
    {"a violated proof stops the order before anything is reserved",
     "etc/workflows/circuit-turn-up.yaml", "{circuits: [x]}", "w1/prove/0=fatal", "",
     "design/0#1 ok\nprove/0#1 fatal\nclosed failed-undone\n"},
    {"access nobody approved before its window ended is never opened",
     "etc/workflows/circuit-turn-up.yaml", "{circuits: [x], window-end: 2023-11-15T12:00:00Z}", "",
     "SECADM:sam",
     "design/0#1 ok\nprove/0#1 ok\nreserve/0#1 ok\n" CARRIERS
     "approve asked\napprove granted SECADM sam\n"
     "approve approval.expired\nundo vpn-reserve/0#1 ok\nundo tunnel-reserve/0#1 ok\nundo "
     "reserve/0#1 ok\nclosed "
     "failed-undone\n"},
    {"teardown needs one operator", "etc/workflows/circuit-teardown.yaml", "{circuits: [x]}", "",
     "OPERATOR:olga",
     "approve asked\napprove granted OPERATOR olga\nremove/0#1 ok\nread-back/0#1 ok\n"
     "release/0#1 ok\ndrop-carriers/0#1 ok\nclosed done\n"},
    {"drift is repaired with a person's agreement", "etc/workflows/drift-repair.yaml",
     "{exception: e7}", "", "OPERATOR:olga",
     "approve asked\napprove granted OPERATOR olga\nrepair/0#1 ok\nread-back/0#1 ok\n"
     "close/0#1 ok\nclosed done\n"},
    {"or without, where the policy says so", "etc/workflows/drift-repair.yaml",
     "{exception: e7, approval: false}", "w1/repair/0#1=retry", "",
     "repair/0#1 retry\nrepair/0#2 ok\nread-back/0#1 ok\nclose/0#1 ok\nclosed done\n"},
};

static void
what_ships_does_what_it_says(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++) {
        const struct scenario *s = &shipped[i];
        char *yaml = file_text(s->yaml);
        struct sim *sim = sim_of(yaml, s->input, s->rules, s->people);
        sim_plan_circuits(sim, "w1", "[]", "[]");
        print_message("%s\n", s->name);
        sim_play(sim);
        assert_string_equal(buf_cstr(&sim->trace), s->trace);
        sim_free(sim);
        free(yaml);
    }
}

/* Its tunnel and VPN are there before the first rule is, and go with the order. */
static void
a_circuit_brings_what_carries_it(void **state UNUSED)
{
    const struct {
        const char *rules, *trace;
    } cases[] = {
        {"", "tunnel-push/0#1 ok\ntunnel-test/0#1 ok\nvpn-push/0#1 ok\nvpn-test/0#1 ok\npush/0#1 "
             "ok\nread-back/0#1 ok\n"
             "test/0#1 ok\nfingerprint/0#1 ok\nclosed done\n"},
        {"w1/tunnel-test/0=fatal",
         "tunnel-push/0#1 ok\ntunnel-test/0#1 fatal\n"
         "undo vpn-reserve/0#1 ok\nundo tunnel-reserve/0#1 ok\nundo reserve/0#1 ok\n"
         "closed failed-undone\n"},
    };
    char *yaml = file_text("etc/workflows/circuit-turn-up.yaml");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct sim *sim = sim_of(yaml, "{circuits: [x]}", cases[i].rules,
                                 "OPERATOR:olga SECADM:sam");
        struct buf trace = BUF_INIT;
        sim_plan_circuits(sim, "w1", "[t]", "[v]");
        sim_play(sim);
        buf_printf(&trace,
                   "design/0#1 ok\nprove/0#1 ok\nreserve/0#1 ok\n" CARRIERS
                   "approve asked\napprove granted OPERATOR olga\napprove granted SECADM sam\n%s",
                   cases[i].trace);
        assert_string_equal(buf_cstr(&sim->trace), buf_cstr(&trace));
        buf_fini(&trace);
        sim_free(sim);
    }
    free(yaml);
}

static void
a_bulk_run_does_work_in_proportion_to_its_items(void **state UNUSED)
{
    uint64_t work[2];
    char *yaml = file_text("etc/workflows/circuit-turn-up.yaml");
    for (int round = 0; round < 2; round++) {
        int n = round ? 5000 : 500;
        struct buf input = BUF_INIT;
        buf_str(&input, "{window-end: 2023-11-20T00:00:00Z, circuits: [");
        for (int i = 0; i < n; i++)
            buf_printf(&input, "c%d,", i);
        buf_str(&input, "]}");
        struct sim *sim = sim_new(created_of(yaml, "bulk", buf_cstr(&input)));
        sim_plan_circuits(sim, "bulk", "[]", "[]");
        sim->quiet = sim->concurrent = true;
        sim_play(sim);
        assert_string_equal(workflow_run_outcome(sim->run), "done");
        assert_int_equal(json_object_size(sim->effects), 6 * n + 6);
        work[round] = workflow_run_work(sim->run);
        print_message("%d circuits: %llu items looked at, %zu events\n", n,
                      (unsigned long long)work[round], json_array_size(sim->journal));
        sim_free(sim);
        buf_fini(&input);
    }
    assert_true(work[1] < 11 * work[0]);
    assert_true(work[1] < 5000 * 6 * 2 * 17); /* items, steps, events, parallel + 1 */
    free(yaml);
}

TEST_MAIN(cmocka_unit_test(scenarios_run_as_told),
          cmocka_unit_test(a_command_says_all_that_is_needed),
          cmocka_unit_test(pauses_between_attempts_grow_to_their_limit),
          cmocka_unit_test(what_was_started_before_a_crash_is_the_same_command_again),
          cmocka_unit_test(a_time_out_counts_from_the_restart),
          cmocka_unit_test(a_retracted_command_is_emitted_again),
          cmocka_unit_test(an_action_lost_on_its_way_is_recovered),
          cmocka_unit_test(cancelling_waits_for_what_is_at_work_and_undoes_it),
          cmocka_unit_test(cancelling_ends_waiting_at_once),
          cmocka_unit_test(events_out_of_order_change_nothing),
          cmocka_unit_test(what_never_started_is_neither_begun_nor_undone_by_a_forged_event),
          cmocka_unit_test(an_answer_after_the_time_out_counts_no_more),
          cmocka_unit_test(a_timer_does_not_fire_early),
          cmocka_unit_test(a_wait_takes_the_event_that_matches),
          cmocka_unit_test(no_item_starts_after_the_time_it_had_to_begin_by),
          cmocka_unit_test(what_began_in_time_is_recovered_even_later),
          cmocka_unit_test(a_run_keeps_the_definition_it_started_with),
          cmocka_unit_test(nothing_follows_the_end),
          cmocka_unit_test(status_tells_where_a_run_stands),
          cmocka_unit_test(what_ships_does_what_it_says),
          cmocka_unit_test(a_circuit_brings_what_carries_it),
          cmocka_unit_test(a_bulk_run_does_work_in_proportion_to_its_items))
