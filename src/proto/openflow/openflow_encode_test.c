/* What encoding must refuse, how long messages are split and joined, and what decoding keeps of
 * what it does not understand. */
#include "proto/openflow/openflow_multipart.h"

#include "base/testing.h"

#include <stdio.h>

#define BUDGET ((size_t)64 << 20)

static struct openflow_message
table_reply(struct openflow_table_stats *items, uint32_t n)
{
    return (struct openflow_message){
        .type = OFPT_MULTIPART_REPLY,
        .xid = 7,
        .multipart = {.type = OFPMP_TABLE, .n = n, .tables = items},
    };
}

/* 24 octets each; 2,730 of them and the header of 16 are 65,536: one too many. */
static void
splits_where_a_message_would_be_too_long(void **state UNUSED)
{
    static struct openflow_table_stats items[2730];
    struct buf out = BUF_INIT;
    size_t size;
    struct openflow_message m = table_reply(items, 2729);
    assert_ok(openflow_encode(&m, &out));
    assert_ok(openflow_frame(out.data, out.size, OPENFLOW_SIZE_MAX, &size));
    assert_int_equal(size, 16 + 2729 * 24);
    assert_int_equal(out.size, size);
    assert_int_equal(get_be16(out.data + 10), 0);

    buf_clear(&out);
    m = table_reply(items, 2730);
    assert_ok(openflow_encode(&m, &out));
    assert_ok(openflow_frame(out.data, out.size, OPENFLOW_SIZE_MAX, &size));
    assert_int_equal(size, 16 + 2729 * 24);
    assert_int_equal(out.size, size + 16 + 24);
    assert_int_equal(get_be16(out.data + 10), 1); /* MORE */
    assert_int_equal(get_be16(out.data + size + 10), 0);
    assert_int_equal(get_be32(out.data + size + 4), 7);
    buf_fini(&out);
}

static void
an_empty_list_is_one_message(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct openflow_message m = table_reply(NULL, 0);
    assert_ok(openflow_encode(&m, &out));
    assert_int_equal(out.size, 16);
    buf_fini(&out);
}

/* A hundred thousand flows, written one by one, taken apart and put together again. */
static void
a_writer_needs_no_list_in_memory(void **state UNUSED)
{
    enum { N = 100000 };
    struct action to = {.type = ACTION_OUTPUT, .id = 1};
    struct buf out = BUF_INIT, joined = BUF_INIT;
    struct openflow_writer w;
    openflow_writer_begin(&w, true, OFPMP_FLOW, 9, &out);
    for (uint32_t i = 0; i < N; i++) {
        struct openflow_flow_stats item = {.flow = {.cookie = i, .has_apply = true}};
        item.flow.apply = (struct actions){&to, 1};
        match_set(&item.flow.match, FIELD_METADATA, i);
        openflow_writer_add(&w, &item);
    }
    assert_ok(openflow_writer_end(&w));

    struct openflow_part part;
    unsigned n_parts = 0;
    for (size_t at = 0, size; at < out.size; at += size, n_parts++) {
        assert_ok(openflow_frame(out.data + at, out.size - at, OPENFLOW_SIZE_MAX, &size));
        assert_ok(openflow_part(out.data + at, size, &part, NULL, NULL));
        assert_int_equal(part.more, at + size < out.size);
        buf_put(&joined, part.body.octets, part.body.size);
    }
    assert_true(n_parts > 100);
    part.body = (struct openflow_data){joined.data, joined.size};
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message m;
    assert_ok(openflow_decode_body(&part, arena, &m, NULL, NULL));
    assert_int_equal(m.multipart.n, N);
    for (uint32_t i = 0; i < N; i++) {
        const struct flow *flow = &m.multipart.flows[i].flow;
        assert_true(flow->cookie == i && flow_key_get(&flow->match.value, FIELD_METADATA) == i);
    }
    /* Linear: the items, their actions, and what arenas round up. */
    assert_true(arena_used(arena) <= N * (sizeof(struct openflow_flow_stats) + 32) + 65536);
    arena_free(arena);
    buf_fini(&joined);
    buf_fini(&out);
}

