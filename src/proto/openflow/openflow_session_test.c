#include "proto/openflow/openflow_session.h"

#include "base/testing.h"

#define SEC NSEC_PER_SEC

/* Two ends, and what the last event of each was. Time is ours. */
struct pair {
    struct openflow_session *controller, *device;
    struct openflow_event event;
    nsec_t now;
};

static struct openflow_session *
new_end(enum openflow_end end)
{
    return openflow_session_new(&(struct openflow_session_config){.end = end}, 0);
}

static void
give(struct openflow_session *s, const void *data, size_t size, nsec_t now)
{
    openflow_session_input(s, data, size, now);
}

static void
give_hex(struct openflow_session *s, const char *hex, nsec_t now)
{
    size_t size;
    uint8_t *data = hex_bytes(hex, &size);
    give(s, data, size, now);
    free(data);
}

/* Everything `from` has to send arrives at `to`. */
static void
carry(struct openflow_session *from, struct openflow_session *to, nsec_t now)
{
    struct buf *out = openflow_session_output(from);
    give(to, out->data, out->size, now);
    buf_clear(out);
}

static void
drop_output(struct openflow_session *s)
{
    buf_clear(openflow_session_output(s));
}

static void
expect(struct openflow_session *s, struct openflow_event *event, enum openflow_event_kind kind)
{
    assert_true(openflow_session_next(s, event));
    assert_int_equal(event->kind, kind);
}

static void
expect_nothing(struct openflow_session *s)
{
    struct openflow_event event;
    assert_false(openflow_session_next(s, &event));
}

static const char hello_hex[] = "04000010 00000001 0001000800000010";

static struct pair
connected(void)
{
    struct pair p = {new_end(OPENFLOW_CONTROLLER), new_end(OPENFLOW_SWITCH), {0}, 0};
    carry(p.controller, p.device, 0);
    carry(p.device, p.controller, 0);
    expect(p.controller, &p.event, OPENFLOW_UP);
    expect(p.device, &p.event, OPENFLOW_UP);
    expect_nothing(p.controller);
    expect_nothing(p.device);
    return p;
}

static void
disconnect(struct pair *p)
{
    openflow_session_free(p->controller);
    openflow_session_free(p->device);
}

/* A controller that has met a peer made of octets. */
static struct openflow_session *
met(enum openflow_end end)
{
    struct openflow_session *s = new_end(end);
    struct openflow_event event;
    give_hex(s, hello_hex, 0);
    expect(s, &event, OPENFLOW_UP);
    drop_output(s);
    return s;
}

static struct openflow_message
message(uint32_t type)
{
    return (struct openflow_message){.type = type};
}

