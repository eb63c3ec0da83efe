/* Buffers of HTTP, made of a head as it came (docs.suricata.io/en/suricata-7.0.10/rules/
 * http-keywords.html). What Suricata's own parser mends is mended here in the same way, as far as
 * rules can see it. */
#include "base/attr.h"
#include "base/hex.h"
#include "suricata/suricata_private.h"

#include <strings.h>

/* ---- Room ---- */

/* What is made goes on from here; NULL: there is no room for `n` octets. */
static uint8_t *
room_for(struct reading *r, size_t n)
{
    return READING_ROOM - r->used >= n ? r->room + r->used : NULL;
}

static struct span
keep(struct reading *r, uint8_t *begin, const uint8_t *end)
{
    struct span s = {begin, (size_t)(end - begin)};
    r->used += s.n;
    return s;
}

static uint8_t *
put(uint8_t *to, const void *octets, size_t n)
{
    if (n)
        memcpy(to, octets, n);
    return to + n;
}

/* ---- Lines ---- */

static struct span
trimmed(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r' || end[-1] == '\n'))
        end--;
    return (struct span){at, (size_t)(end - at)};
}

/* The start line, without its end; `*behind` is where the fields begin. */
static struct span
start_line(const struct reading *r, const uint8_t **behind)
{
    const uint8_t *at = r->head.at, *end = at + r->head.n;
    while (at < end && (*at == '\r' || *at == '\n'))
        at++;
    const uint8_t *lf = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
    const uint8_t *stop = lf ? lf : end;
    *behind = lf ? lf + 1 : end;
    while (stop > at && stop[-1] == '\r')
        stop--;
    return (struct span){at, (size_t)(stop - at)};
}

/* The word of the start line that `i` others stand before; the last may have spaces in it. */
static struct span
start_word(const struct reading *r, unsigned i, bool is_last)
{
    const uint8_t *behind;
    struct span line = start_line(r, &behind);
    const uint8_t *at = line.at, *end = at + line.n;
    for (;;) {
        const uint8_t *space = memchr(at, ' ', (size_t)(end - at));
        const uint8_t *stop = space && !(is_last && !i) ? space : end;
        if (!i)
            return (struct span){at, (size_t)(stop - at)};
        if (!space)
            return (struct span){end, 0};
        for (at = space; at < end && *at == ' '; at++)
            ;
        i--;
    }
}

static struct span
target_of(const struct reading *r)
{
    return start_word(r, 1, false);
}

static struct span
version_of(const struct reading *r)
{
    return r->is_of_client ? start_word(r, 2, true) : start_word(r, 0, false);
}

/* ---- Fields ---- */

static bool
is(struct span s, const char *word)
{
    return s.n == strlen(word) && !strncasecmp((const char *)s.at, word, s.n);
}

static bool
is_same(struct span a, struct span b)
{
    return a.n == b.n && !strncasecmp((const char *)a.at, (const char *)b.at, a.n);
}

/* Lines that begin with a space go on with the one before. */
static bool
next_field(const uint8_t **at, const uint8_t *end, struct span *name, struct span *value)
{
    if (*at >= end)
        return false;
    const uint8_t *begin = *at, *lf = memchr(begin, '\n', (size_t)(end - begin));
    const uint8_t *stop = lf ? lf : end;
    while (lf && lf + 1 < end && (lf[1] == ' ' || lf[1] == '\t')) {
        lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1));
        stop = lf ? lf : end;
    }
    *at = lf ? lf + 1 : end;
    if (begin == stop || (stop - begin == 1 && *begin == '\r'))
        return false;
    const uint8_t *colon = memchr(begin, ':', (size_t)(stop - begin));
    *name = trimmed(begin, colon ? colon : begin);
    *value = trimmed(colon ? colon + 1 : begin, stop);
    return true;
}

static uint32_t
hash_name(struct span name)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ suricata_lower[name.at[i]]) * 0x9e3779b1u;
    return hash;
}

/* Of the head, once: a head of many short fields costs no more than its octets. */
static unsigned
read_fields(struct reading *r)
{
    const uint8_t *at, *end = r->head.at + r->head.n;
    struct span name, value;
    if (r->has_fields)
        return r->n_fields;
    r->has_fields = true;
    (void)start_line(r, &at);
    while (r->n_fields < HTTP_FIELDS_MAX && next_field(&at, end, &name, &value)) {
        struct http_field *f = &r->http_fields[r->n_fields];
        *f = (struct http_field){name, value, hash_name(name), 0, true};
        for (unsigned i = r->n_fields; f->is_first && i--;) {
            struct http_field *before = &r->http_fields[i];
            if (before->hash != f->hash || !is_same(before->name, name))
                continue;
            before->next = (uint8_t)r->n_fields;
            f->is_first = false;
        }
        r->n_fields++;
    }
    return r->n_fields;
}

