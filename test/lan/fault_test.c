/* What nodes say of their ports: a link of which its heartbeat says that it does not carry. In all
 * that follows frames of discovery pass, where nothing else is said: it sees nothing wrong. */
#include "links.h"

struct scene {
    struct bench *b;
    struct cable c; /* a1-a2 */
    struct agent x, y, again;
};

static int
setup_scene(void **state)
{
    struct scene *t = xcalloc(1, sizeof *t);
    void *b;
    (void)setup(&b);
    t->b = b;
    wait_for_links(t->b);
    t->c = cable_of(t->b, "a1-a2");
    agent_connect(&t->x, t->c.a);
    agent_connect(&t->y, t->c.b);
    *state = t;
    return 0;
}

static int
teardown_scene(void **state)
{
    struct scene *t = *state;
    void *b = t->b;
    rpc_free(t->x.rpc);
    rpc_free(t->y.rpc);
    rpc_free(t->again.rpc);
    free(t);
    return teardown(&b);
}

static bool
is_down(const struct scene *t)
{
    return centre_is_open(t->b->centre, "link-down", "link/a1-a2");
}

static const char *
text_of(const struct scene *t)
{
    const struct exception *e = centre_exception(t->b->centre, "link-down", "link/a1-a2");
    return e ? e->text : "";
}

static void
run_for(const struct scene *t, nsec_t time)
{
    nsec_t end = clock_monotonic() + time;
    RUN_UNTIL(t->b->centre->loop, clock_monotonic() > end);
}

/* The row of the link in lan.links, or of a port in lan.nodes. answer_fini() afterwards. */
static const json_t *
find_row(const json_t *rows, const char *member, const json_t *value)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (json_equal(json_object_get(row, member), value))
            return row;
    }
    return NULL;
}

static void
assert_link(const struct scene *t, const char *state, const char *reason)
{
    struct answer a = centre_ask(t->b->centre, "lan.links", json_object());
    json_t *name = json_string("a1-a2");
    const json_t *row = find_row(json_object_get(a.value, "links"), "name", name);
    const json_t *its = json_object_get(row, "reason");
    assert_string_equal(json_string_value(json_object_get(row, "state")), state);
    assert_string_equal(its ? json_string_value(its) : "", reason);
    json_decref(name);
    answer_fini(&a);
}

/* `reason` NULL: its agent has said nothing of it. */
static void
assert_said(const struct scene *t, const char *node, uint32_t port, const char *reason)
{
    struct answer a = centre_ask(t->b->centre, "lan.nodes", json_object());
    json_t *name = json_string(node), *number = json_integer(port);
    const json_t *row = find_row(json_object_get(a.value, "nodes"), "name", name);
    row = find_row(json_object_get(row, "ports"), "number", number);
    const json_t *said = json_object_get(row, "said");
    assert_non_null(row);
    assert_int_equal(!said, !reason);
    if (reason) {
        assert_string_equal(json_string_value(json_object_get(said, "reason")), reason);
        assert_int_equal(json_is_true(json_object_get(said, "live")), !*reason);
        assert_true(json_is_true(json_object_get(said, "up")));
    }
    json_decref(name);
    json_decref(number);
    answer_fini(&a);
}

