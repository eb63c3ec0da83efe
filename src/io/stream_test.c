/* How a stream comes to be, and what passes through it. */
#include "io/stream_fixture.h"

#include <errno.h>

/* ---- every kind of stream */

static void
ipv4(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){0});
    echoes(f);
    assert_string_equal(stream_peer_address(f->client.stream),
                        stream_listener_address(f->listener));
    assert_memory_equal(stream_peer_address(f->server.stream), "127.0.0.1:", 10);
    assert_string_equal(stream_peer_name(f->client.stream), "");
}

static void
it_leaves_from_the_address_it_is_told(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){.from = "127.0.0.9:0"});
    RUN_UNTIL(f->loop, f->client.n_opened && f->n_accepted);
    assert_memory_equal(stream_peer_address(f->server.stream), "127.0.0.9:", 10);
    struct stream_config other = {.address = stream_listener_address(f->listener),
                                  .from = "[::1]:0"};
    struct stream *stream;
    assert_err(stream_connect(f->loop, &other, &side_handler, &f->client, &stream, NULL),
               ERR_INVALID);
}

static void
ipv6(void **state)
{
    struct fixture *f = *state;
    struct diag diag;
    if (stream_listen(f->loop, &(struct stream_config){.address = "[::1]:0"}, &listener_handler, f,
                      &f->listener, &diag)) {
        print_message("SKIPPED: no IPv6 here: %s\n", diag.text);
        skip();
    }
    start_client(f, &(struct stream_config){0});
    echoes(f);
    assert_memory_equal(stream_peer_address(f->server.stream), "[::1]:", 6);
}

static void
unix_socket(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE], address[ADDRESS_TEXT_SIZE], peer[ADDRESS_TEXT_SIZE];
    struct stat st;
    snprintf(address, sizeof address, "unix:%s", test_path(&f->dir, "sock", path));
    listen_on(f, &(struct stream_config){.address = address});
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    start_client(f, &(struct stream_config){.address = address});
    echoes(f);
    snprintf(peer, sizeof peer, "unix:pid=%d,uid=%u", getpid(), getuid());
    assert_string_equal(stream_peer_address(f->server.stream), peer);
    stream_listener_free(f->listener);
    f->listener = NULL;
    assert_int_equal(stat(path, &st), -1);
}

static void
a_unix_socket_has_the_mode_that_was_asked_for_whatever_the_umask(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE], address[ADDRESS_TEXT_SIZE];
    struct stat st;
    snprintf(address, sizeof address, "unix:%s", test_path(&f->dir, "sock", path));
    mode_t before = umask(077);
    listen_on(f, &(struct stream_config){.address = address, .socket_mode = 0660});
    umask(before);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
}

static void
tls_over_tcp(void **state)
{
    struct fixture *f = *state;
    connect_tls(f);
    echoes(f);
    assert_string_equal(stream_peer_name(f->client.stream), "controller");
    assert_string_equal(stream_peer_name(f->server.stream), "edge-7");
}

static void
tls_over_a_unix_socket(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE], address[ADDRESS_TEXT_SIZE];
    snprintf(address, sizeof address, "unix:%s", test_path(&f->dir, "sock", path));
    listen_tls(f, address, 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
    echoes(f);
}

static void
octets_sent_before_it_is_open_are_not_lost(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
    assert_ok(stream_send(f->client.stream, "early", 5));
    RUN_UNTIL(f->loop, got(&f->server, "early"));
}

/* ---- much data */

enum { MUCH = 5000000 };

static void
send_much(struct side *side)
{
    uint8_t *data = malloc(MUCH);
    for (size_t i = 0; i < MUCH; i++)
        data[i] = (uint8_t)(i * 31 + (i >> 13));
    size_t step = 1;
    for (size_t at = 0; at < MUCH; at += step) {
        step = MIN(1 + at % 70001, MUCH - at);
        assert_ok(stream_send(side->stream, data + at, step));
    }
    free(data);
}

