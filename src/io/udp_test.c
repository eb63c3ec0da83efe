#include "io/udp.h"

#include "io/clock.h"
#include "io/testing.h"

#define LOOPBACK UINT32_C(0x7f000001)

struct fixture {
    uv_loop_t *loop;
    struct udp *a, *b;
    int n;
    uint32_t from;
    uint16_t from_port;
    uint8_t payload[64];
    size_t size;
    nsec_t wall;
    bool close;
};

static void
on_received(void *arg, uint32_t from, uint16_t from_port, const uint8_t *payload, size_t size,
            nsec_t wall)
{
    struct fixture *f = arg;
    f->n++;
    f->from = from;
    f->from_port = from_port;
    f->size = size;
    f->wall = wall;
    memcpy(f->payload, payload, size < sizeof f->payload ? size : sizeof f->payload);
    if (f->close) {
        udp_close(f->b);
        f->b = NULL;
    }
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct udp_config config = {.address = LOOPBACK, .ttl = 255, .received = on_received, .arg = f};
    f->loop = test_loop_new();
    assert_ok(udp_open(f->loop, &config, &f->a, NULL));
    assert_ok(udp_open(f->loop, &config, &f->b, NULL));
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    udp_close(f->a);
    udp_close(f->b);
    test_loop_free(f->loop);
    free(f);
    return 0;
}

static void
a_datagram_arrives_with_its_sender_and_its_time(void **state)
{
    struct fixture *f = *state;
    nsec_t before = clock_wall();
    assert_ok(udp_send(f->a, LOOPBACK, udp_port(f->b), (const uint8_t *)"hello", 5));
    RUN_UNTIL(f->loop, f->n == 1);
    assert_int_equal(f->size, 5);
    assert_memory_equal(f->payload, "hello", 5);
    assert_int_equal(f->from, LOOPBACK);
    assert_int_equal(f->from_port, udp_port(f->a));
    assert_true(f->wall >= before && f->wall <= clock_wall());
}

static void
an_empty_datagram_is_one(void **state)
{
    struct fixture *f = *state;
    assert_ok(udp_send(f->a, LOOPBACK, udp_port(f->b), (const uint8_t *)"", 0));
    RUN_UNTIL(f->loop, f->n == 1);
    assert_int_equal(f->size, 0);
}

static void
a_port_that_is_taken_is_refused(void **state)
{
    struct fixture *f = *state;
    struct udp_config config = {.address = LOOPBACK, .port = udp_port(f->a)};
    struct udp *c = NULL;
    struct diag diag = {""};
    assert_err(udp_open(f->loop, &config, &c, &diag), ERR_EXISTS);
    assert_non_null(strstr(diag.text, "127.0.0.1"));
    udp_close(f->a);
    f->a = NULL;
    assert_ok(udp_open(f->loop, &config, &c, NULL)); /* at once */
    udp_close(c);
}

static void
a_foreign_address_is_refused(void **state)
{
    struct fixture *f = *state;
    struct udp_config config = {.address = UINT32_C(0xc0000201)}; /* 192.0.2.1 */
    struct udp *c = NULL;
    assert_err(udp_open(f->loop, &config, &c, NULL), ERR_NOT_FOUND);
    assert_null(c);
}

static void
a_refused_datagram_does_not_end_the_socket(void **state)
{
    struct fixture *f = *state;
    uint16_t closed = udp_port(f->b);
    udp_close(f->b);
    f->b = NULL;
    (void)udp_send(f->a, LOOPBACK, closed, (const uint8_t *)"x", 1); /* answered by ICMP */
    run_turns(f->loop, 5);
    (void)udp_send(f->a, LOOPBACK, udp_port(f->a), (const uint8_t *)"me", 2);
    RUN_UNTIL(f->loop, f->n == 1);
    assert_int_equal(f->size, 2);
}

static void
too_long_is_a_limit(void **state)
{
    struct fixture *f = *state;
    static const uint8_t much[UDP_MAX_PAYLOAD + 1];
    assert_err(udp_send(f->a, LOOPBACK, udp_port(f->b), much, sizeof much), ERR_LIMIT);
}

static void
may_be_closed_from_inside(void **state)
{
    struct fixture *f = *state;
    f->close = true;
    uint16_t to = udp_port(f->b);
    for (int i = 0; i < 3; i++)
        assert_ok(udp_send(f->a, LOOPBACK, to, (const uint8_t *)"x", 1));
    RUN_UNTIL(f->loop, f->n == 1);
    run_turns(f->loop, 5);
    assert_int_equal(f->n, 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(T(a_datagram_arrives_with_its_sender_and_its_time), T(an_empty_datagram_is_one),
          T(a_port_that_is_taken_is_refused), T(a_foreign_address_is_refused),
          T(a_refused_datagram_does_not_end_the_socket), T(too_long_is_a_limit),
          T(may_be_closed_from_inside))
