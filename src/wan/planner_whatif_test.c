/* What is foretold of a failure is what happens then: random networks and tunnels, each element
 * failed in the database as a routing protocol would tell it. */
#include "wan/planner_testing.h"

#define ROUTERS 9
#define LINKS_MAX 24
#define TUNNELS 14
#define ROUNDS 40
#define MENDS_MAX 8

static uint64_t seed;

static uint32_t
draw(uint32_t below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % below;
}

static struct cable {
    unsigned a, b;
    uint32_t delay_us, srlg;
    uint64_t bps;
} cables[LINKS_MAX];
static unsigned n_cables;

static struct party {
    struct tunnel *tunnel;
    bool standing;
    json_t *paths[TUNNEL_PATHS], *now[TUNNEL_PATHS]; /* before the failure; in it */
    bool lost, moved, failed;                        /* before; in it */
} parties[TUNNELS];
static unsigned n_parties;

/* ---- A network ---- */

static void
put_cable(const struct cable *c)
{
    put_way_of(c->a, c->b, c->delay_us, c->srlg, c->bps);
}

static bool
is_laid(unsigned a, unsigned b)
{
    for (unsigned i = 0; i < n_cables; i++) {
        if ((cables[i].a == a && cables[i].b == b) || (cables[i].a == b && cables[i].b == a))
            return true;
    }
    return false;
}

static void
lay(unsigned a, unsigned b)
{
    if (a == b || n_cables == LINKS_MAX || is_laid(a, b))
        return;
    struct cable *c = &cables[n_cables++];
    *c = (struct cable){a, b, 500 + 137 * draw(20), draw(4) ? 0 : 1 + draw(3),
                        UINT64_C(50000000) * (1 + draw(3))};
    put_cable(c);
}

static void
make_network(void)
{
    ted = ted_new(NULL);
    planner = planner_new();
    model = network_new();
    source = add_source(ted, TED_KIND_OSPF, "ospf");
    n_cables = n_parties = 0;
    for (unsigned n = 1; n <= ROUTERS; n++)
        put_router(n);
    for (unsigned n = 2; n <= ROUTERS; n++)
        lay(n, 1 + draw(n - 1));
    for (unsigned n = 0; n < ROUTERS; n++)
        lay(1 + draw(ROUTERS), 1 + draw(ROUTERS));
    ted_source_synced(ted, source, 1);
    look_again();
}

static struct tunnel *
draw_tunnel(unsigned i)
{
    static const enum disjointness kinds[] = {DISJOINT_NONE, DISJOINT_LINK, DISJOINT_NODE,
                                              DISJOINT_MAXIMAL};
    char name[16];
    unsigned head = 1 + draw(ROUTERS), tail = 1 + (head + draw(ROUTERS - 1)) % ROUTERS;
    snprintf(name, sizeof name, "t%u", i);
    struct tunnel *t = tunnel(name, head, tail, 1000 * (5 + draw(40)));
    t->protection = kinds[draw(ARRAY_SIZE(kinds))];
    t->metric = draw(2) ? TUNNEL_DELAY : TUNNEL_TE;
    t->hold_priority = (uint8_t)draw(8);
    t->setup_priority = t->hold_priority;
    t->max_latency_us = draw(3) ? 0 : 3000 + draw(6000);
    if (n_parties && !draw(4)) {
        t->diverse_from = xstrdup(parties[draw(n_parties)].tunnel->name);
    }
    if (!draw(4)) /* for a time, that of others overlaps or not */
        t->window = (struct window){.start = draw(3) * NSEC_PER_SEC,
                                    .end = (3 + draw(3)) * NSEC_PER_SEC};
    return t;
}

static void
make_tunnels(void)
{
    for (unsigned i = 0; i < TUNNELS; i++) {
        struct party *m = &parties[n_parties];
        struct placed p;
        *m = (struct party){.tunnel = draw_tunnel(i), .standing = draw(5) != 0};
        if (place(m->tunnel, 0, false, &p)) {
            tunnel_free(m->tunnel);
            continue;
        }
        planner_hold(planner, m->tunnel, n_parties + 1, m->standing,
                     (const json_t *const *)p.paths);
        json_decref(p.victims);
        memcpy(m->paths, p.paths, sizeof m->paths);
        network_put_tunnel(model, tunnel_copy(m->tunnel));
        n_parties++;
    }
}

