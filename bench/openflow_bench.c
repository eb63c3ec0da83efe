/* OpenFlow codec and session machine: flows per second, on one core, in memory. */
#include "bench.h"

#include "proto/openflow/openflow_session.h"

#include <time.h>

#define N_FLOWS 100000
#define ROUNDS 9

static struct openflow_flow_stats item; /* an IPv4/TCP flow with two actions */
static struct buf wire;                 /* N_FLOWS of it, as a reply in parts */

static void
make_item(void)
{
    static struct action actions[] = {{.type = ACTION_SET_QUEUE, .id = 1},
                                      {.type = ACTION_OUTPUT, .id = 2}};
    item.flow.has_apply = true;
    item.flow.apply = (struct actions){actions, 2};
    match_set(&item.flow.match, FIELD_IN_PORT, 1);
    match_set(&item.flow.match, FIELD_ETH_TYPE, ETH_TYPE_IPV4);
    match_set(&item.flow.match, FIELD_IP_PROTO, IP_PROTO_TCP);
    match_set(&item.flow.match, FIELD_IPV4_SRC, 0x0a000001);
    match_set(&item.flow.match, FIELD_IPV4_DST, 0x0a000002);
    match_set(&item.flow.match, FIELD_TCP_DST, 502);
}

static double
write_reply(void *arg UNUSED)
{
    struct openflow_writer w;
    double start = bench_seconds();
    buf_clear(&wire);
    openflow_writer_begin(&w, true, OFPMP_FLOW, 2, &wire);
    for (uint32_t i = 0; i < N_FLOWS; i++) {
        item.flow.cookie = i;
        openflow_writer_add(&w, &item);
    }
    if (openflow_writer_end(&w))
        abort();
    return N_FLOWS / (bench_seconds() - start);
}

/* A controller that asks for the flows and gets the reply in pieces as from a socket. */
static double
read_reply(void *arg UNUSED)
{
    static const uint8_t hello[] = {4, 0, 0, 8, 0, 0, 0, 1};
    struct openflow_flow_request all = {.table_id = TABLE_ALL};
    struct openflow_message m = {.type = OFPT_MULTIPART_REQUEST};
    struct openflow_event event;
    struct openflow_session_config config = {.end = OPENFLOW_CONTROLLER};
    struct openflow_session *s = openflow_session_new(&config, 0);
    m.multipart = (struct openflow_multipart){.type = OFPMP_FLOW, .n = 1, .flow_request = &all};
    openflow_session_input(s, hello, sizeof hello, 0);
    if (!openflow_session_next(s, &event) || openflow_session_request(s, &m, NULL, 0, 0))
        abort();
    double start = bench_seconds();
    uint32_t n = 0;
    for (size_t at = 0; at < wire.size; at += MIN(65536, wire.size - at)) {
        openflow_session_input(s, wire.data + at, MIN(65536, wire.size - at), 0);
        while (openflow_session_next(s, &event))
            n += event.kind == OPENFLOW_DONE ? event.message->multipart.n : 0;
    }
    double took = bench_seconds() - start;
    if (n != N_FLOWS)
        abort();
    openflow_session_free(s);
    return N_FLOWS / took;
}

/* Flow mods one by one, as a switch takes them: decoded and checked. */
static double
decode_flow_mods(void *arg UNUSED)
{
    struct openflow_message m = {.type = OFPT_FLOW_MOD}, got;
    struct buf one = BUF_INIT;
    struct arena *arena = arena_new((size_t)1 << 20);
    m.flow_mod = (struct openflow_flow_mod){
        .flow = item.flow, .buffer_id = NO_BUFFER, .out_port = PORT_ANY, .out_group = GROUP_ANY};
    if (openflow_encode(&m, &one))
        abort();
    double start = bench_seconds();
    for (uint32_t i = 0; i < N_FLOWS; i++) {
        arena_reset(arena);
        if (openflow_decode(one.data, one.size, arena, &got, NULL, NULL))
            abort();
    }
    double took = bench_seconds() - start;
    arena_free(arena);
    buf_fini(&one);
    return N_FLOWS / took;
}

int
main(void)
{
    static struct bench_contestant cases[] = {
        {.name = "write-flow-stats", .round = write_reply},
        {.name = "read-flow-stats", .round = read_reply},
        {.name = "decode-flow-mod", .round = decode_flow_mods},
    };
    make_item();
    (void)write_reply(NULL);
    bench_interleave(cases, ARRAY_SIZE(cases), ROUNDS);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        bench_print(&(struct bench_figure){.bench = "openflow",
                                           .what = cases[i].name,
                                           .value = cases[i].median,
                                           .unit = "flows/s",
                                           .goal = NAN,
                                           .note = "6 match fields, 2 actions; 100,000 flows"});
    buf_fini(&wire);
    return 0;
}
