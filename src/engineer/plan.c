#include "engineer/plan.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule and how often circuits asked for it. Shared with change lists, so it is counted twice
 * over: `users` in the plan, `holders` of the memory. */
struct item {
    struct rule rule;
    union {
        struct flow flow;
        struct group group;
        struct meter meter;
    };
    uint32_t users, holders;
    UT_hash_handle hh;
};

struct plan_node {
    char *name;
    struct item *items; /* by identity */
    UT_hash_handle hh;
};

struct plan {
    struct plan_node *nodes;
    struct plan_size size;
};

/* What makes a rule that rule: its kind and number, or its table, priority and match. */
struct identity {
    uint64_t kind, number;
    struct match match;
};

static void
identify(const struct rule *rule, struct identity *id)
{
    memset(id, 0, sizeof *id);
    id->kind = rule->kind;
    if (rule->kind == RULE_FLOW) {
        id->number = (uint64_t)rule->flow->table_id << 16 | rule->flow->priority;
        id->match = rule->flow->match;
    } else {
        id->number = rule->kind == RULE_GROUP ? rule->group->group_id : rule->meter->meter_id;
    }
}

static bool
same_identity(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return false;
    if (a->kind == RULE_FLOW)
        return flow_same(a->flow, b->flow);
    return a->kind == RULE_GROUP ? a->group->group_id == b->group->group_id
                                 : a->meter->meter_id == b->meter->meter_id;
}

static bool
same_effect(const struct rule *a, const struct rule *b)
{
    if (a->kind == RULE_FLOW)
        return flow_equal(a->flow, b->flow) && a->flow->cookie == b->flow->cookie;
    return a->kind == RULE_GROUP ? group_equal(a->group, b->group)
                                 : meter_equal(a->meter, b->meter);
}

static unsigned
hash_rule(const struct rule *rule)
{
    struct identity id;
    identify(rule, &id);
    return (unsigned)hash_bytes(&id, sizeof id, 0);
}

static struct item *
find_item(const struct plan_node *node, const struct rule *rule)
{
    struct item *item = NULL;
    if (!node || !node->items)
        return NULL;
    /* uthash compares keys as octets; rules are not kept as such, so the bucket is walked here. */
    unsigned hash = hash_rule(rule), bucket;
    HASH_TO_BKT(hash, node->items->hh.tbl->num_buckets, bucket);
    for (struct UT_hash_handle *h = node->items->hh.tbl->buckets[bucket].hh_head; h;
         h = h->hh_next) {
        item = (struct item *)ELMT_FROM_HH(node->items->hh.tbl, h);
        if (h->hashv == hash && same_identity(&item->rule, rule))
            return item;
    }
    return NULL;
}

static struct item *
item_new(const struct rule *rule)
{
    struct item *item = xcalloc(1, sizeof *item);
    item->rule.kind = rule->kind;
    item->holders = 1;
    if (rule->kind == RULE_FLOW) {
        flow_copy(&item->flow, rule->flow);
        item->rule.flow = &item->flow;
    } else if (rule->kind == RULE_GROUP) {
        group_copy(&item->group, rule->group);
        item->rule.group = &item->group;
    } else {
        meter_copy(&item->meter, rule->meter);
        item->rule.meter = &item->meter;
    }
    return item;
}

static void
item_release(struct item *item)
{
    if (--item->holders)
        return;
    if (item->rule.kind == RULE_FLOW)
        flow_fini(&item->flow);
    else if (item->rule.kind == RULE_GROUP)
        group_fini(&item->group);
    else
        meter_fini(&item->meter);
    free(item);
}

static struct item *
item_of(const struct rule *rule)
{
    if (rule->kind == RULE_FLOW)
        return CONTAINER_OF(rule->flow, struct item, flow);
    return rule->kind == RULE_GROUP ? CONTAINER_OF(rule->group, struct item, group)
                                    : CONTAINER_OF(rule->meter, struct item, meter);
}

static struct plan_node *
find_node(const struct plan *plan, const char *name)
{
    struct plan_node *node;
    HASH_FIND_STR(plan->nodes, name, node);
    return node;
}

static struct plan_node *
need_node(struct plan *plan, const char *name)
{
    struct plan_node *node = find_node(plan, name);
    if (!node) {
        node = xcalloc(1, sizeof *node);
        node->name = xstrdup(name);
        HASH_ADD_KEYPTR(hh, plan->nodes, node->name, strlen(node->name), node);
        plan->size.nodes++;
    }
    return node;
}

