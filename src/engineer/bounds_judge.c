/* May this circuit be? Its bounds and everybody else's are computed as if it were there, then all
 * is put back. Where its budget does not hold, what could help is tried the same way. */
#include "engineer/bounds_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- Trials ---- */

/* What there was before a trial. */
struct trial {
    struct bounds *b;
    uint32_t old;     /* the entry it replaces; NO_INDEX: none */
    bool is_replaced; /* the old one's curve is taken away */
    nsec_t *delays[BOUNDS_STATE_MAX];
    int64_t *frames[BOUNDS_STATE_MAX];
    uint32_t n_arrivals[BOUNDS_STATE_MAX], n_deliveries[BOUNDS_STATE_MAX], turns[BOUNDS_STATE_MAX];
    nsec_t *worst, *asymmetry; /* by entry: of those with a budget */
};

static nsec_t
worst_of_states(const struct bounds *b, const struct entry *e)
{
    nsec_t normal = worst_of(b, BOUNDS_NORMAL, e), failure = worst_of(b, BOUNDS_FAILURE, e);
    return MAX(normal, failure);
}

static nsec_t
asymmetry_of_states(const struct bounds *b, const struct entry *e)
{
    nsec_t most = 0;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        struct bounds_result r;
        result_of(b, s, e, &r);
        most = MAX(most, r.asymmetry);
        bounds_result_fini(&r);
    }
    return most;
}

static void
trial_begin(struct trial *t, struct bounds *b, const char *name)
{
    size_t n_queues = (size_t)CLASS_MAX * b->n_servers;
    *t = (struct trial){.b = b, .old = find_entry(b, name)};
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        const struct plane *p = &b->planes[s];
        t->delays[s] = xmemdup(p->delay, (n_queues + 1) * sizeof *p->delay);
        t->frames[s] = xcalloc(p->n_arrivals, sizeof *t->frames[s]);
        for (uint32_t i = 0; i < p->n_arrivals; i++)
            t->frames[s][i] = p->arrivals[i].frame;
        t->n_arrivals[s] = p->n_arrivals;
        t->n_deliveries[s] = b->n_deliveries[s];
        t->turns[s] = p->turns;
    }
    t->worst = xcalloc(b->n_entries, sizeof *t->worst);
    t->asymmetry = xcalloc(b->n_entries, sizeof *t->asymmetry);
    for (uint32_t i = 0; i < b->n_entries; i++) {
        const struct entry *e = &b->entries[i];
        if (!e->gone && e->circuit->max_latency_us)
            t->worst[i] = worst_of_states(b, e);
        if (!e->gone && e->circuit->max_asymmetry_us)
            t->asymmetry[i] = asymmetry_of_states(b, e);
    }
}

/* Arrivals that are new stay, empty. */
static void
trial_reset(struct trial *t)
{
    struct bounds *b = t->b;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        struct plane *p = &b->planes[s];
        for (uint32_t i = 0; i < p->n_arrivals; i++)
            p->arrivals[i].frame = i < t->n_arrivals[s] ? t->frames[s][i] : 0;
        b->n_deliveries[s] = t->n_deliveries[s];
    }
}

static void
trial_end(struct trial *t)
{
    struct bounds *b = t->b;
    size_t n_queues = (size_t)CLASS_MAX * b->n_servers;
    if (t->is_replaced)
        apply_curve(b, &b->entries[t->old], 1);
    trial_reset(t);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        memcpy(b->planes[s].delay, t->delays[s], n_queues * sizeof(nsec_t));
        solve_on(b, s); /* the ages; delays are what they were */
        b->planes[s].turns = t->turns[s];
        free(t->delays[s]);
        free(t->frames[s]);
    }
    free(t->worst);
    free(t->asymmetry);
}

/* Lays the circuit out, puts it in place of the old one and solves. What was there without it is
 * not too great, unless the old one went. */
