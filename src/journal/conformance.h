/* conformance.h - what every driver's journal does, written against journal.h, reader.h and
 * verify.h alone. A driver's test includes it and runs JOURNAL_CONFORMANCE. */
#ifndef JOURNAL_CONFORMANCE_H
#define JOURNAL_CONFORMANCE_H

#include "journal/testing.h"

#include <sys/wait.h>

/* ---- reading back */

/* The events read, as lines "seq epoch type object actor body". */
static bool
print_event(void *arg, const struct journal_event *event)
{
    buf_printf(arg, "%d %d %s %s %s %s\n", (int)event->seq, (int)event->epoch, event->type,
               event->object, event->actor, event->body);
    return true;
}

static void
assert_reads(struct scene *scene, const struct journal_query *query, const char *expected)
{
    struct buf text = BUF_INIT;
    assert_ok(journal_read(scene->journal, query, print_event, &text, NULL));
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

static void
a_new_journal_is_empty_and_knows_its_site(void **state)
{
    struct scene *scene = *state;
    scene_open(scene);
    assert_string_equal(journal_identity(scene->journal)->site, "substation-a");
    assert_int_equal(journal_identity(scene->journal)->epoch, 1);
    assert_int_equal(journal_head(scene->journal)->seq, 0);
    assert_reads(scene, &(struct journal_query){0}, "");
    assert_sound(scene->path, 0);
}

static void
what_is_appended_comes_back_octet_for_octet(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entries[] = {
        {"circuit.designed", "circuit/scada-rtu-a", "alice", "{ \"n\" : 1.50 }", 0},
        {"circuit.approved", "circuit/schutz-ü", "Jürgen", "{\"note\":\"gepr\\u00fcft ✓\"}", 0},
        {"node.adopted", "node/sw1", "system/lan", "{}", 0},
    };
    scene_open(scene);
    assert_int_equal(append_and_wait(scene, entries, 3).first_seq, 1);
    assert_reads(scene, &(struct journal_query){0},
                 "1 1 circuit.designed circuit/scada-rtu-a alice { \"n\" : 1.50 }\n"
                 "2 1 circuit.approved circuit/schutz-ü Jürgen {\"note\":\"gepr\\u00fcft ✓\"}\n"
                 "3 1 node.adopted node/sw1 system/lan {}\n");
}

struct links {
    struct journal_hasher hasher;
    uint8_t previous[JOURNAL_HASH_SIZE];
    unsigned n;
};

static bool
check_link_of_event(void *arg, const struct journal_event *event)
{
    struct links *links = arg;
    uint8_t hash[JOURNAL_HASH_SIZE];
    journal_event_hash(&links->hasher, event, hash);
    assert_memory_equal(event->prev_hash, links->previous, JOURNAL_HASH_SIZE);
    assert_memory_equal(event->hash, hash, JOURNAL_HASH_SIZE);
    assert_string_equal(event->site, "substation-a");
    memcpy(links->previous, event->hash, JOURNAL_HASH_SIZE);
    links->n++;
    return true;
}

static void
events_form_a_chain_from_the_identity_to_the_head(void **state)
{
    struct scene *scene = *state;
    struct links links = {.n = 0};
    scene_open(scene);
    append_numbered(scene, 1, 5);
    append_numbered(scene, 6, 10);
    journal_hasher_init(&links.hasher);
    journal_identity_hash(&links.hasher, journal_identity(scene->journal), links.previous);
    assert_ok(journal_read(scene->journal, &(struct journal_query){0}, check_link_of_event, &links,
                           NULL));
    assert_int_equal(links.n, 10);
    assert_int_equal(journal_head(scene->journal)->seq, 10);
    assert_memory_equal(journal_head(scene->journal)->hash, links.previous, JOURNAL_HASH_SIZE);
    journal_hasher_fini(&links.hasher);
}

static void
a_query_selects(void **state)
{
    struct scene *scene = *state;
    struct journal_entry entries[] = {
        {"circuit.designed", "circuit/a", "x", "{}", 0},
        {"circuit.built", "circuit/b", "y", "{}", 0},
        {"circuits.bulk", "circuit/a", "x", "{}", 0},
        {"circuit.built", "circuit/a", "x", "{}", 0},
        {"node.adopted", "circuit/a", "x", "{}", 0},
    };
    scene_open(scene);
    append_and_wait(scene, entries, ARRAY_SIZE(entries));
    assert_reads(scene, &(struct journal_query){.type_prefix = "circuit."},
                 "1 1 circuit.designed circuit/a x {}\n2 1 circuit.built circuit/b y {}\n"
                 "4 1 circuit.built circuit/a x {}\n");
    assert_reads(scene, &(struct journal_query){.object = "circuit/a", .from = 2},
                 "3 1 circuits.bulk circuit/a x {}\n4 1 circuit.built circuit/a x {}\n"
                 "5 1 node.adopted circuit/a x {}\n");
    assert_reads(scene,
                 &(struct journal_query){
                     .object = "circuit/a", .type_prefix = "circuit.", .from = 1, .limit = 1},
                 "1 1 circuit.designed circuit/a x {}\n");
    assert_reads(scene, &(struct journal_query){.from = 2, .to = 2},
                 "2 1 circuit.built circuit/b y {}\n");
    assert_reads(scene, &(struct journal_query){.object = "circuit/a", .to = 3, .limit = 2},
                 "1 1 circuit.designed circuit/a x {}\n3 1 circuits.bulk circuit/a x {}\n");
    assert_reads(scene, &(struct journal_query){.from = 3, .to = 2}, "");
    assert_reads(scene, &(struct journal_query){.actor = "y"},
                 "2 1 circuit.built circuit/b y {}\n");
    assert_reads(scene, &(struct journal_query){.actor = "x", .type_prefix = "circuit.built"},
                 "4 1 circuit.built circuit/a x {}\n");
    assert_reads(scene, &(struct journal_query){.from = 6}, "");
    assert_reads(scene, &(struct journal_query){.from = UINT64_MAX}, "");
    assert_reads(scene, &(struct journal_query){.object = "circuit/' OR 1"}, "");
}

static bool
take_two(void *arg, const struct journal_event *event UNUSED)
{
    return ++*(unsigned *)arg < 2;
}

static void
a_reader_may_stop(void **state)
{
    struct scene *scene = *state;
    unsigned n = 0;
    scene_open(scene);
    append_numbered(scene, 1, 9);
    assert_ok(journal_read(scene->journal, &(struct journal_query){0}, take_two, &n, NULL));
    assert_int_equal(n, 2);
}

static bool
read_again(void *arg, const struct journal_event *event UNUSED)
{
    struct scene *scene = arg;
    unsigned n = 0;
    assert_err(journal_read(scene->journal, &(struct journal_query){0}, take_two, &n, NULL),
               ERR_BUSY);
    return true;
}

static void
a_read_inside_a_read_is_refused(void **state)
{
    struct scene *scene = *state;
    scene_open(scene);
    append_numbered(scene, 1, 2);
    assert_ok(journal_read(scene->journal, &(struct journal_query){0}, read_again, scene, NULL));
}

static void
a_reader_beside_the_writer_sees_what_is_durable(void **state)
{
    struct scene *scene = *state;
    struct journal_reader *reader;
    struct buf text = BUF_INIT;
    scene_open(scene);
    assert_ok(journal_reader_open(scene->path, &reader, NULL));
    append_numbered(scene, 1, 1);
    assert_ok(journal_reader_read(reader, &(struct journal_query){0}, print_event, &text, NULL));
    append_numbered(scene, 2, 2);
    assert_ok(
        journal_reader_read(reader, &(struct journal_query){.from = 2}, print_event, &text, NULL));
    assert_string_equal(buf_cstr(&text), "1 1 circuit.designed circuit/1 alice {\"number\":1}\n"
                                         "2 1 circuit.designed circuit/2 alice {\"number\":2}\n");
    assert_string_equal(journal_reader_identity(reader)->site, "substation-a");
    journal_reader_close(reader);
    buf_fini(&text);
}

/* ---- appending */

static void
count_done(void *arg, enum err err, uint64_t first_seq, const char *why UNUSED)
{
    uint64_t *next = arg;
    assert_ok(err);
    assert_int_equal(first_seq, *next);
    *next += 2;
}

static void
seqs_follow_the_order_of_the_appends(void **state)
{
    struct scene *scene = *state;
    uint64_t next = 1;
    scene_open(scene);
    for (unsigned i = 0; i < 500; i++) {
        struct journal_entry entries[] = {numbered_entry(2 * i), numbered_entry(2 * i + 1)};
        assert_ok(journal_append(scene->journal, entries, 2, count_done, &next, NULL));
        if (i % 7 == 0)
            uv_run(scene->loop, UV_RUN_NOWAIT);
    }
    RUN_UNTIL(scene->loop, next == 1001);
    assert_sound(scene->path, 1000);
}

static void
done_is_never_called_from_inside_append(void **state)
{
    struct scene *scene = *state;
    struct outcome outcome = {0};
    struct journal_entry entry = numbered_entry(1);
    scene_open(scene);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    assert_int_equal(outcome.n_calls, 0);
    assert_int_equal(journal_health(scene->journal).n_queued, 1);
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_string_equal(outcome.why, "");
    assert_int_equal(journal_health(scene->journal).n_queued, 0);
}

static void
the_loop_lives_until_everything_is_durable_and_no_longer(void **state)
{
    struct scene *scene = *state;
    struct outcome outcome = {0};
    struct journal_entry entry = numbered_entry(1);
    scene_open(scene);
    assert_int_equal(uv_run(scene->loop, UV_RUN_DEFAULT), 0);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    assert_int_equal(uv_run(scene->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(outcome.n_calls, 1);
}

static void
a_batch_with_one_bad_entry_is_refused_whole(void **state)
{
    struct scene *scene = *state;
    struct diag diag = {""};
    struct journal_entry entries[] = {numbered_entry(1), numbered_entry(2), numbered_entry(3)};
    entries[1].body = "{";
    scene_open(scene);
    assert_err(journal_append(scene->journal, entries, 3, keep_outcome, NULL, &diag),
               ERR_MALFORMED);
    assert_non_null(strstr(diag.text, "event 2 of 3: body"));
    assert_err(journal_append(scene->journal, entries, 0, keep_outcome, NULL, NULL), ERR_INVALID);
    entries[0].type = "journal.epoch";
    assert_err(journal_append(scene->journal, entries, 1, keep_outcome, NULL, &diag), ERR_INVALID);
    assert_non_null(strstr(diag.text, "the journal's own"));
    append_numbered(scene, 7, 7);
    assert_reads(scene, &(struct journal_query){0},
                 "1 1 circuit.designed circuit/7 alice {\"number\":7}\n");
}

static void
the_callers_texts_may_change_after_the_append(void **state)
{
    struct scene *scene = *state;
    struct outcome outcome = {0};
    char body[] = "{\"a\":1}";
    struct journal_entry entry = {"t", "o", "a", body, 0};
    scene_open(scene);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    memset(body, 'x', sizeof body - 1);
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_reads(scene, &(struct journal_query){0}, "1 1 t o a {\"a\":1}\n");
}

static void
the_queue_is_bounded(void **state)
{
    struct scene *scene = *state;
    struct outcome outcomes[3] = {{0}};
    struct journal_entry entries[5];
    struct diag diag = {""};
    for (unsigned i = 0; i < 5; i++)
        entries[i] = numbered_entry(i);
    scene_open_with(scene, &(struct journal_config){.site = "substation-a", .queue_events = 4});
    assert_err(journal_append(scene->journal, entries, 5, keep_outcome, NULL, &diag), ERR_LIMIT);
    assert_ok(journal_append(scene->journal, entries, 3, keep_outcome, &outcomes[0], NULL));
    assert_err(journal_append(scene->journal, entries, 2, keep_outcome, NULL, &diag), ERR_BUSY);
    assert_string_equal(diag.text, "journal: 3 events wait for the disk");
    assert_ok(journal_append(scene->journal, entries, 1, keep_outcome, &outcomes[1], NULL));
    RUN_UNTIL(scene->loop, outcomes[1].n_calls);
    assert_ok(journal_append(scene->journal, entries, 4, keep_outcome, &outcomes[2], NULL));
    RUN_UNTIL(scene->loop, outcomes[2].n_calls);
    assert_int_equal(outcomes[2].first_seq, 5);
}

static void
the_queues_memory_is_bounded(void **state)
{
    struct scene *scene = *state;
    char body[4096];
    struct journal_entry entry = {"t", "o", "a", body, 0};
    memset(body, ' ', sizeof body);
    memcpy(body, "{}", 2);
    body[sizeof body - 1] = '\0';
    scene_open_with(scene, &(struct journal_config){.site = "substation-a", .queue_octets = 10000});
    assert_ok(journal_append(scene->journal, &entry, 1, NULL, NULL, NULL));
    assert_ok(journal_append(scene->journal, &entry, 1, NULL, NULL, NULL));
    assert_err(journal_append(scene->journal, &entry, 1, NULL, NULL, NULL), ERR_BUSY);
}

static void
more_than_one_transaction_holds_is_stored_in_order(void **state)
{
    struct scene *scene = *state;
    enum { N = 10000 };
    struct journal_entry *entries = xcalloc(N, sizeof *entries);
    struct outcome outcomes[3] = {{0}};
    for (unsigned i = 0; i < N; i++)
        entries[i] = (struct journal_entry){"t", "o", "a", "{}", 0};
    scene_open(scene);
    for (unsigned i = 0; i < 3; i++)
        assert_ok(journal_append(scene->journal, entries, N, keep_outcome, &outcomes[i], NULL));
    RUN_UNTIL(scene->loop, outcomes[2].n_calls);
    assert_int_equal(outcomes[0].first_seq, 1);
    assert_int_equal(outcomes[1].first_seq, N + 1);
    assert_int_equal(outcomes[2].first_seq, 2 * N + 1);
    assert_sound(scene->path, 3 * N);
    free(entries);
}

/* ---- listening */

struct listener {
    struct scene *scene;
    struct journal_subscription *subscription;
    struct buf heard; /* the seqs, one per line */
    uint64_t stop_at; /* it unsubscribes inside the call for this seq */
    struct listener *subscribes_at_2;
};

static void
hear(void *arg, const struct journal_event *event)
{
    struct listener *listener = arg;
    buf_printf(&listener->heard, "%d ", (int)event->seq);
    if (event->seq == listener->stop_at)
        journal_unsubscribe(listener->subscription);
    if (event->seq == 2 && listener->subscribes_at_2)
        assert_ok(journal_subscribe(listener->scene->journal, 0, hear, listener->subscribes_at_2,
                                    &listener->subscribes_at_2->subscription, NULL));
}

static void
assert_heard(struct listener *listener, const char *expected)
{
    assert_string_equal(buf_cstr(&listener->heard), expected);
    buf_fini(&listener->heard);
}

static void
note_heard_so_far(void *arg, enum err err, uint64_t first_seq, const char *why UNUSED)
{
    struct listener *listener = arg;
    assert_ok(err);
    buf_printf(&listener->heard, "done %d ", (int)first_seq);
}

static void
listeners_hear_every_event_once_in_order_and_before_its_done(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {.scene = scene};
    struct journal_entry entries[] = {numbered_entry(1), numbered_entry(2)};
    struct outcome outcome = {0};
    scene_open(scene);
    assert_ok(journal_subscribe(scene->journal, 0, hear, &listener, &listener.subscription, NULL));
    for (unsigned i = 0; i < 2; i++)
        assert_ok(journal_append(scene->journal, entries, 2, note_heard_so_far, &listener, NULL));
    assert_ok(journal_append(scene->journal, entries, 1, keep_outcome, &outcome, NULL));
    RUN_UNTIL(scene->loop, outcome.n_calls);
    assert_heard(&listener, "1 2 done 1 3 4 done 3 5 ");
}

static void
a_subscription_replays_and_then_follows_without_a_gap(void **state)
{
    struct scene *scene = *state;
    struct listener early = {.scene = scene}, late = {.scene = scene};
    struct outcome outcome = {0};
    struct journal_entry entry = numbered_entry(5);
    scene_open(scene);
    append_numbered(scene, 1, 4);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    assert_ok(journal_subscribe(scene->journal, 3, hear, &early, &early.subscription, NULL));
    assert_ok(journal_subscribe(scene->journal, 7, hear, &late, &late.subscription, NULL));
    RUN_UNTIL(scene->loop, outcome.n_calls);
    append_numbered(scene, 6, 8);
    assert_heard(&early, "3 4 5 6 7 8 ");
    assert_heard(&late, "7 8 ");
}

static bool
sees_five(struct scene *scene)
{
    unsigned n = 1; /* take_two() is satisfied with one more */
    assert_ok(journal_read(scene->journal, &(struct journal_query){.from = 5}, take_two, &n, NULL));
    return n == 2;
}

static void
what_a_replay_delivered_is_not_delivered_again(void **state)
{
    struct scene *scene = *state;
    struct listener listener = {.scene = scene};
    struct outcome outcome = {0};
    struct journal_entry entry = numbered_entry(5);
    scene_open(scene);
    append_numbered(scene, 1, 4);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    uv_run(scene->loop, UV_RUN_NOWAIT); /* the writer has it; the loop does not know how it went */
    while (!outcome.n_calls && !sees_five(scene))
        usleep(100);
    assert_int_equal(outcome.n_calls, 0);
    assert_ok(journal_subscribe(scene->journal, 1, hear, &listener, &listener.subscription, NULL));
    RUN_UNTIL(scene->loop, outcome.n_calls);
    append_numbered(scene, 6, 6);
    assert_heard(&listener, "1 2 3 4 5 6 ");
}

static void
listeners_come_and_go_inside_callbacks(void **state)
{
    struct scene *scene = *state;
    struct listener second = {.scene = scene};
    struct listener first = {.scene = scene, .stop_at = 3, .subscribes_at_2 = &second};
    scene_open(scene);
    assert_ok(journal_subscribe(scene->journal, 0, hear, &first, &first.subscription, NULL));
    append_numbered(scene, 1, 4);
    append_numbered(scene, 5, 5);
    journal_unsubscribe(second.subscription);
    append_numbered(scene, 6, 6);
    assert_heard(&first, "1 2 3 ");
    assert_heard(&second, "3 4 5 ");
    journal_unsubscribe(NULL);
}

/* ---- time and epochs */

static nsec_t clock_now;

static nsec_t
hand_clock(void)
{
    return clock_now;
}

static bool
print_time(void *arg, const struct journal_event *event)
{
    buf_printf(arg, "%d@%d/%d ", (int)event->seq, (int)event->time, (int)event->epoch);
    return true;
}

static void
assert_times(struct scene *scene, const char *expected)
{
    struct buf text = BUF_INIT;
    assert_ok(journal_read(scene->journal, &(struct journal_query){0}, print_time, &text, NULL));
    assert_string_equal(buf_cstr(&text), expected);
    buf_fini(&text);
}

static void
append_at(struct scene *scene, nsec_t clock, nsec_t time)
{
    struct journal_entry entry = numbered_entry(1);
    clock_now = clock;
    entry.time = time;
    assert_ok(append_and_wait(scene, &entry, 1).err);
}

static const struct journal_config hand_clocked = {.site = "substation-a", .clock = hand_clock};

static void
time_never_runs_backwards(void **state)
{
    struct scene *scene = *state;
    scene_open_with(scene, &hand_clocked);
    append_at(scene, 100, 0);
    append_at(scene, 90, 0);
    append_at(scene, 90, 95);
    append_at(scene, 90, 110);
    append_at(scene, 105, 0);
    scene_close(scene);
    scene_open_with(scene, &hand_clocked);
    append_at(scene, 50, 0);
    assert_times(scene, "1@100/1 2@100/1 3@100/1 4@110/1 5@110/1 6@110/1 ");
    assert_sound(scene->path, 6);
}

static struct outcome
begin_epoch_and_wait(struct scene *scene, uint64_t epoch)
{
    struct outcome outcome = {0};
    assert_ok(journal_begin_epoch(scene->journal, epoch, "operator", "disk \"2\" replaced",
                                  keep_outcome, &outcome, NULL));
    RUN_UNTIL(scene->loop, outcome.n_calls);
    return outcome;
}

static void
a_new_epoch_frees_the_time_and_is_kept(void **state)
{
    struct scene *scene = *state;
    scene_open_with(scene, &hand_clocked);
    append_at(scene, 100, 0);
    clock_now = 40;
    assert_int_equal(begin_epoch_and_wait(scene, 0).first_seq, 2);
    append_at(scene, 30, 0);
    assert_ok(begin_epoch_and_wait(scene, 7).err);
    assert_int_equal(journal_head(scene->journal)->epoch, 7);
    scene_close(scene);
    scene_open_with(scene, &hand_clocked);
    append_at(scene, 35, 0);
    assert_times(scene, "1@100/1 2@40/2 3@40/2 4@30/7 5@35/7 ");
    assert_reads(scene, &(struct journal_query){.type_prefix = "journal.", .limit = 1},
                 "2 2 journal.epoch journal operator {\"reason\":\"disk \\\"2\\\" replaced\"}\n");
    assert_sound(scene->path, 5);
}

static void
an_epoch_that_is_past_is_refused_alone(void **state)
{
    struct scene *scene = *state;
    struct outcome before = {0}, epoch = {0}, after = {0};
    struct journal_entry entry = numbered_entry(1);
    scene_open_with(scene, &(struct journal_config){.site = "substation-a", .epoch = 5});
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &before, NULL));
    assert_ok(journal_begin_epoch(scene->journal, 5, "a", "r", keep_outcome, &epoch, NULL));
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &after, NULL));
    RUN_UNTIL(scene->loop, after.n_calls);
    assert_int_equal(before.first_seq, 1);
    assert_err(epoch.err, ERR_CONFLICT);
    assert_string_equal(epoch.why, "epoch 5 is not after epoch 5");
    assert_int_equal(after.first_seq, 2);
    assert_ok(journal_health(scene->journal).err);
    assert_int_equal(journal_head(scene->journal)->epoch, 5);
    assert_err(journal_begin_epoch(scene->journal, 0, "a", "", NULL, NULL, NULL), ERR_OK);
    assert_err(journal_begin_epoch(scene->journal, 0, "", "r", NULL, NULL, NULL), ERR_INVALID);
    assert_err(journal_begin_epoch(scene->journal, 0, "a", "\xff", NULL, NULL, NULL), ERR_INVALID);
    assert_err(journal_begin_epoch(scene->journal, UINT64_MAX, "a", "r", NULL, NULL, NULL),
               ERR_LIMIT);
}

