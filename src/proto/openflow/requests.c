#include "proto/openflow/requests.h"

#include "base/alloc.h"

#include <stdlib.h>

static struct request *
place(const struct requests *r, uint32_t xid)
{
    return &r->ring[xid & (r->capacity - 1)];
}

void
requests_fini(struct requests *r)
{
    free(r->ring);
    *r = (struct requests){0};
}

static void
grow(struct requests *r)
{
    struct requests next = *r;
    next.capacity = r->capacity ? r->capacity * 2 : 64;
    next.ring = xcalloc(next.capacity, sizeof *next.ring);
    for (uint32_t i = 0; i < r->n; i++)
        *place(&next, r->first + i) = *place(r, r->first + i);
    free(r->ring);
    *r = next;
}

/* Forgets what has ended at the old end of the ring. */
static void
trim(struct requests *r)
{
    while (r->n && place(r, r->first)->kind == REQUEST_NONE) {
        r->first++;
        r->n--;
    }
}

uint32_t
requests_take(struct requests *r)
{
    trim(r);
    if (r->n == r->capacity)
        grow(r);
    uint32_t xid = r->first + r->n++;
    *place(r, xid) = (struct request){0};
    return xid;
}

void
requests_put(struct requests *r, const struct request *request)
{
    *place(r, r->first + r->n - 1) = *request;
    r->live++;
}

struct request *
requests_find(struct requests *r, uint32_t xid)
{
    if (xid - r->first >= r->n)
        return NULL;
    struct request *request = place(r, xid);
    return request->kind == REQUEST_NONE ? NULL : request;
}

void
requests_end(struct requests *r, struct request *request)
{
    request->kind = REQUEST_NONE;
    r->live--;
    trim(r);
}

struct request *
requests_from(struct requests *r, uint32_t *xid, uint32_t end)
{
    if ((int32_t)(*xid - r->first) < 0)
        *xid = r->first;
    for (; *xid - r->first < r->n && *xid != end; ++*xid) {
        struct request *request = place(r, *xid);
        if (request->kind != REQUEST_NONE)
            return request;
    }
    return NULL;
}

enum request_kind
request_kind_of(const struct openflow_message *message, uint32_t *reply)
{
    static const struct {
        uint32_t request, reply;
    } pairs[] = {
        {OFPT_ECHO_REQUEST, OFPT_ECHO_REPLY},
        {OFPT_FEATURES_REQUEST, OFPT_FEATURES_REPLY},
        {OFPT_GET_CONFIG_REQUEST, OFPT_GET_CONFIG_REPLY},
        {OFPT_MULTIPART_REQUEST, OFPT_MULTIPART_REPLY},
        {OFPT_BARRIER_REQUEST, OFPT_BARRIER_REPLY},
        {OFPT_QUEUE_GET_CONFIG_REQUEST, OFPT_QUEUE_GET_CONFIG_REPLY},
        {OFPT_ROLE_REQUEST, OFPT_ROLE_REPLY},
        {OFPT_GET_ASYNC_REQUEST, OFPT_GET_ASYNC_REPLY},
        {ONFT_BUNDLE_CONTROL, ONFT_BUNDLE_CONTROL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        if (pairs[i].request == message->type) {
            *reply = pairs[i].reply;
            return REQUEST_REPLY;
        }
    }
    struct openflow_type_info info;
    *reply = OFPT_EXPERIMENTER; /* a command of an experimenter may have a reply */
    if (message->type == OFPT_EXPERIMENTER)
        return REQUEST_COMMAND;
    *reply = OFPT_ERROR; /* which is no reply */
    if (openflow_type_info(message->type, &info) && info.direction == OPENFLOW_TO_SWITCH)
        return REQUEST_COMMAND;
    return REQUEST_NONE;
}

bool
request_is_answered_by(const struct request *request, uint32_t type, uint32_t multipart_type)
{
    return request->reply == type &&
           (type != OFPT_MULTIPART_REPLY || request->multipart_type == multipart_type);
}
