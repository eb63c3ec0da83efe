/* The vectors were computed with Python's struct and hashlib from the text of event.h. */
#include "journal/event.h"

#include "base/alloc.h"
#include "base/testing.h"

static const struct journal_identity identity = {
    .id = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    .site = "substation-a",
    .epoch = 7,
    .created = INT64_C(1690000000000000000),
};

static const struct journal_entry good = {
    .type = "circuit.designed",
    .object = "circuit/scada-rtu-a",
    .actor = "alice",
    .body = "{\"name\":\"scada-rtu-a\"}",
};

static struct journal_event
event_of(const struct journal_entry *entry, uint64_t seq, uint64_t epoch, nsec_t time)
{
    return (struct journal_event){
        .seq = seq,
        .epoch = epoch,
        .time = time,
        .site = "substation-a",
        .type = entry->type,
        .object = entry->object,
        .actor = entry->actor,
        .body = entry->body,
        .body_size = strlen(entry->body),
    };
}

static void
assert_hex(const uint8_t *data, size_t size, const char *hex)
{
    size_t expected_size;
    uint8_t *expected = hex_bytes(hex, &expected_size);
    assert_int_equal(size, expected_size);
    assert_memory_equal(data, expected, size);
    free(expected);
}

static void
an_event_encodes_as_documented(void **state UNUSED)
{
    struct journal_hasher hasher;
    struct buf encoding = BUF_INIT;
    struct journal_event event = event_of(&good, 1, 7, INT64_C(1700000000123456789));
    journal_hasher_init(&hasher);
    journal_identity_hash(&hasher, &identity, event.prev_hash);
    journal_event_encode(&event, &encoding);
    assert_hex(encoding.data, encoding.size,
               "544c4531 0000000000000001 0000000000000007 17979cfe3d85cd15"
               "2fb9d43383735cc7ad70086a7e40cc9f2aa86591d7deb27b5b079a56aa2eb4f2"
               "0000000c73756273746174696f6e2d61"
               "00000010636972637569742e64657369676e6564"
               "00000013636972637569742f73636164612d7274752d61"
               "00000005616c696365"
               "000000167b226e616d65223a2273636164612d7274752d61227d");
    buf_clear(&encoding);
    journal_identity_encode(&identity, &encoding);
    assert_hex(encoding.data, encoding.size,
               "544c4a31 000102030405060708090a0b0c0d0e0f 0000000000000007 1774160bc6690000"
               "0000000c73756273746174696f6e2d61");
    buf_fini(&encoding);
    journal_hasher_fini(&hasher);
}

static void
hashes_are_sha256_over_the_encoding(void **state UNUSED)
{
    struct journal_entry approved = {
        .type = "circuit.approved",
        .object = "circuit/schutz-ü",
        .actor = "Jürgen",
        .body = "{\"note\":\"geprüft ✓\"}",
    };
    struct journal_hasher hasher;
    struct journal_event first = event_of(&good, 1, 7, INT64_C(1700000000123456789));
    struct journal_event second = event_of(&approved, 2, 8, INT64_C(1700000001000000000));
    journal_hasher_init(&hasher);
    journal_identity_hash(&hasher, &identity, first.prev_hash);
    assert_hex(first.prev_hash, JOURNAL_HASH_SIZE,
               "2fb9d43383735cc7ad70086a7e40cc9f2aa86591d7deb27b5b079a56aa2eb4f2");
    journal_event_hash(&hasher, &first, second.prev_hash);
    assert_hex(second.prev_hash, JOURNAL_HASH_SIZE,
               "ec145c4a6cd3b98158a229f236d5a7ba83fac1d0abf8bdd43a386785f36d6170");
    journal_event_hash(&hasher, &second, second.hash);
    assert_hex(second.hash, JOURNAL_HASH_SIZE,
               "5856ad8f1fd78a9459623d0cb3766172c180a6336c6bf82c095c115a72bfe841");
    journal_hasher_fini(&hasher);
}

static void
octets_moved_between_fields_give_another_hash(void **state UNUSED)
{
    struct journal_entry moved = good;
    uint8_t a[JOURNAL_HASH_SIZE], b[JOURNAL_HASH_SIZE];
    struct journal_hasher hasher;
    moved.type = "circuit.designedc";
    moved.object = "ircuit/scada-rtu-a";
    struct journal_event one = event_of(&good, 1, 1, 0), other = event_of(&moved, 1, 1, 0);
    journal_hasher_init(&hasher);
    journal_event_hash(&hasher, &one, a);
    journal_event_hash(&hasher, &other, b);
    assert_memory_not_equal(a, b, sizeof a);
    journal_hasher_fini(&hasher);
}

