/* Advisories that were written for this test: what they say, and of which devices. */
#include "advisory/advisory.h"
#include "advisory/vendor.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/testing.h"

#include <stdio.h>

#define ADVISORY(tree, vulnerabilities)                                                            \
    "{\"document\":{\"category\":\"csaf_security_advisory\",\"csaf_version\":\"2.0\","             \
    "\"title\":\"Example\",\"publisher\":{\"name\":\"Example CERT\"},"                             \
    "\"tracking\":{\"id\":\"EX-1\"}},\"product_tree\":" tree ",\"vulnerabilities\":"               \
    "[" vulnerabilities "]}"

static const char controller[] = ADVISORY(
    "{\"branches\":[{\"category\":\"vendor\",\"name\":\"Siemens AG\",\"branches\":["
    "{\"category\":\"product_name\",\"name\":\"SIMATIC S7-300 CPU 315-2 PN/DP "
    "(6ES7315-2EH14-0AB0)\",\"branches\":["
    "{\"category\":\"product_version_range\",\"name\":\"vers:intdot/<3.2.9\",\"product\":"
    "{\"product_id\":\"A\",\"name\":\"CPU 315 below 3.2.9\","
    "\"product_identification_helper\":{\"model_numbers\":[\"6ES7 315-2EH14-*\"]}}},"
    "{\"category\":\"product_version\",\"name\":\"V3.2.9\",\"product\":"
    "{\"product_id\":\"B\",\"name\":\"CPU 315 3.2.9\"}},"
    "{\"category\":\"product_version\",\"name\":\"V3.2.7\",\"product\":"
    "{\"product_id\":\"D\",\"name\":\"CPU 315 3.2.7\"}}]},"
    "{\"category\":\"product_name\",\"name\":\"SIMATIC S7-300 CPU family\",\"branches\":["
    "{\"category\":\"product_version_range\",\"name\":\"All versions\",\"product\":"
    "{\"product_id\":\"C\",\"name\":\"S7-300\"}}]}]}]}",
    "{\"cve\":\"CVE-2026-0001\",\"title\":\"Stop\",\"product_status\":{\"known_affected\":[\"A\"],"
    "\"fixed\":[\"B\"],\"known_not_affected\":[\"D\"]},\"scores\":[{\"products\":[\"A\"],\"cvss_"
    "v3\":{\"baseScore\":7.5,"
    "\"baseSeverity\":\"HIGH\"}}],\"remediations\":[{\"category\":\"vendor_fix\",\"details\":"
    "\"Update to V3.2.9\",\"product_ids\":[\"A\"],\"url\":\"https://example.org/a\"}]}");

static const char relay[] = ADVISORY(
    "{\"branches\":[{\"category\":\"vendor\",\"name\":\"Schweitzer Engineering Laboratories\","
    "\"branches\":[{\"category\":\"product_name\",\"name\":\"SEL-751 Firmware\",\"branches\":["
    "{\"category\":\"product_version_range\",\"name\":\"< R114-V2\",\"product\":"
    "{\"product_id\":\"F\",\"name\":\"SEL-751 firmware below R114-V2\"}}]},"
    "{\"category\":\"product_name\",\"name\":\"SEL-751\",\"product\":"
    "{\"product_id\":\"H\",\"name\":\"SEL-751\"}}]}],"
    "\"relationships\":[{\"category\":\"installed_on\",\"product_reference\":\"F\","
    "\"relates_to_product_reference\":\"H\",\"full_product_name\":"
    "{\"product_id\":\"FH\",\"name\":\"SEL-751 with firmware below R114-V2\"}}],"
    "\"product_groups\":[{\"group_id\":\"G\",\"product_ids\":[\"FH\"]}]}",
    "{\"cve\":\"CVE-2026-0002\",\"product_status\":{\"known_affected\":[\"FH\"]},"
    "\"remediations\":[{\"category\":\"mitigation\",\"details\":\"Segment\",\"group_ids\":[\"G\"]}]"
    "}");

