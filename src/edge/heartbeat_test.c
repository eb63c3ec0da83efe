/* Two ends and a link between them that can lose what goes one way, on virtual time. */
#include "edge/heartbeat.h"

#include "base/bytes.h"
#include "base/testing.h"

#define US NSEC_PER_USEC
#define MS NSEC_PER_MSEC
#define STEP (10 * US)
#define DELAY (5 * US)
#define FRAMES 4096

struct bench {
    nsec_t now;
    struct heartbeat ends[2];
    bool cut[2]; /* what end 0, or 1, sends is lost */
    bool stuck;  /* end 0 does not come to look or to send */
    bool reflects;
    struct recorded {
        uint8_t frame[HEARTBEAT_FRAME_SIZE];
        nsec_t due;
    } frames[2][FRAMES]; /* that end 0, or 1, has sent */
    unsigned n_sent[2], n_received[2], n_reflected[2];
    bool dead[2]; /* an end's kernel does not reflect any more */
};

static void
start_end(struct bench *b, int end, uint32_t node, nsec_t interval)
{
    const struct heartbeat_config config = {.mac = {{2, 0, 0, 0, 0, (uint8_t)end}},
                                            .port = 7,
                                            .node = node,
                                            .index = 1,
                                            .interval = interval,
                                            .slow = 20 * MS,
                                            .reflects = b->reflects,
                                            .multiplier = HEARTBEAT_MULTIPLIER};
    heartbeat_init(&b->ends[end], &config, b->now);
}

static int
setup(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    b->now = 1000 * MS;
    start_end(b, 0, 0x1111, 250 * US);
    start_end(b, 1, 0x2222, 250 * US);
    *state = b;
    return 0;
}

static int
teardown(void **state)
{
    free(*state);
    return 0;
}

static void
send_what_is_due(struct bench *b, int end)
{
    struct recorded *r = &b->frames[end][b->n_sent[end] % FRAMES];
    while (heartbeat_output(&b->ends[end], b->now, r->frame)) {
        r->due = b->cut[end] ? NSEC_NEVER : b->now + DELAY;
        r = &b->frames[end][++b->n_sent[end] % FRAMES];
    }
}

/* What the kernel at an end does, whoever sleeps: requests go back. */
static void
reflect(struct bench *b, int end, const struct recorded *request)
{
    struct recorded *r = &b->frames[end][b->n_sent[end]++ % FRAMES];
    *r = *request;
    r->frame[HEARTBEAT_KIND_OFFSET] = HEARTBEAT_REPLY;
    r->due = b->cut[end] || request->due == NSEC_NEVER ? NSEC_NEVER : request->due + DELAY;
}

static void
reflect_requests(struct bench *b)
{
    for (int end = 0; b->reflects && end < 2; end++) {
        for (; b->n_reflected[end] < b->n_sent[end]; b->n_reflected[end]++) {
            const struct recorded *r = &b->frames[end][b->n_reflected[end] % FRAMES];
            if (r->frame[HEARTBEAT_KIND_OFFSET] == HEARTBEAT_REQUEST && !b->dead[!end])
                reflect(b, !end, r);
        }
    }
}

static void
receive_what_waits(struct bench *b, int end)
{
    int from = !end;
    for (; b->n_received[from] < b->n_sent[from]; b->n_received[from]++) {
        const struct recorded *r = &b->frames[from][b->n_received[from] % FRAMES];
        if (r->due != NSEC_NEVER && r->due > b->now)
            return;
        if (r->due != NSEC_NEVER && r->frame[HEARTBEAT_KIND_OFFSET] != HEARTBEAT_REQUEST)
            heartbeat_input(&b->ends[end], r->frame + 14, HEARTBEAT_PAYLOAD_SIZE, b->now);
    }
}

static void
turn(struct bench *b, int end)
{
    receive_what_waits(b, end);
    heartbeat_check(&b->ends[end], b->now);
    send_what_is_due(b, end);
}

static void
pass(struct bench *b, nsec_t time)
{
    for (nsec_t end = b->now + time; b->now < end; b->now += STEP) {
        if (!b->stuck)
            turn(b, 0);
        turn(b, 1);
        reflect_requests(b);
    }
}

static void
assert_states(struct bench *b, enum heartbeat_state first, enum heartbeat_state second)
{
    assert_string_equal(heartbeat_state_name(b->ends[0].state), heartbeat_state_name(first));
    assert_string_equal(heartbeat_state_name(b->ends[1].state), heartbeat_state_name(second));
}

