#include "edge/field_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_TEXT 200 /* characters of a field's value */

/* Names that the product has for fields beside OpenFlow's. */
static const struct {
    const char *name;
    enum field field;
} aliases[] = {{"vlan-id", FIELD_VLAN_VID}, {"vlan-priority", FIELD_VLAN_PCP}};

enum field
field_by_parameter(const char *name)
{
    char text[32];
    for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
        if (!strcmp(aliases[i].name, name))
            return aliases[i].field;
    }
    if (strlen(name) >= sizeof text)
        return FIELD_MAX;
    for (size_t i = 0; i <= strlen(name); i++)
        text[i] = name[i] == '-' ? '_' : name[i];
    return field_by_name(text);
}

const struct field_need field_needs[] = {
    {FIELD_TCP_SRC, FIELD_TCP_DST, FIELD_IP_PROTO, IP_PROTO_TCP},
    {FIELD_UDP_SRC, FIELD_UDP_DST, FIELD_IP_PROTO, IP_PROTO_UDP},
    {FIELD_SCTP_SRC, FIELD_SCTP_DST, FIELD_IP_PROTO, IP_PROTO_SCTP},
    {FIELD_ICMPV4_TYPE, FIELD_ICMPV4_CODE, FIELD_IP_PROTO, IP_PROTO_ICMP},
    {FIELD_ICMPV6_TYPE, FIELD_ICMPV6_CODE, FIELD_IP_PROTO, IP_PROTO_ICMPV6},
    {FIELD_ICMPV6_TYPE, FIELD_ICMPV6_CODE, FIELD_ETH_TYPE, ETH_TYPE_IPV6},
    {FIELD_IPV6_SRC, FIELD_IPV6_DST, FIELD_ETH_TYPE, ETH_TYPE_IPV6},
    {FIELD_ARP_OP, FIELD_ARP_THA, FIELD_ETH_TYPE, ETH_TYPE_ARP},
    {FIELD_IP_DSCP, FIELD_ICMPV4_CODE, FIELD_ETH_TYPE, ETH_TYPE_IPV4},
};
const unsigned n_field_needs = ARRAY_SIZE(field_needs);

struct parts { /* of a match, by field: values as text; "": not given */
    char values[FIELD_MAX][FIELD_TEXT];
};

static bool
is_in_frames(enum field field)
{
    return field != FIELD_METADATA && field != FIELD_TUNNEL_ID;
}

static enum err
take_part(const char *text, size_t length, struct parts *parts, struct diag *diag)
{
    char name[40];
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals ? (size_t)(equals - text) : length;
    size_t value_length = equals ? length - name_length - 1 : 0;
    snprintf(name, sizeof name, "%.*s", (int)name_length, text);
    enum field field = field_by_parameter(name);
    if (field == FIELD_MAX || !is_in_frames(field))
        return diag_set(diag, ERR_INVALID, "there is no field \"%s\"", name);
    if (!value_length || value_length >= FIELD_TEXT)
        return diag_set(diag, ERR_INVALID, "%s has no value", name);
    if (parts->values[field][0])
        return diag_set(diag, ERR_INVALID, "%s is there twice", name);
    memcpy(parts->values[field], equals + 1, value_length);
    if (!strcmp(name, "vlan-id")) {
        char *end;
        unsigned long vid = strtoul(parts->values[field], &end, 0);
        if (*end || vid > 4095)
            return diag_set(diag, ERR_INVALID, "vlan-id is a number from 0 to 4095");
        snprintf(parts->values[field], FIELD_TEXT, "0x%lx", VLAN_PRESENT | vid);
    }
    return ERR_OK;
}

static void
fill_in(struct parts *parts)
{
    if (parts->values[FIELD_VLAN_PCP][0] && !parts->values[FIELD_VLAN_VID][0])
        snprintf(parts->values[FIELD_VLAN_VID], FIELD_TEXT, "0x1000/0x1000"); /* any tag */
    for (unsigned i = 0; i < n_field_needs; i++) {
        const struct field_need *need = &field_needs[i];
        for (unsigned field = need->first; field <= need->last; field++) {
            if (parts->values[field][0] && !parts->values[need->field][0])
                snprintf(parts->values[need->field], FIELD_TEXT, "0x%x", need->value);
        }
    }
}

/* Fields by rising number come after what they need. */
static enum err
join(const struct parts *parts, struct match *match, struct diag *diag)
{
    struct buf text = BUF_INIT;
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        if (parts->values[i][0])
            buf_printf(&text, "%s%s=%s", text.size ? "," : "", field_table[i].name,
                       parts->values[i]);
    }
    enum err err = match_parse(text.size ? buf_cstr(&text) : "any", match, diag);
    buf_fini(&text);
    return err;
}

enum err
field_match_parse(const char *text, struct match *match, struct diag *diag)
{
    struct parts *parts = calloc(1, sizeof *parts);
    enum err err = parts ? ERR_OK : ERR_LIMIT;
    if (!strcmp(text, "any"))
        text = "";
    while (!err && *text) {
        size_t length = strcspn(text, ",");
        err = take_part(text, length, parts, diag);
        text += length + (text[length] == ',');
    }
    if (!err) {
        fill_in(parts);
        err = join(parts, match, diag);
    }
    free(parts);
    return err;
}
