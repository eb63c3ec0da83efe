#include "proto/lldp/lldp_protocol.h"

#include "base/attr.h"

enum {
    TLV_END = 0,
    TLV_CHASSIS_ID = 1,
    TLV_PORT_ID = 2,
    TLV_TTL = 3,
    TLV_MANAGEMENT_ADDRESS = 8,
    TLV_ORGANISATION = 127,
};

#define FAMILY_IPV4 1 /* IANA address family numbers */
#define FAMILY_MAC 6

/* Those of an organisation, by OUI and subtype, behind the plain types. */
#define ORGANISATION(oui, subtype) (0x100000000u + ((uint64_t)(oui) << 8 | (subtype)))
#define IEEE_802_1 0x0080c2
#define IEEE_802_3 0x00120f
#define TIA 0x0012bb
#define PNO 0x000ecf
#define VLAN_NAME ORGANISATION(IEEE_802_1, 3)

/* What is in a TLV, as a letter for each part, with fields one behind the other:
 *   b, h number of one or two octets     m MAC address     u UUID     t text     _ an octet to skip
 * What is behind them is to be ignored (clause 9.2.7.7.2). */
static const struct tlv_desc {
    uint64_t id;
    const char *parts;
    uint16_t field;
    const char *name;
} tlvs[] = {
    {TLV_TTL, "h", LLDP_TTL, "TTL"},
    {4, "t", LLDP_PORT_DESCRIPTION, "port description"},
    {5, "t", LLDP_SYSTEM_NAME, "system name"},
    {6, "t", LLDP_SYSTEM_DESCRIPTION, "system description"},
    {7, "hh", LLDP_CAPABILITIES, "system capabilities"},
    {ORGANISATION(IEEE_802_1, 1), "h", LLDP_PVID, "port VLAN ID"},
    {ORGANISATION(IEEE_802_3, 1), "___h", LLDP_MAU_TYPE, "MAC/PHY configuration"},
    {ORGANISATION(IEEE_802_3, 4), "h", LLDP_MAX_FRAME, "maximum frame size"},
    {ORGANISATION(TIA, 1), "hb", LLDP_MED_CAPABILITIES, "LLDP-MED capabilities"},
    {ORGANISATION(TIA, 5), "t", LLDP_HARDWARE, "hardware revision"},
    {ORGANISATION(TIA, 6), "t", LLDP_FIRMWARE, "firmware revision"},
    {ORGANISATION(TIA, 7), "t", LLDP_SOFTWARE, "software revision"},
    {ORGANISATION(TIA, 8), "t", LLDP_SERIAL, "serial number"},
    {ORGANISATION(TIA, 9), "t", LLDP_MANUFACTURER, "manufacturer name"},
    {ORGANISATION(TIA, 10), "t", LLDP_MODEL, "model name"},
    {ORGANISATION(TIA, 11), "t", LLDP_ASSET, "asset ID"},
    {ORGANISATION(PNO, 2), "hh", LLDP_RTC2_STATUS, "LLDP_PNIO_PORTSTATUS"},
    {ORGANISATION(PNO, 3), "t", LLDP_ALIAS, "LLDP_PNIO_ALIAS"},
    {ORGANISATION(PNO, 4), "uh", LLDP_MRP_DOMAIN, "LLDP_PNIO_MRPPORTSTATUS"},
    {ORGANISATION(PNO, 5), "m", LLDP_STATION_MAC, "LLDP_PNIO_CHASSIS_MAC"},
    {ORGANISATION(PNO, 6), "mu", LLDP_PTCP_MASTER, "LLDP_PNIO_PTCPSTATUS"},
};

static const struct tlv_desc *
find_tlv(uint64_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(tlvs); i++) {
        if (tlvs[i].id == id)
            return &tlvs[i];
    }
    return NULL;
}

/* ---- Values ---- */

static void
put_number(struct dissection *d, struct cursor *c, uint16_t field, uint16_t object, size_t size,
           const char *what)
{
    uint64_t value = 0;
    for (struct cursor part = cursor_split(c, size, what); cursor_left(&part);)
        value = value << 8 | cursor_u8(&part, what);
    if (!c->err)
        pdu_uint(d, field, object, value);
}

static void
put_octets(struct dissection *d, struct cursor *c, uint16_t field, uint16_t object, size_t size,
           const char *what)
{
    pdu_octets(d, field, object, cursor_bytes(c, size, what), size);
}

