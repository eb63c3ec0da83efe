/* queue.c - queues (OpenFlow 1.3.5 sections 7.2.2, 7.3.5.8, 7.3.6). */
#include "proto/openflow/wire.h"

static const struct wire_field queue_request_fields[] = {
    WIRE(struct openflow_queue_request, port_no, "port_no", WIRE_PORT),
    WIRE_NAMED(struct openflow_queue_request, queue_id, "queue_id", WIRE_DEC, wire_queue_names),
};

const struct openflow_layout queue_request_layout = {LAYOUT_FIELDS(queue_request_fields),
                                                     .size = sizeof(struct openflow_queue_request)};

static const struct wire_field queue_stats_fields[] = {
    WIRE(struct openflow_queue_stats, port_no, "port_no", WIRE_PORT),
    WIRE(struct openflow_queue_stats, queue_id, "queue_id", WIRE_DEC),
    WIRE(struct openflow_queue_stats, tx_octets, "tx_octets", WIRE_COUNT),
    WIRE(struct openflow_queue_stats, tx_packets, "tx_packets", WIRE_COUNT),
    WIRE(struct openflow_queue_stats, tx_errors, "tx_errors", WIRE_COUNT),
    WIRE(struct openflow_queue_stats, duration_s, NULL, WIRE_DEC),
    WIRE(struct openflow_queue_stats, duration_ns, "duration", WIRE_DURATION),
};

const struct openflow_layout queue_stats_layout = {LAYOUT_FIELDS(queue_stats_fields),
                                                   .size = sizeof(struct openflow_queue_stats)};

static const struct wire_field property_fields[] = {
    WIRE(struct openflow_queue_property, type, NULL, WIRE_DEC),
    WIRE_LENGTH_FIELD,
    WIRE_SKIP(4),
};

static bool
has_rate(const struct openflow_queue_property *p)
{
    return p->type == OFPQT_MIN_RATE || p->type == OFPQT_MAX_RATE;
}

static void
decode_property(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_queue_property *p = object;
    if (has_rate(p)) {
        p->rate = cursor_be16(c, "rate");
        cursor_skip(c, 6, "padding");
        return;
    }
    if (p->type == OFPQT_EXPERIMENTER) {
        p->experimenter = cursor_be32(c, "experimenter");
        cursor_skip(c, 4, "padding");
    }
    p->data = decode_rest(d, c);
}

static void
encode_property(struct encoder *e, const void *object)
{
    const struct openflow_queue_property *p = object;
    if (has_rate(p)) {
        buf_be16(e->out, p->rate);
        buf_zero(e->out, 6);
        return;
    }
    if (p->type == OFPQT_EXPERIMENTER) {
        buf_be32(e->out, p->experimenter);
        buf_zero(e->out, 4);
    }
    encode_data(e, &p->data);
}

static void
print_property(const struct openflow_queue_property *p, struct buf *out)
{
    if (has_rate(p)) {
        buf_printf(out, " %s=%u.%u%%", p->type == OFPQT_MIN_RATE ? "min_rate" : "max_rate",
                   p->rate / 10, p->rate % 10);
        return;
    }
    buf_printf(out, " property=0x%x", p->type);
    if (p->type == OFPQT_EXPERIMENTER)
        buf_printf(out, ",experimenter=0x%x", p->experimenter);
    buf_str(out, ",data=");
    print_data(&p->data, out);
}

static const struct openflow_layout property_layout = {
    LAYOUT_FIELDS(property_fields),
    .length_end = 4,
    .size = sizeof(struct openflow_queue_property),
    .decode = decode_property,
    .encode = encode_property,
};

static const struct wire_field queue_fields[] = {
    WIRE(struct openflow_queue, queue_id, "queue_id", WIRE_DEC),
    WIRE(struct openflow_queue, port, "port", WIRE_PORT),
    WIRE_LENGTH_FIELD,
    WIRE_SKIP(6),
};

static void
decode_queue(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_queue *queue = object;
    queue->properties = layout_decode_list(&property_layout, d, c, &queue->n_properties,
                                           OFPET_BAD_REQUEST, OFPBRC_BAD_LEN);
}

static void
encode_queue(struct encoder *e, const void *object)
{
    const struct openflow_queue *queue = object;
    for (uint32_t i = 0; i < queue->n_properties; i++)
        layout_encode(&property_layout, e, &queue->properties[i]);
}

static const struct openflow_layout queue_layout = {
    LAYOUT_FIELDS(queue_fields), .length_end = 10,       .size = sizeof(struct openflow_queue),
    .decode = decode_queue,      .encode = encode_queue,
};

static const struct wire_field queue_config_fields[] = {
    WIRE(struct openflow_queue_config, port, "port", WIRE_PORT),
    WIRE_SKIP(4),
};

static void
decode_queue_config(struct decoder *d, struct cursor *c, void *object)
{
    struct openflow_queue_config *config = object;
    config->queues = layout_decode_list(&queue_layout, d, c, &config->n_queues, OFPET_BAD_REQUEST,
                                        OFPBRC_BAD_LEN);
}

static void
encode_queue_config(struct encoder *e, const void *object)
{
    const struct openflow_queue_config *config = object;
    for (uint32_t i = 0; i < config->n_queues; i++)
        layout_encode(&queue_layout, e, &config->queues[i]);
}

static void
print_queue_config(const void *object, struct buf *out)
{
    const struct openflow_queue_config *config = object;
    fields_print(queue_config_fields, ARRAY_SIZE(queue_config_fields), config, out);
    for (uint32_t i = 0; i < config->n_queues; i++) {
        const struct openflow_queue *queue = &config->queues[i];
        buf_str(out, "\n ");
        fields_print(queue_fields, ARRAY_SIZE(queue_fields), queue, out);
        for (uint32_t k = 0; k < queue->n_properties; k++)
            print_property(&queue->properties[k], out);
    }
}

const struct openflow_layout queue_config_request_layout = {LAYOUT_FIELDS(queue_config_fields)};
const struct openflow_layout queue_config_layout = {
    LAYOUT_FIELDS(queue_config_fields),
    .decode = decode_queue_config,
    .encode = encode_queue_config,
    .print = print_queue_config,
};
