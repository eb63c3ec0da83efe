/* Messages as The CIP Networks Library lays them out (volume 2, chapter 2; volume 1, chapters 2, 3
 * and 5, appendices A and C). */
#include "dissect/testing.h"
#include "proto/ot/enip/enip.h"

#include <stdio.h>

#define CONTEXT "0102030405060708"
#define SAID                                                                                       \
    "encapsulation=111 session=7 encapsulation-status=0 context=" CONTEXT " item=0 item=178 "
#define UNIT "encapsulation=112 session=7 encapsulation-status=0 item=161 item=177 "

/* A packet with the CIP message in it, unconnected or of connection 9 with that sequence count. */
static size_t
packet(uint8_t *to, int sequence, const char *cip)
{
    uint8_t message[1024], items[16];
    size_t n = octets_of(cip, message, sizeof message), n_items;
    if (sequence < 0)
        n_items = octets_of("0200 0000 0000 b200", items, sizeof items);
    else
        n_items = octets_of("0200 a100 0400 09000000 b100", items, sizeof items);
    size_t data = n + (sequence < 0 ? 0 : 2), length = 6 + n_items + 2 + data;
    memset(to, 0, 30);
    to[0] = sequence < 0 ? 0x6f : 0x70;
    to[2] = (uint8_t)length;
    to[3] = (uint8_t)(length >> 8);
    to[4] = 7;
    if (sequence < 0)
        octets_of(CONTEXT, to + 12, 8);
    memcpy(to + 30, items, n_items);
    to += 30 + n_items;
    *to++ = (uint8_t)data;
    *to++ = (uint8_t)(data >> 8);
    if (sequence >= 0) {
        *to++ = (uint8_t)sequence;
        *to++ = (uint8_t)(sequence >> 8);
    }
    memcpy(to, message, n);
    return 24 + length;
}

static void
assert_cip(struct reading *r, enum side side, int sequence, const char *cip, const char *expected)
{
    uint8_t octets[1200];
    reading_octets(r, side, octets, packet(octets, sequence, cip));
    assert_ok(r->err);
    assert_string_equal(buf_cstr(&r->text), expected);
}

static void
a_device_lists_its_identity(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_reads(&r, SIDE_CLIENT, "6300 0000 00000000 00000000 0000000000000000 00000000",
                 "request list-identity identify encapsulation=99 session=0 "
                 "encapsulation-status=0\n");
    assert_reads(&r, SIDE_SERVER,
                 "6300 3000 00000000 00000000 0000000000000000 00000000 0100 0c00 2a00 0100 "
                 "0002 af12 c0a80102 0000000000000000 0100 0e00 3600 1014 6030 3f825100 "
                 "08 313735362d4c3631 03",
                 "response list-identity identify encapsulation=99 session=0 "
                 "encapsulation-status=0; item=12 protocol-version=1 address=3232235778 "
                 "port=44818 vendor=1 device-type=14 product-code=54 major-revision=16 "
                 "minor-revision=20 device-status=12384 serial=5341759 product-name='1756-L61' "
                 "state=3\n");
    reading_end(&r);
}

static void
sessions_and_services_are_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_reads(&r, SIDE_UNKNOWN,
                 "6500 0400 00000000 00000000 0000000000000000 00000000 0100 0000",
                 "request register-session link encapsulation=101 session=0 "
                 "encapsulation-status=0 protocol-version=1\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 "6500 0400 07000000 00000000 0000000000000000 00000000 0100 0000",
                 "response register-session link encapsulation=101 session=7 "
                 "encapsulation-status=0 protocol-version=1\n");
    assert_reads(&r, SIDE_SERVER, "6f00 0000 07000000 64000000 0000000000000000 00000000",
                 "refusal send-rr-data other error=65636 encapsulation=111 session=7 "
                 "encapsulation-status=100\n");
    assert_string_equal(protocol_error(&enip, ENIP_STATUS | 100), "invalid-session");
    assert_reads(&r, SIDE_SERVER,
                 "0400 1a00 00000000 00000000 0000000000000000 00000000 0100 0001 1400 0100 2001 "
                 "436f6d6d756e69636174696f6e730000",
                 "response list-services identify encapsulation=4 session=0 "
                 "encapsulation-status=0; item=256 protocol-version=1 capabilities=288 "
                 "service-name='Communications'\n");
    reading_end(&r);
}

