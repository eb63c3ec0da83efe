/* fuzz.h - what fuzz targets share: the entry, a check that ends the run, and for what has a course
 * of things, the input as a script of steps. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold whatever the input is. */
static inline void
check(bool ok)
{
    if (!ok)
        abort();
}

struct script {
    const uint8_t *data;
    size_t size;
};

/* 0 when there is nothing left. */
static inline uint8_t
next_octet(struct script *script)
{
    if (!script->size)
        return 0;
    script->size--;
    return *script->data++;
}

/* The next `*size` octets, or as many as there are. */
static inline const uint8_t *
next_octets(struct script *script, size_t *size)
{
    const uint8_t *data = script->data;
    *size = *size < script->size ? *size : script->size;
    script->data += *size;
    script->size -= *size;
    return data;
}

#endif
