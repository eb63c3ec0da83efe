/* Objects: one table, a row for each class and type. */
#include "proto/pcep/pcep_wire.h"

#include <math.h>

#define ANY_SIZE (PCEP_SIZE_MAX - PCEP_HEADER_SIZE - PCEP_OBJECT_HEADER)

/* ---- OPEN, CLOSE ---------------------------------------------------------------------------- */

static void
decode_open(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_open *open = object;
    size_t at = cursor_offset(c);
    uint8_t version = cursor_u8(c, "Ver");
    if (version >> 5 != PCEP_VERSION)
        pcep_fail(d, c, at, ERR_UNSUPPORTED, PCEP_ERROR_VERSION, "Ver");
    open->keepalive = cursor_u8(c, "Keepalive");
    open->deadtimer = cursor_u8(c, "DeadTimer");
    open->sid = cursor_u8(c, "SID");
    pcep_tlvs_decode(d, c, &open->tlvs);
}

static void
encode_open(struct pcep_encoder *e, const void *object)
{
    const struct pcep_open *open = object;
    buf_u8(e->out, PCEP_VERSION << 5);
    buf_u8(e->out, open->keepalive);
    buf_u8(e->out, open->deadtimer);
    buf_u8(e->out, open->sid);
    pcep_tlvs_encode(e, &open->tlvs);
}

static void
print_open(const void *object, struct buf *out)
{
    const struct pcep_open *open = object;
    buf_printf(out, " keepalive=%u deadtimer=%u sid=%u", open->keepalive, open->deadtimer,
               open->sid);
    pcep_tlvs_print(&open->tlvs, out);
}

static void
decode_close(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_close *close = object;
    cursor_skip(c, 2, "reserved");
    close->flags = cursor_u8(c, "Flags");
    close->reason = cursor_u8(c, "Reason");
    pcep_tlvs_decode(d, c, &close->tlvs);
}

static void
encode_close(struct pcep_encoder *e, const void *object)
{
    const struct pcep_close *close = object;
    buf_be16(e->out, 0);
    buf_u8(e->out, close->flags);
    buf_u8(e->out, close->reason);
    pcep_tlvs_encode(e, &close->tlvs);
}

static void
print_close(const void *object, struct buf *out)
{
    const struct pcep_close *close = object;
    buf_printf(out, " reason=%u(%s)", close->reason, pcep_close_reason_name(close->reason));
    pcep_tlvs_print(&close->tlvs, out);
}

/* ---- RP, SRP, LSP --------------------------------------------------------------------------- */

static void
decode_rp(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_rp *rp = object;
    rp->flags = cursor_be32(c, "Flags");
    size_t at = cursor_offset(c);
    rp->request_id = cursor_be32(c, "Request-ID-number");
    if (!rp->request_id) /* RFC 5440 section 7.4.1: reserved */
        pcep_fail(d, c, at, ERR_INVALID, PCEP_ERROR_MALFORMED, "Request-ID-number");
    pcep_tlvs_decode(d, c, &rp->tlvs);
}

static void
encode_rp(struct pcep_encoder *e, const void *object)
{
    const struct pcep_rp *rp = object;
    if (!rp->request_id)
        pcep_encode_fail(e);
    buf_be32(e->out, rp->flags);
    buf_be32(e->out, rp->request_id);
    pcep_tlvs_encode(e, &rp->tlvs);
}

static void
print_rp(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{PCEP_RP_REOPTIMIZATION, "R"},
                                             {PCEP_RP_BIDIRECTIONAL, "B"},
                                             {PCEP_RP_LOOSE, "O"},
                                             {PCEP_RP_SUPPLY_OF, "OF"},
                                             {0, NULL}};
    const struct pcep_rp *rp = object;
    buf_printf(out, " id=%u", rp->request_id);
    if (rp->flags & PCEP_RP_PRIORITY)
        buf_printf(out, " priority=%u", rp->flags & PCEP_RP_PRIORITY);
    pcep_flags_print("flags", rp->flags & ~(uint32_t)PCEP_RP_PRIORITY, flags, out);
    pcep_tlvs_print(&rp->tlvs, out);
}

static void
decode_srp(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_srp *srp = object;
    srp->flags = cursor_be32(c, "Flags");
    size_t at = cursor_offset(c);
    srp->srp_id = cursor_be32(c, "SRP-ID-number");
    if (srp->srp_id == UINT32_MAX) /* RFC 8231 section 7.2: reserved */
        pcep_fail(d, c, at, ERR_INVALID, PCEP_ERROR_MALFORMED, "SRP-ID-number");
    pcep_tlvs_decode(d, c, &srp->tlvs);
}

