#include "edge/edge_options.h"

#include "base/buf.h"
#include "base/options.h"
#include "edge/heartbeat.h"
#include "edge/metrics_server.h"
#include "io/address.h"
#include "packet/addr.h"
#include "packet/rule.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* As in the inventory. */
#define NAME_LENGTH 63
#define NAME_SET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define DEFAULT_FLOWS 1000000u
#define DEFAULT_PROGRAMS 65536u
#define LINGER_MAX (60 * NSEC_PER_SEC)
#define DEFAULT_PATIENCE (30 * NSEC_PER_MSEC)
#define PATIENCE_MIN (3 * NSEC_PER_MSEC)
#define PATIENCE_MAX (10 * NSEC_PER_SEC)
#define UNIX_PATH_LENGTH 107
#define PORT_ITEM_SIZE 128

/* ---- Values ---- */

static enum err
parse_name(const char *text, struct edge_options *o, struct diag *diag)
{
    size_t length = strlen(text);
    if (!isalnum((unsigned char)*text) || length > NAME_LENGTH || strspn(text, NAME_SET) != length)
        return diag_set(diag, ERR_INVALID, "a name has 1 to %d of A-Z a-z 0-9 . _ -", NAME_LENGTH);
    o->name = text;
    return ERR_OK;
}

static enum err
parse_datapath_id(const char *text, struct edge_options *o, struct diag *diag)
{
    const char *digits = !strncmp(text, "0x", 2) ? text + 2 : text;
    if (strlen(digits) > 16 || !option_number(digits, 16, 1, UINT64_MAX, &o->datapath_id))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not 1 to 16 hexadecimal digits, other than 0",
                        text);
    return ERR_OK;
}

static enum err
parse_driver(const char *name, enum port_choice *driver, struct diag *diag)
{
    static const char *const names[] = {
        [PORT_DRIVER_AUTO] = "auto",
        [PORT_DRIVER_PACKET] = "packet",
        [PORT_DRIVER_XDP] = "xdp",
        [PORT_DRIVER_KERNEL] = "kernel",
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(name, names[i])) {
            *driver = (enum port_choice)i;
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "\"%s\" is none of auto, packet, xdp, kernel", name);
}

static enum err
parse_worker(const char *text, struct edge_port_option *p, struct diag *diag)
{
    uint64_t value;
    if (!option_number(text, 10, 0, WORKERS_MAX - 1, &value))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a number from 0 to %d", text,
                        WORKERS_MAX - 1);
    p->has_worker = true;
    p->worker = (unsigned)value;
    return ERR_OK;
}

static enum err
parse_heartbeat(const char *text, nsec_t *interval, struct diag *diag)
{
    *interval = !strcmp(text, "on") ? HEARTBEAT_DEFAULT : 0;
    if (*interval || !strcmp(text, "off"))
        return ERR_OK;
    if (time_parse_duration(text, interval) || *interval < HEARTBEAT_INTERVAL_MIN ||
        *interval > HEARTBEAT_INTERVAL_MAX)
        return diag_set(diag, ERR_INVALID,
                        "\"%s\" is neither on nor off nor an interval from 10us to 1s", text);
    return ERR_OK;
}

/* One of those behind the interface: "driver=xdp". */
static enum err
parse_port_item(const char *text, size_t length, struct edge_port_option *p, struct diag *diag)
{
    char item[PORT_ITEM_SIZE];
    snprintf(item, sizeof item, "%.*s", (int)MIN(length, sizeof item), text);
    char *value = strchr(item, '=');
    if (length >= sizeof item || !value)
        return diag_set(diag, ERR_INVALID, "\"%.*s\" is not NAME=VALUE", (int)length, text);
    *value++ = '\0';
    if (!strcmp(item, "driver"))
        return parse_driver(value, &p->driver, diag);
    if (!strcmp(item, "heartbeat"))
        return parse_heartbeat(value, &p->heartbeat, diag);
    if (!strcmp(item, "worker"))
        return parse_worker(value, p, diag);
    enum err err = scheduler_config_item(&p->scheduling, item, value, diag);
    if (err == ERR_NOT_FOUND)
        return diag_set(diag, ERR_INVALID,
                        "\"%s\" is none of driver, worker, heartbeat, rate, burst, limit, q0 to q7",
                        item);
    return err;
}

