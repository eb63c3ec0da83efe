/* The designer against a plain one: no index, no cache, nothing kept from one circuit to the next,
 * every search over the whole network, every candidate tried. On random networks, circuit by
 * circuit, both must say the same, word for word. */
#include "engineer/design.h"

#include "engineer/design_private.h"
#include "engineer/testing_random.h"

#define SHARED_LINK (INT64_C(1) << 30)
#define SHARED_RISK (INT64_C(1) << 29)
#define SHARED_NODE (INT64_C(1) << 20)
#define FOREIGN_NODE (INT64_C(1) << 18)

/* ---- The plain designer ---- */

struct plain {
    const struct network *net;
    struct topology *t;
    bool taken[DESIGN_NUMBER_MAX + 2];
    bool full[64], foreign[64], banned_links[64], banned_nodes[64];
    int64_t link_surcharge[64], node_surcharge[64];
};

/* Dijkstra's algorithm, looking at all nodes and all links in each step. */
static bool
plain_shortest(struct plain *p, uint32_t from, uint32_t to, uint32_t *parent, struct path *path)
{
    const struct graph *g = &p->t->graph;
    int64_t distance[64];
    bool settled[64] = {0};
    for (uint32_t v = 0; v < g->n_nodes; v++) {
        distance[v] = INT64_MAX;
        parent[v] = NO_INDEX;
    }
    distance[from] = 0;
    for (;;) {
        uint32_t v = NO_INDEX;
        for (uint32_t i = 0; i < g->n_nodes; i++) {
            if (!settled[i] && distance[i] != INT64_MAX &&
                (v == NO_INDEX || distance[i] < distance[v]))
                v = i;
        }
        if (v == NO_INDEX || v == to)
            break;
        settled[v] = true;
        for (uint32_t e = 0; e < g->n_edges; e++) {
            if ((g->edges[e].a != v && g->edges[e].b != v) || p->full[e] || p->banned_links[e])
                continue;
            uint32_t next = graph_other_end(g, e, v);
            int64_t there = distance[v] + (v == from ? 0 : p->node_surcharge[v]) +
                            g->edges[e].cost + p->link_surcharge[e];
            if (there < distance[next] && (!p->banned_nodes[next] || next == to)) {
                distance[next] = there;
                parent[next] = e;
            }
        }
    }
    if (to == NO_INDEX || distance[to] == INT64_MAX)
        return false;
    *path = (struct path){.edges = xcalloc(64, sizeof *path->edges)};
    for (uint32_t v = to; v != from; v = graph_other_end(g, parent[v], v))
        path->n++;
    uint32_t at = path->n;
    for (uint32_t v = to; v != from; v = graph_other_end(g, parent[v], v)) {
        path->edges[--at] = parent[v];
        path->cost += g->edges[parent[v]].cost;
    }
    return true;
}

static void
charge_foreign(struct plain *p)
{
    memset(p->link_surcharge, 0, sizeof p->link_surcharge);
    for (uint32_t v = 0; v < p->t->graph.n_nodes; v++)
        p->node_surcharge[v] = p->foreign[v] ? FOREIGN_NODE : 0;
}

static bool
share_risk(const struct link *a, const struct link *b)
{
    for (uint32_t i = 0; i < a->n_shared_risks; i++) {
        for (uint32_t k = 0; k < b->n_shared_risks; k++) {
            if (!strcmp(a->shared_risks[i], b->shared_risks[k]))
                return true;
        }
    }
    return false;
}

