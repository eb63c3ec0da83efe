/* What router r1 asks of the service: a square, whose way from 1 to 3 is by 2 or by 4. */
#include "wan/client_testing.h"

#define MAX_ANSWERS 8

static struct {
    unsigned n;
    struct answered {
        uint32_t request_id, n_hops;
        uint32_t status; /* DISJOINTNESS-STATUS; 99: none */
        bool no_path;
        struct pcep_hop hops[8];
    } list[MAX_ANSWERS];
    struct pcep_error error;
} got;

static void
note_answer(struct client *c UNUSED, uint8_t type, const struct pcep_entry *entry)
{
    struct answered *a = &got.list[got.n++];
    assert_int_equal(type, PCEP_PCREP);
    assert_true(got.n < MAX_ANSWERS);
    *a = (struct answered){.request_id = entry->rp->request_id, .no_path = entry->no_path != NULL};
    a->status = entry->n_associations ? pcep_tlv_number(&entry->associations[0].tlvs,
                                                        PCEP_TLV_DISJOINTNESS_STATUS, 99)
                                      : 99;
    for (; entry->path.ero && a->n_hops < MIN(entry->path.ero->n, 8); a->n_hops++)
        a->hops[a->n_hops] = entry->path.ero->hops[a->n_hops];
}

static void
note_error(struct client *c UNUSED, const struct pcep_error *error)
{
    got.error = *error;
    got.n++;
}

static int
set_up_asker(void **state)
{
    set_up_client(state);
    struct client *c = *state;
    memset(&got, 0, sizeof got);
    c->on_entry = note_answer;
    c->on_error = note_error;
    connect_client(c);
    end_of_sync(c);
    return 0;
}

static const struct pcep_endpoints ends = {.source = {4, {10, 255, 0, 1}},
                                           .destination = {4, {10, 255, 0, 3}}};

static struct answered *
ask_for(struct client *c, uint32_t setup_type, const struct pcep_path *path)
{
    const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = setup_type};
    const struct pcep_rp rp = {.request_id = 5, .tlvs = {&setup, setup_type ? 1 : 0}};
    const struct pcep_entry entry = {.rp = &rp, .endpoints = &ends, .path = *path};
    got.n = 0;
    assert_ok(pcep_session_send_entry(c->session, PCEP_PCREQ, &entry));
    flush(c);
    RUN_UNTIL(c->place->scene->loop, got.n);
    return &got.list[0];
}

/* The number of the router between 1 and 3, of a path of addresses. */
static unsigned
middle_of(const struct answered *a)
{
    assert_false(a->no_path);
    assert_int_equal(a->n_hops, 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(a->hops[i].type, PCEP_HOP_IPV4);
        assert_int_equal(a->hops[i].prefix_length, 32);
        assert_false(a->hops[i].loose);
    }
    /* Its ends are 10.low.high.1 and 10.low.high.2, the lower router's first. */
    assert_int_equal(a->hops[0].address.octets[1], 1);
    assert_int_equal(a->hops[0].address.octets[3], 2);
    return a->hops[0].address.octets[2];
}

static void
a_path_of_rsvp_te_is_one_of_link_addresses(void **state)
{
    struct client *c = *state;
    const struct answered *a = ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){0});
    unsigned middle = middle_of(a);
    assert_true(middle == 2 || middle == 4);
    if (middle == 2)
        assert_memory_equal(a->hops[1].address.octets, ((uint8_t[]){10, 2, 3, 2}), 4);
    else
        assert_memory_equal(a->hops[1].address.octets, ((uint8_t[]){10, 3, 4, 1}), 4);
}

static void
a_path_of_segments_is_one_of_labels(void **state)
{
    const struct answered *a = ask_for(*state, PCEP_PST_SR, &(struct pcep_path){0});
    assert_true(a->n_hops >= 1);
    assert_int_equal(a->hops[0].type, PCEP_HOP_SR);
}

