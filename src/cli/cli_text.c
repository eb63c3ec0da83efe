#include "cli/cli_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

/* One character of UTF-8; 0: the octet is not the start of one. Overlong forms and surrogates are
 * none. */
static size_t
decode(const uint8_t *at, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t size = at[0] < 0x80             ? 1
                  : (at[0] & 0xe0) == 0xc0 ? 2
                  : (at[0] & 0xf0) == 0xe0 ? 3
                  : (at[0] & 0xf8) == 0xf0 ? 4
                                           : 0;
    if (!size || size > left)
        return 0;
    *code = size == 1 ? at[0] : at[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (at[i] & 0x3f);
    }
    if (*code < least[size] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
        return 0;
    return size;
}

/* Characters that do something instead of being seen: controls (C0, DEL, C1), line separators,
 * marks and embeddings of direction. */
static bool
is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
           (c >= 0xfff9 && c <= 0xfffb);
}

void
text_put(struct buf *out, const char *text, bool lines)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text);
    while (left) {
        uint32_t c;
        size_t size = decode(at, left, &c);
        if (!size) {
            buf_printf(out, "\\x%02x", at[0]);
            size = 1;
        } else if (!is_control(c) || (lines && c == '\n')) {
            buf_put(out, at, size);
        } else if (c == '\n') {
            buf_str(out, "\\n");
        } else {
            buf_printf(out, c < 0x100 ? "\\x%02x" : "\\u%04x", c);
        }
        at += size;
        left -= size;
    }
}

void
text_put_json(struct buf *out, const char *text, size_t size)
{
    const uint8_t *at = (const uint8_t *)text;
    while (size) {
        uint32_t c;
        size_t step = decode(at, size, &c);
        if (step && (!is_control(c) || c == 0x9 || c == 0xa || c == 0xd))
            buf_put(out, at, step);
        else
            buf_printf(out, "\\u%04x", step ? c : at[0]);
        at += MAX(step, 1u);
        size -= MAX(step, 1u);
    }
}

size_t
text_width(const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    size_t left = strlen(text), width = 0;
    while (left) {
        uint32_t c;
        size_t size = decode(at, left, &c);
        int columns = size ? wcwidth((wchar_t)c) : 1;
        width += columns < 0 ? 1 : (size_t)columns;
        size = MAX(size, 1u);
        at += size;
        left -= size;
    }
    return width;
}

void
text_put_clock(struct buf *out, nsec_t wall, bool utc)
{
    time_t seconds = wall / NSEC_PER_SEC;
    struct tm tm;
    char text[40];
    if (utc)
        gmtime_r(&seconds, &tm);
    else
        localtime_r(&seconds, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
    buf_printf(out, "%s%s", text, utc ? "Z" : "");
}

void
text_put_time(struct buf *out, const char *rfc3339, bool utc)
{
    nsec_t wall;
    if (time_parse(rfc3339, &wall))
        text_put(out, rfc3339, false);
    else
        text_put_clock(out, wall, utc);
}

/* Three digits that matter, no zeros behind the point. */
static void
put_number(struct buf *out, double value, const char *unit)
{
    char text[40];
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    snprintf(text, sizeof text, "%.*f", decimals, value);
    if (strchr(text, '.')) {
        size_t n = strlen(text);
        while (text[n - 1] == '0')
            n--;
        text[text[n - 1] == '.' ? n - 1 : n] = '\0';
    }
    buf_printf(out, "%s %s", text, unit);
}

static void
put_two(struct buf *out, int64_t seconds, int64_t unit, const char *name, int64_t less,
        const char *less_name)
{
    buf_printf(out, "%lld %s", (long long)(seconds / unit), name);
    if (seconds % unit / less)
        buf_printf(out, " %lld %s", (long long)(seconds % unit / less), less_name);
}

void
text_put_duration(struct buf *out, nsec_t duration)
{
    if (duration < 0) {
        buf_str(out, "-");
        duration = duration == INT64_MIN ? INT64_MAX : -duration;
    }
    int64_t seconds = duration / NSEC_PER_SEC;
    double ns = (double)duration;
    if (duration < NSEC_PER_USEC)
        buf_printf(out, "%d ns", (int)duration);
    else if (duration < NSEC_PER_MSEC)
        put_number(out, ns / 1e3, "us");
    else if (duration < NSEC_PER_SEC)
        put_number(out, ns / 1e6, "ms");
    else if (seconds < 60)
        put_number(out, ns / 1e9, "s");
    else if (seconds < 3600)
        put_two(out, seconds, 60, "min", 1, "s");
    else if (seconds < 86400)
        put_two(out, seconds, 3600, "h", 60, "min");
    else
        put_two(out, seconds, 86400, "d", 3600, "h");
}

void
text_put_rate(struct buf *out, uint64_t kbps)
{
    if (kbps < 1000)
        buf_printf(out, "%u kbit/s", (unsigned)kbps);
    else if (kbps < 1000000)
        put_number(out, (double)kbps / 1e3, "Mbit/s");
    else
        put_number(out, (double)kbps / 1e6, "Gbit/s");
}

/* ---- Members of documents ----------------------------------------------------------------------
 */

static void
put_array(struct buf *out, const json_t *array, const char *between, bool utc)
{
    size_t i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        if (i)
            buf_str(out, between);
        text_put_value(out, item, AS_TEXT, utc);
    }
}

