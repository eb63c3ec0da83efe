/* frr_ted_fuzz.c - any text in place of FRR's database: read, put into a database, committed. */
#include "wan/feed_frr_ted.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frr_ted read;
    struct diag diag;
    uint32_t source;
    if (frr_ted_read((const char *)data, size, &read, &diag))
        return 0;
    struct ted *ted = ted_new(NULL);
    if (ted_source_add(ted, TED_KIND_OSPF, "frr", "", &source))
        abort();
    ted_source_up(ted, source, 0);
    for (uint32_t i = 0; i < read.n_nodes; i++)
        if (ted_put_node(ted, source, &read.nodes[i], 0))
            continue;
    for (uint32_t i = 0; i < read.n_links; i++)
        if (ted_put_link(ted, source, &read.links[i], 0))
            continue;
    for (uint32_t i = 0; i < read.n_prefixes; i++)
        if (ted_put_prefix(ted, source, &read.prefixes[i], 0))
            continue;
    ted_source_synced(ted, source, 0);
    ted_commit(ted, 0);
    ted_source_down(ted, source, 1);
    ted_commit(ted, NSEC_PER_SEC * 1000);
    ted_commit(ted, NSEC_PER_SEC * 10000);
    const struct ted_view *view = ted_view(ted);
    if (ted_view_network(view)->n_links)
        abort(); /* all is forgotten by then */
    ted_view_release(view);
    ted_free(ted);
    frr_ted_fini(&read);
    return 0;
}
