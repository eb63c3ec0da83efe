#include "model/access.h"

#include "base/alloc.h"
#include "model/state.h"

#include <stdlib.h>
#include <string.h>

static const char *
text_of(const struct state_event *event, const char *name)
{
    return json_string_value(json_object_get(event->body, name));
}

/* ---- sessions */

static void
session_free(struct access *a, struct session *s)
{
    HASH_DELETE(hh, a->by_token, s);
    HASH_DELETE(hhid, a->by_id, s);
    free(s->id);
    free(s->person);
    json_decref(s->roles);
    json_decref(s->body);
    free(s);
}

static struct session *
find_session(const struct access *a, const char *id)
{
    struct session *s;
    HASH_FIND(hhid, a->by_id, id, strlen(id), s);
    return s;
}

static void
add_session(struct access *a, const struct state_event *event, nsec_t until, nsec_t idle)
{
    struct session *s = xcalloc(1, sizeof *s);
    const char *right = text_of(event, "right");
    s->id = xstrdup(text_of(event, "id"));
    memcpy(s->token_hash, text_of(event, "token-hash"), SESSION_HASH_SIZE);
    s->person = xstrdup(text_of(event, "person"));
    s->roles = json_incref(json_object_get(event->body, "roles"));
    s->body = json_incref((json_t *)(uintptr_t)event->body);
    s->opened = event->time;
    s->until = until;
    s->idle = idle;
    s->break_glass = right && !strcmp(right, "break-glass");
    HASH_ADD_KEYPTR(hh, a->by_token, s->token_hash, SESSION_HASH_SIZE - 1, s);
    HASH_ADD_KEYPTR(hhid, a->by_id, s->id, strlen(s->id), s);
}

static enum err
apply_opened(struct access *a, const struct state_event *event, struct diag *diag)
{
    nsec_t until;
    const char *id = text_of(event, "id"), *hash = text_of(event, "token-hash");
    const json_t *idle = json_object_get(event->body, "idle-s");
    if (!id || !*id || access_session(a, id))
        return state_event_malformed(event, "id", diag);
    if (!hash || strlen(hash) != SESSION_HASH_SIZE - 1 || access_session_by_token(a, hash))
        return state_event_malformed(event, "token-hash", diag);
    if (!text_of(event, "person"))
        return state_event_malformed(event, "person", diag);
    if (!json_is_array(json_object_get(event->body, "roles")))
        return state_event_malformed(event, "roles", diag);
    if (!text_of(event, "until") || time_parse(text_of(event, "until"), &until))
        return state_event_malformed(event, "until", diag);
    if (!json_is_integer(idle) || json_integer_value(idle) <= 0 ||
        json_integer_value(idle) > INT32_MAX)
        return state_event_malformed(event, "idle-s", diag);
    add_session(a, event, until, (nsec_t)json_integer_value(idle) * NSEC_PER_SEC);
    return ERR_OK;
}

static enum err
apply_closed(struct access *a, const struct state_event *event, struct diag *diag)
{
    const char *id = text_of(event, "id");
    if (!id)
        return state_event_malformed(event, "id", diag);
    struct session *s = find_session(a, id);
    if (s) /* two may have asked for it */
        session_free(a, s);
    return ERR_OK;
}

/* ---- grants */

static void
grant_free(struct access *a, struct grant *g)
{
    HASH_DEL(a->grants, g);
    free(g->name);
    free(g->by);
    json_decref(g->user);
    free(g);
}

static enum err
apply_user(struct access *a, const struct state_event *event, struct diag *diag)
{
    const char *name = text_of(event, "name");
    if (!name)
        return state_event_malformed(event, "name", diag);
    struct grant *g = (struct grant *)(uintptr_t)access_grant(a, name);
    if (g)
        grant_free(a, g);
    if (!strcmp(event->type, "user.remove"))
        return ERR_OK;
    g = xcalloc(1, sizeof *g);
    g->name = xstrdup(name);
    g->by = xstrdup(event->actor);
    g->at = event->time;
    g->seq = event->seq;
    g->user = json_copy((json_t *)(uintptr_t)event->body);
    json_object_del(g->user, "name");
    HASH_ADD_KEYPTR(hh, a->grants, g->name, strlen(g->name), g);
    return ERR_OK;
}