static void
a_part_must_end_with_a_whole_item(void **state UNUSED)
{
    static struct openflow_table_stats item;
    struct buf out = BUF_INIT;
    struct openflow_message m = table_reply(&item, 1);
    struct openflow_part part;
    struct openflow_error error;
    assert_ok(openflow_encode(&m, &out));
    put_be16(out.data + 2, (uint16_t)(out.size - 1));
    assert_err(openflow_part(out.data, out.size - 1, &part, &error, NULL), ERR_TRUNCATED);
    assert_true(openflow_error_is(&error, OFPET_BAD_REQUEST, OFPBRC_BAD_LEN));
    buf_fini(&out);
}

static void
check_refused(const struct openflow_message *m, struct buf *out, enum err expected)
{
    size_t before = out->size;
    assert_err(openflow_encode(m, out), expected);
    assert_int_equal(out->size, before);
    assert_ok(buf_err(out));
}

static void
refuses_what_has_no_form_and_appends_nothing(void **state UNUSED)
{
    struct buf out = BUF_INIT, small = buf_limited(10);
    buf_str(&out, "before");
    struct openflow_message m = {.type = 99};
    check_refused(&m, &out, ERR_INVALID);
    m = (struct openflow_message){.type = OFPT_MULTIPART_REPLY, .multipart = {.type = 77}};
    check_refused(&m, &out, ERR_INVALID);
    m = (struct openflow_message){.type = OFPT_MULTIPART_REPLY, .multipart = {.type = OFPMP_DESC}};
    check_refused(&m, &out, ERR_INVALID); /* a single body, and none given */

    m = (struct openflow_message){.type = OFPT_PORT_STATUS};
    memset(m.port_status.port.name, 'x', sizeof m.port_status.port.name);
    check_refused(&m, &out, ERR_INVALID); /* a name that does not end */

    struct action action = {.type = 200};
    m = (struct openflow_message){.type = OFPT_PACKET_OUT, .packet_out.actions = {&action, 1}};
    check_refused(&m, &out, ERR_INVALID);
    action = (struct action){.type = ACTION_SET_FIELD, .field = FIELD_RESERVED_40};
    check_refused(&m, &out, ERR_INVALID);

    m = (struct openflow_message){.type = OFPT_BARRIER_REQUEST};
    assert_ok(openflow_encode(&m, &small));
    check_refused(&m, &small, ERR_LIMIT);
    assert_int_equal(small.size, 8);
    buf_fini(&out);
    buf_fini(&small);
}

static void
refuses_what_is_too_long_for_a_message(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    uint8_t *much = calloc(1, 65536);
    struct openflow_message m = {.type = OFPT_ECHO_REQUEST, .echo = {much, 65527}};
    assert_ok(openflow_encode(&m, &out));
    assert_int_equal(out.size, 65535);
    buf_clear(&out);
    m.echo.size++;
    check_refused(&m, &out, ERR_LIMIT);

    /* A single item that is longer than a message cannot be split. */
    struct openflow_counter *counters = calloc(4096, sizeof *counters);
    struct openflow_group_stats stats = {.n_buckets = 4096, .buckets = counters};
    m = (struct openflow_message){
        .type = OFPT_MULTIPART_REPLY,
        .multipart = {.type = OFPMP_GROUP, .n = 1, .group_stats = &stats},
    };
    check_refused(&m, &out, ERR_LIMIT);
    free(counters);
    free(much);
    buf_fini(&out);
}

/* From Open vSwitch 3.1: a flow with a register in its match and an action of its own. */
static const char foreign_hex[] =
    "0413 0070 00000001 0001 0000 00000000"
    "0060 00 00 00000001 00000000 000c 0000 0000 0000 00000000 0000000000000011"
    "0000000000000000 0000000000000000"
    "0001 0012 00010204 00000005 80000a02 0800 000000000000"
    "0004 0018 00000000 ffff 0010 00002320 000e fff8 01 000000";

