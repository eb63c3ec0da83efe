/* suricata_private.h - a rule as it is held in memory, and what its makers and its users share. */
#ifndef SURICATA_SURICATA_PRIVATE_H
#define SURICATA_SURICATA_PRIVATE_H

#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "suricata/suricata.h"

#include <pcre2.h>
#include <string.h>

#define RULE_ELEMENTS 64  /* contents, tests and so on of a rule */
#define RULE_VARIABLES 8  /* byte_extract */
#define RULE_FLOWBITS 16  /* of a rule */
#define RULE_MESSAGES 16  /* keywords about messages */
#define RULE_GROUPS 24    /* buffers that are looked into, the payload among them */
#define RULE_TRANSFORMS 6 /* of a buffer */
#define RULE_XBITS 8
#define BODY_MAX 102400u  /* octets of a body that are looked at */
#define CONTENT_MAX 4096u /* octets */
#define SET_DEPTH 16      /* groups in groups, variables in variables */

/* ---- Addresses and ports ---- */

enum set_kind {
    SET_ANY,
    SET_PREFIX, /* of addresses */
    SET_RANGE,  /* of addresses (IPv4), or ports */
    SET_GROUP,
};

struct set {
    enum set_kind kind;
    bool is_negated;
    uint8_t ip, prefix; /* of a PREFIX */
    uint8_t address[16];
    uint32_t low, high;
    const struct set **members; /* of a GROUP */
    size_t n_members;
    struct interval *intervals; /* the same, rising, of nothing but IPv4 addresses; NULL */
    size_t n_intervals;
};

struct interval {
    uint32_t low, high;
};

bool set_has_address(const struct set *, uint8_t ip, const uint8_t *address);
bool set_has_port(const struct set *, uint16_t port);

/* ---- Numbers ---- */

enum comparison {
    IS_EQUAL,
    IS_NOT,
    IS_LESS,
    IS_LESS_OR_EQUAL,
    IS_MORE,
    IS_MORE_OR_EQUAL,
    IS_BETWEEN, /* neither of both */
    IS_WITHIN,  /* or one of both */
};

struct bounds {
    enum comparison comparison;
    int64_t a, b;
};

static inline bool
bounds_hold(const struct bounds *b, int64_t v)
{
    switch (b->comparison) {
    case IS_EQUAL:
        return v == b->a;
    case IS_NOT:
        return v != b->a;
    case IS_LESS:
        return v < b->a;
    case IS_LESS_OR_EQUAL:
        return v <= b->a;
    case IS_MORE:
        return v > b->a;
    case IS_MORE_OR_EQUAL:
        return v >= b->a;
    case IS_BETWEEN:
        return v > b->a && v < b->b;
    case IS_WITHIN:
        return v >= b->a && v <= b->b;
    }
    return false;
}

/* ---- Elements: what is looked for in a payload, in the order it is written ---- */

/* A number, or a variable of byte_extract. */
struct operand {
    int64_t number;
    int variable; /* -1: it is the number */
};

enum element_kind {
    ELEMENT_CONTENT,
    ELEMENT_PCRE,
    ELEMENT_ISDATAAT,
    ELEMENT_TEST,
    ELEMENT_JUMP,
    ELEMENT_EXTRACT,
};

struct content {
    const uint8_t *octets; /* of `nocase`: in lower case */
    uint32_t size;
    bool nocase, has_offset, has_depth, has_distance, has_within;
    bool starts, ends;
    bool is_fast, is_fast_only;
    uint32_t fast_at, fast_size; /* of the pattern that is looked for first; 0: all of it */
    struct operand offset, depth, distance, within;
};

enum radix {
    RADIX_BINARY,
    RADIX_HEX = 16,
    RADIX_DEC = 10,
    RADIX_OCT = 8,
};

enum byte_operator {
    BYTE_EQUAL,
    BYTE_LESS,
    BYTE_MORE,
    BYTE_LESS_OR_EQUAL,
    BYTE_MORE_OR_EQUAL,
    BYTE_AND,
    BYTE_OR,
};

/* byte_test, byte_jump, byte_extract. */
struct bytes {
    uint32_t n;
    struct operand offset, value;
    enum byte_operator op;
    bool is_not, is_little;
    enum radix radix;
    uint32_t mask, multiplier, align;
    bool from_beginning, from_end;
    int32_t post_offset;
    int variable; /* that is set */
};

struct element {
    enum element_kind kind;
    uint8_t group; /* while it is read: of the parser's groups */
    bool is_negated, is_relative;
    bool is_anchored; /* a pcre: it must be where the payload begins */
    union {
        struct content content;
        pcre2_code *pcre;
        struct operand at; /* isdataat */
        struct bytes bytes;
    };
};

