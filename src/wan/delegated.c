/* delegated.c - paths that routers configured themselves and delegated to us (RFC 8231 section
 * 5.7): left alone while they stand, laid another way when they do not, like a tunnel's.
 *
 * Nothing is reserved for them, and nothing of them is in the journal. What they ask for is in what
 * their routers report; of those that were asked for before (PCReq) the request is kept until the
 * path is reported, and then with it. So what only a request can say, an IRO or XRO, is known as
 * long as this program runs.
 *
 * All are looked at with each change of the network, some at a time, so that others are served
 * meanwhile. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "wan/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define SWEEP_MAX 128  /* looked at in a row */
#define ASKED_MAX 1024 /* requests that are kept, of all routers */
#define PAUSE_FIRST NSEC_PER_SEC
#define PAUSE_MAX (60 * NSEC_PER_SEC)
#define RELAPSES_MAX 6
#define TELLINGS_MAX 60.0 /* exceptions at once; then one a second */
#define MATES_SOUGHT 2000 /* of all delegated paths, for others of a group */

/* A request that was answered, and whose path was not reported yet. */
struct asked {
    uint32_t pcc;
    struct planner_question question; /* its lists are its own */
    struct lsp_hop hops[PLANNER_SEGMENTS_MAX];
    size_t n_hops;
    struct asked *prev, *next;
};

struct way {
    char **links; /* by key */
    uint32_t n;   /* 0: it is not known */
};

struct delegated {
    uint64_t lsp; /* of the PCE's database */
    struct asked *asked;
    struct way way, ordered; /* that it takes; that it was ordered to take */
    uint64_t order;          /* under way; 0: none */
    nsec_t again;            /* monotonic: not before */
    unsigned tries, n_moves;
    nsec_t moved;      /* monotonic: the last time */
    unsigned relapses; /* moves that did not last */
    bool without;      /* an exception says so */
    bool returned;     /* or is on its way back */
    char *object;      /* of exceptions */
    char why[200];     /* it is not as it should be; "" */
    UT_hash_handle hh;
};

struct delegations {
    struct wan_service *service;
    struct delegated *list;
    struct asked *asked; /* the oldest first */
    unsigned n_asked;
    unsigned n_kept; /* requests that are with their paths */
    double tellings; /* exceptions that may be raised, as of ... */
    nsec_t told;     /* ... then, monotonic */
    struct timer *timer;
    nsec_t due;      /* monotonic: the next sweep; NSEC_NEVER: none */
    bool sweeping;   /* one goes on ... */
    uint64_t cursor; /* ... behind this LSP */
};

/* ---- Ways ---- */

static void
way_fini(struct way *w)
{
    for (uint32_t i = 0; i < w->n; i++)
        free(w->links[i]);
    free(w->links);
    *w = (struct way){0};
}

/* Takes them out of the answer. */
static struct way
way_of(struct planner_answer *a)
{
    struct way w = {.links = xcalloc(a->n_steps + 1, sizeof *w.links), .n = a->n_steps};
    for (uint32_t i = 0; i < w.n; i++) {
        w.links[i] = a->steps[i].link;
        a->steps[i].link = NULL;
    }
    return w;
}

/* ---- What was asked ---- */

static void
asked_free(struct asked *a)
{
    if (!a)
        return;
    wan_question_fini(&a->question);
    free(a);
}

void
wan_delegated_asked(struct wan_service *s, uint32_t pcc, struct planner_question *q,
                    const struct planner_answer *answer)
{
    struct delegations *d = s->delegations;
    struct asked *a = xcalloc(1, sizeof *a);
    *a = (struct asked){.pcc = pcc, .question = *q, .n_hops = answer->n};
    *q = (struct planner_question){.n_pass = 0}; /* its lists have gone over */
    wan_fill_path(answer->segments, answer->n, a->hops);
    DL_APPEND(d->asked, a);
    if (++d->n_asked <= ASKED_MAX)
        return;
    struct asked *oldest = d->asked;
    DL_DELETE(d->asked, oldest);
    asked_free(oldest);
    d->n_asked--;
}

