/* fuzz.h - what every fuzz target has: its entry, and a check that ends the run. */
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

#endif
