/* Messages written after the tables of OPC 10000-4 and 10000-6; whole conversations are compared
 * with what tshark makes of them (test/sensor/oracles/opcua.py). */
#include "dissect/testing.h"
#include "proto/ot/opcua/opcua.h"

/* clang-format off */
#define HELLO \
    "48454c463200000000000000ffff0000ffff00000000000000000000120000006f70632e7463703a2f2f" \
    "706c633a34383430"

#define ACK \
    "41434b461c0000000000000000200000002000000000000000000000"

#define ERR \
    "455252461200000000005580020000006e6f"

#define OPEN \
    "4f504e4684000000000000002f000000687474703a2f2f6f7063666f756e646174696f6e2e6f72672f55" \
    "412f5365637572697479506f6c696379234e6f6e65ffffffffffffffff01000000010000000100be0100" \
    "0000000000000000000100000000000000ffffffffe8030000000000000000000000000001000000ffff" \
    "ffff80ee3600"

#define OPENED \
    "4f504e4687000000090000002f000000687474703a2f2f6f7063666f756e646174696f6e2e6f72672f55" \
    "412f5365637572697479506f6c696379234e6f6e65ffffffffffffffff01000000010000000100c10100" \
    "00000000000000010000000000000000ffffffff00000000000000090000000100000000000000000000" \
    "0080ee3600ffffffff"

#define OPEN_SECURED \
    "4f504e466a0000000000000039000000687474703a2f2f6f7063666f756e646174696f6e2e6f72672f55" \
    "412f5365637572697479506f6c6963792342617369633235365368613235360400000043455254050000" \
    "005448554d42aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define GET_ENDPOINTS \
    "4d53474652000000090000000100000002000000020000000100ac010000000000000000000002000000" \
    "00000000ffffffffe80300000000000d0000006f70632e7463703a2f2f706c630000000000000000"

#define ENDPOINTS \
    "4d53474649010000090000000100000002000000020000000100af010000000000000000020000000000" \
    "000000ffffffff00000001000000120000006f70632e7463703a2f2f706c633a34383430070000007572" \
    "6e3a706c6311000000687474703a2f2f76656e646f722f706c630203000000706c6300000000ffffffff" \
    "ffffffff010000000d0000006f70632e7463703a2f2f706c630300000044455203000000390000006874" \
    "74703a2f2f6f7063666f756e646174696f6e2e6f72672f55412f5365637572697479506f6c6963792342" \
    "6173696332353653686132353602000000010000006100000000ffffffffffffffffffffffff01000000" \
    "7501000000ffffffffffffffff2f000000687474703a2f2f6f7063666f756e646174696f6e2e6f72672f" \
    "55412f5365637572697479506f6c696379234e6f6e6508000000687474703a2f2f7405"

#define FOUND \
    "4d53474689000000090000000100000003000000030000000100a9010000000000000000030000000000" \
    "000000ffffffff000000010000000900000075726e3a6f7468657213000000687474703a2f2f76656e64" \
    "6f722f6f7468657202050000006f7468657200000000ffffffffffffffff010000000f0000006f70632e" \
    "7463703a2f2f6f74686572"

#define ACTIVATE \
    "4d53474679000000090000000100000004000000040000000100d3010000000000000000000004000000" \
    "00000000ffffffffe8030000000000ffffffffffffffff000000000000000001004401011f0000000100" \
    "000075080000006f70657261746f7206000000736563726574ffffffffffffffffffffffff"

#define DENIED \
    "4d534746340000000900000001000000040000000400000001008d010000000000000000040000000000" \
    "218000ffffffff000000"

#define READ \
    "4d5347467700000009000000010000000500000005000000010077020000000000000000000005000000" \
    "00000000ffffffffe8030000000000000000000000000002000000020000000100d7080d000000ffffff" \
    "ff0000ffffffff03020007000000427265616b65720d000000ffffffff0000ffffffff"

#define VALUES \
    "4d5347465a0000000900000001000000050000000500000001007a020000000000000000050000000000" \
    "000000ffffffff00000002000000010c0600000056656e646f72038602000000ffffffff070000000000" \
    "348000000000"

#define READ2 \
    "4d5347465b00000009000000010000000600000006000000010077020000000000000000000005000000" \
    "00000000ffffffffe8030000000000000000000000000002000000010000000100d4080d000000ffffff" \
    "ff0000ffffffff"

#define PART \
    "4d534743400000000900000001000000060000000600000001007a020000000000000000050000000000" \
    "000000ffffffff000000010000000116010054010136"

