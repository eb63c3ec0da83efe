/* One row of `rows` is all there is to say of a TLV: sizes, where its value goes, and its kind. */
#include "proto/bgpls/bgpls_attributes.h"

#include "base/hex.h"
#include "proto/bgpls/bgpls_kinds.h"

/* ---- what is told by application: a kind that is made of all others */

static void read_tlvs(struct bgpls_reader *, struct cursor *);

static bool
is_mask_size(uint8_t size)
{
    return size == 0 || size == 4 || size == 8;
}

/* What was left out there is told as if it had been left out here. */
static void
take_dropped(struct bgpls_reader *r, struct bgpls_attributes *from)
{
    struct bgpls_attributes *a = r->attributes;
    for (unsigned i = 0; i < from->n_dropped; i++, a->n_dropped++)
        if (a->n_dropped < BGPLS_DROPPED_MAX && i < BGPLS_DROPPED_MAX)
            a->dropped[a->n_dropped] = from->dropped[i];
    from->n_dropped = 0;
}

static void
decode_application(struct bgpls_reader *r, struct cursor *in, void *at)
{
    struct bgpls_application *app = bgpls_take_memory(r, sizeof *app), **end = at;
    struct bgpls_attributes *attributes = bgpls_take_memory(r, sizeof *attributes);
    struct bgpls_reader inner = {.arena = r->arena, .attributes = attributes, .nested = true};
    if (!app || !attributes)
        return;
    app->standard_size = cursor_u8(in, "SABM Length");
    app->user_size = cursor_u8(in, "UDABM Length");
    cursor_skip(in, 2, "Reserved");
    if (!is_mask_size(app->standard_size) || !is_mask_size(app->user_size)) {
        bgpls_wrong(r, ERR_MALFORMED, "the length of a mask of applications");
        return;
    }
    cursor_copy(in, app->standard, app->standard_size, "SABM");
    cursor_copy(in, app->user, app->user_size, "UDABM");
    if (in->err)
        return;
    read_tlvs(&inner, in);
    if (inner.err)
        bgpls_wrong(r, inner.err, inner.what);
    take_dropped(r, attributes);
    app->attributes = attributes;
    app->next = *end;
    *end = app;
}

static enum err
put_application(const struct bgpls_application *app, uint16_t type, struct buf *out)
{
    size_t begin = out->size;
    if (!is_mask_size(app->standard_size) || !is_mask_size(app->user_size))
        return ERR_INVALID;
    buf_be16(out, type);
    buf_be16(out, 0);
    buf_u8(out, app->standard_size);
    buf_u8(out, app->user_size);
    buf_be16(out, 0);
    buf_put(out, app->standard, app->standard_size);
    buf_put(out, app->user, app->user_size);
    enum err err = bgpls_attributes_encode(app->attributes, out);
    if (!err && (buf_err(out) || out->size - begin - 4 > UINT16_MAX))
        err = ERR_LIMIT;
    if (!err)
        buf_patch_be16(out, begin + 2, (uint16_t)(out->size - begin - 4));
    return err;
}

static enum err
put_applications(const struct bgpls_application *app, uint16_t type, struct buf *out)
{
    enum err err = ERR_OK;
    for (; app && !err; app = app->next)
        err = put_application(app, type, out);
    return err;
}

static void
print_applications(const void *at, struct buf *out)
{
    const struct bgpls_application *first = *(struct bgpls_application *const *)at;
    for (const struct bgpls_application *app = first; app; app = app->next) {
        buf_str(out, app == first ? "" : " ");
        hex_put(out, app->standard, app->standard_size);
        if (app->user_size) {
            buf_u8(out, '/');
            hex_put(out, app->user, app->user_size);
        }
        buf_str(out, "[");
        bgpls_attributes_print(app->attributes, out);
        buf_str(out, "]");
    }
}

/* ---- the table */

static const struct bgpls_kind application = {decode_application, NULL, print_applications, true,
                                              sizeof(void *)};

#define AT(member) offsetof(struct bgpls_attributes, member)
#define ANY UINT16_MAX

