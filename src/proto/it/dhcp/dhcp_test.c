/* Messages by RFC 2131 and RFC 2132. */
#include "proto/it/dhcp/dhcp.h"

#include "dissect/testing.h"

#define ZEROES_16 "00000000000000000000000000000000 "
#define ZEROES_64 ZEROES_16 ZEROES_16 ZEROES_16 ZEROES_16
#define HEAD(op, addresses)                                                                        \
    op "010600 12345678 0004 8000" addresses "00000000 00000000 0030a7000001 00000000000000000000"
#define PLAIN(op, addresses) HEAD(op, addresses) ZEROES_64 ZEROES_64 ZEROES_64 "63825363 "
#define FREE "00000000 00000000"
#define BEGINS "=1 hardware-type=1 hops=0 xid=305419896 seconds=4 broadcast=1"

static void
a_client_says_who_it_is_and_what_it_wants(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dhcp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 PLAIN("01", FREE) "35 01 03 3d 07 01 0030a7000001 32 04 0a000007 36 04 0a000001 "
                                   "0c 03 525455 3c 03 414243 37 03 010306 4d 02 5531 "
                                   "51 06 000000 722e61 39 02 05dc 2b 02 aabb ff 00",
                 "request request link operation" BEGINS " client-mac=0030a7000001 "
                 "client-id=010030a7000001 requested-ip=167772167 server-id=167772161 "
                 "host-name='RTU' vendor-class='ABC' requested-list=010306 user-class='U1' "
                 "fqdn-flags=0 fqdn='r.a' message-max=1500 vendor-options=aabb "
                 "speaks-for=167772167\n");
    assert_reads(&r, SIDE_UNKNOWN, PLAIN("01", "0a000008 00000000") "35 01 08 ff",
                 "request inform link operation" BEGINS " client-ip=167772168 "
                 "client-mac=0030a7000001 speaks-for=167772168\n");
    reading_end(&r);
}

static void
a_server_says_what_it_gives(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dhcp_protocol);
    assert_reads(
        &r, SIDE_UNKNOWN,
        PLAIN("02", "00000000 0a000007") "35 01 02 36 04 0a000001 33 04 00000e10 01 04 ffffff00 "
                                         "03 08 0a0000fd 0a0000fe 06 04 0a000035 0f 02 6c6e "
                                         "42 02 7431 43 02 6231 0c 02 6831 2a 04 0a00007b "
                                         "52 0c 01 02 0005 02 02 7377 06 02 7375 ff",
        "response offer link operation=2 hardware-type=1 hops=0 xid=305419896 seconds=4 "
        "broadcast=1 your-ip=167772167 client-mac=0030a7000001 server-id=167772161 lease=3600 "
        "mask=4294967040 router=167772413 router=167772414 dns-server=167772213 domain='ln' "
        "boot-server='t1' boot-file='b1' given-name='h1' ntp-server=167772283 circuit-id=0005 "
        "remote-id=7377 subscriber-id=7375\n");
    assert_reads(&r, SIDE_UNKNOWN, PLAIN("02", FREE) "35 01 06 38 02 6e6f ff",
                 "refusal nak link operation=2 hardware-type=1 hops=0 xid=305419896 seconds=4 "
                 "broadcast=1 client-mac=0030a7000001 message='no'\n");
    reading_end(&r);
}

/* The file has options of its own, and is read before the server's name. */
static void
options_go_on_where_the_overload_says(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dhcp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("01", FREE) "0f 01 73 ff" ZEROES_16 ZEROES_16 ZEROES_16
                                  "000000000000000000000000 0c 01 66 ff" ZEROES_64 ZEROES_16
                                      ZEROES_16 ZEROES_16 "000000000000000000000000 63825363 "
                                  "35 01 01 34 01 03 ff",
                 "request discover link operation" BEGINS " client-mac=0030a7000001 overload=3 "
                 "host-name='f' domain='s'\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("01", FREE) "73723100" ZEROES_16 ZEROES_16 ZEROES_16
                                  "000000000000000000000000 0c 01 66 ff" ZEROES_64 ZEROES_16
                                      ZEROES_16 ZEROES_16 "000000000000000000000000 63825363 "
                                  "35 01 01 34 01 01 ff",
                 "request discover link operation" BEGINS " client-mac=0030a7000001 overload=1 "
                 "host-name='f' server-name='sr1'\n");
    assert_reads(
        &r, SIDE_UNKNOWN,
        HEAD("01", FREE) "73723100" ZEROES_16 ZEROES_16 ZEROES_16
                         "000000000000000000000000 62330000" ZEROES_64 ZEROES_16 ZEROES_16 ZEROES_16
                         "000000000000000000000000 63825363 "
                         "35 01 01 ff",
        "request discover link operation" BEGINS " client-mac=0030a7000001 file='b3' "
        "server-name='sr1'\n");
    reading_end(&r);
}

/* BOOTP, with another cookie. */
static void
without_a_type_it_is_bootp(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &dhcp_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 HEAD("01", FREE) ZEROES_64 ZEROES_64 ZEROES_64 "00000000 35 01 01",
                 "request bootp-request link operation" BEGINS " client-mac=0030a7000001\n");
    reading_end(&r);
}

/* The options behind one that is not as it should be are told, and the error too. */
static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {
        PLAIN("01", FREE) "35 01 01 33 03 000e10 0c 01 66 ff",    /* a lease of three octets */
        PLAIN("01", FREE) "35 01 01 36 05 0a00000100 0c 01 66 ff" /* a server of five */
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[512];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &dhcp_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        assert_non_null(strstr(buf_cstr(&r.text), "host-name='f'"));
        reading_end(&r);
    }
    uint8_t octets[512];
    size_t n = octets_of(PLAIN("01", FREE) "35 01 03 0c 03 525455", octets, sizeof octets);
    for (size_t size = 0; size < n; size++) {
        struct reading r;
        reading_begin(&r, &dhcp_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, size);
        bool may_end = size == 243 || size == 240 || (size >= 236 && size < 240);
        assert_int_equal(r.err == ERR_OK, may_end);
        assert_true(r.offset <= size);
        reading_end(&r);
    }
}

static void
it_looks_like_itself(void **state UNUSED)
{
    uint8_t octets[512];
    size_t n = octets_of(PLAIN("01", FREE) "ff", octets, sizeof octets);
    assert_int_equal(dhcp_protocol.looks(octets, n), LOOKS_SURE);
    assert_int_equal(dhcp_protocol.looks(octets, 239), LOOKS_NOT);
    octets[236] = 0;
    assert_int_equal(dhcp_protocol.looks(octets, n), LOOKS_FAINT);
    octets[0] = 3;
    assert_int_equal(dhcp_protocol.looks(octets, n), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(a_client_says_who_it_is_and_what_it_wants),
          cmocka_unit_test(a_server_says_what_it_gives),
          cmocka_unit_test(options_go_on_where_the_overload_says),
          cmocka_unit_test(without_a_type_it_is_bootp),
          cmocka_unit_test(what_cannot_be_is_an_error), cmocka_unit_test(it_looks_like_itself))
