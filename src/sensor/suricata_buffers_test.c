/* Rules about buffers, over the sensor with its real protocols. What is expected of HTTP, Suricata
 * 7.0.10 does of the same octets, but where it is said otherwise. */
#include "proto/it/tls/testing.h"
#include "sensor/protocols.h"
#include "sensor/sensor.h"
#include "sensor/suricata_feed.h"
#include "sensor/testing.h"

#include <stdio.h>

struct bench {
    struct suricata_rules *rules;
    struct suricata_matcher *matcher;
    struct sensor *sensor;
    struct buf said; /* sids */
    uint32_t number, next[2];
    uint16_t port; /* the client's; the server's is of_port */
    uint16_t of_port;
};

static void
on_alert(void *arg, const struct suricata_info *info, const struct suricata_where *w UNUSED)
{
    struct bench *b = arg;
    buf_printf(&b->said, "%s%u", b->said.size ? " " : "", info->sid);
}

static void
on_message(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct pdu *p)
{
    suricata_feed_message(((struct bench *)arg)->matcher, c, way, f, p);
}

static void
on_content(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
           const struct file_part *part)
{
    suricata_feed_content(((struct bench *)arg)->matcher, c, way, f, part);
}

static void
on_data(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
        const uint8_t *octets, uint32_t size, uint32_t lost)
{
    suricata_feed_data(((struct bench *)arg)->matcher, c, way, f, octets, size, lost);
}

static void
on_taken(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
         const struct layers *l)
{
    suricata_feed_packet(((struct bench *)arg)->matcher, c, way, f, l);
}

static void
begin(struct bench *b, const char *text, uint16_t port)
{
    struct diag diag;
    *b = (struct bench){.said = BUF_INIT, .port = 40000, .of_port = port};
    b->rules = suricata_rules_new(&(struct suricata_options){.protocols = protocols_all});
    assert_ok(suricata_rules_read(b->rules, "t", text, strlen(text), &diag));
    for (size_t i = 0; i < suricata_refusals_number(b->rules); i++)
        fail_msg("%s: %s", text, suricata_refusal(b->rules, i)->why);
    suricata_rules_seal(b->rules);
    b->matcher = suricata_matcher_new(b->rules, 0, on_alert, b);
    const struct sensor_config config = {.protocols = protocols_all,
                                         .arg = b,
                                         .message = on_message,
                                         .content = on_content,
                                         .data = on_data,
                                         .taken = on_taken};
    b->sensor = sensor_new(&config);
}

static const char *
end(struct bench *b)
{
    static char text[4096];
    snprintf(text, sizeof text, "%s", buf_cstr(&b->said));
    sensor_free(b->sensor);
    suricata_matcher_free(b->matcher);
    suricata_rules_free(b->rules);
    buf_fini(&b->said);
    return text;
}

static void
send(struct bench *b, const struct made_frame *made)
{
    b->number++;
    struct frame f = as_frame(made, b->number * NSEC_PER_SEC / 1000, b->number);
    sensor_frame(b->sensor, &f);
}

static void
put_ip(struct made_frame *f, bool is_client, uint8_t proto, size_t size)
{
    put_ethernet(f, 0x0800);
    put_ipv4(f, proto, (uint16_t)size, 0, 1);
    if (!is_client)
        memcpy(f->octets + f->size - 8, (uint8_t[]){10, 0, 0, 2, 10, 0, 0, 1}, 8);
}

static void
segment(struct bench *b, bool is_client, uint8_t flags, const void *octets, size_t n)
{
    struct made_frame f = {.size = 0};
    put_ip(&f, is_client, 6, n + 20);
    put_u16(&f, is_client ? b->port : b->of_port);
    put_u16(&f, is_client ? b->of_port : b->port);
    uint8_t rest[16] = {0};
    put_be32(rest, b->next[!is_client]);
    put_be32(rest + 4, b->next[is_client]);
    rest[8] = 0x50;
    rest[9] = flags;
    rest[10] = 0x20;
    put(&f, rest, sizeof rest);
    if (n)
        put(&f, octets, n);
    b->next[!is_client] += (uint32_t)n + (flags & 3 ? 1 : 0);
    send(b, &f);
}

static void
say(struct bench *b, bool is_client, const char *text)
{
    size_t n = strlen(text);
    for (size_t at = 0; at < n; at += 1400)
        segment(b, is_client, TCP_ACK | TCP_PSH, text + at, MIN(n - at, (size_t)1400));
}

static void
say_hex(struct bench *b, bool is_client, const char *hex)
{
    size_t n;
    uint8_t *octets = hex_bytes(hex, &n);
    segment(b, is_client, TCP_ACK | TCP_PSH, octets, n);
    free(octets);
}

