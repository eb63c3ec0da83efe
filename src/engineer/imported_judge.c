/* Findings where there are filters. A loop or a black hole that destinations alone would allow is
 * one if some packet gets through all filters on the way: paths are tried one by one, and with each
 * goes the class of packets that got so far, cut by each filter into what it permits.
 *
 * Most findings have a path without filters, which is known (atoms_event's `sure`). */
#include "engineer/imported_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define HOPS_MAX 128u  /* of a path with filters; longer ones are not judged */
#define GATES_MAX 256u /* filters on it */

struct search {
    struct imported *imp;
    uint32_t class, to;
    uint32_t steps, n_path, n_gates;
    bool only_filtered; /* first over a link with the filter that has changed */
    bool deep;          /* a path was too long, or a class in too many parts */
    bool found;
    struct packet5 packet;
};

/* ---- Paths without filters ---- */

/* Breadth first, as atoms_path(), over links without filters. */
static bool
find_open_path(struct imported *imp, uint32_t class, uint32_t from, uint32_t to, uint32_t *n_path)
{
    uint32_t *const came = imp->came, *const queue = imp->queue, head = 0, tail = 0, n = 0;
    bool found = false;
    queue[tail++] = from;
    while (head < tail && !found) {
        uint32_t node = queue[head++], link;
        for (uint32_t i = 0; !found; i++) {
            link = atoms_next_link(imp->atoms, class, node, i);
            if (link == ATOMS_NONE)
                break;
            uint32_t next = imp->links[link].to;
            if (imp->links[link].n_filters || imp->on_path[next])
                continue;
            imp->on_path[next] = true;
            came[next] = node;
            found = next == to;
            if (next != from)
                queue[tail++] = next;
        }
    }
    for (uint32_t i = 0; i < tail; i++)
        imp->on_path[queue[i]] = false;
    imp->on_path[from] = imp->on_path[to] = false;
    if (found) {
        imp->path[n++] = to;
        for (uint32_t node = came[to]; node != from; node = came[node])
            imp->path[n++] = node;
        imp->path[n++] = from;
        for (uint32_t i = 0; i < n / 2; i++) {
            uint32_t node = imp->path[i];
            imp->path[i] = imp->path[n - 1 - i];
            imp->path[n - 1 - i] = node;
        }
    }
    *n_path = n;
    return found;
}

/* ---- Paths with filters ---- */

static bool go(struct search *, uint32_t node, const struct cube *);

/* At the filters of a link. */
struct gate {
    struct search *search;
    const struct imported_link *link;
    uint32_t next; /* filter */
};

/* A packet of the cube that goes to this class. */
static bool
sample(struct search *s, const struct cube *cube)
{
    uint64_t address;
    if (!atoms_address(s->imp->atoms, s->class, cube->dst, cube->dst_mask, &address))
        return false;
    s->packet = cube_sample(cube);
    s->packet.dst = (uint32_t)address;
    return true;
}

static bool pass(const struct gate *gate, const struct cube *cube);

static bool
on_part(void *arg, const struct cube *part, const struct acl_rule *by)
{
    const struct gate *gate = arg;
    struct gate next = {gate->search, gate->link, gate->next + 1};
    return by && by->permit && pass(&next, part);
}

/* The class comes to a filter of a link, or is through all of them. True: the search is over. */
static bool
pass(const struct gate *gate, const struct cube *cube)
{
    struct search *s = gate->search;
    if (gate->next < gate->link->n_filters) {
        if (s->n_gates == GATES_MAX) {
            s->deep = true;
            return false;
        }
        const struct acl *acl = s->imp->filters[gate->link->filters[gate->next]].acl;
        struct gate here = *gate;
        s->n_gates++;
        if (acl_cut(acl, cube, on_part, &here, &s->steps))
            s->deep = true;
        s->n_gates--;
        return s->found || !s->steps;
    }
    if (gate->link->to != s->to)
        return go(s, gate->link->to, cube);
    s->imp->path[s->n_path] = s->to;
    s->found = sample(s, cube);
    return s->found;
}

static bool
has_filter(const struct imported_link *link, uint32_t filter)
{
    for (uint32_t i = 0; i < link->n_filters; i++) {
        if (link->filters[i] == filter)
            return true;
    }
    return false;
}

static bool
go(struct search *s, uint32_t node, const struct cube *cube)
{
    struct imported *imp = s->imp;
    bool first = !s->n_path, over = false;
    if (!s->steps)
        return true;
    s->steps--;
    if (s->n_path == HOPS_MAX) {
        s->deep = true;
        return false;
    }
    imp->path[s->n_path++] = node;
    imp->on_path[node] = true;
    for (uint32_t i = 0; !over; i++) {
        uint32_t number = atoms_next_link(imp->atoms, s->class, node, i);
        if (number == ATOMS_NONE)
            break;
        const struct imported_link *link = &imp->links[number];
        if ((imp->on_path[link->to] && link->to != s->to) ||
            (first && s->only_filtered && !has_filter(link, imp->filter)))
            continue;
        over = pass(&(struct gate){s, link, 0}, cube);
    }
    imp->on_path[node] = false;
    if (!s->found)
        s->n_path--;
    return over;
}

