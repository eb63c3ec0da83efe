/* How a stream ends, in all the ways it can, and who is not let in at all. */
#include "io/stream_fixture.h"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* ---- the end of a connection */

static void
the_peer_ends(void **state)
{
    struct fixture *f = *state;
    connect_plain(f);
    stream_free(f->server.stream);
    f->server.stream = NULL;
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_CLOSED);
    assert_string_equal(f->client.reason, "closed by the other side");
    run_turns(f->loop, 5);
    assert_int_equal(f->client.n_closed, 1);
    assert_err(stream_send(f->client.stream, "x", 1), ERR_CLOSED);
}

static void
the_peer_resets(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    int fd = bare_socket(f);
    RUN_UNTIL(f->loop, f->n_accepted);
    struct linger hard = {.l_onoff = 1, .l_linger = 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard), 0);
    close(fd);
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_err(f->server.err, ERR_CLOSED);
    assert_string_equal(f->server.reason, "read: connection reset by peer");
}

static void
a_peer_that_only_stops_sending_still_gets_its_answer(void **state)
{
    struct fixture *f = *state;
    char answer[8] = "";
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    f->server.echo = true;
    f->server.free_in = "closed";
    int fd = bare_socket(f);
    assert_int_equal(send(fd, "answer", 6, 0), 6);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_err(f->server.err, ERR_CLOSED);
    run_turns(f->loop, 5);
    assert_int_equal(recv(fd, answer, sizeof answer, MSG_WAITALL), 6);
    assert_string_equal(answer, "answer");
    close(fd);
}

static void
last_words_are_read_although_writing_fails(void **state)
{
    struct fixture *f = *state;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    int fd = bare_socket(f);
    RUN_UNTIL(f->loop, f->n_accepted);
    assert_int_equal(send(fd, "last words", 10, 0), 10);
    close(fd);
    assert_ok(stream_send(f->server.stream, "x", 1));
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_true(got(&f->server, "last words"));
    assert_err(f->server.err, ERR_CLOSED);
}

static void
an_answer_before_free_reaches_a_peer_that_still_talks(void **state)
{
    struct fixture *f = *state;
    connect_plain(f);
    f->server.reply_and_free = true;
    static const uint8_t data[100000];
    assert_ok(stream_send(f->client.stream, data, sizeof data));
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_true(got(&f->client, "goodbye"));
    assert_string_equal(f->client.reason, "closed by the other side");
}

static void
an_end_without_close_notify_is_told_apart(void **state)
{
    struct fixture *f = *state;
    /* A client that shakes hands by itself and then only closes its socket. */
    listen_tls(f, "127.0.0.1:0", 0);
    struct tls *tls = identity(f, &(struct test_cert){.name = "edge-7"});
    int fd = bare_socket(f);
    struct tls_session *session;
    assert_ok(tls_session_new(tls, TLS_CLIENT, NULL, &session, NULL));
    assert_ok(tls_session_start(session, NULL));
    while (!f->n_accepted) {
        struct buf out = BUF_INIT;
        uint8_t data[4096];
        tls_session_output(session, &out);
        assert_int_equal(send(fd, out.data, out.size, 0), (ssize_t)out.size);
        buf_fini(&out);
        uv_run(f->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, data, sizeof data, MSG_DONTWAIT);
        if (n > 0)
            assert_ok(tls_session_input(session, data, (size_t)n, NULL));
    }
    shutdown(fd, SHUT_WR);
    RUN_UNTIL(f->loop, f->server.n_closed);
    assert_err(f->server.err, ERR_CLOSED);
    assert_string_equal(f->server.reason, "closed by the other side without a TLS close_notify");
    close(fd);
    tls_session_free(session);
    tls_free(tls);
}

/* Loopback of a network namespace of our own is switched off under the connection. In a child,
 * because a namespace is for a process's whole life. */
