/* tieline work watch: follows an order by its events, or by asking again and again. */
#include "cli/cmd.h"

#include "cli/cli_progress.h"
#include "io/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define POLL_INTERVAL (500 * NSEC_PER_MSEC)  /* without events */
#define LOOK_INTERVAL (2 * NSEC_PER_SEC)     /* with events: none of them may be ours */
#define EVENT_INTERVAL (150 * NSEC_PER_MSEC) /* at most so often, however many events come */
#define RETURN_INTERVAL (5 * NSEC_PER_SEC)   /* until events are tried again */
#define PATIENCE (60 * NSEC_PER_SEC)         /* with a server that does not answer */

struct watch {
    struct cli *cli;
    const char *id;
    char object[48]; /* "work/17" */
    struct http_stream *events;
    nsec_t events_retry; /* monotonic */
    bool stirred;        /* an event about it has come */
    bool lost;           /* the server does not answer */
    bool ever;           /* it has answered */
    struct progress *progress;
    bool waiting; /* it also ends when the order waits */
};

static void
take_event(void *arg, const struct sse_event *event)
{
    struct watch *w = arg;
    json_t *data = json_loadb(event->data, event->data_size, 0, NULL);
    if (!strcmp(text_of(data, "object"), w->object))
        w->stirred = true;
    json_decref(data);
}

static void
pause_for(nsec_t duration)
{
    struct timespec time = {duration / NSEC_PER_SEC, duration % NSEC_PER_SEC};
    nanosleep(&time, NULL);
}

static void
open_events(struct watch *w)
{
    struct http *http;
    nsec_t now = clock_monotonic();
    if (w->events || now < w->events_retry || cli_server(w->cli, &http))
        return;
    char *path = http_path("events", NULL);
    w->events = http_stream_open(http, path, take_event, w);
    free(path);
    /* Asked for before the order is, so that nothing falls between the two. */
    while (w->events && !http_stream_was_opened(w->events)) {
        if (http_stream_wait(w->events, NSEC_PER_SEC, NULL) ||
            clock_monotonic() - now > 5 * NSEC_PER_SEC) {
            http_stream_close(w->events);
            w->events = NULL;
            w->events_retry = now + RETURN_INTERVAL;
        }
    }
}

static void
wait_for_news(struct watch *w)
{
    nsec_t start = clock_monotonic();
    if (!w->events) {
        pause_for(w->lost ? NSEC_PER_SEC : POLL_INTERVAL);
        return;
    }
    for (nsec_t left = LOOK_INTERVAL; left > 0 && !w->stirred;
         left = LOOK_INTERVAL - (clock_monotonic() - start)) {
        if (http_stream_wait(w->events, MIN(left, NSEC_PER_SEC), NULL)) {
            http_stream_close(w->events);
            w->events = NULL;
            w->events_retry = clock_monotonic() + NSEC_PER_SEC;
            return;
        }
    }
    if (w->stirred && clock_monotonic() - start < EVENT_INTERVAL)
        pause_for(EVENT_INTERVAL);
    w->stirred = false;
}

/* The order now; a server that is being started again is waited for. */
static int
look(struct watch *w, json_t **order)
{
    nsec_t since = clock_monotonic();
    int status;
    while ((status = cli_look(w->cli, http_path("orders", w->id, NULL), order)) ==
           CLI_UNREACHABLE) {
        if (!w->ever)
            return status;
        if (!w->lost)
            cli_note(w->cli, "the server does not answer; trying again");
        w->lost = true;
        if (clock_monotonic() - since > PATIENCE)
            return status;
        pause_for(NSEC_PER_SEC / 2);
    }
    w->lost = false;
    w->ever = true;
    return status;
}

static int
conclude(struct watch *w, const json_t *order, enum order_state state)
{
    struct cli *cli = w->cli;
    if (cli->json) {
        cli_print(cli, json_incref((json_t *)(uintptr_t)order));
    } else if (state == ORDER_WAITS && work_put_asked(&cli->out, order)) {
        buf_str(&cli->out, "\n");
    } else {
        nsec_t created, closed;
        buf_printf(&cli->out, "order %s: ", w->id);
        text_put(&cli->out, text_of(order, "state"), false);
        if (!time_parse(text_of(order, "created"), &created) &&
            !time_parse(text_of(order, "closed"), &closed)) {
            buf_str(&cli->out, " after ");
            text_put_duration(&cli->out, closed - created);
        }
        if (*text_of(order, "error")) {
            buf_str(&cli->out, ": ");
            text_put(&cli->out, text_of(order, "error"), false);
        }
        buf_str(&cli->out, "\n");
    }
    return state == ORDER_DONE ? CLI_OK : state == ORDER_WAITS ? CLI_WAITING : CLI_FAILED;
}

/* One look; *status is the end, if it is one. */
static bool
step(struct watch *w, int *status)
{
    json_t *order;
    *status = look(w, &order);
    if (*status) { /* said by asking in a way that says it */
        const json_t *document;
        *status = cli_get(w->cli, http_path("orders", w->id, NULL), &document);
        return *status != CLI_OK;
    }
    enum order_state state = order_state(order);
    if (!w->cli->json)
        progress_show(w->progress, order, clock_wall(), &w->cli->out);
    bool end = state == ORDER_DONE || state == ORDER_FAILED || (state == ORDER_WAITS && w->waiting);
    if (end)
        *status = conclude(w, order, state);
    json_decref(order);
    if (cli_flush(w->cli)) {
        *status = CLI_FAILED; /* nobody reads it any more */
        end = true;
    }
    return end;
}

static unsigned
terminal_columns(void)
{
    struct winsize size;
    const char *term = getenv("TERM");
    if (!cli_is_terminal() || !term || !strcmp(term, "dumb") ||
        ioctl(STDOUT_FILENO, TIOCGWINSZ, &size))
        return 0;
    return size.ws_col ? size.ws_col : 80;
}

int
work_follow(struct cli *cli, const char *id, bool waiting)
{
    int status = CLI_OK;
    struct watch w = {.cli = cli, .id = id, .waiting = waiting, .ever = cli->answer.status != 0};
    snprintf(w.object, sizeof w.object, "work/%s", id);
    w.progress = progress_new(terminal_columns(), cli->utc);
    open_events(&w);
    while (!step(&w, &status)) {
        wait_for_news(&w);
        open_events(&w);
    }
    http_stream_close(w.events);
    progress_free(w.progress);
    return status;
}

int
cmd_work_watch(struct cli *cli)
{
    const char *until = cli_option(cli, "until");
    return work_follow(cli, cli_argument(cli, 0), until && !strcmp(until, "waiting"));
}