#define PART_LAST \
    "4d534746550000000900000001000000070000000600000000000008000000687474703a2f2f70060000" \
    "0056656e646f72070000004761746577617903000000312e320200000037370000056936c0d501000000" \
    "00"

#define PART_ABORT \
    "4d53474128000000090000000100000007000000060000000000088008000000746f6f206c6f6e67"

#define WRITE \
    "4d5347464f000000090000000100000008000000080000000100a1020000000000000000000008000000" \
    "00000000ffffffffe803000000000001000000020400701101000d000000ffffffff010101"

#define CALL \
    "4d5347464e000000090000000100000009000000090000000100c8020000000000000000000009000000" \
    "00000000ffffffffe8030000000000010000000100cd080100e42c010000000703000000"

#define BROWSE \
    "4d5347466400000009000000010000000a0000000a00000001000f02000000000000000000000a000000" \
    "00000000ffffffffe8030000000000000000000000000000000000000064000000010000000100550000" \
    "0000000100210001000000003f000000"

#define BROWSED \
    "4d5347466e00000009000000010000000a0000000a0000000100120200000000000000000a0000000000" \
    "000000ffffffff0000000100000000000000ffffffff0100000001002300010100cd0800000600000053" \
    "6572766572020600000053657276657201000000000000000000"

#define PUBLISHED \
    "4d5347467400000009000000010000000b0000000b00000001003d0300000000000000000b0000000000" \
    "000000ffffffff0000000300000000000000000800000000000000000000000100000001002b03011600" \
    "00000100000005000000010b000000000000f83fffffffff0000000000000000"

#define SECURED \
    "4d534746300000000900000001000000bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" \
    "bbbbbbbbbbbb"

#define CLOSE \
    "434c4f463900000009000000010000000c0000000c0000000100c401000000000000000000000c000000" \
    "00000000ffffffffe8030000000000"

#define SIGNED \
    "4d53474672000000090000000100000002000000020000000100ac010000000000000000000002000000" \
    "00000000ffffffffe80300000000000d0000006f70632e7463703a2f2f706c630000000000000000cccc" \
    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

#define DEEP \
    "4d53474674000000090000000100000008000000080000000100a1020000000000000000000008000000" \
    "00000000ffffffffe803000000000001000000010001000d000000ffffffff0118181818181818181818" \
    "1818181818181818181818181818181818181818181818181818181818180101"

#define MANY \
    "4d534746390000000900000001000000050000000500000001007a020000000000000000050000000000" \
    "000000ffffffff000000ffffff7f00"
/* clang-format on */

static void
a_channel_is_opened(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, HELLO,
                 "link hello link version=0 receive-buffer=65535 send-buffer=65535 "
                 "message-max=0 chunks-max=0 endpoint-url='opc.tcp://plc:4840'\n");
    assert_reads(&r, SIDE_SERVER, ACK,
                 "link acknowledge link version=0 receive-buffer=8192 send-buffer=8192 "
                 "message-max=0 chunks-max=0\n");
    assert_reads(&r, SIDE_CLIENT, OPEN,
                 "request open-secure-channel link channel=0 "
                 "security-policy='http://opcfoundation.org/UA/SecurityPolicy#None' "
                 "sequence=1 request=1 handle=1 version=0 request-type=0 security-mode=1 "
                 "lifetime=3600000\n");
    assert_reads(&r, SIDE_SERVER, OPENED,
                 "response open-secure-channel link channel=9 "
                 "security-policy='http://opcfoundation.org/UA/SecurityPolicy#None' "
                 "sequence=1 request=1 handle=1 version=0 lifetime=3600000\n");
    assert_reads(&r, SIDE_CLIENT, CLOSE,
                 "request close-secure-channel link channel=9 token=1 sequence=12 "
                 "request=12 handle=12\n");
    assert_reads(&r, SIDE_SERVER, ERR, "link error link error=2153054208 reason='no'\n");
    reading_end(&r);
}

static void
servers_say_who_they_are(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, GET_ENDPOINTS,
                 "request get-endpoints identify channel=9 token=1 sequence=2 request=2 "
                 "handle=2 endpoint-url='opc.tcp://plc'\n");
    assert_reads(&r, SIDE_SERVER, ENDPOINTS,
                 "response get-endpoints identify channel=9 token=1 sequence=2 request=2 "
                 "handle=2; describes=1 endpoint-url='opc.tcp://plc:4840' "
                 "application-uri='urn:plc' product-uri='http://vendor/plc' "
                 "application-name='plc' application-type=0 discovery-url='opc.tcp://plc' "
                 "certificate-size=3 security-mode=3 "
                 "security-policy='http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256' "
                 "user-token=0 user-token=1 "
                 "token-policy='http://opcfoundation.org/UA/SecurityPolicy#None' "
                 "security-level=5\n");
    assert_reads(&r, SIDE_SERVER, FOUND,
                 "response find-servers identify channel=9 token=1 sequence=3 request=3 "
                 "handle=3; describes=2 application-uri='urn:other' "
                 "product-uri='http://vendor/other' application-name='other' "
                 "application-type=0 discovery-url='opc.tcp://other'\n");
    reading_end(&r);
}

