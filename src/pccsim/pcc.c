/* pcc.c - a simulated PCC: its sessions, one after the other, and what it does when. */
#include "pccsim/pcc.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "pccsim/pcc_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_TIMEOUT (60 * NSEC_PER_SEC)

/* ---- queues */

void
sim_queue_put(struct sim_queue *q, struct sim_task task)
{
    if (!q->tasks || q->n > q->mask) {
        uint32_t size = q->tasks ? 2 * (q->mask + 1) : 16;
        struct sim_task *tasks = xcalloc(size, sizeof *tasks);
        for (uint32_t i = 0; i < q->n; i++)
            tasks[i] = q->tasks[(q->first + i) & q->mask];
        free(q->tasks);
        q->tasks = tasks;
        q->first = 0;
        q->mask = size - 1;
    }
    q->tasks[(q->first + q->n++) & q->mask] = task;
}

nsec_t
sim_queue_due(const struct sim_queue *q)
{
    return q->n ? q->tasks[q->first].due : NSEC_NEVER;
}

bool
sim_queue_take(struct sim_queue *q, nsec_t now, struct sim_task *task)
{
    if (sim_queue_due(q) > now)
        return false;
    *task = q->tasks[q->first];
    q->first = (q->first + 1) & q->mask;
    q->n--;
    return true;
}

void
sim_queue_clear(struct sim_queue *q)
{
    free(q->tasks);
    *q = (struct sim_queue){0};
}

/* ---- life */

static struct pcc *
make(const struct pcc_config *config, nsec_t now)
{
    struct pcc *pcc = xcalloc(1, sizeof *pcc);
    pcc->config = *config;
    pcc->now = now;
    pcc->orphans_until = pcc->next_flap = NSEC_NEVER;
    pcc->setup_time = pcc->sync_time = pcc->request_time = NSEC_NEVER;
    pcc->random = hash_mix(config->number + 1);
    if (!pcc->config.state_timeout)
        pcc->config.state_timeout = STATE_TIMEOUT;
    if (config->n_requests)
        pcc->request_times = xcalloc(config->n_requests, sizeof *pcc->request_times);
    pcc->inherited_at = UINT32_MAX;
    return pcc;
}

struct pcc *
pcc_new(const struct pcc_config *config, nsec_t now)
{
    struct pcc *pcc = make(config, now);
    pcc->place = 1;
    pcc->table = xcalloc(1, sizeof *pcc->table);
    pcc_make_lsps(pcc);
    return pcc;
}

struct pcc *
pcc_new_backup(struct pcc *first, nsec_t now)
{
    struct pcc_config config = first->config;
    config.faults = (struct pcc_faults){0};
    config.changes_per_s = config.n_requests = 0;
    struct pcc *pcc = make(&config, now);
    pcc->place = 2;
    pcc->table = first->table;
    pcc->other = first;
    first->other = pcc;
    return pcc;
}

void
pcc_free(struct pcc *pcc)
{
    if (!pcc)
        return;
    pcep_session_free(pcc->session);
    sim_queue_clear(&pcc->answers);
    sim_queue_clear(&pcc->ups);
    if (pcc->other)
        pcc->other->other = NULL;
    if (pcc->place == 1)
        pcc_free_lsps(pcc);
    free(pcc->request_times);
    free(pcc);
}

void
pcc_connected(struct pcc *pcc, nsec_t now)
{
    const struct pcc_config *c = &pcc->config;
    struct pcep_session_config config = {
        .end = PCEP_PCC,
        .tls = c->tls,
        .keepalive = c->keepalive,
        .deadtimer = c->deadtimer,
        .sid = pcc->sid++,
        .capabilities = {.stateful = true,
                         .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION |
                                           PCEP_TRIGGERED_RESYNC,
                         .path_setup_types = 1 << PCEP_PST_RSVP_TE | 1 << PCEP_PST_SR,
                         .sr = true,
                         .sr_msd = PCC_MAX_HOPS}};
    if (c->triggered)
        config.capabilities.stateful_flags |= PCEP_TRIGGERED_INITIAL_SYNC;
    if (c->sr_policy)
        config.capabilities.association_types = 1 << PCEP_ASSOC_SR_POLICY;
    if (c->db_version || c->delta)
        config.capabilities.stateful_flags |= PCEP_INCLUDE_DB_VERSION;
    if (c->delta)
        config.capabilities.stateful_flags |= PCEP_DELTA_LSP_SYNC;
    if (config.capabilities.stateful_flags & PCEP_INCLUDE_DB_VERSION)
        config.capabilities.db_version = pcc->table->version;
    pcep_session_free(pcc->session);
    pcc->session = pcep_session_new(&config, now);
    pcc->now = pcc->connected_at = now;
    pcc->up = pcc->over = pcc->synced = pcc->wants_tls = pcc->stuck = pcc->waits = false;
}

