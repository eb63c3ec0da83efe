/* The centre's answers for several sites: a real broker, real journals and copies of them. The test
 * stands in for the LAN controllers, and says what a site should not. */
#include "tielined/federation.h"

#include "base/alloc.h"
#include "bus/local.h"
#include "bus/nats.h"
#include "bus/nats_testing.h"
#include "engineer/testing.h"
#include "io/testing.h"
#include "sync/origin.h"

#include <string.h>

#define CENTRE "cc"
#define QUESTION_TIMEOUT (30 * NSEC_PER_SEC) /* longer than any part has */

enum manner { ANSWERS, REFUSES, TWICE, LATER };

/* A site: its journal, its broker's connection, and what answers there for its controller. */
struct substation {
    struct fixture *fixture;
    const char *name;
    struct bus *nats, *to_centre;
    struct journal *journal;
    struct sync_origin *origin;
    struct bus_subscription *asked;
    enum manner manner;
    json_t *answer;
    unsigned n_asked;
    char *reply_to; /* of the last question */
};

struct fixture {
    struct test_dir dir;
    char copies[TEST_PATH_SIZE];
    uv_loop_t *loop;
    struct nats_server broker;
    char url[64];
    struct bus *bus;
    struct journal *journal;
    struct state *state;
    struct sites *sites;
    struct federation *federation;
    struct bus_subscription *here;
    json_t *own; /* what the centre's controller answers */
    unsigned n_own;
    struct substation a, b;
};

static const char *const domain[] = {CENTRE, NULL};

static json_t *
json(const char *text)
{
    char *copy = xstrdup(text);
    for (char *c = copy; *c; c++)
        *c = *c == '\'' ? '"' : *c;
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    free(copy);
    return value;
}

/* ---- The programs ---- */

static void
ignore_event(void *arg UNUSED, const struct site_peer *p UNUSED,
             const struct journal_event *e UNUSED)
{
}

static void
ignore_reset(void *arg UNUSED, const struct site_peer *p UNUSED)
{
}

static struct journal *
open_journal(struct fixture *f, const char *site)
{
    const struct journal_config config = {.site = site};
    char path[TEST_PATH_SIZE], name[32];
    struct journal *journal;
    struct diag diag = {""};
    snprintf(name, sizeof name, "%s.db", site);
    if (journal_open(f->loop, test_path(&f->dir, name, path), &config, &journal, &diag))
        fail_msg("%s", diag.text);
    return journal;
}

static void
note_closed(void *arg)
{
    *(bool *)arg = true;
}

static void
close_journal(struct fixture *f, struct journal *journal)
{
    bool closed = false;
    journal_close(journal, note_closed, &closed);
    RUN_UNTIL(f->loop, closed);
}

/* A request names the session that the site has given out (tielined/once.h). */
static bool
has_session(struct bus *bus, const struct bus_message *m)
{
    static const char session[] = "00112233445566778899aabbccddeeff";
    const json_t *once = json_object_get(m->payload, "once");
    const char *named = json_string_value(json_object_get(once, "session"));
    assert_non_null(json_string_value(json_object_get(once, "run")));
    if (named && !strcmp(named, session))
        return true;
    assert_ok(bus_reply(bus, m->reply_to, json_pack("{ss}", "session", session)));
    return false;
}

static void
on_asked(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct substation *s = arg;
    if (!has_session(bus, m))
        return;
    s->n_asked++;
    free(s->reply_to);
    s->reply_to = xstrdup(m->reply_to);
    if (s->manner == REFUSES)
        bus_reply_error(bus, m->reply_to, ERR_CONFLICT, "the house is on fire");
    if (s->manner == ANSWERS || s->manner == TWICE)
        assert_ok(bus_reply(bus, m->reply_to, json_pack("{sO}", "answer", s->answer)));
    if (s->manner == TWICE)
        assert_ok(bus_reply(bus, m->reply_to, json("{'answer': {'nodes': []}}")));
}

static void
ignore_lost(void *arg UNUSED, const char *reader UNUSED, uint64_t seq UNUSED, bool replaced UNUSED)
{
}

