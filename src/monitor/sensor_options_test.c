#include "monitor/sensor_options.h"

#include "base/testing.h"

#define PARSE(options, diag, ...)                                                                  \
    sensor_options_parse((int)(sizeof(const char *[]){__VA_ARGS__} / sizeof(char *)),              \
                         (char *[]){__VA_ARGS__}, options, diag)

static void
what_is_given_and_what_is_not(void **state UNUSED)
{
    struct sensor_options o;
    struct diag diag;
    assert_ok(PARSE(&o, &diag, "tieline-sensor", "--read", "a.pcap", "--messages"));
    assert_string_equal(o.read, "a.pcap");
    assert_true(o.messages);
    assert_false(o.counters);
    assert_int_equal(o.memory_mib, 0);
    assert_ok(PARSE(&o, &diag, "tieline-sensor", "--interface=eth0", "--interface", "eth1",
                    "--memory", "16", "--conversations=1000", "--counters"));
    assert_null(o.read);
    assert_int_equal(o.n_interfaces, 2);
    assert_string_equal(o.interfaces[1], "eth1");
    assert_ok(PARSE(&o, &diag, "tieline-sensor", "--interface=packet:eth0", "--interface=xdp:eth1",
                    "--memory", "16", "--conversations=1000"));
    assert_int_equal(o.n_interfaces, 2);
    assert_int_equal(o.memory_mib, 16);
    assert_int_equal(o.conversations, 1000);
    assert_ok(PARSE(&o, &diag, "tieline-sensor", "--read", "a", "--suricata", "a.rules",
                    "--suricata=b.rules", "--suricata-variable", "HOME_NET=[10.0.0.0/8]",
                    "--suricata-unsupported"));
    assert_int_equal(o.n_suricata, 2);
    assert_string_equal(o.suricata[1], "b.rules");
    assert_string_equal(o.variables[0], "HOME_NET=[10.0.0.0/8]");
    assert_true(o.unsupported);
    assert_ok(PARSE(&o, &diag, "tieline-sensor", "--help"));
    assert_ok(PARSE(&o, &diag, "tieline-sensor", "--version"));
}

static void
mistakes_name_the_option(void **state UNUSED)
{
    struct sensor_options o;
    struct diag diag;
    assert_err(PARSE(&o, &diag, "tieline-sensor"), ERR_INVALID);
    assert_string_equal(diag.text, "--read FILE or --interface NAME is needed");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read=f", "--interface=i"), ERR_INVALID);
    assert_string_equal(diag.text, "--read and --interface exclude each other");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read"), ERR_INVALID);
    assert_string_equal(diag.text, "--read needs FILE");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read="), ERR_INVALID);
    assert_string_equal(diag.text, "--read is empty");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=xdp:"), ERR_INVALID);
    assert_string_equal(
        diag.text,
        "--interface: \"xdp:\": an interface's name has 1 to 15 characters, without : and /");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=xdp:xdp:eth1"), ERR_INVALID);
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=xdp:sixteen-or-longer"),
               ERR_INVALID);
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=:eth1"), ERR_INVALID);
    assert_string_equal(
        diag.text,
        "--interface: \":eth1\": NAME, packet:NAME, xdp:NAME or erspan:ADDRESS is needed");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=xd:eth1"), ERR_INVALID);
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=erspan:eth1"), ERR_INVALID);
    assert_string_equal(diag.text, "--interface: \"eth1\" is not an IPv4 address");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--interface=eth 1"), ERR_INVALID);
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--messages=yes"), ERR_INVALID);
    assert_string_equal(diag.text, "--messages takes no value");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--memory", "0"), ERR_INVALID);
    assert_string_equal(diag.text, "--memory: \"0\" is not a number from 1 to 16777216");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--memory", "4k"), ERR_INVALID);
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--suricata-variable", "HOME_NET"), ERR_INVALID);
    assert_string_equal(diag.text, "--suricata-variable: NAME=VALUE is needed");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read=f", "--advisories=d"), ERR_INVALID);
    assert_string_equal(diag.text, "--advisories needs --assets");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--loud"), ERR_INVALID);
    assert_string_equal(diag.text, "there is no option \"--loud\"");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read=f", "--link=unix:/l"), ERR_INVALID);
    assert_string_equal(diag.text, "--link needs --name");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read=f", "--link=unix:/l", "--name=a b"),
               ERR_INVALID);
    assert_err(PARSE(&o, &diag, "tieline-sensor", "--read=f", "--alerts-of=a"), ERR_INVALID);
    assert_string_equal(diag.text, "--alerts-of needs --link");
    assert_err(
        PARSE(&o, &diag, "tieline-sensor", "--read=f", "--link=unix:/l", "--name=a", "--ca=c"),
        ERR_INVALID);
    assert_string_equal(diag.text, "--ca, --cert and --key belong together, with --link");
    assert_err(PARSE(&o, &diag, "tieline-sensor", "f.pcap"), ERR_INVALID);
    assert_string_equal(diag.text, "\"f.pcap\" is not an option");
}

TEST_MAIN(cmocka_unit_test(what_is_given_and_what_is_not),
          cmocka_unit_test(mistakes_name_the_option))
