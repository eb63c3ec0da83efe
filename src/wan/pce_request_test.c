#include "wan/pce_testing.h"

static const struct lsp_hop path[] = {{.kind = LSP_HOP_SEGMENT, .is_label = true, .label = 17001}};

/* A request for a path to 10.0.0.2 with 1 Mbit/s and at most 3 labels. */
static void
ask(struct router *r, uint32_t request_id)
{
    const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    const struct pcep_rp rp = {.request_id = request_id, .tlvs = {&setup, 1}};
    const struct pcep_endpoints endpoints = {.source = {4, {10, 0, 0, 1}},
                                             .destination = {4, {10, 0, 0, 2}}};
    const struct pcep_bandwidth bandwidth = {.octets_per_s = 125000};
    const struct pcep_metric metrics[] = {
        {.type = PCEP_METRIC_TE, .flags = PCEP_METRIC_COMPUTED},
        {.type = PCEP_METRIC_SID_DEPTH, .flags = PCEP_METRIC_BOUND, .value = 3}};
    const struct pcep_lspa lspa = {.exclude_any = 4, .setup_priority = 6, .holding_priority = 5};
    const struct pcep_entry entry = {
        .rp = &rp,
        .endpoints = &endpoints,
        .path = {.bandwidth = &bandwidth, .metrics = metrics, .n_metrics = 2, .lspa = &lspa}};
    assert_ok(pcep_session_send_entry(r->session, PCEP_PCREQ, &entry));
    settle(r->bed);
}

static void
a_request_is_handed_up_and_answered(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask(r, 77);
    const struct pce_request *request = &the_seen(bed, PCE_REQUEST)->request;
    assert_int_equal(request->pcc, number_of(r));
    assert_int_equal(request->request_id, 77);
    assert_int_equal(request->destination.octets[3], 2);
    assert_int_equal(request->setup_type, PCEP_PST_SR);
    assert_true(request->has_bandwidth);
    assert_int_equal(request->bandwidth_bps, 1000000);
    assert_int_equal(request->max_sids, 3);
    assert_int_equal(request->exclude_any, 4);
    assert_int_equal(request->setup_priority, 6);
    const struct lsp_metric metric = {.type = PCEP_METRIC_TE, .value = 30};
    const struct pce_answer answer = {
        .path = path, .n_path = 1, .metrics = &metric, .n_metrics = 1};
    assert_ok(pce_answer(bed->pce, request->id, &answer, bed->now));
    settle(bed);
    const struct got *got = the_got(r, PCEP_PCREP);
    assert_int_equal(got->request_id, 77);
    assert_int_equal(got->label, 17001);
    assert_false(got->no_path);
    assert_err(pce_answer(bed->pce, request->id, &answer, bed->now), ERR_NOT_FOUND);
    bed_free(bed);
}

static void
that_there_is_no_path_is_said_with_the_reason(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask(r, 78);
    assert_ok(pce_answer(bed->pce, the_seen(bed, PCE_REQUEST)->request.id,
                         &(struct pce_answer){.no_path = PCE_NO_PATH_UNKNOWN_DESTINATION},
                         bed->now));
    settle(bed);
    assert_true(the_got(r, PCEP_PCREP)->no_path);
    assert_int_equal(the_got(r, PCEP_PCREP)->why, 2);
    bed_free(bed);
}

static void
one_that_nobody_answers_is_answered_in_time(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.request_timeout = 5 * NSEC_PER_SEC});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask(r, 79);
    wait_for(bed, 6 * NSEC_PER_SEC);
    assert_int_equal(the_got(r, PCEP_PCREP)->why, PCE_NO_PATH_UNAVAILABLE);
    assert_int_equal(the_seen(bed, PCE_REQUEST_GONE)->request.request_id, 79);
    bed_free(bed);
}

static void
cancel(struct router *r, uint32_t request_id)
{
    const struct pcep_notification notification = {.type = 1, .value = 1};
    const struct pcep_notice notice = {.request_ids = &request_id,
                                       .n_request_ids = 1,
                                       .notifications = &notification,
                                       .n_notifications = 1};
    const struct pcep_message message = {.type = PCEP_PCNTF, .notices = &notice, .n_notices = 1};
    assert_ok(pcep_session_send(r->session, &message));
    settle(r->bed);
}

