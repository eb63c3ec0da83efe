/* From frames to messages: what is cut, late, lost, at another port, or in a datagram of pieces. */
#include "sensor/sensor.h"

#include "base/buf.h"
#include "proto/ot/modbus/modbus.h"
#include "sensor/message_json.h"
#include "sensor/protocols.h"
#include "sensor/testing.h"

#include <stdio.h>

struct bench {
    struct sensor *sensor;
    struct buf said; /* "frame protocol kind name" of each message */
    unsigned n_malformed, n_ended, n_packets, n_differing, n_foreign;
    uint32_t number, seq[2];
    uint16_t ports[2]; /* of the client, of the server */
    nsec_t now;
};

static void
on_message(void *arg, const struct conversation *c UNUSED, unsigned way UNUSED,
           const struct frame *f, const struct pdu *p)
{
    struct bench *b = arg;
    buf_printf(&b->said, "%u %s %s %s\n", f->number, p->protocol->name, pdu_kind_word(p->kind),
               p->info ? p->info->name : "?");
}

static void
on_malformed(void *arg, const struct conversation *c UNUSED, unsigned way UNUSED,
             const struct frame *f UNUSED, const struct cursor *at)
{
    struct bench *b = arg;
    assert_non_null(at->field);
    b->n_malformed++;
}

static void
on_packet(void *arg, const struct conversation *c, unsigned way, const struct frame *f,
          const struct layers *l)
{
    struct bench *b = arg;
    assert_true(c->packets[way] > 0);
    assert_int_equal(f->number, b->number);
    assert_int_equal(l->proto, c->key.proto);
    b->n_packets++;
}

static void
on_odd(void *arg, const struct conversation *c UNUSED, unsigned way, const struct frame *f,
       enum stream_news news)
{
    struct bench *b = arg;
    assert_int_equal(way, 0);
    assert_int_equal(f->number, b->number);
    b->n_differing += news == STREAM_DIFFERS;
    b->n_foreign += news == STREAM_FOREIGN;
}

static void
on_ended(void *arg, const struct conversation *c UNUSED)
{
    ((struct bench *)arg)->n_ended++;
}

static int
begin(void **state)
{
    static struct bench b;
    b = (struct bench){.said = BUF_INIT, .seq = {1000, 5000}, .ports = {40000, 502}};
    const struct sensor_config config = {.protocols = protocols_all,
                                         .arg = &b,
                                         .message = on_message,
                                         .malformed = on_malformed,
                                         .packet = on_packet,
                                         .odd = on_odd,
                                         .ended = on_ended};
    b.sensor = sensor_new(&config);
    *state = &b;
    return 0;
}

static int
end(void **state)
{
    struct bench *b = *state;
    sensor_free(b->sensor);
    buf_fini(&b->said);
    return 0;
}

static const char *
said(struct bench *b)
{
    static char text[4096];
    snprintf(text, sizeof text, "%s", buf_cstr(&b->said));
    buf_clear(&b->said);
    return text;
}

/* A segment from the client (0) or the server (1). */
static void
segment(struct bench *b, unsigned from, uint8_t flags, uint32_t seq, uint32_t ack, const char *hex)
{
    struct made_frame data = {.size = 0}, f = {.size = 0};
    put_hex(&data, hex);
    put_ethernet(&f, 0x0800);
    put_ipv4(&f, 6, (uint16_t)(20 + data.size), 0, 1);
    if (from) { /* the other way */
        memcpy(f.octets + 26, "\x0a\0\0\x02\x0a\0\0\x01", 8);
    }
    put_u16(&f, b->ports[from]);
    put_u16(&f, b->ports[!from]);
    uint8_t numbers[8];
    put_be32(numbers, seq);
    put_be32(numbers + 4, ack);
    put(&f, numbers, 8);
    put(&f, (uint8_t[]){0x50, flags, 0x10, 0, 0, 0, 0, 0}, 8);
    put(&f, data.octets, data.size);
    b->now += NSEC_PER_MSEC;
    struct frame frame = as_frame(&f, b->now, ++b->number);
    sensor_frame(b->sensor, &frame);
}

/* The next of its direction. */
static void
say(struct bench *b, unsigned from, const char *hex)
{
    struct made_frame data = {.size = 0};
    put_hex(&data, hex);
    segment(b, from, TCP_ACK | TCP_PSH, b->seq[from], b->seq[!from], hex);
    b->seq[from] += data.size;
}

static void
open_connection(struct bench *b)
{
    segment(b, 0, TCP_SYN, b->seq[0] - 1, 0, "");
    segment(b, 1, TCP_SYN | TCP_ACK, b->seq[1] - 1, b->seq[0], "");
}

