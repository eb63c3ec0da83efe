/* ted_names.c - words for the database's numbers, and records' attributes from what is on the wire.
 */
#include "te/ted.h"

#define NAME_OF(names, i) ((size_t)(i) < sizeof(names) / sizeof *(names) ? (names)[i] : "?")

const char *
ted_kind_name(enum ted_kind kind)
{
    static const char *const names[TED_KINDS] = {
        [TED_KIND_OPERATOR] = "operator", [TED_KIND_MEASURED] = "measured",
        [TED_KIND_OPTICAL] = "optical",   [TED_KIND_OSPF] = "ospf",
        [TED_KIND_ISIS] = "isis",         [TED_KIND_BGP_LS] = "bgp-ls",
        [TED_KIND_IMPORT] = "import"};
    return NAME_OF(names, kind);
}

const char *
ted_attribute_name(enum ted_attribute attribute)
{
    static const char *const names[TED_ATTRIBUTES] = {
        [TED_NAME] = "name",
        [TED_ROUTER_ID] = "router-id",
        [TED_SRGB] = "srgb",
        [TED_SRLB] = "srlb",
        [TED_MSD] = "max-sid-depth",
        [TED_OVERLOAD] = "overload",
        [TED_NODE_SID] = "node-sid",
        [TED_IGP_METRIC] = "igp-metric",
        [TED_TE_METRIC] = "te-metric",
        [TED_DELAY] = "delay",
        [TED_JITTER] = "jitter",
        [TED_LOSS] = "loss",
        [TED_CAPACITY] = "capacity",
        [TED_RESERVABLE] = "reservable",
        [TED_UNRESERVED] = "unreserved",
        [TED_AFFINITY] = "affinity",
        [TED_SRLG] = "srlg",
        [TED_ADJACENCY_SID] = "adjacency-sid",
        [TED_LINK_MSD] = "link-max-sid-depth",
        [TED_REMOTE] = "remote",
        [TED_STATE] = "state",
        [TED_RISK] = "risk",
    };
    return NAME_OF(names, attribute);
}

const char *
ted_delta_kind_name(enum ted_delta_kind kind)
{
    static const char *const names[] = {
        [TED_NODE_ADDED] = "node-added",         [TED_NODE_REMOVED] = "node-removed",
        [TED_NODE_CHANGED] = "node-changed",     [TED_LINK_ADDED] = "link-added",
        [TED_LINK_REMOVED] = "link-removed",     [TED_LINK_CHANGED] = "link-changed",
        [TED_FINDING_RAISED] = "finding-raised", [TED_FINDING_CLEARED] = "finding-cleared",
        [TED_SOURCE_CHANGED] = "source-changed", [TED_DELTAS_LOST] = "deltas-lost",
    };
    return NAME_OF(names, kind);
}

const char *
ted_finding_name(enum ted_finding_code code)
{
    static const char *const names[TED_FINDING_CODES] = {
        [TED_NODE_ID_CONFLICT] = "node-id-conflict",
        [TED_NAMES_DIFFER] = "names-differ",
        [TED_NAME_AMBIGUOUS] = "name-ambiguous",
        [TED_ONE_WAY] = "one-way",
        [TED_CAPACITIES_DIFFER] = "capacities-differ",
        [TED_BANDWIDTH_BAD] = "bandwidth-bad",
        [TED_BANDWIDTH_ABSENT] = "bandwidth-absent",
        [TED_BANDWIDTH_TRUNCATED] = "bandwidth-truncated",
        [TED_UNRESERVED_ABOVE] = "unreserved-above-reservable",
        [TED_DELAY_ABSURD] = "delay-absurd",
        [TED_DELAYS_DIFFER] = "delays-differ",
        [TED_SRLG_ONE_WAY] = "srlg-one-way",
        [TED_TOO_MANY_SRLGS] = "too-many-srlgs",
        [TED_METRIC_BAD] = "metric-bad",
        [TED_LINK_AMBIGUOUS] = "link-ambiguous",
        [TED_LINK_NOT_HEARD] = "link-not-heard",
        [TED_SOURCES_DISAGREE] = "sources-disagree",
        [TED_LINK_AT_RISK] = "link-at-risk",
        [TED_SID_CONFLICT] = "sid-conflict",
        [TED_LAN_TOO_LARGE] = "lan-too-large",
        [TED_SOURCE_STALE] = "source-stale",
        [TED_SOURCE_LIMIT] = "source-limit",
        [TED_SOURCE_SMALL] = "source-small",
        [TED_SOURCE_GARBLED] = "source-garbled",
        [TED_OVERRIDE_IDLE] = "override-idle",
        [TED_ADDRESS_TWICE] = "address-twice",
    };
    return NAME_OF(names, code);
}

void
ted_link_bandwidth(struct ted_link_record *r, enum ted_attribute attribute, unsigned priority,
                   double octets_per_s)
{
    /* Also false for what is no number. */
    bool good = octets_per_s >= 0 && octets_per_s * 8 < 9223372036854775808.0;
    uint64_t bps = good ? (uint64_t)(octets_per_s * 8) : 0;
    r->told |= TED_BIT(attribute);
    if (!good)
        r->bad |= TED_BIT(attribute);
    else if (attribute == TED_CAPACITY)
        r->capacity_bps = bps;
    else if (attribute == TED_RESERVABLE)
        r->reservable_bps = bps;
    else if (priority < TE_PRIORITIES)
        r->unreserved_bps[priority] = bps;
}

void
ted_link_affinity32(struct ted_link_record *r, uint32_t groups)
{
    r->told |= TED_BIT(TED_AFFINITY);
    r->affinity.words[0] = (r->affinity.words[0] & ~UINT64_C(0xffffffff)) | groups;
}