/* What the response does not say was said by the request: class, and the slot it went to. */
static void
a_module_behind_a_card_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_cip(&r, SIDE_CLIENT, -1, "52 02 2006 2401 07f9 0600 01 02 2001 2401 01 00 0103",
               "request unconnected-send other " SAID "depth=0 service=82 class=6 instance=1 "
               "route-port=1 route-link=3\n"
               "request get-attributes-all identify " SAID "depth=1 service=1 route-port=1 "
               "route-link=3 class=1 instance=1\n");
    assert_cip(&r, SIDE_SERVER, -1,
               "81 00 00 00 0100 0e00 3600 1014 6030 3f825100 08 313735362d4c3631",
               "response get-attributes-all identify " SAID "depth=0 service=1 route-port=1 "
               "route-link=3 class=1 instance=1 vendor=1 device-type=14 product-code=54 "
               "major-revision=16 minor-revision=20 device-status=12384 serial=5341759 "
               "product-name='1756-L61'\n");
    assert_cip(&r, SIDE_CLIENT, 5, "0e 03 2001 2401 3007",
               "request get-attribute-single identify " UNIT "connection=9 sequence=5 depth=0 "
               "service=14 class=1 instance=1 attribute=7\n");
    assert_cip(&r, SIDE_SERVER, 5, "8e 00 00 00 03 414243",
               "response get-attribute-single identify " UNIT "connection=9 sequence=5 depth=0 "
               "service=14 class=1 instance=1 attribute=7 product-name='ABC'\n");
    assert_cip(&r, SIDE_CLIENT, 6, "03 02 2001 2401 0200 0100 0600",
               "request get-attribute-list identify " UNIT "connection=9 sequence=6 depth=0 "
               "service=3 class=1 instance=1 listed-attribute=1 listed-attribute=6\n");
    assert_cip(&r, SIDE_SERVER, 6, "83 00 00 00 0200 0100 0000 2f00 0600 0000 78563412",
               "response get-attribute-list identify " UNIT "connection=9 sequence=6 depth=0 "
               "service=3 class=1 instance=1 listed-attribute=1 vendor=47 listed-attribute=6 "
               "serial=305419896\n");
    reading_end(&r);
}

