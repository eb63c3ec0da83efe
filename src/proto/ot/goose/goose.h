/* goose.h - the GOOSE message of IEC 61850-8-1 (clause 18.1, annexes A and C): codec.
 *
 * A frame here is what follows the Ethertype 0x88b8: APPID, length, two reserved words, then the
 * goosePdu in BER. Decoding is strict in order and type of the fields, and says which field at
 * which offset was wrong; it is lenient where implementations in the field differ: long-form
 * lengths, integers with repeated sign octets, goID absent, simulation and ndsCom absent (they have
 * defaults). */
#ifndef PROTO_OT_GOOSE_GOOSE_H
#define PROTO_OT_GOOSE_GOOSE_H

#include "proto/ot/goose/goose_value.h"

struct goose_pdu {
    struct iec61850_header header; /* `length` is filled in by the encoder */
    struct ber_text gocb_ref;      /* "LD/LLN0$GO$gcb01": names the publishing control block */
    struct ber_text dat_set;
    struct ber_text go_id; /* data NULL: absent */
    uint32_t time_allowed_to_live_ms;
    struct iec61850_time t; /* when st_num was incremented */
    uint32_t st_num;        /* counts states */
    uint32_t sq_num;        /* counts messages of one state, from 0 */
    uint32_t conf_rev;
    bool simulation; /* `test` in edition 1 */
    bool nds_com;    /* the publisher needs commissioning */
    struct goose_value *values;
    size_t n_values;
    const uint8_t *all_data; /* the values as they stand on the wire */
    size_t all_data_size;
    bool has_security; /* a field [12] followed; it is not looked into */
};

/* The largest payload of an Ethernet frame; GOOSE is never fragmented. */
#define GOOSE_MAX_SIZE 1500

/* Texts and octets of `*pdu` point into the frame, values into the arena. On error the cursor says
 * which field and where; `*pdu` is as it was. ERR_UNSUPPORTED: a GSE management PDU.
 * ERR_INVALID: numDatSetEntries is not the number of values, or an integer out of its range. */
MUST_CHECK enum err goose_decode(struct cursor *frame, struct arena *, struct goose_pdu *);

/* Appends a frame. With `values` NULL the octets of `all_data` are written as they are, counted by
 * `n_values`. ERR_LIMIT: the buffer's limit. */
MUST_CHECK enum err goose_encode(struct buf *, const struct goose_pdu *);

#endif