static enum err
parse_port_items(const char *text, struct edge_port_option *p, struct diag *diag)
{
    while (*text == ',') {
        size_t length = strcspn(++text, ",");
        enum err err = parse_port_item(text, length, p, diag);
        if (err)
            return err;
        text += length;
    }
    return scheduler_config_check(&p->scheduling, diag);
}

enum err
edge_options_parse_port(const char *text, struct edge_port_option *port, struct diag *diag)
{
    struct edge_port_option p = {.driver = PORT_DRIVER_AUTO};
    char number[16] = "";
    uint64_t value;
    const char *equals = strchr(text, '=');
    if (!equals)
        return diag_set(diag, ERR_INVALID, "\"%s\" is not NUMBER=INTERFACE[,driver=...]", text);
    size_t digits = (size_t)(equals - text), length = strcspn(equals + 1, ",");
    if (digits < sizeof number)
        memcpy(number, text, digits);
    if (!option_number(number, 10, 1, PORT_MAX, &value))
        return diag_set(diag, ERR_INVALID, "\"%s\": a port's number is 1 to %u", text, PORT_MAX);
    if (length == 0 || length >= sizeof p.interface)
        return diag_set(diag, ERR_INVALID, "\"%s\": an interface's name has 1 to %zu characters",
                        text, sizeof p.interface - 1);
    p.number = (uint32_t)value;
    memcpy(p.interface, equals + 1, length);
    enum err err = parse_port_items(equals + 1 + length, &p, diag);
    if (!err)
        *port = p;
    return err;
}

static enum err
add_port(const char *text, struct edge_options *o, struct diag *diag)
{
    struct edge_port_option port;
    enum err err = edge_options_parse_port(text, &port, diag);
    if (err)
        return err;
    if (o->n_ports == MAX_PORTS)
        return diag_set(diag, ERR_INVALID, "at most %d ports", MAX_PORTS);
    for (uint32_t i = 0; i < o->n_ports; i++) {
        if (o->ports[i].number == port.number)
            return diag_set(diag, ERR_INVALID, "port %u is there twice", port.number);
        if (!strcmp(o->ports[i].interface, port.interface))
            return diag_set(diag, ERR_INVALID, "interface %s is there twice", port.interface);
    }
    o->ports[o->n_ports++] = port;
    return ERR_OK;
}

/* "tls:10.0.0.1:6653" */
static enum err
check_peer(const char *text, struct diag *diag)
{
    union address address;
    if (strncmp(text, "tls:", 4) && strncmp(text, "tcp:", 4))
        return diag_set(diag, ERR_INVALID, "\"%s\" starts neither with tls: nor with tcp:", text);
    return address_parse(text + 4, &address, diag);
}

static enum err
add_controller(const char *text, struct edge_options *o, struct diag *diag)
{
    if (o->n_controllers == OPENFLOW_AGENT_CONTROLLERS)
        return diag_set(diag, ERR_INVALID, "at most %d controllers", OPENFLOW_AGENT_CONTROLLERS);
    for (size_t i = 0; i < o->n_controllers; i++) {
        if (!strcmp(o->controllers[i], text))
            return diag_set(diag, ERR_INVALID, "%s is there twice", text);
    }
    o->controllers[o->n_controllers++] = text;
    return check_peer(text, diag);
}

static enum err
parse_rpc(const char *text, struct edge_options *o, struct diag *diag)
{
    o->rpc = text;
    return check_peer(text, diag);
}

static enum err
parse_controller_name(const char *text, struct edge_options *o, struct diag *diag)
{
    o->controller_name = text;
    return *text ? ERR_OK : diag_set(diag, ERR_INVALID, "a name is needed");
}

static enum err
parse_management(const char *text, struct edge_options *o, struct diag *diag)
{
    o->has_management = true;
    if (ipv4_parse(text, &o->management))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not an IPv4 address", text);
    return ERR_OK;
}

static enum err
parse_file(const char *text, const char **to, struct diag *diag)
{
    *to = text;
    return *text ? ERR_OK : diag_set(diag, ERR_INVALID, "a file is needed");
}

static enum err
parse_ca(const char *text, struct edge_options *o, struct diag *diag)
{
    return parse_file(text, &o->ca, diag);
}

static enum err
parse_cert(const char *text, struct edge_options *o, struct diag *diag)
{
    return parse_file(text, &o->cert, diag);
}

