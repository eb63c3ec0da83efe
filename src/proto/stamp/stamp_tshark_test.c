/* Packets of a real session, as tshark's dissector of TWAMP-Test reads them: STAMP's
 * unauthenticated packets are the same on the wire (RFC 8762 section 4.6), and what that dissector
 * calls the first MBZ is the SSID. */
#include "proto/stamp/stamp_reflector.h"

#include "base/testing_pcap.h"

#define WALL (INT64_C(1795233360) * NSEC_PER_SEC)

static void
dump_udp(pcap_dumper_t *dumper, const struct buf *payload, bool to_reflector)
{
    struct buf f = BUF_INIT;
    buf_put(&f, "\2\0\0\0\0\2\2\0\0\0\0\1\x08\0", 14);
    buf_put(&f, "\x45\0", 2);
    buf_be16(&f, (uint16_t)(28 + payload->size));
    buf_put(&f, "\0\0\0\0\xff\x11\0\0", 8);
    buf_be32(&f, to_reflector ? 0xc0000201 : 0xc0000202);
    buf_be32(&f, to_reflector ? 0xc0000202 : 0xc0000201);
    buf_be16(&f, to_reflector ? 50000 : STAMP_PORT);
    buf_be16(&f, to_reflector ? STAMP_PORT : 50000);
    buf_be16(&f, (uint16_t)(8 + payload->size));
    buf_be16(&f, 0);
    buf_put(&f, payload->data, payload->size);
    struct pcap_pkthdr header = {.caplen = (unsigned)f.size, .len = (unsigned)f.size};
    pcap_dump((unsigned char *)dumper, &header, f.data);
    buf_fini(&f);
}

#define N_PACKETS 3

static void
capture_session(const char *path, enum stamp_format format)
{
    const struct stamp_sender_config sender_config = {
        .ssid = 1234,
        .count = N_PACKETS,
        .interval = NSEC_PER_SEC,
        .timeout = NSEC_PER_SEC,
        .error = {.synchronized = true, .format = format, .error = NSEC_PER_SEC / 2},
        .size = 100,
    };
    const struct stamp_reflector_config reflector_config = {
        .stateful = true, .open = true, .error = {.format = format}};
    struct stamp_sender *sender;
    struct stamp_reflector *reflector;
    assert_ok(stamp_sender_new(&sender_config, 0, &sender, NULL));
    assert_ok(stamp_reflector_new(&reflector_config, &reflector, NULL));
    struct stamp_arrival arrival = {
        .from = stamp_endpoint_v4(1, 50000), .to = stamp_endpoint_v4(2, STAMP_PORT), .ttl = 253};
    pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 65535);
    pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
    assert_non_null(dumper);
    for (int i = 0; i < N_PACKETS; i++) {
        struct buf packet = BUF_INIT, reply = BUF_INIT;
        nsec_t now = i * NSEC_PER_SEC;
        uint32_t sequence;
        struct stamp_reflection reflection;
        assert_ok(stamp_sender_output(sender, now, WALL + now, &packet, &sequence));
        dump_udp(dumper, &packet, true);
        arrival.received = WALL + now + NSEC_PER_SEC / 4;
        assert_ok(stamp_reflector_input(reflector, &arrival, packet.data, packet.size, now,
                                        WALL + now + NSEC_PER_SEC / 2, &reply, &reflection));
        dump_udp(dumper, &reply, false);
        buf_fini(&packet);
        buf_fini(&reply);
    }
    pcap_dump_close(dumper);
    pcap_close(pcap);
    stamp_sender_free(sender);
    stamp_reflector_free(reflector);
}

#define COLUMNS                                                                                    \
    "-e twamp.test.seq_number -e twamp.test.timestamp -e twamp.test.error_estimate.s "             \
    "-e twamp.test.error_estimate.z -e twamp.test.error_estimate.scale "                           \
    "-e twamp.test.error_estimate.multiplier -e twamp.test.mbz1 "                                  \
    "-e twamp.test.receive_timestamp -e twamp.test.sender_seq_number "                             \
    "-e twamp.test.sender_timestamp -e twamp.test.sender_ttl -e twamp.test.padding "

static void
run_tshark(struct oracle *o, const char *path)
{
    char command[2048];
    snprintf(command, sizeof command,
             "tshark -n -r '%s' -d udp.port==862,twamp.test -Y twamp.test -T fields -E header=y "
             "-E separator=/t " COLUMNS " 2>/dev/null",
             path);
    oracle_run(o, command);
}

static void
check(const struct oracle *o, const char *field, const char *value)
{
    char column[64];
    snprintf(column, sizeof column, "twamp.test.%s", field);
    assert_string_equal(oracle_get(o, column), value);
}

static void
check_request(const struct oracle *o, int i, enum stamp_format format)
{
    char text[64];
    snprintf(text, sizeof text, "%d", i);
    check(o, "seq_number", text);
    snprintf(text, sizeof text, "Nov 21, 2026 03:56:%02d.000000000 UTC", i);
    check(o, "timestamp", text);
    check(o, "error_estimate.s", "1,0"); /* the packet's, and that of a reply that is none */
    check(o, "error_estimate.z", format == STAMP_PTP ? "1,0" : "0,0");
    check(o, "error_estimate.scale", "24,0");
    check(o, "error_estimate.multiplier", "128,0");
    check(o, "mbz1", "1234");
}

static void
check_reply(const struct oracle *o, int i, enum stamp_format format)
{
    char text[64];
    snprintf(text, sizeof text, "%d", i);
    check(o, "seq_number", text);
    check(o, "sender_seq_number", text);
    snprintf(text, sizeof text, "Nov 21, 2026 03:56:%02d.500000000 UTC", i);
    check(o, "timestamp", text);
    snprintf(text, sizeof text, "Nov 21, 2026 03:56:%02d.250000000 UTC", i);
    check(o, "receive_timestamp", text);
    snprintf(text, sizeof text, "Nov 21, 2026 03:56:%02d.000000000 UTC", i);
    if (format == STAMP_NTP) /* this dissector reads the repeated one as NTP whatever its Z says */
        check(o, "sender_timestamp", text);
    check(o, "error_estimate.s", "0,1");
    check(o, "error_estimate.z", format == STAMP_PTP ? "1,1" : "0,0");
    check(o, "mbz1", "1234");
    check(o, "sender_ttl", "253");
    /* Three must-be-zero octets, then the Extra Padding TLV with U cleared. */
    assert_memory_equal(oracle_get(o, "twamp.test.padding"), "00000000010034", 14);
}

static void
tshark_reads_what_was_meant(enum stamp_format format)
{
    char path[] = "/tmp/stamp_tshark_test.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    capture_session(path, format);
    struct oracle o;
    run_tshark(&o, path);
    for (int i = 0; i < N_PACKETS; i++) {
        assert_true(oracle_next(&o));
        check_request(&o, i, format);
        assert_true(oracle_next(&o));
        check_reply(&o, i, format);
    }
    assert_false(oracle_next(&o));
    oracle_close(&o);
    unlink(path);
}

static void
tshark_reads_ntp_sessions(void **state UNUSED)
{
    tshark_reads_what_was_meant(STAMP_NTP);
}

static void
tshark_reads_ptp_sessions(void **state UNUSED)
{
    tshark_reads_what_was_meant(STAMP_PTP);
}

int
main(void)
{
    if (tshark_missing("stamp_tshark_test"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {cmocka_unit_test(tshark_reads_ntp_sessions),
                                       cmocka_unit_test(tshark_reads_ptp_sessions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