/* ---- Messages ---- */

enum message_kind {
    MESSAGE_MODBUS,
    MESSAGE_DNP3_FUNCTION,
    MESSAGE_DNP3_INDICATIONS,
    MESSAGE_DNP3_OBJECT,
    MESSAGE_ENIP_COMMAND,
    MESSAGE_CIP_SERVICE,
};

enum modbus_group {
    MODBUS_ANY_GROUP,
    MODBUS_ASSIGNED = 1,
    MODBUS_UNASSIGNED = 2,
    MODBUS_PUBLIC = 3, /* both */
    MODBUS_USER = 4,
    MODBUS_RESERVED = 8,
    MODBUS_ALL = 15,
};

enum modbus_table {
    TABLE_ANY,
    TABLE_DISCRETES,
    TABLE_COILS,
    TABLE_INPUT,
    TABLE_HOLDING,
};

struct message {
    enum message_kind kind;
    uint8_t has_function : 1, has_subfunction : 1, has_unit : 1, has_access : 1, is_write : 1;
    uint8_t has_address : 1, has_value : 1, is_not : 1;
    uint8_t group, table; /* enum modbus_group, modbus_table */
    uint32_t function;    /* of Modbus and DNP3, command of EtherNet/IP, service of CIP */
    uint32_t subfunction; /* group of DNP3's object; class of CIP */
    uint32_t more;        /* variation; attribute of CIP */
    uint8_t n_parts;      /* of CIP: service, class, attribute */
    struct bounds unit, address, value;
};

/* ---- Buffers: parts of a message that have a name; suricata_buffers.c ---- */

enum buffer {
    BUFFER_PAYLOAD, /* none: the octets of a stream or a packet */
    BUFFER_HTTP_URI,
    BUFFER_HTTP_URI_RAW,
    BUFFER_HTTP_METHOD,
    BUFFER_HTTP_PROTOCOL,
    BUFFER_HTTP_REQUEST_LINE,
    BUFFER_HTTP_RESPONSE_LINE,
    BUFFER_HTTP_STAT_CODE,
    BUFFER_HTTP_STAT_MSG,
    BUFFER_HTTP_HEADER,
    BUFFER_HTTP_HEADER_RAW,
    BUFFER_HTTP_HEADER_NAMES,
    BUFFER_HTTP_START,
    BUFFER_HTTP_REQUEST_HEADER,
    BUFFER_HTTP_RESPONSE_HEADER,
    BUFFER_HTTP_HOST,
    BUFFER_HTTP_HOST_RAW,
    BUFFER_HTTP_USER_AGENT,
    BUFFER_HTTP_COOKIE,
    BUFFER_HTTP_ACCEPT,
    BUFFER_HTTP_ACCEPT_ENC,
    BUFFER_HTTP_ACCEPT_LANG,
    BUFFER_HTTP_CONNECTION,
    BUFFER_HTTP_CONTENT_LEN,
    BUFFER_HTTP_CONTENT_TYPE,
    BUFFER_HTTP_REFERER,
    BUFFER_HTTP_LOCATION,
    BUFFER_HTTP_SERVER,
    BUFFER_HTTP_REQUEST_BODY,
    BUFFER_HTTP_RESPONSE_BODY,
    BUFFER_FILE_DATA, /* of HTTP: the same */
    BUFFER_DNS_QUERY,
    BUFFER_TLS_SNI,
    BUFFER_TLS_CERT_SUBJECT,
    BUFFER_TLS_CERT_ISSUER,
    BUFFER_TLS_CERT_SERIAL,
    BUFFER_TLS_CERT_FINGERPRINT,
    BUFFER_JA3_HASH,
    BUFFER_JA3S_HASH,
    BUFFER_SSH_PROTO,
    BUFFER_SSH_SOFTWARE,
    BUFFER_SSH_HASSH,
    BUFFER_SSH_HASSH_SERVER,
    BUFFER_SNMP_COMMUNITY,
    BUFFER_SMB_NAMED_PIPE,
    BUFFER_SMB_SHARE,
    BUFFERS,
};

/* Bits: whose messages have it. */
enum buffer_way {
    OF_CLIENT = 1,
    OF_SERVER = 2,
    OF_BOTH = 3,
};

struct buffer_info {
    const char *name, *old_name; /* of the keyword that what follows is about it; NULL */
    const char *modifier;        /* of that which the content before it is about */
    char flag;                   /* of pcre; 0 */
    const char *app;             /* whose messages have it */
    enum buffer_way ways;
    bool is_multiple; /* there may be several: each time it is named another is meant */
    bool is_body;
    const char *field; /* that has it, of the dissector's; NULL: it is made */
};
extern const struct buffer_info suricata_buffers[BUFFERS];

