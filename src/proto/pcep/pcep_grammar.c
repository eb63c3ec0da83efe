#include "proto/pcep/pcep_grammar.h"

#define ONE(class, type, structure, member)                                                        \
    {                                                                                              \
        class, type, 0, offsetof(struct structure, member), 0                                      \
    }
#define LIST(class, structure, member)                                                             \
    {                                                                                              \
        class, 0, sizeof(*((struct structure *)0)->member), offsetof(struct structure, member),    \
            offsetof(struct structure, n_##member)                                                 \
    }

const struct pcep_slot_row pcep_slot_rows[PCEP_SLOT_MAX] = {
    [PCEP_SLOT_RP] = ONE(PCEP_CLASS_RP, 0, pcep_entry, rp),
    [PCEP_SLOT_SRP] = ONE(PCEP_CLASS_SRP, 0, pcep_entry, srp),
    [PCEP_SLOT_LSP] = ONE(PCEP_CLASS_LSP, 0, pcep_entry, lsp),
    [PCEP_SLOT_ENDPOINTS] = ONE(PCEP_CLASS_ENDPOINTS, 0, pcep_entry, endpoints),
    [PCEP_SLOT_NO_PATH] = ONE(PCEP_CLASS_NO_PATH, 0, pcep_entry, no_path),
    [PCEP_SLOT_ASSOCIATIONS] = LIST(PCEP_CLASS_ASSOCIATION, pcep_entry, associations),
    [PCEP_SLOT_VENDORS] = LIST(PCEP_CLASS_VENDOR_INFORMATION, pcep_entry, vendors),
    [PCEP_SLOT_ERO] = ONE(PCEP_CLASS_ERO, 0, pcep_path, ero),
    [PCEP_SLOT_RRO] = ONE(PCEP_CLASS_RRO, 0, pcep_path, rro),
    [PCEP_SLOT_ACTUAL_BANDWIDTH] = ONE(PCEP_CLASS_BANDWIDTH, 1, pcep_path, actual_bandwidth),
    [PCEP_SLOT_ACTUAL_METRICS] = LIST(PCEP_CLASS_METRIC, pcep_path, actual_metrics),
    [PCEP_SLOT_OF] = ONE(PCEP_CLASS_OF, 0, pcep_path, of),
    [PCEP_SLOT_LSPA] = ONE(PCEP_CLASS_LSPA, 0, pcep_path, lspa),
    [PCEP_SLOT_BANDWIDTH] = ONE(PCEP_CLASS_BANDWIDTH, 1, pcep_path, bandwidth),
    [PCEP_SLOT_EXISTING_BANDWIDTH] = ONE(PCEP_CLASS_BANDWIDTH, 2, pcep_path, existing_bandwidth),
    [PCEP_SLOT_BUS] = LIST(PCEP_CLASS_BU, pcep_path, bus),
    [PCEP_SLOT_METRICS] = LIST(PCEP_CLASS_METRIC, pcep_path, metrics),
    [PCEP_SLOT_IRO] = ONE(PCEP_CLASS_IRO, 0, pcep_path, iro),
    [PCEP_SLOT_XRO] = ONE(PCEP_CLASS_XRO, 0, pcep_path, xro),
    [PCEP_SLOT_LOAD_BALANCING] = ONE(PCEP_CLASS_LOAD_BALANCING, 0, pcep_path, load_balancing),
};

#define BIT(slot) (UINT32_C(1) << PCEP_SLOT_##slot)
#define ATTRIBUTES                                                                                 \
    (BIT(OF) | BIT(LSPA) | BIT(BANDWIDTH) | BIT(EXISTING_BANDWIDTH) | BIT(BUS) | BIT(METRICS) |    \
     BIT(IRO) | BIT(XRO) | BIT(VENDORS) | BIT(ASSOCIATIONS))
/* RFC 5440 section 6.5, with what has come to it: 5541 section 3.2, 8233 section 4.2. */
#define ATTRIBUTE_LIST                                                                             \
    PCEP_SLOT_OF, PCEP_SLOT_LSPA, PCEP_SLOT_BANDWIDTH, PCEP_SLOT_EXISTING_BANDWIDTH,               \
        PCEP_SLOT_BUS, PCEP_SLOT_METRICS, PCEP_SLOT_IRO, PCEP_SLOT_XRO, PCEP_SLOT_VENDORS

static const struct pcep_grammar grammars[] = {
    /* RFC 5440 section 6.4, 8231 section 6.4, 8697 section 6.3.3. */
    {PCEP_PCREQ,
     BIT(RP) | BIT(ENDPOINTS) | BIT(LSP) | BIT(RRO) | BIT(LOAD_BALANCING) | ATTRIBUTES,
     {PCEP_SLOT_RP, PCEP_SLOT_ENDPOINTS, PCEP_SLOT_LSP, PCEP_SLOT_LSPA, PCEP_SLOT_BANDWIDTH,
      PCEP_SLOT_BUS, PCEP_SLOT_METRICS, PCEP_SLOT_OF, PCEP_SLOT_ASSOCIATIONS, PCEP_SLOT_RRO,
      PCEP_SLOT_EXISTING_BANDWIDTH, PCEP_SLOT_IRO, PCEP_SLOT_XRO, PCEP_SLOT_LOAD_BALANCING,
      PCEP_SLOT_VENDORS}},
    /* RFC 5440 section 6.5, 8231 section 6.5. */
    {PCEP_PCREP,
     BIT(RP) | BIT(LSP) | BIT(NO_PATH) | BIT(ERO) | BIT(LOAD_BALANCING) | ATTRIBUTES,
     {PCEP_SLOT_RP, PCEP_SLOT_LSP, PCEP_SLOT_NO_PATH, PCEP_SLOT_ASSOCIATIONS, PCEP_SLOT_ERO,
      ATTRIBUTE_LIST, PCEP_SLOT_LOAD_BALANCING}},
    /* RFC 8231 section 6.1, 8697 section 6.3.1. */
    {PCEP_PCRPT,
     BIT(SRP) | BIT(LSP) | BIT(ERO) | BIT(RRO) | ATTRIBUTES,
     {PCEP_SLOT_SRP, PCEP_SLOT_LSP, PCEP_SLOT_ASSOCIATIONS, PCEP_SLOT_ERO,
      PCEP_SLOT_ACTUAL_BANDWIDTH, PCEP_SLOT_ACTUAL_METRICS, PCEP_SLOT_RRO, ATTRIBUTE_LIST}},
    /* RFC 8231 section 6.2, 8697 section 6.3.2. */
    {PCEP_PCUPD,
     BIT(SRP) | BIT(LSP) | BIT(ERO) | ATTRIBUTES,
     {PCEP_SLOT_SRP, PCEP_SLOT_LSP, PCEP_SLOT_ASSOCIATIONS, PCEP_SLOT_ERO, ATTRIBUTE_LIST}},
    /* RFC 8281 section 5.1, 8697 section 6.3.5. */
    {PCEP_PCINITIATE,
     BIT(SRP) | BIT(LSP) | BIT(ENDPOINTS) | BIT(ERO) | ATTRIBUTES,
     {PCEP_SLOT_SRP, PCEP_SLOT_LSP, PCEP_SLOT_ENDPOINTS, PCEP_SLOT_ERO, PCEP_SLOT_ASSOCIATIONS,
      ATTRIBUTE_LIST}},
};

const struct pcep_grammar *
pcep_grammar(unsigned message)
{
    for (size_t i = 0; i < ARRAY_SIZE(grammars); i++) {
        if (grammars[i].message == message)
            return &grammars[i];
    }
    return NULL;
}

static const uint8_t class_slots[PCEP_CLASS_MAX] = {
    [PCEP_CLASS_RP] = PCEP_SLOT_RP,
    [PCEP_CLASS_NO_PATH] = PCEP_SLOT_NO_PATH,
    [PCEP_CLASS_ENDPOINTS] = PCEP_SLOT_ENDPOINTS,
    [PCEP_CLASS_BANDWIDTH] = PCEP_SLOT_BANDWIDTH,
    [PCEP_CLASS_METRIC] = PCEP_SLOT_METRICS,
    [PCEP_CLASS_ERO] = PCEP_SLOT_ERO,
    [PCEP_CLASS_RRO] = PCEP_SLOT_RRO,
    [PCEP_CLASS_LSPA] = PCEP_SLOT_LSPA,
    [PCEP_CLASS_IRO] = PCEP_SLOT_IRO,
    [PCEP_CLASS_LOAD_BALANCING] = PCEP_SLOT_LOAD_BALANCING,
    [PCEP_CLASS_XRO] = PCEP_SLOT_XRO,
    [PCEP_CLASS_OF] = PCEP_SLOT_OF,
    [PCEP_CLASS_LSP] = PCEP_SLOT_LSP,
    [PCEP_CLASS_SRP] = PCEP_SLOT_SRP,
    [PCEP_CLASS_VENDOR_INFORMATION] = PCEP_SLOT_VENDORS,
    [PCEP_CLASS_BU] = PCEP_SLOT_BUS,
    [PCEP_CLASS_ASSOCIATION] = PCEP_SLOT_ASSOCIATIONS,
};

enum pcep_slot
pcep_slot_of(const struct pcep_grammar *grammar, unsigned class, unsigned type)
{
    enum pcep_slot slot = class < PCEP_CLASS_MAX ? class_slots[class] : PCEP_SLOT_NONE;
    if (slot == PCEP_SLOT_BANDWIDTH && type == 2)
        slot = PCEP_SLOT_EXISTING_BANDWIDTH;
    return grammar->slots >> slot & 1 ? slot : PCEP_SLOT_NONE;
}

/* ---- What must be there --------------------------------------------------------------------- */

static bool
lacks(struct pcep_error value, const char *name, struct pcep_error *error, const char **object)
{
    *error = value;
    *object = name;
    return false;
}

#define LACKS(value, name) lacks(value, name, error, object)

/* RFC 5440 section 7.4.1: a request to reoptimise shows the LSP's path, unless it has no bandwidth.
 */
static bool
needs_rro(const struct pcep_entry *entry)
{
    const struct pcep_path *path = &entry->path;
    if (!(entry->rp->flags & PCEP_RP_REOPTIMIZATION) || entry->lsp)
        return false;
    return (path->bandwidth && path->bandwidth->octets_per_s > 0) ||
           (path->existing_bandwidth && path->existing_bandwidth->octets_per_s > 0);
}

static bool
check_request(unsigned message, const struct pcep_entry *entry, struct pcep_error *error,
              const char **object)
{
    if (!entry->rp)
        return LACKS(PCEP_ERROR_NO_RP, "RP");
    if (message == PCEP_PCREP)
        return true;
    if (entry->rp->head.optional) /* section 7.4 */
        return LACKS(PCEP_ERROR_P_FLAG, "RP");
    if (!entry->endpoints)
        return LACKS(PCEP_ERROR_NO_ENDPOINTS, "END-POINTS");
    if (needs_rro(entry) && !entry->path.rro)
        return LACKS(PCEP_ERROR_NO_RRO, "RRO");
    return true;
}

/* RFC 8281 section 5.3. Without R and path, a PLSP-ID asks for the delegation of an LSP that lost
 * its PCE (section 6, erratum 6301). */
static bool
check_initiate(const struct pcep_entry *entry, struct pcep_error *error, const char **object)
{
    bool reclaims = entry->lsp->plsp_id && !entry->path.ero && !entry->endpoints;
    if (entry->srp->flags & PCEP_SRP_REMOVE || reclaims)
        return true;
    if (entry->lsp->plsp_id)
        return LACKS(PCEP_ERROR_NON_ZERO_PLSP_ID, "LSP");
    if (!pcep_lsp_name(entry->lsp).size)
        return LACKS(PCEP_ERROR_NO_NAME, "SYMBOLIC-PATH-NAME");
    bool rsvp = pcep_tlv_number(&entry->srp->tlvs, PCEP_TLV_PATH_SETUP_TYPE, PCEP_PST_RSVP_TE) ==
                PCEP_PST_RSVP_TE;
    if (rsvp && !entry->endpoints)
        return LACKS(PCEP_ERROR_NO_ENDPOINTS, "END-POINTS");
    if (!entry->path.ero)
        return LACKS(PCEP_ERROR_NO_ERO, "ERO");
    return true;
}

/* RFC 8231 section 7.3.1: an LSP that is signalled by RSVP has identifiers. Where the path's own
 * form does not show that it is one, none are asked for: many an SR report says nothing of its
 * setup. */
static bool
needs_identifiers(const struct pcep_entry *entry)
{
    const struct pcep_route *ero = entry->path.ero;
    if (entry->srp && pcep_tlv_number(&entry->srp->tlvs, PCEP_TLV_PATH_SETUP_TYPE, 0))
        return false;
    return ero && ero->n && ero->hops[0].type <= PCEP_HOP_UNNUMBERED;
}

/* RFC 8231 section 6.1, 6.2. An LSP that is removed, the end of synchronisation, and the request
 * for it (RFC 8232 section 6.2) have no path to tell. */
static bool
check_state(unsigned message, const struct pcep_entry *entry, struct pcep_error *error,
            const char **object)
{
    if (message != PCEP_PCRPT && !entry->srp)
        return LACKS(PCEP_ERROR_NO_SRP, "SRP");
    if (!entry->lsp)
        return LACKS(PCEP_ERROR_NO_LSP, "LSP");
    if (message == PCEP_PCINITIATE)
        return check_initiate(entry, error, object);
    bool pathless = message == PCEP_PCRPT
                        ? entry->lsp->flags & PCEP_LSP_REMOVE || !entry->lsp->plsp_id
                        : entry->lsp->flags & PCEP_LSP_SYNC;
    if (!entry->path.ero && !pathless)
        return LACKS(PCEP_ERROR_NO_ERO, "ERO");
    if (message == PCEP_PCRPT && !pathless && needs_identifiers(entry) && !pcep_lsp_ids(entry->lsp))
        return LACKS(PCEP_ERROR_NO_LSP_IDENTIFIERS, "LSP");
    return true;
}

/* RFC 8800 section 4.2: who is to be disjoint says how. */
static bool
check_associations(const struct pcep_entry *entry, struct pcep_error *error, const char **object)
{
    for (uint32_t i = 0; i < entry->n_associations; i++) {
        const struct pcep_association *association = &entry->associations[i];
        if (association->flags & PCEP_ASSOCIATION_REMOVE)
            continue;
        if (association->type == PCEP_ASSOC_DISJOINT &&
            !pcep_tlv_find(&association->tlvs, PCEP_TLV_DISJOINTNESS_CONFIGURATION) &&
            !pcep_tlv_find(&association->tlvs, PCEP_TLV_DISJOINTNESS_STATUS))
            return LACKS(PCEP_ERROR_NO_DISJOINTNESS_CONFIGURATION, "DISJOINTNESS-CONFIGURATION");
    }
    return true;
}

bool
pcep_entry_check(unsigned message, const struct pcep_entry *entry, struct pcep_error *error,
                 const char **object)
{
    bool request = message == PCEP_PCREQ || message == PCEP_PCREP;
    return (request ? check_request(message, entry, error, object)
                    : check_state(message, entry, error, object)) &&
           check_associations(entry, error, object);
}
