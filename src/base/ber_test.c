#include "base/ber.h"

#include "base/testing.h"

/* A cursor over hex digits; the octets are freed by the group's teardown. */
static uint8_t *last;

static struct cursor
over(const char *hex)
{
    size_t size;
    free(last);
    last = hex_bytes(hex, &size);
    return cursor_over(last, size);
}

static int
free_last(void **state UNUSED)
{
    free(last);
    last = NULL;
    return 0;
}

static void
reads_the_personnel_record_of_x690_annex_a(void **state UNUSED)
{
    /* X.690 Annex A.3: the name, the title and the employee number 51 of the record. */
    struct cursor c = over(
        "6110 1A044A6F686E 1A0150 1A05536D697468 A00A 1A084469726563746F72 420133");
    struct cursor name = ber_expect(&c, BER_APPLICATION(1), "name");
    struct ber_text given = ber_get_text(&name, 0x1a, "givenName");
    struct ber_text initial = ber_get_text(&name, 0x1a, "initial");
    struct ber_text family = ber_get_text(&name, 0x1a, "familyName");
    cursor_join(&c, &name);
    uint32_t tag;
    struct cursor title = ber_read(&c, &tag, "title");
    assert_int_equal(tag, BER_CONSTRUCTED(0));
    assert_int_equal(ber_get_text(&title, 0x1a, "title").size, 8);
    cursor_join(&c, &title);
    assert_int_equal(ber_get_int(&c, 0x42, "number"), 51);
    assert_ok(c.err);
    assert_memory_equal(given.data, "John", given.size);
    assert_memory_equal(initial.data, "P", initial.size);
    assert_memory_equal(family.data, "Smith", family.size);
}

static void
reads_every_form_of_length(void **state UNUSED)
{
    struct cursor c = over("0400 0481 01aa 0482 0002 bbcc 0484 00000001 dd");
    assert_int_equal(ber_get_text(&c, 4, "empty").size, 0);
    assert_int_equal(ber_get_text(&c, 4, "one octet").size, 1);
    assert_int_equal(ber_get_text(&c, 4, "two octets").size, 2);
    assert_int_equal(ber_get_text(&c, 4, "four octets").size, 1);
    assert_ok(c.err);
    assert_int_equal(cursor_left(&c), 0);
}

