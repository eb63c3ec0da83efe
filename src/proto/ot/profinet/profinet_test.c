#include "proto/ot/profinet/profinet.h"

#include "dissect/testing.h"

/* Messages by hand after IEC 61158-6-10. */
#define IDENTITY                                                                                   \
    "feff 05 01 00010002 0000 004a 0201 0009 0000 53372d31353030 00 0202 0007 0000 706c632d31 00"  \
    "0203 0006 0000 002a010e 0204 0004 0000 0200 0205 0008 0000 0201 0202 0102"                    \
    "0102 000e 0001 c0a80001 ffffff00 c0a800fe"

#define ALARM                                                                                      \
    "fc01 0001 0002 11 01 0003 ffff 001e 0001 001a 0100 0001 00000000 0002 8001 00000011 00000022" \
    "a805 0000 0000"

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &profinet_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "fefe 05 00 0000000b 0001 0004 ffff 0000 00000000",
                 "request identify identify frame-id=65278 xid=11 response-delay=1; "
                 "option=65535\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefe 05 00 0000000b 0001 000a 0202 0005 706c632d31 00",
                 "request identify identify frame-id=65278 xid=11 response-delay=1; option=514 "
                 "name-of-station='plc-1'\n");
    assert_reads(&r, SIDE_UNKNOWN, IDENTITY,
                 "response identify identify frame-id=65279 xid=65538; option=513 block-info=0 "
                 "device-vendor='S7-1500'; option=514 block-info=0 name-of-station='plc-1'; "
                 "option=515 block-info=0 vendor-id=42 device-id=270; option=516 block-info=0 "
                 "role=2; option=517 block-info=0 device-option=513 device-option=514 "
                 "device-option=258; option=258 block-info=1 ip=3232235521 netmask=4294967040 "
                 "gateway=3232235774\n");
    assert_reads(&r, SIDE_UNKNOWN,
                 "fefc 06 00 0000000a 0000 0012 0202 0005 0000 706c63 00 0601 0004 0000 0001",
                 "report hello identify frame-id=65276 xid=10; option=514 block-info=0 "
                 "name-of-station='plc'; option=1537 block-info=0 initiative=1\n");
    reading_end(&r);
    assert_survives_truncation(&profinet_protocol, SIDE_UNKNOWN, IDENTITY);
}

static void
every_option_has_its_fields(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &profinet_protocol);
    assert_reads(&r, SIDE_UNKNOWN,
                 "feff 05 01 00000001 0000 005c"
                 "0101 0008 0000 020000000001"
                 "0103 0016 0000 c0a80001 ffffff00 c0a800fe 08080808 08080404"
                 "0206 0005 0000 612e62 00"
                 "0207 0004 0000 0102"
                 "0208 0006 0000 00020003"
                 "0209 0006 0000 c0a80001"
                 "020a 0004 0000 0005"
                 "030c 0004 0000 6162",
                 "response identify identify frame-id=65279 xid=1; option=257 block-info=0 "
                 "mac=020000000001; option=259 block-info=0 ip=3232235521 netmask=4294967040 "
                 "gateway=3232235774 dns=134744072 dns=134743044; option=518 block-info=0 "
                 "alias='a.b'; option=519 block-info=0 instance=258; option=520 block-info=0 "
                 "oem-vendor-id=2 oem-device-id=3; option=521 block-info=0 gateway=3232235521; "
                 "option=522 block-info=0 data=0005; option=780 block-info=0 data=6162\n");
    reading_end(&r);
}

