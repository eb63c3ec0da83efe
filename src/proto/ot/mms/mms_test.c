/* Messages are written by hand after ISO 9506-2 (annex of abstract syntax), ISO 8823, 8327 and
 * 8650, with the names of IEC 61850-7-4. */
#include "dissect/testing.h"
#include "proto/ot/mms/mms.h"

#include <stdio.h>

/* clang-format off */
#define INITIATE \
    "0db60506130100160102140200023302000134020001c1a031819da003800101a28195810400" \
    "000001820400000001a423300f0201010604520100013004060251013010020103060528ca22" \
    "020130040602510161623060020101a05b6059a107060528ca220203a20706052901876701a3" \
    "0302010ca606060429018767a70302010cbe33283106025101020103a028a826800300fde881" \
    "010582010583010aa416800101810305f100820c03ee1c00000408000079ef18"
#define IDENTIFY \
    "01000100610e300c020103a007a0050201018200"
#define IDENTITY \
    "01000100611d301b020103a016a114020101a20f800441434d45810252318203322e30"
#define LIST_DOMAIN \
    "0100010061273025020103a020a01e020102a119a003800100a1098107494544314c44308207" \
    "4c4c4e30245354"
#define LISTED \
    "0100010061253023020103a01ea11c020102a117a0121a074c4c4e302443461a074c4c4e3024" \
    "4443810100"
#define READ_PLATE \
    "0100010061583056020103a051a04f020103a44aa148a0463025a023a1211a07494544314c44" \
    "301a164c50484431244443245068794e616d247365724e756d301da01ba1191a07494544314c" \
    "44301a0e4c4c4e30244443244e616d506c74"
#define PLATE \
    "010001006121301f020103a01aa118020103a413a1118a025331a20b8a0441434d458a03322e" \
    "30"
#define READ_MANY \
    "01000100614e304c020103a047a045020104a440a13ea03c301ca01aa1181a07494544314c44" \
    "301a0d4747494f3124535424496e6431301ca01aa1181a07494544314c44301a0d4747494f31" \
    "24535424496e6432"
#define MANY \
    "01000100613f303d020103a038a136020104a431a12f80010aa22a8301018403030000910800" \
    "00000a8000000a8501fe8601ff8705083fc000008901ab8c06000003e80001"
#define READ_ADDRESS \
    "0100010061373035020103a030a02e020109a429a127a0253005a103800105301ca01aa1181a" \
    "07494544314c44301a0d4747494f3124535424496e6432"
#define ADDRESSED \
    "0100010061163014020103a00fa10d020109a408a106830101830100"
#define SELECT \
    "01000100613c303a020103a035a033020105a52ea0223020a01ea11c1a07494544314c44301a" \
    "11584342523124434f24506f732453424f77a008a206830101860105"
#define OPERATE \
    "01000100613c303a020103a035a033020106a52ea0223020a01ea11c1a07494544314c44301a" \
    "11584342523124434f24506f73244f706572a008a206830101860105"
#define OPERATED \
    "010001006110300e020103a009a107020106a5028100"
#define CONFIGURE \
    "01000100613d303b020103a036a034020107a52fa0233021a01fa11d1a07494544314c44301a" \
    "124c4c4e302453502453474342244163745347a008a206830101860105"
#define DISABLE \
    "0100010061383036020103a031a02f020107a52aa0233021a01fa11d1a07494544314c44301a" \
    "124c4c4e302452502441303124527074456e61a003830100"
#define DENIED \
    "010001006111300f020103a00aa108020107a503800103"
#define REPORT \
    "01000100612c302a020103a025a323a021a1058003525054a0188a13494544314c44302f4c4c" \
    "4e3024525024413031830100"
#define ERROR \
    "0100010061133011020103a00ca20a800108a205a003870102"
#define ATTRIBUTES \
    "01000100612a3028020103a023a021020108a61ca01aa1181a07494544314c44301a0d474749" \
    "4f3124535424496e6431"
#define TYPE \
    "01000100612e302c020103a027a125020109a620800100a21ba219a117300b8005737456616c" \
    "a10283003008800171a1038401f3"
#define FILE_OPEN \
    "01000100611f301d020103a018a01602010abf4810a00b19096661756c742e636667810100"
#define FILE_OPENED \
    "0100010061293027020103a022a12002010abf481a800107a115800203e8810f323032303031" \
    "30313030303030305a"
#define FILE_READ \
    "010001006110300e020103a009a00702010b9f490107"
#define FILE_DATA \
    "0100010061173015020103a010a10e02010bbf49088003010203810100"
