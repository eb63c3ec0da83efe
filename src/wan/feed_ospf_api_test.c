#include "wan/feed_ospf_api.h"

#include "base/buf.h"
#include "base/bytes.h"
#include "io/stream.h"
#include "io/testing.h"
#include "te/ted_testing.h"

/* In place of ospfd: connects back, and answers the two requests by a script. */
struct scene {
    uv_loop_t *loop;
    struct stream_listener *listener;
    struct stream *requests, *notifications;
    struct buf asked;
    struct ted *ted;
    uint32_t source;
    struct feed_ospf_api *feed;
    uint8_t version; /* of notifications */
    uint8_t refusal; /* error of replies */
    bool with_rubbish;
    enum err trouble;
    unsigned changes;
};

/* Router 10.0.0.n with a link to the other one of 1 and 2. */
static void
put_router(struct scene *s, uint8_t type, unsigned n, uint32_t sequence, unsigned links)
{
    uint8_t m[8 + 12 + 24 + 12] = {0};
    size_t size = 8 + 12 + 24 + 12 * links;
    m[0] = s->version;
    m[1] = type;
    put_be16(m + 2, (uint16_t)(size - 8));
    uint8_t *lsa = m + 20;
    lsa[3] = 1;
    put_be32(lsa + 4, 0x0a000000 + n);
    put_be32(lsa + 8, 0x0a000000 + n);
    put_be32(lsa + 12, sequence);
    put_be16(lsa + 18, (uint16_t)(size - 20));
    put_be16(lsa + 22, (uint16_t)links);
    if (links) {
        put_be32(lsa + 24, 0x0a000000 + 3 - n);
        put_be32(lsa + 28, 0x0a010200 + n);
        lsa[32] = 1;
        put_be16(lsa + 34, 10);
    }
    stream_send(s->notifications, m, size);
}

static void
put_reply(struct scene *s, uint32_t sequence)
{
    uint8_t m[12] = {1, 10, 0, 4};
    put_be32(m + 4, sequence);
    m[8] = s->refusal;
    stream_send(s->requests, m, sizeof m);
}

static void
asked(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    static const uint8_t expected[] = {1, 3, 0, 4, 0, 0, 0, 1, 0xff, 0xff, 2, 0,
                                       1, 4, 0, 4, 0, 0, 0, 2, 0xff, 0xff, 2, 0};
    struct scene *s = arg;
    (void)stream;
    buf_put(&s->asked, data, size);
    if (s->asked.size < sizeof expected)
        return;
    assert_int_equal(s->asked.size, sizeof expected);
    assert_memory_equal(s->asked.data, expected, sizeof expected);
    buf_clear(&s->asked);
    put_router(s, 12, 1, 0x80000001, 1);
    put_router(s, 12, 2, 0x80000001, 1);
    if (s->with_rubbish) {
        put_router(s, 99, 2, 0x80000001, 1);
        static const uint8_t cut[] = {1, 12, 0, 14, 0, 0, 0, 0, 0, 0, 0,
                                      0, 0,  0, 0,  0, 0, 0, 0, 0, 7, 7};
        stream_send(s->notifications, cut, sizeof cut);
    }
    put_reply(s, 1);
    put_reply(s, 2);
}

static void
ended(void *arg, struct stream *stream, enum err err, const char *reason)
{
    struct scene *s = arg;
    (void)err;
    (void)reason;
    if (stream == s->requests)
        s->requests = NULL;
    if (stream == s->notifications)
        s->notifications = NULL;
    stream_free(stream);
}

static void
connected_back(void *arg, struct stream *stream)
{
    (void)arg;
    (void)stream;
}

static const struct stream_handler request_handler = {.received = asked, .closed = ended};
static const struct stream_handler notification_handler = {.opened = connected_back,
                                                           .closed = ended};

static void
accepted(void *arg, struct stream *stream)
{
    struct scene *s = arg;
    char back[64];
    unsigned port = (unsigned)atoi(strrchr(stream_peer_address(stream), ':') + 1);
    snprintf(back, sizeof back, "127.0.0.1:%u", port + 1);
    struct stream_config config = {.address = back};
    stream_free(s->requests);
    stream_free(s->notifications);
    s->requests = stream;
    stream_set_handler(stream, &request_handler, s);
    buf_clear(&s->asked);
    assert_ok(stream_connect(s->loop, &config, &notification_handler, s, &s->notifications, NULL));
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
    (void)reason;
    s->trouble = err;
}

static const struct feed_ospf_api_handler handler = {changed, trouble};