static void
assert_faults(struct bench *b, enum heartbeat_fault first, enum heartbeat_fault second)
{
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), heartbeat_fault_name(first));
    assert_string_equal(heartbeat_fault_name(b->ends[1].fault), heartbeat_fault_name(second));
}

static struct bench *
up(void **state)
{
    struct bench *b = *state;
    pass(b, 1100 * MS);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
    return b;
}

/* Hands end 0 a message as if end 1 had sent it. */
static void
forge(struct bench *b, const struct heartbeat_message *m)
{
    uint8_t frame[HEARTBEAT_FRAME_SIZE];
    heartbeat_encode(m, &b->ends[1].config.mac, frame);
    heartbeat_input(&b->ends[0], frame + 14, HEARTBEAT_PAYLOAD_SIZE, b->now);
}

/* ---- The frame ---- */

static const char vector[] = "0180c200000e 020000000001 88b5 544c4842 01 03 00 03"
                             "1122334401000002 5566778802000007 00000009 000000fa 00000019 0000000c"
                             "00 00 0000000a";

static void
a_frame_is_as_documented(void **state UNUSED)
{
    const struct heartbeat_message m = {.state = HEARTBEAT_UP,
                                        .multiplier = 3,
                                        .session = 0x1122334401000002,
                                        .peer_session = 0x5566778802000007,
                                        .sequence = 9,
                                        .interval_us = 250,
                                        .accept_us = 25,
                                        .port = 12,
                                        .echo_us = 10};
    const struct mac source = {{2, 0, 0, 0, 0, 1}};
    struct heartbeat_message read;
    uint8_t frame[HEARTBEAT_FRAME_SIZE];
    size_t size;
    uint8_t *expected = hex_bytes(vector, &size);
    assert_int_equal(size, sizeof frame);
    heartbeat_encode(&m, &source, frame);
    assert_memory_equal(frame, expected, size);
    assert_ok(heartbeat_decode(expected + 14, size - 14, &read, NULL));
    assert_int_equal(read.state, m.state);
    assert_int_equal(read.session, m.session);
    assert_int_equal(read.peer_session, m.peer_session);
    assert_int_equal(read.sequence, 9);
    assert_int_equal(read.interval_us, 250);
    assert_int_equal(read.accept_us, 25);
    assert_int_equal(read.port, 12);
    assert_int_equal(read.echo_us, 10);
    assert_int_equal(read.kind, HEARTBEAT_MESSAGE);
    free(expected);
}

static void
what_is_no_heartbeat_is_refused(void **state UNUSED)
{
    static const struct {
        size_t offset;
        uint8_t octet;
        enum err err;
    } wrong[] = {
        {0, 0x55, ERR_UNSUPPORTED}, {4, 2, ERR_UNSUPPORTED}, {5, 4, ERR_MALFORMED},
        {7, 0, ERR_MALFORMED},      {40, 3, ERR_MALFORMED},
    };
    struct heartbeat_message m;
    size_t size;
    uint8_t *frame = hex_bytes(vector, &size), *payload = frame + 14;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint8_t before = payload[wrong[i].offset];
        payload[wrong[i].offset] = wrong[i].octet;
        assert_err(heartbeat_decode(payload, size - 14, &m, NULL), wrong[i].err);
        payload[wrong[i].offset] = before;
    }
    memset(payload + 8, 0, 8);
    assert_err(heartbeat_decode(payload, size - 14, &m, NULL), ERR_MALFORMED);
    free(frame);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    size_t size;
    uint8_t *frame = hex_bytes(vector, &size);
    for (size_t n = 0; n <= HEARTBEAT_PAYLOAD_SIZE; n++) {
        struct heartbeat_message m;
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, frame + 14, n);
        assert_err(heartbeat_decode(copy, n, &m, NULL), n < 46 ? ERR_TRUNCATED : ERR_OK);
        free(copy);
    }
    free(frame);
}

/* ---- Sessions ---- */

static void
two_ends_find_each_other(void **state)
{
    struct bench *b = up(state);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
    uint64_t sent = b->ends[0].counters.sent;
    pass(b, 100 * MS);
    assert_int_equal(b->ends[0].counters.sent - sent, 400);
    assert_int_equal(b->ends[0].counters.missed, 0);
    assert_int_equal(b->ends[0].counters.losses, 0);
    assert_int_equal(heartbeat_detection(&b->ends[0]), 750 * US);
}

