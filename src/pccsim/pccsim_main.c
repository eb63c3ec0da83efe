/* tieline-pccsim - plays many routers to a path computation element. */
#include "io/file.h"
#include "pccsim/sim.h"

#include <stdio.h>
#include <stdlib.h>

struct program {
    struct sim *sim;
    uv_signal_t signals[2];
};

static void
end(struct program *p)
{
    struct buf text = BUF_INIT;
    if (!p->sim)
        return;
    sim_summary(p->sim, &text);
    fputs(buf_cstr(&text), stdout);
    fflush(stdout);
    buf_fini(&text);
    sim_free(p->sim);
    p->sim = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
}

static void
on_ended(void *arg)
{
    end(arg);
}

static void
on_signal(uv_signal_t *signal, int number UNUSED)
{
    end(signal->data);
}

static int
run(const struct pccsim_options *options)
{
    static const int numbers[] = {SIGTERM, SIGINT};
    struct program program = {0};
    struct diag diag;
    uv_loop_t loop;
    log_init("tieline-pccsim", options->log_level);
    if (!file_allow_many())
        log_warn("no more than the usual number of files may be open");
    uv_loop_init(&loop);
    enum err err = sim_new(&loop, options, on_ended, &program, &program.sim, &diag);
    if (err) {
        fprintf(stderr, "tieline-pccsim: %s\n", diag.text);
        uv_loop_close(&loop);
        return EXIT_FAILURE;
    }
    for (size_t i = 0; i < ARRAY_SIZE(program.signals); i++) {
        uv_signal_init(&loop, &program.signals[i]);
        program.signals[i].data = &program;
        uv_signal_start(&program.signals[i], on_signal, numbers[i]);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct pccsim_options options;
    enum pccsim_command command;
    struct diag diag;
    if (pccsim_options_parse(argc, argv, &options, &command, &diag)) {
        fprintf(stderr, "tieline-pccsim: %s\nTry tieline-pccsim --help.\n", diag.text);
        return 2;
    }
    if (command == PCCSIM_HELP)
        pccsim_options_help(stdout);
    else if (command == PCCSIM_VERSION)
        puts("tieline-pccsim " TIELINE_VERSION);
    else
        return run(&options);
    return EXIT_SUCCESS;
}
