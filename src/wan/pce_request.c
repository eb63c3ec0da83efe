/* pce_request.c - path computation requests (RFC 5440 sections 4.2.3, 4.2.4): handed up, answered
 * once, and given up when they are cancelled, too old, or without a session. */
#include "base/alloc.h"
#include "wan/pce_private.h"

#include <stdlib.h>
#include <string.h>

#define SVECS_MAX 64 /* of a message */

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
    free(request->resources);
    free(request);
}

/* With an event, if the caller knows of it. */
static void
give_up(struct pce *pce, struct request *request)
{
    struct pce_request *gone = request->told ? xmemdup(&request->public, sizeof *gone) : NULL;
    if (gone) {
        gone->include = gone->exclude = NULL;
        gone->n_include = gone->n_exclude = 0;
        pce_tell(pce, (struct queued){
                          .kind = PCE_REQUEST_GONE, .pcc = request->public.pcc, .owned = gone});
    }
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

/* ---- which belong together (RFC 5440 section 7.13) */

/* What a message says with one of its SVECs. */
struct grouped {
    uint32_t set;     /* SVECs with a request in common have the same */
    uint32_t missing; /* a request that it names, and that is not there; 0: none */
    bool is_large;    /* the set: it is left out of account, or refused */
};

static bool
is_named(const struct pcep_svec *svec, uint32_t request_id)
{
    for (uint32_t k = 0; k < svec->n; k++) {
        if (svec->request_ids[k] == request_id)
            return true;
    }
    return false;
}

/* One that is too large is left out of account. */
static bool
names(const struct pcep_svec *svec, uint32_t request_id)
{
    return svec->n <= PCE_TOGETHER_MAX && is_named(svec, request_id);
}

/* One of both names what the other names, too. */
static bool
overlap(const struct pcep_svec *a, const struct pcep_svec *b)
{
    for (uint32_t k = 0; k < a->n && a->n <= PCE_TOGETHER_MAX; k++) {
        if (names(b, a->request_ids[k]))
            return true;
    }
    return false;
}

static bool
is_asked(const struct pcep_message *message, uint32_t request_id)
{
    for (uint32_t i = 0; i < message->n_entries; i++) {
        if (message->entries[i].rp->request_id == request_id)
            return true;
    }
    return false;
}

static bool
is_in(const struct pcep_message *message, const struct grouped *svecs, uint32_t set,
      uint32_t request_id)
{
    for (uint32_t i = 0; i < MIN(message->n_svecs, SVECS_MAX); i++) {
        if (svecs[i].set == set && names(&message->svecs[i], request_id))
            return true;
    }
    return false;
}

static void
measure_sets(const struct pcep_message *message, struct grouped *svecs)
{
    uint32_t n = MIN(message->n_svecs, SVECS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t size = 0;
        for (uint32_t k = 0; k < message->n_entries && svecs[i].set == i; k++)
            size += is_in(message, svecs, i, message->entries[k].rp->request_id);
        svecs[i].is_large = size > PCE_TOGETHER_MAX;
    }
    for (uint32_t i = 0; i < n; i++)
        svecs[i].is_large = svecs[svecs[i].set].is_large;
}

/* Those with a request in common are one set, and all of it is as diverse as any of them wants:
 * more than is asked for, but never less. */
static void
read_sets(const struct pcep_message *message, struct grouped *svecs)
{
    for (uint32_t i = 0; i < MIN(message->n_svecs, SVECS_MAX); i++) {
        const struct pcep_svec *svec = &message->svecs[i];
        svecs[i] = (struct grouped){.set = i};
        for (uint32_t k = 0; k < MIN(svec->n, PCE_TOGETHER_MAX) && !svecs[i].missing; k++)
            svecs[i].missing = is_asked(message, svec->request_ids[k]) ? 0 : svec->request_ids[k];
        for (uint32_t k = 0; k < i; k++) {
            uint32_t old = svecs[k].set;
            bool joins = old != i && overlap(svec, &message->svecs[k]);
            for (uint32_t m = 0; m < i && joins; m++)
                svecs[m].set = svecs[m].set == old ? i : svecs[m].set;
        }
    }
    measure_sets(message, svecs);
}

static void
read_svecs(const struct pce *pce, const struct pcep_message *message, const struct grouped *svecs,
           struct pce_request *request)
{
    uint32_t n = MIN(message->n_svecs, SVECS_MAX), its = UINT32_MAX;
    for (uint32_t i = 0; i < n && its == UINT32_MAX; i++) {
        if (names(&message->svecs[i], request->request_id))
            its = svecs[i].set;
    }
    if (its == UINT32_MAX || svecs[its].is_large)
        return;
    request->together = pce->next_together + its;
    request->diversity_is_optional = true;
    for (uint32_t i = 0; i < n; i++) {
        if (svecs[i].set != its)
            continue;
        request->diversity |= (uint8_t)(message->svecs[i].flags & 7);
        request->diversity_is_optional &= message->svecs[i].head.optional;
    }
}

/* ---- what must be passed, and what not */

static size_t
add_exclusions(const struct pcep_route *xro, struct pce_resource *to, size_t room)
{
    size_t n = pce_read_resources(xro, to, room);
    for (size_t i = 0; i < n; i++)
        to[i].hop.loose |= xro->head.optional;
    return n;
}

/* The request's own, and those of the SVECs that name it (RFC 5521 section 2.2). */
static void
read_resources(const struct pcep_message *message, const struct pcep_entry *entry,
               struct request *request)
{
    struct pce_request *public = &request->public;
    struct pce_resource all[2 * PCE_RESOURCES_MAX];
    struct pce_resource *exclude = all + PCE_RESOURCES_MAX;
    size_t n_exclude = add_exclusions(entry->path.xro, exclude, PCE_RESOURCES_MAX);
    size_t n_include = pce_read_resources(entry->path.iro, all, PCE_RESOURCES_MAX);
    for (uint32_t i = 0; i < message->n_svecs; i++) {
        if (message->svecs[i].xro && names(&message->svecs[i], public->request_id))
            n_exclude += add_exclusions(message->svecs[i].xro, exclude + n_exclude,
                                        PCE_RESOURCES_MAX - n_exclude);
    }
    request->resources = xcalloc(n_include + n_exclude + 1, sizeof *all);
    memcpy(request->resources, all, n_include * sizeof *all);
    memcpy(request->resources + n_include, exclude, n_exclude * sizeof *all);
    public->include = request->resources;
    public->exclude = request->resources + n_include;
    public->n_include = (unsigned)n_include;
    public->n_exclude = (unsigned)n_exclude;
    public->include_is_optional = entry->path.iro && entry->path.iro->head.optional;
}

/* ---- what cannot be done (RFC 5440 section 7.2: with P it must be, or is refused) */

static bool
is_unknown_function(const struct pcep_of *of)
{
    enum { MINIMUM_COST_PATH = 1, MINIMUM_CUMULATIVE_COST = 6 }; /* RFC 5541 section 3.2 */
    return of && !of->head.optional && of->code != MINIMUM_COST_PATH &&
           of->code != MINIMUM_CUMULATIVE_COST;
}

/* Of which there can be a bound. */
static bool
is_strange_bound(const struct pcep_metric *metric)
{
    return !metric->head.optional && metric->flags & PCEP_METRIC_BOUND &&
           metric->type != PCEP_METRIC_IGP && metric->type != PCEP_METRIC_TE &&
           metric->type != PCEP_METRIC_HOP_COUNT && metric->type != PCEP_METRIC_SID_DEPTH &&
           metric->type != PCEP_METRIC_PATH_DELAY;
}

static bool
has_strange_bounds(const struct pcep_metric *metrics, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (is_strange_bound(&metrics[i]))
            return true;
    }
    return false;
}

