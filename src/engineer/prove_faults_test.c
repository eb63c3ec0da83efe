/* Thousands of faults of each kind, one at a time, into the tables of networks that were proved;
 * the prover stays and is told only of the rule that changes. What it says is compared with single
 * packets, simulated: a packet that it shows must fare otherwise than before, and what it lets pass
 * must make no difference to any packet tried. */
#include "engineer/prove_simulation.h"

#include "engineer/certificate.h"
#include "engineer/prove_private.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAULTS 60 /* under a sanitizer each takes ten times as long */
#define NETWORKS 6
#else
#define FAULTS 2000 /* of each kind */
#define NETWORKS 20
#endif
#define SIMULATED 4 /* of so many that are not caught one is simulated: it takes long */

enum fault {
    FAULT_WIDE,       /* a field of the match is gone */
    FAULT_EXTRA,      /* one output more */
    FAULT_OUTPUT,     /* another output */
    FAULT_FROM_ALL,   /* no in_port */
    FAULT_SHADOW,     /* a rule of higher priority above it, that does something else */
    FAULT_BUCKET,     /* a bucket of a group leaves elsewhere */
    FAULT_METER,      /* no meter */
    FAULT_METER_GONE, /* the meter itself is gone */
    FAULT_QUEUE,      /* another queue */
    FAULT_REMOVED,    /* the rule is gone */
    FAULT_GROUP_GONE, /* the group is gone */
    FAULT_HEADER,     /* what it writes into the header is something else */
    FAULTS_KINDS,
};

static const char *const fault_names[FAULTS_KINDS] = {
    "over-wide match", "extra output", "wrong output",  "any in_port",
    "shadowing rule",  "wrong bucket", "missing meter", "meter removed",
    "another queue",   "rule removed", "group removed", "another header"};

/* What is changed at the moment. */
struct spoilt {
    struct tables *tables;
    struct prover *prover;
    struct prover *follower; /* told the same, and follows everything step by step */
    struct certifier *certifier;
    uint32_t rule;    /* which of the tables */
    struct flow flow; /* as it was */
    struct group group;
    bool added; /* `extra` is in the tables too, as the last */
};

static uint32_t
any_port(const struct tables *t, const char *name)
{
    const struct node *node = network_node(t->net, name);
    return node->ports[draw(node->n_ports)].number;
}

static bool
is_forwarding(const struct flow *f)
{
    return f->priority == PRIORITY_CONVERSATION;
}

/* Takes a field out of the match, and what depends on it. */
static bool
widen(struct flow *f)
{
    static const enum field fields[] = {FIELD_ETH_DST,  FIELD_ETH_SRC,  FIELD_VLAN_VID,
                                        FIELD_IPV4_SRC, FIELD_IPV4_DST, FIELD_TCP_DST,
                                        FIELD_TCP_SRC};
    enum field field = fields[draw(ARRAY_SIZE(fields))];
    if (!match_has(&f->match, field))
        return false;
    memset(flow_key_field(&f->match.mask, field), 0, field_table[field].size);
    memset(flow_key_field(&f->match.value, field), 0, field_table[field].size);
    return true;
}

static struct action *
an_action(struct flow *f, enum action_type type)
{
    for (uint32_t i = 0; i < f->apply.n; i++) {
        if (f->apply.list[i].type == type)
            return &f->apply.list[i];
    }
    return NULL;
}

static bool
spoil_flow(const struct tables *t, const char *node, struct flow *f, enum fault fault)
{
    struct action *a;
    switch (fault) {
    case FAULT_WIDE:
        return widen(f);
    case FAULT_EXTRA:
        actions_output(&f->apply, any_port(t, node));
        return true;
    case FAULT_OUTPUT:
        a = &f->apply.list[f->apply.n - 1];
        a->type = ACTION_OUTPUT;
        a->id = any_port(t, node);
        return true;
    case FAULT_FROM_ALL:
        f->match.mask.in_port = f->match.value.in_port = 0;
        return true;
    case FAULT_METER: {
        bool had = f->meter_id != 0;
        f->meter_id = 0;
        return had;
    }
    case FAULT_QUEUE:
        a = an_action(f, ACTION_SET_QUEUE);
        if (a)
            a->id = (a->id + 1 + draw(3)) % 5;
        return a != NULL;
    case FAULT_HEADER:
        a = an_action(f, ACTION_SET_FIELD);
        if (a)
            a->value[field_table[a->field].size - 1] ^= (uint8_t)(1 + draw(255));
        return a != NULL;
    default:
        return true;
    }
}

