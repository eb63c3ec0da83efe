/* handlers_wan.c - the WAN: what its controller knows is asked of it. */
#include "gateway/handlers.h"

#include "gateway/service_private.h"

void
api_list_lsps(struct api_request *r)
{
    const char *router = api_text(r, "router");
    json_t *payload = json_pack("{sI sI}", "after", (json_int_t)api_number(r, "after", 0), "limit",
                                (json_int_t)api_number(r, "limit", 1000));
    if (router)
        json_object_set_new(payload, "router", json_string(router));
    api_ask(r, NULL, payload, NULL);
}

/* What the body says, and who says it. */
void
api_post_on(struct api_request *r)
{
    api_ask(r, NULL, api_payload(r), NULL);
}

/* The body is the document as it comes from the layer's own controller. */
void
api_put_optical(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{ss sO}", "actor", r->person.name, "document", r->body), NULL);
}

void
api_get_wan_what_if(struct api_request *r)
{
    api_ask(r, NULL, json_pack("{sI}", "limit", (json_int_t)api_number(r, "limit", 1000)), NULL);
}
