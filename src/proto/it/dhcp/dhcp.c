#include "proto/it/dhcp/dhcp.h"

#include "base/attr.h"

#include <string.h>

#define HEADER_SIZE 236u
#define COOKIE 0x63825363u
#define ETHERNET 1
#define BOOTREQUEST 1
#define BOOTREPLY 2
#define NAME_AT 44u /* sname */
#define NAME_SIZE 64u
#define FILE_AT 108u
#define FILE_SIZE 128u

enum {
    OPTION_PAD = 0,
    OPTION_HOST_NAME = 12,
    OPTION_OVERLOAD = 52,
    OPTION_MESSAGE_TYPE = 53,
    OPTION_FQDN = 81,
    OPTION_RELAY = 82,
    OPTION_END = 255,
};

enum { /* of option 53 */
       DISCOVER = 1,
       OFFER = 2,
       REQUEST = 3,
       DECLINE = 4,
       ACK = 5,
       NAK = 6,
       RELEASE = 7,
       INFORM = 8,
};

enum kind {
    KIND_TEXT,
    KIND_OCTETS,
    KIND_IP,
    KIND_IPS, /* any number of them */
    KIND_U8,
    KIND_U16,
    KIND_U32,
};

static const struct option_desc {
    uint8_t code;
    uint8_t kind; /* enum kind */
    uint16_t field;
    const char *name;
} options[] = {
    {1, KIND_IP, DHCP_MASK, "subnet mask"},
    {3, KIND_IPS, DHCP_ROUTER, "router"},
    {6, KIND_IPS, DHCP_DNS_SERVER, "domain name server"},
    {OPTION_HOST_NAME, KIND_TEXT, DHCP_HOST_NAME, "host name"},
    {15, KIND_TEXT, DHCP_DOMAIN, "domain name"},
    {28, KIND_IP, DHCP_BROADCAST_IP, "broadcast address"},
    {42, KIND_IPS, DHCP_NTP_SERVER, "NTP servers"},
    {43, KIND_OCTETS, DHCP_VENDOR_OPTIONS, "vendor specific information"},
    {50, KIND_IP, DHCP_REQUESTED_IP, "requested IP address"},
    {51, KIND_U32, DHCP_LEASE, "IP address lease time"},
    {OPTION_OVERLOAD, KIND_U8, DHCP_OVERLOAD, "option overload"},
    {54, KIND_IP, DHCP_SERVER_ID, "server identifier"},
    {55, KIND_OCTETS, DHCP_REQUESTED_LIST, "parameter request list"},
    {56, KIND_TEXT, DHCP_MESSAGE, "message"},
    {57, KIND_U16, DHCP_MESSAGE_MAX, "maximum DHCP message size"},
    {58, KIND_U32, DHCP_RENEWAL, "renewal time"},
    {59, KIND_U32, DHCP_REBINDING, "rebinding time"},
    {60, KIND_TEXT, DHCP_VENDOR_CLASS, "vendor class identifier"},
    {61, KIND_OCTETS, DHCP_CLIENT_ID, "client identifier"},
    {66, KIND_TEXT, DHCP_BOOT_SERVER, "TFTP server name"},
    {67, KIND_TEXT, DHCP_BOOT_FILE, "bootfile name"},
    {77, KIND_TEXT, DHCP_USER_CLASS, "user class"},
    {93, KIND_U16, DHCP_ARCHITECTURE, "client system architecture"},
    {97, KIND_OCTETS, DHCP_MACHINE_ID, "client machine identifier"},
    {121, KIND_OCTETS, DHCP_ROUTES, "classless static routes"},
    {252, KIND_TEXT, DHCP_PROXY, "proxy auto-discovery"},
};

/* What is found on the way, and is needed at the end. */
struct reading {
    bool is_reply;
    uint8_t overload;
    uint8_t type;
};

/* ---- Options ---- */

static const struct option_desc *
find_option(uint8_t code)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (options[i].code == code)
            return &options[i];
    }
    return NULL;
}

/* Filled up with zeroes, if the sender likes. */
static void
put_text(struct dissection *d, uint16_t field, const uint8_t *text, size_t size)
{
    while (size && !text[size - 1])
        size--;
    if (size)
        pdu_octets(d, field, 0, text, size);
}

