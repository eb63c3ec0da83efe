/* pce_message.c - LSPs as the protocol writes them, both ways. */
#include "wan/pce_private.h"

#include <math.h>
#include <string.h>

#define RRO_AT LSP_HOPS_MAX /* of the scratch: the ERO is before it */

/* ---- addresses and hops */

struct te_address
te_address_of(const struct pcep_address *from)
{
    struct te_address to = {.family = from->family};
    memcpy(to.octets, from->octets, sizeof to.octets);
    return to;
}

struct pcep_address
pcep_address_of(const struct te_address *from)
{
    struct pcep_address to = {.family = from->family};
    memcpy(to.octets, from->octets, sizeof to.octets);
    return to;
}

static struct lsp_hop
read_segment(const struct pcep_hop *hop)
{
    struct lsp_hop to = {.kind = LSP_HOP_SEGMENT,
                         .loose = hop->loose,
                         .is_label = hop->sr_flags & PCEP_SR_M,
                         .label = TE_NO_LABEL};
    if (!(hop->sr_flags & PCEP_SR_S))
        to.label = to.is_label ? pcep_hop_label(hop) : hop->number;
    if (!(hop->sr_flags & PCEP_SR_F)) {
        to.local = te_address_of(&hop->address);
        to.remote = te_address_of(&hop->remote);
        to.local_id = hop->interface;
        to.remote_id = hop->remote_interface;
    }
    return to;
}

static struct lsp_hop
read_hop(const struct pcep_hop *hop)
{
    struct lsp_hop to = {.loose = hop->loose, .label = TE_NO_LABEL};
    switch (hop->type) {
    case PCEP_HOP_SR:
        return read_segment(hop);
    case PCEP_HOP_SRV6:
        to.kind = LSP_HOP_SRV6;
        if (!(hop->sr_flags & PCEP_SRV6_S)) {
            to.local.family = 6;
            memcpy(to.local.octets, hop->sid, sizeof hop->sid);
        }
        break;
    case PCEP_HOP_IPV4:
    case PCEP_HOP_IPV6:
        to.kind = LSP_HOP_ADDRESS;
        to.prefix = hop->prefix_length;
        to.local = te_address_of(&hop->address);
        break;
    case PCEP_HOP_UNNUMBERED:
        to.kind = LSP_HOP_UNNUMBERED;
        to.local = te_address_of(&hop->address);
        to.local_id = hop->interface;
        break;
    case PCEP_HOP_LABEL:
        to.kind = LSP_HOP_LABEL;
        to.is_label = true;
        to.label = hop->number;
        break;
    case PCEP_HOP_AS:
        to.kind = LSP_HOP_AS;
        to.local_id = hop->number;
        break;
    case PCEP_HOP_SRLG:
        to.kind = LSP_HOP_SRLG;
        to.local_id = hop->number;
        break;
    default:
        to.kind = LSP_HOP_OTHER;
        to.local_id = hop->type;
    }
    return to;
}

size_t
pce_read_route(const struct pcep_route *route, struct lsp_hop *hops, size_t max)
{
    size_t n = route ? MIN(route->n, max) : 0;
    for (size_t i = 0; i < n; i++)
        hops[i] = read_hop(&route->hops[i]);
    return n;
}

size_t
pce_read_resources(const struct pcep_route *route, struct pce_resource *to, size_t max)
{
    size_t n = route ? MIN(route->n, max) : 0;
    for (size_t i = 0; i < n; i++)
        to[i] = (struct pce_resource){.hop = read_hop(&route->hops[i]),
                                      .attribute = route->hops[i].attribute};
    return n;
}