static uint32_t *
size_of(struct plan *plan, enum rule_kind kind)
{
    return kind == RULE_FLOW    ? &plan->size.flows
           : kind == RULE_GROUP ? &plan->size.groups
                                : &plan->size.meters;
}

/* ---- Changes ---- */

static void
note_change(struct plan_changes *changes, const char *node, bool add, struct item *item)
{
    if (!changes)
        return;
    GROW(changes->list, changes->n, changes->capacity);
    item->holders++;
    changes->list[changes->n++] = (struct plan_change){xstrdup(node), add, item->rule};
}

void
plan_changes_free(struct plan_changes *changes)
{
    for (uint32_t i = 0; i < changes->n; i++) {
        free((char *)changes->list[i].node);
        item_release(item_of(&changes->list[i].rule));
    }
    free(changes->list);
    *changes = (struct plan_changes){0};
}

static int
compare_rules(const struct rule *a, const struct rule *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind != RULE_FLOW) {
        uint32_t x = a->kind == RULE_GROUP ? a->group->group_id : a->meter->meter_id;
        uint32_t y = a->kind == RULE_GROUP ? b->group->group_id : b->meter->meter_id;
        return x < y ? -1 : x > y;
    }
    if (a->flow->table_id != b->flow->table_id)
        return a->flow->table_id < b->flow->table_id ? -1 : 1;
    if (a->flow->priority != b->flow->priority)
        return a->flow->priority > b->flow->priority ? -1 : 1;
    return match_compare(&a->flow->match, &b->flow->match);
}

/* What is added first; meters before groups before flows, for flows name meters and groups; and
 * groups by rising number, for a group names only lower ones. What goes, the other way round. */
static int
by_step(const void *a, const void *b)
{
    const struct plan_change *x = a, *y = b;
    if (x->add != y->add)
        return x->add ? -1 : 1;
    int sign = x->add ? 1 : -1;
    if (x->rule.kind != y->rule.kind)
        return x->rule.kind < y->rule.kind ? -sign : sign;
    int order = strcmp(x->node, y->node);
    return order ? order : sign * compare_rules(&x->rule, &y->rule);
}

static void
put_in_order(struct plan_changes *changes)
{
    if (changes)
        qsort(changes->list, changes->n, sizeof *changes->list, by_step);
}

/* ---- Adding and taking out ---- */

/* What was asked for so far in one step, to be undone if it fails. */
struct step {
    struct plan *plan;
    struct plan_changes *changes;
    struct {
        struct plan_node *node;
        struct item *item;
    } * done;
    uint32_t n, capacity;
};

static enum err
say_conflict(const struct plan_node *node, const struct rule *there, const struct rule *wanted,
             struct diag *diag)
{
    struct buf a = BUF_INIT, b = BUF_INIT;
    rule_format(there, &a);
    rule_format(wanted, &b);
    enum err err = diag_set(diag, ERR_CONFLICT,
                            "node \"%s\" has \"%.120s\", which contradicts \"%.120s\"", node->name,
                            buf_cstr(&a), buf_cstr(&b));
    buf_fini(&a);
    buf_fini(&b);
    return err;
}

static enum err
add_rule(struct step *s, const struct node *at, const struct rule *rule, struct diag *diag)
{
    struct plan_node *node = need_node(s->plan, at->name);
    struct item *item = find_item(node, rule);
    if (item && !same_effect(&item->rule, rule))
        return say_conflict(node, &item->rule, rule, diag);
    if (!item) {
        item = item_new(rule);
        unsigned hash = hash_rule(rule);
        HASH_ADD_KEYPTR_BYHASHVALUE(hh, node->items, &item->rule, sizeof item->rule, hash, item);
        ++*size_of(s->plan, rule->kind);
        note_change(s->changes, node->name, true, item);
    }
    item->users++;
    GROW(s->done, s->n, s->capacity);
    s->done[s->n].node = node;
    s->done[s->n++].item = item;
    return ERR_OK;
}

static enum err
add_flow(void *arg, const struct node *node, const struct flow *flow, struct diag *diag)
{
    struct rule rule = {.kind = RULE_FLOW, .flow = flow};
    return add_rule(arg, node, &rule, diag);
}

static enum err
add_group(void *arg, const struct node *node, const struct group *group, struct diag *diag)
{
    struct rule rule = {.kind = RULE_GROUP, .group = group};
    return add_rule(arg, node, &rule, diag);
}

