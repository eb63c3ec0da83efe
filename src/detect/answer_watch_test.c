#include "detect/testing.h"

/* ---- Modbus ---- */

static struct bench_connection
polled(struct bench *b)
{
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    bench_say(b, &c, 0, "0001 0000 0006 01 03 0000 0002");
    bench_say(b, &c, 1, "0001 0000 0007 01 03 04 0001 0002");
    return c;
}

static void
answers_to_what_was_asked_are_not_told_of(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = polled(b);
    bench_say(b, &c, 0, "0002 0000 0006 01 03 0000 0002"); /* three on their way */
    bench_say(b, &c, 0, "0003 0000 0006 02 04 0000 0001");
    bench_say(b, &c, 0, "0004 0000 0006 01 05 0001 ff00");
    bench_say(b, &c, 1, "0003 0000 0005 02 04 02 0001");
    bench_say(b, &c, 1, "0004 0000 0006 01 05 0001 ff00");
    bench_say(b, &c, 1, "0002 0000 0003 01 83 02");
    bench_say(b, &c, 0, "0005 0000 0006 01 03 0000 0002"); /* again, after a while */
    bench_say(b, &c, 0, "0005 0000 0006 01 03 0000 0002");
    bench_say(b, &c, 1, "0005 0000 0007 01 03 04 0001 0002");
    bench_say(b, &c, 1, "0005 0000 0007 01 03 04 0001 0003");
    bench_say(b, &c, 0, "0006 0000 0006 01 03 0000 0002"); /* a number that is always the same */
    bench_say(b, &c, 0, "0006 0000 0006 01 03 0000 0003");
    bench_say(b, &c, 1, "0006 0000 0007 01 03 04 0001 0002");
    bench_say(b, &c, 1, "0006 0000 0009 01 03 06 0001 0002 0003");
    assert_found(b, "");
}

static void
a_second_answer_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = polled(b);
    bench_say(b, &c, 0, "0002 0000 0006 01 03 0000 0002");
    bench_say(b, &c, 1, "0002 0000 0007 01 03 04 0009 0009");
    bench_say(b, &c, 1, "0002 0000 0007 01 03 04 0001 0002");
    assert_found(b, "answer-twice ");
    assert_string_equal(b->detail, "a second answer to one request, read-holding-registers");
    assert_string_equal(b->object, "10.0.0.2");
}

static void
an_answer_to_what_nobody_asked_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = polled(b);
    bench_say(b, &c, 0, "0002 0000 0006 01 03 0000 0002");
    bench_say(b, &c, 1, "0003 0000 0007 01 03 04 0001 0002");
    bench_say(b, &c, 1, "0002 0000 0007 01 03 04 0001 0002");
    assert_found(b, "answer-unasked ");
}

static void
another_number_of_registers_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = polled(b);
    bench_say(b, &c, 0, "0002 0000 0006 01 03 0000 0002");
    bench_say(b, &c, 1, "0002 0000 0009 01 03 06 0001 0002 0003");
    assert_found(b, "answer-differs ");
    assert_string_equal(b->detail, "3 registers to what asked for 2");
}

static void
who_hears_one_side_tells_nothing(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (unsigned i = 0; i < 3; i++)
        bench_say(b, &c, 1, "0001 0000 0007 01 03 04 0001 0002");
    assert_found(b, "");
}

static void
a_request_that_the_capture_lacks_was_there(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = polled(b);
    c.seq[0] += 12;
    bench_say(b, &c, 1, "0002 0000 0007 01 03 04 0001 0002");
    assert_found(b, "");
}

/* ---- DNP3 over UDP ---- */

/* Between master 3 and an outstation; a segment of up to 16 octets. */
static void
say_dnp3(struct bench *b, unsigned mac, unsigned device, uint8_t station, bool from_master,
         const char *hex)
{
    struct made_frame segment = {.size = 0}, data = {.size = 0};
    put_hex(&segment, hex);
    const uint8_t header[] = {0x05,
                              0x64,
                              (uint8_t)(segment.size + 5),
                              from_master ? 0xc4 : 0x44,
                              from_master ? station : 3,
                              0,
                              from_master ? 3 : station,
                              0};
    bench_dnp3_block(&data, header, sizeof header);
    bench_dnp3_block(&data, segment.octets, segment.size);
    struct made_frame f = from_master ? bench_ipv4(1, device, 17, 64, data.size + 8)
                                      : bench_ipv4(device, 1, 17, 64, data.size + 8);
    if (!from_master)
        f.octets[11] = (uint8_t)mac;
    put_udp(&f, 20000, 20000, (uint16_t)data.size);
    put(&f, data.octets, data.size);
    bench_wait(b, NSEC_PER_SEC);
    bench_send(b, &f);
}

