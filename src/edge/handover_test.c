/* What goes from one process to the next comes out as it went in, or not at all. */
#include "edge/handover.h"

#include "base/testing.h"

#include <stdio.h>

struct fixture {
    struct arena *arena;
    struct buf out;
    struct handover_record in, got;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->arena = arena_new((size_t)1 << 20);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    arena_free(f->arena);
    buf_fini(&f->out);
    free(f);
    return 0;
}

static void
pass(struct fixture *f)
{
    struct diag diag;
    buf_clear(&f->out);
    assert_ok(handover_encode(&f->in, &f->out));
    enum err err = handover_decode(f->out.data, f->out.size, f->arena, &f->got, &diag);
    if (err)
        print_message("%s\n", diag.text);
    assert_ok(err);
    assert_int_equal(f->got.type, f->in.type);
}

/* ---- Examples of all that has fields ---- */

static void
make_hello(struct handover_record *r)
{
    r->type = HANDOVER_HELLO;
    r->hello.version = HANDOVER_VERSION;
    r->hello.datapath_id = 0x11;
    snprintf(r->hello.name, sizeof r->hello.name, "a1");
    r->hello.n_ports = 2;
    for (uint32_t i = 0; i < 2; i++) {
        r->hello.ports[i].number = i + 1;
        snprintf(r->hello.ports[i].interface, 16, "eth%u", i);
    }
}

static void
make_begin(struct handover_record *r)
{
    r->type = HANDOVER_BEGIN;
    r->begin = (struct handover_begin){HANDOVER_VERSION, 2, 3, 4, 1000000, -1};
}

static void
make_port(struct handover_record *r)
{
    r->type = HANDOVER_PORT;
    r->port = (struct handover_port){.number = 7,
                                     .interface = "eth1",
                                     .flags = HANDOVER_PORT_UP | HANDOVER_PORT_KNOWN,
                                     .n_descriptors = 2,
                                     .config = PORT_CONFIG_NO_RECV,
                                     .restore_at = NSEC_NEVER,
                                     .created = 5,
                                     .rx = {1, 2, 3, 4},
                                     .tx = {5, 6, 7, UINT64_MAX}};
    r->port.scheduling.rate_kbps = 10000;
    r->port.scheduling.queues[1].weight = 3;
    r->port.queues[7].dropped = 9;
}

static struct action list_of_one[] = {{.type = ACTION_OUTPUT, .id = 2}};
static struct bucket one_bucket[] = {
    {.watch_port = 2, .watch_group = GROUP_ANY, .actions = {list_of_one, 1}}};
static struct band one_band[] = {{BAND_DROP, 0, 1000, 100}};
static struct traffic bucket_traffic[] = {{10, 640, 77}};

static void
make_meter(struct handover_record *r)
{
    r->type = HANDOVER_METER;
    r->meter = (struct handover_meter){.meter = {3, METER_KBPS | METER_BURST, 1, one_band},
                                       .created = 8,
                                       .packets = 9,
                                       .octets = 10,
                                       .bands = {{UINT64_MAX, 11, 12}}};
}

static void
make_group(struct handover_record *r)
{
    r->type = HANDOVER_GROUP;
    r->group = (struct handover_group){
        {5, GROUP_TYPE_FF, 1, one_bucket}, 8, {1, 2, 3}, bucket_traffic};
}

static void
make_flow(struct handover_record *r)
{
    r->type = HANDOVER_FLOW;
    r->flow = (struct handover_flow){.created = 8, .traffic = {1, 2, 3}};
    r->flow.flow = (struct flow){.table_id = 4,
                                 .priority = 5,
                                 .flags = FLOW_SEND_FLOW_REM | FLOW_CHECK_OVERLAP,
                                 .idle_timeout = 6,
                                 .hard_timeout = 7,
                                 .cookie = 0x123456789,
                                 .meter_id = 3,
                                 .has_apply = true,
                                 .apply = {list_of_one, 1}};
}

static struct redundancy_saved window = {
    .paths = {{1, 2, 3, 4, 5, 6, 7}, {8, 9, 10, 11, 12, 13, 14}},
    .passed = {15, 16, 17, 18, 19, 20, 21},
    .heard = 22,
    .begun = 23,
    .discarded = 24,
    .untagged = 25,
    .n_seen = REDUNDANCY_WINDOW,
    .seen = {[0] = 26, [REDUNDANCY_WINDOW - 1] = UINT64_MAX},
};

static void
make_stream(struct handover_record *r)
{
    r->type = HANDOVER_STREAM;
    r->stream = (struct handover_stream){
        .id = 7, .next = 65535, .sequenced = 99, .window = &window};
}

static void
make_counts(struct handover_record *r)
{
    r->type = HANDOVER_COUNTS_OF_ALL;
    r->counts.tables[253] = (struct table_counts){5, 4};
    r->counts.drops[DROP_METER] = 99;
}

