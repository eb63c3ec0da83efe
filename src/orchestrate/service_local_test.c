/* Local work: what people at a site may decide while it is cut off, by the policy of the centre,
 * and what becomes of it. The site's journal is real; what the centre's says is told to the state.
 */
#include "orchestrate/service_testing.h"

#include "model/local.h"

#define NUMBER 7u /* of the site */
#define FIRST (NUMBER * EXCEPTION_IDS + 1)
#define HOUR (3600 * NSEC_PER_SEC)

/* The site "lab" with a node and two hosts, and another one. `in`, `ring` and `spare` lie within
 * it, `far` does not. */
#define HOST(name, octet, node, port)                                                              \
    "{'name': '" name "', 'mac': '02:00:00:00:00:0" octet "', 'ipv4': '10.0.0." octet              \
    "/24', 'node': '" node "', 'port': " port "}"
#define NODE(name, site, id)                                                                       \
    "{'name': '" name "', 'site': '" site "', 'kind': 'tieline-edge', 'datapath-id': "             \
    "'000000000000000" id "', 'port': [{'number': 1, 'name': 'p1'}, {'number': 2, 'name': 'p2'},"  \
    " {'number': 3, 'name': 'p3'}]}"
#define CIRCUIT(name, server, port, rate)                                                          \
    "{'name': '" name "', 'ip': {'client': 'h1', 'server': '" server                               \
    "', 'protocol': 'tcp', 'server-ports': [" port                                                 \
    "]}, 'service-class': 'scada', 'rate-kbps': " rate ", 'burst-octets': 3000}"
#define INVENTORY                                                                                  \
    "{'tieline-inventory:inventory': {"                                                            \
    " 'site': [{'name': 'lab', 'kind': 'substation'}, {'name': 'b', 'kind': 'substation'}],"       \
    " 'node': [" NODE("na", "lab", "1") "," NODE(                                                  \
        "nb", "b",                                                                                 \
        "2") "],"                                                                                  \
             " 'host': [" HOST("h1", "1", "na", "1") "," HOST("h2", "2", "na", "2") "," HOST(      \
                 "h3", "3", "nb",                                                                  \
                 "1") "],"                                                                         \
                      " 'link': [{'name': 'na-nb', 'a': {'node': 'na', 'port': 3}, 'b': {'node': " \
                      "'nb', 'port': 3},"                                                          \
                      "   'delay-us': 5, 'capacity-kbps': 1000000}]},"                             \
                      " 'tieline-circuit:circuits': {'circuit': [" CIRCUIT(                        \
                          "in", "h2", "502",                                                       \
                          "100") "," CIRCUIT("ring", "h2", "503",                                  \
                                             "100") "," CIRCUIT("spare", "h2", "504",              \
                                                                "100") "," CIRCUIT("far", "h3",    \
                                                                                   "502",          \
                                                                                   "100") "]}}"
#define DESIGN(name, number, links)                                                                \
    "{'circuit': '" name "', 'number': " number                                                    \
    ", 'disjoint': 'none', 'primary': {'links': [" links "]}}"
#define RESERVED                                                                                   \
    "{'order': 1, 'designs': [" DESIGN("in", "1", "") "," DESIGN("ring", "2", "") "," DESIGN(      \
        "spare", "3", "") "," DESIGN("far", "4", "'na-nb'") "]}"
#define WANTED "{'order': 1, 'circuits': ['in', 'ring', 'far']}"

/* ---- The centre's journal ---- */

/* What has been told, so that the next state is told it again. One bench at a time. */
static struct {
    const char *type, *body;
    uint32_t site;
    uint64_t seq;
} told[32];
static size_t n_told;
static uint64_t n_centre;
static bool is_cut_off;

