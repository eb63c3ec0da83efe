/* Records and hellos after RFC 5246 section 7.4 and RFC 8446 section 4; the values of JA3 and JA4
 * are those that were published with them. */
#include "base/hex.h"
#include "dissect/testing.h"
#include "proto/it/tls/testing.h"
#include "proto/it/tls/tls_private.h"

#define RANDOM "0000000000000000000000000000000000000000000000000000000000000000"
/* Version 1.2, ciphers GREASE and 3, extensions: name "a.b", ALPN "h2", groups, point formats,
 * signatures, versions GREASE and 1.3. */
#define HELLO                                                                                      \
    "01 000075 0303" RANDOM "00 0008 0a0a 1301 c02b 002f 0100 0044"                                \
    "0a0a 0000"                                                                                    \
    "0000 0008 0006 00 0003 612e62"                                                                \
    "0010 0005 0003 02 6832"                                                                       \
    "000a 0008 0006 1a1a 001d 0017"                                                                \
    "000b 0002 01 00"                                                                              \
    "000d 0006 0004 0403 0804"                                                                     \
    "002b 0007 06 2a2a 0304 0303"                                                                  \
    "0017 0000"
#define SERVER_HELLO "02 00002e 0303" RANDOM "00 1301 00 0006 002b 0002 0304"

static struct tls_words
words(const char *hex)
{
    uint8_t octets[256];
    size_t n = octets_of(hex, octets, sizeof octets);
    struct tls_words list = {0, {0}};
    for (size_t i = 0; i < n; i += 2)
        tls_words_add(&list, get_be16(octets + i));
    return list;
}

static void
ja4_is_as_published(void **state UNUSED)
{
    char text[TLS_JA4_SIZE + 1];
    struct tls_hello h = {
        .version = 0x0303,
        .highest = 0x0304,
        .has_server_name = true,
        .alpn = (const uint8_t *)"h2",
        .alpn_size = 2,
        .ciphers = words("0a0a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d "
                         "002f 0035"),
        .extensions = words("4a4a 001b 0000 0033 0010 4469 0017 002d 000d 0005 0023 0012 002b ff01 "
                            "000b 000a 0015 3a3a"),
        .signatures = words("0403 0804 0401 0503 0805 0501 0806 0601")};
    tls_ja4(&h, text);
    assert_string_equal(text, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    h.ciphers = words("1301 1302 1303 c02b c02c c02f c030 cca8 cca9 00ff");
    h.extensions = words("0005 000a 000b 000d 0017 0023 002b 002d 0033 0000 0010");
    h.signatures = words("0503 0403 0807 0806 0805 0804 0601 0501 0401");
    tls_ja4(&h, text);
    assert_string_equal(text, "t13d1011h2_61a7ad8aa9b6_3fcd1a44f3e3");
}

static void
ja4_of_hellos_that_lack_something(void **state UNUSED)
{
    char text[TLS_JA4_SIZE + 1];
    struct tls_hello h = {.version = 0x0300, .highest = 0x0300};
    tls_ja4(&h, text);
    assert_string_equal(text, "ts3i000000_000000000000_000000000000");
    h.highest = 0x0999;
    h.alpn = (const uint8_t *)"\xab\xcd";
    h.alpn_size = 2;
    tls_ja4(&h, text);
    assert_memory_equal(text, "t00i0000ad_", 11);
    h.alpn = (const uint8_t *)"0\xab";
    tls_ja4(&h, text);
    assert_memory_equal(text, "t00i00003b_", 11);
    h.alpn = (const uint8_t *)"\xab"
                              "0";
    tls_ja4(&h, text);
    assert_memory_equal(text, "t00i0000a0_", 11);
    h.alpn = (const uint8_t *)"0";
    h.alpn_size = 1;
    tls_ja4(&h, text);
    assert_memory_equal(text, "t00i000000_", 11);
    for (unsigned i = 0; i < 120; i++)
        tls_words_add(&h.ciphers, (uint16_t)(0x0100 + i));
    tls_ja4(&h, text);
    assert_memory_equal(text, "t00i990000_", 11);
}

static void
ja3_is_as_published(void **state UNUSED)
{
    char text[33];
    struct tls_hello h = {.version = 769,
                          .ciphers = words("002f 0035 0005 000a c009 c00a c013 c014 0032 0038 0013 "
                                           "0004"),
                          .extensions = words("0000 000a 000b"),
                          .groups = words("0017 0018 0019"),
                          .point_formats = (const uint8_t *)"",
                          .n_point_formats = 1};
    tls_ja3(&h, text);
    assert_string_equal(text, "ada70206e40642a3e4461f35503241d5");
}

static void
hellos_tell_who_speaks_with_what(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tls);
    assert_reads(&r, SIDE_CLIENT, "16 0301 0079" HELLO,
                 "request client-hello link record-version=769 version=771 "
                 "ciphers=2570,4865,49195,47 server-name='a.b' alpn='h2' groups=6682,29,23 "
                 "point-formats=00 signature-algorithms=1027,2052 "
                 "supported-versions=10794,772,771 extensions=2570,0,16,10,11,13,43,23 "
                 "ja3='830f7f5f0d332e4c426f906ad9a8bf24' "
                 "ja4='t13d0307h2_58a34ed92d94_38dbf9c86be1'\n");
    assert_reads(&r, SIDE_SERVER, "16 0303 0032" SERVER_HELLO,
                 "response server-hello link record-version=771 version=771 cipher=4865 "
                 "selected-version=772 extensions=43 ja3s='cce84e7a8b742462e40afb585a3e3ccc'\n");
    reading_end(&r);
    assert_survives_truncation(&tls, SIDE_CLIENT, "16 0301 0079" HELLO);
    assert_survives_truncation(&tls, SIDE_SERVER, "16 0303 0032" SERVER_HELLO);
}

