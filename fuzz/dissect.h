/* dissect.h - the fuzz target of a dissector: a conversation of messages, each behind an octet
 * whose lowest bit is the way it goes, the next two who is known to send it, and an octet of its
 * length; of two octets, if the bit above them says so. The one above that says that it is of a
 * stream, the next that it is missing (which counts within a body only). */
#ifndef FUZZ_DISSECT_H
#define FUZZ_DISSECT_H

#include "dissect/protocol.h"
#include "exact.h"
#include "fuzz.h"

#include <string.h>

/* Of all messages of a conversation. What they cost whoever hears them is bounded by their octets,
 * not by the numbers in them. */
static size_t fuzz_fields;
#define FIELDS_OF_AN_OCTET 64

static inline void
fuzz_sink(void *arg, const struct pdu *p)
{
    const struct protocol *protocol = arg;
    check(p->protocol == protocol && p->n_fields <= PDU_FIELDS);
    fuzz_fields += p->n_fields + p->n_left;
    uint16_t object = 0;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        check(f->id < protocol->n_fields && f->object <= p->n_objects);
        check(f->object >= object || !f->object);
        check(pdu_has(p, f->id));
        object = f->object ? f->object : object;
        size_t n = field_octets(protocol->fields[f->id].type, f);
        uint8_t sum = 0; /* a sanitizer sees what is not the message's */
        for (size_t k = 0; k < n; k++)
            sum ^= f->octets[k];
        check(n == 0 || sum + 1 > 0);
    }
}

static inline void
fuzz_message(const struct protocol *p, struct dissection *d, const uint8_t *octets, size_t size)
{
    uint8_t *copy = exact_copy(octets, size);
    size_t message = size;
    if (p->frame) {
        switch (p->frame(copy, size, &message)) {
        case FRAME_WHOLE:
            check(message > 0 && message <= size);
            break;
        case FRAME_MORE:
            check(message > size);
            break;
        case FRAME_NOT:
            break;
        }
    }
    int looks = p->looks(copy, size);
    check(looks >= LOOKS_NOT && looks <= LOOKS_SURE);
    struct cursor c = cursor_over(copy, size);
    p->dissect(d, &c);
    check(!c.err || (c.field && c.offset <= size));
    exact_free(copy, size);
}

/* Of a body, as far as it goes; returns how many octets. */
static inline size_t
fuzz_body(const struct protocol *p, struct dissection *d, const uint8_t *octets, size_t size,
          bool is_missing)
{
    uint8_t *copy = exact_copy(octets, size);
    d->body = true;
    size_t n = size ? p->body(d, is_missing ? NULL : copy, size) : 0;
    check(n <= size && (n == size || !d->body || is_missing));
    exact_free(copy, size);
    return n;
}

static inline int
fuzz_dissector(const struct protocol *p, const uint8_t *data, size_t size)
{
    static struct pdu pdu;
    struct dissection d = {
        .protocol = p, .pdu = &pdu, .sink = fuzz_sink, .arg = (void *)(uintptr_t)p};
    static void *state; /* of exact size, too */
    if (!state && p->state_size)
        state = malloc(p->state_size);
    if (state)
        memset(state, 0, p->state_size);
    d.state = state;
    bool is_body[2] = {false, false};
    size_t whole = size;
    fuzz_fields = 0;
    while (size >= 2) {
        size_t head = data[0] & 8 && size > 2 ? 3 : 2;
        size_t wanted = head == 3 ? get_be16(data + 1) : data[1];
        size_t n = wanted < size - head ? wanted : size - head, used = 0;
        d.way = data[0] & 1;
        d.side = data[0] >> 1 & 3;
        d.carrier = data[0] >> 4 & 1 ? CARRIER_TCP : CARRIER_UDP;
        if (d.side > SIDE_SERVER)
            d.side = SIDE_UNKNOWN;
        d.body = d.leaves = false;
        if (is_body[d.way] && p->body)
            used = fuzz_body(p, &d, data + head, n, data[0] & 32);
        if (used < n)
            fuzz_message(p, &d, data + head + used, n - used);
        is_body[d.way] = d.body;
        data += head + n;
        size -= head + n;
    }
    check(fuzz_fields <= FIELDS_OF_AN_OCTET * whole);
    return 0;
}

#define FUZZ_DISSECTOR(protocol)                                                                   \
    int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)                                   \
    {                                                                                              \
        return fuzz_dissector(&(protocol), data, size);                                            \
    }

#endif