/* ---- opening and closing */

static void
a_reopened_journal_goes_on(void **state)
{
    struct scene *scene = *state;
    scene_open(scene);
    append_numbered(scene, 1, 2);
    struct journal_head head = *journal_head(scene->journal);
    struct journal_identity identity = *journal_identity(scene->journal);
    scene_close(scene);
    scene_open_with(scene, &(struct journal_config){.site = NULL});
    assert_memory_equal(journal_head(scene->journal), &head, sizeof head);
    assert_memory_equal(journal_identity(scene->journal)->id, identity.id, JOURNAL_ID_SIZE);
    append_numbered(scene, 3, 3);
    assert_int_equal(journal_head(scene->journal)->seq, 3);
    assert_sound(scene->path, 3);
}

static void
a_second_writer_is_refused(void **state)
{
    struct scene *scene = *state;
    struct journal *second;
    struct diag diag = {""};
    scene_open(scene);
    assert_err(journal_open(scene->loop, scene->path, &scene_config, &second, &diag), ERR_BUSY);
    assert_non_null(strstr(diag.text, "in use by another writer"));
    pid_t child = fork();
    if (!child)
        _exit((int)journal_open(NULL, scene->path, &scene_config, &second, NULL));
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(WEXITSTATUS(status), ERR_BUSY);
    append_numbered(scene, 1, 1);
    scene_close(scene);
    scene_open(scene);
    append_numbered(scene, 2, 2);
    assert_sound(scene->path, 2);
}

