/* Which rules can match at all.
 *
 * Of each pattern four octets that stand together are chosen, the rarest of it among all patterns.
 * Where the octets that are read have these four (a bit of a table that stays in the cache says
 * maybe, for nearly all places no; then another bit, elsewhere), the whole pattern is compared.
 * Eight places are looked at together where the processor can (AVX2). Patterns of two and three
 * octets are known by two, and those of one by itself. So the cost per octet does not depend on how
 * many patterns there are, and memory is a few dozen octets for each: an automaton after Aho and
 * Corasick needs a kilobyte per octet of pattern for the same speed.
 *
 * Tried and left: to know longer patterns by several fours, and look at every fourth place only. It
 * is no faster, as shorter ones want a walk of their own, and fills the tables.
 *
 * Case does not count here: what is found is looked at in full afterwards. */
#include "base/alloc.h"
#include "suricata/suricata_private.h"

#if defined __x86_64__
#include <immintrin.h>
#endif
#include <stdlib.h>

#define PATTERN_MAX 32 /* octets that are compared */
#define GRAM_BITS_LEAST 10
#define GRAM_BITS_MOST 20 /* of each table for four octets: 128 KiB */
#define GRAM_FACTOR 0x9e3779b1u
#define TWIN_FACTOR 0x85ebca6bu
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
    uint32_t *grams;     /* a bit each */
    uint32_t *twins;     /* another, elsewhere: both are set by chance much more rarely */
    uint64_t pairs[65536 / 64];
    bool singles[256];
    bool has_grams, has_pairs, has_singles;
    bool has_eights;             /* the processor reads eight places at once */
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
    free(f->twins);
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
    return gram * GRAM_FACTOR;
}

static inline uint32_t
twin_hash(uint32_t gram)
{
    return (gram ^ gram >> 15) * TWIN_FACTOR;
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
        uint32_t gram = get_le32(p->octets + p->at), hash = gram_hash(gram);
        uint32_t bit = hash >> (32 - f->gram_bits), twin = twin_hash(gram) >> (32 - f->gram_bits);
        f->grams[bit / 32] |= UINT32_C(1) << bit % 32;
        f->twins[twin / 32] |= UINT32_C(1) << twin % 32;
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
#if defined __x86_64__
    f->has_eights = __builtin_cpu_supports("avx2");
#endif
    f->gram_bits = GRAM_BITS_LEAST;
    while (f->gram_bits < GRAM_BITS_MOST && (size_t)1 << f->gram_bits < 32 * f->n)
        f->gram_bits++;
    f->chain_bits = f->gram_bits - 3;
    f->grams = xcalloc((size_t)1 << f->gram_bits >> 5, sizeof *f->grams);
    f->twins = xcalloc((size_t)1 << f->gram_bits >> 5, sizeof *f->twins);
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
found_gram(const struct scan *s, uint32_t gram, size_t at)
{
    const struct prefilter *f = s->f;
    uint32_t twin = twin_hash(gram) >> (32 - f->gram_bits);
    if (f->twins[twin / 32] >> twin % 32 & 1)
        compare(s, f->of_gram[gram_hash(gram) >> (32 - f->chain_bits)], at);
}

#if defined __x86_64__
/* Of sixteen octets at `at`, the eight places from `first` on, which is 5 at most. */
__attribute__((target("avx2"), always_inline)) static inline void
scan_eight(const struct scan *s, size_t at, unsigned first)
{
    const struct prefilter *f = s->f;
    const __m256i spread = _mm256_setr_epi8(0, 1, 2, 3, 1, 2, 3, 4, 2, 3, 4, 5, 3, 4, 5, 6, 4, 5, 6,
                                            7, 5, 6, 7, 8, 6, 7, 8, 9, 7, 8, 9, 10);
    const __m128i before_a = _mm_set1_epi8('A' - 1), behind_z = _mm_set1_epi8('Z' + 1);
    __m128i octets = _mm_loadu_si128((const __m128i *)(const void *)(s->data + at));
    __m128i is_upper = _mm_and_si128(_mm_cmpgt_epi8(octets, before_a),
                                     _mm_cmplt_epi8(octets, behind_z));
    octets = _mm_or_si128(octets, _mm_and_si128(is_upper, _mm_set1_epi8(0x20)));
    __m256i grams = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(octets),
                                        _mm256_add_epi8(spread, _mm256_set1_epi8((char)first)));
    __m256i hashes = _mm256_mullo_epi32(grams, _mm256_set1_epi32((int)GRAM_FACTOR));
    __m256i bits = _mm256_srl_epi32(hashes, _mm_cvtsi32_si128(32 - (int)f->gram_bits));
    __m256i words = _mm256_i32gather_epi32((const int *)(const void *)f->grams,
                                           _mm256_srli_epi32(bits, 5), 4);
    __m256i to_top = _mm256_andnot_si256(bits, _mm256_set1_epi32(31)); /* 31 - bits % 32 */
    __m256i tops = _mm256_sllv_epi32(words, to_top);
    unsigned found = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(tops));
    uint32_t lanes[8];
    if (!found)
        return;
    _mm256_storeu_si256((__m256i *)(void *)lanes, grams);
    for (; found; found &= found - 1) {
        unsigned i = (unsigned)__builtin_ctz(found);
        found_gram(s, lanes[i], at + first + i);
    }
}

/* All places from `at` on; there are sixteen octets at least. The last are read with some before
 * them, which may be told again. */
__attribute__((target("avx2"))) static void
scan_eights(const struct scan *s, size_t at)
{
    for (; at + 16 <= s->size; at += 8)
        scan_eight(s, at, 0);
    if (at + 11 < s->size)
        scan_eight(s, s->size - 16, 0);
    if (at + 4 <= s->size)
        scan_eight(s, s->size - 16, 5);
}
#endif

static void
scan_grams(const struct scan *s, size_t from)
{
    const struct prefilter *f = s->f;
    if (s->size < from + 4)
        return;
#if defined __x86_64__
    if (f->has_eights && s->size >= 16) {
        scan_eights(s, from);
        return;
    }
#endif
    uint32_t gram = 0;
    for (size_t i = from; i < from + 3; i++)
        gram = gram >> 8 | (uint32_t)suricata_lower[s->data[i]] << 24;
    for (size_t i = from + 3; i < s->size; i++) {
        gram = gram >> 8 | (uint32_t)suricata_lower[s->data[i]] << 24;
        uint32_t bit = gram_hash(gram) >> (32 - f->gram_bits);
        if (f->grams[bit / 32] >> bit % 32 & 1)
            found_gram(s, gram, i - 3);
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