#define READ "0001 0000 0006 01 03 0000 0002"
#define ANSWER "0001 0000 0007 01 03 04 0001 0002"

static void
a_conversation_is_understood(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, READ);
    say(b, 1, ANSWER);
    assert_string_equal(said(b), "3 modbus request read-holding-registers\n"
                                 "4 modbus response read-holding-registers\n");
}

static void
messages_may_be_cut_anywhere(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, "0001 0000 00");
    say(b, 0, "06 01 03 0000");
    say(b, 0, "0002 0002 0000 0006 01 04 0000 0002 0003");
    assert_string_equal(said(b), "5 modbus request read-holding-registers\n"
                                 "5 modbus request read-input-registers\n");
    say(b, 0, "0000 0006 01 01 0000 0002");
    assert_string_equal(said(b), "6 modbus request read-coils\n");
    assert_int_equal(sensor_counters(b->sensor)->octets_skipped, 0);
}

static void
a_protocol_is_known_by_what_is_said(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 9999;
    open_connection(b);
    say(b, 0, READ);
    say(b, 1, ANSWER);
    assert_string_equal(said(b), "3 modbus request read-holding-registers\n"
                                 "4 modbus response read-holding-registers\n");
}

static void
what_is_another_s_at_a_port_is_not_taken_for_it(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, "68656c6c6f2c20776f726c640d0a"); /* "hello, world" */
    say(b, 0, "68 04 07 00 00 00");            /* -104 at Modbus' port */
    assert_string_equal(said(b), "4 iec104 link STARTDT-act\n");
}

/* Segments of a DNP3 read, one each. */
#define DNP3_FIRST "056408c404000300b4b840c101845e"
#define DNP3_FINAL "056409c404000300530d813c0206b802"

static void
what_looked_like_another_at_first_has_a_state_of_its_own(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 9999;
    open_connection(b);
    say(b, 0, READ);
    say(b, 0, DNP3_FIRST);
    say(b, 0, DNP3_FINAL);
    assert_string_equal(said(b), "3 modbus request read-holding-registers\n"
                                 "4 dnp3 link segment\n"
                                 "5 dnp3 request read\n");
}

/* COTP, with TSAPs that are nobody's in particular, and of S7. */
#define CONNECT "0300 0016 11 e0 0000 0001 00 c0010a c1020001 c2020001"
#define CONNECT_S7 "0300 0016 11 e0 0000 0001 00 c0010a c1020100 c2020302"
#define SETUP_S7 "0300 0019 02 f080 32 01 0000 0100 0008 0000 f0 00 0001 0002 01e0"

static void
a_connection_request_does_not_settle_the_protocol(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 102;
    open_connection(b);
    say(b, 0, CONNECT_S7);
    say(b, 0, "68 04 07 00 00 00"); /* -104 behind it */
    assert_string_equal(said(b), "3 s7comm link connection-request\n"
                                 "4 iec104 link STARTDT-act\n");
}

#define IDENTIFY_MMS "0300 001b 02 f080 01000100 610e300c 020103 a007 a005 020101 8200"

static void
what_is_said_after_a_connection_request_settles_it(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 102;
    open_connection(b);
    say(b, 0, CONNECT); /* as MMS mostly does */
    say(b, 0, SETUP_S7);
    assert_string_equal(said(b), "3 mms link connection-request\n"
                                 "4 s7comm request setup-communication\n");
}

static void
what_is_said_in_the_same_segment_settles_it(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 102;
    open_connection(b);
    say(b, 0, CONNECT SETUP_S7);
    say(b, 0, SETUP_S7);
    assert_string_equal(said(b), "3 mms link connection-request\n"
                                 "3 s7comm request setup-communication\n"
                                 "4 s7comm request setup-communication\n");
}

static void
a_message_that_was_cut_settles_it_when_it_is_whole(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 102;
    open_connection(b);
    say(b, 0, CONNECT_S7);
    say(b, 0, "0300 001b 02 f080 01000100 610e300c");
    say(b, 0, "020103 a007 a005 020101 8200");
    say(b, 0, IDENTIFY_MMS);
    assert_string_equal(said(b), "3 s7comm link connection-request\n"
                                 "5 mms request identify\n"
                                 "6 mms request identify\n");
}

