#include "sensor/capture.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <string.h>

#define PCAP_MICROSECONDS 0xa1b2c3d4u
#define PCAP_NANOSECONDS 0xa1b23c4du
#define PCAP_PATCHED 0xa1b2cd34u /* Kuznetzov's: 8 octets more in a record's header */
#define PCAP_HEADER_SIZE 24u
#define NG_SECTION 0x0a0d0d0au
#define NG_MAGIC 0x1a2b3c4du

static uint32_t
u32_at(const struct capture *c, size_t at)
{
    uint32_t v;
    memcpy(&v, c->data + at, sizeof v);
    return c->is_swapped ? __builtin_bswap32(v) : v;
}

static uint16_t
u16_at(const struct capture *c, size_t at)
{
    uint16_t v;
    memcpy(&v, c->data + at, sizeof v);
    return c->is_swapped ? __builtin_bswap16(v) : v;
}

static enum err
damaged(const struct capture *c, struct diag *diag, enum err err, const char *what)
{
    return diag_set(diag, err, "offset %zu: %s", c->at, what);
}

/* ---- pcap ---- */

static enum err
open_pcap(struct capture *c, uint64_t ticks, struct diag *diag)
{
    if (c->size < PCAP_HEADER_SIZE)
        return damaged(c, diag, ERR_TRUNCATED, "shorter than the file header of a pcap");
    if (u16_at(c, 4) != 2)
        return diag_set(diag, ERR_UNSUPPORTED, "offset 4: pcap version %u, not 2", u16_at(c, 4));
    /* The upper bits of the link type tell of an FCS (draft section 4). */
    c->interfaces[0] = (struct capture_interface){.link = (uint16_t)u32_at(c, 20),
                                                  .snap = u32_at(c, 16),
                                                  .ticks = ticks,
                                                  .tick = NSEC_PER_SEC / ticks};
    c->n_interfaces = 1;
    c->at = PCAP_HEADER_SIZE;
    return ERR_OK;
}

static enum err
next_pcap(struct capture *c, struct frame *f, struct diag *diag)
{
    if (c->at == c->size)
        return ERR_NOT_FOUND;
    if (c->size - c->at < 16)
        return damaged(c, diag, ERR_TRUNCATED, "the capture ends in a packet's header");
    uint32_t size = u32_at(c, c->at + 8), wire = u32_at(c, c->at + 12);
    if (size > CAPTURE_FRAME_MAX)
        return damaged(c, diag, ERR_MALFORMED, "a packet of more than 262144 octets");
    if (size > c->size - c->at - 16)
        return damaged(c, diag, ERR_TRUNCATED, "the capture ends in a packet");
    uint64_t fraction = u32_at(c, c->at + 4) * c->interfaces[0].tick;
    *f = (struct frame){.data = c->data + c->at + 16,
                        .size = size,
                        .wire = wire > size ? wire : size,
                        .time = (nsec_t)(u32_at(c, c->at) * (uint64_t)NSEC_PER_SEC + fraction),
                        .link = c->interfaces[0].link,
                        .number = ++c->number};
    c->at += 16 + size;
    return ERR_OK;
}

/* ---- pcapng ---- */

static enum err
start_section(struct capture *c, size_t left, struct diag *diag)
{
    uint32_t magic;
    if (left < 28)
        return damaged(c, diag, ERR_TRUNCATED, "the capture ends in a section's header");
    memcpy(&magic, c->data + c->at + 8, sizeof magic);
    if (magic != NG_MAGIC && magic != __builtin_bswap32(NG_MAGIC))
        return damaged(c, diag, ERR_MALFORMED, "a section without its byte-order magic");
    c->is_swapped = magic != NG_MAGIC;
    if (u16_at(c, c->at + 12) != 1)
        return damaged(c, diag, ERR_UNSUPPORTED, "a section of a pcapng version other than 1");
    c->n_interfaces = 0;
    return ERR_OK;
}

/* if_tsresol (section 4.2): a power of ten, or of two. */
static uint64_t
ticks_of(uint8_t resolution)
{
    uint64_t ticks = 1;
    unsigned exponent = resolution & 0x7f;
    if (resolution & 0x80)
        return exponent < 63 ? UINT64_C(1) << exponent : 0;
    for (; exponent && ticks < UINT64_MAX / 10; exponent--)
        ticks *= 10;
    return exponent ? 0 : ticks;
}

