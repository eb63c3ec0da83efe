#include "proto/bgpls/bgp.h"

#include "base/cursor.h"

#include <stdio.h>

enum {
    PARAMETER_CAPABILITIES = 2,
    PARAMETERS_EXTENDED = 255, /* RFC 9072 section 2 */
    GR_RESTARTED = 0x8,        /* of four bits */
    GR_NOTIFICATION = 0x4,
    GR_FORWARDING = 0x80,
    COMMUNICATION_MAX = 255,
};

/* ---- errors */

static const char *const code_names[] = {
    [BGP_ERR_HEADER] = "Message Header Error",
    [BGP_ERR_OPEN] = "OPEN Message Error",
    [BGP_ERR_UPDATE] = "UPDATE Message Error",
    [BGP_ERR_HOLD_TIMER] = "Hold Timer Expired",
    [BGP_ERR_FSM] = "Finite State Machine Error",
    [BGP_ERR_CEASE] = "Cease",
    [BGP_ERR_ROUTE_REFRESH] = "ROUTE-REFRESH Message Error",
};

static const struct {
    uint8_t code, subcode;
    const char *name, *ref;
} subcode_names[] = {
    {1, 1, "Connection Not Synchronized", "RFC 4271 6.1"},
    {1, 2, "Bad Message Length", "RFC 4271 6.1"},
    {1, 3, "Bad Message Type", "RFC 4271 6.1"},
    {2, 1, "Unsupported Version Number", "RFC 4271 6.2"},
    {2, 2, "Bad Peer AS", "RFC 4271 6.2"},
    {2, 3, "Bad BGP Identifier", "RFC 4271 6.2"},
    {2, 4, "Unsupported Optional Parameter", "RFC 4271 6.2"},
    {2, 6, "Unacceptable Hold Time", "RFC 4271 6.2"},
    {2, 7, "Unsupported Capability", "RFC 5492 5"},
    {2, 11, "Role Mismatch", "RFC 9234 4.2"},
    {3, 1, "Malformed Attribute List", "RFC 4271 6.3"},
    {3, 2, "Unrecognized Well-known Attribute", "RFC 4271 6.3"},
    {3, 3, "Missing Well-known Attribute", "RFC 4271 6.3"},
    {3, 4, "Attribute Flags Error", "RFC 4271 6.3"},
    {3, 5, "Attribute Length Error", "RFC 4271 6.3"},
    {3, 6, "Invalid ORIGIN Attribute", "RFC 4271 6.3"},
    {3, 8, "Invalid NEXT_HOP Attribute", "RFC 4271 6.3"},
    {3, 9, "Optional Attribute Error", "RFC 4271 6.3"},
    {3, 10, "Invalid Network Field", "RFC 4271 6.3"},
    {3, 11, "Malformed AS_PATH", "RFC 4271 6.3"},
    {5, 1, "Receive Unexpected Message in OpenSent State", "RFC 6608 3"},
    {5, 2, "Receive Unexpected Message in OpenConfirm State", "RFC 6608 3"},
    {5, 3, "Receive Unexpected Message in Established State", "RFC 6608 3"},
    {6, 1, "Maximum Number of Prefixes Reached", "RFC 4486 4"},
    {6, 2, "Administrative Shutdown", "RFC 4486 4"},
    {6, 3, "Peer De-configured", "RFC 4486 4"},
    {6, 4, "Administrative Reset", "RFC 4486 4"},
    {6, 5, "Connection Rejected", "RFC 4486 4"},
    {6, 6, "Other Configuration Change", "RFC 4486 4"},
    {6, 7, "Connection Collision Resolution", "RFC 4486 4"},
    {6, 8, "Out of Resources", "RFC 4486 4"},
    {6, 9, "Hard Reset", "RFC 8538 3.1"},
    {6, 10, "BFD Down", "RFC 9384 3"},
    {7, 1, "Invalid Message Length", "RFC 7313 5"},
};

