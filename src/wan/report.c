#include "wan/report.h"

#include "io/jsontext.h"

#include <arpa/inet.h>
#include <string.h>

/* ---- Addresses ---- */

const char *
wan_address_text(const struct te_address *a, char text[WAN_ADDRESS_TEXT])
{
    text[0] = '\0';
    if (a->family)
        inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->octets, text, WAN_ADDRESS_TEXT);
    return text;
}

enum err
wan_address_parse(const char *text, struct te_address *address)
{
    struct te_address a = {.family = strchr(text, ':') ? 6 : 4};
    if (inet_pton(a.family == 6 ? AF_INET6 : AF_INET, text, a.octets) != 1)
        return ERR_INVALID;
    *address = a;
    return ERR_OK;
}

uint32_t
wan_address_ipv4(const struct te_address *a)
{
    return a->family == 4 ? (uint32_t)a->octets[0] << 24 | (uint32_t)a->octets[1] << 16 |
                                (uint32_t)a->octets[2] << 8 | a->octets[3]
                          : 0;
}

struct te_address
wan_address_of(uint32_t ipv4)
{
    return (struct te_address){.family = ipv4 ? 4 : 0,
                               .octets = {(uint8_t)(ipv4 >> 24), (uint8_t)(ipv4 >> 16),
                                          (uint8_t)(ipv4 >> 8), (uint8_t)ipv4}};
}

bool
wan_address_equal(const struct te_address *a, const struct te_address *b)
{
    return a->family == b->family && !memcmp(a->octets, b->octets, sizeof a->octets);
}

static void
set_address(json_t *json, const char *name, const struct te_address *a)
{
    char text[WAN_ADDRESS_TEXT];
    if (a->family)
        json_object_set_new(json, name, json_string(wan_address_text(a, text)));
}

/* ---- The database ---- */

static void
set_number(json_t *json, const char *name, uint64_t value, uint64_t unknown)
{
    if (value != unknown)
        json_object_set_new(json, name, json_integer((json_int_t)MIN(value, INT64_MAX)));
}

static json_t *
seconds_ago(nsec_t then, nsec_t now)
{
    return json_real((double)(now - then) / (double)NSEC_PER_SEC);
}

/* Whose word the attributes are. */
static json_t *
origins_json(const struct ted *ted, const struct ted_origin *origins)
{
    json_t *json = json_object();
    for (unsigned i = 0; i < TED_ATTRIBUTES; i++) {
        struct ted_source_info source;
        const struct ted_origin *o = &origins[i];
        if (o->override_id)
            json_object_set_new(json, ted_attribute_name(i),
                                json_sprintf("operator %s", o->override_id));
        else if (o->source != TE_NONE && ted_source_info(ted, o->source, &source))
            json_object_set_new(json, ted_attribute_name(i), json_string(source.name));
    }
    return json;
}

static json_t *
sources_of(const struct ted *ted, const uint32_t *set)
{
    json_t *list = json_array();
    struct ted_source_info source;
    for (uint32_t i = 0; i < ted_n_sources(ted); i++) {
        if (set[i / 32] >> i % 32 & 1 && ted_source_info(ted, i, &source))
            json_array_append_new(list, json_string(source.name));
    }
    return list;
}

static json_t *
node_json(const struct ted *ted, const struct ted_node_info *n)
{
    json_t *json = json_pack("{ss ss sb so so}", "key", n->key, "name", n->node->name, "passable",
                             n->node->passable, "sources", sources_of(ted, n->sources), "origin",
                             origins_json(ted, n->origin));
    set_address(json, "router-id", &n->node->router_id);
    set_number(json, "sid-index", n->node->sid_index, TE_NO_LABEL);
    if (n->node->srgb_size) {
        set_number(json, "srgb-base", n->node->srgb_base, UINT64_MAX);
        set_number(json, "srgb-size", n->node->srgb_size, UINT64_MAX);
    }
    set_number(json, "max-sid-depth", n->node->max_sid_depth, 0);
    static const char *const words[] = {"overload", "maintenance", "contested", "stale"};
    const bool flags[] = {n->overload, n->maintenance, n->contested, n->stale};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (flags[i])
            json_object_set_new(json, words[i], json_true());
    }
    return json;
}

json_t *
wan_nodes_json(struct ted *ted, nsec_t now UNUSED)
{
    json_t *list = json_array();
    struct ted_node_info info;
    for (uint32_t i = 0; ted_node_info_at(ted, i, &info); i++)
        json_array_append_new(list, node_json(ted, &info));
    return list;
}

static json_t *
affinity_json(const struct te_affinity *a)
{
    json_t *list = json_array();
    for (unsigned g = 0; g < TE_AFFINITY_WORDS * 64; g++) {
        if (a->words[g / 64] >> g % 64 & 1)
            json_array_append_new(list, json_integer(g));
    }
    return list;
}

static json_t *
srlgs_json(const struct te_network *net, const struct te_link *l)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < l->n_srlgs; i++)
        json_array_append_new(list,
                              json_integer(net->srlg_ids[net->link_srlgs[l->first_srlg + i]]));
    return list;
}

