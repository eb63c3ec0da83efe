#include "sync/origin.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/timer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ANNOUNCE_DELAY (20 * NSEC_PER_MSEC) /* so that a burst is told once */

struct reader {
    char *site;
    struct bus *bus;
    nsec_t heard;
    uint64_t seq;
    struct sync_place lost; /* what it was last found to remember; seq 0: nothing */
};

struct sync_origin {
    struct sync_origin_config config;
    struct reader *readers;
    struct bus_subscription *subscription;
    struct journal_subscription *events;
    struct timer *timer;
};

/* ---- Answers ---- */

/* What goes into one answer. */
struct selection {
    json_t *events;
    size_t octets;
    uint64_t offset; /* of the first event's body */
    bool more;
    uint8_t hash[JOURNAL_HASH_SIZE];
};

/* Not in the middle of a character: pieces of a body are JSON texts. */
static size_t
piece_size(const struct journal_event *e, size_t offset)
{
    size_t size = MIN(e->body_size - offset, SYNC_OCTETS);
    while (offset + size < e->body_size && ((uint8_t)e->body[offset + size] & 0xc0) == 0x80)
        size--;
    return size;
}

static bool
select_event(void *arg, const struct journal_event *e)
{
    struct selection *s = arg;
    bool first = !json_array_size(s->events);
    if (!first && s->octets + e->body_size > SYNC_OCTETS)
        return false;
    if (first && (s->offset || e->body_size > SYNC_OCTETS)) {
        size_t offset = MIN(s->offset, e->body_size), size = piece_size(e, offset);
        json_array_append_new(s->events, sync_event(e, offset, size));
        s->more = offset + size < e->body_size;
    } else {
        json_array_append_new(s->events, sync_event(e, 0, e->body_size));
    }
    memcpy(s->hash, e->hash, sizeof s->hash);
    s->octets += e->body_size + strlen(e->type) + strlen(e->object) + strlen(e->actor) + 64;
    return !s->offset && !s->more && json_array_size(s->events) < SYNC_EVENTS;
}

static bool
note_hash(void *arg, const struct journal_event *e)
{
    memcpy(arg, e->hash, JOURNAL_HASH_SIZE);
    return false;
}

/* NULL: the reader remembers what is here. */
static const char *
find_difference(const struct sync_origin *o, const struct sync_place *place, bool *replaced)
{
    const struct journal_identity *identity = journal_identity(o->config.journal);
    const struct journal_query query = {.from = place->seq, .to = place->seq};
    uint8_t hash[JOURNAL_HASH_SIZE] = {0};
    struct diag diag;
    *replaced = place->seq && memcmp(place->id, identity->id, sizeof place->id);
    if (*replaced)
        return "this is another journal";
    if (place->seq > journal_head(o->config.journal)->seq)
        return "this journal does not have that many events";
    if (place->seq && (journal_read(o->config.journal, &query, note_hash, hash, &diag) ||
                       memcmp(hash, place->hash, sizeof hash) != 0))
        return "this journal has another event there";
    return NULL;
}

static void
answer_events(struct sync_origin *o, struct bus *bus, const char *reply_to,
              const struct sync_place *place, uint64_t offset, json_t *answer)
{
    uint64_t head = journal_head(o->config.journal)->seq;
    struct selection s = {.events = json_array(), .offset = offset};
    struct journal_query query = {.from = place->seq + 1, .to = head, .limit = SYNC_EVENTS};
    struct diag diag = {""};
    enum err err = place->seq < head
                       ? journal_read(o->config.journal, &query, select_event, &s, &diag)
                       : ERR_OK;
    if (err) {
        bus_reply_error(bus, reply_to, err, "%s", diag.text);
        json_decref(s.events);
        json_decref(answer);
        return;
    }
    if (json_array_size(s.events))
        json_object_set_new(answer, "hash", sync_hash(s.hash));
    json_object_set_new(answer, "events", s.events);
    if (s.more)
        json_object_set_new(answer, "more", json_true());
    bus_reply(bus, reply_to, answer);
}

