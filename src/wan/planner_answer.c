/* planner_answer.c - paths that routers ask for by themselves: alone, or several that stay apart.
 *
 * What is only desired is tried first. If that does not work, all of it is left out at once: which
 * part of it is in the way is not looked for. */
#include "wan/planner_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

#define RANKINGS 64
#define FOLLOWED_MAX 64 /* links of a path that a router reports */

/* ---- What is meant ---- */

/* By its router id, else by an address of one of its links. */
static uint32_t
find_node(const struct planner *p, const struct te_address *address)
{
    uint32_t node = te_network_node_at(p->net, address);
    if (node != TE_NONE)
        return node;
    uint32_t link = te_network_link_at(p->net, address);
    return link == TE_NONE ? TE_NONE : p->net->links[link].from;
}

static bool
covers(const struct planner_resource *r, const struct te_address *address)
{
    unsigned bits = MIN(r->prefix, r->address.family == 4 ? 32 : 128), rest = bits % 8;
    if (!r->address.family || r->address.family != address->family ||
        memcmp(r->address.octets, address->octets, bits / 8) != 0)
        return false;
    unsigned differ = rest ? r->address.octets[bits / 8] ^ address->octets[bits / 8] : 0;
    return !(differ >> (8 - rest));
}

/* Is the end at its router, where it leaves, the interface that is meant? */
static bool
leaves_by(const struct te_network *net, const struct te_link *link,
          const struct planner_resource *r)
{
    if (r->unnumbered)
        return link->local_id == r->number && covers(r, &net->nodes[link->from].router_id);
    return covers(r, &link->local);
}

static bool
ends_at(const struct te_network *net, uint32_t link, const struct planner_resource *r)
{
    const struct te_link *l = &net->links[link];
    return leaves_by(net, l, r) ||
           (l->reverse != TE_NONE && leaves_by(net, &net->links[l->reverse], r)) ||
           (!r->unnumbered && covers(r, &l->remote));
}

/* ---- Questions as te/ takes them ---- */

struct places {
    uint32_t *list, n;
    uint32_t capacity;
    uint8_t *met; /* of each place: it is in the list */
};

struct inquiry {
    struct te_request request;
    struct te_hop *hops;
    uint32_t n_hops, hops_capacity;
    struct places nodes, links, srlgs; /* that it stays away from */
    uint64_t *free_bps;
    bool desires; /* some of it is only desired */
    struct planner *planner;
    unsigned max_labels; /* 0: as many as the router can */
};

static void
places_fini(struct places *places)
{
    free(places->list);
    free(places->met);
}

static void
inquiry_fini(struct inquiry *i)
{
    free(i->hops);
    places_fini(&i->nodes);
    places_fini(&i->links);
    places_fini(&i->srlgs);
    free(i->free_bps);
}

/* One of `total`. */
static void
add_place(struct places *places, uint32_t place, uint32_t total)
{
    if (!places->met)
        places->met = xcalloc(total, 1);
    if (places->met[place])
        return;
    places->met[place] = 1;
    GROW(places->list, places->n, places->capacity);
    places->list[places->n++] = place;
}

static void
avoid_nodes(const struct te_network *net, const struct planner_resource *r, struct inquiry *out)
{
    for (uint32_t i = 0; i < net->n_nodes; i++) {
        if (covers(r, &net->nodes[i].router_id))
            add_place(&out->nodes, i, net->n_nodes);
    }
    for (uint32_t i = 0; i < net->n_links && r->kind == PLANNER_NODE; i++) {
        if (leaves_by(net, &net->links[i], r))
            add_place(&out->nodes, net->links[i].from, net->n_nodes);
    }
}

