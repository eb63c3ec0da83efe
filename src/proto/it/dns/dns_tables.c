#include "proto/it/dns/dns_private.h"

static const struct field_word sections[] = {
    {0, "question"}, {1, "answer"}, {2, "authority"}, {3, "additional"}, {0, NULL}};

static const struct field_word types[] = {
    {1, "A"},           {2, "NS"},     {5, "CNAME"},  {6, "SOA"},     {10, "NULL"},  {11, "WKS"},
    {12, "PTR"},        {13, "HINFO"}, {15, "MX"},    {16, "TXT"},    {17, "RP"},    {18, "AFSDB"},
    {24, "SIG"},        {25, "KEY"},   {28, "AAAA"},  {29, "LOC"},    {33, "SRV"},   {35, "NAPTR"},
    {36, "KX"},         {37, "CERT"},  {39, "DNAME"}, {41, "OPT"},    {43, "DS"},    {44, "SSHFP"},
    {45, "IPSECKEY"},   {46, "RRSIG"}, {47, "NSEC"},  {48, "DNSKEY"}, {49, "DHCID"}, {50, "NSEC3"},
    {51, "NSEC3PARAM"}, {52, "TLSA"},  {64, "SVCB"},  {65, "HTTPS"},  {99, "SPF"},   {249, "TKEY"},
    {250, "TSIG"},      {251, "IXFR"}, {252, "AXFR"}, {255, "ANY"},   {256, "URI"},  {257, "CAA"},
    {0, NULL}};

static const struct field_word classes[] = {{1, "IN"},     {3, "CH"},    {4, "HS"},
                                            {254, "NONE"}, {255, "ANY"}, {0, NULL}};

static const struct field_info fields[] = {
    [DNS_ID] = {"id", FIELD_UINT, NULL, "pairs a question with its answer"},
    [DNS_AUTHORITATIVE] = {"authoritative", FIELD_BOOL, NULL, "the server's own"},
    [DNS_TRUNCATED] = {"truncated", FIELD_BOOL, NULL, "there is more, over TCP"},
    [DNS_RECURSION_DESIRED] = {"recursion-desired", FIELD_BOOL, NULL, "others may be asked"},
    [DNS_RECURSION_AVAILABLE] = {"recursion-available", FIELD_BOOL, NULL, "it asks others"},
    [DNS_QUESTIONS] = {"questions", FIELD_UINT, NULL, "how many"},
    [DNS_ANSWERS] = {"answers", FIELD_UINT, NULL, "how many records"},
    [DNS_AUTHORITIES] = {"authorities", FIELD_UINT, NULL, "how many records"},
    [DNS_ADDITIONALS] = {"additionals", FIELD_UINT, NULL, "how many records"},
    [DNS_SECTION] = {"section", FIELD_UINT, sections, "which of the four"},
    [DNS_NAME] = {"name", FIELD_TEXT, NULL, "that is asked for, or that has the record"},
    [DNS_TYPE] = {"type", FIELD_UINT, types, "of the record"},
    [DNS_CLASS] = {"class", FIELD_UINT, classes, "of the record"},
    [DNS_UNICAST] = {"unicast-or-flush", FIELD_BOOL, NULL,
                     "multicast: answer to who asks, or forget what was known"},
    [DNS_TTL] = {"ttl", FIELD_UINT, NULL, "seconds that it is valid"},
    [DNS_DATA_SIZE] = {"data-size", FIELD_UINT, NULL, "octets of its data"},
    [DNS_ADDRESS] = {"address", FIELD_IPV4, NULL, "of a host"},
    [DNS_ADDRESS6] = {"address6", FIELD_OCTETS, NULL, "of a host, IPv6"},
    [DNS_TARGET] = {"target", FIELD_TEXT, NULL, "the name that the record leads to"},
    [DNS_RESPONSIBLE] = {"responsible", FIELD_TEXT, NULL, "mailbox of who keeps the zone"},
    [DNS_SERIAL] = {"serial", FIELD_UINT, NULL, "of the zone"},
    [DNS_PREFERENCE] = {"preference", FIELD_UINT, NULL, "or priority, or order"},
    [DNS_WEIGHT] = {"weight", FIELD_UINT, NULL, "of equal ones; of NAPTR its preference"},
    [DNS_PORT] = {"port", FIELD_UINT, NULL, "of the service"},
    [DNS_TEXT] = {"text", FIELD_TEXT, NULL, "a character string of it"},
    [DNS_UDP_SIZE] = {"udp-size", FIELD_UINT, NULL, "octets that the sender takes at once"},
    [DNS_OPTION] = {"option", FIELD_UINT, NULL, "code of an EDNS option"},
    [DNS_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
    [DNS_TRAILING] = {"trailing", FIELD_OCTETS, NULL, "octets behind the last record"},
};

static const struct function_info functions[] = {
    {0, "query", ACT_OTHER},  {1, "inverse-query", ACT_OTHER}, {2, "status", ACT_OTHER},
    {4, "notify", ACT_OTHER}, {5, "update", ACT_OTHER},        {6, "stateful", ACT_LINK},
};

static const struct field_word errors[] = {
    {1, "format-error"}, {2, "server-failure"}, {3, "no-such-name"}, {4, "not-implemented"},
    {5, "refused"},      {6, "name-exists"},    {7, "rrset-exists"}, {8, "no-such-rrset"},
    {9, "not-auth"},     {10, "not-zone"},      {11, "dso-type"},    {16, "bad-version"},
    {17, "bad-key"},     {18, "bad-time"},      {19, "bad-mode"},    {20, "bad-name"},
    {21, "bad-alg"},     {22, "bad-trunc"},     {23, "bad-cookie"},  {0, NULL}};

static const uint16_t ports[] = {53, 5353, 5355, 0};

const struct protocol dns = {
    .name = "dns",
    .title = "DNS, mDNS, LLMNR",
    .source = "RFC 1035, RFC 6762, RFC 4795, RFC 6891",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_TCP | CARRIER_UDP,
    .ports = ports,
    .errors = errors,
    .message_max = 2 + UINT16_MAX,
    .frame = dns_frame,
    .looks = dns_looks,
    .dissect = dns_dissect,
};
