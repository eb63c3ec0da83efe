/* pce.c - the whole: connections and their sessions, deadlines, and what is told.
 *
 * Whatever is done with a link ends in pce_link_touch(): it takes the events of the session's
 * machine until there are none, sends what orders may go, sets the one timer of the link to the
 * earliest of its deadlines, and puts the link on the list of those that are ready if its owner has
 * something to do. So there is one place where all of a link comes together, and the order of
 * things is the same whether octets, time or an order began it. */
#include "wan/pce.h"

#include "base/alloc.h"
#include "wan/pce_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINKS_OF_PCC 2 /* its session, and one more to be told that there is one */

/* ---- the whole */

static void
set_default(nsec_t *value, nsec_t otherwise)
{
    if (!*value)
        *value = otherwise;
}

static void
set_default_number(uint32_t *value, uint32_t otherwise)
{
    if (!*value)
        *value = otherwise;
}

static void
set_defaults(struct pce_config *c)
{
    set_default(&c->sync_timeout, 60 * NSEC_PER_SEC);
    set_default(&c->stale_time, 600 * NSEC_PER_SEC);
    set_default(&c->order_timeout, 30 * NSEC_PER_SEC);
    set_default(&c->request_timeout, 20 * NSEC_PER_SEC);
    set_default(&c->stable_after, 60 * NSEC_PER_SEC);
    set_default(&c->flap_half_life, 60 * NSEC_PER_SEC);
    set_default_number(&c->limits.lsps, 100000);
    set_default_number(&c->reports_per_s, 20000);
    set_default_number(&c->reports_burst, 100000);
    set_default_number(&c->orders_per_s, 5000);
    set_default_number(&c->max_entries, 1);
    set_default_number(&c->max_in_flight, 2000);
    set_default_number(&c->max_waiting, 100000);
    set_default_number(&c->max_requests, 1000);
    set_default_number(&c->flaps, 6);
    set_default_number(&c->max_pccs, 10000);
}

struct pce *
pce_new(const struct pce_config *config, nsec_t now)
{
    struct pce *pce = xcalloc(1, sizeof *pce);
    pce->config = *config;
    set_defaults(&pce->config);
    pce->now = now;
    pce->lsps = lsp_db_new(&pce->config.limits);
    pce->next_together = 1;
    return pce;
}

static void
free_link(struct pce_link *link)
{
    struct pce *pce = link->pce;
    pce_timer_stop(&pce->timers, &link->timer);
    if (link->prev)
        link->prev->next = link->next;
    else
        pce->links = link->next;
    if (link->next)
        link->next->prev = link->prev;
    pcep_session_free(link->machine);
    free(link);
}

static void
free_pccs(struct pce *pce)
{
    struct pce_pcc *pcc, *next;
    HASH_ITER (hh, pce->pccs_by_address, pcc, next) {
        HASH_DEL(pce->pccs_by_address, pcc);
        free(pcc);
    }
    free(pce->pccs);
}

void
pce_free(struct pce *pce)
{
    if (!pce)
        return;
    while (pce->links) {
        pce_orders_fini(pce->links);
        pce_requests_fini(pce->links);
        free_link(pce->links);
    }
    free_pccs(pce);
    for (uint32_t i = 0; i < pce->n_events; i++)
        free(pce->events[(pce->first_event + i) & pce->events_mask].owned);
    free(pce->events);
    free(pce->last.owned);
    free(pce->ops);
    free(pce->op_generations);
    free(pce->free_ops);
    pce_timers_fini(&pce->timers);
    lsp_db_free(pce->lsps);
    free(pce);
}

const struct lsp_db *
pce_lsps(const struct pce *pce)
{
    return pce->lsps;
}

/* ---- events */

static void
grow_events(struct pce *pce)
{
    uint32_t n = pce->events ? pce->events_mask + 1 : 0, grown = MAX(2 * n, 64);
    struct queued *events = xcalloc(grown, sizeof *events);
    for (uint32_t i = 0; i < pce->n_events; i++)
        events[i] = pce->events[(pce->first_event + i) & pce->events_mask];
    free(pce->events);
    pce->events = events;
    pce->events_mask = grown - 1;
    pce->first_event = 0;
}

