#include "sync/follower.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/timer.h"
#include "journal/journal.h"
#include "journal/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_LIMIT (JOURNAL_BODY_MAX + 1)

struct sync_follower {
    struct sync_follower_config config;
    char *site;
    struct replica *replica; /* the job's while there is one */
    struct bus_subscription *news;
    struct timer *timer;
    struct storing *storing;
    uint64_t request;        /* 0: none waits */
    bool again;              /* there is news: ask when what is under way is through */
    struct sync_place ahead; /* behind which it was last asked for: what is being stored counts */
    struct sync_place was;   /* of the copy, before what is being stored */
    json_t *next;            /* an answer that came while the one before it was being stored */
    enum sync_state state;
    nsec_t since;
    uint64_t seq, head, n_events;
    char why[300];
    json_t *piece;      /* the event that comes in pieces; NULL: none does */
    struct buf body;    /* of it, so far */
    uint64_t piece_seq; /* behind which */
    nsec_t heard;       /* monotonic: an answer; 0: none yet */
    unsigned n_asides;  /* copies that may still be set aside now */
    nsec_t set_aside;   /* monotonic: since when there is one less than SYNC_ASIDES */
};

/* An answer that is being stored, on a thread. */
struct storing {
    uv_work_t work;
    struct sync_follower *follower; /* NULL: it is gone, and the replica is ours to close */
    struct replica *replica;
    struct journal_identity identity;
    uint8_t hash[JOURNAL_HASH_SIZE];
    json_t *events;
    enum err err;
    struct diag diag;
};

const char *
sync_state_word(enum sync_state state)
{
    static const char *const words[] = {"level", "behind", "away", "broken"};
    return words[state];
}

static void
set_state(struct sync_follower *f, enum sync_state state, const char *why)
{
    bool other = f->state != state;
    bool was_well = f->state == SYNC_LEVEL || f->state == SYNC_BEHIND;
    snprintf(f->why, sizeof f->why, "%s", why);
    for (char *p = f->why; *p; p++) /* it may be another's, and be cut in a character */
        *p = (uint8_t)*p < 0x80 ? *p : '?';
    if (!other)
        return;
    f->state = state;
    f->since = clock_wall();
    if (state == SYNC_AWAY || state == SYNC_BROKEN)
        log_warn("sync: site %s: %s: %s", f->site, sync_state_word(state), why);
    else if (!was_well)
        log_info("sync: site %s answers", f->site);
    if (f->config.changed)
        f->config.changed(f->config.arg, f->site);
}

static void ask(struct sync_follower *);
static void send_request(struct sync_follower *);

static void
forget_request(struct sync_follower *f)
{
    if (f->request)
        bus_cancel(f->config.far, f->request);
    f->request = 0;
    json_decref(f->next);
    f->next = NULL;
}

static void
forget_piece(struct sync_follower *f)
{
    json_decref(f->piece);
    f->piece = NULL;
    buf_fini(&f->body);
}

static void
fail(struct sync_follower *f, enum sync_state state, const char *why)
{
    forget_piece(f);
    set_state(f, state, why);
    timer_start(f->timer, SYNC_RETRY);
}

/* ---- Storing ---- */

static void
store(uv_work_t *work)
{
    struct storing *s = CONTAINER_OF(work, struct storing, work);
    s->err = replica_append(s->replica, &s->identity, s->events, s->hash, &s->diag);
}

static void
tell_events(struct sync_follower *f, const json_t *events)
{
    size_t i;
    json_t *json;
    json_array_foreach((json_t *)events, i, json)
    {
        struct journal_event e;
        struct diag diag;
        if (sync_event_parse(json, true, &e, &diag))
            continue; /* it was stored: it cannot be */
        e.site = f->site;
        f->n_events++;
        f->config.event(f->config.arg, f->site, &e);
    }
}

static void take_json(struct sync_follower *, json_t *);

/* What was asked for meanwhile follows what is stored now. */
static void
go_on(struct sync_follower *f)
{
    json_t *next = f->next;
    f->next = NULL;
    if (next)
        take_json(f, next);
    else if (!f->request)
        ask(f);
}

static void
stored(uv_work_t *work, int status)
{
    struct storing *s = CONTAINER_OF(work, struct storing, work);
    struct sync_follower *f = s->follower;
    if (!f) {
        replica_close(s->replica);
    } else {
        f->storing = NULL;
        if (status || s->err) {
            forget_request(f);
            fail(f, SYNC_BROKEN, s->err ? s->diag.text : "cancelled");
        } else {
            f->seq = replica_place(f->replica)->seq;
            tell_events(f, s->events);
            go_on(f);
        }
    }
    json_decref(s->events);
    free(s);
}

