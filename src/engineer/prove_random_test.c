/* The prover told of changes that no plan would make, one by one: flows, groups of all types,
 * nested and watched, meters and circuits come, go and become others. At any time it says what a
 * new one would; and during an update it misses no leak and no loop that a mixture of old and new
 * has. */
#include "engineer/prove_testing.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NETWORKS 10 /* under a sanitizer each takes ten times as long */
#else
#define NETWORKS 60
#endif
#define STEPS 60
#define CHANGING_MAX 4 /* rules in an update */
#define GROUPS 6       /* numbers of groups of our own: 1, 2, ... */

/* A rule of a node, in memory of its own, so that a sanitizer sees who looks at it too late. */
struct own_rule {
    const char *node;
    enum rule_kind kind;
    struct flow flow;
    struct group group;
    struct meter meter;
};

struct rules {
    uint32_t n, capacity;
    struct own_rule **list;
};

/* What a rule is in turn during an update; NULL: it is not there. */
#define VERSIONS_MAX 3
struct changed {
    uint32_t n;
    struct own_rule *versions[VERSIONS_MAX];
};

struct world {
    struct network *net;
    struct prover *prover;
    struct rules rules;
    bool *allowed; /* by circuit */
    bool updating;
    uint32_t n_changed;
    struct changed changed[CHANGING_MAX];
    uint32_t mixtures, leaks, loops;
};

static struct rule
rule_of(const struct own_rule *r)
{
    return r->kind == RULE_FLOW    ? rule_of_flow(&r->flow)
           : r->kind == RULE_GROUP ? rule_of_group(&r->group)
                                   : rule_of_meter(&r->meter);
}

static struct own_rule *
copy_of(const char *node, const struct rule *rule)
{
    struct own_rule *r = xcalloc(1, sizeof *r);
    r->node = node;
    r->kind = rule->kind;
    if (rule->kind == RULE_FLOW)
        flow_copy(&r->flow, rule->flow);
    else if (rule->kind == RULE_GROUP)
        group_copy(&r->group, rule->group);
    else
        meter_copy(&r->meter, rule->meter);
    return r;
}

static void
free_rule(struct own_rule *r)
{
    if (!r)
        return;
    flow_fini(&r->flow);
    group_fini(&r->group);
    meter_fini(&r->meter);
    free(r);
}

static bool
is_same_rule(const struct own_rule *a, const struct own_rule *b)
{
    struct rule x = rule_of(a), y = rule_of(b);
    return !strcmp(a->node, b->node) && rule_same(&x, &y);
}

/* ---- Rules out of the blue ---- */

static uint32_t
any_port(const struct world *w, const char *node)
{
    static const uint32_t special[] = {PORT_IN_PORT, PORT_FLOOD, PORT_LOCAL, PORT_CONTROLLER, 77};
    const struct node *n = network_node(w->net, node);
    return draw(12) ? n->ports[draw(n->n_ports)].number : special[draw(ARRAY_SIZE(special))];
}

static const struct own_rule *
any_of(const struct world *w, enum rule_kind kind)
{
    for (int tries = 0; tries < 200; tries++) {
        const struct own_rule *r = w->rules.list[draw(w->rules.n)];
        if (r->kind == kind)
            return r;
    }
    return NULL;
}

static uint32_t
any_group(const struct world *w, const char *node)
{
    const struct own_rule *r = draw(2) ? any_of(w, RULE_GROUP) : NULL;
    return r && !strcmp(r->node, node) ? r->group.group_id : 1 + draw(GROUPS);
}

static void
change_actions(const struct world *w, const char *node, struct actions *actions)
{
    uint32_t at = actions->n ? draw(actions->n) : 0;
    switch (draw(6)) {
    case 0:
        actions_output(actions, any_port(w, node));
        break;
    case 1:
        actions_group(actions, any_group(w, node));
        break;
    case 2:
        actions_free(actions);
        break;
    default:
        if (actions->n && actions->list[at].type == ACTION_OUTPUT)
            actions->list[at].id = any_port(w, node);
        else if (actions->n && actions->list[at].type == ACTION_GROUP)
            actions->list[at].id = any_group(w, node);
        else
            actions_set_queue(actions, draw(3));
    }
}

