#include "advisory/version.h"

#include "base/testing.h"

static int
sign(int v)
{
    return v < 0 ? -1 : v > 0;
}

static void
versions_are_in_order(void **state UNUSED)
{
    static const struct {
        const char *a, *b;
        int order;
    } rows[] = {
        {"V4.2.1", "4.2.1", 0},
        {"V 4.2.1", "FW 4.2.1", 0},
        {"FW V4.2.1", "4.2.1", 0},
        {"01.23", "1.23", 0},
        {"4.5", "V4.5.0", 0},
        {"4.5", "4.5.1", -1},
        {"4.9", "4.10", -1},
        {"2.9.2", "2.10", -1},
        {"R100-V0", "R101-V0", -1},
        {"R100-V0", "R100-V1", -1},
        {"R100-V0", "R100", 1},
        {"R100-V1", "R100", 1},
        {"R100-V0-Z001001-D20130515", "R110", -1},
        {"R109", "100", 1},
        {"4.2a", "4.2", 1},
        {"4.2a", "4.2b", -1},
        {"4.2b", "4.2A", 1},
        {"2.0rc1", "2.0", -1},
        {"2.0 beta 2", "2.0-rc1", -1},
        {"V8.2 SP1", "V8.2", 1},
        {"V8.2 SP1", "V8.2 SP2", -1},
        {"V8.2 Update 3", "V8.2 SP1", -1},
        {"V8.2 SP1 Update 3", "V8.2 SP1 Update 10", -1},
        {"20.011", "20.11", 0},
        {"99999999999999999999999999", "100000000000000000000000000", -1},
        {"", "", 0},
        {"1", "", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (sign(version_compare(rows[i].a, rows[i].b)) != rows[i].order ||
            sign(version_compare(rows[i].b, rows[i].a)) != -rows[i].order)
            fail_msg("%s and %s: %d", rows[i].a, rows[i].b, version_compare(rows[i].a, rows[i].b));
    }
}

static void
ranges_have_what_they_say(void **state UNUSED)
{
    static const struct {
        const char *range;
        const char *in, *out; /* separated by blanks; NULL: it is unreadable */
    } rows[] = {
        {"vers:all/*", "0 1 99", ""},
        {"vers:intdot/<2.9.2", "2.9.1 0", "2.9.2 3"},
        {"vers:generic/>=2.0|<2.9.2", "2.0 2.9.1", "1.9 2.9.2"},
        {"vers:generic/1.0|>=2.0|<=3.0|!=2.5", "1.0 2.0 3.0", "1.1 2.5 3.1"},
        {"vers:intdot/", NULL, NULL},
        {"< V4.5", "V4.4.9 4.4", "V4.5 5.0"},
        {"<V4.5", "V4.4.9", "V4.5.0"},
        {"<=12.4.11", "12.4.11 12.4", "12.4.12"},
        {"\xe2\x89\xa4 2.1", "2.1", "2.2"},
        {"All versions", "1 2", ""},
        {"*", "1", ""},
        {"All versions < V2.9", "2.8", "2.9"},
        {"All versions >= V2.8 < V2.9.2", "2.8 2.9.1", "2.7.9 2.9.2"},
        {">=V3.0|<V4.5", "3.0 4.4", "2.9 4.5"},
        {">= 2.0, < 3.0", "2.0", "3.0"},
        {"12.0.1 - 12.0.14, 12.2.1 - 12.2.11", "12.0.1 12.0.14 12.2.5", "12.1 12.2.12"},
        {"12.0.1 to 12.0.14", "12.0.7", "12.0.15"},
        {"from 2.0 through 2.4", "2.0 2.4", "2.5"},
        {"2.0 up to and including 2.4", "2.4", "2.5 1.9"},
        {"V3.1 and prior", "3.1 2", "3.2"},
        {"V3.1 or earlier", "3.1", "3.2"},
        {"versions prior to 2.3", "2.2", "2.3"},
        {"Version 4.1 and later", "4.1 5", "4.0"},
        {"before 1.2.3", "1.2.2", "1.2.3"},
        {"V4.1", "4.1 4.1.0", "4.1.1 4.0"},
        {"V4.1, V4.2", "4.1 4.2", "4.3"},
        {"V4.1, < 2.0", "4.1 1.9", "2.0 4.0"},
        {"V8.2 SP1", "8.2SP1", "8.2"},
        {"< V8.2 SP1 Update 3", "8.2 8.2SP1", "8.2SP1Update3"},
        {"R100-V0", "R100-V0", "R101-V0"},
        {"< R114-V2", "R113-V9 R114-V1", "R114-V2 R115-V0"},
        {"all versions with the option X", NULL, NULL},
        {"<", NULL, NULL},
        {"", NULL, NULL},
        {"unknown", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena *arena = arena_new(1 << 20);
        struct version_range range;
        const struct version_interval *why;
        assert_ok(version_range_read(arena, rows[i].range, &range));
        if (range.is_unreadable != !rows[i].in)
            fail_msg("%s: readable: %d", rows[i].range, !range.is_unreadable);
        for (int is_out = 0; rows[i].in && is_out < 2; is_out++) {
            char text[100], *rest = text, *version;
            strcpy(text, is_out ? rows[i].out : rows[i].in);
            while ((version = strsep(&rest, " "))) {
                if (*version && version_range_has(&range, version, &why) == is_out)
                    fail_msg("%s has %s: %d", rows[i].range, version, is_out);
            }
        }
        arena_free(arena);
    }
}

static void
says_why_a_range_has_it(void **state UNUSED)
{
    static const struct {
        const char *range, *version, *why;
    } rows[] = {
        {"<2.5", "2.1", "is below 2.5"}, {"2.0 - 2.4", "2.1", "is at least 2.0 and at most 2.4"},
        {">1", "2.1", "is above 1"},     {"2.1", "2.1", "is 2.1"},
        {"all", "2.1", "is one of all"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arena *arena = arena_new(1 << 20);
        struct version_range range;
        const struct version_interval *why;
        struct buf b = BUF_INIT;
        assert_ok(version_range_read(arena, rows[i].range, &range));
        assert_true(version_range_has(&range, rows[i].version, &why));
        version_interval_explain(&b, why);
        assert_string_equal(buf_cstr(&b), rows[i].why);
        buf_fini(&b);
        arena_free(arena);
    }
}

TEST_MAIN(cmocka_unit_test(versions_are_in_order), cmocka_unit_test(ranges_have_what_they_say),
          cmocka_unit_test(says_why_a_range_has_it))
