#include "proto/ot/sv/sv.h"

/* IEC 61850-9-2 clause 8.5.2; gmIdentity: IEC 61869-9. */
enum {
    TAG_SAV_PDU = BER_APPLICATION(0),
    TAG_NO_ASDU = BER_CONTEXT(0),
    TAG_SECURITY = BER_CONTEXT(1),
    TAG_SEQ_ASDU = BER_CONSTRUCTED(2),
    TAG_SV_ID = BER_CONTEXT(0),
    TAG_DAT_SET = BER_CONTEXT(1),
    TAG_SMP_CNT = BER_CONTEXT(2),
    TAG_CONF_REV = BER_CONTEXT(3),
    TAG_REFR_TM = BER_CONTEXT(4),
    TAG_SMP_SYNCH = BER_CONTEXT(5),
    TAG_SMP_RATE = BER_CONTEXT(6),
    TAG_SAMPLE = BER_CONTEXT(7),
    TAG_SMP_MOD = BER_CONTEXT(8),
    TAG_GM_IDENTITY = BER_CONTEXT(9),
};

/* Most integers of an ASDU are OCTET STRINGs of a fixed size. */
static uint32_t
get_fixed(struct cursor *c, uint32_t tag, size_t size, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    if (!value.err && cursor_left(&value) != size)
        cursor_fail(&value, ERR_MALFORMED, what);
    uint32_t result = 0;
    while (cursor_left(&value))
        result = result << 8 | cursor_u8(&value, what);
    cursor_join(c, &value);
    return c->err ? 0 : result;
}

static bool
get_optional16(struct cursor *c, uint32_t tag, const char *what, uint16_t *number)
{
    if (ber_peek(c) != tag)
        return false;
    *number = (uint16_t)get_fixed(c, tag, 2, what);
    return true;
}

static bool
get_refr_tm(struct cursor *c, struct iec61850_time *t)
{
    if (ber_peek(c) != TAG_REFR_TM)
        return false;
    struct cursor value = ber_expect(c, TAG_REFR_TM, "refrTm");
    *t = iec61850_time_decode(&value, "refrTm");
    cursor_join(c, &value);
    return true;
}

static void
get_gm_identity(struct cursor *c, struct sv_asdu *asdu)
{
    if (ber_peek(c) != TAG_GM_IDENTITY)
        return;
    struct cursor value = ber_expect(c, TAG_GM_IDENTITY, "gmIdentity");
    asdu->gm_identity = cursor_bytes(&value, SV_GM_IDENTITY_SIZE, "gmIdentity");
    cursor_join(c, &value);
}

static void
decode_asdu(struct cursor *c, struct sv_asdu *asdu)
{
    struct cursor fields = ber_expect(c, BER_SEQUENCE, "ASDU");
    asdu->sv_id = ber_get_text(&fields, TAG_SV_ID, "svID");
    if (ber_peek(&fields) == TAG_DAT_SET)
        asdu->dat_set = ber_get_text(&fields, TAG_DAT_SET, "datSet");
    asdu->smp_cnt = (uint16_t)get_fixed(&fields, TAG_SMP_CNT, 2, "smpCnt");
    asdu->conf_rev = get_fixed(&fields, TAG_CONF_REV, 4, "confRev");
    asdu->has_refr_tm = get_refr_tm(&fields, &asdu->refr_tm);
    asdu->smp_synch = (uint8_t)get_fixed(&fields, TAG_SMP_SYNCH, 1, "smpSynch");
    asdu->has_smp_rate = get_optional16(&fields, TAG_SMP_RATE, "smpRate", &asdu->smp_rate);
    struct ber_text sample = ber_get_text(&fields, TAG_SAMPLE, "sample");
    asdu->sample = (const uint8_t *)sample.data;
    asdu->sample_size = sample.size;
    asdu->has_smp_mod = get_optional16(&fields, TAG_SMP_MOD, "smpMod", &asdu->smp_mod);
    get_gm_identity(&fields, asdu);
    cursor_join(c, &fields);
}

static void
decode_asdus(struct cursor *c, struct sv_pdu *pdu)
{
    struct cursor asdus = ber_expect(c, TAG_SEQ_ASDU, "seqASDU");
    while (cursor_left(&asdus)) {
        if (pdu->n_asdus == SV_MAX_ASDUS) {
            cursor_fail(&asdus, ERR_LIMIT, "ASDU");
            break;
        }
        decode_asdu(&asdus, &pdu->asdus[pdu->n_asdus++]);
    }
    cursor_join(c, &asdus);
}

