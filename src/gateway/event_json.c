#include "gateway/event_json.h"

#include "base/hex.h"

#include <inttypes.h>
#include <string.h>

/* Texts of events are UTF-8 without control characters. */
static void
put_member(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, "\"%s\":\"", name);
    while (*text) {
        size_t plain = strcspn(text, "\"\\");
        buf_put(out, text, plain);
        text += plain;
        if (*text)
            buf_printf(out, "\\%c", *text++);
    }
    buf_str(out, "\",");
}

/* A JSON text as it is, on one line: outside of strings a line end is white space, and inside there
 * is none. */
static void
put_body(struct buf *out, const char *body)
{
    while (*body) {
        size_t line = strcspn(body, "\r\n");
        buf_put(out, body, line);
        body += line;
        if (*body) {
            buf_str(out, " ");
            body++;
        }
    }
}

void
event_put_json(struct buf *out, const struct journal_event *event)
{
    char time[TIME_TEXT_SIZE];
    buf_printf(out, "{\"seq\":%" PRIu64 ",\"epoch\":%" PRIu64 ",", event->seq, event->epoch);
    put_member(out, "time", time_format(event->time, time));
    put_member(out, "type", event->type);
    put_member(out, "object", event->object);
    put_member(out, "actor", event->actor);
    buf_str(out, "\"body\":");
    put_body(out, event->body);
    buf_str(out, ",\"prev-hash\":\"");
    hex_put(out, event->prev_hash, sizeof event->prev_hash);
    buf_str(out, "\",\"hash\":\"");
    hex_put(out, event->hash, sizeof event->hash);
    buf_str(out, "\"}");
}

void
event_put_sse(struct buf *out, const struct journal_event *event)
{
    buf_printf(out, "id: %" PRIu64 "\nevent: %s\ndata: ", event->seq, event->type);
    event_put_json(out, event);
    buf_str(out, "\n\n");
}
