#include "edge/edge_options.h"

#include "base/testing.h"

#include <stdio.h>

#define MAX_WORDS 24

/* Splits at blanks; the words stay valid until the next call. */
static enum err
parse(const char *line, struct edge_options *o, enum edge_command *command, struct diag *diag)
{
    static char copy[1024];
    char *argv[MAX_WORDS + 1] = {"tieline-edge"};
    int argc = 1;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        assert_true(argc < MAX_WORDS);
        argv[argc++] = word;
    }
    return edge_options_parse(argc, argv, o, command, diag);
}

#define LEAST "--name n --datapath-id 1 --port 1=eth1 "

static void
assert_wrong(const char *line, const char *text)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    assert_err(parse(line, &o, &command, &diag), ERR_INVALID);
    assert_string_equal(diag.text, text);
}

static void
the_lab_s_command_line_is_understood(void **state UNUSED)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    assert_ok(parse("--name wan2 --datapath-id 0000000000000002 --port 1=wan1 "
                    "--port 12=wan3,driver=xdp --controller tls:10.255.0.1:6653 "
                    "--controller tcp:[::1]:6653 --rpc tls:10.255.0.1:6654 "
                    "--management 10.255.0.12 --ca ca.pem --cert=wan2.pem --key wan2.key",
                    &o, &command, &diag));
    assert_int_equal(command, EDGE_RUN);
    assert_string_equal(o.name, "wan2");
    assert_int_equal(o.datapath_id, 2);
    assert_int_equal(o.n_ports, 2);
    assert_int_equal(o.ports[0].number, 1);
    assert_int_equal(o.ports[0].driver, PORT_DRIVER_AUTO);
    assert_string_equal(o.ports[0].interface, "wan1");
    assert_int_equal(o.ports[1].number, 12);
    assert_int_equal(o.ports[1].driver, PORT_DRIVER_XDP);
    assert_string_equal(o.ports[1].interface, "wan3");
    assert_int_equal(o.n_controllers, 2);
    assert_string_equal(o.controllers[1], "tcp:[::1]:6653");
    assert_string_equal(o.rpc, "tls:10.255.0.1:6654");
    assert_true(o.has_management);
    assert_int_equal(o.management, 0x0aff000c);
    assert_string_equal(o.cert, "wan2.pem");
    assert_null(o.control);
}

static void
what_is_not_said_has_a_default(void **state UNUSED)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    assert_ok(parse(LEAST, &o, &command, &diag));
    assert_string_equal(o.controller_name, "controller");
    assert_int_equal(o.n_controllers, 0);
    assert_false(o.has_management);
    assert_int_equal(o.wait_to_restore, 0);
    assert_int_equal(o.heartbeat_patience, 30 * NSEC_PER_MSEC);
    assert_int_equal(o.max_flows, 1000000);
    assert_int_equal(o.cache_programs, 65536);
    assert_int_equal(o.log_level, LOG_INFO);
    assert_ok(
        parse(LEAST "--wait-to-restore manual --max-flows 5 --log debug", &o, &command, &diag));
    assert_int_equal(o.wait_to_restore, -1);
    assert_int_equal(o.max_flows, 5);
    assert_int_equal(o.log_level, LOG_DEBUG);
    assert_ok(parse(LEAST "--cache-programs 7", &o, &command, &diag));
    assert_int_equal(o.cache_programs, 7);
    assert_ok(parse(LEAST "--heartbeat-patience 250ms", &o, &command, &diag));
    assert_int_equal(o.heartbeat_patience, 250 * NSEC_PER_MSEC);
    assert_ok(parse(LEAST "--wait-to-restore 300ms", &o, &command, &diag));
    assert_int_equal(o.wait_to_restore, 300 * NSEC_PER_MSEC);
    assert_int_equal(o.linger, 0);
    assert_false(o.mirror.is_on);
    assert_null(o.trust);
    assert_ok(parse(LEAST "--linger 300ms --trust keys", &o, &command, &diag));
    assert_int_equal(o.linger, 300 * NSEC_PER_MSEC);
    assert_string_equal(o.trust, "keys");
}

