#include "proto/ot/goose/goose.h"

#include "base/testing.h"

/* One message with every field, written by hand after IEC 61850-8-1 annex A. */
static const char frame_hex[] = "3001 005C 8000 0000" /* APPID, length, simulated */
                                "6152"
                                "800E 4C442F4C4C4E3024474F24676331" /* LD/LLN0$GO$gc1 */
                                "8102 07D0"                         /* 2000 ms */
                                "8209 4C442F4C4C4E30247A"           /* LD/LLN0$z */
                                "8302 6731"                         /* g1 */
                                "8408 48888F31 240000 0A"           /* t */
                                "8501 05"                           /* stNum */
                                "8602 0081"                         /* sqNum 129 */
                                "8701 01"                           /* simulation */
                                "8801 03"                           /* confRev */
                                "8901 01"                           /* ndsCom */
                                "8A01 02"                           /* numDatSetEntries */
                                "AB10"                              /* allData */
                                "8301 01"
                                "A20B 8403 03 1000 8504 FFFFFF85";

struct fixture {
    uint8_t *octets;
    size_t size;
    struct arena *arena;
    struct cursor cursor;
    struct goose_pdu pdu;
};

static enum err
decode(struct fixture *f, const char *hex)
{
    free(f->octets);
    f->octets = hex_bytes(hex, &f->size);
    arena_reset(f->arena);
    f->cursor = cursor_over(f->octets, f->size);
    return goose_decode(&f->cursor, f->arena, &f->pdu);
}

/* Frames the goosePdu's contents, whatever their length. */
static enum err
decode_fields(struct fixture *f, const char *hex)
{
    size_t size;
    uint8_t *fields = hex_bytes(hex, &size);
    struct buf b = BUF_INIT;
    size_t begin = iec61850_header_begin(&b, &(struct iec61850_header){.appid = 1});
    ber_put(&b, 0x61, fields, size);
    iec61850_header_end(&b, begin);
    free(fields);
    free(f->octets);
    f->octets = malloc(b.size);
    memcpy(f->octets, b.data, b.size);
    f->size = b.size;
    buf_fini(&b);
    arena_reset(f->arena);
    f->cursor = cursor_over(f->octets, f->size);
    return goose_decode(&f->cursor, f->arena, &f->pdu);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new(GOOSE_VALUES_BUDGET);
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    free(f->octets);
    free(f);
    return 0;
}

#define assert_text(text, expected)                                                                \
    do {                                                                                           \
        assert_int_equal((text).size, strlen(expected));                                           \
        assert_memory_equal((text).data, expected, (text).size);                                   \
    } while (0)

static void
reads_every_field(void **state)
{
    struct fixture *f = *state;
    assert_ok(decode(f, frame_hex));
    assert_int_equal(f->pdu.header.appid, 0x3001);
    assert_int_equal(f->pdu.header.reserved1, IEC61850_SIMULATED);
    assert_text(f->pdu.gocb_ref, "LD/LLN0$GO$gc1");
    assert_int_equal(f->pdu.time_allowed_to_live_ms, 2000);
    assert_text(f->pdu.dat_set, "LD/LLN0$z");
    assert_text(f->pdu.go_id, "g1");
    assert_int_equal(f->pdu.t.seconds, 0x48888f31);
    assert_int_equal(f->pdu.st_num, 5);
    assert_int_equal(f->pdu.sq_num, 129);
    assert_true(f->pdu.simulation);
    assert_int_equal(f->pdu.conf_rev, 3);
    assert_true(f->pdu.nds_com);
    assert_int_equal(f->pdu.n_values, 2);
    assert_int_equal(f->pdu.values[0].type, GOOSE_BOOLEAN);
    assert_true(f->pdu.values[0].boolean);
    const struct goose_value *structure = &f->pdu.values[1];
    assert_int_equal(structure->type, GOOSE_STRUCTURE);
    assert_int_equal(structure->list.n, 2);
    assert_int_equal(structure->list.values[0].octets.n_unused_bits, 3);
    assert_memory_equal(structure->list.values[0].octets.data, "\x10\x00", 2);
    assert_int_equal(structure->list.values[1].integer, -123);
}

static void
writes_what_it_read(void **state)
{
    struct fixture *f = *state;
    assert_ok(decode(f, frame_hex));
    struct buf b = BUF_INIT;
    assert_ok(goose_encode(&b, &f->pdu));
    /* The integer -123 stood in four octets and goes out in one. */
    struct goose_pdu again;
    struct cursor c = cursor_over(b.data, b.size);
    assert_ok(goose_decode(&c, f->arena, &again));
    assert_int_equal(b.size, f->size - 3);
    assert_int_equal(again.values[1].list.values[1].integer, -123);
    f->pdu.values = NULL; /* now the octets as they were */
    buf_clear(&b);
    assert_ok(goose_encode(&b, &f->pdu));
    assert_int_equal(b.size, f->size);
    assert_memory_equal(b.data, f->octets, b.size);
    buf_fini(&b);
}

