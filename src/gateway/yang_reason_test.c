#include "gateway/yang_reason.h"

#include "model/testing.h"

#define NODE "/tieline-inventory:inventory/node"

static void
places_become_pointers(void **state UNUSED)
{
    static const struct {
        const char *text, *pointer, *reason;
    } cases[] = {
        {"line 1: " NODE "[name='n']/site: is odd", "/site", "is odd"},
        {"line 1: " NODE "/site: is odd", "/site", "is odd"},
        {"line 1: " NODE "[name='n']: is odd", "", "is odd"},
        {"line 1: " NODE "[name='n']/port[number='7']/name: is odd", "/port/1/name", "is odd"},
        {"line 1: " NODE "[name='n']/port[number='9']/name: is odd", "/port/name", "is odd"},
        {NODE "[name='a]/b']/tags[.='y']: is odd", "/tags/1", "is odd"},
        {NODE "[name='n']/port[", "/port", NODE "[name='n']/port["},
        {"something else: is odd", "", "something else: is odd"},
        {"", "", ""},
    };
    json_t *body = json_quoted("{'name': 'n', 'port': [{'number': 3}, {'number': 7}],"
                               " 'tags': ['x', 'y']}");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf pointer = BUF_INIT;
        const char *reason = yang_reason(cases[i].text, NODE, body, &pointer);
        if (strcmp(reason, cases[i].reason) != 0 ||
            strcmp(buf_cstr(&pointer), cases[i].pointer) != 0)
            fail_msg("%s: \"%s\" %s", cases[i].text, buf_cstr(&pointer), reason);
        buf_fini(&pointer);
    }
    json_decref(body);
}

TEST_MAIN(cmocka_unit_test(places_become_pointers))
