/* sse_fuzz.c - any stream of server-sent events: however it is cut, the same events come of it. */
#include "cli/cli_sse.h"
#include "fuzz.h"

#include <string.h>

static void
note(void *arg, const struct sse_event *event)
{
    struct buf *seen = arg;
    check(event->data[event->data_size] == '\0');
    buf_printf(seen, "%s|%s|", event->id, event->type);
    buf_put(seen, event->data, event->data_size);
    buf_u8(seen, '\n');
}

static void
read_in_chunks(const uint8_t *data, size_t size, size_t chunk, struct buf *seen)
{
    struct sse_reader reader;
    sse_init(&reader, note, seen);
    for (size_t at = 0; at < size; at += chunk)
        check(sse_input(&reader, data + at, MIN(chunk, size - at)) == ERR_OK);
    sse_fini(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole = BUF_INIT, cut = BUF_INIT;
    read_in_chunks(data, size, size ? size : 1, &whole);
    read_in_chunks(data, size, 1, &cut);
    check(whole.size == cut.size && (!cut.size || !memcmp(whole.data, cut.data, cut.size)));
    buf_fini(&whole);
    buf_fini(&cut);
    return 0;
}
