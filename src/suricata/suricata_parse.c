/* A rule's text: its header, and its options by a table of keywords. */
#include "base/alloc.h"
#include "suricata/suricata_private.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_SCTP 132

/* ---- Words and numbers ---- */

char *
suricata_trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t n = strlen(text);
    while (n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    return text;
}

char *
suricata_word(char **text)
{
    if (!*text)
        return NULL;
    char *word = *text, *comma = strchr(word, ',');
    *text = comma ? comma + 1 : NULL;
    if (comma)
        *comma = '\0';
    return suricata_trim(word);
}

enum err
suricata_number(struct parser *p, const char *text, int64_t low, int64_t high, int64_t *v)
{
    char *end;
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    errno = 0;
    long long n = strtoll(text, &end, is_hex ? 16 : 10);
    if (!*text || *end || isspace((unsigned char)*text) || errno)
        return parse_malformed(p, "\"%.40s\" is no number", text);
    if (n < low || n > high)
        return parse_malformed(p, "%lld is not between %lld and %lld", n, (long long)low,
                               (long long)high);
    *v = n;
    return ERR_OK;
}

enum err
suricata_bounds(struct parser *p, const char *text, struct bounds *b)
{
    char copy[64];
    *b = (struct bounds){.comparison = IS_EQUAL};
    if (strlen(text) >= sizeof copy)
        return parse_malformed(p, "\"%.40s...\" is no number", text);
    strcpy(copy, text);
    char *at = copy, *second = strstr(copy, "<>");
    size_t gap = 2;
    if (second) {
        b->comparison = IS_BETWEEN;
    } else if ((second = strchr(copy + (*copy != '\0'), '-'))) {
        b->comparison = IS_WITHIN;
        gap = 1;
    }
    if (second) {
        *second = '\0';
        enum err err = suricata_number(p, suricata_trim(at), 0, UINT32_MAX, &b->a);
        if (!err)
            err = suricata_number(p, suricata_trim(second + gap), 0, UINT32_MAX, &b->b);
        if (!err && b->a >= b->b)
            err = parse_malformed(p, "from %lld to %lld is nothing", (long long)b->a,
                                  (long long)b->b);
        return err;
    }
    if (*at == '!')
        b->comparison = IS_NOT;
    else if (*at == '<')
        b->comparison = at[1] == '=' ? IS_LESS_OR_EQUAL : IS_LESS;
    else if (*at == '>')
        b->comparison = at[1] == '=' ? IS_MORE_OR_EQUAL : IS_MORE;
    if (strchr("!<>=", *at) && *at)
        at += at[1] == '=' ? 2 : 1;
    return suricata_number(p, suricata_trim(at), 0, UINT32_MAX, &b->a);
}

static enum err
need_argument(struct parser *p)
{
    return p->argument ? ERR_OK : parse_malformed(p, "a value is needed");
}

static enum err
keep(struct parser *p, const char *text, const char **kept)
{
    *kept = arena_strdup(p->rules->arena, text);
    return *kept ? ERR_OK : ERR_LIMIT;
}

/* ---- What a rule says of itself ---- */

static enum err
parse_msg(struct parser *p)
{
    char *text = p->argument;
    size_t n = text ? strlen(text) : 0;
    if (n < 2 || text[0] != '"' || text[n - 1] != '"')
        return parse_malformed(p, "it must be in quotes");
    text[n - 1] = '\0';
    char *to = ++text;
    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1])
            from++;
        *to++ = *from;
    }
    *to = '\0';
    return keep(p, text, &p->rule->info.msg);
}

static enum err
parse_identity(struct parser *p)
{
    struct suricata_info *info = &p->rule->info;
    int64_t v = 0;
    enum err err = need_argument(p);
    if (!err)
        err = suricata_number(p, p->argument, *p->keyword == 'r' ? 0 : 1, UINT32_MAX, &v);
    *(*p->keyword == 's'   ? &info->sid
      : *p->keyword == 'g' ? &info->gid
      : *p->keyword == 'r' ? &info->rev
                           : &info->priority) = (uint32_t)v;
    if (!err && *p->keyword == 'p' && v > 255)
        err = parse_malformed(p, "more than 255");
    return err;
}