static void
fields_with_defaults_may_be_absent(void **state)
{
    struct fixture *f = *state;
    assert_ok(decode_fields(f, "800161 810105 820162 8408 0000000000000000 850101 860101 880101"
                               "8A0100 AB00"));
    assert_null(f->pdu.go_id.data);
    assert_false(f->pdu.simulation);
    assert_false(f->pdu.nds_com);
    assert_int_equal(f->pdu.n_values, 0);
    assert_false(f->pdu.has_security);
}

static void
takes_long_lengths_and_fixed_integers(void **state)
{
    struct fixture *f = *state;
    assert_ok(decode_fields(f, "80820001 61 81050000000005 8281 0162 8408 0000000000000000"
                               "850500FFFFFFFF 860101 880101 8A0101 AB840000 0003 830101 8C0100"));
    assert_int_equal(f->pdu.st_num, UINT32_MAX);
    assert_true(f->pdu.has_security);
}

static void
says_which_field_is_wrong_and_where(void **state)
{
    static const struct {
        const char *hex, *text;
    } cases[] = {
        {"810105", "gocbRef at offset 10: malformed input"},
        {"800161 820162", "timeAllowedtoLive at offset 13: malformed input"},
        {"800161 8101FF", "timeAllowedtoLive at offset 15: invalid value"},
        {"800161 81050100000000", "timeAllowedtoLive at offset 15: invalid value"},
        {"800161 810105 820162 8407 00000000000000", "t at offset 21: truncated input"},
        {"800161 810105 820162 8409 000000000000000000",
         "trailing octets at offset 29: malformed input"},
        {"800161 810105 820162 8408 0000000000000000 850101 8600",
         "sqNum at offset 34: malformed input"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101",
         "numDatSetEntries at offset 38: truncated input"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101 8A0102 AB03 830100",
         "numDatSetEntries at offset 38: invalid value"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101 8A0101 AB04 83020000",
         "boolean at offset 45: malformed input"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101 8A0101 AB03 920100",
         "Data at offset 43: not supported"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101 8A0101 AB04 84020801",
         "bit-string at offset 45: malformed input"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101 8A0101 AB07 "
         "8705 0B00000000",
         "floating-point at offset 45: malformed input"},
        {"800161 810105 820162 8408 0000000000000000 850101 860101 880101 8A0100 AB00 8D0100",
         "trailing octets at offset 43: malformed input"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {""};
        memset(&f->pdu, 0x5a, sizeof f->pdu);
        enum err err = decode_fields(f, cases[i].hex);
        assert_int_not_equal(err, ERR_OK);
        cursor_explain(&f->cursor, &diag);
        assert_string_equal(diag.text, cases[i].text);
        assert_int_equal(f->pdu.st_num, 0x5a5a5a5a); /* untouched */
    }
}

static void
refuses_other_pdus(void **state)
{
    struct fixture *f = *state;
    assert_err(decode(f, "0001 000A 0000 0000 6000"), ERR_UNSUPPORTED);
    assert_err(decode(f, "0001 000A 0000 0000 6200"), ERR_MALFORMED);
    assert_err(decode(f, "0001 0008 0000 0000"), ERR_TRUNCATED);
    assert_err(decode(f, "0001 000C 0000 0000 6100 0000"), ERR_TRUNCATED);
}

static void
survives_truncation_at_every_octet(void **state)
{
    struct fixture *f = *state;
    size_t size;
    uint8_t *whole = hex_bytes(frame_hex, &size);
    for (size_t cut = 0; cut < size; cut++) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, whole, cut);
        struct cursor c = cursor_over(copy, cut);
        arena_reset(f->arena);
        assert_err(goose_decode(&c, f->arena, &f->pdu), ERR_TRUNCATED);
        free(copy);
    }
    free(whole);
}

