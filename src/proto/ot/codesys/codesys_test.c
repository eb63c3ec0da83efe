/* Messages written after public analyses of CODESYS V3; there are no captures to compare with. */
#include "dissect/testing.h"
#include "proto/ot/codesys/codesys.h"

/* clang-format off */
#define WHO \
    "c56c4003001012340002000002c2000407000000"

#define IDENTITY \
    "c56b4004001100020120000080c20004070000000400010002000d0024000b0000100000041206100004" \
    "0f050000000006000500000000000000000000015000460043003200300030002d003400330038004600" \
    "3400430000005700410047004f0020003700350030002d00380032003000360020005000460043003200" \
    "30003000200032004500540048002000520053002000430041004e002000440050005300000057004100" \
    "47004f00200047006d00620048002000fc000000534e3132333400"

#define IDENTITY_TCP \
    "000117e8d3000000c56b400400332ddcc0a800022ddcc0a80001000080c2000407000000040001000200" \
    "0d0024000b00001000000412061000040f05000000000600050000000000000000000001500046004300" \
    "3200300030002d0034003300380046003400430000005700410047004f0020003700350030002d003800" \
    "320030003600200050004600430032003000300020003200450054004800200052005300200043004100" \
    "4e00200044005000530000005700410047004f00200047006d00620048002000fc000000534e31323334" \
    "00"

#define OPEN \
    "000117e830000000c56b404000332ddcc0a800022ddcc0a800010000c300010100000000090000000040" \
    "1f0005000000"

#define OPENED \
    "000117e834000000c56b404000332ddcc0a800012ddcc0a8000200008300010100000000090000000000" \
    "110000401f0004000000"

#define CLOSE \
    "000117e828000000c56b404000332ddcc0a800022ddcc0a800010000c40001010000000011000200"

#define ALIVE \
    "000117e820000000c56b404000332ddcc0a800022ddcc0a80001000003001100"

#define ACK \
    "000117e824000000c56b404000332ddcc0a800012ddcc0a8000200000280110003000000"

#define LOGIN \
    "000117e848000000c56b404000332ddcc0a800022ddcc0a8000100000181110001000000000000001800" \
    "00000000000055cd0c000100020011000000080000002284800001000000"

#define LOGIN_ANSWER \
    "000117e843000000c56b404000332ddcc0a800012ddcc0a8000200000101110001000000000000001300" \
    "00000000000055cd0c00810002001100000003000000820100"

#define STOP \
    "000117e844000000c56b404000332ddcc0a800022ddcc0a8000100000181110001000000000000001400" \
    "00000000000055cd0c0002001100110000000400000001020304"

#define FORCE \
    "000117e840000000c56b404000332ddcc0a800022ddcc0a8000100000181110001000000000000001000" \
    "00000000000055cd0c00130001001100000000000000"

#define SECURE \
    "000117e850000000c56b404000332ddcc0a800022ddcc0a8000100000181110001000000000000002000" \
    "00000000000057750c00080005001100000010000000aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define NEXT \
    "000117e834000000c56b404000332ddcc0a800022ddcc0a8000100000180110002000000000000005555" \
    "55555555555555555555"
/* clang-format on */

static void
a_controller_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &codesys);
    assert_reads(&r, SIDE_CLIENT, WHO,
                 "request resolve-address identify priority=1 sender=0002 version=1024 "
                 "request=7\n");
    assert_reads(&r, SIDE_SERVER, IDENTITY,
                 "response identification identify priority=1 sender=0120 receiver=0002 "
                 "version=1024 request=7 channels=4 target-type=4096 target-id=268833284 "
                 "firmware='5.15.4.0' node-name='PFC200-438F4C' device-name='WAGO "
                 "750-8206 PFC200 2ETH RS CAN DPS' vendor='WAGO GmbH ü' serial='SN1234' "
                 "size=1\n");
    assert_reads(&r, SIDE_SERVER, IDENTITY_TCP,
                 "response identification identify priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 version=1024 request=7 channels=4 "
                 "target-type=4096 target-id=268833284 firmware='5.15.4.0' "
                 "node-name='PFC200-438F4C' device-name='WAGO 750-8206 PFC200 2ETH RS CAN "
                 "DPS' vendor='WAGO GmbH ü' serial='SN1234' size=1\n");
    reading_end(&r);
}

