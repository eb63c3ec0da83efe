#include "sensor/vulnerabilities.h"

#include "base/testing.h"

static void
tells_of_a_device_what_is_known_of_it(void **state UNUSED)
{
    struct asset a = {.address = {.octets = {10, 0, 0, 5}, .ip = 4, .has_member = 1, .member = 7}};
    struct buf b = BUF_INIT;
    a.values[ATTRIBUTE_VENDOR] = (struct asset_value){.text = "ABB", .confidence = 40};
    a.values[ATTRIBUTE_MODEL] = (struct asset_value){.text = "RTU-560", .confidence = 95};
    struct advisory_device d = vulnerabilities_device(&a);
    assert_string_equal(d.vendor, "ABB");
    assert_int_equal(d.vendor_confidence, 40);
    assert_string_equal(d.model, "RTU-560");
    assert_null(d.firmware);
    const struct advisory_match m = {.advisory = "EX-1",
                                     .cve = "CVE-2026-1",
                                     .score = 9.8,
                                     .severity = "CRITICAL",
                                     .status = ADVISORY_MAY_BE,
                                     .confidence = 45,
                                     .product = "RTU \"560\"",
                                     .reason = "so"};
    vulnerability_put_json(&b, &a, &m);
    assert_string_equal(
        buf_cstr(&b),
        "{\"vulnerability\":{\"advisory\":\"EX-1\",\"cve\":\"CVE-2026-1\",\"score\":9.8,"
        "\"severity\":\"CRITICAL\",\"status\":\"may be affected\",\"product\":\"RTU \\\"560\\\"\","
        "\"reason\":\"so\",\"confidence\":45},\"address\":\"10.0.0.5\",\"member\":7}\n");
    buf_fini(&b);
}

TEST_MAIN(cmocka_unit_test(tells_of_a_device_what_is_known_of_it))
