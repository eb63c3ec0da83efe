#include "tielined/refusals.h"

#include "base/alloc.h"
#include "gateway/denials.h"
#include "io/testing.h"

#include <jansson.h>
#include <string.h>

struct recorded {
    struct test_dir dir;
    uv_loop_t *loop;
    struct journal *journal;
    struct journal_subscription *subscription;
    struct refusals *refusals;
    unsigned n;
    json_t *last; /* body */
    char object[100];
    bool closed;
};

static void
on_event(void *arg, const struct journal_event *e)
{
    struct recorded *r = arg;
    assert_string_equal(e->type, "bus.refused");
    assert_string_equal(e->actor, "system/tielined");
    snprintf(r->object, sizeof r->object, "%s", e->object);
    json_decref(r->last);
    r->last = json_loadb(e->body, e->body_size, 0, NULL);
    r->n++;
}

static void
on_closed(void *arg)
{
    ((struct recorded *)arg)->closed = true;
}

static int
set_up(void **state)
{
    struct recorded *r = xcalloc(1, sizeof *r);
    const struct journal_config config = {.site = "sub-a"};
    char path[TEST_PATH_SIZE];
    struct diag diag = {""};
    r->dir = test_dir_make();
    r->loop = test_loop_new();
    assert_ok(journal_open(r->loop, test_path(&r->dir, "j.db", path), &config, &r->journal, &diag));
    assert_ok(journal_subscribe(r->journal, 1, on_event, r, &r->subscription, &diag));
    r->refusals = refusals_new(r->journal);
    *state = r;
    return 0;
}

static int
tear_down(void **state)
{
    struct recorded *r = *state;
    refusals_free(r->refusals);
    journal_unsubscribe(r->subscription);
    journal_close(r->journal, on_closed, r);
    RUN_UNTIL(r->loop, r->closed);
    test_loop_free(r->loop);
    test_dir_remove(&r->dir);
    json_decref(r->last);
    free(r);
    return 0;
}

static const char *
last(const struct recorded *r, const char *member)
{
    return json_string_value(json_object_get(r->last, member));
}

static void
a_refusal_is_an_event(void **state)
{
    struct recorded *r = *state;
    refusals_note(r->refusals,
                  &(struct refusal){"stranger", "sub-b", "192.0.2.7", "TLS Handshake Failure"}, 0);
    RUN_UNTIL(r->loop, r->n == 1);
    assert_string_equal(r->object, "bus/stranger");
    assert_string_equal(last(r, "what"), "stranger");
    assert_string_equal(last(r, "who"), "sub-b");
    assert_string_equal(last(r, "address"), "192.0.2.7");
    assert_string_equal(last(r, "reason"), "TLS Handshake Failure");
    assert_null(json_object_get(r->last, "left-out"));
}

static void
nobody_fills_the_journal_by_being_refused(void **state)
{
    struct recorded *r = *state;
    const struct refusal other = {"stranger", "", "192.0.2.8", "x"},
                         often = {"stranger", "", "192.0.2.7", "x"};
    for (unsigned i = 0; i < 100; i++)
        refusals_note(r->refusals, &often, i);
    refusals_note(r->refusals, &other, 100);
    RUN_UNTIL(r->loop, r->n == DENIALS_AT_ONCE + 1);
    assert_string_equal(last(r, "address"), "192.0.2.8");
    refusals_note(r->refusals, &often, DENIALS_INTERVAL + 1);
    RUN_UNTIL(r->loop, r->n == DENIALS_AT_ONCE + 2);
    assert_int_equal(json_integer_value(json_object_get(r->last, "left-out")),
                     100 - DENIALS_AT_ONCE);
}

static void
texts_of_others_do_no_harm(void **state)
{
    struct recorded *r = *state;
    char who[4000];
    memset(who, 'x', sizeof who);
    who[sizeof who - 1] = '\0';
    refusals_note(r->refusals,
                  &(struct refusal){"stranger", who, "\xff\xfe", "a\nb\x1b[2J\"\\\xc3\xa4"}, 0);
    RUN_UNTIL(r->loop, r->n == 1);
    assert_int_equal(strlen(last(r, "who")), REFUSAL_TEXT_MAX);
    assert_string_equal(last(r, "address"), "??");
    assert_string_equal(last(r, "reason"), "a?b?[2J\"\\??");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

TEST_MAIN(TEST(a_refusal_is_an_event), TEST(nobody_fills_the_journal_by_being_refused),
          TEST(texts_of_others_do_no_harm))
