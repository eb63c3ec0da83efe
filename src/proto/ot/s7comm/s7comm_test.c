/* Messages are written by hand after the published layout of S7 communication; TPDUs after X.224.
 */
#include "dissect/testing.h"
#include "proto/ot/s7comm/s7comm.h"

#define HEAD "reference=256 parameter-length="

/* A TPKT and a data TPDU around S7's octets. */
static size_t
wrap(const char *hex, uint8_t end, uint8_t *octets, size_t room)
{
    size_t n = octets_of(hex, octets + 7, room - 7);
    memcpy(octets, (uint8_t[]){3, 0, (uint8_t)((n + 7) >> 8), (uint8_t)(n + 7), 2, 0xf0, end}, 7);
    return n + 7;
}

static void
assert_says(struct reading *r, enum side side, const char *hex, const char *expected)
{
    uint8_t octets[2048];
    reading_octets(r, side, octets, wrap(hex, 0x80, octets, sizeof octets));
    assert_ok(r->err);
    assert_string_equal(buf_cstr(&r->text), expected);
}

#define REQUEST_CONNECTION "0300 0016 11 e0 0000 0001 00 c0010a c1020100 c2020302"

static void
a_connection_says_who_and_whereto(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_reads(&r, SIDE_CLIENT, REQUEST_CONNECTION,
                 "link connection-request link source-reference=1 destination-reference=0 "
                 "calling-tsap=0100 called-tsap=0302 tpdu-size=1024 purpose=3 rack=0 slot=2\n");
    assert_reads(&r, SIDE_SERVER, "0300 0016 11 d0 0001 0002 00 c0010a c1020100 c2020125",
                 "link connection-confirm link source-reference=2 destination-reference=1 "
                 "calling-tsap=0100 called-tsap=0125 tpdu-size=1024 purpose=1 rack=1 slot=5\n");
    assert_reads(&r, SIDE_SERVER, "0300 000b 06 80 0001 0002 80",
                 "link disconnect-request link source-reference=2 destination-reference=1 "
                 "reason=128\n");
    reading_end(&r);
}

static void
variables_are_read_and_their_answer_has_addresses(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_CLIENT,
                "32 01 0000 0100 001a 0000 04 02 120a10 02 0004 0005 84 000051 "
                "120a10 1d 0001 0000 1d 000007",
                "request read-variables read type=1 " HEAD "26 data-length=0 items=2; area=132 "
                "data-block=5 byte=10 bit=1 element=2 length=4; area=29 data-block=0 number=7 "
                "element=29 length=1\n");
    assert_says(&r, SIDE_SERVER,
                "32 03 0000 0100 0002 000e 0000 04 02 ff 04 0018 010203 00 ff 09 0002 0040",
                "response read-variables read type=3 " HEAD "2 data-length=14 items=2; area=132 "
                "data-block=5 byte=10 bit=1 element=2 length=4 return-code=255 value=010203; "
                "area=29 data-block=0 number=7 element=29 length=1 return-code=255 value=0040\n");
    /* What was asked has been answered: another with that number has no addresses. */
    assert_says(&r, SIDE_SERVER, "32 03 0000 0100 0002 0004 0000 04 01 0a 00 0000",
                "response read-variables read type=3 " HEAD
                "2 data-length=4 items=1; return-code=10\n");
    reading_end(&r);
}

static void
variables_are_written(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_CLIENT,
                "32 01 0000 0100 000e 0005 05 01 120a10 01 0001 0000 82 00000a 00 03 0001 01",
                "request write-variables operate type=1 " HEAD "14 data-length=5 items=1; area=130 "
                "data-block=0 byte=1 bit=2 element=1 length=1 return-code=0 value=01\n");
    assert_says(&r, SIDE_SERVER, "32 03 0000 0100 0002 0001 0000 05 01 05",
                "response write-variables operate type=3 " HEAD
                "2 data-length=1 items=1; area=130 data-block=0 byte=1 bit=2 element=1 length=1 "
                "return-code=5\n");
    /* An output moves something, a data block need not. */
    assert_says(&r, SIDE_CLIENT,
                "32 01 0000 0100 000e 0006 05 01 120a10 02 0002 0001 84 000008 00 04 0010 0102",
                "request write-variables write type=1 " HEAD "14 data-length=6 items=1; area=132 "
                "data-block=1 byte=1 bit=0 element=2 length=2 return-code=0 value=0102\n");
    assert_says(&r, SIDE_SERVER, "32 02 0000 0100 0000 0000 8104",
                "refusal acknowledge acknowledge error=33028 type=2 " HEAD "0 data-length=0\n");
    reading_end(&r);
}