static bool
spoil_group(const struct tables *t, const char *node, struct group *g)
{
    struct bucket *b = &g->buckets[draw(g->n_buckets)];
    struct action *a = &b->actions.list[b->actions.n - 1];
    a->type = ACTION_OUTPUT;
    a->id = any_port(t, node);
    return true;
}

static enum rule_kind
kind_of(enum fault fault)
{
    if (fault == FAULT_BUCKET || fault == FAULT_GROUP_GONE)
        return RULE_GROUP;
    return fault == FAULT_METER_GONE ? RULE_METER : RULE_FLOW;
}

/* A rule above it, for all or a part of its packets: to nowhere or anywhere. */
static void
add_shadow(struct spoilt *s, const char *node, const struct flow *f)
{
    struct tables *t = s->tables;
    t->rules = xrealloc(t->rules, t->n + 1, sizeof *t->rules);
    memset(&t->rules[t->n], 0, sizeof *t->rules);
    t->rules[t->n].node = node;
    t->rules[t->n].kind = RULE_FLOW;
    struct flow *shadow = &t->rules[t->n++].flow;
    shadow->priority = (uint16_t)(PRIORITY_CONVERSATION + 1 + draw(1000));
    shadow->match = f->match;
    if (draw(2))
        widen(shadow);
    if (draw(2) && match_allows(&shadow->match, FIELD_TCP_SRC) &&
        !match_has(&shadow->match, FIELD_TCP_SRC))
        match_set(&shadow->match, FIELD_TCP_SRC, draw(65536));
    if (draw(2))
        actions_output(&shadow->apply, any_port(t, node));
    shadow->has_apply = shadow->apply.n;
    s->added = true;
}

static void
put(struct spoilt *s, uint32_t i)
{
    struct rule rule = table_rule(s->tables, i);
    assert_ok(prover_put(s->prover, s->tables->rules[i].node, &rule));
    assert_ok(prover_put(s->follower, s->tables->rules[i].node, &rule));
}

static void
take(struct spoilt *s, uint32_t i)
{
    struct rule rule = table_rule(s->tables, i);
    assert_ok(prover_remove(s->prover, s->tables->rules[i].node, &rule));
    assert_ok(prover_remove(s->follower, s->tables->rules[i].node, &rule));
}

/* False: this kind of fault cannot be made of this rule. */
static bool
spoil(struct spoilt *s, enum fault fault)
{
    struct tables *t = s->tables;
    uint32_t i = draw(t->n);
    s->rule = i;
    s->added = false;
    if (t->rules[i].kind != kind_of(fault))
        return false;
    if (fault == FAULT_REMOVED || fault == FAULT_GROUP_GONE || fault == FAULT_METER_GONE) {
        if (fault == FAULT_REMOVED && !is_forwarding(&t->rules[i].flow))
            return false;
        take(s, i);
        t->rules[i].removed = true;
        return true;
    }
    if (fault == FAULT_BUCKET) {
        take(s, i);
        group_copy(&s->group, &t->rules[i].group);
        spoil_group(t, t->rules[i].node, &t->rules[i].group);
        put(s, i);
        return true;
    }
    if (!is_forwarding(&t->rules[i].flow))
        return false;
    if (fault == FAULT_SHADOW) {
        const char *node = t->rules[i].node;
        struct flow below = t->rules[i].flow;
        /* The tables move in memory: what the prover holds of them must be put again. */
        for (uint32_t k = 0; k < t->n; k++)
            take(s, k);
        add_shadow(s, node, &below);
        for (uint32_t k = 0; k < t->n; k++)
            put(s, k);
        return true;
    }
    struct flow changed;
    flow_copy(&changed, &t->rules[i].flow);
    if (!spoil_flow(t, t->rules[i].node, &changed, fault)) {
        flow_fini(&changed);
        return false;
    }
    if (!match_equal(&changed.match, &t->rules[i].flow.match)) /* else it is replaced */
        take(s, i);
    s->flow = t->rules[i].flow;
    t->rules[i].flow = changed;
    put(s, i);
    return true;
}

