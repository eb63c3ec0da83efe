#include "orchestrate/workflow.h"

#include "base/testing.h"
#include "orchestrate/workflow_testing.h"

static const char everything[] =
    "workflow: all-of-it\n"
    "title: Everything\n"
    "description: Every key there is.\n"
    "input:\n"
    "  names: {type: list, items: text, required: true, title: N}\n"
    "  at: {type: time}\n"
    "  mode: {type: text, default: fast}\n"
    "  n: {type: integer, default: 3}\n"
    "  any: {type: any}\n"
    "  flag: {type: boolean, default: false}\n"
    "  object: {type: object, default: {}}\n"
    "steps:\n"
    "  - name: a\n"
    "    title: First\n"
    "    action: do.a\n"
    "    with: {names: \"${input.names}\", run: \"${run.id}\"}\n"
    "    timeout: 5s\n"
    "    retry: {count: 3, backoff: 1s, factor: 2, limit: 10s}\n"
    "    undo: {action: undo.a, with: {r: \"${result}\"}, timeout: 60,\n"
    "           retry: {count: 1}}\n"
    "  - name: ok\n"
    "    before: \"${input.at}\"\n"
    "    approval: {roles: [SECADM, OPERATOR, OPERATOR], distinct: true,\n"
    "      requester: true, bind: \"${steps.a.result.hash}\",\n"
    "      expires: 2h30m, show: {n: \"${input.n}\"}}\n"
    "  - name: each\n"
    "    needs: [ok]\n"
    "    when: present(input.at) and input.mode != 'slow'\n"
    "    foreach: \"${input.names}\"\n"
    "    parallel: 4\n"
    "    action: do.each\n"
    "    with: {name: \"${item}\"}\n"
    "    undo: {action: undo.each, with: {n: \"${item}\"}}\n"
    "  - name: sleep\n"
    "    needs: [a]\n"
    "    timer: {for: 10m}\n"
    "  - name: until\n"
    "    needs: []\n"
    "    timer: {until: \"${input.at}\"}\n"
    "  - name: hear\n"
    "    needs: [each, until]\n"
    "    wait: {event: it.happened, object: \"thing/${input.mode}\",\n"
    "           match: {results: \"${steps.each.results}\"}}\n"
    "    timeout: 1h\n"
    "  - name: tell\n"
    "    always: true\n"
    "    action: do.tell\n"
    "    with: {outcome: \"${run.outcome}\", a: \"${steps.a.result}\"}\n";

static void
loads_every_construct(void **state UNUSED)
{
    struct workflow *workflow = workflow_of(everything);
    assert_string_equal(workflow_name(workflow), "all-of-it");
    assert_string_equal(workflow_title(workflow), "Everything");
    assert_int_equal(strlen(workflow_hash(workflow)), 64);
    workflow_free(workflow);
}

static void
loads_the_manuals_example(void **state UNUSED)
{
    char *manual = file_text("doc/workflows.md");
    char *start = strstr(manual, "```yaml\n"), *end = start ? strstr(start + 8, "```") : NULL;
    assert_non_null(end);
    *end = '\0';
    workflow_free(workflow_of(start + 8));
    free(manual);
}

static void
loads_again_from_its_own_json(void **state UNUSED)
{
    struct workflow *first = workflow_of(everything), *second;
    char *text = json_text(workflow_json(first));
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    assert_ok(workflow_parse_json(json, &second, NULL));
    assert_string_equal(workflow_hash(first), workflow_hash(second));
    workflow_free(second);
    workflow_free(first);
    json_decref(json);
    free(text);
}

