#include "base/base64.h"
#include "proto/it/http/http_private.h"

#include <strings.h>

#define START_MAX 8192u
#define METHOD_MAX 24u

struct text {
    const char *at;
    size_t n;
};

/* ---- Where a message ends ---- */

static bool
is_token(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
}

/* Empty lines before a message do not count (RFC 9112 section 2.2). */
static size_t
empty_before(const uint8_t *data, size_t size)
{
    size_t n = 0;
    while (n < size && n < 4 && (data[n] == '\r' || data[n] == '\n'))
        n++;
    return n;
}

static bool
ends_in_version(const uint8_t *line, size_t n)
{
    while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
        n--;
    return n >= 9 && !memcmp(line + n - 9, " HTTP/1.", 8);
}

/* Whether a start line can go on so; `*end` is behind it, where it has ended. */
static bool
begins_message(const uint8_t *data, size_t size, size_t *end)
{
    static const char version[] = "HTTP/1.";
    const uint8_t *lf = memchr(data, '\n', MIN(size, START_MAX));
    size_t n = lf ? (size_t)(lf - data) : size, method = 0;
    *end = lf ? n + 1 : 0;
    if (!lf && size >= START_MAX)
        return false;
    if (n && !memcmp(data, version, MIN(n, sizeof version - 1)))
        return !lf || (n >= 12 && data[8] == ' ' && data[9] >= '1' && data[9] <= '9');
    while (method < n && method <= METHOD_MAX && is_token(data[method]))
        method++;
    if (method < n && (method < 3 || data[method] != ' '))
        return false;
    return method <= METHOD_MAX && (!lf || ends_in_version(data, n));
}

enum frame_found
http_frame(const uint8_t *data, size_t size, size_t *message)
{
    size_t at = empty_before(data, size), end;
    *message = size + 1; /* how much more is not known */
    if (!begins_message(data + at, size - at, &end))
        return FRAME_NOT;
    if (!end)
        return size < HTTP_HEAD_MAX ? FRAME_MORE : FRAME_NOT;
    at += end;
    for (;;) { /* lines, up to an empty one */
        const uint8_t *lf = memchr(data + at, '\n', size - at);
        if (!lf)
            return size < HTTP_HEAD_MAX ? FRAME_MORE : FRAME_NOT;
        size_t n = (size_t)(lf - data) - at;
        bool is_empty = n == 0 || (n == 1 && data[at] == '\r');
        at += n + 1;
        if (is_empty)
            break;
    }
    *message = at;
    return FRAME_WHOLE;
}

int
http_looks(const uint8_t *message, size_t size)
{
    size_t at = empty_before(message, size), end;
    return begins_message(message + at, size - at, &end) && end ? LOOKS_SURE : LOOKS_NOT;
}

/* ---- Lines ---- */

/* Without its line end, and without spaces around it. */
static struct text
trimmed(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (at < end && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
        end--;
    return (struct text){(const char *)at, (size_t)(end - at)};
}

/* The next line, without its LF; false: there is none. */
static bool
next_line(struct cursor *c, const uint8_t **begin, const uint8_t **end)
{
    size_t left = cursor_left(c);
    const uint8_t *lf = left ? memchr(c->pos, '\n', left) : NULL;
    if (!lf) {
        cursor_fail(c, ERR_TRUNCATED, "line");
        return false;
    }
    *begin = c->pos;
    *end = lf;
    c->pos = lf + 1;
    return true;
}

static bool
is(struct text t, const char *word)
{
    return strlen(word) == t.n && !strncasecmp(t.at, word, t.n);
}

static void
put(struct dissection *d, enum http_field field, struct text t)
{
    pdu_octets(d, (uint16_t)field, 0, (const uint8_t *)t.at, t.n);
}

/* ---- Fields ---- */

struct head {
    bool is_request, is_chunked, has_encoding, has_length;
    uint64_t length;
    uint8_t method;
    unsigned status;
    struct buf user; /* of Basic credentials */
};

/* Behind `name=`, with or without quotation marks; empty: it is not there. */
static struct text
parameter(struct text t, const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i + n < t.n; i++) {
        if (strncasecmp(t.at + i, name, n) != 0 || t.at[i + n] != '=')
            continue;
        struct text value = {t.at + i + n + 1, t.n - i - n - 1};
        bool is_quoted = value.n && *value.at == '"';
        value.at += is_quoted;
        value.n -= is_quoted;
        size_t end = 0;
        while (end < value.n && value.at[end] != (is_quoted ? '"' : ',') &&
               (is_quoted || value.at[end] != ' '))
            end++;
        return (struct text){value.at, end};
    }
    return (struct text){t.at, 0};
}

