/* Findings where there are filters. A loop or a black hole that destinations alone would allow is
 * one if some packet gets through all filters on the way: paths are tried one by one, and with each
 * goes the class of packets that got so far, cut by each filter into what it permits.
 *
 * Most findings have a path without filters, which is known (atoms_event's `sure`). */
#include "engineer/imported_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define HOPS_MAX 128u   /* of a path with filters; longer ones are not judged */
#define GUESS_STEPS 64u /* a guess counts as so many */

struct search {
    struct imported *imp;
    uint32_t class, to;
    uint32_t *steps;
    uint32_t n_path, n_acls;
    const struct acl *acls[ACL_COMMON_MAX]; /* on the way, each once */
    const struct cube *cube;                /* the packets in question */
    bool only_filtered;                     /* first over a link with the filter that has changed */
    bool gave_up;                           /* a path was too long, or had too many filters */
    bool found;
    struct packet5 packet;
};

static bool
has_filter(const struct imported_link *link, uint32_t filter)
{
    for (uint32_t i = 0; i < link->n_filters; i++) {
        if (link->filters[i] == filter)
            return true;
    }
    return false;
}

/* ---- Paths of one packet ---- */

/* Does the packet get over a link? Without one: would every packet? */
static bool
gets_over(const struct imported *imp, const struct imported_link *link,
          const struct packet5 *packet)
{
    for (uint32_t i = 0; i < link->n_filters; i++) {
        if (!packet || !acl_permits(imp->filters[link->filters[i]].acl, packet))
            return false;
    }
    return true;
}

/* Puts the way from `from` to `to`, as found, into imp->path; returns how many nodes. */
static uint32_t
write_path(struct imported *imp, uint32_t from, uint32_t to)
{
    uint32_t n = 0, *const path = imp->path;
    path[n++] = to;
    for (uint32_t node = imp->came[to]; node != from; node = imp->came[node])
        path[n++] = node;
    path[n++] = from;
    for (uint32_t i = 0; i < n / 2; i++) {
        uint32_t node = path[i];
        path[i] = path[n - 1 - i];
        path[n - 1 - i] = node;
    }
    return n;
}

/* A path of the packet, breadth first; without one, of any packet of the class. First over a link
 * with the filter `first`, if it is one. */
static bool
find_path(struct imported *imp, uint32_t class, uint32_t from, uint32_t to, uint32_t first,
          const struct packet5 *packet, uint32_t *n_path)
{
    uint32_t *const queue = imp->queue, head = 0, tail = 0;
    bool found = false;
    queue[tail++] = from;
    while (head < tail && !found) {
        uint32_t node = queue[head++];
        for (uint32_t i = 0; !found; i++) {
            uint32_t number = atoms_next_link(imp->atoms, class, node, i);
            if (number == ATOMS_NONE)
                break;
            const struct imported_link *link = &imp->links[number];
            if (imp->on_path[link->to] || !gets_over(imp, link, packet) ||
                (head == 1 && first != UINT32_MAX && !has_filter(link, first)))
                continue;
            imp->on_path[link->to] = true;
            imp->came[link->to] = node;
            found = link->to == to;
            if (link->to != from)
                queue[tail++] = link->to;
        }
    }
    for (uint32_t i = 0; i < tail; i++)
        imp->on_path[queue[i]] = false;
    if (found)
        *n_path = write_path(imp, from, to);
    return found;
}

/* ---- Paths of classes of packets ---- */

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

static bool
on_part(void *arg, const struct cube *part, const struct acl_rule *by UNUSED)
{
    struct search *s = arg;
    s->found = sample(s, part);
    return s->found;
}

/* Adds the filters of a link to those on the way. */
static bool
add_filters(struct search *s, const struct imported_link *link)
{
    for (uint32_t i = 0; i < link->n_filters; i++) {
        const struct acl *acl = s->imp->filters[link->filters[i]].acl;
        uint32_t k = 0;
        while (k < s->n_acls && s->acls[k] != acl)
            k++;
        if (k == ACL_COMMON_MAX)
            return false;
        s->acls[k] = acl;
        s->n_acls = MAX(s->n_acls, k + 1);
    }
    return true;
}

