#include "edge/handover.h"

#include "base/cursor.h"
#include "proto/openflow/openflow.h"

#include <string.h>

/* ---- CRC-32C ---- */

static uint32_t crc_table[256];

static void
prepare_crc(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? c >> 1 ^ UINT32_C(0x82f63b78) : c >> 1;
        crc_table[i] = c;
    }
}

static uint32_t
checksum(const uint8_t *header, const uint8_t *data, size_t size)
{
    static const uint8_t zero[4];
    const struct {
        const uint8_t *at;
        size_t size;
    } parts[] = {{header, HANDOVER_HEADER_SIZE - 4}, {zero, sizeof zero}, {data, size}};
    uint32_t crc = UINT32_MAX;
    if (!crc_table[1])
        prepare_crc();
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        for (size_t k = 0; k < parts[i].size; k++)
            crc = crc_table[(crc ^ parts[i].at[k]) & 0xff] ^ crc >> 8;
    }
    return ~crc;
}

/* ---- Parts ---- */

static void
put_text(struct buf *b, const char *text)
{
    size_t length = strlen(text);
    buf_be16(b, (uint16_t)length);
    buf_put(b, text, length);
}

/* Fails for a text that does not fit, or has a NUL in it. */
static void
get_text(struct cursor *c, char *text, size_t room, const char *what)
{
    uint16_t length = cursor_be16(c, what);
    const uint8_t *p = cursor_bytes(c, length, what);
    text[0] = '\0';
    if (!p)
        return;
    if (length >= room || memchr(p, 0, length)) {
        cursor_fail(c, ERR_MALFORMED, what);
        return;
    }
    memcpy(text, p, length);
    text[length] = '\0';
}

static void
put_traffic(struct buf *b, const struct traffic *t)
{
    buf_be64(b, t->packets);
    buf_be64(b, t->octets);
    buf_be64(b, (uint64_t)t->used);
}

/* A time of the monotonic clock, or NSEC_NEVER. */
static nsec_t
get_time(struct cursor *c, const char *what)
{
    uint64_t time = cursor_be64(c, what);
    if (time > INT64_MAX)
        cursor_fail(c, ERR_MALFORMED, what);
    return time > INT64_MAX ? 0 : (nsec_t)time;
}

static struct traffic
get_traffic(struct cursor *c)
{
    struct traffic t = {.packets = cursor_be64(c, "packets"), .octets = cursor_be64(c, "octets")};
    t.used = get_time(c, "last used");
    return t;
}

/* A rule as an OpenFlow message, which knows its own length. */
static enum err
put_message(struct buf *b, const struct openflow_message *m)
{
    return openflow_encode(m, b);
}

static void
get_message(struct cursor *c, struct arena *arena, enum openflow_type type,
            struct openflow_message *m)
{
    size_t size;
    *m = (struct openflow_message){.type = type};
    if (c->err)
        return;
    enum err err = openflow_frame(c->pos, cursor_left(c), OPENFLOW_SIZE_MAX, &size);
    if (!err)
        err = openflow_decode(c->pos, size, arena, m, NULL, NULL);
    if (!err && m->type != type)
        err = ERR_MALFORMED;
    if (err)
        cursor_fail(c, err, "OpenFlow message");
    else
        cursor_skip(c, size, "OpenFlow message");
}

/* ---- Records ---- */

static enum err
put_hello(struct buf *b, const struct handover_record *r)
{
    const struct handover_hello *h = &r->hello;
    buf_be16(b, h->version);
    buf_be64(b, h->datapath_id);
    put_text(b, h->name);
    buf_be32(b, h->n_ports);
    for (uint32_t i = 0; i < h->n_ports; i++) {
        buf_be32(b, h->ports[i].number);
        put_text(b, h->ports[i].interface);
    }
    return ERR_OK;
}

static uint16_t
get_version(struct cursor *c)
{
    uint16_t version = cursor_be16(c, "version");
    if (version != HANDOVER_VERSION)
        cursor_fail(c, ERR_UNSUPPORTED, "version");
    return version;
}

