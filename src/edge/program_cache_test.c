#include "edge/program_cache.h"

#include "base/hash.h"
#include "base/testing.h"

static uint64_t
hash_of(uint32_t i)
{
    return hash_mix(i + UINT64_C(0x12345678));
}

static struct op ops[MAX_OPS];

/* A program for key `i` with so many steps, each of which says whose it is. */
static struct program
program_of(uint32_t i, uint8_t n_ops, uint64_t generation)
{
    struct program p = {.generation = generation, .ops = ops, .n_ops = n_ops};
    p.key.in_port = i;
    for (unsigned k = 0; k < n_ops; k++)
        ops[k] = (struct op){.type = OP_QUEUE, .id = i * MAX_OPS + k};
    return p;
}

/* The program of key `i`, checked to be that; NULL: none. */
static const struct program *
find(const struct program_cache *c, uint32_t i, uint64_t generation)
{
    struct flow_key key = {.in_port = i};
    const struct program *p = program_cache_find(c, &key, generation, hash_of(i));
    for (unsigned k = 0; p && k < p->n_ops; k++)
        assert_int_equal(p->ops[k].id, i * MAX_OPS + k);
    return p;
}

static void
put(struct program_cache *c, uint32_t i, uint8_t n_ops, uint64_t generation)
{
    struct program p = program_of(i, n_ops, generation);
    program_cache_put(c, &p, hash_of(i));
}

static void
finds_what_was_kept_and_nothing_else(void **state UNUSED)
{
    struct program_cache c;
    program_cache_init(&c, 1000);
    for (uint32_t i = 0; i < 900; i++)
        put(&c, i, (uint8_t)(i % (SHORT_OPS + 1)), 1);
    unsigned lost = 0;
    for (uint32_t i = 0; i < 900; i++)
        lost += !find(&c, i, 1);
    assert_true(lost < 20); /* sets that were full */
    for (uint32_t i = 900; i < 2000; i++)
        assert_null(find(&c, i, 1));
    program_cache_fini(&c);
}

static void
a_later_generation_finds_nothing_of_the_earlier(void **state UNUSED)
{
    struct program_cache c;
    program_cache_init(&c, 64);
    put(&c, 1, 2, 1);
    put(&c, 2, 2, 1);
    assert_null(find(&c, 1, 2));
    put(&c, 3, 2, 2); /* takes the first's place */
    assert_null(find(&c, 1, 2));
    assert_null(find(&c, 2, 2));
    assert_non_null(find(&c, 3, 2));
    program_cache_fini(&c);
}

/* Memory is bounded: old programs go, and none is ever found under another's key, whether short or
 * long, however they take each other's places. */
static void
programs_are_never_mixed_up(void **state UNUSED)
{
    struct program_cache c;
    uint64_t random = 1;
    unsigned found = 0;
    program_cache_init(&c, 100);
    for (uint32_t step = 0; step < 200000; step++) {
        random = hash_mix(random + step);
        uint32_t i = (uint32_t)(random % 150);
        uint64_t generation = 1 + step / 5000;
        if (find(&c, i, generation))
            found++;
        else
            put(&c, i, (uint8_t)(random >> 32 & 7 ? 3 : SHORT_OPS + 1 + (random >> 40) % 14),
                generation);
    }
    assert_true(found > 50000);
    program_cache_fini(&c);
}

static void
a_cache_of_none_keeps_nothing(void **state UNUSED)
{
    struct program_cache c;
    program_cache_init(&c, 0);
    assert_null(find(&c, 1, 1));
    program_cache_fini(&c);
}

TEST_MAIN(cmocka_unit_test(finds_what_was_kept_and_nothing_else),
          cmocka_unit_test(a_later_generation_finds_nothing_of_the_earlier),
          cmocka_unit_test(programs_are_never_mixed_up),
          cmocka_unit_test(a_cache_of_none_keeps_nothing))