static void
apply_told(struct bench *b, size_t i)
{
    struct diag why = {""};
    json_t *body = json_quoted(told[i].body);
    const struct state_event event = {.seq = told[i].seq,
                                      .time = T0 - HOUR + (nsec_t)i,
                                      .type = told[i].type,
                                      .object = "x/y",
                                      .actor = "erin",
                                      .body = body,
                                      .site = told[i].site};
    if (state_apply(b->state, &event, &why))
        fail_msg("%s: %s", told[i].type, why.text);
    json_decref(body);
}

static void
tell_all(struct bench *b)
{
    for (size_t i = 0; i < n_told; i++)
        apply_told(b, i);
}

static void
tell_from(struct bench *b, uint32_t site, uint64_t seq, const char *type, const char *body)
{
    assert_true(n_told < ARRAY_SIZE(told));
    told[n_told].type = type;
    told[n_told].body = body;
    told[n_told].site = site;
    told[n_told].seq = seq;
    apply_told(b, n_told++);
}

static void
tell(struct bench *b, const char *type, const char *body)
{
    tell_from(b, 0, ++n_centre, type, body);
}

#define SETTINGS(text) "{'tieline-inventory:inventory': {'settings': {" text "}}}"

static void
allow(struct bench *b, const char *settings)
{
    tell(b, "model.put", settings);
}

static bool
cut_off(void *arg UNUSED)
{
    return is_cut_off;
}

static int
set_up(void **state)
{
    struct bench *b = bench_new();
    n_told = 0;
    n_centre = 0;
    is_cut_off = true;
    b->number = NUMBER;
    b->cut_off = cut_off;
    b->tell_state = tell_all;
    bench_restart(b);
    tell(b, "model.put", INVENTORY);
    tell(b, "circuit.reserved", RESERVED);
    tell(b, "circuit.wanted", WANTED);
    *state = b;
    return 0;
}

/* ---- Words ---- */

static json_t *
request(const char *who, const char *circuit)
{
    return json_pack("{ss ss ss ss ss ss}", "actor", who, "role", "OPERATOR", "right",
                     "certificate", "right-id", "cert-1", "circuit", circuit, "comment", "smoke");
}

static json_t *
with(json_t *payload, const char *member, json_t *value)
{
    json_object_set_new(payload, member, value);
    return payload;
}

static json_t *
without(json_t *payload, const char *member)
{
    json_object_del(payload, member);
    return payload;
}

static json_t *
about(const char *who, json_int_t id, const char *hash)
{
    json_t *payload = json_pack("{ss ss ss ss sI}", "actor", who, "role", "SECADM", "right",
                                "session", "right-id", "s-1", "id", id);
    return hash ? with(payload, "hash", json_string(hash)) : payload;
}

static bool
is_wanted(const struct bench *b, const char *circuit)
{
    return local_is_wanted(b->state, circuit, bench_now, 0, NULL);
}

static const struct local_work *
work(const struct bench *b, uint32_t id)
{
    const struct local_work *w = local_find(&b->state->local, id);
    assert_non_null(w);
    return w;
}

static struct local_verdict
verdict(const struct bench *b, uint32_t id)
{
    return local_judge(b->state, work(b, id), bench_now);
}

static const char *
ended_because(const struct bench *b, uint32_t id)
{
    const struct local_work *w = work(b, id);
    return w->ended_here.by ? w->ended_here.right : NULL;
}

/* The body of the newest event of this type; the caller owns it. */
static json_t *
newest(struct bench *b, const char *type)
{
    json_t *events = bench_events(b, type);
    size_t n = json_array_size(events);
    assert_true(n > 0);
    json_t *body = json_incref(json_object_get(json_array_get(events, n - 1), "body"));
    json_decref(events);
    return body;
}

static void
assert_text(const json_t *object, const char *member, const char *expected)
{
    const char *text = json_string_value(json_object_get(object, member));
    assert_non_null(text);
    assert_string_equal(text, expected);
}

/* Proposes to build `spare`: the hash of it, which the caller owns. */
static char *
propose_spare(struct bench *b)
{
    json_t *w = bench_ask(b, "local.propose", request("olga", "spare"));
    char *hash = xstrdup(json_string_value(json_object_get(w, "hash")));
    assert_text(w, "state", "waiting");
    json_decref(w);
    return hash;
}