static uint8_t
nai_type(const struct lsp_hop *hop)
{
    bool v6 = hop->local.family == 6;
    if (!hop->local.family)
        return PCEP_NAI_NONE;
    if (hop->local_id || hop->remote_id)
        return v6 ? PCEP_NAI_IPV6_LINK_LOCAL : PCEP_NAI_UNNUMBERED;
    if (!hop->remote.family)
        return v6 ? PCEP_NAI_IPV6_NODE : PCEP_NAI_IPV4_NODE;
    return v6 ? PCEP_NAI_IPV6_GLOBAL_ADJACENCY : PCEP_NAI_IPV4_ADJACENCY;
}

static struct pcep_hop
write_segment(const struct lsp_hop *hop)
{
    struct pcep_hop to = {.type = PCEP_HOP_SR,
                          .loose = hop->loose,
                          .nai_type = nai_type(hop),
                          .interface = hop->local_id,
                          .remote_interface = hop->remote_id,
                          .address = pcep_address_of(&hop->local),
                          .remote = pcep_address_of(&hop->remote)};
    if (to.nai_type == PCEP_NAI_NONE)
        to.sr_flags |= PCEP_SR_F;
    if (hop->label == TE_NO_LABEL)
        to.sr_flags |= PCEP_SR_S;
    else if (hop->is_label)
        to.sr_flags |= PCEP_SR_M;
    if (hop->label != TE_NO_LABEL)
        to.number = hop->is_label ? hop->label << 12 : hop->label;
    return to;
}

size_t
pce_write_route(const struct lsp_hop *hops, size_t n, struct pcep_hop *to)
{
    size_t written = 0;
    for (size_t i = 0; i < n; i++) {
        const struct lsp_hop *hop = &hops[i];
        struct pcep_hop *out = &to[written];
        *out = (struct pcep_hop){.loose = hop->loose, .address = pcep_address_of(&hop->local)};
        if (hop->kind == LSP_HOP_SEGMENT) {
            *out = write_segment(hop);
        } else if (hop->kind == LSP_HOP_ADDRESS) {
            out->type = hop->local.family == 6 ? PCEP_HOP_IPV6 : PCEP_HOP_IPV4;
            out->prefix_length = hop->prefix;
        } else if (hop->kind == LSP_HOP_UNNUMBERED) {
            out->type = PCEP_HOP_UNNUMBERED;
            out->interface = hop->local_id;
        } else if (hop->kind == LSP_HOP_AS) {
            out->type = PCEP_HOP_AS;
            out->number = hop->local_id;
        } else if (hop->kind == LSP_HOP_SRV6 && hop->local.family) {
            *out = (struct pcep_hop){.type = PCEP_HOP_SRV6, .sr_flags = PCEP_SRV6_F};
            memcpy(out->sid, hop->local.octets, sizeof out->sid);
        } else {
            continue; /* recorded labels and what nobody knows have no place in an ERO */
        }
        written++;
    }
    return written;
}

/* A label says it all. */
static void
leave_nodes_out(struct pcep_hop *hops, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (hops[i].type != PCEP_HOP_SR || !(hops[i].sr_flags & PCEP_SR_M))
            continue;
        hops[i] = (struct pcep_hop){.type = PCEP_HOP_SR,
                                    .loose = hops[i].loose,
                                    .sr_flags = PCEP_SR_M | PCEP_SR_F,
                                    .number = hops[i].number};
    }
}

/* ---- attributes */

size_t
pce_read_metrics(const struct pcep_metric *from, size_t n, struct lsp_metric *to, size_t max)
{
    size_t read = 0;
    for (size_t i = 0; i < n && read < max; i++)
        if (isfinite(from[i].value))
            to[read++] = (struct lsp_metric){.type = from[i].type,
                                             .is_bound = from[i].flags & PCEP_METRIC_BOUND,
                                             .is_computed = from[i].flags & PCEP_METRIC_COMPUTED,
                                             .value = from[i].value};
    return read;
}