static void
datagram(struct bench *b, bool is_client, const char *hex)
{
    size_t n;
    uint8_t *octets = hex_bytes(hex, &n);
    struct made_frame f = {.size = 0};
    put_ip(&f, is_client, 17, n + 8);
    put_udp(&f, is_client ? b->port : b->of_port, is_client ? b->of_port : b->port, (uint16_t)n);
    put(&f, octets, n);
    free(octets);
    send(b, &f);
}

static void
connect(struct bench *b)
{
    b->next[0] = 1000;
    b->next[1] = 5000;
    segment(b, true, TCP_SYN, NULL, 0);
    segment(b, false, TCP_SYN | TCP_ACK, NULL, 0);
    segment(b, true, TCP_ACK, NULL, 0);
}

/* ---- HTTP ---- */

#define REQUEST                                                                                    \
    "GET /a%20b/../c//d/./E%2e?x=%41%20+y HTTP/1.1\r\nHost: WWW.Example.COM:8080\r\n"              \
    "User-Agent:  Mozilla/5.0 (x) \r\nCookie: a=b; c=d\r\nAccept: */*\r\nAccept: text/html\r\n"    \
    "Referer: http://r/\r\nX-Fold: one\r\n two\r\nX-Empty:\r\nno colon\r\nConnection: close\r\n"   \
    "\r\n"
#define RESPONSE                                                                                   \
    "HTTP/1.1 404 Not Found Here\r\nServer: nginx/1\r\nSet-Cookie: q=1\r\nLocation: /z\r\n"        \
    "Content-Type: text/html\r\nContent-Length: 11\r\n\r\nhello world"

struct row {
    const char *options;
    bool is;
};

static void
check(const char *way, const struct row *row, const char *said)
{
    char expected[32];
    snprintf(expected, sizeof expected, "%s", row->is ? "1" : "");
    if (strcmp(said, expected) != 0)
        fail_msg("%s, %s: \"%s\" for \"%s\"", way, row->options, said, expected);
}

static void
check_http(const char *way, const struct row *rows, size_t n, const char *request,
           const char *response)
{
    for (size_t i = 0; i < n; i++) {
        char text[600];
        struct bench b;
        snprintf(text, sizeof text, "alert http any any -> any any (flow:%s; %s sid:1;)\n", way,
                 rows[i].options);
        begin(&b, text, 80);
        connect(&b);
        say(&b, true, request);
        say(&b, false, response);
        check(way, &rows[i], end(&b));
    }
}

