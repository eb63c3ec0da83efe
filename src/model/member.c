#include "model/member.h"

#include "base/alloc.h"
#include "model/member_list.h"
#include "model/model.h"
#include "model/text.h"
#include "packet/flow_key.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a type is in JSON. */
enum form { FORM_STRING, FORM_NUMBER, FORM_FLAG, FORM_LIST, FORM_OBJECT };

static void *
slot(const struct member *m, void *object)
{
    return (char *)object + m->offset;
}

static const void *
const_slot(const struct member *m, const void *object)
{
    return (const char *)object + m->offset;
}

static void *
get_pointer(const struct member *m, const void *object)
{
    void *p;
    memcpy(&p, const_slot(m, object), sizeof p);
    return p;
}

static void
set_string(const struct member *m, void *object, char *text)
{
    free(get_pointer(m, object));
    memcpy(slot(m, object), &text, sizeof text);
}

/* ---- Numbers -----------------------------------------------------------------------------------
 */

static int64_t
get_number(const struct member *m, const void *object)
{
    const void *at = const_slot(m, object);
    switch (m->type) {
    case MEMBER_U8:
    case MEMBER_IP_PROTOCOL:
        return *(const uint8_t *)at;
    case MEMBER_U16:
    case MEMBER_APPID:
        return *(const uint16_t *)at;
    case MEMBER_VLAN:
        return *(const int *)at;
    case MEMBER_BOOL:
        return *(const bool *)at;
    default:
        return *(const uint32_t *)at; /* MEMBER_U32, MEMBER_WORD, MEMBER_IPV4 */
    }
}

static void
put_number(const struct member *m, void *object, int64_t value)
{
    void *at = slot(m, object);
    switch (m->type) {
    case MEMBER_U8:
    case MEMBER_IP_PROTOCOL:
        *(uint8_t *)at = (uint8_t)value;
        break;
    case MEMBER_U16:
    case MEMBER_APPID:
        *(uint16_t *)at = (uint16_t)value;
        break;
    case MEMBER_VLAN:
        *(int *)at = (int)value;
        break;
    case MEMBER_BOOL:
        *(bool *)at = value != 0;
        break;
    default:
        *(uint32_t *)at = (uint32_t)value;
        break;
    }
}

_Static_assert(sizeof(enum site_kind) == sizeof(uint32_t), "words are stored as 32 bits");

static enum err
set_number(const struct member *m, void *object, int64_t value, struct diag *diag)
{
    if (value < m->min || value > m->max)
        return diag_set(diag, ERR_INVALID, "%" PRId64 " is not within %u to %u", value, m->min,
                        m->max);
    put_number(m, object, value);
    return ERR_OK;
}

/* Decimal digits and nothing else; -1 if it is not that, or huge. */
static int64_t
parse_decimal(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 12 || strspn(text, "0123456789") != n)
        return -1;
    return strtoll(text, NULL, 10);
}

static enum err
parse_number(const struct member *m, void *object, const char *text, struct diag *diag)
{
    int64_t value = parse_decimal(text);
    if (value < 0)
        return diag_set(diag, ERR_INVALID, "\"%.40s\" is not a whole number within %u to %u", text,
                        m->min, m->max);
    return set_number(m, object, value, diag);
}

static void
print_number(const struct member *m, const void *object, struct buf *out)
{
    buf_printf(out, "%" PRId64, get_number(m, object));
}

static bool
number_is_set(const struct member *m, const void *object)
{
    int64_t value = get_number(m, object);
    return value >= m->min && value <= m->max;
}

/* ---- Words -------------------------------------------------------------------------------------
 */

static const struct {
    const char *word;
    uint8_t protocol;
} protocols[] = {{"tcp", IP_PROTO_TCP}, {"udp", IP_PROTO_UDP}, {"icmp", IP_PROTO_ICMP}};

static enum err
parse_protocol(const struct member *m, void *object, const char *text, struct diag *diag)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (!strcmp(text, protocols[i].word)) {
            put_number(m, object, protocols[i].protocol);
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "\"%.40s\" is none of tcp, udp, icmp", text);
}

