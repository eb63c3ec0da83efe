/* What a client wants to see, from the parameters of edge.capture-start; and the words in which it
 * is told what it sees. */
#include "edge/capture.h"
#include "edge/field_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RATE_MAX 10000000

static enum err
parse_port(const json_t *value, uint32_t *port, struct diag *diag)
{
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);
    if (text && !strcmp(text, "LOCAL")) {
        *port = PORT_LOCAL;
    } else if (text && !strcmp(text, "CONTROLLER")) {
        *port = PORT_CONTROLLER;
    } else if (json_is_integer(value) && number >= 1 && number <= (json_int_t)PORT_MAX) {
        *port = (uint32_t)number;
    } else {
        return diag_set(diag, ERR_INVALID,
                        "ports is a list of numbers, \"LOCAL\" and \"CONTROLLER\"");
    }
    return ERR_OK;
}

static enum err
parse_ports(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    size_t i;
    const json_t *port;
    enum err err = ERR_OK;
    if (!json_is_array(value) || !json_array_size(value) || json_array_size(value) > TAP_PORTS)
        return diag_set(diag, ERR_INVALID, "ports is a list of 1 to %d ports", TAP_PORTS);
    json_array_foreach(value, i, port)
    {
        err = err ? err : parse_port(port, &f->ports[i], diag);
    }
    f->n_ports = (uint32_t)json_array_size(value);
    return err;
}

static enum err
parse_direction(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    const char *text = json_string_value(value);
    f->in = text && strcmp(text, "out") != 0;
    f->out = text && strcmp(text, "in") != 0;
    if (!text || (strcmp(text, "in") && strcmp(text, "out") && strcmp(text, "both")))
        return diag_set(diag, ERR_INVALID, "direction is in, out or both");
    return ERR_OK;
}

static enum err
parse_match(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    const char *text = json_string_value(value);
    f->has_match = true;
    if (!text)
        return diag_set(diag, ERR_INVALID, "match is text");
    enum err err = field_match_parse(text, &f->match, diag);
    if (err)
        diag_prefix(diag, "match");
    return err;
}

/* Text, since JSON's integers have a sign: "0x12". */
static enum err
parse_u64(const char *name, const json_t *value, uint64_t *to, struct diag *diag)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    errno = 0;
    if (text && *text >= '0' && *text <= '9')
        *to = strtoull(text, &end, 0);
    if (!end || *end || errno)
        return diag_set(diag, ERR_INVALID, "%s is a number in text, \"0x12\"", name);
    return ERR_OK;
}

static enum err
parse_cookie(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    f->has_cookie = true;
    return parse_u64("cookie", value, &f->cookie, diag);
}

static enum err
parse_cookie_mask(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    return parse_u64("cookie-mask", value, &f->cookie_mask, diag);
}

static enum err
parse_drops(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    const char *text = json_string_value(value);
    f->drops = true;
    if (json_is_true(value))
        return ERR_OK;
    for (unsigned i = DROP_NONE + 1; text && i < DROP_MAX; i++) {
        if (!strcmp(text, drop_table[i].name)) {
            f->reason = (enum drop_reason)i;
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "drops: there is no reason \"%.40s\"", text ? text : "");
}

static enum err
parse_number(const char *name, const json_t *value, json_int_t max, uint32_t *to, struct diag *diag)
{
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 1 || number > max)
        return diag_set(diag, ERR_INVALID, "%s is a number from 1 to %lld", name, (long long)max);
    *to = (uint32_t)number;
    return ERR_OK;
}

static enum err
parse_snap(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    return parse_number("snap", value, PACKET_MAX, &f->snap, diag);
}

static enum err
parse_rate(const json_t *value, struct tap_filter *f, struct diag *diag)
{
    return parse_number("packets-per-second", value, RATE_MAX, &f->packets_per_second, diag);
}

enum err
capture_filter_parse(const json_t *params, struct tap_filter *filter, struct diag *diag)
{
    static const struct {
        const char *name;
        enum err (*parse)(const json_t *, struct tap_filter *, struct diag *); /* NULL: a limit */
    } rows[] = {
        {"ports", parse_ports}, {"direction", parse_direction},
        {"match", parse_match}, {"cookie", parse_cookie},
        {"drops", parse_drops}, {"cookie-mask", parse_cookie_mask},
        {"snap", parse_snap},   {"packets-per-second", parse_rate},
        {"count", NULL},        {"octets", NULL},
        {"seconds", NULL},
    };
    struct tap_filter f = {.in = true,
                           .out = true,
                           .cookie_mask = UINT64_MAX,
                           .snap = PACKET_MAX,
                           .packets_per_second = CAPTURE_RATE};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)params, name, value)
    {
        size_t i = 0;
        while (i < ARRAY_SIZE(rows) && strcmp(rows[i].name, name))
            i++;
        if (i == ARRAY_SIZE(rows))
            return diag_set(diag, ERR_INVALID, "there is no parameter \"%.40s\"", name);
        enum err err = rows[i].parse ? rows[i].parse(value, &f, diag) : ERR_OK;
        if (err)
            return err;
    }
    *filter = f;
    return ERR_OK;
}

/* ---- Comments ---- */

void
capture_comment(const struct tap_record *r, struct buf *out)
{
    if (r->event == TAP_DROPPED)
        buf_printf(out, "dropped: %s (%s)", drop_table[r->reason].name, drop_table[r->reason].help);
    else
        buf_str(out, r->event == TAP_SENT ? "output: port " : "input: port ");
    if (r->event != TAP_DROPPED)
        port_format(r->port, out);
    if (r->event == TAP_SENT && port_is_real(r->port))
        buf_printf(out, ", queue %u", r->queue);
    if (r->has_rule)
        buf_printf(out, "; rule: table=%u,priority=%u,cookie=0x%llx", r->table_id, r->priority,
                   (unsigned long long)r->cookie);
    else if (r->event == TAP_DROPPED && r->reason == DROP_NO_MATCH)
        buf_printf(out, "; table=%u", r->table_id);
    if (r->event != TAP_ARRIVED) {
        buf_str(out, "; from port ");
        port_format(r->in_port, out);
    }
}