/* Fields of the protocol that are asked for, as its table has them; suricata_message.c. */
struct message_fields {
    const struct protocol *modbus, *dnp3, *enip;
    uint16_t unit, sub_function, address, quantity, bits, words, value, write_address;
    uint16_t write_quantity, and_mask, or_mask;
    uint16_t indications, group, variation;
    uint16_t encapsulation, service, class, attribute;
    const struct protocol *http, *of_buffer[BUFFERS]; /* NULL: it is not there */
    uint16_t buffer[BUFFERS], http_version, dns_section, tls_serial, tls_size;
};

struct span {
    const uint8_t *at;
    size_t n;
};

enum transform {
    TRANSFORM_NONE,
    TRANSFORM_DOTPREFIX,
    TRANSFORM_LOWER,
    TRANSFORM_UPPER,
    TRANSFORM_COMPRESS,
    TRANSFORM_STRIP,
    TRANSFORM_URL_DECODE,
};

/* What is looked for in one buffer. */
struct group {
    enum buffer buffer;
    enum transform transforms[RULE_TRANSFORMS]; /* up to TRANSFORM_NONE, if there is one */
    struct element *elements;
    uint16_t n_elements;
    bool has_size, asks_end; /* what more octets of a body may make untrue */
    struct bounds size;
};

#define MANY 64                   /* of a multiple buffer; those behind are left out */
#define READING_ROOM (256u << 10) /* octets of what is made of a message */

#define HTTP_FIELDS_MAX 128 /* of a head; those behind are left out */

struct http_field {
    struct span name, value;
    uint32_t hash; /* of the name */
    uint8_t next;  /* of those with the same name; 0: no more */
    bool is_first; /* of them */
};

/* A message, and the buffers that were made of it. */
struct reading {
    const struct message_fields *fields;
    const struct pdu *pdu; /* NULL: of HTTP, the head is what there is */
    struct span head, body;
    bool is_of_client, has_body;
    bool is_made[BUFFERS], is_there[BUFFERS];
    struct span made[BUFFERS];
    enum buffer many_of; /* a multiple one, that `many` has */
    unsigned n_many;
    struct span many[MANY];
    size_t used;
    uint8_t *room;                  /* READING_ROOM */
    struct http_field *http_fields; /* HTTP_FIELDS_MAX */
    unsigned n_fields;
    bool has_fields; /* they have been read */
};

void reading_begin(struct reading *, const struct message_fields *, const struct pdu *);
/* Whose message it is is known by the head's first line. */
void reading_begin_http(struct reading *, const struct message_fields *, struct span head);
/* The `i`-th of the buffer; false: there is none, or no more. */
bool reading_buffer(struct reading *, enum buffer, unsigned i, struct span *);
/* suricata_http.c; false: there is no such. */
bool http_buffer(struct reading *, enum buffer, struct span *);
/* "Name: value" of each. */
unsigned http_headers(struct reading *, struct span *, unsigned most);
bool http_header(struct reading *, unsigned i, struct span *name, struct span *value);
/* suricata_transform.c: into `room`, of BODY_MAX + RULE_TRANSFORMS octets at least. */
struct span transform(const enum transform *, struct span, uint8_t *room, size_t size);

/* ---- Compressed bodies: suricata_unpack.c ---- */

#define UNPACKER_SIZE 65536u /* octets that one needs, about */

enum unpacked {
    UNPACKED_MORE, /* all that was there; more may come */
    UNPACKED_END,  /* it has ended, or `take` wanted no more */
    UNPACKED_BROKEN,
};

struct unpacker *unpacker_new(void);   /* NULL: there is no memory */
void unpacker_free(struct unpacker *); /* NULL is fine */
/* `take` is given what was compressed in the octets; false: that is enough. */
enum unpacked unpacker_input(struct unpacker *, const uint8_t *, uint32_t n,
                             bool (*take)(void *, const uint8_t *, uint32_t), void *arg);

/* ---- Rules ---- */

/* Bits. */
enum flow_is {
    FLOW_TO_SERVER = 1,
    FLOW_TO_CLIENT = 2,
    FLOW_ESTABLISHED = 4,
    FLOW_NOT_ESTABLISHED = 8,
    FLOW_STATELESS = 16,
    FLOW_ONLY_STREAM = 32,
    FLOW_NO_STREAM = 64,
};