/* Links of which one end is meant, or their risks. */
static void
avoid_links(const struct te_network *net, const struct planner_resource *r, struct inquiry *out)
{
    bool found = false;
    for (uint32_t i = 0; i < net->n_links; i++) {
        const struct te_link *link = &net->links[i];
        if (!ends_at(net, i, r))
            continue;
        found = true;
        if (r->kind == PLANNER_INTERFACE)
            add_place(&out->links, i, net->n_links);
        for (uint32_t k = 0; k < link->n_srlgs && r->kind == PLANNER_SRLGS; k++)
            add_place(&out->srlgs, net->link_srlgs[link->first_srlg + k], net->n_srlgs);
    }
    if (!found && r->kind == PLANNER_INTERFACE && !r->unnumbered)
        avoid_nodes(net, r, out);
}

static enum err
avoid(const struct planner *p, const struct planner_question *q, bool desired, struct inquiry *out,
      struct diag *diag)
{
    for (uint32_t i = 0; i < q->n_avoid; i++) {
        const struct planner_resource *r = &q->avoid[i];
        out->desires |= r->loose;
        if (r->loose && (!desired || r->kind == PLANNER_STRANGE))
            continue;
        if (r->kind == PLANNER_STRANGE)
            return diag_set(diag, ERR_UNSUPPORTED,
                            "exclusion %u is of a kind that is not understood", i + 1);
        if (r->kind == PLANNER_NODE)
            avoid_nodes(p->net, r, out);
        else if (r->kind == PLANNER_SRLG)
            for (uint32_t g = 0; g < p->net->n_srlgs; g++) {
                if (p->net->srlg_ids[g] == r->number)
                    add_place(&out->srlgs, g, p->net->n_srlgs);
            }
        else
            avoid_links(p->net, r, out);
    }
    return ERR_OK;
}

/* False: nothing, or more than one thing, is of that address. */
static bool
find_hop(const struct te_network *net, const struct planner_resource *r, uint32_t at,
         struct te_hop *hop)
{
    unsigned n = 0;
    *hop = (struct te_hop){.link = TE_NONE, .loose = r->loose};
    if (r->kind != PLANNER_NODE && r->kind != PLANNER_INTERFACE)
        return false;
    for (uint32_t i = 0; i < net->n_nodes && !r->unnumbered; i++) {
        if (covers(r, &net->nodes[i].router_id)) {
            hop->node = i;
            n++;
        }
    }
    for (uint32_t i = 0; i < net->n_links && !n; i++) {
        const struct te_link *link = &net->links[i];
        if (!leaves_by(net, link, r))
            continue;
        if (hop->link != TE_NONE)
            return false;
        hop->link = link->from == at || r->unnumbered ? i : link->reverse;
        if (hop->link == TE_NONE)
            return false;
    }
    return n == 1 || (!n && hop->link != TE_NONE);
}

static enum err
pass(const struct planner *p, const struct planner_question *q, bool desired, struct inquiry *out,
     struct diag *diag)
{
    uint32_t at = out->request.from;
    out->desires |= q->n_pass && q->pass_if_possible;
    for (uint32_t i = 0; i < q->n_pass && (desired || !q->pass_if_possible); i++) {
        struct te_hop hop;
        if (!find_hop(p->net, &q->pass[i], at, &hop))
            return diag_set(diag, ERR_NOT_FOUND, "what it is to pass, %u, is not in the network",
                            i + 1);
        if (hop.link == TE_NONE && hop.node == at)
            continue;
        GROW(out->hops, out->n_hops, out->hops_capacity);
        out->hops[out->n_hops++] = hop;
        at = hop.link == TE_NONE ? hop.node : p->net->links[hop.link].to;
    }
    return ERR_OK;
}

/* A way that is given, whatever it meets. */
static enum err
follow(const struct planner *p, const struct planner_question *q, struct inquiry *out,
       struct diag *diag)
{
    for (uint32_t i = 0; i < q->n_way; i++) {
        uint32_t link = ted_view_find_link(p->view, q->way[i]);
        if (link == TE_NONE)
            return diag_set(diag, ERR_NOT_FOUND, "link %s is gone", q->way[i]);
        GROW(out->hops, out->n_hops, out->hops_capacity);
        out->hops[out->n_hops++] = (struct te_hop){.link = link};
    }
    return ERR_OK;
}