static void
another_sites_journal_is_refused(void **state)
{
    struct scene *scene = *state;
    struct journal_config other = {.site = "substation-b"};
    struct diag diag = {""};
    scene_open(scene);
    scene_close(scene);
    assert_err(journal_open(scene->loop, scene->path, &other, &scene->journal, &diag),
               ERR_CONFLICT);
    assert_non_null(strstr(diag.text, "the journal of site substation-a, not of substation-b"));
    assert_null(scene->journal);
}

static void
no_journal_is_made_without_a_site(void **state)
{
    struct scene *scene = *state;
    struct journal_reader *reader;
    struct journal_report report;
    struct journal_config nobody = {.site = NULL}, bad = {.site = "Not A Site"};
    assert_err(journal_open(scene->loop, scene->path, &nobody, &scene->journal, NULL),
               ERR_NOT_FOUND);
    assert_err(journal_open(scene->loop, scene->path, &bad, &scene->journal, NULL), ERR_INVALID);
    assert_err(journal_reader_open(scene->path, &reader, NULL), ERR_NOT_FOUND);
    assert_err(journal_verify(scene->path, NULL, &report, NULL), ERR_NOT_FOUND);
}

static void
closing_finishes_what_was_appended_and_takes_no_more(void **state)
{
    struct scene *scene = *state;
    struct outcome outcome = {0};
    struct journal_entry entry = numbered_entry(1);
    bool closed = false;
    scene_open(scene);
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &outcome, NULL));
    journal_close(scene->journal, note_closed, &closed);
    assert_err(journal_append(scene->journal, &entry, 1, keep_outcome, NULL, NULL), ERR_CLOSED);
    assert_err(journal_begin_epoch(scene->journal, 0, "a", "r", NULL, NULL, NULL), ERR_CLOSED);
    assert_false(closed);
    RUN_UNTIL(scene->loop, closed);
    scene->journal = NULL;
    assert_int_equal(outcome.n_calls, 1);
    assert_ok(outcome.err);
    assert_sound(scene->path, 1);
    journal_close(NULL, NULL, NULL);
}