static uint32_t
request(struct openflow_session *s, uint32_t type, void *arg, nsec_t now)
{
    struct openflow_message m = message(type);
    if (type == OFPT_FLOW_MOD)
        m.flow_mod = (struct openflow_flow_mod){
            .buffer_id = NO_BUFFER, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    assert_ok(openflow_session_request(s, &m, arg, 0, now));
    return m.xid;
}

static void
give_reply(struct openflow_session *s, uint32_t type, uint32_t xid, nsec_t now)
{
    struct buf out = BUF_INIT;
    struct openflow_message m = message(type);
    m.xid = xid;
    assert_ok(openflow_encode(&m, &out));
    give(s, out.data, out.size, now);
    buf_fini(&out);
}

static void
says_hello_first_with_its_version_as_a_bitmap(void **state UNUSED)
{
    struct openflow_session *s = new_end(OPENFLOW_CONTROLLER);
    size_t size;
    uint8_t *expected = hex_bytes(hello_hex, &size);
    struct buf *out = openflow_session_output(s);
    assert_int_equal(out->size, size);
    assert_memory_equal(out->data, expected, size);
    free(expected);
    openflow_session_free(s);
}

static void
check_hello(const char *hex, bool good)
{
    struct openflow_session *s = new_end(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    drop_output(s);
    give_hex(s, hex, 0);
    expect(s, &event, good ? OPENFLOW_UP : OPENFLOW_DOWN);
    if (!good) { /* ERROR, HELLO_FAILED, INCOMPATIBLE, under the HELLO's number */
        assert_err(event.err, ERR_UNSUPPORTED);
        assert_memory_equal(openflow_session_output(s)->data, "\4\1", 2);
        assert_memory_equal(openflow_session_output(s)->data + 4, "\0\0\0\7\0\0\0\0", 8);
    }
    openflow_session_free(s);
}

/* OpenFlow 1.3.5 section 6.3.1. */
static void
agrees_on_a_version(void **state UNUSED)
{
    check_hello("04000008 00000007", true);
    check_hello("05000008 00000007", true);                   /* the lower of 5 and 4 */
    check_hello("01000008 00000007", false);                  /* only 1.0 */
    check_hello("03000008 00000007", false);                  /* only 1.2 */
    check_hello("06000010 00000007 0001000800000072", true);  /* 1, 4, 5, 6 */
    check_hello("06000010 00000007 0001000800000062", false); /* 1, 5, 6: not 4 */
    check_hello("01000010 00000007 0001000800000012", true);  /* the bitmap decides */
    check_hello("04000010 00000007 0009000812345678", true);  /* an unknown element */
    check_hello("0400000c 00000007 ffffffff", true);          /* not an element at all */
}

static void
refuses_anything_before_hello(void **state UNUSED)
{
    struct openflow_session *s = new_end(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "04050008 00000001", 0);
    expect(s, &event, OPENFLOW_DOWN);
    assert_err(event.err, ERR_MALFORMED);
    expect_nothing(s);
    openflow_session_free(s);
}

static void
tells_why_the_peer_refused_its_hello(void **state UNUSED)
{
    struct openflow_session *s = new_end(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "0101000f 00000001 00000000 6e6f21", 0);
    expect(s, &event, OPENFLOW_DOWN);
    assert_string_equal(event.diag.text, "ERROR xid=0x1 OFPHFC_INCOMPATIBLE text=\"no!\"");
    openflow_session_free(s);
}

static void
gives_up_a_peer_that_never_says_hello(void **state UNUSED)
{
    struct openflow_session *s = new_end(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    assert_int_equal(openflow_session_deadline(s), 5 * SEC);
    openflow_session_tick(s, 5 * SEC - 1);
    expect_nothing(s);
    openflow_session_tick(s, 5 * SEC);
    expect(s, &event, OPENFLOW_DOWN);
    assert_err(event.err, ERR_TIMEOUT);
    assert_int_equal(openflow_session_deadline(s), NSEC_NEVER);
    openflow_session_free(s);
}

static void
reads_messages_cut_anywhere(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    size_t size;
    uint8_t *data = hex_bytes("04050008 00000005 04140008 00000006", &size);
    unsigned n = 0;
    for (size_t i = 0; i < size; i++) {
        give(s, data + i, 1, 0);
        while (openflow_session_next(s, &event)) {
            assert_int_equal(event.kind, OPENFLOW_MESSAGE);
            assert_int_equal(event.xid, 5 + n++);
            assert_int_equal(i % 8, 7);
        }
    }
    assert_int_equal(n, 2);
    free(data);
    openflow_session_free(s);
}

static void
a_length_below_the_header_ends_the_connection(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "04050007 00000005", 0);
    expect(s, &event, OPENFLOW_DOWN);
    assert_err(event.err, ERR_MALFORMED);
    openflow_session_free(s);
}

static void
a_message_above_the_limit_ends_the_connection(void **state UNUSED)
{
    struct openflow_session_config config = {.end = OPENFLOW_SWITCH, .message_limit = 100};
    struct openflow_session *s = openflow_session_new(&config, 0);
    struct openflow_event event;
    give_hex(s, hello_hex, 0);
    expect(s, &event, OPENFLOW_UP);
    give_hex(s, "04020065 00000005", 0); /* 101: refused before the rest of it comes */
    expect(s, &event, OPENFLOW_DOWN);
    assert_err(event.err, ERR_LIMIT);
    openflow_session_free(s);
}

static void
answers_echo_requests_with_their_data(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    give_hex(s, "0402000c 00000009 70696e67", 0);
    expect_nothing(s);
    assert_int_equal(openflow_session_output(s)->size, 12);
    assert_memory_equal(openflow_session_output(s)->data, "\4\3\0\x0c\0\0\0\x09ping", 12);
    openflow_session_free(s);
}

static void
asks_a_silent_peer_and_then_gives_it_up(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    assert_int_equal(openflow_session_deadline(s), 5 * SEC);
    openflow_session_tick(s, 5 * SEC);
    assert_int_equal(openflow_session_output(s)->size, 8);
    assert_int_equal(openflow_session_output(s)->data[1], OFPT_ECHO_REQUEST);
    assert_int_equal(openflow_session_deadline(s), 10 * SEC);
    openflow_session_tick(s, 10 * SEC - 1);
    expect_nothing(s);
    openflow_session_tick(s, 10 * SEC);
    expect(s, &event, OPENFLOW_DOWN);
    assert_err(event.err, ERR_TIMEOUT);
    openflow_session_free(s);
}

static void
any_message_is_a_sign_of_life(void **state UNUSED)
{
    struct pair p = connected();
    for (nsec_t now = 5 * SEC; now < 100 * SEC; now += 5 * SEC) {
        openflow_session_tick(p.controller, now);
        carry(p.controller, p.device, now);
        expect_nothing(p.device);
        carry(p.device, p.controller, now + SEC);
        expect_nothing(p.controller);
        assert_int_equal(openflow_session_deadline(p.controller), now + 6 * SEC);
        now += SEC;
    }
    assert_true(openflow_session_is_up(p.controller));
    assert_true(openflow_session_stats(p.controller)->echoes > 10);
    disconnect(&p);
}

static void
matches_replies_to_requests_in_any_order(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    int a, b;
    uint32_t config = request(s, OFPT_GET_CONFIG_REQUEST, &a, 0);
    uint32_t role = request(s, OFPT_ROLE_REQUEST, &b, 0);
    give_reply(s, OFPT_ROLE_REPLY, role, 0);
    give_reply(s, OFPT_GET_CONFIG_REPLY, config, 0);
    expect(s, &event, OPENFLOW_DONE);
    assert_int_equal(event.xid, role);
    assert_ptr_equal(event.arg, &b);
    assert_int_equal(event.message->type, OFPT_ROLE_REPLY);
    expect(s, &event, OPENFLOW_DONE);
    assert_int_equal(event.xid, config);
    assert_ptr_equal(event.arg, &a);
    assert_int_equal(openflow_session_outstanding(s), 0);
    openflow_session_free(s);
}

static void
a_reply_of_another_type_is_no_answer(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    uint32_t xid = request(s, OFPT_GET_CONFIG_REQUEST, NULL, 0);
    give_reply(s, OFPT_ROLE_REPLY, xid, 0);
    expect_nothing(s);
    assert_int_equal(openflow_session_outstanding(s), 1);
    assert_int_equal(openflow_session_stats(s)->unmatched, 1);
    openflow_session_free(s);
}

static void
a_barrier_confirms_the_commands_before_it(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    int args[3];
    uint32_t first = request(s, OFPT_FLOW_MOD, &args[0], 0);
    uint32_t second = request(s, OFPT_FLOW_MOD, &args[1], 0);
    uint32_t barrier = request(s, OFPT_BARRIER_REQUEST, &args[2], 0);
    uint32_t later = request(s, OFPT_FLOW_MOD, NULL, 0);
    give_reply(s, OFPT_BARRIER_REPLY, barrier, 0);
    expect(s, &event, OPENFLOW_DONE);
    assert_true(event.xid == first && event.arg == &args[0] && !event.message);
    expect(s, &event, OPENFLOW_DONE);
    assert_true(event.xid == second && event.arg == &args[1] && !event.message);
    expect(s, &event, OPENFLOW_DONE);
    assert_true(event.xid == barrier && event.arg == &args[2]);
    assert_int_equal(event.message->type, OFPT_BARRIER_REPLY);
    expect_nothing(s);
    assert_int_equal(openflow_session_outstanding(s), 1);
    assert_int_equal(later, barrier + 1);
    openflow_session_free(s);
}

static void
an_error_fails_its_command_only(void **state UNUSED)
{
    struct pair p = connected();
    struct openflow_session *s = p.controller;
    uint32_t good = request(s, OFPT_FLOW_MOD, NULL, 0);
    uint32_t bad = request(s, OFPT_FLOW_MOD, NULL, 0);
    uint32_t barrier = request(s, OFPT_BARRIER_REQUEST, NULL, 0);
    carry(s, p.device, 0);
    while (openflow_session_next(p.device, &p.event)) {
        assert_int_equal(p.event.kind, OPENFLOW_MESSAGE);
        struct openflow_error full = {OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL, 0};
        if (p.event.xid == bad)
            assert_ok(openflow_session_send_error(p.device, &full, &p.event.raw));
        struct openflow_message reply = {.type = OFPT_BARRIER_REPLY, .xid = p.event.xid};
        if (p.event.message->type == OFPT_BARRIER_REQUEST)
            assert_ok(openflow_session_send(p.device, &reply));
    }
    carry(p.device, s, 0);
    expect(s, &p.event, OPENFLOW_FAILED);
    assert_int_equal(p.event.xid, bad);
    assert_err(p.event.err, ERR_DENIED);
    assert_true(openflow_error_is(&p.event.error, OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL));
    assert_int_equal(p.event.message->error.data.size, 56); /* the flow_mod, below 64 octets */
    expect(s, &p.event, OPENFLOW_DONE);
    assert_int_equal(p.event.xid, good);
    expect(s, &p.event, OPENFLOW_DONE);
    assert_int_equal(p.event.xid, barrier);
    expect_nothing(s);
    disconnect(&p);
}

static void
requests_without_an_answer_time_out(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    struct openflow_message m = message(OFPT_FEATURES_REQUEST);
    uint32_t slow = request(s, OFPT_GET_CONFIG_REQUEST, NULL, 0);
    assert_ok(openflow_session_request(s, &m, NULL, SEC, 0));
    assert_int_equal(openflow_session_deadline(s), SEC);
    openflow_session_tick(s, SEC);
    expect(s, &event, OPENFLOW_FAILED);
    assert_int_equal(event.xid, m.xid);
    assert_err(event.err, ERR_TIMEOUT);
    expect_nothing(s);
    give_reply(s, OFPT_FEATURES_REPLY, m.xid, 2 * SEC); /* too late: nobody waits for it */
    expect_nothing(s);
    give_reply(s, OFPT_GET_CONFIG_REPLY, slow, 2 * SEC);
    expect(s, &event, OPENFLOW_DONE);
    assert_int_equal(openflow_session_stats(s)->timeouts, 1);
    openflow_session_free(s);
}

static void
what_waits_fails_when_the_connection_ends(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    struct openflow_message m = message(OFPT_FEATURES_REQUEST);
    for (uint32_t i = 0; i < 3; i++)
        (void)request(s, i == 1 ? OFPT_BARRIER_REQUEST : OFPT_FLOW_MOD, NULL, 0);
    openflow_session_close(s, ERR_CLOSED, "gone");
    for (int i = 0; i < 3; i++) {
        expect(s, &event, OPENFLOW_FAILED);
        assert_err(event.err, ERR_CLOSED);
    }
    expect(s, &event, OPENFLOW_DOWN);
    assert_string_equal(event.diag.text, "gone");
    expect_nothing(s);
    assert_err(openflow_session_request(s, &m, NULL, 0, 0), ERR_CLOSED);
    assert_err(openflow_session_send(s, &m), ERR_CLOSED);
    openflow_session_free(s);
}

static void
a_switch_answers_what_it_cannot_decode(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "041e0008 00000005", 0);
    expect(s, &event, OPENFLOW_REFUSED);
    assert_true(openflow_error_is(&event.error, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE));
    assert_int_equal(openflow_session_output(s)->size, 20);
    assert_memory_equal(openflow_session_output(s)->data,
                        "\4\1\0\x14\0\0\0\5\0\1\0\1\4\x1e\0\x08\0\0\0\5", 20);
    assert_true(openflow_session_is_up(s));
    openflow_session_free(s);
}

static void
never_answers_an_error_with_an_error(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "04010009 00000005 00", 0);
    expect(s, &event, OPENFLOW_REFUSED);
    assert_int_equal(openflow_session_output(s)->size, 0);
    openflow_session_free(s);
}