/* Some tunnels may have to leave it, then or in a failure. */
static void
put_a_link_at_risk(void)
{
    const struct ted_view *view = ted_view(ted);
    uint32_t link = draw(ted_view_network(view)->n_links);
    const struct planner_risk risk = {ted_view_link_key(view, link), "it crackles", true};
    planner_set_risks(planner, &risk, 1);
    ted_view_release(view);
}

static struct party *
find_party(const char *name)
{
    for (unsigned i = 0; i < n_parties; i++) {
        if (!strcmp(parties[i].tunnel->name, name))
            return &parties[i];
    }
    fail_msg("there is no tunnel %s", name);
    return NULL;
}

static unsigned n_moves;

static void
take(void *arg UNUSED, const struct planner_mended *result)
{
    struct party *m = find_party(result->trouble->tunnel);
    m->failed = result->err && result->trouble->broken;
    n_moves += result->moved;
    m->moved |= result->moved;
    for (unsigned i = 0; i < TUNNEL_PATHS && result->moved; i++) {
        json_decref(m->now[i]);
        m->now[i] = json_incref(result->paths[i]);
    }
}

static void
take_leave(void *arg, const struct planner_mended *result)
{
    if (result->moved)
        take(arg, result);
}

static bool
may_leave(void *arg UNUSED, const char *tunnel UNUSED)
{
    return true;
}

static void
mend_all(void)
{
    n_moves = 1;
    for (unsigned i = 0; i < MENDS_MAX && n_moves; i++) {
        for (unsigned k = 0; k < n_parties; k++)
            parties[k].failed = false;
        n_moves = 0;
        planner_mend(planner, model, NULL, take, NULL);
        planner_leave_risks(planner, model, may_leave, take_leave, NULL);
    }
}

static void
set_paths(json_t *to[TUNNEL_PATHS], json_t *const from[TUNNEL_PATHS])
{
    for (unsigned i = 0; i < TUNNEL_PATHS; i++) {
        json_decref(to[i]);
        to[i] = json_incref(from[i]);
    }
}

/* As they are before a failure. */
static void
begin(void)
{
    for (unsigned i = 0; i < n_parties; i++) {
        set_paths(parties[i].now, parties[i].paths);
        parties[i].moved = parties[i].failed = false;
    }
}

/* Until nothing waits to be better. */
static void
come_to_rest(void)
{
    begin();
    mend_all();
    for (unsigned i = 0; i < n_parties; i++) {
        set_paths(parties[i].paths, parties[i].now);
        parties[i].lost = parties[i].failed;
    }
}

static void
forget_all(void)
{
    for (unsigned i = 0; i < n_parties; i++) {
        tunnel_free(parties[i].tunnel);
        for (unsigned k = 0; k < TUNNEL_PATHS; k++) {
            json_decref(parties[i].paths[k]);
            json_decref(parties[i].now[k]);
        }
    }
    tear_down(NULL);
}

/* ---- An element that fails ---- */

static bool
is_of(const struct cable *c, const char *kind, const char *element)
{
    char a[8], b[8], srlg[16], there[64], back[64];
    snprintf(a, sizeof a, "r%u", c->a);
    snprintf(b, sizeof b, "r%u", c->b);
    snprintf(srlg, sizeof srlg, "srlg-%u", c->srlg);
    snprintf(there, sizeof there, "10.255.0.%u>10.255.0.%u/", c->a, c->b);
    snprintf(back, sizeof back, "10.255.0.%u>10.255.0.%u/", c->b, c->a);
    if (!strcmp(kind, "router"))
        return !strcmp(element, a) || !strcmp(element, b);
    if (!strcmp(kind, "srlg"))
        return !strcmp(element, srlg);
    return strstr(element, there) || strstr(element, back);
}

static unsigned
set_element(const char *kind, const char *element, bool up)
{
    unsigned n = 0;
    for (unsigned i = 0; i < n_cables; i++) {
        const struct cable *c = &cables[i];
        if (!is_of(c, kind, element))
            continue;
        n++;
        if (up)
            put_cable(c);
        for (unsigned back = 0; back < 2 && !up; back++) {
            struct ted_link_record r = ospf_link(back ? c->b : c->a, back ? c->a : c->b, 0);
            ted_withdraw_link(ted, source, &r.id, 2);
        }
    }
    look_again();
    return n;
}

/* ---- What was foretold ---- */