static enum err
trial_put(struct trial *t, const struct circuit *c, const struct design *d, struct entry *entry,
          struct diag *diag)
{
    struct bounds *b = t->b;
    enum err err = lay_out_circuit(b, c, d, entry, diag);
    if (err)
        return err;
    bool anew = t->old != NO_INDEX;
    if (anew && !t->is_replaced) {
        apply_curve(b, &b->entries[t->old], -1);
        t->is_replaced = true;
    }
    apply_curve(b, entry, 1);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        if (anew)
            solve_anew(b, s);
        else
            solve_on(b, s);
    }
    return ERR_OK;
}

static void
trial_take(struct trial *t, const struct entry *entry)
{
    apply_curve(t->b, entry, -1);
    trial_reset(t);
}

static bool
within(nsec_t is, uint32_t budget_us)
{
    return is != NSEC_NEVER && is <= budget_us * NSEC_PER_USEC;
}

/* One budget of one circuit: did it hold, and does it not now? */
struct broken_list {
    struct bounds_broken *list; /* NULL: they are only counted */
    bool listed;
    uint32_t n, capacity;
};

static void
note_broken(struct broken_list *all, const struct circuit *c, bool asymmetry, nsec_t before,
            nsec_t after)
{
    uint32_t budget_us = asymmetry ? c->max_asymmetry_us : c->max_latency_us;
    if (!within(before, budget_us) || within(after, budget_us))
        return;
    if (all->listed) {
        GROW(all->list, all->n, all->capacity);
        all->list[all->n] = (struct bounds_broken){c, asymmetry, before, after};
    }
    all->n++;
}

/* Budgets that held before and do not now. `list` NULL: only how many. */
static uint32_t
broken(const struct trial *t, struct bounds_broken **list)
{
    struct broken_list all = {.listed = list != NULL};
    for (uint32_t i = 0; i < t->b->n_entries; i++) {
        const struct entry *e = &t->b->entries[i];
        if (e->gone || i == t->old)
            continue;
        if (e->circuit->max_latency_us)
            note_broken(&all, e->circuit, false, t->worst[i], worst_of_states(t->b, e));
        if (e->circuit->max_asymmetry_us)
            note_broken(&all, e->circuit, true, t->asymmetry[i], asymmetry_of_states(t->b, e));
    }
    if (list)
        *list = all.list;
    return all.n;
}

/* ---- Budgets ---- */

struct bounds_budget
bounds_budget_of(const struct circuit *c)
{
    return (struct bounds_budget){.latency = c->max_latency_us * NSEC_PER_USEC,
                                  .asymmetry = c->max_asymmetry_us * NSEC_PER_USEC};
}

bool
bounds_budget_holds(const struct bounds_budget *budget, nsec_t worst, nsec_t asymmetry)
{
    return (!budget->latency || (worst != NSEC_NEVER && worst <= budget->latency)) &&
           (!budget->asymmetry || (asymmetry != NSEC_NEVER && asymmetry <= budget->asymmetry));
}

/* ---- Remedies ---- */

struct cure {
    struct trial *trial;
    const struct circuit *circuit;
    const struct design *design;
    struct bounds_verdict *verdict;
    uint32_t capacity;
};

/* Computes all anew with the circuit in this form, and keeps what came of it. */
static void
try_remedy(struct cure *cure, const struct circuit *form, struct bounds_remedy remedy)
{
    struct bounds_verdict *v = cure->verdict;
    struct bounds_result results[BOUNDS_STATE_MAX];
    struct entry entry;
    struct bounds *b = cure->trial->b;
    if (lay_out_circuit(b, form, cure->design, &entry, NULL))
        return; /* the same circuit could be laid out; so can this */
    apply_curve(b, &entry, 1);
    remedy.worst = remedy.asymmetry = 0;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        solve_anew(b, s);
        result_of(b, s, &entry, &results[s]);
        remedy.worst = MAX(remedy.worst, results[s].worst);
        remedy.asymmetry = MAX(remedy.asymmetry, results[s].asymmetry);
        bounds_result_fini(&results[s]);
    }
    remedy.fits = bounds_budget_holds(&v->budget, remedy.worst, remedy.asymmetry);
    remedy.breaks = broken(cure->trial, NULL);
    trial_take(cure->trial, &entry);
    GROW(v->remedies, v->n_remedies, cure->capacity);
    v->remedies[v->n_remedies++] = remedy;
}