static int
lose_the_peer(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int control = socket(AF_INET, SOCK_DGRAM, 0);
    struct fixture f = {.loop = test_loop_new()};
    if (ioctl(control, SIOCSIFFLAGS, &lo))
        return 77;
    listen_on(&f, &(struct stream_config){.address = "127.0.0.1:0", .dead_after = 1});
    start_client(&f, &(struct stream_config){.dead_after = 1});
    RUN_UNTIL(f.loop, f.client.n_opened && f.n_accepted);
    assert_ok(stream_send(f.client.stream, "x", 1)); /* one side talks, the other one listens */
    RUN_UNTIL(f.loop, f.server.got.size == 1);
    lo.ifr_flags = 0;
    assert_int_equal(ioctl(control, SIOCSIFFLAGS, &lo), 0);
    assert_ok(stream_send(f.client.stream, "y", 1));
    RUN_UNTIL(f.loop, f.client.n_closed && f.server.n_closed);
    print_message("talking side: %s; listening side: %s\n", f.client.reason, f.server.reason);
    return f.client.err == ERR_TIMEOUT && f.server.err == ERR_TIMEOUT ? 0 : 1;
}

static void
a_peer_that_vanishes_is_noticed(void **state UNUSED)
{
    int status;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(unshare(CLONE_NEWNET) ? 77 : lose_the_peer());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("SKIPPED: needs the right to make a network namespace\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- who may come in */

static void
assert_refused(struct fixture *f, enum err err, const char *reason)
{
    RUN_UNTIL(f->loop, f->n_refused && f->client.n_closed);
    assert_err(f->refused_err, err);
    assert_string_equal(f->refused_reason, reason);
    assert_memory_equal(f->refused_address, "127.0.0.1:", 10);
    assert_int_equal(f->n_accepted, 0);
}

static void
an_expired_client_is_refused_and_told_why(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7", .from_s = -7200, .to_s = -60}, NULL);
    assert_refused(f, ERR_DENIED,
                   "TLS: peer's certificate not accepted: certificate has expired (CN=edge-7)");
    assert_err(f->client.err, ERR_DENIED);
    assert_string_equal(f->client.reason, "TLS: the peer refused us: certificate expired");
}

static void
a_refused_client_that_talks_at_once_is_still_told_why(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7", .from_s = -7200, .to_s = -60}, NULL);
    static const uint8_t data[200000];
    assert_ok(stream_send(f->client.stream, data, sizeof data));
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_DENIED);
    assert_string_equal(f->client.reason, "TLS: the peer refused us: certificate expired");
}

static void
a_client_of_another_ca_is_refused(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    struct test_ca ours = f->ca;
    f->ca = test_ca_make("Somebody's CA");
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
    f->other_ca = f->ca;
    f->ca = ours;
    assert_refused(f, ERR_DENIED,
                   "TLS: peer's certificate not accepted: unable to get local issuer certificate "
                   "(CN=edge-7)");
}

static void
a_client_refuses_a_server_of_another_name(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, "other-controller");
    assert_refused(f, ERR_DENIED, "TLS: the peer refused us: bad certificate");
    assert_err(f->client.err, ERR_DENIED);
    assert_string_equal(f->client.reason,
                        "TLS: peer's certificate not accepted: hostname mismatch (CN=controller)");
    assert_int_equal(f->client.n_opened, 0);
}

static void
a_plain_client_on_a_tls_port_is_refused(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_client(f, &(struct stream_config){0});
    assert_ok(stream_send(f->client.stream, "GET / HTTP/1.1\r\n\r\n", 18));
    assert_refused(f, ERR_MALFORMED, "TLS: http request");
}

static void
garbage_on_a_tls_port_is_refused(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_client(f, &(struct stream_config){0});
    assert_ok(stream_send(f->client.stream, "\xff\xfe\xfd garbage garbage", 20));
    assert_refused(f, ERR_MALFORMED, "TLS: wrong version number");
}

static void
a_tls_client_on_a_plain_port_gives_up(void **state)
{
    struct fixture *f = *state;
    struct tls *tls = identity(f, &(struct test_cert){.name = "edge-7"});
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    f->server.echo = true;
    start_client(f, &(struct stream_config){.tls = tls});
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_int_equal(f->client.n_opened, 0);
    assert_true(f->client.err == ERR_MALFORMED || f->client.err == ERR_CLOSED);
    tls_free(tls);
}

