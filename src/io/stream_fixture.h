/* stream_fixture.h - two ends of a stream that note what they are told, for the tests of streams.
 * Real sockets, on loopback and in a temporary directory. */
#ifndef IO_STREAM_FIXTURE_H
#define IO_STREAM_FIXTURE_H

#include "base/buf.h"
#include "io/address.h"
#include "io/stream.h"
#include "io/testing.h"

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

static inline UNUSED void
leave(struct side *side, const char *callback)
{
    if (side->free_in && !strcmp(side->free_in, callback)) {
        stream_free(side->stream);
        side->stream = NULL;
    }
}

static inline UNUSED void
on_opened(void *arg, struct stream *stream UNUSED)
{
    struct side *side = arg;
    side->n_opened++;
    leave(side, "opened");
}

static inline UNUSED void
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

static inline UNUSED void
on_drained(void *arg, struct stream *stream UNUSED)
{
    struct side *side = arg;
    side->n_drained++;
    leave(side, "drained");
}

static inline UNUSED void
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

static inline UNUSED void
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

static inline UNUSED void
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

static inline UNUSED int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->loop = test_loop_new();
    f->dir = test_dir_make();
    *state = f;
    return 0;
}

static inline UNUSED int
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

static inline UNUSED void
listen_on(struct fixture *f, const struct stream_config *config)
{
    assert_ok(stream_listen(f->loop, config, &listener_handler, f, &f->listener, NULL));
}

static inline UNUSED void
start_client(struct fixture *f, const struct stream_config *config)
{
    struct stream_config c = *config;
    if (!c.address)
        c.address = stream_listener_address(f->listener);
    assert_ok(stream_connect(f->loop, &c, &side_handler, &f->client, &f->client.stream, NULL));
}

static inline UNUSED void
connect_plain(struct fixture *f)
{
    listen_on(f, &(struct stream_config){.address = "127.0.0.1:0"});
    start_client(f, &(struct stream_config){0});
    RUN_UNTIL(f->loop, f->client.n_opened && f->n_accepted);
}

static inline UNUSED struct tls *
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

static inline UNUSED void
listen_tls(struct fixture *f, const char *address, nsec_t timeout)
{
    struct tls *tls = identity(f, &(struct test_cert){.name = "controller"});
    listen_on(f, &(struct stream_config){.address = address, .tls = tls, .timeout = timeout});
    tls_free(tls);
}

static inline UNUSED void
start_tls_client(struct fixture *f, const struct test_cert *what, const char *server_name)
{
    struct tls *tls = identity(f, what);
    start_client(f, &(struct stream_config){.tls = tls, .peer_name = server_name});
    tls_free(tls);
}

static inline UNUSED void
connect_tls(struct fixture *f)
{
    listen_tls(f, "127.0.0.1:0", 0);
    start_tls_client(f, &(struct test_cert){.name = "edge-7"}, "controller");
    RUN_UNTIL(f->loop, f->client.n_opened && f->n_accepted);
}

/* A socket of the operating system's own, connected to the listener. */
static inline UNUSED int
bare_socket(struct fixture *f)
{
    union address address;
    assert_ok(address_parse(stream_listener_address(f->listener), &address, NULL));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, &address.any, sizeof address.ipv4), 0);
    return fd;
}

static inline UNUSED bool
got(const struct side *side, const char *text)
{
    return side->got.size == strlen(text) && !memcmp(side->got.data, text, side->got.size);
}

static inline UNUSED void
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

#endif