static void
without_a_peer_there_is_no_fault(void **state)
{
    struct bench *b = *state;
    b->cut[0] = b->cut[1] = true;
    pass(b, 20000 * MS);
    assert_states(b, HEARTBEAT_DOWN, HEARTBEAT_DOWN);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
    assert_in_range(b->ends[0].counters.sent, 19, 21);
}

static void
the_slower_end_sets_the_pace(void **state)
{
    struct bench *b = *state;
    start_end(b, 1, 0x2222, 2 * MS);
    up(state);
    assert_int_equal(heartbeat_detection(&b->ends[0]), 6 * MS);
    assert_int_equal(heartbeat_detection(&b->ends[1]), 6 * MS);
    uint64_t sent = b->ends[0].counters.sent;
    pass(b, 100 * MS);
    assert_int_equal(b->ends[0].counters.sent - sent, 50);
}

static void
a_one_way_loss_is_known_at_both_ends(void **state)
{
    struct bench *b = up(state);
    for (int end = 0; end < 2; end++) {
        b->cut[end] = true; /* the other end hears nothing, within its three intervals */
        pass(b, 750 * US + 2 * STEP);
        assert_string_equal(heartbeat_fault_name(b->ends[!end].fault), "silent");
        assert_string_equal(heartbeat_fault_name(b->ends[end].fault), "not-heard");
        pass(b, 10000 * MS); /* as long as it lasts */
        assert_string_equal(heartbeat_fault_name(b->ends[!end].fault), "silent");
        assert_string_equal(heartbeat_fault_name(b->ends[end].fault), "not-heard");
        b->cut[end] = false;
        pass(b, 2 * HEARTBEAT_RETRY);
        assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
        assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
    }
    assert_int_equal(b->ends[0].counters.losses, 2);
    assert_int_equal(b->ends[1].counters.losses, 2);
}

static void
a_cut_is_known_and_heals(void **state)
{
    struct bench *b = up(state);
    b->cut[0] = b->cut[1] = true;
    pass(b, 1 * MS);
    assert_faults(b, HEARTBEAT_SILENT, HEARTBEAT_SILENT);
    pass(b, 60000 * MS);
    assert_faults(b, HEARTBEAT_SILENT, HEARTBEAT_SILENT);
    b->cut[0] = b->cut[1] = false;
    pass(b, 2 * HEARTBEAT_RETRY);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
}

static void
two_lost_in_a_row_are_no_silence(void **state)
{
    struct bench *b = up(state);
    for (unsigned i = 0; i < 50; i++) {
        b->cut[0] = true;
        pass(b, 500 * US);
        b->cut[0] = false;
        pass(b, 500 * US);
    }
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
    assert_int_equal(b->ends[1].counters.missed, 100);
    assert_int_equal(b->ends[1].counters.losses, 0);
}

static void
one_way_from_the_start_is_a_fault_where_it_is_known(void **state)
{
    struct bench *b = *state;
    b->cut[0] = true;
    pass(b, 2000 * MS);
    assert_states(b, HEARTBEAT_INIT, HEARTBEAT_DOWN);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
    pass(b, 2000 * MS);
    assert_faults(b, HEARTBEAT_NOT_HEARD, HEARTBEAT_NO_FAULT);
    b->cut[0] = false;
    pass(b, 1100 * MS);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
}

static void
a_peer_that_ends_says_so(void **state)
{
    struct bench *b = up(state);
    heartbeat_end(&b->ends[1], b->now);
    pass(b, 2 * STEP);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "peer-ended");
    pass(b, 10000 * MS);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "peer-ended");
    start_end(b, 1, 0x3333, 250 * US);
    pass(b, 1100 * MS);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
}

static void
a_peer_that_is_started_anew_is_noticed(void **state)
{
    struct bench *b = up(state);
    start_end(b, 1, 0x3333, 250 * US); /* faster than silence is */
    pass(b, 2 * STEP);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "peer-restarted");
    pass(b, 1100 * MS);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
    assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
}

static void
a_forgotten_peer_is_no_fault(void **state)
{
    struct bench *b = up(state);
    b->cut[1] = true;
    pass(b, 5 * MS);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "silent");
    heartbeat_forget(&b->ends[0], b->now);
    pass(b, 10000 * MS);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "");
    b->cut[1] = false;
    pass(b, 1100 * MS);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
}

