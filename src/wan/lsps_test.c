/* What the service brings to router r1, which does what each test says. The other end of the tunnel
 * has no session. */
#include "wan/client_testing.h"

static void
obey(struct client *c, uint8_t type, const struct pcep_entry *entry)
{
    struct pcep_hop hops[PLANNER_SEGMENTS_MAX];
    struct pcep_route ero = {.hops = hops};
    if (entry->srp->flags & PCEP_SRP_REMOVE) {
        c->n_removals++;
        report(c, (struct told){.plsp_id = entry->lsp->plsp_id,
                                .srp_id = entry->srp->srp_id,
                                .flags = PCEP_LSP_REMOVE | GOOD});
        return;
    }
    if (type == PCEP_PCINITIATE && entry->lsp->plsp_id) {
        struct pcep_hop hop = pcep_label_hop(16001);
        c->n_takeovers++;
        report(c, (struct told){.plsp_id = entry->lsp->plsp_id,
                                .srp_id = entry->srp->srp_id,
                                .flags = GOOD,
                                .ero = &(struct pcep_route){.hops = &hop, .n = 1}});
        return;
    }
    c->n_initiations += type == PCEP_PCINITIATE;
    c->n_updates += type == PCEP_PCUPD;
    for (ero.n = 0; ero.n < entry->path.ero->n; ero.n++)
        hops[ero.n] = pcep_label_hop(pcep_hop_label(&entry->path.ero->hops[ero.n]));
    if (c->alters)
        hops[ero.n - 1] = pcep_label_hop(17999);
    assert_non_null(entry->path.bandwidth);
    assert_non_null(entry->path.lspa);
    c->bandwidth = *entry->path.bandwidth;
    c->lspa = *entry->path.lspa;
    report(c, (struct told){entry->lsp->plsp_id ? entry->lsp->plsp_id : 1, entry->srp->srp_id,
                            "tl.t.p", GOOD, &ero, true});
}

/* Of the path of the only tunnel that begins at r1. */
static const struct wan_lsp *
path_at_head(const struct client *c)
{
    return &wan_tunnel_need(c->place->service, "t")->lsps[TUNNEL_PRIMARY][WAN_HEAD];
}

static void
want(struct client *c)
{
    reserve(c->place);
    tell(c->place, "tunnel.wanted", "{'order': 1, 'tunnels': ['t']}");
}

/* ---- What it holds is what was ordered ---- */

static void
a_path_is_brought_and_that_is_all(void **state)
{
    struct client *c = *state;
    connect_client(c);
    end_of_sync(c);
    want(c);
    RUN_UNTIL(c->place->scene->loop, path_at_head(c)->is_up);
    assert_int_equal(c->n_initiations, 1);
    assert_int_equal(c->n_updates, 0);
    assert_int_equal(path_at_head(c)->tries, 0);
}

/* Otherwise order and answer follow each other as fast as the two can, and nobody is told. */
static void
who_reports_another_path_than_was_ordered_is_ordered_with_pauses_and_told(void **state)
{
    struct client *c = *state;
    c->alters = true;
    connect_client(c);
    end_of_sync(c);
    want(c);
    RUN_UNTIL(c->place->scene->loop, json_array_size(c->place->raised));
    const json_t *raised = json_array_get(c->place->raised, 0);
    assert_string_equal(json_string_value(json_object_get(raised, "kind")), "tunnel-not-installed");
    assert_non_null(
        strstr(json_string_value(json_object_get(raised, "text")), "reports another path"));
    assert_int_equal(c->n_initiations, 1);
    assert_int_equal(c->n_updates, 2);
    c->alters = false;
    RUN_UNTIL(c->place->scene->loop, path_at_head(c)->is_up);
    assert_int_equal(c->n_updates, 3);
}

/* ---- What is told besides the labels ---- */

static const struct lsp *
lsp_at_head(const struct client *c)
{
    const struct lsp_db *db = pce_lsps(wan_pce(c->place->service));
    return lsp_db_find_name(db, pce_find_pcc(wan_pce(c->place->service), "127.0.0.1"), "tl.t.p", 6);
}

