/* cli_session.h - the sessions that `tieline login` opened, by server, in a file that only its
 * owner can read: $TIELINE_SESSION, or $XDG_STATE_HOME/tieline/sessions.json
 * (~/.local/state/tieline/sessions.json):
 *
 *     {"https://10.255.0.1:8443": {"id", "person", "token", "until"}} */
#ifndef CLI_CLI_SESSION_H
#define CLI_CLI_SESSION_H

#include "base/err.h"

struct cli_session {
    char *id, *person, *token, *until; /* NULL: there is none */
};

/* ERR_NOT_FOUND: none is kept for this server, or its time is over. ERR_DENIED: others can read the
 * file, or it is theirs; ERR_MALFORMED, ERR_IO: `diag` says what is wrong with it. */
MUST_CHECK enum err cli_session_read(const char *url, struct cli_session *, struct diag *);
void cli_session_fini(struct cli_session *);
/* Can one be kept? To be asked before one is opened that could not be. Errors as those of
 * cli_session_write(). */
MUST_CHECK enum err cli_session_ready(struct diag *);
/* Keeps it; NULL forgets it. ERR_INVALID: there is no place for it; others as cli_session_read().
 */
MUST_CHECK enum err cli_session_write(const char *url, const struct cli_session *, struct diag *);

#endif
