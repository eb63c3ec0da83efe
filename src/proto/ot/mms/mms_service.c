/* MMS PDUs and services. */
#include "proto/ot/mms/mms_private.h"

#include <string.h>

/* ---- Small things ---- */

void
mms_text(struct dissection *d, uint16_t id, uint16_t object, struct cursor *value)
{
    size_t size = cursor_left(value);
    pdu_octets(d, id, object, cursor_bytes(value, size, "text"), size);
}

void
mms_uint(struct dissection *d, uint16_t id, uint16_t object, struct cursor *value, const char *what)
{
    uint64_t number = ber_uint(value, what);
    if (!value->err)
        pdu_uint(d, id, object, number);
}

static bool
ends(const uint8_t *text, size_t size, const char *end)
{
    size_t n = strlen(end);
    return size >= n && !memcmp(text + size - n, end, n);
}

static bool
has(const uint8_t *text, size_t size, const char *part)
{
    return size && memmem(text, size, part, strlen(part));
}

/* ---- Names ---- */

/* The name of the request's object; one that is not remembered leaves its place empty. */
static void
remember_name(struct mms_asked *a, uint16_t object, const uint8_t *domain, size_t n_domain,
              const uint8_t *item, size_t n_item)
{
    if (!a || !object || object > MMS_ASKED_ITEMS || object <= a->n_items || !item ||
        n_domain + n_item > (size_t)(MMS_ASKED_TEXT - a->n_text))
        return;
    while (a->n_items + 1 < object)
        a->items[a->n_items++] = (struct mms_name){.item = 0};
    a->items[a->n_items++] = (struct mms_name){
        .at = a->n_text, .domain = (uint16_t)n_domain, .item = (uint16_t)n_item};
    if (n_domain)
        memcpy(a->text + a->n_text, domain, n_domain);
    memcpy(a->text + a->n_text + n_domain, item, n_item);
    a->n_text = (uint16_t)(a->n_text + n_domain + n_item);
}

/* What somebody wants of a variable stands in its name (IEC 61850-8-1 clauses 17 to 20). */
static void
judge_item(struct dissection *d, const uint8_t *item, size_t size)
{
    struct pdu *p = d->pdu;
    if (p->function == MMS_READ && (has(item, size, "$NamPlt") || has(item, size, "$PhyNam")))
        p->act = ACT_IDENTIFY;
    else if (p->function == MMS_READ && ends(item, size, "$SBO"))
        p->act = ACT_SELECT;
    if (p->function != MMS_WRITE)
        return;
    if (ends(item, size, "$Oper") || has(item, size, "$Oper$"))
        p->act = ACT_OPERATE;
    else if (ends(item, size, "$SBOw") || has(item, size, "$SBOw$"))
        p->act = ACT_SELECT;
    else if (has(item, size, "$CF$") || has(item, size, "$SE$") || has(item, size, "$SP$") ||
             has(item, size, "$RP$") || has(item, size, "$BR$") || has(item, size, "$GO$"))
        p->act = ACT_CONFIGURE;
}

/* ObjectName: of the VMD, of a domain, of the association. */
void
mms_object_name(struct dissection *d, uint16_t object, struct cursor *c, struct mms_asked *asked)
{
    uint32_t tag;
    struct cursor name = ber_read(c, &tag, "object name");
    if (tag == BER_CONSTRUCTED(1)) {
        struct ber_text domain = ber_get_text(&name, 0x1a, "domain name");
        struct ber_text item = ber_get_text(&name, 0x1a, "item name");
        if (!name.err) {
            pdu_octets(d, MMS_DOMAIN, object, (const uint8_t *)domain.data, domain.size);
            pdu_octets(d, MMS_ITEM, object, (const uint8_t *)item.data, item.size);
            remember_name(asked, object, (const uint8_t *)domain.data, domain.size,
                          (const uint8_t *)item.data, item.size);
            judge_item(d, (const uint8_t *)item.data, item.size);
        }
    } else if (!name.err && (tag == BER_CONTEXT(0) || tag == BER_CONTEXT(2))) {
        remember_name(asked, object, NULL, 0, name.pos, cursor_left(&name));
        mms_text(d, tag == BER_CONTEXT(0) ? MMS_VMD_NAME : MMS_AA_NAME, object, &name);
    } else {
        cursor_fail(&name, ERR_MALFORMED, "object name");
    }
    mms_up(c, &name);
}

