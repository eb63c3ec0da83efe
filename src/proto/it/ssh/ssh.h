/* ssh.h - what SSH (RFC 4253) says in the open: who speaks by which program, which algorithms they
 * offer, and the fingerprints HASSH and HASSHServer of that (github.com/salesforce/hassh, BSD).
 * From NEWKEYS on all is encrypted, that way, and passes by. Of SSH 1 only the banner. */
#ifndef PROTO_IT_SSH_SSH_H
#define PROTO_IT_SSH_SSH_H

#include "dissect/protocol.h"

#define SSH_MESSAGE_MAX 65540u /* more than RFC 4253 section 6.1 wants of everybody */
#define SSH_BANNER 0x100u      /* `function` of the line that begins it */

enum ssh_field {
    SSH_VERSION,  /* "2.0" */
    SSH_SOFTWARE, /* "OpenSSH_9.2p1" */
    SSH_COMMENT,
    SSH_HASSH,        /* if the client sent it, */
    SSH_HASSH_SERVER, /* or the server */
    SSH_KEX,          /* lists, as they were sent */
    SSH_HOST_KEYS,
    SSH_CIPHERS_TO_SERVER,
    SSH_CIPHERS_TO_CLIENT,
    SSH_MACS_TO_SERVER,
    SSH_MACS_TO_CLIENT,
    SSH_COMPRESSIONS_TO_SERVER,
    SSH_COMPRESSIONS_TO_CLIENT,
    SSH_REASON, /* of a disconnection */
    SSH_DESCRIPTION,
};

extern const struct protocol ssh;

#endif
