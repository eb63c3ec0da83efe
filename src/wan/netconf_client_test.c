/* The client against a server of few words, over a Unix socket and over TLS; SSH is shown by
 * test/wan/netconf. */
#include "wan/netconf_client.h"

#include "io/stream_fixture.h"
#include "proto/netconf/netconf_frame.h"

#define HELLO                                                                                      \
    "<hello xmlns='" NETCONF_NS "'><capabilities><capability>urn:ietf:params:netconf:base:1.1"     \
    "</capability></capabilities><session-id>1</session-id></hello>"

struct scene {
    struct fixture *f;
    struct netconf_client *client;
    unsigned n_up, n_down, n_done;
    struct netconf_result results[8]; /* err only */
    char texts[8][160];
    struct netconf_frames frames;
    bool mute; /* requests are not answered */
    bool free_in_done;
};

static void
on_up(void *arg, struct netconf_client *client, const struct netconf_hello *hello)
{
    struct scene *s = arg;
    (void)client;
    assert_int_equal(hello->session_id, 1);
    s->n_up++;
}

static void
on_down(void *arg, struct netconf_client *client, enum err err, const char *reason)
{
    struct scene *s = arg;
    (void)client, (void)err, (void)reason;
    s->n_down++;
}

static const struct netconf_client_handler handler = {.up = on_up, .down = on_down};

static void
on_done(void *arg, const struct netconf_result *result)
{
    struct scene *s = arg;
    s->results[s->n_done].err = result->err;
    snprintf(s->texts[s->n_done++], sizeof s->texts[0], "%s", result->text);
    if (s->free_in_done) {
        netconf_client_free(s->client);
        s->client = NULL;
    }
}

static void
say(struct fixture *f, bool chunked, const char *text)
{
    struct buf out = BUF_INIT;
    netconf_frame_put(&out, chunked, text, strlen(text));
    assert_ok(stream_send(f->server.stream, out.data, out.size));
    buf_fini(&out);
}

/* Answers each request that has come with ok, once the client is heard. */
static void
serve(struct scene *s)
{
    const uint8_t *data;
    size_t size;
    netconf_frames_put(&s->frames, s->f->server.got.data, s->f->server.got.size);
    buf_clear(&s->f->server.got);
    while (!netconf_frames_next(&s->frames, &data, &size, NULL)) {
        char text[128];
        const char *id = memmem(data, size, "message-id=\"", 12);
        if (!id) { /* its hello */
            netconf_frames_go_chunked(&s->frames);
            continue;
        }
        snprintf(text, sizeof text, "<rpc-reply message-id='%d'><ok/></rpc-reply>", atoi(id + 12));
        if (!s->mute)
            say(s->f, true, text);
    }
}

static void
turn(struct scene *s)
{
    uv_run(s->f->loop, UV_RUN_NOWAIT);
    if (s->f->server.stream && s->f->server.got.size > 0)
        serve(s);
}

#define UNTIL(s, condition)                                                                        \
    do {                                                                                           \
        for (unsigned n_ = 0; !(condition); n_++) {                                                \
            turn(s);                                                                               \
            usleep(500);                                                                           \
            assert_true(n_ < 20000);                                                               \
        }                                                                                          \
    } while (0)

static struct scene *
scene_new(void **state, const struct netconf_client_config *config)
{
    struct scene *s = calloc(1, sizeof *s);
    struct netconf_client_config c = *config;
    s->f = *state;
    netconf_frames_init(&s->frames, 1 << 20);
    c.name = "pe1";
    c.address = stream_listener_address(s->f->listener);
    c.reconnect = (struct reconnect_config){.min = 10 * NSEC_PER_MSEC, .max = 20 * NSEC_PER_MSEC};
    assert_ok(netconf_client_new(s->f->loop, &c, &handler, s, &s->client, NULL));
    return s;
}

static void
scene_free(struct scene *s)
{
    netconf_client_free(s->client);
    netconf_frames_fini(&s->frames);
    free(s);
}

static void
listen_unix(struct fixture *f)
{
    char path[TEST_PATH_SIZE], address[TEST_PATH_SIZE + 8];
    snprintf(address, sizeof address, "unix:%s", test_path(&f->dir, "netconf", path));
    listen_on(f, &(struct stream_config){.address = address});
}

