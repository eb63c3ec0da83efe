/* pce_report.c - state reports: synchronisation, and what changes after it. */
#include "wan/pce_private.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* RFC 8231 section 8.6 */
enum { NOTIFY_STATEFUL_LIMIT = 4, LIMIT_ENTERED = 1, LIMIT_LEFT = 2 };

/* ---- beginning */

/* RFC 8232 sections 5.2 and 6.2: report this LSP, or all. */
static enum err
ask_for(struct pce_link *link, const struct lsp *lsp)
{
    const struct pcep_srp srp = {.srp_id = link->next_srp++};
    const struct pcep_lsp about = {.plsp_id = lsp ? lsp->plsp_id : 0, .flags = PCEP_LSP_SYNC};
    const struct pcep_route nothing = {.n = 0};
    const struct pcep_entry entry = {.srp = &srp, .lsp = &about, .path = {.ero = &nothing}};
    return pcep_session_send_entry(link->machine, PCEP_PCUPD, &entry);
}

/* RFC 8232 sections 3 and 4: what the PCC will tell depends on the versions of the database that
 * both showed. Ours was told when the connection came, and nothing of it was dropped since. */
void
pce_sync_begin(struct pce_link *link)
{
    struct pce *pce = link->pce;
    struct pce_pcc *pcc = link->pcc;
    const struct pcep_capabilities *own = pcep_session_own(link->machine);
    const struct pcep_capabilities *peer = pcep_session_peer(link->machine);
    uint32_t both = own->stateful_flags & peer->stateful_flags;
    link->heard = link->sync_began = pce->now;
    if (!peer->stateful) {
        link->has_synced = true;
        return;
    }
    link->versions = both & PCEP_INCLUDE_DB_VERSION;
    bool known = link->versions && own->db_version && peer->db_version;
    link->sync_delta = known && both & PCEP_DELTA_LSP_SYNC;
    pcc->sync = link->sync_delta ? PCE_SYNC_DELTA : PCE_SYNC_FULL;
    if (!known || own->db_version != peer->db_version) {
        if (both & PCEP_TRIGGERED_INITIAL_SYNC && ask_for(link, NULL))
            return; /* it does not read: that ends by itself */
        return;
    }
    lsp_db_mark_fresh(pce->lsps, pcc->number);
    pcc->sync = PCE_SYNC_AVOIDED;
    pcc->sync_took = 0;
    link->has_synced = true;
    pce_tell(pce, (struct queued){.kind = PCE_SYNCED,
                                  .pcc = pcc->number,
                                  .id = lsp_db_count(pce->lsps, pcc->number),
                                  .what = PCE_SYNC_AVOIDED});
}

nsec_t
pce_sync_deadline(const struct pce_link *link)
{
    if (!link->up || link->has_synced)
        return NSEC_NEVER;
    return link->heard + link->pce->config.sync_timeout;
}

/* RFC 8231 section 5.6: what was not reported is not there any more. */
static void
end_of_sync(struct pce_link *link)
{
    struct pce *pce = link->pce;
    struct pce_pcc *pcc = link->pcc;
    if (link->has_synced)
        return; /* of a synchronisation that was asked for */
    if (link->sync_delta)
        lsp_db_mark_fresh(pce->lsps, pcc->number);
    else
        pce_pcc_drop_lsps(pce, pcc, PCE_GONE_SWEPT, true);
    link->has_synced = true;
    pcc->since = pce->now;
    pcc->sync_took = pce->now - link->sync_began;
    pce_tell(pce, (struct queued){.kind = PCE_SYNCED,
                                  .pcc = pcc->number,
                                  .id = lsp_db_count(pce->lsps, pcc->number),
                                  .what = pcc->sync});
}

/* ---- limits */

static void
notify_limit(struct pce_link *link, uint8_t value)
{
    const struct pcep_notification notification = {.type = NOTIFY_STATEFUL_LIMIT, .value = value};
    const struct pcep_notice notice = {.notifications = &notification, .n_notifications = 1};
    const struct pcep_message message = {.type = PCEP_PCNTF, .notices = &notice, .n_notices = 1};
    if (pcep_session_send(link->machine, &message))
        return; /* it does not read: that ends by itself */
}

