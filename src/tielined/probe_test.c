#include "tielined/probe.h"

#include "base/buf.h"
#include "io/address.h"
#include "io/stream.h"
#include "io/testing.h"

#include <pthread.h>

struct fixture {
    uv_loop_t *loop;
    struct test_dir dir;
    struct probe *probe;
    enum daemon_stage stage;
    char address[ADDRESS_TEXT_SIZE];
};

static enum daemon_stage
stage_of(void *arg)
{
    return ((struct fixture *)arg)->stage;
}

static void
setup(struct fixture *f, const char *address)
{
    struct diag diag;
    *f = (struct fixture){.loop = test_loop_new()};
    assert_ok(probe_new(f->loop, address, stage_of, f, &f->probe, &diag));
    snprintf(f->address, sizeof f->address, "%s", probe_address(f->probe));
}

static void
teardown(struct fixture *f)
{
    probe_free(f->probe);
    uv_run(f->loop, UV_RUN_DEFAULT);
    test_loop_free(f->loop);
}

/* ---- A peer that says anything */

struct peer {
    struct stream *stream;
    struct buf got;
    const char *says;
    bool is_open, is_over;
};

static void
on_opened(void *arg, struct stream *stream)
{
    struct peer *peer = arg;
    peer->is_open = true;
    stream_send(stream, peer->says, strlen(peer->says));
}

static void
on_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    buf_put(&((struct peer *)arg)->got, data, size);
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    ((struct peer *)arg)->is_over = true;
}

static void
peer_connect(struct fixture *f, struct peer *peer, const char *says)
{
    static const struct stream_handler handler = {
        .opened = on_opened, .received = on_received, .closed = on_closed};
    const struct stream_config config = {.address = f->address};
    struct diag diag;
    *peer = (struct peer){.says = says};
    assert_ok(stream_connect(f->loop, &config, &handler, peer, &peer->stream, &diag));
}

static void
peer_end(struct peer *peer)
{
    stream_free(peer->stream);
    buf_fini(&peer->got);
}

static void
expect(struct fixture *f, const char *says, const char *status, const char *body)
{
    struct peer peer;
    peer_connect(f, &peer, says);
    RUN_UNTIL(f->loop, peer.is_over);
    const char *text = buf_cstr(&peer.got), *end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    assert_memory_equal(text, status, strlen(status));
    assert_string_equal(end + 4, body);
    peer_end(&peer);
}

static void
each_stage_has_its_answers(void **state UNUSED)
{
    static const struct {
        enum daemon_stage stage;
        const char *lives, *started, *leads, *body;
    } rows[] = {
        {DAEMON_STARTING, "HTTP/1.1 200 ", "HTTP/1.1 503 ", "HTTP/1.1 503 ", "starting\n"},
        {DAEMON_STANDS_BY, "HTTP/1.1 200 ", "HTTP/1.1 200 ", "HTTP/1.1 503 ", "stands by\n"},
        {DAEMON_LEADS, "HTTP/1.1 200 ", "HTTP/1.1 200 ", "HTTP/1.1 200 ", "leads\n"},
    };
    struct fixture f;
    setup(&f, "127.0.0.1:0");
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        f.stage = rows[i].stage;
        expect(&f, "GET /lives HTTP/1.1\r\nHost: x\r\n\r\n", rows[i].lives, rows[i].body);
        expect(&f, "GET /started HTTP/1.0\r\n\r\n", rows[i].started, rows[i].body);
        expect(&f, "GET /leads HTTP/1.1\r\n\r\n", rows[i].leads, rows[i].body);
    }
    teardown(&f);
}

