/* Scripted devices: each answers what the machine asks, and fails where the test wants it to. */
#include "wan/provision.h"

#include "base/testing.h"

#include <stdio.h>

#define S NSEC_PER_SEC
#define N 2
#define CAN                                                                                        \
    (NETCONF_BASE_1_1 | NETCONF_CANDIDATE | NETCONF_CONFIRMED_COMMIT_1_1 | NETCONF_VALIDATE_1_1)
#define CONFIG(text)                                                                               \
    "<config xmlns:t='" VPN_TEMPLATE_NS "'><list xmlns='urn:l'><entry t:owned='true'>"             \
    "<name>tl-x</name><value>" text "</value></entry></list></config>"

struct scene {
    struct arena *arena;
    struct provision *p;
    nsec_t now;
    char log[N][512]; /* operations, in order */
    const char *fail; /* operation that fails, "commit" ... */
    size_t fail_device;
    enum err fail_err;
    unsigned fail_times;
    const char *running[N]; /* <data> of get-config; NULL: what was committed */
    bool committed[N];
    bool verify_asked, verify_no, ended;
    enum err err;
    struct diag diag;
};

static struct netconf_xml *
tree(struct scene *s, const char *text)
{
    struct netconf_xml *root = NULL;
    if (text)
        assert_ok(netconf_xml_parse(text, strlen(text), s->arena, &root, NULL));
    return root;
}

static struct scene *
scene_of(const char *before, const char *now, const struct provision_config *changes,
         uint32_t capabilities)
{
    static const char *const names[] = {"pe1", "pe2"};
    struct scene *s = calloc(1, sizeof *s);
    struct provision_device devices[N];
    struct provision_config config = changes ? *changes : (struct provision_config){0};
    struct netconf_hello hello = {.capabilities = capabilities};
    s->arena = arena_new(1 << 20);
    for (size_t i = 0; i < N; i++)
        devices[i] = (struct provision_device){names[i], tree(s, before), tree(s, now)};
    config.marker = "tieline:x";
    config.name = "tl-x";
    config.persist = "job-1";
    s->p = provision_new(&config, devices, N, 0);
    s->fail_times = 1;
    for (size_t i = 0; i < N && capabilities; i++)
        provision_up(s->p, i, &hello, 0);
    return s;
}

static void
scene_free(struct scene *s)
{
    provision_free(s->p);
    arena_free(s->arena);
    free(s);
}

/* What is read: nothing before the commit, and what was wanted behind it. */
static const char *
data_of(struct scene *s, size_t device)
{
    if (s->running[device])
        return s->running[device];
    return s->committed[device] ? "<data><list xmlns='urn:l'><entry><name>tl-x</name><value>1"
                                  "</value></entry></list></data>"
                                : "<data/>";
}

static void
note(struct scene *s, const struct provision_action *a, const char *name)
{
    char *log = s->log[a->device];
    const struct netconf_request *r = a->request;
    snprintf(log + strlen(log), sizeof s->log[0] - strlen(log), "%s%s%s", *log ? " " : "", name,
             r->operation != NETCONF_COMMIT ? ""
             : r->confirmed                 ? "?"
             : r->persist_id                ? "!"
                                            : "");
}

static void
answer(struct scene *s, const struct provision_action *a)
{
    struct netconf_message reply = {.kind = NETCONF_REPLY, .ok = true};
    const char *name = netconf_operation_name(a->request->operation);
    bool commit = a->request->operation == NETCONF_COMMIT;
    const char *called = commit && !a->request->confirmed ? "confirm" : name;
    note(s, a, name);
    if (s->fail && s->fail_device == a->device && !strcmp(s->fail, called) && s->fail_times > 0) {
        s->fail_times--;
        bool said = s->fail_err != ERR_CLOSED && s->fail_err != ERR_TIMEOUT;
        provision_answer(s->p, a->device, s->fail_err, "as the test wants", said ? &reply : NULL,
                         s->now);
        return;
    }
    if (commit)
        s->committed[a->device] = true;
    if (a->request->operation == NETCONF_GET_CONFIG)
        reply.data = tree(s, data_of(s, a->device));
    provision_answer(s->p, a->device, ERR_OK, "", &reply, s->now);
}