/* As in the classification.config that rule sets are written for. */
static const struct {
    const char *name;
    uint8_t priority;
} classes[] = {
    {"not-suspicious", 3},
    {"unknown", 3},
    {"bad-unknown", 2},
    {"attempted-recon", 2},
    {"successful-recon-limited", 2},
    {"successful-recon-largescale", 2},
    {"attempted-dos", 2},
    {"successful-dos", 2},
    {"attempted-user", 1},
    {"unsuccessful-user", 1},
    {"successful-user", 1},
    {"attempted-admin", 1},
    {"successful-admin", 1},
    {"rpc-portmap-decode", 2},
    {"shellcode-detect", 1},
    {"string-detect", 3},
    {"suspicious-filename-detect", 2},
    {"suspicious-login", 2},
    {"system-call-detect", 2},
    {"tcp-connection", 4},
    {"trojan-activity", 1},
    {"unusual-client-port-connection", 2},
    {"network-scan", 3},
    {"denial-of-service", 2},
    {"non-standard-protocol", 2},
    {"protocol-command-decode", 3},
    {"web-application-activity", 2},
    {"web-application-attack", 1},
    {"misc-activity", 3},
    {"misc-attack", 2},
    {"icmp-event", 3},
    {"inappropriate-content", 1},
    {"policy-violation", 1},
    {"default-login-attempt", 2},
    {"targeted-activity", 1},
    {"exploit-kit", 1},
    {"external-ip-check", 2},
    {"domain-c2", 1},
    {"pup-activity", 2},
    {"credential-theft", 1},
    {"social-engineering", 2},
    {"coin-mining", 2},
    {"command-and-control", 1},
};

static enum err
parse_classtype(struct parser *p)
{
    enum err err = need_argument(p);
    return err ? err : keep(p, p->argument, &p->rule->info.classtype);
}

static uint32_t
priority_of(const char *classtype)
{
    for (size_t i = 0; classtype && i < ARRAY_SIZE(classes); i++) {
        if (!strcasecmp(classes[i].name, classtype))
            return classes[i].priority;
    }
    return 3;
}

static enum err
parse_reference(struct parser *p)
{
    enum err err = need_argument(p);
    if (err)
        return err;
    buf_printf(p->references, "%s%s", p->references->size ? "; " : "", p->argument);
    return ERR_OK;
}

static enum err
parse_noted(struct parser *p)
{
    return need_argument(p); /* metadata, target: for those who manage rules */
}

static enum err
parse_nothing(struct parser *p)
{
    return p->argument ? parse_malformed(p, "it takes no value") : ERR_OK;
}

static enum err
parse_noalert(struct parser *p)
{
    p->rule->is_silent = true;
    return parse_nothing(p);
}

/* ---- Packets ---- */

static enum err
parse_packet_number(struct parser *p)
{
    static const struct {
        const char *keyword;
        size_t bounds, has;
    } rows[] = {
        {"dsize", offsetof(struct rule, dsize), offsetof(struct rule, has_dsize)},
        {"ttl", offsetof(struct rule, ttl), offsetof(struct rule, has_ttl)},
        {"itype", offsetof(struct rule, itype), offsetof(struct rule, has_itype)},
        {"icode", offsetof(struct rule, icode), offsetof(struct rule, has_icode)},
    };
    enum err err = need_argument(p);
    for (size_t i = 0; !err && i < ARRAY_SIZE(rows); i++) {
        if (strcmp(rows[i].keyword, p->keyword) != 0)
            continue;
        bool *has = (bool *)((char *)p->rule + rows[i].has);
        if (*has)
            return parse_malformed(p, "it stands twice");
        *has = p->rule->asks_packet = true;
        err = suricata_bounds(p, p->argument,
                              (struct bounds *)(void *)((char *)p->rule + rows[i].bounds));
    }
    return err;
}

