#include "cli/cli_sse.h"

#include <string.h>

void
sse_init(struct sse_reader *r, sse_fn *fn, void *arg)
{
    *r = (struct sse_reader){.fn = fn, .arg = arg, .retry = -1};
    r->line = buf_limited(SSE_EVENT_MAX);
    r->data = buf_limited(SSE_EVENT_MAX);
}

void
sse_fini(struct sse_reader *r)
{
    buf_fini(&r->line);
    buf_fini(&r->data);
    buf_fini(&r->type);
    buf_fini(&r->id);
}

static void
dispatch(struct sse_reader *r)
{
    if (r->has_data) {
        if (r->data.size) /* the last line feed is not part of it */
            r->data.size--;
        const char *type = buf_cstr(&r->type);
        struct sse_event event = {buf_cstr(&r->id), *type ? type : "message", buf_cstr(&r->data),
                                  r->data.size};
        r->fn(r->arg, &event);
    }
    buf_clear(&r->data);
    buf_clear(&r->type);
    r->has_data = false;
}

static bool
is_field(const char *name, const uint8_t *at, size_t size)
{
    return size == strlen(name) && !memcmp(at, name, size);
}

static void
set_text(struct buf *b, const uint8_t *value, size_t size)
{
    buf_clear(b);
    buf_put(b, value, size);
}

static void
set_retry(struct sse_reader *r, const uint8_t *value, size_t size)
{
    long long retry = 0;
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9' || retry > 1000000000)
            return;
        retry = retry * 10 + (value[i] - '0');
    }
    if (size)
        r->retry = retry;
}

static void
take_field(struct sse_reader *r, const uint8_t *name, size_t name_size, const uint8_t *value,
           size_t size)
{
    if (is_field("data", name, name_size)) {
        buf_put(&r->data, value, size);
        buf_u8(&r->data, '\n');
        r->has_data = true;
    } else if (is_field("event", name, name_size)) {
        set_text(&r->type, value, size);
    } else if (is_field("id", name, name_size)) {
        if (!memchr(value, 0, size))
            set_text(&r->id, value, size);
    } else if (is_field("retry", name, name_size)) {
        set_retry(r, value, size);
    }
}

static void
take_line(struct sse_reader *r)
{
    static const uint8_t nothing[1] = {0};
    size_t size = r->line.size;
    const uint8_t *line = size ? r->line.data : nothing;
    const uint8_t *colon = memchr(line, ':', size);
    if (!size)
        dispatch(r);
    else if (!colon)
        take_field(r, line, size, nothing, 0);
    else if (colon != line) { /* a line that begins with it is a comment */
        const uint8_t *value = colon + 1;
        if (value < line + size && *value == ' ')
            value++;
        take_field(r, line, (size_t)(colon - line), value, (size_t)(line + size - value));
    }
    buf_clear(&r->line);
}

static void
skip_mark(struct sse_reader *r)
{
    if (!r->begun && r->line.size == 3) {
        if (!memcmp(r->line.data, "\xef\xbb\xbf", 3))
            buf_clear(&r->line);
        r->begun = true;
    }
}

enum err
sse_input(struct sse_reader *r, const void *data, size_t size)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++) {
        bool end = at[i] == '\n' || at[i] == '\r';
        if (!(at[i] == '\n' && r->after_cr)) {
            if (end) {
                r->begun = true;
                take_line(r);
            } else {
                buf_u8(&r->line, at[i]);
                skip_mark(r);
            }
        }
        r->after_cr = at[i] == '\r';
        if (r->line.overflow || r->data.overflow)
            return ERR_LIMIT;
    }
    return ERR_OK;
}
