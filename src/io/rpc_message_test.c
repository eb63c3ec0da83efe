/* The vectors are the examples of the JSON-RPC 2.0 specification, section 7. */
#include "io/rpc_message.h"

#include "io/jsontext.h"

#include "base/testing.h"

static enum err
parse(const char *text, struct rpc_message *message)
{
    size_t size = strlen(text);
    char *exact = malloc(size ? size : 1);
    memcpy(exact, text, size);
    enum err err = rpc_message_parse(exact, size, message, NULL);
    free(exact);
    return err;
}

static void
requests_of_the_specification(void **state UNUSED)
{
    struct rpc_message m;
    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": [42, 23], "
                    "\"id\": 1}",
                    &m));
    assert_int_equal(m.kind, RPC_REQUEST);
    assert_string_equal(m.method, "subtract");
    assert_int_equal(json_array_size(m.params), 2);
    assert_int_equal(json_integer_value(m.id), 1);
    rpc_message_fini(&m);

    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"method\": \"subtract\", \"params\": "
                    "{\"subtrahend\": 23, \"minuend\": 42}, \"id\": 3}",
                    &m));
    assert_int_equal(json_integer_value(json_object_get(m.params, "minuend")), 42);
    rpc_message_fini(&m);
}

static void
notifications_of_the_specification(void **state UNUSED)
{
    struct rpc_message m;
    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"method\": \"update\", \"params\": [1,2,3,4,5]}", &m));
    assert_int_equal(m.kind, RPC_NOTIFICATION);
    assert_null(m.id);
    rpc_message_fini(&m);
    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"method\": \"foobar\"}", &m));
    assert_null(m.params);
    rpc_message_fini(&m);
}

static void
answers_of_the_specification(void **state UNUSED)
{
    struct rpc_message m;
    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"result\": 19, \"id\": 1}", &m));
    assert_int_equal(m.kind, RPC_RESULT);
    assert_int_equal(json_integer_value(m.result), 19);
    rpc_message_fini(&m);

    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32601, \"message\": "
                    "\"Method not found\"}, \"id\": \"1\"}",
                    &m));
    assert_int_equal(m.kind, RPC_ERROR);
    assert_int_equal(m.code, RPC_METHOD_NOT_FOUND);
    assert_err(m.err, ERR_UNSUPPORTED);
    assert_string_equal(m.text, "Method not found");
    assert_string_equal(json_string_value(m.id), "1");
    rpc_message_fini(&m);

    assert_ok(parse("{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32700, \"message\": "
                    "\"Parse error\"}, \"id\": null}",
                    &m));
    assert_null(m.id);
    assert_err(m.err, ERR_MALFORMED);
    rpc_message_fini(&m);
}

static void
invalid_json_of_the_specification(void **state UNUSED)
{
    struct rpc_message m;
    assert_err(
        parse("{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\": \"bar\", \"baz]", &m),
        ERR_MALFORMED);
}

static void
what_is_not_json_rpc_is_invalid(void **state UNUSED)
{
    static const char *const invalid[] = {
        "{\"jsonrpc\": \"2.0\", \"method\": 1, \"params\": \"bar\"}", /* of the specification */
        "[]",                                                         /* of the specification */
        "[1,2,3]",                                                    /* of the specification */
        "[{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1}]",
        "1",
        "null",
        "{}",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1}",
        "{\"jsonrpc\":\"1.0\",\"method\":\"a\"}",
        "{\"jsonrpc\":2.0,\"method\":\"a\"}",
        "{\"method\":\"a\",\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":null}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1.5}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":true}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":1}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":null}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"parms\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":1,\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"result\":1}",
        "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":null}",
        "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1,\"error\":{\"code\":1,\"message\":\"\"}}",
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1,\"message\":\"\"}}",
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":\"1\",\"message\":\"\"},\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1},\"id\":1}",
        "{\"jsonrpc\":\"2.0\",\"error\":\"no\",\"id\":1}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
        struct rpc_message m = {.code = 77};
        assert_err(parse(invalid[i], &m), ERR_INVALID);
        assert_int_equal(m.code, 77);
    }
}

