/* Local work: two journals that were written apart make one state, in whatever order they meet. */
#include "model/local.h"

#include "base/testing.h"
#include "model/state.h"

#include <stdlib.h>

#define SITE 3u
#define ID (SITE * EXCEPTION_IDS + 1)
#define AT(seconds) ((nsec_t)(seconds)*NSEC_PER_SEC)

/* An event of a journal: its seq is its place there. Bodies are written with ' for ". */
struct told {
    nsec_t time;
    const char *type, *actor, *body;
};

struct journal {
    uint32_t site;
    size_t n;
    const struct told *events;
};

static json_t *
quoted(const char *text)
{
    char *copy = strdup(text);
    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *json = json_loads(copy, 0, NULL);
    if (!json)
        fail_msg("%s", text);
    free(copy);
    return json;
}

static enum err
tell(struct state *state, const struct journal *j, size_t i, struct diag *diag)
{
    json_t *body = quoted(j->events[i].body);
    const struct state_event event = {.seq = i + 1,
                                      .time = j->events[i].time,
                                      .type = j->events[i].type,
                                      .object = "x/y",
                                      .actor = j->events[i].actor,
                                      .body = body,
                                      .site = j->site};
    enum err err = state_apply(state, &event, diag);
    json_decref(body);
    return err;
}

static void
tell_well(struct state *state, const struct journal *j, size_t i)
{
    struct diag diag = {""};
    if (tell(state, j, i, &diag))
        fail_msg("%s", diag.text);
}

/* Two substations with two hosts each at one node, a link between; circuits `in` (within a) and
 * `over` (a to b), and `spare`, within a. */
#define HOST(name, octet, node, port)                                                              \
    "{'name': '" name "', 'mac': '02:00:00:00:00:0" octet "', 'ipv4': '10.0.0." octet              \
    "/24', 'node': '" node "', 'port': " port "}"
#define NODE(name, site, id)                                                                       \
    "{'name': '" name "', 'site': '" site "', 'kind': 'tieline-edge', 'datapath-id': "             \
    "'000000000000000" id "', 'port': [{'number': 1, 'name': 'p1'}, {'number': 2, 'name': 'p2'},"  \
    " {'number': 3, 'name': 'p3'}]}"
#define CIRCUIT(name, server, port, more)                                                          \
    "{'name': '" name "', 'ip': {'client': 'h1', 'server': '" server                               \
    "', 'protocol': 'tcp', 'server-ports': [" port                                                 \
    "]}, 'service-class': 'scada', 'rate-kbps': 100, 'burst-octets': 3000" more "}"
#define PUT(settings)                                                                              \
    "{'tieline-inventory:inventory': {'settings': " settings                                       \
    ", 'site': [{'name': 'a', 'kind': 'substation'}, {'name': 'b', 'kind': 'substation'}],"        \
    " 'node': [" NODE("na", "a", "1") "," NODE(                                                    \
        "nb", "b",                                                                                 \
        "2") "],"                                                                                  \
             " 'host': [" HOST("h1", "1", "na", "1") "," HOST("h2", "2", "na", "2") "," HOST(      \
                 "h3", "3", "nb", "1") "],"                                                        \
                                       " 'link': [{'name': 'na-nb', 'a': {'node': 'na', 'port': "  \
                                       "3}, 'b': {'node': 'nb', 'port': 3},"                       \
                                       "   'delay-us': 5, 'capacity-kbps': 1000000}]},"            \
                                       " 'tieline-circuit:circuits': {'circuit': [" CIRCUIT(       \
                                           "in", "h2", "502",                                      \
                                           "") "," CIRCUIT("over", "h3", "502",                    \
                                                           "") "," CIRCUIT("spare", "h2", "503",   \
                                                                           "") "]}}"
#define DESIGN(name, number, links)                                                                \
    "{'circuit': '" name "', 'number': " number                                                    \
    ", 'disjoint': 'none', 'primary': {'links': [" links "]}}"
#define RESERVED                                                                                   \
    "{'order': 1, 'designs': [" DESIGN("in", "1", "") "," DESIGN(                                  \
        "over", "2", "'na-nb'") "," DESIGN("spare", "3", "") "]}"