static void
orders_say_rate_and_priorities_and_routers_say_them_back(void **state)
{
    struct client *c = *state;
    tell(c->place, "model.put",
         "{'tieline-wan:wan': {'tunnel': [{'name': 't', 'head': 'r1', 'tail': 'r3', 'rate-kbps': "
         "1000, 'protection': 'none', 'setup-priority': 3, 'hold-priority': 2}]}}");
    connect_client(c);
    end_of_sync(c);
    want(c);
    RUN_UNTIL(c->place->scene->loop, path_at_head(c)->is_up);
    assert_float_equal(c->bandwidth.octets_per_s, 125000, 0);
    assert_int_equal(c->lspa.setup_priority, 3);
    assert_int_equal(c->lspa.holding_priority, 2);
    assert_int_equal(lsp_at_head(c)->bandwidth_bps, 1000000);
    json_t *json = wan_lsp_json(wan_pce(c->place->service), lsp_at_head(c));
    assert_int_equal(json_integer_value(json_object_get(json, "bandwidth-bps")), 1000000);
    assert_int_equal(json_integer_value(json_object_get(json, "setup-priority")), 3);
    assert_int_equal(json_integer_value(json_object_get(json, "hold-priority")), 2);
    json_decref(json);
    assert_int_equal(c->n_updates, 0);
}

/* A change of its state, and that the service has seen it. */
static void
go_down_and_up(struct client *c, const struct pcep_route *ero)
{
    report(c, (struct told){7, 0, "tl.t.p", (uint16_t)(GOOD & ~(7 << 4)), ero, true});
    RUN_UNTIL(c->place->scene->loop, !path_at_head(c)->is_up);
    report(c, (struct told){7, 0, "tl.t.p", GOOD, ero, true});
    RUN_UNTIL(c->place->scene->loop, path_at_head(c)->is_up);
}

static void
who_says_another_rate_is_told_once_and_believed_to_forward(void **state)
{
    struct client *c = *state;
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    struct pcep_hop hops[PLANNER_SEGMENTS_MAX];
    struct diag why = {""};
    size_t n = 0;
    want(c);
    assert_ok(planner_segments(c->place->service->planner, "t", TUNNEL_PRIMARY, false, segments, &n,
                               &why));
    for (size_t i = 0; i < n; i++)
        hops[i] = pcep_label_hop(segments[i].label);
    const struct pcep_route ero = {.hops = hops, .n = (uint32_t)n};
    c->bandwidth.octets_per_s = 125000;
    c->halves = true;
    connect_client(c);
    report(c, (struct told){7, 0, "tl.t.p", GOOD | PCEP_LSP_SYNC, &ero, true});
    end_of_sync(c);
    RUN_UNTIL(c->place->scene->loop, c->n_updates);
    RUN_UNTIL(c->place->scene->loop, path_at_head(c)->is_up && !path_at_head(c)->order);
    go_down_and_up(c, &ero);
    assert_int_equal(c->n_updates, 1);
    assert_int_equal(path_at_head(c)->tries, 0);
    assert_int_equal(c->n_initiations, 0);
}

/* ---- Our names that nobody wants ---- */

static void
litter_is_removed_once_though_it_is_reported_again_and_again(void **state)
{
    struct client *c = *state;
    struct pcep_hop hop = pcep_label_hop(16001);
    const struct pcep_route ero = {.hops = &hop, .n = 1};
    connect_client(c);
    for (unsigned i = 0; i < 20; i++) /* it changes each time */
        report(c, (struct told){7, 0, "tl.ghost.p",
                                (uint16_t)(GOOD | PCEP_LSP_SYNC) ^ (uint16_t)(i % 2 ? 0x10 : 0),
                                &ero, false});
    end_of_sync(c);
    RUN_UNTIL(c->place->scene->loop, c->n_removals);
    RUN_UNTIL(c->place->scene->loop, !c->place->service->litter);
    assert_int_equal(c->n_removals, 1);
}

/* Also of a tunnel that is there, and was never wanted since the program began. */
static void
the_path_of_a_tunnel_that_is_only_stated_is_litter(void **state)
{
    struct client *c = *state;
    struct pcep_hop hop = pcep_label_hop(16001);
    const struct pcep_route ero = {.hops = &hop, .n = 1};
    connect_client(c);
    reserve(c->place);
    report(c, (struct told){7, 0, "tl.t.p", GOOD | PCEP_LSP_SYNC, &ero, false});
    end_of_sync(c);
    RUN_UNTIL(c->place->scene->loop, c->n_removals);
    assert_int_equal(c->n_initiations, 0);
}

