#include "wan/planner.h"

#include "base/alloc.h"
#include "te/bookings.h"
#include "te/disjoint.h"
#include "wan/planner_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The network ---- */

static void
forget_network(struct planner *p)
{
    struct planner_node *node, *next;
    HASH_ITER (hh, p->nodes, node, next) {
        HASH_DEL(p->nodes, node);
        free(node);
    }
    te_bookings_free(p->bookings);
    te_bookings_free(p->standing);
    te_igp_free(p->igp);
    te_router_free(p->router);
    ted_view_release(p->view);
    free(p->free_bps);
    p->igp = NULL;
    p->bookings = NULL;
    p->standing = NULL;
    p->router = NULL;
    p->view = NULL;
    p->net = NULL;
    p->free_bps = NULL;
}

static void
index_nodes(struct planner *p)
{
    for (uint32_t i = 0; i < p->net->n_nodes; i++) {
        uint32_t id = wan_address_ipv4(&p->net->nodes[i].router_id);
        struct planner_node *node = NULL;
        if (id)
            HASH_FIND(hh, p->nodes, &id, sizeof id, node);
        if (!id || node)
            continue;
        node = xcalloc(1, sizeof *node);
        *node = (struct planner_node){.router_id = id, .index = i};
        HASH_ADD(hh, p->nodes, router_id, sizeof id, node);
    }
}

uint32_t
planner_find_node(const struct planner *p, uint32_t router_id)
{
    struct planner_node *node;
    HASH_FIND(hh, p->nodes, &router_id, sizeof router_id, node);
    return node ? node->index : TE_NONE;
}

/* Both directions of the links that are there, each once. */
static struct te_booking
booking_of(const struct held *h, unsigned path, uint32_t *links)
{
    const struct held_path *its = &h->paths[path];
    struct te_booking b = {.lsp = h->number,
                           .path = path,
                           .setup_priority = h->tunnel->setup_priority,
                           .hold_priority = h->tunnel->hold_priority,
                           .bandwidth_bps = (uint64_t)h->tunnel->rate_kbps * 1000,
                           .links = links};
    planner_window(h->tunnel, &b.windows, &b.n_windows);
    for (uint32_t i = 0; i < its->n; i++) {
        if (its->links[i] == TE_NONE)
            continue;
        links[b.n_links++] = its->links[i];
        if (its->reverses[i] != TE_NONE)
            links[b.n_links++] = its->reverses[i];
    }
    return b;
}

/* A tunnel has one window, or is for ever. */
void
planner_window(const struct tunnel *t, const struct te_window **windows, uint32_t *n)
{
    _Static_assert(sizeof(struct window) == sizeof(struct te_window) &&
                       offsetof(struct window, end) == offsetof(struct te_window, until),
                   "begin and end");
    *n = t->window.end ? 1 : 0;
    *windows = *n ? (const struct te_window *)&t->window : NULL;
}

static void
book(struct planner *p, const struct held *h)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        uint32_t *links = xcalloc(2 * h->paths[i].n + 1, sizeof *links);
        struct te_booking b = booking_of(h, i, links);
        enum err err = b.n_links ? te_bookings_force(p->bookings, &b) : ERR_OK;
        if (!err && b.n_links && h->standing)
            err = te_bookings_force(p->standing, &b);
        (void)err; /* it is what the network has, whatever else is said of it */
        free(links);
    }
}

static void
bind_path(struct planner *p, struct held_path *path)
{
    for (uint32_t i = 0; i < path->n; i++) {
        path->links[i] = p->view ? ted_view_find_link(p->view, path->keys[i]) : TE_NONE;
        path->reverses[i] = path->links[i] == TE_NONE ? TE_NONE
                                                      : p->net->links[path->links[i]].reverse;
    }
}

void
planner_set_view(struct planner *p, const struct ted_view *view)
{
    forget_network(p);
    p->view = ted_view_keep(view);
    p->net = ted_view_network(view);
    p->router = te_router_new(p->net);
    p->bookings = te_bookings_new(p->net);
    p->standing = te_bookings_new(p->net);
    p->free_bps = xcalloc(p->net->n_links + 1, sizeof *p->free_bps);
    index_nodes(p);
    for (struct held *h = p->held; h; h = h->hh.next) {
        for (unsigned i = 0; i < TUNNEL_PATHS; i++)
            bind_path(p, &h->paths[i]);
        book(p, h);
    }
}

