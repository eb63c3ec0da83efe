#include "proto/ptp/ptp_message.h"

#include "base/hex.h"

#include <string.h>

#define VERSION 2
#define MINOR_VERSION 1
#define TLV_ORGANIZATION_EXTENSION 3

static const struct type_info {
    const char *name;
    uint16_t min_size;
    uint8_t control; /* controlField, table 42: for clocks of version 1 hardware */
    bool has_timestamp, has_requesting;
} types[PTP_TYPES] = {
    [PTP_SYNC] = {"Sync", 44, 0, true, false},
    [PTP_DELAY_REQ] = {"Delay_Req", 44, 1, true, false},
    [PTP_PDELAY_REQ] = {"Pdelay_Req", 54, 5, true, false},
    [PTP_PDELAY_RESP] = {"Pdelay_Resp", 54, 5, true, true},
    [PTP_FOLLOW_UP] = {"Follow_Up", 44, 2, true, false},
    [PTP_DELAY_RESP] = {"Delay_Resp", 54, 3, true, true},
    [PTP_PDELAY_RESP_FOLLOW_UP] = {"Pdelay_Resp_Follow_Up", 54, 5, true, true},
    [PTP_ANNOUNCE] = {"Announce", 64, 5, true, false},
    [PTP_SIGNALING] = {"Signaling", 44, 5, false, false},
    [PTP_MANAGEMENT] = {"Management", 48, 4, false, false},
};

const char *
ptp_type_name(unsigned type)
{
    return type < PTP_TYPES ? types[type].name : NULL;
}

bool
ptp_port_identity_equal(const struct ptp_port_identity *a, const struct ptp_port_identity *b)
{
    return !memcmp(a->clock, b->clock, sizeof a->clock) && a->port == b->port;
}

char *
ptp_clock_format(const uint8_t clock[8], char *text)
{
    return hex_format(clock, 8, text);
}

void
ptp_clock_from_mac(const uint8_t mac[6], uint8_t clock[8])
{
    memcpy(clock, mac, 3);
    clock[3] = 0xff;
    clock[4] = 0xfe;
    memcpy(clock + 5, mac + 3, 3);
}

/* ---- In ---- */

static void
read_identity(struct cursor *c, struct ptp_port_identity *id, const char *what)
{
    cursor_copy(c, id->clock, sizeof id->clock, what);
    id->port = cursor_be16(c, what);
}

/* Clause 5.3.3. 48 bits of seconds are 8.9 million years, and nsec_t has 292. */
static nsec_t
read_timestamp(struct cursor *c)
{
    uint64_t seconds = (uint64_t)cursor_be16(c, "secondsField") << 32;
    seconds |= cursor_be32(c, "secondsField");
    uint32_t ns = cursor_be32(c, "nanosecondsField");
    if (ns >= NSEC_PER_SEC)
        cursor_fail(c, ERR_MALFORMED, "nanosecondsField");
    return (nsec_t)MIN(seconds, (uint64_t)INT32_MAX * 4) * NSEC_PER_SEC + ns;
}

static void
read_header(struct cursor *c, struct ptp_message *m)
{
    uint8_t first = cursor_u8(c, "messageType"), version = cursor_u8(c, "versionPTP");
    m->type = first & 0x0f;
    m->sdo = first >> 4;
    m->minor_version = version >> 4;
    if ((version & 0x0f) != VERSION)
        cursor_fail(c, ERR_UNSUPPORTED, "versionPTP");
    if (!types[m->type].name)
        cursor_fail(c, ERR_MALFORMED, "messageType");
    m->size = cursor_be16(c, "messageLength");
    m->domain = cursor_u8(c, "domainNumber");
    cursor_skip(c, 1, "minorSdoId");
    m->flags = cursor_be16(c, "flagField");
    m->correction = (int64_t)cursor_be64(c, "correctionField");
    cursor_skip(c, 4, "messageTypeSpecific");
    read_identity(c, &m->source, "sourcePortIdentity");
    m->sequence = cursor_be16(c, "sequenceId");
    cursor_skip(c, 1, "controlField");
    m->log_interval = (int8_t)cursor_u8(c, "logMessageInterval");
}

static void
read_announce(struct cursor *c, struct ptp_announce *a)
{
    a->utc_offset_s = (int16_t)cursor_be16(c, "currentUtcOffset");
    cursor_skip(c, 1, "reserved");
    a->priority1 = cursor_u8(c, "grandmasterPriority1");
    a->clock_class = cursor_u8(c, "grandmasterClockQuality");
    a->clock_accuracy = cursor_u8(c, "grandmasterClockQuality");
    a->variance = cursor_be16(c, "grandmasterClockQuality");
    a->priority2 = cursor_u8(c, "grandmasterPriority2");
    cursor_copy(c, a->grandmaster, sizeof a->grandmaster, "grandmasterIdentity");
    a->steps_removed = cursor_be16(c, "stepsRemoved");
    a->time_source = cursor_u8(c, "timeSource");
}

