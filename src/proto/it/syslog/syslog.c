#include "proto/it/syslog/syslog.h"

#include "base/attr.h"

#include <string.h>

#define MESSAGE_MAX 8192u
#define PRIORITY_MAX 191u

static bool
is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* ---- Messages in a stream ---- */

/* RFC 6587: "LENGTH SP MESSAGE", or a message and a line feed. */
static enum frame_found
syslog_frame(const uint8_t *data, size_t size, size_t *message)
{
    size_t n = 0, length = 0;
    *message = size + 1;
    if (!size)
        return FRAME_MORE;
    if (data[0] == '<') {
        const uint8_t *end = memchr(data, '\n', MIN(size, MESSAGE_MAX));
        if (!end)
            return size >= MESSAGE_MAX ? FRAME_NOT : FRAME_MORE;
        *message = (size_t)(end - data) + 1;
        return FRAME_WHOLE;
    }
    while (n < size && n < 5 && is_digit(data[n]))
        length = length * 10 + data[n++] - '0';
    if (n == size && n < 5 && data[0] != '0')
        return FRAME_MORE;
    if (!n || data[0] == '0' || n == size || data[n] != ' ' || length + n + 1 > MESSAGE_MAX)
        return FRAME_NOT;
    if (n + 1 < size && data[n + 1] != '<')
        return FRAME_NOT;
    *message = n + 1 + length;
    return size >= *message ? FRAME_WHOLE : FRAME_MORE;
}

/* ---- Parts ---- */

static void
skip_length(struct cursor *c)
{
    const uint8_t *p = c->pos;
    while (p < c->end && is_digit(*p))
        p++;
    if (p > c->pos && p < c->end && *p == ' ')
        c->pos = p + 1;
}

/* "<34>"; false: there is none, and nothing was read. */
static bool
take_priority(struct cursor *c, unsigned *priority)
{
    size_t n = cursor_left(c), i = 1;
    unsigned value = 0;
    if (!n || c->pos[0] != '<')
        return false;
    while (i < n && i < 4 && is_digit(c->pos[i]))
        value = value * 10 + c->pos[i++] - '0';
    if (i == 1 || i >= n || c->pos[i] != '>' || value > PRIORITY_MAX)
        return false;
    c->pos += i + 1;
    *priority = value;
    return true;
}

/* Up to a space, which is not of it. */
static const uint8_t *
word(struct cursor *c, size_t *size)
{
    const uint8_t *from = c->pos;
    while (c->pos < c->end && *c->pos != ' ')
        c->pos++;
    *size = (size_t)(c->pos - from);
    c->pos += c->pos < c->end;
    return from;
}

static void
put_word(struct dissection *d, struct cursor *c, uint16_t field)
{
    size_t size;
    const uint8_t *from = word(c, &size);
    if (size && (size != 1 || *from != '-')) /* NILVALUE */
        pdu_octets(d, field, 0, from, size);
}

static void
put_rest(struct dissection *d, struct cursor *c)
{
    const uint8_t *end = c->end;
    while (end > c->pos && (end[-1] == '\n' || end[-1] == '\r' || !end[-1]))
        end--;
    if (end > c->pos)
        pdu_octets(d, SYSLOG_TEXT, 0, c->pos, (size_t)(end - c->pos));
    c->pos = c->end;
}

/* ---- RFC 5424 ---- */

/* Elements "[id name="value" ...]", in which \ keeps a " or a ] from ending them. */
static void
put_data(struct dissection *d, struct cursor *c)
{
    const uint8_t *from = c->pos;
    bool quoted = false;
    if (cursor_left(c) && *from != '[') {
        put_word(d, c, SYSLOG_DATA);
        return;
    }
    for (; c->pos < c->end && (quoted || *c->pos == '[' || c->pos[-1] != ']'); c->pos++) {
        if (*c->pos == '\\' && quoted && c->pos + 1 < c->end)
            c->pos++;
        else if (*c->pos == '"')
            quoted = !quoted;
    }
    if (c->pos > from && (quoted || c->pos[-1] != ']'))
        cursor_fail(c, ERR_TRUNCATED, "STRUCTURED-DATA");
    else if (c->pos > from)
        pdu_octets(d, SYSLOG_DATA, 0, from, (size_t)(c->pos - from));
    if (cursor_left(c) && *c->pos == ' ')
        c->pos++;
}

