#include "wan/pce_testing.h"

#define S PCEP_LSP_SYNC
#define VERSIONS (USUAL | PCEP_INCLUDE_DB_VERSION)

static void
reports_are_entered_until_the_end_of_the_synchronisation(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, USUAL, 0));
    assert_int_equal(info_of(r).state, PCE_PCC_SYNCING);
    report(r, (struct rep){.plsp_id = 7,
                           .name = "north",
                           .flags = S | PCEP_LSP_DELEGATE | PCEP_LSP_ADMIN | OPERATIONAL(ACTIVE),
                           .label = 16005,
                           .tunnel_id = 3,
                           .from = {10, 0, 0, 1}});
    report(r, (struct rep){.plsp_id = 8, .name = "south", .flags = S, .label = 16006});
    settle(bed);
    assert_int_equal(count_seen(bed, PCE_SYNCED), 0);
    end_of_sync(r);
    const struct seen *synced = the_seen(bed, PCE_SYNCED);
    assert_int_equal(synced->n, 2);
    assert_int_equal(synced->sync, PCE_SYNC_FULL);
    assert_int_equal(info_of(r).state, PCE_PCC_READY);
    const struct lsp *lsp = lsp_of(r, 7);
    struct lsp_hops hops = lsp_ero(lsp);
    struct lsp_hop hop;
    assert_string_equal(lsp_name(lsp), "north");
    assert_true(lsp->delegated && lsp->admin);
    assert_int_equal(lsp->operational, LSP_ACTIVE);
    assert_int_equal(lsp->tunnel_id, 3);
    assert_int_equal(lsp->setup_type, PCEP_PST_SR);
    assert_true(lsp_hops_next(&hops, &hop));
    assert_int_equal(hop.label, 16005);
    bed_free(bed);
}

static void
what_is_not_reported_again_is_swept(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, USUAL, 0));
    report(r, (struct rep){.plsp_id = 1, .name = "stays", .flags = S, .label = 1000});
    report(r, (struct rep){.plsp_id = 2, .name = "goes", .flags = S, .label = 1000});
    end_of_sync(r);
    drop_link(r);
    settle(bed);
    assert_int_equal(count_seen(bed, PCE_DOWN), 1);
    assert_true(lsp_of(r, 1)->stale && lsp_of(r, 2)->stale);
    assert_ok(router_connect(r, USUAL, 0));
    forget_seen(bed);
    report(r, (struct rep){.plsp_id = 2, .name = "stays", .flags = S, .label = 1000});
    settle(bed);
    assert_int_equal(the_seen(bed, PCE_LSP_CHANGED)->changed, LSP_IS_FRESH | LSP_RENUMBERED);
    assert_int_equal(count_seen(bed, PCE_LSP_GONE), 0);
    end_of_sync(r);
    assert_string_equal(the_seen(bed, PCE_LSP_GONE)->name, "goes");
    assert_int_equal(the_seen(bed, PCE_LSP_GONE)->gone, PCE_GONE_SWEPT);
    assert_string_equal(lsp_name(lsp_of(r, 2)), "stays");
    bed_free(bed);
}

static void
lsps_stay_without_a_session_until_their_time_is_over(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.stale_time = 300 * NSEC_PER_SEC});
    struct router *r = usual_router(bed, "10.0.0.1");
    wait_for(bed, 100 * NSEC_PER_SEC);
    drop_link(r);
    wait_for(bed, 299 * NSEC_PER_SEC);
    assert_non_null(lsp_of(r, 1));
    wait_for(bed, 2 * NSEC_PER_SEC);
    assert_int_equal(the_seen(bed, PCE_LSP_GONE)->gone, PCE_GONE_EXPIRED);
    wait_for(bed, 600 * NSEC_PER_SEC);
    assert_int_equal(number_of(r), PCE_NO_PCC); /* and it is forgotten */
    assert_int_equal(pce_deadline(bed->pce), NSEC_NEVER);
    bed_free(bed);
}

static void
sync(struct router *r, uint64_t version)
{
    report(r, (struct rep){.plsp_id = 1,
                           .name = "a",
                           .flags = S | PCEP_LSP_DELEGATE,
                           .label = 16001,
                           .version = version - 1});
    report(r,
           (struct rep){.plsp_id = 2, .name = "b", .flags = S, .label = 16002, .version = version});
    report(r, (struct rep){.plsp_id = 0, .version = version});
    settle(r->bed);
}

static void
it_is_avoided_if_both_have_the_same_version(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, VERSIONS, 42));
    assert_int_equal(pcep_session_peer(r->session)->db_version, 0); /* the PCE knows nothing yet */
    sync(r, 42);
    report(r, (struct rep){.plsp_id = 2, .flags = OPERATIONAL(UP), .label = 16002, .version = 43});
    settle(bed);
    drop_link(r);
    settle(bed);
    forget_seen(bed);
    assert_ok(router_connect(r, VERSIONS, 43));
    assert_int_equal(pcep_session_peer(r->session)->db_version, 43);
    assert_int_equal(the_seen(bed, PCE_SYNCED)->sync, PCE_SYNC_AVOIDED);
    assert_int_equal(the_seen(bed, PCE_SYNCED)->n, 2);
    assert_false(lsp_of(r, 1)->stale);
    assert_int_equal(info_of(r).state, PCE_PCC_READY);
    bed_free(bed);
}