enum err
bgp_error_set(struct bgp_error *error, uint8_t code, uint8_t subcode, const void *data, size_t size)
{
    *error = (struct bgp_error){
        .code = code, .subcode = subcode, .size = (uint16_t)MIN(size, BGP_ERROR_DATA_MAX)};
    if (error->size)
        memcpy(error->data, data, error->size);
    return ERR_MALFORMED;
}

static const char *
subcode_name(uint8_t code, uint8_t subcode)
{
    for (size_t i = 0; i < ARRAY_SIZE(subcode_names); i++)
        if (subcode_names[i].code == code && subcode_names[i].subcode == subcode)
            return subcode_names[i].name;
    return NULL;
}

void
bgp_error_print(const struct bgp_error *error, struct buf *out)
{
    char words[BGP_COMMUNICATION_TEXT];
    const char *code = error->code < ARRAY_SIZE(code_names) ? code_names[error->code] : NULL;
    const char *subcode = subcode_name(error->code, error->subcode);
    if (code)
        buf_str(out, code);
    else
        buf_printf(out, "error %u", error->code);
    if (subcode)
        buf_printf(out, ": %s", subcode);
    else if (error->subcode)
        buf_printf(out, ": subcode %u", error->subcode);
    if (*bgp_error_communication(error, words))
        buf_printf(out, " (\"%s\")", words);
}

/* The octets of its words; 0: none. A length that is not that of the data is no reason to doubt
 * the rest (RFC 9003 section 4). */
static size_t
communication(const struct bgp_error *error)
{
    bool administrator = error->code == BGP_ERR_CEASE && (error->subcode == BGP_CEASE_SHUTDOWN ||
                                                          error->subcode == BGP_CEASE_RESET);
    if (!administrator || error->size < 1 || error->data[0] > error->size - 1)
        return 0;
    return error->data[0];
}

char *
bgp_error_communication(const struct bgp_error *error, char text[BGP_COMMUNICATION_TEXT])
{
    size_t n = communication(error), at = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = error->data[1 + i];
        if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
            at += (size_t)snprintf(text + at, 5, "\\%03o", c);
        else
            text[at++] = (char)c;
    }
    text[at] = '\0';
    return text;
}

void
bgp_error_set_communication(struct bgp_error *error, const char *words)
{
    size_t size = strlen(words);
    if (size > COMMUNICATION_MAX) {
        size = COMMUNICATION_MAX;
        while (size && ((uint8_t)words[size] & 0xc0) == 0x80) /* not within a character */
            size--;
    }
    error->data[0] = (uint8_t)size;
    memcpy(error->data + 1, words, size);
    error->size = (uint16_t)(size + 1);
}

/* ---- framing */

static const struct {
    const char *name;
    size_t min, max; /* RFC 4271 section 6.1; OPEN and KEEPALIVE are never longer (RFC 8654 4) */
} types[] = {
    [BGP_OPEN] = {"OPEN", 29, BGP_SIZE_MAX},
    [BGP_UPDATE] = {"UPDATE", 23, BGP_EXTENDED_SIZE_MAX},
    [BGP_NOTIFICATION] = {"NOTIFICATION", 21, BGP_EXTENDED_SIZE_MAX},
    [BGP_KEEPALIVE] = {"KEEPALIVE", BGP_HEADER_SIZE, BGP_HEADER_SIZE},
    [BGP_ROUTE_REFRESH] = {"ROUTE-REFRESH", 23, BGP_EXTENDED_SIZE_MAX},
};

const char *
bgp_type_name(uint8_t type)
{
    return type >= BGP_OPEN && type < ARRAY_SIZE(types) ? types[type].name : "?";
}

