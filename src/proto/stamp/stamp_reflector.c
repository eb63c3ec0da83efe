#include "proto/stamp/stamp_reflector.h"

#include "base/alloc.h"
#include "proto/stamp/stamp_sessions.h"

#include <stdlib.h>

#define DEFAULT_SESSIONS 1024
#define DEFAULT_ALLOWED 1024
#define DEFAULT_IDLE (900 * NSEC_PER_SEC)

/* A TWAMP Light sender's packet ends behind its error estimate. */
#define SHORT_SIZE 14

struct allowed {
    uint8_t address[16];
    uint16_t ssid;
};

struct stamp_reflector {
    struct stamp_reflector_config config; /* without its pointers */
    struct stamp_key *key;
    struct allowed *allowed; /* sorted */
    size_t n_allowed, allowed_capacity;
    struct stamp_sessions *sessions; /* NULL: stateless */
    struct stamp_reflector_counters counters;
};

/* One packet on its way through. */
struct passage {
    const struct stamp_arrival *arrival;
    struct stamp_session *session; /* NULL: stateless */
    uint8_t *reply;                /* as large as the request */
    size_t size;
    uint8_t dscp; /* of the reply */
};

enum err
stamp_reflector_new(const struct stamp_reflector_config *config, struct stamp_reflector **reflector,
                    struct diag *diag)
{
    struct stamp_key *key = NULL;
    if (!config->key && config->mode == STAMP_AUTHENTICATED)
        return diag_set(diag, ERR_INVALID, "authenticated mode needs a key");
    if (!config->key && config->require_tlv_hmac)
        return diag_set(diag, ERR_INVALID, "requiring the HMAC TLV needs a key");
    if (config->key) {
        enum err err = stamp_key_new(config->key, config->key_size, &key);
        if (err)
            return diag_set(diag, err, "the key of %zu octets: %s", config->key_size,
                            err_text(err));
    }
    struct stamp_reflector *r = xcalloc(1, sizeof *r);
    r->config = *config;
    r->config.key = NULL;
    r->key = key;
    r->config.max_sessions = config->max_sessions ? config->max_sessions : DEFAULT_SESSIONS;
    r->config.max_allowed = config->max_allowed ? config->max_allowed : DEFAULT_ALLOWED;
    r->config.idle_timeout = config->idle_timeout ? config->idle_timeout : DEFAULT_IDLE;
    if (config->stateful)
        r->sessions = stamp_sessions_new(r->config.max_sessions);
    *reflector = r;
    return ERR_OK;
}

void
stamp_reflector_free(struct stamp_reflector *r)
{
    if (!r)
        return;
    stamp_key_free(r->key);
    stamp_sessions_free(r->sessions);
    free(r->allowed);
    free(r);
}

void
stamp_reflector_set_error(struct stamp_reflector *r, bool synchronized, nsec_t error)
{
    r->config.error.synchronized = synchronized;
    r->config.error.error = error;
}

/* ---- Who may ------------------------------------------------------------------------------- */

static int
compare_allowed(const void *a, const void *b)
{
    const struct allowed *x = a, *y = b;
    int order = memcmp(x->address, y->address, sizeof x->address);
    return order ? order : (int)x->ssid - (int)y->ssid;
}

static struct allowed *
find_allowed(const struct stamp_reflector *r, const uint8_t address[16], uint16_t ssid)
{
    struct allowed wanted = {.ssid = ssid};
    memcpy(wanted.address, address, sizeof wanted.address);
    if (r->n_allowed == 0)
        return NULL;
    return bsearch(&wanted, r->allowed, r->n_allowed, sizeof wanted, compare_allowed);
}

enum err
stamp_reflector_allow(struct stamp_reflector *r, const uint8_t address[16], uint16_t ssid)
{
    if (find_allowed(r, address, ssid))
        return ERR_EXISTS;
    if (r->n_allowed >= r->config.max_allowed)
        return ERR_LIMIT;
    GROW(r->allowed, r->n_allowed, r->allowed_capacity);
    struct allowed *entry = &r->allowed[r->n_allowed++];
    *entry = (struct allowed){.ssid = ssid};
    memcpy(entry->address, address, sizeof entry->address);
    qsort(r->allowed, r->n_allowed, sizeof *r->allowed, compare_allowed);
    return ERR_OK;
}