static bool
has_too_many(const struct pcep_route *route)
{
    return route && !route->head.optional && route->n > PCE_RESOURCES_MAX;
}

static bool
is_refused(const struct pcep_entry *entry, const struct pcep_error **error)
{
    static const struct pcep_error class = PCEP_ERROR_UNSUPPORTED_CLASS,
                                   parameter = PCEP_ERROR_UNSUPPORTED_PARAMETER,
                                   setup = PCEP_ERROR_UNSUPPORTED_SETUP_TYPE;
    const struct pcep_path *path = &entry->path;
    uint32_t type = pcep_tlv_number(&entry->rp->tlvs, PCEP_TLV_PATH_SETUP_TYPE, 0);
    bool utilisation = false;
    for (uint32_t i = 0; i < path->n_bus; i++)
        utilisation |= !path->bus[i].head.optional;
    *error = NULL;
    if (type != PCEP_PST_RSVP_TE && type != PCEP_PST_SR)
        *error = &setup;
    else if (utilisation || (path->load_balancing && !path->load_balancing->head.optional))
        *error = &class;
    else if (is_unknown_function(path->of) || has_strange_bounds(path->metrics, path->n_metrics) ||
             has_too_many(path->iro) || has_too_many(path->xro))
        *error = &parameter;
    return *error;
}

