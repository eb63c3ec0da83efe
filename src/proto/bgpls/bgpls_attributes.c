/* One row of `rows` is all there is to say of a TLV: sizes, where its value goes, and its kind. A
 * kind reads, writes and prints values of one shape. */
#include "proto/bgpls/bgpls_attributes.h"

#include "base/cursor.h"
#include "base/hex.h"

#include <arpa/inet.h>
#include <math.h>

enum { SID_LABEL = 1161 }; /* RFC 9085 section 2.1.1 */

struct reader {
    struct arena *arena;
    struct bgpls_attributes *attributes;
    uint16_t type;
    bool nested; /* within an application */
    enum err err;
    const char *what;
};

/* `at` is the member of struct bgpls_attributes. */
struct kind {
    void (*decode)(struct reader *, struct cursor *, void *at);
    /* Everything after the TLV's length, or with `several` whole TLVs. */
    void (*encode)(const void *at, uint16_t type, struct buf *);
    void (*print)(const void *at, struct buf *);
    bool several; /* TLVs of this type */
    size_t size;  /* of the member */
};

static void
drop(struct reader *r, float value, const char *why)
{
    struct bgpls_attributes *a = r->attributes;
    if (a->n_dropped < BGPLS_DROPPED_MAX)
        a->dropped[a->n_dropped] = (struct bgpls_dropped){r->type, value, why};
    a->n_dropped++;
}

static void
wrong(struct reader *r, enum err err, const char *what)
{
    if (r->err)
        return;
    r->err = err;
    r->what = what;
}

static void *
take_memory(struct reader *r, size_t size)
{
    void *p = arena_alloc(r->arena, size);
    if (!p)
        wrong(r, ERR_LIMIT, "too much for one attribute");
    return p;
}

/* ---- kinds: numbers */

static void
decode_u8(struct reader *r, struct cursor *in, void *at)
{
    (void)r;
    *(uint8_t *)at = cursor_u8(in, "value");
}

static void
encode_u8(const void *at, uint16_t type, struct buf *out)
{
    (void)type;
    buf_u8(out, *(const uint8_t *)at);
}

static void
print_u8(const void *at, struct buf *out)
{
    buf_printf(out, "%u", *(const uint8_t *)at);
}

static void
print_flags(const void *at, struct buf *out)
{
    buf_printf(out, "0x%02x", *(const uint8_t *)at);
}

static void
decode_u16(struct reader *r, struct cursor *in, void *at)
{
    (void)r;
    *(uint16_t *)at = cursor_be16(in, "value");
}

static void
encode_u16(const void *at, uint16_t type, struct buf *out)
{
    (void)type;
    buf_be16(out, *(const uint16_t *)at);
}

static void
print_u16(const void *at, struct buf *out)
{
    buf_printf(out, "0x%04x", *(const uint16_t *)at);
}

static void
decode_u32(struct reader *r, struct cursor *in, void *at)
{
    (void)r;
    *(uint32_t *)at = cursor_be32(in, "value");
}

static void
encode_u32(const void *at, uint16_t type, struct buf *out)
{
    (void)type;
    buf_be32(out, *(const uint32_t *)at);
}

static void
print_u32(const void *at, struct buf *out)
{
    buf_printf(out, "%u", *(const uint32_t *)at);
}

static void
print_bits32(const void *at, struct buf *out)
{
    buf_printf(out, "0x%08x", *(const uint32_t *)at);
}