static void
judge(const struct plain *p, uint32_t from, struct pair *pair)
{
    const struct topology *t = p->t;
    uint32_t va = from;
    pair->shared_links = pair->shared_risks = pair->shared_nodes = pair->foreign_nodes = 0;
    pair->opposed = false;
    for (int i = 0; i < 2; i++) {
        uint32_t v = from;
        for (uint32_t k = 0; k + 1 < pair->paths[i].n; k++) {
            v = graph_other_end(&t->graph, pair->paths[i].edges[k], v);
            pair->foreign_nodes += p->foreign[v];
        }
    }
    for (uint32_t i = 0; i < pair->paths[0].n; i++) {
        uint32_t a = pair->paths[0].edges[i], vb = from;
        uint32_t next_a = graph_other_end(&t->graph, a, va);
        for (uint32_t k = 0; k < pair->paths[1].n; k++) {
            uint32_t b = pair->paths[1].edges[k], next_b = graph_other_end(&t->graph, b, vb);
            pair->shared_links += a == b;
            pair->opposed |= a == b && va != vb;
            pair->shared_risks += a != b && share_risk(t->links[a], t->links[b]);
            pair->shared_nodes += next_a == next_b && i + 1 < pair->paths[0].n &&
                                  k + 1 < pair->paths[1].n;
            vb = next_b;
        }
        va = next_a;
    }
}

static void
plain_second(struct plain *p, uint32_t from, uint32_t to, struct pair *pair)
{
    uint32_t v = from, parent[64];
    charge_foreign(p);
    for (uint32_t i = 0; i < pair->paths[0].n; i++) {
        uint32_t link = pair->paths[0].edges[i];
        p->link_surcharge[link] += SHARED_LINK;
        for (uint32_t e = 0; e < p->t->graph.n_edges; e++)
            p->link_surcharge[e] += e != link && share_risk(p->t->links[link], p->t->links[e])
                                        ? SHARED_RISK
                                        : 0;
        v = graph_other_end(&p->t->graph, link, v);
        p->node_surcharge[v] += SHARED_NODE;
    }
    path_fini(&pair->paths[1]);
    pair->has_second = plain_shortest(p, from, to, parent, &pair->paths[1]);
    judge(p, from, pair);
    if (pair->has_second && pair->paths[0].n && pair->paths[0].n == pair->paths[1].n &&
        pair->shared_links == pair->paths[0].n) {
        path_fini(&pair->paths[1]);
        pair->has_second = false;
    }
    charge_foreign(p);
}

static bool
is_better(const struct pair *a, const struct pair *b)
{
    const int64_t x[] = {a->opposed,       a->shared_links,  a->shared_risks, a->shared_nodes,
                         a->foreign_nodes, a->paths[0].cost, a->paths[1].cost};
    const int64_t y[] = {b->opposed,       b->shared_links,  b->shared_risks, b->shared_nodes,
                         b->foreign_nodes, b->paths[0].cost, b->paths[1].cost};
    for (size_t i = 0; i < ARRAY_SIZE(x); i++) {
        if (x[i] != y[i])
            return x[i] < y[i];
    }
    return false;
}

static void
try_primary(struct plain *p, uint32_t from, uint32_t to, struct path primary, struct pair *best)
{
    struct pair pair = {.paths = {primary}};
    plain_second(p, from, to, &pair);
    if (pair.has_second && (!best->has_second || is_better(&pair, best))) {
        struct pair swap = *best;
        *best = pair;
        pair = swap;
    }
    pair_fini(&pair);
}

static bool
same_edges(const struct path *a, const struct path *b)
{
    return a->n == b->n && !memcmp(a->edges, b->edges, a->n * sizeof *a->edges);
}

static int64_t
cost_with_surcharges(const struct plain *p, uint32_t from, const struct path *path)
{
    int64_t sum = path->cost;
    uint32_t v = from;
    for (uint32_t i = 0; i + 1 < path->n; i++) {
        v = graph_other_end(&p->t->graph, path->edges[i], v);
        sum += p->node_surcharge[v];
    }
    return sum;
}