static void
put_known(struct dissection *d, struct cursor *value, const struct tlv_desc *desc)
{
    uint16_t field = desc->field;
    for (const char *part = desc->parts; *part; part++) {
        switch (*part) {
        case '_':
            cursor_skip(value, 1, desc->name);
            continue;
        case 'b':
        case 'h':
            put_number(d, value, field, 0, *part == 'b' ? 1 : 2, desc->name);
            break;
        case 'm':
            put_octets(d, value, field, 0, 6, desc->name);
            break;
        case 'u':
            put_octets(d, value, field, 0, 16, desc->name);
            break;
        default:
            put_octets(d, value, field, 0, cursor_left(value), desc->name);
        }
        field++;
    }
    cursor_skip(value, cursor_left(value), desc->name);
}

/* Chassis and port: of what kind the identifier is, its subtype says; `first` is its field. */
static void
put_id(struct dissection *d, struct cursor *value, uint16_t first, uint8_t mac_subtype,
       uint8_t address_subtype, const char *what)
{
    uint8_t subtype = cursor_u8(value, what);
    size_t n = cursor_left(value);
    if (!n)
        cursor_fail(value, ERR_MALFORMED, what);
    if (value->err)
        return;
    pdu_uint(d, first, 0, subtype);
    if (subtype == mac_subtype && n == 6) {
        put_octets(d, value, (uint16_t)(first + 2), 0, n, what);
    } else if (subtype == address_subtype && n == 5 && *value->pos == FAMILY_IPV4) {
        cursor_skip(value, 1, what);
        put_number(d, value, (uint16_t)(first + 3), 0, 4, what);
    } else if (subtype == mac_subtype || subtype == address_subtype) {
        put_octets(d, value, (uint16_t)(first + 4), 0, n, what);
    } else {
        put_octets(d, value, (uint16_t)(first + 1), 0, n, what);
    }
}

/* Clause 8.5.9. */
static void
put_management(struct dissection *d, struct cursor *value)
{
    static const char what[] = "management address";
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    uint8_t size = cursor_u8(value, what);
    struct cursor address = cursor_split(value, size, what);
    uint8_t family = cursor_u8(&address, what);
    size_t n = cursor_left(&address);
    if (!address.err)
        pdu_uint(d, LLDP_MANAGEMENT_SUBTYPE, object, family);
    if (family == FAMILY_IPV4 && n == 4)
        put_number(d, &address, LLDP_MANAGEMENT_IP, object, 4, what);
    else if (family == FAMILY_MAC && n == 6)
        put_octets(d, &address, LLDP_MANAGEMENT_MAC, object, 6, what);
    else if (n)
        put_octets(d, &address, LLDP_MANAGEMENT_OCTETS, object, n, what);
    cursor_join(value, &address);
    put_number(d, value, LLDP_INTERFACE_SUBTYPE, object, 1, what);
    put_number(d, value, LLDP_INTERFACE, object, 4, what);
    size = cursor_u8(value, what);
    if (size)
        put_octets(d, value, LLDP_OID, object, size, what);
    cursor_skip(value, cursor_left(value), what);
}

static void
put_vlan(struct dissection *d, struct cursor *value)
{
    static const char what[] = "VLAN name";
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    put_number(d, value, LLDP_VLAN, object, 2, what);
    uint8_t size = cursor_u8(value, what);
    put_octets(d, value, LLDP_VLAN_NAME, object, size, what);
    cursor_skip(value, cursor_left(value), what);
}

static void
put_unknown(struct dissection *d, struct cursor *value, uint64_t id)
{
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    pdu_uint(d, LLDP_OUI, object, id >> 8 & 0xffffff);
    pdu_uint(d, LLDP_SUBTYPE, object, id & 0xff);
    put_octets(d, value, LLDP_DATA, object, cursor_left(value), "organisationally specific TLV");
}

/* ---- Messages ---- */

static void
put_tlv(struct dissection *d, struct cursor *value, uint64_t id, bool objects)
{
    const struct tlv_desc *desc = find_tlv(id);
    bool is_object = id == TLV_MANAGEMENT_ADDRESS || (id > UINT32_MAX && !desc);
    if (is_object != objects)
        cursor_skip(value, cursor_left(value), "TLV");
    else if (desc)
        put_known(d, value, desc);
    else if (id == TLV_CHASSIS_ID)
        put_id(d, value, LLDP_CHASSIS_SUBTYPE, 4, 5, "chassis ID");
    else if (id == TLV_PORT_ID)
        put_id(d, value, LLDP_PORT_SUBTYPE, 3, 4, "port ID");
    else if (id == TLV_MANAGEMENT_ADDRESS)
        put_management(d, value);
    else if (id == VLAN_NAME)
        put_vlan(d, value);
    else if (is_object)
        put_unknown(d, value, id);
    else
        cursor_skip(value, cursor_left(value), "TLV");
}

