#include "detect/testing.h"

#include <math.h>

/* Numbers without a pattern, the same in each run. */
static uint32_t
noise(uint32_t i)
{
    i = (i ^ 61) ^ (i >> 16);
    i *= 9;
    i ^= i >> 4;
    i *= 0x27d4eb2d;
    return i ^ i >> 15;
}

/* A register that is read. */
static void
tell_register(struct bench *b, struct bench_connection *c, uint16_t value)
{
    char answer[64];
    bench_wait(b, NSEC_PER_SEC);
    bench_say(b, c, 0, "0001 0000 0006 01 04 0010 0001");
    snprintf(answer, sizeof answer, "0001 0000 0005 01 04 02 %04x", value);
    bench_say(b, c, 1, answer);
}

static uint16_t
measured(uint32_t i)
{
    return (uint16_t)(1000 + noise(i) % 40);
}

static struct bench_connection
heard(struct bench *b, uint32_t n)
{
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (uint32_t i = 0; i < n; i++)
        tell_register(b, &c, measured(i));
    assert_found(b, "");
    return c;
}

static void
values_that_are_stuck_are_told_once(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b, 200);
    for (unsigned i = 0; i < 100; i++)
        tell_register(b, &c, 1010);
    assert_found(b, "series-stuck ");
    assert_string_equal(b->object, "10.0.0.2 modbus 1 words 262160");
}

static void
values_that_were_never_noisy_may_stand_still(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (uint32_t i = 0; i < 300; i++)
        tell_register(b, &c, i % 10 ? 5 : measured(i));
    for (uint32_t i = 0; i < 300; i++)
        tell_register(b, &c, 5);
    assert_found(b, "");
}

static void
a_part_of_earlier_that_comes_again_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b, 1200);
    for (uint32_t i = 900; i < 1000; i++)
        tell_register(b, &c, measured(i));
    assert_found(b, "series-replayed ");
}

static void
what_always_repeated_itself_may_do_so(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (uint32_t i = 0; i < 1500; i++)
        tell_register(b, &c, i == 1200 ? 7 : measured(i % 100)); /* but once */
    assert_found(b, "");
}

/* What it was before it began to change does not count. */
static void
what_repeats_itself_since_it_began_to_change_may_do_so(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 502);
    bench_open(b, &c);
    for (uint32_t i = 0; i < 1500; i++)
        tell_register(b, &c, 7);
    for (uint32_t i = 0; i < 900; i++)
        tell_register(b, &c, measured(i % 100));
    assert_found(b, "");
}

/* Nor is it less known for having stood still. */
static void
what_stood_still_and_then_repeats_itself_is_told(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b, 1200);
    for (uint32_t i = 0; i < 200; i++)
        tell_register(b, &c, 1010);
    assert_found(b, "series-stuck ");
    for (uint32_t i = 1200; i < 1500; i++)
        tell_register(b, &c, measured(i));
    for (uint32_t i = 1300; i < 1400; i++)
        tell_register(b, &c, measured(i));
    assert_found(b, "series-replayed ");
}

static void
a_wave_may_come_again(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = heard(b, 1200);
    for (uint32_t i = 0; i < 600; i++)
        tell_register(b, &c, (uint16_t)(5000 + 3000 * sin(i * 3.14159265 / 50)));
    assert_found(b, "");
}

/* ---- IEC 60870-5-104 and DNP3: that their points are series ---- */

static void
points_of_iec104_are_series(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 2404);
    bench_open(b, &c);
    bench_say(b, &c, 0, "68 04 07 00 00 00");
    for (uint32_t i = 0; i < 150; i++) {
        char message[80];
        bench_wait(b, NSEC_PER_SEC);
        snprintf(message, sizeof message, "68 10 %02x%02x 0000 0b 01 03 00 0100 0a0000 %02x04 00",
                 i << 1 & 0xfe, i >> 7 & 0xff, i < 100 ? noise(i) % 200 : 7);
        bench_say(b, &c, 1, message);
    }
    assert_found(b, "series-stuck ");
    assert_string_equal(b->object, "10.0.0.2 iec104 1 value 10");
}