/* The packets of a class that the change is about. */
static bool
class_cube(const struct imported *imp, uint32_t class, struct cube *cube)
{
    uint64_t prefix;
    uint32_t length;
    if (!atoms_class(imp->atoms, class, &prefix, &length))
        return false;
    struct cube whole = cube_all;
    whole.dst = (uint32_t)prefix;
    whole.dst_mask = cube_prefix_mask(length);
    return cube_intersect(&whole, &imp->cube, cube);
}

static enum imported_truth
search_path(struct imported *imp, uint32_t class, uint32_t from, uint32_t to, bool sure,
            uint32_t *steps, struct packet5 *packet, uint32_t *n_path)
{
    struct cube cube;
    struct search s = {.imp = imp,
                       .class = class,
                       .to = to,
                       .steps = *steps,
                       .only_filtered = imp->filter != UINT32_MAX};
    if (!class_cube(imp, class, &cube))
        return FINDING_REFUTED;
    if (sure && find_open_path(imp, class, from, to, n_path)) {
        s.found = sample(&s, &cube);
    } else if (imp->n_filters) {
        (void)go(&s, from, &cube);
        *n_path = s.n_path + 1;
    }
    *steps = s.steps;
    *packet = s.packet;
    return s.found ? FINDING_REAL : !s.steps || s.deep ? FINDING_UNJUDGED : FINDING_REFUTED;
}

/* ---- Events ---- */

/* A black hole at the changed node itself: who sends packets there? */
static enum imported_truth
search_senders(struct imported *imp, uint32_t class, uint32_t node, bool sure, uint32_t *steps,
               struct packet5 *packet, uint32_t *n_path)
{
    enum imported_truth truth = FINDING_REFUTED;
    for (uint32_t i = 0; i < imp->n_links && truth == FINDING_REFUTED; i++) {
        const struct imported_link *link = &imp->links[i];
        bool used = false;
        if (link->to != node || link->from == node)
            continue;
        for (uint32_t k = 0, l = 0; !used && l != ATOMS_NONE; k++) {
            l = atoms_next_link(imp->atoms, class, link->from, k);
            used = l == i;
        }
        if (used)
            truth = search_path(imp, class, link->from, node, sure, steps, packet, n_path);
    }
    return truth;
}

enum imported_truth
imported_verify(struct imported *imp, const struct atoms_event *event, uint32_t class,
                struct packet5 *packet, uint32_t *n_path)
{
    uint32_t changed = event->from, steps = imp->config.steps;
    bool sure = event->sure >> class % 64 & 1;
    *n_path = 0;
    if (event->kind == ATOMS_LOOP && changed != ATOMS_NONE)
        return search_path(imp, class, event->node, event->node, sure, &steps, packet, n_path);
    if (event->kind == ATOMS_HOLE && changed != ATOMS_NONE && event->node != changed)
        return search_path(imp, class, changed, event->node, sure, &steps, packet, n_path);
    if (event->kind == ATOMS_HOLE)
        return search_senders(imp, class, event->node, sure, &steps, packet, n_path);
    /* Of an audit: the node may only lead into the loop. */
    enum imported_truth truth = FINDING_REFUTED, worst = FINDING_REFUTED;
    for (uint32_t i = 0; i < imp->n_nodes && truth != FINDING_REAL; i++) {
        if (atoms_next_link(imp->atoms, class, i, 0) == ATOMS_NONE)
            continue;
        truth = search_path(imp, class, i, i, true, &steps, packet, n_path);
        if (truth == FINDING_UNJUDGED)
            worst = truth;
    }
    return truth == FINDING_REAL ? truth : worst;
}

static void
judge_event(struct imported *imp, const struct atoms_event *event, uint32_t *left,
            struct imported_change *change)
{
    uint64_t *real = event->kind == ATOMS_LOOP ? &change->loops : &change->holes;
    *real += (uint64_t)__builtin_popcountll(event->sure);
    for (uint64_t classes = event->classes & ~event->sure; classes; classes &= classes - 1) {
        uint32_t class = event->block * 64 + (uint32_t)__builtin_ctzll(classes), n_path;
        struct packet5 packet;
        if (!*left) {
            change->unjudged += (uint64_t)__builtin_popcountll(classes);
            return;
        }
        --*left;
        enum imported_truth truth = imported_verify(imp, event, class, &packet, &n_path);
        change->refuted += truth == FINDING_REFUTED;
        change->unjudged += truth == FINDING_UNJUDGED;
        *real += truth == FINDING_REAL;
    }
}

void
imported_judge(struct imported *imp, struct imported_change *change)
{
    const struct atoms_change *a = &change->atoms;
    uint32_t left = a->node == ATOMS_NONE ? UINT32_MAX : imp->config.judged;
    if (!imp->n_filters) {
        change->loops = a->loops;
        change->holes = a->holes;
        return;
    }
    for (uint32_t i = 0; i < a->n_events; i++) {
        if (a->events[i].kind != ATOMS_REACH)
            judge_event(imp, &a->events[i], &left, change);
    }
    if (a->truncated) /* somewhere among those there was no room for */
        change->unjudged++;
}