static const char others[] = ADVISORY(
    "{\"full_product_names\":[{\"product_id\":\"P\",\"name\":\"Example Gateway 200\","
    "\"product_identification_helper\":{\"cpe\":\"cpe:2.3:h:moxa:mgate_mb3180:2.0:*:*:*:*:*:*:*\"}}"
    ","
    "{\"product_id\":\"Q\",\"name\":\"RTU-560\"},"
    "{\"product_id\":\"U\",\"name\":\"Terminal T100\"}]}",
    "{\"product_status\":{\"known_affected\":[\"P\",\"Q\"],\"under_investigation\":[\"U\"]}}");

/* ---- A bench ---- */

static void
tell(void *arg, const struct advisory_match *m)
{
    buf_printf(arg, "%s %s %u%%: %s\n", m->cve ? m->cve : "-", advisory_status_word(m->status),
               m->confidence, m->reason);
}

static const char *
matches(const char *text, const struct advisory_device *d)
{
    static char told[2048];
    struct advisories *all = advisories_new();
    struct diag diag = {""};
    struct buf b = BUF_INIT;
    if (advisories_read(all, "test", text, strlen(text), &diag))
        fail_msg("%s", diag.text);
    advisories_match(all, d, tell, &b);
    snprintf(told, sizeof told, "%s", buf_cstr(&b));
    buf_fini(&b);
    advisories_free(all);
    return told;
}
#define MATCHES(text, ...) matches(text, &(struct advisory_device){__VA_ARGS__})

/* ---- Makers ---- */

