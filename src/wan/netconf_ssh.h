/* netconf_ssh.h - octets to and from a NETCONF server over SSH (RFC 6242), by OpenSSH's client as a
 * child process: doc/decisions/netconf-over-openssh.md says why.
 *
 * The child takes nothing from the user or the machine: no configuration file, no agent, no
 * password, one key, and the host's key must be in the file of known hosts. It is started without a
 * shell. Not thread-safe: the loop's thread only. */
#ifndef WAN_NETCONF_SSH_H
#define WAN_NETCONF_SSH_H

#include "base/err.h"
#include "base/time.h"

#include <stdint.h>
#include <uv.h>

struct netconf_ssh; /* Opaque. */

/* Copied; NULL or 0 means the value in brackets. */
struct netconf_ssh_config {
    const char *host;             /* name or address */
    uint16_t port;                /* [830] */
    const char *user;             /* must be given */
    const char *key_file;         /* private key, not encrypted; must be given */
    const char *known_hosts_file; /* as ssh writes it; must be given */
    const char *subsystem;        /* [netconf] */
    const char *program;          /* [/usr/bin/ssh] */
    unsigned connect_timeout_s;   /* [10] */
    unsigned alive_interval_s;    /* of silence; after three of them ssh gives up [15] */
};

struct netconf_ssh_handler {
    void (*received)(void *arg, const uint8_t *data, size_t size);
    /* The end, once: `reason` has the last words of ssh. ERR_DENIED: a key was not accepted;
     * ERR_TIMEOUT, ERR_CLOSED, ERR_IO. Not after netconf_ssh_free(). */
    void (*closed)(void *arg, enum err, const char *reason);
};

/* Starts ssh. ERR_INVALID: something is missing, or has characters that ssh would take for more
 * than a name; ERR_NOT_FOUND, ERR_IO: ssh cannot be run. */
MUST_CHECK enum err netconf_ssh_open(uv_loop_t *, const struct netconf_ssh_config *,
                                     const struct netconf_ssh_handler *, void *arg,
                                     struct netconf_ssh **, struct diag *);
/* Ends the child, if it has not gone. Callable from inside a callback. NULL is fine. */
void netconf_ssh_free(struct netconf_ssh *);
/* Queues a copy. What cannot be sent ends in `closed`. */
void netconf_ssh_send(struct netconf_ssh *, const void *data, size_t size);

#endif
