/* Bodies that are compressed (RFC 9110 section 8.4.1: gzip, deflate), piece by piece. */
#include "base/alloc.h"
#include "suricata/suricata_private.h"

#include <zlib.h>

#define PIECE 4096 /* octets that are given at once */

struct unpacker {
    z_stream stream;
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

enum unpacked
unpacker_input(struct unpacker *u, const uint8_t *octets, uint32_t n,
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
