#include "proto/stamp/stamp_sender.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "proto/stamp/stamp_peer.h"

#include <stdlib.h>

/* What a packet that may still be answered needs. Slot `sequence` modulo their number. */
struct slot {
    bool used;
    uint32_t sequence;
    uint32_t answered;  /* a bit for each peer that has */
    uint64_t wire_time; /* T1 as sent, for the reply to repeat */
    nsec_t t1;          /* corrected by the kernel's word */
    nsec_t deadline;    /* on the clock of `now` */
};

struct stamp_sender {
    struct stamp_sender_config config; /* without its pointers: what they showed is below */
    struct stamp_key *key;
    bool stopped;
    uint32_t n_sent;
    uint32_t next_sequence, tail; /* the next to send; the oldest that may be answered */
    nsec_t next_send;
    struct slot *slots;
    uint32_t n_slots;      /* a power of two */
    uint32_t n_unresolved; /* slots some peer has not answered */
    uint32_t n_expired;    /* in this window */
    struct stamp_peer peers[STAMP_MAX_REFLECTORS];
    unsigned n_peers, max_peers;
    struct {
        enum stamp_access_state state;
        struct stamp_access_report report;
        nsec_t timeout, due;
        unsigned n_left;
    } access;
    struct stamp_sender_counters counters;
};

#define REQUESTABLE                                                                                \
    (STAMP_TLV_BIT(STAMP_TLV_LOCATION) | STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION) |          \
     STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE) | STAMP_TLV_BIT(STAMP_TLV_DIRECT_MEASUREMENT) |     \
     STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY))

/* ---- Endpoints ----------------------------------------------------------------------------- */

struct stamp_endpoint
stamp_endpoint_v4(uint32_t address, uint16_t port)
{
    struct stamp_endpoint e = {.address = {[10] = 0xff, [11] = 0xff}, .port = port};
    put_be32(e.address + 12, address);
    return e;
}

bool
stamp_endpoint_equal(const struct stamp_endpoint *a, const struct stamp_endpoint *b)
{
    return a->port == b->port && !memcmp(a->address, b->address, sizeof a->address);
}

/* ---- Packets ------------------------------------------------------------------------------- */

static void
put_class_of_service(struct buf *b, uint8_t dscp1)
{
    size_t at = stamp_tlv_put(b, STAMP_TLV_CLASS_OF_SERVICE, STAMP_CLASS_OF_SERVICE_SIZE);
    if (at != SIZE_MAX)
        stamp_class_of_service_write(b->data + at, (struct stamp_class_of_service){.dscp1 = dscp1});
}

static void
put_direct_measurement(struct buf *b, uint32_t n_sent)
{
    size_t at = stamp_tlv_put(b, STAMP_TLV_DIRECT_MEASUREMENT, STAMP_DIRECT_MEASUREMENT_SIZE);
    if (at != SIZE_MAX)
        stamp_direct_measurement_write(b->data + at,
                                       (struct stamp_direct_measurement){.sender_tx = n_sent});
}

static void
put_access_report(struct buf *b, struct stamp_access_report report)
{
    size_t at = stamp_tlv_put(b, STAMP_TLV_ACCESS_REPORT, STAMP_ACCESS_REPORT_SIZE);
    if (at != SIZE_MAX)
        stamp_access_report_write(b->data + at, report);
}

static void
put_requests(struct buf *b, const struct stamp_sender_config *config, uint32_t n_sent)
{
    uint32_t tlvs = config->tlvs;
    if (tlvs & STAMP_TLV_BIT(STAMP_TLV_LOCATION))
        stamp_location_put_request(b);
    if (tlvs & STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION))
        stamp_tlv_put(b, STAMP_TLV_TIMESTAMP_INFORMATION, STAMP_TIMESTAMP_INFORMATION_SIZE);
    if (tlvs & STAMP_TLV_BIT(STAMP_TLV_CLASS_OF_SERVICE))
        put_class_of_service(b, config->dscp1);
    if (tlvs & STAMP_TLV_BIT(STAMP_TLV_DIRECT_MEASUREMENT))
        put_direct_measurement(b, n_sent);
    if (tlvs & STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY))
        stamp_tlv_put(b, STAMP_TLV_FOLLOW_UP_TELEMETRY, STAMP_FOLLOW_UP_SIZE);
}

