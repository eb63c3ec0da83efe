#include "engineer/atoms.h"

#include "base/alloc.h"
#include "base/testing.h"

#include <stdio.h>

/* ---- Networks of their own, and what holds in them by looking at each destination ---- */

#define NODES_MAX 70u /* more than a word has bits */
#define LINKS_MAX 300u
#define RULES_MAX 200u

struct model_rule {
    struct atoms_rule rule;
    uint32_t links[8];
};

struct model {
    uint32_t width, n_nodes, n_links, n_rules;
    struct atoms_link links[LINKS_MAX];
    struct model_rule rules[RULES_MAX];
    struct atoms *atoms;
};

static uint64_t seed = 1;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static uint64_t
mask_of(uint32_t width, uint32_t length)
{
    uint64_t all = UINT64_MAX >> (64 - width);
    return length ? all & (UINT64_MAX << (width - length)) : 0;
}

/* The rule of a node that counts for a destination. */
static const struct model_rule *
rule_for(const struct model *m, uint32_t node, uint64_t address)
{
    const struct model_rule *best = NULL;
    for (uint32_t i = 0; i < m->n_rules; i++) {
        const struct model_rule *r = &m->rules[i];
        if (r->rule.node != node || (address & mask_of(m->width, r->rule.length)) != r->rule.prefix)
            continue;
        if (!best || r->rule.priority > best->rule.priority ||
            (r->rule.priority == best->rule.priority && r->rule.length > best->rule.length))
            best = r;
    }
    return best;
}

/* What all nodes do with one destination. */
struct view {
    uint32_t n[NODES_MAX];
    uint32_t next[NODES_MAX][8], link[NODES_MAX][8];
    bool hole[NODES_MAX];
    uint64_t exit[NODES_MAX];
};

static void
look(const struct model *m, uint64_t address, struct view *v)
{
    memset(v, 0, sizeof *v);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        const struct model_rule *r = rule_for(m, i, address);
        v->hole[i] = !r;
        if (!r)
            continue;
        v->exit[i] = r->rule.exit;
        for (uint32_t k = 0; k < r->rule.n_links; k++) {
            v->link[i][v->n[i]] = r->links[k];
            v->next[i][v->n[i]++] = m->links[r->links[k]].to;
        }
    }
}

/* Which nodes packets from `from` come to, at least one link further; not on from `stop`; without
 * filtered links, if asked. */
static void
reach_by(const struct model *m, const struct view *v, uint32_t from, uint32_t stop, bool open,
         bool *reached)
{
    uint32_t stack[NODES_MAX * 8 + 8], n = 0;
    memset(reached, 0, NODES_MAX * sizeof *reached);
    stack[n++] = from;
    for (bool first = true; n; first = false) {
        uint32_t node = stack[--n];
        for (uint32_t k = 0; (first || node != stop) && k < v->n[node]; k++) {
            uint32_t next = v->next[node][k];
            if (reached[next] || (open && m->links[v->link[node][k]].filtered))
                continue;
            reached[next] = true;
            stack[n++] = next;
        }
    }
}

static void
reach(const struct model *m, const struct view *v, uint32_t from, uint32_t stop, bool *reached)
{
    reach_by(m, v, from, stop, false, reached);
}

static bool
same_action(const struct view *a, const struct view *b, uint32_t node)
{
    if (a->hole[node] != b->hole[node] || a->exit[node] != b->exit[node] ||
        a->n[node] != b->n[node])
        return false;
    for (uint32_t i = 0; i < a->n[node]; i++) {
        bool there = false;
        for (uint32_t k = 0; k < b->n[node]; k++)
            there |= a->link[node][i] == b->link[node][k];
        if (!there)
            return false;
    }
    return true;
}

static const struct atoms_event *
find_event(const struct atoms_change *c, enum atoms_kind kind, uint32_t node, uint32_t class)
{
    for (uint32_t i = 0; i < c->n_events; i++) {
        const struct atoms_event *e = &c->events[i];
        if (e->kind == kind && e->node == node && e->block == class / 64 &&
            e->classes >> class % 64 & 1)
            return e;
    }
    return NULL;
}

static bool
has_event(const struct atoms_change *c, enum atoms_kind kind, uint32_t node, uint32_t class)
{
    return find_event(c, kind, node, class) != NULL;
}

