/* Golden tests: hex in, text out. test/openflow/golden/ holds one file for what is malformed and
 * must be refused with the right code, one for requests as os-ken writes them, one for what Open
 * vSwitch answered. Each case is "# name", a line of hex, and the text, its first line behind "> ".
 */
#include "base/testing.h"
#include "proto/openflow/openflow.h"

#include <stdio.h>

#define BUDGET ((size_t)4 << 20)

struct golden {
    char *name, *hex, *text;
};

static char *
read_file(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/test/openflow/golden/%s", TIELINE_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    assert_true(size < (1 << 20) - 1);
    fclose(file);
    return text;
}

/* Cuts the next case out of the text. */
static bool
next_case(char **text, struct golden *golden)
{
    char *start = *text;
    if (*start != '#')
        return false;
    golden->name = start + 2;
    golden->hex = strchr(golden->name, '\n');
    *golden->hex++ = '\0';
    golden->text = strchr(golden->hex, '\n');
    *golden->text = '\0';
    golden->text += strlen("\n> ");
    char *end = strstr(golden->text, "\n# ");
    if (!end)
        end = strrchr(golden->text, '\n');
    *end = '\0';
    *text = end + 1;
    return true;
}

static void
decode_as_text(const char *hex, struct buf *out)
{
    size_t size;
    uint8_t *data = hex_bytes(hex, &size);
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message message;
    struct diag diag;
    if (openflow_decode(data, size, arena, &message, NULL, &diag))
        buf_printf(out, "! %s", diag.text);
    else
        openflow_print(&message, out);
    arena_free(arena);
    free(data);
}

static void
check_file(const char *name, unsigned at_least)
{
    char *content = read_file(name), *text = content;
    struct golden golden;
    unsigned n = 0, wrong = 0;
    for (; next_case(&text, &golden); n++) {
        struct buf out = BUF_INIT;
        decode_as_text(golden.hex, &out);
        if (strcmp(buf_cstr(&out), golden.text)) {
            print_error("%s:\n  expected %s\n  got      %s\n", golden.name, golden.text,
                        buf_cstr(&out));
            wrong++;
        }
        buf_fini(&out);
    }
    free(content);
    assert_int_equal(wrong, 0);
    assert_true(n >= at_least);
}

static void
refuses_what_is_malformed_with_the_right_code(void **state UNUSED)
{
    check_file("malformed.txt", 140);
}

static void
reads_requests_of_another_implementation(void **state UNUSED)
{
    check_file("requests.txt", 150);
}

static void
reads_replies_of_another_implementation(void **state UNUSED)
{
    check_file("replies.txt", 20);
}

/* Any message cut short at any octet is refused, and nothing is read behind its end. */
static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    char *content = read_file("requests.txt"), *text = content;
    struct golden golden;
    while (next_case(&text, &golden)) {
        size_t size;
        uint8_t *data = hex_bytes(golden.hex, &size);
        for (size_t cut = 0; cut < size; cut++) {
            uint8_t *copy = malloc(cut ? cut : 1);
            memcpy(copy, data, cut);
            struct arena *arena = arena_new(BUDGET);
            struct openflow_message message;
            struct openflow_error error;
            assert_true(openflow_decode(copy, cut, arena, &message, &error, NULL) != ERR_OK);
            assert_true(openflow_error_is(&error, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN));
            arena_free(arena);
            free(copy);
        }
        free(data);
    }
    free(content);
}

/* The same with a header that says the shorter length: then it is the parts that do not fit. */
static void
survives_parts_cut_at_every_octet(void **state UNUSED)
{
    char *content = read_file("requests.txt"), *text = content;
    struct golden golden;
    while (next_case(&text, &golden)) {
        size_t size;
        uint8_t *data = hex_bytes(golden.hex, &size);
        for (size_t cut = 8; cut < size; cut++) {
            uint8_t *copy = malloc(cut);
            memcpy(copy, data, cut);
            put_be16(copy + 2, (uint16_t)cut);
            struct arena *arena = arena_new(BUDGET);
            struct openflow_message message;
            struct buf out = BUF_INIT;
            if (!openflow_decode(copy, cut, arena, &message, NULL, NULL))
                openflow_print(&message, &out);
            buf_fini(&out);
            arena_free(arena);
            free(copy);
        }
        free(data);
    }
    free(content);
}

/* An arena too small for the message is ERR_LIMIT, whatever its size, and no other failure. */
static void
keeps_to_its_budget(void **state UNUSED)
{
    char *content = read_file("replies.txt"), *text = content;
    struct golden golden;
    while (next_case(&text, &golden)) {
        size_t size;
        uint8_t *data = hex_bytes(golden.hex, &size);
        struct openflow_message message;
        enum err err = ERR_LIMIT;
        for (size_t budget = 0; err == ERR_LIMIT && budget < BUDGET; budget += 16) {
            struct arena *arena = arena_new(budget);
            err = openflow_decode(data, size, arena, &message, NULL, NULL);
            assert_true(arena_used(arena) <= budget);
            arena_free(arena);
        }
        assert_ok(err);
        free(data);
    }
    free(content);
}

TEST_MAIN(cmocka_unit_test(refuses_what_is_malformed_with_the_right_code),
          cmocka_unit_test(reads_requests_of_another_implementation),
          cmocka_unit_test(reads_replies_of_another_implementation),
          cmocka_unit_test(survives_truncation_at_every_octet),
          cmocka_unit_test(survives_parts_cut_at_every_octet),
          cmocka_unit_test(keeps_to_its_budget))
