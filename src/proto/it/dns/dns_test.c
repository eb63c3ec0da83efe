/* Messages after RFC 1035 sections 4.1 and 4.1.4, RFC 6762 section 18, RFC 6891 section 6.1. */
#include "dissect/testing.h"
#include "proto/it/dns/dns_private.h"

#include <stdio.h>

#define EXAMPLE "07 6578616d706c65 03 636f6d 00" /* example.com, 13 octets */

static void
a_question_and_its_answer(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dns);
    assert_reads(&r, SIDE_CLIENT, "1234 0100 0001 0000 0000 0000" EXAMPLE "0001 0001",
                 "request query other id=4660 authoritative=0 truncated=0 recursion-desired=1 "
                 "recursion-available=0 questions=1 answers=0 authorities=0 additionals=0; "
                 "section=0 name='example.com' type=1 class=1\n");
    assert_reads(&r, SIDE_SERVER,
                 "1234 8580 0001 0002 0000 0000" EXAMPLE "0001 0001"
                 "c00c 0005 0001 0000003c 0006 03 777777 c00c"
                 "c029 0001 0001 0000003c 0004 c0000201",
                 "response query other id=4660 authoritative=1 truncated=0 recursion-desired=1 "
                 "recursion-available=1 questions=1 answers=2 authorities=0 additionals=0; "
                 "section=0 name='example.com' type=1 class=1; section=1 name='example.com' type=5 "
                 "class=1 ttl=60 data-size=6 target='www.example.com'; section=1 "
                 "name='www.example.com' type=1 class=1 ttl=60 data-size=4 address=3221225985\n");
    reading_end(&r);
}

static void
a_refusal_says_why(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dns);
    assert_reads(&r, SIDE_SERVER, "1234 8183 0001 0000 0000 0000" EXAMPLE "0001 0001",
                 "refusal query other error=3 id=4660 authoritative=0 truncated=0 "
                 "recursion-desired=1 recursion-available=1 questions=1 answers=0 authorities=0 "
                 "additionals=0; section=0 name='example.com' type=1 class=1\n");
    /* The upper bits of BADVERS are in OPT. */
    assert_reads(&r, SIDE_SERVER,
                 "1234 8000 0000 0000 0000 0001 00 0029 04d0 01000000 0004 000a 0000",
                 "refusal query other error=16 id=4660 authoritative=0 truncated=0 "
                 "recursion-desired=0 recursion-available=0 questions=0 answers=0 authorities=0 "
                 "additionals=1; section=3 name='.' type=41 udp-size=1232 data-size=4 option=10\n");
    reading_end(&r);
}