static void
site_start(struct fixture *f, struct substation *s, const char *name)
{
    struct diag diag = {""};
    const struct bus_nats_config config = {.url = f->url, .site = name};
    *s = (struct substation){.fixture = f, .name = name};
    assert_ok(bus_nats_new(f->loop, &config, &s->nats, &diag));
    assert_ok(bus_nats_at(s->nats, CENTRE, &s->to_centre));
    /* Before its journal is there for the centre: who is known to answer answers all. */
    assert_ok(bus_subscribe(s->nats, "from." CENTRE ".lan.*", on_asked, s, &s->asked));
    s->journal = open_journal(f, name);
    const struct sync_reader reader = {CENTRE, s->to_centre};
    const struct sync_origin_config origin = {.loop = f->loop,
                                              .journal = s->journal,
                                              .bus = s->nats,
                                              .readers = &reader,
                                              .n_readers = 1,
                                              .lost = ignore_lost};
    assert_ok(sync_origin_new(&origin, &s->origin, &diag));
}

static void
site_stop(struct substation *s)
{
    if (!s->nats)
        return;
    bus_unsubscribe(s->asked);
    sync_origin_free(s->origin);
    close_journal(s->fixture, s->journal);
    bus_free(s->to_centre);
    bus_free(s->nats);
    json_decref(s->answer);
    free(s->reply_to);
    s->nats = NULL;
}

static void
on_own(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct fixture *f = arg;
    f->n_own++;
    assert_ok(bus_reply(bus, m->reply_to, json_incref(f->own)));
}

static enum sync_state
state_of(const struct fixture *f, const char *site)
{
    return sites_peer_status(f->sites, sites_find_peer(f->sites, site)).state;
}

/* cc1 in the centre, a1 and a2, b1 at the sites; x1 is nobody's. */
static void
build_network(struct network *net)
{
    test_link(net, "cc1", "a1", 5, 1000);
    test_link(net, "a1", "a2", 5, 1000);
    test_link(net, "b1", "cc1", 5, 1000);
    test_link(net, "x1", "cc1", 5, 1000);
}

static void
start_centre(struct fixture *f)
{
    static const struct site_peer peers[] = {{"a", 1}, {"b", 2}};
    struct diag diag = {""};
    f->bus = bus_local_new(f->loop, 0, 0);
    f->state = state_new();
    build_network(f->state->network);
    f->journal = open_journal(f, CENTRE);
    const struct sites_config sites = {.loop = f->loop,
                                       .journal = f->journal,
                                       .bus = f->bus,
                                       .site = CENTRE,
                                       .peers = peers,
                                       .n_peers = ARRAY_SIZE(peers),
                                       .decides = true,
                                       .domain = domain,
                                       .directory = f->copies,
                                       .url = f->url,
                                       .arg = f,
                                       .event = ignore_event,
                                       .reset = ignore_reset};
    if (sites_new(&sites, &f->sites, &diag))
        fail_msg("%s", diag.text);
    const struct federation_config federation = {.bus = f->bus,
                                                 .journal = f->journal,
                                                 .state = f->state,
                                                 .sites = f->sites,
                                                 .domain = domain};
    assert_ok(federation_new(&federation, &f->federation, &diag));
    assert_ok(bus_subscribe(f->bus, FEDERATION_HERE "*", on_own, f, &f->here));
}

