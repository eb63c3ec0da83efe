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

static const struct pcep_endpoints ends = {.source = {4, {10, 0, 0, 1}},
                                           .destination = {4, {10, 0, 0, 2}}};

static void
ask_with(struct router *r, const struct pcep_path *more, uint32_t setup_type)
{
    const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = setup_type};
    const struct pcep_rp rp = {.request_id = 9, .tlvs = {&setup, 1}};
    const struct pcep_entry entry = {.rp = &rp, .endpoints = &ends, .path = *more};
    assert_ok(pcep_session_send_entry(r->session, PCEP_PCREQ, &entry));
    settle(r->bed);
}

static void
what_is_to_be_passed_and_avoided_is_handed_up(void **state UNUSED)
{
    const struct pcep_hop passed = {
        .type = PCEP_HOP_IPV4, .loose = true, .prefix_length = 32, .address = {4, {10, 0, 0, 7}}};
    const struct pcep_hop avoided[] = {
        {.type = PCEP_HOP_IPV4, .prefix_length = 24, .attribute = 1, .address = {4, {10, 0, 9, 0}}},
        {.type = PCEP_HOP_SRLG, .loose = true, .attribute = 2, .number = 77}};
    const struct pcep_route iro = {.head.optional = true, .hops = &passed, .n = 1},
                            xro = {.hops = avoided, .n = 2};
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask_with(r, &(struct pcep_path){.iro = &iro, .xro = &xro}, PCEP_PST_SR);
    const struct seen *seen = the_seen(bed, PCE_REQUEST);
    assert_int_equal(seen->request.n_include, 1);
    assert_int_equal(seen->request.n_exclude, 2);
    assert_true(seen->request.include_is_optional);
    assert_int_equal(seen->resources[0].hop.local.octets[3], 7);
    assert_true(seen->resources[0].hop.loose);
    assert_int_equal(seen->resources[1].hop.prefix, 24);
    assert_int_equal(seen->resources[1].attribute, PCE_EXCLUDE_NODE);
    assert_false(seen->resources[1].hop.loose);
    assert_int_equal(seen->resources[2].hop.kind, LSP_HOP_SRLG);
    assert_int_equal(seen->resources[2].hop.local_id, 77);
    assert_true(seen->resources[2].hop.loose);
    bed_free(bed);
}