static void
what_is_set_and_what_is_refused(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &profinet_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "fefd 03 00 00000008 0000 0004 0202 0102",
                 "request get identify frame-id=65277 xid=8; option=514; option=258\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefd 04 00 00000007 0000 000a 0202 0005 0001 706c63 00",
                 "request set configure frame-id=65277 xid=7; option=514 block-qualifier=1 "
                 "name-of-station='plc'\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefd 04 01 00000007 0000 0008 0504 0003 0202 00 00",
                 "response set configure frame-id=65277 xid=7; option=1284 response-option=514 "
                 "block-error=0\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefd 04 01 00000007 0000 0008 0504 0003 0202 05 00",
                 "refusal set configure error=5 frame-id=65277 xid=7; option=1284 "
                 "response-option=514 block-error=5\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefd 03 05 00000008 0000 0000",
                 "refusal get identify error=256 frame-id=65277 xid=8\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefd 04 00 00000009 0000 0008 0503 0004 0000 0100",
                 "request set configure frame-id=65277 xid=9; option=1283 block-qualifier=0 "
                 "signal=256\n");
    assert_reads(&r, SIDE_UNKNOWN, "fefd 04 00 00000009 0000 0006 0506 0002 0004",
                 "request set restart frame-id=65277 xid=9; option=1286 block-qualifier=4\n");
    reading_end(&r);
}

static void
real_time_frames_are_told_by_their_number(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &profinet_protocol);
    assert_reads(&r, SIDE_UNKNOWN, "8001 80 01 80 00 1234 35 00",
                 "report cyclic report frame-id=32769 data=80018000 cycle=4660 data-status=53 "
                 "runs=1 problem=0 transfer-status=0\n");
    assert_reads(&r, SIDE_UNKNOWN, ALARM,
                 "report alarm report frame-id=64513 destination-endpoint=1 source-endpoint=2 "
                 "alarm-pdu=1 send-sequence=3 ack-sequence=65535 alarm-block=1 alarm-type=1 api=0 "
                 "slot=2 subslot=32769 module=17 submodule=34 alarm-specifier=43013 "
                 "data=00000000\n");
    assert_reads(&r, SIDE_UNKNOWN, "fe01 0002 0001 13 01 ffff 0003 0000",
                 "link alarm report frame-id=65025 destination-endpoint=2 source-endpoint=1 "
                 "alarm-pdu=3 send-sequence=65535 ack-sequence=3\n");
    assert_reads(&r, SIDE_UNKNOWN, "ff40 000000000000000000000000 0044",
                 "link clock link frame-id=65344 sequence=68\n");
    assert_reads(&r, SIDE_UNKNOWN, "ff80 0102", "link fragment link frame-id=65408 data=0102\n");
    assert_reads(&r, SIDE_UNKNOWN, "ff70 0102", "report other other frame-id=65392 data=0102\n");
    reading_end(&r);
    assert_survives_truncation(&profinet_protocol, SIDE_UNKNOWN, ALARM);
}

static void
what_cannot_be_is_an_error(void **state UNUSED)
{
    static const struct {
        const char *hex, *said;
        enum err err;
        size_t offset;
    } bad[] = {
        /* a block that leaves the data; one that is too small for its value */
        {"feff 05 01 00000001 0000 0006 0202 0007 0000",
         "response identify identify frame-id=65279 xid=1\n", ERR_TRUNCATED, 16},
        {"feff 05 01 00000001 0000 0008 0203 0004 0000 002a",
         "response identify identify frame-id=65279 xid=1; option=515 block-info=0 vendor-id=42\n",
         ERR_TRUNCATED, 20},
        {"8001 1234 35", "report cyclic report frame-id=32769\n", ERR_TRUNCATED, 5},
        {"fc01 0001", "report alarm report frame-id=64513 destination-endpoint=1\n", ERR_TRUNCATED,
         4},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct reading r;
        uint8_t octets[64];
        size_t n = octets_of(bad[i].hex, octets, sizeof octets);
        reading_begin(&r, &profinet_protocol);
        reading_octets(&r, SIDE_UNKNOWN, octets, n);
        assert_string_equal(buf_cstr(&r.text), bad[i].said);
        assert_err(r.err, bad[i].err);
        assert_int_equal(r.offset, bad[i].offset);
        reading_end(&r);
    }
}

TEST_MAIN(cmocka_unit_test(a_device_says_who_it_is), cmocka_unit_test(every_option_has_its_fields),
          cmocka_unit_test(what_is_set_and_what_is_refused),
          cmocka_unit_test(real_time_frames_are_told_by_their_number),
          cmocka_unit_test(what_cannot_be_is_an_error))