/* Are these its labels, one by one? A path of addresses is not compared. */
static bool
has_path(const struct lsp *lsp, const struct lsp_hop *path, size_t n)
{
    struct lsp_hops hops = lsp_ero(lsp);
    struct lsp_hop hop;
    size_t i = 0;
    while (lsp_hops_next(&hops, &hop)) {
        if (i == n || hop.kind != LSP_HOP_SEGMENT || hop.label != path[i++].label)
            return false;
    }
    return i == n && n;
}

/* The newest request whose answer it is. */
static struct asked *
take_asked(struct delegations *d, const struct lsp *lsp)
{
    struct asked *a, *found = NULL;
    DL_FOREACH(d->asked, a)
    {
        if (a->pcc == lsp->pcc && wan_address_equal(&a->question.source, &lsp->source) &&
            wan_address_equal(&a->question.destination, &lsp->destination) &&
            (a->question.no_labels || has_path(lsp, a->hops, a->n_hops)))
            found = a;
    }
    if (found) {
        DL_DELETE(d->asked, found);
        d->n_asked--;
    }
    return found;
}

/* Who says nothing of the type means RSVP-TE (RFC 8408 section 4); a report need not say it. */
static bool
is_rsvp_te(const struct lsp *lsp)
{
    struct lsp_hops hops = lsp_ero(lsp);
    struct lsp_hop hop;
    if (lsp->setup_type != LSP_SETUP_UNKNOWN)
        return lsp->setup_type == PCEP_PST_RSVP_TE;
    return !lsp_hops_next(&hops, &hop) || hop.kind != LSP_HOP_SEGMENT;
}

/* As it is reported, and as it was asked for. Its lists are the request's. */
static struct planner_question
question_of(struct wan_service *s, const struct delegated *d, const struct lsp *lsp)
{
    struct planner_question q = d->asked ? d->asked->question
                                         : (struct planner_question){.metric = TUNNEL_TE};
    struct lsp_metric metrics[LSP_METRICS_MAX];
    struct pce_pcc_info pcc;
    for (unsigned i = 0; i < lsp->n_metrics; i++)
        lsp_metric(lsp, i, &metrics[i]);
    q.source = lsp->source;
    q.destination = lsp->destination;
    q.no_labels = is_rsvp_te(lsp);
    if (lsp->bandwidth_bps || !d->asked)
        q.bandwidth_bps = lsp->bandwidth_bps;
    if (lsp->has_priorities || !d->asked)
        q.priority = lsp->has_priorities ? lsp->setup_priority : TE_PRIORITIES - 1;
    if (lsp->has_priorities) { /* they come with them: an LSPA object */
        q.exclude_any = lsp->exclude_any;
        q.include_any = lsp->include_any;
        q.include_all = lsp->include_all;
    }
    if (!d->asked)
        wan_read_metrics(metrics, lsp->n_metrics, &q);
    if (!q.max_labels && pce_pcc_info(wan_pce(s), lsp->pcc, &pcc))
        q.max_labels = pcc.capabilities.sr_msd;
    return q;
}

/* ---- What is told ---- */

static void
set_alarm(struct delegations *d, nsec_t at)
{
    if (at >= d->due)
        return;
    d->due = at;
    if (!d->sweeping)
        timer_start(d->timer, MAX(at - clock_monotonic(), 0));
}

static void
tell_well(struct wan_service *s, struct delegated *d)
{
    *d->why = '\0';
    d->tries = 0;
    d->again = 0;
    if (d->without)
        wan_close(s, "lsp-without-path", d->object, "it has a path again");
    d->without = false;
}

