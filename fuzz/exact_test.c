/* What a sanitizer sees of the copies that the targets read: all but the copy is poisoned. */
#include "exact.h"

#include "base/testing.h"

#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN true
#elif defined(__has_feature)
#define HAS_ASAN __has_feature(address_sanitizer)
#else
#define HAS_ASAN false
#endif

static bool
is_poisoned(const void *octet)
{
#if HAS_ASAN
    return __asan_address_is_poisoned(octet);
#else
    (void)octet;
    return true;
#endif
}

static bool
is_readable(const uint8_t *octets, size_t size)
{
#if HAS_ASAN
    return !__asan_region_is_poisoned((void *)(uintptr_t)octets, size);
#else
    (void)octets, (void)size;
    return true;
#endif
}

static uint8_t octets[EXACT_RING];

static void
one_octet_too_far_is_seen(void **state UNUSED)
{
    for (size_t i = 0; i < 3000; i++) { /* many rounds of the ring */
        size_t size = i < 100 ? i : i * 7919 % (EXACT_RING / 4 + 1);
        uint8_t *copy = exact_copy(octets, size);
        assert_true(copy > exact_ring && copy + size < exact_ring + sizeof exact_ring);
        assert_memory_equal(copy, octets, size);
        assert_true(is_readable(copy, size));
        assert_true(is_poisoned(copy - 1));
        assert_true(is_poisoned(copy + size));
        exact_free(copy, size);
    }
}

static void
what_is_freed_is_not_read(void **state UNUSED)
{
    uint8_t *old = exact_copy(octets, 77);
    exact_free(old, 77);
    uint8_t *copy = exact_copy(octets, 99);
    for (size_t i = 0; i < 77; i++)
        assert_true(is_poisoned(old + i));
    exact_free(copy, 99);
}

static void
large_ones_are_exact_too(void **state UNUSED)
{
    for (size_t size = EXACT_RING / 4; size < EXACT_RING / 4 + 20; size++) {
        uint8_t *copy = exact_copy(octets, size);
        assert_memory_equal(copy, octets, size);
        assert_true(is_readable(copy, size));
        assert_true(is_poisoned(copy - 1));
        assert_true(is_poisoned(copy + size));
        exact_free(copy, size);
        assert_true(is_poisoned(copy));
    }
}

int
main(void)
{
    for (size_t i = 0; i < sizeof octets; i++)
        octets[i] = (uint8_t)(i ^ i >> 8);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_octet_too_far_is_seen),
        cmocka_unit_test(what_is_freed_is_not_read),
        cmocka_unit_test(large_ones_are_exact_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