static void
what_was_lost_does_not_end_the_conversation(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, READ);
    b->seq[0] += 12; /* one that the capture does not have */
    say(b, 0, READ);
    assert_string_equal(said(b), "3 modbus request read-holding-registers\n");
    say(b, 1, ANSWER); /* it acknowledges it */
    assert_string_equal(said(b), "4 modbus request read-holding-registers\n"
                                 "5 modbus response read-holding-registers\n");
    assert_int_equal(sensor_counters(b->sensor)->octets_lost, 12);
}

static void
one_direction_alone_is_understood_from_its_middle(void **state)
{
    struct bench *b = *state;
    say(b, 1, "02 0003"); /* the end of something */
    say(b, 1, ANSWER);
    say(b, 1, ANSWER);
    assert_string_equal(said(b), "2 modbus response read-holding-registers\n"
                                 "3 modbus response read-holding-registers\n");
}

static void
a_connection_that_begins_anew_is_another(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, "0001 0000 0006 01"); /* and never goes on */
    b->seq[0] = 77000;
    b->seq[1] = 88000;
    open_connection(b);
    say(b, 0, READ);
    assert_string_equal(said(b), "6 modbus request read-holding-registers\n");
    assert_int_equal(b->n_ended, 1);
}

static void
what_is_malformed_is_told_and_the_next_is_read(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, READ);
    say(b, 1, "0001 0000 0006 01 03 04 0001 02"); /* shorter than it says */
    say(b, 1, ANSWER);
    assert_int_equal(b->n_malformed, 1);
    assert_string_equal(said(b), "3 modbus request read-holding-registers\n"
                                 "4 modbus response read-holding-registers\n"
                                 "5 modbus response read-holding-registers\n");
}

static void
octets_that_do_not_fit_are_told(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    say(b, 0, READ);
    b->seq[0] -= 12;
    say(b, 0, READ); /* as it was */
    assert_int_equal(b->n_differing, 0);
    b->seq[0] -= 12;
    say(b, 0, "0001 0000 0006 01 06 0000 0002");
    assert_int_equal(b->n_differing, 1);
    assert_int_equal(b->n_foreign, 0);
    segment(b, 0, TCP_ACK, b->seq[0] + 0x50000000, b->seq[1], READ);
    assert_int_equal(b->n_foreign, 1);
    assert_int_equal(b->n_packets, 6);
}

static void
a_datagram_of_pieces_is_put_together(void **state)
{
    struct bench *b = *state;
    struct made_frame datagram = {.size = 0};
    put_udp(&datagram, 40000, 502, 12);
    put_hex(&datagram, READ);
    for (unsigned i = 0; i < 2; i++) { /* the second piece first */
        struct made_frame f = {.size = 0};
        uint32_t at = i ? 0 : 16, n = i ? 16 : datagram.size - 16;
        put_ethernet(&f, 0x0800);
        put_ipv4(&f, 17, (uint16_t)n, (uint16_t)(at / 8 | (i ? 0x2000 : 0)), 7);
        put(&f, datagram.octets + at, n);
        struct frame frame = as_frame(&f, b->now, ++b->number);
        sensor_frame(b->sensor, &frame);
    }
    assert_string_equal(said(b), "2 modbus request read-holding-registers\n");
}

static void
on_ethernet(struct bench *b, uint16_t type, const char *hex)
{
    struct made_frame f = {.size = 0};
    put_ethernet(&f, type);
    put_hex(&f, hex);
    struct frame frame = as_frame(&f, b->now, ++b->number);
    sensor_frame(b->sensor, &frame);
}

/* What it says does not matter there, not even if it cannot be understood at first. */
static void
on_ethernet_the_type_says_the_protocol(void **state)
{
    struct bench *b = *state;
    on_ethernet(b, 0x88b8, "0001 0007");
    assert_int_equal(b->n_malformed, 1);
    on_ethernet(b, 0x88b8, "0001 000d 0000 0000 6003 800105");
    assert_string_equal(said(b), "2 goose request gse-management\n");
    on_ethernet(b, 0x88b5, "0001 000d 0000 0000 6003 800105");
    on_ethernet(b, 0x88ba, "0001 000d 0000 0000 6103 800105");
    assert_string_equal(said(b), "");
    assert_int_equal(b->n_malformed, 2);
}

/* What protocols remember is bounded: the longest silent conversation ends for a new one. */
static void
what_is_remembered_of_many_conversations_is_bounded(void **state)
{
    struct bench *b = *state;
    sensor_free(b->sensor);
    const struct sensor_config config = {.protocols = protocols_all,
                                         .memory = 5 * modbus.state_size,
                                         .arg = b,
                                         .message = on_message,
                                         .ended = on_ended};
    b->sensor = sensor_new(&config);
    for (uint16_t i = 0; i < 20; i++) {
        b->ports[0] = (uint16_t)(40000 + i);
        open_connection(b);
        say(b, 0, READ);
        assert_string_equal(strchr(said(b), ' '), " modbus request read-holding-registers\n");
    }
    assert_true(b->n_ended >= 15);
    say(b, 1, ANSWER);
    assert_string_equal(strchr(said(b), ' '), " modbus response read-holding-registers\n");
}