static void
get_hello(struct cursor *c, struct arena *arena UNUSED, struct handover_record *r)
{
    struct handover_hello *h = &r->hello;
    h->version = get_version(c);
    h->datapath_id = cursor_be64(c, "datapath id");
    get_text(c, h->name, sizeof h->name, "name");
    h->n_ports = cursor_be32(c, "number of ports");
    if (h->n_ports > MAX_PORTS)
        cursor_fail(c, ERR_LIMIT, "number of ports");
    for (uint32_t i = 0; i < h->n_ports && !c->err; i++) {
        h->ports[i].number = cursor_be32(c, "port number");
        get_text(c, h->ports[i].interface, sizeof h->ports[i].interface, "interface");
    }
}

static enum err
put_refused(struct buf *b, const struct handover_record *r)
{
    put_text(b, r->reason);
    return ERR_OK;
}

static void
get_refused(struct cursor *c, struct arena *arena UNUSED, struct handover_record *r)
{
    get_text(c, r->reason, sizeof r->reason, "reason");
}

static enum err
put_begin(struct buf *b, const struct handover_record *r)
{
    const struct handover_begin *p = &r->begin;
    buf_be16(b, p->version);
    buf_be32(b, p->n_ports);
    buf_be32(b, p->n_meters);
    buf_be32(b, p->n_groups);
    buf_be32(b, p->n_flows);
    buf_be64(b, (uint64_t)p->wait_to_restore);
    return ERR_OK;
}

static void
get_begin(struct cursor *c, struct arena *arena UNUSED, struct handover_record *r)
{
    struct handover_begin *p = &r->begin;
    p->version = get_version(c);
    p->n_ports = cursor_be32(c, "number of ports");
    p->n_meters = cursor_be32(c, "number of meters");
    p->n_groups = cursor_be32(c, "number of groups");
    p->n_flows = cursor_be32(c, "number of flows");
    p->wait_to_restore = (nsec_t)cursor_be64(c, "wait to restore");
    if (p->n_ports > MAX_PORTS)
        cursor_fail(c, ERR_LIMIT, "number of ports");
    if (p->wait_to_restore < -1)
        cursor_fail(c, ERR_MALFORMED, "wait to restore");
}

static enum err
put_port(struct buf *b, const struct handover_record *r)
{
    const struct handover_port *p = &r->port;
    struct buf scheduling = BUF_INIT;
    scheduler_config_format(&p->scheduling, &scheduling);
    buf_be32(b, p->number);
    put_text(b, p->interface);
    buf_u8(b, p->flags);
    buf_u8(b, p->n_descriptors);
    buf_be32(b, p->config);
    buf_be32(b, p->position);
    buf_be64(b, (uint64_t)p->restore_at);
    buf_be64(b, (uint64_t)p->created);
    put_text(b, buf_cstr(&scheduling));
    buf_fini(&scheduling);
    const uint64_t counts[] = {p->rx.packets, p->rx.octets, p->rx.dropped, p->rx.errors,
                               p->tx.packets, p->tx.octets, p->tx.dropped, p->tx.errors};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        buf_be64(b, counts[i]);
    for (unsigned q = 0; q < N_QUEUES; q++) {
        buf_be64(b, p->queues[q].packets);
        buf_be64(b, p->queues[q].octets);
        buf_be64(b, p->queues[q].dropped);
    }
    return ERR_OK;
}

static void
get_scheduling(struct cursor *c, struct scheduler_config *config)
{
    char text[1024];
    get_text(c, text, sizeof text, "scheduling");
    if (!c->err && text[0] && scheduler_config_parse(text, config, NULL))
        cursor_fail(c, ERR_MALFORMED, "scheduling");
}

