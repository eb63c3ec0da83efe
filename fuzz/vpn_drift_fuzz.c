/* What a device says it has, against what is planned for it: <data> with anything in it.
 * Differences must have a path and a kind that fits, and what has none must be what is planned. */
#include "fuzz.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "wan/vpn_plan.h"

#include <string.h>

/* The plans of the first service of the tests, made once. */
static const struct vpn_plan *
plan(void)
{
    static const struct vpn_device devices[] = {{"pe1", "junos"}, {"pe2", "ietf"}, {"pe3", "frr"}};
    static struct vpn_plan *made;
    if (made)
        return made;
    struct vpn_catalog *catalog = vpn_catalog_new();
    struct arena *arena = arena_new((size_t)16 << 20);
    struct vpn_services services;
    struct buf text = BUF_INIT;
    json_t *json;
    check(!file_read(TIELINE_SOURCE_DIR "/test/wan/vpn/services.json", 1 << 20, &text, NULL));
    check(!jsontext_parse(buf_cstr(&text), text.size, &json, NULL));
    check(!vpn_services_from_json(json, arena, &services, NULL));
    check(!vpn_catalog_load(catalog, TIELINE_SOURCE_DIR "/etc/vpn", NULL));
    check(!vpn_plan_make(catalog, services.services, devices, 3, &made, NULL));
    json_decref(json);
    arena_free(arena);
    buf_fini(&text);
    vpn_catalog_free(catalog);
    return made;
}

static void
compare(const struct netconf_xml *want, const struct netconf_xml *have, struct arena *arena)
{
    struct vpn_differences found;
    enum err err = vpn_config_compare(arena, want, have, &found);
    check(!err || err == ERR_LIMIT);
    for (uint32_t i = 0; !err && i < found.n; i++) {
        const struct vpn_difference *d = &found.list[i];
        check(d->path[0] == '/');
        check(d->kind != VPN_DIFFERENT || strcmp(d->want, d->have));
        check(d->kind != VPN_MISSING || !*d->have);
        check(d->kind != VPN_UNEXPECTED || !*d->want);
    }
    const char *path = vpn_config_conflict(arena, NULL, want, have, plan()->marker, plan()->name);
    check(!path || err || found.n > 0);
    struct netconf_xml *edit = vpn_config_edit(arena, want, NULL, false);
    if (edit)
        vpn_config_drop_absent(edit, have);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_new((size_t)8 << 20);
    struct netconf_xml *have;
    if (!netconf_xml_parse(data, size, arena, &have, NULL)) {
        compare(plan()->devices[0].config, have, arena);
        compare(plan()->devices[1].config, have, arena);
    }
    arena_free(arena);
    return 0;
}