/* A router may report thousands that have no path: not all of them are exceptions at once. */
static bool
may_tell(struct delegations *d)
{
    nsec_t now = clock_monotonic();
    d->tellings = MIN(TELLINGS_MAX, d->tellings + (double)(now - d->told) / (double)NSEC_PER_SEC);
    d->told = now;
    if (d->tellings < 1)
        return false;
    d->tellings--;
    return true;
}

static void
tell_without(struct wan_service *s, struct delegated *d, const struct lsp *lsp, const char *why)
{
    snprintf(d->why, sizeof d->why, "%s", why);
    if (d->without)
        return;
    if (!may_tell(s->delegations)) {
        set_alarm(s->delegations, clock_monotonic() + PAUSE_MAX);
        return;
    }
    d->without = true;
    char *name = xstrdup(lsp_name(lsp));
    wan_raise(s, "lsp-without-path", "major", d->object, NULL,
              "Path %s, that its router delegated, does not stand, and there is no other way: %s.",
              name, why);
    free(name);
}

/* It is tried again later; the pause grows. */
static void
put_off(struct wan_service *s, struct delegated *d, const struct lsp *lsp, const char *why)
{
    nsec_t pause = PAUSE_FIRST << MIN(d->tries, 6);
    snprintf(d->why, sizeof d->why, "%s", why);
    d->again = clock_monotonic() + MIN(pause, PAUSE_MAX);
    if (!d->tries++)
        log_warn("wan: path %s of a router's own: %s", lsp_name(lsp), why);
    if (d->tries == 3)
        tell_without(s, d, lsp, why);
    set_alarm(s->delegations, d->again);
}

/* ---- One of them ---- */

static struct delegated *
find_delegated(const struct wan_service *s, uint64_t lsp)
{
    struct delegated *d;
    HASH_FIND(hh, s->delegations->list, &lsp, sizeof lsp, d);
    return d;
}

static char *
object_of(struct wan_service *s, const struct lsp *lsp)
{
    struct pce_pcc_info pcc;
    bool known = pce_pcc_info(wan_pce(s), lsp->pcc, &pcc);
    char *object = xasprintf("lsp/%s/%.100s", known ? pcc.address : "?", lsp_name(lsp));
    for (char *c = object; *c; c++) {
        if (*c <= ' ' || *c > '~')
            *c = '?';
    }
    return object;
}

static struct delegated *
need_delegated(struct wan_service *s, const struct lsp *lsp)
{
    struct delegated *d = find_delegated(s, lsp->id);
    if (d)
        return d;
    d = xcalloc(1, sizeof *d);
    d->lsp = lsp->id;
    d->object = object_of(s, lsp);
    HASH_ADD(hh, s->delegations->list, lsp, sizeof d->lsp, d);
    return d;
}

static void
forget(struct wan_service *s, struct delegated *d, const char *why)
{
    if (d->without)
        wan_close(s, "lsp-without-path", d->object, why);
    HASH_DEL(s->delegations->list, d);
    s->delegations->n_kept -= d->asked != NULL;
    asked_free(d->asked);
    way_fini(&d->way);
    way_fini(&d->ordered);
    free(d->object);
    free(d);
}

/* Where its labels lead. Several ways, or no labels: the way stays unknown. */
static enum err
follow(struct wan_service *s, const struct delegated *d, const struct lsp *lsp, struct way *way,
       struct diag *why)
{
    struct planner_question q = question_of(s, d, lsp);
    struct lsp_hops hops = lsp_ero(lsp);
    struct lsp_hop hop;
    uint32_t labels[LSP_HOPS_MAX], n = 0;
    while (n < LSP_HOPS_MAX && lsp_hops_next(&hops, &hop)) {
        if (hop.kind != LSP_HOP_SEGMENT || !hop.is_label)
            return ERR_OK; /* it is believed to stand while its router says so */
        labels[n++] = hop.label;
    }
    if (!n)
        return diag_set(why, ERR_NOT_FOUND, "it has no path");
    return planner_follow(s->planner, &q, labels, n, &way->links, &way->n, why);
}