/* Either the TLVs that are of the message, or those that are objects; up to the end, or the first
 * that cannot be read. */
static void
put_tlvs(struct dissection *d, struct cursor *c, bool objects)
{
    bool ended = false;
    for (unsigned n = 0; !c->err && !ended; n++) {
        uint16_t header = cursor_be16(c, "TLV header");
        uint64_t id = header >> 9;
        struct cursor value = cursor_split(c, header & 0x1ff, "TLV value");
        /* Clause 8.2: chassis, port and TTL come first, in this order, and once. */
        if (!c->err && (n < 3 ? id != n + 1 : id >= TLV_CHASSIS_ID && id <= TLV_TTL))
            cursor_fail(c, ERR_MALFORMED, "order of TLVs");
        if (c->err)
            return;
        ended = id == TLV_END;
        if (id == TLV_ORGANISATION) {
            uint32_t oui = cursor_be24(&value, "OUI");
            id = ORGANISATION(oui, cursor_u8(&value, "OUI subtype"));
        }
        if (!value.err)
            put_tlv(d, &value, id, objects);
        cursor_join(c, &value);
    }
}

static void
lldp_dissect(struct dissection *d, struct cursor *c)
{
    struct cursor again = *c;
    pdu_begin(d, PDU_REPORT, LLDP_ANNOUNCE);
    put_tlvs(d, c, false);
    put_tlvs(d, &again, true);
    const struct field *ttl = pdu_field(d->pdu, LLDP_TTL, 0);
    if (ttl && !ttl->u) {
        d->pdu->function = LLDP_WITHDRAW;
        d->pdu->info = protocol_function(d->protocol, LLDP_WITHDRAW);
    }
    pdu_end(d, c);
    if (!c->err && again.err)
        *c = again;
}

/* There it is known by its EtherType. */
static int
lldp_looks(const uint8_t *message, size_t size)
{
    bool begins = size >= 2 && message[0] == TLV_CHASSIS_ID << 1 && message[1] > 1;
    return begins ? LOOKS_LIKE : LOOKS_NOT;
}

/* ---- Tables ---- */

static const struct field_word chassis_subtypes[] = {
    {1, "component"},       {2, "interface-alias"}, {3, "port-component"}, {4, "mac"},
    {5, "network-address"}, {6, "interface-name"},  {7, "local"},          {0, NULL}};
static const struct field_word port_subtypes[] = {
    {1, "interface-alias"}, {2, "port-component"}, {3, "mac"},   {4, "network-address"},
    {5, "interface-name"},  {6, "circuit-id"},     {7, "local"}, {0, NULL}};
static const struct field_word families[] = {{1, "ipv4"}, {2, "ipv6"}, {6, "mac"}, {0, NULL}};

