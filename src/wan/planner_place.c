/* planner_place.c - ways for tunnels: from what a tunnel says to what te/ computes with, and back.
 */
#include "wan/planner_private.h"

#include "base/alloc.h"
#include "model/way.h"

#include <stdlib.h>
#include <string.h>

/* ---- What is asked ---- */

void
asking_fini(struct asking *a)
{
    free(a->via);
    free(a->exclude_nodes);
    free(a->exclude_links);
    free(a->exclude_srlgs);
}

static enum err
find_router(const struct planner *p, const struct network *model, const char *name, uint32_t *node,
            struct diag *diag)
{
    const struct router *r = network_router(model, name);
    *node = r ? planner_find_node(p, r->router_id) : TE_NONE;
    if (*node != TE_NONE)
        return ERR_OK;
    return diag_set(diag, ERR_INVALID,
                    r ? "router %s: no source tells of its router id" : "there is no router %s",
                    name);
}

static void
add(uint32_t **list, uint32_t *n, uint32_t place)
{
    *list = xrealloc(*list, *n + 1, sizeof **list);
    (*list)[(*n)++] = place;
}

/* The link that has this address at one of its ends; TE_NONE: there is none. */
static uint32_t
find_link(const struct te_network *net, uint32_t ipv4)
{
    const struct te_address address = wan_address_of(ipv4);
    uint32_t found = te_network_link_at(net, &address);
    for (uint32_t i = 0; i < net->n_links && found == TE_NONE; i++) {
        if (wan_address_equal(&net->links[i].remote, &address))
            found = i;
    }
    return found;
}

/* In the direction that leads away from `at`: its nearer end comes first. */
static uint32_t
find_link_from(struct planner *p, uint32_t ipv4, uint32_t at)
{
    uint32_t found = find_link(p->net, ipv4);
    const struct te_link *link = found == TE_NONE ? NULL : &p->net->links[found];
    if (!link || link->reverse == TE_NONE)
        return found;
    const uint64_t *distances = te_igp_distances(planner_igp(p), at);
    return distances[link->to] < distances[link->from] ? link->reverse : found;
}

static enum err
find_via(struct planner *p, const struct network *model, const struct tunnel *t, struct asking *a,
         struct diag *diag)
{
    uint32_t at = a->request.from;
    a->via = xcalloc(t->n_via + 1, sizeof *a->via);
    for (uint32_t i = 0; i < t->n_via; i++) {
        const struct way_point point = way_read(model, t->via[i]);
        struct te_hop *hop = &a->via[a->n_via++];
        *hop = (struct te_hop){.node = TE_NONE, .link = TE_NONE, .loose = !t->strict};
        if (point.kind == WAY_LINK) {
            hop->link = find_link_from(p, point.number, at);
            if (hop->link == TE_NONE)
                return diag_set(diag, ERR_INVALID, "via: no link of the network has the address %s",
                                t->via[i]);
            at = p->net->links[hop->link].to;
            continue;
        }
        enum err err = find_router(p, model, t->via[i], &hop->node, diag);
        if (err)
            return err;
        at = hop->node;
    }
    if (t->strict && at != a->request.to)
        a->via[a->n_via++] = (struct te_hop){.node = a->request.to, .link = TE_NONE};
    return ERR_OK;
}

/* What is not there is avoided already. */
static void
find_avoided(const struct planner *p, const struct network *model, const struct tunnel *t,
             struct asking *a)
{
    struct te_constraints *c = &a->request.constraints;
    for (uint32_t i = 0; i < t->n_avoid; i++) {
        const struct way_point point = way_read(model, t->avoid[i]);
        const struct router *r = network_router(model, t->avoid[i]);
        uint32_t node = r ? planner_find_node(p, r->router_id) : TE_NONE,
                 link = point.kind == WAY_LINK ? find_link(p->net, point.number) : TE_NONE;
        if (node != TE_NONE)
            add(&a->exclude_nodes, &c->n_exclude_nodes, node);
        if (link != TE_NONE)
            add(&a->exclude_links, &c->n_exclude_links, link);
        for (uint32_t g = 0; g < p->net->n_srlgs && point.kind == WAY_SRLG; g++) {
            if (p->net->srlg_ids[g] == point.number)
                add(&a->exclude_srlgs, &c->n_exclude_srlgs, g);
        }
    }
}