/* While that is being stored, the next answer can be on its way. */
static void
ask_ahead(struct sync_follower *f, const struct sync_answer *answer)
{
    const json_t *events = f->storing->events;
    const json_t *last = json_array_get(events, json_array_size(events) - 1);
    struct journal_event e;
    struct diag diag;
    if (sync_event_parse(last, true, &e, &diag) || e.seq >= answer->head)
        return; /* it is not taken, or all there is */
    f->ahead.seq = e.seq;
    memcpy(f->ahead.id, answer->identity.id, sizeof f->ahead.id);
    memcpy(f->ahead.hash, answer->hash, sizeof f->ahead.hash);
    send_request(f);
}

static void
start_storing(struct sync_follower *f, const struct sync_answer *answer, json_t *events)
{
    struct storing *s = xcalloc(1, sizeof *s);
    *s = (struct storing){
        .follower = f, .replica = f->replica, .identity = answer->identity, .events = events};
    memcpy(s->hash, answer->hash, sizeof s->hash);
    f->was = *replica_place(f->replica);
    f->storing = s;
    uv_queue_work(f->config.loop, &s->work, store, stored);
    ask_ahead(f, answer);
}

/* ---- Answers ---- */

/* Adds a piece of an event's body. The event, whole; NULL: more is to come, or it failed. */
static json_t *
join_piece(struct sync_follower *f, const struct sync_answer *answer)
{
    json_t *event = json_array_get(answer->events, 0);
    const json_t *body = json_array_get(event, 6);
    uint64_t seq = replica_place(f->replica)->seq;
    if (!f->piece) {
        f->piece = json_deep_copy(event);
        f->piece_seq = seq;
        f->body = buf_limited(BODY_LIMIT);
    }
    buf_put(&f->body, json_string_value(body), json_string_length(body));
    if (f->piece_seq != seq || buf_err(&f->body)) {
        fail(f, SYNC_BROKEN, "an event that came in pieces is too large");
        return NULL;
    }
    if (answer->more && !json_string_length(body)) {
        fail(f, SYNC_BROKEN, "a piece of an event has nothing in it");
        return NULL;
    }
    if (answer->more) {
        ask(f);
        return NULL;
    }
    json_t *whole = f->piece;
    json_array_set_new(whole, 6, json_stringn((const char *)f->body.data, f->body.size));
    f->piece = NULL;
    forget_piece(f);
    return json_pack("[o]", whole);
}

static bool
may_set_aside(struct sync_follower *f)
{
    nsec_t now = clock_monotonic();
    for (; f->n_asides < SYNC_ASIDES && now - f->set_aside >= SYNC_ASIDE; f->n_asides++)
        f->set_aside += SYNC_ASIDE;
    if (f->n_asides == SYNC_ASIDES)
        f->set_aside = now;
    return f->n_asides > 0;
}

static void
set_aside(struct sync_follower *f, const struct sync_answer *answer)
{
    struct diag diag;
    struct sync_place was = *replica_place(f->replica);
    char kept[REPLICA_PATH_SIZE];
    bool replaced = memcmp(was.id, answer->identity.id, sizeof was.id);
    if (!may_set_aside(f)) {
        fail(f, SYNC_BROKEN, "its journal is another one again and again, so soon");
        return;
    }
    enum err err = replica_set_aside(f->replica, kept, &diag);
    if (err) {
        fail(f, err == ERR_BUSY ? SYNC_BEHIND : SYNC_BROKEN, diag.text); /* until it is read */
        return;
    }
    log_warn("sync: site %s: we know %" PRIu64 " events, it has %" PRIu64 ": %s", f->site, was.seq,
             answer->head, answer->differs);
    f->n_asides--;
    f->seq = 0;
    forget_piece(f);
    f->config.reset(f->config.arg, f->site, was.seq, replaced, kept);
    ask(f);
}

static void
take_answer(struct sync_follower *f, const struct sync_answer *answer)
{
    f->head = answer->head;
    if (answer->differs) {
        if (replica_place(f->replica)->seq)
            set_aside(f, answer);
        else
            fail(f, SYNC_BROKEN, answer->differs);
        return;
    }
    if (!json_array_size(answer->events)) {
        set_state(f, SYNC_LEVEL, "");
        timer_start(f->timer, SYNC_POLL);
        if (f->again)
            ask(f);
        return;
    }
    set_state(f, SYNC_BEHIND, "");
    json_t *events = f->piece || answer->more ? join_piece(f, answer)
                                              : json_incref((json_t *)answer->events);
    if (events)
        start_storing(f, answer, events);
}