/* The next connection is there, and greeted. */
static void
greet(struct scene *s)
{
    unsigned up = s->n_up;
    UNTIL(s, s->f->n_accepted > (int)up);
    say(s->f, false, HELLO);
    UNTIL(s, s->n_up > up);
}

static void
hang_up(struct scene *s)
{
    stream_free(s->f->server.stream);
    s->f->server.stream = NULL;
    buf_clear(&s->f->server.got);
    netconf_frames_fini(&s->frames);
    netconf_frames_init(&s->frames, 1 << 20);
}

static void
ask_some(struct scene *s, unsigned n, uint64_t connection, nsec_t timeout)
{
    char body[32] = "<x/>"; /* of this call only: it is copied */
    struct netconf_request request = {.operation = NETCONF_RPC, .body = body};
    for (unsigned i = 0; i < n; i++)
        assert_ok(netconf_client_request(s->client, &request, connection, timeout, on_done, s));
    memset(body, 'y', sizeof body - 1);
}

static void
requests_wait_for_the_connection(void **state)
{
    listen_unix(*state);
    struct scene *s = scene_new(state, &(struct netconf_client_config){0});
    ask_some(s, 3, 0, 0);
    assert_int_equal(s->n_done, 0);
    greet(s);
    UNTIL(s, s->n_done == 3);
    assert_ok(s->results[2].err);
    assert_int_equal(netconf_client_connection(s->client), 1);
    scene_free(s);
}

static void
it_speaks_over_tls(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    struct tls *tls = identity(f, &(struct test_cert){.name = "tielined"});
    struct scene *s = scene_new(
        state, &(struct netconf_client_config){.tls = tls, .peer_name = "controller"});
    tls_free(tls);
    ask_some(s, 1, 0, 0);
    greet(s);
    UNTIL(s, s->n_done == 1);
    assert_ok(s->results[0].err);
    scene_free(s);
}

static void
a_server_of_another_name_is_refused(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    struct tls *tls = identity(f, &(struct test_cert){.name = "tielined"});
    struct scene *s = scene_new(state,
                                &(struct netconf_client_config){.tls = tls, .peer_name = "other"});
    tls_free(tls);
    UNTIL(s, s->n_down > 0);
    assert_int_equal(s->n_up, 0);
    bool told = strstr(netconf_client_reason(s->client), "certificate");
    netconf_client_free(s->client); /* it would try again for ever */
    s->client = NULL;
    assert_true(told);
    scene_free(s);
}

static void
what_was_sent_is_not_sent_again(void **state)
{
    listen_unix(*state);
    struct scene *s = scene_new(state, &(struct netconf_client_config){0});
    s->mute = true;
    greet(s);
    ask_some(s, 2, 0, 0);
    UNTIL(s, netconf_client_stats(s->client).tx_messages == 3);
    run_turns(s->f->loop, 5);
    uint64_t connection = netconf_client_connection(s->client);
    hang_up(s);
    UNTIL(s, s->n_done == 2);
    assert_err(s->results[0].err, ERR_CLOSED);
    ask_some(s, 1, connection, 0); /* what needs the old session ... */
    ask_some(s, 1, 0, 0);          /* ... and what does not */
    UNTIL(s, s->n_done == 3);
    assert_err(s->results[2].err, ERR_CLOSED);
    s->mute = false;
    greet(s);
    UNTIL(s, s->n_done == 4);
    assert_ok(s->results[3].err);
    assert_int_equal(netconf_client_connection(s->client), connection + 1);
    scene_free(s);
}

static void
requests_time_out_in_the_queue_and_behind_it(void **state)
{
    listen_unix(*state);
    struct scene *s = scene_new(state, &(struct netconf_client_config){0});
    ask_some(s, 1, 0, 20 * NSEC_PER_MSEC); /* there is no hello yet */
    UNTIL(s, s->n_done == 1);
    assert_err(s->results[0].err, ERR_TIMEOUT);
    s->mute = true;
    greet(s);
    ask_some(s, 1, 0, 20 * NSEC_PER_MSEC);
    UNTIL(s, s->n_done == 2);
    assert_err(s->results[1].err, ERR_TIMEOUT);
    assert_string_equal(s->texts[1], "no reply in time");
    scene_free(s);
}

