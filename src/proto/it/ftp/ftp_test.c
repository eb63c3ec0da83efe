/* Lines by RFC 959. */
#include "proto/it/ftp/ftp.h"

#include "dissect/testing.h"

#define assert_says(r, side, said, expected)                                                       \
    do {                                                                                           \
        reading_octets((r), (side), (const uint8_t *)(said), sizeof(said) - 1);                    \
        assert_ok((r)->err);                                                                       \
        assert_string_equal(buf_cstr(&(r)->text), expected);                                       \
    } while (0)

static void
who_logs_in_and_which_files(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ftp_protocol);
    assert_says(&r, SIDE_SERVER, "220-RTU7\r\n",
                "response ready identify code=220 banner='RTU7' more=1\n");
    assert_says(&r, SIDE_SERVER, " FW 2.1\r\n",
                "response ready identify banner=' FW 2.1' more=1\n");
    assert_says(&r, SIDE_SERVER, "220 go\r\n", "response ready identify code=220 banner='go'\n");
    assert_says(&r, SIDE_CLIENT, "user bub\r\n", "request user access verb='user' user='bub'\n");
    assert_says(&r, SIDE_SERVER, "331 who?\r\n",
                "response password-wanted access code=331 text='who?'\n");
    assert_says(&r, SIDE_CLIENT, "PASS open sesame\r\n", "request password access verb='PASS'\n");
    assert_says(&r, SIDE_CLIENT, "open sesame\r\n", "request other other\n");
    assert_says(&r, SIDE_SERVER, "530 no\r\n",
                "refusal not-logged-in access error=530 code=530 text='no'\n");
    assert_says(&r, SIDE_CLIENT, "STOR fw.bin\r\n",
                "request store download verb='STOR' file='fw.bin'\n");
    assert_says(&r, SIDE_CLIENT, "RETR set.txt\r\n",
                "request retrieve upload verb='RETR' file='set.txt'\n");
    assert_says(&r, SIDE_CLIENT, "PORT 10,0,0,1,4,1\r\n",
                "request port link verb='PORT' argument='10,0,0,1,4,1' address=167772161 "
                "port=1025\n");
    assert_says(&r, SIDE_SERVER, "227 at (10,0,0,2,1,0).\r\n",
                "response passive link code=227 text='at (10,0,0,2,1,0).' address=167772162 "
                "port=256\n");
    reading_end(&r);
}

static void
what_follows_auth_is_tls(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ftp_protocol);
    reading_octets(&r, SIDE_CLIENT, (const uint8_t *)"AUTH TLS\r\n", 10);
    assert_false(r.d.leaves);
    reading_octets(&r, SIDE_SERVER, (const uint8_t *)"234 go on\r\n", 11);
    assert_true(r.d.leaves);
    assert_string_equal(r.d.becomes, "tls");
    reading_end(&r);
}

static void
what_is_no_reply_is_an_error(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &ftp_protocol);
    reading_octets(&r, SIDE_SERVER, (const uint8_t *)"hello\r\n", 7);
    assert_int_not_equal(r.err, ERR_OK);
    reading_end(&r);
}

static int
looks(const char *text)
{
    return ftp_protocol.looks((const uint8_t *)text, strlen(text));
}

static void
lines_are_cut_and_known(void **state UNUSED)
{
    size_t n;
    assert_int_equal(ftp_protocol.frame((const uint8_t *)"NOOP\r\nQUIT", 10, &n), FRAME_WHOLE);
    assert_int_equal(n, 6);
    assert_int_equal(ftp_protocol.frame((const uint8_t *)"NOOP", 4, &n), FRAME_MORE);
    assert_int_equal(n, 5);
    assert_int_equal(looks("220 x\r\n"), LOOKS_FAINT);
    assert_int_equal(looks("PASV\r\n"), LOOKS_LIKE);
    assert_int_equal(looks("USERS x\r\n"), LOOKS_NOT);
    assert_int_equal(looks("2200 x\r\n"), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(who_logs_in_and_which_files), cmocka_unit_test(what_follows_auth_is_tls),
          cmocka_unit_test(what_is_no_reply_is_an_error), cmocka_unit_test(lines_are_cut_and_known))