static void
it_is_whole_if_the_versions_differ(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, VERSIONS, 42));
    sync(r, 42);
    drop_link(r);
    settle(bed);
    forget_seen(bed);
    assert_ok(router_connect(r, VERSIONS, 50));
    assert_int_equal(count_seen(bed, PCE_SYNCED), 0);
    report(r, (struct rep){.plsp_id = 0, .version = 50});
    settle(bed);
    assert_int_equal(count_seen(bed, PCE_LSP_GONE), 2);
    bed_free(bed);
}

static void
of_a_delta_only_what_is_told_changes(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    uint32_t flags = VERSIONS | PCEP_DELTA_LSP_SYNC;
    assert_ok(router_connect(r, flags, 42));
    sync(r, 42);
    drop_link(r);
    settle(bed);
    forget_seen(bed);
    assert_ok(router_connect(r, flags, 45));
    report(r, (struct rep){.plsp_id = 2, .flags = S | PCEP_LSP_REMOVE, .version = 44});
    report(r, (struct rep){.plsp_id = 3, .name = "c", .flags = S, .label = 16003, .version = 45});
    report(r, (struct rep){.plsp_id = 0, .version = 45});
    settle(bed);
    assert_int_equal(the_seen(bed, PCE_SYNCED)->sync, PCE_SYNC_DELTA);
    assert_string_equal(the_seen(bed, PCE_LSP_GONE)->name, "b");
    assert_false(lsp_of(r, 1)->stale);
    assert_int_equal(info_of(r).lsps, 2);
    assert_int_equal(info_of(r).db_version, 45);
    bed_free(bed);
}

static void
a_version_that_was_agreed_on_may_not_be_missing(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, VERSIONS, 42));
    report(r, (struct rep){.plsp_id = 1, .name = "a", .flags = S, .label = 16001});
    settle(bed);
    assert_true(r->down);
    assert_int_equal(the_got(r, PCEP_PCERR)->error.type, 6);
    assert_int_equal(the_got(r, PCEP_PCERR)->error.value, 12);
    assert_int_equal(count_misbehaviour(bed, PCE_NO_DB_VERSION), 1);
    bed_free(bed);
}

static void
a_synchronisation_that_breaks_off_does_not_count_as_one(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, VERSIONS, 42));
    report(r, (struct rep){.plsp_id = 1, .name = "a", .flags = S, .label = 16001, .version = 42});
    settle(bed);
    drop_link(r);
    settle(bed);
    assert_ok(router_connect(r, VERSIONS, 42));
    assert_int_equal(pcep_session_peer(r->session)->db_version, 0);
    assert_int_equal(count_seen(bed, PCE_SYNCED), 0);
    bed_free(bed);
}

static void
who_does_not_keep_all_does_not_claim_to(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.limits.lsps = 1});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, VERSIONS, 42));
    sync(r, 42);
    assert_int_equal(info_of(r).lsps, 1);
    drop_link(r);
    settle(bed);
    forget_seen(bed);
    assert_ok(router_connect(r, VERSIONS, 42));
    assert_int_equal(pcep_session_peer(r->session)->db_version, 0);
    assert_int_equal(count_seen(bed, PCE_SYNCED), 0);
    bed_free(bed);
}

static void
one_that_stalls_is_ended(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.sync_timeout = 40 * NSEC_PER_SEC});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, USUAL, 0));
    wait_for(bed, 30 * NSEC_PER_SEC);
    report(r, (struct rep){.plsp_id = 1, .name = "a", .flags = S, .label = 16001});
    wait_for(bed, 39 * NSEC_PER_SEC);
    assert_true(r->up);
    wait_for(bed, 2 * NSEC_PER_SEC);
    assert_true(r->down);
    assert_int_equal(count_misbehaviour(bed, PCE_SYNC_STALLS), 1);
    bed_free(bed);
}

static void
it_can_be_asked_for_again(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(r, USUAL | PCEP_TRIGGERED_RESYNC, 0));
    report(r, (struct rep){.plsp_id = 5, .name = "a", .flags = S, .label = 16001});
    end_of_sync(r);
    assert_ok(pce_resync(bed->pce, number_of(r), lsp_of(r, 5)->id, bed->now));
    settle(bed);
    assert_int_equal(the_got(r, PCEP_PCUPD)->plsp_id, 5);
    assert_true(the_got(r, PCEP_PCUPD)->flags & PCEP_LSP_SYNC);
    struct router *other = usual_router(bed, "10.0.0.2");
    assert_err(pce_resync(bed->pce, number_of(other), LSP_NONE, bed->now), ERR_UNSUPPORTED);
    bed_free(bed);
}

