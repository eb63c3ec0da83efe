#include "detect/evidence.h"

#include "base/alloc.h"
#include "sensor/testing.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];

static int
begin(void **state UNUSED)
{
    snprintf(directory, sizeof directory, "/tmp/evidence-XXXXXX");
    return mkdtemp(directory) ? 0 : -1;
}

static int
end(void **state UNUSED)
{
    char *command = xasprintf("rm -r %s", directory);
    int status = system(command);
    free(command);
    return status;
}

static void
touch(const char *name, time_t when)
{
    char *path = xasprintf("%s/%s", directory, name);
    FILE *f = fopen(path, "w");
    const struct timespec times[2] = {{when, 0}, {when, 0}};
    assert_non_null(f);
    fclose(f);
    assert_int_equal(utimensat(0, path, times, 0), 0);
    free(path);
}

static bool
is_there(const char *name)
{
    char *path = xasprintf("%s/%s", directory, name);
    bool is = !access(path, F_OK);
    free(path);
    return is;
}

/* Files of earlier runs count; the oldest makes room, and nobody else's. */
static void
the_oldest_file_makes_room(void **state UNUSED)
{
    struct evidence *e;
    struct diag diag;
    char name[64];
    touch("mine.pcap", 1);
    touch("notes-2020.pcap", 1);
    for (int i = 0; i < EVIDENCE_FILES + 3; i++) {
        snprintf(name, sizeof name, "s1-%d-%d.pcap", 1700000000 + i, i);
        touch(name, 1700000000 + i);
    }
    assert_ok(evidence_new(directory, &e, &diag));
    assert_false(is_there("s1-1700000002-2.pcap"));
    assert_true(is_there("s1-1700000003-3.pcap"));
    assert_string_equal(evidence_keep(e, "s1-1800000000-1", NULL), "s1-1800000000-1.pcap");
    assert_true(is_there("s1-1800000000-1.pcap"));
    assert_false(is_there("s1-1700000003-3.pcap"));
    assert_true(is_there("s1-1700000004-4.pcap"));
    assert_true(is_there("mine.pcap"));
    assert_true(is_there("notes-2020.pcap"));
    evidence_free(e);
}

/* The ring forgets the oldest frames, whole. */
static void
the_ring_holds_the_last_frames(void **state UNUSED)
{
    struct evidence *e;
    struct diag diag;
    struct made_frame made = {.size = 0};
    put_ethernet(&made, 0x88b8);
    while (made.size < 1000)
        put(&made, "0123456789", 10);
    assert_ok(evidence_new(directory, &e, &diag));
    for (uint32_t i = 0; i < 20000; i++) {
        made.octets[20] = (uint8_t)i;
        const struct frame f = as_frame(&made, i, i);
        evidence_frame(e, &f);
    }
    assert_non_null(evidence_keep(e, "s1-1-1", NULL));
    char *path = xasprintf("%s/s1-1-1.pcap", directory);
    FILE *file = fopen(path, "rb");
    static uint8_t octets[EVIDENCE_FILE + 1024];
    assert_non_null(file);
    size_t n = fread(octets, 1, sizeof octets, file);
    fclose(file);
    free(path);
    assert_true(n <= 24 + EVIDENCE_FILE && n > EVIDENCE_FILE - 1100);
    struct capture capture;
    struct frame frame = {.time = 0};
    unsigned frames = 0;
    assert_ok(capture_open(&capture, octets, n, &diag));
    while (!capture_next(&capture, &frame, &diag)) {
        assert_int_equal(frame.data[20], (uint8_t)frame.time);
        frames++;
    }
    assert_int_equal(frame.time, 19999);
    assert_int_equal(frames, (n - 24) / (made.size + 16));
    evidence_free(e);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_oldest_file_makes_room, begin, end),
        cmocka_unit_test_setup_teardown(the_ring_holds_the_last_frames, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
