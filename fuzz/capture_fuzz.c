/* Parameters of edge.capture-start as a client could send them, and packets of any content: a
 * filter that is accepted judges them without reading beyond them, and one that is not says why. */
#include "fuzz.h"

#include "edge/capture.h"
#include "io/jsontext.h"

#include <string.h>

static void
show(struct tap *tap, struct packet_pool *pool, const uint8_t *data, size_t size)
{
    struct packet *p = packet_new(pool, (uint32_t)size);
    memcpy(p->data, data, size);
    p->size = (uint32_t)size;
    p->in_port = 1;
    tap_arrived(tap, p);
    tap_sent(tap, p, 2);
    tap_arrived(tap, p);
    tap_dropped(tap, p, DROP_NO_MATCH, true);
    packet_unref(p);
}

/* The parameters, a NUL, and a frame. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t ports[] = {1, 2, PORT_CONTROLLER};
    static struct tap *tap;
    static struct packet_pool *pool;
    struct tap_filter filter;
    struct diag diag = {.text = ""};
    json_t *params;
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t length = end ? (size_t)(end - data) : size, rest = end ? size - length - 1 : 0;
    if (!tap) {
        tap = tap_new(ports, ARRAY_SIZE(ports), 0);
        pool = packet_pool_new(2, 1);
    }
    if (jsontext_parse((const char *)data, length, &params, NULL))
        return 0;
    if (capture_filter_parse(params, &filter, &diag)) {
        check(diag.text[0]);
    } else {
        struct tap_capture *capture = tap_capture_new(&filter, ARRAY_SIZE(ports), 65536);
        check(!tap_attach(tap, capture));
        show(tap, pool, end ? end + 1 : data, rest < PACKET_ROOM ? rest : PACKET_ROOM);
        for (const struct tap_record *r; (r = tap_peek(capture)); tap_release(capture))
            check(r->captured <= filter.snap && r->captured <= r->size);
        tap_detach(tap, capture);
        tap_capture_free(capture);
    }
    json_decref(params);
    return 0;
}
