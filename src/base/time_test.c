#include "base/time.h"

#include "base/testing.h"

static void
formats_in_utc_with_nine_digits(void **state UNUSED)
{
    char text[TIME_TEXT_SIZE];
    assert_string_equal(time_format(0, text), "1970-01-01T00:00:00.000000000Z");
    assert_string_equal(time_format(INT64_C(1795233360000000001), text),
                        "2026-11-21T03:56:00.000000001Z");
    assert_string_equal(time_format(-1, text), "1969-12-31T23:59:59.999999999Z");
}

static void
parses_what_rfc_3339_shows(void **state UNUSED)
{
    /* RFC 3339 section 5.8: both are the same instant, 20 minutes 50.52 s after 23:00. */
    nsec_t a, b;
    assert_ok(time_parse("1985-04-12T23:20:50.52Z", &a));
    assert_int_equal(a, INT64_C(482196050520000000));
    assert_ok(time_parse("1996-12-19T16:39:57-08:00", &a));
    assert_ok(time_parse("1996-12-20T00:39:57Z", &b));
    assert_int_equal(a, b);
}

static void
refuses_what_is_no_time(void **state UNUSED)
{
    static const char *const wrong[] = {
        "",
        "2026",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+24:00",
    };
    nsec_t t = 77;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(time_parse(wrong[i], &t), ERR_MALFORMED);
    assert_err(time_parse("1969-12-31T23:59:59Z", &t), ERR_LIMIT);
    assert_err(time_parse("2262-01-01T00:00:00Z", &t), ERR_LIMIT);
    assert_int_equal(t, 77);
}

static void
parses_durations(void **state UNUSED)
{
    nsec_t d;
    assert_ok(time_parse_duration("20s", &d));
    assert_int_equal(d, 20 * NSEC_PER_SEC);
    assert_ok(time_parse_duration("2h30m", &d));
    assert_int_equal(d, 9000 * NSEC_PER_SEC);
    assert_ok(time_parse_duration("1.5ms", &d));
    assert_int_equal(d, 1500 * NSEC_PER_USEC);
    assert_ok(time_parse_duration("0.25d", &d));
    assert_int_equal(d, 6 * 3600 * NSEC_PER_SEC);
    assert_ok(time_parse_duration("90", &d));
    assert_int_equal(d, 90 * NSEC_PER_SEC);
    assert_err(time_parse_duration("", &d), ERR_MALFORMED);
    assert_err(time_parse_duration("5 s", &d), ERR_MALFORMED);
    assert_err(time_parse_duration("-5s", &d), ERR_MALFORMED);
    assert_err(time_parse_duration("5w", &d), ERR_MALFORMED);
    assert_err(time_parse_duration("99999999999d", &d), ERR_LIMIT);
}

TEST_MAIN(cmocka_unit_test(formats_in_utc_with_nine_digits),
          cmocka_unit_test(parses_what_rfc_3339_shows), cmocka_unit_test(refuses_what_is_no_time),
          cmocka_unit_test(parses_durations))