/* ---- Lateness of our own ---- */

static void
what_waits_is_read_before_silence_is_judged(void **state)
{
    struct bench *b = up(state);
    for (unsigned i = 0; i < 3; i++) { /* frames come, and nobody looks */
        pass(b, 400 * US);
        b->stuck = true;
        pass(b, 700 * US); /* not so long that the other end would notice */
        b->stuck = false;
    }
    pass(b, 1 * MS);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
}

static void
own_lateness_is_excused(void **state)
{
    struct bench *b = up(state);
    b->cut[1] = true;
    b->now += 2 * MS; /* the process was not run */
    heartbeat_excuse(&b->ends[0], 2 * MS);
    heartbeat_check(&b->ends[0], b->now);
    assert_int_equal(b->ends[0].state, HEARTBEAT_UP);
    b->now += 750 * US;
    heartbeat_check(&b->ends[0], b->now);
    assert_int_equal(b->ends[0].state, HEARTBEAT_DOWN);
}

static void
lateness_does_not_make_a_burst(void **state)
{
    struct bench *b = up(state);
    uint8_t frame[HEARTBEAT_FRAME_SIZE];
    b->now += 50 * MS;
    assert_true(heartbeat_output(&b->ends[0], b->now, frame));
    assert_false(heartbeat_output(&b->ends[0], b->now, frame));
    assert_int_equal(b->ends[0].send_at, b->now + 250 * US);
}

/* ---- Enemies ---- */

static void
echoes_are_recognised(void **state)
{
    struct bench *b = *state;
    b->cut[0] = b->cut[1] = true;
    for (unsigned i = 0; i < 10; i++) { /* a loop: of this port, or to another one of the node */
        uint8_t frame[HEARTBEAT_FRAME_SIZE];
        b->now += HEARTBEAT_HELLO;
        assert_true(heartbeat_output(&b->ends[0], b->now, frame));
        frame[14 + 12] = (uint8_t)(i % 2);
        heartbeat_input(&b->ends[0], frame + 14, HEARTBEAT_PAYLOAD_SIZE, b->now);
        heartbeat_check(&b->ends[0], b->now);
    }
    assert_int_equal(b->ends[0].counters.echoes, 10);
    assert_int_equal(b->ends[0].state, HEARTBEAT_DOWN);
    assert_int_equal(b->ends[0].fault, HEARTBEAT_NO_FAULT);
}

static void
a_loop_does_not_hide_silence(void **state)
{
    struct bench *b = up(state);
    b->cut[1] = true;
    for (nsec_t end = b->now + 2 * MS; b->now < end; b->now += 100 * US) {
        pass(b, 100 * US);
        const struct recorded *last = &b->frames[0][(b->n_sent[0] - 1) % FRAMES];
        heartbeat_input(&b->ends[0], last->frame + 14, HEARTBEAT_PAYLOAD_SIZE, b->now);
    }
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "silent");
}

/* Everything that was ever on the link, again: it may take nobody for alive. */
static void
what_is_recorded_is_not_believed_later(void **state)
{
    struct bench *b = up(state);
    unsigned n = b->n_sent[1];
    b->cut[0] = b->cut[1] = true;
    pass(b, 2 * MS);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "silent");
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MIN(n, FRAMES); i++) {
            heartbeat_input(&b->ends[0], b->frames[1][i].frame + 14, HEARTBEAT_PAYLOAD_SIZE,
                            b->now);
            assert_int_not_equal(b->ends[0].state, HEARTBEAT_UP);
            assert_int_not_equal(b->ends[0].fault, HEARTBEAT_NO_FAULT);
            pass(b, 10 * US);
        }
        pass(b, 2 * HEARTBEAT_PATIENCE);
    }
    b->cut[0] = b->cut[1] = false;
    pass(b, 2000 * MS);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
}

static void
a_frame_sent_again_at_once_is_old(void **state)
{
    struct bench *b = up(state);
    const struct recorded *last = &b->frames[1][(b->n_received[1] - 1) % FRAMES];
    uint64_t ignored = b->ends[0].counters.ignored;
    nsec_t silent_at = b->ends[0].silent_at;
    heartbeat_input(&b->ends[0], last->frame + 14, HEARTBEAT_PAYLOAD_SIZE, b->now);
    assert_int_equal(b->ends[0].counters.ignored, ignored + 1);
    assert_int_equal(b->ends[0].silent_at, silent_at);
}

