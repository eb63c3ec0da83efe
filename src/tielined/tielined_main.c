/* tielined - the services of a site. */
#include "io/file.h"
#include "tielined/options.h"
#include "tielined/probe.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct program {
    uv_loop_t loop;
    uv_signal_t term, interrupt, hangup;
    const struct daemon_config *config;
    struct daemon *daemon;
    struct probe *probe;
    bool ending, failed;
};

static void
close_signal(uv_signal_t *handle)
{
    uv_close((uv_handle_t *)handle, NULL);
}

static void
stop(struct program *p)
{
    if (p->ending)
        return;
    p->ending = true;
    close_signal(&p->term);
    close_signal(&p->interrupt);
    close_signal(&p->hangup);
    probe_free(p->probe);
    p->probe = NULL;
    daemon_end(p->daemon, NULL, NULL);
    p->daemon = NULL;
}

static void
on_end(uv_signal_t *handle, int number)
{
    log_info("signal %d: ending", number);
    stop(handle->data);
}

static void
on_hangup(uv_signal_t *handle, int number UNUSED)
{
    struct program *p = handle->data;
    if (p->daemon)
        daemon_reload(p->daemon);
}

static void on_over(void *arg, enum daemon_why why);

/* The one that led is gone, with all it knew. */
static void
stand_by(void *arg)
{
    struct program *p = arg;
    struct diag diag;
    if (p->ending || !daemon_new(&p->loop, p->config, on_over, p, &p->daemon, &diag))
        return;
    log_error("%s", diag.text);
    p->failed = true;
    stop(p);
}

static void
on_over(void *arg, enum daemon_why why)
{
    struct program *p = arg;
    struct daemon *daemon = p->daemon;
    if (why == DAEMON_LOST && !p->ending) {
        p->daemon = NULL;
        daemon_end(daemon, stand_by, p);
    } else {
        p->failed = why == DAEMON_FAILED;
        stop(p);
    }
}

static void
watch(struct program *p, uv_signal_t *handle, uv_signal_cb callback, int number)
{
    uv_signal_init(&p->loop, handle);
    handle->data = p;
    uv_signal_start(handle, callback, number);
}

static enum daemon_stage
stage_of(void *arg)
{
    const struct program *p = arg;
    return daemon_stage(p->daemon);
}

static int
ask(const struct options *options)
{
    struct diag diag;
    enum err err = probe_ask(options->probe, options->ask, stdout, &diag);
    if (err && err != ERR_CONFLICT) /* which has been told */
        fprintf(stderr, "tielined: %s\n", diag.text);
    return err == ERR_INVALID ? 2 : err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The probe first: it is to answer while the daemon waits. */
static enum err
start(struct program *p, const struct options *options, struct diag *diag)
{
    enum err err = ERR_OK;
    if (options->probe)
        err = probe_new(&p->loop, options->probe, stage_of, p, &p->probe, diag);
    if (!err)
        err = daemon_new(&p->loop, &options->daemon, on_over, p, &p->daemon, diag);
    if (!err)
        return ERR_OK;
    probe_free(p->probe);
    p->probe = NULL;
    return err;
}

int
main(int argc, char **argv)
{
    struct options options;
    struct program p = {0};
    struct diag diag;
    if (options_parse(argc, argv, &options, &diag)) {
        fprintf(stderr, "tielined: %s; --help lists the options\n", diag.text);
        return 2;
    }
    if (options.help || options.version) {
        options.help ? options_help(stdout) : (void)puts("tielined " TIELINE_VERSION);
        return 0;
    }
    if (options.ask)
        return ask(&options);
    log_init("tielined", options.log_level);
    signal(SIGPIPE, SIG_IGN);
    if (!file_allow_many())
        log_warn("no more than the usual number of files may be open");
    uv_loop_init(&p.loop);
    p.config = &options.daemon;
    /* Before anything that one must undo, and before anybody is told that it serves. */
    watch(&p, &p.term, on_end, SIGTERM);
    watch(&p, &p.interrupt, on_end, SIGINT);
    watch(&p, &p.hangup, on_hangup, SIGHUP);
    enum err err = start(&p, &options, &diag);
    if (err) {
        log_error("%s", diag.text);
        stop(&p);
    }
    uv_run(&p.loop, UV_RUN_DEFAULT);
    uv_loop_close(&p.loop);
    return err || p.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
