/* Decoding: the row of objects of a message becomes what its grammar says.
 *
 * Objects are read one by one. Those of an entry are gathered until an object comes that begins the
 * next one; then it is seen whether all is there that must be. What is wrong inside one object, or
 * with an entry, is noted as that entry's fault and the rest is read on: of ten thousand state
 * reports one that is bad does not hide the others. Only where an object ends before it begins, or
 * behind the message, can nothing more be read. */
#include "proto/pcep/pcep_grammar.h"

struct reader {
    struct pcep_decoder d;
    struct cursor c; /* over the message */
    struct pcep_message *m;
    const struct pcep_grammar *grammar;
    const char *object; /* that the cursor's error is in */

    bool begun; /* an entry is being gathered: */
    struct pcep_entry entry;
    struct pcep_path path; /* the one that its objects go to now */
    uint32_t seen;         /* slots of it that had an object, good or bad */
    uint32_t n_paths;      /* that are finished */
    bool faulty;
    struct pcep_fault fault;

    struct pcep_svec *svec; /* the last one, until an RP comes */
};

/* The common object header (RFC 5440 section 7.2). */
struct header {
    uint8_t class, type;
    struct pcep_head head;
    const struct pcep_object_row *row; /* NULL: unknown */
    bool known_class;
    size_t at; /* where the object is in the message */
    struct cursor body;
};

static struct header
read_header(struct reader *r)
{
    struct header h = {.at = cursor_offset(&r->c)};
    h.class = cursor_u8(&r->c, "Object-Class");
    uint8_t flags = cursor_u8(&r->c, "object flags");
    h.type = flags >> 4;
    h.head = (struct pcep_head){.optional = !(flags & 2), .ignored = flags & 1};
    uint16_t size = cursor_be16(&r->c, "Object Length");
    h.row = pcep_object_row(h.class, h.type, &h.known_class);
    r->object = h.row ? h.row->name : "object";
    if (!r->c.err && (size < PCEP_OBJECT_HEADER || size % 4))
        pcep_fail(&r->d, &r->c, h.at + 2, ERR_MALFORMED, PCEP_ERROR_MALFORMED, "Object Length");
    h.body = cursor_split(&r->c, size - (size_t)PCEP_OBJECT_HEADER, "object");
    return h;
}

/* The object's structure. NULL: it is no good, and the body's cursor says why. Only the arena's end
 * is an error of the whole message. */
static void *
read_object(struct reader *r, struct header *h)
{
    r->d.error = (struct pcep_error){0};
    void *object = pcep_object_decode(h->row, &r->d, &h->body, h->head);
    if (!object && h->body.err == ERR_LIMIT)
        pcep_fail(&r->d, &r->c, h->body.offset, ERR_LIMIT, r->d.error, h->body.field);
    return object;
}

/* The same where an object that is no good makes the whole message so. */
static void *
read_needed(struct reader *r, struct header *h)
{
    void *object = read_object(r, h);
    if (!object && !r->c.err)
        pcep_fail(&r->d, &r->c, h->body.offset, h->body.err, r->d.error, h->body.field);
    return object;
}

/* Adds one element to an array; `*n` counts. */
static void
push(struct reader *r, const void **array, uint32_t *n, const void *element, size_t size)
{
    char *more = pcep_grow(&r->d, &r->c, *array, *n, size);
    if (!more)
        return;
    memcpy(more + *n * size, element, size);
    *array = more;
    (*n)++;
}

#define PUSH(r, array, n, element)                                                                 \
    do {                                                                                           \
        const void *array_ = (array);                                                              \
        push(r, &array_, &(n), element, sizeof *(array));                                          \
        (array) = array_;                                                                          \
    } while (0)

/* ---- Entries -------------------------------------------------------------------------------- */

static void
note_fault(struct reader *r, struct pcep_error error, const char *object, const char *field,
           size_t offset)
{
    if (r->faulty)
        return;
    r->faulty = true;
    r->fault = (struct pcep_fault){
        .error = error, .object = object, .field = field, .offset = (uint32_t)offset};
}