enum err
stamp_reflector_forbid(struct stamp_reflector *r, const uint8_t address[16], uint16_t ssid)
{
    struct allowed *entry = find_allowed(r, address, ssid);
    if (!entry)
        return ERR_NOT_FOUND;
    size_t behind = (size_t)(r->allowed + r->n_allowed - entry) - 1;
    memmove(entry, entry + 1, behind * sizeof *entry);
    r->n_allowed--;
    if (r->sessions)
        stamp_sessions_remove_matching(r->sessions, address, ssid);
    return ERR_OK;
}

/* ---- Sessions ------------------------------------------------------------------------------ */

nsec_t
stamp_reflector_expire(struct stamp_reflector *r, nsec_t now)
{
    struct stamp_session *oldest;
    while (r->sessions && (oldest = stamp_sessions_oldest(r->sessions))) {
        nsec_t due = oldest->last_used + r->config.idle_timeout;
        if (due > now)
            return due;
        stamp_sessions_remove(r->sessions, oldest);
        r->counters.sessions_expired++;
    }
    return NSEC_NEVER;
}

/* Finds or starts the session; NULL: no room. */
static struct stamp_session *
enter_session(struct stamp_reflector *r, const struct stamp_arrival *arrival, uint16_t ssid,
              nsec_t now)
{
    struct stamp_session_key key = {
        .from_port = arrival->from.port, .to_port = arrival->to.port, .ssid = ssid};
    memcpy(key.from, arrival->from.address, sizeof key.from);
    memcpy(key.to, arrival->to.address, sizeof key.to);
    stamp_reflector_expire(r, now);
    struct stamp_session *session = stamp_sessions_find(r->sessions, &key);
    if (!session) {
        session = stamp_sessions_add(r->sessions, &key);
        if (!session)
            return NULL;
        r->counters.sessions_started++;
    }
    stamp_sessions_touch(r->sessions, session, now);
    return session;
}

/* ---- TLVs ---------------------------------------------------------------------------------- */

static void
answer_location(struct stamp_reflector *r, const struct passage *p, uint8_t *value, size_t size)
{
    struct stamp_location location = {.destination_port = 0};
    if (r->config.tell_location) {
        location.destination_port = p->arrival->to.port;
        location.source_port = p->arrival->from.port;
        memcpy(location.destination, p->arrival->to.address, sizeof location.destination);
        memcpy(location.source, p->arrival->from.address, sizeof location.source);
        location.has_source_mac = p->arrival->source_mac;
        if (p->arrival->source_mac)
            memcpy(location.source_mac, p->arrival->source_mac, sizeof location.source_mac);
    }
    if (!stamp_location_answer(value, size, &location))
        r->counters.tlvs_malformed++;
}

static void
answer_class_of_service(struct stamp_reflector *r, struct passage *p, uint8_t *value)
{
    struct stamp_class_of_service cos = stamp_class_of_service_read(value);
    cos.dscp2 = p->arrival->dscp;
    cos.ecn = p->arrival->ecn;
    cos.rp = !(r->config.allowed_dscps >> cos.dscp1 & 1);
    p->dscp = cos.rp ? p->arrival->dscp : cos.dscp1;
    r->counters.dscp_refused += cos.rp;
    stamp_class_of_service_write(value, cos);
}

static void
answer_direct_measurement(const struct passage *p, uint8_t *value)
{
    struct stamp_direct_measurement counts = stamp_direct_measurement_read(value);
    counts.reflector_rx = p->session ? p->session->n_received : 0;
    counts.reflector_tx = p->session ? p->session->n_sent + 1 : 0; /* this reply counts */
    stamp_direct_measurement_write(value, counts);
}

/* RFC 8972 section 4.7: zeroes when there is no state, or no reply before this one. */
static void
answer_follow_up(const struct stamp_reflector *r, const struct passage *p, uint8_t *value)
{
    struct stamp_follow_up follow_up = {.sequence = 0};
    if (p->session && p->session->has_last) {
        follow_up.sequence = p->session->last_sequence;
        follow_up.timestamp = stamp_time_pack(p->session->last_t3, r->config.error.format);
        follow_up.method = p->session->last_method;
    }
    stamp_follow_up_write(value, follow_up);
}

static void
answer_timestamps(const struct stamp_reflector *r, const struct passage *p, uint8_t *value)
{
    uint8_t method_in = p->arrival->receive_method;
    stamp_timestamp_information_write(
        value, (struct stamp_timestamp_information){
                   .sync_in = r->config.sync_source,
                   .method_in = method_in ? method_in : r->config.receive_method,
                   .sync_out = r->config.sync_source,
                   .method_out = r->config.send_method,
               });
}

