#include "edge/datapath_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

static struct group_body *
body_of(const struct group_entry *group)
{
    return atomic_load_explicit(&group->body, memory_order_acquire);
}

void
group_body_free(void *object)
{
    struct group_body *body = object;
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        actions_free(&body->buckets[i].actions);
        actions_free(&body->buckets[i].set);
        counters_fini(&body->buckets[i].counters);
    }
    free(body);
}

void
group_entry_free(void *object)
{
    struct group_entry *group = object;
    group_body_free(body_of(group));
    counters_fini(&group->counters);
    free(group);
}

bool
group_is_live(const struct group_entry *group)
{
    const struct group_body *body = body_of(group);
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        if (bucket_is_live(&body->buckets[i]))
            return true;
    }
    return false;
}

/* Can `from` be reached from any bucket, through outputs to groups or watched groups? */
static bool
reaches(const struct datapath *dp, const struct bucket *buckets, uint32_t n, uint32_t group_id,
        int depth)
{
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k <= buckets[i].actions.n; k++) {
            bool is_watch = k == buckets[i].actions.n;
            const struct action *a = is_watch ? NULL : &buckets[i].actions.list[k];
            uint32_t next = is_watch                  ? buckets[i].watch_group
                            : a->type == ACTION_GROUP ? a->id
                                                      : GROUP_ANY;
            if (next == group_id)
                return true;
            struct group_entry *group = next == GROUP_ANY ? NULL : idmap_get(&dp->groups, next);
            if (!group || depth == 0)
                continue;
            struct group described;
            group_entry_describe(group, &described);
            bool found = reaches(dp, described.buckets, described.n_buckets, group_id, depth - 1);
            group_fini(&described);
            if (found)
                return true;
        }
    }
    return false;
}

static struct dp_error
check_group(const struct datapath *dp, const struct group *group)
{
    if (group->group_id > GROUP_MAX)
        return failed(GROUP_MOD_FAILED, GMFC_INVALID_GROUP);
    if (group->type > GROUP_TYPE_FF)
        return failed(GROUP_MOD_FAILED, GMFC_BAD_TYPE);
    if (group->n_buckets > dp->limits.buckets)
        return failed(GROUP_MOD_FAILED, GMFC_OUT_OF_BUCKETS);
    if (group->type == GROUP_TYPE_INDIRECT && group->n_buckets != 1)
        return failed(GROUP_MOD_FAILED, GMFC_INVALID_GROUP);
    for (uint32_t i = 0; i < group->n_buckets; i++) {
        const struct bucket *b = &group->buckets[i];
        if (group->type != GROUP_TYPE_SELECT && b->weight)
            return failed(GROUP_MOD_FAILED, GMFC_INVALID_GROUP);
        if (group->type == GROUP_TYPE_FF && b->watch_port == PORT_ANY &&
            b->watch_group == GROUP_ANY)
            return failed(GROUP_MOD_FAILED, GMFC_BAD_WATCH);
        if (b->watch_group != GROUP_ANY && b->watch_group != group->group_id &&
            !idmap_get(&dp->groups, b->watch_group))
            return failed(GROUP_MOD_FAILED, GMFC_BAD_WATCH);
        struct dp_error e = redundancy_in_bucket(&b->actions)
                                ? failed(BAD_ACTION, BAC_BAD_TYPE)
                                : datapath_check_actions(dp, &b->actions, NULL);
        bool itself = dp_failed(e) && e.type == BAD_ACTION && e.code == BAC_BAD_OUT_GROUP;
        if (dp_failed(e) && !itself)
            return e;
        if (itself && !reaches(dp, b, 1, group->group_id, 0))
            return e;
    }
    if (reaches(dp, group->buckets, group->n_buckets, group->group_id, 16))
        return failed(GROUP_MOD_FAILED, GMFC_LOOP);
    return DP_OK;
}

static void
fill_bucket(struct datapath *dp, struct bucket_entry *to, const struct bucket *from)
{
    counters_init(&to->counters, dp->n_lanes);
    counters_share(&to->counters, dp->shared.counters);
    to->weight = from->weight;
    to->watch_port_number = from->watch_port;
    to->watch_group_id = from->watch_group;
    to->watches = from->watch_port != PORT_ANY || from->watch_group != GROUP_ANY;
    if (from->watch_port != PORT_ANY)
        to->watch_port = datapath_port(dp, from->watch_port);
    if (from->watch_group != GROUP_ANY)
        to->watch_group = idmap_get(&dp->groups, from->watch_group);
    actions_copy(&to->actions, &from->actions);
    action_set_order(&from->actions, &to->set);
}

static struct group_body *
body_new(struct datapath *dp, const struct group *group)
{
    struct group_body *body = xcalloc(1, sizeof *body + group->n_buckets * sizeof body->buckets[0]);
    body->type = group->type;
    body->n_buckets = group->n_buckets;
    for (uint32_t i = 0; i < group->n_buckets; i++) {
        fill_bucket(dp, &body->buckets[i], &group->buckets[i]);
        body->total_weight += group->buckets[i].weight;
    }
    return body;
}