/* Yen's algorithm: all deviations at all nodes of the last path. */
static uint32_t
plain_ranking(struct plain *p, uint32_t from, uint32_t to, struct path *paths, uint32_t k)
{
    struct path candidates[200];
    uint32_t parent[64], n = 1, n_candidates = 0;
    charge_foreign(p);
    if (!plain_shortest(p, from, to, parent, &paths[0]))
        return 0;
    while (n < k) {
        const struct path *last = &paths[n - 1];
        uint32_t spur = from;
        for (uint32_t i = 0; i < last->n; i++) {
            struct path rest;
            memset(p->banned_links, 0, sizeof p->banned_links);
            for (uint32_t j = 0; j < n; j++) {
                if (paths[j].n > i && !memcmp(paths[j].edges, last->edges, i * sizeof(uint32_t)))
                    p->banned_links[paths[j].edges[i]] = true;
            }
            if (plain_shortest(p, spur, to, parent, &rest)) {
                memmove(rest.edges + i, rest.edges, rest.n * sizeof(uint32_t));
                memcpy(rest.edges, last->edges, i * sizeof(uint32_t));
                rest.n += i;
                for (uint32_t j = 0; j < i; j++)
                    rest.cost += p->t->graph.edges[rest.edges[j]].cost;
                bool known = false;
                for (uint32_t j = 0; j < n_candidates; j++)
                    known |= same_edges(&candidates[j], &rest);
                if (known)
                    path_fini(&rest);
                else
                    candidates[n_candidates++] = rest;
            }
            p->banned_nodes[spur] = true;
            spur = graph_other_end(&p->t->graph, last->edges[i], spur);
        }
        memset(p->banned_links, 0, sizeof p->banned_links);
        memset(p->banned_nodes, 0, sizeof p->banned_nodes);
        if (!n_candidates)
            break;
        uint32_t best = 0;
        for (uint32_t j = 1; j < n_candidates; j++) {
            if (cost_with_surcharges(p, from, &candidates[j]) <
                cost_with_surcharges(p, from, &candidates[best]))
                best = j;
        }
        paths[n++] = candidates[best];
        memmove(&candidates[best], &candidates[best + 1],
                (--n_candidates - best) * sizeof *candidates);
    }
    while (n_candidates)
        path_fini(&candidates[--n_candidates]);
    return n;
}

static bool
plain_pair(struct plain *p, uint32_t from, uint32_t to, bool protect, struct pair *pair)
{
    uint32_t parent[64];
    *pair = (struct pair){.has_second = false};
    charge_foreign(p);
    if (!plain_shortest(p, from, to, parent, &pair->paths[0]))
        return false;
    if (!protect || from == to)
        return true;
    plain_second(p, from, to, pair);
    if (pair_reached(pair) == DISJOINT_NODE)
        return true;
    const struct graph_filter filter = {.edge_banned = p->full,
                                        .node_surcharge = p->node_surcharge};
    struct path flow[2], ranked[PAIR_CANDIDATES];
    if (!graph_disjoint_pair(&p->t->graph, from, to, &filter, flow)) {
        path_fini(&flow[1]);
        try_primary(p, from, to, flow[0], pair);
    }
    uint32_t n = plain_ranking(p, from, to, ranked, PAIR_CANDIDATES);
    for (uint32_t i = 0; i < n; i++)
        try_primary(p, from, to, ranked[i], pair);
    if (pair->opposed) {
        path_fini(&pair->paths[1]);
        pair->has_second = false;
    }
    return true;
}

static void
add_name(char ***names, uint32_t *n, const char *name)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (!strcmp((*names)[i], name))
            return;
    }
    *names = xrealloc(*names, *n + 1, sizeof **names);
    (*names)[(*n)++] = xstrdup(name);
}

static void
name_path(const struct topology *t, const struct path *path, struct route *route)
{
    for (uint32_t i = 0; i < path->n; i++)
        add_name(&route->links, &route->n_links, t->links[path->edges[i]]->name);
}

static void
name_shared(const struct topology *t, uint32_t from, const struct pair *p, struct design *d)
{
    const struct path *other = &p->paths[p->has_second];
    uint32_t va = from;
    for (uint32_t i = 0; i < p->paths[0].n; i++) {
        uint32_t a = p->paths[0].edges[i], vb = from;
        va = graph_other_end(&t->graph, a, va);
        for (uint32_t k = 0; k < other->n; k++) {
            vb = graph_other_end(&t->graph, other->edges[k], vb);
            if (a == other->edges[k])
                add_name(&d->shared_links, &d->n_shared_links, t->links[a]->name);
            if (va == vb && i + 1 < p->paths[0].n && k + 1 < other->n)
                add_name(&d->shared_nodes, &d->n_shared_nodes, t->nodes[va]->name);
        }
    }
}