/* *missing: another request of the set that is not in the message; 0: none. */
static bool
is_refused_svec(const struct pcep_message *message, const struct grouped *svecs,
                uint32_t request_id, const struct pcep_error **error, uint32_t *missing)
{
    static const struct pcep_error parameter = PCEP_ERROR_UNSUPPORTED_PARAMETER,
                                   not_there = {PCEP_ERROR_SYNC_REQUEST_MISSING, 0};
    *error = NULL;
    *missing = 0;
    for (uint32_t i = 0; i < message->n_svecs && !*error; i++) {
        const struct pcep_svec *svec = &message->svecs[i];
        bool large = svec->n > PCE_TOGETHER_MAX || (i < SVECS_MAX && svecs[i].is_large);
        if (svec->head.optional || !is_named(svec, request_id))
            continue;
        *missing = i < SVECS_MAX ? svecs[i].missing : 0;
        if (*missing)
            *error = &not_there;
        else if (large || i >= SVECS_MAX || is_unknown_function(svec->of) ||
                 has_too_many(svec->xro) || has_strange_bounds(svec->metrics, svec->n_metrics))
            *error = &parameter;
    }
    return *error;
}

/* Nothing of it is kept then. */
static bool
refuse(struct pce_link *link, const struct pcep_message *message, const struct grouped *svecs,
       const struct pcep_entry *entry)
{
    const struct pcep_error *error;
    uint32_t missing = 0;
    if (!is_refused(entry, &error) &&
        !is_refused_svec(message, svecs, entry->rp->request_id, &error, &missing))
        return false;
    pce_send_refusal(link, entry->rp->request_id, error, missing);
    return true;
}

/* ---- one request */

static void
cancel(struct pce_link *link, uint32_t request_id)
{
    struct request *request;
    HASH_FIND(of_link, link->requests, &request_id, sizeof request_id, request);
    if (request)
        give_up(link->pce, request);
}

static void
take_request(struct pce_link *link, const struct pcep_message *message, const struct grouped *svecs,
             const struct pcep_entry *entry)
{
    struct pce *pce = link->pce;
    if (refuse(link, message, svecs, entry))
        return;
    struct request *request = xcalloc(1, sizeof *request);
    request->public.id = ++pce->next_request;
    request->public.pcc = link->pcc->number;
    read_request(entry, &request->public);
    if (!request->public.max_sids && request->public.setup_type == PCEP_PST_SR)
        request->public.max_sids = pcep_session_peer(link->machine)->sr_msd;
    read_svecs(pce, message, svecs, &request->public);
    if (pce->overload || link->n_requests >= pce->config.max_requests) {
        if (!pce->overload)
            pce_misbehaves(pce, link->pcc, PCE_TOO_MANY_REQUESTS,
                           "%u requests wait for their answers", link->n_requests);
        send_no_path(link, &request->public, PCE_NO_PATH_UNAVAILABLE);
        free(request);
        return;
    }
    read_resources(message, entry, request);
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
    struct grouped svecs[SVECS_MAX];
    read_sets(message, svecs);
    for (uint32_t i = 0; i < message->n_entries; i++)
        take_request(link, message, svecs, &message->entries[i]);
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

const struct pce_request *
pce_request_together(const struct pce *pce, uint64_t id, unsigned n)
{
    struct request *its;
    HASH_FIND(hh, pce->requests, &id, sizeof id, its);
    if (!its)
        return NULL;
    if (!its->public.together)
        return n ? NULL : &its->public;
    for (struct request *r = its->link->requests; r; r = r->of_link.next) {
        if (r->public.together == its->public.together && !n--)
            return &r->public;
    }
    return NULL;
}

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
