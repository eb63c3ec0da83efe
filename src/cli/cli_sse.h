/* cli_sse.h - server-sent events (WHATWG HTML, section 9.2.6) as a pure reader of octets. */
#ifndef CLI_CLI_SSE_H
#define CLI_CLI_SSE_H

#include "base/buf.h"
#include "base/err.h"

#include <stddef.h>

#define SSE_EVENT_MAX ((size_t)32 << 20) /* octets of one event: a journal's event fits */

struct sse_event {
    const char *id;   /* the last that was given; "" if none was */
    const char *type; /* "message" if none was given */
    const char *data; /* lines joined by line feeds */
    size_t data_size; /* without the NUL behind it */
};

/* Takes one event, valid during the call. */
typedef void sse_fn(void *arg, const struct sse_event *);

struct sse_reader {
    sse_fn *fn;
    void *arg;
    struct buf line, data, type, id;
    bool after_cr;   /* a line feed now belongs to the line end before */
    bool begun;      /* past the byte order mark, if there was one */
    bool has_data;   /* the event has a line of data, be it empty */
    long long retry; /* ms that the server asks to wait before coming back; -1: not said */
};

void sse_init(struct sse_reader *, sse_fn *fn, void *arg);
void sse_fini(struct sse_reader *);
/* Takes octets as they come. ERR_LIMIT: an event is larger than SSE_EVENT_MAX; the reader is then
 * of no more use. An event whose end has not come is not delivered. */
MUST_CHECK enum err sse_input(struct sse_reader *, const void *data, size_t size);

#endif