#define STOP(id, circuit, site, based_on)                                                          \
    "{'id': " id ", 'circuit': '" circuit "', 'site': '" site "', 'based-on': " based_on           \
    ", 'until': '1970-01-01T01:00:00Z', 'comment': 'smoke', 'role': 'OPERATOR'}"

#define BASE(settings)                                                                             \
    {AT(1), "model.put", "erin", PUT(settings)},                                                   \
        {AT(2), "circuit.reserved", "system/orchestrate", RESERVED},                               \
    {                                                                                              \
        AT(3), "circuit.wanted", "system/orchestrate", "{'order': 1, 'circuits': ['in', 'over']}"  \
    }
#define JOURNAL(site, events) ((const struct journal){site, ARRAY_SIZE(events), events})

/* What both sides show and do at this time. */
static char *
picture(const struct state *state, nsec_t now)
{
    static const char *const circuits[] = {"in", "over", "spare"};
    json_t *all = json_object();
    for (const struct local_work *w = state->local.works; w; w = w->hh.next) {
        char id[16];
        snprintf(id, sizeof id, "%u", w->id);
        if (w->known)
            json_object_set_new(all, id, local_work_to_json(state, w, now));
    }
    for (size_t i = 0; i < ARRAY_SIZE(circuits); i++) {
        const char *why;
        bool wanted = local_is_wanted(state, circuits[i], now, 0, &why);
        json_object_set_new(all, circuits[i], json_string(wanted ? "in the nodes" : why));
    }
    char *text = json_dumps(all, JSON_SORT_KEYS);
    json_decref(all);
    return text;
}

static void
assert_wanted(const struct state *state, const char *circuit, nsec_t now, const char *expected)
{
    const char *why;
    assert_int_equal(local_is_wanted(state, circuit, now, 0, &why), !expected);
    if (expected)
        assert_string_equal(why, expected);
}

static struct state *
fold(const struct journal *a, const struct journal *b)
{
    struct state *state = state_new();
    for (size_t i = 0; i < a->n; i++)
        tell_well(state, a, i);
    for (size_t i = 0; b && i < b->n; i++)
        tell_well(state, b, i);
    return state;
}

/* ---- Any order ---- */

/* Goes through all ways in which the two can reach a reader. The state cannot be taken back, so
 * each is folded from its beginning: `way` says, bit by bit, whose turn it is. */
static void
assert_any_order(const struct journal *centre, const struct journal *site)
{
    nsec_t times[] = {AT(25), AT(55), AT(4000)};
    char *expected[ARRAY_SIZE(times)];
    struct state *state = fold(centre, site);
    size_t n = centre->n + site->n, n_ways = 0;
    for (size_t t = 0; t < ARRAY_SIZE(times); t++)
        expected[t] = picture(state, times[t]);
    state_free(state);
    assert_true(n < 20);
    for (uint32_t way = 0; way < 1u << n; way++) {
        if ((size_t)__builtin_popcount(way) != site->n)
            continue;
        size_t i = 0, k = 0;
        state = state_new();
        for (size_t turn = 0; turn < n; turn++) {
            if (way >> turn & 1)
                tell_well(state, site, k++);
            else
                tell_well(state, centre, i++);
        }
        for (size_t t = 0; t < ARRAY_SIZE(times); t++) {
            char *got = picture(state, times[t]);
            if (strcmp(got, expected[t]))
                fail_msg("way %x: %s\n not %s", way, got, expected[t]);
            free(got);
        }
        state_free(state);
        n_ways++;
    }
    assert_true(n_ways > 50);
    for (size_t t = 0; t < ARRAY_SIZE(times); t++)
        free(expected[t]);
}

#define ALL "'local-work': 'all'"

static const struct told site_events[] = {
    {AT(10), "local.stopped", "olga", STOP("12000001", "in", "a", "3")},
    {AT(11), "local.proposed", "olga",
     "{'id': 12000002, 'circuit': 'spare', 'site': 'a', 'based-on': 3, 'hash': 'abc',"
     " 'until': '1970-01-01T00:00:50Z', 'comment': 'needed'}"},
    {AT(12), "local.agreed", "sam", "{'id': 12000002, 'hash': 'abc', 'role': 'SECADM'}"},
    {AT(13), "local.stopped", "olga", STOP("12000003", "over", "a", "3")},
    {AT(14), "circuit.expired", "system/lan",
     "{'circuit': 'spare', 'end': '1970-01-01T00:00:01Z'}"},
    {AT(51), "local.ended", "system/orchestrate",
     "{'id': 12000002, 'known': 3, 'reason': 'expired', 'text': ''}"},
};

