#include "proto/bgpls/bgp_update.h"

#include "base/cursor.h"

enum {
    FLAG_OPTIONAL = 0x80,
    FLAG_TRANSITIVE = 0x40,
    FLAG_EXTENDED = 0x10,
    WELL_KNOWN = FLAG_TRANSITIVE,
    OPTIONAL = FLAG_OPTIONAL,
    OPTIONAL_TRANSITIVE = FLAG_OPTIONAL | FLAG_TRANSITIVE,
    AS_SET = 1, /* to AS_CONFED_SET, 4 (RFC 5065 section 3) */
    AS_SEQUENCE = 2,
    AS_CONFED_SET = 4,
};

struct reader {
    const struct bgp_update_context *context;
    struct bgp_update *update;
    bool seen[256];
    bool other_attributes; /* than MP_UNREACH_NLRI */
    bool ipv4_reach;       /* the NLRI field has something */
};

static void
fault(struct bgp_update *update, uint8_t attribute, enum bgp_verdict verdict, const char *what,
      const char *ref)
{
    if (update->n_faults < BGP_FAULTS_MAX)
        update->faults[update->n_faults] = (struct bgp_fault){attribute, (uint8_t)verdict, what,
                                                              ref};
    update->n_faults++;
    if (verdict > update->verdict)
        update->verdict = verdict;
}

static void
reset(struct bgp_update *update, uint8_t attribute, uint8_t subcode, const char *what,
      const char *ref)
{
    if (update->verdict != BGP_RESET)
        (void)bgp_error_set(&update->error, BGP_ERR_UPDATE, subcode, NULL, 0);
    fault(update, attribute, BGP_RESET, what, ref);
}

/* With the attribute as data (RFC 4271 section 6.3). */
static void
reset_by(struct bgp_update *update, uint8_t flags, uint8_t attribute, struct bgp_span value)
{
    size_t header = flags & FLAG_EXTENDED ? 4 : 3;
    if (update->verdict != BGP_RESET)
        (void)bgp_error_set(&update->error, BGP_ERR_UPDATE, BGP_UPDATE_UNRECOGNIZED,
                            value.data - header, value.size + header);
    fault(update, attribute, BGP_RESET, "it is well-known, but not to us", "RFC 4271 6.3");
}

/* ---- attributes: each returns what is wrong with it, NULL if nothing is */

typedef const char *attribute_fn(struct reader *, struct bgp_span);

static const char *
origin(struct reader *r, struct bgp_span value)
{
    if (value.data[0] > 2)
        return "its value is none of IGP, EGP, INCOMPLETE";
    r->update->origin = value.data[0];
    return NULL;
}

static bool
path_is_good(struct bgp_span path, size_t as_size)
{
    struct cursor in = cursor_over(path.data, path.size);
    while (cursor_left(&in)) {
        uint8_t type = cursor_u8(&in, "Path Segment Type");
        uint8_t n = cursor_u8(&in, "Path Segment Length");
        cursor_skip(&in, n * as_size, "Path Segment Value");
        if (type < AS_SET || type > AS_CONFED_SET || !n)
            return false;
    }
    return !in.err;
}

static const char *
as_path(struct reader *r, struct bgp_span value)
{
    if (!path_is_good(value, r->context->four_octet_as ? 4 : 2))
        return "a segment is of no type, empty or too long";
    r->update->as_path = value;
    return NULL;
}

static const char *
as4_path(struct reader *r, struct bgp_span value)
{
    (void)r;
    return path_is_good(value, 4) ? NULL : "a segment is of no type, empty or too long";
}

static const char *
local_pref(struct reader *r, struct bgp_span value)
{
    r->update->has_local_pref = true;
    r->update->local_pref = get_be32(value.data);
    return NULL;
}

static const char *
aggregator(struct reader *r, struct bgp_span value)
{
    return value.size == (r->context->four_octet_as ? 8u : 6u) ? NULL : "its length";
}

static const char *
originator_id(struct reader *r, struct bgp_span value)
{
    r->update->has_originator = true;
    r->update->originator = get_be32(value.data);
    return NULL;
}

static const char *
cluster_list(struct reader *r, struct bgp_span value)
{
    r->update->cluster_list = value;
    return NULL;
}

static const char *
link_state(struct reader *r, struct bgp_span value)
{
    r->update->has_link_state = true;
    r->update->link_state = value;
    return NULL;
}

