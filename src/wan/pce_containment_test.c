#include "wan/pce_testing.h"

#define S PCEP_LSP_SYNC

/* Two routers; whatever the first does, of the second nothing may change. */
static struct router *
bystander(struct bed *bed)
{
    return usual_router(bed, "10.0.0.99");
}

static void
assert_undisturbed(struct router *r)
{
    assert_true(r->up && !r->down);
    assert_int_equal(info_of(r).state, PCE_PCC_READY);
    assert_int_equal(info_of(r).lsps, 1);
    assert_string_equal(lsp_name(lsp_of(r, 1)), "a");
    assert_true(lsp_of(r, 1)->delegated && !lsp_of(r, 1)->stale);
    for (int i = 0; i < PCE_N_MISBEHAVIOURS; i++)
        assert_int_equal(info_of(r).misbehaviours[i], 0);
}

static void
a_plsp_id_under_another_name_is_left_out_of_account(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    forget_seen(bed);
    report(r, (struct rep){.plsp_id = 1, .name = "b", .label = 5000});
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_PLSP_ID_REUSED), 1);
    assert_int_equal(count_seen(bed, PCE_LSP_CHANGED), 0);
    assert_string_equal(lsp_name(lsp_of(r, 1)), "a");
    assert_true(lsp_of(r, 1)->delegated);
    assert_undisturbed(other);
    bed_free(bed);
}

static void
the_same_plsp_id_of_another_pcc_is_another_lsp(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 1, .flags = PCEP_LSP_REMOVE});
    settle(bed);
    assert_null(lsp_of(r, 1));
    assert_undisturbed(other);
    bed_free(bed);
}

static void
an_lsp_that_begins_at_another_router_is_left_out_of_account(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 2, .name = "x", .label = 5000, .from = {10, 0, 0, 99}});
    report(r, (struct rep){.plsp_id = 3, .name = "y", .label = 5000, .from = {10, 0, 0, 1}});
    report(r, (struct rep){.plsp_id = 4, .name = "z", .label = 5000, .from = {10, 255, 0, 1}});
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_FOREIGN_END_POINT), 1);
    assert_null(lsp_of(r, 2));
    assert_non_null(lsp_of(r, 3));
    assert_non_null(lsp_of(r, 4)); /* a loopback that nobody else has */
    assert_undisturbed(other);
    bed_free(bed);
}

static void
a_router_may_connect_from_another_address_of_its_own(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *before = usual_router(bed, "10.0.0.1");
    drop_link(before);
    settle(bed);
    struct router *r = usual_router(bed, "10.0.0.2");
    report(r, (struct rep){.plsp_id = 2, .name = "x", .label = 5000, .from = {10, 0, 0, 1}});
    settle(bed);
    assert_non_null(lsp_of(r, 2));
    assert_int_equal(count_seen(bed, PCE_MISBEHAVES), 0);
    bed_free(bed);
}

static bool
owns_nothing(void *arg UNUSED, const char *address, const struct te_address *source)
{
    assert_string_equal(address, "10.0.0.1");
    return source->octets[1] != 255;
}

static void
whose_an_address_is_can_be_said_by_who_knows(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.owns = owns_nothing});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 4, .name = "z", .label = 5000, .from = {10, 255, 0, 1}});
    settle(bed);
    assert_null(lsp_of(r, 4));
    bed_free(bed);
}

static bool
owns_all(void *arg UNUSED, const char *address UNUSED, const struct te_address *source UNUSED)
{
    return true;
}

static void
what_is_anothers_by_its_session_is_so_whoever_knows_otherwise(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.owns = owns_all});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 2, .name = "x", .label = 5000, .from = {10, 0, 0, 99}});
    settle(bed);
    assert_null(lsp_of(r, 2));
    assert_undisturbed(other);
    bed_free(bed);
}

