#include "proto/pcep/pcep_message.h"

#include "proto/pcep/pcep_grammar.h"

static const char *const type_names[] = {
    [PCEP_OPEN] = "Open",          [PCEP_KEEPALIVE] = "Keepalive",
    [PCEP_PCREQ] = "PCReq",        [PCEP_PCREP] = "PCRep",
    [PCEP_PCNTF] = "PCNtf",        [PCEP_PCERR] = "PCErr",
    [PCEP_CLOSE] = "Close",        [PCEP_PCRPT] = "PCRpt",
    [PCEP_PCUPD] = "PCUpd",        [PCEP_PCINITIATE] = "PCInitiate",
    [PCEP_START_TLS] = "StartTLS",
};

const char *
pcep_type_name(unsigned type)
{
    return type < ARRAY_SIZE(type_names) ? type_names[type] : NULL;
}

enum err
pcep_frame(const uint8_t *data, size_t size, size_t *message_size)
{
    if (size < PCEP_HEADER_SIZE)
        return ERR_TRUNCATED;
    if (data[0] >> 5 != PCEP_VERSION)
        return ERR_UNSUPPORTED;
    if (get_be16(data + 2) < PCEP_HEADER_SIZE)
        return ERR_MALFORMED;
    *message_size = get_be16(data + 2);
    return ERR_OK;
}

/* ---- Encoding ------------------------------------------------------------------------------- */

/* The objects of one slot of an entry or a path. */
static void
encode_slot(struct pcep_encoder *e, enum pcep_slot slot, const void *of)
{
    const struct pcep_slot_row *row = &pcep_slot_rows[slot];
    const char *object = *(const char *const *)((const char *)of + row->at);
    uint32_t n = 1;
    if (row->size)
        n = *(const uint32_t *)(const void *)((const char *)of + row->n_at);
    for (uint32_t i = 0; object && i < n; i++)
        pcep_object_encode(e, row->class, row->type, object + (size_t)row->size * i);
}

static void
encode_path(struct pcep_encoder *e, const struct pcep_grammar *grammar,
            const struct pcep_path *path)
{
    for (const uint8_t *slot = grammar->order; *slot; slot++) {
        if (pcep_slot_is_of_path(*slot))
            encode_slot(e, *slot, path);
    }
}

static void
encode_entry(struct pcep_encoder *e, const struct pcep_grammar *grammar,
             const struct pcep_entry *entry)
{
    struct pcep_error error;
    const char *object;
    if (!pcep_entry_check(grammar->message, entry, &error, &object))
        pcep_encode_fail(e);
    if ((entry->path.actual_bandwidth || entry->path.n_actual_metrics) && !entry->path.rro)
        pcep_encode_fail(e); /* they would be taken for what is wanted */
    for (const uint8_t *slot = grammar->order; *slot; slot++)
        encode_slot(e, *slot, pcep_slot_is_of_path(*slot) ? (const void *)&entry->path : entry);
    for (uint32_t i = 0; grammar->message == PCEP_PCREP && i < entry->n_alternatives; i++)
        encode_path(e, grammar, &entry->alternatives[i]);
}

static void
encode_svec(struct pcep_encoder *e, const struct pcep_svec *svec)
{
    pcep_object_encode(e, PCEP_CLASS_SVEC, 0, svec);
    if (svec->of)
        pcep_object_encode(e, PCEP_CLASS_OF, 0, svec->of);
    for (uint32_t i = 0; i < svec->n_metrics; i++)
        pcep_object_encode(e, PCEP_CLASS_METRIC, 0, &svec->metrics[i]);
    if (svec->xro)
        pcep_object_encode(e, PCEP_CLASS_XRO, 0, svec->xro);
}

static void
encode_request_ids(struct pcep_encoder *e, const uint32_t *ids, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        pcep_object_encode(e, PCEP_CLASS_RP, 0, &(struct pcep_rp){.request_id = ids[i]});
}

static void
encode_notice(struct pcep_encoder *e, const struct pcep_notice *notice)
{
    if (!notice->n_notifications)
        pcep_encode_fail(e);
    encode_request_ids(e, notice->request_ids, notice->n_request_ids);
    for (uint32_t i = 0; i < notice->n_notifications; i++)
        pcep_object_encode(e, PCEP_CLASS_NOTIFICATION, 0, &notice->notifications[i]);
}

/* Errors of a message are about requests, all of them, or none is (RFC 8231 section 6.3). */
static bool
is_like_first(const struct pcep_message *message, const struct pcep_error_group *group)
{
    const struct pcep_error_group *first = &message->groups[0];
    return (first->n_request_ids || first->n_srp_ids) == (group->n_request_ids || group->n_srp_ids);
}

