/* Payloads, each behind an octet that says which conversation, way and carrier, and one of its
 * size, held against rules with every way to look for something: within its memory, whatever they
 * are. One is a packet, and also a head of HTTP, a piece of a body, a message of DNS or of TLS. */
#include "exact.h"
#include "fuzz.h"
#include "suricata/suricata.h"

static const char text[] =
    "alert ip any any -> any any (content:\"ab\"; sid:1;)\n"
    "alert tcp any any -> any any (content:\"ab\"; content:\"cd\"; distance:1; within:9; sid:2;)\n"
    "alert tcp any any -> any any (content:\"a\"; nocase; content:!\"b\"; within:2; endswith; "
    "sid:3;)\n"
    "alert udp any any -> any any (content:\"|00 01|\"; offset:1; depth:9; isdataat:4,relative; "
    "sid:4;)\n"
    "alert tcp any any -> any any (pcre:\"/a(b|c)+d/i\"; pcre:\"/^x/R\"; flowbits:set,one; "
    "sid:5;)\n"
    "alert tcp any any -> any any (content:\"x\"; byte_test:2,>,100,0,relative; "
    "flowbits:isset,one; sid:6;)\n"
    "alert udp any any -> any any (byte_jump:2,0,little,align; byte_jump:1,-1,relative; "
    "content:\"y\"; "
    "distance:0; sid:7;)\n"
    "alert ip any any -> any any (byte_extract:1,0,n; byte_extract:4,-1,m,relative; content:\"z\"; "
    "distance:n; "
    "within:m; sid:8;)\n"
    "alert udp any any -> any any (byte_test:5,<,99,1,string,dec; byte_test:3,!&,7,0,string,hex; "
    "sid:9;)\n"
    "alert tcp any any -> any any (content:\"aaaa\"; content:\"aaaa\"; distance:-2; content:\"b\"; "
    "distance:0; "
    "fast_pattern; sid:10;)\n"
    "alert icmp any any -> any any (itype:8; icode:<3; content:\"ping\"; nocase; sid:11;)\n"
    "alert tcp any any -> any any (dsize:>9; flags:A+; threshold:type both, track by_both, count "
    "2, seconds 3; "
    "sid:12;)\n"
    "alert udp any any <> any 1: (content:!\"q\"; detection_filter:track by_src, count 1, seconds "
    "9; sid:13;)\n"
    "alert tcp any any -> any any (flow:established,to_server; "
    "content:\"abcdefghabcdefghabcdefghabcdefghij\"; "
    "sid:14;)\n"
    "alert http any any -> any any (http.uri; content:\"/a\"; bsize:<9; http.header; "
    "content:\"a\"; "
    "sid:15;)\n"
    "alert http any any -> any any (flow:to_client; file.data; content:\"b\"; content:!\"c\"; "
    "sid:16;)\n"
    "alert http any any -> any any (http.request_body; url_decode; strip_whitespace; "
    "content:\"ab\"; http.host; dotprefix; content:\".a\"; endswith; sid:17;)\n"
    "alert http any any -> any any (http.header_names; content:!\"a\"; http.start; "
    "compress_whitespace; to_uppercase; content:\"A\"; http.request_header; content:\"b\"; "
    "http.request_header; content:\"c\"; sid:18;)\n"
    "alert http any any -> any any (http.host.raw; content:\"a\"; http.uri.raw; bsize:>1; "
    "http.protocol; content:!\"1\"; http.cookie; content:\"a\"; http.header.raw; content:\"a\"; "
    "http.request_line; content:\"a\"; http.method; content:\"a\"; sid:19;)\n"
    "alert http any any -> any any (http.stat_code; content:\"2\"; http.stat_msg; content:\"a\"; "
    "http.response_line; content:\"a\"; http.response_body; pcre:\"/a/\"; sid:20;)\n"
    "alert dns any any -> any any (dns.query; content:\"a\"; dns.query; content:\"b\"; sid:21;)\n"
    "alert tls any any -> any any (tls.cert_subject; content:\"a\"; tls.cert_serial; "
    "content:\"0\"; sid:22;)\n"
    "alert tls any any -> any any (tls.cert_issuer; content:\"CN\"; sid:23;)\n"
    "alert ip any any -> any any (ip_proto:<18; xbits:set,x,track ip_pair,expire 2; "
    "xbits:toggle,y,track ip_src; noalert; sid:24;)\n"
    "alert tcp [10.0.0.0/8,1.2.3.4,0.0.0.0-0.0.0.9] any -> any any (content:\"abc\"; "
    "xbits:isset,x,track ip_pair; xbits:isnotset,y,track ip_dst; sid:25;)\n";