static void
a_port_that_is_silent_is_a_link_down_and_says_why(void **state)
{
    struct scene *t = *state;
    char words[200], text[256];
    snprintf(words, sizeof words, "a1 port %u hears nothing from a2 (heartbeat)", t->c.a_port);
    agent_says(&t->x, t->c.a_port, "silent");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    snprintf(text, sizeof text, "Link a1-a2 is down: %s.", words);
    assert_string_equal(text_of(t), text);
    assert_link(t, "down", words);
    assert_said(t, "a1", t->c.a_port, "silent");
    assert_said(t, "a2", t->c.b_port, "");
    assert_said(t, "b1", 1, NULL);
    const struct note *n = centre_event(t->b->centre, "link.state", "link/a1-a2");
    assert_true(json_is_false(json_object_get(n->body, "up")));
    assert_string_equal(note_text(n, "reason"), words);
    /* What the other end says later is there to be seen, and not told again. */
    agent_says(&t->y, t->c.b_port, "not-heard");
    snprintf(words + strlen(words), sizeof words - strlen(words),
             "; a2 port %u is not heard by a1 (heartbeat)", t->c.b_port);
    run_for(t, 2 * NSEC_PER_SEC); /* discovery goes on, and does not contradict */
    assert_link(t, "down", words);
    assert_int_equal(centre_count_events(t->b->centre, "exception.raised", NULL), 1);
    assert_int_equal(centre_count_events(t->b->centre, "exception.closed", NULL), 0);
}

/* The nodes have left the link by themselves: nothing has to be held for that, however long
 * discovery does not see it either. */
static void
no_port_is_held_for_what_a_heartbeat_says(void **state)
{
    struct scene *t = *state;
    agent_says(&t->x, t->c.a_port, "silent");
    agent_says(&t->y, t->c.b_port, "silent");
    unplug(&t->c);
    run_for(t, 5 * NSEC_PER_SEC);
    assert_true(is_down(t));
    assert_false(port_at(t->c.a, t->c.a_port)->held || port_at(t->c.b, t->c.b_port)->held);
    /* Well again, say the nodes, but discovery does not see it: as without heartbeats then. */
    agent_says(&t->x, t->c.a_port, "");
    agent_says(&t->y, t->c.b_port, "");
    RUN_UNTIL(t->b->centre->loop,
              port_at(t->c.a, t->c.a_port)->held && port_at(t->c.b, t->c.b_port)->held);
    RUN_UNTIL(t->b->centre->loop, is_down(t) && strstr(text_of(t), "Held"));
    plug(&t->c);
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
}

/* It gets its time to be seen when nothing is said of it any more. */
static void
what_has_healed_is_not_held_either(void **state)
{
    struct scene *t = *state;
    agent_says(&t->x, t->c.a_port, "silent");
    unplug(&t->c);
    run_for(t, 4 * NSEC_PER_SEC);
    plug(&t->c);
    agent_says(&t->x, t->c.a_port, "");
    RUN_UNTIL(t->b->centre->loop,
              link_is(t->b, "a1-a2", "up") || port_at(t->c.a, t->c.a_port)->held);
    assert_link(t, "up", "");
    assert_int_equal(centre_count_events(t->b->centre, "exception.raised", NULL), 1);
}

/* Not with the next round of discovery, which has just been when the link is up. */
static void
it_is_down_at_once(void **state)
{
    struct scene *t = *state;
    agent_says(&t->x, t->c.a_port, "silent");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    agent_says(&t->x, t->c.a_port, "");
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
    nsec_t begun = clock_monotonic();
    uint32_t before = t->b->centre->n_notes;
    agent_says(&t->x, t->c.a_port, "silent");
    RUN_UNTIL(t->b->centre->loop,
              centre_event_since(t->b->centre, before, "link.state", "link/a1-a2"));
    const struct note *n = centre_event(t->b->centre, "link.state", "link/a1-a2");
    assert_true(json_is_false(json_object_get(n->body, "up")));
    assert_in_range(n->time - begun, 0, NSEC_PER_SEC / 2);
}