/* One VariableSpecification of a list. */
static void
put_variable(struct dissection *d, uint16_t object, struct cursor *c, struct mms_asked *asked)
{
    uint32_t tag;
    struct cursor entry = ber_expect(c, BER_SEQUENCE, "variable");
    struct cursor variable = ber_read(&entry, &tag, "variable specification");
    if (tag == BER_CONSTRUCTED(0)) /* others: by address, or described */
        mms_object_name(d, object, &variable, asked);
    mms_up(&entry, &variable);
    mms_up(c, &entry);
}

/* VariableAccessSpecification: the name of a list is given, a list of names is for the caller. */
static struct cursor
put_access(struct dissection *d, struct cursor *c)
{
    uint32_t tag;
    struct cursor access = ber_read(c, &tag, "variable access");
    if (tag != BER_CONSTRUCTED(1))
        return access;
    pdu_uint(d, MMS_LIST, 0, 1);
    mms_object_name(d, 0, &access, NULL);
    mms_up(c, &access);
    return cursor_over(NULL, 0);
}

/* ---- What was asked ---- */

static struct mms_asked *
remember(struct dissection *d, uint32_t invoke)
{
    struct mms_state *s = d->state;
    if (!s)
        return NULL;
    struct mms_asked *a = &s->asked[s->next++ % MMS_ASKED];
    a->is_used = true;
    a->invoke = invoke;
    a->n_items = a->n_text = 0;
    return a;
}

static const struct mms_asked *
recall(struct dissection *d, uint32_t invoke)
{
    struct mms_state *s = d->state;
    for (unsigned i = 0; s && i < MMS_ASKED; i++) {
        if (s->asked[i].is_used && s->asked[i].invoke == invoke) {
            s->asked[i].is_used = false;
            return &s->asked[i];
        }
    }
    return NULL;
}

/* Parts of a name plate (IEC 61850-7-3, DPL and LPL) that are asked for one by one. */
static void
name_plate(struct dissection *d, uint16_t object, const uint8_t *item, size_t size)
{
    static const struct {
        const char *end;
        uint16_t field;
    } parts[] = {{"$vendor", MMS_VENDOR},  {"$model", MMS_MODEL},   {"$hwRev", MMS_HARDWARE},
                 {"$swRev", MMS_FIRMWARE}, {"$serNum", MMS_SERIAL}, {"$location", MMS_LOCATION}};
    const struct field *value = pdu_field(d->pdu, MMS_VISIBLE_STRING, object);
    if (!value || !(has(item, size, "$NamPlt") || has(item, size, "$PhyNam")))
        return;
    d->pdu->act = ACT_IDENTIFY;
    /* Of a whole plate the vendor is the first; which of the others it has is not said. */
    if (ends(item, size, "NamPlt") || ends(item, size, "PhyNam"))
        pdu_octets(d, MMS_VENDOR, object, value->octets, value->n);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (ends(item, size, parts[i].end))
            pdu_octets(d, parts[i].field, object, value->octets, value->n);
    }
}

/* The name of the object in the request that is answered. */
static const struct mms_name *
asked_name(const struct mms_asked *a, uint16_t object)
{
    return a && object <= a->n_items && a->items[object - 1].item ? &a->items[object - 1] : NULL;
}