static size_t
write_metrics(const struct lsp_metric *from, size_t n, struct pcep_metric *to)
{
    n = MIN(n, (size_t)LSP_METRICS_MAX);
    for (size_t i = 0; i < n; i++)
        to[i] = (struct pcep_metric){.type = from[i].type,
                                     .flags = (uint8_t)(from[i].is_bound * PCEP_METRIC_BOUND |
                                                        from[i].is_computed * PCEP_METRIC_COMPUTED),
                                     .value = from[i].value};
    return n;
}

size_t
pce_read_associations(const struct pcep_association *from, size_t n, struct lsp_association *to,
                      size_t max)
{
    n = MIN(n, max);
    for (size_t i = 0; i < n; i++)
        to[i] = (struct lsp_association){
            .type = from[i].type,
            .id = from[i].id,
            .removed = from[i].flags & PCEP_ASSOCIATION_REMOVE,
            .source = te_address_of(&from[i].source),
            .disjointness = pcep_tlv_number(&from[i].tlvs, PCEP_TLV_DISJOINTNESS_CONFIGURATION, 0)};
    return n;
}

/* ---- reports */

static uint32_t
read_binding(const struct pcep_tlvs *tlvs)
{
    const struct pcep_tlv *tlv = pcep_tlv_find(tlvs, PCEP_TLV_TE_PATH_BINDING);
    if (!tlv)
        tlv = pcep_tlv_find(tlvs, PCEP_TLV_CISCO_BINDING_SID);
    if (!tlv || !tlv->binding)
        return 0;
    if (tlv->binding->type == PCEP_BINDING_LABEL)
        return tlv->binding->label;
    return tlv->binding->type == PCEP_BINDING_LABEL_ENTRY ? tlv->binding->label >> 12 : 0;
}

/* Of its SR policy (RFC 9862), else its own (RFC 9863). False: none is told. */
static bool
read_color(const struct pcep_entry *entry, uint32_t *color)
{
    const struct pcep_tlv *own = pcep_tlv_find(&entry->lsp->tlvs, PCEP_TLV_COLOR);
    struct pcep_address endpoint;
    for (uint32_t i = 0; i < entry->n_associations; i++) {
        const struct pcep_association *a = &entry->associations[i];
        if (a->type == PCEP_ASSOC_SR_POLICY && !(a->flags & PCEP_ASSOCIATION_REMOVE) &&
            pcep_association_policy(a, color, &endpoint))
            return true;
    }
    if (own)
        *color = own->number;
    return own;
}

static void
read_path(struct pce *pce, const struct pcep_path *path, struct lsp_report *report)
{
    report->ero = pce->hops;
    report->rro = pce->hops + RRO_AT;
    report->n_ero = pce_read_route(path->ero, pce->hops, LSP_HOPS_MAX);
    report->n_rro = pce_read_route(path->rro, pce->hops + RRO_AT, LSP_HOPS_MAX);
    report->metrics = pce->metrics;
    report->n_metrics = pce_read_metrics(path->metrics, path->n_metrics, pce->metrics,
                                         LSP_METRICS_MAX);
    if (path->bandwidth && !pcep_bandwidth_bps(path->bandwidth, &report->bandwidth_bps))
        report->bandwidth_bps = 0;
    report->has_priorities = path->lspa != NULL;
    if (path->lspa) {
        report->setup_priority = path->lspa->setup_priority;
        report->holding_priority = path->lspa->holding_priority;
        report->exclude_any = path->lspa->exclude_any;
        report->include_any = path->lspa->include_any;
        report->include_all = path->lspa->include_all;
        report->local_protection = path->lspa->flags & PCEP_LSPA_LOCAL_PROTECTION;
    }
}

/* Some leave the addresses out of an LSP that is down. */
static bool
is_nothing(const struct pcep_address *address)
{
    static const uint8_t zero[16];
    return !memcmp(address->octets, zero, sizeof zero);
}

