#include "pccsim/script.h"

#include "base/testing.h"

#include <string.h>

static enum err
read_text(const char *text, struct script *s, struct diag *diag)
{
    return script_read(text, strlen(text), "s", s, diag);
}

static void
lines_are_read(void **state UNUSED)
{
    struct script s;
    struct diag diag;
    assert_ok(read_text("# what happens\n"
                        "\n"
                        "0s * lie labels\n"
                        "1500ms\t2-3 flap 200ms  # now and then\r\n"
                        "2s 127.1.0.* fail-lsp tl.*.p\n"
                        "2s 1 silence",
                        &s, &diag));
    assert_int_equal(s.n, 4);
    assert_int_equal(s.lines[0].number, 3);
    assert_int_equal(s.lines[0].action.act, PCC_LIE);
    assert_string_equal(s.lines[0].action.name, "labels");
    assert_int_equal(s.lines[1].at, 1500 * NSEC_PER_MSEC);
    assert_int_equal(s.lines[1].action.every, 200 * NSEC_PER_MSEC);
    assert_string_equal(s.lines[2].action.name, "tl.*.p");
    assert_int_equal(s.lines[3].action.act, PCC_SILENCE);
    script_fini(&s);
}

static void
routers_are_meant_by_number_range_and_address(void **state UNUSED)
{
    static const struct {
        const char *router;
        uint32_t number;
        const char *address;
        bool means;
    } cases[] = {
        {"*", 9, "127.1.0.9", true},         {"9", 9, "127.1.0.9", true},
        {"9", 19, "127.1.0.19", false},      {"3-7", 3, "127.1.0.3", true},
        {"3-7", 7, "127.1.0.7", true},       {"3-7", 8, "127.1.0.8", false},
        {"127.1.0.?", 8, "127.1.0.8", true}, {"127.1.0.?", 18, "127.1.0.18", false},
        {"127.1.0.8", 8, "127.1.0.8", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct script_line l = {0};
        strcpy(l.router, cases[i].router);
        assert_int_equal(script_means(&l, cases[i].number, cases[i].address), cases[i].means);
    }
}

static void
what_is_wrong_is_named_with_file_line_and_field(void **state UNUSED)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"soon 1 close", "s:1: time: a duration"},
        {"\n\n-1s 1 close", "s:3: time: a duration"},
        {"2s 1 close\n1s 1 close", "s:2: time: it is before"},
        {"1s", "s:1: router: it is missing"},
        {"1s 1 # close", "s:1: action: it is missing"},
        {"1s 0 close", "s:1: router: a number"},
        {"1s 7-3 close", "s:1: router: a number"},
        {"1s 1-x close", "s:1: router: a number"},
        {"1s 1 explode", "s:1: action: there is no such"},
        {"1s 1 close now", "s:1: argument: this action has none"},
        {"1s 1 flap", "s:1: argument: it is missing"},
        {"1s 1 flap often", "s:1: argument: a duration"},
        {"1s 1 flap 0s", "s:1: argument: a duration"},
        {"1s 1 lie always", "s:1: argument: it is none of reuse, names, foreign, srp, nameless, "
                            "labels"},
        {"1s 1 revoke a b", "s:1: argument: more follows"},
    };
    struct script s = {.n = 77};
    struct diag diag;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_err(read_text(cases[i].text, &s, &diag), ERR_INVALID);
        if (!strstr(diag.text, cases[i].says))
            fail_msg("%s: %s", cases[i].text, diag.text);
        assert_int_equal(s.n, 77);
    }
    assert_err(script_read("1s\0", 3, "s", &s, &diag), ERR_INVALID);
    assert_err(script_load("/nowhere/at/all", &s, &diag), ERR_NOT_FOUND);
}

TEST_MAIN(cmocka_unit_test(lines_are_read),
          cmocka_unit_test(routers_are_meant_by_number_range_and_address),
          cmocka_unit_test(what_is_wrong_is_named_with_file_line_and_field))
