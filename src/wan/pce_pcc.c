/* pce_pcc.c - PCCs: who they are, how long they are kept, and how they behave.
 *
 * A PCC that has no session is kept as long as its LSPs (`stale_time`), or as long as it is
 * remembered for coming and going. What is remembered is one number, as routers do it with routes
 * (RFC 2439): it rises by one with every session that was short, halves in `flap_half_life`, and
 * above `flaps` the PCC is not let in until it has halved. */
#include "base/alloc.h"
#include "wan/pce_private.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_AGAIN (10 * NSEC_PER_SEC) /* the same misbehaviour of the same PCC */
#define FIRST_SRP_MAX 0x0fffffffu
#define FORGIVEN 0.1 /* a penalty that is as good as none */

/* ---- buckets */

void
bucket_fill(struct bucket *b, double rate, double burst, nsec_t now)
{
    if (b->tokens < burst)
        b->tokens = fmin(burst, b->tokens + rate * (double)(now - b->at) / NSEC_PER_SEC);
    b->at = now;
}

nsec_t
bucket_ready(const struct bucket *b, double rate)
{
    if (b->tokens >= 1)
        return b->at;
    return b->at + (nsec_t)ceil((1 - b->tokens) / rate * NSEC_PER_SEC);
}

/* ---- by address */

static void
read_address(const char *text, struct te_address *address)
{
    if (inet_pton(AF_INET, text, address->octets) == 1)
        address->family = 4;
    else if (inet_pton(AF_INET6, text, address->octets) == 1)
        address->family = 6;
}

static uint32_t
free_number(struct pce *pce)
{
    for (uint32_t i = 0; i < pce->n_pccs && HASH_COUNT(pce->pccs_by_address) < pce->n_pccs; i++)
        if (!pce->pccs[i])
            return i;
    GROW(pce->pccs, pce->n_pccs, pce->pccs_capacity);
    return pce->n_pccs++;
}

struct pce_pcc *
pce_pcc_of(struct pce *pce, const char *address)
{
    struct pce_pcc *pcc;
    HASH_FIND_STR(pce->pccs_by_address, address, pcc);
    if (pcc)
        return pcc;
    if (HASH_COUNT(pce->pccs_by_address) >= pce->config.max_pccs)
        return NULL;
    pcc = xcalloc(1, sizeof *pcc);
    snprintf(pcc->address, sizeof pcc->address, "%s", address);
    read_address(address, &pcc->te_address);
    pcc->since = pcc->penalty_at = pce->now;
    pcc->timer.kind = TIMER_PCC;
    pcc->next_srp = 1 + (uint32_t)hash_mix(hash_secret() + (uint64_t)pce->now) % FIRST_SRP_MAX;
    pcc->number = free_number(pce);
    pce->pccs[pcc->number] = pcc;
    HASH_ADD_STR(pce->pccs_by_address, address, pcc);
    return pcc;
}

static void
forget(struct pce *pce, struct pce_pcc *pcc)
{
    pce_timer_stop(&pce->timers, &pcc->timer);
    pce->pccs[pcc->number] = NULL;
    HASH_DEL(pce->pccs_by_address, pcc);
    free(pcc);
}

/* ---- penalties */

static double
penalty(const struct pce *pce, const struct pce_pcc *pcc)
{
    double halvings = (double)(pce->now - pcc->penalty_at) / (double)pce->config.flap_half_life;
    return pcc->penalty * exp2(-halvings);
}

bool
pce_pcc_is_damped(struct pce *pce, struct pce_pcc *pcc)
{
    double now = penalty(pce, pcc);
    if (now > pce->config.flaps)
        pcc->refused = true;
    else if (now <= pce->config.flaps / 2.0)
        pcc->refused = false;
    return pcc->refused;
}

void
pce_pcc_session_over(struct pce *pce, struct pce_pcc *pcc, nsec_t lived)
{
    if (lived >= pce->config.stable_after)
        return;
    pcc->penalty = penalty(pce, pcc) + 1;
    pcc->penalty_at = pce->now;
}

/* ---- keeping and forgetting */

void
pce_pcc_idle(struct pce *pce, struct pce_pcc *pcc)
{
    nsec_t due = pce->now + NSEC_PER_SEC;
    if (pcc->session || pcc->n_links)
        due = NSEC_NEVER;
    else if (lsp_db_count(pce->lsps, pcc->number))
        due = MAX(pcc->since + pce->config.stale_time, pce->now + NSEC_PER_MSEC);
    else if (penalty(pce, pcc) > FORGIVEN)
        due = pce->now + pce->config.flap_half_life;
    pce_timer_set(&pce->timers, &pcc->timer, due);
}

