/* pce_order.c - what PCCs are asked to do.
 *
 *     WAITING --sent--> IN_FLIGHT --report with its SRP-ID--> ACCEPTED --up--> the result
 *        '-----------------'--------- PCErr, time, session -----'----------------^
 *
 * Those in flight or accepted are found by SRP-ID: numbers rise, so they are places in a ring of
 * twice as many as there can be. One that a PCC never answers keeps its place, and the next number
 * that falls on it is left out. An LSP knows the SRP-ID of the newest order about it (RFC 8231
 * section 7.2: later reports of a change do not carry it), and with that a report without one finds
 * the order that waits for the LSP to be up. */
#include "base/alloc.h"
#include "wan/pce_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SRP_MAX UINT32_C(0xfffffffe) /* RFC 8231 section 7.2 */

const char *
pce_outcome_name(enum pce_outcome outcome)
{
    static const char *const names[] = {"done", "refused", "timed-out", "lost", "cancelled"};
    return outcome < ARRAY_SIZE(names) ? names[outcome] : "unknown";
}

const char *
pce_order_kind_name(enum pce_order_kind kind)
{
    static const char *const names[] = {"initiate", "update", "remove", "return", "take-over"};
    return kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}

/* RFC 8231 section 7.3.3 */
static const char *
lsp_error_text(uint32_t code)
{
    static const char *const texts[] = {"no error",
                                        "it does not say why",
                                        "its limit of LSPs is reached",
                                        "too many updates are pending",
                                        "unacceptable parameters",
                                        "internal error",
                                        "the LSP was brought down administratively",
                                        "the LSP was preempted",
                                        "RSVP signalling error"};
    return code < ARRAY_SIZE(texts) ? texts[code] : "an error that is unknown here";
}

/* ---- numbers */

static uint32_t
take_place(struct pce *pce)
{
    if (pce->n_free_ops)
        return pce->free_ops[--pce->n_free_ops];
    if (pce->n_ops == pce->ops_capacity) {
        pce->ops_capacity = MAX(2 * pce->ops_capacity, 64);
        pce->ops = xrealloc(pce->ops, pce->ops_capacity, sizeof *pce->ops);
        pce->op_generations = xrealloc(pce->op_generations, pce->ops_capacity,
                                       sizeof *pce->op_generations);
    }
    pce->op_generations[pce->n_ops] = 0;
    return pce->n_ops++;
}

static void
number_op(struct pce *pce, struct op *op)
{
    uint32_t place = take_place(pce);
    pce->ops[place] = op;
    op->result.id = (uint64_t)++pce->op_generations[place] << 32 | (place + 1);
}

static void
forget_number(struct pce *pce, uint64_t id)
{
    pce->ops[(uint32_t)id - 1] = NULL;
    GROW(pce->free_ops, pce->n_free_ops, pce->free_ops_capacity);
    pce->free_ops[pce->n_free_ops++] = (uint32_t)id - 1;
}

static struct op *
find_op(const struct pce *pce, uint64_t id)
{
    uint32_t place = (uint32_t)id - 1;
    if (place >= pce->n_ops || pce->op_generations[place] != id >> 32)
        return NULL;
    return pce->ops[place];
}

/* ---- waiting */

static void
enqueue(struct pce_link *link, struct op *op)
{
    struct op_queue *queue = &link->waiting[op->order.urgency];
    op->prev = queue->last;
    if (queue->last)
        queue->last->next = op;
    else
        queue->first = op;
    queue->last = op;
    link->n_waiting++;
}

static void
dequeue(struct pce_link *link, struct op *op)
{
    struct op_queue *queue = &link->waiting[op->order.urgency];
    if (op->prev)
        op->prev->next = op->next;
    else
        queue->first = op->next;
    if (op->next)
        op->next->prev = op->prev;
    else
        queue->last = op->prev;
    op->prev = op->next = NULL;
    link->n_waiting--;
}

