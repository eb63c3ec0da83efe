/* flow_stats.c - multipart bodies about the switch and its flows (OpenFlow 1.3.5 sections 7.3.5.1
 * to 7.3.5.3). */
#include "proto/openflow/wire.h"

static const struct wire_field desc_fields[] = {
    WIRE(struct openflow_desc, manufacturer, "manufacturer", WIRE_TEXT),
    WIRE(struct openflow_desc, hardware, "hardware", WIRE_TEXT),
    WIRE(struct openflow_desc, software, "software", WIRE_TEXT),
    WIRE(struct openflow_desc, serial_number, "serial_number", WIRE_TEXT),
    WIRE(struct openflow_desc, datapath, "datapath", WIRE_TEXT),
};

const struct openflow_layout desc_layout = {
    LAYOUT_FIELDS(desc_fields),
    .size = sizeof(struct openflow_desc),
};

static const struct wire_field flow_request_fields[] = {
    WIRE_NAMED(struct openflow_flow_request, table_id, "table_id", WIRE_DEC, wire_table_names),
    WIRE_SKIP(3),
    WIRE(struct openflow_flow_request, out_port, "out_port", WIRE_PORT),
    WIRE_NAMED(struct openflow_flow_request, out_group, "out_group", WIRE_HEX, wire_group_names),
    WIRE_SKIP(4),
    WIRE(struct openflow_flow_request, cookie, "cookie", WIRE_HEX),
    WIRE(struct openflow_flow_request, cookie_mask, "cookie_mask", WIRE_HEX),
};

static void
decode_flow_request(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_flow_request *request = object;
    decode_match(d, c, &request->match, NULL);
}

static void
encode_flow_request(struct encoder *e, const void *object)
{
    const struct openflow_flow_request *request = object;
    encode_match(e, &request->match);
}

static void
print_flow_request(const void *object, struct buf *out)
{
    const struct openflow_flow_request *request = object;
    fields_print(flow_request_fields, ARRAY_SIZE(flow_request_fields), request, out);
    buf_str(out, " ");
    match_format(&request->match, out);
}

const struct openflow_layout flow_request_layout = {
    LAYOUT_FIELDS(flow_request_fields), .size = sizeof(struct openflow_flow_request),
    .decode = decode_flow_request,      .encode = encode_flow_request,
    .print = print_flow_request,
};

static const struct wire_field flow_stats_fields[] = {
    WIRE_LENGTH_FIELD,
    WIRE(struct openflow_flow_stats, flow.table_id, NULL, WIRE_DEC),
    WIRE_SKIP(1),
    WIRE(struct openflow_flow_stats, duration_s, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_stats, duration_ns, "duration", WIRE_DURATION),
    WIRE(struct openflow_flow_stats, flow.priority, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_stats, flow.idle_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_stats, flow.hard_timeout, NULL, WIRE_DEC),
    WIRE(struct openflow_flow_stats, flow.flags, NULL, WIRE_HEX),
    WIRE_SKIP(4),
    WIRE(struct openflow_flow_stats, flow.cookie, NULL, WIRE_HEX),
    WIRE(struct openflow_flow_stats, packets, "packets", WIRE_COUNT),
    WIRE(struct openflow_flow_stats, octets, "octets", WIRE_COUNT),
};

static void
decode_flow_stats(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_flow_stats *stats = object;
    decode_rule(d, c, &stats->flow, &stats->foreign);
}

static void
encode_flow_stats(struct encoder *e, const void *object)
{
    const struct openflow_flow_stats *stats = object;
    encode_rule(e, &stats->flow, &stats->foreign, true);
}

static void
print_flow_stats(const void *object, struct buf *out)
{
    const struct openflow_flow_stats *stats = object;
    buf_str(out, " ");
    print_rule(&stats->flow, &stats->foreign, out);
    fields_print(flow_stats_fields, ARRAY_SIZE(flow_stats_fields), stats, out);
}

const struct openflow_layout flow_stats_layout = {
    LAYOUT_FIELDS(flow_stats_fields),
    .length_end = 2,
    .size = sizeof(struct openflow_flow_stats),
    .decode = decode_flow_stats,
    .encode = encode_flow_stats,
    .print = print_flow_stats,
};

static const struct wire_field aggregate_fields[] = {
    WIRE(struct openflow_aggregate, packets, "packets", WIRE_COUNT),
    WIRE(struct openflow_aggregate, octets, "octets", WIRE_COUNT),
    WIRE(struct openflow_aggregate, flows, "flows", WIRE_DEC),
    WIRE_SKIP(4),
};

const struct openflow_layout aggregate_layout = {
    LAYOUT_FIELDS(aggregate_fields),
    .size = sizeof(struct openflow_aggregate),
};
