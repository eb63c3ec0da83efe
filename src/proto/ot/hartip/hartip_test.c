/* Messages written after HCF_SPEC-085, -127 and -151; whole conversations are compared with what
 * tshark makes of them (test/sensor/oracles/hartip.py). */
#include "dissect/testing.h"
#include "proto/ot/hartip/hartip.h"

/* clang-format off */
#define INITIATE \
    "010000000001000d0100007530"

#define INITIATED \
    "010100000001000d010000ea60"

#define KEEP_ALIVE \
    "0100020000020008"

#define CLOSED \
    "0101010000030008"

#define WHO \
    "010003000004000d0280000082"

#define IDENTITY \
    "0101030000040025068000180010fe264e0507040108000000d205100003000026002601d2"

#define OLD_IDENTITY \
    "010103000004001b0680000e0000fe110a0505040108000000d2b2"

#define ASK_BEHIND \
    "010003000005001182a6500000d30d00aa"

#define TAG_BEHIND \
    "010103000005002886a6500000d30d170000414b71c318204121534d54858061451208311e0b7e72"

#define VALUES \
    "010103000006002186a64e0000d20310001041480000073fa0000020420200004e"

#define BURST \
    "010203000007002081a64e0000d2090f0000020041073f000000c000007d007b"

#define FORCE \
    "010003000008001982a64e0000d24f0801010742c60000007c"

#define PROTECTED \
    "010103000008001386a64e0000d24f020710e6"

#define WARNED \
    "010103000008001786a64e0000d228060810408000004a"

#define GARBLED \
    "010103000008001386a64e0000d24f02880079"

#define EXTENDED \
    "010003000009001482a64e0000d21f03020001a7"

#define RESET \
    "01000300000a001182a64e0000d22a0092"

#define NO_SESSION \
    "01030000000b000901"

#define DIRECT \
    "01000400000c0011000000360102001400"

#define DIRECT_ANSWER \
    "01010400000c003210020036010200142100505245535355524520464545440000000000000000000000" \
    "0000000000000000"

#define NO_CHECKSUM \
    "01000300000a001182a64e0000d22a0093"
/* clang-format on */

static void
a_session_is_held(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_CLIENT, INITIATE,
                 "link session-initiate link version=1 message-type=0 status=0 sequence=1 "
                 "host=1 inactivity=30000\n");
    assert_reads(&r, SIDE_SERVER, INITIATED,
                 "link session-initiate link version=1 message-type=1 status=0 sequence=1 "
                 "host=1 inactivity=60000\n");
    assert_reads(&r, SIDE_CLIENT, KEEP_ALIVE,
                 "link keep-alive link version=1 message-type=0 status=0 sequence=2\n");
    assert_reads(&r, SIDE_SERVER, CLOSED,
                 "link session-close link version=1 message-type=1 status=0 sequence=3\n");
    assert_reads(&r, SIDE_SERVER, NO_SESSION,
                 "refusal session-initiate link error=1 version=1 message-type=3 status=0 "
                 "sequence=11 data=01\n");
    reading_end(&r);
}

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_CLIENT, WHO,
                 "request read-unique-identifier identify version=1 message-type=0 "
                 "status=0 sequence=4 frame=2 polling-address=0\n");
    assert_reads(&r, SIDE_SERVER, IDENTITY,
                 "response read-unique-identifier identify version=1 message-type=1 "
                 "status=0 sequence=4 frame=6 polling-address=0 device-status=16 "
                 "expanded-type=9806 universal-revision=7 device-revision=4 "
                 "software-revision=1 hardware-revision=8 flags=0 device-id=210 changes=3 "
                 "extended-status=0 manufacturer=38 private-label=38 profile=1 "
                 "maker='Rosemount'\n");
    assert_reads(&r, SIDE_SERVER, OLD_IDENTITY,
                 "response read-unique-identifier identify version=1 message-type=1 "
                 "status=0 sequence=4 frame=6 polling-address=0 device-status=0 "
                 "expanded-type=4362 universal-revision=5 device-revision=4 "
                 "software-revision=1 hardware-revision=8 flags=0 device-id=210 "
                 "manufacturer=17 maker='Endress+Hauser'\n");
    reading_end(&r);
}

static void
what_is_behind_a_gateway_is_told_apart(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_CLIENT, WHO,
                 "request read-unique-identifier identify version=1 message-type=0 "
                 "status=0 sequence=4 frame=2 polling-address=0\n");
    assert_reads(&r, SIDE_SERVER, IDENTITY,
                 "response read-unique-identifier identify version=1 message-type=1 "
                 "status=0 sequence=4 frame=6 polling-address=0 device-status=16 "
                 "expanded-type=9806 universal-revision=7 device-revision=4 "
                 "software-revision=1 hardware-revision=8 flags=0 device-id=210 changes=3 "
                 "extended-status=0 manufacturer=38 private-label=38 profile=1 "
                 "maker='Rosemount'\n");
    assert_reads(&r, SIDE_CLIENT, ASK_BEHIND,
                 "request read-tag-descriptor-date identify version=1 message-type=0 "
                 "status=0 sequence=5 frame=2 device-type=9808 device=211 sub-device=211\n");
    assert_reads(&r, SIDE_SERVER, TAG_BEHIND,
                 "response read-tag-descriptor-date identify version=1 message-type=1 "
                 "status=0 sequence=5 frame=6 device-type=9808 device=211 sub-device=211 "
                 "device-status=0 tag='PT-101  ' descriptor='PRESSURE FEED  1' "
                 "date=1e0b7e\n");
    assert_reads(&r, SIDE_SERVER, VALUES,
                 "response read-dynamic-variables read version=1 message-type=1 status=0 "
                 "sequence=6 frame=6 device-type=9806 device=210 device-status=16 "
                 "current=12.5; units=7 value=1.25; units=32 value=32.5\n");
    reading_end(&r);
}