static struct op *
most_urgent(const struct pce_link *link)
{
    for (int i = 0; i < PCE_N_URGENCIES; i++)
        if (link->waiting[i].first)
            return link->waiting[i].first;
    return NULL;
}

/* ---- in flight */

void
pce_orders_init(struct pce_link *link)
{
    uint32_t n = 2;
    while (n < 2 * link->pce->config.max_in_flight)
        n *= 2;
    link->srp_mask = n - 1;
    link->next_srp = link->pcc->next_srp;
}

static struct op *
find_srp(const struct pce_link *link, uint32_t srp_id)
{
    if (!link->by_srp || !srp_id)
        return NULL;
    struct op *op = link->by_srp[srp_id & link->srp_mask];
    return op && op->srp_id == srp_id ? op : NULL;
}

static void
take_srp(struct pce_link *link, struct op *op)
{
    if (!link->by_srp)
        link->by_srp = xcalloc(link->srp_mask + 1, sizeof(struct op *));
    while (link->by_srp[link->next_srp & link->srp_mask])
        link->next_srp = link->next_srp == SRP_MAX ? 1 : link->next_srp + 1;
    op->srp_id = link->next_srp;
    link->next_srp = link->next_srp == SRP_MAX ? 1 : link->next_srp + 1;
    link->by_srp[op->srp_id & link->srp_mask] = op;
    link->n_by_srp++;
}

static void
release_srp(struct pce_link *link, struct op *op)
{
    struct pce *pce = link->pce;
    uint64_t id = op->result.lsp ? op->result.lsp : op->order.lsp;
    const struct lsp *lsp = lsp_db_get(pce->lsps, id);
    if (lsp && lsp->srp_id == op->srp_id)
        lsp_db_set_srp(pce->lsps, id, 0);
    link->by_srp[op->srp_id & link->srp_mask] = NULL;
    link->n_by_srp--;
}

/* ---- the end */

static void
op_end(struct op *op, enum pce_outcome outcome, const char *text)
{
    struct pce_link *link = op->link;
    struct pce *pce = link->pce;
    nsec_t sent = op->state == OP_WAITING ? pce->now : op->sent;
    if (op->state == OP_WAITING)
        dequeue(link, op);
    else if (op->srp_id)
        release_srp(link, op);
    if (op->state == OP_IN_FLIGHT)
        link->n_in_flight--;
    pce_timer_stop(&pce->timers, &op->timer);
    forget_number(pce, op->result.id);
    op->result.outcome = outcome;
    op->result.waited = sent - op->ordered;
    op->result.took = pce->now - sent;
    snprintf(op->result.text, sizeof op->result.text, "%s", text);
    free(op->copy);
    op->copy = NULL;
    op->link = NULL;
    link->pcc->outcomes[outcome]++;
    pce_tell(pce, (struct queued){.kind = PCE_RESULT, .pcc = link->pcc->number, .owned = op});
}

void
pce_op_expire(struct op *op)
{
    static const char *const texts[] = {
        [OP_WAITING] = "it could not be sent in time",
        [OP_IN_FLIGHT] = "the PCC does not answer",
        [OP_ACCEPTED] = "the PCC has accepted it, but the LSP is not as ordered in time",
    };
    struct pce_link *link = op->link;
    op_end(op, PCE_TIMED_OUT, texts[op->state]);
    pce_link_touch(link);
}

enum err
pce_cancel(struct pce *pce, uint64_t id)
{
    struct op *op = find_op(pce, id);
    if (!op || op->state != OP_WAITING)
        return ERR_NOT_FOUND;
    op_end(op, PCE_CANCELLED, "");
    return ERR_OK;
}

void
pce_orders_fini(struct pce_link *link)
{
    for (struct op *op; (op = most_urgent(link));)
        op_end(op, PCE_LOST, "the session ended before it was sent");
    for (uint32_t i = 0; link->by_srp && i <= link->srp_mask; i++)
        if (link->by_srp[i])
            op_end(link->by_srp[i], PCE_LOST, "the session ended before it was answered");
    free(link->by_srp);
    link->by_srp = NULL;
    if (link->is_session)
        link->pcc->next_srp = link->next_srp;
}

