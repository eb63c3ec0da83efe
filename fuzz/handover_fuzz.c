/* handover_fuzz.c - any octets as what another process hands over: what can be read can be written,
 * and is the same when it is read again.
 *
 * The input is a record, whose checksum is made right if it would be the only thing that is wrong:
 * its last octet is odd, which is not part of the record. */
#include "edge/handover.h"

#include "fuzz.h"

#include <string.h>

#define BUDGET ((size_t)1 << 20)

/* As handover.c's, written otherwise. */
static uint32_t
crc32c(const uint8_t *data, size_t size)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (UINT32_C(0x82f63b78) & -(crc & 1));
    }
    return ~crc;
}

static void
repair(uint8_t *data, size_t size)
{
    if (size < HANDOVER_HEADER_SIZE)
        return;
    put_be32(data + 4, (uint32_t)(size - HANDOVER_HEADER_SIZE));
    put_be32(data + 8, 0);
    put_be32(data + 8, crc32c(data, size));
}

static void
take(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new(BUDGET), *other = arena_new(BUDGET);
    struct handover_record first, second;
    struct buf once = BUF_INIT, twice = BUF_INIT;
    if (!handover_decode(data, size, arena, &first, NULL) && !handover_encode(&first, &once)) {
        check(!handover_decode(once.data, once.size, other, &second, NULL));
        check(!handover_encode(&second, &twice));
        check(once.size == twice.size && !memcmp(once.data, twice.data, once.size));
    }
    buf_fini(&once);
    buf_fini(&twice);
    arena_free(arena);
    arena_free(other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    if (data[size - 1] & 1)
        repair(copy, size - 1);
    take(copy, size - 1);
    free(copy);
    return 0;
}
