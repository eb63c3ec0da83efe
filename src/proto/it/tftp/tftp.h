/* tftp.h - the Trivial File Transfer Protocol (RFC 1350, options of RFC 2347 to 2349 and 7440), as
 * the sensor reads it: which files are asked for, and how the transfer goes. The server answers
 * from a port of its own: that conversation is known by what is said in it. Stateless. */
#ifndef PROTO_IT_TFTP_TFTP_H
#define PROTO_IT_TFTP_TFTP_H

#include "dissect/protocol.h"

enum tftp_field {
    TFTP_FILE,
    TFTP_MODE,
    TFTP_BLOCK,
    TFTP_SIZE, /* octets of data in this block */
    TFTP_MESSAGE,
    TFTP_OPTION, /* an object each */
    TFTP_VALUE,
};

extern const struct protocol tftp_protocol;

#endif