static void
write_constraints(struct planner *p, const struct planner_question *q, struct inquiry *out)
{
    struct te_constraints *c = &out->request.constraints;
    out->free_bps = xcalloc(p->net->n_links + 1, sizeof *out->free_bps);
    te_bookings_all_free(p->bookings, q->priority, NULL, 0, 0, out->free_bps);
    c->bandwidth_bps = q->bandwidth_bps;
    c->priority = q->priority;
    c->free_bps = out->free_bps;
    c->include_any.words[0] = q->include_any;
    c->include_all.words[0] = q->include_all;
    c->exclude_any.words[0] = q->exclude_any;
    c->max_hops = q->max_hops;
    c->max_delay_us = q->max_delay_us;
    c->max_igp = q->max_igp;
    c->max_te = q->max_te;
    c->exclude_nodes = out->nodes.list;
    c->exclude_links = out->links.list;
    c->exclude_srlgs = out->srlgs.list;
    c->n_exclude_nodes = out->nodes.n;
    c->n_exclude_links = out->links.n;
    c->n_exclude_srlgs = out->srlgs.n;
}

/* Free it also on error. */
static enum err
inquire(struct planner *p, const struct planner_question *q, bool desired, struct inquiry *out,
        bool *unknown_source, struct diag *diag)
{
    static const enum te_metric metrics[TUNNEL_METRIC_MAX] = {
        [TUNNEL_IGP] = TE_METRIC_IGP,
        [TUNNEL_TE] = TE_METRIC_TE,
        [TUNNEL_DELAY] = TE_METRIC_DELAY,
        [TUNNEL_HOPS] = TE_METRIC_HOPS,
    };
    struct te_request *request = &out->request;
    enum err err = ERR_OK;
    if (q->priority >= TE_PRIORITIES) { /* routers say what they like */
        *unknown_source = false;
        return diag_set(diag, ERR_NOT_FOUND, "priority %u is none", q->priority);
    }
    request->optimise = metrics[q->metric];
    request->from = find_node(p, &q->source);
    request->to = find_node(p, &q->destination);
    *unknown_source = request->from == TE_NONE;
    if (request->from == TE_NONE || request->to == TE_NONE)
        return diag_set(diag, ERR_INVALID, "the %s is not known",
                        *unknown_source ? "source" : "destination");
    if (request->from == request->to)
        return diag_set(diag, ERR_NOT_FOUND, "it ends where it begins");
    if (q->n_way)
        err = follow(p, q, out, diag);
    if (!q->n_way)
        err = avoid(p, q, desired, out, diag);
    if (!q->n_way && !err)
        err = pass(p, q, desired, out, diag);
    if (!q->n_way && !err)
        write_constraints(p, q, out);
    if (out->n_hops > TE_HOPS_MAX)
        return diag_set(diag, ERR_NOT_FOUND, "it is to pass more than %d routers", TE_HOPS_MAX);
    request->hops = out->hops;
    request->n_hops = out->n_hops;
    return err;
}

/* ---- Answers ---- */

void
planner_answer_fini(struct planner_answer *a)
{
    for (uint32_t i = 0; i < a->n_steps; i++)
        free(a->steps[i].link);
    free(a->steps);
    *a = (struct planner_answer){.n = 0};
}

static struct planner_step
step_of(const struct planner *p, uint32_t at)
{
    const struct te_link *link = &p->net->links[at];
    struct planner_step step = {.link = xstrdup(ted_view_link_key(p->view, at)),
                                .address = link->remote};
    if (!step.address.family && link->reverse != TE_NONE)
        step.address = p->net->links[link->reverse].local;
    if (!step.address.family) {
        step.address = p->net->nodes[link->from].router_id;
        step.interface = link->local_id;
    }
    return step;
}

