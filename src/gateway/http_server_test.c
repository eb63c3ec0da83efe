/* Real sockets: over a Unix socket without TLS, and over TCP with it. */
#include "gateway/http_server.h"

#include "base/buf.h"
#include "io/testing.h"

struct client {
    struct stream *stream;
    struct buf got;
    bool opened, closed;
    enum err err;
};

struct scene {
    uv_loop_t *loop;
    struct test_dir dir;
    struct http_server_config config;
    struct http_server *server;
    struct tls *tls;
    char address[TEST_PATH_SIZE + 8];
    struct client clients[4];
    size_t answer_size;
    char name[TLS_NAME_SIZE]; /* of the last who asked */
    int n_refused;
};

static bool
on_head(void *arg UNUSED, struct http_exchange *x UNUSED, size_t *body_limit)
{
    *body_limit = 1000;
    return true;
}

static void
on_request(void *arg, struct http_exchange *x)
{
    struct scene *s = arg;
    char *body = calloc(1, s->answer_size + 1);
    memset(body, 'a', s->answer_size);
    snprintf(s->name, sizeof s->name, "%s", http_exchange_peer_name(x));
    http_reply(x, &(struct http_reply){200, "text/plain", NULL, body, s->answer_size});
    free(body);
}

static const struct http_handler handler = {on_head, on_request};

static void
on_refused(void *arg, const char *address UNUSED, enum err err UNUSED, const char *reason UNUSED)
{
    ((struct scene *)arg)->n_refused++;
}

static int
set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    char path[TEST_PATH_SIZE];
    s->loop = test_loop_new();
    s->dir = test_dir_make();
    s->answer_size = 4;
    snprintf(s->address, sizeof s->address, "unix:%s", test_path(&s->dir, "http.sock", path));
    s->config = (struct http_server_config){
        .address = s->address, .handler = &handler, .refused = on_refused, .arg = s};
    *state = s;
    return 0;
}

static void
start(struct scene *s)
{
    struct diag diag = {""};
    if (http_server_new(s->loop, &s->config, &s->server, &diag))
        fail_msg("%s", diag.text);
}

static int
tear_down(void **state)
{
    struct scene *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(s->clients); i++) {
        stream_free(s->clients[i].stream);
        buf_fini(&s->clients[i].got);
    }
    http_server_free(s->server);
    tls_free(s->tls);
    test_loop_free(s->loop);
    test_dir_remove(&s->dir);
    free(s);
    return 0;
}

/* ---- clients */

static void
client_opened(void *arg, struct stream *stream UNUSED)
{
    ((struct client *)arg)->opened = true;
}

static void
client_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    struct client *client = arg;
    buf_put(&client->got, data, size);
}

static void
client_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason UNUSED)
{
    struct client *client = arg;
    client->closed = true;
    client->err = err;
}

static const struct stream_handler client_handler = {
    .opened = client_opened, .received = client_received, .closed = client_closed};

static struct client *
connect_client(struct scene *s, int i, struct tls *tls)
{
    struct client *client = &s->clients[i];
    struct stream_config config = {.address = http_server_address(s->server), .tls = tls};
    assert_ok(stream_connect(s->loop, &config, &client_handler, client, &client->stream, NULL));
    RUN_UNTIL(s->loop, client->opened || client->closed);
    return client;
}

static void
say(struct client *client, const char *text)
{
    assert_ok(stream_send(client->stream, text, strlen(text)));
}

static bool
heard(struct client *client, const char *text)
{
    return strstr(buf_cstr(&client->got), text) != NULL;
}

#define GET "GET / HTTP/1.1\r\nHost: h\r\n\r\n"

/* ---- tests */

static void
one_connection_serves_request_after_request(void **state)
{
    struct scene *s = *state;
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    for (int i = 0; i < 3; i++) {
        say(client, GET);
        RUN_UNTIL(s->loop, heard(client, "\r\n\r\naaaa"));
        buf_clear(&client->got);
    }
    struct http_statistics statistics = http_server_statistics(s->server);
    assert_int_equal(statistics.accepted, 1);
    assert_int_equal(statistics.requests, 3);
    assert_int_equal(statistics.connections, 1);
}