/* Consumes it. */
static void
take_json(struct sync_follower *f, json_t *json)
{
    struct sync_answer answer;
    struct diag diag;
    if (sync_answer_parse(json, &answer, &diag))
        fail(f, SYNC_BROKEN, diag.text);
    else
        take_answer(f, &answer);
    json_decref(json);
}

/* What fails while something is being stored is asked for again after that. */
static void
on_answer(void *arg, const struct call_result *result)
{
    struct sync_follower *f = arg;
    f->request = 0;
    if (!result->err)
        f->heard = clock_monotonic();
    if (f->storing)
        f->next = result->err ? NULL : json_incref(result->value);
    else if (result->err)
        fail(f, SYNC_AWAY, *result->text ? result->text : err_text(result->err));
    else
        take_json(f, json_incref(result->value));
}

/* ---- Asking ---- */

static void
ask(struct sync_follower *f)
{
    if (f->request || f->storing) {
        f->again = true;
        return;
    }
    f->again = false;
    f->ahead = *replica_place(f->replica);
    timer_stop(f->timer);
    send_request(f);
}

static void
send_request(struct sync_follower *f)
{
    enum err err = bus_request(f->config.far, "sync.read", sync_request(&f->ahead, f->body.size),
                               SYNC_PATIENCE, on_answer, f, &f->request);
    if (!err)
        return;
    f->request = 0;
    if (!f->storing)
        fail(f, SYNC_AWAY, err_text(err));
}

static void
on_timer(void *arg)
{
    ask(arg);
}

static void
on_news(void *arg, struct bus *bus UNUSED, const struct bus_message *m)
{
    struct sync_follower *f = arg;
    json_int_t seq = json_integer_value(json_object_get(m->payload, "seq"));
    if (seq > (json_int_t)f->seq)
        ask(f);
}

/* ---- Life ---- */

static bool
tell_old(void *arg, const struct journal_event *e)
{
    struct sync_follower *f = arg;
    f->config.event(f->config.arg, f->site, e);
    return true;
}

static enum err
tell_what_is_there(struct sync_follower *f, struct diag *diag)
{
    struct journal_reader *reader;
    if (!replica_place(f->replica)->seq)
        return ERR_OK;
    enum err err = journal_reader_open(replica_path(f->replica), &reader, diag);
    if (err)
        return err;
    err = journal_reader_read(reader, &(struct journal_query){.from = 1}, tell_old, f, diag);
    journal_reader_close(reader);
    return err;
}

static enum err
subscribe_news(struct sync_follower *f, struct diag *diag)
{
    char *subject = xasprintf("from.%s.sync.head", f->site);
    enum err err = bus_subscribe(f->config.near, subject, on_news, f, &f->news);
    if (err)
        diag_set(diag, err, "%s: cannot be subscribed to", subject);
    free(subject);
    return err;
}

enum err
sync_follower_new(const struct sync_follower_config *config, struct sync_follower **made,
                  struct diag *diag)
{
    struct sync_follower *f = xcalloc(1, sizeof *f);
    f->n_asides = SYNC_ASIDES;
    f->config = *config;
    f->site = xstrdup(config->site);
    f->state = SYNC_AWAY;
    f->since = clock_wall();
    f->timer = timer_new(config->loop, on_timer, f);
    enum err err = replica_open(config->directory, config->site, &f->replica, diag);
    if (!err) {
        f->seq = replica_place(f->replica)->seq;
        err = tell_what_is_there(f, diag);
    }
    if (!err)
        err = subscribe_news(f, diag);
    if (err) {
        sync_follower_free(f);
        return err;
    }
    timer_start(f->timer, 0);
    *made = f;
    return ERR_OK;
}

void
sync_follower_free(struct sync_follower *f)
{
    if (!f)
        return;
    bus_unsubscribe(f->news);
    forget_request(f);
    if (f->storing)
        f->storing->follower = NULL;
    else
        replica_close(f->replica);
    timer_free(f->timer);
    forget_piece(f);
    free(f->site);
    free(f);
}

struct sync_status
sync_follower_status(const struct sync_follower *f)
{
    return (struct sync_status){.state = f->state,
                                .since = f->since,
                                .seq = f->seq,
                                .head = f->head,
                                .why = f->why,
                                .n_events = f->n_events};
}

const struct sync_place *
sync_follower_place(const struct sync_follower *f)
{
    return f->storing ? &f->was : replica_place(f->replica);
}

nsec_t
sync_follower_heard(const struct sync_follower *f)
{
    return f->heard;
}

const char *
sync_follower_path(const struct sync_follower *f)
{
    return replica_path(f->replica);
}
