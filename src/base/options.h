/* options.h - the command line of a program, by a table: "--name value", "--name=value", "--flag".
 * The same rows read, complete and explain it. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_kind {
    OPTION_TEXT,   /* const char *: a text of `argv` */
    OPTION_NUMBER, /* uint32_t: 1 to `most` */
    OPTION_FLAG,   /* bool */
    OPTION_OTHER,  /* `take` */
};

struct option_row {
    const char *name, *value; /* of the value: what it is; "": the option has none */
    enum option_kind kind;
    size_t at;            /* in the program's struct */
    const char *fallback; /* of a text that is not given; "": none; NULL: it must be given */
    const char *help;
    uint32_t most;
    /* What is wrong with the value; the option's name is put before it. */
    enum err (*take)(void *options, const char *value, struct diag *);
};

#define TEXT_OPTION(name, value, at, fallback, help)                                               \
    {                                                                                              \
        name, value, OPTION_TEXT, at, fallback, help, 0, NULL                                      \
    }
#define NUMBER_OPTION(name, value, at, most, help)                                                 \
    {                                                                                              \
        name, value, OPTION_NUMBER, at, "", help, most, NULL                                       \
    }
#define FLAG_OPTION(name, at, help)                                                                \
    {                                                                                              \
        name, "", OPTION_FLAG, at, "", help, 0, NULL                                               \
    }
#define OTHER_OPTION(name, value, take, fallback, help)                                            \
    {                                                                                              \
        name, value, OPTION_OTHER, 0, fallback, help, 0, take                                      \
    }

/* Into `options`, which the caller has set to what holds without any. ERR_INVALID: `diag` names the
 * option; `options` is half done then. */
MUST_CHECK enum err options_read(const struct option_row *, size_t n, int argc, char *const *argv,
                                 void *options, struct diag *);
/* Texts that were not given. ERR_INVALID: one is needed. */
MUST_CHECK enum err options_complete(const struct option_row *, size_t n, void *options,
                                     struct diag *);
/* A whole number from `least` to `most`: digits only, all of them, no sign, no space, nothing
 * behind. False: it is none. */
bool option_number(const char *text, int base, uint64_t least, uint64_t most, uint64_t *value);
void options_explain(FILE *, const struct option_row *, size_t n);

#endif