static struct handover_flow_count flow_counts[] = {{0, {1, 64, 5}}, {999, {2, 128, 6}}};

static void
make_flow_counts(struct handover_record *r)
{
    r->type = HANDOVER_FLOW_COUNTS;
    r->flow_counts.n = ARRAY_SIZE(flow_counts);
    r->flow_counts.list = flow_counts;
}

static void
make_refused(struct handover_record *r)
{
    r->type = HANDOVER_REFUSED;
    snprintf(r->reason, sizeof r->reason, "this is node b2");
}

static void
make_stopped(struct handover_record *r)
{
    r->type = HANDOVER_STOPPED;
    r->stopped = 12345;
}

static void (*const makers[])(struct handover_record *) = {
    make_hello, make_begin,  make_port,        make_meter,   make_group,
    make_flow,  make_counts, make_flow_counts, make_refused, make_stopped};

/* ---- Tests ---- */

static void
says_who_asks(void **state)
{
    struct fixture *f = *state;
    make_hello(&f->in);
    pass(f);
    assert_string_equal(f->got.hello.name, "a1");
    assert_int_equal(f->got.hello.datapath_id, 0x11);
    assert_int_equal(f->got.hello.n_ports, 2);
    assert_int_equal(f->got.hello.ports[1].number, 2);
    assert_string_equal(f->got.hello.ports[1].interface, "eth1");
}

static void
a_port_keeps_its_state_and_its_queues(void **state)
{
    struct fixture *f = *state;
    make_port(&f->in);
    pass(f);
    const struct handover_port *p = &f->got.port;
    assert_int_equal(p->flags, HANDOVER_PORT_UP | HANDOVER_PORT_KNOWN);
    assert_int_equal(p->config, PORT_CONFIG_NO_RECV);
    assert_true(p->restore_at == NSEC_NEVER);
    assert_int_equal(p->scheduling.rate_kbps, 10000);
    assert_int_equal(p->scheduling.queues[1].weight, 3);
    assert_int_equal(p->queues[7].dropped, 9);
    assert_true(p->tx.errors == UINT64_MAX);
    assert_int_equal(p->n_descriptors, 2);
}

static void
a_meter_keeps_what_its_bucket_holds(void **state)
{
    struct fixture *f = *state;
    make_meter(&f->in);
    pass(f);
    assert_true(meter_equal(&f->got.meter.meter, &f->in.meter.meter));
    assert_true(f->got.meter.bands[0].due == UINT64_MAX);
    assert_int_equal(f->got.meter.bands[0].octets, 12);
}

static void
a_group_keeps_what_its_buckets_counted(void **state)
{
    struct fixture *f = *state;
    make_group(&f->in);
    pass(f);
    assert_true(group_equal(&f->got.group.group, &f->in.group.group));
    assert_int_equal(f->got.group.buckets[0].octets, 640);
    assert_int_equal(f->got.group.buckets[0].used, 77);
    assert_int_equal(f->got.group.traffic.octets, 2);
}

static void
a_flow_keeps_all_it_was_told(void **state)
{
    struct fixture *f = *state;
    make_flow(&f->in);
    pass(f);
    const struct flow *flow = &f->got.flow.flow;
    assert_true(flow_equal(flow, &f->in.flow.flow));
    assert_true(flow->cookie == 0x123456789);
    assert_int_equal(flow->flags, FLOW_SEND_FLOW_REM | FLOW_CHECK_OVERLAP);
    assert_int_equal(flow->idle_timeout, 6);
    assert_int_equal(f->got.flow.created, 8);
    assert_int_equal(f->got.flow.traffic.used, 3);
}

static void
counts_go_by_name(void **state)
{
    struct fixture *f = *state;
    make_counts(&f->in);
    pass(f);
    assert_int_equal(f->got.counts.tables[253].matches, 4);
    assert_int_equal(f->got.counts.drops[DROP_METER], 99);
    assert_int_equal(f->got.counts.drops[DROP_RUNT], 0);
    make_flow_counts(&f->in);
    pass(f);
    assert_int_equal(f->got.flow_counts.n, 2);
    assert_int_equal(f->got.flow_counts.list[1].index, 999);
    assert_int_equal(f->got.flow_counts.list[1].more.octets, 128);
}