/* Frames that came before the fault do not make it well, only those after. */
static void
it_is_up_when_it_is_used_again_and_was_seen(void **state)
{
    struct scene *t = *state;
    char words[64];
    snprintf(words, sizeof words, "a1 port %u waits to be used again", t->c.a_port);
    agent_says(&t->x, t->c.a_port, "peer-restarted");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    assert_non_null(strstr(text_of(t), "was told by a2 that it was started anew"));
    agent_says(&t->x, t->c.a_port, "waits");
    run_for(t, 2 * NSEC_PER_SEC);
    assert_link(t, "down", words);
    agent_says(&t->x, t->c.a_port, "");
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
    assert_link(t, "up", "");
    assert_int_equal(centre_count_events(t->b->centre, "exception.raised", NULL), 1);
    unplug(&t->c);
    agent_says(&t->x, t->c.a_port, "silent");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    agent_says(&t->x, t->c.a_port, "");
    run_for(t, NSEC_PER_SEC);
    assert_true(is_down(t));
    plug(&t->c);
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
}

static void
where_people_decide_they_are_told_that_it_waits(void **state)
{
    struct scene *t = *state;
    t->b->centre->state->network->settings.revertive = false;
    agent_says(&t->x, t->c.a_port, "silent");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    agent_says(&t->x, t->c.a_port, "waits");
    RUN_UNTIL(t->b->centre->loop, strstr(text_of(t), "until somebody releases it"));
    assert_true(is_down(t));
    agent_says(&t->x, t->c.a_port, "");
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
}

/* A port that only waits, after a loss of carrier, is a link that is up: and says so. */
static void
a_port_that_waits_is_not_a_fault(void **state)
{
    struct scene *t = *state;
    char words[64];
    snprintf(words, sizeof words, "a1 port %u waits to be used again", t->c.a_port);
    agent_says(&t->x, t->c.a_port, "waits");
    run_for(t, NSEC_PER_SEC / 2);
    assert_false(is_down(t));
    assert_link(t, "up", words);
}

/* A port that has its carrier back does not hear its peer at once. */
static void
what_follows_on_a_loss_of_carrier_is_not_told_again(void **state)
{
    struct scene *t = *state;
    char words[64];
    snprintf(words, sizeof words, "a1 port %u is down.", t->c.a_port);
    sw_set_carrier(t->c.a, t->c.a_port, false);
    agent_says(&t->x, t->c.a_port, "down");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    assert_non_null(strstr(text_of(t), words));
    agent_says(&t->x, t->c.a_port, "silent");
    sw_set_carrier(t->c.a, t->c.a_port, true);
    run_for(t, NSEC_PER_SEC / 4);
    assert_true(is_down(t));
    agent_says(&t->x, t->c.a_port, "");
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
    assert_int_equal(centre_count_events(t->b->centre, "exception.raised", NULL), 1);
    /* But if that stays, it is. */
    sw_set_carrier(t->c.a, t->c.a_port, false);
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    agent_says(&t->x, t->c.a_port, "silent");
    sw_set_carrier(t->c.a, t->c.a_port, true);
    RUN_UNTIL(t->b->centre->loop, strstr(text_of(t), "hears nothing from a2"));
    assert_int_equal(centre_count_events(t->b->centre, "exception.raised", NULL), 3);
}

/* Who connects is asked; what it said goes with its connection. */
static void
what_was_said_ends_with_the_connection(void **state)
{
    struct scene *t = *state;
    rpc_free(t->x.rpc);
    t->x.reason[t->c.a_port] = "silent";
    agent_connect(&t->x, t->c.a);
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    rpc_free(t->x.rpc);
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
    assert_said(t, "a1", t->c.a_port, NULL);
    assert_link(t, "up", "");
    t->x.reason[t->c.a_port] = "";
    agent_connect(&t->x, t->c.a);
}

/* The same agent connects anew before its old connection has ended. */
static void
what_was_said_is_not_taken_over(void **state)
{
    struct scene *t = *state;
    agent_says(&t->x, t->c.a_port, "silent");
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    t->x.replaced = true;
    agent_connect(&t->again, t->c.a);
    RUN_UNTIL(t->b->centre->loop, !is_down(t));
}

static void
change_inventory(const struct scene *t)
{
    centre_append(t->b->centre, "model.put", "inventory",
                  json_pack("{s:{}}", "tieline-inventory:inventory"));
}

