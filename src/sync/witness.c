#include "sync/witness.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/timer.h"
#include "journal/checkpoint_log.h"
#include "journal/reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define POLL (100 * NSEC_PER_MSEC) /* whether the copy is there */
#define QUIET (60 * NSEC_PER_SEC)  /* between two refusals that are told of */

/* The last one of a journal that was countersigned. */
struct memory {
    struct checkpoint last;
    char *note;
    struct memory *prev, *next;
};

struct question {
    char *note, *reply_to;
    struct checkpoint c;
    nsec_t deadline;
};

/* A site that has asked. */
struct client {
    struct witness *witness;
    char *site;
    struct checkpoint_log *log;
    struct memory *memories;
    struct merkle_tree tree; /* of the journal below, as far as it was compared; n 0: nothing */
    char tree_origin[CHECKPOINT_ORIGIN_MAX + 1];
    struct question *waiting; /* NULL: nothing waits */
    struct judging *judging;  /* NULL: nothing is compared */
    nsec_t told;              /* monotonic: of a refusal; 0: never */
    struct client *prev, *next;
};

/* A checkpoint being compared with the copy, on a thread. */
struct judging {
    uv_work_t work;
    struct client *client; /* NULL: it is gone */
    struct question *question;
    char *path;
    struct merkle_tree tree;
    struct checkpoint last; /* size 0: none was countersigned */
    bool other;             /* the copy is of another journal */
    enum err err;
    struct diag diag;
};

struct witness {
    struct witness_config config;
    struct bus_subscription *subscription;
    struct timer *timer;
    struct client *clients;
};

/* ---- What is asked ---- */

enum err
witness_parse(const json_t *json, const char *site, const struct content_trust *trust,
              const char **note, struct checkpoint *c, struct diag *diag)
{
    char owner[JOURNAL_SITE_MAX + 1];
    const json_t *text = json_object_get(json, "note");
    size_t size = json_string_length(text);
    *note = json_string_value(text);
    if (!*note || size > CHECKPOINT_NOTE_MAX || strlen(*note) != size)
        return diag_set(diag, ERR_MALFORMED, "note: a signed checkpoint is expected");
    enum err err = checkpoint_parse(*note, size, c, diag);
    if (err)
        return err;
    if (!checkpoint_site(c->origin, owner) || strcmp(owner, site) != 0 || !c->size)
        return diag_set(diag, ERR_MALFORMED, "not a checkpoint of a journal of site %s", site);
    if (!checkpoint_is_signed(*note, size, site, trust))
        return diag_set(diag, ERR_DENIED, "the checkpoint is not signed with the key of site %s",
                        site);
    return ERR_OK;
}

static void
question_free(struct question *q)
{
    if (!q)
        return;
    free(q->note);
    free(q->reply_to);
    free(q);
}

/* ---- Answers ---- */

static void
answer(struct client *client, struct question *q, const char *note)
{
    (void)bus_reply(client->witness->config.near, q->reply_to, json_pack("{ss}", "note", note));
    question_free(q);
}

static void
tell_refusal(struct client *client, const struct checkpoint *c, const char *why)
{
    const struct witness_config *config = &client->witness->config;
    char *object = xasprintf("journal/%s", client->site);
    struct diag diag;
    json_t *json = json_pack("{ss sI ss}", "origin", c->origin, "events", (json_int_t)c->size,
                             "reason", why);
    char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
    const struct journal_entry entry = {"checkpoint.refused", object, "system/witness", body, 0};
    json_decref(json);
    if (body && journal_append(config->journal, &entry, 1, NULL, NULL, &diag))
        log_warn("%s", diag.text);
    (void)bus_publish(config->bus, "exception.raise",
                      json_pack("{ss ss ss ss so s{ss so ss}}", "actor", "system/witness", "kind",
                                "checkpoint-refused", "severity", "critical", "object", object,
                                "text",
                                json_sprintf("The checkpoint of site %s was not countersigned: %s.",
                                             client->site, why),
                                "evidence", "origin", c->origin, "events",
                                json_sprintf("%" PRIu64, c->size), "reason", why));
    free(body);
    free(object);
}