static void
silence_ends_a_conversation(void **state)
{
    struct bench *b = *state;
    open_connection(b);
    sensor_tick(b->sensor, b->now + 599 * NSEC_PER_SEC);
    assert_int_equal(b->n_ended, 0);
    sensor_tick(b->sensor, b->now + 601 * NSEC_PER_SEC);
    assert_int_equal(b->n_ended, 1);
}

#define RANDOM "0000000000000000000000000000000000000000000000000000000000000000"
#define HELLO "16 0301 002d 01 000029 0303" RANDOM "00 0002 1301 0100"

static void
what_has_surely_begun_is_known_anywhere(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 12345;
    open_connection(b);
    say(b, 0, "16 0301 002d 01 000029 0303");
    say(b, 0, RANDOM "00 0002 1301 0100");
    assert_string_equal(said(b), "4 tls request client-hello\n");
    assert_int_equal(sensor_counters(b->sensor)->octets_skipped, 0);
}

static void
octets_of_no_message_are_passed_by(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 12345;
    open_connection(b);
    say(b, 0, HELLO "17 0303 0002 abcd 1703");
    assert_string_equal(said(b), "3 tls request client-hello\n3 tls link application-data\n");
    say(b, 0, "0300 0000 ffff");
    b->seq[0] += 1000; /* lost */
    say(b, 0, HELLO);  /* looks like one, and is anything */
    segment(b, 1, TCP_ACK, b->seq[1], b->seq[0], "");
    assert_string_equal(said(b), "");
    assert_int_equal(sensor_counters(b->sensor)->octets_lost, 1000);
    assert_int_equal(sensor_counters(b->sensor)->octets_skipped, 0);
    say(b, 1, "15 0303 0002 0228"); /* the other way is as it was */
    assert_string_equal(said(b), "7 tls refusal alert\n");
}

/* "POST / HTTP/1.1", "Content-Length: 4", and "CONNECT a:1 HTTP/1.1" with its answer. */
#define POST "504f5354202f20485454502f312e310d0a 436f6e74656e742d4c656e6774683a20340d0a0d0a"
#define TUNNEL "434f4e4e45435420613a3120485454502f312e310d0a0d0a"
#define TUNNELLED "485454502f312e3120323030204f4b0d0a0d0a"

static void
a_message_behind_a_body_is_found(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 12345;
    open_connection(b);
    say(b, 0, POST "504f5354" POST "504f");
    say(b, 0, "5354" POST);
    assert_string_equal(said(b), "3 http request post\n3 http request post\n4 http request post\n");
    assert_int_equal(sensor_counters(b->sensor)->octets_skipped, 0);
}

/* What ends with a mark comes in small pieces, with what follows behind it. */
static void
a_message_without_a_length_may_be_cut_anywhere(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 80;
    open_connection(b);
    say(b, 0, "504f53");
    say(b, 0, "54202f20485454502f312e310d0a436f6e74656e742d4c656e");
    say(b, 0, "6774683a20340d0a0d");
    say(b, 0, "0a20202020" POST "20202020" POST);
    assert_string_equal(said(b), "6 http request post\n6 http request post\n6 http request post\n");
    assert_int_equal(sensor_counters(b->sensor)->octets_skipped, 0);
}

static void
a_connection_may_become_another_protocol_s(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 12345;
    open_connection(b);
    say(b, 0, TUNNEL);
    say(b, 1, TUNNELLED);
    say(b, 0, HELLO);
    assert_string_equal(said(b), "3 http request connect\n4 http response connect\n"
                                 "5 tls request client-hello\n");
}

/* Telnet's options, then "\r\n=" of a relay, then "ACC\r" letter by letter. */
static void
a_protocol_may_know_which_the_next_is(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 23;
    open_connection(b);
    say(b, 1, "fffb01 fffb03");
    say(b, 1, "0d0a3d");
    say(b, 0, "41");
    say(b, 0, "43");
    say(b, 0, "430d");
    assert_string_equal(said(b), "3 telnet link negotiate\n4 telnet response show\n"
                                 "7 sel request access-level-1\n");
}

