#include "proto/ot/sv/sv_protocol.h"

#include "base/attr.h"
#include "dissect/ber_fields.h"

#define SEQ_ASDU BER_CONSTRUCTED(2)
#define SAMPLE BER_CONTEXT(7)
#define PAIR_SIZE 8u /* INT32, Quality */

/* SavPdu and ASDU, IEC 61850-9-2 clause 8.5.2; gmIdentity: IEC 61869-9. */
static const struct ber_field pdu_rows[] = {
    {BER_CONTEXT(0), "noASDU", BER_KIND_UINT, SV_FIELD_ASDUS, 0, true},
    {BER_CONTEXT(1), "security", BER_KIND_OCTETS, SV_FIELD_SECURITY, 0, false},
    {BER_CONSTRUCTED(1), "security", BER_KIND_OCTETS, SV_FIELD_SECURITY, 0, false},
};
static const struct ber_field asdu_rows[] = {
    {BER_CONTEXT(0), "svID", BER_KIND_TEXT, SV_FIELD_SV_ID, 0, true},
    {BER_CONTEXT(1), "datSet", BER_KIND_TEXT, SV_FIELD_DAT_SET, 0, false},
    {BER_CONTEXT(2), "smpCnt", BER_KIND_FIXED, SV_FIELD_SMP_CNT, 2, true},
    {BER_CONTEXT(3), "confRev", BER_KIND_FIXED, SV_FIELD_CONF_REV, 4, true},
    {BER_CONTEXT(4), "refrTm", BER_KIND_UTC_TIME, SV_FIELD_REFR_TM, 0, false},
    {BER_CONTEXT(5), "smpSynch", BER_KIND_FIXED, SV_FIELD_SMP_SYNCH, 1, true},
    {BER_CONTEXT(6), "smpRate", BER_KIND_FIXED, SV_FIELD_SMP_RATE, 2, false},
    {BER_CONTEXT(8), "smpMod", BER_KIND_FIXED, SV_FIELD_SMP_MOD, 2, false},
    {BER_CONTEXT(9), "gmIdentity", BER_KIND_OCTETS, SV_FIELD_GM_IDENTITY, 0, false},
};

/* ---- ASDUs ---- */

static void
put_sample(struct dissection *d, struct cursor *fields, uint16_t object)
{
    struct cursor sample = ber_read(fields, NULL, "sample");
    size_t n = cursor_left(&sample);
    if (n % PAIR_SIZE) {
        pdu_octets(d, SV_FIELD_SAMPLE, object, cursor_bytes(&sample, n, "sample"), n);
    } else {
        while (cursor_left(&sample)) {
            pdu_int(d, SV_FIELD_VALUE, object, (int32_t)cursor_be32(&sample, "value"));
            pdu_uint(d, SV_FIELD_QUALITY, object, cursor_be32(&sample, "quality"));
        }
    }
    cursor_join(fields, &sample);
}

static void
put_asdu(struct dissection *d, struct cursor *asdus)
{
    uint32_t seen = 0;
    bool has_sample = false;
    if (ber_peek(asdus) != BER_SEQUENCE) {
        cursor_fail(asdus, ERR_MALFORMED, "ASDU");
        return;
    }
    struct cursor fields = ber_open(asdus, "ASDU");
    uint16_t object = (uint16_t)++d->pdu->n_objects;
    while (cursor_left(&fields)) {
        if (ber_field_put(d, &fields, asdu_rows, ARRAY_SIZE(asdu_rows), object, &seen))
            continue;
        if (ber_peek(&fields) == SAMPLE && !has_sample) {
            has_sample = true;
            put_sample(d, &fields, object);
        } else {
            cursor_fail(&fields, ERR_UNSUPPORTED, "ASDU");
        }
    }
    ber_fields_missing(&fields, asdu_rows, ARRAY_SIZE(asdu_rows), seen);
    if (!has_sample)
        cursor_fail(&fields, ERR_MALFORMED, "sample");
    cursor_join(asdus, &fields);
}

static void
put_asdus(struct dissection *d, struct cursor *fields)
{
    struct cursor asdus = ber_open(fields, "seqASDU");
    while (cursor_left(&asdus))
        put_asdu(d, &asdus);
    cursor_join(fields, &asdus);
}

