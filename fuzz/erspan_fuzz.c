/* What a switch mirrors, from the GRE header on: the frame is within, what is written is read. */
#include "packet/erspan.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct erspan e, again;
    uint8_t octets[ERSPAN_HEADER_SIZE];
    const uint8_t *frame, *rest;
    size_t frame_size, rest_size;
    (void)erspan_is_within(data, size);
    if (erspan_parse(data, size, &e, &frame, &frame_size))
        return 0;
    check(frame >= data && frame + frame_size == data + size);
    check(e.session <= ERSPAN_SESSION_MAX && e.index <= (ERSPAN_OUT | ERSPAN_PORT_MAX));
    erspan_put(&e, octets);
    check(!erspan_parse(octets, sizeof octets, &again, &rest, &rest_size));
    check(again.session == e.session && again.index == e.index && !rest_size);
    return 0;
}