/* ---- ordering */

static enum err
check_path(const struct pce_order *order, const struct pcep_capabilities *peer, struct diag *diag)
{
    bool segments = order->setup_type == PCEP_PST_SR;
    for (size_t i = 0; i < order->n_path; i++) /* FRR's pathd does not survive it */
        if (order->path[i].kind == LSP_HOP_SEGMENT && order->path[i].label == TE_NO_LABEL)
            return diag_set(diag, ERR_INVALID, "hop %zu has neither label nor index", i + 1);
    if (!order->n_path || order->n_path > LSP_HOPS_MAX)
        return diag_set(diag, ERR_INVALID, "a path has 1 to %d hops, not %zu", LSP_HOPS_MAX,
                        order->n_path);
    if (segments && peer->sr_msd && order->n_path > peer->sr_msd)
        return diag_set(diag, ERR_INVALID, "the PCC can put %u labels on a packet, not %zu",
                        peer->sr_msd, order->n_path);
    return ERR_OK;
}

static enum err
check_initiation(const struct pce_order *order, const struct pcep_capabilities *peer,
                 struct diag *diag)
{
    if (!(peer->stateful_flags & PCEP_LSP_INSTANTIATION))
        return diag_set(diag, ERR_UNSUPPORTED, "the PCC lets no PCE create LSPs");
    if (!(peer->path_setup_types >> order->setup_type & 1))
        return diag_set(diag, ERR_UNSUPPORTED, "the PCC does not have path setup type %u",
                        order->setup_type);
    if (!order->name || !*order->name || strlen(order->name) > LSP_NAME_MAX)
        return diag_set(diag, ERR_INVALID, "an LSP has a name of 1 to %d characters", LSP_NAME_MAX);
    if (!order->source.family || order->source.family != order->destination.family)
        return diag_set(diag, ERR_INVALID, "an LSP has two end points of one family");
    return check_path(order, peer, diag);
}

static enum err
check_delegation(const struct pce_order *order, const struct lsp *lsp, struct diag *diag)
{
    if (order->kind == PCE_TAKE_OVER) {
        if (!lsp->created_by_pce)
            return diag_set(diag, ERR_DENIED, "%s was not created by a PCE", lsp_name(lsp));
        return lsp->delegated ? diag_set(diag, ERR_DENIED, "%s is delegated already", lsp_name(lsp))
                              : ERR_OK;
    }
    if (!lsp->delegated)
        return diag_set(diag, ERR_DENIED, "%s is not delegated to this PCE", lsp_name(lsp));
    if (order->kind == PCE_REMOVE && !lsp->created_by_pce)
        return diag_set(diag, ERR_DENIED, "%s was not created by a PCE", lsp_name(lsp));
    if (order->kind == PCE_REMOVE && !lsp->initiated && !order->is_certain)
        return diag_set(diag, ERR_DENIED, "%s: it is not certain that a PCE created it",
                        lsp_name(lsp));
    return ERR_OK;
}

/* Also sets what an update takes from its LSP. */
static enum err
check_existing(struct pce *pce, struct pce_order *order, const struct pcep_capabilities *peer,
               struct diag *diag)
{
    const struct lsp *lsp = lsp_db_get(pce->lsps, order->lsp);
    enum err err = check_delegation(order, lsp, diag);
    if (err)
        return err;
    bool update = order->kind == PCE_UPDATE || order->kind == PCE_RETURN;
    if (!(peer->stateful_flags & (update ? PCEP_LSP_UPDATE : PCEP_LSP_INSTANTIATION)))
        return diag_set(diag, ERR_UNSUPPORTED, "the PCC lets no PCE %s its LSPs",
                        update ? "update" : "create or remove");
    order->setup_type = lsp->setup_type == LSP_SETUP_UNKNOWN ? 0 : lsp->setup_type;
    return order->kind == PCE_UPDATE ? check_path(order, peer, diag) : ERR_OK;
}

