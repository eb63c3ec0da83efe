#include "edge/stamp_request.h"

#include <string.h>

#define IS_GROUP(address) ((address) >> 28 == 0xe) /* RFC 5771: 224.0.0.0/4 */

/* Beyond it, which is a matter of clocks that are far apart, a latency says nothing and is left
 * out. */
#define LATENCY_LIMIT (1000 * NSEC_PER_SEC)

/* ---- What is asked ---- */

/* Parameters being read; the first thing wrong with them sticks. */
struct reading {
    enum err err;
    struct diag *diag;
};

static void
fail(struct reading *r, const char *name, const char *what)
{
    if (!r->err)
        r->err = diag_set(r->diag, ERR_INVALID, "\"%s\" %s", name, what);
}

/* Nothing but these names, which end with NULL. */
static void
only(struct reading *r, const json_t *json, const char *what, const char *const *names)
{
    const char *key;
    json_t *value;
    if (!json_is_object(json))
        fail(r, what, "is missing, or no object");
    json_object_foreach((json_t *)json, key, value)
    {
        const char *const *name = names;
        while (*name && strcmp(*name, key))
            name++;
        if (!*name && !r->err)
            r->err = diag_set(r->diag, ERR_INVALID, "%s: there is no \"%.40s\"", what, key);
    }
}

static json_int_t
number(struct reading *r, const json_t *json, const char *name, json_int_t min, json_int_t max)
{
    const json_t *value = json_object_get(json, name);
    json_int_t v = json_integer_value(value);
    if (json_is_integer(value) && v >= min && v <= max)
        return v;
    if (!r->err)
        r->err = diag_set(r->diag, ERR_INVALID, "\"%s\" is not a number from %lld to %lld", name,
                          (long long)min, (long long)max);
    return min;
}

static const char *
text(struct reading *r, const json_t *json, const char *name)
{
    const char *value = json_string_value(json_object_get(json, name));
    if (value)
        return value;
    fail(r, name, "is missing, or no string");
    return "";
}

static void
read_mac(struct reading *r, const json_t *json, const char *name, struct mac *mac)
{
    if (mac_parse(text(r, json, name), mac))
        fail(r, name, "is no MAC address");
}

static uint32_t
read_ipv4(struct reading *r, const char *value, const char *name)
{
    uint32_t address = 0;
    if (!value || ipv4_parse(value, &address))
        fail(r, name, "is no IPv4 address");
    return address;
}

static void
read_template(struct reading *r, const json_t *json, struct stamp_headers *h)
{
    static const char *const names[] = {"eth-src",       "eth-dst",  "vlan-id",
                                        "vlan-priority", "ipv4-src", "ipv4-dst",
                                        "udp-src",       "udp-dst",  NULL};
    only(r, json, "template", names);
    read_mac(r, json, "eth-src", &h->eth_src);
    read_mac(r, json, "eth-dst", &h->eth_dst);
    h->tagged = json_object_get(json, "vlan-id") != NULL;
    if (h->tagged)
        h->vlan_tci = (uint16_t)number(r, json, "vlan-id", 0, 4094);
    if (json_object_get(json, "vlan-priority")) {
        if (!h->tagged)
            fail(r, "vlan-priority", "is there, but no \"vlan-id\"");
        h->vlan_tci |= (uint16_t)(number(r, json, "vlan-priority", 0, 7) << 13);
    }
    h->ipv4_src = read_ipv4(r, text(r, json, "ipv4-src"), "ipv4-src");
    h->ipv4_dst = read_ipv4(r, text(r, json, "ipv4-dst"), "ipv4-dst");
    h->udp_src = (uint16_t)number(r, json, "udp-src", 1, UINT16_MAX);
    h->udp_dst = (uint16_t)number(r, json, "udp-dst", 1, UINT16_MAX);
    if (h->udp_src == STAMP_PORT)
        fail(r, "udp-src", "is the reflectors' port");
    h->ttl = STAMP_TTL;
}