static void
knows_a_maker_by_its_names(void **state UNUSED)
{
    static const struct {
        const char *text, *name;
    } rows[] = {
        {"Siemens AG", "siemens"},
        {"SIEMENS", "siemens"},
        {"Siemens Industrial Automation Products Ltd., Chengdu", "siemens"},
        {"RuggedCom Inc.", "siemens"},
        {"TELEMECANIQUE", "schneider electric"},
        {"Schneider Electric SE", "schneider electric"},
        {"Allen-Bradley", "rockwell automation"},
        {"Rockwell Automation/Allen-Bradley", "rockwell automation"},
        {"Hitachi ABB Power Grids", "hitachi energy"},
        {"ABB Oy", "abb"},
        {"SCHWEITZER ENGINEERING LABORATORIES, INC.", "sel"},
        {"GE Multilin", "ge vernova"},
        {"Gemalto", "gemalto"},
        {"Acme Widgets, Inc.", "acme widgets"},
        {"", ""},
        {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char name[VENDOR_MAX];
        assert_string_equal(vendor_name(rows[i].text, name), rows[i].name);
    }
}

/* ---- Devices ---- */

static void
order_code_and_version_say_it(void **state UNUSED)
{
    assert_string_equal(
        MATCHES(controller, .vendor = "Siemens", .vendor_confidence = 95,
                .order_code = "6ES7 315-2EH14-0AB0", .firmware = "V 3.2.6"),
        "CVE-2026-0001 affected 95%: order code 6ES7 315-2EH14-0AB0 equals 6ES7 315-2EH14-*; "
        "maker siemens; firmware V 3.2.6 is below 3.2.9\n");
    assert_string_equal(MATCHES(controller, .vendor = "Siemens", .vendor_confidence = 95,
                                .order_code = "6ES7 315-2EH14-0AB0", .firmware = "V3.2.9"),
                        "");
    assert_string_equal(MATCHES(controller, .vendor = "Siemens", .vendor_confidence = 95,
                                .model = "CPU 315-2 PN/DP", .firmware = "V3.2.7"),
                        ""); /* though it is below 3.2.9 */
    assert_string_equal(MATCHES(controller, .vendor = "Siemens", .vendor_confidence = 95,
                                .order_code = "6ES7 315-2EH13-0AB0", .firmware = "V3.2.6"),
                        "");
}

static void
an_unknown_version_may_be_affected(void **state UNUSED)
{
    assert_string_equal(
        MATCHES(controller, .vendor = "Siemens", .vendor_confidence = 95,
                .order_code = "6ES7315-2EH14-0AB0"),
        "CVE-2026-0001 may be affected 47%: order code 6ES7315-2EH14-0AB0 equals 6ES7 "
        "315-2EH14-*; maker siemens; firmware is not known, versions vers:intdot/<3.2.9\n");
}

static void
a_model_is_found_in_the_name(void **state UNUSED)
{
    assert_string_equal(
        MATCHES(controller, .vendor = "Siemens", .vendor_confidence = 95,
                .model = "CPU 315-2 PN/DP", .firmware = "3.1"),
        "CVE-2026-0001 affected 75%: model CPU 315-2 PN/DP is in CPU 315 below 3.2.9; maker "
        "siemens; firmware 3.1 is below 3.2.9\n");
    assert_string_equal(MATCHES(controller, .vendor = "Siemens", .model = "CPU", .firmware = "3.1",
                                .vendor_confidence = 95),
                        "");
}

static void
another_maker_is_not_meant(void **state UNUSED)
{
    assert_string_equal(MATCHES(controller, .vendor = "VIPA", .vendor_confidence = 95,
                                .order_code = "6ES7315-2EH14-0AB0", .firmware = "3.1"),
                        "");
    assert_string_equal(/* its network card's maker is no proof */
                        MATCHES(controller, .vendor = "VIPA", .vendor_confidence = 40,
                                .order_code = "6ES7315-2EH14-0AB0", .firmware = "3.1"),
                        "CVE-2026-0001 affected 66%: order code 6ES7315-2EH14-0AB0 equals 6ES7 "
                        "315-2EH14-*; "
                        "maker may be another; firmware 3.1 is below 3.2.9\n");
    assert_string_equal(
        MATCHES(controller, .order_code = "6ES7315-2EH14-0AB0", .firmware = "3.1"),
        "CVE-2026-0001 affected 66%: order code 6ES7315-2EH14-0AB0 equals 6ES7 315-2EH14-*; "
        "maker of the device is not told; firmware 3.1 is below 3.2.9\n");
}

static void
firmware_on_a_device_is_one_product(void **state UNUSED)
{
    assert_string_equal(
        MATCHES(relay, .vendor = "SEL", .vendor_confidence = 95, .model = "SEL-751",
                .firmware = "SEL-751-R113-V0-Z005003-D20130515"),
        "CVE-2026-0002 affected 90%: model SEL-751 equals SEL-751 with firmware below R114-V2; "
        "maker sel; firmware R113-V0 is below r114-v2\n");
    assert_string_equal(MATCHES(relay, .vendor = "SEL", .vendor_confidence = 95, .model = "SEL-751",
                                .firmware = "SEL-751-R114-V2-Z1-D2"),
                        "");
    assert_string_equal(MATCHES(relay, .vendor = "SEL", .vendor_confidence = 95,
                                .model = "SEL-751A", .firmware = "R100-V0"),
                        "");
}

static void
cpe_and_mere_names_are_read(void **state UNUSED)
{
    assert_string_equal(MATCHES(others, .vendor = "Moxa", .vendor_confidence = 95,
                                .model = "MGate MB3180", .firmware = "2.0"),
                        "- affected 90%: model MGate MB3180 equals Example Gateway 200; maker "
                        "moxa; firmware 2.0 is 2.0\n");
    assert_string_equal(MATCHES(others, .vendor = "Moxa", .vendor_confidence = 95,
                                .model = "MGate MB3180", .firmware = "2.1"),
                        "");
    assert_string_equal(MATCHES(others, .model = "RTU-560 CMU"),
                        "- affected 33%: model RTU-560 CMU has RTU-560; maker of the device is "
                        "not told; every version\n");
    assert_string_equal(MATCHES(others, .model = "Terminal T100"),
                        "- under investigation 50%: model Terminal T100 equals Terminal T100; "
                        "maker of the device is not told; every version\n");
}

static void
tell_all(void *arg, const struct advisory_match *m)
{
    buf_printf(arg, "%s %s %s %s %.1f %s %s", m->advisory, m->publisher, m->title, m->severity,
               m->score, m->remedy, m->url ? m->url : "-");
}

static void
says_how_bad_it_is_and_what_helps(void **state UNUSED)
{
    struct advisories *all = advisories_new();
    struct buf b = BUF_INIT;
    struct diag diag;
    assert_ok(advisories_read(all, "test", controller, strlen(controller), &diag));
    assert_int_equal(advisories_number(all), 1);
    advisories_match(all,
                     &(struct advisory_device){.order_code = "6ES7315-2EH14-0AB0", .firmware = "3"},
                     tell_all, &b);
    assert_string_equal(buf_cstr(&b), "EX-1 Example CERT Example HIGH 7.5 vendor_fix: Update to "
                                      "V3.2.9 https://example.org/a");
    buf_clear(&b);
    assert_ok(advisories_read(all, "test", relay, strlen(relay), &diag));
    advisories_match(all, &(struct advisory_device){.model = "SEL-751", .firmware = "R1"}, tell_all,
                     &b);
    assert_string_equal(buf_cstr(&b),
                        "EX-1 Example CERT Example (null) -1.0 mitigation: Segment -");
    buf_fini(&b);
    advisories_free(all);
}

static void
what_is_no_advisory_is_refused(void **state UNUSED)
{
    static const struct {
        const char *text;
        enum err err;
    } rows[] = {
        {"", ERR_MALFORMED},
        {"{", ERR_MALFORMED},
        {"[]", ERR_MALFORMED},
        {"{\"document\":1}", ERR_MALFORMED},
        {"{\"document\":{\"csaf_version\":\"2.0\"}}", ERR_MALFORMED},
        {"{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"\"}}}", ERR_MALFORMED},
        {"{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"a\\nb\"}}}",
         ERR_MALFORMED},
        {"{\"document\":{\"csaf_version\":\"3.0\",\"tracking\":{\"id\":\"a\"}}}", ERR_UNSUPPORTED},
    };
    struct advisories *all = advisories_new();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct diag diag = {""};
        assert_err(advisories_read(all, "f.json", rows[i].text, strlen(rows[i].text), &diag),
                   rows[i].err);
        assert_memory_equal(diag.text, "f.json: ", 8);
    }
    assert_int_equal(advisories_number(all), 0);
    advisories_free(all);
}

