/* cli.h - what every verb of `tieline` has at hand: what was typed, the server, the output.
 *
 * A verb is a function of the table in cli_verbs.c. It asks the API with cli_call(), shows what
 * came (cli_json() has done so with --json), and returns the exit status. What went wrong has been
 * said on standard error by the function that returns another status than CLI_OK. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/time.h"
#include "cli/cli_args.h"
#include "cli/cli_http.h"
#include "cli/cli_table.h"

enum cli_status {
    CLI_OK = 0,
    CLI_FAILED = 1,      /* refused, or it failed */
    CLI_USAGE = 2,       /* not understood */
    CLI_WAITING = 3,     /* work that waits for an approval or a time */
    CLI_UNREACHABLE = 4, /* no server */
};

/* What the server is shown of who asks. */
enum cli_shown {
    SHOWN_SESSION,     /* the one that is kept; a certificate if there is none, or --cert says so */
    SHOWN_CERTIFICATE, /* if there is one; no session */
    SHOWN_NOTHING,
};

struct cli {
    const struct cli_commands *commands;
    struct cli_args args;
    bool json, utc;
    enum cli_shown shown;
    struct buf out;            /* of standard output; cli_flush() */
    struct http *http;         /* NULL: not needed yet */
    struct http_answer answer; /* of the last call */
};

extern const struct cli_commands cli_commands; /* cli_verbs.c */

/* The whole program. */
int cli_main(int argc, char **argv);

/* Writes out what is in `out`. CLI_FAILED: nobody takes it. */
int cli_flush(struct cli *);
/* "tieline: TEXT" on standard error, as one line; returns `status`. */
int cli_fail(struct cli *, int status, const char *format, ...) PRINTF_LIKE(3, 4);
/* A line on standard error that is no error. */
void cli_note(struct cli *, const char *format, ...) PRINTF_LIKE(2, 3);

/* The server, by option, environment or configuration file. */
MUST_CHECK int cli_server(struct cli *, struct http **);
/* Asks the API. `path` and `body` (NULL: none) are consumed. Everything but success is said, and
 * with --json the problem document is printed. `*document` is borrowed until the next call, and an
 * object. */
MUST_CHECK int cli_call(struct cli *, const char *method, char *path, json_t *body,
                        const json_t **document);
/* The same for GET. */
MUST_CHECK int cli_get(struct cli *, char *path, const json_t **document);
/* Asks for something that can be done without: says nothing, and leaves the last answer as it is.
 * The caller owns *document. CLI_FAILED: it was refused. */
MUST_CHECK int cli_look(struct cli *, char *path, json_t **document);
/* With --json: prints the last answer as it came, {} if it was empty, and returns true. */
bool cli_json(struct cli *);
/* Prints a document of our own making; consumed. */
void cli_print(struct cli *, json_t *document);

const char *cli_argument(const struct cli *, size_t); /* NULL: not given */
const char *cli_option(const struct cli *, const char *name);
/* Puts an option that is a number into the parameters of a call, under its name; nothing if it is
 * not given. Exit status; a number below `least` is wrong usage. */
int cli_put_number(struct cli *, const char *option, long long least, json_t *params);
bool cli_has(const struct cli *, const char *name);
/* Without this option nothing goes: CLI_USAGE, and `what` says what it is for. */
MUST_CHECK int cli_need(struct cli *, const char *option, const char *what);
/* All values of an option that may be there several times: an array of texts, which the caller
 * owns. */
json_t *cli_values(const struct cli *, const char *option);
/* CLI_USAGE: it is no duration, or less than `least`; `example` is one ("10s"). *duration stays as
 * it is if the option is not given. */
MUST_CHECK int cli_duration(struct cli *, const char *option, nsec_t least, const char *example,
                            nsec_t *duration);

/* Shows an answer of which all is said with "done". */
int cli_done(struct cli *, const char *format, ...) PRINTF_LIKE(2, 3);
/* Asks on the terminal; false also where there is none. */
bool cli_confirm(const char *question);
bool cli_is_terminal(void); /* standard output */

/* Reads a whole file, "-" for standard input. */
MUST_CHECK int cli_read_file(struct cli *, const char *path, struct buf *text);
/* Reads a JSON document from such a file. The caller owns it. */
MUST_CHECK int cli_read_json(struct cli *, const char *path, json_t **document);
/* Writes a file, all or nothing. */
MUST_CHECK int cli_write_file(struct cli *, const char *path, const void *data, size_t size);

/* {"name": text, ...} of pairs, the last name NULL; pairs whose text is NULL are left out. */
json_t *cli_object(const char *name, ...) __attribute__((sentinel));

#endif