static void
encode_srp(struct pcep_encoder *e, const void *object)
{
    const struct pcep_srp *srp = object;
    if (srp->srp_id == UINT32_MAX)
        pcep_encode_fail(e);
    buf_be32(e->out, srp->flags);
    buf_be32(e->out, srp->srp_id);
    pcep_tlvs_encode(e, &srp->tlvs);
}

static void
print_srp(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{PCEP_SRP_REMOVE, "R"}, {0, NULL}};
    const struct pcep_srp *srp = object;
    buf_printf(out, " id=%u", srp->srp_id);
    pcep_flags_print("flags", srp->flags, flags, out);
    pcep_tlvs_print(&srp->tlvs, out);
}

static void
decode_lsp(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_lsp *lsp = object;
    uint32_t first = cursor_be32(c, "PLSP-ID and flags");
    lsp->plsp_id = first >> 12;
    lsp->flags = first & 0xfff;
    pcep_tlvs_decode(d, c, &lsp->tlvs);
}

static void
encode_lsp(struct pcep_encoder *e, const void *object)
{
    const struct pcep_lsp *lsp = object;
    if (lsp->plsp_id >> 20 || lsp->flags >> 12)
        pcep_encode_fail(e);
    buf_be32(e->out, lsp->plsp_id << 12 | lsp->flags);
    pcep_tlvs_encode(e, &lsp->tlvs);
}

static void
print_lsp(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{PCEP_LSP_DELEGATE, "D"}, {PCEP_LSP_SYNC, "S"},
                                             {PCEP_LSP_REMOVE, "R"},   {PCEP_LSP_ADMIN, "A"},
                                             {PCEP_LSP_CREATE, "C"},   {0, NULL}};
    static const char *const states[] = {"down",     "up", "active", "going-down",
                                         "going-up", "5",  "6",      "7"};
    const struct pcep_lsp *lsp = object;
    buf_printf(out, " plsp-id=%u", lsp->plsp_id);
    pcep_flags_print("flags", lsp->flags & ~(uint32_t)PCEP_LSP_OPERATIONAL, flags, out);
    buf_printf(out, " %s", states[pcep_lsp_operational(lsp)]);
    pcep_tlvs_print(&lsp->tlvs, out);
}

/* ---- What a path is asked for --------------------------------------------------------------- */

static void
decode_no_path(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_no_path *no_path = object;
    no_path->nature = cursor_u8(c, "Nature of Issue");
    no_path->flags = cursor_be16(c, "Flags");
    cursor_skip(c, 1, "reserved");
    pcep_tlvs_decode(d, c, &no_path->tlvs);
}

static void
encode_no_path(struct pcep_encoder *e, const void *object)
{
    const struct pcep_no_path *no_path = object;
    buf_u8(e->out, no_path->nature);
    buf_be16(e->out, no_path->flags);
    buf_u8(e->out, 0);
    pcep_tlvs_encode(e, &no_path->tlvs);
}

static void
print_no_path(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{0x8000, "C"}, {0, NULL}};
    const struct pcep_no_path *no_path = object;
    buf_printf(out, " nature=%u", no_path->nature);
    pcep_flags_print("flags", no_path->flags, flags, out);
    pcep_tlvs_print(&no_path->tlvs, out);
}

static void
decode_endpoints4(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_endpoints *endpoints = object;
    (void)d;
    endpoints->source = pcep_address_read(c, 4, "Source IPv4 address");
    endpoints->destination = pcep_address_read(c, 4, "Destination IPv4 address");
}

static void
decode_endpoints6(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_endpoints *endpoints = object;
    (void)d;
    endpoints->source = pcep_address_read(c, 6, "Source IPv6 address");
    endpoints->destination = pcep_address_read(c, 6, "Destination IPv6 address");
}

static void
encode_endpoints(struct pcep_encoder *e, const void *object)
{
    const struct pcep_endpoints *endpoints = object;
    unsigned family = endpoints->source.family == 6 ? 6 : 4;
    pcep_address_write(e, &endpoints->source, family);
    pcep_address_write(e, &endpoints->destination, family);
}

static void
print_endpoints(const void *object, struct buf *out)
{
    const struct pcep_endpoints *endpoints = object;
    buf_str(out, " source=");
    pcep_address_print(&endpoints->source, out);
    buf_str(out, " destination=");
    pcep_address_print(&endpoints->destination, out);
}

