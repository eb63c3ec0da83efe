/* lsp_db_pack.c - an LSP as one block of memory.
 *
 * A hop is two octets of what is there, and then only that: with a label and the address of an IPv4
 * node it takes ten octets where the struct takes sixty. All of it was made here, so it is read
 * without looking for its end. */
#include "wan/lsp_db_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define METRIC_SIZE 6u
#define ASSOCIATION_SIZE 25u
#define HOP_SIZE_MAX 47u /* two octets, the prefix, a label, two IPv6 addresses, two interfaces */

enum { HOP_LOOSE = 1, HOP_HAS_LABEL = 2, HOP_IS_LABEL = 4, HOP_HAS_PREFIX = 8, HOP_HAS_IDS = 16 };
enum { METRIC_BOUND = 1, METRIC_COMPUTED = 2 };

const char *
lsp_operational_name(unsigned operational)
{
    static const char *const names[] = {"down", "up", "active", "going-down", "going-up"};
    return operational < ARRAY_SIZE(names) ? names[operational] : "unknown";
}

bool
te_address_equal(const struct te_address *a, const struct te_address *b)
{
    size_t size = a->family == 4 ? 4 : a->family == 6 ? 16 : 0;
    return a->family == b->family && !memcmp(a->octets, b->octets, size);
}

/* ---- writing */

struct packer {
    uint8_t *pos;
};

static void
pack(struct packer *p, const void *data, size_t size)
{
    memcpy(p->pos, data, size);
    p->pos += size;
}

static size_t
address_size(const struct te_address *address)
{
    return address->family == 4 ? 4 : address->family == 6 ? 16 : 0;
}

/* What its two octets say: its kind and the families of its addresses; what else is there. */
static void
pack_hop(struct packer *p, const struct lsp_hop *hop)
{
    bool has_ids = hop->local_id || hop->remote_id;
    uint8_t families = (uint8_t)((hop->local.family & 6) | (hop->remote.family & 6) << 2);
    uint8_t head[2] = {(uint8_t)(hop->kind << 5 | families),
                       (uint8_t)(hop->loose * HOP_LOOSE | hop->is_label * HOP_IS_LABEL |
                                 (hop->label != TE_NO_LABEL) * HOP_HAS_LABEL |
                                 (hop->prefix != 0) * HOP_HAS_PREFIX | has_ids * HOP_HAS_IDS)};
    pack(p, head, sizeof head);
    if (hop->prefix)
        pack(p, &hop->prefix, 1);
    if (hop->label != TE_NO_LABEL)
        pack(p, &hop->label, sizeof hop->label);
    pack(p, hop->local.octets, address_size(&hop->local));
    pack(p, hop->remote.octets, address_size(&hop->remote));
    if (has_ids) {
        pack(p, &hop->local_id, sizeof hop->local_id);
        pack(p, &hop->remote_id, sizeof hop->remote_id);
    }
}

static size_t
pack_path(uint8_t *to, const struct lsp_hop *hops, size_t n)
{
    struct packer p = {to};
    for (size_t i = 0; i < n; i++)
        pack_hop(&p, &hops[i]);
    return (size_t)(p.pos - to);
}

static void
pack_metric(struct packer *p, const struct lsp_metric *metric)
{
    uint8_t head[2] = {metric->type, (uint8_t)(metric->is_bound * METRIC_BOUND |
                                               metric->is_computed * METRIC_COMPUTED)};
    pack(p, head, sizeof head);
    pack(p, &metric->value, sizeof metric->value);
}

static void
pack_association(struct packer *p, const struct lsp_association *association)
{
    pack(p, &association->type, sizeof association->type);
    pack(p, &association->id, sizeof association->id);
    pack(p, &association->source.family, 1);
    pack(p, association->source.octets, sizeof association->source.octets);
    pack(p, &association->disjointness, sizeof association->disjointness);
}

/* Those of `old`, without those that the report ends or tells anew, and then those it tells. */
static unsigned
merge_associations(const struct lsp_report *report, const struct lsp *old,
                   struct lsp_association *all)
{
    unsigned n = 0;
    for (unsigned i = 0; old && i < old->n_associations; i++) {
        lsp_association(old, i, &all[n]);
        bool told = false;
        for (size_t k = 0; k < report->n_associations && !told; k++) {
            const struct lsp_association *a = &report->associations[k];
            told = a->type == all[n].type && a->id == all[n].id &&
                   te_address_equal(&a->source, &all[n].source);
        }
        n += !told;
    }
    for (size_t k = 0; k < report->n_associations && n < LSP_ASSOCIATIONS_MAX; k++)
        if (!report->associations[k].removed)
            all[n++] = report->associations[k];
    return n;
}

