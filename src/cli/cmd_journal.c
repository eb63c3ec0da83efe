/* The journal as the server tells it. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "io/clock.h"
#include "io/jsontext.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE "1000"                  /* events of an export's request */
#define LIST_EVENTS 100              /* what the server gives if no limit is said */
#define PATIENCE (60 * NSEC_PER_SEC) /* with a server that does not answer */

static const struct column event_columns[] = {
    {">SEQ", "seq", AS_TEXT, NULL},    {"TIME", "time", AS_TIME, NULL},
    {"TYPE", "type", AS_TEXT, NULL},   {"OBJECT", "object", AS_TEXT, NULL},
    {"ACTOR", "actor", AS_TEXT, NULL}, {NULL, NULL, AS_TEXT, NULL},
};

static char *
list_path(const struct cli *cli, json_int_t from, size_t limit)
{
    static const char *const names[] = {"to", "type", "object", "actor"};
    char number[24];
    char *path = http_path("journal", NULL);
    snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, from);
    http_query(&path, "from", from ? number : cli_option(cli, "from"));
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        http_query(&path, names[i], cli_option(cli, names[i]));
    snprintf(number, sizeof number, "%zu", limit);
    http_query(&path, "limit", limit ? number : cli_option(cli, "limit"));
    return path;
}

static void
put_bodies(struct cli *cli, const json_t *events)
{
    size_t i;
    const json_t *event;
    json_array_foreach(events, i, event)
    {
        struct buf body = BUF_INIT;
        text_put_value(&cli->out, json_object_get(event, "seq"), AS_TEXT, cli->utc);
        buf_str(&cli->out, "  ");
        text_put_time(&cli->out, text_of(event, "time"), cli->utc);
        buf_str(&cli->out, "  ");
        text_put(&cli->out, text_of(event, "type"), false);
        buf_str(&cli->out, "  ");
        text_put(&cli->out, text_of(event, "object"), false);
        buf_str(&cli->out, "  ");
        text_put(&cli->out, text_of(event, "actor"), false);
        buf_str(&cli->out, "\n    ");
        if (!jsontext_put(&body, json_object_get(event, "body")))
            text_put(&cli->out, buf_cstr(&body), false);
        buf_str(&cli->out, "\n");
        buf_fini(&body);
    }
}

/* A request looks at some thousands of events only, whatever it finds among them: so they go on
 * until there are as many as were asked for. `*list` is the last answer with all events in it; the
 * caller owns it. */
static int
list_events(struct cli *cli, json_t **list)
{
    const char *limit = cli_option(cli, "limit");
    size_t most = limit ? strtoul(limit, NULL, 10) : LIST_EVENTS;
    json_t *events = json_array();
    json_int_t from = 0;
    for (;;) {
        const json_t *document;
        size_t n = json_array_size(events);
        int status = cli_get(cli, list_path(cli, from, n ? most - n : 0), &document);
        if (status) {
            json_decref(events);
            return status;
        }
        json_array_extend(events, json_object_get(document, "events"));
        json_int_t next = json_integer_value(json_object_get(document, "next"));
        if (next <= from || json_array_size(events) >= most) {
            *list = json_copy((json_t *)(uintptr_t)document);
            json_object_set_new(*list, "events", events);
            return CLI_OK;
        }
        from = next;
    }
}

int
cmd_journal_list(struct cli *cli)
{
    json_t *list;
    int status = list_events(cli, &list);
    if (status)
        return status;
    if (cli->json) {
        cli_print(cli, list);
        return CLI_OK;
    }
    const json_t *events = json_object_get(list, "events");
    if (cli_has(cli, "bodies"))
        put_bodies(cli, events);
    else
        table_put_array(&cli->out, events, event_columns, cli->utc);
    const json_t *next = json_object_get(list, "next");
    if (json_is_integer(next))
        buf_printf(&cli->out, "more: --from %" JSON_INTEGER_FORMAT "\n", json_integer_value(next));
    json_decref(list);
    return CLI_OK;
}

int
cmd_journal_head(struct cli *cli)
{
    const json_t *document;
    char *path = http_path("journal", NULL);
    http_query(&path, "limit", "1");
    int status = cli_get(cli, path, &document);
    if (status)
        return status;
    const json_t *head = json_object_get(document, "head");
    if (cli->json) {
        cli_print(cli, json_pack("{s:O?, s:O?}", "identity", json_object_get(document, "identity"),
                                 "head", head));
        return CLI_OK;
    }
    /* As `journal verify --head` takes it. */
    text_put_value(&cli->out, json_object_get(head, "seq"), AS_TEXT, cli->utc);
    buf_str(&cli->out, ":");
    text_put(&cli->out, text_of(head, "hash"), false);
    buf_str(&cli->out, "\n");
    return CLI_OK;
}

/* ---- follow ------------------------------------------------------------------------------------
 */

struct follow {
    struct cli *cli;
    uint64_t next; /* seq to go on from; 0: from now on */
    nsec_t heard;  /* monotonic: when something came last */
    bool closed;   /* nobody reads the output any more */
};