static void
hash_sees_meaning_and_not_layout(void **state UNUSED)
{
    struct workflow *a = workflow_of("workflow: w\nsteps: [{name: a, action: x.y}]\n");
    struct workflow *b = workflow_of(
        "# comment\nsteps:\n  - action: 'x.y'\n    name: a\nworkflow: \"w\"\n");
    struct workflow *c = workflow_of("workflow: w\nsteps: [{name: a, action: x.z}]\n");
    assert_string_equal(workflow_hash(a), workflow_hash(b));
    assert_string_not_equal(workflow_hash(a), workflow_hash(c));
    /* printf '%s' '{"steps":[{"action":"x.y","name":"a"}],"workflow":"w"}' | sha256sum */
    assert_string_equal(workflow_hash(a),
                        "a1310536574404ba976a3368e9bbee86c7a3c7ffed35d7973b95ab18e10949e6");
    workflow_free(a);
    workflow_free(b);
    workflow_free(c);
}

static void
says_what_is_wrong_and_where(void **state UNUSED)
{
    static const struct {
        const char *yaml, *said;
    } rows[] = {
        {"[]", "f:1:1: a mapping expected"},
        {"workflow: w", "f:1:1: 'steps' is missing"},
        {"workflow: w\nsteps: []", "f:2:1: steps: a list of 1 to 200 steps expected"},
        {"workflow: W\nsteps: [{name: a, action: x}]",
         "f:1:1: workflow: a name expected: a letter, then letters, digits and '-', all small, 63 "
         "at most"},
        {"workflow: w\nstep: []", "f:2:1: unknown key 'step'; known here: workflow, title, "
                                  "description, input, steps"},
        {"workflow: w\ntitle: 3\nsteps: [{name: a, action: x}]", "f:2:1: title: text expected"},
        {"workflow: w\nsteps: [3]", "f:2:9: a mapping expected"},
        {"workflow: w\nsteps:\n- {action: x}", "f:3:3: 'name' is missing"},
        {"workflow: w\nsteps:\n- {name: a}",
         "f:3:3: step 'a': exactly one of action, approval, timer and wait expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, timer: {for: 1s}}",
         "f:3:3: step 'a': exactly one of action, approval, timer and wait expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x}\n- {name: a, action: y}",
         "f:4:4: step 'a': another step is called this"},
        {"workflow: w\nsteps:\n- {name: a, action: Circuit.Push}",
         "f:3:13: step 'a': action: a name like 'circuit.push' expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x.}",
         "f:3:13: step 'a': action: a name like 'circuit.push' expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, needs: [b]}",
         "f:3:32: step 'a': needs: there is no step 'b'"},
        {"workflow: w\nsteps:\n- {name: a, action: x, needs: b}",
         "f:3:24: step 'a': needs: a list of steps' names expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, needs: [a]}",
         "f:3:3: step 'a': needs itself, directly or through other steps"},
        {"workflow: w\nsteps:\n- {name: z, action: x}\n- {name: a, action: x, needs: [c]}\n"
         "- {name: b, action: x}\n- {name: c, action: x, needs: [z, b]}",
         "f:4:3: step 'a': needs itself, directly or through other steps"},
        {"workflow: w\nsteps:\n- {name: a, action: x, always: true}\n"
         "- {name: b, action: x, needs: [a]}",
         "f:4:32: step 'b': needs: 'a' runs always; the steps that run always come last, and need "
         "only each other"},
        {"workflow: w\nsteps:\n- {name: a, action: x, timeout: 0}",
         "f:3:24: step 'a': timeout: a duration like '90s' or '2h30m' expected, 3650 days at most"},
        {"workflow: w\nsteps:\n- {name: a, action: x, timeout: 3651d}",
         "f:3:24: step 'a': timeout: a duration like '90s' or '2h30m' expected, 3650 days at most"},
        {"workflow: w\nsteps:\n- {name: a, action: x, retry: {}}",
         "f:3:24: step 'a': 'count' is missing"},
        {"workflow: w\nsteps:\n- {name: a, action: x, retry: {count: 1001}}",
         "f:3:32: step 'a': count: a number from 0 to 1000 expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, parallel: 2}",
         "f:3:24: step 'a': 'parallel' does not go without 'foreach'"},
        {"workflow: w\nsteps:\n- {name: a, action: x, foreach: [1], parallel: 257}",
         "f:3:38: step 'a': parallel: a number from 1 to 256 expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, always: yes}",
         "f:3:24: step 'a': always: true or false expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, always: true, undo: {action: y}}",
         "f:3:38: step 'a': a step that runs always is not undone"},
        {"workflow: w\nsteps:\n- {name: a, timer: {for: 1s}, undo: {action: y}}",
         "f:3:31: step 'a': 'undo' does not go with 'timer'"},
        {"workflow: w\nsteps:\n- {name: a, timer: {for: 1s, until: x}}",
         "f:3:13: step 'a': timer: either 'until' or 'for' expected"},
        {"workflow: w\nsteps:\n- {name: a, timer: {}}",
         "f:3:13: step 'a': timer: either 'until' or 'for' expected"},
        {"workflow: w\nsteps:\n- {name: a, wait: {match: {}}}",
         "f:3:13: step 'a': 'event' is missing"},
        {"workflow: w\nsteps:\n- {name: a, approval: {roles: [], expires: 1d}}",
         "f:3:24: step 'a': roles: a list of 1 to 8 roles expected"},
        {"workflow: w\nsteps:\n- {name: a, approval: {roles: [VIEWER, BOSS], expires: 1d}}",
         "f:3:40: step 'a': roles: VIEWER, OPERATOR, ENGINEER, INSTALLER, SECADM, SECAUD or "
         "RBACMNT (IEC 62351-8) expected"},
        {"workflow: w\nsteps:\n- {name: a, approval: {roles: [VIEWER]}}",
         "f:3:13: step 'a': 'expires' is missing"},
        {"workflow: w\nsteps:\n- {name: a, approval: {roles: [VIEWER, VIEWER], distinct: false, "
         "expires: 1d}}",
         "f:3:13: step 'a': approval: a role that is there twice needs distinct people"},
        {"workflow: w\nsteps:\n- {name: a, action: x, when: x = 1}",
         "f:3:24: step 'a': when: condition, character 3: == or != expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, when: foo == 1}",
         "f:3:24: step 'a': when: references begin with input, item, result, run or steps, not "
         "'foo'"},
        {"workflow: w\nsteps:\n- {name: a, action: x, when: present(input.b)}",
         "f:3:24: step 'a': when: there is no such input"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {b: '${input}'}}",
         "f:3:24: step 'a': with: there is no such input"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {b: ['${item}']}}",
         "f:3:24: step 'a': with: 'item' is known in the 'with' of a step with 'foreach' only"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {b: '${result}'}}",
         "f:3:24: step 'a': with: 'result' is known in 'undo' only"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {b: '${run.outcome}'}}",
         "f:3:24: step 'a': with: 'run' has id, workflow, requester and hash, and in steps that "
         "run always outcome and error"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {b: '${steps.a.result}'}}",
         "f:3:24: step 'a': with: step 'a' need not have run by then: it is not needed"},
        {"workflow: w\nsteps:\n- {name: a, action: x}\n"
         "- {name: b, action: x, needs: [], undo: {action: y, with: {c: '${steps.a.result}'}}}",
         "f:4:53: step 'b': with: step 'a' need not have run by then: it is not needed"},
        {"workflow: w\nsteps:\n- {name: a, action: x}\n"
         "- {name: b, action: x, with: {c: '${steps.a.results}'}}",
         "f:4:24: step 'b': with: step 'a' has 'result'"},
        {"workflow: w\nsteps:\n- {name: a, action: x, foreach: [1]}\n"
         "- {name: b, action: x, with: {c: '${steps.a.result}'}}",
         "f:4:24: step 'b': with: step 'a' has 'results'"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {c: '${steps.z.result}'}}",
         "f:3:24: step 'a': with: there is no step 'z'"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {c: '${steps.a}'}}",
         "f:3:24: step 'a': with: steps.NAME.result or steps.NAME.results expected"},
        {"workflow: w\nsteps:\n- {name: a, action: x, with: {c: '${open'}}",
         "f:3:24: step 'a': with: '${open' has no closing brace"},
        {"workflow: w\nsteps:\n- {name: a, action: x, foreach: 3}",
         "f:3:24: step 'a': foreach: a list expected, or a reference like ${input.circuits}"},
        {"workflow: w\ninput: []\nsteps: [{name: a, action: x}]",
         "f:2:1: input: a mapping of 100 names at most expected"},
        {"workflow: w\ninput: {B: {type: text}}\nsteps: [{name: a, action: x}]",
         "f:2:9: 'B' is no name: a letter, then letters, digits and '-', all small, 63 at most"},
        {"workflow: w\ninput: {b: {type: string}}\nsteps: [{name: a, action: x}]",
         "f:2:13: type: text, integer, boolean, list, object, time or any expected"},
        {"workflow: w\ninput: {b: {type: text, items: text}}\nsteps: [{name: a, action: x}]",
         "f:2:25: 'items' goes with lists only"},
        {"workflow: w\ninput: {b: {type: text, default: 3}}\nsteps: [{name: a, action: x}]",
         "f:2:25: default: text expected"},
        {"workflow: w\ninput: {b: {type: text, default: x, required: true}}\n"
         "steps: [{name: a, action: x}]",
         "f:2:25: what is required has no default"},
        {"workflow: w\nworkflow: w", "f:2:1: the key 'workflow' is there twice"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct workflow *workflow = NULL;
        struct diag diag = {""};
        enum err err = workflow_parse_yaml(rows[i].yaml, strlen(rows[i].yaml), "f", &workflow,
                                           &diag);
        assert_string_equal(diag.text, rows[i].said);
        assert_true(err == ERR_INVALID || err == ERR_MALFORMED);
        assert_null(workflow);
    }
}