/* Behind all other TLVs, before Extra Padding. */
static void
put_hmac(struct buf *b, size_t begin, const struct stamp_sender_config *config,
         struct stamp_key *key)
{
    size_t base = stamp_base_size(config->mode), size = b->size - begin - base;
    if (!key || size == 0)
        return;
    size_t at = stamp_tlv_put(b, STAMP_TLV_HMAC, STAMP_HMAC_SIZE);
    if (at != SIZE_MAX)
        stamp_key_sign_tlvs(key, b->data + begin, b->data + begin + base, size, b->data + at);
}

/* RFC 8972 section 4.1: pseudorandom, so that no link compresses it. */
static void
put_padding(struct buf *b, size_t size, uint32_t sequence)
{
    size_t at = stamp_tlv_put(b, STAMP_TLV_EXTRA_PADDING, (uint16_t)size);
    if (at == SIZE_MAX)
        return;
    for (size_t i = 0; i < size; i++)
        b->data[at + i] = (uint8_t)(hash_mix((uint64_t)sequence << 32 | i / 8) >> 8 * (i % 8));
}

/* The smallest packet the configuration makes. */
static size_t
smallest_size(const struct stamp_sender_config *config)
{
    struct buf b = BUF_INIT;
    put_requests(&b, config, 0);
    size_t size = stamp_base_size(config->mode) + b.size;
    if (b.size && config->key)
        size += STAMP_TLV_HEADER_SIZE + STAMP_HMAC_SIZE;
    buf_fini(&b);
    return size;
}

/* ---- Session ------------------------------------------------------------------------------- */

static enum err
check_size(const struct stamp_sender_config *config, struct diag *diag)
{
    size_t smallest = smallest_size(config);
    if (config->size > STAMP_MAX_SIZE)
        return diag_set(diag, ERR_LIMIT, "size %zu is above %d", config->size, STAMP_MAX_SIZE);
    if (config->size && config->size != smallest && config->size < smallest + STAMP_TLV_HEADER_SIZE)
        return diag_set(diag, ERR_INVALID, "size %zu: possible are %zu and from %zu on",
                        config->size, smallest, smallest + STAMP_TLV_HEADER_SIZE);
    return ERR_OK;
}

static enum err
check_reflectors(const struct stamp_sender_config *config, struct diag *diag)
{
    if (MAX(config->n_reflectors, config->max_reflectors) > STAMP_MAX_REFLECTORS)
        return diag_set(diag, ERR_LIMIT, "more than %d reflectors", STAMP_MAX_REFLECTORS);
    for (unsigned i = 0; config->reflectors && i < config->n_reflectors; i++) {
        for (unsigned k = 0; k < i; k++) {
            if (stamp_endpoint_equal(&config->reflectors[i], &config->reflectors[k]))
                return diag_set(diag, ERR_INVALID, "reflector %u is reflector %u again", i, k);
        }
    }
    return ERR_OK;
}

static nsec_t
interval_of(const struct stamp_sender_config *config)
{
    return config->interval || !config->rate_pps ? config->interval
                                                 : MAX(NSEC_PER_SEC / config->rate_pps, 1);
}

enum err
stamp_sender_config_check(const struct stamp_sender_config *config, struct diag *diag)
{
    nsec_t interval = interval_of(config);
    if (interval <= 0 || config->timeout <= 0)
        return diag_set(diag, ERR_INVALID, "interval and timeout must be above 0");
    if (config->interval && config->rate_pps)
        return diag_set(diag, ERR_INVALID, "interval and rate cannot both be given");
    if (config->timeout / interval > STAMP_MAX_OUTSTANDING - 2)
        return diag_set(diag, ERR_LIMIT, "timeout is more than %d intervals",
                        STAMP_MAX_OUTSTANDING - 2);
    if (config->mode == STAMP_AUTHENTICATED && !config->key)
        return diag_set(diag, ERR_INVALID, "authenticated mode needs a key");
    if (config->key && config->key_size < STAMP_KEY_MIN_SIZE)
        return diag_set(diag, ERR_INVALID, "the key is shorter than %d octets", STAMP_KEY_MIN_SIZE);
    if (config->tlvs & ~REQUESTABLE)
        return diag_set(diag, ERR_INVALID, "a TLV in 0x%x cannot be asked for", config->tlvs);
    if (config->dscp1 > 63)
        return diag_set(diag, ERR_INVALID, "DSCP %u is above 63", config->dscp1);
    if (config->max_samples > STAMP_MAX_SAMPLES)
        return diag_set(diag, ERR_LIMIT, "more than %d samples", STAMP_MAX_SAMPLES);
    enum err err = check_reflectors(config, diag);
    return err ? err : check_size(config, diag);
}