/* The session is over: what a PCE created has nobody now (RFC 8281 section 6). */
static void
end(struct pcc *pcc, const char *why)
{
    if (pcc->over)
        return;
    pcc->over = true;
    snprintf(pcc->why, sizeof pcc->why, "%.*s", (int)sizeof pcc->why - 1, why);
    sim_queue_clear(&pcc->answers);
    sim_queue_clear(&pcc->ups);
    pcc->requests_open = 0;
    bool was_up = pcc->up;
    pcc->up = pcc->synced = false;
    if (was_up)
        pcc_orphan_lsps(pcc);
    pcc->next_flap = NSEC_NEVER;
}

void
pcc_disconnected(struct pcc *pcc, const char *why, nsec_t now)
{
    pcc->now = now;
    end(pcc, why);
    pcep_session_free(pcc->session);
    pcc->session = NULL;
}

/* ---- a session */

/* RFC 8232 section 3.2: a PCE that knows the LSPs as they are need not be told. */
static void
begin_sync(struct pcc *pcc)
{
    const struct pcep_capabilities *own = pcep_session_own(pcc->session);
    const struct pcep_capabilities *peer = pcep_session_peer(pcc->session);
    uint32_t both = own->stateful_flags & peer->stateful_flags;
    bool known = both & PCEP_INCLUDE_DB_VERSION && own->db_version && peer->db_version;
    pcc->sync_at = 0;
    pcc->inherited_at = UINT32_MAX;
    pcc->sync_from = known && both & PCEP_DELTA_LSP_SYNC ? peer->db_version : 0;
    pcc->waits = both & PCEP_TRIGGERED_INITIAL_SYNC;
    if (!known || own->db_version != peer->db_version)
        return;
    pcc->synced = true;
    pcc->sync_time = 0;
    pcc->stats.sync_avoided++;
    pcc->stats.synced++;
}

static nsec_t
after(const struct pcc *pcc, nsec_t interval)
{
    return interval ? pcc->now + interval : NSEC_NEVER;
}

static void
on_up(struct pcc *pcc)
{
    pcc->up = true;
    pcc->up_at = pcc->now;
    pcc->setup_time = pcc->now - pcc->connected_at;
    pcc->stats.sessions++;
    pcc->next_change = pcc->next_lie = pcc->now;
    pcc->next_flap = after(pcc, pcc->config.faults.flap_every);
    pcc->next_garbage = after(pcc, pcc->config.faults.garbage_every);
    pcc_claim_lsps(pcc);
    begin_sync(pcc);
}

static void
note_errors(struct pcc *pcc, const struct pcep_message *message)
{
    for (uint32_t i = 0; i < message->n_groups; i++) {
        const struct pcep_error_group *group = &message->groups[i];
        pcc->stats.errors += group->n_errors;
        if (group->n_errors)
            pcc->stats.last_error = group->errors[0].error;
    }
}

static void
on_message(struct pcc *pcc, const struct pcep_message *message)
{
    switch (message->type) {
    case PCEP_PCUPD:
    case PCEP_PCINITIATE:
        pcc_order(pcc, message);
        break;
    case PCEP_PCREP:
        pcc_answered(pcc, message);
        break;
    case PCEP_PCERR:
        note_errors(pcc, message);
        break;
    default:
        break;
    }
}