/* Tries all paths on from here. True: the search is over. */
static bool
go(struct search *s, uint32_t node)
{
    struct imported *imp = s->imp;
    uint32_t n_acls = s->n_acls;
    bool first = !s->n_path, over = false;
    if (s->n_path == HOPS_MAX) {
        s->gave_up = true;
        return false;
    }
    imp->path[s->n_path++] = node;
    imp->on_path[node] = true;
    for (uint32_t i = 0; !over; i++) {
        uint32_t number = atoms_next_link(imp->atoms, s->class, node, i);
        if (number == ATOMS_NONE)
            break;
        const struct imported_link *link = &imp->links[number];
        if (!imp->leads[link->to] || (imp->on_path[link->to] && link->to != s->to) ||
            (first && s->only_filtered && !has_filter(link, imp->filter)))
            continue;
        if (!*s->steps)
            return true;
        --*s->steps;
        if (!add_filters(s, link)) {
            s->gave_up = true;
        } else if (link->to != s->to) {
            over = go(s, link->to);
        } else {
            if (acl_common(s->acls, s->n_acls, s->cube, on_part, s, s->steps))
                s->gave_up = true;
            imp->path[s->n_path] = s->to;
            over = s->found;
        }
        s->n_acls = n_acls;
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

/* Marks the nodes from which packets of a class come to `to`, filters apart: the others need no
 * search. */
static void
find_leads(struct imported *imp, uint32_t class, uint32_t to)
{
    uint32_t n = 0;
    memset(imp->leads, 0, imp->n_nodes * sizeof *imp->leads);
    imp->queue[n++] = to;
    imp->leads[to] = true;
    while (n) {
        uint32_t node = imp->queue[--n];
        for (uint32_t i = imp->in_first[node]; i < imp->in_first[node + 1]; i++) {
            uint32_t link = imp->in_links[i], from = imp->links[link].from;
            if (imp->leads[from] || !atoms_takes(imp->atoms, class, link))
                continue;
            imp->leads[from] = true;
            imp->queue[n++] = from;
        }
    }
}

/* Is it shown by a packet like the last one, or by the first that the change is about? */
static bool
guess(struct search *s, uint32_t from, const struct cube *cube, uint32_t *n_path)
{
    struct imported *imp = s->imp;
    uint32_t first = s->only_filtered ? imp->filter : UINT32_MAX;
    for (int i = imp->has_shown ? 0 : 1; i < 2; i++) {
        if (!sample(s, cube))
            return false;
        *s->steps -= MIN(*s->steps, GUESS_STEPS);
        if (i == 0) {
            uint32_t dst = s->packet.dst;
            s->packet = imp->shown;
            s->packet.dst = dst;
        }
        if (cube_has(cube, &s->packet) &&
            find_path(imp, s->class, from, s->to, first, &s->packet, n_path))
            return true;
    }
    return false;
}

static enum imported_truth
search_path(struct imported *imp, uint32_t class, uint32_t from, uint32_t to, bool sure,
            uint32_t *steps, struct packet5 *packet, uint32_t *n_path)
{
    struct cube cube;
    struct search s = {.imp = imp,
                       .class = class,
                       .to = to,
                       .steps = steps,
                       .cube = &cube,
                       .only_filtered = imp->filter != UINT32_MAX};
    if (!class_cube(imp, class, &cube))
        return FINDING_REFUTED;
    if (sure && find_path(imp, class, from, to, UINT32_MAX, NULL, n_path)) {
        s.found = sample(&s, &cube);
    } else if (imp->n_filters && guess(&s, from, &cube, n_path)) {
        s.found = true;
    } else if (imp->n_filters) {
        find_leads(imp, class, to);
        (void)go(&s, from);
        memset(imp->on_path, 0, imp->n_nodes * sizeof *imp->on_path);
        *n_path = s.n_path + 1;
    }
    *packet = s.packet;
    if (s.found) {
        imp->has_shown = true;
        imp->shown = s.packet;
        return FINDING_REAL;
    }
    return !*steps || s.gave_up ? FINDING_UNJUDGED : FINDING_REFUTED;
}

/* ---- Events ---- */

/* A black hole at the changed node itself: who sends packets there? */
static enum imported_truth
search_senders(struct imported *imp, uint32_t class, uint32_t node, bool sure, uint32_t *steps,
               struct packet5 *packet, uint32_t *n_path)
{
    enum imported_truth truth = FINDING_REFUTED;
    for (uint32_t i = imp->in_first[node]; i < imp->in_first[node + 1] && truth == FINDING_REFUTED;
         i++) {
        uint32_t link = imp->in_links[i];
        if (atoms_takes(imp->atoms, class, link))
            truth = search_path(imp, class, imp->links[link].from, node, sure, steps, packet,
                                n_path);
    }
    return truth;
}

enum imported_truth
imported_verify(struct imported *imp, const struct atoms_event *event, uint32_t class,
                uint32_t *steps, struct packet5 *packet, uint32_t *n_path)
{
    uint32_t changed = event->from;
    bool sure = event->sure >> class % 64 & 1;
    *n_path = 0;
    if (event->kind == ATOMS_LOOP && changed != ATOMS_NONE)
        return search_path(imp, class, event->node, event->node, sure, steps, packet, n_path);
    if (event->kind == ATOMS_HOLE && changed != ATOMS_NONE && event->node != changed)
        return search_path(imp, class, changed, event->node, sure, steps, packet, n_path);
    if (event->kind == ATOMS_HOLE)
        return search_senders(imp, class, event->node, sure, steps, packet, n_path);
    /* Of an audit: the node may only lead into the loop. */
    enum imported_truth truth = FINDING_REFUTED, worst = FINDING_REFUTED;
    for (uint32_t i = 0; i < imp->n_nodes && truth != FINDING_REAL; i++) {
        if (atoms_next_link(imp->atoms, class, i, 0) == ATOMS_NONE)
            continue;
        truth = search_path(imp, class, i, i, true, steps, packet, n_path);
        if (truth == FINDING_UNJUDGED)
            worst = truth;
    }
    return truth == FINDING_REAL ? truth : worst;
}

/* Each finding may use a sixteenth of what is left for the change, so that one does not starve all
 * others. */
static uint32_t
share_of(uint64_t left)
{
    return (uint32_t)MIN(left / 16 + 1, UINT32_MAX);
}

static void
judge_event(struct imported *imp, const struct atoms_event *event, uint64_t *left,
            struct imported_change *change)
{
    uint64_t *real = event->kind == ATOMS_LOOP ? &change->loops : &change->holes;
    *real += (uint64_t)__builtin_popcountll(event->sure);
    for (uint64_t classes = event->classes & ~event->sure; classes; classes &= classes - 1) {
        uint32_t class = event->block * 64 + (uint32_t)__builtin_ctzll(classes), n_path;
        uint32_t share = share_of(*left), steps = share;
        struct packet5 packet;
        enum imported_truth truth = imported_verify(imp, event, class, &steps, &packet, &n_path);
        *left -= MIN(*left, share - steps);
        change->refuted += truth == FINDING_REFUTED;
        change->unjudged += truth == FINDING_UNJUDGED;
        *real += truth == FINDING_REAL;
    }
}

void
imported_judge(struct imported *imp, struct imported_change *change)
{
    const struct atoms_change *a = &change->atoms;
    uint64_t left = imp->config.steps;
    if (!imp->n_filters) {
        change->loops = a->loops;
        change->holes = a->holes;
        return;
    }
    if (a->node == ATOMS_NONE) /* an audit: as if each were a change of its own */
        left *= a->n_events + 1;
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
    uint32_t length, n_path, steps = share_of(imp->config.steps);
    *f = (struct imported_finding){.kind = event->kind};
    enum imported_truth truth = imported_verify(imp, event, class, &steps, &f->packet, &n_path);
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