static struct stamp_peer *
add_peer(struct stamp_sender *s, const struct stamp_endpoint *endpoint)
{
    struct stamp_peer *p = &s->peers[s->n_peers++];
    *p = (struct stamp_peer){
        .endpoint = *endpoint,
        .lost = s->n_expired, /* nothing of what has run out was answered by it */
        .all_synchronized = true,
    };
    return p;
}

/* So many that a packet has run out, or is answered, before its slot's turn comes again: packets
 * keep to the interval, except that one may be late by less than that. */
static uint32_t
slots_for(const struct stamp_sender_config *config)
{
    uint32_t need = (uint32_t)(config->timeout / config->interval) + 2, n = 4;
    while (n < need)
        n *= 2;
    return n;
}

enum err
stamp_sender_new(const struct stamp_sender_config *config, nsec_t now, struct stamp_sender **sender,
                 struct diag *diag)
{
    enum err err = stamp_sender_config_check(config, diag);
    struct stamp_key *key = NULL;
    if (!err && config->key)
        err = stamp_key_new(config->key, config->key_size, &key);
    if (err)
        return err;
    struct stamp_sender *s = xcalloc(1, sizeof *s);
    s->config = *config;
    s->key = key;
    s->next_send = now;
    s->config.interval = interval_of(config);
    s->n_slots = slots_for(&s->config);
    s->slots = xcalloc(s->n_slots, sizeof *s->slots);
    if (!s->config.max_samples)
        s->config.max_samples = STAMP_MAX_SAMPLES;
    unsigned n_given = config->reflectors ? config->n_reflectors : 0;
    s->max_peers = n_given ? n_given : MAX(config->max_reflectors, 1u);
    for (unsigned i = 0; i < n_given; i++)
        add_peer(s, &config->reflectors[i]);
    s->config.reflectors = NULL;
    s->config.key = NULL;
    *sender = s;
    return ERR_OK;
}

void
stamp_sender_free(struct stamp_sender *s)
{
    if (!s)
        return;
    for (unsigned i = 0; i < s->n_peers; i++)
        stamp_peer_fini(&s->peers[i]);
    stamp_key_free(s->key);
    free(s->slots);
    free(s);
}

static struct slot *
slot_of(const struct stamp_sender *s, uint32_t sequence)
{
    return &s->slots[sequence & (s->n_slots - 1)];
}

static uint32_t
full_mask(const struct stamp_sender *s)
{
    return s->max_peers == 32 ? UINT32_MAX : (1u << s->max_peers) - 1;
}

static bool
has_more_to_send(const struct stamp_sender *s)
{
    return !s->stopped && (s->config.count == 0 || s->n_sent < s->config.count);
}

nsec_t
stamp_sender_next(const struct stamp_sender *s)
{
    nsec_t next = has_more_to_send(s) ? s->next_send : NSEC_NEVER;
    return s->n_unresolved ? MIN(next, slot_of(s, s->tail)->deadline) : next;
}

void
stamp_sender_expire(struct stamp_sender *s, nsec_t now)
{
    for (; s->tail != s->next_sequence; s->tail++) {
        struct slot *slot = slot_of(s, s->tail);
        if (slot->deadline > now)
            return;
        for (unsigned i = 0; i < s->n_peers; i++)
            s->peers[i].lost += !(slot->answered & 1u << i);
        s->n_unresolved -= slot->answered != full_mask(s);
        s->n_expired++;
        slot->used = false;
    }
}

/* ---- Output -------------------------------------------------------------------------------- */

/* Does this packet carry the Access Report? */
static bool
access_is_due(struct stamp_sender *s, nsec_t now)
{
    if (s->access.state != STAMP_ACCESS_PENDING || now < s->access.due)
        return false;
    if (s->access.n_left == 0) {
        s->access.state = STAMP_ACCESS_ABORTED;
        return false;
    }
    return true;
}