void
pce_tell(struct pce *pce, struct queued event)
{
    if (!pce->events || pce->n_events > pce->events_mask)
        grow_events(pce);
    if (event.pcc < pce->n_pccs && pce->pccs[event.pcc])
        pce->pccs[event.pcc]->n_events++;
    pce->events[(pce->first_event + pce->n_events++) & pce->events_mask] = event;
}

/* What of it is still so. False: it is over. */
static bool
resolve(struct pce *pce, struct pce_event *event)
{
    const struct queued *q = &pce->last;
    struct request *request;
    switch (q->kind) {
    case PCE_LSP_CHANGED:
        event->lsp = lsp_db_get(pce->lsps, q->id);
        event->changed = q->what;
        return event->lsp;
    case PCE_LSP_GONE:
        event->lsp = q->owned;
        event->gone = (enum pce_gone)q->what;
        return true;
    case PCE_SYNCED:
        event->sync = (enum pce_sync_kind)q->what;
        return true;
    case PCE_RESULT:
        event->result = &((struct op *)q->owned)->result;
        return true;
    case PCE_REQUEST:
        request = pce_request_find(pce, q->id);
        if (!request)
            return false;
        request->told = true;
        pce->last_request = request->public;
        event->request = &pce->last_request;
        return true;
    case PCE_REQUEST_GONE:
        event->request = q->owned;
        return true;
    case PCE_MISBEHAVES:
        event->misbehaviour = (enum pce_misbehaviour)q->what;
        event->text = q->owned;
        return true;
    case PCE_DOWN:
        event->text = q->owned;
        return true;
    case PCE_UP:
        return true;
    }
    return false;
}

bool
pce_next(struct pce *pce, struct pce_event *event)
{
    free(pce->last.owned);
    pce->last.owned = NULL;
    while (pce->n_events) {
        free(pce->last.owned);
        pce->last = pce->events[pce->first_event];
        pce->first_event = (pce->first_event + 1) & pce->events_mask;
        pce->n_events--;
        struct pce_pcc *pcc = pce->last.pcc < pce->n_pccs ? pce->pccs[pce->last.pcc] : NULL;
        *event = (struct pce_event){.kind = pce->last.kind,
                                    .pcc = pce->last.pcc,
                                    .address = pcc ? pcc->address : "",
                                    .n = pce->last.id,
                                    .err = pce->last.err};
        if (pcc)
            pcc->n_events--;
        if (resolve(pce, event))
            return true;
    }
    return false;
}

/* ---- sessions */

static void
on_up(struct pce_link *link)
{
    struct pce *pce = link->pce;
    struct pce_pcc *pcc = link->pcc;

    struct diag diag = {""};
    if (pce->config.admits &&
        !pce->config.admits(pce->config.arg, pcc->address, link->name, &diag)) {
        pce_misbehaves(pce, pcc, PCE_NOT_ADMITTED, "%s", diag.text);
        pce_link_refuse(link, &PCEP_ERROR_UNACCEPTABLE, diag.text);
        return;
    }
    link->up = true;
    link->came_up = pcc->since = pce->now;
    link->reports = (struct bucket){
        .tokens = (double)pce->config.reports_burst + pce->config.limits.lsps, .at = pce->now};
    link->orders = (struct bucket){.tokens = MAX(pce->config.orders_per_s / 10.0, 1),
                                   .at = pce->now};
    snprintf(pcc->name, sizeof pcc->name, "%s", link->name);
    pcc->sessions++;
    pcc->over_limit = pcc->incomplete = false;
    pce_tell(pce, (struct queued){.kind = PCE_UP, .pcc = pcc->number});
    lsp_db_mark_stale(pce->lsps, pcc->number);
    pce_sync_begin(link);
}

/* The session is over, whether it ever was up or not. */
static void
on_down(struct pce_link *link, enum err err, const char *why)
{
    struct pce *pce = link->pce;
    struct pce_pcc *pcc = link->pcc;
    bool was_up = link->up;
    link->over = true;
    link->up = false;
    pce_orders_fini(link);
    pce_requests_fini(link);
    if (!link->is_session)
        return;
    link->is_session = false;
    pcc->session = NULL;
    pcc->since = pce->now;
    if (!link->ended_by_us)
        pce_pcc_session_over(pce, pcc, was_up ? pce->now - link->came_up : 0);
    if (!was_up)
        return;
    lsp_db_mark_stale(pce->lsps, pcc->number);
    if (!link->has_synced || pcc->incomplete)
        pcc->db_version = 0; /* not all of it is here: the next synchronisation is a full one */
    pce_tell(pce, (struct queued){
                      .kind = PCE_DOWN, .pcc = pcc->number, .err = err, .owned = xstrdup(why)});
}