static void
programs_are_started_stopped_and_loaded(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_CLIENT,
                "32 01 0000 0100 0016 0000 28 000000000000fd 0002 4320 09 505f50524f4752414d",
                "request program-invocation start type=1 " HEAD
                "22 data-length=0 argument='C ' service='P_PROGRAM'\n");
    assert_says(&r, SIDE_CLIENT, "32 01 0000 0100 0010 0000 29 0000000000 09 505f50524f4752414d",
                "request stop stop type=1 " HEAD "16 data-length=0 service='P_PROGRAM'\n");
    assert_says(&r, SIDE_CLIENT,
                "32 01 0000 0100 0020 0000 1a 00 0100 00000000 09 5f30413030303031 50 "
                "0d 31303030323136303030303838",
                "request request-download download type=1 " HEAD
                "32 data-length=0 status=0 transfer=0 block='_0A00001P' "
                "block-lengths='1000216000088'\n");
    assert_says(&r, SIDE_CLIENT, "32 01 0000 0100 0008 0000 1e 00 0000 00000007",
                "request upload upload type=1 " HEAD "8 data-length=0 status=0 transfer=7\n");
    reading_end(&r);
}

/* "6ES7 000-1XX00-0XX0 ", as a module; the firmware V3.2.6. */
#define MODULE "0001 36455337203030302d31585830302d3058583020 0000 0004 0001"
#define FIRMWARE "0007 2020202020202020202020202020202020202020 0000 5603 0206"

static void
a_module_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_CLIENT,
                "32 07 0000 0100 0008 0008 000112 04 11 44 01 00 ff 09 0004 0011 0000",
                "request read-system-state-list identify type=7 " HEAD
                "8 data-length=8 group=4 sequence=0 return-code=255 list=17 list-index=0\n");
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 0044 000112 08 12 84 01 01 00 00 0000 ff 09 0040 "
                "0011 0000 001c 0002 " MODULE FIRMWARE,
                "response read-system-state-list identify type=7 " HEAD
                "12 data-length=68 group=4 sequence=1 return-code=255 list=17 list-index=0 "
                "records=2; identity=1 order-number='6ES7 000-1XX00-0XX0' version-word=4 "
                "revision-word=1 hardware-version='4'; identity=7 version-word=22019 "
                "revision-word=518 firmware='V3.2.6'\n");
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 002e 000112 08 12 84 01 01 00 00 0000 ff 09 002a "
                "001c 0005 0022 0001 0005 53204330303100000000000000000000000000000000 0000 "
                "0000000000000000",
                "response read-system-state-list identify type=7 " HEAD
                "12 data-length=46 group=4 sequence=1 return-code=255 list=28 list-index=5 "
                "records=1; component=5 serial-number='S C001'\n");
    reading_end(&r);
}

static void
an_answer_in_several_units_is_put_together(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 0018 000112 08 12 84 01 05 01 01 0000 ff 09 0014 "
                "0011 0000 001c 0001 0001 36455337203030302d31",
                "response read-system-state-list read type=7 " HEAD
                "12 data-length=24 group=4 sequence=5 unit=1 more-follows=1 return-code=255\n");
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 0014 000112 08 12 84 01 05 01 00 0000 ff 09 0010 "
                "585830302d3058583020 0000 0004 0001",
                "response read-system-state-list identify type=7 " HEAD
                "12 data-length=20 group=4 sequence=5 unit=1 return-code=255 list=17 "
                "list-index=0 records=1; identity=1 order-number='6ES7 000-1XX00-0XX0' "
                "version-word=4 revision-word=1 hardware-version='4'\n");
    reading_end(&r);
}

static void
a_clock_is_set_and_a_password_is_not_repeated(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(
        &r, SIDE_CLIENT,
        "32 07 0000 0100 0008 000e 000112 04 11 47 02 00 ff 09 000a 00 20 14 08 20 11 59 33 "
        "04 04",
        "request set-clock clock type=7 " HEAD
        "8 data-length=14 group=7 sequence=0 return-code=255 time=1408535973040000000\n");
    assert_says(&r, SIDE_CLIENT,
                "32 07 0000 0100 0008 000c 000112 04 11 45 01 00 ff 09 0008 3132333435363738",
                "request password access type=7 " HEAD
                "8 data-length=12 group=5 sequence=0 return-code=255\n");
    assert_says(&r, SIDE_SERVER, "32 07 0000 0100 0008 0000 010010 10 00 00 00 00",
                "report mode-stop report type=7 " HEAD "8 data-length=0 group=0 sequence=0\n");
    reading_end(&r);
}

