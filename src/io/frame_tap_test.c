/* Frames of an interface that lives in a network namespace of this test alone. */
#include "io/frame_tap.h"

#include "base/attr.h"
#include "base/testing.h"
#include "packet/erspan.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MEMORY ((size_t)4 << 20)
#define DATAGRAM 60000u
#define BLOCK_DATAGRAMS 17u /* that fit into one */
#define BLOCKS_MAX 4u       /* of the ring */

struct talker {
    int fd;
    struct sockaddr_in to;
    unsigned n_heard;
};

static bool
is_up(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool is_well = fd >= 0 && !ioctl(fd, SIOCSIFFLAGS, &lo);
    close(fd);
    return is_well;
}

/* Once for all tests. */
static void
enter_namespace(void)
{
    static bool is_in;
    is_in = is_in || (!unshare(CLONE_NEWNET) && is_up());
    if (is_in)
        return;
    print_message("SKIPPED: needs the right to make a network namespace\n");
    skip();
}

static void
say(const struct talker *t)
{
    static const uint8_t octets[DATAGRAM];
    (void)sendto(t->fd, octets, sizeof octets, MSG_DONTWAIT, (const struct sockaddr *)&t->to,
                 sizeof t->to);
}

/* More comes than is read. */
static void
on_frame(void *arg, const struct tapped_frame *f UNUSED)
{
    struct talker *t = arg;
    if (++t->n_heard > 4 * BLOCKS_MAX * BLOCK_DATAGRAMS)
        fail_msg("it does not end");
    say(t);
    say(t);
}

static void
reading_ends_though_more_comes_than_is_read(void **state UNUSED)
{
    const struct frame_tap_options options = {.driver = FRAME_TAP_PACKET, .memory = MEMORY};
    struct frame_tap *tap;
    struct diag diag = {""};
    struct talker t = {
        .to = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = {htonl(INADDR_LOOPBACK)}}};
    enter_namespace();
    t.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(t.fd >= 0);
    assert_ok(frame_tap_open("lo", &options, &tap, &diag));
    for (unsigned i = 0; i < 2 * BLOCK_DATAGRAMS; i++)
        say(&t);
    assert_true(frame_tap_read(tap, UINT32_MAX, on_frame, &t) <= BLOCKS_MAX);
    assert_true(t.n_heard > 0);
    frame_tap_close(tap);
    close(t.fd);
}

/* ---- ERSPAN */

static void
mirror(int fd, uint32_t sequence)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct erspan e = {.session = 1, .sequence = sequence, .index = 3};
    uint8_t octets[ERSPAN_HEADER_SIZE + 60] = {0};
    erspan_put(&e, octets);
    assert_int_equal(sendto(fd, octets, sizeof octets, 0, (const struct sockaddr *)&to, sizeof to),
                     sizeof octets);
}

static void
count_frame(void *arg, const struct tapped_frame *f)
{
    ++*(unsigned *)arg;
    assert_string_equal(f->source, "127.0.0.1 port 3");
    assert_int_equal(f->size, 60);
}

/* Frames that were heard and that are missing of those with these numbers. */
static void
assert_counted(const uint32_t *sequence, unsigned n, uint64_t missing)
{
    const struct frame_tap_options options = {.driver = FRAME_TAP_ERSPAN};
    struct frame_tap *tap;
    struct diag diag = {""};
    struct frame_tap_counters counters;
    unsigned heard = 0;
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, ERSPAN_IP_PROTO);
    assert_true(fd >= 0);
    assert_ok(frame_tap_open("127.0.0.1", &options, &tap, &diag));
    for (unsigned i = 0; i < n; i++)
        mirror(fd, sequence[i]);
    frame_tap_read(tap, 1, count_frame, &heard);
    frame_tap_count(tap, &counters);
    assert_int_equal(heard, n);
    assert_int_equal(counters.frames, n + missing);
    assert_int_equal(counters.dropped, missing);
    frame_tap_close(tap);
    close(fd);
}

static void
what_is_missing_of_a_mirror_is_counted(void **state UNUSED)
{
    static const uint32_t some[] = {7, 8, 11, 9, 12}, round[] = {UINT32_MAX - 1, 1};
    enter_namespace();
    assert_counted(some, ARRAY_SIZE(some), 1);
    assert_counted(round, ARRAY_SIZE(round), 2);
}

static void
a_mirror_that_begins_anew_misses_nothing(void **state UNUSED)
{
    static const uint32_t low[] = {5000, 0, 1}, high[] = {3000000000u, 0, 1};
    enter_namespace();
    assert_counted(low, ARRAY_SIZE(low), 0);
    assert_counted(high, ARRAY_SIZE(high), 0);
}

TEST_MAIN(cmocka_unit_test(reading_ends_though_more_comes_than_is_read),
          cmocka_unit_test(what_is_missing_of_a_mirror_is_counted),
          cmocka_unit_test(a_mirror_that_begins_anew_misses_nothing))
