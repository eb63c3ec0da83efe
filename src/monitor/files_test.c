/* Files that pass by, against hashes that are known to be bad. */
#include "monitor/testing.h"

/* "abc": FIPS 180-2 appendix B.1; RFC 1321 appendix A.5. */
#define ABC_SHA256 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72\n"

static void
make_hashes(struct bench *b, const char *hashes)
{
    struct diag diag = {""};
    feed = feed_new();
    assert_ok(feed_add(feed, hashes, strlen(hashes), "feed", &diag));
    make(b, HEAD("file") "    on: finding\n    finding: file-known-bad\n", 0, NULL);
}

/* Its octets are gone before it is told. */
static void
say_file(struct bench *b)
{
    say_text(b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say_text(b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    say_text(b, 2, 1, 80, 40000, "bc");
}

static void
unmake_hashes(struct bench *b, unsigned n_told, uint64_t n_files, uint64_t n_broken)
{
    const struct file_watch_counters *files = monitor_files(b->monitor);
    assert_int_equal(b->n_told, n_told);
    assert_int_equal(files->files, n_files);
    assert_int_equal(files->broken, n_broken);
    unmake(b);
    feed_free(feed);
    feed = NULL;
}

static void
a_bad_file_is_known_by_its_hash_in_http(void **state UNUSED)
{
    static const char *const hashes[] = {ABC_SHA256, ABC_MD5};
    for (unsigned i = 0; i < ARRAY_SIZE(hashes); i++) {
        struct bench b;
        make_hashes(&b, hashes[i]);
        say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
        assert_int_equal(b.n_told, 0);
        say_text(&b, 2, 1, 80, 40000, "bc");
        assert_int_equal(b.n_told, 1);
        assert_string_equal(text_of(json_object_get(b.told[0], "source"), "address"), "10.0.0.2");
        say_text(&b, 1, 2, 40000, 80, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
        say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabd");
        b.seq[0] = b.seq[1] = 0;
        say_text(&b, 3, 2, 40001, 80, "GET /c HTTP/1.0\r\n\r\n");
        say_flags(&b, 2, 3, 80, 40001, 0x19, "HTTP/1.0 200 OK\r\n\r\nabc");
        unmake_hashes(&b, 2, 3, 0);
    }
}

static void
a_bad_file_is_known_with_several_cores(void **state UNUSED)
{
    for (cores = 1; cores <= 5; cores++) {
        struct bench b;
        make_hashes(&b, ABC_SHA256);
        say_file(&b);
        b.seq[0] = b.seq[1] = 0;
        say_text(&b, 3, 4, 40001, 80, "GET /b HTTP/1.0\r\n\r\n"); /* the connection ends it */
        say_flags(&b, 4, 3, 80, 40001, 0x19, "HTTP/1.0 200 OK\r\n\r\nabc");
        monitor_settle(b.monitor);
        assert_int_equal(b.n_told, 2);
        assert_string_equal(text_of(json_object_get(b.told[0], "source"), "address"), "10.0.0.2");
        assert_string_equal(text_of(json_object_get(b.told[1], "source"), "address"), "10.0.0.4");
        unmake_hashes(&b, 2, 2, 0);
    }
    cores = 0;
}

static void
chunks_are_one_file(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na");
    say_text(&b, 2, 1, 80, 40000, "\r\n2\r\nbc\r\n0\r\n\r\n");
    unmake_hashes(&b, 1, 1, 0);
}

static void
a_file_with_a_hole_has_no_hash(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say_text(&b, 2, 1, 80, 40000, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na");
    b.seq[1] += 2;
    say_text(&b, 2, 1, 80, 40000, "bc");
    b.now += 2 * SECOND;
    say_text(&b, 1, 2, 40000, 80, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    unmake_hashes(&b, 0, 0, 1);
}

static void
a_bad_file_is_known_in_tftp(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_at(&b, 1, 2, 40000, 69, "0001 61 00 6f63746574 00");
    say_at(&b, 2, 1, 69, 40000, "0003 0001 616263");
    say_at(&b, 2, 1, 69, 40000, "0003 0001 616263"); /* again: another file for all that is known */
    assert_true(b.n_told > 0);
    unmake_hashes(&b, b.n_told, 2, 0);
}

static void
blocks_of_tftp_are_one_file(void **state UNUSED)
{
    struct bench b;
    char block[8 + 2 * 512 + 1];
    /* 513 times 'a', by coreutils */
    make_hashes(&b, "02425c0f5b0dabf3d2b9115f3f7723a02ad8bcfb1534a0d231614fd42b8188f6\n");
    say_at(&b, 1, 2, 40000, 69, "0002 61 00 6f63746574 00");
    snprintf(block, sizeof block, "00030001");
    for (unsigned i = 0; i < 512; i++)
        memcpy(block + 8 + 2 * i, "61", 3);
    say_at(&b, 1, 2, 40000, 69, block);
    say_at(&b, 1, 2, 40000, 69, block);
    say_at(&b, 1, 2, 40000, 69, "00030002 61");
    unmake_hashes(&b, 1, 1, 0);
}

static void
a_bad_file_is_known_in_the_data_of_ftp(void **state UNUSED)
{
    struct bench b;
    make_hashes(&b, ABC_SHA256);
    say_text(&b, 2, 1, 21, 40000, "220 ready\r\n");
    say_text(&b, 1, 2, 40000, 21, "PASV\r\n");
    say_text(&b, 2, 1, 21, 40000, "227 Entering Passive Mode (10,0,0,2,200,1)\r\n");
    b.seq[0] = 5000;
    b.seq[1] = 7000;
    say_flags(&b, 1, 2, 40001, 200 * 256 + 1, 2, "");
    say_flags(&b, 2, 1, 200 * 256 + 1, 40001, 0x12, "");
    say_flags(&b, 2, 1, 200 * 256 + 1, 40001, 0x18, "ab");
    assert_int_equal(b.n_told, 0);
    say_flags(&b, 2, 1, 200 * 256 + 1, 40001, 0x19, "c");
    unmake_hashes(&b, 1, 1, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bad_file_is_known_by_its_hash_in_http),
        cmocka_unit_test(a_bad_file_is_known_with_several_cores),
        cmocka_unit_test(chunks_are_one_file),
        cmocka_unit_test(a_file_with_a_hole_has_no_hash),
        cmocka_unit_test(a_bad_file_is_known_in_tftp),
        cmocka_unit_test(blocks_of_tftp_are_one_file),
        cmocka_unit_test(a_bad_file_is_known_in_the_data_of_ftp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