/* ---- In words ---- */

static void
put_address(struct buf *out, uint32_t address)
{
    buf_printf(out, "%u.%u.%u.%u", address >> 24, address >> 16 & 0xff, address >> 8 & 0xff,
               address & 0xff);
}

static char *
prefix_text(uint64_t prefix, uint32_t length)
{
    struct buf out = BUF_INIT;
    put_address(&out, (uint32_t)prefix);
    buf_printf(&out, "/%u", length);
    return buf_steal_cstr(&out);
}

static char *
rule_text(const struct imported *imp, uint32_t class, uint32_t node)
{
    struct atoms_rule rule;
    struct buf out = BUF_INIT;
    if (!atoms_rule_of(imp->atoms, class, node, &rule))
        return NULL;
    put_address(&out, (uint32_t)rule.prefix);
    buf_printf(&out, "/%u priority %u", rule.length, rule.priority);
    for (uint32_t i = 0; i < rule.n_links; i++) {
        const struct imported_link *link = &imp->links[rule.links[i]];
        buf_printf(&out, "%s %s to %s", i ? "," : " by", imp->ports[link->port].name,
                   imp->nodes[link->to].name);
    }
    if (rule.exit)
        buf_str(&out, rule.n_links ? ", and out of the network" : " out of the network");
    else if (!rule.n_links)
        buf_str(&out, " drop");
    return buf_steal_cstr(&out);
}

static char *
path_text(const struct imported *imp, uint32_t n_path)
{
    struct buf out = BUF_INIT;
    for (uint32_t i = 0; i < n_path; i++)
        buf_printf(&out, "%s%s", i ? " > " : "", imp->nodes[imp->path[i]].name);
    return buf_steal_cstr(&out);
}

static char *
finding_sentence(const struct imported_finding *f)
{
    struct buf out = BUF_INIT;
    buf_str(&out, "packets to ");
    put_address(&out, f->packet.dst);
    if (f->kind == ATOMS_LOOP)
        buf_printf(&out, " come back to node %s", f->node);
    else
        buf_printf(&out, " are sent to node %s, which has no rule for them", f->node);
    if (f->unjudged)
        buf_str(&out, ", if some get through the filters on the way: that could not be judged");
    return buf_steal_cstr(&out);
}

static bool
describe(struct imported *imp, const struct atoms_event *event, uint32_t class,
         struct imported_finding *f)
{
    uint64_t prefix, address;
    uint32_t length, n_path;
    *f = (struct imported_finding){.kind = event->kind};
    enum imported_truth truth = imported_verify(imp, event, class, &f->packet, &n_path);
    if (truth == FINDING_REFUTED || !atoms_class(imp->atoms, class, &prefix, &length))
        return false;
    f->unjudged = truth == FINDING_UNJUDGED;
    if (f->unjudged) {
        n_path = 0;
        if (atoms_address(imp->atoms, class, 0, 0, &address))
            f->packet = (struct packet5){.dst = (uint32_t)address};
    }
    uint32_t at = event->kind == ATOMS_LOOP && n_path ? imp->path[0] : event->node;
    f->node = xstrdup(imp->nodes[at].name);
    f->prefix = prefix_text(prefix, length);
    f->rule = rule_text(imp, class, n_path ? imp->path[0] : event->node);
    f->path = path_text(imp, n_path);
    f->text = finding_sentence(f);
    return true;
}

void
imported_findings(struct imported *imp, const struct imported_change *change, uint32_t limit,
                  struct imported_finding **findings, uint32_t *n)
{
    uint32_t capacity = 0;
    *findings = NULL;
    *n = 0;
    for (uint32_t i = 0; i < change->atoms.n_events; i++) {
        const struct atoms_event *event = &change->atoms.events[i];
        uint64_t classes = event->kind == ATOMS_REACH ? 0 : event->classes;
        for (; classes && *n < limit; classes &= classes - 1) {
            uint32_t class = event->block * 64 + (uint32_t)__builtin_ctzll(classes);
            struct imported_finding f;
            if (!describe(imp, event, class, &f))
                continue;
            GROW(*findings, *n, capacity);
            (*findings)[(*n)++] = f;
        }
    }
}

void
imported_findings_free(struct imported_finding *findings, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        char *const texts[] = {findings[i].node, findings[i].prefix, findings[i].rule,
                               findings[i].path, findings[i].text};
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            free(texts[k]);
    }
    free(findings);
}

void
imported_format(const struct imported_finding *f, struct buf *out)
{
    buf_printf(out, "%s: %s\n  packet ", f->kind == ATOMS_LOOP ? "loop" : "black hole", f->text);
    packet5_format(&f->packet, out);
    buf_printf(out, "\n  prefix %s\n", f->prefix);
    if (*f->path)
        buf_printf(out, "  path   %s\n", f->path);
    if (f->rule)
        buf_printf(out, "  rule   %s\n", f->rule);
}