static void
refuses_messages_that_are_for_the_other_end(void **state UNUSED)
{
    struct openflow_session *device = met(OPENFLOW_SWITCH), *controller = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    give_reply(device, OFPT_BARRIER_REPLY, 5, 0);
    expect(device, &event, OPENFLOW_REFUSED);
    assert_true(openflow_error_is(&event.error, OFPET_BAD_REQUEST, OFPBRC_BAD_TYPE));
    assert_int_equal(openflow_session_output(device)->size, 20);
    give_reply(controller, OFPT_BARRIER_REQUEST, 5, 0);
    expect(controller, &event, OPENFLOW_REFUSED);
    assert_int_equal(openflow_session_output(controller)->size, 0);
    openflow_session_free(device);
    openflow_session_free(controller);
}

static void
another_version_after_hello_ends_the_connection(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "01050008 00000005", 0);
    expect(s, &event, OPENFLOW_REFUSED);
    assert_true(openflow_error_is(&event.error, OFPET_BAD_REQUEST, OFPBRC_BAD_VERSION));
    expect(s, &event, OPENFLOW_DOWN);
    openflow_session_free(s);
}

static void
a_reply_that_cannot_be_decoded_fails_its_request(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    struct openflow_message m = message(OFPT_MULTIPART_REQUEST);
    m.multipart.type = OFPMP_TABLE;
    assert_ok(openflow_session_request(s, &m, NULL, 0, 0));
    assert_int_equal(m.xid, 2);
    give_hex(s, "04130011 00000002 0003000000000000 00", 0);
    expect(s, &event, OPENFLOW_FAILED);
    assert_int_equal(event.xid, m.xid);
    assert_true(event.err == ERR_TRUNCATED || event.err == ERR_MALFORMED);
    openflow_session_free(s);
}