static void
decode_bandwidth(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_bandwidth *bandwidth = object;
    (void)d;
    bandwidth->octets_per_s = pcep_float_read(c, "Bandwidth");
}

static void
encode_bandwidth(struct pcep_encoder *e, const void *object)
{
    const struct pcep_bandwidth *bandwidth = object;
    pcep_float_write(e, bandwidth->octets_per_s);
}

static void
print_bandwidth(const void *object, struct buf *out)
{
    const struct pcep_bandwidth *bandwidth = object;
    buf_printf(out, " octets/s=%g", (double)bandwidth->octets_per_s);
}

static void
decode_metric(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_metric *metric = object;
    (void)d;
    cursor_skip(c, 2, "reserved");
    metric->flags = cursor_u8(c, "Flags");
    metric->type = cursor_u8(c, "T");
    metric->value = pcep_float_read(c, "metric-value");
}

static void
encode_metric(struct pcep_encoder *e, const void *object)
{
    const struct pcep_metric *metric = object;
    buf_be16(e->out, 0);
    buf_u8(e->out, metric->flags);
    buf_u8(e->out, metric->type);
    pcep_float_write(e, metric->value);
}

static void
print_metric(const void *object, struct buf *out)
{
    static const char *const names[] = {
        [PCEP_METRIC_IGP] = "igp",          [PCEP_METRIC_TE] = "te",
        [PCEP_METRIC_HOP_COUNT] = "hops",   [PCEP_METRIC_SID_DEPTH] = "sid-depth",
        [PCEP_METRIC_PATH_DELAY] = "delay", [PCEP_METRIC_DELAY_VARIATION] = "delay-variation",
        [PCEP_METRIC_LOSS] = "loss",
    };
    static const struct pcep_flag flags[] = {
        {PCEP_METRIC_BOUND, "B"}, {PCEP_METRIC_COMPUTED, "C"}, {0, NULL}};
    const struct pcep_metric *metric = object;
    if (metric->type < ARRAY_SIZE(names) && names[metric->type])
        buf_printf(out, " %s=%g", names[metric->type], (double)metric->value);
    else
        buf_printf(out, " type=%u value=%g", metric->type, (double)metric->value);
    pcep_flags_print("flags", metric->flags, flags, out);
}

static void
decode_lspa(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_lspa *lspa = object;
    lspa->exclude_any = cursor_be32(c, "Exclude-any");
    lspa->include_any = cursor_be32(c, "Include-any");
    lspa->include_all = cursor_be32(c, "Include-all");
    lspa->setup_priority = cursor_u8(c, "Setup Prio");
    lspa->holding_priority = cursor_u8(c, "Holding Prio");
    lspa->flags = cursor_u8(c, "Flags");
    cursor_skip(c, 1, "reserved");
    pcep_tlvs_decode(d, c, &lspa->tlvs);
}

static void
encode_lspa(struct pcep_encoder *e, const void *object)
{
    const struct pcep_lspa *lspa = object;
    buf_be32(e->out, lspa->exclude_any);
    buf_be32(e->out, lspa->include_any);
    buf_be32(e->out, lspa->include_all);
    buf_u8(e->out, lspa->setup_priority);
    buf_u8(e->out, lspa->holding_priority);
    buf_u8(e->out, lspa->flags);
    buf_u8(e->out, 0);
    pcep_tlvs_encode(e, &lspa->tlvs);
}

static void
print_lspa(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{1, "L"}, {0, NULL}};
    const struct pcep_lspa *lspa = object;
    buf_printf(out, " exclude-any=0x%x include-any=0x%x include-all=0x%x setup=%u holding=%u",
               lspa->exclude_any, lspa->include_any, lspa->include_all, lspa->setup_priority,
               lspa->holding_priority);
    pcep_flags_print("flags", lspa->flags, flags, out);
    pcep_tlvs_print(&lspa->tlvs, out);
}

static void
decode_of(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_of *of = object;
    of->code = cursor_be16(c, "OF Code");
    cursor_skip(c, 2, "reserved");
    pcep_tlvs_decode(d, c, &of->tlvs);
}

static void
encode_of(struct pcep_encoder *e, const void *object)
{
    const struct pcep_of *of = object;
    buf_be16(e->out, of->code);
    buf_be16(e->out, 0);
    pcep_tlvs_encode(e, &of->tlvs);
}

