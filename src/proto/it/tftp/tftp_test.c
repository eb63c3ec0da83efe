/* Messages by RFC 1350 and RFC 2347. */
#include "proto/it/tftp/tftp.h"

#include "dissect/testing.h"

#define WRITE "0002 66772e62696e00 6f6374657400 626c6b73697a6500 3130323400"

static void
files_are_read_and_written(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tftp_protocol);
    assert_reads(&r, SIDE_CLIENT, "0001 6100 4e455441534349 4900",
                 "request read upload file='a' mode='NETASCII'\n");
    assert_reads(&r, SIDE_CLIENT, WRITE,
                 "request write download file='fw.bin' mode='octet'; option='blksize' "
                 "value='1024'\n");
    assert_reads(&r, SIDE_SERVER, "0006 626c6b73697a6500 3130323400",
                 "response option-acknowledge link; option='blksize' value='1024'\n");
    assert_reads(&r, SIDE_CLIENT, "0003 0001 aabbcc", "report data other block=1 size=3\n");
    assert_reads(&r, SIDE_SERVER, "0004 0001", "link acknowledge link block=1\n");
    assert_reads(&r, SIDE_SERVER, "0005 0002 6e6f00", "refusal error other error=2 message='no'\n");
    assert_string_equal(protocol_error(&tftp_protocol, 2), "access-violation");
    reading_end(&r);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {"0007 0001", "0004 0001 00", "0001 61"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i], octets, sizeof octets);
        reading_begin(&r, &tftp_protocol);
        reading_octets(&r, SIDE_CLIENT, octets, n);
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
    assert_survives_truncation(&tftp_protocol, SIDE_SERVER, "0005 0002 6e6f00");
    assert_survives_truncation(&tftp_protocol, SIDE_CLIENT, "0001 6100 6f6374657400");
}

static void
a_request_tells_by_its_mode(void **state UNUSED)
{
    uint8_t octets[64];
    size_t n = octets_of(WRITE, octets, sizeof octets);
    assert_int_equal(tftp_protocol.looks(octets, n), LOOKS_SURE);
    octets[9] = 'x';
    assert_int_equal(tftp_protocol.looks(octets, n), LOOKS_NOT);
    n = octets_of("0003 0001 aabbcc", octets, sizeof octets);
    assert_int_equal(tftp_protocol.looks(octets, n), LOOKS_FAINT);
    n = octets_of("0006 626c6b73697a6500 3130323400", octets, sizeof octets);
    assert_int_equal(tftp_protocol.looks(octets, n), LOOKS_SURE);
    uint8_t block[517] = {0, 3, 0, 1};
    assert_int_equal(tftp_protocol.looks(block, 516), LOOKS_LIKE);
    assert_int_equal(tftp_protocol.looks(block, 517), LOOKS_FAINT);
}

TEST_MAIN(cmocka_unit_test(files_are_read_and_written),
          cmocka_unit_test(what_cannot_be_is_an_error),
          cmocka_unit_test(a_request_tells_by_its_mode))