static void
end_path(struct reader *r)
{
    if (!r->n_paths++)
        r->entry.path = r->path;
    else
        PUSH(r, r->entry.alternatives, r->entry.n_alternatives, &r->path);
    r->path = (struct pcep_path){0};
}

static void
end_entry(struct reader *r)
{
    struct pcep_error error;
    const char *object;
    const struct pcep_entry *entry = &r->entry;
    if (!r->begun)
        return;
    r->begun = false;
    end_path(r);
    if (!r->faulty && !pcep_entry_check(r->m->type, entry, &error, &object))
        note_fault(r, error, object, NULL, 0);
    if (!r->faulty) {
        PUSH(r, r->m->entries, r->m->n_entries, entry);
        return;
    }
    r->fault.has_request_id = entry->rp;
    r->fault.request_id = entry->rp ? entry->rp->request_id : 0;
    r->fault.has_srp_id = entry->srp && entry->srp->srp_id;
    r->fault.srp_id = entry->srp ? entry->srp->srp_id : 0;
    r->fault.plsp_id = entry->lsp ? entry->lsp->plsp_id : 0;
    PUSH(r, r->m->faults, r->m->n_faults, &r->fault);
}

static void
begin_entry(struct reader *r)
{
    end_entry(r);
    r->begun = true;
    r->entry = (struct pcep_entry){0};
    r->path = (struct pcep_path){0};
    r->seen = r->n_paths = 0;
    r->faulty = false;
    r->svec = NULL;
}

/* Requests begin with RP, states with SRP or, without one, with LSP. */
static bool
begins_entry(const struct reader *r, unsigned class)
{
    if (!r->begun)
        return true;
    if (r->grammar->slots >> PCEP_SLOT_RP & 1)
        return class == PCEP_CLASS_RP;
    return class == PCEP_CLASS_SRP ||
           (class == PCEP_CLASS_LSP && r->seen & ~(UINT32_C(1) << PCEP_SLOT_SRP));
}

/* P counts where something is asked for (RFC 5440 section 7.2); a state report that cannot be
 * understood in one part is still worth having, and there P says nothing (RFC 8231 section 7). */
static bool
demands(const struct reader *r, const struct header *h)
{
    return !h->head.optional && r->m->type != PCEP_PCRPT && r->m->type != PCEP_PCREP;
}

static void
take_unknown(struct reader *r, struct header *h)
{
    struct pcep_error error = h->row           ? PCEP_ERROR_UNSUPPORTED_CLASS
                              : h->known_class ? PCEP_ERROR_UNKNOWN_TYPE
                                               : PCEP_ERROR_UNKNOWN_CLASS;
    struct pcep_unknown unknown = {.head = h->head, .class = h->class, .type = h->type};
    if (!r->begun && !demands(r, h))
        return;
    if (!r->begun)
        begin_entry(r);
    if (demands(r, h)) {
        note_fault(r, error, r->object, "P flag", h->at);
        return;
    }
    unknown.octets = pcep_rest(&r->d, &h->body);
    if (h->body.err)
        pcep_fail(&r->d, &r->c, h->at, h->body.err, PCEP_ERROR_STATE_LIMIT, "object");
    else
        PUSH(r, r->entry.unknowns, r->entry.n_unknowns, &unknown);
}

/* Puts an object where its slot is. Of those that can be there once the first counts. */
static void
place(struct reader *r, enum pcep_slot slot, const void *object)
{
    const struct pcep_slot_row *row = &pcep_slot_rows[slot];
    char *of = pcep_slot_is_of_path(slot) ? (char *)&r->path : (char *)&r->entry;
    const void **at = (const void **)(void *)(of + row->at);
    if (row->size)
        push(r, at, (uint32_t *)(void *)(of + row->n_at), object, row->size);
    else if (!*at)
        *at = object;
}