static void
widen(struct match *m)
{
    static const enum field fields[] = {FIELD_IN_PORT,  FIELD_ETH_DST, FIELD_ETH_SRC,
                                        FIELD_VLAN_VID, FIELD_TCP_DST, FIELD_IPV4_SRC};
    enum field field = fields[draw(ARRAY_SIZE(fields))];
    if (!match_has(m, field))
        return;
    memset(flow_key_field(&m->mask, field), 0, field_table[field].size);
    memset(flow_key_field(&m->value, field), 0, field_table[field].size);
}

static struct own_rule *
random_flow(const struct world *w)
{
    const struct own_rule *like = any_of(w, RULE_FLOW);
    if (!like)
        return NULL;
    struct rule rule = rule_of(like);
    struct own_rule *r = copy_of(like->node, &rule);
    if (!draw(3))
        widen(&r->flow.match);
    if (!draw(4))
        r->flow.priority = (uint16_t)(r->flow.priority + draw(3) - 1);
    if (!draw(8))
        r->flow.meter_id = draw(4);
    if (draw(6)) {
        r->flow.has_apply = true;
        change_actions(w, r->node, &r->flow.apply);
    }
    return r;
}

static struct own_rule *
random_group(const struct world *w)
{
    const struct own_rule *like = draw(2) ? any_of(w, RULE_GROUP) : NULL;
    struct group g = {.group_id = 1 + draw(GROUPS), .type = (uint8_t)draw(4)};
    struct rule rule = like ? rule_of(like) : rule_of_group(&g);
    struct own_rule *r = copy_of(like ? like->node : any_node(w->net), &rule);
    if (!draw(3))
        r->group.type = (uint8_t)draw(4);
    if (!like || !draw(3)) {
        r->group.buckets = xrealloc(r->group.buckets, r->group.n_buckets + 1,
                                    sizeof *r->group.buckets);
        r->group.buckets[r->group.n_buckets++] = (struct bucket){.watch_port = PORT_ANY,
                                                                 .watch_group = GROUP_ANY};
    }
    for (uint32_t i = 0; i < r->group.n_buckets; i++) {
        struct bucket *b = &r->group.buckets[i];
        if (!draw(3))
            change_actions(w, r->node, &b->actions);
        if (!draw(3))
            b->watch_port = draw(3) ? any_port(w, r->node) : PORT_ANY;
        if (!draw(4))
            b->watch_group = draw(3) ? any_group(w, r->node) : GROUP_ANY;
    }
    return r;
}

static struct own_rule *
random_meter(const struct world *w)
{
    const struct own_rule *like = any_of(w, RULE_METER);
    if (!like)
        return NULL;
    struct rule rule = rule_of(like);
    struct own_rule *r = copy_of(like->node, &rule);
    if (r->meter.n_bands && draw(2))
        r->meter.bands[0].rate += draw(3);
    return r;
}

/* ---- Changes ---- */

static uint32_t
find_rule(const struct world *w, const struct own_rule *r)
{
    uint32_t at = 0;
    while (at < w->rules.n && !is_same_rule(w->rules.list[at], r))
        at++;
    return at;
}

static bool
is_change_of(const struct changed *c, const struct own_rule *r)
{
    for (uint32_t i = 0; i < c->n; i++) {
        if (c->versions[i] && is_same_rule(c->versions[i], r))
            return true;
    }
    return false;
}

/* Notes what an update makes of a rule. False: it is one change too many; also one that would have
 * the prover forget what the rule was in between (prover_begin_update()). */
static bool
note_change(struct world *w, struct own_rule *old, struct own_rule *new)
{
    struct changed *c = w->changed;
    if (!w->updating)
        return true;
    while (c < w->changed + w->n_changed && !is_change_of(c, new ? new : old))
        c++;
    if (c == w->changed + w->n_changed) {
        if (w->n_changed == CHANGING_MAX)
            return false;
        *c = (struct changed){1, {old}};
        w->n_changed++;
    } else if (c->n == VERSIONS_MAX ||
               (c->versions[0] && c->versions[1] && (new || old->kind != RULE_FLOW))) {
        return false;
    }
    c->versions[c->n++] = new;
    return true;
}

static void
put(struct world *w, struct own_rule *new)
{
    uint32_t at = find_rule(w, new);
    struct own_rule *old = at < w->rules.n ? w->rules.list[at] : NULL;
    struct rule rule = rule_of(new);
    if (!note_change(w, old, new)) {
        free_rule(new);
        return;
    }
    assert_ok(prover_put(w->prover, new->node, &rule));
    if (!old)
        GROW(w->rules.list, w->rules.n, w->rules.capacity);
    w->rules.list[at] = new;
    w->rules.n += !old;
    if (!w->updating)
        free_rule(old);
}

