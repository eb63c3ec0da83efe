/* s7comm.h - S7 communication of SIMATIC S7-300, -400, -1200 and -1500, as it has been described
 * publicly, over TPKT and COTP (proto/ot/iso): jobs and their answers (variables, blocks, program
 * invocations), user data (system state lists with who a module is, blocks, clock, password), and
 * of what the newer controllers say (protocol 0x72, "S7comm-plus") which function it is and who is
 * told of in it.
 *
 * An answer does not repeat what was asked: the conversation's state remembers the last requests,
 * so that its values have addresses. Passwords are not given. */
#ifndef PROTO_OT_S7COMM_S7COMM_H
#define PROTO_OT_S7COMM_S7COMM_H

#include "proto/ot/iso/iso.h"

/* `function` of a message: that of a job or its answer; or */
#define S7_NO_FUNCTION 0x200u /* an acknowledgement without one */
#define S7_USERDATA 0x1000u   /* | its group << 8 | its function */
#define S7_PLUS 0x20000u      /* | the function of S7comm-plus; alone: a notification */

enum s7comm_field {
    S7_PURPOSE = ISO_N_FIELDS, /* of a connection: 1 programming, 2 operating, 3 other */
    S7_RACK,                   /* of the module that is connected to */
    S7_SLOT,
    S7_TYPE, /* ROSCTR: 1 job, 2 acknowledgement, 3 answer, 7 user data */
    S7_REFERENCE,
    S7_PARAMETER_LENGTH,
    S7_DATA_LENGTH,
    S7_ITEMS, /* variables that are read or written: how many; an object each: */
    S7_AREA,
    S7_DB,
    S7_BYTE,
    S7_BIT,
    S7_NUMBER,    /* of a timer or a counter, instead of byte and bit */
    S7_TRANSPORT, /* what it is made of */
    S7_LENGTH,    /* how many of them */
    S7_SYNTAX,    /* of an address of another kind */
    S7_RETURN,    /* code; 255: good */
    S7_VALUE,
    S7_JOBS_CALLING, /* setup: at once */
    S7_JOBS_CALLED,
    S7_PDU_SIZE,
    S7_TRANSFER, /* number of an upload */
    S7_STATUS,   /* of a transfer: 1 more follows, 2 an error */
    S7_BLOCK,    /* "_0A00001P": type, number, file system */
    S7_BLOCK_LENGTHS,
    S7_BLOCK_TYPE, /* an object each, of lists of blocks: "0A" a data block, ... */
    S7_BLOCK_COUNT,
    S7_BLOCK_NUMBER,
    S7_LOAD_SIZE,
    S7_CODE_TIME, /* when it was last changed */
    S7_AUTHOR,
    S7_FAMILY,
    S7_BLOCK_NAME,
    S7_BLOCK_VERSION,
    S7_CHECKSUM,
    S7_SERVICE, /* name of a program invocation */
    S7_ARGUMENT,
    S7_GROUP, /* of user data */
    S7_SEQUENCE,
    S7_UNIT, /* number of the message within an answer of several */
    S7_MORE_FOLLOWS,
    S7_SZL, /* system state list: its number, */
    S7_SZL_INDEX,
    S7_SZL_RECORDS,
    S7_IDENTITY, /* an object each: 1 module, 6 hardware, 7 firmware, 129 boot loader; */
    S7_ORDER_NUMBER,
    S7_HARDWARE,
    S7_FIRMWARE,
    S7_VERSION, /* both words of a version as they stand */
    S7_REVISION,
    S7_COMPONENT, /* an object each, of list 0x1c: which text it is; */
    S7_SYSTEM_NAME,
    S7_MODULE_NAME,
    S7_PLANT,
    S7_COPYRIGHT,
    S7_SERIAL,
    S7_MODULE_TYPE,
    S7_CARD_SERIAL,
    S7_MANUFACTURER,
    S7_OEM,
    S7_LOCATION,
    S7_TIME,
    S7_DATA,         /* what is not looked into */
    S7_PLUS_VERSION, /* S7comm-plus: of the message */
    S7_PLUS_OPCODE,
    S7_PLUS_SEQUENCE,
    S7_PLUS_IDENTITY, /* "6ES7 212-1BE40-0XB0 ;V4.2" */
};

extern const struct protocol s7comm;

#endif
