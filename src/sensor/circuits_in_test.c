#include "sensor/circuits_in.h"

#include "base/testing.h"

static json_t *
piece(unsigned generation, unsigned part, unsigned parts, const char *name)
{
    return json_pack("{sI sI sI s[{ss}]}", "generation", (json_int_t)generation, "part",
                     (json_int_t)part, "parts", (json_int_t)parts, "circuits", "name", name);
}

/* Consumes it. The whole, if it is that. */
static json_t *
take(struct circuits_in *in, json_t *json, enum err expected)
{
    json_t *whole;
    struct diag diag;
    assert_err(circuits_in_take(in, json, &whole, &diag), expected);
    json_decref(json);
    return whole;
}

static void
pieces_in_order_are_the_whole(void **state UNUSED)
{
    struct circuits_in in = {0};
    assert_null(take(&in, piece(7, 1, 3, "a"), ERR_OK));
    assert_null(take(&in, piece(7, 2, 3, "b"), ERR_OK));
    json_t *whole = take(&in, piece(7, 3, 3, "c"), ERR_OK);
    assert_int_equal(json_array_size(json_object_get(whole, "circuits")), 3);
    assert_int_equal(json_array_size(json_object_get(whole, "hosts")), 0);
    json_decref(whole);
    whole = take(&in, piece(8, 1, 1, "a"), ERR_OK);
    assert_int_equal(json_array_size(json_object_get(whole, "circuits")), 1);
    json_decref(whole);
}

static void
a_newer_generation_begins_anew(void **state UNUSED)
{
    struct circuits_in in = {0};
    assert_null(take(&in, piece(7, 1, 3, "a"), ERR_OK));
    assert_null(take(&in, piece(8, 1, 2, "b"), ERR_OK));
    assert_null(take(&in, piece(7, 2, 3, "c"), ERR_CONFLICT));
    assert_null(take(&in, piece(8, 2, 2, "c"), ERR_CONFLICT)); /* it was forgotten */
    assert_null(in.all);
}

static void
a_piece_that_is_missing_is_not_overlooked(void **state UNUSED)
{
    struct circuits_in in = {0};
    assert_null(take(&in, piece(7, 1, 3, "a"), ERR_OK));
    assert_null(take(&in, piece(7, 3, 3, "c"), ERR_CONFLICT));
    assert_null(take(&in, piece(7, 1, 3, "a"), ERR_OK));
    assert_null(take(&in, piece(7, 2, 4, "b"), ERR_CONFLICT));
}

static void
what_is_no_piece_is_refused(void **state UNUSED)
{
    static const char *const wrong[] = {
        "[]",
        "{}",
        "{\"generation\":1,\"part\":1,\"parts\":1}",
        "{\"generation\":1,\"part\":0,\"parts\":1,\"circuits\":[]}",
        "{\"generation\":1,\"part\":2,\"parts\":1,\"circuits\":[]}",
        "{\"generation\":1,\"part\":1,\"parts\":4097,\"circuits\":[]}",
        "{\"generation\":1.0,\"part\":1,\"parts\":1,\"circuits\":[]}",
        "{\"generation\":1,\"part\":1,\"parts\":1,\"circuits\":[7]}",
        "{\"generation\":1,\"part\":1,\"parts\":1,\"circuits\":[],\"own\":{}}"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct circuits_in in = {0};
        assert_null(take(&in, json_loads(wrong[i], 0, NULL), ERR_MALFORMED));
    }
}

TEST_MAIN(cmocka_unit_test(pieces_in_order_are_the_whole),
          cmocka_unit_test(a_newer_generation_begins_anew),
          cmocka_unit_test(a_piece_that_is_missing_is_not_overlooked),
          cmocka_unit_test(what_is_no_piece_is_refused))