static void
remove_rule(struct world *w, uint32_t at)
{
    struct own_rule *old = w->rules.list[at];
    struct rule rule = rule_of(old);
    if (!note_change(w, old, NULL))
        return;
    assert_ok(prover_remove(w->prover, old->node, &rule));
    w->rules.list[at] = w->rules.list[--w->rules.n];
    if (!w->updating)
        free_rule(old);
}

static void
change_a_rule(struct world *w)
{
    struct own_rule *r = NULL;
    switch (draw(6)) {
    case 0:
        remove_rule(w, draw(w->rules.n));
        return;
    case 1:
    case 2:
        r = random_group(w);
        break;
    case 3:
        r = random_meter(w);
        break;
    default:
        r = random_flow(w);
    }
    if (r)
        put(w, r);
}

static void
change_a_circuit(struct world *w)
{
    uint32_t i = draw(HASH_COUNT(w->net->circuits)), at = 0;
    const struct circuit *c = w->net->circuits;
    while (at++ < i)
        c = c->hh.next;
    if (w->allowed[i])
        assert_ok(prover_forbid(w->prover, c->name));
    else
        assert_ok(prover_allow(w->prover, c, network_design(w->net, c->name), NULL));
    w->allowed[i] = !w->allowed[i];
}

/* ---- What is said ---- */

static struct prover *
prover_of(const struct world *w, const struct rules *rules)
{
    struct prover *p = prover_new(w->net);
    uint32_t i = 0;
    for (uint32_t k = 0; k < rules->n; k++) {
        struct rule rule = rule_of(rules->list[k]);
        assert_ok(prover_put(p, rules->list[k]->node, &rule));
    }
    for (const struct circuit *c = w->net->circuits; c; c = c->hh.next, i++) {
        if (w->allowed[i])
            assert_ok(prover_allow(p, c, network_design(w->net, c->name), NULL));
    }
    return p;
}

static void
assert_like_new(struct world *w)
{
    struct prover *p = prover_of(w, &w->rules);
    char *kept = report_of(w->prover), *new = report_of(p);
    assert_string_equal(kept, new);
    free(kept);
    free(new);
    prover_free(p);
}

/* ---- Mixtures ---- */

static bool
says(const struct proof *proof, const struct violation *v)
{
    uint32_t of_circuit = 0;
    for (uint32_t i = 0; i < proof->n; i++) {
        const struct violation *x = &proof->violations[i];
        if ((x->circuit == NULL) != (v->circuit == NULL) ||
            (v->circuit && strcmp(x->circuit, v->circuit)))
            continue;
        if (++of_circuit >= 16 || strstr(x->text, "too many ways"))
            return true; /* not all are kept */
        if (x->kind == v->kind && (v->kind == VIOLATION_LOOP || !strcmp(x->text, v->text)))
            return true;
    }
    return false;
}

static void
add(struct rules *rules, struct own_rule *r)
{
    if (!r)
        return;
    GROW(rules->list, rules->n, rules->capacity);
    rules->list[rules->n++] = r;
}

static bool
is_changing(const struct world *w, const struct own_rule *r)
{
    for (uint32_t k = 0; k < w->n_changed; k++) {
        if (is_change_of(&w->changed[k], r))
            return true;
    }
    return false;
}

static void
fail_mixture(const struct rules *rules, const struct violation *v, const struct proof *during)
{
    struct buf text = BUF_INIT;
    for (uint32_t i = 0; i < rules->n; i++) {
        struct rule rule = rule_of(rules->list[i]);
        buf_printf(&text, "%s: ", rules->list[i]->node);
        rule_format(&rule, &text);
        buf_str(&text, "\n");
    }
    proof_format(during, &text);
    fail_msg("%s: not told during the update (%s):\n%s", v->text, v->circuit ? v->circuit : "-",
             buf_cstr(&text));
}

/* The changing rules are as they are in this mixture, all others as they are. */
static void
assert_mixture_is_judged(struct world *w, const struct proof *during, uint32_t mixture)
{
    struct rules rules = {0};
    struct proof proof;
    for (uint32_t k = 0; k < w->n_changed; k++) {
        add(&rules, w->changed[k].versions[mixture % w->changed[k].n]);
        mixture /= w->changed[k].n;
    }
    for (uint32_t i = 0; i < w->rules.n; i++) {
        if (!is_changing(w, w->rules.list[i]))
            add(&rules, w->rules.list[i]);
    }
    struct prover *p = prover_of(w, &rules);
    prover_judge(p);
    prover_violations(p, 0, &proof);
    w->mixtures++;
    for (uint32_t i = 0; i < proof.n; i++) {
        const struct violation *v = &proof.violations[i];
        w->leaks += v->kind == VIOLATION_LEAK;
        w->loops += v->kind == VIOLATION_LOOP;
        if ((v->kind == VIOLATION_LEAK || v->kind == VIOLATION_LOOP) && !says(during, v))
            fail_mixture(&rules, v, during);
    }
    proof_fini(&proof);
    prover_free(p);
    free(rules.list);
}

