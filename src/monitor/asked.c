#include "monitor/asked.h"

#include "base/alloc.h"
#include "sensor/protocols.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *
text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

/* "10.0.0.5", "fe80::1", "02:00:00:00:00:01" as in struct end. */
static bool
read_address(const char *text, uint8_t address[16], uint8_t *ip)
{
    uint32_t ipv4;
    struct mac mac;
    memset(address, 0, 16);
    if (!ipv4_parse(text, &ipv4)) {
        put_be32(address, ipv4);
        *ip = 4;
        return true;
    }
    if (!mac_parse(text, &mac)) {
        memcpy(address, mac.octets, sizeof mac.octets);
        *ip = 0;
        return true;
    }
    *ip = 6;
    return !ipv6_parse(text, address);
}

/* ---- What was learned ---- */

static uint64_t
number_of(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));
    return n > 0 ? (uint64_t)n : 0;
}

static json_t *
read_back(struct buf *text)
{
    json_t *json = json_loadb((const char *)text->data, text->size, 0, NULL);
    buf_fini(text);
    return json;
}

enum err
asked_habits(struct monitor *m, const json_t *params, json_t **answer, struct diag *diag)
{
    uint8_t address[16];
    struct habits *habits = monitor_habits(m);
    struct detector *detector = monitor_detector(m);
    const char *wanted = text_of(params, "address");
    uint64_t limit = number_of(params, "limit");
    struct habits_page page = {.after = number_of(params, "after"),
                               .most = (uint32_t)(limit ? MIN(limit, ASKED_PAIRS) : ASKED_PAIRS),
                               .octets = ASKED_OCTETS,
                               .verdicts = detector ? detector_verdicts(detector) : NULL};
    monitor_settle(m); /* what was heard is in it */
    if (!habits)
        return diag_set(diag, ERR_UNSUPPORTED, "this sensor does not keep who talks with whom");
    if (wanted && !read_address(wanted, address, &page.ip))
        return diag_set(diag, ERR_INVALID, "\"address\": an IP or MAC address is expected");
    page.address = wanted ? address : NULL;
    struct buf text = BUF_INIT;
    buf_printf(&text, "{\"pairs\":%u,\"left-out\":%" PRIu64, habits_number(habits),
               habits_left_out(habits));
    if (!page.after && detector) {
        buf_str(&text, ",\"learned\":");
        detector_put_learned(detector, &text);
    }
    buf_str(&text, ",\"habits\":[");
    uint64_t next = habits_put_page(habits, &page, &text);
    buf_str(&text, "]");
    if (next)
        buf_printf(&text, ",\"next\":%" PRIu64, next);
    buf_str(&text, "}");
    *answer = read_back(&text);
    return *answer ? ERR_OK : diag_set(diag, ERR_MALFORMED, "what was learned cannot be told");
}

/* ---- What people say ---- */

static const struct protocol *
find_protocol(const char *name)
{
    const struct protocol *const *p = protocols_all;
    while (*p && strcmp((*p)->name, name) != 0)
        p++;
    return *p;
}

static bool
find_function(const struct protocol *p, const json_t *wanted, uint32_t *function)
{
    const char *name = json_string_value(wanted);
    if (json_is_integer(wanted)) {
        *function = (uint32_t)json_integer_value(wanted);
        return json_integer_value(wanted) >= 0 && json_integer_value(wanted) <= UINT32_MAX;
    }
    for (size_t i = 0; name && i < p->n_functions; i++) {
        *function = p->functions[i].number;
        if (!strcmp(p->functions[i].name, name))
            return true;
    }
    return false;
}

static enum err
read_about(const json_t *params, struct verdict_about *about, struct diag *diag)
{
    const char *client = text_of(params, "client"), *server = text_of(params, "server"),
               *name = text_of(params, "protocol");
    const json_t *function = json_object_get(params, "function");
    uint8_t ip;
    memset(about, 0, sizeof *about);
    if (!client || !read_address(client, about->ends[0], &about->ip))
        return diag_set(diag, ERR_INVALID, "\"client\": an IP or MAC address is expected");
    if (!server || !read_address(server, about->ends[1], &ip) || ip != about->ip)
        return diag_set(diag, ERR_INVALID, "\"server\": an address as the client's is expected");
    const struct protocol *p = name ? find_protocol(name) : NULL;
    if (name && !p)
        return diag_set(diag, ERR_INVALID, "\"protocol\": %.40s is none", name);
    if (p)
        verdict_name_put(about->protocol, p->name);
    about->has_function = function && !json_is_null(function);
    if (about->has_function && (!p || !find_function(p, function, &about->function)))
        return diag_set(diag, ERR_INVALID, "\"function\": %s",
                        p ? "the protocol has no such one" : "of which protocol?");
    return ERR_OK;
}

struct reopening {
    const struct verdict_about *about;
    struct detector *detector;
};

static void
reopen(void *arg, struct conversation *c)
{
    const struct reopening *r = arg;
    const struct verdict_about *a = r->about;
    const uint8_t *low = c->key.ends[0].address, *high = c->key.ends[1].address;
    if (c->key.ip == a->ip && ((!memcmp(low, a->ends[0], 16) && !memcmp(high, a->ends[1], 16)) ||
                               (!memcmp(low, a->ends[1], 16) && !memcmp(high, a->ends[0], 16))))
        detector_reopen(r->detector, c);
}

enum err
asked_order(struct monitor *m, const json_t *params, nsec_t now, struct diag *diag)
{
    struct verdict_about about;
    struct detector *detector = monitor_detector(m);
    const char *order = text_of(params, "order"), *by = text_of(params, "by"),
               *why = text_of(params, "why");
    bool forgets = order && !strcmp(order, "forget");
    if (!detector)
        return diag_set(diag, ERR_UNSUPPORTED, "this sensor has no rules: nothing rests on that");
    if (!order || (!forgets && strcmp(order, "approve") != 0))
        return diag_set(diag, ERR_INVALID, "\"order\": approve or forget is expected");
    if (!by || !why)
        return diag_set(diag, ERR_INVALID, "\"%s\" is missing", by ? "why" : "by");
    enum err err = read_about(params, &about, diag);
    monitor_settle(m); /* what was heard before the order */
    if (!err)
        err = detector_say(detector, &about, forgets ? VERDICT_FORGOTTEN : VERDICT_APPROVED, now,
                           by, why, diag);
    if (err || !forgets)
        return err;
    struct reopening reopening = {&about, detector};
    if (!*about.protocol)
        sensor_each(monitor_sensor(m), 0, reopen, &reopening);
    if (monitor_habits(m))
        habits_forget(monitor_habits(m), &about);
    return ERR_OK;
}
