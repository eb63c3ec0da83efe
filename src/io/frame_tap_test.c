/* Frames of an interface that lives in a network namespace of this test alone. */
#include "io/frame_tap.h"

#include "base/attr.h"
#include "base/testing.h"

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
    if (unshare(CLONE_NEWNET) || !is_up()) {
        print_message("SKIPPED: needs the right to make a network namespace\n");
        skip();
    }
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

TEST_MAIN(cmocka_unit_test(reading_ends_though_more_comes_than_is_read))