/* Bits: where a rule is looked at. */
enum stage {
    STAGE_MESSAGE = 1,
    STAGE_STREAM = 2,
    STAGE_SEGMENT = 4,  /* packets of TCP */
    STAGE_DATAGRAM = 8, /* all others */
};

enum flowbit_kind {
    FLOWBIT_SET,
    FLOWBIT_UNSET,
    FLOWBIT_TOGGLE,
    FLOWBIT_ISSET, /* `any`: with what follows it is one question */
    FLOWBIT_ISNOTSET,
};

struct flowbit {
    enum flowbit_kind kind;
    bool or_next;
    uint16_t bit;
};

struct xbit {
    enum flowbit_kind kind;
    uint16_t bit;
    uint8_t track;   /* 1 source, 2 destination, 3 both */
    uint32_t expire; /* seconds */
};

enum threshold_kind {
    THRESHOLD_NONE,
    THRESHOLD_LIMIT,
    THRESHOLD_EACH,
    THRESHOLD_BOTH,
};

struct threshold {
    enum threshold_kind kind;
    bool is_filter; /* detection_filter */
    uint8_t track;  /* bits: 1 source, 2 destination */
    uint32_t count, seconds;
};

struct rule {
    struct suricata_info info;
    uint8_t proto; /* of IP; 0: any; ICMP means both versions' */
    bool is_icmp, is_both_ways, is_silent;
    const struct protocol *app; /* NULL: any */
    const char *app_name;
    const struct set *from, *to, *from_ports, *to_ports;
    uint8_t flow;             /* enum flow_is */
    uint8_t stages;           /* enum stage */
    struct element *elements; /* of the payload */
    uint16_t n_elements, n_variables;
    struct group *groups; /* of buffers of messages */
    uint8_t n_groups;
    bool has_body, asks_end; /* a group is about a body; as a group has it */
    bool is_other_app;       /* app-layer-protocol:! */
    struct message *messages;
    uint8_t n_messages;
    struct flowbit *flowbits;
    uint8_t n_flowbits;
    struct xbit *xbits;
    uint8_t n_xbits;
    struct threshold threshold, filter;
    bool asks_packet; /* one of these is asked */
    bool is_header;   /* nothing but its header: once each way of a conversation */
    bool has_dsize, has_ttl, has_itype, has_icode, has_ip_proto, has_flags, same_ip;
    struct bounds dsize, ttl, itype, icode, ip_proto;
    uint8_t flags, flags_mask;
    char flags_how; /* '=', '+', '*', '!' */
    uint32_t order; /* among all: who sets flowbits before who asks for them */
};

/* ---- Prefilter: suricata_prefilter.c ---- */

struct prefilter;

struct prefilter *prefilter_new(void);
void prefilter_free(struct prefilter *);
/* A pattern of the rule, in lower case. */
void prefilter_add(struct prefilter *, const uint8_t *, size_t size, uint32_t rule);
void prefilter_seal(struct prefilter *);            /* here and below, NULL: one without patterns */
size_t prefilter_overlap(const struct prefilter *); /* a pattern's octets, at most, less one */
/* Rules with a pattern that ends behind `fresh`; some may be told several times. */
void prefilter_scan(const struct prefilter *, const uint8_t *, size_t size, size_t fresh,
                    void (*)(void *, uint32_t rule), void *arg);

/* ---- All of them ---- */

struct chosen {
    uint32_t *rules;
    size_t n, capacity;
};

/* Rules that are looked at in messages of a protocol. */
struct app_rules {
    const struct protocol *app;
    struct chosen keywords, always; /* that ask for no buffer; that are known by no pattern */
    bool has_buffers;
};
/* NULL: there are none. */
const struct app_rules *suricata_app_rules(const struct suricata_rules *, const struct protocol *);

struct suricata_rules {
    struct arena *arena;
    const struct suricata_variable *variables;
    size_t n_variables;
    const struct protocol *const *protocols;
    struct message_fields fields;
    struct rule **rules; /* by `order` once it is sealed */
    size_t n, capacity;
    struct suricata_refusal *refusals;
    size_t n_refusals, refusals_capacity;
    struct named *flowbits, *sets, *sids; /* uthash */
    uint32_t n_flowbits;
    bool has_stream; /* a rule is looked at in streams */
    bool has_body;   /* ... or in bodies */
    struct prefilter *stream, *segment, *datagram;
    struct prefilter *buffers[BUFFERS]; /* NULL: no rule is known by that */
    /* Rules without a pattern, by stage. */
    struct chosen always_stream, always_segment, always_datagram;
    struct chosen headers;  /* ... of packets, that are looked at once each way of a conversation */
    struct app_rules *apps; /* by protocol, in no order */
    size_t n_apps, apps_capacity;
};

