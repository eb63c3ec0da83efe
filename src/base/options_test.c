#include "base/options.h"

#include "base/testing.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct given {
    const char *name, *place;
    uint32_t number;
    bool flag;
    unsigned n_colours;
};

static enum err
add_colour(void *options, const char *text, struct diag *diag)
{
    struct given *g = options;
    if (strcmp(text, "grey") == 0)
        return diag_set(diag, ERR_INVALID, "grey is no colour");
    g->n_colours++;
    return ERR_OK;
}

static const struct option_row rows[] = {
    TEXT_OPTION("name", "NAME", offsetof(struct given, name), NULL, "who it is"),
    TEXT_OPTION("place", "PLACE", offsetof(struct given, place), "here", "where it is"),
    NUMBER_OPTION("number", "N", offsetof(struct given, number), 40, "how many"),
    FLAG_OPTION("flag", offsetof(struct given, flag), "really"),
    OTHER_OPTION("colour", "COLOUR", add_colour, "", "several"),
};

static struct given given;
static struct diag diag;

/* "--name x --flag": words. */
static enum err
read_words(const char *words)
{
    char *argv[16] = {(char *)(uintptr_t) "program"}, *copy = strdup(words);
    int argc = 1;
    for (char *at = copy, *word; (word = strsep(&at, " "));)
        argv[argc++] = word;
    given = (struct given){.name = NULL};
    diag.text[0] = '\0';
    enum err err = options_read(rows, ARRAY_SIZE(rows), argc, argv, &given, &diag);
    if (!err)
        err = options_complete(rows, ARRAY_SIZE(rows), &given, &diag);
    static char *kept;
    free(kept);
    kept = copy; /* the texts are argv's */
    return err;
}

static void
what_is_given_and_what_is_not(void **state UNUSED)
{
    assert_ok(read_words("--name=a=b --number 40 --flag --colour red --colour=blue"));
    assert_string_equal(given.name, "a=b");
    assert_string_equal(given.place, "here");
    assert_int_equal(given.number, 40);
    assert_true(given.flag);
    assert_int_equal(given.n_colours, 2);
    assert_ok(read_words("--name a --place there"));
    assert_string_equal(given.place, "there");
    assert_false(given.flag);
    assert_int_equal(given.number, 0);
}

static void
mistakes_name_the_option(void **state UNUSED)
{
    static const struct {
        const char *words, *why;
    } cases[] = {
        {"--flag", "--name NAME is needed"},
        {"name", "\"name\" is not an option"},
        {"--nam a", "there is no option \"--nam\""},
        {"--names=a", "there is no option \"--names=a\""},
        {"--name", "--name needs NAME"},
        {"--name=", "--name is empty"},
        {"--flag=yes", "--flag takes no value"},
        {"--number 0", "--number: \"0\" is not a number from 1 to 40"},
        {"--number 41", "--number: \"41\" is not a number from 1 to 40"},
        {"--number +4", "--number: \"+4\" is not a number from 1 to 40"},
        {"--number 4k", "--number: \"4k\" is not a number from 1 to 40"},
        {"--number 18446744073709551617",
         "--number: \"18446744073709551617\" is not a number from 1 to 40"},
        {"--colour grey", "--colour: grey is no colour"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_err(read_words(cases[i].words), ERR_INVALID);
        assert_string_equal(diag.text, cases[i].why);
    }
}

static void
the_rows_explain_themselves(void **state UNUSED)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    options_explain(out, rows, ARRAY_SIZE(rows));
    fclose(out);
    assert_string_equal(text, "  --name NAME           who it is\n"
                              "  --place PLACE         where it is (here)\n"
                              "  --number N            how many\n"
                              "  --flag                really\n"
                              "  --colour COLOUR       several\n");
    free(text);
}

TEST_MAIN(cmocka_unit_test(what_is_given_and_what_is_not),
          cmocka_unit_test(mistakes_name_the_option), cmocka_unit_test(the_rows_explain_themselves))