static struct text
first_word(struct text t)
{
    size_t n = 0;
    while (n < t.n && t.at[n] != ' ')
        n++;
    return (struct text){t.at, n};
}

/* The name of user-id ":" password in base64 (RFC 7617 section 2); the rest is forgotten. */
static void
put_basic(struct dissection *d, struct head *h, struct text t)
{
    buf_clear(&h->user);
    while (t.n && *t.at == ' ') {
        t.at++;
        t.n--;
    }
    if (base64_parse(t.at, t.n, &h->user) || !h->user.size)
        return;
    const uint8_t *colon = memchr(h->user.data, ':', h->user.size);
    size_t n = colon ? (size_t)(colon - h->user.data) : 0;
    explicit_bzero(h->user.data + n, h->user.size - n);
    pdu_octets(d, HTTP_USER, 0, h->user.data, n);
}

static void
take_authorization(struct dissection *d, struct head *h, struct text t)
{
    struct text scheme = first_word(t), rest = {t.at + scheme.n, t.n - scheme.n};
    put(d, HTTP_AUTHENTICATION, scheme);
    d->pdu->act = ACT_ACCESS;
    if (is(scheme, "Basic") && !h->user.data) {
        put_basic(d, h, rest);
    } else if (is(scheme, "Digest")) {
        struct text user = parameter(rest, "username");
        if (user.n)
            put(d, HTTP_USER, user);
    }
}

static void
take_challenge(struct dissection *d, struct head *h UNUSED, struct text t)
{
    struct text realm = parameter(t, "realm");
    put(d, HTTP_AUTHENTICATION, first_word(t));
    if (realm.n)
        put(d, HTTP_REALM, realm);
}

/* The same twice, or in a list, is the same (RFC 9112 section 6.3); what is no number is an error
 * of who sends it, and no length. */
static void
take_length(struct dissection *d, struct head *h, struct text t)
{
    uint64_t length = 0;
    size_t i = 0;
    for (; i < t.n && t.at[i] >= '0' && t.at[i] <= '9'; i++) {
        if (length > (UINT64_MAX >> 1) / 10)
            return;
        length = length * 10 + (uint64_t)(t.at[i] - '0');
    }
    if (!i || (i < t.n && t.at[i] != ','))
        return;
    h->has_length = true;
    h->length = length;
    pdu_uint(d, HTTP_CONTENT_LENGTH, 0, length);
}

static void
take_encoding(struct dissection *d, struct head *h, struct text t)
{
    static const char chunked[] = "chunked";
    put(d, HTTP_TRANSFER_ENCODING, t);
    h->has_encoding = true;
    h->is_chunked = t.n >= sizeof chunked - 1 &&
                    !strncasecmp(t.at + t.n - (sizeof chunked - 1), chunked, sizeof chunked - 1);
}

static const struct row {
    const char *name;
    int field; /* as it is; -1: by the function */
    void (*take)(struct dissection *, struct head *, struct text);
} rows[] = {
    {"Host", HTTP_HOST, NULL},
    {"User-Agent", HTTP_USER_AGENT, NULL},
    {"Server", HTTP_SERVER, NULL},
    {"X-Powered-By", HTTP_POWERED_BY, NULL},
    {"Content-Type", HTTP_CONTENT_TYPE, NULL},
    {"Content-Encoding", HTTP_CONTENT_ENCODING, NULL},
    {"Content-Disposition", HTTP_CONTENT_DISPOSITION, NULL},
    {"Location", HTTP_LOCATION, NULL},
    {"Upgrade", HTTP_UPGRADE, NULL},
    {"Content-Length", -1, take_length},
    {"Transfer-Encoding", -1, take_encoding},
    {"Authorization", -1, take_authorization},
    {"Proxy-Authorization", -1, take_authorization},
    {"WWW-Authenticate", -1, take_challenge},
    {"Proxy-Authenticate", -1, take_challenge},
};

/* Lines that go on with a space are of what is not told. */
static void
take_field(struct dissection *d, struct head *h, const uint8_t *begin, const uint8_t *end)
{
    const uint8_t *colon = memchr(begin, ':', (size_t)(end - begin));
    if (!colon || *begin == ' ' || *begin == '\t')
        return;
    struct text name = trimmed(begin, colon), value = trimmed(colon + 1, end);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!is(name, rows[i].name))
            continue;
        if (rows[i].take)
            rows[i].take(d, h, value);
        else
            put(d, (enum http_field)rows[i].field, value);
        return;
    }
}