static enum err
find_ends(struct planner *p, const struct network *model, const struct tunnel *t, struct asking *a,
          struct diag *diag)
{
    enum err err = find_router(p, model, t->head, &a->request.from, diag);
    if (!err)
        err = find_router(p, model, t->tail, &a->request.to, diag);
    if (!err)
        err = find_via(p, model, t, a, diag);
    return err;
}

/* The primary path of the tunnel that it shall be apart from. */
static void
exclude_other(const struct planner *p, const struct tunnel *t, struct asking *a)
{
    const struct held *other = t->diverse_from ? planner_held(p, t->diverse_from) : NULL;
    const struct held_path *path = other ? &other->paths[TUNNEL_PRIMARY] : NULL;
    struct te_constraints *c = &a->request.constraints;
    for (uint32_t i = 0; path && i < path->n; i++) {
        if (path->links[i] == TE_NONE)
            continue;
        const struct te_link *link = &p->net->links[path->links[i]];
        add(&a->exclude_links, &c->n_exclude_links, path->links[i]);
        for (uint32_t g = 0; g < link->n_srlgs; g++)
            add(&a->exclude_srlgs, &c->n_exclude_srlgs, p->net->link_srlgs[link->first_srlg + g]);
    }
}

enum err
planner_ask(struct planner *p, const struct network *model, const struct tunnel *t, bool apart,
            const uint64_t *free_bps, struct asking *a, struct diag *diag)
{
    static const enum te_metric metrics[TUNNEL_METRIC_MAX] = {
        [TUNNEL_IGP] = TE_METRIC_IGP,
        [TUNNEL_TE] = TE_METRIC_TE,
        [TUNNEL_DELAY] = TE_METRIC_DELAY,
        [TUNNEL_HOPS] = TE_METRIC_HOPS,
    };
    *a = (struct asking){.request = {.optimise = metrics[t->metric]}};
    struct te_constraints *c = &a->request.constraints;
    if (!p->net)
        return diag_set(diag, ERR_INVALID, "nothing is known of the network yet");
    c->bandwidth_bps = free_bps ? (uint64_t)t->rate_kbps * 1000 : 0;
    c->priority = t->setup_priority;
    c->free_bps = free_bps;
    c->include_any.words[0] = t->include_any;
    c->include_all.words[0] = t->include_all;
    c->exclude_any.words[0] = t->exclude_any;
    c->max_hops = t->max_hops;
    c->max_delay_us = t->max_latency_us;
    c->symmetric = true;
    c->bound_asymmetry = t->max_asymmetry_us != 0;
    c->max_asymmetry_us = t->max_asymmetry_us;
    if (apart)
        exclude_other(p, t, a);
    find_avoided(p, model, t, a);
    c->exclude_nodes = a->exclude_nodes;
    c->exclude_links = a->exclude_links;
    c->exclude_srlgs = a->exclude_srlgs;
    return find_ends(p, model, t, a, diag);
}

unsigned
planner_disjoint_flags(enum disjointness wanted)
{
    return wanted == DISJOINT_LINK ? TE_DISJOINT_LINK | TE_DISJOINT_SRLG
                                   : TE_DISJOINT_LINK | TE_DISJOINT_NODE | TE_DISJOINT_SRLG;
}

struct search {
    struct planner *p;
    const struct network *model;
    const struct tunnel *tunnel;
    unsigned keep;
    unsigned off_risks; /* which paths pass no link at risk; a bit per path */
    uint32_t *off;      /* these links, and those that the asking excludes */
    uint32_t n_off;
    struct asking asking;
    struct te_request requests[TUNNEL_PATHS];
    struct te_hop *fixed[TUNNEL_PATHS];
    bool refused; /* a path that would do takes more labels than a router can put on a packet */
};