static void
put_number(struct dissection *d, struct cursor *value, uint16_t field, size_t size,
           const char *what)
{
    uint64_t number = 0;
    for (struct cursor part = cursor_split(value, size, what); cursor_left(&part);)
        number = number << 8 | cursor_u8(&part, what);
    if (!value->err)
        pdu_uint(d, field, 0, number);
}

static void
put_known(struct dissection *d, struct cursor *value, const struct option_desc *o, uint16_t field)
{
    size_t n = cursor_left(value);
    switch ((enum kind)o->kind) {
    case KIND_TEXT:
        put_text(d, field, cursor_bytes(value, n, o->name), n);
        break;
    case KIND_OCTETS:
        pdu_octets(d, field, 0, cursor_bytes(value, n, o->name), n);
        break;
    case KIND_IPS:
        while (cursor_left(value))
            put_number(d, value, field, 4, o->name);
        break;
    case KIND_IP:
    case KIND_U32:
        put_number(d, value, field, 4, o->name);
        break;
    case KIND_U8:
        put_number(d, value, field, 1, o->name);
        break;
    case KIND_U16:
        put_number(d, value, field, 2, o->name);
        break;
    }
}

/* RFC 4702: flags, two octets that mean nothing any more, and the name: labels as in DNS if flag E
 * says so; its dots are the lengths of labels then. */
static void
put_fqdn(struct dissection *d, struct cursor *value, bool is_reply)
{
    static const char what[] = "client FQDN";
    put_number(d, value, DHCP_FQDN_FLAGS, 1, what);
    cursor_skip(value, 2, what);
    size_t n = cursor_left(value);
    put_text(d, is_reply ? DHCP_GIVEN_FQDN : DHCP_FQDN, cursor_bytes(value, n, what), n);
}

/* RFC 3046. */
static void
put_relay(struct dissection *d, struct cursor *value)
{
    static const char what[] = "relay agent information";
    while (cursor_left(value)) {
        uint8_t code = cursor_u8(value, what), size = cursor_u8(value, what);
        const uint8_t *octets = cursor_bytes(value, size, what);
        if (code == 1)
            pdu_octets(d, DHCP_CIRCUIT_ID, 0, octets, size);
        else if (code == 2)
            pdu_octets(d, DHCP_REMOTE_ID, 0, octets, size);
        else if (code == 6)
            pdu_octets(d, DHCP_SUBSCRIBER_ID, 0, octets, size);
    }
}

static void
put_option(struct dissection *d, struct cursor *value, uint8_t code, struct reading *r)
{
    const struct option_desc *o = find_option(code);
    if (code == OPTION_MESSAGE_TYPE) {
        r->type = cursor_u8(value, "DHCP message type");
    } else if (code == OPTION_FQDN) {
        put_fqdn(d, value, r->is_reply);
    } else if (code == OPTION_RELAY) {
        put_relay(d, value);
    } else if (o) {
        if (code == OPTION_OVERLOAD && cursor_left(value))
            r->overload = *value->pos;
        bool given = code == OPTION_HOST_NAME && r->is_reply;
        put_known(d, value, o, given ? DHCP_GIVEN_NAME : o->field);
    } else {
        cursor_skip(value, cursor_left(value), "option");
    }
}

/* A value that is not as it should be ends with itself: the options behind it are read. The first
 * of these errors is kept in `*bad`. */
static void
put_options(struct dissection *d, struct cursor *c, struct reading *r, struct cursor *bad)
{
    while (cursor_left(c)) {
        uint8_t code = cursor_u8(c, "option code");
        if (code == OPTION_END)
            break;
        if (code == OPTION_PAD)
            continue;
        uint8_t size = cursor_u8(c, "option length");
        struct cursor value = cursor_split(c, size, "option value");
        if (value.err)
            break;
        put_option(d, &value, code, r);
        if (!value.err && value.pos != value.end)
            cursor_fail(&value, ERR_MALFORMED, "option length");
        if (value.err && !bad->err)
            *bad = value;
    }
}

/* ---- Messages ---- */

static void
put_address(struct dissection *d, struct cursor *c, uint16_t field, uint32_t *address)
{
    *address = cursor_be32(c, "address");
    if (*address)
        pdu_uint(d, field, 0, *address);
}