static void
take_events(struct pcc *pcc)
{
    struct pcep_event event;
    while (!pcc->over && pcep_session_next(pcc->session, &event)) {
        switch (event.kind) {
        case PCEP_EVENT_START_TLS:
            pcc->wants_tls = true;
            break;
        case PCEP_EVENT_UP:
            on_up(pcc);
            break;
        case PCEP_EVENT_MESSAGE:
            on_message(pcc, event.message);
            break;
        case PCEP_EVENT_REFUSED:
            break;
        case PCEP_EVENT_DOWN:
            if (event.fault.error.type) {
                pcc->stats.errors++;
                pcc->stats.last_error = event.fault.error;
            }
            end(pcc, event.diag.text);
            break;
        }
    }
}

/* After anything: as far as time and the output allow. */
static void
go_on(struct pcc *pcc)
{
    if (pcc->now >= pcc->orphans_until)
        pcc_remove_orphans(pcc);
    if (!pcc->session)
        return;
    take_events(pcc);
    if (pcc->over || !pcc->up || pcc->stuck)
        return;
    pcc_sync(pcc);
    pcc_inherit(pcc);
    pcc_run_queues(pcc);
    if (pcc->synced) {
        pcc_ask(pcc);
        pcc_misbehave(pcc);
    }
    take_events(pcc);
}

void
pcc_input(struct pcc *pcc, const uint8_t *data, size_t size, nsec_t now)
{
    pcc->now = now;
    if (pcc->over || !pcc->session || pcc->stuck)
        return;
    pcep_session_input(pcc->session, data, size, now);
    go_on(pcc);
}

void
pcc_drained(struct pcc *pcc, nsec_t now)
{
    pcc->now = now;
    go_on(pcc);
}

void
pcc_tick(struct pcc *pcc, nsec_t now)
{
    pcc->now = now;
    if (pcc->session && !pcc->over && !pcc->stuck)
        pcep_session_tick(pcc->session, now);
    go_on(pcc);
}

void
pcc_do(struct pcc *pcc, const struct pcc_action *action, nsec_t now)
{
    pcc->now = now;
    pcc_act(pcc, action);
    go_on(pcc);
}

nsec_t
pcc_deadline(const struct pcc *pcc)
{
    nsec_t due = pcc->orphans_until;
    if (!pcc->session || pcc->over || pcc->stuck)
        return due;
    due = MIN(due, pcep_session_deadline(pcc->session));
    due = MIN(due, sim_queue_due(&pcc->answers));
    due = MIN(due, sim_queue_due(&pcc->ups));
    return pcc->synced ? MIN(due, pcc_misbehave_due(pcc)) : due;
}

/* ---- small things */

struct buf *
pcc_output(struct pcc *pcc)
{
    return pcc->session ? pcep_session_output(pcc->session) : NULL;
}

bool
pcc_wants_tls(struct pcc *pcc, struct pcep_octets *rest)
{
    if (!pcc->wants_tls)
        return false;
    pcc->wants_tls = false;
    *rest = pcep_session_rest(pcc->session);
    return true;
}

void
pcc_tls_done(struct pcc *pcc, nsec_t now)
{
    pcc->now = now;
    pcep_session_tls_done(pcc->session, now);
    go_on(pcc);
}

bool
pcc_is_over(const struct pcc *pcc)
{
    return pcc->over;
}

const char *
pcc_why(const struct pcc *pcc)
{
    return pcc->why;
}

bool
pcc_is_up(const struct pcc *pcc)
{
    return pcc->up;
}

bool
pcc_is_synced(const struct pcc *pcc)
{
    return pcc->synced;
}

uint32_t
pcc_n_lsps(const struct pcc *pcc)
{
    return pcc->table->n_there;
}

const struct pcc_stats *
pcc_stats(const struct pcc *pcc)
{
    return &pcc->stats;
}

static nsec_t
take_time(nsec_t *time)
{
    nsec_t taken = *time;
    *time = NSEC_NEVER;
    return taken;
}

nsec_t
pcc_take_setup_time(struct pcc *pcc)
{
    return take_time(&pcc->setup_time);
}

nsec_t
pcc_take_sync_time(struct pcc *pcc)
{
    return take_time(&pcc->sync_time);
}

nsec_t
pcc_take_request_time(struct pcc *pcc)
{
    return take_time(&pcc->request_time);
}