/* A number of it, or a name, with '!', '<' or '>' before it. */
static enum err
parse_ip_proto(struct parser *p)
{
    static const struct {
        const char *name;
        uint8_t number;
    } names[] = {{"icmp", 1}, {"igmp", 2}, {"tcp", 6},     {"udp", 17},   {"gre", 47},
                 {"esp", 50}, {"ah", 51},  {"icmpv6", 58}, {"sctp", 132}, {"ospf", 89}};
    struct rule *r = p->rule;
    enum err err = need_argument(p);
    if (!err && r->has_ip_proto)
        err = parse_unsupported(p, "several of it");
    if (err)
        return err;
    char text[16];
    size_t n = strspn(p->argument, "!<>");
    const char *word = suricata_trim(p->argument + n);
    int number = -1;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        number = strcasecmp(names[i].name, word) ? number : names[i].number;
    if (n > 1)
        return parse_malformed(p, "\"%.40s\" is no protocol", p->argument);
    if (number >= 0)
        snprintf(text, sizeof text, "%.*s%d", (int)n, p->argument, number);
    r->has_ip_proto = r->asks_packet = true;
    return suricata_bounds(p, number >= 0 ? text : p->argument, &r->ip_proto);
}

static enum err
parse_sameip(struct parser *p)
{
    p->rule->same_ip = p->rule->asks_packet = true;
    return parse_nothing(p);
}

static enum err
flag_bits(struct parser *p, const char *text, struct rule *r, uint8_t *bits)
{
    static const char letters[] = "FSRPAUEC";
    for (; *text; text++) {
        const char *letter = strchr(letters, toupper((unsigned char)*text));
        if (strchr("!+*", *text) && r)
            r->flags_how = *text;
        else if (*text == '1' || *text == '2')
            *bits |= *text == '1' ? 0x80 : 0x40;
        else if (letter)
            *bits |= (uint8_t)(1u << (letter - letters));
        else if (*text != '0')
            return parse_malformed(p, "'%c' is no flag", *text);
    }
    return ERR_OK;
}

static enum err
parse_flags(struct parser *p)
{
    struct rule *r = p->rule;
    enum err err = need_argument(p);
    if (err)
        return err;
    char *rest = p->argument, *flags = suricata_word(&rest), *ignored = suricata_word(&rest);
    r->has_flags = r->asks_packet = true;
    r->flags_how = '=';
    err = flag_bits(p, flags, r, &r->flags);
    if (!err && ignored)
        err = flag_bits(p, ignored, NULL, &r->flags_mask);
    r->flags_mask = (uint8_t)~r->flags_mask;
    return err;
}

/* ---- Conversations ---- */

static enum err
parse_flow(struct parser *p)
{
    static const struct {
        const char *word;
        enum flow_is is;
    } words[] = {
        {"to_server", FLOW_TO_SERVER},     {"from_client", FLOW_TO_SERVER},
        {"to_client", FLOW_TO_CLIENT},     {"from_server", FLOW_TO_CLIENT},
        {"established", FLOW_ESTABLISHED}, {"not_established", FLOW_NOT_ESTABLISHED},
        {"stateless", FLOW_STATELESS},     {"only_stream", FLOW_ONLY_STREAM},
        {"no_stream", FLOW_NO_STREAM},
    };
    enum err err = need_argument(p);
    char *rest = p->argument, *word;
    uint8_t *flow = &p->rule->flow;
    while (!err && (word = suricata_word(&rest))) {
        uint8_t is = 0;
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
            is |= (uint8_t)(strcasecmp(words[i].word, word) ? 0 : words[i].is);
        if (!strcasecmp(word, "no_frag") || !strcasecmp(word, "only_frag"))
            return parse_unsupported(p, "%s", word);
        if (!is || *flow & is)
            return parse_malformed(p, "\"%.40s\" %s", word, is ? "stands twice" : "is not known");
        *flow |= is;
    }
    if ((*flow & FLOW_TO_SERVER && *flow & FLOW_TO_CLIENT) ||
        (*flow & FLOW_ONLY_STREAM && *flow & FLOW_NO_STREAM) ||
        __builtin_popcount(*flow & (FLOW_ESTABLISHED | FLOW_NOT_ESTABLISHED | FLOW_STATELESS)) > 1)
        return parse_malformed(p, "two that exclude each other");
    return err;
}

static const struct protocol *
protocol_named(const struct parser *p, const char *name)
{
    const struct protocol *const *known = p->rules->protocols;
    for (; known && *known; known++) {
        if (!strcmp((*known)->name, name) && (*known)->carriers & (CARRIER_TCP | CARRIER_UDP))
            return *known;
    }
    return NULL;
}