static void
put_hardware(struct dissection *d, struct cursor *c, uint8_t type, uint8_t size)
{
    const uint8_t *octets = cursor_bytes(c, 16, "chaddr");
    if (size > 16)
        cursor_fail(c, ERR_MALFORMED, "hlen");
    if (c->err || !size)
        return;
    if (type == ETHERNET && size == 6)
        pdu_octets(d, DHCP_CLIENT_MAC, 0, octets, 6);
    else
        pdu_octets(d, DHCP_CLIENT_HARDWARE, 0, octets, size);
}

/* `sname` and `file`: a text, or more options (option 52). */
static void
put_area(struct dissection *d, const struct cursor *message, struct reading *r, struct cursor *bad,
         bool is_file)
{
    size_t at = is_file ? FILE_AT : NAME_AT, size = is_file ? FILE_SIZE : NAME_SIZE;
    struct cursor area = cursor_over(message->start + at, size);
    area.base = message->base + at;
    if (r->overload & (is_file ? 1 : 2)) {
        put_options(d, &area, r, bad);
        if (area.err && !bad->err)
            *bad = area;
    } else {
        const uint8_t *zero = memchr(area.pos, 0, size);
        put_text(d, is_file ? DHCP_FILE : DHCP_SERVER_NAME, area.pos,
                 zero ? (size_t)(zero - area.pos) : size);
    }
}

static bool
is_of_server(uint8_t type)
{
    return type == OFFER || type == ACK || type == NAK || type == 9 || (type >= 11 && type <= 13) ||
           type == 15 || type == 17;
}

static void
finish(struct dissection *d, const struct reading *r, uint32_t client_ip)
{
    struct pdu *p = d->pdu;
    if (r->type) {
        p->function = r->type;
        if (is_of_server(r->type))
            p->kind = r->type == NAK ? PDU_REFUSAL : r->type == 9 ? PDU_REQUEST : PDU_RESPONSE;
    }
    p->info = protocol_function(d->protocol, p->function);
    p->act = p->info ? p->info->act : ACT_OTHER;
    const struct field *wanted = pdu_field(p, DHCP_REQUESTED_IP, 0);
    if (r->is_reply || (r->type != REQUEST && r->type != INFORM))
        return;
    if (client_ip)
        pdu_uint(d, DHCP_SPEAKS_FOR, 0, client_ip);
    else if (wanted && wanted->u)
        pdu_uint(d, DHCP_SPEAKS_FOR, 0, wanted->u);
}

static void
dhcp_dissect(struct dissection *d, struct cursor *c)
{
    struct cursor bad = {.err = ERR_OK};
    struct reading r = {.type = 0};
    uint32_t client_ip, address;
    uint8_t operation = cursor_u8(c, "op"), type = cursor_u8(c, "htype"), n = cursor_u8(c, "hlen");
    uint8_t hops = cursor_u8(c, "hops");
    uint32_t xid = cursor_be32(c, "xid");
    uint16_t seconds = cursor_be16(c, "secs"), flags = cursor_be16(c, "flags");
    if (!c->err && operation != BOOTREQUEST && operation != BOOTREPLY)
        cursor_fail(c, ERR_MALFORMED, "op");
    if (c->err)
        return;
    r.is_reply = operation == BOOTREPLY;
    pdu_begin(d, r.is_reply ? PDU_RESPONSE : PDU_REQUEST, DHCP_BOOTP + operation);
    pdu_uint(d, DHCP_OPERATION, 0, operation);
    pdu_uint(d, DHCP_HARDWARE_TYPE, 0, type);
    pdu_uint(d, DHCP_HOPS, 0, hops);
    pdu_uint(d, DHCP_XID, 0, xid);
    pdu_uint(d, DHCP_SECONDS, 0, seconds);
    pdu_uint(d, DHCP_BROADCAST, 0, flags >> 15);
    put_address(d, c, DHCP_CLIENT_IP, &client_ip);
    put_address(d, c, DHCP_YOUR_IP, &address);
    put_address(d, c, DHCP_NEXT_SERVER, &address);
    put_address(d, c, DHCP_RELAY_IP, &address);
    put_hardware(d, c, type, n);
    cursor_skip(c, NAME_SIZE + FILE_SIZE, "sname and file");
    if (c->err)
        return;
    /* Behind another cookie is what only its vendor knows (RFC 951 section 3). */
    if (cursor_left(c) >= 4 && get_be32(c->pos) == COOKIE) {
        cursor_skip(c, 4, "cookie");
        put_options(d, c, &r, &bad);
    }
    put_area(d, c, &r, &bad, true); /* in this order: RFC 2131 section 4.1 */
    put_area(d, c, &r, &bad, false);
    finish(d, &r, client_ip);
    pdu_end(d, c);
    if (!c->err && bad.err)
        *c = bad;
}