static const char certificate_line[] =
    "response certificate identify record-version=771; certificate=0 certificate-size=487 "
    "certificate-sha256=0e6ad211cbe27c49574f67a1add6e9801685188ac8d4b975aecc7f8aef95d950 "
    "serial=1234 issuer-organization='Plant' issuer-name='relay' not-before=1796035164000000000 "
    "not-after=2111395164000000000 subject-organization='Plant' subject-unit='Bay 1' "
    "subject-name='relay' subject-serial='42' alternative-name='relay.example' "
    "alternative-address=c0000201 alternative-name='a@b'\n";

static void
a_certificate_tells_whose_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tls);
    assert_reads(&r, SIDE_SERVER, "16 0303 01f1 0b 0001ed 0001ea 0001e7" CERTIFICATE,
                 certificate_line);
    reading_end(&r);
    assert_survives_truncation(&tls, SIDE_SERVER,
                               "16 0303 01f1 0b 0001ed 0001ea 0001e7" CERTIFICATE);
}

/* A handshake message goes over records, with the head of it in two of them, and another behind. */
static void
messages_are_put_together_over_records(void **state UNUSED)
{
    static const char hex[] = "16 0303 0002 0b00 16 0303 00c8";
    uint8_t message[1024], cut[1024];
    size_t n = octets_of("0b 0001ed 0001ea 0001e7" CERTIFICATE "0e 000000", message,
                         sizeof message),
           at = octets_of(hex, cut, sizeof cut), size;
    memcpy(cut + at, message + 2, 200);
    at += 200;
    at += octets_of("16 0303 012b", cut + at, 5);
    assert_int_equal(n - 202, 0x12b);
    memcpy(cut + at, message + 202, n - 202);
    at += n - 202;
    assert_int_equal(tls.frame(cut, at, &size), FRAME_WHOLE);
    assert_int_equal(size, at);
    for (size_t less = 0; less < at; less++)
        assert_int_equal(tls.frame(cut, less, &size), FRAME_MORE);
    struct reading r;
    reading_begin(&r, &tls);
    reading_octets(&r, SIDE_SERVER, cut, at);
    assert_ok(r.err);
    assert_memory_equal(buf_cstr(&r.text), certificate_line, sizeof certificate_line - 1);
    assert_non_null(strstr(buf_cstr(&r.text), "link server-hello-done link record-version=771\n"));
    reading_end(&r);
    /* What is not of a handshake ends it. */
    memcpy(cut + 7, (uint8_t[]){0x15, 3, 3, 0, 2, 2, 40}, 7);
    assert_int_equal(tls.frame(cut, 14, &size), FRAME_WHOLE);
    assert_int_equal(size, 7);
}

