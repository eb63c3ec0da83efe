#include "cli/cli_stix.h"

#include "base/alloc.h"
#include "packet/addr.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* STIX 2.1 section 2.9: the namespace of ids that are made from the properties of what is observed.
 * Ours is one of its own, so that no id is taken for somebody else's. */
static const uint8_t observed_namespace[16] = {0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c,
                                               0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7};
static const uint8_t own_namespace[16] = {0x5d, 0x0c, 0x0f, 0x2a, 0x3a, 0x7e, 0x5b, 0x1c,
                                          0x9e, 0x52, 0x74, 0x69, 0x65, 0x6c, 0x69, 0x6e};

/* RFC 9562 section 5.5. */
static char *
make_id(const char *type, const uint8_t namespace[16], const char *name)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx || !EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) ||
        !EVP_DigestUpdate(ctx, namespace, 16) || !EVP_DigestUpdate(ctx, name, strlen(name)) ||
        !EVP_DigestFinal_ex(ctx, hash, &size))
        abort();
    EVP_MD_CTX_free(ctx);
    hash[6] = (uint8_t)((hash[6] & 0x0f) | 0x50);
    hash[8] = (uint8_t)((hash[8] & 0x3f) | 0x80);
    return xasprintf("%s--%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                     type, hash[0], hash[1], hash[2], hash[3], hash[4], hash[5], hash[6], hash[7],
                     hash[8], hash[9], hash[10], hash[11], hash[12], hash[13], hash[14], hash[15]);
}

static const char *
text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text ? text : "";
}

/* Milliseconds and Z, as STIX wants them. `stamp` holds 32 octets. */
static const char *
put_time(nsec_t time, char stamp[32])
{
    char text[TIME_TEXT_SIZE];
    time_format(time / NSEC_PER_SEC * NSEC_PER_SEC, text);
    snprintf(stamp, 32, "%.19s.%03dZ", text, (int)(time % NSEC_PER_SEC / NSEC_PER_MSEC));
    return stamp;
}

static const char *
time_of(const json_t *alert, const char *name, nsec_t otherwise, char stamp[32])
{
    nsec_t time;
    if (time_parse(text_of(alert, name), &time))
        time = otherwise;
    return put_time(time, stamp);
}

/* ---- Objects ---- */

/* Of what is the same in all bundles: its id is, so it must not change. */
#define ALWAYS "2026-01-01T00:00:00.000Z"

struct bundle {
    json_t *objects;
    char now[32], first[32], last[32], created[32];
    char *sensor; /* id of the identity */
};

static json_t *
dated_object(struct bundle *b, const char *type, const char *name, const char *created)
{
    char *id = make_id(type, own_namespace, name);
    json_t *json = json_pack("{ss ss ss ss ss}", "type", type, "spec_version", "2.1", "id", id,
                             "created", created, "modified", created);
    if (b->sensor && strcmp(created, ALWAYS) != 0)
        json_object_set_new(json, "created_by_ref", json_string(b->sensor));
    free(id);
    json_array_append_new(b->objects, json);
    return json;
}

static bool
has_object(const struct bundle *b, const char *id)
{
    for (size_t i = 0; i < json_array_size(b->objects); i++) {
        if (!strcmp(text_of(json_array_get(b->objects, i), "id"), id))
            return true;
    }
    return false;
}

static json_t *
lasting_object(struct bundle *b, const char *type, const char *name)
{
    return dated_object(b, type, name, ALWAYS);
}

/* An object of observed data: its id follows from its value (section 2.9). The caller owns the id.
 */
static char *
observable(struct bundle *b, const char *type, const char *value)
{
    json_t *properties = json_pack("{ss}", "value", value);
    char *name = json_dumps(properties, JSON_COMPACT);
    char *id = make_id(type, observed_namespace, name);
    if (!has_object(b, id))
        json_array_append_new(b->objects, json_pack("{ss ss ss ss}", "type", type, "spec_version",
                                                    "2.1", "id", id, "value", value));
    free(name);
    json_decref(properties);
    return id;
}

/* The caller owns the id; NULL: it has no address. */
static char *
address_of(struct bundle *b, const json_t *end)
{
    const char *address = text_of(end, "address"), *mac_text = text_of(end, "mac");
    uint32_t ipv4;
    struct mac mac;
    char text[MAC_TEXT_SIZE];
    if (!ipv4_parse(address, &ipv4))
        return observable(b, "ipv4-addr", address);
    if (!mac_parse(address, &mac) || (!*address && !mac_parse(mac_text, &mac)))
        return observable(b, "mac-addr", mac_format(&mac, text));
    return strchr(address, ':') ? observable(b, "ipv6-addr", address) : NULL;
}

static void
set_port(json_t *traffic, const char *name, const json_t *end)
{
    json_int_t port = json_integer_value(json_object_get(end, "port"));
    if (port > 0 && port <= UINT16_MAX)
        json_object_set_new(traffic, name, json_integer(port));
}

