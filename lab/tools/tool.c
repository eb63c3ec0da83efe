#include "lab/tools/tool.h"

#include "base/alloc.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static const struct tool_program *program;
static bool as_json;

static const struct tool_option json_option = {
    .name = "json", .kind = TOOL_FLAG, .to = &as_json, .help = "JSON lines on standard output"};

/* ---- Messages ------------------------------------------------------------------------------ */

static void PRINTF_LIKE(1, 0) say(const char *format, va_list args)
{
    char *text = xvasprintf(format, args);
    fprintf(stderr, "%s: %s\n", program->name, text);
    free(text);
}

void
tool_usage_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    fprintf(stderr, "Try '%s --help'.\n", program->name);
    exit(TOOL_USAGE);
}

void
tool_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    exit(TOOL_SYSTEM);
}

void
tool_warn(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
}

static void
print_text(json_t *object)
{
    const char *key, *separator = "";
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (json_is_string(value)) {
            printf("%s%s %s", separator, key, json_string_value(value));
        } else {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
            printf("%s%s %s", separator, key, text);
            free(text);
        }
        separator = ", ";
    }
    putchar('\n');
}

void
tool_emit(json_t *object)
{
    if (!object)
        tool_fail("cannot be printed: it is not UTF-8");
    if (as_json) {
        json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        putchar('\n');
    } else {
        print_text(object);
    }
    json_decref(object);
    if (fflush(stdout))
        tool_fail("standard output: %s", strerror(errno));
}

/* ---- The command line ---------------------------------------------------------------------- */

static void
print_option(const struct tool_option *o)
{
    char left[64];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    printf("  %-28s %s\n", left, o->help);
}

static void
print_help(void)
{
    printf("%s - %s\n", program->name, program->about);
    for (const struct tool_command *c = program->commands; c->run; c++) {
        printf("\n%s%s%s [options]%s%s\n", program->name, c->name ? " " : "",
               c->name ? c->name : "", c->operands ? " " : "", c->operands ? c->operands : "");
        printf("  %s\n", c->help);
        for (const struct tool_option *o = c->options; o->name; o++)
            print_option(o);
        print_option(&json_option);
        if (!c->name)
            break;
    }
    printf("\nExit status: 0 done; 1 what was asked for did not hold; 2 wrong usage; 3 the system "
           "refused.\n");
}

static const struct tool_option *
find_option(const struct tool_command *command, const char *name, size_t length)
{
    const struct tool_option *o = command->options;
    while (o->name && (strlen(o->name) != length || strncmp(o->name, name, length)))
        o++;
    if (o->name)
        return o;
    return length == strlen(json_option.name) && !strncmp(name, json_option.name, length)
               ? &json_option
               : NULL;
}

static void
set_number(const struct tool_option *o, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 0);
    if (errno || end == text || *end)
        tool_usage_error("--%s %s: not a number", o->name, text);
    if (number < o->min || (o->max && number > o->max))
        tool_usage_error("--%s %s: not from %lld to %lld", o->name, text, (long long)o->min,
                         (long long)o->max);
    *(int64_t *)o->to = number;
}

static void
set_duration(const struct tool_option *o, const char *text)
{
    nsec_t duration;
    if (time_parse_duration(text, &duration))
        tool_usage_error("--%s %s: not a duration (10ms, 1.5s, 2m)", o->name, text);
    if (duration < o->min || (o->max && duration > o->max))
        tool_usage_error("--%s %s: out of range", o->name, text);
    *(nsec_t *)o->to = duration;
}

static void
set_option(const struct tool_option *o, const char *text)
{
    switch (o->kind) {
    case TOOL_FLAG:
        *(bool *)o->to = true;
        break;
    case TOOL_TEXT:
        *(const char **)o->to = text;
        break;
    case TOOL_NUMBER:
        set_number(o, text);
        break;
    case TOOL_DURATION:
        set_duration(o, text);
        break;
    case TOOL_MAC:
        if (mac_parse(text, o->to))
            tool_usage_error("--%s %s: not a MAC address", o->name, text);
        break;
    case TOOL_IPV4:
        if (ipv4_parse(text, o->to))
            tool_usage_error("--%s %s: not an IPv4 address", o->name, text);
        break;
    }
}