/* RFC 8231 section 6.1: what came before the RRO is about the actual path. */
static void
turn_actual(struct pcep_path *path)
{
    path->actual_bandwidth = path->bandwidth;
    path->actual_metrics = path->metrics;
    path->n_actual_metrics = path->n_metrics;
    path->bandwidth = NULL;
    path->metrics = NULL;
    path->n_metrics = 0;
}

static void
take_object(struct reader *r, struct header *h, enum pcep_slot slot)
{
    uint32_t bit = UINT32_C(1) << slot;
    if (begins_entry(r, h->class))
        begin_entry(r);
    if (slot == PCEP_SLOT_ERO && r->m->type == PCEP_PCREP && r->seen & bit)
        end_path(r); /* one more path */
    if (slot == PCEP_SLOT_RRO && r->m->type == PCEP_PCRPT && !(r->seen & bit))
        turn_actual(&r->path);
    r->seen |= bit;
    const void *object = read_object(r, h);
    if (object)
        place(r, slot, object);
    else
        note_fault(r, r->d.error.type ? r->d.error : PCEP_ERROR_MALFORMED, h->row->name,
                   h->body.field, h->body.offset);
}

/* RFC 5440 section 6.4, 5541 section 3.2: SVEC, and OF, METRIC, XRO behind it. False: it is none of
 * these. */
static bool
take_svec(struct reader *r, struct header *h)
{
    bool follows = h->class == PCEP_CLASS_OF || h->class == PCEP_CLASS_METRIC ||
                   h->class == PCEP_CLASS_XRO;
    if (r->m->type != PCEP_PCREQ || !h->row || (h->class != PCEP_CLASS_SVEC && !follows) ||
        (follows && (!r->svec || r->begun)))
        return false;
    const void *object = read_needed(r, h);
    if (!object)
        return true;
    if (h->class == PCEP_CLASS_SVEC) {
        PUSH(r, r->m->svecs, r->m->n_svecs, object);
        r->svec = r->c.err ? NULL : (struct pcep_svec *)&r->m->svecs[r->m->n_svecs - 1];
    } else if (h->class == PCEP_CLASS_METRIC) {
        PUSH(r, r->svec->metrics, r->svec->n_metrics, (const struct pcep_metric *)object);
    } else if (h->class == PCEP_CLASS_OF && !r->svec->of) {
        r->svec->of = object;
    } else if (h->class == PCEP_CLASS_XRO && !r->svec->xro) {
        r->svec->xro = object;
    }
    return true;
}

static void
decode_entries(struct reader *r)
{
    while (cursor_left(&r->c)) {
        struct header h = read_header(r);
        if (r->c.err)
            return;
        if (take_svec(r, &h))
            continue;
        enum pcep_slot slot = h.row ? pcep_slot_of(r->grammar, h.class, h.type) : PCEP_SLOT_NONE;
        if (slot)
            take_object(r, &h, slot);
        else
            take_unknown(r, &h);
    }
    if (!r->c.err)
        end_entry(r);
    if (!r->c.err && !r->m->n_entries &&
        !r->m->n_faults) { /* an empty list: what begins it lacks */
        begin_entry(r);
        end_entry(r);
    }
}

/* ---- The other messages --------------------------------------------------------------------- */

/* OPEN and CLOSE: one object that must be there; what else there is, is not for us. */
static void
decode_single(struct reader *r, unsigned class, void *to)
{
    bool found = false;
    while (cursor_left(&r->c)) {
        struct header h = read_header(r);
        if (r->c.err)
            return;
        if (h.class != class || !h.row || found)
            continue;
        const void *object = read_needed(r, &h);
        if (!object)
            return;
        memcpy(to, object, h.row->size);
        found = true;
    }
    if (!found)
        pcep_fail(&r->d, &r->c, cursor_offset(&r->c), ERR_MALFORMED, PCEP_ERROR_MALFORMED,
                  "object missing");
}

static void
decode_nothing(struct reader *r)
{
    while (cursor_left(&r->c))
        (void)read_header(r);
}

