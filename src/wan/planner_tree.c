/* planner_tree.c - point-to-multipoint: a tree from one router to several, computed and not more.
 */
#include "wan/planner_private.h"

#include "base/alloc.h"
#include "te/tree.h"

#include <stdlib.h>
#include <string.h>

static enum err
find_router(const struct planner *p, const struct network *model, const json_t *name,
            uint32_t *node, struct diag *diag)
{
    const char *text = json_string_value(name);
    const struct router *r = text ? network_router(model, text) : NULL;
    *node = r ? planner_find_node(p, r->router_id) : TE_NONE;
    if (*node != TE_NONE)
        return ERR_OK;
    return diag_set(diag, r ? ERR_BUSY : ERR_NOT_FOUND,
                    r ? "router %s: no source tells of its router id" : "there is no router %s",
                    text ? text : "of no name");
}

static enum err
find_ends(const struct planner *p, const struct network *model, const json_t *ask,
          struct te_tree_request *request, uint32_t *leaves, struct diag *diag)
{
    const json_t *names = json_object_get(ask, "leaves");
    enum err err = find_router(p, model, json_object_get(ask, "root"), &request->root, diag);
    if (!err && !json_array_size(names))
        err = diag_set(diag, ERR_INVALID, "leaves: names of routers are expected");
    for (size_t i = 0; i < json_array_size(names) && !err; i++) {
        err = find_router(p, model, json_array_get(names, i), &leaves[i], diag);
        for (size_t k = 0; k < i && !err; k++) {
            if (leaves[k] == leaves[i])
                err = diag_set(diag, ERR_INVALID, "leaves: %s is there twice",
                               json_string_value(json_array_get(names, i)));
        }
        if (!err && leaves[i] == request->root)
            err = diag_set(diag, ERR_INVALID, "leaves: %s is the root",
                           json_string_value(json_array_get(names, i)));
        request->n_leaves++;
    }
    request->leaves = leaves;
    return err;
}

/* A number of the question; absent: 0. False: it is none, or too large. */
static bool
take_number(const json_t *ask, const char *name, uint64_t most, uint64_t *number)
{
    const json_t *value = json_object_get(ask, name);
    json_int_t n = json_integer_value(value);
    *number = (uint64_t)MAX(n, 0);
    return !value || json_is_null(value) || (json_is_integer(value) && n >= 0 && *number <= most);
}

static enum err
take_bounds(struct planner *p, const json_t *ask, struct te_tree_request *request,
            struct diag *diag)
{
    static const char *const words[] = {"igp", "te", "delay", "hops"};
    static const enum te_metric metrics[] = {TE_METRIC_IGP, TE_METRIC_TE, TE_METRIC_DELAY,
                                             TE_METRIC_HOPS};
    const char *metric = json_string_value(json_object_get(ask, "metric"));
    struct te_constraints *c = &request->constraints;
    uint64_t kbps, delay_us, priority = TE_PRIORITIES - 1;
    size_t i = 0;
    while (metric && i < ARRAY_SIZE(words) && strcmp(metric, words[i]) != 0)
        i++;
    if (i == ARRAY_SIZE(words))
        return diag_set(diag, ERR_INVALID, "metric: igp, te, delay or hops is expected");
    if (!take_number(ask, "rate-kbps", UINT32_MAX, &kbps) ||
        !take_number(ask, "max-latency-us", UINT32_MAX, &delay_us) ||
        (json_object_get(ask, "priority") &&
         !take_number(ask, "priority", TE_PRIORITIES - 1, &priority)))
        return diag_set(
            diag, ERR_INVALID,
            "rate-kbps, max-latency-us, priority: whole numbers from 0, a priority of at "
            "most %d, are expected",
            TE_PRIORITIES - 1);
    request->optimise = metrics[i];
    te_bookings_all_free(p->bookings, (unsigned)priority, NULL, 0, 0, p->free_bps);
    c->free_bps = p->free_bps;
    c->bandwidth_bps = kbps * 1000;
    c->priority = (uint8_t)priority;
    c->max_delay_us = (uint32_t)delay_us;
    return ERR_OK;
}

/* The way to each leaf. */
static json_t *
paths_json(const struct planner *p, const struct network *model, const json_t *ask,
           const struct te_tree_request *request, const struct te_tree *tree)
{
    json_t *list = json_array();
    uint32_t *links = xcalloc(tree->n + 1, sizeof *links);
    for (uint32_t i = 0; i < request->n_leaves; i++) {
        const struct te_request ask_path = {.optimise = request->optimise};
        struct te_path path = {.links = links};
        path.n = te_tree_path(p->router, tree, request->leaves[i], links);
        te_path_measure(p->router, &ask_path, &path);
        json_t *json = planner_links_json(p, model, path.links, path.n);
        json_object_set(json, "leaf", json_array_get(json_object_get(ask, "leaves"), i));
        json_object_set_new(json, "metric", json_integer((json_int_t)path.cost));
        /* Delays are of this direction alone: those of the other one need not be known. */
        bool known = true;
        uint64_t delay_us = 0;
        for (uint32_t k = 0; k < path.n; k++) {
            known = known && p->net->links[links[k]].delay_us != TE_UNKNOWN_US;
            delay_us += p->net->links[links[k]].delay_us;
        }
        if (known)
            json_object_set_new(json, "latency-us", json_integer((json_int_t)delay_us));
        json_array_append_new(list, json);
    }
    free(links);
    return list;
}

static json_t *
tree_json(const struct planner *p, const struct network *model, const struct te_tree *tree)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < tree->n; i++) {
        const struct te_link *link = &p->net->links[tree->links[i]];
        json_array_append_new(
            list, json_pack("{ss so so}", "link", ted_view_link_key(p->view, tree->links[i]),
                            "from", planner_router_json(model, &p->net->nodes[link->from]), "to",
                            planner_router_json(model, &p->net->nodes[link->to])));
    }
    return list;
}

enum err
planner_tree(struct planner *p, const struct network *model, const json_t *ask, json_t **answer,
             struct diag *diag)
{
    struct te_tree_request request = {0};
    struct te_tree tree = {0};
    if (!p->net)
        return diag_set(diag, ERR_BUSY, "nothing is known of the network yet");
    uint32_t *leaves = xcalloc(json_array_size(json_object_get(ask, "leaves")) + 1, sizeof *leaves);
    enum err err = find_ends(p, model, ask, &request, leaves, diag);
    if (!err)
        err = take_bounds(p, ask, &request, diag);
    if (!err)
        err = te_tree_find(p->router, &request, &tree, diag);
    if (!err)
        *answer = json_pack("{sO sI so so}", "root", json_object_get(ask, "root"), "cost",
                            (json_int_t)tree.cost, "links", tree_json(p, model, &tree), "paths",
                            paths_json(p, model, ask, &request, &tree));
    te_tree_fini(&tree);
    free(leaves);
    return err;
}