static void
run(struct scene *s)
{
    struct provision_action a;
    while (provision_next(s->p, &a)) {
        assert_false(s->ended);
        if (a.kind == PROVISION_ASK) {
            answer(s, &a);
        } else if (a.kind == PROVISION_VERIFY) {
            s->verify_asked = true;
            provision_verified(s->p, s->verify_no ? ERR_CONFLICT : ERR_OK, "no ping", s->now);
        } else {
            s->ended = true;
            s->err = a.err;
            s->diag = a.diag;
        }
    }
}

static void
expect_outcome(struct scene *s, size_t device, enum provision_outcome outcome)
{
    struct provision_report report;
    provision_report(s->p, device, &report);
    assert_string_equal(provision_outcome_name(report.outcome), provision_outcome_name(outcome));
}

static void
expect_end(struct scene *s, enum err err, enum provision_outcome one, enum provision_outcome two)
{
    run(s);
    assert_true(s->ended);
    assert_err(s->err, err);
    expect_outcome(s, 0, one);
    expect_outcome(s, 1, two);
}

static struct scene *
change(const char *fail, size_t device, enum err err)
{
    struct scene *s = scene_of(NULL, CONFIG("1"), NULL, CAN);
    s->fail = fail;
    s->fail_device = device;
    s->fail_err = err;
    return s;
}

static void
all_devices_get_it(void **state)
{
    (void)state;
    struct scene *s = change(NULL, 0, ERR_OK);
    expect_end(s, ERR_OK, PROVISION_CHANGED, PROVISION_CHANGED);
    assert_true(s->verify_asked);
    for (size_t i = 0; i < N; i++)
        assert_string_equal(s->log[i], "lock discard-changes get-config edit-config validate "
                                       "commit? get-config commit! unlock");
    scene_free(s);
}

static void
running_is_locked_and_saved_where_that_is_needed(void **state)
{
    (void)state;
    struct scene *s = scene_of(NULL, CONFIG("1"), NULL,
                               CAN | NETCONF_WRITABLE_RUNNING | NETCONF_STARTUP);
    expect_end(s, ERR_OK, PROVISION_CHANGED, PROVISION_CHANGED);
    assert_string_equal(s->log[0], "lock lock discard-changes get-config edit-config validate "
                                   "commit? get-config commit! copy-config unlock unlock");
    scene_free(s);
}

static void
what_is_there_already_needs_nothing(void **state)
{
    (void)state;
    struct scene *s = scene_of(CONFIG("1"), CONFIG("1"), NULL, CAN);
    expect_end(s, ERR_OK, PROVISION_UNCHANGED, PROVISION_UNCHANGED);
    assert_string_equal(s->log[0], "");
    scene_free(s);
}

static void
a_dry_run_changes_nothing(void **state)
{
    (void)state;
    struct scene *s = scene_of(NULL, CONFIG("1"), &(struct provision_config){.dry_run = true}, CAN);
    expect_end(s, ERR_OK, PROVISION_ACCEPTED, PROVISION_ACCEPTED);
    assert_string_equal(s->log[1], "lock discard-changes get-config edit-config validate "
                                   "discard-changes unlock");
    struct provision_report report;
    provision_report(s->p, 1, &report);
    assert_non_null(strstr(report.edit, "operation=\"replace\""));
    scene_free(s);
}