static void
print_of(const void *object, struct buf *out)
{
    const struct pcep_of *of = object;
    buf_printf(out, " code=%u", of->code);
    pcep_tlvs_print(&of->tlvs, out);
}

static void
decode_bu(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_bu *bu = object;
    (void)d;
    cursor_skip(c, 3, "reserved");
    bu->type = cursor_u8(c, "Type");
    bu->value = pcep_float_read(c, "Bandwidth-Utilization");
}

static void
encode_bu(struct pcep_encoder *e, const void *object)
{
    const struct pcep_bu *bu = object;
    buf_be32(e->out, bu->type);
    pcep_float_write(e, bu->value);
}

static void
print_bu(const void *object, struct buf *out)
{
    const struct pcep_bu *bu = object;
    buf_printf(out, " type=%u value=%g", bu->type, (double)bu->value);
}

static void
decode_load_balancing(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_load_balancing *balancing = object;
    cursor_skip(c, 2, "reserved");
    balancing->flags = cursor_u8(c, "Flags");
    balancing->max_lsp = cursor_u8(c, "Max-LSP");
    balancing->min_octets_per_s = pcep_float_read(c, "Min-Bandwidth");
    pcep_tlvs_decode(d, c, &balancing->tlvs);
}

static void
encode_load_balancing(struct pcep_encoder *e, const void *object)
{
    const struct pcep_load_balancing *balancing = object;
    buf_be16(e->out, 0);
    buf_u8(e->out, balancing->flags);
    buf_u8(e->out, balancing->max_lsp);
    pcep_float_write(e, balancing->min_octets_per_s);
    pcep_tlvs_encode(e, &balancing->tlvs);
}

static void
print_load_balancing(const void *object, struct buf *out)
{
    const struct pcep_load_balancing *balancing = object;
    buf_printf(out, " max-lsp=%u min-octets/s=%g", balancing->max_lsp,
               (double)balancing->min_octets_per_s);
    pcep_tlvs_print(&balancing->tlvs, out);
}

static void
decode_svec(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_svec *svec = object;
    svec->flags = cursor_be32(c, "Flags");
    uint32_t n = (uint32_t)(cursor_left(c) / 4);
    uint32_t *ids = pcep_alloc(d, c, n, sizeof *ids);
    for (uint32_t i = 0; ids && i < n; i++)
        ids[i] = cursor_be32(c, "Request-ID-number");
    svec->request_ids = ids;
    svec->n = n;
}

static void
encode_svec(struct pcep_encoder *e, const void *object)
{
    const struct pcep_svec *svec = object;
    buf_be32(e->out, svec->flags);
    for (uint32_t i = 0; i < svec->n; i++)
        buf_be32(e->out, svec->request_ids[i]);
}

static void
print_svec(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{1, "L"}, {2, "N"}, {4, "S"}, {0, NULL}};
    const struct pcep_svec *svec = object;
    pcep_flags_print("flags", svec->flags, flags, out);
    for (uint32_t i = 0; i < svec->n; i++)
        buf_printf(out, "%s%u", i ? "," : " ids=", svec->request_ids[i]);
}

/* ---- Routes --------------------------------------------------------------------------------- */

#define ROUTE(name, class)                                                                         \
    static void decode_##name(struct pcep_decoder *d, struct cursor *c, void *object)              \
    {                                                                                              \
        pcep_route_decode(d, c, class, object);                                                    \
    }                                                                                              \
    static void encode_##name(struct pcep_encoder *e, const void *object)                          \
    {                                                                                              \
        pcep_route_encode(e, class, object);                                                       \
    }                                                                                              \
    static void print_##name(const void *object, struct buf *out)                                  \
    {                                                                                              \
        buf_str(out, " ");                                                                         \
        pcep_hops_print(object, class, out);                                                       \
    }

ROUTE(ero, PCEP_CLASS_ERO)
ROUTE(rro, PCEP_CLASS_RRO)
ROUTE(iro, PCEP_CLASS_IRO)

static void
decode_xro(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_route *xro = object;
    cursor_skip(c, 2, "reserved");
    xro->flags = cursor_be16(c, "Flags");
    pcep_route_decode(d, c, PCEP_CLASS_XRO, xro);
}

static void
encode_xro(struct pcep_encoder *e, const void *object)
{
    const struct pcep_route *xro = object;
    buf_be16(e->out, 0);
    buf_be16(e->out, xro->flags);
    pcep_route_encode(e, PCEP_CLASS_XRO, xro);
}

