#include "sensor/message_json.h"

#include "base/testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER, TEXT, REAL, BITS, WORDS, OCTETS, MAC };

static const struct field_info fields[] = {
    [NUMBER] = {"number", FIELD_UINT, NULL, "a number"},
    [TEXT] = {"text", FIELD_TEXT, NULL, "a text"},
    [REAL] = {"real", FIELD_REAL, NULL, "a number with a point"},
    [BITS] = {"bits", FIELD_BITS, NULL, "packed"},
    [WORDS] = {"words", FIELD_WORDS, NULL, "registers"},
    [OCTETS] = {"octets", FIELD_OCTETS, NULL, "anything"},
    [MAC] = {"mac", FIELD_MAC, NULL, "an address"},
};
static const struct field_word errors[] = {{2, "no"}, {0, NULL}};
static const struct function_info functions[] = {{7, "ask", ACT_READ}};
static const struct protocol protocol = {.name = "test",
                                         .fields = fields,
                                         .n_fields = ARRAY_SIZE(fields),
                                         .functions = functions,
                                         .n_functions = 1,
                                         .errors = errors};

static struct pdu pdu;
static struct dissection d = {.protocol = &protocol, .pdu = &pdu};

/* What is behind "fields":, without the end of the line. */
static void
assert_fields(const char *expected)
{
    struct conversation c = {.key = {.ip = 4}};
    struct buf line = BUF_INIT;
    message_json_put(&line, &c, 0, &(struct frame){.number = 1}, &pdu);
    const char *found = strstr(buf_cstr(&line), "\"fields\":");
    assert_non_null(found);
    char text[1000];
    snprintf(text, sizeof text, "%.*s", (int)strlen(found) - 2, found);
    assert_string_equal(text + strlen("\"fields\":"), expected);
    buf_fini(&line);
}

static void
the_line_says_who_what_and_why(void **state UNUSED)
{
    struct conversation c = {.key = {.ip = 4, .proto = 6}};
    struct buf line = BUF_INIT;
    memcpy(c.key.ends[0].address, (uint8_t[]){10, 0, 0, 1}, 4);
    memcpy(c.key.ends[1].address, (uint8_t[]){10, 0, 0, 2}, 4);
    c.key.ends[1].port = 502;
    pdu_begin(&d, PDU_REFUSAL, 7);
    pdu.error = 2;
    message_json_put(&line, &c, 1, &(struct frame){.number = 9, .time = NSEC_PER_SEC}, &pdu);
    assert_string_equal(buf_cstr(&line),
                        "{\"frame\":9,\"time\":\"1970-01-01T00:00:01.000000000Z\","
                        "\"from\":\"10.0.0.2:502\",\"to\":\"10.0.0.1\",\"protocol\":\"test\","
                        "\"kind\":\"refusal\",\"function\":7,\"name\":\"ask\",\"act\":\"read\","
                        "\"error\":2,\"error-name\":\"no\",\"fields\":[{}]}\n");
    buf_fini(&line);
}

static void
values_are_written_by_their_types(void **state UNUSED)
{
    pdu_begin(&d, PDU_REQUEST, 7);
    pdu_uint(&d, NUMBER, 0, UINT64_MAX);
    pdu_octets(&d, TEXT, 0, (const uint8_t *)"a\"\\\n\xe9", 5);
    pdu_real(&d, REAL, 0, INFINITY);
    pdu_octets(&d, BITS, 0, (const uint8_t *)"\x05\x01", 9);
    pdu_octets(&d, WORDS, 0, (const uint8_t *)"\x01\x00\x00\x02", 2);
    pdu_octets(&d, OCTETS, 0, (const uint8_t *)"\x00\xff", 2);
    pdu_octets(&d, MAC, 0, (const uint8_t *)"\x02\0\0\0\0\x01", 6);
    assert_fields("[{\"number\":18446744073709551615,\"text\":\"a\\\"\\\\\\u000a\\u00e9\","
                  "\"real\":\"inf\",\"bits\":\"101000001\",\"words\":[256,2],\"octets\":\"00ff\","
                  "\"mac\":\"02:00:00:00:00:01\"}]");
}

static void
objects_and_what_comes_several_times(void **state UNUSED)
{
    pdu_begin(&d, PDU_REQUEST, 7);
    pdu.n_objects = 3;
    pdu_uint(&d, NUMBER, 0, 1);
    pdu_uint(&d, NUMBER, 1, 2);
    pdu_real(&d, REAL, 1, 0.5);
    pdu_uint(&d, NUMBER, 1, 3);
    pdu_uint(&d, NUMBER, 3, 4); /* the second has none */
    assert_fields("[{\"number\":1},{\"number\":[2,3],\"real\":0.5},{},{\"number\":4}]");
}

static void
the_message_s_own_fields_may_come_last(void **state UNUSED)
{
    pdu_begin(&d, PDU_REQUEST, 7);
    pdu.n_objects = 2;
    pdu_uint(&d, NUMBER, 1, 2);
    pdu_uint(&d, NUMBER, 0, 1);
    pdu_uint(&d, NUMBER, 2, 3);
    pdu_octets(&d, OCTETS, 0, (const uint8_t *)"\x01", 1);
    assert_fields("[{\"number\":1,\"octets\":\"01\"},{\"number\":2},{\"number\":3}]");
}

TEST_MAIN(cmocka_unit_test(the_line_says_who_what_and_why),
          cmocka_unit_test(values_are_written_by_their_types),
          cmocka_unit_test(objects_and_what_comes_several_times),
          cmocka_unit_test(the_message_s_own_fields_may_come_last))