static void
any_order_of_the_journals_makes_the_same_state(void **unused UNUSED)
{
    static const struct told quiet[] = {BASE("{" ALL "}")};
    static const struct told conflicting[] = {
        BASE("{" ALL "}"),
        {AT(20), "circuit.unwanted", "system/orchestrate", "{'order': 2, 'circuits': ['in']}"},
        {AT(21), "circuit.wanted", "system/orchestrate", "{'order': 3, 'circuits': ['in']}"},
        {AT(22), "local.ended", "sue", "{'id': 12000003, 'known': 5, 'reason': 'centre'}"},
    };
    static const struct told staying[] = {
        BASE("{" ALL ", 'local-conflict': 'local-stays'}"),
        {AT(20), "model.put", "erin",
         "{'tieline-inventory:inventory': {'settings': {'local-work': 'disable',"
         " 'local-conflict': 'local-stays'}}}"},
        {AT(21), "circuit.wanted", "system/orchestrate", "{'order': 3, 'circuits': ['spare']}"},
        {AT(22), "local.ended", "sue", "{'id': 12000001, 'known': 5, 'reason': 'centre'}"},
    };
    const struct journal site = JOURNAL(SITE, site_events);
    assert_any_order(&JOURNAL(0, quiet), &site);
    assert_any_order(&JOURNAL(0, conflicting), &site);
    assert_any_order(&JOURNAL(0, staying), &site);
}

/* ---- What holds ---- */

static void
a_stop_holds_until_its_time_is_over(void **unused UNUSED)
{
    static const struct told centre[] = {BASE("{" ALL "}")};
    const struct journal site = {SITE, 1, site_events};
    struct state *state = fold(&JOURNAL(0, centre), &site);
    assert_wanted(state, "in", AT(20), "it is stopped at its site");
    assert_wanted(state, "over", AT(20), NULL);
    assert_wanted(state, "in", AT(3599), "it is stopped at its site");
    assert_wanted(state, "in", AT(3600), NULL);
    assert_string_equal(local_judge(state, local_find(&state->local, ID), AT(3600)).reason,
                        "expired");
    state_free(state);
}

static void
what_is_not_wholly_at_the_site_is_not_stopped(void **unused UNUSED)
{
    static const struct told centre[] = {BASE("{" ALL "}")};
    static const struct told claims[] = {
        {AT(10), "local.stopped", "olga", STOP("12000001", "over", "a", "3")},
        {AT(11), "local.stopped", "olga", STOP("12000002", "in", "b", "3")},
        {AT(12), "local.stopped", "olga", STOP("12000003", "none", "a", "3")},
    };
    struct state *state = fold(&JOURNAL(0, centre), &JOURNAL(SITE, claims));
    assert_wanted(state, "over", AT(20), NULL);
    assert_wanted(state, "in", AT(20), NULL);
    for (uint32_t id = ID; id < ID + 3; id++)
        assert_string_equal(local_judge(state, local_find(&state->local, id), AT(20)).reason,
                            "elsewhere");
    state_free(state);
}

static void
the_policy_says_what_holds(void **unused UNUSED)
{
    static const char *const settings[] = {"none", "disable", "all"};
    for (unsigned i = 0; i < 3; i++) {
        char *put = strdup(PUT("{'local-work': 'XXXXXXX'}"));
        char *at = strstr(put, "XXXXXXX");
        memcpy(at, settings[i], strlen(settings[i]));
        memset(at + strlen(settings[i]), '\'', 1);
        memset(at + strlen(settings[i]) + 1, ' ', 7 - strlen(settings[i]));
        const struct told centre[] = {
            {AT(1), "model.put", "erin", put},
            {AT(2), "circuit.reserved", "system/orchestrate", RESERVED},
            {AT(3), "circuit.wanted", "system/orchestrate", "{'order': 1, 'circuits': ['in']}"}};
        const struct journal site = {SITE, 3, site_events};
        struct state *state = fold(&JOURNAL(0, centre), &site);
        assert_wanted(state, "in", AT(20), i ? "it is stopped at its site" : NULL);
        assert_wanted(state, "spare", AT(20), i == 2 ? NULL : "it is not wanted in the network");
        state_free(state);
        free(put);
    }
}