static void
print_xro(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{1, "F"}, {0, NULL}};
    const struct pcep_route *xro = object;
    pcep_flags_print("flags", xro->flags, flags, out);
    buf_str(out, " ");
    pcep_hops_print(xro, PCEP_CLASS_XRO, out);
}

/* ---- Associations, vendors ------------------------------------------------------------------ */

static void
decode_association(struct pcep_decoder *d, struct cursor *c, void *object, unsigned family)
{
    struct pcep_association *association = object;
    cursor_skip(c, 2, "reserved");
    association->flags = cursor_be16(c, "Flags");
    association->type = cursor_be16(c, "Association Type");
    association->id = cursor_be16(c, "Association ID");
    association->source = pcep_address_read(c, family, "Association Source");
    pcep_tlvs_decode(d, c, &association->tlvs);
}

static void
decode_association4(struct pcep_decoder *d, struct cursor *c, void *object)
{
    decode_association(d, c, object, 4);
}

static void
decode_association6(struct pcep_decoder *d, struct cursor *c, void *object)
{
    decode_association(d, c, object, 6);
}

static void
encode_association(struct pcep_encoder *e, const void *object)
{
    const struct pcep_association *association = object;
    buf_be16(e->out, 0);
    buf_be16(e->out, association->flags);
    buf_be16(e->out, association->type);
    buf_be16(e->out, association->id);
    pcep_address_write(e, &association->source, association->source.family == 6 ? 6 : 4);
    pcep_tlvs_encode(e, &association->tlvs);
}

static void
print_association(const void *object, struct buf *out)
{
    static const struct pcep_flag flags[] = {{PCEP_ASSOCIATION_REMOVE, "R"}, {0, NULL}};
    const struct pcep_association *association = object;
    buf_printf(out, " type=%u id=%u source=", association->type, association->id);
    pcep_address_print(&association->source, out);
    pcep_flags_print("flags", association->flags, flags, out);
    pcep_tlvs_print(&association->tlvs, out);
}

static void
decode_vendor(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_vendor *vendor = object;
    vendor->enterprise = cursor_be32(c, "Enterprise Number");
    vendor->octets = pcep_rest(d, c);
}

static void
encode_vendor(struct pcep_encoder *e, const void *object)
{
    const struct pcep_vendor *vendor = object;
    buf_be32(e->out, vendor->enterprise);
    pcep_octets_write(e, &vendor->octets);
}

static void
print_vendor(const void *object, struct buf *out)
{
    const struct pcep_vendor *vendor = object;
    buf_printf(out, " enterprise=%u ", vendor->enterprise);
    pcep_octets_print(&vendor->octets, out);
}

/* ---- Notifications and errors --------------------------------------------------------------- */

static void
decode_notification(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_notification *notification = object;
    cursor_skip(c, 1, "reserved");
    notification->flags = cursor_u8(c, "Flags");
    notification->type = cursor_u8(c, "NT");
    notification->value = cursor_u8(c, "NV");
    pcep_tlvs_decode(d, c, &notification->tlvs);
}

static void
encode_notification(struct pcep_encoder *e, const void *object)
{
    const struct pcep_notification *notification = object;
    buf_u8(e->out, 0);
    buf_u8(e->out, notification->flags);
    buf_u8(e->out, notification->type);
    buf_u8(e->out, notification->value);
    pcep_tlvs_encode(e, &notification->tlvs);
}

static void
print_notification(const void *object, struct buf *out)
{
    const struct pcep_notification *notification = object;
    buf_printf(out, " type=%u value=%u", notification->type, notification->value);
    pcep_tlvs_print(&notification->tlvs, out);
}

static void
decode_error(struct pcep_decoder *d, struct cursor *c, void *object)
{
    struct pcep_error_object *error = object;
    cursor_skip(c, 1, "reserved");
    error->flags = cursor_u8(c, "Flags");
    error->error.type = cursor_u8(c, "Error-Type");
    error->error.value = cursor_u8(c, "Error-value");
    pcep_tlvs_decode(d, c, &error->tlvs);
}

static void
encode_error(struct pcep_encoder *e, const void *object)
{
    const struct pcep_error_object *error = object;
    buf_u8(e->out, 0);
    buf_u8(e->out, error->flags);
    buf_u8(e->out, error->error.type);
    buf_u8(e->out, error->error.value);
    pcep_tlvs_encode(e, &error->tlvs);
}