static void
mend(struct spoilt *s)
{
    struct tables *t = s->tables;
    uint32_t i = s->rule;
    if (s->added) {
        take(s, t->n - 1);
        flow_fini(&t->rules[--t->n].flow);
    } else if (t->rules[i].removed) {
        t->rules[i].removed = false;
        put(s, i);
    } else if (t->rules[i].kind == RULE_GROUP) {
        take(s, i);
        group_fini(&t->rules[i].group);
        t->rules[i].group = s->group;
        put(s, i);
    } else {
        if (!match_equal(&s->flow.match, &t->rules[i].flow.match))
            take(s, i);
        flow_fini(&t->rules[i].flow);
        t->rules[i].flow = s->flow;
        put(s, i);
    }
}

/* ---- The oracle ---- */

static void
break_down(struct simulation *s, const char *failure)
{
    s->link = s->failed_node = s->risk = NULL;
    if (failure && !strncmp(failure, "link ", 5))
        s->link = failure + 5;
    else if (failure && !strncmp(failure, "node ", 5))
        s->failed_node = failure + 5;
    else if (failure)
        s->risk = failure + strlen("shared risk ");
}

/* The failover paths of a multicast may join again: what takes them may be doubled. */
static bool
is_failover_test(const struct match *packet)
{
    uint16_t port = from_be16(packet->value.tp_src);
    return port >= TEST_PORT_FIRST && port % 2;
}

/* Both tables, the same packet. */
static bool
fares_otherwise(const struct tables *now, const struct tables *before, const char *failure,
                const struct node *node, const struct match *packet)
{
    struct simulation *a = xcalloc(2, sizeof *a), *b = a + 1;
    bool differs = false;
    a->tables = now;
    b->tables = before;
    break_down(a, failure);
    break_down(b, failure);
    for (int i = 0; i < 4 && !differs; i++) {
        uint64_t same = random_state;
        simulate(a, node, packet);
        random_state = same;
        simulate(b, node, packet);
        if ((failure || is_failover_test(packet)) && packet->value.eth_dst[0] & 1) {
            sim_once(a);
            sim_once(b);
        }
        differs = sim_differs(a, b);
    }
    free(a);
    return differs;
}

/* What a violation shows is so: the packet leaks, is lost or goes round where it did not before. */
static void
check_witness(const struct spoilt *s, const struct tables *before, const struct proof *proof)
{
    for (uint32_t i = 0; i < proof->n; i++) {
        const struct violation *v = &proof->violations[i];
        struct match packet;
        struct diag diag;
        if ((v->kind != VIOLATION_LEAK && v->kind != VIOLATION_LOSS && v->kind != VIOLATION_LOOP) ||
            (v->failure && !strcmp(v->failure, "several failures at once")) ||
            (v->kind == VIOLATION_LEAK && !v->circuit))
            continue;
        assert_ok(match_parse(v->packet, &packet, &diag));
        char *first = v->path ? xstrndup(v->path, strcspn(v->path, " ")) : NULL;
        const struct node *node = first ? network_node(s->tables->net, first) : NULL;
        if (!node) { /* a loss: it says where the circuit enters */
            const char *from = strstr(v->text, "from node ") + strlen("from node ");
            free(first);
            first = xstrndup(from, strcspn(from, " "));
            node = network_node(s->tables->net, first);
        }
        free(first);
        assert_non_null(node);
        if (!fares_otherwise(s->tables, before, v->failure, node, &packet)) {
            struct buf text = BUF_INIT;
            proof_format(proof, &text);
            fail_msg("violation %u shows nothing:\n%s", i, buf_cstr(&text));
        }
    }
}

static bool
any_link_differs(const struct spoilt *s, const struct tables *before, const struct node *node,
                 const struct match *packet)
{
    if (fares_otherwise(s->tables, before, NULL, node, packet))
        return true;
    /* Of a failover path's own test nothing is asked while something is broken. */
    for (const struct link *l = is_failover_test(packet) ? NULL : s->tables->net->links; l;
         l = l->hh.next) {
        char failure[64];
        snprintf(failure, sizeof failure, "link %s", l->name);
        if (fares_otherwise(s->tables, before, failure, node, packet))
            return true;
    }
    return false;
}