/* One takes all the memory there is for routers; the other one still has its share. */
static void
of_the_memory_of_all_each_has_a_share_that_no_other_can_take(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.limits = {.total = 4000, .assured = 1000}});
    struct router *r = usual_router(bed, "10.0.0.1");
    char name[16];
    for (uint32_t i = 2; i < 40; i++) {
        snprintf(name, sizeof name, "lsp%u", i);
        report(r, (struct rep){.plsp_id = i, .name = name, .label = 5000});
    }
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_TOO_MANY_LSPS), 1);
    assert_true(info_of(r).octets <= 4000 && info_of(r).octets > 3000);
    assert_null(lsp_of(r, 39));
    struct router *other = bystander(bed);
    assert_undisturbed(other);
    assert_true(lsp_db_total_octets(pce_lsps(bed->pce)) ==
                info_of(r).octets + info_of(other).octets);
    for (uint32_t i = 2; i < 40; i++)
        report(r, (struct rep){.plsp_id = i, .name = NULL, .flags = PCEP_LSP_REMOVE});
    settle(bed);
    report(other, (struct rep){.plsp_id = 39, .name = "lsp39", .label = 5000});
    settle(bed);
    assert_non_null(lsp_of(other, 39));
    bed_free(bed);
}

static void
a_new_lsp_needs_a_name(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 5, .label = 5000});
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_NAME_MISSING), 1);
    assert_int_equal(the_got(r, PCEP_PCERR)->error.type, PCEP_ERROR_NO_NAME.type);
    assert_null(lsp_of(r, 5));
    assert_true(r->up && !r->down);
    bed_free(bed);
}

static void
two_lsps_of_one_name_are_told_and_kept(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 2, .name = "a", .label = 5000});
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_NAME_TAKEN), 1);
    assert_true(lsp_of(r, 2)->shares_name);
    bed_free(bed);
}

static void
an_answer_about_another_lsp_is_none(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct lsp_hop path = {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 5};
    const struct pce_order order = {
        .kind = PCE_UPDATE, .lsp = lsp_of(r, 1)->id, .path = &path, .n_path = 1};
    struct diag diag;
    uint64_t id;
    assert_ok(pce_order(bed->pce, &order, bed->now, &id, &diag));
    settle(bed);
    uint32_t srp_id = the_got(r, PCEP_PCUPD)->srp_id;
    report(r, (struct rep){.plsp_id = 2, .name = "b", .srp_id = srp_id, .label = 5});
    settle(bed);
    assert_int_equal(count_misbehaviour(bed, PCE_WRONG_SRP), 1);
    assert_int_equal(count_seen(bed, PCE_RESULT), 0);
    assert_non_null(lsp_of(r, 2));
    bed_free(bed);
}

static void
of_too_many_lsps_the_rest_is_not_kept(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.limits.lsps = 10});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    char name[8];
    for (uint32_t i = 2; i <= 30; i++) {
        snprintf(name, sizeof name, "l%u", i);
        report(r, (struct rep){.plsp_id = i, .name = name, .label = 5000});
    }
    settle(bed);
    assert_int_equal(info_of(r).lsps, 10);
    assert_int_equal(count_misbehaviour(bed, PCE_TOO_MANY_LSPS), 1); /* one event ... */
    assert_int_equal(info_of(r).misbehaviours[PCE_TOO_MANY_LSPS], 20);
    assert_int_equal(the_got(r, PCEP_PCNTF)->notification, 4); /* ... and one notification */
    assert_int_equal(the_got(r, PCEP_PCNTF)->value, 1);
    report(r, (struct rep){.plsp_id = 1, .flags = OPERATIONAL(DOWN), .label = 16001});
    settle(bed);
    assert_int_equal(lsp_of(r, 1)->operational, LSP_DOWN); /* those that are kept go on */
    forget_seen(bed);
    report(r, (struct rep){.plsp_id = 2, .flags = PCEP_LSP_REMOVE});
    settle(bed);
    assert_int_equal(the_got(r, PCEP_PCNTF)->value, 2);
    assert_undisturbed(other);
    bed_free(bed);
}