/* Of link state? Then `*in` is at what follows. */
static bool
is_link_state(struct cursor *in)
{
    uint16_t afi = cursor_be16(in, "AFI");
    uint8_t safi = cursor_u8(in, "SAFI");
    return afi == BGP_AFI_LS && safi == BGP_SAFI_LS;
}

static const char *
mp_reach(struct reader *r, struct bgp_span value)
{
    struct bgp_update *update = r->update;
    struct cursor in = cursor_over(value.data, value.size);
    bool ours = is_link_state(&in);
    size_t size = cursor_u8(&in, "Length of Next Hop");
    const uint8_t *next_hop = cursor_bytes(&in, size, "Next Hop");
    cursor_skip(&in, 1, "Reserved");
    if (in.err)
        return "it ends within its next hop";
    if (!ours) {
        update->n_other_family++;
        return NULL;
    }
    /* An IPv4 or IPv6 address, or that with a link-local one (RFC 9552 section 5.5). */
    if (size != 4 && size != 16 && size != 32)
        return "the length of its next hop";
    update->next_hop = (struct bgp_span){next_hop, size};
    update->has_reach = true;
    update->reach = (struct bgp_span){in.pos, cursor_left(&in)};
    return NULL;
}

static const char *
mp_unreach(struct reader *r, struct bgp_span value)
{
    struct bgp_update *update = r->update;
    struct cursor in = cursor_over(value.data, value.size);
    bool ours = is_link_state(&in);
    if (in.err)
        return "it ends within its family";
    if (!ours) {
        update->n_other_family++;
        return NULL;
    }
    update->has_unreach = true;
    update->unreach = (struct bgp_span){in.pos, cursor_left(&in)};
    return NULL;
}

/* An attribute of wrong length, and one whose function finds fault with it, gets `verdict`; so does
 * one with wrong flags, but then it is at least taken as a withdrawal (RFC 7606 section 3 c),
 * unless it is one to be discarded. */
static const struct row {
    uint8_t type, flags;
    uint8_t verdict;
    uint8_t external; /* verdict if it comes from another AS: as if it were not there */
    uint16_t min, max, unit;
    const char *name, *ref;
    attribute_fn *take; /* NULL: nothing to look at */
} rows[] = {
    {BGP_ORIGIN, WELL_KNOWN, BGP_TREAT_AS_WITHDRAW, 0, 1, 1, 1, "ORIGIN", "RFC 7606 7.1", origin},
    {BGP_AS_PATH, WELL_KNOWN, BGP_TREAT_AS_WITHDRAW, 0, 0, UINT16_MAX, 1, "AS_PATH", "RFC 7606 7.2",
     as_path},
    {BGP_NEXT_HOP, WELL_KNOWN, BGP_TREAT_AS_WITHDRAW, 0, 4, 4, 4, "NEXT_HOP", "RFC 7606 7.3", NULL},
    {BGP_MULTI_EXIT_DISC, OPTIONAL, BGP_TREAT_AS_WITHDRAW, 0, 4, 4, 4, "MULTI_EXIT_DISC",
     "RFC 7606 7.4", NULL},
    {BGP_LOCAL_PREF, WELL_KNOWN, BGP_TREAT_AS_WITHDRAW, BGP_DISCARD_ATTRIBUTE, 4, 4, 4,
     "LOCAL_PREF", "RFC 7606 7.5", local_pref},
    {BGP_ATOMIC_AGGREGATE, WELL_KNOWN, BGP_DISCARD_ATTRIBUTE, 0, 0, 0, 1, "ATOMIC_AGGREGATE",
     "RFC 7606 7.6", NULL},
    {BGP_AGGREGATOR, OPTIONAL_TRANSITIVE, BGP_DISCARD_ATTRIBUTE, 0, 6, 8, 2, "AGGREGATOR",
     "RFC 7606 7.7", aggregator},
    {BGP_COMMUNITY, OPTIONAL_TRANSITIVE, BGP_TREAT_AS_WITHDRAW, 0, 4, UINT16_MAX, 4, "COMMUNITY",
     "RFC 7606 7.8", NULL},
    {BGP_ORIGINATOR_ID, OPTIONAL, BGP_TREAT_AS_WITHDRAW, BGP_DISCARD_ATTRIBUTE, 4, 4, 4,
     "ORIGINATOR_ID", "RFC 7606 7.9", originator_id},
    {BGP_CLUSTER_LIST, OPTIONAL, BGP_TREAT_AS_WITHDRAW, BGP_DISCARD_ATTRIBUTE, 4, UINT16_MAX, 4,
     "CLUSTER_LIST", "RFC 7606 7.10", cluster_list},
    {BGP_MP_REACH, OPTIONAL, BGP_RESET, 0, 5, UINT16_MAX, 1, "MP_REACH_NLRI", "RFC 7606 7.11",
     mp_reach},
    {BGP_MP_UNREACH, OPTIONAL, BGP_RESET, 0, 3, UINT16_MAX, 1, "MP_UNREACH_NLRI", "RFC 7606 7.12",
     mp_unreach},
    {BGP_EXTENDED_COMMUNITIES, OPTIONAL_TRANSITIVE, BGP_TREAT_AS_WITHDRAW, 0, 8, UINT16_MAX, 8,
     "EXTENDED COMMUNITIES", "RFC 7606 7.14", NULL},
    {BGP_AS4_PATH, OPTIONAL_TRANSITIVE, BGP_DISCARD_ATTRIBUTE, 0, 0, UINT16_MAX, 2, "AS4_PATH",
     "RFC 6793 6", as4_path},
    {BGP_AS4_AGGREGATOR, OPTIONAL_TRANSITIVE, BGP_DISCARD_ATTRIBUTE, 0, 8, 8, 8, "AS4_AGGREGATOR",
     "RFC 6793 6", NULL},
    {BGP_LINK_STATE, OPTIONAL, BGP_DISCARD_ATTRIBUTE, 0, 0, UINT16_MAX, 1, "BGP-LS Attribute",
     "RFC 9552 8.2.2", link_state},
    {BGP_LARGE_COMMUNITY, OPTIONAL_TRANSITIVE, BGP_TREAT_AS_WITHDRAW, 0, 12, UINT16_MAX, 12,
     "LARGE_COMMUNITY", "RFC 8092 5", NULL},
};