#define DISABLE SETTINGS("'local-work': 'disable', 'local-work-hours': 2")
#define ALL SETTINGS("'local-work': 'all', 'local-work-hours': 2")
#define ALL_STAYS SETTINGS("'local-work': 'all', 'local-conflict': 'local-stays'")

/* ---- May it be done? ---- */

static void
the_policy_of_the_centre_says_what_may_be_done(void **state)
{
    static const struct {
        const char *settings; /* NULL: nothing is stated */
        bool stop, build;
        const char *word;
    } cases[] = {
        {NULL, false, false, "(none)"},
        {SETTINGS("'local-work': 'none'"), false, false, "(none)"},
        {DISABLE, true, false, "(disable)"},
        {ALL, true, true, ""},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (cases[i].settings)
            allow(b, cases[i].settings);
        if (cases[i].stop) {
            bench_do(b, "local.stop", request("olga", "in"));
            bench_do(b, "local.end", request("olga", "in"));
        } else {
            bench_refused(b, "local.stop", request("olga", "in"), ERR_DENIED, cases[i].word);
        }
        if (cases[i].build)
            bench_do(b, "local.propose", request("olga", "spare"));
        else
            bench_refused(b, "local.propose", request("olga", "spare"), ERR_DENIED, cases[i].word);
    }
    assert_int_equal(bench_n_events(b, "local.stopped"), 2);
    assert_int_equal(bench_n_events(b, "local.proposed"), 1);
}

static void
while_the_centre_answers_it_decides(void **state)
{
    struct bench *b = *state;
    allow(b, ALL);
    is_cut_off = false;
    bench_refused(b, "local.stop", request("olga", "in"), ERR_CONFLICT, "can be reached");
    bench_refused(b, "local.propose", request("olga", "spare"), ERR_CONFLICT, "can be reached");
    bench_refused(b, "local.stop",
                  with(request("olga", "in"), "even-if-connected", json_string("true")),
                  ERR_CONFLICT, "can be reached");
    bench_do(b, "local.stop", with(request("olga", "in"), "even-if-connected", json_true()));
    json_t *body = newest(b, "local.stopped");
    assert_true(json_is_false(json_object_get(body, "cut-off")));
    json_decref(body);
    assert_false(is_wanted(b, "in"));
}

