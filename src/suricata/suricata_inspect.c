/* Whether a payload has what a rule looks for, element by element in the order they are written.
 *
 * An element that is relative begins where the one before it ended. If it is not found there,
 * another place of the one before is tried; so far back as elements are relative, and no farther:
 * the places of others do not depend on it. Steps are counted, and there is an end to them. */
#include "suricata/suricata_private.h"

#include <stdlib.h>

#define STEPS 3000 /* places that are tried, of a rule on a payload */

struct inspection {
    struct inspector *inspector;
    const struct element *elements;
    unsigned n_elements;
    const uint8_t *data;
    size_t size;
    bool at_start;
    unsigned steps;
    int64_t variables[RULE_VARIABLES];
};

enum outcome {
    FOUND,
    NOT_FOUND,
    GIVEN_UP,
};

static enum outcome inspect(struct inspection *, unsigned i, size_t at);

static int64_t
value_of(const struct inspection *in, const struct operand *o)
{
    return o->variable >= 0 ? in->variables[o->variable] : o->number;
}

/* ---- Contents ---- */

static const uint8_t *
find_nocase(const uint8_t *data, size_t size, const struct content *c)
{
    if (size < c->size)
        return NULL;
    for (const uint8_t *end = data + (size - c->size); data <= end; data++) {
        uint32_t k = 0;
        while (k < c->size && suricata_lower[data[k]] == c->octets[k])
            k++;
        if (k == c->size)
            return data;
    }
    return NULL;
}

/* The part of the payload in which the content may be. False: none. */
static bool
range_of(const struct inspection *in, const struct element *e, size_t at, size_t *from, size_t *to)
{
    const struct content *c = &e->content;
    int64_t low = 0, high = (int64_t)in->size;
    if (c->starts || c->has_offset || c->has_depth) {
        if (!in->at_start)
            return false;
        low = c->has_offset ? value_of(in, &c->offset) : 0;
        if (c->starts)
            high = MIN(high, (int64_t)c->size);
        if (c->has_depth)
            high = MIN(high, low + value_of(in, &c->depth));
    } else if (e->is_relative) {
        low = (int64_t)at + (c->has_distance ? value_of(in, &c->distance) : 0);
        if (c->has_within)
            high = MIN(high, low + value_of(in, &c->within));
    }
    low = MAX(low, 0);
    *from = (size_t)low;
    *to = (size_t)MAX(high, 0);
    return low <= high && high - low >= (int64_t)c->size;
}

static bool
next_is_relative(const struct inspection *in, unsigned i)
{
    return i + 1 < in->n_elements && in->elements[i + 1].is_relative;
}

static enum outcome
inspect_content(struct inspection *in, unsigned i, size_t at)
{
    const struct element *e = &in->elements[i];
    const struct content *c = &e->content;
    size_t from, to;
    bool may_be = range_of(in, e, at, &from, &to);
    while (may_be && to - from >= c->size) {
        if (c->ends)
            from = MAX(from, in->size - c->size); /* nowhere else */
        if (c->ends && to < in->size)
            break;
        const uint8_t *p = c->nocase ? find_nocase(in->data + from, to - from, c)
                                     : memmem(in->data + from, to - from, c->octets, c->size);
        if (!p)
            break;
        if (e->is_negated)
            return NOT_FOUND;
        size_t end = (size_t)(p - in->data) + c->size;
        enum outcome rest = inspect(in, i + 1, end);
        if (rest != NOT_FOUND || !next_is_relative(in, i))
            return rest;
        from = end - c->size + 1;
    }
    return e->is_negated ? inspect(in, i + 1, at) : NOT_FOUND;
}

static enum outcome
inspect_pcre(struct inspection *in, unsigned i, size_t at)
{
    const struct element *e = &in->elements[i];
    struct inspector *s = in->inspector;
    size_t base = e->is_relative ? at : 0, from = 0;
    if (e->is_anchored && !in->at_start)
        return e->is_negated ? inspect(in, i + 1, at) : NOT_FOUND;
    for (;;) {
        int n = pcre2_match(e->pcre, in->data + base, in->size - base, from, 0, s->match,
                            s->limits);
        if (n < 0 && n != PCRE2_ERROR_NOMATCH)
            return GIVEN_UP;
        if (n < 0)
            return e->is_negated ? inspect(in, i + 1, at) : NOT_FOUND;
        if (e->is_negated)
            return NOT_FOUND;
        const size_t *ends = pcre2_get_ovector_pointer(s->match);
        size_t begin = ends[0], end = MAX(ends[0], ends[1]);
        enum outcome rest = inspect(in, i + 1, base + end);
        if (rest != NOT_FOUND || !next_is_relative(in, i) || base + begin >= in->size)
            return rest;
        from = begin + 1;
    }
}

/* ---- Octets as numbers ---- */

static bool
read_text(const uint8_t *p, uint32_t n, enum radix radix, uint64_t *v)
{
    char text[24];
    char *end;
    memcpy(text, p, n);
    text[n] = '\0';
    *v = strtoull(text, &end, (int)radix);
    return end != text;
}

