#include "cli/cli_progress.h"

#include "base/testing.h"

#define NOW (INT64_C(1772352060) * NSEC_PER_SEC) /* 2026-03-01T08:01:00Z */

static json_t *
order_with(const char *state, const char *push_state, int done)
{
    return json_pack("{s:i, s:s, s:s, s:s, s:[{s:s, s:s, s:s, s:s},{s:s, s:s, s:s, s:i, s:i}]}",
                     "id", 17, "workflow", "circuit-turn-up", "state", state, "created",
                     "2026-03-01T08:00:00Z", "step", "name", "design", "state", "done", "started",
                     "2026-03-01T08:00:00Z", "finished", "2026-03-01T08:00:01.500Z", "name", "push",
                     "state", push_state, "started", "2026-03-01T08:00:50Z", "items", 200,
                     "items-done", done);
}

static void
show(struct progress *p, const char *state, const char *push_state, int done, struct buf *out)
{
    json_t *order = order_with(state, push_state, done);
    buf_clear(out);
    progress_show(p, order, NOW, out);
    json_decref(order);
}

static void
lines_are_written_only_when_there_is_news(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct progress *p = progress_new(0, true);
    show(p, "running", "pending", 0, &out);
    assert_string_equal(buf_cstr(&out), "2026-03-01 08:01:00Z  design  done  1.5 s\n");
    show(p, "running", "pending", 0, &out);
    assert_string_equal(buf_cstr(&out), "");
    show(p, "running", "running", 1, &out);
    assert_string_equal(buf_cstr(&out), "2026-03-01 08:01:00Z  push  running  1/200  10 s\n");
    show(p, "running", "running", 19, &out);
    assert_string_equal(buf_cstr(&out), "");
    show(p, "running", "running", 20, &out);
    assert_string_equal(buf_cstr(&out), "2026-03-01 08:01:00Z  push  running  20/200  10 s\n");
    progress_free(p);
    buf_fini(&out);
}

static void
of_an_order_that_fails_skipped_steps_are_not_listed(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct progress *p = progress_new(0, true);
    show(p, "failed", "skipped", 0, &out);
    assert_string_equal(buf_cstr(&out), "2026-03-01 08:01:00Z  design  done  1.5 s\n");
    progress_free(p);
    p = progress_new(0, true);
    show(p, "running", "skipped", 0, &out);
    assert_non_null(strstr(buf_cstr(&out), "push  skipped"));
    progress_free(p);
    buf_fini(&out);
}

static void
a_terminal_is_redrawn_in_place(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct progress *p = progress_new(80, true);
    show(p, "running", "running", 100, &out);
    assert_string_equal(
        buf_cstr(&out),
        "order 17  circuit-turn-up  running  1 min\033[K\n"
        "  + design            done  1.5 s\033[K\n"
        "  * push              running  [##########..........]  100/200  10 s\033[K\n"
        "\033[J");
    show(p, "running", "running", 200, &out);
    assert_memory_equal(buf_cstr(&out), "\033[3A", 4); /* over the three lines before */
    progress_free(p);
    buf_fini(&out);
}

static void
a_line_is_cut_to_the_width_of_the_terminal(void **state UNUSED)
{
    struct buf out = BUF_INIT;
    struct progress *p = progress_new(20, true);
    show(p, "running", "running", 100, &out);
    assert_string_equal(buf_cstr(&out), "order 17  circuit-t\033[K\n"
                                        "  + design         \033[K\n"
                                        "  * push           \033[K\n"
                                        "\033[J");
    progress_free(p);
    buf_fini(&out);
}

static void
states_of_orders_are_told_apart(void **state UNUSED)
{
    static const struct {
        const char *word;
        enum order_state state;
    } states[] = {{"running", ORDER_RUNS},         {"undoing", ORDER_RUNS},
                  {"waiting", ORDER_WAITS},        {"done", ORDER_DONE},
                  {"failed-undone", ORDER_FAILED}, {"failed-undo-failed", ORDER_FAILED},
                  {"cancelled", ORDER_FAILED}};
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        json_t *order = order_with(states[i].word, "done", 0);
        assert_int_equal(order_state(order), states[i].state);
        json_decref(order);
    }
}

TEST_MAIN(cmocka_unit_test(lines_are_written_only_when_there_is_news),
          cmocka_unit_test(of_an_order_that_fails_skipped_steps_are_not_listed),
          cmocka_unit_test(a_terminal_is_redrawn_in_place),
          cmocka_unit_test(a_line_is_cut_to_the_width_of_the_terminal),
          cmocka_unit_test(states_of_orders_are_told_apart))
