/* The journal over the API, page by page. */
#include "gateway/service_testing.h"

/* Event 1 is the scene's own. */
static void
append_rounds(struct api_scene *s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        struct journal_entry entries[] = {
            {"circuit.wanted", "circuit/a", "alice", "{}", 0},
            {"circuit.built", "circuit/a", "system/lan", "{}", 0},
            {"circuit.wanted", "circuit/b", "alice", "{}", 0},
        };
        for (size_t k = 0; k < ARRAY_SIZE(entries); k++)
            entries[k].type = k == 1 ? "test.built" : "test.wanted";
        assert_ok(append_and_wait(&s->base, entries, ARRAY_SIZE(entries)).err);
    }
}

/* "2 4 5 next 7": the events of a page. */
static char *
page(struct api_scene *s, const char *query)
{
    struct buf out = BUF_INIT;
    char *what = xasprintf("GET /api/v1/journal%s", query);
    struct answer a = ask(s, "ada", what, NULL);
    assert_status(a, 200);
    size_t i;
    json_t *event, *next = json_object_get(a.json, "next");
    json_array_foreach(json_object_get(a.json, "events"), i, event)
        buf_printf(&out, "%lld ", (long long)json_integer_value(json_object_get(event, "seq")));
    if (next)
        buf_printf(&out, "next %lld", (long long)json_integer_value(next));
    answer_fini(&a);
    free(what);
    return buf_steal_cstr(&out);
}

static void
pages_are_what_is_asked_for(void **state)
{
    struct api_scene *s = *state;
    append_rounds(s, 2);
    static const struct {
        const char *query, *page;
    } cases[] = {
        {"", "1 2 3 4 5 6 7 "},
        {"?from=6", "6 7 "},
        {"?from=8", ""},
        {"?from=9000000000000000000", ""},
        {"?from=2&to=3", "2 3 "},
        {"?from=3&to=2", ""},
        {"?to=9000000000000000000&from=7", "7 "},
        {"?limit=3", "1 2 3 next 4"},
        {"?limit=7", "1 2 3 4 5 6 7 "},
        {"?limit=2&to=2", "1 2 "},
        {"?type=test.", "2 3 4 5 6 7 "},
        {"?type=test.built", "3 6 "},
        {"?type=test.built&limit=1", "3 next 4"},
        {"?object=circuit/b", "4 7 "},
        {"?actor=alice&limit=2", "2 4 next 5"},
        {"?actor=alice&object=circuit/a&type=test.wanted", "2 5 "},
        {"?actor=nobody", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *got = page(s, cases[i].query);
        if (strcmp(got, cases[i].page) != 0)
            fail_msg("%s: %s", cases[i].query, got);
        free(got);
    }
}

static void
a_page_says_whose_journal_and_how_far(void **state)
{
    struct api_scene *s = *state;
    const struct journal_head *head = journal_head(s->base.journal);
    struct answer a = ask(s, "vera", "GET /api/v1/journal", NULL);
    json_t *identity = json_object_get(a.json, "identity");
    assert_string_equal(json_string_value(json_object_get(identity, "site")), "substation-a");
    assert_int_equal(json_string_length(json_object_get(identity, "id")), 2 * JOURNAL_ID_SIZE);
    json_t *its = json_object_get(a.json, "head");
    assert_int_equal(json_integer_value(json_object_get(its, "seq")), head->seq);
    char hash[JOURNAL_HASH_TEXT_SIZE];
    journal_hash_text(head->hash, hash);
    json_t *event = json_array_get(json_object_get(a.json, "events"), 0);
    const char *text = json_string_value(json_object_get(its, "hash"));
    assert_memory_equal(text, hash, strlen(hash));
    assert_int_equal(strlen(text), 2 * JOURNAL_HASH_SIZE);
    assert_string_equal(json_string_value(json_object_get(event, "hash")), text);
    assert_non_null(json_object_get(json_object_get(event, "body"), "tieline-circuit:circuits"));
    answer_fini(&a);
}

static void
each_event_names_the_hash_of_the_one_before(void **state)
{
    struct api_scene *s = *state;
    for (int i = 0; i < 3; i++)
        append_event(s, "test.link", "x", "{}");
    struct answer a = ask(s, "vera", "GET /api/v1/journal", NULL);
    json_t *events = json_object_get(a.json, "events");
    assert_int_equal(json_array_size(events), 4);
    for (size_t i = 1; i < 4; i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(events, i), "prev-hash")),
            json_string_value(json_object_get(json_array_get(events, i - 1), "hash")));
    answer_fini(&a);
}

static void
a_page_has_a_size(void **state)
{
    struct api_scene *s = *state;
    char *body = xasprintf("{\"a\":\"%0300000d\"}", 0);
    for (int i = 0; i < 6; i++) {
        struct journal_entry entry = {"test.large", "x", "alice", body, 0};
        assert_ok(append_and_wait(&s->base, &entry, 1).err);
    }
    free(body);
    char *got = page(s, "?type=test.large");
    assert_string_equal(got, "2 3 4 5 next 6");
    free(got);
    got = page(s, "?type=test.large&from=6");
    assert_string_equal(got, "6 7 ");
    free(got);
}

TEST_MAIN(API_TEST(pages_are_what_is_asked_for), API_TEST(a_page_says_whose_journal_and_how_far),
          API_TEST(each_event_names_the_hash_of_the_one_before), API_TEST(a_page_has_a_size))
