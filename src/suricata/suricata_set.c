/* Sets of addresses and of ports, as the header of a rule has them: any, one, a prefix or a range,
 * a group in brackets, each negated with '!', and variables. A group has what one of its members
 * has and no negated one; of negated ones alone, everything else. */
#include "packet/addr.h"
#include "suricata/suricata_private.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- Asking ---- */

static bool
prefix_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned octets = bits / 8, rest = bits % 8;
    if (memcmp(a, b, octets) != 0)
        return false;
    return !rest || (uint8_t)((a[octets] ^ b[octets]) >> (8 - rest)) == 0;
}

static bool
group_has(const struct set *s, uint8_t ip, const uint8_t *address, uint16_t port)
{
    bool has = false, has_plain = false;
    for (size_t i = 0; i < s->n_members; i++) {
        const struct set *m = s->members[i];
        bool in = address ? set_has_address(m, ip, address) : set_has_port(m, port);
        if (m->is_negated && !in)
            return false;
        has_plain |= !m->is_negated;
        has |= !m->is_negated && in;
    }
    return has || !has_plain;
}

static bool
intervals_have(const struct set *s, uint32_t address)
{
    size_t low = 0, high = s->n_intervals;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->intervals[middle].high < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->n_intervals && s->intervals[low].low <= address;
}

bool
set_has_address(const struct set *s, uint8_t ip, const uint8_t *address)
{
    bool has = false;
    switch (s->kind) {
    case SET_ANY:
        has = true;
        break;
    case SET_PREFIX:
        has = s->ip == ip && prefix_equal(s->address, address, s->prefix);
        break;
    case SET_RANGE:
        has = ip == 4 && get_be32(address) >= s->low && get_be32(address) <= s->high;
        break;
    case SET_GROUP:
        has = s->intervals ? ip == 4 && intervals_have(s, get_be32(address))
                           : group_has(s, ip, address, 0);
        break;
    }
    return has != s->is_negated;
}

bool
set_has_port(const struct set *s, uint16_t port)
{
    bool has = s->kind == SET_ANY || (s->kind == SET_RANGE && port >= s->low && port <= s->high) ||
               (s->kind == SET_GROUP && group_has(s, 0, NULL, port));
    return has != s->is_negated;
}

/* ---- Reading ---- */

struct set_reading {
    struct parser *p;
    bool is_ports;
};

static enum err parse_set(struct set_reading *, const char *text, size_t n, unsigned depth,
                          const struct set **);

static enum err
parse_port(struct parser *p, char *text, struct set *s)
{
    int64_t low, high;
    char *colon = strchr(text, ':');
    if (colon)
        *colon = '\0';
    char *first = suricata_trim(text), *last = colon ? suricata_trim(colon + 1) : first;
    if (colon && !*first && !*last)
        return parse_malformed(p, "':' has no port");
    enum err err = suricata_number(p, *first ? first : "0", 0, UINT16_MAX, &low);
    if (!err)
        err = suricata_number(p, *last ? last : "65535", 0, UINT16_MAX, &high);
    if (err)
        return err;
    if (low > high)
        return parse_malformed(p, "ports %d to %d", (int)low, (int)high);
    s->kind = SET_RANGE;
    s->low = (uint32_t)low;
    s->high = (uint32_t)high;
    return ERR_OK;
}

static enum err
parse_address(struct parser *p, char *text, struct set *s)
{
    char *dash = strchr(text, '-'), *slash = strchr(text, '/');
    bool is_v6 = strchr(text, ':');
    uint32_t address;
    int64_t prefix = is_v6 ? 128 : 32;
    if (dash) {
        *dash = '\0';
        s->kind = SET_RANGE;
        if (ipv4_parse(suricata_trim(text), &s->low) ||
            ipv4_parse(suricata_trim(dash + 1), &s->high) || s->low > s->high)
            return parse_malformed(p, "%.40s is no range of IPv4 addresses", text);
        return ERR_OK;
    }
    if (slash) {
        *slash = '\0';
        uint32_t mask;
        if (!is_v6 && strchr(slash + 1, '.')) {
            if (ipv4_parse(slash + 1, &mask) || (~mask & (~mask + 1)))
                return parse_malformed(p, "%.40s is no mask", slash + 1);
            prefix = __builtin_popcount(mask);
        } else {
            enum err err = suricata_number(p, slash + 1, 0, prefix, &prefix);
            if (err)
                return err;
        }
    }
    s->kind = SET_PREFIX;
    s->ip = is_v6 ? 6 : 4;
    s->prefix = (uint8_t)prefix;
    if (is_v6 ? ipv6_parse(text, s->address) != ERR_OK : ipv4_parse(text, &address) != ERR_OK)
        return parse_malformed(p, "%.60s is no address", text);
    if (!is_v6)
        put_be32(s->address, address);
    return ERR_OK;
}

static const struct {
    const char *name, *value;
} usual[] = {
    {"HOME_NET", "[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]"},
    {"EXTERNAL_NET", "any"},
    {"HTTP_SERVERS", "$HOME_NET"},
    {"SMTP_SERVERS", "$HOME_NET"},
    {"SQL_SERVERS", "$HOME_NET"},
    {"DNS_SERVERS", "$HOME_NET"},
    {"TELNET_SERVERS", "$HOME_NET"},
    {"AIM_SERVERS", "$EXTERNAL_NET"},
    {"DC_SERVERS", "$HOME_NET"},
    {"DNP3_SERVER", "$HOME_NET"},
    {"DNP3_CLIENT", "$HOME_NET"},
    {"MODBUS_CLIENT", "$HOME_NET"},
    {"MODBUS_SERVER", "$HOME_NET"},
    {"ENIP_CLIENT", "$HOME_NET"},
    {"ENIP_SERVER", "$HOME_NET"},
    {"HTTP_PORTS", "80"},
    {"SHELLCODE_PORTS", "!80"},
    {"ORACLE_PORTS", "1521"},
    {"SSH_PORTS", "22"},
    {"DNP3_PORTS", "20000"},
    {"MODBUS_PORTS", "502"},
    {"FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"},
    {"FTP_PORTS", "21"},
    {"GENEVE_PORTS", "6081"},
    {"VXLAN_PORTS", "4789"},
    {"TEREDO_PORTS", "3544"},
};