static const json_t *
foretold(const json_t *impact, const char *tunnel)
{
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(impact, "tunnels"), i, one)
    {
        if (!strcmp(json_string_value(json_object_get(one, "tunnel")), tunnel))
            return one;
    }
    return NULL;
}

static void
compare_way(const char *what, const struct party *m, unsigned path, const json_t *one)
{
    static const char *const names[TUNNEL_PATHS] = {"routers", "standby-routers"};
    json_t *as_path = json_pack("{sO*}", "routers", json_object_get(one, names[path]));
    char *its = way(as_path), *is = way(m->now[path]);
    if (strcmp(its, is) != 0)
        fail_msg("%s: tunnel %s, %s: foretold \"%s\", came \"%s\"", what, m->tunnel->name,
                 names[path], its, is);
    json_decref(as_path);
    free(its);
    free(is);
}

static bool
is_loss(const char *fate)
{
    return !strcmp(fate, "no path") || !strcmp(fate, "no room") || !strcmp(fate, "too late") ||
           !strcmp(fate, "ends there");
}

/* Returns 1 if something became of it. */
static unsigned
compare(const char *what, const struct party *m, const json_t *impact)
{
    const json_t *one = foretold(impact, m->tunnel->name);
    const char *fate = one ? json_string_value(json_object_get(one, "fate")) : "";
    if (!one && (m->failed ? !m->lost : m->moved))
        fail_msg("%s: nothing was foretold of tunnel %s", what, m->tunnel->name);
    if (one && m->failed && !is_loss(fate) && strcmp(fate, "standby") && strcmp(fate, "kept"))
        fail_msg("%s: tunnel %s has no way, foretold was %s", what, m->tunnel->name, fate);
    if (one && !m->failed && is_loss(fate))
        fail_msg("%s: tunnel %s has a way, foretold was %s", what, m->tunnel->name, fate);
    for (unsigned i = 0; i < TUNNEL_PATHS && one && !m->failed; i++)
        compare_way(what, m, i, one);
    return one != NULL;
}

static struct tally {
    unsigned links, routers, risks; /* tunnels with a fate */
    unsigned n_pushed, n_standby, n_lost, n_rerouted;
} tally;

static void
add_up(const json_t *impact, unsigned n)
{
    const char *kind = json_string_value(json_object_get(impact, "kind"));
    *(!strcmp(kind, "link")     ? &tally.links
      : !strcmp(kind, "router") ? &tally.routers
                                : &tally.risks) += n;
    tally.n_pushed += (unsigned)json_integer_value(json_object_get(impact, "pushed"));
    tally.n_standby += (unsigned)json_integer_value(json_object_get(impact, "standby"));
    tally.n_lost += (unsigned)json_integer_value(json_object_get(impact, "lost"));
    tally.n_rerouted += (unsigned)json_integer_value(json_object_get(impact, "rerouted"));
}

static void
try_it(const json_t *impact, unsigned round)
{
    const char *kind = json_string_value(json_object_get(impact, "kind")),
               *element = json_string_value(json_object_get(impact, "element"));
    char what[128];
    unsigned n = 0;
    snprintf(what, sizeof what, "seed %u: %s %s", round, kind, element);
    set_element(kind, element, false);
    begin();
    mend_all();
    for (unsigned i = 0; i < n_parties; i++)
        n += compare(what, &parties[i], impact);
    add_up(impact, n);
    set_element(kind, element, true);
    for (unsigned i = 0; i < n_parties; i++)
        planner_hold(planner, parties[i].tunnel, i + 1, parties[i].standing,
                     (const json_t *const *)parties[i].paths);
}

static void
what_is_foretold_of_each_failure_comes(void **state UNUSED)
{
    for (unsigned round = 1; round <= ROUNDS; round++) {
        json_t *report, *impact;
        struct diag why;
        size_t i;
        seed = round;
        make_network();
        make_tunnels();
        if (draw(2))
            put_a_link_at_risk();
        come_to_rest();
        assert_ok(planner_what_if(planner, model, 1000, &report, &why));
        json_array_foreach(json_object_get(report, "worst"), i, impact) try_it(impact, round);
        json_decref(report);
        forget_all();
    }
    assert_true(tally.links > 100 && tally.routers > 100 && tally.risks > 20);
    assert_true(tally.n_pushed > 10 && tally.n_standby > 10 && tally.n_lost > 10 &&
                tally.n_rerouted > 10);
}

TEST_MAIN(cmocka_unit_test(what_is_foretold_of_each_failure_comes))