static void
decode_fields(struct cursor *c, struct sv_pdu *pdu)
{
    struct cursor at_number = *c;
    uint32_t n_asdus = ber_get_uint32(c, TAG_NO_ASDU, "noASDU");
    uint32_t tag = ber_peek(c);
    if (tag == TAG_SECURITY || tag == BER_CONSTRUCTED(1)) {
        ber_read(c, NULL, "security");
        pdu->has_security = true;
    }
    decode_asdus(c, pdu);
    if (!c->err && (n_asdus == 0 || pdu->n_asdus != n_asdus)) {
        cursor_fail(&at_number, ERR_INVALID, "noASDU");
        *c = at_number;
    }
}

enum err
sv_decode(struct cursor *frame, struct sv_pdu *pdu)
{
    struct sv_pdu result = {.n_asdus = 0};
    struct cursor apdu = iec61850_header_decode(frame, &result.header);
    struct cursor fields = ber_expect(&apdu, TAG_SAV_PDU, "savPdu");
    decode_fields(&fields, &result);
    cursor_join(&apdu, &fields);
    cursor_join(frame, &apdu);
    if (!frame->err)
        *pdu = result;
    return frame->err;
}

static void
put16(struct buf *b, uint32_t tag, uint16_t value)
{
    uint8_t octets[2];
    put_be16(octets, value);
    ber_put(b, tag, octets, sizeof octets);
}

static void
encode_asdu(struct buf *b, const struct sv_asdu *asdu)
{
    size_t begin = ber_begin(b, BER_SEQUENCE);
    ber_put(b, TAG_SV_ID, asdu->sv_id.data, asdu->sv_id.size);
    if (asdu->dat_set.data)
        ber_put(b, TAG_DAT_SET, asdu->dat_set.data, asdu->dat_set.size);
    put16(b, TAG_SMP_CNT, asdu->smp_cnt);
    uint8_t conf_rev[4];
    put_be32(conf_rev, asdu->conf_rev);
    ber_put(b, TAG_CONF_REV, conf_rev, sizeof conf_rev);
    if (asdu->has_refr_tm) {
        size_t time = ber_begin(b, TAG_REFR_TM);
        iec61850_time_encode(b, asdu->refr_tm);
        ber_end(b, time);
    }
    ber_put(b, TAG_SMP_SYNCH, &asdu->smp_synch, 1);
    if (asdu->has_smp_rate)
        put16(b, TAG_SMP_RATE, asdu->smp_rate);
    ber_put(b, TAG_SAMPLE, asdu->sample, asdu->sample_size);
    if (asdu->has_smp_mod)
        put16(b, TAG_SMP_MOD, asdu->smp_mod);
    if (asdu->gm_identity)
        ber_put(b, TAG_GM_IDENTITY, asdu->gm_identity, SV_GM_IDENTITY_SIZE);
    ber_end(b, begin);
}

enum err
sv_encode(struct buf *b, const struct sv_pdu *pdu)
{
    size_t begin = iec61850_header_begin(b, &pdu->header);
    size_t fields = ber_begin(b, TAG_SAV_PDU);
    ber_put_uint(b, TAG_NO_ASDU, pdu->n_asdus);
    size_t asdus = ber_begin(b, TAG_SEQ_ASDU);
    for (unsigned i = 0; i < pdu->n_asdus; i++)
        encode_asdu(b, &pdu->asdus[i]);
    ber_end(b, asdus);
    ber_end(b, fields);
    iec61850_header_end(b, begin);
    return buf_err(b);
}

enum err
sv_le_decode(const struct sv_asdu *asdu, struct sv_le_sample *sample)
{
    if (asdu->sample_size != SV_LE_SAMPLE_SIZE)
        return ERR_MALFORMED;
    const uint8_t *octets = asdu->sample;
    for (int i = 0; i < SV_LE_CHANNELS; i++, octets += 8) {
        sample->value[i] = (int32_t)get_be32(octets);
        sample->quality[i] = get_be32(octets + 4);
    }
    return ERR_OK;
}

void
sv_le_encode(uint8_t *octets, const struct sv_le_sample *sample)
{
    for (int i = 0; i < SV_LE_CHANNELS; i++, octets += 8) {
        put_be32(octets, (uint32_t)sample->value[i]);
        put_be32(octets + 4, sample->quality[i]);
    }
}