static const char *
protocol_word(int64_t protocol)
{
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (protocols[i].protocol == protocol)
            return protocols[i].word;
    }
    return NULL;
}

static void
print_protocol(const struct member *m, const void *object, struct buf *out)
{
    buf_str(out, protocol_word(get_number(m, object)));
}

static bool
protocol_is_set(const struct member *m, const void *object)
{
    return protocol_word(get_number(m, object)) != NULL;
}

static size_t
count_words(const struct member *m)
{
    size_t n = 0;
    while (m->words[n])
        n++;
    return n;
}

static enum err
parse_word(const struct member *m, void *object, const char *text, struct diag *diag)
{
    size_t n = count_words(m);
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(text, m->words[i])) {
            put_number(m, object, (int64_t)i);
            return ERR_OK;
        }
    }
    struct buf all = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", m->words[i]);
    diag_set(diag, ERR_INVALID, "\"%.40s\" is none of %s", text, buf_cstr(&all));
    buf_fini(&all);
    return ERR_INVALID;
}

static void
print_word(const struct member *m, const void *object, struct buf *out)
{
    buf_str(out, m->words[get_number(m, object)]);
}

static bool
word_is_set(const struct member *m, const void *object)
{
    return (size_t)get_number(m, object) < count_words(m);
}

static enum err
parse_flag(const struct member *m, void *object, const char *text, struct diag *diag)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"true", true},   {"yes", true}, {"1", true},
                 {"false", false}, {"no", false}, {"0", false}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(text, words[i].word)) {
            put_number(m, object, words[i].value);
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "\"%.40s\" is neither true nor false", text);
}

static void
print_flag(const struct member *m, const void *object, struct buf *out)
{
    buf_str(out, get_number(m, object) ? "true" : "false");
}

static bool
always_set(const struct member *m UNUSED, const void *object UNUSED)
{
    return true;
}

/* ---- Strings -----------------------------------------------------------------------------------
 */

static enum err
parse_name(const struct member *m, void *object, const char *text, struct diag *diag)
{
    if (!name_is_valid(text))
        return diag_set(diag, ERR_INVALID,
                        "\"%.70s\" is not a name: 1 to 63 letters, digits, dots, underscores and "
                        "hyphens, the first a letter or digit",
                        text);
    set_string(m, object, xstrdup(text));
    return ERR_OK;
}

static enum err
parse_text(const struct member *m, void *object, const char *text, struct diag *diag)
{
    if (!text_is_valid(text))
        return diag_set(diag, ERR_INVALID,
                        "must be one line of 1 to 255 characters, without control characters");
    set_string(m, object, xstrdup(text));
    return ERR_OK;
}

static void
print_string(const struct member *m, const void *object, struct buf *out)
{
    buf_str(out, get_pointer(m, object));
}

static bool
string_is_set(const struct member *m, const void *object)
{
    return get_pointer(m, object) != NULL;
}

/* Exactly `digits` hexadecimal digits. */
static bool
parse_hex(const char *text, size_t digits, uint64_t *value)
{
    if (strlen(text) != digits || strspn(text, "0123456789abcdefABCDEF") != digits)
        return false;
    *value = strtoull(text, NULL, 16);
    return true;
}

static enum err
parse_appid(const struct member *m, void *object, const char *text, struct diag *diag)
{
    uint64_t value;
    if (!parse_hex(text, 4, &value))
        return diag_set(diag, ERR_INVALID, "\"%.40s\" is not an APPID: 4 hexadecimal digits", text);
    put_number(m, object, (int64_t)value);
    return ERR_OK;
}

static void
print_appid(const struct member *m, const void *object, struct buf *out)
{
    buf_printf(out, "%04X", (unsigned)get_number(m, object));
}

