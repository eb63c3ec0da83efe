/* iec104_private.h - between the tables and the code of IEC 60870-5-104. */
#ifndef PROTO_OT_IEC104_IEC104_PRIVATE_H
#define PROTO_OT_IEC104_IEC104_PRIVATE_H

#include "base/attr.h"
#include "proto/ot/iec104/iec104.h"

/* Elements of an information object, by the names of 60870-5-101 clause 7.2.6. */
enum iec104_element {
    E_END,
    E_NOTHING,
    E_SIQ,
    E_DIQ,
    E_VTI,
    E_BSI,
    E_NVA,
    E_SVA,
    E_R32,
    E_BCR,
    E_SEP, /* of a single event of protection equipment */
    E_SPE, /* start events, or output circuits */
    E_QDS, /* or QDP */
    E_SCO,
    E_DCO, /* or RCO */
    E_QOS,
    E_Q, /* one octet: QOI, QCC, QRP, QPM, QPA, COI */
    E_FBP,
    E_CP16,
    E_CP24,
    E_CP56,
};

struct iec104_type {
    uint8_t elements[5]; /* enum iec104_element, up to E_END; all E_END: it is not known */
};
extern const struct iec104_type iec104_types[128];

enum frame_found iec104_frame(const uint8_t *, size_t, size_t *);
int iec104_looks(const uint8_t *, size_t);
void iec104_dissect(struct dissection *, struct cursor *);

#endif