/* Of an event that there is: whether it needs no filter to let it pass. */
static void
assert_sure(const struct atoms_change *c, enum atoms_kind kind, uint32_t node, uint32_t class,
            bool sure)
{
    assert_int_equal(find_event(c, kind, node, class)->sure >> class % 64 & 1, sure);
}

/* Every class that there is has one of these destinations: the ends of all prefixes, and what is
 * beside them. */
static uint32_t
samples(const struct model *m, uint64_t *out)
{
    uint64_t all = UINT64_MAX >> (64 - m->width);
    uint32_t n = 0;
    out[n++] = 0;
    out[n++] = all;
    for (uint32_t i = 0; i < m->n_rules; i++) {
        uint64_t first = m->rules[i].rule.prefix;
        uint64_t last = first | (all & ~mask_of(m->width, m->rules[i].rule.length));
        out[n++] = first;
        out[n++] = last;
        out[n++] = (first - 1) & all;
        out[n++] = (last + 1) & all;
    }
    return n;
}

static void
assert_rules_agree(const struct model *m, uint64_t address)
{
    uint32_t class = atoms_class_of(m->atoms, address), length;
    uint64_t prefix, found;
    assert_true(atoms_class(m->atoms, class, &prefix, &length));
    assert_true((address & mask_of(m->width, length)) == prefix);
    assert_true(atoms_address(m->atoms, class, address, UINT64_MAX >> (64 - m->width), &found));
    assert_true(found == address);
    assert_true(atoms_address(m->atoms, class, 0, 0, &found));
    assert_int_equal(atoms_class_of(m->atoms, found), class);
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        const struct model_rule *r = rule_for(m, i, address);
        struct atoms_rule held;
        assert_int_equal(atoms_rule_of(m->atoms, class, i, &held), r != NULL);
        if (!r)
            continue;
        assert_true(held.prefix == r->rule.prefix && held.length == r->rule.length &&
                    held.priority == r->rule.priority && held.exit == r->rule.exit &&
                    held.n_links == r->rule.n_links);
        for (uint32_t k = 0; k < held.n_links; k++) {
            bool there = false;
            for (uint32_t j = 0; j < held.n_links; j++)
                there |= r->links[j] == held.links[k];
            assert_true(there);
        }
    }
}

static void
assert_path(const struct model *m, const struct view *v, uint32_t class, uint32_t from, uint32_t to)
{
    uint32_t path[NODES_MAX + 1], n = atoms_path(m->atoms, class, from, to, path);
    assert_true(n >= 2 && n <= m->n_nodes + 1);
    assert_int_equal(path[0], from);
    assert_int_equal(path[n - 1], to);
    for (uint32_t i = 0; i + 1 < n; i++) {
        bool there = false;
        for (uint32_t k = 0; k < v->n[path[i]]; k++)
            there |= v->next[path[i]][k] == path[i + 1];
        assert_true(there);
    }
}

/* The change of `node` was told as it is, for one destination. */
static void
assert_told(const struct model *m, const struct atoms_change *c, uint32_t node, uint64_t address,
            const struct view *before, const struct view *now)
{
    uint32_t class = atoms_class_of(m->atoms, address);
    bool changed = !same_action(before, now, node), comes_out = false, sent = false;
    bool was[NODES_MAX], is[NODES_MAX], open[NODES_MAX], sent_open = false;
    reach(m, before, node, node, was);
    reach(m, now, node, node, is);
    reach_by(m, now, node, node, true, open);
    assert_int_equal(has_event(c, ATOMS_LOOP, node, class), changed && is[node]);
    if (changed && is[node]) {
        assert_path(m, now, class, node, node);
        assert_sure(c, ATOMS_LOOP, node, class, open[node]);
    }
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        comes_out |= i != node && now->exit[i] && was[i] != is[i];
        for (uint32_t k = 0; k < now->n[i]; k++) {
            sent |= now->next[i][k] == node;
            sent_open |= now->next[i][k] == node && !m->links[now->link[i][k]].filtered;
        }
        if (i == node)
            continue;
        bool hole = changed && is[i] && !was[i] && now->hole[i];
        assert_int_equal(has_event(c, ATOMS_HOLE, i, class), hole);
        if (hole) {
            assert_path(m, now, class, node, i);
            assert_sure(c, ATOMS_HOLE, i, class, open[i]);
        }
    }
    bool hole = now->hole[node] && !before->hole[node] && sent;
    assert_int_equal(has_event(c, ATOMS_HOLE, node, class), hole);
    if (hole)
        assert_sure(c, ATOMS_HOLE, node, class, sent_open);
    comes_out |= before->exit[node] != now->exit[node];
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        bool to[NODES_MAX];
        reach(m, now, i, NODES_MAX, to);
        assert_int_equal(has_event(c, ATOMS_REACH, i, class),
                         changed && comes_out && (to[node] || i == node));
    }
}

