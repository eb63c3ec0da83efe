/* Messages as linuxptp 3.1.1 sent them on a wire, from behind the Ethertype; and what is wrong. */
#include "proto/ptp/ptp_message.h"

#include "base/testing.h"

#include "base/bytes.h"

#define MASTER "664d7bfffe9ae356 0001"
#define SLAVE "6e559ffffe53708e 0001"
#define SYNC                                                                                       \
    "0002 002c 0000 0200 0000000000000000 00000000 " MASTER " 0003 00fd 00000000000000000000"
#define FOLLOW_UP                                                                                  \
    "0802 002c 0000 0000 0000000000000000 00000000 " MASTER " 0003 02fd 00006b0b75991e25e473"
#define DELAY_RESP                                                                                 \
    "0902 0036 0000 0000 0000000000000000 00000000 " MASTER " 0003 03fd "                          \
    "00006b0b759b32cbd684 " SLAVE
#define PDELAY_REQ                                                                                 \
    "0202 0036 0000 0000 0000000000000000 00000000 " MASTER                                        \
    " 0001 057f 00000000000000000000 00000000000000000000"
#define PDELAY_RESP                                                                                \
    "0302 0036 0000 0200 0000000000000000 00000000 " SLAVE " 0001 057f "                           \
    "00006b0b759f34f909e8 " MASTER
#define PDELAY_RESP_FOLLOW_UP                                                                      \
    "0a02 0036 0000 0000 0000000000000000 00000000 " SLAVE " 0001 057f "                           \
    "00006b0b759f34fa1323 " MASTER
#define ANNOUNCE_HEADER(size)                                                                      \
    "0b02 " size " 0000 0000 0000000000000000 00000000 " MASTER                                    \
    " 0003 05ff 00000000000000000000 0025 00 0a f8feffff 80 664d7bfffe9ae356 0000 a0"
#define ANNOUNCE ANNOUNCE_HEADER("0040")
/* IEEE C37.238-2017: grandmasterID 254, 200 ns; and the TLV of the 2011 edition, 7 and 50 ns. */
#define C37238_2017 "0003 0012 1c129d 000002 00fe 00000000 000000c8 0000"
#define C37238_2011 "0003 0012 1c129d 000001 0007 00000019 00000032 0000"

static enum err
decode(const char *hex, struct ptp_message *m)
{
    size_t size;
    uint8_t *data = hex_bytes(hex, &size);
    enum err err = ptp_decode(data, size, m);
    free(data);
    return err;
}

static void
assert_identity(const struct ptp_port_identity *id, const char *hex)
{
    size_t size;
    uint8_t *data = hex_bytes(hex, &size);
    assert_int_equal(size, 10);
    assert_memory_equal(id->clock, data, 8);
    assert_int_equal(id->port, get_be16(data + 8));
    free(data);
}

static void
reads_linuxptp_s_messages(void **state UNUSED)
{
    struct ptp_message m;
    assert_ok(decode(SYNC, &m));
    assert_int_equal(m.type, PTP_SYNC);
    assert_int_equal(m.flags, PTP_FLAG_TWO_STEP);
    assert_int_equal(m.sequence, 3);
    assert_int_equal(m.log_interval, -3);
    assert_identity(&m.source, MASTER);
    assert_ok(decode(FOLLOW_UP, &m));
    assert_int_equal(m.type, PTP_FOLLOW_UP);
    assert_int_equal(m.timestamp, INT64_C(0x6b0b7599) * NSEC_PER_SEC + 0x1e25e473);
    assert_ok(decode(DELAY_RESP, &m));
    assert_int_equal(m.timestamp, INT64_C(0x6b0b759b) * NSEC_PER_SEC + 0x32cbd684);
    assert_identity(&m.requesting, SLAVE);
    assert_ok(decode(PDELAY_RESP, &m));
    assert_identity(&m.source, SLAVE);
    assert_identity(&m.requesting, MASTER);
}

static void
reads_who_the_grandmaster_is(void **state UNUSED)
{
    struct ptp_message m;
    char text[PTP_CLOCK_TEXT_SIZE];
    assert_ok(decode(ANNOUNCE, &m));
    assert_int_equal(m.announce.priority1, 10);
    assert_int_equal(m.announce.clock_class, 248);
    assert_int_equal(m.announce.clock_accuracy, 0xfe);
    assert_int_equal(m.announce.utc_offset_s, 37);
    assert_int_equal(m.announce.priority2, 128);
    assert_int_equal(m.announce.time_source, 0xa0);
    assert_string_equal(ptp_clock_format(m.announce.grandmaster, text), "664d7bfffe9ae356");
    assert_int_equal(m.announce.c37238, 0);
}