static void
a_mirror_is_described(void **state UNUSED)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    assert_ok(parse(LEAST "--mirror erspan:10.255.0.9", &o, &command, &diag));
    assert_true(o.mirror.is_on);
    assert_int_equal(o.mirror.to, 0x0aff0009);
    assert_true(o.mirror.filter.in && !o.mirror.filter.out);
    assert_int_equal(o.mirror.filter.n_ports, 0);
    assert_int_equal(o.mirror.session, 1);
    assert_int_equal(o.mirror.filter.snap, MIRROR_SNAP);
    assert_int_equal(o.mirror.filter.packets_per_second, MIRROR_RATE);
    assert_ok(parse(LEAST "--mirror "
                          "erspan:10.0.0.1,ports=1+524287,direction=both,session=7,snap=60,rate=5",
                    &o, &command, &diag));
    assert_true(o.mirror.filter.in && o.mirror.filter.out);
    assert_int_equal(o.mirror.filter.n_ports, 2);
    assert_int_equal(o.mirror.filter.ports[1], 524287);
    assert_int_equal(o.mirror.session, 7);
    assert_int_equal(o.mirror.filter.snap, 60);
    assert_int_equal(o.mirror.filter.packets_per_second, 5);
    assert_wrong("--mirror 10.0.0.1", "--mirror: \"10.0.0.1\" is not erspan: and an IPv4 address");
    assert_wrong("--mirror erspan:10.0.0.1,ports=", "--mirror: \"\" is not ports from 1 to 524287, "
                                                    "as 1+2");
    assert_wrong("--mirror erspan:10.0.0.1,ports=1+524288",
                 "--mirror: \"1+524288\" is not ports from 1 to 524287, as 1+2");
    assert_wrong("--mirror erspan:10.0.0.1,direction=up",
                 "--mirror: \"up\" is none of in, out, both");
    assert_wrong("--mirror erspan:10.0.0.1,session=1024",
                 "--mirror: session: \"1024\" is not a number from 1 to 1023");
    assert_wrong("--mirror erspan:10.0.0.1,snap=59", /* copies have to be known as such */
                 "--mirror: snap: \"59\" is not a number from 60 to 65600");
    assert_wrong("--mirror erspan:10.0.0.1,rate", "--mirror: \"rate\" is not NAME=VALUE");
}

static void
what_is_missing_is_said(void **state UNUSED)
{
    assert_wrong("", "--name is missing");
    assert_wrong("--name n", "--datapath-id is missing");
    assert_wrong("--name n --datapath-id 1", "--port is missing");
    assert_wrong("--name", "--name needs NAME");
    assert_wrong(LEAST "--ca x", "--ca, --cert and --key are needed together");
    assert_wrong(LEAST "--controller tls:10.0.0.1:6653", "tls: needs --ca, --cert and --key");
    assert_wrong(LEAST "--rpc tls:10.0.0.1:6654", "tls: needs --ca, --cert and --key");
}

static void
what_is_wrong_is_named(void **state UNUSED)
{
    assert_wrong("name", "unknown option \"name\"");
    assert_wrong("--nam x", "unknown option \"--nam\"");
    assert_wrong("--name -a", "--name: a name has 1 to 63 of A-Z a-z 0-9 . _ -");
    assert_wrong("--name a/b", "--name: a name has 1 to 63 of A-Z a-z 0-9 . _ -");
    assert_wrong("--name a --name b", "--name is there twice");
    assert_wrong("--datapath-id 0",
                 "--datapath-id: \"0\" is not 1 to 16 hexadecimal digits, other than 0");
    assert_wrong("--datapath-id 0x11223344556677889",
                 "--datapath-id: \"0x11223344556677889\" is not 1 to 16 hexadecimal digits, "
                 "other than 0");
    assert_wrong("--datapath-id -1",
                 "--datapath-id: \"-1\" is not 1 to 16 hexadecimal digits, other than 0");
    assert_wrong("--controller 10.0.0.1:6653",
                 "--controller: \"10.0.0.1:6653\" starts neither with tls: nor with tcp:");
    assert_wrong("--management here", "--management: \"here\" is not an IPv4 address");
    assert_wrong(LEAST "--linger 2m", "--linger: \"2m\" is not a duration up to 1m (300ms)");
    assert_wrong(LEAST "--heartbeat-patience 2ms",
                 "--heartbeat-patience: \"2ms\" is not a duration from 3ms to 10s (250ms)");
    assert_wrong("--wait-to-restore -1s",
                 "--wait-to-restore: \"-1s\" is neither a duration (5s, 300ms) nor manual");
    assert_wrong("--log loud", "--log: \"loud\" is none of error, warn, info, debug");
    assert_wrong("--cache-programs 16000001",
                 "--cache-programs: \"16000001\" is not a number from 1 to 16000000");
    assert_wrong("--max-flows 0", "--max-flows: \"0\" is not a number from 1 to 100000000");
    assert_wrong("--controller tcp:[::1]:1 --controller tcp:[::1]:1",
                 "--controller: tcp:[::1]:1 is there twice");
}

