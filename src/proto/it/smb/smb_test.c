/* Messages after [MS-SMB2], [MS-CIFS], [MS-NLMP] and RFC 1002, put together field by field. */
#include "dissect/testing.h"
#include "proto/it/smb/smb_private.h"

#define NEGOTIATE                                                                                  \
    "00000068fe534d424000000000000000000001000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000240002000100000000000000"             \
    "47474747474747474747474747474747000000000000000010021103"
#define NEGOTIATED                                                                                 \
    "00000080fe534d424000000000000000000001000100000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000410003001103000053535353"             \
    "535353535353535353535353000000000000000000000000000000000040a8ffa7b29d0100000000"             \
    "000000008000000000000000"
#define CHALLENGE                                                                                  \
    "000000eefe534d4240000000160000c0010001000100000000000000010000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000090000004800a6004e544c4d"             \
    "53535000020000000a000a0038000000010000020000000000000000000000000000000064006400"             \
    "420000000a0063450000000050004c0041004e00540002000a0050004c0041004e00540001000800"             \
    "48004d004900310004001a0070006c0061006e0074002e006500780061006d0070006c0065000300"             \
    "240068006d00690031002e0070006c0061006e0074002e006500780061006d0070006c0065000000"             \
    "0000"
#define LOGIN                                                                                      \
    "000000b6fe534d424000000000000000010001000000000000000000020000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000190000020000000000000000"             \
    "58005e0000000000000000004e544c4d535350000300000000000000480000000000000048000000"             \
    "0a000a0048000000060006005200000006000600580000000000000048000000010000020a006345"             \
    "0000000050004c0041004e00540065006e006700500043003700"
#define DENIED                                                                                     \
    "00000049fe534d42400000006d0000c0010001000100000000000000020000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000090000000000000000"
#define TREE                                                                                       \
    "00000058fe534d424000000000000000030001000000000000000000030000000000000000000000"             \
    "0500000007000000000000000000000000000000000000000000000009000000480010005c005c00"             \
    "68005c004900500043002400"
#define TREED                                                                                      \
    "00000050fe534d424000000000000000030001000100000000000000030000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000100002000000000000000000"             \
    "00000000"
#define CREATE                                                                                     \
    "00000084fe534d424000000000000000050001000000000000000000040000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000390000000200000000000000"             \
    "0000000000000000000000009f0112000000000007000000010000004000000078000c0000000000"             \
    "00000000730076006300630074006c00"
#define CREATED                                                                                    \
    "00000098fe534d424000000000000000050001000100000000000000040000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000590000000100000000000000"             \
    "00000000000000000000000000000000000000000000000000000000001000000000000064000000"             \
    "000000000000000000000000000000000000000099000000000000000000000000000000"
#define READ                                                                                       \
    "00000071fe534d424000000000000000080001000000000000000000060000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000310050004000000000000000"             \
    "00000000000000000000000099000000000000000000000000000000000000000000000000"
#define READ_DONE                                                                                  \
    "00000068fe534d424000000000000000080001000100000000000000060000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000110050001800000000000000"             \
    "000000007f454c460000000000000000000000000000000000000000"
#define COMPOUND                                                                                   \
    "000000e0fe534d424000000000000000050001000000000088000000070000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000390000000200000000000000"             \
    "0000000000000000000000009f0112000000000007000000010000004000000078000a0000000000"             \
    "0000000061002e00650078006500000000000000fe534d4240000000000000000600010000000000"             \
    "00000000080000000000000000000000050000000700000000000000000000000000000000000000"             \
    "00000000180000000000000000000000000000009900000000000000"
#define NEGOTIATE1                                                                                 \
    "0000002fff534d4272000000000000c0000000000000000000000000030034120b000900000c0002"             \
    "4e54204c4d20302e313200"
#define CHAIN1                                                                                     \
    "00000092ff534d4273000000000000c0000000000000000000000000030034120b0009000d750072"             \
    "000010010000000000000001000000000000000000000035000065006e006700000050004c004100"             \
    "4e0054000000570069006e0064006f0077007300200034002e0030000000570069006e00000004ff"             \
    "000000000001001500005c005c0068005c004300240000003f3f3f3f3f00"
#define CREATE1                                                                                    \
    "00000064ff534d42a2000000000000c0000000000000000000000000030034120b00090018ff0000"             \
    "0000100000000000000000009f010200000000000000000000000000070000000100000040000000"             \
    "02000000001100005c00730076006300630074006c000000"
#define CREATED1                                                                                   \
    "00000067ff534d42a2000000008000c0000000000000000000000000030034120b00090022ff0000"             \
    "00000040010000000000000000000000000000000000000000000000000000000000000000000000"             \
    "0000000000000000000000004d0000000000000000000000000000"
#define WRITE1                                                                                     \
    "00000058ff534d422f000000000000c0000000000000000000000000030034120b0009000eff0000"             \
    "000040000000000000000000000000000018004000000000001900007f454c460000000000000000"             \
    "000000000000000000000000"
