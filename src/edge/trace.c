#include "edge/trace.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "edge/field_names.h"
#include "io/jsontext.h"
#include "packet/checksum.h"

#include <stdio.h>
#include <string.h>

/* ---- A frame from fields ---- */

#define FRAME_MIN 60 /* octets, without FCS */

struct fields {
    struct flow_key key;
    bool given[FIELD_MAX];
};

static enum err
take_field(struct fields *f, const char *name, const json_t *value, struct diag *diag)
{
    char number[24];
    uint8_t octets[16] = {0}, mask[16] = {0}, full[16] = {0};
    enum field field = field_by_parameter(name);
    const struct field_info *info = field_info(field);
    const char *text = json_string_value(value);
    if (!info)
        return diag_set(diag, ERR_INVALID, "there is no field \"%.60s\"", name);
    if (!text && json_is_integer(value)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(value));
        text = number;
    }
    if (!text || field_parse(field, text, octets, mask))
        return diag_set(diag, ERR_INVALID, "%s: not a value of this field", name);
    field_full_mask(field, full);
    if (memcmp(mask, full, info->size))
        return diag_set(diag, ERR_INVALID, "%s: a packet has one value, without a mask", name);
    memcpy(flow_key_field(&f->key, field), octets, info->size);
    if (field == FIELD_VLAN_VID && octets[0] & 0xf0)
        return diag_set(diag, ERR_INVALID, "%s: not a value of this field", name);
    if (field == FIELD_VLAN_VID)
        f->key.vlan_vid |= to_be16(VLAN_PRESENT);
    f->given[field] = true;
    return ERR_OK;
}

static void
fill_in(struct fields *f)
{
    if (f->given[FIELD_VLAN_PCP] && !f->given[FIELD_VLAN_VID])
        f->key.vlan_vid = to_be16(VLAN_PRESENT); /* a priority tag: VID 0 */
    for (unsigned i = 0; i < n_field_needs; i++) {
        const struct field_need *need = &field_needs[i];
        for (unsigned field = need->first; field <= need->last; field++) {
            if (!f->given[field] || f->given[need->field])
                continue;
            flow_key_set(&f->key, need->field, need->value);
            f->given[need->field] = true;
        }
    }
}

/* The header behind IP: only what the key has of it, and what makes it whole. */
static void
build_l4(const struct flow_key *key, struct buf *out)
{
    switch (key->ip_proto) {
    case IP_PROTO_TCP:
        buf_be16(out, from_be16(key->tp_src));
        buf_be16(out, from_be16(key->tp_dst));
        buf_zero(out, 8);
        buf_be16(out, 0x5000); /* no options */
        buf_zero(out, 6);
        break;
    case IP_PROTO_UDP:
        buf_be16(out, from_be16(key->tp_src));
        buf_be16(out, from_be16(key->tp_dst));
        buf_be16(out, 8);
        buf_be16(out, 0);
        break;
    case IP_PROTO_SCTP:
        buf_be16(out, from_be16(key->tp_src));
        buf_be16(out, from_be16(key->tp_dst));
        buf_zero(out, 8);
        break;
    case IP_PROTO_ICMP:
    case IP_PROTO_ICMPV6: /* type and code have a place of two octets each */
        buf_u8(out, (uint8_t)flow_key_get(key, FIELD_ICMPV4_TYPE));
        buf_u8(out, (uint8_t)flow_key_get(key, FIELD_ICMPV4_CODE));
        buf_zero(out, 6);
        break;
    default:
        break;
    }
}

static void
build_ipv4(const struct flow_key *key, struct buf *out)
{
    struct buf l4 = BUF_INIT;
    size_t start = out->size;
    build_l4(key, &l4);
    buf_u8(out, 0x45);
    buf_u8(out, (uint8_t)(key->ip_dscp << 2 | key->ip_ecn));
    buf_be16(out, (uint16_t)(20 + l4.size));
    buf_zero(out, 4);
    buf_u8(out, 64); /* time to live */
    buf_u8(out, key->ip_proto);
    buf_zero(out, 2);
    buf_put(out, key->ip_src, 4);
    buf_put(out, key->ip_dst, 4);
    buf_patch_be16(out, start + 10, checksum_finish(checksum_add(0, out->data + start, 20)));
    buf_put(out, l4.data, l4.size);
    buf_fini(&l4);
}

static void
build_ipv6(const struct flow_key *key, struct buf *out)
{
    struct buf l4 = BUF_INIT;
    build_l4(key, &l4);
    buf_be32(out, 6u << 28 | (uint32_t)key->ip_dscp << 22 | (uint32_t)key->ip_ecn << 20 |
                      from_be32(key->ipv6_flabel));
    buf_be16(out, (uint16_t)l4.size);
    buf_u8(out, key->ip_proto ? key->ip_proto : 59); /* 59: nothing follows */
    buf_u8(out, 64);
    buf_put(out, key->ip_src, 16);
    buf_put(out, key->ip_dst, 16);
    buf_put(out, l4.data, l4.size);
    buf_fini(&l4);
}