static void
who_floods_is_not_read_for_a_while(void **state UNUSED)
{
    const struct pce_config config = {.limits.lsps = 50, .reports_burst = 50, .reports_per_s = 100};
    struct bed *bed = bed_new(&config);
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    for (uint32_t i = 0; i < 600; i++)
        report(r, (struct rep){.plsp_id = 1,
                               .flags = i % 2 ? OPERATIONAL(UP) : OPERATIONAL(DOWN),
                               .label = 16001});
    bed->n_seen = 0;
    struct pce_event event;
    pass(r);
    while (pce_next(bed->pce, &event))
        bed->n_seen += event.kind == PCE_MISBEHAVES;
    assert_int_equal(bed->n_seen, 1);
    assert_true(pce_link_is_paused(r->link));
    assert_false(pce_link_is_paused(other->link));
    nsec_t due = pce_deadline(bed->pce);
    assert_true(due > bed->now + 4 * NSEC_PER_SEC && due < bed->now + 6 * NSEC_PER_SEC);
    bed->n_seen = 0;
    wait_for(bed, 7 * NSEC_PER_SEC);
    assert_false(pce_link_is_paused(r->link));
    assert_true(r->up && !r->down);
    assert_undisturbed(other);
    bed_free(bed);
}

static void
who_comes_and_goes_must_wait(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.flaps = 4});
    struct router *other = bystander(bed), *r = router_new(bed, "10.0.0.1");
    unsigned n = 0;
    while (n < 20 && !router_connect(r, USUAL, 0)) {
        n++;
        end_of_sync(r);
        wait_for(bed, 2 * NSEC_PER_SEC);
        drop_link(r);
        settle(bed);
    }
    assert_in_range(n, 4, 6);
    assert_int_equal(count_misbehaviour(bed, PCE_FLAPS), 1);
    assert_err(router_connect(r, USUAL, 0), ERR_DENIED);
    wait_for(bed, 130 * NSEC_PER_SEC);
    assert_ok(router_connect(r, USUAL, 0));
    assert_true(r->up);
    assert_undisturbed(other);
    bed_free(bed);
}

static void
a_session_that_lasted_is_no_flap(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.flaps = 2});
    struct router *r = router_new(bed, "10.0.0.1");
    for (int i = 0; i < 10; i++) {
        assert_ok(router_connect(r, USUAL, 0));
        wait_for(bed, 50 * NSEC_PER_SEC);
        end_of_sync(r);
        wait_for(bed, 20 * NSEC_PER_SEC);
        drop_link(r);
        settle(bed);
        bed->n_seen = 0;
    }
    bed_free(bed);
}

static void
a_second_session_is_refused_and_the_first_stays(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1"), *second = router_new(bed, "10.0.0.1");
    assert_ok(router_connect(second, USUAL, 0));
    assert_false(second->up);
    assert_true(second->down);
    assert_int_equal(the_got(second, PCEP_PCERR)->error.type, PCEP_ERROR_SECOND_SESSION);
    assert_int_equal(count_misbehaviour(bed, PCE_SECOND_SESSION), 1);
    assert_true(r->up && !r->down);
    assert_false(lsp_of(r, 1)->stale);
    assert_int_equal(count_seen(bed, PCE_DOWN), 0);
    bed_free(bed);
}

static bool
admits(void *arg UNUSED, const char *address, const char *name, struct diag *diag)
{
    if (name) /* once it is up */
        return strcmp(address, "10.0.0.2") || diag_set(diag, ERR_DENIED, "not this one") == ERR_OK;
    return strcmp(address, "10.0.0.1") || diag_set(diag, ERR_DENIED, "unknown") == ERR_OK;
}