/* RFC 5440 section 7.2: what has P set is done, or refused. */
static void
what_cannot_be_done_and_must_be_is_refused(void **state UNUSED)
{
    const struct pcep_of least_load = {.code = 2}, better_so = {.head.optional = true, .code = 2};
    const struct pcep_metric loss = {
        .type = PCEP_METRIC_LOSS, .flags = PCEP_METRIC_BOUND, .value = 1};
    const struct pcep_load_balancing several = {.max_lsp = 4};
    const struct {
        struct pcep_path path;
        uint32_t setup_type;
        struct pcep_error error; /* type 0: it is not refused */
    } cases[] = {
        {{.of = &least_load}, PCEP_PST_SR, PCEP_ERROR_UNSUPPORTED_PARAMETER},
        {{.of = &better_so}, PCEP_PST_SR, {0, 0}},
        {{.metrics = &loss, .n_metrics = 1}, PCEP_PST_SR, PCEP_ERROR_UNSUPPORTED_PARAMETER},
        {{.load_balancing = &several}, PCEP_PST_SR, PCEP_ERROR_UNSUPPORTED_CLASS},
        {{0}, PCEP_PST_SRV6, PCEP_ERROR_UNSUPPORTED_SETUP_TYPE},
        {{0}, PCEP_PST_RSVP_TE, {0, 0}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct bed *bed = bed_new(&(struct pce_config){0});
        struct router *r = usual_router(bed, "10.0.0.1");
        ask_with(r, &cases[i].path, cases[i].setup_type);
        assert_int_equal(count_seen(bed, PCE_REQUEST), !cases[i].error.type);
        if (cases[i].error.type) {
            assert_int_equal(the_got(r, PCEP_PCERR)->error.type, cases[i].error.type);
            assert_int_equal(the_got(r, PCEP_PCERR)->error.value, cases[i].error.value);
            assert_int_equal(the_got(r, PCEP_PCERR)->request_id, 9);
        }
        bed_free(bed);
    }
}

/* Requests 1 to n, with SVECs. */
static void
ask_many(struct router *r, uint32_t n, const struct pcep_svec *svecs, uint32_t n_svecs)
{
    struct pcep_rp rps[16] = {0};
    struct pcep_entry entries[16] = {0};
    for (uint32_t i = 0; i < n; i++) {
        rps[i].request_id = i + 1;
        entries[i] = (struct pcep_entry){.rp = &rps[i], .endpoints = &ends};
    }
    const struct pcep_message message = {
        .type = PCEP_PCREQ, .entries = entries, .n_entries = n, .svecs = svecs, .n_svecs = n_svecs};
    assert_ok(pcep_session_send(r->session, &message));
    settle(r->bed);
}

static const struct pce_request *
nth_request(const struct bed *bed, unsigned n)
{
    for (unsigned i = 0; i < bed->n_seen; i++)
        if (bed->seen[i].kind == PCE_REQUEST && !n--)
            return &bed->seen[i].request;
    fail_msg("there are not so many requests");
    return NULL;
}

static void
sets_with_a_request_in_common_are_one_set(void **state UNUSED)
{
    const uint32_t a[] = {1, 2}, b[] = {3, 4}, c[] = {2, 3}, d[] = {5, 6};
    const struct pcep_svec svecs[] = {{.flags = 1, .request_ids = a, .n = 2},
                                      {.flags = 4, .request_ids = b, .n = 2},
                                      {.head.optional = true, .request_ids = c, .n = 2},
                                      {.head.optional = true, .request_ids = d, .n = 2}};
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask_many(r, 7, svecs, 4);
    const struct pce_request *first = nth_request(bed, 0), *fifth = nth_request(bed, 4);
    assert_true(first->together);
    assert_int_equal(first->diversity, 5);
    assert_false(first->diversity_is_optional);
    for (unsigned i = 1; i < 4; i++)
        assert_int_equal(nth_request(bed, i)->together, first->together);
    assert_true(fifth->together && fifth->together != first->together);
    assert_true(fifth->diversity_is_optional);
    assert_int_equal(nth_request(bed, 6)->together, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pce_request_together(bed->pce, first->id, i)->request_id, i + 1);
    assert_null(pce_request_together(bed->pce, first->id, 4));
    assert_ok(pce_answer(bed->pce, first->id, &(struct pce_answer){.n_path = 0}, bed->now));
    assert_null(pce_request_together(bed->pce, first->id, 0));
    assert_int_equal(pce_request_together(bed->pce, nth_request(bed, 1)->id, 0)->request_id, 2);
    bed_free(bed);
}

static void
a_set_that_is_not_whole_or_too_large_is_refused(void **state UNUSED)
{
    const uint32_t half[] = {1, 99}, all[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    const struct pcep_svec not_whole = {.flags = 1, .request_ids = half, .n = 2},
                           large = {.flags = 1, .request_ids = all, .n = 9};
    struct bed *bed = bed_new(&(struct pce_config){0});
    struct router *r = usual_router(bed, "10.0.0.1");
    ask_many(r, 2, &not_whole, 1);
    assert_int_equal(the_seen(bed, PCE_REQUEST)->request.request_id, 2);
    assert_int_equal(the_got(r, PCEP_PCERR)->error.type, PCEP_ERROR_SYNC_REQUEST_MISSING);
    assert_int_equal(the_got(r, PCEP_PCERR)->request_id, 1);
    assert_int_equal(the_got(r, PCEP_PCERR)->why, 99);
    forget_seen(bed);
    ask_many(r, 10, &large, 1);
    assert_int_equal(the_seen(bed, PCE_REQUEST)->request.request_id, 10);
    assert_int_equal(r->n_got, 9);
    bed_free(bed);
}

TEST_MAIN(cmocka_unit_test(what_is_to_be_passed_and_avoided_is_handed_up),
          cmocka_unit_test(what_cannot_be_done_and_must_be_is_refused),
          cmocka_unit_test(sets_with_a_request_in_common_are_one_set),
          cmocka_unit_test(a_set_that_is_not_whole_or_too_large_is_refused),
          cmocka_unit_test(a_request_is_handed_up_and_answered),
          cmocka_unit_test(that_there_is_no_path_is_said_with_the_reason),
          cmocka_unit_test(one_that_nobody_answers_is_answered_in_time),
          cmocka_unit_test(one_that_is_cancelled_or_without_a_session_is_gone),
          cmocka_unit_test(too_many_are_answered_at_once),
          cmocka_unit_test(overload_is_told_and_answers_for_us),
          cmocka_unit_test(what_is_to_be_disjoint_comes_with_one_number))
