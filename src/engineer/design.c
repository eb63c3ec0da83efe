#include "engineer/design.h"

#include "base/alloc.h"
#include "engineer/design_private.h"

#include <stdlib.h>
#include <string.h>

#define ANSWER_WORDS_MAX (1 << 22) /* that are kept: 16 MB */

/* ---- Sites ---- */

static int
by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Only the WAN's nodes carry what is passing through; so do those of sites nobody has stated. */
static bool
is_foreign_site(const struct network *net, const char *name)
{
    const struct site *site = network_site(net, name);
    return site && site->kind != SITE_WAN;
}

static void
index_sites(struct site_index *index, const struct network *net, const struct topology *t)
{
    uint32_t n_nodes = t->graph.n_nodes;
    const char **names = xcalloc(n_nodes, sizeof *names);
    for (uint32_t v = 0; v < n_nodes; v++)
        names[v] = t->nodes[v]->site;
    if (n_nodes)
        qsort(names, n_nodes, sizeof *names, by_text);
    for (uint32_t v = 0; v < n_nodes; v++) {
        if (!index->n_sites || strcmp(names[index->n_sites - 1], names[v]))
            names[index->n_sites++] = names[v];
    }
    index->site_of = xcalloc(n_nodes, sizeof *index->site_of);
    index->nodes = xcalloc(n_nodes, sizeof *index->nodes);
    index->first_node = xcalloc(index->n_sites + 2, sizeof *index->first_node);
    index->is_foreign = xcalloc(index->n_sites, sizeof *index->is_foreign);
    for (uint32_t i = 0; i < index->n_sites; i++)
        index->is_foreign[i] = is_foreign_site(net, names[i]);
    for (uint32_t v = 0; v < n_nodes; v++) {
        const char **found = bsearch(&t->nodes[v]->site, names, index->n_sites, sizeof *names,
                                     by_text);
        index->site_of[v] = (uint32_t)(found - names);
        index->first_node[index->site_of[v] + 2]++;
    }
    for (uint32_t i = 0; i < index->n_sites; i++)
        index->first_node[i + 2] += index->first_node[i + 1];
    for (uint32_t v = 0; v < n_nodes; v++)
        index->nodes[index->first_node[index->site_of[v] + 1]++] = v;
    free(names);
}

static void
set_foreign_site(struct designer *d, uint32_t site, bool foreign)
{
    const struct site_index *s = &d->sites;
    for (uint32_t i = s->first_node[site]; s->is_foreign[site] && i < s->first_node[site + 1]; i++)
        pair_finder_set_foreign(&d->finder, s->nodes[i], foreign);
}

static void
site_index_fini(struct site_index *s)
{
    free(s->site_of);
    free(s->nodes);
    free(s->first_node);
    free(s->is_foreign);
}

/* ---- Reservations ---- */

static int64_t
left_of(const struct designer *d, uint32_t link)
{
    return (int64_t)d->topology->links[link]->capacity_kbps - d->topology->reserved_kbps[link];
}

/* Links that are among `but` too are left out; NULL: none. */
static void
reserve(struct designer *d, const struct ordered_set *links, const struct ordered_set *but,
        int64_t kbps)
{
    for (uint32_t i = 0; i < links->n; i++) {
        uint32_t link = links->list[i];
        if (but && but->mark[link] == d->turn)
            continue;
        uint32_t *reserved = &d->topology->reserved_kbps[link];
        *reserved = (uint32_t)((int64_t)*reserved + kbps);
        d->least_left = MIN(d->least_left, left_of(d, link));
    }
}

static void
unmark_full_links(struct designer *d)
{
    for (; d->n_full; d->n_full--)
        d->finder.full[d->full_list[d->n_full - 1]] = false;
}

static void
mark_full_link(struct designer *d, uint32_t link)
{
    d->finder.full[link] = true;
    d->full_list[d->n_full++] = link;
}

/* The links without room for this rate. Most of the time there are none, and no link is looked at.
 */
static void
mark_full_links(struct designer *d, uint32_t rate_kbps)
{
    unmark_full_links(d);
    if (!d->n_excluded && rate_kbps <= d->least_left)
        return;
    d->least_left = INT64_MAX;
    for (uint32_t e = 0; e < d->topology->graph.n_edges; e++) {
        int64_t left = left_of(d, e);
        d->least_left = MIN(d->least_left, left);
        if (rate_kbps > left || d->excluded[e])
            mark_full_link(d, e);
    }
}