/* `why` says what is wrong with it. */
static bool
stands(struct wan_service *s, struct delegated *d, const struct lsp *lsp,
       const struct planner_question *q, struct diag *why)
{
    bool carries = lsp->operational == LSP_UP || lsp->operational == LSP_ACTIVE ||
                   lsp->operational == LSP_GOING_UP;
    struct way way = {.n = 0};
    if (!lsp->n_ero || follow(s, d, lsp, &way, why))
        return false;
    if (way.n) { /* the IGP may lead its labels another way than before */
        way_fini(&d->way);
        d->way = way;
    }
    if (!d->way.n) {
        if (!carries)
            diag_set(why, ERR_CONFLICT, "it is %s", lsp_operational_name(lsp->operational));
        return carries;
    }
    return !planner_stands(s->planner, q, d->way.links, d->way.n, why);
}

static void
give(struct wan_service *s, struct delegated *d, const struct lsp *lsp, enum pce_order_kind kind,
     const struct lsp_hop *hops, size_t n, const struct lsp_association *group)
{
    struct diag why = {""};
    const struct pce_order order = {.kind = kind,
                                    .urgency = PCE_RESTORATION,
                                    .until = PCE_UNTIL_ACCEPTED,
                                    .lsp = lsp->id,
                                    .path = hops,
                                    .n_path = n,
                                    .bandwidth_bps = lsp->bandwidth_bps, /* as it has them */
                                    .setup_priority = lsp->setup_priority,
                                    .holding_priority = lsp->holding_priority,
                                    .has_priorities = lsp->has_priorities,
                                    .associations = group,
                                    .n_associations = group ? 1 : 0};
    if (pce_order(wan_pce(s), &order, clock_monotonic(), &d->order, &why))
        put_off(s, d, lsp, why.text);
}

/* RFC 8231 section 5.7.3: of a kind of path that is not computed here. Another PCE may. */
static void
give_back(struct wan_service *s, struct delegated *d, const struct lsp *lsp)
{
    if (!d->returned)
        log_warn("wan: path %s is of a kind that is not computed here: its delegation is returned",
                 lsp_name(lsp));
    d->returned = true;
    give(s, d, lsp, PCE_RETURN, NULL, 0, NULL);
}

/* ---- Those that are to be apart (RFC 8800) ---- */

#define DISJOINT_FLAGS (PCEP_DISJOINT_LINK | PCEP_DISJOINT_NODE | PCEP_DISJOINT_SRLG)

const struct lsp_association *
wan_disjoint_group(const struct lsp_association *all, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (all[i].type == PCEP_ASSOC_DISJOINT && !all[i].removed &&
            all[i].disjointness & DISJOINT_FLAGS)
            return &all[i];
    }
    return NULL;
}

static bool
is_in_group(const struct lsp *lsp, const struct lsp_association *group)
{
    struct lsp_association its;
    for (unsigned i = 0; i < lsp->n_associations; i++) {
        lsp_association(lsp, i, &its);
        if (its.type == group->type && its.id == group->id &&
            wan_address_equal(&its.source, &group->source))
            return true;
    }
    return false;
}

static bool
goes_over_what_is_gone(struct wan_service *s, const struct planner_question *q)
{
    struct diag why = {""};
    return planner_stands(s->planner, q, q->way, q->n_way, &why);
}

