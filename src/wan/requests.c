/* requests.c - paths that routers ask for by themselves, as they may have done before there was a
 * controller: answered at once, within what tunnels leave, and reserved for nobody. */
#include "base/log.h"
#include "io/clock.h"
#include "wan/wan_private.h"

/* Objective functions and bounds of RFC 5440 section 7.8, 5541 and 8233. */
static void
read_metrics(const struct pce_request *r, struct planner_question *q)
{
    for (unsigned i = 0; i < r->n_metrics; i++) {
        const struct lsp_metric *m = &r->metrics[i];
        double value = m->value > 0 ? MIN((double)m->value, 1e15) : 0; /* it may be infinite */
        if (!m->is_bound) {
            q->metric = m->type == PCEP_METRIC_IGP          ? TUNNEL_IGP
                        : m->type == PCEP_METRIC_HOP_COUNT  ? TUNNEL_HOPS
                        : m->type == PCEP_METRIC_PATH_DELAY ? TUNNEL_DELAY
                                                            : TUNNEL_TE;
            continue;
        }
        if (m->type == PCEP_METRIC_IGP)
            q->max_igp = (uint64_t)value;
        else if (m->type == PCEP_METRIC_TE)
            q->max_te = (uint64_t)value;
        else if (m->type == PCEP_METRIC_HOP_COUNT)
            q->max_hops = (uint32_t)MIN(value, 255);
        else if (m->type == PCEP_METRIC_PATH_DELAY)
            q->max_delay_us = (uint32_t)MIN(value, UINT32_MAX - 1);
    }
}

/* What is asked for is told; what is not known here is left out. */
static size_t
write_metrics(const struct pce_request *r, const struct planner_answer *a, struct lsp_metric *out)
{
    const struct {
        uint8_t type;
        uint64_t value;
    } known[] = {{PCEP_METRIC_IGP, a->igp},
                 {PCEP_METRIC_TE, a->te},
                 {PCEP_METRIC_HOP_COUNT, a->hops},
                 {PCEP_METRIC_PATH_DELAY, a->delay_us}};
    size_t n = 0;
    for (unsigned i = 0; i < r->n_metrics; i++) {
        for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
            if (known[k].type == r->metrics[i].type)
                out[n++] = (struct lsp_metric){
                    .type = known[k].type, .is_computed = true, .value = (float)known[k].value};
        }
    }
    return n;
}

void
wan_answer_request(struct wan_service *s, const struct pce_request *r)
{
    struct planner_question q = {.source = r->source,
                                 .destination = r->destination,
                                 .bandwidth_bps = r->has_bandwidth ? r->bandwidth_bps : 0,
                                 .priority = r->has_priorities ? r->setup_priority : 7,
                                 .include_any = r->include_any,
                                 .include_all = r->include_all,
                                 .exclude_any = r->exclude_any,
                                 .metric = TUNNEL_TE,
                                 .max_labels = r->max_sids};
    struct planner_answer a = {.n = 0};
    struct lsp_hop hops[PLANNER_SEGMENTS_MAX];
    struct lsp_metric metrics[LSP_METRICS_MAX];
    struct diag why = {""};
    bool unknown_source;
    read_metrics(r, &q);
    enum err err = planner_answer(s->planner, &q, &a, &unknown_source, &why);
    wan_fill_path(a.segments, a.n, hops);
    struct pce_answer answer = {.path = hops,
                                .n_path = a.n,
                                .metrics = metrics,
                                .n_metrics = err ? 0 : write_metrics(r, &a, metrics),
                                .bandwidth_bps = q.bandwidth_bps};
    if (err == ERR_INVALID)
        answer.no_path = unknown_source ? PCE_NO_PATH_UNKNOWN_SOURCE
                                        : PCE_NO_PATH_UNKNOWN_DESTINATION;
    if (err)
        log_info("wan: a path that a router asked for: %s", why.text);
    err = pce_answer(wan_pce(s), r->id, &answer, clock_monotonic());
    if (err)
        log_info("wan: a request is not answered: %s", err_text(err));
}
