#include "proto/ptp/ptp_protocol.h"

#include "proto/ptp/ptp_message.h"

/* Where in a message the identities are, clauses 13.3, 13.5 and 13.8. */
#define CLOCK_OFFSET 20u
#define REQUESTING_OFFSET 44u
#define GRANDMASTER_OFFSET 53u
#define ACTION_OFFSET 46u
#define MANAGEMENT_TLV_OFFSET 48u
#define MANAGEMENT_TLV 1u

enum action { ACTION_GET, ACTION_SET, ACTION_RESPONSE, ACTION_COMMAND, ACTION_ACKNOWLEDGE };

static enum pdu_kind
kind_of(uint8_t type)
{
    switch (type) {
    case PTP_DELAY_REQ:
    case PTP_PDELAY_REQ:
    case PTP_SIGNALING:
    case PTP_MANAGEMENT:
        return PDU_REQUEST;
    case PTP_DELAY_RESP:
    case PTP_PDELAY_RESP:
    case PTP_PDELAY_RESP_FOLLOW_UP:
        return PDU_RESPONSE;
    default:
        return PDU_REPORT;
    }
}

static void
put_header(struct dissection *d, const struct ptp_message *m, const uint8_t *message)
{
    pdu_uint(d, PTP_FIELD_DOMAIN, 0, m->domain);
    pdu_uint(d, PTP_FIELD_SDO, 0, m->sdo);
    pdu_uint(d, PTP_FIELD_MINOR_VERSION, 0, m->minor_version);
    pdu_uint(d, PTP_FIELD_FLAGS, 0, m->flags);
    pdu_int(d, PTP_FIELD_CORRECTION, 0, m->correction / 65536);
    pdu_octets(d, PTP_FIELD_CLOCK, 0, message + CLOCK_OFFSET, 8);
    pdu_uint(d, PTP_FIELD_PORT, 0, m->source.port);
    pdu_uint(d, PTP_FIELD_SEQUENCE, 0, m->sequence);
    pdu_int(d, PTP_FIELD_INTERVAL, 0, m->log_interval);
}

static void
put_announce(struct dissection *d, const struct ptp_announce *a, const uint8_t *message)
{
    pdu_int(d, PTP_FIELD_UTC_OFFSET, 0, a->utc_offset_s);
    pdu_uint(d, PTP_FIELD_PRIORITY_1, 0, a->priority1);
    pdu_uint(d, PTP_FIELD_CLOCK_CLASS, 0, a->clock_class);
    pdu_uint(d, PTP_FIELD_ACCURACY, 0, a->clock_accuracy);
    pdu_uint(d, PTP_FIELD_VARIANCE, 0, a->variance);
    pdu_uint(d, PTP_FIELD_PRIORITY_2, 0, a->priority2);
    pdu_octets(d, PTP_FIELD_GRANDMASTER, 0, message + GRANDMASTER_OFFSET, 8);
    pdu_uint(d, PTP_FIELD_STEPS_REMOVED, 0, a->steps_removed);
    pdu_uint(d, PTP_FIELD_TIME_SOURCE, 0, a->time_source);
    if (!a->c37238)
        return;
    pdu_uint(d, PTP_FIELD_POWER_PROFILE, 0, a->c37238);
    pdu_uint(d, PTP_FIELD_GRANDMASTER_ID, 0, a->c37238_grandmaster_id);
    pdu_uint(d, PTP_FIELD_INACCURACY, 0, a->c37238_inaccuracy_ns);
}

static void
put_management(struct dissection *d, const struct ptp_message *m, const uint8_t *message)
{
    uint8_t action = message[ACTION_OFFSET] & 15;
    pdu_uint(d, PTP_FIELD_ACTION, 0, action);
    d->pdu->act = action == ACTION_SET || action == ACTION_COMMAND ? ACT_CONFIGURE : ACT_READ;
    if (action == ACTION_RESPONSE || action == ACTION_ACKNOWLEDGE)
        d->pdu->kind = PDU_RESPONSE;
    if (m->size >= MANAGEMENT_TLV_OFFSET + 6 &&
        get_be16(message + MANAGEMENT_TLV_OFFSET) == MANAGEMENT_TLV)
        pdu_uint(d, PTP_FIELD_MANAGEMENT_ID, 0, get_be16(message + MANAGEMENT_TLV_OFFSET + 4));
}

static void
ptp_dissect(struct dissection *d, struct cursor *c)
{
    const uint8_t *message = c->pos;
    struct ptp_message m;
    ptp_read(c, &m);
    if (c->err)
        return;
    pdu_begin(d, kind_of(m.type), m.type);
    put_header(d, &m, message);
    if (m.type != PTP_SIGNALING && m.type != PTP_MANAGEMENT)
        pdu_int(d, PTP_FIELD_TIMESTAMP, 0, m.timestamp);
    if (d->pdu->kind == PDU_RESPONSE) {
        pdu_octets(d, PTP_FIELD_REQUESTING_CLOCK, 0, message + REQUESTING_OFFSET, 8);
        pdu_uint(d, PTP_FIELD_REQUESTING_PORT, 0, m.requesting.port);
    }
    if (m.type == PTP_ANNOUNCE)
        put_announce(d, &m.announce, message);
    if (m.type == PTP_MANAGEMENT)
        put_management(d, &m, message);
    pdu_end(d, c);
}

/* Over UDP it is at its ports and nowhere else (IEEE 1588 annexes C and D): what looks like it is
 * not rare there, SNMP and RADIUS among it. */
static int
ptp_looks(const uint8_t *message, size_t size)
{
    struct ptp_message m;
    return ptp_decode(message, size, &m) == ERR_OK ? LOOKS_FAINT : LOOKS_NOT;
}