static void
blocks_are_listed_and_described(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 000c 000112 08 12 83 01 01 00 00 0000 ff 09 0008 "
                "3038 0001 3041 0004",
                "response list-blocks browse type=7 " HEAD
                "12 data-length=12 group=3 sequence=1 return-code=255; block-type='08' "
                "block-count=1; block-type='0A' block-count=4\n");
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 000c 000112 08 12 83 02 01 00 00 0000 ff 09 0008 "
                "0001 2205 0007 2205",
                "response list-blocks-of-type browse type=7 " HEAD
                "12 data-length=12 group=3 sequence=1 return-code=255; block-number=1; "
                "block-number=7\n");
    assert_says(&r, SIDE_SERVER,
                "32 07 0000 0100 000c 0052 000112 08 12 83 03 01 00 00 0000 ff 09 004e "
                "0100 004a 4230 7070 01 09 01 0a 0007 0000005a 00000000 000003e8 0001 000003e8 "
                "0001 000c 0004 0000 0002 4d45 000000000000 464d 000000000000 4e4d 000000000000 "
                "10 00 abcd 00000000 00000000",
                "response block-information browse type=7 " HEAD
                "12 data-length=82 group=3 sequence=1 return-code=255 block-number=7 "
                "load-size=90 code-time=441849601000000000 author='ME' family='FM' "
                "block-name='NM' block-version=16 checksum=43981\n");
    reading_end(&r);
}

static void
newer_controllers_are_recognised(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &s7comm);
    assert_says(&r, SIDE_SERVER,
                "72 01 002c 32 0000 04ca 0000 0001 36 00 15 1a 313b36455337203030302d31585830302d"
                "30585830203b56342e32 00 00 72 01 0000",
                "response plus-create-object identify plus-version=1 plus-opcode=50 "
                "plus-sequence=1 plus-identity='6ES7 000-1XX00-0XX0 ;V4.2'\n");
    assert_says(&r, SIDE_CLIENT, "72 03 000d 02 abcd 31 0000 04f2 0000 831a 34 72 03 0000",
                "request plus-set-variable write plus-version=3 plus-opcode=49 "
                "plus-sequence=33562\n");
    reading_end(&r);
}

static void
segments_are_put_together(void **state UNUSED)
{
    uint8_t octets[64];
    struct reading r;
    reading_begin(&r, &s7comm);
    reading_octets(&r, SIDE_CLIENT, octets, wrap("32 01 0000 0100", 0, octets, sizeof octets));
    assert_string_equal(buf_cstr(&r.text), "link data-segment link segment=6\n");
    reading_octets(&r, SIDE_SERVER, octets, wrap("", 0, octets, sizeof octets)); /* the other way */
    assert_string_equal(buf_cstr(&r.text), "link data-segment link segment=0\n");
    assert_says(&r, SIDE_CLIENT, "0008 0000 f0 00 0001 0002 01e0",
                "request setup-communication link type=1 " HEAD
                "8 data-length=0 jobs-calling=1 jobs-called=2 pdu-size=480\n");
    reading_end(&r);
}

static void
user_data_without_end_is_given_up(void **state UNUSED)
{
    static uint8_t octets[2048] = {3, 0, 8, 0, 2, 0xf0, 0};
    struct reading r;
    reading_begin(&r, &s7comm);
    for (unsigned i = 0; i < 6; i++)
        reading_octets(&r, SIDE_CLIENT, octets, sizeof octets);
    octets[6] = 0x80;
    reading_octets(&r, SIDE_CLIENT, octets, sizeof octets);
    assert_string_equal(buf_cstr(&r.text), "link data-segment link segment=2041\n");
    assert_says(&r, SIDE_CLIENT, "32 01 0000 0100 0008 0000 f0 00 0001 0002 01e0",
                "request setup-communication link type=1 " HEAD
                "8 data-length=0 jobs-calling=1 jobs-called=2 pdu-size=480\n");
    reading_end(&r);
}

static int
looks_of(const char *hex)
{
    uint8_t octets[256];
    size_t n = octets_of(hex, octets, sizeof octets);
    return s7comm.looks(octets, n);
}