static void
channels_are_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &codesys);
    assert_reads(&r, SIDE_CLIENT, OPEN,
                 "link open-channel link priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 version=257 request=9 buffer=2048000 size=4\n");
    assert_reads(&r, SIDE_SERVER, OPENED,
                 "link open-channel link priority=1 sender=2ddcc0a80002 "
                 "receiver=2ddcc0a80001 version=257 request=9 reason=0 channel=17 "
                 "buffer=2048000 size=4\n");
    assert_reads(&r, SIDE_CLIENT, ALIVE,
                 "link keep-alive link priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 channel=17\n");
    assert_reads(&r, SIDE_SERVER, ACK,
                 "link block-acknowledged link priority=1 sender=2ddcc0a80002 "
                 "receiver=2ddcc0a80001 channel=17 acknowledged=3\n");
    assert_reads(&r, SIDE_CLIENT, CLOSE,
                 "link close-channel link priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 version=257 channel=17 reason=2\n");
    reading_end(&r);
}

static void
services_are_named(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &codesys);
    assert_reads(&r, SIDE_CLIENT, LOGIN,
                 "request device-login access priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 channel=17 block=1 acknowledged=0 group=1 "
                 "command=2 session=17 content=8 size=8\n");
    assert_reads(&r, SIDE_SERVER, LOGIN_ANSWER,
                 "response device-login access priority=1 sender=2ddcc0a80002 "
                 "receiver=2ddcc0a80001 channel=17 block=1 acknowledged=0 group=1 "
                 "command=2 session=17 content=3 size=3\n");
    assert_reads(&r, SIDE_CLIENT, STOP,
                 "request stop-application stop priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 channel=17 block=1 acknowledged=0 group=2 "
                 "command=17 session=17 content=4 size=4\n");
    assert_reads(&r, SIDE_CLIENT, FORCE,
                 "request force operate priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 channel=17 block=1 acknowledged=0 group=19 "
                 "command=1 session=17 content=0\n");
    assert_reads(&r, SIDE_CLIENT, SECURE,
                 "request open-file-to-read upload priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 channel=17 block=1 acknowledged=0 group=8 "
                 "command=5 session=17 secure=1 content=16 size=16\n");
    assert_reads(&r, SIDE_CLIENT, NEXT,
                 "request block other priority=1 sender=2ddcc0a80001 "
                 "receiver=2ddcc0a80002 channel=17 block=2 acknowledged=0 size=12\n");
    reading_end(&r);
}

static void
messages_are_cut_from_a_stream_and_known(void **state UNUSED)
{
    uint8_t octets[512];
    size_t message, n = octets_of(STOP "00", octets, sizeof octets);
    for (size_t size = 0; size < n - 1; size++)
        assert_int_equal(codesys.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(codesys.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n - 1);
    assert_int_equal(codesys.looks(octets, message), LOOKS_SURE);
    octets[6] = 1; /* longer than any */
    assert_int_equal(codesys.frame(octets, n, &message), FRAME_NOT);
    n = octets_of(WHO, octets, sizeof octets);
    assert_int_equal(codesys.looks(octets, n), LOOKS_SURE);
    octets[13] = 0xc4; /* no such name service */
    assert_int_equal(codesys.looks(octets, n), LOOKS_NOT);
    octets[3] = 0x40;
    assert_int_equal(codesys.looks(octets, n), LOOKS_LIKE);
    octets[3] = 0x41;
    assert_int_equal(codesys.looks(octets, n), LOOKS_NOT);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[512];
    size_t n = octets_of(IDENTITY, octets, sizeof octets);
    reading_begin(&r, &codesys);
    reading_octets(&r, SIDE_SERVER, octets, n - 40); /* half the vendor's name */
    assert_int_equal(r.err, ERR_TRUNCATED);
    octets[1] = 0x6a; /* a header that is too short */
    reading_octets(&r, SIDE_SERVER, octets, n);
    assert_int_equal(r.err, ERR_MALFORMED);
    reading_end(&r);
    assert_survives_truncation(&codesys, SIDE_SERVER, IDENTITY_TCP);
    assert_survives_truncation(&codesys, SIDE_CLIENT, STOP);
}

TEST_MAIN(cmocka_unit_test(a_controller_says_who_it_is), cmocka_unit_test(channels_are_told),
          cmocka_unit_test(services_are_named),
          cmocka_unit_test(messages_are_cut_from_a_stream_and_known),
          cmocka_unit_test(what_cannot_be_is_an_error))
