/* What the TLVs of an OPEN say, as one structure. */
#include "proto/pcep/pcep_wire.h"

static void
read_sub_tlv(const struct pcep_tlv *tlv, struct pcep_capabilities *capabilities)
{
    if (tlv->type == PCEP_TLV_SR_PCE_CAPABILITY && !capabilities->sr) {
        capabilities->sr = true;
        capabilities->sr_flags = (uint8_t)(tlv->number >> 8);
        capabilities->sr_msd = (uint8_t)tlv->number;
    } else if (tlv->type == PCEP_TLV_SRV6_PCE_CAPABILITY && !capabilities->srv6) {
        capabilities->srv6 = true;
        capabilities->srv6_flags = (uint16_t)tlv->number;
    }
}

static void
read_setup(const struct pcep_setup_capability *setup, struct pcep_capabilities *capabilities)
{
    for (uint32_t i = 0; i < setup->types.size; i++) {
        if (setup->types.data[i] < 64)
            capabilities->path_setup_types |= UINT64_C(1) << setup->types.data[i];
    }
    for (uint32_t i = 0; i < setup->n_sub_tlvs; i++)
        read_sub_tlv(&setup->sub_tlvs[i], capabilities);
}

static uint64_t
code_bits(const struct pcep_tlv *tlv)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < tlv->codes.n; i++) {
        if (tlv->codes.list[i] < 64)
            bits |= UINT64_C(1) << tlv->codes.list[i];
    }
    return bits;
}

static void
read_tlv(const struct pcep_tlv *tlv, struct pcep_capabilities *capabilities)
{
    switch (tlv->type) {
    case PCEP_TLV_STATEFUL_PCE_CAPABILITY:
        capabilities->stateful = true;
        capabilities->stateful_flags = tlv->number;
        break;
    case PCEP_TLV_LSP_DB_VERSION:
        capabilities->db_version = tlv->long_number;
        break;
    case PCEP_TLV_SPEAKER_ENTITY_ID:
        capabilities->speaker_entity_id = tlv->octets;
        break;
    case PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY:
        read_setup(tlv->setup, capabilities);
        break;
    case PCEP_TLV_SR_PCE_CAPABILITY: /* on its own, as drafts had it: SR all the same */
        read_sub_tlv(tlv, capabilities);
        break;
    case PCEP_TLV_ASSOC_TYPE_LIST:
        capabilities->association_types = code_bits(tlv);
        break;
    case PCEP_TLV_OF_LIST:
        capabilities->objective_functions = code_bits(tlv);
        break;
    case PCEP_TLV_SRPOLICY_CAPABILITY:
        capabilities->sr_policy = true;
        capabilities->sr_policy_flags = tlv->number;
        break;
    default:
        break;
    }
}

/* The first of each type counts (RFC 8231 section 7.1.1, 8408 section 3, and so on). */
void
pcep_capabilities_read(const struct pcep_open *open, struct pcep_capabilities *capabilities)
{
    bool seen[PCEP_TLV_SRPOLICY_CAPABILITY + 1] = {false};
    *capabilities = (struct pcep_capabilities){0};
    for (uint32_t i = 0; i < open->tlvs.n; i++) {
        const struct pcep_tlv *tlv = &open->tlvs.list[i];
        if (tlv->type < ARRAY_SIZE(seen) && !seen[tlv->type]) {
            seen[tlv->type] = true;
            read_tlv(tlv, capabilities);
        }
    }
    if (seen[PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY])
        return;
    capabilities->path_setup_types = UINT64_C(1) << PCEP_PST_RSVP_TE;
    if (capabilities->sr)
        capabilities->path_setup_types |= UINT64_C(1) << PCEP_PST_SR;
}

/* ---- Writing -------------------------------------------------------------------------------- */

enum { MAX_TLVS = 8, BITS = 64 };

static bool
write_setup(const struct pcep_capabilities *capabilities, struct arena *arena, struct pcep_tlv *tlv)
{
    struct pcep_setup_capability *setup = arena_calloc(arena, 1, sizeof *setup);
    struct pcep_tlv *subs = arena_calloc(arena, 2, sizeof *subs);
    uint8_t *types = arena_alloc(arena, BITS);
    if (!setup || !subs || !types)
        return false;
    for (unsigned i = 0; i < BITS; i++) {
        if (capabilities->path_setup_types >> i & 1)
            types[setup->types.size++] = (uint8_t)i;
    }
    setup->types.data = types;
    setup->sub_tlvs = subs;
    if (capabilities->sr)
        subs[setup->n_sub_tlvs++] = (struct pcep_tlv){
            .type = PCEP_TLV_SR_PCE_CAPABILITY,
            .number = (uint32_t)capabilities->sr_flags << 8 | capabilities->sr_msd};
    if (capabilities->srv6)
        subs[setup->n_sub_tlvs++] = (struct pcep_tlv){.type = PCEP_TLV_SRV6_PCE_CAPABILITY,
                                                      .number = capabilities->srv6_flags};
    *tlv = (struct pcep_tlv){.type = PCEP_TLV_PATH_SETUP_TYPE_CAPABILITY, .setup = setup};
    return true;
}

static bool
write_codes(unsigned type, uint64_t bits, struct arena *arena, struct pcep_tlv *tlv)
{
    uint16_t *list = arena_calloc(arena, BITS, sizeof *list);
    if (!list)
        return false;
    *tlv = (struct pcep_tlv){.type = (uint16_t)type, .codes.list = list};
    for (unsigned i = 0; i < BITS; i++) {
        if (bits >> i & 1)
            list[tlv->codes.n++] = (uint16_t)i;
    }
    return true;
}

enum err
pcep_capabilities_write(const struct pcep_capabilities *c, struct arena *arena,
                        struct pcep_tlvs *tlvs)
{
    struct pcep_tlv *list = arena_calloc(arena, MAX_TLVS, sizeof *list);
    uint32_t n = 0;
    bool fits = list != NULL;
    if (fits && c->stateful)
        list[n++] = (struct pcep_tlv){.type = PCEP_TLV_STATEFUL_PCE_CAPABILITY,
                                      .number = c->stateful_flags};
    if (fits && c->db_version)
        list[n++] = (struct pcep_tlv){.type = PCEP_TLV_LSP_DB_VERSION,
                                      .long_number = c->db_version};
    if (fits && c->speaker_entity_id.size)
        list[n++] = (struct pcep_tlv){.type = PCEP_TLV_SPEAKER_ENTITY_ID,
                                      .octets = c->speaker_entity_id};
    /* RSVP-TE alone goes without saying. */
    if (fits && c->path_setup_types & ~(UINT64_C(1) << PCEP_PST_RSVP_TE))
        fits = write_setup(c, arena, &list[n++]);
    if (fits && c->association_types)
        fits = write_codes(PCEP_TLV_ASSOC_TYPE_LIST, c->association_types, arena, &list[n++]);
    if (fits && c->objective_functions)
        fits = write_codes(PCEP_TLV_OF_LIST, c->objective_functions, arena, &list[n++]);
    if (fits && c->sr_policy)
        list[n++] = (struct pcep_tlv){.type = PCEP_TLV_SRPOLICY_CAPABILITY,
                                      .number = c->sr_policy_flags};
    if (!fits)
        return ERR_LIMIT;
    *tlvs = (struct pcep_tlvs){list, n};
    return ERR_OK;
}