static void
encode_group(struct pcep_encoder *e, const struct pcep_message *message,
             const struct pcep_error_group *group)
{
    if (!group->n_errors || (group->n_request_ids && group->n_srp_ids) ||
        !is_like_first(message, group))
        pcep_encode_fail(e);
    encode_request_ids(e, group->request_ids, group->n_request_ids);
    for (uint32_t i = 0; i < group->n_srp_ids; i++)
        pcep_object_encode(e, PCEP_CLASS_SRP, 0, &(struct pcep_srp){.srp_id = group->srp_ids[i]});
    for (uint32_t i = 0; i < group->n_errors; i++)
        pcep_object_encode(e, PCEP_CLASS_ERROR, 0, &group->errors[i]);
    if (group->lsp)
        pcep_object_encode(e, PCEP_CLASS_LSP, 0, group->lsp);
}

static void
encode_body(struct pcep_encoder *e, const struct pcep_message *message)
{
    const struct pcep_grammar *grammar = pcep_grammar(message->type);
    switch (message->type) {
    case PCEP_OPEN:
        pcep_object_encode(e, PCEP_CLASS_OPEN, 0, &message->open);
        break;
    case PCEP_CLOSE:
        pcep_object_encode(e, PCEP_CLASS_CLOSE, 0, &message->close);
        break;
    case PCEP_KEEPALIVE:
    case PCEP_START_TLS:
        break;
    case PCEP_PCNTF:
        for (uint32_t i = 0; i < message->n_notices; i++)
            encode_notice(e, &message->notices[i]);
        break;
    case PCEP_PCERR:
        for (uint32_t i = 0; i < message->n_groups; i++)
            encode_group(e, message, &message->groups[i]);
        if (message->error_open)
            pcep_object_encode(e, PCEP_CLASS_OPEN, 0, message->error_open);
        break;
    default:
        if (!grammar) {
            pcep_encode_fail(e);
            break;
        }
        for (uint32_t i = 0; i < message->n_svecs && message->type == PCEP_PCREQ; i++)
            encode_svec(e, &message->svecs[i]);
        for (uint32_t i = 0; i < message->n_entries; i++)
            encode_entry(e, grammar, &message->entries[i]);
    }
}

static void
put_header(struct buf *out, unsigned type)
{
    buf_u8(out, PCEP_VERSION << 5);
    buf_u8(out, (uint8_t)type);
    buf_be16(out, PCEP_HEADER_SIZE);
}

/* Patches the length of the message at `start`, or takes back what is behind `before`. */
static enum err
finish(struct pcep_encoder *e, size_t start, size_t before, size_t limit)
{
    size_t size = e->out->size - start;
    enum err err = e->err ? e->err : buf_err(e->out);
    if (!err && size > limit)
        err = ERR_LIMIT;
    if (err) {
        e->out->size = before;
        e->out->overflow = false;
    } else {
        buf_patch_be16(e->out, start + 2, (uint16_t)size);
    }
    return err;
}

enum err
pcep_message_encode(const struct pcep_message *message, struct buf *out)
{
    struct pcep_encoder e = {.out = out, .message = message->type};
    size_t start = out->size;
    if (buf_err(out))
        return ERR_LIMIT;
    put_header(out, message->type);
    encode_body(&e, message);
    return finish(&e, start, start, PCEP_SIZE_MAX);
}

enum err
pcep_entry_append(unsigned type, const struct pcep_entry *entry, size_t limit, struct buf *out,
                  size_t start)
{
    const struct pcep_grammar *grammar = pcep_grammar(type);
    struct pcep_encoder e = {.out = out, .message = (uint8_t)type};
    size_t before = out->size;
    if (!grammar)
        return ERR_INVALID;
    if (buf_err(out))
        return ERR_LIMIT;
    if (start == before)
        put_header(out, type);
    encode_entry(&e, grammar, entry);
    return finish(&e, start, before, limit ? MIN(limit, PCEP_SIZE_MAX) : PCEP_SIZE_MAX);
}

/* ---- Printing ------------------------------------------------------------------------------- */

static void
print_slot(unsigned message, enum pcep_slot slot, const void *of, struct buf *out)
{
    const struct pcep_slot_row *row = &pcep_slot_rows[slot];
    const char *object = *(const char *const *)((const char *)of + row->at);
    uint32_t n = 1;
    if (row->size)
        n = *(const uint32_t *)(const void *)((const char *)of + row->n_at);
    for (uint32_t i = 0; object && i < n; i++)
        pcep_object_print(row->class, row->type, object + (size_t)row->size * i, message, out);
}

