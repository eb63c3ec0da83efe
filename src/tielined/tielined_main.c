/* tielined - the services of a site. */
#include "tielined/options.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct program {
    uv_loop_t loop;
    uv_signal_t term, interrupt, hangup;
    struct daemon *daemon;
};

static void
close_signal(uv_signal_t *handle)
{
    uv_close((uv_handle_t *)handle, NULL);
}

static void
on_end(uv_signal_t *handle, int number)
{
    struct program *p = handle->data;
    log_info("signal %d: ending", number);
    close_signal(&p->term);
    close_signal(&p->interrupt);
    close_signal(&p->hangup);
    daemon_end(p->daemon);
    p->daemon = NULL;
}

static void
on_hangup(uv_signal_t *handle, int number UNUSED)
{
    struct program *p = handle->data;
    daemon_reload(p->daemon);
}

static void
watch(struct program *p, uv_signal_t *handle, uv_signal_cb callback, int number)
{
    uv_signal_init(&p->loop, handle);
    handle->data = p;
    uv_signal_start(handle, callback, number);
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
    log_init("tielined", options.log_level);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&p.loop);
    enum err err = daemon_new(&p.loop, &options.daemon, &p.daemon, &diag);
    if (err) {
        log_error("%s", diag.text);
    } else {
        watch(&p, &p.term, on_end, SIGTERM);
        watch(&p, &p.interrupt, on_end, SIGINT);
        watch(&p, &p.hangup, on_hangup, SIGHUP);
    }
    uv_run(&p.loop, UV_RUN_DEFAULT);
    uv_loop_close(&p.loop);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
