/* Messages as switches send them, by public descriptions of the protocol. */
#include "proto/it/cdp/cdp.h"

#include "dissect/testing.h"

#define HEAD "02 b4 0000 "

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &cdp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD "0001 0007 737731 0002 0011 00000001 01 01 cc 0004 0a000009 "
                      "0003 0009 476930 2f31 0004 0008 00000028 0005 0007 562032 0006 0006 4945 "
                      "000a 0006 0001 000b 0005 01 000e 0007 01 000a 0010 0006 1c20 "
                      "0016 0011 00000001 01 01 cc 0004 0a000001 0017 0007 00 6162 7777 0005 00",
                 "report announce identify version=2 ttl=180 device='sw1' address=167772169 "
                 "port='Gi0/1' capabilities=40 software='V 2' platform='IE' native-vlan=1 "
                 "full-duplex=1 voice-vlan=10 power=7200 management-address=167772161 "
                 "location='ab'\n");
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0002 0013 00000001 02 03 aaaa03 0004 00000001",
                 "report announce identify version=2 ttl=180 address-octets=00000001\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {HEAD "0001 0003", HEAD "000a 0005 00",
                                      HEAD "0002 0008 00000001", HEAD "0001 0008 737731"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &cdp_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
}

static void
it_looks_like_itself(void **state UNUSED)
{
    uint8_t octets[64];
    size_t n = octets_of(HEAD "0001 0007 737731", octets, sizeof octets);
    assert_int_equal(cdp_protocol.looks(octets, n), LOOKS_LIKE);
    octets[0] = 3;
    assert_int_equal(cdp_protocol.looks(octets, n), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(a_device_says_who_it_is), cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(it_looks_like_itself))