/* Packets of every circuit, and what the changed rule asks for, at every port of the edge. */
static bool
changes_something(const struct spoilt *s, const struct tables *before)
{
    struct tables *t = s->tables;
    bool changes = false;
    for (struct judged_circuit *c = s->prover->circuits; c && !changes; c = c->hh.next) {
        for (uint32_t i = 0; i < c->claims.n && !changes; i++)
            changes = any_link_differs(s, before, c->claims.list[i].from.node,
                                       &c->claims.list[i].sent);
    }
    uint32_t i = s->added ? t->n - 1 : s->rule;
    if (changes || t->rules[i].kind != RULE_FLOW)
        return changes;
    for (const struct host *h = t->net->hosts; h && !changes; h = h->hh.next) {
        struct match packet = t->rules[i].flow.match;
        packet.mask.in_port = UINT32_MAX;
        packet.value.in_port = to_be32(h->port);
        changes = any_link_differs(s, before, network_node(t->net, h->node), &packet);
    }
    return changes;
}

struct counts {
    uint32_t made, caught, unreached,
        same;         /* unreached: no packet comes by the rule; same: but to no effect */
    uint32_t refused; /* by its certificate */
};

static void
fail_of(const struct spoilt *s, enum fault fault)
{
    struct buf text = BUF_INIT;
    struct rule rule = table_rule(s->tables, s->added ? s->tables->n - 1 : s->rule);
    rule_format(&rule, &text);
    fail_msg("%s: something changes, and nothing is said: node %s, %s", fault_names[fault],
             s->tables->rules[s->rule].node, buf_cstr(&text));
}

/* Does any packet come by what was changed? Of a group or meter, by a rule that names it. */
static bool
comes_by(const struct spoilt *s)
{
    const struct tables *t = s->tables;
    uint32_t i = s->added ? t->n - 1 : s->rule, node = prover_node(s->prover, t->rules[i].node);
    struct proved_node *at = &s->prover->nodes[node];
    if (t->rules[i].kind == RULE_GROUP)
        return proved_group(at, t->rules[i].group.group_id)->looked_at;
    if (t->rules[i].kind == RULE_METER)
        return proved_meter(at, t->rules[i].meter.meter_id)->looked_at;
    const struct flow *flow = &t->rules[i].flow;
    const struct proved_flow *f = (const struct proved_flow *)cubes_find(&at->flows, &flow->match,
                                                                         flow->priority);
    return f && (f->element.user || f->element.more);
}

struct held {
    const struct tables *tables;
    const char *node;
};

static const struct group *
held_group(void *arg, uint32_t id)
{
    const struct held *h = arg;
    for (uint32_t i = 0; i < h->tables->n; i++) {
        if (h->tables->rules[i].kind == RULE_GROUP && !h->tables->rules[i].removed &&
            h->tables->rules[i].group.group_id == id && !strcmp(h->tables->rules[i].node, h->node))
            return &h->tables->rules[i].group;
    }
    return NULL;
}

static const struct meter *
held_meter(void *arg, uint32_t id)
{
    const struct held *h = arg;
    for (uint32_t i = 0; i < h->tables->n; i++) {
        if (h->tables->rules[i].kind == RULE_METER && !h->tables->rules[i].removed &&
            h->tables->rules[i].meter.meter_id == id && !strcmp(h->tables->rules[i].node, h->node))
            return &h->tables->rules[i].meter;
    }
    return NULL;
}

static bool
is_refused(const struct spoilt *s)
{
    const struct tables *t = s->tables;
    uint32_t i = s->added ? t->n - 1 : s->rule;
    struct held held = {t, t->rules[i].node};
    const struct rule_lookup lookup = {held_group, held_meter, &held};
    struct certificate result;
    if (t->rules[i].kind != RULE_FLOW || t->rules[i].removed)
        return false;
    assert_ok(certify(s->certifier, held.node, &t->rules[i].flow, &lookup, &result));
    return result.kind == REFUSED;
}