/* Takes "--name value", "--name=value" or "--flag" at argv[*at] and moves past it. */
static void
take_option(const struct tool_command *command, char **argv, int argc, int *at)
{
    const char *text = argv[(*at)++] + 2;
    size_t length = strcspn(text, "=");
    const struct tool_option *o = find_option(command, text, length);
    if (!o)
        tool_usage_error("unknown option --%.*s", (int)length, text);
    const char *value = text[length] ? text + length + 1 : NULL;
    if (o->kind == TOOL_FLAG) {
        if (value)
            tool_usage_error("--%s takes no value", o->name);
    } else if (!value) {
        if (*at >= argc)
            tool_usage_error("--%s needs a value: %s", o->name, o->value);
        value = argv[(*at)++];
    }
    set_option(o, value);
}

static const struct tool_command *
find_command(int argc, char **argv, int *at)
{
    const struct tool_command *c = program->commands;
    if (!c->name)
        return c;
    if (*at >= argc)
        tool_usage_error("which command?");
    const char *name = argv[(*at)++];
    while (c->run && strcmp(c->name, name))
        c++;
    if (!c->run)
        tool_usage_error("unknown command '%s'", name);
    return c;
}

int
tool_main(const struct tool_program *p, int argc, char **argv)
{
    program = p;
    prctl(PR_SET_TIMERSLACK, 1); /* tool_wait() is to end when it is time, not 50 us later */
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            print_help();
            return TOOL_OK;
        }
    }
    int at = 1, n_operands = 0;
    const struct tool_command *command = find_command(argc, argv, &at);
    while (at < argc) {
        if (!strncmp(argv[at], "--", 2) && argv[at][2])
            take_option(command, argv, argc, &at);
        else
            argv[n_operands++] = argv[at++]; /* behind what has been read */
    }
    if (n_operands && !command->operands)
        tool_usage_error("unexpected '%s'", argv[0]);
    return command->run(n_operands, argv);
}

/* ---- Time, signals ------------------------------------------------------------------------- */

static nsec_t
read_clock(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

nsec_t
tool_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

nsec_t
tool_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

bool
tool_realtime(void)
{
    const struct sched_param priority = {.sched_priority = 10};
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &priority))
        return false;
    return mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

int
tool_signals(bool with_usr1)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (with_usr1)
        sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0)
        tool_fail("signalfd: %s", strerror(errno));
    return fd;
}

int
tool_signal(int fd)
{
    struct signalfd_siginfo info;
    return read(fd, &info, sizeof info) == sizeof info ? (int)info.ssi_signo : 0;
}

int
tool_wait(int fd, int signals, nsec_t at)
{
    struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    nsec_t wait = at - tool_monotonic(), left = MAX(wait, 0);
    const struct timespec timeout = {.tv_sec = left / NSEC_PER_SEC, .tv_nsec = left % NSEC_PER_SEC};
    if (ppoll(fds, fd < 0 ? 1 : 2, at == NSEC_NEVER ? NULL : &timeout, NULL) < 0 && errno != EINTR)
        tool_fail("poll: %s", strerror(errno));
    return tool_signal(signals);
}

int
tool_timer(void)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0)
        tool_fail("timerfd: %s", strerror(errno));
    return fd;
}

void
tool_timer_at(int fd, nsec_t at)
{
    struct itimerspec spec = {.it_value = {0}};
    if (at != NSEC_NEVER) {
        at = MAX(at, 1); /* zero would stop it */
        spec.it_value.tv_sec = at / NSEC_PER_SEC;
        spec.it_value.tv_nsec = at % NSEC_PER_SEC;
    }
    timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

void
tool_timer_clear(int fd)
{
    uint64_t n;
    if (read(fd, &n, sizeof n) < 0) { /* it had been set anew meanwhile */
    }
}
