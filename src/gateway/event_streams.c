#include "gateway/event_streams.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/event_json.h"
#include "gateway/http_fields.h"
#include "gateway/service_private.h"
#include "io/clock.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

struct event_stream {
    struct event_streams *events;
    struct http_stream *http;
    struct person person;
    struct right right;
    char *type_prefix; /* NULL: all */
    enum event_form form;
    uint64_t next;     /* the seq that comes next */
    nsec_t stop;       /* wall clock: events after it are not told; NSEC_NEVER: all are */
    bool behind;       /* it reads from the journal */
    bool over;         /* it has come to an event after `stop` */
    struct task *task; /* the next piece */
    struct event_stream *prev, *next_stream;
};

struct event_streams {
    struct gateway_service *service;
    struct journal_subscription *subscription;
    struct timer *heartbeat;
    struct event_stream *streams;
    unsigned n_streams;
};

/* ---- one stream */

static void
drop_stream(struct event_stream *s)
{
    struct event_streams *events = s->events;
    if (s->prev)
        s->prev->next_stream = s->next_stream;
    else
        events->streams = s->next_stream;
    if (s->next_stream)
        s->next_stream->prev = s->prev;
    events->n_streams--;
    if (!events->streams)
        timer_stop(events->heartbeat);
    task_free(s->task);
    free(s->type_prefix);
    free(s);
}

static bool
wants(const struct event_stream *s, const char *type)
{
    return !s->type_prefix || !strncmp(type, s->type_prefix, strlen(s->type_prefix));
}

struct piece {
    struct event_stream *stream;
    struct buf text;
    uint64_t n;
};

static void
put_event(struct buf *out, enum event_form form, const struct journal_event *event)
{
    if (form == EVENTS_NOTIFICATIONS)
        event_put_notification(out, event, true);
    else
        event_put_sse(out, event);
}

static bool
take_event(void *arg, const struct journal_event *event)
{
    struct piece *piece = arg;
    if (event->time > piece->stream->stop) {
        piece->stream->over = true;
        return false;
    }
    put_event(&piece->text, piece->stream->form, event);
    piece->stream->next = event->seq + 1;
    piece->n++;
    return piece->text.size < STREAM_PIECE;
}

static void
end(struct event_stream *s, const char *why)
{
    char *comment = xasprintf(": %s\n\n", why);
    http_stream_send(s->http, comment, strlen(comment));
    http_stream_end(s->http);
    drop_stream(s);
    free(comment);
}

/* Sends what comes next of the journal, and is live when that was all. */
static void
send_piece(struct event_stream *s)
{
    struct gateway_service *service = s->events->service;
    struct piece piece = {.stream = s};
    struct diag diag = {""};
    uint64_t head = journal_head(service->config.journal)->seq;
    uint64_t to = MIN(head, s->next + STREAM_SEARCH - 1);
    struct journal_query query = {.from = s->next, .to = to, .type_prefix = s->type_prefix};
    enum err err = s->next <= head
                       ? journal_read(service->config.journal, &query, take_event, &piece, &diag)
                       : ERR_OK;
    if (!err && !s->over && piece.text.size < STREAM_PIECE)
        s->next = MAX(s->next, to + 1);
    service->statistics.streamed_events += piece.n;
    if (piece.n)
        http_stream_send(s->http, piece.text.data, piece.text.size);
    buf_fini(&piece.text);
    if (err && err != ERR_BUSY) {
        log_error("events cannot be read: %s", diag.text);
        end(s, "the journal cannot be read");
        return;
    }
    if (s->over) {
        end(s, "the stop-time is over");
        return;
    }
    s->behind = s->next <= head;
    if (s->behind && http_stream_pending(s->http) == 0)
        task_schedule(s->task);
}

static void
on_task(void *arg)
{
    struct event_stream *s = arg;
    if (s->behind)
        send_piece(s);
}

static void
on_drained(void *arg)
{
    struct event_stream *s = arg;
    if (s->behind)
        task_schedule(s->task); /* others come first */
}

static void
on_closed(void *arg)
{
    drop_stream(arg);
}

static const struct http_stream_handler stream_handler = {on_drained, on_closed};

/* ---- what happens */

void
event_streams_end_session(struct event_streams *events, const char *session)
{
    for (struct event_stream *s = events ? events->streams : NULL, *next; s; s = next) {
        next = s->next_stream;
        if (s->right.kind != RIGHT_CERTIFICATE && !strcmp(s->right.id, session))
            end(s, "the session has ended");
    }
}

