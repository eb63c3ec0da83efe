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
    assert_false(o.daemon.standby);
    assert_null(o.daemon.instance);
    assert_string_equal(o.daemon.site, "cc");
    assert_string_equal(o.daemon.ca, "ca.pem");
    assert_string_equal(o.daemon.https, "127.0.0.1:1");
    assert_string_equal(o.daemon.openflow, "0.0.0.0:6653");
    assert_true(o.daemon.one_clock);
    assert_int_equal(o.log_level, LOG_DEBUG);
    assert_ok(PARSE(&o, &diag, NEEDED));
    assert_false(o.daemon.one_clock);
    assert_ok(PARSE(&o, &diag, NEEDED, "--standby", "--instance=b", "--lease", "500"));
    assert_true(o.daemon.standby);
    assert_string_equal(o.daemon.instance, "b");
    assert_int_equal(o.daemon.lease_ms, 500);
    assert_ok(PARSE(&o, &diag, NEEDED));
    assert_int_equal(o.log_level, LOG_INFO);
    assert_null(o.daemon.checkpoint_key);
    assert_ok(PARSE(&o, &diag, NEEDED, "--checkpoint-key=k", "--checkpoint-every", "10m,500",
                    "--checkpoints", "f", "--witness-keys", "keys", "--witnesses=a,b"));
    assert_string_equal(o.daemon.checkpoint_key, "k");
    assert_string_equal(o.daemon.checkpoint_every, "10m,500");
    assert_string_equal(o.daemon.checkpoints, "f");
    assert_string_equal(o.daemon.witness_keys, "keys");
    assert_string_equal(o.daemon.witnesses, "a,b");
    assert_null(o.daemon.bus);
    assert_null(o.daemon.centre);
    assert_ok(PARSE(&o, &diag, NEEDED, "--bus=tls://h:4222", "--bus-credentials", "s.creds",
                    "--bus-ca=b.pem", "--bus-cert", "c.pem", "--bus-key=k.pem", "--copies", "dir",
                    "--centre", "cc", "--peers=a=1", "--domain", "cc,wan", "--number=12",
                    "--test-events", "50"));
    assert_string_equal(o.daemon.bus, "tls://h:4222");
    assert_string_equal(o.daemon.bus_credentials, "s.creds");
    assert_string_equal(o.daemon.bus_ca, "b.pem");
    assert_string_equal(o.daemon.bus_cert, "c.pem");
    assert_string_equal(o.daemon.bus_key, "k.pem");
    assert_string_equal(o.daemon.copies, "dir");
    assert_string_equal(o.daemon.centre, "cc");
    assert_string_equal(o.daemon.peers, "a=1");
    assert_string_equal(o.daemon.domain, "cc,wan");
    assert_int_equal(o.daemon.number, 12);
    assert_int_equal(o.daemon.test_events, 50);
}

static void
asking_needs_only_whom(void **state UNUSED)
{
    struct options o;
    struct diag diag;
    assert_ok(PARSE(&o, &diag, "tielined", "--probe", "unix:/p", "--ask", "leads"));
    assert_string_equal(o.probe, "unix:/p");
    assert_string_equal(o.ask, "leads");
    assert_err(PARSE(&o, &diag, "tielined", "--ask", "leads"), ERR_INVALID);
    assert_string_equal(diag.text, "--ask needs --probe: whom");
    assert_ok(PARSE(&o, &diag, NEEDED));
    assert_null(o.probe);
    assert_null(o.ask);
}

static void
mistakes_name_the_option(void **state UNUSED)
{
    struct options o;
    struct diag diag;
    assert_err(PARSE(&o, &diag, "tielined", "--site", "cc"), ERR_INVALID);
    assert_string_equal(diag.text, "--journal PLACE is needed");
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
        cmocka_unit_test(asking_needs_only_whom),
        cmocka_unit_test(mistakes_name_the_option),
        cmocka_unit_test(help_asks_for_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
