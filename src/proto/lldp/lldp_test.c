#include "proto/lldp/lldp.h"

#include "base/testing.h"

/* Built by hand from IEEE 802.1AB clause 8: chassis 02:00:00:00:00:01, port "eth0", TTL 120, name
 * "rtu". */
#define FRAME                                                                                      \
    "0207 04 020000000001"                                                                         \
    "0405 05 65746830"                                                                             \
    "0602 0078"                                                                                    \
    "0a03 727475"                                                                                  \
    "fe06 0012bb 01 0005" /* somebody else's */                                                    \
    "0000"

static void
reads_what_the_standard_shows(void **state UNUSED)
{
    size_t size;
    uint8_t *payload = hex_bytes(FRAME, &size);
    struct lldp lldp;
    assert_ok(lldp_decode(payload, size, &lldp, NULL));
    assert_string_equal(lldp.chassis_id, "02:00:00:00:00:01");
    assert_string_equal(lldp.port_id, "eth0");
    assert_string_equal(lldp.system_name, "rtu");
    assert_int_equal(lldp.ttl_s, 120);
    assert_int_equal(lldp.token_size, 0);
    free(payload);
}

static void
what_is_written_is_read_again(void **state UNUSED)
{
    struct lldp in = {.chassis_id = "wan1", .port_id = "3", .ttl_s = 4, .token_size = 28}, out;
    struct mac src = {{2, 0, 0, 0, 0, 1}};
    struct buf frame = BUF_INIT;
    memset(in.token, 0xab, in.token_size);
    lldp_encode_frame(&in, &src, &frame);
    assert_memory_equal(frame.data, "\x01\x80\xc2\x00\x00\x0e\x02\0\0\0\0\x01\x88\xcc", 14);
    assert_ok(lldp_decode(frame.data + 14, frame.size - 14, &out, NULL));
    assert_string_equal(out.chassis_id, "wan1");
    assert_string_equal(out.port_id, "3");
    assert_int_equal(out.token_size, 28);
    assert_memory_equal(out.token, in.token, 28);
    buf_fini(&frame);
}

static void
says_what_is_wrong(void **state UNUSED)
{
    static const struct {
        const char *hex, *says;
        enum err err;
    } cases[] = {
        {"", "TLV header at offset 0", ERR_TRUNCATED},
        {"0207 04 0200", "TLV value at offset 2", ERR_TRUNCATED},
        {"0405 05 65746830 0000", "order of TLVs", ERR_MALFORMED},
        {"0202 0741 0202 0741", "order of TLVs", ERR_MALFORMED},
        {"0202 0741 0402 0742 0602 0078 0602 0078 0000", "order of TLVs", ERR_MALFORMED},
        {"0201 07 0402 0742 0602 0078 0000", "ID at offset", ERR_MALFORMED},
        {"0202 0741 0402 0742 0601 00 0000", "TTL at offset", ERR_TRUNCATED},
        {"0202 0741 0402 0742 0602 0078 fe03 000000 0000", "organisationally", ERR_MALFORMED},
        {"0202 0741 0402 0742 0602 0078", "TLV header", ERR_TRUNCATED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size;
        uint8_t *payload = hex_bytes(cases[i].hex, &size);
        struct diag diag = {""};
        struct lldp lldp;
        assert_err(lldp_decode(payload, size, &lldp, &diag), cases[i].err);
        if (!strstr(diag.text, cases[i].says))
            fail_msg("%s: said \"%s\"", cases[i].hex, diag.text);
        free(payload);
    }
}

TEST_MAIN(cmocka_unit_test(reads_what_the_standard_shows),
          cmocka_unit_test(what_is_written_is_read_again), cmocka_unit_test(says_what_is_wrong))
