/* Frames as linuxptp sent them, those in UDP with the checksums their sender left to its card. */
#include "edge/ptp_frame.h"

#include "base/testing.h"
#include "packet/checksum.h"
#include "packet/edit.h"

#define SYNC                                                                                       \
    "0002002c00000200000000000000000000000000664d7bfffe9ae3560001000300fd00000000000000000000"
#define ETHERNET "011b19000000 664d7b9ae356"
#define IPV4                                                                                       \
    "01005e000181 664d7b9ae356 0800 45000048e1c140000111ac600a010001e0000181 013f013f0034ebc8"
#define IPV6                                                                                       \
    "333300000181 664d7b9ae356 86dd 6007f52700361101fe80000000000000644d7bfffe9ae356"              \
    "ff0e0000000000000000000000000181 013f013f0036c196"
#define PDELAY_REQ_IPV6                                                                            \
    "33330000006b6e559f53708e86dd6009805700401101fe800000000000006c559ffffe53708e"                 \
    "ff02000000000000000000000000006b013f013f0040797702020036000000000000000000000000000000006e55" \
    "9ffffe53708e00010001057f00000000000000000000000000000000000000000000"

static struct packet_pool *pool;

static int
setup(void **state UNUSED)
{
    pool = packet_pool_new(8, 1);
    return 0;
}

static int
teardown(void **state UNUSED)
{
    assert_int_equal(packet_pool_available(pool), 8);
    packet_pool_free(pool);
    return 0;
}

static struct packet *
packet(const char *hex)
{
    struct flow_key key;
    size_t size;
    uint8_t *frame = hex_bytes(hex, &size);
    struct packet *p = packet_new(pool, (uint32_t)size);
    memcpy(p->data, frame, size);
    p->size = (uint32_t)size;
    packet_parse(p, &key);
    free(frame);
    return p;
}

static void
assert_found(const char *hex, uint32_t message, uint32_t size)
{
    struct ptp_place place;
    struct packet *p = packet(hex);
    assert_true(ptp_frame_may_be(p));
    assert_true(ptp_frame_find(p, &place));
    assert_int_equal(place.message, message);
    assert_int_equal(place.size, size);
    packet_unref(p);
}

static void
assert_none(const char *hex)
{
    struct ptp_place place;
    struct packet *p = packet(hex);
    assert_false(ptp_frame_may_be(p) && ptp_frame_find(p, &place));
    packet_unref(p);
}

static void
finds_messages(void **state UNUSED)
{
    assert_found(ETHERNET "88f7" SYNC, 14, 44);
    assert_found(ETHERNET "8100 8000 88f7" SYNC, 18, 44);
    assert_found(ETHERNET "88a8 0005 8100 8000 88f7" SYNC "0000", 22, 46);
    assert_found(IPV4 SYNC, 42, 44);
    assert_found(IPV6 SYNC "0000", 62, 46);
}

static void
leaves_others_alone(void **state UNUSED)
{
    assert_none(ETHERNET "88b8" SYNC);
    assert_none(ETHERNET "88f7 0002002c000002000000");
    assert_none(ETHERNET "88f7");
    assert_none("011b19000000");
    /* another port, a fragment, TCP, a UDP length beyond the frame or below its header */
    assert_none("01005e000181664d7b9ae3560800 45000048e1c140000111ac600a010001e0000181 "
                "013f01410034ebc8" SYNC);
    assert_none("01005e000181664d7b9ae3560800 45000048e1c120000111cc600a010001e0000181 "
                "013f013f0034ebc8" SYNC);
    assert_none("01005e000181664d7b9ae3560800 45000048e1c140000106ac6b0a010001e0000181 "
                "013f013f0034ebc8" SYNC);
    assert_none("01005e000181664d7b9ae3560800 45000048e1c140000111ac600a010001e0000181 "
                "013f013f0035ebc8" SYNC);
    assert_none("01005e000181664d7b9ae3560800 45000048e1c140000111ac600a010001e0000181 "
                "013f013f0007ebc8" SYNC);
}

/* Over the pseudo-header and all of UDP: 0 if it is right. */
static uint16_t
udp_sum(const struct packet *p, uint32_t address, uint32_t address_size)
{
    uint32_t l4 = p->layout.l4, size = get_be16(p->data + l4 + 4);
    uint32_t sum = checksum_pseudo(p->data + address, p->data + address + address_size,
                                   address_size, IP_PROTO_UDP, size);
    return checksum_finish(checksum_add(sum, p->data + l4, size));
}

/* What the sender's card would have made of it. */
static void
complete(struct packet *p)
{
    p->offload = (struct packet_offload){
        .needs_checksum = true, .checksum_start = p->layout.l4, .checksum_offset = 6};
    packet_complete_checksum(p);
    p->offload.needs_checksum = false;
}

