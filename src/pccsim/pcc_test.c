/* A simulated PCC against a bare session machine of the PCE's side. */
#include "pccsim/pcc.h"

#include "base/testing.h"

#include <stdio.h>

#define MAX_SEEN 400

/* What the PCE sees of a report. */
struct seen {
    uint32_t plsp_id, srp_id;
    uint16_t flags;
    uint32_t label;
    uint64_t version;
    char name[40];
};

struct bed {
    struct pcc *pcc;
    struct pcep_session *pce;
    nsec_t now;
    bool up, down;
    struct seen seen[MAX_SEEN];
    unsigned n_seen, n_errors, n_requests;
    struct pcep_error error;
};

static struct bed *
bed_new(const struct pcc_config *config)
{
    struct bed *bed = calloc(1, sizeof *bed);
    struct pcc_config c = *config;
    c.address = (struct pcep_address){4, {127, 1, 0, 1}};
    c.other = (struct pcep_address){4, {127, 1, 0, 2}};
    c.keepalive = 30;
    bed->now = 1000 * NSEC_PER_SEC;
    bed->pcc = pcc_new(&c, bed->now);
    return bed;
}

static void
bed_free(struct bed *bed)
{
    pcc_free(bed->pcc);
    pcep_session_free(bed->pce);
    free(bed);
}

static void
note_reports(struct bed *bed, const struct pcep_message *message)
{
    for (uint32_t i = 0; i < message->n_entries; i++) {
        const struct pcep_entry *entry = &message->entries[i];
        const struct pcep_tlv *version = pcep_tlv_find(&entry->lsp->tlvs, PCEP_TLV_LSP_DB_VERSION);
        struct pcep_octets name = pcep_lsp_name(entry->lsp);
        assert_true(bed->n_seen < MAX_SEEN);
        struct seen *seen = &bed->seen[bed->n_seen++];
        *seen = (struct seen){.plsp_id = entry->lsp->plsp_id,
                              .srp_id = entry->srp ? entry->srp->srp_id : 0,
                              .flags = entry->lsp->flags,
                              .version = version ? version->long_number : 0};
        if (entry->path.ero && entry->path.ero->n)
            seen->label = pcep_hop_label(&entry->path.ero->hops[0]);
        snprintf(seen->name, sizeof seen->name, "%.*s", (int)name.size, (const char *)name.data);
    }
}

static void
read_pce(struct bed *bed)
{
    struct pcep_event event;
    while (bed->pce && !bed->down && pcep_session_next(bed->pce, &event)) {
        if (event.kind == PCEP_EVENT_UP) {
            bed->up = true;
        } else if (event.kind == PCEP_EVENT_DOWN) {
            bed->down = true;
        } else if (event.kind == PCEP_EVENT_MESSAGE && event.message->type == PCEP_PCRPT) {
            note_reports(bed, event.message);
        } else if (event.kind == PCEP_EVENT_MESSAGE && event.message->type == PCEP_PCREQ) {
            bed->n_requests += event.message->n_entries;
        } else if (event.kind == PCEP_EVENT_MESSAGE && event.message->type == PCEP_PCERR) {
            bed->n_errors++;
            bed->error = event.message->groups[0].errors[0].error;
        }
    }
}

static void
settle(struct bed *bed)
{
    for (bool more = true; more;) {
        more = false;
        struct buf *out = pcc_output(bed->pcc);
        if (out && out->size) {
            pcep_session_input(bed->pce, out->data, out->size, bed->now);
            buf_clear(out);
            pcc_drained(bed->pcc, bed->now);
            more = true;
        }
        read_pce(bed);
        out = pcep_session_output(bed->pce);
        if (out->size) {
            pcc_input(bed->pcc, out->data, out->size, bed->now);
            buf_clear(out);
            more = true;
        }
    }
}

static void
pass_time(struct bed *bed, nsec_t time)
{
    bed->now += time;
    pcep_session_tick(bed->pce, bed->now);
    pcc_tick(bed->pcc, bed->now);
    settle(bed);
}