static void
build_packet(struct stamp_sender *s, uint64_t wire_time, bool with_access, struct buf *b)
{
    const struct stamp_sender_config *config = &s->config;
    size_t begin = b->size;
    uint8_t *base = buf_reserve(b, stamp_base_size(config->mode));
    if (!base)
        return;
    const struct stamp_sender_packet packet = {
        .sequence = s->next_sequence,
        .timestamp = wire_time,
        .error = stamp_error_pack(&config->error),
        .ssid = config->ssid,
    };
    stamp_sender_packet_encode(base, config->mode, &packet);
    if (config->mode == STAMP_AUTHENTICATED)
        stamp_key_sign(s->key, base);
    put_requests(b, config, s->n_sent + 1);
    if (with_access)
        put_access_report(b, s->access.report);
    put_hmac(b, begin, config, s->key);
    size_t used = b->size - begin + STAMP_TLV_HEADER_SIZE;
    if (!buf_err(b) && used <= config->size)
        put_padding(b, config->size - used, s->next_sequence);
}

static void
remember(struct stamp_sender *s, uint64_t wire_time, nsec_t now, nsec_t wall)
{
    *slot_of(s, s->next_sequence) = (struct slot){
        .used = true,
        .sequence = s->next_sequence,
        .wire_time = wire_time,
        .t1 = wall,
        .deadline = now + s->config.timeout,
    };
    s->next_sequence++;
    s->n_sent++;
    s->n_unresolved++;
    s->next_send += s->config.interval;
    if (s->next_send <= now) /* the caller was late; do not send a burst to catch up */
        s->next_send = now + s->config.interval;
}

enum err
stamp_sender_output(struct stamp_sender *s, nsec_t now, nsec_t wall, struct buf *b,
                    uint32_t *sequence)
{
    stamp_sender_expire(s, now);
    if (!has_more_to_send(s) || now < s->next_send)
        return ERR_NOT_FOUND;
    uint64_t wire_time = stamp_time_pack(wall, s->config.error.format);
    bool with_access = access_is_due(s, now);
    size_t begin = b->size;
    build_packet(s, wire_time, with_access, b);
    if (buf_err(b)) {
        b->size = begin;
        return ERR_LIMIT;
    }
    if (with_access) {
        s->access.n_left--;
        s->access.due = now + s->access.timeout;
    }
    *sequence = s->next_sequence;
    remember(s, wire_time, now, wall);
    return ERR_OK;
}

void
stamp_sender_sent(struct stamp_sender *s, uint32_t sequence, nsec_t wall)
{
    struct slot *slot = slot_of(s, sequence);
    if (slot->used && slot->sequence == sequence)
        slot->t1 = wall;
    for (unsigned i = 0; i < s->n_peers; i++)
        stamp_peer_correct_t1(&s->peers[i], sequence, wall);
}

void
stamp_sender_stop(struct stamp_sender *s)
{
    s->stopped = true;
}

bool
stamp_sender_is_done(const struct stamp_sender *s)
{
    return !has_more_to_send(s) && s->n_unresolved == 0;
}

void
stamp_sender_report_access(struct stamp_sender *s, struct stamp_access_report report,
                           nsec_t timeout, unsigned retries)
{
    s->access.state = STAMP_ACCESS_PENDING;
    s->access.report = report;
    s->access.timeout = timeout;
    s->access.due = INT64_MIN;
    s->access.n_left = 1 + retries;
}

enum stamp_access_state
stamp_sender_access_state(const struct stamp_sender *s)
{
    return s->access.state;
}

/* ---- Input --------------------------------------------------------------------------------- */

/* One clock for all: PTP's timescale is brought to UTC. */
static enum err
unpack_remote(const struct stamp_sender *s, uint64_t wire, enum stamp_format format, nsec_t near,
              nsec_t *time)
{
    nsec_t offset = format == STAMP_PTP ? s->config.ptp_offset : 0, result = 0;
    enum err err = stamp_time_unpack(wire, format, near + offset, &result);
    if (!err)
        *time = result - offset;
    return err;
}

static void
use_follow_up(struct stamp_sender *s, struct stamp_peer *p, const uint8_t *value,
              enum stamp_format format, nsec_t near)
{
    struct stamp_follow_up follow_up = stamp_follow_up_read(value);
    nsec_t t3;
    p->follow_ups[follow_up.method <= STAMP_METHOD_CONTROL_PLANE ? follow_up.method : 0] +=
        follow_up.timestamp != 0;
    if (follow_up.timestamp && !unpack_remote(s, follow_up.timestamp, format, near, &t3))
        stamp_peer_correct_t3(p, follow_up.sequence, t3);
}