/* ---- Requests and their responses ---- */

static uint8_t
method_of(struct text t)
{
    static const char *const words[] = {NULL, "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT"};
    for (uint8_t i = 1; i < ARRAY_SIZE(words); i++) {
        if (is(t, words[i]))
            return i;
    }
    return METHOD_OTHER;
}

static void
wait_for_answer(struct dissection *d, uint8_t method)
{
    struct http_state *s = d->state;
    if (!s)
        return;
    if (s->n == HTTP_WAITING) { /* nobody answers, or is heard to */
        s->first = (uint8_t)((s->first + 1) % HTTP_WAITING);
        s->n--;
    }
    s->waiting[(s->first + s->n++) % HTTP_WAITING] = method;
}

static uint8_t
answered(struct dissection *d, unsigned status)
{
    struct http_state *s = d->state;
    if (!s || !s->n)
        return METHOD_OTHER;
    uint8_t method = s->waiting[s->first];
    if (status >= 200 || status == 101) {
        s->first = (uint8_t)((s->first + 1) % HTTP_WAITING);
        s->n--;
    }
    return method;
}

static void
begin_request(struct dissection *d, struct head *h, const uint8_t *begin, const uint8_t *end)
{
    struct text line = trimmed(begin, end), method = first_word(line);
    size_t behind = line.n;
    while (behind && line.at[behind - 1] != ' ') /* the version */
        behind--;
    struct text target = trimmed((const uint8_t *)line.at + method.n,
                                 (const uint8_t *)line.at + MAX(behind, method.n));
    h->method = method_of(method);
    pdu_begin(d, PDU_REQUEST, h->method);
    put(d, HTTP_METHOD, method);
    put(d, HTTP_TARGET, target);
    pdu_uint(d, HTTP_VERSION, 0, 10u + (line.at[line.n - 1] != '0'));
}

static void
begin_response(struct dissection *d, struct head *h, const uint8_t *begin, const uint8_t *end)
{
    for (const uint8_t *at = begin + 9; at < begin + 12; at++)
        h->status = h->status * 10 + (unsigned)(*at >= '0' && *at <= '9' ? *at - '0' : 0);
    h->method = answered(d, h->status);
    pdu_begin(d, h->status >= 400 ? PDU_REFUSAL : PDU_RESPONSE, h->method);
    d->pdu->error = h->status >= 400 ? h->status : 0;
    pdu_uint(d, HTTP_VERSION, 0, 10u + (begin[7] != '0'));
    pdu_uint(d, HTTP_STATUS, 0, h->status);
    struct text reason = trimmed(begin + 12, end);
    if (reason.n)
        put(d, HTTP_REASON, reason);
}

/* RFC 9112 section 6.3. */
static void
begin_body(struct dissection *d, const struct head *h)
{
    bool has_none = !h->is_request && (h->method == METHOD_HEAD || h->status < 200 ||
                                       h->status == 204 || h->status == 304);
    if (!h->is_request &&
        (h->status == 101 || (h->method == METHOD_CONNECT && h->status < 300 && h->status >= 200)))
        d->leaves = true;
    else if (has_none)
        return;
    else if (h->is_chunked)
        http_body_begin(d, h->method, UNTIL_CHUNK_SIZE, 0);
    else if (h->has_length && !h->has_encoding)
        http_body_begin(d, h->method, UNTIL_COUNTED, h->length);
    else if (!h->is_request)
        http_body_begin(d, h->method, UNTIL_CLOSED, 0);
}

void
http_dissect(struct dissection *d, struct cursor *c)
{
    struct head h = {.user = BUF_INIT};
    struct cursor whole = *c;
    const uint8_t *begin = NULL, *end = NULL;
    size_t behind;
    cursor_skip(c, empty_before(c->pos, cursor_left(c)), "empty line");
    if (!begins_message(c->pos, cursor_left(c), &behind) || !behind)
        cursor_fail(c, ERR_MALFORMED, "start line");
    if (!next_line(c, &begin, &end))
        return;
    h.is_request = memcmp(begin, "HTTP/", 5) != 0;
    if (h.is_request)
        begin_request(d, &h, begin, end);
    else
        begin_response(d, &h, begin, end);
    while (next_line(c, &begin, &end)) {
        if (begin == end || (end - begin == 1 && *begin == '\r'))
            break;
        take_field(d, &h, begin, end);
    }
    pdu_end(d, &whole);
    buf_fini(&h.user);
    if (c->err)
        return;
    if (h.is_request)
        wait_for_answer(d, h.method);
    begin_body(d, &h);
}
