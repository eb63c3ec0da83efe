/* Messages by RFC 1157, RFC 3416 and RFC 3414. */
#include "proto/it/snmp/snmp.h"

#include "dissect/testing.h"

#define PUBLIC "04 06 7075626c6963 "
#define NO_ERROR "02 01 07 02 01 00 02 01 00 "
#define DESCR "06 08 2b06010201010100 "

static void
asking_and_answering_name_variables_and_values(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &snmp_protocol);
    assert_reads(&r, SIDE_CLIENT,
                 "30 26 02 01 01 " PUBLIC "a0 19 " NO_ERROR "30 0e 30 0c " DESCR "05 00",
                 "request get identify version=1 community='public' request-id=7; "
                 "oid='1.3.6.1.2.1.1.1.0' variable=1 type=5\n");
    assert_reads(&r, SIDE_SERVER,
                 "304502010104067075626c6963a238020107020100020100302d300e06082b06"
                 "01020101010004025254301b06082b06010201010200060f2b0601040181f84f"
                 "81008fffffff7f",
                 "response response report version=1 community='public' request-id=7; "
                 "oid='1.3.6.1.2.1.1.1.0' variable=1 type=4 text='RT'; oid='1.3.6.1.2.1.1.2.0' "
                 "variable=2 type=6 object-id='1.3.6.1.4.1.31823.128.4294967295' "
                 "enterprise=31823 vendor=31823\n");
    assert_reads(
        &r, SIDE_SERVER,
        "305802010104067075626c6963a24b0201070201000201003040300a06022b06"
        "4104ffffffff300b06022b0646050100000000300a06022b0640040a00000130"
        "0706022b060201ff300806022b06040200ff3006060288378100",
        "response response report version=1 community='public' request-id=7; oid='1.3.6' "
        "type=65 uint=4294967295; oid='1.3.6' type=70 uint=4294967296; oid='1.3.6' type=64 "
        "ip=167772161; oid='1.3.6' type=2 int=-1; oid='1.3.6' type=4 octets=00ff; "
        "oid='2.999' type=129\n");
    reading_end(&r);
}

static void
acts_are_what_is_done(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &snmp_protocol);
    assert_reads(&r, SIDE_CLIENT,
                 "30 21 02 01 00 " PUBLIC "a3 14 " NO_ERROR "30 09 30 07 06 02 2b06 02 01 05",
                 "request set write version=0 community='public' request-id=7; oid='1.3.6' type=2 "
                 "int=5\n");
    assert_reads(&r, SIDE_CLIENT,
                 "30 20 02 01 01 " PUBLIC "a5 13 02 01 07 02 01 01 02 01 14 30 08 30 06 06 02 2b06 "
                 "05 00",
                 "request get-bulk read version=1 community='public' request-id=7 non-repeaters=1 "
                 "max-repetitions=20; oid='1.3.6' type=5\n");
    assert_reads(&r, SIDE_SERVER,
                 "30 20 02 01 00 " PUBLIC "a2 13 02 01 07 02 01 02 02 01 01 30 08 30 06 06 02 2b06 "
                 "05 00",
                 "refusal response report error=2 version=0 community='public' request-id=7 "
                 "error-index=1; oid='1.3.6' type=5\n");
    assert_string_equal(protocol_error(&snmp_protocol, 2), "no-such-name");
    reading_end(&r);
}

static void
entities_are_the_device_or_its_parts(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &snmp_protocol);
    assert_reads(&r, SIDE_SERVER,
                 "30 41 02 01 01 " PUBLIC "a2 34 " NO_ERROR "30 29 "
                 "30 11 06 0c 2b0601 02012f0101 01 01 0b01 04 01 41 "
                 "30 14 06 0f 2b0601 02012f0101 01 01 0b 01 02 04 05 04 01 42",
                 "response response report version=1 community='public' request-id=7; "
                 "oid='1.3.6.1.2.1.47.1.1.1.1.11.1' variable=21 type=4 text='A'; "
                 "oid='1.3.6.1.2.1.47.1.1.1.1.11.1.2.4.5' variable=21 type=4 text='B'\n");
    assert_reads(&r, SIDE_SERVER,
                 "30 2b 02 01 01 " PUBLIC "a2 1e " NO_ERROR "30 13 "
                 "30 11 06 0c 2b0601 02012f0101 01 01 0b02 04 01 41",
                 "response response report version=1 community='public' request-id=7; "
                 "oid='1.3.6.1.2.1.47.1.1.1.1.11.2' variable=41 type=4 text='A'\n");
    reading_end(&r);
}

