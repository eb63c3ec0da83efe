#include "proto/ot/goose/goose.h"

/* IECGoosePdu, IEC 61850-8-1 annex A. */
enum {
    TAG_GSE_MANAGEMENT = BER_APPLICATION(0),
    TAG_GOOSE_PDU = BER_APPLICATION(1),
    TAG_GOCB_REF = BER_CONTEXT(0),
    TAG_TIME_ALLOWED_TO_LIVE = BER_CONTEXT(1),
    TAG_DAT_SET = BER_CONTEXT(2),
    TAG_GO_ID = BER_CONTEXT(3),
    TAG_T = BER_CONTEXT(4),
    TAG_ST_NUM = BER_CONTEXT(5),
    TAG_SQ_NUM = BER_CONTEXT(6),
    TAG_SIMULATION = BER_CONTEXT(7),
    TAG_CONF_REV = BER_CONTEXT(8),
    TAG_NDS_COM = BER_CONTEXT(9),
    TAG_NUM_DAT_SET_ENTRIES = BER_CONTEXT(10),
    TAG_ALL_DATA = BER_CONSTRUCTED(11),
    TAG_SECURITY = BER_CONTEXT(12),
};

static bool
optional_bool(struct cursor *c, uint32_t tag, const char *what)
{
    return ber_peek(c) == tag && ber_get_bool(c, tag, what);
}

static struct iec61850_time
get_time(struct cursor *c, uint32_t tag, const char *what)
{
    struct cursor value = ber_expect(c, tag, what);
    struct iec61850_time t = iec61850_time_decode(&value, what);
    cursor_join(c, &value);
    return t;
}

static void
decode_fields(struct cursor *c, struct goose_pdu *pdu)
{
    pdu->gocb_ref = ber_get_text(c, TAG_GOCB_REF, "gocbRef");
    pdu->time_allowed_to_live_ms = ber_get_uint32(c, TAG_TIME_ALLOWED_TO_LIVE, "timeAllowedtoLive");
    pdu->dat_set = ber_get_text(c, TAG_DAT_SET, "datSet");
    if (ber_peek(c) == TAG_GO_ID)
        pdu->go_id = ber_get_text(c, TAG_GO_ID, "goID");
    pdu->t = get_time(c, TAG_T, "t");
    pdu->st_num = ber_get_uint32(c, TAG_ST_NUM, "stNum");
    pdu->sq_num = ber_get_uint32(c, TAG_SQ_NUM, "sqNum");
    pdu->simulation = optional_bool(c, TAG_SIMULATION, "simulation");
    pdu->conf_rev = ber_get_uint32(c, TAG_CONF_REV, "confRev");
    pdu->nds_com = optional_bool(c, TAG_NDS_COM, "ndsCom");
}

static void
decode_data_set(struct cursor *c, struct arena *arena, struct goose_pdu *pdu)
{
    struct cursor at_number = *c;
    uint32_t n_entries = ber_get_uint32(c, TAG_NUM_DAT_SET_ENTRIES, "numDatSetEntries");
    struct cursor data = ber_expect(c, TAG_ALL_DATA, "allData");
    pdu->all_data = data.pos;
    pdu->all_data_size = cursor_left(&data);
    enum err err = goose_values_decode(&data, arena, &pdu->values, &pdu->n_values);
    cursor_join(c, &data);
    if (!err && pdu->n_values != n_entries) {
        cursor_fail(&at_number, ERR_INVALID, "numDatSetEntries");
        *c = at_number;
    }
}

static void
decode_security(struct cursor *c, struct goose_pdu *pdu)
{
    uint32_t tag = ber_peek(c);
    if (tag != TAG_SECURITY && tag != BER_CONSTRUCTED(12))
        return;
    ber_read(c, NULL, "security");
    pdu->has_security = true;
}

enum err
goose_decode(struct cursor *frame, struct arena *arena, struct goose_pdu *pdu)
{
    struct goose_pdu result = {0};
    struct cursor apdu = iec61850_header_decode(frame, &result.header);
    if (ber_peek(&apdu) == TAG_GSE_MANAGEMENT)
        cursor_fail(&apdu, ERR_UNSUPPORTED, "gseMngtPdu");
    struct cursor fields = ber_expect(&apdu, TAG_GOOSE_PDU, "goosePdu");
    decode_fields(&fields, &result);
    decode_data_set(&fields, arena, &result);
    decode_security(&fields, &result);
    cursor_join(&apdu, &fields);
    cursor_join(frame, &apdu);
    if (!frame->err)
        *pdu = result;
    return frame->err;
}

static void
put_text(struct buf *b, uint32_t tag, struct ber_text text)
{
    ber_put(b, tag, text.data, text.size);
}

static void
encode_fields(struct buf *b, const struct goose_pdu *pdu)
{
    put_text(b, TAG_GOCB_REF, pdu->gocb_ref);
    ber_put_uint(b, TAG_TIME_ALLOWED_TO_LIVE, pdu->time_allowed_to_live_ms);
    put_text(b, TAG_DAT_SET, pdu->dat_set);
    if (pdu->go_id.data)
        put_text(b, TAG_GO_ID, pdu->go_id);
    size_t t = ber_begin(b, TAG_T);
    iec61850_time_encode(b, pdu->t);
    ber_end(b, t);
    ber_put_uint(b, TAG_ST_NUM, pdu->st_num);
    ber_put_uint(b, TAG_SQ_NUM, pdu->sq_num);
    ber_put_bool(b, TAG_SIMULATION, pdu->simulation);
    ber_put_uint(b, TAG_CONF_REV, pdu->conf_rev);
    ber_put_bool(b, TAG_NDS_COM, pdu->nds_com);
    ber_put_uint(b, TAG_NUM_DAT_SET_ENTRIES, pdu->n_values);
}

enum err
goose_encode(struct buf *b, const struct goose_pdu *pdu)
{
    size_t begin = iec61850_header_begin(b, &pdu->header);
    size_t fields = ber_begin(b, TAG_GOOSE_PDU);
    encode_fields(b, pdu);
    size_t data = ber_begin(b, TAG_ALL_DATA);
    if (pdu->values)
        goose_values_encode(b, pdu->values, pdu->n_values);
    else
        buf_put(b, pdu->all_data, pdu->all_data_size);
    ber_end(b, data);
    ber_end(b, fields);
    iec61850_header_end(b, begin);
    return buf_err(b);
}