static void
read_id(struct reading *r, const json_t *json, const char **id)
{
    *id = text(r, json, "id");
    if (!**id || strlen(*id) > STAMP_TEST_ID_MAX)
        fail(r, "id", "is empty, or longer than 63 characters");
}

static void
read_reflectors(struct reading *r, const json_t *list, struct stamp_request *request)
{
    size_t n = json_array_size(list);
    if (n == 0 || n > STAMP_MAX_REFLECTORS) {
        fail(r, "reflectors", "is not an array of 1 to 32 addresses");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const char *value = json_string_value(json_array_get(list, i));
        uint32_t address = read_ipv4(r, value, "reflectors");
        for (unsigned k = 0; k < request->n_reflectors; k++) {
            if (request->reflectors[k] == address)
                fail(r, "reflectors", "has an address twice");
        }
        request->reflectors[request->n_reflectors++] = address;
    }
}

/* Who answers, and by which way, must go together: a group cannot be answered in-band, and nobody
 * but the destination can answer what is not sent to a group. */
static void
check_reply(struct reading *r, const char *reply, struct stamp_request *request)
{
    bool group = IS_GROUP(request->headers.ipv4_dst);
    request->management = !strcmp(reply, "management");
    if (!request->management && strcmp(reply, "in-band"))
        fail(r, "reply", "is neither \"in-band\" nor \"management\"");
    if (request->management != group)
        fail(r, "reply", "must be \"management\" for a group address, and only for one");
    if (!group &&
        (request->n_reflectors != 1 || request->reflectors[0] != request->headers.ipv4_dst))
        fail(r, "reflectors", "must be the \"ipv4-dst\", unless that is a group");
}

static void
read_load(struct reading *r, const json_t *json, struct stamp_request *request)
{
    uint32_t headers = stamp_headers_size(&request->headers);
    json_int_t most = STAMP_FRAME_MAX - (request->headers.tagged ? 0 : 4);
    request->count = (uint32_t)number(r, json, "count", 1, STAMP_TEST_PACKETS_MAX);
    request->interval = NSEC_PER_USEC * number(r, json, "interval-us",
                                               STAMP_TEST_INTERVAL_MIN / NSEC_PER_USEC,
                                               STAMP_TEST_INTERVAL_MAX / NSEC_PER_USEC);
    request->timeout = NSEC_PER_MSEC *
                       number(r, json, "timeout-ms", 1, STAMP_TEST_TIMEOUT_MAX / NSEC_PER_MSEC);
    request->payload_size = (uint32_t)number(r, json, "size", headers + STAMP_BASE_SIZE, most) -
                            headers;
    if ((nsec_t)(request->count - 1) * request->interval > STAMP_TEST_DURATION_MAX)
        fail(r, "count", "packets at this interval take longer than ten minutes");
}

enum err
stamp_request_read(const json_t *params, struct stamp_request *request, struct diag *diag)
{
    static const char *const names[] = {"id",          "template",   "count",
                                        "interval-us", "size",       "timeout-ms",
                                        "reply",       "reflectors", NULL};
    struct reading r = {ERR_OK, diag};
    struct stamp_request q = {.n_reflectors = 0};
    const char *id;
    only(&r, params, "params", names);
    read_id(&r, params, &id);
    read_template(&r, json_object_get(params, "template"), &q.headers);
    read_load(&r, params, &q);
    read_reflectors(&r, json_object_get(params, "reflectors"), &q);
    check_reply(&r, text(&r, params, "reply"), &q);
    if (r.err)
        return r.err;
    strcpy(q.id, id); /* its length has been checked */
    *request = q;
    return ERR_OK;
}

enum err
stamp_request_read_id(const json_t *params, const char **id, struct diag *diag)
{
    static const char *const names[] = {"id", NULL};
    struct reading r = {ERR_OK, diag};
    const char *found;
    only(&r, params, "params", names);
    read_id(&r, params, &found);
    if (!r.err)
        *id = found;
    return r.err;
}