/* One forged frame with a number far ahead makes the peer's own look old, but not for ever. */
static void
a_forged_number_costs_a_while(void **state)
{
    struct bench *b = up(state);
    struct heartbeat_message m = b->ends[0].peer;
    m.sequence += 0x7fffffff;
    forge(b, &m);
    pass(b, 1 * MS);
    assert_string_equal(heartbeat_fault_name(b->ends[0].fault), "silent");
    pass(b, 2 * HEARTBEAT_PATIENCE);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
}

static void
wild_intervals_do_no_harm(void **state)
{
    struct bench *b = *state;
    struct heartbeat_message m = {.state = HEARTBEAT_INIT,
                                  .multiplier = 255,
                                  .session = UINT64_C(0x9999000000000001),
                                  .peer_session = b->ends[0].session,
                                  .sequence = 1,
                                  .interval_us = 0,
                                  .accept_us = 0};
    b->cut[0] = b->cut[1] = true;
    forge(b, &m);
    assert_int_equal(b->ends[0].state, HEARTBEAT_UP);
    uint64_t sent = b->ends[0].counters.sent;
    pass(b, 10 * MS);
    assert_in_range(b->ends[0].counters.sent - sent, 38, 41); /* no faster than it would */
    m.state = HEARTBEAT_UP;
    m.sequence++;
    m.interval_us = m.accept_us = UINT32_MAX;
    forge(b, &m);
    assert_true(heartbeat_detection(&b->ends[0]) > 0);
    assert_true(b->ends[0].silent_at > b->now);
    sent = b->ends[0].counters.sent;
    pass(b, 5000 * MS);
    assert_true(b->ends[0].counters.sent - sent >= 4);
}

/* ---- Echoes ---- */

static struct bench *
up_with_echoes(void **state)
{
    struct bench *b = *state;
    b->reflects = true;
    start_end(b, 0, 0x1111, 250 * US);
    start_end(b, 1, 0x2222, 250 * US);
    up(state);
    assert_true(heartbeat_echoes(&b->ends[0]) && heartbeat_echoes(&b->ends[1]));
    return b;
}

static void
echoes_set_the_pace(void **state)
{
    struct bench *b = up_with_echoes(state);
    uint64_t replies = b->ends[0].counters.replies, received = b->ends[0].counters.received;
    assert_int_equal(heartbeat_detection(&b->ends[0]), 750 * US);
    pass(b, 100 * MS);
    assert_in_range(b->ends[0].counters.replies - replies, 399, 401);
    assert_in_range(b->ends[0].counters.received - received, 4, 6);
    assert_int_equal(b->ends[0].counters.losses, 0);
}

static void
one_end_that_does_not_reflect_is_enough_for_messages(void **state)
{
    struct bench *b = *state;
    start_end(b, 0, 0x1111, 250 * US);
    b->reflects = true;
    start_end(b, 1, 0x2222, 250 * US);
    up(state);
    assert_false(heartbeat_echoes(&b->ends[0]) || heartbeat_echoes(&b->ends[1]));
    assert_int_equal(heartbeat_detection(&b->ends[1]), 750 * US);
    uint64_t received = b->ends[0].counters.received;
    pass(b, 100 * MS);
    assert_in_range(b->ends[0].counters.received - received, 399, 401);
}

static void
lost_echoes_are_silence_at_both_ends(void **state)
{
    struct bench *b = up_with_echoes(state);
    for (int end = 0; end < 2; end++) {
        b->cut[end] = true;
        pass(b, 1 * MS + 2 * STEP);
        assert_int_not_equal(b->ends[0].fault, HEARTBEAT_NO_FAULT);
        assert_int_not_equal(b->ends[1].fault, HEARTBEAT_NO_FAULT);
        pass(b, 2 * HEARTBEAT_PATIENCE); /* and which direction it is becomes clear */
        assert_string_equal(heartbeat_fault_name(b->ends[!end].fault), "silent");
        assert_string_equal(heartbeat_fault_name(b->ends[end].fault), "not-heard");
        b->cut[end] = false;
        pass(b, 2 * HEARTBEAT_RETRY);
        assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
        assert_faults(b, HEARTBEAT_NO_FAULT, HEARTBEAT_NO_FAULT);
    }
}