/* The ways of the others, as they are or will be; one that is broken is in nobody's way. */
static size_t
find_mates(struct wan_service *s, const struct lsp_association *group, uint32_t pcc,
           uint32_t plsp_id, struct planner_question mates[PLANNER_TOGETHER_MAX - 1])
{
    const struct lsp_db *db = pce_lsps(wan_pce(s));
    size_t n = 0;
    unsigned sought = 0;
    for (struct delegated *d = s->delegations->list;
         d && n < PLANNER_TOGETHER_MAX - 1 && sought < MATES_SOUGHT; d = d->hh.next, sought++) {
        const struct lsp *lsp = lsp_db_get(db, d->lsp);
        const struct way *way = d->order && d->ordered.n ? &d->ordered : &d->way;
        if (!lsp || !way->n || (lsp->pcc == pcc && lsp->plsp_id == plsp_id) ||
            !is_in_group(lsp, group))
            continue;
        mates[n] = (struct planner_question){.source = lsp->source,
                                             .destination = lsp->destination,
                                             .way = way->links,
                                             .n_way = way->n};
        n += !goes_over_what_is_gone(s, &mates[n]);
    }
    return n;
}

enum err
wan_answer_apart(struct wan_service *s, const struct planner_question *q,
                 const struct lsp_association *group, uint32_t pcc, uint32_t plsp_id,
                 struct planner_answer *answer, uint32_t *status, bool *unknown_source,
                 struct diag *diag)
{
    struct planner_question all[PLANNER_TOGETHER_MAX] = {*q};
    struct planner_answer answers[PLANNER_TOGETHER_MAX];
    uint32_t flags = group ? group->disjointness : 0;
    struct planner_together together = {.disjoint = flags & DISJOINT_FLAGS,
                                        .best_effort = !(flags & PCEP_DISJOINT_STRICT)};
    size_t n = 1 + (group ? find_mates(s, group, pcc, plsp_id, all + 1) : 0);
    enum err err = planner_answer_together(s->planner, all, n, &together, answers, unknown_source,
                                           diag);
    for (size_t i = 1; i < n && !err; i++)
        planner_answer_fini(&answers[i]);
    *answer = answers[0];
    *status = flags & DISJOINT_FLAGS & ~together.in_common;
    return err;
}

/* Its group; false: it has none. */
static bool
group_of(const struct lsp *lsp, struct lsp_association *group)
{
    for (unsigned i = 0; i < lsp->n_associations; i++) {
        lsp_association(lsp, i, group);
        if (wan_disjoint_group(group, 1))
            return true;
    }
    return false;
}

/* Has its path something in common with others that it should be apart from? */
static bool
is_near(struct wan_service *s, const struct delegated *d, const struct lsp *lsp)
{
    struct lsp_association group;
    if (!d->way.n || !group_of(lsp, &group))
        return false;
    struct planner_question its = {.source = lsp->source,
                                   .destination = lsp->destination,
                                   .way = d->way.links,
                                   .n_way = d->way.n};
    struct planner_answer a;
    struct diag why = {""};
    bool unknown_source;
    uint32_t status = 0;
    group.disjointness |= PCEP_DISJOINT_STRICT;
    if (!wan_answer_apart(s, &its, &group, lsp->pcc, lsp->plsp_id, &a, &status, &unknown_source,
                          &why)) {
        planner_answer_fini(&a);
        return false;
    }
    return true;
}

/* ---- Another way ---- */

static void
lay_anew(struct wan_service *s, struct delegated *d, const struct lsp *lsp,
         const struct planner_question *q, bool near, const char *trouble)
{
    struct planner_answer a;
    struct lsp_hop hops[LSP_HOPS_MAX];
    struct lsp_association group;
    struct diag why = {""};
    bool unknown_source, has_group = group_of(lsp, &group);
    bool strict = has_group && group.disjointness & PCEP_DISJOINT_STRICT;
    if (has_group && near)
        group.disjointness |= PCEP_DISJOINT_STRICT;
    enum err err = wan_answer_apart(s, q, has_group ? &group : NULL, lsp->pcc, lsp->plsp_id, &a,
                                    &group.status, &unknown_source, &why);
    if (err && near && !strict) { /* as far apart as may be will do */
        tell_well(s, d);
        return;
    }
    if (err) {
        char text[sizeof d->why];
        snprintf(text, sizeof text, "%.90s; %.100s", trouble, why.text);
        tell_without(s, d, lsp, text);
        return;
    }
    size_t n = wan_write_path(&a, hops);
    struct way way = way_of(&a);
    planner_answer_fini(&a);
    if (has_path(lsp, hops, n)) { /* its labels lead there by themselves */
        way_fini(&d->way);
        d->way = way;
        tell_well(s, d);
        return;
    }
    way_fini(&d->ordered);
    d->ordered = way;
    log_info("wan: path %s of a router's own goes another way: %s", lsp_name(lsp), trouble);
    group.has_status = true;
    if (!strict)
        group.disjointness &= ~(uint32_t)PCEP_DISJOINT_STRICT;
    give(s, d, lsp, PCE_UPDATE, hops, n, has_group ? &group : NULL);
}