static enum err
parse_datapath_id(const struct member *m, void *object, const char *text, struct diag *diag)
{
    uint64_t value;
    if (!parse_hex(text, 16, &value) || value == 0)
        return diag_set(diag, ERR_INVALID,
                        "\"%.40s\" is not a datapath identifier: 16 hexadecimal digits, not all 0",
                        text);
    memcpy(slot(m, object), &value, sizeof value);
    return ERR_OK;
}

static uint64_t
get_u64(const struct member *m, const void *object)
{
    uint64_t value;
    memcpy(&value, const_slot(m, object), sizeof value);
    return value;
}

static void
print_datapath_id(const struct member *m, const void *object, struct buf *out)
{
    buf_printf(out, "%016" PRIx64, get_u64(m, object));
}

static bool
u64_is_set(const struct member *m, const void *object)
{
    return get_u64(m, object) != 0;
}

static enum err
parse_mac(const struct member *m, void *object, const char *text, struct diag *diag)
{
    struct mac mac;
    if (mac_parse(text, &mac) || mac_is_zero(&mac))
        return diag_set(diag, ERR_INVALID, "\"%.40s\" is not a MAC address like 02:00:00:00:00:01",
                        text);
    memcpy(slot(m, object), &mac, sizeof mac);
    return ERR_OK;
}

static void
print_mac(const struct member *m, const void *object, struct buf *out)
{
    char text[MAC_TEXT_SIZE];
    buf_str(out, mac_format(const_slot(m, object), text));
}

static bool
mac_is_set(const struct member *m, const void *object)
{
    return !mac_is_zero(const_slot(m, object));
}

static enum err
parse_ipv4(const struct member *m, void *object, const char *text, struct diag *diag)
{
    uint32_t address;
    if (ipv4_parse(text, &address) || address == 0)
        return diag_set(diag, ERR_INVALID, "\"%.40s\" is not an IPv4 address like 10.20.0.1", text);
    put_number(m, object, address);
    return ERR_OK;
}

static void
print_ipv4(const struct member *m, const void *object, struct buf *out)
{
    char text[IPV4_TEXT_SIZE];
    buf_str(out, ipv4_format((uint32_t)get_number(m, object), text));
}

static bool
ipv4_is_set(const struct member *m, const void *object)
{
    return get_number(m, object) != 0;
}

static enum err
parse_interface(const struct member *m, void *object, const char *text, struct diag *diag)
{
    uint32_t address;
    int length;
    if (ipv4_parse_prefix(text, &address, &length) || address == 0)
        return diag_set(diag, ERR_INVALID,
                        "\"%.40s\" is not an IPv4 address with its prefix length like 10.20.0.1/24",
                        text);
    put_number(m, object, address);
    memcpy((char *)object + m->more, &length, sizeof length);
    return ERR_OK;
}

static int
prefix_length(const struct member *m, const void *object)
{
    int length;
    memcpy(&length, (const char *)object + m->more, sizeof length);
    return length;
}

static void
print_interface(const struct member *m, const void *object, struct buf *out)
{
    print_ipv4(m, object, out);
    buf_printf(out, "/%d", prefix_length(m, object));
}

#define TIME_END (INT64_C(9214646400) * NSEC_PER_SEC) /* 2262-01-01T00:00:00Z */

static enum err
parse_time(const struct member *m, void *object, const char *text, struct diag *diag)
{
    nsec_t time;
    if (time_parse(text, &time) || time <= 0 || time >= TIME_END)
        return diag_set(diag, ERR_INVALID,
                        "\"%.40s\" is not a time like 2026-03-01T08:00:00Z or "
                        "2026-03-01T09:00:00+01:00",
                        text);
    memcpy(slot(m, object), &time, sizeof time);
    return ERR_OK;
}

static void
print_time(const struct member *m, const void *object, struct buf *out)
{
    char text[TIME_TEXT_SIZE];
    time_format((nsec_t)get_u64(m, object), text);
    char *fraction = strchr(text, '.');
    if (fraction && !strcmp(fraction, ".000000000Z")) /* whole seconds, as people write them */
        strcpy(fraction, "Z");
    buf_str(out, text);
}

