#include "wan/pce_testing.h"

static const struct lsp_hop path[] = {
    {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17001, .local = {4, {10, 0, 0, 7}}},
    {.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17002},
};

static struct pce_order
update_of(uint64_t lsp)
{
    return (struct pce_order){.kind = PCE_UPDATE,
                              .urgency = PCE_CHANGE,
                              .lsp = lsp,
                              .path = path,
                              .n_path = ARRAY_SIZE(path)};
}

static struct pce_order
initiation(const struct router *r, const char *name)
{
    return (struct pce_order){.kind = PCE_INITIATE,
                              .urgency = PCE_CHANGE,
                              .pcc = number_of(r),
                              .name = name,
                              .source = {4, {10, 0, 0, 1}},
                              .destination = {4, {10, 0, 0, 2}},
                              .setup_type = PCEP_PST_SR,
                              .path = path,
                              .n_path = ARRAY_SIZE(path)};
}

static enum err
try_order(struct bed *bed, const struct pce_order *order)
{
    struct diag diag;
    uint64_t id;
    return pce_order(bed->pce, order, bed->now, &id, &diag);
}

static uint64_t
give(struct bed *bed, const struct pce_order *order)
{
    struct diag diag = {""};
    uint64_t id = 0;
    enum err err = pce_order(bed->pce, order, bed->now, &id, &diag);
    if (err)
        fail_msg("%s", diag.text);
    settle(bed);
    return id;
}

/* What the PCC reports of "a" in answer. */
static void
answer(struct router *r, uint32_t srp_id, uint16_t flags)
{
    report(r, (struct rep){.plsp_id = 1, .srp_id = srp_id, .flags = flags, .label = 17001});
    settle(r->bed);
}

static const struct pce_result *
the_result(const struct bed *bed)
{
    return &the_seen(bed, PCE_RESULT)->result;
}

static void
an_update_is_done_when_the_pcc_reports_it(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    struct pce_order order = update_of(lsp_of(r, 1)->id);
    order.arg = bed;
    uint64_t id = give(bed, &order);
    const struct got *got = the_got(r, PCEP_PCUPD);
    assert_int_equal(got->plsp_id, 1);
    assert_int_equal(got->n_hops, 2);
    assert_int_equal(got->label, 17001);
    assert_int_equal(got->setup_type, PCEP_PST_SR);
    assert_true(got->flags & PCEP_LSP_DELEGATE && got->flags & PCEP_LSP_ADMIN);
    assert_int_equal(lsp_of(r, 1)->srp_id, got->srp_id);
    assert_int_equal(info_of(r).in_flight, 1);
    bed->now += 5 * NSEC_PER_MSEC;
    answer(r, got->srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(GOING_UP));
    const struct pce_result *result = the_result(bed);
    assert_int_equal(result->id, id);
    assert_ptr_equal(result->arg, bed);
    assert_int_equal(result->outcome, PCE_DONE);
    assert_int_equal(result->operational, LSP_GOING_UP);
    assert_int_equal(result->took, 5 * NSEC_PER_MSEC);
    assert_int_equal(lsp_of(r, 1)->srp_id, 0);
    assert_int_equal(info_of(r).in_flight, 0);
    bed_free(bed);
}

static void
one_that_waits_for_up_is_done_then(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    struct pce_order order = update_of(lsp_of(r, 1)->id);
    order.until = PCE_UNTIL_UP;
    give(bed, &order);
    uint32_t srp_id = the_got(r, PCEP_PCUPD)->srp_id;
    answer(r, srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(DOWN)); /* as FRR does first */
    answer(r, srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(GOING_UP));
    assert_int_equal(count_seen(bed, PCE_RESULT), 0);
    wait_for(bed, 3 * NSEC_PER_SEC);
    answer(r, 0, PCEP_LSP_DELEGATE | OPERATIONAL(ACTIVE)); /* later reports have no SRP-ID */
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    assert_int_equal(the_result(bed)->operational, LSP_ACTIVE);
    answer(r, srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(UP)); /* or have it still */
    assert_int_equal(count_seen(bed, PCE_RESULT), 1);
    assert_int_equal(count_seen(bed, PCE_MISBEHAVES), 0);
    bed_free(bed);
}

