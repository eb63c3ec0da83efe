/* A session by RFC 854. */
#include "proto/it/telnet/telnet.h"

#include "dissect/testing.h"

#define assert_says(r, side, said, expected)                                                       \
    do {                                                                                           \
        reading_octets((r), (side), (const uint8_t *)(said), sizeof(said) - 1);                    \
        assert_ok((r)->err);                                                                       \
        assert_string_equal(buf_cstr(&(r)->text), expected);                                       \
    } while (0)

static void
users_are_told_and_passwords_never(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &telnet_protocol);
    assert_says(&r, SIDE_SERVER, "\xff\xfd\x18\xff\xfa\x18\x01\xff\xf0",
                "link negotiate link; command=253 option=24; command=250 option=24\n");
    assert_says(&r, SIDE_SERVER,
                "RTU7 login: ", "response user-prompt access text='RTU7 login: '\n");
    assert_says(&r, SIDE_CLIENT, "bu", "request type other typed=2\n");
    assert_says(&r, SIDE_CLIENT, "b\r", "request user access typed=2 user='bub'\n");
    assert_says(&r, SIDE_SERVER,
                "\r\nPassword: ", "response password-prompt access text='\r\nPassword: '\n");
    assert_says(&r, SIDE_CLIENT, "open", "request password access typed=4\n");
    assert_says(&r, SIDE_SERVER, "open", "response show report\n");
    assert_says(&r, SIDE_CLIENT, "\r\n", "request password access typed=2\n");
    assert_says(&r, SIDE_SERVER, "Login incorrect\r\n",
                "refusal login-failed access error=1 text='Login incorrect\r\n'\n");
    assert_says(&r, SIDE_UNKNOWN, "open", "link negotiate link\n");
    reading_end(&r);
}

static void
commands_are_not_cut(void **state UNUSED)
{
    size_t n;
    const uint8_t octets[] = "a\xff\xfd\x18";
    assert_int_equal(telnet_protocol.frame(octets, 4, &n), FRAME_WHOLE);
    assert_int_equal(n, 4);
    assert_int_equal(telnet_protocol.frame(octets, 3, &n), FRAME_WHOLE);
    assert_int_equal(n, 1);
    assert_int_equal(telnet_protocol.frame(octets + 1, 2, &n), FRAME_MORE);
    assert_int_equal(n, 3);
    assert_int_equal(telnet_protocol.looks(octets + 1, 3), LOOKS_FAINT);
    assert_int_equal(telnet_protocol.looks((const uint8_t *)"\xff\xfd\x18\xff\xfb\x01", 6),
                     LOOKS_LIKE);
    assert_int_equal(telnet_protocol.looks((const uint8_t *)"\x03\x00", 2), LOOKS_NOT);
}

static void
relays_are_left_to_their_protocol(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &telnet_protocol);
    assert_says(&r, SIDE_SERVER, "\r\nx=>", "response show report text='\r\nx=>'\n");
    assert_false(r.d.leaves);
    assert_says(&r, SIDE_SERVER, "\r\n=", "response show report text='\r\n='\n");
    assert_true(r.d.leaves);
    reading_end(&r);
}

TEST_MAIN(cmocka_unit_test(users_are_told_and_passwords_never),
          cmocka_unit_test(commands_are_not_cut),
          cmocka_unit_test(relays_are_left_to_their_protocol))