/* Sizes of the value: at least, at most, and what it is a multiple of. */
static const struct row {
    uint16_t type, min, max, unit;
    const struct bgpls_kind *kind;
    size_t at;
    const char *name, *ref;
} rows[BGPLS_TLV_MAX] = {
    [BGPLS_MT_IDS] = {263, 2, ANY, 2, &bgpls_numbers16, AT(mt_ids), "MT-IDs", "RFC 9552 5.2.2.1"},
    [BGPLS_NODE_MSD] = {266, 0, ANY, 2, &bgpls_msds, AT(node_msd), "node MSD", "RFC 8814 3"},
    [BGPLS_LINK_MSD] = {267, 0, ANY, 2, &bgpls_msds, AT(link_msd), "link MSD", "RFC 8814 4"},
    [BGPLS_NODE_FLAGS] = {1024, 1, 1, 1, &bgpls_flags8, AT(node_flags), "node flags",
                          "RFC 9552 5.3.1.1"},
    [BGPLS_NODE_OPAQUE] = {1025, 0, ANY, 1, &bgpls_octets, AT(node_opaque), "opaque",
                           "RFC 9552 5.3.1.5"},
    [BGPLS_NODE_NAME] = {1026, 1, 255, 1, &bgpls_text, AT(node_name), "name", "RFC 9552 5.3.1.3"},
    [BGPLS_AREA] = {1027, 1, 13, 1, &bgpls_areas, AT(areas), "IS-IS area", "RFC 9552 5.3.1.2"},
    [BGPLS_LOCAL_ROUTER4] = {1028, 4, 4, 4, &bgpls_addresses, AT(local_router4), "local router",
                             "RFC 9552 5.3.1.4"},
    [BGPLS_LOCAL_ROUTER6] = {1029, 16, 16, 16, &bgpls_addresses, AT(local_router6),
                             "local IPv6 router", "RFC 9552 5.3.1.4"},
    [BGPLS_REMOTE_ROUTER4] = {1030, 4, 4, 4, &bgpls_addresses, AT(remote_router4), "remote router",
                              "RFC 9552 5.3.2.1"},
    [BGPLS_REMOTE_ROUTER6] = {1031, 16, 16, 16, &bgpls_addresses, AT(remote_router6),
                              "remote IPv6 router", "RFC 9552 5.3.2.1"},
    [BGPLS_SR_CAPABILITIES] = {1034, 2, ANY, 1, &bgpls_block, AT(sr_capabilities),
                               "SR capabilities", "RFC 9085 2.1.2"},
    [BGPLS_SR_ALGORITHMS] = {1035, 0, ANY, 1, &bgpls_numbers8, AT(sr_algorithms), "SR algorithms",
                             "RFC 9085 2.1.3"},
    [BGPLS_SR_LOCAL_BLOCK] = {1036, 2, ANY, 1, &bgpls_block, AT(sr_local_block), "SR local block",
                              "RFC 9085 2.1.4"},
    [BGPLS_SRMS_PREFERENCE] = {1037, 1, 1, 1, &bgpls_number8, AT(srms_preference),
                               "SRMS preference", "RFC 9085 2.1.5"},
    [BGPLS_ADMIN_GROUP] = {1088, 4, 4, 4, &bgpls_bits32, AT(admin_group), "admin group",
                           "RFC 9552 5.3.2"},
    [BGPLS_MAX_BANDWIDTH] = {1089, 4, 4, 4, &bgpls_bandwidth, AT(max_bandwidth), "max bandwidth",
                             "RFC 9552 5.3.2"},
    [BGPLS_RESERVABLE_BANDWIDTH] = {1090, 4, 4, 4, &bgpls_bandwidth, AT(reservable_bandwidth),
                                    "reservable bandwidth", "RFC 9552 5.3.2"},
    [BGPLS_UNRESERVED_BANDWIDTH] = {1091, 32, 32, 32, &bgpls_bandwidths, AT(unreserved_bandwidth),
                                    "unreserved bandwidth", "RFC 9552 5.3.2"},
    [BGPLS_TE_METRIC] = {1092, 4, 4, 4, &bgpls_number32, AT(te_metric), "TE metric",
                         "RFC 9552 5.3.2.3"},
    [BGPLS_PROTECTION] = {1093, 2, 2, 2, &bgpls_number16, AT(protection), "protection",
                          "RFC 9552 5.3.2"},
    [BGPLS_MPLS_PROTOCOLS] = {1094, 1, 1, 1, &bgpls_flags8, AT(mpls_protocols), "MPLS protocols",
                              "RFC 9552 5.3.2.2"},
    [BGPLS_IGP_METRIC] = {1095, 1, 3, 1, &bgpls_metric, AT(igp_metric), "IGP metric",
                          "RFC 9552 5.3.2.4"},
    [BGPLS_SRLG] = {1096, 0, ANY, 4, &bgpls_numbers32, AT(srlgs), "SRLG", "RFC 9552 5.3.2.5"},
    [BGPLS_LINK_OPAQUE] = {1097, 0, ANY, 1, &bgpls_octets, AT(link_opaque), "opaque",
                           "RFC 9552 5.3.2.6"},
    [BGPLS_LINK_NAME] = {1098, 1, 255, 1, &bgpls_text, AT(link_name), "name", "RFC 9552 5.3.2.7"},
    [BGPLS_ADJACENCY_SID] = {1099, 7, 8, 1, &bgpls_adjacency, AT(adjacency_sids), "adjacency SID",
                             "RFC 9085 2.2.1"},
    [BGPLS_LAN_ADJACENCY_SID] = {1100, 11, 14, 1, &bgpls_lan_adjacency, AT(lan_adjacency_sids),
                                 "LAN adjacency SID", "RFC 9085 2.2.2"},
    [BGPLS_PEER_NODE_SID] = {1101, 7, 8, 1, &bgpls_adjacency, AT(peer_node_sids), "peer node SID",
                             "RFC 9086 5"},
    [BGPLS_PEER_ADJACENCY_SID] = {1102, 7, 8, 1, &bgpls_adjacency, AT(peer_adjacency_sids),
                                  "peer adjacency SID", "RFC 9086 5"},
    [BGPLS_PEER_SET_SID] = {1103, 7, 8, 1, &bgpls_adjacency, AT(peer_set_sids), "peer set SID",
                            "RFC 9086 5"},
    [BGPLS_DELAY] = {1114, 4, 4, 4, &bgpls_delay, AT(delay), "delay us", "RFC 8571 2.1"},
    [BGPLS_MIN_MAX_DELAY] = {1115, 8, 8, 8, &bgpls_min_max, AT(min_max_delay), "min/max delay us",
                             "RFC 8571 2.2"},
    [BGPLS_DELAY_VARIATION] = {1116, 4, 4, 4, &bgpls_delay, AT(delay_variation),
                               "delay variation us", "RFC 8571 2.3"},
    [BGPLS_LOSS] = {1117, 4, 4, 4, &bgpls_delay, AT(loss), "loss", "RFC 8571 2.4"},
    [BGPLS_RESIDUAL_BANDWIDTH] = {1118, 4, 4, 4, &bgpls_bandwidth, AT(residual_bandwidth),
                                  "residual bandwidth", "RFC 8571 2.5"},
    [BGPLS_AVAILABLE_BANDWIDTH] = {1119, 4, 4, 4, &bgpls_bandwidth, AT(available_bandwidth),
                                   "available bandwidth", "RFC 8571 2.6"},
    [BGPLS_UTILIZED_BANDWIDTH] = {1120, 4, 4, 4, &bgpls_bandwidth, AT(utilized_bandwidth),
                                  "utilized bandwidth", "RFC 8571 2.7"},
    [BGPLS_APPLICATION] = {1122, 4, ANY, 1, &application, AT(applications), "application",
                           "RFC 9294 2"},
    [BGPLS_IGP_FLAGS] = {1152, 1, 1, 1, &bgpls_flags8, AT(igp_flags), "IGP flags",
                         "RFC 9552 5.3.3.1"},
    [BGPLS_ROUTE_TAGS] = {1153, 0, ANY, 4, &bgpls_numbers32, AT(route_tags), "route tags",
                          "RFC 9552 5.3.3.2"},
    [BGPLS_EXTENDED_TAGS] = {1154, 0, ANY, 8, &bgpls_octets, AT(extended_tags), "extended tags",
                             "RFC 9552 5.3.3.3"},
    [BGPLS_PREFIX_METRIC] = {1155, 4, 4, 4, &bgpls_number32, AT(prefix_metric), "metric",
                             "RFC 9552 5.3.3.4"},
    [BGPLS_FORWARDING_ADDRESS] = {1156, 4, 16, 4, &bgpls_address, AT(forwarding_address),
                                  "forwarding address", "RFC 9552 5.3.3.5"},
    [BGPLS_PREFIX_OPAQUE] = {1157, 0, ANY, 1, &bgpls_octets, AT(prefix_opaque), "opaque",
                             "RFC 9552 5.3.3.6"},
    [BGPLS_PREFIX_SID] = {1158, 7, 8, 1, &bgpls_prefix_sid, AT(prefix_sids), "prefix SID",
                          "RFC 9085 2.3.1"},
    [BGPLS_PREFIX_FLAGS] = {1170, 0, ANY, 1, &bgpls_octets, AT(prefix_flags), "prefix flags",
                            "RFC 9085 2.3.2"},
    [BGPLS_SOURCE_ROUTER] = {1171, 4, 16, 4, &bgpls_address, AT(source_router), "source router",
                             "RFC 9085 2.3.3"},
    [BGPLS_EXTENDED_ADMIN_GROUP] = {1173, 0, ANY, 4, &bgpls_words, AT(extended_admin_group),
                                    "extended admin group", "RFC 9104 2"},
    [BGPLS_SOURCE_OSPF_ROUTER] = {1174, 4, 4, 4, &bgpls_router4, AT(source_ospf_router),
                                  "source OSPF router", "RFC 9085 2.3.4"},
};

