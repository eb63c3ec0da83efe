/* requests.c - paths that routers ask for by themselves, as they may have done before there was a
 * controller: answered at once, within what tunnels leave, and reserved for nobody. */
#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "wan/wan_private.h"

#include <stdlib.h>

/* ---- What is asked ---- */

/* Objective functions and bounds of RFC 5440 section 7.8, 5541 and 8233. */
void
wan_read_metrics(const struct lsp_metric *metrics, unsigned n, struct planner_question *q)
{
    for (unsigned i = 0; i < n; i++) {
        const struct lsp_metric *m = &metrics[i];
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

static uint8_t
exclusion_kind(const struct pce_resource *r)
{
    bool is_place = r->hop.kind == LSP_HOP_ADDRESS || r->hop.kind == LSP_HOP_UNNUMBERED;
    if (r->hop.kind == LSP_HOP_SRLG)
        return PLANNER_SRLG;
    return !is_place                               ? PLANNER_STRANGE
           : r->attribute == PCE_EXCLUDE_INTERFACE ? PLANNER_INTERFACE
           : r->attribute == PCE_EXCLUDE_NODE      ? PLANNER_NODE
           : r->attribute == PCE_EXCLUDE_SRLG      ? PLANNER_SRLGS
                                                   : PLANNER_STRANGE;
}

static struct planner_resource
resource_of(const struct pce_resource *r, bool excluded)
{
    bool unnumbered = r->hop.kind == LSP_HOP_UNNUMBERED;
    struct planner_resource to = {.kind = exclusion_kind(r),
                                  .prefix = unnumbered ? 128 : r->hop.prefix,
                                  .loose = r->hop.loose,
                                  .unnumbered = unnumbered,
                                  .address = r->hop.local,
                                  .number = r->hop.local_id};
    if (!excluded) /* the attribute is an XRO's */
        to.kind = unnumbered || r->hop.kind == LSP_HOP_ADDRESS ? PLANNER_INTERFACE
                                                               : PLANNER_STRANGE;
    return to;
}

/* `pass` and `avoid` are the caller's to free. */
static struct planner_question
question_of(const struct pce_request *r)
{
    struct planner_resource *pass = xcalloc(r->n_include + 1, sizeof *pass),
                            *avoid = xcalloc(r->n_exclude + 1, sizeof *avoid);
    struct planner_question q = {.source = r->source,
                                 .destination = r->destination,
                                 .bandwidth_bps = r->has_bandwidth ? r->bandwidth_bps : 0,
                                 .priority = r->has_priorities ? r->setup_priority : 7,
                                 .include_any = r->include_any,
                                 .include_all = r->include_all,
                                 .exclude_any = r->exclude_any,
                                 .metric = TUNNEL_TE,
                                 .max_labels = r->max_sids,
                                 .no_labels = r->setup_type == PCEP_PST_RSVP_TE,
                                 .pass = pass,
                                 .avoid = avoid,
                                 .n_pass = r->n_include,
                                 .n_avoid = r->n_exclude,
                                 .pass_if_possible = r->include_is_optional};
    for (unsigned i = 0; i < r->n_include; i++)
        pass[i] = resource_of(&r->include[i], false);
    for (unsigned i = 0; i < r->n_exclude; i++)
        avoid[i] = resource_of(&r->exclude[i], true);
    wan_read_metrics(r->metrics, r->n_metrics, &q);
    return q;
}

void
wan_question_fini(struct planner_question *q)
{
    free((void *)q->pass);
    free((void *)q->avoid);
}

/* ---- What is answered ---- */

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

/* Its links, strictly one after the other: the addresses of their far ends, or of one that has none
 * the interface that it leaves by (RFC 3209 section 4.3.3, RFC 3477 section 4). */
static size_t
write_steps(const struct planner_answer *a, struct lsp_hop *hops)
{
    size_t n = MIN(a->n_steps, (uint32_t)LSP_HOPS_MAX);
    for (size_t i = 0; i < n; i++) {
        const struct planner_step *step = &a->steps[i];
        bool unnumbered = step->interface != 0;
        hops[i] = (struct lsp_hop){.kind = unnumbered ? LSP_HOP_UNNUMBERED : LSP_HOP_ADDRESS,
                                   .prefix = step->address.family == 4 ? 32 : 128,
                                   .label = TE_NO_LABEL,
                                   .local = step->address,
                                   .local_id = step->interface};
    }
    return n;
}

size_t
wan_write_path(const struct planner_answer *a, struct lsp_hop hops[LSP_HOPS_MAX])
{
    if (!a->n)
        return write_steps(a, hops);
    wan_fill_path(a->segments, a->n, hops);
    return a->n;
}

static void
answer(struct wan_service *s, const struct pce_request *r, const struct planner_answer *a,
       unsigned no_path, const struct lsp_association *group)
{
    struct lsp_hop hops[LSP_HOPS_MAX];
    struct lsp_metric metrics[LSP_METRICS_MAX];
    const struct pce_answer answer = {.path = hops,
                                      .n_path = a ? wan_write_path(a, hops) : 0,
                                      .metrics = metrics,
                                      .n_metrics = a ? write_metrics(r, a, metrics) : 0,
                                      .bandwidth_bps = r->has_bandwidth ? r->bandwidth_bps : 0,
                                      .associations = group,
                                      .n_associations = group ? 1 : 0,
                                      .no_path = no_path};
    enum err err = pce_answer(wan_pce(s), r->id, &answer, clock_monotonic());
    if (err)
        log_info("wan: a request is not answered: %s", err_text(err));
}

/* Those that are to be apart from each other; alone those that only came together. */
static size_t
find_set(struct wan_service *s, const struct pce_request *r,
         struct pce_request set[PLANNER_TOGETHER_MAX])
{
    _Static_assert((int)PLANNER_TOGETHER_MAX == (int)PCE_TOGETHER_MAX, "the PCE refuses more");
    const struct pce_request *one;
    size_t n = 0;
    set[0] = *r;
    if (!r->diversity)
        return 1;
    while (n < PLANNER_TOGETHER_MAX && (one = pce_request_together(wan_pce(s), r->id, (unsigned)n)))
        set[n++] = *one;
    return n;
}

void
wan_answer_request(struct wan_service *s, const struct pce_request *r)
{
    struct pce_request set[PLANNER_TOGETHER_MAX];
    struct planner_question questions[PLANNER_TOGETHER_MAX];
    struct planner_answer answers[PLANNER_TOGETHER_MAX];
    struct planner_together together = {.disjoint = r->diversity,
                                        .best_effort = r->diversity_is_optional};
    struct diag why = {""};
    bool unknown_source;
    size_t n = find_set(s, r, set);
    for (size_t i = 0; i < n; i++)
        questions[i] = question_of(&set[i]);
    const struct lsp_association *asked =
        n == 1 ? wan_disjoint_group(r->associations, r->n_associations) : NULL;
    struct lsp_association group = asked ? *asked : (struct lsp_association){.has_status = false};
    group.has_status = true;
    enum err err = asked ? wan_answer_apart(s, questions, asked, r->pcc, r->plsp_id, answers,
                                            &group.status, &unknown_source, &why)
                         : planner_answer_together(s->planner, questions, n, &together, answers,
                                                   &unknown_source, &why);
    unsigned no_path = err != ERR_INVALID ? 0
                       : unknown_source   ? PCE_NO_PATH_UNKNOWN_SOURCE
                                          : PCE_NO_PATH_UNKNOWN_DESTINATION;
    if (err)
        log_info("wan: a path that a router asked for: %s", why.text);
    for (size_t i = 0; i < n; i++) {
        answer(s, &set[i], err ? NULL : &answers[i], no_path, asked && !err ? &group : NULL);
        if (!err)
            wan_delegated_asked(s, set[i].pcc, &questions[i], &answers[i]);
        planner_answer_fini(&answers[i]);
        wan_question_fini(&questions[i]);
    }
}
