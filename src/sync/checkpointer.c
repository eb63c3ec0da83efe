#include "sync/checkpointer.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/timer.h"
#include "journal/checkpoint_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DASH "\u2014 "
#define TICK NSEC_PER_SEC
#define ANSWER (20 * NSEC_PER_SEC) /* what a witness may take; it waits for its copy */

/* One who is asked. */
struct asked {
    struct checkpointer *checkpointer;
    struct checkpointer_witness who;
    struct checkpoint signed_c; /* the newest it has countersigned; size 0: none */
    struct checkpoint asking;   /* while there is a request */
    uint64_t request;           /* 0: none */
    nsec_t next;                /* monotonic: not before */
    bool refused;
    char why[300];
};

struct checkpointer {
    struct checkpointer_config config;
    char origin[CHECKPOINT_ORIGIN_MAX + 1];
    struct checkpoint_log *log;
    struct checkpoint current; /* size 0: none yet */
    struct buf note;           /* its */
    nsec_t made;               /* wall; 0: before this start */
    nsec_t due;                /* monotonic */
    struct timer *timer;
    struct bus_subscription *subscription;
    struct asked *asked;
};

static bool
is_same(const struct checkpoint *a, const struct checkpoint *b)
{
    return a->size == b->size && !memcmp(a->root.octets, b->root.octets, sizeof a->root.octets);
}

/* ---- Countersignatures ---- */

/* A line of a witness, with its end, out of a note. */
static const char *
signature_line(const char *note, const char *name, size_t *size)
{
    char *start = xasprintf("\n" DASH "%s ", name);
    const char *line = strstr(note, start);
    const char *end = line ? strchr(line + 1, '\n') : NULL;
    free(start);
    *size = end ? (size_t)(end - line) : 0;
    return end ? line + 1 : NULL;
}

static bool
has_signed(const struct checkpointer *k, const char *note, const char *site)
{
    return k->config.trust && checkpoint_is_signed(note, strlen(note), site, k->config.trust);
}

static enum err
store(struct checkpointer *k, const char *note, struct diag *diag)
{
    enum err err = checkpoint_log_append(k->log, note, strlen(note), diag);
    if (err)
        log_error("checkpoint: %s", diag->text);
    return err;
}

/* Is it the one that was sent, and signed by who was asked? Then its signature is ours. */
static enum err
take_signature(struct checkpointer *k, struct asked *a, const json_t *answer, struct diag *diag)
{
    const char *note = json_string_value(json_object_get(answer, "note"));
    struct checkpoint c;
    size_t size;
    if (!note || checkpoint_parse(note, strlen(note), &c, NULL) || !is_same(&c, &a->asking) ||
        strcmp(c.origin, k->origin) != 0 || !has_signed(k, note, a->who.site))
        return diag_set(diag, ERR_DENIED, "what it answers is not signed with its key");
    if (!is_same(&c, &k->current)) { /* there is a newer one by now */
        a->signed_c = c;
        return store(k, note, diag);
    }
    const char *line = signature_line(note, a->who.site, &size);
    struct buf whole = BUF_INIT;
    buf_put(&whole, k->note.data, k->note.size);
    buf_put(&whole, line, line ? size : 0);
    const char *text = buf_cstr(&whole);
    enum err err = has_signed(k, text, a->who.site)
                       ? store(k, text, diag)
                       : diag_set(diag, ERR_DENIED, "its signature cannot be told");
    if (err) {
        buf_fini(&whole);
        return err;
    }
    buf_fini(&k->note);
    k->note = whole;
    a->signed_c = c;
    log_info("checkpoint: %" PRIu64 " events, countersigned by %s", c.size, a->who.site);
    return ERR_OK;
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct asked *a = arg;
    struct diag diag = {""};
    nsec_t now = clock_monotonic();
    a->request = 0;
    enum err err = result->err;
    if (err)
        diag_set(&diag, err, "%s", result->text);
    else
        err = take_signature(a->checkpointer, a, result->value, &diag);
    a->refused = err == ERR_CONFLICT || err == ERR_DENIED || err == ERR_MALFORMED;
    a->next = err ? now + (a->refused ? CHECKPOINT_REFUSED : CHECKPOINT_RETRY) : 0;
    if (err && strcmp(a->why, diag.text) != 0)
        log_warn("checkpoint: %s: %s: %s", a->who.site, a->refused ? "refused" : "waits",
                 diag.text);
    snprintf(a->why, sizeof a->why, "%s", err ? diag.text : "");
}

static void
ask(struct checkpointer *k, struct asked *a)
{
    a->asking = k->current;
    enum err err = bus_request(a->who.bus, "witness.sign",
                               json_pack("{ss}", "note", buf_cstr(&k->note)), ANSWER, on_answer, a,
                               &a->request);
    if (err) {
        a->request = 0;
        a->next = clock_monotonic() + CHECKPOINT_RETRY;
        snprintf(a->why, sizeof a->why, "%s", err_text(err));
    }
}

static void
ask_all(struct checkpointer *k)
{
    nsec_t now = clock_monotonic();
    for (size_t i = 0; i < k->config.n_witnesses && k->current.size; i++) {
        struct asked *a = &k->asked[i];
        if (!a->request && !is_same(&a->signed_c, &k->current) && now >= a->next)
            ask(k, a);
    }
}

/* ---- Making ---- */

