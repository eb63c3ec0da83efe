#include "detect/finding_names.h"
#include "detect/watch.h"

#include "base/testing.h"

#include <glob.h>
#include <stdio.h>

/* ---- Tables ---- */

struct entry {
    uint64_t key;
    uint32_t value;
};

static struct entry *
get(struct watch_table *t, uint64_t key, bool *is_new)
{
    return watch_table_get(t, &key, is_new);
}

static void
a_table_finds_what_was_put_in(void **state UNUSED)
{
    struct watch_table *t = watch_table_new(100, sizeof(struct entry), sizeof(uint64_t));
    bool is_new;
    for (uint64_t key = 0; key < 100; key++) {
        struct entry *e = get(t, key, &is_new);
        assert_true(is_new);
        assert_int_equal(e->value, 0);
        e->value = (uint32_t)key * 2;
    }
    for (uint64_t key = 0; key < 100; key++) {
        struct entry *e = get(t, key, &is_new);
        assert_false(is_new);
        assert_int_equal(e->value, key * 2);
    }
    uint64_t other = 100;
    assert_null(watch_table_find(t, &other));
    assert_int_equal(watch_table_number(t), 100);
    watch_table_free(t);
}

/* ... and is the newest then; a place is of one entry, and of none that comes there after it. */
static void
an_entry_is_found_again_by_its_place(void **state UNUSED)
{
    struct watch_table *t = watch_table_new(2, sizeof(struct entry), sizeof(uint64_t));
    bool is_new;
    struct entry *first = get(t, 1, &is_new), *second = get(t, 2, &is_new);
    struct watch_place place = watch_table_place(t, first);
    assert_null(watch_table_again(t, (struct watch_place){0, 0}));
    assert_ptr_equal(watch_table_again(t, place), first);
    assert_ptr_equal(get(t, 3, &is_new), second); /* the other had to go */
    assert_ptr_equal(get(t, 4, &is_new), first);
    assert_null(watch_table_again(t, place));
    watch_table_free(t);
}

/* Most of the time it keeps its place in the order of age; but it never is the one that goes. */
static void
what_is_heard_again_and_again_stays(void **state UNUSED)
{
    struct watch_table *t = watch_table_new(32, sizeof(struct entry), sizeof(uint64_t));
    bool is_new;
    struct watch_place place = watch_table_place(t, get(t, 1, &is_new));
    for (uint64_t i = 2; i < 1000; i++) {
        get(t, i, &is_new);
        assert_non_null(watch_table_again(t, place));
    }
    watch_table_free(t);
}

static void
the_longest_silent_makes_room(void **state UNUSED)
{
    struct watch_table *t = watch_table_new(3, sizeof(struct entry), sizeof(uint64_t));
    uint64_t key;
    bool is_new;
    get(t, 1, &is_new)->value = 1;
    get(t, 2, &is_new)->value = 2;
    get(t, 3, &is_new)->value = 3;
    get(t, 1, &is_new);
    assert_int_equal(get(t, 4, &is_new)->value, 0); /* in the place of 2 */
    key = 2;
    assert_null(watch_table_find(t, &key));
    key = 1;
    assert_int_equal(((struct entry *)watch_table_find(t, &key))->value, 1);
    assert_int_equal(watch_table_number(t), 3);
    for (uint64_t i = 5; i < 1000; i++)
        get(t, i, &is_new);
    assert_int_equal(watch_table_number(t), 3);
    watch_table_free(t);
}

static void
entries_come_from_the_longest_silent_on(void **state UNUSED)
{
    struct watch_table *t = watch_table_new(8, sizeof(struct entry), sizeof(uint64_t));
    const uint64_t expected[] = {2, 3, 1};
    bool is_new;
    unsigned n = 0;
    assert_null(watch_table_next(t, NULL));
    get(t, 1, &is_new);
    get(t, 2, &is_new);
    get(t, 3, &is_new);
    get(t, 1, &is_new);
    for (struct entry *e = NULL; (e = watch_table_next(t, e)); n++)
        assert_int_equal(e->key, expected[n]);
    assert_int_equal(n, 3);
    watch_table_free(t);
}

/* ---- Rates ---- */

static const struct watch_rate_limits limits = {
    .window = NSEC_PER_SEC, .least = 5, .factor = 2, .windows = 3, .before = 50};

static unsigned
count(struct watch_rate *r, nsec_t *now, unsigned n)
{
    unsigned told = 0;
    *now += NSEC_PER_SEC;
    while (n--)
        told += watch_rate_count(r, &limits, *now);
    return told;
}

