/* simulator_testing.h - tieline-pccsim as the routers of a test: another process, which has the
 * PCC's side of the protocol. */
#ifndef WAN_SIMULATOR_TESTING_H
#define WAN_SIMULATOR_TESTING_H

#include "io/testing.h"

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>

#define SIMULATOR_ARGS_MAX 40

struct simulator {
    pid_t pid; /* 0: it does not run */
    int output;
};

/* Runs it against a PCE at `address`, with these options, ended by NULL. */
static inline UNUSED void
simulator_run(struct simulator *s, const char *address, const char *const *options)
{
    char program[PATH_MAX];
    const char *args[SIMULATOR_ARGS_MAX] = {"tieline-pccsim", "--pce", address};
    int pipes[2], n = 3;
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 32);
    assert_true(length > 0);
    program[length] = 0;
    strcpy(strrchr(program, '/') + 1, "tieline-pccsim");
    while (*options)
        args[n++] = *options++;
    assert_int_equal(pipe(pipes), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (!s->pid) {
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execv(program, (char *const *)args);
        _exit(127);
    }
    close(pipes[1]);
    s->output = pipes[0];
}

/* Ends it and reads its summary, which the caller frees. It says goodbye to the PCE, so the loop
 * goes on meanwhile. */
static inline UNUSED char *
simulator_end(struct simulator *s, uv_loop_t *loop)
{
    char *text = calloc(1, 65536);
    size_t size = 0;
    kill(s->pid, SIGTERM);
    while (waitpid(s->pid, NULL, WNOHANG) == 0) {
        uv_run(loop, UV_RUN_NOWAIT);
        usleep(1000);
    }
    for (ssize_t n; (n = read(s->output, text + size, 65535 - size)) > 0;)
        size += (size_t)n;
    close(s->output);
    s->pid = 0;
    return text;
}

/* The number behind "name": in the summary. */
static inline UNUSED long
simulator_said(const char *summary, const char *name)
{
    char key[64];
    snprintf(key, sizeof key, "\"%s\":", name);
    const char *at = strstr(summary, key);
    if (!at)
        fail_msg("%s is not in %s", name, summary);
    return strtol(at + strlen(key), NULL, 10);
}

#endif