#define N_MANY 3000

/* Flow statistics of N_MANY flows, as a switch sends them: in several messages. */
static void
answer_with_many_flows(struct openflow_session *device, uint32_t xid)
{
    struct openflow_flow_stats *flows = calloc(N_MANY, sizeof *flows);
    for (uint32_t i = 0; i < N_MANY; i++) {
        flows[i].flow.priority = (uint16_t)i;
        flows[i].flow.cookie = i;
        match_set(&flows[i].flow.match, FIELD_IN_PORT, i + 1);
    }
    struct openflow_message reply = {
        .type = OFPT_MULTIPART_REPLY,
        .xid = xid,
        .multipart = {.type = OFPMP_FLOW, .n = N_MANY, .flows = flows},
    };
    assert_ok(openflow_session_send(device, &reply));
    free(flows);
}

static struct openflow_message
flow_request(void)
{
    static struct openflow_flow_request all = {
        .table_id = TABLE_ALL, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    struct openflow_message m = message(OFPT_MULTIPART_REQUEST);
    m.multipart = (struct openflow_multipart){.type = OFPMP_FLOW, .n = 1, .flow_request = &all};
    return m;
}

static void
parts_are_delivered_as_one_whole(void **state UNUSED)
{
    struct pair p = connected();
    struct openflow_message m = flow_request();
    assert_ok(openflow_session_request(p.controller, &m, NULL, 0, 0));
    carry(p.controller, p.device, 0);
    expect(p.device, &p.event, OPENFLOW_MESSAGE);
    answer_with_many_flows(p.device, p.event.xid);
    assert_true(openflow_session_output(p.device)->size > 2 * (size_t)65536);
    carry(p.device, p.controller, 0);
    expect(p.controller, &p.event, OPENFLOW_DONE);
    const struct openflow_multipart *multipart = &p.event.message->multipart;
    assert_int_equal(multipart->n, N_MANY);
    for (uint32_t i = 0; i < N_MANY; i++)
        assert_int_equal(multipart->flows[i].flow.cookie, i);
    struct openflow_message kept = *p.event.message;
    struct arena *arena = openflow_session_take_arena(p.controller);
    expect_nothing(p.controller);
    assert_int_equal(kept.multipart.flows[N_MANY - 1].flow.cookie, N_MANY - 1);
    arena_free(arena);
    disconnect(&p);
}

static void
a_part_gives_its_request_more_time(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    struct openflow_message m = message(OFPT_MULTIPART_REQUEST);
    m.multipart.type = OFPMP_TABLE;
    assert_ok(openflow_session_request(s, &m, NULL, 0, 0));
    const char *part = "04130028 00000002 0003000100000000"
                       "00000000000000010000000000000002 0000000000000003";
    give_hex(s, part, 4 * SEC);
    expect_nothing(s);
    give_hex(s, part, 8 * SEC);
    expect_nothing(s);
    openflow_session_tick(s, 12 * SEC);
    expect_nothing(s);
    give_hex(s, "04130010 00000002 0003000000000000", 17 * SEC);
    expect(s, &event, OPENFLOW_DONE);
    assert_int_equal(event.message->multipart.n, 2);
    assert_int_equal(event.message->multipart.tables[1].matched, 3);
    openflow_session_free(s);
}

static void
parts_beyond_the_budget_fail_the_request_and_are_dropped(void **state UNUSED)
{
    struct openflow_session_config config = {.end = OPENFLOW_CONTROLLER,
                                             .multipart_budget = 100000};
    struct openflow_session *s = openflow_session_new(&config, 0), *device = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, hello_hex, 0);
    expect(s, &event, OPENFLOW_UP);
    struct openflow_message m = flow_request();
    assert_ok(openflow_session_request(s, &m, NULL, 0, 0));
    answer_with_many_flows(device, m.xid);
    carry(device, s, 0);
    expect(s, &event, OPENFLOW_FAILED);
    assert_err(event.err, ERR_LIMIT);
    expect_nothing(s); /* the other parts are swallowed */
    assert_ok(openflow_session_request(s, &m, NULL, 0, 0));
    give_hex(s, "04130010 00000003 0001000000000000", 0);
    expect(s, &event, OPENFLOW_DONE);
    openflow_session_free(s);
    openflow_session_free(device);
}