static void
a_refused_edit_ends_it_for_all(void **state)
{
    (void)state;
    struct scene *s = change("edit-config", 1, ERR_INVALID);
    expect_end(s, ERR_INVALID, PROVISION_ROLLED_BACK, PROVISION_UNCHANGED);
    assert_string_equal(s->diag.text, "pe2: edit-config: as the test wants");
    assert_null(strstr(s->log[0], "commit"));
    assert_non_null(strstr(s->log[0], "discard-changes unlock"));
    assert_non_null(strstr(s->log[1], "edit-config unlock"));
    scene_free(s);
}

static void
a_refused_commit_cancels_the_others(void **state)
{
    (void)state;
    struct scene *s = change("commit", 1, ERR_INVALID);
    expect_end(s, ERR_INVALID, PROVISION_ROLLED_BACK, PROVISION_ROLLED_BACK);
    assert_non_null(strstr(s->log[0], "cancel-commit discard-changes unlock"));
    assert_null(strstr(s->log[1], "cancel-commit"));
    scene_free(s);
}

static void
what_is_not_verified_is_cancelled(void **state)
{
    (void)state;
    struct scene *s = change(NULL, 0, ERR_OK);
    s->verify_no = true;
    expect_end(s, ERR_CONFLICT, PROVISION_ROLLED_BACK, PROVISION_ROLLED_BACK);
    assert_string_equal(s->diag.text, "verification: no ping");
    scene_free(s);
}

static void
a_commit_that_did_nothing_is_noticed(void **state)
{
    (void)state;
    struct scene *s = change(NULL, 0, ERR_OK);
    s->running[1] = "<data/>";
    expect_end(s, ERR_CONFLICT, PROVISION_ROLLED_BACK, PROVISION_ROLLED_BACK);
    assert_string_equal(s->diag.text, "pe2: read back: /list/entry[name=tl-x] is missing");
    assert_false(s->verify_asked);
    scene_free(s);
}

static void
a_device_that_is_lost_goes_back_alone(void **state)
{
    (void)state;
    struct scene *s = change("commit", 1, ERR_CLOSED);
    expect_end(s, ERR_CLOSED, PROVISION_ROLLED_BACK, PROVISION_ROLLED_BACK);
    assert_non_null(strstr(s->log[1], "commit? cancel-commit")); /* over a new connection */
    scene_free(s);
    s = change("cancel-commit", 1, ERR_TIMEOUT);
    s->verify_no = true;
    expect_end(s, ERR_CONFLICT, PROVISION_ROLLED_BACK, PROVISION_WILL_ROLL_BACK);
    scene_free(s);
}

static void
one_that_is_confirmed_already_is_edited_back(void **state)
{
    (void)state;
    struct scene *s = change("confirm", 1, ERR_INVALID);
    expect_end(s, ERR_INVALID, PROVISION_ROLLED_BACK, PROVISION_ROLLED_BACK);
    assert_non_null(strstr(s->log[0], "commit! edit-config commit unlock"));
    assert_non_null(strstr(s->log[1], "commit! cancel-commit discard-changes unlock"));
    scene_free(s);
    s = change("confirm", 1, ERR_CLOSED);
    expect_end(s, ERR_CLOSED, PROVISION_ROLLED_BACK, PROVISION_UNKNOWN);
    scene_free(s);
}

static void
a_session_of_1_0_is_closed_to_go_back(void **state)
{
    (void)state;
    uint32_t old = NETCONF_BASE_1_0 | NETCONF_CANDIDATE | NETCONF_CONFIRMED_COMMIT_1_0 |
                   NETCONF_VALIDATE_1_0;
    struct scene *s = scene_of(NULL, CONFIG("1"), NULL, old);
    s->verify_no = true;
    expect_end(s, ERR_CONFLICT, PROVISION_WILL_ROLL_BACK, PROVISION_WILL_ROLL_BACK);
    assert_non_null(strstr(s->log[0], "commit? get-config close-session"));
    scene_free(s);
}