static void
note_faults(struct pce_link *link, const struct pcep_message *message)
{
    if (message->n_faults)
        pce_misbehaves(link->pce, link->pcc, PCE_BAD_MESSAGE, "%s: %s: PCErr %u/%u",
                       pcep_type_name(message->type), message->faults[0].object,
                       message->faults[0].error.type, message->faults[0].error.value);
}

static void
on_message(struct pce_link *link, const struct pcep_message *message)
{
    note_faults(link, message);
    switch (message->type) {
    case PCEP_PCRPT:
        pce_report(link, message);
        break;
    case PCEP_PCREQ:
        pce_requests(link, message);
        break;
    case PCEP_PCERR:
        pce_order_errors(link, message);
        break;
    case PCEP_PCNTF:
        pce_notified(link, message);
        break;
    default:
        break;
    }
}

/* Octets that are no PCEP, or of no version that is known, end a session. */
static void
note_garbage(struct pce_link *link, const struct pcep_event *event)
{
    bool garbled = event->err == ERR_MALFORMED || event->err == ERR_TRUNCATED ||
                   (event->err == ERR_UNSUPPORTED && link->up);
    if (garbled)
        pce_misbehaves(link->pce, link->pcc, PCE_BAD_MESSAGE, "%s", event->diag.text);
}

static void
take_events(struct pce_link *link)
{
    struct pcep_event event;
    while (!link->over && pcep_session_next(link->machine, &event)) {
        switch (event.kind) {
        case PCEP_EVENT_START_TLS:
            link->wants_tls = true;
            break;
        case PCEP_EVENT_UP:
            on_up(link);
            break;
        case PCEP_EVENT_MESSAGE:
            if (link->up)
                on_message(link, event.message);
            break;
        case PCEP_EVENT_REFUSED:
            pce_misbehaves(link->pce, link->pcc, PCE_BAD_MESSAGE, "%s", event.diag.text);
            break;
        case PCEP_EVENT_DOWN:
            note_garbage(link, &event);
            on_down(link, event.err, event.diag.text);
            break;
        }
    }
}

/* ---- links */

void
pce_link_refuse(struct pce_link *link, const struct pcep_error *error, const char *why)
{
    pcep_session_refuse(link->machine, error, why);
}

void
pce_link_set_ready(struct pce_link *link)
{
    struct pce *pce = link->pce;
    if (link->ready)
        return;
    link->ready = true;
    link->next_ready = NULL;
    if (pce->ready_last)
        pce->ready_last->next_ready = link;
    else
        pce->ready_first = link;
    pce->ready_last = link;
}

struct pce_link *
pce_next_ready(struct pce *pce)
{
    struct pce_link *link = pce->ready_first;
    if (!link)
        return NULL;
    pce->ready_first = link->next_ready;
    if (!pce->ready_first)
        pce->ready_last = NULL;
    link->ready = false;
    return link;
}

static void
drop_ready(struct pce_link *link)
{
    struct pce *pce = link->pce;
    struct pce_link **at = &pce->ready_first, *before = NULL;
    if (!link->ready)
        return;
    for (; *at != link; at = &(*at)->next_ready)
        before = *at;
    *at = link->next_ready;
    if (pce->ready_last == link)
        pce->ready_last = before;
}

/* A flood is stopped where it begins: the PCC is not read until its bucket has filled again. */
static void
look_at_flood(struct pce_link *link)
{
    struct pce *pce = link->pce;
    if (!link->up)
        return;
    bucket_fill(&link->reports, pce->config.reports_per_s, pce->config.reports_burst, pce->now);
    bool floods = link->reports.tokens < 1;
    if (floods && !link->paused)
        pce_misbehaves(pce, link->pcc, PCE_FLOODS, "more than %u reports a second",
                       pce->config.reports_per_s);
    if (floods != link->paused)
        pce_link_set_ready(link);
    link->paused = floods;
}