/* There are as many classes as these destinations are of: none without destinations counts. */
static void
assert_n_classes(const struct model *m, const uint64_t *addresses, uint32_t n)
{
    bool seen[RULES_MAX + 2] = {false};
    struct atoms_size size;
    uint32_t classes = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t class = atoms_class_of(m->atoms, addresses[i]);
        assert_true(class < ARRAY_SIZE(seen));
        classes += !seen[class];
        seen[class] = true;
    }
    atoms_get_size(m->atoms, &size);
    assert_int_equal(size.classes, classes);
}

static bool
is_on_loop(const struct model *m, const struct view *v)
{
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        bool to[NODES_MAX];
        reach(m, v, i, NODES_MAX, to);
        if (to[i])
            return true;
    }
    return false;
}

static void
assert_audit(const struct model *m, uint64_t address, const struct view *v,
             const struct atoms_change *c)
{
    uint32_t class = atoms_class_of(m->atoms, address);
    bool told = false, sent[NODES_MAX] = {false};
    for (uint32_t i = 0; i < m->n_nodes; i++) {
        told |= has_event(c, ATOMS_LOOP, i, class);
        for (uint32_t k = 0; k < v->n[i]; k++)
            sent[v->next[i][k]] = true;
    }
    assert_int_equal(told, is_on_loop(m, v));
    for (uint32_t i = 0; i < m->n_nodes; i++)
        assert_int_equal(has_event(c, ATOMS_HOLE, i, class), sent[i] && v->hole[i]);
}

static void
assert_same_size(const struct atoms_size *a, const struct atoms_size *b)
{
    assert_int_equal(a->rules, b->rules);
    assert_int_equal(a->prefixes, b->prefixes);
    assert_int_equal(a->classes, b->classes);
    assert_int_equal(a->memory, b->memory);
}

/* ---- Random networks and changes ---- */

static void
random_network(struct model *m, uint32_t width, uint32_t n_nodes, uint32_t n_links)
{
    bool filters = draw(2);
    *m = (struct model){.width = width, .n_nodes = n_nodes, .n_links = n_links};
    for (uint32_t i = 0; i < n_links; i++) {
        uint32_t from = draw(n_nodes);
        m->links[i] = (struct atoms_link){from, (from + 1 + draw(n_nodes - 1)) % n_nodes,
                                          filters && !draw(3)};
    }
    assert_ok(atoms_new(&(struct atoms_config){.width = width,
                                               .n_nodes = n_nodes,
                                               .n_links = n_links,
                                               .links = m->links,
                                               .budget = ATOMS_BUDGET},
                        &m->atoms, NULL));
}

/* Mostly longest prefix first, with a few prefixes that many share. */
static struct model_rule
random_rule(struct model *m)
{
    struct model_rule r = {.rule = {.node = draw(m->n_nodes)}};
    uint32_t length = draw(4) ? m->width - draw(MIN(m->width, 4)) : draw(m->width + 1);
    uint64_t bits = (uint64_t)draw(UINT32_MAX) << 32 | draw(UINT32_MAX);
    if (m->width > 8) /* near each other, so that they overlap */
        bits = (uint64_t)draw(4) << (m->width - 3) | draw(8);
    r.rule.length = length;
    r.rule.prefix = bits & mask_of(m->width, length);
    r.rule.priority = draw(5) ? length : draw(m->width + 1);
    for (uint32_t i = 0; i < m->n_links && r.rule.n_links < 8; i++) {
        if (m->links[i].from == r.rule.node && !draw(r.rule.n_links ? 4 : 2))
            r.links[r.rule.n_links++] = i;
    }
    if (!r.rule.n_links || !draw(6))
        r.rule.exit = draw(4); /* 0: drop, if there is no link */
    return r;
}

