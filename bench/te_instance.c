#include "bench/te_instance.h"
#include "te/mcf_segments.h"

#include "base/alloc.h"

#include <glob.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_CAPACITY UINT64_C(100000000000)
#define ALL_DEMANDS 1e12 /* bit/s, before capacities are fitted to them */

static _Noreturn void
fail(const char *path, const char *what)
{
    fprintf(stderr, "te_instance: %s: %s\n", path, what);
    exit(1);
}

static const struct te_network *
build(const json_t *root, const char *path, uint64_t capacity)
{
    struct te_builder *b = te_builder_new((size_t)64 << 20);
    size_t i;
    json_t *value;
    uint32_t n = 0;
    json_array_foreach(json_object_get(root, "nodes"), i, value)
    {
        char key[24];
        snprintf(key, sizeof key, "%zu", i);
        struct te_node node = te_node_plain(key);
        node.sid_index = (uint32_t)i;
        node.srgb_base = 16000;
        node.srgb_size = 8000;
        node.max_sid_depth = 4;
        if (te_builder_add_node(b, &node, NULL))
            fail(path, "node");
    }
    json_array_foreach(json_object_get(root, "edges"), i, value)
    {
        double km = json_number_value(json_object_get(value, "dist"));
        uint32_t from = (uint32_t)json_integer_value(json_object_get(value, "source"));
        uint32_t to = (uint32_t)json_integer_value(json_object_get(value, "target"));
        struct te_link l = te_link_plain(from, to, (uint32_t)fmax(1, round(km * 10)),
                                         (uint32_t)ceil(km * 5), capacity);
        l.adjacency_label = 15000 + n++;
        uint32_t id, reverse;
        if (te_builder_add_link(b, &l, NULL, 0, &id))
            fail(path, "link");
        l.from = to;
        l.to = from;
        l.adjacency_label = 15000 + n++;
        if (te_builder_add_link(b, &l, NULL, 0, &reverse) || te_builder_pair(b, id, reverse))
            fail(path, "link");
    }
    const struct te_network *net = te_builder_finish(b, 1);
    te_builder_free(b);
    return net;
}

static void
add(struct te_instance *in, uint32_t from, uint32_t to, double value)
{
    in->demands[in->n_demands++] = (struct te_instance_demand){from, to,
                                                               (uint64_t)fmax(1, round(value))};
}

static double
value_of(const json_t *demands, uint32_t from, uint32_t to)
{
    char key[16];
    snprintf(key, sizeof key, "%u", from);
    const json_t *row = json_object_get(demands, key);
    snprintf(key, sizeof key, "%u", to);
    return json_number_value(json_object_get(row, key));
}

/* Uniform in 0 to 1; the same on every machine. */
static double
draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) / 9007199254740992.0;
}

static void
read_demands(struct te_instance *in, const json_t *demands)
{
    uint32_t n = in->net->n_nodes;
    double *value = xcalloc((size_t)n * n, sizeof *value), *weight = xcalloc(n, sizeof *weight);
    double sum = 0;
    uint64_t seed = 1;
    for (uint32_t v = 0; v < n; v++)
        weight[v] = 1 + 9 * draw(&seed);
    for (uint32_t v = 0; v < n; v++) {
        for (uint32_t w = 0; w < n; w++) {
            double d = value_of(demands, v, w);
            if (json_object_size(demands) == 0)
                d = weight[v] * weight[w];
            else if (!(d > 0))
                d = value_of(demands, w, v);
            sum += value[v * n + w] = v == w ? 0 : d;
        }
    }
    in->demands = xcalloc((size_t)n * n, sizeof *in->demands);
    for (uint32_t v = 0; v < n; v++) {
        for (uint32_t w = 0; w < n; w++) {
            if (value[v * n + w] > 0)
                add(in, v, w, value[v * n + w] / sum * ALL_DEMANDS);
        }
    }
    free(value);
    free(weight);
}

/* What shortest paths put on their hottest link, bit/s. */
static double
hottest_load(const struct te_instance *in)
{
    struct mcf_graph g;
    mcf_graph_init(&g, in->net, false);
    struct mcf_ecmp *ecmp = mcf_ecmp_new(&g);
    double *loads = xcalloc(g.n_arcs + 1, sizeof *loads), highest = 0;
    for (uint32_t k = 0; k < in->n_demands; k++)
        mcf_ecmp_load(ecmp, in->demands[k].from, in->demands[k].to, (double)in->demands[k].bps,
                      loads);
    for (uint32_t a = 0; a < g.n_arcs; a++)
        highest = fmax(highest, loads[a]);
    free(loads);
    mcf_ecmp_free(ecmp);
    mcf_graph_fini(&g);
    return highest;
}

void
te_instance_load(struct te_instance *in, const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);
    if (!root)
        fail(path, error.text);
    *in = (struct te_instance){0};
    const json_t *graph = json_object_get(root, "graph");
    const char *name = strstr(path, "/gabriel/"), *slash = strrchr(path, '/');
    name = name ? name + 1 : slash ? slash + 1 : path;
    snprintf(in->name, sizeof in->name, "%.*s", (int)strcspn(name, "."), name);
    in->net = build(root, path, PLAIN_CAPACITY);
    read_demands(in, json_object_get(graph, "demands"));
    uint64_t capacity = (uint64_t)ceil(hottest_load(in));
    te_network_free(in->net);
    in->net = build(root, path, capacity);
    json_decref(root);
}

void
te_instance_free(struct te_instance *in)
{
    te_network_free(in->net);
    free(in->demands);
}

uint32_t
te_instance_list(const char *directory, char ***paths)
{
    char pattern[512];
    glob_t g;
    snprintf(pattern, sizeof pattern, "%s/*.json", directory);
    *paths = NULL;
    if (glob(pattern, 0, NULL, &g))
        return 0;
    uint32_t n = (uint32_t)g.gl_pathc;
    *paths = xcalloc(n, sizeof **paths);
    for (uint32_t i = 0; i < n; i++)
        (*paths)[i] = xstrdup(g.gl_pathv[i]);
    globfree(&g);
    return n;
}