static void
close_journal(void *arg, enum err err UNUSED, uint64_t first_seq UNUSED, const char *why UNUSED)
{
    struct scene *scene = arg;
    journal_close(scene->journal, NULL, NULL);
}

static void
a_journal_may_be_closed_from_its_own_callback(void **state)
{
    struct scene *scene = *state;
    struct outcome last = {0};
    struct journal_entry entry = numbered_entry(1);
    scene_open(scene);
    assert_ok(journal_append(scene->journal, &entry, 1, close_journal, scene, NULL));
    assert_ok(journal_append(scene->journal, &entry, 1, keep_outcome, &last, NULL));
    uv_run(scene->loop, UV_RUN_DEFAULT);
    scene->journal = NULL;
    assert_int_equal(last.n_calls, 1);
    assert_sound(scene->path, 2);
}

static void
a_program_without_a_loop_appends_at_once(void **state)
{
    struct scene *scene = *state;
    struct journal *journal;
    struct listener listener = {0};
    struct outcome outcome = {0};
    struct journal_entry entries[] = {numbered_entry(1), numbered_entry(2)};
    uint64_t seq = 0;
    bool closed = false;
    assert_ok(journal_open(NULL, scene->path, &scene_config, &journal, NULL));
    assert_ok(journal_subscribe(journal, 1, hear, &listener, &listener.subscription, NULL));
    assert_ok(journal_append_sync(journal, entries, 2, NULL, NULL));
    assert_ok(journal_append_sync(journal, entries, 1, &seq, NULL));
    assert_int_equal(seq, 3);
    assert_ok(journal_begin_epoch(journal, 0, "a", "r", keep_outcome, &outcome, NULL));
    assert_int_equal(outcome.first_seq, 4);
    assert_err(journal_append(journal, entries, 1, NULL, NULL, NULL), ERR_INVALID);
    journal_close(journal, note_closed, &closed);
    assert_true(closed);
    assert_heard(&listener, "1 2 3 4 ");
    assert_sound(scene->path, 4);
    scene_open(scene);
    assert_err(journal_append_sync(scene->journal, entries, 1, NULL, NULL), ERR_INVALID);
}

