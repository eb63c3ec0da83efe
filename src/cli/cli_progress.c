#include "cli/cli_progress.h"

#include "base/alloc.h"
#include "cli/cmd.h"

#include <stdlib.h>
#include <string.h>

struct progress {
    unsigned columns, n_drawn; /* lines on the terminal that are ours */
    bool utc;
    json_t *seen; /* by step: what was last said about it */
};

struct progress *
progress_new(unsigned columns, bool utc)
{
    struct progress *p = xcalloc(1, sizeof *p);
    p->columns = columns;
    p->utc = utc;
    p->seen = json_object();
    return p;
}

void
progress_free(struct progress *p)
{
    if (p)
        json_decref(p->seen);
    free(p);
}

enum order_state
order_state(const json_t *order)
{
    const char *state = text_of(order, "state");
    if (!strcmp(state, "done"))
        return ORDER_DONE;
    if (!strncmp(state, "failed", 6) || !strcmp(state, "cancelled"))
        return ORDER_FAILED;
    return !strcmp(state, "waiting") ? ORDER_WAITS : ORDER_RUNS;
}

static void
put_took(struct buf *out, const json_t *step, nsec_t now)
{
    nsec_t started, finished;
    if (time_parse(text_of(step, "started"), &started))
        return;
    bool ended = !time_parse(text_of(step, "finished"), &finished);
    const char *state = text_of(step, "state");
    bool open = !strcmp(state, "running") || !strcmp(state, "undoing") || !strcmp(state, "waiting");
    if (!ended && !open)
        return;
    buf_str(out, "  ");
    text_put_duration(out, MAX((ended ? finished : now) - started, 0));
}

#define BAR_WIDTH 20

static void
put_items(struct buf *out, const json_t *step, bool bar)
{
    json_int_t items = json_integer_value(json_object_get(step, "items"));
    json_int_t done = json_integer_value(json_object_get(step, "items-done"));
    if (items < 1)
        return;
    done = MIN(MAX(done, 0), items);
    if (bar && items > 1) {
        buf_str(out, "  [");
        for (int i = 0; i < BAR_WIDTH; i++)
            buf_u8(out, (double)done * BAR_WIDTH >= (double)items * (i + 1) ? '#' : '.');
        buf_str(out, "]");
    }
    buf_printf(out, "  %" JSON_INTEGER_FORMAT "/%" JSON_INTEGER_FORMAT, done, items);
}

static void
put_error(struct buf *out, const json_t *object)
{
    const char *error = text_of(object, "error");
    if (!*error)
        return;
    buf_str(out, "  ");
    text_put(out, error, false);
}

/* ---- On a terminal -----------------------------------------------------------------------------
 */

static char
mark_of(const char *state)
{
    static const struct {
        const char *state;
        char mark;
    } marks[] = {{"done", '+'},    {"failed", '!'}, {"running", '*'}, {"waiting", '?'},
                 {"undoing", '<'}, {"undone", '<'}, {"skipped", '-'}};
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        if (!strcmp(state, marks[i].state))
            return marks[i].mark;
    }
    return ' ';
}

/* A line, cut so that it takes one row. */
static void
draw(struct progress *p, struct buf *line, struct buf *out)
{
    const char *text = buf_cstr(line);
    size_t size = line->size;
    while (size && text_width(text) >= p->columns) {
        do
            size--;
        while (size && (line->data[size] & 0xc0) == 0x80); /* whole characters */
        line->size = size;
        text = buf_cstr(line);
    }
    buf_str(out, text);
    buf_str(out, "\033[K\n");
    p->n_drawn++;
    buf_fini(line);
}

static void
draw_head(struct progress *p, const json_t *order, nsec_t now, struct buf *out)
{
    struct buf line = BUF_INIT;
    nsec_t created, closed;
    buf_str(&line, "order ");
    text_put_value(&line, json_object_get(order, "id"), AS_TEXT, p->utc);
    buf_str(&line, "  ");
    text_put(&line, text_of(order, "workflow"), false);
    buf_str(&line, "  ");
    text_put(&line, text_of(order, "state"), false);
    if (!time_parse(text_of(order, "created"), &created)) {
        bool ended = !time_parse(text_of(order, "closed"), &closed);
        buf_str(&line, "  ");
        text_put_duration(&line, MAX((ended ? closed : now) - created, 0));
    }
    put_error(&line, order);
    draw(p, &line, out);
}

static void
draw_step(struct progress *p, const json_t *step, nsec_t now, struct buf *out)
{
    struct buf line = BUF_INIT;
    const char *name = text_of(step, "name"), *state = text_of(step, "state");
    buf_printf(&line, "  %c ", mark_of(state));
    text_put(&line, name, false);
    buf_printf(&line, "%*s", (int)(18 > text_width(name) ? 18 - text_width(name) : 1), "");
    text_put(&line, state, false);
    put_items(&line, step, true);
    put_took(&line, step, now);
    put_error(&line, step);
    draw(p, &line, out);
}

static void
redraw(struct progress *p, const json_t *order, nsec_t now, struct buf *out)
{
    const json_t *step;
    size_t i;
    if (p->n_drawn)
        buf_printf(out, "\033[%uA", p->n_drawn);
    p->n_drawn = 0;
    draw_head(p, order, now, out);
    json_array_foreach(work_steps(order), i, step) draw_step(p, step, now, out);
    buf_str(out, "\033[J");
}

/* ---- As lines ----------------------------------------------------------------------------------
 */

/* A step is mentioned when its state changes, and after each tenth of its items. */
static bool
is_news(struct progress *p, const json_t *step)
{
    json_int_t items = json_integer_value(json_object_get(step, "items"));
    json_int_t done = json_integer_value(json_object_get(step, "items-done"));
    json_t *now = json_pack("{s:s, s:I, s:b}", "state", text_of(step, "state"), "tenth",
                            items > 0 ? done * 10 / items : 0, "error", *text_of(step, "error"));
    const char *name = text_of(step, "name");
    json_t *before = json_object_get(p->seen, name);
    bool pending = !strcmp(text_of(step, "state"), "pending");
    bool news = before ? !json_equal(before, now) : !pending;
    json_object_set_new(p->seen, name, now);
    return news;
}

static void
put_line(struct progress *p, const json_t *step, nsec_t now, struct buf *out)
{
    text_put_clock(out, now, p->utc);
    buf_str(out, "  ");
    text_put(out, text_of(step, "name"), false);
    buf_str(out, "  ");
    text_put(out, text_of(step, "state"), false);
    put_items(out, step, false);
    put_took(out, step, now);
    put_error(out, step);
    buf_str(out, "\n");
}

void
progress_show(struct progress *p, const json_t *order, nsec_t now, struct buf *out)
{
    const json_t *step;
    size_t i;
    if (p->columns) {
        redraw(p, order, now, out);
        return;
    }
    /* Of one that fails, the reason is told and not all the steps that it does not get to. */
    bool fails = order_state(order) == ORDER_FAILED || *text_of(order, "error");
    json_array_foreach(work_steps(order), i, step)
    {
        if (fails && !strcmp(text_of(step, "state"), "skipped"))
            continue;
        if (is_news(p, step))
            put_line(p, step, now, out);
    }
}