static void
put_asked_name(struct dissection *d, uint16_t object, const struct mms_asked *a)
{
    const struct mms_name *name = asked_name(a, object);
    if (!name)
        return;
    const uint8_t *text = (const uint8_t *)a->text + name->at;
    if (name->domain)
        pdu_octets(d, MMS_DOMAIN, object, text, name->domain);
    pdu_octets(d, name->domain ? MMS_ITEM : MMS_VMD_NAME, object, text + name->domain, name->item);
}

/* AccessResult. */
static void
put_result(struct dissection *d, uint16_t object, struct cursor *c)
{
    if (ber_peek(c) != BER_CONTEXT(0)) {
        mms_data(d, object, c);
        return;
    }
    struct cursor failure = ber_read(c, NULL, "failure");
    mms_uint(d, MMS_FAILURE, object, &failure, "failure");
    mms_up(c, &failure);
}

/* A report or a publisher that is turned off. */
static void
judge_value(struct dissection *d, uint16_t object)
{
    const struct field *item = pdu_field(d->pdu, MMS_ITEM, object);
    const struct field *value = pdu_field(d->pdu, MMS_BOOLEAN, object);
    if (item && value && !value->u &&
        (ends(item->octets, item->n, "$RptEna") || ends(item->octets, item->n, "$GoEna") ||
         ends(item->octets, item->n, "$SvEna")))
        d->pdu->act = ACT_SILENCE;
}

/* Objects: a name of each, a value or a failure of each, or both. Behind those of a list before it,
 * which there should not be. */
static void
put_objects(struct dissection *d, struct cursor *names, struct cursor *values,
            struct mms_asked *asked, const struct mms_asked *answered)
{
    while (cursor_left(names) || cursor_left(values)) {
        if (d->pdu->n_objects + 1 >= UINT16_MAX)
            return;
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        if (cursor_left(names))
            put_variable(d, object, names, asked);
        put_asked_name(d, object, answered);
        if (cursor_left(values))
            put_result(d, object, values);
        if (d->pdu->function == MMS_WRITE && object <= MMS_ASKED_ITEMS)
            judge_value(d, object);
        const struct mms_name *name = asked_name(answered, object);
        if (name)
            name_plate(d, object, (const uint8_t *)answered->text + name->at + name->domain,
                       name->item);
    }
}

/* ---- Services ---- */

static void
put_identify(struct dissection *d, uint32_t tag, struct cursor *value)
{
    if (tag >= BER_CONTEXT(0) && tag <= BER_CONTEXT(2))
        mms_text(d, (uint16_t)(MMS_VENDOR + (tag - BER_CONTEXT(0))), 0, value);
}

static void
put_status(struct dissection *d, uint32_t tag, struct cursor *value)
{
    if (tag == BER_CONTEXT(0) || tag == BER_CONTEXT(1))
        mms_uint(d, tag == BER_CONTEXT(0) ? MMS_LOGICAL_STATUS : MMS_PHYSICAL_STATUS, 0, value,
                 "status");
}

static void
put_names(struct dissection *d, uint32_t tag, struct cursor *value)
{
    bool asks = d->pdu->kind == PDU_REQUEST;
    if (!asks && tag == BER_CONSTRUCTED(0)) {
        while (cursor_left(value)) {
            struct cursor name = ber_read(value, NULL, "identifier");
            mms_text(d, MMS_NAME, 0, &name);
            mms_up(value, &name);
        }
    } else if (!asks && tag == BER_CONTEXT(1)) {
        pdu_uint(d, MMS_MORE_FOLLOWS, 0, cursor_u8(value, "more follows") != 0);
    } else if (asks && tag == BER_CONSTRUCTED(0)) {
        uint64_t class = ber_get_uint(value, BER_CONTEXT(0), "object class");
        if (!value->err)
            pdu_uint(d, MMS_CLASS, 0, class);
    } else if (asks && tag == BER_CONSTRUCTED(1)) {
        struct cursor scope = ber_read(value, &tag, "object scope");
        if (tag == BER_CONTEXT(1))
            mms_text(d, MMS_SCOPE, 0, &scope);
        mms_up(value, &scope);
    } else if (asks && tag == BER_CONTEXT(2)) {
        mms_text(d, MMS_AFTER, 0, value);
    }
}