static void
get_port(struct cursor *c, struct arena *arena UNUSED, struct handover_record *r)
{
    struct handover_port *p = &r->port;
    p->number = cursor_be32(c, "port number");
    get_text(c, p->interface, sizeof p->interface, "interface");
    p->flags = cursor_u8(c, "flags");
    p->n_descriptors = cursor_u8(c, "number of descriptors");
    p->config = cursor_be32(c, "config");
    p->position = cursor_be32(c, "position");
    p->restore_at = get_time(c, "time to restore");
    p->created = get_time(c, "time of creation");
    if (p->flags & ~HANDOVER_PORT_ALL || p->n_descriptors == 1 || p->n_descriptors > 3)
        cursor_fail(c, ERR_MALFORMED, "flags");
    get_scheduling(c, &p->scheduling);
    uint64_t *const counts[] = {&p->rx.packets, &p->rx.octets, &p->rx.dropped, &p->rx.errors,
                                &p->tx.packets, &p->tx.octets, &p->tx.dropped, &p->tx.errors};
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
        *counts[i] = cursor_be64(c, "port counters");
    for (unsigned q = 0; q < N_QUEUES; q++) {
        p->queues[q].packets = cursor_be64(c, "queue packets");
        p->queues[q].octets = cursor_be64(c, "queue octets");
        p->queues[q].dropped = cursor_be64(c, "queue dropped");
    }
}

static enum err
put_meter(struct buf *b, const struct handover_record *r)
{
    const struct handover_meter *p = &r->meter;
    const struct openflow_message m = {.type = OFPT_METER_MOD,
                                       .meter_mod = {.command = OFPGC_ADD, .meter = p->meter}};
    enum err err = p->meter.n_bands > METER_BANDS ? ERR_LIMIT : put_message(b, &m);
    buf_be64(b, (uint64_t)p->created);
    buf_be64(b, p->packets);
    buf_be64(b, p->octets);
    for (uint32_t i = 0; i < p->meter.n_bands && !err; i++) {
        buf_be64(b, p->bands[i].due);
        buf_be64(b, p->bands[i].packets);
        buf_be64(b, p->bands[i].octets);
    }
    return err;
}

static void
get_meter(struct cursor *c, struct arena *arena, struct handover_record *r)
{
    struct handover_meter *p = &r->meter;
    struct openflow_message m;
    get_message(c, arena, OFPT_METER_MOD, &m);
    if (c->err || m.meter_mod.command != OFPGC_ADD || m.meter_mod.meter.n_bands > METER_BANDS) {
        cursor_fail(c, ERR_MALFORMED, "meter");
        return;
    }
    p->meter = m.meter_mod.meter;
    p->created = get_time(c, "time of creation");
    p->packets = cursor_be64(c, "packets");
    p->octets = cursor_be64(c, "octets");
    for (uint32_t i = 0; i < p->meter.n_bands; i++) {
        p->bands[i].due = cursor_be64(c, "band's time");
        p->bands[i].packets = cursor_be64(c, "band's packets");
        p->bands[i].octets = cursor_be64(c, "band's octets");
    }
}

static enum err
put_group(struct buf *b, const struct handover_record *r)
{
    const struct handover_group *p = &r->group;
    const struct openflow_message m = {.type = OFPT_GROUP_MOD,
                                       .group_mod = {.command = OFPGC_ADD, .group = p->group}};
    enum err err = p->group.n_buckets > HANDOVER_BUCKETS ? ERR_LIMIT : put_message(b, &m);
    buf_be64(b, (uint64_t)p->created);
    put_traffic(b, &p->traffic);
    for (uint32_t i = 0; i < p->group.n_buckets && !err; i++)
        put_traffic(b, &p->buckets[i]);
    return err;
}

static void
get_group(struct cursor *c, struct arena *arena, struct handover_record *r)
{
    struct handover_group *p = &r->group;
    struct openflow_message m;
    get_message(c, arena, OFPT_GROUP_MOD, &m);
    if (c->err || m.group_mod.command != OFPGC_ADD ||
        m.group_mod.group.n_buckets > HANDOVER_BUCKETS) {
        cursor_fail(c, ERR_MALFORMED, "group");
        return;
    }
    p->group = m.group_mod.group;
    p->created = get_time(c, "time of creation");
    p->traffic = get_traffic(c);
    p->buckets = arena_calloc(arena, p->group.n_buckets, sizeof *p->buckets);
    if (!p->buckets)
        cursor_fail(c, ERR_LIMIT, "buckets");
    for (uint32_t i = 0; i < p->group.n_buckets && !c->err; i++)
        p->buckets[i] = get_traffic(c);
}