/* Fills in the value; returns the flags of the TLV in the reply. */
static uint8_t
answer_tlv(struct stamp_reflector *r, struct passage *p, unsigned type, uint8_t *value, size_t size)
{
    switch (type) {
    case STAMP_TLV_EXTRA_PADDING:
    case STAMP_TLV_HMAC:
        return 0;
    case STAMP_TLV_LOCATION:
        answer_location(r, p, value, size);
        return 0;
    case STAMP_TLV_TIMESTAMP_INFORMATION:
        answer_timestamps(r, p, value);
        return 0;
    case STAMP_TLV_CLASS_OF_SERVICE:
        answer_class_of_service(r, p, value);
        return 0;
    case STAMP_TLV_DIRECT_MEASUREMENT:
        answer_direct_measurement(p, value);
        return 0;
    case STAMP_TLV_ACCESS_REPORT: { /* section 4.6: echoed; other access identifiers are invalid */
        uint8_t id = stamp_access_report_read(value).access_id;
        return id == 1 || id == 2 ? 0 : STAMP_TLV_UNRECOGNIZED;
    }
    case STAMP_TLV_FOLLOW_UP_TELEMETRY:
        answer_follow_up(r, p, value);
        return 0;
    default:
        return STAMP_TLV_UNRECOGNIZED;
    }
}

/* Section 4.7 (erratum 8339): a Follow-Up Telemetry of the wrong length goes back zeroed. */
static void
mark_malformed(uint8_t *tlv, size_t left)
{
    tlv[0] = STAMP_TLV_MALFORMED;
    if (left < STAMP_TLV_HEADER_SIZE || tlv[1] != STAMP_TLV_FOLLOW_UP_TELEMETRY)
        return;
    size_t size = MIN((size_t)get_be16(tlv + 2), left - STAMP_TLV_HEADER_SIZE);
    memset(tlv + STAMP_TLV_HEADER_SIZE, 0, MIN(size, (size_t)12));
}

/* Sets I in all of them, which then go back as they came. */
static void
fail_integrity(uint8_t *tlvs, size_t size)
{
    struct cursor c = cursor_over(tlvs, size);
    struct stamp_tlv tlv;
    while (stamp_tlv_next(&c, &tlv))
        tlvs[tlv.offset] = STAMP_TLV_INTEGRITY | (tlv.truncated ? STAMP_TLV_MALFORMED : 0) |
                           (stamp_tlv_is_known(tlv.type) ? 0 : STAMP_TLV_UNRECOGNIZED);
}

/* Up to the first malformed one; what is behind that goes back as it came. */
static void
answer_tlvs(struct stamp_reflector *r, struct passage *p, uint8_t *tlvs, size_t size,
            const struct stamp_tlv_layout *layout)
{
    struct cursor c = cursor_over(tlvs, size);
    struct stamp_tlv tlv;
    while (stamp_tlv_next(&c, &tlv)) {
        uint8_t *header = tlvs + tlv.offset;
        if (tlv.offset == layout->malformed_offset) {
            mark_malformed(header, size - tlv.offset);
            r->counters.tlvs_malformed++;
            return;
        }
        header[0] = answer_tlv(r, p, tlv.type, header + STAMP_TLV_HEADER_SIZE, tlv.size);
        r->counters.tlvs_unrecognized += !!(header[0] & STAMP_TLV_UNRECOGNIZED);
    }
}

static void
reflect_tlvs(struct stamp_reflector *r, struct passage *p, const uint8_t *payload)
{
    size_t base = stamp_base_size(r->config.mode), size = p->size - base;
    uint8_t *tlvs = p->reply + base;
    struct stamp_tlv_layout layout;
    stamp_tlv_scan(tlvs, size, &layout);
    if (layout.n == 0)
        return;
    if (!stamp_tlv_integrity(payload, p->size, r->config.mode, r->config.require_tlv_hmac, r->key,
                             &layout)) {
        fail_integrity(tlvs, size);
        r->counters.tlvs_integrity++;
        return;
    }
    answer_tlvs(r, p, tlvs, size, &layout);
    if (layout.hmac_offset != SIZE_MAX)
        stamp_key_sign_tlvs(r->key, p->reply, tlvs, layout.hmac_offset,
                            tlvs + layout.hmac_offset + STAMP_TLV_HEADER_SIZE);
}

/* ---- The base packet ----------------------------------------------------------------------- */

/* Sets up the reply as a copy of the request, at least as large as a base packet. */
static uint8_t *
copy_request(struct buf *reply, const uint8_t *payload, size_t size, size_t base)
{
    uint8_t *copy = buf_reserve(reply, MAX(size, base));
    if (copy)
        memcpy(copy, payload, size);
    return copy;
}