static void
what_is_left_out_when_all_is_asked_for_again_is_gone(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1");
    const struct lsp_hop hop = {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 5};
    struct diag diag;
    uint64_t id;
    assert_ok(router_connect(r, USUAL | PCEP_TRIGGERED_RESYNC, 0));
    report(r,
           (struct rep){.plsp_id = 5, .name = "a", .flags = S | PCEP_LSP_DELEGATE, .label = 16001});
    report(r, (struct rep){.plsp_id = 6, .name = "b", .flags = S, .label = 16001});
    end_of_sync(r);
    forget_seen(bed);
    assert_ok(pce_resync(bed->pce, number_of(r), LSP_NONE, bed->now));
    settle(bed);
    assert_int_equal(the_got(r, PCEP_PCUPD)->plsp_id, 0);
    assert_int_equal(info_of(r).state, PCE_PCC_SYNCING);
    const struct pce_order order = {
        .kind = PCE_UPDATE, .lsp = lsp_of(r, 5)->id, .path = &hop, .n_path = 1};
    assert_err(pce_order(bed->pce, &order, bed->now, &id, &diag), ERR_BUSY);
    assert_err(pce_resync(bed->pce, number_of(r), LSP_NONE, bed->now), ERR_BUSY);
    report(r,
           (struct rep){.plsp_id = 5, .name = "a", .flags = S | PCEP_LSP_DELEGATE, .label = 16001});
    end_of_sync(r);
    assert_int_equal(info_of(r).state, PCE_PCC_READY);
    assert_int_equal(the_seen(bed, PCE_SYNCED)->n, 1);
    assert_int_equal(the_seen(bed, PCE_LSP_GONE)->gone, PCE_GONE_SWEPT);
    assert_string_equal(the_seen(bed, PCE_LSP_GONE)->name, "b");
    assert_false(lsp_of(r, 5)->stale);
    assert_ok(pce_order(bed->pce, &order, bed->now, &id, &diag));
    bed_free(bed);
}

static void
who_waits_to_be_asked_for_the_first_synchronisation_is_asked(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = router_new(bed, "10.0.0.1"), *other = router_new(bed, "10.0.0.2");
    assert_ok(router_connect(r, USUAL | PCEP_TRIGGERED_INITIAL_SYNC, 0));
    assert_ok(router_connect(other, USUAL, 0));
    assert_int_equal(the_got(r, PCEP_PCUPD)->plsp_id, 0);
    assert_true(the_got(r, PCEP_PCUPD)->flags & PCEP_LSP_SYNC);
    assert_int_equal(other->n_got, 0);
    end_of_sync(r);
    assert_int_equal(info_of(r).state, PCE_PCC_READY);
    bed_free(bed);
}

static void
a_removal_is_told_with_what_was_removed(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 1, .flags = PCEP_LSP_REMOVE});
    settle(bed);
    assert_string_equal(the_seen(bed, PCE_LSP_GONE)->name, "a");
    assert_int_equal(the_seen(bed, PCE_LSP_GONE)->gone, PCE_GONE_REMOVED);
    assert_null(lsp_of(r, 1));
    report(r, (struct rep){.plsp_id = 1, .flags = PCEP_LSP_REMOVE});
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_UNKNOWN_LSP), 1);
    bed_free(bed);
}

static void
associations_are_passed_up(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pcep_tlv wish = {.type = PCEP_TLV_DISJOINTNESS_CONFIGURATION,
                                  .number = PCEP_DISJOINT_NODE | PCEP_DISJOINT_STRICT};
    const struct pcep_association pair = {
        .type = PCEP_ASSOC_DISJOINT, .id = 77, .source = {4, {10, 0, 0, 9}}, .tlvs = {&wish, 1}};
    report(r, (struct rep){.plsp_id = 1, .label = 16001, .association = &pair});
    settle(bed);
    struct lsp_association got;
    assert_int_equal(lsp_of(r, 1)->n_associations, 1);
    lsp_association(lsp_of(r, 1), 0, &got);
    assert_int_equal(got.id, 77);
    assert_int_equal(got.disjointness, PCEP_DISJOINT_NODE | PCEP_DISJOINT_STRICT);
    bed_free(bed);
}

TEST_MAIN(cmocka_unit_test(reports_are_entered_until_the_end_of_the_synchronisation),
          cmocka_unit_test(what_is_not_reported_again_is_swept),
          cmocka_unit_test(lsps_stay_without_a_session_until_their_time_is_over),
          cmocka_unit_test(it_is_avoided_if_both_have_the_same_version),
          cmocka_unit_test(it_is_whole_if_the_versions_differ),
          cmocka_unit_test(of_a_delta_only_what_is_told_changes),
          cmocka_unit_test(a_version_that_was_agreed_on_may_not_be_missing),
          cmocka_unit_test(a_synchronisation_that_breaks_off_does_not_count_as_one),
          cmocka_unit_test(who_does_not_keep_all_does_not_claim_to),
          cmocka_unit_test(one_that_stalls_is_ended), cmocka_unit_test(it_can_be_asked_for_again),
          cmocka_unit_test(what_is_left_out_when_all_is_asked_for_again_is_gone),
          cmocka_unit_test(who_waits_to_be_asked_for_the_first_synchronisation_is_asked),
          cmocka_unit_test(a_removal_is_told_with_what_was_removed),
          cmocka_unit_test(associations_are_passed_up))