static void
a_trap_of_version_1_is_a_report(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &snmp_protocol);
    assert_reads(&r, SIDE_SERVER,
                 "302702010004067075626c6963a41a06072b06010401f84740040a0000050201"
                 "030201004301643000",
                 "report trap report version=0 community='public' "
                 "trap-enterprise='1.3.6.1.4.1.15431' trap-agent=167772165 trap-generic=3 "
                 "trap-specific=0 trap-time=100\n");
    reading_end(&r);
}

static void
version_3_says_whose_agent_and_which_user(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &snmp_protocol);
    assert_reads(&r, SIDE_SERVER,
                 "3055020103300e020109020300ffe3040104020103041f301d040b8000220f03"
                 "0030a700000102010202020100040362756204000400301f040b8000220f0300"
                 "30a70000010403637478a80b0201070201000201003000",
                 "response report link version=3 message-id=9 message-max=65507 authenticated=0 "
                 "private=0 reportable=1 security-model=3 engine=8000220f030030a7000001 "
                 "engine-enterprise=8719 engine-mac=0030a7000001 engine-boots=2 engine-time=256 "
                 "user='bub' context-engine=8000220f030030a7000001 context='ctx' request-id=7\n");
    assert_reads(&r, SIDE_CLIENT,
                 "3038020103300e020109020300ffe3040104020103041f301d040b8000220f03"
                 "0030a7000001020102020201000403627562040004000402abcd",
                 "request encrypted other version=3 message-id=9 message-max=65507 "
                 "authenticated=0 private=0 reportable=1 security-model=3 "
                 "engine=8000220f030030a7000001 engine-enterprise=8719 engine-mac=0030a7000001 "
                 "engine-boots=2 engine-time=256 user='bub'\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "30 20 02 01 02 " PUBLIC "a0 13 " NO_ERROR "30 08 30 06 06 02 2b06 05 00", /* version */
        "30 23 02 01 00 " PUBLIC "a0 16 " NO_ERROR "30 0b 30 09 06 05 9fffffff7f 05 00",
        "30 20 02 01 00 " PUBLIC "a9 13 " NO_ERROR "30 08 30 06 06 02 2b06 05 00", /* no PDU */
        "30 20 02 01 00 " PUBLIC "a0 13 " NO_ERROR "30 08 30 06 06 02 2b06 05 00 00",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &snmp_protocol);
        reading_octets(&r, SIDE_CLIENT, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&snmp_protocol, SIDE_CLIENT,
                               "30 26 02 01 01 " PUBLIC "a0 19 " NO_ERROR "30 0e 30 0c " DESCR
                               "05 00");
    assert_survives_truncation(&snmp_protocol, SIDE_CLIENT,
                               "3038020103300e020109020300ffe3040104020103041f301d040b8000220f03"
                               "0030a7000001020102020201000403627562040004000402abcd");
}

static int
looks(const char *hex)
{
    uint8_t octets[64];
    size_t n = octets_of(hex, octets, sizeof octets);
    return snmp_protocol.looks(octets, n);
}

static void
it_looks_like_itself(void **state UNUSED)
{
    assert_int_equal(
        looks("30 20 02 01 01 " PUBLIC "a0 13 " NO_ERROR "30 08 30 06 06 02 2b06 05 00"),
        LOOKS_SURE);
    assert_int_equal(looks("30 20 02 01 01 " PUBLIC "a0 13"), LOOKS_NOT);
    assert_int_equal(looks("30 0c 02 01 07 61 07 0a 01 00 04 00 04 00"), LOOKS_NOT); /* LDAP */
    assert_int_equal(looks("30 0d 02 01 01 60 08 02 01 03 04 00 80 01 00"), LOOKS_FAINT);
}

TEST_MAIN(cmocka_unit_test(asking_and_answering_name_variables_and_values),
          cmocka_unit_test(acts_are_what_is_done),
          cmocka_unit_test(entities_are_the_device_or_its_parts),
          cmocka_unit_test(a_trap_of_version_1_is_a_report),
          cmocka_unit_test(version_3_says_whose_agent_and_which_user),
          cmocka_unit_test(what_cannot_be_is_an_error), cmocka_unit_test(it_looks_like_itself))