static enum err
add_meter(void *arg, const struct node *node, const struct meter *meter, struct diag *diag)
{
    struct rule rule = {.kind = RULE_METER, .meter = meter};
    return add_rule(arg, node, &rule, diag);
}

static void
drop_use(struct plan *plan, struct plan_node *node, struct item *item, struct plan_changes *changes)
{
    if (--item->users)
        return;
    HASH_DEL(node->items, item);
    --*size_of(plan, item->rule.kind);
    note_change(changes, node->name, false, item);
    item_release(item);
}

static void
undo(struct step *s, uint32_t n_changes)
{
    for (; s->n; s->n--)
        drop_use(s->plan, s->done[s->n - 1].node, s->done[s->n - 1].item, NULL);
    while (s->changes && s->changes->n > n_changes) {
        struct plan_change *last = &s->changes->list[--s->changes->n];
        free((char *)last->node);
        item_release(item_of(&last->rule));
    }
}

static enum err
remove_rule(struct step *s, const struct node *at, const struct rule *rule)
{
    struct plan_node *node = find_node(s->plan, at->name);
    struct item *item = find_item(node, rule);
    if (item)
        drop_use(s->plan, node, item, s->changes);
    return ERR_OK;
}

static enum err
remove_flow(void *arg, const struct node *node, const struct flow *flow, struct diag *diag UNUSED)
{
    struct rule rule = {.kind = RULE_FLOW, .flow = flow};
    return remove_rule(arg, node, &rule);
}

static enum err
remove_group(void *arg, const struct node *node, const struct group *group,
             struct diag *diag UNUSED)
{
    struct rule rule = {.kind = RULE_GROUP, .group = group};
    return remove_rule(arg, node, &rule);
}

static enum err
remove_meter(void *arg, const struct node *node, const struct meter *meter,
             struct diag *diag UNUSED)
{
    struct rule rule = {.kind = RULE_METER, .meter = meter};
    return remove_rule(arg, node, &rule);
}

struct plan *
plan_new(void)
{
    return xcalloc(1, sizeof(struct plan));
}

void
plan_free(struct plan *plan)
{
    struct plan_node *node, *next_node;
    if (!plan)
        return;
    HASH_ITER (hh, plan->nodes, node, next_node) {
        struct item *item, *next;
        HASH_ITER (hh, node->items, item, next) {
            HASH_DEL(node->items, item);
            item_release(item);
        }
        HASH_DEL(plan->nodes, node);
        free(node->name);
        free(node);
    }
    free(plan);
}

static enum err
finish_step(struct step *s, enum err err, uint32_t n_changes)
{
    if (err)
        undo(s, n_changes);
    free(s->done);
    put_in_order(s->changes);
    return err;
}

enum err
plan_add_node(struct plan *plan, const struct node *node, struct plan_changes *changes,
              struct diag *diag)
{
    struct step s = {.plan = plan, .changes = changes};
    const struct rule_sink sink = {add_flow, add_group, add_meter, &s};
    uint32_t n_changes = changes ? changes->n : 0;
    if (find_node(plan, node->name))
        return diag_set(diag, ERR_EXISTS, "node \"%s\" is in the plan already", node->name);
    return finish_step(&s, compile_node(node, &sink, diag), n_changes);
}

void
plan_remove_node(struct plan *plan, const struct node *node, struct plan_changes *changes)
{
    struct step s = {.plan = plan, .changes = changes};
    const struct rule_sink sink = {remove_flow, remove_group, remove_meter, &s};
    if (compile_node(node, &sink, NULL)) { /* its sink never fails */
    }
    struct plan_node *gone = find_node(plan, node->name);
    if (gone && !gone->items) {
        HASH_DEL(plan->nodes, gone);
        free(gone->name);
        free(gone);
        plan->size.nodes--;
    }
    put_in_order(changes);
}

enum err
plan_add_circuit(struct plan *plan, const struct network *net, const struct circuit *circuit,
                 const struct design *design, struct plan_changes *changes, struct diag *diag)
{
    struct step s = {.plan = plan, .changes = changes};
    const struct rule_sink sink = {add_flow, add_group, add_meter, &s};
    uint32_t n_changes = changes ? changes->n : 0;
    enum err err = compile_circuit(net, circuit, design, &sink, diag);
    return finish_step(&s, err, n_changes);
}

void
plan_remove_circuit(struct plan *plan, const struct network *net, const struct circuit *circuit,
                    const struct design *design, struct plan_changes *changes)
{
    struct step s = {.plan = plan, .changes = changes};
    const struct rule_sink sink = {remove_flow, remove_group, remove_meter, &s};
    if (compile_circuit(net, circuit, design, &sink, NULL)) { /* it compiled when it was added */
    }
    put_in_order(changes);
}

