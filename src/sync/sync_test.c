/* The origin, the copy and who keeps it, over a bus that can be cut. */
#include "base/alloc.h"
#include "bus/local.h"
#include "io/testing.h"
#include "io/timer.h"
#include "journal/journal.h"
#include "journal/reader.h"
#include "journal/verify.h"
#include "sync/follower.h"
#include "sync/origin.h"

#include <inttypes.h>

#define ORIGIN "substation-a"
#define READER "control-centre"

struct relayed {
    struct pair *pair;
    char *reply_to;
};

/* Two sites: the origin with its journal and bus, the reader with its copy and bus, and a link. */
struct pair {
    struct test_dir dir;
    char path[TEST_PATH_SIZE], copies[TEST_PATH_SIZE];
    uv_loop_t *loop;
    struct journal *journal;
    struct bus *origin_bus, *reader_bus; /* each site's own */
    struct bus *to_origin, *to_reader;   /* what leaves towards the other */
    struct bus_subscription *out, *news;
    struct sync_origin *origin;
    struct sync_follower *follower;
    bool cut;
    unsigned n_answers;
    void (*tamper)(json_t *answer);
    /* What was told. */
    uint64_t told, n_resets, reset_seq, lost_seq, bad;
    bool replaced, lost_replaced;
    char kept[REPLICA_PATH_SIZE];
    uint8_t hash[JOURNAL_HASH_SIZE];
    size_t body_size;
    bool closed;
};

/* ---- The link ---- */

static void
relay_answer(void *arg, const struct call_result *result)
{
    struct relayed *r = arg;
    struct pair *p = r->pair;
    if (result->err) {
        bus_reply_error(p->to_origin, r->reply_to, result->err, "%s", result->text);
    } else {
        json_t *answer = json_deep_copy(result->value);
        p->n_answers++;
        if (p->tamper)
            p->tamper(answer);
        bus_reply(p->to_origin, r->reply_to, answer);
    }
    free(r->reply_to);
    free(r);
}

static void
relay_request(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct pair *p = arg;
    if (p->cut) {
        bus_reply_error(bus, m->reply_to, ERR_CLOSED, "cut");
        return;
    }
    struct relayed *r = xcalloc(1, sizeof *r);
    *r = (struct relayed){p, xstrdup(m->reply_to)};
    assert_int_equal(bus_request(p->origin_bus, "from." READER ".sync.read",
                                 json_deep_copy(m->payload), NSEC_PER_SEC, relay_answer, r, NULL),
                     ERR_OK);
}

static void
relay_news(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct pair *p = arg;
    if (!p->cut)
        (void)bus_publish(p->reader_bus, "from." ORIGIN ".sync.head", json_incref(m->payload));
}

/* ---- The sites ---- */

static void
on_lost(void *arg, const char *reader, uint64_t seq, bool replaced)
{
    struct pair *p = arg;
    assert_string_equal(reader, READER);
    p->lost_seq = seq;
    p->lost_replaced = replaced;
}

static void
on_event(void *arg, const char *site, const struct journal_event *e)
{
    struct pair *p = arg;
    p->bad += strcmp(site, ORIGIN) || e->seq != p->told + 1;
    p->told = e->seq;
    p->body_size = e->body_size;
}

static void
on_reset(void *arg, const char *site UNUSED, uint64_t seq, bool replaced, const char *kept)
{
    struct pair *p = arg;
    p->n_resets++;
    p->reset_seq = seq;
    p->replaced = replaced;
    snprintf(p->kept, sizeof p->kept, "%s", kept);
    p->told = 0;
}

static void
note_closed(void *arg)
{
    ((struct pair *)arg)->closed = true;
}

static void
start_origin(struct pair *p)
{
    const struct journal_config config = {.site = ORIGIN};
    const struct sync_reader reader = {READER, p->to_reader};
    struct diag diag = {""};
    if (journal_open(p->loop, p->path, &config, &p->journal, &diag))
        fail_msg("%s", diag.text);
    const struct sync_origin_config origin = {.loop = p->loop,
                                              .journal = p->journal,
                                              .bus = p->origin_bus,
                                              .readers = &reader,
                                              .n_readers = 1,
                                              .lost = on_lost,
                                              .arg = p};
    assert_ok(sync_origin_new(&origin, &p->origin, &diag));
}

static void
stop_origin(struct pair *p)
{
    sync_origin_free(p->origin);
    p->closed = false;
    journal_close(p->journal, note_closed, p);
    RUN_UNTIL(p->loop, p->closed);
    p->origin = NULL;
    p->journal = NULL;
}