static void
locks_of_others_are_waited_for(void **state)
{
    (void)state;
    struct scene *s = change("lock", 1, ERR_BUSY);
    s->fail_times = 3;
    for (int i = 0; i < 3; i++) {
        run(s);
        assert_false(s->ended);
        s->now = provision_deadline(s->p);
        provision_tick(s->p, s->now);
    }
    expect_end(s, ERR_OK, PROVISION_CHANGED, PROVISION_CHANGED);
    assert_int_equal(s->now, 3 * S / 2);
    scene_free(s);
}

static void
junos_has_other_words_for_a_lock(void **state)
{
    (void)state;
    struct scene *s = change("lock", 0, ERR_INVALID);
    run(s);
    assert_false(s->ended);
    provision_tick(s->p, s->now = provision_deadline(s->p));
    expect_end(s, ERR_OK, PROVISION_CHANGED, PROVISION_CHANGED);
    scene_free(s);
    s = change("lock", 0, ERR_DENIED);
    expect_end(s, ERR_DENIED, PROVISION_UNCHANGED, PROVISION_UNCHANGED);
    scene_free(s);
}

static void
what_is_gone_is_not_deleted_of_1_0(void **state)
{
    (void)state;
    uint32_t old = NETCONF_BASE_1_0 | NETCONF_CANDIDATE | NETCONF_CONFIRMED_COMMIT_1_0 |
                   NETCONF_VALIDATE_1_0;
    struct scene *s = scene_of(CONFIG("1"), NULL, NULL, old);
    s->running[1] = "<data><list xmlns='urn:l'><entry><name>tl-x</name></entry></list></data>";
    s->committed[0] = false;
    expect_end(s, ERR_OK, PROVISION_UNCHANGED, PROVISION_CHANGED);
    assert_string_equal(s->log[0], "lock discard-changes get-config unlock");
    scene_free(s);
}

static void
but_not_for_ever(void **state)
{
    (void)state;
    struct scene *s = change("lock", 1, ERR_BUSY);
    s->fail_times = UINT32_MAX;
    while (run(s), !s->ended) {
        s->now = provision_deadline(s->p);
        provision_tick(s->p, s->now);
    }
    assert_err(s->err, ERR_BUSY);
    assert_int_equal(s->now, 30 * S);
    expect_outcome(s, 0, PROVISION_ROLLED_BACK);
    expect_outcome(s, 1, PROVISION_UNCHANGED);
    scene_free(s);
}

static void
what_is_of_others_is_not_taken(void **state)
{
    (void)state;
    struct scene *s = scene_of(
        NULL,
        "<config xmlns:t='" VPN_TEMPLATE_NS "'><list xmlns='urn:l'><entry "
        "t:owned='true'><name>a</name><value>tieline:x</value></entry></list>"
        "</config>",
        NULL, CAN);
    s->running[1] = "<data><list xmlns='urn:l'><entry><name>a</name><value>theirs</value></entry>"
                    "</list></data>";
    expect_end(s, ERR_CONFLICT, PROVISION_ROLLED_BACK, PROVISION_UNCHANGED);
    assert_string_equal(s->diag.text,
                        "pe2: read: /list/entry[name=a] is there already, and not ours");
    scene_free(s);
}

static void
devices_must_be_able_to_go_back(void **state)
{
    (void)state;
    struct scene *s = scene_of(NULL, CONFIG("1"), NULL, CAN & ~NETCONF_CONFIRMED_COMMIT_1_1);
    expect_end(s, ERR_UNSUPPORTED, PROVISION_UNCHANGED, PROVISION_UNCHANGED);
    assert_non_null(strstr(s->diag.text, ":confirmed-commit"));
    scene_free(s);
}