static void
start(struct bed *bed, uint64_t db_version)
{
    const struct pcep_session_config config = {
        .end = PCEP_PCE,
        .capabilities = {.stateful = true,
                         .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION |
                                           PCEP_INCLUDE_DB_VERSION | PCEP_DELTA_LSP_SYNC |
                                           PCEP_TRIGGERED_RESYNC,
                         .db_version = db_version,
                         .path_setup_types = 1 << PCEP_PST_RSVP_TE | 1 << PCEP_PST_SR,
                         .sr = true}};
    pcep_session_free(bed->pce);
    bed->pce = pcep_session_new(&config, bed->now);
    bed->up = bed->down = false;
    bed->n_seen = 0;
    pcc_connected(bed->pcc, bed->now);
    settle(bed);
    assert_true(bed->up);
}

static void
stop(struct bed *bed)
{
    pcc_disconnected(bed->pcc, "the test cuts it", bed->now);
}

/* A PCUpd (PLSP-ID above 0) or PCInitiate with one label; 0: none. */
static void
order(struct bed *bed, enum pcep_type type, uint32_t srp_id, struct pcep_lsp lsp,
      uint32_t srp_flags, uint32_t label)
{
    const struct pcep_tlv setup = {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR};
    const struct pcep_srp srp = {.srp_id = srp_id, .flags = srp_flags, .tlvs = {&setup, 1}};
    const struct pcep_hop hop = pcep_label_hop(label);
    const struct pcep_route ero = {.hops = &hop, .n = 1};
    const struct pcep_endpoints endpoints = {.source = {4, {127, 1, 0, 1}},
                                             .destination = {4, {10, 0, 0, 9}}};
    const struct pcep_entry entry = {.srp = &srp,
                                     .lsp = &lsp,
                                     .endpoints = type == PCEP_PCINITIATE ? &endpoints : NULL,
                                     .path.ero = label ? &ero : NULL};
    assert_ok(pcep_session_send_entry(bed->pce, type, &entry));
    settle(bed);
}

static void
update(struct bed *bed, uint32_t srp_id, uint32_t plsp_id)
{
    const struct pcep_lsp lsp = {.plsp_id = plsp_id, .flags = PCEP_LSP_DELEGATE | PCEP_LSP_ADMIN};
    bed->n_seen = bed->n_errors = 0;
    order(bed, PCEP_PCUPD, srp_id, lsp, 0, 17001);
}

static unsigned
operational(const struct seen *seen)
{
    return (seen->flags & PCEP_LSP_OPERATIONAL) >> 4;
}

static void
it_reports_all_and_then_the_end(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 3, .n_hops = 2, .delegates = true});
    start(bed, 0);
    assert_int_equal(bed->n_seen, 4);
    assert_string_equal(bed->seen[0].name, "pcc0-lsp1");
    assert_true(bed->seen[0].flags & PCEP_LSP_SYNC && bed->seen[0].flags & PCEP_LSP_DELEGATE);
    assert_int_equal(operational(&bed->seen[0]), PCEP_OPERATIONAL_UP);
    assert_int_equal(bed->seen[3].plsp_id, 0);
    assert_int_equal(bed->seen[3].flags & PCEP_LSP_SYNC, 0);
    assert_true(pcc_is_synced(bed->pcc));
    bed_free(bed);
}

static void
an_update_is_going_up_first_and_up_later(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 2,
                                                   .n_hops = 1,
                                                   .delegates = true,
                                                   .answer_after = 10 * NSEC_PER_MSEC,
                                                   .up_after = NSEC_PER_SEC});
    start(bed, 0);
    update(bed, 5, 2);
    assert_int_equal(bed->n_seen, 0);
    pass_time(bed, 10 * NSEC_PER_MSEC);
    assert_int_equal(bed->n_seen, 1);
    assert_int_equal(bed->seen[0].srp_id, 5);
    assert_int_equal(bed->seen[0].label, 17001);
    assert_int_equal(operational(&bed->seen[0]), PCEP_OPERATIONAL_GOING_UP);
    pass_time(bed, NSEC_PER_SEC);
    assert_int_equal(bed->n_seen, 2);
    assert_int_equal(bed->seen[1].srp_id, 0);
    assert_int_equal(operational(&bed->seen[1]), PCEP_OPERATIONAL_UP);
    bed_free(bed);
}

static void
what_is_not_delegated_or_not_there_is_refused(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 1, .n_hops = 1});
    start(bed, 0);
    update(bed, 1, 1);
    assert_int_equal(bed->error.type, 19);
    assert_int_equal(bed->error.value, 1);
    update(bed, 2, 7);
    assert_int_equal(bed->error.value, 3);
    assert_int_equal(pcc_stats(bed->pcc)->refused, 2);
    bed_free(bed);
}