static json_t *
unreserved_json(const struct te_link *l)
{
    json_t *list = json_array();
    for (unsigned p = 0; p < TE_PRIORITIES; p++)
        json_array_append_new(list, json_integer((json_int_t)MIN(l->unreserved_bps[p], INT64_MAX)));
    return list;
}

static json_t *
link_json(const struct ted *ted, const struct te_network *net, const struct ted_link_info *i,
          nsec_t now)
{
    const struct te_link *l = i->link;
    json_t *json = json_pack("{ss ss ss sb so so so so so}", "key", i->key, "from",
                             net->nodes[l->from].key, "to", net->nodes[l->to].key, "up", l->up,
                             "affinity", affinity_json(&l->affinity), "srlgs", srlgs_json(net, l),
                             "unreserved-bps", unreserved_json(l), "sources",
                             sources_of(ted, i->sources), "origin", origins_json(ted, i->origin));
    set_address(json, "local", &l->local);
    set_address(json, "remote", &l->remote);
    set_number(json, "igp-metric", l->igp_metric, UINT64_MAX);
    set_number(json, "te-metric", l->te_metric, UINT64_MAX);
    set_number(json, "delay-us", l->delay_us, TE_UNKNOWN_US);
    set_number(json, "jitter-us", l->jitter_us, 0);
    set_number(json, "loss-ppm", i->loss_ppm, 0);
    set_number(json, "capacity-bps", l->capacity_bps, UINT64_MAX);
    set_number(json, "reservable-bps", l->reservable_bps, UINT64_MAX);
    set_number(json, "adjacency-label", l->adjacency_label, TE_NO_LABEL);
    if (i->down_since)
        json_object_set_new(json, "down-s", seconds_ago(i->down_since, now));
    if (i->at_risk)
        json_object_set_new(json, "at-risk", json_string(i->risk));
    if (i->maintenance)
        json_object_set_new(json, "maintenance", json_true());
    if (i->stale)
        json_object_set_new(json, "stale", json_true());
    return json;
}

json_t *
wan_links_json(struct ted *ted, nsec_t now)
{
    json_t *list = json_array();
    const struct ted_view *view = ted_view(ted);
    struct ted_link_info info;
    for (uint32_t i = 0; ted_link_info_at(ted, i, &info); i++)
        json_array_append_new(list, link_json(ted, ted_view_network(view), &info, now));
    ted_view_release(view);
    return list;
}

json_t *
wan_sources_json(const struct ted *ted, nsec_t now)
{
    static const char *const states[] = {"down", "stale", "synchronising", "up"};
    json_t *list = json_array();
    struct ted_source_info s;
    for (uint32_t i = 0; i < ted_n_sources(ted); i++) {
        if (!ted_source_info(ted, i, &s))
            continue;
        json_array_append_new(
            list, json_pack("{ss ss ss ss so si si si sI sI sI}", "name", s.name, "kind",
                            ted_kind_name(s.kind), "domain", s.domain, "state", states[s.state],
                            "since-s", seconds_ago(s.since, now), "nodes", (int)s.n_nodes, "links",
                            (int)s.n_links, "prefixes", (int)s.n_prefixes, "puts",
                            (json_int_t)s.n_puts, "withdrawals", (json_int_t)s.n_withdrawals,
                            "refused", (json_int_t)s.n_refused));
    }
    return list;
}

struct listing {
    json_t *list;
    nsec_t now;
};

static void
add_finding(void *arg, const struct ted_finding *f)
{
    struct listing *l = arg;
    json_array_append_new(l->list, json_pack("{ss ss ss so}", "finding", ted_finding_name(f->code),
                                             "object", f->key, "text", f->text, "since-s",
                                             seconds_ago(f->since, l->now)));
}

json_t *
wan_findings_json(const struct ted *ted, nsec_t now)
{
    struct listing l = {json_array(), now};
    ted_each_finding(ted, add_finding, &l);
    return l.list;
}

static void
add_override(void *arg, const struct ted_override *o)
{
    static const char *const targets[] = {"node", "link", "srlg"};
    struct listing *l = arg;
    json_t *json = json_pack("{ss ss ss ss}", "id", o->id, "target", targets[o->target], "who",
                             o->who, "why", o->why);
    if (o->target == TED_TARGET_SRLG)
        json_object_set_new(json, "srlg", json_integer(o->srlg));
    else
        json_object_set_new(json, "key", json_string(o->key));
    if (o->set & TED_BIT(TED_STATE))
        json_object_set_new(json, "up", json_boolean(o->up));
    if (o->until != NSEC_NEVER)
        json_object_set_new(json, "left-s", seconds_ago(l->now, o->until));
    json_array_append_new(l->list, json);
}

json_t *
wan_overrides_json(const struct ted *ted, nsec_t now)
{
    struct listing l = {json_array(), now};
    ted_each_override(ted, add_override, &l);
    return l.list;
}

/* ---- Routers and their paths ---- */