void
pce_read_report(struct pce *pce, const struct pcep_entry *entry, struct lsp_report *report)
{
    const struct pcep_lsp *lsp = entry->lsp;
    const struct pcep_lsp_ids *ids = pcep_lsp_ids(lsp);
    struct pcep_octets name = pcep_lsp_name(lsp);
    *report = (struct lsp_report){
        .plsp_id = lsp->plsp_id,
        .name = name.size ? (const char *)name.data : NULL,
        .name_length = name.size,
        .operational = (uint8_t)pcep_lsp_operational(lsp),
        .setup_type = LSP_SETUP_UNKNOWN,
        .admin = lsp->flags & PCEP_LSP_ADMIN,
        .delegated = lsp->flags & PCEP_LSP_DELEGATE,
        .created_by_pce = lsp->flags & PCEP_LSP_CREATE,
        .error_code = pcep_tlv_number(&lsp->tlvs, PCEP_TLV_LSP_ERROR_CODE, 0),
        .binding_label = read_binding(&lsp->tlvs),
        .associations = pce->associations};
    if (ids && !(is_nothing(&ids->sender) && is_nothing(&ids->endpoint))) {
        report->source = te_address_of(&ids->sender);
        report->destination = te_address_of(&ids->endpoint);
        report->tunnel_id = ids->tunnel_id;
        report->lsp_id = ids->lsp_id;
    }
    if (entry->srp)
        report->setup_type = (uint8_t)pcep_tlv_number(&entry->srp->tlvs, PCEP_TLV_PATH_SETUP_TYPE,
                                                      LSP_SETUP_UNKNOWN);
    report->has_color = read_color(entry, &report->color);
    report->n_associations = pce_read_associations(entry->associations, entry->n_associations,
                                                   pce->associations, LSP_ASSOCIATIONS_MAX);
    read_path(pce, &entry->path, report);
}

/* ---- orders */

/* What an entry points to while it is written. */
struct draft {
    struct pcep_entry entry;
    struct pcep_srp srp;
    struct pcep_lsp lsp;
    struct pcep_endpoints endpoints;
    struct pcep_route ero;
    struct pcep_bandwidth bandwidth;
    struct pcep_lspa lspa;
    struct pcep_metric metrics[LSP_METRICS_MAX];
    struct pcep_association associations[LSP_ASSOCIATIONS_MAX + 1]; /* the policy's, too */
    struct pcep_tlv disjointness[LSP_ASSOCIATIONS_MAX][2];
    struct pcep_tlv policy[3];
    struct pcep_cpath_id cpath_id;
    uint8_t policy_octets[20];
    struct pcep_tlv srp_tlvs[1], lsp_tlvs[3];
    struct pcep_binding binding, cisco_binding;
    struct pcep_vendor vendor;
    uint8_t vendor_octets[8];
};

static void
write_path(struct pce *pce, struct draft *d, const struct pce_order *order)
{
    struct pcep_path *path = &d->entry.path;
    d->ero.hops = pce->wire_hops;
    d->ero.n = (uint32_t)pce_write_route(order->path, order->n_path, pce->wire_hops);
    if (!pce->config.tell_nodes)
        leave_nodes_out(pce->wire_hops, d->ero.n);
    path->ero = &d->ero;
    path->metrics = d->metrics;
    path->n_metrics = (uint32_t)write_metrics(order->metrics, order->n_metrics, d->metrics);
    if (order->bandwidth_bps) {
        d->bandwidth.octets_per_s = (float)((double)order->bandwidth_bps / 8);
        path->bandwidth = &d->bandwidth;
    }
    if (order->has_priorities) {
        d->lspa.setup_priority = order->setup_priority;
        d->lspa.holding_priority = order->holding_priority;
        path->lspa = &d->lspa;
    }
}

