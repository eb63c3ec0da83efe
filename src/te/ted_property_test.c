/* ted_property_test.c - the merged view is a function of what the sources said, not of when: random
 * feeds, told in several random orders with commits in between, give the same network. */
#include "te/ted.h"

#include "base/buf.h"
#include "te/ted_testing.h"

#define SOURCES 4
#define STEPS 400
#define ROUTERS 9

static uint64_t state_of_random;

static uint32_t
any(uint32_t below)
{
    state_of_random ^= state_of_random << 13;
    state_of_random ^= state_of_random >> 7;
    state_of_random ^= state_of_random << 17;
    return (uint32_t)(state_of_random >> 33) % below;
}

/* What one source says at one step. */
struct step {
    unsigned source;
    enum { NODE, LINK, LAN_IN, LAN_OUT, PREFIX, NO_LINK, NO_NODE } what;
    unsigned a, b, n, value;
    nsec_t at;
};

static struct ted_node_id
id_of(unsigned source, unsigned router)
{
    return source % 2 ? isis_id(router) : ospf_id(router);
}

static struct ted_node_id
lan_of(unsigned source, unsigned n)
{
    struct ted_node_id id = id_of(source, n + 1);
    id.size = source % 2 ? 7 : 8;
    id.router_id[id.size - 1] = (uint8_t)(n + 1);
    return id;
}

static struct step
random_step(void)
{
    struct step s = {.source = any(SOURCES),
                     .what = any(7),
                     .a = 1 + any(ROUTERS),
                     .n = any(2),
                     .value = any(4)};
    do
        s.b = 1 + any(ROUTERS);
    while (s.b == s.a);
    return s;
}

static struct ted_link_record
step_link(const struct step *s)
{
    struct ted_link_record r = link_record(id_of(s->source, s->a), id_of(s->source, s->b), s->a,
                                           s->b, s->n);
    r.told |= TED_BIT(TED_DELAY);
    r.delay_us = 100 * s->value;
    r.capacity_bps += s->value * UINT64_C(1000000000);
    return r;
}

static void
tell_node(struct ted *ted, uint32_t source, const struct step *s)
{
    char name[16];
    struct ted_node_record r = {.id = id_of(s->source, s->a), .told = TED_BIT(TED_OVERLOAD)};
    r.overload = s->value == 3;
    if (s->value != 2) {
        /* One of them has names of its own for some: another device, or another name. */
        snprintf(name, sizeof name, "%s%u", s->source == 3 && s->a % 3 == 0 ? "x" : "r", s->a);
        r.told |= TED_BIT(TED_NAME);
        r.name = name;
    }
    if (s->n)
        r.router_id = router_id(s->a);
    assert_ok(ted_put_node(ted, source, &r, s->at));
}

static void
tell_lan(struct ted *ted, uint32_t source, const struct step *s)
{
    struct ted_link_record r = step_link(s);
    if (s->what == LAN_IN) {
        r.id.remote = lan_of(s->source, s->n);
        r.id.local_address = address4(10, 100, s->n, s->a);
        r.id.remote_address = (struct te_address){0};
    } else {
        r = (struct ted_link_record){
            .id = {.local = lan_of(s->source, s->n), .remote = id_of(s->source, s->a)}};
    }
    put_link(ted, source, &r, s->at);
}

static void
tell(struct ted *ted, uint32_t source, const struct step *s)
{
    struct ted_link_record r = step_link(s);
    struct ted_node_id id = id_of(s->source, s->a);
    struct ted_prefix_record prefix = {.node = id,
                                       .prefix = router_id(s->a),
                                       .length = 32,
                                       .sid_index = 100 + (s->value == 1 ? 1 : s->a),
                                       .node_segment = true};
    switch (s->what) {
    case NODE:
        tell_node(ted, source, s);
        break;
    case LINK:
        put_link(ted, source, &r, s->at);
        break;
    case LAN_IN:
    case LAN_OUT:
        tell_lan(ted, source, s);
        break;
    case PREFIX:
        assert_ok(ted_put_prefix(ted, source, &prefix, s->at));
        break;
    case NO_LINK:
        ted_withdraw_link(ted, source, &r.id, s->at);
        break;
    case NO_NODE:
        ted_withdraw_node(ted, source, &id, s->at);
        break;
    }
}