/* The thread of one end is kept from running, again and again; the link is as it was. */
static void
lateness_is_no_silence_where_there_are_echoes(void **state)
{
    struct bench *b = up_with_echoes(state);
    for (unsigned i = 0; i < 20; i++) {
        b->stuck = true;
        pass(b, (nsec_t)(i + 1) * 2 * MS);
        b->stuck = false;
        pass(b, 300 * US);
    }
    pass(b, 5 * MS);
    assert_int_equal(b->ends[0].counters.losses, 0);
    assert_int_equal(b->ends[1].counters.losses, 0);
}

/* Its kernel goes on for a while, and then does not. */
static void
a_process_that_hangs_is_silent(void **state)
{
    struct bench *b = up_with_echoes(state);
    b->stuck = true;
    pass(b, 61 * MS);
    assert_string_equal(heartbeat_fault_name(b->ends[1].fault), "silent");
}

static void
a_kernel_that_does_not_reflect_is_silent(void **state)
{
    struct bench *b = up_with_echoes(state);
    b->dead[1] = true;
    pass(b, 1 * MS + 2 * STEP);
    assert_int_not_equal(b->ends[0].fault, HEARTBEAT_NO_FAULT);
    pass(b, 5000 * MS); /* and stays so, though messages pass */
    assert_int_equal(b->ends[0].counters.losses, 1);
    assert_int_not_equal(b->ends[0].fault, HEARTBEAT_NO_FAULT);
    b->dead[1] = false;
    pass(b, 2 * HEARTBEAT_RETRY);
    assert_states(b, HEARTBEAT_UP, HEARTBEAT_UP);
}

static void
replies_that_were_not_asked_for_are_nothing(void **state)
{
    struct bench *b = up_with_echoes(state);
    struct heartbeat_message m = {.kind = HEARTBEAT_REPLY,
                                  .multiplier = 3,
                                  .session = b->ends[0].session,
                                  .sequence = b->ends[0].echo.sequence + 1};
    uint64_t ignored = b->ends[0].counters.ignored;
    forge(b, &m);
    m.sequence = b->ends[0].echo.answered;
    forge(b, &m);
    m.session++;
    m.sequence = b->ends[0].echo.sequence;
    forge(b, &m);
    assert_int_equal(b->ends[0].counters.ignored, ignored + 3);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(cmocka_unit_test(a_frame_is_as_documented),
          cmocka_unit_test(what_is_no_heartbeat_is_refused),
          cmocka_unit_test(survives_truncation_at_every_octet),
          WITH_BENCH(two_ends_find_each_other), WITH_BENCH(without_a_peer_there_is_no_fault),
          WITH_BENCH(the_slower_end_sets_the_pace),
          WITH_BENCH(a_one_way_loss_is_known_at_both_ends), WITH_BENCH(a_cut_is_known_and_heals),
          WITH_BENCH(two_lost_in_a_row_are_no_silence),
          WITH_BENCH(one_way_from_the_start_is_a_fault_where_it_is_known),
          WITH_BENCH(a_peer_that_ends_says_so), WITH_BENCH(a_peer_that_is_started_anew_is_noticed),
          WITH_BENCH(a_forgotten_peer_is_no_fault),
          WITH_BENCH(what_waits_is_read_before_silence_is_judged),
          WITH_BENCH(own_lateness_is_excused), WITH_BENCH(lateness_does_not_make_a_burst),
          WITH_BENCH(echoes_are_recognised), WITH_BENCH(a_loop_does_not_hide_silence),
          WITH_BENCH(what_is_recorded_is_not_believed_later),
          WITH_BENCH(a_frame_sent_again_at_once_is_old), WITH_BENCH(a_forged_number_costs_a_while),
          WITH_BENCH(wild_intervals_do_no_harm), WITH_BENCH(echoes_set_the_pace),
          WITH_BENCH(one_end_that_does_not_reflect_is_enough_for_messages),
          WITH_BENCH(lost_echoes_are_silence_at_both_ends),
          WITH_BENCH(lateness_is_no_silence_where_there_are_echoes),
          WITH_BENCH(a_process_that_hangs_is_silent),
          WITH_BENCH(a_kernel_that_does_not_reflect_is_silent),
          WITH_BENCH(replies_that_were_not_asked_for_are_nothing))