#define READ1                                                                                      \
    "0000003bff534d422e000000000000c0000000000000000000000000030034120b0009000cff0000"             \
    "0000400000000040000000000000000000010000000000"
#define REFUSED1 "00000023ff534d4275cc0000c08000c0000000000000000000000000030034120b000900000000"
#define TRANS1                                                                                     \
    "00000052ff534d4225000000000000c0000000000000000000000000030034120b00090010000048"             \
    "00000000040000000000000000000000000000480054000200260000400f00005c00500049005000"             \
    "45005c000000"
#define SESSION                                                                                    \
    "81000044204549454e454a4442434143414341434143414341434143414341434143414341002046"             \
    "4145444448434143414341434143414341434143414341434143414341434100"
#define SESSION_NO "8300000182"
/* Only the beginning of what is written or encrypted is looked at. */
#define WRITE                                                                                      \
    "000013f8fe534d424000000000000000090001000000000000000000050000000000000000000000"             \
    "05000000070000000000000000000000000000000000000000000000310070008813000000000000"             \
    "0000000000000000000000009900000000000000000000000000000000000000000000007f454c46"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000"             \
    "00000000000000000000000000000000000000000000000000000000"
#define ENCRYPTED                                                                                  \
    "00000098fd534d420000000000000000000000000000000000000000000000000000000000000000"             \
    "64000000000001000700000000000000"

#define SURVIVES(side, hex) assert_survives_truncation(&smb, side, hex)

static void
a_dialect_is_agreed_upon(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &smb);
    assert_reads(&r, SIDE_CLIENT, NEGOTIATE,
                 "request negotiate link message=0 session=0 tree=0 signing=1 "
                 "guid=47474747474747474747474747474747 dialect=528 dialect=785\n");
    assert_reads(&r, SIDE_SERVER, NEGOTIATED,
                 "response negotiate link message=0 session=0 tree=0 dialect=785 signing=3 "
                 "guid=53535353535353535353535353535353 system-time=86400000000000\n");
    reading_end(&r);
}

static void
who_logs_in_and_where_is_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &smb);
    assert_reads(&r, SIDE_SERVER, CHALLENGE,
                 "response session-setup access message=1 session=7 tree=5 status=3221225494 "
                 "session-flags=0 authentication=1 ntlm-message=2 target='PLANT' "
                 "computer-domain='PLANT' computer='HMI1' dns-domain='plant.example' "
                 "dns-computer='hmi1.plant.example' os-version='10.0.17763'\n");
    assert_reads(
        &r, SIDE_CLIENT, LOGIN,
        "request session-setup access message=2 session=7 tree=5 signing=2 authentication=1 "
        "ntlm-message=3 domain='PLANT' user='eng' workstation='PC7' os-version='10.0.17763'\n");
    assert_reads(&r, SIDE_SERVER, DENIED,
                 "refusal session-setup access error=3221225581 message=2 session=7 tree=5\n");
    assert_string_equal(protocol_error(&smb, 0xc000006d), "logon-failure");
    reading_end(&r);
}

static void
a_file_s_name_is_remembered(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &smb);
    assert_reads(&r, SIDE_CLIENT, TREE,
                 "request tree-connect link message=3 session=7 tree=5 path='\\\\h\\IPC$'\n");
    assert_reads(&r, SIDE_SERVER, TREED,
                 "response tree-connect link message=3 session=7 tree=5 share-type=2\n");
    assert_reads(&r, SIDE_CLIENT, CREATE,
                 "request create other message=4 session=7 tree=5 file='svcctl' access=1180063 "
                 "disposition=1 options=64\n");
    assert_reads(&r, SIDE_SERVER, CREATED,
                 "response create other message=4 session=7 tree=5 file-id=153 file='svcctl' "
                 "action=1 file-size=100\n");
    assert_reads(&r, SIDE_CLIENT, READ,
                 "request read other message=6 session=7 tree=5 file-id=153 file='svcctl' offset=0 "
                 "length=64\n");
    assert_reads(
        &r, SIDE_SERVER, READ_DONE,
        "response read upload message=6 session=7 tree=5 file='svcctl' length=24 executable=2\n");
    assert_reads(
        &r, SIDE_CLIENT, COMPOUND,
        "request create other message=7 session=7 tree=5 file='a.exe' access=1180063 disposition=1 "
        "options=64\nrequest close link message=8 session=7 tree=5 file-id=153 file='svcctl'\n");
    assert_reads(&r, SIDE_CLIENT, READ, /* of a file that has been closed */
                 "request read other message=6 session=7 tree=5 file-id=153 offset=0 length=64\n");
    assert_reads(&r, SIDE_SERVER, READ_DONE,
                 "response read upload message=6 session=7 tree=5 length=24 executable=2\n");
    reading_end(&r);
}