/* "GET / HTTP/1.1" is answered by "SSH-2.0-a". */
static void
who_is_asked_in_another_language_is_heard(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 12345;
    open_connection(b);
    say(b, 0, "474554202f20485454502f312e310d0a0d0a");
    say(b, 1, "5353482d322e302d610d0a");
    assert_string_equal(said(b), "3 http request get\n4 ssh response banner\n");
    say(b, 1, "ffffffff"); /* is of nobody */
    assert_int_equal(sensor_counters(b->sensor)->octets_skipped, 4);
}

/* A handshake message that goes on is ended by what is of none, which has to be seen for that. */
static void
what_was_looked_at_to_find_an_end_is_read_too(void **state)
{
    struct bench *b = *state;
    b->ports[1] = 443;
    open_connection(b);
    say(b, 1, "16 0303 0004 0b 0000ff");
    say(b, 1, "15 0303 0002");
    say(b, 1, "0228 14 0303 0001 01");
    assert_string_equal(said(b), "5 tls refusal alert\n5 tls link change-cipher-spec\n");
    assert_int_equal(b->n_malformed, 1);
}

/* ---- What others look into ---- */

static void
note_message(void *arg, const struct conversation *c UNUSED, unsigned way UNUSED,
             const struct frame *f, const struct pdu *p UNUSED)
{
    buf_printf(&((struct bench *)arg)->said, "%u message\n", f->number);
}

static void
note_data(void *arg, const struct conversation *c UNUSED, unsigned way UNUSED,
          const struct frame *f, const uint8_t *octets, uint32_t size, uint32_t lost)
{
    buf_printf(&((struct bench *)arg)->said, "%u data %u %02x lost %u\n", f->number, size,
               octets[0], lost);
}

static void
note_taken(void *arg, const struct conversation *c UNUSED, unsigned way UNUSED,
           const struct frame *f, const struct layers *l)
{
    buf_printf(&((struct bench *)arg)->said, "%u packet %u\n", f->number, l->size);
}

static void
octets_in_order_are_told_behind_messages_and_before_the_packet(void **state)
{
    struct bench *b = *state;
    const struct sensor_config config = {.protocols = protocols_all,
                                         .arg = b,
                                         .message = note_message,
                                         .data = note_data,
                                         .taken = note_taken};
    sensor_free(b->sensor);
    b->sensor = sensor_new(&config);
    segment(b, 0, TCP_SYN, 999, 0, "");
    segment(b, 0, TCP_ACK, 1012, 0, "0002 0000 0006 01 03 0001 0001"); /* too early */
    segment(b, 0, TCP_ACK, 1000, 0, "0001 0000 0006 01 03 0000 0001");
    assert_string_equal(said(b), "1 packet 0\n2 packet 12\n"
                                 "3 message\n3 data 12 00 lost 0\n"
                                 "2 message\n2 data 12 00 lost 0\n3 packet 12\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

TEST_MAIN(TEST(a_conversation_is_understood), TEST(messages_may_be_cut_anywhere),
          TEST(a_protocol_is_known_by_what_is_said),
          TEST(what_is_another_s_at_a_port_is_not_taken_for_it),
          TEST(what_looked_like_another_at_first_has_a_state_of_its_own),
          TEST(a_connection_request_does_not_settle_the_protocol),
          TEST(what_is_said_after_a_connection_request_settles_it),
          TEST(what_is_said_in_the_same_segment_settles_it),
          TEST(a_message_that_was_cut_settles_it_when_it_is_whole),
          TEST(what_was_lost_does_not_end_the_conversation),
          TEST(one_direction_alone_is_understood_from_its_middle),
          TEST(a_connection_that_begins_anew_is_another),
          TEST(what_is_malformed_is_told_and_the_next_is_read),
          TEST(octets_that_do_not_fit_are_told), TEST(a_datagram_of_pieces_is_put_together),
          TEST(on_ethernet_the_type_says_the_protocol),
          TEST(what_is_remembered_of_many_conversations_is_bounded),
          TEST(silence_ends_a_conversation), TEST(what_has_surely_begun_is_known_anywhere),
          TEST(octets_of_no_message_are_passed_by), TEST(a_message_behind_a_body_is_found),
          TEST(a_message_without_a_length_may_be_cut_anywhere),
          TEST(a_connection_may_become_another_protocol_s),
          TEST(a_protocol_may_know_which_the_next_is),
          TEST(who_is_asked_in_another_language_is_heard),
          TEST(what_was_looked_at_to_find_an_end_is_read_too),
          TEST(octets_in_order_are_told_behind_messages_and_before_the_packet))
