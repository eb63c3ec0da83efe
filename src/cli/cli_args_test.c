#include "cli/cli.h"
#include "cli/cli_args.h"

#include "base/testing.h"

static const struct cli_option common[] = {
    {"json", NULL, "", 0, false, false, NULL},
    {"help", NULL, "", 'h', false, false, NULL},
    {NULL, NULL, NULL, 0, false, false, NULL},
};
static const struct cli_option options[] = {
    {"file", "FILE", "", 'f', false, true, NULL},
    {"role", "ROLE", "", 0, true, false, NULL},
    {"until", "STATE", "", 0, false, false, "waiting|closed"},
    {NULL, NULL, NULL, 0, false, false, NULL},
};
static const struct cli_verb verbs[] = {
    {"circuit", "show", "NAME", NULL, "One", NULL, NULL, false},
    {"circuit", "build", "[NAME...]", options, "Builds", NULL, NULL, false},
    {"node", "release", "NAME [PORT]", NULL, "Releases", NULL, NULL, false},
    {"lab", "exec", "WHERE COMMAND...", options, "Runs", NULL, NULL, true},
    {"health", NULL, "", NULL, "Health", NULL, NULL, false},
};
static const struct cli_commands commands = {verbs, ARRAY_SIZE(verbs), common};

static struct cli_args args;
static struct diag diag;

static enum err
parse(const char *line)
{
    static char copy[256];
    static char *argv[32];
    int argc = 1;
    cli_args_fini(&args);
    diag.text[0] = '\0';
    snprintf(copy, sizeof copy, "%s", line);
    argv[0] = (char *)(uintptr_t) "tieline";
    for (char *save, *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    return cli_args_parse(&commands, argc, argv, &args, &diag);
}

static void
finds_noun_verb_and_arguments(void **state UNUSED)
{
    assert_ok(parse("circuit show scada-a"));
    assert_ptr_equal(args.verb, &verbs[0]);
    assert_string_equal(cli_args_at(&args, 0), "scada-a");
    assert_null(cli_args_at(&args, 1));
    assert_ok(parse("health"));
    assert_ptr_equal(args.verb, &verbs[4]);
}

static void
options_stand_anywhere(void **state UNUSED)
{
    static const char *const lines[] = {
        "circuit build a -f list b --json", "--json circuit build --file list a b",
        "circuit --json build a --file=list b", "circuit build -flist --json a b"};
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        assert_ok(parse(lines[i]));
        assert_int_equal(args.n_arguments, 2);
        assert_string_equal(cli_args_at(&args, 0), "a");
        assert_string_equal(cli_args_at(&args, 1), "b");
        assert_string_equal(cli_args_option(&args, "file"), "list");
        assert_true(cli_args_has(&args, "json"));
    }
}

static void
two_hyphens_end_the_options(void **state UNUSED)
{
    assert_ok(parse("circuit build -- --json -f"));
    assert_int_equal(args.n_arguments, 2);
    assert_string_equal(cli_args_at(&args, 0), "--json");
    assert_false(cli_args_has(&args, "json"));
}

static void
a_command_is_passed_on_as_it_is(void **state UNUSED)
{
    assert_ok(parse("lab exec --file x rtu-a ping -c 1 --json"));
    assert_int_equal(args.n_arguments, 5);
    assert_string_equal(cli_args_at(&args, 2), "-c");
    assert_false(cli_args_has(&args, "json"));
    assert_string_equal(cli_args_option(&args, "file"), "x");
}

static void
an_option_that_may_be_repeated_is_kept_each_time(void **state UNUSED)
{
    assert_ok(parse("circuit build --role A --role B x"));
    assert_int_equal(args.n_given, 2);
    assert_string_equal(args.given[0].value, "A");
    assert_string_equal(args.given[1].value, "B");
}

