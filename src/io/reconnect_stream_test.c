/* The use that reconnect.h describes: a client that keeps a stream up. */
#include "io/clock.h"
#include "io/reconnect.h"
#include "io/stream_fixture.h"
#include "io/timer.h"

struct client {
    uv_loop_t *loop;
    struct reconnect reconnect;
    struct timer *timer;
    struct stream *stream;
    char address[ADDRESS_TEXT_SIZE];
    int n_opened, n_closed;
};

static void run(void *arg);

static void
client_opened(void *arg, struct stream *stream UNUSED)
{
    struct client *c = arg;
    c->n_opened++;
    reconnect_connected(&c->reconnect, clock_monotonic());
}

static void
client_closed(void *arg, struct stream *stream, enum err err UNUSED, const char *reason UNUSED)
{
    struct client *c = arg;
    c->n_closed++;
    c->stream = NULL;
    stream_free(stream);
    reconnect_lost(&c->reconnect, clock_monotonic());
    run(c);
}

static void
run(void *arg)
{
    static const struct stream_handler handler = {
        .opened = client_opened, .received = on_received, .closed = client_closed};
    struct client *c = arg;
    nsec_t now = clock_monotonic();
    if (reconnect_run(&c->reconnect, now)) {
        struct stream_config config = {.address = c->address};
        assert_ok(stream_connect(c->loop, &config, &handler, c, &c->stream, NULL));
    }
    nsec_t wake = reconnect_wake(&c->reconnect);
    if (wake != NSEC_NEVER)
        timer_start(c->timer, wake - now);
}

static void
a_client_finds_its_server_again(void **state)
{
    struct fixture *f = *state;
    struct reconnect_config config = {.min = 2 * NSEC_PER_MSEC, .max = 8 * NSEC_PER_MSEC};
    struct client c = {.loop = f->loop, .timer = timer_new(f->loop, run, &c)};
    char path[TEST_PATH_SIZE];
    snprintf(c.address, sizeof c.address, "unix:%s", test_path(&f->dir, "sock", path));
    reconnect_init(&c.reconnect, &config, clock_monotonic());
    run(&c);
    RUN_UNTIL(f->loop, c.n_closed == 3); /* nobody is there yet */
    listen_on(f, &(struct stream_config){.address = c.address});
    RUN_UNTIL(f->loop, c.n_opened == 1 && f->n_accepted == 1);
    stream_free(f->server.stream);
    f->server.stream = NULL;
    RUN_UNTIL(f->loop, c.n_opened == 2 && f->n_accepted == 2);
    assert_int_equal(c.reconnect.connections, 2);
    assert_int_equal(c.reconnect.attempts, c.n_closed + 1);
    stream_free(c.stream);
    timer_free(c.timer);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(a_client_finds_its_server_again, set_up, tear_down))