static void
assert_got_much(const struct side *side)
{
    assert_int_equal(side->got.size, MUCH);
    for (size_t i = 0; i < MUCH; i++) {
        if (side->got.data[i] != (uint8_t)(i * 31 + (i >> 13)))
            fail_msg("octet %zu differs", i);
    }
}

static void
much_passes_both_ways(struct fixture *f)
{
    send_much(&f->client);
    send_much(&f->server);
    assert_int_equal(stream_pending(f->client.stream), MUCH);
    RUN_UNTIL(f->loop, f->server.got.size == MUCH && f->client.got.size == MUCH);
    assert_got_much(&f->client);
    assert_got_much(&f->server);
    RUN_UNTIL(f->loop, f->client.n_drained > 0);
    assert_int_equal(stream_pending(f->client.stream), 0);
}

static void
much_passes_both_ways_at_once(void **state)
{
    connect_plain(*state);
    much_passes_both_ways(*state);
}

static void
much_passes_both_ways_at_once_in_tls(void **state)
{
    connect_tls(*state);
    much_passes_both_ways(*state);
}

static void
what_was_queued_is_delivered_after_free(void **state)
{
    struct fixture *f = *state;
    connect_tls(f);
    send_much(&f->client);
    stream_free(f->client.stream);
    f->client.stream = NULL;
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_got_much(&f->server);
    assert_err(f->server.err, ERR_CLOSED);
    assert_string_equal(f->server.reason, "closed by the other side");
    assert_int_equal(f->client.n_closed, 0);
}

static void
a_full_queue_ends_the_stream(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){.send_limit = 1000});
    RUN_UNTIL(f->loop, f->client.n_opened);
    uint8_t data[600] = {0};
    assert_ok(stream_send(f->client.stream, data, sizeof data));
    assert_err(stream_send(f->client.stream, data, sizeof data), ERR_LIMIT);
    assert_int_equal(f->client.n_closed, 0); /* never from inside a call */
    assert_err(stream_send(f->client.stream, data, 1), ERR_CLOSED);
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_LIMIT);
    assert_string_equal(f->client.reason, "the peer does not keep up: 600 octets queued");
}

static void
a_peer_that_reads_nothing_fills_the_queue(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0", .send_limit = 1 << 20});
    int fd = bare_socket(f);
    RUN_UNTIL(f->loop, f->n_accepted);
    static const uint8_t data[100000];
    while (!f->server.n_closed) {
        (void)stream_send(f->server.stream, data, sizeof data);
        uv_run(f->loop, UV_RUN_NOWAIT);
    }
    assert_err(f->server.err, ERR_LIMIT);
    close(fd);
}

static void
free_does_not_wait_for_ever_for_a_peer_that_reads_nothing(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    int fd = bare_socket(f);
    RUN_UNTIL(f->loop, f->n_accepted);
    uint8_t *data = calloc(1, 15000000);
    assert_ok(stream_send(f->server.stream, data, 15000000));
    free(data);
    stream_free(f->server.stream);
    f->server.stream = NULL;
    stream_listener_free(f->listener);
    f->listener = NULL;
    uv_run(f->loop, UV_RUN_DEFAULT); /* returns */
    assert_int_equal(f->server.n_closed, 0);
    close(fd);
}

/* ---- no connection */

static void
nobody_listens(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    char address[ADDRESS_TEXT_SIZE];
    snprintf(address, sizeof address, "%s", stream_listener_address(f->listener));
    stream_listener_free(f->listener);
    f->listener = NULL;
    run_turns(f->loop, 3);
    start_client(f, &(struct stream_config){.address = address});
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_CLOSED);
    assert_string_equal(f->client.reason, "connect: connection refused");
    assert_int_equal(f->client.n_opened, 0);
}