static void
set_identity(struct lsp *lsp, const struct lsp_report *report, const struct lsp *old)
{
    bool told = report->source.family || report->destination.family;
    lsp->plsp_id = report->plsp_id;
    if (told || !old) {
        lsp->source = report->source;
        lsp->destination = report->destination;
        lsp->tunnel_id = report->tunnel_id;
        lsp->lsp_id = report->lsp_id;
    } else {
        lsp->source = old->source;
        lsp->destination = old->destination;
        lsp->tunnel_id = old->tunnel_id;
        lsp->lsp_id = old->lsp_id;
    }
    lsp->setup_type = report->setup_type;
    if (lsp->setup_type == LSP_SETUP_UNKNOWN && old)
        lsp->setup_type = old->setup_type;
    lsp->binding_label = report->binding_label;
    if (!lsp->binding_label && old)
        lsp->binding_label = old->binding_label;
    lsp->has_color = report->has_color || (old && old->has_color);
    lsp->color = report->has_color ? report->color : old ? old->color : 0;
}

static void
set_state(struct lsp *lsp, const struct lsp_report *report)
{
    lsp->bandwidth_bps = report->bandwidth_bps;
    lsp->error_code = report->error_code;
    lsp->operational = report->operational;
    lsp->setup_priority = report->setup_priority;
    lsp->holding_priority = report->holding_priority;
    lsp->exclude_any = report->exclude_any;
    lsp->include_any = report->include_any;
    lsp->include_all = report->include_all;
    lsp->has_priorities = report->has_priorities;
    lsp->local_protection = report->local_protection;
    lsp->admin = report->admin;
    lsp->delegated = report->delegated;
    lsp->created_by_pce = report->created_by_pce;
}

enum err
lsp_pack(const struct lsp_report *report, const struct lsp *old, struct lsp **result)
{
    struct lsp_association associations[2 * LSP_ASSOCIATIONS_MAX];
    uint8_t paths[2 * LSP_HOPS_MAX * HOP_SIZE_MAX];
    if (report->name_length > LSP_NAME_MAX || report->n_ero > LSP_HOPS_MAX ||
        report->n_rro > LSP_HOPS_MAX || report->n_metrics > LSP_METRICS_MAX ||
        report->n_associations > LSP_ASSOCIATIONS_MAX)
        return ERR_INVALID;
    unsigned n_associations = merge_associations(report, old, associations);
    size_t ero_size = pack_path(paths, report->ero, report->n_ero);
    size_t rro_size = pack_path(paths + ero_size, report->rro, report->n_rro);
    const char *name = report->name ? report->name : old ? lsp_name(old) : "";
    size_t length = report->name ? report->name_length : old ? old->name_length : 0;
    struct lsp *lsp = xcalloc(1, sizeof *lsp + length + 1 + report->n_metrics * METRIC_SIZE +
                                     n_associations * ASSOCIATION_SIZE + ero_size + rro_size);
    lsp->name_length = (uint16_t)length;
    lsp->n_metrics = (uint8_t)report->n_metrics;
    lsp->n_associations = (uint8_t)n_associations;
    lsp->n_ero = (uint8_t)report->n_ero;
    lsp->n_rro = (uint8_t)report->n_rro;
    lsp->ero_size = (uint16_t)ero_size;
    lsp->rro_size = (uint16_t)rro_size;
    struct packer p = {lsp->packed};
    pack(&p, name, length);
    *p.pos++ = 0;
    for (size_t i = 0; i < report->n_metrics; i++)
        pack_metric(&p, &report->metrics[i]);
    for (unsigned i = 0; i < n_associations; i++)
        pack_association(&p, &associations[i]);
    pack(&p, paths, ero_size + rro_size);
    set_identity(lsp, report, old);
    set_state(lsp, report);
    *result = lsp;
    return ERR_OK;
}

/* ---- reading */

static size_t
associations_at(const struct lsp *lsp)
{
    return lsp->name_length + 1u + lsp->n_metrics * METRIC_SIZE;
}

static size_t
ero_at(const struct lsp *lsp)
{
    return associations_at(lsp) + lsp->n_associations * ASSOCIATION_SIZE;
}

size_t
lsp_size(const struct lsp *lsp)
{
    return sizeof *lsp + ero_at(lsp) + lsp->ero_size + lsp->rro_size;
}

const char *
lsp_name(const struct lsp *lsp)
{
    return (const char *)lsp->packed;
}

static void
unpack(const uint8_t **from, void *to, size_t size)
{
    memcpy(to, *from, size);
    *from += size;
}

