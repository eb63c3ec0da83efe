#include "sensor/message_json.h"

#include "base/hex.h"

#include <inttypes.h>
#include <math.h>

void
end_put(struct buf *b, const struct conversation_key *key, unsigned i)
{
    char text[IPV6_TEXT_SIZE];
    const struct end *end = &key->ends[i];
    bool has_port = key->ip && end->port;
    buf_printf(b, key->ip == 6 && has_port ? "[%s]" : "%s",
               end_address_format(end->address, key->ip, text));
    if (has_port)
        buf_printf(b, ":%u", end->port);
}

/* ---- Values ---- */

/* Latin-1 loses nothing, whatever they were. */
void
text_json_put(struct buf *b, const void *text, size_t size)
{
    const uint8_t *octets = text;
    size_t begin = 0; /* of what goes as it is */
    buf_u8(b, '"');
    for (size_t i = 0; i <= size; i++) {
        uint8_t c = i < size ? octets[i] : 0;
        if (i < size && c >= ' ' && c < 0x7f && c != '"' && c != '\\')
            continue;
        buf_put(b, octets + begin, i - begin);
        begin = i + 1;
        if (i == size)
            break;
        if (c == '"' || c == '\\')
            buf_printf(b, "\\%c", c);
        else
            buf_printf(b, "\\u%04x", c);
    }
    buf_u8(b, '"');
}

static void
put_octets(struct buf *b, const uint8_t *octets, size_t n)
{
    buf_u8(b, '"');
    hex_put(b, octets, n);
    buf_u8(b, '"');
}

static void
put_real(struct buf *b, double value)
{
    if (isfinite(value))
        buf_printf(b, "%.17g", value);
    else
        buf_str(b, isnan(value) ? "\"nan\"" : value < 0 ? "\"-inf\"" : "\"inf\"");
}

static void
put_value(struct buf *b, const struct field_info *info, const struct field *f)
{
    char text[TIME_TEXT_SIZE];
    switch (info->type) {
    case FIELD_UINT:
        buf_printf(b, "%" PRIu64, f->u);
        break;
    case FIELD_INT:
        buf_printf(b, "%" PRId64, f->i);
        break;
    case FIELD_REAL:
        put_real(b, f->r);
        break;
    case FIELD_BOOL:
        buf_str(b, f->u ? "true" : "false");
        break;
    case FIELD_TEXT:
        text_json_put(b, f->octets, f->n);
        break;
    case FIELD_OCTETS:
        put_octets(b, f->octets, f->n);
        break;
    case FIELD_BITS:
        buf_u8(b, '"');
        for (uint32_t i = 0; i < f->n; i++)
            buf_u8(b, f->octets[i / 8] >> i % 8 & 1 ? '1' : '0');
        buf_u8(b, '"');
        break;
    case FIELD_WORDS:
        buf_u8(b, '[');
        for (uint32_t i = 0; i < f->n; i++)
            buf_printf(b, "%s%u", i ? "," : "", get_be16(f->octets + 2 * i));
        buf_u8(b, ']');
        break;
    case FIELD_MAC: {
        struct mac mac;
        memcpy(&mac, f->octets, sizeof mac);
        buf_printf(b, "\"%s\"", mac_format(&mac, text));
        break;
    }
    case FIELD_IPV4:
        buf_printf(b, "\"%s\"", ipv4_format((uint32_t)f->u, text));
        break;
    case FIELD_TIME:
        buf_printf(b, "\"%s\"", time_format(f->i, text));
        break;
    }
}

/* ---- Fields ---- */

/* The next of that object from `at` on, and of the kind if it is not UINT32_MAX; `to`: there is
 * none. */
static uint32_t
next_of(const struct pdu *p, uint32_t at, uint32_t to, uint32_t object, uint32_t id)
{
    while (at < to &&
           (p->fields[at].object != object || (id != UINT32_MAX && p->fields[at].id != id)))
        at++;
    return at;
}

static void
put_field(struct buf *b, const struct pdu *p, uint32_t at, uint32_t to)
{
    const struct field *f = &p->fields[at];
    const struct field_info *info = &p->protocol->fields[f->id];
    uint32_t next = next_of(p, at + 1, to, f->object, f->id);
    bool many = next < to;
    buf_printf(b, "\"%s\":%s", info->name, many ? "[" : "");
    put_value(b, info, f);
    for (; next < to; next = next_of(p, next + 1, to, f->object, f->id)) {
        buf_u8(b, ',');
        put_value(b, info, &p->fields[next]);
    }
    if (many)
        buf_u8(b, ']');
}

static void
put_object(struct buf *b, const struct pdu *p, uint32_t object, uint32_t from, uint32_t to)
{
    bool first = true, done[PROTOCOL_FIELDS] = {false};
    buf_u8(b, '{');
    for (uint32_t i = next_of(p, from, to, object, UINT32_MAX); i < to;
         i = next_of(p, i + 1, to, object, UINT32_MAX)) {
        if (done[p->fields[i].id])
            continue;
        done[p->fields[i].id] = true;
        buf_str(b, first ? "" : ",");
        put_field(b, p, i, to);
        first = false;
    }
    buf_u8(b, '}');
}

/* Objects stand in order; the message's own fields may stand between and behind them, too. */
static void
put_fields(struct buf *b, const struct pdu *p)
{
    uint32_t at = 0;
    buf_str(b, ",\"fields\":[");
    put_object(b, p, 0, 0, p->n_fields);
    for (uint32_t object = 1; object <= p->n_objects && at < p->n_fields; object++) {
        uint32_t end = at;
        while (end < p->n_fields && p->fields[end].object <= object)
            end++;
        buf_u8(b, ',');
        put_object(b, p, object, at, end);
        at = end;
    }
    buf_u8(b, ']');
    if (p->n_left)
        buf_printf(b, ",\"left-out\":%u", p->n_left);
}

void
message_json_put(struct buf *b, const struct conversation *c, unsigned way, const struct frame *f,
                 const struct pdu *p)
{
    char text[TIME_TEXT_SIZE];
    buf_printf(b, "{\"frame\":%u,\"time\":\"%s\",\"from\":\"", f->number,
               time_format(f->time, text));
    end_put(b, &c->key, way);
    buf_str(b, "\",\"to\":\"");
    end_put(b, &c->key, !way);
    buf_printf(b, "\",\"protocol\":\"%s\",\"kind\":\"%s\",\"function\":%u", p->protocol->name,
               pdu_kind_word(p->kind), p->function);
    if (p->info)
        buf_printf(b, ",\"name\":\"%s\"", p->info->name);
    buf_printf(b, ",\"act\":\"%s\"", act_word(p->act));
    if (p->error || p->kind == PDU_REFUSAL) {
        const char *word = protocol_error(p->protocol, p->error);
        buf_printf(b, ",\"error\":%u", p->error);
        if (word)
            buf_printf(b, ",\"error-name\":\"%s\"", word);
    }
    put_fields(b, p);
    buf_str(b, "}\n");
}