enum err
bgp_frame(const uint8_t *data, size_t available, size_t limit, size_t *size,
          struct bgp_error *error)
{
    for (size_t i = 0; i < MIN(available, 16); i++)
        if (data[i] != 0xff)
            return bgp_error_set(error, BGP_ERR_HEADER, BGP_HEADER_NOT_SYNCHRONIZED, NULL, 0);
    if (available < BGP_HEADER_SIZE)
        return ERR_TRUNCATED;
    size_t length = get_be16(data + 16);
    uint8_t type = data[18];
    if (length < BGP_HEADER_SIZE || length > limit)
        return bgp_error_set(error, BGP_ERR_HEADER, BGP_HEADER_BAD_LENGTH, data + 16, 2);
    if (type < BGP_OPEN || type >= ARRAY_SIZE(types))
        return bgp_error_set(error, BGP_ERR_HEADER, BGP_HEADER_BAD_TYPE, &type, 1);
    if (length < types[type].min || length > types[type].max)
        return bgp_error_set(error, BGP_ERR_HEADER, BGP_HEADER_BAD_LENGTH, data + 16, 2);
    if (length > available)
        return ERR_TRUNCATED;
    *size = length;
    return ERR_OK;
}

size_t
bgp_message_begin(struct buf *out, enum bgp_type type)
{
    size_t begin = out->size;
    uint8_t *header = buf_reserve(out, BGP_HEADER_SIZE);
    if (header) {
        memset(header, 0xff, 16);
        header[18] = (uint8_t)type;
    }
    return begin;
}

void
bgp_message_end(struct buf *out, size_t begin)
{
    buf_patch_be16(out, begin + 16, (uint16_t)(out->size - begin));
}

/* ---- OPEN */

static void
read_restart(struct cursor *in, struct bgp_open *open)
{
    uint16_t flags_and_time = cursor_be16(in, "Restart Flags and Time");
    open->graceful_restart = !in->err;
    open->restarting = flags_and_time >> 12 & GR_RESTARTED;
    open->graceful_notification = flags_and_time >> 12 & GR_NOTIFICATION;
    open->restart_time = flags_and_time & BGP_RESTART_TIME_MAX;
    while (cursor_left(in)) {
        uint16_t afi = cursor_be16(in, "Restart AFI");
        uint8_t safi = cursor_u8(in, "Restart SAFI");
        uint8_t flags = cursor_u8(in, "Restart AFI Flags");
        if (!in->err && afi == BGP_AFI_LS && safi == BGP_SAFI_LS) {
            open->restart_link_state = true;
            open->forwarding_preserved = flags & GR_FORWARDING;
        }
    }
}

static void
read_family(struct cursor *in, struct bgp_open *open)
{
    uint16_t afi = cursor_be16(in, "AFI");
    cursor_skip(in, 1, "Reserved");
    uint8_t safi = cursor_u8(in, "SAFI");
    open->link_state |= !in->err && afi == BGP_AFI_LS && safi == BGP_SAFI_LS;
}

static void
read_capability(uint8_t code, struct cursor *in, struct bgp_open *open)
{
    switch (code) {
    case BGP_CAP_MULTIPROTOCOL:
        read_family(in, open);
        break;
    case BGP_CAP_ROUTE_REFRESH:
        open->route_refresh = true;
        break;
    case BGP_CAP_EXTENDED_MESSAGE:
        open->extended_message = true;
        break;
    case BGP_CAP_GRACEFUL_RESTART:
        read_restart(in, open);
        break;
    case BGP_CAP_FOUR_OCTET_AS:
        open->as = cursor_be32(in, "AS Number");
        open->four_octet_as = true;
        break;
    case BGP_CAP_ENHANCED_REFRESH:
        open->enhanced_refresh = true;
        break;
    default:
        cursor_skip(in, cursor_left(in), "Capability Value");
    }
}

static void
read_capabilities(struct cursor *in, struct bgp_open *open)
{
    while (cursor_left(in)) {
        uint8_t code = cursor_u8(in, "Capability Code");
        uint8_t size = cursor_u8(in, "Capability Length");
        struct cursor value = cursor_split(in, size, "Capability Value");
        open->capabilities = true;
        read_capability(code, &value, open);
        cursor_join(in, &value);
    }
}

