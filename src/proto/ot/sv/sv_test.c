#include "proto/ot/sv/sv.h"

#include "base/testing.h"

#include <stdio.h>

/* A frame around the savPdu's contents, whatever their length. */
static uint8_t *
frame_of(const char *hex, size_t *size)
{
    size_t n;
    uint8_t *fields = hex_bytes(hex, &n);
    struct buf b = BUF_INIT;
    size_t begin = iec61850_header_begin(&b, &(struct iec61850_header){.appid = 0x4001});
    ber_put(&b, 0x60, fields, n);
    iec61850_header_end(&b, begin);
    free(fields);
    *size = b.size;
    uint8_t *exact = malloc(b.size);
    memcpy(exact, b.data, b.size);
    buf_fini(&b);
    return exact;
}

/* Two ASDUs, one with every optional field, by hand after IEC 61850-9-2 clause 8.5.2. */
#define FULL                                                                                       \
    "8001 02 A250"                                                                                 \
    "3035 8002 6D31 8101 64 8202 0118 8304 00000007 8408 48888F31 240000 0A"                       \
    "8501 02 8602 0FA0 8703 AABBCC 8802 0001 8908 0011223344556677"                                \
    "3017 8002 6D32 8202 0119 8304 00000007 8501 00 8704 01020304"

static void
reads_every_field(void **state UNUSED)
{
    size_t size;
    uint8_t *frame = frame_of(FULL, &size);
    struct cursor c = cursor_over(frame, size);
    struct sv_pdu pdu;
    assert_ok(sv_decode(&c, &pdu));
    assert_int_equal(pdu.header.appid, 0x4001);
    assert_int_equal(pdu.n_asdus, 2);
    const struct sv_asdu *a = &pdu.asdus[0], *b = &pdu.asdus[1];
    assert_memory_equal(a->sv_id.data, "m1", 2);
    assert_memory_equal(a->dat_set.data, "d", 1);
    assert_int_equal(a->smp_cnt, 280);
    assert_int_equal(a->conf_rev, 7);
    assert_true(a->has_refr_tm && a->refr_tm.seconds == 0x48888f31);
    assert_int_equal(a->smp_synch, SV_SYNCH_GLOBAL);
    assert_true(a->has_smp_rate && a->smp_rate == 4000);
    assert_int_equal(a->sample_size, 3);
    assert_true(a->has_smp_mod && a->smp_mod == 1);
    assert_memory_equal(a->gm_identity, "\x00\x11\x22\x33\x44\x55\x66\x77", 8);
    assert_int_equal(b->smp_cnt, 281);
    assert_null(b->dat_set.data);
    assert_null(b->gm_identity);
    assert_false(b->has_refr_tm || b->has_smp_rate || b->has_smp_mod);
    assert_memory_equal(b->sample, "\x01\x02\x03\x04", 4);

    struct buf again = BUF_INIT;
    assert_ok(sv_encode(&again, &pdu));
    assert_int_equal(again.size, size);
    assert_memory_equal(again.data, frame, size);
    buf_fini(&again);
    free(frame);
}

static void
says_which_field_is_wrong_and_where(void **state UNUSED)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"8101 01", "noASDU at offset 10: malformed input"},
        {"8001 01 A200", "noASDU at offset 10: invalid value"},
        {"8001 00 A200", "noASDU at offset 10: invalid value"},
        {"8001 01 8101 00", "seqASDU at offset 16: truncated input"},
        {"8001 01 A202 3100", "ASDU at offset 15: malformed input"},
        {"8001 01 A205 3003 8201 00", "svID at offset 17: malformed input"},
        {"8001 01 A208 3006 8001 61 8201 00", "smpCnt at offset 22: malformed input"},
        {"8001 01 A20F 300D 8001 61 8202 0000 8304 00000000", "smpSynch at offset 30: "
                                                              "truncated input"},
        {"8001 01 A213 3011 8001 61 8202 0000 8304 00000000 8502 0000",
         "smpSynch at offset 32: malformed input"},
        {"8001 01 A218 3016 8001 61 8202 0000 8304 00000000 8501 00 8700 8A02 0000",
         "trailing octets at offset 35: malformed input"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t size;
        uint8_t *frame = frame_of(cases[i].hex, &size);
        struct cursor c = cursor_over(frame, size);
        struct sv_pdu pdu = {.n_asdus = 77};
        struct diag diag = {"no error"};
        assert_int_not_equal(sv_decode(&c, &pdu), ERR_OK);
        cursor_explain(&c, &diag);
        assert_string_equal(diag.text, cases[i].text);
        assert_int_equal(pdu.n_asdus, 77); /* untouched */
        free(frame);
    }
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    size_t size;
    uint8_t *whole = frame_of(FULL, &size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, whole, cut);
        struct cursor c = cursor_over(copy, cut);
        struct sv_pdu pdu;
        assert_err(sv_decode(&c, &pdu), ERR_TRUNCATED);
        free(copy);
    }
    free(whole);
}