static enum err
parse_app_layer_protocol(struct parser *p)
{
    struct rule *r = p->rule;
    enum err err = need_argument(p);
    if (err)
        return err;
    bool is_other = *p->argument == '!';
    const char *name = suricata_trim(p->argument + is_other);
    const struct protocol *app = protocol_named(p, name);
    if (!app)
        return parse_unsupported(p, "protocol %.40s", name);
    if (r->app)
        return parse_malformed(p, "the rule is of %s", r->app_name);
    r->app = app;
    r->app_name = app->name;
    r->is_other_app = is_other;
    return ERR_OK;
}

static enum err
flowbit_number(struct parser *p, const char *name, uint16_t *number)
{
    return suricata_flowbit(p->rules, name, number) ? ERR_OK
                                                    : parse_unsupported(p, "too many flowbits");
}

bool
suricata_flowbit_kind(const char *word, enum flowbit_kind *kind)
{
    static const struct {
        const char *word;
        enum flowbit_kind kind;
    } words[] = {{"set", FLOWBIT_SET},
                 {"unset", FLOWBIT_UNSET},
                 {"toggle", FLOWBIT_TOGGLE},
                 {"isset", FLOWBIT_ISSET},
                 {"isnotset", FLOWBIT_ISNOTSET}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (!strcmp(words[i].word, word)) {
            *kind = words[i].kind;
            return true;
        }
    }
    return false;
}

static enum err
parse_flowbits(struct parser *p)
{
    enum err err = need_argument(p);
    if (err)
        return err;
    char *rest = p->argument, *word = suricata_word(&rest), *name = suricata_word(&rest);
    if (!strcmp(word, "noalert") && !name) {
        p->rule->is_silent = true;
        return ERR_OK;
    }
    enum flowbit_kind kind;
    if (!suricata_flowbit_kind(word, &kind) || !name || rest)
        return parse_malformed(p, "set, unset, toggle, isset or isnotset, and a name are needed");
    while (name) {
        char *bar = strchr(name, '|');
        if (bar && kind != FLOWBIT_ISSET && kind != FLOWBIT_ISNOTSET)
            return parse_malformed(p, "'|' where something is set");
        if (bar)
            *bar = '\0';
        name = suricata_trim(name);
        if (p->rule->n_flowbits == RULE_FLOWBITS)
            return parse_unsupported(p, "more than %d", RULE_FLOWBITS);
        if (!*name || strpbrk(name, " \t"))
            return parse_malformed(p, "\"%.40s\" is no name", name);
        struct flowbit *b = &p->flowbits[p->rule->n_flowbits++];
        *b = (struct flowbit){.kind = kind, .or_next = bar};
        err = flowbit_number(p, name, &b->bit);
        if (err)
            return err;
        name = bar ? bar + 1 : NULL;
    }
    return ERR_OK;
}

/* ---- Thresholds ---- */

static enum err
parse_threshold_part(struct parser *p, struct threshold *t, char *word)
{
    char *value = strchr(word, ' ');
    int64_t v = 0;
    enum err err;
    if (!value)
        return parse_malformed(p, "\"%.40s\" has no value", word);
    *value = '\0';
    value = suricata_trim(value + 1);
    if (!strcmp(word, "type") && !t->is_filter) {
        t->kind = !strcmp(value, "limit")       ? THRESHOLD_LIMIT
                  : !strcmp(value, "threshold") ? THRESHOLD_EACH
                  : !strcmp(value, "both")      ? THRESHOLD_BOTH
                                                : THRESHOLD_NONE;
        return t->kind ? ERR_OK : parse_unsupported(p, "type %.40s", value);
    }
    if (!strcmp(word, "track")) {
        t->track = !strcmp(value, "by_src")    ? 1
                   : !strcmp(value, "by_dst")  ? 2
                   : !strcmp(value, "by_both") ? 3
                   : !strcmp(value, "by_rule") ? 4
                                               : 0;
        return t->track ? ERR_OK : parse_unsupported(p, "track %.40s", value);
    }
    if (strcmp(word, "count") != 0 && strcmp(word, "seconds") != 0)
        return parse_malformed(p, "\"%.40s\" is not known", word);
    err = suricata_number(p, value, 1, 10000000, &v);
    *(*word == 'c' ? &t->count : &t->seconds) = (uint32_t)v;
    return err;
}