/* Where a router can put few labels on a packet, the cheapest paths may all take too many. Then it
 * is searched among those with few links, each of which may have its own label, and among those
 * that the IGP prefers, which take the fewest labels. */
enum detour { AS_ASKED, FEW_LINKS, BY_IGP, DETOURS };

/* ---- JSON ---- */

json_t *
planner_router_json(const struct network *model, const struct te_node *node)
{
    uint32_t id = wan_address_ipv4(&node->router_id);
    const struct router *r = id ? network_router_by_id(model, id) : NULL;
    return json_string(r ? r->name : node->name);
}

static void
set_latencies(json_t *json, const struct te_path *path)
{
    if (path->n_unknown_delays)
        return;
    json_object_set_new(json, "latency-us", json_integer((json_int_t)path->delay_us));
    json_object_set_new(json, "latency-back-us", json_integer((json_int_t)path->reverse_delay_us));
}

/* Both ways' label stacks, which the routers must be able to bear. */
static enum err
set_labels(struct planner *p, json_t *json, const struct te_path *path, struct diag *diag)
{
    uint32_t *reverses = xcalloc(path->n + 1, sizeof *reverses);
    for (uint32_t i = 0; i < path->n; i++)
        reverses[i] = p->net->links[path->links[i]].reverse;
    uint32_t *back = planner_turn(reverses, path->n);
    json_t *labels = planner_labels_json(p, path->links, path->n, diag),
           *labels_back = labels ? planner_labels_json(p, back, path->n, diag) : NULL;
    bool done = labels && labels_back;
    if (done) {
        json_object_set(json, "labels", labels);
        json_object_set(json, "labels-back", labels_back);
    }
    json_decref(labels);
    json_decref(labels_back);
    free(reverses);
    free(back);
    return done ? ERR_OK : ERR_NOT_FOUND;
}

json_t *
planner_links_json(const struct planner *p, const struct network *model, const uint32_t *path,
                   uint32_t n)
{
    json_t *links = json_array(), *routers = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const struct te_link *link = &p->net->links[path[i]];
        if (!i)
            json_array_append_new(routers, planner_router_json(model, &p->net->nodes[link->from]));
        json_array_append_new(links, json_string(ted_view_link_key(p->view, path[i])));
        json_array_append_new(routers, planner_router_json(model, &p->net->nodes[link->to]));
    }
    return json_pack("{so so}", "links", links, "routers", routers);
}

enum err
planner_path_json(struct planner *p, const struct network *model, const struct te_path *path,
                  json_t **result, struct diag *diag)
{
    json_t *json = planner_links_json(p, model, path->links, path->n);
    json_object_set_new(json, "metric", json_integer((json_int_t)path->cost));
    set_latencies(json, path);
    enum err err = set_labels(p, json, path, diag);
    if (err)
        json_decref(json);
    else
        *result = json;
    return err;
}

/* ---- Searching ---- */

static bool
is_kept(const struct planner *p, const struct tunnel *t, unsigned keep, enum tunnel_path which)
{
    const struct held *h = planner_held(p, t->name);
    return h && keep >> which & 1 && planner_is_whole(&h->paths[which]);
}

/* As hops of a request: this path and no other. */
static struct te_hop *
fixed_hops(const struct held_path *path)
{
    struct te_hop *hops = xcalloc(path->n, sizeof *hops);
    for (uint32_t i = 0; i < path->n; i++)
        hops[i] = (struct te_hop){.node = TE_NONE, .link = path->links[i]};
    return hops;
}

