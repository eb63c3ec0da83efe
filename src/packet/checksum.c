#include "packet/checksum.h"

uint32_t
checksum_add(uint32_t sum, const void *data, size_t size)
{
    const uint8_t *p = data;
    uint64_t wide = sum;
    for (; size >= 4; p += 4, size -= 4)
        wide += get_be32(p);
    if (size >= 2) {
        wide += get_be16(p);
        p += 2;
        size -= 2;
    }
    if (size)
        wide += (uint32_t)*p << 8;
    /* Fold 64 bits to 32, keeping the value modulo 0xffff. */
    wide = (wide & 0xffffffff) + (wide >> 32);
    wide = (wide & 0xffffffff) + (wide >> 32);
    return (uint32_t)(wide >> 16) + (uint32_t)(wide & 0xffff);
}

uint16_t
checksum_update(uint16_t field, const void *old, const void *new, size_t size)
{
    const uint8_t *o = old, *n = new;
    uint32_t sum = (uint16_t)~field;
    for (size_t i = 0; i + 1 < size; i += 2)
        sum += (uint32_t)(uint16_t)~get_be16(o + i) + get_be16(n + i);
    return checksum_finish(sum);
}

uint32_t
checksum_pseudo(const uint8_t *src, const uint8_t *dst, size_t address_size, uint8_t proto,
                uint32_t l4_size)
{
    uint32_t sum = checksum_add(0, src, address_size);
    sum = checksum_add(sum, dst, address_size);
    return sum + proto + (l4_size >> 16) + (l4_size & 0xffff);
}