static void
what_is_foreign_is_kept_and_can_be_deleted(void **state UNUSED)
{
    size_t size;
    uint8_t *data = hex_bytes(foreign_hex, &size);
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message m;
    struct diag diag;
    assert_ok(openflow_decode(data, size, arena, &m, NULL, &diag));
    const struct openflow_flow_stats *stats = &m.multipart.flows[0];
    assert_string_equal(stats->foreign.what, "OXM field at offset 68: OFPBMC_BAD_FIELD");
    assert_int_equal(stats->flow.cookie, 0x11);
    assert_true(match_has(&stats->flow.match, FIELD_ETH_TYPE)); /* what was understood */
    assert_int_equal(stats->foreign.match.size, 24);
    assert_memory_equal(stats->foreign.match.octets, data + 64, 24);
    assert_memory_equal(stats->foreign.effect.octets, data + 88, 24);

    struct buf out = BUF_INIT;
    assert_ok(openflow_encode(&m, &out)); /* as it came */
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, data, size);

    buf_clear(&out);
    struct openflow_message mod = {.type = OFPT_FLOW_MOD};
    mod.flow_mod = (struct openflow_flow_mod){
        .command = OFPFC_DELETE_STRICT, .flow = stats->flow, .foreign = stats->foreign};
    assert_ok(openflow_encode(&mod, &out));
    assert_int_equal(out.size, 48 + 24); /* fixed part and match, no instructions */
    assert_memory_equal(out.data + 48, data + 64, 24);
    buf_fini(&out);
    arena_free(arena);
    free(data);
}

/* The same octets in a request are refused: a switch must not install what it does not understand.
 */
static void
what_is_foreign_is_refused_in_a_request(void **state UNUSED)
{
    size_t size;
    uint8_t *data = hex_bytes("040e0048 00000001 0000000000000000 0000000000000000 00 00 0000 0000"
                              "0001 ffffffff ffffffff ffffffff 0000 0000"
                              "0001 0012 00010204 00000005 80000a02 0800 000000000000",
                              &size);
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message m;
    struct openflow_error error;
    assert_err(openflow_decode(data, size, arena, &m, &error, NULL), ERR_UNSUPPORTED);
    assert_true(openflow_error_is(&error, OFPET_BAD_MATCH, OFPBMC_BAD_FIELD));
    arena_free(arena);
    free(data);
}

static void
a_failed_decoding_leaves_the_message_as_it_was(void **state UNUSED)
{
    static const uint8_t bad[] = {4, 30, 0, 8, 0, 0, 0, 1};
    struct openflow_message m = {.type = 12345, .xid = 6};
    struct arena *arena = arena_new(BUDGET);
    assert_err(openflow_decode(bad, sizeof bad, arena, &m, NULL, NULL), ERR_UNSUPPORTED);
    assert_true(m.type == 12345 && m.xid == 6);
    arena_free(arena);
}

/* PBB_UCA as EXT-256 has it, and as field 41 of OpenFlow 1.4; written as the former. */
static void
pbb_uca_is_read_in_both_forms(void **state UNUSED)
{
    static const char *const forms[] = {
        "0001 0015 80000a02 88e7 ffff0007 4f4e4600 0a00 01 000000",
        "0001 000f 80000a02 88e7 80005201 01 00",
    };
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        char hex[256];
        struct openflow_message m;
        size_t size;
        snprintf(hex, sizeof hex, "040e%s 00000001 %032d 00 00 0000 0000 0001 %024d 0000 0000 %s",
                 i ? "0040" : "0048", 0, 0, forms[i]);
        uint8_t *data = hex_bytes(hex, &size);
        struct arena *arena = arena_new(BUDGET);
        struct diag diag = {""};
        enum err err = openflow_decode(data, size, arena, &m, NULL, &diag);
        assert_string_equal(diag.text, "");
        assert_ok(err);
        assert_true(match_has(&m.flow_mod.flow.match, FIELD_PBB_UCA));
        struct buf out = BUF_INIT;
        assert_ok(openflow_encode(&m, &out));
        assert_int_equal(out.size, 0x48);
        assert_memory_equal(out.data + 58, "\xff\xff\0\7\x4f\x4e\x46\0\x0a\0\1", 11);
        buf_fini(&out);
        arena_free(arena);
        free(data);
    }
}

