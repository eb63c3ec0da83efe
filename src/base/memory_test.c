#include "base/alloc.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/testing.h"

static void
an_arena_stays_within_its_budget(void **state UNUSED)
{
    struct arena *arena = arena_new(1000);
    assert_non_null(arena_alloc(arena, 600));
    assert_null(arena_alloc(arena, 600));
    assert_null(arena_calloc(arena, SIZE_MAX / 2, 4));
    assert_null(arena_strndup(arena, "x", SIZE_MAX));
    assert_non_null(arena_alloc(arena, 300));
    arena_reset(arena);
    assert_int_equal(arena_used(arena), 0);
    uint8_t *p = arena_alloc(arena, 900);
    assert_non_null(p);
    for (size_t i = 0; i < 900; i++)
        assert_int_equal(p[i], 0);
    arena_free(arena);
    arena_free(NULL);
}

static void
an_arena_zeroes_what_a_reset_gave_back(void **state UNUSED)
{
    struct arena *arena = arena_new(1 << 20);
    memset(arena_alloc(arena, 100), 0xff, 100);
    memset(arena_alloc(arena, 10000), 0xff, 10000);
    arena_reset(arena);
    uint8_t *p = arena_alloc(arena, 8000);
    for (size_t i = 0; i < 8000; i++)
        assert_int_equal(p[i], 0);
    assert_string_equal(arena_strdup(arena, "copied"), "copied");
    arena_free(arena);
}

static void
a_buffer_builds_messages(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    buf_u8(&b, 4);
    buf_be16(&b, 0);
    buf_be32(&b, 0x01020304);
    buf_pad(&b, 0, 8);
    buf_patch_be16(&b, 1, 0xaabb);
    assert_int_equal(b.size, 8);
    assert_memory_equal(b.data, "\x04\xaa\xbb\x01\x02\x03\x04\x00", 8);
    buf_consume(&b, 3);
    assert_int_equal(b.size, 5);
    assert_int_equal(b.data[0], 1);
    buf_fini(&b);
}

static void
a_buffer_keeps_its_limit(void **state UNUSED)
{
    struct buf b = buf_limited(4);
    buf_be32(&b, 1);
    assert_ok(buf_err(&b));
    buf_u8(&b, 1);
    assert_err(buf_err(&b), ERR_LIMIT);
    assert_null(buf_reserve(&b, 1));
    assert_int_equal(b.size, 4);
    buf_patch_be32(&b, 2, 1); /* not there: ignored */
    buf_fini(&b);
}

static void
a_buffer_builds_text(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    assert_string_equal(buf_cstr(&b), "");
    buf_printf(&b, "%d circuits", 200);
    buf_str(&b, ", once");
    assert_string_equal(buf_cstr(&b), "200 circuits, once");
    char *text = buf_steal_cstr(&b);
    assert_string_equal(text, "200 circuits, once");
    assert_int_equal(b.size, 0);
    free(text);
    buf_fini(&b);
}

static void
a_diagnosis_gains_context_on_its_way_up(void **state UNUSED)
{
    struct diag diag;
    assert_err(diag_set(&diag, ERR_INVALID, "vlan %d is above 4094", 5000), ERR_INVALID);
    diag_prefix(&diag, "circuits.csv:7");
    assert_string_equal(diag.text, "circuits.csv:7: vlan 5000 is above 4094");
    for (int i = 0; i < 100; i++)
        diag_prefix(&diag, "deeper");
    assert_true(strlen(diag.text) < sizeof diag.text);
}

TEST_MAIN(cmocka_unit_test(an_arena_stays_within_its_budget),
          cmocka_unit_test(an_arena_zeroes_what_a_reset_gave_back),
          cmocka_unit_test(a_buffer_builds_messages), cmocka_unit_test(a_buffer_keeps_its_limit),
          cmocka_unit_test(a_buffer_builds_text),
          cmocka_unit_test(a_diagnosis_gains_context_on_its_way_up))
