/* tieline-edge - the packet node. */
#include "edge/edge_node.h"

#include "io/notify.h"

#include <stdio.h>
#include <stdlib.h>

struct program {
    struct edge_node *node;
    uv_signal_t signals[3];
    uv_timer_t linger;
    nsec_t linger_time; /* 0: it ends at once */
};

static void
close_signals(struct program *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
    uv_close((uv_handle_t *)&p->linger, NULL);
}

static void
end(struct program *p)
{
    edge_node_free(p->node);
    p->node = NULL;
    close_signals(p);
}

static void
on_lingered(uv_timer_t *timer)
{
    end(timer->data);
}

static void
on_end(uv_signal_t *signal, int number)
{
    struct program *p = signal->data;
    log_info("ends: %s", number == SIGTERM ? "SIGTERM" : "SIGINT");
    if (p->node && p->linger_time && !uv_is_active((uv_handle_t *)&p->linger)) {
        edge_node_leave(p->node);
        uv_timer_start(&p->linger, on_lingered, (uint64_t)(p->linger_time / NSEC_PER_MSEC), 0);
    } else { /* also if it is asked again */
        end(p);
    }
}

static void
on_handed_over(void *arg)
{
    struct program *p = arg;
    log_info("ends: another process has taken over");
    end(p);
}

static void
on_reload(uv_signal_t *signal, int number UNUSED)
{
    struct program *p = signal->data;
    struct diag diag;
    if (edge_node_reload(p->node, &diag))
        log_error("the certificates stay as they are: %s", diag.text);
    else
        log_info("the certificates were read again");
}

static void
handle_signals(uv_loop_t *loop, struct program *p)
{
    static const struct {
        int number;
        uv_signal_cb handle;
    } handled[] = {{SIGTERM, on_end}, {SIGINT, on_end}, {SIGHUP, on_reload}};
    for (size_t i = 0; i < ARRAY_SIZE(handled); i++) {
        uv_signal_init(loop, &p->signals[i]);
        p->signals[i].data = p;
        uv_signal_start(&p->signals[i], handled[i].handle, handled[i].number);
    }
}

static int
run(const struct edge_options *options)
{
    static char name[96]; /* the log keeps it */
    struct program program = {.linger_time = options->linger};
    struct diag diag;
    uv_loop_t loop;
    uv_loop_init(&loop);
    snprintf(name, sizeof name, "tieline-edge %s", options->name);
    log_init(name, options->log_level);
    uv_timer_init(&loop, &program.linger);
    program.linger.data = &program;
    handle_signals(&loop, &program); /* before anything that one must undo */
    enum err err = edge_node_new(&loop, options, &program.node, &diag);
    if (err) {
        log_error("%s", diag.text);
        close_signals(&program);
    } else {
        edge_node_on_handed_over(program.node, on_handed_over, &program);
        notify_main_process();
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    struct edge_options options;
    enum edge_command command;
    struct buf text = BUF_INIT;
    struct diag diag;
    if (edge_options_parse(argc, argv, &options, &command, &diag)) {
        fprintf(stderr, "tieline-edge: %s\nTry tieline-edge --help.\n", diag.text);
        return 2;
    }
    switch (command) {
    case EDGE_HELP:
        edge_options_help(&text);
        fputs(buf_cstr(&text), stdout);
        buf_fini(&text);
        return EXIT_SUCCESS;
    case EDGE_VERSION:
        puts("tieline-edge " TIELINE_VERSION);
        return EXIT_SUCCESS;
    default:
        return run(&options);
    }
}
