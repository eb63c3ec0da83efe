#include "edge/openflow_switch_private.h"

static unsigned
side(const struct openflow_channel *ch)
{
    return ch->role == OFPCR_ROLE_SLAVE;
}

/* ---- Packet-in (section 7.4.1) ---- */

#define PACKET_IN_QUEUE ((size_t)1 << 20) /* octets that may wait when another one is sent */

void
openflow_switch_packet_in(struct openflow_switch *sw, const struct punt *punt, const uint8_t *frame,
                          uint32_t size, uint32_t total_size, uint32_t in_port)
{
    struct openflow_message m = {
        .type = OFPT_PACKET_IN,
        .packet_in = {.buffer_id = NO_BUFFER,
                      .total_len = (uint16_t)MIN(total_size, UINT16_MAX),
                      .reason = (uint8_t)punt->reason,
                      .table_id = punt->table_id,
                      .cookie = punt->cookie,
                      .packet = {frame, MIN(size, OPENFLOW_SIZE_MAX - 128)}},
    };
    match_set(&m.packet_in.match, FIELD_IN_PORT, in_port);
    if (punt->key->metadata)
        match_set(&m.packet_in.match, FIELD_METADATA, from_be64(punt->key->metadata));
    if (punt->key->tunnel_id)
        match_set(&m.packet_in.match, FIELD_TUNNEL_ID, from_be64(punt->key->tunnel_id));
    for (struct openflow_channel *ch = sw->channels; ch; ch = ch->next) {
        if (!openflow_session_is_up(ch->session) ||
            !(ch->async.packet_in[side(ch)] & 1u << punt->reason))
            continue;
        if (channel_waiting(ch) < PACKET_IN_QUEUE) {
            channel_send(ch, &m);
        } else {
            ch->packet_ins_dropped++;
            counter_add(&sw->dp->drops[DROP_PUNT_FULL], 1);
        }
    }
}

/* ---- Port-status (section 7.4.3) ---- */

/* OFPPF_*: the one for a speed, as far as there is one. */
static uint32_t
speed_feature(uint64_t kbps)
{
    static const struct {
        uint64_t kbps;
        uint32_t feature;
    } speeds[] = {
        {10000, OFPPF_10MB_FD},     {100000, OFPPF_100MB_FD},  {1000000, OFPPF_1GB_FD},
        {10000000, OFPPF_10GB_FD},  {40000000, OFPPF_40GB_FD}, {100000000, OFPPF_100GB_FD},
        {1000000000, OFPPF_1TB_FD},
    };
    for (size_t i = 0; i < ARRAY_SIZE(speeds); i++) {
        if (speeds[i].kbps == kbps)
            return speeds[i].feature;
    }
    return kbps ? OFPPF_OTHER : 0;
}

void
describe_port(const struct edge_port *port, struct openflow_port *out)
{
    uint32_t shaped = port_scheduling(port).rate_kbps;
    *out = (struct openflow_port){
        .port_no = port->number,
        .hw_addr = port->mac,
        .config = atomic_load_explicit(&port->config, memory_order_relaxed),
        .curr = speed_feature(port->speed_kbps),
        .curr_speed = shaped ? shaped : port->speed_kbps,
        .max_speed = port->speed_kbps,
    };
    _Static_assert(sizeof port->name < sizeof out->name, "a name fits");
    memcpy(out->name, port->name, sizeof port->name);
    if (!atomic_load_explicit(&port->up, memory_order_relaxed))
        out->state |= OFPPS_LINK_DOWN;
    if (port_is_live(port))
        out->state |= OFPPS_LIVE;
}

void
openflow_switch_port_changed(struct openflow_switch *sw, const struct edge_port *port)
{
    struct openflow_message m = {.type = OFPT_PORT_STATUS, .port_status = {.reason = OFPPR_MODIFY}};
    describe_port(port, &m.port_status.port);
    for (struct openflow_channel *ch = sw->channels; ch; ch = ch->next) {
        if (ch->async.port_status[side(ch)] & 1u << OFPPR_MODIFY && channel_takes(ch))
            channel_send(ch, &m);
    }
}

void
switch_port_event(void *arg, struct edge_port *port)
{
    openflow_switch_port_changed(arg, port);
}

/* ---- Flow-removed (section 7.4.2) ---- */

enum openflow_flow_removed_reason
reason_on_the_wire(enum flow_removed_reason reason)
{
    switch (reason) {
    case REMOVED_IDLE:
        return OFPRR_IDLE_TIMEOUT;
    case REMOVED_HARD:
        return OFPRR_HARD_TIMEOUT;
    case REMOVED_GROUP:
        return OFPRR_GROUP_DELETE;
    default: /* OpenFlow 1.3 has no reason for a deleted meter */
        return OFPRR_DELETE;
    }
}

static void
tell_removed(struct openflow_channel *ch, const struct flow_notice *notice)
{
    struct openflow_message m = {
        .type = OFPT_FLOW_REMOVED,
        .flow_removed = {.flow = *notice->flow,
                         .reason = (uint8_t)reason_on_the_wire(notice->reason),
                         .duration_s = (uint32_t)(notice->duration / NSEC_PER_SEC),
                         .duration_ns = (uint32_t)(notice->duration % NSEC_PER_SEC),
                         .packets = notice->packets,
                         .octets = notice->octets},
    };
    if (ch->async.flow_removed[side(ch)] & 1u << m.flow_removed.reason && channel_takes(ch))
        channel_send(ch, &m);
}

void
switch_flow_event(void *arg, const struct flow_notice *notice)
{
    struct openflow_switch *sw = arg;
    for (struct openflow_channel *ch = sw->channels; ch; ch = ch->next) {
        if (notice->event == FLOW_REMOVED && notice->flow->flags & FLOW_SEND_FLOW_REM)
            tell_removed(ch, notice);
        if (ch->monitors)
            monitor_flow_event(ch, notice);
    }
}
