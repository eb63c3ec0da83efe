#include "bus/subject.h"

#include "base/testing.h"

static void
knows_a_subject(void **state UNUSED)
{
    static const char *const good[] = {"a",
                                       "a.b",
                                       "site.sub-a.circuit.built",
                                       "A.b_C.7",
                                       "\xc3\xa9t\xc3\xa9.a",
                                       "_INBOX.x",
                                       "$SYS.x",
                                       "a/b:c=d"};
    static const char *const bad[] = {"",  ".", "a.",  ".a",  "a..b", "a b",   "a.\tb", "a\n",
                                      "*", ">", "a.*", "a.>", "a*",   "a.b>c", "\x7f",  "a.\x01"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(subject_is_valid(good[i]));
        assert_true(subject_is_pattern(good[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(subject_is_valid(bad[i]));
}

static void
knows_a_pattern(void **state UNUSED)
{
    static const char *const good[] = {"*", ">", "*.*", "a.*", "*.a", "a.*.b", "a.>", "*.>"};
    static const char *const bad[] = {"",      "a*", "*a",   "a.**", ">.a",
                                      "a.>.b", ">>", "a.>b", "*.",   ".>"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(subject_is_pattern(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(subject_is_pattern(bad[i]));
}

static void
a_subject_has_a_greatest_length(void **state UNUSED)
{
    char subject[SUBJECT_MAX + 2] = "";
    memset(subject, 'x', SUBJECT_MAX);
    assert_true(subject_is_valid(subject));
    subject[SUBJECT_MAX] = 'x';
    assert_false(subject_is_valid(subject));
}

static void
matches_token_by_token(void **state UNUSED)
{
    /* The first rows are the examples of NATS' documentation of subjects. */
    static const struct {
        const char *pattern, *subject;
        bool match;
    } rows[] = {
        {"time.*.east", "time.us.east", true},
        {"time.*.east", "time.eu.east", true},
        {"time.us.*", "time.us.east", true},
        {"time.us.*", "time.us.east.atlanta", false},
        {"time.us.>", "time.us.east", true},
        {"time.us.>", "time.us.east.atlanta", true},
        {"time.us.>", "time.us", false},
        {"*.*.east.>", "time.us.east.atlanta", true},
        {"*.*.east.>", "time.us.east", false},
        {"a.b", "a.b", true},
        {"a.b", "a.B", false},
        {"a.b", "a", false},
        {"a", "a.b", false},
        {"ab", "abc", false},
        {"abc", "ab", false},
        {"*", "a", true},
        {"*", "a.b", false},
        {"*.b", "a.c", false},
        {"*.*", "a", false},
        {">", "a", true},
        {">", "a.b.c", true},
        {"a.*.c", "a.bbb.c", true},
        {"a.*.c", "a.b.cc", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (subject_matches(rows[i].pattern, rows[i].subject) != rows[i].match)
            fail_msg("%s over %s", rows[i].pattern, rows[i].subject);
    }
}

TEST_MAIN(cmocka_unit_test(knows_a_subject), cmocka_unit_test(knows_a_pattern),
          cmocka_unit_test(a_subject_has_a_greatest_length),
          cmocka_unit_test(matches_token_by_token))
