/* tieline-frr-agent - an SSH subsystem at a router with FRR: frr_agent.h. */
#include "base/options.h"
#include "frragent/frr_agent.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct option_row rows[] = {
    TEXT_OPTION("vtysh", "PROGRAM", offsetof(struct frr_agent_config, vtysh), "/usr/bin/vtysh",
                "what applies lines"),
    TEXT_OPTION("config-dir", "DIR", offsetof(struct frr_agent_config, config_dir), "",
                "where FRR's files are, if not where vtysh looks"),
    FLAG_OPTION("transient", offsetof(struct frr_agent_config, transient),
                "do not write to FRR's files what is confirmed"),
    TEXT_OPTION("vty-socket", "DIR", offsetof(struct frr_agent_config, vty_socket), "",
                "where FRR's daemons have their sockets, if not where vtysh looks"),
};

int
main(int argc, char **argv)
{
    struct frr_agent_config config = {0};
    struct diag diag = {""};
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        options_explain(stdout, rows, ARRAY_SIZE(rows));
        return 0;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN); /* the end of the input is what counts */
    signal(SIGHUP, SIG_IGN);
    enum err err = options_read(rows, ARRAY_SIZE(rows), argc, argv, &config, &diag);
    if (!err)
        err = options_complete(rows, ARRAY_SIZE(rows), &config, &diag);
    if (!err)
        err = frr_agent_serve(&config, STDIN_FILENO, STDOUT_FILENO, &diag);
    if (err)
        fprintf(stderr, "tieline-frr-agent: %s\n", diag.text);
    return err ? 1 : 0;
}