/* The site in "from.SITE.sync.read". */
static struct reader *
who_asks(struct sync_origin *o, const char *subject)
{
    const char *from = subject + strlen("from.");
    size_t length = strcspn(from, ".");
    for (size_t i = 0; i < o->config.n_readers; i++) {
        struct reader *r = &o->readers[i];
        if (strlen(r->site) == length && !strncmp(r->site, from, length))
            return r;
    }
    return NULL;
}

static void
note_loss(struct sync_origin *o, struct reader *r, const struct sync_place *place, bool replaced)
{
    if (r->lost.seq == place->seq && !memcmp(r->lost.hash, place->hash, sizeof place->hash))
        return;
    r->lost = *place;
    o->config.lost(o->config.arg, r->site, place->seq, replaced);
}

static void
on_read(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct sync_origin *o = arg;
    struct reader *r = who_asks(o, m->subject);
    struct sync_place place;
    uint64_t offset;
    struct diag diag;
    bool replaced;
    if (!r || sync_request_parse(m->payload, &place, &offset, &diag)) {
        bus_reply_error(bus, m->reply_to, r ? ERR_MALFORMED : ERR_DENIED, "%s",
                        r ? diag.text : "this site does not follow this journal");
        return;
    }
    r->heard = clock_monotonic();
    r->seq = place.seq;
    const char *difference = find_difference(o, &place, &replaced);
    json_t *answer = json_pack("{so sI}", "identity",
                               sync_identity(journal_identity(o->config.journal)), "head",
                               (json_int_t)journal_head(o->config.journal)->seq);
    if (!difference) {
        answer_events(o, bus, m->reply_to, &place, offset, answer);
        return;
    }
    json_object_set_new(answer, "differs", json_string(difference));
    bus_reply(bus, m->reply_to, answer);
    note_loss(o, r, &place, replaced);
}

/* ---- News ---- */

static void
announce(void *arg)
{
    struct sync_origin *o = arg;
    uint64_t seq = journal_head(o->config.journal)->seq;
    for (size_t i = 0; i < o->config.n_readers; i++) /* who does not hear it asks by and by */
        (void)bus_publish(o->readers[i].bus, "sync.head",
                          json_pack("{sI}", "seq", (json_int_t)seq));
}

static void
on_event(void *arg, const struct journal_event *e UNUSED)
{
    struct sync_origin *o = arg;
    if (!timer_is_armed(o->timer))
        timer_start(o->timer, ANNOUNCE_DELAY);
}

enum err
sync_origin_new(const struct sync_origin_config *config, struct sync_origin **made,
                struct diag *diag)
{
    struct sync_origin *o = xcalloc(1, sizeof *o);
    o->config = *config;
    o->config.readers = NULL;
    o->readers = xcalloc(config->n_readers, sizeof *o->readers);
    for (size_t i = 0; i < config->n_readers; i++)
        o->readers[i] = (struct reader){.site = xstrdup(config->readers[i].site),
                                        .bus = config->readers[i].bus};
    o->timer = timer_new(config->loop, announce, o);
    enum err err = bus_subscribe(config->bus, "from.*.sync.read", on_read, o, &o->subscription);
    if (err)
        diag_set(diag, err, "sync.read: cannot be subscribed to");
    else
        err = journal_subscribe(config->journal, 0, on_event, o, &o->events, diag);
    if (err) {
        sync_origin_free(o);
        return err;
    }
    *made = o;
    return ERR_OK;
}

void
sync_origin_free(struct sync_origin *o)
{
    if (!o)
        return;
    bus_unsubscribe(o->subscription);
    journal_unsubscribe(o->events);
    timer_free(o->timer);
    for (size_t i = 0; i < o->config.n_readers; i++)
        free(o->readers[i].site);
    free(o->readers);
    free(o);
}

struct sync_reader_status
sync_origin_reader(const struct sync_origin *o, size_t i)
{
    const struct reader *r = &o->readers[i];
    return (struct sync_reader_status){r->site, r->heard, r->seq};
}