static void
every_type_of_value_survives_the_wire(void **state)
{
    struct fixture *f = *state;
    static const uint8_t octets[] = {0xde, 0xad, 0xbe, 0xe0};
    struct goose_value inner[] = {
        {.type = GOOSE_BOOLEAN, .boolean = true},
        {.type = GOOSE_INTEGER, .integer = INT64_MIN},
    };
    struct goose_value values[] = {
        {.type = GOOSE_ARRAY, .list = {inner, 1}},
        {.type = GOOSE_STRUCTURE, .list = {inner, 2}},
        {.type = GOOSE_BIT_STRING, .octets = {octets, 4, 5}},
        {.type = GOOSE_UNSIGNED, .natural = UINT64_MAX},
        {.type = GOOSE_FLOATING_POINT, .number = {243.15625, false}},
        {.type = GOOSE_FLOATING_POINT, .number = {-0.1, true}},
        {.type = GOOSE_REAL, .octets = {octets, 3, 0}},
        {.type = GOOSE_OCTET_STRING, .octets = {octets, 4, 0}},
        {.type = GOOSE_VISIBLE_STRING, .octets = {(const uint8_t *)"open", 4, 0}},
        {.type = GOOSE_GENERALIZED_TIME, .octets = {(const uint8_t *)"20260101000000Z", 15, 0}},
        {.type = GOOSE_BINARY_TIME, .octets = {octets, 4, 0}},
        {.type = GOOSE_BCD, .integer = 12},
        {.type = GOOSE_BOOLEAN_ARRAY, .octets = {octets, 4, 1}},
        {.type = GOOSE_OBJECT_ID, .octets = {(const uint8_t *)"\x2b", 1, 0}},
        {.type = GOOSE_MMS_STRING, .octets = {(const uint8_t *)"\xc3\xa9", 2, 0}},
        {.type = GOOSE_UTC_TIME, .time = {1, 2, 3}},
        {.type = GOOSE_OCTET_STRING},
    };
    struct buf b = BUF_INIT;
    goose_values_encode(&b, values, ARRAY_SIZE(values));
    struct goose_value *back;
    size_t n;
    struct cursor c = cursor_over(b.data, b.size);
    assert_ok(goose_values_decode(&c, f->arena, &back, &n));
    assert_int_equal(n, ARRAY_SIZE(values));
    for (size_t i = 0; i < n; i++)
        assert_int_equal(back[i].type, values[i].type);
    assert_true(back[1].list.values[1].integer == INT64_MIN);
    assert_int_equal(back[2].octets.n_unused_bits, 5);
    assert_true(back[3].natural == UINT64_MAX);
    assert_true(back[4].number.value == 243.15625 && !back[4].number.is_double);
    assert_true(back[5].number.value == -0.1 && back[5].number.is_double);
    assert_int_equal(back[7].octets.size, 4);
    assert_int_equal(back[15].time.fraction, 2);
    struct buf again = BUF_INIT;
    goose_values_encode(&again, back, n);
    assert_int_equal(again.size, b.size);
    assert_memory_equal(again.data, b.data, b.size);
    buf_fini(&again);
    buf_fini(&b);
}

static void
nesting_has_a_limit(void **state)
{
    struct fixture *f = *state;
    for (unsigned depth = 1; depth <= GOOSE_MAX_DEPTH + 2; depth++) {
        struct buf b = BUF_INIT;
        size_t begin[GOOSE_MAX_DEPTH + 2];
        for (unsigned i = 0; i + 1 < depth; i++)
            begin[i] = ber_begin(&b, BER_CONSTRUCTED(i % 2 ? GOOSE_ARRAY : GOOSE_STRUCTURE));
        ber_put_bool(&b, BER_CONTEXT(GOOSE_BOOLEAN), true);
        for (unsigned i = depth - 1; i-- > 0;)
            ber_end(&b, begin[i]);
        struct goose_value *values;
        size_t n;
        struct cursor c = cursor_over(b.data, b.size);
        assert_err(goose_values_decode(&c, f->arena, &values, &n),
                   depth > GOOSE_MAX_DEPTH ? ERR_LIMIT : ERR_OK);
        buf_fini(&b);
    }
}

static void
the_budget_bounds_what_a_frame_can_cost(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    for (int i = 0; i < 700; i++)
        ber_put(&b, BER_CONTEXT(GOOSE_OCTET_STRING), "", 0); /* the cheapest value to send */
    struct arena *small = arena_new(4096), *full = arena_new(GOOSE_VALUES_BUDGET);
    struct goose_value *values = NULL;
    size_t n;
    struct cursor c = cursor_over(b.data, b.size);
    assert_err(goose_values_decode(&c, small, &values, &n), ERR_LIMIT);
    assert_null(values);
    c = cursor_over(b.data, b.size);
    assert_ok(goose_values_decode(&c, full, &values, &n));
    arena_free(small);
    arena_free(full);
    buf_fini(&b);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(CASE(reads_every_field), CASE(writes_what_it_read),
          CASE(fields_with_defaults_may_be_absent), CASE(takes_long_lengths_and_fixed_integers),
          CASE(says_which_field_is_wrong_and_where), CASE(refuses_other_pdus),
          CASE(survives_truncation_at_every_octet), CASE(every_type_of_value_survives_the_wire),
          CASE(nesting_has_a_limit), CASE(the_budget_bounds_what_a_frame_can_cost))