static json_t *
misbehaviours_json(const struct pce_pcc_info *info)
{
    json_t *json = json_object();
    for (unsigned i = 0; i < PCE_N_MISBEHAVIOURS; i++) {
        if (info->misbehaviours[i])
            json_object_set_new(json, pce_misbehaviour_name(i),
                                json_integer((json_int_t)info->misbehaviours[i]));
    }
    return json;
}

static json_t *
pcc_json(const struct pce_pcc_info *info, nsec_t now)
{
    return json_pack("{ss ss ss sb so si si si sI sI sI sI sI sI so}", "address", info->address,
                     "name", info->name, "state", pce_pcc_state_name(info->state), "tls",
                     info->secure, "since-s", seconds_ago(info->since, now), "lsps",
                     (int)info->lsps, "waiting", (int)info->waiting, "in-flight",
                     (int)info->in_flight, "sessions", (json_int_t)info->sessions, "reports",
                     (json_int_t)info->reports, "orders", (json_int_t)info->orders, "done",
                     (json_int_t)info->done, "refused", (json_int_t)info->refused, "timed-out",
                     (json_int_t)info->timed_out, "misbehaviour", misbehaviours_json(info));
}

json_t *
wan_pccs_json(const struct pce *pce, nsec_t now)
{
    json_t *list = json_array();
    struct pce_pcc_info info;
    for (uint32_t i = 0; i < pce_n_pccs(pce); i++) {
        if (pce_pcc_info(pce, i, &info))
            json_array_append_new(list, pcc_json(&info, now));
    }
    return list;
}

static json_t *
hop_json(const struct lsp_hop *hop)
{
    json_t *json = json_object();
    set_number(json, hop->is_label || hop->kind == LSP_HOP_LABEL ? "label" : "index", hop->label,
               TE_NO_LABEL);
    set_address(json, hop->remote.family ? "local" : "address", &hop->local);
    set_address(json, "remote", &hop->remote);
    if (hop->loose)
        json_object_set_new(json, "loose", json_true());
    return json;
}

static json_t *
hops_json(struct lsp_hops hops)
{
    json_t *list = json_array();
    struct lsp_hop hop;
    while (lsp_hops_next(&hops, &hop))
        json_array_append_new(list, hop_json(&hop));
    return list;
}

static const char *
setup_name(uint8_t type)
{
    return type == PCEP_PST_RSVP_TE ? "rsvp-te"
           : type == PCEP_PST_SR    ? "sr-mpls"
           : type == PCEP_PST_SRV6  ? "srv6"
                                    : "unknown";
}

json_t *
wan_lsp_json(const struct pce *pce, const struct lsp *lsp)
{
    struct pce_pcc_info pcc;
    bool known = pce_pcc_info(pce, lsp->pcc, &pcc);
    json_t *json = json_pack("{sI ss so si ss ss sb sb sb so so}", "id", (json_int_t)lsp->id,
                             "router", known ? pcc.address : "", "name",
                             jsontext_string(lsp_name(lsp)), "plsp-id", (int)lsp->plsp_id, "state",
                             lsp_operational_name(lsp->operational), "setup",
                             setup_name(lsp->setup_type), "delegated", (int)lsp->delegated,
                             "created-by-pce", (int)lsp->created_by_pce, "stale", (int)lsp->stale,
                             "ero", hops_json(lsp_ero(lsp)), "rro", hops_json(lsp_rro(lsp)));
    set_address(json, "from", &lsp->source);
    set_address(json, "to", &lsp->destination);
    set_number(json, "bandwidth-bps", lsp->bandwidth_bps, 0);
    if (lsp->has_priorities) {
        json_object_set_new(json, "setup-priority", json_integer(lsp->setup_priority));
        json_object_set_new(json, "hold-priority", json_integer(lsp->holding_priority));
    }
    if (lsp->has_color)
        json_object_set_new(json, "color", json_integer(lsp->color));
    set_number(json, "binding-label", lsp->binding_label, 0);
    set_number(json, "error-code", lsp->error_code, 0);
    return json;
}

json_t *
wan_lsps_json(const struct pce *pce, const char *address, uint64_t after, uint32_t limit)
{
    const struct lsp_db *db = pce_lsps(pce);
    uint32_t pcc = address ? pce_find_pcc(pce, address) : PCE_NO_PCC, n = 0;
    uint32_t total = !address ? lsp_db_total(db) : pcc == PCE_NO_PCC ? 0 : lsp_db_count(db, pcc);
    json_t *list = json_array(),
           *json = json_pack("{sO sI}", "lsps", list, "total", (json_int_t)total);
    const struct lsp *lsp = lsp_db_after(db, after);
    for (; lsp && (n < limit || (address && lsp->pcc != pcc)); lsp = lsp_db_after(db, lsp->id)) {
        after = lsp->id;
        if (address && lsp->pcc != pcc)
            continue;
        json_array_append_new(list, wan_lsp_json(pce, lsp));
        n++;
    }
    if (lsp)
        json_object_set_new(json, "next", json_integer((json_int_t)after));
    json_decref(list);
    return json;
}