static void
without_places_messages_name_the_step(void **state UNUSED)
{
    json_t *json = json_of("{workflow: w, steps: [{name: a, action: x, nonsense: 1}]}");
    struct workflow *workflow;
    struct diag diag;
    assert_err(workflow_parse_json(json, &workflow, &diag), ERR_INVALID);
    assert_true(!strncmp(diag.text, "step 'a': unknown key 'nonsense'; known here: name, ", 50));
    json_decref(json);
    json = json_of("[]");
    for (int i = 0; i < 40; i++)
        json = json_pack("[o]", json);
    assert_err(workflow_parse_json(json, &workflow, &diag), ERR_LIMIT);
    json_decref(json);
}

static void
holds_two_hundred_steps_and_no_more(void **state UNUSED)
{
    struct buf text = BUF_INIT;
    struct workflow *workflow;
    struct diag diag;
    buf_str(&text, "workflow: w\nsteps:\n");
    for (int i = 200; i > 0; i--) /* in the wrong order, so that sorting has work to do */
        buf_printf(&text,
                   i > 1 ? "- {name: s%d, action: x, needs: [s%d]}\n"
                         : "- {name: s%d, action: x, needs: []}\n",
                   i, i - 1);
    assert_ok(workflow_parse_yaml(buf_cstr(&text), text.size, "f", &workflow, &diag));
    workflow_free(workflow);
    buf_str(&text, "- {name: t, action: x}\n");
    assert_err(workflow_parse_yaml(buf_cstr(&text), text.size, "f", &workflow, &diag), ERR_INVALID);
    buf_fini(&text);
}