static void
append_finding(void *arg, const struct ted_finding *f)
{
    struct buf *text = arg;
    buf_printf(text, "%s %s\n", ted_finding_name(f->code), f->key);
}

static void
append_nodes(const struct ted_view *view, struct buf *text)
{
    const struct te_network *network = ted_view_network(view);
    for (uint32_t i = 0; i < network->n_nodes; i++) {
        const struct te_node *n = &network->nodes[i];
        buf_printf(text, "%s %s %u.%u.%u.%u %u %d\n", n->key, n->name, n->router_id.octets[0],
                   n->router_id.octets[1], n->router_id.octets[2], n->router_id.octets[3],
                   n->sid_index, n->passable);
    }
}

/* All of the merged view but times, as text. */
static char *
describe(struct ted *ted)
{
    struct buf text = BUF_INIT;
    const struct ted_view *view = ted_view(ted);
    const struct te_network *network = ted_view_network(view);
    append_nodes(view, &text);
    for (uint32_t i = 0; i < network->n_links; i++) {
        const struct te_link *l = &network->links[i];
        struct ted_link_info info;
        assert_true(ted_link_info_at(ted, i, &info));
        assert_string_equal(info.key, ted_view_link_key(view, i));
        /* Patched or built: the snapshot has what the database holds. */
        assert_memory_equal(info.link, l, sizeof *l);
        buf_printf(&text, "%s %u %u %u %llu %d %s\n", info.key, l->igp_metric, l->delay_us,
                   l->reverse, (unsigned long long)l->capacity_bps, l->up,
                   info.origin[TED_CAPACITY].source == TE_NONE ? "-" : "+");
    }
    ted_view_release(view);
    ted_each_finding(ted, append_finding, &text);
    return buf_steal_cstr(&text);
}

/* Tells each source's steps in their order, but the sources in a random one. */
static char *
tell_all(const struct step *steps, unsigned n, unsigned commit_every)
{
    static const enum ted_kind kinds[SOURCES] = {TED_KIND_OSPF, TED_KIND_ISIS, TED_KIND_BGP_LS,
                                                 TED_KIND_BGP_LS};
    static const char *const names[SOURCES] = {"ospf", "isis", "peer-a", "peer-b"};
    struct ted *ted = ted_new(NULL);
    uint32_t sources[SOURCES];
    unsigned at[SOURCES] = {0};
    unsigned first = any(SOURCES);
    for (unsigned i = 0; i < SOURCES; i++) { /* their numbers differ, too */
        unsigned s = (first + i) % SOURCES;
        sources[s] = add_source(ted, kinds[s], names[s]);
    }
    for (unsigned left = n; left;) {
        unsigned s = any(SOURCES);
        while (at[s] < n && steps[at[s]].source != s)
            at[s]++;
        if (at[s] == n)
            continue;
        tell(ted, sources[s], &steps[at[s]++]);
        left--;
        if (any(commit_every) == 0)
            ted_commit(ted, 1);
        else if (any(commit_every) == 0)
            ted_commit_links(ted, 1);
    }
    for (unsigned s = 0; s < SOURCES; s++)
        ted_source_synced(ted, sources[s], 1);
    ted_commit(ted, 1);
    char *text = describe(ted);
    ted_free(ted);
    return text;
}

static void
order_does_not_matter(void **state)
{
    struct step steps[STEPS];
    (void)state;
    for (unsigned round = 1; round <= 60; round++) {
        state_of_random = round * UINT64_C(0x9e3779b97f4a7c15);
        for (unsigned i = 0; i < STEPS; i++) {
            steps[i] = random_step();
            steps[i].at = 1 + i; /* when it was said, whenever it is heard */
        }
        unsigned n = 1 + any(STEPS);
        char *first = tell_all(steps, n, 1000000);
        for (unsigned again = 0; again < 4; again++) {
            char *other = tell_all(steps, n, again ? 3 : 20);
            if (strcmp(first, other))
                fail_msg("round %u:\n%s\nor\n%s", round, first, other);
            free(other);
        }
        free(first);
    }
}

TEST_MAIN(cmocka_unit_test(order_does_not_matter))