static void
print_error(const void *object, struct buf *out)
{
    const struct pcep_error_object *error = object;
    const char *value = pcep_error_value_name(&error->error);
    buf_printf(out, " type=%u value=%u (%s%s%s)", error->error.type, error->error.value,
               pcep_error_type_name(error->error.type), value ? ": " : "", value ? value : "");
    pcep_tlvs_print(&error->tlvs, out);
}

/* ---- The table ------------------------------------------------------------------------------ */

#define ROW(class, type, min, max, name, ref, structure, decode, part)                             \
    {                                                                                              \
        class, type, min, max, sizeof(struct structure), name, ref, decode, encode_##part,         \
            print_##part                                                                           \
    }

static const struct pcep_object_row rows[] = {
    ROW(PCEP_CLASS_OPEN, 1, 4, ANY_SIZE, "OPEN", "RFC 5440 7.3", pcep_open, decode_open, open),
    ROW(PCEP_CLASS_RP, 1, 8, ANY_SIZE, "RP", "RFC 5440 7.4", pcep_rp, decode_rp, rp),
    ROW(PCEP_CLASS_NO_PATH, 1, 4, ANY_SIZE, "NO-PATH", "RFC 5440 7.5", pcep_no_path, decode_no_path,
        no_path),
    ROW(PCEP_CLASS_ENDPOINTS, 1, 8, 8, "END-POINTS", "RFC 5440 7.6", pcep_endpoints,
        decode_endpoints4, endpoints),
    ROW(PCEP_CLASS_ENDPOINTS, 2, 32, 32, "END-POINTS", "RFC 5440 7.6", pcep_endpoints,
        decode_endpoints6, endpoints),
    ROW(PCEP_CLASS_BANDWIDTH, 1, 4, 4, "BANDWIDTH", "RFC 5440 7.7", pcep_bandwidth,
        decode_bandwidth, bandwidth),
    ROW(PCEP_CLASS_BANDWIDTH, 2, 4, 4, "BANDWIDTH", "RFC 5440 7.7", pcep_bandwidth,
        decode_bandwidth, bandwidth),
    ROW(PCEP_CLASS_METRIC, 1, 8, 8, "METRIC", "RFC 5440 7.8", pcep_metric, decode_metric, metric),
    ROW(PCEP_CLASS_ERO, 1, 0, ANY_SIZE, "ERO", "RFC 5440 7.9", pcep_route, decode_ero, ero),
    ROW(PCEP_CLASS_RRO, 1, 0, ANY_SIZE, "RRO", "RFC 5440 7.10", pcep_route, decode_rro, rro),
    ROW(PCEP_CLASS_LSPA, 1, 16, ANY_SIZE, "LSPA", "RFC 5440 7.11", pcep_lspa, decode_lspa, lspa),
    ROW(PCEP_CLASS_IRO, 1, 0, ANY_SIZE, "IRO", "RFC 5440 7.12", pcep_route, decode_iro, iro),
    ROW(PCEP_CLASS_SVEC, 1, 4, ANY_SIZE, "SVEC", "RFC 5440 7.13", pcep_svec, decode_svec, svec),
    ROW(PCEP_CLASS_NOTIFICATION, 1, 4, ANY_SIZE, "NOTIFICATION", "RFC 5440 7.14", pcep_notification,
        decode_notification, notification),
    ROW(PCEP_CLASS_ERROR, 1, 4, ANY_SIZE, "PCEP-ERROR", "RFC 5440 7.15", pcep_error_object,
        decode_error, error),
    ROW(PCEP_CLASS_LOAD_BALANCING, 1, 8, ANY_SIZE, "LOAD-BALANCING", "RFC 5440 7.16",
        pcep_load_balancing, decode_load_balancing, load_balancing),
    ROW(PCEP_CLASS_CLOSE, 1, 4, ANY_SIZE, "CLOSE", "RFC 5440 7.17", pcep_close, decode_close,
        close),
    ROW(PCEP_CLASS_XRO, 1, 4, ANY_SIZE, "XRO", "RFC 5521 2.1.1", pcep_route, decode_xro, xro),
    ROW(PCEP_CLASS_OF, 1, 4, ANY_SIZE, "OF", "RFC 5541 3.1", pcep_of, decode_of, of),
    ROW(PCEP_CLASS_LSP, 1, 4, ANY_SIZE, "LSP", "RFC 8231 7.3", pcep_lsp, decode_lsp, lsp),
    ROW(PCEP_CLASS_SRP, 1, 8, ANY_SIZE, "SRP", "RFC 8231 7.2", pcep_srp, decode_srp, srp),
    ROW(PCEP_CLASS_VENDOR_INFORMATION, 1, 4, ANY_SIZE, "VENDOR-INFORMATION", "RFC 7470 2",
        pcep_vendor, decode_vendor, vendor),
    ROW(PCEP_CLASS_BU, 1, 8, 8, "BU", "RFC 8233 4.1", pcep_bu, decode_bu, bu),
    ROW(PCEP_CLASS_ASSOCIATION, 1, 12, ANY_SIZE, "ASSOCIATION", "RFC 8697 6.1", pcep_association,
        decode_association4, association),
    ROW(PCEP_CLASS_ASSOCIATION, 2, 24, ANY_SIZE, "ASSOCIATION", "RFC 8697 6.1", pcep_association,
        decode_association6, association),
};

