/* pcep_samples - prints every sample message as hex, "NAME<tab>HEX<tab>FIELDS" on each line. */
#include "samples.h"

#include <stdio.h>

int
main(void)
{
    for (size_t i = 0; i < n_samples; i++) {
        struct buf wire = BUF_INIT;
        if (pcep_message_encode(&samples[i].message, &wire)) {
            fprintf(stderr, "%s: cannot be encoded\n", samples[i].name);
            return 1;
        }
        printf("%s\t", samples[i].name);
        for (size_t k = 0; k < wire.size; k++)
            printf("%02x", wire.data[k]);
        printf("\t%s\n", samples[i].fields ? samples[i].fields : "");
        buf_fini(&wire);
    }
    return 0;
}
