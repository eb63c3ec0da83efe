#include "proto/netconf/netconf_frame.h"

#include <string.h>

static const char mark[] = "]]>]]>";
#define MARK_SIZE (sizeof mark - 1)

void
netconf_frames_init(struct netconf_frames *f, size_t limit)
{
    *f = (struct netconf_frames){.limit = limit};
}

void
netconf_frames_fini(struct netconf_frames *f)
{
    buf_fini(&f->in);
    buf_fini(&f->message);
}

/* What was handed out is over. */
static void
settle(struct netconf_frames *f)
{
    f->at += f->taken;
    f->taken = 0;
    if (f->done)
        buf_clear(&f->message);
    f->done = false;
}

void
netconf_frames_go_chunked(struct netconf_frames *f)
{
    settle(f);
    f->chunked = true;
}

void
netconf_frames_put(struct netconf_frames *f, const uint8_t *data, size_t size)
{
    settle(f);
    if (f->at > 0) { /* all that was whole has been handed out: what moves is less than a message */
        buf_consume(&f->in, f->at);
        f->scanned = f->scanned > f->at ? f->scanned - f->at : 0;
        f->at = 0;
    }
    buf_put(&f->in, data, size);
}

static bool
is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
trim(const uint8_t **data, size_t *size)
{
    while (*size > 0 && is_space(**data))
        (*data)++, (*size)--;
    while (*size > 0 && is_space((*data)[*size - 1]))
        (*size)--;
}

static enum err
too_long(const struct netconf_frames *f, struct diag *diag)
{
    return diag_set(diag, ERR_LIMIT, "a message is longer than %zu octets", f->limit);
}

static enum err
next_marked(struct netconf_frames *f, const uint8_t **data, size_t *size, struct diag *diag)
{
    for (;;) {
        const uint8_t *start = f->in.data ? f->in.data + f->at : (const uint8_t *)"";
        size_t left = f->in.size - f->at, from = f->scanned > f->at ? f->scanned - f->at : 0;
        const uint8_t *end = memmem(start + from, left - from, mark, MARK_SIZE);
        if (!end) {
            f->scanned = f->at + (left >= MARK_SIZE ? left - (MARK_SIZE - 1) : 0);
            return left > f->limit + MARK_SIZE ? too_long(f, diag) : ERR_TRUNCATED;
        }
        *data = start;
        *size = (size_t)(end - start);
        f->taken = *size + MARK_SIZE;
        if (*size > f->limit)
            return too_long(f, diag);
        trim(data, size);
        if (*size > 0)
            return ERR_OK;
        settle(f);
    }
}

enum header { HEADER_SHORT, HEADER_BAD, HEADER_CHUNK, HEADER_END };

/* LF HASH chunk-size LF, or LF HASH HASH LF (RFC 6242 section 4.2); the size begins with 1 to 9 and
 * is at most 4294967295. */
static enum header
read_header(const uint8_t *p, size_t left, size_t *used, uint32_t *chunk)
{
    uint64_t value = 0;
    size_t n = 2;
    if ((left > 0 && p[0] != '\n') || (left > 1 && p[1] != '#'))
        return HEADER_BAD;
    if (left < 3)
        return HEADER_SHORT;
    if (p[2] == '#') {
        *used = 4;
        if (left < 4)
            return HEADER_SHORT;
        return p[3] == '\n' ? HEADER_END : HEADER_BAD;
    }
    for (; n < left && p[n] >= '0' && p[n] <= '9' && n < 12; n++)
        value = value * 10 + (p[n] - '0');
    if (p[2] < '1' || p[2] > '9' || value > UINT32_MAX || (n < left && p[n] != '\n'))
        return HEADER_BAD;
    *used = n + 1;
    *chunk = (uint32_t)value;
    return n < left ? HEADER_CHUNK : HEADER_SHORT;
}

/* Some servers end a message with a line feed more, or with CR LF. Only between messages. */
static void
skip_space(struct netconf_frames *f)
{
    const uint8_t *p = f->in.data + f->at;
    size_t left = f->in.size - f->at;
    while (left >= 2 && is_space(p[0]) && !(p[0] == '\n' && p[1] == '#'))
        p++, left--, f->at++;
}

static enum err
bad_chunk(struct netconf_frames *f, struct diag *diag)
{
    return diag_set(diag, ERR_MALFORMED, "octet 0x%02x: here a chunk should begin or end",
                    f->in.data[f->at]);
}

static enum err
next_chunked(struct netconf_frames *f, const uint8_t **data, size_t *size, struct diag *diag)
{
    for (;;) {
        size_t used = 0, left = f->in.size - f->at, take = MIN(left, f->chunk);
        if (take > 0) {
            buf_put(&f->message, f->in.data + f->at, take);
            f->at += take;
            f->chunk -= (uint32_t)take;
            continue;
        }
        if (left == 0)
            return ERR_TRUNCATED;
        if (!f->inside)
            skip_space(f);
        if (!f->inside && f->in.size - f->at == 1 && is_space(f->in.data[f->at]))
            return ERR_TRUNCATED;
        enum header header = read_header(f->in.data + f->at, f->in.size - f->at, &used, &f->chunk);
        if (header != HEADER_CHUNK)
            f->chunk = 0;
        if (header == HEADER_SHORT)
            return ERR_TRUNCATED;
        if (header == HEADER_BAD || (header == HEADER_END && !f->inside))
            return bad_chunk(f, diag);
        if (header == HEADER_CHUNK && f->chunk > f->limit - MIN(f->limit, f->message.size))
            return too_long(f, diag);
        f->at += used;
        f->inside = header == HEADER_CHUNK;
        if (header == HEADER_END) {
            f->done = true;
            *data = f->message.data;
            *size = f->message.size;
            trim(data, size);
            return ERR_OK;
        }
    }
}

enum err
netconf_frames_next(struct netconf_frames *f, const uint8_t **data, size_t *size, struct diag *diag)
{
    settle(f);
    return f->chunked ? next_chunked(f, data, size, diag) : next_marked(f, data, size, diag);
}

void
netconf_frame_put(struct buf *out, bool chunked, const void *message, size_t size)
{
    if (chunked)
        buf_printf(out, "\n#%zu\n", size);
    buf_put(out, message, size);
    buf_str(out, chunked ? "\n##\n" : mark);
}