static void
accepted_and_never_up_is_said_to_be_so(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    struct pce_order order = update_of(lsp_of(r, 1)->id);
    order.until = PCE_UNTIL_UP;
    order.timeout = 4 * NSEC_PER_SEC;
    give(bed, &order);
    answer(r, the_got(r, PCEP_PCUPD)->srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(GOING_UP));
    wait_for(bed, 5 * NSEC_PER_SEC);
    assert_int_equal(the_result(bed)->outcome, PCE_TIMED_OUT);
    assert_true(the_result(bed)->is_accepted);
    bed_free(bed);
}

static void
an_update_that_is_refused_has_the_words_for_it(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    uint32_t srp_id = the_got(r, PCEP_PCUPD)->srp_id;
    assert_ok(pcep_session_send_error(r->session, &PCEP_ERROR_UNACCEPTABLE_PARAMETERS, &srp_id, 1));
    settle(bed);
    assert_int_equal(the_result(bed)->outcome, PCE_REFUSED);
    assert_int_equal(the_result(bed)->error.type, 24);
    assert_int_equal(the_result(bed)->error.value, 1);
    assert_non_null(strstr(the_result(bed)->text, "nacceptable"));
    assert_false(the_result(bed)->is_accepted);
    assert_int_equal(info_of(r).refused, 1);
    assert_int_equal(info_of(r).errors, 1);
    assert_int_equal(info_of(r).last_error.type, 24);
    bed_free(bed);
}

static void
an_error_code_of_the_lsp_refuses_too(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    report(r, (struct rep){.plsp_id = 1,
                           .srp_id = the_got(r, PCEP_PCUPD)->srp_id,
                           .flags = PCEP_LSP_DELEGATE | OPERATIONAL(DOWN),
                           .label = 16001,
                           .error_code = PCEP_LSP_ERROR_PREEMPTED});
    settle(bed);
    assert_int_equal(the_result(bed)->outcome, PCE_REFUSED);
    assert_string_equal(the_result(bed)->text, "the LSP was preempted");
    bed_free(bed);
}

static void
one_that_is_never_answered_times_out(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.order_timeout = 7 * NSEC_PER_SEC});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    wait_for(bed, 6 * NSEC_PER_SEC);
    assert_int_equal(count_seen(bed, PCE_RESULT), 0);
    wait_for(bed, 2 * NSEC_PER_SEC);
    assert_int_equal(the_result(bed)->outcome, PCE_TIMED_OUT);
    assert_false(the_result(bed)->is_accepted);
    assert_int_equal(info_of(r).in_flight, 0);
    answer(r, the_got(r, PCEP_PCUPD)->srp_id,
           PCEP_LSP_DELEGATE); /* too late: nothing comes of it */
    assert_int_equal(count_seen(bed, PCE_RESULT), 1);
    assert_int_equal(count_seen(bed, PCE_MISBEHAVES), 0);
    bed_free(bed);
}

static void
all_are_lost_with_the_session(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.max_in_flight = 1});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    give(bed, &order);
    assert_int_equal(info_of(r).waiting, 1);
    drop_link(r);
    settle(bed);
    assert_int_equal(count_seen(bed, PCE_RESULT), 2);
    for (unsigned i = 0; i < bed->n_seen; i++)
        if (bed->seen[i].kind == PCE_RESULT)
            assert_int_equal(bed->seen[i].result.outcome, PCE_LOST);
    bed_free(bed);
}

static void
the_most_urgent_leaves_first(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.max_in_flight = 1});
    struct router *r = usual_router(bed, "10.0.0.1");
    struct pce_order order = update_of(lsp_of(r, 1)->id);
    struct lsp_hop hop = path[0];
    order.path = &hop;
    order.n_path = 1;
    static const enum pce_urgency urgencies[] = {PCE_CHANGE, PCE_HOUSEKEEPING, PCE_CHANGE,
                                                 PCE_RESTORATION};
    for (unsigned i = 0; i < ARRAY_SIZE(urgencies); i++) {
        order.urgency = urgencies[i];
        hop.label = 100 + i;
        give(bed, &order);
    }
    static const uint32_t expected[] = {100, 103, 102, 101};
    for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_int_equal(r->n_got, i + 1);
        assert_int_equal(r->got[i].label, expected[i]);
        answer(r, r->got[i].srp_id, PCEP_LSP_DELEGATE);
        wait_for(bed, NSEC_PER_MSEC);
    }
    assert_int_equal(count_seen(bed, PCE_RESULT), 4);
    bed_free(bed);
}

