#include "model/text.h"

#include "base/testing.h"

static void
names_are_letters_digits_and_a_few_signs(void **state UNUSED)
{
    char longest[NAME_MAX_LENGTH + 2];
    memset(longest, 'a', sizeof longest);
    longest[NAME_MAX_LENGTH] = '\0';
    assert_true(name_is_valid("relay-a1"));
    assert_true(name_is_valid("0"));
    assert_true(name_is_valid("A.b_c-9"));
    assert_true(name_is_valid(longest));
    longest[NAME_MAX_LENGTH] = 'a';
    longest[NAME_MAX_LENGTH + 1] = '\0';
    assert_false(name_is_valid(longest));
    const char *const wrong[] = {"", "-a", ".a", "_a", "a b", "a/b", "a\n", "\xc3\xa4"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(name_is_valid(wrong[i]));
}

static void
a_text_is_one_line_without_control_characters(void **state UNUSED)
{
    char octets[3 * TEXT_MAX_LENGTH + 4] = "";
    assert_true(text_is_valid("\xe2\x82\xac, \"quotes\" = fine"));
    for (int i = 0; i < TEXT_MAX_LENGTH; i++)
        strcat(octets, "\xe2\x82\xac");
    assert_true(text_is_valid(octets)); /* characters count, not octets */
    strcat(octets, "x");
    assert_false(text_is_valid(octets));
    const char *const wrong[] = {"", "a\nb", "a\tb", "\x7f", "\xc2\x85", "\xef\xbf\xbf", "\xff"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(text_is_valid(wrong[i]));
}

static void
any_text_becomes_a_name(void **state UNUSED)
{
    char name[NAME_MAX_LENGTH + 1], other[NAME_MAX_LENGTH + 1];
    assert_string_equal(name_from_text("goose IED 1/LD0.gcb", name), "goose-IED-1-LD0.gcb");
    assert_string_equal(name_from_text("--a//b--", name), "a-b");
    assert_true(name_is_valid(name_from_text("", name)));
    assert_true(name_is_valid(name_from_text("\xc3\xa4", name)));
    char text[80];
    memset(text, 'a', sizeof text);
    text[79] = '\0';
    name_from_text(text, name);
    text[78] = 'b';
    name_from_text(text, other);
    assert_true(name_is_valid(name) && name_is_valid(other));
    assert_string_not_equal(name, other);
}

static void
what_is_said_can_be_printed(void **state UNUSED)
{
    char text[] = "a\x1b[2Jb\n\xc2\x85\xe2\x82\xac\xe2\x82"; /* cut in the middle of a character */
    assert_string_equal(text_make_printable(text), "a?[2Jb???\xe2\x82\xac??");
}

static void
the_word_that_was_meant_is_suggested(void **state UNUSED)
{
    const char *const words[] = {"name", "datapath-id", "management-address", "kind", "site"};
    assert_string_equal(nearest_word("datapathid", words, 5), "datapath-id");
    assert_string_equal(nearest_word("Kidn", words, 5), "kind");
    assert_string_equal(nearest_word("sit", words, 5), "site");
    assert_null(nearest_word("xyzzy", words, 5));
    assert_null(nearest_word("", words, 5));
}

static void
names_are_listed_as_people_count(void **state UNUSED)
{
    const char *const sorted[] = {"a", "a-2", "a1", "a01", "a1b", "a2", "a10", "a10.1", "b"};
    for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
            int order = name_compare(sorted[i], sorted[j]);
            if (i == 2 || i == 3 || j == 2 || j == 3) /* 1 and 01 only differ in writing */
                assert_true((order == 0) == (i == j));
            else
                assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
}

TEST_MAIN(cmocka_unit_test(names_are_letters_digits_and_a_few_signs),
          cmocka_unit_test(a_text_is_one_line_without_control_characters),
          cmocka_unit_test(any_text_becomes_a_name), cmocka_unit_test(what_is_said_can_be_printed),
          cmocka_unit_test(the_word_that_was_meant_is_suggested),
          cmocka_unit_test(names_are_listed_as_people_count))