#define N_RULES 25

static const struct field_info http_fields[] = {{"version", FIELD_UINT, NULL, ""}};
static const struct field_info dns_fields[] = {{"section", FIELD_UINT, NULL, ""},
                                               {"name", FIELD_TEXT, NULL, ""}};
static const struct field_info tls_fields[] = {{"serial", FIELD_OCTETS, NULL, ""}};
static const struct protocol protocols[] = {
    {.name = "http", .fields = http_fields, .n_fields = 1, .carriers = CARRIER_TCP},
    {.name = "dns", .fields = dns_fields, .n_fields = 2, .carriers = CARRIER_TCP | CARRIER_UDP},
    {.name = "tls", .fields = tls_fields, .n_fields = 1, .carriers = CARRIER_TCP},
};
static const struct protocol *const known[] = {&protocols[0], &protocols[1], &protocols[2], NULL};

/* A message that has a field of each kind, and the octets as they came. */
static void
message(struct suricata_matcher *m, struct suricata_where w, const struct protocol *protocol,
        const uint8_t *octets, uint32_t n)
{
    static struct pdu p;
    w.app = p.protocol = protocol;
    p.kind = n && octets[0] & 1 ? PDU_RESPONSE : PDU_REQUEST;
    p.octets = octets;
    p.size = n;
    p.n_fields = (uint32_t)protocol->n_fields;
    p.fields[0] = (struct field){.object = protocol == &protocols[2], .n = n / 2};
    if (protocol == &protocols[2])
        p.fields[0].octets = octets;
    p.fields[1] = (struct field){.id = 1, .n = n, .octets = octets};
    suricata_message(m, &w, &p);
    if (protocol == &protocols[0])
        suricata_content(m, &w, octets, n, n & 1);
}

static void
on_alert(void *arg, const struct suricata_info *info, const struct suricata_where *w)
{
    (void)arg;
    check(info->sid >= 1 && info->sid <= N_RULES && w->frame);
}

static struct suricata_rules *
rules_of_text(void)
{
    const struct suricata_options options = {.protocols = known};
    struct suricata_rules *rules = suricata_rules_new(&options);
    struct diag diag;
    check(suricata_rules_read(rules, "fuzz", text, sizeof text - 1, &diag) == ERR_OK);
    check(suricata_rules_number(rules) == N_RULES);
    suricata_rules_seal(rules);
    return rules;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct suricata_rules *rules; /* the same for all */
    static const uint8_t protos[] = {6, 17, 1, 6};
    if (!rules)
        rules = rules_of_text();
    struct suricata_matcher *m = suricata_matcher_new(rules, 16384, on_alert, NULL);
    for (uint32_t frame = 1; size >= 2; frame++) {
        size_t n = data[1] < size - 2 ? data[1] : size - 2;
        uint8_t *copy = exact_copy(data + 2, n);
        bool is_back = data[0] & 1;
        struct suricata_packet p = {.where = {.ip = data[0] & 128 ? 6 : 4,
                                              .proto = protos[data[0] >> 1 & 3],
                                              .from_port = is_back ? 2 : 1,
                                              .to_port = is_back ? 1 : 2,
                                              .time = frame * (NSEC_PER_SEC / 2),
                                              .frame = frame},
                                    .ttl = data[0],
                                    .tcp_flags = data[0] & 64 ? 2 : 16,
                                    .payload = copy,
                                    .size = (uint32_t)n};
        p.where.from[3] = p.where.to[3] = data[0] >> 3 & 3;
        if (data[0] & 4)
            message(m, p.where, known[data[0] % 3], copy, (uint32_t)n);
        if (p.where.proto == 6 && n)
            suricata_octets(m, &p.where, copy, (uint32_t)n, data[0] & 32 ? (uint32_t)n : 0);
        suricata_packet(m, &p);
        exact_free(copy, n);
        data += 2 + n;
        size -= 2 + n;
    }
    const struct suricata_counters *c = suricata_counters(m);
    check(c->alerts + c->suppressed <= c->inspections);
    suricata_matcher_free(m);
    return 0;
}