static void
its_script_is_kept_to(void **state UNUSED)
{
    struct bed *bed = bed_new(
        &(struct pcc_config){.n_lsps = 1,
                             .n_hops = 1,
                             .delegates = true,
                             .faults = {.refuse_every = 2, .refusal = {24, 3}, .silent_every = 3}});
    start(bed, 0);
    update(bed, 1, 1);
    assert_int_equal(bed->n_seen, 2);
    update(bed, 2, 1);
    assert_int_equal(bed->n_errors, 1);
    assert_int_equal(bed->error.value, 3);
    update(bed, 3, 1);
    assert_int_equal(bed->n_seen + bed->n_errors, 0);
    assert_int_equal(pcc_stats(bed->pcc)->unanswered, 1);
    bed_free(bed);
}

static void
a_delegation_is_revoked_by_script(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){
        .n_lsps = 1, .n_hops = 1, .delegates = true, .faults.revoke_every = 1});
    start(bed, 0);
    update(bed, 1, 1);
    assert_int_equal(bed->seen[0].flags & PCEP_LSP_DELEGATE, 0);
    update(bed, 2, 1);
    assert_int_equal(bed->error.value, 1);
    bed_free(bed);
}

/* "t", PLSP-ID 2, created. */
static void
create(struct bed *bed)
{
    const struct pcep_tlv name = {.type = PCEP_TLV_SYMBOLIC_PATH_NAME,
                                  .octets = {(const uint8_t *)"t", 1}};
    const struct pcep_lsp lsp = {.flags = PCEP_LSP_DELEGATE | PCEP_LSP_CREATE, .tlvs = {&name, 1}};
    bed->n_seen = 0;
    order(bed, PCEP_PCINITIATE, 9, lsp, 0, 17001);
}

static void
a_pce_creates_and_removes(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 1, .n_hops = 1});
    start(bed, 0);
    create(bed);
    assert_int_equal(bed->seen[0].plsp_id, 2);
    assert_string_equal(bed->seen[0].name, "t");
    assert_true(bed->seen[0].flags & PCEP_LSP_CREATE && bed->seen[0].flags & PCEP_LSP_DELEGATE);
    create(bed);
    assert_int_equal(bed->error.type, 23); /* the name is in use */
    bed->n_seen = 0;
    const struct pcep_lsp lsp = {.plsp_id = 2};
    order(bed, PCEP_PCINITIATE, 10, lsp, PCEP_SRP_REMOVE, 0);
    assert_true(bed->seen[0].flags & PCEP_LSP_REMOVE);
    assert_int_equal(bed->seen[0].srp_id, 10);
    assert_int_equal(pcc_n_lsps(bed->pcc), 1);
    bed_free(bed);
}

static void
what_a_pce_created_outlives_it_for_a_while(void **state UNUSED)
{
    struct bed *bed = bed_new(
        &(struct pcc_config){.n_lsps = 1, .n_hops = 1, .state_timeout = 30 * NSEC_PER_SEC});
    start(bed, 0);
    create(bed);
    stop(bed);
    bed->now += 10 * NSEC_PER_SEC;
    start(bed, 0);
    assert_int_equal(bed->n_seen, 3);
    assert_true(bed->seen[1].flags & PCEP_LSP_CREATE); /* an orphan */
    assert_int_equal(bed->seen[1].flags & PCEP_LSP_DELEGATE, 0);
    bed->n_seen = 0;
    pass_time(bed, 20 * NSEC_PER_SEC);
    assert_int_equal(bed->n_seen, 1);
    assert_true(bed->seen[0].flags & PCEP_LSP_REMOVE);
    assert_int_equal(pcc_stats(bed->pcc)->expired, 1);
    bed_free(bed);
}

static void
a_pce_that_knows_the_version_is_told_nothing(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 5, .n_hops = 1, .db_version = true});
    start(bed, 0);
    assert_int_equal(bed->n_seen, 6);
    uint64_t version = bed->seen[5].version;
    assert_true(version > 0);
    stop(bed);
    start(bed, version);
    assert_int_equal(bed->n_seen, 0);
    assert_true(pcc_is_synced(bed->pcc));
    assert_int_equal(pcc_stats(bed->pcc)->sync_avoided, 1);
    bed_free(bed);
}

