/* testing.h - for the tests of dissectors: messages in hexadecimal, and what they are understood
 * as. */
#ifndef DISSECT_TESTING_H
#define DISSECT_TESTING_H

#include "base/alloc.h"
#include "base/buf.h"
#include "base/testing.h"
#include "dissect/protocol.h"

#include <inttypes.h>
#include <stdlib.h>

struct reading {
    struct dissection d;
    struct pdu pdu;
    struct buf text; /* a line for each PDU */
    enum err err;    /* of the last message */
    size_t offset;   /* where it was */
};

static inline void
reading_put_value(struct buf *b, enum field_type type, const struct field *f)
{
    switch (type) {
    case FIELD_INT:
    case FIELD_TIME:
        buf_printf(b, "%" PRId64, f->i);
        break;
    case FIELD_REAL:
        buf_printf(b, "%g", f->r);
        break;
    case FIELD_TEXT:
        buf_printf(b, "'%.*s'", (int)f->n, (const char *)f->octets);
        break;
    case FIELD_OCTETS:
    case FIELD_MAC:
        for (uint32_t i = 0; i < f->n; i++)
            buf_printf(b, "%02x", f->octets[i]);
        break;
    case FIELD_BITS:
        for (uint32_t i = 0; i < f->n; i++)
            buf_u8(b, f->octets[i / 8] >> i % 8 & 1 ? '1' : '0');
        break;
    case FIELD_WORDS:
        for (uint32_t i = 0; i < f->n; i++)
            buf_printf(b, "%s%u", i ? "," : "", get_be16(f->octets + 2 * i));
        break;
    case FIELD_UINT:
    case FIELD_BOOL:
    case FIELD_IPV4:
        buf_printf(b, "%" PRIu64, f->u);
        break;
    }
}

/* "request read-coils read address=0 quantity=8; object's=1". */
static inline void
reading_take(void *arg, const struct pdu *p)
{
    struct reading *r = arg;
    uint16_t object = 0, last = 0;
    buf_printf(&r->text, "%s %s %s", pdu_kind_word(p->kind), p->info ? p->info->name : "?",
               act_word(p->act));
    if (p->error)
        buf_printf(&r->text, " error=%u", p->error);
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        buf_printf(&r->text, "%s %s=", f->object != object ? ";" : "",
                   p->protocol->fields[f->id].name);
        reading_put_value(&r->text, p->protocol->fields[f->id].type, f);
        object = f->object;
        assert_true(pdu_has(p, f->id) && (!f->object || f->object >= last));
        last = f->object ? f->object : last;
    }
    buf_u8(&r->text, '\n');
}

static inline void
reading_begin(struct reading *r, const struct protocol *p)
{
    *r = (struct reading){.d = {.protocol = p, .sink = reading_take}};
    r->d.state = p->state_size ? xcalloc(1, p->state_size) : NULL;
}

static inline void
reading_end(struct reading *r)
{
    free(r->d.state);
    buf_fini(&r->text);
}

/* Reads the octets, copied so that a sanitizer sees one read too far. */
static inline void
reading_octets(struct reading *r, enum side side, const uint8_t *octets, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, octets, size);
    struct cursor c = cursor_over(copy, size);
    r->d.side = side;
    r->d.way = side == SIDE_SERVER;
    r->d.pdu = &r->pdu;
    r->d.arg = r;
    buf_clear(&r->text);
    r->d.protocol->dissect(&r->d, &c);
    r->err = c.err;
    r->offset = c.offset;
    free(copy);
}

/* "00 01 0000 ...": spaces are free. Returns the number of octets. */
static inline size_t
octets_of(const char *hex, uint8_t *octets, size_t room)
{
    size_t n;
    uint8_t *bytes = hex_bytes(hex, &n);
    assert_true(n <= room);
    memcpy(octets, bytes, n);
    free(bytes);
    return n;
}

#define assert_reads(r, side, hex, expected)                                                       \
    do {                                                                                           \
        uint8_t octets_[2048];                                                                     \
        size_t n_ = octets_of(hex, octets_, sizeof octets_);                                       \
        reading_octets((r), (side), octets_, n_);                                                  \
        assert_ok((r)->err);                                                                       \
        assert_string_equal(buf_cstr(&(r)->text), expected);                                       \
    } while (0)

/* Cut off anywhere, it is an error, and nothing is read behind its end. */
static inline void
assert_survives_truncation(const struct protocol *p, enum side side, const char *hex)
{
    uint8_t octets[2048];
    size_t n = octets_of(hex, octets, sizeof octets);
    for (size_t size = 1; size < n; size++) {
        struct reading r;
        reading_begin(&r, p);
        reading_octets(&r, side, octets, size);
        assert_int_not_equal(r.err, ERR_OK);
        assert_true(r.offset <= size);
        reading_end(&r);
    }
}

#endif