static bool
read_number(const struct inspection *in, const struct element *e, size_t at, uint64_t *v,
            size_t *end)
{
    const struct bytes *b = &e->bytes;
    int64_t from = value_of(in, &b->offset) + (e->is_relative ? (int64_t)at : 0);
    if (!e->is_relative && !in->at_start)
        return false;
    if (from < 0 || from > (int64_t)in->size || in->size - (size_t)from < b->n)
        return false;
    const uint8_t *p = in->data + from;
    *end = (size_t)from + b->n;
    *v = 0;
    if (b->radix != RADIX_BINARY)
        return read_text(p, b->n, b->radix, v);
    for (uint32_t i = 0; i < b->n; i++)
        *v = *v << 8 | p[b->is_little ? b->n - 1 - i : i];
    return true;
}

static uint64_t
masked(uint64_t v, uint32_t mask)
{
    return mask ? (v & mask) >> __builtin_ctz(mask) : v;
}

static bool
test_holds(const struct bytes *b, uint64_t v, uint64_t with)
{
    switch (b->op) {
    case BYTE_EQUAL:
        return v == with;
    case BYTE_LESS:
        return v < with;
    case BYTE_MORE:
        return v > with;
    case BYTE_LESS_OR_EQUAL:
        return v <= with;
    case BYTE_MORE_OR_EQUAL:
        return v >= with;
    case BYTE_AND:
        return v & with;
    case BYTE_OR:
        return v ^ with;
    }
    return false;
}

static enum outcome
inspect_test(struct inspection *in, unsigned i, size_t at)
{
    const struct element *e = &in->elements[i];
    uint64_t v;
    size_t end;
    if (!read_number(in, e, at, &v, &end))
        return NOT_FOUND;
    v = masked(v, e->bytes.mask);
    bool holds = test_holds(&e->bytes, v, (uint64_t)value_of(in, &e->bytes.value));
    return holds != e->bytes.is_not ? inspect(in, i + 1, at) : NOT_FOUND;
}

static enum outcome
inspect_jump(struct inspection *in, unsigned i, size_t at)
{
    const struct element *e = &in->elements[i];
    const struct bytes *b = &e->bytes;
    uint64_t v;
    size_t end;
    if (!read_number(in, e, at, &v, &end))
        return NOT_FOUND;
    v = masked(v, b->mask) * (b->multiplier ? b->multiplier : 1);
    if (v > in->size)
        return NOT_FOUND;
    if (b->align)
        v = (v + 3) / 4 * 4;
    int64_t to = b->from_beginning ? 0 : b->from_end ? (int64_t)in->size : (int64_t)end;
    to += (int64_t)v + b->post_offset;
    if (to < 0 || to > (int64_t)in->size)
        return NOT_FOUND;
    return inspect(in, i + 1, (size_t)to);
}

static enum outcome
inspect_extract(struct inspection *in, unsigned i, size_t at)
{
    const struct element *e = &in->elements[i];
    const struct bytes *b = &e->bytes;
    uint64_t v;
    size_t end;
    if (!read_number(in, e, at, &v, &end))
        return NOT_FOUND;
    v *= b->multiplier ? b->multiplier : 1;
    if (b->align)
        v = (v + b->align - 1) / b->align * b->align;
    /* What is farther than any payload is so by any number: sums of it stay in range. */
    in->variables[b->variable] = (int64_t)MIN(v, UINT64_C(1) << 40);
    return inspect(in, i + 1, end);
}

static enum outcome
inspect_isdataat(struct inspection *in, unsigned i, size_t at)
{
    const struct element *e = &in->elements[i];
    int64_t n = value_of(in, &e->at);
    if (!e->is_relative && !in->at_start)
        return NOT_FOUND;
    /* Relative, the place itself may be the end: Suricata counts so. */
    bool has = e->is_relative ? (int64_t)at + n <= (int64_t)in->size : n < (int64_t)in->size;
    return has != e->is_negated ? inspect(in, i + 1, at) : NOT_FOUND;
}

/* ---- All of them ---- */

static enum outcome
inspect(struct inspection *in, unsigned i, size_t at)
{
    if (i == in->n_elements)
        return FOUND;
    if (++in->steps > STEPS)
        return GIVEN_UP;
    switch (in->elements[i].kind) {
    case ELEMENT_CONTENT:
        return inspect_content(in, i, at);
    case ELEMENT_PCRE:
        return inspect_pcre(in, i, at);
    case ELEMENT_ISDATAAT:
        return inspect_isdataat(in, i, at);
    case ELEMENT_TEST:
        return inspect_test(in, i, at);
    case ELEMENT_JUMP:
        return inspect_jump(in, i, at);
    case ELEMENT_EXTRACT:
        return inspect_extract(in, i, at);
    }
    return NOT_FOUND;
}

bool
suricata_inspect(struct inspector *s, const struct element *elements, unsigned n,
                 const uint8_t *data, size_t size, bool at_start)
{
    struct inspection in = {
        .inspector = s, .elements = elements, .n_elements = n, .size = size, .at_start = at_start};
    in.data = data ? data : (const uint8_t *)"";
    enum outcome outcome = inspect(&in, 0, 0);
    s->given_up += outcome == GIVEN_UP;
    return outcome == FOUND;
}