static void
of_a_delta_only_what_changed_is_told(void **state UNUSED)
{
    struct bed *bed = bed_new(
        &(struct pcc_config){.n_lsps = 5, .n_hops = 1, .delegates = true, .delta = true});
    start(bed, 0);
    uint64_t version = bed->seen[5].version;
    update(bed, 1, 4);
    stop(bed);
    start(bed, version);
    assert_int_equal(bed->n_seen, 2);
    assert_int_equal(bed->seen[0].plsp_id, 4);
    bed_free(bed);
}

/* The backup's session: its own bed around the same router. */
static struct bed *
backup_of(struct bed *first)
{
    struct bed *bed = calloc(1, sizeof *bed);
    bed->now = first->now;
    bed->pcc = pcc_new_backup(first->pcc, first->now);
    return bed;
}

static unsigned
count_delegated(const struct bed *bed)
{
    unsigned n = 0;
    for (unsigned i = 0; i < bed->n_seen; i++)
        n += bed->seen[i].plsp_id && bed->seen[i].flags & PCEP_LSP_DELEGATE;
    return n;
}

static void
the_backup_gets_the_delegations_and_keeps_them(void **state UNUSED)
{
    struct bed *first = bed_new(&(struct pcc_config){.n_lsps = 3, .n_hops = 1, .delegates = true});
    struct bed *second = backup_of(first);
    start(first, 0);
    create(first);
    start(second, 0);
    assert_int_equal(second->n_seen, 5); /* four LSPs and the end */
    assert_int_equal(count_delegated(second), 0);
    update(second, 7, 1);
    assert_int_equal(second->error.value, 1); /* it is not delegated */

    second->n_seen = 0;
    update(first, 8, 1);
    settle(second);
    assert_int_equal(second->n_seen, 2);         /* it hears of what the other one does ... */
    assert_int_equal(second->seen[0].srp_id, 0); /* ... but not for whom */

    second->n_seen = 0;
    stop(first);
    pcc_drained(second->pcc, second->now);
    settle(second);
    assert_int_equal(count_delegated(second), 3); /* not what the first one created */
    assert_int_equal(pcc_stats(second->pcc)->inherited, 3);
    start(first, 0);
    assert_int_equal(count_delegated(first), 0);
    update(second, 9, 1);
    assert_int_equal(second->n_errors, 0);
    bed_free(second);
    bed_free(first);
}

static void
paths_are_asked_for_one_after_the_other(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 1, .n_hops = 1, .n_requests = 3});
    start(bed, 0);
    assert_int_equal(bed->n_requests, 1);
    for (uint32_t id = 1; id <= 3; id++) {
        const struct pcep_rp rp = {.request_id = id};
        const struct pcep_no_path none = {.nature = 0};
        const struct pcep_entry entry = {.rp = &rp, .no_path = &none};
        assert_int_equal(bed->n_requests, id);
        assert_ok(pcep_session_send_entry(bed->pce, PCEP_PCREP, &entry));
        settle(bed);
    }
    assert_int_equal(bed->n_requests, 3);
    assert_int_equal(pcc_stats(bed->pcc)->no_paths, 3);
    bed_free(bed);
}

static void
it_lies_as_it_is_told_to(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 2,
                                                   .n_hops = 1,
                                                   .delegates = true,
                                                   .faults = {.lie_reuse = true, .lie_srp = true}});
    start(bed, 0);
    assert_int_equal(bed->n_seen, 4); /* two LSPs, the end, and a lie */
    assert_string_equal(bed->seen[3].name, "somebody-else");
    assert_int_equal(bed->seen[3].plsp_id, 1);
    update(bed, 77, 1);
    assert_int_equal(bed->seen[0].plsp_id, 2);
    assert_int_equal(bed->seen[0].srp_id, 77);
    bed_free(bed);
}

static void
it_reports_other_labels_than_were_ordered(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){
        .n_lsps = 1, .n_hops = 1, .delegates = true, .faults.lie_labels = true});
    start(bed, 0);
    update(bed, 5, 1);
    assert_int_equal(bed->seen[0].srp_id, 5);
    assert_int_equal(bed->seen[0].label, 17000); /* 17001 was ordered */
    bed_free(bed);
}

static void
garbage_is_none_of_the_protocol(void **state UNUSED)
{
    struct bed *bed = bed_new(
        &(struct pcc_config){.n_lsps = 1, .n_hops = 1, .faults.garbage_every = NSEC_PER_SEC});
    start(bed, 0);
    assert_false(bed->down);
    pass_time(bed, NSEC_PER_SEC);
    assert_true(bed->down);
    bed_free(bed);
}

