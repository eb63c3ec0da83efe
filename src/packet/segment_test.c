#include "packet/segment.h"

#include "packet/checksum.h"

#include "base/testing.h"

/* A frame of `payload` octets 0, 1, 2 ... behind the headers. */
static struct packet *
build(struct packet_pool *pool, const char *headers, uint32_t payload, uint16_t gso_size)
{
    size_t size;
    uint8_t *h = hex_bytes(headers, &size);
    struct packet *p = packet_new(pool, (uint32_t)size + payload);
    memcpy(p->data, h, size);
    for (uint32_t i = 0; i < payload; i++)
        p->data[size + i] = (uint8_t)i;
    p->size = (uint32_t)size + payload;
    p->offload = (struct packet_offload){.gso_type = 1, .gso_size = gso_size};
    free(h);
    struct flow_key key;
    packet_parse(p, &key);
    assert_int_equal(p->layout.flaw, FLAW_NONE);
    return p;
}

static void
assert_checksums(const struct packet *p)
{
    const uint8_t *ip = p->data + 14, *l4 = p->data + p->layout.l4;
    uint32_t l4_size = p->size - p->layout.l4;
    uint32_t pseudo = checksum_pseudo(ip + 12, ip + 16, 4, ip[9], l4_size);
    assert_int_equal(checksum_fold(checksum_add(0, ip, 20)), 0xffff);
    assert_int_equal(checksum_fold(checksum_add(pseudo, l4, l4_size)), 0xffff);
}

static void
cuts_tcp_into_what_the_sender_meant(void **state UNUSED)
{
    struct packet_pool *pool = packet_pool_new(8, 1);
    /* Total length 40 + 3000; sequence 0x100; flags CWR ACK PSH FIN. */
    struct packet *p = build(pool,
                             "020000000002 020000000001 0800"
                             "4500 0be0 0007 4000 40 06 0000 0a000001 0a000002"
                             "1000 2000 00000100 00000001 5099 2000 0000 0000",
                             3000, 1400);
    struct packet *out[SEGMENTS_MAX];
    assert_int_equal(packet_segment(p, out), 3);
    static const struct {
        uint32_t size, seq, first;
        uint8_t flags;
    } expected[] = {
        {1400, 0x100, 0, 0x90}, {1400, 0x100 + 1400, 1400, 0x10}, {200, 0x100 + 2800, 2800, 0x19}};
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *tcp = out[i]->data + 34;
        assert_int_equal(out[i]->size, 54 + expected[i].size);
        assert_int_equal(get_be16(out[i]->data + 16), 40 + expected[i].size);
        assert_int_equal(get_be16(out[i]->data + 18), 7 + i);
        assert_int_equal(get_be32(tcp + 4), expected[i].seq);
        assert_int_equal(tcp[13], expected[i].flags);
        assert_int_equal(tcp[20], (uint8_t)expected[i].first);
        assert_checksums(out[i]);
        packet_unref(out[i]);
    }
    assert_int_equal(packet_pool_available(pool), 8);
    packet_pool_free(pool);
}

static void
cuts_udp_too(void **state UNUSED)
{
    struct packet_pool *pool = packet_pool_new(8, 1);
    struct packet *p = build(pool,
                             "020000000002 020000000001 0800"
                             "4500 0820 0007 4000 40 11 0000 0a000001 0a000002"
                             "1000 2000 080c 0000",
                             2052, 1000);
    struct packet *out[SEGMENTS_MAX];
    assert_int_equal(packet_segment(p, out), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get_be16(out[i]->data + 38), i < 2 ? 1008 : 60);
        assert_checksums(out[i]);
        packet_unref(out[i]);
    }
    packet_pool_free(pool);
}

static void
what_cannot_be_cut_is_dropped_whole(void **state UNUSED)
{
    struct packet_pool *pool = packet_pool_new(2, 1);
    const char *headers = "020000000002 020000000001 0800"
                          "4500 0be0 0007 4000 40 06 0000 0a000001 0a000002"
                          "1000 2000 00000100 00000001 5099 2000 0000 0000";
    struct packet *out[SEGMENTS_MAX];
    assert_int_equal(packet_segment(build(pool, headers, 3000, 0), out), 0);
    assert_int_equal(packet_segment(build(pool, headers, 3000, 10), out), 0);   /* 300 segments */
    assert_int_equal(packet_segment(build(pool, headers, 3000, 1000), out), 0); /* 3 of 2 buffers */
    assert_int_equal(packet_pool_available(pool), 2);
    struct packet *icmp = build(pool,
                                "020000000002 020000000001 0800"
                                "4500 001c 0001 0000 40 01 66de 0a000001 0a000002"
                                "08 00 e5ca 1234 0001",
                                0, 1000);
    assert_int_equal(packet_segment(icmp, out), 0);
    packet_pool_free(pool);
}

TEST_MAIN(cmocka_unit_test(cuts_tcp_into_what_the_sender_meant), cmocka_unit_test(cuts_udp_too),
          cmocka_unit_test(what_cannot_be_cut_is_dropped_whole))