/* As routers report what a controller had created before it began anew (RFC 8281 section 6). */
static void
an_orphan_is_taken_over_and_then_taken_out(void **state)
{
    struct client *c = *state;
    struct pcep_hop hop = pcep_label_hop(16001);
    const struct pcep_route ero = {.hops = &hop, .n = 1};
    want(c);
    tell(c->place, "tunnel.unwanted", "{'order': 1, 'tunnels': ['t']}");
    connect_client(c);
    report(c, (struct told){7, 0, "tl.t.p", (uint16_t)((GOOD | PCEP_LSP_SYNC) & ~PCEP_LSP_DELEGATE),
                            &ero, false});
    end_of_sync(c);
    RUN_UNTIL(c->place->scene->loop, c->n_removals);
    assert_int_equal(c->n_takeovers, 1);
}

/* Otherwise the router removes it when its state timeout is over. */
static void
an_orphan_that_is_as_it_should_be_is_taken_over_too(void **state)
{
    struct client *c = *state;
    struct planner_segment segments[PLANNER_SEGMENTS_MAX];
    struct pcep_hop hops[PLANNER_SEGMENTS_MAX];
    struct diag why = {""};
    size_t n = 0;
    want(c);
    assert_ok(planner_segments(c->place->service->planner, "t", TUNNEL_PRIMARY, false, segments, &n,
                               &why));
    for (size_t i = 0; i < n; i++)
        hops[i] = pcep_label_hop(segments[i].label);
    const struct pcep_route ero = {.hops = hops, .n = (uint32_t)n};
    connect_client(c);
    report(c, (struct told){7, 0, "tl.t.p", (uint16_t)((GOOD | PCEP_LSP_SYNC) & ~PCEP_LSP_DELEGATE),
                            &ero, false});
    end_of_sync(c);
    RUN_UNTIL(c->place->scene->loop, path_at_head(c)->is_up);
    RUN_UNTIL(c->place->scene->loop, c->n_takeovers);
    assert_int_equal(c->n_initiations, 0);
}

static void
a_failure_of_what_is_not_wanted_any_more_is_over(void **state)
{
    struct client *c = *state;
    c->alters = true;
    connect_client(c);
    end_of_sync(c);
    want(c);
    RUN_UNTIL(c->place->scene->loop, wan_tunnel_need(c->place->service, "t")->failed);
    tell(c->place, "tunnel.unwanted", "{'order': 1, 'tunnels': ['t']}");
    assert_false(wan_tunnel_need(c->place->service, "t")->failed);
}

static void
who_does_not_offer_to_report_again_is_not_asked_to(void **state)
{
    struct client *c = *state;
    connect_client(c);
    end_of_sync(c);
    assert_err(
        ask(c->place, "wan.resync", json_pack("{ss ss}", "actor", "olga", "router", "r1"), NULL),
        ERR_UNSUPPORTED);
    assert_true(c->up);
}

static int
set_up_obedient(void **state)
{
    set_up_client(state);
    ((struct client *)*state)->on_entry = obey;
    return 0;
}

#define C(test) cmocka_unit_test_setup_teardown(test, set_up_obedient, tear_down_client)

TEST_MAIN(C(a_path_is_brought_and_that_is_all),
          C(who_reports_another_path_than_was_ordered_is_ordered_with_pauses_and_told),
          C(orders_say_rate_and_priorities_and_routers_say_them_back),
          C(who_says_another_rate_is_told_once_and_believed_to_forward),
          C(litter_is_removed_once_though_it_is_reported_again_and_again),
          C(the_path_of_a_tunnel_that_is_only_stated_is_litter),
          C(an_orphan_is_taken_over_and_then_taken_out),
          C(an_orphan_that_is_as_it_should_be_is_taken_over_too),
          C(who_does_not_offer_to_report_again_is_not_asked_to),
          C(a_failure_of_what_is_not_wanted_any_more_is_over))
