#include "base/attr.h"
#include "proto/ot/sel/sel_private.h"

#include <string.h>

#define STX 2
#define ETX 3

static bool
is_break(uint8_t octet)
{
    return octet == '\r' || octet == '\n' || octet == ETX || !octet;
}

static bool
is_text(uint8_t octet)
{
    static const uint8_t controls[] = {0, STX, ETX, 4, 7, '\b', '\t', '\n', '\r', 0x11, 0x13, 0x1b};
    return octet < 0x7f && (octet >= ' ' || memchr(controls, octet, sizeof controls));
}

/* Text that waits for an answer, without a line's end. */
static bool
is_prompt(const uint8_t *text, size_t size)
{
    size_t n = size;
    while (n && text[n - 1] == ' ')
        n--;
    return sel_prompt(text, size) >= 0 || (n && (text[n - 1] == '?' || text[n - 1] == ':'));
}

enum frame_found
sel_line(const uint8_t *data, size_t size, size_t *message)
{
    size_t at = 0, from;
    while (at < size && (is_break(data[at]) || data[at] == STX || data[at] == ' '))
        at++;
    from = at;
    while (at < size && !is_break(data[at])) {
        bool is_other = data[at] == IAC ||
                        (data[at] == BEGIN && (at + 1 == size || sel_is_type(data[at + 1])));
        if (is_other)
            break;
        if (!is_text(data[at]))
            return FRAME_NOT;
        at++;
    }
    if (at == size && at > from && !is_prompt(data + from, at - from)) {
        *message = size + 1;
        return size < SEL_MESSAGE_MAX ? FRAME_MORE : FRAME_NOT;
    }
    while (at > from && at < size && is_break(data[at]))
        at++;
    *message = at;
    return at ? FRAME_WHOLE : FRAME_NOT;
}

/* Level of the prompt that the text ends with, on a line of its own; -1: it does not. */
static int
last_prompt(const uint8_t *text, size_t size)
{
    size_t at = size;
    while (at && !is_break(text[at - 1]))
        at--;
    return at && at < size ? sel_prompt(text + at, size - at) : -1;
}

/* Lines until a prompt are one message, so that it is seen whose they are; or each is one. */
static enum frame_found
text_frame(const uint8_t *data, size_t size, size_t *message)
{
    size_t at = 0;
    while (size <= SEL_MESSAGE_MAX && at < size && is_text(data[at]))
        at++;
    if (at == size && last_prompt(data, size) >= 0) {
        *message = size;
        return FRAME_WHOLE;
    }
    return sel_line(data, size, message);
}

static enum frame_found
binary_frame(const uint8_t *data, size_t size, size_t *message)
{
    uint8_t copy[BINARY_MAX];
    if (size < 2) {
        *message = 2;
        return FRAME_MORE;
    }
    if (!sel_is_type(data[1]))
        return FRAME_NOT;
    bool may_ask = sel_may_ask(data[1]), is_short = size > 2 && data[2] < 5;
    if (size == 2 || is_short) {
        *message = may_ask || is_short ? 2 : 3;
        return may_ask ? FRAME_WHOLE : is_short ? FRAME_NOT : FRAME_MORE;
    }
    size_t n = sel_binary(data, size, copy);
    bool is_right = n && sel_binary_is_right(copy, data[2]);
    if (may_ask && !is_right && size > 3 && data[2] == BEGIN && sel_is_type(data[3])) {
        *message = 2; /* another request behind it */
        return FRAME_WHOLE;
    }
    *message = n ? n : MAX(data[2], size + 1);
    return n ? FRAME_WHOLE : FRAME_MORE;
}

enum frame_found
sel_frame(const uint8_t *data, size_t size, size_t *message)
{
    if (!size) {
        *message = 1;
        return FRAME_MORE;
    }
    if (*data == BEGIN)
        return binary_frame(data, size, message);
    if (*data != IAC)
        return text_frame(data, size, message);
    *message = sel_command_size(data, size);
    return *message ? FRAME_WHOLE : FRAME_NOT;
}

static bool
begins_with(const uint8_t *text, size_t size, const char *word)
{
    return size >= strlen(word) && !memcmp(text, word, strlen(word));
}

/* That of a higher level, on a line of its own, is SEL's; as is what firmware identification
 * begins with. A lone "=" may be a piece of anything. */
static int
text_looks(const uint8_t *text, size_t size)
{
    size_t from = 0, end = size;
    while (from < size && (is_break(text[from]) || text[from] == STX))
        from++;
    while (end > from && is_break(text[end - 1]))
        end--;
    if (end == from)
        return LOOKS_NOT;
    const uint8_t *line = text + from;
    if (begins_with(line, end - from, "\"FID=SEL-") || begins_with(line, end - from, "FID=SEL-"))
        return LOOKS_SURE;
    int level = last_prompt(text, size);
    if (level >= 0)
        return level ? LOOKS_SURE : LOOKS_LIKE;
    if (end == size)
        return LOOKS_NOT;
    size_t argument;
    int row = sel_command(line, end - from, &argument);
    if (row < 0 || argument < end - from)
        return LOOKS_NOT;
    return sel_commands[row].has_secret || !strcmp(sel_commands[row].name, "ID") ? LOOKS_FAINT
                                                                                 : LOOKS_NOT;
}

int
sel_looks(const uint8_t *message, size_t size)
{
    uint8_t copy[BINARY_MAX];
    if (size && *message != BEGIN)
        return *message == IAC ? LOOKS_NOT : text_looks(message, size);
    if (size < 2 || !sel_is_type(message[1]))
        return LOOKS_NOT;
    if (size == 2)
        return sel_may_ask(message[1]) ? LOOKS_LIKE : LOOKS_NOT;
    return sel_binary(message, size, copy) && sel_binary_is_right(copy, message[2]) ? LOOKS_SURE
                                                                                    : LOOKS_NOT;
}

void
sel_dissect(struct dissection *d, struct cursor *c)
{
    if (!cursor_left(c))
        return;
    if (*c->pos == BEGIN) {
        sel_binary_dissect(d, c);
    } else if (*c->pos == IAC) {
        size_t n = sel_command_size(c->pos, cursor_left(c));
        pdu_begin(d, PDU_LINK, SEL_TELNET);
        cursor_skip(c, n ? n : cursor_left(c) + 1, "Telnet command");
        pdu_end(d, c);
    } else {
        sel_text_dissect(d, c);
    }
}