static void
try_classes(struct cure *cure)
{
    struct circuit form = *cure->circuit;
    while (++form.service_class < CLASS_MAX) {
        struct bounds_remedy remedy = {.kind = REMEDY_CLASS, .class = form.service_class};
        try_remedy(cure, &form, remedy);
    }
}

/* The link on which most is lost, at the next usual rates. */
static void
try_capacity(struct cure *cure, const struct bounds_hop *hop)
{
    static const uint32_t usual[] = {10000, 100000, 1000000, 10000000};
    struct bounds *b = cure->trial->b;
    uint32_t server = 0, tried = 0;
    while (server < 2 * b->n_links && b->servers[server].link != hop->link)
        server += 2;
    if (!hop->link || server >= 2 * b->n_links)
        return;
    uint32_t kbps = b->servers[server].kbps;
    for (size_t i = 0; i < ARRAY_SIZE(usual) && tried < 2; i++) {
        if (usual[i] <= kbps)
            continue;
        struct bounds_remedy remedy = {
            .kind = REMEDY_CAPACITY, .link = hop->link, .kbps = usual[i]};
        b->servers[server].kbps = b->servers[server + 1].kbps = usual[i];
        try_remedy(cure, cure->circuit, remedy);
        b->servers[server].kbps = b->servers[server + 1].kbps = kbps;
        tried++;
        if (cure->verdict->n_remedies &&
            cure->verdict->remedies[cure->verdict->n_remedies - 1].fits)
            return;
    }
}

#define FULL_FRAME 1518

/* One full frame of IP; of a multicast, whose frames may be of any size, half of what there is. */
static void
try_burst(struct cure *cure)
{
    struct circuit form = *cure->circuit;
    form.burst_octets = form.kind == CIRCUIT_IP ? FULL_FRAME : (form.burst_octets + 1) / 2;
    if (form.burst_octets >= cure->circuit->burst_octets)
        return;
    struct bounds_remedy remedy = {.kind = REMEDY_BURST, .burst_octets = form.burst_octets};
    try_remedy(cure, &form, remedy);
}

/* ---- Text ---- */

/* To a tenth below 10 us and from 10 ms, whole microseconds between. */
static void
put_rounded(struct buf *out, nsec_t ns, bool up)
{
    nsec_t unit = ns < 10 * NSEC_PER_USEC ? 100 : ns < 10 * NSEC_PER_MSEC ? 1000 : 100000;
    nsec_t units = ns / unit + (up && ns % unit);
    if (ns == NSEC_NEVER)
        buf_str(out, "no bound");
    else if (unit == 1000)
        buf_printf(out, "%lld us", (long long)units);
    else
        buf_printf(out, "%lld.%lld %s", (long long)(units / 10), (long long)(units % 10),
                   unit == 100 ? "us" : "ms");
}

static void
put_time(struct buf *out, nsec_t ns)
{
    put_rounded(out, ns, true);
}

static void
put_rate(struct buf *out, uint64_t kbps)
{
    if (kbps >= 1000000)
        buf_printf(out, "%.3g Gbit/s", (double)kbps / 1e6);
    else if (kbps >= 1000)
        buf_printf(out, "%.4g Mbit/s", (double)kbps / 1e3);
    else
        buf_printf(out, "%llu kbit/s", (unsigned long long)kbps);
}

static const char *class_word(enum service_class class)
{
    static const char *const words[] = {"bulk", "engineering", "scada", "protection"};
    return words[class];
}

static void
put_port(struct buf *out, const struct node *node, const struct link *link, uint32_t port)
{
    buf_str(out, node ? node->name : "?");
    if (link && node)
        buf_printf(out, " > %s", link_far_end(link, node->name)->node);
    else
        buf_printf(out, " port %u", port);
}

