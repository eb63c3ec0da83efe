/* told.c - what others than routers say of the network: the optical layer, and plans.
 *
 * What the optical layer and plans say, and who brought it, is an event first; the database is told
 * when that is durable, and again when the program begins anew. What is the same as before makes no
 * event. */
#include "wan/wan_private.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "te/ted_import.h"
#include "wan/feed_optical.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define NAME_MAX_LENGTH 64
#define OPTICAL "optical"
#define PLANS_MAX 64 /* they are kept for ever */

/* Who asked is answered when the event is in the journal, which is after the database has been told
 * of it. */
struct wan_telling {
    struct wan_handle *handle;
    struct bus *bus;
    char *reply_to, *source;
    json_t *answer;
    bool applied;
    struct wan_telling *prev, *next;
};

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* ---- Into the database ---- */

/* ERR_CONFLICT: there is a source of that name and of another kind. TE_NONE: there is none yet. */
static enum err
find_source(const struct wan_service *s, const char *name, enum ted_kind kind, uint32_t *source,
            struct diag *diag)
{
    struct ted_source_info info;
    *source = TE_NONE;
    for (uint32_t i = 0; i < ted_n_sources(s->ted); i++) {
        if (!ted_source_info(s->ted, i, &info) || strcmp(info.name, name) != 0)
            continue;
        if (info.kind != kind)
            return diag_set(diag, ERR_CONFLICT, "%s is a source of another kind: %s", name,
                            ted_kind_name(info.kind));
        *source = i;
    }
    return ERR_OK;
}

/* As above, but then it is made. It is up. `anew`: what it has said has never been; else what was
 * the last to be known of a link counts for a while. */
static enum err
need_source(struct wan_service *s, const char *name, enum ted_kind kind, bool anew,
            uint32_t *source, struct diag *diag)
{
    struct ted_source_info info;
    enum err err = find_source(s, name, kind, source, diag);
    char *domain = !err && ted_source_info(s->ted, *source, &info) ? xstrdup(info.domain) : NULL;
    if (domain && anew)
        ted_source_remove(s->ted, *source, clock_monotonic());
    if (!err && (!domain || anew))
        err = ted_source_add(s->ted, kind, name, domain ? domain : "", source);
    free(domain);
    if (err)
        return diag_set(diag, err, "%s", *diag->text ? diag->text : err_text(err));
    ted_source_up(s->ted, *source, clock_monotonic());
    return ERR_OK;
}

static enum err
tell_optical(struct wan_service *s, const char *source, const char *text, struct diag *diag)
{
    struct optical optical;
    uint32_t number;
    enum err err = optical_read(text, strlen(text), &optical, diag);
    if (err)
        return err;
    err = need_source(s, source, TED_KIND_OPTICAL, false, &number, diag);
    if (!err)
        optical_tell(&optical, s->ted, number, clock_monotonic());
    optical_fini(&optical);
    return err;
}

static enum err
tell_plan(struct wan_service *s, const char *source, const char *text, struct diag *diag)
{
    struct ted_import_counters counters;
    uint32_t number;
    enum err err = need_source(s, source, TED_KIND_IMPORT, true, &number, diag);
    return err ? err
               : ted_import(s->ted, number, source, text, strlen(text), clock_monotonic(),
                            &counters, diag);
}

static enum err
tell_of(struct wan_service *s, const struct told_source *t, struct diag *diag)
{
    return t->kind == TOLD_OPTICAL ? tell_optical(s, t->source, t->text, diag)
                                   : tell_plan(s, t->source, t->text, diag);
}

void
wan_told_begin(struct wan_service *s)
{
    for (const struct told_source *t = s->config.state->tunneling.told; t; t = t->hh.next) {
        struct diag why = {""};
        if (tell_of(s, t, &why))
            log_warn("wan: what %s told of %s is not used: %s", t->who, t->source, why.text);
    }
}

/* How many tunnels went another way for it. */
static uint64_t
tell_and_commit(struct wan_service *s, const struct told_source *t)
{
    uint64_t moves = s->n_moves;
    struct diag why = {""};
    if (tell_of(s, t, &why))
        log_warn("wan: what is told of %s is not used: %s", t->source, why.text);
    wan_commit(s);
    return s->n_moves - moves;
}

void
wan_told_event(struct wan_service *s, const struct state_event *e)
{
    const char *source = text_of(e->body, "source");
    const struct told_source *t = source ? tunneling_told(&s->config.state->tunneling, source)
                                         : NULL;
    struct wan_telling *m = s->tellings;
    if (!t)
        return;
    uint64_t moved = tell_and_commit(s, t);
    while (m && (m->applied || strcmp(m->source, source) != 0))
        m = m->next;
    if (!m)
        return;
    m->applied = true;
    json_object_set_new(m->answer, "moved", json_integer((json_int_t)moved));
}

/* ---- What is asked ---- */