static const char *
member(const struct circuit *c, uint32_t i)
{
    if (c->kind == CIRCUIT_IP)
        return i ? c->ip.server : c->ip.client;
    return i ? c->multicast.subscribers[i - 1] : c->multicast.publisher;
}

static void
look_through_the_eyes_of(struct plain *p, const struct circuit *c)
{
    uint32_t n_members = c->kind == CIRCUIT_IP ? 2 : 1 + c->multicast.n_subscribers;
    for (uint32_t e = 0; e < p->t->graph.n_edges; e++)
        p->full[e] = (uint64_t)p->t->reserved_kbps[e] + c->rate_kbps >
                     p->t->links[e]->capacity_kbps;
    for (uint32_t v = 0; v < p->t->graph.n_nodes; v++) {
        const struct site *site = network_site(p->net, p->t->nodes[v]->site);
        p->foreign[v] = site && site->kind != SITE_WAN;
        for (uint32_t i = 0; i < n_members; i++) {
            const struct host *host = network_host(p->net, member(c, i));
            if (host && !strcmp(network_node(p->net, host->node)->site, p->t->nodes[v]->site))
                p->foreign[v] = false;
        }
    }
}

/* One receiver; `parent` NULL for IP, the tree for a multicast. */
static enum err
plain_towards(struct plain *p, const struct circuit *c, const char *to_host, uint32_t *parent,
              struct design *d, struct diag *diag)
{
    static const char *const which[] = {"primary", "failover"};
    const char *names[] = {member(c, 0), to_host};
    uint32_t ends[2], all[64];
    bool protect = c->protection != DISJOINT_NONE;
    struct pair pair = {.has_second = false};
    for (int i = 0; i < 2; i++) {
        const struct host *host = network_host(p->net, names[i]);
        if (!host)
            return diag_set(diag, ERR_NOT_FOUND,
                            "circuit \"%s\": host \"%s\" is not there, or attached nowhere",
                            c->name, names[i]);
        ends[i] = topology_node(p->t, host->node);
    }
    bool found;
    if (parent) {
        found = ends[0] == ends[1] || parent[ends[1]] != NO_INDEX;
        if (found) {
            charge_foreign(p);
            found = plain_shortest(p, ends[0], ends[1], all, &pair.paths[0]);
            assert_true(found);
            /* The tree's path is the shortest path. */
            for (uint32_t v = ends[1], i = pair.paths[0].n; v != ends[0]; i--) {
                assert_int_equal(parent[v], pair.paths[0].edges[i - 1]);
                v = graph_other_end(&p->t->graph, parent[v], v);
            }
            if (protect && ends[0] != ends[1])
                plain_second(p, ends[0], ends[1], &pair);
        }
    } else {
        found = plain_pair(p, ends[0], ends[1], protect, &pair);
    }
    if (!found)
        return diag_set(diag, ERR_NOT_FOUND,
                        "circuit \"%s\": no path from %s to %s has %u kbit/s left", c->name,
                        names[0], names[1], c->rate_kbps);
    enum err err = ERR_OK;
    for (int i = 0; c->max_latency_us && i < 1 + pair.has_second && !err; i++) {
        if (pair.paths[i].cost > c->max_latency_us)
            err = diag_set(diag, ERR_LIMIT,
                           "circuit \"%s\": the %s path to %s takes about %lld us, its budget is "
                           "%u us",
                           c->name, which[i], to_host, (long long)pair.paths[i].cost,
                           c->max_latency_us);
    }
    if (!err) {
        name_path(p->t, &pair.paths[0], &d->primary);
        d->has_failover |= pair.has_second;
        if (pair.has_second)
            name_path(p->t, &pair.paths[1], &d->failover);
        if (protect)
            name_shared(p->t, ends[0], &pair, d);
        if (ends[0] != ends[1])
            d->disjoint = MIN(d->disjoint, pair_reached(&pair));
    }
    pair_fini(&pair);
    return err;
}

