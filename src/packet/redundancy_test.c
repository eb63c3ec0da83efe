/* What tshark says of our frames is asked where tshark is; the layouts are IEC 62439-3's. */
#include "packet/redundancy.h"

#include "base/testing_pcap.h"

#include <stdio.h>
#include <unistd.h>

static struct packet_pool *pool;

static int
open_pool(void **state UNUSED)
{
    pool = packet_pool_new(4, 1);
    return 0;
}

static int
close_pool(void **state UNUSED)
{
    assert_int_equal(packet_pool_available(pool), 4);
    packet_pool_free(pool);
    return 0;
}

/* A frame of `size` octets whose payload counts up, `n_tags` VLAN tags in front of it. */
static struct packet *
frame(uint32_t size, unsigned n_tags)
{
    struct packet *p = packet_new(pool, size);
    struct flow_key key;
    p->size = size;
    for (uint32_t i = 0; i < size; i++)
        p->data[i] = (uint8_t)(i + 1);
    p->data[0] = 0x01;
    for (unsigned i = 0; i < n_tags; i++)
        put_be32(p->data + 12 + 4 * (size_t)i, 0x81008064);
    put_be16(p->data + 12 + 4 * (size_t)n_tags, ETH_TYPE_GOOSE);
    packet_parse(p, &key);
    return p;
}

static const struct redundancy_tag sample = {0x1234, PRP_LAN_A, 0};

static void
trailer_stands_behind_the_payload(void **state UNUSED)
{
    struct packet *p = frame(100, 0);
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_DONE);
    static const uint8_t rct[] = {0x12, 0x34, 0xa0, 92, 0x88, 0xfb}; /* 86 octets and 6 */
    assert_int_equal(p->size, 106);
    assert_memory_equal(p->data + 100, rct, 6);
    packet_unref(p);
}

static void
trailer_stands_behind_what_fills_a_short_frame(void **state UNUSED)
{
    struct packet *p = frame(20, 0);
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_DONE);
    static const uint8_t end[] = {0, 0, 0x12, 0x34, 0xa0, 52, 0x88, 0xfb};
    assert_int_equal(p->size, 66);
    assert_memory_equal(p->data + 58, end, 8);
    packet_unref(p);
    p = frame(60, 1); /* so that it is long enough without its VLAN tag, too */
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_DONE);
    assert_int_equal(p->size, 70);
    assert_int_equal(get_be16(p->data + 66), 0xa000 | 52);
    packet_unref(p);
}

static void
vlan_tags_do_not_count_in_the_size(void **state UNUSED)
{
    struct packet *p = frame(104, 1);
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_DONE);
    assert_int_equal(get_be16(p->data + 106), 0xa000 | 92);
    packet_unref(p);
}

static void
tag_stands_behind_the_vlan_tags(void **state UNUSED)
{
    struct packet *p = frame(104, 1);
    struct redundancy_tag tag = {0x1234, 1, 0};
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_HSR, &tag), EDIT_REPARSE);
    static const uint8_t head[] = {0x81, 0,  0x80, 0x64, 0x89, 0x2f,
                                   0x10, 92, 0x12, 0x34, 0x88, 0xb8};
    assert_int_equal(p->size, 110);
    assert_memory_equal(p->data + 12, head, 12);
    packet_unref(p);
}

/* Every size up to 1514, with 0 to 2 VLAN tags: what comes off is what was there. */
static void
what_is_pushed_can_be_found_and_popped(void **state UNUSED)
{
    for (unsigned form = 0; form < 2; form++) {
        uint16_t type = form ? ETH_TYPE_HSR : ETH_TYPE_PRP;
        for (uint32_t size = 60; size <= 1522; size++) {
            struct packet *before = frame(size, size % 3), *p = packet_copy(before);
            struct redundancy_tag tag = {(uint16_t)size, PRP_LAN_B, 0}, found;
            size_t offset;
            (void)packet_push_redundancy(p, type, &tag);
            assert_true(redundancy_find(type, p->data, p->size, &found, &offset));
            assert_int_equal(found.sequence, size);
            assert_int_equal(found.lan, PRP_LAN_B);
            (void)packet_pop_redundancy(p, type);
            assert_int_equal(p->size, MAX(size, 60 + 4 * (size % 3)));
            assert_memory_equal(p->data, before->data, size);
            assert_false(redundancy_find(type, p->data, p->size, &found, &offset));
            packet_unref(before);
            packet_unref(p);
        }
    }
}

static void
room_is_made_at_either_end(void **state UNUSED)
{
    struct packet *p = frame(PACKET_ROOM, 0); /* nothing is free behind it */
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_DONE);
    assert_int_equal(p->size, PACKET_ROOM + 6);
    assert_int_equal(p->data[20], 21);
    assert_true(p->data + p->size <= p->buffer + p->capacity);
    packet_unref(p);
}