static bool
is_standard(const struct cursor *c)
{
    return cursor_left(c) >= 3 && c->pos[0] == '1' && c->pos[1] == ' ' &&
           (is_digit(c->pos[2]) || c->pos[2] == '-');
}

static void
read_standard(struct dissection *d, struct cursor *c)
{
    static const uint16_t words[] = {SYSLOG_TIME, SYSLOG_HOST, SYSLOG_APP, SYSLOG_PROCESS,
                                     SYSLOG_MESSAGE_ID};
    cursor_skip(c, 2, "VERSION");
    pdu_uint(d, SYSLOG_VERSION, 0, 1);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!cursor_left(c))
            cursor_fail(c, ERR_TRUNCATED, "HEADER");
        else
            put_word(d, c, words[i]);
    }
    if (!c->err)
        put_data(d, c);
    if (cursor_left(c) >= 3 && !memcmp(c->pos, "\xef\xbb\xbf", 3)) /* BOM */
        c->pos += 3;
    if (!c->err)
        put_rest(d, c);
}

/* ---- RFC 3164 ---- */

#define BSD_TIME 15 /* "Oct 11 22:14:15" */

static bool
has_bsd_time(const struct cursor *c)
{
    static const char form[] = "Aaa .0 00:00:00 ";
    if (cursor_left(c) < BSD_TIME + 1)
        return false;
    for (size_t i = 0; i <= BSD_TIME; i++) {
        uint8_t o = c->pos[i];
        bool fits = form[i] == 'A'   ? o >= 'A' && o <= 'Z'
                    : form[i] == 'a' ? o >= 'a' && o <= 'z'
                    : form[i] == '0' ? is_digit(o)
                    : form[i] == '.' ? is_digit(o) || o == ' '
                                     : o == (uint8_t)form[i];
        if (!fits)
            return false;
    }
    return true;
}

/* "su[7]:", "su:": letters and digits, up to 32 (section 4.1.3), and more that many write. */
static void
put_tag(struct dissection *d, struct cursor *c)
{
    const uint8_t *p = c->pos, *id = NULL, *id_end = NULL;
    while (p < c->end && p - c->pos < 48 && *p > ' ' && *p != '[' && *p != ':')
        p++;
    const uint8_t *end = p;
    if (p < c->end && *p == '[') {
        id = ++p;
        while (p<c->end && * p> ' ' && *p != ']')
            p++;
        id_end = p;
        p += p < c->end && *p == ']';
    }
    if (end == c->pos || p >= c->end || *p != ':')
        return; /* the text has no tag */
    pdu_octets(d, SYSLOG_APP, 0, c->pos, (size_t)(end - c->pos));
    if (id && id_end > id)
        pdu_octets(d, SYSLOG_PROCESS, 0, id, (size_t)(id_end - id));
    p++;
    c->pos = p + (p < c->end && *p == ' ');
}

static void
read_bsd(struct dissection *d, struct cursor *c)
{
    if (has_bsd_time(c)) {
        pdu_octets(d, SYSLOG_TIME, 0, c->pos, BSD_TIME);
        c->pos += BSD_TIME + 1;
        /* Some leave out the host: then the tag follows. */
        const uint8_t *p = c->pos;
        while (p<c->end && * p> ' ' && *p != '[')
            p++;
        if (p < c->end && *p == ' ' && p[-1] != ':')
            put_word(d, c, SYSLOG_HOST);
        put_tag(d, c);
    }
    put_rest(d, c);
}

