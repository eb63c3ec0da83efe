/* pce_request.c - path computation requests (RFC 5440 sections 4.2.3, 4.2.4): handed up, answered
 * once, and given up when they are cancelled, too old, or without a session. */
#include "base/alloc.h"
#include "wan/pce_private.h"

#include <stdlib.h>
#include <string.h>

enum { NOTIFY_CANCELLED = 1, NOTIFY_OVERLOAD = 2, OVERLOAD_BEGINS = 1, OVERLOAD_ENDS = 2 };

struct request *
pce_request_find(struct pce *pce, uint64_t id)
{
    struct request *request;
    HASH_FIND(hh, pce->requests, &id, sizeof id, request);
    return request;
}

static void
forget(struct pce *pce, struct request *request)
{
    pce_timer_stop(&pce->timers, &request->timer);
    HASH_DEL(pce->requests, request);
    HASH_DELETE(of_link, request->link->requests, request);
    request->link->n_requests--;
    free(request);
}

/* With an event, if the caller knows of it. */
static void
give_up(struct pce *pce, struct request *request)
{
    if (request->told)
        pce_tell(pce, (struct queued){.kind = PCE_REQUEST_GONE,
                                      .pcc = request->public.pcc,
                                      .owned = xmemdup(&request->public, sizeof request->public)});
    forget(pce, request);
}

static void
send_no_path(struct pce_link *link, const struct pce_request *request, unsigned why)
{
    if (pce_send_answer(link, request, &(struct pce_answer){.no_path = why}))
        return; /* it does not read: that ends by itself */
}

/* ---- coming in */

static void
read_constraints(const struct pcep_path *path, struct pce_request *request)
{
    request->has_bandwidth = path->bandwidth &&
                             pcep_bandwidth_bps(path->bandwidth, &request->bandwidth_bps);
    request->n_metrics = (unsigned)pce_read_metrics(path->metrics, path->n_metrics,
                                                    request->metrics, LSP_METRICS_MAX);
    for (unsigned i = 0; i < request->n_metrics; i++) {
        const struct lsp_metric *metric = &request->metrics[i];
        if (metric->type == PCEP_METRIC_SID_DEPTH && metric->is_bound && metric->value >= 1 &&
            metric->value <= UINT8_MAX)
            request->max_sids = (uint8_t)metric->value;
    }
    if (path->of)
        request->objective = path->of->code;
    if (!path->lspa)
        return;
    request->has_priorities = true;
    request->setup_priority = path->lspa->setup_priority;
    request->holding_priority = path->lspa->holding_priority;
    request->exclude_any = path->lspa->exclude_any;
    request->include_any = path->lspa->include_any;
    request->include_all = path->lspa->include_all;
}

static void
read_request(const struct pcep_entry *entry, struct pce_request *request)
{
    const struct pcep_rp *rp = entry->rp;
    request->request_id = rp->request_id;
    request->source = te_address_of(&entry->endpoints->source);
    request->destination = te_address_of(&entry->endpoints->destination);
    request->setup_type = (uint8_t)pcep_tlv_number(&rp->tlvs, PCEP_TLV_PATH_SETUP_TYPE, 0);
    request->reoptimise = rp->flags & PCEP_RP_REOPTIMIZATION;
    request->plsp_id = entry->lsp ? entry->lsp->plsp_id : 0;
    request->n_associations = (unsigned)pce_read_associations(
        entry->associations, entry->n_associations, request->associations,
        ARRAY_SIZE(request->associations));
    read_constraints(&entry->path, request);
}

/* RFC 5440 section 7.13: which of a message belong together. */
static void
read_svecs(struct pce *pce, const struct pcep_message *message, struct pce_request *request)
{
    for (uint32_t i = 0; i < message->n_svecs; i++) {
        const struct pcep_svec *svec = &message->svecs[i];
        for (uint32_t k = 0; k < MIN(svec->n, 64); k++) {
            if (svec->request_ids[k] != request->request_id)
                continue;
            request->together = pce->next_together + i;
            request->diversity = (uint8_t)(svec->flags & 7);
        }
    }
}

static void
cancel(struct pce_link *link, uint32_t request_id)
{
    struct request *request;
    HASH_FIND(of_link, link->requests, &request_id, sizeof request_id, request);
    if (request)
        give_up(link->pce, request);
}