static bool
same_key(const struct atoms_rule *a, const struct atoms_rule *b)
{
    return a->node == b->node && a->prefix == b->prefix && a->length == b->length &&
           a->priority == b->priority;
}

/* One change of the model and of the atoms, and all that follows of it. */
static void
change_once(struct model *m, bool add)
{
    static uint64_t addresses[4 * RULES_MAX + 8];
    static struct view before[4 * RULES_MAX + 8];
    struct model_rule r;
    struct atoms_change change;
    uint32_t at = m->n_rules, n;
    if (add) {
        r = random_rule(m);
        for (at = 0; at < m->n_rules && !same_key(&m->rules[at].rule, &r.rule);)
            at++;
    } else {
        at = draw(m->n_rules);
        r = m->rules[at];
    }
    if (add && at < m->n_rules) {
        r.rule.links = r.links;
        assert_err(atoms_insert(m->atoms, &r.rule, &change, NULL), ERR_EXISTS);
        return;
    }
    struct model_rule kept = r;
    if (add) /* as if it were there, for its own ends */
        m->rules[m->n_rules++] = kept;
    n = samples(m, addresses);
    if (add)
        m->n_rules--;
    for (uint32_t i = 0; i < n; i++)
        look(m, addresses[i], &before[i]);
    r.rule.links = r.links;
    if (add) {
        assert_ok(atoms_insert(m->atoms, &r.rule, &change, NULL));
        m->rules[m->n_rules++] = kept;
    } else {
        assert_ok(atoms_remove(m->atoms, &r.rule, &change, NULL));
        m->rules[at] = m->rules[--m->n_rules];
    }
    assert_false(change.truncated);
    assert_n_classes(m, addresses, n);
    for (uint32_t i = 0; i < n; i++) {
        struct view now;
        look(m, addresses[i], &now);
        assert_rules_agree(m, addresses[i]);
        assert_told(m, &change, r.rule.node, addresses[i], &before[i], &now);
    }
    if (draw(4))
        return;
    atoms_audit(m->atoms, &change);
    for (uint32_t i = 0; i < n; i++) {
        struct view now;
        look(m, addresses[i], &now);
        assert_audit(m, addresses[i], &now, &change);
    }
}

static void
churn(uint32_t width, uint32_t n_nodes, uint32_t n_links, uint32_t most, uint32_t changes)
{
    struct model *m = xmalloc(sizeof *m);
    struct atoms_size first, last;
    struct atoms_change change;
    random_network(m, width, n_nodes, n_links);
    atoms_get_size(m->atoms, &first);
    for (uint32_t i = 0; i < changes; i++)
        change_once(m, m->n_rules < 2 || (m->n_rules < most && draw(3)));
    while (m->n_rules)
        change_once(m, false);
    atoms_audit(m->atoms, &change);
    atoms_get_size(m->atoms, &last);
    assert_same_size(&first, &last);
    atoms_free(m->atoms);
    free(m);
}

static void
agrees_with_every_destination_of_a_small_space(void **state UNUSED)
{
    for (uint32_t round = 0; round < 80; round++)
        churn(1 + draw(6), 2 + draw(5), 1 + draw(14), 40, 120);
}

static void
agrees_at_all_ends_of_ipv4_prefixes(void **state UNUSED)
{
    for (uint32_t round = 0; round < 12; round++)
        churn(32, 3 + draw(8), 5 + draw(30), 80, 160);
}

static void
agrees_at_all_ends_of_64_bits(void **state UNUSED)
{
    for (uint32_t round = 0; round < 4; round++)
        churn(64, 4, 12, 60, 160);
}

static void
agrees_with_more_nodes_than_bits_of_a_word(void **state UNUSED)
{
    churn(8, NODES_MAX, LINKS_MAX, 150, 120);
}

/* ---- Cases ---- */

static const struct atoms_link triangle[] = {
    {0, 1, false}, {1, 2, false}, {2, 0, false}, {0, 2, false}};

