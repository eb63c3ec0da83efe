#include "detect/watch.h"

#include "base/hash.h"

#include <stdarg.h>
#include <stdio.h>

struct watch_table *
watch_table_of(const struct watch_config *w, uint32_t capacity, size_t size, size_t key_size)
{
    struct watch_table *t = watch_table_new(w->capacity ? w->capacity : capacity, size, key_size);
    if (w->octets)
        *w->octets += watch_table_octets(t);
    return t;
}

void
watch_tell(const struct watch_config *w, const struct sight *s, const char *name,
           const char *object, const char *detail, ...)
{
    char text[WATCH_TEXT_MAX + 1];
    va_list args;
    va_start(args, detail);
    vsnprintf(text, sizeof text, detail, args);
    va_end(args);
    const struct finding f = {.name = name,
                              .time = s->now,
                              .conversation = s->conversation,
                              .way = s->way,
                              .frame = s->frame,
                              .pdu = s->pdu,
                              .object = object,
                              .detail = text};
    w->found(w->arg, &f);
}

void
watch_text(char *text, size_t size, const uint8_t *octets, size_t n)
{
    memset(text, 0, size);
    n = MIN(n, size - 1);
    for (size_t i = 0; i < n; i++)
        text[i] = octets[i] >= ' ' && octets[i] <= '~' ? (char)octets[i] : '?';
}

char *
watch_address(const struct conversation_key *key, unsigned end, char *text)
{
    return end_address_format(key->ends[end].address, key->ip, text);
}

char *
watch_time(nsec_t t, char *text)
{
    snprintf(text, WATCH_TIME_SIZE, "%.3f s", (double)t / (double)NSEC_PER_SEC);
    return text;
}

bool
watch_mac_is_virtual(const struct mac *m)
{
    static const struct {
        uint8_t octets[5], n;
    } prefixes[] = {
        {{0x00, 0x00, 0x5e, 0x00, 0x01}, 5}, /* VRRP over IPv4 */
        {{0x00, 0x00, 0x5e, 0x00, 0x02}, 5}, /* ... IPv6 */
        {{0x00, 0x00, 0x0c, 0x07, 0xac}, 5}, /* HSRP */
        {{0x00, 0x00, 0x0c, 0x9f}, 4},       /* ... version 2: f0 to ff follow */
        {{0x00, 0x05, 0x73, 0xa0}, 4},       /* ... over IPv6 */
        {{0x00, 0x07, 0xb4}, 3},             /* GLBP */
    };
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        if (!memcmp(m->octets, prefixes[i].octets, prefixes[i].n))
            return true;
    }
    return false;
}

/* ---- Rates ---- */

static void
next_window(struct watch_rate *r, const struct watch_rate_limits *l, nsec_t now)
{
    if (r->begins) {
        if (!r->is_told)
            r->most = MAX(r->most, r->n);
        nsec_t passed = (now - r->begins) / l->window; /* in the others there was none */
        r->n_windows = (uint16_t)MIN(r->n_windows + MAX(passed, 1), (nsec_t)UINT16_MAX);
    }
    r->begins = now;
    r->n = 0;
    r->is_told = false;
}

bool
watch_rate_count(struct watch_rate *r, const struct watch_rate_limits *l, nsec_t now)
{
    if (!r->begins || now - r->begins >= l->window || now < r->begins)
        next_window(r, l, now);
    r->n++;
    uint64_t limit = r->n_windows < l->windows
                         ? l->before
                         : MAX((uint64_t)l->least, (uint64_t)l->factor * r->most);
    if (r->is_told || r->n <= limit)
        return false;
    r->is_told = true;
    return true;
}

/* ---- Hashes ---- */

uint64_t
watch_hash_field(const struct pdu *p, const struct field *f, uint64_t hash)
{
    hash = hash_add(hash, (uint64_t)f->id << 32 | (uint64_t)f->object << 16 | f->n);
    switch (p->protocol->fields[f->id].type) {
    case FIELD_TEXT:
    case FIELD_OCTETS:
        return hash_bytes(f->octets, f->n, hash);
    case FIELD_BITS:
        return hash_bytes(f->octets, (f->n + 7) / 8, hash);
    case FIELD_WORDS:
        return hash_bytes(f->octets, f->n * (size_t)2, hash);
    case FIELD_MAC:
        return hash_bytes(f->octets, 6, hash);
    default:
        return hash_add(hash, f->u);
    }
}