static void
refuse(struct client *client, struct question *q, enum err err, const char *why)
{
    const struct witness_config *config = &client->witness->config;
    nsec_t now = clock_monotonic();
    log_warn("witness: site %s: not countersigned: %s", client->site, why);
    if (!client->told || now - client->told >= QUIET) {
        client->told = now;
        tell_refusal(client, &q->c, why);
    }
    (void)bus_reply_error(config->near, q->reply_to, err, "%s", why);
    question_free(q);
}

/* It may be asked again: nothing is wrong with it, as far as is known. */
static void
put_off(struct client *client, struct question *q, enum err err, const char *why)
{
    (void)bus_reply_error(client->witness->config.near, q->reply_to, err, "%s", why);
    question_free(q);
}

/* ---- Memory ---- */

static struct memory *
memory_of(struct client *client, const char *origin)
{
    struct memory *m;
    DL_FOREACH(client->memories, m)
    {
        if (!strcmp(m->last.origin, origin))
            return m;
    }
    return NULL;
}

static void
remember(void *arg, const char *note, const struct checkpoint *c)
{
    struct client *client = arg;
    struct memory *m = memory_of(client, c->origin);
    if (m && c->size < m->last.size)
        return;
    if (!m) {
        m = xcalloc(1, sizeof *m);
        DL_APPEND(client->memories, m);
    }
    free(m->note);
    m->note = xstrdup(note);
    m->last = *c;
}

static void
client_free(struct client *client)
{
    struct memory *m, *next;
    DL_FOREACH_SAFE(client->memories, m, next)
    {
        free(m->note);
        free(m);
    }
    if (client->judging)
        client->judging->client = NULL;
    question_free(client->waiting);
    checkpoint_log_close(client->log);
    free(client->site);
    free(client);
}

/* Only of sites that there are copies of, so that strangers do not make files. */
static enum err
client_of(struct witness *w, const char *site, struct client **result, struct diag *diag)
{
    struct client *client;
    DL_FOREACH(w->clients, client)
    {
        if (!strcmp(client->site, site)) {
            *result = client;
            return ERR_OK;
        }
    }
    client = xcalloc(1, sizeof *client);
    client->witness = w;
    client->site = xstrdup(site);
    char *path = xasprintf("%s/%s.witnessed", w->config.directory, site);
    enum err err = checkpoint_log_open(path, remember, client, &client->log, diag);
    free(path);
    if (err) {
        client_free(client);
        return err;
    }
    DL_APPEND(w->clients, client);
    *result = client;
    return ERR_OK;
}

/* ---- Comparing ---- */

static bool
take_event(void *arg, const struct journal_event *e)
{
    struct judging *j = arg;
    struct merkle_hash leaf;
    if (e->seq != j->tree.n + 1)
        return false;
    merkle_leaf(e->hash, sizeof e->hash, &leaf);
    merkle_append(&j->tree, &leaf);
    return true;
}

/* Lets the tree grow to `n` leaves. */
static enum err
grow(struct judging *j, struct journal_reader *reader, uint64_t n)
{
    const struct journal_query more = {.from = j->tree.n + 1, .to = n};
    if (j->tree.n == n)
        return ERR_OK;
    enum err err = journal_reader_read(reader, &more, take_event, j, &j->diag);
    if (!err && j->tree.n != n)
        err = diag_set(&j->diag, ERR_BUSY, "the copy here has no event %" PRIu64, j->tree.n + 1);
    return err;
}

static bool
has_root(const struct merkle_tree *tree, const struct checkpoint *c)
{
    struct merkle_hash root;
    merkle_root(tree, &root);
    return !memcmp(root.octets, c->root.octets, sizeof root.octets);
}