enum err
plan_network(const struct network *net, struct plan **result, struct diag *diag)
{
    struct plan *plan = plan_new();
    enum err err = ERR_OK;
    for (struct node *node = net->nodes; node && !err; node = node->hh.next)
        err = plan_add_node(plan, node, NULL, diag);
    for (struct design *d = net->designs; d && !err; d = d->hh.next) {
        const struct circuit *circuit = network_circuit(net, d->circuit);
        if (circuit)
            err = plan_add_circuit(plan, net, circuit, d, NULL, diag);
    }
    if (err) {
        plan_free(plan);
        return err;
    }
    *result = plan;
    return ERR_OK;
}

/* ---- Reading ---- */

static int
by_canonical_order(const void *a, const void *b)
{
    return compare_rules(a, b);
}

void
plan_rules(const struct plan *plan, const char *name, struct rule_list *rules)
{
    const struct plan_node *node = find_node(plan, name);
    *rules = (struct rule_list){0};
    if (!node)
        return;
    rules->list = xcalloc(HASH_COUNT(node->items), sizeof *rules->list);
    for (struct item *item = node->items; item; item = item->hh.next)
        rules->list[rules->n++] = item->rule;
    qsort(rules->list, rules->n, sizeof *rules->list, by_canonical_order);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

uint32_t
plan_nodes(const struct plan *plan, const char ***names)
{
    uint32_t n = 0;
    *names = xcalloc(HASH_COUNT(plan->nodes), sizeof **names);
    for (struct plan_node *node = plan->nodes; node; node = node->hh.next)
        (*names)[n++] = node->name;
    qsort(*names, n, sizeof **names, by_name);
    return n;
}

const struct flow *
plan_find_flow(const struct plan *plan, const char *node, const struct flow *like)
{
    struct rule rule = {.kind = RULE_FLOW, .flow = like};
    struct item *item = find_item(find_node(plan, node), &rule);
    return item ? &item->flow : NULL;
}

const struct group *
plan_find_group(const struct plan *plan, const char *node, uint32_t group_id)
{
    struct group like = {.group_id = group_id};
    struct rule rule = {.kind = RULE_GROUP, .group = &like};
    struct item *item = find_item(find_node(plan, node), &rule);
    return item ? &item->group : NULL;
}

const struct meter *
plan_find_meter(const struct plan *plan, const char *node, uint32_t meter_id)
{
    struct meter like = {.meter_id = meter_id};
    struct rule rule = {.kind = RULE_METER, .meter = &like};
    struct item *item = find_item(find_node(plan, node), &rule);
    return item ? &item->meter : NULL;
}

void
plan_get_size(const struct plan *plan, struct plan_size *size)
{
    *size = plan->size;
}

void
rule_format(const struct rule *rule, struct buf *out)
{
    if (rule->kind == RULE_FLOW)
        flow_format(rule->flow, out);
    else if (rule->kind == RULE_GROUP)
        group_format(rule->group, out);
    else
        meter_format(rule->meter, out);
}

static int
by_node_and_rule(const void *a, const void *b)
{
    const struct plan_change *x = *(const struct plan_change *const *)a,
                             *y = *(const struct plan_change *const *)b;
    int order = strcmp(x->node, y->node);
    if (!order)
        order = compare_rules(&x->rule, &y->rule);
    return order ? order : x->add - y->add;
}

void
plan_changes_format(const struct plan_changes *changes, struct buf *out)
{
    const struct plan_change **sorted = xcalloc(changes->n, sizeof *sorted);
    for (uint32_t i = 0; i < changes->n; i++)
        sorted[i] = &changes->list[i];
    qsort(sorted, changes->n, sizeof *sorted, by_node_and_rule);
    for (uint32_t i = 0; i < changes->n; i++) {
        buf_printf(out, "%c %s ", sorted[i]->add ? '+' : '-', sorted[i]->node);
        rule_format(&sorted[i]->rule, out);
        buf_str(out, "\n");
    }
    free(sorted);
}

void
plan_changes_hash(const struct plan_changes *changes, char text[PLAN_HASH_SIZE])
{
    struct buf all = BUF_INIT;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    plan_changes_format(changes, &all);
    if (EVP_Digest(buf_cstr(&all), all.size, digest, &size, EVP_sha256(), NULL) != 1)
        abort();
    for (unsigned i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    buf_fini(&all);
}