/* However it was opened or ended: by whom, or by another program at the same journal. */
static void
look_at_sessions(struct event_streams *events, const struct journal_event *event)
{
    static const char object[] = "session/";
    struct sessions *sessions = events->service->sessions;
    if (strncmp(event->object, object, sizeof object - 1) != 0)
        return;
    const char *id = event->object + sizeof object - 1;
    if (!strcmp(event->type, "session.opened")) {
        sessions_begin(sessions, id);
    } else if (!strcmp(event->type, "session.closed")) {
        event_streams_end_session(events, id);
        sessions_forget(sessions, id);
    }
}

/* To those who would not see it now: they asked for other types, or are behind. It has no id then,
 * so that it is not taken for their place. */
static void
tell_all(struct event_streams *events, const struct journal_event *event)
{
    struct buf texts[] = {[EVENTS_PLAIN] = BUF_INIT, [EVENTS_NOTIFICATIONS] = BUF_INIT};
    buf_printf(&texts[EVENTS_PLAIN], "event: %s\ndata: ", event->type);
    event_put_json(&texts[EVENTS_PLAIN], event);
    buf_str(&texts[EVENTS_PLAIN], "\n\n");
    event_put_notification(&texts[EVENTS_NOTIFICATIONS], event, false);
    for (struct event_stream *s = events->streams; s; s = s->next_stream) {
        if (s->behind || !wants(s, event->type))
            http_stream_send(s->http, texts[s->form].data, texts[s->form].size);
    }
    buf_fini(&texts[EVENTS_PLAIN]);
    buf_fini(&texts[EVENTS_NOTIFICATIONS]);
}

static void
on_event(void *arg, const struct journal_event *event)
{
    struct event_streams *events = arg;
    struct buf texts[] = {[EVENTS_PLAIN] = BUF_INIT, [EVENTS_NOTIFICATIONS] = BUF_INIT};
    look_at_sessions(events, event);
    if (!strcmp(event->type, "break-glass.used"))
        tell_all(events, event);
    for (struct event_stream *s = events->streams, *next; s; s = next) {
        next = s->next_stream;
        if (s->behind || event->seq < s->next)
            continue;
        if (event->time > s->stop) {
            end(s, "the stop-time is over");
        } else if (!wants(s, event->type)) {
            s->next = event->seq + 1;
        } else if (http_stream_pending(s->http) >= STREAM_PIECE) {
            s->behind = true;
            events->service->statistics.fell_behind++;
        } else {
            struct buf *text = &texts[s->form];
            if (!text->size)
                put_event(text, s->form, event);
            s->next = event->seq + 1;
            events->service->statistics.streamed_events++;
            http_stream_send(s->http, text->data, text->size);
        }
    }
    buf_fini(&texts[EVENTS_PLAIN]);
    buf_fini(&texts[EVENTS_NOTIFICATIONS]);
}

/* Whoever lost all roles meanwhile sees no more. */
static bool
may_still(struct event_stream *s)
{
    struct person person;
    if (s->right.kind != RIGHT_CERTIFICATE)
        return sessions_is_live(s->events->service->sessions, s->right.id);
    return !identity_resolve(s->events->service->identity, s->person.name, &person, NULL) &&
           person.roles;
}

static void
on_heartbeat(void *arg)
{
    struct event_streams *events = arg;
    const struct gateway_config *config = &events->service->config;
    timer_start(events->heartbeat, config->heartbeat ? config->heartbeat : HEARTBEAT);
    for (struct event_stream *s = events->streams, *next; s; s = next) {
        next = s->next_stream;
        if (!may_still(s))
            end(s, s->right.kind == RIGHT_CERTIFICATE
                       ? "the person holds no role at this site any more"
                       : "the session has ended");
        else if (!s->behind && clock_wall() > s->stop)
            end(s, "the stop-time is over");
        else if (http_stream_pending(s->http) == 0)
            http_stream_send(s->http, ":\n\n", 3);
    }
}

/* ---- beginning */

struct place {
    uint64_t from; /* seq */
    nsec_t stop;
};

static bool
take_time(void *arg, const struct journal_event *event)
{
    *(nsec_t *)arg = event->time;
    return false;
}

/* The first event at or after that time, the next one that will be if there is none: times do not
 * fall within an epoch. */
static enum err
find_time(const struct event_streams *events, nsec_t time, uint64_t *seq, struct diag *diag)
{
    struct journal *journal = events->service->config.journal;
    uint64_t low = 1, high = journal_head(journal)->seq + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        const struct journal_query query = {.from = middle, .to = middle};
        nsec_t its = 0;
        enum err err = journal_read(journal, &query, take_time, &its, diag);
        if (err)
            return err;
        if (its < time)
            low = middle + 1;
        else
            high = middle;
    }
    *seq = low;
    return ERR_OK;
}

/* RFC 8040 sections 4.8.7 and 4.8.8: of a time that has not come there is no replay, and an end
 * needs a beginning before it. `field` is the one that is wrong. */