static void
build_arp(const struct flow_key *key, struct buf *out)
{
    buf_be16(out, 1); /* Ethernet */
    buf_be16(out, ETH_TYPE_IPV4);
    buf_u8(out, 6);
    buf_u8(out, 4);
    buf_be16(out, (uint16_t)flow_key_get(key, FIELD_ARP_OP));
    buf_put(out, key->sll, 6);
    buf_put(out, key->ip_src, 4);
    buf_put(out, key->tll, 6);
    buf_put(out, key->ip_dst, 4);
}

static void
build_frame(const struct flow_key *key, struct buf *out)
{
    uint16_t type = from_be16(key->eth_type), vid = from_be16(key->vlan_vid);
    buf_put(out, key->eth_dst, 6);
    buf_put(out, key->eth_src, 6);
    if (vid & VLAN_PRESENT) {
        buf_be16(out, ETH_TYPE_VLAN);
        buf_be16(out, (uint16_t)(key->vlan_pcp << 13 | (vid & 0xfff)));
    }
    buf_be16(out, type);
    if (type == ETH_TYPE_IPV4)
        build_ipv4(key, out);
    else if (type == ETH_TYPE_IPV6)
        build_ipv6(key, out);
    else if (type == ETH_TYPE_ARP)
        build_arp(key, out);
    if (out->size < FRAME_MIN)
        buf_zero(out, FRAME_MIN - out->size);
}

/* The frame, read as the packet path reads it, must say what was asked for. */
static enum err
check_frame(const struct fields *f, const struct trace_packet *p, struct diag *diag)
{
    struct flow_key key = f->key;
    struct packet_layout layout;
    flow_key_parse(&key, p->frame, p->size, &layout);
    for (unsigned i = 0; i < FIELD_MAX; i++) {
        const struct field_info *info = f->given[i] ? field_info(i) : NULL;
        bool pipeline = i == FIELD_METADATA || i == FIELD_TUNNEL_ID || i == FIELD_IN_PHY_PORT;
        if (info &&
            (pipeline || !flow_key_has_field(&key, i) ||
             memcmp(flow_key_field_const(&key, i), flow_key_field_const(&f->key, i), info->size)))
            return diag_set(diag, ERR_INVALID,
                            "no simple packet has this %s with the other fields; give its frame",
                            info->name);
    }
    return ERR_OK;
}

static enum err
from_fields(const json_t *params, struct trace_packet *p, struct diag *diag)
{
    struct fields f = {.key = {.in_port = to_be32(p->in_port)}};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)params, name, value)
    {
        enum err err = strcmp(name, "in-port") ? take_field(&f, name, value, diag) : ERR_OK;
        if (err)
            return err;
    }
    fill_in(&f);
    struct buf frame = BUF_INIT;
    build_frame(&f.key, &frame);
    p->size = (uint32_t)frame.size;
    memcpy(p->frame, frame.data, frame.size); /* at most 18 + 40 + 20 octets */
    buf_fini(&frame);
    return check_frame(&f, p, diag);
}

/* ---- A frame in hexadecimal ---- */

/* Blanks between octets are skipped. */
static enum err
from_hex(const char *text, struct trace_packet *p, struct diag *diag)
{
    for (p->size = 0; *text; text++) {
        if (strchr(" \t\n:", *text))
            continue;
        int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0)
            return diag_set(diag, ERR_MALFORMED, "frame: not hexadecimal at octet %u", p->size);
        if (p->size == sizeof p->frame)
            return diag_set(diag, ERR_INVALID, "frame: more than %zu octets", sizeof p->frame);
        p->frame[p->size++] = (uint8_t)(high << 4 | low);
        text++;
    }
    return ERR_OK;
}

enum err
trace_packet_parse(const json_t *params, struct trace_packet *p, struct diag *diag)
{
    const json_t *in_port = json_object_get(params, "in-port");
    const json_t *frame = json_object_get(params, "frame");
    json_int_t port = json_integer_value(in_port);
    if (!json_is_integer(in_port) || port < 1 || port > UINT32_MAX)
        return diag_set(diag, ERR_INVALID, "in-port is missing, or not the number of a port");
    p->in_port = (uint32_t)port;
    if (!frame)
        return from_fields(params, p, diag);
    if (!json_is_string(frame) || json_object_size(params) != 2)
        return diag_set(diag, ERR_INVALID, "frame is text, and alone with in-port");
    return from_hex(json_string_value(frame), p, diag);
}

/* ---- The answer ---- */

struct answer {
    struct buf text;
    json_t *outputs, *drops, *counters; /* NULL: not wanted */
    const char *verdict;
    unsigned group; /* the last that was told of */
};

/* ---- The counters that would change, by the names they have in metrics ---- */

static void
note(struct answer *a, const char *counter, const char *label, unsigned number, const char *second,
     unsigned second_number)
{
    json_t *row = json_pack("{ss}", "counter", counter);
    if (label)
        json_object_set_new(row, label, json_integer(number));
    if (second)
        json_object_set_new(row, second, json_integer(second_number));
    json_array_append_new(a->counters, row);
}