/* Of one that is disjoint, what is asked for and what was reached: RFC 8800 section 4. */
static struct pcep_association
write_association(const struct lsp_association *from, struct pcep_tlv tlvs[2])
{
    struct pcep_association to = {.type = from->type,
                                  .id = from->id,
                                  .flags = from->removed ? PCEP_ASSOCIATION_REMOVE : 0,
                                  .source = pcep_address_of(&from->source)};
    tlvs[0] = (struct pcep_tlv){.type = PCEP_TLV_DISJOINTNESS_CONFIGURATION,
                                .number = from->disjointness};
    tlvs[1] = (struct pcep_tlv){.type = PCEP_TLV_DISJOINTNESS_STATUS, .number = from->status};
    if (from->type == PCEP_ASSOC_DISJOINT)
        to.tlvs = (struct pcep_tlvs){tlvs, from->has_status ? 2 : 1};
    return to;
}

static void
write_associations(struct draft *d, const struct pce_order *order)
{
    size_t n = MIN(order->n_associations, (size_t)LSP_ASSOCIATIONS_MAX);
    for (size_t i = 0; i < n; i++)
        d->associations[i] = write_association(&order->associations[i], d->disjointness[i]);
    d->entry.associations = d->associations;
    d->entry.n_associations = (uint32_t)n;
}

/* RFC 9862 section 4: the SR policy as an association, of which the LSP is a candidate path. Who
 * does not offer that is told the colour as FRR reads it. Each of our policies has one candidate
 * path of ours. */
static void
write_policy(const struct pce_link *link, struct draft *d, const struct pce_order *order)
{
    enum { ORIGIN_PCEP = 10, POLICY_ID = 1, DISCRIMINATOR = 1 };
    const struct pcep_capabilities *peer = pcep_session_peer(link->machine);
    if (!(peer->association_types >> PCEP_ASSOC_SR_POLICY & 1)) {
        d->vendor = pcep_vendor_color(order->color, d->vendor_octets);
        d->entry.vendors = &d->vendor;
        d->entry.n_vendors = 1;
        return;
    }
    const struct te_address *own = &link->pce->config.address;
    struct pcep_address to = pcep_address_of(&order->destination);
    d->cpath_id = (struct pcep_cpath_id){.protocol_origin = ORIGIN_PCEP,
                                         .discriminator = DISCRIMINATOR};
    if (own->family == 4) /* in the last four octets */
        memcpy(d->cpath_id.originator + 12, own->octets, 4);
    else if (own->family == 6)
        memcpy(d->cpath_id.originator, own->octets, 16);
    d->policy[0] = pcep_policy_tlv(order->color, &to, d->policy_octets);
    d->policy[1] = (struct pcep_tlv){.type = PCEP_TLV_SRPOLICY_CPATH_ID, .cpath_id = &d->cpath_id};
    d->policy[2] = (struct pcep_tlv){.type = PCEP_TLV_SRPOLICY_CPATH_PREFERENCE,
                                     .number = order->preference};
    d->associations[d->entry.n_associations++] = (struct pcep_association){
        .type = PCEP_ASSOC_SR_POLICY,
        .id = POLICY_ID,
        .source = pcep_address_of(&order->source),
        .tlvs = {d->policy, order->preference ? 3 : 2}};
}

static void
write_setup_type(struct draft *d, uint8_t setup_type)
{
    d->srp_tlvs[0] = (struct pcep_tlv){.type = PCEP_TLV_PATH_SETUP_TYPE, .number = setup_type};
    if (setup_type && setup_type != LSP_SETUP_UNKNOWN) /* RFC 8408 section 4: 0 is told by none */
        d->srp.tlvs = (struct pcep_tlvs){d->srp_tlvs, 1};
}