static int
dhcp_looks(const uint8_t *message, size_t size)
{
    if (size < HEADER_SIZE + 4 || message[0] < BOOTREQUEST || message[0] > BOOTREPLY ||
        message[2] > 16)
        return LOOKS_NOT;
    return get_be32(message + HEADER_SIZE) == COOKIE ? LOOKS_SURE : LOOKS_FAINT;
}

/* ---- Tables ---- */

static const struct field_word operations[] = {
    {BOOTREQUEST, "request"}, {BOOTREPLY, "reply"}, {0, NULL}};
static const struct field_word hardwares[] = {{ETHERNET, "ethernet"}, {0, NULL}};
static const struct field_word overloads[] = {
    {1, "file"}, {2, "server-name"}, {3, "both"}, {0, NULL}};

static const struct field_info fields[] = {
    [DHCP_OPERATION] = {"operation", FIELD_UINT, operations, "to a server, or from one"},
    [DHCP_HARDWARE_TYPE] = {"hardware-type", FIELD_UINT, hardwares, "kind of network"},
    [DHCP_HOPS] = {"hops", FIELD_UINT, NULL, "relays that it has passed"},
    [DHCP_XID] = {"xid", FIELD_UINT, NULL, "of one exchange"},
    [DHCP_SECONDS] = {"seconds", FIELD_UINT, NULL, "since the client began"},
    [DHCP_BROADCAST] = {"broadcast", FIELD_BOOL, NULL, "the answer is to go to all"},
    [DHCP_CLIENT_IP] = {"client-ip", FIELD_IPV4, NULL, "that the client has"},
    [DHCP_YOUR_IP] = {"your-ip", FIELD_IPV4, NULL, "that the client is given"},
    [DHCP_NEXT_SERVER] = {"next-server", FIELD_IPV4, NULL, "where it boots from"},
    [DHCP_RELAY_IP] = {"relay-ip", FIELD_IPV4, NULL, "of the relay next to the client"},
    [DHCP_CLIENT_MAC] = {"client-mac", FIELD_MAC, NULL, "of the client"},
    [DHCP_CLIENT_HARDWARE] = {"client-hardware", FIELD_OCTETS, NULL, "an address of another kind"},
    [DHCP_SERVER_NAME] = {"server-name", FIELD_TEXT, NULL, "of the server"},
    [DHCP_FILE] = {"file", FIELD_TEXT, NULL, "that the client boots"},
    [DHCP_OVERLOAD] = {"overload", FIELD_UINT, overloads, "where more options are"},
    [DHCP_HOST_NAME] = {"host-name", FIELD_TEXT, NULL, "of the client, as it says"},
    [DHCP_GIVEN_NAME] = {"given-name", FIELD_TEXT, NULL, "of the client, as the server says"},
    [DHCP_VENDOR_CLASS] = {"vendor-class", FIELD_TEXT, NULL, "what kind of client it is"},
    [DHCP_USER_CLASS] = {"user-class", FIELD_TEXT, NULL, "whose client it is"},
    [DHCP_CLIENT_ID] = {"client-id", FIELD_OCTETS, NULL, "kind, then identifier"},
    [DHCP_FQDN_FLAGS] = {"fqdn-flags", FIELD_UINT, NULL, "who updates DNS"},
    [DHCP_FQDN] = {"fqdn", FIELD_TEXT, NULL, "full name, as the client says"},
    [DHCP_GIVEN_FQDN] = {"given-fqdn", FIELD_TEXT, NULL, "full name, as the server says"},
    [DHCP_REQUESTED_IP] = {"requested-ip", FIELD_IPV4, NULL, "that the client wants"},
    [DHCP_REQUESTED_LIST] = {"requested-list", FIELD_OCTETS, NULL, "options that it wants"},
    [DHCP_VENDOR_OPTIONS] = {"vendor-options", FIELD_OCTETS, NULL, "only the vendor knows"},
    [DHCP_SERVER_ID] = {"server-id", FIELD_IPV4, NULL, "which server"},
    [DHCP_LEASE] = {"lease", FIELD_UINT, NULL, "seconds"},
    [DHCP_RENEWAL] = {"renewal", FIELD_UINT, NULL, "seconds"},
    [DHCP_REBINDING] = {"rebinding", FIELD_UINT, NULL, "seconds"},
    [DHCP_MESSAGE] = {"message", FIELD_TEXT, NULL, "why not"},
    [DHCP_MESSAGE_MAX] = {"message-max", FIELD_UINT, NULL, "octets that the sender takes"},
    [DHCP_MASK] = {"mask", FIELD_IPV4, NULL, "of the network"},
    [DHCP_BROADCAST_IP] = {"broadcast-ip", FIELD_IPV4, NULL, "of the network"},
    [DHCP_ROUTER] = {"router", FIELD_IPV4, NULL, "out of the network"},
    [DHCP_DNS_SERVER] = {"dns-server", FIELD_IPV4, NULL, "for names"},
    [DHCP_NTP_SERVER] = {"ntp-server", FIELD_IPV4, NULL, "for time"},
    [DHCP_DOMAIN] = {"domain", FIELD_TEXT, NULL, "of the network"},
    [DHCP_BOOT_SERVER] = {"boot-server", FIELD_TEXT, NULL, "for TFTP"},
    [DHCP_BOOT_FILE] = {"boot-file", FIELD_TEXT, NULL, "that the client boots"},
    [DHCP_ROUTES] = {"routes", FIELD_OCTETS, NULL, "RFC 3442"},
    [DHCP_PROXY] = {"proxy", FIELD_TEXT, NULL, "where the proxy's settings are"},
    [DHCP_ARCHITECTURE] = {"architecture", FIELD_UINT, NULL, "of what boots (RFC 4578)"},
    [DHCP_MACHINE_ID] = {"machine-id", FIELD_OCTETS, NULL, "kind, then UUID"},
    [DHCP_CIRCUIT_ID] = {"circuit-id", FIELD_OCTETS, NULL, "port of the relay"},
    [DHCP_REMOTE_ID] = {"remote-id", FIELD_OCTETS, NULL, "who is behind it"},
    [DHCP_SUBSCRIBER_ID] = {"subscriber-id", FIELD_OCTETS, NULL, "who is behind it"},
    [DHCP_SPEAKS_FOR] = {"speaks-for", FIELD_IPV4, NULL, "the sender has it, or asks for it"},
};