static void
list_risks(struct search *s)
{
    const struct te_constraints *c = &s->asking.request.constraints;
    s->off = xcalloc(c->n_exclude_links + HASH_COUNT(s->p->risks) + 1, sizeof *s->off);
    for (uint32_t i = 0; i < c->n_exclude_links; i++)
        s->off[s->n_off++] = c->exclude_links[i];
    for (const struct held_risk *r = s->p->risks; r; r = r->hh.next) {
        uint32_t link = ted_view_find_link(s->p->view, r->key);
        if (link != TE_NONE)
            s->off[s->n_off++] = link;
    }
}

/* Each path's own request: what is kept is that path; by the given routers goes the primary one. */
static void
make_requests(struct search *s)
{
    const struct held *h = planner_held(s->p, s->tunnel->name);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        s->requests[i] = s->asking.request;
        if (is_kept(s->p, s->tunnel, s->keep, i)) {
            s->fixed[i] = fixed_hops(&h->paths[i]);
            s->requests[i].hops = s->fixed[i];
            s->requests[i].n_hops = h->paths[i].n;
        } else if (i == TUNNEL_PRIMARY) {
            s->requests[i].hops = s->asking.via;
            s->requests[i].n_hops = s->asking.n_via;
        }
        if (s->off_risks >> i & 1 && !s->fixed[i]) {
            s->requests[i].constraints.exclude_links = s->off;
            s->requests[i].constraints.n_exclude_links = s->n_off;
        }
    }
}

static bool
bears_labels(void *arg, const struct te_path *path)
{
    struct search *s = arg;
    bool fine = planner_can_label(s->p, path->links, path->n);
    s->refused |= !fine;
    return fine;
}

/* Labels that both ends can put on a packet. */
static uint32_t
depth_of(const struct search *s)
{
    const struct te_request *ask = &s->asking.request;
    const uint32_t ends[] = {ask->from, ask->to};
    uint32_t depth = PLANNER_SEGMENTS_MAX;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        uint32_t its = s->p->net->nodes[ends[i]].max_sid_depth;
        depth = its ? MIN(depth, its) : depth;
    }
    return depth;
}

static void
set_detour(struct search *s, enum detour detour)
{
    const struct te_request *plain = &s->asking.request;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        struct te_request *r = &s->requests[i];
        uint32_t most = plain->constraints.max_hops;
        r->accept = bears_labels;
        r->accept_arg = s;
        r->optimise = detour == BY_IGP ? TE_METRIC_IGP : plain->optimise;
        if (detour == FEW_LINKS && !s->fixed[i])
            most = most ? MIN(most, depth_of(s)) : depth_of(s);
        r->constraints.max_hops = most;
    }
}

/* The cost is that of what was asked. */
static enum err
put_path(struct search *s, struct te_path *path, json_t **json, struct diag *diag)
{
    te_path_measure(s->p->router, &s->asking.request, path);
    return planner_path_json(s->p, s->model, path, json, diag);
}

/* Why there is none. */
static enum err
refuse_one(struct search *s, struct diag *diag)
{
    struct te_path path = {0};
    struct te_refusal why = {0};
    struct te_request plain = s->requests[TUNNEL_PRIMARY];
    json_t *json = NULL;
    plain.accept = NULL;
    enum err err = te_route(s->p->router, &plain, &path, &why);
    if (err)
        return diag_set(diag, err, "%s", why.diag.text);
    err = put_path(s, &path, &json, diag); /* which says what labels it would take */
    json_decref(json);
    te_path_fini(&path);
    return err ? err : diag_set(diag, ERR_LIMIT, "no path was found; there may be one");
}

static enum err
search_one(struct search *s, json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    struct te_path path = {0};
    enum err err = ERR_NOT_FOUND;
    s->refused = false;
    for (enum detour d = AS_ASKED; d < DETOURS && err && (d == AS_ASKED || s->refused); d++) {
        set_detour(s, d);
        err = te_route(s->p->router, &s->requests[TUNNEL_PRIMARY], &path, NULL);
    }
    set_detour(s, AS_ASKED);
    if (err)
        return refuse_one(s, diag);
    err = put_path(s, &path, &paths[TUNNEL_PRIMARY], diag);
    te_path_fini(&path);
    return err;
}

