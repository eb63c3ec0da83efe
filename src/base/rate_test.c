#include "base/rate.h"

#include "base/testing.h"

static void
rates_are_read_with_and_without_a_unit(void **state UNUSED)
{
    static const struct {
        const char *text;
        uint32_t kbps;
    } rates[] = {
        {"64", 64},         {"64k", 64},        {"512kbit/s", 512}, {"1.5M", 1500},
        {"2 Mbit/s", 2000}, {"1Gbps", 1000000}, {"10G", 10000000},  {"4294967295", UINT32_MAX},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        uint32_t kbps = 0;
        assert_ok(rate_parse(rates[i].text, &kbps));
        assert_int_equal(kbps, rates[i].kbps);
    }
}

static void
what_is_no_rate_changes_nothing(void **state UNUSED)
{
    static const char *const wrong[] = {"", "x", "-1", "1x", "64 furlongs", "0x40", "nan", " 1"};
    static const char *const outside[] = {"0", "0.1", "5000G", "1e999"};
    uint32_t kbps = 7;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(rate_parse(wrong[i], &kbps), ERR_MALFORMED);
    for (size_t i = 0; i < ARRAY_SIZE(outside); i++)
        assert_err(rate_parse(outside[i], &kbps), ERR_LIMIT);
    assert_int_equal(kbps, 7);
}

TEST_MAIN(cmocka_unit_test(rates_are_read_with_and_without_a_unit),
          cmocka_unit_test(what_is_no_rate_changes_nothing))