static void
put_written(struct dissection *d, struct cursor *c, const struct mms_asked *answered)
{
    uint32_t tag;
    unsigned n = 0, n_failed = 0;
    for (uint16_t object = 1; cursor_left(c) && object < UINT16_MAX; object++, n++) {
        struct cursor result = ber_read(c, &tag, "write result");
        const struct mms_name *name = asked_name(answered, object);
        d->pdu->n_objects = object;
        put_asked_name(d, object, answered);
        if (name)
            judge_item(d, (const uint8_t *)answered->text + name->at + name->domain, name->item);
        if (tag == BER_CONTEXT(0)) {
            mms_uint(d, MMS_FAILURE, object, &result, "failure");
            n_failed++;
        }
        mms_up(c, &result);
    }
    if (n && n == n_failed)
        d->pdu->kind = PDU_REFUSAL;
}

/* The names of a type's parts, whatever it is made of. */
static void
put_type(struct dissection *d, struct cursor *value)
{
    struct cursor stack[MMS_DEPTH];
    unsigned depth = 0;
    uint32_t tag;
    stack[0] = *value;
    for (;;) {
        struct cursor *at = &stack[depth];
        if (!cursor_left(at)) {
            if (at->err) {
                mms_up(value, at);
                return;
            }
            if (!depth--)
                return;
            continue;
        }
        struct cursor part = ber_read(at, &tag, "type");
        bool is_name = tag == BER_CONTEXT(0) && ber_peek(at) == BER_CONSTRUCTED(1);
        if (part.err)
            continue;
        if (is_name) {
            mms_text(d, MMS_COMPONENT, 0, &part);
        } else if (tag & 0x20 && tag <= 0xff) {
            if (depth + 1 == MMS_DEPTH) {
                cursor_fail(at, ERR_LIMIT, "types within types");
                continue;
            }
            stack[++depth] = part;
        }
    }
}

/* FileName: a sequence of texts, one of which is usual. */
static void
put_file_name(struct dissection *d, uint16_t id, uint16_t object, struct cursor *c)
{
    while (cursor_left(c)) {
        struct cursor name = ber_read(c, NULL, "file name");
        mms_text(d, id, object, &name);
        mms_up(c, &name);
    }
}

static void
put_file_attributes(struct dissection *d, uint16_t object, struct cursor *c)
{
    uint32_t tag;
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "file attributes");
        if (tag == BER_CONTEXT(0))
            mms_uint(d, MMS_FILE_SIZE, object, &part, "file size");
        mms_up(c, &part);
    }
}

static void
put_entry(struct dissection *d, struct cursor *c)
{
    uint32_t tag;
    if (d->pdu->n_objects == UINT16_MAX)
        return;
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "directory entry");
        if (tag == BER_CONSTRUCTED(0))
            put_file_name(d, MMS_FILE, object, &part);
        else if (tag == BER_CONSTRUCTED(1))
            put_file_attributes(d, object, &part);
        mms_up(c, &part);
    }
}

/* The entries stand in a SEQUENCE of their own. */
static void
put_directory(struct dissection *d, struct cursor *c)
{
    struct cursor list = ber_expect(c, BER_SEQUENCE, "directory");
    while (cursor_left(&list)) {
        struct cursor entry = ber_expect(&list, BER_SEQUENCE, "directory entry");
        put_entry(d, &entry);
        mms_up(&list, &entry);
    }
    mms_up(c, &list);
}

