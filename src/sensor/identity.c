#include "sensor/identity.h"

#include "base/attr.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const struct identity_row identity_rows[] = {
    {"modbus", "identity-text", "identity-object", 0, ATTRIBUTE_VENDOR, 95},
    {"modbus", "identity-text", "identity-object", 1, ATTRIBUTE_ORDER_CODE, 95},
    {"modbus", "identity-text", "identity-object", 2, ATTRIBUTE_FIRMWARE, 90},
    {"modbus", "identity-text", "identity-object", 4, ATTRIBUTE_MODEL, 90},
    {"modbus", "identity-text", "identity-object", 5, ATTRIBUTE_MODEL, 95},
    {"modbus", "identity-text", "identity-object", 6, ATTRIBUTE_NAME, 80},
    {"modbus", "umas-model", NULL, 0, ATTRIBUTE_MODEL, 90},
    {"modbus", "server-id", NULL, 0, ATTRIBUTE_DESCRIPTION, 30},
    {"dnp3", "text", "attribute", 252, ATTRIBUTE_VENDOR, 95},
    {"dnp3", "text", "attribute", 250, ATTRIBUTE_MODEL, 95},
    {"dnp3", "text", "attribute", 242, ATTRIBUTE_FIRMWARE, 95},
    {"dnp3", "text", "attribute", 243, ATTRIBUTE_HARDWARE, 95},
    {"dnp3", "text", "attribute", 248, ATTRIBUTE_SERIAL, 95},
    {"dnp3", "text", "attribute", 247, ATTRIBUTE_NAME, 90},
    {"dnp3", "text", "attribute", 246, ATTRIBUTE_DESCRIPTION, 60},
    {"dnp3", "text", "attribute", 245, ATTRIBUTE_LOCATION, 90},
    {"enip", "vendor", NULL, 0, ATTRIBUTE_VENDOR, 95},
    {"enip", "product-name", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"enip", "serial", NULL, 0, ATTRIBUTE_SERIAL, 95},
    {"s7comm", "order-number", "identity", 1, ATTRIBUTE_ORDER_CODE, 95},
    {"s7comm", "order-number", "identity", 6, ATTRIBUTE_ORDER_CODE, 90},
    {"s7comm", "firmware", "identity", 7, ATTRIBUTE_FIRMWARE, 95},
    {"s7comm", "hardware-version", NULL, 0, ATTRIBUTE_HARDWARE, 80},
    {"s7comm", "module-type", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"s7comm", "serial-number", NULL, 0, ATTRIBUTE_SERIAL, 95},
    {"s7comm", "system-name", NULL, 0, ATTRIBUTE_NAME, 95},
    {"s7comm", "location", NULL, 0, ATTRIBUTE_LOCATION, 90},
    {"s7comm", "plant", NULL, 0, ATTRIBUTE_DESCRIPTION, 60},
    {"mms", "vendor", NULL, 0, ATTRIBUTE_VENDOR, 95},
    {"mms", "model", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"mms", "revision", NULL, 0, ATTRIBUTE_FIRMWARE, 85},
    {"mms", "firmware", NULL, 0, ATTRIBUTE_FIRMWARE, 95},
    {"mms", "hardware-version", NULL, 0, ATTRIBUTE_HARDWARE, 95},
    {"mms", "serial-number", NULL, 0, ATTRIBUTE_SERIAL, 95},
    {"mms", "location", NULL, 0, ATTRIBUTE_LOCATION, 90},
    {"bacnet", "vendor", NULL, 0, ATTRIBUTE_VENDOR, 90},
    {"bacnet", "text", "property", 121, ATTRIBUTE_VENDOR, 95},
    {"bacnet", "text", "property", 70, ATTRIBUTE_MODEL, 95},
    {"bacnet", "text", "property", 44, ATTRIBUTE_FIRMWARE, 95},
    {"bacnet", "text", "property", 372, ATTRIBUTE_SERIAL, 95},
    {"bacnet", "text", "property", 58, ATTRIBUTE_LOCATION, 90},
    {"c37118", "station", NULL, 0, ATTRIBUTE_NAME, 80},
    {"c37118", "header", NULL, 0, ATTRIBUTE_DESCRIPTION, 60},
    {"fins", "model", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"fins", "version", NULL, 0, ATTRIBUTE_FIRMWARE, 90},
    {"fins", "name", NULL, 0, ATTRIBUTE_NAME, 80},
    {"hartip", "maker", NULL, 0, ATTRIBUTE_VENDOR, 80},
    {"hartip", "software-revision", NULL, 0, ATTRIBUTE_FIRMWARE, 70},
    {"hartip", "device-id", NULL, 0, ATTRIBUTE_SERIAL, 80},
    {"hartip", "long-tag", NULL, 0, ATTRIBUTE_NAME, 90},
    {"hartip", "tag", NULL, 0, ATTRIBUTE_NAME, 80},
    {"hartip", "descriptor", NULL, 0, ATTRIBUTE_DESCRIPTION, 60},
    {"tristation", "project", NULL, 0, ATTRIBUTE_NAME, 60},
    {"sel", "model", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"sel", "firmware", NULL, 0, ATTRIBUTE_FIRMWARE, 95},
    {"sel", "partno", NULL, 0, ATTRIBUTE_ORDER_CODE, 95},
    {"sel", "serial", NULL, 0, ATTRIBUTE_SERIAL, 95},
    {"sel", "devid", NULL, 0, ATTRIBUTE_NAME, 90},
    {"codesys", "vendor", NULL, 0, ATTRIBUTE_VENDOR, 95},
    {"codesys", "device-name", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"codesys", "node-name", NULL, 0, ATTRIBUTE_NAME, 90},
    {"codesys", "firmware", NULL, 0, ATTRIBUTE_FIRMWARE, 90},
    {"codesys", "serial", NULL, 0, ATTRIBUTE_SERIAL, 95},
    {"c1222", "calling-title", NULL, 0, ATTRIBUTE_NAME, 60},
    {"opcua", "manufacturer", NULL, 0, ATTRIBUTE_VENDOR, 95},
    {"opcua", "text", "standard-node", 2263, ATTRIBUTE_VENDOR, 95},
    {"opcua", "product", NULL, 0, ATTRIBUTE_MODEL, 90},
    {"opcua", "text", "standard-node", 2261, ATTRIBUTE_MODEL, 90},
    {"opcua", "software-version", NULL, 0, ATTRIBUTE_FIRMWARE, 85},
    {"opcua", "text", "standard-node", 2264, ATTRIBUTE_FIRMWARE, 85},
    {"opcua", "application-name", "describes", 1, ATTRIBUTE_NAME, 80},
    {"opcua", "product-uri", "describes", 1, ATTRIBUTE_DESCRIPTION, 60},
    {"profinet", "device-vendor", NULL, 0, ATTRIBUTE_MODEL, 85},
    {"profinet", "name-of-station", NULL, 0, ATTRIBUTE_NAME, 95},
    {"dhcp", "host-name", NULL, 0, ATTRIBUTE_NAME, 70},
    {"dhcp", "fqdn", NULL, 0, ATTRIBUTE_NAME, 65},
    {"dhcp", "vendor-class", NULL, 0, ATTRIBUTE_DESCRIPTION, 40},
    {"http", "server", NULL, 0, ATTRIBUTE_DESCRIPTION, 35},
    {"http", "title", NULL, 0, ATTRIBUTE_DESCRIPTION, 45},
    {"http", "realm", NULL, 0, ATTRIBUTE_DESCRIPTION, 40},
    {"http", "user-agent", NULL, 0, ATTRIBUTE_DESCRIPTION, 25},
    {"rdp", "client-name", NULL, 0, ATTRIBUTE_NAME, 70},
    {"smb", "workstation", NULL, 0, ATTRIBUTE_NAME, 70},
    {"smb", "computer", NULL, 0, ATTRIBUTE_NAME, 75},
    {"smb", "dns-computer", NULL, 0, ATTRIBUTE_NAME, 80},
    {"smb", "os-version", NULL, 0, ATTRIBUTE_FIRMWARE, 50},
    {"smb", "native-os", NULL, 0, ATTRIBUTE_DESCRIPTION, 45},
    {"ssh", "software", NULL, 0, ATTRIBUTE_DESCRIPTION, 35},
    {"tls", "subject-name", "certificate", 0, ATTRIBUTE_NAME, 50},
    {"tls", "subject-serial", "certificate", 0, ATTRIBUTE_SERIAL, 50},
    {"snmp", "vendor", NULL, 0, ATTRIBUTE_VENDOR, 85},
    {"snmp", "engine-vendor", NULL, 0, ATTRIBUTE_VENDOR, 75},
    {"snmp", "text", "variable", 1, ATTRIBUTE_DESCRIPTION, 90},
    {"snmp", "text", "variable", 5, ATTRIBUTE_NAME, 90},
    {"snmp", "text", "variable", 6, ATTRIBUTE_LOCATION, 90},
    {"snmp", "text", "variable", 18, ATTRIBUTE_HARDWARE, 90},
    {"snmp", "text", "variable", 19, ATTRIBUTE_FIRMWARE, 85},
    {"snmp", "text", "variable", 20, ATTRIBUTE_FIRMWARE, 90},
    {"snmp", "text", "variable", 21, ATTRIBUTE_SERIAL, 90},
    {"snmp", "text", "variable", 22, ATTRIBUTE_VENDOR, 90},
    {"snmp", "text", "variable", 23, ATTRIBUTE_MODEL, 90},
    {"ftp", "banner", NULL, 0, ATTRIBUTE_DESCRIPTION, 45},
    {"ntp", "system", NULL, 0, ATTRIBUTE_DESCRIPTION, 50},
    {"cdp", "platform", NULL, 0, ATTRIBUTE_MODEL, 90},
    {"cdp", "device", NULL, 0, ATTRIBUTE_NAME, 85},
    {"cdp", "system-name", NULL, 0, ATTRIBUTE_NAME, 90},
    {"cdp", "software", NULL, 0, ATTRIBUTE_FIRMWARE, 80},
    {"cdp", "location", NULL, 0, ATTRIBUTE_LOCATION, 80},
    {"lldp", "manufacturer", NULL, 0, ATTRIBUTE_VENDOR, 95},
    {"lldp", "model", NULL, 0, ATTRIBUTE_MODEL, 95},
    {"lldp", "serial", NULL, 0, ATTRIBUTE_SERIAL, 95},
    {"lldp", "hardware", NULL, 0, ATTRIBUTE_HARDWARE, 95},
    {"lldp", "software", NULL, 0, ATTRIBUTE_FIRMWARE, 90},
    {"lldp", "firmware", NULL, 0, ATTRIBUTE_FIRMWARE, 85},
    {"lldp", "system-name", NULL, 0, ATTRIBUTE_NAME, 90},
    {"lldp", "system-description", NULL, 0, ATTRIBUTE_DESCRIPTION, 90},
};
const size_t identity_n_rows = ARRAY_SIZE(identity_rows);