/* ---- Values ---- */

/* Where a value goes on in a next line, that counts as a space. */
static uint8_t *
put_value(uint8_t *to, struct span value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (value.at[i] != '\r' && value.at[i] != '\n') {
            *to++ = value.at[i];
            continue;
        }
        while (i + 1 < value.n && strchr("\r\n\t ", value.at[i + 1]) && value.at[i + 1])
            i++;
        *to++ = ' ';
    }
    return to;
}

/* All values of the name that the field is the first of, ", " between them. */
static uint8_t *
put_values(const struct reading *r, uint8_t *to, const struct http_field *f)
{
    for (to = put_value(to, f->value); f->next; to = put_value(to, f->value)) {
        f = &r->http_fields[f->next];
        to = put(to, ", ", 2);
    }
    return to;
}

static bool
value_of(struct reading *r, const char *name, struct span *s)
{
    uint8_t *to = room_for(r, 2 * r->head.n);
    for (unsigned i = 0; to && i < read_fields(r); i++) {
        if (!is(r->http_fields[i].name, name))
            continue;
        *s = keep(r, to, put_values(r, to, &r->http_fields[i]));
        return true;
    }
    return false;
}

bool
http_header(struct reading *r, unsigned i, struct span *name, struct span *value)
{
    if (i >= read_fields(r))
        return false;
    *name = r->http_fields[i].name;
    *value = r->http_fields[i].value;
    return true;
}

/* ---- The whole head ---- */

unsigned
http_headers(struct reading *r, struct span *headers, unsigned most)
{
    unsigned n = 0;
    for (unsigned i = 0; n < most && i < read_fields(r); i++) {
        const struct http_field *f = &r->http_fields[i];
        uint8_t *begin = room_for(r, f->name.n + 2 + 2 * r->head.n), *to = begin;
        if (!begin)
            break;
        if (!f->is_first)
            continue;
        to = put(to, f->name.at, f->name.n);
        to = put(to, ": ", 2);
        headers[n++] = keep(r, begin, put_values(r, to, f));
    }
    return n;
}

/* "Name: value" of each, the same name once. */
static uint8_t *
put_fields(struct reading *r, uint8_t *to, const uint8_t *end, bool has_cookies)
{
    for (unsigned i = 0; i < read_fields(r); i++) {
        const struct http_field *f = &r->http_fields[i];
        if (!has_cookies && is(f->name, r->is_of_client ? "Cookie" : "Set-Cookie"))
            continue;
        if (!f->is_first)
            continue;
        if ((size_t)(end - to) < f->name.n + 2 * r->head.n)
            break;
        to = put(to, f->name.at, f->name.n);
        to = put(to, ": ", 2);
        to = put_values(r, to, f);
        to = put(to, "\r\n", 2);
    }
    return to;
}

static bool
make_header(struct reading *r, struct span *s)
{
    size_t n = 6 * r->head.n;
    uint8_t *to = room_for(r, n);
    if (to)
        *s = keep(r, to, put_fields(r, to, to + n, false));
    return to && s->n;
}

static bool
make_names(struct reading *r, struct span *s)
{
    uint8_t *begin = room_for(r, 2 * r->head.n + 8), *to = begin;
    if (!to)
        return false;
    to = put(to, "\r\n", 2);
    for (unsigned i = 0; i < read_fields(r); i++) {
        const struct http_field *f = &r->http_fields[i];
        if (!f->is_first)
            continue;
        to = put(to, f->name.at, f->name.n);
        to = put(to, "\r\n", 2);
    }
    to = put(to, "\r\n", 2);
    *s = keep(r, begin, to);
    return s->n > 4;
}

static bool
make_start(struct reading *r, struct span *s)
{
    size_t n = 7 * r->head.n;
    uint8_t *begin = room_for(r, n), *to = begin;
    const uint8_t *behind;
    if (!to)
        return false;
    struct span line = start_line(r, &behind);
    to = put(to, line.at, line.n);
    to = put(to, "\r\n", 2);
    to = put_fields(r, to, begin + n, true);
    to = put(to, "\r\n", 2);
    *s = keep(r, begin, to);
    return true;
}

/* Behind the start line, as it came, with the empty line. */
static bool
raw_header(const struct reading *r, struct span *s)
{
    const uint8_t *behind;
    (void)start_line(r, &behind);
    *s = (struct span){behind, (size_t)(r->head.at + r->head.n - behind)};
    return s->n > 0;
}