static void
no_more_are_sent_than_the_rate_allows(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.orders_per_s = 20});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    for (int i = 0; i < 100; i++)
        assert_ok(try_order(bed, &order));
    wait_for(bed, 2 * NSEC_PER_SEC);
    assert_in_range(r->n_got, 39, 43);
    wait_for(bed, 3 * NSEC_PER_SEC);
    assert_int_equal(r->n_got, 100);
    bed_free(bed);
}

static uint64_t
messages_for_200_updates(struct bed *bed)
{
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    wait_for(bed, NSEC_PER_SEC);
    uint64_t before = pcep_session_stats(r->session)->rx_type[PCEP_PCUPD];
    for (int i = 0; i < 200; i++)
        assert_ok(try_order(bed, &order));
    settle(bed);
    assert_int_equal(r->n_got, 200);
    return pcep_session_stats(r->session)->rx_type[PCEP_PCUPD] - before;
}

static void
many_leave_in_few_messages(void **state UNUSED)
{
    struct bed *bed = bed_new(
        &(struct pce_config){.orders_per_s = 100000, .max_entries = UINT32_MAX});
    assert_true(messages_for_200_updates(bed) < 5);
    bed_free(bed);
    bed = bed_new(&(struct pce_config){.orders_per_s = 100000, .max_entries = 50});
    assert_int_equal(messages_for_200_updates(bed), 4);
    bed_free(bed);
}

/* FRR's pathd ends at a second one. */
static void
each_has_a_message_if_nothing_else_is_configured(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.orders_per_s = 100000});
    assert_int_equal(messages_for_200_updates(bed), 200);
    bed_free(bed);
}

static void
what_was_not_sent_can_be_taken_back(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.max_in_flight = 1});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    uint64_t first = give(bed, &order), second = give(bed, &order);
    assert_err(pce_cancel(bed->pce, first), ERR_NOT_FOUND);
    assert_ok(pce_cancel(bed->pce, second));
    assert_err(pce_cancel(bed->pce, second), ERR_NOT_FOUND);
    settle(bed);
    assert_int_equal(the_result(bed)->outcome, PCE_CANCELLED);
    bed_free(bed);
}

static void
what_cannot_be_is_refused_at_once(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.max_waiting = 1, .max_in_flight = 1});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 2, .name = "b", .label = 16002});
    settle(bed);
    struct pce_order order = update_of(lsp_of(r, 2)->id);
    assert_err(try_order(bed, &order), ERR_DENIED); /* it is not delegated */
    order.lsp = 4711;
    assert_err(try_order(bed, &order), ERR_NOT_FOUND);
    order.lsp = lsp_of(r, 1)->id;
    const struct lsp_hop longer[5] = {path[0], path[0], path[0], path[0], path[0]};
    order.path = longer;
    order.n_path = 5;
    assert_err(try_order(bed, &order), ERR_INVALID); /* its maximum SID depth is 4 */
    order.n_path = 0;
    assert_err(try_order(bed, &order), ERR_INVALID);
    const struct lsp_hop nothing = {.kind = LSP_HOP_SEGMENT, .label = TE_NO_LABEL};
    order.path = &nothing;
    order.n_path = 1;
    assert_err(try_order(bed, &order), ERR_INVALID);
    order.kind = PCE_REMOVE;
    assert_err(try_order(bed, &order), ERR_DENIED); /* no PCE created it */
    order.kind = PCE_TAKE_OVER;
    assert_err(try_order(bed, &order), ERR_DENIED);
    order = update_of(lsp_of(r, 1)->id);
    assert_ok(try_order(bed, &order));
    assert_ok(try_order(bed, &order));
    assert_err(try_order(bed, &order), ERR_LIMIT);
    order = initiation(r, "");
    order.pcc = 99;
    assert_err(try_order(bed, &order), ERR_NOT_FOUND);

    struct router *silent = router_new(bed, "10.0.0.2");
    assert_ok(router_connect(silent, PCEP_LSP_UPDATE, 0));
    order = initiation(silent, "x");
    assert_err(try_order(bed, &order), ERR_BUSY); /* not synchronised */
    end_of_sync(silent);
    assert_err(try_order(bed, &order), ERR_UNSUPPORTED); /* it lets nobody create */
    drop_link(silent);
    settle(bed);
    assert_err(try_order(bed, &order), ERR_CLOSED);
    bed_free(bed);
}

