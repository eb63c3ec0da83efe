#include "lab/tools/wire_config.h"

#include "base/testing.h"

static void
reads_links_with_their_settings(void **state UNUSED)
{
    static const char text[] = "# the core\n"
                               "core-ab w1 w2 delay-us=500 rate-kbps=100000 queue=64000 loss=0.5\n"
                               "\n"
                               "\tcore-bc  w3 w4   delay-us=500/700 loss=0.01/0 # two ways\r\n"
                               "plain w5 w6";
    struct wire_link_config *links;
    size_t n;
    struct diag diag;
    assert_ok(wire_config_parse(text, "wires", &links, &n, &diag));
    assert_int_equal(n, 3);
    assert_string_equal(links[0].name, "core-ab");
    assert_string_equal(links[0].interface[1], "w2");
    for (int way = 0; way < 2; way++) {
        assert_int_equal(links[0].way[way].delay, 500 * NSEC_PER_USEC);
        assert_int_equal(links[0].way[way].rate_bps, 100000000);
        assert_int_equal(links[0].way[way].queue, 64000);
        assert_true(links[0].way[way].loss == 0.5);
    }
    assert_int_equal(links[1].way[0].delay, 500 * NSEC_PER_USEC);
    assert_int_equal(links[1].way[1].delay, 700 * NSEC_PER_USEC);
    assert_true(links[1].way[0].loss == 0.01 && links[1].way[1].loss == 0);
    assert_int_equal(links[2].way[0].queue, WIRE_DEFAULT_QUEUE);
    assert_int_equal(links[2].way[1].rate_bps, 0);
    free(links);
}

static void
says_what_is_wrong_in_which_line(void **state UNUSED)
{
    static const struct {
        const char *text, *what;
    } cases[] = {
        {"a w1", "wires:1: a link is a name and two interfaces"},
        {"\na w1 w2 dealy-us=5", "wires:2: unknown setting 'dealy-us=5'"},
        {"a w1 w2 delay-us", "wires:1: unknown setting 'delay-us'"},
        {"a w1 w2 loss=1.5", "wires:1: 'loss=1.5' is not a number from 0 to 1, or two with a /"},
        {"a w1 w2 loss=0.1/x",
         "wires:1: 'loss=0.1/x' is not a number from 0 to 1, or two with a /"},
        {"a w1 w2 loss=nan", "wires:1: 'loss=nan' is not a number from 0 to 1, or two with a /"},
        {"a w1 w1", "wires:1: both ends are w1"},
        {"a w1 w2\na w3 w4", "wires:2: there is a link a already"},
        {"a w1 w2\nb w3 w1", "wires:2: w1 is an end of a already"},
        {"a w1 interface-name-16", "wires:1: a name is too long"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct wire_link_config *links = NULL;
        size_t n;
        struct diag diag;
        assert_int_not_equal(wire_config_parse(cases[i].text, "wires", &links, &n, &diag), ERR_OK);
        assert_string_equal(diag.text, cases[i].what);
        assert_null(links);
    }
}

static void
settings_are_applied_all_or_none(void **state UNUSED)
{
    struct wire_settings way[2] = {{.delay = 1}, {.delay = 2}};
    char good[] = "delay-us=9", bad[] = "loss=2";
    char *words[] = {good, bad};
    struct diag diag;
    assert_err(wire_settings_parse(words, 2, way, &diag), ERR_INVALID);
    assert_true(way[0].delay == 1 && way[1].delay == 2);
    assert_ok(wire_settings_parse(words, 1, way, &diag));
    assert_true(way[0].delay == 9000 && way[1].delay == 9000);
}

TEST_MAIN(cmocka_unit_test(reads_links_with_their_settings),
          cmocka_unit_test(says_what_is_wrong_in_which_line),
          cmocka_unit_test(settings_are_applied_all_or_none))