static void
points_of_dnp3_are_series(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = bench_connection(40000, 20000);
    bench_open(b, &c);
    for (uint32_t i = 0; i < 150; i++) {
        const uint8_t data[] = {(uint8_t)(0xc0 | (i & 63)),
                                (uint8_t)(0xc0 | (i & 15)),
                                129,
                                0,
                                0,
                                30,
                                4,
                                0,
                                9,
                                9, /* 16 bits without flags, point 9 */
                                (uint8_t)(i < 100 ? noise(i) % 200 : 7),
                                4};
        const struct made_frame f = bench_dnp3(data, sizeof data);
        bench_wait(b, NSEC_PER_SEC);
        bench_octets(b, &c, 1, &f);
    }
    assert_found(b, "series-stuck ");
    assert_string_equal(b->object, "10.0.0.2 dnp3 4 value 9");
}

/* ---- C37.118 ---- */

static void
put_frame(struct made_frame *f, uint8_t type, uint16_t id, uint8_t quality, const char *rest)
{
    struct made_frame data = {.size = 0};
    static uint32_t second;
    uint8_t head[14] = {0xaa, (uint8_t)(type << 4 | 1)};
    put_hex(&data, rest);
    put_be16(head + 2, (uint16_t)(16 + data.size));
    put_be16(head + 4, id);
    put_be32(head + 6, ++second);
    head[10] = quality;
    *f = (struct made_frame){.size = 0};
    put(f, head, sizeof head);
    put(f, data.octets, data.size);
    uint16_t c = 0xffff;
    for (size_t i = 0; i < f->size; i++) {
        c = (uint16_t)(c ^ f->octets[i] << 8);
        for (unsigned bit = 0; bit < 8; bit++)
            c = (uint16_t)(c & 0x8000 ? c << 1 ^ 0x1021 : c << 1);
    }
    put_u16(f, c);
}

static void
say_frame(struct bench *b, unsigned from, uint8_t type, uint16_t id, uint8_t quality,
          const char *rest)
{
    struct made_frame f;
    put_frame(&f, type, id, quality, rest);
    bench_wait(b, 20 * NSEC_PER_MSEC);
    if (type == 4)
        bench_udp(b, from, 2, 4713, 4712, &f);
    else
        bench_udp(b, 2, from, 4712, 4713, &f);
}

#define NAME "53544154494f4e20 2020202020202020"
#define PHASOR "564120202020202020202020202020 20"
/* One PMU, one phasor (polar, floating point), frequency in floating point, 50 Hz. */
#define CONFIG(changes)                                                                            \
    "000f4240 0001" NAME "0007 000b 0001 0000 0000" PHASOR "00000000 0001" changes "0032"
#define DATA(status) status "43480000 00000000 42480000 00000000"

static void
begin_phasors(struct bench *b)
{
    say_frame(b, 1, 4, 7, 0, "0005");
    say_frame(b, 1, 3, 7, 0, CONFIG("0001"));
    say_frame(b, 1, 4, 7, 0, "0002");
    for (unsigned i = 0; i < 20; i++)
        say_frame(b, 1, 0, 7, 0, DATA("0000"));
    assert_found(b, "");
}

static void
a_pmu_with_another_configuration_is_told(void **state)
{
    struct bench *b = *state;
    begin_phasors(b);
    say_frame(b, 1, 3, 7, 0, CONFIG("0001"));
    assert_found(b, "");
    say_frame(b, 1, 3, 7, 0, CONFIG("0002"));
    assert_found(b, "c37118-configuration-changed ");
}

static void
a_pmu_with_another_identity_is_told(void **state)
{
    struct bench *b = *state;
    begin_phasors(b);
    say_frame(b, 1, 0, 8, 0, DATA("0000"));
    say_frame(b, 1, 0, 8, 0, DATA("0000"));
    assert_found(b, "c37118-id-changed ");
}

