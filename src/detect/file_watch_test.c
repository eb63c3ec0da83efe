#include "detect/file_watch.h"
#include "detect/testing.h"

/* "abc": RFC 1321 appendix A.5. */
#define ABC_MD5 "900150983cd24fb0d6963f7d28e17f72\n"

static struct file_watch *files;
static struct feed *feed;

static void
on_content(void *arg UNUSED, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *part)
{
    file_watch_content(files, c, way, f, part);
}

static void
on_taken(void *arg UNUSED, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    file_watch_taken(files, c, way, f, l);
}

static int
begin(void **state)
{
    struct diag diag = {""};
    bench_begin(state);
    struct bench *b = *state;
    const struct watch_config watch = {.found = bench_found, .arg = b};
    const struct sensor_config config = {
        .protocols = protocols_all, .arg = b, .content = on_content, .taken = on_taken};
    feed = feed_new();
    assert_ok(feed_add(feed, ABC_MD5, sizeof ABC_MD5 - 1, "feed", &diag));
    files = file_watch_new(&watch, feed);
    sensor_free(b->sensor);
    b->sensor = sensor_new(&config);
    return 0;
}

static int
end(void **state)
{
    bench_end(state);
    file_watch_free(files);
    file_watch_free(NULL);
    feed_free(feed);
    return 0;
}

static void
say(struct bench *b, struct bench_connection *c, unsigned from, const char *text)
{
    struct made_frame data = {.size = 0};
    put(&data, (const uint8_t *)text, strlen(text));
    bench_octets(b, c, from, &data);
}

static struct bench_connection
asked(struct bench *b, uint16_t port)
{
    struct bench_connection c = bench_connection(port, 80);
    bench_open(b, &c);
    say(b, &c, 0, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    say(b, &c, 1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na");
    return c;
}

static void
the_hash_is_of_all_octets(void **state)
{
    struct bench *b = *state;
    struct bench_connection c = asked(b, 40000);
    assert_found(b, "");
    say(b, &c, 1, "bc");
    assert_found(b, "file-known-bad ");
    assert_string_equal(b->detail, "MD5 900150983cd24fb0d6963f7d28e17f72, 3 octets");
    assert_int_equal(file_watch_counters(files)->files, 1);
}

/* The one that was silent for longest makes room, and is counted. */
static void
more_than_there_is_room_for_are_left(void **state)
{
    struct bench *b = *state;
    struct bench_connection first = asked(b, 40000), last = first;
    for (uint16_t i = 1; i <= FILE_WATCH_FILES; i++) {
        bench_wait(b, NSEC_PER_MSEC);
        last = asked(b, (uint16_t)(40000 + i));
    }
    assert_int_equal(file_watch_counters(files)->broken, 1);
    say(b, &first, 1, "bc");
    assert_found(b, "");
    say(b, &last, 1, "bc");
    assert_found(b, "file-known-bad ");
}

TEST_MAIN(cmocka_unit_test_setup_teardown(the_hash_is_of_all_octets, begin, end),
          cmocka_unit_test_setup_teardown(more_than_there_is_room_for_are_left, begin, end))