/* ---- Targets ---- */

static int
hex_pair(const uint8_t *at, const uint8_t *end)
{
    if (end - at < 2)
        return -1;
    int high = hex_digit((char)at[0]), low = hex_digit((char)at[1]);
    return high >= 0 && low >= 0 ? high << 4 | low : -1;
}

/* "%41" or "%u0041" at `at`: the octet, and how many were read of it. What no octet can say is '?'.
 */
static size_t
decode(const uint8_t *at, const uint8_t *end, uint8_t *octet)
{
    int v = hex_pair(at + 1, end), high, low;
    if (*at == '%' && v >= 0) {
        *octet = (uint8_t)v;
        return 3;
    }
    if (*at == '%' && end - at >= 6 && (at[1] | 0x20) == 'u') {
        high = hex_pair(at + 2, end);
        low = hex_pair(at + 4, end);
        if (high >= 0 && low >= 0) {
            *octet = high ? '?' : (uint8_t)low;
            return 6;
        }
    }
    *octet = *at;
    return 1;
}

/* Sequences of UTF-8 of 2 and 3 octets, also where one would do: the octet, or '?'. */
static uint8_t *
put_utf8(uint8_t *begin, const uint8_t *end)
{
    uint8_t *to = begin;
    for (const uint8_t *at = begin; at < end;) {
        size_t n = (*at & 0xe0) == 0xc0 ? 2 : (*at & 0xf0) == 0xe0 ? 3 : 1;
        bool is_whole = (size_t)(end - at) >= n && (n < 2 || (at[1] & 0xc0) == 0x80) &&
                        (n < 3 || (at[2] & 0xc0) == 0x80);
        unsigned code = *at;
        n = is_whole ? n : 1;
        if (n == 2)
            code = (at[0] & 0x1fu) << 6 | (at[1] & 0x3fu);
        else if (n == 3)
            code = (at[0] & 0xfu) << 12 | (at[1] & 0x3fu) << 6 | (at[2] & 0x3fu);
        *to++ = code < 256 ? (uint8_t)code : '?';
        at += n;
    }
    return to;
}

/* Without segments "." and ".."; the slash behind them at the end goes with them. */
static uint8_t *
remove_dots(uint8_t *begin, const uint8_t *end)
{
    uint8_t *out = begin;
    for (const uint8_t *from = begin, *next; from < end; from = next) {
        next = memchr(from + 1, '/', (size_t)(end - from - 1));
        next = next ? next : end;
        size_t n = (size_t)(next - from);
        bool is_up = n == 3 && !memcmp(from, "/..", 3), is_dot = n == 2 && !memcmp(from, "/.", 2);
        if (!is_up && !is_dot) {
            memmove(out, from, n);
            out += n;
            continue;
        }
        while (is_up && out > begin && *--out != '/')
            ;
        next += next + 1 == end;
    }
    return out;
}

/* A path as servers see it: decoded, with '/' for '\\', and one where there are several. */
static uint8_t *
put_path(uint8_t *begin, const uint8_t *at, const uint8_t *end)
{
    uint8_t *to = begin, octet;
    while (at < end) {
        at += decode(at, end, &octet);
        octet = octet == '\\' ? '/' : octet;
        if (octet != '/' || to == begin || to[-1] != '/')
            *to++ = octet;
    }
    return remove_dots(begin, put_utf8(begin, to));
}

/* Behind scheme and host, if they are there. */
static struct span
path_and_query(struct span target)
{
    const uint8_t *end = target.at + target.n;
    if (target.n < 8 || *target.at == '/')
        return target;
    size_t scheme = !strncasecmp((const char *)target.at, "http://", 7)    ? 7
                    : !strncasecmp((const char *)target.at, "https://", 8) ? 8
                                                                           : 0;
    if (!scheme)
        return target;
    const uint8_t *slash = memchr(target.at + scheme, '/', target.n - scheme);
    return (struct span){slash ? slash : end, (size_t)(end - (slash ? slash : end))};
}

static bool
make_uri(struct reading *r, struct span *s)
{
    struct span target = path_and_query(target_of(r)), method = start_word(r, 0, false);
    if (is(method, "CONNECT"))
        return false;
    uint8_t *begin = room_for(r, target.n + 2), *to = begin;
    if (!to)
        return false;
    const uint8_t *end = target.at + target.n;
    const uint8_t *query = target.n ? memchr(target.at, '?', target.n) : NULL;
    to = put_path(to, target.at, query ? query : end);
    while (query && query < end) { /* '+' stays */
        int v = *query == '%' ? hex_pair(query + 1, end) : -1;
        *to++ = v >= 0 ? (uint8_t)v : *query;
        query += v >= 0 ? 3 : 1;
    }
    *s = keep(r, begin, to);
    return target.n > 0;
}