static void
a_key_twice_is_refused(void **state UNUSED)
{
    struct rpc_message m;
    assert_err(parse("{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"method\":\"b\"}", &m), ERR_MALFORMED);
}

static void
errors_travel_by_name(void **state UNUSED)
{
    for (enum err err = ERR_OK + 1; err < ERR_MAX; err++) {
        struct rpc_message m;
        struct buf out = BUF_INIT;
        json_t *id = json_integer(5);
        assert_ok(rpc_put_error(&out, id, rpc_code(err), err, "why"));
        out.size--; /* the line feed */
        assert_ok(parse(buf_cstr(&out), &m));
        assert_err(m.err, err);
        assert_in_range(-m.code, 32000, 32768);
        rpc_message_fini(&m);
        json_decref(id);
        buf_fini(&out);
    }
}

static void
an_error_is_never_no_error(void **state UNUSED)
{
    static const char *const odd[] = {"\"ERR_OK\"", "\"ERR_NEW\"", "7", "null"};
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        char text[200];
        struct rpc_message m;
        snprintf(text, sizeof text,
                 "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":5,\"message\":\"\",\"data\":"
                 "{\"err\":%s}}}",
                 odd[i]);
        assert_ok(parse(text, &m));
        assert_err(m.err, ERR_IO);
        rpc_message_fini(&m);
    }
}

static void
what_is_written_is_one_line_each(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    json_t *id = json_string("x\ny"), *params = json_pack("{s:s}", "name", "rtu-a");
    assert_ok(rpc_put_request(&out, id, "circuit.show", params));
    assert_ok(rpc_put_request(&out, NULL, "tick", NULL));
    assert_ok(rpc_put_result(&out, id, params));
    assert_ok(rpc_put_error(&out, NULL, RPC_PARSE_ERROR, ERR_MALFORMED, "no \"JSON\" \xff"));
    assert_string_equal(
        buf_cstr(&out),
        "{\"jsonrpc\":\"2.0\",\"id\":\"x\\ny\",\"method\":\"circuit.show\",\"params\":"
        "{\"name\":\"rtu-a\"}}\n"
        "{\"jsonrpc\":\"2.0\",\"method\":\"tick\"}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":\"x\\ny\",\"result\":{\"name\":\"rtu-a\"}}\n"
        "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":"
        "\"no \\\"JSON\\\" ?\",\"data\":{\"err\":\"ERR_MALFORMED\"}}}\n");
    json_decref(id);
    json_decref(params);
    buf_fini(&out);
}

static void
a_message_that_does_not_fit_is_not_begun(void **state UNUSED)
{
    json_t *id = json_integer(1), *params = json_pack("[sss]", "aaaa", "bbbb", "cccc");
    struct buf whole = BUF_INIT;
    assert_ok(rpc_put_request(&whole, id, "m", params));
    for (size_t limit = 1; limit < whole.size; limit++) {
        struct buf out = buf_limited(limit);
        assert_err(rpc_put_request(&out, id, "m", params), ERR_LIMIT);
        assert_int_equal(out.size, 0);
        assert_ok(buf_err(&out));
        buf_fini(&out);
    }
    buf_fini(&whole);
    json_decref(id);
    json_decref(params);
}

TEST_MAIN(cmocka_unit_test(requests_of_the_specification),
          cmocka_unit_test(notifications_of_the_specification),
          cmocka_unit_test(answers_of_the_specification),
          cmocka_unit_test(invalid_json_of_the_specification),
          cmocka_unit_test(what_is_not_json_rpc_is_invalid),
          cmocka_unit_test(a_key_twice_is_refused), cmocka_unit_test(errors_travel_by_name),
          cmocka_unit_test(an_error_is_never_no_error),
          cmocka_unit_test(what_is_written_is_one_line_each),
          cmocka_unit_test(a_message_that_does_not_fit_is_not_begun))
