/* cli_args.h - what was typed, read by a table of nouns and verbs. Pure.
 *
 * The table is the only description of the commands: it is what is parsed by, and what help, the
 * completion of shells and the manual's list are made of.
 *
 *     tieline NOUN VERB [ARGUMENT...] [--option [VALUE]]...
 *
 * Options may stand anywhere behind the verb, as "--name value" or "--name=value"; "--" ends them.
 * A noun whose only row has no verb ("health") is used without one. */
#ifndef CLI_CLI_ARGS_H
#define CLI_CLI_ARGS_H

#include "base/buf.h"
#include "base/err.h"

struct cli;

struct cli_option {
    const char *name;  /* "file": --file */
    const char *value; /* "FILE": what follows it; NULL: nothing does */
    const char *help;
    char letter;     /* 'f': -f; 0: none */
    bool many;       /* may be given more than once */
    bool is_path;    /* of a file, for completion */
    const char *one; /* "planned|observed": the only values; NULL: any */
};

struct cli_verb {
    const char *noun;
    const char *verb; /* NULL: the noun alone */
    /* In the order in which they are typed: "NAME", "NAME [PORT]", "NAME...", "[NAME...]"; "" if
     * there are none. FILE, DIR and PATH are completed as such. */
    const char *arguments;
    const struct cli_option *options; /* ends with a row without name; NULL: none of its own */
    const char *help;                 /* one line */
    int (*handler)(struct cli *);     /* the exit status */
    const void *data;                 /* for handlers that several rows share */
    bool rest; /* what follows the first argument is passed on as it is, options too */
};

struct cli_commands {
    const struct cli_verb *verbs; /* rows of a noun stand together */
    size_t n_verbs;
    const struct cli_option *common; /* options that every verb has; ends with a row without name */
};

/* One option that was given. */
struct cli_given {
    const struct cli_option *option;
    const char *value; /* NULL: it takes none */
};

struct cli_args {
    const struct cli_verb *verb; /* NULL: none was asked for, or only help about a noun */
    const char *noun;            /* NULL: none */
    bool help;                   /* --help is among the options */
    size_t n_arguments, n_given;
    const char **arguments; /* borrowed from argv */
    struct cli_given *given;
};

/* Reads what follows the program's name. ERR_INVALID: `diag` says what is wrong with it. With
 * --help the number of arguments does not matter. */
MUST_CHECK enum err cli_args_parse(const struct cli_commands *, int argc, char **argv,
                                   struct cli_args *, struct diag *);
void cli_args_fini(struct cli_args *);

/* The value of an option; NULL: not given. The last one if it was given more than once. */
const char *cli_args_option(const struct cli_args *, const char *name);
bool cli_args_has(const struct cli_args *, const char *name);
/* The argument at a place, from 0; NULL: there are fewer. */
const char *cli_args_at(const struct cli_args *, size_t);

/* "tieline circuit create [NAME] [options]". */
void cli_usage_put(const struct cli_verb *, struct buf *);
/* What there is: all nouns (noun NULL), the verbs of a noun (verb NULL), or all about one verb.
 * ERR_NOT_FOUND: no such noun or verb. */
MUST_CHECK enum err cli_help_put(const struct cli_commands *, const char *noun, const char *verb,
                                 struct buf *);
/* A completion script for "bash". ERR_UNSUPPORTED: another shell. */
MUST_CHECK enum err cli_completion_put(const struct cli_commands *, const char *shell,
                                       struct buf *);
/* The table of all commands in Markdown, as doc/cli.md has it. */
void cli_manual_put(const struct cli_commands *, struct buf *);

#endif