_Static_assert(BGPLS_TLV_MAX <= 64, "bits of `has`");

/* Types rise with the rows. */
static unsigned
find_row(uint16_t type)
{
    unsigned low = 0, high = BGPLS_TLV_MAX;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (rows[middle].type < type)
            low = middle + 1;
        else
            high = middle;
    }
    return low < BGPLS_TLV_MAX && rows[low].type == type ? low : BGPLS_TLV_MAX;
}

bool
bgpls_tlv_info(unsigned row, struct bgpls_tlv_info *info)
{
    if (row >= BGPLS_TLV_MAX)
        return false;
    *info = (struct bgpls_tlv_info){rows[row].type, rows[row].min, rows[row].max, rows[row].name,
                                    rows[row].ref};
    return true;
}

/* ---- the attribute */

static void
take_unknown(struct bgpls_reader *r, uint16_t type, const uint8_t *value, uint16_t size)
{
    struct bgpls_unknown *one = bgpls_take_memory(r, sizeof *one);
    if (!one)
        return;
    *one = (struct bgpls_unknown){r->attributes->unknown, type, {value, size}};
    r->attributes->unknown = one;
    r->attributes->n_unknown++;
}

static void
take_tlv(struct bgpls_reader *r, unsigned row, struct cursor *in)
{
    struct bgpls_attributes *a = r->attributes;
    const struct row *desc = &rows[row];
    size_t size = cursor_left(in);
    unsigned dropped = a->n_dropped;
    if (size < desc->min || size > desc->max || size % desc->unit ||
        (desc->kind == &bgpls_address && size != 4 && size != 16)) {
        bgpls_wrong(r, ERR_MALFORMED, "its length");
        return;
    }
    if (!desc->kind->several && BGPLS_HAS(a, row)) {
        bgpls_drop(r, 0, "it is there twice");
        return;
    }
    desc->kind->decode(r, in, (char *)a + desc->at);
    if (in->err)
        bgpls_wrong(r, ERR_MALFORMED, "it ends too early");
    /* A single bandwidth that was dropped is as if it were not there. */
    if (desc->kind != &bgpls_bandwidth || a->n_dropped == dropped)
        a->has |= UINT64_C(1) << row;
}