/* ---- Tables ---- */

static const struct field_word time_sources[] = {{0x10, "atomic-clock"},
                                                 {0x20, "gnss"},
                                                 {0x30, "terrestrial-radio"},
                                                 {0x39, "serial-time-code"},
                                                 {0x40, "ptp"},
                                                 {0x50, "ntp"},
                                                 {0x60, "hand-set"},
                                                 {0x90, "other"},
                                                 {0xa0, "internal-oscillator"},
                                                 {0, NULL}};
static const struct field_word actions[] = {{ACTION_GET, "get"},
                                            {ACTION_SET, "set"},
                                            {ACTION_RESPONSE, "response"},
                                            {ACTION_COMMAND, "command"},
                                            {ACTION_ACKNOWLEDGE, "acknowledge"},
                                            {0, NULL}};

static const struct field_info fields[] = {
    [PTP_FIELD_DOMAIN] = {"domain", FIELD_UINT, NULL, "clocks of one follow each other"},
    [PTP_FIELD_SDO] = {"sdo", FIELD_UINT, NULL, "whose profile: 0 IEEE 1588, 1 IEEE 802.1AS"},
    [PTP_FIELD_MINOR_VERSION] = {"minor-version", FIELD_UINT, NULL, "behind the 2"},
    [PTP_FIELD_FLAGS] = {"flags", FIELD_UINT, NULL, "bits: 512 two-step, 1024 unicast..."},
    [PTP_FIELD_CORRECTION] = {"correction", FIELD_INT, NULL, "nanoseconds"},
    [PTP_FIELD_CLOCK] = {"clock", FIELD_OCTETS, NULL, "the sender's identity"},
    [PTP_FIELD_PORT] = {"port", FIELD_UINT, NULL, "of that clock"},
    [PTP_FIELD_SEQUENCE] = {"sequence", FIELD_UINT, NULL, "of its type and port"},
    [PTP_FIELD_INTERVAL] = {"interval", FIELD_INT, NULL, "2^n seconds; 127: not told"},
    [PTP_FIELD_TIMESTAMP] = {"timestamp", FIELD_TIME, NULL, "on the sender's timescale: often TAI"},
    [PTP_FIELD_REQUESTING_CLOCK] = {"requesting-clock", FIELD_OCTETS, NULL, "answered to"},
    [PTP_FIELD_REQUESTING_PORT] = {"requesting-port", FIELD_UINT, NULL, "of that clock"},
    [PTP_FIELD_UTC_OFFSET] = {"utc-offset", FIELD_INT, NULL, "TAI less UTC, seconds"},
    [PTP_FIELD_PRIORITY_1] = {"priority-1", FIELD_UINT, NULL, "the lowest becomes grandmaster"},
    [PTP_FIELD_CLOCK_CLASS] = {"clock-class", FIELD_UINT, NULL, "6: in step with the primary"},
    [PTP_FIELD_ACCURACY] = {"accuracy", FIELD_UINT, NULL, "33: 100 ns, 34: 250 ns..."},
    [PTP_FIELD_VARIANCE] = {"variance", FIELD_UINT, NULL, "offsetScaledLogVariance"},
    [PTP_FIELD_PRIORITY_2] = {"priority-2", FIELD_UINT, NULL, "among those that are as good"},
    [PTP_FIELD_GRANDMASTER] = {"grandmaster", FIELD_OCTETS, NULL, "whom the sender follows"},
    [PTP_FIELD_STEPS_REMOVED] = {"steps-removed", FIELD_UINT, NULL, "from the grandmaster"},
    [PTP_FIELD_TIME_SOURCE] = {"time-source", FIELD_UINT, time_sources, "of the grandmaster"},
    [PTP_FIELD_POWER_PROFILE] = {"power-profile", FIELD_UINT, NULL, "IEEE C37.238 of that year"},
    [PTP_FIELD_GRANDMASTER_ID] = {"grandmaster-id", FIELD_UINT, NULL, "its short number"},
    [PTP_FIELD_INACCURACY] = {"inaccuracy", FIELD_UINT, NULL, "nanoseconds, at most"},
    [PTP_FIELD_ACTION] = {"action", FIELD_UINT, actions, "what management does"},
    [PTP_FIELD_MANAGEMENT_ID] = {"management-id", FIELD_UINT, NULL, "to what"},
};

static const struct function_info functions[] = {
    {PTP_SYNC, "sync", ACT_REPORT},
    {PTP_DELAY_REQ, "delay-req", ACT_LINK},
    {PTP_PDELAY_REQ, "pdelay-req", ACT_LINK},
    {PTP_PDELAY_RESP, "pdelay-resp", ACT_LINK},
    {PTP_FOLLOW_UP, "follow-up", ACT_REPORT},
    {PTP_DELAY_RESP, "delay-resp", ACT_LINK},
    {PTP_PDELAY_RESP_FOLLOW_UP, "pdelay-resp-follow-up", ACT_LINK},
    {PTP_ANNOUNCE, "announce", ACT_IDENTIFY},
    {PTP_SIGNALING, "signaling", ACT_LINK},
    {PTP_MANAGEMENT, "management", ACT_READ},
};

static const uint16_t ports[] = {0x88f7, PTP_EVENT_PORT, PTP_GENERAL_PORT, 0};

const struct protocol ptp_protocol = {
    .name = "ptp",
    .title = "PTP",
    .source = "IEEE 1588-2019, IEEE C37.238-2017",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET | CARRIER_UDP,
    .ports = ports,
    .looks = ptp_looks,
    .dissect = ptp_dissect,
};