static void
a_switch_refuses_a_request_of_too_many_parts(void **state UNUSED)
{
    struct openflow_session_config config = {.end = OPENFLOW_SWITCH, .multipart_budget = 100};
    struct openflow_session *s = openflow_session_new(&config, 0);
    struct openflow_event event;
    give_hex(s, hello_hex, 0);
    expect(s, &event, OPENFLOW_UP);
    const char *features = "04120050 00000005 000c000100000000 0040000000000000"
                           "0000000000000000 0000000000000000 0000000000000000 0000000000000000"
                           "0000000000000000 0000000000000000 0000000000000000";
    give_hex(s, features, 0);
    expect_nothing(s);
    give_hex(s, features, 0);
    expect(s, &event, OPENFLOW_REFUSED);
    assert_true(
        openflow_error_is(&event.error, OFPET_BAD_REQUEST, OFPBRC_MULTIPART_BUFFER_OVERFLOW));
    openflow_session_free(s);
}

/* A controller that uses one number for everything, and never sends the last part. */
static void
an_unfinished_request_is_forgotten_in_time(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_SWITCH);
    struct openflow_event event;
    give_hex(s, "04120010 00000000 000c000100000000", 0); /* TABLE_FEATURES, MORE */
    expect_nothing(s);
    for (nsec_t now = 4 * SEC; now <= 24 * SEC; now += 4 * SEC) {
        openflow_session_tick(s, now);
        give_hex(s, "04020008 00000000", now); /* alive */
        expect_nothing(s);
    }
    give_hex(s, "04120010 00000000 0003000000000000", 25 * SEC);
    expect(s, &event, OPENFLOW_MESSAGE);
    assert_int_equal(event.message->multipart.type, OFPMP_TABLE);
    openflow_session_free(s);
}