static void
poll(struct bench *b, unsigned n)
{
    char hex[64];
    for (unsigned i = 0; i < n; i++) {
        snprintf(hex, sizeof hex, "c0 c%x 01 3c0206", i & 15);
        say_dnp3(b, 2, 2, 4, true, hex);
        snprintf(hex, sizeof hex, "c0 c%x 81 0000", i & 15);
        say_dnp3(b, 2, 2, 4, false, hex);
    }
    assert_found(b, "");
}

static void
a_datagram_from_another_mac_is_told(void **state)
{
    struct bench *b = *state;
    poll(b, 20);
    say_dnp3(b, 2, 2, 4, true, "c0 c5 01 3c0206");
    say_dnp3(b, 7, 2, 4, false, "c0 c5 81 0000");
    assert_found(b, "answer-by-other ");
    assert_string_equal(b->detail, "from 02:00:00:00:00:07, answers came from 02:00:00:00:00:02");
    say_dnp3(b, 2, 2, 4, false, "c0 c5 81 0000"); /* the true one */
    assert_found(b, "answer-by-other answer-twice ");
}

static void
fragments_of_one_answer_are_one(void **state)
{
    struct bench *b = *state;
    poll(b, 3);
    say_dnp3(b, 2, 2, 4, true, "c0 c5 01 3c0206");
    say_dnp3(b, 2, 2, 4, false, "c0 a5 81 0000");
    say_dnp3(b, 2, 2, 4, false, "c0 66 81 0000");
    assert_found(b, "");
}

static void
events_of_an_outstation_that_nobody_asks_are_told(void **state)
{
    struct bench *b = *state;
    poll(b, 35);
    say_dnp3(b, 2, 2, 4, false, "c0 d0 82 0000 0201 17 01 05 81"); /* that is polled */
    say_dnp3(b, 5, 5, 9, false, "c0 f0 82 8000");                  /* begins, and says nothing */
    assert_found(b, "");
    say_dnp3(b, 5, 5, 9, false, "c0 d0 82 0000 0201 17 01 05 81");
    assert_found(b, "report-unpolled ");
    say_dnp3(b, 5, 5, 9, false, "c0 d1 82 0000 0201 17 01 05 01");
    assert_found(b, "");
}

static void
who_told_events_while_others_were_got_to_know_is_known(void **state)
{
    struct bench *b = *state;
    poll(b, 2);
    say_dnp3(b, 5, 5, 9, false, "c0 d0 82 0000 0201 17 01 05 81"); /* was asked before all this */
    poll(b, 35);
    say_dnp3(b, 5, 5, 9, false, "c0 d1 82 0000 0201 17 01 05 01");
    assert_found(b, "");
}

static void
who_is_polled_all_the_time_is_not_forgotten_for_others(void **state)
{
    struct bench *b = *state;
    poll(b, 35);
    for (unsigned i = 0; i < 1500; i++) { /* far more than there is room for */
        bench_wait(b, -NSEC_PER_SEC);
        say_dnp3(b, 6, 10 + i / 250, (uint8_t)(i % 250), true, "c0 c1 01 3c0206");
        if (i % 100 == 0)
            poll(b, 2);
    }
    say_dnp3(b, 2, 2, 4, false, "c0 d0 82 0000 0201 17 01 05 81");
    assert_found(b, "");
}

static void
who_confirms_asks_for_nothing(void **state)
{
    struct bench *b = *state;
    poll(b, 3);
    say_dnp3(b, 2, 2, 4, true, "c0 c5 01 3c0206");
    say_dnp3(b, 2, 2, 4, false, "c0 e5 81 0000");
    say_dnp3(b, 2, 2, 4, true, "c0 c5 00");
    assert_found(b, "");
    say_dnp3(b, 2, 2, 4, false, "c0 e5 81 0200");
    assert_found(b, "answer-twice ");
}

/* The confirmation was lost, to the outstation or to its link. */
static void
an_answer_is_repeated_until_it_is_confirmed(void **state)
{
    struct bench *b = *state;
    poll(b, 3);
    say_dnp3(b, 2, 2, 4, true, "c0 c5 01 3c0206");
    say_dnp3(b, 2, 2, 4, false, "c0 e5 81 0000 0201 17 01 05 81");
    bench_wait(b, 5 * NSEC_PER_SEC);
    say_dnp3(b, 2, 2, 4, false, "c0 e5 81 0000 0201 17 01 05 81");
    assert_found(b, "");
    say_dnp3(b, 2, 2, 4, false, "c0 e5 81 0000 0201 17 01 05 01");
    assert_found(b, "answer-twice ");
}