static void
a_request_has_its_buffers(void **state UNUSED)
{
    static const struct row rows[] = {
        {"http.uri; content:\"/c/d/E.?x=A +y\"; bsize:14;", true},
        {"http.uri; content:\"/c/d/E.?x=A +y\"; bsize:13;", false},
        {"http.uri; bsize:>13;", true},
        {"http.uri; content:\"a b\";", false},
        {"http.uri.raw; content:\"/a%20b/../c//d/./E%2e?x=%41%20+y\"; bsize:32;", true},
        {"urilen:14;", true},
        {"urilen:14,raw;", false},
        {"urilen:31<>33,raw;", true},
        {"http.method; content:\"GET\"; startswith; endswith;", true},
        {"http.method; content:\"PUT\";", false},
        {"http.protocol; content:\"HTTP/1.1\"; bsize:8;", true},
        {"http.request_line; content:\"GET /a%20b\"; startswith; content:\"1.1\"; endswith;", true},
        {"http.host; content:\"www.example.com\"; bsize:15;", true}, /* not there: the port */
        {"http.host.raw; content:\"WWW.Example.COM|3a|8080\"; bsize:20;", true},
        {"http.host; content:\"WWW\";", false},
        {"http.user_agent; content:\"Mozilla/5.0 (x)\"; bsize:15;", true},
        {"http.cookie; content:\"a=b|3b| c=d\"; bsize:8;", true},
        {"http.accept; content:\"*/*, text/html\"; bsize:14;", true},
        {"http.referer; content:\"http|3a|//r/\"; bsize:9;", true},
        {"http.connection; content:\"close\"; bsize:5;", true},
        {"http.content_type; content:!\"zzz\";", false}, /* it is not there */
        {"http.header; content:\"Host|3a| WWW.Example.COM|3a|8080|0d 0a|User-Agent|3a| Mozilla/5.0 "
         "(x)|0d 0a|Accept|3a| */*, text/html|0d 0a|Referer\"; startswith;",
         true},
        {"http.header; content:\"X-Fold|3a| one two|0d 0a|X-Empty|3a| |0d 0a 3a| no colon|0d "
         "0a|\";",
         true},
        {"http.header; content:\"close|0d 0a|\"; endswith;", true},
        {"http.header; content:\"Cookie\";", false},
        {"http.header.raw; content:\"Cookie|3a| a=b|3b| c=d|0d 0a|\";", true},
        {"http.header.raw; content:\"X-Fold|3a| one|0d 0a| two\";", true},
        {"http.header_names; content:\"|0d 0a|Host|0d 0a|User-Agent|0d 0a|Cookie|0d 0a|Accept|0d "
         "0a|Referer|0d 0a|\"; startswith;",
         true},
        {"http.header_names; content:\"|0d 0a 0d 0a|\"; endswith;", true},
        {"http.start; content:\"GET /a%20b/../c//d/./E%2e?x=%41%20+y HTTP/1.1|0d 0a|Host\"; "
         "startswith; content:\"close|0d 0a 0d 0a|\"; endswith;",
         true},
        {"http.request_header; content:\"X-Fold|3a| one two\"; bsize:15;", true},
        {"http.request_header; content:\"accept\"; nocase; bsize:<22;", false}, /* once */
        {"http.request_header; content:\"X-Fold\"; http.request_header; content:\"Referer\";",
         true},
        {"http.request_header; content:\"X-Fold\"; content:\"Referer\";", false}, /* of one */
        {"content:\"c/d\"; http_uri; content:\"x=\"; http_uri; distance:4; within:2;", true},
        {"content:\"c/d\"; http_uri; content:\"x=\"; http_uri; distance:5;", false},
        {"content:\"/d/E\"; http_uri; isdataat:9,relative;", false},
        {"content:\"/d/E\"; http_uri; isdataat:8,relative;", true},
        {"pcre:\"/^\\/c\\/d.*y$/U\"; pcre:\"/Fold/H\";", true},
        {"pcre:\"/^\\/c\\/d.*z$/U\";", false},
        {"http.uri; content:\"/c/\"; pcre:\"/^d/R\";", true},
        {"http.uri; content:\"/c/\"; http.method; content:\"GET\"; http.uri; content:\"/E\"; "
         "distance:0;",
         true},
        {"http.uri; content:\"/E\"; content:\"/c/\"; distance:0;", false},
        {"http.uri; byte_extract:1,0,n; byte_test:1,=,n,2;", true},
        {"uricontent:\"/c/d/E\"; uricontent:\"y\"; distance:7; within:1;", true},
        {"uricontent:\"a%20b\";", false},
        {"http.uri; content:!\"/zzz\"; content:\"/c\";", true},
        {"http.uri; content:!\"/d\"; content:\"/c\";", false},
        {"http.uri; to_lowercase; content:\"/c/d/e.\"; startswith;", true},
        {"http.uri; to_uppercase; content:\"/C/D/E.\"; startswith;", true},
        {"http.user_agent; strip_whitespace; content:\"Mozilla/5.0(x)\"; bsize:14;", true},
        {"http.header; compress_whitespace; content:\"(x)|0d|Accept|3a| */*\";", true},
        {"http.host; dotprefix; content:\".example.com\"; endswith;", true},
        {"http.host; dotprefix; content:\".ple.com\"; endswith;", false},
        {"http.host; dotprefix; content:\".www.example.com\"; bsize:16;", true},
        {"http.uri.raw; url_decode; content:\"/a b/../c//d/./E.?x=A  y\"; bsize:24;", true},
        {"http.request_line; url_decode; content:\"x=A  y HTTP\";", true},
        {"content:\"GET\"; depth:3; http.uri; content:\"/c/d\";", true}, /* payload and buffer */
        {"content:\"PUT\"; http.uri; content:\"/c/d\";", false},
        {"content:\"GET\"; http.uri; content:\"/zzz\";", false},
        {"http.uri; content:\"/c/d\"; pkt_data; content:\"E%2e\";", true},
    };
    check_http("to_server", rows, ARRAY_SIZE(rows), REQUEST, RESPONSE);
}

static void
a_response_has_its_buffers(void **state UNUSED)
{
    static const struct row rows[] = {
        {"http.stat_code; content:\"404\"; bsize:3;", true},
        {"http.stat_code; content:\"200\";", false},
        {"http.stat_msg; content:\"Not Found Here\"; bsize:14;", true},
        {"http.response_line; content:\"HTTP/1.1 404 Not Found Here\"; bsize:27;", true},
        {"http.server; content:\"nginx/1\"; bsize:7;", true},
        {"http.location; content:\"/z\"; bsize:2;", true},
        {"http.content_type; content:\"text/html\"; bsize:9;", true},
        {"http.content_len; content:\"11\"; bsize:2;", true},
        {"http.cookie; content:\"q=1\"; bsize:3;", true},
        {"http.header; content:\"nginx/1|0d 0a|Location|3a| /z|0d 0a|\";", true},
        {"http.response_header; content:\"Server|3a| nginx/1\"; bsize:15;", true},
        {"file.data; content:\"hello world\"; bsize:11;", true},
        {"file_data; content:\"hello\"; startswith;", true},
        {"http.response_body; content:\"world\"; endswith;", true},
        {"file.data; content:!\"world\";", false},
        {"file.data; content:!\"zzz\";", true},
        {"http.stat_code; content:\"404\"; file.data; content:\"hello\";", true},
        {"http.stat_code; content:\"200\"; file.data; content:\"hello\";", false},
        {"file.data; content:\"hello\"; content:\"world\"; distance:1; within:5;", true},
        {"content:\"hello\"; http_server_body;", true},
        {"pcre:\"/^hello\\sworld$/Q\";", true},
    };
    check_http("to_client", rows, ARRAY_SIZE(rows), REQUEST, RESPONSE);
}

