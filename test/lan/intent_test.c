/* Windows and local work: which circuits the controller has in the nodes, whatever orders say. */
#include "switch.h"

#define START (1000 * NSEC_PER_SEC)
#define END (2000 * NSEC_PER_SEC)
#define SECOND NSEC_PER_SEC

struct bench {
    struct centre *centre;
    struct plant *plant;
};

static int
setup(void **state)
{
    struct bench *b = xcalloc(1, sizeof *b);
    struct network *net = test_lab();
    test_tcp(net, "access", "fep", "rtu-a", 22);
    test_goose(net, "trip", "relay-a1", "relay-a2 rtu-a");
    test_goose(net, "spare", "relay-a2", "relay-a1 rtu-a");
    network_circuit(net, "access")->window = (struct window){START, END};
    net->settings.local_work = LOCAL_WORK_ALL;
    b->centre = centre_new(net);
    b->centre->now = START;
    b->plant = plant_new(b->centre);
    centre_start_controller(b->centre);
    plant_build(b->plant);
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    struct bench *b = *state;
    plant_free(b->plant);
    centre_free(b->centre);
    free(b);
    return 0;
}

struct count {
    uint32_t number, n;
};

static void
count_entry(void *arg, struct entry *e)
{
    struct count *c = arg;
    c->n += cookie_number(e->cookie) == c->number;
}

/* Flow entries of the circuit in all switches, or one. */
static uint32_t
rules_of(struct bench *b, const char *circuit, const char *node)
{
    const struct design *d = network_design(b->centre->state->network, circuit);
    struct count c = {d->number, 0};
    const struct flow all = {.table_id = TABLE_ALL};
    const struct flow_request request = {
        .flow = &all, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    for (uint32_t i = 0; i < b->plant->n_switches; i++) {
        if (!node || !strcmp(b->plant->switches[i]->name, node))
            datapath_each_flow(b->plant->switches[i]->dp, &request, count_entry, &c);
    }
    return c.n;
}

/* So that the controller has looked at the time and at its nodes. */
static void
let_it_look(struct bench *b)
{
    nsec_t until = clock_monotonic() + 2 * SECOND + SECOND / 2;
    bool woken = false;
    struct timer *timer = timer_new(b->centre->loop, centre_note_closed, &woken);
    timer_start(timer, until - clock_monotonic());
    RUN_UNTIL(b->centre->loop, woken);
    timer_free(timer);
}

/* The nodes come back to a new controller by themselves. */
static void
restart(struct bench *b)
{
    centre_start_controller(b->centre);
    for (uint32_t i = 0; i < b->plant->n_switches; i++)
        sw_connect(b->plant->switches[i]);
}

static void
assert_refused(struct bench *b, const char *circuit, const char *why)
{
    struct answer a = centre_ask(b->centre, "lan.push", json_pack("{s[s]}", "circuits", circuit));
    assert_err(a.err, ERR_CONFLICT);
    if (!strstr(a.text, why))
        fail_msg("%s", a.text);
    answer_fini(&a);
}

/* ---- Windows ---- */

static void
an_access_that_nobody_ends_ends_by_itself(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "access");
    assert_true(rules_of(b, "access", NULL) > 0);
    b->centre->now = END + WINDOW_GRACE - 1; /* its order has time to end it */
    let_it_look(b);
    assert_true(rules_of(b, "access", NULL) > 0);
    assert_null(centre_event(b->centre, "circuit.expired", NULL));
    b->centre->now = END + WINDOW_GRACE;
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "circuit.expired", "circuit/access"));
    assert_int_equal(rules_of(b, "access", NULL), 0);
    const struct note *note = centre_event(b->centre, "circuit.expired", NULL);
    assert_string_equal(note_text(note, "end"), "1970-01-01T00:33:20.000000000Z");
    assert_string_equal(note_text(note, "left"), "");
    assert_null(centre_exception(b->centre, "window-not-ended", "circuit/access"));
    assert_refused(b, "access", "its window is over");
}

/* Neither a restart brings it back, nor a clock that is set back. */
static void
an_access_that_has_ended_stays_out(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "access");
    b->centre->now = END + WINDOW_GRACE;
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "circuit.expired", NULL));
    centre_stop_controller(b->centre);
    b->centre->now = START + 1;
    restart(b);
    let_it_look(b);
    assert_int_equal(rules_of(b, "access", NULL), 0);
    assert_int_equal(centre_count_events(b->centre, "circuit.expired", NULL), 1);
}

/* It was over while nobody was there: a new controller does not wait, and takes its rules out. */
static void
a_new_controller_does_not_put_it_in(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "access");
    centre_stop_controller(b->centre);
    b->centre->now = END;
    assert_true(rules_of(b, "access", NULL) > 0);
    restart(b);
    RUN_UNTIL(b->centre->loop, !rules_of(b, "access", NULL));
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "circuit.expired", "circuit/access"));
}

