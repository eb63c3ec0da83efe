/* The service is ended after every single event, and at other moments, of a turn-up of three
 * circuits and a teardown of two; each time everything but the disk and the nodes is made anew.
 * What comes of it must be what comes of it without: the same state, and every event once. */
#include "orchestrate/service_testing.h"

#define MODEL                                                                                      \
    "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT               \
    ", {'name': 'ssh-rtu', 'ip': {'client': 'fep', 'server': 'rtu', 'protocol': 'tcp',"            \
    " 'server-ports': [22]}, 'service-class': 'engineering', 'rate-kbps': 500}"                    \
    ", {'name': 'goose-trip', 'multicast': {'application': 'goose', 'publisher': 'relay',"         \
    " 'subscribers': ['rtu', 'fep'], 'mac': '01-0c-cd-01-00-01', 'vlan-id': 10,"                   \
    " 'appid': '0001'}, 'service-class': 'protection', 'rate-kbps': 600,"                          \
    " 'burst-octets': 1200, 'protection': 'none'}]}}"

/* ---- People ------------------------------------------------------------------------------------
 */

struct wish {
    const char *workflow, *input;
    struct {
        const char *who, *role;
    } approvers[2];
};

#define TURN_UP                                                                                    \
    {                                                                                              \
        "circuit-turn-up", "{'circuits': ['scada-rtu', 'goose-trip', 'ssh-rtu']}",                 \
        {                                                                                          \
            {"olga", "OPERATOR"},                                                                  \
            {                                                                                      \
                "sam", "SECADM"                                                                    \
            }                                                                                      \
        }                                                                                          \
    }

/* What people order, one after the other, and what does not work meanwhile. */
static const struct scenario {
    const char *failing; /* "SUBJECT CIRCUIT"; NULL: all works */
    size_t n;
    struct wish wishes[2];
} smooth = {NULL,
            2,
            {TURN_UP,
             {"circuit-teardown",
              "{'circuits': ['scada-rtu', 'goose-trip']}",
              {{"olga", "OPERATOR"}}}}},
  undone = {"lan.push goose-trip", 1, {TURN_UP}};

/* They look at the journal and do what is missing, again if it came to nothing. */
struct people {
    struct bench *bench;
    const struct scenario *scenario;
    struct reply reply;
    bool busy;
    unsigned seen; /* events when they last looked */
};

static const char *
asked_hash(const json_t *events, uint32_t order, size_t *n_granted)
{
    size_t i;
    json_t *event;
    const char *hash = NULL;
    *n_granted = 0;
    json_array_foreach(events, i, event)
    {
        const json_t *body = json_object_get(event, "body");
        const char *type = json_string_value(json_object_get(event, "type"));
        if (strtoul(json_string_value(json_object_get(body, "run")), NULL, 10) != order)
            continue;
        if (!strcmp(type, "approval.requested"))
            hash = json_string_value(json_object_get(body, "hash"));
        *n_granted += !strcmp(type, "approval.granted");
    }
    return hash;
}

static void
decide(struct people *p, uint32_t id)
{
    struct bench *b = p->bench;
    json_t *events = bench_events(b, "approval.");
    size_t n;
    const char *hash = asked_hash(events, id, &n);
    const struct wish *wish = &p->scenario->wishes[id - 1];
    if (hash && n < ARRAY_SIZE(wish->approvers) && wish->approvers[n].who) {
        const char *who = wish->approvers[n].who, *role = wish->approvers[n].role;
        bench_send(b, "work.decide", bench_decision(id, who, role, role, hash), &p->reply);
        p->busy = true;
    }
    json_decref(events);
}

/* True: all is done. */
static bool
act(struct people *p)
{
    struct bench *b = p->bench;
    for (uint32_t id = 1; id <= p->scenario->n; id++) {
        const struct order *order = state_order(b->state, id);
        if (order && order->outcome)
            continue;
        if (order) {
            decide(p, id);
        } else {
            bench_send(b, "work.submit",
                       json_pack("{s:s, s:s, s:o}", "actor", "rita", "workflow",
                                 p->scenario->wishes[id - 1].workflow, "input",
                                 json_quoted(p->scenario->wishes[id - 1].input)),
                       &p->reply);
            p->busy = true;
        }
        return false;
    }
    return true;
}

/* A request was answered, or something has happened. True: all is done. */
static bool
look(struct people *p)
{
    if (p->busy && p->reply.done) {
        json_decref(p->reply.value);
        p->busy = false;
        p->seen = UINT32_MAX;
    }
    if (p->busy || p->seen == p->bench->n_live)
        return false;
    p->seen = p->bench->n_live;
    return act(p);
}

/* ---- Playing -----------------------------------------------------------------------------------
 */

/* When everything ends: after so many events since the last start, or so many turns of the loop;
 * 0: not for that. */
struct plan_of_crashes {
    unsigned events, turns;
    bool again; /* and each time anew */
};

