/* Packets after RFC 4253 sections 4.2, 6 and 7.1; fingerprints by HASSH's description. */
#include "dissect/testing.h"
#include "proto/it/ssh/ssh.h"

#define KEXINIT                                                                                    \
    "0000005c041400000000000000000000000000000000000000076b78312c6b783200000002686b00"             \
    "0000026331000000026332000000026d31000000026d32000000046e6f6e65000000047a6c696200"             \
    "00000000000000000000000000000000"
/* "SSH-2.0-OpenSSH_9.2p1 Debian-2" */
#define BANNER "5353482d322e302d4f70656e5353485f392e3270312044656269616e2d320d0a"
#define NEWKEYS "0000000c 0a 15 00000000000000000000"
#define LISTS                                                                                      \
    "kex='kx1,kx2' host-keys='hk' ciphers-to-server='c1' ciphers-to-client='c2' "                  \
    "macs-to-server='m1' macs-to-client='m2' compressions-to-server='none' "                       \
    "compressions-to-client='zlib'\n"

static void
a_banner_tells_the_program(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ssh);
    assert_reads(&r, SIDE_SERVER, BANNER,
                 "response banner identify version='2.0' software='OpenSSH_9.2p1' "
                 "comment='Debian-2'\n");
    assert_reads(&r, SIDE_CLIENT, "5353482d312e39392d610a", /* SSH-1.99-a */
                 "request banner identify version='1.99' software='a'\n");
    assert_false(r.d.body);
    assert_reads(&r, SIDE_CLIENT, "5353482d312e352d610a", /* SSH-1.5-a */
                 "request banner identify version='1.5' software='a'\n");
    assert_true(r.d.body); /* packets of SSH 1 are others */
    reading_end(&r);
}

static void
an_offer_has_a_fingerprint_each_way(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ssh);
    assert_reads(&r, SIDE_CLIENT, KEXINIT,
                 "link kexinit link hassh='c874a2e1da7f2b2c7b5393157f2b10e1' " LISTS);
    assert_reads(&r, SIDE_SERVER, KEXINIT,
                 "response kexinit link hassh-server='e7a09ed541ee733d700c5a15bdf0dc37' " LISTS);
    assert_reads(&r, SIDE_UNKNOWN, KEXINIT, "link kexinit link " LISTS);
    reading_end(&r);
    assert_survives_truncation(&ssh, SIDE_CLIENT, KEXINIT);
}

static void
behind_new_keys_all_is_encrypted(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ssh);
    assert_reads(&r, SIDE_CLIENT, NEWKEYS, "link newkeys link\n");
    assert_true(r.d.body);
    assert_int_equal(ssh.body(&r.d, (const uint8_t *)"any", 3), 3);
    assert_true(r.d.body);
    assert_reads(&r, SIDE_SERVER,
                 "0000001b 08 01 00000002 00000003 627965 00000002 656e 0000000000000000",
                 "response disconnect link reason=2 description='bye'\n");
    assert_false(r.d.body);
    reading_end(&r);
}

static void
lines_and_packets_are_cut_from_a_stream(void **state UNUSED)
{
    uint8_t octets[256];
    size_t message, n = octets_of(BANNER, octets, sizeof octets);
    for (size_t size = 0; size < n; size++)
        assert_int_equal(ssh.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(ssh.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n);
    assert_int_equal(ssh.looks(octets, n), LOOKS_SURE);
    n = octets_of(KEXINIT, octets, sizeof octets);
    for (size_t size = 0; size < n; size++)
        assert_int_equal(ssh.frame(octets, size, &message), FRAME_MORE);
    assert_int_equal(ssh.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n);
    assert_int_equal(ssh.looks(octets, n), LOOKS_FAINT);
}

static void
what_cannot_be_is_none(void **state UNUSED)
{
    static const char *const bad[] = {
        "0000000c 0b 15 00000000000000000000", /* more padding than packet */
        "0000000c 03 15 00000000000000000000", /* less than 4 */
        "0000000c 0a 00 00000000000000000000", /* no message */
        "0000000c 0a 32 00000000000000000000", /* one that is always encrypted */
        "00020000 0a 15 00000000000000000000", "16030100",
    };
    uint8_t octets[512];
    size_t message;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        size_t n = octets_of(bad[i], octets, sizeof octets);
        assert_int_equal(ssh.frame(octets, n, &message), FRAME_NOT);
        assert_int_equal(ssh.looks(octets, n), LOOKS_NOT);
    }
    memset(octets, 'a', sizeof octets);
    memcpy(octets, "SSH-2.0-", 8);
    assert_int_equal(ssh.frame(octets, 254, &message), FRAME_MORE);
    assert_int_equal(ssh.frame(octets, 255, &message), FRAME_NOT);
    memcpy(octets, "SSH-two-", 8);
    assert_int_equal(ssh.looks(octets, 20), LOOKS_NOT);
    struct reading r;
    reading_begin(&r, &ssh);
    reading_octets(&r, SIDE_CLIENT, octets, octets_of("5353482d320a", octets, 16));
    assert_err(r.err, ERR_MALFORMED);
    reading_end(&r);
}

TEST_MAIN(cmocka_unit_test(a_banner_tells_the_program),
          cmocka_unit_test(an_offer_has_a_fingerprint_each_way),
          cmocka_unit_test(behind_new_keys_all_is_encrypted),
          cmocka_unit_test(lines_and_packets_are_cut_from_a_stream),
          cmocka_unit_test(what_cannot_be_is_none))