static void
make(struct checkpointer *k)
{
    struct checkpoint c = {.size = k->config.tree->n};
    struct diag diag = {""};
    struct buf note = BUF_INIT;
    memcpy(c.origin, k->origin, sizeof c.origin);
    merkle_root(k->config.tree, &c.root);
    enum err err = checkpoint_sign(&c, k->config.identity->site, k->config.secret, &note, &diag);
    if (!err)
        err = store(k, buf_cstr(&note), &diag);
    else
        log_error("checkpoint: %s", diag.text);
    if (err) {
        buf_fini(&note);
        return;
    }
    buf_fini(&k->note);
    k->note = note;
    k->current = c;
    k->made = clock_wall();
    for (size_t i = 0; i < k->config.n_witnesses; i++)
        k->asked[i].next = k->asked[i].refused ? 0 : k->asked[i].next;
}

static void
go_on(struct checkpointer *k)
{
    uint64_t n = k->config.tree->n;
    nsec_t now = clock_monotonic();
    bool enough = k->config.events && n >= k->current.size + k->config.events;
    if (now >= k->due || enough) {
        k->due = now + (k->config.every ? k->config.every : CHECKPOINT_EVERY);
        if (n && n != k->current.size)
            make(k);
    }
    ask_all(k);
}

static void
on_timer(void *arg)
{
    struct checkpointer *k = arg;
    go_on(k);
    timer_start(k->timer, TICK);
}

void
checkpointer_grown(struct checkpointer *k)
{
    if (k->config.events && k->config.tree->n >= k->current.size + k->config.events)
        go_on(k);
}

/* ---- Who asks what there is ---- */

static json_t *
witness_json(const struct checkpointer *k, const struct asked *a)
{
    const char *state = is_same(&a->signed_c, &k->current) ? "countersigned"
                        : a->refused                       ? "refused"
                                                           : "waiting";
    return json_pack("{ss sI ss ss}", "site", a->who.site, "events", (json_int_t)a->signed_c.size,
                     "state", state, "why", a->why);
}

static void
on_asked(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct checkpointer *k = arg;
    char time[TIME_TEXT_SIZE];
    if (!k->current.size) {
        (void)bus_reply_error(bus, m->reply_to, ERR_NOT_FOUND, "there is no checkpoint yet");
        return;
    }
    json_t *list = json_array();
    for (size_t i = 0; i < k->config.n_witnesses; i++)
        json_array_append_new(list, witness_json(k, &k->asked[i]));
    (void)bus_reply(bus, m->reply_to,
                    json_pack("{ss sI so ss*}", "note", buf_cstr(&k->note), "events",
                              (json_int_t)k->current.size, "witnesses", list, "made",
                              k->made ? time_format(k->made, time) : NULL));
}

/* ---- Life ---- */

/* The newest of this journal that the file has, with all its signatures. A fork in it is for
 * whoever verifies the file. */
static void
take_old(void *arg, const char *note, const struct checkpoint *c)
{
    struct checkpointer *k = arg;
    if (strcmp(c->origin, k->origin) != 0)
        return;
    for (size_t i = 0; i < k->config.n_witnesses; i++) {
        if (has_signed(k, note, k->asked[i].who.site))
            k->asked[i].signed_c = *c;
    }
    k->current = *c;
    buf_fini(&k->note);
    buf_str(&k->note, note);
}

static enum err
read_number(const char *text, size_t length, uint64_t *number)
{
    *number = 0;
    if (!length || length > 9)
        return ERR_INVALID;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return ERR_INVALID;
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    return *number ? ERR_OK : ERR_INVALID;
}

enum err
checkpointer_parse_every(const char *text, nsec_t *every, uint64_t *events, struct diag *diag)
{
    static const char units[] = "smh";
    static const nsec_t factors[] = {NSEC_PER_SEC, 60 * NSEC_PER_SEC, 3600 * NSEC_PER_SEC};
    nsec_t time = 0;
    uint64_t number = 0, value;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        const char *unit = length ? strchr(units, at[length - 1]) : NULL;
        bool twice = unit ? time != 0 : number != 0;
        if (twice || read_number(at, unit ? length - 1 : length, &value))
            return diag_set(diag, ERR_INVALID,
                            "\"%s\": a time or a number of events is expected, as in 10m, 500, or "
                            "10m,500",
                            text);
        if (unit)
            time = (nsec_t)value * factors[unit - units];
        else
            number = value;
        at += length;
        if (!*at)
            break;
    }
    *every = time;
    *events = number;
    return ERR_OK;
}

enum err
checkpointer_new(const struct checkpointer_config *config, struct checkpointer **result,
                 struct diag *diag)
{
    struct checkpointer *k = xcalloc(1, sizeof *k);
    k->config = *config;
    k->timer = timer_new(config->loop, on_timer, k);
    k->asked = xcalloc(config->n_witnesses + 1, sizeof *k->asked);
    checkpoint_origin(config->identity, k->origin);
    for (size_t i = 0; i < config->n_witnesses; i++)
        k->asked[i] = (struct asked){.checkpointer = k, .who = config->witnesses[i]};
    enum err err = checkpoint_log_open(config->path, take_old, k, &k->log, diag);
    if (!err && config->bus)
        err = bus_subscribe(config->bus, "journal.checkpoint", on_asked, k, &k->subscription);
    if (err) {
        checkpointer_free(k);
        return err;
    }
    timer_start(k->timer, NSEC_PER_SEC / 10);
    *result = k;
    return ERR_OK;
}

void
checkpointer_free(struct checkpointer *k)
{
    if (!k)
        return;
    bus_unsubscribe(k->subscription);
    for (size_t i = 0; i < k->config.n_witnesses; i++) {
        if (k->asked[i].request)
            bus_cancel(k->asked[i].who.bus, k->asked[i].request);
    }
    timer_free(k->timer);
    checkpoint_log_close(k->log);
    buf_fini(&k->note);
    free(k->asked);
    free(k);
}
