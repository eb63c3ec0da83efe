/* pcc_lsps.c - the LSPs of a simulated PCC: reported, updated, created, removed. */
#include "base/alloc.h"
#include "pccsim/pcc_private.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LABEL 16000u
#define N_LABELS 8000u

static const struct pcep_error unknown_plsp_id = {19, 3}, not_delegated = {19, 1},
                               not_created = {19, 9}, name_in_use = {23, 1},
                               bad_parameters = {24, 1};

/* ---- making them */

static struct sim_lsp *
add_lsp(struct pcc *pcc)
{
    struct sim_table *table = pcc->table;
    GROW(table->list, table->n, table->capacity);
    struct sim_lsp *lsp = &table->list[table->n++];
    *lsp = (struct sim_lsp){.there = true, .version = ++table->version};
    table->n_there++;
    return lsp;
}

void
pcc_make_lsps(struct pcc *pcc)
{
    const struct pcc_config *c = &pcc->config;
    for (uint32_t i = 0; i < c->n_lsps; i++) {
        struct sim_lsp *lsp = add_lsp(pcc);
        lsp->operational = PCEP_OPERATIONAL_UP;
        lsp->owner = c->delegates ? pcc->place : 0;
        lsp->n_labels = c->n_hops;
        lsp->endpoint = (struct pcep_address){
            4, {10, (uint8_t)(200 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i}};
        for (unsigned hop = 0; hop < c->n_hops; hop++)
            lsp->labels[hop] = FIRST_LABEL + (c->number * 31 + i * 7 + hop * 101) % N_LABELS;
    }
}

void
pcc_free_lsps(struct pcc *pcc)
{
    for (uint32_t i = 0; i < pcc->table->n; i++)
        free(pcc->table->list[i].name);
    free(pcc->table->list);
    free(pcc->table);
}

static void
remove_lsp(struct pcc *pcc, struct sim_lsp *lsp)
{
    lsp->there = false;
    lsp->version = ++pcc->table->version;
    pcc->table->n_there--;
}

static struct sim_lsp *
find_lsp(const struct pcc *pcc, uint32_t plsp_id)
{
    struct sim_lsp *lsp = plsp_id && plsp_id <= pcc->table->n ? &pcc->table->list[plsp_id - 1]
                                                              : NULL;
    return lsp && lsp->there ? lsp : NULL;
}

static size_t
write_name(const struct pcc *pcc, uint32_t at, char *name)
{
    const struct sim_lsp *lsp = &pcc->table->list[at];
    if (lsp->name)
        return (size_t)snprintf(name, PCC_NAME_SIZE, "%s", lsp->name);
    return (size_t)snprintf(name, PCC_NAME_SIZE, "pcc%u-lsp%u", pcc->config.number, at + 1);
}

/* ---- reports */

/* What an entry points to. */
struct draft {
    struct pcep_entry entry;
    struct pcep_srp srp;
    struct pcep_lsp lsp;
    struct pcep_lsp_ids ids;
    struct pcep_tlv setup, tlvs[3];
    struct pcep_hop hops[PCC_MAX_HOPS];
    struct pcep_route ero, rro;
    char name[PCC_NAME_SIZE];
    struct pcep_association policy;
    struct pcep_tlv policy_tlvs[3];
    uint8_t policy_octets[20];
};

static void
write_tlvs(const struct pcc *pcc, struct draft *d, const struct sim_report *report)
{
    uint32_t n = 0;
    const struct sim_lsp *lsp = &pcc->table->list[report->lsp];
    const char *name = report->name ? report->name : d->name;
    uint64_t version = report->sync ? lsp->version : pcc->table->version;
    if (!report->name)
        write_name(pcc, report->lsp, d->name);
    d->ids.tunnel_id = (uint16_t)(report->lsp + 1);
    d->ids.lsp_id = 1;
    d->ids.sender = report->sender ? *report->sender : pcc->config.address;
    d->ids.endpoint = lsp->endpoint;
    memcpy(d->ids.extended_tunnel_id, d->ids.sender.octets, 4);
    d->tlvs[n++] = (struct pcep_tlv){.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &d->ids};
    if (*name)
        d->tlvs[n++] = (struct pcep_tlv){.type = PCEP_TLV_SYMBOLIC_PATH_NAME,
                                         .octets = {(const uint8_t *)name, (uint32_t)strlen(name)}};
    if (pcc->config.db_version || pcc->config.delta)
        d->tlvs[n++] = (struct pcep_tlv){.type = PCEP_TLV_LSP_DB_VERSION, .long_number = version};
    d->lsp.tlvs = (struct pcep_tlvs){d->tlvs, n};
}

/* RFC 9862 section 4 */
static void
write_policy(const struct pcc *pcc, const struct sim_lsp *lsp, struct draft *d)
{
    if (!lsp->has_policy)
        return;
    d->policy_tlvs[0] = pcep_policy_tlv(lsp->color, &lsp->endpoint, d->policy_octets);
    d->policy_tlvs[1] = (struct pcep_tlv){.type = PCEP_TLV_SRPOLICY_CPATH_ID,
                                          .cpath_id = &lsp->cpath_id};
    d->policy_tlvs[2] = (struct pcep_tlv){.type = PCEP_TLV_SRPOLICY_CPATH_PREFERENCE,
                                          .number = lsp->preference};
    d->policy = (struct pcep_association){.type = PCEP_ASSOC_SR_POLICY,
                                          .id = 1,
                                          .source = pcc->config.address,
                                          .tlvs = {d->policy_tlvs, lsp->preference ? 3 : 2}};
    d->entry.associations = &d->policy;
    d->entry.n_associations = 1;
}

static void
write_route(const struct sim_lsp *lsp, struct draft *d)
{
    for (unsigned i = 0; i < lsp->n_labels; i++) {
        uint32_t node = lsp->labels[i] - FIRST_LABEL;
        struct pcep_address address = {4, {10, 100, (uint8_t)(node >> 8), (uint8_t)node}};
        d->hops[i] = pcep_node_hop(lsp->labels[i], &address);
    }
    d->ero = d->rro = (struct pcep_route){.hops = d->hops, .n = lsp->n_labels};
    d->entry.path.ero = &d->ero;
    if (lsp->operational == PCEP_OPERATIONAL_UP || lsp->operational == PCEP_OPERATIONAL_ACTIVE)
        d->entry.path.rro = &d->rro;
    d->entry.path.bandwidth = lsp->has_bandwidth ? &lsp->bandwidth : NULL;
    d->entry.path.lspa = lsp->has_lspa ? &lsp->lspa : NULL;
}

static uint16_t
flags_of(const struct pcc *pcc, const struct sim_lsp *lsp, const struct sim_report *report)
{
    return (uint16_t)((lsp->owner == pcc->place ? PCEP_LSP_DELEGATE : 0) |
                      (lsp->created ? PCEP_LSP_CREATE : 0) | (report->sync ? PCEP_LSP_SYNC : 0) |
                      (report->removed ? PCEP_LSP_REMOVE : 0) | PCEP_LSP_ADMIN |
                      lsp->operational << 4);
}

bool
pcc_report(struct pcc *pcc, const struct sim_report *report)
{
    const struct sim_lsp *lsp = &pcc->table->list[report->lsp];
    struct draft d;
    memset(&d, 0, offsetof(struct draft, hops));
    d.setup = (struct pcep_tlv){.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    d.srp = (struct pcep_srp){.srp_id = report->srp_id, .tlvs = {&d.setup, 1}};
    d.lsp.plsp_id = report->plsp_id ? report->plsp_id : report->lsp + 1;
    d.lsp.flags = flags_of(pcc, lsp, report);
    write_tlvs(pcc, &d, report);
    write_route(lsp, &d);
    write_policy(pcc, lsp, &d);
    d.entry.srp = &d.srp;
    d.entry.lsp = &d.lsp;
    if (pcep_session_send_entry(pcc->session, PCEP_PCRPT, &d.entry))
        return false;
    pcc->stats.reports++;
    return true;
}

void
pcc_tell(struct pcc *pcc, const struct sim_report *report)
{
    struct sim_report without = *report;
    without.srp_id = 0;
    if (pcc->up && pcc->synced && !pcc->stuck)
        pcc_report(pcc, report);
    if (pcc->other && pcc->other->up && pcc->other->synced && !pcc->other->stuck)
        pcc_report(pcc->other, &without);
}

/* RFC 8231 section 5.6 */
bool
pcc_report_end_of_sync(struct pcc *pcc)
{
    const struct pcep_lsp_ids none = {.sender.family = 4, .endpoint.family = 4};
    const struct pcep_tlv tlvs[2] = {
        {.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &none},
        {.type = PCEP_TLV_LSP_DB_VERSION, .long_number = pcc->table->version}};
    bool versions = pcc->config.db_version || pcc->config.delta;
    const struct pcep_lsp lsp = {.tlvs = {tlvs, versions ? 2 : 1}};
    const struct pcep_route nothing = {.n = 0};
    const struct pcep_entry entry = {.lsp = &lsp, .path = {.ero = &nothing}};
    return !pcep_session_send_entry(pcc->session, PCEP_PCRPT, &entry);
}

void
pcc_sync(struct pcc *pcc)
{
    const struct buf *out = pcep_session_output(pcc->session);
    if (pcc->waits)
        return;
    while (!pcc->synced && pcc->sync_at < pcc->table->n && out->size < PCC_OUTPUT_ENOUGH) {
        const struct sim_lsp *lsp = &pcc->table->list[pcc->sync_at];
        struct sim_report report = {.lsp = pcc->sync_at, .sync = true, .removed = !lsp->there};
        bool told = lsp->there || pcc->sync_from; /* who knows it must know that it is gone */
        pcc->sync_at++;
        if (told && lsp->version > pcc->sync_from && pcc_report(pcc, &report))
            pcc->stats.lsps_synced++;
    }
    if (pcc->synced || pcc->sync_at < pcc->table->n || pcc->config.faults.never_end ||
        !pcc_report_end_of_sync(pcc))
        return;
    pcc->synced = true;
    pcc->sync_time = pcc->now - pcc->up_at;
    pcc->stats.synced++;
}

/* ---- orders */

static void
send_error(struct pcc *pcc, const struct pcep_error *error, uint32_t srp_id)
{
    pcc->stats.refused++;
    if (pcep_session_send_error(pcc->session, error, &srp_id, 1))
        pcc->stats.unanswered++;
}

/* Rate and priorities are those of the newest order. */
static void
take_terms(struct sim_lsp *lsp, const struct pcep_path *path)
{
    lsp->has_bandwidth = path->bandwidth;
    lsp->has_lspa = path->lspa;
    if (path->bandwidth)
        lsp->bandwidth = *path->bandwidth;
    if (path->lspa)
        lsp->lspa = (struct pcep_lspa){.setup_priority = path->lspa->setup_priority,
                                       .holding_priority = path->lspa->holding_priority};
}

/* Takes the labels of an ERO, and what goes with them; false: it has none that are understood. */
static bool
take_path(const struct pcc *pcc, struct sim_lsp *lsp, const struct pcep_path *path)
{
    const struct pcep_route *ero = path->ero;
    if (!ero || !ero->n || ero->n > PCC_MAX_HOPS)
        return false;
    for (uint32_t i = 0; i < ero->n; i++)
        if (ero->hops[i].type != PCEP_HOP_SR || !(ero->hops[i].sr_flags & PCEP_SR_M))
            return false;
    for (uint32_t i = 0; i < ero->n; i++)
        lsp->labels[i] = pcep_hop_label(&ero->hops[i]);
    lsp->n_labels = (uint8_t)ero->n;
    lsp->labels[ero->n - 1] ^= pcc->config.faults.lie_labels;
    take_terms(lsp, path);
    return true;
}

/* False: an SR policy without what it must have (RFC 9862 section 4.5). */
static bool
take_policy(const struct pcc *pcc, struct sim_lsp *lsp, const struct pcep_entry *entry)
{
    for (uint32_t i = 0; i < entry->n_associations && pcc->config.sr_policy; i++) {
        const struct pcep_association *a = &entry->associations[i];
        const struct pcep_tlv *id = pcep_tlv_find(&a->tlvs, PCEP_TLV_SRPOLICY_CPATH_ID);
        struct pcep_address endpoint;
        if (a->type != PCEP_ASSOC_SR_POLICY)
            continue;
        if (!id || !pcep_association_policy(a, &lsp->color, &endpoint))
            return false;
        lsp->has_policy = true;
        lsp->cpath_id = *id->cpath_id;
        lsp->preference = pcep_tlv_number(&a->tlvs, PCEP_TLV_SRPOLICY_CPATH_PREFERENCE, 0);
    }
    return true;
}

static void
answer_later(struct pcc *pcc, uint32_t at, uint32_t srp_id, bool revoke)
{
    sim_queue_put(&pcc->answers, (struct sim_task){.due = pcc->now + pcc->config.answer_after,
                                                   .lsp = at,
                                                   .srp_id = srp_id,
                                                   .revoke = revoke});
}

static bool
every(uint32_t count, uint32_t k)
{
    return k && count % k == 0;
}

static void
update(struct pcc *pcc, const struct pcep_entry *entry)
{
    const struct pcep_lsp *about = entry->lsp;
    struct sim_lsp *lsp = find_lsp(pcc, about->plsp_id);
    uint32_t srp_id = entry->srp->srp_id;
    pcc->stats.updates++;
    if (!lsp) {
        send_error(pcc, &unknown_plsp_id, srp_id);
    } else if (lsp->owner != pcc->place) {
        send_error(pcc, &not_delegated, srp_id);
    } else if (!(about->flags & PCEP_LSP_DELEGATE)) { /* RFC 8231 section 5.7.3 */
        pcc->stats.returns++;
        answer_later(pcc, about->plsp_id - 1, srp_id, true);
    } else if (!take_path(pcc, lsp, &entry->path)) {
        send_error(pcc, &bad_parameters, srp_id);
    } else {
        bool revoke = every(++pcc->n_updates, pcc->config.faults.revoke_every);
        pcc->stats.revoked += revoke;
        answer_later(pcc, about->plsp_id - 1, srp_id, revoke);
    }
}

static bool
has_lsp_named(const struct pcc *pcc, struct pcep_octets name)
{
    for (uint32_t i = pcc->config.n_lsps; i < pcc->table->n; i++) {
        const struct sim_lsp *lsp = &pcc->table->list[i];
        if (lsp->there && lsp->name && strlen(lsp->name) == name.size &&
            !memcmp(lsp->name, name.data, name.size))
            return true;
    }
    return false;
}

static void
initiate(struct pcc *pcc, const struct pcep_entry *entry)
{
    struct pcep_octets name = pcep_lsp_name(entry->lsp);
    uint32_t srp_id = entry->srp->srp_id;
    struct sim_lsp made = {0};
    pcc->stats.initiations++;
    if (!name.size || name.size >= PCC_NAME_SIZE || !entry->endpoints ||
        pcc->table->n >= PCC_MAX_LSPS || !take_path(pcc, &made, &entry->path)) {
        send_error(pcc, &bad_parameters, srp_id);
        return;
    }
    if (!take_policy(pcc, &made, entry)) {
        send_error(pcc, &PCEP_ERROR_NO_SR_POLICY_TLV, srp_id);
        return;
    }
    if (has_lsp_named(pcc, name)) {
        send_error(pcc, &name_in_use, srp_id);
        return;
    }
    struct sim_lsp *lsp = add_lsp(pcc);
    made.there = made.created = true;
    made.owner = pcc->place;
    made.version = lsp->version;
    made.name = xstrndup((const char *)name.data, name.size);
    made.endpoint = entry->endpoints->destination;
    *lsp = made;
    answer_later(pcc, pcc->table->n - 1, srp_id, false);
}

/* RFC 8281 sections 5.4 and 6 */
static void
remove_or_give(struct pcc *pcc, const struct pcep_entry *entry)
{
    struct sim_lsp *lsp = find_lsp(pcc, entry->lsp->plsp_id);
    uint32_t at = entry->lsp->plsp_id - 1, srp_id = entry->srp->srp_id;
    bool removal = entry->srp->flags & PCEP_SRP_REMOVE;
    if (removal)
        pcc->stats.removals++;
    else
        pcc->stats.takeovers++;
    if (!lsp) {
        send_error(pcc, &unknown_plsp_id, srp_id);
    } else if (!lsp->created) {
        send_error(pcc, &not_created, srp_id);
    } else if (removal && lsp->owner != pcc->place) {
        send_error(pcc, &not_delegated, srp_id);
    } else if (removal) {
        remove_lsp(pcc, lsp);
        pcc_tell(pcc, &(struct sim_report){.lsp = at, .srp_id = srp_id, .removed = true});
        pcc->stats.answered++;
    } else {
        if (!lsp->owner) /* an orphan */
            lsp->owner = pcc->place;
        lsp->version = ++pcc->table->version;
        pcc_tell(pcc, &(struct sim_report){.lsp = at, .srp_id = srp_id});
        pcc->stats.answered++;
    }
}

/* RFC 8232 section 6: report this one, or all, again. */
static void
resync(struct pcc *pcc, const struct pcep_entry *entry)
{
    if (!entry->lsp->plsp_id) {
        if (!pcc->waits) /* else the initial one, of what has changed perhaps */
            pcc->sync_from = 0;
        pcc->synced = pcc->waits = false;
        pcc->sync_at = 0;
        return;
    }
    if (find_lsp(pcc, entry->lsp->plsp_id))
        pcc_report(pcc, &(struct sim_report){.lsp = entry->lsp->plsp_id - 1,
                                             .srp_id = entry->srp->srp_id,
                                             .sync = true});
}

void
pcc_order(struct pcc *pcc, const struct pcep_message *message)
{
    const struct pcc_faults *faults = &pcc->config.faults;
    for (uint32_t i = 0; i < message->n_entries; i++) {
        const struct pcep_entry *entry = &message->entries[i];
        pcc->n_orders++;
        if (every(pcc->n_orders, faults->silent_every))
            pcc->stats.unanswered++;
        else if (every(pcc->n_orders, faults->refuse_every))
            send_error(pcc, &faults->refusal, entry->srp->srp_id);
        else if (message->type == PCEP_PCUPD && entry->lsp->flags & PCEP_LSP_SYNC)
            resync(pcc, entry);
        else if (message->type == PCEP_PCUPD)
            update(pcc, entry);
        else if (entry->lsp->plsp_id)
            remove_or_give(pcc, entry);
        else
            initiate(pcc, entry);
    }
}

static void
come_up(struct pcc *pcc, uint32_t at)
{
    struct sim_lsp *lsp = &pcc->table->list[at];
    if (!lsp->there)
        return;
    lsp->operational = PCEP_OPERATIONAL_UP;
    lsp->version = ++pcc->table->version;
    pcc_tell(pcc, &(struct sim_report){.lsp = at});
}

/* First that it is on its way, and then that it is there. */
static void
answer(struct pcc *pcc, const struct sim_task *task)
{
    struct sim_lsp *lsp = &pcc->table->list[task->lsp];
    if (!lsp->there)
        return;
    if (task->revoke)
        lsp->owner = 0;
    lsp->operational = PCEP_OPERATIONAL_GOING_UP;
    lsp->version = ++pcc->table->version;
    uint32_t about = task->lsp;
    if (pcc->config.faults.lie_srp && pcc->config.n_lsps > 1)
        about = (task->lsp + 1) % pcc->config.n_lsps;
    pcc_tell(pcc, &(struct sim_report){.lsp = about, .srp_id = task->srp_id});
    pcc->stats.answered++;
    if (!pcc->config.up_after)
        come_up(pcc, task->lsp);
    else
        sim_queue_put(&pcc->ups,
                      (struct sim_task){.due = pcc->now + pcc->config.up_after, .lsp = task->lsp});
}

void
pcc_run_queues(struct pcc *pcc)
{
    struct sim_task task;
    while (sim_queue_take(&pcc->answers, pcc->now, &task))
        answer(pcc, &task);
    while (sim_queue_take(&pcc->ups, pcc->now, &task))
        come_up(pcc, task.lsp);
}

/* ---- without a PCE, or with another one */

static void
give(struct pcc *pcc, struct sim_lsp *lsp, uint8_t owner)
{
    if (lsp->owner == owner)
        return;
    lsp->owner = owner;
    lsp->version = ++pcc->table->version;
}

static bool
is_away(const struct pcc *pcc, uint8_t owner)
{
    return owner != pcc->place && !(pcc->other && pcc->other->up);
}

void
pcc_claim_lsps(struct pcc *pcc)
{
    for (uint32_t i = 0; i < pcc->config.n_lsps && pcc->config.delegates; i++)
        if (is_away(pcc, pcc->table->list[i].owner))
            give(pcc, &pcc->table->list[i], pcc->place);
}

/* A configured LSP that was revoked or returned has a new chance with the next session. */
static void
hand_over(struct pcc *pcc)
{
    struct pcc *next = pcc->other && pcc->other->up ? pcc->other : pcc;
    for (uint32_t i = 0; i < pcc->config.n_lsps; i++) {
        struct sim_lsp *lsp = &pcc->table->list[i];
        if (pcc->config.delegates && lsp->owner != next->place)
            give(pcc, lsp, next->place);
        if (lsp->operational == PCEP_OPERATIONAL_GOING_UP) {
            lsp->operational = PCEP_OPERATIONAL_UP;
            lsp->version = ++pcc->table->version;
        }
    }
    if (next != pcc && pcc->config.delegates)
        next->inherited_at = 0;
}

void
pcc_orphan_lsps(struct pcc *pcc)
{
    uint32_t n = 0;
    for (uint32_t i = pcc->config.n_lsps; i < pcc->table->n; i++) {
        struct sim_lsp *lsp = &pcc->table->list[i];
        if (!lsp->there || lsp->owner != pcc->place)
            continue;
        give(pcc, lsp, 0);
        n++;
    }
    hand_over(pcc);
    pcc->stats.orphaned += n;
    if (n)
        pcc->orphans_until = pcc->now + pcc->config.state_timeout;
}

void
pcc_inherit(struct pcc *pcc)
{
    const struct buf *out = pcep_session_output(pcc->session);
    while (pcc->synced && pcc->inherited_at < pcc->config.n_lsps && out->size < PCC_OUTPUT_ENOUGH) {
        struct sim_report report = {.lsp = pcc->inherited_at++};
        if (pcc->table->list[report.lsp].owner == pcc->place && pcc_report(pcc, &report))
            pcc->stats.inherited++;
    }
}

void
pcc_remove_orphans(struct pcc *pcc)
{
    pcc->orphans_until = NSEC_NEVER;
    for (uint32_t i = pcc->config.n_lsps; i < pcc->table->n; i++) {
        struct sim_lsp *lsp = &pcc->table->list[i];
        if (!lsp->there || lsp->owner)
            continue;
        remove_lsp(pcc, lsp);
        pcc->stats.expired++;
        pcc_tell(pcc, &(struct sim_report){.lsp = i, .removed = true});
    }
}

/* ---- by a script */

static void
change_lsp(struct pcc *pcc, uint32_t at, enum pcc_act act)
{
    struct sim_lsp *lsp = &pcc->table->list[at];
    if (act == PCC_REMOVE_LSP)
        remove_lsp(pcc, lsp);
    else
        lsp->version = ++pcc->table->version;
    if (act == PCC_FAIL_LSP)
        lsp->operational = PCEP_OPERATIONAL_DOWN;
    else if (act == PCC_MEND_LSP)
        lsp->operational = PCEP_OPERATIONAL_UP;
    else if (act == PCC_REVOKE)
        lsp->owner = 0;
    else if (act == PCC_RETURN)
        lsp->owner = pcc->place;
    pcc_tell(pcc, &(struct sim_report){.lsp = at, .removed = !lsp->there});
}

void
pcc_change_lsps(struct pcc *pcc, const struct pcc_action *action)
{
    char name[PCC_NAME_SIZE];
    for (uint32_t i = 0; i < pcc->table->n; i++) {
        write_name(pcc, i, name);
        if (pcc->table->list[i].there && !fnmatch(action->name, name, 0))
            change_lsp(pcc, i, action->act);
    }
}

/* ---- requests */

/* One at a time, each when the one before it is answered. */
void
pcc_ask(struct pcc *pcc)
{
    if (pcc->requests_open || pcc->requests_sent >= pcc->config.n_requests)
        return;
    uint32_t number = pcc->requests_sent + 1;
    const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    const struct pcep_rp rp = {.request_id = number, .tlvs = {&setup, 1}};
    const struct pcep_endpoints endpoints = {
        .source = pcc->config.address,
        .destination = {4, {10, 200, (uint8_t)(number >> 8), (uint8_t)number}}};
    const struct pcep_bandwidth bandwidth = {.octets_per_s = 125000};
    const struct pcep_metric metric = {.type = PCEP_METRIC_TE, .flags = PCEP_METRIC_COMPUTED};
    const struct pcep_entry entry = {
        .rp = &rp,
        .endpoints = &endpoints,
        .path = {.bandwidth = &bandwidth, .metrics = &metric, .n_metrics = 1}};
    if (pcep_session_send_entry(pcc->session, PCEP_PCREQ, &entry))
        return;
    pcc->request_times[pcc->requests_sent++] = pcc->now;
    pcc->requests_open = 1;
    pcc->stats.requests++;
}

void
pcc_answered(struct pcc *pcc, const struct pcep_message *message)
{
    for (uint32_t i = 0; i < message->n_entries; i++) {
        uint32_t id = message->entries[i].rp->request_id;
        if (!id || id > pcc->requests_sent)
            continue;
        if (message->entries[i].no_path)
            pcc->stats.no_paths++;
        else
            pcc->stats.paths++;
        pcc->request_time = pcc->now - pcc->request_times[id - 1];
        pcc->requests_open = 0;
    }
}
