#include "engineer/labels.h"

#include "base/alloc.h"
#include "base/testing.h"

#include <stdio.h>

/* Nodes are letters. Each pair "ab" of the string is a link, the risk that of its cable: "ab" and
 * "ba" fail together. */
struct net {
    struct labels *labels;
    struct labels_link links[64];
    uint32_t n_links, n_rules;
};

static struct net
net_of(const char *pairs, uint32_t depth, uint32_t steps)
{
    struct net net = {0};
    for (; *pairs; pairs += pairs[2] ? 3 : 2) {
        uint32_t a = (uint32_t)(pairs[0] - 'a'), b = (uint32_t)(pairs[1] - 'a');
        net.links[net.n_links++] = (struct labels_link){a, b, MIN(a, b) * 32 + MAX(a, b)};
    }
    assert_ok(labels_new(&(struct labels_config){.n_nodes = 26,
                                                 .n_links = net.n_links,
                                                 .links = net.links,
                                                 .depth = depth,
                                                 .steps = steps},
                         &net.labels, NULL));
    return net;
}

/* "pop", "swap 5", "push 6", several with commas; to: the far node, or the node itself. */
static struct label_rule
rule_of(const struct net *net, char node, uint32_t label, const char *ops, char to, uint32_t rank)
{
    struct label_rule r = {
        .node = (uint32_t)(node - 'a'), .label = label, .rank = rank, .link = LABELS_HERE};
    for (const char *p = ops; *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : "") {
        struct label_op *op = &r.ops[r.n_ops++];
        op->kind = p[1] == 'o' ? LABEL_POP : p[0] == 's' ? LABEL_SWAP : LABEL_PUSH;
        op->label = op->kind == LABEL_POP ? 0 : (uint32_t)strtoul(p + 5, NULL, 10);
    }
    for (uint32_t i = 0; i < net->n_links && to != node; i++) {
        if (net->links[i].from == r.node && net->links[i].to == (uint32_t)(to - 'a'))
            r.link = i;
    }
    assert_true(to == node || r.link != LABELS_HERE);
    return r;
}

static void
rule(struct net *net, char node, uint32_t label, const char *ops, char to, uint32_t rank)
{
    struct label_rule r = rule_of(net, node, label, ops, to, rank);
    assert_ok(labels_add(net->labels, &r, NULL));
    net->n_rules++;
}

static void
entry(struct net *net, char node, char egress, const char *ops, char to, uint32_t rank)
{
    struct label_rule r = rule_of(net, node, LABELS_NONE, ops, to, rank);
    r.egress = (uint32_t)(egress - 'a');
    assert_ok(labels_add(net->labels, &r, NULL));
    net->n_rules++;
}

/* Findings as "loop at b: a b c b; " with "[5 6]" for the stack, "-bc" for what is down. */
static char *
judged(struct net *net, bool failures)
{
    struct labels_report r;
    char *text = xstrdup("");
    labels_judge(net->labels, failures, 100, &r);
    for (uint32_t i = 0; i < r.n; i++) {
        const struct labels_finding *f = &r.findings[i];
        char part[512];
        size_t n = (size_t)snprintf(part, sizeof part, "%s%s", labels_kind_name(f->kind),
                                    f->grows ? ", growing" : "");
        if (f->failure != LABELS_NONE)
            n += (size_t)snprintf(part + n, sizeof part - n, " -%c%c",
                                  (char)('a' + f->failure / 32), (char)('a' + f->failure % 32));
        n += (size_t)snprintf(part + n, sizeof part - n, " at %c [", (char)('a' + f->node));
        for (uint32_t k = 0; k < f->n_stack; k++)
            n += (size_t)snprintf(part + n, sizeof part - n, k ? " %u" : "%u", f->stack[k]);
        n += (size_t)snprintf(part + n, sizeof part - n, "] ");
        for (uint32_t k = 0; k < f->n_path; k++)
            part[n++] = (char)('a' + f->path[k]);
        part[n] = '\0';
        char *more = xasprintf("%s%s; ", text, part);
        free(text);
        text = more;
    }
    labels_report_fini(&r);
    labels_free(net->labels);
    return text;
}

