#include "tielined/sites.h"

#include "base/testing.h"

static void
peers_have_a_name_and_a_number_each(void **state UNUSED)
{
    struct site_peer *peers;
    struct diag diag = {""};
    size_t n;
    assert_ok(sites_parse_peers("", &peers, &n, &diag));
    assert_int_equal(n, 0);
    free(peers);
    assert_ok(sites_parse_peers("sub-a=1,sub-b=7", &peers, &n, &diag));
    assert_int_equal(n, 2);
    assert_string_equal(peers[0].name, "sub-a");
    assert_int_equal(peers[0].number, 1);
    assert_string_equal(peers[1].name, "sub-b");
    assert_int_equal(peers[1].number, 7);
    free(peers);
}

static void
a_wrong_list_of_peers_says_what_is_wrong(void **state UNUSED)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"sub-a", "--peers: \"sub-a\": NAME=NUMBER is expected"},
        {"a=1,,b=2", "--peers: \"\": NAME=NUMBER is expected"},
        {"a=1,", "--peers: \"\": NAME=NUMBER is expected"},
        {",", "--peers: \"\": NAME=NUMBER is expected"},
        {"a=0", "--peers: \"a=0\": its number is not one from 1 to 1023"},
        {"a=1024", "--peers: \"a=1024\": its number is not one from 1 to 1023"},
        {"a=+1", "--peers: \"a=+1\": its number is not one from 1 to 1023"},
        {"a=1x", "--peers: \"a=1x\": its number is not one from 1 to 1023"},
        {"a=99999999999999999999", NULL},
        {"a=1,a=2", "--peers: site a is there twice"},
        {"a=1,b=1", "--peers: a and b have the same number 1"},
        {"=1", NULL},
        {"a.b=1", "--peers: site \"a.b\": no \".\" where a bus leads to it"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct site_peer *peers = NULL;
        struct diag diag = {""};
        size_t n;
        assert_err(sites_parse_peers(cases[i].text, &peers, &n, &diag), ERR_INVALID);
        assert_null(peers);
        if (cases[i].why)
            assert_string_equal(diag.text, cases[i].why);
        assert_ptr_equal(strstr(diag.text, "--peers: "), diag.text);
    }
}

TEST_MAIN(cmocka_unit_test(peers_have_a_name_and_a_number_each),
          cmocka_unit_test(a_wrong_list_of_peers_says_what_is_wrong))