void
lsp_metric(const struct lsp *lsp, unsigned i, struct lsp_metric *metric)
{
    const uint8_t *from = lsp->packed + lsp->name_length + 1 + i * METRIC_SIZE;
    *metric = (struct lsp_metric){.type = from[0],
                                  .is_bound = from[1] & METRIC_BOUND,
                                  .is_computed = from[1] & METRIC_COMPUTED};
    memcpy(&metric->value, from + 2, sizeof metric->value);
}

void
lsp_association(const struct lsp *lsp, unsigned i, struct lsp_association *association)
{
    const uint8_t *from = lsp->packed + associations_at(lsp) + i * ASSOCIATION_SIZE;
    *association = (struct lsp_association){0};
    unpack(&from, &association->type, sizeof association->type);
    unpack(&from, &association->id, sizeof association->id);
    unpack(&from, &association->source.family, 1);
    unpack(&from, association->source.octets, sizeof association->source.octets);
    unpack(&from, &association->disjointness, sizeof association->disjointness);
}

struct lsp_hops
lsp_ero(const struct lsp *lsp)
{
    const uint8_t *pos = lsp->packed + ero_at(lsp);
    return (struct lsp_hops){pos, pos + lsp->ero_size};
}

struct lsp_hops
lsp_rro(const struct lsp *lsp)
{
    const uint8_t *pos = lsp->packed + ero_at(lsp) + lsp->ero_size;
    return (struct lsp_hops){pos, pos + lsp->rro_size};
}

bool
lsp_hops_next(struct lsp_hops *hops, struct lsp_hop *hop)
{
    if (hops->pos == hops->end)
        return false;
    uint8_t what = hops->pos[0], flags = hops->pos[1];
    hops->pos += 2;
    *hop = (struct lsp_hop){.kind = what >> 5,
                            .loose = flags & HOP_LOOSE,
                            .is_label = flags & HOP_IS_LABEL,
                            .label = TE_NO_LABEL,
                            .local.family = what & 6,
                            .remote.family = what >> 2 & 6};
    if (flags & HOP_HAS_PREFIX)
        unpack(&hops->pos, &hop->prefix, 1);
    if (flags & HOP_HAS_LABEL)
        unpack(&hops->pos, &hop->label, sizeof hop->label);
    unpack(&hops->pos, hop->local.octets, address_size(&hop->local));
    unpack(&hops->pos, hop->remote.octets, address_size(&hop->remote));
    if (flags & HOP_HAS_IDS) {
        unpack(&hops->pos, &hop->local_id, sizeof hop->local_id);
        unpack(&hops->pos, &hop->remote_id, sizeof hop->remote_id);
    }
    return true;
}

/* ---- what is different */

static bool
same_state(const struct lsp *a, const struct lsp *b)
{
    return a->operational == b->operational && a->admin == b->admin &&
           a->error_code == b->error_code;
}

static bool
same_attributes(const struct lsp *a, const struct lsp *b)
{
    size_t size = ero_at(a); /* name, metrics, associations */
    return a->bandwidth_bps == b->bandwidth_bps && a->binding_label == b->binding_label &&
           a->has_color == b->has_color && a->color == b->color && a->setup_type == b->setup_type &&
           a->setup_priority == b->setup_priority && a->holding_priority == b->holding_priority &&
           a->has_priorities == b->has_priorities && a->local_protection == b->local_protection &&
           a->created_by_pce == b->created_by_pce && a->exclude_any == b->exclude_any &&
           a->include_any == b->include_any && a->include_all == b->include_all &&
           a->tunnel_id == b->tunnel_id && a->lsp_id == b->lsp_id &&
           te_address_equal(&a->source, &b->source) &&
           te_address_equal(&a->destination, &b->destination) && size == ero_at(b) &&
           !memcmp(a->packed, b->packed, size);
}

static bool
same_paths(const struct lsp *a, const struct lsp *b)
{
    return a->ero_size == b->ero_size && a->rro_size == b->rro_size &&
           !memcmp(a->packed + ero_at(a), b->packed + ero_at(b), a->ero_size + a->rro_size);
}

unsigned
lsp_compare(const struct lsp *old, const struct lsp *new)
{
    unsigned changed = 0;
    if (!same_state(old, new))
        changed |= LSP_STATE_CHANGED;
    if (!same_paths(old, new))
        changed |= LSP_PATH_CHANGED;
    if (old->delegated != new->delegated)
        changed |= LSP_DELEGATION_CHANGED;
    if (!same_attributes(old, new))
        changed |= LSP_ATTRIBUTES_CHANGED;
    return changed;
}