static void
what_an_xro_forbids_is_not_passed(void **state)
{
    struct client *c = *state;
    struct pcep_hop hops[] = {{.type = PCEP_HOP_IPV4, .prefix_length = 32, .attribute = 1},
                              {.type = PCEP_HOP_IPV4, .prefix_length = 32, .attribute = 1}};
    struct pcep_route xro = {.hops = hops, .n = 1};
    for (unsigned out = 2; out <= 4; out += 2) { /* the shortest way is one of both */
        hops[0].address = (struct pcep_address){4, {10, 255, 0, (uint8_t)out}};
        assert_int_equal(middle_of(ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){.xro = &xro})),
                         6 - out);
    }
    hops[1].address = (struct pcep_address){4, {10, 255, 0, 2}};
    xro.n = 2; /* by neither */
    assert_true(ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){.xro = &xro})->no_path);
    hops[0].loose = true; /* by 4 if need be */
    assert_int_equal(middle_of(ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){.xro = &xro})), 4);
}

static void
what_an_iro_demands_is_passed(void **state)
{
    struct client *c = *state;
    struct pcep_hop hop = {.type = PCEP_HOP_IPV4, .loose = true, .prefix_length = 32};
    struct pcep_route iro = {.hops = &hop, .n = 1};
    for (unsigned by = 2; by <= 4; by += 2) {
        hop.address = (struct pcep_address){4, {10, 255, 0, (uint8_t)by}};
        assert_int_equal(middle_of(ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){.iro = &iro})),
                         by);
    }
    hop.address = (struct pcep_address){4, {10, 255, 0, 9}};
    assert_true(ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){.iro = &iro})->no_path);
    iro.head.optional = true;
    assert_false(ask_for(c, PCEP_PST_RSVP_TE, &(struct pcep_path){.iro = &iro})->no_path);
}

/* A router's octets: a priority that is none, and exclusions that are of everything, many times. */
static void
what_makes_no_sense_has_no_path(void **state)
{
    struct client *c = *state;
    const struct pcep_lspa lspa = {.setup_priority = 255, .holding_priority = 255};
    struct pcep_hop hops[200];
    const struct pcep_route xro = {.hops = hops, .n = ARRAY_SIZE(hops)};
    assert_true(ask_for(c, PCEP_PST_SR, &(struct pcep_path){.lspa = &lspa})->no_path);
    for (size_t i = 0; i < ARRAY_SIZE(hops); i++)
        hops[i] = (struct pcep_hop){
            .type = PCEP_HOP_IPV4, .attribute = (uint8_t)(i % 3), .address = {4, {0}}};
    assert_true(ask_for(c, PCEP_PST_SR, &(struct pcep_path){.xro = &xro})->no_path);
}

static void
requests_of_an_svec_get_ways_that_share_nothing(void **state)
{
    struct client *c = *state;
    const struct pcep_rp rps[] = {{.request_id = 1}, {.request_id = 2}, {.request_id = 3}};
    const struct pcep_entry entries[] = {{.rp = &rps[0], .endpoints = &ends},
                                         {.rp = &rps[1], .endpoints = &ends},
                                         {.rp = &rps[2], .endpoints = &ends}};
    const uint32_t ids[] = {1, 2, 3};
    struct pcep_svec svec = {.flags = 2, .request_ids = ids, .n = 2};
    struct pcep_message message = {
        .type = PCEP_PCREQ, .entries = entries, .n_entries = 2, .svecs = &svec, .n_svecs = 1};
    assert_ok(pcep_session_send(c->session, &message));
    flush(c);
    RUN_UNTIL(c->place->scene->loop, got.n == 2);
    assert_int_equal(middle_of(&got.list[0]) + middle_of(&got.list[1]), 6);
    got.n = 0;
    svec.n = message.n_entries = 3; /* a square has no three */
    assert_ok(pcep_session_send(c->session, &message));
    flush(c);
    RUN_UNTIL(c->place->scene->loop, got.n == 3);
    for (unsigned i = 0; i < 3; i++)
        assert_true(got.list[i].no_path);
    got.n = 0;
    svec.head.optional = true;
    assert_ok(pcep_session_send(c->session, &message));
    flush(c);
    RUN_UNTIL(c->place->scene->loop, got.n == 3);
    for (unsigned i = 0; i < 3; i++)
        middle_of(&got.list[i]);
}

