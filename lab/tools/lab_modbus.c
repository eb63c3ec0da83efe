/* lab-modbus - a Modbus/TCP server with changing values, and a client that polls one. */
#include "base/alloc.h"
#include "lab/tools/latency.h"
#include "lab/tools/tool.h"

#include <errno.h>
#include <modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_CLIENTS 64

static const char *address = "0.0.0.0";
static int64_t port = 502, unit = 1, n_registers = 100, first_register;
static nsec_t duration, interval = 100 * NSEC_PER_MSEC, timeout = 500 * NSEC_PER_MSEC, report_every;
static int64_t count, max_failed = -1;

static modbus_t *
new_modbus(const char *host)
{
    modbus_t *m = modbus_new_tcp(host, (int)port);
    if (!m)
        tool_fail("%s: %s", host, modbus_strerror(errno));
    modbus_set_slave(m, (int)unit);
    modbus_set_response_timeout(m, (uint32_t)(timeout / NSEC_PER_SEC),
                                (uint32_t)(timeout % NSEC_PER_SEC / NSEC_PER_USEC));
    return m;
}

/* ---- Serving ------------------------------------------------------------------------------- */

struct server {
    modbus_t *modbus;
    modbus_mapping_t *mapping;
    struct pollfd fds[2 + MAX_CLIENTS]; /* signals, the listener, clients */
    nfds_t n;
    uint64_t n_requests, n_connections, n_refused;
    nsec_t started;
};

/* Register 0: seconds of the server's life. 1: requests served. The others: a ramp each, one step a
 * second. */
static void
update_registers(struct server *s)
{
    nsec_t seconds = (tool_monotonic() - s->started) / NSEC_PER_SEC;
    uint16_t *registers = s->mapping->tab_registers;
    for (int i = 0; i < s->mapping->nb_registers; i++)
        registers[i] = (uint16_t)(i == 0   ? seconds
                                  : i == 1 ? (nsec_t)s->n_requests
                                           : i * 100 + seconds);
}

static void
accept_client(struct server *s)
{
    int fd = s->fds[1].fd;
    if (modbus_tcp_accept(s->modbus, &fd) < 0)
        return;
    int client = modbus_get_socket(s->modbus);
    if (s->n == ARRAY_SIZE(s->fds)) {
        s->n_refused++;
        close(client);
        return;
    }
    s->n_connections++;
    s->fds[s->n++] = (struct pollfd){.fd = client, .events = POLLIN};
}

/* False: the client has gone, or talks nonsense. */
static bool
serve_client(struct server *s, int fd)
{
    uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
    modbus_set_socket(s->modbus, fd);
    int size = modbus_receive(s->modbus, query);
    if (size < 0)
        return false;
    s->n_requests++;
    update_registers(s);
    return size == 0 || modbus_reply(s->modbus, query, size, s->mapping) >= 0;
}

static void
serve_until_stopped(struct server *s)
{
    nsec_t end = duration ? s->started + duration : NSEC_NEVER;
    while (tool_monotonic() < end) {
        nsec_t left = (end - tool_monotonic()) / NSEC_PER_MSEC + 1;
        if (poll(s->fds, s->n, (int)MIN(left, 1000)) < 0 && errno != EINTR)
            tool_fail("poll: %s", strerror(errno));
        if (tool_signal(s->fds[0].fd))
            return;
        nfds_t n = s->n;
        if (s->fds[1].revents)
            accept_client(s);
        for (nfds_t i = n; i-- > 2;) {
            if (!s->fds[i].revents || serve_client(s, s->fds[i].fd))
                continue;
            close(s->fds[i].fd);
            s->fds[i] = s->fds[--s->n];
        }
    }
}

static int
serve(int n_operands UNUSED, char **operands UNUSED)
{
    struct server s = {.started = tool_monotonic()};
    s.modbus = new_modbus(address);
    s.mapping = modbus_mapping_new(0, 0, (int)n_registers, 0);
    if (!s.mapping)
        tool_fail("%s", modbus_strerror(errno));
    int listener = modbus_tcp_listen(s.modbus, MAX_CLIENTS);
    if (listener < 0)
        tool_fail("%s port %lld: %s", address, (long long)port, modbus_strerror(errno));
    s.fds[0] = (struct pollfd){.fd = tool_signals(false), .events = POLLIN};
    s.fds[1] = (struct pollfd){.fd = listener, .events = POLLIN};
    s.n = 2;
    tool_emit(json_pack("{s:s}", "event", "ready"));
    serve_until_stopped(&s);
    tool_emit(json_pack("{s:s,s:I,s:I,s:I}", "event", "summary", "requests",
                        (json_int_t)s.n_requests, "connections", (json_int_t)s.n_connections,
                        "refused", (json_int_t)s.n_refused));
    while (s.n > 0)
        close(s.fds[--s.n].fd);
    modbus_mapping_free(s.mapping);
    modbus_free(s.modbus);
    return TOOL_OK;
}

/* ---- Polling ------------------------------------------------------------------------------- */

struct poller {
    modbus_t *modbus;
    bool connected, failing;
    uint64_t n_ok, n_failed, n_connections;
    nsec_t last_ok; /* monotonic; 0: none yet */
    nsec_t longest_pause, longest_pause_at;
    struct latency response;
};

static void
note_success(struct poller *p, nsec_t asked, nsec_t answered)
{
    nsec_t pause = p->last_ok ? answered - p->last_ok : 0;
    if (pause > p->longest_pause) {
        p->longest_pause = pause;
        p->longest_pause_at = tool_wall() - pause;
    }
    if (p->failing)
        tool_emit(json_pack("{s:s,s:f}", "event", "recovered", "pause_ms", (double)pause / 1e6));
    p->failing = false;
    p->last_ok = answered;
    p->n_ok++;
    latency_add(&p->response, answered - asked);
}