const char *
attribute_word(enum attribute a)
{
    static const char *const words[] = {"vendor", "model", "order-code", "firmware",   "hardware",
                                        "serial", "name",  "location",   "description"};
    return words[a];
}

static uint16_t
find_field(const struct protocol *p, const char *name)
{
    for (size_t i = 0; i < p->n_fields; i++) {
        if (p->fields[i].name && !strcmp(p->fields[i].name, name))
            return (uint16_t)i;
    }
    return UINT16_MAX;
}

bool
identity_resolve(const struct protocol *p, struct identity_rules *r,
                 const struct identity_row **wrong)
{
    r->protocol = p;
    r->n = 0;
    memset(r->fields, 0, sizeof r->fields);
    for (size_t i = 0; i < identity_n_rows; i++) {
        const struct identity_row *row = &identity_rows[i];
        if (strcmp(row->protocol, p->name) != 0)
            continue;
        uint16_t field = find_field(p, row->field),
                 where = row->where ? find_field(p, row->where) : 0;
        if (field == UINT16_MAX || where == UINT16_MAX || r->n == ARRAY_SIZE(r->rules)) {
            *wrong = row;
            return false;
        }
        r->rules[r->n++] = (struct identity_rule){row, field, where};
        r->fields[field / 64] |= UINT64_C(1) << field % 64;
    }
    return true;
}

