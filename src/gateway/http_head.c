#include "gateway/http_head.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const method_words[] = {
    [HTTP_GET] = "GET",         [HTTP_HEAD] = "HEAD",   [HTTP_POST] = "POST",
    [HTTP_PUT] = "PUT",         [HTTP_PATCH] = "PATCH", [HTTP_DELETE] = "DELETE",
    [HTTP_OPTIONS] = "OPTIONS",
};

/* Fields that have one value; two of them could be read as either (RFC 9110 section 5.3). */
static const char *const singletons[] = {
    "host", "content-length", "content-type", "last-event-id", "origin",
};

const char *
http_method_word(enum http_method method)
{
    return method_words[method];
}

size_t
http_head_size(const uint8_t *data, size_t size, size_t *looked)
{
    size_t from = *looked > 3 ? *looked - 3 : 0;
    const uint8_t *end = memmem(data + from, size - from, "\r\n\r\n", 4);
    *looked = size;
    return end ? (size_t)(end - data) + 4 : 0;
}

/* ---- its lines */

static enum err
refuse(int *status, int value, enum err err, struct diag *diag, const char *text)
{
    *status = value;
    return diag_set(diag, err, "%s", text);
}

static enum err
malformed(int *status, struct diag *diag, const char *text)
{
    return refuse(status, 400, ERR_MALFORMED, diag, text);
}

/* RFC 9110 section 5.6.2 */
static bool
is_token_character(unsigned char c)
{
    return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool
is_token(const char *text)
{
    const char *at = text;
    while (is_token_character((unsigned char)*at))
        at++;
    return at != text && !*at;
}

/* Horizontal tab, visible characters, space, and what is not ASCII. */
static bool
is_field_text(const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Cuts the next line off and returns it; NULL at the end, or where CR and LF do not come together.
 */
static char *
next_line(char **rest)
{
    char *line = *rest;
    char *end = line + strcspn(line, "\r\n");
    if (end[0] != '\r' || end[1] != '\n')
        return NULL;
    *end = '\0';
    *rest = end + 2;
    return line;
}

static char *
trim(char *text)
{
    while (*text == ' ' || *text == '\t')
        text++;
    size_t length = strlen(text);
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\t'))
        length--;
    text[length] = '\0';
    return text;
}

/* ---- the request line */

static enum http_method
method_from_word(const char *word)
{
    for (enum http_method i = 0; i < HTTP_METHOD_MAX; i++) {
        if (!strcmp(method_words[i], word))
            return i;
    }
    return HTTP_METHOD_MAX;
}

/* "https://host/path" is what one would send to a proxy, and has to be understood (RFC 9112 section
 * 3.2.2). */
static const char *
origin_form(char *target)
{
    size_t scheme = !strncasecmp(target, "https://", 8)  ? 8
                    : !strncasecmp(target, "http://", 7) ? 7
                                                         : 0;
    if (!scheme)
        return target;
    char *path = target + scheme + strcspn(target + scheme, "/?");
    if (*path == '?') { /* no path means "/": one octet before it is the host's, and free */
        path[-1] = '/';
        return path - 1;
    }
    return *path ? path : "/";
}

static enum err
parse_version(const char *text, struct http_head *head, int *status, struct diag *diag)
{
    bool well_formed = !strncmp(text, "HTTP/", 5) && isdigit((unsigned char)text[5]) &&
                       text[6] == '.' && isdigit((unsigned char)text[7]) && !text[8];
    if (!well_formed)
        return malformed(status, diag, "the request line does not end with a version of HTTP");
    if (text[5] != '1')
        return refuse(status, 505, ERR_UNSUPPORTED, diag, "only HTTP/1.1 and 1.0 are spoken here");
    head->minor_version = text[7] == '0' ? 0 : 1;
    return ERR_OK;
}

static enum err
parse_request_line(char *line, struct http_head *head, int *status, struct diag *diag)
{
    char *method = strsep(&line, " ");
    char *target = strsep(&line, " ");
    if (!line || strchr(line, ' ') || !is_token(method) || !*target)
        return malformed(status, diag, "the request line is not METHOD target HTTP/1.1");
    if (strlen(target) > HTTP_TARGET_MAX)
        return refuse(status, 414, ERR_LIMIT, diag, "the target is too long");
    for (const char *at = target; *at; at++) {
        if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7f)
            return malformed(status, diag, "the target has characters that no URI has");
    }
    enum err err = parse_version(line, head, status, diag);
    if (err)
        return err;
    head->method_text = method;
    head->method = method_from_word(method);
    head->target = origin_form(target);
    if (*head->target != '/' && (strcmp(head->target, "*") || head->method != HTTP_OPTIONS))
        return malformed(status, diag, "the target is not a path");
    return ERR_OK;
}

/* ---- the fields */

const char *
http_head_next(const struct http_head *head, const char *name, size_t *at)
{
    while (*at < head->n_fields) {
        const struct http_field *field = &head->fields[(*at)++];
        if (!strcmp(field->name, name))
            return field->value;
    }
    return NULL;
}

const char *
http_head_field(const struct http_head *head, const char *name)
{
    size_t at = 0;
    return http_head_next(head, name, &at);
}

static bool
is_repeated_singleton(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(singletons); i++) {
        if (!strcmp(singletons[i], name))
            return http_head_field(head, name) != NULL;
    }
    return false;
}

