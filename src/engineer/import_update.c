#include "engineer/import_update.h"

#include <string.h>

enum err
import_apply(struct imported *imp, const struct import_update *u, struct imported_change *change,
             struct diag *diag)
{
    const char *ports[IMPORT_OUTS_MAX], *out = u->outs;
    if (!u->is_route)
        return imported_put_rule(imp, u->add, u->name, &u->rule, change, diag);
    for (uint32_t i = 0; i < u->n_outs; i++) {
        ports[i] = out;
        if (i + 1 < u->n_outs)
            out += strlen(out) + 1;
    }
    struct imported_route route = {.node = u->name,
                                   .prefix = u->prefix,
                                   .length = u->length,
                                   .priority = u->priority,
                                   .ports = ports,
                                   .n_ports = u->n_outs};
    return imported_put_route(imp, u->add, &route, change, diag);
}
