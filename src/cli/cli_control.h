/* cli_control.h - one question to a node over its local Unix socket: JSON-RPC as io/rpc.h has it.
 */
#ifndef CLI_CLI_CONTROL_H
#define CLI_CLI_CONTROL_H

#include "base/time.h"

#include <jansson.h>
#include <stdbool.h>

/* `params` is consumed; the caller owns *result. On errors `diag` says in words what is wrong, and
 * *refused whether it is the node's own answer: if not, there was none. */
MUST_CHECK enum err control_ask(const char *path, const char *method, json_t *params,
                                nsec_t timeout, json_t **result, bool *refused, struct diag *);

#endif