static struct atoms *
triangle_new(size_t budget)
{
    struct atoms *a;
    assert_ok(atoms_new(
        &(struct atoms_config){
            .width = 32, .n_nodes = 3, .n_links = 4, .links = triangle, .budget = budget},
        &a, NULL));
    return a;
}

static struct atoms_change
insert(struct atoms *a, uint32_t node, uint32_t prefix, uint32_t length, const uint32_t *links,
       uint32_t n_links, uint64_t exit)
{
    struct atoms_change change;
    struct atoms_rule rule = {.node = node,
                              .prefix = prefix,
                              .length = length,
                              .priority = length,
                              .links = links,
                              .n_links = n_links,
                              .exit = exit};
    assert_ok(atoms_insert(a, &rule, &change, NULL));
    return change;
}

static void
finds_a_loop_when_it_is_closed(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    uint32_t path[4], links[] = {0, 1, 2};
    assert_int_equal(insert(a, 0, 0x0a000000, 8, &links[0], 1, 0).loops, 0);
    assert_int_equal(insert(a, 1, 0x0a010000, 16, &links[1], 1, 0).loops, 0);
    struct atoms_change c = insert(a, 2, 0, 0, &links[2], 1, 0);
    assert_int_equal(c.loops, 1); /* of 10.1/16; the rest of 10/8 ends at node 1 */
    uint32_t class = atoms_class_of(a, 0x0a010000);
    assert_true(has_event(&c, ATOMS_LOOP, 2, class));
    assert_int_equal(atoms_path(a, class, 2, 2, path), 4);
    assert_int_equal(path[1], 0);
    assert_int_equal(path[2], 1);
    struct atoms_rule rule = {.node = 1, .prefix = 0x0a010000, .length = 16, .priority = 16};
    assert_ok(atoms_remove(a, &rule, &c, NULL));
    assert_int_equal(c.mended, 1);
    assert_int_equal(c.loops, 0);
    assert_int_equal(c.holes, 1); /* node 0 sends it to node 1 all the same */
    atoms_free(a);
}

static void
says_whose_packets_come_out_elsewhere(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    uint32_t links[] = {0, 1};
    insert(a, 0, 0, 0, &links[0], 1, 0);
    insert(a, 1, 0, 0, &links[1], 1, 0);
    struct atoms_change c = insert(a, 2, 0, 0, NULL, 0, 7);
    assert_int_equal(c.reachable, 3);
    c = insert(a, 2, 0xc0000000, 4, NULL, 0, 7); /* the same as before */
    assert_int_equal(c.reachable, 0);
    assert_int_equal(c.classes, 0);
    c = insert(a, 2, 0xc0000000, 8, NULL, 0, 8);
    assert_int_equal(c.reachable, 3);
    atoms_free(a);
}

static void
a_prefix_that_longer_ones_cover_is_no_class(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    struct atoms_size size;
    uint64_t address;
    insert(a, 0, 0x0a000000, 8, NULL, 0, 1);
    uint32_t class = atoms_class_of(a, 0x0a000000);
    insert(a, 1, 0x0a000000, 9, NULL, 0, 1);
    insert(a, 2, 0x0a800000, 10, NULL, 0, 1);
    assert_true(atoms_address(a, class, 0, 0, &address));
    insert(a, 2, 0x0ac00000, 10, NULL, 0, 1);
    assert_false(atoms_address(a, class, 0, 0, &address));
    atoms_get_size(a, &size);
    assert_int_equal(size.prefixes, 4);
    assert_int_equal(size.classes, 4); /* 0/0 and the three halves and quarters */
    atoms_free(a);
}

static void
finds_destinations_under_a_mask_with_gaps(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    uint64_t address;
    insert(a, 0, 0x800c0000, 16, NULL, 0, 1);
    insert(a, 0, 0x800c0100, 24, NULL, 0, 2);
    uint32_t class = atoms_class_of(a, 0x800c0000);
    assert_true(atoms_address(a, class, 0x800c0001, 0xffff00ff, &address));
    assert_int_equal(address & 0xffff00ff, 0x800c0001);
    assert_int_equal(atoms_class_of(a, address), class);
    assert_false(atoms_address(a, class, 0x800c0100, 0xffffff00, &address));
    assert_false(atoms_address(a, class, 0x0a000000, 0xff000000, &address));
    atoms_free(a);
}

