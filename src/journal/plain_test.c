#include "journal/plain.h"

#include "base/attr.h"
#include "base/testing.h"

#include <stdio.h>

#include <jansson.h>

static const char *const plain[] = {
    "{}",
    " {\n} ",
    "{\"a\":1}",
    "{ \"a\" : [ ] , \"b\" : { \"a\" : null } }",
    "{\"a\":[1,-2,0,-0,0.5,12345.678,true,false,null,\"text ~!\"]}",
    "{\"n\":999999999999999999,\"m\":-999999999999999999}",
    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}",
};

/* Some are JSON all the same: those are jansson's to judge. */
static const char *const others[] = {
    "",
    " ",
    "{",
    "}",
    "[]",
    "1",
    "\"a\"",
    "null",
    "{}{}",
    "{},",
    "{a:1}",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\":1,}",
    "{,}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":[1,]}",
    "{\"a\":[1 2]}",
    "{\"a\":[}",
    "{\"a\":01}",
    "{\"a\":-}",
    "{\"a\":1.}",
    "{\"a\":.5}",
    "{\"a\":+1}",
    "{\"a\":1e5}",
    "{\"a\":0x1}",
    "{\"a\":9999999999999999999}",
    "{\"a\":nul}",
    "{\"a\":nulll}",
    "{\"a\":True}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":\"\\n\"}",
    "{\"a\":\"\n\"}",
    "{\"a\":\"\x7f\"}",
    "{\"a\":\"ü\"}",
    "{\"a\":\"",
    "{\"a\":\"b}",
    "{'a':1}",
    "\xef\xbb\xbf{}",
    "{\"a\":1}\v",
    "{\"a\":[[[[[[[[1]]]]]]]]}",
};

static void
plain_objects_are_recognised_and_are_json(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        json_t *value = json_loads(plain[i], JSON_REJECT_DUPLICATES, NULL);
        if (!plain_json_object(plain[i]) || !json_is_object(value))
            fail_msg("%s", plain[i]);
        json_decref(value);
    }
}

static void
everything_else_is_left_to_others(void **state UNUSED)
{
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (plain_json_object(others[i]))
            fail_msg("%s", others[i]);
    }
}

static void
an_object_of_many_keys_is_left_to_others(void **state UNUSED)
{
    char text[1000] = "{";
    for (unsigned i = 0; i < 40; i++) {
        size_t used = strlen(text);
        assert_int_equal(plain_json_object(text), false);
        snprintf(text + used, sizeof text - used, "%s\"%u\":1}", i ? "," : "", i);
        assert_int_equal(plain_json_object(text), i < 32);
        text[strlen(text) - 1] = '\0';
    }
}

TEST_MAIN(cmocka_unit_test(plain_objects_are_recognised_and_are_json),
          cmocka_unit_test(everything_else_is_left_to_others),
          cmocka_unit_test(an_object_of_many_keys_is_left_to_others))