/* Without spaces around it, and without what fills it up. */
static void
trim(const char **text, size_t *size)
{
    const char *zero = memchr(*text, '\0', *size);
    if (zero)
        *size = (size_t)(zero - *text);
    while (*size && (unsigned char)(*text)[*size - 1] <= ' ')
        --*size;
    while (*size && (unsigned char)**text <= ' ') {
        ++*text;
        --*size;
    }
}

static void
read_field(const struct identity_rule *rule, const struct pdu *p, const struct field *f,
           void (*fn)(void *, const struct identity_row *, const char *, size_t), void *arg)
{
    const struct field_info *info = &p->protocol->fields[f->id];
    const struct field *where = rule->row->where ? pdu_field(p, rule->where, f->object) : NULL;
    if (rule->row->where && (!where || where->u != rule->row->is))
        return;
    char number[24];
    const char *text = number;
    size_t size;
    if (info->type == FIELD_TEXT || info->type == FIELD_OCTETS) {
        text = (const char *)f->octets;
        size = f->n;
        trim(&text, &size);
    } else {
        const char *word = field_value_word(info, f->u);
        if (word)
            text = word;
        else
            snprintf(number, sizeof number, info->type == FIELD_INT ? "%" PRId64 : "%" PRIu64,
                     f->u);
        size = strlen(text);
    }
    if (size)
        fn(arg, rule->row, text, size);
}

static void
read_by_rules(const struct identity_rules *r, const struct pdu *p, const struct field *f,
              void (*fn)(void *, const struct identity_row *, const char *, size_t), void *arg)
{
    for (size_t k = 0; k < r->n; k++) {
        if (r->rules[k].field == f->id)
            read_field(&r->rules[k], p, f, fn, arg);
    }
}

void
identity_read(const struct identity_rules *r, const struct pdu *p,
              void (*fn)(void *, const struct identity_row *, const char *, size_t), void *arg)
{
    if ((p->kind == PDU_REQUEST && !p->protocol->asker_tells) || !pdu_has_any(p, r->fields))
        return;
    const struct field *end = &p->fields[p->n_fields];
    for (const struct field *f = p->fields; f < end; f++) {
        if (r->fields[f->id / 64] >> f->id % 64 & 1)
            read_by_rules(r, p, f, fn, arg);
    }
}