/* ---- What is written to do harm, or without care ---- */

static const char *
one_number(const char *number, const struct advisory_device *d)
{
    char *text = xasprintf(
        ADVISORY("{\"full_product_names\":[{\"product_id\":\"P\",\"name\":\"Example\","
                 "\"product_identification_helper\":{\"model_numbers\":[\"%s\"]}}]}",
                 "{\"product_status\":{\"known_affected\":[\"P\"]}}"),
        number);
    const char *told = matches(text, d);
    free(text);
    return told;
}

static void
a_pattern_that_says_next_to_nothing_is_no_device(void **state UNUSED)
{
    static const char *const wide[] = {"*", "?*?", "*1*", "*6*e*", "*1***", "??????1???????", "6*"};
    const struct advisory_device d = {.order_code = "6ES7315-2EH14-0AB0", .model = "CPU 1511"};
    for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
        assert_string_equal(one_number(wide[i], &d), "");
    assert_string_not_equal(one_number("6ES7*", &d), "");
    assert_string_not_equal(one_number("?ES7315*", &d), "");
    assert_string_not_equal(one_number("750", &(struct advisory_device){.order_code = "750"}), "");
}

/* Each of so many groups is asked for once, behind all others. */
static void
groups_are_found_without_searching(void **state UNUSED)
{
    enum { GROUPS = 200000 };
    struct advisories *all = advisories_new();
    struct diag diag;
    struct buf b = BUF_INIT;
    buf_str(&b, "{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"G\"}},"
                "\"product_tree\":{\"full_product_names\":[{\"product_id\":\"P\",\"name\":"
                "\"Terminal T100\"}],\"product_groups\":[");
    for (unsigned i = 0; i < GROUPS; i++)
        buf_printf(&b, "{\"group_id\":\"%u\"},", i);
    buf_str(&b, "{\"group_id\":\"last\",\"product_ids\":[\"P\"]}]},\"vulnerabilities\":[{"
                "\"product_status\":{\"known_affected\":[\"P\"]},\"remediations\":[{\"category\":"
                "\"workaround\",\"details\":\"None\",\"group_ids\":[");
    for (unsigned i = 0; i < GROUPS; i++)
        buf_printf(&b, "\"%u\",", i + GROUPS);
    buf_str(&b, "\"last\"]}]}]}");
    assert_ok(advisories_read(all, "test", (const char *)b.data, b.size, &diag));
    buf_clear(&b);
    advisories_match(all, &(struct advisory_device){.model = "Terminal T100"}, tell_all, &b);
    assert_non_null(strstr(buf_cstr(&b), "workaround: None"));
    buf_fini(&b);
    advisories_free(all);
}