static void
correct(struct packet *p, int64_t correction)
{
    struct ptp_place place;
    assert_true(ptp_frame_find(p, &place));
    assert_int_equal(ptp_frame_correct(p, &place, correction), correction);
}

static void
a_corrected_message_keeps_its_checksum_right(void **state UNUSED)
{
    struct packet *v4 = packet(IPV4 SYNC), *v6 = packet(IPV6 SYNC "0000");
    complete(v4);
    complete(v6);
    assert_int_equal(udp_sum(v4, 26, 4), 0);
    assert_int_equal(udp_sum(v6, 22, 16), 0);
    for (int64_t i = 0; i < 100000; i++) { /* so that every value of a checksum comes by */
        correct(v4, i * 65537);
        correct(v6, -i * 65537);
        assert_int_equal(udp_sum(v4, 26, 4), 0);
        assert_int_equal(udp_sum(v6, 22, 16), 0);
        assert_int_not_equal(get_be16(v4->data + v4->layout.l4 + 6), 0);
    }
    packet_unref(v4);
    packet_unref(v6);
}

static void
a_checksum_that_is_to_be_completed_is_left(void **state UNUSED)
{
    struct packet *p = packet(IPV4 SYNC);
    p->offload = (struct packet_offload){
        .needs_checksum = true, .checksum_start = p->layout.l4, .checksum_offset = 6};
    correct(p, 123456789);
    assert_int_equal(get_be16(p->data + p->layout.l4 + 6), 0xebc8);
    packet_complete_checksum(p);
    assert_int_equal(udp_sum(p, 26, 4), 0);
    packet_unref(p);
}

static void
no_checksum_stays_none(void **state UNUSED)
{
    struct packet *p = packet(IPV4 SYNC);
    put_be16(p->data + p->layout.l4 + 6, 0);
    correct(p, 123456789);
    assert_int_equal(get_be16(p->data + p->layout.l4 + 6), 0);
    packet_unref(p);
}

static const struct mac ours = {{2, 0, 0, 0, 0, 1}};

static struct packet *
reply_to(const char *hex, enum ptp_type type)
{
    struct packet *p = packet(hex), *reply = packet_new(pool, PTP_FRAME_MAX);
    struct ptp_message m = {.type = (uint8_t)type, .source = {{1, 2, 3, 4, 5, 6, 7, 8}, 9}};
    struct ptp_headers h;
    struct flow_key key;
    ptp_frame_reply(p, &ours, 0x0a090001, &h);
    reply->size = ptp_frame_write(&h, &m, reply->data);
    assert_in_range(reply->size, 1, PTP_FRAME_MAX);
    packet_parse(reply, &key);
    packet_unref(p);
    return reply;
}

static void
an_answer_goes_the_way_the_question_came(void **state UNUSED)
{
    struct ptp_place place;
    struct packet *p = reply_to("0180c200000e664d7b9ae356 8100 8000 88f7" SYNC, PTP_PDELAY_RESP);
    assert_memory_equal(p->data, "\x01\x80\xc2\0\0\x0e\2\0\0\0\0\1\x81\0\x80\0\x88\xf7", 18);
    assert_int_equal(p->size, 18 + PTP_PDELAY_SIZE);
    packet_unref(p);
    /* a question to the node alone: to its sender alone */
    p = reply_to("020000000001664d7b9ae356 88f7" SYNC, PTP_PDELAY_RESP);
    assert_memory_equal(p->data, "\x66\x4d\x7b\x9a\xe3\x56\2\0\0\0\0\1\x88\xf7", 14);
    packet_unref(p);
    p = reply_to(IPV4 SYNC, PTP_PDELAY_RESP_FOLLOW_UP);
    assert_true(ptp_frame_find(p, &place));
    assert_memory_equal(p->data + 26, "\x0a\x09\0\1\xe0\0\1\x81", 8);
    assert_int_equal(get_be16(p->data + 36), PTP_GENERAL_PORT);
    assert_int_equal(udp_sum(p, 26, 4), 0);
    assert_int_equal(checksum_finish(checksum_add(0, p->data + 14, 20)), 0);
    packet_unref(p);
    p = reply_to(PDELAY_REQ_IPV6, PTP_PDELAY_RESP);
    assert_true(ptp_frame_find(p, &place));
    assert_memory_equal(p->data + 22, "\xfe\x80\0\0\0\0\0\0\0\0\0\xff\xfe\0\0\1", 16);
    assert_int_equal(udp_sum(p, 22, 16), 0);
    packet_unref(p);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_messages),
        cmocka_unit_test(leaves_others_alone),
        cmocka_unit_test(a_corrected_message_keeps_its_checksum_right),
        cmocka_unit_test(a_checksum_that_is_to_be_completed_is_left),
        cmocka_unit_test(no_checksum_stays_none),
        cmocka_unit_test(an_answer_goes_the_way_the_question_came),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