#define DIRECTORY \
    "0100010061373035020103a030a12e02010cbf4d28a0233021301fa0071905612e62696ea114" \
    "800109810f32303230303130313030303030305a8101ff"
#define DOWNLOAD \
    "0100010061193017020103a012a01002010dba0b800450524f47a100820100"
#define START \
    "0100010061153013020103a00ea00c02010ebf2806800450524f47"
#define CONCLUDE \
    "0100010061093007020103a0028b00"
/* clang-format on */

static size_t
wrap(const char *hex, uint8_t end, uint8_t *octets, size_t room)
{
    size_t n = octets_of(hex, octets + 7, room - 7);
    memcpy(octets, (uint8_t[]){3, 0, (uint8_t)((n + 7) >> 8), (uint8_t)(n + 7), 2, 0xf0, end}, 7);
    return n + 7;
}

static void
assert_says(struct reading *r, enum side side, const char *hex, const char *expected)
{
    uint8_t octets[2048];
    reading_octets(r, side, octets, wrap(hex, 0x80, octets, sizeof octets));
    assert_ok(r->err);
    assert_string_equal(buf_cstr(&r->text), expected);
}

static void
an_association_says_who_connects(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, INITIATE,
                "link initiate-request link called-ap-title='1.1.1.999.1' "
                "called-ae-qualifier=12 calling-ap-title='1.1.1.999' "
                "calling-ae-qualifier=12 pdu-size=65000 version=1\n");
    reading_end(&r);
}

static void
a_device_says_who_it_is(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, IDENTIFY, "request identify identify invoke-id=1\n");
    assert_says(&r, SIDE_SERVER, IDENTITY,
                "response identify identify invoke-id=1 vendor='ACME' model='R1' "
                "revision='2.0'\n");
    assert_says(&r, SIDE_CLIENT, READ_PLATE,
                "request read identify invoke-id=3; domain='IED1LD0' "
                "item='LPHD1$DC$PhyNam$serNum'; domain='IED1LD0' item='LLN0$DC$NamPlt'\n");
    assert_says(&r, SIDE_SERVER, PLATE,
                "response read identify invoke-id=3; domain='IED1LD0' "
                "item='LPHD1$DC$PhyNam$serNum' text='S1' serial-number='S1'; "
                "domain='IED1LD0' item='LLN0$DC$NamPlt' text='ACME' text='2.0' "
                "vendor='ACME'\n");
    reading_end(&r);
}

static void
names_are_listed(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, LIST_DOMAIN,
                "request get-name-list browse invoke-id=2 class=0 scope='IED1LD0' "
                "after='LLN0$ST'\n");
    assert_says(&r, SIDE_SERVER, LISTED,
                "response get-name-list browse invoke-id=2 name='LLN0$CF' name='LLN0$DC' "
                "more-follows=0\n");
    assert_says(&r, SIDE_CLIENT, ATTRIBUTES,
                "request get-variable-access-attributes browse invoke-id=8 "
                "domain='IED1LD0' item='GGIO1$ST$Ind1'\n");
    assert_says(&r, SIDE_SERVER, TYPE,
                "response get-variable-access-attributes browse invoke-id=9 "
                "component='stVal' component='q'\n");
    reading_end(&r);
}

static void
values_have_the_names_that_were_asked_for(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, READ_MANY,
                "request read read invoke-id=4; domain='IED1LD0' item='GGIO1$ST$Ind1'; "
                "domain='IED1LD0' item='GGIO1$ST$Ind2'\n");
    assert_says(&r, SIDE_SERVER, MANY,
                "response read read invoke-id=4; domain='IED1LD0' item='GGIO1$ST$Ind1' "
                "failure=10; domain='IED1LD0' item='GGIO1$ST$Ind2' boolean=1 "
                "bit-string=0000 time=10500000000 time-quality=10 integer=-2 "
                "unsigned=255 real=1.5 octet-string=ab time=441849601000000000\n");
    assert_says(&r, SIDE_SERVER, MANY,
                "response read read invoke-id=4; failure=10; boolean=1 bit-string=0000 "
                "time=10500000000 time-quality=10 integer=-2 unsigned=255 real=1.5 "
                "octet-string=ab time=441849601000000000\n");
    reading_end(&r);
}

static void
what_has_no_name_leaves_the_others_theirs(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, READ_ADDRESS,
                "request read read invoke-id=9; domain='IED1LD0' item='GGIO1$ST$Ind2'\n");
    assert_says(&r, SIDE_SERVER, ADDRESSED,
                "response read read invoke-id=9; boolean=1; domain='IED1LD0' "
                "item='GGIO1$ST$Ind2' boolean=0\n");
    reading_end(&r);
}