static void
notifications_and_flow_updates_come_as_messages(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    /* From Open vSwitch: an abbreviated flow update. */
    give_hex(s, "0413002000000000ffff0000000000004f4e46000000074e0008000300000009", 0);
    expect(s, &event, OPENFLOW_MESSAGE);
    assert_int_equal(event.message->multipart.type, ONFMP_FLOW_MONITOR);
    assert_int_equal(event.message->multipart.updates[0].xid, 9);
    openflow_session_free(s);
}

static void
a_peer_that_does_not_read_is_given_up(void **state UNUSED)
{
    struct openflow_session_config config = {.end = OPENFLOW_SWITCH, .output_limit = 40};
    struct openflow_session *s = openflow_session_new(&config, 0);
    struct openflow_event event;
    give_hex(s, hello_hex, 0);
    expect(s, &event, OPENFLOW_UP);
    for (int i = 0; i < 3; i++)
        give_hex(s, "04020008 00000009", 0);
    expect_nothing(s);
    give_hex(s, "04020008 00000009", 0);
    expect(s, &event, OPENFLOW_DOWN);
    assert_err(event.err, ERR_LIMIT);
    openflow_session_free(s);
}

static void
refuses_requests_that_make_no_sense(void **state UNUSED)
{
    struct openflow_session *s = new_end(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    struct openflow_message m = message(OFPT_FEATURES_REQUEST);
    assert_err(openflow_session_request(s, &m, NULL, 0, 0), ERR_BUSY); /* not up */
    give_hex(s, hello_hex, 0);
    expect(s, &event, OPENFLOW_UP);
    drop_output(s);
    m = message(OFPT_PACKET_IN);
    assert_err(openflow_session_request(s, &m, NULL, 0, 0), ERR_INVALID);
    m = message(OFPT_MULTIPART_REQUEST);
    m.multipart.type = 99;
    assert_err(openflow_session_request(s, &m, NULL, 0, 0), ERR_INVALID);
    assert_int_equal(openflow_session_output(s)->size, 0);
    assert_int_equal(openflow_session_outstanding(s), 0);
    openflow_session_free(s);
}

/* A hundred thousand commands behind one request that is never answered. */
static void
many_requests_are_found_by_their_number(void **state UNUSED)
{
    struct openflow_session *s = met(OPENFLOW_CONTROLLER);
    struct openflow_event event;
    uint32_t n = 100000, done = 0;
    (void)request(s, OFPT_FEATURES_REQUEST, NULL, 0);
    for (uint32_t i = 0; i < n; i++)
        (void)request(s, OFPT_FLOW_MOD, NULL, 0);
    give_reply(s, OFPT_BARRIER_REPLY, request(s, OFPT_BARRIER_REQUEST, NULL, 0), 0);
    while (openflow_session_next(s, &event)) {
        assert_int_equal(event.kind, OPENFLOW_DONE);
        done++;
    }
    assert_int_equal(done, n + 1);
    assert_int_equal(openflow_session_outstanding(s), 1);
    openflow_session_free(s);
}

TEST_MAIN(cmocka_unit_test(says_hello_first_with_its_version_as_a_bitmap),
          cmocka_unit_test(agrees_on_a_version), cmocka_unit_test(refuses_anything_before_hello),
          cmocka_unit_test(tells_why_the_peer_refused_its_hello),
          cmocka_unit_test(gives_up_a_peer_that_never_says_hello),
          cmocka_unit_test(reads_messages_cut_anywhere),
          cmocka_unit_test(a_length_below_the_header_ends_the_connection),
          cmocka_unit_test(a_message_above_the_limit_ends_the_connection),
          cmocka_unit_test(answers_echo_requests_with_their_data),
          cmocka_unit_test(asks_a_silent_peer_and_then_gives_it_up),
          cmocka_unit_test(any_message_is_a_sign_of_life),
          cmocka_unit_test(matches_replies_to_requests_in_any_order),
          cmocka_unit_test(a_reply_of_another_type_is_no_answer),
          cmocka_unit_test(a_barrier_confirms_the_commands_before_it),
          cmocka_unit_test(an_error_fails_its_command_only),
          cmocka_unit_test(requests_without_an_answer_time_out),
          cmocka_unit_test(what_waits_fails_when_the_connection_ends),
          cmocka_unit_test(a_switch_answers_what_it_cannot_decode),
          cmocka_unit_test(never_answers_an_error_with_an_error),
          cmocka_unit_test(refuses_messages_that_are_for_the_other_end),
          cmocka_unit_test(another_version_after_hello_ends_the_connection),
          cmocka_unit_test(a_reply_that_cannot_be_decoded_fails_its_request),
          cmocka_unit_test(parts_are_delivered_as_one_whole),
          cmocka_unit_test(a_part_gives_its_request_more_time),
          cmocka_unit_test(parts_beyond_the_budget_fail_the_request_and_are_dropped),
          cmocka_unit_test(a_switch_refuses_a_request_of_too_many_parts),
          cmocka_unit_test(an_unfinished_request_is_forgotten_in_time),
          cmocka_unit_test(notifications_and_flow_updates_come_as_messages),
          cmocka_unit_test(a_peer_that_does_not_read_is_given_up),
          cmocka_unit_test(refuses_requests_that_make_no_sense),
          cmocka_unit_test(many_requests_are_found_by_their_number))