static void
it_is_about_circuits_of_the_site_as_they_are(void **state)
{
    static const struct {
        const char *subject, *circuit;
        enum err err;
        const char *says;
    } cases[] = {
        {"local.stop", "nothing", ERR_NOT_FOUND, "no circuit nothing"},
        {"local.stop", "far", ERR_DENIED, "far is not wholly at this site"},
        {"local.propose", "far", ERR_DENIED, "far is not wholly at this site"},
        {"local.stop", "spare", ERR_CONFLICT, "circuit spare is reserved"},
        {"local.propose", "in", ERR_CONFLICT, "circuit in is building"},
    };
    struct bench *b = *state;
    allow(b, ALL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        bench_refused(b, cases[i].subject, request("olga", cases[i].circuit), cases[i].err,
                      cases[i].says);
    bench_do(b, "local.stop", request("olga", "in"));
    bench_refused(b, "local.stop", request("sam", "in"), ERR_CONFLICT, "local/28000001 holds");
    assert_int_equal(bench_n_events(b, "local."), 1);
}

static void
words_are_asked_for(void **state)
{
    struct bench *b = *state;
    char longest[258];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    allow(b, DISABLE);
    bench_refused(b, "local.stop", without(request("olga", "in"), "comment"), ERR_INVALID,
                  "comment");
    bench_refused(b, "local.stop", with(request("olga", "in"), "comment", json_string("")),
                  ERR_INVALID, "comment");
    bench_refused(b, "local.stop", with(request("olga", "in"), "comment", json_string(longest)),
                  ERR_INVALID, "comment");
    static const json_int_t hours[] = {0, -1, 3, INT64_MAX};
    for (size_t i = 0; i < ARRAY_SIZE(hours); i++)
        bench_refused(b, "local.stop", with(request("olga", "in"), "hours", json_integer(hours[i])),
                      ERR_DENIED, "allows 1 to 2");
    bench_refused(b, "local.stop", with(request("olga", "in"), "hours", json_string("1")),
                  ERR_DENIED, "allows 1 to 2");
    bench_do(b, "local.stop", with(request("olga", "in"), "hours", json_integer(1)));
    assert_int_equal(work(b, FIRST)->until, bench_now + HOUR);
    bench_do(b, "local.stop", request("olga", "ring"));
    assert_int_equal(work(b, FIRST + 1)->until, bench_now + 2 * HOUR);
}

/* ---- Stop and resume ---- */

static void
what_is_stopped_is_out_until_somebody_resumes_it(void **state)
{
    struct bench *b = *state;
    allow(b, DISABLE);
    assert_true(is_wanted(b, "in"));
    json_t *w = bench_ask(b, "local.stop", request("olga", "in"));
    assert_int_equal(json_integer_value(json_object_get(w, "id")), FIRST);
    assert_text(w, "state", "holds");
    json_decref(w);
    assert_false(is_wanted(b, "in"));
    assert_true(is_wanted(b, "ring"));
    json_t *body = newest(b, "local.stopped");
    assert_text(body, "circuit", "in");
    assert_text(body, "site", "lab");
    assert_text(body, "role", "OPERATOR");
    assert_text(body, "right", "certificate");
    assert_text(body, "right-id", "cert-1");
    assert_text(body, "comment", "smoke");
    assert_true(json_is_true(json_object_get(body, "cut-off")));
    assert_int_equal(json_integer_value(json_object_get(body, "based-on")), n_centre);
    json_decref(body);

    bench_restart(b);
    assert_false(is_wanted(b, "in"));
    bench_do(b, "local.end", request("sam", "in"));
    assert_true(is_wanted(b, "in"));
    assert_string_equal(ended_because(b, FIRST), "resumed");
    bench_refused(b, "local.end", request("sam", "in"), ERR_NOT_FOUND, "no local work holds");
    bench_refused(b, "local.end", about("sam", FIRST, NULL), ERR_CONFLICT, "is over: resumed");
    bench_refused(b, "local.end", about("sam", 5, NULL), ERR_NOT_FOUND, "no local work 5");
}

/* Not even those that only an exception of the centre remembers: our journal is another one. */
static void
no_number_is_used_twice(void **state)
{
    struct bench *b = *state;
    allow(b, DISABLE);
    bench_do(b, "local.stop", request("olga", "in"));
    bench_do(b, "local.end", request("olga", "in"));
    bench_restart(b);
    bench_do(b, "local.stop", request("olga", "in"));
    assert_int_equal(local_about(b->state, "in", bench_now)->id, FIRST + 1);
    tell(b, "exception.raised",
         "{'id': 3, 'kind': 'local-work', 'severity': 'minor', 'object': 'local/28000009',"
         " 'text': 'x', 'evidence': {}}");
    tell(b, "exception.raised",
         "{'id': 4, 'kind': 'local-work', 'severity': 'minor', 'object': 'local/32000019',"
         " 'text': 'x', 'evidence': {}}");
    bench_do(b, "local.stop", request("olga", "ring"));
    assert_int_equal(local_about(b->state, "ring", bench_now)->id, FIRST + 9);
}

/* ---- Build ---- */

static void
a_build_needs_two_persons_and_one_thing(void **state)
{
    struct bench *b = *state;
    allow(b, ALL);
    char *hash = propose_spare(b);
    assert_false(is_wanted(b, "spare"));
    bench_refused(b, "local.agree", about("olga", FIRST, hash), ERR_DENIED,
                  "another person is needed");
    bench_refused(b, "local.agree", about("sam", FIRST, NULL), ERR_CONFLICT, "not the hash");
    bench_refused(b, "local.agree", about("sam", FIRST, "abc"), ERR_CONFLICT, "not the hash");
    bench_refused(b, "local.agree", about("sam", FIRST + 1, hash), ERR_NOT_FOUND, "no local work");
    assert_false(is_wanted(b, "spare"));
    json_t *w = bench_ask(b, "local.agree", about("sam", FIRST, hash));
    assert_text(w, "state", "holds");
    json_decref(w);
    assert_true(is_wanted(b, "spare"));
    json_t *body = newest(b, "local.agreed");
    assert_text(body, "hash", hash);
    assert_text(body, "role", "SECADM");
    assert_text(body, "right", "session");
    json_decref(body);
    bench_refused(b, "local.agree", about("mia", FIRST, hash), ERR_CONFLICT, "waits for nobody");
    bench_do(b, "local.end", about("sam", FIRST, NULL));
    assert_false(is_wanted(b, "spare"));
    free(hash);
}

/* The second looks at what is to be built now, not at what it was. */
static void
what_has_changed_is_not_agreed_to(void **state)
{
    struct bench *b = *state;
    allow(b, ALL_STAYS);
    char *hash = propose_spare(b);
    tell(b, "model.put",
         "{'tieline-circuit:circuits': {'circuit': [" CIRCUIT("spare", "h2", "504", "200") "]}}");
    bench_refused(b, "local.agree", about("sam", FIRST, hash), ERR_CONFLICT, "not that any more");
    free(hash);
}

static void
the_policy_counts_when_it_is_agreed_to(void **state)
{
    struct bench *b = *state;
    allow(b, ALL);
    char *hash = propose_spare(b);
    allow(b, DISABLE);
    bench_refused(b, "local.agree", about("sam", FIRST, hash), ERR_CONFLICT, "is over: policy");
    free(hash);
    bench_do(b, "local.stop", request("olga", "in"));
    bench_refused(b, "local.agree", about("sam", FIRST + 1, "abc"), ERR_CONFLICT,
                  "waits for nobody");
}

/* ---- What becomes of it ---- */

static void
its_time_ends_it_once(void **state)
{
    struct bench *b = *state;
    allow(b, DISABLE);
    bench_do(b, "local.stop", with(request("olga", "in"), "hours", json_integer(1)));
    bench_do(b, "local.stop", request("olga", "ring"));
    bench_now += HOUR - 1;
    assert_false(is_wanted(b, "in"));
    bench_now += 1;
    assert_true(is_wanted(b, "in"));
    assert_false(is_wanted(b, "ring"));
    RUN_UNTIL(b->loop, ended_because(b, FIRST));
    assert_string_equal(ended_because(b, FIRST), "expired");
    bench_restart(b);
    bench_now += HOUR;
    RUN_UNTIL(b->loop, ended_because(b, FIRST + 1)); /* it has looked at both again */
    assert_int_equal(bench_n_events(b, "local.ended"), 2);
}

/* It was expired while nobody ran. */
static void
it_is_said_by_the_next_program(void **state)
{
    struct bench *b = *state;
    allow(b, DISABLE);
    bench_do(b, "local.stop", request("olga", "in"));
    bench_now += 3 * HOUR;
    bench_restart(b);
    assert_true(is_wanted(b, "in"));
    RUN_UNTIL(b->loop, ended_because(b, FIRST));
    assert_string_equal(ended_because(b, FIRST), "expired");
}

static void
the_centre_ends_it(void **state)
{
    static const struct {
        const char *settings, *type, *body, *reason;
    } cases[] = {
        {ALL_STAYS, "model.put", SETTINGS("'local-work': 'none'"), "policy"},
        {ALL, "model.put", SETTINGS("'local-work': 'none'"), "policy"},
        {ALL, "circuit.unwanted", "{'order': 2, 'circuits': ['in']}", "conflict"},
    };
    struct bench *b = *state;
    for (uint32_t i = 0; i < ARRAY_SIZE(cases); i++) {
        allow(b, cases[i].settings);
        bench_do(b, "local.stop", request("olga", "in"));
        assert_int_equal(verdict(b, FIRST + i).state, LOCAL_HOLDS);
        tell(b, cases[i].type, cases[i].body);
        RUN_UNTIL(b->loop, ended_because(b, FIRST + i));
        assert_string_equal(ended_because(b, FIRST + i), cases[i].reason);
        json_t *body = newest(b, "local.ended");
        assert_int_equal(json_integer_value(json_object_get(body, "known")), n_centre);
        json_decref(body);
    }
    assert_int_equal(bench_n_events(b, "local.ended"), ARRAY_SIZE(cases));
}

/* What the centre gives back cannot be built, whoever wins. */
static void
what_is_not_reserved_any_more_is_not_built(void **state)
{
    struct bench *b = *state;
    allow(b, ALL_STAYS);
    char *hash = propose_spare(b);
    bench_do(b, "local.agree", about("sam", FIRST, hash));
    assert_true(is_wanted(b, "spare"));
    tell(b, "circuit.released", "{'order': 3, 'circuits': ['spare']}");
    assert_false(is_wanted(b, "spare"));
    RUN_UNTIL(b->loop, ended_because(b, FIRST));
    assert_string_equal(ended_because(b, FIRST), "elsewhere");
    free(hash);
}

static const struct exception *
raised(const struct bench *b, const char *kind, uint32_t id)
{
    char object[32];
    snprintf(object, sizeof object, "local/%u", id);
    return state_open_exception(b->state, kind, object);
}

/* The work stays; both sides' story is told, by the site if the centre does not. */
static void
a_conflict_is_told_by_the_site_if_nobody_does(void **state)
{
    struct bench *b = *state;
    allow(b, ALL_STAYS);
    bench_do(b, "local.stop", request("olga", "in"));
    bench_do(b, "local.stop", request("olga", "ring"));
    tell(b, "circuit.unwanted", "{'order': 9, 'circuits': ['in', 'ring']}");
    tell(b, "exception.raised",
         "{'id': 5, 'kind': 'local-conflict', 'severity': 'major', 'object': 'local/28000002',"
         " 'text': 'told', 'evidence': {}}");
    RUN_UNTIL(b->loop, raised(b, "local-conflict", FIRST));
    const struct exception *e = raised(b, "local-conflict", FIRST);
    assert_true(exception_site(e->id) == NUMBER);
    assert_non_null(strstr(e->text, "olga has stopped it at lab"));
    assert_non_null(strstr(e->text, "by order 9"));
    assert_non_null(strstr(e->text, "The local work stays."));
    assert_int_equal(verdict(b, FIRST).state, LOCAL_HOLDS);
    assert_int_equal(bench_n_events(b, "exception.raised"), 1); /* the other was told already */
    assert_null(raised(b, "local-work", FIRST));                /* which is the centre's to tell */
}

/* ---- At the centre ---- */

#define STOPPED                                                                                    \
    "{'id': 28000001, 'circuit': 'in', 'site': 'lab', 'based-on': 4, 'comment': 'smoke', "         \
    "'role': 'OPERATOR', 'until': '2100-01-01T00:00:00Z'}"

static void
be_the_centre(struct bench *b)
{
    b->number = 0;
    b->cut_off = NULL;
    bench_restart(b);
}

static void
the_centre_decides_by_orders_and_ends_what_sites_did(void **state)
{
    struct bench *b = *state;
    allow(b, DISABLE);
    be_the_centre(b);
    bench_refused(b, "local.stop", request("olga", "in"), ERR_UNSUPPORTED, "control centre");
    bench_refused(b, "local.propose", request("olga", "in"), ERR_UNSUPPORTED, "control centre");
    bench_now = T0 - HOUR + NSEC_PER_SEC;
    tell_from(b, NUMBER, 1, "local.stopped", STOPPED);
    assert_false(is_wanted(b, "in"));
    bench_refused(b, "local.agree", about("sam", FIRST, "abc"), ERR_UNSUPPORTED, "at its site");
    RUN_UNTIL(b->loop, raised(b, "local-work", FIRST));
    const struct exception *e = raised(b, "local-work", FIRST);
    assert_non_null(strstr(e->text, "lab: erin has stopped circuit in there"));
    assert_non_null(strstr(e->text, "smoke"));
    bench_do(b, "local.end", with(about("sam", FIRST, NULL), "comment", json_string("all clear")));
    json_t *body = newest(b, "local.ended");
    assert_text(body, "reason", "centre");
    assert_text(body, "text", "all clear");
    json_decref(body);
    assert_true(is_wanted(b, "in"));
    assert_int_equal(bench_n_events(b, "exception.raised"), 1);
}

/* A site ends what is its own. */
static void
a_site_does_not_end_the_work_of_another(void **state)
{
    struct bench *b = *state;
    allow(b, DISABLE);
    tell_from(b, NUMBER + 1, 1, "local.stopped",
              "{'id': 32000001, 'circuit': 'in', 'site': 'lab', 'based-on': 4, 'comment': 'x', "
              "'role': 'OPERATOR', 'until': '2100-01-01T00:00:00Z'}");
    bench_refused(b, "local.end", about("sam", 32000001, NULL), ERR_UNSUPPORTED,
                  "is of another site");
}

static void
the_list_says_what_is_allowed(void **state)
{
    struct bench *b = *state;
    json_t *list = bench_ask(b, "local.list", json_object());
    assert_text(list, "policy", "none");
    assert_text(list, "conflict", "centre-wins");
    assert_int_equal(json_integer_value(json_object_get(list, "hours")), 24);
    assert_true(json_is_true(json_object_get(list, "cut-off")));
    assert_int_equal(json_array_size(json_object_get(list, "works")), 0);
    json_decref(list);
    allow(b, ALL_STAYS);
    is_cut_off = false;
    bench_do(b, "local.stop", with(request("olga", "in"), "even-if-connected", json_true()));
    list = bench_ask(b, "local.list", json_object());
    assert_text(list, "policy", "all");
    assert_text(list, "conflict", "local-stays");
    assert_true(json_is_false(json_object_get(list, "cut-off")));
    assert_text(json_array_get(json_object_get(list, "works"), 0), "circuit", "in");
    json_decref(list);
}

static void
the_centre_is_not_cut_off_from_itself(void **state)
{
    struct bench *b = *state;
    be_the_centre(b);
    json_t *list = bench_ask(b, "local.list", json_object());
    assert_text(list, "policy", "none");
    assert_null(json_object_get(list, "cut-off"));
    json_decref(list);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_policy_of_the_centre_says_what_may_be_done),
        TEST(while_the_centre_answers_it_decides),
        TEST(it_is_about_circuits_of_the_site_as_they_are),
        TEST(words_are_asked_for),
        TEST(what_is_stopped_is_out_until_somebody_resumes_it),
        TEST(no_number_is_used_twice),
        TEST(a_build_needs_two_persons_and_one_thing),
        TEST(what_has_changed_is_not_agreed_to),
        TEST(the_policy_counts_when_it_is_agreed_to),
        TEST(its_time_ends_it_once),
        TEST(it_is_said_by_the_next_program),
        TEST(the_centre_ends_it),
        TEST(what_is_not_reserved_any_more_is_not_built),
        TEST(a_conflict_is_told_by_the_site_if_nobody_does),
        TEST(the_centre_decides_by_orders_and_ends_what_sites_did),
        TEST(a_site_does_not_end_the_work_of_another),
        TEST(the_list_says_what_is_allowed),
        TEST(the_centre_is_not_cut_off_from_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
