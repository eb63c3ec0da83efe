/* Bodies that are compressed (RFC 9110 section 8.4.1: gzip, deflate), piece by piece. What should
 * be around "deflate" some servers leave out, and browsers do not mind. */
#include "base/alloc.h"
#include "suricata/suricata_private.h"

#include <zlib.h>

#define PIECE 4096 /* octets that are given at once */

struct unpacker {
    z_stream stream;
    uint8_t begin[2]; /* the first octets, until there are two */
    unsigned n_begin;
};

struct unpacker *
unpacker_new(void)
{
    struct unpacker *u = xcalloc(1, sizeof *u);
    if (inflateInit2(&u->stream, MAX_WBITS + 32) == Z_OK) /* either, by its header */
        return u;
    free(u);
    return NULL;
}

void
unpacker_free(struct unpacker *u)
{
    if (!u)
        return;
    inflateEnd(&u->stream);
    free(u);
}

static enum unpacked
unpack(struct unpacker *u, const uint8_t *octets, uint32_t n,
       bool (*take)(void *, const uint8_t *, uint32_t), void *arg)
{
    uint8_t piece[PIECE];
    u->stream.next_in = (Bytef *)(uintptr_t)octets;
    u->stream.avail_in = n;
    for (;;) {
        u->stream.next_out = piece;
        u->stream.avail_out = sizeof piece;
        int result = inflate(&u->stream, Z_NO_FLUSH);
        uint32_t made = (uint32_t)(sizeof piece - u->stream.avail_out);
        bool is_enough = made && !take(arg, piece, made);
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
            return UNPACKED_BROKEN;
        if (is_enough || result == Z_STREAM_END)
            return UNPACKED_END;
        if (u->stream.avail_out)
            return UNPACKED_MORE;
    }
}

/* Of gzip (RFC 1952 section 2.3) or zlib (RFC 1950 section 2.2). */
static bool
has_header(const uint8_t *begin)
{
    return (begin[0] == 0x1f && begin[1] == 0x8b) ||
           ((begin[0] & 0x0f) == Z_DEFLATED && get_be16(begin) % 31 == 0);
}

enum unpacked
unpacker_input(struct unpacker *u, const uint8_t *octets, uint32_t n,
               bool (*take)(void *, const uint8_t *, uint32_t), void *arg)
{
    enum unpacked unpacked = UNPACKED_MORE;
    bool began = u->n_begin == sizeof u->begin;
    for (; u->n_begin < sizeof u->begin && n; n--)
        u->begin[u->n_begin++] = *octets++;
    if (u->n_begin < sizeof u->begin)
        return UNPACKED_MORE;
    if (!began && !has_header(u->begin) && inflateReset2(&u->stream, -MAX_WBITS) != Z_OK)
        return UNPACKED_BROKEN;
    if (!began)
        unpacked = unpack(u, u->begin, sizeof u->begin, take, arg);
    return unpacked == UNPACKED_MORE ? unpack(u, octets, n, take, arg) : unpacked;
}
