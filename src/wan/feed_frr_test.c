#include "wan/feed_frr.h"

#include "base/buf.h"
#include "io/stream.h"
#include "io/testing.h"
#include "te/ted_testing.h"

#define GOOD                                                                                       \
    "{\"ted\":{\"vertices\":[{\"origin\":\"OSPFv2\",\"vertex-id\":1},{\"origin\":\"OSPFv2\","      \
    "\"vertex-id\":2}]}}"
#define FEWER "{\"ted\":{\"vertices\":[{\"origin\":\"OSPFv2\",\"vertex-id\":1}]}}"

#define NODE(n) "{\"origin\":\"OSPFv2\",\"vertex-id\":" n "}"
#define MANY                                                                                       \
    "{\"ted\":{\"vertices\":[" NODE("1") "," NODE("2") "," NODE("3") "," NODE("4") "," NODE(       \
        "5") "," NODE("6") "," NODE("7") "," NODE("8") "]}}"

/* A daemon that answers by a script; after its last line the same again. */
struct scene {
    uv_loop_t *loop;
    struct test_dir dir;
    char path[TEST_PATH_SIZE], address[TEST_PATH_SIZE + 8];
    struct stream_listener *listener;
    struct stream *peer;
    struct ted *ted;
    uint32_t source;
    struct feed_frr *feed;
    const struct answer {
        const char *text; /* NULL: none */
        uint8_t status;
    } * answers;
    unsigned n_answers, asked, changes;
    enum err trouble;
    char reason[320];
};

static void
answer(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    struct scene *s = arg;
    const struct answer *a = &s->answers[MIN(s->asked, s->n_answers - 1)];
    const uint8_t end[] = {0, 0, 0, a->status};
    static const char question[] = "show ip ospf mpls-te database json";
    assert_int_equal(size, sizeof question);
    assert_memory_equal(data, question, sizeof question);
    s->asked++;
    if (!a->text)
        return;
    size_t half = strlen(a->text) / 2;
    stream_send(stream, a->text, half);
    stream_send(stream, a->text + half, strlen(a->text) - half);
    stream_send(stream, end, sizeof end);
}

static void
peer_closed(void *arg, struct stream *stream, enum err err, const char *reason)
{
    struct scene *s = arg;
    (void)err;
    (void)reason;
    if (s->peer == stream)
        s->peer = NULL;
    stream_free(stream);
}

static const struct stream_handler peer_handler = {.received = answer, .closed = peer_closed};

static void
accepted(void *arg, struct stream *stream)
{
    struct scene *s = arg;
    s->peer = stream;
    stream_set_handler(stream, &peer_handler, s);
}

static const struct stream_listener_handler listener_handler = {.accepted = accepted};

static void
changed(void *arg)
{
    struct scene *s = arg;
    s->changes++;
    ted_commit(s->ted, 1);
}

static void
trouble(void *arg, enum err err, const char *reason)
{
    struct scene *s = arg;
    s->trouble = err;
    snprintf(s->reason, sizeof s->reason, "%s", reason);
}

static const struct feed_frr_handler handler = {changed, trouble};

static void
scene_open(struct scene *s, const struct answer *answers, unsigned n)
{
    *s = (struct scene){.answers = answers, .n_answers = n};
    s->loop = test_loop_new();
    s->dir = test_dir_make();
    s->ted = ted_new(NULL);
    assert_ok(ted_source_add(s->ted, TED_KIND_OSPF, "ospfd", "", &s->source));
    test_path(&s->dir, "ospfd.vty", s->path);
    snprintf(s->address, sizeof s->address, "unix:%s", s->path);
    struct stream_config listen = {.address = s->address};
    assert_ok(stream_listen(s->loop, &listen, &listener_handler, s, &s->listener, NULL));
    struct feed_frr_config config = {.socket = s->path,
                                     .interval = 5 * NSEC_PER_MSEC,
                                     .timeout = 50 * NSEC_PER_MSEC,
                                     .ted = s->ted,
                                     .source = s->source};
    assert_ok(feed_frr_new(s->loop, &config, &handler, s, &s->feed, NULL));
}

static void
scene_close(struct scene *s)
{
    feed_frr_free(s->feed);
    stream_free(s->peer);
    stream_listener_free(s->listener);
    test_loop_free(s->loop);
    ted_free(s->ted);
    test_dir_remove(&s->dir);
}

static struct feed_frr_counters
counters_of(const struct scene *s)
{
    struct feed_frr_counters counters;
    feed_frr_counters(s->feed, &counters);
    return counters;
}

static enum ted_source_state
state_of(const struct scene *s)
{
    struct ted_source_info info;
    assert_true(ted_source_info(s->ted, s->source, &info));
    return info.state;
}