static void
a_unix_socket_that_is_not_there(void **state)
{
    struct fixture *f = *state;
    start_client(f, &(struct stream_config){.address = "unix:/nonexistent/sock"});
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_NOT_FOUND);
}

static void
what_is_no_address_is_refused_at_once(void **state)
{
    struct fixture *f = *state;
    struct stream_config config = {.address = "somewhere"};
    struct diag diag;
    assert_err(
        stream_connect(f->loop, &config, &side_handler, &f->client, &f->client.stream, &diag),
        ERR_INVALID);
    assert_err(stream_listen(f->loop, &config, &listener_handler, f, &f->listener, &diag),
               ERR_INVALID);
    assert_null(f->client.stream);
}

static void
a_peer_that_does_not_answer_times_out(void **state)
{
    struct fixture *f = *state;
    /* With its queue of unaccepted connections full, Linux ignores further ones. */
    union address address = {
        .ipv4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address.ipv4;
    char text[ADDRESS_TEXT_SIZE];
    int fd = socket(AF_INET, SOCK_STREAM, 0), filler = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, &address.any, size), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, &address.any, &size), 0);
    assert_int_equal(connect(filler, &address.any, size), 0);
    start_client(f, &(struct stream_config){.address = address_format(&address, text),
                                            .timeout = 50 * NSEC_PER_MSEC});
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_TIMEOUT);
    assert_string_equal(f->client.reason, "no connection within 0.05 s");
    close(filler);
    close(fd);
}

static void
a_server_that_is_silent_in_the_handshake_times_out(void **state)
{
    struct fixture *f = *state;
    struct tls *tls = identity(f, &(struct test_cert){.name = "edge-7"});
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){.tls = tls, .timeout = 50 * NSEC_PER_MSEC});
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_TIMEOUT);
    assert_string_equal(f->client.reason, "no TLS handshake within 0.05 s");
    tls_free(tls);
}

static void
a_client_that_is_silent_in_the_handshake_times_out(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 50 * NSEC_PER_MSEC);
    int fd = bare_socket(f);
    RUN_UNTIL(f->loop, f->n_refused);
    assert_err(f->refused_err, ERR_TIMEOUT);
    assert_memory_equal(f->refused_address, "127.0.0.1:", 10);
    assert_int_equal(f->n_accepted, 0);
    close(fd);
}

static void
of_too_many_handshakes_the_oldest_ends(void **state)
{
    struct fixture *f = *state;
    int fds[STREAM_MAX_HANDSHAKES + 3];
    char byte;
    listen_tls(f, "127.0.0.1:0", 0);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = bare_socket(f);
        run_turns(f->loop, 2);
    }
    RUN_UNTIL(f->loop, f->n_refused == 3);
    assert_err(f->refused_err, ERR_LIMIT);
    for (int i = 0; i < 3; i++)
        assert_true(recv(fds[i], &byte, 1, 0) <= 0);
    assert_int_equal(recv(fds[3], &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL); /* still gets in */
    RUN_UNTIL(f->loop, f->n_accepted == 1);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
}

/* ---- Unix sockets that are there already */

static void
a_socket_somebody_listens_on_is_not_taken_over(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE], address[ADDRESS_TEXT_SIZE];
    struct stream_listener *second;
    snprintf(address, sizeof address, "unix:%s", test_path(&f->dir, "sock", path));
    struct stream_config config = {.address = address};
    listen_on(f, &config);
    assert_err(stream_listen(f->loop, &config, &listener_handler, f, &second, NULL), ERR_EXISTS);
    start_client(f, &config);
    echoes(f);
}