static enum err
parse_field(char *line, struct http_head *head, int *status, struct diag *diag)
{
    char *value = line;
    const char *name = strsep(&value, ":");
    if (!value || !is_token(name)) /* also a folded line, and white space before the colon */
        return malformed(status, diag, "a header field is not NAME: value");
    if (!is_field_text(value))
        return malformed(status, diag, "a header field has control characters");
    for (char *at = line; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    if (is_repeated_singleton(head, name))
        return malformed(status, diag, "a header field that has one value is there twice");
    if (head->n_fields == HTTP_FIELDS_MAX)
        return refuse(status, 431, ERR_LIMIT, diag, "too many header fields");
    head->fields[head->n_fields++] = (struct http_field){name, trim(value)};
    return ERR_OK;
}

/* ---- what the fields say about the message itself */

static enum err
parse_length(const char *text, struct http_head *head, int *status, struct diag *diag)
{
    uint64_t length = 0;
    for (const char *at = text; *at; at++) {
        if (!isdigit((unsigned char)*at) || at - text > 17)
            return malformed(status, diag, "the content-length is not a number");
        length = length * 10 + (uint64_t)(*at - '0');
    }
    if (!*text)
        return malformed(status, diag, "the content-length is empty");
    head->has_length = true;
    head->content_length = length;
    return ERR_OK;
}

/* RFC 9112 section 6. Codings other than chunked, and several of them, are not done here. */
static enum err
parse_framing(struct http_head *head, int *status, struct diag *diag)
{
    size_t at = 0;
    const char *coding = http_head_next(head, "transfer-encoding", &at);
    const char *length = http_head_field(head, "content-length");
    if (!coding)
        return length ? parse_length(length, head, status, diag) : ERR_OK;
    if (length)
        return malformed(status, diag, "both a content-length and a transfer-encoding");
    if (head->minor_version == 0)
        return malformed(status, diag, "a transfer-encoding in HTTP/1.0");
    if (strcasecmp(coding, "chunked") || http_head_next(head, "transfer-encoding", &at))
        return refuse(status, 501, ERR_UNSUPPORTED, diag, "a transfer-encoding but chunked");
    head->chunked = true;
    return ERR_OK;
}

/* Is the word one of the comma-separated values of these fields? */
static bool
lists_word(const struct http_head *head, const char *name, const char *word)
{
    size_t at = 0, length = strlen(word);
    for (const char *value; (value = http_head_next(head, name, &at));) {
        for (; *value; value += strcspn(value, ",")) {
            value += strspn(value, ", \t");
            if (!strncasecmp(value, word, length) && strchr(", \t", value[length]))
                return true;
        }
    }
    return false;
}

static enum err
interpret(struct http_head *head, int *status, struct diag *diag)
{
    if (head->minor_version == 1 && !http_head_field(head, "host"))
        return malformed(status, diag, "no host field");
    head->keep_alive = head->minor_version == 1 && !lists_word(head, "connection", "close");
    head->expects_continue = head->minor_version == 1 && lists_word(head, "expect", "100-continue");
    return parse_framing(head, status, diag);
}

/* ---- together */

static enum err
parse_lines(char *rest, struct http_head *head, int *status, struct diag *diag)
{
    char *line = next_line(&rest);
    if (!line)
        return malformed(status, diag, "a line that does not end with CR and LF");
    enum err err = parse_request_line(line, head, status, diag);
    while (!err && (line = next_line(&rest)) && *line)
        err = parse_field(line, head, status, diag);
    if (!err && !line)
        err = malformed(status, diag, "a line that does not end with CR and LF");
    return err ? err : interpret(head, status, diag);
}

enum err
http_head_parse(const uint8_t *data, size_t size, struct http_head *head, int *status,
                struct diag *diag)
{
    if (memchr(data, '\0', size))
        return malformed(status, diag, "a NUL octet in the head");
    struct http_head result = {.text = xstrndup((const char *)data, size)};
    enum err err = parse_lines(result.text, &result, status, diag);
    if (err)
        free(result.text);
    else
        *head = result;
    return err;
}

void
http_head_fini(struct http_head *head)
{
    free(head->text);
    *head = (struct http_head){0};
}
