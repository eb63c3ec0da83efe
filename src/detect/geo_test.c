#include "detect/geo.h"

#include "base/testing.h"
#include "detect/geo_testing.h"

#include <stdlib.h>
#include <unistd.h>

static char path[] = "/tmp/geo-test-XXXXXX";

static void
addresses_have_the_country_that_the_database_says(void **state UNUSED)
{
    struct diag diag = {""};
    struct geo *g;
    char code[3] = "";
    assert_true(geo_write_usual(path));
    if (geo_open(path, &g, &diag))
        fail_msg("%s", diag.text);
    assert_true(geo_country(g, (uint8_t[16]){203, 0, 113, 7}, 4, code));
    assert_string_equal(code, "ZZ");
    assert_true(geo_country(g, (uint8_t[16]){198, 51, 100, 255}, 4, code));
    assert_string_equal(code, "AA");
    assert_true(geo_country(g, (uint8_t[16]){0x20, 1, 0x0d, 0xb8, 9}, 6, code));
    assert_string_equal(code, "ZZ");
    assert_false(geo_country(g, (uint8_t[16]){203, 0, 114, 7}, 4, code));
    assert_false(geo_country(g, (uint8_t[16]){0x20, 1, 0x0d, 0xb9}, 6, code));
    geo_close(g);
}

static void
what_is_no_database_is_said(void **state UNUSED)
{
    struct diag diag = {""};
    struct geo *g;
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    fputs("no database", out);
    fclose(out);
    assert_err(geo_open(path, &g, &diag), ERR_MALFORMED);
    assert_non_null(strstr(diag.text, path));
    assert_err(geo_open("/nowhere", &g, &diag), ERR_NOT_FOUND);
    geo_close(NULL);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_have_the_country_that_the_database_says),
        cmocka_unit_test(what_is_no_database_is_said),
    };
    int fd = mkstemp(path);
    if (fd < 0)
        return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
