/* pcc_faults.c - what a simulated PCC does by itself once it is synchronised: changes that nobody
 * asked for, and all that a good router does not. */
#include "base/hash.h"
#include "pccsim/pcc_private.h"

#include <string.h>

#define LIE_EVERY NSEC_PER_SEC

uint64_t
pcc_random(struct pcc *pcc)
{
    pcc->random += UINT64_C(0x9e3779b97f4a7c15);
    return hash_mix(pcc->random);
}

/* An LSP that it has from the start goes down, and up the next time. */
static void
change_one(struct pcc *pcc)
{
    uint32_t at = pcc->change_at++ % pcc->config.n_lsps;
    struct sim_lsp *lsp = &pcc->table->list[at];
    lsp->operational = lsp->operational == PCEP_OPERATIONAL_UP ? PCEP_OPERATIONAL_DOWN
                                                               : PCEP_OPERATIONAL_UP;
    lsp->version = ++pcc->table->version;
    pcc_tell(pcc, &(struct sim_report){.lsp = at});
}

static void
change(struct pcc *pcc)
{
    const struct buf *out = pcep_session_output(pcc->session);
    if (!pcc->config.n_lsps)
        return;
    while (pcc->config.faults.flood && out->size < PCC_OUTPUT_ENOUGH)
        change_one(pcc);
    if (!pcc->config.changes_per_s)
        return;
    while (pcc->next_change <= pcc->now && out->size < PCC_OUTPUT_ENOUGH) {
        change_one(pcc);
        pcc->next_change += NSEC_PER_SEC / pcc->config.changes_per_s;
    }
}

static void
lie(struct pcc *pcc)
{
    const struct pcc_faults *faults = &pcc->config.faults;
    uint32_t unused = pcc->table->n + 1000;
    if (pcc->now < pcc->next_lie || !pcc->config.n_lsps)
        return;
    pcc->next_lie = pcc->now + LIE_EVERY;
    if (faults->lie_reuse)
        pcc_report(pcc, &(struct sim_report){.lsp = 0, .name = "somebody-else"});
    if (faults->lie_names)
        pcc_report(pcc, &(struct sim_report){.lsp = 0, .plsp_id = unused});
    if (faults->lie_foreign)
        pcc_report(pcc, &(struct sim_report){.lsp = 0,
                                             .plsp_id = unused + 1,
                                             .name = "stolen",
                                             .sender = &pcc->config.other});
    if (faults->lie_nameless)
        pcc_report(pcc, &(struct sim_report){.lsp = 0, .plsp_id = unused + 2, .name = ""});
}

bool *
pcc_lie(struct pcc_faults *f, const char *name)
{
    const struct {
        const char *name;
        bool *lie;
    } rows[] = {{"reuse", &f->lie_reuse},       {"names", &f->lie_names},
                {"foreign", &f->lie_foreign},   {"srp", &f->lie_srp},
                {"nameless", &f->lie_nameless}, {"labels", &f->lie_labels}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (!strcmp(name, rows[i].name))
            return rows[i].lie;
    return NULL;
}

static bool
lies(const struct pcc *pcc)
{
    const struct pcc_faults *f = &pcc->config.faults;
    return f->lie_reuse || f->lie_names || f->lie_foreign || f->lie_nameless;
}

/* Octets behind the last message that are none: no version has seven in its first three bits. */
static void
send_garbage(struct pcc *pcc)
{
    struct buf *out = pcep_session_output(pcc->session);
    buf_u8(out, 0xff);
    for (int i = 0; i < 8; i++) {
        uint64_t octets = pcc_random(pcc);
        buf_put(out, &octets, sizeof octets);
    }
}

/* The header promises more than ever comes, and nothing comes after it. */
static void
send_half(struct pcc *pcc)
{
    static const uint8_t half[] = {0x20, PCEP_PCRPT, 0x01, 0x00, 0x20, 0x10, 0x00, 0x2c};
    buf_put(pcep_session_output(pcc->session), half, sizeof half);
    pcc->stuck = true;
}

void
pcc_misbehave(struct pcc *pcc)
{
    const struct pcc_faults *faults = &pcc->config.faults;
    change(pcc);
    if (lies(pcc))
        lie(pcc);
    if (pcc->now >= pcc->next_garbage) {
        send_garbage(pcc);
        pcc->next_garbage = pcc->now + faults->garbage_every;
    }
    if (faults->half)
        send_half(pcc);
    if (pcc->now >= pcc->next_flap)
        pcep_session_close(pcc->session, ERR_CLOSED, "it flaps, as it is told to");
}

nsec_t
pcc_misbehave_due(const struct pcc *pcc)
{
    nsec_t due = MIN(pcc->next_flap, pcc->next_garbage);
    if (pcc->config.changes_per_s && pcc->config.n_lsps)
        due = MIN(due, pcc->next_change);
    return lies(pcc) ? MIN(due, pcc->next_lie) : due;
}

/* ---- by a script */

static void
flap_from_now(struct pcc *pcc, nsec_t every)
{
    pcc->config.faults.flap_every = every;
    if (pcc->up)
        pcc->next_flap = pcc->now + every;
}

static void
behave(struct pcc *pcc)
{
    pcc->config.faults = (struct pcc_faults){.refusal = pcc->config.faults.refusal};
    pcc->next_flap = pcc->next_garbage = NSEC_NEVER;
}

void
pcc_act(struct pcc *pcc, const struct pcc_action *action)
{
    switch (action->act) {
    case PCC_CLOSE:
        if (pcc->session && !pcc->over)
            pcep_session_close(pcc->session, ERR_CLOSED, "it is told to end it");
        break;
    case PCC_FLAP:
        flap_from_now(pcc, action->every);
        break;
    case PCC_LIE:
        *pcc_lie(&pcc->config.faults, action->name) = true;
        pcc->next_lie = pcc->now;
        break;
    case PCC_GARBAGE:
        if (pcc->up)
            send_garbage(pcc);
        break;
    case PCC_HALF:
        if (pcc->up)
            send_half(pcc);
        break;
    case PCC_SILENCE:
        pcc->stuck = pcc->session != NULL;
        break;
    case PCC_FLOOD:
        pcc->config.faults.flood = true;
        break;
    case PCC_BEHAVE:
        behave(pcc);
        break;
    default:
        pcc_change_lsps(pcc, action);
    }
}