static void
a_breaker_is_selected_and_operated(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, SELECT,
                "request write select invoke-id=5; domain='IED1LD0' "
                "item='XCBR1$CO$Pos$SBOw' boolean=1 unsigned=5\n");
    assert_says(&r, SIDE_CLIENT, OPERATE,
                "request write operate invoke-id=6; domain='IED1LD0' "
                "item='XCBR1$CO$Pos$Oper' boolean=1 unsigned=5\n");
    assert_says(&r, SIDE_SERVER, OPERATED,
                "response write operate invoke-id=6; domain='IED1LD0' "
                "item='XCBR1$CO$Pos$Oper'\n");
    assert_says(&r, SIDE_CLIENT, CONFIGURE,
                "request write configure invoke-id=7; domain='IED1LD0' "
                "item='LLN0$SP$SGCB$ActSG' boolean=1 unsigned=5\n");
    assert_says(&r, SIDE_SERVER, DENIED,
                "refusal write configure invoke-id=7; domain='IED1LD0' "
                "item='LLN0$SP$SGCB$ActSG' failure=3\n");
    reading_end(&r);
}

static void
a_report_is_turned_off(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, DISABLE,
                "request write silence invoke-id=7; domain='IED1LD0' item='LLN0$RP$A01$RptEna' "
                "boolean=0\n");
    reading_end(&r);
}

static void
a_report_needs_no_request(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_SERVER, REPORT,
                "report information-report report list=1 vmd-name='RPT'; "
                "text='IED1LD0/LLN0$RP$A01'; boolean=0\n");
    reading_end(&r);
}

static void
an_error_is_that_of_its_request(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, ATTRIBUTES,
                "request get-variable-access-attributes browse invoke-id=8 "
                "domain='IED1LD0' item='GGIO1$ST$Ind1'\n");
    assert_says(&r, SIDE_SERVER, ERROR,
                "refusal get-variable-access-attributes browse error=1794 invoke-id=8\n");
    assert_says(&r, SIDE_SERVER, ERROR, "refusal confirmed-error other error=1794 invoke-id=8\n");
    reading_end(&r);
}

static void
files_are_read(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, FILE_OPEN,
                "request file-open upload invoke-id=10 file='fault.cfg' position=0\n");
    assert_says(&r, SIDE_SERVER, FILE_OPENED,
                "response file-open upload invoke-id=10 file-state=7 file-size=1000\n");
    assert_says(&r, SIDE_CLIENT, FILE_READ, "request file-read upload invoke-id=11 file-state=7\n");
    assert_says(&r, SIDE_SERVER, FILE_DATA,
                "response file-read upload invoke-id=11 file-octets=3 more-follows=0\n");
    assert_says(&r, SIDE_SERVER, DIRECTORY,
                "response file-directory browse invoke-id=12; file='a.bin' file-size=9; "
                "more-follows=1\n");
    reading_end(&r);
}

static void
programs_are_loaded_and_started(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, DOWNLOAD,
                "request initiate-download-sequence download invoke-id=13 name='PROG'\n");
    assert_says(&r, SIDE_CLIENT, START, "request start start invoke-id=14 name='PROG'\n");
    assert_says(&r, SIDE_CLIENT, CONCLUDE, "link conclude-request link\n");
    reading_end(&r);
}

static void
segments_are_put_together(void **state UNUSED)
{
    uint8_t octets[64];
    struct reading r;
    reading_begin(&r, &mms);
    reading_octets(&r, SIDE_CLIENT, octets, wrap("01000100610e300c", 0, octets, sizeof octets));
    assert_string_equal(buf_cstr(&r.text), "link data-segment link segment=8\n");
    assert_says(&r, SIDE_CLIENT, "020103a007a0050201018200",
                "request identify identify invoke-id=1\n");
    reading_end(&r);
}

static void
session_and_presentation_may_be_left_out(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &mms);
    assert_says(&r, SIDE_CLIENT, "a005 020101 8200", "request identify identify invoke-id=1\n");
    assert_says(&r, SIDE_CLIENT, "8b00", "link conclude-request link\n");
    assert_says(&r, SIDE_CLIENT, "850107", "link cancel-request other invoke-id=7\n");
    assert_says(&r, SIDE_CLIENT, "1903 110101", "link session-abort link\n");
    reading_end(&r);
}

