/* What a packet node says about itself: over the server, or over its own local socket. */
#include "cli/cmd.h"

#include "base/alloc.h"
#include "base/hex.h"
#include "cli/cli_control.h"
#include "cli/cli_frame.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#define NODE_TIMEOUT (5 * NSEC_PER_SEC)

static int
ask_locally(struct cli *cli, const char *path, const char *method, json_t *params,
            const json_t **answer)
{
    struct diag diag = {""};
    json_t *result;
    bool refused;
    enum err err = control_ask(path, method, params, NODE_TIMEOUT, &result, &refused, &diag);
    if (err && !refused)
        return cli_fail(cli, CLI_UNREACHABLE, "%s: %s", path, diag.text);
    if (err)
        return cli_fail(cli, CLI_FAILED, "%s: %s [%s]", path, diag.text, err_name(err));
    http_answer_fini(&cli->answer);
    cli->answer.document = result;
    cli->answer.text = json_dumps(result, JSON_COMPACT);
    cli->answer.size = strlen(cli->answer.text);
    *answer = result;
    return CLI_OK;
}

int
edge_ask(struct cli *cli, const char *method, json_t *params, const json_t **answer)
{
    bool capture = !strncmp(method, "edge.capture-", strlen("edge.capture-"));
    const char *node = cli_option(cli, "node"), *control = cli_option(cli, "control");
    if (!node == !control) {
        json_decref(params);
        return cli_fail(cli, CLI_USAGE, "which node? --node NAME, or --control PATH of its socket");
    }
    if (control)
        return ask_locally(cli, control, method, params, answer);
    return cli_call(cli, "POST", http_path("nodes", node, capture ? "capture" : "rpc", NULL),
                    json_pack("{s:s, s:o}", "method", method, "params", params), answer);
}

static int
ask_and_show(struct cli *cli, const char *method, const json_t **answer, bool *shown)
{
    int status = edge_ask(cli, method, json_object(), answer);
    *shown = !status && cli_json(cli);
    return status;
}

int
cmd_edge_status(struct cli *cli)
{
    const json_t *answer;
    bool shown;
    int status = ask_and_show(cli, "edge.status", &answer, &shown);
    if (!status && !shown)
        tree_put(&cli->out, answer, 0);
    return status;
}