static void
play(struct bench *b, const struct scenario *scenario, struct plan_of_crashes plan)
{
    struct people people = {.bench = b, .scenario = scenario, .seen = UINT32_MAX};
    unsigned n_crashes = 0, n_turns = 0;
    bench_put(b, MODEL);
    if (scenario->failing)
        json_object_set_new(b->failing, scenario->failing, json_string("ERR_CONFLICT"));
    bench_restart(b);
    uv_timer_t *watchdog = watchdog_new(b->loop, "all orders to be closed");
    while (!look(&people)) {
        uv_run(b->loop, UV_RUN_ONCE);
        n_turns++;
        if ((n_crashes && !plan.again) ||
            !((plan.events && b->n_live >= plan.events) || (plan.turns && n_turns >= plan.turns)))
            continue;
        bench_restart(b);
        n_crashes++;
        n_turns = 0;
        people.seen = UINT32_MAX;
    }
    watchdog_free(watchdog);
}

/* ---- Comparing ---------------------------------------------------------------------------------
 */

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What happened, as sorted lines: an event that is there twice is two lines. */
static char *
history(struct bench *b)
{
    static const char *const members[] = {"step",     "item",    "attempt", "circuit",
                                          "circuits", "outcome", "order"};
    json_t *events = bench_events(b, "");
    size_t n = json_array_size(events);
    char **lines = xcalloc(n, sizeof *lines);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        json_t *event = json_array_get(events, i), *body = json_object_get(event, "body");
        struct buf line = BUF_INIT;
        buf_printf(&line, "%s %s", json_string_value(json_object_get(event, "type")),
                   json_string_value(json_object_get(event, "object")));
        for (size_t k = 0; k < ARRAY_SIZE(members); k++) {
            char *value = json_dumps(json_object_get(body, members[k]), JSON_ENCODE_ANY);
            buf_printf(&line, " %s", value ? value : "");
            free(value);
        }
        lines[i] = buf_steal_cstr(&line);
    }
    qsort(lines, n, sizeof *lines, compare_texts);
    for (size_t i = 0; i < n; i++) {
        buf_printf(&text, "%s\n", lines[i]);
        free(lines[i]);
    }
    free(lines);
    json_decref(events);
    return buf_steal_cstr(&text);
}

/* Where everything stands, in JSON. */
static char *
standing(struct bench *b)
{
    json_t *all = json_pack("{s:o, s:O}", "network", network_to_json(b->state->network), "nodes",
                            b->nodes);
    for (const struct circuit_status *c = b->state->circuits; c; c = c->hh.next) {
        const struct fingerprint *f = state_fingerprint(b->state, c->circuit);
        json_object_set_new(all, c->circuit,
                            json_pack("{s:s, s:i, s:O?}", "phase", circuit_phase_word(c->phase),
                                      "order", (int)c->order, "fingerprint",
                                      f ? f->entries : NULL));
    }
    for (const struct order *o = b->state->orders; o; o = o->hh.next) {
        char id[16];
        snprintf(id, sizeof id, "%u", o->id);
        json_object_set_new(all, id, json_string(o->outcome));
    }
    char *text = json_dumps(all, JSON_SORT_KEYS | JSON_INDENT(1));
    json_decref(all);
    return text;
}

struct end {
    char *history, *standing;
    unsigned n_events;
};

static struct end
end_of(const struct scenario *scenario, struct plan_of_crashes plan)
{
    struct bench *b = bench_new();
    play(b, scenario, plan);
    struct end end = {history(b), standing(b), b->n_live};
    assert_int_equal(json_object_size(b->pushes), scenario->failing ? 2 : 3); /* once at least */
    bench_free(b);
    return end;
}

static void
end_fini(struct end *end)
{
    free(end->history);
    free(end->standing);
}

static void
assert_ends_like(const struct scenario *scenario, const struct end *expected,
                 struct plan_of_crashes plan)
{
    struct end end = end_of(scenario, plan);
    if (strcmp(end.history, expected->history) || strcmp(end.standing, expected->standing))
        print_message("crash after %u events or %u turns\n", plan.events, plan.turns);
    assert_string_equal(end.history, expected->history);
    assert_string_equal(end.standing, expected->standing);
    end_fini(&end);
}

/* ---- Tests -------------------------------------------------------------------------------------
 */

/* All the moments at which it can end. */
static void
survives(const struct scenario *scenario, const char *must_happen, const char *must_stand)
{
    struct end expected = end_of(scenario, (struct plan_of_crashes){0});
    assert_non_null(strstr(expected.history, must_happen));
    assert_non_null(strstr(expected.standing, must_stand));
    for (unsigned n = 1; n < expected.n_events; n++)
        assert_ends_like(scenario, &expected, (struct plan_of_crashes){.events = n});
    for (unsigned n = 1; n < 200; n += 9)
        assert_ends_like(scenario, &expected, (struct plan_of_crashes){.turns = n});
    assert_ends_like(scenario, &expected, (struct plan_of_crashes){.events = 1, .again = true});
    assert_ends_like(scenario, &expected, (struct plan_of_crashes){.events = 3, .again = true});
    end_fini(&expected);
}

static void
goes_on_with_a_turn_up_and_a_teardown(void **state UNUSED)
{
    survives(&smooth, "circuit.fingerprint circuit/ssh-rtu", "\"phase\": \"active\"");
}

static void
goes_on_with_taking_everything_back(void **state UNUSED)
{
    survives(&undone, "undo.done work/1 \"push\"", "\"1\": \"failed-undone\"");
}

TEST_MAIN(cmocka_unit_test(goes_on_with_a_turn_up_and_a_teardown),
          cmocka_unit_test(goes_on_with_taking_everything_back))
