#include "dissect/protocol.h"

#include <string.h>

const char *
pdu_kind_word(enum pdu_kind kind)
{
    static const char *const words[] = {"request", "response", "refusal", "report", "link"};
    return words[kind];
}

const char *
act_word(enum act act)
{
    static const char *const words[] = {"other",   "link",     "read",     "report", "write",
                                        "select",  "operate",  "identify", "browse", "configure",
                                        "upload",  "download", "firmware", "start",  "stop",
                                        "restart", "silence",  "clock",    "access", "acknowledge"};
    return words[act];
}

size_t
field_octets(enum field_type type, const struct field *f)
{
    switch (type) {
    case FIELD_TEXT:
    case FIELD_OCTETS:
        return f->n;
    case FIELD_BITS:
        return ((size_t)f->n + 7) / 8;
    case FIELD_WORDS:
        return 2 * (size_t)f->n;
    case FIELD_MAC:
        return 6;
    default:
        return 0;
    }
}

const struct field *
pdu_field(const struct pdu *p, uint16_t id, uint16_t object)
{
    for (uint32_t i = 0; pdu_has(p, id) && i < p->n_fields; i++) {
        if (p->fields[i].id == id && p->fields[i].object == object)
            return &p->fields[i];
    }
    return NULL;
}

void
pdu_begin(struct dissection *d, enum pdu_kind kind, uint32_t function)
{
    struct pdu *p = d->pdu;
    p->protocol = d->protocol;
    p->kind = kind;
    p->function = function;
    p->info = protocol_function(d->protocol, function);
    p->act = p->info ? p->info->act : ACT_OTHER;
    p->error = p->n_fields = p->n_left = p->n_objects = p->size = 0;
    memset(p->has, 0, sizeof p->has);
}

void
pdu_begin_with(struct dissection *d, enum pdu_kind kind, uint32_t function, uint32_t n)
{
    struct pdu *p = d->pdu;
    pdu_begin(d, kind, function);
    p->n_fields = n;
    for (uint32_t i = 0; i < n; i++)
        p->has[p->fields[i].id / 64] |= UINT64_C(1) << p->fields[i].id % 64;
}

void
pdu_end(struct dissection *d, const struct cursor *message)
{
    d->pdu->size = (uint32_t)(message->end - message->start);
    d->pdu->octets = message->start;
    d->sink(d->arg, d->pdu);
}

static const struct function_info *
search(const struct protocol *p, uint32_t number)
{
    size_t low = 0, high = p->n_functions;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (p->functions[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->n_functions && p->functions[low].number == number ? &p->functions[low] : NULL;
}

/* What is asked for is mostly what was asked for a moment ago: also that it is in no table. */
const struct function_info *
protocol_function(const struct protocol *p, uint32_t number)
{
    static _Thread_local struct {
        const struct protocol *protocol;
        const struct function_info *info;
        uint32_t number;
    } answers[256];
    uint32_t hash = (number ^ (uint32_t)((uintptr_t)p >> 5)) * UINT32_C(0x9e3779b1) >> 24;
    if (answers[hash].protocol != p || answers[hash].number != number) {
        answers[hash].protocol = p;
        answers[hash].number = number;
        answers[hash].info = search(p, number);
    }
    return answers[hash].info;
}

static const char *
word_of(const struct field_word *words, uint64_t value)
{
    for (; words && words->word; words++) {
        if (words->value == value)
            return words->word;
    }
    return NULL;
}

const char *
protocol_error(const struct protocol *p, uint32_t error)
{
    return word_of(p->errors, error);
}

const char *
field_value_word(const struct field_info *f, uint64_t value)
{
    return word_of(f->words, value);
}