/* Whoever sends octets one by one, each with what a rule looks for first in it. */
static void
a_body_in_small_pieces_costs_no_more_than_its_octets(void **state UNUSED)
{
    struct bench b;
    begin(&b,
          "alert http any any -> any any (flow:to_client; file.data; content:\"abc\"; "
          "content:\"xyz\"; sid:1;)\n",
          80);
    connect(&b);
    say(&b, true, REQUEST);
    say(&b, false, "HTTP/1.1 200 OK\r\nContent-Length: 9006\r\n\r\n");
    for (unsigned i = 0; i < 3000; i++)
        say(&b, false, "abc");
    uint64_t n = suricata_counters(b.matcher)->inspections;
    assert_in_range(n, 1, 300);
    assert_int_equal(b.said.size, 0);
    say(&b, false, "xyz");
    say(&b, false, "end");
    assert_string_equal(end(&b), "1");
}

static void
targets_are_mended_as_servers_do(void **state UNUSED)
{
    static const struct {
        const char *target, *uri, *host;
    } rows[] = {
        {"/a/b/..", "/a", "ex"},
        {"/a/./", "/a", "ex"},
        {"/a/b/../../c", "/c", "ex"},
        {"/../../etc/passwd", "/etc/passwd", "ex"},
        {"/%2e%2e/x", "/x", "ex"},
        {"/a\\\\..\\\\b", "/b", "ex"}, /* in C and in the rule */
        {"/a//", "/a/", "ex"},
        {"/a/..b/...", "/a/..b/...", "ex"},
        {"/%u002e%U002E/q", "/q", "ex"},
        {"/%u2041", "/?", "ex"},
        {"/%E2%82%AC", "/?", "ex"},
        {"/..%c0%af/x", "//x", "ex"},
        {"/%zz%4", "/%zz%4", "ex"},
        {"/a%3fb?c%3d+d", "/a?b?c=+d", "ex"},
        {"http://U:p@Abs.Org:81/up", "/up", "abs.org"},
        {"*", "*", "ex"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[300], request[200], target[64], *to = target;
        struct bench b;
        for (const char *at = rows[i].target; *at; at++) {
            *to++ = *at;
            at += *at == '\\';
        }
        *to = '\0';
        snprintf(text, sizeof text,
                 "alert http any any -> any any (http.uri; content:\"%s\"; bsize:%zu; http.host; "
                 "content:\"%s\"; bsize:%zu; sid:1;)\n",
                 rows[i].uri, strlen(rows[i].uri), rows[i].host, strlen(rows[i].host));
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: ex\r\n\r\n", target);
        begin(&b, text, 80);
        connect(&b);
        say(&b, true, request);
        if (strcmp(end(&b), "1") != 0)
            fail_msg("%s is not %s of %s", target, rows[i].uri, rows[i].host);
    }
}

static void
what_is_encoded_may_stand_at_the_end(void **state UNUSED)
{
    static const struct row rows[] = {
        {"http.uri.raw; url_decode; content:\"/aA\"; bsize:3;", true},
        {"http.uri; content:\"/aA\"; bsize:3;", true},
    };
    check_http("to_server", rows, ARRAY_SIZE(rows), "GET /a%41 HTTP/1.1\r\n\r\n", RESPONSE);
}

static void
bodies_are_put_together(void **state UNUSED)
{
    static const char rules[] =
        "alert http any any -> any any (flow:to_server; http.request_body; content:\"user=root\"; "
        "bsize:9; sid:1;)\n"
        "alert http any any -> any any (flow:to_server; http.uri; content:\"/up\"; "
        "http.request_body; content:\"root\"; sid:2;)\n"
        "alert http any any -> any any (flow:to_server; http.uri; content:\"/down\"; "
        "http.request_body; content:\"root\"; sid:3;)\n"
        "alert http any any -> any any (flow:to_client; file.data; content:\"cdefg\"; sid:4;)\n"
        "alert http any any -> any any (flow:to_client; file.data; content:\"4|0d 0a|\"; sid:5;)\n"
        "alert http any any -> any any (flow:to_client; file.data; content:!\"zzz\"; sid:6;)\n"
        "alert http any any -> any any (flow:to_client; file.data; bsize:9; sid:7;)\n";
    struct bench b;
    begin(&b, rules, 80);
    connect(&b);
    say(&b, true, "POST /up HTTP/1.1\r\nContent-Length: 9\r\n\r\nuser");
    assert_string_equal(buf_cstr(&b.said), "");
    say(&b, true, "=root");
    assert_string_equal(buf_cstr(&b.said), "2 1"); /* how long it is is known last */
    say(&b, false, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n4");
    say(&b, false, "\r\nfghi\r\n");
    assert_string_equal(buf_cstr(&b.said), "2 1 4");
    say(&b, false, "0\r\n\r\n");
    assert_string_equal(end(&b), "2 1 4 6 7");
}

/* Heard from the middle on, from the lower port: who asks is the client. */
static void
who_asks_is_the_client(void **state UNUSED)
{
    struct bench b;
    begin(
        &b,
        "alert http any any -> any any (flow:to_server; http.method; content:\"GET\"; sid:1;)\n"
        "alert http any any -> any any (flow:to_client; http.stat_code; content:\"200\"; sid:2;)\n"
        "alert tcp any any -> any any (flow:to_client; content:\"200 OK\"; sid:3;)\n",
        64000);
    say(&b, true, "GET / HTTP/1.1\r\n\r\n");
    say(&b, false, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_string_equal(end(&b), "1 2 3");
}

static void
a_body_ends_with_its_connection(void **state UNUSED)
{
    struct bench b;
    begin(&b,
          "alert http any any -> any any (flow:to_client; file.data; content:\"end\"; endswith; "
          "sid:1;)\n",
          80);
    connect(&b);
    say(&b, true, "GET / HTTP/1.0\r\n\r\n");
    say(&b, false, "HTTP/1.0 200 OK\r\n\r\nuntil the end");
    assert_string_equal(buf_cstr(&b.said), "");
    segment(&b, false, TCP_FIN | TCP_ACK, NULL, 0);
    assert_string_equal(end(&b), "1");
}

/* "compressed secret", by gzip and by zlib. */
static void
compressed_bodies_are_unpacked(void **state UNUSED)
{
    static const char rules[] =
        "alert http any any -> any any (flow:to_client; file.data; content:\"compressed secret\"; "
        "bsize:17; sid:1;)\n"
        "alert http any any -> any any (flow:to_client; file.data; content:!\"secret\"; sid:2;)\n"
        "alert http any any -> any any (flow:to_client; http.header; content:\"ncoding\"; "
        "sid:3;)\n";
    static const struct {
        const char *encoding, *body, *said;
    } rows[] = {
        {"gzip", "1f8b08000000000002034bcecf2d284a2d2e4e4d51284e4d2e4a2d0100ee510b7a11000000",
         "3 1"},
        {"deflate", "789c4bcecf2d284a2d2e4e4d51284e4d2e4a2d01003e6406dc", "3 1"},
        {"deflate", "4bcecf2d284a2d2e4e4d51284e4d2e4a2d0100",
         "3 1"}, /* servers leave out what should be around it */
        {"gzip\r\nContent-Encoding: gzip",
         "1f8b08000000000002034bcecf2d284a2d2e4e4d51284e4d2e4a2d0100ee510b7a11000000", "3"},
        {"gzip", "1f8b08000000000002034bcecf2d284a2d2e4e4d51284e4d2e4a2d0100ef510b7a11000000",
         "3"}, /* its checksum is wrong */
        {"gzip, gzip", "1f8b08000000000002034bcecf2d284a2d2e4e4d51284e4d2e4a2d0100ee510b7a11000000",
         "3"},
        {"gzip", "1f8b0800000000000003 ffffffffffffffffffffffffff", "3"}, /* not what it says */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char head[200];
        size_t n;
        struct bench b;
        uint8_t *octets = hex_bytes(rows[i].body, &n);
        begin(&b, rules, 80);
        connect(&b);
        say(&b, true, "GET / HTTP/1.1\r\n\r\n");
        snprintf(head, sizeof head,
                 "HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %zu\r\n\r\n",
                 rows[i].encoding, n);
        say(&b, false, head);
        segment(&b, false, TCP_ACK, octets, 1);
        segment(&b, false, TCP_ACK, octets + 1, 8);
        segment(&b, false, TCP_ACK, octets + 9, n - 9);
        free(octets);
        assert_string_equal(end(&b), rows[i].said);
    }
}

/* What grows without end is unpacked so far, and no farther. */
static void
a_bomb_is_unpacked_so_far(void **state UNUSED)
{
    static const char body[] = /* 600,000 zeros by gzip */
        "1f8b0800000000000203edc13101000000c2a0f54f6d0d0fa0000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "00000000000000000000000000000000000000000000000000000000000000000000000000000000"
        "0000000000007834b3d3fdd0c0270900";
    struct bench b;
    char head[100];
    begin(&b, "alert http any any -> any any (flow:to_client; file.data; bsize:102400; sid:1;)\n",
          80);
    connect(&b);
    say(&b, true, "GET / HTTP/1.1\r\n\r\n");
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n");
    say(&b, false, head);
    say_hex(&b, false, body);
    assert_string_equal(end(&b), "1");
}

/* Octets are missing, or cannot be understood: nothing is said of what is there. */
static void
what_is_not_known_of_a_body_is_not_judged(void **state UNUSED)
{
    static const char rules[] =
        "alert http any any -> any any (flow:to_client; file.data; content:!\"zzz\"; sid:1;)\n"
        "alert http any any -> any any (flow:to_client; http.stat_code; content:\"200\"; sid:2;)\n";
    struct bench b;
    begin(&b, rules, 80);
    connect(&b);
    say(&b, true, "GET / HTTP/1.0\r\n\r\n");
    say(&b, false, "HTTP/1.0 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc");
    assert_string_equal(buf_cstr(&b.said), "2");
    say(&b, true, "GET / HTTP/1.0\r\n\r\n");
    say(&b, false, "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    b.next[1] += 3;
    segment(&b, true, TCP_ACK, NULL, 0);
    say(&b, false, "ghi");
    b.number += 5000; /* the hole is not filled any more */
    say(&b, false, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx");
    assert_string_equal(end(&b), "2 2 2 1");
}

static void
a_long_body_is_looked_at_so_far(void **state UNUSED)
{
    static char filler[50001];
    struct bench b;
    memset(filler, 'x', sizeof filler - 1);
    begin(&b,
          "alert http any any -> any any (flow:to_client; file.data; content:\"early\"; sid:1;)\n"
          "alert http any any -> any any (flow:to_client; file.data; content:\"late\"; sid:2;)\n"
          "alert http any any -> any any (flow:to_client; file.data; content:!\"late\"; sid:3;)\n",
          80);
    connect(&b);
    say(&b, true, "GET / HTTP/1.0\r\n\r\n");
    say(&b, false, "HTTP/1.0 200 OK\r\nContent-Length: 150009\r\n\r\n");
    say(&b, false, filler);
    say(&b, false, "early");
    say(&b, false, filler);
    say(&b, false, filler);
    say(&b, false, "late");
    assert_string_equal(end(&b), "1 3");
}

/* ---- Others ---- */

static void
names_that_are_asked_for(void **state UNUSED)
{
    /* b.de is in a record, and not asked for. */
    static const char question[] = "1234 0100 0001 0000 0000 0001 01 61 07 4578616d706c65 02 6465 "
                                   "00 0001 0001 01 62 02 6465 00 0001 0001 00000000 0004 0a000001";
    static const struct row rows[] = {
        {"dns.query; content:\"a.Example.de\"; bsize:12;", true},
        {"dns_query; content:\"a.example.de\"; nocase; startswith; endswith;", true},
        {"dns.query; content:\"b.example.de\"; nocase;", false},
        {"dns.query; content:\"b.de\";", false},
        {"dns.query; dotprefix; content:\".example.de\"; nocase; endswith;", true},
        {"dns.query; dotprefix; content:\".ample.de\"; nocase; endswith;", false},
        {"dns.query; content:\"a.\"; pcre:\"/^[a-z]+\\.de$/Ri\";", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[300];
        struct bench b;
        snprintf(text, sizeof text, "alert dns any any -> any any (%s sid:1;)\n", rows[i].options);
        begin(&b, text, 53);
        datagram(&b, true, question);
        datagram(&b, false,
                 "1234 8180 0001 0000 0000 0000 01 61 07 4578616d706c65 02 6465 00 0001 0001");
        check("dns", &rows[i], end(&b));
    }
}

#define RANDOM "0000000000000000000000000000000000000000000000000000000000000000"
#define HELLO                                                                                      \
    "16 0301 0079 01 000075 0303" RANDOM "00 0008 0a0a 1301 c02b 002f 0100 0044 0a0a 0000"         \
    "0000 0008 0006 00 0003 612e62 0010 0005 0003 02 6832 000a 0008 0006 1a1a 001d 0017"           \
    "000b 0002 01 00 000d 0006 0004 0403 0804 002b 0007 06 2a2a 0304 0303 0017 0000"
#define SERVER_HELLO "16 0303 0032 02 00002e 0303" RANDOM "00 1301 00 0006 002b 0002 0304"

/* Of a relay that says it is a motor: issuer and subject differ. Another stands behind it. */
static void
say_certificate(struct bench *b)
{
    size_t n;
    uint8_t *octets = hex_bytes(
        "16 0303 03db 0b 0003d7 0003d4 0001e7" CERTIFICATE "0001e7" CERTIFICATE, &n);
    uint8_t *at = memmem(octets, n, "relay", 5);
    assert_non_null(at);
    at = memmem(at + 5, n - (size_t)(at + 5 - octets), "relay", 5);
    assert_non_null(at);
    memcpy(at, "motor", 5);
    at = memmem(octets, n,
                "\x0c\x05"
                "Bay",
                5);
    assert_non_null(at);
    at = memmem(at + 5, n - (size_t)(at + 5 - octets),
                "\x0c\x05"
                "Bay",
                5);
    assert_non_null(at);
    at[-1] = 99; /* 2.5.4.99 has no word */
    segment(b, false, TCP_ACK | TCP_PSH, octets, n);
    free(octets);
}

static void
what_tls_says_before_it_is_encrypted(void **state UNUSED)
{
    static const struct row rows[] = {
        {"tls.sni; content:\"a.b\"; bsize:3;", true},
        {"tls_sni; content:\"a.c\";", false},
        {"ja3.hash; content:\"830f7f5f0d332e4c426f906ad9a8bf24\"; bsize:32;", true},
        {"ja3s.hash; content:\"cce84e7a8b742462e40afb585a3e3ccc\"; bsize:32;", true},
        {"tls.cert_subject; content:\"O=Plant, 2.5.4.99=Bay 1, CN=motor, serialNumber=42\"; "
         "bsize:50;",
         true},
        {"tls.cert_issuer; content:\"O=Plant, OU=Bay 1, CN=relay, serialNumber=42\"; bsize:44;",
         true},
        {"tls.cert_issuer; content:\"CN=other\";", false},
        {"tls.cert_serial; content:\"12|3a|34\"; bsize:5;", true},
        {"tls.cert_fingerprint; "
         "content:\"59|3a|25|3a|0d|3a|06|3a|bd|3a|34|3a|0d|3a|f9|3a|3b|3a|41|3a|6c|3a|76|3a|1b|3a|"
         "f8|3a|9c|3a|41|3a|fa|3a|b7|3a|86|3a|36\"; bsize:59;",
         true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[300];
        struct bench b;
        snprintf(text, sizeof text, "alert tls any any -> any any (%s sid:1;)\n", rows[i].options);
        begin(&b, text, 443);
        connect(&b);
        say_hex(&b, true, HELLO);
        say_hex(&b, false, SERVER_HELLO);
        say_certificate(&b);
        check("tls", &rows[i], end(&b));
    }
}

static void
who_speaks_ssh_and_snmp(void **state UNUSED)
{
    struct bench b;
    begin(&b,
          "alert ssh any any -> any any (flow:to_client; ssh.software; content:\"OpenSSH_9\"; "
          "bsize:9; ssh.proto; content:\"2.0\"; bsize:3; sid:1;)\n"
          "alert ssh any any -> any any (flow:to_server; ssh.software; content:\"OpenSSH\"; "
          "sid:2;)\n",
          22);
    connect(&b);
    say(&b, true, "SSH-2.0-PuTTY_1\r\n");
    say(&b, false, "SSH-2.0-OpenSSH_9 Debian\r\n");
    assert_string_equal(end(&b), "1");
    begin(&b,
          "alert snmp any any -> any any (snmp.community; content:\"public\"; bsize:6; sid:1;)\n"
          "alert snmp any any -> any any (snmp.community; content:\"private\"; sid:2;)\n",
          161);
    datagram(&b, true,
             "30 26 02 01 01 04 06 7075626c6963 a0 19 02 01 07 02 01 00 02 01 00 30 0e 30 0c 06 08 "
             "2b 06 01 02 01 01 01 00 05 00");
    assert_string_equal(end(&b), "1");
}

/* To \\h\ and a name of four letters. */
#define TREE                                                                                       \
    "00000058fe534d424000000000000000030001000000000000000000030000000000000000000000"             \
    "0500000007000000000000000000000000000000000000000000000009000000480010005c005c00"             \
    "68005c00"

static void
shares_that_are_connected_to(void **state UNUSED)
{
    struct bench b;
    begin(
        &b,
        "alert smb any any -> any any (smb.named_pipe; content:\"\\\\\\\\h\\\\IPC$\"; bsize:8; "
        "sid:1;)\n"
        "alert smb any any -> any any (smb.share; content:\"\\\\\\\\h\\\\\"; startswith; sid:2;)\n",
        445);
    connect(&b);
    say_hex(&b, true, TREE "4900500043002400");
    assert_string_equal(buf_cstr(&b.said), "1");
    say_hex(&b, true, TREE "4400610074006100");
    assert_string_equal(end(&b), "1 2");
}

static void
a_protocol_is_asked_for(void **state UNUSED)
{
    struct bench b;
    begin(&b,
          "alert tcp any any -> any any (app-layer-protocol:http; content:\"Mozilla\"; sid:1;)\n"
          "alert tcp any any -> any any (app-layer-protocol:tls; content:\"Mozilla\"; sid:2;)\n"
          "alert tcp any any -> any any (app-layer-protocol:!tls; content:\"Mozilla\"; sid:3;)\n"
          "alert tcp any any -> any any (app-layer-protocol:!http; content:\"Mozilla\"; sid:4;)\n",
          80);
    connect(&b);
    say(&b, true, REQUEST);
    assert_string_equal(end(&b), "1 3");
}

/* ---- What is refused ---- */

static void
buffers_that_do_not_fit_are_refused(void **state UNUSED)
{
    static const struct {
        const char *header, *options, *keyword;
        bool is_malformed;
    } rows[] = {
        {"http", "http.uri; sid:1;", "http.uri", true},
        {"http", "http.uri:x; content:\"a\"; sid:1;", "http.uri", true},
        {"dns", "http.uri; content:\"a\"; sid:1;", "http.uri", true},
        {"udp", "http.uri; content:\"a\"; sid:1;", "http.uri", true},
        {"http", "http.uri; content:\"a\"; http.stat_code; content:\"4\"; sid:1;", "http.stat_code",
         true},
        {"http", "flow:to_client; http.uri; content:\"a\"; sid:1;", "http.uri", true},
        {"http", "http_uri; sid:1;", "http_uri", true},
        {"http", "http.uri; content:\"a\"; http_uri; sid:1;", "http_uri", true},
        {"http", "http.host; content:\"a\"; pcre:\"/a/U\"; sid:1;", "pcre", true},
        {"http", "bsize:3; sid:1;", "bsize", true},
        {"http", "http.uri; bsize:3; bsize:4; sid:1;", "bsize", true},
        {"http", "urilen:3,both; sid:1;", "urilen", true},
        {"http", "content:\"a\"; dotprefix; sid:1;", "dotprefix", true},
        {"http", "http.uri; content:\"a\"; dotprefix; sid:1;", "dotprefix", true},
        {"http", "file.data; content:\"a\"; sid:1;", "file.data", false},
        {"tcp", "flow:to_client; file.data; content:\"a\"; sid:1;", "file.data", false},
        {"http", "http.uri; byte_extract:1,0,n; http.host; byte_test:1,=,n,0; sid:1;",
         "byte_extract", false},
        {"tcp", "app-layer-protocol:nothing; sid:1;", "app-layer-protocol", false},
        {"http", "app-layer-protocol:tls; sid:1;", "app-layer-protocol", true},
        {"tcp", "tls.version:1.2; sid:1;", "tls.version", false},
        {"http", "http.uri; to_md5; content:\"a\"; sid:1;", "to_md5", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        char text[300];
        struct diag diag;
        struct suricata_rules *rules = suricata_rules_new(
            &(struct suricata_options){.protocols = protocols_all});
        snprintf(text, sizeof text, "alert %s any any -> any any (%s)\n", rows[i].header,
                 rows[i].options);
        assert_ok(suricata_rules_read(rules, "t", text, strlen(text), &diag));
        if (!suricata_refusals_number(rules))
            fail_msg("%s", text);
        const struct suricata_refusal *r = suricata_refusal(rules, 0);
        if (strcmp(r->keyword, rows[i].keyword) != 0 || r->is_malformed != rows[i].is_malformed)
            fail_msg("%s: %s: %s", text, r->keyword, r->why);
        suricata_rules_free(rules);
    }
}

TEST_MAIN(cmocka_unit_test(a_request_has_its_buffers), cmocka_unit_test(a_response_has_its_buffers),
          cmocka_unit_test(targets_are_mended_as_servers_do),
          cmocka_unit_test(what_is_encoded_may_stand_at_the_end),
          cmocka_unit_test(bodies_are_put_together), cmocka_unit_test(who_asks_is_the_client),
          cmocka_unit_test(a_body_ends_with_its_connection),
          cmocka_unit_test(a_body_in_small_pieces_costs_no_more_than_its_octets),
          cmocka_unit_test(compressed_bodies_are_unpacked),
          cmocka_unit_test(a_bomb_is_unpacked_so_far),
          cmocka_unit_test(what_is_not_known_of_a_body_is_not_judged),
          cmocka_unit_test(a_long_body_is_looked_at_so_far),
          cmocka_unit_test(names_that_are_asked_for),
          cmocka_unit_test(what_tls_says_before_it_is_encrypted),
          cmocka_unit_test(who_speaks_ssh_and_snmp), cmocka_unit_test(shares_that_are_connected_to),
          cmocka_unit_test(a_protocol_is_asked_for),
          cmocka_unit_test(buffers_that_do_not_fit_are_refused))