static void
a_build_needs_another_person_and_the_same_hash(void **unused UNUSED)
{
    static const struct told centre[] = {BASE("{" ALL "}")};
    static const struct told second[] = {
        {AT(12), "local.agreed", "olga", "{'id': 12000002, 'hash': 'abc'}"},
        {AT(12), "local.agreed", "sam", "{'id': 12000002, 'hash': 'abd'}"},
        {AT(12), "local.agreed", "sam", "{'id': 12000001, 'hash': ''}"},
        {AT(12), "local.agreed", "sam", "{'id': 12000002, 'hash': 'abc'}"}};
    const struct journal site = {SITE, 2, site_events};
    struct state *state = fold(&JOURNAL(0, centre), &site);
    struct diag diag = {""};
    for (size_t i = 0; i < 3; i++)
        assert_err(tell(state, &JOURNAL(SITE, second), i, &diag), ERR_MALFORMED);
    assert_wanted(state, "spare", AT(20), "it is not wanted in the network");
    tell_well(state, &JOURNAL(SITE, second), 3);
    assert_wanted(state, "spare", AT(20), NULL);
    assert_wanted(state, "spare", AT(50), "it is not wanted in the network");
    state_free(state);
}

/* ---- Conflicts ---- */

static void
the_centre_wins_or_the_local_work_stays(void **unused UNUSED)
{
    static const struct told wins[] = {
        BASE("{" ALL "}"),
        {AT(20), "circuit.wanted", "system/orchestrate", "{'order': 3, 'circuits': ['in']}"}};
    static const struct told stays[] = {
        BASE("{" ALL ", 'local-conflict': 'local-stays'}"),
        {AT(20), "circuit.wanted", "system/orchestrate", "{'order': 3, 'circuits': ['in']}"}};
    const struct journal site = {SITE, 1, site_events};
    struct state *state = fold(&JOURNAL(0, wins), &site);
    struct local_verdict v = local_judge(state, local_find(&state->local, ID), AT(25));
    assert_string_equal(v.reason, "conflict");
    assert_int_equal(v.conflict->seq, 4);
    assert_int_equal(v.conflict->order, 3);
    assert_wanted(state, "in", AT(25), NULL);
    state_free(state);
    state = fold(&JOURNAL(0, stays), &site);
    v = local_judge(state, local_find(&state->local, ID), AT(25));
    assert_int_equal(v.state, LOCAL_HOLDS);
    assert_int_equal(v.conflict->seq, 4);
    assert_wanted(state, "in", AT(25), "it is stopped at its site");
    state_free(state);
}

/* What the centre means after the work has ended is no conflict with it. */
static void
what_ended_before_does_not_conflict(void **unused UNUSED)
{
    static const struct told centre[] = {
        BASE("{" ALL "}"),
        {AT(20), "circuit.unwanted", "system/orchestrate", "{'order': 3, 'circuits': ['in']}"}};
    static const struct told site[] = {
        {AT(10), "local.stopped", "olga", STOP("12000001", "in", "a", "3")},
        {AT(15), "local.ended", "olga", "{'id': 12000001, 'known': 3, 'reason': 'resumed'}"}};
    struct state *state = fold(&JOURNAL(SITE, site), &JOURNAL(0, centre));
    assert_null(local_judge(state, local_find(&state->local, ID), AT(25)).conflict);
    state_free(state);
}

/* ---- Whose word counts ---- */