static void
who_is_not_admitted_does_not_get_in(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.admits = admits});
    struct router *r = router_new(bed, "10.0.0.1"), *late = router_new(bed, "10.0.0.2");
    assert_err(router_connect(r, USUAL, 0), ERR_DENIED);
    assert_int_equal(count_misbehaviour(bed, PCE_NOT_ADMITTED), 1);
    assert_ok(router_connect(late, USUAL, 0));
    assert_true(late->down);
    assert_int_equal(count_seen(bed, PCE_UP), 0);
    assert_int_equal(count_misbehaviour(bed, PCE_NOT_ADMITTED), 2);
    usual_router(bed, "10.0.0.3");
    bed_free(bed);
}

static void
garbage_ends_the_session_that_it_comes_in(void **state UNUSED)
{
    static const uint8_t garbage[] = {0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99, 0x88};
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    buf_put(pcep_session_output(r->session), garbage, sizeof garbage);
    settle(bed);
    assert_int_equal(count_seen(bed, PCE_DOWN), 1);
    assert_true(lsp_of(r, 1)->stale);
    assert_undisturbed(other);
    bed_free(bed);
}

static void
half_a_message_is_waited_for_until_the_dead_timer(void **state UNUSED)
{
    static const uint8_t half[] = {0x20, PCEP_PCRPT, 0x01, 0x00, 0x20, 0x10};
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *other = bystander(bed), *r = usual_router(bed, "10.0.0.1");
    pce_link_input(r->link, half, sizeof half, bed->now);
    settle(bed);
    struct pcep_session *silent = r->session;
    r->session = NULL; /* it says nothing more */
    for (int i = 0; i < 130 && r->link; i++) {
        bed->now += NSEC_PER_SEC;
        pce_tick(bed->pce, bed->now);
        pcep_session_tick(other->session, bed->now);
        pass(other);
        buf_clear(pce_link_output(r->link));
        while (pce_next_ready(bed->pce))
            continue;
        if (pce_link_is_over(r->link))
            break;
    }
    assert_true(pce_link_is_over(r->link));
    r->session = silent;
    settle(bed);
    assert_int_equal(count_seen(bed, PCE_DOWN), 1);
    assert_undisturbed(other);
    bed_free(bed);
}

static void
misbehaviours_have_names(void **state UNUSED)
{
    for (int i = 0; i < PCE_N_MISBEHAVIOURS; i++)
        assert_string_not_equal(pce_misbehaviour_name((enum pce_misbehaviour)i), "unknown");
    assert_string_equal(pce_misbehaviour_name(PCE_PLSP_ID_REUSED), "plsp-id-reused");
}

TEST_MAIN(cmocka_unit_test(a_plsp_id_under_another_name_is_left_out_of_account),
          cmocka_unit_test(the_same_plsp_id_of_another_pcc_is_another_lsp),
          cmocka_unit_test(an_lsp_that_begins_at_another_router_is_left_out_of_account),
          cmocka_unit_test(a_router_may_connect_from_another_address_of_its_own),
          cmocka_unit_test(whose_an_address_is_can_be_said_by_who_knows),
          cmocka_unit_test(what_is_anothers_by_its_session_is_so_whoever_knows_otherwise),
          cmocka_unit_test(of_the_memory_of_all_each_has_a_share_that_no_other_can_take),
          cmocka_unit_test(a_new_lsp_needs_a_name),
          cmocka_unit_test(two_lsps_of_one_name_are_told_and_kept),
          cmocka_unit_test(an_answer_about_another_lsp_is_none),
          cmocka_unit_test(of_too_many_lsps_the_rest_is_not_kept),
          cmocka_unit_test(who_floods_is_not_read_for_a_while),
          cmocka_unit_test(who_comes_and_goes_must_wait),
          cmocka_unit_test(a_session_that_lasted_is_no_flap),
          cmocka_unit_test(a_second_session_is_refused_and_the_first_stays),
          cmocka_unit_test(who_is_not_admitted_does_not_get_in),
          cmocka_unit_test(garbage_ends_the_session_that_it_comes_in),
          cmocka_unit_test(half_a_message_is_waited_for_until_the_dead_timer),
          cmocka_unit_test(misbehaviours_have_names))