static enum err
parse_threshold(struct parser *p)
{
    bool is_filter = !strcmp(p->keyword, "detection_filter");
    struct threshold *t = is_filter ? &p->rule->filter : &p->rule->threshold;
    enum err err = need_argument(p);
    char *rest = p->argument, *word;
    if (p->rule->filter.kind || p->rule->threshold.kind)
        return parse_malformed(p, "a rule counts once");
    t->is_filter = is_filter;
    t->kind = is_filter ? THRESHOLD_EACH : THRESHOLD_NONE;
    while (!err && (word = suricata_word(&rest)))
        err = parse_threshold_part(p, t, word);
    if (!err && (!t->kind || !t->track || !t->count || !t->seconds))
        err = parse_malformed(p, "%strack, count and seconds are needed",
                              is_filter ? "" : "type, ");
    return err;
}

/* ---- Keywords ---- */

/* A content of http.uri. */
static enum err
parse_uricontent(struct parser *p)
{
    enum err err = parse_content(p);
    p->argument = NULL;
    return err ? err : parse_buffer(p, "http_uri");
}

static const struct {
    const char *name;
    enum err (*parse)(struct parser *);
} keywords[] = {
    {"msg", parse_msg},
    {"sid", parse_identity},
    {"rev", parse_identity},
    {"gid", parse_identity},
    {"priority", parse_identity},
    {"classtype", parse_classtype},
    {"reference", parse_reference},
    {"metadata", parse_noted},
    {"target", parse_noted},
    {"noalert", parse_noalert},
    {"content", parse_content},
    {"nocase", parse_content_modifier},
    {"offset", parse_content_modifier},
    {"depth", parse_content_modifier},
    {"distance", parse_content_modifier},
    {"within", parse_content_modifier},
    {"startswith", parse_content_modifier},
    {"endswith", parse_content_modifier},
    {"fast_pattern", parse_content_modifier},
    {"rawbytes", parse_nothing},
    {"bsize", parse_bsize},
    {"urilen", parse_urilen},
    {"dotprefix", parse_transform},
    {"to_lowercase", parse_transform},
    {"to_uppercase", parse_transform},
    {"compress_whitespace", parse_transform},
    {"strip_whitespace", parse_transform},
    {"url_decode", parse_transform},
    {"app-layer-protocol", parse_app_layer_protocol},
    {"isdataat", parse_isdataat},
    {"pcre", parse_pcre},
    {"byte_test", parse_bytes},
    {"byte_jump", parse_bytes},
    {"byte_extract", parse_bytes},
    {"dsize", parse_packet_number},
    {"ttl", parse_packet_number},
    {"itype", parse_packet_number},
    {"icode", parse_packet_number},
    {"sameip", parse_sameip},
    {"flags", parse_flags},
    {"tcp.flags", parse_flags},
    {"flow", parse_flow},
    {"flowbits", parse_flowbits},
    {"xbits", parse_xbits},
    {"ip_proto", parse_ip_proto},
    {"uricontent", parse_uricontent},
    {"threshold", parse_threshold},
    {"detection_filter", parse_threshold},
    {"modbus", parse_modbus},
    {"dnp3_func", parse_dnp3},
    {"dnp3_ind", parse_dnp3},
    {"dnp3_obj", parse_dnp3},
    {"enip_command", parse_enip},
    {"cip_service", parse_enip},
};

/* Where the option ends: at a ';' without '\' before it. NULL: nowhere. */
static char *
option_end(char *text)
{
    for (; *text; text++) {
        if (*text == '\\' && text[1])
            text++;
        else if (*text == ';')
            return text;
    }
    return NULL;
}

static enum err
parse_option(struct parser *p, char *text)
{
    char *colon = strchr(text, ':');
    if (colon)
        *colon = '\0';
    char *name = suricata_trim(text);
    p->argument = colon ? suricata_trim(colon + 1) : NULL;
    if (p->argument && !*p->argument)
        p->argument = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
        if (!strcmp(keywords[i].name, name)) {
            p->keyword = keywords[i].name;
            return keywords[i].parse(p);
        }
    }
    enum err err = keep(p, *name ? name : "(nothing)", &p->keyword);
    if (!err)
        err = parse_buffer(p, name);
    return err == ERR_NOT_FOUND ? parse_unsupported(p, "this keyword is not there") : err;
}