void
planner_open(struct planner *p)
{
    const struct ted_view *view = p->view ? ted_view_keep(p->view) : NULL;
    if (!view)
        return;
    planner_set_view(p, view);
    ted_view_release(view);
}

/* ---- What is held ---- */

struct planner *
planner_new(void)
{
    return xcalloc(1, sizeof(struct planner));
}

static void
path_fini(struct held_path *path)
{
    for (uint32_t i = 0; i < path->n; i++)
        free(path->keys[i]);
    free(path->keys);
    free(path->links);
    free(path->reverses);
    *path = (struct held_path){0};
}

static void
held_free(struct planner *p, struct held *h)
{
    if (p->bookings) {
        te_bookings_remove_lsp(p->bookings, h->number);
        te_bookings_remove_lsp(p->standing, h->number);
    }
    HASH_DEL(p->held, h);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        path_fini(&h->paths[i]);
    tunnel_free(h->tunnel);
    free(h);
}

void
planner_free(struct planner *p)
{
    struct held *h, *next;
    if (!p)
        return;
    HASH_ITER (hh, p->held, h, next)
        held_free(p, h);
    planner_set_risks(p, NULL, 0);
    forget_network(p);
    free(p);
}

/* ---- Links at risk ---- */

void
planner_set_risks(struct planner *p, const struct planner_risk *risks, size_t n)
{
    struct held_risk *r, *next;
    HASH_ITER (hh, p->risks, r, next) {
        HASH_DEL(p->risks, r);
        free(r->key);
        free(r->why);
        free(r);
    }
    for (size_t i = 0; i < n; i++) {
        r = xcalloc(1, sizeof *r);
        *r = (struct held_risk){
            .key = xstrdup(risks[i].link), .why = xstrdup(risks[i].why), .leave = risks[i].leave};
        HASH_ADD_KEYPTR(hh, p->risks, r->key, strlen(r->key), r);
    }
}

static const struct held_risk *
find_risk(const struct planner *p, uint32_t link)
{
    struct held_risk *r = NULL;
    if (link != TE_NONE)
        HASH_FIND_STR(p->risks, ted_view_link_key(p->view, link), r);
    return r;
}

const struct held_risk *
planner_risk_of(const struct planner *p, uint32_t link)
{
    if (!p->risks || link == TE_NONE)
        return NULL;
    const struct held_risk *there = find_risk(p, link),
                           *back = find_risk(p, p->net->links[link].reverse);
    return !there || (back && back->leave && !there->leave) ? back : there;
}

bool
planner_is_risky(const struct planner *p, const json_t *path)
{
    const json_t *keys = json_object_get(path, "links");
    for (size_t i = 0; i < json_array_size(keys) && p->net; i++) {
        const char *key = json_string_value(json_array_get(keys, i));
        if (key && planner_risk_of(p, ted_view_find_link(p->view, key)))
            return true;
    }
    return false;
}

struct held *
planner_held(const struct planner *p, const char *tunnel)
{
    struct held *h;
    HASH_FIND_STR(p->held, tunnel, h);
    return h;
}

static void
read_path(struct held_path *path, const json_t *json)
{
    const json_t *links = json_object_get(json, "links");
    size_t n = json_array_size(links);
    path->keys = xcalloc(n, sizeof *path->keys);
    path->links = xcalloc(n, sizeof *path->links);
    path->reverses = xcalloc(n, sizeof *path->reverses);
    for (size_t i = 0; i < n; i++) {
        const char *key = json_string_value(json_array_get(links, i));
        path->keys[path->n++] = xstrdup(key ? key : "");
    }
}

static void
add_held(struct planner *p, struct held *h)
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        bind_path(p, &h->paths[i]);
    HASH_ADD_KEYPTR(hh, p->held, h->tunnel->name, strlen(h->tunnel->name), h);
    if (p->bookings)
        book(p, h);
}

