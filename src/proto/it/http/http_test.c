/* Messages and bodies after RFC 9112 sections 3 to 7, credentials after RFC 7617 section 2. */
#include "dissect/executable.h"
#include "dissect/testing.h"
#include "proto/it/http/http_private.h"

static void
say(struct reading *r, enum side side, const char *text)
{
    r->d.body = r->d.leaves = false;
    reading_octets(r, side, (const uint8_t *)text, strlen(text));
    assert_ok(r->err);
}

/* Passes octets by; returns how many of them the body has. */
static size_t
pass(struct reading *r, enum side side, const char *text, size_t size)
{
    r->d.side = side;
    r->d.way = side == SIDE_SERVER;
    buf_clear(&r->text);
    return http.body(&r->d, (const uint8_t *)text, size);
}
#define PASS(r, side, text) pass(r, side, text, sizeof(text) - 1)

static void
requests_tell_who_wants_what(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &http);
    say(&r, SIDE_CLIENT,
        "GET /a?b=c HTTP/1.1\r\nHost: relay\r\nuser-agent:  curl/7.88 \r\nX-Other: 1\r\n\r\n");
    assert_string_equal(buf_cstr(&r.text), "request get other method='GET' target='/a?b=c' "
                                           "version=11 host='relay' user-agent='curl/7.88'\n");
    assert_false(r.d.body);
    say(&r, SIDE_SERVER,
        "HTTP/1.1 401 Not you\r\nServer: GoAhead\r\nWWW-Authenticate: Digest qop=\"auth\", "
        "realm=\"SEL-3530\"\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n");
    assert_string_equal(buf_cstr(&r.text),
                        "refusal get other error=401 version=11 status=401 reason='Not you' "
                        "server='GoAhead' authentication='Digest' realm='SEL-3530' "
                        "content-type='text/html' content-length=5\n");
    assert_true(r.d.body);
    reading_end(&r);
}

/* "relay:secret": nothing of the password is left. */
static void
of_credentials_the_name_is_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &http);
    say(&r, SIDE_CLIENT, "GET / HTTP/1.0\nAuthorization: Basic cmVsYXk6c2VjcmV0\n\n");
    assert_string_equal(buf_cstr(&r.text), "request get access method='GET' target='/' version=10 "
                                           "authentication='Basic' user='relay'\n");
    say(&r, SIDE_CLIENT, "GET / HTTP/1.0\nAuthorization: Basic c2VjcmV0\n\n");
    assert_string_equal(buf_cstr(&r.text), "request get access method='GET' target='/' version=10 "
                                           "authentication='Basic' user=''\n");
    say(&r, SIDE_CLIENT, "GET / HTTP/1.0\nAuthorization: Basic ?\n\n");
    assert_string_equal(buf_cstr(&r.text), "request get access method='GET' target='/' version=10 "
                                           "authentication='Basic'\n");
    say(&r, SIDE_CLIENT, "GET / HTTP/1.0\nAuthorization: Digest a=b, username=\"me\", c=d\n\n");
    assert_string_equal(buf_cstr(&r.text), "request get access method='GET' target='/' version=10 "
                                           "authentication='Digest' user='me'\n");
    reading_end(&r);
}

