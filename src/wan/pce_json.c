#include "wan/pce_json.h"

#include "io/jsontext.h"

#include <arpa/inet.h>
#include <stdio.h>

/* ---- paths */

static void
set_address(json_t *to, const char *key, const struct te_address *address)
{
    char text[INET6_ADDRSTRLEN];
    if (!address->family)
        return;
    inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->octets, text, sizeof text);
    json_object_set_new(to, key, json_string(text));
}

static void
set_number(json_t *to, const char *key, uint64_t value)
{
    if (value)
        json_object_set_new(to, key, json_integer((json_int_t)value));
}

static void
set_flag(json_t *to, const char *key, bool value)
{
    if (value)
        json_object_set_new(to, key, json_true());
}

json_t *
lsp_hop_json(const struct lsp_hop *hop)
{
    static const char *const kinds[] = {"address", "segment", "unnumbered", "label",
                                        "srv6",    "as",      "other"};
    json_t *row = json_object();
    json_object_set_new(row, "kind",
                        json_string(hop->kind < ARRAY_SIZE(kinds) ? kinds[hop->kind] : "other"));
    if (hop->label != TE_NO_LABEL)
        json_object_set_new(row, hop->is_label ? "label" : "index",
                            json_integer((json_int_t)hop->label));
    set_address(row, hop->remote.family ? "local" : "address", &hop->local);
    set_address(row, "remote", &hop->remote);
    set_number(row, "prefix-length", hop->prefix);
    set_number(row, "local-id", hop->local_id);
    set_number(row, "remote-id", hop->remote_id);
    set_flag(row, "loose", hop->loose);
    return row;
}

static json_t *
path_json(struct lsp_hops hops)
{
    struct lsp_hop hop;
    json_t *list = json_array();
    while (lsp_hops_next(&hops, &hop))
        json_array_append_new(list, lsp_hop_json(&hop));
    return list;
}

/* ---- LSPs */

static json_t *
metrics_json(const struct lsp *lsp)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < lsp->n_metrics; i++) {
        struct lsp_metric metric;
        lsp_metric(lsp, i, &metric);
        json_t *row = json_pack("{si sf}", "type", metric.type, "value", (double)metric.value);
        set_flag(row, "bound", metric.is_bound);
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *
associations_json(const struct lsp *lsp)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < lsp->n_associations; i++) {
        struct lsp_association association;
        lsp_association(lsp, i, &association);
        json_t *row = json_pack("{si si}", "type", association.type, "id", association.id);
        set_address(row, "source", &association.source);
        set_number(row, "disjointness", association.disjointness);
        json_array_append_new(list, row);
    }
    return list;
}

static const char *
setup_name(uint8_t type)
{
    return type == PCEP_PST_SR ? "sr" : type == PCEP_PST_SRV6 ? "srv6" : type ? "other" : "rsvp-te";
}

static int64_t
age_ms(nsec_t since, nsec_t now)
{
    return (now - since) / NSEC_PER_MSEC;
}

json_t *
pce_lsp_json(const struct pce *pce, const struct lsp *lsp, nsec_t now)
{
    struct pce_pcc_info info;
    char id[24];
    bool known = pce_pcc_info(pce, lsp->pcc, &info);
    snprintf(id, sizeof id, "%llx", (unsigned long long)lsp->id);
    json_t *row = json_pack("{ss ss so sI ss sb sb sb}", "id", id, "pcc", known ? info.address : "",
                            "name", jsontext_string(lsp_name(lsp)), "plsp-id",
                            (json_int_t)lsp->plsp_id, "operational",
                            lsp_operational_name(lsp->operational), "admin-up", lsp->admin,
                            "delegated", lsp->delegated, "created-by-pce", lsp->created_by_pce);
    set_address(row, "source", &lsp->source);
    set_address(row, "destination", &lsp->destination);
    set_number(row, "tunnel-id", lsp->tunnel_id);
    set_number(row, "lsp-id", lsp->lsp_id);
    set_number(row, "bandwidth-bps", lsp->bandwidth_bps);
    if (lsp->has_priorities)
        json_object_set_new(
            row, "priorities",
            json_pack("{si si}", "setup", lsp->setup_priority, "hold", lsp->holding_priority));
    if (lsp->has_color)
        json_object_set_new(row, "color", json_integer(lsp->color));
    set_number(row, "binding-label", lsp->binding_label);
    set_number(row, "error-code", lsp->error_code);
    if (lsp->setup_type != LSP_SETUP_UNKNOWN)
        json_object_set_new(row, "path-setup", json_string(setup_name(lsp->setup_type)));
    set_flag(row, "stale", lsp->stale);
    set_flag(row, "orphan", lsp->orphan);
    set_flag(row, "order-under-way", lsp->srp_id);
    json_object_set_new(row, "unchanged-ms", json_integer(age_ms(lsp->changed, now)));
    json_object_set_new(row, "ero", path_json(lsp_ero(lsp)));
    json_object_set_new(row, "rro", path_json(lsp_rro(lsp)));
    if (lsp->n_metrics)
        json_object_set_new(row, "metrics", metrics_json(lsp));
    if (lsp->n_associations)
        json_object_set_new(row, "associations", associations_json(lsp));
    return row;
}