static void
set_timer(struct pce_link *link)
{
    nsec_t due = NSEC_NEVER;
    if (!link->over) {
        due = MIN(pcep_session_deadline(link->machine), pce_sync_deadline(link));
        due = MIN(due, pce_orders_wake(link));
        if (link->paused)
            due = MIN(due, bucket_ready(&link->reports, link->pce->config.reports_per_s));
    }
    pce_timer_set(&link->pce->timers, &link->timer, due);
}

void
pce_link_touch(struct pce_link *link)
{
    take_events(link);
    if (!link->over) {
        look_at_flood(link);
        pce_orders_pump(link);
    }
    set_timer(link);
    if (link->over || link->wants_tls || pcep_session_output(link->machine)->size)
        pce_link_set_ready(link);
}

static struct pcep_session *
new_machine(const struct pce *pce, const struct pce_pcc *pcc)
{
    const struct pce_config *config = &pce->config;
    struct pcep_session_config session = {
        .end = PCEP_PCE,
        .tls = config->tls,
        .keepalive = config->keepalive,
        .deadtimer = config->deadtimer,
        .sid = (uint8_t)pcc->sessions,
        .orders_a_message = config->max_entries,
        .output_limit = OUTPUT_LIMIT,
        .capabilities = {.stateful = true,
                         .stateful_flags = PCEP_INCLUDE_DB_VERSION | PCEP_DELTA_LSP_SYNC |
                                           PCEP_TRIGGERED_RESYNC | PCEP_TRIGGERED_INITIAL_SYNC,
                         .db_version = pcc->db_version,
                         .path_setup_types = 1 << PCEP_PST_RSVP_TE | 1 << PCEP_PST_SR,
                         .sr = true,
                         .association_types = 1 << PCEP_ASSOC_PATH_PROTECTION |
                                              1 << PCEP_ASSOC_DISJOINT |
                                              1 << PCEP_ASSOC_DOUBLE_SIDED_BIDIRECTIONAL |
                                              1 << PCEP_ASSOC_SR_POLICY}};
    if (!config->passive)
        session.capabilities.stateful_flags |= PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION;
    return pcep_session_new(&session, pce->now);
}

/* Whether it may come at all; before a single octet is taken from it. */
static enum err
let_in(struct pce *pce, const char *address, struct pce_pcc **result, struct diag *diag)
{
    struct pce_pcc *pcc = pce_pcc_of(pce, address);
    if (!pcc)
        return diag_set(diag, ERR_DENIED, "%u PCCs are known, no more", pce->config.max_pccs);
    *result = pcc;
    if (pce_pcc_is_damped(pce, pcc)) {
        diag_set(diag, ERR_DENIED, "%s comes and goes, and must wait", address);
        pce_misbehaves(pce, pcc, PCE_FLAPS, "%s", diag->text);
        return ERR_DENIED;
    }
    if (pcc->n_links >= MAX_LINKS_OF_PCC) {
        diag_set(diag, ERR_DENIED, "%s has %u connections", address, pcc->n_links);
        pce_misbehaves(pce, pcc, PCE_SECOND_SESSION, "%s", diag->text);
        return ERR_DENIED;
    }
    if (pce->config.admits && !pce->config.admits(pce->config.arg, address, NULL, diag)) {
        pce_misbehaves(pce, pcc, PCE_NOT_ADMITTED, "%s", diag->text);
        return ERR_DENIED;
    }
    return ERR_OK;
}

static struct pce_link *
new_link(struct pce *pce, struct pce_pcc *pcc, void *arg)
{
    struct pce_link *link = xcalloc(1, sizeof *link);
    link->pce = pce;
    link->pcc = pcc;
    link->arg = arg;
    link->attached = pce->now;
    link->timer.kind = TIMER_LINK;
    link->machine = new_machine(pce, pcc);
    link->next = pce->links;
    if (link->next)
        link->next->prev = link;
    pce->links = link;
    pcc->n_links++;
    pce_orders_init(link);
    return link;
}

enum err
pce_attach(struct pce *pce, const char *address, void *arg, nsec_t now, struct pce_link **result,
           struct diag *diag)
{
    struct pce_pcc *pcc = NULL;
    struct diag own;
    pce->now = now;
    enum err err = let_in(pce, address, &pcc, diag ? diag : &own);
    if (err) {
        if (pcc)
            pce_pcc_idle(pce, pcc);
        return err;
    }
    struct pce_link *link = new_link(pce, pcc, arg);
    pce_timer_stop(&pce->timers, &pcc->timer);
    if (pcc->session) { /* RFC 5440 section 4.2.1: the one that is there stays */
        const struct pcep_error second = {PCEP_ERROR_SECOND_SESSION, 0};
        pce_misbehaves(pce, pcc, PCE_SECOND_SESSION, "%s connects, and has a session", address);
        pce_link_refuse(link, &second, "there is a session already");
    } else {
        link->is_session = true;
        pcc->session = link;
    }
    pce_link_touch(link);
    *result = link;
    return ERR_OK;
}