struct nested {
    struct journal *journal;
    struct journal_subscription *subscription;
    unsigned n_heard;
    bool closed;
};

static void
append_again(void *arg, const struct journal_event *event UNUSED)
{
    struct nested *nested = arg;
    struct journal_entry entry = numbered_entry(9);
    assert_err(journal_append_sync(nested->journal, &entry, 1, NULL, NULL), ERR_BUSY);
    nested->n_heard++;
    if (nested->n_heard == 2)
        journal_close(nested->journal, note_closed, &nested->closed);
    assert_false(nested->closed);
}

static void
without_a_loop_a_callback_may_close_but_not_append(void **state)
{
    struct scene *scene = *state;
    struct nested nested = {.n_heard = 0};
    struct journal_entry entry = numbered_entry(1);
    assert_ok(journal_open(NULL, scene->path, &scene_config, &nested.journal, NULL));
    assert_ok(journal_append_sync(nested.journal, &entry, 1, NULL, NULL));
    assert_ok(
        journal_subscribe(nested.journal, 1, append_again, &nested, &nested.subscription, NULL));
    assert_ok(journal_append_sync(nested.journal, &entry, 1, NULL, NULL));
    assert_true(nested.closed);
    assert_int_equal(nested.n_heard, 2);
    assert_sound(scene->path, 2);
}