void
bounds_overload_format(const struct bounds_overload *o, struct buf *out)
{
    if (!o->kbps) {
        buf_str(out, "the capacity is not known at ");
    } else if (o->asked_kbps < o->kbps) {
        buf_printf(out, "bursts of class %s grow round a ring at ", class_word(o->class));
    } else {
        buf_printf(out, "class %s%s ", class_word(o->class),
                   o->class + 1 < CLASS_MAX ? " and above ask for" : " asks for");
        put_rate(out, o->asked_kbps);
        buf_str(out, " of ");
        put_rate(out, o->kbps);
        buf_str(out, " at ");
    }
    put_port(out, o->node, o->link, o->port);
}

void
bounds_condition_format(const struct bounds_condition *c, struct buf *out)
{
    buf_printf(out, "%s ", c->node ? c->node->name : "?");
    if (c->kind == CONDITION_METER) {
        buf_printf(out, "meter %u drops what is above %u kbit/s and a burst of %u kbit (%s)",
                   c->meter_id, c->kbps, c->burst_kbit, c->owner->name);
        return;
    }
    buf_printf(out, "port %u (%s) ", c->port, c->link ? c->link->name : "a host's");
    if (c->kind == CONDITION_PORT)
        buf_printf(out, "sends at %u kbit/s, bursts of at most %llu octets", c->kbps,
                   (unsigned long long)c->burst_octets);
    else
        buf_printf(out, "queue %u is strict, before lower ones, and holds %llu octets", c->queue,
                   (unsigned long long)c->burst_octets);
}

static void
put_part(struct buf *out, nsec_t part, const char **comma)
{
    buf_str(out, *comma);
    put_time(out, part);
    *comma = ", ";
}

/* "480 us waiting for 35 circuits of its class, 130 us for a frame of a lower class": what is a
 * tenth at least. */
static void
put_parts(struct buf *out, const struct bounds_hop *h)
{
    const char *comma = "";
    put_part(out, h->beside, &comma);
    buf_printf(out, " waiting for %u circuit%s of its class", h->n_beside,
               h->n_beside == 1 ? "" : "s");
    if (h->above >= h->total / 10 && h->n_above) {
        put_part(out, h->above, &comma);
        buf_printf(out, " for %u of higher ones", h->n_above);
    }
    if (h->blocked >= h->total / 10) {
        put_part(out, h->blocked, &comma);
        buf_str(out, " for a frame of a lower one");
    }
    if (h->travelling >= h->total / 10) {
        put_part(out, h->travelling, &comma);
        buf_str(out, " on the link");
    }
}

void
bounds_result_format(const struct bounds_result *r, struct buf *out)
{
    for (uint32_t i = 0; i < r->n; i++) {
        const struct bounds_way *w = &r->ways[i];
        buf_printf(out, "%s > %s: worst ", w->from ? w->from->name : "?",
                   w->to ? w->to->name : "?");
        put_time(out, w->worst);
        buf_str(out, ", best ");
        put_rounded(out, w->best, false);
        buf_str(out, "\n");
        for (uint32_t k = 0; k < w->n_hops; k++) {
            buf_str(out, "    ");
            put_port(out, w->hops[k].node, w->hops[k].link, w->hops[k].port);
            buf_str(out, ": ");
            put_time(out, w->hops[k].total);
            if (w->hops[k].total != NSEC_NEVER) {
                buf_str(out, " (");
                put_parts(out, &w->hops[k]);
                buf_str(out, ")");
            }
            buf_str(out, "\n");
        }
    }
    if (r->asymmetry) {
        buf_str(out, "asymmetry ");
        put_time(out, r->asymmetry);
        buf_str(out, "\n");
    }
}

static const struct bounds_way *
worst_way(const struct bounds_result *r)
{
    const struct bounds_way *worst = r->n ? &r->ways[0] : NULL;
    for (uint32_t i = 1; i < r->n; i++) {
        if (r->ways[i].worst > worst->worst)
            worst = &r->ways[i];
    }
    return worst;
}

