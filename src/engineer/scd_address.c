#include "engineer/scd_evaluate.h"

#include <stdlib.h>
#include <string.h>

#define PRIORITY_DEFAULT 4 /* IEC 61850-8-1 table C.2 */
#define VLAN_LARGEST 0xffe /* 0xfff is reserved */

/* Only `digits` hexadecimal digits, as the standard's patterns want them, in either case. */
static bool
parse_hex(const char *text, size_t digits, uint16_t *value)
{
    if (strlen(text) != digits || strspn(text, "0123456789ABCDEFabcdef") != digits)
        return false;
    *value = (uint16_t)strtoul(text, NULL, 16);
    return true;
}

static bool
read_mac(struct evaluation *e, const struct scd_address *a, const char *object,
         struct parsed_address *parsed)
{
    if (!a->mac) {
        evaluation_add(e, SEVERITY_ERROR, "mac-missing", "address", object, a->line,
                       "it has no MAC-Address");
        return false;
    }
    if (!strchr(a->mac, '-') || mac_parse(a->mac, &parsed->mac)) {
        evaluation_add(e, SEVERITY_ERROR, "mac-malformed", "address", object, a->line,
                       "\"%.40s\" is not a MAC-Address like 01-0C-CD-01-00-01", a->mac);
        return false;
    }
    if (strpbrk(a->mac, "abcdef"))
        evaluation_add(e, SEVERITY_INFO, "mac-not-upper-case", "address", object, a->line,
                       "%s has lower-case letters, which IEC 61850-6 does not allow", a->mac);
    parsed->has_mac = true;
    if (mac_is_group(&parsed->mac))
        return true;
    evaluation_add(e, SEVERITY_ERROR, "mac-not-group", "address", object, a->line,
                   "%s is not a group address", a->mac);
    return false;
}

static bool
read_appid(struct evaluation *e, const struct scd_address *a, const char *object,
           struct parsed_address *parsed)
{
    parsed->has_appid = a->appid && parse_hex(a->appid, 4, &parsed->appid);
    if (!a->appid)
        evaluation_add(e, SEVERITY_ERROR, "appid-missing", "address", object, a->line,
                       "it has no APPID");
    else if (!parsed->has_appid)
        evaluation_add(e, SEVERITY_ERROR, "appid-malformed", "address", object, a->line,
                       "\"%.40s\" is not an APPID of 4 hexadecimal digits", a->appid);
    return parsed->has_appid;
}

static bool
read_vlan(struct evaluation *e, const struct scd_address *a, const char *object,
          struct parsed_address *parsed)
{
    if (a->vlan_id &&
        (!parse_hex(a->vlan_id, 3, &parsed->vlan_id) || parsed->vlan_id > VLAN_LARGEST)) {
        evaluation_add(e, SEVERITY_ERROR, "vlan-malformed", "address", object, a->line,
                       "\"%.40s\" is not a VLAN-ID of 3 hexadecimal digits up to FFE", a->vlan_id);
        return false;
    }
    if (parsed->vlan_id == 0)
        evaluation_add(e, SEVERITY_INFO, "vlan-zero", "address", object, a->line,
                       "VLAN-ID is %s: the frames have a priority tag, but no VLAN",
                       a->vlan_id ? a->vlan_id : "missing");
    return true;
}

static void
read_priority(struct evaluation *e, const struct scd_address *a, const char *object,
              struct parsed_address *parsed)
{
    const char *text = a->vlan_priority;
    parsed->vlan_priority = PRIORITY_DEFAULT;
    if (text && strlen(text) == 1 && *text >= '0' && *text <= '7')
        parsed->vlan_priority = (uint8_t)(*text - '0');
    else if (text)
        evaluation_add(e, SEVERITY_WARNING, "priority-malformed", "address", object, a->line,
                       "\"%.40s\" is not a VLAN-PRIORITY of 0 to 7; taken as %d", text,
                       PRIORITY_DEFAULT);
}

struct parsed_address
evaluate_address(struct evaluation *e, const struct scd_address *a, const char *object)
{
    struct parsed_address parsed = {0};
    bool mac = read_mac(e, a, object, &parsed);
    bool appid = read_appid(e, a, object, &parsed);
    bool vlan = read_vlan(e, a, object, &parsed);
    read_priority(e, a, object, &parsed);
    parsed.complete = mac && appid && vlan;
    return parsed;
}
