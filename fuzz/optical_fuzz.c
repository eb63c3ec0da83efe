/* optical_fuzz.c - any text in place of the optical layer's document: read, put into a database,
 * and shown as RFC 8345 has it. */
#include "wan/feed_optical.h"
#include "wan/topology_8345.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct optical read;
    struct diag diag;
    struct buf text = buf_limited(1 << 20);
    uint32_t source;
    if (optical_read((const char *)data, size, &read, &diag))
        return 0;
    struct ted *ted = ted_new(NULL);
    if (ted_source_add(ted, TED_KIND_OPTICAL, "optical", "", &source))
        abort();
    optical_tell(&read, ted, source, 0);
    ted_commit(ted, 0);
    if (topology_8345_put(&text, ted) && !text.overflow)
        abort();
    buf_fini(&text);
    ted_free(ted);
    optical_fini(&read);
    return 0;
}