/* What is wrong with which circuit; in which way it is found may differ. */
static char *
findings_of(struct prover *p)
{
    struct proof proof;
    struct buf text = BUF_INIT;
    prover_report(p, 0, &proof);
    const char *last = "", *circuit;
    enum violation_kind last_kind = VIOLATION_MAX;
    for (uint32_t i = 0; i < proof.n; i++) {
        const struct violation *v = &proof.violations[i];
        circuit = v->circuit ? v->circuit : "";
        if (strcmp(circuit, last) || v->kind != last_kind)
            buf_printf(&text, "%s: %s\n", circuit, violation_name(v->kind));
        last = circuit;
        last_kind = v->kind;
        if (!v->circuit) /* the leaks of rules are judged alike, and their texts are the same */
            buf_printf(&text, "%s %s\n", v->text, v->packet);
    }
    char *copy = xstrdup(buf_cstr(&text));
    buf_fini(&text);
    proof_fini(&proof);
    return copy;
}

static void
compare(const struct spoilt *s)
{
    char *drawn = findings_of(s->prover), *followed = findings_of(s->follower);
    assert_string_equal(drawn, followed);
    free(drawn);
    free(followed);
}

static void
try_fault(struct spoilt *s, const struct tables *before, enum fault fault, struct counts *n)
{
    if (!spoil(s, fault))
        return;
    n->made++;
    bool caught = prover_judge(s->prover) > 0;
    n->caught += caught;
    assert_int_equal(prover_judge(s->follower) > 0, caught);
    if (n->made % 8 == 0)
        compare(s);
    if (caught && n->made % 40 == 0) {
        struct proof proof;
        prover_report(s->prover, 0, &proof);
        check_witness(s, before, &proof);
        proof_fini(&proof);
    } else if (!caught) {
        if (n->made % SIMULATED == 0 && changes_something(s, before))
            fail_of(s, fault);
        bool unreached = !comes_by(s);
        n->unreached += unreached;
        n->same += !unreached;
    }
    n->refused += is_refused(s);
    mend(s);
    assert_int_equal(prover_judge(s->prover), 0);
    assert_int_equal(prover_judge(s->follower), 0);
}

static void
every_fault_is_caught_or_changes_nothing(void **state UNUSED)
{
    struct counts counts[FAULTS_KINDS] = {{0}};
    bool more = true;
    for (uint32_t round = 0; round < 3 * NETWORKS && more;
         round++) { /* some have no groups at all */
        struct network *net = round ? random_designed_network() : lab_with_circuits();
        if (!round)
            design_all(net);
        struct tables now = copy_tables(net), before = copy_tables(net);
        struct spoilt s = {
            .tables = &now, .prover = prover_new(net), .certifier = certifier_new(net)};
        s.follower = prover_new(net);
        s.follower->step_by_step = true;
        for (uint32_t i = 0; i < now.n; i++)
            put(&s, i);
        assert_ok(prover_allow_all(s.prover, NULL));
        assert_ok(prover_allow_all(s.follower, NULL));
        assert_int_equal(prover_judge(s.prover), 0);
        for (const struct design *d = net->designs; d; d = d->hh.next)
            assert_ok(certifier_allow(s.certifier, network_circuit(net, d->circuit), d, NULL));
        more = false;
        for (int fault = 0; fault < FAULTS_KINDS; fault++) {
            uint32_t goal = MIN((round + 1) * FAULTS / NETWORKS, FAULTS);
            for (uint32_t i = 0; i < 100000 && counts[fault].made < goal; i++)
                try_fault(&s, &before, fault, &counts[fault]);
            more |= counts[fault].made < FAULTS;
        }
        prover_free(s.prover);
        prover_free(s.follower);
        certifier_free(s.certifier);
        free_tables(&now);
        free_tables(&before);
        network_free(net);
    }
    for (int fault = 0; fault < FAULTS_KINDS; fault++) {
        const struct counts *n = &counts[fault];
        print_message(
            "%-16s %u made, %u caught; of the others %u at rules that no packet comes by, "
            "%u to no effect; %u refused by certificate\n",
            fault_names[fault], n->made, n->caught, n->unreached, n->same, n->refused);
        assert_int_equal(n->made, FAULTS);
        assert_int_equal(n->caught + n->unreached + n->same, n->made);
    }
    /* Whether or not a packet can come by, these rules are not what a circuit needs. */
    assert_int_equal(counts[FAULT_WIDE].refused, FAULTS);
    assert_int_equal(counts[FAULT_FROM_ALL].refused, FAULTS);
    assert_int_equal(counts[FAULT_METER].refused, FAULTS);
}

TEST_MAIN(cmocka_unit_test(every_fault_is_caught_or_changes_nothing))