static void
a_service_that_is_missing_is_told_of(void **state UNUSED)
{
    uint8_t octets[64];
    struct reading r;
    reading_begin(&r, &mms);
    reading_octets(&r, SIDE_SERVER, octets,
                   wrap("01000100610c300a020103a005a103020105", 0x80, octets, sizeof octets));
    assert_err(r.err, ERR_TRUNCATED);
    assert_string_equal(buf_cstr(&r.text), "response confirmed-response other invoke-id=5\n");
    reading_end(&r);
}

static void
values_within_values_have_an_end(void **state UNUSED)
{
    uint8_t octets[512];
    char hex[1024];
    size_t n = 0;
    struct reading r;
    /* A report of 60 structures within each other. */
    for (unsigned depth = 60; depth--;)
        n += (size_t)snprintf(hex + n, sizeof hex - n, "a2%02x", 2 * depth);
    char pdu[2048];
    snprintf(pdu, sizeof pdu, "a38186a08183a1058003525054a07a%s0000", hex);
    reading_begin(&r, &mms);
    reading_octets(&r, SIDE_SERVER, octets, wrap(pdu, 0x80, octets, sizeof octets));
    assert_err(r.err, ERR_LIMIT);
    reading_end(&r);
}

static int
looks_of(const char *hex)
{
    uint8_t octets[512];
    return mms.looks(octets, wrap(hex, 0x80, octets, sizeof octets));
}

static void
it_is_told_from_what_shares_its_port(void **state UNUSED)
{
    uint8_t octets[64];
    size_t n = octets_of("0300 0016 11 e0 0000 0001 00 c0010a c1020001 c2020001", octets, 64);
    assert_int_equal(looks_of(INITIATE), LOOKS_SURE);
    assert_int_equal(looks_of(IDENTIFY), LOOKS_SURE);
    assert_int_equal(looks_of("8b00"), LOOKS_LIKE);
    assert_int_equal(looks_of("32 01 0000 0100 0008 0000 f0 00 0001 0002 01e0"), LOOKS_NOT);
    assert_int_equal(looks_of("72 01 0004 31000000"), LOOKS_NOT);
    assert_int_equal(looks_of("48656c6c6f"), LOOKS_NOT);
    assert_in_range(mms.looks(octets, n), LOOKS_SHARED, LOOKS_FAINT - 1);
    /* A remote desktop's (RDP's negotiation behind it). */
    n = octets_of("0300 0013 0e e0 0000 0000 00 0100 0800 0300 0000", octets, 64);
    assert_int_equal(mms.looks(octets, n), LOOKS_NOT);
}

static void
survives_truncation_at_every_octet(void **state UNUSED)
{
    static const char *const messages[] = {INITIATE, PLATE, MANY,        OPERATE,   REPORT,
                                           TYPE,     ERROR, FILE_OPENED, DIRECTORY, READ_PLATE};
    for (size_t i = 0; i < ARRAY_SIZE(messages); i++) { /* the TPKT is whole, what is in it not */
        uint8_t octets[512];
        size_t n = wrap(messages[i], 0x80, octets, sizeof octets);
        for (size_t size = 7; size < n; size++) {
            struct reading r;
            octets[2] = (uint8_t)(size >> 8);
            octets[3] = (uint8_t)size;
            reading_begin(&r, &mms);
            reading_octets(&r, SIDE_CLIENT, octets, size);
            bool is_session = size == 11 && i > 0; /* alone it says nothing, and is whole */
            assert_int_equal(r.err == ERR_OK, is_session);
            assert_true(r.offset <= size);
            reading_end(&r);
        }
    }
}

TEST_MAIN(cmocka_unit_test(an_association_says_who_connects),
          cmocka_unit_test(a_device_says_who_it_is), cmocka_unit_test(names_are_listed),
          cmocka_unit_test(values_have_the_names_that_were_asked_for),
          cmocka_unit_test(what_has_no_name_leaves_the_others_theirs),
          cmocka_unit_test(a_breaker_is_selected_and_operated),
          cmocka_unit_test(a_report_is_turned_off), cmocka_unit_test(a_report_needs_no_request),
          cmocka_unit_test(an_error_is_that_of_its_request), cmocka_unit_test(files_are_read),
          cmocka_unit_test(programs_are_loaded_and_started),
          cmocka_unit_test(segments_are_put_together),
          cmocka_unit_test(session_and_presentation_may_be_left_out),
          cmocka_unit_test(a_service_that_is_missing_is_told_of),
          cmocka_unit_test(values_within_values_have_an_end),
          cmocka_unit_test(it_is_told_from_what_shares_its_port),
          cmocka_unit_test(survives_truncation_at_every_octet))