/* All that is in lists begins with the pointer to the next. */
_Static_assert(!offsetof(struct bgpls_octets_list, next) && !offsetof(struct bgpls_sid, next) &&
                   !offsetof(struct bgpls_application, next) &&
                   !offsetof(struct bgpls_unknown, next),
               "reverse()");

static void
reverse(void *list)
{
    void *turned = NULL, *one, *next;
    for (memcpy(&one, list, sizeof one); one; one = next) {
        memcpy(&next, one, sizeof next);
        memcpy(one, &turned, sizeof turned);
        turned = one;
    }
    memcpy(list, &turned, sizeof turned);
}

/* Lists grew at their beginning, for a peer may make them long. */
static void
reverse_lists(struct bgpls_attributes *a)
{
    for (unsigned i = 0; i < BGPLS_TLV_MAX; i++)
        if (BGPLS_HAS(a, i) && rows[i].kind->several)
            reverse((char *)a + rows[i].at);
    reverse(&a->unknown);
}

static void
read_tlvs(struct bgpls_reader *r, struct cursor *in)
{
    while (cursor_left(in) && !r->err) {
        r->type = cursor_be16(in, "TLV Type");
        uint16_t length = cursor_be16(in, "TLV Length");
        struct cursor value = cursor_split(in, length, "TLV Value");
        unsigned row = find_row(r->type);
        if (in->err)
            bgpls_wrong(r, ERR_MALFORMED, "it is longer than the attribute");
        else if (row == BGPLS_TLV_MAX || (row == BGPLS_APPLICATION && r->nested))
            take_unknown(r, r->type, value.pos, length);
        else
            take_tlv(r, row, &value);
    }
    if (!r->err)
        reverse_lists(r->attributes);
}