static void
reads_again_only_what_has_changed(void **state)
{
    static const struct answer answers[] = {{GOOD, 0}, {GOOD, 0}, {FEWER, 0}};
    struct scene s;
    (void)state;
    scene_open(&s, answers, ARRAY_SIZE(answers));
    RUN_UNTIL(s.loop, s.changes == 1);
    assert_int_equal(state_of(&s), TED_UP);
    assert_true(snapshot_node(s.ted, "0.0.0.2").passable);
    RUN_UNTIL(s.loop, s.changes == 2);
    assert_false(snapshot_node(s.ted, "0.0.0.2").passable); /* withdrawn */
    assert_int_equal(state_of(&s), TED_UP);
    RUN_UNTIL(s.loop, s.asked >= 5);
    assert_true(counters_of(&s).unchanged >= 2);
    assert_int_equal(s.changes, 2);
    assert_int_equal(counters_of(&s).connections, 1);
    scene_close(&s);
}

static void
answer_that_cannot_be_read_makes_it_stale(void **state)
{
    static const struct answer answers[] = {
        {GOOD, 0}, {"{\"ted\":{\"edges\":{}}}", 0}, {"% Unknown command", 2}, {GOOD, 0}};
    struct scene s;
    (void)state;
    scene_open(&s, answers, ARRAY_SIZE(answers));
    RUN_UNTIL(s.loop, s.trouble == ERR_INVALID);
    assert_string_equal(s.reason, "ted.edges: a list is expected");
    assert_int_equal(state_of(&s), TED_STALE);
    assert_true(snapshot_node(s.ted, "0.0.0.2").passable); /* kept */
    RUN_UNTIL(s.loop, s.trouble == ERR_UNSUPPORTED);
    RUN_UNTIL(s.loop, s.trouble == ERR_OK);
    assert_int_equal(state_of(&s), TED_UP);
    assert_int_equal(counters_of(&s).malformed, 2);
    scene_close(&s);
}

static void
daemon_that_does_not_answer_is_left_and_tried_again(void **state)
{
    static const struct answer answers[] = {{GOOD, 0}, {NULL, 0}, {GOOD, 0}};
    struct scene s;
    (void)state;
    scene_open(&s, answers, ARRAY_SIZE(answers));
    RUN_UNTIL(s.loop, s.trouble == ERR_TIMEOUT);
    assert_int_equal(state_of(&s), TED_STALE);
    RUN_UNTIL(s.loop, s.trouble == ERR_OK);
    assert_int_equal(counters_of(&s).connections, 2);
    assert_int_equal(state_of(&s), TED_UP);
    scene_close(&s);
}

static void
daemon_that_goes_and_returns(void **state)
{
    static const struct answer answers[] = {{GOOD, 0}};
    struct scene s;
    (void)state;
    scene_open(&s, answers, ARRAY_SIZE(answers));
    RUN_UNTIL(s.loop, s.changes == 1);
    stream_free(s.peer);
    s.peer = NULL;
    RUN_UNTIL(s.loop, state_of(&s) == TED_STALE);
    RUN_UNTIL(s.loop, state_of(&s) == TED_UP);
    scene_close(&s);
}

static void
network_that_is_less_than_half_there_is_not_believed_at_once(void **state)
{
    static const struct answer answers[] = {{MANY, 0}, {FEWER, 0}, {MANY, 0}};
    struct scene s;
    (void)state;
    scene_open(&s, answers, ARRAY_SIZE(answers));
    RUN_UNTIL(s.loop, s.changes == 2);
    assert_int_equal(count_findings(s.ted, TED_SOURCE_SMALL, "ospfd"), 1);
    assert_true(snapshot_node(s.ted, "0.0.0.2").passable); /* kept */
    RUN_UNTIL(s.loop, s.changes == 3);
    assert_int_equal(count_findings(s.ted, TED_SOURCE_SMALL, "ospfd"), 0);
    assert_int_equal(state_of(&s), TED_UP);
    scene_close(&s);
}

static void
value_that_cannot_be_read_is_named_and_the_rest_taken(void **state)
{
    static const struct answer answers[] = {
        {GOOD, 0}, {"{\"ted\":{\"vertices\":[" NODE("-1") "," NODE("2") "]}}", 0}, {GOOD, 0}};
    struct scene s;
    (void)state;
    scene_open(&s, answers, ARRAY_SIZE(answers));
    RUN_UNTIL(s.loop, s.changes == 2);
    assert_int_equal(count_findings(s.ted, TED_SOURCE_GARBLED, "ospfd"), 1);
    assert_int_equal(state_of(&s), TED_UP);
    assert_int_equal(s.trouble, ERR_OK);
    assert_true(snapshot_node(s.ted, "0.0.0.2").passable);
    RUN_UNTIL(s.loop, s.changes == 3);
    assert_int_equal(count_findings(s.ted, TED_SOURCE_GARBLED, "ospfd"), 0);
    scene_close(&s);
}

TEST_MAIN(cmocka_unit_test(reads_again_only_what_has_changed),
          cmocka_unit_test(answer_that_cannot_be_read_makes_it_stale),
          cmocka_unit_test(daemon_that_does_not_answer_is_left_and_tried_again),
          cmocka_unit_test(daemon_that_goes_and_returns),
          cmocka_unit_test(network_that_is_less_than_half_there_is_not_believed_at_once),
          cmocka_unit_test(value_that_cannot_be_read_is_named_and_the_rest_taken))
