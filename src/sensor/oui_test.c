#include "sensor/oui.h"

#include "base/testing.h"
#include "io/testing.h"

#include <stdlib.h>

#define HEAD "Registry,Assignment,Organization Name,Organization Address\r\n"

static struct test_dir dir;

static void
write_file(const char *name, const char *text)
{
    char path[TEST_PATH_SIZE];
    test_path(&dir, name, path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int
begin(void **state UNUSED)
{
    dir = test_dir_make();
    return 0;
}

static int
end(void **state UNUSED)
{
    static const char *const names[] = {"oui.csv", "mam.csv", "oui36.csv", "iab.csv"};
    char path[TEST_PATH_SIZE];
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        test_path(&dir, names[i], path);
        remove(path);
    }
    test_dir_remove(&dir);
    return 0;
}

static const char *
vendor(const struct oui_registry *r, const char *text)
{
    struct mac mac;
    assert_ok(mac_parse(text, &mac));
    return oui_vendor(r, &mac);
}

static void
the_longest_assignment_counts(void **state UNUSED)
{
    struct oui_registry *r;
    struct diag diag = {""};
    write_file("oui.csv", HEAD "MA-L,0030A7,\"SCHWEITZER ENGINEERING, INC.\",x\r\n"
                               "MA-L,70B3D5,IEEE Registration Authority,x\r\n");
    write_file("mam.csv", HEAD "MA-M,70B3D57,A medium one,x\r\n");
    write_file("oui36.csv", HEAD "MA-S,70B3D5F2F,A small one,x\r\n");
    if (oui_read(dir.path, &r, &diag))
        fail_msg("%s", diag.text);
    assert_string_equal(vendor(r, "00:30:a7:01:02:03"), "SCHWEITZER ENGINEERING, INC.");
    assert_string_equal(vendor(r, "70:b3:d5:f2:f1:23"), "A small one");
    assert_string_equal(vendor(r, "70:b3:d5:7f:f1:23"), "A medium one");
    assert_string_equal(vendor(r, "70:b3:d5:00:00:00"), "IEEE Registration Authority");
    assert_null(vendor(r, "00:30:a8:01:02:03"));
    assert_null(vendor(r, "02:30:a7:01:02:03")); /* given locally */
    assert_null(vendor(r, "01:30:a7:01:02:03")); /* a group's */
    oui_free(r);
}

static void
a_mistake_is_named_with_its_line(void **state UNUSED)
{
    struct oui_registry *r;
    struct diag diag = {""};
    assert_err(oui_read(dir.path, &r, &diag), ERR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "oui.csv"));
    write_file("oui.csv", HEAD "MA-L,0030A7,One,x\r\nMA-L,0030AX,Two,x\r\n");
    assert_err(oui_read(dir.path, &r, &diag), ERR_MALFORMED);
    assert_non_null(strstr(diag.text, "oui.csv: line 3: Assignment"));
    write_file("oui.csv", HEAD "MA-L,0030A7\r\n");
    assert_err(oui_read(dir.path, &r, &diag), ERR_MALFORMED);
}

static void
reads_what_debian_has(void **state UNUSED)
{
    struct oui_registry *r;
    struct diag diag = {""};
    if (oui_read(OUI_DIRECTORY, &r, &diag))
        fail_msg("%s", diag.text);
    assert_non_null(strstr(vendor(r, "00:30:a7:00:00:01"), "SCHWEITZER"));
    assert_non_null(strstr(vendor(r, "00:50:c2:7d:51:00"), "DEUTA"));
    oui_free(r);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

TEST_MAIN(TEST(the_longest_assignment_counts), TEST(a_mistake_is_named_with_its_line),
          TEST(reads_what_debian_has))