static void
a_device_that_does_not_come_up_ends_it(void **state)
{
    (void)state;
    struct netconf_hello hello = {.capabilities = CAN};
    struct scene *s = scene_of(NULL, CONFIG("1"), NULL, 0);
    provision_up(s->p, 0, &hello, 0);
    run(s);
    s->now = provision_deadline(s->p);
    assert_int_equal(s->now, 30 * S);
    provision_tick(s->p, s->now);
    expect_end(s, ERR_TIMEOUT, PROVISION_ROLLED_BACK, PROVISION_UNCHANGED);
    assert_string_equal(s->diag.text, "pe2: connect: no connection in time");
    scene_free(s);
}

static void
an_owner_that_says_nothing_means_no(void **state)
{
    (void)state;
    struct provision_action a;
    struct scene *s = change(NULL, 0, ERR_OK);
    while (provision_next(s->p, &a)) {
        if (a.kind == PROVISION_ASK)
            answer(s, &a);
    }
    assert_int_equal(provision_deadline(s->p), 60 * S);
    provision_tick(s->p, 60 * S);
    expect_end(s, ERR_TIMEOUT, PROVISION_ROLLED_BACK, PROVISION_ROLLED_BACK);
    scene_free(s);
}

/* Whatever answer is missing or bad, at whatever place: it ends, and no device is left between. */
static void
it_ends_wherever_something_fails(void **state)
{
    (void)state;
    static const char *const operations[] = {
        "lock",   "discard-changes", "get-config", "edit-config",   "validate",
        "commit", "confirm",         "unlock",     "cancel-commit", "copy-config"};
    static const enum err errors[] = {ERR_INVALID, ERR_CLOSED, ERR_TIMEOUT};
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        for (size_t j = 0; j < ARRAY_SIZE(errors) * 4; j++) {
            struct scene *s = scene_of(NULL, CONFIG("1"), NULL, CAN | NETCONF_STARTUP);
            s->fail = operations[i];
            s->fail_err = errors[j / 4];
            s->fail_times = j & 1 ? UINT32_MAX : 1;
            s->verify_no = j & 2;
            while (run(s), !s->ended) { /* locks are waited for */
                assert_int_not_equal(provision_deadline(s->p), NSEC_NEVER);
                provision_tick(s->p, s->now = provision_deadline(s->p));
            }
            for (size_t k = 0; k < N; k++) {
                struct provision_report report;
                provision_report(s->p, k, &report);
                assert_int_not_equal(report.outcome, PROVISION_PENDING);
                assert_true(s->err || report.outcome == PROVISION_CHANGED);
                assert_true(!s->err || report.outcome != PROVISION_CHANGED);
            }
            scene_free(s);
        }
    }
}

TEST_MAIN(cmocka_unit_test(all_devices_get_it),
          cmocka_unit_test(running_is_locked_and_saved_where_that_is_needed),
          cmocka_unit_test(what_is_there_already_needs_nothing),
          cmocka_unit_test(a_dry_run_changes_nothing),
          cmocka_unit_test(a_refused_edit_ends_it_for_all),
          cmocka_unit_test(a_refused_commit_cancels_the_others),
          cmocka_unit_test(what_is_not_verified_is_cancelled),
          cmocka_unit_test(a_commit_that_did_nothing_is_noticed),
          cmocka_unit_test(a_device_that_is_lost_goes_back_alone),
          cmocka_unit_test(one_that_is_confirmed_already_is_edited_back),
          cmocka_unit_test(a_session_of_1_0_is_closed_to_go_back),
          cmocka_unit_test(locks_of_others_are_waited_for), cmocka_unit_test(but_not_for_ever),
          cmocka_unit_test(junos_has_other_words_for_a_lock),
          cmocka_unit_test(what_is_gone_is_not_deleted_of_1_0),
          cmocka_unit_test(what_is_of_others_is_not_taken),
          cmocka_unit_test(devices_must_be_able_to_go_back),
          cmocka_unit_test(a_device_that_does_not_come_up_ends_it),
          cmocka_unit_test(an_owner_that_says_nothing_means_no),
          cmocka_unit_test(it_ends_wherever_something_fails))