static void
mistakes_are_named(void **state UNUSED)
{
    static const struct {
        const char *line, *text;
    } mistakes[] = {
        {"cirkuit list", "there is no \"cirkuit\"; see tieline help"},
        {"circuit shoe", "circuit: there is no \"shoe\"; see tieline help circuit"},
        {"circuit", "circuit: what about it? See tieline help circuit"},
        {"circuit show", "circuit show needs NAME"},
        {"circuit show a b", "circuit show: \"b\" is one argument too many"},
        {"node release a 1 2", "node release: \"2\" is one argument too many"},
        {"circuit show a --frob", "there is no option --frob"},
        {"circuit show a -f x", "there is no option -f"},
        {"circuit build --file", "--file needs FILE"},
        {"circuit build --json=yes", "--json takes no value"},
        {"circuit build --file a --file b", "--file is given twice"},
        {"circuit build --until dawn", "--until: \"dawn\" is not one of waiting|closed"},
        {"circuit build --until wait", "--until: \"wait\" is not one of waiting|closed"},
        {"lab exec rtu-a", "lab exec needs WHERE COMMAND..."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
        assert_err(parse(mistakes[i].line), ERR_INVALID);
        assert_string_equal(diag.text, mistakes[i].text);
    }
}

static void
help_needs_no_arguments(void **state UNUSED)
{
    assert_ok(parse("circuit show --help"));
    assert_true(args.help);
    assert_ok(parse("circuit -h"));
    assert_true(args.help);
    assert_string_equal(args.noun, "circuit");
    assert_null(args.verb);
    assert_ok(parse(""));
    assert_null(args.verb);
}

/* ---- The real table ----------------------------------------------------------------------------
 */

static void
rows_of_a_noun_stand_together_and_differ(void **state UNUSED)
{
    for (size_t i = 0; i < cli_commands.n_verbs; i++) {
        const struct cli_verb *v = &cli_commands.verbs[i];
        bool apart = false;
        assert_non_null(v->handler);
        assert_true(*v->help && v->help[strlen(v->help) - 1] != '.');
        for (size_t j = i + 1; j < cli_commands.n_verbs; j++) {
            const struct cli_verb *other = &cli_commands.verbs[j];
            bool same = !strcmp(v->noun, other->noun);
            assert_false(same && apart);
            apart = apart || !same;
            assert_false(same && (!v->verb || !other->verb || !strcmp(v->verb, other->verb)));
        }
    }
}

static void
no_option_is_there_twice(void **state UNUSED)
{
    for (size_t i = 0; i < cli_commands.n_verbs; i++) {
        for (const struct cli_option *o = cli_commands.verbs[i].options; o && o->name; o++) {
            for (const struct cli_option *p = o + 1; p->name; p++)
                assert_string_not_equal(o->name, p->name);
            for (const struct cli_option *p = cli_commands.common; p->name; p++)
                assert_string_not_equal(o->name, p->name);
            assert_true(!o->one || o->value);
        }
    }
}

static void
every_row_has_help_and_is_completed(void **state UNUSED)
{
    struct buf completion = BUF_INIT, manual = BUF_INIT;
    assert_ok(cli_completion_put(&cli_commands, "bash", &completion));
    assert_err(cli_completion_put(&cli_commands, "csh", &completion), ERR_UNSUPPORTED);
    cli_manual_put(&cli_commands, &manual);
    for (size_t i = 0; i < cli_commands.n_verbs; i++) {
        const struct cli_verb *v = &cli_commands.verbs[i];
        struct buf help = BUF_INIT, line = BUF_INIT;
        assert_ok(cli_help_put(&cli_commands, v->noun, v->verb, &help));
        assert_non_null(strstr(buf_cstr(&help), v->help));
        for (const struct cli_option *o = v->options; o && o->name; o++)
            assert_non_null(strstr(buf_cstr(&help), o->name));
        buf_printf(&line, "    \"%s %s\") options=", v->noun, v->verb ? v->verb : "");
        assert_non_null(strstr(buf_cstr(&completion), buf_cstr(&line)));
        assert_non_null(strstr(buf_cstr(&manual), v->noun));
        buf_fini(&help);
        buf_fini(&line);
    }
    assert_err(cli_help_put(&cli_commands, "nothing", NULL, &manual), ERR_NOT_FOUND);
    buf_fini(&completion);
    buf_fini(&manual);
}

static int
fini(void **state UNUSED)
{
    cli_args_fini(&args);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_noun_verb_and_arguments),
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(two_hyphens_end_the_options),
        cmocka_unit_test(a_command_is_passed_on_as_it_is),
        cmocka_unit_test(an_option_that_may_be_repeated_is_kept_each_time),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(help_needs_no_arguments),
        cmocka_unit_test(rows_of_a_noun_stand_together_and_differ),
        cmocka_unit_test(no_option_is_there_twice),
        cmocka_unit_test(every_row_has_help_and_is_completed),
    };
    return cmocka_run_group_tests(tests, NULL, fini);
}
