#include "detect/objects.h"

#include "base/attr.h"
#include "base/hash.h"
#include "base/hex.h"
#include "packet/addr.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MAX 64 /* characters of a value that are shown */

const struct object_row object_rows[] = {
    {"arp", {"sender-ip"}},
    {"bacnet", {"object-type", "instance", "property"}},
    {"c37118", {"id"}},
    {"dnp3", {"destination", "point-group", "index"}},
    {"enip", {"class", "instance", "attribute", "symbol", "route-link"}},
    {"goose", {"gocb-ref"}},
    {"iec104", {"common-address", "address"}},
    {"mms", {"domain", "item", "vmd-name", "name", "file"}},
    {"modbus", {"unit", "address", "write-address", "file", "record"}},
    {"profinet", {"name-of-station"}},
    {"ptp", {"clock"}},
    {"s7comm", {"area", "data-block", "byte", "bit", "number", "block"}},
    {"sv", {"sv-id"}},
};
const size_t object_n_rows = ARRAY_SIZE(object_rows);

void
object_resolve(const struct protocol *p, struct object_fields *out)
{
    *out = (struct object_fields){0};
    for (size_t r = 0; r < object_n_rows; r++) {
        if (strcmp(object_rows[r].protocol, p->name) != 0)
            continue;
        for (unsigned k = 0; k < OBJECT_FIELDS && object_rows[r].fields[k]; k++) {
            for (size_t i = 0; i < p->n_fields; i++) {
                if (!p->fields[i].name || strcmp(p->fields[i].name, object_rows[r].fields[k]) != 0)
                    continue;
                out->ids[out->n++] = (uint16_t)i;
                out->mask[i / 64] |= UINT64_C(1) << (i % 64);
            }
        }
    }
}

uint64_t
field_hash(const struct protocol *p, const struct field *f, uint64_t seed)
{
    size_t n = field_octets(p->fields[f->id].type, f);
    if (p->fields[f->id].type == FIELD_TEXT || n)
        return hash_bytes(f->octets, n, hash_add(seed, f->id));
    return hash_mix(hash_add(hash_add(seed, f->id), f->u));
}

/* The fields of the object, and those of the message that name it; in the order they stand in. */
static bool
names_it(const struct object_fields *o, const struct field *f, uint16_t object)
{
    return (f->object == object || f->object == 0) && object_is_named_by(o, f);
}

struct object_span
object_span_of(const struct object_fields *o, const struct pdu *p)
{
    struct object_span s = {.head = p->n_fields};
    for (uint32_t i = 0; i < p->n_fields; i++) {
        const struct field *f = &p->fields[i];
        if (f->object)
            s.head = MIN(s.head, i);
        else if (object_is_named_by(o, f))
            s.tail = i + 1;
    }
    s.at = s.head;
    return s;
}

uint64_t
object_hash(const struct object_fields *o, const struct pdu *p, const struct object_span *s,
            uint16_t object, uint64_t seed)
{
    uint64_t h = seed;
    bool has_name = false;
    if (!o->n)
        return 0;
    for (uint32_t i = 0; i < p->n_fields; i++) {
        if (i == s->head && s->tail <= s->at)
            i = s->at;
        const struct field *f = &p->fields[i];
        if (f->object > object && i >= s->tail)
            break; /* objects stand in their order */
        if (!names_it(o, f, object))
            continue;
        h = field_hash(p->protocol, f, h);
        has_name = true;
    }
    return has_name ? h | 1 : 0;
}

void
field_put(struct buf *out, const struct protocol *p, const struct field *f)
{
    const struct field_info *info = &p->fields[f->id];
    const char *word = info->type == FIELD_UINT ? field_value_word(info, f->u) : NULL;
    char text[TIME_TEXT_SIZE];
    switch (info->type) {
    case FIELD_UINT:
        if (word)
            buf_str(out, word);
        else
            buf_printf(out, "%" PRIu64, f->u);
        break;
    case FIELD_BOOL:
        buf_str(out, f->u ? "true" : "false");
        break;
    case FIELD_INT:
        buf_printf(out, "%" PRId64, f->i);
        break;
    case FIELD_REAL:
        buf_printf(out, "%.9g", f->r);
        break;
    case FIELD_TEXT: /* printable ASCII: it goes into sentences */
        for (size_t i = 0; i < MIN(f->n, TEXT_MAX); i++)
            buf_u8(out, f->octets[i] >= 0x20 && f->octets[i] < 0x7f ? f->octets[i] : '?');
        break;
    case FIELD_IPV4:
        buf_str(out, ipv4_format((uint32_t)f->u, text));
        break;
    case FIELD_TIME:
        buf_str(out, time_format(f->i, text));
        break;
    default:
        hex_put(out, f->octets, MIN(field_octets(info->type, f), TEXT_MAX / 2));
        break;
    }
}

void
object_put(struct buf *out, const struct object_fields *o, const struct pdu *p, uint16_t object)
{
    size_t before = out->size;
    for (uint32_t i = 0; o->n && i < p->n_fields; i++) {
        if (!names_it(o, &p->fields[i], object))
            continue;
        buf_printf(out, "%s%s ", out->size > before ? ", " : "",
                   p->protocol->fields[p->fields[i].id].name);
        field_put(out, p->protocol, &p->fields[i]);
    }
}
