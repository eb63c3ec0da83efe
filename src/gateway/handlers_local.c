/* handlers_local.c - work at a site that is cut off, in the name of the person and by their right.
 */
#include "gateway/handlers.h"

#include "gateway/service_private.h"

static json_t *
payload_of(const struct api_request *r)
{
    json_t *payload = api_payload(r);
    role_set used = r->person.roles & r->route->roles;
    for (enum role role = 0; role < ROLE_MAX; role++) {
        if (used & 1u << role) {
            json_object_set_new(payload, "role", json_string(role_word(role)));
            break;
        }
    }
    json_object_set_new(payload, "right", json_string(right_word(r->right.kind)));
    json_object_set_new(payload, "right-id", json_string(r->right.id));
    return payload;
}

void
api_post_local(struct api_request *r)
{
    json_t *payload = payload_of(r);
    json_object_set_new(payload, "circuit", json_string(r->value));
    api_ask(r, NULL, payload, NULL);
}

void
api_post_local_id(struct api_request *r)
{
    json_t *payload = payload_of(r);
    json_object_set_new(payload, "id", json_integer(api_id(r)));
    api_ask(r, NULL, payload, NULL);
}