/* The id of an RP or SRP that is there only to name it. */
static void
take_id(struct reader *r, struct header *h, const uint32_t **ids, uint32_t *n)
{
    const void *object = read_needed(r, h);
    if (!object)
        return;
    uint32_t id = h->class == PCEP_CLASS_RP ? ((const struct pcep_rp *)object)->request_id
                                            : ((const struct pcep_srp *)object)->srp_id;
    PUSH(r, *ids, *n, &id);
}

static void
decode_notices(struct reader *r)
{
    struct pcep_notice notice = {0};
    while (cursor_left(&r->c)) {
        struct header h = read_header(r);
        if (r->c.err)
            return;
        if (!h.row)
            continue;
        if (h.class == PCEP_CLASS_RP && notice.n_notifications) {
            PUSH(r, r->m->notices, r->m->n_notices, &notice);
            notice = (struct pcep_notice){0};
        }
        if (h.class == PCEP_CLASS_RP) {
            take_id(r, &h, &notice.request_ids, &notice.n_request_ids);
        } else if (h.class == PCEP_CLASS_NOTIFICATION) {
            const struct pcep_notification *notification = read_needed(r, &h);
            if (notification)
                PUSH(r, notice.notifications, notice.n_notifications, notification);
        }
    }
    if (r->c.err)
        return;
    if (notice.n_notifications)
        PUSH(r, r->m->notices, r->m->n_notices, &notice);
    else
        pcep_fail(&r->d, &r->c, cursor_offset(&r->c), ERR_MALFORMED, PCEP_ERROR_MALFORMED,
                  "NOTIFICATION missing");
}

static void
take_error_object(struct reader *r, struct header *h, struct pcep_error_group *group)
{
    switch (h->class) {
    case PCEP_CLASS_RP:
        if (!group->n_srp_ids)
            take_id(r, h, &group->request_ids, &group->n_request_ids);
        break;
    case PCEP_CLASS_SRP:
        if (!group->n_request_ids)
            take_id(r, h, &group->srp_ids, &group->n_srp_ids);
        break;
    case PCEP_CLASS_ERROR: {
        const struct pcep_error_object *error = read_needed(r, h);
        if (error)
            PUSH(r, group->errors, group->n_errors, error);
        break;
    }
    case PCEP_CLASS_LSP:
        if (!group->lsp)
            group->lsp = read_needed(r, h);
        break;
    case PCEP_CLASS_OPEN:
        if (!r->m->error_open)
            r->m->error_open = read_needed(r, h);
        break;
    default:
        break;
    }
}

static bool
is_about_requests(const struct pcep_error_group *group)
{
    return group->n_request_ids || group->n_srp_ids;
}

/* Does this object begin the next group? By the grammar (RFC 8231 section 6.3) SRPs or RPs are
 * before the errors that are about them. FRR writes them behind; where an error comes first, so
 * they are taken. */
static bool
begins_group(const struct pcep_error_group *group, unsigned class, bool behind)
{
    bool names = class == PCEP_CLASS_RP || class == PCEP_CLASS_SRP;
    if (!group->n_errors)
        return false;
    if (class == PCEP_CLASS_ERROR)
        return group->lsp || (behind && is_about_requests(group));
    return names && !behind;
}

static void
copy_names(struct pcep_error_group *to, const struct pcep_error_group *from)
{
    to->request_ids = from->request_ids;
    to->srp_ids = from->srp_ids;
    to->n_request_ids = from->n_request_ids;
    to->n_srp_ids = from->n_srp_ids;
}

/* Where some errors name requests, those that do not are about the same ones as their neighbours.
 */
static void
name_all(struct pcep_error_group *groups, uint32_t n, bool behind)
{
    const struct pcep_error_group *named = NULL;
    for (uint32_t i = n; behind && i-- > 0;) {
        if (is_about_requests(&groups[i]))
            named = &groups[i];
        else if (named)
            copy_names(&groups[i], named);
    }
    named = NULL;
    for (uint32_t i = 0; i < n; i++) {
        if (is_about_requests(&groups[i]))
            named = &groups[i];
        else if (named)
            copy_names(&groups[i], named);
    }
}

