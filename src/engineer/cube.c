#include "engineer/cube.h"

const struct cube cube_all = {
    .sport = {0, UINT16_MAX}, .dport = {0, UINT16_MAX}, .proto = {0, 255}};

bool
cube_equal(const struct cube *a, const struct cube *b)
{
    return cube_contains(a, b) && cube_contains(b, a);
}

bool
cube_has(const struct cube *c, const struct packet5 *p)
{
    return !((p->src ^ c->src) & c->src_mask) && !((p->dst ^ c->dst) & c->dst_mask) &&
           p->proto >= c->proto[0] && p->proto <= c->proto[1] && p->sport >= c->sport[0] &&
           p->sport <= c->sport[1] && p->dport >= c->dport[0] && p->dport <= c->dport[1];
}

bool
cube_contains(const struct cube *outer, const struct cube *inner)
{
    return !(outer->src_mask & ~inner->src_mask) &&
           !((outer->src ^ inner->src) & outer->src_mask) &&
           !(outer->dst_mask & ~inner->dst_mask) &&
           !((outer->dst ^ inner->dst) & outer->dst_mask) && outer->proto[0] <= inner->proto[0] &&
           outer->proto[1] >= inner->proto[1] && outer->sport[0] <= inner->sport[0] &&
           outer->sport[1] >= inner->sport[1] && outer->dport[0] <= inner->dport[0] &&
           outer->dport[1] >= inner->dport[1];
}

bool
cube_intersect(const struct cube *a, const struct cube *b, struct cube *both)
{
    if (!cube_overlaps(a, b))
        return false;
    *both = (struct cube){
        .src = a->src | b->src,
        .src_mask = a->src_mask | b->src_mask,
        .dst = a->dst | b->dst,
        .dst_mask = a->dst_mask | b->dst_mask,
        .sport = {MAX(a->sport[0], b->sport[0]), MIN(a->sport[1], b->sport[1])},
        .dport = {MAX(a->dport[0], b->dport[0]), MIN(a->dport[1], b->dport[1])},
        .proto = {MAX(a->proto[0], b->proto[0]), MIN(a->proto[1], b->proto[1])},
    };
    return true;
}

/* Parts that differ from `value` in one bit of `mask` and agree in those before it. `address` and
 * `address_mask` are members of `rest`, which agrees in all of them afterwards. */
static uint32_t
cut_address(struct cube *rest, uint32_t *address, uint32_t *address_mask, uint32_t value,
            uint32_t mask, struct cube *parts)
{
    uint32_t n = 0;
    for (uint32_t left = mask & ~*address_mask; left;) {
        uint32_t bit = UINT32_C(1) << (31 - __builtin_clz(left));
        left &= ~bit;
        *address_mask |= bit;
        *address |= ~value & bit;
        parts[n++] = *rest;
        *address ^= bit;
    }
    return n;
}

uint32_t
cube_subtract(const struct cube *whole, const struct cube *taken, struct cube parts[CUBE_PARTS_MAX])
{
    struct cube rest = *whole;
    uint32_t n = 0;
    if (!cube_overlaps(whole, taken)) {
        parts[0] = *whole;
        return 1;
    }
    if (rest.proto[0] < taken->proto[0]) {
        parts[n] = rest;
        parts[n++].proto[1] = (uint8_t)(taken->proto[0] - 1);
        rest.proto[0] = taken->proto[0];
    }
    if (rest.proto[1] > taken->proto[1]) {
        parts[n] = rest;
        parts[n++].proto[0] = (uint8_t)(taken->proto[1] + 1);
        rest.proto[1] = taken->proto[1];
    }
    for (unsigned i = 0; i < 2; i++) {
        const uint16_t *t = i ? taken->sport : taken->dport;
        if ((i ? rest.sport : rest.dport)[0] < t[0]) {
            parts[n] = rest;
            (i ? parts[n].sport : parts[n].dport)[1] = (uint16_t)(t[0] - 1);
            (i ? rest.sport : rest.dport)[0] = t[0];
            n++;
        }
        if ((i ? rest.sport : rest.dport)[1] > t[1]) {
            parts[n] = rest;
            (i ? parts[n].sport : parts[n].dport)[0] = (uint16_t)(t[1] + 1);
            (i ? rest.sport : rest.dport)[1] = t[1];
            n++;
        }
    }
    n += cut_address(&rest, &rest.src, &rest.src_mask, taken->src, taken->src_mask, parts + n);
    n += cut_address(&rest, &rest.dst, &rest.dst_mask, taken->dst, taken->dst_mask, parts + n);
    return n;
}

struct packet5
cube_sample(const struct cube *c)
{
    return (struct packet5){c->src, c->dst, c->sport[0], c->dport[0], c->proto[0]};
}

/* ---- As text ---- */

static void
put_address(struct buf *out, uint32_t address)
{
    buf_printf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
               address & 0xff);
}

static void
put_space(struct buf *out, size_t start)
{
    if (out->size > start)
        buf_u8(out, ' ');
}

static void
put_masked(struct buf *out, size_t start, const char *name, uint32_t value, uint32_t mask)
{
    if (!mask)
        return;
    put_space(out, start);
    buf_printf(out, "%s=", name);
    put_address(out, value);
    if (mask == UINT32_MAX)
        return;
    unsigned length = (unsigned)__builtin_popcount(mask);
    if (mask == cube_prefix_mask(length)) {
        buf_printf(out, "/%u", length);
        return;
    }
    buf_u8(out, '/');
    put_address(out, mask);
}

static void
put_range(struct buf *out, size_t start, const char *name, unsigned first, unsigned last,
          unsigned max)
{
    if (!first && last == max)
        return;
    put_space(out, start);
    buf_printf(out, "%s=%u", name, first);
    if (last != first)
        buf_printf(out, "-%u", last);
}

void
cube_format(const struct cube *c, struct buf *out)
{
    size_t start = out->size;
    put_range(out, start, "proto", c->proto[0], c->proto[1], 255);
    put_masked(out, start, "src", c->src, c->src_mask);
    put_range(out, start, "sport", c->sport[0], c->sport[1], UINT16_MAX);
    put_masked(out, start, "dst", c->dst, c->dst_mask);
    put_range(out, start, "dport", c->dport[0], c->dport[1], UINT16_MAX);
    if (out->size == start)
        buf_str(out, "any");
}

void
packet5_format(const struct packet5 *p, struct buf *out)
{
    buf_printf(out, "proto=%u src=", p->proto);
    put_address(out, p->src);
    buf_printf(out, " sport=%u dst=", p->sport);
    put_address(out, p->dst);
    buf_printf(out, " dport=%u", p->dport);
}