/* A link lets 10.1/16 through no longer, and again. */
static void
judges_a_filter_on_a_link(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    uint32_t links[] = {0, 1, 2}, filtered = 1;
    struct atoms_change c;
    insert(a, 0, 0, 0, &links[0], 1, 0);
    insert(a, 1, 0x0a000000, 8, &links[1], 1, 0);
    insert(a, 1, 0x0a010000, 16, &links[1], 1, 0);
    insert(a, 2, 0x0a010000, 16, NULL, 0, 1);
    atoms_filter(a, &filtered, 1, 0x0a010000, 0xffff0000, false, &c);
    assert_int_equal(c.classes, 1);
    assert_int_equal(c.reachable, 2); /* nodes 0 and 1 */
    assert_int_equal(c.loops + c.holes, 0);
    atoms_filter(a, &filtered, 1, 0x0a000000, 0xff000000, true, &c);
    assert_int_equal(c.classes, 2);
    assert_int_equal(c.reachable, 2);
    assert_int_equal(c.holes, 1); /* the rest of 10/8 at node 2 */
    insert(a, 2, 0, 0, &links[2], 1, 0);
    atoms_filter(a, &filtered, 1, 0, 0, true, &c);
    assert_int_equal(c.loops, 1);
    atoms_free(a);
}

/* ---- What cannot be ---- */