static void
a_passive_pce_orders_nothing(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.passive = true});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    assert_int_equal(pcep_session_peer(r->session)->stateful_flags & USUAL, 0);
    assert_err(try_order(bed, &order), ERR_UNSUPPORTED);
    bed_free(bed);
}

/* "tunnel", PLSP-ID 9, created and reported. */
static const struct lsp *
create(struct router *r)
{
    struct pce_order order = initiation(r, "tunnel");
    order.has_color = true;
    order.color = 100;
    give(r->bed, &order);
    const struct got *got = the_got(r, PCEP_PCINITIATE);
    assert_string_equal(got->name, "tunnel");
    assert_int_equal(got->plsp_id, 0);
    assert_true(got->has_endpoints);
    assert_int_equal(got->n_hops, 2);
    report(r, (struct rep){.plsp_id = 9,
                           .srp_id = got->srp_id,
                           .name = "tunnel",
                           .flags = PCEP_LSP_DELEGATE | PCEP_LSP_CREATE | OPERATIONAL(GOING_UP),
                           .label = 17001,
                           .from = {10, 0, 0, 1}});
    settle(r->bed);
    return lsp_of(r, 9);
}

static void
an_lsp_is_created_and_removed(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct lsp *lsp = create(r);
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    assert_int_equal(the_result(bed)->lsp, lsp->id);
    assert_true(lsp->created_by_pce && !lsp->orphan);
    forget_seen(bed);
    const struct pce_order removal = {.kind = PCE_REMOVE, .lsp = lsp->id};
    give(bed, &removal);
    const struct got *got = the_got(r, PCEP_PCINITIATE);
    assert_int_equal(got->srp_flags & PCEP_SRP_REMOVE, PCEP_SRP_REMOVE);
    assert_int_equal(got->plsp_id, 9);
    report(r, (struct rep){.plsp_id = 9, .srp_id = got->srp_id, .flags = PCEP_LSP_REMOVE});
    settle(bed);
    assert_int_equal(the_result(bed)->kind, PCE_REMOVE);
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    assert_int_equal(count_seen(bed, PCE_LSP_GONE), 1);
    bed_free(bed);
}

/* ---- SR policies */

static struct got
order_policy(struct bed *bed, uint64_t association_types)
{
    struct router *r = router_new(bed, "10.0.0.1");
    r->association_types = association_types;
    assert_ok(router_connect(r, USUAL, 0));
    end_of_sync(r);
    struct pce_order order = initiation(r, "tunnel");
    order.has_color = true;
    order.color = 70000;
    order.preference = 200;
    give(bed, &order);
    return *the_got(r, PCEP_PCINITIATE);
}

static void
who_offers_sr_policies_is_told_one(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.address = {4, {10, 0, 0, 77}}});
    static const uint8_t originator[16] = {[12] = 10, 0, 0, 77};
    struct got got = order_policy(bed, 1 << PCEP_ASSOC_SR_POLICY);
    assert_true(got.has_policy);
    assert_int_equal(got.color, 70000);
    assert_int_equal(got.preference, 200);
    assert_memory_equal(got.endpoint.octets, ((uint8_t[4]){10, 0, 0, 2}), 4);
    assert_memory_equal(got.source.octets, ((uint8_t[4]){10, 0, 0, 1}), 4);
    assert_int_equal(got.cpath_id.protocol_origin, 10);
    assert_int_equal(got.cpath_id.discriminator, 1);
    assert_memory_equal(got.cpath_id.originator, originator, 16);
    assert_int_equal(got.n_vendors, 0);
    bed_free(bed);
}