static void
a_person_is_named_and_a_password_is_not(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, ACTIVATE,
                 "request activate-session access channel=9 token=1 sequence=4 request=4 "
                 "handle=4 user-token=1 user='operator'\n");
    assert_reads(&r, SIDE_SERVER, DENIED,
                 "refusal activate-session access error=2149646336 channel=9 token=1 "
                 "sequence=4 request=4 handle=4\n");
    assert_reads(&r, SIDE_SERVER, DENIED,
                 "refusal service-fault other error=2149646336 channel=9 token=1 "
                 "sequence=4 request=4 handle=4\n");
    reading_end(&r);
}

static void
values_have_the_nodes_that_were_asked_for(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, READ,
                 "request read identify channel=9 token=1 sequence=5 request=5 handle=5; "
                 "standard-node=2263 attribute=13; namespace=2 node-text='Breaker' "
                 "attribute=13\n");
    assert_reads(&r, SIDE_SERVER, VALUES,
                 "response read identify channel=9 token=1 sequence=5 request=5 handle=5; "
                 "standard-node=2263 attribute=13 type=12 text='Vendor'; namespace=2 "
                 "node-text='Breaker' attribute=13 type=6 int=-1 int=7 status=2150891520\n");
    assert_reads(&r, SIDE_SERVER, VALUES,
                 "response read read channel=9 token=1 sequence=5 request=5 handle=5; "
                 "type=12 text='Vendor'; type=6 int=-1 int=7 status=2150891520\n");
    reading_end(&r);
}

static void
chunks_are_put_together(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, READ2,
                 "request read identify channel=9 token=1 sequence=6 request=6 handle=5; "
                 "standard-node=2260 attribute=13\n");
    assert_reads(&r, SIDE_SERVER, PART,
                 "link chunk other channel=9 token=1 sequence=6 request=6 chunk=67 "
                 "size=40\n");
    assert_reads(&r, SIDE_SERVER, PART_LAST,
                 "response read identify channel=9 token=1 sequence=7 request=6 handle=5; "
                 "standard-node=2260 attribute=13 type=22 product-uri='http://p' "
                 "manufacturer='Vendor' product='Gateway' software-version='1.2' "
                 "build-number='77' build-time=1577836800000000000\n");
    assert_reads(&r, SIDE_SERVER, PART,
                 "link chunk other channel=9 token=1 sequence=6 request=6 chunk=67 "
                 "size=40\n");
    assert_reads(&r, SIDE_SERVER, PART_ABORT,
                 "link chunk other error=2148007936 channel=9 token=1 sequence=7 "
                 "request=6 chunk=65 reason='too long'\n");
    reading_end(&r);
}

static void
what_is_written_called_browsed_and_published(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, WRITE,
                 "request write write channel=9 token=1 sequence=8 request=8 handle=8; "
                 "namespace=4 node=70000 attribute=13 type=1 bool=1\n");
    assert_reads(&r, SIDE_CLIENT, CALL,
                 "request call operate channel=9 token=1 sequence=9 request=9 handle=9; "
                 "standard-node=2253 standard-method=11492 type=7 uint=3\n");
    assert_reads(&r, SIDE_CLIENT, BROWSE,
                 "request browse browse channel=9 token=1 sequence=10 request=10 "
                 "handle=10; standard-node=85 reference-type=33\n");
    assert_reads(&r, SIDE_SERVER, BROWSED,
                 "response browse browse channel=9 token=1 sequence=10 request=10 "
                 "handle=10; status=0; reference-type=35 standard-node=2253 "
                 "browse-name='Server' display-name='Server' node-class=1\n");
    assert_reads(&r, SIDE_SERVER, PUBLISHED,
                 "response publish report channel=9 token=1 sequence=11 request=11 "
                 "handle=11 subscription=3 published=8; client-handle=5 type=11 real=1.5\n");
    reading_end(&r);
}

static void
of_what_is_encrypted_the_size_is_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, OPEN_SECURED,
                 "request open-secure-channel link channel=0 "
                 "security-policy='http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256' "
                 "certificate-size=4 secured=1 size=16\n");
    assert_reads(&r, SIDE_CLIENT, SECURED,
                 "request secured-message other channel=9 token=1 chunk=70 secured=1 "
                 "size=32\n");
    reading_end(&r);
}

