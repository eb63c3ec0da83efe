#include "model/vpn.h"

#include <string.h>

enum err
vpn_read_document(const char *name, const json_t *document, struct arena *arena,
                  const struct vpn_service **service, struct diag *diag)
{
    struct vpn_services all;
    enum err err = vpn_services_from_json(document, arena, &all, diag);
    if (err)
        return err;
    if (all.n != 1)
        return diag_set(diag, ERR_INVALID, "vpn-services: has %u services; one is expected", all.n);
    if (strcmp(all.services[0].id, name) != 0)
        return diag_set(diag, ERR_INVALID,
                        "vpn-services/vpn-service[%s]/vpn-id: the VPN is called %s",
                        all.services[0].id, name);
    *service = &all.services[0];
    return ERR_OK;
}

enum err
vpn_read(const struct vpn *vpn, struct arena *arena, const struct vpn_service **service,
         struct diag *diag)
{
    json_t *document = json_loads(vpn->service, 0, NULL);
    enum err err = vpn_read_document(vpn->name, document, arena, service, diag);
    json_decref(document);
    return err;
}

enum err
vpn_check(const struct vpn *vpn, struct diag *diag)
{
    struct arena *arena = arena_new(VPN_BUDGET);
    const struct vpn_service *service;
    enum err err = vpn_read(vpn, arena, &service, diag);
    arena_free(arena);
    return err;
}