static void
nothing_else_is_told(void **state UNUSED)
{
    struct fixture f;
    setup(&f, "127.0.0.1:0");
    f.stage = DAEMON_LEADS;
    expect(&f, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "");
    expect(&f, "GET /leads/ HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "");
    expect(&f, "GET /leads?x HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "");
    expect(&f, "GET /lead HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ", "");
    expect(&f, "POST /leads HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ", "");
    expect(&f, "\r\n\r\n", "HTTP/1.1 400 ", "");
    expect(&f, "GET\r\n\r\n", "HTTP/1.1 400 ", "");
    expect(&f, "GET \r\n\r\n", "HTTP/1.1 400 ", "");
    expect(&f, "GET /leads\r\n\r\n", "HTTP/1.1 400 ", "");
    expect(&f, "GET /leads HTTP/2\r\n\r\n", "HTTP/1.1 400 ", "");
    expect(&f, "\x16\x03\x01\r\n\r\n", "HTTP/1.1 400 ", "");
    teardown(&f);
}

static void
who_says_too_much_is_dismissed(void **state UNUSED)
{
    struct fixture f;
    struct peer peer;
    char *much = malloc(PROBE_REQUEST + 2);
    memset(much, 'a', PROBE_REQUEST + 1);
    much[PROBE_REQUEST + 1] = '\0';
    setup(&f, "127.0.0.1:0");
    peer_connect(&f, &peer, much);
    RUN_UNTIL(f.loop, peer.is_over);
    assert_int_equal(peer.got.size, 0);
    peer_end(&peer);
    teardown(&f);
    free(much);
}

static void
the_oldest_makes_room(void **state UNUSED)
{
    struct fixture f;
    struct peer silent[PROBE_CONNECTIONS];
    setup(&f, "127.0.0.1:0");
    for (size_t i = 0; i < PROBE_CONNECTIONS; i++) {
        peer_connect(&f, &silent[i], "GET /le");
        RUN_UNTIL(f.loop, silent[i].is_open);
    }
    run_turns(f.loop, 3);
    expect(&f, "GET /lives HTTP/1.1\r\n\r\n", "HTTP/1.1 200 ", "starting\n");
    RUN_UNTIL(f.loop, silent[0].is_over);
    for (size_t i = 1; i < PROBE_CONNECTIONS; i++)
        assert_false(silent[i].is_over);
    for (size_t i = 0; i < PROBE_CONNECTIONS; i++)
        peer_end(&silent[i]);
    teardown(&f);
}

/* ---- Asking: another program, which has a loop of its own */

struct question {
    const char *address, *word;
    char said[64];
    enum err err;
    struct diag diag;
    pthread_t thread;
    bool is_answered;
};

static void *
run_question(void *arg)
{
    struct question *q = arg;
    FILE *out = fmemopen(q->said, sizeof q->said, "w");
    q->err = probe_ask(q->address, q->word, out, &q->diag);
    fclose(out);
    __atomic_store_n(&q->is_answered, true, __ATOMIC_RELEASE);
    return NULL;
}

static void
ask(struct fixture *f, const char *word, enum err err, const char *said)
{
    struct question q = {.address = f->address, .word = word};
    pthread_create(&q.thread, NULL, run_question, &q);
    RUN_UNTIL(f->loop, __atomic_load_n(&q.is_answered, __ATOMIC_ACQUIRE));
    pthread_join(q.thread, NULL);
    assert_err(q.err, err);
    assert_string_equal(q.said, said);
}

static void
who_asks_is_told(void **state UNUSED)
{
    struct test_dir dir = test_dir_make();
    char path[TEST_PATH_SIZE], address[TEST_PATH_SIZE + 8];
    struct fixture f;
    snprintf(address, sizeof address, "unix:%s", test_path(&dir, "probe", path));
    setup(&f, address);
    f.stage = DAEMON_STANDS_BY;
    ask(&f, "lives", ERR_OK, "stands by\n");
    ask(&f, "started", ERR_OK, "stands by\n");
    ask(&f, "leads", ERR_CONFLICT, "stands by\n");
    f.stage = DAEMON_LEADS;
    ask(&f, "leads", ERR_OK, "leads\n");
    ask(&f, "leads2", ERR_INVALID, "");
    ask(&f, "a-very-long-word-that-nobody-asks", ERR_INVALID, "");
    probe_free(f.probe);
    f.probe = NULL;
    ask(&f, "lives", ERR_NOT_FOUND, "");
    teardown(&f);
    test_dir_remove(&dir);
}

TEST_MAIN(cmocka_unit_test(each_stage_has_its_answers), cmocka_unit_test(nothing_else_is_told),
          cmocka_unit_test(who_says_too_much_is_dismissed), cmocka_unit_test(the_oldest_makes_room),
          cmocka_unit_test(who_asks_is_told))