static void
the_number_of_asdus_has_a_limit(void **state UNUSED)
{
    struct sv_pdu pdu = {.n_asdus = SV_MAX_ASDUS};
    for (unsigned i = 0; i < SV_MAX_ASDUS; i++)
        pdu.asdus[i].sv_id = (struct ber_text){"m", 1};
    struct buf b = BUF_INIT;
    assert_ok(sv_encode(&b, &pdu));
    struct cursor c = cursor_over(b.data, b.size);
    assert_ok(sv_decode(&c, &pdu));
    assert_int_equal(pdu.n_asdus, SV_MAX_ASDUS);

    struct buf fields = BUF_INIT, frame = BUF_INIT; /* the same, with one more */
    c = cursor_over(b.data + 8, b.size - 8);
    struct cursor sav = ber_expect(&c, 0x60, "savPdu");
    ber_get_uint(&sav, 0x80, "noASDU");
    struct cursor asdus = ber_expect(&sav, 0xa2, "seqASDU");
    size_t one = cursor_left(&asdus) / SV_MAX_ASDUS;
    ber_put_uint(&fields, 0x80, SV_MAX_ASDUS + 1);
    size_t begin = ber_begin(&fields, 0xa2);
    for (unsigned i = 0; i <= SV_MAX_ASDUS; i++)
        buf_put(&fields, asdus.pos, one);
    ber_end(&fields, begin);
    size_t at = iec61850_header_begin(&frame, &pdu.header);
    ber_put(&frame, 0x60, fields.data, fields.size);
    iec61850_header_end(&frame, at);
    c = cursor_over(frame.data, frame.size);
    assert_err(sv_decode(&c, &pdu), ERR_LIMIT);
    assert_string_equal(c.field, "ASDU");
    buf_fini(&b);
    buf_fini(&fields);
    buf_fini(&frame);
}

static void
the_le_data_set_is_eight_values_and_qualities(void **state UNUSED)
{
    struct sv_le_sample sample = {
        .value = {-108158, 277980, -168100, 1722, -7474176, 18742210, INT32_MIN, INT32_MAX},
        .quality = {0, 0, 0, SV_QUALITY_DERIVED, 1, 3, SV_QUALITY_TEST, UINT32_MAX},
    };
    uint8_t octets[SV_LE_SAMPLE_SIZE];
    sv_le_encode(octets, &sample);
    assert_memory_equal(octets, "\xff\xfe\x59\x82\x00\x00\x00\x00\x00\x04\x3d\xdc", 12);
    struct sv_asdu asdu = {.sample = octets, .sample_size = sizeof octets};
    struct sv_le_sample back;
    assert_ok(sv_le_decode(&asdu, &back));
    assert_memory_equal(&back, &sample, sizeof back);
    asdu.sample_size--;
    assert_err(sv_le_decode(&asdu, &back), ERR_MALFORMED);
}

TEST_MAIN(cmocka_unit_test(reads_every_field),
          cmocka_unit_test(says_which_field_is_wrong_and_where),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(the_number_of_asdus_has_a_limit),
          cmocka_unit_test(the_le_data_set_is_eight_values_and_qualities))