static void
decode_groups(struct reader *r)
{
    struct pcep_error_group group = {0};
    bool behind = false;
    while (cursor_left(&r->c)) {
        struct header h = read_header(r);
        if (r->c.err)
            return;
        if (!h.row)
            continue;
        behind |= h.class == PCEP_CLASS_ERROR && !r->m->n_groups && !group.n_errors &&
                  !group.n_request_ids && !group.n_srp_ids;
        if (begins_group(&group, h.class, behind)) {
            PUSH(r, r->m->groups, r->m->n_groups, &group);
            group = (struct pcep_error_group){0};
        }
        take_error_object(r, &h, &group);
    }
    if (r->c.err)
        return;
    if (group.n_errors)
        PUSH(r, r->m->groups, r->m->n_groups, &group);
    else
        pcep_fail(&r->d, &r->c, cursor_offset(&r->c), ERR_MALFORMED, PCEP_ERROR_MALFORMED,
                  "PCEP-ERROR missing");
    name_all((struct pcep_error_group *)(uintptr_t)r->m->groups, r->m->n_groups, behind);
}

/* ---- All ------------------------------------------------------------------------------------ */

static void
decode_body(struct reader *r)
{
    r->grammar = pcep_grammar(r->m->type);
    if (r->grammar) {
        decode_entries(r);
        return;
    }
    switch (r->m->type) {
    case PCEP_OPEN:
        decode_single(r, PCEP_CLASS_OPEN, &r->m->open);
        break;
    case PCEP_CLOSE:
        decode_single(r, PCEP_CLASS_CLOSE, &r->m->close);
        break;
    case PCEP_KEEPALIVE:
    case PCEP_START_TLS:
        decode_nothing(r);
        break;
    case PCEP_PCNTF:
        decode_notices(r);
        break;
    case PCEP_PCERR:
        decode_groups(r);
        break;
    default:
        pcep_fail(&r->d, &r->c, 1, ERR_NOT_FOUND, PCEP_ERROR(PCEP_ERROR_CAPABILITY, 0),
                  "Message-Type");
    }
}

static enum err
refuse(const struct reader *r, struct pcep_fault *fault, struct diag *diag)
{
    const char *name = pcep_type_name(r->m->type);
    struct pcep_error error = r->d.error.type ? r->d.error : PCEP_ERROR_MALFORMED;
    if (r->m->type == PCEP_OPEN && error.type != PCEP_ERROR_SESSION)
        error = PCEP_ERROR_INVALID_OPEN;
    if (fault)
        *fault = (struct pcep_fault){.error = error,
                                     .object = r->object,
                                     .field = r->c.field,
                                     .offset = (uint32_t)r->c.offset};
    return diag_set(diag, r->c.err, "%s: %s: %s at offset %zu: %s", name ? name : "message",
                    r->object, r->c.field, r->c.offset, err_text(r->c.err));
}

enum err
pcep_message_decode(const uint8_t *data, size_t size, struct arena *arena,
                    struct pcep_message *message, struct pcep_fault *fault, struct diag *diag)
{
    struct pcep_message m = {0};
    struct reader r = {.d = {.arena = arena}, .c = cursor_over(data, size), .m = &m};
    r.object = "header";
    uint8_t version = cursor_u8(&r.c, "Ver");
    m.type = r.d.message = cursor_u8(&r.c, "Message-Type");
    uint16_t length = cursor_be16(&r.c, "Message-Length");
    if (!r.c.err && version >> 5 != PCEP_VERSION)
        pcep_fail(&r.d, &r.c, 0, ERR_UNSUPPORTED, PCEP_ERROR_VERSION, "Ver");
    if (!r.c.err && length != size)
        pcep_fail(&r.d, &r.c, 2, length > size ? ERR_TRUNCATED : ERR_MALFORMED,
                  PCEP_ERROR_MALFORMED, "Message-Length");
    if (!r.c.err)
        decode_body(&r);
    if (r.c.err)
        return refuse(&r, fault, diag);
    *message = m;
    return ERR_OK;
}