/* The rows are in rising order of class; which one a class begins with, plus one. */
static const uint8_t first_row[PCEP_CLASS_MAX] = {
    [PCEP_CLASS_OPEN] = 1,      [PCEP_CLASS_RP] = 2,
    [PCEP_CLASS_NO_PATH] = 3,   [PCEP_CLASS_ENDPOINTS] = 4,
    [PCEP_CLASS_BANDWIDTH] = 6, [PCEP_CLASS_METRIC] = 8,
    [PCEP_CLASS_ERO] = 9,       [PCEP_CLASS_RRO] = 10,
    [PCEP_CLASS_LSPA] = 11,     [PCEP_CLASS_IRO] = 12,
    [PCEP_CLASS_SVEC] = 13,     [PCEP_CLASS_NOTIFICATION] = 14,
    [PCEP_CLASS_ERROR] = 15,    [PCEP_CLASS_LOAD_BALANCING] = 16,
    [PCEP_CLASS_CLOSE] = 17,    [PCEP_CLASS_XRO] = 18,
    [PCEP_CLASS_OF] = 19,       [PCEP_CLASS_LSP] = 20,
    [PCEP_CLASS_SRP] = 21,      [PCEP_CLASS_VENDOR_INFORMATION] = 22,
    [PCEP_CLASS_BU] = 23,       [PCEP_CLASS_ASSOCIATION] = 24,
};

const struct pcep_object_row *
pcep_object_row(unsigned class, unsigned type, bool *known_class)
{
    size_t i = class < PCEP_CLASS_MAX ? first_row[class] : 0;
    *known_class = i > 0;
    for (; i && i <= ARRAY_SIZE(rows) && rows[i - 1].class == class; i++) {
        if (rows[i - 1].type == type)
            return &rows[i - 1];
    }
    return NULL;
}

void *
pcep_object_decode(const struct pcep_object_row *row, struct pcep_decoder *d, struct cursor *c,
                   struct pcep_head head)
{
    size_t size = cursor_left(c);
    if (size < row->min_size || size > row->max_size) {
        pcep_fail(d, c, cursor_offset(c), ERR_MALFORMED, PCEP_ERROR_MALFORMED, "Object Length");
        return NULL;
    }
    struct pcep_head *object = pcep_alloc(d, c, 1, row->size);
    if (!object)
        return NULL;
    *object = head;
    row->decode(d, c, object);
    struct cursor whole = cursor_over(NULL, 0);
    whole.base = c->base;
    cursor_join(&whole, c); /* what is left unread is an error too */
    if (!c->err && whole.err)
        pcep_fail(d, c, whole.offset, whole.err, PCEP_ERROR_MALFORMED, whole.field);
    return c->err ? NULL : object;
}

/* P is for requests alone, and must be set in the RP of an answer (RFC 5440 section 7.4). */
static uint8_t
head_bits(unsigned message, unsigned class, const struct pcep_head *head)
{
    bool p = message == PCEP_PCREQ ? !head->optional || class == PCEP_CLASS_RP
                                   : message == PCEP_PCREP && class == PCEP_CLASS_RP;
    return (uint8_t)((p ? 2 : 0) | (head->ignored ? 1 : 0));
}

static unsigned
type_of(unsigned class, const void *object)
{
    if (class == PCEP_CLASS_ENDPOINTS)
        return ((const struct pcep_endpoints *)object)->source.family == 6 ? 2 : 1;
    if (class == PCEP_CLASS_ASSOCIATION)
        return ((const struct pcep_association *)object)->source.family == 6 ? 2 : 1;
    return 1;
}