/* The conversation, and its ends; their ids. */
static json_t *
observe(struct bundle *b, const json_t *alert)
{
    const json_t *source = json_object_get(alert, "source"),
                 *target = json_object_get(alert, "target");
    char *from = address_of(b, source), *to = address_of(b, target);
    const char *protocol = text_of(alert, "protocol");
    json_t *refs = json_array();
    if (from)
        json_array_append_new(refs, json_string(from));
    if (to && (!from || strcmp(from, to) != 0))
        json_array_append_new(refs, json_string(to));
    if (from || to) {
        char *id = make_id("network-traffic", own_namespace, text_of(alert, "id"));
        json_t *traffic = json_pack("{ss ss ss s[s]}", "type", "network-traffic", "spec_version",
                                    "2.1", "id", id, "protocols",
                                    *protocol ? protocol : "ethernet");
        if (from)
            json_object_set_new(traffic, "src_ref", json_string(from));
        if (to)
            json_object_set_new(traffic, "dst_ref", json_string(to));
        set_port(traffic, "src_port", source);
        set_port(traffic, "dst_port", target);
        json_array_append_new(b->objects, traffic);
        json_array_append_new(refs, json_string(id));
        free(id);
    }
    free(from);
    free(to);
    return refs;
}

/* How the indicator says it in STIX patterning; quotes in it are escaped. */
static char *
pattern_of(const json_t *alert)
{
    const char *protocol = text_of(alert, "protocol");
    char *copy = xstrdup(*protocol ? protocol : "ethernet");
    for (char *c = copy; *c; c++) {
        if (*c == '\'' || *c == '\\')
            *c = '_';
    }
    char *pattern = xasprintf("[network-traffic:protocols[*] = '%s']", copy);
    free(copy);
    return pattern;
}

static void
add_techniques(struct bundle *b, const json_t *alert, const char *indicator)
{
    const json_t *list = json_object_get(alert, "techniques");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *technique = json_string_value(json_array_get(list, i));
        char *relation = xasprintf("%s indicates %s", indicator, technique);
        json_t *pattern = lasting_object(b, "attack-pattern", technique);
        json_object_set_new(pattern, "name", json_string(technique));
        json_object_set_new(
            pattern, "external_references",
            json_pack("[{ss ss}]", "source_name", "mitre-ics-attack", "external_id", technique));
        json_t *relationship = lasting_object(b, "relationship", relation);
        json_object_set_new(relationship, "relationship_type", json_string("indicates"));
        json_object_set_new(relationship, "source_ref", json_string(indicator));
        json_object_set(relationship, "target_ref", json_object_get(pattern, "id"));
        free(relation);
    }
}

static json_t *
add_indicator(struct bundle *b, const json_t *alert)
{
    char *pattern = pattern_of(alert);
    json_t *indicator = lasting_object(b, "indicator", text_of(alert, "rule"));
    json_object_set_new(indicator, "name", json_string(text_of(alert, "rule")));
    json_object_set_new(indicator, "description", json_string(text_of(alert, "title")));
    json_object_set_new(indicator, "indicator_types", json_pack("[s]", "anomalous-activity"));
    json_object_set_new(indicator, "pattern", json_string(pattern));
    json_object_set_new(indicator, "pattern_type", json_string("stix"));
    json_object_set_new(indicator, "valid_from", json_string(ALWAYS));
    free(pattern);
    return indicator;
}

json_t *
stix_sighting(const json_t *alert, nsec_t now)
{
    struct bundle b = {.objects = json_array()};
    const char *id = text_of(alert, "id");
    json_int_t count = json_integer_value(json_object_get(alert, "count"));
    char *sensor = xasprintf("%s/%.*s", text_of(alert, "site"), (int)strcspn(id, "/"), id);
    put_time(now, b.now);
    time_of(alert, "first", now, b.first);
    time_of(alert, "last", now, b.last);
    time_of(alert, "recorded", now, b.created);
    json_t *identity = lasting_object(&b, "identity", sensor);
    json_object_set_new(identity, "name", json_string(sensor));
    json_object_set_new(identity, "identity_class", json_string("system"));
    b.sensor = xstrdup(text_of(identity, "id"));
    json_t *indicator = add_indicator(&b, alert);
    add_techniques(&b, alert, text_of(indicator, "id"));
    json_t *refs = observe(&b, alert);
    json_t *sighting = dated_object(&b, "sighting", id, b.created);
    if (json_array_size(refs)) {
        json_t *observed = dated_object(&b, "observed-data", id, b.created);
        json_object_set_new(observed, "first_observed", json_string(b.first));
        json_object_set_new(observed, "last_observed", json_string(b.last));
        json_object_set_new(observed, "number_observed", json_integer(MAX(1, count)));
        json_object_set(observed, "object_refs", refs);
        json_object_set_new(sighting, "observed_data_refs",
                            json_pack("[s]", text_of(observed, "id")));
    }
    json_object_set_new(sighting, "modified", json_string(b.now));
    json_object_set_new(sighting, "first_seen", json_string(b.first));
    json_object_set_new(sighting, "last_seen", json_string(b.last));
    json_object_set_new(sighting, "count", json_integer(count));
    json_object_set_new(sighting, "sighting_of_ref", json_string(text_of(indicator, "id")));
    json_object_set_new(sighting, "where_sighted_refs", json_pack("[s]", b.sensor));
    json_object_set_new(sighting, "description", json_string(text_of(alert, "title")));
    char *bundle_id = make_id("bundle", own_namespace, id);
    json_t *bundle = json_pack("{ss ss so}", "type", "bundle", "id", bundle_id, "objects",
                               b.objects);
    free(bundle_id);
    free(b.sensor);
    free(sensor);
    json_decref(refs);
    return bundle;
}
