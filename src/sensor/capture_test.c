#include "sensor/testing.h"

static struct capture capture;

static void
put32(struct made_frame *f, uint32_t v, bool swapped)
{
    v = swapped ? __builtin_bswap32(v) : v;
    put(f, &v, 4);
}

static void
put16(struct made_frame *f, uint16_t v, bool swapped)
{
    v = swapped ? __builtin_bswap16(v) : v;
    put(f, &v, 2);
}

static void
put_pcap(struct made_frame *f, uint32_t magic, bool swapped)
{
    put32(f, magic, swapped);
    put16(f, 2, swapped);
    put16(f, 4, swapped);
    put32(f, 0, swapped);
    put32(f, 0, swapped);
    put32(f, 65535, swapped);
    put32(f, LINK_ETHERNET, swapped);
}

static void
put_record(struct made_frame *f, bool swapped, uint32_t s, uint32_t fraction, const char *data)
{
    put32(f, s, swapped);
    put32(f, fraction, swapped);
    put32(f, (uint32_t)strlen(data), swapped);
    put32(f, 100, swapped);
    put(f, data, strlen(data));
}

static void
reads_pcap_of_either_order_and_resolution(void **state UNUSED)
{
    for (unsigned way = 0; way < 4; way++) {
        bool swapped = way & 1, nano = way & 2;
        struct made_frame f = {.size = 0};
        struct frame frame;
        struct diag diag = {""};
        put_pcap(&f, nano ? 0xa1b23c4d : 0xa1b2c3d4, swapped);
        put_record(&f, swapped, 7, 5, "one");
        put_record(&f, swapped, 8, 6, "three");
        assert_ok(capture_open(&capture, f.octets, f.size, &diag));
        assert_ok(capture_next(&capture, &frame, &diag));
        assert_int_equal(frame.time, 7 * NSEC_PER_SEC + (nano ? 5 : 5000));
        assert_int_equal(frame.size, 3);
        assert_int_equal(frame.wire, 100);
        assert_int_equal(frame.number, 1);
        assert_int_equal(frame.link, LINK_ETHERNET);
        assert_memory_equal(frame.data, "one", 3);
        assert_ok(capture_next(&capture, &frame, &diag));
        assert_int_equal(frame.number, 2);
        assert_err(capture_next(&capture, &frame, &diag), ERR_NOT_FOUND);
        assert_err(capture_next(&capture, &frame, &diag), ERR_NOT_FOUND);
    }
}

static void
put_block(struct made_frame *f, uint32_t type, const struct made_frame *body, bool swapped)
{
    uint32_t size = 12 + (body->size + 3) / 4 * 4;
    put32(f, type, swapped);
    put32(f, size, swapped);
    put(f, body->octets, body->size);
    for (uint32_t n = body->size; n % 4; n++)
        put(f, "", 1);
    put32(f, size, swapped);
}

static void
put_section(struct made_frame *f, bool swapped)
{
    struct made_frame b = {.size = 0};
    put32(&b, 0x1a2b3c4d, swapped);
    put16(&b, 1, swapped);
    put16(&b, 0, swapped);
    put32(&b, UINT32_MAX, swapped);
    put32(&b, UINT32_MAX, swapped);
    put_block(f, 0x0a0d0d0a, &b, swapped);
}

static void
put_interface(struct made_frame *f, uint16_t link, uint8_t resolution, bool swapped)
{
    struct made_frame b = {.size = 0};
    put16(&b, link, swapped);
    put16(&b, 0, swapped);
    put32(&b, 0, swapped);
    put16(&b, 9, swapped);
    put16(&b, 1, swapped);
    put(&b, (uint8_t[]){resolution, 0, 0, 0}, 4);
    put32(&b, 0, swapped);
    put_block(f, 1, &b, swapped);
}

static void
put_packet(struct made_frame *f, uint32_t interface, uint64_t time, const char *data, bool swapped)
{
    struct made_frame b = {.size = 0};
    put32(&b, interface, swapped);
    put32(&b, (uint32_t)(time >> 32), swapped);
    put32(&b, (uint32_t)time, swapped);
    put32(&b, (uint32_t)strlen(data), swapped);
    put32(&b, 60, swapped);
    put(&b, data, strlen(data));
    put_block(f, 6, &b, swapped);
}