static bool
is_ours_to_keep(const struct lsp *lsp)
{
    char tunnel[64];
    enum tunnel_path path;
    return lsp->delegated && !lsp->stale && !lsp->orphan && lsp->admin &&
           !wan_read_lsp_name(lsp_name(lsp), tunnel, &path);
}

static void
look(struct wan_service *s, const struct lsp *lsp)
{
    struct delegated *d = find_delegated(s, lsp->id);
    nsec_t now = clock_monotonic();
    struct diag why = {"it has no path"};
    if (!is_ours_to_keep(lsp)) {
        if (d && !lsp->stale)
            forget(s, d, "it is not delegated any more");
        return;
    }
    d = need_delegated(s, lsp);
    struct asked *asked = take_asked(s->delegations, lsp);
    if (asked && !d->asked && s->delegations->n_kept == ASKED_MAX) {
        asked_free(asked);
    } else if (asked) {
        s->delegations->n_kept += !d->asked;
        asked_free(d->asked);
        d->asked = asked;
    }
    if (!s->version || s->blind || d->order)
        return;
    nsec_t from = MAX(s->settled, d->again);
    if (d->relapses > 1)
        from = MAX(from, d->moved + MIN(PAUSE_FIRST << d->relapses, PAUSE_MAX));
    if (d->way.n) /* FRR may lose what comes while the IGP changes labels: doc/wan-frr.md */
        from = MAX(from, s->changed + s->settings.repeat);
    if (now < from) {
        set_alarm(s->delegations, from);
        return;
    }
    if (lsp->setup_type != PCEP_PST_SR && lsp->setup_type != LSP_SETUP_UNKNOWN &&
        !is_rsvp_te(lsp)) {
        give_back(s, d, lsp);
        return;
    }
    struct planner_question q = question_of(s, d, lsp);
    if (!stands(s, d, lsp, &q, &why))
        lay_anew(s, d, lsp, &q, false, why.text);
    else if (is_near(s, d, lsp))
        lay_anew(s, d, lsp, &q, true, "it is not apart from others of its group");
    else
        tell_well(s, d);
}

/* ---- All of them ---- */

static void
on_timer(void *arg)
{
    struct delegations *d = arg;
    struct wan_service *s = d->service;
    const struct lsp_db *db = wan_pce(s) ? pce_lsps(wan_pce(s)) : NULL;
    if (!d->sweeping)
        d->cursor = LSP_NONE;
    if (!d->sweeping)
        d->due = NSEC_NEVER;
    d->sweeping = true;
    const struct lsp *lsp = db ? lsp_db_after(db, d->cursor) : NULL;
    for (unsigned n = 0; lsp && n < SWEEP_MAX; n++) {
        d->cursor = lsp->id;
        look(s, lsp);
        lsp = lsp_db_after(db, d->cursor);
    }
    d->sweeping = lsp != NULL;
    if (lsp || d->due != NSEC_NEVER)
        timer_start(d->timer, lsp ? 0 : MAX(d->due - clock_monotonic(), 0));
}

void
wan_look_at_delegated(struct wan_service *s)
{
    set_alarm(s->delegations, 0); /* one that goes on ends first */
}