static enum err
parse_options(struct parser *p, char *text)
{
    for (text = suricata_trim(text); *text; text = suricata_trim(text)) {
        char *end = option_end(text);
        if (!end) {
            p->keyword = "options";
            return parse_malformed(p, "\"%.40s\" has no ';' behind it", text);
        }
        *end = '\0';
        enum err err = parse_option(p, text);
        if (err)
            return err;
        text = end + 1;
    }
    return ERR_OK;
}

/* ---- Header ---- */

/* The next word; spaces in brackets are part of it. NULL: there is none. */
static char *
header_word(char **text)
{
    char *at = *text + strspn(*text, " \t"), *word = at;
    int depth = 0;
    if (!*at)
        return NULL;
    for (; *at && (depth > 0 || !strchr(" \t", *at)); at++)
        depth += *at == '[' ? 1 : *at == ']' ? -1 : 0;
    *text = *at ? at + 1 : at;
    *at = '\0';
    return word;
}

static enum err
parse_action(struct parser *p, const char *word)
{
    static const char *const known[] = {"alert",     "drop",      "reject",
                                        "rejectsrc", "rejectdst", "rejectboth"};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (!strcmp(known[i], word)) {
            p->rule->info.action = i > 2 ? "reject" : known[i];
            return ERR_OK;
        }
    }
    if (!strcmp(word, "pass") || !strcmp(word, "config"))
        return parse_unsupported(p, "action %s", word);
    return parse_malformed(p, "\"%.40s\" is no action", word);
}

static enum err
parse_proto(struct parser *p, const char *word)
{
    static const struct {
        const char *word;
        uint8_t proto;
        uint8_t flow;
    } carriers[] = {{"ip", 0, 0},
                    {"tcp", PROTO_TCP, 0},
                    {"udp", PROTO_UDP, 0},
                    {"icmp", PROTO_ICMP, 0},
                    {"sctp", PROTO_SCTP, 0},
                    {"tcp-pkt", PROTO_TCP, FLOW_NO_STREAM},
                    {"tcp-stream", PROTO_TCP, FLOW_ONLY_STREAM}};
    static const char *const others[] = {
        "http",   "http1",     "http2",  "ftp",    "ftp-data",       "tls",   "smb",    "dns",
        "dcerpc", "dhcp",      "ssh",    "smtp",   "imap",           "pop3",  "modbus", "dnp3",
        "enip",   "nfs",       "ike",    "krb5",   "bittorrent-dht", "ntp",   "rfb",    "rdp",
        "snmp",   "tftp",      "sip",    "quic",   "telnet",         "mqtt",  "pgsql",  "ldap",
        "doh2",   "websocket", "tcpv4",  "tcpv6",  "udpv4",          "udpv6", "ipv4",   "ipv6",
        "ip4",    "ip6",       "icmpv4", "icmpv6", "pkthdr",         "arp",   "ether",
    };
    for (size_t i = 0; i < ARRAY_SIZE(carriers); i++) {
        if (strcmp(carriers[i].word, word) != 0)
            continue;
        p->rule->proto = carriers[i].proto;
        p->rule->flow = carriers[i].flow;
        p->rule->is_icmp = carriers[i].proto == PROTO_ICMP;
        return ERR_OK;
    }
    p->rule->app = protocol_named(p, !strcmp(word, "http1") ? "http" : word);
    if (p->rule->app) {
        p->rule->app_name = p->rule->app->name;
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (!strcmp(others[i], word))
            return parse_unsupported(p, "protocol %s", word);
    }
    return parse_malformed(p, "\"%.40s\" is no protocol", word);
}

static enum err
parse_header(struct parser *p, char *text)
{
    struct rule *r = p->rule;
    char *words[7];
    p->keyword = "header";
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = header_word(&text);
        if (!words[i])
            return parse_malformed(p, "action, protocol, address, port, direction, address and "
                                      "port are needed");
    }
    if (header_word(&text))
        return parse_malformed(p, "more than seven words");
    r->is_both_ways = !strcmp(words[4], "<>");
    if (!r->is_both_ways && strcmp(words[4], "->") != 0)
        return parse_malformed(p, "\"%.40s\" is no direction", words[4]);
    enum err err = parse_action(p, words[0]);
    if (!err)
        err = parse_proto(p, words[1]);
    if (!err)
        err = suricata_set_parse(p, words[2], false, &r->from);
    if (!err)
        err = suricata_set_parse(p, words[3], true, &r->from_ports);
    if (!err)
        err = suricata_set_parse(p, words[5], false, &r->to);
    if (!err)
        err = suricata_set_parse(p, words[6], true, &r->to_ports);
    return err;
}