static void
reserve_designs(struct designer *d, const struct network *net)
{
    for (struct design *design = net->designs; design; design = design->hh.next) {
        const struct circuit *c = network_circuit(net, design->circuit);
        if (design->number <= DESIGN_NUMBER_MAX)
            d->number_taken[design->number] = true;
        if (!c)
            continue;
        topology_reserve(d->topology, design, c->rate_kbps);
    }
}

/* ---- The designer ---- */

static void
ordered_set_init(struct ordered_set *set, uint32_t n)
{
    *set = (struct ordered_set){0, xcalloc(n, sizeof *set->list), xcalloc(n, sizeof *set->mark)};
}

static void
ordered_set_fini(struct ordered_set *set)
{
    free(set->list);
    free(set->mark);
}

static void
ordered_set_add(struct ordered_set *set, uint32_t turn, uint32_t number)
{
    if (set->mark[number] == turn)
        return;
    set->mark[number] = turn;
    set->list[set->n++] = number;
}

/* Drops the oldest answers until the rest takes no more than this. */
static void
drop_answers(struct designer *d, size_t words_max)
{
    struct answer *answer, *next;
    HASH_ITER (hh, d->answers, answer, next) {
        if (d->answer_words <= words_max)
            break;
        HASH_DEL(d->answers, answer);
        d->answer_words -= answer->words;
        pair_fini(&answer->pair);
        free(answer->parent);
        free(answer->question);
        free(answer);
    }
}

struct designer *
designer_new(const struct network *net)
{
    struct designer *d = xcalloc(1, sizeof *d);
    d->network = net;
    d->topology = topology_new(net);
    uint32_t n_links = d->topology->graph.n_edges, n_nodes = d->topology->graph.n_nodes;
    d->number_taken = xcalloc(DESIGN_NUMBER_MAX + 2, sizeof *d->number_taken);
    d->lowest_free = 1;
    d->least_left = INT64_MIN;
    d->answer_words_max = ANSWER_WORDS_MAX;
    d->excluded = xcalloc(n_links, sizeof *d->excluded);
    d->full_list = xcalloc(n_links, sizeof *d->full_list);
    ordered_set_init(&d->primary, n_links);
    ordered_set_init(&d->failover, n_links);
    ordered_set_init(&d->shared_links, n_links);
    ordered_set_init(&d->shared_nodes, n_nodes);
    pair_finder_init(&d->finder, d->topology);
    index_sites(&d->sites, net, d->topology);
    for (uint32_t i = 0; i < d->sites.n_sites; i++)
        set_foreign_site(d, i, true);
    reserve_designs(d, net);
    return d;
}

void
designer_free(struct designer *d)
{
    if (!d)
        return;
    drop_answers(d, 0);
    pair_finder_fini(&d->finder);
    site_index_fini(&d->sites);
    ordered_set_fini(&d->primary);
    ordered_set_fini(&d->failover);
    ordered_set_fini(&d->shared_links);
    ordered_set_fini(&d->shared_nodes);
    topology_free(d->topology);
    free(d->number_taken);
    free(d->excluded);
    free(d->full_list);
    free(d->home);
    free(d->question);
    free(d);
}

const struct topology *
designer_topology(const struct designer *d)
{
    return d->topology;
}

void
designer_remove(struct designer *d, const struct circuit *c, const struct design *design)
{
    topology_reserve(d->topology, design, -(int64_t)c->rate_kbps);
    d->least_left = INT64_MIN; /* look again */
    if (!design->number || design->number > DESIGN_NUMBER_MAX)
        return; /* not one of ours */
    d->number_taken[design->number] = false;
    d->lowest_free = MIN(d->lowest_free, design->number);
}

enum err
designer_exclude(struct designer *d, const char *name)
{
    uint32_t link = topology_link(d->topology, name);
    if (link == NO_INDEX)
        return ERR_NOT_FOUND;
    d->n_excluded += !d->excluded[link];
    d->excluded[link] = true;
    return ERR_OK;
}

static enum err
take_number(struct designer *d, uint32_t *number, struct diag *diag)
{
    while (d->number_taken[d->lowest_free] && d->lowest_free <= DESIGN_NUMBER_MAX)
        d->lowest_free++;
    if (d->lowest_free > DESIGN_NUMBER_MAX) {
        d->refusal.kind = REFUSED_NUMBER;
        return diag_set(diag, ERR_LIMIT, "all %d circuit numbers are in use", DESIGN_NUMBER_MAX);
    }
    *number = d->lowest_free;
    d->number_taken[*number] = true;
    return ERR_OK;
}

/* ---- Questions and answers ---- */

static uint32_t
n_members(const struct circuit *c)
{
    return c->kind == CIRCUIT_IP ? 2 : 1 + c->multicast.n_subscribers;
}

