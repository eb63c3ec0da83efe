#include "samples.h"

#include <string.h>

#define LIST(array) .list = (array), .n = ARRAY_SIZE(array)
#define TLVS(array) .tlvs = {LIST(array)}
#define TEXT(text)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
#define V4(a, b, c, d)                                                                             \
    {                                                                                              \
        4,                                                                                         \
        {                                                                                          \
            a, b, c, d                                                                             \
        }                                                                                          \
    }
#define V6(last)                                                                                   \
    {                                                                                              \
        6,                                                                                         \
        {                                                                                          \
            0x20, 0x01, 0x0d, 0xb8, [15] = (last)                                                  \
        }                                                                                          \
    }

/* ---- TLVs ----------------------------------------------------------------------------------- */

static const struct pcep_tlv setup_subs[] = {
    {.type = PCEP_TLV_SR_PCE_CAPABILITY, .number = 2 << 8 | 10},
};
static const struct pcep_setup_capability setup = {
    .types = TEXT("\0\1"), .sub_tlvs = setup_subs, .n_sub_tlvs = ARRAY_SIZE(setup_subs)};
static const struct pcep_msd msds[] = {{41, 3}, {42, 4}};
static const struct pcep_tlv srv6_subs[] = {
    {.type = PCEP_TLV_SR_PCE_CAPABILITY, .number = 1 << 8},
    {.type = PCEP_TLV_SRV6_PCE_CAPABILITY, .number = 1, .msds = {LIST(msds)}},
};
static const struct pcep_setup_capability srv6_setup = {
    .types = TEXT("\0\1\3"), .sub_tlvs = srv6_subs, .n_sub_tlvs = ARRAY_SIZE(srv6_subs)};
static const uint16_t association_types[] = {2, 3, 6}, functions[] = {1, 2, 3, 15};
static const struct pcep_assoc_range ranges[] = {{2, 1000, 500}, {3, 7, 1}};

static const struct pcep_tlv open_tlvs[] = {
    {.type = PCEP_TLV_STATEFUL_PCE_CAPABILITY,
     .number = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION | PCEP_INCLUDE_DB_VERSION},
    {.type = PCEP_TLV_LSP_DB_VERSION, .long_number = 0x123456789a},
    {.type = PCEP_TLV_SPEAKER_ENTITY_ID, .octets = TEXT("pcc-1.example")},
    {.type = PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY, .setup = &setup},
    {.type = PCEP_TLV_ASSOC_TYPE_LIST, .codes = {LIST(association_types)}},
    {.type = PCEP_TLV_OF_LIST, .codes = {LIST(functions)}},
};
static const struct pcep_tlv open_range_tlvs[] = {
    {.type = PCEP_TLV_OP_CONF_ASSOC_RANGE, .ranges = {LIST(ranges)}},
};
static const struct pcep_tlv open_srv6_tlvs[] = {
    {.type = PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY, .setup = &srv6_setup},
    {.type = PCEP_TLV_SRPOLICY_CAPABILITY, .number = 0x15},
    {.type = PCEP_TLV_VENDOR_INFORMATION, .number = 32473, .octets = TEXT("abcd")},
};

static const struct pcep_lsp_ids ids4 = {.lsp_id = 2,
                                         .tunnel_id = 7,
                                         .sender = V4(10, 0, 0, 1),
                                         .endpoint = V4(10, 0, 0, 9),
                                         .extended_tunnel_id = {10, 0, 0, 1}};
static const struct pcep_lsp_ids ids6 = {
    .lsp_id = 2, .tunnel_id = 7, .sender = V6(1), .endpoint = V6(9)};
static const struct pcep_rsvp_error rsvp = {
    .node = V4(10, 0, 0, 3), .flags = 1, .code = 24, .value = 5};
static const struct pcep_binding binding = {.type = PCEP_BINDING_LABEL, .label = 1111};