static void
put_file(struct dissection *d, uint32_t tag, struct cursor *value)
{
    uint32_t service = d->pdu->function;
    bool asks = d->pdu->kind == PDU_REQUEST;
    if (asks && service == MMS_OBTAIN_FILE && (tag == 0xa1 || tag == 0xa2)) {
        put_file_name(d, tag == 0xa1 ? MMS_FILE : MMS_NEW_FILE, 0, value);
    } else if (asks && tag == BER_CONSTRUCTED(0)) {
        put_file_name(d, MMS_FILE, 0, value);
    } else if (asks && tag == BER_CONSTRUCTED(1)) {
        put_file_name(d, service == MMS_FILE_RENAME ? MMS_NEW_FILE : MMS_AFTER, 0, value);
    } else if (asks && tag == BER_CONTEXT(1)) {
        mms_uint(d, MMS_POSITION, 0, value, "position");
    } else if (!asks && service == MMS_FILE_OPEN && tag == BER_CONTEXT(0)) {
        mms_uint(d, MMS_FILE_STATE, 0, value, "file state");
    } else if (!asks && service == MMS_FILE_OPEN && tag == BER_CONSTRUCTED(1)) {
        put_file_attributes(d, 0, value);
    } else if (!asks && service == MMS_FILE_READ && tag == BER_CONTEXT(0)) {
        pdu_uint(d, MMS_FILE_OCTETS, 0, cursor_left(value));
    } else if (!asks && service == MMS_FILE_DIRECTORY && tag == BER_CONSTRUCTED(0)) {
        put_directory(d, value);
    } else if (!asks && tag == BER_CONTEXT(1)) {
        pdu_uint(d, MMS_MORE_FOLLOWS, 0, cursor_u8(value, "more follows") != 0);
    }
}

/* Domains and program invocations: what they are called. */
static void
put_named(struct dissection *d, uint32_t tag, struct cursor *value)
{
    if (d->pdu->kind == PDU_REQUEST && (tag == BER_CONTEXT(0) || tag == 0x1a))
        mms_text(d, MMS_NAME, 0, value);
}

/* The parts of a service whose parts do not depend on each other. */
static void
put_parts(struct dissection *d, struct cursor *c)
{
    uint32_t tag;
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "service");
        if (part.err)
            break;
        switch (d->pdu->function) {
        case MMS_STATUS:
        case MMS_UNCONFIRMED | 1:
            put_status(d, tag, &part);
            break;
        case MMS_GET_NAME_LIST:
            put_names(d, tag, &part);
            break;
        case MMS_IDENTIFY:
            put_identify(d, tag, &part);
            break;
        case MMS_GET_ACCESS_ATTRIBUTES:
            if (d->pdu->kind != PDU_REQUEST && tag == BER_CONSTRUCTED(2))
                put_type(d, &part);
            else if (d->pdu->kind == PDU_REQUEST && tag == BER_CONSTRUCTED(0))
                mms_object_name(d, 0, &part, NULL);
            break;
        case MMS_GET_LIST_ATTRIBUTES:
        case MMS_DELETE_LIST:
            if (tag == BER_CONSTRUCTED(1) && d->pdu->kind != PDU_REQUEST) {
                struct cursor none = cursor_over(NULL, 0);
                put_objects(d, &part, &none, NULL, NULL);
            } else if (tag == BER_CONSTRUCTED(1) && cursor_left(&part)) {
                mms_object_name(d, 0, &part, NULL);
            }
            break;
        case MMS_OBTAIN_FILE:
        case MMS_FILE_OPEN:
        case MMS_FILE_READ:
        case MMS_FILE_RENAME:
        case MMS_FILE_DIRECTORY:
            put_file(d, tag, &part);
            break;
        default:
            put_named(d, tag, &part);
        }
        mms_up(c, &part);
    }
}

static void
put_read(struct dissection *d, struct cursor *c, struct mms_asked *asked,
         const struct mms_asked *answered)
{
    uint32_t tag;
    struct cursor none = cursor_over(NULL, 0);
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "service");
        if (tag == BER_CONSTRUCTED(1) && d->pdu->kind == PDU_REQUEST) {
            struct cursor names = put_access(d, &part);
            put_objects(d, &names, &none, asked, NULL);
            mms_up(&part, &names);
        } else if (tag == BER_CONSTRUCTED(1)) {
            put_objects(d, &none, &part, NULL, answered);
        }
        mms_up(c, &part);
    }
}

