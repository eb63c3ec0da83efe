#include "proto/ot/goose/goose_protocol.h"

#include "base/attr.h"
#include "dissect/ber_fields.h"
#include "proto/ot/goose/goose_value.h"

#define ALL_DATA BER_CONSTRUCTED(11)

/* IECGoosePdu, IEC 61850-8-1 annex A. */
static const struct ber_field rows[] = {
    {BER_CONTEXT(0), "gocbRef", BER_KIND_TEXT, GOOSE_FIELD_GOCB_REF, 0, true},
    {BER_CONTEXT(1), "timeAllowedtoLive", BER_KIND_UINT, GOOSE_FIELD_TIME_ALLOWED_TO_LIVE, 0, true},
    {BER_CONTEXT(2), "datSet", BER_KIND_TEXT, GOOSE_FIELD_DAT_SET, 0, true},
    {BER_CONTEXT(3), "goID", BER_KIND_TEXT, GOOSE_FIELD_GO_ID, 0, false},
    {BER_CONTEXT(4), "t", BER_KIND_UTC_TIME, GOOSE_FIELD_T, 0, true},
    {BER_CONTEXT(5), "stNum", BER_KIND_UINT, GOOSE_FIELD_ST_NUM, 0, true},
    {BER_CONTEXT(6), "sqNum", BER_KIND_UINT, GOOSE_FIELD_SQ_NUM, 0, true},
    {BER_CONTEXT(7), "simulation", BER_KIND_BOOL, GOOSE_FIELD_SIMULATION, 0, false},
    {BER_CONTEXT(8), "confRev", BER_KIND_UINT, GOOSE_FIELD_CONF_REV, 0, true},
    {BER_CONTEXT(9), "ndsCom", BER_KIND_BOOL, GOOSE_FIELD_NDS_COM, 0, false},
    {BER_CONTEXT(10), "numDatSetEntries", BER_KIND_UINT, GOOSE_FIELD_ENTRIES, 0, true},
    {BER_CONTEXT(12), "security", BER_KIND_OCTETS, GOOSE_FIELD_SECURITY, 0, false},
    {BER_CONSTRUCTED(12), "security", BER_KIND_OCTETS, GOOSE_FIELD_SECURITY, 0, false},
};

/* ---- Values ---- */

static void
put_bits(struct dissection *d, const struct goose_value *v, uint16_t object)
{
    size_t size = v->octets.size, n = size * 8 - v->octets.n_unused_bits;
    if (n > 64) {
        pdu_octets(d, GOOSE_FIELD_OCTETS, object, v->octets.data, size);
        return;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < size; i++)
        bits = bits << 8 | v->octets.data[i];
    pdu_uint(d, GOOSE_FIELD_BITS, object, bits >> v->octets.n_unused_bits);
    pdu_uint(d, GOOSE_FIELD_BIT_COUNT, object, n);
}

static void
put_value(struct dissection *d, const struct goose_value *v, uint16_t object)
{
    switch (v->type) {
    case GOOSE_BOOLEAN:
        pdu_uint(d, GOOSE_FIELD_BOOLEAN, object, v->boolean);
        break;
    case GOOSE_BIT_STRING:
    case GOOSE_BOOLEAN_ARRAY:
        put_bits(d, v, object);
        break;
    case GOOSE_INTEGER:
    case GOOSE_BCD:
        pdu_int(d, GOOSE_FIELD_INTEGER, object, v->integer);
        break;
    case GOOSE_UNSIGNED:
        pdu_uint(d, GOOSE_FIELD_UNSIGNED, object, v->natural);
        break;
    case GOOSE_FLOATING_POINT:
        pdu_real(d, GOOSE_FIELD_REAL, object, v->number.value);
        break;
    case GOOSE_VISIBLE_STRING:
    case GOOSE_MMS_STRING:
        pdu_octets(d, GOOSE_FIELD_TEXT, object, v->octets.data, v->octets.size);
        break;
    case GOOSE_UTC_TIME:
        pdu_int(d, GOOSE_FIELD_TIME, object, iec61850_time_wall(v->time));
        pdu_uint(d, GOOSE_FIELD_TIME_QUALITY, object, v->time.quality);
        break;
    default:
        pdu_octets(d, GOOSE_FIELD_OCTETS, object, v->octets.data, v->octets.size);
    }
}