static void
it_is_told_from_what_shares_its_port(void **state UNUSED)
{
    assert_int_equal(looks_of("0300 0019 02f080 32 01 0000 0100 0008 0000 f0 00 0001 0002 01e0"),
                     LOOKS_SURE);
    assert_int_equal(looks_of("0300 000e 02f080 72 03 0000 ff 00 00"), LOOKS_LIKE);
    assert_int_equal(looks_of("0300 000d 02f080 01000100 6100"), LOOKS_NOT);
    assert_int_equal(looks_of("0300 0007 02f000"), LOOKS_NOT);
    assert_in_range(looks_of(REQUEST_CONNECTION), LOOKS_SHARED + 1, LOOKS_FAINT - 1);
    /* A remote desktop's (RDP's negotiation behind it). */
    assert_int_equal(looks_of("0300 0013 0e e0 0000 0000 00 0100 0800 0300 0000"), LOOKS_NOT);
    assert_int_equal(looks_of("0300 0016 11 e0 0000 0001 00 c0010a c1020001 c2020001"),
                     LOOKS_SHARED);
}

static void
what_cannot_be_is_malformed_where_it_is(void **state UNUSED)
{
    static const struct {
        const char *hex;
        size_t offset;
    } wrong[] = {
        {"0300 0019 02f080 33 01 0000 0100 0008 0000 f0 00 0001 0002 01e0", 7},
        {"0300 0019 02f080 32 09 0000 0100 0008 0000 f0 00 0001 0002 01e0", 17},
        {"0300 0019 02f080 32 01 0000 0100 0009 0000 f0 00 0001 0002 01e0", 17},
        {"0300 0019 02b080 32 01 0000 0100 0008 0000 f0 00 0001 0002 01e0", 6},
    };
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        uint8_t octets[64];
        struct reading r;
        reading_begin(&r, &s7comm);
        reading_octets(&r, SIDE_CLIENT, octets, octets_of(wrong[i].hex, octets, sizeof octets));
        assert_int_not_equal(r.err, ERR_OK);
        assert_int_equal(r.offset, wrong[i].offset);
        reading_end(&r);
    }
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    static const char *const messages[] = {
        "32 01 0000 0100 001a 0000 04 02 120a10 02 0004 0005 84 000051 120a10 1d 0001 0000 1d "
        "000007",
        "32 01 0000 0100 000e 0005 05 01 120a10 01 0001 0000 82 00000a 00 03 0001 01",
        "32 07 0000 0100 000c 0044 000112 08 12 84 01 01 00 00 0000 ff 09 0040 0011 0000 001c "
        "0002 " MODULE FIRMWARE,
        "72 03 000d 02 abcd 31 0000 04f2 0000 831a 34 72 03 0000",
        "32 07 0000 0100 000c 000c 000112 08 12 83 01 01 00 00 0000 ff 09 0008 3038 0001 3041 0004",
    };
    assert_survives_truncation(&s7comm, SIDE_CLIENT, REQUEST_CONNECTION);
    for (size_t i = 0; i < ARRAY_SIZE(messages);
         i++) { /* the TPKT is whole, and what is in it not */
        uint8_t octets[256];
        size_t n = wrap(messages[i], 0x80, octets, sizeof octets);
        for (size_t size = 7; size < n; size++) {
            struct reading r;
            octets[3] = (uint8_t)size;
            reading_begin(&r, &s7comm);
            reading_octets(&r, SIDE_CLIENT, octets, size);
            assert_true(r.err || i == 3); /* a trailer may be missing */
            assert_true(r.offset <= size);
            reading_end(&r);
        }
    }
}

TEST_MAIN(cmocka_unit_test(a_connection_says_who_and_whereto),
          cmocka_unit_test(variables_are_read_and_their_answer_has_addresses),
          cmocka_unit_test(variables_are_written),
          cmocka_unit_test(programs_are_started_stopped_and_loaded),
          cmocka_unit_test(a_module_says_who_it_is),
          cmocka_unit_test(an_answer_in_several_units_is_put_together),
          cmocka_unit_test(a_clock_is_set_and_a_password_is_not_repeated),
          cmocka_unit_test(blocks_are_listed_and_described),
          cmocka_unit_test(newer_controllers_are_recognised),
          cmocka_unit_test(segments_are_put_together),
          cmocka_unit_test(user_data_without_end_is_given_up),
          cmocka_unit_test(it_is_told_from_what_shares_its_port),
          cmocka_unit_test(what_cannot_be_is_malformed_where_it_is),
          cmocka_unit_test(survives_truncation_at_every_octet))
