#include "proto/it/tftp/tftp.h"

#include "base/attr.h"

#include <string.h>
#include <strings.h>

enum opcode {
    READ_REQUEST = 1,
    WRITE_REQUEST,
    DATA,
    ACKNOWLEDGE,
    ERROR,
    OPTION_ACKNOWLEDGE,
};

#define BLOCK_MAX 65464u /* RFC 2348 */

/* Up to its zero octet, which is not of it. */
static const uint8_t *
text(struct cursor *c, size_t *size, const char *what)
{
    const uint8_t *zero = cursor_left(c) ? memchr(c->pos, 0, cursor_left(c)) : NULL;
    if (!zero) {
        cursor_fail(c, ERR_TRUNCATED, what);
        return NULL;
    }
    *size = (size_t)(zero - c->pos);
    const uint8_t *octets = cursor_bytes(c, *size, what);
    cursor_skip(c, 1, what);
    return octets;
}

static void
put_text(struct dissection *d, struct cursor *c, uint16_t field, uint16_t object, const char *what)
{
    size_t size = 0;
    const uint8_t *octets = text(c, &size, what);
    pdu_octets(d, field, object, octets, size);
}

static void
put_options(struct dissection *d, struct cursor *c)
{
    while (cursor_left(c) && d->pdu->n_objects < UINT16_MAX) {
        uint16_t object = (uint16_t)++d->pdu->n_objects;
        put_text(d, c, TFTP_OPTION, object, "option");
        put_text(d, c, TFTP_VALUE, object, "value");
    }
}

static enum pdu_kind
kind_of(uint16_t opcode)
{
    switch (opcode) {
    case READ_REQUEST:
    case WRITE_REQUEST:
        return PDU_REQUEST;
    case DATA:
        return PDU_REPORT;
    case ERROR:
        return PDU_REFUSAL;
    case OPTION_ACKNOWLEDGE:
        return PDU_RESPONSE;
    default:
        return PDU_LINK;
    }
}

static void
tftp_dissect(struct dissection *d, struct cursor *c)
{
    uint16_t opcode = cursor_be16(c, "opcode");
    if (!c->err && (opcode < READ_REQUEST || opcode > OPTION_ACKNOWLEDGE))
        cursor_fail(c, ERR_MALFORMED, "opcode");
    if (c->err)
        return;
    pdu_begin(d, kind_of(opcode), opcode);
    switch (opcode) {
    case READ_REQUEST:
    case WRITE_REQUEST:
        put_text(d, c, TFTP_FILE, 0, "file name");
        put_text(d, c, TFTP_MODE, 0, "mode");
        put_options(d, c);
        break;
    case OPTION_ACKNOWLEDGE:
        put_options(d, c);
        break;
    case ERROR:
        d->pdu->error = cursor_be16(c, "error code");
        put_text(d, c, TFTP_MESSAGE, 0, "error message");
        break;
    default: {
        uint16_t block = cursor_be16(c, "block");
        if (c->err)
            break;
        pdu_uint(d, TFTP_BLOCK, 0, block);
        if (opcode == DATA) {
            size_t size = cursor_left(c);
            pdu_uint(d, TFTP_SIZE, 0, size);
            const struct file_part content = {
                .octets = cursor_bytes(c, size, "data"), .size = size, .block = block};
            if (d->content && block)
                d->content(d->arg, &content);
        }
        if (cursor_left(c))
            cursor_fail(c, ERR_MALFORMED, "trailing octets");
    }
    }
    pdu_end(d, c);
}

static bool
is_mode(const uint8_t *octets, size_t size)
{
    static const char *const modes[] = {"octet", "netascii", "mail"};
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (size == strlen(modes[i]) && !strncasecmp((const char *)octets, modes[i], size))
            return true;
    }
    return false;
}

/* RFC 2348, RFC 2349, RFC 7440. */
static bool
is_option(const uint8_t *octets, size_t size)
{
    static const char *const names[] = {"blksize", "tsize", "timeout", "windowsize"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (size > strlen(names[i]) && !octets[strlen(names[i])] &&
            !strncasecmp((const char *)octets, names[i], strlen(names[i])))
            return true;
    }
    return false;
}

/* A server answers from another port than 69, where little is fixed: options tell it there, or
 * two blocks of the usual size. */
static int
tftp_looks(const uint8_t *message, size_t size)
{
    struct cursor c = cursor_over(message, size);
    uint16_t opcode = cursor_be16(&c, "opcode");
    size_t n = 0;
    const uint8_t *octets;
    switch (opcode) {
    case READ_REQUEST:
    case WRITE_REQUEST:
        if (!(octets = text(&c, &n, "file name")) || !n)
            return LOOKS_NOT;
        for (size_t i = 0; i < n; i++) {
            if (octets[i] < ' ')
                return LOOKS_NOT;
        }
        octets = text(&c, &n, "mode");
        return octets && is_mode(octets, n) ? LOOKS_SURE : LOOKS_NOT;
    case DATA:
        if (size == 516) /* 512 of data, unless options say something else */
            return LOOKS_LIKE;
        return size >= 4 && size <= BLOCK_MAX + 4 ? LOOKS_FAINT : LOOKS_NOT;
    case ACKNOWLEDGE:
        return size == 4 ? LOOKS_FAINT : LOOKS_NOT;
    case ERROR:
        return size > 4 && get_be16(message + 2) <= 8 && !message[size - 1] ? LOOKS_FAINT
                                                                            : LOOKS_NOT;
    case OPTION_ACKNOWLEDGE:
        if (size <= 4 || message[size - 1])
            return LOOKS_NOT;
        return is_option(message + 2, size - 2) ? LOOKS_SURE : LOOKS_FAINT;
    default:
        return LOOKS_NOT;
    }
}

static const struct field_info fields[] = {
    [TFTP_FILE] = {"file", FIELD_TEXT, NULL, "name"},
    [TFTP_MODE] = {"mode", FIELD_TEXT, NULL, "octet, netascii"},
    [TFTP_BLOCK] = {"block", FIELD_UINT, NULL, "from 1"},
    [TFTP_SIZE] = {"size", FIELD_UINT, NULL, "octets of the block"},
    [TFTP_MESSAGE] = {"message", FIELD_TEXT, NULL, "what is wrong"},
    [TFTP_OPTION] = {"option", FIELD_TEXT, NULL, "name"},
    [TFTP_VALUE] = {"value", FIELD_TEXT, NULL, "of the option"},
};

static const struct function_info functions[] = {
    {READ_REQUEST, "read", ACT_UPLOAD}, {WRITE_REQUEST, "write", ACT_DOWNLOAD},
    {DATA, "data", ACT_OTHER},          {ACKNOWLEDGE, "acknowledge", ACT_LINK},
    {ERROR, "error", ACT_OTHER},        {OPTION_ACKNOWLEDGE, "option-acknowledge", ACT_LINK},
};

static const struct field_word errors[] = {
    {1, "file-not-found"},    {2, "access-violation"}, {3, "disk-full"},
    {4, "illegal-operation"}, {5, "unknown-transfer"}, {6, "file-exists"},
    {7, "no-such-user"},      {8, "option"},           {0, NULL}};

static const uint16_t ports[] = {69, 0};

const struct protocol tftp_protocol = {
    .name = "tftp",
    .title = "TFTP",
    .source = "RFC 1350, RFC 2347, RFC 2348, RFC 2349, RFC 7440",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_UDP,
    .ports = ports,
    .errors = errors,
    .looks = tftp_looks,
    .dissect = tftp_dissect,
};
