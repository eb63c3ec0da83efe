/* tool.h - what the lab's programs have in common: commands and options as tables (they parse and
 * print the help), signals and timers as file descriptors, output as JSON lines or text.
 *
 * Exit status: 0 done; 1 what was asked for did not hold; 2 wrong usage; 3 the system refused. */
#ifndef LAB_TOOLS_TOOL_H
#define LAB_TOOLS_TOOL_H

#include "base/time.h"
#include "packet/addr.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOOL_OK = 0, TOOL_UNMET = 1, TOOL_USAGE = 2, TOOL_SYSTEM = 3 };

enum tool_kind {
    TOOL_FLAG,     /* bool */
    TOOL_TEXT,     /* const char * */
    TOOL_NUMBER,   /* int64_t, decimal or 0x.., from min to max */
    TOOL_DURATION, /* nsec_t, "10ms"; from min to max */
    TOOL_MAC,      /* struct mac */
    TOOL_IPV4,     /* uint32_t in host order */
};

struct tool_option {
    const char *name; /* without the dashes; NULL ends a table */
    enum tool_kind kind;
    void *to;          /* holds the default before */
    const char *value; /* what the help calls the value; NULL for a flag */
    const char *help;
    int64_t min, max; /* max 0: no limit */
};

struct tool_command {
    const char *name; /* NULL: the program has no commands, this is all it does; or ends a table */
    const char *operands; /* for the help; NULL: takes none */
    const char *help;
    const struct tool_option *options;
    int (*run)(int n_operands, char **operands); /* returns the exit status */
};

struct tool_program {
    const char *name;
    const char *about;
    const struct tool_command *commands;
};

/* Parses the command line, runs the command and returns its exit status. --help prints and is 0;
 * every command also takes --json. */
int tool_main(const struct tool_program *, int argc, char **argv);

/* End the program with a line on standard error: wrong usage; the system's refusal. */
_Noreturn void tool_usage_error(const char *format, ...) PRINTF_LIKE(1, 2);
_Noreturn void tool_fail(const char *format, ...) PRINTF_LIKE(1, 2);
/* A line on standard error. */
void tool_warn(const char *format, ...) PRINTF_LIKE(1, 2);

/* Prints the object on one line of standard output, at once: as JSON, or "key value, key value"
 * without --json. Takes the reference. */
void tool_emit(json_t *object);

nsec_t tool_monotonic(void);
nsec_t tool_wall(void);

/* Asks for real-time priority, so that what is measured is not this machine's other work. False
 * when that is not permitted; then the program goes on without. */
bool tool_realtime(void);

/* A descriptor that is readable when SIGINT or SIGTERM came, or SIGUSR1 if that is asked for; they
 * no longer interrupt. */
int tool_signals(bool with_usr1);
/* Which of them; 0: none. */
int tool_signal(int fd);

/* Waits until `fd` (-1: none) is readable, the monotonic clock shows `at` (NSEC_NEVER: no limit),
 * or a signal came to `signals`. Returns the signal, 0 when it was one of the others. */
int tool_wait(int fd, int signals, nsec_t at);

/* A timer on the monotonic clock, readable when `at` has passed. NSEC_NEVER: stopped. */
int tool_timer(void);
void tool_timer_at(int fd, nsec_t at);
void tool_timer_clear(int fd); /* after it was readable */

#endif