void
pce_link_input(struct pce_link *link, const uint8_t *data, size_t size, nsec_t now)
{
    link->pce->now = now;
    if (!link->over)
        pcep_session_input(link->machine, data, size, now);
    pce_link_touch(link);
}

void
pce_link_close(struct pce_link *link, enum err err, const char *why, nsec_t now)
{
    link->pce->now = now;
    if (!link->over)
        pcep_session_close(link->machine, err, why);
    pce_link_touch(link);
}

void
pce_link_detach(struct pce_link *link, nsec_t now)
{
    struct pce *pce = link->pce;
    struct pce_pcc *pcc = link->pcc;
    pce_link_close(link, ERR_CLOSED, "the connection is gone", now);
    drop_ready(link);
    free_link(link);
    pcc->n_links--;
    pce_pcc_idle(pce, pcc);
}

void *
pce_link_arg(const struct pce_link *link)
{
    return link->arg;
}

struct buf *
pce_link_output(struct pce_link *link)
{
    return pcep_session_output(link->machine);
}

bool
pce_link_wants_tls(struct pce_link *link, struct pcep_octets *rest)
{
    if (!link->wants_tls)
        return false;
    link->wants_tls = false;
    *rest = pcep_session_rest(link->machine);
    return true;
}

void
pce_link_tls_done(struct pce_link *link, const char *peer_name, nsec_t now)
{
    link->pce->now = now;
    snprintf(link->name, sizeof link->name, "%s", peer_name);
    pcep_session_tls_done(link->machine, now);
    pce_link_touch(link);
}

bool
pce_link_is_over(const struct pce_link *link)
{
    return link->over;
}

bool
pce_link_is_paused(const struct pce_link *link)
{
    return link->paused;
}

void
pce_link_drained(struct pce_link *link, nsec_t now)
{
    link->pce->now = now;
    if (link->n_waiting)
        pce_link_touch(link);
}

void
pce_disconnect(struct pce *pce, uint32_t number, const char *why, nsec_t now)
{
    struct pce_pcc *pcc = number < pce->n_pccs ? pce->pccs[number] : NULL;
    pce->now = now;
    if (!pcc || !pcc->session)
        return;
    pcc->session->ended_by_us = true;
    pcep_session_end(pcc->session->machine, PCEP_CLOSE_NO_EXPLANATION, why);
    pce_link_touch(pcc->session);
}

/* ---- time */

static void
tick_link(struct pce_link *link)
{
    struct pce *pce = link->pce;
    pcep_session_tick(link->machine, pce->now);
    if (pce->now >= pce_sync_deadline(link)) {
        pce_misbehaves(pce, link->pcc, PCE_SYNC_STALLS, "no report and no end for %.3g s",
                       (double)pce->config.sync_timeout / NSEC_PER_SEC);
        pcep_session_end(link->machine, PCEP_CLOSE_NO_EXPLANATION,
                         "the state synchronisation stalls");
    }
    pce_link_touch(link);
}

void
pce_tick(struct pce *pce, nsec_t now)
{
    struct pce_timer *timer;
    pce->now = now;
    while ((timer = pce_timers_pop(&pce->timers, now))) {
        switch ((enum timer_kind)timer->kind) {
        case TIMER_LINK:
            tick_link(CONTAINER_OF(timer, struct pce_link, timer));
            break;
        case TIMER_PCC:
            pce_pcc_expire(pce, CONTAINER_OF(timer, struct pce_pcc, timer));
            break;
        case TIMER_ORDER:
            pce_op_expire(CONTAINER_OF(timer, struct op, timer));
            break;
        case TIMER_REQUEST:
            pce_request_expire(CONTAINER_OF(timer, struct request, timer));
            break;
        }
    }
}

nsec_t
pce_deadline(const struct pce *pce)
{
    return pce_timers_next(&pce->timers);
}