static void
the_queue_has_an_end(void **state)
{
    listen_unix(*state);
    struct scene *s = scene_new(state, &(struct netconf_client_config){.max_queue = 2});
    struct netconf_request request = {.operation = NETCONF_GET};
    ask_some(s, 2, 0, 0);
    assert_err(netconf_client_request(s->client, &request, 0, 0, on_done, s), ERR_LIMIT);
    netconf_client_free(s->client);
    s->client = NULL;
    assert_int_equal(s->n_done, 2);
    assert_err(s->results[1].err, ERR_CLOSED);
    scene_free(s);
}

static void
it_can_be_freed_by_whom_it_tells(void **state)
{
    listen_unix(*state);
    struct scene *s = scene_new(state, &(struct netconf_client_config){0});
    s->free_in_done = true;
    greet(s);
    ask_some(s, 1, 0, 0);
    UNTIL(s, s->n_done == 1);
    assert_null(s->client);
    scene_free(s);
}

static void
bad_configurations_are_refused(void **state)
{
    struct fixture *f = *state;
    struct netconf_client *client = NULL;
    struct diag diag = {""};
    struct netconf_client_config plain = {.address = "127.0.0.1:830"}, none = {0};
    assert_err(netconf_client_new(f->loop, &plain, NULL, NULL, &client, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "for Unix sockets only"));
    assert_err(netconf_client_new(f->loop, &none, NULL, NULL, &client, &diag), ERR_INVALID);
    static const struct netconf_ssh_config bad[] = {
        {.host = "-oProxyCommand=x", .user = "u", .key_file = "/k", .known_hosts_file = "/h"},
        {.host = "h", .user = "-u", .key_file = "/k", .known_hosts_file = "/h"},
        {.host = "h", .user = "u", .key_file = "k", .known_hosts_file = "/h"},
        {.host = "h", .user = "u", .key_file = "/k", .known_hosts_file = "/h /i"},
        {.host = "h", .user = "u", .key_file = "/%d", .known_hosts_file = "/h"},
        {.host = "h", .user = "u", .key_file = "/k"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct netconf_ssh *ssh = NULL;
        assert_err(netconf_ssh_open(f->loop, &bad[i], NULL, NULL, &ssh, &diag), ERR_INVALID);
        assert_null(ssh);
    }
}

static void
on_ssh_closed(void *arg, enum err err, const char *reason)
{
    struct scene *s = arg;
    s->results[0].err = err;
    snprintf(s->texts[0], sizeof s->texts[0], "%s", reason);
    s->n_done++;
}

static const struct netconf_ssh_handler ssh_handler = {.closed = on_ssh_closed};

static void
a_program_that_cannot_be_run_is_told(void **state)
{
    struct fixture *f = *state;
    struct scene scene = {.f = f}, *s = &scene;
    struct netconf_ssh *ssh = NULL;
    struct diag diag = {""};
    struct netconf_ssh_config config = {.host = "h",
                                        .user = "u",
                                        .key_file = "/k",
                                        .known_hosts_file = "/h",
                                        .program = "/nonexistent"};
    assert_err(netconf_ssh_open(f->loop, &config, &ssh_handler, s, &ssh, &diag), ERR_NOT_FOUND);
    config.program = "/bin/false";
    assert_ok(netconf_ssh_open(f->loop, &config, &ssh_handler, s, &ssh, &diag));
    netconf_ssh_send(ssh, "x", 1);
    UNTIL(s, s->n_done == 1);
    assert_string_equal(s->texts[0], "the server has closed the connection (ssh ended with 1)");
    netconf_ssh_free(ssh);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(requests_wait_for_the_connection), TEST(it_speaks_over_tls),
          TEST(a_server_of_another_name_is_refused), TEST(what_was_sent_is_not_sent_again),
          TEST(requests_time_out_in_the_queue_and_behind_it), TEST(the_queue_has_an_end),
          TEST(it_can_be_freed_by_whom_it_tells), TEST(bad_configurations_are_refused),
          TEST(a_program_that_cannot_be_run_is_told))