/* ---- What is answered ---- */

static void
set(json_t *json, const char *name, json_int_t value)
{
    json_object_set_new(json, name, json_integer(value));
}

static json_t *
direction(const struct stamp_direction *d)
{
    json_t *json = json_object();
    set(json, "sent", d->sent);
    set(json, "received", d->received);
    set(json, "lost", d->lost);
    set(json, "duplicated", d->duplicated);
    set(json, "reordered", d->reordered);
    if (d->delay.n && d->delay.min >= -LATENCY_LIMIT && d->delay.max <= LATENCY_LIMIT &&
        d->delay.max - d->delay.min <= LATENCY_LIMIT) { /* so the jitter is within it too */
        set(json, "min-ns", d->delay.min);
        set(json, "mean-ns", d->delay.mean);
        set(json, "p50-ns", d->delay.p50);
        set(json, "p99-ns", d->delay.p99);
        set(json, "max-ns", d->delay.max);
        set(json, "jitter-ns", d->delay.ipdv_mean);
    }
    return json;
}

/* Both of the reflector's stamps, by the best it said. That the kernel's word came too late for
 * some of its answers, when many follow each other, makes no other source of it; of answers over
 * the management network only the first matters. */
static const char *
reflector_stamps(const struct stamp_request *q, const struct stamp_result *r)
{
    uint8_t in = r->timestamps.method_in, out = q->management ? in : STAMP_METHOD_CONTROL_PLANE;
    for (uint8_t method = STAMP_METHOD_HW_ASSIST; !q->management && method < out; method++) {
        if (r->follow_ups[method])
            out = method;
    }
    if (in == STAMP_METHOD_HW_ASSIST && out == STAMP_METHOD_HW_ASSIST)
        return "hardware";
    bool kernel = in && in <= STAMP_METHOD_SW_LOCAL && out <= STAMP_METHOD_SW_LOCAL;
    return kernel ? "kernel" : "application";
}

static json_t *
reflector(const struct stamp_request *q, uint32_t address, const struct stamp_result *r)
{
    char name[IPV4_TEXT_SIZE];
    json_t *json = json_object();
    json_object_set_new(json, "address", json_string(ipv4_format(address, name)));
    json_object_set_new(json, "timestamps", json_string(reflector_stamps(q, r)));
    json_object_set_new(json, "synchronised", json_boolean(r->synchronized));
    json_object_set_new(json, "directions", json_boolean(r->has_directions));
    set(json, "unattributed", r->lost_unattributed);
    json_object_set_new(json, "round-trip", direction(&r->round_trip));
    json_object_set_new(json, "forward", direction(&r->forward));
    json_object_set_new(json, "backward", direction(&r->backward));
    return json;
}

json_t *
stamp_request_answer(const struct stamp_request *q, const struct stamp_sender *sender,
                     const struct stamp_outcome *o)
{
    json_t *json = json_object(), *list = json_array();
    json_object_set_new(json, "id", json_string(q->id));
    set(json, "sent", o->sent);
    set(json, "size", stamp_request_frame_size(q));
    set(json, "span-ns", o->span);
    uint32_t n_answered = 0;
    for (unsigned i = 0; i < q->n_reflectors; i++) {
        struct stamp_result result;
        stamp_sender_result(sender, i, &result);
        n_answered = MAX(n_answered, result.round_trip.received);
        json_array_append_new(list, reflector(q, q->reflectors[i], &result));
    }
    /* What a meter dropped never left, but was never answered either. */
    bool kernel = o->n_stamped && o->n_stamped >= n_answered &&
                  (o->kernel_arrivals || q->management);
    json_object_set_new(json, "timestamps", json_string(kernel ? "kernel" : "application"));
    json_object_set_new(json, "reflectors", list);
    return json;
}
