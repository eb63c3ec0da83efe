#include "edge/slab.h"

#include "base/testing.h"

#include <stdlib.h>

#define N 20000u

static void
objects_are_zeroed_aligned_and_apart(void **state UNUSED)
{
    struct slab slab;
    static uint8_t *objects[N];
    static const size_t sizes[] = {1, 100, 200, SLAB_SIZE_MAX};
    slab_init(&slab);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < N; i++) {
            size_t size = sizes[i % 4];
            if (round && i % 3)
                continue; /* still there from before */
            objects[i] = slab_new(&slab, size);
            for (size_t k = 0; k < size; k++)
                assert_int_equal(objects[i][k], 0);
            memset(objects[i], (int)(i % 255 + 1), size);
        }
        for (unsigned i = 0; i < N; i++) {
            size_t size = sizes[i % 4];
            assert_int_equal(objects[i][0], i % 255 + 1);
            assert_int_equal(objects[i][size - 1], i % 255 + 1);
            if (i % 3 == 0)
                slab_free(&slab, objects[i], size);
        }
    }
    for (unsigned i = 0; i < N; i++) {
        if (i % 3)
            slab_free(&slab, objects[i], sizes[i % 4]);
    }
    slab_fini(&slab);
}

static void
gives_memory_back_when_the_last_of_a_size_goes(void **state UNUSED)
{
    struct slab slab;
    slab_init(&slab);
    void *one = slab_new(&slab, 64), *two = slab_new(&slab, 64), *other = slab_new(&slab, 300);
    struct slab_class *class = &slab.classes[64 / SLAB_ALIGN];
    slab_free(&slab, one, 64);
    assert_int_equal(class->n_used, 1);
    slab_free(&slab, two, 64);
    assert_int_equal(class->n_used, 0);
    assert_null(class->chunks);
    assert_null(class->free);
    slab_free(&slab, other, 300);
    slab_fini(&slab);
}

TEST_MAIN(cmocka_unit_test(objects_are_zeroed_aligned_and_apart),
          cmocka_unit_test(gives_memory_back_when_the_last_of_a_size_goes))