/* The tree may be there as far as the last one; otherwise it is made anew. */
static enum err
compare(struct judging *j, struct journal_reader *reader)
{
    const struct checkpoint *c = &j->question->c;
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    checkpoint_origin(journal_reader_identity(reader), origin);
    j->other = strcmp(origin, c->origin) != 0;
    if (j->other)
        return diag_set(&j->diag, ERR_CONFLICT, "it is of another journal than the one known here");
    enum err err = grow(j, reader, j->last.size);
    if (err)
        return err;
    if (j->last.size && !has_root(&j->tree, &j->last))
        return diag_set(&j->diag, ERR_CONFLICT,
                        "the first %" PRIu64 " events are not what was countersigned of them: they "
                        "were changed, or the journal was rolled back and has a fork",
                        j->last.size);
    err = grow(j, reader, c->size);
    if (err)
        return err;
    return has_root(&j->tree, c)
               ? ERR_OK
               : diag_set(&j->diag, ERR_CONFLICT,
                          "the root of the first %" PRIu64 " events is not that of the copy here",
                          c->size);
}

static void
judge(uv_work_t *work)
{
    struct judging *j = CONTAINER_OF(work, struct judging, work);
    struct journal_reader *reader = NULL;
    j->err = journal_reader_open(j->path, &reader, &j->diag);
    bool from_memory = j->tree.n > 0;
    if (!j->err)
        j->err = compare(j, reader);
    if (j->err == ERR_CONFLICT && !j->other && from_memory) { /* of what, is to be said exactly */
        j->tree = (struct merkle_tree){.n = 0};
        j->err = compare(j, reader);
    }
    journal_reader_close(reader);
}

static void
sign(struct client *client, struct question *q)
{
    const struct witness_config *config = &client->witness->config;
    struct diag diag = {""};
    struct buf note = BUF_INIT;
    buf_str(&note, q->note);
    enum err err = checkpoint_countersign(&note, config->site, config->secret, &diag);
    if (!err && note.size > CHECKPOINT_NOTE_MAX)
        err = diag_set(&diag, ERR_LIMIT, "the note is too long for one more signature");
    if (!err)
        err = checkpoint_log_append(client->log, (const char *)note.data, note.size, &diag);
    if (err) {
        log_error("witness: %s", diag.text);
        put_off(client, q, err, diag.text);
    } else {
        const char *text = buf_cstr(&note);
        remember(client, text, &q->c);
        answer(client, q, text);
    }
    buf_fini(&note);
}

static void wait_on(struct witness *);

static void
judged(uv_work_t *work, int status UNUSED)
{
    struct judging *j = CONTAINER_OF(work, struct judging, work);
    struct client *client = j->client;
    struct question *q = j->question;
    if (client) {
        client->judging = NULL;
        if (!j->err) {
            client->tree = j->tree;
            memcpy(client->tree_origin, q->c.origin, sizeof client->tree_origin);
            sign(client, q);
        } else if (j->other && clock_monotonic() < q->deadline && !client->waiting) {
            client->waiting = q; /* the copy may be about to be put aside */
        } else if (j->err == ERR_CONFLICT) {
            refuse(client, q, j->err, j->diag.text);
        } else {
            put_off(client, q, j->err, j->diag.text);
        }
        wait_on(client->witness);
    } else {
        question_free(q);
    }
    free(j->path);
    free(j);
}

static void
begin_judging(struct client *client, struct question *q, const char *path)
{
    struct judging *j = xcalloc(1, sizeof *j);
    const struct memory *m = memory_of(client, q->c.origin);
    *j = (struct judging){.client = client, .question = q, .path = xstrdup(path)};
    if (m)
        j->last = m->last;
    if (m && client->tree.n == m->last.size && !strcmp(client->tree_origin, q->c.origin) &&
        has_root(&client->tree, &m->last))
        j->tree = client->tree;
    client->judging = j;
    uv_queue_work(client->witness->config.loop, &j->work, judge, judged);
}

