/* Streams of events: from now on, from then on, to slow readers, and to those who may no longer. */
#include "gateway/event_json.h"
#include "gateway/event_streams.h"
#include "gateway/service_testing.h"

static void
open_stream(struct client *client, const char *query, const char *fields)
{
    char *text = xasprintf("GET /api/v1/events%s HTTP/1.1\r\nHost: h\r\n%s\r\n", query, fields);
    say(client, text);
    free(text);
}

static struct client *
stream_as(struct api_scene *s, const char *person, const char *query, const char *fields)
{
    struct client *client = connect_as(s, person);
    open_stream(client, query, fields);
    RUN_UNTIL(s->base.loop, heard(client, "retry: 2000\n\n") || client->closed);
    return client;
}

/* Appends so many events; the seq of the first. */
static uint64_t
append_many(struct api_scene *s, unsigned n, const char *type, const char *body)
{
    struct outcome outcome = {0};
    uint64_t first = journal_head(s->base.journal)->seq + 1;
    struct journal_entry entry = {type, "x", "system/test", body, 0};
    for (unsigned i = 0; i < n; i++)
        assert_ok(journal_append(s->base.journal, &entry, 1, keep_outcome, &outcome, NULL));
    RUN_UNTIL(s->base.loop, outcome.n_calls == n);
    return first;
}

static void
what_happens_is_told(void **state)
{
    struct api_scene *s = *state;
    struct client *client = stream_as(s, "vera", "", "");
    assert_true(heard(client, "Content-Type: text/event-stream\r\n"));
    append_event(s, "test.one", "circuit/a", "{'n': 1}");
    RUN_UNTIL(s->base.loop, heard(client, "\"hash\""));
    assert_true(heard(client, "id: 2\nevent: test.one\ndata: {\"seq\":2,\"epoch\":1,\"time\":\""));
    assert_true(heard(client, "\"type\":\"test.one\",\"object\":\"circuit/a\",\"actor\":"
                              "\"system/test\",\"body\":{\"n\":1},\"prev-hash\":\""));
    assert_false(heard(client, "id: 1\n")); /* that was before */
}

static void
a_stream_can_begin_in_the_past(void **state)
{
    struct api_scene *s = *state;
    append_many(s, 3, "test.past", "{}");
    struct client *client = stream_as(s, "vera", "?from=3", "");
    RUN_UNTIL(s->base.loop, heard(client, "id: 4\n"));
    append_event(s, "test.now", "x", "{}");
    RUN_UNTIL(s->base.loop, heard(client, "id: 5\nevent: test.now\n"));
    assert_false(heard(client, "id: 2\n"));
    assert_true(heard(client, "id: 3\n"));
}

static void
who_comes_back_misses_nothing(void **state)
{
    struct api_scene *s = *state;
    append_many(s, 3, "test.past", "{}");
    struct client *client = stream_as(s, "vera", "?from=1", "Last-Event-ID: 3\r\n");
    append_event(s, "test.now", "x", "{}");
    RUN_UNTIL(s->base.loop, heard(client, "id: 5\n"));
    assert_true(heard(client, "id: 4\n"));
    assert_false(heard(client, "id: 3\n"));
}

static void
a_last_event_that_is_none_is_refused(void **state)
{
    struct api_scene *s = *state;
    struct answer a = ask(s, "vera", "GET /api/v1/events\r\nLast-Event-ID: x", NULL);
    assert_status(a, 400);
    assert_string_equal(member(&a, "field"), "Last-Event-ID");
    answer_fini(&a);
}

static void
only_the_types_asked_for_are_told(void **state)
{
    struct api_scene *s = *state;
    append_many(s, 2, "test.past", "{}");
    append_many(s, 2, "other.past", "{}");
    struct client *client = stream_as(s, "vera", "?from=1&type=other.", "");
    append_event(s, "test.now", "x", "{}");
    append_event(s, "other.now", "x", "{}");
    RUN_UNTIL(s->base.loop, heard(client, "event: other.now\n"));
    assert_true(heard(client, "id: 4\nevent: other.past\n"));
    assert_true(heard(client, "id: 5\nevent: other.past\n"));
    assert_false(heard(client, "event: test."));
    assert_false(heard(client, "event: model."));
}

