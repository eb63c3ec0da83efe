#include "dissect/executable.h"

#include "base/attr.h"
#include "base/testing.h"

static enum executable
kind(const char *hex, size_t at)
{
    size_t n;
    uint8_t octets[256] = {0}, *begin = hex_bytes(hex, &n);
    memcpy(octets, begin, n);
    free(begin);
    if (at) {
        octets[60] = (uint8_t)at;
        memcpy(octets + at, "PE\0\0", 4);
        n = at + 4;
    }
    return executable_kind(octets, n);
}

static void
what_runs_is_known_by_its_beginning(void **state UNUSED)
{
    assert_int_equal(kind("4d5a9000", 128), EXECUTABLE_PE);
    assert_int_equal(kind("7f454c460201", 0), EXECUTABLE_ELF);
    assert_int_equal(kind("cffaedfe", 0), EXECUTABLE_MACH_O);
    assert_int_equal(kind("cafebabe 00000002", 0), EXECUTABLE_MACH_O);
    assert_int_equal(kind("cafebabe 00000034", 0), EXECUTABLE_JAVA);
    assert_int_equal(kind("23212f62696e2f7368", 0), EXECUTABLE_SCRIPT);
    assert_int_equal(kind("d0cf11e0a1b11ae1", 0), EXECUTABLE_OLE);
    assert_int_equal(kind("4d534346 00000000", 0), EXECUTABLE_CABINET);
    assert_int_equal(kind("4c000000 01140200", 0), EXECUTABLE_SHORTCUT);
    assert_string_equal(
        field_value_word(&(struct field_info){.words = executable_words}, EXECUTABLE_ELF), "elf");
}

static void
what_only_begins_alike_does_not(void **state UNUSED)
{
    uint8_t text[128] = "MZ is no program, whatever its initials are";
    assert_int_equal(executable_kind(text, 2), EXECUTABLE_NONE);
    assert_int_equal(executable_kind(text, sizeof text), EXECUTABLE_NONE);
    text[60] = 64; /* where there is no header of PE */
    assert_int_equal(executable_kind(text, sizeof text), EXECUTABLE_NONE);
    assert_int_equal(executable_kind(text, 64), EXECUTABLE_PE); /* as far as one can see */
    assert_int_equal(kind("2321", 0), EXECUTABLE_NONE);
    assert_int_equal(kind("cafebabe", 0), EXECUTABLE_NONE);
    assert_int_equal(executable_kind(text, 0), EXECUTABLE_NONE);
}

TEST_MAIN(cmocka_unit_test(what_runs_is_known_by_its_beginning),
          cmocka_unit_test(what_only_begins_alike_does_not))
