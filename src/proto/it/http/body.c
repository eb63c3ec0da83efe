/* Bodies, as they pass by: where they end, and what they begin with. */
#include "base/hex.h"
#include "dissect/executable.h"
#include "proto/it/http/http_private.h"

#include <strings.h>

#define CHUNK_LINE_MAX 4096u
#define TRAILER_MAX 32768u

void
http_body_begin(struct dissection *d, uint8_t method, enum http_until until, uint64_t left)
{
    struct http_state *s = d->state;
    if (!s || (until == UNTIL_COUNTED && !left))
        return;
    struct http_body *b = &s->bodies[d->way];
    b->until = until;
    b->left = left;
    b->line = 0;
    b->has_digits = b->digits_end = b->is_told = false;
    b->method = method;
    b->n = 0;
    content_give(d, NULL, 0, CONTENT_BEGINS | (until == UNTIL_CLOSED ? CONTENT_CLOSES : 0));
    d->body = true;
}

/* ---- What it begins with ---- */

/* Between <title> and the next tag. */
static bool
find_title(const struct http_body *b, const uint8_t **title, size_t *n)
{
    static const char tag[] = "<title";
    for (size_t i = 0; i + sizeof tag - 1 < b->n; i++) {
        if (strncasecmp((const char *)b->octets + i, tag, sizeof tag - 1) != 0)
            continue;
        const uint8_t *end = b->octets + b->n, *at = memchr(b->octets + i, '>', b->n - i);
        if (!at)
            return false;
        for (at++; at < end && *at <= ' '; at++)
            ;
        const uint8_t *behind = at < end ? memchr(at, '<', (size_t)(end - at)) : NULL;
        behind = behind ? behind : end;
        while (behind > at && behind[-1] <= ' ')
            behind--;
        *title = at;
        *n = (size_t)(behind - at);
        return *n > 0;
    }
    return false;
}

static void
tell(struct dissection *d, struct http_body *b)
{
    const uint8_t *title = NULL;
    size_t n = 0;
    struct cursor seen = cursor_over(b->octets, b->n);
    b->is_told = true;
    enum executable kind = executable_kind(b->octets, b->n);
    if (!find_title(b, &title, &n) && !kind)
        return;
    bool is_request = b->method && d->side == SIDE_CLIENT;
    pdu_begin(d, is_request ? PDU_REQUEST : PDU_RESPONSE, HTTP_BODY);
    if (kind) {
        pdu_uint(d, HTTP_EXECUTABLE, 0, kind);
        d->pdu->act = is_request ? ACT_DOWNLOAD : ACT_UPLOAD; /* into the server, or out of it */
    }
    pdu_octets(d, HTTP_TITLE, 0, title, n);
    pdu_end(d, &seen);
}

static void
look(struct dissection *d, struct http_body *b, const uint8_t *data, size_t size)
{
    if (b->is_told || !data)
        return;
    size_t n = MIN(size, sizeof b->octets - b->n);
    memcpy(b->octets + b->n, data, n);
    b->n += (uint16_t)n;
    if (b->n == sizeof b->octets)
        tell(d, b);
}

/* The next octets of the content; NULL: they are missing. */
static void
pass(struct dissection *d, struct http_body *b, const uint8_t *data, size_t size)
{
    content_give(d, data, size, data ? 0 : CONTENT_BROKEN);
    look(d, b, data, size);
}

static void
end(struct dissection *d, struct http_body *b)
{
    if (!b->is_told)
        tell(d, b);
    content_give(d, NULL, 0, CONTENT_ENDS);
    d->body = false;
}

/* ---- Where it ends ---- */

/* Octets of a line; true: it has ended, and had `b->line` without its end. */
static bool
end_of_line(struct http_body *b, uint8_t octet)
{
    if (octet == '\n')
        return true;
    b->line += octet != '\r';
    return false;
}

static bool
take_chunk_size(struct http_body *b, uint8_t octet)
{
    int digit = hex_digit((char)octet);
    if (digit >= 0 && !b->digits_end) {
        b->has_digits = true;
        if (b->left >> 58)
            return false;
        b->left = b->left << 4 | (unsigned)digit;
    } else if (octet != ' ' && octet != '\t') {
        b->digits_end = true;
    }
    if (!end_of_line(b, octet))
        return b->line < CHUNK_LINE_MAX;
    if (!b->has_digits)
        return false;
    b->until = b->left ? UNTIL_CHUNK_END : UNTIL_TRAILER;
    b->line = 0;
    b->has_digits = b->digits_end = false;
    return true;
}

/* What comes between chunks; false: it cannot be. */
static bool
take_octet(struct dissection *d, struct http_body *b, uint8_t octet)
{
    switch (b->until) {
    case UNTIL_CHUNK_SIZE:
        return take_chunk_size(b, octet);
    case UNTIL_CHUNK_LINE:
        if (end_of_line(b, octet)) {
            b->until = UNTIL_CHUNK_SIZE;
            b->left = 0;
        }
        return b->line == 0;
    case UNTIL_TRAILER:
        b->left++;
        if (end_of_line(b, octet)) {
            if (!b->line)
                end(d, b);
            b->line = 0;
        }
        return b->left < TRAILER_MAX;
    default:
        return true;
    }
}

/* Missing octets are of the body as far as it goes for sure. */
size_t
http_body(struct dissection *d, const uint8_t *data, size_t size)
{
    struct http_state *s = d->state;
    if (!s) {
        d->body = false;
        return 0;
    }
    struct http_body *b = &s->bodies[d->way];
    size_t used = 0;
    while (used < size && d->body) {
        if (b->until == UNTIL_CLOSED) {
            pass(d, b, data ? data + used : NULL, size - used);
            used = size;
        } else if (b->until == UNTIL_COUNTED || b->until == UNTIL_CHUNK_END) {
            size_t n = MIN(size - used, b->left);
            pass(d, b, data ? data + used : NULL, n);
            used += n;
            b->left -= n;
            if (!b->left && b->until == UNTIL_COUNTED)
                end(d, b);
            else if (!b->left)
                b->until = UNTIL_CHUNK_LINE;
        } else if (!data || !take_octet(d, b, data[used++])) {
            pass(d, b, NULL, 0);
            end(d, b);
            return size; /* nobody knows where the next begins */
        }
    }
    if (!data)
        b->is_told = true; /* what comes then is not its beginning */
    return used;
}