/* Why a way has no bound: an overload on it, or else the first one anywhere. */
static void
put_reason(const struct bounds *b, const struct bounds_way *w, struct buf *out)
{
    struct bounds_overload *list;
    uint32_t n, i, k = 0;
    bounds_overloads(b, BOUNDS_FAILURE, &list, &n);
    for (i = 0; i < n; i++) {
        for (k = 0; k < w->n_hops; k++) {
            if (w->hops[k].node == list[i].node && w->hops[k].port == list[i].port)
                break;
        }
        if (k < w->n_hops)
            break;
    }
    if (n)
        bounds_overload_format(&list[i < n ? i : 0], out);
    free(list);
}

static void
put_remedy(const struct bounds_remedy *r, bool asymmetry, struct buf *out)
{
    if (r->kind == REMEDY_CLASS) {
        buf_printf(out, "as class %s (", class_word(r->class));
    } else if (r->kind == REMEDY_CAPACITY) {
        buf_printf(out, "with link %s at ", r->link->name);
        put_rate(out, r->kbps);
        buf_str(out, " (");
    } else {
        buf_printf(out, "with bursts of %u octets (", r->burst_octets);
    }
    put_time(out, asymmetry ? r->asymmetry : r->worst);
    if (r->breaks)
        buf_printf(out, ", but %u other budgets break", r->breaks);
    buf_str(out, ")");
}

static void
put_remedies(const struct bounds_verdict *v, bool asymmetry, struct buf *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < v->n_remedies; i++) {
        if (!v->remedies[i].fits)
            continue;
        buf_str(out, n++ ? ", or " : "; would fit: ");
        put_remedy(&v->remedies[i], asymmetry, out);
    }
    if (!n && v->n_remedies)
        buf_str(out, "; neither a higher class nor the next link rates nor smaller bursts make it "
                     "fit");
}

/* Where most of a way's worst case comes from. */
static void
put_costliest(const struct bounds_way *w, struct buf *out)
{
    if (!w->n_hops)
        return;
    const struct bounds_hop *h = &w->hops[w->costliest];
    buf_str(out, "; most is lost at ");
    put_port(out, h->node, h->link, h->port);
    buf_str(out, " (");
    put_time(out, h->total);
    buf_str(out, ", of it ");
    put_parts(out, h);
    buf_str(out, ")");
}

static void
put_broken(const struct bounds_verdict *v, struct buf *out)
{
    buf_printf(out, "; it would break the budget%s of ", v->n_broken == 1 ? "" : "s");
    for (uint32_t i = 0; i < v->n_broken && i < 3; i++) {
        const struct bounds_broken *x = &v->broken[i];
        buf_printf(out, "%s%s (%s", i ? ", " : "", x->circuit->name,
                   x->asymmetry ? "asymmetry " : "");
        put_time(out, x->before);
        buf_str(out, " to ");
        put_time(out, x->after);
        buf_str(out, ", budget ");
        put_time(out, (x->asymmetry ? x->circuit->max_asymmetry_us : x->circuit->max_latency_us) *
                          NSEC_PER_USEC);
        buf_str(out, ")");
    }
    if (v->n_broken > 3)
        buf_printf(out, " and %u more", v->n_broken - 3);
}

static const struct bounds_result *
worse_result(const struct bounds_verdict *v)
{
    return v->normal.worst > v->failure.worst ? &v->normal : &v->failure;
}