/* A product of many numbers, and lists that name it again and again. */
static void
a_product_is_compared_once(void **state UNUSED)
{
    enum { NUMBERS = 4000, TIMES = 300000 };
    struct advisories *all = advisories_new();
    struct diag diag;
    struct buf b = BUF_INIT;
    buf_str(&b, "{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"G\"}},"
                "\"product_tree\":{\"full_product_names\":[{\"product_id\":\"P\",\"name\":\"x\","
                "\"product_identification_helper\":{\"model_numbers\":[\"last 1000\"");
    for (unsigned i = 0; i < NUMBERS; i++)
        buf_printf(&b, ",\"number-of-a-product-%u\"", i);
    buf_str(&b, "]}}]},\"vulnerabilities\":[{\"product_status\":{\"known_affected\":[\"P\"");
    for (unsigned i = 0; i < TIMES; i++)
        buf_str(&b, ",\"P\"");
    buf_str(&b, "]}}]}");
    assert_ok(advisories_read(all, "test", (const char *)b.data, b.size, &diag));
    buf_clear(&b);
    advisories_match(all, &(struct advisory_device){.model = "Terminal T100"}, tell, &b);
    assert_int_equal(b.size, 0);
    advisories_match(all, &(struct advisory_device){.model = "LAST-1000"}, tell, &b);
    assert_non_null(strstr(buf_cstr(&b), "model LAST-1000 equals last 1000"));
    buf_fini(&b);
    advisories_free(all);
}

/* Patch levels of patch levels: each names all that are above it. */
static void
a_version_of_many_parts_is_cut(void **state UNUSED)
{
    enum { LEVELS = 28, LENGTH = 20 << 20 };
    struct advisories *all = advisories_new();
    struct diag diag;
    struct buf b = BUF_INIT;
    buf_str(&b, "{\"document\":{\"csaf_version\":\"2.0\",\"tracking\":{\"id\":\"V\"}},"
                "\"product_tree\":{\"branches\":[{\"category\":\"product_version\",\"name\":\"");
    memset(buf_reserve(&b, LENGTH), '1', LENGTH);
    for (unsigned i = 0; i < LEVELS; i++)
        buf_printf(&b,
                   "\",\"branches\":[{\"category\":\"patch_level\",\"product\":{\"product_id\":"
                   "\"%u\",\"name\":\"x\"},\"name\":\"1",
                   i);
    buf_str(&b, "\"");
    for (unsigned i = 0; i < LEVELS; i++)
        buf_str(&b, "}]");
    buf_str(&b, "}]}}");
    assert_ok(advisories_read(all, "test", (const char *)b.data, b.size, &diag));
    buf_fini(&b);
    advisories_free(all);
}

TEST_MAIN(cmocka_unit_test(knows_a_maker_by_its_names),
          cmocka_unit_test(a_product_is_compared_once),
          cmocka_unit_test(a_version_of_many_parts_is_cut),
          cmocka_unit_test(a_pattern_that_says_next_to_nothing_is_no_device),
          cmocka_unit_test(groups_are_found_without_searching),
          cmocka_unit_test(order_code_and_version_say_it),
          cmocka_unit_test(an_unknown_version_may_be_affected),
          cmocka_unit_test(a_model_is_found_in_the_name),
          cmocka_unit_test(another_maker_is_not_meant),
          cmocka_unit_test(firmware_on_a_device_is_one_product),
          cmocka_unit_test(cpe_and_mere_names_are_read),
          cmocka_unit_test(says_how_bad_it_is_and_what_helps),
          cmocka_unit_test(what_is_no_advisory_is_refused))
