/* cli_control.h - one question to a node over its local Unix socket: JSON-RPC as io/rpc.h has it.
 */
#ifndef CLI_CLI_CONTROL_H
#define CLI_CLI_CONTROL_H

#include "base/time.h"

#include <jansson.h>

/* `params` is consumed; the caller owns *result. ERR_CLOSED, ERR_IO, ERR_TIMEOUT: nobody answers
 * there; others are the node's own. `diag` says it in words. */
MUST_CHECK enum err control_ask(const char *path, const char *method, json_t *params,
                                nsec_t timeout, json_t **result, struct diag *);

#endif
