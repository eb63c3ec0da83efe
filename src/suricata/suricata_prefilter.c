/* Which rules can match at all.
 *
 * Of each pattern four octets that stand together are chosen, the rarest of it among all patterns.
 * Where the octets that are read have these four (a bit of a table that stays in the cache says
 * maybe, for nearly all places no), the whole pattern is compared. Patterns of two and three octets
 * are known by two, and those of one by itself. So the cost per octet does not depend on how many
 * patterns there are, and memory is a few dozen octets for each: an automaton after Aho and
 * Corasick needs a kilobyte per octet of pattern for the same speed.
 *
 * Case does not count here: what is found is looked at in full afterwards. */
#include "base/alloc.h"
#include "suricata/suricata_private.h"

#include <stdlib.h>

#define PATTERN_MAX 32 /* octets that are compared */
#define GRAM_BITS_LEAST 10
#define GRAM_BITS_MOST 17 /* of the table for four octets: 16 KiB */
#define NONE UINT32_MAX

struct pattern {
    uint8_t octets[PATTERN_MAX];
    uint8_t size, at; /* of the octets that it is known by */
    uint32_t rule, next;
};

struct prefilter {
    struct pattern *patterns;
    size_t n, capacity, longest;
    unsigned gram_bits;  /* by how many patterns there are */
    unsigned chain_bits; /* fewer */
    uint64_t *grams;     /* a bit each */
    uint64_t pairs[65536 / 64];
    bool singles[256];
    bool has_grams, has_pairs, has_singles;
    uint32_t *of_gram, *of_pair; /* heads of chains */
    uint32_t of_single[256];
};

struct prefilter *
prefilter_new(void)
{
    struct prefilter *f = xcalloc(1, sizeof *f);
    memset(f->of_single, 0xff, sizeof f->of_single);
    return f;
}

void
prefilter_free(struct prefilter *f)
{
    if (!f)
        return;
    free(f->patterns);
    free(f->grams);
    free(f->of_gram);
    free(f->of_pair);
    free(f);
}

void
prefilter_add(struct prefilter *f, const uint8_t *octets, size_t size, uint32_t rule)
{
    GROW(f->patterns, f->n, f->capacity);
    struct pattern *p = &f->patterns[f->n++];
    *p = (struct pattern){.size = (uint8_t)MIN(size, (size_t)PATTERN_MAX), .rule = rule};
    for (size_t i = 0; i < p->size; i++)
        p->octets[i] = suricata_lower[octets[i]];
    f->longest = MAX(f->longest, p->size);
}

size_t
prefilter_overlap(const struct prefilter *f)
{
    return f->longest ? f->longest - 1 : 0;
}

/* ---- Sealing ---- */

static inline uint32_t
gram_hash(uint32_t gram)
{
    return gram * 0x9e3779b1u;
}

/* What every message has, is a poor mark of one: zeros, and octets that are all the same. */
static uint32_t
commonness(const uint8_t *gram)
{
    uint32_t common = 0;
    for (unsigned i = 0; i < 4; i++)
        common += gram[i] == 0 ? 4 : gram[i] == 0xff || gram[i] == 1 || gram[i] == ' ' ? 2 : 0;
    return common;
}

static void
choose(const struct prefilter *f, struct pattern *p, const uint16_t *uses)
{
    uint32_t least = UINT32_MAX;
    for (unsigned at = 0; at + 4u <= p->size; at++) {
        uint32_t n = uses[gram_hash(get_le32(p->octets + at)) >> (32 - f->gram_bits)];
        uint32_t cost = n * 4 + commonness(p->octets + at) * 16;
        if (cost < least) {
            least = cost;
            p->at = (uint8_t)at;
        }
    }
}

static void
chain(struct prefilter *f, uint32_t i)
{
    struct pattern *p = &f->patterns[i];
    uint32_t *head;
    if (p->size >= 4) {
        uint32_t hash = gram_hash(get_le32(p->octets + p->at));
        uint32_t bit = hash >> (32 - f->gram_bits);
        f->grams[bit / 64] |= UINT64_C(1) << bit % 64;
        head = &f->of_gram[hash >> (32 - f->chain_bits)];
        f->has_grams = true;
    } else if (p->size >= 2) {
        uint16_t pair = get_le16(p->octets);
        f->pairs[pair / 64] |= UINT64_C(1) << pair % 64;
        head = &f->of_pair[pair & ((1u << f->chain_bits) - 1)];
        f->has_pairs = true;
    } else {
        f->singles[p->octets[0]] = true;
        head = &f->of_single[p->octets[0]];
        f->has_singles = true;
    }
    p->next = *head;
    *head = i;
}