/* Datagrams that the mirror port drops are missed by nobody. */
static void
an_answer_to_a_datagram_that_is_not_heard_is_told_the_second_time(void **state)
{
    struct bench *b = *state;
    poll(b, 20);
    say_dnp3(b, 2, 2, 4, false, "c0 c4 81 0000");
    bench_wait(b, 100 * NSEC_PER_SEC);
    say_dnp3(b, 2, 2, 4, false, "c0 c5 81 0000");
    assert_found(b, "");
    say_dnp3(b, 2, 2, 4, false, "c0 c6 81 0000");
    assert_found(b, "answer-twice ");
}

/* By two interfaces, whose clocks are not quite one. */
static void
an_answer_over_another_way_comes_a_little_before_the_first(void **state)
{
    struct bench *b = *state;
    poll(b, 20);
    say_dnp3(b, 2, 2, 4, true, "c0 c5 01 3c0206");
    say_dnp3(b, 2, 2, 4, false, "c0 c5 81 0000");
    bench_wait(b, -NSEC_PER_SEC - NSEC_PER_MSEC);
    say_dnp3(b, 2, 2, 4, false, "c0 c5 81 0000");
    assert_found(b, "");
}

/* ---- IEC 60870-5-104 ---- */

static void
data_of_a_connection_that_nobody_started_are_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 2404), d = bench_connection(40001, 2404);
    bench_open(b, &c);
    bench_say(b, &c, 0, "6804 07000000");
    bench_say(b, &c, 1, "6804 0b000000");
    bench_say(b, &c, 1, "680e 0000 0000 01 01 0300 0100 640000 01");
    assert_found(b, "");
    bench_open(b, &d);
    bench_say(b, &d, 1, "680e 0000 0000 01 01 0300 0100 640000 01");
    assert_found(b, "report-unpolled ");
}

/* Polls that open a connection each take all the room there is. */
static void
what_was_forgotten_of_a_connection_is_no_reason_to_tell(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(39999, 2404);
    bench_open(b, &c);
    bench_say(b, &c, 0, "6804 07000000");
    bench_say(b, &c, 1, "6804 0b000000");
    for (uint16_t i = 0; i < 1500; i++) {
        struct bench_connection other = bench_connection(40000 + i, 502);
        bench_open(b, &other);
        bench_say(b, &other, 0, "0001 0000 0006 01 03 0000 0002");
        bench_say(b, &other, 1, "0001 0000 0007 01 03 04 0001 0002");
    }
    bench_say(b, &c, 1, "680e 0000 0000 01 01 0300 0100 640000 01");
    assert_found(b, "");
}

static void
a_command_that_is_confirmed_twice_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 2404);
    bench_open(b, &c);
    bench_say(b, &c, 0, "6804 07000000");
    bench_say(b, &c, 0, "680e 0000 0000 64 01 0600 ffff 000000 14"); /* to all */
    bench_say(b, &c, 1, "680e 0000 0000 64 01 0700 0100 000000 14");
    bench_say(b, &c, 1, "680e 0000 0000 64 01 0700 0200 000000 14");
    bench_say(b, &c, 0, "680e 0000 0000 2d 01 0600 0100 640000 01");
    bench_say(b, &c, 1, "680e 0000 0000 2d 01 0700 0100 640000 01");
    bench_say(b, &c, 1, "680e 0000 0000 2d 01 0a00 0100 640000 01");
    assert_found(b, "");
    bench_say(b, &c, 1, "680e 0000 0000 2d 01 4700 0100 640000 01");
    assert_found(b, "answer-twice ");
}

TEST_MAIN(BENCH_TEST(answers_to_what_was_asked_are_not_told_of),
          BENCH_TEST(a_second_answer_is_told), BENCH_TEST(an_answer_to_what_nobody_asked_is_told),
          BENCH_TEST(another_number_of_registers_is_told),
          BENCH_TEST(who_hears_one_side_tells_nothing),
          BENCH_TEST(a_request_that_the_capture_lacks_was_there),
          BENCH_TEST(a_datagram_from_another_mac_is_told),
          BENCH_TEST(fragments_of_one_answer_are_one),
          BENCH_TEST(events_of_an_outstation_that_nobody_asks_are_told),
          BENCH_TEST(who_told_events_while_others_were_got_to_know_is_known),
          BENCH_TEST(who_is_polled_all_the_time_is_not_forgotten_for_others),
          BENCH_TEST(who_confirms_asks_for_nothing),
          BENCH_TEST(an_answer_is_repeated_until_it_is_confirmed),
          BENCH_TEST(an_answer_to_a_datagram_that_is_not_heard_is_told_the_second_time),
          BENCH_TEST(an_answer_over_another_way_comes_a_little_before_the_first),
          BENCH_TEST(data_of_a_connection_that_nobody_started_are_told),
          BENCH_TEST(what_was_forgotten_of_a_connection_is_no_reason_to_tell),
          BENCH_TEST(a_command_that_is_confirmed_twice_is_told))