static const struct column port_columns[] = {
    {">PORT", "number", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"DRIVER", "driver", AS_TEXT, NULL},
    {"UP", "up", AS_YES, NULL},
    {"LIVE", "live", AS_YES, NULL},
    {"REASON", "reason", AS_TEXT, NULL},
    {"MAC", "mac", AS_TEXT, NULL},
    {">RX PACKETS", "rx-packets", AS_TEXT, NULL},
    {">RX OCTETS", "rx-octets|rx-bytes", AS_TEXT, NULL},
    {">TX PACKETS", "tx-packets", AS_TEXT, NULL},
    {">TX OCTETS", "tx-octets|tx-bytes", AS_TEXT, NULL},
    {">DROPPED", "dropped|rx-dropped", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_edge_ports(struct cli *cli)
{
    const json_t *answer;
    bool shown;
    int status = ask_and_show(cli, "edge.ports", &answer, &shown);
    if (!status && !shown)
        table_put_array(&cli->out, json_object_get(answer, "ports"), port_columns, cli->utc);
    return status;
}

/* ---- queues ------------------------------------------------------------------------------------
 */

static const struct column queue_columns[] = {
    {">PORT", "port", AS_TEXT, NULL},       {">RATE", "rate-kbps", AS_KBPS, NULL},
    {">QUEUE", "queue", AS_TEXT, NULL},     {"SHARE", "share", AS_TEXT, NULL},
    {">LEAST", "min-kbps", AS_KBPS, NULL},  {">MOST", "max-kbps", AS_KBPS, NULL},
    {">PACKETS", "packets", AS_TEXT, NULL}, {">OCTETS", "octets", AS_TEXT, NULL},
    {">DROPPED", "dropped", AS_TEXT, NULL}, {NULL, NULL, AS_TEXT, NULL},
};

/* The highest queue first, as they leave; the port and its rate stand at its first row. */
static void
add_queue_rows(json_t *rows, const json_t *port)
{
    const json_t *queues = json_object_get(port, "queues");
    for (size_t i = json_array_size(queues); i-- > 0;) {
        json_t *row = json_deep_copy(json_array_get(queues, i));
        const json_t *weight = json_object_get(row, "weight");
        char share[32];
        snprintf(share, sizeof share, "weight %" JSON_INTEGER_FORMAT, json_integer_value(weight));
        json_object_set_new(row, "share", json_string(weight ? share : "strict"));
        if (i + 1 == json_array_size(queues)) {
            json_object_set(row, "port", json_object_get(port, "number"));
            json_object_set(row, "rate-kbps", json_object_get(port, "rate-kbps"));
        }
        json_array_append_new(rows, row);
    }
}

static int
read_port(struct cli *cli, json_t *params)
{
    const char *text = cli_option(cli, "port");
    char *end = NULL;
    unsigned long port = text ? strtoul(text, &end, 10) : 0;
    if (text && (!port || port > UINT32_MAX || *end))
        return cli_fail(cli, CLI_USAGE, "--port: \"%s\" is no port's number", text);
    if (text)
        json_object_set_new(params, "port", json_integer((json_int_t)port));
    return CLI_OK;
}

static int
set_queues(struct cli *cli, const char *text, const json_t **answer)
{
    json_t *params = json_pack("{s:s}", "scheduling", text);
    int status = read_port(cli, params);
    if (!status && !json_object_get(params, "port"))
        status = cli_fail(cli, CLI_USAGE, "--set needs --port NUMBER");
    if (status)
        json_decref(params);
    else
        status = edge_ask(cli, "edge.config", params, answer);
    return status;
}

int
cmd_edge_queues(struct cli *cli)
{
    const json_t *answer, *ports, *port;
    const char *text = cli_option(cli, "set");
    size_t i;
    json_t *params = json_object();
    int status = text ? set_queues(cli, text, &answer) : CLI_OK;
    if (!status)
        status = read_port(cli, params);
    if (status) {
        json_decref(params);
        return status;
    }
    status = edge_ask(cli, "edge.queues", params, &answer);
    if (status || cli_json(cli))
        return status;
    json_t *rows = json_array();
    ports = json_object_get(answer, "ports");
    json_array_foreach(ports, i, port)
    {
        add_queue_rows(rows, port);
    }
    table_put_array(&cli->out, rows, queue_columns, cli->utc);
    json_decref(rows);
    return CLI_OK;
}

/* ---- redundancy --------------------------------------------------------------------------------
 */

static const struct column stream_columns[] = {
    {">STREAM", "stream", AS_TEXT, NULL},
    {">RULES", "rules", AS_TEXT, NULL},
    {">NUMBERED", "sequenced", AS_TEXT, NULL},
    {">PASSED", "passed", AS_TEXT, NULL},
    {">DISCARDED", "discarded", AS_TEXT, NULL},
    {">LOST", "lost", AS_TEXT, NULL},
    {"A", "a-state", AS_TEXT, NULL},
    {">LOST ON A", "a-lost", AS_TEXT, NULL},
    {"B", "b-state", AS_TEXT, NULL},
    {">LOST ON B", "b-lost", AS_TEXT, NULL},
    {">WRONG LAN", "wrong-lan", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column heard_columns[] = {
    {"NODE", "node", AS_TEXT, NULL},
    {"FORM", "form", AS_TEXT, NULL},
    {"REDBOX", "redbox", AS_TEXT, NULL},
    {">FRAMES", "frames", AS_TEXT, NULL},
    {">A, MS AGO", "a-ms-ago", AS_TEXT, NULL},
    {">B, MS AGO", "b-ms-ago", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

/* Both paths in the stream's row. */
static json_t *
stream_row(const json_t *stream)
{
    json_t *row = json_deep_copy(stream), *paths = json_object_get(row, "paths");
    const json_t *a = json_array_get(paths, 0), *b = json_array_get(paths, 1);
    if (!paths)
        return row;
    json_object_set(row, "a-state", json_object_get(a, "state"));
    json_object_set(row, "a-lost", json_object_get(a, "lost"));
    json_object_set(row, "b-state", json_object_get(b, "state"));
    json_object_set(row, "b-lost", json_object_get(b, "lost"));
    json_object_set_new(row, "wrong-lan",
                        json_integer(json_integer_value(json_object_get(a, "wrong-lan")) +
                                     json_integer_value(json_object_get(b, "wrong-lan"))));
    return row;
}

int
cmd_edge_redundancy(struct cli *cli)
{
    const json_t *answer, *streams, *stream;
    bool shown;
    size_t i;
    int status = ask_and_show(cli, "edge.redundancy", &answer, &shown);
    if (status || shown)
        return status;
    json_t *rows = json_array();
    streams = json_object_get(answer, "streams");
    json_array_foreach(streams, i, stream)
    {
        json_array_append_new(rows, stream_row(stream));
    }
    table_put_array(&cli->out, rows, stream_columns, cli->utc);
    json_decref(rows);
    if (json_array_size(json_object_get(answer, "nodes"))) {
        buf_str(&cli->out, "\nheard\n");
        table_put_array(&cli->out, json_object_get(answer, "nodes"), heard_columns, cli->utc);
    }
    return CLI_OK;
}

static void
put_counters(struct cli *cli, const char *title, const json_t *counters, bool all)
{
    static const struct column columns[] = {
        {"COUNTER", "name", AS_TEXT, NULL},
        {">VALUE", "value", AS_TEXT, NULL},
        {NULL, NULL, AS_TEXT, NULL},
    };
    const char *name;
    json_t *value, *list = json_array();
    json_object_foreach((json_t *)(uintptr_t)counters, name, value)
    {
        if (all || json_integer_value(value))
            json_array_append_new(list, json_pack("{s:s, s:O}", "name", name, "value", value));
    }
    buf_printf(&cli->out, "%s\n", title);
    table_put_array(&cli->out, list, columns, cli->utc);
    json_decref(list);
}

static int
put_openmetrics(struct cli *cli)
{
    const json_t *answer;
    int status = edge_ask(cli, "edge.metrics", json_object(), &answer);
    if (!status)
        text_put(&cli->out, text_of(answer, "text"), true);
    return status;
}

int
cmd_edge_stats(struct cli *cli)
{
    const json_t *answer;
    bool shown, all = cli_has(cli, "all");
    if (cli_has(cli, "openmetrics"))
        return put_openmetrics(cli);
    int status = ask_and_show(cli, "edge.stats", &answer, &shown);
    if (status || shown)
        return status;
    put_counters(cli, "counters", json_object_get(answer, "counters"), all);
    buf_str(&cli->out, "\n");
    put_counters(cli, "packets dropped", json_object_get(answer, "drops"), all);
    return CLI_OK;
}

/* ---- clock -------------------------------------------------------------------------------------
 */

static const struct column clock_fields[] = {
    {"mode", "mode", AS_TEXT, NULL},
    {"domains", "domains", AS_TEXT, NULL},
    {"accuracy", "accuracy", AS_TEXT, NULL},
    {"residence, median", "residence.median-ns", AS_NSEC, NULL},
    {"residence, 99 %", "residence.p99-ns", AS_NSEC, NULL},
    {"residence, longest", "residence.max-ns", AS_NSEC, NULL},
    {"one-step error, median", "one-step-error.median-ns", AS_NSEC, NULL},
    {"one-step error, 99 %", "one-step-error.p99-ns", AS_NSEC, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column master_columns[] = {
    {"GRANDMASTER", "grandmaster", AS_TEXT, NULL},
    {">DOMAIN", "domain", AS_TEXT, NULL},
    {">BY PORT", "in-port", AS_TEXT, NULL},
    {">CLASS", "clock-class", AS_TEXT, NULL},
    {">ACCURACY", "clock-accuracy", AS_TEXT, NULL},
    {">STEPS", "steps-removed", AS_TEXT, NULL},
    {">RATE PPM", "rate-ppm", AS_TEXT, NULL},
    {"PROFILE", "profile", AS_TEXT, NULL},
    {">INACCURACY", "time-inaccuracy-ns", AS_NSEC, NULL},
    {"HEARD", "heard", AS_YES, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

static const struct column clock_port_columns[] = {
    {">PORT", "number", AS_TEXT, NULL},
    {"NAME", "name", AS_TEXT, NULL},
    {"CLOCK", "hardware-clock", AS_TEXT, NULL},
    {"RX STAMPS", "rx-stamps", AS_TEXT, NULL},
    {"TX STAMPS", "tx-stamps", AS_TEXT, NULL},
    {">CORRECTED", "residence.n", AS_TEXT, NULL},
    {">MIN", "residence.min-ns", AS_NSEC, NULL},
    {">MEDIAN", "residence.median-ns", AS_NSEC, NULL},
    {">99 %", "residence.p99-ns", AS_NSEC, NULL},
    {">MAX", "residence.max-ns", AS_NSEC, NULL},
    {">LINK DELAY", "link.delay-ns", AS_NSEC, NULL},
    {"PEER", "link.peer", AS_TEXT, NULL},
    {">MEASURED", "link.measured", AS_TEXT, NULL},
    {">LOST", "link.lost", AS_TEXT, NULL},
    {NULL, NULL, AS_TEXT, NULL},
};

int
cmd_edge_clock(struct cli *cli)
{
    const json_t *answer;
    bool shown;
    int status = ask_and_show(cli, "edge.clock", &answer, &shown);
    if (status || shown)
        return status;
    fields_put(&cli->out, answer, clock_fields, cli->utc);
    if (!json_object_get(answer, "ports")) /* off */
        return CLI_OK;
    buf_str(&cli->out, "\n");
    put_counters(cli, "messages corrected", json_object_get(answer, "corrected"), false);
    buf_str(&cli->out, "\n");
    put_counters(cli, "messages not corrected", json_object_get(answer, "counters"), false);
    buf_str(&cli->out, "\n");
    table_put_array(&cli->out, json_object_get(answer, "masters"), master_columns, cli->utc);
    buf_str(&cli->out, "\n");
    table_put_array(&cli->out, json_object_get(answer, "ports"), clock_port_columns, cli->utc);
    return CLI_OK;
}

/* ---- trace -------------------------------------------------------------------------------------
 */

static int
from_hex(struct cli *cli, const char *text, struct buf *frame)
{
    int high = -1;
    for (const char *c = text; *c; c++) {
        int value = hex_digit(*c);
        if (strchr(" :-\n", *c))
            continue;
        if (value < 0)
            return cli_fail(cli, CLI_USAGE, "--hex: \"%c\" is no hexadecimal digit", *c);
        if (high < 0) {
            high = value;
        } else {
            buf_u8(frame, (uint8_t)(high << 4 | value));
            high = -1;
        }
    }
    if (high >= 0 || !frame->size)
        return cli_fail(cli, CLI_USAGE, "--hex: two digits make an octet, and there is %s",
                        frame->size ? "one left" : "none");
    return CLI_OK;
}

static int
read_capture(struct cli *cli, const char *path, unsigned long n, struct buf *frame)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t *capture = pcap_open_offline(path, error);
    struct pcap_pkthdr *header;
    const u_char *data;
    int got = 1;
    if (!capture) { /* libpcap says the name sometimes, too */
        size_t named = strlen(path);
        bool again = !strncmp(error, path, named) && !strncmp(error + named, ": ", 2);
        return cli_fail(cli, CLI_FAILED, "%s: it cannot be read: %s", path,
                        again ? error + named + 2 : error);
    }
    int status = CLI_OK;
    if (pcap_datalink(capture) != DLT_EN10MB)
        status = cli_fail(cli, CLI_FAILED, "%s: not of an Ethernet", path);
    for (unsigned long i = 0; i < n && got == 1 && !status; i++)
        got = pcap_next_ex(capture, &header, &data);
    if (!status && got == 1)
        buf_put(frame, data, header->caplen);
    else if (!status)
        status = got == PCAP_ERROR
                     ? cli_fail(cli, CLI_FAILED, "%s: %s", path, pcap_geterr(capture))
                     : cli_fail(cli, CLI_FAILED, "%s: there is no packet %lu", path, n);
    pcap_close(capture);
    return status;
}

/* FILE, or FILE:N for the packet of that number, from 1. */
static int
from_capture(struct cli *cli, const char *text, struct buf *frame)
{
    char *path = xstrdup(text), *colon = strrchr(path, ':'), *end;
    unsigned long n = 1;
    if (colon && colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1)) {
        n = strtoul(colon + 1, &end, 10);
        *colon = '\0';
    }
    int status = n ? read_capture(cli, path, n, frame)
                   : cli_fail(cli, CLI_USAGE, "--pcap: packets are counted from 1");
    free(path);
    return status;
}

static int
from_fields(struct cli *cli, struct buf *frame)
{
    struct diag diag = {""};
    struct frame_fields fields = {
        .eth_src = cli_option(cli, "eth-src"),
        .eth_dst = cli_option(cli, "eth-dst"),
        .eth_type = cli_option(cli, "eth-type"),
        .vlan_id = cli_option(cli, "vlan"),
        .vlan_priority = cli_option(cli, "vlan-priority"),
        .ipv4_src = cli_option(cli, "ipv4-src"),
        .ipv4_dst = cli_option(cli, "ipv4-dst"),
        .ip_proto = cli_option(cli, "ip-proto"),
        .ip_dscp = cli_option(cli, "ip-dscp"),
        .tcp_src = cli_option(cli, "tcp-src"),
        .tcp_dst = cli_option(cli, "tcp-dst"),
        .udp_src = cli_option(cli, "udp-src"),
        .udp_dst = cli_option(cli, "udp-dst"),
        .icmp_type = cli_option(cli, "icmp-type"),
        .arp_spa = cli_option(cli, "arp-spa"),
        .arp_tpa = cli_option(cli, "arp-tpa"),
        .appid = cli_option(cli, "appid"),
        .size = cli_option(cli, "size"),
    };
    return frame_build(&fields, frame, &diag) ? cli_fail(cli, CLI_USAGE, "%s", diag.text) : CLI_OK;
}

static int
read_frame(struct cli *cli, struct buf *frame)
{
    const char *hex = cli_option(cli, "hex"), *capture = cli_option(cli, "pcap");
    if (hex && capture)
        return cli_fail(cli, CLI_USAGE, "either --hex or --pcap");
    return hex       ? from_hex(cli, hex, frame)
           : capture ? from_capture(cli, capture, frame)
                     : from_fields(cli, frame);
}

int
cmd_edge_trace(struct cli *cli)
{
    struct buf frame = BUF_INIT, hex = BUF_INIT;
    const json_t *answer;
    char *end = NULL;
    const char *text = cli_option(cli, "in-port");
    unsigned long port = text ? strtoul(text, &end, 10) : 0;
    if (!port || port > UINT32_MAX || (end && *end))
        return cli_fail(cli, CLI_USAGE, "edge trace needs --in-port NUMBER");
    int status = read_frame(cli, &frame);
    hex_put(&hex, frame.data, frame.size);
    if (!status)
        status = edge_ask(
            cli, "edge.trace",
            json_pack("{s:I, s:s}", "in-port", (json_int_t)port, "frame", buf_cstr(&hex)), &answer);
    buf_fini(&frame);
    buf_fini(&hex);
    if (status || cli_json(cli))
        return status;
    text_put(&cli->out, text_of(answer, "text"), true);
    if (cli->out.size && cli->out.data[cli->out.size - 1] != '\n')
        buf_str(&cli->out, "\n");
    return CLI_OK;
}