static const struct row *
find_row(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (rows[i].type == type)
            return &rows[i];
    return NULL;
}

/* RFC 4271 section 6.3 has a subcode for some; only of those that end the session it matters. */
static void
judge(struct reader *r, const struct row *row, const char *what)
{
    if (row->verdict == BGP_RESET)
        reset(r->update, row->type, BGP_UPDATE_OPTIONAL_ATTRIBUTE, what, row->ref);
    else
        fault(r->update, row->type, row->verdict, what, row->ref);
}

static void
take_attribute(struct reader *r, uint8_t flags, uint8_t type, struct bgp_span value)
{
    const struct row *row = find_row(type);
    r->other_attributes |= type != BGP_MP_UNREACH;
    if (r->seen[type]) {
        if (type == BGP_MP_REACH || type == BGP_MP_UNREACH)
            reset(r->update, type, BGP_UPDATE_MALFORMED_ATTRIBUTES, "it is there twice",
                  "RFC 7606 3 g");
        else
            fault(r->update, type, BGP_DISCARD_ATTRIBUTE, "it is there twice", "RFC 7606 3 g");
        return;
    }
    r->seen[type] = true;
    if (!row) {
        if (!(flags & FLAG_OPTIONAL))
            reset_by(r->update, flags, type, value);
        return;
    }
    if (row->external && r->context->external) {
        fault(r->update, type, row->external, "it comes from another AS", row->ref);
        return;
    }
    if ((flags & OPTIONAL_TRANSITIVE) != row->flags) {
        /* Of a malformed BGP-LS attribute RFC 9552 section 8.2.2 asks for no more. */
        enum bgp_verdict verdict = type == BGP_LINK_STATE ? BGP_DISCARD_ATTRIBUTE
                                                          : BGP_TREAT_AS_WITHDRAW;
        fault(r->update, type, verdict, "its flags", "RFC 7606 3 c");
        if (row->verdict != BGP_RESET) /* what is to be withdrawn must still be read */
            return;
    }
    if (value.size < row->min || value.size > row->max || value.size % row->unit) {
        judge(r, row, "its length");
        return;
    }
    const char *what = row->take ? row->take(r, value) : NULL;
    if (what)
        judge(r, row, what);
}

static void
read_attributes(struct reader *r, struct cursor *in)
{
    while (cursor_left(in)) {
        uint8_t flags = cursor_u8(in, "Attribute Flags");
        uint8_t type = cursor_u8(in, "Attribute Type Code");
        size_t size = flags & FLAG_EXTENDED ? cursor_be16(in, "Attribute Length")
                                            : cursor_u8(in, "Attribute Length");
        struct bgp_span value = {cursor_bytes(in, size, "Attribute Value"), size};
        if (in->err && (type == BGP_MP_REACH || type == BGP_MP_UNREACH)) {
            /* What it would have withdrawn is not known: RFC 7606 section 3 j. */
            reset(r->update, type, BGP_UPDATE_MALFORMED_ATTRIBUTES,
                  "it is longer than the attributes", "RFC 7606 3 j");
            return;
        }
        if (in->err) {
            fault(r->update, 0, BGP_TREAT_AS_WITHDRAW,
                  "the last attribute is longer than the attributes", "RFC 7606 4");
            return;
        }
        take_attribute(r, flags, type, value);
    }
}