void
pcep_object_encode(struct pcep_encoder *e, unsigned class, unsigned type, const void *object)
{
    bool known_class;
    type = type ? type : type_of(class, object);
    const struct pcep_object_row *row = pcep_object_row(class, type, &known_class);
    size_t start = e->out->size;
    if (!row) {
        pcep_encode_fail(e);
        return;
    }
    buf_u8(e->out, (uint8_t) class);
    buf_u8(e->out, (uint8_t)(type << 4 | head_bits(e->message, class, object)));
    buf_be16(e->out, 0);
    row->encode(e, object);
    buf_pad(e->out, start, 4); /* RFC 5440 section 7.2 */
    size_t size = e->out->size - start - PCEP_OBJECT_HEADER;
    if (size < row->min_size && !buf_err(e->out))
        pcep_encode_fail(e);
    if (size > row->max_size && !e->err)
        e->err = ERR_LIMIT;
    buf_patch_be16(e->out, start + 2, (uint16_t)(size + PCEP_OBJECT_HEADER));
}

void
pcep_object_print(unsigned class, unsigned type, const void *object, unsigned message,
                  struct buf *out)
{
    bool known_class;
    const struct pcep_head *head = object;
    const struct pcep_object_row *row = pcep_object_row(class, type ? type : type_of(class, object),
                                                        &known_class);
    buf_printf(out, " {%s", row->name);
    row->print(object, out);
    if (head->optional && message == PCEP_PCREQ)
        buf_str(out, " optional");
    if (head->ignored)
        buf_str(out, " ignored");
    buf_str(out, "}");
}

/* ---- What objects say ----------------------------------------------------------------------- */

struct pcep_octets
pcep_lsp_name(const struct pcep_lsp *lsp)
{
    const struct pcep_tlv *tlv = pcep_tlv_find(&lsp->tlvs, PCEP_TLV_SYMBOLIC_PATH_NAME);
    return tlv ? tlv->octets : (struct pcep_octets){0};
}

const struct pcep_lsp_ids *
pcep_lsp_ids(const struct pcep_lsp *lsp)
{
    const struct pcep_tlv *tlv = pcep_tlv_find(&lsp->tlvs, PCEP_TLV_IPV4_LSP_IDENTIFIERS);
    if (!tlv)
        tlv = pcep_tlv_find(&lsp->tlvs, PCEP_TLV_IPV6_LSP_IDENTIFIERS);
    return tlv ? tlv->ids : NULL;
}

bool
pcep_bandwidth_bps(const struct pcep_bandwidth *bandwidth, uint64_t *bps)
{
    double bits = 8.0 * (double)bandwidth->octets_per_s;
    if (!(bits >= 0) || bits >= 0x1p63) /* no number is not above 0 either */
        return false;
    *bps = (uint64_t)llround(bits);
    return true;
}

bool
pcep_association_policy(const struct pcep_association *association, uint32_t *color,
                        struct pcep_address *endpoint)
{
    const struct pcep_tlv *tlv = pcep_tlv_find(&association->tlvs,
                                               PCEP_TLV_EXTENDED_ASSOCIATION_ID);
    if (!tlv || (tlv->octets.size != 8 && tlv->octets.size != 20))
        return false;
    *color = get_be32(tlv->octets.data);
    *endpoint = (struct pcep_address){tlv->octets.size == 20 ? 6 : 4, {0}};
    memcpy(endpoint->octets, tlv->octets.data + 4, tlv->octets.size - 4);
    return true;
}

struct pcep_tlv
pcep_policy_tlv(uint32_t color, const struct pcep_address *endpoint, uint8_t *octets)
{
    uint32_t size = endpoint->family == 6 ? 16 : 4;
    for (int i = 0; i < 4; i++)
        octets[i] = (uint8_t)(color >> (24 - 8 * i));
    memcpy(octets + 4, endpoint->octets, size);
    return (struct pcep_tlv){.type = PCEP_TLV_EXTENDED_ASSOCIATION_ID,
                             .octets = {octets, 4 + size}};
}

struct pcep_vendor
pcep_vendor_color(uint32_t color, uint8_t *octets)
{
    enum { CISCO = 9, COLOR_TLV = 0x00010004 };
    for (int i = 0; i < 4; i++) {
        octets[i] = (uint8_t)(COLOR_TLV >> (24 - 8 * i));
        octets[4 + i] = (uint8_t)(color >> (24 - 8 * i));
    }
    return (struct pcep_vendor){.enterprise = CISCO, .octets = {octets, 8}};
}