static void
a_pmu_that_loses_its_clock_is_told(void **state)
{
    struct bench *b = *state;
    begin_phasors(b);
    say_frame(b, 1, 0, 7, 5, DATA("0000")); /* within 10 us */
    assert_found(b, "");
    say_frame(b, 1, 0, 7, 15, DATA("0000"));
    say_frame(b, 1, 0, 7, 15, DATA("0000"));
    assert_found(b, "c37118-time-bad ");
    say_frame(b, 1, 0, 7, 0, DATA("0000"));
    say_frame(b, 1, 0, 7, 0, DATA("2000"));
    assert_found(b, "c37118-time-bad ");
}

static void
a_pmu_that_goes_silent_is_told(void **state)
{
    struct bench *b = *state;
    begin_phasors(b);
    bench_tick(b, 5 * NSEC_PER_SEC); /* it is not known yet whether data flow */
    assert_found(b, "");
    for (unsigned i = 0; i < 60; i++)
        say_frame(b, 1, 0, 7, 0, DATA("0000"));
    bench_tick(b, 990 * NSEC_PER_MSEC);
    assert_found(b, "");
    bench_tick(b, 20 * NSEC_PER_MSEC);
    bench_tick(b, NSEC_PER_SEC);
    assert_found(b, "c37118-silent ");
    assert_string_equal(b->object, "10.0.0.2 7");
    say_frame(b, 1, 0, 7, 0, DATA("0000"));
    say_frame(b, 1, 0, 7, 0, DATA("0000"));
    assert_found(b, "c37118-returned ");
    for (unsigned i = 0; i < 60; i++)
        say_frame(b, 1, 0, 7, 0, DATA("0000"));
    say_frame(b, 1, 4, 7, 0, "0001"); /* somebody turns it off */
    bench_tick(b, 5 * NSEC_PER_SEC);
    assert_found(b, "");
}

static void
somebody_else_who_commands_is_told(void **state)
{
    struct bench *b = *state;
    begin_phasors(b);
    say_frame(b, 1, 4, 7, 0, "0001");
    assert_found(b, "");
    say_frame(b, 66, 4, 7, 0, "0001");
    say_frame(b, 66, 4, 7, 0, "0001");
    assert_found(b, "c37118-commander-new ");
}

static void
phasors_are_series(void **state)
{
    struct bench *b = *state;
    begin_phasors(b);
    for (uint32_t i = 0; i < 150; i++) {
        char data[64];
        snprintf(data, sizeof data, "0000 4348%04x 00000000 42480000 00000000",
                 i < 100 ? noise(i) & 0xffff : 7);
        say_frame(b, 1, 0, 7, 0, data);
    }
    assert_found(b, "series-stuck ");
}

TEST_MAIN(BENCH_TEST(values_that_are_stuck_are_told_once),
          BENCH_TEST(values_that_were_never_noisy_may_stand_still),
          BENCH_TEST(a_part_of_earlier_that_comes_again_is_told),
          BENCH_TEST(what_always_repeated_itself_may_do_so),
          BENCH_TEST(what_repeats_itself_since_it_began_to_change_may_do_so),
          BENCH_TEST(what_stood_still_and_then_repeats_itself_is_told),
          BENCH_TEST(a_wave_may_come_again), BENCH_TEST(points_of_iec104_are_series),
          BENCH_TEST(points_of_dnp3_are_series),
          BENCH_TEST(a_pmu_with_another_configuration_is_told),
          BENCH_TEST(a_pmu_with_another_identity_is_told),
          BENCH_TEST(a_pmu_that_loses_its_clock_is_told),
          BENCH_TEST(a_pmu_that_goes_silent_is_told),
          BENCH_TEST(somebody_else_who_commands_is_told), BENCH_TEST(phasors_are_series))