static bool
time_is_set(const struct member *m, const void *object)
{
    return (nsec_t)get_u64(m, object) > 0;
}

/* ---- Documents ---- */

#define DOCUMENT_SIZE ((size_t)1 << 20) /* octets of its text */

static enum err
set_document(const struct member *m, void *object, const json_t *json, struct diag *diag)
{
    char *text = json_is_object(json) ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    if (!text)
        return diag_set(diag, ERR_INVALID, "must be an object");
    if (strlen(text) > DOCUMENT_SIZE) {
        free(text);
        return diag_set(diag, ERR_INVALID, "has more than %zu octets", DOCUMENT_SIZE);
    }
    set_string(m, object, text);
    return ERR_OK;
}

/* The number in a JSON number that has no fraction: RFC 7951 allows 1e3. */
static bool
json_number(const json_t *json, int64_t *value)
{
    if (json_is_integer(json)) {
        *value = json_integer_value(json);
        return true;
    }
    double real = json_real_value(json);
    if (!json_is_real(json) || real != floor(real) || fabs(real) > 1e12)
        return false;
    *value = (int64_t)real;
    return true;
}

/* ---- The table of types ------------------------------------------------------------------------
 */

static const struct {
    enum form form;
    size_t size; /* of the value in the struct, octets */
    enum err (*parse)(const struct member *, void *object, const char *text, struct diag *);
    void (*print)(const struct member *, const void *object, struct buf *);
    bool (*is_set)(const struct member *, const void *object);
} types[MEMBER_TYPE_MAX] = {
    [MEMBER_NAME] = {FORM_STRING, 0, parse_name, print_string, string_is_set},
    [MEMBER_TEXT] = {FORM_STRING, 0, parse_text, print_string, string_is_set},
    [MEMBER_BOOL] = {FORM_FLAG, sizeof(bool), parse_flag, print_flag, always_set},
    [MEMBER_WORD] = {FORM_STRING, sizeof(uint32_t), parse_word, print_word, word_is_set},
    [MEMBER_IP_PROTOCOL] = {FORM_STRING, 1, parse_protocol, print_protocol, protocol_is_set},
    [MEMBER_U8] = {FORM_NUMBER, 1, parse_number, print_number, number_is_set},
    [MEMBER_U16] = {FORM_NUMBER, 2, parse_number, print_number, number_is_set},
    [MEMBER_U32] = {FORM_NUMBER, 4, parse_number, print_number, number_is_set},
    [MEMBER_VLAN] = {FORM_NUMBER, sizeof(int), parse_number, print_number, number_is_set},
    [MEMBER_APPID] = {FORM_STRING, 2, parse_appid, print_appid, always_set},
    [MEMBER_DATAPATH_ID] = {FORM_STRING, 8, parse_datapath_id, print_datapath_id, u64_is_set},
    [MEMBER_MAC] = {FORM_STRING, sizeof(struct mac), parse_mac, print_mac, mac_is_set},
    [MEMBER_IPV4] = {FORM_STRING, 4, parse_ipv4, print_ipv4, ipv4_is_set},
    [MEMBER_IPV4_INTERFACE] = {FORM_STRING, 4, parse_interface, print_interface, ipv4_is_set},
    [MEMBER_TIME] = {FORM_STRING, sizeof(nsec_t), parse_time, print_time, time_is_set},
    [MEMBER_NAMES] = {FORM_LIST, 0, member_list_from_text, member_list_to_text, member_list_is_set},
    [MEMBER_TRANSPORT_PORTS] = {FORM_LIST, 0, member_list_from_text, member_list_to_text,
                                member_list_is_set},
    [MEMBER_PORTS] = {FORM_LIST, 0, NULL, NULL, member_list_is_set},
    [MEMBER_DOCUMENT] = {FORM_OBJECT, 0, NULL, print_string, string_is_set},
};

static bool
owns_string(const struct member *m)
{
    return m->type == MEMBER_NAME || m->type == MEMBER_TEXT || m->type == MEMBER_DOCUMENT;
}