static void
use_access_report(struct stamp_sender *s, const uint8_t *value)
{
    struct stamp_access_report report = stamp_access_report_read(value);
    if (s->access.state == STAMP_ACCESS_PENDING && report.access_id == s->access.report.access_id &&
        report.return_code == s->access.report.return_code)
        s->access.state = STAMP_ACCESS_CONFIRMED;
}

static void
use_tlv(struct stamp_sender *s, struct stamp_peer *p, const struct stamp_tlv *tlv,
        enum stamp_format format, nsec_t near)
{
    p->tlvs |= stamp_tlv_is_known(tlv->type) ? STAMP_TLV_BIT(tlv->type) : 0;
    switch (tlv->type) {
    case STAMP_TLV_LOCATION:
        stamp_location_read(tlv->value, tlv->size, &p->location);
        break;
    case STAMP_TLV_TIMESTAMP_INFORMATION:
        p->timestamps = stamp_timestamp_information_read(tlv->value);
        break;
    case STAMP_TLV_CLASS_OF_SERVICE:
        p->class_of_service = stamp_class_of_service_read(tlv->value);
        break;
    case STAMP_TLV_DIRECT_MEASUREMENT:
        p->direct_measurement = stamp_direct_measurement_read(tlv->value);
        break;
    case STAMP_TLV_ACCESS_REPORT:
        use_access_report(s, tlv->value);
        break;
    case STAMP_TLV_FOLLOW_UP_TELEMETRY:
        use_follow_up(s, p, tlv->value, format, near);
        break;
    default: /* padding, the HMAC, and what we do not know */
        break;
    }
}

static bool
any_integrity_flag(const uint8_t *tlvs, size_t size)
{
    struct cursor c = cursor_over(tlvs, size);
    struct stamp_tlv tlv;
    while (stamp_tlv_next(&c, &tlv)) {
        if (tlv.flags & STAMP_TLV_INTEGRITY)
            return true;
    }
    return false;
}

/* RFC 8972 section 4: I discards all TLVs, M ends their processing, U skips one. */
static void
use_tlvs(struct stamp_sender *s, struct stamp_peer *p, const uint8_t *payload, size_t size,
         enum stamp_format format, nsec_t near)
{
    size_t base = stamp_base_size(s->config.mode);
    struct stamp_tlv_layout layout;
    stamp_tlv_scan(payload + base, size - base, &layout);
    if (layout.n == 0)
        return;
    bool required = s->key && s->config.tlvs;
    if (!stamp_tlv_integrity(payload, size, s->config.mode, required, s->key, &layout) ||
        any_integrity_flag(payload + base, size - base)) {
        s->counters.tlvs_integrity++;
        return;
    }
    struct cursor c = cursor_over(payload + base, size - base);
    struct stamp_tlv tlv;
    while (stamp_tlv_next(&c, &tlv)) {
        if (tlv.offset == layout.malformed_offset || tlv.flags & STAMP_TLV_MALFORMED) {
            s->counters.tlvs_malformed++;
            return;
        }
        if (tlv.flags & STAMP_TLV_UNRECOGNIZED)
            s->counters.tlvs_unrecognized++;
        else
            use_tlv(s, p, &tlv, format, near);
    }
}

static struct stamp_peer *
find_peer(struct stamp_sender *s, const struct stamp_endpoint *from)
{
    for (unsigned i = 0; i < s->n_peers; i++) {
        if (stamp_endpoint_equal(&s->peers[i].endpoint, from))
            return &s->peers[i];
    }
    return NULL;
}

/* Everything about the reply that can be wrong by itself. */
static enum err
check_reply(struct stamp_sender *s, const struct stamp_endpoint *from, const uint8_t *payload,
            size_t size, struct stamp_reflector_packet *reply)
{
    struct cursor c = cursor_over(payload, size);
    if (stamp_reflector_packet_decode(&c, s->config.mode, reply)) {
        s->counters.truncated++;
        return ERR_TRUNCATED;
    }
    if (!find_peer(s, from) && s->n_peers == s->max_peers) {
        s->counters.unknown_reflector++;
        return ERR_DENIED;
    }
    if (s->config.mode == STAMP_AUTHENTICATED && !stamp_key_verify(s->key, payload)) {
        s->counters.bad_hmac++;
        return ERR_DENIED;
    }
    return ERR_OK;
}