extern const uint8_t suricata_lower[256];

/* ---- A rule's text: suricata_parse.c ---- */

struct parser {
    struct suricata_rules *rules;
    struct rule *rule;
    struct element elements[RULE_ELEMENTS];
    unsigned n_elements;
    struct group groups[RULE_GROUPS]; /* the first: the payload */
    unsigned n_groups;
    enum buffer buffer; /* that is spoken of */
    enum transform transforms[RULE_TRANSFORMS];
    bool is_named_anew; /* ... since its last element */
    struct message messages[RULE_MESSAGES];
    struct flowbit flowbits[RULE_FLOWBITS];
    struct xbit xbits[RULE_XBITS];
    const char *variables[RULE_VARIABLES];
    const struct element *setters[RULE_VARIABLES]; /* of those */
    struct element *last;                          /* the last content; NULL */
    const char *keyword;                           /* that is being read */
    char *argument;                                /* of it, without spaces around; NULL: none */
    struct buf *references;
    struct diag diag; /* what is wrong with it */
};

/* One, without its line feeds; `text` is torn. ERR_UNSUPPORTED, ERR_MALFORMED: `p->keyword` and
 * `p->diag` say what. ERR_LIMIT: no memory. */
MUST_CHECK enum err suricata_parse(struct parser *, char *text);

/* `text` is cut at the next comma, without spaces around; NULL: there is no more. */
char *suricata_word(char **text);
char *suricata_trim(char *text);
MUST_CHECK enum err suricata_number(struct parser *, const char *text, int64_t low, int64_t high,
                                    int64_t *);
/* ">5", "1<>5", "!3", "7"; `as_range`: "1-5" and "1<>5" have both. */
MUST_CHECK enum err suricata_bounds(struct parser *, const char *text, struct bounds *);
#define parse_malformed(p, ...) diag_set(&(p)->diag, ERR_MALFORMED, __VA_ARGS__)
#define parse_unsupported(p, ...) diag_set(&(p)->diag, ERR_UNSUPPORTED, __VA_ARGS__)

/* suricata_rules.c: its number, a new one if need be. False: there are too many. */
bool suricata_flowbit(struct suricata_rules *, const char *name, uint16_t *number);
/* suricata_parse.c: "set", "isset" and so on. */
bool suricata_flowbit_kind(const char *word, enum flowbit_kind *);
/* suricata_xbits.c */
MUST_CHECK enum err parse_xbits(struct parser *);
/* suricata_set.c. `text` may name variables. */
MUST_CHECK enum err suricata_set_parse(struct parser *, const char *text, bool is_ports,
                                       const struct set **);
/* suricata_payload.c */
MUST_CHECK enum err parse_content(struct parser *);
MUST_CHECK enum err parse_content_modifier(struct parser *);
MUST_CHECK enum err parse_pcre(struct parser *);
MUST_CHECK enum err parse_isdataat(struct parser *);
MUST_CHECK enum err parse_bytes(struct parser *);
/* Modifiers fit together, and have what they need. */
MUST_CHECK enum err suricata_check_elements(struct parser *);
/* suricata_buffers.c. ERR_NOT_FOUND: the keyword is none of a buffer. */
MUST_CHECK enum err parse_buffer(struct parser *, const char *name);
MUST_CHECK enum err parse_transform(struct parser *);
MUST_CHECK enum err parse_bsize(struct parser *);
MUST_CHECK enum err parse_urilen(struct parser *);
/* The group that an element belongs to now, or that of a buffer; RULE_GROUPS: there are too many */
unsigned suricata_group(struct parser *);
unsigned suricata_group_of(struct parser *, enum buffer);
enum buffer suricata_flag_buffer(char flag); /* of pcre; BUFFER_PAYLOAD: none */
/* Elements into their groups, and what they need of the rule. */
MUST_CHECK enum err suricata_part_groups(struct parser *);
/* suricata_message.c */
MUST_CHECK enum err parse_modbus(struct parser *);
MUST_CHECK enum err parse_dnp3(struct parser *);
MUST_CHECK enum err parse_enip(struct parser *);
void message_fields_find(struct message_fields *, const struct protocol *const *protocols);
bool message_is(const struct message_fields *, const struct message *, const struct pdu *);

/* suricata_inspect.c: all elements are found. `at_start`: the octets begin a stream or are a
 * packet. */
struct inspector {
    pcre2_match_data *match;
    pcre2_match_context *limits;
    uint64_t given_up;
};
bool suricata_inspect(struct inspector *, const struct element *, unsigned n, const uint8_t *,
                      size_t size, bool at_start);

#endif
