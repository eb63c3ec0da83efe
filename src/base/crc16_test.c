#include "base/crc16.h"

#include "base/attr.h"
#include "base/testing.h"

static const uint8_t digits[] = "123456789";

/* Check values of the catalogue of parametrised CRC algorithms (reveng.sourceforge.io):
 * CRC-16/IBM-3740 and CRC-16/DNP. */
static void
check_values_are_those_of_the_catalogue(void **state UNUSED)
{
    assert_int_equal(crc16_high_first(crc16_ccitt, 0xffff, digits, 9), 0x29b1);
    assert_int_equal((uint16_t)~crc16_low_first(crc16_dnp, 0, digits, 9), 0xea82);
}

static uint16_t
high_by_bits(uint16_t crc, const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < 8 * size; i++) {
        unsigned bit = (unsigned)(p[i / 8] >> (7 - i % 8)) & 1;
        crc = (uint16_t)(crc << 1 ^ ((crc >> 15 ^ bit) & 1 ? 0x1021 : 0));
    }
    return crc;
}

static uint16_t
low_by_bits(uint16_t crc, const uint8_t *p, size_t size)
{
    for (size_t i = 0; i < 8 * size; i++) {
        unsigned bit = (unsigned)(p[i / 8] >> i % 8) & 1;
        crc = (uint16_t)(crc >> 1 ^ ((crc ^ bit) & 1 ? 0xa6bc : 0));
    }
    return crc;
}

static void
eight_octets_at_once_are_the_same_as_bits(void **state UNUSED)
{
    uint8_t octets[40];
    uint32_t random = 1;
    for (unsigned n = 0; n < 2000; n++) {
        size_t size = n % (sizeof octets + 1);
        for (size_t i = 0; i < size; i++) {
            random = random * 1664525 + 1013904223;
            octets[i] = (uint8_t)(random >> 24);
        }
        uint16_t before = (uint16_t)random;
        assert_int_equal(crc16_high_first(crc16_ccitt, before, octets, size),
                         high_by_bits(before, octets, size));
        assert_int_equal(crc16_low_first(crc16_dnp, before, octets, size),
                         low_by_bits(before, octets, size));
    }
}

TEST_MAIN(cmocka_unit_test(check_values_are_those_of_the_catalogue),
          cmocka_unit_test(eight_octets_at_once_are_the_same_as_bits))