bool
planner_holds(const struct planner *p, const char *tunnel, enum tunnel_path path,
              const json_t *links)
{
    const struct held *h = planner_held(p, tunnel);
    uint32_t n = h ? h->paths[path].n : 0;
    bool same = n == json_array_size(links);
    for (uint32_t i = 0; same && i < n; i++) {
        const char *key = json_string_value(json_array_get(links, i));
        same = key && !strcmp(key, h->paths[path].keys[i]);
    }
    return same;
}

static bool
holds_this(const struct planner *p, const struct tunnel *tunnel, uint32_t number, bool standing,
           const json_t *const paths[TUNNEL_PATHS])
{
    const struct held *h = planner_held(p, tunnel->name);
    bool same = h && h->number == number && h->standing == standing &&
                tunnel_equal(h->tunnel, tunnel);
    for (unsigned i = 0; i < TUNNEL_PATHS && same; i++)
        same = planner_holds(p, tunnel->name, i, json_object_get(paths[i], "links"));
    return same;
}

void
planner_hold(struct planner *p, const struct tunnel *tunnel, uint32_t number, bool standing,
             const json_t *const paths[TUNNEL_PATHS])
{
    if (holds_this(p, tunnel, number, standing, paths))
        return;
    planner_release(p, tunnel->name);
    struct held *h = xcalloc(1, sizeof *h);
    h->tunnel = tunnel_copy(tunnel);
    h->number = number;
    h->standing = standing;
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (paths[i])
            read_path(&h->paths[i], paths[i]);
    }
    add_held(p, h);
}

static struct held_path
path_copy(const struct held_path *path)
{
    struct held_path copy = {.n = path->n,
                             .keys = xcalloc(path->n, sizeof *copy.keys),
                             .links = xcalloc(path->n, sizeof *copy.links),
                             .reverses = xcalloc(path->n, sizeof *copy.reverses)};
    for (uint32_t i = 0; i < path->n; i++)
        copy.keys[i] = xstrdup(path->keys[i]);
    return copy;
}

static struct held *
held_copy(const struct held *h)
{
    struct held *copy = xcalloc(1, sizeof *copy);
    *copy = (struct held){
        .tunnel = tunnel_copy(h->tunnel), .number = h->number, .standing = h->standing};
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        copy->paths[i] = path_copy(&h->paths[i]);
    return copy;
}

static void
copy_risks(struct planner *to, const struct planner *from)
{
    size_t n = 0;
    struct planner_risk *risks = xcalloc(HASH_COUNT(from->risks) + 1, sizeof *risks);
    for (const struct held_risk *r = from->risks; r; r = r->hh.next)
        risks[n++] = (struct planner_risk){r->key, r->why, r->leave};
    planner_set_risks(to, risks, n);
    free(risks);
}

struct planner *
planner_copy(const struct planner *p)
{
    struct planner *copy = planner_new();
    copy->view = p->view ? ted_view_keep(p->view) : NULL;
    copy_risks(copy, p);
    for (const struct held *h = p->held; h; h = h->hh.next) {
        struct held *mine = held_copy(h);
        HASH_ADD_KEYPTR(hh, copy->held, mine->tunnel->name, strlen(mine->tunnel->name), mine);
    }
    return copy;
}

void
planner_hold_as(struct planner *p, const struct held *other)
{
    planner_release(p, other->tunnel->name);
    add_held(p, held_copy(other));
}

void
planner_release(struct planner *p, const char *tunnel)
{
    struct held *h = planner_held(p, tunnel);
    if (h)
        held_free(p, h);
}

/* ---- Load ---- */

json_t *
planner_load_json(const struct planner *p)
{
    json_t *json = json_object();
    for (uint32_t i = 0; p->net && i < p->net->n_links; i++) {
        struct te_window ever = {TE_EVER, TE_FOREVER};
        uint64_t left = te_bookings_link_free(p->bookings, i, TE_PRIORITIES - 1, ever, 0);
        json_object_set_new(
            json, ted_view_link_key(p->view, i),
            json_pack("{sI sI}", "reserved-bps",
                      (json_int_t)MIN(te_bookings_link_load(p->bookings, i, ever), INT64_MAX),
                      "free-bps", (json_int_t)MIN(left, INT64_MAX)));
    }
    return json;
}