/* Withdrawn routes and NLRI of IPv4: nobody agreed on them, but their form must be right. */
static void
check_prefixes(struct reader *r, struct cursor *in)
{
    while (cursor_left(in)) {
        uint8_t length = cursor_u8(in, "Prefix Length");
        cursor_skip(in, (length + 7u) / 8, "Prefix");
        if (length > 32 || in->err) {
            reset(r->update, 0, BGP_UPDATE_INVALID_NETWORK, "an IPv4 prefix is too long",
                  "RFC 7606 5.3");
            return;
        }
    }
}

static void
check_mandatory(struct reader *r)
{
    struct bgp_update *update = r->update;
    if (!update->has_reach)
        return;
    if (!r->seen[BGP_ORIGIN] || !r->seen[BGP_AS_PATH])
        fault(update, r->seen[BGP_ORIGIN] ? BGP_AS_PATH : BGP_ORIGIN, BGP_TREAT_AS_WITHDRAW,
              "it is missing", "RFC 7606 3 d");
    if (!r->context->external && !r->seen[BGP_LOCAL_PREF])
        fault(update, BGP_LOCAL_PREF, BGP_TREAT_AS_WITHDRAW, "it is missing", "RFC 7606 3 d");
}

void
bgp_update_decode(const uint8_t *body, size_t size, const struct bgp_update_context *context,
                  struct bgp_update *update)
{
    struct reader r = {.context = context, .update = update};
    struct cursor in = cursor_over(body, size);
    *update = (struct bgp_update){0};
    struct cursor withdrawn = cursor_split(&in, cursor_be16(&in, "Withdrawn Routes Length"),
                                           "Withdrawn Routes");
    struct cursor attributes = cursor_split(&in, cursor_be16(&in, "Total Path Attribute Length"),
                                            "Path Attributes");
    if (in.err) {
        reset(update, 0, BGP_UPDATE_MALFORMED_ATTRIBUTES, "its parts are longer than the message",
              "RFC 4271 6.3");
        return;
    }
    bool empty = !cursor_left(&attributes), quiet = !cursor_left(&withdrawn);
    r.ipv4_reach = cursor_left(&in);
    check_prefixes(&r, &withdrawn);
    read_attributes(&r, &attributes);
    check_prefixes(&r, &in);
    check_mandatory(&r);
    bool reach = update->has_reach || r.ipv4_reach;
    if (update->verdict == BGP_TREAT_AS_WITHDRAW && r.other_attributes && !reach)
        reset(update, 0, BGP_UPDATE_MALFORMED_ATTRIBUTES,
              "attributes are wrong, and what they belong to is not known", "RFC 7606 5.2");
    /* An UPDATE of nothing at all is End-of-RIB of IPv4, which is not ours. */
    update->end_of_rib = !empty && quiet && update->has_unreach && !update->unreach.size &&
                         !r.other_attributes && !r.ipv4_reach && update->verdict == BGP_ACCEPT;
}

const char *
bgp_verdict_name(enum bgp_verdict verdict)
{
    static const char *const names[] = {"accept", "attribute discard", "treat as withdraw",
                                        "session reset"};
    return names[verdict];
}

const char *
bgp_attribute_name(uint8_t type)
{
    const struct row *row = find_row(type);
    return row ? row->name : "?";
}

void
bgp_fault_print(const struct bgp_fault *f, struct buf *out)
{
    if (f->attribute)
        buf_printf(out, "%s (%u): ", bgp_attribute_name(f->attribute), f->attribute);
    buf_printf(out, "%s: %s (%s)", f->what, bgp_verdict_name(f->verdict), f->ref);
}

bool
bgp_as_path_has(const struct bgp_span *path, bool four_octet_as, uint32_t as)
{
    struct cursor in = cursor_over(path->data, path->size);
    while (cursor_left(&in)) {
        cursor_skip(&in, 1, "Path Segment Type");
        for (uint8_t n = cursor_u8(&in, "Path Segment Length"); n && !in.err; n--)
            if ((four_octet_as ? cursor_be32(&in, "AS") : cursor_be16(&in, "AS")) == as && !in.err)
                return true;
    }
    return false;
}