static const char *
member(const struct circuit *c, uint32_t i)
{
    if (c->kind == CIRCUIT_IP)
        return i ? c->ip.server : c->ip.client;
    return i ? c->multicast.subscribers[i - 1] : c->multicast.publisher;
}

/* NO_INDEX: the host is not there, or attached nowhere. */
static uint32_t
node_of_host(const struct designer *d, const char *name)
{
    const struct host *host = network_host(d->network, name);
    return host && host->node ? topology_node(d->topology, host->node) : NO_INDEX;
}

static void
add_home(struct designer *d, uint32_t site)
{
    uint32_t at = 0;
    while (at < d->n_home && d->home[at] < site)
        at++;
    if (at < d->n_home && d->home[at] == site)
        return;
    GROW(d->home, d->n_home, d->home_capacity);
    memmove(&d->home[at + 1], &d->home[at], (d->n_home - at) * sizeof *d->home);
    d->home[at] = site;
    d->n_home++;
}

/* A station's nodes carry what begins or ends there. */
static void
mark_foreign_nodes(struct designer *d, const struct circuit *c)
{
    for (uint32_t i = 0; i < d->n_home; i++)
        set_foreign_site(d, d->home[i], true);
    d->n_home = 0;
    for (uint32_t i = 0; i < n_members(c); i++) {
        uint32_t node = node_of_host(d, member(c, i));
        if (node != NO_INDEX && d->sites.is_foreign[d->sites.site_of[node]])
            add_home(d, d->sites.site_of[node]);
    }
    for (uint32_t i = 0; i < d->n_home; i++)
        set_foreign_site(d, d->home[i], false);
}

static void
begin_question(struct designer *d)
{
    d->question_words = 4 + d->n_home + d->n_full;
    if (d->question_capacity < d->question_words) {
        d->question_capacity = 2 * d->question_words;
        d->question = xrealloc(d->question, d->question_capacity, sizeof *d->question);
    }
    d->question[3] = d->n_home;
    if (d->n_home)
        memcpy(d->question + 4, d->home, d->n_home * sizeof *d->home);
    if (d->n_full)
        memcpy(d->question + 4 + d->n_home, d->full_list, d->n_full * sizeof *d->full_list);
}

void
designer_prepare(struct designer *d, const struct circuit *c)
{
    drop_answers(d, d->answer_words_max);
    mark_full_links(d, c->rate_kbps);
    mark_foreign_nodes(d, c);
    begin_question(d);
}

void
designer_prepare_empty(struct designer *d, const struct circuit *c)
{
    unmark_full_links(d);
    for (uint32_t e = 0; e < d->topology->graph.n_edges; e++) {
        if (d->excluded[e] || c->rate_kbps > d->topology->links[e]->capacity_kbps)
            mark_full_link(d, e);
    }
    mark_foreign_nodes(d, c);
    begin_question(d);
}

/* The tree's path to a node that it reaches. */
static struct path
path_in_tree(const struct topology *t, const uint32_t *parent, uint32_t root, uint32_t to)
{
    struct path path = {0};
    for (uint32_t v = to; v != root; v = graph_other_end(&t->graph, parent[v], v))
        path.n++;
    uint32_t at = path.n;
    path.edges = xcalloc(at, sizeof *path.edges);
    for (uint32_t v = to; v != root; v = graph_other_end(&t->graph, parent[v], v)) {
        path.edges[--at] = parent[v];
        path.cost += t->graph.edges[parent[v]].cost;
    }
    return path;
}

static void
find_out(struct designer *d, enum answer_kind kind, uint32_t from, uint32_t to, struct answer *a)
{
    struct topology *t = d->topology;
    if (kind == ANSWER_PATH || kind == ANSWER_PAIR) {
        a->err = pair_find(&d->finder, from, to, kind == ANSWER_PAIR, &a->pair);
    } else if (kind == ANSWER_TREE) {
        const struct graph_filter filter = pair_finder_filter(&d->finder);
        a->parent = xcalloc(t->graph.n_nodes, sizeof *a->parent);
        graph_tree(&t->graph, from, &filter, a->parent, NULL);
        a->words += t->graph.n_nodes;
    } else {
        const uint32_t *parent = designer_find(d, ANSWER_TREE, from, from)->parent;
        if (to != from && parent[to] == NO_INDEX) {
            a->err = ERR_NOT_FOUND;
            return;
        }
        a->pair.paths[0] = path_in_tree(t, parent, from, to);
        if (to != from)
            pair_find_second(&d->finder, from, to, &a->pair);
    }
}