/* Two paths that are one are no two. */
static bool
is_same(const struct te_path *a, const struct te_path *b)
{
    return a->n == b->n && !memcmp(a->links, b->links, a->n * sizeof *a->links);
}

static enum err
search_pair(struct search *s, bool best_effort, json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    struct te_disjoint_set set = {0};
    const struct te_disjoint_request request = {
        .n = TUNNEL_PATHS,
        .paths = s->requests,
        .disjoint = planner_disjoint_flags(s->tunnel->protection),
        .best_effort = best_effort};
    enum err err = ERR_NOT_FOUND;
    s->refused = false;
    for (enum detour d = AS_ASKED; d < DETOURS && err && (d == AS_ASKED || s->refused); d++) {
        set_detour(s, d);
        err = te_disjoint(s->p->router, &request, &set, diag);
    }
    set_detour(s, AS_ASKED);
    if (err)
        return err;
    for (unsigned i = 0; i < TUNNEL_PATHS && !err; i++) {
        if (i == TUNNEL_PRIMARY || !is_same(&set.paths[0], &set.paths[i]))
            err = put_path(s, &set.paths[i], &paths[i], diag);
    }
    for (unsigned i = 0; i < TUNNEL_PATHS && err; i++) {
        json_decref(paths[i]);
        paths[i] = NULL;
    }
    te_disjoint_fini(&set);
    return err;
}

static enum err
search(struct search *s, bool lenient, json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    enum disjointness wanted = s->tunnel->protection;
    struct diag apart = {""};
    if (wanted == DISJOINT_NONE)
        return search_one(s, paths, diag);
    enum err err = search_pair(s, wanted == DISJOINT_MAXIMAL, paths, &apart);
    if (err && lenient && wanted != DISJOINT_MAXIMAL)
        err = search_pair(s, true, paths, &apart);
    if (!err)
        return ERR_OK;
    bool alone = !search_one(s, paths, diag);
    if (alone && (lenient || wanted == DISJOINT_MAXIMAL))
        return ERR_OK;
    json_decref(paths[TUNNEL_PRIMARY]);
    paths[TUNNEL_PRIMARY] = NULL;
    return alone ? diag_set(diag, ERR_CONFLICT, "there is no second path that is apart: %.200s",
                            apart.text)
                 : err;
}

/* ---- Who is in the way ---- */

static const struct held *
held_by_number(const struct planner *p, uint64_t number)
{
    for (const struct held *h = p->held; h; h = h->hh.next) {
        if (h->number == number)
            return h;
    }
    return NULL;
}

static void
add_victims(const struct planner *p, const struct te_booking *b, json_t *victims)
{
    uint64_t *lsps = NULL;
    uint32_t n = 0;
    if (te_bookings_victims(p->bookings, b, &lsps, &n))
        return;
    for (uint32_t i = 0; i < n; i++) {
        const struct held *h = held_by_number(p, lsps[i]);
        if (h)
            json_array_append_new(victims, json_string(h->tunnel->name));
    }
    free(lsps);
}

static uint32_t
both_ways(const struct planner *p, const json_t *path, uint32_t **links)
{
    const json_t *keys = json_object_get(path, "links");
    uint32_t n = 0;
    *links = xcalloc(2 * json_array_size(keys) + 1, sizeof **links);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        uint32_t link = key ? ted_view_find_link(p->view, key) : TE_NONE;
        if (link == TE_NONE || p->net->links[link].reverse == TE_NONE)
            continue;
        (*links)[n++] = link;
        (*links)[n++] = p->net->links[link].reverse;
    }
    return n;
}