/* Names, then values: of a write, and of a report. */
static void
put_named_values(struct dissection *d, struct cursor *c, struct mms_asked *asked)
{
    struct cursor names = put_access(d, c);
    struct cursor values = ber_expect(c, BER_CONSTRUCTED(0), "values");
    if (c->err)
        return;
    put_objects(d, &names, &values, asked, NULL);
    mms_up(c, &names);
    mms_up(c, &values);
}

static void
put_service(struct dissection *d, bool is_constructed, struct cursor *c, struct mms_asked *asked,
            const struct mms_asked *answered)
{
    bool asks = d->pdu->kind == PDU_REQUEST;
    struct cursor none = cursor_over(NULL, 0);
    switch (d->pdu->function) {
    case MMS_READ:
        put_read(d, c, asked, answered);
        return;
    case MMS_UNCONFIRMED | 0:
        put_named_values(d, c, NULL);
        return;
    case MMS_WRITE:
        if (asks)
            put_named_values(d, c, asked);
        else
            put_written(d, c, answered);
        return;
    case MMS_GET_LIST_ATTRIBUTES:
        if (asks) {
            mms_object_name(d, 0, c, NULL);
            return;
        }
        break;
    case MMS_DEFINE_LIST:
        if (asks) {
            mms_object_name(d, 0, c, NULL);
            struct cursor names = ber_expect(c, BER_CONSTRUCTED(0), "list of variables");
            put_objects(d, &names, &none, NULL, NULL);
            mms_up(c, &names);
        }
        return;
    case MMS_FILE_DELETE:
        if (asks)
            put_file_name(d, MMS_FILE, 0, c);
        return;
    default:
        break;
    }
    if (is_constructed)
        put_parts(d, c);
    else if (asks && (d->pdu->function == MMS_FILE_READ || d->pdu->function == MMS_FILE_CLOSE))
        mms_uint(d, MMS_FILE_STATE, 0, c, "file state");
    else if (asks && cursor_left(c) && d->pdu->function > MMS_DELETE_LIST)
        mms_text(d, MMS_NAME, 0, c); /* of what is loaded, deleted, or asked about */
}

/* ---- PDUs ---- */

/* What the association said stays with the PDU that it brought. */
static void
become(struct dissection *d, enum pdu_kind kind, uint32_t function)
{
    d->pdu->kind = kind;
    d->pdu->function = function;
    d->pdu->info = protocol_function(d->protocol, function);
    d->pdu->act = d->pdu->info ? d->pdu->info->act : ACT_OTHER;
}

static uint32_t
read_invoke(struct cursor *c, uint32_t tag)
{
    return (uint32_t)ber_get_int(c, tag, "invoke id");
}

static void
put_confirmed(struct dissection *d, bool asks, struct cursor *c)
{
    uint32_t tag, invoke = read_invoke(c, 2);
    become(d, asks ? PDU_REQUEST : PDU_RESPONSE, MMS_PDU | !asks);
    pdu_uint(d, MMS_INVOKE, 0, invoke);
    if (asks && ber_peek(c) == BER_SEQUENCE)
        (void)ber_read(c, NULL, "modifiers");
    struct cursor service = ber_read(c, &tag, "service");
    if (!c->err && !mms_is_context(tag))
        cursor_fail(c, ERR_UNSUPPORTED, "service");
    if (c->err)
        return;
    struct mms_asked *asked = asks ? remember(d, invoke) : NULL;
    const struct mms_asked *answered = asks ? NULL : recall(d, invoke);
    become(d, d->pdu->kind, mms_tag_number(tag));
    if (asked)
        asked->service = d->pdu->function;
    put_service(d, (tag > 0xff ? tag >> 24 : tag) & 0x20, &service, asked, answered);
    mms_up(c, &service);
}

