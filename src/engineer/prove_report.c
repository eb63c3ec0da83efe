/* What is said of a network that was judged. */
#include "engineer/prove_private.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

const char *
violation_name(enum violation_kind kind)
{
    static const char *const names[VIOLATION_MAX] = {"leak",  "loss",  "loop",  "unmetered",
                                                     "queue", "twice", "stray", "unjudged"};
    return kind < VIOLATION_MAX ? names[kind] : "?";
}

/* A class that was cut up asks for single bits of fields that are only ever matched as a whole: one
 * packet of it stands for all. */
static void
complete_fields(struct match *m)
{
    for (enum field f = 0; f < FIELD_MAX; f++) {
        if (field_table[f].name && !field_table[f].maskable && match_has(m, f))
            field_full_mask(f, flow_key_field(&m->mask, f));
    }
}

char *
cube_text(const struct match *cube)
{
    struct buf text = BUF_INIT;
    struct match m = *cube;
    complete_fields(&m);
    match_format(&m, &text);
    return buf_steal_cstr(&text);
}

char *
flow_text(const struct flow *flow)
{
    struct buf text = BUF_INIT;
    flow_format(flow, &text);
    return buf_steal_cstr(&text);
}

static void
put_path(const struct prover *p, const struct step *step, struct buf *out)
{
    if (step->before) {
        put_path(p, step->before, out);
        buf_str(out, " > ");
    }
    buf_str(out, p->nodes[step->state->node].node->name);
}

char *
path_text(const struct prover *p, const struct step *step)
{
    struct buf text = BUF_INIT;
    put_path(p, step, &text);
    return buf_steal_cstr(&text);
}

static void
note_written(const struct actions *actions, struct flow_key *written)
{
    for (uint32_t i = 0; i < actions->n; i++) {
        const struct action *a = &actions->list[i];
        if (a->type == ACTION_SET_FIELD) {
            field_full_mask(a->field, flow_key_field(written, a->field));
        } else if (a->type == ACTION_PUSH_VLAN || a->type == ACTION_POP_VLAN) {
            field_full_mask(FIELD_VLAN_VID, flow_key_field(written, FIELD_VLAN_VID));
            field_full_mask(FIELD_VLAN_PCP, flow_key_field(written, FIELD_VLAN_PCP));
        }
    }
}

/* Every bit that a rule on the way, or a group it names, may have written. */
static void
note_all_written(const struct prover *p, const struct step *step, struct flow_key *written)
{
    for (; step; step = step->before) {
        const struct actions *actions = step->flow ? &step->flow->apply : NULL;
        if (!actions)
            continue;
        note_written(actions, written);
        for (uint32_t i = 0; i < actions->n; i++) {
            struct proved_group *g = NULL;
            if (actions->list[i].type == ACTION_GROUP)
                HASH_FIND(hh, p->nodes[step->state->node].groups, &actions->list[i].id,
                          sizeof(uint32_t), g);
            for (uint32_t k = 0; g && g->group && k < g->group->n_buckets; k++)
                note_written(&g->group->buckets[k].actions, written);
        }
    }
}

/* What the way has found out of the packet is true of it from the start, but for what was written
 * on the way. */
void
entering_cube(const struct prover *p, const struct step *step, const struct match *cube,
              struct match *entering)
{
    struct flow_key written = {.in_port = UINT32_MAX};
    const struct step *first = step;
    note_all_written(p, step, &written);
    while (first->before)
        first = first->before;
    struct match m = first->state->cube;
    for (int i = 0; i < FLOW_KEY_WORDS; i++) {
        uint64_t learned = cube->mask.words[i] & ~written.words[i] & ~m.mask.words[i];
        m.mask.words[i] |= learned;
        m.value.words[i] |= cube->value.words[i] & learned;
    }
    *entering = m;
}

char *
entering_text(const struct prover *p, const struct step *step, const struct match *cube)
{
    struct match m;
    entering_cube(p, step, cube, &m);
    return cube_text(&m);
}

char *
failure_text(const struct prover *p, const struct failure *f)
{
    switch (f->kind) {
    case FAILS_LINK:
        return xasprintf("link %s", p->links[f->index].link->name);
    case FAILS_NODE:
        return xasprintf("node %s", p->nodes[f->index].node->name);
    case FAILS_RISK:
        return xasprintf("shared risk %s", p->risks[f->index]);
    case FAILS_KINDS:
        break;
    }
    return NULL;
}

/* ---- What stands ---- */

static char **
text_of(struct violation *v, size_t i)
{
    char **const texts[] = {&v->circuit, &v->node,    &v->rule, &v->packet,
                            &v->path,    &v->failure, &v->text};
    return i < ARRAY_SIZE(texts) ? texts[i] : NULL;
}

static void
violation_fini(struct violation *v)
{
    char **text;
    for (size_t i = 0; (text = text_of(v, i)); i++)
        free(*text);
}

static void
violation_copy(struct violation *to, struct violation *from)
{
    char **text;
    *to = *from;
    for (size_t i = 0; (text = text_of(to, i)); i++)
        *text = *text ? xstrdup(*text) : NULL;
}

static int
compare_texts(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) : (a != NULL) - (b != NULL);
}

/* The order of reports: by circuit (what no circuit allows comes first), kind, and all the rest. */
static int
compare_violations(const void *a, const void *b)
{
    struct violation *x = (struct violation *)a, *y = (struct violation *)b;
    int order = compare_texts(x->circuit, y->circuit);
    if (!order && x->kind != y->kind)
        order = x->kind < y->kind ? -1 : 1;
    for (size_t i = 1; !order && text_of(x, i); i++)
        order = compare_texts(*text_of(x, i), *text_of(y, i));
    return order;
}