static void
what_hinders_the_end_is_an_exception(void **state)
{
    struct bench *b = *state;
    struct sw *gone = plant_switch(b->plant, "a2");
    centre_build(b->centre, "access");
    assert_true(rules_of(b, "access", "a2") > 0);
    sw_disconnect(gone);
    b->centre->now = END + WINDOW_GRACE;
    RUN_UNTIL(b->centre->loop, centre_is_open(b->centre, "window-not-ended", "circuit/access"));
    assert_non_null(
        strstr(centre_exception(b->centre, "window-not-ended", "circuit/access")->text, "a2"));
    RUN_UNTIL(b->centre->loop, centre_event(b->centre, "circuit.expired", NULL));
    assert_true(rules_of(b, "access", "a2") > 0);
    sw_connect(gone);
    RUN_UNTIL(b->centre->loop, !centre_is_open(b->centre, "window-not-ended", "circuit/access"));
    assert_int_equal(rules_of(b, "access", NULL), 0);
}

static void
an_access_does_not_begin_before_its_window(void **state)
{
    struct bench *b = *state;
    b->centre->now = START - 1;
    centre_reserve(b->centre, "access");
    centre_tell_wanted(b->centre, "circuit.wanted", "access");
    assert_refused(b, "access", "its window has not begun");
    let_it_look(b);
    assert_int_equal(rules_of(b, "access", NULL), 0);
    b->centre->now = START;
    RUN_UNTIL(b->centre->loop, rules_of(b, "access", "a2"));
}

/* ---- Local work ---- */

static void
tell_local(struct bench *b, const char *type, unsigned n, const char *circuit, const char *more)
{
    char object[32];
    uint32_t id = CENTRE_SITE * EXCEPTION_IDS + n, before = b->centre->n_notes;
    json_t *body = json_pack("{sI ss ss sI ss ss}", "id", (json_int_t)id, "circuit", circuit,
                             "site", "a", "based-on",
                             (json_int_t)b->centre->state->local.centre_seq, "until",
                             "1970-01-01T00:30:00Z", "hash", "abc");
    if (*more)
        json_object_set_new(body, "reason", json_string(more));
    snprintf(object, sizeof object, "local/%u", id);
    centre_append(b->centre, type, object, body);
    RUN_UNTIL(b->centre->loop, centre_event_since(b->centre, before, type, object));
}

static void
a_circuit_that_is_stopped_is_out_until_that_ends(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "trip");
    tell_local(b, "local.stopped", 1, "trip", "");
    RUN_UNTIL(b->centre->loop, !rules_of(b, "trip", NULL));
    assert_refused(b, "trip", "it is stopped at its site");
    centre_stop_controller(b->centre);
    restart(b);
    let_it_look(b);
    assert_int_equal(rules_of(b, "trip", NULL), 0);
    tell_local(b, "local.ended", 1, "trip", "resumed");
    RUN_UNTIL(b->centre->loop, rules_of(b, "trip", "a1") && rules_of(b, "trip", "a2"));
    tell_local(b, "local.stopped", 2, "trip", "");
    RUN_UNTIL(b->centre->loop, !rules_of(b, "trip", NULL));
    b->centre->now = 1800 * NSEC_PER_SEC; /* its time is over, before any event says so */
    RUN_UNTIL(b->centre->loop, rules_of(b, "trip", "a1"));
}

/* What lies between sites is not a site's to stop. */
static void
a_circuit_of_several_sites_is_not_stopped(void **state)
{
    struct bench *b = *state;
    centre_build(b->centre, "access");
    uint32_t n = rules_of(b, "access", NULL);
    tell_local(b, "local.stopped", 1, "access", "");
    let_it_look(b);
    assert_int_equal(rules_of(b, "access", NULL), n);
}

/* The test's events are all of one person; so a second one has to be found for this. */
static void
a_circuit_that_two_have_agreed_on_is_in_for_its_time(void **state)
{
    struct bench *b = *state;
    struct diag diag;
    centre_reserve(b->centre, "spare");
    tell_local(b, "local.proposed", 1, "spare", "");
    let_it_look(b);
    assert_int_equal(rules_of(b, "spare", NULL), 0);
    const struct journal_entry agreed = {
        .type = "local.agreed",
        .object = "local/4000001",
        .actor = "sam",
        .body = "{\"id\": 4000001, \"circuit\": \"spare\", \"hash\": \"abc\"}"};
    assert_ok(journal_append(b->centre->journal, &agreed, 1, NULL, NULL, &diag));
    RUN_UNTIL(b->centre->loop, rules_of(b, "spare", "a1") && rules_of(b, "spare", "a2"));
    b->centre->now = 1800 * NSEC_PER_SEC;
    RUN_UNTIL(b->centre->loop, !rules_of(b, "spare", NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
        T(an_access_that_nobody_ends_ends_by_itself),
        T(an_access_that_has_ended_stays_out),
        T(a_new_controller_does_not_put_it_in),
        T(what_hinders_the_end_is_an_exception),
        T(an_access_does_not_begin_before_its_window),
        T(a_circuit_that_is_stopped_is_out_until_that_ends),
        T(a_circuit_of_several_sites_is_not_stopped),
        T(a_circuit_that_two_have_agreed_on_is_in_for_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
