/* testing_plan.h - for tests of engineer/: a network's circuits designed, its plan, and that as
 * text. */
#ifndef ENGINEER_TESTING_PLAN_H
#define ENGINEER_TESTING_PLAN_H

#include "engineer/design.h"
#include "engineer/plan.h"
#include "engineer/testing.h"

/* All circuits that have no design yet; each must be possible. */
static inline UNUSED void
design_all(struct network *net)
{
    struct designer *designer = designer_new(net);
    for (struct circuit *c = net->circuits; c; c = c->hh.next) {
        struct design *design;
        struct diag diag;
        if (network_design(net, c->name))
            continue;
        if (designer_add(designer, c, &design, &diag))
            fail_msg("%s", diag.text);
        network_put_design(net, design);
    }
    designer_free(designer);
}

static inline UNUSED struct plan *
plan_of(const struct network *net)
{
    struct plan *plan;
    struct diag diag;
    if (plan_network(net, &plan, &diag))
        fail_msg("%s", diag.text);
    return plan;
}

/* A line per rule, "NODE RULE". The caller frees it. */
static inline UNUSED char *
plan_text(const struct plan *plan)
{
    const char **names;
    uint32_t n = plan_nodes(plan, &names);
    struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < n; i++) {
        struct rule_list rules;
        plan_rules(plan, names[i], &rules);
        for (uint32_t k = 0; k < rules.n; k++) {
            buf_printf(&out, "%s ", names[i]);
            rule_format(&rules.list[k], &out);
            buf_str(&out, "\n");
        }
        free(rules.list);
    }
    free(names);
    return buf_steal_cstr(&out);
}

#endif