/* As if it were booked already: what one path takes, the other need not take again. */
static json_t *
find_victims(struct planner *p, const struct tunnel *t, json_t *const paths[TUNNEL_PATHS])
{
    const struct held *h = planner_held(p, t->name);
    uint64_t lsp = h ? h->number : UINT64_MAX;
    json_t *victims = json_array();
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        uint32_t *links;
        struct te_booking b = {.lsp = lsp,
                               .path = TUNNEL_PATHS + i,
                               .setup_priority = t->setup_priority,
                               .hold_priority = t->hold_priority,
                               .bandwidth_bps = (uint64_t)t->rate_kbps * 1000,
                               .n_links = both_ways(p, paths[i], &links)};
        b.links = links;
        planner_window(t, &b.windows, &b.n_windows);
        if (b.n_links) {
            add_victims(p, &b, victims);
            enum err err = te_bookings_force(p->bookings, &b);
            (void)err; /* for as long as this takes */
        }
        free(links);
    }
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        enum err err = te_bookings_remove(p->bookings, lsp, TUNNEL_PATHS + i);
        (void)err; /* not all were there */
    }
    return victims;
}

uint32_t *
planner_find_links(const struct planner *p, const json_t *path, uint32_t *n)
{
    const json_t *keys = json_object_get(path, "links");
    uint32_t *links = xcalloc(json_array_size(keys) + 1, sizeof *links);
    for (*n = 0; *n < json_array_size(keys); ++*n) {
        const char *key = json_string_value(json_array_get(keys, *n));
        links[*n] = key ? ted_view_find_link(p->view, key) : TE_NONE;
        if (links[*n] == TE_NONE || p->net->links[links[*n]].reverse == TE_NONE) {
            free(links);
            return NULL;
        }
    }
    return links;
}

/* ---- Is it better? ---- */

/* Of both paths in the tunnel's metric. False: not all links are there. */
static bool
cost_of(const struct planner *p, const struct te_request *ask, const uint32_t *links, uint32_t n,
        uint64_t *cost)
{
    struct te_path path = {.n = n, .links = (uint32_t *)(uintptr_t)links};
    if (links)
        te_path_measure(p->router, ask, &path);
    *cost = path.cost;
    return links != NULL;
}

bool
planner_is_better(struct planner *p, const struct network *model, const struct tunnel *t,
                  const json_t *const paths[TUNNEL_PATHS])
{
    const struct held *h = planner_held(p, t->name);
    struct asking asking = {0};
    uint64_t now[TUNNEL_PATHS] = {0}, then[TUNNEL_PATHS] = {0};
    bool whole = h && p->net && !planner_ask(p, model, t, true, NULL, &asking, NULL);
    for (unsigned i = 0; i < TUNNEL_PATHS && whole; i++) {
        uint32_t n = 0, *links = paths[i] ? planner_find_links(p, paths[i], &n) : NULL;
        if (h->paths[i].n)
            whole = planner_is_whole(&h->paths[i]) &&
                    cost_of(p, &asking.request, h->paths[i].links, h->paths[i].n, &now[i]);
        if (paths[i])
            whole = whole && cost_of(p, &asking.request, links, n, &then[i]);
        whole = whole && !paths[i] == !h->paths[i].n;
        free(links);
    }
    asking_fini(&asking);
    return whole && then[TUNNEL_PRIMARY] <= now[TUNNEL_PRIMARY] &&
           then[TUNNEL_PRIMARY] + then[TUNNEL_STANDBY] < now[TUNNEL_PRIMARY] + now[TUNNEL_STANDBY];
}

/* ---- Placing ---- */

/* What is asked of a search. */
struct wish {
    unsigned keep, off_risks;
    bool lenient, apart; /* apart: from the tunnel that it is to be apart from */
};

static enum err
look_for(struct planner *p, const struct network *model, const struct tunnel *t, struct wish wish,
         json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    struct search s = {
        .p = p, .model = model, .tunnel = t, .keep = wish.keep, .off_risks = wish.off_risks};
    enum err err = planner_ask(p, model, t, wish.apart, p->free_bps, &s.asking, diag);
    if (!err) {
        list_risks(&s);
        make_requests(&s);
        err = search(&s, wish.lenient, paths, diag);
    }
    free(s.off);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        free(s.fixed[i]);
        if (!err)
            continue;
        json_decref(paths[i]);
        paths[i] = NULL;
    }
    asking_fini(&s.asking);
    return err;
}