static enum err
plain_protection(const struct circuit *c, const struct design *d, struct diag *diag)
{
    static const char *const words[] = {"no", "a maximally disjoint", "a link-disjoint",
                                        "a node-disjoint"};
    if (!d->primary.n_links || c->protection <= DISJOINT_MAXIMAL || d->disjoint >= c->protection)
        return ERR_OK;
    return diag_set(diag, ERR_UNSUPPORTED,
                    "circuit \"%s\" asks for %s failover path; the network has %s one "
                    "(shared: %s%s%s)",
                    c->name, words[c->protection], words[d->disjoint],
                    d->n_shared_links ? d->shared_links[0] : "",
                    d->n_shared_links && d->n_shared_nodes ? ", " : "",
                    d->n_shared_nodes ? d->shared_nodes[0] : "");
}

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
plain_reserve(struct plain *p, const struct circuit *c, const struct design *d, int sign)
{
    topology_reserve(p->t, d, sign * (int64_t)c->rate_kbps);
    p->taken[d->number] = sign > 0;
}

static enum err
plain_add(struct plain *p, const struct circuit *c, struct design **result, struct diag *diag)
{
    struct design *d = xcalloc(1, sizeof *d);
    uint32_t parent[64];
    struct path none;
    enum err err = ERR_OK;
    d->circuit = xstrdup(c->name);
    d->disjoint = DISJOINT_NODE;
    look_through_the_eyes_of(p, c);
    if (c->kind == CIRCUIT_IP) {
        err = plain_towards(p, c, c->ip.server, NULL, d, diag);
    } else {
        charge_foreign(p);
        const struct host *source = network_host(p->net, c->multicast.publisher);
        assert_false(plain_shortest(p, topology_node(p->t, source->node), NO_INDEX, parent, &none));
        for (uint32_t i = 0; i < c->multicast.n_subscribers && !err; i++)
            err = plain_towards(p, c, c->multicast.subscribers[i], parent, d, diag);
    }
    if (!d->has_failover)
        d->disjoint = DISJOINT_NONE;
    if (!err)
        err = plain_protection(c, d, diag);
    if (err) {
        design_free(d);
        return err;
    }
    for (d->number = 1; p->taken[d->number];)
        d->number++;
    if (d->n_shared_links)
        qsort(d->shared_links, d->n_shared_links, sizeof(char *), by_text);
    if (d->n_shared_nodes)
        qsort(d->shared_nodes, d->n_shared_nodes, sizeof(char *), by_text);
    plain_reserve(p, c, d, 1);
    *result = d;
    return ERR_OK;
}

/* ---- The comparison ---- */

static void
put_names(struct buf *out, const char *what, char *const *names, uint32_t n)
{
    buf_printf(out, " %s:", what);
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, " %s", names[i]);
}

static char *
text_of(enum err err, const struct diag *diag, const struct design *d)
{
    struct buf out = BUF_INIT;
    buf_printf(&out, "%s", err_name(err));
    if (err) {
        buf_printf(&out, " %s", diag->text);
    } else {
        buf_printf(&out, " %s %u %d %d", d->circuit, d->number, d->has_failover, d->disjoint);
        put_names(&out, "primary", d->primary.links, d->primary.n_links);
        put_names(&out, "failover", d->failover.links, d->failover.n_links);
        put_names(&out, "links", d->shared_links, d->n_shared_links);
        put_names(&out, "nodes", d->shared_nodes, d->n_shared_nodes);
    }
    return buf_steal_cstr(&out);
}

/* How often each outcome was compared, so that the test knows what it has tested. */
static struct {
    uint32_t designs, refused[ERR_MAX], by_disjointness[DISJOINT_MAX], multicasts;
} seen;

static void
compare_one(struct plain *plain, struct designer *designer, const struct circuit *c,
            struct design **design)
{
    struct design *expected = NULL;
    struct diag expected_diag = {""}, diag = {""};
    enum err expected_err = plain_add(plain, c, &expected, &expected_diag);
    enum err err = designer_add(designer, c, design, &diag);
    char *expected_text = text_of(expected_err, &expected_diag, expected);
    char *text = text_of(err, &diag, *design);
    assert_string_equal(text, expected_text);
    seen.refused[err]++;
    if (!err) {
        seen.designs++;
        seen.by_disjointness[(*design)->disjoint]++;
        seen.multicasts += c->kind == CIRCUIT_MULTICAST;
    }
    design_free(expected);
    free(expected_text);
    free(text);
}

