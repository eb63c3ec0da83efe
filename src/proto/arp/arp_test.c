#include "proto/arp/arp.h"

#include "dissect/testing.h"

#define HEAD "0001 0800 06 04 "
#define A "020000000001 c0a80001"
#define B "020000000002 c0a80002"

static void
requests_and_replies_name_both_ends(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &arp_protocol);
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0001" A "000000000000 c0a80002 0000000000000000",
                 "request request link hardware=1 protocol=2048 sender-mac=020000000001 "
                 "sender-ip=3232235521 target-mac=000000000000 target-ip=3232235522 announces=0 "
                 "probes=0\n");
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0002" B A,
                 "response reply link hardware=1 protocol=2048 sender-mac=020000000002 "
                 "sender-ip=3232235522 target-mac=020000000001 target-ip=3232235521 announces=0 "
                 "probes=0\n");
    reading_end(&r);
    assert_survives_truncation(&arp_protocol, SIDE_UNKNOWN, HEAD "0002" B A);
}

static void
announcements_and_probes_are_marked(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &arp_protocol);
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0001" A "000000000000 c0a80001",
                 "request request link hardware=1 protocol=2048 sender-mac=020000000001 "
                 "sender-ip=3232235521 target-mac=000000000000 target-ip=3232235521 announces=1 "
                 "probes=0\n");
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0001 020000000001 00000000 000000000000 c0a80001",
                 "request request link hardware=1 protocol=2048 sender-mac=020000000001 "
                 "sender-ip=0 target-mac=000000000000 target-ip=3232235521 announces=0 probes=1\n");
    reading_end(&r);
}

static void
other_kinds_of_addresses_are_told_as_they_are(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &arp_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "0006 0800 02 04 0001 0102 c0a80001 0000 c0a80002",
                 "request request link hardware=6 protocol=2048 sender-hardware=0102 "
                 "sender-ip=3232235521 target-hardware=0000 target-ip=3232235522 announces=0 "
                 "probes=0\n");
    assert_reads(&r, SIDE_UNKNOWN, "0001 8035 06 02 0001 020000000001 0102 000000000000 0304",
                 "request request link hardware=1 protocol=32821 sender-mac=020000000001 "
                 "sender-protocol=0102 target-mac=000000000000 target-protocol=0304\n");
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0008" A B,
                 "request inverse-request link hardware=1 protocol=2048 sender-mac=020000000001 "
                 "sender-ip=3232235521 target-mac=020000000002 target-ip=3232235522\n");
    assert_reads(&r, SIDE_UNKNOWN, HEAD "0009" A B,
                 "response inverse-reply link hardware=1 protocol=2048 sender-mac=020000000001 "
                 "sender-ip=3232235521 target-mac=020000000002 target-ip=3232235522\n");
    reading_end(&r);
}

TEST_MAIN(cmocka_unit_test(requests_and_replies_name_both_ends),
          cmocka_unit_test(announcements_and_probes_are_marked),
          cmocka_unit_test(other_kinds_of_addresses_are_told_as_they_are))
