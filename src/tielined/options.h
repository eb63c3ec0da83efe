/* options.h - the command line of tielined. */
#ifndef TIELINED_OPTIONS_H
#define TIELINED_OPTIONS_H

#include "base/log.h"
#include "tielined/daemon.h"

#include <stdbool.h>
#include <stdio.h>

struct options {
    struct daemon_config daemon;
    enum log_level log_level;
    const char *probe; /* where it tells who may connect how far it is (probe.h); NULL: nowhere */
    const char *ask;   /* asks the program at `probe` that, and ends; NULL: this is the program */
    bool help, version;
};

/* Texts are those of `argv`. ERR_INVALID: `diag` names the option. With --help or --version nothing
 * else is asked for; with --ask only --probe. */
MUST_CHECK enum err options_parse(int argc, char *const *argv, struct options *, struct diag *);
void options_help(FILE *);

#endif