static void
compare_on(struct network *net)
{
    enum { N = 40 };
    struct plain *plain = xcalloc(1, sizeof *plain);
    struct designer *designer = designer_new(net);
    struct design *designs[N] = {0};
    if (draw(2))
        designer->answer_words_max = draw(600); /* it forgets most of what it found out */
    plain->net = net;
    plain->t = topology_new(net);
    for (uint32_t i = 0; i < N; i++) {
        const struct circuit *c = random_circuit(net, i);
        compare_one(plain, designer, c, &designs[i]);
        uint32_t gone = draw(i + 1);
        if (designs[gone] && !draw(4)) { /* links become free again */
            char name[32];
            snprintf(name, sizeof name, "circuit-%u", gone);
            plain_reserve(plain, network_circuit(net, name), designs[gone], -1);
            designer_remove(designer, network_circuit(net, name), designs[gone]);
            design_free(designs[gone]);
            designs[gone] = NULL;
        }
    }
    for (uint32_t i = 0; i < N; i++)
        design_free(designs[i]);
    designer_free(designer);
    topology_free(plain->t);
    free(plain);
}

static void
the_designer_says_what_the_plain_one_says(void **state UNUSED)
{
    for (int round = 0; round < 1500; round++) {
        struct network *net = random_network();
        compare_on(net);
        network_free(net);
    }
    assert_true(seen.designs > 5000);
    assert_true(seen.multicasts > 500);
    assert_true(seen.refused[ERR_NOT_FOUND] > 500);
    assert_true(seen.refused[ERR_UNSUPPORTED] > 500);
    assert_true(seen.refused[ERR_LIMIT] > 100);
    for (int i = 0; i < DISJOINT_MAX; i++)
        assert_true(seen.by_disjointness[i] > 100);
}

/* Three ways of equal delay. Nearest neighbour to the source first, then names, as pair.h has it.
 */
static void
names_break_ties(void **state UNUSED)
{
    static const struct {
        const char *nodes[3], *links[3];
        const char *primary, *failover;
    } cases[] = {
        {{"m1", "m2", "m3"}, {"x", "y", "z"}, "x-in", "y-in"},
        {{"m2", "m1", "m3"}, {"x", "y", "z"}, "y-in", "x-in"}, /* the node's name, not the link's */
        {{"m3", "m2", "m1"}, {"x", "y", "z"}, "z-in", "y-in"},
        {{"m1", "m1", "m1"}, {"z", "y", "x"}, "x-in", "y-in"}, /* parallel links */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct network *net = network_new();
        for (int k = 0; k < 3; k++) {
            struct link *in = test_link(net, "s", cases[i].nodes[k], 10, 100000);
            struct link *out = test_link(net, cases[i].nodes[k], "t", 10, 100000);
            struct link *renamed = link_copy(in);
            free(renamed->name);
            renamed->name = xasprintf("%s-in", cases[i].links[k]);
            assert_ok(network_remove_link(net, in->name));
            network_put_link(net, renamed);
            renamed = link_copy(out);
            free(renamed->name);
            renamed->name = xasprintf("%s-out", cases[i].links[k]);
            assert_ok(network_remove_link(net, out->name));
            network_put_link(net, renamed);
        }
        test_host(net, "h1", "s", 1, 2);
        test_host(net, "h2", "t", 2, 2);
        struct circuit *c = test_tcp(net, "c", "h1", "h2", 502);
        struct designer *designer = designer_new(net);
        struct design *d;
        assert_ok(designer_add(designer, c, &d, NULL));
        assert_string_equal(d->primary.links[0], cases[i].primary);
        assert_string_equal(d->failover.links[0], cases[i].failover);
        design_free(d);
        designer_free(designer);
        network_free(net);
    }
}

TEST_MAIN(cmocka_unit_test(the_designer_says_what_the_plain_one_says),
          cmocka_unit_test(names_break_ties))
