/* handlers_users.c - who holds which roles. A change is prepared, then recorded, and put in place
 * when the record is durable; one at a time. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/duties.h"
#include "gateway/service_private.h"
#include "io/jsontext.h"

#include <stdlib.h>
#include <string.h>

struct user_change {
    struct gateway_service *service; /* NULL: it has ended */
    struct api_request *request;     /* NULL: was answered when the service ended */
    struct identity *identity;
    struct identity_change *prepared;
};

/* Adds who granted it and when, if it is still what they said. */
static void
add_grant(const struct api_request *r, json_t *user)
{
    char at[TIME_TEXT_SIZE];
    const char *name = json_string_value(json_object_get(user, "name"));
    const struct grant *g = access_grant(&r->service->config.state->access, name);
    if (!g || !json_equal(json_object_get(g->user, "roles"), json_object_get(user, "roles")))
        return;
    json_object_set_new(user, "granted-by", json_string(g->by));
    json_object_set_new(user, "granted", json_string(time_format(g->at, at)));
}

void
api_list_users(struct api_request *r)
{
    json_t *list = identity_list(r->service->identity), *user;
    size_t i;
    json_array_foreach(list, i, user) add_grant(r, user);
    api_answer(r, json_pack("{so}", "users", list));
}

void
api_get_user(struct api_request *r)
{
    json_t *user = identity_get(r->service->identity, r->value);
    if (user) {
        add_grant(r, user);
        api_answer(r, user);
        return;
    }
    api_fail(r, ERR_NOT_FOUND, "nobody here is known as %s", r->value);
}

/* ---- changing */

/* The event is durable, or will not be. */
static void
on_recorded(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct user_change *change = arg;
    struct diag diag = {""};
    if (err) {
        identity_drop(change->prepared);
        diag_set(&diag, err, "the change cannot be recorded: %s", why);
    } else {
        err = identity_commit(change->prepared, &diag);
    }
    if (err)
        log_error("users: %s", diag.text);
    if (change->service)
        change->service->user_change = NULL;
    else
        identity_close(change->identity);
    if (change->request && err)
        api_fail(change->request, err, "%s", diag.text);
    else if (change->request)
        api_answer(change->request, json_object());
    free(change);
}

void
user_change_orphan(struct user_change *change)
{
    change->service = NULL;
    change->request = NULL;
}

static void
record(struct api_request *r, const char *type, struct identity_change *prepared)
{
    struct gateway_service *s = r->service;
    struct diag diag = {""};
    struct buf body = BUF_INIT;
    char *object = xasprintf("user/%s", r->value);
    json_t *json = r->body ? json_copy(r->body) : json_object();
    struct user_change *change = xcalloc(1, sizeof *change);
    *change = (struct user_change){s, r, s->identity, prepared};
    json_object_set_new(json, "name", json_string(r->value));
    enum err err = jsontext_put(&body, json);
    s->user_change = change;
    if (!err)
        err = journal_append(
            s->config.journal,
            &(struct journal_entry){
                .type = type, .object = object, .actor = r->person.name, .body = buf_cstr(&body)},
            1, on_recorded, change, &diag);
    if (err)
        on_recorded(change, err, 0, diag.text);
    json_decref(json);
    buf_fini(&body);
    free(object);
}

/* Somebody must be left who can put things right. */
static bool
leaves_an_administrator(struct api_request *r, const json_t *roles)
{
    json_t *users = identity_list(r->service->identity), *user;
    bool found = false;
    size_t i;
    json_array_foreach(users, i, user)
    {
        role_set held = 0;
        bool is_it = json_object_get(user, "name") &&
                     !strcmp(json_string_value(json_object_get(user, "name")), r->value);
        const json_t *its = is_it ? roles : json_object_get(user, "roles");
        found |= its && !roles_from_json(its, &held, NULL) && held & ROLE(SECADM);
    }
    json_decref(users);
    return found;
}

/* What the rules say of it, with what the person holds by sessions. */
static enum err
check_duties(const struct api_request *r, struct diag *diag)
{
    const struct session *s, *next;
    role_set roles = 0, more;
    enum err err = duties_check_change(r->person.name, r->value, diag);
    if (err || !r->body || roles_from_json(json_object_get(r->body, "roles"), &roles, NULL))
        return err; /* roles that are none are refused as such */
    HASH_ITER (hh, r->service->config.state->access.by_token, s, next) {
        if (!strcmp(s->person, r->value) && !roles_from_json(s->roles, &more, NULL))
            roles |= more;
    }
    return duties_check_roles(roles, diag);
}

static void
change_user(struct api_request *r, const char *type)
{
    struct gateway_service *s = r->service;
    struct identity_change *prepared;
    struct diag diag = {""};
    if (s->user_change) {
        api_fail(r, ERR_BUSY, "another change of users is being recorded");
        return;
    }
    if (check_duties(r, &diag)) {
        api_deny(r, 0, diag.text);
        return;
    }
    if (!leaves_an_administrator(r, json_object_get(r->body, "roles"))) {
        api_fail(r, ERR_CONFLICT, "nobody would be left who holds SECADM");
        return;
    }
    enum err err = identity_prepare(s->identity, r->value, r->body, &prepared, &diag);
    if (err)
        api_fail(r, err, "%s", diag.text);
    else
        record(r, type, prepared);
}

void
api_put_user(struct api_request *r)
{
    change_user(r, "user.put");
}

void
api_delete_user(struct api_request *r)
{
    change_user(r, "user.remove");
}