static const struct pcep_tlv lsp_tlvs[] = {
    {.type = PCEP_TLV_SYMBOLIC_PATH_NAME, .octets = TEXT("circuit-4711")},
    {.type = PCEP_TLV_IPV4_LSP_IDENTIFIERS, .ids = &ids4},
};
static const struct pcep_tlv signalled_tlvs[] = {
    {.type = PCEP_TLV_IPV6_LSP_IDENTIFIERS, .ids = &ids6},
    {.type = PCEP_TLV_RSVP_ERROR_SPEC, .rsvp_error = &rsvp},
};
static const struct pcep_tlv lsp_tlvs6[] = {
    {.type = PCEP_TLV_SYMBOLIC_PATH_NAME, .octets = TEXT("six")},
    {.type = PCEP_TLV_LSP_ERROR_CODE, .number = PCEP_LSP_ERROR_RSVP_SIGNALING},
    {.type = PCEP_TLV_LSP_DB_VERSION, .long_number = 77},
    {.type = PCEP_TLV_TE_PATH_BINDING, .binding = &binding},
    {.type = PCEP_TLV_COLOR, .number = 100},
};
static const struct pcep_tlv name_tlvs[] = {
    {.type = PCEP_TLV_SYMBOLIC_PATH_NAME, .octets = TEXT("new-one")},
};
static const struct pcep_tlv sr_tlvs[] = {
    {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SR},
};
static const struct pcep_tlv sr6_tlvs[] = {
    {.type = PCEP_TLV_PATH_SETUP_TYPE, .number = PCEP_PST_SRV6},
};
static const struct pcep_tlv no_path_tlvs[] = {
    {.type = PCEP_TLV_NO_PATH_VECTOR, .number = 2},
};
static const struct pcep_tlv overload_tlvs[] = {
    {.type = PCEP_TLV_OVERLOAD_DURATION, .number = 30},
};
static const struct pcep_tlv missing_tlvs[] = {
    {.type = PCEP_TLV_REQ_MISSING, .number = 42},
};

/* ---- Routes --------------------------------------------------------------------------------- */

static const struct pcep_hop sr_hops[] = {
    {.type = PCEP_HOP_SR, .sr_flags = PCEP_SR_M | PCEP_SR_F, .number = 16003 << 12},
    {.type = PCEP_HOP_SR,
     .sr_flags = PCEP_SR_M,
     .nai_type = PCEP_NAI_IPV4_NODE,
     .number = 16004 << 12,
     .address = V4(10, 0, 0, 4)},
    {.type = PCEP_HOP_SR,
     .sr_flags = PCEP_SR_M | PCEP_SR_C,
     .nai_type = PCEP_NAI_IPV4_ADJACENCY,
     .number = 24001u << 12 | 0x140,
     .address = V4(10, 1, 0, 1),
     .remote = V4(10, 1, 0, 2)},
    {.type = PCEP_HOP_SR,
     .nai_type = PCEP_NAI_IPV6_NODE,
     .number = 6,
     .loose = true,
     .address = V6(6)},
    {.type = PCEP_HOP_SR,
     .sr_flags = PCEP_SR_S,
     .nai_type = PCEP_NAI_IPV6_GLOBAL_ADJACENCY,
     .address = V6(1),
     .remote = V6(2)},
    {.type = PCEP_HOP_SR,
     .sr_flags = PCEP_SR_M,
     .nai_type = PCEP_NAI_UNNUMBERED,
     .number = 24002 << 12,
     .address = V4(10, 0, 0, 1),
     .remote = V4(10, 0, 0, 2),
     .interface = 3,
     .remote_interface = 4},
};
static const struct pcep_hop link_local_hops[] = {
    {.type = PCEP_HOP_SR,
     .sr_flags = PCEP_SR_M,
     .nai_type = PCEP_NAI_IPV6_LINK_LOCAL,
     .number = 24003 << 12,
     .address = V6(1),
     .remote = V6(2),
     .interface = 3,
     .remote_interface = 4},
};
static const struct pcep_hop srv6_hops[] = {
    {.type = PCEP_HOP_SRV6,
     .sr_flags = PCEP_SRV6_F | PCEP_SRV6_T,
     .behavior = 1,
     .sid = {0xfc, 0, 0, 1},
     .structure = {32, 16, 16, 0}},
    {.type = PCEP_HOP_SRV6,
     .nai_type = PCEP_NAI_IPV6_NODE,
     .behavior = 5,
     .sid = {0xfc, 0, 0, 2},
     .address = V6(2)},
};
static const struct pcep_hop strict_hops[] = {
    {.type = PCEP_HOP_IPV4, .prefix_length = 32, .address = V4(10, 1, 0, 2)},
    {.type = PCEP_HOP_IPV4, .prefix_length = 24, .address = V4(10, 2, 0, 0), .loose = true},
    {.type = PCEP_HOP_IPV6, .prefix_length = 128, .address = V6(3)},
    {.type = PCEP_HOP_UNNUMBERED, .address = V4(10, 0, 0, 3), .interface = 17},
    {.type = PCEP_HOP_AS, .number = 64512},
};
static const struct pcep_hop label_hops[] = {
    {.type = PCEP_HOP_LABEL, .flags = 0x80, .attribute = 2, .number = 300},
};
static const struct pcep_hop recorded_hops[] = {
    {.type = PCEP_HOP_IPV4, .prefix_length = 32, .address = V4(10, 1, 0, 2), .flags = 1},
    {.type = PCEP_HOP_LABEL, .flags = 1, .attribute = 1, .number = 300},
    {.type = PCEP_HOP_IPV6, .prefix_length = 128, .address = V6(3)},
    {.type = PCEP_HOP_UNNUMBERED, .address = V4(10, 0, 0, 3), .interface = 17, .flags = 2},
};
static const struct pcep_hop excluded_hops[] = {
    {.type = PCEP_HOP_IPV4, .prefix_length = 32, .address = V4(10, 1, 0, 2), .attribute = 1},
    {.type = PCEP_HOP_IPV6, .prefix_length = 64, .address = V6(3), .loose = true},
    {.type = PCEP_HOP_UNNUMBERED, .address = V4(10, 0, 0, 3), .interface = 17},
    {.type = PCEP_HOP_AS, .number = 64512},
    {.type = PCEP_HOP_SRLG, .number = 4711, .attribute = 2},
};