/* As far apart from the other tunnel as may be. Room that counts is in p->free_bps. */
static enum err
look_for_any(struct planner *p, const struct network *model, const struct tunnel *t,
             struct wish wish, json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    wish.apart = true;
    enum err err = look_for(p, model, t, wish, paths, diag);
    wish.apart = false;
    if (err && wish.lenient && t->diverse_from)
        err = look_for(p, model, t, wish, paths, diag);
    return err;
}

/* Whose priorities count: TE_PRIORITIES - 1: everybody's. */
static void
find_room(struct planner *p, const struct tunnel *t, unsigned priority)
{
    const struct held *h = planner_held(p, t->name);
    const struct te_window *windows;
    uint32_t n_windows;
    planner_window(t, &windows, &n_windows);
    if (p->bookings)
        te_bookings_all_free(p->bookings, priority, windows, n_windows, h ? h->number : 0,
                             p->free_bps);
}

enum err
planner_place(struct planner *p, const struct network *model, const struct tunnel *t, unsigned keep,
              bool lenient, json_t *paths[TUNNEL_PATHS], json_t **victims, struct diag *diag)
{
    json_t *found[TUNNEL_PATHS] = {NULL};
    find_room(p, t, t->setup_priority);
    enum err err = look_for_any(p, model, t, (struct wish){.keep = keep, .lenient = lenient}, found,
                                diag);
    if (err)
        return err;
    if (victims)
        *victims = find_victims(p, t, found);
    memcpy(paths, found, sizeof found);
    return ERR_OK;
}

#define PRIMARY (1u << TUNNEL_PRIMARY)
#define STANDBY (1u << TUNNEL_STANDBY)
#define BOTH (PRIMARY | STANDBY)

/* Which paths it holds pass a link at risk. */
static unsigned
find_risky(const struct planner *p, const struct held *h)
{
    unsigned risky = 0;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        for (uint32_t k = 0; k < h->paths[i].n; k++)
            risky |= planner_risk_of(p, h->paths[i].links[k]) ? 1u << i : 0;
    }
    return risky;
}

/* How much of what the tunnel does not want its paths to share they do. */
static struct te_disjoint_set
count_shared(const struct planner *p, const struct tunnel *t,
             const struct te_path paths[TUNNEL_PATHS])
{
    unsigned wanted = planner_disjoint_flags(t->protection);
    struct te_disjoint_set shared = {0};
    te_disjoint_count(p->router, &paths[TUNNEL_PRIMARY], &paths[TUNNEL_STANDBY], &shared);
    if (!(wanted & TE_DISJOINT_NODE))
        shared.shared_nodes = 0;
    return shared;
}

/* Than it is now: without a standby path, or with one that shares more. */
static bool
is_worse(const struct planner *p, const struct tunnel *t, const struct held *h,
         json_t *const found[TUNNEL_PATHS])
{
    struct te_path now[TUNNEL_PATHS], then[TUNNEL_PATHS] = {{0}};
    bool whole = true;
    if (!h->paths[TUNNEL_STANDBY].n || !found[TUNNEL_STANDBY])
        return h->paths[TUNNEL_STANDBY].n;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        planner_te_path(&h->paths[i], &now[i]);
        then[i].links = planner_find_links(p, found[i], &then[i].n);
        whole = whole && then[i].links && planner_is_whole(&h->paths[i]);
    }
    const struct te_disjoint_set none = {0}, a = whole ? count_shared(p, t, now) : none,
                                 b = whole ? count_shared(p, t, then) : none;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        free(then[i].links);
    return !whole || b.shared_links > a.shared_links || b.shared_nodes > a.shared_nodes ||
           b.shared_srlgs > a.shared_srlgs;
}

