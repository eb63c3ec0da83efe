/* lldp_fuzz.c - any LLDPDU: read; what can be read can be written, and is read again the same. */
#include "proto/lldp/lldp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mac src;
    struct lldp first, second;
    struct buf frame = BUF_INIT;
    if (lldp_decode(data, size, &first, NULL))
        return 0;
    if (first.chassis_subtype != 7 || first.port_subtype != 7)
        return 0;
    lldp_encode_frame(&first, &src, &frame);
    if (lldp_decode(frame.data + 14, frame.size - 14, &second, NULL) ||
        strcmp(first.system_name, second.system_name) || first.token_size != second.token_size)
        abort();
    buf_fini(&frame);
    return 0;
}