static void
too_large_a_payload_is_refused(void **state UNUSED)
{
    struct packet *p = frame(14 + 4089, 0);
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_DONE);
    packet_unref(p);
    p = frame(14 + 4090, 0);
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_PRP, &sample), EDIT_NO_ROOM);
    assert_int_equal(packet_push_redundancy(p, ETH_TYPE_HSR, &sample), EDIT_NO_ROOM);
    packet_unref(p);
}

static void
a_checksum_left_to_the_card_is_completed_first(void **state UNUSED)
{
    struct packet *p = frame(60, 0), *q = frame(60, 0);
    p->offload = q->offload = (struct packet_offload){
        .needs_checksum = true, .checksum_start = 34, .checksum_offset = 6};
    packet_complete_checksum(q);
    (void)packet_push_redundancy(p, ETH_TYPE_PRP, &sample);
    assert_false(p->offload.needs_checksum);
    assert_memory_equal(p->data, q->data, 60);
    packet_unref(p);
    packet_unref(q);
}

static void
trailer_before_filling_zeros_is_found(void **state UNUSED)
{
    /* A node that adds the trailer first and fills up later: 10 octets of payload. */
    uint8_t octets[60] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xb8};
    struct redundancy_tag tag;
    size_t offset;
    static const uint8_t rct[] = {0, 7, 0xb0, 16, 0x88, 0xfb};
    memset(octets + 14, 0xee, 10);
    memcpy(octets + 24, rct, 6);
    assert_true(prp_find_rct(octets, sizeof octets, &tag, &offset));
    assert_int_equal(offset, 24);
    assert_int_equal(tag.sequence, 7);
    octets[59] = 1; /* that is payload, then */
    assert_false(prp_find_rct(octets, sizeof octets, &tag, &offset));
}

static void
no_trailer_without_the_right_size_and_lan(void **state UNUSED)
{
    struct packet *p = frame(100, 0);
    struct redundancy_tag tag;
    size_t offset;
    (void)packet_push_redundancy(p, ETH_TYPE_PRP, &sample);
    p->data[103]++;
    assert_false(prp_find_rct(p->data, p->size, &tag, &offset));
    p->data[103]--;
    p->data[102] ^= 0x40;
    assert_false(prp_find_rct(p->data, p->size, &tag, &offset));
    p->data[102] ^= 0x40;
    assert_true(prp_find_rct(p->data, p->size, &tag, &offset));
    for (size_t size = 0; size < 106; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, p->data, size);
        assert_false(prp_find_rct(copy, size, &tag, &offset));
        assert_false(hsr_find_tag(copy, size, &tag, &offset));
        free(copy);
    }
    packet_unref(p);
}

static const struct supervision told = {.type = SUPERVISION_PRP_DISCARD,
                                        .version = 1,
                                        .sequence = 0x0102,
                                        .node = {{2, 0, 0, 0, 0, 7}},
                                        .has_redbox = true,
                                        .redbox = {{2, 0, 0, 0, 0, 9}}};

static void
supervision_frames_say_who_is_there(void **state UNUSED)
{
    static const uint8_t expected[] = {0x01, 0x15, 0x4e, 0, 1, 0x2a, 2,  0, 0, 0, 0, 1,
                                       0x88, 0xfb, 0,    1, 1, 2,    20, 6, 2, 0, 0, 0,
                                       0,    7,    30,   6, 2, 0,    0,  0, 0, 9, 0, 0};
    uint8_t octets[SUPERVISION_FRAME_SIZE], lan;
    struct supervision s;
    struct mac source = {{2, 0, 0, 0, 0, 1}};
    supervision_write(&told, &source, 0x2a, octets);
    assert_memory_equal(octets, expected, sizeof expected);
    assert_ok(supervision_read(octets, sizeof octets, &s, &lan, NULL));
    assert_int_equal(lan, 0xff);
    assert_int_equal(s.sequence, 0x0102);
    assert_memory_equal(&s.node, &told.node, 6);
    assert_memory_equal(&s.redbox, &told.redbox, 6);
}

static void
supervision_frames_are_read_behind_tags(void **state UNUSED)
{
    for (unsigned form = 0; form < 2; form++) {
        struct packet *p = packet_new(pool, SUPERVISION_FRAME_SIZE);
        struct redundancy_tag tag = {5, PRP_LAN_B, 0};
        struct supervision s;
        uint8_t lan;
        struct mac source = {{2, 0, 0, 0, 0, 1}};
        p->size = SUPERVISION_FRAME_SIZE;
        supervision_write(&told, &source, 0, p->data);
        (void)packet_push_redundancy(p, form ? ETH_TYPE_HSR : ETH_TYPE_PRP, &tag);
        assert_ok(supervision_read(p->data, p->size, &s, &lan, NULL));
        assert_int_equal(lan, PRP_LAN_B);
        assert_memory_equal(&s.node, &told.node, 6);
        packet_unref(p);
    }
}

