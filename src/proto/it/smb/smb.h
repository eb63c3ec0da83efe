/* smb.h - SMB 1 ([MS-CIFS], [MS-SMB]), SMB 2 and 3 ([MS-SMB2]) over TCP, directly or in a NetBIOS
 * session (RFC 1002 section 4.3), with what NTLMSSP ([MS-NLMP]) says of both sides: who logs in
 * from where to what, which files and pipes are opened, how much is read and written, and whether
 * what is transferred runs (dissect/executable.h). Contents pass by without being held; what is
 * encrypted is told to be.
 *
 * The conversation's state remembers files, so that reads and writes have names. Every command of a
 * chain or compound is a message. Names are UTF-8. Not: what is within pipes (DCE/RPC). */
#ifndef PROTO_IT_SMB_SMB_H
#define PROTO_IT_SMB_SMB_H

#include "dissect/protocol.h"

#define SMB_LOOK 16384u     /* octets of a message that are looked at, behind its length, */
#define SMB_LOOK_DATA 1024u /* and where it mostly is contents */
#define SMB_1(command) (0x100u | (command)) /* `function`; that of SMB 2 is the command */
#define SMB_SESSION(type) (0x200u | (type))
#define SMB_OTHER(magic) (0x300u | (magic)) /* 0xfd encrypted, 0xfc compressed */

enum smb_field {
    SMB_MESSAGE, /* number of the message, which its response repeats */
    SMB_SESSION_ID,
    SMB_TREE,
    SMB_PROCESS,
    SMB_STATUS,
    SMB_SIZE, /* octets of what is not looked into */
    SMB_DIALECT,
    SMB_DIALECT_NAME,
    SMB_SIGNING, /* 1 enabled, 2 required */
    SMB_GUID,
    SMB_SYSTEM_TIME,
    SMB_AUTHENTICATION,
    SMB_NTLM_MESSAGE,
    SMB_USER,
    SMB_DOMAIN,
    SMB_WORKSTATION,
    SMB_TARGET,
    SMB_COMPUTER, /* the server's names */
    SMB_COMPUTER_DOMAIN,
    SMB_DNS_COMPUTER,
    SMB_DNS_DOMAIN,
    SMB_OS_VERSION, /* "10.0.17763" */
    SMB_NATIVE_OS,
    SMB_NATIVE_LM,
    SMB_SESSION_FLAGS, /* 1 guest, 2 nobody */
    SMB_PATH,
    SMB_SHARE_TYPE,
    SMB_SERVICE,
    SMB_FILE,
    SMB_FILE_ID,
    SMB_ACCESS,
    SMB_DISPOSITION,
    SMB_OPTIONS,
    SMB_ACTION,
    SMB_FILE_SIZE,
    SMB_OFFSET,
    SMB_LENGTH, /* octets read or written */
    SMB_EXECUTABLE,
    SMB_SUBCOMMAND, /* of a transaction */
    SMB_CONTROL,
    SMB_PATTERN,
};

extern const struct protocol smb;

#endif
