/* lines_client.h - one FRR router: its agent (tieline-frr-agent, frragent/frr_agent.h) at the other
 * end of an SSH subsystem, a connection that is kept up, and one queue of requests.
 *
 * Every request that was accepted is answered by exactly one call of `done`, never from inside a
 * call of this interface but lines_client_free(). A request is never sent twice. Not thread-safe:
 * the loop's thread only. */
#ifndef WAN_LINES_CLIENT_H
#define WAN_LINES_CLIENT_H

#include "io/reconnect.h"
#include "wan/netconf_ssh.h"

#include <jansson.h>

struct lines_client; /* Opaque. */

/* `result`: {} and more, during the call; NULL on errors, with `text` for people. */
typedef void lines_done_fn(void *arg, enum err, const char *text, const json_t *result);

/* `ssh` is copied, but for its subsystem, which is ours. ERR_INVALID: `diag` says what. */
MUST_CHECK enum err lines_client_new(uv_loop_t *, const char *name,
                                     const struct netconf_ssh_config *, struct lines_client **,
                                     struct diag *);
/* What still waits ends with ERR_CLOSED before this returns. NULL is fine. */
void lines_client_free(struct lines_client *);

/* `params` is consumed. Without an answer in time the connection is given up. */
void lines_client_ask(struct lines_client *, const char *method, json_t *params, lines_done_fn *,
                      void *arg);
bool lines_client_is_up(const struct lines_client *);
const char *lines_client_reason(const struct lines_client *); /* why it is not; "" */

#endif