static void
print_ipv4_number(const void *at, struct buf *out)
{
    uint32_t a = *(const uint32_t *)at;
    buf_printf(out, "%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255);
}

static void
decode_metric(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_metric *metric = at;
    (void)r;
    metric->size = (uint8_t)cursor_left(in);
    for (uint8_t i = 0; i < metric->size; i++)
        metric->value = metric->value << 8 | cursor_u8(in, "metric");
}

static void
encode_metric(const void *at, uint16_t type, struct buf *out)
{
    const struct bgpls_metric *metric = at;
    (void)type;
    for (int i = metric->size - 1; i >= 0; i--)
        buf_u8(out, (uint8_t)(metric->value >> 8 * i));
}

static void
print_metric(const void *at, struct buf *out)
{
    buf_printf(out, "%u", ((const struct bgpls_metric *)at)->value);
}

/* ---- kinds: bandwidths */

/* What FRR makes of 10 Gbit/s: the rate in bit/s, cut to 32 bits, in octets/s. */
#define FRR_TRUNCATED 176258176.0f

static float
read_float(struct cursor *in)
{
    uint32_t bits = cursor_be32(in, "bandwidth");
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void
put_float(float value, struct buf *out)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    buf_be32(out, bits);
}

/* Why it cannot be; NULL: it can. */
static const char *
impossible(float value)
{
    if (isnan(value))
        return "a bandwidth that is no number";
    if (signbit(value) && value != 0)
        return "a negative bandwidth";
    if (isinf(value))
        return "an infinite bandwidth";
    if (value == FRR_TRUNCATED)
        return "a bandwidth that was cut to 32 bits (176258176 octets/s)";
    return NULL;
}

static void
decode_bandwidth(struct reader *r, struct cursor *in, void *at)
{
    float value = read_float(in);
    const char *why = impossible(value);
    if (why)
        drop(r, value, why);
    *(float *)at = why ? NAN : value;
}

static void
encode_bandwidth(const void *at, uint16_t type, struct buf *out)
{
    (void)type;
    put_float(*(const float *)at, out);
}

static void
print_bandwidth(const void *at, struct buf *out)
{
    buf_printf(out, "%.9g", (double)*(const float *)at);
}

static void
decode_bandwidths(struct reader *r, struct cursor *in, void *at)
{
    float *values = at;
    for (int i = 0; i < 8; i++)
        decode_bandwidth(r, in, &values[i]);
}

static void
encode_bandwidths(const void *at, uint16_t type, struct buf *out)
{
    const float *values = at;
    (void)type;
    for (int i = 0; i < 8; i++) {
        const uint32_t nan_bits = 0x7fc00000; /* one form of it, whatever came */
        if (isnan(values[i]))
            buf_be32(out, nan_bits);
        else
            put_float(values[i], out);
    }
}

static void
print_bandwidths(const void *at, struct buf *out)
{
    const float *values = at;
    for (int i = 0; i < 8; i++) {
        buf_str(out, i ? " " : "");
        if (isnan(values[i]))
            buf_u8(out, '?');
        else
            buf_printf(out, "%.9g", (double)values[i]);
    }
}

/* ---- kinds: octets, and lists of numbers that stay where they are */

static void
decode_octets(struct reader *r, struct cursor *in, void *at)
{
    size_t size = cursor_left(in);
    (void)r;
    *(struct bgpls_octets *)at = (struct bgpls_octets){cursor_bytes(in, size, "value"),
                                                       (uint16_t)size};
}

static void
encode_octets(const void *at, uint16_t type, struct buf *out)
{
    const struct bgpls_octets *octets = at;
    (void)type;
    buf_put(out, octets->data, octets->size);
}

static void
print_octets(const void *at, struct buf *out)
{
    const struct bgpls_octets *octets = at;
    hex_put(out, octets->data, octets->size);
}

/* A name is told by a peer: what is not plain is written as in C. */
static void
print_text(const void *at, struct buf *out)
{
    const struct bgpls_octets *octets = at;
    buf_u8(out, '"');
    for (size_t i = 0; i < octets->size; i++) {
        uint8_t c = octets->data[i];
        if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
            buf_printf(out, "\\%03o", c);
        else
            buf_u8(out, c);
    }
    buf_u8(out, '"');
}

static void
print_numbers(const void *at, size_t width, const char *format, struct buf *out)
{
    const struct bgpls_octets *octets = at;
    for (size_t i = 0; i + width <= octets->size; i += width) {
        unsigned value = 0;
        for (size_t j = 0; j < width; j++)
            value = value << 8 | octets->data[i + j];
        buf_str(out, i ? " " : "");
        buf_printf(out, *format == 'x' ? "%08x" : "%u", value);
    }
}

static void
print_u8s(const void *at, struct buf *out)
{
    print_numbers(at, 1, "u", out);
}

static void
print_u16s(const void *at, struct buf *out)
{
    print_numbers(at, 2, "u", out);
}

static void
print_u32s(const void *at, struct buf *out)
{
    print_numbers(at, 4, "u", out);
}

static void
print_words(const void *at, struct buf *out)
{
    print_numbers(at, 4, "x", out);
}

static void
print_msds(const void *at, struct buf *out)
{
    const struct bgpls_octets *octets = at;
    for (size_t i = 0; i + 2 <= octets->size; i += 2)
        buf_printf(out, "%s%u:%u", i ? " " : "", octets->data[i], octets->data[i + 1]);
}

static void
print_one_address(const struct bgpls_octets *octets, struct buf *out)
{
    char text[INET6_ADDRSTRLEN];
    if (octets->size == 4 || octets->size == 16)
        buf_str(out,
                inet_ntop(octets->size == 4 ? AF_INET : AF_INET6, octets->data, text, sizeof text));
    else
        hex_put(out, octets->data, octets->size);
}

static void
print_address(const void *at, struct buf *out)
{
    print_one_address(at, out);
}

/* ---- kinds: TLVs that are there more than once */

static void
put_tlv(uint16_t type, const struct bgpls_octets *octets, struct buf *out)
{
    buf_be16(out, type);
    buf_be16(out, octets->size);
    buf_put(out, octets->data, octets->size);
}

static void
decode_octets_list(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_octets_list *one = take_memory(r, sizeof *one), **end = at;
    if (!one)
        return;
    decode_octets(r, in, &one->octets);
    one->next = *end; /* turned round when all are there */
    *end = one;
}

static void
encode_octets_list(const void *at, uint16_t type, struct buf *out)
{
    for (const struct bgpls_octets_list *one = *(struct bgpls_octets_list *const *)at; one;
         one = one->next)
        put_tlv(type, &one->octets, out);
}

static void
print_octets_list(const void *at, struct buf *out)
{
    const struct bgpls_octets_list *first = *(struct bgpls_octets_list *const *)at;
    for (const struct bgpls_octets_list *one = first; one; one = one->next) {
        buf_str(out, one == first ? "" : " ");
        print_one_address(&one->octets, out);
    }
}

static void
print_areas(const void *at, struct buf *out)
{
    const struct bgpls_octets_list *first = *(struct bgpls_octets_list *const *)at;
    for (const struct bgpls_octets_list *one = first; one; one = one->next) {
        buf_str(out, one == first ? "" : " ");
        hex_put(out, one->octets.data, one->octets.size);
    }
}

/* ---- kinds: segments */

/* An index of four octets, or a label of three of which the first four bits are not used. */
static void
read_sid(struct reader *r, struct cursor *in, bool *is_label, uint32_t *value)
{
    size_t left = cursor_left(in);
    *is_label = left == 3;
    if (left == 3)
        *value = cursor_be24(in, "label") & 0xfffff;
    else if (left == 4)
        *value = cursor_be32(in, "index");
    else
        wrong(r, ERR_MALFORMED, "a segment of neither three nor four octets");
}

static void
put_sid(bool is_label, uint32_t value, struct buf *out)
{
    if (is_label)
        buf_be24(out, value & 0xfffff);
    else
        buf_be32(out, value);
}

static struct bgpls_sid *
new_sid(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_sid *sid = take_memory(r, sizeof *sid), **end = at;
    if (!sid)
        return NULL;
    sid->flags = cursor_u8(in, "Flags");
    sid->next = *end;
    *end = sid;
    return sid;
}

static void
decode_adjacency(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_sid *sid = new_sid(r, in, at);
    if (!sid)
        return;
    sid->weight = cursor_u8(in, "Weight");
    cursor_skip(in, 2, "Reserved");
    read_sid(r, in, &sid->is_label, &sid->value);
}

static void
decode_lan_adjacency(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_sid *sid = new_sid(r, in, at);
    if (!sid)
        return;
    sid->weight = cursor_u8(in, "Weight");
    cursor_skip(in, 2, "Reserved");
    /* 4 + 3, 4 + 4 of OSPF; 6 + 3, 6 + 4 of IS-IS (RFC 9085 section 2.2.2) */
    sid->neighbour_size = cursor_left(in) >= 9 ? 6 : 4;
    cursor_copy(in, sid->neighbour, sid->neighbour_size, "Neighbor ID");
    read_sid(r, in, &sid->is_label, &sid->value);
}

static void
decode_prefix_sid(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_sid *sid = new_sid(r, in, at);
    if (!sid)
        return;
    sid->algorithm = cursor_u8(in, "Algorithm");
    cursor_skip(in, 2, "Reserved");
    read_sid(r, in, &sid->is_label, &sid->value);
}

/* One of `weight` and `algorithm` is 0. */
static void
encode_sids(const void *at, uint16_t type, struct buf *out)
{
    for (const struct bgpls_sid *sid = *(struct bgpls_sid *const *)at; sid; sid = sid->next) {
        buf_be16(out, type);
        buf_be16(out, (uint16_t)(4 + sid->neighbour_size + (sid->is_label ? 3 : 4)));
        buf_u8(out, sid->flags);
        buf_u8(out, sid->weight | sid->algorithm);
        buf_be16(out, 0);
        buf_put(out, sid->neighbour, sid->neighbour_size);
        put_sid(sid->is_label, sid->value, out);
    }
}

static void
print_sids(const void *at, struct buf *out)
{
    const struct bgpls_sid *first = *(struct bgpls_sid *const *)at;
    for (const struct bgpls_sid *sid = first; sid; sid = sid->next) {
        buf_printf(out, "%s%s %u flags 0x%02x", sid == first ? "" : "; ",
                   sid->is_label ? "label" : "index", sid->value, sid->flags);
        if (sid->weight)
            buf_printf(out, " weight %u", sid->weight);
        if (sid->algorithm)
            buf_printf(out, " algorithm %u", sid->algorithm);
        if (sid->neighbour_size) {
            buf_str(out, " neighbor ");
            hex_put(out, sid->neighbour, sid->neighbour_size);
        }
    }
}

static void
decode_block(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_block *block = at;
    struct bgpls_range **end = &block->ranges;
    block->flags = cursor_u8(in, "Flags");
    cursor_skip(in, 1, "Reserved");
    while (cursor_left(in) && !r->err) {
        struct bgpls_range *range = take_memory(r, sizeof *range);
        if (!range)
            return;
        range->size = cursor_be24(in, "Range Size");
        uint16_t type = cursor_be16(in, "SID/Label Type"),
                 size = cursor_be16(in, "SID/Label Length");
        struct cursor sid = cursor_split(in, size, "SID/Label");
        if (!in->err && type != SID_LABEL)
            wrong(r, ERR_MALFORMED, "a range without its first label");
        if (!in->err)
            read_sid(r, &sid, &range->is_label, &range->first);
        *end = range;
        end = &range->next;
    }
}

static void
encode_block(const void *at, uint16_t type, struct buf *out)
{
    const struct bgpls_block *block = at;
    (void)type;
    buf_u8(out, block->flags);
    buf_u8(out, 0);
    for (const struct bgpls_range *range = block->ranges; range; range = range->next) {
        buf_be24(out, range->size);
        buf_be16(out, SID_LABEL);
        buf_be16(out, range->is_label ? 3 : 4);
        put_sid(range->is_label, range->first, out);
    }
}

static void
print_block(const void *at, struct buf *out)
{
    const struct bgpls_block *block = at;
    buf_printf(out, "flags 0x%02x", block->flags);
    for (const struct bgpls_range *range = block->ranges; range; range = range->next)
        buf_printf(out, " %u-%llu", range->first,
                   (unsigned long long)range->first + range->size - (range->size ? 1 : 0));
}

/* ---- kinds: delays */

static uint32_t
read_delay(struct cursor *in, bool *anomalous)
{
    uint32_t word = cursor_be32(in, "delay");
    *anomalous |= word >> 31;
    return word & 0xffffff;
}

static void
decode_delay(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_delay *delay = at;
    bool none = false;
    (void)r;
    delay->value = read_delay(in, &delay->anomalous);
    if (cursor_left(in))
        delay->max = read_delay(in, &none); /* its first octet is reserved */
}

static void
encode_delay(const void *at, uint16_t type, struct buf *out)
{
    const struct bgpls_delay *delay = at;
    (void)type;
    buf_be32(out, (delay->anomalous ? 1u << 31 : 0) | (delay->value & 0xffffff));
}

static void
encode_min_max(const void *at, uint16_t type, struct buf *out)
{
    const struct bgpls_delay *delay = at;
    encode_delay(at, type, out);
    buf_be32(out, delay->max & 0xffffff);
}

static void
print_delay(const void *at, struct buf *out)
{
    const struct bgpls_delay *delay = at;
    buf_printf(out, "%u%s", delay->value, delay->anomalous ? " anomalous" : "");
}

static void
print_min_max(const void *at, struct buf *out)
{
    const struct bgpls_delay *delay = at;
    buf_printf(out, "%u-%u%s", delay->value, delay->max, delay->anomalous ? " anomalous" : "");
}

/* ---- kinds: what is told by application */

static void read_tlvs(struct reader *, struct cursor *);

static bool
is_mask_size(uint8_t size)
{
    return size == 0 || size == 4 || size == 8;
}

/* What was left out there is told as if it had been left out here. */
static void
take_dropped(struct reader *r, struct bgpls_attributes *from)
{
    struct bgpls_attributes *a = r->attributes;
    for (unsigned i = 0; i < from->n_dropped; i++, a->n_dropped++)
        if (a->n_dropped < BGPLS_DROPPED_MAX && i < BGPLS_DROPPED_MAX)
            a->dropped[a->n_dropped] = from->dropped[i];
    from->n_dropped = 0;
}

static void
decode_application(struct reader *r, struct cursor *in, void *at)
{
    struct bgpls_application *app = take_memory(r, sizeof *app), **end = at;
    struct bgpls_attributes *attributes = take_memory(r, sizeof *attributes);
    struct reader inner = {.arena = r->arena, .attributes = attributes, .nested = true};
    if (!app || !attributes)
        return;
    app->standard_size = cursor_u8(in, "SABM Length");
    app->user_size = cursor_u8(in, "UDABM Length");
    cursor_skip(in, 2, "Reserved");
    if (!is_mask_size(app->standard_size) || !is_mask_size(app->user_size)) {
        wrong(r, ERR_MALFORMED, "the length of a mask of applications");
        return;
    }
    cursor_copy(in, app->standard, app->standard_size, "SABM");
    cursor_copy(in, app->user, app->user_size, "UDABM");
    if (in->err)
        return;
    read_tlvs(&inner, in);
    if (inner.err)
        wrong(r, inner.err, inner.what);
    take_dropped(r, attributes);
    app->attributes = attributes;
    app->next = *end;
    *end = app;
}

static enum err
put_application(const struct bgpls_application *app, uint16_t type, struct buf *out)
{
    size_t begin = out->size;
    if (!is_mask_size(app->standard_size) || !is_mask_size(app->user_size))
        return ERR_INVALID;
    buf_be16(out, type);
    buf_be16(out, 0);
    buf_u8(out, app->standard_size);
    buf_u8(out, app->user_size);
    buf_be16(out, 0);
    buf_put(out, app->standard, app->standard_size);
    buf_put(out, app->user, app->user_size);
    enum err err = bgpls_attributes_encode(app->attributes, out);
    if (!err && (buf_err(out) || out->size - begin - 4 > UINT16_MAX))
        err = ERR_LIMIT;
    if (!err)
        buf_patch_be16(out, begin + 2, (uint16_t)(out->size - begin - 4));
    return err;
}

static enum err
put_applications(const struct bgpls_application *app, uint16_t type, struct buf *out)
{
    enum err err = ERR_OK;
    for (; app && !err; app = app->next)
        err = put_application(app, type, out);
    return err;
}

static void
print_applications(const void *at, struct buf *out)
{
    const struct bgpls_application *first = *(struct bgpls_application *const *)at;
    for (const struct bgpls_application *app = first; app; app = app->next) {
        buf_str(out, app == first ? "" : " ");
        hex_put(out, app->standard, app->standard_size);
        if (app->user_size) {
            buf_u8(out, '/');
            hex_put(out, app->user, app->user_size);
        }
        buf_str(out, "[");
        bgpls_attributes_print(app->attributes, out);
        buf_str(out, "]");
    }
}

/* ---- the table */

static const struct kind number8 = {decode_u8, encode_u8, print_u8, false, sizeof(uint8_t)};
static const struct kind flags8 = {decode_u8, encode_u8, print_flags, false, sizeof(uint8_t)};
static const struct kind number16 = {decode_u16, encode_u16, print_u16, false, sizeof(uint16_t)};
static const struct kind number32 = {decode_u32, encode_u32, print_u32, false, sizeof(uint32_t)};
static const struct kind bits32 = {decode_u32, encode_u32, print_bits32, false, sizeof(uint32_t)};
static const struct kind router4 = {decode_u32, encode_u32, print_ipv4_number, false,
                                    sizeof(uint32_t)};
static const struct kind metric = {decode_metric, encode_metric, print_metric, false,
                                   sizeof(struct bgpls_metric)};
static const struct kind bandwidth = {decode_bandwidth, encode_bandwidth, print_bandwidth, false,
                                      sizeof(float)};
static const struct kind bandwidths = {decode_bandwidths, encode_bandwidths, print_bandwidths,
                                       false, sizeof(float[8])};
static const struct kind octets = {decode_octets, encode_octets, print_octets, false,
                                   sizeof(struct bgpls_octets)};
static const struct kind text = {decode_octets, encode_octets, print_text, false,
                                 sizeof(struct bgpls_octets)};
static const struct kind numbers8 = {decode_octets, encode_octets, print_u8s, false,
                                     sizeof(struct bgpls_octets)};
static const struct kind numbers16 = {decode_octets, encode_octets, print_u16s, false,
                                      sizeof(struct bgpls_octets)};
static const struct kind numbers32 = {decode_octets, encode_octets, print_u32s, false,
                                      sizeof(struct bgpls_octets)};
static const struct kind words = {decode_octets, encode_octets, print_words, false,
                                  sizeof(struct bgpls_octets)};
static const struct kind msds = {decode_octets, encode_octets, print_msds, false,
                                 sizeof(struct bgpls_octets)};
static const struct kind address = {decode_octets, encode_octets, print_address, false,
                                    sizeof(struct bgpls_octets)};
static const struct kind addresses = {decode_octets_list, encode_octets_list, print_octets_list,
                                      true, sizeof(void *)};
static const struct kind areas = {decode_octets_list, encode_octets_list, print_areas, true,
                                  sizeof(void *)};
static const struct kind adjacency = {decode_adjacency, encode_sids, print_sids, true,
                                      sizeof(void *)};
static const struct kind lan_adjacency = {decode_lan_adjacency, encode_sids, print_sids, true,
                                          sizeof(void *)};
static const struct kind prefix_sid = {decode_prefix_sid, encode_sids, print_sids, true,
                                       sizeof(void *)};
static const struct kind block = {decode_block, encode_block, print_block, false,
                                  sizeof(struct bgpls_block)};
static const struct kind delay = {decode_delay, encode_delay, print_delay, false,
                                  sizeof(struct bgpls_delay)};
static const struct kind application = {decode_application, NULL, print_applications, true,
                                        sizeof(void *)};
static const struct kind min_max = {decode_delay, encode_min_max, print_min_max, false,
                                    sizeof(struct bgpls_delay)};

#define AT(member) offsetof(struct bgpls_attributes, member)
#define ANY UINT16_MAX

/* Sizes of the value: at least, at most, and what it is a multiple of. */
static const struct row {
    uint16_t type, min, max, unit;
    const struct kind *kind;
    size_t at;
    const char *name, *ref;
} rows[BGPLS_TLV_MAX] = {
    [BGPLS_MT_IDS] = {263, 2, ANY, 2, &numbers16, AT(mt_ids), "MT-IDs", "RFC 9552 5.2.2.1"},
    [BGPLS_NODE_MSD] = {266, 0, ANY, 2, &msds, AT(node_msd), "node MSD", "RFC 8814 3"},
    [BGPLS_LINK_MSD] = {267, 0, ANY, 2, &msds, AT(link_msd), "link MSD", "RFC 8814 4"},
    [BGPLS_NODE_FLAGS] = {1024, 1, 1, 1, &flags8, AT(node_flags), "node flags", "RFC 9552 5.3.1.1"},
    [BGPLS_NODE_OPAQUE] = {1025, 0, ANY, 1, &octets, AT(node_opaque), "opaque", "RFC 9552 5.3.1.5"},
    [BGPLS_NODE_NAME] = {1026, 1, 255, 1, &text, AT(node_name), "name", "RFC 9552 5.3.1.3"},
    [BGPLS_AREA] = {1027, 1, 13, 1, &areas, AT(areas), "IS-IS area", "RFC 9552 5.3.1.2"},
    [BGPLS_LOCAL_ROUTER4] = {1028, 4, 4, 4, &addresses, AT(local_router4), "local router",
                             "RFC 9552 5.3.1.4"},
    [BGPLS_LOCAL_ROUTER6] = {1029, 16, 16, 16, &addresses, AT(local_router6), "local IPv6 router",
                             "RFC 9552 5.3.1.4"},
    [BGPLS_REMOTE_ROUTER4] = {1030, 4, 4, 4, &addresses, AT(remote_router4), "remote router",
                              "RFC 9552 5.3.2.1"},
    [BGPLS_REMOTE_ROUTER6] = {1031, 16, 16, 16, &addresses, AT(remote_router6),
                              "remote IPv6 router", "RFC 9552 5.3.2.1"},
    [BGPLS_SR_CAPABILITIES] = {1034, 2, ANY, 1, &block, AT(sr_capabilities), "SR capabilities",
                               "RFC 9085 2.1.2"},
    [BGPLS_SR_ALGORITHMS] = {1035, 0, ANY, 1, &numbers8, AT(sr_algorithms), "SR algorithms",
                             "RFC 9085 2.1.3"},
    [BGPLS_SR_LOCAL_BLOCK] = {1036, 2, ANY, 1, &block, AT(sr_local_block), "SR local block",
                              "RFC 9085 2.1.4"},
    [BGPLS_SRMS_PREFERENCE] = {1037, 1, 1, 1, &number8, AT(srms_preference), "SRMS preference",
                               "RFC 9085 2.1.5"},
    [BGPLS_ADMIN_GROUP] = {1088, 4, 4, 4, &bits32, AT(admin_group), "admin group",
                           "RFC 9552 5.3.2"},
    [BGPLS_MAX_BANDWIDTH] = {1089, 4, 4, 4, &bandwidth, AT(max_bandwidth), "max bandwidth",
                             "RFC 9552 5.3.2"},
    [BGPLS_RESERVABLE_BANDWIDTH] = {1090, 4, 4, 4, &bandwidth, AT(reservable_bandwidth),
                                    "reservable bandwidth", "RFC 9552 5.3.2"},
    [BGPLS_UNRESERVED_BANDWIDTH] = {1091, 32, 32, 32, &bandwidths, AT(unreserved_bandwidth),
                                    "unreserved bandwidth", "RFC 9552 5.3.2"},
    [BGPLS_TE_METRIC] = {1092, 4, 4, 4, &number32, AT(te_metric), "TE metric", "RFC 9552 5.3.2.3"},
    [BGPLS_PROTECTION] = {1093, 2, 2, 2, &number16, AT(protection), "protection", "RFC 9552 5.3.2"},
    [BGPLS_MPLS_PROTOCOLS] = {1094, 1, 1, 1, &flags8, AT(mpls_protocols), "MPLS protocols",
                              "RFC 9552 5.3.2.2"},
    [BGPLS_IGP_METRIC] = {1095, 1, 3, 1, &metric, AT(igp_metric), "IGP metric", "RFC 9552 5.3.2.4"},
    [BGPLS_SRLG] = {1096, 0, ANY, 4, &numbers32, AT(srlgs), "SRLG", "RFC 9552 5.3.2.5"},
    [BGPLS_LINK_OPAQUE] = {1097, 0, ANY, 1, &octets, AT(link_opaque), "opaque", "RFC 9552 5.3.2.6"},
    [BGPLS_LINK_NAME] = {1098, 1, 255, 1, &text, AT(link_name), "name", "RFC 9552 5.3.2.7"},
    [BGPLS_ADJACENCY_SID] = {1099, 7, 8, 1, &adjacency, AT(adjacency_sids), "adjacency SID",
                             "RFC 9085 2.2.1"},
    [BGPLS_LAN_ADJACENCY_SID] = {1100, 11, 14, 1, &lan_adjacency, AT(lan_adjacency_sids),
                                 "LAN adjacency SID", "RFC 9085 2.2.2"},
    [BGPLS_PEER_NODE_SID] = {1101, 7, 8, 1, &adjacency, AT(peer_node_sids), "peer node SID",
                             "RFC 9086 5"},
    [BGPLS_PEER_ADJACENCY_SID] = {1102, 7, 8, 1, &adjacency, AT(peer_adjacency_sids),
                                  "peer adjacency SID", "RFC 9086 5"},
    [BGPLS_PEER_SET_SID] = {1103, 7, 8, 1, &adjacency, AT(peer_set_sids), "peer set SID",
                            "RFC 9086 5"},
    [BGPLS_DELAY] = {1114, 4, 4, 4, &delay, AT(delay), "delay us", "RFC 8571 2.1"},
    [BGPLS_MIN_MAX_DELAY] = {1115, 8, 8, 8, &min_max, AT(min_max_delay), "min/max delay us",
                             "RFC 8571 2.2"},
    [BGPLS_DELAY_VARIATION] = {1116, 4, 4, 4, &delay, AT(delay_variation), "delay variation us",
                               "RFC 8571 2.3"},
    [BGPLS_LOSS] = {1117, 4, 4, 4, &delay, AT(loss), "loss", "RFC 8571 2.4"},
    [BGPLS_RESIDUAL_BANDWIDTH] = {1118, 4, 4, 4, &bandwidth, AT(residual_bandwidth),
                                  "residual bandwidth", "RFC 8571 2.5"},
    [BGPLS_AVAILABLE_BANDWIDTH] = {1119, 4, 4, 4, &bandwidth, AT(available_bandwidth),
                                   "available bandwidth", "RFC 8571 2.6"},
    [BGPLS_UTILIZED_BANDWIDTH] = {1120, 4, 4, 4, &bandwidth, AT(utilized_bandwidth),
                                  "utilized bandwidth", "RFC 8571 2.7"},
    [BGPLS_APPLICATION] = {1122, 4, ANY, 1, &application, AT(applications), "application",
                           "RFC 9294 2"},
    [BGPLS_IGP_FLAGS] = {1152, 1, 1, 1, &flags8, AT(igp_flags), "IGP flags", "RFC 9552 5.3.3.1"},
    [BGPLS_ROUTE_TAGS] = {1153, 0, ANY, 4, &numbers32, AT(route_tags), "route tags",
                          "RFC 9552 5.3.3.2"},
    [BGPLS_EXTENDED_TAGS] = {1154, 0, ANY, 8, &octets, AT(extended_tags), "extended tags",
                             "RFC 9552 5.3.3.3"},
    [BGPLS_PREFIX_METRIC] = {1155, 4, 4, 4, &number32, AT(prefix_metric), "metric",
                             "RFC 9552 5.3.3.4"},
    [BGPLS_FORWARDING_ADDRESS] = {1156, 4, 16, 4, &address, AT(forwarding_address),
                                  "forwarding address", "RFC 9552 5.3.3.5"},
    [BGPLS_PREFIX_OPAQUE] = {1157, 0, ANY, 1, &octets, AT(prefix_opaque), "opaque",
                             "RFC 9552 5.3.3.6"},
    [BGPLS_PREFIX_SID] = {1158, 7, 8, 1, &prefix_sid, AT(prefix_sids), "prefix SID",
                          "RFC 9085 2.3.1"},
    [BGPLS_PREFIX_FLAGS] = {1170, 0, ANY, 1, &octets, AT(prefix_flags), "prefix flags",
                            "RFC 9085 2.3.2"},
    [BGPLS_SOURCE_ROUTER] = {1171, 4, 16, 4, &address, AT(source_router), "source router",
                             "RFC 9085 2.3.3"},
    [BGPLS_EXTENDED_ADMIN_GROUP] = {1173, 0, ANY, 4, &words, AT(extended_admin_group),
                                    "extended admin group", "RFC 9104 2"},
    [BGPLS_SOURCE_OSPF_ROUTER] = {1174, 4, 4, 4, &router4, AT(source_ospf_router),
                                  "source OSPF router", "RFC 9085 2.3.4"},
};

_Static_assert(BGPLS_TLV_MAX <= 64, "bits of `has`");

/* Types rise with the rows. */
static unsigned
find_row(uint16_t type)
{
    unsigned low = 0, high = BGPLS_TLV_MAX;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (rows[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return low < BGPLS_TLV_MAX && rows[low].type == type ? low : BGPLS_TLV_MAX;
}

bool
bgpls_tlv_info(unsigned row, struct bgpls_tlv_info *info)
{
    if (row >= BGPLS_TLV_MAX)
        return false;
    *info = (struct bgpls_tlv_info){rows[row].type, rows[row].min, rows[row].max, rows[row].name,
                                    rows[row].ref};
    return true;
}

/* ---- the attribute */

static void
take_unknown(struct reader *r, uint16_t type, const uint8_t *value, uint16_t size)
{
    struct bgpls_unknown *one = take_memory(r, sizeof *one);
    if (!one)
        return;
    *one = (struct bgpls_unknown){r->attributes->unknown, type, {value, size}};
    r->attributes->unknown = one;
    r->attributes->n_unknown++;
}

static void
take_tlv(struct reader *r, unsigned row, struct cursor *in)
{
    struct bgpls_attributes *a = r->attributes;
    const struct row *desc = &rows[row];
    size_t size = cursor_left(in);
    unsigned dropped = a->n_dropped;
    if (size < desc->min || size > desc->max || size % desc->unit ||
        (desc->kind == &address && size != 4 && size != 16)) {
        wrong(r, ERR_MALFORMED, "its length");
        return;
    }
    if (!desc->kind->several && BGPLS_HAS(a, row)) {
        drop(r, 0, "it is there twice");
        return;
    }
    desc->kind->decode(r, in, (char *)a + desc->at);
    if (in->err)
        wrong(r, ERR_MALFORMED, "it ends too early");
    /* A single bandwidth that was dropped is as if it were not there. */
    if (desc->kind != &bandwidth || a->n_dropped == dropped)
        a->has |= UINT64_C(1) << row;
}

static void
reverse_octets(struct bgpls_octets_list **list)
{
    struct bgpls_octets_list *turned = NULL;
    while (*list) {
        struct bgpls_octets_list *one = *list;
        *list = one->next;
        one->next = turned;
        turned = one;
    }
    *list = turned;
}

static void
reverse_sids(struct bgpls_sid **list)
{
    struct bgpls_sid *turned = NULL;
    while (*list) {
        struct bgpls_sid *one = *list;
        *list = one->next;
        one->next = turned;
        turned = one;
    }
    *list = turned;
}

static void
reverse_applications(struct bgpls_application **list)
{
    struct bgpls_application *turned = NULL;
    while (*list) {
        struct bgpls_application *one = *list;
        *list = one->next;
        one->next = turned;
        turned = one;
    }
    *list = turned;
}

/* Lists grew at their beginning, for a peer may make them long. */
static void
reverse_lists(struct bgpls_attributes *a)
{
    struct bgpls_unknown *turned = NULL;
    for (unsigned i = 0; i < BGPLS_TLV_MAX; i++) {
        void *at = (char *)a + rows[i].at;
        if (rows[i].kind->several && rows[i].kind->encode == encode_octets_list)
            reverse_octets(at);
        else if (rows[i].kind == &application)
            reverse_applications(at);
        else if (rows[i].kind->several)
            reverse_sids(at);
    }
    while (a->unknown) {
        struct bgpls_unknown *one = a->unknown;
        a->unknown = one->next;
        one->next = turned;
        turned = one;
    }
    a->unknown = turned;
}

static void
read_tlvs(struct reader *r, struct cursor *in)
{
    while (cursor_left(in) && !r->err) {
        r->type = cursor_be16(in, "TLV Type");
        uint16_t length = cursor_be16(in, "TLV Length");
        struct cursor value = cursor_split(in, length, "TLV Value");
        unsigned row = find_row(r->type);
        if (in->err)
            wrong(r, ERR_MALFORMED, "it is longer than the attribute");
        else if (row == BGPLS_TLV_MAX || (row == BGPLS_APPLICATION && r->nested))
            take_unknown(r, r->type, value.pos, length);
        else
            take_tlv(r, row, &value);
    }
    if (!r->err)
        reverse_lists(r->attributes);
}

enum err
bgpls_attributes_decode(const uint8_t *data, size_t size, struct arena *arena,
                        struct bgpls_attributes *a, struct diag *diag)
{
    struct reader r = {.arena = arena, .attributes = a};
    struct cursor in = cursor_over(data, size);
    *a = (struct bgpls_attributes){0};
    read_tlvs(&r, &in);
    if (!r.err)
        return ERR_OK;
    *a = (struct bgpls_attributes){0};
    return diag_set(diag, r.err, "TLV %u: %s", r.type, r.what);
}

static bool
is_writable(const struct bgpls_attributes *a, unsigned row)
{
    const struct kind *kind = rows[row].kind;
    if (kind == &metric)
        return a->igp_metric.size >= 1 && a->igp_metric.size <= 3;
    return !kind->several || *(void *const *)((const char *)a + rows[row].at);
}

static enum err
put_row(const struct bgpls_attributes *a, unsigned row, struct buf *out)
{
    const struct row *desc = &rows[row];
    const void *at = (const char *)a + desc->at;
    size_t begin = out->size;
    if (!is_writable(a, row))
        return ERR_INVALID;
    if (row == BGPLS_APPLICATION)
        return put_applications(a->applications, desc->type, out);
    if (desc->kind->several) {
        desc->kind->encode(at, desc->type, out);
        return ERR_OK;
    }
    buf_be16(out, desc->type);
    buf_be16(out, 0);
    desc->kind->encode(at, desc->type, out);
    size_t size = out->size - begin - 4;
    if (buf_err(out) || size > UINT16_MAX)
        return ERR_LIMIT;
    if (size < desc->min || size > desc->max || size % desc->unit)
        return ERR_INVALID;
    buf_patch_be16(out, begin + 2, (uint16_t)size);
    return ERR_OK;
}

enum err
bgpls_attributes_encode(const struct bgpls_attributes *a, struct buf *out)
{
    size_t begin = out->size;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < BGPLS_TLV_MAX && !err; i++)
        if (BGPLS_HAS(a, i))
            err = put_row(a, i, out);
    for (const struct bgpls_unknown *one = a->unknown; one && !err; one = one->next)
        put_tlv(one->type, &one->value, out);
    if (!err)
        err = buf_err(out);
    if (err)
        out->size = begin;
    return err;
}

void
bgpls_attributes_print(const struct bgpls_attributes *a, struct buf *out)
{
    const char *comma = "";
    for (unsigned i = 0; i < BGPLS_TLV_MAX; i++) {
        if (!BGPLS_HAS(a, i))
            continue;
        buf_printf(out, "%s%s ", comma, rows[i].name);
        rows[i].kind->print((const char *)a + rows[i].at, out);
        comma = ", ";
    }
    for (const struct bgpls_unknown *one = a->unknown; one; one = one->next) {
        buf_printf(out, "%sTLV %u ", comma, one->type);
        hex_put(out, one->value.data, one->value.size);
        comma = ", ";
    }
    for (unsigned i = 0; i < MIN(a->n_dropped, BGPLS_DROPPED_MAX); i++) {
        buf_printf(out, "%sdropped TLV %u: %s", comma, a->dropped[i].type, a->dropped[i].why);
        comma = ", ";
    }
}

void
bgpls_attributes_add(struct bgpls_attributes *to, const struct bgpls_attributes *from)
{
    for (unsigned i = 0; i < BGPLS_TLV_MAX; i++) {
        if (!BGPLS_HAS(from, i) || BGPLS_HAS(to, i) || i == BGPLS_APPLICATION)
            continue;
        memcpy((char *)to + rows[i].at, (const char *)from + rows[i].at, rows[i].kind->size);
        to->has |= UINT64_C(1) << i;
    }
}

void
bgpls_attributes_for(const struct bgpls_attributes *a, uint8_t mask, struct bgpls_attributes *out)
{
    *out = (struct bgpls_attributes){.n_dropped = a->n_dropped};
    memcpy(out->dropped, a->dropped, sizeof out->dropped);
    for (const struct bgpls_application *app = a->applications; app; app = app->next)
        if (app->standard_size && app->standard[0] & mask)
            bgpls_attributes_add(out, app->attributes);
    bgpls_attributes_add(out, a);
    for (const struct bgpls_application *app = a->applications; app; app = app->next)
        if (!app->standard_size && !app->user_size)
            bgpls_attributes_add(out, app->attributes);
}

uint8_t
bgpls_msd(const struct bgpls_octets *pairs, uint8_t type)
{
    for (size_t i = 0; i + 2 <= pairs->size; i += 2)
        if (pairs->data[i] == type)
            return pairs->data[i + 1];
    return 0;
}