static enum err
parse_key(const char *text, struct edge_options *o, struct diag *diag)
{
    return parse_file(text, &o->key, diag);
}

static enum err
check_socket(const char *text, size_t room, struct diag *diag)
{
    if (!*text || strlen(text) + room > UNIX_PATH_LENGTH)
        return diag_set(diag, ERR_INVALID, "a socket's path has 1 to %zu characters",
                        UNIX_PATH_LENGTH - room);
    return ERR_OK;
}

static enum err
parse_control(const char *text, struct edge_options *o, struct diag *diag)
{
    o->control = text;
    return check_socket(text, strlen(".handover"), diag);
}

static enum err
parse_take_over(const char *text, struct edge_options *o, struct diag *diag)
{
    o->take_over = text;
    return check_socket(text, strlen(".handover"), diag);
}

static enum err
parse_trust(const char *text, struct edge_options *o, struct diag *diag)
{
    return parse_file(text, &o->trust, diag);
}

static enum err
parse_openflow_listen(const char *text, struct edge_options *o, struct diag *diag)
{
    o->openflow_listen = text;
    return check_socket(text, 0, diag);
}

static enum err
parse_metrics(const char *text, struct edge_options *o, struct diag *diag)
{
    o->metrics = text;
    return metrics_address_check(text, diag);
}

static enum err
parse_mirror(const char *text, struct edge_options *o, struct diag *diag)
{
    return mirror_config_parse(text, &o->mirror, diag);
}

static enum err
parse_linger(const char *text, struct edge_options *o, struct diag *diag)
{
    if (time_parse_duration(text, &o->linger) || o->linger < 0 || o->linger > LINGER_MAX)
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a duration up to 1m (300ms)", text);
    return ERR_OK;
}

static enum err
parse_patience(const char *text, struct edge_options *o, struct diag *diag)
{
    nsec_t *t = &o->heartbeat_patience;
    if (time_parse_duration(text, t) || *t < PATIENCE_MIN || *t > PATIENCE_MAX)
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a duration from 3ms to 10s (250ms)",
                        text);
    return ERR_OK;
}

static enum err
parse_wait(const char *text, struct edge_options *o, struct diag *diag)
{
    if (!strcmp(text, "manual")) {
        o->wait_to_restore = -1;
        return ERR_OK;
    }
    if (time_parse_duration(text, &o->wait_to_restore) || o->wait_to_restore < 0)
        return diag_set(diag, ERR_INVALID, "\"%s\" is neither a duration (5s, 300ms) nor manual",
                        text);
    return ERR_OK;
}

static enum err
parse_count(const char *text, uint32_t most, uint32_t *to, struct diag *diag)
{
    uint64_t value;
    if (!option_number(text, 10, 1, most, &value))
        return diag_set(diag, ERR_INVALID, "\"%s\" is not a number from 1 to %u", text, most);
    *to = (uint32_t)value;
    return ERR_OK;
}

static enum err
parse_flows(const char *text, struct edge_options *o, struct diag *diag)
{
    return parse_count(text, 100000000, &o->max_flows, diag);
}

static enum err
parse_programs(const char *text, struct edge_options *o, struct diag *diag)
{
    return parse_count(text, 16000000, &o->cache_programs, diag);
}

static enum err
parse_workers(const char *text, struct edge_options *o, struct diag *diag)
{
    uint64_t value = 0;
    if (strcmp(text, "auto") && !option_number(text, 10, 1, WORKERS_MAX, &value))
        return diag_set(diag, ERR_INVALID, "\"%s\" is neither a number from 1 to %d nor auto", text,
                        WORKERS_MAX);
    o->n_workers = (unsigned)value;
    return ERR_OK;
}

static enum err
parse_ptp(const char *text, struct edge_options *o, struct diag *diag)
{
    static const enum ptp_mode modes[] = {PTP_OFF, PTP_E2E, PTP_P2P};
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
        if (!strcmp(text, ptp_mode_name(modes[i]))) {
            o->ptp.mode = modes[i];
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "\"%s\" is none of e2e, p2p, off", text);
}