static void
a_peer_that_leaves_in_the_handshake_is_reported(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    int fd = bare_socket(f);
    run_turns(f->loop, 3);
    close(fd);
    RUN_UNTIL(f->loop, f->n_refused);
    assert_err(f->refused_err, ERR_CLOSED);
    assert_string_equal(f->refused_reason, "closed by the other side during the TLS handshake");
}

/* ---- freeing at any time, in any order */

static void
free_in_callback(struct fixture *f, const char *callback)
{
    f->client.free_in = callback;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
    f->server.echo = true;
    assert_ok(stream_send(f->client.stream, "abc", 3));
    RUN_UNTIL(f->loop, f->server.n_closed || f->n_refused);
    assert_null(f->client.stream);
    assert_int_equal(f->client.n_closed, 0);
}

static void
free_in_opened(void **state)
{
    free_in_callback(*state, "opened");
}

static void
free_in_received(void **state)
{
    free_in_callback(*state, "received");
}

static void
free_in_drained(void **state)
{
    free_in_callback(*state, "drained");
}

static void
free_in_closed(void **state)
{
    struct fixture *f = *state;
    connect_tls(f);
    f->client.free_in = "closed";
    stream_free(f->server.stream);
    f->server.stream = NULL;
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_null(f->client.stream);
}

static void
free_in_accepted(void **state)
{
    struct fixture *f = *state;
    f->server.free_in = "accepted";
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){0});
    RUN_UNTIL(f->loop, f->client.n_closed);
    assert_err(f->client.err, ERR_CLOSED);
}

static void
free_the_listener_in_accepted(void **state)
{
    struct fixture *f = *state;
    f->free_listener_in_accepted = true;
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){0});
    echoes(f);
    assert_null(f->listener);
}

static void
free_the_listener_in_accepted_with_tls(void **state)
{
    struct fixture *f = *state;
    f->free_listener_in_accepted = true;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
    echoes(f);
    assert_null(f->listener);
}

static void
free_the_listener_during_a_handshake(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    int fd = bare_socket(f);
    run_turns(f->loop, 3);
    stream_listener_free(f->listener);
    f->listener = NULL;
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->n_refused, 0);
    close(fd);
}

static void
free_before_anything_has_happened(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
    stream_free(f->client.stream);
    f->client.stream = NULL;
    stream_listener_free(f->listener);
    f->listener = NULL;
    uv_run(f->loop, UV_RUN_DEFAULT);
    assert_int_equal(f->client.n_opened + f->client.n_closed, 0);
}

static void
free_at_every_turn_of_a_handshake(void **state)
{
    struct fixture *f = *state;
    listen_tls(f, "127.0.0.1:0", 0);
    for (int turns = 0; turns < 12; turns++) {
        start_tls_client(f, &(struct test_cert){.name = "edge-7"}, NULL);
        run_turns(f->loop, turns);
        stream_free(f->client.stream);
        f->client.stream = NULL;
        run_turns(f->loop, 20);
    }
    assert_int_equal(f->client.n_closed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_peer_ends),
        TEST(the_peer_resets),
        TEST(a_peer_that_only_stops_sending_still_gets_its_answer),
        TEST(last_words_are_read_although_writing_fails),
        TEST(an_answer_before_free_reaches_a_peer_that_still_talks),
        TEST(an_end_without_close_notify_is_told_apart),
        TEST(a_peer_that_vanishes_is_noticed),
        TEST(an_expired_client_is_refused_and_told_why),
        TEST(a_refused_client_that_talks_at_once_is_still_told_why),
        TEST(a_client_of_another_ca_is_refused),
        TEST(a_client_refuses_a_server_of_another_name),
        TEST(a_plain_client_on_a_tls_port_is_refused),
        TEST(garbage_on_a_tls_port_is_refused),
        TEST(a_tls_client_on_a_plain_port_gives_up),
        TEST(a_peer_that_leaves_in_the_handshake_is_reported),
        TEST(free_in_opened),
        TEST(free_in_received),
        TEST(free_in_drained),
        TEST(free_in_closed),
        TEST(free_in_accepted),
        TEST(free_the_listener_in_accepted),
        TEST(free_the_listener_in_accepted_with_tls),
        TEST(free_the_listener_during_a_handshake),
        TEST(free_before_anything_has_happened),
        TEST(free_at_every_turn_of_a_handshake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