static void
refuses_lengths_that_cannot_be(void **state UNUSED)
{
    static const struct {
        const char *hex;
        enum err err;
    } cases[] = {
        {"0480 0000", ERR_UNSUPPORTED},                /* indefinite */
        {"04ff", ERR_MALFORMED},                       /* reserved, clause 8.1.3.5 c */
        {"0402aa", ERR_TRUNCATED},                     /* one octet short */
        {"0484ffffffff", ERR_TRUNCATED},               /* 4 GB */
        {"0489 01ffffffffffffffff 00", ERR_TRUNCATED}, /* more than a size_t */
        {"0482 01", ERR_TRUNCATED},                    /* within the length */
        {"1f", ERR_TRUNCATED},                         /* within the tag */
        {"1f 8f 8f 8f 8f 01 00", ERR_UNSUPPORTED},     /* a tag of 29 bits */
        {"", ERR_TRUNCATED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cursor c = over(cases[i].hex);
        ber_read(&c, NULL, "value");
        assert_err(c.err, cases[i].err);
    }
}

static void
names_the_field_and_the_offset_of_a_wrong_tag(void **state UNUSED)
{
    struct cursor c = over("800101 820103");
    ber_get_uint(&c, BER_CONTEXT(0), "noASDU");
    ber_get_uint(&c, BER_CONTEXT(1), "confRev");
    struct diag diag;
    assert_err(cursor_explain(&c, &diag), ERR_MALFORMED);
    assert_string_equal(diag.text, "confRev at offset 3: malformed input");
}

static void
reads_tags_above_thirty(void **state UNUSED)
{
    struct cursor c = over("5f810001aa bf1f00");
    assert_int_equal(ber_peek(&c), BER_HIGH_TAG(0x5f, 128));
    ber_get_text(&c, BER_HIGH_TAG(0x5f, 128), "value");
    assert_int_equal(ber_peek(&c), BER_HIGH_TAG(0xbf, 31));
    ber_expect(&c, BER_HIGH_TAG(0xbf, 31), "value");
    assert_ok(c.err);
    assert_int_equal(ber_peek(&c), BER_NONE);
}

static void
reads_integers_as_x690_writes_them(void **state UNUSED)
{
    static const struct {
        const char *hex;
        int64_t value;
    } cases[] = {
        {"020100", 0},
        {"02017f", 127},
        {"02020080", 128},
        {"020180", -128},
        {"0202ff7f", -129},
        {"02087fffffffffffffff", INT64_MAX},
        {"02088000000000000000", INT64_MIN},
        {"02050000000001", 1},              /* fixed length, five octets */
        {"020affffffffffffffffff85", -123}, /* the sign, repeated */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct cursor c = over(cases[i].hex);
        assert_true(ber_get_int(&c, 2, "value") == cases[i].value);
        assert_ok(c.err);
    }
}

static void
refuses_integers_that_do_not_fit(void **state UNUSED)
{
    struct cursor c = over("0209008000000000000000"); /* 2^63 */
    ber_get_int(&c, 2, "value");
    assert_err(c.err, ERR_INVALID);
    c = over("0209008000000000000000");
    assert_true(ber_get_uint(&c, 2, "value") == UINT64_C(1) << 63);
    assert_ok(c.err);
    c = over("0209018000000000000000");
    ber_get_uint(&c, 2, "value");
    assert_err(c.err, ERR_INVALID);
    c = over("0201ff");
    ber_get_uint(&c, 2, "value");
    assert_err(c.err, ERR_INVALID);
    assert_int_equal(c.offset, 2);
    c = over("02050100000000");
    ber_get_uint32(&c, 2, "value");
    assert_err(c.err, ERR_INVALID);
    c = over("020500ffffffff");
    assert_true(ber_get_uint32(&c, 2, "value") == UINT32_MAX);
    assert_ok(c.err);
    c = over("0200");
    ber_get_int(&c, 2, "value");
    assert_err(c.err, ERR_MALFORMED);
}

static void
a_boolean_is_one_octet(void **state UNUSED)
{
    struct cursor c = over("010100 0101ff 010101");
    assert_false(ber_get_bool(&c, 1, "value"));
    assert_true(ber_get_bool(&c, 1, "value"));
    assert_true(ber_get_bool(&c, 1, "value"));
    assert_ok(c.err);
    c = over("01020000");
    ber_get_bool(&c, 1, "value");
    assert_err(c.err, ERR_MALFORMED);
    c = over("0100");
    ber_get_bool(&c, 1, "value");
    assert_err(c.err, ERR_MALFORMED);
}

static void
writes_the_shortest_integers(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    ber_put_int(&b, 2, 0);
    ber_put_int(&b, 2, 128);
    ber_put_int(&b, 2, -128);
    ber_put_int(&b, 2, -129);
    ber_put_int(&b, 2, INT64_MIN);
    ber_put_uint(&b, 2, UINT64_MAX);
    ber_put_bool(&b, 1, true);
    size_t size;
    uint8_t *expected = hex_bytes("020100 02020080 020180 0202ff7f 02088000000000000000"
                                  "020900ffffffffffffffff 010101",
                                  &size);
    assert_int_equal(b.size, size);
    assert_memory_equal(b.data, expected, size);
    free(expected);
    buf_fini(&b);
}

static void
lengths_grow_around_what_was_written(void **state UNUSED)
{
    static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        struct buf b = BUF_INIT;
        size_t outer = ber_begin(&b, BER_SEQUENCE);
        size_t inner = ber_begin(&b, BER_HIGH_TAG(0xbf, 200));
        uint8_t *fill = buf_reserve(&b, sizes[i]);
        memset(fill, 0x5a, sizes[i]);
        ber_end(&b, inner);
        ber_put_uint(&b, BER_CONTEXT(1), 7);
        ber_end(&b, outer);

        struct cursor c = cursor_over(b.data, b.size);
        struct cursor sequence = ber_expect(&c, BER_SEQUENCE, "outer");
        struct ber_text text = ber_get_text(&sequence, BER_HIGH_TAG(0xbf, 200), "inner");
        assert_int_equal(ber_get_uint(&sequence, BER_CONTEXT(1), "number"), 7);
        cursor_join(&c, &sequence);
        assert_ok(c.err);
        assert_int_equal(cursor_left(&c), 0);
        assert_int_equal(text.size, sizes[i]);
        assert_true(text.size == 0 || text.data[text.size - 1] == 0x5a);
        buf_fini(&b);
    }
}

static void
a_full_buffer_stays_an_error(void **state UNUSED)
{
    struct buf b = buf_limited(140);
    size_t begin = ber_begin(&b, BER_SEQUENCE);
    buf_zero(&b, 138); /* the long length no longer fits */
    ber_end(&b, begin);
    assert_err(buf_err(&b), ERR_LIMIT);
    buf_fini(&b);
}

#define CASE(name) cmocka_unit_test_teardown(name, free_last)

TEST_MAIN(CASE(reads_the_personnel_record_of_x690_annex_a), CASE(reads_every_form_of_length),
          CASE(refuses_lengths_that_cannot_be), CASE(names_the_field_and_the_offset_of_a_wrong_tag),
          CASE(reads_tags_above_thirty), CASE(reads_integers_as_x690_writes_them),
          CASE(refuses_integers_that_do_not_fit), CASE(a_boolean_is_one_octet),
          CASE(writes_the_shortest_integers), CASE(lengths_grow_around_what_was_written),
          CASE(a_full_buffer_stays_an_error))