static void
reads_the_power_profiles_tlv(void **state UNUSED)
{
    struct ptp_message m;
    assert_ok(decode(ANNOUNCE_HEADER("0056") C37238_2017, &m));
    assert_int_equal(m.announce.c37238, 2017);
    assert_int_equal(m.announce.c37238_grandmaster_id, 254);
    assert_int_equal(m.announce.c37238_inaccuracy_ns, 200);
    assert_ok(decode(ANNOUNCE_HEADER("0056") C37238_2011, &m));
    assert_int_equal(m.announce.c37238, 2011);
    assert_int_equal(m.announce.c37238_inaccuracy_ns, 50);
    /* behind another TLV; and one that is cut short is nothing */
    assert_ok(decode(ANNOUNCE_HEADER("005c") "2004 0002 abcd" C37238_2017, &m));
    assert_int_equal(m.announce.c37238, 2017);
    assert_ok(decode(ANNOUNCE_HEADER("0052") C37238_2017, &m));
    assert_int_equal(m.announce.c37238, 0);
}

static void
padding_is_no_part_of_a_message(void **state UNUSED)
{
    struct ptp_message m;
    assert_ok(decode(ANNOUNCE C37238_2017, &m));
    assert_int_equal(m.announce.c37238, 0);
    assert_int_equal(m.size, 64);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    static const char *const messages[] = {SYNC,        FOLLOW_UP,
                                           DELAY_RESP,  PDELAY_REQ,
                                           PDELAY_RESP, PDELAY_RESP_FOLLOW_UP,
                                           ANNOUNCE,    ANNOUNCE_HEADER("0056") C37238_2017};
    struct ptp_message m;
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        size_t whole;
        uint8_t *data = hex_bytes(messages[i], &whole);
        for (size_t size = 0; size < whole; size++) {
            uint8_t *copy = malloc(size ? size : 1);
            memcpy(copy, data, size);
            assert_err(ptp_decode(copy, size, &m), ERR_TRUNCATED);
            free(copy);
        }
        assert_ok(ptp_decode(data, whole, &m));
        free(data);
    }
}

static void
refuses_what_is_no_message(void **state UNUSED)
{
    struct ptp_message m;
#define REST " 0000 0000 0000000000000000 00000000 " MASTER " 0003 00fd "
    assert_err(decode("0001 002c" REST "00000000000000000000", &m), ERR_UNSUPPORTED); /* version */
    assert_err(decode("0402 002c" REST "00000000000000000000", &m), ERR_MALFORMED);   /* reserved */
    assert_err(decode("0002 002b" REST "00000000000000000000", &m), ERR_MALFORMED);   /* short */
    assert_err(decode("0802 002c" REST "0000000000003b9aca00", &m), ERR_MALFORMED);   /* 10^9 ns */
    assert_ok(decode("0802 002c" REST "0000000000003b9ac9ff", &m));
    assert_ok(decode("0812 002c" REST "ffffffffffff00000000", &m)); /* version 2.1, year 8.9 M */
}

static void
writes_what_linuxptp_writes(void **state UNUSED)
{
    static const char *const messages[] = {PDELAY_REQ, PDELAY_RESP, PDELAY_RESP_FOLLOW_UP};
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
        struct ptp_message m;
        uint8_t written[PTP_PDELAY_SIZE];
        size_t size;
        uint8_t *data = hex_bytes(messages[i], &size);
        assert_ok(ptp_decode(data, size, &m));
        ptp_encode_pdelay(&m, written);
        data[1] = 0x12; /* ours is version 2.1 */
        assert_int_equal(size, sizeof written);
        assert_memory_equal(written, data, size);
        free(data);
    }
}

static void
a_correction_is_added(void **state UNUSED)
{
    size_t size;
    uint8_t *data = hex_bytes(SYNC, &size);
    assert_int_equal(ptp_correct(data, ptp_correction(1500)), 1500 * 65536);
    assert_int_equal(ptp_correct(data, ptp_correction(-500)), -500 * 65536);
    assert_int_equal(get_be64(data + PTP_CORRECTION_OFFSET), 1000 * 65536);
    free(data);
}

static void
a_correction_that_is_too_large_stays_the_largest(void **state UNUSED)
{
    size_t size;
    uint8_t *data = hex_bytes(SYNC, &size);
    put_be64(data + PTP_CORRECTION_OFFSET, INT64_MAX - 10);
    assert_int_equal(ptp_correct(data, 65536), 10);
    assert_int_equal(get_be64(data + PTP_CORRECTION_OFFSET), INT64_MAX);
    assert_int_equal(ptp_correct(data, -65536), 0);
    put_be64(data + PTP_CORRECTION_OFFSET, (uint64_t)INT64_MIN + 10);
    assert_int_equal(ptp_correct(data, -65536), -10);
    assert_int_equal(ptp_correction(INT64_MAX), INT64_MAX);
    assert_int_equal(ptp_correction(INT64_MIN), INT64_MIN);
    free(data);
}

TEST_MAIN(cmocka_unit_test(reads_linuxptp_s_messages),
          cmocka_unit_test(reads_who_the_grandmaster_is),
          cmocka_unit_test(reads_the_power_profiles_tlv),
          cmocka_unit_test(padding_is_no_part_of_a_message),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(refuses_what_is_no_message),
          cmocka_unit_test(writes_what_linuxptp_writes), cmocka_unit_test(a_correction_is_added),
          cmocka_unit_test(a_correction_that_is_too_large_stays_the_largest))