/* Whoever reads a rule back finds the octets it wrote, also those that mean nothing to us. */
static void
the_length_for_the_controller_is_kept_at_any_port(void **state UNUSED)
{
    size_t size;
    uint8_t *data = hex_bytes(
        "040d 0038 00000001 ffffffff fffffffd 0010 000000000000"
        "0000 0010 00000002 ffe5 000000000000 1234567890abcdef 1234567890abcdef",
        &size);
    struct arena *arena = arena_new(BUDGET);
    struct openflow_message m;
    struct buf out = BUF_INIT;
    assert_ok(openflow_decode(data, size, arena, &m, NULL, NULL));
    assert_int_equal(m.packet_out.actions.list[0].max_len, 0xffe5);
    assert_ok(openflow_encode(&m, &out));
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, data, size);
    buf_fini(&out);
    arena_free(arena);
    free(data);
}

static void
capabilities_name_fields_both_ways(void **state UNUSED)
{
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        if (!field_info(i))
            continue;
        for (int masked = 0; masked < 2; masked++) {
            struct openflow_capability c = openflow_field_capability(i, masked);
            enum field field;
            bool maskable;
            assert_true(openflow_capability_field(&c, &field, &maskable));
            assert_int_equal(field, i);
            assert_int_equal(maskable, masked);
        }
    }
    /* From Open vSwitch: eth_dst with a mask; a register of its own is no field of ours. */
    assert_int_equal(openflow_field_capability(FIELD_ETH_DST, true).id, 0x8000070c);
    struct openflow_capability other = {0x00010204, 0};
    enum field field;
    assert_false(openflow_capability_field(&other, &field, NULL));
}

static void
errors_have_names_and_words(void **state UNUSED)
{
    struct buf text = BUF_INIT;
    struct openflow_error e = {OFPET_BAD_MATCH, OFPBMC_BAD_PREREQ, 0};
    assert_string_equal(openflow_error_name(&e), "OFPBMC_BAD_PREREQ");
    assert_string_equal(openflow_error_text(&e), "prerequisite not met");
    assert_string_equal(openflow_error_type_name(e.type), "OFPET_BAD_MATCH");
    e = (struct openflow_error){OFPET_TABLE_FEATURES_FAILED, OFPTFFC_EPERM, 0};
    assert_string_equal(openflow_error_name(&e), "OFPTFFC_EPERM");
    e = (struct openflow_error){OFPET_EXPERIMENTER, 2315, ONF_EXPERIMENTER_ID};
    assert_string_equal(openflow_error_name(&e), "ONFERR_ET_BUNDLE_IN_PROGRESS");
    e = (struct openflow_error){OFPET_BAD_MATCH, 99, 0};
    assert_null(openflow_error_name(&e));
    openflow_error_format(&e, &text);
    assert_string_equal(buf_cstr(&text), "error 4/99");
    buf_clear(&text);
    e = (struct openflow_error){OFPET_EXPERIMENTER, 9, 0x1234};
    openflow_error_format(&e, &text);
    assert_string_equal(buf_cstr(&text), "error of experimenter 0x1234/9");
    buf_fini(&text);
}

static void
an_error_answer_holds_the_start_of_the_request(void **state UNUSED)
{
    uint8_t request[100] = {4, 14, 0, 100, 0, 0, 0, 9};
    struct openflow_error e = {OFPET_FLOW_MOD_FAILED, OFPFMFC_TABLE_FULL, 0};
    struct buf out = BUF_INIT;
    assert_ok(openflow_encode_error(&e, &(struct openflow_data){request, sizeof request}, &out));
    assert_int_equal(out.size, 12 + 64);
    assert_memory_equal(out.data, "\4\1\0\x4c\0\0\0\x09\0\5\0\1", 12);
    assert_memory_equal(out.data + 12, request, 64);
    buf_fini(&out);
}

/* ---- Our own actions: doc/edge.md, "Two paths at once" ---- */

#define OURS "ffff 0018 0002544c "

static enum err
decode_packet_out(const char *action, struct arena *arena, struct openflow_message *m,
                  struct openflow_error *error)
{
    char hex[256];
    size_t size;
    snprintf(hex, sizeof hex, "040d 0030 00000001 00000001 fffffffd 0018 000000000000 %s", action);
    uint8_t *octets = hex_bytes(hex, &size);
    enum err err = openflow_decode(octets, size, arena, m, error, NULL);
    free(octets);
    return err;
}