static void
what_is_written_passes_by(void **state UNUSED)
{
    struct reading r;
    uint8_t octets[2048];
    size_t message, n = octets_of(WRITE, octets, sizeof octets);
    assert_int_equal(smb.frame(octets, n, &message), FRAME_WHOLE);
    assert_int_equal(message, n);
    reading_begin(&r, &smb);
    assert_reads(&r, SIDE_CLIENT, WRITE,
                 "request write download message=5 session=7 tree=5 file-id=153 offset=0 "
                 "length=5000 executable=2\n");
    assert_true(r.d.body);
    assert_int_equal(smb.body(&r.d, octets, 4000), 4000);
    assert_true(r.d.body);
    assert_int_equal(smb.body(&r.d, NULL, 4000), 5112 - 1024 - 4000);
    assert_false(r.d.body);
    assert_reads(&r, SIDE_CLIENT, ENCRYPTED, "link encrypted other session=7 size=152\n");
    assert_true(r.d.body);
    reading_end(&r);
}

static void
smb_1_is_read_too(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &smb);
    assert_reads(&r, SIDE_CLIENT, NEGOTIATE1,
                 "request smb1-negotiate link message=9 session=11 tree=3 process=4660 "
                 "dialect-name='NT LM 0.12'\n");
    assert_reads(
        &r, SIDE_CLIENT, CHAIN1,
        "request smb1-session-setup access message=9 session=11 tree=3 process=4660 user='eng' "
        "domain='PLANT' native-os='Windows 4.0' native-lm='Win'\nrequest smb1-tree-connect link "
        "message=9 session=11 tree=3 process=4660 path='\\\\h\\C$' service='\?\?\?\?\?'\n");
    assert_reads(&r, SIDE_CLIENT, CREATE1,
                 "request smb1-nt-create other message=9 session=11 tree=3 process=4660 "
                 "file='\\svcctl' access=131487 disposition=1 options=64\n");
    assert_reads(&r, SIDE_SERVER, CREATED1,
                 "response smb1-nt-create other message=9 session=11 tree=3 process=4660 "
                 "file='\\svcctl' file-id=16384 action=1 file-size=77\n");
    assert_reads(&r, SIDE_CLIENT, WRITE1,
                 "request smb1-write download message=9 session=11 tree=3 process=4660 "
                 "file='\\svcctl' file-id=16384 offset=0 length=24 executable=2\n");
    assert_reads(&r, SIDE_CLIENT, READ1,
                 "request smb1-read other message=9 session=11 tree=3 process=4660 file='\\svcctl' "
                 "file-id=16384 offset=4294967296 length=64\n");
    assert_reads(&r, SIDE_SERVER, REFUSED1,
                 "refusal smb1-tree-connect link error=3221225676 message=9 session=11 tree=3 "
                 "process=4660\n");
    assert_reads(&r, SIDE_CLIENT, TRANS1,
                 "request smb1-transaction other message=9 session=11 tree=3 process=4660 "
                 "subcommand=38 length=72 path='\\PIPE\\' file-id=16384 file='\\svcctl'\n");
    reading_end(&r);
}

static void
a_session_names_both_ends(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &smb);
    assert_reads(&r, SIDE_CLIENT, SESSION,
                 "request session-request link target='HMI1' workstation='PC7'\n");
    assert_reads(&r, SIDE_SERVER, SESSION_NO, "refusal session-refused link error=130\n");
    assert_reads(&r, SIDE_CLIENT, "85000000", "link session-keep-alive link\n");
    reading_end(&r);
}

static void
what_is_cut_off_is_an_error(void **state UNUSED)
{
    SURVIVES(SIDE_CLIENT, NEGOTIATE);
    SURVIVES(SIDE_SERVER, NEGOTIATED);
    SURVIVES(SIDE_CLIENT, CHAIN1);
    SURVIVES(SIDE_CLIENT, SESSION);
}

static void
messages_are_cut_from_a_stream(void **state UNUSED)
{
    static const char *const whole[] = {NEGOTIATE, CHAIN1, SESSION, ENCRYPTED};
    static const char *const bad[] = {"00000040 fe534d43", "00000040 aa534d42", "01000000",
                                      "00000004", "81010000"};
    uint8_t octets[2048];
    size_t message;
    for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
        size_t n = octets_of(whole[i], octets, sizeof octets);
        for (size_t size = 0; size < n; size++)
            assert_int_equal(smb.frame(octets, size, &message), FRAME_MORE);
        assert_int_equal(smb.frame(octets, n, &message), FRAME_WHOLE);
        assert_int_equal(message, n);
        assert_int_equal(smb.looks(octets, n), LOOKS_SURE);
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        size_t n = octets_of(bad[i], octets, sizeof octets);
        assert_int_equal(smb.frame(octets, n, &message), FRAME_NOT);
        assert_int_equal(smb.looks(octets, n), LOOKS_NOT);
    }
}

TEST_MAIN(cmocka_unit_test(a_dialect_is_agreed_upon),
          cmocka_unit_test(who_logs_in_and_where_is_told),
          cmocka_unit_test(a_file_s_name_is_remembered),
          cmocka_unit_test(what_is_written_passes_by), cmocka_unit_test(smb_1_is_read_too),
          cmocka_unit_test(a_session_names_both_ends),
          cmocka_unit_test(what_is_cut_off_is_an_error),
          cmocka_unit_test(messages_are_cut_from_a_stream))
