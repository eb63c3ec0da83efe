#include "edge/stamp_frame.h"

#include "base/testing.h"
#include "packet/checksum.h"

/* As Linux sends it: 10.10.0.11:49154 to 10.10.0.12:862, TOS 0xb9, TTL 255. */
static const char linux_udp[] = "020000100012 020000100011 0800"
                                "45b90021e01f4000ff1186c80a0a000b0a0a000c"
                                "c002035e000de476 68656c6c6f";

static struct stamp_headers
read_hex(const char *hex, const char *expected_payload)
{
    size_t size, payload_size;
    const uint8_t *payload;
    struct stamp_headers h;
    uint8_t *frame = hex_bytes(hex, &size);
    assert_ok(stamp_frame_read(frame, size, &h, &payload, &payload_size));
    assert_int_equal(payload_size, strlen(expected_payload));
    assert_memory_equal(payload, expected_payload, payload_size);
    free(frame);
    return h;
}

static void
reads_what_another_sent(void **state UNUSED)
{
    struct stamp_headers h = read_hex(linux_udp, "hello");
    assert_int_equal(h.eth_src.octets[5], 0x11);
    assert_int_equal(h.eth_dst.octets[5], 0x12);
    assert_false(h.tagged);
    assert_int_equal(h.ipv4_src, 0x0a0a000b);
    assert_int_equal(h.ipv4_dst, 0x0a0a000c);
    assert_int_equal(h.udp_src, 49154);
    assert_int_equal(h.udp_dst, 862);
    assert_int_equal(h.ttl, 255);
    assert_int_equal(h.dscp, 46);
    assert_int_equal(h.ecn, 1);
}

static void
a_tag_is_read_and_padding_is_not_payload(void **state UNUSED)
{
    struct stamp_headers h = read_hex("020000100012 020000100011 8100 800a 0800"
                                      "45b90021e01f4000ff1186c80a0a000b0a0a000c"
                                      "c002035e000de476 68656c6c6f 000000",
                                      "hello");
    assert_true(h.tagged);
    assert_int_equal(h.vlan_tci, 0x800a);
}

static void
writes_what_it_reads(void **state UNUSED)
{
    size_t size;
    uint8_t *frame = hex_bytes(linux_udp, &size), written[64] = {0};
    struct stamp_headers h = read_hex(linux_udp, "hello");
    assert_int_equal(stamp_headers_size(&h), size - 5);
    stamp_frame_write_headers(written, &h, 5);
    /* But for the identification, and the checksums. */
    assert_memory_equal(written, frame, 18);
    assert_memory_equal(written + 20, frame + 20, 4);
    assert_memory_equal(written + 26, frame + 26, 14);
    assert_int_equal(checksum_fold(checksum_add(0, written + 14, 20)), 0xffff);
    assert_int_equal(get_be16(written + 40), 0);
    free(frame);
}

static void
the_way_back_is_the_way_there_reversed(void **state UNUSED)
{
    struct stamp_headers h = read_hex(linux_udp, "hello"), back, again;
    h.tagged = true;
    h.vlan_tci = 0x800a;
    h.ttl = 250;
    back = stamp_headers_reversed(&h);
    assert_int_equal(back.eth_dst.octets[5], 0x11);
    assert_int_equal(back.ipv4_dst, 0x0a0a000b);
    assert_int_equal(back.udp_src, 862);
    assert_int_equal(back.udp_dst, 49154);
    assert_int_equal(back.ttl, 255);
    assert_int_equal(back.vlan_tci, 0x800a);
    again = stamp_headers_reversed(&back);
    assert_memory_equal(&again.eth_src, &h.eth_src, 12);
    assert_int_equal(again.ipv4_src, h.ipv4_src);
}

TEST_MAIN(cmocka_unit_test(reads_what_another_sent),
          cmocka_unit_test(a_tag_is_read_and_padding_is_not_payload),
          cmocka_unit_test(writes_what_it_reads),
          cmocka_unit_test(the_way_back_is_the_way_there_reversed))