static void
write_base(struct stamp_reflector *r, const struct passage *p,
           const struct stamp_sender_packet *request, uint32_t sequence, nsec_t wall)
{
    const struct stamp_reflector_packet packet = {
        .sequence = sequence,
        .timestamp = stamp_time_pack(wall, r->config.error.format),
        .error = stamp_error_pack(&r->config.error),
        .ssid = request->ssid,
        .receive_timestamp = stamp_time_pack(p->arrival->received, r->config.error.format),
        .sender_sequence = request->sequence,
        .sender_timestamp = request->timestamp,
        .sender_error = request->error,
        .sender_ttl = p->arrival->ttl,
    };
    stamp_reflector_packet_encode(p->reply, r->config.mode, &packet);
    if (r->config.mode == STAMP_AUTHENTICATED)
        stamp_key_sign(r->key, p->reply);
}

/* Reads the request's base packet; a short one as if zeroes followed. */
static enum err
read_request(struct stamp_reflector *r, const uint8_t *payload, size_t size,
             struct stamp_sender_packet *request)
{
    uint8_t padded[STAMP_BASE_SIZE] = {0};
    bool is_short = r->config.accept_short && r->config.mode == STAMP_UNAUTHENTICATED &&
                    size >= SHORT_SIZE && size < sizeof padded;
    if (is_short)
        memcpy(padded, payload, size);
    struct cursor c = is_short ? cursor_over(padded, sizeof padded) : cursor_over(payload, size);
    if (stamp_sender_packet_decode(&c, r->config.mode, request)) {
        r->counters.truncated++;
        return ERR_TRUNCATED;
    }
    if (r->config.mode == STAMP_AUTHENTICATED && !stamp_key_verify(r->key, payload)) {
        r->counters.bad_hmac++;
        return ERR_DENIED;
    }
    return ERR_OK;
}

static void
note_reflected(struct stamp_reflector *r, struct stamp_session *session, uint32_t sequence,
               nsec_t wall)
{
    r->counters.reflected++;
    if (!session)
        return;
    session->next_sequence++;
    session->n_sent++;
    session->has_last = true;
    session->last_sequence = sequence;
    session->last_t3 = wall;
    session->last_method = r->config.send_method;
}

enum err
stamp_reflector_input(struct stamp_reflector *r, const struct stamp_arrival *arrival,
                      const uint8_t *payload, size_t size, nsec_t now, nsec_t wall,
                      struct buf *reply, struct stamp_reflection *reflection)
{
    struct stamp_sender_packet request;
    size_t begin = reply->size, base = stamp_base_size(r->config.mode);
    enum err err = read_request(r, payload, size, &request);
    if (err)
        return err;
    if (!r->config.open && !find_allowed(r, arrival->from.address, request.ssid)) {
        r->counters.not_allowed++;
        return ERR_DENIED;
    }
    struct passage p = {
        .arrival = arrival,
        .session = r->sessions ? enter_session(r, arrival, request.ssid, now) : NULL,
        .dscp = arrival->dscp,
    };
    p.reply = r->sessions && !p.session ? NULL : copy_request(reply, payload, size, base);
    if (!p.reply) {
        r->counters.no_room++;
        return ERR_LIMIT;
    }
    p.size = reply->size - begin;
    if (p.session)
        p.session->n_received++;
    uint32_t sequence = p.session ? p.session->next_sequence : request.sequence;
    write_base(r, &p, &request, sequence, wall);
    if (p.size > base)
        reflect_tlvs(r, &p, payload);
    note_reflected(r, p.session, sequence, wall);
    *reflection = (struct stamp_reflection){
        .dscp = p.dscp,
        .sequence = sequence,
        .session = p.session ? stamp_sessions_handle(r->sessions, p.session) : 0,
    };
    return ERR_OK;
}

void
stamp_reflector_sent(struct stamp_reflector *r, const struct stamp_reflection *reflection,
                     nsec_t wall)
{
    if (!r->sessions)
        return;
    struct stamp_session *session = stamp_sessions_get(r->sessions, reflection->session);
    if (!session || !session->has_last || session->last_sequence != reflection->sequence)
        return;
    session->last_t3 = wall;
    session->last_method = r->config.sent_method;
}

const struct stamp_reflector_counters *
stamp_reflector_counters(const struct stamp_reflector *r)
{
    return &r->counters;
}

unsigned
stamp_reflector_n_sessions(const struct stamp_reflector *r)
{
    return r->sessions ? stamp_sessions_count(r->sessions) : 0;
}