static void
a_socket_left_behind_is_replaced_and_another_file_is_not(void **state)
{
    struct fixture *f = *state;
    char path[TEST_PATH_SIZE], address[ADDRESS_TEXT_SIZE];
    union address stale;
    snprintf(address, sizeof address, "unix:%s", test_path(&f->dir, "sock", path));
    assert_ok(address_parse(address, &stale, NULL));
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, &stale.any, sizeof stale.local), 0);
    close(fd);
    listen_on(f, &(struct stream_config){.address = address});
    stream_listener_free(f->listener);
    f->listener = NULL;

    fclose(fopen(path, "w"));
    struct diag diag;
    struct stream_config config = {.address = address};
    assert_err(stream_listen(f->loop, &config, &listener_handler, f, &f->listener, &diag),
               ERR_EXISTS);
    assert_int_equal(access(path, F_OK), 0);
}

static void
a_port_in_use_is_said_so(void **state)
{
    struct fixture *f = *state;
    struct stream_listener *second;
    struct diag diag;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    struct stream_config config = {.address = stream_listener_address(f->listener)};
    assert_err(stream_listen(f->loop, &config, &listener_handler, f, &second, &diag), ERR_EXISTS);
    assert_memory_equal(diag.text, "listen on 127.0.0.1:", 20);
}

static size_t
send_more_than_fits(struct fixture *f)
{
    static const uint8_t data[1 << 20];
    for (int i = 0; i < 12; i++)
        assert_ok(stream_send(f->client.stream, data, sizeof data));
    run_turns(f->loop, 200);
    return 12 * sizeof data;
}

static void
a_paused_stream_takes_nothing_until_it_goes_on(struct fixture *f)
{
    stream_pause(f->server.stream, true);
    stream_pause(f->server.stream, true);
    size_t size = send_more_than_fits(f);
    assert_int_equal(f->server.got.size, 0);
    assert_true(stream_pending(f->client.stream) > 0); /* the sender feels it */
    stream_pause(f->server.stream, false);
    RUN_UNTIL(f->loop, f->server.got.size == size);
}

static void
pauses_plain(void **state)
{
    connect_plain(*state);
    a_paused_stream_takes_nothing_until_it_goes_on(*state);
}

static void
pauses_tls(void **state)
{
    connect_tls(*state);
    a_paused_stream_takes_nothing_until_it_goes_on(*state);
}

static void
a_paused_stream_that_is_freed_still_says_goodbye(void **state)
{
    struct fixture *f = *state;
    connect_tls(f);
    stream_pause(f->server.stream, true);
    send_more_than_fits(f);
    assert_ok(stream_send(f->server.stream, "goodbye", 7));
    stream_free(f->server.stream);
    f->server.stream = NULL;
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_true(got(&f->client, "goodbye"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ipv4),
        TEST(ipv6),
        TEST(it_leaves_from_the_address_it_is_told),
        TEST(unix_socket),
        TEST(a_unix_socket_has_the_mode_that_was_asked_for_whatever_the_umask),
        TEST(tls_over_tcp),
        TEST(tls_over_a_unix_socket),
        TEST(octets_sent_before_it_is_open_are_not_lost),
        TEST(much_passes_both_ways_at_once),
        TEST(much_passes_both_ways_at_once_in_tls),
        TEST(what_was_queued_is_delivered_after_free),
        TEST(a_full_queue_ends_the_stream),
        TEST(a_peer_that_reads_nothing_fills_the_queue),
        TEST(free_does_not_wait_for_ever_for_a_peer_that_reads_nothing),
        TEST(nobody_listens),
        TEST(a_unix_socket_that_is_not_there),
        TEST(what_is_no_address_is_refused_at_once),
        TEST(a_peer_that_does_not_answer_times_out),
        TEST(a_server_that_is_silent_in_the_handshake_times_out),
        TEST(a_client_that_is_silent_in_the_handshake_times_out),
        TEST(of_too_many_handshakes_the_oldest_ends),
        TEST(a_socket_somebody_listens_on_is_not_taken_over),
        TEST(a_socket_left_behind_is_replaced_and_another_file_is_not),
        TEST(a_port_in_use_is_said_so),
        TEST(pauses_plain),
        TEST(pauses_tls),
        TEST(a_paused_stream_that_is_freed_still_says_goodbye),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