/* What the memory says to it. True: it is answered. */
static bool
is_known(struct client *client, struct question *q)
{
    const struct memory *m = memory_of(client, q->c.origin);
    char text[160];
    if (!m || q->c.size > m->last.size)
        return false;
    if (q->c.size == m->last.size &&
        !memcmp(q->c.root.octets, m->last.root.octets, sizeof q->c.root.octets)) {
        answer(client, q, m->note);
        return true;
    }
    if (q->c.size == m->last.size)
        snprintf(text, sizeof text,
                 "another root of %" PRIu64 " events was countersigned: it is a fork", q->c.size);
    else
        snprintf(text, sizeof text,
                 "it has %" PRIu64 " events, and %" PRIu64
                 " were countersigned: the journal was cut off",
                 q->c.size, m->last.size);
    refuse(client, q, ERR_CONFLICT, text);
    return true;
}

static void
look_at(struct client *client)
{
    const struct witness_config *config = &client->witness->config;
    struct question *q = client->waiting;
    const char *path;
    uint64_t seq;
    client->waiting = NULL;
    if (is_known(client, q))
        return;
    if (!config->copy(config->arg, client->site, &path, &seq)) {
        put_off(client, q, ERR_NOT_FOUND, "there is no copy of that journal here");
    } else if (seq >= q->c.size) {
        begin_judging(client, q, path);
    } else if (clock_monotonic() < q->deadline) {
        client->waiting = q;
    } else {
        char text[120];
        snprintf(text, sizeof text, "the copy here has %" PRIu64 " of the %" PRIu64 " events yet",
                 seq, q->c.size);
        put_off(client, q, ERR_TIMEOUT, text);
    }
}

static void
wait_on(struct witness *w)
{
    struct client *client;
    DL_FOREACH(w->clients, client)
    {
        if (client->waiting)
            timer_start(w->timer, POLL);
    }
}

static void
on_timer(void *arg)
{
    struct witness *w = arg;
    struct client *client;
    DL_FOREACH(w->clients, client)
    {
        if (client->waiting && !client->judging)
            look_at(client);
    }
    wait_on(w);
}

static void
on_asked(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct witness *w = arg;
    struct diag diag = {""};
    struct client *client;
    char site[JOURNAL_SITE_MAX + 1] = "";
    const char *note, *path;
    uint64_t seq;
    enum err err;
    if (sscanf(m->subject, "from.%64[^.]", site) != 1 ||
        !w->config.copy(w->config.arg, site, &path, &seq)) {
        (void)bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND,
                              "there is no copy of that journal here");
        return;
    }
    err = client_of(w, site, &client, &diag);
    if (err) {
        log_error("witness: %s", diag.text);
        (void)bus_reply_error(bus, m->reply_to, err, "%s", diag.text);
        return;
    }
    struct question *q = xcalloc(1, sizeof *q);
    nsec_t patience = w->config.patience ? w->config.patience : WITNESS_PATIENCE;
    q->deadline = clock_monotonic() + patience;
    q->reply_to = m->reply_to ? xstrdup(m->reply_to) : NULL;
    err = witness_parse(m->payload, site, w->config.trust, &note, &q->c, &diag);
    if (err) {
        refuse(client, q, err, diag.text);
        return;
    }
    q->note = xstrdup(note);
    if (client->waiting)
        put_off(client, client->waiting, ERR_BUSY, "a newer checkpoint came");
    client->waiting = q;
    if (!client->judging)
        look_at(client);
    wait_on(w);
}

/* ---- Life ---- */

enum err
witness_new(const struct witness_config *config, struct witness **result, struct diag *diag)
{
    struct witness *w = xcalloc(1, sizeof *w);
    w->config = *config;
    w->timer = timer_new(config->loop, on_timer, w);
    enum err err = bus_subscribe(config->near, "from.*.witness.sign", on_asked, w,
                                 &w->subscription);
    if (err) {
        witness_free(w);
        return diag_set(diag, err, "from.*.witness.sign: cannot be subscribed to");
    }
    *result = w;
    return ERR_OK;
}

void
witness_free(struct witness *w)
{
    struct client *client, *next;
    if (!w)
        return;
    bus_unsubscribe(w->subscription);
    DL_FOREACH_SAFE(w->clients, client, next)
    client_free(client);
    timer_free(w->timer);
    free(w);
}