void
count_chained(struct datapath *dp, const struct group_body *body, int by)
{
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        const struct bucket_entry *b = &body->buckets[i];
        if (b->watch_group)
            b->watch_group->n_groups = (uint32_t)((int)b->watch_group->n_groups + by);
        for (uint32_t k = 0; k < b->actions.n; k++) {
            struct group_entry *to = b->actions.list[k].type == ACTION_GROUP
                                         ? idmap_get(&dp->groups, b->actions.list[k].id)
                                         : NULL;
            if (to)
                to->n_groups = (uint32_t)((int)to->n_groups + by);
        }
    }
}

static struct dp_error
add_group(struct datapath *dp, const struct group *description, nsec_t now)
{
    if (idmap_get(&dp->groups, description->group_id))
        return failed(GROUP_MOD_FAILED, GMFC_EXISTS);
    struct dp_error e = check_group(dp, description);
    if (dp_failed(e))
        return e;
    if (dp->groups.n >= dp->limits.groups)
        return failed(GROUP_MOD_FAILED, GMFC_OUT_OF_GROUPS);
    struct group_entry *group = xcalloc(1, sizeof *group);
    group->group_id = description->group_id;
    group->created = now;
    counters_init(&group->counters, dp->n_lanes);
    counters_share(&group->counters, dp->shared.counters);
    struct group_body *body = body_new(dp, description);
    atomic_init(&group->body, body);
    count_chained(dp, body, 1);
    idmap_put(&dp->groups, group);
    datapath_note(dp, CHANGE_ADD_GROUP, group, NULL);
    return DP_OK;
}

static struct dp_error
modify_group(struct datapath *dp, const struct group *description)
{
    struct group_entry *group = idmap_get(&dp->groups, description->group_id);
    if (!group)
        return failed(GROUP_MOD_FAILED, GMFC_UNKNOWN_GROUP);
    struct dp_error e = check_group(dp, description);
    if (dp_failed(e))
        return e;
    struct group_body *old = body_of(group), *new = body_new(dp, description);
    count_chained(dp, new, 1);
    count_chained(dp, old, -1);
    atomic_store_explicit(&group->body, new, memory_order_release);
    datapath_note(dp, CHANGE_MODIFY_GROUP, group, old);
    return DP_OK;
}

static void
remove_group(void *arg, void *object)
{
    struct datapath *dp = arg;
    struct group_entry *group = object;
    count_chained(dp, body_of(group), -1);
    idmap_remove(&dp->groups, group->group_id);
    datapath_note(dp, CHANGE_REMOVE_GROUP, group, NULL);
}

static bool
instructions_use_any_group(const struct instructions *in, uint32_t id UNUSED)
{
    for (uint32_t i = 0; i < (uint32_t)in->n_apply + in->n_write; i++) {
        if (in->actions[i].type == ACTION_GROUP)
            return true;
    }
    return false;
}

static struct dp_error
delete_group(struct datapath *dp, uint32_t group_id)
{
    struct group_entry *group = idmap_get(&dp->groups, group_id);
    if (group_id == GROUP_ALL) {
        datapath_remove_users(dp, instructions_use_any_group, 0, REMOVED_GROUP);
        idmap_each(&dp->groups, remove_group, dp);
        return DP_OK;
    }
    if (!group) /* "no error is returned if there was nothing to delete" */
        return group_id > GROUP_MAX ? failed(GROUP_MOD_FAILED, GMFC_INVALID_GROUP) : DP_OK;
    if (group->n_groups)
        return failed(GROUP_MOD_FAILED, GMFC_CHAINED_GROUP);
    if (group->n_flows)
        datapath_remove_users(dp, instructions_use_group, group_id, REMOVED_GROUP);
    remove_group(dp, group);
    return DP_OK;
}

struct dp_error
datapath_group_mod(struct datapath *dp, enum group_command command, const struct group *description,
                   nsec_t now)
{
    bool opened = transaction_start(dp);
    struct dp_error e = command == GROUP_ADD      ? add_group(dp, description, now)
                        : command == GROUP_MODIFY ? modify_group(dp, description)
                                                  : delete_group(dp, description->group_id);
    return transaction_end(dp, opened, e, now);
}

void
group_entry_describe(const struct group_entry *entry, struct group *group)
{
    const struct group_body *body = body_of(entry);
    *group = (struct group){entry->group_id, body->type, body->n_buckets, NULL};
    group->buckets = xcalloc(body->n_buckets, sizeof *group->buckets);
    for (uint32_t i = 0; i < body->n_buckets; i++) {
        const struct bucket_entry *b = &body->buckets[i];
        group->buckets[i] = (struct bucket){
            .weight = b->weight,
            .watch_port = b->watch_port_number,
            .watch_group = b->watch_group_id,
        };
        actions_copy(&group->buckets[i].actions, &b->actions);
    }
}