/* The session that can take it. */
static enum err
find_session(struct pce *pce, const struct pce_order *order, struct pce_link **result,
             struct diag *diag)
{
    uint32_t number = order->pcc;
    if (order->kind != PCE_INITIATE) {
        const struct lsp *lsp = lsp_db_get(pce->lsps, order->lsp);
        if (!lsp)
            return diag_set(diag, ERR_NOT_FOUND, "there is no such LSP");
        number = lsp->pcc;
    }
    struct pce_pcc *pcc = number < pce->n_pccs ? pce->pccs[number] : NULL;
    if (!pcc)
        return diag_set(diag, ERR_NOT_FOUND, "there is no such PCC");
    if (!pcc->session || !pcc->session->up)
        return diag_set(diag, ERR_CLOSED, "%s has no session", pcc->address);
    if (!pcc->session->has_synced)
        return diag_set(diag, ERR_BUSY, "%s has not reported all its LSPs yet", pcc->address);
    if (pcc->session->n_waiting >= pce->config.max_waiting)
        return diag_set(diag, ERR_LIMIT, "%u orders wait for %s", pcc->session->n_waiting,
                        pcc->address);
    *result = pcc->session;
    return ERR_OK;
}

static const void *
copy_part(uint8_t **at, const void *from, size_t size)
{
    const void *to = *at;
    if (size)
        memcpy(*at, from, size);
    *at += (size + 7) & ~(size_t)7;
    return size ? to : NULL;
}

static size_t
rounded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

/* All that the order points to, as one block. */
static void
copy_order(struct op *op, const struct pce_order *order)
{
    size_t name = order->kind == PCE_INITIATE ? strlen(order->name) + 1 : 0;
    size_t path = order->n_path * sizeof *order->path;
    size_t metrics = order->n_metrics * sizeof *order->metrics;
    size_t associations = order->n_associations * sizeof *order->associations;
    uint8_t *at = xmalloc(rounded(name) + rounded(path) + rounded(metrics) + rounded(associations));
    op->copy = at;
    op->order = *order;
    op->order.name = copy_part(&at, order->name, name);
    op->order.path = copy_part(&at, order->path, path);
    op->order.metrics = copy_part(&at, order->metrics, metrics);
    op->order.associations = copy_part(&at, order->associations, associations);
}

static enum err
check(struct pce *pce, struct pce_order *order, struct pce_link **link, struct diag *diag)
{
    enum err err = find_session(pce, order, link, diag);
    if (err)
        return err;
    const struct pcep_capabilities *peer = pcep_session_peer((*link)->machine);
    if (pce->config.passive || !peer->stateful)
        return diag_set(diag, ERR_UNSUPPORTED, "this session is for computation alone");
    if (order->n_metrics > LSP_METRICS_MAX || order->n_associations > LSP_ASSOCIATIONS_MAX)
        return diag_set(diag, ERR_INVALID, "too many metrics or associations");
    return order->kind == PCE_INITIATE ? check_initiation(order, peer, diag)
                                       : check_existing(pce, order, peer, diag);
}

enum err
pce_order(struct pce *pce, const struct pce_order *asked, nsec_t now, uint64_t *id,
          struct diag *diag)
{
    struct pce_order order = *asked;
    struct pce_link *link = NULL;
    pce->now = now;
    enum err err = check(pce, &order, &link, diag);
    if (err)
        return err;
    struct op *op = xcalloc(1, sizeof *op);
    copy_order(op, &order);
    number_op(pce, op);
    op->link = link;
    op->ordered = now;
    op->result.arg = order.arg;
    op->result.kind = order.kind;
    op->result.lsp = order.kind == PCE_INITIATE ? LSP_NONE : order.lsp;
    op->timer.kind = TIMER_ORDER;
    pce_timer_set(&pce->timers, &op->timer,
                  now + (order.timeout ? order.timeout : pce->config.order_timeout));
    enqueue(link, op);
    link->pcc->orders++;
    *id = op->result.id;
    pce_link_touch(link);
    return ERR_OK;
}

