/* Paths that router r1 configured itself and delegated to the service: a square, whose way from 1
 * to 3 is by 2 or by 4. It reports what it is told, unless a test says otherwise. */
#include "wan/client_testing.h"

static struct {
    unsigned n_updates, n_returns;
    uint32_t n_hops, labels[8];
    bool refuses, with_terms; /* with_terms: it says 1 Mbit/s, and priorities 3 and 2 */
    float octets_per_s;
    struct pcep_lspa lspa;
    uint32_t status; /* of the newest update: DISJOINTNESS-STATUS; 99: none */
} got;

/* Of what it has, if they are to be apart: flags of RFC 8800; 0: they are in no group. */
static uint32_t disjointness;

#define DELEGATED ((uint16_t)(PCEP_LSP_DELEGATE | PCEP_LSP_ADMIN | LSP_UP << 4))

/* What it has, of router 1 to router 3. */
static void
report_one(struct client *c, uint32_t plsp_id, uint32_t srp_id, uint16_t flags,
           const struct pcep_route *ero)
{
    const char *name = plsp_id == 7 ? "west-east" : "west-east-too";
    const struct pcep_tlv apart = {.type = PCEP_TLV_DISJOINTNESS_CONFIGURATION,
                                   .number = disjointness};
    const struct pcep_association group = {
        .type = PCEP_ASSOC_DISJOINT, .id = 9, .source = {4, {10, 255, 0, 1}}, .tlvs = {&apart, 1}};
    const struct pcep_route none = {.n = 0};
    struct pcep_lsp_ids ids = {.tunnel_id = 1,
                               .lsp_id = 1,
                               .sender = {4, {10, 255, 0, 1}},
                               .endpoint = {4, {10, 255, 0, 3}}};
    struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    struct pcep_tlv tlvs[] = {{.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids},
                              {.type = PCEP_TLV_SYMBOLIC_PATH_NAME,
                               .octets = {(const uint8_t *)name, (uint32_t)strlen(name)}}};
    struct pcep_lsp lsp = {.plsp_id = plsp_id, .flags = flags, .tlvs = {tlvs, 2}};
    struct pcep_srp srp = {.srp_id = srp_id, .tlvs = {&setup, 1}};
    struct pcep_entry entry = {.srp = &srp,
                               .lsp = &lsp,
                               .associations = &group,
                               .n_associations = disjointness ? 1 : 0,
                               .path.ero = ero ? ero : &none};
    const struct pcep_bandwidth rate = {.octets_per_s = 125000};
    const struct pcep_lspa lspa = {.exclude_any = 4,
                                   .setup_priority = 3,
                                   .holding_priority = 2,
                                   .flags = PCEP_LSPA_LOCAL_PROTECTION};
    entry.path.bandwidth = got.with_terms ? &rate : NULL;
    entry.path.lspa = got.with_terms ? &lspa : NULL;
    assert_ok(pcep_session_send_entry(c->session, PCEP_PCRPT, &entry));
    flush(c);
}

static void
report_own(struct client *c, uint32_t srp_id, uint16_t flags, const struct pcep_route *ero)
{
    report_one(c, 7, srp_id, flags, ero);
}

static void
obey_update(struct client *c, uint8_t type, const struct pcep_entry *entry)
{
    struct pcep_hop hops[8];
    struct pcep_route ero = {.hops = hops};
    if (type != PCEP_PCUPD)
        return;
    for (; ero.n < MIN(entry->path.ero->n, 8); ero.n++)
        hops[ero.n] = entry->path.ero->hops[ero.n];
    if (!(entry->lsp->flags & PCEP_LSP_DELEGATE)) {
        got.n_returns++;
        report_one(c, entry->lsp->plsp_id, entry->srp->srp_id, DELEGATED & ~PCEP_LSP_DELEGATE,
                   &ero);
        return;
    }
    got.n_updates++;
    got.status = entry->n_associations ? pcep_tlv_number(&entry->associations[0].tlvs,
                                                         PCEP_TLV_DISJOINTNESS_STATUS, 99)
                                       : 99;
    got.n_hops = ero.n;
    if (entry->path.bandwidth)
        got.octets_per_s = entry->path.bandwidth->octets_per_s;
    if (entry->path.lspa)
        got.lspa = *entry->path.lspa;
    for (uint32_t i = 0; i < ero.n; i++)
        got.labels[i] = pcep_hop_label(&hops[i]);
    if (got.refuses)
        report_one(c, entry->lsp->plsp_id, entry->srp->srp_id, DELEGATED & ~(7 << 4), NULL);
    else
        report_one(c, entry->lsp->plsp_id, entry->srp->srp_id, DELEGATED, &ero);
}

static int
set_up_owner(void **state)
{
    set_up_client(state);
    struct client *c = *state;
    memset(&got, 0, sizeof got);
    disjointness = 0;
    c->on_entry = obey_update;
    connect_client(c);
    end_of_sync(c);
    return 0;
}

