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

/* ---- of RESTCONF */

/* What the stream says of the event of that seq; the caller owns it. */
static json_t *
notification_of(struct api_scene *s, struct client *client, unsigned seq)
{
    char *id = xasprintf("id: %u\ndata: ", seq);
    RUN_UNTIL(s->base.loop, heard(client, id));
    RUN_UNTIL(s->base.loop, strstr(strstr(buf_cstr(&client->got), id), "\n\n"));
    const char *at = strstr(buf_cstr(&client->got), id) + strlen(id);
    json_t *json = json_loadb(at, strcspn(at, "\n"), 0, NULL);
    free(id);
    return json;
}

static void
restconf_has_each_event_as_a_notification(void **state)
{
    struct api_scene *s = *state;
    struct client *client = connect_as(s, "vera");
    say(client, "GET /restconf/streams/events HTTP/1.1\r\nHost: h\r\n\r\n");
    RUN_UNTIL(s->base.loop, heard(client, "retry: 2000\n\n"));
    append_event(s, "tunnel.test", "tunnel/t1", "{'tunnel': 't1', 'reason': 'r'}");
    append_event(s, "vpn.test", "work/1", "{'vpns': [{'vpn': 'a'}, {'vpn': 'b'}, 7]}");
    append_event(s, "wan.changed", "wan",
                 "{'version': 8, 'nodes': [{'node': 'n'}], 'links': [{'link': 'l'}, {}]}");
    append_event(s, "test.one", "x", "{'tunnel': 't1'}");
    static const struct {
        const char *name, *more;
    } expected[] = {
        {"tieline-events:tunnel-changed", "{'tunnel': ['t1']}"},
        {"tieline-events:vpn-changed", "{'vpn': ['a', 'b']}"},
        {"tieline-events:topology-changed", "{'version': '8', 'node': ['n'], 'link': ['l']}"},
        {"tieline-events:event", "{}"},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        json_t *json = notification_of(s, client, i + 2);
        json_t *envelope = json_object_get(json, "ietf-restconf:notification");
        json_t *event = json_object_get(envelope, expected[i].name);
        assert_int_equal(json_object_size(json), 1);
        assert_int_equal(json_object_size(envelope), 2);
        assert_true(json_is_string(json_object_get(envelope, "eventTime")));
        assert_true(json_is_string(json_object_get(event, "seq")));
        static const char *const common[] = {"seq",   "epoch", "type",      "object",
                                             "actor", "body",  "prev-hash", "hash"};
        for (size_t c = 0; c < ARRAY_SIZE(common); c++)
            assert_int_equal(json_object_del(event, common[c]), 0);
        assert_json(event, expected[i].more);
        json_decref(json);
    }
    assert_false(heard(client, "event: "));
}

static void
a_replay_begins_and_ends_when_it_is_asked_to(void **state)
{
    struct api_scene *s = *state;
    append_many(s, 3, "test.past", "{}");
    char begin[TIME_TEXT_SIZE], query[160];
    nsec_t now = journal_head(s->base.journal)->time;
    append_many(s, 2, "test.later", "{}");
    struct client *client = connect_as(s, "vera");
    snprintf(query, sizeof query,
             "GET /restconf/streams/events?start-time=%s HTTP/1.1\r\nHost: h\r\n\r\n",
             time_format(now, begin));
    say(client, query);
    RUN_UNTIL(s->base.loop, heard(client, "id: 6\n"));
    assert_true(heard(client, "id: 4\n"));
    assert_false(heard(client, "id: 1\n"));
    client = connect_as(s, "vera");
    snprintf(query, sizeof query,
             "GET /restconf/streams/events?start-time=1990-01-01T00:00:00Z&stop-time=%s "
             "HTTP/1.1\r\nHost: h\r\n\r\n",
             begin);
    say(client, query);
    RUN_UNTIL(s->base.loop, heard(client, ": the stop-time is over\n\n"));
    assert_true(heard(client, "id: 1\n"));
    assert_true(heard(client, "id: 4\n"));
    assert_false(heard(client, "id: 6\n"));
}

static void
times_that_make_no_sense_are_refused(void **state)
{
    struct api_scene *s = *state;
    static const char *const wrong[][2] = {
        {"start-time=yesterday", "start-time"},
        {"start-time=2250-01-01T00:00:00Z", "start-time"},
        {"stop-time=2250-01-01T00:00:00Z", "stop-time"},
        {"start-time=2020-01-02T00:00:00Z&stop-time=2020-01-01T00:00:00Z", "stop-time"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        char *what = xasprintf("GET /restconf/streams/events?%s", wrong[i][0]);
        struct answer a = ask(s, "vera", what, NULL);
        assert_status(a, 400);
        assert_non_null(strstr(answer_body(&a), wrong[i][1]));
        answer_fini(&a);
        free(what);
    }
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

/* So that its hash can be computed again. */
static void
a_notification_has_the_body_octet_for_octet(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    static const char body[] = "{\n\t\"a\":\r\"\\\"\\u0001\xc3\xa4\"}";
    struct journal_event event = {
        .seq = 1, .epoch = 1, .type = "a.b", .object = "x", .actor = "z", .body = body};
    event.body_size = strlen(body);
    event_put_notification(&out, &event, false);
    json_t *json = json_loads(buf_cstr(&out) + strlen("data: "), 0, NULL);
    json_t *notification = json_object_get(json, "ietf-restconf:notification");
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(notification, "tieline-events:event"), "body")),
                        body);
    json_decref(json);
    buf_fini(&out);
}

TEST_MAIN(API_TEST(what_happens_is_told), API_TEST(a_stream_can_begin_in_the_past),
          API_TEST(who_comes_back_misses_nothing), API_TEST(a_last_event_that_is_none_is_refused),
          API_TEST(only_the_types_asked_for_are_told),
          API_TEST(a_slow_reader_catches_up_from_the_journal),
          API_TEST(a_long_past_comes_piece_by_piece), API_TEST(streams_are_limited_for_each_person),
          API_TEST(a_heart_beats), API_TEST(streams_end_with_the_service),
          API_TEST(restconf_has_each_event_as_a_notification),
          API_TEST(a_replay_begins_and_ends_when_it_is_asked_to),
          API_TEST(times_that_make_no_sense_are_refused),
          cmocka_unit_test(texts_are_escaped_and_bodies_are_one_line),
          cmocka_unit_test(a_notification_has_the_body_octet_for_octet))