static enum err
not_outstanding(struct stamp_sender *s, const struct stamp_endpoint *from, uint32_t sequence)
{
    s->counters.not_outstanding++;
    struct stamp_peer *p = find_peer(s, from);
    bool was_sent = s->next_sequence - sequence - 1 < s->n_sent;
    if (p && was_sent)
        p->late++;
    return ERR_NOT_FOUND;
}

static enum err
match_slot(struct stamp_sender *s, const struct slot *slot,
           const struct stamp_reflector_packet *reply, nsec_t wall, struct stamp_sample *sample)
{
    if (reply->sender_timestamp != slot->wire_time ||
        (reply->ssid && reply->ssid != s->config.ssid)) {
        s->counters.mismatch++;
        return ERR_CONFLICT;
    }
    enum stamp_format format = stamp_error_unpack(reply->error).format;
    *sample = (struct stamp_sample){
        .sequence = slot->sequence,
        .reflected = reply->sequence,
        .reflected_again = reply->sequence,
        .t1 = slot->t1,
        .t4 = wall,
    };
    if (unpack_remote(s, reply->receive_timestamp, format, slot->t1, &sample->t2) ||
        unpack_remote(s, reply->timestamp, format, slot->t1, &sample->t3)) {
        s->counters.malformed++;
        return ERR_MALFORMED;
    }
    return ERR_OK;
}

static void
note_reply(struct stamp_sender *s, struct stamp_peer *p, const struct stamp_reflector_packet *reply)
{
    struct stamp_error_estimate error = stamp_error_unpack(reply->error);
    p->all_synchronized &= error.synchronized;
    p->error = error.error;
    p->sender_ttl = reply->sender_ttl;
    if (s->config.ssid && !reply->ssid) {
        s->counters.zero_ssid++;
        s->stopped |= s->config.stop_on_zero_ssid;
    }
}

enum err
stamp_sender_input(struct stamp_sender *s, const struct stamp_endpoint *from,
                   const uint8_t *payload, size_t size, nsec_t now, nsec_t wall)
{
    struct stamp_reflector_packet reply;
    struct stamp_sample sample;
    stamp_sender_expire(s, now);
    enum err err = check_reply(s, from, payload, size, &reply);
    if (err)
        return err;
    struct slot *slot = slot_of(s, reply.sender_sequence);
    if (!slot->used || slot->sequence != reply.sender_sequence)
        return not_outstanding(s, from, reply.sender_sequence);
    err = match_slot(s, slot, &reply, wall, &sample);
    if (err)
        return err;

    struct stamp_peer *p = find_peer(s, from);
    if (!p)
        p = add_peer(s, from);
    uint32_t bit = 1u << (p - s->peers);
    if (slot->answered & bit) {
        s->counters.duplicate++;
        stamp_peer_take_duplicate(p, &sample);
        return ERR_NOT_FOUND;
    }
    slot->answered |= bit;
    s->n_unresolved -= slot->answered == full_mask(s);
    stamp_peer_take(p, &sample, s->config.max_samples);
    note_reply(s, p, &reply);
    use_tlvs(s, p, payload, size, stamp_error_unpack(reply.error).format, sample.t1);
    return ERR_OK;
}

/* ---- Results ------------------------------------------------------------------------------- */

unsigned
stamp_sender_n_reflectors(const struct stamp_sender *s)
{
    return s->n_peers;
}

void
stamp_sender_result(const struct stamp_sender *s, unsigned index, struct stamp_result *result)
{
    stamp_peer_result(&s->peers[index], s->config.stateful, &s->config.error, result);
    for (uint32_t i = s->tail; i != s->next_sequence; i++)
        result->outstanding += !(slot_of(s, i)->answered & 1u << index);
}

void
stamp_sender_new_window(struct stamp_sender *s)
{
    s->n_expired = 0;
    for (unsigned i = 0; i < s->n_peers; i++)
        stamp_peer_new_window(&s->peers[i]);
}

const struct stamp_sender_counters *
stamp_sender_counters(const struct stamp_sender *s)
{
    return &s->counters;
}
