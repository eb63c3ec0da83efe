/* tieline-probe - sends and reflects tests beside a switch that is not ours: probe.h. */
#include "base/log.h"
#include "edge/probe.h"
#include "packet/addr.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    struct probe_config probe;
    struct tls_config tls;
    enum log_level log_level;
};

static const char help[] =
    "Usage: tieline-probe --name NODE --interface NAME [options]\n"
    "\n"
    "Sends and reflects test packets on the LOCAL port of a switch.\n"
    "\n"
    "  --name NODE             of the switch, as in the inventory\n"
    "  --interface NAME        the switch's LOCAL port, such as br0\n"
    "  --management ADDRESS    IPv4 address of this node in the management network; without it, "
    "no\n"
    "                          multicast circuits are tested\n"
    "  --rpc tls:IP:PORT       the LAN controller\n"
    "  --controller-name NAME  what the controller's certificate is issued to (controller)\n"
    "  --ca FILE               PEM: whose certificates are accepted\n"
    "  --cert FILE             PEM: this node's certificate\n"
    "  --key FILE              PEM: its key\n"
    "  --control PATH          a Unix socket for local use\n"
    "  --debug                 says more\n"
    "  --version, --help\n"
    "\n"
    "SIGHUP reads the certificates again.\n";

_Noreturn static void
usage_error(const char *text)
{
    fprintf(stderr, "tieline-probe: %s\nTry tieline-probe --help.\n", text);
    exit(2);
}

static void
take_option(struct options *o, int option)
{
    switch (option) {
    case 'n':
        o->probe.name = optarg;
        break;
    case 'i':
        o->probe.interface = optarg;
        break;
    case 'm':
        if (ipv4_parse(optarg, &o->probe.management_address))
            usage_error("--management: no IPv4 address");
        break;
    case 'r':
        o->probe.rpc_address = optarg;
        break;
    case 'N':
        o->probe.controller_name = optarg;
        break;
    case 'a':
        o->tls.ca_file = optarg;
        break;
    case 'c':
        o->tls.cert_file = optarg;
        break;
    case 'k':
        o->tls.key_file = optarg;
        break;
    case 'u':
        o->probe.control_path = optarg;
        break;
    case 'd':
        o->log_level = LOG_DEBUG;
        break;
    case 'v':
        puts("tieline-probe " TIELINE_VERSION);
        exit(EXIT_SUCCESS);
    case 'h':
        fputs(help, stdout);
        exit(EXIT_SUCCESS);
    default: /* getopt has said what is wrong */
        exit(2);
    }
}

static struct options
parse(int argc, char **argv)
{
    static const struct option table[] = {
        {"name", required_argument, NULL, 'n'},
        {"interface", required_argument, NULL, 'i'},
        {"management", required_argument, NULL, 'm'},
        {"rpc", required_argument, NULL, 'r'},
        {"controller-name", required_argument, NULL, 'N'},
        {"ca", required_argument, NULL, 'a'},
        {"cert", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},
        {"control", required_argument, NULL, 'u'},
        {"debug", no_argument, NULL, 'd'},
        {"version", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    struct options o = {.probe = {.controller_name = "controller"}, .log_level = LOG_INFO};
    int option;
    while ((option = getopt_long(argc, argv, "", table, NULL)) >= 0)
        take_option(&o, option);
    if (optind < argc)
        usage_error("there are words too many");
    if (!o.probe.name || !o.probe.interface)
        usage_error("--name and --interface are needed");
    if (!o.tls.ca_file != !o.tls.cert_file || !o.tls.ca_file != !o.tls.key_file)
        usage_error("--ca, --cert and --key go together");
    return o;
}

/* ---- Running ---- */

struct program {
    struct probe *probe;
    struct tls *tls;
    uv_signal_t signals[3];
};

static void
close_signals(struct program *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(p->signals); i++)
        uv_close((uv_handle_t *)&p->signals[i], NULL);
}

static void
on_end(uv_signal_t *signal, int number UNUSED)
{
    struct program *p = signal->data;
    log_info("ends");
    probe_free(p->probe);
    close_signals(p);
}

static void
on_reload(uv_signal_t *signal, int number UNUSED)
{
    struct program *p = signal->data;
    struct diag diag;
    if (p->tls && tls_reload(p->tls, &diag))
        log_error("the certificates stay as they are: %s", diag.text);
    else if (p->tls)
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

/* So that what is measured is not this machine's other work. Without permission it goes on as
 * others do. */
static void
ask_for_real_time(void)
{
    struct sched_param first = {.sched_priority = 1};
    if (sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first))
        log_debug("no real-time priority: %s", strerror(errno));
}

static enum err
begin(uv_loop_t *loop, struct options *o, struct program *p, struct diag *diag)
{
    enum err err = o->tls.ca_file ? tls_new(&o->tls, &p->tls, diag) : ERR_OK;
    if (err)
        return err;
    o->probe.tls = p->tls;
    ask_for_real_time();
    return probe_new(loop, &o->probe, &p->probe, diag);
}

int
main(int argc, char **argv)
{
    struct options options = parse(argc, argv);
    struct program program = {.probe = NULL};
    struct diag diag;
    uv_loop_t loop;
    log_init("tieline-probe", options.log_level);
    uv_loop_init(&loop);
    handle_signals(&loop, &program);
    enum err err = begin(&loop, &options, &program, &diag);
    if (err) {
        log_error("%s", diag.text);
        close_signals(&program);
    } else {
        log_info("%s is tested through %s", options.probe.name, options.probe.interface);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    tls_free(program.tls);
    uv_loop_close(&loop);
    return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