static void
nobody_speaks_for_another_site(void **unused UNUSED)
{
    static const struct told centre[] = {BASE("{" ALL "}")};
    static const struct told forged[] = {
        {AT(10), "local.stopped", "olga", STOP("16000001", "in", "a", "3")},
        {AT(10), "local.stopped", "olga", STOP("1", "in", "a", "3")},
        {AT(10), "local.ended", "olga", "{'id': 16000001, 'reason': 'resumed'}"},
        {AT(10), "local.stopped", "olga", "{'id': 12000001, 'circuit': 'in'}"},
        {AT(10), "local.stopped", "olga",
         "{'id': 12000001, 'circuit': 'in', 'site': 'a', 'based-on': 3, 'until': 'late'}"},
        {AT(10), "local.stopped", "olga", STOP("12000001", "in", "a", "-1")},
    };
    struct state *state = fold(&JOURNAL(0, centre), NULL);
    struct diag diag = {""};
    for (size_t i = 0; i < ARRAY_SIZE(forged); i++)
        assert_err(tell(state, &JOURNAL(SITE, forged), i, &diag), ERR_MALFORMED);
    /* The centre decides by orders, not by local work. */
    assert_err(tell(state, &JOURNAL(0, forged), 1, &diag), ERR_MALFORMED);
    assert_wanted(state, "in", AT(20), NULL);
    state_free(state);
}

static void
a_journal_that_is_told_anew_leaves_nothing_behind(void **unused UNUSED)
{
    static const struct told centre[] = {
        BASE("{" ALL "}"),
        {AT(22), "local.ended", "sue", "{'id': 12000003, 'known': 5, 'reason': 'centre'}"}};
    const struct journal site = JOURNAL(SITE, site_events);
    struct state *state = fold(&JOURNAL(0, centre), &site);
    char *before = picture(state, AT(30));
    state_forget_site(state, SITE);
    assert_null(local_find(&state->local, ID));
    assert_wanted(state, "in", AT(30), NULL);
    for (size_t i = 0; i < site.n; i++)
        tell_well(state, &site, i);
    char *after = picture(state, AT(30));
    assert_string_equal(before, after);
    free(before);
    free(after);
    state_free(state);
}

/* ---- Windows ---- */

static void
nothing_is_wanted_outside_its_window(void **unused UNUSED)
{
    static const struct told centre[] = {
        BASE("{}"),
        {AT(4), "model.put", "erin",
         "{'tieline-circuit:circuits': {'circuit': [" CIRCUIT(
             "in", "h2", "502",
             ", 'window': {'start': '1970-01-01T00:00:30Z', 'end': '1970-01-01T00:01:00Z'}") "]}}"},
        {AT(61), "circuit.expired", "system/lan",
         "{'circuit': 'in', 'end': '1970-01-01T00:01:00Z'}"},
        {AT(70), "model.put", "erin",
         "{'tieline-circuit:circuits': {'circuit': [" CIRCUIT(
             "in", "h2", "502",
             ", 'window': {'start': '1970-01-01T00:00:30Z', 'end': '1970-01-01T00:02:00Z'}") "]}}"},
    };
    struct state *state = fold(&(const struct journal){0, 4, centre}, NULL);
    assert_wanted(state, "in", AT(29), "its window has not begun");
    assert_wanted(state, "in", AT(30), NULL);
    assert_wanted(state, "in", AT(60), "its window is over");
    assert_true(local_is_wanted(state, "in", AT(60), AT(5), NULL));
    /* Once it is known to be over, no clock brings it back; another window is another thing. */
    tell_well(state, &JOURNAL(0, centre), 4);
    assert_wanted(state, "in", AT(45), "its window is over");
    assert_false(local_is_wanted(state, "in", AT(45), AT(5), NULL));
    tell_well(state, &JOURNAL(0, centre), 5);
    assert_wanted(state, "in", AT(80), NULL);
    state_free(state);
}

TEST_MAIN(cmocka_unit_test(any_order_of_the_journals_makes_the_same_state),
          cmocka_unit_test(a_stop_holds_until_its_time_is_over),
          cmocka_unit_test(what_is_not_wholly_at_the_site_is_not_stopped),
          cmocka_unit_test(the_policy_says_what_holds),
          cmocka_unit_test(a_build_needs_another_person_and_the_same_hash),
          cmocka_unit_test(the_centre_wins_or_the_local_work_stays),
          cmocka_unit_test(what_ended_before_does_not_conflict),
          cmocka_unit_test(nobody_speaks_for_another_site),
          cmocka_unit_test(a_journal_that_is_told_anew_leaves_nothing_behind),
          cmocka_unit_test(nothing_is_wanted_outside_its_window))