void
wan_delegated_changed(struct wan_service *s, const struct lsp *lsp, unsigned changed)
{
    struct delegated *d = find_delegated(s, lsp->id);
    struct pce_pcc_info pcc;
    if (d && changed & LSP_PATH_CHANGED && !d->order)
        way_fini(&d->way); /* the router's doing */
    if (d && *d->why && !(changed & (LSP_IS_NEW | LSP_DELEGATION_CHANGED))) {
        set_alarm(s->delegations, clock_monotonic() + PAUSE_FIRST); /* not with each report */
        return;
    }
    if (pce_pcc_info(wan_pce(s), lsp->pcc, &pcc) && pcc.state == PCE_PCC_READY)
        look(s, lsp); /* else at the end of its synchronisation */
}

void
wan_delegated_gone(struct wan_service *s, uint64_t lsp)
{
    struct delegated *d = find_delegated(s, lsp);
    if (d)
        forget(s, d, "it is gone");
}

void
wan_delegated_result(struct wan_service *s, const struct pce_result *r)
{
    struct delegated *d = find_delegated(s, r->lsp);
    const struct lsp *lsp = wan_pce(s) ? lsp_db_get(pce_lsps(wan_pce(s)), r->lsp) : NULL;
    if (!d || d->order != r->id || !lsp)
        return;
    d->order = 0;
    if (r->outcome != PCE_DONE) {
        char why[200];
        snprintf(why, sizeof why, "%s: %s%s%.150s", pce_order_kind_name(r->kind),
                 pce_outcome_name(r->outcome), *r->text ? ": " : "", r->text);
        put_off(s, d, lsp, why);
    } else if (r->kind == PCE_UPDATE && (r->path_differs || !lsp->n_ero)) {
        put_off(s, d, lsp, "its router reports another path than was ordered");
    } else if (r->kind == PCE_UPDATE) {
        way_fini(&d->way);
        d->way = d->ordered;
        d->ordered = (struct way){0};
        d->n_moves++;
        nsec_t now = clock_monotonic();
        bool lasted = !d->moved || now - d->moved >= 2 * PAUSE_MAX;
        d->relapses = lasted ? 0 : MIN(d->relapses + 1, RELAPSES_MAX);
        d->moved = now;
        look(s, lsp); /* the network may have changed meanwhile */
    }
}

bool
wan_delegated_is_without(const struct wan_service *s, const char *object)
{
    for (const struct delegated *d = s->delegations->list; d; d = d->hh.next) {
        if (d->without && !strcmp(d->object, object))
            return true;
    }
    return false;
}

void
wan_delegated_json(const struct wan_service *s, uint64_t lsp, json_t *json)
{
    const struct delegated *d = find_delegated(s, lsp);
    if (!d)
        return;
    json_t *links = json_array();
    for (uint32_t i = 0; i < d->way.n; i++)
        json_array_append_new(links, json_string(d->way.links[i]));
    json_object_set_new(json, "links", links);
    json_object_set_new(json, "n-moved", json_integer(d->n_moves));
    if (*d->why)
        json_object_set_new(json, "trouble", jsontext_string(d->why));
}

void
wan_delegations_new(struct wan_service *s)
{
    s->delegations = xcalloc(1, sizeof *s->delegations);
    s->delegations->service = s;
    s->delegations->due = NSEC_NEVER;
    s->delegations->tellings = TELLINGS_MAX;
    s->delegations->told = clock_monotonic();
    s->delegations->timer = timer_new(s->config.loop, on_timer, s->delegations);
}

void
wan_delegations_free(struct wan_service *s)
{
    struct delegated *d, *next;
    struct asked *a, *next_a;
    HASH_ITER (hh, s->delegations->list, d, next) {
        d->without = false; /* that it ends is nobody's path */
        forget(s, d, "");
    }
    DL_FOREACH_SAFE(s->delegations->asked, a, next_a)
    asked_free(a);
    timer_free(s->delegations->timer);
    free(s->delegations);
}
