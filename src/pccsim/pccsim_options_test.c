#include "pccsim/pccsim_options.h"

#include "base/testing.h"

static enum err
parse(struct pccsim_options *o, struct diag *diag, const char *const *args, int n)
{
    const char *argv[16] = {"tieline-pccsim"};
    enum pccsim_command command;
    for (int i = 0; i < n; i++)
        argv[i + 1] = args[i];
    return pccsim_options_parse(n + 1, (char **)argv, o, &command, diag);
}

#define PARSE(o, diag, ...)                                                                        \
    parse(o, diag, (const char *const[]){__VA_ARGS__},                                             \
          sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void
what_is_not_said_has_a_value(void **state UNUSED)
{
    struct pccsim_options o;
    enum pccsim_command command;
    char *argv[] = {"tieline-pccsim"};
    assert_ok(pccsim_options_parse(1, argv, &o, &command, NULL));
    assert_int_equal(command, PCCSIM_RUN);
    assert_string_equal(o.pce, "127.0.0.1:4189");
    assert_int_equal(o.pccs, 1);
    assert_int_equal(o.faulty, 1);
    assert_null(o.ca);
}

static void
scripts_are_read(void **state UNUSED)
{
    struct pccsim_options o;
    struct diag diag;
    assert_ok(PARSE(&o, &diag, "--pccs=7", "--faulty", "2", "--refuse-every", "3", "--refuse-with",
                    "19/6", "--lie", "srp", "--lie", "foreign", "--flap-every", "250ms"));
    assert_int_equal(o.faulty, 2);
    assert_int_equal(o.pcc.faults.refusal.type, 19);
    assert_int_equal(o.pcc.faults.refusal.value, 6);
    assert_true(o.pcc.faults.lie_srp && o.pcc.faults.lie_foreign && !o.pcc.faults.lie_names);
    assert_int_equal(o.pcc.faults.flap_every, 250 * NSEC_PER_MSEC);
}

static void
what_makes_no_sense_is_named(void **state UNUSED)
{
    struct pccsim_options o;
    struct diag diag;
    assert_err(PARSE(&o, &diag, "--refuse-with", "19"), ERR_INVALID);
    assert_non_null(strstr(diag.text, "--refuse-with"));
    assert_err(PARSE(&o, &diag, "--lie", "always"), ERR_INVALID);
    assert_non_null(strstr(diag.text, "reuse, names, foreign, srp, nameless, labels"));
    assert_err(PARSE(&o, &diag, "--hops", "11"), ERR_INVALID);
    assert_err(PARSE(&o, &diag, "--up-after", "soon"), ERR_INVALID);
    assert_err(PARSE(&o, &diag, "--cert", "a.crt"), ERR_INVALID);
    assert_string_equal(diag.text, "--ca, --cert and --key come together");
}

TEST_MAIN(cmocka_unit_test(what_is_not_said_has_a_value), cmocka_unit_test(scripts_are_read),
          cmocka_unit_test(what_makes_no_sense_is_named))