/* ---- sending */

/* Of two orders for one LSP, the older one need not wait for it to be up any more. */
static void
supersede(struct pce_link *link, const struct lsp *lsp)
{
    struct op *older = lsp ? find_srp(link, lsp->srp_id) : NULL;
    if (older && older->state == OP_ACCEPTED)
        op_end(older, PCE_CANCELLED, "accepted, and then replaced by a newer order");
}

static void
send_op(struct pce_link *link, struct op *op)
{
    struct pce *pce = link->pce;
    struct diag diag;
    const struct lsp *lsp = NULL;
    if (op->order.kind != PCE_INITIATE) {
        lsp = lsp_db_get(pce->lsps, op->order.lsp);
        if (!lsp || check_delegation(&op->order, lsp, &diag)) {
            op_end(op, PCE_REFUSED, lsp ? diag.text : "the LSP has gone");
            return;
        }
    }
    supersede(link, lsp);
    take_srp(link, op);
    enum err err = pce_send_order(link, op, lsp);
    if (err) {
        release_srp(link, op);
        op->srp_id = 0;
        op_end(op, PCE_REFUSED, "it has no form in the protocol");
        return;
    }
    dequeue(link, op);
    op->state = OP_IN_FLIGHT;
    op->sent = pce->now;
    link->n_in_flight++;
    link->orders.tokens--;
    if (lsp)
        lsp_db_set_srp(pce->lsps, lsp->id, op->srp_id);
}

static bool
may_send(const struct pce_link *link)
{
    const struct pce_config *config = &link->pce->config;
    return link->up && link->has_synced && link->n_waiting &&
           link->n_in_flight < config->max_in_flight && link->n_by_srp <= link->srp_mask - 1 &&
           pcep_session_output(link->machine)->size < OUTPUT_ENOUGH;
}

/* The bucket holds a tenth of a second. */
static double
burst(const struct pce_link *link)
{
    return MAX(link->pce->config.orders_per_s / 10.0, 1);
}

void
pce_orders_pump(struct pce_link *link)
{
    if (!link->n_waiting)
        return;
    bucket_fill(&link->orders, link->pce->config.orders_per_s, burst(link), link->pce->now);
    while (may_send(link) && link->orders.tokens >= 1)
        send_op(link, most_urgent(link));
}

nsec_t
pce_orders_wake(const struct pce_link *link)
{
    return may_send(link) ? bucket_ready(&link->orders, link->pce->config.orders_per_s)
                          : NSEC_NEVER;
}

/* ---- answers */

static bool
is_up(const struct lsp *lsp)
{
    return lsp->operational == LSP_UP || lsp->operational == LSP_ACTIVE;
}

static bool
has_failed(const struct lsp *lsp)
{
    return lsp->error_code && !is_up(lsp) && lsp->operational != LSP_GOING_UP;
}

/* Some leave labels out that they cannot put on a packet, and say nothing. */
static bool
path_differs(const struct pce_order *order, const struct lsp *lsp)
{
    struct lsp_hops hops = lsp_ero(lsp);
    struct lsp_hop hop;
    for (size_t i = 0; i < order->n_path; i++)
        if (!lsp_hops_next(&hops, &hop) || hop.label != order->path[i].label)
            return true;
    return lsp_hops_next(&hops, &hop);
}