static void
ports_are_checked(void **state UNUSED)
{
    assert_wrong("--port eth1", "--port: \"eth1\" is not NUMBER=INTERFACE[,driver=...]");
    assert_wrong("--port 0=eth1", "--port: \"0=eth1\": a port's number is 1 to 4294967040");
    assert_wrong("--port 4294967041=e",
                 "--port: \"4294967041=e\": a port's number is 1 to 4294967040");
    assert_wrong("--port 1=", "--port: \"1=\": an interface's name has 1 to 15 characters");
    assert_wrong("--port 1=abcdefghijklmnop",
                 "--port: \"1=abcdefghijklmnop\": an interface's name has 1 to 15 characters");
    assert_wrong("--port 1=a,xdp", "--port: \"xdp\" is not NAME=VALUE");
    assert_wrong("--port 1=a,driver=fast", "--port: \"fast\" is none of auto, packet, xdp, kernel");
    assert_wrong("--port 1=a,speed=1",
                 "--port: \"speed\" is none of driver, worker, heartbeat, rate, burst, limit, "
                 "q0 to q7");
    assert_wrong("--port 1=a,q0=weight:0", "--port: \"0\" is not a number from 1 to 255");
    assert_wrong("--port 1=a,rate=1M,q0=strict+min:2M",
                 "--port: the queues' least rates are above the port's");
    assert_wrong("--port 1=a,worker=16", "--port: \"16\" is not a number from 0 to 15");
    assert_wrong(LEAST "--port 2=z,worker=2 --workers 2", "port 2: there is no worker 2");
    assert_wrong("--workers 0", "--workers: \"0\" is neither a number from 1 to 16 nor auto");
    assert_wrong("--port 1=a,heartbeat=5us",
                 "--port: \"5us\" is neither on nor off nor an interval from 10us to 1s");
    assert_wrong("--port 1=a,heartbeat=soon",
                 "--port: \"soon\" is neither on nor off nor an interval from 10us to 1s");
    assert_wrong("--port 1=a --port 1=b", "--port: port 1 is there twice");
    assert_wrong("--port 1=a --port 2=a", "--port: interface a is there twice");
}

static void
a_port_says_how_it_is_shared(void **state UNUSED)
{
    struct edge_port_option p;
    assert_ok(
        edge_options_parse_port("7=eth6,rate=10M,driver=packet,q0=weight:3+max:4M", &p, NULL));
    assert_int_equal(p.number, 7);
    assert_string_equal(p.interface, "eth6");
    assert_int_equal(p.driver, PORT_DRIVER_PACKET);
    assert_int_equal(p.scheduling.rate_kbps, 10000);
    assert_int_equal(p.scheduling.queues[0].weight, 3);
    assert_int_equal(p.scheduling.queues[0].max_kbps, 4000);
}

static void
a_port_may_have_a_heartbeat(void **state UNUSED)
{
    struct edge_port_option port;
    assert_ok(edge_options_parse_port("3=eth3", &port, NULL));
    assert_int_equal(port.heartbeat, 0);
    assert_ok(edge_options_parse_port("3=eth3,heartbeat=on,driver=xdp", &port, NULL));
    assert_int_equal(port.heartbeat, HEARTBEAT_DEFAULT);
    assert_int_equal(port.driver, PORT_DRIVER_XDP);
    assert_string_equal(port.interface, "eth3");
    assert_ok(edge_options_parse_port("3=eth3,driver=packet,heartbeat=250us", &port, NULL));
    assert_int_equal(port.heartbeat, 250 * NSEC_PER_USEC);
    assert_ok(edge_options_parse_port("3=eth3,heartbeat=off", &port, NULL));
    assert_int_equal(port.heartbeat, 0);
}

