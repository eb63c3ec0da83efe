#include "gateway/restconf_vpn.h"

#include "model/vpn_shape.h"

#include <string.h>

/* ---- Reading ---- */

static bool
drifts(const struct state *state, const char *vpn)
{
    for (const struct exception *e = state->exceptions; e; e = e->hh.next) {
        if (e->state != EXCEPTION_CLOSED && !strcmp(e->kind, "vpn-drift") &&
            !strncmp(e->object, "vpn/", 4) && !strcmp(e->object + 4, vpn))
            return true;
    }
    return false;
}

/* Identities of RFC 9181. */
static json_t *
status_json(const struct state *state, const char *vpn)
{
    static const struct {
        const char *admin, *oper;
    } words[PHASE_MAX] = {
        [PHASE_PROPOSED] = {"admin-pre-deployment", "op-down"},
        [PHASE_RESERVED] = {"admin-pre-deployment", "op-down"},
        [PHASE_BUILDING] = {"admin-testing", "op-unknown"},
        [PHASE_BUILT] = {"admin-testing", "op-unknown"},
        [PHASE_ACTIVE] = {"admin-up", "op-up"},
        [PHASE_REMOVING] = {"admin-down", "op-unknown"},
    };
    const struct vpn_status *v = vpning_find(&state->vpning, vpn);
    enum circuit_phase phase = v ? v->phase : PHASE_PROPOSED;
    const char *oper = drifts(state, vpn) ? "op-unknown" : words[phase].oper;
    json_t *json = json_pack("{s{ss+} s{ss+}}", "admin-status", "status",
                             "ietf-vpn-common:", words[phase].admin, "oper-status", "status",
                             "ietf-vpn-common:", oper);
    char time[TIME_TEXT_SIZE];
    if (v)
        json_object_set_new(json_object_get(json, "oper-status"), "last-change",
                            json_string(time_format(v->since, time)));
    return json;
}

static json_t *
services_of(const json_t *document, const char *module)
{
    return json_object_get(json_object_get(json_object_get(document, module), "vpn-services"),
                           "vpn-service");
}

/* As its RFC has it. */
static json_t *
shaped(const char *module, const json_t *service)
{
    if (!service)
        return NULL;
    return strcmp(module, L3VPN_MODULE) ? vpn_shape_rfc9291(service) : vpn_shape_rfc9182(service);
}

json_t *
restconf_vpns(const struct state *state, const char *module, bool with_status)
{
    json_t *list = json_array();
    for (const struct vpn *v = state->network->vpns; v; v = v->hh.next) {
        json_t *document = json_loads(v->service, 0, NULL);
        json_t *service = shaped(module, json_array_get(services_of(document, module), 0));
        json_decref(document);
        if (service && with_status)
            json_object_set_new(service, "status", status_json(state, v->name));
        if (service)
            json_array_append_new(list, service);
    }
    json_t *profiles = vpn_shape_profiles(list);
    return json_pack("{so s{so}}", "vpn-profiles", profiles, "vpn-services", "vpn-service", list);
}

/* ---- Changing ---- */

bool
restconf_vpn_is_module(const char *segment)
{
    return !strcmp(segment, L3VPN_MODULE) || !strcmp(segment, L2VPN_MODULE);
}

/* The module may be left out below the top (RFC 8040 section 3.5.3). */
static const char *
local_name(const char *segment)
{
    size_t length = strcspn(segment, ":=");
    return segment[length] == ':' ? segment + length + 1 : segment;
}

bool
restconf_vpn_target(const char *const *segments, size_t n, const char **name)
{
    static const char list[] = "vpn-service=";
    *name = NULL;
    if (n < 2 || n > 3 || !restconf_vpn_is_module(segments[0]) ||
        strcmp(local_name(segments[1]), "vpn-services") != 0)
        return false;
    if (n == 2)
        return true;
    if (strncmp(local_name(segments[2]), list, sizeof list - 1) != 0)
        return false;
    *name = local_name(segments[2]) + sizeof list - 1;
    return **name != '\0';
}

json_t *
restconf_vpn_object(const struct network *network, const char *module, const json_t *service)
{
    const char *id = json_string_value(json_object_get(service, "vpn-id"));
    const struct vpn *there = id ? network_vpn(network, id) : NULL;
    if (!id)
        return NULL;
    json_t *copy = json_copy((json_t *)(uintptr_t)service);
    json_object_del(copy, "status");
    json_t *json = json_pack("{ss s{s{s{s[o]}}}}", "name", id, "service", module, "vpn-services",
                             "vpn-service", copy);
    if (there && there->description)
        json_object_set_new(json, "description", json_string(there->description));
    return json;
}