static void
put_integer(struct buf *out, json_int_t value, enum text_form form)
{
    switch (form) {
    case AS_NSEC:
        text_put_duration(out, value);
        break;
    case AS_USEC:
        text_put_duration(out, value < INT64_MAX / 1000 ? value * NSEC_PER_USEC : INT64_MAX);
        break;
    case AS_KBPS:
        text_put_rate(out, value < 0 ? 0 : (uint64_t)value);
        break;
    default:
        buf_printf(out, "%" JSON_INTEGER_FORMAT, value);
    }
}

static void
put_object(struct buf *out, const json_t *object, bool utc)
{
    const char *key, *between = "";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        buf_printf(out, "%s", between);
        text_put(out, key, false);
        buf_str(out, " ");
        text_put_value(out, value, AS_TEXT, utc);
        between = ", ";
    }
}

static void
put_string(struct buf *out, const char *text, enum text_form form, bool utc)
{
    if (form == AS_TIME) {
        text_put_time(out, text, utc);
    } else if (form == AS_HASH && strlen(text) > 16) {
        char cut[17];
        memcpy(cut, text, 16);
        cut[16] = '\0';
        text_put(out, cut, false);
    } else {
        text_put(out, text, false);
    }
}

void
text_put_value(struct buf *out, const json_t *value, enum text_form form, bool utc)
{
    switch (value ? json_typeof(value) : JSON_NULL) {
    case JSON_NULL:
        break;
    case JSON_STRING:
        put_string(out, json_string_value(value), form, utc);
        break;
    case JSON_INTEGER:
        put_integer(out, json_integer_value(value), form);
        break;
    case JSON_REAL:
        buf_printf(out, "%g", json_real_value(value));
        break;
    case JSON_TRUE:
        buf_str(out, "yes");
        break;
    case JSON_FALSE:
        buf_str(out, "no");
        break;
    case JSON_ARRAY:
        put_array(out, value, form == AS_PATH ? " > " : ", ", utc);
        break;
    case JSON_OBJECT:
        put_object(out, value, utc);
        break;
    }
}

static const json_t *
member_at(const json_t *object, const char *path, size_t size)
{
    while (object && size) {
        const char *dot = memchr(path, '.', size);
        size_t length = dot ? (size_t)(dot - path) : size;
        char name[64];
        if (length >= sizeof name)
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        object = json_object_get(object, name);
        path += length + (dot != NULL);
        size -= length + (dot != NULL);
    }
    return object;
}

const json_t *
text_member(const json_t *object, const char *path)
{
    for (;;) {
        size_t size = strcspn(path, "|");
        const json_t *found = member_at(object, path, size);
        if (found && !json_is_null(found))
            return found;
        if (!path[size])
            return NULL;
        path += size + 1;
    }
}

const char *
text_of(const json_t *object, const char *path)
{
    const char *text = json_string_value(text_member(object, path));
    return text ? text : "";
}
