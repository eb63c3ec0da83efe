#include "gateway/accounting.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "gateway/service_private.h"
#include "io/jsontext.h"
#include "model/text.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

/* A capture is recorded when it begins and ends, not with each piece that is fetched. */
static bool
only_reads(const struct api_request *r)
{
    const char *method = json_string_value(json_object_get(r->body, "method"));
    return r->route->method == HTTP_GET || r->route->reads || api_flag(r, "dry-run") ||
           (method && !strcmp(method, "edge.capture-read"));
}

static bool
is_accounted(const struct api_request *r)
{
    if (r->right.kind == RIGHT_NONE)
        return false; /* it is to log in, which has events of its own */
    return r->right.kind == RIGHT_BREAK_GLASS || !only_reads(r);
}

static void
put_hash(json_t *json, const struct api_request *r)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char text[2 * sizeof digest + 1];
    size_t size;
    const char *body = http_exchange_body(r->exchange, &size);
    if (!size)
        return;
    SHA256((const uint8_t *)body, size, digest);
    json_object_set_new(json, "body-sha256", json_string(hex_format(digest, sizeof digest, text)));
}

static json_t *
make_body(const struct api_request *r)
{
    const struct http_head *head = http_exchange_head(r->exchange);
    role_set used = r->person.roles & route_roles(r->route, r->query);
    char *target = text_make_printable(xstrndup(head->target, 1000));
    json_t *json = json_pack("{ss ss ss ss so ss ss}", "person", r->person.name, "address",
                             http_exchange_peer_address(r->exchange), "right",
                             right_word(r->right.kind), "right-id", r->right.id, "roles",
                             roles_to_json(used), "method", head->method_text, "request", target);
    put_hash(json, r);
    free(target);
    return json;
}

static void
on_recorded(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct api_request *r = api_resume(arg);
    if (r && err && !r->route->revokes)
        api_fail(r, err, "nothing is done that cannot be recorded: %s", why);
    else if (r)
        r->route->handle(r);
}

void
account_and_handle(struct api_request *r)
{
    struct diag diag = {""};
    struct buf body = BUF_INIT;
    if (!is_accounted(r)) {
        r->route->handle(r);
        return;
    }
    const char *target = http_exchange_head(r->exchange)->target;
    char *path = text_make_printable(xstrndup(target, MIN(strcspn(target, "?"), 200)));
    json_t *json = make_body(r);
    struct api_pending *pending = api_pend(r);
    enum err err = jsontext_put(&body, json);
    if (!err)
        err = journal_append(r->service->config.journal,
                             &(struct journal_entry){.type = "access.granted",
                                                     .object = *path ? path : "/",
                                                     .actor = r->person.name,
                                                     .body = buf_cstr(&body)},
                             1, on_recorded, pending, &diag);
    if (err)
        on_recorded(pending, err, 0, diag.text);
    json_decref(json);
    buf_fini(&body);
    free(path);
}