static void
records_of_the_common_types(void **state UNUSED)
{
    static const struct {
        const char *hex, *text;
    } records[] = {
        {"0002 0001 00000001 0004 01 61 c00c",
         "type=2 class=1 ttl=1 data-size=4 target='a.example.com'"},
        {"000c 8001 00000001 0002 c00c",
         "type=12 class=1 unicast-or-flush=1 ttl=1 data-size=2 target='example.com'"},
        {"000f 0001 00000001 0004 000a c00c",
         "type=15 class=1 ttl=1 data-size=4 preference=10 target='example.com'"},
        {"0010 0001 00000001 0005 01 61 02 6263",
         "type=16 class=1 ttl=1 data-size=5 text='a' text='bc'"},
        {"0006 0001 00000001 001d c00c 0468 6f73 74 c00c 00000007 00000000 00000000 00000000 "
         "00000000",
         "type=6 class=1 ttl=1 data-size=29 target='example.com' responsible='host.example.com' "
         "serial=7"},
        {"001c 0001 00000001 0010 20010db8000000000000000000000001",
         "type=28 class=1 ttl=1 data-size=16 address6=20010db8000000000000000000000001"},
        {"0021 0001 00000001 0008 0001 0002 1f90 c00c",
         "type=33 class=1 ttl=1 data-size=8 preference=1 weight=2 port=8080 target='example.com'"},
        {"000d 0001 00000001 0006 02 7063 02 7174",
         "type=13 class=1 ttl=1 data-size=6 text='pc' text='qt'"},
        {"0041 0001 00000001 0003 0001 00",
         "type=65 class=1 ttl=1 data-size=3 preference=1 target='.'"},
        {"0101 0001 00000001 000a 00 05 6973737565 6361 2e",
         "type=257 class=1 ttl=1 data-size=10 text='issue' text='ca.'"},
        {"0023 0001 00000001 000b 0001 0002 01 73 00 00 c00c 00",
         NULL}, /* an octet behind the name */
        {"0023 0001 00000001 000a 0001 0002 01 73 00 00 c00c",
         "type=35 class=1 ttl=1 data-size=10 preference=1 weight=2 text='s' text='' text='' "
         "target='example.com'"},
        {"ff00 0001 00000001 0002 abcd", "type=65280 class=1 ttl=1 data-size=2 data=abcd"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(records); i++) {
        char hex[512];
        uint8_t octets[256];
        struct reading r;
        snprintf(hex, sizeof hex, "0000 8000 0001 0001 0000 0000 %s 0001 0001 c00c %s", EXAMPLE,
                 records[i].hex);
        reading_begin(&r, &dns);
        reading_octets(&r, SIDE_SERVER, octets, octets_of(hex, octets, sizeof octets));
        assert_int_equal(r.err, records[i].text ? ERR_OK : ERR_MALFORMED);
        if (records[i].text) {
            const char *at = strstr(buf_cstr(&r.text), "section=1 name='example.com' ");
            assert_non_null(at);
            assert_memory_equal(at + 29, records[i].text, strlen(records[i].text));
            assert_int_equal(at[29 + strlen(records[i].text)], '\n');
        }
        reading_end(&r);
    }
}

static void
who_is_not_asked_reports(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dns);
    assert_reads(&r, SIDE_UNKNOWN,
                 "0000 8400 0000 0001 0000 0000" EXAMPLE "000c 8001 00000078 0002 c00c",
                 "report query other id=0 authoritative=1 truncated=0 recursion-desired=0 "
                 "recursion-available=0 questions=0 answers=1 authorities=0 additionals=0; "
                 "section=1 name='example.com' type=12 class=1 unicast-or-flush=1 ttl=120 "
                 "data-size=2 target='example.com'\n");
    assert_reads(&r, SIDE_CLIENT,
                 "0001 2800 0001 0000 0001 0000" EXAMPLE "0006 0001"
                 "c00c 0001 00ff 00000000 0000",
                 "request update other id=1 authoritative=0 truncated=0 recursion-desired=0 "
                 "recursion-available=0 questions=1 answers=0 authorities=1 additionals=0; "
                 "section=0 name='example.com' type=6 class=1; section=2 name='example.com' type=1 "
                 "class=255 ttl=0 data-size=0\n");
    reading_end(&r);
}

static void
labels_of_any_octets_are_escaped(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dns);
    assert_reads(&r, SIDE_CLIENT, "0001 0000 0001 0000 0000 0000 04 612e5c20 01 ff 00 0001 0001",
                 "request query other id=1 authoritative=0 truncated=0 recursion-desired=0 "
                 "recursion-available=0 questions=1 answers=0 authorities=0 additionals=0; "
                 "section=0 name='a\\.\\\\\\032.\\255' type=1 class=1\n");
    reading_end(&r);
}

static void
over_tcp_a_length_goes_before(void **state UNUSED)
{
    static const char hex[] = "001d 1234 0100 0001 0000 0000 0000" EXAMPLE "0001 0001";
    uint8_t octets[64];
    size_t n = octets_of(hex, octets, sizeof octets), message;
    struct reading r;
    reading_begin(&r, &dns);
    r.d.carrier = CARRIER_TCP;
    reading_octets(&r, SIDE_CLIENT, octets, n);
    assert_ok(r.err);
    assert_non_null(strstr(buf_cstr(&r.text), "name='example.com' type=1"));
    reading_end(&r);
    assert_int_equal(dns.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, 31);
    assert_int_equal(dns.frame(octets, 1, &message), FRAME_MORE);
    assert_int_equal(dns.frame(octets, 30, &message), FRAME_MORE);
    assert_int_equal(message, 31);
    assert_int_equal(dns.looks(octets, n), LOOKS_LIKE);
    assert_int_equal(dns.looks(octets + 2, n - 2), LOOKS_LIKE);
    octets[1] = 11;
    assert_int_equal(dns.frame(octets, n, &message), FRAME_NOT);
}