static void
write_initiation(const struct pce_link *link, struct draft *d, const struct pce_order *order)
{
    struct pce *pce = link->pce;
    d->lsp_tlvs[0] = (struct pcep_tlv){
        .type = PCEP_TLV_SYMBOLIC_PATH_NAME,
        .octets = {(const uint8_t *)order->name, (uint32_t)strlen(order->name)}};
    d->lsp.tlvs = (struct pcep_tlvs){d->lsp_tlvs, 1};
    if (order->binding_label) {
        /* For those from before RFC 9604, such as FRR, a whole label stack entry. It comes first:
         * FRR reads none of those behind one that it does not know. */
        static const uint8_t low_octet[1];
        d->binding = (struct pcep_binding){.type = PCEP_BINDING_LABEL,
                                           .label = order->binding_label};
        d->cisco_binding = d->binding;
        d->cisco_binding.rest = (struct pcep_octets){low_octet, sizeof low_octet};
        d->lsp_tlvs[1] = (struct pcep_tlv){.type = PCEP_TLV_CISCO_BINDING_SID,
                                           .binding = &d->cisco_binding};
        d->lsp_tlvs[2] = (struct pcep_tlv){.type = PCEP_TLV_TE_PATH_BINDING,
                                           .binding = &d->binding};
        d->lsp.tlvs.n = 3;
    }
    d->lsp.flags = (uint16_t)(PCEP_LSP_DELEGATE | PCEP_LSP_CREATE |
                              (order->down ? 0 : PCEP_LSP_ADMIN));
    d->endpoints.source = pcep_address_of(&order->source);
    d->endpoints.destination = pcep_address_of(&order->destination);
    d->entry.endpoints = &d->endpoints;
    write_setup_type(d, order->setup_type);
    write_path(pce, d, order);
    write_associations(d, order);
    if (order->has_color)
        write_policy(link, d, order);
}

/* What an order does not speak of stays as the router says it: the object comes as a whole. */
static void
keep_rest_of_lspa(struct draft *d, const struct lsp *lsp)
{
    d->lspa.flags = lsp->local_protection ? PCEP_LSPA_LOCAL_PROTECTION : 0;
    d->lspa.exclude_any = lsp->exclude_any;
    d->lspa.include_any = lsp->include_any;
    d->lspa.include_all = lsp->include_all;
}

/* RFC 8231 section 6.2: the ERO is mandatory, and giving back changes nothing of it. */
static void
write_return(struct pce *pce, struct draft *d, const struct lsp *lsp)
{
    struct lsp_hops hops = lsp_ero(lsp);
    size_t n = 0;
    while (n < LSP_HOPS_MAX && lsp_hops_next(&hops, &pce->hops[n]))
        n++;
    const struct pce_order same = {.path = pce->hops,
                                   .n_path = n,
                                   .bandwidth_bps = lsp->bandwidth_bps,
                                   .setup_priority = lsp->setup_priority,
                                   .holding_priority = lsp->holding_priority,
                                   .has_priorities = lsp->has_priorities};
    d->lsp.flags = lsp->admin ? PCEP_LSP_ADMIN : 0;
    write_setup_type(d, lsp->setup_type);
    write_path(pce, d, &same);
    keep_rest_of_lspa(d, lsp);
}

static void
write_update(struct pce *pce, struct draft *d, const struct pce_order *order, const struct lsp *lsp)
{
    d->lsp.flags = (uint16_t)(PCEP_LSP_DELEGATE | (order->down ? 0 : PCEP_LSP_ADMIN) |
                              (lsp->created_by_pce ? PCEP_LSP_CREATE : 0));
    write_setup_type(d, lsp->setup_type);
    write_path(pce, d, order);
    keep_rest_of_lspa(d, lsp);
    write_associations(d, order);
}

