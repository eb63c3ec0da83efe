/* A document of VPN services, planned for every platform that is shipped. What is planned must be
 * well-formed, equal to itself and to what it is written as, have no drift against itself, nothing
 * to do after itself, and be removed without a rest. */
#include "fuzz.h"
#include "io/jsontext.h"
#include "wan/vpn_lines.h"
#include "wan/vpn_plan.h"

static const char *const platforms[] = {"junos", "ietf", "frr"};

static struct vpn_catalog *
catalog(void)
{
    static struct vpn_catalog *loaded;
    if (!loaded) {
        loaded = vpn_catalog_new();
        check(!vpn_catalog_load(loaded, TIELINE_SOURCE_DIR "/etc/vpn", NULL));
    }
    return loaded;
}

static void
check_tree(const struct netconf_xml *config, const struct vpn_plan *plan)
{
    struct arena *arena = arena_new((size_t)64 << 20);
    struct vpn_differences found;
    const struct netconf_xml *native = vpn_config_native(arena, config);
    const struct netconf_xml *remove = vpn_config_edit(arena, config, NULL, true);
    const struct netconf_xml *nothing = vpn_config_edit(arena, config, config, true);
    struct netconf_xml *again;
    struct buf text = BUF_INIT;
    check(native && remove && remove->first && nothing && !nothing->first);
    netconf_xml_put(&text, native);
    check(!netconf_xml_parse(text.data, text.size, arena, &again, NULL));
    check(!vpn_config_compare(arena, config, again, &found) && found.n == 0);
    check(!vpn_config_conflict(arena, NULL, config, again, plan->marker, plan->name));
    buf_fini(&text);
    arena_free(arena);
}

static void
check_lines(const char *lines)
{
    struct buf text = BUF_INIT;
    vpn_lines_change(lines, lines, &text);
    check(text.size == 0);
    vpn_lines_compare(lines, lines, &text);
    check(text.size == 0);
    vpn_lines_change(NULL, lines, &text);
    struct buf drift = BUF_INIT;
    vpn_lines_compare(lines, buf_cstr(&text), &drift);
    check(drift.size == 0);
    buf_clear(&text);
    vpn_lines_change(lines, NULL, &text);
    buf_fini(&text);
    buf_fini(&drift);
}

static void
plan_for(const struct vpn_service *service, const char *platform)
{
    struct vpn_device *devices = calloc(service->n_nodes ? service->n_nodes : 1, sizeof *devices);
    struct vpn_plan *plan;
    struct diag diag = {""};
    check(devices);
    for (uint32_t i = 0; i < service->n_nodes; i++)
        devices[i] = (struct vpn_device){service->nodes[i].ne_id, platform};
    enum err err = vpn_plan_make(catalog(), service, devices, service->n_nodes, &plan, &diag);
    check(!err || (err == ERR_CONFLICT && diag.text[0]) || err == ERR_LIMIT);
    for (uint32_t i = 0; !err && i < plan->n; i++) {
        if (plan->devices[i].config)
            check_tree(plan->devices[i].config, plan);
        else
            check_lines(plan->devices[i].lines);
    }
    if (!err)
        vpn_plan_free(plan);
    free(devices);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *json;
    struct diag diag = {""};
    if (jsontext_parse((const char *)data, size, &json, NULL))
        return 0;
    struct arena *arena = arena_new((size_t)16 << 20);
    struct vpn_services services = {0};
    enum err err = vpn_services_from_json(json, arena, &services, &diag);
    check(!err || diag.text[0]);
    for (uint32_t i = 0; i < services.n; i++) {
        for (size_t j = 0; j < sizeof platforms / sizeof *platforms; j++)
            plan_for(&services.services[i], platforms[j]);
    }
    arena_free(arena);
    json_decref(json);
    return 0;
}