static enum err
add_interface(struct capture *c, size_t at, size_t end, struct diag *diag)
{
    struct capture_interface *i = &c->interfaces[c->n_interfaces];
    if (end - at < 8)
        return damaged(c, diag, ERR_MALFORMED, "an interface of less than 8 octets");
    if (c->n_interfaces == CAPTURE_INTERFACES)
        return damaged(c, diag, ERR_LIMIT, "more than 256 interfaces");
    *i = (struct capture_interface){
        .link = u16_at(c, at), .snap = u32_at(c, at + 4), .ticks = 1000000};
    for (at += 8; end - at >= 4;) {
        uint16_t code = u16_at(c, at), size = u16_at(c, at + 2);
        if (!code || size > end - at - 4)
            break;
        if (code == 9 && size == 1) {
            i->ticks = ticks_of(c->data[at + 4]);
            if (!i->ticks)
                return damaged(c, diag, ERR_MALFORMED, "if_tsresol: no resolution of this world");
        } else if (code == 14 && size == 8) { /* if_tsoffset: seconds */
            uint64_t low = u32_at(c, at + 4 + (c->is_swapped ? 4 : 0)),
                     high = u32_at(c, at + 4 + (c->is_swapped ? 0 : 4));
            i->offset = (nsec_t)((high << 32 | low) * (uint64_t)NSEC_PER_SEC);
        }
        size_t padded = 4 + ((size_t)size + 3) / 4 * 4;
        if (padded > end - at)
            break;
        at += padded;
    }
    c->n_interfaces++;
    return ERR_OK;
}

static nsec_t
time_of(const struct capture_interface *i, uint32_t high, uint32_t low)
{
    uint64_t t = (uint64_t)high << 32 | low;
    uint64_t fraction = (uint64_t)((unsigned __int128)(t % i->ticks) * NSEC_PER_SEC / i->ticks);
    return (nsec_t)(t / i->ticks * (uint64_t)NSEC_PER_SEC + fraction + (uint64_t)i->offset);
}

/* An Enhanced, Simple or obsolete Packet Block whose body is from `at` to `end`. */
static enum err
take_packet(struct capture *c, uint32_t type, size_t at, size_t end, struct frame *f,
            struct diag *diag)
{
    size_t header = type == 3 ? 4 : 20;
    if (end - at < header)
        return damaged(c, diag, ERR_MALFORMED, "a packet block shorter than its header");
    uint32_t interface = type == 3 ? 0 : type == 2 ? u16_at(c, at) : u32_at(c, at);
    if (interface >= c->n_interfaces)
        return damaged(c, diag, ERR_MALFORMED, "a packet of an interface that is not described");
    const struct capture_interface *i = &c->interfaces[interface];
    uint32_t wire = u32_at(c, at + header - 4), size = type == 3 ? wire : u32_at(c, at + 12);
    if (type == 3 && i->snap && size > i->snap)
        size = i->snap;
    if (size > end - at - header || size > CAPTURE_FRAME_MAX)
        return damaged(c, diag, ERR_MALFORMED, "a packet larger than its block");
    *f = (struct frame){.data = c->data + at + header,
                        .size = size,
                        .wire = wire > size ? wire : size,
                        .link = i->link,
                        .number = ++c->number};
    if (type != 3)
        f->time = time_of(i, u32_at(c, at + 4), u32_at(c, at + 8));
    return ERR_OK;
}

static enum err
next_ng(struct capture *c, struct frame *f, struct diag *diag)
{
    while (c->at < c->size) {
        size_t left = c->size - c->at;
        if (left < 12)
            return damaged(c, diag, ERR_TRUNCATED, "the capture ends in a block's header");
        uint32_t type = u32_at(c, c->at);
        enum err err = type == NG_SECTION ? start_section(c, left, diag) : ERR_OK;
        if (err)
            return err;
        uint32_t size = u32_at(c, c->at + 4);
        if (size < 12 || size % 4)
            return damaged(c, diag, ERR_MALFORMED, "a block's length is not one");
        if (size > left)
            return damaged(c, diag, ERR_TRUNCATED, "the capture ends in a block");
        size_t at = c->at + 8, end = c->at + size - 4;
        if (type == 1)
            err = add_interface(c, at, end, diag);
        bool is_packet = type == 2 || type == 3 || type == 6;
        if (is_packet)
            err = take_packet(c, type, at, end, f, diag);
        if (err)
            return err;
        c->at += size;
        if (is_packet)
            return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

/* ---- Either ---- */

enum err
capture_open(struct capture *c, const void *data, size_t size, struct diag *diag)
{
    uint32_t magic = 0;
    c->data = data;
    c->size = size;
    c->at = 0;
    c->number = c->n_interfaces = 0;
    c->is_swapped = c->is_ng = false;
    if (size < sizeof magic)
        return diag_set(diag, ERR_TRUNCATED, "no capture: %zu octets", size);
    memcpy(&magic, data, sizeof magic);
    if (magic == NG_SECTION) {
        c->is_ng = true;
        return ERR_OK;
    }
    c->is_swapped = magic != PCAP_MICROSECONDS && magic != PCAP_NANOSECONDS;
    if (c->is_swapped)
        magic = __builtin_bswap32(magic);
    if (magic == PCAP_MICROSECONDS)
        return open_pcap(c, 1000000, diag);
    if (magic == PCAP_NANOSECONDS)
        return open_pcap(c, NSEC_PER_SEC, diag);
    if (magic == PCAP_PATCHED)
        return diag_set(diag, ERR_UNSUPPORTED, "the modified pcap of 1999");
    return diag_set(diag, ERR_MALFORMED, "offset 0: neither pcap nor pcapng");
}

enum err
capture_next(struct capture *c, struct frame *f, struct diag *diag)
{
    return c->is_ng ? next_ng(c, f, diag) : next_pcap(c, f, diag);
}
