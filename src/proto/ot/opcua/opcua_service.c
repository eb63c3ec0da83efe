/* Services: their headers, what was asked, and what is answered. */
#include "proto/ot/opcua/opcua_private.h"

#define IS_BAD 0x80000000u
#define SERVICE_FAULT 397
#define READ 631

static const struct opcua_part request_header[] = {
    {UA_NODE, OPCUA_NONE, "authentication token", NULL},
    {UA_TIME, OPCUA_TIME, "timestamp", NULL},
    {UA_U32, OPCUA_HANDLE, "request handle", NULL},
    {UA_U32, OPCUA_NONE, "return diagnostics", NULL},
    {UA_TEXT, OPCUA_AUDIT, "audit entry id", NULL},
    {UA_U32, OPCUA_NONE, "timeout hint", NULL},
    {UA_EXTENSION, OPCUA_NONE, "additional header", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part text[] = {{UA_TEXT, OPCUA_NONE, "string", NULL},
                                         {UA_END, 0, NULL, NULL}};

static const struct opcua_part response_begin[] = {
    {UA_TIME, OPCUA_TIME, "timestamp", NULL},
    {UA_U32, OPCUA_HANDLE, "request handle", NULL},
    {UA_END, 0, NULL, NULL},
};

static const struct opcua_part response_end[] = {
    {UA_DIAGNOSTIC, OPCUA_NONE, "service diagnostics", NULL},
    {UA_LIST, OPCUA_NONE, "string table", text},
    {UA_EXTENSION, OPCUA_NONE, "additional header", NULL},
    {UA_END, 0, NULL, NULL},
};

const struct opcua_service *
opcua_service_of(uint16_t encoding)
{
    for (size_t i = 0; encoding && i < opcua_n_services; i++) {
        if (opcua_services[i].request == encoding || opcua_services[i].response == encoding)
            return &opcua_services[i];
    }
    return NULL;
}

uint16_t
opcua_service_begins(const uint8_t *p, size_t size)
{
    if (size < 4 || p[0] != 1 || p[1] != 0)
        return 0;
    uint16_t encoding = get_le16(p + 2);
    return opcua_service_of(encoding) ? encoding : 0;
}

/* ---- What was asked ---- */

static void
remember_node(struct opcua_asked *a, struct opcua_item *item, const struct field *f)
{
    switch (f->id) {
    case OPCUA_STANDARD_NODE:
    case OPCUA_NODE:
        item->kind = 2;
        item->number = (uint32_t)f->u;
        break;
    case OPCUA_NAMESPACE:
        item->space = (uint16_t)f->u;
        break;
    case OPCUA_ATTRIBUTE:
        item->attribute = (uint32_t)f->u;
        break;
    case OPCUA_NODE_TEXT:
    case OPCUA_NODE_OCTETS:
        if (f->n > sizeof a->text - a->n_text)
            break; /* too long: its value has no name */
        item->kind = f->id == OPCUA_NODE_TEXT ? 3 : 5;
        item->at = a->n_text;
        item->size = (uint16_t)f->n;
        if (f->n)
            memcpy(a->text + a->n_text, f->octets, f->n);
        a->n_text = (uint16_t)(a->n_text + f->n);
        break;
    default:
        break;
    }
}

static void
remember(struct dissection *d, uint16_t service, uint32_t request)
{
    struct opcua_state *s = d->state;
    const struct pdu *p = d->pdu;
    if (!s)
        return;
    struct opcua_asked *a = &s->asked[s->next++ % OPCUA_ASKED];
    a->waits = true;
    a->way = (uint8_t)d->way;
    a->service = service;
    a->request = request;
    a->act = p->act;
    a->n_text = 0;
    a->n_items = (uint16_t)MIN(p->n_objects, OPCUA_ASKED_ITEMS);
    memset(a->items, 0, a->n_items * sizeof a->items[0]);
    for (uint32_t i = 0; i < p->n_fields; i++) {
        uint16_t object = p->fields[i].object;
        if (object && object <= a->n_items)
            remember_node(a, &a->items[object - 1], &p->fields[i]);
    }
}

static struct opcua_asked *
recall(struct dissection *d, uint32_t request)
{
    struct opcua_state *s = d->state;
    for (unsigned i = 0; s && i < OPCUA_ASKED; i++) {
        struct opcua_asked *a = &s->asked[i];
        if (a->waits && a->request == request && a->way != (uint8_t)d->way) {
            a->waits = false;
            return a;
        }
    }
    return NULL;
}

/* ---- Either ---- */

/* Who reads the build information wants to know who it is. */
static void
note_identity(struct pdu *p)
{
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->id == OPCUA_STANDARD_NODE && f->u >= 2260 && f->u <= 2266)
            p->act = ACT_IDENTIFY;
    }
}

static void
put_rest(struct dissection *d, struct cursor *c, uint16_t field)
{
    size_t left = cursor_left(c);
    if (left)
        pdu_uint(d, field, 0, left);
    cursor_skip(c, left, "rest");
}

static void
put_body(struct dissection *d, struct cursor *c, const struct opcua_part *parts,
         const struct opcua_asked *asked)
{
    if (parts)
        opcua_parts(d, c, parts, 0, 0, asked);
    put_rest(d, c, parts ? OPCUA_TRAILING : OPCUA_SIZE);
}

static void
response(struct dissection *d, struct cursor *c, const struct opcua_service *s, uint32_t request)
{
    struct pdu *p = d->pdu;
    const struct opcua_asked *asked = recall(d, request);
    if (asked && (s->request == SERVICE_FAULT || asked->service == s->request)) {
        p->function = asked->service;
        p->info = protocol_function(&opcua, p->function);
        p->act = asked->act;
    }
    opcua_parts(d, c, response_begin, 0, 0, NULL);
    uint32_t result = cursor_le32(c, "service result");
    if (result & IS_BAD) {
        p->kind = PDU_REFUSAL;
        p->error = result & 0xffff0000;
    }
    opcua_parts(d, c, response_end, 0, 0, NULL);
    if (!c->err && (!(result & IS_BAD) || cursor_left(c)))
        put_body(d, c, s->answers, asked);
}

void
opcua_service(struct dissection *d, struct cursor *c, uint32_t request)
{
    struct opcua_node type;
    opcua_node(c, &type, true, "service");
    const struct opcua_service *s = type.kind == 2 && !type.space && type.number <= UINT16_MAX
                                        ? opcua_service_of((uint16_t)type.number)
                                        : NULL;
    if (!c->err && !s)
        cursor_fail(c, ERR_UNSUPPORTED, "service");
    if (c->err)
        return;
    bool asks = type.number == s->request && s->request != SERVICE_FAULT;
    struct pdu *p = d->pdu;
    p->kind = asks ? PDU_REQUEST : PDU_RESPONSE;
    p->function = s->request;
    p->info = protocol_function(&opcua, p->function);
    p->act = p->info ? p->info->act : ACT_OTHER;
    if (!asks) {
        response(d, c, s, request);
        return;
    }
    opcua_parts(d, c, request_header, 0, 0, NULL);
    put_body(d, c, s->asks, NULL);
    if (s->request == READ)
        note_identity(p);
    remember(d, s->request, request);
}
