#include "bus/nats_frame.h"

#include "base/attr.h"

#include <string.h>
#include <strings.h>

#define FIELDS_MAX 5 /* subject, sid, reply_to, size of headers, size of all */

struct field {
    char *at;
    size_t length;
};

/* The fields of a line behind its operation. 0: none, or too many. */
static size_t
split(char *at, char *end, struct field *fields)
{
    size_t n = 0;
    while (at < end) {
        if (*at == ' ' || *at == '\t') {
            at++;
            continue;
        }
        if (n == FIELDS_MAX)
            return 0;
        fields[n].at = at;
        while (at < end && *at != ' ' && *at != '\t')
            at++;
        fields[n].length = (size_t)(at - fields[n].at);
        n++;
    }
    return n;
}

/* Digits only, at most ten. */
static bool
take_number(const struct field *field, uint64_t *number)
{
    *number = 0;
    if (field->length == 0 || field->length > 10)
        return false;
    for (size_t i = 0; i < field->length; i++) {
        if (field->at[i] < '0' || field->at[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(field->at[i] - '0');
    }
    return true;
}

static const char *
terminate(const struct field *field)
{
    if (memchr(field->at, '\0', field->length))
        return "";                   /* no subject */
    field->at[field->length] = '\0'; /* a space or the line's end */
    return field->at;
}

/* MSG subject sid [reply-to] size; HMSG subject sid [reply-to] headers-size size. */
static enum err
take_message(char *line, char *line_end, char *end, bool has_headers, size_t max,
             struct nats_frame *frame, size_t *used, struct diag *diag)
{
    struct field f[FIELDS_MAX];
    size_t n = split(line, line_end - 2, f), n_sizes = has_headers ? 2 : 1;
    uint64_t headers = 0, size;
    bool has_reply = n == 3 + n_sizes;
    if ((n != 2 + n_sizes && !has_reply) || !take_number(&f[1], &frame->sid) ||
        !take_number(&f[n - 1], &size) || (has_headers && !take_number(&f[n - 2], &headers)) ||
        headers > size)
        return diag_set(diag, ERR_MALFORMED, "not the head of a message");
    if (size > max)
        return diag_set(diag, ERR_LIMIT, "a message longer than %zu octets", max);
    if ((size_t)(end - line_end) < size + 2)
        return ERR_TRUNCATED;
    if (memcmp(line_end + size, "\r\n", 2))
        return diag_set(diag, ERR_MALFORMED, "a message that does not end where it should");
    frame->op = NATS_MSG;
    frame->subject = terminate(&f[0]);
    frame->reply_to = has_reply ? terminate(&f[2]) : NULL;
    frame->headers = line_end;
    frame->headers_size = headers;
    frame->payload = line_end + headers;
    frame->payload_size = size - headers;
    *used += size + 2;
    return ERR_OK;
}

static bool
is_op(const char *line, size_t length, const char *op)
{
    return length == strlen(op) && !strncasecmp(line, op, length);
}

enum err
nats_frame_take(char *data, size_t size, size_t message_max, struct nats_frame *frame, size_t *used,
                struct diag *diag)
{
    char *feed = size ? memchr(data, '\n', MIN(size, NATS_LINE_MAX)) : NULL;
    if (!feed)
        return size < NATS_LINE_MAX ? ERR_TRUNCATED
                                    : diag_set(diag, ERR_LIMIT, "a line without an end");
    if (feed == data || feed[-1] != '\r')
        return diag_set(diag, ERR_MALFORMED, "a line that does not end in CR LF");
    size_t length = (size_t)(feed - 1 - data), op_length = 0;
    while (op_length < length && data[op_length] != ' ' && data[op_length] != '\t')
        op_length++;
    char *rest = data + op_length;
    *frame = (struct nats_frame){.text = rest, .text_size = length - op_length};
    *used = length + 2;
    if (is_op(data, op_length, "MSG") || is_op(data, op_length, "HMSG"))
        return take_message(rest, feed + 1, data + size, op_length == 4, message_max, frame, used,
                            diag);
    static const struct {
        const char *name;
        enum nats_op op;
    } ops[] = {{"INFO", NATS_INFO},
               {"PING", NATS_PING},
               {"PONG", NATS_PONG},
               {"+OK", NATS_OK},
               {"-ERR", NATS_ERR}};
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        frame->op = ops[i].op;
        if (is_op(data, op_length, ops[i].name))
            return ERR_OK;
    }
    return diag_set(diag, ERR_MALFORMED, "not an operation of NATS");
}

bool
nats_frame_is_no_responders(const struct nats_frame *frame)
{
    static const char status[] = "NATS/1.0 503";
    return frame->payload_size == 0 && frame->headers_size >= strlen(status) &&
           !memcmp(frame->headers, status, strlen(status));
}