/* The same seen again, in another round or with other parts of the class. */
static bool
is_same(const struct violation *a, const struct violation *b)
{
    return a->kind == b->kind && !compare_texts(a->text, b->text) &&
           !compare_texts(a->rule, b->rule) && !compare_texts(a->path, b->path) &&
           (a->kind != VIOLATION_LOSS || !compare_texts(a->failure, b->failure));
}

void
violations_add(struct prover *p, struct violations **list, struct violation *v)
{
    if (!*list) {
        *list = xcalloc(1, sizeof **list);
        (*list)->next = p->violations;
        (*list)->previous_at = &p->violations;
        if (p->violations)
            p->violations->previous_at = &(*list)->next;
        p->violations = *list;
    }
    for (uint32_t i = 0; i < (*list)->n; i++) {
        if (is_same(&(*list)->list[i], v)) {
            violation_fini(v);
            return;
        }
    }
    p->n_violations++;
    (*list)->found++;
    if ((*list)->n == VIOLATIONS_KEPT || p->n_kept == VIOLATIONS_KEPT_IN_ALL) {
        violation_fini(v);
        return;
    }
    (*list)->list = xrealloc((*list)->list, (*list)->n + 1, sizeof *v);
    (*list)->list[(*list)->n++] = *v;
    p->n_kept++;
}

void
violations_clear(struct prover *p, struct violations **list)
{
    if (!*list)
        return;
    p->n_violations -= (*list)->found;
    p->n_kept -= (*list)->n;
    for (uint32_t i = 0; i < (*list)->n; i++)
        violation_fini(&(*list)->list[i]);
    *(*list)->previous_at = (*list)->next;
    if ((*list)->next)
        (*list)->next->previous_at = (*list)->previous_at;
    free((*list)->list);
    free(*list);
    *list = NULL;
}

/* ---- Reports ---- */

struct collected {
    uint32_t n, capacity;
    struct violation *list; /* texts still the prover's */
};

static void
collect(struct collected *all, const struct violations *v)
{
    for (uint32_t i = 0; i < v->n; i++) {
        GROW(all->list, all->n, all->capacity);
        all->list[all->n++] = v->list[i];
    }
}

void
prover_violations(struct prover *p, uint32_t limit, struct proof *proof)
{
    struct collected all = {0};
    *proof = (struct proof){
        .rules = p->n_flows, .walks = p->n_claims, .circuits = HASH_COUNT(p->circuits)};
    for (const struct violations *v = p->violations; v; v = v->next)
        collect(&all, v);
    if (all.n)
        qsort(all.list, all.n, sizeof *all.list, compare_violations);
    proof->n = limit ? MIN(all.n, limit) : all.n;
    proof->truncated = p->n_violations > proof->n;
    proof->violations = xcalloc(proof->n + 1, sizeof *proof->violations);
    for (uint32_t i = 0; i < proof->n; i++)
        violation_copy(&proof->violations[i], &all.list[i]);
    free(all.list);
}

static void
count_flows(struct prover *p, struct proved_node *node, struct proof *proof)
{
    struct match any = MATCH_ANY;
    p->found.n = 0;
    cubes_meet(&node->flows, &any, CUBES_ALL, &p->found);
    for (uint32_t i = 0; i < p->found.n; i++) {
        const struct proved_flow *f = (const struct proved_flow *)p->found.items[i];
        proof->classes += f->n_classes;
        proof->idle += f->forwards && !f->element.user && !f->element.more && !f->leaks;
    }
}

void
prover_report(struct prover *p, uint32_t limit, struct proof *proof)
{
    prover_violations(p, limit, proof);
    for (uint32_t i = 0; i < p->n_nodes; i++)
        count_flows(p, &p->nodes[i], proof);
    for (const struct judged_circuit *c = p->circuits; c; c = c->hh.next) {
        for (uint32_t i = 0; i < c->claims.n; i++) {
            proof->failures += c->judged[i].n_failures;
            proof->steps += c->judged[i].n_steps;
        }
    }
}

void
proof_fini(struct proof *proof)
{
    for (uint32_t i = 0; i < proof->n; i++)
        violation_fini(&proof->violations[i]);
    free(proof->violations);
    *proof = (struct proof){0};
}

void
proof_format(const struct proof *proof, struct buf *out)
{
    for (uint32_t i = 0; i < proof->n; i++) {
        const struct violation *v = &proof->violations[i];
        buf_printf(out, "%s: %s\n", violation_name(v->kind), v->text);
        bool element = v->failure && strcmp(v->failure, WHEN_SEVERAL_FAIL) &&
                       strcmp(v->failure, WHEN_MIXED);
        if (v->failure)
            buf_printf(out, "  with %s%s\n", v->failure, element ? " down" : "");
        if (v->packet)
            buf_printf(out, "  packet %s\n", v->packet);
        if (v->path)
            buf_printf(out, "  path   %s\n", v->path);
        if (v->rule)
            buf_printf(out, "  rule   %s: %s\n", v->node, v->rule);
    }
    buf_printf(out,
               "%s: %llu circuits, %llu rules, %llu classes of packets, %llu failures; "
               "%llu walks of %llu steps\n",
               proof->n ? (proof->truncated ? "refuted (and more)" : "refuted") : "proved",
               (unsigned long long)proof->circuits, (unsigned long long)proof->rules,
               (unsigned long long)proof->classes, (unsigned long long)proof->failures,
               (unsigned long long)proof->walks, (unsigned long long)proof->steps);
}