static void
who_does_not_is_told_the_colour_as_frr_reads_it(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct got got = order_policy(bed, 1 << PCEP_ASSOC_DISJOINT);
    assert_int_equal(got.n_associations, 0);
    assert_int_equal(got.n_vendors, 1);
    bed_free(bed);
}

static void
the_colour_that_is_reported_is_kept(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pcep_address to = {4, {10, 9, 9, 9}};
    const struct pcep_cpath_id id = {.protocol_origin = 30};
    uint8_t octets[20];
    const struct pcep_tlv tlvs[] = {pcep_policy_tlv(0, &to, octets),
                                    {.type = PCEP_TLV_SRPOLICY_CPATH_ID, .cpath_id = &id}};
    const struct pcep_association policy = {
        .type = PCEP_ASSOC_SR_POLICY, .id = 1, .source = {4, {10, 0, 0, 1}}, .tlvs = {tlvs, 2}};
    octets[3] = 42;
    assert_false(lsp_of(r, 1)->has_color);
    report(r, (struct rep){.plsp_id = 1, .label = 16001, .association = &policy});
    settle(bed);
    assert_true(lsp_of(r, 1)->has_color);
    assert_int_equal(lsp_of(r, 1)->color, 42);
    report(r, (struct rep){.plsp_id = 1, .label = 16002}); /* told once is enough */
    settle(bed);
    assert_int_equal(lsp_of(r, 1)->color, 42);
    bed_free(bed);
}

/* FRR says C of all that a PCE has updated, and would remove what its operator configured. */
static void
what_a_pcc_says_a_pce_created_is_removed_if_that_is_certain(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 1,
                           .flags = PCEP_LSP_DELEGATE | PCEP_LSP_CREATE | OPERATIONAL(UP),
                           .label = 16001});
    settle(bed);
    struct pce_order order = {.kind = PCE_REMOVE, .lsp = lsp_of(r, 1)->id};
    assert_err(try_order(bed, &order), ERR_DENIED);
    order.is_certain = true;
    give(bed, &order);
    assert_int_equal(the_got(r, PCEP_PCINITIATE)->plsp_id, 1);
    bed_free(bed);
}

static void
labels_that_a_pcc_leaves_out_are_noticed(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    answer(r, r->got[0].srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(UP)); /* one label of two */
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    assert_true(the_result(bed)->path_differs);
    forget_seen(bed);
    order.n_path = 1;
    give(bed, &order);
    answer(r, r->got[0].srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(UP));
    assert_false(the_result(bed)->path_differs);
    bed_free(bed);
}

/* FRR: the number of the last order to an LSP is in all its reports, also in later sessions. */
static void
an_old_number_answers_no_new_order(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    uint32_t old = r->got[0].srp_id;
    answer(r, old, PCEP_LSP_DELEGATE | OPERATIONAL(UP));
    drop_link(r);
    settle(bed);
    assert_ok(router_connect(r, USUAL, 0));
    report(r, (struct rep){.plsp_id = 1,
                           .srp_id = old,
                           .name = "a",
                           .flags = PCEP_LSP_SYNC | PCEP_LSP_DELEGATE | OPERATIONAL(UP),
                           .label = 17001});
    end_of_sync(r);
    forget_seen(bed);
    give(bed, &order);
    assert_int_not_equal(r->got[0].srp_id, old);
    answer(r, old, PCEP_LSP_DELEGATE | OPERATIONAL(DOWN));
    answer(r, 4711, PCEP_LSP_DELEGATE | OPERATIONAL(UP)); /* of another PCE */
    assert_int_equal(count_seen(bed, PCE_RESULT), 0);
    assert_int_equal(count_seen(bed, PCE_MISBEHAVES), 0);
    bed_free(bed);
}

