/* Real sockets on loopback and in a temporary directory. Each side of a stream is a `struct side`
 * that notes what it is told. */
#include "io/stream.h"

#include "base/buf.h"
#include "io/address.h"
#include "io/testing.h"
#include "io/timer.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

struct side {
    struct stream *stream;
    struct buf got;
    int n_opened, n_closed, n_drained;
    enum err err;
    char reason[320];
    const char *free_in; /* the callback in which it frees its stream, "opened" and so on */
    bool echo, reply_and_free;
};

struct fixture {
    uv_loop_t *loop;
    struct test_dir dir;
    struct test_ca ca, other_ca;
    struct stream_listener *listener;
    struct side client, server;
    int n_accepted, n_refused;
    enum err refused_err;
    char refused_reason[320], refused_address[ADDRESS_TEXT_SIZE];
    bool free_listener_in_accepted;
};

static void
leave(struct side *side, const char *callback)
{
    if (side->free_in && !strcmp(side->free_in, callback)) {
        stream_free(side->stream);
        side->stream = NULL;
    }
}

static void
on_opened(void *arg, struct stream *stream UNUSED)
{
    struct side *side = arg;
    side->n_opened++;
    leave(side, "opened");
}

static void
on_received(void *arg, struct stream *stream, const uint8_t *data, size_t size)
{
    struct side *side = arg;
    buf_put(&side->got, data, size);
    if (side->echo)
        assert_ok(stream_send(stream, data, size));
    if (side->reply_and_free) {
        assert_ok(stream_send(stream, "goodbye", 7));
        stream_free(stream);
        side->stream = NULL;
        return;
    }
    leave(side, "received");
}

static void
on_drained(void *arg, struct stream *stream UNUSED)
{
    struct side *side = arg;
    side->n_drained++;
    leave(side, "drained");
}

static void
on_closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    struct side *side = arg;
    side->n_closed++;
    side->err = err;
    snprintf(side->reason, sizeof side->reason, "%s", reason);
    leave(side, "closed");
}

static const struct stream_handler side_handler = {
    .opened = on_opened,
    .received = on_received,
    .drained = on_drained,
    .closed = on_closed,
};

static void
on_accepted(void *arg, struct stream *stream)
{
    struct fixture *f = arg;
    f->n_accepted++;
    stream_free(f->server.stream); /* an earlier one */
    f->server.stream = stream;
    stream_set_handler(stream, &side_handler, &f->server);
    leave(&f->server, "accepted");
    if (f->free_listener_in_accepted) {
        stream_listener_free(f->listener);
        f->listener = NULL;
    }
}

static void
on_refused(void *arg, const char *address, enum err err, const char *reason)
{
    struct fixture *f = arg;
    f->n_refused++;
    f->refused_err = err;
    snprintf(f->refused_reason, sizeof f->refused_reason, "%s", reason);
    snprintf(f->refused_address, sizeof f->refused_address, "%s", address);
}

static const struct stream_listener_handler listener_handler = {
    .accepted = on_accepted,
    .refused = on_refused,
};

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    f->dir = test_dir_make();
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    stream_free(f->client.stream);
    stream_free(f->server.stream);
    stream_listener_free(f->listener);
    test_loop_free(f->loop);
    buf_fini(&f->client.got);
    buf_fini(&f->server.got);
    test_ca_free(&f->ca);
    test_ca_free(&f->other_ca);
    test_dir_remove(&f->dir);
    free(f);
    return 0;
}

static void
listen_on(struct fixture *f, const struct stream_config *config)
{
    assert_ok(stream_listen(f->loop, config, &listener_handler, f, &f->listener, NULL));
}

static void
start_client(struct fixture *f, const struct stream_config *config)
{
    struct stream_config c = *config;
    if (!c.address)
        c.address = stream_listener_address(f->listener);
    assert_ok(stream_connect(f->loop, &c, &side_handler, &f->client, &f->client.stream, NULL));
}

static void
connect_plain(struct fixture *f)
{
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){0});
    RUN_UNTIL(f->loop, f->client.n_opened && f->n_accepted);
}

static struct tls *
identity(struct fixture *f, const struct test_cert *what)
{
    char paths[3][TEST_PATH_SIZE];
    struct tls *tls;
    if (!f->ca.cert) {
        f->ca = test_ca_make("Utility CA");
        test_pem_write(&f->dir, "ca.crt", f->ca.cert, NULL);
    }
    test_cert_issue(&f->dir, what->name, &f->ca, what);
    struct tls_config config = {
        .ca_file = test_path(&f->dir, "ca.crt", paths[0]),
        .cert_file = strcat(test_path(&f->dir, what->name, paths[1]), ".crt"),
        .key_file = strcat(test_path(&f->dir, what->name, paths[2]), ".key")};
    assert_ok(tls_new(&config, &tls, NULL));
    return tls;
}

static void
listen_tls(struct fixture *f, const char *address, nsec_t timeout)
{
    struct tls *tls = identity(f, &(struct test_cert){.name = "controller"});
    listen_on(f, &(struct stream_config){.address = address, .tls = tls, .timeout = timeout});
    tls_free(tls);
}

static void
start_tls_client(struct fixture *f, const struct test_cert *what, const char *server_name)
{
    struct tls *tls = identity(f, what);
    start_client(f, &(struct stream_config){.tls = tls, .peer_name = server_name});
    tls_free(tls);
}

static void
connect_tls(struct fixture *f)
{
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, "controller");
    RUN_UNTIL(f->loop, f->client.n_opened && f->n_accepted);
}

/* A socket of the operating system's own, connected to the listener. */
static int
bare_socket(struct fixture *f)
{
    union address address;
    assert_ok(address_parse(stream_listener_address(f->listener), &address, NULL));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, &address.any, sizeof address.ipv4), 0);
    return fd;
}

static bool
got(const struct side *side, const char *text)
{
    return side->got.size == strlen(text) && !memcmp(side->got.data, text, side->got.size);
}

/* ---- every kind of stream */

static void
echoes(struct fixture *f)
{
    f->server.echo = true;
    RUN_UNTIL(f->loop, f->client.n_opened && f->n_accepted);
    assert_ok(stream_send(f->client.stream, "abc", 3));
    assert_ok(stream_send(f->client.stream, "defg", 4));
    RUN_UNTIL(f->loop, f->client.got.size == 7);
    assert_true(got(&f->client, "abcdefg"));
    assert_true(got(&f->server, "abcdefg"));
}

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
    /* A client that is cut off in the middle: a child that shakes hands and is gone. */
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
        TEST(ipv4),
        TEST(ipv6),
        TEST(unix_socket),
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
        TEST(a_socket_somebody_listens_on_is_not_taken_over),
        TEST(a_socket_left_behind_is_replaced_and_another_file_is_not),
        TEST(a_port_in_use_is_said_so),
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