static const struct field_info fields[] = {
    [LLDP_CHASSIS_SUBTYPE] = {"chassis-subtype", FIELD_UINT, chassis_subtypes, "what its ID is"},
    [LLDP_CHASSIS_ID] = {"chassis-id", FIELD_TEXT, NULL, "the device"},
    [LLDP_CHASSIS_MAC] = {"chassis-mac", FIELD_MAC, NULL, "the device, by its address"},
    [LLDP_CHASSIS_IP] = {"chassis-ip", FIELD_IPV4, NULL, "the device, by its address"},
    [LLDP_CHASSIS_OCTETS] = {"chassis-octets", FIELD_OCTETS, NULL, "an address of another kind"},
    [LLDP_PORT_SUBTYPE] = {"port-subtype", FIELD_UINT, port_subtypes, "what its ID is"},
    [LLDP_PORT_ID] = {"port-id", FIELD_TEXT, NULL, "the port it was sent from"},
    [LLDP_PORT_MAC] = {"port-mac", FIELD_MAC, NULL, "the port, by its address"},
    [LLDP_PORT_IP] = {"port-ip", FIELD_IPV4, NULL, "the port, by its address"},
    [LLDP_PORT_OCTETS] = {"port-octets", FIELD_OCTETS, NULL, "an address of another kind"},
    [LLDP_TTL] = {"ttl", FIELD_UINT, NULL, "seconds for which it is true"},
    [LLDP_PORT_DESCRIPTION] = {"port-description", FIELD_TEXT, NULL, "by the operator"},
    [LLDP_SYSTEM_NAME] = {"system-name", FIELD_TEXT, NULL, "host name"},
    [LLDP_SYSTEM_DESCRIPTION] = {"system-description", FIELD_TEXT, NULL, "model and versions"},
    [LLDP_CAPABILITIES] = {"capabilities", FIELD_UINT, NULL, "bits: 4 bridge, 16 router..."},
    [LLDP_ENABLED] = {"enabled-capabilities", FIELD_UINT, NULL, "which of these are used"},
    [LLDP_PVID] = {"pvid", FIELD_UINT, NULL, "VLAN of what comes without a tag"},
    [LLDP_MAU_TYPE] = {"mau-type", FIELD_UINT, NULL, "medium and speed (RFC 4836)"},
    [LLDP_MAX_FRAME] = {"max-frame", FIELD_UINT, NULL, "octets"},
    [LLDP_MED_CAPABILITIES] = {"med-capabilities", FIELD_UINT, NULL, "bits"},
    [LLDP_MED_CLASS] = {"med-class", FIELD_UINT, NULL, "1 to 3 endpoint, 4 network"},
    [LLDP_HARDWARE] = {"hardware", FIELD_TEXT, NULL, "revision"},
    [LLDP_FIRMWARE] = {"firmware", FIELD_TEXT, NULL, "revision"},
    [LLDP_SOFTWARE] = {"software", FIELD_TEXT, NULL, "revision"},
    [LLDP_SERIAL] = {"serial", FIELD_TEXT, NULL, "number"},
    [LLDP_MANUFACTURER] = {"manufacturer", FIELD_TEXT, NULL, "name"},
    [LLDP_MODEL] = {"model", FIELD_TEXT, NULL, "name"},
    [LLDP_ASSET] = {"asset", FIELD_TEXT, NULL, "the operator's number"},
    [LLDP_RTC2_STATUS] = {"rtc2-status", FIELD_UINT, NULL, "of a port of PROFINET"},
    [LLDP_RTC3_STATUS] = {"rtc3-status", FIELD_UINT, NULL, "of a port of PROFINET"},
    [LLDP_ALIAS] = {"alias", FIELD_TEXT, NULL, "name by its neighbour's port"},
    [LLDP_MRP_DOMAIN] = {"mrp-domain", FIELD_OCTETS, NULL, "the ring it belongs to"},
    [LLDP_MRP_STATUS] = {"mrp-status", FIELD_UINT, NULL, "of the port in the ring"},
    [LLDP_STATION_MAC] = {"station-mac", FIELD_MAC, NULL, "of the device's PROFINET interface"},
    [LLDP_PTCP_MASTER] = {"ptcp-master", FIELD_MAC, NULL, "whose clock it follows"},
    [LLDP_PTCP_SUBDOMAIN] = {"ptcp-subdomain", FIELD_OCTETS, NULL, "of that clock"},
    [LLDP_MANAGEMENT_SUBTYPE] = {"management-subtype", FIELD_UINT, families, "kind of address"},
    [LLDP_MANAGEMENT_IP] = {"management-ip", FIELD_IPV4, NULL, "where it is managed"},
    [LLDP_MANAGEMENT_MAC] = {"management-mac", FIELD_MAC, NULL, "where it is managed"},
    [LLDP_MANAGEMENT_OCTETS] = {"management-octets", FIELD_OCTETS, NULL, "of another kind"},
    [LLDP_INTERFACE_SUBTYPE] = {"interface-subtype", FIELD_UINT, NULL, "2 ifIndex, 3 port"},
    [LLDP_INTERFACE] = {"interface", FIELD_UINT, NULL, "that has the address"},
    [LLDP_OID] = {"oid", FIELD_OCTETS, NULL, "of the address"},
    [LLDP_VLAN] = {"vlan", FIELD_UINT, NULL, "on this port"},
    [LLDP_VLAN_NAME] = {"vlan-name", FIELD_TEXT, NULL, "of that"},
    [LLDP_OUI] = {"oui", FIELD_UINT, NULL, "whose extension it is"},
    [LLDP_SUBTYPE] = {"subtype", FIELD_UINT, NULL, "which of them"},
    [LLDP_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
};

static const struct function_info functions[] = {
    {LLDP_ANNOUNCE, "announce", ACT_IDENTIFY},
    {LLDP_WITHDRAW, "withdraw", ACT_IDENTIFY},
};

static const uint16_t types[] = {0x88cc, 0};

const struct protocol lldp_protocol = {
    .name = "lldp",
    .title = "LLDP",
    .source = "IEEE 802.1AB-2016, ANSI/TIA-1057, IEC 61158-6-10",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET,
    .ports = types,
    .looks = lldp_looks,
    .dissect = lldp_dissect,
};