static void
entries_that_readers_could_not_trust_are_refused(void **state UNUSED)
{
    static const struct {
        enum err err;
        struct journal_entry entry;
        const char *says;
    } cases[] = {
        {ERR_INVALID, {NULL, "o", "a", "{}", 0}, "type is empty"},
        {ERR_INVALID, {"", "o", "a", "{}", 0}, "type is empty"},
        {ERR_INVALID, {"Circuit", "o", "a", "{}", 0}, "type has a character"},
        {ERR_INVALID, {"a b", "o", "a", "{}", 0}, "at 1"},
        {ERR_INVALID, {"t", "", "a", "{}", 0}, "object is empty"},
        {ERR_INVALID, {"t", "o\n", "a", "{}", 0}, "object has a control character at 1"},
        {ERR_INVALID, {"t", "o\x7f", "a", "{}", 0}, "object has a control character"},
        {ERR_INVALID, {"t", "\xc0\xaf", "a", "{}", 0}, "object is not UTF-8"},
        {ERR_INVALID, {"t", "o", "\xff", "{}", 0}, "actor is not UTF-8"},
        {ERR_INVALID, {"t", "o", "a", "", 0}, "body is empty"},
        {ERR_INVALID, {"t", "o", "a", "{}", -1}, "before 1970"},
        {ERR_MALFORMED, {"t", "o", "a", "{", 0}, "body is not JSON"},
        {ERR_MALFORMED, {"t", "o", "a", "{} {}", 0}, "body is not JSON"},
        {ERR_MALFORMED, {"t", "o", "a", "{\"a\":1,\"a\":2}", 0}, "duplicate"},
        {ERR_MALFORMED, {"t", "o", "a", "{\"a\":\"\xff\"}", 0}, "byte 0xff"},
        {ERR_MALFORMED, {"t", "o", "a", "[1]", 0}, "not a JSON object"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct diag diag = {""};
        assert_err(journal_entry_check(&cases[i].entry, &diag), cases[i].err);
        if (!strstr(diag.text, cases[i].says))
            fail_msg("case %zu says: %s", i, diag.text);
    }
    assert_ok(journal_entry_check(&good, NULL));
}

/* The longest text that is let in is `most` octets. */
static void
assert_most(size_t most, const char *filler, const char *field)
{
    struct journal_entry entry = good;
    char *text = xmalloc(most + 2);
    memset(text, filler[0], most + 1);
    text[most + 1] = '\0';
    const char **place = !strcmp(field, "type")     ? &entry.type
                         : !strcmp(field, "object") ? &entry.object
                                                    : &entry.actor;
    *place = text;
    assert_err(journal_entry_check(&entry, NULL), ERR_LIMIT);
    text[most] = '\0';
    assert_ok(journal_entry_check(&entry, NULL));
    free(text);
}

static void
texts_have_a_greatest_size(void **state UNUSED)
{
    assert_most(JOURNAL_TYPE_MAX, "t", "type");
    assert_most(JOURNAL_OBJECT_MAX, "o", "object");
    assert_most(JOURNAL_ACTOR_MAX, "a", "actor");

    struct journal_entry entry = good;
    char *body = xmalloc(JOURNAL_BODY_MAX + 2);
    memset(body, ' ', JOURNAL_BODY_MAX + 1);
    memcpy(body, "{}", 2);
    body[JOURNAL_BODY_MAX + 1] = '\0';
    entry.body = body;
    assert_err(journal_entry_check(&entry, NULL), ERR_LIMIT);
    body[JOURNAL_BODY_MAX] = '\0';
    assert_ok(journal_entry_check(&entry, NULL));
    free(body);
}

static void
a_site_is_a_plain_name(void **state UNUSED)
{
    assert_ok(journal_site_check("substation-a", NULL));
    assert_err(journal_site_check("Substation A", NULL), ERR_INVALID);
    assert_err(journal_site_check("", NULL), ERR_INVALID);
    assert_err(journal_site_check(NULL, NULL), ERR_INVALID);
}

TEST_MAIN(cmocka_unit_test(an_event_encodes_as_documented),
          cmocka_unit_test(hashes_are_sha256_over_the_encoding),
          cmocka_unit_test(octets_moved_between_fields_give_another_hash),
          cmocka_unit_test(entries_that_readers_could_not_trust_are_refused),
          cmocka_unit_test(texts_have_a_greatest_size), cmocka_unit_test(a_site_is_a_plain_name))
