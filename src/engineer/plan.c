#include "engineer/plan.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/hex.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

struct plan_node {
    char *name;
    struct ruleset rules; /* item.users: how often circuits ask for it */
    UT_hash_handle hh;
};

/* One rule that a step asked for. */
struct use {
    struct plan_node *node;
    struct rule_item *item;
};

struct plan {
    struct plan_node *nodes;
    struct plan_size size;
    struct use *uses; /* room for those of one step, kept for the next */
    uint32_t uses_capacity;
};

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
note_change(struct plan_changes *changes, const char *node, bool add, struct rule_item *item)
{
    if (!changes)
        return;
    GROW(changes->list, changes->n, changes->capacity);
    changes->list[changes->n++] = (struct plan_change){xstrdup(node), add,
                                                       rule_item_hold(item)->rule};
}

void
plan_changes_free(struct plan_changes *changes)
{
    for (uint32_t i = 0; i < changes->n; i++) {
        free((char *)changes->list[i].node);
        rule_item_release(rule_item_of(&changes->list[i].rule));
    }
    free(changes->list);
    *changes = (struct plan_changes){0};
}

void
plan_changes_append(struct plan_changes *all, struct plan_changes *more)
{
    for (uint32_t i = 0; i < more->n; i++) {
        GROW(all->list, all->n, all->capacity);
        all->list[all->n++] = more->list[i];
    }
    free(more->list);
    *more = (struct plan_changes){0};
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
    return order ? order : sign * rule_compare(&x->rule, &y->rule);
}

static void
put_in_order(struct plan_changes *changes)
{
    if (changes && changes->n)
        qsort(changes->list, changes->n, sizeof *changes->list, by_step);
}

/* ---- Adding and taking out ---- */

#define NODE_CACHE 64

/* One step: what was asked for so far, to be undone if it fails; and the nodes met last, for a
 * circuit asks for many rules of the same few nodes. */
struct step {
    struct plan *plan;
    struct plan_changes *changes;
    uint32_t n; /* of plan->uses */
    struct {
        const struct node *node;
        struct plan_node *in_plan;
    } cache[NODE_CACHE];
};

/* The node in the plan; NULL: it is not there. With `need` it is then put there. */
static struct plan_node *
step_node(struct step *s, const struct node *node, bool need)
{
    uint32_t at = (uint32_t)(hash_add(0, (uintptr_t)node) % NODE_CACHE);
    if (s->cache[at].node == node)
        return s->cache[at].in_plan;
    struct plan_node *found = need ? need_node(s->plan, node->name)
                                   : find_node(s->plan, node->name);
    s->cache[at].node = node;
    s->cache[at].in_plan = found;
    return found;
}

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
    struct plan_node *node = step_node(s, at, true);
    bool is_new;
    struct rule_item *item = ruleset_need(&node->rules, rule, &is_new);
    if (!is_new && !rule_equal(&item->rule, rule))
        return say_conflict(node, &item->rule, rule, diag);
    if (is_new) {
        ++*size_of(s->plan, rule->kind);
        note_change(s->changes, node->name, true, item);
    }
    item->users++;
    GROW(s->plan->uses, s->n, s->plan->uses_capacity);
    s->plan->uses[s->n++] = (struct use){node, item};
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
drop_use(struct plan *plan, struct plan_node *node, struct rule_item *item,
         struct plan_changes *changes)
{
    if (--item->users)
        return;
    --*size_of(plan, item->rule.kind);
    note_change(changes, node->name, false, item);
    ruleset_remove(&node->rules, item);
}

static void
undo(struct step *s, uint32_t n_changes)
{
    for (; s->n; s->n--)
        drop_use(s->plan, s->plan->uses[s->n - 1].node, s->plan->uses[s->n - 1].item, NULL);
    while (s->changes && s->changes->n > n_changes) {
        struct plan_change *last = &s->changes->list[--s->changes->n];
        free((char *)last->node);
        rule_item_release(rule_item_of(&last->rule));
    }
}

static enum err
remove_rule(struct step *s, const struct node *at, const struct rule *rule)
{
    struct plan_node *node = step_node(s, at, false);
    struct rule_item *item = node ? ruleset_find(&node->rules, rule) : NULL;
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
        ruleset_fini(&node->rules);
        HASH_DEL(plan->nodes, node);
        free(node->name);
        free(node);
    }
    free(plan->uses);
    free(plan);
}

static enum err
finish_step(struct step *s, enum err err, uint32_t n_changes)
{
    if (err)
        undo(s, n_changes);
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
    if (gone && !gone->rules.items) {
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

const struct ruleset *
plan_ruleset(const struct plan *plan, const char *name)
{
    const struct plan_node *node = find_node(plan, name);
    return node ? &node->rules : NULL;
}

void
plan_rules(const struct plan *plan, const char *name, struct rule_list *rules)
{
    static const struct ruleset empty;
    const struct ruleset *set = plan_ruleset(plan, name);
    ruleset_list(set ? set : &empty, rules);
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

void
plan_get_size(const struct plan *plan, struct plan_size *size)
{
    *size = plan->size;
}

static int
by_node_and_rule(const void *a, const void *b)
{
    const struct plan_change *x = *(const struct plan_change *const *)a,
                             *y = *(const struct plan_change *const *)b;
    int order = strcmp(x->node, y->node);
    if (!order)
        order = rule_compare(&x->rule, &y->rule);
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
    hex_format(digest, size, text);
    buf_fini(&all);
}
