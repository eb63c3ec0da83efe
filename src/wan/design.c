/* design.c - paths for the tunnels of an order, on a thread: with a planner of its own, which holds
 * each of them while the others are placed. Nothing here knows the service. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/hex.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* Those that may push others aside, and that nobody may, go first. */
static int
compare_tunnels(const void *a, const void *b)
{
    const struct tunnel *x = *(const struct tunnel *const *)a,
                        *y = *(const struct tunnel *const *)b;
    int order = (int)x->setup_priority - (int)y->setup_priority;
    if (!order)
        order = (int)x->hold_priority - (int)y->hold_priority;
    if (!order && x->rate_kbps != y->rate_kbps)
        order = x->rate_kbps > y->rate_kbps ? -1 : 1;
    return order ? order : strcmp(x->name, y->name);
}

static json_t *
placement_json(const struct tunnel *t, json_t *const paths[TUNNEL_PATHS])
{
    json_t *json = json_pack("{ss}", "tunnel", t->name);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        if (paths[i])
            json_object_set(json, tunnel_path_words[i], paths[i]);
    }
    return json;
}

static json_t *
summary_json(const struct tunnel *t, json_t *const paths[TUNNEL_PATHS], const json_t *victims)
{
    json_t *json = json_pack("{ss ss ss sI}", "tunnel", t->name, "head", t->head, "tail", t->tail,
                             "rate-kbps", (json_int_t)t->rate_kbps);
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        json_t *short_form = paths[i] ? json_copy(paths[i]) : NULL;
        json_object_del(short_form, "links");
        if (short_form)
            json_object_set_new(json, tunnel_path_words[i], short_form);
    }
    if (json_array_size(victims))
        json_object_set(json, "pushes-aside", (json_t *)(uintptr_t)victims);
    return json;
}

char *
wan_hash(const json_t *plan, char hash[WAN_HASH_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    _Static_assert(WAN_HASH_SIZE == 2 * sizeof digest + 1, "all digits");
    char *text = json_dumps(plan, JSON_COMPACT | JSON_SORT_KEYS);
    SHA256((const uint8_t *)text, strlen(text), digest);
    hex_format(digest, sizeof digest, hash);
    free(text);
    return hash;
}

json_t *
wan_hashed(json_t *plan)
{
    char hash[WAN_HASH_SIZE];
    return json_pack("{so ss}", "plan", plan, "plan_hash", wan_hash(plan, hash));
}

struct draft {
    struct planner *planner;
    const struct network *model;
    json_t *placements, *summary;
};

static enum err
design_one(struct draft *d, const struct tunnel *t, uint32_t number, struct diag *why)
{
    json_t *paths[TUNNEL_PATHS] = {NULL}, *victims = NULL;
    enum err err = planner_place(d->planner, d->model, t, 0, false, paths, &victims, why);
    if (err) {
        diag_prefix(why, "tunnel %s", t->name);
        return err;
    }
    planner_hold(d->planner, t, number, false, (const json_t *const *)paths);
    json_array_append_new(d->placements, placement_json(t, paths));
    json_array_append_new(d->summary, summary_json(t, paths, victims));
    for (unsigned i = 0; i < TUNNEL_PATHS; i++)
        json_decref(paths[i]);
    json_decref(victims);
    return ERR_OK;
}

enum err
wan_design(struct planner *p, const struct network *model, const json_t *ask, json_t **answer,
           struct diag *diag)
{
    const json_t *names = json_object_get(ask, "tunnels");
    size_t n = json_array_size(names);
    const struct tunnel **tunnels = xcalloc(n, sizeof *tunnels);
    struct draft d = {p, model, json_array(), json_array()};
    enum err err = ERR_OK;
    for (size_t i = 0; i < n && !err; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        tunnels[i] = name ? network_tunnel(model, name) : NULL;
        if (!tunnels[i])
            err = diag_set(diag, ERR_NOT_FOUND, "there is no tunnel %s", name ? name : "?");
    }
    if (!err)
        qsort(tunnels, n, sizeof *tunnels, compare_tunnels);
    for (size_t i = 0; i < n && !err; i++) /* numbers that nobody has */
        err = design_one(&d, tunnels[i], TUNNEL_NUMBER_MAX + 1 + (uint32_t)i, diag);
    if (!err) {
        *answer = wan_hashed(json_pack("{sO}", "placements", d.placements));
        json_object_set_new(*answer, "summary",
                            json_pack("{sI sO}", "n", (json_int_t)n, "tunnels", d.summary));
    }
    json_decref(d.placements);
    json_decref(d.summary);
    free(tunnels);
    return err;
}
