#include "proto/lldp/lldp_protocol.h"

#include "dissect/testing.h"

/* By hand after IEEE 802.1AB clause 8, ANSI/TIA-1057 clause 10 and IEC 61158-6-10. */
#define HEAD "0207 04 020000000001 0405 05 65746831 0602 0078" /* MAC; "eth1"; 120 s */
#define SAID "chassis-subtype=4 chassis-mac=020000000001 port-subtype=5 port-id='eth1' ttl=120"

static void
a_neighbour_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &lldp_protocol);
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0803 757031 0a03 737731 0c04 5a203130 0e04 0014 0004 0000",
                 "report announce identify " SAID " port-description='up1' system-name='sw1' "
                 "system-description='Z 10' capabilities=20 enabled-capabilities=4\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 "0203 07 7377 0406 04 01c0a80001 0602 0000 0000 0000000000000000",
                 "report withdraw identify chassis-subtype=7 chassis-id='sw' port-subtype=4 "
                 "port-ip=3232235521 ttl=0\n");
    assert_reads(&r, SIDE_UNKNOWN, "0206 05 01c0a80002 0407 03 020000000002 0602 0001 0000",
                 "report announce identify chassis-subtype=5 chassis-ip=3232235522 port-subtype=3 "
                 "port-mac=020000000002 ttl=1\n");
    /* an address of a family that has no field, and a port's that is none */
    assert_reads(&r, SIDE_UNKNOWN, "0204 05 060102 0402 03 01 0602 0001 0000",
                 "report announce identify chassis-subtype=5 chassis-octets=060102 port-subtype=3 "
                 "port-octets=01 ttl=1\n");
    reading_end(&r);
    assert_survives_truncation(&lldp_protocol, SIDE_UNKNOWN,
                               HEAD "0803 757031 100c 0501c0a80001 0200000007 00 0000");
}

static void
management_addresses_are_objects(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &lldp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD "100c 0501c0a80001 0200000007 00"
                      "1010 0706020000000001 0300000008 02 2b06 0a02 7a31"
                      "1018 1102 20010db8000000000000000000000001 0200000009 00 0000",
                 "report announce identify " SAID " system-name='z1'; management-subtype=1 "
                 "management-ip=3232235521 interface-subtype=2 interface=7; management-subtype=6 "
                 "management-mac=020000000001 interface-subtype=3 interface=8 oid=2b06; "
                 "management-subtype=2 management-octets=20010db8000000000000000000000001 "
                 "interface-subtype=2 interface=9\n");
    reading_end(&r);
}

static void
the_inventory_is_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &lldp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD "fe07 0012bb01 0033 01 fe06 0012bb05 4831 fe06 0012bb06 4631"
                      "fe06 0012bb07 5331 fe06 0012bb08 4e31 fe06 0012bb09 5631"
                      "fe06 0012bb0a 4d31 fe06 0012bb0b 4131 0000",
                 "report announce identify " SAID " med-capabilities=51 med-class=1 hardware='H1' "
                 "firmware='F1' software='S1' serial='N1' manufacturer='V1' model='M1' "
                 "asset='A1'\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD "fe08 000ecf02 0001 0002 fe07 000ecf03 612e62"
                      "fe16 000ecf04 00112233445566778899aabbccddeeff 0001"
                      "fe0a 000ecf05 020000000005"
                      "fe1a 000ecf06 020000000006 00112233445566778899aabbccddeeff 0000",
                 "report announce identify " SAID " rtc2-status=1 rtc3-status=2 alias='a.b' "
                 "mrp-domain=00112233445566778899aabbccddeeff mrp-status=1 "
                 "station-mac=020000000005 ptcp-master=020000000006 "
                 "ptcp-subdomain=00112233445566778899aabbccddeeff\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD "fe06 0080c201 0005 fe09 00120f01 03 6c00 0010 fe06 00120f04 05ee"
                      "fe0b 0080c203 0005 04 6f707331 fe06 aabbcc07 0102 0000",
                 "report announce identify " SAID " pvid=5 mau-type=16 max-frame=1518; vlan=5 "
                 "vlan-name='ops1'; oui=11189196 subtype=7 data=0102\n");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const struct {
        const char *hex, *said;
        enum err err;
        size_t offset;
    } bad[] = {
        /* the port before the chassis; a chassis twice; no identifier */
        {"0405 05 65746831 0207 04 020000000001", "report announce identify\n", ERR_MALFORMED, 7},
        {HEAD "0207 04 020000000001 0000", "report announce identify " SAID "\n", ERR_MALFORMED,
         29},
        {"0201 04", "report announce identify\n", ERR_MALFORMED, 3},
        /* an extension too short for its name; one that cannot have what its name says */
        {HEAD "fe03 0012bb 0000", "report announce identify " SAID "\n", ERR_TRUNCATED, 25},
        {HEAD "fe05 000ecf05 02 0000", "report announce identify " SAID "\n", ERR_TRUNCATED, 26},
        /* a management address that leaves its TLV */
        {HEAD "1003 0501c0 0000", "report announce identify " SAID "\n", ERR_TRUNCATED, 23},
        /* no end */
        {HEAD, "report announce identify " SAID "\n", ERR_TRUNCATED, 20},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i].hex, octets, sizeof octets);
        reading_begin(&r, &lldp_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_string_equal(buf_cstr(&r.text), bad[i].said);
        assert_err(r.err, bad[i].err);
        assert_int_equal(r.offset, bad[i].offset);
        reading_end(&r);
    }
}

TEST_MAIN(cmocka_unit_test(a_neighbour_says_who_it_is),
          cmocka_unit_test(management_addresses_are_objects),
          cmocka_unit_test(the_inventory_is_read), cmocka_unit_test(what_cannot_be_is_an_error))
