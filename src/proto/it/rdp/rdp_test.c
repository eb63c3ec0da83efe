/* After [MS-RDPBCGR] section 2.2.1, put together field by field. */
#include "dissect/testing.h"
#include "proto/it/rdp/rdp.h"
#include "proto/ot/iso/iso.h"

#define REQUEST                                                                                    \
    "0300002924e00000000000436f6f6b69653a206d737473686173683d656e670d0a01000800030000"             \
    "00"
#define OLD "0300000b06e00000000000"
#define ROUTED "0300001f1ae00000000000436f6f6b69653a206d7374733d312e322e330d0a"
#define CONFIRM "030000130ed000000000000201080002000000"
#define CONFIRM_RDP "030000130ed000000000000200080000000000"
#define FAILURE "030000130ed000000000000300080005000000"
#define INITIAL                                                                                    \
    "030000ef02f0807f658200e30401010401010101ff300302012230030201223003020122048200c7"             \
    "000500147c000180be000800100001c0004475636180b001c08400040008008004600301ca03aa09"             \
    "040000280a0000500043003700000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "000000000000000000000000000000000000000000000000000000000000000000000002c00c001b"             \
    "0000000000000003c0200002000000726470647200000000000000636c69707264720000000000"
#define RESPONSE                                                                                   \
    "0300004002f0807f66360a010002010030030201220429000500147c000122140000000001c0004d"             \
    "63446e14010c080004000800020c0c000200000002000000"
#define DATA "0300000b02f08064000103"

static void
who_connects_and_how_is_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &rdp);
    assert_reads(&r, SIDE_CLIENT, REQUEST,
                 "request connection-request link user='eng' requested-protocols=3 flags=0\n");
    assert_reads(&r, SIDE_CLIENT, OLD, "request connection-request link\n");
    assert_reads(&r, SIDE_CLIENT, ROUTED,
                 "request connection-request link routing='Cookie: msts=1.2.3'\n");
    assert_reads(&r, SIDE_SERVER, CONFIRM_RDP,
                 "response connection-confirm link selected-protocol=0 flags=0\n");
    assert_false(r.d.leaves);
    assert_reads(&r, SIDE_SERVER, FAILURE, "refusal connection-confirm link error=5\n");
    assert_string_equal(protocol_error(&rdp, 5), "credssp-required");
    assert_false(r.d.leaves);
    assert_reads(&r, SIDE_SERVER, CONFIRM,
                 "response connection-confirm link selected-protocol=2 flags=1\n");
    assert_true(r.d.leaves); /* TLS follows */
    reading_end(&r);
    assert_survives_truncation(&rdp, SIDE_CLIENT, REQUEST);
    assert_survives_truncation(&rdp, SIDE_SERVER, CONFIRM);
}

static void
client_and_server_tell_of_themselves(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &rdp);
    assert_reads(
        &r, SIDE_CLIENT, INITIAL,
        "request mcs-connect-initial link version=524292 build=2600 client-name='PC7' "
        "keyboard=1033 width=1152 height=864 encryption=27 channel='rdpdr' channel='cliprdr'\n");
    assert_true(r.d.body);
    assert_int_equal(rdp.body(&r.d, NULL, 100), 100);
    assert_true(r.d.body);
    assert_reads(
        &r, SIDE_SERVER, RESPONSE,
        "response mcs-connect-response link version=524292 encryption=2 encryption-level=2\n");
    reading_end(&r);
    reading_begin(&r, &rdp);
    assert_reads(&r, SIDE_SERVER, DATA, "");
    assert_true(r.d.body); /* who comes later sees nothing in the open */
    reading_end(&r);
    assert_survives_truncation(&rdp, SIDE_CLIENT, INITIAL);
    assert_survives_truncation(&rdp, SIDE_SERVER, RESPONSE);
}

static void
it_is_told_apart_from_others_that_frame_alike(void **state UNUSED)
{
    static const struct {
        const char *hex;
        int looks;
    } cases[] = {
        {REQUEST, LOOKS_SURE},
        {ROUTED, LOOKS_SURE},
        {CONFIRM, LOOKS_SURE},
        {FAILURE, LOOKS_SURE},
        {INITIAL, LOOKS_LIKE},
        {OLD, LOOKS_FAINT},
        {DATA, LOOKS_NOT},
        {"0300 0016 11 e0 0000 0001 00 c102 0200 c202 0302 c001 0a", LOOKS_NOT}, /* TSAPs */
        {"0300 0013 0e d0 0000 0001 00 02 00 0800 02000001", LOOKS_NOT},         /* no protocol */
        {"0300 0024 02 f080 32 01 0000 0000 0008 0000", LOOKS_NOT},              /* S7comm */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint8_t octets[1024];
        size_t n = octets_of(cases[i].hex, octets, sizeof octets);
        assert_int_equal(rdp.looks(octets, n), cases[i].looks);
    }
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        "0300 0013 0e e0 0000 0000 00 01 00 0900 00000000", /* another length */
        "0300 0013 0e e0 0000 0000 00 436f6f6b6965 3a20",   /* a cookie without end */
        "0300 0010 02 f080 7f65 07 0401 01 0401 01 01",     /* too little of MCS */
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        reading_begin(&r, &rdp);
        reading_octets(&r, SIDE_CLIENT, octets, octets_of(bad[i], octets, sizeof octets));
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
}

TEST_MAIN(cmocka_unit_test(who_connects_and_how_is_told),
          cmocka_unit_test(client_and_server_tell_of_themselves),
          cmocka_unit_test(it_is_told_apart_from_others_that_frame_alike),
          cmocka_unit_test(what_cannot_be_is_an_error))