static void
acts_are_those_of_class_and_service(void **state UNUSED)
{
    static const struct {
        const char *cip, *said;
    } acts[] = {
        {"05 02 2001 2401", "request reset-device restart"},
        {"07 02 208e 2401", "request program-mode stop"},
        {"06 02 208e 2401", "request run start"},
        {"08 02 2068 2400", "request create-program download"},
        {"50 04 2068 2401 206a 2402", "request download-routine download"},
        {"4f 02 206a 2402", "request upload-routine upload"},
        {"4b 02 20a1 2401", "request ? firmware"},
        {"04 02 208b 2401 0100 0600 0000000000000000", "request set-clock clock"},
        {"4d 03 9104 54616731 c400 0100 05000000", "request write-tag write"},
        {"4c 02 206b 2501 01000100", "request read-tag read"},
        {"10 03 20f5 2401 3005", "request set-attribute-single configure"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(acts); i++) {
        struct reading r;
        uint8_t octets[200];
        reading_begin(&r, &enip);
        reading_octets(&r, SIDE_CLIENT, octets, packet(octets, 1, acts[i].cip));
        const char *text = buf_cstr(&r.text);
        char said[200];
        snprintf(said, sizeof said, "%.*s", (int)(strstr(text, " encapsulation=") - text), text);
        assert_string_equal(said, acts[i].said);
        reading_end(&r);
    }
}

static void
several_services_are_given_one_by_one(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_cip(&r, SIDE_CLIENT, 2,
               "0a 02 2002 2401 0200 0600 0e00 4c 03 9104 54616731 07 02 208e 2401",
               "request multiple-service-packet other " UNIT "connection=9 sequence=2 depth=0 "
               "service=10 class=2 instance=1 services=2\n"
               "request read-tag read " UNIT "connection=9 sequence=2 depth=1 service=76 "
               "symbol='Tag1'\n"
               "request program-mode stop " UNIT "connection=9 sequence=2 depth=1 service=7 "
               "class=142 instance=1\n");
    assert_cip(&r, SIDE_SERVER, 2, "8a 00 1e 00 0200 0600 0e00 cc 00 00 00 c400 0500 87 00 10 00",
               "response multiple-service-packet other error=30 " UNIT "connection=9 sequence=2 "
               "depth=0 service=10 class=2 instance=1 services=2\n"
               "response read-tag read " UNIT "connection=9 sequence=2 depth=1 service=76 "
               "symbol='Tag1' data=c4000500\n"
               "refusal program-mode stop error=16 " UNIT "connection=9 sequence=2 depth=1 "
               "service=7 class=142 instance=1\n");
    reading_end(&r);
}

static void
connections_are_opened_and_closed(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_cip(&r, SIDE_CLIENT, -1,
               "54 02 2006 2401 07f9 01000000 02000000 0300 0100 04000000 01000000 10270000 f443 "
               "20 4e0000 f443 01 0a 0102 3404 0100 0e00 3600 9014 2004 2401 2c64 2c65",
               "request forward-open link " SAID "depth=0 service=84 class=6 instance=1 "
               "to-target=1 to-originator=2 connection-serial=3 originator-vendor=1 "
               "originator-serial=4 timeout-multiplier=1 to-target-interval=10000 "
               "to-target-parameters=17396 to-originator-interval=20000 "
               "to-originator-parameters=17396 transport=1; path-port=1 path-link=2 key-vendor=1 "
               "key-device-type=14 key-product-code=54 key-major-revision=16 "
               "key-minor-revision=20 class=4 instance=1 connection-point=100 "
               "connection-point=101\n");
    assert_cip(&r, SIDE_SERVER, -1, "d4 00 01 01 1401 0300 0100 04000000 01 00",
               "refusal forward-open link error=1 " SAID "depth=0 service=84 class=6 instance=1 "
               "extended-status=276 data=0300010004000000"
               "0100\n");
    assert_cip(&r, SIDE_CLIENT, -1, "4e 02 2006 2401 07f9 0300 0100 04000000 02 00 2002 2401",
               "request forward-close link " SAID "depth=0 service=78 class=6 instance=1 "
               "connection-serial=3 originator-vendor=1 originator-serial=4; class=2 "
               "instance=1\n");
    assert_cip(&r, SIDE_SERVER, -1, "ce 00 00 00 0300 0100 04000000 00 00",
               "response forward-close link " SAID "depth=0 service=78 class=6 instance=1 "
               "connection-serial=3 originator-vendor=1 originator-serial=4\n");
    reading_end(&r);
}

static void
paths_of_all_kinds_are_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_cip(&r, SIDE_CLIENT, 1, "4c 08 2100 6b00 2500 3412 2803 2c04 8101 aabb",
               "request read-tag read " UNIT "connection=9 sequence=1 depth=0 service=76 "
               "class=107 instance=4660 member=3 connection-point=4 path-data=aabb\n");
    assert_cip(&r, SIDE_CLIENT, 1, "01 06 1209 31302e302e302e3139 00",
               "request get-attributes-all read " UNIT "connection=9 sequence=1 depth=0 "
               "service=1 path-port=2 path-link-address='10.0.0.19'\n");
    assert_cip(&r, SIDE_CLIENT, 1, "01 05 1208 31302e302e302e39",
               "request get-attributes-all read " UNIT "connection=9 sequence=1 depth=0 "
               "service=1 path-port=2 path-link-address='10.0.0.9'\n");
    assert_cip(&r, SIDE_CLIENT, 1, "01 02 63414243 e0ff",
               "request get-attributes-all read " UNIT "connection=9 sequence=1 depth=0 "
               "service=1 symbol='ABC' data=e0ff\n");
    reading_end(&r);
}

static void
pccc_is_read_within_cip(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_cip(&r, SIDE_CLIENT, -1,
               "4b 02 2067 2401 07 4d00 04030201 0f 00 3412 aa 02 07 89 00 00 "
               "2a00",
               "request execute-pccc write " SAID "depth=0 service=75 class=103 instance=1 "
               "originator-vendor=77 originator-serial=16909060 pccc-command=15 pccc-status=0 "
               "pccc-transaction=4660 pccc-function=4010 data=0207890000"
               "2a00\n");
    assert_cip(&r, SIDE_SERVER, -1, "cb 00 00 00 07 4d00 04030201 4f 00 3412",
               "response execute-pccc other " SAID "depth=0 service=75 class=103 instance=1 "
               "originator-vendor=77 originator-serial=16909060 pccc-command=15 pccc-status=0 "
               "pccc-transaction=4660\n");
    assert_cip(&r, SIDE_CLIENT, -1, "4b 02 2067 2401 07 4d00 04030201 0f 00 3412 80 01",
               "request execute-pccc stop " SAID "depth=0 service=75 class=103 instance=1 "
               "originator-vendor=77 originator-serial=16909060 pccc-command=15 pccc-status=0 "
               "pccc-transaction=4660 pccc-function=3968 data=01\n");
    reading_end(&r);
}