/* Down into structures and up again, with a place for each depth. */
static void
put_data_set(struct dissection *d, struct cursor *fields)
{
    struct cursor at[GOOSE_MAX_DEPTH], members;
    unsigned depth = 0;
    at[0] = ber_open(fields, "allData");
    for (;;) {
        struct cursor *c = &at[depth];
        struct goose_value v;
        if (!cursor_left(c)) {
            if (depth == 0)
                break;
            cursor_join(&at[--depth], c);
            continue;
        }
        goose_value_read(c, &v, &members);
        if (c->err)
            continue;
        if (depth == 0)
            pdu_uint(d, GOOSE_FIELD_TYPE, (uint16_t)++d->pdu->n_objects, v.type);
        if (v.type != GOOSE_ARRAY && v.type != GOOSE_STRUCTURE)
            put_value(d, &v, (uint16_t)d->pdu->n_objects);
        else if (depth + 1 == GOOSE_MAX_DEPTH)
            cursor_fail(c, ERR_LIMIT, "allData");
        else
            at[++depth] = members;
    }
    cursor_join(fields, &at[0]);
}

/* ---- Messages ---- */

static void
put_publication(struct dissection *d, struct cursor *apdu)
{
    uint32_t seen = 0;
    bool has_data = false;
    struct cursor fields = ber_open(apdu, "goosePdu");
    while (cursor_left(&fields)) {
        if (ber_field_put(d, &fields, rows, ARRAY_SIZE(rows), 0, &seen))
            continue;
        if (ber_peek(&fields) == ALL_DATA && !has_data) {
            has_data = true;
            put_data_set(d, &fields);
        } else {
            cursor_fail(&fields, ERR_UNSUPPORTED, "goosePdu");
        }
    }
    ber_fields_missing(&fields, rows, ARRAY_SIZE(rows), seen);
    if (!has_data)
        cursor_fail(&fields, ERR_MALFORMED, "allData");
    const struct field *entries = pdu_field(d->pdu, GOOSE_FIELD_ENTRIES, 0);
    if (entries && entries->u != d->pdu->n_objects)
        cursor_fail(&fields, ERR_INVALID, "numDatSetEntries");
    cursor_join(apdu, &fields);
}

static void
put_apdu(struct dissection *d, struct cursor *c)
{
    if (d->pdu->function == GOOSE_PUBLISH) {
        put_publication(d, c);
        return;
    }
    struct cursor data = ber_read(c, NULL, "gseMngtPdu");
    size_t n = cursor_left(&data);
    pdu_octets(d, GOOSE_FIELD_DATA, 0, cursor_bytes(&data, n, "gseMngtPdu"), n);
    cursor_join(c, &data);
}

static const struct process_bus goose = {
    .name = "goosePdu",
    .tag = GOOSE_PUBLISH,
    .request = GOOSE_MANAGEMENT,
    .spdu = IEC61850_SPDU_GOOSE,
    .payload = IEC61850_PAYLOAD_GOOSE,
    .apdu = put_apdu,
};

static void
goose_dissect(struct dissection *d, struct cursor *c)
{
    process_bus_dissect(&goose, d, c);
}

static int
goose_looks(const uint8_t *message, size_t size)
{
    return process_bus_looks(&goose, message, size);
}

/* ---- Tables ---- */

static const struct field_word types[] = {{GOOSE_ARRAY, "array"},
                                          {GOOSE_STRUCTURE, "structure"},
                                          {GOOSE_BOOLEAN, "boolean"},
                                          {GOOSE_BIT_STRING, "bit-string"},
                                          {GOOSE_INTEGER, "integer"},
                                          {GOOSE_UNSIGNED, "unsigned"},
                                          {GOOSE_FLOATING_POINT, "floating-point"},
                                          {GOOSE_REAL, "real"},
                                          {GOOSE_OCTET_STRING, "octet-string"},
                                          {GOOSE_VISIBLE_STRING, "visible-string"},
                                          {GOOSE_GENERALIZED_TIME, "generalized-time"},
                                          {GOOSE_BINARY_TIME, "binary-time"},
                                          {GOOSE_BCD, "bcd"},
                                          {GOOSE_BOOLEAN_ARRAY, "boolean-array"},
                                          {GOOSE_OBJECT_ID, "object-id"},
                                          {GOOSE_MMS_STRING, "mms-string"},
                                          {GOOSE_UTC_TIME, "utc-time"},
                                          {0, NULL}};

