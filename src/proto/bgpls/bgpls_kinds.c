#include "proto/bgpls/bgpls_kinds.h"

#include "base/hex.h"

#include <arpa/inet.h>
#include <math.h>

enum { SID_LABEL = 1161 }; /* RFC 9085 section 2.1.1 */

void
bgpls_drop(struct bgpls_reader *r, float value, const char *why)
{
    struct bgpls_attributes *a = r->attributes;
    if (a->n_dropped < BGPLS_DROPPED_MAX)
        a->dropped[a->n_dropped] = (struct bgpls_dropped){r->type, value, why};
    a->n_dropped++;
}

void
bgpls_wrong(struct bgpls_reader *r, enum err err, const char *what)
{
    if (r->err)
        return;
    r->err = err;
    r->what = what;
}

void *
bgpls_take_memory(struct bgpls_reader *r, size_t size)
{
    void *p = arena_alloc(r->arena, size);
    if (!p)
        bgpls_wrong(r, ERR_LIMIT, "too much for one attribute");
    return p;
}

/* ---- kinds: numbers */

static void
decode_u8(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_u16(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_u32(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_metric(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_bandwidth(struct bgpls_reader *r, struct cursor *in, void *at)
{
    float value = read_float(in);
    const char *why = impossible(value);
    if (why)
        bgpls_drop(r, value, why);
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
decode_bandwidths(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_octets(struct bgpls_reader *r, struct cursor *in, void *at)
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

void
bgpls_put_tlv(uint16_t type, const struct bgpls_octets *octets, struct buf *out)
{
    buf_be16(out, type);
    buf_be16(out, octets->size);
    buf_put(out, octets->data, octets->size);
}

static void
decode_octets_list(struct bgpls_reader *r, struct cursor *in, void *at)
{
    struct bgpls_octets_list *one = bgpls_take_memory(r, sizeof *one), **end = at;
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
        bgpls_put_tlv(type, &one->octets, out);
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
read_sid(struct bgpls_reader *r, struct cursor *in, bool *is_label, uint32_t *value)
{
    size_t left = cursor_left(in);
    *is_label = left == 3;
    if (left == 3)
        *value = cursor_be24(in, "label") & 0xfffff;
    else if (left == 4)
        *value = cursor_be32(in, "index");
    else
        bgpls_wrong(r, ERR_MALFORMED, "a segment of neither three nor four octets");
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
new_sid(struct bgpls_reader *r, struct cursor *in, void *at)
{
    struct bgpls_sid *sid = bgpls_take_memory(r, sizeof *sid), **end = at;
    if (!sid)
        return NULL;
    sid->flags = cursor_u8(in, "Flags");
    sid->next = *end;
    *end = sid;
    return sid;
}

static void
decode_adjacency(struct bgpls_reader *r, struct cursor *in, void *at)
{
    struct bgpls_sid *sid = new_sid(r, in, at);
    if (!sid)
        return;
    sid->weight = cursor_u8(in, "Weight");
    cursor_skip(in, 2, "Reserved");
    read_sid(r, in, &sid->is_label, &sid->value);
}

static void
decode_lan_adjacency(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_prefix_sid(struct bgpls_reader *r, struct cursor *in, void *at)
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
decode_block(struct bgpls_reader *r, struct cursor *in, void *at)
{
    struct bgpls_block *block = at;
    struct bgpls_range **end = &block->ranges;
    block->flags = cursor_u8(in, "Flags");
    cursor_skip(in, 1, "Reserved");
    while (cursor_left(in) && !r->err) {
        struct bgpls_range *range = bgpls_take_memory(r, sizeof *range);
        if (!range)
            return;
        range->size = cursor_be24(in, "Range Size");
        uint16_t type = cursor_be16(in, "SID/Label Type"),
                 size = cursor_be16(in, "SID/Label Length");
        struct cursor sid = cursor_split(in, size, "SID/Label");
        if (!in->err && type != SID_LABEL)
            bgpls_wrong(r, ERR_MALFORMED, "a range without its first label");
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
decode_delay(struct bgpls_reader *r, struct cursor *in, void *at)
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

/* ---- the kinds */

const struct bgpls_kind bgpls_number8 = {decode_u8, encode_u8, print_u8, false, sizeof(uint8_t)};
const struct bgpls_kind bgpls_flags8 = {decode_u8, encode_u8, print_flags, false, sizeof(uint8_t)};
const struct bgpls_kind bgpls_number16 = {decode_u16, encode_u16, print_u16, false,
                                          sizeof(uint16_t)};
const struct bgpls_kind bgpls_number32 = {decode_u32, encode_u32, print_u32, false,
                                          sizeof(uint32_t)};
const struct bgpls_kind bgpls_bits32 = {decode_u32, encode_u32, print_bits32, false,
                                        sizeof(uint32_t)};
const struct bgpls_kind bgpls_router4 = {decode_u32, encode_u32, print_ipv4_number, false,
                                         sizeof(uint32_t)};
const struct bgpls_kind bgpls_metric = {decode_metric, encode_metric, print_metric, false,
                                        sizeof(struct bgpls_metric)};
const struct bgpls_kind bgpls_bandwidth = {decode_bandwidth, encode_bandwidth, print_bandwidth,
                                           false, sizeof(float)};
const struct bgpls_kind bgpls_bandwidths = {decode_bandwidths, encode_bandwidths, print_bandwidths,
                                            false, sizeof(float[8])};
const struct bgpls_kind bgpls_octets = {decode_octets, encode_octets, print_octets, false,
                                        sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_text = {decode_octets, encode_octets, print_text, false,
                                      sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_numbers8 = {decode_octets, encode_octets, print_u8s, false,
                                          sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_numbers16 = {decode_octets, encode_octets, print_u16s, false,
                                           sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_numbers32 = {decode_octets, encode_octets, print_u32s, false,
                                           sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_words = {decode_octets, encode_octets, print_words, false,
                                       sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_msds = {decode_octets, encode_octets, print_msds, false,
                                      sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_address = {decode_octets, encode_octets, print_address, false,
                                         sizeof(struct bgpls_octets)};
const struct bgpls_kind bgpls_addresses = {decode_octets_list, encode_octets_list,
                                           print_octets_list, true, sizeof(void *)};
const struct bgpls_kind bgpls_areas = {decode_octets_list, encode_octets_list, print_areas, true,
                                       sizeof(void *)};
const struct bgpls_kind bgpls_adjacency = {decode_adjacency, encode_sids, print_sids, true,
                                           sizeof(void *)};
const struct bgpls_kind bgpls_lan_adjacency = {decode_lan_adjacency, encode_sids, print_sids, true,
                                               sizeof(void *)};
const struct bgpls_kind bgpls_prefix_sid = {decode_prefix_sid, encode_sids, print_sids, true,
                                            sizeof(void *)};
const struct bgpls_kind bgpls_block = {decode_block, encode_block, print_block, false,
                                       sizeof(struct bgpls_block)};
const struct bgpls_kind bgpls_delay = {decode_delay, encode_delay, print_delay, false,
                                       sizeof(struct bgpls_delay)};
const struct bgpls_kind bgpls_min_max = {decode_delay, encode_min_max, print_min_max, false,
                                         sizeof(struct bgpls_delay)};