enum err
bgpls_attributes_decode(const uint8_t *data, size_t size, struct arena *arena,
                        struct bgpls_attributes *a, struct diag *diag)
{
    struct bgpls_reader r = {.arena = arena, .attributes = a};
    struct cursor in = cursor_over(data, size);
    *a = (struct bgpls_attributes){0};
    read_tlvs(&r, &in);
    if (!r.err)
        return ERR_OK;
    *a = (struct bgpls_attributes){0};
    return diag_set(diag, r.err, "TLV %u: %s", r.type, r.what);
}

static bool
is_writable(const struct bgpls_attributes *a, unsigned row)
{
    const struct bgpls_kind *kind = rows[row].kind;
    if (kind == &bgpls_metric)
        return a->igp_metric.size >= 1 && a->igp_metric.size <= 3;
    return !kind->several || *(void *const *)((const char *)a + rows[row].at);
}

static enum err
put_row(const struct bgpls_attributes *a, unsigned row, struct buf *out)
{
    const struct row *desc = &rows[row];
    const void *at = (const char *)a + desc->at;
    size_t begin = out->size;
    if (!is_writable(a, row))
        return ERR_INVALID;
    if (row == BGPLS_APPLICATION)
        return put_applications(a->applications, desc->type, out);
    if (desc->kind->several) {
        desc->kind->encode(at, desc->type, out);
        return ERR_OK;
    }
    buf_be16(out, desc->type);
    buf_be16(out, 0);
    desc->kind->encode(at, desc->type, out);
    size_t size = out->size - begin - 4;
    if (buf_err(out) || size > UINT16_MAX)
        return ERR_LIMIT;
    if (size < desc->min || size > desc->max || size % desc->unit)
        return ERR_INVALID;
    buf_patch_be16(out, begin + 2, (uint16_t)size);
    return ERR_OK;
}

enum err
bgpls_attributes_encode(const struct bgpls_attributes *a, struct buf *out)
{
    size_t begin = out->size;
    enum err err = ERR_OK;
    for (unsigned i = 0; i < BGPLS_TLV_MAX && !err; i++)
        if (BGPLS_HAS(a, i))
            err = put_row(a, i, out);
    for (const struct bgpls_unknown *one = a->unknown; one && !err; one = one->next)
        bgpls_put_tlv(one->type, &one->value, out);
    if (!err)
        err = buf_err(out);
    if (err)
        out->size = begin;
    return err;
}

void
bgpls_attributes_print(const struct bgpls_attributes *a, struct buf *out)
{
    const char *comma = "";
    for (unsigned i = 0; i < BGPLS_TLV_MAX; i++) {
        if (!BGPLS_HAS(a, i))
            continue;
        buf_printf(out, "%s%s ", comma, rows[i].name);
        rows[i].kind->print((const char *)a + rows[i].at, out);
        comma = ", ";
    }
    for (const struct bgpls_unknown *one = a->unknown; one; one = one->next) {
        buf_printf(out, "%sTLV %u ", comma, one->type);
        hex_put(out, one->value.data, one->value.size);
        comma = ", ";
    }
    for (unsigned i = 0; i < MIN(a->n_dropped, BGPLS_DROPPED_MAX); i++) {
        buf_printf(out, "%sdropped TLV %u: %s", comma, a->dropped[i].type, a->dropped[i].why);
        comma = ", ";
    }
}

void
bgpls_attributes_add(struct bgpls_attributes *to, const struct bgpls_attributes *from)
{
    for (unsigned i = 0; i < BGPLS_TLV_MAX; i++) {
        if (!BGPLS_HAS(from, i) || BGPLS_HAS(to, i) || i == BGPLS_APPLICATION)
            continue;
        memcpy((char *)to + rows[i].at, (const char *)from + rows[i].at, rows[i].kind->size);
        to->has |= UINT64_C(1) << i;
    }
}

void
bgpls_attributes_for(const struct bgpls_attributes *a, uint8_t mask, struct bgpls_attributes *out)
{
    *out = (struct bgpls_attributes){.n_dropped = a->n_dropped};
    memcpy(out->dropped, a->dropped, sizeof out->dropped);
    for (const struct bgpls_application *app = a->applications; app; app = app->next)
        if (app->standard_size && app->standard[0] & mask)
            bgpls_attributes_add(out, app->attributes);
    bgpls_attributes_add(out, a);
    for (const struct bgpls_application *app = a->applications; app; app = app->next)
        if (!app->standard_size && !app->user_size)
            bgpls_attributes_add(out, app->attributes);
}

uint8_t
bgpls_msd(const struct bgpls_octets *pairs, uint8_t type)
{
    for (size_t i = 0; i + 2 <= pairs->size; i += 2)
        if (pairs->data[i] == type)
            return pairs->data[i + 1];
    return 0;
}