static void
enter_limit(struct pce_link *link)
{
    struct pce *pce = link->pce;
    pce_misbehaves(pce, link->pcc, PCE_TOO_MANY_LSPS,
                   "%u LSPs in %zu octets are kept, no more; %zu octets of all routers",
                   lsp_db_count(pce->lsps, link->pcc->number),
                   lsp_db_octets(pce->lsps, link->pcc->number), lsp_db_total_octets(pce->lsps));
    if (link->pcc->over_limit)
        return;
    link->pcc->over_limit = true;
    notify_limit(link, LIMIT_ENTERED);
}

static void
leave_limit(struct pce_link *link)
{
    const struct pce *pce = link->pce;
    uint32_t most = pce->config.limits.lsps;
    if (!link->pcc->over_limit || lsp_db_count(pce->lsps, link->pcc->number) > most - most / 10)
        return;
    link->pcc->over_limit = false;
    notify_limit(link, LIMIT_LEFT);
}

/* ---- lies */

/* An LSP begins at the router that reports it. Which addresses that one has is known to the caller,
 * if to anybody; here it is known which are the addresses of others. One that has no session may be
 * this very router, from before it was told to leave from another address. */
static bool
owns(struct pce *pce, const struct pce_pcc *pcc, const struct te_address *source)
{
    char text[INET6_ADDRSTRLEN];
    struct pce_pcc *other;
    if (!source->family || te_address_equal(source, &pcc->te_address))
        return true;
    if (pce->config.owns && !pce->config.owns(pce->config.arg, pcc->address, source))
        return false;
    inet_ntop(source->family == 4 ? AF_INET : AF_INET6, source->octets, text, sizeof text);
    HASH_FIND_STR(pce->pccs_by_address, text, other);
    return !other || !other->session;
}

static void
send_error(struct pce_link *link, const struct pcep_error *error)
{
    if (pcep_session_send_error(link->machine, error, NULL, 0))
        return; /* it does not read: that ends by itself */
}

static void
refuse_report(struct pce_link *link, enum err err, const struct lsp_report *report)
{
    struct pce *pce = link->pce;
    int length = (int)MIN(report->name_length, 80);
    link->pcc->incomplete = true;
    switch (err) {
    case ERR_CONFLICT:
        pce_misbehaves(pce, link->pcc, PCE_PLSP_ID_REUSED, "PLSP-ID %u is %s, and not %.*s",
                       report->plsp_id,
                       lsp_name(lsp_db_find(pce->lsps, link->pcc->number, report->plsp_id)), length,
                       report->name);
        break;
    case ERR_NOT_FOUND:
        pce_misbehaves(pce, link->pcc, PCE_NAME_MISSING, "PLSP-ID %u comes without a name",
                       report->plsp_id);
        send_error(link, &PCEP_ERROR_NO_NAME);
        break;
    case ERR_LIMIT:
        enter_limit(link);
        break;
    default:
        pce_misbehaves(pce, link->pcc, PCE_BAD_MESSAGE, "PLSP-ID %u: a name or path too long",
                       report->plsp_id);
    }
}

/* ---- one report */

static uint32_t
srp_id_of(const struct pcep_entry *entry)
{
    return entry->srp ? entry->srp->srp_id : 0;
}

static void
removed(struct pce_link *link, const struct pcep_entry *entry)
{
    struct pce *pce = link->pce;
    const struct lsp *lsp = lsp_db_find(pce->lsps, link->pcc->number, entry->lsp->plsp_id);
    if (!lsp) {
        pce_misbehaves(pce, link->pcc, PCE_UNKNOWN_LSP, "PLSP-ID %u is removed, and was not there",
                       entry->lsp->plsp_id);
        return;
    }
    pce_order_lsp_gone(link, srp_id_of(entry), lsp);
    pce_tell(pce, (struct queued){.kind = PCE_LSP_GONE,
                                  .pcc = link->pcc->number,
                                  .what = PCE_GONE_REMOVED,
                                  .owned = lsp_db_take(pce->lsps, lsp->id)});
    leave_limit(link);
}

