#include "engineer/labels.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stdlib.h>
#include <string.h>

struct kept_rule {
    struct label_rule rule;
    uint32_t number; /* as added */
};

/* A node and a stack that packets may come to. */
struct configuration {
    uint32_t node, n_stack;
    uint32_t first; /* its labels are labels[first...], topmost last */
    uint32_t next;  /* with the same hash, + 1 */
    uint64_t hash;
    bool on_path; /* of the search */
};

struct frame { /* of the way to where the search is */
    uint32_t configuration;
    uint32_t rule, end; /* those to be tried: index into rules */
};

struct labels {
    struct labels_config config;
    struct labels_link *links;
    struct kept_rule *rules;
    uint32_t n_rules, capacity;
    bool sorted;

    /* A search. */
    struct configuration *configurations;
    uint32_t n_configurations, configurations_capacity;
    uint32_t *labels, n_labels, labels_capacity;
    uint32_t *slots, n_slots;
    struct frame *frames;
    uint32_t n_frames, frames_capacity;
    uint32_t entry, failure;
    uint32_t *risks, n_risks, risks_capacity; /* met with everything up */
    struct labels_report *report;
    uint32_t limit;
};

/* ---- Rules ---- */

enum err
labels_new(const struct labels_config *config, struct labels **made, struct diag *diag)
{
    if (!config->depth || config->depth > LABELS_DEPTH_MAX)
        return diag_set(diag, ERR_INVALID, "stacks of %u labels: 1 to %u are possible",
                        config->depth, LABELS_DEPTH_MAX);
    if (!config->steps)
        return diag_set(diag, ERR_LIMIT, "nothing can be judged in no steps");
    if (config->n_nodes > LABELS_NODES_MAX || config->n_links > LABELS_LINKS_MAX)
        return diag_set(diag, ERR_LIMIT, "%u nodes and %u links are too many: at most %u and %u",
                        config->n_nodes, config->n_links, LABELS_NODES_MAX, LABELS_LINKS_MAX);
    for (uint32_t i = 0; i < config->n_links; i++) {
        if (config->links[i].from >= config->n_nodes || config->links[i].to >= config->n_nodes)
            return diag_set(diag, ERR_INVALID, "link %u ends at a node that is not there", i);
    }
    struct labels *l = xcalloc(1, sizeof *l);
    l->config = *config;
    l->links = xmemdup(config->links, config->n_links * sizeof *l->links);
    l->config.links = l->links;
    *made = l;
    return ERR_OK;
}

void
labels_free(struct labels *l)
{
    if (!l)
        return;
    void *const parts[] = {l->links, l->rules,  l->configurations, l->labels,
                           l->slots, l->frames, l->risks};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        free(parts[i]);
    free(l);
}

static enum err
check_label(uint32_t label, struct diag *diag)
{
    if (label > LABEL_MAX)
        return diag_set(diag, ERR_INVALID, "label %u has more than 20 bits", label);
    if (label == LABEL_IMPLICIT_NULL)
        return diag_set(diag, ERR_INVALID,
                        "label 3, implicit null, is never in a packet: write a pop");
    return ERR_OK;
}

enum err
labels_add(struct labels *l, const struct label_rule *rule, struct diag *diag)
{
    bool entry = rule->label == LABELS_NONE;
    enum err err = entry ? ERR_OK : check_label(rule->label, diag);
    if (!err && (rule->node >= l->config.n_nodes || (entry && rule->egress >= l->config.n_nodes)))
        err = diag_set(diag, ERR_INVALID, "a label rule of a node that is not there");
    if (!err && rule->n_ops > LABELS_OPS_MAX)
        err = diag_set(diag, ERR_INVALID, "a label rule has at most %u operations", LABELS_OPS_MAX);
    for (uint32_t i = 0; i < rule->n_ops && !err; i++) {
        if (rule->ops[i].kind != LABEL_POP)
            err = check_label(rule->ops[i].label, diag);
    }
    if (!err && rule->link != LABELS_HERE &&
        (rule->link >= l->config.n_links || l->links[rule->link].from != rule->node))
        err = diag_set(diag, ERR_INVALID, "link %u is not one of node %u", rule->link, rule->node);
    if (!err && l->n_rules == LABELS_RULES_MAX)
        err = diag_set(diag, ERR_LIMIT, "more than %u label rules", LABELS_RULES_MAX);
    if (err)
        return err;
    GROW(l->rules, l->n_rules, l->capacity);
    l->rules[l->n_rules] = (struct kept_rule){*rule, l->n_rules};
    if (!entry)
        l->rules[l->n_rules].rule.fec = 0;
    l->n_rules++;
    l->sorted = false;
    return ERR_OK;
}