const struct answer *
designer_find(struct designer *d, enum answer_kind kind, uint32_t from, uint32_t to)
{
    struct answer *a;
    size_t size = d->question_words * sizeof *d->question;
    d->question[0] = kind;
    d->question[1] = from;
    d->question[2] = to;
    HASH_FIND(hh, d->answers, d->question, size, a);
    if (a)
        return a;
    a = xcalloc(1, sizeof *a);
    a->question = xmemdup(d->question, size);
    find_out(d, kind, from, to, a);
    a->words += d->question_words + sizeof *a / sizeof *d->question + a->pair.paths[0].n +
                a->pair.paths[1].n;
    d->answer_words += a->words;
    HASH_ADD_KEYPTR(hh, d->answers, a->question, size, a);
    return a;
}

/* ---- Designs ---- */

static const char *
disjointness_word(enum disjointness d)
{
    static const char *const words[] = {"no", "a maximally disjoint", "a link-disjoint",
                                        "a node-disjoint"};
    return words[d];
}

/* How the pairs of all receivers together stand: as the worst of them. */
static enum err
check_protection(struct designer *d, const struct circuit *c, enum disjointness reached,
                 struct diag *diag)
{
    const struct topology *t = d->topology;
    const struct ordered_set *links = &d->shared_links, *nodes = &d->shared_nodes;
    if (c->protection <= DISJOINT_MAXIMAL || reached >= c->protection)
        return ERR_OK;
    d->refusal.kind = REFUSED_SEPARATION;
    d->refusal.reached = reached;
    return diag_set(diag, ERR_UNSUPPORTED,
                    "circuit \"%s\" asks for %s failover path; the network has %s one "
                    "(shared: %s%s%s)",
                    c->name, disjointness_word(c->protection), disjointness_word(reached),
                    links->n ? t->links[links->list[0]]->name : "",
                    links->n && nodes->n ? ", " : "",
                    nodes->n ? t->nodes[nodes->list[0]]->name : "");
}

static enum err
check_latency(struct designer *d, const struct circuit *c, const struct pair *pair, bool protect,
              const char *to, struct diag *diag)
{
    int64_t budget = c->max_latency_us;
    for (int i = 0; budget && i < 1 + (protect && pair->has_second); i++) {
        int64_t delay = pair->paths[i].cost;
        if (delay <= budget)
            continue;
        d->refusal = (struct refusal){REFUSED_LATENCY, to, i, delay, DISJOINT_NONE};
        return diag_set(diag, ERR_LIMIT,
                        "circuit \"%s\": the %s path to %s takes about %lld us, its budget is "
                        "%lld us",
                        c->name, i ? "failover" : "primary", to, (long long)delay,
                        (long long)budget);
    }
    return ERR_OK;
}

static enum err
find_end(struct designer *d, const struct circuit *c, const char *host, uint32_t *node,
         struct diag *diag)
{
    *node = node_of_host(d, host);
    if (*node != NO_INDEX)
        return ERR_OK;
    d->refusal = (struct refusal){.kind = REFUSED_HOST, .host = host};
    return diag_set(diag, ERR_NOT_FOUND,
                    "circuit \"%s\": host \"%s\" is not there, or attached nowhere", c->name, host);
}

static void
add_path(struct designer *d, const struct path *path, struct ordered_set *route)
{
    for (uint32_t i = 0; i < path->n; i++)
        ordered_set_add(route, d->turn, path->edges[i]);
}

/* Adds the paths to one receiver: all of a pair, if the circuit is protected, and what it shares.
 */
static void
add_pair(struct designer *d, uint32_t from, const struct pair *pair, bool protect,
         struct design *design)
{
    const struct pair_finder *f = &d->finder;
    enum disjointness reached = protect ? pair_reached(pair) : DISJOINT_NONE;
    add_path(d, &pair->paths[0], &d->primary);
    if (protect) {
        if (pair->has_second) {
            design->has_failover = true;
            add_path(d, &pair->paths[1], &d->failover);
        }
        pair_shared(&d->finder, from, pair);
        for (uint32_t i = 0; i < f->n_shared_links; i++)
            ordered_set_add(&d->shared_links, d->turn, f->shared_links[i]);
        for (uint32_t i = 0; i < f->n_shared_nodes; i++)
            ordered_set_add(&d->shared_nodes, d->turn, f->shared_nodes[i]);
    }
    if (pair->paths[0].n)
        design->disjoint = MIN(design->disjoint, reached);
}