static void
reads_pcapng_with_sections_and_interfaces(void **state UNUSED)
{
    struct made_frame f = {.size = 0}, unknown = {.octets = {1}, .size = 1};
    struct frame frame;
    struct diag diag = {""};
    put_section(&f, false);
    put_interface(&f, LINK_ETHERNET, 9, false);
    put_interface(&f, LINK_RAW, 0x80 | 10, false); /* 1024 a second */
    put_block(&f, 0xbad, &unknown, false);
    put_packet(&f, 0, 1500000000000000007, "one", false);
    put_packet(&f, 1, 1024 * 3 + 512, "two", false);
    put_section(&f, true);
    put_interface(&f, LINK_IPV4, 3, true);
    put_packet(&f, 0, 1234, "three", true);
    assert_ok(capture_open(&capture, f.octets, f.size, &diag));
    assert_ok(capture_next(&capture, &frame, &diag));
    assert_int_equal(frame.time, 1500000000000000007);
    assert_int_equal(frame.link, LINK_ETHERNET);
    assert_int_equal(frame.wire, 60);
    assert_ok(capture_next(&capture, &frame, &diag));
    assert_int_equal(frame.time, 3 * NSEC_PER_SEC + NSEC_PER_SEC / 2);
    assert_int_equal(frame.link, LINK_RAW);
    assert_ok(capture_next(&capture, &frame, &diag));
    assert_int_equal(frame.time, 1234 * NSEC_PER_MSEC);
    assert_int_equal(frame.link, LINK_IPV4);
    assert_int_equal(frame.number, 3);
    assert_memory_equal(frame.data, "three", 5);
    assert_err(capture_next(&capture, &frame, &diag), ERR_NOT_FOUND);
}

static void
a_capture_that_ends_anywhere_is_read_up_to_there(void **state UNUSED)
{
    for (unsigned ng = 0; ng < 2; ng++) {
        struct made_frame f = {.size = 0};
        uint32_t header;
        if (ng) {
            put_section(&f, false);
            put_interface(&f, LINK_ETHERNET, 9, false);
            header = 28;
            put_packet(&f, 0, 1, "one", false);
            put_packet(&f, 0, 2, "two", false);
        } else {
            put_pcap(&f, 0xa1b2c3d4, false);
            header = 24;
            put_record(&f, false, 1, 0, "one");
            put_record(&f, false, 2, 0, "two");
        }
        for (uint32_t size = 0; size <= f.size; size++) {
            struct frame frame;
            struct diag diag = {""};
            uint8_t *copy = malloc(size ? size : 1);
            memcpy(copy, f.octets, size);
            enum err err = capture_open(&capture, copy, size, &diag);
            unsigned n = 0;
            while (!err && !(err = capture_next(&capture, &frame, &diag)))
                n++;
            assert_true(err == ERR_TRUNCATED || err == ERR_NOT_FOUND);
            assert_true(size >= header || n == 0);
            assert_int_equal(n == 2, size == f.size);
            assert_true(err == ERR_NOT_FOUND || strstr(diag.text, "offset") || size < 4);
            free(copy);
        }
    }
}

static void
what_cannot_be_is_told_with_its_place(void **state UNUSED)
{
    struct frame frame;
    struct diag diag = {""};
    struct made_frame f = {.size = 0};
    put_hex(&f, "1f8b0800");
    assert_err(capture_open(&capture, f.octets, f.size, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "offset 0: neither pcap nor pcapng");
    f.size = 0;
    put_pcap(&f, 0xa1b2c3d4, false);
    put_hex(&f, "00000000 00000000 ffffff7f ffffff7f");
    assert_ok(capture_open(&capture, f.octets, f.size, &diag));
    assert_err(capture_next(&capture, &frame, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "offset 24: a packet of more than 262144 octets");
    f.size = 0;
    put_section(&f, false);
    put_packet(&f, 0, 1, "one", false);
    assert_ok(capture_open(&capture, f.octets, f.size, &diag));
    assert_err(capture_next(&capture, &frame, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "offset 28: a packet of an interface that is not described");
    f.size = 0;
    put_section(&f, false);
    put_interface(&f, LINK_ETHERNET, 60, false);
    assert_ok(capture_open(&capture, f.octets, f.size, &diag));
    assert_err(capture_next(&capture, &frame, &diag), ERR_MALFORMED);
}

TEST_MAIN(cmocka_unit_test(reads_pcap_of_either_order_and_resolution),
          cmocka_unit_test(reads_pcapng_with_sections_and_interfaces),
          cmocka_unit_test(a_capture_that_ends_anywhere_is_read_up_to_there),
          cmocka_unit_test(what_cannot_be_is_told_with_its_place))