enum err
pce_send_order(struct pce_link *link, const struct op *op, const struct lsp *lsp)
{
    struct pce *pce = link->pce;
    struct draft d;
    enum pcep_type type = PCEP_PCINITIATE;
    memset(&d.entry, 0, sizeof d.entry);
    d.srp = (struct pcep_srp){.srp_id = op->srp_id};
    d.lsp = (struct pcep_lsp){.plsp_id = lsp ? lsp->plsp_id : 0};
    d.ero = (struct pcep_route){0};
    d.endpoints = (struct pcep_endpoints){0};
    d.bandwidth = (struct pcep_bandwidth){0};
    d.lspa = (struct pcep_lspa){0};
    d.entry.srp = &d.srp;
    d.entry.lsp = &d.lsp;
    switch (op->order.kind) {
    case PCE_INITIATE:
        write_initiation(link, &d, &op->order);
        break;
    case PCE_UPDATE:
        type = PCEP_PCUPD;
        write_update(pce, &d, &op->order, lsp);
        break;
    case PCE_RETURN:
        type = PCEP_PCUPD;
        write_return(pce, &d, lsp);
        break;
    case PCE_REMOVE: /* RFC 8281 section 5.4 */
        d.srp.flags = PCEP_SRP_REMOVE;
        d.lsp.flags = PCEP_LSP_DELEGATE | PCEP_LSP_CREATE;
        break;
    case PCE_TAKE_OVER: /* RFC 8281 section 6: SRP and LSP, and nothing else */
        d.lsp.flags = PCEP_LSP_DELEGATE | PCEP_LSP_CREATE;
        break;
    }
    return pcep_session_send_entry(link->machine, type, &d.entry);
}

/* ---- answers to requests */

enum err
pce_send_answer(struct pce_link *link, const struct pce_request *request,
                const struct pce_answer *answer)
{
    struct pcep_metric metrics[LSP_METRICS_MAX];
    struct pcep_route ero = {.hops = link->pce->wire_hops};
    struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = request->setup_type};
    struct pcep_tlv why = {.type = PCEP_TLV_NO_PATH_VECTOR, .number = answer->no_path};
    struct pcep_rp rp = {.request_id = request->request_id};
    struct pcep_no_path no_path = {.tlvs = {&why, answer->no_path ? 1 : 0}};
    struct pcep_bandwidth bandwidth = {.octets_per_s = (float)((double)answer->bandwidth_bps / 8)};
    struct pcep_entry entry = {.rp = &rp};
    struct pcep_association associations[4];
    struct pcep_tlv disjointness[4][2];
    size_t n = MIN(answer->n_associations, ARRAY_SIZE(associations));
    for (size_t i = 0; i < n; i++)
        associations[i] = write_association(&answer->associations[i], disjointness[i]);
    entry.associations = associations;
    entry.n_associations = (uint32_t)n;
    if (request->setup_type)
        rp.tlvs = (struct pcep_tlvs){&setup, 1};
    if (answer->n_path) {
        ero.n = (uint32_t)pce_write_route(answer->path, MIN(answer->n_path, LSP_HOPS_MAX),
                                          link->pce->wire_hops);
        entry.path.ero = &ero;
        entry.path.metrics = metrics;
        entry.path.n_metrics = (uint32_t)write_metrics(answer->metrics, answer->n_metrics, metrics);
        if (!link->pce->config.tell_nodes)
            leave_nodes_out(link->pce->wire_hops, ero.n);
        if (answer->bandwidth_bps)
            entry.path.bandwidth = &bandwidth;
    } else {
        entry.no_path = &no_path;
    }
    return pcep_session_send_entry(link->machine, PCEP_PCREP, &entry);
}

void
pce_send_refusal(struct pce_link *link, uint32_t request_id, const struct pcep_error *error,
                 uint32_t missing)
{
    const struct pcep_tlv tlv = {.type = PCEP_TLV_REQ_MISSING, .number = missing};
    const struct pcep_error_object object = {.error = *error, .tlvs = {&tlv, missing ? 1 : 0}};
    const struct pcep_error_group group = {
        .request_ids = &request_id, .n_request_ids = 1, .errors = &object, .n_errors = 1};
    const struct pcep_message message = {.type = PCEP_PCERR, .groups = &group, .n_groups = 1};
    if (pcep_session_send(link->machine, &message))
        return; /* it does not read: that ends by itself */
}