static void
assert_judged(struct net *net, bool failures, const char *expected)
{
    char *text = judged(net, failures);
    assert_string_equal(text, expected);
    free(text);
}

/* a to d by b and c; the last but one pops. */
static struct net
path_abcd(const char *more_links)
{
    char pairs[64];
    snprintf(pairs, sizeof pairs, "ab bc cd%s%s", *more_links ? " " : "", more_links);
    struct net net = net_of(pairs, 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    rule(&net, 'b', 100, "swap 200", 'c', 0);
    rule(&net, 'c', 200, "pop", 'd', 0);
    return net;
}

static void
a_path_that_ends_where_it_should_has_no_findings(void **state UNUSED)
{
    struct net net = path_abcd("");
    assert_judged(&net, false, "");
}

static void
without_a_backup_every_link_is_one_to_lose(void **state UNUSED)
{
    struct net net = path_abcd("");
    assert_judged(&net, true,
                  "down -ab at a [] a; down -bc at b [100] ab; down -cd at c [200] abc; ");
}

static void
finds_labels_swapped_in_a_circle(void **state UNUSED)
{
    struct net net = net_of("ab bc cb cd", 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    rule(&net, 'b', 100, "swap 200", 'c', 0);
    rule(&net, 'c', 200, "swap 300", 'b', 0);
    rule(&net, 'b', 300, "swap 200", 'c', 0);
    assert_judged(&net, false, "loop at c [200] abcbc; ");
}

/* The same node twice is no loop: it is another label. */
static void
the_same_node_with_another_label_is_no_loop(void **state UNUSED)
{
    struct net net = net_of("ab bc cb bd", 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    rule(&net, 'b', 100, "swap 200", 'c', 0);
    rule(&net, 'c', 200, "swap 300", 'b', 0);
    rule(&net, 'b', 300, "pop", 'd', 0);
    assert_judged(&net, false, "");
}

/* The same node and topmost label, but the stack below has been looked at: the second time another
 * label comes up, so it ends. */
static void
the_same_label_above_another_is_no_loop(void **state UNUSED)
{
    struct net net = net_of("ab bc cb bd", 4, 1000);
    entry(&net, 'a', 'd', "push 50,push 50,push 100", 'b', 0);
    rule(&net, 'b', 100, "pop", 'c', 0);
    rule(&net, 'c', 50, "swap 60", 'b', 0);
    rule(&net, 'b', 60, "pop", 'c', 0); /* comes to c with 50, as before, but less below */
    rule(&net, 'b', 70, "pop", 'd', 0);
    char *text = judged(&net, false);
    assert_string_equal(text, "astray at c [] abcbcbc; ");
    free(text);
}

static void
finds_a_stack_that_grows_for_ever(void **state UNUSED)
{
    struct net net = net_of("ab bc cb", 16, 1000);
    entry(&net, 'a', 'c', "push 100", 'b', 0);
    rule(&net, 'b', 100, "push 200", 'c', 0);
    rule(&net, 'c', 200, "swap 201,push 100", 'b', 0);
    assert_judged(&net, false, "loop, growing at b [100 201 100] abcb; ");
}

static void
says_when_a_stack_gets_too_deep(void **state UNUSED)
{
    struct net net = net_of("ab bc", 3, 1000);
    entry(&net, 'a', 'c', "push 1,push 2", 'b', 0);
    rule(&net, 'b', 2, "swap 4,push 5,push 6", 'c', 0);
    assert_judged(&net, false, "too deep at b [1 4 5] ab; ");
}

static void
finds_a_label_nobody_knows(void **state UNUSED)
{
    struct net net = net_of("ab bc", 4, 1000);
    entry(&net, 'a', 'c', "push 100", 'b', 0);
    rule(&net, 'b', 100, "swap 999", 'c', 0);
    assert_judged(&net, false, "no rule at c [999] abc; ");
}

static void
finds_a_pop_too_early_and_a_pop_too_many(void **state UNUSED)
{
    struct net net = net_of("ab bc cd", 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    rule(&net, 'b', 100, "pop", 'c', 0); /* c gets it without a label: not its end */
    entry(&net, 'b', 'd', "push 100", 'c', 0);
    rule(&net, 'c', 100, "pop,pop", 'd', 0);
    assert_judged(&net, false, "astray at c [] abc; no label at c [] bc; ");
}

/* What is below comes up at the node itself: the end of a tunnel in a tunnel. */
static void
looks_again_at_what_is_left(void **state UNUSED)
{
    struct net net = net_of("ab bc cd", 4, 1000);
    entry(&net, 'a', 'd', "push 7,push 100", 'b', 0);
    rule(&net, 'b', 100, "swap 200", 'c', 0);
    rule(&net, 'c', 200, "pop", 'c', 0);
    rule(&net, 'c', 7, "pop", 'd', 0);
    assert_judged(&net, false, "");
}

/* Facility backup (RFC 4090 3.2): b pushes the bypass's label above the one that the merge point
 * knows, and e takes it off. */
static void
a_backup_carries_what_its_link_would(void **state UNUSED)
{
    struct net net = path_abcd("be ec ad");
    rule(&net, 'b', 100, "swap 200,push 500", 'e', 1);
    rule(&net, 'e', 500, "pop", 'c', 0);
    assert_judged(&net, true, "down -ab at a [] a; down -cd at c [200] abc; ");
}

static void
a_backup_that_swaps_too_little_is_found(void **state UNUSED)
{
    struct net net = path_abcd("be ec");
    rule(&net, 'b', 100, "push 500", 'e', 1); /* c does not know label 100 */
    rule(&net, 'e', 500, "pop", 'c', 0);
    char *text = judged(&net, true);
    assert_non_null(strstr(text, "no rule -bc at c [100] abec; "));
    free(text);
}

static void
a_backup_that_sends_back_loops_only_then(void **state UNUSED)
{
    struct net net = net_of("ab bc cd ba ac", 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    rule(&net, 'b', 100, "swap 200", 'c', 0);
    rule(&net, 'b', 100, "swap 300", 'a', 1);
    rule(&net, 'a', 300, "swap 100", 'b', 0); /* back where it came from */
    rule(&net, 'c', 200, "pop", 'd', 0);
    char *text = judged(&net, true);
    assert_non_null(strstr(text, "loop -bc at b [100] abab; "));
    assert_null(strstr(text, "loop at"));
    free(text);
}

static void
an_entry_s_backup_is_part_of_it(void **state UNUSED)
{
    struct net net = net_of("ab bd ac cd", 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    entry(&net, 'a', 'd', "push 101", 'c', 1);
    rule(&net, 'b', 100, "pop", 'd', 0);
    rule(&net, 'c', 101, "pop", 'd', 0);
    assert_judged(&net, true, "down -bd at b [100] ab; ");
}

/* Of several ways of the same rank each is followed. */
static void
follows_all_ways_of_a_rank(void **state UNUSED)
{
    struct net net = net_of("ab ac bd cd", 4, 1000);
    entry(&net, 'a', 'd', "push 100", 'b', 0);
    entry(&net, 'a', 'd', "push 101", 'c', 0);
    rule(&net, 'b', 100, "pop", 'd', 0);
    assert_judged(&net, false, "no rule at c [101] ac; ");
}

/* Ten ways at each of twelve hops: a million paths, but few configurations. */
static void
many_paths_are_few_configurations(void **state UNUSED)
{
    struct net net = net_of("ab ba", 4, 1000);
    struct labels_report r;
    entry(&net, 'a', 'b', "push 16", 'b', 0);
    for (uint32_t hop = 0; hop < 12; hop++) {
        for (uint32_t from = 0; from < 10; from++) {
            for (uint32_t to = 0; to < 10; to++) {
                char ops[16];
                snprintf(ops, sizeof ops, hop < 11 ? "swap %u" : "pop", 16 + (hop + 1) * 10 + to);
                rule(&net, hop % 2 ? 'a' : 'b', 16 + hop * 10 + from, ops, hop % 2 ? 'b' : 'a', 0);
            }
        }
    }
    labels_judge(net.labels, false, 1000, &r);
    assert_true(r.configurations < 150);
    assert_int_equal(r.n, 0);
    labels_report_fini(&r);
    labels_free(net.labels);
}

static void
says_when_steps_run_out(void **state UNUSED)
{
    struct net net = net_of("ab ba", 4, 3);
    entry(&net, 'a', 'b', "push 20", 'b', 0);
    for (uint32_t i = 20; i < 40; i++) {
        char ops[16];
        snprintf(ops, sizeof ops, "swap %u", i + 1);
        rule(&net, i % 2 ? 'a' : 'b', i, ops, i % 2 ? 'b' : 'a', 0);
    }
    char *text = judged(&net, false);
    assert_non_null(strstr(text, "unjudged at "));
    free(text);
}

static void
refuses_what_cannot_be(void **state UNUSED)
{
    struct labels_link link = {0, 1, 0}, wrong = {0, 2, 0};
    struct labels_config config = {2, 1, &link, 0, 10};
    struct labels *l;
    struct diag diag;
    assert_err(labels_new(&config, &l, &diag), ERR_INVALID);
    config.depth = UINT32_MAX;
    assert_err(labels_new(&config, &l, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "1 to 64 are possible"));
    config.depth = 4;
    config.steps = 0;
    assert_err(labels_new(&config, &l, &diag), ERR_LIMIT);
    config.steps = UINT32_MAX;
    config.links = &wrong;
    assert_err(labels_new(&config, &l, &diag), ERR_INVALID);
    config.links = &link;
    assert_ok(labels_new(&config, &l, &diag));
    const struct {
        struct label_rule rule;
        const char *says;
    } cases[] = {
        {{.label = 1u << 20}, "more than 20 bits"},
        {{.label = 3}, "implicit null"},
        {{.label = 16, .n_ops = 1, .ops = {{LABEL_SWAP, 3}}}, "implicit null"},
        {{.label = 16, .n_ops = 9}, "at most 8 operations"},
        {{.label = 16, .node = 2}, "not there"},
        {{.label = 16, .node = 1, .link = 0}, "link 0 is not one of node 1"},
        {{.label = LABELS_NONE, .egress = 2}, "not there"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_err(labels_add(l, &cases[i].rule, &diag), ERR_INVALID);
        if (!strstr(diag.text, cases[i].says))
            fail_msg("%s", diag.text);
    }
    labels_free(l);
}

/* ---- Random networks, each entry followed step by step ---- */

static uint64_t seed = 5;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

/* A network in which each label of a node has one rule: an entry has one way, followed for longer
 * than any of these here goes on without coming back. */
static enum labels_kind
by_walking(const struct label_rule *rules, uint32_t n_rules, const struct labels_link *links,
           uint32_t depth, const struct label_rule *start)
{
    uint32_t stack[LABELS_DEPTH_MAX], n = 0;
    const struct label_rule *r = start;
    for (uint32_t step = 0; step < 5000; step++) {
        for (uint32_t i = 0; i < r->n_ops; i++) {
            if (r->ops[i].kind != LABEL_PUSH && !n)
                return LABELS_NO_LABEL;
            if (r->ops[i].kind == LABEL_POP)
                n--;
            else if (r->ops[i].kind == LABEL_SWAP)
                stack[n - 1] = r->ops[i].label;
            else if (n == depth)
                return LABELS_DEEP;
            else
                stack[n++] = r->ops[i].label;
        }
        uint32_t node = links[r->link].to;
        if (!n)
            return node == start->egress ? LABELS_UNJUDGED : LABELS_ASTRAY;
        r = NULL;
        for (uint32_t i = 0; i < n_rules && !r; i++) {
            if (rules[i].node == node && rules[i].label == stack[n - 1])
                r = &rules[i];
        }
        if (!r)
            return LABELS_NO_RULE;
    }
    return LABELS_LOOP;
}

static void
agrees_with_walking_each_entry(void **state UNUSED)
{
    uint32_t seen[LABELS_UNJUDGED + 1] = {0};
    for (uint32_t round = 0; round < 3000; round++) {
        enum { NODES = 4, LABELS = 4, DEPTH = 12 };
        struct labels_link links[NODES * 2];
        struct label_rule rules[NODES * LABELS], start;
        struct labels *l;
        struct labels_report r;
        uint32_t n = 0;
        for (uint32_t i = 0; i < NODES * 2; i++)
            links[i] = (struct labels_link){i / 2, (i / 2 + 1 + draw(NODES - 1)) % NODES, i};
        assert_ok(
            labels_new(&(struct labels_config){NODES, NODES * 2, links, DEPTH, 10000}, &l, NULL));
        for (uint32_t i = 0; i < NODES * LABELS; i++) {
            struct label_rule *rule_made = &rules[n];
            if (!draw(8))
                continue;
            *rule_made = (struct label_rule){.node = i / LABELS,
                                             .label = 16 + i % LABELS,
                                             .link = i / LABELS * 2 + draw(2),
                                             .n_ops = 1};
            uint32_t kind = draw(5);
            rule_made->ops[0].kind = kind < 2 ? LABEL_POP : kind < 4 ? LABEL_SWAP : LABEL_PUSH;
            rule_made->ops[0].label = 16 + draw(LABELS);
            assert_ok(labels_add(l, rule_made, NULL));
            n++;
        }
        start = (struct label_rule){.label = LABELS_NONE,
                                    .egress = 1 + draw(3),
                                    .link = draw(2),
                                    .n_ops = 3,
                                    .ops = {{LABEL_PUSH, 16 + draw(LABELS)},
                                            {LABEL_PUSH, 16 + draw(LABELS)},
                                            {LABEL_PUSH, 16 + draw(LABELS)}}};
        assert_ok(labels_add(l, &start, NULL));
        labels_judge(l, false, 10, &r);
        enum labels_kind expected = by_walking(rules, n, links, DEPTH, &start);
        enum labels_kind found = r.n ? r.findings[0].kind : LABELS_UNJUDGED;
        assert_true(r.n <= 1);
        if (expected == LABELS_DEEP && found == LABELS_LOOP) /* it says why it gets so deep */
            assert_true(r.findings[0].grows);
        else
            assert_int_equal(found, expected);
        seen[found]++;
        labels_report_fini(&r);
        labels_free(l);
    }
    assert_true(seen[LABELS_LOOP] && seen[LABELS_NO_RULE] && seen[LABELS_ASTRAY] &&
                seen[LABELS_UNJUDGED]);
}

TEST_MAIN(cmocka_unit_test(a_path_that_ends_where_it_should_has_no_findings),
          cmocka_unit_test(without_a_backup_every_link_is_one_to_lose),
          cmocka_unit_test(finds_labels_swapped_in_a_circle),
          cmocka_unit_test(the_same_node_with_another_label_is_no_loop),
          cmocka_unit_test(the_same_label_above_another_is_no_loop),
          cmocka_unit_test(finds_a_stack_that_grows_for_ever),
          cmocka_unit_test(says_when_a_stack_gets_too_deep),
          cmocka_unit_test(finds_a_label_nobody_knows),
          cmocka_unit_test(finds_a_pop_too_early_and_a_pop_too_many),
          cmocka_unit_test(looks_again_at_what_is_left),
          cmocka_unit_test(a_backup_carries_what_its_link_would),
          cmocka_unit_test(a_backup_that_swaps_too_little_is_found),
          cmocka_unit_test(a_backup_that_sends_back_loops_only_then),
          cmocka_unit_test(an_entry_s_backup_is_part_of_it),
          cmocka_unit_test(follows_all_ways_of_a_rank),
          cmocka_unit_test(many_paths_are_few_configurations),
          cmocka_unit_test(says_when_steps_run_out), cmocka_unit_test(refuses_what_cannot_be),
          cmocka_unit_test(agrees_with_walking_each_entry))
