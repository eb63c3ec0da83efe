#include "base/testing.h"
#include "tielined/options.h"

#define NEEDED                                                                                     \
    "tielined", "--site", "cc", "--journal", "j.db", "--ca=ca.pem", "--cert", "c.pem", "--key",    \
        "k.pem", "--users", "u.json"
#define PARSE(options, diag, ...)                                                                  \
    options_parse((int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)),                     \
                  (char *[]){__VA_ARGS__}, options, diag)

static void
what_is_given_and_what_is_not(void **state UNUSED)
{
    struct options o;
    struct diag diag;
    assert_ok(PARSE(&o, &diag, NEEDED, "--https", "127.0.0.1:1", "--one-clock", "--log=debug",
                    "--test-rate=2000"));
    assert_int_equal(o.daemon.test_rate, 2000);
    assert_string_equal(o.daemon.site, "cc");
    assert_string_equal(o.daemon.ca, "ca.pem");
    assert_string_equal(o.daemon.https, "127.0.0.1:1");
    assert_string_equal(o.daemon.openflow, "0.0.0.0:6653");
    assert_true(o.daemon.one_clock);
    assert_int_equal(o.log_level, LOG_DEBUG);
    assert_ok(PARSE(&o, &diag, NEEDED));
    assert_false(o.daemon.one_clock);
    assert_int_equal(o.log_level, LOG_INFO);
}

static void
mistakes_name_the_option(void **state UNUSED)
{
    struct options o;
    struct diag diag;
    assert_err(PARSE(&o, &diag, "tielined", "--site", "cc"), ERR_INVALID);
    assert_string_equal(diag.text, "--journal FILE is needed");
    assert_err(PARSE(&o, &diag, NEEDED, "--htps", "x"), ERR_INVALID);
    assert_string_equal(diag.text, "there is no option \"--htps\"");
    assert_err(PARSE(&o, &diag, NEEDED, "--https"), ERR_INVALID);
    assert_string_equal(diag.text, "--https needs ADDRESS");
    assert_err(PARSE(&o, &diag, NEEDED, "--https="), ERR_INVALID);
    assert_string_equal(diag.text, "--https is empty");
    assert_err(PARSE(&o, &diag, NEEDED, "--one-clock=yes"), ERR_INVALID);
    assert_string_equal(diag.text, "--one-clock takes no value");
    assert_err(PARSE(&o, &diag, NEEDED, "--log", "loud"), ERR_INVALID);
    assert_string_equal(diag.text, "--log: \"loud\" is not error, warn, info or debug");
    assert_err(PARSE(&o, &diag, NEEDED, "--test-rate", "2k"), ERR_INVALID);
    assert_string_equal(diag.text, "--test-rate: \"2k\" is not a number from 1 to 1000000");
    assert_err(PARSE(&o, &diag, NEEDED, "more"), ERR_INVALID);
    assert_string_equal(diag.text, "\"more\" is not an option");
}

static void
help_asks_for_nothing_else(void **state UNUSED)
{
    struct options o;
    struct diag diag;
    assert_ok(PARSE(&o, &diag, "tielined", "--help"));
    assert_true(o.help);
    assert_ok(PARSE(&o, &diag, "tielined", "--version"));
    assert_true(o.version);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_given_and_what_is_not),
        cmocka_unit_test(mistakes_name_the_option),
        cmocka_unit_test(help_asks_for_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