static bool
close_while_reading(void *arg, const struct journal_event *event UNUSED)
{
    struct nested *nested = arg;
    journal_close(nested->journal, note_closed, &nested->closed);
    assert_false(nested->closed);
    nested->n_heard++;
    return true;
}

static void
without_a_loop_a_journal_may_be_closed_while_it_is_read(void **state)
{
    struct scene *scene = *state;
    struct nested nested = {.n_heard = 0};
    scene_open(scene);
    append_numbered(scene, 1, 3);
    scene_close(scene);
    assert_ok(journal_open(NULL, scene->path, &scene_config, &nested.journal, NULL));
    assert_ok(journal_read(nested.journal, &(struct journal_query){0}, close_while_reading, &nested,
                           NULL));
    assert_true(nested.closed);
    assert_int_equal(nested.n_heard, 3);
}

static void
there_is_no_epoch_after_the_last(void **state)
{
    struct scene *scene = *state;
    scene_open_with(scene, &(struct journal_config){.site = "substation-a", .epoch = INT64_MAX});
    struct outcome outcome = begin_epoch_and_wait(scene, 0);
    assert_err(outcome.err, ERR_CONFLICT);
    append_numbered(scene, 1, 1);
    assert_sound(scene->path, 1);
}

#define JOURNAL_CONFORMANCE                                                                        \
    TEST_IN_SCENE(a_new_journal_is_empty_and_knows_its_site),                                      \
        TEST_IN_SCENE(what_is_appended_comes_back_octet_for_octet),                                \
        TEST_IN_SCENE(events_form_a_chain_from_the_identity_to_the_head),                          \
        TEST_IN_SCENE(a_query_selects), TEST_IN_SCENE(a_reader_may_stop),                          \
        TEST_IN_SCENE(a_read_inside_a_read_is_refused),                                            \
        TEST_IN_SCENE(a_reader_beside_the_writer_sees_what_is_durable),                            \
        TEST_IN_SCENE(seqs_follow_the_order_of_the_appends),                                       \
        TEST_IN_SCENE(done_is_never_called_from_inside_append),                                    \
        TEST_IN_SCENE(the_loop_lives_until_everything_is_durable_and_no_longer),                   \
        TEST_IN_SCENE(a_batch_with_one_bad_entry_is_refused_whole),                                \
        TEST_IN_SCENE(the_callers_texts_may_change_after_the_append),                              \
        TEST_IN_SCENE(the_queue_is_bounded), TEST_IN_SCENE(the_queues_memory_is_bounded),          \
        TEST_IN_SCENE(more_than_one_transaction_holds_is_stored_in_order),                         \
        TEST_IN_SCENE(listeners_hear_every_event_once_in_order_and_before_its_done),               \
        TEST_IN_SCENE(a_subscription_replays_and_then_follows_without_a_gap),                      \
        TEST_IN_SCENE(what_a_replay_delivered_is_not_delivered_again),                             \
        TEST_IN_SCENE(listeners_come_and_go_inside_callbacks),                                     \
        TEST_IN_SCENE(time_never_runs_backwards),                                                  \
        TEST_IN_SCENE(a_new_epoch_frees_the_time_and_is_kept),                                     \
        TEST_IN_SCENE(an_epoch_that_is_past_is_refused_alone),                                     \
        TEST_IN_SCENE(a_reopened_journal_goes_on), TEST_IN_SCENE(a_second_writer_is_refused),      \
        TEST_IN_SCENE(another_sites_journal_is_refused),                                           \
        TEST_IN_SCENE(no_journal_is_made_without_a_site),                                          \
        TEST_IN_SCENE(closing_finishes_what_was_appended_and_takes_no_more),                       \
        TEST_IN_SCENE(a_journal_may_be_closed_from_its_own_callback),                              \
        TEST_IN_SCENE(a_program_without_a_loop_appends_at_once),                                   \
        TEST_IN_SCENE(without_a_loop_a_callback_may_close_but_not_append),                         \
        TEST_IN_SCENE(without_a_loop_a_journal_may_be_closed_while_it_is_read),                    \
        TEST_IN_SCENE(there_is_no_epoch_after_the_last)

#endif