static void
one_that_is_cancelled_or_without_a_session_is_gone(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask(r, 1);
    ask(r, 2);
    cancel(r, 1);
    assert_int_equal(the_seen(bed, PCE_REQUEST_GONE)->request.request_id, 1);
    forget_seen(bed);
    drop_link(r);
    settle(bed);
    assert_int_equal(the_seen(bed, PCE_REQUEST_GONE)->request.request_id, 2);
    bed_free(bed);
}

static void
too_many_are_answered_at_once(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){.max_requests = 3});
    struct router *r = usual_router(bed, "10.0.0.1");
    for (uint32_t i = 1; i <= 4; i++)
        ask(r, i);
    assert_int_equal(count_seen(bed, PCE_REQUEST), 3);
    assert_int_equal(the_got(r, PCEP_PCREP)->request_id, 4);
    assert_int_equal(the_got(r, PCEP_PCREP)->why, PCE_NO_PATH_UNAVAILABLE);
    assert_int_equal(count_misbehaviour(bed, PCE_TOO_MANY_REQUESTS), 1);
    ask(r, 2); /* the same number again replaces the first */
    bed_free(bed);
}

static void
overload_is_told_and_answers_for_us(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    pce_set_overload(bed->pce, true, 60, bed->now);
    settle(bed);
    assert_int_equal(the_got(r, PCEP_PCNTF)->notification, 2);
    assert_int_equal(the_got(r, PCEP_PCNTF)->value, 1);
    ask(r, 5);
    assert_int_equal(count_seen(bed, PCE_REQUEST), 0);
    assert_true(the_got(r, PCEP_PCREP)->no_path);
    forget_seen(bed);
    pce_set_overload(bed->pce, false, 0, bed->now);
    settle(bed);
    assert_int_equal(the_got(r, PCEP_PCNTF)->value, 2);
    ask(r, 6);
    assert_int_equal(count_seen(bed, PCE_REQUEST), 1);
    bed_free(bed);
}

static void
what_is_to_be_disjoint_comes_with_one_number(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    const struct pcep_rp rps[] = {{.request_id = 1}, {.request_id = 2}, {.request_id = 3}};
    const struct pcep_endpoints endpoints = {.source = {4, {10, 0, 0, 1}},
                                             .destination = {4, {10, 0, 0, 2}}};
    const struct pcep_entry entries[] = {{.rp = &rps[0], .endpoints = &endpoints},
                                         {.rp = &rps[1], .endpoints = &endpoints},
                                         {.rp = &rps[2], .endpoints = &endpoints}};
    const uint32_t together[] = {1, 3};
    const struct pcep_svec svec = {.flags = 2, .request_ids = together, .n = 2};
    const struct pcep_message message = {
        .type = PCEP_PCREQ, .entries = entries, .n_entries = 3, .svecs = &svec, .n_svecs = 1};
    assert_ok(pcep_session_send(r->session, &message));
    settle(bed);
    const struct pce_request *requests[3];
    unsigned n = 0;
    for (unsigned i = 0; i < bed->n_seen; i++)
        if (bed->seen[i].kind == PCE_REQUEST)
            requests[n++] = &bed->seen[i].request;
    assert_int_equal(n, 3);
    assert_true(requests[0]->together && requests[0]->together == requests[2]->together);
    assert_int_equal(requests[0]->diversity, 2);
    assert_int_equal(requests[1]->together, 0);
    bed_free(bed);
}

TEST_MAIN(cmocka_unit_test(a_request_is_handed_up_and_answered),
          cmocka_unit_test(that_there_is_no_path_is_said_with_the_reason),
          cmocka_unit_test(one_that_nobody_answers_is_answered_in_time),
          cmocka_unit_test(one_that_is_cancelled_or_without_a_session_is_gone),
          cmocka_unit_test(too_many_are_answered_at_once),
          cmocka_unit_test(overload_is_told_and_answers_for_us),
          cmocka_unit_test(what_is_to_be_disjoint_comes_with_one_number))
