/* Who may approve what, and what follows. */
#include "orchestrate/workflow_run.h"

#include "base/testing.h"
#include "orchestrate/workflow_testing.h"

static void
an_approval_request_says_what_is_approved(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\nsteps:\n- {name: ok, approval: {roles: [SECADM], "
                             "expires: 1h, show: {run: '${run.id}'}}}\n",
                             "{}", "", "");
    char *text = next_text(sim->run, sim->now, NULL);
    json_t *command = json_loads(text, 0, NULL), *body = json_object_get(command, "body");
    json_t *created = json_array_get(json_array_get(sim->journal, 0), 2);
    assert_string_equal(json_string_value(json_object_get(command, "type")), "approval.requested");
    assert_true(json_equal(json_object_get(body, "hash"), json_object_get(created, "hash")));
    json_object_del(body, "hash");
    char *rest = json_text(body);
    assert_string_equal(rest, "{\"expires\":\"2023-11-14T23:13:20.000000000Z\",\"roles\":"
                              "[\"SECADM\"],\"run\":\"w1\",\"show\":{\"run\":\"w1\"},"
                              "\"step\":\"ok\"}");
    free(rest);
    free(text);
    json_decref(command);
    sim_free(sim);
}

static void
an_approval_that_does_not_count_says_why(void **state UNUSED)
{
    static const struct {
        const char *type, *verdict;
        enum err err;
        const char *said;
    } rows[] = {
        {"approval.granted",
         "{step: ok, who: rita, role: OPERATOR, holds: [OPERATOR], hash: w1/plan/0}", ERR_DENIED,
         "rita requested it and cannot decide on it"},
        {"approval.refused",
         "{step: ok, who: rita, role: OPERATOR, holds: [OPERATOR], hash: w1/plan/0}", ERR_DENIED,
         "rita requested it and cannot decide on it"},
        {"approval.granted",
         "{step: ok, who: emil, role: ENGINEER, holds: [ENGINEER], hash: w1/plan/0}", ERR_DENIED,
         "no approval as ENGINEER is asked for"},
        {"approval.granted",
         "{step: ok, who: emil, role: OPERATOR, holds: [ENGINEER, VIEWER], hash: w1/plan/0}",
         ERR_DENIED, "emil does not hold the role OPERATOR"},
        {"approval.granted", "{step: ok, who: emil, role: OPERATOR, holds: [], hash: w1/plan/0}",
         ERR_DENIED, "emil does not hold the role OPERATOR"},
        {"approval.granted", "{step: ok, who: sam, role: SECADM, holds: [SECADM], hash: w1/plan/1}",
         ERR_DENIED, "the hash named is w1/plan/1, but what is asked for is w1/plan/0"},
        {"approval.granted",
         "{step: ok, who: otto, role: OPERATOR, holds: [OPERATOR], hash: w1/plan/0}", ERR_DENIED,
         "olga has approved as OPERATOR already"},
        {"approval.granted",
         "{step: ok, who: olga, role: SECADM, holds: [OPERATOR, SECADM], hash: w1/plan/0}",
         ERR_DENIED, "olga has approved as OPERATOR; the other approvals must be other people's"},
        {"approval.granted", "{step: ok, who: '', role: SECADM, holds: [SECADM], hash: w1/plan/0}",
         ERR_MALFORMED, "who, role, holds and hash are needed"},
        {"approval.granted", "{step: ok, who: sam, role: SECADM, holds: SECADM, hash: w1/plan/0}",
         ERR_MALFORMED, "who, role, holds and hash are needed"},
        {"approval.granted", "{step: ok, who: sam, role: SECADM, holds: [SECADM]}", ERR_MALFORMED,
         "who, role, holds and hash are needed"},
        {"approval.granted", "{step: go, who: sam, role: SECADM, holds: [SECADM], hash: w1/plan/0}",
         ERR_CONFLICT, "step 'go' is not where approval.granted can follow"},
        {"approval.granted", "{step: no, who: sam, role: SECADM, holds: [SECADM], hash: w1/plan/0}",
         ERR_CONFLICT, "approval.granted: there is no step 'no'"},
        {"approval.expired", "{step: ok}", ERR_CONFLICT, "step 'ok': it has not expired"},
    };
    struct sim *sim = sim_asking(ASK);
    assert_ok(sim_event(sim, "approval.granted",
                        "{step: ok, who: olga, role: OPERATOR, holds: [VIEWER, OPERATOR], "
                        "hash: w1/plan/0}",
                        NULL));
    char *before = status_text(sim);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag diag = {""};
        assert_err(sim_event(sim, rows[i].type, rows[i].verdict, &diag), rows[i].err);
        assert_string_equal(diag.text, rows[i].said);
        char *after = status_text(sim);
        assert_string_equal(before, after);
        free(after);
    }
    free(before);
    sim->now += 3600 * SECOND;
    struct diag diag;
    assert_err(sim_event(sim, "approval.granted",
                         "{step: ok, who: sam, role: SECADM, holds: [SECADM], hash: w1/plan/0}",
                         &diag),
               ERR_DENIED);
    assert_string_equal(diag.text, "what was asked expired at 2023-11-14T23:13:20.000000000Z");
    sim_free(sim);
}