static void
take_request(struct pce_link *link, const struct pcep_message *message,
             const struct pcep_entry *entry)
{
    struct pce *pce = link->pce;
    struct request *request = xcalloc(1, sizeof *request);
    request->public.id = ++pce->next_request;
    request->public.pcc = link->pcc->number;
    read_request(entry, &request->public);
    read_svecs(pce, message, &request->public);
    if (pce->overload || link->n_requests >= pce->config.max_requests) {
        if (!pce->overload)
            pce_misbehaves(pce, link->pcc, PCE_TOO_MANY_REQUESTS,
                           "%u requests wait for their answers", link->n_requests);
        send_no_path(link, &request->public, PCE_NO_PATH_UNAVAILABLE);
        free(request);
        return;
    }
    request->link = link;
    request->timer.kind = TIMER_REQUEST;
    cancel(link, request->public.request_id); /* the same number again: RFC 5440 section 7.4.1 */
    HASH_ADD(hh, pce->requests, public.id, sizeof request->public.id, request);
    HASH_ADD(of_link, link->requests, public.request_id, sizeof request->public.request_id,
             request);
    pce_timer_set(&pce->timers, &request->timer, pce->now + pce->config.request_timeout);
    link->n_requests++;
    pce_tell(pce, (struct queued){
                      .kind = PCE_REQUEST, .pcc = link->pcc->number, .id = request->public.id});
}

void
pce_requests(struct pce_link *link, const struct pcep_message *message)
{
    struct pce *pce = link->pce;
    for (uint32_t i = 0; i < message->n_entries; i++)
        take_request(link, message, &message->entries[i]);
    pce->next_together += MAX(message->n_svecs, 1);
    if (!pce->next_together)
        pce->next_together = 1;
    link->reports.tokens -= message->n_entries;
}

void
pce_notified(struct pce_link *link, const struct pcep_message *message)
{
    for (uint32_t i = 0; i < message->n_notices; i++) {
        const struct pcep_notice *notice = &message->notices[i];
        for (uint32_t k = 0; k < notice->n_notifications; k++) {
            if (notice->notifications[k].type != NOTIFY_CANCELLED)
                continue;
            for (uint32_t r = 0; r < notice->n_request_ids && link->n_requests; r++)
                cancel(link, notice->request_ids[r]);
        }
        link->reports.tokens -= notice->n_request_ids;
    }
}

/* ---- going out */

enum err
pce_answer(struct pce *pce, uint64_t id, const struct pce_answer *answer, nsec_t now)
{
    struct request *request = pce_request_find(pce, id);
    pce->now = now;
    if (!request)
        return ERR_NOT_FOUND;
    struct pce_link *link = request->link;
    enum err err = pce_send_answer(link, &request->public, answer);
    if (err)
        return err;
    forget(pce, request);
    pce_link_touch(link);
    return ERR_OK;
}

void
pce_request_expire(struct request *request)
{
    struct pce_link *link = request->link;
    send_no_path(link, &request->public, PCE_NO_PATH_UNAVAILABLE);
    give_up(link->pce, request);
    pce_link_touch(link);
}

void
pce_requests_fini(struct pce_link *link)
{
    struct request *request, *next;
    HASH_ITER (of_link, link->requests, request, next)
        give_up(link->pce, request);
}

/* ---- overload */

static void
tell_overload(struct pce_link *link, bool overload, uint32_t seconds)
{
    const struct pcep_tlv duration = {.type = PCEP_TLV_OVERLOAD_DURATION, .number = seconds};
    const struct pcep_notification notification = {
        .type = NOTIFY_OVERLOAD,
        .value = overload ? OVERLOAD_BEGINS : OVERLOAD_ENDS,
        .tlvs = {&duration, overload && seconds ? 1 : 0}};
    const struct pcep_notice notice = {.notifications = &notification, .n_notifications = 1};
    const struct pcep_message message = {.type = PCEP_PCNTF, .notices = &notice, .n_notices = 1};
    if (pcep_session_send(link->machine, &message))
        return; /* it does not read: that ends by itself */
}

void
pce_set_overload(struct pce *pce, bool overload, uint32_t seconds, nsec_t now)
{
    pce->now = now;
    if (pce->overload == overload)
        return;
    pce->overload = overload;
    for (struct pce_link *link = pce->links, *next; link; link = next) {
        next = link->next;
        if (!link->up)
            continue;
        tell_overload(link, overload, seconds);
        pce_link_touch(link);
    }
}