static const struct field_info fields[] = {
    PROCESS_BUS_FIELD_INFO,
    [GOOSE_FIELD_GOCB_REF] = {"gocb-ref", FIELD_TEXT, NULL, "the control block that publishes"},
    [GOOSE_FIELD_TIME_ALLOWED_TO_LIVE] = {"time-allowed-to-live", FIELD_UINT, NULL,
                                          "milliseconds until the next"},
    [GOOSE_FIELD_DAT_SET] = {"dat-set", FIELD_TEXT, NULL, "whose values these are"},
    [GOOSE_FIELD_GO_ID] = {"go-id", FIELD_TEXT, NULL, "name of the message"},
    [GOOSE_FIELD_T] = {"t", FIELD_TIME, NULL, "when the state began"},
    [GOOSE_FIELD_T_QUALITY] = {"t-quality", FIELD_UINT, NULL, "leap, failure, not-in-step, bits"},
    [GOOSE_FIELD_ST_NUM] = {"st-num", FIELD_UINT, NULL, "counts states"},
    [GOOSE_FIELD_SQ_NUM] = {"sq-num", FIELD_UINT, NULL, "counts messages of a state"},
    [GOOSE_FIELD_SIMULATION] = {"simulation", FIELD_BOOL, NULL, "values are simulated"},
    [GOOSE_FIELD_CONF_REV] = {"conf-rev", FIELD_UINT, NULL, "counts changes of the data set"},
    [GOOSE_FIELD_NDS_COM] = {"nds-com", FIELD_BOOL, NULL, "needs commissioning"},
    [GOOSE_FIELD_ENTRIES] = {"entries", FIELD_UINT, NULL, "members of the data set"},
    [GOOSE_FIELD_SECURITY] = {"security", FIELD_OCTETS, NULL, "of an older signature"},
    [GOOSE_FIELD_TYPE] = {"type", FIELD_UINT, types, "of the member"},
    [GOOSE_FIELD_BOOLEAN] = {"boolean", FIELD_BOOL, NULL, "value"},
    [GOOSE_FIELD_BITS] = {"bits", FIELD_UINT, NULL, "value: the first bit is the highest"},
    [GOOSE_FIELD_BIT_COUNT] = {"bit-count", FIELD_UINT, NULL, "how many these are"},
    [GOOSE_FIELD_INTEGER] = {"integer", FIELD_INT, NULL, "value"},
    [GOOSE_FIELD_UNSIGNED] = {"unsigned", FIELD_UINT, NULL, "value"},
    [GOOSE_FIELD_REAL] = {"real", FIELD_REAL, NULL, "value"},
    [GOOSE_FIELD_TEXT] = {"text", FIELD_TEXT, NULL, "value"},
    [GOOSE_FIELD_OCTETS] = {"octets", FIELD_OCTETS, NULL, "value of any other type"},
    [GOOSE_FIELD_TIME] = {"time", FIELD_TIME, NULL, "value"},
    [GOOSE_FIELD_TIME_QUALITY] = {"time-quality", FIELD_UINT, NULL, "of that time"},
    [GOOSE_FIELD_DATA] = {"data", FIELD_OCTETS, NULL, "what is not looked into"},
};

static const struct function_info functions[] = {
    {GOOSE_MANAGEMENT, "gse-management", ACT_BROWSE},
    {GOOSE_PUBLISH, "publish", ACT_REPORT},
};

static const uint16_t ports[] = {IEC61850_ETHERTYPE_GOOSE, IEC61850_ETHERTYPE_GSE_MANAGEMENT, 102,
                                 0};

const struct protocol goose_protocol = {
    .name = "goose",
    .title = "GOOSE",
    .source = "IEC 61850-8-1, IEC TR 61850-90-5",
    .fields = fields,
    .functions = functions,
    .n_fields = ARRAY_SIZE(fields),
    .n_functions = ARRAY_SIZE(functions),
    .carriers = CARRIER_ETHERNET | CARRIER_UDP,
    .ports = ports,
    .looks = goose_looks,
    .dissect = goose_dissect,
};