static void
scene_open(struct scene *s)
{
    struct stream_config listen = {.address = "127.0.0.1:0"};
    s->version = s->version ? s->version : 1;
    s->loop = test_loop_new();
    s->ted = ted_new(NULL);
    assert_ok(ted_source_add(s->ted, TED_KIND_OSPF, "ospf-api", "", &s->source));
    assert_ok(stream_listen(s->loop, &listen, &listener_handler, s, &s->listener, NULL));
    struct feed_ospf_api_config config = {.server = stream_listener_address(s->listener),
                                          .local = "127.0.0.1",
                                          .ted = s->ted,
                                          .source = s->source};
    assert_ok(feed_ospf_api_new(s->loop, &config, &handler, s, &s->feed, NULL));
}

static void
scene_close(struct scene *s)
{
    feed_ospf_api_free(s->feed);
    stream_free(s->requests);
    stream_free(s->notifications);
    stream_listener_free(s->listener);
    test_loop_free(s->loop);
    ted_free(s->ted);
    buf_fini(&s->asked);
}

static struct feed_ospf_api_counters
counters_of(const struct scene *s)
{
    struct feed_ospf_api_counters counters;
    feed_ospf_api_counters(s->feed, &counters);
    return counters;
}

static enum ted_source_state
state_of(const struct scene *s)
{
    struct ted_source_info info;
    assert_true(ted_source_info(s->ted, s->source, &info));
    return info.state;
}

#define LINK "10.0.0.1>10.0.0.2/10.1.2.1"

static void
synchronises_and_hears_what_changes(void **state)
{
    struct scene s = {0};
    (void)state;
    scene_open(&s);
    RUN_UNTIL(s.loop, state_of(&s) == TED_UP);
    assert_true(snapshot_link(s.ted, LINK).up);
    unsigned changes = s.changes;
    put_router(&s, 13, 1, 0x80000001, 1); /* the old one is deleted, the new one is as it was */
    put_router(&s, 12, 1, 0x80000002, 1);
    RUN_UNTIL(s.loop, s.changes > changes);
    assert_true(snapshot_link(s.ted, LINK).up);
    put_router(&s, 13, 1, 0x80000002, 1);
    put_router(&s, 12, 1, 0x80000003, 0);
    RUN_UNTIL(s.loop, !snapshot_link(s.ted, LINK).up);
    assert_int_equal(counters_of(&s).refused, 0);
    scene_close(&s);
}

static void
rubbish_is_counted_and_the_rest_is_taken(void **state)
{
    struct scene s = {.with_rubbish = true};
    (void)state;
    scene_open(&s);
    RUN_UNTIL(s.loop, state_of(&s) == TED_UP);
    assert_true(snapshot_link(s.ted, LINK).up);
    assert_int_equal(counters_of(&s).refused, 1);
    assert_int_equal(counters_of(&s).unknown, 1);
    assert_int_equal(count_findings(s.ted, TED_SOURCE_GARBLED, "ospf-api"), 1);
    scene_close(&s);
}

static void
comes_back_after_a_loss(void **state)
{
    struct scene s = {0};
    (void)state;
    scene_open(&s);
    RUN_UNTIL(s.loop, state_of(&s) == TED_UP);
    stream_free(s.notifications);
    s.notifications = NULL;
    RUN_UNTIL(s.loop, state_of(&s) == TED_STALE);
    assert_true(snapshot_link(s.ted, LINK).up); /* kept */
    RUN_UNTIL(s.loop, state_of(&s) == TED_UP);
    assert_int_equal(counters_of(&s).connections, 2);
    assert_int_equal(s.trouble, ERR_OK);
    scene_close(&s);
}

static void
another_version_and_a_refusal_are_told(void **state)
{
    struct scene s = {.version = 9};
    (void)state;
    scene_open(&s);
    RUN_UNTIL(s.loop, s.trouble == ERR_UNSUPPORTED);
    s.version = 1;
    s.refusal = (uint8_t)-99;
    RUN_UNTIL(s.loop, s.trouble == ERR_DENIED);
    scene_close(&s);
}

static void
addresses_of_two_families_are_refused(void **state)
{
    struct feed_ospf_api_config config = {.server = "127.0.0.1:2607", .local = "::1"};
    struct feed_ospf_api *feed;
    struct diag diag;
    (void)state;
    assert_err(feed_ospf_api_new(NULL, &config, &handler, NULL, &feed, &diag), ERR_INVALID);
    config.local = "here";
    assert_err(feed_ospf_api_new(NULL, &config, &handler, NULL, &feed, &diag), ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(synchronises_and_hears_what_changes),
          cmocka_unit_test(rubbish_is_counted_and_the_rest_is_taken),
          cmocka_unit_test(comes_back_after_a_loss),
          cmocka_unit_test(another_version_and_a_refusal_are_told),
          cmocka_unit_test(addresses_of_two_families_are_refused))