static void
redundancy_goes_by_actions_of_our_own(void **state UNUSED)
{
    static const struct {
        const char *hex, *text;
    } actions[] = {
        {OURS "0001 0000 00000007 00 00000000000000", "sequence:7"},
        {OURS "0002 88fb 00000000 0b 00000000000000", "push_prp:b"},
        {OURS "0002 892f 00000000 01 00000000000000", "push_hsr:1"},
        {OURS "0003 88fb 80000001 00 00000000000000", "discard:2147483649(prp)"},
        {OURS "0003 892f 00000007 0a 00000000000000", "discard:7(hsr,lan=a)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        struct arena *arena = arena_new(BUDGET);
        struct openflow_message m;
        struct buf text = BUF_INIT, out = BUF_INIT;
        size_t size;
        uint8_t *octets = hex_bytes(actions[i].hex, &size);
        assert_ok(decode_packet_out(actions[i].hex, arena, &m, NULL));
        actions_format(&m.packet_out.actions, &text);
        assert_string_equal(buf_cstr(&text), actions[i].text);
        assert_ok(openflow_encode(&m, &out));
        assert_memory_equal(out.data + 24, octets, size);
        free(octets);
        buf_fini(&text);
        buf_fini(&out);
        arena_free(arena);
    }
}

static void
what_our_own_actions_do_not_know_is_refused(void **state UNUSED)
{
    static const struct {
        const char *hex;
        uint16_t code;
    } actions[] = {
        {OURS "0000 0000 00000007 00 00000000000000", OFPBAC_BAD_EXPERIMENTER},
        {OURS "0004 0000 00000007 00 00000000000000", OFPBAC_BAD_EXPERIMENTER},
        {"ffff 0018 0002544d 0001 0000 00000007 00 00000000000000", OFPBAC_BAD_EXPERIMENTER},
        {"001c 0018 0002544c 0001 0000 00000007 00 00000000000000", OFPBAC_BAD_TYPE},
        {OURS "0001 88fb 00000007 00 00000000000000", OFPBAC_BAD_ARGUMENT},
        {OURS "0002 88fb 00000000 0c 00000000000000", OFPBAC_BAD_ARGUMENT},
        {OURS "0002 892f 00000000 10 00000000000000", OFPBAC_BAD_ARGUMENT},
        {OURS "0002 0800 00000000 0a 00000000000000", OFPBAC_BAD_ARGUMENT},
        {OURS "0003 88fb 00000007 01 00000000000000", OFPBAC_BAD_ARGUMENT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        struct arena *arena = arena_new(BUDGET);
        struct openflow_message m;
        struct openflow_error error;
        assert_true(decode_packet_out(actions[i].hex, arena, &m, &error) != ERR_OK);
        assert_int_equal(error.type, OFPET_BAD_ACTION);
        assert_int_equal(error.code, actions[i].code);
        arena_free(arena);
    }
}

TEST_MAIN(cmocka_unit_test(splits_where_a_message_would_be_too_long),
          cmocka_unit_test(an_empty_list_is_one_message),
          cmocka_unit_test(a_writer_needs_no_list_in_memory),
          cmocka_unit_test(a_part_must_end_with_a_whole_item),
          cmocka_unit_test(refuses_what_has_no_form_and_appends_nothing),
          cmocka_unit_test(refuses_what_is_too_long_for_a_message),
          cmocka_unit_test(what_is_foreign_is_kept_and_can_be_deleted),
          cmocka_unit_test(what_is_foreign_is_refused_in_a_request),
          cmocka_unit_test(a_failed_decoding_leaves_the_message_as_it_was),
          cmocka_unit_test(pbb_uca_is_read_in_both_forms),
          cmocka_unit_test(the_length_for_the_controller_is_kept_at_any_port),
          cmocka_unit_test(capabilities_name_fields_both_ways),
          cmocka_unit_test(errors_have_names_and_words),
          cmocka_unit_test(redundancy_goes_by_actions_of_our_own),
          cmocka_unit_test(what_our_own_actions_do_not_know_is_refused),
          cmocka_unit_test(an_error_answer_holds_the_start_of_the_request))