static void
put_apdu(struct dissection *d, struct cursor *apdu)
{
    uint32_t seen = 0;
    struct cursor fields = ber_open(apdu, "savPdu");
    while (cursor_left(&fields)) {
        if (ber_field_put(d, &fields, pdu_rows, ARRAY_SIZE(pdu_rows), 0, &seen))
            continue;
        if (ber_peek(&fields) == SEQ_ASDU && !d->pdu->n_objects)
            put_asdus(d, &fields);
        else
            cursor_fail(&fields, ERR_UNSUPPORTED, "savPdu");
    }
    ber_fields_missing(&fields, pdu_rows, ARRAY_SIZE(pdu_rows), seen);
    const struct field *n = pdu_field(d->pdu, SV_FIELD_ASDUS, 0);
    if (n && (n->u == 0 || n->u != d->pdu->n_objects))
        cursor_fail(&fields, ERR_INVALID, "noASDU");
    cursor_join(apdu, &fields);
}

static const struct process_bus sv = {
    .name = "savPdu",
    .tag = SV_PUBLISH,
    .spdu = IEC61850_SPDU_SV,
    .payload = IEC61850_PAYLOAD_SV,
    .apdu = put_apdu,
};

static void
sv_dissect(struct dissection *d, struct cursor *c)
{
    process_bus_dissect(&sv, d, c);
}

static int
sv_looks(const uint8_t *message, size_t size)
{
    return process_bus_looks(&sv, message, size);
}

/* ---- Tables ---- */

static const struct field_word synchs[] = {{0, "none"}, {1, "local"}, {2, "global"}, {0, NULL}};
static const struct field_word mods[] = {
    {0, "samples-per-period"}, {1, "samples-per-second"}, {2, "seconds-per-sample"}, {0, NULL}};

static const struct field_info fields[] = {
    PROCESS_BUS_FIELD_INFO,
    [SV_FIELD_ASDUS] = {"asdus", FIELD_UINT, NULL, "how many it says there are"},
    [SV_FIELD_SECURITY] = {"security", FIELD_OCTETS, NULL, "not looked into"},
    [SV_FIELD_SV_ID] = {"sv-id", FIELD_TEXT, NULL, "name of the stream"},
    [SV_FIELD_DAT_SET] = {"dat-set", FIELD_TEXT, NULL, "whose values these are"},
    [SV_FIELD_SMP_CNT] = {"smp-cnt", FIELD_UINT, NULL, "counts samples of a second"},
    [SV_FIELD_CONF_REV] = {"conf-rev", FIELD_UINT, NULL, "counts changes of the data set"},
    [SV_FIELD_REFR_TM] = {"refr-tm", FIELD_TIME, NULL, "when the buffer was refreshed"},
    [SV_FIELD_REFR_TM_QUALITY] = {"refr-tm-quality", FIELD_UINT, NULL, "of that time"},
    [SV_FIELD_SMP_SYNCH] = {"smp-synch", FIELD_UINT, synchs, "whom the sender's clock follows"},
    [SV_FIELD_SMP_RATE] = {"smp-rate", FIELD_UINT, NULL, "samples, per what smp-mod says"},
    [SV_FIELD_SMP_MOD] = {"smp-mod", FIELD_UINT, mods, "what the rate is"},
    [SV_FIELD_GM_IDENTITY] = {"gm-identity", FIELD_OCTETS, NULL, "the grandmaster clock"},
    [SV_FIELD_VALUE] = {"value", FIELD_INT, NULL, "9-2LE: mA, then units of 10 mV"},
    [SV_FIELD_QUALITY] = {"quality", FIELD_UINT, NULL, "of the value; 0: good"},
    [SV_FIELD_SAMPLE] = {"sample", FIELD_OCTETS, NULL, "one that is not pairs of those"},
};

static const struct function_info functions[] = {{SV_PUBLISH, "publish", ACT_REPORT}};

static const uint16_t ports[] = {IEC61850_ETHERTYPE_SV, 102, 0};

const struct protocol sv_protocol = {
    .name = "sv",
    .title = "Sampled Values",
    .source = "IEC 61850-9-2, IEC 61869-9, IEC TR 61850-90-5",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET | CARRIER_UDP,
    .ports = ports,
    .looks = sv_looks,
    .dissect = sv_dissect,
};
