#include "proto/netconf/netconf_frame.h"

#include "base/testing.h"

/* Feeds `text` in two parts, cut at `cut`, and joins what comes out with '|'. */
static enum err
read_all(const char *text, size_t cut, bool chunked, size_t limit, struct buf *out)
{
    struct netconf_frames frames;
    const uint8_t *data;
    size_t size, length = strlen(text);
    enum err err = ERR_OK;
    netconf_frames_init(&frames, limit);
    if (chunked)
        netconf_frames_go_chunked(&frames);
    for (int part = 0; part < 2 && (!err || err == ERR_TRUNCATED); part++) {
        uint8_t *copy = malloc(length + 1); /* of its own, for AddressSanitizer */
        size_t n = part ? length - cut : cut;
        memcpy(copy, text + (part ? cut : 0), n);
        netconf_frames_put(&frames, copy, n);
        free(copy);
        while (!(err = netconf_frames_next(&frames, &data, &size, NULL))) {
            buf_put(out, data, size);
            buf_u8(out, '|');
        }
    }
    netconf_frames_fini(&frames);
    return err;
}

static void
expect_err(const char *text, bool chunked, size_t limit, const char *expected, enum err end)
{
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct buf out = BUF_INIT;
        assert_err(read_all(text, cut, chunked, limit, &out), end);
        assert_string_equal(buf_cstr(&out), expected);
        buf_fini(&out);
    }
}

static void
marks_end_messages_wherever_the_octets_are_cut(void **state)
{
    (void)state;
    expect_err("<a/>]]>]]><b/>]]>]]>", false, 100, "<a/>|<b/>|", ERR_TRUNCATED);
    expect_err("\r\n<a>]]>]]</a>]]>]]>\n\n<b/>\n]]>]]>", false, 100, "<a>]]>]]</a>|<b/>|",
               ERR_TRUNCATED);
    expect_err("  \n]]>]]>]]>]]><a/>]]>]]>", false, 100, "<a/>|", ERR_TRUNCATED);
}

/* The example of RFC 6242 section 4.2. */
static void
chunks_are_joined_wherever_the_octets_are_cut(void **state)
{
    (void)state;
    expect_err("\n#4\n<rpc\n#18\n message-id=\"102\"\n\n#1\n>\n##\n", true, 100,
               "<rpc message-id=\"102\"\n>|", ERR_TRUNCATED);
    expect_err("\n#4\n<a/>\n##\n\n#4\n<b/>\n##\n", true, 100, "<a/>|<b/>|", ERR_TRUNCATED);
}

static void
white_space_between_chunked_messages_is_forgiven(void **state)
{
    (void)state;
    expect_err("\r\n\n#4\n<a/>\n##\n\r\n \n#4\n<b/>\n##\n\n", true, 100, "<a/>|<b/>|",
               ERR_TRUNCATED);
}

static void
what_is_no_chunk_ends_it(void **state)
{
    (void)state;
    expect_err("\n#0\n\n##\n", true, 100, "", ERR_MALFORMED);
    expect_err("\n#04\n<a/>\n##\n", true, 100, "", ERR_MALFORMED);
    expect_err("\n#4294967296\n", true, SIZE_MAX / 2, "", ERR_MALFORMED);
    expect_err("\n#-1\n", true, 100, "", ERR_MALFORMED);
    expect_err("\n#4\n<a/><b/>", true, 100, "", ERR_MALFORMED);
    expect_err("\n##\n", true, 100, "", ERR_MALFORMED);
    expect_err("<a/>]]>]]>", true, 100, "", ERR_MALFORMED);
}

static void
messages_above_the_limit_are_refused(void **state)
{
    (void)state;
    expect_err("\n#4\n<a/>\n#7\n", true, 10, "", ERR_LIMIT);
    expect_err("\n#4294967295\n", true, 10, "", ERR_LIMIT);
    expect_err("<aaaaaaaaaaaaaaaaaaaaaaaa", false, 10, "", ERR_LIMIT);
    expect_err("<aaaaaaaaa/>]]>]]>", false, 10, "", ERR_LIMIT);
}

static void
what_is_written_can_be_read(void **state)
{
    (void)state;
    for (int chunked = 0; chunked < 2; chunked++) {
        struct buf out = BUF_INIT;
        netconf_frame_put(&out, chunked, "<hello/>", 8);
        netconf_frame_put(&out, chunked, "<rpc/>", 6);
        expect_err(buf_cstr(&out), chunked, 100, "<hello/>|<rpc/>|", ERR_TRUNCATED);
        buf_fini(&out);
    }
}

TEST_MAIN(cmocka_unit_test(marks_end_messages_wherever_the_octets_are_cut),
          cmocka_unit_test(chunks_are_joined_wherever_the_octets_are_cut),
          cmocka_unit_test(white_space_between_chunked_messages_is_forgiven),
          cmocka_unit_test(what_is_no_chunk_ends_it),
          cmocka_unit_test(messages_above_the_limit_are_refused),
          cmocka_unit_test(what_is_written_can_be_read))
