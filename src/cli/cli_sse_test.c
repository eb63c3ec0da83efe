#include "cli/cli_sse.h"

#include "base/testing.h"

static struct buf seen;

static void
note(void *arg UNUSED, const struct sse_event *event)
{
    assert_int_equal(strlen(event->data), event->data_size);
    buf_printf(&seen, "%s|%s|%s\n", event->id, event->type, event->data);
}

/* What comes of a stream does not depend on how it is cut. */
static void
gives(const char *stream, const char *expected)
{
    size_t size = strlen(stream);
    for (size_t chunk = 1; chunk <= size; chunk++) {
        struct sse_reader reader;
        buf_clear(&seen);
        sse_init(&reader, note, NULL);
        for (size_t at = 0; at < size; at += chunk)
            assert_ok(sse_input(&reader, stream + at, MIN(chunk, size - at)));
        assert_string_equal(buf_cstr(&seen), expected);
        sse_fini(&reader);
    }
}

static void
reads_id_type_and_data(void **state UNUSED)
{
    gives("id: 7\nevent: circuit.built\ndata: {\"seq\":7}\n\n", "7|circuit.built|{\"seq\":7}\n");
    gives("data: one\n\ndata:two\n\n", "|message|one\n|message|two\n");
}

/* The examples of WHATWG HTML section 9.2.6. */
static void
reads_the_examples_of_the_standard(void **state UNUSED)
{
    gives("data: YHOO\ndata: +2\ndata: 10\n\n", "|message|YHOO\n+2\n10\n");
    gives(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
          "event",
          "1|message|first event\n|message|second event\n");
    gives("data\n\ndata\ndata\n\ndata:", "|message|\n|message|\n\n");
    gives("data:test\n\ndata: test\n\n", "|message|test\n|message|test\n");
}

static void
takes_every_kind_of_line_end(void **state UNUSED)
{
    gives("id: 1\r\ndata: a\r\n\r\nid: 2\rdata: b\r\rdata: c\n\n",
          "1|message|a\n2|message|b\n2|message|c\n");
}

static void
keeps_the_id_and_forgets_the_type(void **state UNUSED)
{
    gives("id: 3\nevent: x\ndata: a\n\ndata: b\n\n", "3|x|a\n3|message|b\n");
    gives("event: x\n\ndata: b\n\n", "|message|b\n"); /* without data there is no event */
}

static void
skips_comments_marks_and_strangers(void **state UNUSED)
{
    gives("\xef\xbb\xbf: hello\nfoo: bar\ndata: x\n: keep-alive\n\n", "|message|x\n");
}

static void
notes_how_long_to_stay_away(void **state UNUSED)
{
    struct sse_reader reader;
    static const char stream[] = "retry: 1500\nretry: x\nretry:\n";
    sse_init(&reader, note, NULL);
    assert_ok(sse_input(&reader, stream, sizeof stream - 1));
    assert_int_equal(reader.retry, 1500);
    sse_fini(&reader);
}

static void
an_endless_line_is_refused(void **state UNUSED)
{
    struct sse_reader reader;
    size_t size = SSE_EVENT_MAX / 4;
    char *much = malloc(size);
    enum err err = ERR_OK;
    memset(much, 'x', size);
    sse_init(&reader, note, NULL);
    for (int i = 0; i < 5 && !err; i++)
        err = sse_input(&reader, much, size);
    assert_err(err, ERR_LIMIT);
    sse_fini(&reader);
    free(much);
}

static int
fini(void **state UNUSED)
{
    buf_fini(&seen);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_id_type_and_data),
        cmocka_unit_test(reads_the_examples_of_the_standard),
        cmocka_unit_test(takes_every_kind_of_line_end),
        cmocka_unit_test(keeps_the_id_and_forgets_the_type),
        cmocka_unit_test(skips_comments_marks_and_strangers),
        cmocka_unit_test(notes_how_long_to_stay_away),
        cmocka_unit_test(an_endless_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, fini);
}