bool
bgp_cluster_list_has(const struct bgp_span *list, uint32_t cluster_id)
{
    for (size_t at = 0; at + 4 <= list->size; at += 4)
        if (get_be32(list->data + at) == cluster_id)
            return true;
    return false;
}

/* ---- writing */

/* With two octets of length, patched by end_attribute(). */
static size_t
begin_attribute(struct buf *out, uint8_t flags, enum bgp_attribute type)
{
    buf_u8(out, flags | FLAG_EXTENDED);
    buf_u8(out, (uint8_t)type);
    buf_be16(out, 0);
    return out->size;
}

static void
end_attribute(struct buf *out, size_t begin)
{
    if (!buf_err(out)) /* otherwise what is there belongs to the message before */
        buf_patch_be16(out, begin - 2, (uint16_t)(out->size - begin));
}

static void
put_short(struct buf *out, uint8_t flags, enum bgp_attribute type, uint8_t size)
{
    buf_u8(out, flags);
    buf_u8(out, (uint8_t)type);
    buf_u8(out, size);
}

static void
put_reach(const struct bgp_announcement *a, struct buf *out)
{
    size_t begin = begin_attribute(out, OPTIONAL, BGP_MP_REACH);
    buf_be16(out, BGP_AFI_LS);
    buf_u8(out, BGP_SAFI_LS);
    buf_u8(out, a->next_hop_size);
    buf_put(out, a->next_hop, a->next_hop_size);
    buf_u8(out, 0);
    buf_put(out, a->nlri.data, a->nlri.size);
    end_attribute(out, begin);
}

static void
put_path(const struct bgp_announcement *a, struct buf *out)
{
    uint8_t as_size = a->four_octet_as ? 4 : 2;
    put_short(out, WELL_KNOWN, BGP_AS_PATH, a->external ? (uint8_t)(2 + as_size) : 0);
    if (!a->external)
        return;
    buf_u8(out, AS_SEQUENCE);
    buf_u8(out, 1);
    if (a->four_octet_as)
        buf_be32(out, a->local_as);
    else
        buf_be16(out, a->local_as > UINT16_MAX ? BGP_AS_TRANS : (uint16_t)a->local_as);
}

static void
put_attributes(const struct bgp_announcement *a, struct buf *out)
{
    put_reach(a, out);
    put_short(out, WELL_KNOWN, BGP_ORIGIN, 1);
    buf_u8(out, 0);
    put_path(a, out);
    if (!a->external) {
        put_short(out, WELL_KNOWN, BGP_LOCAL_PREF, 4);
        buf_be32(out, 100);
    }
    if (a->link_state.size) {
        size_t begin = begin_attribute(out, OPTIONAL, BGP_LINK_STATE);
        buf_put(out, a->link_state.data, a->link_state.size);
        end_attribute(out, begin);
    }
}

/* The whole message, or nothing of it. */
static enum err
finish(struct buf *out, size_t begin, size_t attributes, size_t limit)
{
    if (buf_err(out) || out->size - begin > limit) {
        out->size = begin;
        out->overflow = false;
        return ERR_LIMIT;
    }
    buf_patch_be16(out, attributes, (uint16_t)(out->size - attributes - 2));
    bgp_message_end(out, begin);
    return ERR_OK;
}

enum err
bgp_announce_encode(const struct bgp_announcement *a, size_t limit, struct buf *out)
{
    if (a->nlri.size + a->link_state.size > limit) /* attributes' lengths have two octets */
        return ERR_LIMIT;
    size_t begin = bgp_message_begin(out, BGP_UPDATE);
    buf_be16(out, 0);
    size_t attributes = out->size;
    buf_be16(out, 0);
    put_attributes(a, out);
    return finish(out, begin, attributes, limit);
}

enum err
bgp_withdraw_encode(const struct bgp_span *nlri, size_t limit, struct buf *out)
{
    if (nlri->size > limit)
        return ERR_LIMIT;
    size_t begin = bgp_message_begin(out, BGP_UPDATE);
    buf_be16(out, 0);
    size_t attributes = out->size;
    buf_be16(out, 0);
    size_t at = begin_attribute(out, OPTIONAL, BGP_MP_UNREACH);
    buf_be16(out, BGP_AFI_LS);
    buf_u8(out, BGP_SAFI_LS);
    buf_put(out, nlri->data, nlri->size);
    end_attribute(out, at);
    return finish(out, begin, attributes, limit);
}