json_t *
pce_lsps_json(const struct pce *pce, uint32_t pcc, uint64_t after, uint32_t most, nsec_t now)
{
    json_t *list = json_array(), *result = json_pack("{so}", "lsps", list);
    const struct lsp *lsp;
    char next[24];
    for (; (lsp = lsp_db_after(pce_lsps(pce), after)); after = lsp->id) {
        if (pcc != PCE_NO_PCC && lsp->pcc != pcc)
            continue;
        if (json_array_size(list) == most) {
            snprintf(next, sizeof next, "%llx", (unsigned long long)after);
            json_object_set_new(result, "next", json_string(next));
            break;
        }
        json_array_append_new(list, pce_lsp_json(pce, lsp, now));
    }
    return result;
}

/* ---- PCCs */

static json_t *
capabilities_json(const struct pcep_capabilities *c)
{
    json_t *row = json_object();
    set_flag(row, "stateful", c->stateful);
    set_flag(row, "update", c->stateful_flags & PCEP_LSP_UPDATE);
    set_flag(row, "initiate", c->stateful_flags & PCEP_LSP_INSTANTIATION);
    set_flag(row, "db-version", c->stateful_flags & PCEP_INCLUDE_DB_VERSION);
    set_flag(row, "resync", c->stateful_flags & PCEP_TRIGGERED_RESYNC);
    set_flag(row, "delta-sync", c->stateful_flags & PCEP_DELTA_LSP_SYNC);
    set_flag(row, "segment-routing", c->sr);
    set_number(row, "max-sid-depth", c->sr_msd);
    set_flag(row, "sr-policy", c->association_types >> PCEP_ASSOC_SR_POLICY & 1);
    return row;
}

static json_t *
misbehaviours_json(const struct pce_pcc_info *info)
{
    json_t *row = json_object();
    for (int i = 0; i < PCE_N_MISBEHAVIOURS; i++)
        set_number(row, pce_misbehaviour_name((enum pce_misbehaviour)i), info->misbehaviours[i]);
    return row;
}

static json_t *
counters_json(const struct pce_pcc_info *info)
{
    json_t *row = json_object();
    const struct {
        const char *name;
        uint64_t value;
    } counters[] = {
        {"sessions", info->sessions}, {"reports", info->reports}, {"orders", info->orders},
        {"done", info->done},         {"refused", info->refused}, {"timed-out", info->timed_out},
        {"errors", info->errors},     {"waiting", info->waiting}, {"in-flight", info->in_flight},
    };
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        json_object_set_new(row, counters[i].name, json_integer((json_int_t)counters[i].value));
    return row;
}

json_t *
pce_pcc_json(const struct pce *pce, uint32_t pcc, nsec_t now)
{
    static const char *const syncs[] = {"full", "delta", "avoided"};
    struct pce_pcc_info info;
    if (!pce_pcc_info(pce, pcc, &info))
        return NULL;
    json_t *row = json_pack("{ss ss sI sI sI sb so so so}", "address", info.address, "state",
                            pce_pcc_state_name(info.state), "state-ms",
                            (json_int_t)age_ms(info.since, now), "lsps", (json_int_t)info.lsps,
                            "octets", (json_int_t)info.octets, "tls", info.secure, "capabilities",
                            capabilities_json(&info.capabilities), "counters", counters_json(&info),
                            "misbehaviours", misbehaviours_json(&info));
    if (*info.name)
        json_object_set_new(row, "certificate", jsontext_string(info.name));
    if (info.state == PCE_PCC_READY)
        json_object_set_new(row, "synchronised",
                            json_pack("{ss sI}", "how", syncs[info.sync], "took-ms",
                                      (json_int_t)(info.sync_took / NSEC_PER_MSEC)));
    set_number(row, "db-version", info.db_version);
    return row;
}

json_t *
pce_pccs_json(const struct pce *pce, nsec_t now)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < pce_n_pccs(pce); i++) {
        json_t *row = pce_pcc_json(pce, i, now);
        if (row)
            json_array_append_new(list, row);
    }
    return list;
}
