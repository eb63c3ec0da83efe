/* handlers_users.c - who holds which roles. A change is prepared, then recorded, and put in place
 * when the record is durable; one at a time. */
#include "gateway/handlers.h"

#include "base/alloc.h"
#include "base/log.h"
#include "gateway/service_private.h"
#include "io/jsontext.h"

#include <stdlib.h>

struct user_change {
    struct gateway_service *service; /* NULL: it has ended */
    struct api_request *request;     /* NULL: was answered when the service ended */
    struct identity *identity;
    struct identity_change *prepared;
};

void
api_list_users(struct api_request *r)
{
    api_answer(r, json_pack("{so}", "users", identity_list(r->service->identity)));
}

void
api_get_user(struct api_request *r)
{
    json_t *user = identity_get(r->service->identity, r->value);
    if (user)
        api_answer(r, user);
    else
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