static void
checks_what_a_run_is_started_with(void **state UNUSED)
{
    static const struct {
        const char *input, *said;
    } rows[] = {
        {"{}", "input 'names' is missing"},
        {"{names: null}", "input 'names' is missing"},
        {"{names: []}", "input 'names' is empty"},
        {"{names: x}", "input 'names': list expected"},
        {"{names: [a, 3]}", "input 'names': element 1: text expected"},
        {"{names: [a], at: tomorrow}", "input 'at': time expected"},
        {"{names: [a], at: 2026-02-30T00:00:00Z}", "input 'at': time expected"},
        {"{names: [a], mode: 3}", "input 'mode': text expected"},
        {"{names: [a], n: 1.5}", "input 'n': integer expected"},
        {"{names: [a], flag: 'true'}", "input 'flag': boolean expected"},
        {"{names: [a], object: []}", "input 'object': object expected"},
        {"{names: [a], colour: red}", "workflow 'all-of-it' has no input 'colour'"},
        {"[names]", "the input must be an object, 32 deep at most"},
    };
    struct workflow *workflow = workflow_of(everything);
    json_t *created = NULL;
    struct diag diag;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *input = json_of(rows[i].input);
        assert_err(workflow_request(workflow, "r1", "rita", input, &created, &diag), ERR_INVALID);
        assert_string_equal(diag.text, rows[i].said);
        assert_null(created);
        json_decref(input);
    }
    json_t *input = json_of("{names: [a]}");
    assert_err(workflow_request(workflow, "a/b", "rita", input, &created, &diag), ERR_INVALID);
    assert_err(workflow_request(workflow, "", "rita", input, &created, &diag), ERR_INVALID);
    assert_err(workflow_request(workflow, "r1", "", input, &created, &diag), ERR_INVALID);
    assert_err(workflow_request(workflow, "r1", "\xff", input, &created, &diag), ERR_INVALID);
    json_decref(input);
    workflow_free(workflow);
}