static enum err
put_flow(struct buf *b, const struct handover_record *r)
{
    const struct handover_flow *p = &r->flow;
    const struct openflow_message m = {.type = OFPT_FLOW_MOD,
                                       .flow_mod = {.command = OFPFC_ADD,
                                                    .flow = p->flow,
                                                    .buffer_id = NO_BUFFER,
                                                    .out_port = PORT_ANY,
                                                    .out_group = GROUP_ANY}};
    enum err err = put_message(b, &m);
    buf_be64(b, (uint64_t)p->created);
    put_traffic(b, &p->traffic);
    return err;
}

static void
get_flow(struct cursor *c, struct arena *arena, struct handover_record *r)
{
    struct handover_flow *p = &r->flow;
    struct openflow_message m;
    get_message(c, arena, OFPT_FLOW_MOD, &m);
    if (c->err || m.flow_mod.command != OFPFC_ADD || m.flow_mod.flow.table_id >= N_TABLES) {
        cursor_fail(c, ERR_MALFORMED, "flow");
        return;
    }
    p->flow = m.flow_mod.flow;
    p->created = get_time(c, "time of creation");
    p->traffic = get_traffic(c);
}

static enum err
put_counts(struct buf *b, const struct handover_record *r)
{
    const struct handover_counts *p = &r->counts;
    buf_be16(b, N_TABLES);
    for (unsigned i = 0; i < N_TABLES; i++) {
        buf_be64(b, p->tables[i].lookups);
        buf_be64(b, p->tables[i].matches);
    }
    buf_be16(b, DROP_MAX);
    for (unsigned i = 0; i < DROP_MAX; i++) {
        put_text(b, drop_table[i].name);
        buf_be64(b, p->drops[i]);
    }
    return ERR_OK;
}

static unsigned
find_reason(const char *name)
{
    unsigned i = 0;
    while (i < DROP_MAX && strcmp(name, drop_table[i].name))
        i++;
    return i;
}

static void
put_path(struct buf *b, const struct redundancy_saved_path *p)
{
    buf_be32(b, p->last);
    buf_be64(b, (uint64_t)p->heard);
    buf_be64(b, p->received);
    buf_be64(b, p->lost);
    buf_be64(b, p->reordered);
    buf_be64(b, p->jumps);
    buf_be64(b, p->wrong_lan);
}

static struct redundancy_saved_path
get_path(struct cursor *c)
{
    struct redundancy_saved_path p = {.last = cursor_be32(c, "last number")};
    p.heard = get_time(c, "time heard");
    p.received = cursor_be64(c, "received");
    p.lost = cursor_be64(c, "lost");
    p.reordered = cursor_be64(c, "reordered");
    p.jumps = cursor_be64(c, "jumps");
    p.wrong_lan = cursor_be64(c, "wrong LAN");
    return p;
}

static enum err
put_stream(struct buf *b, const struct handover_record *r)
{
    const struct redundancy_saved *w = r->stream.window;
    buf_be32(b, r->stream.id);
    buf_be32(b, r->stream.next);
    buf_be64(b, r->stream.sequenced);
    buf_be32(b, w ? REDUNDANCY_WINDOW : 0);
    if (!w)
        return ERR_OK;
    put_path(b, &w->paths[0]);
    put_path(b, &w->paths[1]);
    put_path(b, &w->passed);
    buf_be64(b, (uint64_t)w->heard);
    buf_be64(b, (uint64_t)w->begun);
    buf_be64(b, w->discarded);
    buf_be64(b, w->untagged);
    buf_be32(b, w->n_seen);
    for (unsigned i = 0; i < w->n_seen; i++)
        buf_be64(b, w->seen[i]);
    return ERR_OK;
}

