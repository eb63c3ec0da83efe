#include "detect/coverage.h"

#include "base/attr.h"

#include <string.h>

#define COLUMN 34 /* of names */

const struct technique techniques[] = {
    {"T0800", "Activate Firmware Update Mode"},
    {"T0801", "Monitor Process State"},
    {"T0802", "Automated Collection"},
    {"T0803", "Block Command Message"},
    {"T0804", "Block Reporting Message"},
    {"T0805", "Block Serial COM"},
    {"T0806", "Brute Force I/O"},
    {"T0812", "Default Credentials"},
    {"T0814", "Denial of Service"},
    {"T0815", "Denial of View"},
    {"T0816", "Device Restart/Shutdown"},
    {"T0817", "Drive-by Compromise"},
    {"T0819", "Exploit Public-Facing Application"},
    {"T0822", "External Remote Services"},
    {"T0829", "Loss of View"},
    {"T0830", "Adversary-in-the-Middle"},
    {"T0831", "Manipulation of Control"},
    {"T0832", "Manipulation of View"},
    {"T0836", "Modify Parameter"},
    {"T0838", "Modify Alarm Settings"},
    {"T0839", "Module Firmware"},
    {"T0843", "Program Download"},
    {"T0845", "Program Upload"},
    {"T0846", "Remote System Discovery"},
    {"T0848", "Rogue Master"},
    {"T0855", "Unauthorized Command Message"},
    {"T0856", "Spoof Reporting Message"},
    {"T0857", "System Firmware"},
    {"T0858", "Change Operating Mode"},
    {"T0861", "Point & Tag Identification"},
    {"T0864", "Transient Cyber Asset"},
    {"T0865", "Spearphishing Attachment"},
    {"T0866", "Exploitation of Remote Services"},
    {"T0867", "Lateral Tool Transfer"},
    {"T0868", "Detect Operating Mode"},
    {"T0869", "Standard Application Layer Protocol"},
    {"T0878", "Alarm Suppression"},
    {"T0883", "Internet Accessible Device"},
    {"T0884", "Connection Proxy"},
    {"T0885", "Commonly Used Port"},
    {"T0886", "Remote Services"},
    {"T0888", "Remote System Information Discovery"},
    {"T0889", "Modify Program"},
    {"T0891", "Hardcoded Credentials"},
    {"T0892", "Change Credential"},
};
const size_t n_techniques = ARRAY_SIZE(techniques);

static bool
is_for(const struct rule *rule, const char *technique)
{
    for (unsigned i = 0; i < rule->n_techniques; i++) {
        if (!strcmp(rule->techniques[i], technique))
            return true;
    }
    return false;
}

/* Its rules, by name. Returns how many. */
static unsigned
put_rules(struct buf *out, const struct rules *rules, const char *technique, unsigned number)
{
    unsigned n = 0;
    for (size_t i = 0; i < rules_number(rules); i++) {
        const struct rule *r = rules_at(rules, i);
        if (r->is_quiet || (technique ? !is_for(r, technique) : r->number != number))
            continue;
        buf_printf(out, "%s%s", n++ ? ", " : "", r->name);
    }
    if (!n)
        buf_str(out, "-");
    buf_u8(out, '\n');
    return n;
}

static bool
is_listed(const char *technique)
{
    for (size_t i = 0; i < n_techniques; i++) {
        if (!strcmp(techniques[i].id, technique))
            return true;
    }
    return false;
}

static void
put_others(struct buf *out, const struct rules *rules)
{
    for (size_t i = 0; i < rules_number(rules); i++) {
        const struct rule *r = rules_at(rules, i);
        for (unsigned k = 0; k < r->n_techniques; k++) {
            if (!is_listed(r->techniques[k]))
                buf_printf(out, "%s is not among them, and has the rule %s\n", r->techniques[k],
                           r->name);
        }
    }
}

void
coverage_put(struct buf *out, const struct rules *rules)
{
    unsigned seen = 0, kept = 0;
    for (size_t i = 0; i < n_techniques; i++) {
        buf_printf(out, "%s  %-*s ", techniques[i].id, COLUMN, techniques[i].name);
        seen += put_rules(out, rules, techniques[i].id, 0) > 0;
    }
    buf_printf(out, "%u of %zu techniques that network traffic shows have a rule\n\n", seen,
               n_techniques);
    for (unsigned number = 1; number <= RULE_NUMBERS; number++) {
        buf_printf(out, "%2u  ", number);
        kept += put_rules(out, rules, NULL, number) > 0;
    }
    buf_printf(out, "%u of %d detections have a rule; %zu rules\n", kept, RULE_NUMBERS,
               rules_number(rules));
    put_others(out, rules);
}

static json_t *
rules_json(const struct rules *rules, const char *technique, unsigned number)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rules_number(rules); i++) {
        const struct rule *r = rules_at(rules, i);
        if (!r->is_quiet && (technique ? is_for(r, technique) : r->number == number))
            json_array_append_new(list, json_string(r->name));
    }
    return list;
}

json_t *
coverage_json(const struct rules *rules)
{
    json_t *all = json_array(), *detections = json_array();
    json_int_t covered = 0;
    for (size_t i = 0; i < n_techniques; i++) {
        json_t *list = rules_json(rules, techniques[i].id, 0);
        covered += json_array_size(list) > 0;
        json_array_append_new(all, json_pack("{ss ss so}", "id", techniques[i].id, "name",
                                             techniques[i].name, "rules", list));
    }
    for (unsigned number = 1; number <= RULE_NUMBERS; number++)
        json_array_append_new(detections, json_pack("{si so}", "number", number, "rules",
                                                    rules_json(rules, NULL, number)));
    return json_pack("{so sI sI so}", "techniques", all, "covered", covered, "of",
                     (json_int_t)n_techniques, "detections", detections);
}
