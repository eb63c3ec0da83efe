/* port.c - ports (OpenFlow 1.3.5 sections 7.2.1, 7.3.4.3, 7.3.5.6, 7.3.5.7, 7.4.3). */
#include "proto/openflow/wire.h"

static const struct wire_name port_config[] = {
    {OFPPC_PORT_DOWN, "PORT_DOWN"},
    {OFPPC_NO_RECV, "NO_RECV"},
    {OFPPC_NO_FWD, "NO_FWD"},
    {OFPPC_NO_PACKET_IN, "NO_PACKET_IN"},
    {0, NULL},
};

static const struct wire_name port_state[] = {
    {OFPPS_LINK_DOWN, "LINK_DOWN"},
    {OFPPS_BLOCKED, "BLOCKED"},
    {OFPPS_LIVE, "LIVE"},
    {0, NULL},
};

static const struct wire_name port_features[] = {
    {OFPPF_10MB_HD, "10MB_HD"},
    {OFPPF_10MB_FD, "10MB_FD"},
    {OFPPF_100MB_HD, "100MB_HD"},
    {OFPPF_100MB_FD, "100MB_FD"},
    {OFPPF_1GB_HD, "1GB_HD"},
    {OFPPF_1GB_FD, "1GB_FD"},
    {OFPPF_10GB_FD, "10GB_FD"},
    {OFPPF_40GB_FD, "40GB_FD"},
    {OFPPF_100GB_FD, "100GB_FD"},
    {OFPPF_1TB_FD, "1TB_FD"},
    {OFPPF_OTHER, "OTHER"},
    {OFPPF_COPPER, "COPPER"},
    {OFPPF_FIBER, "FIBER"},
    {OFPPF_AUTONEG, "AUTONEG"},
    {OFPPF_PAUSE, "PAUSE"},
    {OFPPF_PAUSE_ASYM, "PAUSE_ASYM"},
    {0, NULL},
};

static const struct wire_name port_reasons[] = {
    {OFPPR_ADD, "ADD"},
    {OFPPR_DELETE, "DELETE"},
    {OFPPR_MODIFY, "MODIFY"},
    {0, NULL},
};

#define PORT_FIELDS(type, at)                                                                      \
    WIRE(type, at port_no, "port_no", WIRE_PORT), WIRE_SKIP(4),                                    \
        WIRE(type, at hw_addr, "hw_addr", WIRE_MAC), WIRE_SKIP(2),                                 \
        WIRE(type, at name, "name", WIRE_TEXT),                                                    \
        WIRE_NAMED(type, at config, "config", WIRE_BITS, port_config),                             \
        WIRE_NAMED(type, at state, "state", WIRE_BITS, port_state),                                \
        WIRE_NAMED(type, at curr, "curr", WIRE_BITS, port_features),                               \
        WIRE_NAMED(type, at advertised, "advertised", WIRE_BITS, port_features),                   \
        WIRE_NAMED(type, at supported, "supported", WIRE_BITS, port_features),                     \
        WIRE_NAMED(type, at peer, "peer", WIRE_BITS, port_features),                               \
        WIRE(type, at curr_speed, "curr_speed", WIRE_DEC),                                         \
        WIRE(type, at max_speed, "max_speed", WIRE_DEC)

static const struct wire_field port_fields[] = {PORT_FIELDS(struct openflow_port, )};

const struct openflow_layout port_layout = {LAYOUT_FIELDS(port_fields),
                                            .size = sizeof(struct openflow_port)};

static const struct wire_field port_status_fields[] = {
    WIRE_NAMED(struct openflow_port_status, reason, "reason", WIRE_DEC, port_reasons),
    WIRE_SKIP(7),
    PORT_FIELDS(struct openflow_port_status, port.),
};

const struct openflow_layout port_status_layout = {LAYOUT_FIELDS(port_status_fields)};

static const struct wire_field port_mod_fields[] = {
    WIRE(struct openflow_port_mod, port_no, "port_no", WIRE_PORT),
    WIRE_SKIP(4),
    WIRE(struct openflow_port_mod, hw_addr, "hw_addr", WIRE_MAC),
    WIRE_SKIP(2),
    WIRE_NAMED(struct openflow_port_mod, config, "config", WIRE_BITS, port_config),
    WIRE_NAMED(struct openflow_port_mod, mask, "mask", WIRE_BITS, port_config),
    WIRE_NAMED(struct openflow_port_mod, advertise, "advertise", WIRE_BITS, port_features),
    WIRE_SKIP(4),
};

#define PORT_CONFIG_BITS (OFPPC_PORT_DOWN | OFPPC_NO_RECV | OFPPC_NO_FWD | OFPPC_NO_PACKET_IN)

static void
check_port_mod(struct decoder *d, struct cursor *c, void *object)
{
    const struct openflow_port_mod *pm = object;
    size_t offset = layout_offset(&port_mod_layout, c);
    if ((pm->config | pm->mask) & ~PORT_CONFIG_BITS)
        decode_fail(d, c, offset + 16, ERR_INVALID, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_CONFIG,
                    "config");
    if (pm->advertise > UINT16_MAX) /* the features are 16 bits */
        decode_fail(d, c, offset + 24, ERR_INVALID, OFPET_PORT_MOD_FAILED, OFPPMFC_BAD_ADVERTISE,
                    "advertise");
}

const struct openflow_layout port_mod_layout = {LAYOUT_FIELDS(port_mod_fields),
                                                .decode = check_port_mod};

static const struct wire_field port_id_fields[] = {
    {"port_no", 0, sizeof(uint32_t), WIRE_PORT, NULL},
    WIRE_SKIP(4),
};

const struct openflow_layout port_id_layout = {LAYOUT_FIELDS(port_id_fields),
                                               .size = sizeof(uint32_t)};

static const struct wire_field port_stats_fields[] = {
    WIRE(struct openflow_port_stats, port_no, "port_no", WIRE_PORT),
    WIRE_SKIP(4),
    WIRE(struct openflow_port_stats, rx_packets, "rx_packets", WIRE_COUNT),
    WIRE(struct openflow_port_stats, tx_packets, "tx_packets", WIRE_COUNT),
    WIRE(struct openflow_port_stats, rx_octets, "rx_octets", WIRE_COUNT),
    WIRE(struct openflow_port_stats, tx_octets, "tx_octets", WIRE_COUNT),
    WIRE(struct openflow_port_stats, rx_dropped, "rx_dropped", WIRE_COUNT),
    WIRE(struct openflow_port_stats, tx_dropped, "tx_dropped", WIRE_COUNT),
    WIRE(struct openflow_port_stats, rx_errors, "rx_errors", WIRE_COUNT),
    WIRE(struct openflow_port_stats, tx_errors, "tx_errors", WIRE_COUNT),
    WIRE(struct openflow_port_stats, rx_frame_err, "rx_frame_err", WIRE_COUNT),
    WIRE(struct openflow_port_stats, rx_over_err, "rx_over_err", WIRE_COUNT),
    WIRE(struct openflow_port_stats, rx_crc_err, "rx_crc_err", WIRE_COUNT),
    WIRE(struct openflow_port_stats, collisions, "collisions", WIRE_COUNT),
    WIRE(struct openflow_port_stats, duration_s, NULL, WIRE_DEC),
    WIRE(struct openflow_port_stats, duration_ns, "duration", WIRE_DURATION),
};

const struct openflow_layout port_stats_layout = {LAYOUT_FIELDS(port_stats_fields),
                                                  .size = sizeof(struct openflow_port_stats)};