/* ---- All together ---- */

static bool
says_where(const struct element *e)
{
    const struct content *c = &e->content;
    switch (e->kind) {
    case ELEMENT_CONTENT:
        return c->has_offset || c->has_depth || c->starts;
    case ELEMENT_PCRE:
        return e->is_anchored;
    default:
        return !e->is_relative;
    }
}

/* Where the rule is looked at. Of TCP, what says where in a packet something is, is looked for in
 * packets, and where a stream begins; the rest in streams. */
static enum err
choose_stages(struct parser *p)
{
    struct rule *r = p->rule;
    bool is_placed = false;
    unsigned carriers = r->proto == 0           ? CARRIER_TCP | CARRIER_UDP
                        : r->proto == PROTO_TCP ? CARRIER_TCP
                                                : CARRIER_UDP;
    if (r->app && !r->is_other_app)
        carriers &= r->app->carriers;
    p->keyword = "flow";
    for (unsigned i = 0; i < r->n_elements; i++)
        is_placed |= says_where(&r->elements[i]);
    bool has_messages = r->n_messages || r->n_groups;
    if (has_messages && !r->n_elements && !r->asks_packet) {
        r->stages = STAGE_MESSAGE;
        return ERR_OK;
    }
    if (r->flow & FLOW_ONLY_STREAM && (r->asks_packet || !r->n_elements))
        return parse_malformed(p, "only_stream, and nothing that could be in one");
    bool in_packets = r->asks_packet || !r->n_elements || r->flow & FLOW_NO_STREAM;
    r->stages |= has_messages ? STAGE_MESSAGE : 0;
    if (carriers & CARRIER_UDP)
        r->stages |= STAGE_DATAGRAM;
    if (!(carriers & CARRIER_TCP))
        return ERR_OK;
    if (!in_packets)
        r->stages |= STAGE_STREAM;
    if (in_packets || (is_placed && !(r->flow & FLOW_ONLY_STREAM)))
        r->stages |= STAGE_SEGMENT;
    return ERR_OK;
}

static enum err
settle(struct parser *p)
{
    struct rule *r = p->rule;
    struct arena *arena = p->rules->arena;
    r->messages = arena_memdup(arena, p->messages, r->n_messages * sizeof *r->messages);
    r->flowbits = arena_memdup(arena, p->flowbits, r->n_flowbits * sizeof *r->flowbits);
    r->xbits = arena_memdup(arena, p->xbits, r->n_xbits * sizeof *r->xbits);
    if (!r->messages || !r->flowbits || !r->xbits)
        return ERR_LIMIT;
    if (!r->info.priority)
        r->info.priority = priority_of(r->info.classtype);
    r->is_header = !r->n_elements && !r->n_messages && !r->n_groups && !r->asks_packet &&
                   !r->n_flowbits && !r->app && !r->flow;
    return p->references->size ? keep(p, buf_cstr(p->references), &r->info.references) : ERR_OK;
}

/* A rule that has no number yet may be refused by it all the same. */
static uint32_t
find_sid(const char *text)
{
    for (const char *at = text; (at = strstr(at, "sid:")); at += 4) {
        if (at == text || strchr("; (", at[-1]))
            return (uint32_t)strtoul(at + 4, NULL, 10);
    }
    return 0;
}

enum err
suricata_parse(struct parser *p, char *text)
{
    struct rule *r = p->rule;
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    r->info.gid = 1;
    r->info.msg = "";
    r->info.sid = find_sid(text);
    p->keyword = "header";
    if (!open || !close || close < open || *suricata_trim(close + 1))
        return parse_malformed(p, "no options between '(' and ')' at its end");
    *open = *close = '\0';
    enum err err = parse_header(p, text);
    if (!err)
        err = parse_options(p, open + 1);
    if (!err)
        err = suricata_check_elements(p);
    if (!err)
        err = suricata_part_groups(p);
    if (!err)
        err = choose_stages(p);
    if (!err)
        err = settle(p);
    p->keyword = err == ERR_OK ? "sid" : p->keyword;
    if (!err && !r->info.sid)
        err = parse_malformed(p, "a rule needs one");
    return err;
}
