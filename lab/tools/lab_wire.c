/* lab-wire - the cables of a lab: one process emulates many links between interfaces. */
#include "base/alloc.h"
#include "base/buf.h"
#include "lab/tools/tool.h"
#include "lab/tools/wire_control.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { EVENT_TIMER, EVENT_SIGNAL, EVENT_NETLINK };

static const char *control_path;
static int64_t seed = 1;
static bool normal_priority;

static void
watch(int epoll, int fd, uint64_t number)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = number};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
        tool_fail("epoll: %s", strerror(errno));
}

/* Readable when some interface changes. */
static int
open_netlink(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
        tool_fail("netlink: %s", strerror(errno));
    return fd;
}

static char *
read_file(const char *path)
{
    struct buf b = buf_limited(1 << 20);
    FILE *f = fopen(path, "r");
    char chunk[4096];
    size_t n;
    if (!f)
        tool_fail("%s: %s", path, strerror(errno));
    while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_put(&b, chunk, n);
    if (ferror(f) || buf_err(&b))
        tool_fail("%s: %s", path, ferror(f) ? strerror(errno) : "larger than 1 MiB");
    fclose(f);
    return buf_steal_cstr(&b);
}

/* What came is of no interest, only that something did. */
static void
drain(int fd)
{
    char octets[8192];
    while (recv(fd, octets, sizeof octets, MSG_DONTWAIT) > 0)
        continue;
}

/* Until a signal says stop. */
static void
run(int epoll, int timer, int signals, int netlink, struct wires *wires,
    struct wire_control *control)
{
    for (;;) {
        struct epoll_event events[64];
        tool_timer_at(timer, wires_deliver(wires, tool_monotonic()));
        int n = epoll_wait(epoll, events, ARRAY_SIZE(events), -1);
        for (int i = 0; i < n; i++) {
            uint64_t event = events[i].data.u64;
            if (event & WIRE_EVENT) {
                wires_input(wires, event);
            } else if (event & WIRE_CONTROL_EVENT) {
                wire_control_input(control, event);
            } else if (event == EVENT_TIMER) {
                tool_timer_clear(timer);
            } else if (event == EVENT_NETLINK) {
                drain(netlink);
                wires_interfaces_changed(wires);
            } else if (tool_signal(signals)) {
                return;
            }
        }
    }
}

static int
run_wires(int n_operands, char **operands)
{
    if (n_operands != 1)
        tool_usage_error("one file with links is needed");
    struct wire_link_config *links;
    size_t n;
    struct diag diag;
    char *text = read_file(operands[0]);
    if (wire_config_parse(text, operands[0], &links, &n, &diag))
        tool_usage_error("%s", diag.text);
    free(text);

    int epoll = epoll_create1(EPOLL_CLOEXEC), timer = tool_timer(), signals = tool_signals(false);
    int netlink = open_netlink();
    watch(epoll, timer, EVENT_TIMER);
    watch(epoll, signals, EVENT_SIGNAL);
    watch(epoll, netlink, EVENT_NETLINK);
    struct wires *wires;
    struct wire_control *control = NULL;
    if (wires_open(links, n, (uint64_t)seed, epoll, &wires, &diag))
        tool_fail("%s", diag.text);
    if (control_path && wire_control_open(control_path, epoll, wires, &control, &diag))
        tool_fail("%s", diag.text);
    free(links);
    bool realtime = !normal_priority && tool_realtime();
    tool_emit(
        json_pack("{s:s,s:I,s:b}", "event", "ready", "links", (json_int_t)n, "realtime", realtime));
    run(epoll, timer, signals, netlink, wires, control);
    tool_emit(wires_json(wires));
    wire_control_close(control);
    wires_close(wires);
    return TOOL_OK;
}

/* ---- Telling a running one ----------------------------------------------------------------- */

static int
connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof address.sun_path)
        tool_usage_error("%s: longer than a socket's name may be", path);
    strcpy(address.sun_path, path);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        tool_fail("%s: %s", path, strerror(errno));
    return fd;
}

static int
tell(int n_operands, char **operands)
{
    struct buf line = BUF_INIT, reply = BUF_INIT;
    char chunk[4096];
    if (n_operands < 2)
        tool_usage_error("a socket and a command are needed");
    for (int i = 1; i < n_operands; i++)
        buf_printf(&line, "%s%s", i > 1 ? " " : "", operands[i]);
    buf_u8(&line, '\n');
    int fd = connect_to(operands[0]);
    if (send(fd, line.data, line.size, MSG_NOSIGNAL) != (ssize_t)line.size)
        tool_fail("%s: %s", operands[0], strerror(errno));
    ssize_t n = 1;
    while ((!reply.size || reply.data[reply.size - 1] != '\n') &&
           (n = recv(fd, chunk, sizeof chunk, 0)) > 0)
        buf_put(&reply, chunk, (size_t)n);
    json_t *answer = json_loads(buf_cstr(&reply), JSON_REJECT_DUPLICATES, NULL);
    if (!answer)
        tool_fail("%s: no answer", operands[0]);
    bool refused = json_is_false(json_object_get(answer, "ok"));
    tool_emit(answer);
    close(fd);
    buf_fini(&line);
    buf_fini(&reply);
    return refused ? TOOL_UNMET : TOOL_OK;
}

/* ---- The command line ---------------------------------------------------------------------- */

static const struct tool_option tell_options[] = {{0}};

static const struct tool_option run_options[] = {
    {"control", TOOL_TEXT, &control_path, "PATH", "Unix socket for set, cut, block, restore, show",
     0, 0},
    {"seed", TOOL_NUMBER, &seed, "N", "of the losses; the same seed loses the same frames", 0, 0},
    {"normal-priority", TOOL_FLAG, &normal_priority, NULL, "no real-time priority: less precise", 0,
     0},
    {0},
};

static const struct tool_command commands[] = {
    {"run", "FILE",
     "Joins interfaces of this network namespace as FILE says, until SIGINT or SIGTERM. A line:\n"
     "    NAME INTERFACE INTERFACE [delay-us=N] [rate-kbps=N] [queue=OCTETS] [loss=P]\n"
     "  N/M instead of N: from the first interface to the second, and back.",
     run_options, run_wires},
    {"tell", "SOCKET COMMAND...",
     "Tells a running one what to do, and prints its answer. Commands:\n"
     "    set NAME SETTING=N...   cut NAME   block NAME [a-to-b|b-to-a|both]   restore NAME   show",
     tell_options, tell},
    {0},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {
        "lab-wire", "emulates links with delay, capacity and loss", commands};
    return tool_main(&program, argc, argv);
}