static enum err
try_to_follow(struct pair *p)
{
    struct diag diag = {""};
    const struct sync_follower_config config = {.loop = p->loop,
                                                .near = p->reader_bus,
                                                .far = p->to_origin,
                                                .site = ORIGIN,
                                                .directory = p->copies,
                                                .arg = p,
                                                .event = on_event,
                                                .reset = on_reset};
    p->told = 0;
    enum err err = sync_follower_new(&config, &p->follower, &diag);
    if (err && err != ERR_BUSY)
        fail_msg("%s", diag.text);
    return err;
}

static void
start_follower(struct pair *p)
{
    p->follower = NULL;
    while (try_to_follow(p) == ERR_BUSY) /* the one before stores what it had begun to */
        uv_run(p->loop, UV_RUN_NOWAIT);
}

static int
set_up(void **state)
{
    struct pair *p = xcalloc(1, sizeof *p);
    p->dir = test_dir_make();
    test_path(&p->dir, "journal.db", p->path);
    test_path(&p->dir, "copies", p->copies);
    p->loop = test_loop_new();
    p->origin_bus = bus_local_new(p->loop, 0, 0);
    p->reader_bus = bus_local_new(p->loop, 0, 0);
    p->to_origin = bus_local_new(p->loop, 0, 0);
    p->to_reader = bus_local_new(p->loop, 0, 0);
    assert_ok(bus_subscribe(p->to_origin, "sync.read", relay_request, p, &p->out));
    assert_ok(bus_subscribe(p->to_reader, "sync.head", relay_news, p, &p->news));
    start_origin(p);
    start_follower(p);
    *state = p;
    return 0;
}

static void
remove_files(const char *directory)
{
    char *command = xasprintf("rm -r '%s'", directory);
    assert_int_equal(system(command), 0);
    free(command);
}

static int
tear_down(void **state)
{
    struct pair *p = *state;
    sync_follower_free(p->follower);
    if (p->journal)
        stop_origin(p);
    bus_free(p->to_origin);
    bus_free(p->to_reader);
    bus_free(p->origin_bus);
    bus_free(p->reader_bus);
    test_loop_free(p->loop);
    remove_files(p->copies);
    test_dir_remove(&p->dir);
    free(p);
    return 0;
}

/* ---- Words ---- */

static void
count_done(void *arg, enum err err, uint64_t seq UNUSED, const char *why UNUSED)
{
    assert_ok(err);
    ++*(unsigned *)arg;
}

static void
append_body(struct pair *p, const char *body)
{
    unsigned done = 0;
    struct diag diag = {""};
    const struct journal_entry entry = {"test.happened", "thing/1", "alice", body, 0};
    if (journal_append(p->journal, &entry, 1, count_done, &done, &diag))
        fail_msg("%s", diag.text);
    RUN_UNTIL(p->loop, done);
}

static void
append(struct pair *p, unsigned n)
{
    unsigned done = 0;
    struct diag diag;
    for (unsigned i = 0; i < n; i++) {
        char body[64];
        snprintf(body, sizeof body, "{\"n\":%u,\"text\":\"\xc3\xa4\"}", i);
        const struct journal_entry entry = {"test.happened", "thing/1", "alice", body, 0};
        assert_ok(journal_append(p->journal, &entry, 1, count_done, &done, &diag));
    }
    RUN_UNTIL(p->loop, done == n);
}

static bool
is_level(const struct pair *p)
{
    return sync_follower_status(p->follower).state == SYNC_LEVEL &&
           p->told == journal_head(p->journal)->seq;
}