static void
an_update_of_what_the_pcc_removes_is_refused(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.max_in_flight = 1});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    give(bed, &order);
    report(r, (struct rep){.plsp_id = 1, .flags = PCEP_LSP_REMOVE});
    wait_for(bed, NSEC_PER_MSEC);
    assert_int_equal(count_seen(bed, PCE_RESULT), 2);
    for (unsigned i = 0; i < bed->n_seen; i++)
        if (bed->seen[i].kind == PCE_RESULT)
            assert_int_equal(bed->seen[i].result.outcome, PCE_REFUSED);
    assert_int_equal(r->n_got, 1);
    bed_free(bed);
}

/* ---- delegation */

static void
a_delegation_is_given_back(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = {.kind = PCE_RETURN, .lsp = lsp_of(r, 1)->id};
    give(bed, &order);
    const struct got *got = the_got(r, PCEP_PCUPD);
    assert_int_equal(got->flags & PCEP_LSP_DELEGATE, 0);
    assert_int_equal(got->label, 16001); /* its path is as it was */
    answer(r, got->srp_id, OPERATIONAL(UP));
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    assert_false(lsp_of(r, 1)->delegated);
    bed_free(bed);
}

static void
a_pcc_takes_a_delegation_back_while_an_update_is_under_way(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pce_order order = update_of(lsp_of(r, 1)->id);
    give(bed, &order);
    const uint32_t srp_id = the_got(r, PCEP_PCUPD)->srp_id;
    forget_seen(bed);
    answer(r, 0, OPERATIONAL(UP));
    assert_true(the_seen(bed, PCE_LSP_CHANGED)->changed & LSP_DELEGATION_CHANGED);
    assert_err(try_order(bed, &order), ERR_DENIED);
    assert_ok(pcep_session_send_error(r->session, &PCEP_ERROR_NOT_DELEGATED, &srp_id, 1));
    settle(bed);
    assert_int_equal(the_result(bed)->outcome, PCE_REFUSED);
    bed_free(bed);
}

static void
a_backup_gets_the_delegations_when_the_primary_fails(void **state UNUSED)
{
    struct bed *primary = bed_new(&(struct pce_config){0});
    struct bed *backup = bed_new(&(struct pce_config){0});
    struct router *to_primary = usual_router(primary, "10.0.0.1");
    struct router *to_backup = router_new(backup, "10.0.0.1");
    assert_ok(router_connect(to_backup, USUAL, 0));
    report(to_backup, (struct rep){.plsp_id = 1,
                                   .name = "a",
                                   .flags = PCEP_LSP_SYNC | OPERATIONAL(UP),
                                   .label = 16001});
    end_of_sync(to_backup);
    struct pce_order order = update_of(lsp_of(to_backup, 1)->id);
    assert_err(try_order(backup, &order), ERR_DENIED);

    pce_disconnect(primary->pce, number_of(to_primary), "it fails", primary->now);
    settle(primary);
    assert_true(to_primary->down);
    forget_seen(backup);
    report(to_backup, (struct rep){.plsp_id = 1, /* RFC 8231 section 5.7.4 */
                                   .flags = PCEP_LSP_DELEGATE | OPERATIONAL(UP),
                                   .label = 16001});
    settle(backup);
    assert_true(the_seen(backup, PCE_LSP_CHANGED)->changed & LSP_DELEGATION_CHANGED);
    give(backup, &order);
    assert_int_equal(the_got(to_backup, PCEP_PCUPD)->plsp_id, 1);
    bed_free(primary);
    bed_free(backup);
}

static void
a_backup_takes_over_what_the_primary_created(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 9,
                           .name = "tunnel",
                           .flags = PCEP_LSP_CREATE | OPERATIONAL(UP),
                           .label = 17001});
    settle(bed);
    assert_true(lsp_of(r, 9)->orphan);
    const struct pce_order order = {.kind = PCE_TAKE_OVER, .lsp = lsp_of(r, 9)->id};
    give(bed, &order);
    const struct got *got = the_got(r, PCEP_PCINITIATE);
    assert_int_equal(got->plsp_id, 9);
    assert_int_equal(got->srp_flags, 0);
    assert_false(got->has_endpoints);
    assert_int_equal(got->n_hops, 0);
    report(r, (struct rep){.plsp_id = 9,
                           .srp_id = got->srp_id,
                           .flags = PCEP_LSP_CREATE | PCEP_LSP_DELEGATE | OPERATIONAL(UP),
                           .label = 17001});
    settle(bed);
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    assert_false(lsp_of(r, 9)->orphan);
    bed_free(bed);
}