static void
supervision_survives_truncation_at_every_octet(void **state UNUSED)
{
    uint8_t octets[SUPERVISION_FRAME_SIZE];
    struct supervision s;
    supervision_write(&told, &told.node, 0, octets);
    for (size_t size = 0; size <= 22; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, octets + 14, size);
        enum err err = supervision_decode(copy, size, &s, NULL);
        /* 12 octets are the first TLV, 20 the second. */
        bool whole = size == 12 || size == 13 || size >= 20;
        assert_err(err, whole ? ERR_OK : ERR_TRUNCATED);
        free(copy);
    }
    octets[14 + 5] = 7;
    assert_err(supervision_decode(octets + 14, 46, &s, NULL), ERR_MALFORMED);
    octets[14 + 4] = 99;
    assert_err(supervision_decode(octets + 14, 46, &s, NULL), ERR_UNSUPPORTED);
}

/* ---- What tshark says ---- */

static void
capture(FILE *file, const struct packet *p)
{
    uint32_t header[4] = {0, 0, p->size, p->size};
    fwrite(header, sizeof header, 1, file);
    fwrite(p->data, p->size, 1, file);
    packet_unref((struct packet *)(uintptr_t)p);
}

static void
capture_supervision(FILE *file, uint16_t type, uint8_t tlv)
{
    struct supervision s = told;
    struct packet *p = packet_new(pool, SUPERVISION_FRAME_SIZE);
    p->size = SUPERVISION_FRAME_SIZE;
    s.type = tlv;
    supervision_write(&s, &s.node, 0, p->data);
    (void)packet_push_redundancy(p, type, &sample);
    capture(file, p);
}

static void
tshark_reads_them_alike(void **state UNUSED)
{
    if (tshark_missing("redundancy_test"))
        skip();
    char path[] = "/tmp/redundancy_test.XXXXXX", command[512], line[256];
    static const uint32_t header[] = {0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1};
    static const char *const expected[] = {
        "4660;10;92;;;;;\n",                                   /* PRP */
        "4660;10;52;;;;;\n",                                   /* behind filling */
        ";;;10;92;4660;;\n",                                   /* HSR */
        "4660;10;52;;;;02:00:00:00:00:07;02:00:00:00:00:09\n", /* PRP supervision */
        ";;;10;52;4660;02:00:00:00:00:07;02:00:00:00:00:09\n"  /* HSR supervision */
    };
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "wb");
    fwrite(header, sizeof header, 1, file);
    static const uint32_t sizes[] = {100, 60, 100};
    for (unsigned i = 0; i < 3; i++) {
        struct packet *p = frame(sizes[i], 0);
        (void)packet_push_redundancy(p, i == 2 ? ETH_TYPE_HSR : ETH_TYPE_PRP, &sample);
        capture(file, p);
    }
    capture_supervision(file, ETH_TYPE_PRP, SUPERVISION_PRP_DISCARD);
    capture_supervision(file, ETH_TYPE_HSR, SUPERVISION_HSR);
    fclose(file);
    snprintf(command, sizeof command,
             "tshark -r %s --enable-protocol prp -T fields -E 'separator=;' -e "
             "prp.trailer.prp_sequence_nr"
             " -e prp.trailer.prp_lan -e prp.trailer.prp_size -e hsr.path -e hsr.lsdu_size"
             " -e hsr.sequence_nr -e hsr_prp_supervision.source_mac_address"
             " -e hsr_prp_supervision.red_box_mac_address 2>/dev/null",
             path);
    FILE *rows = popen(command, "r");
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_non_null(fgets(line, sizeof line, rows));
        assert_string_equal(line, expected[i]);
    }
    pclose(rows);
    unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trailer_stands_behind_the_payload),
        cmocka_unit_test(trailer_stands_behind_what_fills_a_short_frame),
        cmocka_unit_test(vlan_tags_do_not_count_in_the_size),
        cmocka_unit_test(tag_stands_behind_the_vlan_tags),
        cmocka_unit_test(what_is_pushed_can_be_found_and_popped),
        cmocka_unit_test(room_is_made_at_either_end),
        cmocka_unit_test(too_large_a_payload_is_refused),
        cmocka_unit_test(a_checksum_left_to_the_card_is_completed_first),
        cmocka_unit_test(trailer_before_filling_zeros_is_found),
        cmocka_unit_test(no_trailer_without_the_right_size_and_lan),
        cmocka_unit_test(supervision_frames_say_who_is_there),
        cmocka_unit_test(supervision_frames_are_read_behind_tags),
        cmocka_unit_test(supervision_survives_truncation_at_every_octet),
        cmocka_unit_test(tshark_reads_them_alike),
    };
    return cmocka_run_group_tests(tests, open_pool, close_pool);
}
