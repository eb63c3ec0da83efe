/* cli_config.h - which server, and who asks: by option, environment, or
 * ~/.config/tieline/config.json
 *
 *     {"url": "https://10.255.0.1:8443", "ca": "ca.pem", "cert": "erin.pem", "key": "erin.key"}
 *
 * Files named there are relative to it. Members that it does not know are refused. */
#ifndef CLI_CLI_CONFIG_H
#define CLI_CLI_CONFIG_H

#include "base/err.h"

struct cli_config {
    char *url, *ca, *cert, *key; /* NULL: not said anywhere */
};

/* Reads the file at `path`. ERR_NOT_FOUND: there is none, which is no mistake; ERR_MALFORMED,
 * ERR_INVALID, ERR_IO: `diag` says what is wrong with it. */
MUST_CHECK enum err cli_config_read(const char *path, struct cli_config *, struct diag *);
void cli_config_fini(struct cli_config *);
/* Where it is: below $XDG_CONFIG_HOME or $HOME; NULL: neither is set. The caller frees it. */
char *cli_config_path(void);

#endif
