/* ospf_lsdb_fuzz.c - any LSAs one after another, each behind its length and an octet (its lowest
 * bit: deleted; the next: tell the database now): when the source is gone nothing is left. */
#include "base/bytes.h"
#include "wan/feed_ospf_lsdb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_all(struct ospf_lsdb *db, struct ted *ted, const uint8_t *data, size_t size)
{
    struct diag diag;
    while (size >= 3) {
        size_t length = MIN((size_t)get_be16(data), size - 3);
        uint8_t flags = data[2];
        if (ospf_lsdb_put(db, flags >> 2, data + 3, length, flags & 1, &diag) == ERR_OK &&
            flags & 2) {
            ospf_lsdb_flush(db, 1);
            ted_commit(ted, 1);
        }
        data += 3 + length;
        size -= 3 + length;
    }
    ospf_lsdb_flush(db, 1);
    ted_commit(ted, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ted *ted = ted_new(NULL);
    uint32_t source;
    if (ted_source_add(ted, TED_KIND_OSPF, "ospf", "", &source))
        abort();
    ted_source_up(ted, source, 0);
    struct ospf_lsdb *db = ospf_lsdb_new(ted, source);
    put_all(db, ted, data, size);
    ospf_lsdb_free(db);
    ted_source_remove(ted, source, 2);
    ted_commit(ted, 2);
    const struct ted_view *view = ted_view(ted);
    if (ted_view_network(view)->n_links || ted_view_network(view)->n_nodes)
        abort();
    ted_view_release(view);
    ted_free(ted);
    return 0;
}