static void
refuses_what_cannot_be(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    struct atoms_change c;
    struct diag diag;
    uint32_t twice[] = {0, 0}, foreign = 1, absent = 9;
    const struct {
        struct atoms_rule rule;
        const char *says;
    } cases[] = {
        {{.node = 3}, "no node 3"},
        {{.length = 33}, "prefix of 33 bits"},
        {{.prefix = 0x0a000001, .length = 8}, "bits set behind its 8 bits"},
        {{.prefix = UINT64_C(1) << 32, .length = 32}, "bits set behind"},
        {{.links = twice, .n_links = 2}, "named twice"},
        {{.links = &foreign, .n_links = 1}, "not one of node 0"},
        {{.links = &absent, .n_links = 1}, "not one of node 0"},
        {{.links = twice, .n_links = 3}, "3 links of a node that has 2"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_err(atoms_insert(a, &cases[i].rule, &c, &diag), ERR_INVALID);
        if (!strstr(diag.text, cases[i].says))
            fail_msg("%s", diag.text);
    }
    assert_err(atoms_remove(a, &(struct atoms_rule){.length = 8}, &c, &diag), ERR_NOT_FOUND);
    atoms_free(a);
    struct atoms_link wrong = {0, 5, false};
    struct atoms_config config = {.width = 65, .n_nodes = 2, .budget = ATOMS_BUDGET};
    assert_err(atoms_new(&config, &a, &diag), ERR_INVALID);
    config.width = 0;
    assert_err(atoms_new(&config, &a, &diag), ERR_INVALID);
    config = (struct atoms_config){32, 2, 1, &wrong, ATOMS_BUDGET};
    assert_err(atoms_new(&config, &a, &diag), ERR_INVALID);
    config = (struct atoms_config){32, ATOMS_NODES_MAX + 1, 0, NULL, SIZE_MAX};
    assert_err(atoms_new(&config, &a, &diag), ERR_LIMIT);
    config = (struct atoms_config){32, 3, 4, triangle, 100};
    assert_err(atoms_new(&config, &a, &diag), ERR_LIMIT);
    assert_non_null(strstr(diag.text, "budget of 100 octets"));
}

/* Whatever the budget, it is kept, what is refused changes nothing, and what is there can go. */
static void
keeps_its_budget(void **state UNUSED)
{
    static const size_t budgets[] = {20000, 50000, 333333, 1000000};
    for (size_t b = 0; b < ARRAY_SIZE(budgets); b++) {
        struct atoms *a = triangle_new(budgets[b]);
        struct atoms_size first, size;
        struct atoms_change c;
        struct diag diag;
        uint32_t n = 0, link = 0;
        enum err err = ERR_OK;
        atoms_get_size(a, &first);
        struct atoms_rule rule = {.length = 24, .priority = 24, .links = &link, .n_links = 1};
        while (!err) {
            rule.prefix = (uint64_t)n << 8;
            err = atoms_insert(a, &rule, &c, &diag);
            atoms_get_size(a, &size);
            assert_true(size.memory <= budgets[b]);
            n += !err;
        }
        assert_err(err, ERR_LIMIT);
        assert_non_null(strstr(diag.text, "is used up"));
        assert_int_equal(size.rules, n);
        assert_err(atoms_insert(a, &rule, &c, &diag), ERR_LIMIT);
        while (n) {
            rule.prefix = (uint64_t)--n << 8;
            assert_ok(atoms_remove(a, &rule, &c, &diag));
        }
        atoms_audit(a, &c);
        atoms_get_size(a, &size);
        assert_same_size(&first, &size);
        atoms_free(a);
    }
}

/* The same rules come and go a thousand times: no memory is added after the first. */
static void
churn_takes_no_memory(void **state UNUSED)
{
    struct atoms *a = triangle_new(ATOMS_BUDGET);
    struct atoms_size size;
    struct atoms_change c;
    size_t most = 0;
    uint32_t link = 0;
    insert(a, 1, 0, 0, NULL, 0, 1);
    for (uint32_t round = 0; round < 1000; round++) {
        struct atoms_rule rule = {.links = &link, .n_links = 1, .priority = 1};
        for (uint32_t i = 0; i < 100; i++) {
            rule.prefix = (uint64_t)((i * 7919 + round) % 4096) << 20;
            rule.length = 12;
            assert_ok(atoms_insert(a, &rule, &c, NULL));
        }
        for (uint32_t i = 0; i < 100; i++) {
            rule.prefix = (uint64_t)((i * 7919 + round) % 4096) << 20;
            assert_ok(atoms_remove(a, &rule, &c, NULL));
        }
        atoms_get_size(a, &size);
        if (!round)
            most = size.memory;
        assert_int_equal(size.memory, most);
    }
    atoms_free(a);
}

/* A change of very many classes at very many nodes: more events than are kept, the numbers right.
 */
static void
says_when_events_were_too_many(void **state UNUSED)
{
    enum { NODES = 600, PREFIXES = 64 * 120 };
    static struct atoms_link chain[NODES - 1];
    struct atoms *a;
    struct atoms_change c;
    for (uint32_t i = 0; i + 1 < NODES; i++)
        chain[i] = (struct atoms_link){i, i + 1, false};
    assert_ok(atoms_new(&(struct atoms_config){.width = 32,
                                               .n_nodes = NODES,
                                               .n_links = NODES - 1,
                                               .links = chain,
                                               .budget = ATOMS_BUDGET},
                        &a, NULL));
    for (uint32_t i = 0; i + 1 < NODES; i++)
        insert(a, i, 0, 0, &i, 1, 0);
    for (uint32_t i = 0; i < PREFIXES; i++)
        insert(a, 0, i << 16, 16, (uint32_t[]){0}, 1, 0);
    c = insert(a, NODES - 1, 0, 0, NULL, 0, 1);
    assert_true(c.truncated);
    assert_int_equal(c.reachable, (PREFIXES + 1) * NODES);
    assert_int_equal(c.mended, PREFIXES + 1);
    atoms_free(a);
}

TEST_MAIN(cmocka_unit_test(agrees_with_every_destination_of_a_small_space),
          cmocka_unit_test(agrees_at_all_ends_of_ipv4_prefixes),
          cmocka_unit_test(agrees_at_all_ends_of_64_bits),
          cmocka_unit_test(agrees_with_more_nodes_than_bits_of_a_word),
          cmocka_unit_test(finds_a_loop_when_it_is_closed),
          cmocka_unit_test(says_whose_packets_come_out_elsewhere),
          cmocka_unit_test(a_prefix_that_longer_ones_cover_is_no_class),
          cmocka_unit_test(finds_destinations_under_a_mask_with_gaps),
          cmocka_unit_test(judges_a_filter_on_a_link), cmocka_unit_test(refuses_what_cannot_be),
          cmocka_unit_test(keeps_its_budget), cmocka_unit_test(churn_takes_no_memory),
          cmocka_unit_test(says_when_events_were_too_many))