/* "all", or "0,254" */
static enum err
parse_ptp_domains(const char *text, struct edge_options *o, struct diag *diag)
{
    struct ptp_domains domains = {0};
    char number[4];
    uint64_t value;
    if (!strcmp(text, "all"))
        return ERR_OK;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        snprintf(number, sizeof number, "%.*s", (int)MIN(length, sizeof number), at);
        if (length >= sizeof number || !option_number(number, 10, 0, UINT8_MAX, &value))
            return diag_set(diag, ERR_INVALID, "\"%s\" is neither all nor numbers from 0 to 255",
                            text);
        domains.words[value / 64] |= UINT64_C(1) << value % 64;
        at += length;
        if (!*at)
            break;
    }
    o->ptp.domains = domains;
    return ERR_OK;
}

static enum err
parse_busy_poll(const char *text UNUSED, struct edge_options *o, struct diag *diag UNUSED)
{
    o->busy_poll = true;
    return ERR_OK;
}

static enum err
parse_realtime(const char *text UNUSED, struct edge_options *o, struct diag *diag UNUSED)
{
    o->realtime = true;
    return ERR_OK;
}

static enum err
parse_log(const char *text, struct edge_options *o, struct diag *diag)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strcmp(text, names[i])) {
            o->log_level = (enum log_level)i;
            return ERR_OK;
        }
    }
    return diag_set(diag, ERR_INVALID, "\"%s\" is none of error, warn, info, debug", text);
}

/* ---- The options ---- */

static const struct option {
    const char *name, *value, *help; /* value NULL: it has none */
    enum err (*parse)(const char *text, struct edge_options *, struct diag *);
    bool repeatable;
} options[] = {
    {"name", "NAME", "of the node, as in the inventory and in its certificate", parse_name, false},
    {"datapath-id", "HEX", "its OpenFlow datapath id", parse_datapath_id, false},
    {"port", "N=IFACE[,driver=D][,worker=W][,heartbeat=H][,rate=R...]",
     "a port: its number, its interface; auto (the default), packet or xdp; whose it is; "
     "heartbeats off (the default), on or every H; its rate and queues",
     add_port, true},
    {"controller", "tls:IP:PORT", "an OpenFlow controller; tcp: without TLS", add_controller, true},
    {"rpc", "tls:IP:PORT", "where the controller takes JSON-RPC; tcp: without TLS", parse_rpc,
     false},
    {"controller-name", "NAME", "what the controllers' certificates are issued to (controller)",
     parse_controller_name, false},
    {"management", "IP", "the node's own address in the management network", parse_management,
     false},
    {"ca", "FILE", "PEM: the CAs whose certificates are accepted", parse_ca, false},
    {"cert", "FILE", "PEM: the node's certificate", parse_cert, false},
    {"key", "FILE", "PEM: its private key", parse_key, false},
    {"control", "PATH", "a Unix socket for JSON-RPC", parse_control, false},
    {"openflow-listen", "PATH", "a Unix socket for OpenFlow (that of --control, with .of)",
     parse_openflow_listen, false},
    {"metrics", "127.0.0.1:PORT", "OpenMetrics over HTTP, for this machine alone (nowhere)",
     parse_metrics, false},
    {"mirror", "erspan:IP[,ports=N+N...][,direction=D][,session=N][,snap=N][,rate=N]",
     "copies to a sensor there: of these ports (all); what comes in (the default), goes out, or "
     "both; of each so many octets (1522); so many a second (20000)",
     parse_mirror, false},
    {"take-over", "PATH", "take over from the process whose --control this is, if there is one",
     parse_take_over, false},
    {"trust", "FILE", "whose signature a program must carry to take over from this one (any may)",
     parse_trust, false},
    {"linger", "TIME", "asked to end it tells its peers, and forwards so long (0)", parse_linger,
     false},
    {"heartbeat-patience", "TIME",
     "peers go on using a node whose process stands still for so long (30ms)", parse_patience,
     false},
    {"wait-to-restore", "TIME|manual", "before a port that is up again is used by groups (0)",
     parse_wait, false},
    {"max-flows", "N", "most flow entries (1000000)", parse_flows, false},
    {"cache-programs", "N", "most conversations with a program ready (65536)", parse_programs,
     false},
    {"workers", "N|auto", "threads that forward (1); auto: one for each processor", parse_workers,
     false},
    {"ptp", "e2e|p2p|off", "a transparent clock: end-to-end (the default), peer-to-peer, or none",
     parse_ptp, false},
    {"ptp-domains", "all|N,N...", "the PTP domains it is one for (all)", parse_ptp_domains, false},
    {"busy-poll", NULL, "threads that forward never sleep: a processor each, less time lost",
     parse_busy_poll, false},
    {"realtime", NULL, "threads that forward have real-time priority, if that is permitted",
     parse_realtime, false},
    {"log", "LEVEL", "error, warn, info (the default) or debug", parse_log, false},
};

