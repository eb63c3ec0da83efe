#include "enrol/rights.h"

#include "base/testing.h"
#include "enrol/config.h"
#include "enrol/identity.h"

static bool
has(const json_t *list, const char *subject)
{
    size_t i;
    json_t *one;
    json_array_foreach((json_t *)list, i,
                       one) if (!strcmp(json_string_value(one), subject)) return true;
    return false;
}

static void
a_site_speaks_to_the_centre_and_to_nobody_else(void **state UNUSED)
{
    struct rights rights = {.site = "a", .centre = "c"};
    json_t *exports = rights_exports(&rights), *from_c = rights_imports(&rights, "c"),
           *from_b = rights_imports(&rights, "b");
    assert_int_equal(json_array_size(exports), 2);
    assert_true(has(exports, "site.c.from.a.>") && has(exports, "_INBOX.c.a.>"));
    assert_int_equal(json_array_size(from_c), 2);
    assert_true(has(from_c, "site.a.from.c.>") && has(from_c, "_INBOX.a.c.>"));
    assert_int_equal(json_array_size(from_b), 0);
    json_decref(exports);
    json_decref(from_c);
    json_decref(from_b);
}

static void
a_witness_is_asked_and_answers(void **state UNUSED)
{
    json_t *a = json_pack("[s]", "a"), *w = json_pack("[s]", "w");
    struct rights site = {.site = "a", .centre = "c", .witnesses = w};
    struct rights witness = {.site = "w", .centre = "c", .witness_for = a};
    json_t *asks = rights_exports(&site), *answers = rights_exports(&witness),
           *hears = rights_imports(&witness, "a"), *gets = rights_imports(&site, "w");
    assert_int_equal(json_array_size(asks), 3);
    assert_true(has(asks, "site.w.from.a.witness.>"));
    assert_int_equal(json_array_size(answers), 3);
    assert_true(has(answers, "_INBOX.a.w.>"));
    assert_int_equal(json_array_size(hears), 1);
    assert_true(has(hears, "site.w.from.a.witness.>"));
    assert_int_equal(json_array_size(gets), 1);
    assert_true(has(gets, "_INBOX.a.w.>"));
    json_decref(asks);
    json_decref(answers);
    json_decref(hears);
    json_decref(gets);
    json_decref(a);
    json_decref(w);
}

static void
names_cannot_leave_their_token(void **state UNUSED)
{
    static const char *const wrong[] = {"",
                                        "a.b",
                                        "*",
                                        ">",
                                        "a b",
                                        "A",
                                        "-a",
                                        "a-",
                                        "a\n",
                                        "a\"",
                                        "0123456789012345678901234567890123456789012345678"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_false(site_name_is_valid(wrong[i]));
    assert_true(site_name_is_valid("substation-a") && site_name_is_valid("7"));
}

static void
addresses_cannot_leave_their_line(void **state UNUSED)
{
    static const char *const wrong[] = {"",         "h",      "h:",    "h:0",   "h:65536", "h:1x",
                                        ":1",       "h h:1",  "h\":1", "h,x:1", "[::1:1",  "[::1]1",
                                        "[g::1]:1", "a\nb:1", "h:-1",  "h: 1"};
    char *host;
    unsigned port;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(config_parse_address(wrong[i], &host, &port), ERR_MALFORMED);
    assert_ok(config_parse_address("hub.example:7422", &host, &port));
    assert_string_equal(host, "hub.example");
    assert_int_equal(port, 7422);
    free(host);
    assert_ok(config_parse_address("[2001:db8::1]:1", &host, &port));
    assert_string_equal(host, "2001:db8::1");
    free(host);
}

static void
an_address_is_a_network_of_one(void **state UNUSED)
{
    static const struct {
        const char *text, *network;
    } rows[] = {{"192.0.2.1", "192.0.2.1/32"},
                {"192.0.2.0/24", "192.0.2.0/24"},
                {"2001:db8::1", "2001:db8::1/128"},
                {"::/0", "::/0"}};
    static const char *const wrong[] = {
        "", "/", "a", "192.0.2.1/33", "192.0.2.1/", "192.0.2/24", "192.0.2.1/+1", "192.0.2.1/1x"};
    char *network;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_ok(identity_parse_network(rows[i].text, &network));
        assert_string_equal(network, rows[i].network);
        free(network);
    }
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_err(identity_parse_network(wrong[i], &network), ERR_MALFORMED);
}

TEST_MAIN(cmocka_unit_test(a_site_speaks_to_the_centre_and_to_nobody_else),
          cmocka_unit_test(a_witness_is_asked_and_answers),
          cmocka_unit_test(names_cannot_leave_their_token),
          cmocka_unit_test(addresses_cannot_leave_their_line),
          cmocka_unit_test(an_address_is_a_network_of_one))