static void
on_durable(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct wan_telling *m = arg;
    struct wan_service *s = wan_handle_take(m->handle);
    if (s)
        DL_DELETE(s->tellings, m);
    if (err)
        bus_reply_error(m->bus, m->reply_to, err, "%s", why);
    else if (s)
        bus_reply(m->bus, m->reply_to, json_incref(m->answer));
    json_decref(m->answer);
    free(m->reply_to);
    free(m->source);
    free(m);
}

/* `text` was read and is good. `answer`, consumed, is told with how many tunnels moved. */
static void
keep(struct wan_service *s, struct bus *bus, const struct bus_message *message, const char *source,
     enum told_kind kind, const char *text, json_t *answer)
{
    const struct told_source *old = tunneling_told(&s->config.state->tunneling, source);
    const char *actor = text_of(message->payload, "actor");
    bool pending = false; /* something else is on its way */
    for (const struct wan_telling *t = s->tellings; t; t = t->next)
        pending |= !t->applied && !strcmp(t->source, source);
    if (!pending && old && old->kind == kind && !strcmp(old->text, text)) {
        json_object_set_new(answer, "moved", json_integer((json_int_t)tell_and_commit(s, old)));
        bus_reply(bus, message->reply_to, answer);
        return;
    }
    struct wan_telling *m = xcalloc(1, sizeof *m);
    char *object = xasprintf("wan-source/%s", source);
    *m = (struct wan_telling){.handle = wan_handle_give(s),
                              .bus = bus,
                              .reply_to = message->reply_to ? xstrdup(message->reply_to) : NULL,
                              .source = xstrdup(source),
                              .answer = answer};
    DL_APPEND(s->tellings, m);
    wan_append(
        s, "wan.told", object, actor ? actor : ACTOR,
        json_pack("{ss ss ss}", "source", source, "kind", told_kind_words[kind], "text", text),
        on_durable, m);
    free(object);
}

/* {actor, document}: as feed_optical.h says; all that the layer has to say, in place of what it
 * said before -> {links, moved} */
void
wan_serve_optical(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    struct buf text = BUF_INIT;
    struct diag why = {""};
    struct optical optical;
    uint32_t source;
    enum err err = jsontext_put(&text, json_object_get(m->payload, "document"));
    if (!err)
        err = find_source(s, OPTICAL, TED_KIND_OPTICAL, &source, &why);
    if (!err)
        err = optical_read(buf_cstr(&text), text.size, &optical, &why);
    if (err) {
        bus_reply_error(bus, m->reply_to, err, "%s", *why.text ? why.text : err_text(err));
    } else {
        keep(s, bus, m, OPTICAL, TOLD_OPTICAL, buf_cstr(&text),
             json_pack("{sI}", "links", (json_int_t)optical.n_links));
        optical_fini(&optical);
    }
    buf_fini(&text);
}

/* Is it a table that can be read? In a database of its own, so that nothing is changed. */
static enum err
try_plan(const char *file, const char *text, struct ted_import_counters *counters,
         struct diag *diag)
{
    struct ted *ted = ted_new(NULL);
    uint32_t source;
    enum err err = ted_source_add(ted, TED_KIND_IMPORT, "plan", "", &source);
    if (!err)
        err = ted_import(ted, source, file, text, strlen(text), 0, counters, diag);
    ted_free(ted);
    return err;
}

/* {actor, plan, text, file?}: a table as of ted_import.h; all that the plan of that name says, in
 * place of what it said before, in the settings' file, too -> {rows, links, nodes, moved} */
void
wan_serve_plan(void *arg, struct bus *bus, const struct bus_message *m)
{
    struct wan_service *s = arg;
    const char *plan = text_of(m->payload, "plan"), *text = text_of(m->payload, "text"),
               *file = text_of(m->payload, "file");
    struct ted_import_counters n = {0};
    struct diag why = {""};
    uint32_t source;
    enum err err = ERR_OK;
    if (!plan || !text || !*plan || strlen(plan) > NAME_MAX_LENGTH)
        err = diag_set(&why, ERR_INVALID, "plan (a name of 1 to 64 octets) and text are expected");
    if (!err && !strcmp(plan, OPTICAL))
        err = diag_set(&why, ERR_CONFLICT, "%s is the name of the optical layer", OPTICAL);
    if (!err)
        err = find_source(s, plan, TED_KIND_IMPORT, &source, &why);
    if (!err && !tunneling_told(&s->config.state->tunneling, plan) &&
        HASH_COUNT(s->config.state->tunneling.told) >= PLANS_MAX)
        err = diag_set(&why, ERR_LIMIT, "there are %d plans already", PLANS_MAX);
    if (!err)
        err = try_plan(file ? file : plan, text, &n, &why);
    if (err)
        bus_reply_error(bus, m->reply_to, err, "%s", *why.text ? why.text : err_text(err));
    else
        keep(s, bus, m, plan, TOLD_IMPORT, text,
             json_pack("{sI sI sI}", "rows", (json_int_t)n.n_rows, "links", (json_int_t)n.n_links,
                       "nodes", (json_int_t)n.n_nodes));
}
