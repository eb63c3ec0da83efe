/* A file of rules, whatever it is: each rule is loaded or refused with its line, a keyword and a
 * reason, and what is loaded can be held against payloads. */
#include "fuzz.h"
#include "suricata/suricata.h"

#include <string.h>

static const struct field_info fields[] = {{"unit", FIELD_UINT, NULL, ""},
                                           {"indications", FIELD_UINT, NULL, ""},
                                           {"group", FIELD_UINT, NULL, ""},
                                           {"service", FIELD_UINT, NULL, ""}};
static const struct protocol modbus = {
    .name = "modbus", .fields = fields, .n_fields = 4, .carriers = CARRIER_TCP};
static const struct protocol dnp3 = {
    .name = "dnp3", .fields = fields, .n_fields = 4, .carriers = CARRIER_TCP | CARRIER_UDP};
static const struct protocol enip = {
    .name = "enip", .fields = fields, .n_fields = 4, .carriers = CARRIER_TCP};
static const struct field_info more[] = {{"version", FIELD_UINT, NULL, ""},
                                         {"name", FIELD_TEXT, NULL, ""},
                                         {"server-name", FIELD_TEXT, NULL, ""}};
static const struct protocol http = {
    .name = "http", .fields = more, .n_fields = 3, .carriers = CARRIER_TCP};
static const struct protocol dns = {
    .name = "dns", .fields = more, .n_fields = 3, .carriers = CARRIER_TCP | CARRIER_UDP};
static const struct protocol tls = {
    .name = "tls", .fields = more, .n_fields = 3, .carriers = CARRIER_TCP};
static const struct protocol *const protocols[] = {&modbus, &dnp3, &enip, &http, &dns, &tls, NULL};

static void
on_alert(void *arg, const struct suricata_info *info, const struct suricata_where *w)
{
    (void)arg, (void)w;
    check(info->sid && info->msg && info->action && info->line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t payload[] =
        "GET /index.html\r\n\x00\x01\x00\x00\x00\x06\x01\x03 abcabcabc";
    const struct suricata_options options = {.protocols = protocols};
    struct suricata_rules *rules = suricata_rules_new(&options);
    struct diag diag = {""};
    char *copy = malloc(size ? size : 1);
    if (size)
        memcpy(copy, data, size);
    check(suricata_rules_read(rules, "fuzz", copy, size, &diag) == ERR_OK);
    free(copy);
    for (size_t i = 0; i < suricata_refusals_number(rules); i++) {
        const struct suricata_refusal *r = suricata_refusal(rules, i);
        check(r->line && r->keyword && *r->keyword && r->why && *r->why);
    }
    suricata_rules_seal(rules);
    struct suricata_matcher *m = suricata_matcher_new(rules, 4096, on_alert, NULL);
    struct suricata_packet p = {.where = {.ip = 4, .proto = 6, .from_port = 9, .to_port = 502},
                                .payload = payload,
                                .size = sizeof payload};
    for (uint32_t i = 0; i < 4; i++) {
        p.where.frame = i + 1;
        p.where.proto = i % 2 ? 17 : 6;
        if (i % 2 == 0)
            suricata_octets(m, &p.where, payload, sizeof payload, 0);
        suricata_packet(m, &p);
    }
    suricata_matcher_free(m);
    suricata_rules_free(rules);
    return 0;
}
