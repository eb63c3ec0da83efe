/* frr_agent.h - applies lines of configuration to the FRR beside it, by vtysh, for a controller
 * that is at the other end of an SSH subsystem.
 *
 * JSON-RPC 2.0, a message a line, answered in order:
 *
 *     frr.hello    {}                           -> {agent: 1}
 *     frr.read     {}                           -> {lines}: `show running-config`
 *     frr.show     {command}                    -> {text}: what a command that begins with "show "
 *                                                  prints
 *     frr.check    {lines}                      -> {}: vtysh's parser takes them; nothing is done
 *     frr.apply    {lines, undo, timeout-s}     -> {}: checked, and applied
 *     frr.confirm  {}                           -> {warning?}: kept, and written to FRR's files
 *     frr.cancel   {}                           -> {}
 *
 * What is applied holds only if it is confirmed in time: otherwise, if it is cancelled, or if the
 * controller goes, `undo` is applied. So FRR gets what NETCONF calls a confirmed commit. Only if
 * the agent itself is killed on the way nothing is undone; the controller's watch over drift tells.
 */
#ifndef FRRAGENT_FRR_AGENT_H
#define FRRAGENT_FRR_AGENT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define FRR_AGENT_LINE_MAX ((size_t)4 << 20) /* octets of a message, and of what vtysh says */

struct frr_agent_config {
    const char *vtysh;      /* the program */
    const char *config_dir; /* of FRR; NULL: vtysh's own */
    bool transient;         /* what is confirmed is not written there */
    const char *vty_socket; /* directory of the daemons' sockets; NULL: vtysh's own */
};

/* Serves until `in` ends. ERR_IO, ERR_LIMIT: it cannot go on; what was not confirmed is undone. */
MUST_CHECK enum err frr_agent_serve(const struct frr_agent_config *, int in, int out,
                                    struct diag *);

/* Runs vtysh: with `lines` as a file of commands behind `argument`, or with `argument` alone if
 * `lines` is NULL ("-c" or "-C" come before it). ERR_INVALID: it complains, `said` has its words;
 * ERR_TIMEOUT, ERR_IO, ERR_LIMIT. */
MUST_CHECK enum err frr_agent_vtysh(const struct frr_agent_config *, bool check_only,
                                    const char *command, const char *lines, struct buf *said);

#endif