/* a1 has three links. What it did not take it is told again, what it took it is not. */
static void
ports_of_links_are_shaped_once(void **state)
{
    struct scene *t = *state;
    rpc_free(t->x.rpc);
    t->b->centre->state->network->settings.shape_links = true;
    t->x.refuses_shaping = true;
    agent_connect(&t->x, t->c.a);
    RUN_UNTIL(t->b->centre->loop, t->x.n_shaped == 3);
    run_for(t, NSEC_PER_SEC / 5);
    t->x.refuses_shaping = false;
    change_inventory(t);
    RUN_UNTIL(t->b->centre->loop, t->x.n_shaped == 6);
    change_inventory(t);
    run_for(t, NSEC_PER_SEC / 5);
    assert_int_equal(t->x.n_shaped, 6);
}

/* A node that goes while it is asked how its queues are is unknown; the other is waited for. */
static void
conditions_are_told_without_who_goes(void **state)
{
    struct scene *t = *state;
    struct answer first, second;
    centre_build(t->b->centre, "scada");
    run_for(t, NSEC_PER_SEC / 5); /* the controller knows its agents */
    centre_request(t->b->centre, "lan.conditions", json_object(), &first);
    centre_request(t->b->centre, "lan.conditions", json_object(), &second);
    RUN_UNTIL(t->b->centre->loop, t->x.n_open == 2 && t->y.n_open == 2);
    rpc_free(t->x.rpc);
    t->x.rpc = NULL;
    agent_answers(&t->x);
    run_for(t, NSEC_PER_SEC / 5);
    assert_false(first.done || second.done);
    agent_answers(&t->y);
    RUN_UNTIL(t->b->centre->loop, first.done && second.done);
    assert_ok(first.err);
    assert_true(json_integer_value(json_object_get(first.value, "n-unknown")) > 0);
    assert_true(json_equal(first.value, second.value));
    answer_fini(&first);
    answer_fini(&second);
}

static void
questions_end_with_the_service(void **state)
{
    struct scene *t = *state;
    struct answer conditions, proof;
    t->x.replaced = t->y.replaced = true;
    run_for(t, NSEC_PER_SEC / 5);
    centre_request(t->b->centre, "lan.conditions", json_object(), &conditions);
    RUN_UNTIL(t->b->centre->loop, t->x.n_open == 1 && t->y.n_open == 1);
    centre_request(t->b->centre, "lan.prove", json_pack("{ss}", "of", "planned"), &proof);
    run_turns(t->b->centre->loop, 2); /* it is being proved, or has been */
    centre_stop_controller(t->b->centre);
    RUN_UNTIL(t->b->centre->loop, conditions.done && proof.done);
    assert_int_equal(conditions.err, ERR_CLOSED);
    agent_answers(&t->x);
    agent_answers(&t->y);
    answer_fini(&conditions);
    answer_fini(&proof);
}

