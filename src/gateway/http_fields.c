#include "gateway/http_fields.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* ---- lists and parameters */

/* The length of the list's first element, up to a comma that is not within quotes. */
static size_t
element_length(const char *list)
{
    bool quoted = false;
    const char *at = list;
    for (; *at && (quoted || *at != ','); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (quoted && *at == '\\' && at[1])
            at++;
    }
    return (size_t)(at - list);
}

/* Skips white space and commas. */
static const char *
next_element(const char *list)
{
    return list + strspn(list, ", \t");
}

static size_t
token_length(const char *text)
{
    return strcspn(text, " \t;,=\"");
}

/* Reads NAME=VALUE from behind a semicolon; `*at` is moved behind it. */
static bool
read_parameter(const char **at, const char *end, const char **name, size_t *name_length,
               struct buf *value)
{
    *at += strspn(*at, "; \t");
    if (*at >= end)
        return false;
    *name = *at;
    *name_length = token_length(*at);
    *at += *name_length;
    if (**at != '=')
        return false;
    ++*at;
    if (**at != '"') {
        size_t length = token_length(*at);
        buf_put(value, *at, length);
        *at += length;
        return true;
    }
    for (++*at; **at && **at != '"'; ++*at) {
        if (**at == '\\' && (*at)[1])
            ++*at;
        buf_u8(value, (uint8_t) * *at);
    }
    if (**at)
        ++*at;
    return true;
}

/* The parameter `name` of the element that ends at `end`, into `value`. */
static bool
find_parameter(const char *at, const char *end, const char *name, struct buf *value)
{
    const char *found;
    size_t length;
    at += strcspn(at, ";,");
    while (at < end) {
        buf_clear(value);
        if (!read_parameter(&at, end, &found, &length, value))
            return false;
        if (length == strlen(name) && !strncasecmp(found, name, length))
            return true;
    }
    return false;
}

bool
http_field_parameter(const char *value, const char *name, struct buf *out)
{
    struct buf text = BUF_INIT;
    bool found = find_parameter(value, value + strlen(value), name, &text);
    if (found)
        buf_put(out, text.data, text.size);
    buf_fini(&text);
    return found;
}

/* ---- media types */

bool
http_media_type_is(const char *value, const char *type)
{
    size_t length = strlen(type);
    return !strncasecmp(value, type, length) && strchr(" \t;", value[length]);
}

/* How specific a range is that covers the type: 3 it is the type, 2 "application/\*", 1 "*\/\*",
 * 0 it does not cover it. */
static int
range_precision(const char *range, size_t length, const char *type)
{
    size_t family = strcspn(type, "/") + 1;
    if (length == strlen(type) && !strncasecmp(range, type, length))
        return 3;
    if (length == family + 1 && range[family] == '*' && !strncasecmp(range, type, family))
        return 2;
    return length == 3 && !strncmp(range, "*/*", 3);
}

/* Is the weight of the element that ends at `end` more than 0? */
static bool
has_weight(const char *element, const char *end)
{
    struct buf weight = BUF_INIT;
    bool stated = find_parameter(element, end, "q", &weight);
    const char *text = buf_cstr(&weight);
    bool positive = !stated || strspn(text, "0.") != strlen(text);
    buf_fini(&weight);
    return positive;
}

bool
http_accepts(const struct http_head *head, const char *type)
{
    size_t at = 0;
    int best = -1;
    bool accepted = false;
    for (const char *list; (list = http_head_next(head, "accept", &at));) {
        for (list = next_element(list); *list; list = next_element(list)) {
            const char *end = list + element_length(list);
            int precision = range_precision(list, token_length(list), type);
            if (precision > best) {
                best = precision;
                accepted = precision && has_weight(list, end);
            }
            list = end;
        }
    }
    return best < 0 || accepted;
}

/* ---- entity tags */

static bool
tag_matches(const char *element, size_t length, const char *etag, bool strong)
{
    if (length >= 2 && !strncmp(element, "W/", 2)) {
        if (strong)
            return false;
        element += 2;
        length -= 2;
    }
    return length == strlen(etag) && !strncmp(element, etag, length);
}

static size_t
trimmed_length(const char *text, size_t length)
{
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    return length;
}

enum http_match
http_etag_match(const struct http_head *head, const char *name, const char *etag)
{
    size_t at = 0;
    bool asked = false, strong = !strcmp(name, "if-match");
    for (const char *list; (list = http_head_next(head, name, &at));) {
        asked = true;
        if (!strcmp(list, "*"))
            return etag ? HTTP_MATCH_YES : HTTP_MATCH_NO;
        for (list = next_element(list); *list; list = next_element(list)) {
            size_t length = element_length(list);
            if (etag && tag_matches(list, trimmed_length(list, length), etag, strong))
                return HTTP_MATCH_YES;
            list += length;
        }
    }
    return asked ? HTTP_MATCH_NO : HTTP_MATCH_UNASKED;
}

/* ---- dates */

char *
http_date(nsec_t wall, char *text)
{
    time_t seconds = (time_t)(wall / NSEC_PER_SEC);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(text, HTTP_DATE_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &tm); /* programs run in "C" */
    return text;
}