/* A rule that has changed in this update already goes, or comes back in another form. */
static void
change_again(struct world *w)
{
    const struct changed *c = &w->changed[draw(w->n_changed)];
    const struct own_rule *like = c->versions[0] ? c->versions[0] : c->versions[1];
    uint32_t at = find_rule(w, like);
    if (at < w->rules.n && draw(2)) {
        remove_rule(w, at);
    } else if (like->kind == RULE_FLOW) {
        struct rule rule = rule_of(like);
        struct own_rule *r = copy_of(like->node, &rule);
        r->flow.has_apply = true;
        change_actions(w, r->node, &r->flow.apply);
        put(w, r);
    }
}

static void
update(struct world *w)
{
    struct proof during;
    uint32_t n = 1;
    w->updating = true;
    w->n_changed = 0;
    prover_begin_update(w->prover);
    for (uint32_t i = 1 + draw(CHANGING_MAX); i > 0; i--) {
        if (w->n_changed && !draw(3))
            change_again(w);
        else
            change_a_rule(w);
        if (!draw(3))
            prover_judge(w->prover);
    }
    prover_judge(w->prover);
    prover_violations(w->prover, 0, &during);
    for (uint32_t k = 0; k < w->n_changed; k++)
        n *= w->changed[k].n;
    for (uint32_t mixture = 0; mixture < n; mixture++)
        assert_mixture_is_judged(w, &during, mixture);
    proof_fini(&during);
    prover_end_update(w->prover);
    w->updating = false;
    for (uint32_t i = 0; i < w->n_changed; i++) {
        for (uint32_t k = 0; k + 1 < w->changed[i].n; k++)
            free_rule(w->changed[i].versions[k]);
    }
}

static struct world
new_world(void)
{
    struct world w = {.net = random_designed_network()};
    struct tables t = copy_tables(w.net);
    w.allowed = xcalloc(HASH_COUNT(w.net->circuits), sizeof *w.allowed);
    memset(w.allowed, true, HASH_COUNT(w.net->circuits));
    for (uint32_t i = 0; i < t.n; i++) {
        struct rule rule = table_rule(&t, i);
        GROW(w.rules.list, w.rules.n, w.rules.capacity);
        w.rules.list[w.rules.n++] = copy_of(t.rules[i].node, &rule);
    }
    free_tables(&t);
    w.prover = prover_of(&w, &w.rules);
    return w;
}

static void
free_world(struct world *w)
{
    prover_free(w->prover);
    for (uint32_t i = 0; i < w->rules.n; i++)
        free_rule(w->rules.list[i]);
    free(w->rules.list);
    free(w->allowed);
    network_free(w->net);
}

static void
says_what_a_new_one_says(void **state UNUSED)
{
    random_state = 20;
    for (int i = 0; i < NETWORKS; i++) {
        struct world w = new_world();
        for (int step = 0; step < STEPS; step++) {
            for (uint32_t n = 1 + (draw(2) ? draw(4) : 0); n > 0; n--) {
                if (draw(12))
                    change_a_rule(&w);
                else
                    change_a_circuit(&w);
            }
            assert_like_new(&w);
        }
        free_world(&w);
    }
}

static void
misses_nothing_in_any_mixture(void **state UNUSED)
{
    uint32_t mixtures = 0, leaks = 0, loops = 0;
    for (int i = 0; i < NETWORKS; i++) {
        struct world w = new_world();
        for (int step = 0; step < STEPS / 4; step++) {
            update(&w);
            assert_like_new(&w);
        }
        mixtures += w.mixtures, leaks += w.leaks, loops += w.loops;
        free_world(&w);
    }
    print_message("%u mixtures: %u leaks, %u loops\n", mixtures, leaks, loops);
}

TEST_MAIN(cmocka_unit_test(says_what_a_new_one_says),
          cmocka_unit_test(misses_nothing_in_any_mixture))