void
prefilter_seal(struct prefilter *f)
{
    if (!f)
        return;
    f->gram_bits = GRAM_BITS_LEAST;
    while (f->gram_bits < GRAM_BITS_MOST && (size_t)1 << f->gram_bits < 32 * f->n)
        f->gram_bits++;
    f->chain_bits = f->gram_bits - 3;
    f->grams = xcalloc((size_t)1 << f->gram_bits >> 6, sizeof *f->grams);
    f->of_gram = xmalloc(sizeof *f->of_gram << f->chain_bits);
    f->of_pair = xmalloc(sizeof *f->of_pair << f->chain_bits);
    memset(f->of_gram, 0xff, sizeof *f->of_gram << f->chain_bits);
    memset(f->of_pair, 0xff, sizeof *f->of_pair << f->chain_bits);
    uint16_t *uses = xcalloc((size_t)1 << f->gram_bits, sizeof *uses);
    for (size_t i = 0; i < f->n; i++) {
        for (unsigned at = 0; at + 4u <= f->patterns[i].size; at++) {
            uint32_t hash = gram_hash(get_le32(f->patterns[i].octets + at));
            uint16_t *n = &uses[hash >> (32 - f->gram_bits)];
            *n = (uint16_t)(*n + (*n < UINT16_MAX));
        }
    }
    for (size_t i = 0; i < f->n; i++) {
        choose(f, &f->patterns[i], uses);
        chain(f, (uint32_t)i);
    }
    free(uses);
}

/* ---- Scanning ---- */

struct scan {
    const struct prefilter *f;
    const uint8_t *data;
    size_t size, fresh;
    void (*found)(void *, uint32_t);
    void *arg;
};

/* Patterns of the chain that stand where their mark is at `at`. */
static void
compare(const struct scan *s, uint32_t i, size_t at)
{
    for (; i != NONE; i = s->f->patterns[i].next) {
        const struct pattern *p = &s->f->patterns[i];
        if (p->at > at || at - p->at + p->size > s->size || at - p->at + p->size <= s->fresh)
            continue;
        const uint8_t *d = s->data + at - p->at;
        unsigned k = 0;
        while (k < p->size && suricata_lower[d[k]] == p->octets[k])
            k++;
        if (k == p->size)
            s->found(s->arg, p->rule);
    }
}

static void
scan_grams(const struct scan *s, size_t from)
{
    const struct prefilter *f = s->f;
    if (s->size < 4)
        return;
    uint32_t gram = 0;
    for (size_t i = from; i < from + 3 && i < s->size; i++)
        gram = gram >> 8 | (uint32_t)suricata_lower[s->data[i]] << 24;
    for (size_t i = from + 3; i < s->size; i++) {
        gram = gram >> 8 | (uint32_t)suricata_lower[s->data[i]] << 24;
        uint32_t hash = gram_hash(gram), bit = hash >> (32 - f->gram_bits);
        if (f->grams[bit / 64] >> bit % 64 & 1)
            compare(s, f->of_gram[hash >> (32 - f->chain_bits)], i - 3);
    }
}

static void
scan_few(const struct scan *s, size_t from)
{
    const struct prefilter *f = s->f;
    for (size_t i = from; i < s->size; i++) {
        uint8_t octet = suricata_lower[s->data[i]];
        if (f->singles[octet])
            compare(s, f->of_single[octet], i);
        if (!f->has_pairs || i + 1 == s->size)
            continue;
        uint32_t pair = octet | (uint32_t)suricata_lower[s->data[i + 1]] << 8;
        if (f->pairs[pair / 64] >> pair % 64 & 1)
            compare(s, f->of_pair[pair & ((1u << f->chain_bits) - 1)], i);
    }
}

void
prefilter_scan(const struct prefilter *f, const uint8_t *data, size_t size, size_t fresh,
               void (*found)(void *, uint32_t), void *arg)
{
    if (!f)
        return;
    const struct scan s = {f, data, size, fresh, found, arg};
    size_t overlap = prefilter_overlap(f), from = fresh > overlap ? fresh - overlap : 0;
    if (f->has_grams)
        scan_grams(&s, from);
    if (f->has_pairs || f->has_singles)
        scan_few(&s, from);
}