/* Of one of them, as `wan lsps` has it; the caller owns it. */
static json_t *
account_of(struct client *c, size_t which)
{
    json_t *answer, *one;
    assert_ok(ask(c->place, "wan.lsps", json_object(), &answer));
    one = json_incref(json_array_get(json_object_get(answer, "lsps"), which));
    json_decref(answer);
    return one;
}

static json_t *
account(struct client *c)
{
    return account_of(c, 0);
}

/* Does it take a link with that router at its beginning? */
static bool
one_goes_by(struct client *c, size_t which, unsigned n)
{
    json_t *json = account_of(c, which);
    const json_t *links = json_object_get(json, "links");
    char *from = xasprintf("10.255.0.%u>", n);
    size_t i;
    const json_t *link;
    bool found = false;
    json_array_foreach(links, i, link)
        found |= !strncmp(json_string_value(link), from, strlen(from));
    free(from);
    json_decref(json);
    return found;
}

static bool
goes_by(struct client *c, unsigned n)
{
    return one_goes_by(c, 0, n);
}

static void
set_link(struct client *c, unsigned a, unsigned b, bool up)
{
    if (up) {
        put_way(c->place, a, b);
    } else {
        struct ted_link_record r = ospf_link(a, b, 0);
        ted_withdraw_link(c->place->service->ted, c->place->source, &r.id, clock_monotonic());
    }
    wan_commit(c->place->service);
}

/* By router 2, over the adjacencies 1-2 and 2-3: nothing but these. */
static const struct pcep_route *
by_2(void)
{
    static struct pcep_hop hops[2];
    static const struct pcep_route ero = {.hops = hops, .n = 2};
    hops[0] = pcep_label_hop(16002);
    hops[1] = pcep_label_hop(16003);
    return &ero;
}

static void
another_way_has_the_rate_and_the_priorities_that_the_router_says(void **state)
{
    struct client *c = *state;
    got.with_terms = true;
    report_own(c, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 2));
    set_link(c, 1, 2, false);
    RUN_UNTIL(c->place->scene->loop, got.n_updates);
    assert_float_equal(got.octets_per_s, 125000, 0);
    assert_int_equal(got.lspa.setup_priority, 3);
    assert_int_equal(got.lspa.holding_priority, 2);
    assert_int_equal(got.lspa.exclude_any, 4);
    assert_int_equal(got.lspa.flags, PCEP_LSPA_LOCAL_PROTECTION);
}

static void
a_path_that_stands_is_left_alone_and_accounted_for(void **state)
{
    struct client *c = *state;
    report_own(c, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 2));
    set_link(c, 3, 4, false); /* not its */
    set_link(c, 3, 4, true);
    assert_true(goes_by(c, 1));
    assert_int_equal(got.n_updates, 0);
}

static json_int_t
n_moved(struct client *c)
{
    json_t *json = account(c);
    json_int_t n = json_integer_value(json_object_get(json, "n-moved"));
    json_decref(json);
    return n;
}

static void
a_path_that_does_not_stand_goes_another_way(void **state)
{
    struct client *c = *state;
    report_own(c, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 2));
    set_link(c, 1, 2, false);
    RUN_UNTIL(c->place->scene->loop, n_moved(c) == 1);
    assert_true(goes_by(c, 4));
    assert_int_equal(got.n_updates, 1);
    json_t *json = account(c);
    assert_null(json_object_get(json, "trouble"));
    json_decref(json);
    set_link(c, 1, 2, true); /* nothing goes back just because that works again */
    assert_true(goes_by(c, 4));
    assert_int_equal(got.n_updates, 1);
}

static void
one_without_a_path_gets_one(void **state)
{
    struct client *c = *state;
    report_own(c, 0, DELEGATED & ~(7 << 4), NULL);
    RUN_UNTIL(c->place->scene->loop, got.n_updates);
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 1));
}

/* Among exceptions that were raised, or closed. */
static bool
is_told_of(const json_t *exceptions)
{
    const json_t *one;
    size_t i;
    json_array_foreach(exceptions, i, one)
    {
        if (!strcmp(json_string_value(json_object_get(one, "kind")), "lsp-without-path") &&
            !strcmp(json_string_value(json_object_get(one, "object")), "lsp/127.0.0.1/west-east"))
            return true;
    }
    return false;
}

static void
where_there_is_no_way_an_exception_names_it_until_there_is_one(void **state)
{
    struct client *c = *state;
    report_own(c, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 2));
    set_link(c, 3, 4, false);
    set_link(c, 1, 2, false);
    RUN_UNTIL(c->place->scene->loop, is_told_of(c->place->raised));
    json_t *json = account(c);
    assert_non_null(json_object_get(json, "trouble"));
    json_decref(json);
    assert_int_equal(got.n_updates, 0);
    set_link(c, 3, 4, true);
    RUN_UNTIL(c->place->scene->loop, is_told_of(c->place->closed));
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 4));
}