/* Adds what leads from the circuit's source to one receiver. */
static enum err
design_towards(struct designer *d, const struct circuit *c, const char *from_host,
               const char *to_host, struct design *design, struct diag *diag)
{
    bool protect = c->protection != DISJOINT_NONE;
    uint32_t from, to;
    enum err err = find_end(d, c, from_host, &from, diag);
    if (!err)
        err = find_end(d, c, to_host, &to, diag);
    if (err)
        return err;
    enum answer_kind kind = c->kind == CIRCUIT_MULTICAST ? ANSWER_BESIDE_TREE
                            : protect                    ? ANSWER_PAIR
                                                         : ANSWER_PATH;
    const struct answer *a = designer_find(d, kind, from, to);
    if (a->err) {
        d->refusal = (struct refusal){.kind = REFUSED_CAPACITY, .host = to_host};
        return diag_set(diag, ERR_NOT_FOUND,
                        "circuit \"%s\": no path from %s to %s has %u kbit/s left", c->name,
                        from_host, to_host, c->rate_kbps);
    }
    err = check_latency(d, c, &a->pair, protect, to_host, diag);
    if (!err)
        add_pair(d, from, &a->pair, protect, design);
    return err;
}

/* A multicast's primary paths are those of the tree of shortest paths from the publisher's node, so
 * that together they are a tree. Each subscriber then has its own failover path beside its primary.
 */
static enum err
design_paths(struct designer *d, const struct circuit *c, struct design *design, struct diag *diag)
{
    uint32_t root;
    enum err err = find_end(d, c, member(c, 0), &root, diag);
    for (uint32_t i = 1; i < n_members(c) && !err; i++)
        err = design_towards(d, c, member(c, 0), member(c, i), design, diag);
    return err;
}

static void
name_links(const struct topology *t, const struct ordered_set *set, char ***names, uint32_t *n)
{
    *n = set->n;
    *names = set->n ? xcalloc(set->n, sizeof **names) : NULL;
    for (uint32_t i = 0; i < set->n; i++)
        (*names)[i] = xstrdup(t->links[set->list[i]]->name);
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Names are in the order of numbers. */
static void
put_in_order(struct ordered_set *set)
{
    if (set->n > 1)
        qsort(set->list, set->n, sizeof *set->list, by_number);
}

/* Writes the names of what was found. */
static void
name_all(struct designer *d, struct design *design)
{
    const struct topology *t = d->topology;
    put_in_order(&d->shared_links);
    put_in_order(&d->shared_nodes);
    name_links(t, &d->primary, &design->primary.links, &design->primary.n_links);
    name_links(t, &d->failover, &design->failover.links, &design->failover.n_links);
    name_links(t, &d->shared_links, &design->shared_links, &design->n_shared_links);
    design->n_shared_nodes = d->shared_nodes.n;
    if (design->n_shared_nodes)
        design->shared_nodes = xcalloc(design->n_shared_nodes, sizeof *design->shared_nodes);
    for (uint32_t i = 0; i < design->n_shared_nodes; i++)
        design->shared_nodes[i] = xstrdup(t->nodes[d->shared_nodes.list[i]]->name);
}

static void
begin_circuit(struct designer *d, const struct circuit *c)
{
    struct ordered_set *sets[] = {&d->primary, &d->failover, &d->shared_links, &d->shared_nodes};
    uint32_t sizes[] = {d->topology->graph.n_edges, d->topology->graph.n_edges,
                        d->topology->graph.n_edges, d->topology->graph.n_nodes};
    bool wrapped = !++d->turn;
    for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
        sets[i]->n = 0;
        if (wrapped)
            memset(sets[i]->mark, 0, sizes[i] * sizeof *sets[i]->mark);
    }
    d->turn += wrapped;
    d->refusal = (struct refusal){.kind = REFUSED_NOT};
    designer_prepare(d, c);
}

enum err
designer_add(struct designer *d, const struct circuit *c, struct design **result, struct diag *diag)
{
    struct design made = {.disjoint = DISJOINT_NODE};
    begin_circuit(d, c);
    enum err err = design_paths(d, c, &made, diag);
    if (err)
        return err;
    if (!made.has_failover)
        made.disjoint = DISJOINT_NONE;
    if (d->primary.n) /* on one node there is nothing that a second path could avoid */
        err = check_protection(d, c, made.disjoint, diag);
    if (!err)
        err = take_number(d, &made.number, diag);
    if (err)
        return err;
    made.circuit = xstrdup(c->name);
    name_all(d, &made);
    reserve(d, &d->primary, NULL, c->rate_kbps);
    if (made.has_failover)
        reserve(d, &d->failover, &d->primary, c->rate_kbps);
    *result = xmemdup(&made, sizeof made);
    return ERR_OK;
}