static const char *
variable(const struct parser *p, const char *name, size_t n)
{
    for (size_t i = 0; i < p->rules->n_variables; i++) {
        const struct suricata_variable *v = &p->rules->variables[i];
        if (strlen(v->name) == n && !memcmp(v->name, name, n))
            return v->value;
    }
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++) {
        if (strlen(usual[i].name) == n && !memcmp(usual[i].name, name, n))
            return usual[i].value;
    }
    return NULL;
}

/* Where the member that begins at `text` ends. */
static size_t
member_size(const char *text, size_t n)
{
    int depth = 0;
    size_t i = 0;
    for (; i < n && (depth || text[i] != ','); i++)
        depth += text[i] == '[' ? 1 : text[i] == ']' ? -1 : 0;
    return i;
}

static int
compare_intervals(const void *a, const void *b)
{
    uint32_t x = ((const struct interval *)a)->low, y = ((const struct interval *)b)->low;
    return x < y ? -1 : x > y;
}

/* Lists of addresses are long in some rules: one of nothing else is sorted. */
static enum err
sort_group(struct parser *p, struct set *s)
{
    for (size_t i = 0; i < s->n_members; i++) {
        const struct set *m = s->members[i];
        if (m->is_negated || !(m->kind == SET_RANGE || (m->kind == SET_PREFIX && m->ip == 4)))
            return ERR_OK;
    }
    struct interval *all = arena_calloc(p->rules->arena, s->n_members, sizeof *all);
    size_t n = 0;
    if (!all)
        return ERR_LIMIT;
    for (size_t i = 0; i < s->n_members; i++) {
        const struct set *m = s->members[i];
        uint32_t rest = m->prefix ? (uint32_t)(UINT64_C(0xffffffff) >> m->prefix) : UINT32_MAX;
        uint32_t address = get_be32(m->address);
        all[i] = m->kind == SET_RANGE ? (struct interval){m->low, m->high}
                                      : (struct interval){address & ~rest, address | rest};
    }
    qsort(all, s->n_members, sizeof *all, compare_intervals);
    for (size_t i = 0; i < s->n_members; i++) {
        if (n && all[i].low <= all[n - 1].high)
            all[n - 1].high = MAX(all[n - 1].high, all[i].high);
        else
            all[n++] = all[i];
    }
    s->intervals = all;
    s->n_intervals = n;
    return ERR_OK;
}

static enum err
parse_group(struct set_reading *r, const char *text, size_t n, unsigned depth, struct set *s)
{
    struct parser *p = r->p;
    size_t most = 1;
    for (size_t i = 0; i < n; i++)
        most += text[i] == ',';
    s->kind = SET_GROUP;
    s->members = arena_calloc(p->rules->arena, most, sizeof *s->members);
    if (!s->members)
        return ERR_LIMIT;
    for (size_t at = 0; at <= n;) {
        size_t size = member_size(text + at, n - at);
        enum err err = parse_set(r, text + at, size, depth + 1, &s->members[s->n_members]);
        if (err)
            return err;
        s->n_members++;
        at += size + 1;
    }
    return r->is_ports ? ERR_OK : sort_group(p, s);
}

static enum err
parse_one(struct set_reading *r, const char *text, size_t n, struct set *s)
{
    char copy[80];
    if (!n || n >= sizeof copy)
        return parse_malformed(r->p, n ? "%.70s... is too long" : "something is missing", text);
    memcpy(copy, text, n);
    copy[n] = '\0';
    if (!strcasecmp(copy, "any")) {
        s->kind = SET_ANY;
        if (s->is_negated)
            return parse_malformed(r->p, "not any is nothing");
        return ERR_OK;
    }
    return r->is_ports ? parse_port(r->p, copy, s) : parse_address(r->p, copy, s);
}

static enum err
parse_set(struct set_reading *r, const char *text, size_t n, unsigned depth,
          const struct set **result)
{
    struct parser *p = r->p;
    if (depth > SET_DEPTH)
        return parse_malformed(p, "groups and variables deeper than %d", SET_DEPTH);
    struct set *s = arena_alloc(p->rules->arena, sizeof *s);
    if (!s)
        return ERR_LIMIT;
    while (n && isspace((unsigned char)text[n - 1]))
        n--;
    while (n && (isspace((unsigned char)*text) || *text == '!')) {
        s->is_negated ^= *text == '!';
        text++;
        n--;
    }
    *result = s;
    if (n > 1 && *text == '$') {
        const char *value = variable(p, text + 1, n - 1);
        if (!value)
            return parse_malformed(p, "%.*s is not known", (int)MIN(n, 60u), text);
        if (!s->is_negated)
            return parse_set(r, value, strlen(value), depth + 1, result);
        return parse_group(r, value, strlen(value), depth, s);
    }
    if (n > 1 && *text == '[') {
        if (text[n - 1] != ']')
            return parse_malformed(p, "'[' has no ']'");
        return parse_group(r, text + 1, n - 2, depth, s);
    }
    return parse_one(r, text, n, s);
}

enum err
suricata_set_parse(struct parser *p, const char *text, bool is_ports, const struct set **result)
{
    struct set_reading r = {.p = p, .is_ports = is_ports};
    return parse_set(&r, text, strlen(text), 0, result);
}