static void
a_signature_is_no_part_of_what_is_signed(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, OPEN_SECURED,
                 "request open-secure-channel link channel=0 "
                 "security-policy='http://opcfoundation.org/UA/SecurityPolicy#Basic256Sha256' "
                 "certificate-size=4 secured=1 size=16\n");
    assert_reads(&r, SIDE_CLIENT, SIGNED,
                 "request get-endpoints identify channel=9 token=1 sequence=2 request=2 "
                 "handle=2 endpoint-url='opc.tcp://plc'\n");
    reading_end(&r);
}

static void
without_its_opening_a_signature_trails(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &opcua);
    assert_reads(&r, SIDE_CLIENT, SIGNED,
                 "request get-endpoints identify channel=9 token=1 sequence=2 request=2 "
                 "handle=2 endpoint-url='opc.tcp://plc' trailing=32\n");
    reading_end(&r);
}

static enum err
read_one(const char *hex, enum side side)
{
    struct reading r;
    uint8_t octets[1024];
    size_t n = octets_of(hex, octets, sizeof octets);
    reading_begin(&r, &opcua);
    reading_octets(&r, side, octets, n);
    enum err err = r.err;
    reading_end(&r);
    return err;
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    assert_int_equal(read_one(DEEP, SIDE_CLIENT), ERR_LIMIT);
    assert_int_equal(read_one(MANY, SIDE_SERVER), ERR_TRUNCATED);
    assert_survives_truncation(&opcua, SIDE_CLIENT, HELLO);
    assert_survives_truncation(&opcua, SIDE_CLIENT, OPEN);
    assert_survives_truncation(&opcua, SIDE_SERVER, ENDPOINTS);
    assert_survives_truncation(&opcua, SIDE_CLIENT, ACTIVATE);
}

/* More than there is room for is told of as chunks. */
static void
an_endless_message_is_bounded(void **state UNUSED)
{
    struct reading r;
    static uint8_t octets[40000];
    size_t n = octets_of(PART, octets, sizeof octets);
    octets[5] = sizeof octets >> 8;
    octets[4] = sizeof octets & 0xff;
    reading_begin(&r, &opcua);
    for (unsigned i = 0; i < 4; i++) {
        reading_octets(&r, SIDE_SERVER, octets, sizeof octets);
        assert_ok(r.err);
    }
    n = octets_of(PART_LAST, octets, sizeof octets);
    reading_octets(&r, SIDE_SERVER, octets, n);
    assert_ok(r.err);
    assert_string_equal(
        buf_cstr(&r.text),
        "link chunk other channel=9 token=1 sequence=7 request=6 chunk=70 size=61\n");
    reading_end(&r);
}

static void
messages_are_cut_from_a_stream_and_known(void **state UNUSED)
{
    uint8_t octets[256];
    size_t message, n = octets_of(READ "00", octets, sizeof octets);
    for (size_t size = 0; size < n - 1; size++)
        assert_int_equal(opcua.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(opcua.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n - 1);
    assert_int_equal(opcua.looks(octets, message), LOOKS_SURE);
    octets[24] = 9; /* no service: encrypted, or something else */
    assert_int_equal(opcua.looks(octets, message), LOOKS_LIKE);
    octets[6] = 0xff; /* longer than any */
    assert_int_equal(opcua.frame(octets, n, &message), FRAME_NOT);
    octets[0] = 'm';
    assert_int_equal(opcua.frame(octets, n, &message), FRAME_NOT);
    n = octets_of(HELLO, octets, sizeof octets);
    assert_int_equal(opcua.looks(octets, n), LOOKS_SURE);
    octets[28] = 1; /* a URL that is shorter than what there is */
    assert_int_equal(opcua.looks(octets, n), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(a_channel_is_opened), cmocka_unit_test(servers_say_who_they_are),
          cmocka_unit_test(a_person_is_named_and_a_password_is_not),
          cmocka_unit_test(values_have_the_nodes_that_were_asked_for),
          cmocka_unit_test(chunks_are_put_together),
          cmocka_unit_test(what_is_written_called_browsed_and_published),
          cmocka_unit_test(of_what_is_encrypted_the_size_is_told),
          cmocka_unit_test(a_signature_is_no_part_of_what_is_signed),
          cmocka_unit_test(without_its_opening_a_signature_trails),
          cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(an_endless_message_is_bounded),
          cmocka_unit_test(messages_are_cut_from_a_stream_and_known))