/* confirmed-Error: class and code; which service it was, the request said. */
static void
put_error(struct dissection *d, struct cursor *c)
{
    uint32_t tag, invoke = read_invoke(c, BER_CONTEXT(0));
    if (c->err)
        return;
    const struct mms_asked *answered = recall(d, invoke);
    become(d, PDU_REFUSAL, answered ? answered->service : MMS_PDU | 2);
    pdu_uint(d, MMS_INVOKE, 0, invoke);
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "service error");
        if (tag == BER_CONSTRUCTED(2)) {
            struct cursor class = ber_expect(&part, BER_CONSTRUCTED(0), "error class");
            struct cursor code = ber_read(&class, &tag, "error code");
            uint64_t value = ber_uint(&code, "error code");
            mms_up(&class, &code);
            mms_up(&part, &class);
            if (!part.err)
                d->pdu->error = mms_tag_number(tag) << 8 | (value & 255);
        }
        mms_up(c, &part);
    }
}

static void
put_reject(struct dissection *d, struct cursor *c)
{
    uint32_t tag;
    become(d, PDU_REFUSAL, MMS_PDU | 4);
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "reject reason");
        if (tag == BER_CONTEXT(0)) {
            mms_uint(d, MMS_INVOKE, 0, &part, "invoke id");
        } else {
            uint64_t value = ber_uint(&part, "reject reason");
            d->pdu->error = 0x8000u | (mms_tag_number(tag) & 127) << 8 | (value & 255);
        }
        mms_up(c, &part);
    }
}

static void
put_initiate(struct dissection *d, uint32_t number, struct cursor *c)
{
    uint32_t tag;
    become(d, PDU_LINK, MMS_PDU | number);
    while (cursor_left(c)) {
        struct cursor part = ber_read(c, &tag, "initiate");
        if (tag == BER_CONTEXT(0))
            mms_uint(d, MMS_PDU_SIZE, 0, &part, "PDU size");
        else if (tag == BER_CONSTRUCTED(4) && ber_peek(&part) == BER_CONTEXT(0))
            pdu_uint(d, MMS_VERSION, 0, ber_get_uint(&part, BER_CONTEXT(0), "version"));
        mms_up(c, &part);
    }
}

void
mms_pdu(struct dissection *d, struct cursor *c, const struct cursor *message)
{
    uint32_t tag;
    struct cursor pdu = ber_read(c, &tag, "MMS PDU");
    uint32_t number = mms_tag_number(tag), service;
    if (!c->err && !mms_is_context(tag))
        cursor_fail(c, ERR_UNSUPPORTED, "MMS PDU");
    if (c->err)
        return;
    switch (number) {
    case 0:
    case 1:
        put_confirmed(d, number == 0, &pdu);
        break;
    case 2:
        put_error(d, &pdu);
        break;
    case 3: {
        struct cursor value = ber_read(&pdu, &service, "unconfirmed service");
        become(d, PDU_REPORT, MMS_UNCONFIRMED | mms_tag_number(service));
        put_service(d, true, &value, NULL, NULL);
        mms_up(&pdu, &value);
        break;
    }
    case 4:
        put_reject(d, &pdu);
        break;
    case 8:
    case 9:
        put_initiate(d, number, &pdu);
        break;
    default:
        if (number > 13) {
            cursor_fail(&pdu, ERR_UNSUPPORTED, "MMS PDU");
            break;
        }
        become(d, number == 7 || number == 10 || number == 13 ? PDU_REFUSAL : PDU_LINK,
               MMS_PDU | number);
        if (number == 5 || number == 6)
            mms_uint(d, MMS_INVOKE, 0, &pdu, "invoke id");
    }
    mms_up(c, &pdu);
    pdu_end(d, message);
    pdu_begin(d, PDU_LINK, MMS_SESSION);
}
