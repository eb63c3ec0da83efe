/* ftp.h - the control connection of the File Transfer Protocol (RFC 959, RFC 2228, RFC 2428, RFC
 * 3659), as the sensor reads it: who logs in where, and what is done with which files. Passwords
 * are left out. What goes over data connections is not looked at. */
#ifndef PROTO_IT_FTP_FTP_H
#define PROTO_IT_FTP_FTP_H

#include "dissect/protocol.h"

/* `function` of a command: its place in the table of them; of a reply: its code. Of a command that
 * is in no table: */
#define FTP_COMMAND 1000u

enum ftp_field {
    FTP_VERB,
    FTP_ARGUMENT, /* not of PASS, ACCT, ADAT */
    FTP_FILE,     /* the same, of what is about a file */
    FTP_USER,
    FTP_CODE, /* where the line has it: within a reply of several many have not */
    FTP_TEXT,
    FTP_BANNER,  /* the text of the first reply, 220 */
    FTP_SYSTEM,  /* ... of 215 */
    FTP_MORE,    /* more lines of this reply follow */
    FTP_ADDRESS, /* where the data goes, as PORT and 227 say */
    FTP_PORT,
};

extern const struct protocol ftp_protocol;

#endif