bool
member_is_set(const struct member *m, const void *object)
{
    return (!m->present || m->present(object)) && types[m->type].is_set(m, object);
}

enum err
member_from_text(const struct member *m, void *object, const char *text, struct diag *diag)
{
    if (*text != '\0')
        return types[m->type].parse(m, object, text, diag);
    if (m->need != MEMBER_OPTIONAL)
        return diag_set(diag, ERR_INVALID, "must not be empty");
    member_clear(m, object);
    return ERR_OK;
}

enum err
member_from_json(const struct member *m, void *object, const json_t *json, struct diag *diag)
{
    int64_t value;
    switch (types[m->type].form) {
    case FORM_STRING:
        if (!json_is_string(json))
            return diag_set(diag, ERR_INVALID, "must be a string");
        return types[m->type].parse(m, object, json_string_value(json), diag);
    case FORM_NUMBER:
        if (!json_number(json, &value))
            return diag_set(diag, ERR_INVALID, "must be a whole number");
        return set_number(m, object, value, diag);
    case FORM_FLAG:
        if (!json_is_boolean(json))
            return diag_set(diag, ERR_INVALID, "must be true or false");
        put_number(m, object, json_is_true(json));
        return ERR_OK;
    case FORM_LIST:
        return member_list_from_json(m, object, json, diag);
    case FORM_OBJECT:
        return set_document(m, object, json, diag);
    }
    return ERR_INVALID;
}

json_t *
member_to_json(const struct member *m, const void *object)
{
    if (!member_is_set(m, object))
        return NULL;
    switch (types[m->type].form) {
    case FORM_NUMBER:
        return json_integer(get_number(m, object));
    case FORM_FLAG:
        return json_boolean(get_number(m, object));
    case FORM_LIST:
        return member_list_to_json(m, object);
    case FORM_OBJECT:
        return json_loads(get_pointer(m, object), 0, NULL);
    case FORM_STRING:
        break;
    }
    struct buf text = BUF_INIT;
    types[m->type].print(m, object, &text);
    json_t *json = json_string(buf_cstr(&text));
    buf_fini(&text);
    return json;
}

void
member_to_text(const struct member *m, const void *object, struct buf *out)
{
    if (member_is_set(m, object))
        types[m->type].print(m, object, out);
}

bool
member_equal(const struct member *m, const void *a, const void *b)
{
    bool set = member_is_set(m, a);
    if (set != member_is_set(m, b))
        return false;
    if (!set)
        return true;
    if (owns_string(m))
        return !strcmp(get_pointer(m, a), get_pointer(m, b));
    if (types[m->type].form == FORM_LIST)
        return member_list_equal(m, a, b);
    if (m->type == MEMBER_IPV4_INTERFACE && prefix_length(m, a) != prefix_length(m, b))
        return false;
    return !memcmp(const_slot(m, a), const_slot(m, b), types[m->type].size);
}

void
member_own(const struct member *m, void *object)
{
    if (owns_string(m)) {
        const char *old = get_pointer(m, object);
        char *copy = old ? xstrdup(old) : NULL;
        memcpy(slot(m, object), &copy, sizeof copy);
    } else if (types[m->type].form == FORM_LIST) {
        member_list_own(m, object);
    }
}

void
member_clear(const struct member *m, void *object)
{
    if (owns_string(m)) {
        set_string(m, object, NULL);
    } else if (types[m->type].form == FORM_LIST) {
        member_list_clear(m, object);
    } else if (m->type == MEMBER_VLAN) {
        put_number(m, object, VLAN_UNTAGGED);
    } else if (m->type == MEMBER_MAC || m->type == MEMBER_DATAPATH_ID || m->type == MEMBER_TIME) {
        memset(slot(m, object), 0, types[m->type].size);
    } else {
        put_number(m, object, m->fallback);
        if (m->type == MEMBER_IPV4_INTERFACE)
            memset((char *)object + m->more, 0, sizeof(int));
    }
}
