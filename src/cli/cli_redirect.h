/* cli_redirect.h - where an identity provider sends the browser back to: a port of this machine,
 * for one answer (RFC 8252 section 7.3). Blocking; for one thread. */
#ifndef CLI_CLI_REDIRECT_H
#define CLI_CLI_REDIRECT_H

#include "base/err.h"
#include "base/time.h"

struct redirect; /* Opaque. */

/* Listens on a port of 127.0.0.1 that is free. ERR_IO. */
MUST_CHECK enum err redirect_open(struct redirect **, struct diag *);
void redirect_close(struct redirect *);            /* NULL is fine. */
const char *redirect_uri(const struct redirect *); /* "http://127.0.0.1:53412/callback" */

/* Waits for the browser, tells it what came, and gives the code, which the caller frees. Requests
 * for anything else, or with another `state`, are refused, and the waiting goes on. ERR_TIMEOUT;
 * ERR_DENIED: the provider says no, or the answer is another issuer's (RFC 9207); ERR_IO. */
MUST_CHECK enum err redirect_wait(struct redirect *, const char *state, const char *issuer,
                                  nsec_t timeout, char **code, struct diag *);

#endif