static void
values_are_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_SERVER, VALUES,
                 "response read-dynamic-variables read version=1 message-type=1 status=0 "
                 "sequence=6 frame=6 device-type=9806 device=210 device-status=16 "
                 "current=12.5; units=7 value=1.25; units=32 value=32.5\n");
    assert_reads(&r, SIDE_SERVER, BURST,
                 "report read-device-variables-with-status read version=1 message-type=2 "
                 "status=0 sequence=7 frame=1 device-type=9806 device=210 device-status=0 "
                 "extended-status=2; variable=0 classification=65 units=7 value=0.5 "
                 "value-status=192; timestamp=32000\n");
    reading_end(&r);
}

static void
acts_are_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_CLIENT, FORCE,
                 "request write-device-variable operate version=1 message-type=0 status=0 "
                 "sequence=8 frame=2 device-type=9806 device=210 variable=1 select=1 "
                 "units=7 value=99 value-status=0\n");
    assert_reads(&r, SIDE_CLIENT, RESET,
                 "request device-reset restart version=1 message-type=0 status=0 "
                 "sequence=10 frame=2 device-type=9806 device=210\n");
    assert_reads(&r, SIDE_CLIENT, EXTENDED,
                 "request ? other version=1 message-type=0 status=0 sequence=9 frame=2 "
                 "device-type=9806 device=210 data=01\n");
    reading_end(&r);
}

static void
a_refusal_is_no_warning(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_SERVER, PROTECTED,
                 "refusal write-device-variable operate error=7 version=1 message-type=1 "
                 "status=0 sequence=8 frame=6 device-type=9806 device=210 "
                 "device-status=16\n");
    assert_reads(&r, SIDE_SERVER, WARNED,
                 "response fixed-current-mode operate error=8 version=1 message-type=1 "
                 "status=0 sequence=8 frame=6 device-type=9806 device=210 "
                 "device-status=16 current=4\n");
    assert_reads(&r, SIDE_SERVER, GARBLED,
                 "refusal write-device-variable operate error=136 version=1 "
                 "message-type=1 status=0 sequence=8 frame=6 device-type=9806 device=210 "
                 "device-status=0\n");
    reading_end(&r);
}

static void
direct_commands_are_messages_each(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_CLIENT, DIRECT,
                 "request read-variable-information read version=1 message-type=0 "
                 "status=0 sequence=12 device-status=0 extended-status=0; variable=2\n"
                 "request read-long-tag identify version=1 message-type=0 status=0 "
                 "sequence=12 device-status=0 extended-status=0\n");
    assert_reads(&r, SIDE_SERVER, DIRECT_ANSWER,
                 "refusal read-variable-information read error=2 version=1 message-type=1 "
                 "status=0 sequence=12 device-status=16 extended-status=2\n"
                 "response read-long-tag identify version=1 message-type=1 status=0 "
                 "sequence=12 device-status=16 extended-status=2 long-tag='PRESSURE "
                 "FEED'\n");
    reading_end(&r);
}

static void
a_wrong_checksum_is_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &hartip);
    assert_reads(&r, SIDE_CLIENT, NO_CHECKSUM,
                 "request device-reset restart version=1 message-type=0 status=0 "
                 "sequence=10 frame=2 device-type=9806 device=210 wrong-checksum=1\n");
    reading_end(&r);
}

static void
messages_are_cut_from_a_stream_and_known(void **state UNUSED)
{
    uint8_t octets[256];
    size_t message, n = octets_of(IDENTITY "00", octets, sizeof octets);
    for (size_t size = 0; size < n - 1; size++)
        assert_int_equal(hartip.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(hartip.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n - 1);
    assert_int_equal(hartip.looks(octets, message), LOOKS_SURE);
    octets[message - 1] ^= 1;
    assert_int_equal(hartip.looks(octets, message), LOOKS_FAINT);
    octets[6] = 0xff;
    assert_int_equal(hartip.frame(octets, n, &message), FRAME_NOT);
    n = octets_of(INITIATE, octets, sizeof octets);
    assert_int_equal(hartip.looks(octets, n), LOOKS_LIKE);
    octets[8] = 2; /* no such master */
    assert_int_equal(hartip.looks(octets, n), LOOKS_NOT);
}

static void
what_is_cut_off_is_an_error(void **state UNUSED)
{
    assert_survives_truncation(&hartip, SIDE_CLIENT, INITIATE);
    assert_survives_truncation(&hartip, SIDE_SERVER, IDENTITY);
    assert_survives_truncation(&hartip, SIDE_SERVER, DIRECT_ANSWER);
    struct reading r;
    uint8_t octets[64];
    size_t n = octets_of("0100030000050011 c2 8042 0000 00000000", octets, sizeof octets);
    reading_begin(&r, &hartip); /* a delimiter that there is not */
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_int_not_equal(r.err, ERR_OK);
    reading_end(&r);
}

TEST_MAIN(cmocka_unit_test(a_session_is_held), cmocka_unit_test(a_device_says_who_it_is),
          cmocka_unit_test(what_is_behind_a_gateway_is_told_apart),
          cmocka_unit_test(values_are_told), cmocka_unit_test(acts_are_told),
          cmocka_unit_test(a_refusal_is_no_warning),
          cmocka_unit_test(direct_commands_are_messages_each),
          cmocka_unit_test(a_wrong_checksum_is_told),
          cmocka_unit_test(messages_are_cut_from_a_stream_and_known),
          cmocka_unit_test(what_is_cut_off_is_an_error))