static void
implicit_data_is_a_report(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    assert_reads(&r, SIDE_UNKNOWN, "0200 0280 0800 44332211 05000000 b100 0400 01020304",
                 "report io report item=32770 item=177 connection=287454020 sequence=5 "
                 "data=01020304\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "0a 02 2002 2401 0200 0e00 0600 01 02 2001 2401 00 01 02 2001 2401", /* they go back */
        "0a 02 2002 2401 0200 0600 ff00 01 02 2001 2401",                    /* beyond its end */
        "0a 02 2002 2401 ffff 0600",                                         /* nor so many */
        "52 02 2006 2401 07f9 ff00 01 02 2001 2401 01 00 0103",
        "54 02 2006 2401 07f9 01000000",
        "0e ff 2001",
        "4b 02 2067 2401 03 4d00 04030201 0f 00 3412 aa",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[300];
        reading_begin(&r, &enip);
        reading_octets(&r, SIDE_CLIENT, octets, packet(octets, 1, bad[i]));
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(
        &enip, SIDE_SERVER,
        "6300 3000 00000000 00000000 0000000000000000 00000000 0100 0c00 2a00 0100 0002 af12 "
        "c0a80102 0000000000000000 0100 0e00 3600 1014 6030 3f825100 08 313735362d4c3631 03");
}

/* A message in a message in a message: deeper is told as data. */
static void
depth_has_a_limit(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &enip);
    uint8_t octets[300];
    reading_octets(&r, SIDE_CLIENT, octets,
                   packet(octets, 1,
                          "0a 02 2002 2401 0100 0400 0a 02 2002 2401 0100 0400 0a 02 2002 2401 "
                          "0100 0400 0a 02 2002 2401 0100 0400 0a 02 2002 2401 0100 0400 07 00"));
    assert_ok(r.err);
    assert_null(strstr(buf_cstr(&r.text), "depth=4"));
    assert_non_null(strstr(buf_cstr(&r.text), "depth=3 service=10 class=2 instance=1 data=0100"));
    reading_end(&r);
}

static void
zeros_are_not_taken_for_a_message(void **state UNUSED)
{
    static const uint8_t zeros[64];
    assert_int_equal(enip.looks(zeros, 24), LOOKS_NOT);
    assert_int_equal(enip.looks(zeros, sizeof zeros), LOOKS_NOT);
}

static void
messages_are_cut_from_a_stream(void **state UNUSED)
{
    uint8_t octets[64];
    size_t message, n = octets_of("6500 0400 00000000 00000000 0000000000000000 00000000 0100 "
                                  "0000 65",
                                  octets, sizeof octets);
    assert_int_equal(enip.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, 28);
    assert_int_equal(enip.looks(octets, 28), LOOKS_SURE);
    for (size_t size = 0; size < 28; size++)
        assert_int_equal(enip.frame(octets, size, &message), FRAME_MORE);
    octets[20] = 1; /* options */
    assert_int_equal(enip.frame(octets, n, &message), FRAME_NOT);
    octets[20] = 0;
    octets[0] = 0x62; /* no such command */
    assert_int_equal(enip.frame(octets, n, &message), FRAME_NOT);
}

TEST_MAIN(cmocka_unit_test(a_device_lists_its_identity),
          cmocka_unit_test(sessions_and_services_are_read),
          cmocka_unit_test(a_module_behind_a_card_says_who_it_is),
          cmocka_unit_test(acts_are_those_of_class_and_service),
          cmocka_unit_test(several_services_are_given_one_by_one),
          cmocka_unit_test(connections_are_opened_and_closed),
          cmocka_unit_test(paths_of_all_kinds_are_read), cmocka_unit_test(pccc_is_read_within_cip),
          cmocka_unit_test(implicit_data_is_a_report), cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(depth_has_a_limit), cmocka_unit_test(zeros_are_not_taken_for_a_message),
          cmocka_unit_test(messages_are_cut_from_a_stream))