/* ---- Messages ---- */

static void
syslog_dissect(struct dissection *d, struct cursor *c)
{
    unsigned priority = 0;
    if (!cursor_left(c))
        cursor_fail(c, ERR_TRUNCATED, "PRI");
    if (c->err)
        return;
    skip_length(c);
    bool has_priority = take_priority(c, &priority);
    pdu_begin(d, PDU_REPORT, has_priority ? priority & 7 : SYSLOG_PLAIN);
    if (has_priority)
        pdu_uint(d, SYSLOG_FACILITY, 0, priority >> 3);
    if (has_priority && is_standard(c))
        read_standard(d, c);
    else
        read_bsd(d, c);
    pdu_end(d, c);
}

static int
syslog_looks(const uint8_t *message, size_t size)
{
    struct cursor c = cursor_over(message, size);
    unsigned priority;
    skip_length(&c);
    if (take_priority(&c, &priority))
        return is_standard(&c) || has_bsd_time(&c) ? LOOKS_SURE : LOOKS_FAINT;
    for (size_t i = 0; i < size; i++) {
        if (message[i] < ' ' && message[i] != '\n' && message[i] != '\r' && message[i] != '\t')
            return LOOKS_NOT;
    }
    return size >= 8 ? LOOKS_FAINT : LOOKS_NOT;
}

/* ---- Tables ---- */

static const struct field_word facilities[] = {
    {0, "kern"},      {1, "user"},    {2, "mail"},    {3, "daemon"},  {4, "auth"},
    {5, "syslog"},    {6, "lpr"},     {7, "news"},    {8, "uucp"},    {9, "cron"},
    {10, "authpriv"}, {11, "ftp"},    {12, "ntp"},    {13, "audit"},  {14, "alert"},
    {15, "clock"},    {16, "local0"}, {17, "local1"}, {18, "local2"}, {19, "local3"},
    {20, "local4"},   {21, "local5"}, {22, "local6"}, {23, "local7"}, {0, NULL}};

static const struct field_info fields[] = {
    [SYSLOG_FACILITY] = {"facility", FIELD_UINT, facilities, "which part of the system"},
    [SYSLOG_VERSION] = {"version", FIELD_UINT, NULL, "of the standard"},
    [SYSLOG_TIME] = {"time", FIELD_TEXT, NULL, "as the sender says"},
    [SYSLOG_HOST] = {"host", FIELD_TEXT, NULL, "whose message"},
    [SYSLOG_APP] = {"app", FIELD_TEXT, NULL, "which program's"},
    [SYSLOG_PROCESS] = {"process", FIELD_TEXT, NULL, "number of that"},
    [SYSLOG_MESSAGE_ID] = {"message-id", FIELD_TEXT, NULL, "kind of message"},
    [SYSLOG_DATA] = {"data", FIELD_TEXT, NULL, "structured"},
    [SYSLOG_TEXT] = {"text", FIELD_TEXT, NULL, "for people"},
};

static const struct function_info functions[] = {
    {0, "emergency", ACT_REPORT}, {1, "alert", ACT_REPORT},   {2, "critical", ACT_REPORT},
    {3, "error", ACT_REPORT},     {4, "warning", ACT_REPORT}, {5, "notice", ACT_REPORT},
    {6, "info", ACT_REPORT},      {7, "debug", ACT_REPORT},   {SYSLOG_PLAIN, "plain", ACT_REPORT},
};

static const uint16_t ports[] = {514, 601, 0};

const struct protocol syslog_protocol = {
    .name = "syslog",
    .title = "syslog",
    .source = "RFC 3164, RFC 5424, RFC 5426, RFC 6587",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_UDP | CARRIER_TCP,
    .ports = ports,
    .message_max = MESSAGE_MAX,
    .frame = syslog_frame,
    .looks = syslog_looks,
    .dissect = syslog_dissect,
};