#define ROUTE(name)                                                                                \
    static const struct pcep_route name##_route = {.hops = name##_hops,                            \
                                                   .n = ARRAY_SIZE(name##_hops)}
ROUTE(sr);
ROUTE(link_local);
ROUTE(srv6);
ROUTE(strict);
ROUTE(label);
ROUTE(recorded);
static const struct pcep_route excluded_route = {
    .flags = 1, .hops = excluded_hops, .n = ARRAY_SIZE(excluded_hops)};
static const struct pcep_route empty_route = {.n = 0};

/* ---- Objects -------------------------------------------------------------------------------- */

static const struct pcep_metric metrics[] = {
    {.type = PCEP_METRIC_TE, .flags = PCEP_METRIC_COMPUTED, .value = 30},
    {.type = PCEP_METRIC_SID_DEPTH, .flags = PCEP_METRIC_BOUND, .value = 4},
    {.type = PCEP_METRIC_PATH_DELAY, .flags = PCEP_METRIC_BOUND, .value = 5000},
};
static const struct pcep_bandwidth wanted = {.octets_per_s = 125000};
static const struct pcep_bandwidth existing = {.octets_per_s = 62500};
static const struct pcep_lspa lspa = {.exclude_any = 1,
                                      .include_any = 2,
                                      .include_all = 4,
                                      .setup_priority = 7,
                                      .holding_priority = 3,
                                      .flags = 1};
static const struct pcep_of of = {.code = 2};
static const struct pcep_bu bus[] = {{.type = 1, .value = 60}};
static const struct pcep_load_balancing balancing = {.max_lsp = 2, .min_octets_per_s = 1000};
static const struct pcep_endpoints ends4 = {.source = V4(10, 0, 0, 1),
                                            .destination = V4(10, 0, 0, 9)};
static const struct pcep_endpoints ends6 = {.source = V6(1), .destination = V6(9)};
static const struct pcep_vendor vendors[] = {
    {.enterprise = 9, .octets = {(const uint8_t *)"\0\1\0\4\0\0\0\144", 8}},
};
static const uint8_t policy4[] = {0, 0, 0, 100, 10, 0, 0, 9};
static const struct pcep_cpath_id cpath = {.protocol_origin = 10,
                                           .originator_asn = 64512,
                                           .originator = {[12] = 10, 0, 0, 1},
                                           .discriminator = 1};
static const struct pcep_tlv policy_tlvs[] = {
    {.type = PCEP_TLV_EXTENDED_ASSOCIATION_ID, .octets = {policy4, sizeof policy4}},
    {.type = PCEP_TLV_SRPOLICY_POL_NAME, .octets = TEXT("gold")},
    {.type = PCEP_TLV_SRPOLICY_CPATH_ID, .cpath_id = &cpath},
    {.type = PCEP_TLV_SRPOLICY_CPATH_NAME, .octets = TEXT("gold-1")},
    {.type = PCEP_TLV_SRPOLICY_CPATH_PREFERENCE, .number = 200},
    {.type = PCEP_TLV_COMPUTATION_PRIORITY, .number = 3},
    {.type = PCEP_TLV_EXPLICIT_NULL_LABEL_POLICY, .number = 4},
    {.type = PCEP_TLV_INVALIDATION, .number = 0x101},
};
static const struct pcep_tlv disjoint_tlvs[] = {
    {.type = PCEP_TLV_DISJOINTNESS_CONFIGURATION,
     .number = PCEP_DISJOINT_LINK | PCEP_DISJOINT_SRLG},
    {.type = PCEP_TLV_DISJOINTNESS_STATUS, .number = PCEP_DISJOINT_LINK},
    {.type = PCEP_TLV_GLOBAL_ASSOCIATION_SOURCE, .number = 64512},
};
static const struct pcep_association associations[] = {
    {.type = PCEP_ASSOC_DISJOINT, .id = 1001, .source = V4(10, 0, 0, 100), TLVS(disjoint_tlvs)},
    {.type = PCEP_ASSOC_SR_POLICY, .id = 1, .source = V4(10, 0, 0, 1), TLVS(policy_tlvs)},
    {.type = PCEP_ASSOC_DISJOINT, .id = 1002, .source = V6(1), .flags = PCEP_ASSOCIATION_REMOVE},
};

static const struct pcep_rp request = {.flags = PCEP_RP_LOOSE | 5, .request_id = 41, TLVS(sr_tlvs)};
static const struct pcep_rp again = {.flags = PCEP_RP_REOPTIMIZATION, .request_id = 42};
static const struct pcep_srp asked = {.srp_id = 9, TLVS(sr_tlvs)};
static const struct pcep_srp asked6 = {.srp_id = 10, TLVS(sr6_tlvs)};
static const struct pcep_srp removal = {.srp_id = 11, .flags = PCEP_SRP_REMOVE};
static const struct pcep_lsp lsp = {.plsp_id = 1,
                                    .flags = PCEP_LSP_DELEGATE | PCEP_LSP_SYNC | PCEP_LSP_ADMIN |
                                             PCEP_OPERATIONAL_ACTIVE << 4,
                                    TLVS(lsp_tlvs)};
static const struct pcep_lsp lsp6 = {.plsp_id = 0xfffff, .flags = PCEP_LSP_ADMIN, TLVS(lsp_tlvs6)};
static const struct pcep_lsp signalled = {.plsp_id = 4, TLVS(signalled_tlvs)};
static const struct pcep_lsp gone = {.plsp_id = 3, .flags = PCEP_LSP_REMOVE};
static const struct pcep_lsp none = {.plsp_id = 0};
static const struct pcep_lsp fresh = {.flags = PCEP_LSP_ADMIN, TLVS(name_tlvs)};
static const struct pcep_no_path no_path = {.flags = 0x8000, TLVS(no_path_tlvs)};

/* ---- Entries -------------------------------------------------------------------------------- */

#define METRICS .metrics = metrics, .n_metrics = ARRAY_SIZE(metrics)
#define VENDORS .vendors = vendors, .n_vendors = ARRAY_SIZE(vendors)
#define ASSOCIATIONS .associations = associations, .n_associations = ARRAY_SIZE(associations)

static const struct pcep_entry requests[] = {
    {.rp = &request,
     .endpoints = &ends4,
     .lsp = &lsp,
     ASSOCIATIONS,
     VENDORS,
     .path = {.lspa = &lspa,
              .bandwidth = &wanted,
              METRICS,
              .of = &of,
              .bus = bus,
              .n_bus = 1,
              .iro = &strict_route,
              .xro = &excluded_route,
              .load_balancing = &balancing}},
    {.rp = &again,
     .endpoints = &ends6,
     .path = {.bandwidth = &wanted, .rro = &recorded_route, .existing_bandwidth = &existing}},
};
static const uint32_t synchronised[] = {41, 42};
static const struct pcep_svec svecs[] = {
    {.flags = 3, .request_ids = synchronised, .n = 2, .of = &of, METRICS, .xro = &excluded_route},
};
static const struct pcep_path second_path = {.ero = &strict_route, METRICS};
static const struct pcep_entry replies[] = {
    {.rp = &request,
     .path = {.ero = &sr_route, .bandwidth = &wanted, METRICS, .lspa = &lspa},
     .alternatives = &second_path,
     .n_alternatives = 1},
    {.rp = &again, .no_path = &no_path, .path = {.bandwidth = &wanted, METRICS}},
};
static const struct pcep_entry reports[] = {
    {.lsp = &lsp, .path = {.ero = &sr_route, .lspa = &lspa, .bandwidth = &wanted, METRICS}},
    {.srp = &asked,
     .lsp = &lsp6,
     ASSOCIATIONS,
     VENDORS,
     .path = {.ero = &strict_route,
              .actual_bandwidth = &existing,
              .actual_metrics = metrics,
              .n_actual_metrics = 1,
              .rro = &recorded_route,
              .bandwidth = &wanted,
              METRICS}},
    {.srp = &removal, .lsp = &gone},
    {.lsp = &none, .path.ero = &empty_route},
};
static const struct pcep_entry segment_reports[] = {
    {.lsp = &lsp, .path = {.ero = &link_local_route}},
    {.lsp = &lsp, .path = {.ero = &label_route}},
};
static const struct pcep_entry signalled_reports[] = {
    {.lsp = &signalled, .path = {.ero = &empty_route}},
};
static const struct pcep_entry srv6_reports[] = {
    {.srp = &asked6, .lsp = &lsp, .path = {.ero = &srv6_route}},
};
static const struct pcep_entry updates[] = {
    {.srp = &asked, .lsp = &lsp, .path = {.ero = &sr_route, METRICS, .bandwidth = &wanted}},
    {.srp = &asked, .lsp = &lsp, .path = {.ero = &empty_route}},
};
static const struct pcep_entry initiations[] = {
    {.srp = &asked,
     .lsp = &fresh,
     .endpoints = &ends4,
     ASSOCIATIONS,
     VENDORS,
     .path = {.ero = &sr_route, METRICS}},
    {.srp = &removal, .lsp = &gone},
};

static const struct pcep_notification notifications[] = {
    {.type = 2, .value = 1, TLVS(overload_tlvs)},
};
static const struct pcep_notification cancelled[] = {{.type = 1, .value = 1}};
static const struct pcep_notice notices[] = {
    {.request_ids = synchronised,
     .n_request_ids = 2,
     .notifications = cancelled,
     .n_notifications = 1},
};
static const struct pcep_notice congested[] = {
    {.notifications = notifications, .n_notifications = 1},
};

static const struct pcep_error_object errors[] = {
    {.error = {19, 3}},
    {.error = {6, 9}},
    {.error = {7, 0}, TLVS(missing_tlvs)},
    {.error = {1, 4}},
};
static const uint32_t srp_ids[] = {9, 11};
static const struct pcep_error_group groups[] = {
    {.srp_ids = srp_ids, .n_srp_ids = 2, .errors = errors, .n_errors = 2},
    {.request_ids = synchronised, .n_request_ids = 1, .errors = &errors[2], .n_errors = 1},
};
static const struct pcep_error_group refusals[] = {{.errors = &errors[3], .n_errors = 1}};
static const struct pcep_open proposal = {.keepalive = 60, .deadtimer = 240};

#define ENTRIES(array) .entries = (array), .n_entries = ARRAY_SIZE(array)

const struct sample samples[] = {
    {"open",
     {.type = PCEP_OPEN, .open = {.keepalive = 30, .deadtimer = 120, .sid = 7, TLVS(open_tlvs)}},
     "pcep.obj.open.keepalive=30;pcep.obj.open.deadtime=120;pcep.obj.open.sid=7;"
     "pcep.stateful-pce-capability.lsp-update=1;pcep.stateful-pce-capability.lsp-instantiation=1;"
     "pcep.sub-tlv.sr-pce-capability.msd=10;pcep.pst_capability.pst=0,1;"
     "pcep.tlv.lsp-state-db-version-number=78187493530;pcep.tlv.speaker-entity-id=pcc-1.example;"
     "pcep.of_code=1,2,3,15"},
    {"open-ranges",
     {.type = PCEP_OPEN, .open = {.keepalive = 30, .deadtimer = 120, TLVS(open_range_tlvs)}},
     "pcep.op_conf_assoc_range.start_assoc=1000,7"},
    {"open-srv6",
     {.type = PCEP_OPEN, .open = {.keepalive = 30, .deadtimer = 120, TLVS(open_srv6_tlvs)}},
     "pcep.pst_capability.pst=0,1,3"},
    {"keepalive", {.type = PCEP_KEEPALIVE}, NULL},
    {"start-tls", {.type = PCEP_START_TLS}, NULL},
    {"close",
     {.type = PCEP_CLOSE, .close.reason = PCEP_CLOSE_UNRECOGNIZED_MESSAGES},
     "pcep.obj.close.reason=5"},
    {"request",
     {.type = PCEP_PCREQ, ENTRIES(requests), .svecs = svecs, .n_svecs = 1},
     "pcep.obj.rp.requested_id_number=41,42;pcep.obj.svec.request_id_number=41,42;"
     "pcep.subobj.srlg.id=4711,4711;pcep.obj.of.code=2,2;"
     "pcep.association.id=1001,1,1002;pcep.bandwidth=125000,125000,62500"},
    {"reply",
     {.type = PCEP_PCREP, ENTRIES(replies)},
     "pcep.obj.rp.requested_id_number=41,42;pcep.subobj.sr.sid.label=16003,16004,24001,24002;"
     "pcep.obj.metric.metric_value=30,4,5000,30,4,5000,30,4,5000;pcep.no_path_tlvs.unk_dest=1"},
    {"report",
     {.type = PCEP_PCRPT, ENTRIES(reports)},
     "pcep.obj.lsp.plsp-id=1,1048575,3,0;pcep.obj.lsp.flags.delegate=1,0,0,0;"
     "pcep.obj.lsp.flags.operational=2,0,0,0;pcep.tlv.symbolic-path-name=circuit-4711,six;"
     "pcep.tlv.ipv4-lsp-id.tunnel-id=7;"
     "pcep.obj.srp.id-number=9,11;pcep.tlv.lsp-error-code=8;"
     "pcep.subobj.sr.nai.ipv4node=10.0.0.4;pcep.subobj.sr.sid=65548288,65552384,98308416,6,"
     "98312192"},
    {"report-segments",
     {.type = PCEP_PCRPT, ENTRIES(segment_reports)},
     "pcep.subobj.sr.nai.localipv6addr=2001:db8::1;pcep.subobj.sr.nai.localinterfaceid=3"},
    {"report-signalled",
     {.type = PCEP_PCRPT, ENTRIES(signalled_reports)},
     "pcep.tlv.ipv6-lsp-id.tunnel-endpoint-addr=2001:db8::9"},
    {"report-srv6", {.type = PCEP_PCRPT, ENTRIES(srv6_reports)}, NULL},
    {"update",
     {.type = PCEP_PCUPD, ENTRIES(updates)},
     "pcep.obj.srp.id-number=9,9;pcep.pst=1,1;pcep.obj.lsp.plsp-id=1,1"},
    {"initiate",
     {.type = PCEP_PCINITIATE, ENTRIES(initiations)},
     "pcep.obj.srp.flags.remove=0,1;pcep.tlv.symbolic-path-name=new-one;"
     "pcep.tlv.extended_association_id.ipv4_endpoint=10.0.0.9"},
    {"notification",
     {.type = PCEP_PCNTF, .notices = notices, .n_notices = 1},
     "pcep.obj.rp.requested_id_number=41,42"},
    {"congestion", {.type = PCEP_PCNTF, .notices = congested, .n_notices = 1}, NULL},
    {"errors",
     {.type = PCEP_PCERR, .groups = groups, .n_groups = 2},
     "pcep.error.type=19,6,7;pcep.error.value=3,9,0;pcep.obj.srp.id-number=9,11"},
    {"refusal",
     {.type = PCEP_PCERR, .groups = refusals, .n_groups = 1, .error_open = &proposal},
     "pcep.error.type=1;pcep.error.value=4;pcep.obj.open.keepalive=60"},
};
const size_t n_samples = ARRAY_SIZE(samples);