/* Events of 64 KiB, four to a piece: so many at once that nobody can keep up. */
static void
a_slow_reader_catches_up_from_the_journal(void **state)
{
    struct api_scene *s = *state;
    char *body = xasprintf("{\"a\":\"%065536d\"}", 0);
    struct client *slow = stream_as(s, "vera", "", ""), *fast = stream_as(s, "olga", "", "");
    unsigned n = 100;
    uint64_t first = append_many(s, n, "test.large", body);
    free(body);
    char *last = xasprintf("id: %llu\n", (unsigned long long)(first + n - 1));
    RUN_UNTIL(s->base.loop, heard(slow, last) && heard(fast, last));
    for (unsigned i = 0; i < n; i++) { /* each, once, in order */
        char *id = xasprintf("\nid: %llu\nevent: test.large\n", (unsigned long long)(first + i));
        const char *at = strstr(buf_cstr(&slow->got), id);
        if (!at && i > 0)
            fail_msg("event %u is missing", i);
        assert_true(!at || !strstr(at + 1, id));
        free(id);
    }
    free(last);
    assert_int_equal(gateway_service_statistics(s->service).streamed_events, 2 * n);
    assert_true(gateway_service_statistics(s->service).fell_behind > 0);
}

static void
a_long_past_comes_piece_by_piece(void **state)
{
    struct api_scene *s = *state;
    char *body = xasprintf("{\"a\":\"%030000d\"}", 0);
    uint64_t first = append_many(s, 60, "test.large", body);
    free(body);
    struct client *client = stream_as(s, "vera", "?from=1", "");
    append_event(s, "test.now", "x", "{}");
    RUN_UNTIL(s->base.loop, heard(client, "event: test.now\n"));
    for (uint64_t seq = 1; seq < first + 61; seq++) {
        char *id = xasprintf("id: %llu\n", (unsigned long long)seq);
        assert_true(heard(client, id));
        free(id);
    }
}

static void
streams_are_limited_for_each_person(void **state)
{
    struct api_scene *s = *state;
    for (int i = 0; i < STREAMS_PER_PERSON_MAX; i++)
        assert_true(heard(stream_as(s, "vera", "", ""), "200 OK"));
    struct answer a = ask(s, "vera", "GET /api/v1/events", NULL);
    assert_status(a, 429);
    answer_fini(&a);
    client_end(&s->clients[0]);
    assert_true(heard(stream_as(s, "olga", "", ""), "200 OK"));
    RUN_UNTIL(s->base.loop, gateway_service_statistics(s->service).streams ==
                                STREAMS_PER_PERSON_MAX); /* one went, one came */
}

static void
a_heart_beats(void **state)
{
    struct api_scene *s = *state;
    gateway_service_free(s->service);
    s->config.heartbeat = 20 * NSEC_PER_MSEC;
    service_start(s);
    struct client *client = stream_as(s, "vera", "", "");
    RUN_UNTIL(s->base.loop, heard(client, ":\n\n"));
    write_users(s, "{\"users\": {\"olga\": [\"OPERATOR\"]}}");
    RUN_UNTIL(s->base.loop, client->closed);
    assert_true(heard(client, ": the person holds no role at this site any more\n\n"));
    assert_int_equal(gateway_service_statistics(s->service).streams, 0);
}

static void
streams_end_with_the_service(void **state)
{
    struct api_scene *s = *state;
    struct client *client = stream_as(s, "vera", "", "");
    gateway_service_free(s->service);
    s->service = NULL;
    RUN_UNTIL(s->base.loop, client->closed);
    assert_true(heard(client, ": the service ends\n\n"));
    assert_true(heard(client, "\r\n0\r\n\r\n"));
}

/* ---- as JSON */

static void
texts_are_escaped_and_bodies_are_one_line(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct journal_event event = {.seq = 1,
                                  .epoch = 2,
                                  .type = "a.b",
                                  .object = "x/\"\\y",
                                  .actor = "z",
                                  .body = "{\n\"a\":\r\n1}"};
    event_put_json(&out, &event);
    assert_false(strpbrk(buf_cstr(&out), "\r\n"));
    json_t *json = json_loads(buf_cstr(&out), 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "object")), "x/\"\\y");
    assert_json(json_object_get(json, "body"), "{'a': 1}");
    json_decref(json);
    buf_fini(&out);
}

TEST_MAIN(API_TEST(what_happens_is_told), API_TEST(a_stream_can_begin_in_the_past),
          API_TEST(who_comes_back_misses_nothing), API_TEST(a_last_event_that_is_none_is_refused),
          API_TEST(only_the_types_asked_for_are_told),
          API_TEST(a_slow_reader_catches_up_from_the_journal),
          API_TEST(a_long_past_comes_piece_by_piece), API_TEST(streams_are_limited_for_each_person),
          API_TEST(a_heart_beats), API_TEST(streams_end_with_the_service),
          cmocka_unit_test(texts_are_escaped_and_bodies_are_one_line))