static void
put_event(struct follow *f, const struct sse_event *sse, const json_t *event)
{
    struct cli *cli = f->cli;
    const char *actor = cli_option(cli, "actor"), *object = cli_option(cli, "object");
    if ((actor && strcmp(actor, text_of(event, "actor")) != 0) ||
        (object && strcmp(object, text_of(event, "object")) != 0))
        return;
    if (cli->json) {
        text_put_json(&cli->out, sse->data, sse->data_size);
    } else {
        text_put_value(&cli->out, json_object_get(event, "seq"), AS_TEXT, cli->utc);
        buf_str(&cli->out, "  ");
        text_put_time(&cli->out, text_of(event, "time"), cli->utc);
        buf_printf(&cli->out, "  ");
        text_put(&cli->out, text_of(event, "type"), false);
        buf_str(&cli->out, "  ");
        text_put(&cli->out, text_of(event, "object"), false);
        buf_str(&cli->out, "  ");
        text_put(&cli->out, text_of(event, "actor"), false);
    }
    buf_str(&cli->out, "\n");
    f->closed = cli_flush(cli) != CLI_OK;
}

static void
take_event(void *arg, const struct sse_event *sse)
{
    struct follow *f = arg;
    json_t *event = json_loadb(sse->data, sse->data_size, 0, NULL);
    json_int_t seq = json_integer_value(json_object_get(event, "seq"));
    f->heard = clock_monotonic();
    if (seq > 0)
        f->next = (uint64_t)seq + 1;
    if (event)
        put_event(f, sse, event);
    json_decref(event);
}

static struct http_stream *
open_stream(struct follow *f, struct http *http)
{
    char from[24];
    char *path = http_path("events", NULL);
    snprintf(from, sizeof from, "%llu", (unsigned long long)f->next);
    http_query(&path, "from", f->next ? from : NULL);
    http_query(&path, "type", cli_option(f->cli, "type"));
    struct http_stream *stream = http_stream_open(http, path, take_event, f);
    free(path);
    return stream;
}

/* Waits on a stream until it ends. */
static enum err
follow_stream(struct follow *f, struct http_stream *stream, bool *ever, struct diag *diag)
{
    enum err err = ERR_OK;
    while (!err && !f->closed) {
        err = http_stream_wait(stream, NSEC_PER_SEC, diag);
        if (http_stream_was_opened(stream)) {
            *ever = true;
            f->heard = clock_monotonic();
        }
    }
    return err;
}

static int
follow(struct follow *f, struct http *http)
{
    struct diag diag = {""};
    bool ever = false;
    f->heard = clock_monotonic();
    while (!f->closed) {
        struct http_stream *stream = open_stream(f, http); /* from where the last one ended */
        enum err err = follow_stream(f, stream, &ever, &diag);
        http_stream_close(stream);
        if (err == ERR_DENIED)
            return cli_fail(f->cli, CLI_FAILED, "%s", diag.text);
        if (err && (!ever || clock_monotonic() - f->heard > PATIENCE))
            return cli_fail(f->cli, CLI_UNREACHABLE, "%s", diag.text);
        struct timespec pause = {0, 500 * NSEC_PER_MSEC};
        nanosleep(&pause, NULL);
    }
    return CLI_OK;
}

int
cmd_journal_follow(struct cli *cli)
{
    struct http *http;
    const char *from = cli_option(cli, "from");
    struct follow f = {.cli = cli, .next = from ? strtoull(from, NULL, 10) : 0};
    int status = cli_server(cli, &http);
    return status ? status : follow(&f, http);
}

/* ---- export ------------------------------------------------------------------------------------
 */

struct export
{
    struct cli *cli;
    FILE *file;
    uint64_t n;
};

static bool
write_events(struct export *e, const json_t *events)
{
    size_t i;
    const json_t *event;
    json_array_foreach(events, i, event)
    {
        struct buf line = BUF_INIT;
        bool ok = !jsontext_put(&line, event);
        buf_u8(&line, '\n');
        ok = ok && fwrite(line.data, 1, line.size, e->file) == line.size;
        buf_fini(&line);
        if (!ok)
            return false;
        e->n++;
    }
    return true;
}

static int
export_pages(struct export *e)
{
    const json_t *document;
    char from[24];
    json_int_t next = 1;
    while (next > 0) {
        char *path = http_path("journal", NULL);
        snprintf(from, sizeof from, "%" JSON_INTEGER_FORMAT, next);
        http_query(&path, "from", from);
        http_query(&path, "limit", PAGE);
        int status = cli_get(e->cli, path, &document);
        if (status)
            return status;
        if (!write_events(e, json_object_get(document, "events")))
            return cli_fail(e->cli, CLI_FAILED, "%s: %m", cli_option(e->cli, "file"));
        json_int_t after = json_integer_value(json_object_get(document, "next"));
        if (after && after <= next)
            return cli_fail(e->cli, CLI_FAILED, "the server goes round in circles at event %lld",
                            (long long)after);
        next = after;
    }
    return CLI_OK;
}

int
cmd_journal_export(struct cli *cli)
{
    const char *path = cli_option(cli, "file");
    struct export e = {.cli = cli};
    if (!path)
        return cli_fail(cli, CLI_USAGE, "journal export needs --file FILE");
    char *temporary = xasprintf("%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    e.file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!e.file) {
        free(temporary);
        return cli_fail(cli, CLI_FAILED, "%s: %m", path);
    }
    int status = export_pages(&e);
    if (fclose(e.file) && !status)
        status = cli_fail(cli, CLI_FAILED, "%s: %m", path);
    if (!status && rename(temporary, path))
        status = cli_fail(cli, CLI_FAILED, "%s: %m", path);
    if (status)
        unlink(temporary);
    free(temporary);
    if (!status && cli->json)
        cli_print(cli, json_pack("{s:s, s:I}", "file", path, "events", (json_int_t)e.n));
    else if (!status)
        buf_printf(&cli->out, "%llu events in %s\n", (unsigned long long)e.n, path);
    return status;
}