static void
note_failure(struct poller *p, const char *what)
{
    if (!p->failing)
        tool_emit(json_pack("{s:s,s:s,s:s}", "event", "failed", "what", what, "why",
                            modbus_strerror(errno)));
    p->failing = true;
    p->n_failed++;
    if (p->connected)
        modbus_close(p->modbus);
    p->connected = false;
}

static void
poll_once(struct poller *p)
{
    uint16_t registers[MODBUS_MAX_READ_REGISTERS];
    if (!p->connected) {
        if (modbus_connect(p->modbus)) {
            note_failure(p, "connect");
            return;
        }
        p->connected = true;
        p->n_connections++;
    }
    nsec_t asked = tool_monotonic();
    int n = modbus_read_registers(p->modbus, (int)first_register, (int)n_registers, registers);
    if (n == n_registers)
        note_success(p, asked, tool_monotonic());
    else
        note_failure(p, "read");
}

static void
report(const struct poller *p, const char *event)
{
    char at[TIME_TEXT_SIZE];
    nsec_t pause = p->longest_pause, pause_at = p->longest_pause_at;
    nsec_t lasting = p->last_ok ? tool_monotonic() - p->last_ok : 0;
    if (p->failing && lasting > pause) { /* it is not over yet */
        pause = lasting;
        pause_at = tool_wall() - lasting;
    }
    tool_emit(json_pack("{s:s,s:I,s:I,s:I,s:o,s:f,s:s}", "event", event, "ok", (json_int_t)p->n_ok,
                        "failed", (json_int_t)p->n_failed, "connections",
                        (json_int_t)p->n_connections, "response", latency_json(&p->response),
                        "longest_pause_ms", (double)pause / 1e6, "longest_pause_at",
                        time_format(pause_at, at)));
}

static void
poll_until_stopped(struct poller *p)
{
    int signals = tool_signals(false);
    nsec_t now = tool_monotonic(), next = now, end = duration ? now + duration : NSEC_NEVER;
    nsec_t next_report = report_every ? now + report_every : NSEC_NEVER;
    while (now < end && (!count || p->n_ok + p->n_failed < (uint64_t)count)) {
        poll_once(p);
        now = tool_monotonic();
        if (now >= next_report) {
            report(p, "interval");
            next_report += report_every;
        }
        next = MAX(next + interval, now); /* after a time-out, at once, but no burst */
        if (tool_wait(-1, signals, MIN(next, end)))
            return;
        now = tool_monotonic();
    }
}

static int
poll_server(int n_operands, char **operands)
{
    struct poller p = {.n_ok = 0};
    if (n_operands != 1)
        tool_usage_error("one address is needed");
    if (n_registers > MODBUS_MAX_READ_REGISTERS)
        tool_usage_error("--registers: at most %d can be read at once", MODBUS_MAX_READ_REGISTERS);
    p.modbus = new_modbus(operands[0]);
    poll_until_stopped(&p);
    report(&p, "summary");
    if (p.connected)
        modbus_close(p.modbus);
    modbus_free(p.modbus);
    bool met = p.n_ok > 0 && (max_failed < 0 || p.n_failed <= (uint64_t)max_failed);
    return met ? TOOL_OK : TOOL_UNMET;
}

/* ---- The command line ---------------------------------------------------------------------- */

#define COMMON                                                                                     \
    {"port", TOOL_NUMBER, &port, "N", "TCP port (502)", 1, 65535},                                 \
        {"unit", TOOL_NUMBER, &unit, "N", "unit identifier (1)", 0, 247},                          \
        {"registers", TOOL_NUMBER, &n_registers, "N", "holding registers (100)", 1, 65535},        \
    {                                                                                              \
        "duration", TOOL_DURATION, &duration, "TIME", "stop after so long", 1, 0                   \
    }

static const struct tool_option serve_options[] = {
    COMMON,
    {"address", TOOL_TEXT, &address, "ADDRESS", "listen here (everywhere)", 0, 0},
    {0},
};

static const struct tool_option poll_options[] = {
    COMMON,
    {"first", TOOL_NUMBER, &first_register, "N", "first register (0)", 0, 65535},
    {"interval", TOOL_DURATION, &interval, "TIME", "from poll to poll (100ms)", NSEC_PER_MSEC, 0},
    {"timeout", TOOL_DURATION, &timeout, "TIME", "to connect, to answer (500ms)", NSEC_PER_MSEC, 0},
    {"report", TOOL_DURATION, &report_every, "TIME", "report so often", NSEC_PER_MSEC, 0},
    {"count", TOOL_NUMBER, &count, "N", "stop after so many polls", 1, 0},
    {"max-failed", TOOL_NUMBER, &max_failed, "N", "exit status 1 when more polls fail", 0, 0},
    {0},
};

static const struct tool_command commands[] = {
    {"serve", NULL, "Serves holding registers: 0 counts seconds, 1 requests, the others are ramps.",
     serve_options, serve},
    {"poll", "ADDRESS",
     "Reads registers again and again, reconnects, and reports polls, response time and the "
     "longest\n"
     "  pause. Exit status 1 when no poll succeeded.",
     poll_options, poll_server},
    {0},
};

int
main(int argc, char **argv)
{
    static const struct tool_program program = {"lab-modbus", "a Modbus/TCP server and client",
                                                commands};
    return tool_main(&program, argc, argv);
}