static int
compare_rules(const void *a, const void *b)
{
    const struct kept_rule *x = a, *y = b;
    const uint32_t keys[][2] = {{x->rule.node, y->rule.node},
                                {x->rule.label, y->rule.label},
                                {x->rule.fec, y->rule.fec},
                                {x->rule.rank, y->rule.rank},
                                {x->number, y->number}};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (keys[i][0] != keys[i][1])
            return keys[i][0] < keys[i][1] ? -1 : 1;
    }
    return 0;
}

/* The first rule that is not before this. */
static uint32_t
lower_bound(const struct labels *l, uint32_t node, uint32_t label)
{
    uint32_t low = 0, high = l->n_rules;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct label_rule *r = &l->rules[middle].rule;
        if (r->node < node || (r->node == node && r->label < label))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool
is_up(struct labels *l, const struct label_rule *rule)
{
    return rule->link == LABELS_HERE || l->links[rule->link].risk != l->failure;
}

/* The rules for a node and a label that count: from `*first` to before `*end`, those of them with a
 * link that is up. False: there are rules, and all their links are down. */
static bool
rules_for(struct labels *l, uint32_t node, uint32_t label, uint32_t *first, uint32_t *end)
{
    uint32_t i = lower_bound(l, node, label), start = i;
    *first = *end = i;
    while (i < l->n_rules && l->rules[i].rule.node == node && l->rules[i].rule.label == label) {
        uint32_t rank = l->rules[i].rule.rank;
        bool up = false;
        *first = i;
        for (; i < l->n_rules && l->rules[i].rule.node == node && l->rules[i].rule.label == label &&
               l->rules[i].rule.rank == rank;
             i++)
            up |= is_up(l, &l->rules[i].rule);
        *end = i;
        if (up)
            return true;
    }
    *first = *end = start;
    return i == start;
}

/* ---- Configurations ---- */

static uint64_t
configuration_hash(uint32_t node, const uint32_t *stack, uint32_t n)
{
    return hash_bytes(stack, n * sizeof *stack, node);
}

static void
rehash(struct labels *l)
{
    l->n_slots = MAX(l->n_slots * 2, 64);
    free(l->slots);
    l->slots = xcalloc(l->n_slots, sizeof *l->slots);
    for (uint32_t i = 0; i < l->n_configurations; i++) {
        struct configuration *c = &l->configurations[i];
        uint32_t *slot = &l->slots[c->hash & (l->n_slots - 1)];
        c->next = *slot;
        *slot = i + 1;
    }
}

static uint32_t
find_configuration(const struct labels *l, uint32_t node, const uint32_t *stack, uint32_t n,
                   uint64_t hash)
{
    for (uint32_t i = l->n_slots ? l->slots[hash & (l->n_slots - 1)] : 0; i;
         i = l->configurations[i - 1].next) {
        const struct configuration *c = &l->configurations[i - 1];
        if (c->hash == hash && c->node == node && c->n_stack == n &&
            !memcmp(&l->labels[c->first], stack, n * sizeof *stack))
            return i - 1;
    }
    return LABELS_NONE;
}

static uint32_t
add_configuration(struct labels *l, uint32_t node, const uint32_t *stack, uint32_t n, uint64_t hash)
{
    if (l->n_configurations >= l->n_slots)
        rehash(l);
    GROW(l->configurations, l->n_configurations, l->configurations_capacity);
    struct configuration *c = &l->configurations[l->n_configurations];
    uint32_t *slot = &l->slots[hash & (l->n_slots - 1)];
    *c = (struct configuration){node, n, l->n_labels, *slot, hash, false};
    *slot = ++l->n_configurations;
    for (uint32_t i = 0; i < n; i++) {
        GROW(l->labels, l->n_labels, l->labels_capacity);
        l->labels[l->n_labels++] = stack[i];
    }
    return l->n_configurations - 1;
}

/* ---- Findings ---- */

static const struct configuration *
configuration_at(const struct labels *l, uint32_t frame)
{
    return &l->configurations[l->frames[frame].configuration];
}

/* `stack` as it was at `node`, the last node of the path: behind that of the frames, if it is not
 * the one of the last frame. */
static void
report(struct labels *l, enum labels_kind kind, uint32_t node, const uint32_t *stack, uint32_t n,
       bool arrived, bool grows)
{
    struct labels_report *r = l->report;
    if (r->n >= l->limit) {
        r->truncated = true;
        return;
    }
    GROW(r->findings, r->n, r->capacity);
    struct labels_finding *f = &r->findings[r->n++];
    *f = (struct labels_finding){.kind = kind,
                                 .entry = l->rules[l->entry].number,
                                 .failure = l->failure,
                                 .node = node,
                                 .n_stack = MIN(n, LABELS_DEPTH_MAX),
                                 .grows = grows};
    if (f->n_stack)
        memcpy(f->stack, stack, f->n_stack * sizeof *stack);
    f->path = xcalloc(l->n_frames + 1, sizeof *f->path);
    for (uint32_t i = 0; i < l->n_frames; i++)
        f->path[f->n_path++] = configuration_at(l, i)->node;
    if (arrived)
        f->path[f->n_path++] = node;
}

const char *
labels_kind_name(enum labels_kind kind)
{
    static const char *const names[] = {"loop", "no rule",  "no label", "astray",
                                        "down", "too deep", "unjudged"};
    return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

void
labels_report_fini(struct labels_report *r)
{
    for (uint32_t i = 0; i < r->n; i++)
        free(r->findings[i].path);
    free(r->findings);
    *r = (struct labels_report){0};
}

/* ---- The search ---- */

/* Does this come back to where it was? Looks from the last frame to the first, as long as no label
 * below the topmost one there has been looked at since. */
static bool
loops(const struct labels *l, uint32_t node, const uint32_t *stack, uint32_t n, bool *grows)
{
    uint32_t lowest = n;
    for (uint32_t i = l->n_frames; i-- > 0;) {
        const struct configuration *c = configuration_at(l, i);
        if (!c->n_stack)
            return false; /* the entry */
        lowest = MIN(lowest, c->n_stack);
        if (c->node == node && lowest == c->n_stack &&
            l->labels[c->first + c->n_stack - 1] == stack[n - 1]) {
            *grows = n > c->n_stack;
            return true;
        }
    }
    return false;
}

/* Notes which risks an entry meets with everything up. */
static void
meet(struct labels *l, uint32_t risk)
{
    if (l->failure != LABELS_NONE)
        return;
    for (uint32_t i = 0; i < l->n_risks; i++) {
        if (l->risks[i] == risk)
            return;
    }
    GROW(l->risks, l->n_risks, l->risks_capacity);
    l->risks[l->n_risks++] = risk;
}

static void
push_frame(struct labels *l, uint32_t configuration, uint32_t first, uint32_t end)
{
    GROW(l->frames, l->n_frames, l->frames_capacity);
    l->frames[l->n_frames++] = (struct frame){configuration, first, end};
    l->configurations[configuration].on_path = true;
}

/* A packet comes to a node with this stack. False: the steps are used up. */
static bool
come(struct labels *l, uint32_t node, const uint32_t *stack, uint32_t n)
{
    uint32_t first, end;
    bool grows;
    if (!n) {
        if (node != l->rules[l->entry].rule.egress)
            report(l, LABELS_ASTRAY, node, stack, n, true, false);
        return true;
    }
    if (loops(l, node, stack, n, &grows)) {
        report(l, LABELS_LOOP, node, stack, n, true, grows);
        return true;
    }
    uint64_t hash = configuration_hash(node, stack, n);
    uint32_t known = find_configuration(l, node, stack, n, hash);
    if (known != LABELS_NONE) { /* been there: by this way, or by another */
        if (l->configurations[known].on_path)
            report(l, LABELS_LOOP, node, stack, n, true, false);
        return true;
    }
    if (l->n_configurations >= l->config.steps) {
        report(l, LABELS_UNJUDGED, node, stack, n, true, false);
        return false;
    }
    bool up = rules_for(l, node, stack[n - 1], &first, &end);
    uint32_t c = add_configuration(l, node, stack, n, hash);
    if (first == end)
        report(l, up ? LABELS_NO_RULE : LABELS_DOWN, node, stack, n, true, false);
    else
        push_frame(l, c, first, end);
    return true;
}

/* What a rule makes of a stack. False: that was told as a finding. */
static bool
apply(struct labels *l, const struct label_rule *rule, uint32_t *stack, uint32_t *n)
{
    for (uint32_t i = 0; i < rule->n_ops; i++) {
        const struct label_op *op = &rule->ops[i];
        if (op->kind != LABEL_PUSH && !*n) {
            report(l, LABELS_NO_LABEL, rule->node, stack, 0, false, false);
            return false;
        }
        if (op->kind == LABEL_POP)
            --*n;
        else if (op->kind == LABEL_SWAP)
            stack[*n - 1] = op->label;
        else if (*n == l->config.depth) {
            report(l, LABELS_DEEP, rule->node, stack, *n, false, false);
            return false;
        } else
            stack[(*n)++] = op->label;
    }
    return true;
}

/* Follows an entry with what has failed. */
static void
follow(struct labels *l, uint32_t first, uint32_t end)
{
    bool more = true;
    push_frame(l, add_configuration(l, l->rules[l->entry].rule.node, NULL, 0, 0), first, end);
    while (l->n_frames && more) {
        struct frame *f = &l->frames[l->n_frames - 1];
        if (f->rule == f->end) {
            l->configurations[f->configuration].on_path = false;
            l->n_frames--;
            continue;
        }
        const struct configuration *c = &l->configurations[f->configuration];
        const struct label_rule *rule = &l->rules[f->rule++].rule;
        uint32_t stack[LABELS_DEPTH_MAX], n = c->n_stack, node = rule->node;
        if (!is_up(l, rule))
            continue;
        if (n)
            memcpy(stack, &l->labels[c->first], n * sizeof *stack);
        if (rule->link != LABELS_HERE) {
            meet(l, l->links[rule->link].risk);
            node = l->links[rule->link].to;
        }
        if (apply(l, rule, stack, &n))
            more = come(l, node, stack, n);
    }
    l->report->configurations += l->n_configurations;
    l->n_frames = l->n_configurations = l->n_labels = 0;
    if (l->n_slots)
        memset(l->slots, 0, l->n_slots * sizeof *l->slots);
}

static void
judge_entry(struct labels *l, uint32_t failure)
{
    const struct label_rule *entry = &l->rules[l->entry].rule;
    uint32_t first = l->entry, end = l->entry + 1;
    l->failure = failure;
    while (end < l->n_rules && l->rules[end].rule.node == entry->node &&
           l->rules[end].rule.label == LABELS_NONE && l->rules[end].rule.fec == entry->fec)
        end++;
    for (uint32_t i = first; i < end;) { /* the first rank with a link that is up */
        uint32_t next = i;
        bool up = false;
        for (; next < end && l->rules[next].rule.rank == l->rules[i].rule.rank; next++)
            up |= is_up(l, &l->rules[next].rule);
        if (up) {
            follow(l, i, next);
            return;
        }
        i = next;
    }
    report(l, LABELS_DOWN, entry->node, NULL, 0, true, false);
}

void
labels_judge(struct labels *l, bool failures, uint32_t limit, struct labels_report *r)
{
    *r = (struct labels_report){0};
    if (!l->sorted && l->n_rules)
        qsort(l->rules, l->n_rules, sizeof *l->rules, compare_rules);
    l->sorted = true;
    l->report = r;
    l->limit = limit;
    for (uint32_t i = 0; i < l->n_rules && !r->truncated; i++) {
        const struct label_rule *rule = &l->rules[i].rule;
        const struct label_rule *before = i ? &l->rules[i - 1].rule : NULL;
        if (rule->label != LABELS_NONE ||
            (before && before->node == rule->node && before->label == LABELS_NONE &&
             before->fec == rule->fec))
            continue;
        l->entry = i;
        l->n_risks = 0;
        judge_entry(l, LABELS_NONE);
        r->entries++;
        for (uint32_t k = 0; failures && k < l->n_risks && !r->truncated; k++) {
            judge_entry(l, l->risks[k]);
            r->failures++;
        }
    }
}