void
pcep_entry_print(unsigned type, const struct pcep_entry *entry, struct buf *out)
{
    const struct pcep_grammar *grammar = pcep_grammar(type);
    if (!grammar)
        return;
    for (const uint8_t *slot = grammar->order; *slot; slot++)
        print_slot(type, *slot, pcep_slot_is_of_path(*slot) ? (const void *)&entry->path : entry,
                   out);
    for (uint32_t i = 0; i < entry->n_alternatives; i++) {
        for (const uint8_t *slot = grammar->order; *slot; slot++) {
            if (pcep_slot_is_of_path(*slot))
                print_slot(type, *slot, &entry->alternatives[i], out);
        }
    }
    for (uint32_t i = 0; i < entry->n_unknowns; i++) {
        const struct pcep_unknown *unknown = &entry->unknowns[i];
        buf_printf(out, " {unknown class=%u type=%u ", unknown->class, unknown->type);
        pcep_octets_print(&unknown->octets, out);
        buf_str(out, "}");
    }
}

static void
print_svec(const struct pcep_svec *svec, struct buf *out)
{
    pcep_object_print(PCEP_CLASS_SVEC, 0, svec, PCEP_PCREQ, out);
    if (svec->of)
        pcep_object_print(PCEP_CLASS_OF, 0, svec->of, PCEP_PCREQ, out);
    for (uint32_t i = 0; i < svec->n_metrics; i++)
        pcep_object_print(PCEP_CLASS_METRIC, 0, &svec->metrics[i], PCEP_PCREQ, out);
    if (svec->xro)
        pcep_object_print(PCEP_CLASS_XRO, 0, svec->xro, PCEP_PCREQ, out);
}

static void
print_ids(const char *name, const uint32_t *ids, uint32_t n, struct buf *out)
{
    for (uint32_t i = 0; i < n; i++)
        buf_printf(out, " {%s id=%u}", name, ids[i]);
}

static void
print_groups(const struct pcep_message *message, struct buf *out)
{
    for (uint32_t i = 0; i < message->n_groups; i++) {
        const struct pcep_error_group *group = &message->groups[i];
        print_ids("RP", group->request_ids, group->n_request_ids, out);
        print_ids("SRP", group->srp_ids, group->n_srp_ids, out);
        for (uint32_t k = 0; k < group->n_errors; k++)
            pcep_object_print(PCEP_CLASS_ERROR, 0, &group->errors[k], PCEP_PCERR, out);
        if (group->lsp)
            pcep_object_print(PCEP_CLASS_LSP, 0, group->lsp, PCEP_PCERR, out);
    }
    if (message->error_open)
        pcep_object_print(PCEP_CLASS_OPEN, 0, message->error_open, PCEP_PCERR, out);
}

static void
print_notices(const struct pcep_message *message, struct buf *out)
{
    for (uint32_t i = 0; i < message->n_notices; i++) {
        const struct pcep_notice *notice = &message->notices[i];
        print_ids("RP", notice->request_ids, notice->n_request_ids, out);
        for (uint32_t k = 0; k < notice->n_notifications; k++)
            pcep_object_print(PCEP_CLASS_NOTIFICATION, 0, &notice->notifications[k], PCEP_PCNTF,
                              out);
    }
}

static void
print_fault(const struct pcep_fault *fault, struct buf *out)
{
    const char *value = pcep_error_value_name(&fault->error);
    buf_printf(out, " {refused %u/%u (%s%s%s)", fault->error.type, fault->error.value,
               pcep_error_type_name(fault->error.type), value ? ": " : "", value ? value : "");
    if (fault->has_request_id)
        buf_printf(out, " request=%u", fault->request_id);
    if (fault->has_srp_id)
        buf_printf(out, " srp=%u", fault->srp_id);
    if (fault->plsp_id)
        buf_printf(out, " plsp-id=%u", fault->plsp_id);
    buf_printf(out, " %s", fault->object);
    if (fault->field)
        buf_printf(out, ": %s at offset %u", fault->field, fault->offset);
    buf_str(out, "}");
}

void
pcep_message_print(const struct pcep_message *message, struct buf *out)
{
    const char *name = pcep_type_name(message->type);
    if (name)
        buf_str(out, name);
    else
        buf_printf(out, "type %u", message->type);
    if (message->type == PCEP_OPEN)
        pcep_object_print(PCEP_CLASS_OPEN, 0, &message->open, PCEP_OPEN, out);
    else if (message->type == PCEP_CLOSE)
        pcep_object_print(PCEP_CLASS_CLOSE, 0, &message->close, PCEP_CLOSE, out);
    else if (message->type == PCEP_PCERR)
        print_groups(message, out);
    else if (message->type == PCEP_PCNTF)
        print_notices(message, out);
    else if (pcep_grammar(message->type)) {
        for (uint32_t i = 0; i < message->n_svecs; i++)
            print_svec(&message->svecs[i], out);
        for (uint32_t i = 0; i < message->n_entries; i++)
            pcep_entry_print(message->type, &message->entries[i], out);
    }
    for (uint32_t i = 0; i < message->n_faults; i++)
        print_fault(&message->faults[i], out);
}
