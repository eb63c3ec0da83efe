/* ospf_lsa_fuzz.c - any LSA: read within the budget, and what was read lies where it says. */
#include "proto/ospf/ospf_lsa.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cursor in = cursor_over(data, size);
    struct arena *arena = arena_new(1 << 20);
    struct ospf_lsa lsa;
    uint32_t sum = 0;
    if (ospf_lsa_decode(&in, arena, &lsa)) {
        if (!in.field)
            abort();
    } else {
        if (lsa.length != size)
            abort();
        switch (lsa.body) {
        case OSPF_ROUTER:
            for (uint32_t i = 0; i < lsa.router_links.n_links; i++)
                sum += lsa.router_links.links[i].id;
            break;
        case OSPF_NETWORK:
            for (uint32_t i = 0; i < lsa.network.n_routers; i++)
                sum += lsa.network.routers[i];
            break;
        case OSPF_TE:
            for (uint32_t i = 0; i < lsa.te.link.n_srlgs; i++)
                sum += lsa.te.link.srlgs[i];
            break;
        case OSPF_EXTENDED_PREFIX:
            for (uint32_t i = 0; i < lsa.prefixes.n; i++)
                if (lsa.prefixes.prefixes[i].length > 32)
                    abort();
            break;
        default:
            break;
        }
    }
    arena_free(arena);
    return sum == UINT32_MAX ? -1 : 0;
}