/* IEEE C37.238-2011 clause 5.12.2 and C37.238-2017 clause 6: organizationId 1C-12-9D. The second
 * one's fields lie where the first one's do, but that what was grandmasterTimeInaccuracy is
 * reserved. */
static void
read_c37238(struct cursor *tlv, struct ptp_announce *a)
{
    uint32_t organisation = cursor_be24(tlv, "organizationId");
    uint32_t subtype = cursor_be24(tlv, "organizationSubType");
    if (organisation != 0x1c129d || (subtype != 1 && subtype != 2) || cursor_left(tlv) < 10)
        return;
    a->c37238 = subtype == 1 ? 2011 : 2017;
    a->c37238_grandmaster_id = cursor_be16(tlv, "grandmasterID");
    cursor_skip(tlv, 4, "grandmasterTimeInaccuracy");
    a->c37238_inaccuracy_ns = cursor_be32(tlv, "totalTimeInaccuracy");
}

/* Of Announce only. One that is cut short is its receiver's matter: the rest is as good. */
static void
read_tlvs(struct cursor c, struct ptp_announce *a)
{
    while (cursor_left(&c)) {
        uint16_t type = cursor_be16(&c, "tlvType"), size = cursor_be16(&c, "lengthField");
        struct cursor value = cursor_split(&c, size, "valueField");
        if (!c.err && type == TLV_ORGANIZATION_EXTENSION)
            read_c37238(&value, a);
    }
}

static void
read_body(struct cursor *c, struct ptp_message *m)
{
    const struct type_info *type = &types[m->type];
    struct cursor body = cursor_split(c, type->min_size - PTP_HEADER_SIZE, type->name);
    if (type->has_timestamp)
        m->timestamp = read_timestamp(&body);
    if (type->has_requesting)
        read_identity(&body, &m->requesting, "requestingPortIdentity");
    if (m->type == PTP_ANNOUNCE)
        read_announce(&body, &m->announce);
    if (body.err)
        cursor_join(c, &body);
}

void
ptp_read(struct cursor *c, struct ptp_message *m)
{
    struct cursor start = *c;
    size_t size = cursor_left(c);
    *m = (struct ptp_message){0};
    read_header(c, m);
    if (!c->err && (m->size > size || m->size < types[m->type].min_size)) {
        cursor_skip(&start, 2, "messageLength");
        cursor_fail(&start, m->size > size ? ERR_TRUNCATED : ERR_MALFORMED, "messageLength");
        *c = start;
    }
    if (c->err)
        return;
    struct cursor rest = cursor_split(c, m->size - PTP_HEADER_SIZE, "messageLength");
    read_body(&rest, m);
    if (m->type == PTP_ANNOUNCE && !rest.err)
        read_tlvs(rest, &m->announce);
    if (rest.err)
        cursor_join(c, &rest);
}

enum err
ptp_decode(const uint8_t *data, size_t size, struct ptp_message *m)
{
    struct cursor c = cursor_over(data, size);
    ptp_read(&c, m);
    return c.err;
}

/* ---- Out ---- */

static uint8_t *
put_identity(uint8_t *at, const struct ptp_port_identity *id)
{
    memcpy(at, id->clock, sizeof id->clock);
    put_be16(at + 8, id->port);
    return at + 10;
}

void
ptp_encode_pdelay(const struct ptp_message *m, uint8_t *data)
{
    memset(data, 0, PTP_PDELAY_SIZE);
    data[0] = (uint8_t)(m->sdo << 4 | m->type);
    data[1] = MINOR_VERSION << 4 | VERSION;
    put_be16(data + 2, PTP_PDELAY_SIZE);
    data[4] = m->domain;
    put_be16(data + 6, m->flags);
    put_be64(data + PTP_CORRECTION_OFFSET, (uint64_t)m->correction);
    put_identity(data + 20, &m->source);
    put_be16(data + 30, m->sequence);
    data[32] = types[m->type].control;
    data[33] = (uint8_t)m->log_interval;
    uint64_t seconds = (uint64_t)(m->timestamp / NSEC_PER_SEC);
    put_be16(data + 34, (uint16_t)(seconds >> 32));
    put_be32(data + 36, (uint32_t)seconds);
    put_be32(data + 40, (uint32_t)(m->timestamp % NSEC_PER_SEC));
    if (types[m->type].has_requesting)
        put_identity(data + 44, &m->requesting);
}

int64_t
ptp_correct(uint8_t *message, int64_t correction)
{
    int64_t old = (int64_t)get_be64(message + PTP_CORRECTION_OFFSET), sum;
    if (old == INT64_MAX) /* as much as can be said already, and not known how much */
        return 0;
    if (__builtin_add_overflow(old, correction, &sum))
        sum = correction > 0 ? INT64_MAX : INT64_MIN;
    put_be64(message + PTP_CORRECTION_OFFSET, (uint64_t)sum);
    return (int64_t)((uint64_t)sum - (uint64_t)old);
}

int64_t
ptp_correction(nsec_t ns)
{
    int64_t scaled;
    if (__builtin_mul_overflow(ns, (int64_t)65536, &scaled))
        return ns > 0 ? INT64_MAX : INT64_MIN;
    return scaled;
}