void
pce_pcc_drop_lsps(struct pce *pce, struct pce_pcc *pcc, enum pce_gone gone, bool stale_only)
{
    const struct lsp *next;
    for (const struct lsp *lsp = lsp_db_first(pce->lsps, pcc->number); lsp; lsp = next) {
        next = lsp_db_next(pce->lsps, lsp);
        if (stale_only && !lsp->stale)
            continue;
        if (pcc->session)
            pce_order_lsp_gone(pcc->session, 0, lsp);
        pce_tell(pce, (struct queued){.kind = PCE_LSP_GONE,
                                      .pcc = pcc->number,
                                      .what = gone,
                                      .owned = lsp_db_take(pce->lsps, lsp->id)});
    }
}

void
pce_pcc_expire(struct pce *pce, struct pce_pcc *pcc)
{
    if (pcc->session || pcc->n_links)
        return;
    if (lsp_db_count(pce->lsps, pcc->number)) {
        pce_pcc_drop_lsps(pce, pcc, PCE_GONE_EXPIRED, false);
        pcc->db_version = 0;
    }
    if (pcc->n_events || penalty(pce, pcc) > FORGIVEN)
        pce_pcc_idle(pce, pcc);
    else
        forget(pce, pcc);
}

/* ---- misbehaviour */

const char *
pce_misbehaviour_name(enum pce_misbehaviour what)
{
    static const char *const names[] = {
        [PCE_NOT_ADMITTED] = "not-admitted",     [PCE_FLAPS] = "flaps",
        [PCE_SECOND_SESSION] = "second-session", [PCE_FLOODS] = "floods",
        [PCE_TOO_MANY_LSPS] = "too-many-lsps",   [PCE_TOO_MANY_REQUESTS] = "too-many-requests",
        [PCE_PLSP_ID_REUSED] = "plsp-id-reused", [PCE_NAME_TAKEN] = "name-taken",
        [PCE_NAME_MISSING] = "name-missing",     [PCE_FOREIGN_END_POINT] = "foreign-end-point",
        [PCE_UNKNOWN_LSP] = "unknown-lsp",       [PCE_WRONG_SRP] = "wrong-srp",
        [PCE_NO_DB_VERSION] = "no-db-version",   [PCE_SYNC_STALLS] = "sync-stalls",
        [PCE_BAD_MESSAGE] = "bad-message",
    };
    return what < ARRAY_SIZE(names) ? names[what] : "unknown";
}

void
pce_misbehaves(struct pce *pce, struct pce_pcc *pcc, enum pce_misbehaviour what, const char *format,
               ...)
{
    struct misbehaviour_count *count = &pcc->misbehaviours[what];
    va_list args;
    count->n++;
    if (count->told && pce->now - count->told_at < TELL_AGAIN)
        return;
    va_start(args, format);
    pce_tell(pce, (struct queued){.kind = PCE_MISBEHAVES,
                                  .pcc = pcc->number,
                                  .id = count->n - count->told,
                                  .what = what,
                                  .owned = xvasprintf(format, args)});
    va_end(args);
    count->told = count->n;
    count->told_at = pce->now;
}

/* ---- what is */

const char *
pce_pcc_state_name(enum pce_pcc_state state)
{
    static const char *const names[] = {"down", "synchronising", "ready"};
    return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

static void
tell_session(const struct pce_link *link, struct pce_pcc_info *info)
{
    info->state = link->has_synced ? PCE_PCC_READY : PCE_PCC_SYNCING;
    info->secure = pcep_session_is_secure(link->machine);
    info->capabilities = *pcep_session_peer(link->machine);
    info->waiting = link->n_waiting;
    info->in_flight = link->n_in_flight;
}

bool
pce_pcc_info(const struct pce *pce, uint32_t number, struct pce_pcc_info *info)
{
    const struct pce_pcc *pcc = number < pce->n_pccs ? pce->pccs[number] : NULL;
    if (!pcc)
        return false;
    *info = (struct pce_pcc_info){.pcc = number,
                                  .address = pcc->address,
                                  .name = pcc->name,
                                  .since = pcc->since,
                                  .db_version = pcc->db_version,
                                  .sync = pcc->sync,
                                  .sync_took = pcc->sync_took,
                                  .lsps = lsp_db_count(pce->lsps, number),
                                  .octets = lsp_db_octets(pce->lsps, number),
                                  .sessions = pcc->sessions,
                                  .reports = pcc->reports,
                                  .orders = pcc->orders,
                                  .errors = pcc->errors,
                                  .last_error = pcc->last_error,
                                  .done = pcc->outcomes[PCE_DONE],
                                  .refused = pcc->outcomes[PCE_REFUSED],
                                  .timed_out = pcc->outcomes[PCE_TIMED_OUT]};
    for (int i = 0; i < PCE_N_MISBEHAVIOURS; i++)
        info->misbehaviours[i] = pcc->misbehaviours[i].n;
    if (pcc->session && pcc->session->up)
        tell_session(pcc->session, info);
    return true;
}

uint32_t
pce_n_pccs(const struct pce *pce)
{
    return pce->n_pccs;
}

uint32_t
pce_find_pcc(const struct pce *pce, const char *address)
{
    struct pce_pcc *pcc;
    HASH_FIND_STR(pce->pccs_by_address, address, pcc);
    return pcc ? pcc->number : PCE_NO_PCC;
}