/* The copy is the journal, and sound. */
static void
assert_same(struct pair *p)
{
    struct journal_report report;
    struct diag diag = {""};
    const struct journal_head *head = journal_head(p->journal);
    RUN_UNTIL(p->loop, is_level(p));
    if (journal_verify(sync_follower_path(p->follower), head, &report, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(report.n_events, head->seq);
    assert_memory_equal(report.head.hash, head->hash, sizeof head->hash);
    assert_memory_equal(report.identity.id, journal_identity(p->journal)->id, JOURNAL_ID_SIZE);
    assert_int_equal(p->bad, 0);
}

static void
copy_file(const char *from, const char *to)
{
    char *command = xasprintf("cp '%s' '%s'", from, to);
    assert_int_equal(system(command), 0);
    free(command);
}

/* ---- Tests ---- */

static void
every_event_is_copied_and_told_once(void **state)
{
    struct pair *p = *state;
    append(p, 1);
    RUN_UNTIL(p->loop, p->told == 1);
    append(p, 5000);
    assert_same(p);
    assert_int_equal(sync_follower_status(p->follower).n_events, 5001);
}

static void
an_empty_journal_is_level(void **state)
{
    struct pair *p = *state;
    RUN_UNTIL(p->loop, sync_follower_status(p->follower).state == SYNC_LEVEL);
    assert_int_equal(p->told, 0);
}

static void
what_happened_while_cut_off_comes_later(void **state)
{
    struct pair *p = *state;
    append(p, 10);
    assert_same(p);
    p->cut = true;
    append(p, 3000);
    RUN_UNTIL(p->loop, sync_follower_status(p->follower).state == SYNC_AWAY);
    assert_int_equal(p->told, 10);
    assert_string_equal(sync_follower_status(p->follower).why, "cut");
    p->cut = false;
    assert_same(p);
}

static void
a_reader_that_was_restarted_goes_on(void **state)
{
    struct pair *p = *state;
    append(p, 100);
    assert_same(p);
    sync_follower_free(p->follower);
    append(p, 100);
    start_follower(p);
    assert_int_equal(p->told, 100); /* the old ones, at once */
    assert_same(p);
    assert_int_equal(sync_follower_status(p->follower).n_events, 100);
}

static void
a_reader_may_end_at_any_moment(void **state)
{
    struct pair *p = *state;
    for (unsigned i = 0; i < 40; i++) {
        append(p, 200);
        for (unsigned turn = 0; turn < i; turn++)
            uv_run(p->loop, UV_RUN_NOWAIT);
        sync_follower_free(p->follower);
        start_follower(p);
    }
    assert_same(p);
}

static void
an_origin_may_be_restarted(void **state)
{
    struct pair *p = *state;
    append(p, 10);
    assert_same(p);
    stop_origin(p);
    RUN_UNTIL(p->loop, sync_follower_status(p->follower).state == SYNC_AWAY);
    start_origin(p);
    append(p, 10);
    assert_same(p);
    assert_int_equal(p->n_resets, 0);
}

static void
an_event_too_large_for_a_message_comes_in_pieces(void **state)
{
    struct pair *p = *state;
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"text\":\"x");
    while (body.size < 3000000)
        buf_str(&body, "\xe2\x82\xac"); /* three octets: no piece ends where a character does */
    buf_str(&body, "\"}");
    append(p, 3);
    append_body(p, buf_cstr(&body));
    append(p, 3);
    p->told = 0;
    sync_follower_free(p->follower);
    start_follower(p);
    RUN_UNTIL(p->loop, p->told >= 4);
    assert_same(p);
    assert_true(p->n_answers >= 8);
    buf_fini(&body);
}

static void
a_journal_that_was_rolled_back_is_found_out(void **state)
{
    struct pair *p = *state;
    char old[TEST_PATH_SIZE];
    test_path(&p->dir, "old.db", old);
    append(p, 20);
    stop_origin(p);
    copy_file(p->path, old);
    start_origin(p);
    append(p, 30);
    assert_same(p);
    stop_origin(p);
    copy_file(old, p->path);
    start_origin(p);
    RUN_UNTIL(p->loop, p->n_resets == 1 && is_level(p));
    assert_false(p->replaced);
    assert_int_equal(p->reset_seq, 50);
    assert_int_equal(p->lost_seq, 50);
    assert_false(p->lost_replaced);
    assert_same(p);
    struct journal_report report; /* what was learned is kept, and is sound */
    struct diag diag = {""};
    if (journal_verify(p->kept, NULL, &report, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(report.n_events, 50);
}

static void
a_journal_that_went_on_differently_is_found_out(void **state)
{
    struct pair *p = *state;
    char old[TEST_PATH_SIZE];
    test_path(&p->dir, "old.db", old);
    append(p, 20);
    stop_origin(p);
    copy_file(p->path, old);
    start_origin(p);
    append(p, 5);
    assert_same(p);
    p->cut = true;
    stop_origin(p);
    copy_file(old, p->path);
    start_origin(p);
    append(p, 10);
    p->cut = false;
    RUN_UNTIL(p->loop, p->n_resets == 1);
    assert_same(p);
    assert_int_equal(p->lost_seq, 25);
}

static void
a_journal_on_a_new_disk_is_found_out(void **state)
{
    struct pair *p = *state;
    append(p, 20);
    assert_same(p);
    stop_origin(p);
    assert_int_equal(remove(p->path), 0);
    start_origin(p);
    append(p, 100);
    RUN_UNTIL(p->loop, p->n_resets == 1);
    assert_true(p->replaced);
    assert_int_equal(p->lost_seq, 20);
    assert_true(p->lost_replaced);
    assert_same(p);
}

static bool
note_and_go_on(void *arg, const struct journal_event *e)
{
    *(uint64_t *)arg = e->seq;
    return true;
}

/* Whoever has it open has its log, by name, which would be the next one's. */
static void
a_copy_that_is_read_is_not_put_aside_until_it_is_closed(void **state)
{
    struct pair *p = *state;
    struct journal_reader *reader;
    struct journal_report report;
    struct diag diag = {""};
    uint64_t seq = 0;
    append(p, 20);
    assert_same(p);
    assert_ok(journal_reader_open(sync_follower_path(p->follower), &reader, &diag));
    append(p, 300); /* are in the log alone, which the reader keeps */
    assert_same(p);
    assert_ok(journal_reader_read(reader, &(struct journal_query){.from = 1}, note_and_go_on, &seq,
                                  &diag));
    assert_int_equal(seq, 320);
    stop_origin(p);
    assert_int_equal(remove(p->path), 0);
    start_origin(p);
    append(p, 100);
    unsigned before = p->n_answers;
    RUN_UNTIL(p->loop, p->n_answers >= before + 3);
    assert_int_equal(p->n_resets, 0);
    assert_non_null(strstr(sync_follower_status(p->follower).why, "locked"));
    assert_ok(journal_reader_read(reader, &(struct journal_query){.from = 1}, note_and_go_on, &seq,
                                  &diag));
    assert_int_equal(seq, 320);
    journal_reader_close(reader);
    RUN_UNTIL(p->loop, p->n_resets == 1);
    assert_same(p);
    if (journal_verify(p->kept, NULL, &report, &diag))
        fail_msg("%s", diag.text);
    assert_int_equal(report.n_events, 320);
}

static void
a_journal_that_is_new_again_and_again_is_not_kept_each_time(void **state)
{
    struct pair *p = *state;
    for (uint64_t i = 0; i <= SYNC_ASIDES; i++) {
        append(p, 3);
        RUN_UNTIL(p->loop, p->n_resets == i);
        assert_same(p);
        stop_origin(p);
        assert_int_equal(remove(p->path), 0);
        start_origin(p);
    }
    append(p, 1);
    RUN_UNTIL(p->loop, sync_follower_status(p->follower).state == SYNC_BROKEN);
    assert_int_equal(p->n_resets, SYNC_ASIDES);
    assert_true(sync_follower_place(p->follower)->seq == 3);
}

static void
change_a_body(json_t *answer)
{
    json_t *event = json_array_get(json_object_get(answer, "events"), 2);
    if (event)
        json_array_set_new(event, 6, json_string("{\"n\":4711}"));
}

static void
leave_one_out(json_t *answer)
{
    json_array_remove(json_object_get(answer, "events"), 1);
}

static void
claim_another_site(json_t *answer)
{
    json_object_set_new(json_object_get(answer, "identity"), "site", json_string("substation-b"));
}

static void
send_nonsense(json_t *answer)
{
    json_object_set_new(answer, "events", json_pack("[[s]]", "what"));
}

static void
what_was_changed_on_the_way_is_not_taken(void **state)
{
    struct pair *p = *state;
    static void (*const ways[])(json_t *) = {change_a_body, leave_one_out, claim_another_site,
                                             send_nonsense};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        p->tamper = ways[i];
        append(p, 10);
        RUN_UNTIL(p->loop, sync_follower_status(p->follower).state == SYNC_BROKEN);
        assert_int_equal(p->told, 10 * i);
        p->tamper = NULL;
        assert_same(p);
    }
}

static void
who_does_not_follow_is_told_nothing(void **state)
{
    struct pair *p = *state;
    append(p, 10);
    assert_same(p);
    unsigned before = p->n_answers;
    struct relayed *r = xcalloc(1, sizeof *r);
    *r = (struct relayed){p, xstrdup("x")};
    (void)bus_request(p->origin_bus, "from.substation-b.sync.read", json_pack("{si}", "after", 0),
                      NSEC_PER_SEC, relay_answer, r, NULL);
    for (unsigned i = 0; i < 10; i++)
        uv_run(p->loop, UV_RUN_NOWAIT);
    assert_int_equal(p->n_answers, before); /* an error */
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_event_is_copied_and_told_once),
        TEST(an_empty_journal_is_level),
        TEST(what_happened_while_cut_off_comes_later),
        TEST(a_reader_that_was_restarted_goes_on),
        TEST(a_reader_may_end_at_any_moment),
        TEST(an_origin_may_be_restarted),
        TEST(an_event_too_large_for_a_message_comes_in_pieces),
        TEST(a_journal_that_was_rolled_back_is_found_out),
        TEST(a_journal_that_went_on_differently_is_found_out),
        TEST(a_journal_on_a_new_disk_is_found_out),
        TEST(a_copy_that_is_read_is_not_put_aside_until_it_is_closed),
        TEST(a_journal_that_is_new_again_and_again_is_not_kept_each_time),
        TEST(what_was_changed_on_the_way_is_not_taken),
        TEST(who_does_not_follow_is_told_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