/* The parameters, whose form depends on the first two octets of them (RFC 9072 section 2). */
static enum err
read_parameters(struct cursor *in, struct bgp_open *open, struct bgp_error *error)
{
    size_t size = cursor_u8(in, "Opt Parm Len");
    bool extended = size && cursor_left(in) && in->pos[0] == PARAMETERS_EXTENDED;
    if (extended) {
        cursor_skip(in, 1, "Non-Ext OP Type");
        size = cursor_be16(in, "Extended Opt Parm Length");
    }
    struct cursor parameters = cursor_split(in, size, "Optional Parameters");
    while (cursor_left(&parameters)) {
        uint8_t type = cursor_u8(&parameters, "Parm Type");
        size_t length = extended ? cursor_be16(&parameters, "Parm Length")
                                 : cursor_u8(&parameters, "Parm Length");
        struct cursor value = cursor_split(&parameters, length, "Parm Value");
        if (!parameters.err && type != PARAMETER_CAPABILITIES)
            return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_PARAMETER, NULL, 0);
        read_capabilities(&value, open);
        cursor_join(&parameters, &value);
    }
    cursor_join(in, &parameters);
    if (in->err || cursor_left(in)) /* recognised, but malformed: unspecific (RFC 4271 6.2) */
        return bgp_error_set(error, BGP_ERR_OPEN, 0, NULL, 0);
    return ERR_OK;
}

enum err
bgp_open_decode(const uint8_t *body, size_t size, struct bgp_open *out, struct bgp_error *error)
{
    struct bgp_open open = {0};
    struct cursor in = cursor_over(body, size);
    uint8_t version = cursor_u8(&in, "Version");
    if (version != 4)
        return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_VERSION, "\0\4", 2);
    uint16_t as = cursor_be16(&in, "My Autonomous System");
    open.as = as;
    open.hold_time = cursor_be16(&in, "Hold Time");
    open.identifier = cursor_be32(&in, "BGP Identifier");
    enum err err = read_parameters(&in, &open, error);
    if (err)
        return err;
    if (!open.as) /* RFC 7607 section 2 */
        return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_PEER_AS, NULL, 0);
    if (open.hold_time == 1 || open.hold_time == 2)
        return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_HOLD_TIME, NULL, 0);
    if (!open.identifier) /* RFC 6286 section 2.1 */
        return bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_BAD_IDENTIFIER, NULL, 0);
    *out = open;
    return ERR_OK;
}

static void
put_family(struct buf *out)
{
    buf_u8(out, BGP_CAP_MULTIPROTOCOL);
    buf_u8(out, 4);
    buf_be16(out, BGP_AFI_LS);
    buf_u8(out, 0);
    buf_u8(out, BGP_SAFI_LS);
}

static void
put_restart(const struct bgp_open *open, struct buf *out)
{
    unsigned flags = (open->restarting ? GR_RESTARTED : 0u) |
                     (open->graceful_notification ? GR_NOTIFICATION : 0u);
    buf_u8(out, BGP_CAP_GRACEFUL_RESTART);
    buf_u8(out, open->restart_link_state ? 6 : 2);
    buf_be16(out, (uint16_t)(flags << 12 | (open->restart_time & BGP_RESTART_TIME_MAX)));
    if (!open->restart_link_state)
        return;
    buf_be16(out, BGP_AFI_LS);
    buf_u8(out, BGP_SAFI_LS);
    buf_u8(out, open->forwarding_preserved ? GR_FORWARDING : 0);
}

static void
put_empty(bool wanted, enum bgp_capability code, struct buf *out)
{
    if (!wanted)
        return;
    buf_u8(out, (uint8_t)code);
    buf_u8(out, 0);
}

void
bgp_open_encode(const struct bgp_open *open, struct buf *out)
{
    size_t begin = bgp_message_begin(out, BGP_OPEN);
    buf_u8(out, 4);
    buf_be16(out, open->as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)open->as);
    buf_be16(out, open->hold_time);
    buf_be32(out, open->identifier);
    size_t lengths = out->size;
    buf_u8(out, 0); /* of all parameters, then the one: at most 40 octets */
    buf_u8(out, PARAMETER_CAPABILITIES);
    buf_u8(out, 0);
    put_family(out);
    put_empty(open->route_refresh, BGP_CAP_ROUTE_REFRESH, out);
    put_empty(open->extended_message, BGP_CAP_EXTENDED_MESSAGE, out);
    if (open->graceful_restart)
        put_restart(open, out);
    buf_u8(out, BGP_CAP_FOUR_OCTET_AS);
    buf_u8(out, 4);
    buf_be32(out, open->as);
    put_empty(open->enhanced_refresh, BGP_CAP_ENHANCED_REFRESH, out);
    if (buf_err(out))
        return;
    out->data[lengths] = (uint8_t)(out->size - lengths - 1);
    out->data[lengths + 2] = (uint8_t)(out->size - lengths - 3);
    bgp_message_end(out, begin);
}