static void
note_text(struct answer *a, const char *counter, const char *label, const char *text, size_t length)
{
    json_array_append_new(a->counters,
                          json_pack("{ss ss%}", "counter", counter, label, text, (size_t)length));
}

static void
note_entry(struct answer *a, const char *text)
{
    unsigned table;
    const char *cookie = strstr(text, "cookie=");
    if (sscanf(text, "table=%u", &table) != 1 || !cookie)
        return;
    cookie += strlen("cookie=");
    note(a, "table_matches", "table", table, NULL, 0);
    note_text(a, "flow_packets", "cookie", cookie, strcspn(cookie, " ,"));
}

static void
note_bucket(struct answer *a, const char *text)
{
    unsigned bucket;
    if (sscanf(text, "%u", &bucket) == 1 && strstr(text, ", taken:"))
        note(a, "group_bucket_packets", "group", a->group, "bucket", bucket);
}

static void
note_output(struct answer *a, const char *text)
{
    unsigned port, queue;
    const char *behind = strstr(text, "), queue ");
    if (!strncmp(text, "CONTROLLER", strlen("CONTROLLER"))) {
        note(a, "punted_packets", NULL, 0, NULL, 0);
    } else if (behind && sscanf(text, "port %u", &port) == 1 &&
               sscanf(behind, "), queue %u", &queue) == 1) {
        note(a, "port_sent_packets", "port", port, NULL, 0);
        note(a, "queue_sent_packets", "port", port, "queue", queue);
    }
}

static void
note_counters(struct answer *a, const struct trace_step *step)
{
    unsigned number;
    if (!strcmp(step->kind, "table") && sscanf(step->text, "%u", &number) == 1) {
        note(a, "table_lookups", "table", number, NULL, 0);
    } else if (!strcmp(step->kind, "entry")) {
        note_entry(a, step->text);
    } else if (!strcmp(step->kind, "meter") && sscanf(step->text, "meter=%u", &number) == 1) {
        note(a, "meter_packets", "meter", number, NULL, 0);
    } else if (!strcmp(step->kind, "group") && sscanf(step->text, "0x%x", &number) == 1) {
        a->group = number;
        note(a, "group_packets", "group", number, NULL, 0);
    } else if (!strcmp(step->kind, "bucket")) {
        note_bucket(a, step->text);
    } else if (!strcmp(step->kind, "output")) {
        note_output(a, step->text);
    } else if (!strcmp(step->kind, "drop")) {
        note_text(a, "dropped_packets", "reason", step->text, strcspn(step->text, ":"));
    }
}

/* "counter: queue_sent_packets{port=3,queue=4}", a line each. */
static void
put_counters(const json_t *counters, struct buf *out)
{
    size_t i;
    json_t *row, *value;
    const char *name;
    json_array_foreach(counters, i, row)
    {
        const char *between = "{";
        buf_printf(out, "counter: %s", json_string_value(json_object_get(row, "counter")));
        json_object_foreach(row, name, value)
        {
            if (!strcmp(name, "counter"))
                continue;
            if (json_is_string(value))
                buf_printf(out, "%s%s=%s", between, name, json_string_value(value));
            else
                buf_printf(out, "%s%s=%lld", between, name, (long long)json_integer_value(value));
            between = ",";
        }
        buf_str(out, *between == ',' ? "}\n" : "\n");
    }
}

/* ---- Steps ---- */

static void
on_step(void *arg, const struct trace_step *step)
{
    struct answer *a = arg;
    if (a->counters)
        note_counters(a, step);
    buf_printf(&a->text, "%*s%s: %s\n", 2 * step->depth, "", step->kind, step->text);
    if (!strcmp(step->kind, "result"))
        a->verdict = !strcmp(step->text, "forwarded") ? "forwarded"
                     : !strcmp(step->text, "dropped") ? "dropped"
                                                      : "controller";
    else if (a->outputs && !strcmp(step->kind, "output"))
        json_array_append_new(a->outputs, json_string(step->text));
    else if (a->drops && !strcmp(step->kind, "drop"))
        json_array_append_new(a->drops, json_stringn(step->text, strcspn(step->text, ":")));
}

void
trace_text(struct datapath *dp, const struct trace_packet *p, struct buf *out)
{
    struct answer a = {.text = BUF_INIT};
    pipeline_trace(dp, p->frame, p->size, p->in_port, on_step, &a);
    buf_put(out, a.text.data, a.text.size);
    buf_fini(&a.text);
}

json_t *
trace_json(struct datapath *dp, const struct trace_packet *p)
{
    struct answer a = {
        .text = BUF_INIT, .outputs = json_array(), .drops = json_array(), .counters = json_array()};
    if (datapath_port(dp, p->in_port))
        note(&a, "port_received_packets", "port", p->in_port, NULL, 0);
    pipeline_trace(dp, p->frame, p->size, p->in_port, on_step, &a);
    put_counters(a.counters, &a.text);
    json_t *result = json_pack("{so ss so so so}", "text", jsontext_string(buf_cstr(&a.text)),
                               "verdict", a.verdict, "outputs", a.outputs, "drops", a.drops,
                               "counters", a.counters);
    buf_fini(&a.text);
    return result;
}