/* Has it as much protection as it asks for? */
static bool
is_protected(const struct planner *p, const struct tunnel *t, const struct held *h)
{
    struct te_path paths[TUNNEL_PATHS];
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        planner_te_path(&h->paths[i], &paths[i]);
    if (t->protection == DISJOINT_NONE || !planner_is_whole(&h->paths[TUNNEL_PRIMARY]) ||
        !planner_is_whole(&h->paths[TUNNEL_STANDBY]))
        return t->protection == DISJOINT_NONE;
    const struct te_disjoint_set shared = count_shared(p, t, paths);
    return !shared.shared_links && !shared.shared_nodes && !shared.shared_srlgs;
}

static enum err
leave(struct planner *p, const struct network *model, const struct tunnel *t, struct wish wish,
      json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    const struct held *h = planner_held(p, t->name);
    json_t *found[TUNNEL_PATHS] = {NULL};
    enum err err = look_for(p, model, t, wish, found, diag);
    if (err)
        return err;
    if (is_worse(p, t, h, found)) {
        for (unsigned i = 0; i < TUNNEL_PATHS; i++)
            json_decref(found[i]);
        return diag_set(diag, ERR_CONFLICT, "its paths would share more than they do");
    }
    memcpy(paths, found, sizeof found);
    return ERR_OK;
}

enum err
planner_leave(struct planner *p, const struct network *model, const struct tunnel *t,
              json_t *paths[TUNNEL_PATHS], struct diag *diag)
{
    const struct held *h = planner_held(p, t->name);
    unsigned risky = h && p->net ? find_risky(p, h) : 0;
    const struct {
        unsigned if_risky, keep, off_risks; /* if_risky: one of them is */
    } ways[] = {
        {BOTH, ~risky & BOTH, BOTH}, /* what is sound stays */
        {PRIMARY, 0, BOTH},          /* ... or not even that */
        {PRIMARY, 0, PRIMARY},       /* the standby path takes the risk */
        {STANDBY, PRIMARY, STANDBY},
    };
    enum err err = diag_set(diag, ERR_NOT_FOUND, "it passes no link at risk");
    bool lenient = risky && !is_protected(p, t, h);
    find_room(p, t, TE_PRIORITIES - 1);
    for (size_t i = 0; i < ARRAY_SIZE(ways) && err; i++) {
        const struct wish wish = {.keep = ways[i].keep,
                                  .off_risks = ways[i].off_risks,
                                  .lenient = lenient,
                                  .apart = true};
        if (ways[i].if_risky & risky)
            err = leave(p, model, t, wish, paths, diag);
    }
    return err;
}

enum err
planner_fits(const struct planner *p, const struct tunnel *t,
             const json_t *const paths[TUNNEL_PATHS], struct diag *diag)
{
    const struct held *h = planner_held(p, t->name);
    const struct te_window *windows, ever = {TE_EVER, TE_FOREVER};
    uint32_t n_windows;
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    planner_window(t, &windows, &n_windows);
    for (unsigned i = 0; i < TUNNEL_PATHS && paths[i]; i++) {
        uint32_t *links, n = both_ways(p, paths[i], &links);
        bool whole = n == 2 * json_array_size(json_object_get(paths[i], "links"));
        const char *full = NULL;
        for (uint32_t l = 0; l < n && !full; l++) {
            uint64_t left = te_bookings_link_free(p->bookings, links[l], t->setup_priority,
                                                  windows ? *windows : ever, h ? h->number : 0);
            full = left < (uint64_t)t->rate_kbps * 1000 ? ted_view_link_key(p->view, links[l])
                                                        : NULL;
        }
        free(links);
        if (!whole)
            return diag_set(diag, ERR_CONFLICT, "tunnel %s: a link of its %s path is gone", t->name,
                            tunnel_path_words[i]);
        if (full)
            return diag_set(diag, ERR_CONFLICT, "tunnel %s: %s has no %u kbit/s left", t->name,
                            full, t->rate_kbps);
    }
    return ERR_OK;
}