/* `reason`: why there is no bound. */
static void
put_verdict(const struct circuit *c, bool own, const char *reason, struct bounds_verdict *v)
{
    const struct bounds_result *r = worse_result(v);
    const struct bounds_budget latency = {.latency = v->budget.latency};
    bool late = own || !bounds_budget_holds(&latency, r->worst, 0);
    struct buf out = BUF_INIT;
    buf_printf(&out, "circuit %s: ", c->name);
    if (r->worst == NSEC_NEVER) {
        buf_printf(&out, "there is no bound: %s", reason);
    } else {
        buf_str(&out, late ? "worst case " : "asymmetry ");
        put_time(&out, late ? r->worst : r->asymmetry);
        if (late && v->normal.worst < r->worst) {
            buf_str(&out, " (");
            put_time(&out, v->normal.worst);
            buf_str(&out, " while nothing has failed)");
        }
        if (late ? v->budget.latency : v->budget.asymmetry) {
            buf_str(&out, ", budget ");
            put_time(&out, late ? v->budget.latency : v->budget.asymmetry);
        }
        if (!own)
            put_costliest(worst_way(r), &out);
    }
    if (!own)
        put_remedies(v, !late, &out);
    if (v->n_broken)
        put_broken(v, &out);
    v->text = buf_steal_cstr(&out);
}

/* ---- The verdict ---- */

enum err
bounds_judge(struct bounds *b, const struct circuit *c, const struct design *d,
             const struct bounds_budget *budget, struct bounds_verdict *result, struct diag *diag)
{
    struct bounds_verdict v = {.budget = budget ? *budget : bounds_budget_of(c)};
    struct trial trial;
    struct entry entry;
    trial_begin(&trial, b, c->name);
    enum err err = trial_put(&trial, c, d, &entry, diag);
    if (err) {
        trial_end(&trial);
        return err;
    }
    result_of(b, BOUNDS_NORMAL, &entry, &v.normal);
    result_of(b, BOUNDS_FAILURE, &entry, &v.failure);
    v.n_broken = broken(&trial, &v.broken);
    bool own = bounds_budget_holds(&v.budget, v.normal.worst, v.normal.asymmetry) &&
               bounds_budget_holds(&v.budget, v.failure.worst, v.failure.asymmetry);
    v.fits = own && !v.n_broken;
    v.is_bounded = worse_result(&v)->worst != NSEC_NEVER;
    struct buf reason = BUF_INIT;
    if (!v.is_bounded)
        put_reason(b, worst_way(worse_result(&v)), &reason);
    trial_take(&trial, &entry);
    if (!own) {
        struct cure cure = {&trial, c, d, &v, 0};
        const struct bounds_way *w = worst_way(worse_result(&v));
        try_classes(&cure);
        if (w->n_hops)
            try_capacity(&cure, &w->hops[w->costliest]);
        try_burst(&cure);
    }
    put_verdict(c, own, buf_cstr(&reason), &v);
    buf_fini(&reason);
    trial_end(&trial);
    *result = v;
    return ERR_OK;
}

void
bounds_verdict_fini(struct bounds_verdict *v)
{
    bounds_result_fini(&v->normal);
    bounds_result_fini(&v->failure);
    free(v->broken);
    free(v->remedies);
    free(v->text);
    *v = (struct bounds_verdict){0};
}

/* ---- For good ---- */

enum err
bounds_add(struct bounds *b, const struct circuit *c, const struct design *d, struct diag *diag)
{
    uint32_t old = find_entry(b, c->name);
    struct entry entry;
    enum err err = lay_out_circuit(b, c, d, &entry, diag);
    if (err)
        return err;
    if (old != NO_INDEX) {
        apply_curve(b, &b->entries[old], -1);
        b->entries[old].gone = true;
    }
    apply_curve(b, &entry, 1);
    put_entry(b, &entry);
    for (int s = 0; s < BOUNDS_STATE_MAX; s++) {
        if (old == NO_INDEX)
            solve_on(b, s);
        else
            solve_anew(b, s);
    }
    return ERR_OK;
}

enum err
bounds_remove(struct bounds *b, const char *name)
{
    uint32_t old = find_entry(b, name);
    if (old == NO_INDEX)
        return ERR_NOT_FOUND;
    apply_curve(b, &b->entries[old], -1);
    b->entries[old].gone = true;
    for (int s = 0; s < BOUNDS_STATE_MAX; s++)
        solve_anew(b, s);
    return ERR_OK;
}
