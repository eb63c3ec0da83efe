/* risks.h - what can fail of a path: its links, nodes and risk groups; and what two paths have in
 * common of that. Of this directory alone. */
#ifndef TE_RISKS_H
#define TE_RISKS_H

#include "te/disjoint.h"

enum te_risk_kind { TE_RISK_LINK, TE_RISK_NODE, TE_RISK_SRLG, TE_RISKS };

struct te_risk {
    unsigned kind;   /* enum te_risk_kind */
    uint32_t number; /* of links the lower one of both directions */
};

typedef void te_risk_fn(void *arg, struct te_risk);

/* Those that `disjoint` (TE_DISJOINT_...) is about; groups first, then nodes, then links: that is
 * how much they tell about what to do. Some more than once. */
void te_each_risk(const struct te_router *, const struct te_path *, unsigned disjoint, te_risk_fn *,
                  void *arg);

/* Is it a node where a path of that request begins or ends? */
bool te_risk_is_end(const struct te_request *, struct te_risk);

/* What comparisons write on. */
struct te_risk_marks {
    uint32_t *by[TE_RISKS], n;
};
void te_risk_marks_init(struct te_risk_marks *, const struct te_router *);
void te_risk_marks_fini(struct te_risk_marks *);

struct te_common_risks {
    uint32_t counts[TE_RISKS];
    bool any;
    struct te_risk first; /* of the kind that comes first, if any */
};

/* Common ends do not count, nor does what `is_excused` (may be NULL) says. */
struct te_common_risks te_compare_risks(struct te_risk_marks *, const struct te_router *,
                                        unsigned disjoint, const struct te_request *const asks[2],
                                        const struct te_path *const paths[2],
                                        bool (*is_excused)(const void *arg, struct te_risk),
                                        const void *arg);

#endif