static void
modes_are_words_of_their_own(void **state UNUSED)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    assert_ok(parse(LEAST "--max-flows 5", &o, &command, &diag));
    assert_false(o.busy_poll || o.realtime);
    assert_ok(parse(LEAST "--busy-poll --realtime --max-flows 5", &o, &command, &diag));
    assert_true(o.busy_poll && o.realtime);
    assert_int_equal(o.max_flows, 5);
    assert_wrong(LEAST "--busy-poll=yes", "--busy-poll has no value");
}

static void
a_socket_s_path_must_fit(void **state UNUSED)
{
    char line[200];
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    snprintf(line, sizeof line, LEAST "--control /%097d", 0);
    assert_ok(parse(line, &o, &command, &diag)); /* 98 characters, and .handover */
    snprintf(line, sizeof line, LEAST "--control /%098d", 0);
    assert_err(parse(line, &o, &command, &diag), ERR_INVALID);
    assert_string_equal(diag.text, "--control: a socket's path has 1 to 98 characters");
}

static void
help_names_every_option(void **state UNUSED)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    struct buf help = BUF_INIT;
    assert_ok(parse("--name n --help", &o, &command, &diag));
    assert_int_equal(command, EDGE_HELP);
    assert_ok(parse("--version", &o, &command, &diag));
    assert_int_equal(command, EDGE_VERSION);
    edge_options_help(&help);
    assert_non_null(strstr(buf_cstr(&help), "  --port             N=IFACE[,driver=D]"));
    assert_non_null(strstr(buf_cstr(&help), "--openflow-listen"));
    buf_fini(&help);
}

static void
the_transparent_clock_is_end_to_end_unless_told(void **state UNUSED)
{
    struct edge_options o;
    enum edge_command command;
    struct diag diag;
    assert_ok(parse(LEAST, &o, &command, &diag));
    assert_int_equal(o.ptp.mode, PTP_E2E);
    assert_true(ptp_domains_has(&o.ptp.domains, 0) && ptp_domains_has(&o.ptp.domains, 255));
    assert_ok(parse(LEAST "--ptp p2p --ptp-domains 0,254", &o, &command, &diag));
    assert_int_equal(o.ptp.mode, PTP_P2P);
    assert_true(ptp_domains_has(&o.ptp.domains, 0) && ptp_domains_has(&o.ptp.domains, 254));
    assert_false(ptp_domains_has(&o.ptp.domains, 1) || ptp_domains_has(&o.ptp.domains, 255));
    assert_ok(parse(LEAST "--ptp off", &o, &command, &diag));
    assert_int_equal(o.ptp.mode, PTP_OFF);
    assert_wrong(LEAST "--ptp on", "--ptp: \"on\" is none of e2e, p2p, off");
    assert_wrong(LEAST "--ptp-domains 256",
                 "--ptp-domains: \"256\" is neither all nor numbers from 0 to 255");
    assert_wrong(LEAST "--ptp-domains 1,,2",
                 "--ptp-domains: \"1,,2\" is neither all nor numbers from 0 to 255");
    assert_wrong(LEAST "--ptp-domains 1,",
                 "--ptp-domains: \"1,\" is neither all nor numbers from 0 to 255");
}

TEST_MAIN(cmocka_unit_test(the_lab_s_command_line_is_understood),
          cmocka_unit_test(what_is_not_said_has_a_default), cmocka_unit_test(a_mirror_is_described),
          cmocka_unit_test(what_is_missing_is_said), cmocka_unit_test(what_is_wrong_is_named),
          cmocka_unit_test(ports_are_checked), cmocka_unit_test(a_port_may_have_a_heartbeat),
          cmocka_unit_test(modes_are_words_of_their_own),
          cmocka_unit_test(a_port_says_how_it_is_shared),
          cmocka_unit_test(a_socket_s_path_must_fit), cmocka_unit_test(help_names_every_option),
          cmocka_unit_test(the_transparent_clock_is_end_to_end_unless_told))