/* ---- Hosts ---- */

/* Of the target, between scheme and path; empty: it has none. */
static struct span
host_of_target(const struct reading *r)
{
    struct span target = target_of(r), rest = path_and_query(target), method;
    const uint8_t *at = target.at, *end = rest.at;
    if (rest.at == target.at) {
        method = start_word(r, 0, false);
        return is(method, "CONNECT") ? target : (struct span){at, 0};
    }
    at = (const uint8_t *)memchr(at, '/', target.n) + 2;
    for (const uint8_t *p = at; p < end; p++) /* who logs in */
        at = *p == '@' ? p + 1 : at;
    return (struct span){at, (size_t)(end - at)};
}

static struct span
without_port(struct span host)
{
    size_t n = host.n;
    while (n && host.at[n - 1] >= '0' && host.at[n - 1] <= '9')
        n--;
    return (struct span){host.at, n && host.at[n - 1] == ':' ? n - 1 : host.n};
}

static bool
lower_host(struct reading *r, struct span host, struct span *s)
{
    host = without_port(host);
    uint8_t *begin = room_for(r, host.n + 1);
    if (!begin)
        return false;
    for (size_t i = 0; i < host.n; i++)
        begin[i] = suricata_lower[host.at[i]];
    *s = keep(r, begin, begin + host.n);
    return true;
}

/* Of the target, or else the field as it came. */
static bool
raw_host(struct reading *r, struct span *s)
{
    struct span host = host_of_target(r);
    return host.n ? lower_host(r, host, s) : value_of(r, "Host", s);
}

static bool
make_host(struct reading *r, struct span *s)
{
    struct span raw;
    return raw_host(r, &raw) && lower_host(r, raw, s);
}

/* ---- All of them ---- */

static const char *
field_name(enum buffer buffer, bool is_of_client)
{
    switch (buffer) {
    case BUFFER_HTTP_USER_AGENT:
        return "User-Agent";
    case BUFFER_HTTP_COOKIE:
        return is_of_client ? "Cookie" : "Set-Cookie";
    case BUFFER_HTTP_ACCEPT:
        return "Accept";
    case BUFFER_HTTP_ACCEPT_ENC:
        return "Accept-Encoding";
    case BUFFER_HTTP_ACCEPT_LANG:
        return "Accept-Language";
    case BUFFER_HTTP_CONNECTION:
        return "Connection";
    case BUFFER_HTTP_CONTENT_LEN:
        return "Content-Length";
    case BUFFER_HTTP_CONTENT_TYPE:
        return "Content-Type";
    case BUFFER_HTTP_REFERER:
        return "Referer";
    case BUFFER_HTTP_LOCATION:
        return "Location";
    case BUFFER_HTTP_SERVER:
        return "Server";
    default:
        return NULL;
    }
}

bool
http_buffer(struct reading *r, enum buffer buffer, struct span *s)
{
    const uint8_t *behind;
    const char *name = field_name(buffer, r->is_of_client);
    if (name)
        return value_of(r, name, s);
    switch (buffer) {
    case BUFFER_HTTP_URI:
        return make_uri(r, s);
    case BUFFER_HTTP_URI_RAW:
        *s = target_of(r);
        break;
    case BUFFER_HTTP_METHOD:
        *s = start_word(r, 0, false);
        break;
    case BUFFER_HTTP_PROTOCOL:
        *s = version_of(r);
        break;
    case BUFFER_HTTP_REQUEST_LINE:
    case BUFFER_HTTP_RESPONSE_LINE:
        *s = start_line(r, &behind);
        break;
    case BUFFER_HTTP_STAT_CODE:
        *s = start_word(r, 1, false);
        break;
    case BUFFER_HTTP_STAT_MSG:
        *s = start_word(r, 2, true);
        break;
    case BUFFER_HTTP_HEADER:
        return make_header(r, s);
    case BUFFER_HTTP_HEADER_RAW:
        return raw_header(r, s);
    case BUFFER_HTTP_HEADER_NAMES:
        return make_names(r, s);
    case BUFFER_HTTP_START:
        return make_start(r, s);
    case BUFFER_HTTP_HOST:
        return make_host(r, s);
    case BUFFER_HTTP_HOST_RAW:
        return raw_host(r, s);
    default:
        return false;
    }
    return s->n > 0;
}
