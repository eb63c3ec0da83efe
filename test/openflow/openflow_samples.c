/* openflow_samples - prints every sample message as hex, "NAME<tab>HEX" on each line; a message of
 * several parts has several lines. */
#include "samples.h"

#include <stdio.h>

int
main(void)
{
    samples_init();
    for (size_t i = 0; i < n_samples; i++) {
        struct buf wire = BUF_INIT;
        if (openflow_encode(&samples[i].message, &wire)) {
            fprintf(stderr, "%s: cannot be encoded\n", samples[i].name);
            return 1;
        }
        for (size_t at = 0, size;
             !openflow_frame(wire.data + at, wire.size - at, OPENFLOW_SIZE_MAX, &size);
             at += size) {
            printf("%s\t", samples[i].name);
            for (size_t k = 0; k < size; k++)
                printf("%02x", wire.data[at + k]);
            printf("\n");
            if (at + size == wire.size)
                break;
        }
        buf_fini(&wire);
    }
    return 0;
}