static void
a_request_carries_the_definition_and_the_whole_input(void **state UNUSED)
{
    json_t *created = created_of(everything, "r1", "{names: [a], at: null}");
    char *input = json_text(json_object_get(created, "input"));
    assert_string_equal(input, "{\"flag\":false,\"mode\":\"fast\",\"n\":3,\"names\":[\"a\"],"
                               "\"object\":{}}");
    assert_string_equal(json_string_value(json_object_get(created, "requester")), "rita");
    struct workflow_run *run = run_of(created);
    assert_string_equal(workflow_run_id(run), "r1");
    assert_string_equal(workflow_run_requester(run), "rita");
    assert_string_equal(workflow_name(workflow_run_workflow(run)), "all-of-it");
    assert_ptr_equal(workflow_run_input(run), json_object_get(created, "input"));
    workflow_run_free(run);
    free(input);
    json_decref(created);
}

static void
a_request_that_was_changed_is_refused(void **state UNUSED)
{
    static const struct {
        const char *key, *json;
        enum err err;
    } rows[] = {
        {"input", "{\"names\":[\"b\"]}", ERR_CORRUPT},
        {"requester", "\"mallory\"", ERR_CORRUPT},
        {"run", "\"r2\"", ERR_CORRUPT},
        {"definition", "{\"workflow\":\"w\",\"steps\":[{\"name\":\"a\",\"action\":\"x\"}]}",
         ERR_CORRUPT},
        {"hash", "\"00\"", ERR_CORRUPT},
        {"definition_hash", "\"00\"", ERR_CORRUPT},
        {"definition", "{\"workflow\":\"w\"}", ERR_INVALID},
        {"run", "\"a/b\"", ERR_MALFORMED},
        {"input", "[]", ERR_MALFORMED},
        {"hash", "3", ERR_MALFORMED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *created = created_of(everything, "r1", "{names: [a]}");
        struct workflow_run *run = NULL;
        struct diag diag;
        json_object_set_new(created, rows[i].key, json_loads(rows[i].json, JSON_DECODE_ANY, NULL));
        assert_err(workflow_run_new(created, &run, &diag), rows[i].err);
        assert_null(run);
        json_decref(created);
    }
}

TEST_MAIN(cmocka_unit_test(loads_every_construct), cmocka_unit_test(loads_the_manuals_example),
          cmocka_unit_test(loads_again_from_its_own_json),
          cmocka_unit_test(hash_sees_meaning_and_not_layout),
          cmocka_unit_test(says_what_is_wrong_and_where),
          cmocka_unit_test(without_places_messages_name_the_step),
          cmocka_unit_test(holds_two_hundred_steps_and_no_more),
          cmocka_unit_test(checks_what_a_run_is_started_with),
          cmocka_unit_test(a_request_carries_the_definition_and_the_whole_input),
          cmocka_unit_test(a_request_that_was_changed_is_refused))
