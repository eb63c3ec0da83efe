#include "edge/pcapng.h"

#include <string.h>

enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_PACKET = 6 };
enum { OPTION_END = 0, OPTION_COMMENT = 1 };
enum { SHB_USERAPPL = 4 };
enum { IF_NAME = 2, IF_DESCRIPTION = 3, IF_MACADDR = 6, IF_SPEED = 8, IF_TSRESOL = 9 };
enum { EPB_FLAGS = 2, EPB_DROPCOUNT = 4, EPB_PACKETID = 5 };
enum { ISB_STARTTIME = 2, ISB_ENDTIME = 3, ISB_FILTERACCEPT = 6, ISB_OSDROP = 7, ISB_USRDELIV = 8 };

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1
#define NANOSECONDS 9 /* if_tsresol: 10^-9 */
#define TEXT_MAX 0xfff0u

static void
put_16(struct buf *out, uint16_t v)
{
    buf_be16(out, __builtin_bswap16(v));
}

static void
put_32(struct buf *out, uint32_t v)
{
    buf_be32(out, __builtin_bswap32(v));
}

static void
put_64(struct buf *out, uint64_t v)
{
    buf_be64(out, __builtin_bswap64(v));
}

/* A stamp is two words, the high one first, in either byte order. */
static void
put_time(struct buf *out, nsec_t time)
{
    put_32(out, (uint32_t)((uint64_t)time >> 32));
    put_32(out, (uint32_t)time);
}

/* ---- Blocks and options ---- */

static size_t
begin(struct buf *out, uint32_t type)
{
    size_t start = out->size;
    put_32(out, type);
    put_32(out, 0); /* the length, by end() */
    return start;
}

static void
end(struct buf *out, size_t start)
{
    uint32_t size = (uint32_t)(out->size - start) + 4;
    put_32(out, size);
    buf_patch_be32(out, start + 4, __builtin_bswap32(size));
}

static void
put_option(struct buf *out, uint16_t code, const void *value, size_t size)
{
    size_t start = out->size;
    put_16(out, code);
    put_16(out, (uint16_t)size);
    buf_put(out, value, size);
    buf_pad(out, start, 4);
}

static void
put_text(struct buf *out, uint16_t code, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    if (length)
        put_option(out, code, text, length < TEXT_MAX ? length : TEXT_MAX);
}

static void
put_number(struct buf *out, uint16_t code, uint64_t value)
{
    put_16(out, code);
    put_16(out, 8);
    put_64(out, value);
}

static void
end_options(struct buf *out)
{
    put_16(out, OPTION_END);
    put_16(out, 0);
}

/* ---- The blocks ---- */

void
pcapng_put_section(struct buf *out, const char *application, const char *comment)
{
    size_t start = begin(out, BLOCK_SECTION);
    put_32(out, BYTE_ORDER_MAGIC);
    put_16(out, 1); /* version 1.0 */
    put_16(out, 0);
    put_64(out, UINT64_MAX); /* the section's length: not known */
    put_text(out, OPTION_COMMENT, comment);
    put_text(out, SHB_USERAPPL, application);
    end_options(out);
    end(out, start);
}

void
pcapng_put_interface(struct buf *out, const struct pcapng_interface *i)
{
    static const uint8_t resolution = NANOSECONDS;
    size_t start = begin(out, BLOCK_INTERFACE);
    put_16(out, LINKTYPE_ETHERNET);
    put_16(out, 0);
    put_32(out, i->snap);
    put_text(out, OPTION_COMMENT, i->comment);
    put_text(out, IF_NAME, i->name);
    put_text(out, IF_DESCRIPTION, i->description);
    if (i->mac)
        put_option(out, IF_MACADDR, i->mac->octets, 6);
    if (i->speed_bps)
        put_number(out, IF_SPEED, i->speed_bps);
    put_option(out, IF_TSRESOL, &resolution, 1);
    end_options(out);
    end(out, start);
}

void
pcapng_put_packet(struct buf *out, const struct pcapng_packet *p)
{
    size_t start = begin(out, BLOCK_PACKET);
    put_32(out, p->interface);
    put_time(out, p->time);
    put_32(out, p->captured);
    put_32(out, p->size);
    buf_put(out, p->frame, p->captured);
    buf_pad(out, start, 4);
    put_text(out, OPTION_COMMENT, p->comment);
    put_16(out, EPB_FLAGS);
    put_16(out, 4);
    put_32(out, p->direction);
    if (p->lost)
        put_number(out, EPB_DROPCOUNT, p->lost);
    if (p->id)
        put_number(out, EPB_PACKETID, p->id);
    end_options(out);
    end(out, start);
}

static void
put_time_option(struct buf *out, uint16_t code, nsec_t time)
{
    put_16(out, code);
    put_16(out, 8);
    put_time(out, time);
}

void
pcapng_put_statistics(struct buf *out, const struct pcapng_statistics *s)
{
    size_t start = begin(out, BLOCK_STATISTICS);
    put_32(out, s->interface);
    put_time(out, s->end);
    put_time_option(out, ISB_STARTTIME, s->start);
    put_time_option(out, ISB_ENDTIME, s->end);
    put_number(out, ISB_FILTERACCEPT, s->accepted);
    put_number(out, ISB_OSDROP, s->lost);
    put_number(out, ISB_USRDELIV, s->delivered);
    end_options(out);
    end(out, start);
}