static enum err
read_times(const struct event_streams *events, struct api_request *r, struct place *place,
           const char **field, struct diag *diag)
{
    const char *start = api_text(r, "start-time"), *stop = api_text(r, "stop-time");
    nsec_t begin = 0;
    *field = "start-time";
    if (start && (time_parse(start, &begin) || begin > clock_wall()))
        return diag_set(diag, ERR_INVALID, "start-time: a date and time not to come is expected");
    enum err err = start ? find_time(events, begin, &place->from, diag) : ERR_OK;
    if (err)
        return err;
    *field = "stop-time";
    if (stop && (!start || time_parse(stop, &place->stop) || place->stop <= begin))
        return diag_set(diag, ERR_INVALID,
                        "stop-time: a date and time after start-time is expected");
    return ERR_OK;
}

/* Where the stream begins and ends. */
static enum err
find_place(const struct event_streams *events, struct api_request *r, struct place *place,
           const char **field, struct diag *diag)
{
    const char *last = http_head_field(http_exchange_head(r->exchange), "last-event-id");
    uint64_t now = journal_head(events->service->config.journal)->seq + 1;
    *place = (struct place){api_number(r, "from", now), NSEC_NEVER};
    enum err err = read_times(events, r, place, field, diag);
    if (err || !last || !*last)
        return err;
    size_t digits = strspn(last, "0123456789");
    *field = "Last-Event-ID";
    if (digits > 18 || last[digits])
        return diag_set(diag, ERR_INVALID, "Last-Event-ID: a seq is expected");
    place->from = strtoull(last, NULL, 10) + 1;
    return ERR_OK;
}

static unsigned
count_streams(const struct event_streams *events, const char *person)
{
    unsigned n = 0;
    for (const struct event_stream *s = events->streams; s; s = s->next_stream)
        n += !strcmp(s->person.name, person);
    return n;
}

static void
begin(struct event_streams *events, struct api_request *r, const struct place *place,
      enum event_form form)
{
    static const char hello[] = "retry: 2000\n\n";
    const struct gateway_config *config = &events->service->config;
    struct event_stream *s = xcalloc(1, sizeof *s);
    const char *prefix = api_text(r, "type");
    s->events = events;
    s->person = r->person;
    s->right = r->right;
    s->type_prefix = prefix ? xstrdup(prefix) : NULL;
    s->form = form;
    s->next = place->from;
    s->stop = place->stop;
    s->behind = place->from <= journal_head(config->journal)->seq;
    s->task = task_new(config->loop, on_task, s);
    s->next_stream = events->streams;
    if (s->next_stream)
        s->next_stream->prev = s;
    else
        timer_start(events->heartbeat, config->heartbeat ? config->heartbeat : HEARTBEAT);
    events->streams = s;
    events->n_streams++;
    s->http = api_stream(r, "text/event-stream", &stream_handler, s);
    if (!s->http)
        drop_stream(s);
    else
        http_stream_send(s->http, hello, sizeof hello - 1);
}

void
event_streams_open(struct event_streams *events, struct api_request *r, enum event_form form)
{
    struct place place;
    struct diag diag = {""};
    const char *field;
    enum err err = find_place(events, r, &place, &field, &diag);
    if (err == ERR_INVALID)
        api_problem(
            r, &(struct problem){.status = 400, .err = err, .field = field, .detail = diag.text});
    else if (err)
        api_fail(r, err, "%s", diag.text);
    else if (events->n_streams >= STREAMS_MAX)
        api_problem(r, &(struct problem){.status = 503,
                                         .err = ERR_BUSY,
                                         .detail = "there are too many streams of events"});
    else if (count_streams(events, r->person.name) >= STREAMS_PER_PERSON_MAX)
        api_problem(
            r, &(struct problem){.status = 429,
                                 .err = ERR_LIMIT,
                                 .detail = "this person reads too many streams of events already"});
    else
        begin(events, r, &place, form);
}

unsigned
event_streams_count(const struct event_streams *events)
{
    return events->n_streams;
}

/* ---- all of them */

enum err
event_streams_new(struct gateway_service *service, struct event_streams **result, struct diag *diag)
{
    struct event_streams *events = xcalloc(1, sizeof *events);
    events->service = service;
    events->heartbeat = timer_new(service->config.loop, on_heartbeat, events);
    enum err err = journal_subscribe(service->config.journal, 0, on_event, events,
                                     &events->subscription, diag);
    if (err)
        event_streams_free(events);
    else
        *result = events;
    return err;
}

void
event_streams_free(struct event_streams *events)
{
    if (!events)
        return;
    journal_unsubscribe(events->subscription);
    while (events->streams)
        end(events->streams, "the service ends");
    timer_free(events->heartbeat);
    free(events);
}