static void
what_was_asked_for_is_kept_when_it_goes_another_way(void **state)
{
    struct client *c = *state;
    const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    const struct pcep_rp rp = {.request_id = 5, .tlvs = {&setup, 1}};
    const struct pcep_endpoints ends = {.source = {4, {10, 255, 0, 1}},
                                        .destination = {4, {10, 255, 0, 3}}};
    struct pcep_hop avoided = {.type = PCEP_HOP_IPV4,
                               .prefix_length = 32,
                               .attribute = 1,
                               .address = {4, {10, 255, 0, 4}}};
    const struct pcep_route xro = {.hops = &avoided, .n = 1};
    const struct pcep_entry entry = {.rp = &rp, .endpoints = &ends, .path = {.xro = &xro}};
    assert_ok(pcep_session_send_entry(c->session, PCEP_PCREQ, &entry));
    flush(c);
    report_own(c, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 2));
    set_link(c, 1, 2, false); /* by router 4 it must not go */
    RUN_UNTIL(c->place->scene->loop, is_told_of(c->place->raised));
    assert_int_equal(got.n_updates, 0);
}

static void
who_does_not_delegate_or_has_a_name_of_ours_is_not_touched(void **state)
{
    struct client *c = *state;
    report_own(c, 0, DELEGATED & ~PCEP_LSP_DELEGATE, by_2());
    set_link(c, 1, 2, false);
    json_t *json = account(c);
    assert_null(json_object_get(json, "links"));
    json_decref(json);
    assert_int_equal(got.n_updates, 0);
}

static bool
has_trouble_at(struct client *c, size_t which)
{
    json_t *json = account_of(c, which);
    bool has = json_object_get(json, "trouble") != NULL;
    json_decref(json);
    return has;
}

static bool
has_trouble(struct client *c)
{
    return has_trouble_at(c, 0);
}

/* Otherwise order and answer follow each other as fast as the two can. */
static void
a_router_that_does_not_do_it_is_told_again_after_a_pause(void **state)
{
    struct client *c = *state;
    got.refuses = true;
    report_own(c, 0, DELEGATED & ~(7 << 4), NULL);
    RUN_UNTIL(c->place->scene->loop, has_trouble(c));
    got.refuses = false;
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 1));
    assert_int_equal(got.n_updates, 2);
    assert_false(has_trouble(c));
}

/* ---- Those that are to be apart ---- */

static bool
are_apart(struct client *c)
{
    return (one_goes_by(c, 0, 2) && one_goes_by(c, 1, 4)) ||
           (one_goes_by(c, 0, 4) && one_goes_by(c, 1, 2));
}

static void
two_of_a_group_that_share_a_way_are_put_apart(void **state)
{
    struct client *c = *state;
    disjointness = PCEP_DISJOINT_NODE | PCEP_DISJOINT_LINK;
    report_one(c, 7, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, goes_by(c, 2));
    report_one(c, 8, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, are_apart(c));
    assert_int_equal(got.n_updates, 1);
    assert_int_equal(got.status, PCEP_DISJOINT_NODE | PCEP_DISJOINT_LINK);
}

/* Better together than nowhere, if the group lets them. */
static void
where_they_cannot_be_apart_they_are_not_unless_they_must(void **state)
{
    struct client *c = *state;
    disjointness = PCEP_DISJOINT_LINK | PCEP_DISJOINT_STRICT;
    report_one(c, 7, 0, DELEGATED, by_2());
    report_one(c, 8, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, are_apart(c));
    unsigned before = got.n_updates;
    set_link(c, 3, 4, false);
    RUN_UNTIL(c->place->scene->loop, has_trouble_at(c, 0) || has_trouble_at(c, 1));
    assert_int_equal(got.n_updates, before);
    disjointness = PCEP_DISJOINT_LINK;
    report_one(c, 7, 0, DELEGATED, by_2());
    report_one(c, 8, 0, DELEGATED, by_2());
    RUN_UNTIL(c->place->scene->loop, one_goes_by(c, 0, 2) && one_goes_by(c, 1, 2));
    RUN_UNTIL(c->place->scene->loop, !has_trouble_at(c, 0) && !has_trouble_at(c, 1));
}

#define C(test) cmocka_unit_test_setup_teardown(test, set_up_owner, tear_down_client)

TEST_MAIN(C(a_path_that_stands_is_left_alone_and_accounted_for),
          C(another_way_has_the_rate_and_the_priorities_that_the_router_says),
          C(a_path_that_does_not_stand_goes_another_way), C(one_without_a_path_gets_one),
          C(where_there_is_no_way_an_exception_names_it_until_there_is_one),
          C(what_was_asked_for_is_kept_when_it_goes_another_way),
          C(who_does_not_delegate_or_has_a_name_of_ours_is_not_touched),
          C(two_of_a_group_that_share_a_way_are_put_apart),
          C(where_they_cannot_be_apart_they_are_not_unless_they_must),
          C(a_router_that_does_not_do_it_is_told_again_after_a_pause))