static const struct function_info functions[] = {
    {DISCOVER, "discover", ACT_LINK},
    {OFFER, "offer", ACT_LINK},
    {REQUEST, "request", ACT_LINK},
    {DECLINE, "decline", ACT_LINK},
    {ACK, "ack", ACT_LINK},
    {NAK, "nak", ACT_LINK},
    {RELEASE, "release", ACT_LINK},
    {INFORM, "inform", ACT_LINK},
    {9, "force-renew", ACT_CONFIGURE},
    {10, "lease-query", ACT_BROWSE},
    {11, "lease-unassigned", ACT_BROWSE},
    {12, "lease-unknown", ACT_BROWSE},
    {13, "lease-active", ACT_BROWSE},
    {14, "bulk-lease-query", ACT_BROWSE},
    {15, "lease-query-done", ACT_BROWSE},
    {16, "active-lease-query", ACT_BROWSE},
    {17, "lease-query-status", ACT_BROWSE},
    {18, "tls", ACT_LINK},
    {DHCP_BOOTP + BOOTREQUEST, "bootp-request", ACT_LINK},
    {DHCP_BOOTP + BOOTREPLY, "bootp-reply", ACT_LINK},
};

static const uint16_t ports[] = {67, 68, 4011, 0};

const struct protocol dhcp_protocol = {
    .name = "dhcp",
    .title = "DHCP",
    .source = "RFC 951, RFC 2131, RFC 2132, RFC 3046, RFC 4702",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_UDP,
    .ports = ports,
    .asker_tells = true,
    .has_subject = true,
    .subject = DHCP_SPEAKS_FOR,
    .looks = dhcp_looks,
    .dissect = dhcp_dissect,
};
