#include "proto/pcep/pcep_error.h"

#include "base/attr.h"

#include <stddef.h>

static const char *const type_names[] = {
    [1] = "PCEP session establishment failure",
    [2] = "Capability not supported",
    [3] = "Unknown object",
    [4] = "Not supported object",
    [5] = "Policy violation",
    [6] = "Mandatory object missing",
    [7] = "Synchronized path computation request missing",
    [8] = "Unknown request reference",
    [9] = "Attempt to establish a second PCEP session",
    [10] = "Reception of an invalid object",
    [11] = "Unrecognized EXRS subobject",
    [12] = "Diffserv-aware TE error",
    [13] = "BRPC procedure completion failure",
    [15] = "Global Concurrent Optimization error",
    [16] = "P2MP capability error",
    [17] = "P2MP END-POINTS error",
    [18] = "P2MP fragmentation error",
    [19] = "Invalid operation",
    [20] = "LSP State Synchronization error",
    [21] = "Invalid traffic engineering path setup type",
    [23] = "Bad parameter value",
    [24] = "LSP instantiation error",
    [25] = "PCEP StartTLS failure",
    [26] = "Association error",
    [27] = "WSON RWA error",
    [28] = "H-PCE error",
    [29] = "Path computation failure",
};

static const struct {
    struct pcep_error error;
    const char *name;
} values[] = {
    {{1, 1}, "Reception of an invalid Open message or a non Open message"},
    {{1, 2}, "No Open message received before the expiration of the OpenWait timer"},
    {{1, 3}, "Unacceptable and non-negotiable session characteristics"},
    {{1, 4}, "Unacceptable but negotiable session characteristics"},
    {{1, 5}, "Second Open message with still unacceptable session characteristics"},
    {{1, 6}, "PCErr message proposing unacceptable session characteristics"},
    {{1, 7}, "No Keepalive or PCErr message before the expiration of the KeepWait timer"},
    {{1, 8}, "PCEP version not supported"},
    {{3, 1}, "Unrecognized object class"},
    {{3, 2}, "Unrecognized object type"},
    {{4, 1}, "Not supported object class"},
    {{4, 2}, "Not supported object type"},
    {{4, 4}, "Unsupported parameter"},
    {{4, 5}, "Unsupported network performance constraint"},
    {{5, 1}, "C bit of the METRIC object set"},
    {{5, 2}, "O bit of the RP object cleared"},
    {{5, 3}, "Objective function not allowed"},
    {{5, 4}, "OF bit of the RP object set"},
    {{5, 8}, "Not allowed network performance constraint"},
    {{6, 1}, "RP object missing"},
    {{6, 2}, "RRO missing for a reoptimization request"},
    {{6, 3}, "END-POINTS object missing"},
    {{6, 8}, "LSP object missing"},
    {{6, 9}, "ERO object missing"},
    {{6, 10}, "SRP object missing"},
    {{6, 11}, "LSP-IDENTIFIERS TLV missing"},
    {{6, 12}, "LSP-DB-VERSION TLV missing"},
    {{6, 15}, "DISJOINTNESS-CONFIGURATION TLV missing"},
    {{6, 21}, "Missing SR Policy mandatory TLV"},
    {{6, 22}, "Missing SR Policy association"},
    {{10, 1}, "P flag not set although it must be set"},
    {{10, 2}, "Bad label value"},
    {{10, 3}, "Unsupported number of SR-ERO subobjects"},
    {{10, 4}, "Bad label format"},
    {{10, 5}, "ERO mixes SR-ERO subobjects with other subobject types"},
    {{10, 6}, "Both SID and NAI are absent in the SR-ERO subobject"},
    {{10, 7}, "Both SID and NAI are absent in the SR-RRO subobject"},
    {{10, 8}, "SYMBOLIC-PATH-NAME TLV missing"},
    {{10, 9}, "MSD exceeds the default for the PCEP session"},
    {{10, 10}, "RRO mixes SR-RRO subobjects with other subobject types"},
    {{10, 11}, "Malformed object"},
    {{10, 12}, "Missing PCE-SR-CAPABILITY sub-TLV"},
    {{10, 13}, "Unsupported NAI Type in the SR-ERO/SR-RRO subobject"},
    {{10, 14}, "Unknown SID"},
    {{10, 15}, "NAI cannot be resolved to a SID"},
    {{10, 16}, "Could not find SRGB"},
    {{10, 17}, "SID index exceeds SRGB size"},
    {{10, 18}, "Could not find SRLB"},
    {{10, 19}, "SID index exceeds SRLB size"},
    {{10, 20}, "Inconsistent SIDs in SR-ERO/SR-RRO subobjects"},
    {{10, 21}, "MSD must be nonzero"},
    {{10, 34}, "Missing PCE-SRv6-CAPABILITY sub-TLV"},
    {{10, 35}, "Both SID and NAI are absent in the SRv6-RRO subobject"},
    {{10, 36}, "RRO mixes SRv6-RRO subobjects with other subobject types"},
    {{10, 37}, "Invalid SRv6 SID Structure"},
    {{10, 40}, "Unsupported NAI Type in the SRv6-ERO/SRv6-RRO subobject"},
    {{10, 41}, "Both SID and NAI are absent in the SRv6-ERO subobject"},
    {{10, 42}, "ERO mixes SRv6-ERO subobjects with other subobject types"},
    {{10, 43}, "Unsupported number of SRv6-ERO subobjects"},
    {{10, 44}, "Missing SRPOLICY-CAPABILITY"},
    {{19, 1}, "Attempted LSP Update Request for a non-delegated LSP"},
    {{19, 2}, "Attempted LSP Update Request, capability not advertised"},
    {{19, 3}, "Attempted LSP Update Request for an unknown PLSP-ID"},
    {{19, 4}, "Resource limit for LSP state exceeded"},
    {{19, 5}, "Attempted LSP State Report, capability not advertised"},
    {{19, 6}, "PCE-initiated LSP limit reached"},
    {{19, 7}, "Delegation for PCE-initiated LSP cannot be revoked"},
    {{19, 8}, "Non-zero PLSP-ID in LSP Initiate Request"},
    {{19, 9}, "LSP is not PCE initiated"},
    {{19, 19}, "Attempted SRv6, capability not advertised"},
    {{20, 1}, "A PCE cannot process an LSP State Report"},
    {{20, 2}, "LSP-DB version mismatch"},
    {{20, 3}, "LSP-DB-VERSION TLV missing when synchronization avoidance is enabled"},
    {{20, 4}, "Attempt to trigger a synchronization, capability not advertised"},
    {{20, 5}, "A PCC cannot complete the state synchronization"},
    {{20, 6}, "No sufficient LSP change information for incremental synchronization"},
    {{20, 7}, "Received an invalid LSP-DB version number"},
    {{21, 1}, "Unsupported path setup type"},
    {{21, 2}, "Mismatched path setup type"},
    {{23, 1}, "SYMBOLIC-PATH-NAME in use"},
    {{23, 2}, "Speaker identity included for an LSP that is not PCE initiated"},
    {{24, 1}, "Unacceptable instantiation parameters"},
    {{24, 2}, "Internal error"},
    {{24, 3}, "Signaling error"},
    {{25, 1}, "Reception of StartTLS after any PCEP exchange"},
    {{25, 2}, "Reception of any other message apart from StartTLS, Open, or PCErr"},
    {{25, 3}, "Failure, connection without TLS is not possible"},
    {{25, 4}, "Failure, connection without TLS is possible"},
    {{25, 5}, "No StartTLS message before StartTLSWait timer expiry"},
    {{26, 1}, "Association type is not supported"},
    {{26, 2}, "Too many LSPs in the association group"},
    {{26, 3}, "Too many association groups"},
    {{26, 4}, "Association unknown"},
    {{26, 5}, "Operator-configured association information mismatch"},
    {{26, 6}, "Association information mismatch"},
    {{26, 7}, "Cannot join the association group"},
    {{26, 8}, "Association ID not in range"},
    {{26, 14}, "Association group mismatch"},
    {{26, 15}, "Tunnel mismatch in the association group"},
    {{26, 16}, "Path setup type not supported"},
    {{26, 19}, "Endpoint mismatch in the association group"},
    {{26, 20}, "SR Policy identifiers mismatch"},
    {{26, 21}, "SR Policy candidate path identifiers mismatch"},
};

const char *
pcep_error_type_name(unsigned type)
{
    return type < ARRAY_SIZE(type_names) && type_names[type] ? type_names[type] : "Unknown error";
}

const char *
pcep_error_value_name(const struct pcep_error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        if (values[i].error.type == error->type && values[i].error.value == error->value)
            return values[i].name;
    }
    return NULL;
}

const char *
pcep_close_reason_name(unsigned reason)
{
    static const char *const names[] = {"no reason",
                                        "no explanation provided",
                                        "DeadTimer expired",
                                        "reception of a malformed PCEP message",
                                        "unacceptable number of unknown requests or replies",
                                        "unacceptable number of unrecognized PCEP messages"};
    return reason < ARRAY_SIZE(names) ? names[reason] : "unknown reason";
}