static void
a_body_ends_by_its_length(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &http);
    say(&r, SIDE_CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 10\r\n\r\n");
    assert_true(r.d.body);
    assert_int_equal(PASS(&r, SIDE_CLIENT, "1234"), 4);
    assert_true(r.d.body);
    assert_int_equal(pass(&r, SIDE_CLIENT, NULL, 3), 3); /* missing */
    assert_int_equal(PASS(&r, SIDE_CLIENT, "890POST"), 3);
    assert_false(r.d.body);
    say(&r, SIDE_CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
    assert_false(r.d.body);
    say(&r, SIDE_CLIENT, "POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n");
    assert_false(r.d.body);
    say(&r, SIDE_CLIENT, "POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n");
    assert_false(r.d.body);
    reading_end(&r);
}

static void
a_body_of_chunks_ends_with_the_last(void **state UNUSED)
{
    static const char body[] =
        "4;ext=1\r\nabcd\r\n1A \r\n01234567890123456789abcdef\r\n0\r\nTrailer: "
        "x\r\n\r\nHTTP/1.1";
    for (size_t cut = 0; cut < sizeof body - 1; cut++) {
        struct reading r;
        reading_begin(&r, &http);
        say(&r, SIDE_SERVER,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n"
            "Content-Length: 3\r\n\r\n");
        assert_true(r.d.body);
        size_t n = pass(&r, SIDE_SERVER, body, cut);
        if (r.d.body)
            n += pass(&r, SIDE_SERVER, body + cut, sizeof body - 1 - cut);
        assert_int_equal(n, sizeof body - 1 - 8);
        assert_false(r.d.body);
        reading_end(&r);
    }
}

static void
chunks_that_cannot_be_end_it(void **state UNUSED)
{
    static const char *const bad[] = {"xyz\r\n", "ffffffffffffffff1\r\n", "\r\n", "1\r\nab\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        reading_begin(&r, &http);
        say(&r, SIDE_SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert_int_equal(pass(&r, SIDE_SERVER, bad[i], strlen(bad[i])), strlen(bad[i]));
        assert_false(r.d.body);
        reading_end(&r);
    }
    struct reading r;
    reading_begin(&r, &http);
    say(&r, SIDE_SERVER, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_int_equal(PASS(&r, SIDE_SERVER, "5\r\nab"), 5);
    assert_int_equal(pass(&r, SIDE_SERVER, NULL, 2), 2);
    assert_true(r.d.body); /* still within the chunk */
    pass(&r, SIDE_SERVER, NULL, 20);
    assert_false(r.d.body);
    reading_end(&r);
}

/* RFC 9112 section 6.3. */
static void
some_responses_have_no_body_and_some_no_end(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &http);
    say(&r, SIDE_CLIENT, "HEAD / HTTP/1.1\r\n\r\n");
    say(&r, SIDE_CLIENT, "GET / HTTP/1.1\r\n\r\n");
    say(&r, SIDE_SERVER, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_false(r.d.body);
    say(&r, SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    assert_memory_equal(buf_cstr(&r.text), "response head", 13);
    assert_false(r.d.body);
    say(&r, SIDE_SERVER, "HTTP/1.1 200 OK\r\n\r\n");
    assert_memory_equal(buf_cstr(&r.text), "response get", 12);
    assert_true(r.d.body);
    assert_int_equal(PASS(&r, SIDE_SERVER, "anything"), 8);
    assert_true(r.d.body);
    say(&r, SIDE_SERVER, "HTTP/1.1 304 Not modified\r\nContent-Length: 9\r\n\r\n");
    assert_false(r.d.body);
    say(&r, SIDE_CLIENT, "CONNECT a:1 HTTP/1.1\r\n\r\n");
    say(&r, SIDE_SERVER, "HTTP/1.1 200 OK\r\n\r\n");
    assert_true(r.d.leaves);
    say(&r, SIDE_SERVER, "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\n");
    assert_true(r.d.leaves);
    reading_end(&r);
}

static void
a_body_tells_what_it_begins_with(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &http);
    say(&r, SIDE_CLIENT, "GET / HTTP/1.1\r\n\r\n");
    say(&r, SIDE_SERVER, "HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n");
    PASS(&r, SIDE_SERVER, "<html><TITLE lang=en>\n Relay");
    assert_string_equal(buf_cstr(&r.text), "");
    PASS(&r, SIDE_SERVER, " 7 </title> and more that follows");
    assert_string_equal(buf_cstr(&r.text), "response body other title='Relay 7'\n");
    say(&r, SIDE_CLIENT, "POST / HTTP/1.1\r\nContent-Length: 2000\r\n\r\n");
    char program[1500] = "\x7f"
                         "ELF";
    pass(&r, SIDE_CLIENT, program, 10);
    pass(&r, SIDE_CLIENT, program + 10, sizeof program - 10);
    assert_string_equal(buf_cstr(&r.text), "request body download executable=2\n");
    pass(&r, SIDE_CLIENT, program, 500);
    assert_string_equal(buf_cstr(&r.text), "");
    assert_false(r.d.body);
    reading_end(&r);
}

static void
messages_are_cut_from_a_stream(void **state UNUSED)
{
    static const char text[] = "\r\nGET / HTTP/1.1\r\nA: b\r\n\r\nGET";
    const uint8_t *octets = (const uint8_t *)text;
    size_t message, n = sizeof text - 1;
    assert_int_equal(http.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n - 3);
    assert_int_equal(http.looks(octets, message), LOOKS_SURE);
    for (size_t size = 0; size < n - 3; size++) {
        assert_int_equal(http.frame(octets, size, &message), FRAME_MORE);
        assert_int_equal(message, size + 1);
    }
}

static void
what_is_not_http_is_not_taken_for_it(void **state UNUSED)
{
    static const char *const others[] = {
        "220 ftp ready\r\n",   "SSH-2.0-OpenSSH\r\n", "OPTIONS sip:a@b SIP/2.0\r\n\r\n",
        "GET /\r\n",           "USER anonymous\r\n",  "RTSP/1.0 200 OK\r\n\r\n",
        "HTTP/1.1 OK\r\n\r\n", "\x16\x03\x01",        "G\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        size_t message;
        const uint8_t *octets = (const uint8_t *)others[i];
        assert_int_equal(http.frame(octets, strlen(others[i]), &message), FRAME_NOT);
        assert_int_equal(http.looks(octets, strlen(others[i])), LOOKS_NOT);
    }
    static uint8_t endless[HTTP_HEAD_MAX];
    size_t message;
    memset(endless, 'a', sizeof endless);
    memcpy(endless, "GET / HTTP/1.1\r\n", 16);
    assert_int_equal(http.frame(endless, sizeof endless - 1, &message), FRAME_MORE);
    assert_int_equal(http.frame(endless, sizeof endless, &message), FRAME_NOT);
}

TEST_MAIN(cmocka_unit_test(requests_tell_who_wants_what),
          cmocka_unit_test(of_credentials_the_name_is_told),
          cmocka_unit_test(a_body_ends_by_its_length),
          cmocka_unit_test(a_body_of_chunks_ends_with_the_last),
          cmocka_unit_test(chunks_that_cannot_be_end_it),
          cmocka_unit_test(some_responses_have_no_body_and_some_no_end),
          cmocka_unit_test(a_body_tells_what_it_begins_with),
          cmocka_unit_test(messages_are_cut_from_a_stream),
          cmocka_unit_test(what_is_not_http_is_not_taken_for_it))