static enum err
label(struct planner *p, const struct planner_question *q, const struct te_path *path,
      struct planner_answer *a, struct diag *diag)
{
    enum err err = q->no_labels || q->n_way
                       ? ERR_OK
                       : planner_stack(p, path->links, path->n, a->segments, &a->n, diag);
    if (!err && q->max_labels && a->n > q->max_labels)
        err = diag_set(diag, ERR_LIMIT, "it takes %zu labels, the router can put on %u", a->n,
                       q->max_labels);
    if (err)
        return err;
    a->igp = path->igp;
    a->te = path->te;
    a->delay_us = path->delay_us;
    a->hops = path->n;
    a->n_steps = path->n;
    a->steps = xcalloc(path->n + 1, sizeof *a->steps);
    for (uint32_t i = 0; i < path->n; i++)
        a->steps[i] = step_of(p, path->links[i]);
    return ERR_OK;
}

/* ---- Computing ---- */

static bool
is_shallow(void *arg, const struct te_path *path)
{
    const struct inquiry *i = arg;
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    size_t n = 0;
    return !planner_stack(i->planner, path->links, path->n, segments, &n, NULL) &&
           (!i->max_labels || n <= i->max_labels);
}

/* Only paths that do not take too many labels are taken. */
static void
bound_labels(struct planner *p, const struct planner_question *q, struct inquiry *i)
{
    if (q->no_labels || q->n_way)
        return;
    i->planner = p;
    i->max_labels = q->max_labels;
    i->request.accept = is_shallow;
    i->request.accept_arg = i;
    i->request.rankings = RANKINGS; /* a router may ask for what there is not, again and again */
}

static enum err
find_paths(struct planner *p, const struct inquiry *inquiries, size_t n,
           struct planner_together *together, struct te_disjoint_set *set, struct diag *diag)
{
    if (n == 1) {
        struct te_refusal why = {0};
        enum err err = te_route(p->router, &inquiries->request, &set->paths[0], &why);
        return err ? diag_set(diag, ERR_NOT_FOUND, "%s", why.diag.text) : ERR_OK;
    }
    struct te_request requests[PLANNER_TOGETHER_MAX];
    struct diag why = {""};
    for (size_t i = 0; i < n; i++)
        requests[i] = inquiries[i].request;
    const struct te_disjoint_request ask = {.n = (uint32_t)n,
                                            .paths = requests,
                                            .disjoint = together->disjoint | TE_DISJOINT_LINK,
                                            .best_effort = together->best_effort};
    if (te_disjoint(p->router, &ask, set, &why))
        return diag_set(diag, ERR_NOT_FOUND, "%s", why.text);
    together->in_common = (set->shared_links ? TE_DISJOINT_LINK : 0) |
                          (set->shared_nodes ? TE_DISJOINT_NODE : 0) |
                          (set->shared_srlgs ? TE_DISJOINT_SRLG : 0);
    return ERR_OK;
}

/* `desired`: with what is only desired. *desires: there is such. */
static enum err
find_and_label(struct planner *p, const struct planner_question *questions, size_t n, bool desired,
               struct planner_together *together, struct planner_answer *answers, bool *desires,
               bool *unknown_source, struct diag *diag)
{
    struct inquiry inquiries[PLANNER_TOGETHER_MAX] = {0};
    struct te_disjoint_set set = {.n = (uint32_t)n};
    enum err err = ERR_OK;
    for (size_t i = 0; i < n && !err; i++)
        err = inquire(p, &questions[i], desired, &inquiries[i], unknown_source, diag);
    for (size_t i = 0; i < n; i++)
        *desires |= inquiries[i].desires;
    for (size_t i = 0; i < n && !err; i++)
        bound_labels(p, &questions[i], &inquiries[i]);
    if (!err && find_paths(p, inquiries, n, together, &set, diag)) {
        for (size_t i = 0; i < n; i++) /* then why, or the labels of the best ones say so */
            inquiries[i].request.accept = NULL;
        err = find_paths(p, inquiries, n, together, &set, diag);
    }
    for (size_t i = 0; i < n && !err; i++)
        err = label(p, &questions[i], &set.paths[i], &answers[i], diag);
    for (size_t i = 0; i < n; i++) {
        if (err)
            planner_answer_fini(&answers[i]);
        te_path_fini(&set.paths[i]);
        inquiry_fini(&inquiries[i]);
    }
    return err;
}