static void
a_large_answer_arrives_whole_before_the_connection_ends(void **state)
{
    struct scene *s = *state;
    s->answer_size = (size_t)8 << 20;
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    say(client, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    RUN_UNTIL(s->loop, client->closed);
    assert_true(heard(client, "Content-Length: 8388608\r\n"));
    assert_true(client->got.size > s->answer_size);
}

static void
a_head_that_does_not_come_ends_with_408(void **state)
{
    struct scene *s = *state;
    s->config.limits.head_time = 20 * NSEC_PER_MSEC;
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    say(client, "GET / HTTP/1.1\r\nHo");
    RUN_UNTIL(s->loop, client->closed);
    assert_true(heard(client, "HTTP/1.1 408 "));
    assert_int_equal(http_server_statistics(s->server).timeouts, 1);
}

static void
a_client_that_says_nothing_is_hung_up_on(void **state)
{
    struct scene *s = *state;
    s->config.limits.idle_time = 20 * NSEC_PER_MSEC;
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    RUN_UNTIL(s->loop, client->closed);
    assert_int_equal(client->got.size, 0);
}

static void
garbage_is_answered_and_hung_up_on(void **state)
{
    struct scene *s = *state;
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    say(client, "\x16\x03\x01 garbage\r\n\r\n");
    RUN_UNTIL(s->loop, client->closed);
    assert_true(heard(client, "HTTP/1.1 400 Bad Request\r\n"));
    assert_true(heard(client, "urn:tieline:problem:malformed"));
}

static void
connections_that_are_too_many_are_told_so(void **state)
{
    struct scene *s = *state;
    s->config.connections = 2;
    start(s);
    connect_client(s, 0, NULL);
    connect_client(s, 1, NULL);
    struct client *third = connect_client(s, 2, NULL);
    RUN_UNTIL(s->loop, third->closed);
    assert_true(heard(third, "HTTP/1.1 503 Service Unavailable\r\n"));
    say(&s->clients[1], GET);
    RUN_UNTIL(s->loop, heard(&s->clients[1], "aaaa"));
    assert_int_equal(http_server_statistics(s->server).too_many, 1);
}

static void
one_name_has_its_share_of_connections(void **state)
{
    struct scene *s = *state;
    s->config.connections_a_name = 1;
    start(s);
    connect_client(s, 0, NULL);
    struct client *second = connect_client(s, 1, NULL);
    RUN_UNTIL(s->loop, second->closed);
    assert_true(heard(second, "HTTP/1.1 503 "));
}

static void
freeing_the_server_hangs_up(void **state)
{
    struct scene *s = *state;
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    http_server_free(s->server);
    s->server = NULL;
    RUN_UNTIL(s->loop, client->closed);
}

/* ---- with certificates */

static struct tls *
tls_of(struct scene *s, const char *name)
{
    char ca[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], key[TEST_PATH_SIZE], file[64];
    struct tls *tls;
    snprintf(file, sizeof file, "%s.crt", name);
    test_path(&s->dir, file, cert);
    snprintf(file, sizeof file, "%s.key", name);
    test_path(&s->dir, file, key);
    assert_ok(
        tls_new(&(struct tls_config){test_path(&s->dir, "ca.crt", ca), cert, key}, &tls, NULL));
    return tls;
}

static void
issue(struct scene *s)
{
    struct test_ca ca = test_ca_make("utility"), other = test_ca_make("elsewhere");
    test_pem_write(&s->dir, "ca.crt", ca.cert, NULL);
    test_cert_issue(&s->dir, "server", &ca, &(struct test_cert){.name = "tielined"});
    test_cert_issue(&s->dir, "alice", &ca, &(struct test_cert){.name = "alice"});
    test_cert_issue(&s->dir, "mallory", &other, &(struct test_cert){.name = "alice"});
    test_ca_free(&ca);
    test_ca_free(&other);
    s->tls = tls_of(s, "server");
    s->config.tls = s->tls;
    s->config.address = "127.0.0.1:0";
}

static void
the_certificate_says_who_asks(void **state)
{
    struct scene *s = *state;
    issue(s);
    start(s);
    struct tls *alice = tls_of(s, "alice");
    struct client *client = connect_client(s, 0, alice);
    tls_free(alice);
    say(client, GET);
    RUN_UNTIL(s->loop, heard(client, "aaaa"));
    assert_string_equal(s->name, "alice");
}

static void
a_certificate_of_another_ca_gets_no_further_than_the_handshake(void **state)
{
    struct scene *s = *state;
    issue(s);
    start(s);
    struct tls *mallory = tls_of(s, "mallory");
    struct client *client = connect_client(s, 0, mallory);
    tls_free(mallory);
    RUN_UNTIL(s->loop, client->closed && s->n_refused);
    assert_int_equal(http_server_statistics(s->server).refused, 1);
    assert_int_equal(http_server_statistics(s->server).requests, 0);
}

static void
who_speaks_no_tls_gets_no_answer(void **state)
{
    struct scene *s = *state;
    issue(s);
    start(s);
    struct client *client = connect_client(s, 0, NULL);
    say(client, GET);
    RUN_UNTIL(s->loop, client->closed);
    assert_false(heard(client, "HTTP/"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(TEST(one_connection_serves_request_after_request),
          TEST(a_large_answer_arrives_whole_before_the_connection_ends),
          TEST(a_head_that_does_not_come_ends_with_408),
          TEST(a_client_that_says_nothing_is_hung_up_on), TEST(garbage_is_answered_and_hung_up_on),
          TEST(connections_that_are_too_many_are_told_so),
          TEST(one_name_has_its_share_of_connections), TEST(freeing_the_server_hangs_up),
          TEST(the_certificate_says_who_asks),
          TEST(a_certificate_of_another_ca_gets_no_further_than_the_handshake),
          TEST(who_speaks_no_tls_gets_no_answer))