static void
a_rate_is_learned_from_the_most_there_was(void **state UNUSED)
{
    struct watch_rate r = {.n = 0};
    nsec_t now = NSEC_PER_SEC;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(count(&r, &now, 10), 0);
    assert_int_equal(count(&r, &now, 20), 0);
    assert_int_equal(count(&r, &now, 41), 1); /* once a window */
    assert_int_equal(count(&r, &now, 60), 1); /* and it teaches nothing */
    assert_int_equal(count(&r, &now, 40), 0);
}

static void
before_it_is_learned_much_is_allowed(void **state UNUSED)
{
    struct watch_rate r = {.n = 0}, quiet = {.n = 0};
    nsec_t now = NSEC_PER_SEC;
    assert_int_equal(count(&r, &now, 50), 0);
    assert_int_equal(count(&quiet, &now, 51), 1);
    now = 0;
    quiet = (struct watch_rate){.n = 0};
    count(&quiet, &now, 1);
    now += 10 * NSEC_PER_SEC; /* in which there was none */
    assert_int_equal(count(&quiet, &now, 5), 0);
    assert_int_equal(count(&quiet, &now, 11), 1);
}

/* ---- Texts ---- */

static void
virtual_addresses_are_known(void **state UNUSED)
{
    static const char *const virtual[] = {"00:00:5e:00:01:07", "00:00:5e:00:02:01",
                                          "00:00:0c:07:ac:0a", "00:00:0c:9f:f0:01",
                                          "00:05:73:a0:00:01", "00:07:b4:00:01:01"};
    struct mac mac;
    for (size_t i = 0; i < ARRAY_SIZE(virtual); i++) {
        assert_ok(mac_parse(virtual[i], &mac));
        assert_true(watch_mac_is_virtual(&mac));
    }
    assert_ok(mac_parse("00:00:5e:00:03:07", &mac));
    assert_false(watch_mac_is_virtual(&mac));
}

static void
texts_are_printable_and_filled_up(void **state UNUSED)
{
    char text[6];
    memset(text, 'x', sizeof text);
    watch_text(text, sizeof text, (const uint8_t *)"a\n", 2);
    assert_memory_equal(text, "a?\0\0\0", 6);
    watch_text(text, sizeof text, (const uint8_t *)"abcdefgh", 8);
    assert_memory_equal(text, "abcde", 6);
}

/* ---- Names ---- */

static char *
read_whole(const char *path)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f);
    char *text = malloc(size + 1);
    rewind(f);
    assert_int_equal(fread(text, 1, size, f), size);
    text[size] = '\0';
    fclose(f);
    return text;
}

static bool
is_named_in(const char *pattern, const char *name)
{
    glob_t files;
    bool is_there = false;
    assert_int_equal(glob(pattern, 0, NULL, &files), 0);
    for (size_t i = 0; i < files.gl_pathc && !is_there; i++) {
        char *text = read_whole(files.gl_pathv[i]);
        is_there = strstr(text, name);
        free(text);
    }
    globfree(&files);
    return is_there;
}

/* Sorted, told by a machine, and tested. */
static void
every_name_is_told_and_tested(void **state UNUSED)
{
    char quoted[80], behind[80];
    for (const struct finding_name *n = finding_names; n->name; n++) {
        if (n != finding_names)
            assert_true(strcmp(n[-1].name, n->name) < 0);
        assert_true(finding_is_known(n->name));
        snprintf(quoted, sizeof quoted, "\"%s\"", n->name);
        snprintf(behind, sizeof behind, "%s ", n->name);
        if (!is_named_in(TIELINE_SOURCE_DIR "/src/detect/*_watch.c", quoted))
            fail_msg("no machine tells %s", n->name);
        if (!is_named_in(TIELINE_SOURCE_DIR "/src/detect/*_watch_test.c", behind))
            fail_msg("no test finds %s", n->name);
    }
    assert_false(finding_is_known("goose"));
}

TEST_MAIN(cmocka_unit_test(a_table_finds_what_was_put_in),
          cmocka_unit_test(an_entry_is_found_again_by_its_place),
          cmocka_unit_test(what_is_heard_again_and_again_stays),
          cmocka_unit_test(the_longest_silent_makes_room),
          cmocka_unit_test(entries_come_from_the_longest_silent_on),
          cmocka_unit_test(a_rate_is_learned_from_the_most_there_was),
          cmocka_unit_test(before_it_is_learned_much_is_allowed),
          cmocka_unit_test(virtual_addresses_are_known),
          cmocka_unit_test(texts_are_printable_and_filled_up),
          cmocka_unit_test(every_name_is_told_and_tested))
