/* Messages of the forms that RFC 3164 and RFC 5424 have. */
#include "proto/it/syslog/syslog.h"

#include "dissect/testing.h"

#define assert_says(r, said, expected)                                                             \
    do {                                                                                           \
        reading_octets((r), SIDE_CLIENT, (const uint8_t *)(said), sizeof(said) - 1);               \
        assert_ok((r)->err);                                                                       \
        assert_string_equal(buf_cstr(&(r)->text), expected);                                       \
    } while (0)

static void
both_forms_say_who_and_what(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &syslog_protocol);
    assert_says(&r, "<34>Oct 11 22:14:15 rtu7 login[12]: ROOT on tty1\n",
                "report critical report facility=4 time='Oct 11 22:14:15' host='rtu7' "
                "app='login' process='12' text='ROOT on tty1'\n");
    assert_says(&r, "<13>Feb  5 17:32:18 sshd: hi",
                "report notice report facility=1 time='Feb  5 17:32:18' app='sshd' text='hi'\n");
    assert_says(&r, "<0>link down", "report emergency report facility=0 text='link down'\n");
    assert_says(&r, "no priority", "report plain report text='no priority'\n");
    assert_says(&r, "<165>1 2003-10-11T22:14:15.003Z rtu7 evt - ID47 [a@1 b=\"c\\\"]\"][d] hello",
                "report notice report facility=20 version=1 time='2003-10-11T22:14:15.003Z' "
                "host='rtu7' app='evt' message-id='ID47' data='[a@1 b=\"c\\\"]\"][d]' "
                "text='hello'\n");
    assert_says(&r, "<165>1 - - - - - -", "report notice report facility=20 version=1\n");
    assert_says(&r, "30 <13>Feb  5 17:32:18 a: hello a",
                "report notice report facility=1 time='Feb  5 17:32:18' app='a' text='hello a'\n");
    reading_end(&r);
}

static void
what_breaks_off_is_an_error(void **state UNUSED)
{
    static const char *const bad[] = {"", "<165>1 - - -", "<165>1 - - - - - [a b=\"c]"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        reading_begin(&r, &syslog_protocol);
        reading_octets(&r, SIDE_CLIENT, (const uint8_t *)bad[i], strlen(bad[i]));
        assert_int_not_equal(r.err, ERR_OK);
        reading_end(&r);
    }
}

static enum frame_found
frame(const char *text, size_t *message)
{
    return syslog_protocol.frame((const uint8_t *)text, strlen(text), message);
}

static void
both_framings_are_cut(void **state UNUSED)
{
    size_t n;
    assert_int_equal(frame("<13>a\n<13>b", &n), FRAME_WHOLE);
    assert_int_equal(n, 6);
    assert_int_equal(frame("<13>a", &n), FRAME_MORE);
    assert_int_equal(frame("5 <13>a7 <13>", &n), FRAME_WHOLE);
    assert_int_equal(n, 7);
    assert_int_equal(frame("5 <13", &n), FRAME_MORE);
    assert_int_equal(n, 7);
    assert_int_equal(frame("12", &n), FRAME_MORE);
    assert_int_equal(frame("012 <", &n), FRAME_NOT);
    assert_int_equal(frame("99999 <", &n), FRAME_NOT);
    assert_int_equal(frame("5 x13>a", &n), FRAME_NOT);
    assert_int_equal(frame("GET /", &n), FRAME_NOT);
}

static int
looks(const char *text)
{
    return syslog_protocol.looks((const uint8_t *)text, strlen(text));
}

static void
it_looks_like_itself(void **state UNUSED)
{
    assert_int_equal(looks("<34>Oct 11 22:14:15 rtu7 su: x"), LOOKS_SURE);
    assert_int_equal(looks("<34>1 - - - - - -"), LOOKS_SURE);
    assert_int_equal(looks("<34>x"), LOOKS_FAINT);
    assert_int_equal(looks("just a text"), LOOKS_FAINT);
    assert_int_equal(looks("\001\002\003\004\005\006\007\010"), LOOKS_NOT);
    assert_int_equal(looks("<192>\001Oct 11 22:14:15"), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(both_forms_say_who_and_what),
          cmocka_unit_test(what_breaks_off_is_an_error), cmocka_unit_test(both_framings_are_cut),
          cmocka_unit_test(it_looks_like_itself))