static void
get_stream(struct cursor *c, struct arena *arena, struct handover_record *r)
{
    r->stream.id = cursor_be32(c, "stream");
    r->stream.next = cursor_be32(c, "next number");
    r->stream.sequenced = cursor_be64(c, "numbers given");
    uint32_t n = cursor_be32(c, "size of the window");
    r->stream.window = NULL;
    if (c->err || n == 0)
        return;
    struct redundancy_saved *w = n == REDUNDANCY_WINDOW ? arena_calloc(arena, 1, sizeof *w) : NULL;
    if (!w) {
        cursor_fail(c, n == REDUNDANCY_WINDOW ? ERR_LIMIT : ERR_UNSUPPORTED, "size of the window");
        return;
    }
    w->paths[0] = get_path(c);
    w->paths[1] = get_path(c);
    w->passed = get_path(c);
    w->heard = get_time(c, "time heard");
    w->begun = get_time(c, "time of the beginning");
    w->discarded = cursor_be64(c, "discarded");
    w->untagged = cursor_be64(c, "without a tag");
    w->n_seen = cursor_be32(c, "how many numbers were seen");
    if (!c->err && w->n_seen != 0 && w->n_seen != REDUNDANCY_WINDOW)
        cursor_fail(c, ERR_INVALID, "how many numbers were seen");
    for (unsigned i = 0; !c->err && i < w->n_seen; i++)
        w->seen[i] = cursor_be64(c, "numbers seen");
    r->stream.window = w;
}

/* Reasons go by name: a later version may have more of them, in another order. */
static void
get_counts(struct cursor *c, struct arena *arena UNUSED, struct handover_record *r)
{
    struct handover_counts *p = &r->counts;
    uint16_t n = cursor_be16(c, "number of tables");
    if (n != N_TABLES)
        cursor_fail(c, ERR_UNSUPPORTED, "number of tables");
    for (unsigned i = 0; i < N_TABLES; i++) {
        p->tables[i].lookups = cursor_be64(c, "lookups");
        p->tables[i].matches = cursor_be64(c, "matches");
    }
    n = cursor_be16(c, "number of reasons");
    for (unsigned i = 0; i < n && !c->err; i++) {
        char name[64];
        get_text(c, name, sizeof name, "reason");
        unsigned reason = find_reason(name);
        uint64_t value = cursor_be64(c, "drops");
        if (reason == DROP_MAX)
            cursor_fail(c, ERR_UNSUPPORTED, "reason");
        else
            p->drops[reason] = value;
    }
}

static enum err
put_stopped(struct buf *b, const struct handover_record *r)
{
    buf_be64(b, (uint64_t)r->stopped);
    return ERR_OK;
}

static void
get_stopped(struct cursor *c, struct arena *arena UNUSED, struct handover_record *r)
{
    r->stopped = get_time(c, "time of the stop");
}

static enum err
put_flow_counts(struct buf *b, const struct handover_record *r)
{
    buf_be32(b, r->flow_counts.n);
    for (uint32_t i = 0; i < r->flow_counts.n; i++) {
        buf_be32(b, r->flow_counts.list[i].index);
        put_traffic(b, &r->flow_counts.list[i].more);
    }
    return r->flow_counts.n > HANDOVER_COUNTS ? ERR_LIMIT : ERR_OK;
}

static void
get_flow_counts(struct cursor *c, struct arena *arena, struct handover_record *r)
{
    uint32_t n = cursor_be32(c, "number of flows");
    if (n > HANDOVER_COUNTS)
        cursor_fail(c, ERR_LIMIT, "number of flows");
    struct handover_flow_count *list = c->err ? NULL : arena_calloc(arena, n, sizeof *list);
    if (!list)
        cursor_fail(c, ERR_LIMIT, "number of flows");
    for (uint32_t i = 0; i < n && !c->err; i++) {
        list[i].index = cursor_be32(c, "flow");
        list[i].more = get_traffic(c);
    }
    r->flow_counts.n = n;
    r->flow_counts.list = list;
}

static enum err
put_nothing(struct buf *b UNUSED, const struct handover_record *r UNUSED)
{
    return ERR_OK;
}

static void
get_nothing(struct cursor *c UNUSED, struct arena *arena UNUSED, struct handover_record *r UNUSED)
{
}

