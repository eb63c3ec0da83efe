#include "gateway/http_body.h"

#include "base/hex.h"

#include <string.h>

/* Lines between chunks: "1000;name=value", trailers. Nobody who means well needs long ones; chunks
 * of one octet each cost six octets of lines. */
#define LINE_MAX_OCTETS 1024
#define OVERHEAD_BASE 4096
#define OVERHEAD_PER_OCTET 8

void
http_body_init(struct http_body *body, const struct http_head *head, size_t limit)
{
    *body = (struct http_body){
        .state = head->chunked          ? BODY_CHUNK_SIZE
                 : head->content_length ? BODY_OCTETS
                                        : BODY_COMPLETE,
        .chunked = head->chunked,
        .left = head->content_length,
        .limit = limit,
        .line = buf_limited(LINE_MAX_OCTETS),
    };
}

void
http_body_fini(struct http_body *body)
{
    buf_fini(&body->data);
    buf_fini(&body->line);
}

static enum err
take_octets(struct http_body *body, const uint8_t *data, size_t size, size_t *used,
            struct diag *diag)
{
    size_t n = size < body->left ? size : (size_t)body->left;
    if (n > body->limit - body->data.size)
        return diag_set(diag, ERR_LIMIT, "the body is larger than %zu octets", body->limit);
    buf_put(&body->data, data, n);
    body->left -= n;
    *used = n;
    if (body->left == 0)
        body->state = body->chunked ? BODY_CHUNK_END : BODY_COMPLETE;
    return ERR_OK;
}

/* 1*HEXDIG, then nothing or ";" and extensions, which nobody has to understand. */
static enum err
parse_chunk_size(const char *line, uint64_t *size, struct diag *diag)
{
    uint64_t value = 0;
    const char *at = line;
    for (; hex_digit(*at) >= 0; at++) {
        if (at - line == 15)
            return diag_set(diag, ERR_MALFORMED, "a chunk size has too many digits");
        value = value << 4 | (unsigned)hex_digit(*at);
    }
    size_t blank = strspn(at, " \t");
    if (at == line || (at[blank] && at[blank] != ';') || (blank && !at[blank]))
        return diag_set(diag, ERR_MALFORMED, "a chunk does not begin with its size");
    *size = value;
    return ERR_OK;
}

static enum err
take_line(struct http_body *body, const char *line, struct diag *diag)
{
    switch (body->state) {
    case BODY_CHUNK_END:
        if (*line)
            return diag_set(diag, ERR_MALFORMED, "a chunk is longer than its size");
        body->state = BODY_CHUNK_SIZE;
        return ERR_OK;
    case BODY_CHUNK_SIZE: {
        enum err err = parse_chunk_size(line, &body->left, diag);
        if (!err)
            body->state = body->left ? BODY_OCTETS : BODY_TRAILER;
        return err;
    }
    default:
        if (!*line)
            body->state = BODY_COMPLETE;
        return ERR_OK;
    }
}

/* Gathers up to the line feed; the line ends with CR LF. */
static enum err
gather_line(struct http_body *body, const uint8_t *data, size_t size, size_t *used,
            struct diag *diag)
{
    const uint8_t *feed = memchr(data, '\n', size);
    size_t n = feed ? (size_t)(feed - data) + 1 : size;
    buf_put(&body->line, data, n);
    body->overhead += n;
    *used = n;
    if (buf_err(&body->line) ||
        body->overhead > OVERHEAD_BASE + OVERHEAD_PER_OCTET * body->data.size)
        return diag_set(diag, ERR_LIMIT, "too much between the chunks");
    if (!feed)
        return ERR_OK;
    size_t length = body->line.size;
    if (length < 2 || body->line.data[length - 2] != '\r')
        return diag_set(diag, ERR_MALFORMED, "a chunk line does not end with CR and LF");
    if (memchr(body->line.data, '\0', length))
        return diag_set(diag, ERR_MALFORMED, "a NUL octet between the chunks");
    body->line.data[length - 2] = '\0';
    enum err err = take_line(body, (const char *)body->line.data, diag);
    buf_clear(&body->line);
    return err;
}

enum err
http_body_input(struct http_body *body, const uint8_t *data, size_t size, size_t *used,
                struct diag *diag)
{
    size_t at = 0;
    enum err err = ERR_OK;
    while (!err && at < size && body->state != BODY_COMPLETE) {
        size_t n = 0;
        err = body->state == BODY_OCTETS ? take_octets(body, data + at, size - at, &n, diag)
                                         : gather_line(body, data + at, size - at, &n, diag);
        at += n;
    }
    *used = at;
    return err;
}