static void
nonsense_is_refused(void **state)
{
    struct scene *t = *state;
    static const struct {
        const char *params;
        enum err err;
        const char *text;
    } cases[] = {
        {"null", ERR_INVALID, "is needed"},
        {"[]", ERR_INVALID, "is needed"},
        {"[1, true, false, 'silent']", ERR_INVALID, "is needed"},
        {"{}", ERR_INVALID, "{port: number, up: true|false"},
        {"{'port': '1', 'up': true, 'live': false, 'reason': 'silent'}", ERR_INVALID, "is needed"},
        {"{'port': 1.5, 'up': true, 'live': false, 'reason': 'silent'}", ERR_INVALID, "is needed"},
        {"{'port': 1, 'up': 1, 'live': false, 'reason': 'silent'}", ERR_INVALID, "is needed"},
        {"{'port': 1, 'up': true, 'live': null, 'reason': 'silent'}", ERR_INVALID, "is needed"},
        {"{'port': 1, 'up': true, 'live': false}", ERR_INVALID, "is needed"},
        {"{'port': 1, 'up': true, 'live': false, 'reason': ['silent']}", ERR_INVALID, "is needed"},
        {"{'port': 0, 'up': true, 'live': false, 'reason': 'silent'}", ERR_INVALID,
         "0 is no port's number"},
        {"{'port': -1, 'up': true, 'live': false, 'reason': 'silent'}", ERR_INVALID,
         "-1 is no port's"},
        {"{'port': 4294967297, 'up': true, 'live': false, 'reason': 'silent'}", ERR_INVALID,
         "4294967297 is no port's"},
        {"{'port': 1, 'up': true, 'live': false, 'reason': 'Silent'}", ERR_INVALID,
         "no node has the reason \"Silent\""},
        {"{'port': 1, 'up': true, 'live': false, 'reason': 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}",
         ERR_INVALID, "no node has the reason \"...\""},
        {"{'port': 77, 'up': true, 'live': false, 'reason': 'silent'}", ERR_NOT_FOUND,
         "no port 77"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char json[200];
        snprintf(json, sizeof json, "%s", cases[i].params);
        for (char *p = json; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        json_t *params = json_loads(json, JSON_DECODE_ANY, NULL);
        struct answer a = {0};
        assert_non_null(params);
        if (json_is_null(params)) {
            json_decref(params);
            params = NULL;
        }
        assert_ok(
            rpc_call(t->x.rpc, "edge.port", params, 10 * NSEC_PER_SEC, centre_on_answer, &a, NULL));
        RUN_UNTIL(t->b->centre->loop, a.done);
        if (a.err != cases[i].err || !strstr(a.text, cases[i].text))
            fail_msg("%s: %s %s", cases[i].params, err_name(a.err), a.text);
        answer_fini(&a);
    }
    /* Told, not asked: nobody hears that it is wrong, and nothing comes of it. */
    assert_ok(rpc_notify(t->x.rpc, "edge.port", json_pack("{ss}", "port", "all")));
    agent_says(&t->x, t->c.a_port, "broken");
    run_for(t, NSEC_PER_SEC / 4);
    assert_link(t, "up", "");
    assert_said(t, "a1", t->c.a_port, "");
    agent_says(&t->x, t->c.a_port, "silent"); /* and the next thing it says is heard */
    RUN_UNTIL(t->b->centre->loop, is_down(t));
}

/* An answer of which a row is wrong: the others count. */
static void
a_row_that_is_nonsense_does_not_spoil_the_others(void **state)
{
    struct scene *t = *state;
    uint32_t other = t->c.a_port == 1 ? 2 : 1;
    rpc_free(t->x.rpc);
    t->x.reason[other] = "no such reason";
    t->x.reason[t->c.a_port] = "silent";
    agent_connect(&t->x, t->c.a);
    RUN_UNTIL(t->b->centre->loop, is_down(t));
    assert_said(t, "a1", other, NULL);
    assert_said(t, "a1", t->c.a_port, "silent");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup_scene, teardown_scene)
        T(a_port_that_is_silent_is_a_link_down_and_says_why),
        T(no_port_is_held_for_what_a_heartbeat_says),
        T(what_has_healed_is_not_held_either),
        T(it_is_down_at_once),
        T(it_is_up_when_it_is_used_again_and_was_seen),
        T(where_people_decide_they_are_told_that_it_waits),
        T(a_port_that_waits_is_not_a_fault),
        T(what_follows_on_a_loss_of_carrier_is_not_told_again),
        T(what_was_said_ends_with_the_connection),
        T(what_was_said_is_not_taken_over),
        T(ports_of_links_are_shaped_once),
        T(conditions_are_told_without_who_goes),
        T(questions_end_with_the_service),
        T(nonsense_is_refused),
        T(a_row_that_is_nonsense_does_not_spoil_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
