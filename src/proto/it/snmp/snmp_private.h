/* snmp_private.h - between the tables and the code of SNMP. */
#ifndef PROTO_IT_SNMP_SNMP_PRIVATE_H
#define PROTO_IT_SNMP_SNMP_PRIVATE_H

#include "base/attr.h"
#include "proto/it/snmp/snmp.h"

extern const struct field_word snmp_vendors[]; /* by private enterprise number (IANA) */

enum { /* tags of PDUs (RFC 3416 section 3) */
       SNMP_GET = 0xa0,
       SNMP_GET_NEXT,
       SNMP_RESPONSE,
       SNMP_SET,
       SNMP_TRAP_1,
       SNMP_GET_BULK,
       SNMP_INFORM,
       SNMP_TRAP_2,
       SNMP_REPORT,
};

int snmp_looks(const uint8_t *, size_t);
void snmp_dissect(struct dissection *, struct cursor *);

#endif