static void
what_is_encrypted_is_told_once(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tls);
    assert_reads(&r, SIDE_CLIENT, "14 0303 0001 01",
                 "link change-cipher-spec link record-version=771 size=1\n");
    assert_reads(&r, SIDE_CLIENT, "16 0303 0006 00 000000 abcd",
                 "link encrypted-handshake link record-version=771 size=6\n");
    assert_false(r.d.body);
    assert_reads(&r, SIDE_CLIENT, "15 0303 0002 0228",
                 "link alert link record-version=771 size=2\n");
    assert_reads(&r, SIDE_CLIENT, "17 0303 0003 abcdef",
                 "link application-data other record-version=771 size=3\n");
    assert_true(r.d.body);
    assert_int_equal(tls.body(&r.d, NULL, 1000), 1000);
    assert_true(r.d.body);
    assert_reads(&r, SIDE_CLIENT, "17 0303 0003 abcdef", "");
    assert_reads(&r, SIDE_SERVER, "15 0303 0002 0228",
                 "refusal alert link error=40 record-version=771 alert-level=2\n");
    assert_string_equal(protocol_error(&tls, 40), "handshake-failure");
    reading_end(&r);
}

/* The second hello of a connection comes behind ChangeCipherSpec. */
static void
a_second_hello_is_in_the_open(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tls);
    assert_reads(&r, SIDE_SERVER,
                 "16 0303 002c 02 000028 0303"
                 "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c 00 1301 00 0000",
                 "response server-hello link record-version=771 version=771 cipher=4865 retry=1 "
                 "ja3s='e8c07683aecf9b16e8e33f10a5161e4e'\n");
    assert_reads(&r, SIDE_CLIENT, "14 0303 0001 01",
                 "link change-cipher-spec link record-version=771 size=1\n");
    uint8_t octets[256];
    reading_octets(&r, SIDE_CLIENT, octets, octets_of("16 0303 0079" HELLO, octets, sizeof octets));
    assert_ok(r.err);
    assert_memory_equal(buf_cstr(&r.text), "request client-hello", 20);
    reading_end(&r);
}

static void
a_heartbeat_tells_what_it_claims(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &tls);
    assert_reads(&r, SIDE_CLIENT, "18 0302 0003 01 4000",
                 "request heartbeat link record-version=770 size=3 heartbeat-size=16384\n");
    reading_end(&r);
}

static void
a_certificate_that_cannot_be_is_an_error(void **state UNUSED)
{
    uint8_t octets[1024];
    size_t n = octets_of("16 0303 01f1 0b 0001ed 0001ea 0001e7" CERTIFICATE, octets, sizeof octets);
    struct reading r;
    reading_begin(&r, &tls);
    octets[28] ^= 0x20; /* the serial number's tag */
    reading_octets(&r, SIDE_SERVER, octets, n);
    assert_err(r.err, ERR_MALFORMED);
    assert_memory_equal(buf_cstr(&r.text), "response certificate", 20);
    reading_end(&r);
}

static void
it_is_known_by_its_hello(void **state UNUSED)
{
    uint8_t octets[256];
    size_t size;
    assert_int_equal(tls.looks(octets, octets_of("16 0301 0079" HELLO, octets, sizeof octets)),
                     LOOKS_SURE);
    assert_int_equal(tls.looks(octets, 20), LOOKS_SURE); /* the beginning is enough */
    assert_int_equal(tls.looks(octets, octets_of("14 0303 0001 01", octets, 16)), LOOKS_LIKE);
    assert_int_equal(tls.looks(octets, octets_of("0300 0016 11e0 0000", octets, 16)), LOOKS_NOT);
    assert_int_equal(tls.frame(octets, octets_of("16 0301 ffff", octets, 16), &size), FRAME_NOT);
    assert_int_equal(tls.frame(octets, octets_of("19 0301", octets, 16), &size), FRAME_NOT);
    assert_int_equal(tls.frame(octets, octets_of("16 0201", octets, 16), &size), FRAME_NOT);
}

TEST_MAIN(cmocka_unit_test(ja4_is_as_published),
          cmocka_unit_test(ja4_of_hellos_that_lack_something),
          cmocka_unit_test(ja3_is_as_published), cmocka_unit_test(hellos_tell_who_speaks_with_what),
          cmocka_unit_test(a_certificate_tells_whose_it_is),
          cmocka_unit_test(messages_are_put_together_over_records),
          cmocka_unit_test(what_is_encrypted_is_told_once),
          cmocka_unit_test(a_second_hello_is_in_the_open),
          cmocka_unit_test(a_heartbeat_tells_what_it_claims),
          cmocka_unit_test(a_certificate_that_cannot_be_is_an_error),
          cmocka_unit_test(it_is_known_by_its_hello))
