/* What is written is read by libpcap. That comments, flags and statistics are what they should be,
 * is seen by tshark: test/netns/edge-capture.sh. */
#include "edge/pcapng.h"

#include "base/testing.h"

#include <pcap/pcap.h>
#include <stdio.h>

static const struct pcapng_interface wire = {
    .name = "p1", .description = "port 1", .speed_bps = 1000000000, .snap = 64};

static pcap_t *
open_capture(struct buf *file)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    FILE *in = fmemopen(file->data, file->size, "rb");
    pcap_t *p = pcap_fopen_offline_with_tstamp_precision(in, PCAP_TSTAMP_PRECISION_NANO, error);
    assert_string_equal(error, "");
    assert_non_null(p);
    return p;
}

static void
libpcap_reads_packets_of_every_size(void **state UNUSED)
{
    struct buf file = BUF_INIT;
    uint8_t frame[64];
    struct pcap_pkthdr *header;
    const u_char *data;
    memset(frame, 0x5a, sizeof frame);
    pcapng_put_section(&file, "test", "a comment");
    pcapng_put_interface(&file, &wire);
    for (uint32_t i = 0; i <= sizeof frame; i++) {
        const struct pcapng_packet packet = {.time = 1795913179854460253 + i,
                                             .frame = frame,
                                             .captured = i,
                                             .size = 1500,
                                             .direction = PCAPNG_INBOUND,
                                             .id = i,
                                             .lost = i % 3,
                                             .comment = i % 2 ? "odd" : NULL};
        pcapng_put_packet(&file, &packet);
    }
    pcapng_put_statistics(&file, &(struct pcapng_statistics){.accepted = 65});
    pcap_t *p = open_capture(&file);
    assert_int_equal(pcap_datalink(p), DLT_EN10MB);
    for (uint32_t i = 0; i <= sizeof frame; i++) {
        assert_int_equal(pcap_next_ex(p, &header, &data), 1);
        assert_int_equal(header->caplen, i);
        assert_int_equal(header->len, 1500);
        assert_int_equal(header->ts.tv_sec, 1795913179);
        assert_int_equal(header->ts.tv_usec, 854460253 + i);
        assert_memory_equal(data, frame, i);
    }
    assert_int_equal(pcap_next_ex(p, &header, &data), PCAP_ERROR_BREAK);
    pcap_close(p);
    buf_fini(&file);
}

static void
interfaces_without_details_are_read_too(void **state UNUSED)
{
    struct buf file = BUF_INIT;
    struct pcap_pkthdr *header;
    const u_char *data;
    pcapng_put_section(&file, NULL, NULL);
    pcapng_put_interface(&file, &(struct pcapng_interface){.snap = 64});
    pcapng_put_interface(&file, &(struct pcapng_interface){.snap = 64, .name = "second"});
    pcapng_put_packet(&file, &(struct pcapng_packet){.interface = 1,
                                                     .frame = (const uint8_t *)"abc",
                                                     .captured = 3,
                                                     .size = 3,
                                                     .direction = PCAPNG_OUTBOUND});
    pcap_t *p = open_capture(&file);
    assert_int_equal(pcap_next_ex(p, &header, &data), 1);
    assert_memory_equal(data, "abc", 3);
    pcap_close(p);
    buf_fini(&file);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libpcap_reads_packets_of_every_size),
        cmocka_unit_test(interfaces_without_details_are_read_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