static void
a_stream_keeps_its_number_and_what_has_passed(void **state)
{
    struct fixture *f = *state;
    make_stream(&f->in);
    pass(f);
    assert_int_equal(f->got.stream.next, 65535);
    assert_int_equal(f->got.stream.sequenced, 99);
    assert_memory_equal(f->got.stream.window, &window, sizeof window);
    for (size_t size = 0; size < f->out.size; size += 97) {
        arena_reset(f->arena);
        assert_true(handover_decode(f->out.data, size, f->arena, &f->got, NULL) != ERR_OK);
        f->out.data[size] ^= 0x10;
        arena_reset(f->arena);
        assert_true(handover_decode(f->out.data, f->out.size, f->arena, &f->got, NULL) != ERR_OK);
        f->out.data[size] ^= 0x10;
    }
    struct redundancy_saved forgotten = window;
    forgotten.n_seen = 0;
    memset(forgotten.seen, 0, sizeof forgotten.seen);
    f->in.stream.window = &forgotten;
    pass(f);
    assert_true(f->out.size < 512);
    assert_memory_equal(f->got.stream.window, &forgotten, sizeof forgotten);
    f->in.stream.window = NULL;
    pass(f);
    assert_null(f->got.stream.window);
}

/* Computed by an independent implementation that gives RFC 3720 appendix B.4's check value. */
static void
the_checksum_is_crc32c(void **state)
{
    struct fixture *f = *state;
    static const uint8_t ready[] = {10, 0, 0, 0, 0, 0, 0, 0, 0xc7, 0xe1, 0xca, 0x4c};
    f->in.type = HANDOVER_READY;
    pass(f);
    assert_int_equal(f->out.size, sizeof ready);
    assert_memory_equal(f->out.data, ready, sizeof ready);
}

static void
another_version_is_refused_by_name(void **state)
{
    struct fixture *f = *state;
    struct diag diag;
    make_begin(&f->in);
    f->in.begin.version = HANDOVER_VERSION + 1;
    assert_ok(handover_encode(&f->in, &f->out));
    assert_err(handover_decode(f->out.data, f->out.size, f->arena, &f->got, &diag),
               ERR_UNSUPPORTED);
    assert_non_null(strstr(diag.text, "BEGIN: version"));
}

static void
unknown_types_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t header[HANDOVER_HEADER_SIZE] = {HANDOVER_TYPES};
    size_t size;
    assert_err(handover_frame(header, &size, NULL), ERR_UNSUPPORTED);
    header[0] = 0;
    assert_err(handover_frame(header, &size, NULL), ERR_UNSUPPORTED);
    header[0] = HANDOVER_FLOW;
    header[2] = 1;
    assert_err(handover_frame(header, &size, NULL), ERR_MALFORMED);
    header[2] = 0;
    put_be32(header + 4, UINT32_MAX);
    assert_err(handover_frame(header, &size, NULL), ERR_LIMIT);
    assert_non_null(f);
}

static void
unknown_flags_of_a_port_are_refused(void **state)
{
    struct fixture *f = *state;
    make_port(&f->in);
    f->in.port.flags = 0x80;
    assert_ok(handover_encode(&f->in, &f->out));
    assert_err(handover_decode(f->out.data, f->out.size, f->arena, &f->got, NULL), ERR_MALFORMED);
}

static void
every_octet_that_changes_is_noticed(void **state)
{
    struct fixture *f = *state;
    for (size_t m = 0; m < ARRAY_SIZE(makers); m++) {
        memset(&f->in, 0, sizeof f->in);
        makers[m](&f->in);
        pass(f);
        for (size_t i = 0; i < f->out.size; i++) {
            f->out.data[i] ^= 0x10;
            arena_reset(f->arena);
            assert_true(handover_decode(f->out.data, f->out.size, f->arena, &f->got, NULL) !=
                        ERR_OK);
            f->out.data[i] ^= 0x10;
        }
    }
}

static void
survives_truncation_at_every_octet(void **state)
{
    struct fixture *f = *state;
    for (size_t m = 0; m < ARRAY_SIZE(makers); m++) {
        memset(&f->in, 0, sizeof f->in);
        makers[m](&f->in);
        pass(f);
        for (size_t size = 0; size < f->out.size; size++) {
            uint8_t *copy = malloc(size ? size : 1); /* exact size: ASan sees one octet too far */
            memcpy(copy, f->out.data, size);
            arena_reset(f->arena);
            assert_true(handover_decode(copy, size, f->arena, &f->got, NULL) != ERR_OK);
            free(copy);
        }
    }
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

TEST_MAIN(WITH(says_who_asks), WITH(a_port_keeps_its_state_and_its_queues),
          WITH(a_meter_keeps_what_its_bucket_holds), WITH(a_group_keeps_what_its_buckets_counted),
          WITH(a_flow_keeps_all_it_was_told), WITH(counts_go_by_name),
          WITH(a_stream_keeps_its_number_and_what_has_passed), WITH(the_checksum_is_crc32c),
          WITH(another_version_is_refused_by_name), WITH(unknown_types_are_refused),
          WITH(unknown_flags_of_a_port_are_refused), WITH(every_octet_that_changes_is_noticed),
          WITH(survives_truncation_at_every_octet))