/* RFC 8800: the group's other path is one that was delegated. */
static void
one_of_a_group_is_answered_apart_from_what_is_there(void **state)
{
    struct client *c = *state;
    const struct pcep_tlv apart = {.type = PCEP_TLV_DISJOINTNESS_CONFIGURATION,
                                   .number = PCEP_DISJOINT_NODE | PCEP_DISJOINT_STRICT};
    const struct pcep_association group = {
        .type = PCEP_ASSOC_DISJOINT, .id = 9, .source = {4, {10, 255, 0, 1}}, .tlvs = {&apart, 1}};
    struct pcep_lsp_ids ids = {.tunnel_id = 1,
                               .lsp_id = 1,
                               .sender = {4, {10, 255, 0, 1}},
                               .endpoint = {4, {10, 255, 0, 3}}};
    struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    struct pcep_tlv tlvs[] = {
        {.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids},
        {.type = PCEP_TLV_SYMBOLIC_PATH_NAME, .octets = {(const uint8_t *)"one", 3}}};
    struct pcep_lsp lsp = {
        .plsp_id = 7, .flags = PCEP_LSP_DELEGATE | PCEP_LSP_ADMIN | LSP_UP << 4, .tlvs = {tlvs, 2}};
    struct pcep_srp srp = {.tlvs = {&setup, 1}};
    for (unsigned by = 2; by <= 4; by += 2) {
        struct pcep_hop hops[] = {pcep_label_hop(16000 + by), pcep_label_hop(16003)};
        const struct pcep_route ero = {.hops = hops, .n = 2};
        const struct pcep_entry there = {.srp = &srp,
                                         .lsp = &lsp,
                                         .associations = &group,
                                         .n_associations = 1,
                                         .path.ero = &ero};
        assert_ok(pcep_session_send_entry(c->session, PCEP_PCRPT, &there));
        flush(c);
        const struct pcep_rp rp = {.request_id = 5};
        const struct pcep_entry entry = {
            .rp = &rp, .endpoints = &ends, .associations = &group, .n_associations = 1};
        got.n = 0;
        assert_ok(pcep_session_send_entry(c->session, PCEP_PCREQ, &entry));
        flush(c);
        RUN_UNTIL(c->place->scene->loop, got.n);
        assert_int_equal(middle_of(&got.list[0]), 6 - by);
        assert_int_equal(got.list[0].status, PCEP_DISJOINT_NODE);
    }
}

static void
what_cannot_be_done_is_refused_and_not_left_out(void **state)
{
    const struct pcep_of least_load = {.code = 2};
    ask_for(*state, PCEP_PST_SR, &(struct pcep_path){.of = &least_load});
    assert_int_equal(got.error.type, PCEP_ERROR_UNSUPPORTED_OBJECT);
    assert_int_equal(got.error.value, 4);
}

#define C(test) cmocka_unit_test_setup_teardown(test, set_up_asker, tear_down_client)

TEST_MAIN(C(a_path_of_rsvp_te_is_one_of_link_addresses), C(a_path_of_segments_is_one_of_labels),
          C(what_an_xro_forbids_is_not_passed), C(what_an_iro_demands_is_passed),
          C(what_makes_no_sense_has_no_path), C(requests_of_an_svec_get_ways_that_share_nothing),
          C(one_of_a_group_is_answered_apart_from_what_is_there),
          C(what_cannot_be_done_is_refused_and_not_left_out))