static void
act(struct bed *bed, enum pcc_act what, const char *name)
{
    struct pcc_action action = {.act = what, .every = NSEC_PER_SEC};
    snprintf(action.name, sizeof action.name, "%s", name);
    bed->n_seen = 0;
    pcc_do(bed->pcc, &action, bed->now);
    settle(bed);
}

static void
a_script_changes_lsps_by_name(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 3, .n_hops = 1, .delegates = true});
    start(bed, 0);
    act(bed, PCC_FAIL_LSP, "*-lsp2");
    assert_int_equal(bed->n_seen, 1);
    assert_int_equal(bed->seen[0].plsp_id, 2);
    assert_int_equal(operational(&bed->seen[0]), PCEP_OPERATIONAL_DOWN);
    act(bed, PCC_MEND_LSP, "*");
    assert_int_equal(bed->n_seen, 3);
    assert_int_equal(operational(&bed->seen[1]), PCEP_OPERATIONAL_UP);
    act(bed, PCC_REVOKE, "pcc0-lsp1");
    assert_int_equal(bed->seen[0].flags & PCEP_LSP_DELEGATE, 0);
    act(bed, PCC_RETURN, "pcc0-lsp1");
    assert_true(bed->seen[0].flags & PCEP_LSP_DELEGATE);
    act(bed, PCC_REMOVE_LSP, "pcc0-lsp3");
    assert_true(bed->seen[0].flags & PCEP_LSP_REMOVE);
    assert_int_equal(pcc_n_lsps(bed->pcc), 2);
    act(bed, PCC_MEND_LSP, "pcc0-lsp3"); /* it is not there any more */
    assert_int_equal(bed->n_seen, 0);
    bed_free(bed);
}

static void
a_script_begins_faults_and_ends_them(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 1, .n_hops = 1});
    start(bed, 0);
    act(bed, PCC_LIE, "reuse");
    assert_string_equal(bed->seen[0].name, "somebody-else");
    act(bed, PCC_BEHAVE, "");
    pass_time(bed, 2 * NSEC_PER_SEC);
    assert_int_equal(bed->n_seen, 0);
    act(bed, PCC_FLAP, "");
    assert_false(pcc_is_over(bed->pcc));
    pass_time(bed, NSEC_PER_SEC);
    assert_true(pcc_is_over(bed->pcc));
    bed_free(bed);
}

static void
a_script_ends_sessions_in_several_ways(void **state UNUSED)
{
    struct bed *bed = bed_new(&(struct pcc_config){.n_lsps = 1, .n_hops = 1});
    start(bed, 0);
    act(bed, PCC_SILENCE, "");
    act(bed, PCC_FAIL_LSP, "*");
    update(bed, 1, 1);
    assert_int_equal(bed->n_seen + bed->n_errors, 0);
    stop(bed);
    start(bed, 0); /* the next one is as ever */
    act(bed, PCC_GARBAGE, "");
    assert_true(bed->down);
    stop(bed);
    start(bed, 0);
    act(bed, PCC_CLOSE, "");
    assert_true(pcc_is_over(bed->pcc));
    bed_free(bed);
}

TEST_MAIN(cmocka_unit_test(it_reports_all_and_then_the_end),
          cmocka_unit_test(an_update_is_going_up_first_and_up_later),
          cmocka_unit_test(what_is_not_delegated_or_not_there_is_refused),
          cmocka_unit_test(its_script_is_kept_to),
          cmocka_unit_test(a_delegation_is_revoked_by_script),
          cmocka_unit_test(a_pce_creates_and_removes),
          cmocka_unit_test(what_a_pce_created_outlives_it_for_a_while),
          cmocka_unit_test(a_pce_that_knows_the_version_is_told_nothing),
          cmocka_unit_test(of_a_delta_only_what_changed_is_told),
          cmocka_unit_test(the_backup_gets_the_delegations_and_keeps_them),
          cmocka_unit_test(paths_are_asked_for_one_after_the_other),
          cmocka_unit_test(it_lies_as_it_is_told_to),
          cmocka_unit_test(it_reports_other_labels_than_were_ordered),
          cmocka_unit_test(garbage_is_none_of_the_protocol),
          cmocka_unit_test(a_script_changes_lsps_by_name),
          cmocka_unit_test(a_script_begins_faults_and_ends_them),
          cmocka_unit_test(a_script_ends_sessions_in_several_ways))