static void
a_check_says_the_same_and_changes_nothing(void **state UNUSED)
{
    struct sim *sim = sim_asking(ASK);
    struct diag checked, applied;
    char *before = status_text(sim);
    json_t *body = json_of("{run: w1, step: ok, who: rita, role: SECADM, holds: [SECADM], "
                           "hash: w1/plan/0}");
    struct workflow_event event = {.type = "approval.granted", .time = sim->now, .body = body};
    assert_err(workflow_run_check(sim->run, &event, &checked), ERR_DENIED);
    assert_err(workflow_run_apply(sim->run, &event, &applied), ERR_DENIED);
    assert_string_equal(checked.text, applied.text);
    json_object_set_new(body, "who", json_string("sam"));
    assert_ok(workflow_run_check(sim->run, &event, &checked));
    char *after = status_text(sim);
    assert_string_equal(before, after);
    assert_ok(workflow_run_apply(sim->run, &event, &checked));
    free(before);
    free(after);
    json_decref(body);
    sim_free(sim);
}

static void
a_refusal_turns_the_run_back(void **state UNUSED)
{
    struct sim *sim = sim_asking(ASK);
    assert_ok(sim_event(sim, "approval.granted",
                        "{step: ok, who: olga, role: OPERATOR, holds: [OPERATOR], hash: w1/plan/0}",
                        NULL));
    assert_ok(sim_event(sim, "approval.refused",
                        "{step: ok, who: otto, role: OPERATOR, holds: [OPERATOR], hash: w1/plan/0,"
                        " comment: not during the storm}",
                        NULL));
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace),
                        "plan/0#1 ok\nok asked\nundo plan/0#1 ok\nclosed failed-undone\n");
    json_t *status = workflow_run_status(sim->run);
    assert_string_equal(json_string_value(json_object_get(status, "error")),
                        "step 'ok': refused by otto as OPERATOR: not during the storm");
    json_decref(status);
    sim_free(sim);
}

static void
one_person_may_count_twice_only_where_the_definition_says_so(void **state UNUSED)
{
    struct sim *sim = sim_asking("workflow: w\nsteps:\n- name: ok\n  approval: {roles: [OPERATOR, "
                                 "SECADM], distinct: false, requester: true, expires: 1h}\n");
    char *hash = xstrdup(json_string_value(
        json_object_get(json_array_get(json_array_get(sim->journal, 0), 2), "hash")));
    for (int i = 0; i < 2; i++) {
        char *verdict = xasprintf("{step: ok, who: rita, role: %s, holds: [SECADM, OPERATOR], "
                                  "hash: '%s'}",
                                  i ? "SECADM" : "OPERATOR", hash);
        assert_ok(sim_event(sim, "approval.granted", verdict, NULL));
        free(verdict);
    }
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "ok asked\nclosed done\n");
    free(hash);
    sim_free(sim);
}

static void
two_of_one_role_are_two_people(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\nsteps:\n- name: ok\n  approval: {roles: [OPERATOR, "
                             "OPERATOR], expires: 1h}\n",
                             "{}", "", "OPERATOR:olga OPERATOR:olga OPERATOR:otto OPERATOR:oona");
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "ok asked\nok granted OPERATOR olga\n"
                                               "ok granted OPERATOR otto\nclosed done\n");
    sim_free(sim);
}

static void
a_request_cannot_ask_for_another_hash_or_more_time(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\nsteps:\n- name: ok\n  approval: {roles: [OPERATOR], "
                             "bind: abc, expires: 1h}\n",
                             "{}", "", "");
    assert_err(sim_event(sim, "approval.requested",
                         "{step: ok, hash: abd, expires: 2023-11-15T00:00:00Z}", NULL),
               ERR_CONFLICT);
    assert_ok(sim_event(sim, "approval.requested",
                        "{step: ok, hash: abc, expires: 2033-11-15T00:00:00Z}", NULL));
    sim->now += 3600 * SECOND;
    assert_err(sim_event(sim, "approval.granted",
                         "{step: ok, who: olga, role: OPERATOR, holds: [OPERATOR], hash: abc}",
                         NULL),
               ERR_DENIED);
    assert_ok(sim_event(sim, "approval.expired", "{step: ok}", NULL));
    sim_free(sim);
}

static void
nothing_to_approve_is_a_failure_and_not_an_approval(void **state UNUSED)
{
    struct sim *sim = sim_of("workflow: w\nsteps:\n- {name: a, action: x}\n- name: ok\n"
                             "  approval: {roles: [OPERATOR], bind: '${steps.a.result.plan}', "
                             "expires: 1h}\n",
                             "{}", "", "OPERATOR:olga");
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "a/0#1 ok\nok step.failed\nclosed failed-undone\n");
    json_t *status = workflow_run_status(sim->run);
    assert_string_equal(json_string_value(json_object_get(status, "error")),
                        "step 'ok': '${steps.a.result.plan}' stands for no hash to approve");
    json_decref(status);
    sim_free(sim);
}

static void
an_approval_expires_when_the_window_ends(void **state UNUSED)
{
    struct sim *sim = sim_of(ASK, "{end: 2023-11-14T22:14:20Z}", "", "");
    sim_play(sim);
    assert_string_equal(buf_cstr(&sim->trace), "plan/0#1 ok\nok asked\nok approval.expired\n"
                                               "undo plan/0#1 ok\nclosed failed-undone\n");
    assert_int_equal(sim->now - T0, 60 * SECOND);
    sim_free(sim);
}

TEST_MAIN(cmocka_unit_test(an_approval_request_says_what_is_approved),
          cmocka_unit_test(an_approval_that_does_not_count_says_why),
          cmocka_unit_test(a_check_says_the_same_and_changes_nothing),
          cmocka_unit_test(a_refusal_turns_the_run_back),
          cmocka_unit_test(one_person_may_count_twice_only_where_the_definition_says_so),
          cmocka_unit_test(two_of_one_role_are_two_people),
          cmocka_unit_test(a_request_cannot_ask_for_another_hash_or_more_time),
          cmocka_unit_test(nothing_to_approve_is_a_failure_and_not_an_approval),
          cmocka_unit_test(an_approval_expires_when_the_window_ends))