/* ---- break-glass codes */

static void
seal_free(struct access *a, struct seal *s)
{
    HASH_DEL(a->seals, s);
    free(s->name);
    free(s->by);
    free(s->used_by);
    json_decref(s->body);
    free(s);
}

/* Sealing anew takes the place of what was there. */
static enum err
apply_sealed(struct access *a, const struct state_event *event, struct diag *diag)
{
    const char *name = text_of(event, "name");
    if (!name)
        return state_event_malformed(event, "name", diag);
    if (!text_of(event, "hash") || !text_of(event, "salt"))
        return state_event_malformed(event, "hash", diag);
    struct seal *s = (struct seal *)(uintptr_t)access_seal(a, name);
    if (s)
        seal_free(a, s);
    s = xcalloc(1, sizeof *s);
    s->name = xstrdup(name);
    s->body = json_incref((json_t *)(uintptr_t)event->body);
    s->by = xstrdup(event->actor);
    s->at = event->time;
    HASH_ADD_KEYPTR(hh, a->seals, s->name, strlen(s->name), s);
    return ERR_OK;
}

static enum err
apply_used(struct access *a, const struct state_event *event, struct diag *diag)
{
    const char *name = text_of(event, "name"), *session = text_of(event, "session");
    struct seal *s = name ? (struct seal *)(uintptr_t)access_seal(a, name) : NULL;
    if (!s)
        return state_event_malformed(event, "name", diag);
    if (!session)
        return state_event_malformed(event, "session", diag);
    free(s->used_by);
    s->used_by = xstrdup(session);
    s->used = event->time;
    return ERR_OK;
}

/* ---- all of them */

static const struct {
    const char *type;
    enum err (*apply)(struct access *, const struct state_event *, struct diag *);
} table[] = {
    {"session.opened", apply_opened},
    {"session.closed", apply_closed},
    {"user.put", apply_user},
    {"user.remove", apply_user},
    {"break-glass.sealed", apply_sealed},
    {"break-glass.used", apply_used},
};

bool
access_knows(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].type, type))
            return true;
    }
    return false;
}

enum err
access_apply(struct access *a, const struct state_event *event, struct diag *diag)
{
    if (!json_is_object(event->body))
        return state_event_malformed(event, "body", diag);
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (!strcmp(table[i].type, event->type))
            return table[i].apply(a, event, diag);
    }
    return ERR_OK;
}

const struct session *
access_session(const struct access *a, const char *id)
{
    return find_session(a, id);
}

const struct session *
access_session_by_token(const struct access *a, const char *token_hash)
{
    struct session *s;
    HASH_FIND(hh, a->by_token, token_hash, strlen(token_hash), s);
    return s;
}

const struct grant *
access_grant(const struct access *a, const char *name)
{
    struct grant *g;
    HASH_FIND_STR(a->grants, name, g);
    return g;
}

const struct seal *
access_seal(const struct access *a, const char *name)
{
    struct seal *s;
    HASH_FIND_STR(a->seals, name, s);
    return s;
}

void
access_fini(struct access *a)
{
    struct session *session, *next_session;
    struct grant *grant, *next_grant;
    struct seal *seal, *next_seal;
    HASH_ITER (hh, a->by_token, session, next_session) {
        session_free(a, session);
    }
    HASH_ITER (hh, a->grants, grant, next_grant) {
        grant_free(a, grant);
    }
    HASH_ITER (hh, a->seals, seal, next_seal) {
        seal_free(a, seal);
    }
}