static const struct record_desc {
    const char *name;
    enum err (*put)(struct buf *, const struct handover_record *);
    void (*get)(struct cursor *, struct arena *, struct handover_record *);
} record_table[HANDOVER_TYPES] = {
    [HANDOVER_HELLO] = {"HELLO", put_hello, get_hello},
    [HANDOVER_REFUSED] = {"REFUSED", put_refused, get_refused},
    [HANDOVER_BEGIN] = {"BEGIN", put_begin, get_begin},
    [HANDOVER_PORT] = {"PORT", put_port, get_port},
    [HANDOVER_METER] = {"METER", put_meter, get_meter},
    [HANDOVER_GROUP] = {"GROUP", put_group, get_group},
    [HANDOVER_FLOW] = {"FLOW", put_flow, get_flow},
    [HANDOVER_STREAM] = {"STREAM", put_stream, get_stream},
    [HANDOVER_COUNTS_OF_ALL] = {"COUNTS", put_counts, get_counts},
    [HANDOVER_END] = {"END", put_nothing, get_nothing},
    [HANDOVER_READY] = {"READY", put_nothing, get_nothing},
    [HANDOVER_STOPPED] = {"STOPPED", put_stopped, get_stopped},
    [HANDOVER_TAKEN] = {"TAKEN", put_nothing, get_nothing},
    [HANDOVER_FLOW_COUNTS] = {"FLOW_COUNTS", put_flow_counts, get_flow_counts},
    [HANDOVER_DONE] = {"DONE", put_nothing, get_nothing},
};

/* ---- Framing ---- */

const char *
handover_type_name(enum handover_type type)
{
    return type > 0 && type < HANDOVER_TYPES ? record_table[type].name : "unknown";
}

enum err
handover_encode(const struct handover_record *r, struct buf *out)
{
    size_t start = out->size;
    buf_u8(out, (uint8_t)r->type);
    buf_zero(out, HANDOVER_HEADER_SIZE - 1);
    enum err err = record_table[r->type].put(out, r);
    size_t size = out->size - start - HANDOVER_HEADER_SIZE;
    if (!err)
        err = size > HANDOVER_SIZE_MAX ? ERR_LIMIT : buf_err(out);
    if (err) {
        out->size = start;
        return err;
    }
    buf_patch_be32(out, start + 4, (uint32_t)size);
    const uint8_t *header = out->data + start;
    buf_patch_be32(out, start + 8, checksum(header, header + HANDOVER_HEADER_SIZE, size));
    return ERR_OK;
}

enum err
handover_frame(const uint8_t header[HANDOVER_HEADER_SIZE], size_t *size, struct diag *diag)
{
    uint32_t length = get_be32(header + 4);
    if (header[0] == 0 || header[0] >= HANDOVER_TYPES)
        return diag_set(diag, ERR_UNSUPPORTED, "a record of unknown type %u", header[0]);
    if (header[1] || header[2] || header[3])
        return diag_set(diag, ERR_MALFORMED, "%s: octets that must be zero are not",
                        record_table[header[0]].name);
    if (length > HANDOVER_SIZE_MAX)
        return diag_set(diag, ERR_LIMIT, "%s: %u octets", record_table[header[0]].name, length);
    *size = length;
    return ERR_OK;
}

enum err
handover_decode(const uint8_t *data, size_t size, struct arena *arena,
                struct handover_record *result, struct diag *diag)
{
    size_t length;
    if (size < HANDOVER_HEADER_SIZE)
        return diag_set(diag, ERR_TRUNCATED, "no whole header of a record");
    enum err err = handover_frame(data, &length, diag);
    if (err)
        return err;
    const char *name = record_table[data[0]].name;
    if (length != size - HANDOVER_HEADER_SIZE)
        return diag_set(diag, ERR_TRUNCATED, "%s: %zu octets of %zu", name,
                        size - HANDOVER_HEADER_SIZE, length);
    if (get_be32(data + 8) != checksum(data, data + HANDOVER_HEADER_SIZE, length))
        return diag_set(diag, ERR_CORRUPT, "%s: its checksum is wrong", name);
    struct cursor c = cursor_over(data + HANDOVER_HEADER_SIZE, length);
    result->type = data[0];
    memset(&result->hello, 0, sizeof *result - offsetof(struct handover_record, hello));
    record_table[data[0]].get(&c, arena, result);
    if (!c.err && cursor_left(&c))
        cursor_fail(&c, ERR_MALFORMED, "trailing octets");
    err = cursor_explain(&c, diag);
    if (err)
        diag_prefix(diag, "%s", name);
    return err;
}