static int
set_up(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->dir = test_dir_make();
    test_path(&f->dir, "copies", f->copies);
    f->loop = test_loop_new();
    assert_true(nats_server_open(&f->broker, f->dir.path, ""));
    snprintf(f->url, sizeof f->url, "nats://127.0.0.1:%d", f->broker.port);
    start_centre(f);
    site_start(f, &f->a, "a");
    site_start(f, &f->b, "b");
    RUN_UNTIL(f->loop, state_of(f, "a") == SYNC_LEVEL && state_of(f, "b") == SYNC_LEVEL);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    bus_unsubscribe(f->here);
    federation_free(f->federation);
    sites_free(f->sites);
    site_stop(&f->a);
    site_stop(&f->b);
    close_journal(f, f->journal);
    bus_free(f->bus);
    state_free(f->state);
    json_decref(f->own);
    test_loop_free(f->loop);
    nats_server_kill(&f->broker);
    char *command = xasprintf("rm -r '%s'", f->copies);
    assert_int_equal(system(command), 0);
    free(command);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

/* ---- Words ---- */

struct reply {
    bool done;
    enum err err;
    char text[400];
    json_t *value;
};

static void
on_reply(void *arg, const struct call_result *result)
{
    struct reply *r = arg;
    r->done = true;
    r->err = result->err;
    snprintf(r->text, sizeof r->text, "%s", result->text);
    r->value = result->value ? json_incref(result->value) : NULL;
}

static struct reply
ask_for(struct fixture *f, const char *subject, const char *payload)
{
    struct reply r = {.done = false};
    assert_ok(bus_request(f->bus, subject, json(payload), QUESTION_TIMEOUT, on_reply, &r, NULL));
    RUN_UNTIL(f->loop, r.done);
    return r;
}

/* What is answered, which is the caller's. */
static json_t *
ask(struct fixture *f, const char *subject, const char *payload)
{
    struct reply r = ask_for(f, subject, payload);
    if (r.err)
        fail_msg("%s: %s", subject, r.text);
    return r.value;
}

static void
answer_with(json_t **answer, const char *text)
{
    json_decref(*answer);
    *answer = json(text);
}

static void
will_answer(struct fixture *f, const char *own, const char *a, const char *b)
{
    answer_with(&f->own, own);
    answer_with(&f->a.answer, a);
    answer_with(&f->b.answer, b);
}

static const json_t *
row(const json_t *answer, const char *list, const char *key, const char *name)
{
    size_t i;
    json_t *r;
    json_array_foreach(json_object_get(answer, list), i, r)
    {
        const char *text = json_string_value(json_object_get(r, key));
        if (text && !strcmp(text, name))
            return r;
    }
    return NULL;
}

static const char *
text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

static json_int_t
number(const json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static bool
says(const json_t *object, const char *key)
{
    assert_true(json_is_boolean(json_object_get(object, key)));
    return json_is_true(json_object_get(object, key));
}

static void
assert_same(json_t *answer, const char *expected)
{
    json_t *wanted = json(expected);
    if (!json_equal(answer, wanted))
        fail_msg("%s instead of %s", json_dumps(answer, JSON_SORT_KEYS), expected);
    json_decref(wanted);
    json_decref(answer);
}

#define NODE(name) "{'name': '" name "', 'state': 'adopted'}"
#define NOBODYS                                                                                    \
    "{'name': 'x1', 'state': 'absent', 'reason': 'no controller has site x', 'agent': false, "     \
    "'ports': []}"
#define ABSENT(name, reason)                                                                       \
    "{'name': '" name "', 'state': 'absent', 'reason': '" reason "', 'agent': false, 'ports': []}"
#define A "{'nodes': [" NODE("a1") ", " NODE("a2") "]}"
#define B "{'nodes': [" NODE("b1") "]}"
#define OURS "{'nodes': [" NODE("cc1") "]}"

/* ---- All of them answer ---- */

static void
the_nodes_of_all_sites_are_told(void **state)
{
    struct fixture *f = *state;
    will_answer(f, OURS, A, B);
    assert_same(ask(f, "lan.nodes", "{}"), "{'nodes': [" NODE("cc1") "," NODE("a1") "," NODE(
                                               "a2") "," NODE("b1") "," NOBODYS "]}");
}

static void
of_a_link_that_two_know_the_worse_is_told(void **state)
{
    struct fixture *f = *state;
    will_answer(f,
                "{'links': [{'name': 'cc1-a1', 'state': 'up', 'seen': ['cc1'], 'held': true}],"
                " 'unexpected': [{'at': 'cc1:9', 'from': 'b1:9'}]}",
                "{'links': [{'name': 'cc1-a1', 'state': 'down', 'seen': ['a1'], 'held': false},"
                " {'name': 'a1-a2', 'state': 'up', 'seen': [], 'held': false}],"
                " 'unexpected': [{'at': 'a1:9', 'from': 'b1:9'}]}",
                "{'links': [{'name': 'b1-cc1', 'state': 'up', 'seen': [], 'held': false},"
                " {'name': 'a1-a2', 'state': 'down', 'seen': [], 'held': false}],"
                " 'unexpected': []}");
    json_t *answer = ask(f, "lan.links", "{}");
    const json_t *shared = row(answer, "links", "name", "cc1-a1");
    assert_string_equal(text(shared, "state"), "down");
    assert_true(says(shared, "held"));
    assert_int_equal(json_array_size(json_object_get(shared, "seen")), 2);
    assert_string_equal(text(row(answer, "links", "name", "b1-cc1"), "state"), "up");
    /* Which is no business of b. */
    assert_string_equal(text(row(answer, "links", "name", "a1-a2"), "state"), "up");
    assert_string_equal(text(row(answer, "links", "name", "x1-cc1"), "reason"),
                        "no controller has site x");
    assert_int_equal(json_array_size(json_object_get(answer, "links")), 4);
    assert_int_equal(json_array_size(json_object_get(answer, "unexpected")), 2);
    json_decref(answer);
}

static void
who_has_no_node_of_it_is_not_asked(void **state)
{
    struct fixture *f = *state;
    will_answer(f, "{}", "{'added': 1, 'removed': 2, 'changed': 0, 'duration-ns': 5000000000}",
                "{'added': 3, 'removed': 0, 'changed': 0, 'duration-ns': 7}");
    assert_same(ask(f, "lan.repair", "{'nodes': ['a1', 'a2']}"),
                "{'added': 1, 'removed': 2, 'changed': 0, 'duration-ns': 5000000000}");
    assert_int_equal(f->a.n_asked, 1);
    assert_int_equal(f->b.n_asked, 0);
    assert_same(ask(f, "lan.repair", "{'nodes': ['b1', 'a1']}"),
                "{'added': 4, 'removed': 2, 'changed': 0, 'duration-ns': 5000000000}");
    assert_int_equal(f->n_own, 0);
    assert_int_equal(f->a.n_asked, 2);
    assert_int_equal(f->b.n_asked, 1);
}

static void
a_proof_holds_where_all_proofs_hold(void **state)
{
    struct fixture *f = *state;
    static const char *const good =
        "{'ok': true, 'violations': [], 'unread': [], 'unjudged': [], 'n-violations': 0}";
    will_answer(f, good, good, good);
    json_t *answer = ask(f, "lan.prove", "{'of': 'observed'}");
    assert_false(says(answer, "ok")); /* nobody has proved x1 */
    assert_non_null(row(answer, "unread", "node", "x1"));
    json_decref(answer);
    assert_true(network_remove_link(f->state->network, "x1-cc1") == ERR_OK);
    assert_true(network_remove_node(f->state->network, "x1") == ERR_OK);
    answer = ask(f, "lan.prove", "{'of': 'observed'}");
    assert_true(says(answer, "ok"));
    json_decref(answer);
    answer_with(&f->b.answer, "{'ok': false, 'violations': [{'kind': 'leak'}], 'unread': [],"
                              " 'unjudged': [{'node': 'b1', 'rule': 'r'}, {'node': 'a1', 'rule': "
                              "'r'}], 'n-violations': 3}");
    answer = ask(f, "lan.prove", "{'of': 'observed'}");
    assert_false(says(answer, "ok"));
    assert_int_equal(number(answer, "n-violations"), 3);
    assert_int_equal(json_array_size(json_object_get(answer, "unjudged")), 1);
    json_decref(answer);
    /* What is planned everybody knows. */
    answer_with(&f->own, "{'ok': true, 'violations': [], 'n-violations': 0}");
    unsigned before = f->b.n_asked;
    assert_same(ask(f, "lan.prove", "{'of': 'planned'}"),
                "{'ok': true, 'violations': [], 'n-violations': 0}");
    assert_int_equal(f->b.n_asked, before);
}

static void
an_answer_is_as_proved_as_the_least(void **state)
{
    struct fixture *f = *state;
    will_answer(f, "{'proved': true, 'pairs': [7]}", "{'proved': true, 'pairs': []}",
                "{'proved': true, 'pairs': []}");
    assert_ok(network_remove_link(f->state->network, "x1-cc1"));
    assert_ok(network_remove_node(f->state->network, "x1"));
    assert_same(ask(f, "lan.ask", "{'what': 'matrix'}"), "{'proved': true, 'pairs': [7]}");
    answer_with(&f->a.answer, "{'proved': false, 'pairs': []}");
    assert_same(ask(f, "lan.ask", "{'what': 'matrix'}"), "{'proved': false, 'pairs': [7]}");
}

/* ---- Conditions ---- */

#define CONDITION(state, node) "{'state': '" state "', 'node': '" node "'}"
#define CONDITIONS(n, broken, unknown, list, elsewhere)                                            \
    "{'ok': true, 'n': " #n ", 'n-broken': " #broken ", 'n-unknown': " #unknown ", 'list': [" list \
    "], 'elsewhere': {" elsewhere "}}"

static void
conditions_of_all_nodes_are_told_the_worst_first(void **state)
{
    struct fixture *f = *state;
    will_answer(f, CONDITIONS(1, 0, 0, CONDITION("holds", "cc1"), "'a1': 1, 'a2': 1, 'b1': 1"),
                CONDITIONS(2, 0, 1, CONDITION("unknown", "a2") "," CONDITION("holds", "a1"),
                           "'cc1': 1, 'b1': 1"),
                CONDITIONS(1, 1, 0, CONDITION("broken", "b1"), "'cc1': 9, 'a1': 9"));
    assert_same(
        ask(f, "lan.conditions", "{}"),
        "{'ok': false, 'n': 4, 'n-broken': 1, 'n-unknown': 1, 'list': [" CONDITION(
            "broken", "b1") "," CONDITION("unknown",
                                          "a2") "," CONDITION("holds",
                                                              "cc1") "," CONDITION("holds",
                                                                                   "a1") "]}");
    will_answer(f, CONDITIONS(1, 0, 0, CONDITION("holds", "cc1"), "'a1': 1, 'b1': 1"),
                CONDITIONS(1, 0, 0, CONDITION("holds", "a1"), ""),
                CONDITIONS(1, 0, 0, CONDITION("holds", "b1"), ""));
    json_t *answer = ask(f, "lan.conditions", "{}");
    assert_true(says(answer, "ok"));
    json_decref(answer);
}

static void
conditions_that_nobody_judges_are_unknown(void **state)
{
    struct fixture *f = *state;
    will_answer(f, CONDITIONS(0, 0, 0, "", "'a1': 2, 'a2': 3, 'b1': 4, 'x1': 5"),
                CONDITIONS(1, 0, 0, CONDITION("holds", "a1") "," CONDITION("holds", "b1"), ""),
                "{}");
    f->b.manner = REFUSES;
    assert_same(ask(f, "lan.conditions", "{}"),
                "{'ok': false, 'n': 14, 'n-broken': 0, 'n-unknown': 13, 'list': ["
                "{'state': 'unknown', 'node': '', 'needs': '4 conditions',"
                " 'seen': 'site a has not judged them'},"
                "{'state': 'unknown', 'node': 'b1', 'needs': 'b1: 4 conditions',"
                " 'seen': 'site b has not answered: the house is on fire'},"
                "{'state': 'unknown', 'node': 'x1', 'needs': 'x1: 5 conditions',"
                " 'seen': 'no controller has site x'}," CONDITION("holds", "a1") "]}");
}

/* ---- One does not answer as it should ---- */

static void
a_site_that_is_away_is_told_with_what_it_has(void **state)
{
    struct fixture *f = *state;
    static const char *const good =
        "{'ok': true, 'violations': [], 'unread': [], 'unjudged': [], 'n-violations': 0}";
    site_stop(&f->a);
    RUN_UNTIL(f->loop, state_of(f, "a") == SYNC_AWAY);
    answer_with(&f->own, OURS);
    answer_with(&f->b.answer, B);
    json_t *answer = ask(f, "lan.nodes", "{}");
    for (unsigned i = 1; i <= 2; i++) {
        const json_t *node = row(answer, "nodes", "name", i == 1 ? "a1" : "a2");
        assert_string_equal(text(node, "state"), "absent");
        assert_ptr_equal(strstr(text(node, "reason"), "site a is cut off: "), text(node, "reason"));
        assert_true(*text(node, "since"));
    }
    assert_string_equal(text(row(answer, "nodes", "name", "b1"), "state"), "adopted");
    json_decref(answer);

    answer_with(&f->own, good);
    answer_with(&f->b.answer, good);
    answer = ask(f, "lan.prove", "{'of': 'observed'}");
    assert_false(says(answer, "ok"));
    assert_non_null(row(answer, "unread", "node", "a1"));
    assert_non_null(row(answer, "unread", "node", "a2"));
    assert_null(row(answer, "unread", "node", "b1"));
    json_decref(answer);

    answer_with(&f->own, CONDITIONS(0, 0, 0, "", "'a1': 2, 'b1': 1"));
    answer_with(&f->b.answer, CONDITIONS(1, 0, 0, CONDITION("holds", "b1"), ""));
    answer = ask(f, "lan.conditions", "{}");
    assert_false(says(answer, "ok"));
    assert_int_equal(number(answer, "n"), 3);
    assert_int_equal(number(answer, "n-unknown"), 2);
    const char *seen = text(row(answer, "list", "node", "a1"), "seen");
    assert_ptr_equal(strstr(seen, "site a is cut off: "), seen);
    json_decref(answer);

    answer_with(&f->own, "{'proved': true}");
    answer_with(&f->b.answer, "{'proved': true}");
    assert_same(ask(f, "lan.ask", "{'what': 'matrix'}"), "{'proved': false}");

    struct reply r = ask_for(f, "lan.repair", "{'nodes': ['a1']}");
    assert_err(r.err, ERR_CLOSED);
    assert_ptr_equal(strstr(r.text, "site a: "), r.text);
}

static void
an_error_is_told_with_the_name_of_the_site(void **state)
{
    struct fixture *f = *state;
    will_answer(f, OURS, A, B);
    f->a.manner = REFUSES;
    assert_same(ask(f, "lan.nodes", "{}"),
                "{'nodes': [" NODE("cc1") "," NODE("b1") "," ABSENT(
                    "a1", "site a has not answered: the "
                          "house is on fire") "," ABSENT("a2", "site a has not answered: the house "
                                                               "is on fire") "," NOBODYS "]}");
    struct reply r = ask_for(f, "lan.repair", "{'nodes': ['a1']}");
    assert_err(r.err, ERR_CONFLICT);
    assert_string_equal(r.text, "site a: the house is on fire");
}

static void
nonsense_is_no_answer(void **state)
{
    static const struct {
        const char *subject, *own, *nonsense, *why;
    } cases[] = {
        {"lan.nodes", OURS, "{}", "\"nodes\" is no list"},
        {"lan.nodes", OURS, "[]", "\"nodes\" is no list"},
        {"lan.nodes", OURS, "null", "\"nodes\" is no list"},
        {"lan.nodes", OURS, "'nodes'", "\"nodes\" is no list"},
        {"lan.nodes", OURS, "{'nodes': {'a1': 1}}", "\"nodes\" is no list"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        will_answer(f, cases[i].own, cases[i].nonsense, B);
        json_t *answer = ask(f, cases[i].subject, "{}");
        const char *reason = text(row(answer, "nodes", "name", "a1"), "reason");
        if (!strstr(reason, cases[i].why))
            fail_msg("case %zu: %s", i, reason);
        assert_ptr_equal(strstr(reason, "site a has not answered: it answers nonsense: "), reason);
        json_decref(answer);
    }
    /* Counts that are none. */
    static const char *const counts[] = {"-1", "1.5", "'1'", "null", "2147483648", "[]"};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        char *answer = xasprintf("{'ok': true, 'n': 1, 'n-broken': 0, 'n-unknown': %s, 'list': []}",
                                 counts[i]);
        will_answer(f, CONDITIONS(0, 0, 0, "", "'a1': 2, 'b1': 1"), answer,
                    CONDITIONS(1, 0, 0, "", ""));
        json_t *told = ask(f, "lan.conditions", "{}");
        assert_int_equal(number(told, "n"), 3);
        assert_int_equal(number(told, "n-unknown"), 2);
        assert_non_null(
            strstr(text(row(told, "list", "node", "a1"), "seen"), "\"n-unknown\" is no count"));
        json_decref(told);
        free(answer);
    }
}

/* Rows that are none, that are others', and what is not told at all. */
static void
a_site_speaks_of_its_own_alone(void **state)
{
    struct fixture *f = *state;
    will_answer(f, OURS,
                "{'nodes': [7, null, [], 'cc1', " NODE("b1") "," NODE("x1") "," NODE(
                    "nowhere") "," NODE("a1") ", {'node': 'a2'}]}",
                B);
    assert_same(ask(f, "lan.nodes", "{}"),
                "{'nodes': [" NODE("cc1") "," NODE("a1") "," NODE("b1") "," ABSENT(
                    "a2", "site a says nothing of it") "," NOBODYS "]}");
}

static void
the_first_of_two_answers_counts(void **state)
{
    struct fixture *f = *state;
    will_answer(f, OURS, A, B);
    f->a.manner = TWICE;
    for (unsigned i = 0; i < 2; i++)
        assert_same(ask(f, "lan.nodes", "{}"), "{'nodes': [" NODE("cc1") "," NODE("a1") "," NODE(
                                                   "a2") "," NODE("b1") "," NOBODYS "]}");
    const struct bus *to_a = sites_peer_bus(f->sites, sites_find_peer(f->sites, "a"));
    RUN_UNTIL(f->loop, bus_counter(to_a, BUS_DROPPED_LATE_REPLY) == 2);
}

static void
what_comes_too_late_changes_nothing(void **state)
{
    struct fixture *f = *state;
    will_answer(f, OURS, A, B);
    f->a.manner = LATER;
    json_t *answer = ask(f, "lan.nodes", "{}");
    const char *reason = text(row(answer, "nodes", "name", "a2"), "reason");
    assert_ptr_equal(strstr(reason, "site a has not answered: "), reason);
    assert_string_equal(text(row(answer, "nodes", "name", "b1"), "state"), "adopted");
    json_decref(answer);
    assert_ok(bus_reply(f->a.nats, f->a.reply_to, json("{'answer': {'nodes': []}}")));
    const struct bus *to_a = sites_peer_bus(f->sites, sites_find_peer(f->sites, "a"));
    RUN_UNTIL(f->loop, bus_counter(to_a, BUS_DROPPED_LATE_REPLY) == 1);
    f->a.manner = ANSWERS;
    assert_same(ask(f, "lan.nodes", "{}"), "{'nodes': [" NODE("cc1") "," NODE("a1") "," NODE(
                                               "a2") "," NODE("b1") "," NOBODYS "]}");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_nodes_of_all_sites_are_told),
        TEST(of_a_link_that_two_know_the_worse_is_told),
        TEST(who_has_no_node_of_it_is_not_asked),
        TEST(a_proof_holds_where_all_proofs_hold),
        TEST(an_answer_is_as_proved_as_the_least),
        TEST(conditions_of_all_nodes_are_told_the_worst_first),
        TEST(conditions_that_nobody_judges_are_unknown),
        TEST(a_site_that_is_away_is_told_with_what_it_has),
        TEST(an_error_is_told_with_the_name_of_the_site),
        TEST(nonsense_is_no_answer),
        TEST(a_site_speaks_of_its_own_alone),
        TEST(the_first_of_two_answers_counts),
        TEST(what_comes_too_late_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