static void
a_pcc_may_keep_an_orphan(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    report(r, (struct rep){.plsp_id = 9, .name = "t", .flags = PCEP_LSP_CREATE, .label = 17001});
    settle(bed);
    const struct pce_order order = {.kind = PCE_TAKE_OVER, .lsp = lsp_of(r, 9)->id};
    give(bed, &order);
    report(r, (struct rep){.plsp_id = 9,
                           .srp_id = the_got(r, PCEP_PCINITIATE)->srp_id,
                           .flags = PCEP_LSP_CREATE,
                           .label = 17001});
    settle(bed);
    assert_int_equal(the_result(bed)->outcome, PCE_REFUSED);
    bed_free(bed);
}

static void
of_two_orders_the_newer_one_counts(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    struct pce_order order = update_of(lsp_of(r, 1)->id);
    order.until = PCE_UNTIL_UP;
    uint64_t first = give(bed, &order);
    answer(r, r->got[0].srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(GOING_UP));
    uint64_t second = give(bed, &order);
    wait_for(bed, NSEC_PER_MSEC);
    assert_int_equal(the_result(bed)->id, first);
    assert_int_equal(the_result(bed)->outcome, PCE_CANCELLED);
    uint32_t srp_id = r->got[1].srp_id;
    forget_seen(bed);
    answer(r, srp_id, PCEP_LSP_DELEGATE | OPERATIONAL(UP));
    assert_int_equal(the_result(bed)->id, second);
    assert_int_equal(the_result(bed)->outcome, PCE_DONE);
    bed_free(bed);
}

TEST_MAIN(cmocka_unit_test(an_update_is_done_when_the_pcc_reports_it),
          cmocka_unit_test(one_that_waits_for_up_is_done_then),
          cmocka_unit_test(accepted_and_never_up_is_said_to_be_so),
          cmocka_unit_test(an_update_that_is_refused_has_the_words_for_it),
          cmocka_unit_test(an_error_code_of_the_lsp_refuses_too),
          cmocka_unit_test(one_that_is_never_answered_times_out),
          cmocka_unit_test(all_are_lost_with_the_session),
          cmocka_unit_test(the_most_urgent_leaves_first),
          cmocka_unit_test(no_more_are_sent_than_the_rate_allows),
          cmocka_unit_test(many_leave_in_few_messages),
          cmocka_unit_test(each_has_a_message_if_nothing_else_is_configured),
          cmocka_unit_test(what_was_not_sent_can_be_taken_back),
          cmocka_unit_test(what_cannot_be_is_refused_at_once),
          cmocka_unit_test(a_passive_pce_orders_nothing),
          cmocka_unit_test(an_lsp_is_created_and_removed),
          cmocka_unit_test(who_offers_sr_policies_is_told_one),
          cmocka_unit_test(who_does_not_is_told_the_colour_as_frr_reads_it),
          cmocka_unit_test(the_colour_that_is_reported_is_kept),
          cmocka_unit_test(what_a_pcc_says_a_pce_created_is_removed_if_that_is_certain),
          cmocka_unit_test(labels_that_a_pcc_leaves_out_are_noticed),
          cmocka_unit_test(an_old_number_answers_no_new_order),
          cmocka_unit_test(an_update_of_what_the_pcc_removes_is_refused),
          cmocka_unit_test(a_delegation_is_given_back),
          cmocka_unit_test(a_pcc_takes_a_delegation_back_while_an_update_is_under_way),
          cmocka_unit_test(a_backup_gets_the_delegations_when_the_primary_fails),
          cmocka_unit_test(a_backup_takes_over_what_the_primary_created),
          cmocka_unit_test(a_pcc_may_keep_an_orphan),
          cmocka_unit_test(of_two_orders_the_newer_one_counts))
