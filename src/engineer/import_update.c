#include "engineer/import_update.h"

#include <string.h>

static enum err
find_ports(const struct imported *imp, uint32_t node, const struct import_update *u,
           uint32_t *ports, struct diag *diag)
{
    const char *out = u->outs;
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < u->n_outs && !err; i++) {
        err = imported_find_port(imp, node, out, &ports[i], diag);
        out += strlen(out) + 1;
    }
    return err;
}

enum err
import_apply(struct imported *imp, const struct import_update *u, struct imported_change *change,
             struct diag *diag)
{
    uint32_t ports[IMPORT_OUTS_MAX], filter;
    struct imported_route route = {.prefix = u->prefix,
                                   .length = u->length,
                                   .priority = u->priority,
                                   .ports = ports,
                                   .n_ports = u->add ? u->n_outs : 0};
    enum err err;
    if (!u->is_route) {
        err = imported_find_filter(imp, u->name, &filter, diag);
        return err ? err : imported_put_rule(imp, u->add, filter, &u->rule, change, diag);
    }
    err = imported_find_node(imp, u->name, &route.node, diag);
    if (!err && u->add)
        err = find_ports(imp, route.node, u, ports, diag);
    return err ? err : imported_put_route(imp, u->add, &route, change, diag);
}