static void
changed(struct pce_link *link, const struct pcep_entry *entry)
{
    struct pce *pce = link->pce;
    struct pce_pcc *pcc = link->pcc;
    struct lsp_report report;
    uint64_t id = LSP_NONE;
    unsigned what = 0;
    pce_read_report(pce, entry, &report);
    if (!owns(pce, pcc, &report.source)) {
        pcc->incomplete = true;
        pce_misbehaves(pce, pcc, PCE_FOREIGN_END_POINT,
                       "%.*s begins at the address of another router",
                       (int)MIN(report.name_length, 80), report.name ? report.name : "");
        return;
    }
    enum err err = lsp_db_put(pce->lsps, pcc->number, &report, pce->now, &id, &what);
    if (err) {
        refuse_report(link, err, &report);
        return;
    }
    const struct lsp *lsp = lsp_db_get(pce->lsps, id);
    if (what & LSP_NAME_TAKEN)
        pce_misbehaves(pce, pcc, PCE_NAME_TAKEN, "PLSP-ID %u has the name of another LSP, %s",
                       lsp->plsp_id, lsp_name(lsp));
    lsp_db_set_orphan(pce->lsps, id, lsp->created_by_pce && !lsp->delegated);
    if (what)
        pce_tell(pce, (struct queued){
                          .kind = PCE_LSP_CHANGED, .pcc = pcc->number, .id = id, .what = what});
    pce_order_reported(link, srp_id_of(entry), lsp);
}

/* RFC 8232 section 3.2. False: the session is over. */
static bool
note_version(struct pce_link *link, const struct pcep_lsp *lsp)
{
    const struct pcep_tlv *version = pcep_tlv_find(&lsp->tlvs, PCEP_TLV_LSP_DB_VERSION);
    if (version) {
        link->pcc->db_version = version->long_number;
        return true;
    }
    pce_misbehaves(link->pce, link->pcc, PCE_NO_DB_VERSION,
                   "PLSP-ID %u comes without the version of the database that was agreed on",
                   lsp->plsp_id);
    pce_link_refuse(link, &PCEP_ERROR_NO_LSP_DB_VERSION, "LSP-DB-VERSION is missing");
    return false;
}

void
pce_report(struct pce_link *link, const struct pcep_message *message)
{
    struct pce *pce = link->pce;
    link->heard = pce->now;
    for (uint32_t i = 0; i < message->n_entries; i++) {
        const struct pcep_entry *entry = &message->entries[i];
        const struct pcep_lsp *lsp = entry->lsp;
        link->reports.tokens--;
        link->pcc->reports++;
        if (link->versions && !note_version(link, lsp))
            return;
        if (lsp->plsp_id && lsp->flags & PCEP_LSP_REMOVE)
            removed(link, entry);
        else if (lsp->plsp_id)
            changed(link, entry);
        else if (!(lsp->flags & PCEP_LSP_SYNC))
            end_of_sync(link);
    }
}

/* ---- asking for it again */

/* What is known stays, and is stale until it is reported. */
static void
begin_anew(struct pce_link *link)
{
    struct pce *pce = link->pce;
    link->has_synced = link->sync_delta = false;
    link->heard = link->sync_began = link->pcc->since = pce->now;
    link->pcc->sync = PCE_SYNC_FULL;
    link->pcc->incomplete = false;
    lsp_db_mark_stale(pce->lsps, link->pcc->number);
}

enum err
pce_resync(struct pce *pce, uint32_t number, uint64_t id, nsec_t now)
{
    struct pce_pcc *pcc = number < pce->n_pccs ? pce->pccs[number] : NULL;
    const struct lsp *lsp = lsp_db_get(pce->lsps, id);
    pce->now = now;
    if (!pcc || (id && (!lsp || lsp->pcc != number)))
        return ERR_NOT_FOUND;
    struct pce_link *link = pcc->session;
    if (!link || !link->up)
        return ERR_CLOSED;
    const struct pcep_capabilities *peer = pcep_session_peer(link->machine);
    if (!(peer->stateful_flags & PCEP_TRIGGERED_RESYNC))
        return ERR_UNSUPPORTED;
    if (!link->has_synced)
        return ERR_BUSY;
    enum err err = ask_for(link, lsp);
    if (!err && !lsp)
        begin_anew(link);
    pce_link_touch(link);
    return err;
}