void
bgp_open_print(const struct bgp_open *open, struct buf *out)
{
    buf_printf(out, "AS %u, identifier %u.%u.%u.%u, hold time %u s", open->as,
               open->identifier >> 24, open->identifier >> 16 & 255, open->identifier >> 8 & 255,
               open->identifier & 255, open->hold_time);
    static const struct {
        size_t offset;
        const char *name;
    } flags[] = {
        {offsetof(struct bgp_open, link_state), "link state"},
        {offsetof(struct bgp_open, four_octet_as), "four-octet AS"},
        {offsetof(struct bgp_open, route_refresh), "route refresh"},
        {offsetof(struct bgp_open, enhanced_refresh), "enhanced route refresh"},
        {offsetof(struct bgp_open, extended_message), "extended messages"},
        {offsetof(struct bgp_open, graceful_restart), "graceful restart"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
        if (*(const bool *)((const char *)open + flags[i].offset))
            buf_printf(out, ", %s", flags[i].name);
    if (open->graceful_restart)
        buf_printf(out, " %u s%s%s%s%s", open->restart_time, open->restarting ? " restarting" : "",
                   open->graceful_notification ? " notification" : "",
                   open->restart_link_state ? " link state" : "",
                   open->forwarding_preserved ? " preserved" : "");
}

void
bgp_error_set_missing_family(struct bgp_error *error)
{
    struct buf capability = BUF_INIT;
    put_family(&capability);
    (void)bgp_error_set(error, BGP_ERR_OPEN, BGP_OPEN_UNSUPPORTED_CAPABILITY, capability.data,
                        capability.size);
    buf_fini(&capability);
}

/* ---- the small ones */

void
bgp_notification_decode(const uint8_t *body, size_t size, struct bgp_error *error)
{
    struct cursor in = cursor_over(body, size);
    uint8_t code = cursor_u8(&in, "Error code"), subcode = cursor_u8(&in, "Error subcode");
    size_t left = cursor_left(&in);
    (void)bgp_error_set(error, code, subcode, cursor_bytes(&in, left, "Data"), left);
}

void
bgp_notification_encode(const struct bgp_error *error, struct buf *out)
{
    size_t begin = bgp_message_begin(out, BGP_NOTIFICATION);
    buf_u8(out, error->code);
    buf_u8(out, error->subcode);
    buf_put(out, error->data, error->size);
    bgp_message_end(out, begin);
}

void
bgp_keepalive_encode(struct buf *out)
{
    bgp_message_end(out, bgp_message_begin(out, BGP_KEEPALIVE));
}

enum err
bgp_refresh_decode(const uint8_t *body, size_t size, enum bgp_refresh *subtype)
{
    struct cursor in = cursor_over(body, size);
    uint16_t afi = cursor_be16(&in, "AFI");
    uint8_t value = cursor_u8(&in, "Message Subtype");
    uint8_t safi = cursor_u8(&in, "SAFI");
    if (in.err || afi != BGP_AFI_LS || safi != BGP_SAFI_LS || value > BGP_REFRESH_END)
        return ERR_UNSUPPORTED;
    *subtype = value;
    return ERR_OK;
}

void
bgp_refresh_encode(enum bgp_refresh subtype, struct buf *out)
{
    size_t begin = bgp_message_begin(out, BGP_ROUTE_REFRESH);
    buf_be16(out, BGP_AFI_LS);
    buf_u8(out, (uint8_t)subtype);
    buf_u8(out, BGP_SAFI_LS);
    bgp_message_end(out, begin);
}