void
edge_options_help(struct buf *out)
{
    buf_str(out,
            "usage: tieline-edge --name NAME --datapath-id HEX --port N=IFACE ... [OPTION]...\n"
            "The packet node: forwards between its ports what its OpenFlow tables allow, and "
            "nothing else.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        const struct option *o = &options[i];
        buf_printf(out, "  --%-16s %-18s  %s%s\n", o->name, o->value ? o->value : "", o->help,
                   o->repeatable ? "; repeatable" : "");
    }
    buf_str(out, "  --help, --version\n\n"
                 "SIGHUP reads the certificates again. SIGTERM and SIGINT end it.\n");
}

/* Splits "--name=VALUE" or takes the next word. NULL: there is no value. */
static const char *
value_of(const char *word, int argc, char **argv, int *i)
{
    const char *equals = strchr(word, '=');
    if (equals)
        return equals + 1;
    return *i + 1 < argc ? argv[++*i] : NULL;
}

static const struct option *
find_option(const char *word)
{
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (strlen(options[i].name) == length && !strncmp(options[i].name, word, length))
            return &options[i];
    }
    return NULL;
}

static enum err
check_together(const struct edge_options *o, struct diag *diag)
{
    bool tls = o->rpc && !strncmp(o->rpc, "tls:", 4);
    for (size_t i = 0; i < o->n_controllers; i++)
        tls |= !strncmp(o->controllers[i], "tls:", 4);
    if (!o->name)
        return diag_set(diag, ERR_INVALID, "--name is missing");
    if (!o->datapath_id)
        return diag_set(diag, ERR_INVALID, "--datapath-id is missing");
    if (!o->n_ports)
        return diag_set(diag, ERR_INVALID, "--port is missing");
    for (uint32_t i = 0; i < o->n_ports && o->n_workers; i++) {
        if (o->ports[i].worker >= o->n_workers)
            return diag_set(diag, ERR_INVALID, "port %u: there is no worker %u", o->ports[i].number,
                            o->ports[i].worker);
    }
    if ((o->ca || o->cert || o->key) && !(o->ca && o->cert && o->key))
        return diag_set(diag, ERR_INVALID, "--ca, --cert and --key are needed together");
    if (tls && !o->ca)
        return diag_set(diag, ERR_INVALID, "tls: needs --ca, --cert and --key");
    return ERR_OK;
}

enum err
edge_options_parse(int argc, char **argv, struct edge_options *result, enum edge_command *command,
                   struct diag *diag)
{
    struct edge_options o = {
        .controller_name = "controller",
        .heartbeat_patience = DEFAULT_PATIENCE,
        .max_flows = DEFAULT_FLOWS,
        .cache_programs = DEFAULT_PROGRAMS,
        .n_workers = 1,
        .log_level = LOG_INFO,
        .ptp = {PTP_E2E, {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}}, 0}};
    bool seen[ARRAY_SIZE(options)] = {false};
    *command = EDGE_RUN;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (!strcmp(word, "--help") || !strcmp(word, "--version")) {
            *command = word[2] == 'h' ? EDGE_HELP : EDGE_VERSION;
            return ERR_OK;
        }
        const struct option *option = strncmp(word, "--", 2) ? NULL : find_option(word + 2);
        if (!option)
            return diag_set(diag, ERR_INVALID, "unknown option \"%s\"", word);
        if (seen[option - options] && !option->repeatable)
            return diag_set(diag, ERR_INVALID, "--%s is there twice", option->name);
        seen[option - options] = true;
        const char *value = option->value ? value_of(word, argc, argv, &i) : "";
        if (!option->value && strchr(word, '='))
            return diag_set(diag, ERR_INVALID, "--%s has no value", option->name);
        if (!value)
            return diag_set(diag, ERR_INVALID, "--%s needs %s", option->name, option->value);
        enum err err = option->parse(value, &o, diag);
        if (err) {
            diag_prefix(diag, "--%s", option->name);
            return err;
        }
    }
    enum err err = check_together(&o, diag);
    if (!err)
        *result = o;
    return err;
}