enum err
planner_answer_together(struct planner *p, const struct planner_question *questions, size_t n,
                        struct planner_together *together, struct planner_answer *answers,
                        bool *unknown_source, struct diag *diag)
{
    bool desires = false;
    *unknown_source = false;
    memset(answers, 0, n * sizeof *answers);
    if (!p->net)
        return diag_set(diag, ERR_NOT_FOUND, "nothing is known of the network yet");
    if (!n || n > PLANNER_TOGETHER_MAX)
        return diag_set(diag, ERR_UNSUPPORTED, "1 to %d paths are computed at once, not %zu",
                        PLANNER_TOGETHER_MAX, n);
    enum err err = find_and_label(p, questions, n, true, together, answers, &desires,
                                  unknown_source, diag);
    if (desires && (err == ERR_NOT_FOUND || err == ERR_LIMIT))
        err = find_and_label(p, questions, n, false, together, answers, &desires, unknown_source,
                             diag);
    return err;
}

enum err
planner_answer(struct planner *p, const struct planner_question *q, struct planner_answer *answer,
               bool *unknown_source, struct diag *diag)
{
    struct planner_together alone = {.disjoint = 0};
    return planner_answer_together(p, q, 1, &alone, answer, unknown_source, diag);
}

/* ---- What is there ---- */

enum err
planner_stands(struct planner *p, const struct planner_question *q, char *const *way, uint32_t n,
               struct diag *diag)
{
    struct inquiry inquiry = {.n_hops = 0};
    struct te_path path = {.n = n, .links = xcalloc(n + 1, sizeof *path.links)};
    bool unknown_source;
    enum err err = p->net ? inquire(p, q, false, &inquiry, &unknown_source, diag)
                          : diag_set(diag, ERR_NOT_FOUND, "nothing is known of the network yet");
    for (uint32_t i = 0; i < n && !err; i++) {
        path.links[i] = ted_view_find_link(p->view, way[i]);
        if (path.links[i] == TE_NONE)
            err = diag_set(diag, ERR_NOT_FOUND, "link %s is gone", way[i]);
        else if (!p->net->links[path.links[i]].up)
            err = diag_set(diag, ERR_CONFLICT, "link %s is down", way[i]);
    }
    if (!err)
        err = te_path_check(p->router, &inquiry.request, &path, diag);
    te_path_fini(&path);
    inquiry_fini(&inquiry);
    return err;
}

enum err
planner_follow(struct planner *p, const struct planner_question *q, const uint32_t *labels,
               uint32_t n_labels, char ***way, uint32_t *n, struct diag *diag)
{
    struct te_segments segments = {0};
    struct te_expansion expansion = {0};
    *way = NULL;
    *n = 0;
    if (!p->net)
        return diag_set(diag, ERR_NOT_FOUND, "nothing is known of the network yet");
    uint32_t from = find_node(p, &q->source), to = find_node(p, &q->destination);
    if (from == TE_NONE || to == TE_NONE)
        return diag_set(diag, ERR_INVALID, "an end of it is not known");
    enum err err = te_segments_decode(planner_igp(p), from, labels, n_labels, &segments, diag);
    if (err)
        return err;
    err = te_segments_expand(planner_igp(p), from, &segments, &expansion, diag);
    te_segments_fini(&segments);
    if (err)
        return err;
    if (expansion.n > FOLLOWED_MAX)
        err = diag_set(diag, ERR_NOT_FOUND, "its labels lead over more than %d links",
                       FOLLOWED_MAX);
    else if (expansion.end != to)
        err = diag_set(diag, ERR_NOT_FOUND, "its labels lead to %s",
                       p->net->nodes[expansion.end].name);
    if (!err && expansion.unique && expansion.n) {
        *way = xcalloc(expansion.n, sizeof **way);
        for (; *n < expansion.n; (*n)++)
            (*way)[*n] = xstrdup(ted_view_link_key(p->view, expansion.shares[*n].link));
    }
    te_expansion_fini(&expansion);
    return err;
}