/* Pointers that lead to themselves, forward, in a circle, or into the header. */
static void
compression_ends(void **state UNUSED)
{
    static const char *const bad[] = {
        "0001 0000 0001 0000 0000 0000 c00c 0001 0001",
        "0001 0000 0001 0000 0000 0000 c00e 0001 0001 00",
        "0001 0000 0001 0000 0000 0000 01 61 c00c 0001 0001",
        "0001 0000 0001 0000 0000 0000 c004 0001 0001",
        "0001 0000 0001 0000 0000 0000 40 61 00 0001 0001",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        uint8_t octets[64];
        struct reading r;
        reading_begin(&r, &dns);
        reading_octets(&r, SIDE_CLIENT, octets, octets_of(bad[i], octets, sizeof octets));
        assert_err(r.err, ERR_MALFORMED);
        assert_int_equal(r.offset, 12);
        reading_end(&r);
    }
    assert_survives_truncation(&dns, SIDE_SERVER,
                               "1234 8580 0001 0002 0000 0000" EXAMPLE "0001 0001"
                               "c00c 0005 0001 0000003c 0006 03 777777 c00c"
                               "c029 0001 0001 0000003c 0004 c0000201");
}

/* Names that point to long names again and again: what has no room is counted. */
static void
names_written_out_have_an_end(void **state UNUSED)
{
    uint8_t octets[12 + 250 + 5 + 1000 * 12] = {0, 1, 0x80, 0, 0, 1, 1000 >> 8, 1000 & 255};
    uint8_t *at = octets + 12;
    for (unsigned i = 0; i < 4; i++) {
        *at = 61;
        memset(at + 1, 1, 61); /* \001 */
        at += 62;
    }
    at += 1;
    memcpy(at, (uint8_t[]){0, 1, 0, 1}, 4);
    at += 4;
    for (unsigned i = 0; i < 1000; i++, at += 12)
        memcpy(at, (uint8_t[]){0xc0, 12, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0}, 12);
    struct reading r;
    reading_begin(&r, &dns);
    reading_octets(&r, SIDE_SERVER, octets, (size_t)(at - octets));
    assert_ok(r.err);
    assert_int_equal(r.pdu.n_objects, 1001);
    assert_true(r.pdu.n_left > 900);
    reading_end(&r);
}

static void
what_only_resembles_it_is_not_it(void **state UNUSED)
{
    static const char *const others[] = {
        /* a NetBIOS name, and its answer */
        "1234 0110 0001 0000 0000 0000 20 "
        "434b414141414141414141414141414141414141414141414141414141414141 00 0021 0001",
        "0300 0016 11e0 0000 0001 00c1 0201 00c2 0201 02",   /* TPKT */
        "0001 0000 0006 1103 006b 0003",                     /* Modbus */
        "1234 0140 0001 0000 0000 0000" EXAMPLE "0001 0001", /* Z is not 0 */
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        uint8_t octets[64];
        assert_true(dns.looks(octets, octets_of(others[i], octets, sizeof octets)) <= LOOKS_FAINT);
    }
}

TEST_MAIN(cmocka_unit_test(a_question_and_its_answer), cmocka_unit_test(a_refusal_says_why),
          cmocka_unit_test(records_of_the_common_types), cmocka_unit_test(who_is_not_asked_reports),
          cmocka_unit_test(labels_of_any_octets_are_escaped),
          cmocka_unit_test(over_tcp_a_length_goes_before), cmocka_unit_test(compression_ends),
          cmocka_unit_test(names_written_out_have_an_end),
          cmocka_unit_test(what_only_resembles_it_is_not_it))