static void
judge(struct op *op, const struct lsp *lsp)
{
    bool wants = op->order.kind == PCE_UPDATE || op->order.kind == PCE_INITIATE;
    op->result.path_differs = wants && path_differs(&op->order, lsp);
    if (has_failed(lsp))
        op_end(op, PCE_REFUSED, lsp_error_text(lsp->error_code));
    else if (wants && !lsp->delegated)
        op_end(op, PCE_REFUSED, "the PCC has taken the delegation back");
    else if (wants && (op->order.until == PCE_UNTIL_ACCEPTED || is_up(lsp)))
        op_end(op, PCE_DONE, "");
    else if (op->order.kind == PCE_RETURN && !lsp->delegated)
        op_end(op, PCE_DONE, "");
    else if (op->order.kind == PCE_TAKE_OVER)
        op_end(op, lsp->delegated ? PCE_DONE : PCE_REFUSED,
               lsp->delegated ? "" : "the PCC does not delegate it");
}

/* What an answer is about must be what was asked about. */
static bool
is_about(const struct op *op, const struct lsp *lsp)
{
    if (op->order.kind == PCE_INITIATE && op->state == OP_IN_FLIGHT)
        return lsp->name_length == strlen(op->order.name) &&
               !memcmp(lsp_name(lsp), op->order.name, lsp->name_length);
    return op->result.lsp == lsp->id;
}

/* Some PCCs report the number of the last order with all that follows, to other PCEs and in later
 * sessions too: a number that is not outstanding says nothing. So that an old one is not taken for
 * the answer to a new order, numbers begin anywhere and go on from session to session. */
void
pce_order_reported(struct pce_link *link, uint32_t srp_id, const struct lsp *lsp)
{
    struct pce *pce = link->pce;
    struct op *op = find_srp(link, srp_id);
    if (op && !is_about(op, lsp)) {
        pce_misbehaves(pce, link->pcc, PCE_WRONG_SRP,
                       "%s is reported for SRP-ID %u, which is about another LSP", lsp_name(lsp),
                       srp_id);
        op = NULL;
    }
    if (!op) {
        srp_id = 0;
        op = find_srp(link, lsp->srp_id);
    }
    if (!op || !is_about(op, lsp))
        return;
    op->result.operational = lsp->operational;
    if (op->state == OP_IN_FLIGHT) {
        if (!srp_id)
            return; /* a change that has nothing to do with it */
        op->state = OP_ACCEPTED;
        op->result.is_accepted = true;
        op->result.lsp = lsp->id;
        if (op->order.kind == PCE_INITIATE)
            lsp_db_set_initiated(pce->lsps, lsp->id);
        link->n_in_flight--;
        lsp_db_set_srp(pce->lsps, lsp->id, op->srp_id);
    }
    judge(op, lsp);
}

void
pce_order_lsp_gone(struct pce_link *link, uint32_t srp_id, const struct lsp *lsp)
{
    struct op *op = find_srp(link, srp_id ? srp_id : lsp->srp_id);
    if (!op || op->result.lsp != lsp->id)
        return;
    op->result.is_accepted = srp_id || op->state == OP_ACCEPTED;
    op->result.operational = lsp->operational;
    if (op->order.kind == PCE_REMOVE)
        op_end(op, PCE_DONE, "");
    else
        op_end(op, PCE_REFUSED, "the PCC has removed the LSP");
}

static void
refuse_op(struct op *op, const struct pcep_error *error)
{
    char text[160];
    const char *value = pcep_error_value_name(error);
    op->result.error = *error;
    snprintf(text, sizeof text, "%s%s%s (PCErr %u/%u)", pcep_error_type_name(error->type),
             value ? ": " : "", value ? value : "", error->type, error->value);
    op_end(op, PCE_REFUSED, text);
}

void
pce_order_errors(struct pce_link *link, const struct pcep_message *message)
{
    for (uint32_t i = 0; i < message->n_groups; i++) {
        const struct pcep_error_group *group = &message->groups[i];
        link->pcc->errors += group->n_errors;
        if (group->n_errors)
            link->pcc->last_error = group->errors[0].error;
        for (uint32_t k = 0; k < group->n_srp_ids && group->n_errors; k++) {
            struct op *op = find_srp(link, group->srp_ids[k]);
            if (op)
                refuse_op(op, &group->errors[0].error);
        }
    }
}
