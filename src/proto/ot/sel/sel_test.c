/* Messages written after SEL's instruction manuals. */
#include "proto/ot/sel/sel.h"

#include "dissect/testing.h"

/* clang-format off */
#define DEFINITION \
    "a5c018020101a5c1a5d10004a5c1000000000300000500cf"

#define METERS \
    "a5c1260100000201010000040008001049410000000000ff000056410000000001ff000000cd"

#define METER \
    "a5d11304fff03fc000000000000000008100fc"

#define DOUBLED \
    "a5d11304ffffffff3fc0000000000000000081000b"

#define OPERATES \
    "a5ce1201000201003111002040012141008e"

#define SET_BIT \
    "a5e006218531"

#define OPEN \
    "a5e30631c584"

#define ENABLE \
    "a5461200000000000101c000180000109b16"

#define ENABLED \
    "a5460e0000000000008100019b50"

#define DISABLED \
    "a5460e000000000000810201fb51"

#define SER \
    "a5462a00000000000118c00000000000006407e80036ee800100100002002000fffffffe00000002609c"

#define READ \
    "a5461400000000000010c000000010000002e0da"

#define WRITE \
    "a5461800000000000020c0000001000200020007000888f4"
/* clang-format on */

#define assert_says(r, side, said, expected)                                                       \
    do {                                                                                           \
        reading_octets((r), (side), (const uint8_t *)(said), sizeof(said) - 1);                    \
        assert_ok((r)->err);                                                                       \
        assert_string_equal(buf_cstr(&(r)->text), expected);                                       \
    } while (0)

static void
relays_tell_what_they_speak(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    assert_reads(&r, SIDE_CLIENT, "a5c0", "request relay-definition identify\n");
    assert_reads(
        &r, SIDE_SERVER, DEFINITION,
        "response relay-definition identify; configuration-command=42433 meter-command=42449; "
        "flag=4 flag-command=a5c100000000; supported=768; supported=5\n");
    assert_reads(&r, SIDE_SERVER, OPERATES,
                 "response fast-operate-configuration browse breakers=1 remote-bits=2\n");
    reading_end(&r);
}

static void
meters_are_read_as_configured(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    assert_reads(&r, SIDE_SERVER, METER, "response fast-meter read status=4\n");
    assert_reads(&r, SIDE_SERVER, METERS,
                 "response fast-meter-configuration browse channels=2 samples=1 digital-banks=1; "
                 "channel='IA' channel-type=0 scale-type=255 scale-offset=0; channel='VA' "
                 "channel-type=1 scale-type=255 scale-offset=0\n");
    assert_reads(&r, SIDE_SERVER, METER,
                 "response fast-meter read status=4; value=-16; value=1.5; digital=81\n");
    assert_reads(&r, SIDE_SERVER, DOUBLED,
                 "response fast-meter read status=4; value=-1; value=1.5; digital=81\n");
    reading_end(&r);
}

static void
breakers_are_operated(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    assert_reads(
        &r, SIDE_CLIENT, SET_BIT,
        "request remote-bit-control operate operate-code=33 operation=1 point=2 validation=133\n");
    assert_reads(
        &r, SIDE_CLIENT, OPEN,
        "request breaker-control operate operate-code=49 operation=3 point=1 validation=197\n");
    reading_end(&r);
    assert_survives_truncation(&sel, SIDE_CLIENT, OPEN);
}

static void
events_are_told(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    assert_reads(&r, SIDE_CLIENT, ENABLE,
                 "request enable-unsolicited configure status=1 sequence=192 response-number=0 "
                 "enabled-function=24 records=16\n");
    assert_reads(&r, SIDE_SERVER, ENABLED,
                 "response enable-unsolicited configure status=0 response-number=1\n");
    assert_reads(&r, SIDE_SERVER, DISABLED,
                 "refusal enable-unsolicited configure error=2 status=0 response-number=1\n");
    assert_reads(&r, SIDE_SERVER, SER,
                 "report unsolicited-ser report status=1 sequence=192 response-number=0; element=1 "
                 "time=1712624400004096000 state=0; element=2 time=1712624400008192000 state=1\n");
    assert_reads(
        &r, SIDE_CLIENT, READ,
        "request read read status=0 sequence=192 response-number=0 address=4096 words=2\n");
    assert_reads(&r, SIDE_CLIENT, WRITE,
                 "report unsolicited-write write status=0 sequence=192 response-number=0 region=1 "
                 "address=2 words=2 values=7,8\n");
    reading_end(&r);
    assert_survives_truncation(&sel, SIDE_SERVER, SER);
}

static void
checksums_are_checked(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    reading_octets(&r, SIDE_CLIENT, (const uint8_t *)"\xa5\xe3\x06\x31\xc5\x85", 6);
    assert_err(r.err, ERR_MALFORMED);
    reading_end(&r);
}

static void
levels_of_access_are_told_and_passwords_never(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    assert_says(&r, SIDE_SERVER, "TAIL\r\n", "response text report\n");
    assert_says(&r, SIDE_SERVER, "\r\n=", "response prompt link level=0\n");
    assert_says(&r, SIDE_CLIENT, "ACC\r\n", "request access-level-1 access typed=3\n");
    assert_says(&r, SIDE_SERVER, "Password: ? ", "response password-prompt access\n");
    assert_says(&r, SIDE_CLIENT, "OTT\r\n", "request password access typed=3\n");
    assert_says(&r, SIDE_SERVER, "OTT\r\n", "response text report\n");
    assert_says(&r, SIDE_SERVER, "Invalid Password\r\n", "refusal refused access error=256\n");
    assert_says(&r, SIDE_SERVER, "\r\nPassword: ? ", "response password-prompt access\n");
    assert_says(&r, SIDE_CLIENT, "OTTER\r\n", "request password access typed=5\n");
    assert_says(&r, SIDE_SERVER, "\r\n=>", "response access-granted access level=1\n");
    assert_says(&r, SIDE_SERVER, "\r\n=>", "response prompt link level=1\n");
    assert_says(&r, SIDE_CLIENT, "OPE 1\r\n", "request open operate typed=5 argument='1'\n");
    assert_says(&r, SIDE_SERVER, "Invalid Access Level\r\n", "refusal refused access error=257\n");
    assert_says(&r, SIDE_SERVER, "\r\n=>>", "response access-granted access level=2\n");
    assert_says(&r, SIDE_CLIENT, "pas 1 TAIL\r\n", "request change-password access typed=10\n");
    assert_says(&r, SIDE_SERVER, "1:TAIL\r\n", "response text report\n");
    assert_says(&r, SIDE_SERVER, "=>>", "response prompt link level=2\n");
    assert_says(&r, SIDE_SERVER, "=>>PAS 2 TAIL\r\n", "response text report\n");
    assert_says(&r, SIDE_SERVER, "=>>", "response prompt link level=2\n");
    assert_says(&r, SIDE_CLIENT, "SE\b", "request typed other typed=3\n");
    assert_says(&r, SIDE_CLIENT, "ET G 1\r", "request set configure typed=6 argument='G 1'\n");
    assert_says(&r, SIDE_CLIENT, "L_D\r", "request load-firmware firmware typed=3\n");
    assert_says(&r, SIDE_CLIENT, "TIM\r", "request time read typed=3\n");
    assert_says(&r, SIDE_CLIENT, "TIM 10:00\r", "request time clock typed=9 argument='10:00'\n");
    assert_says(&r, SIDE_SERVER, "IA 5 A\r\n", "response text report text='IA 5 A'\n");
    assert_says(&r, SIDE_CLIENT, "TAIL\r", "request typed other typed=4\n");
    assert_says(&r, SIDE_SERVER, "TAIL\r\n", "response text report\n");
    assert_says(&r, SIDE_SERVER, "VA 1\r\n\r\n=>>",
                "response text report\nresponse prompt link level=2\n");
    assert_says(&r, SIDE_SERVER, "IA 5 A\r\n", "response text report text='IA 5 A'\n");
    reading_end(&r);
}

static void
relays_say_who_they_are(void **state UNUSED)
{
    struct reading r;
    reading_begin(&r, &sel);
    assert_says(&r, SIDE_SERVER, "\x02\"FID=SEL-351-5-R500-V0-Z001002-D20080213\",\"0941\"\r\n",
                "response identity identify fid='SEL-351-5-R500-V0-Z001002-D20080213' "
                "model='SEL-351-5' firmware='R500-V0-Z001002-D20080213'\n");
    assert_says(&r, SIDE_SERVER, "\"PARTNO=0351500H\",\"0941\"\r\n",
                "response identity identify partno='0351500H'\n");
    assert_says(&r, SIDE_SERVER, "\"SERIALNO=1070123\",\"0941\"\r\n",
                "response identity identify serial='1070123'\n");
    assert_says(&r, SIDE_SERVER, "\"DEVID=FEEDER 1\",\"0941\"\r\n\x03",
                "response identity identify devid='FEEDER 1'\n");
    reading_end(&r);
}

static size_t
framed(const char *octets, size_t size, enum frame_found expected)
{
    size_t n = 0;
    assert_int_equal(sel.frame((const uint8_t *)octets, size, &n), expected);
    return n;
}

static void
lines_prompts_and_messages_are_told_apart(void **state UNUSED)
{
    assert_int_equal(framed("ACC\r\nID", 7, FRAME_WHOLE), 5);
    assert_int_equal(framed("\r\n=>>", 5, FRAME_WHOLE), 5);
    assert_int_equal(framed("Level 2\r\n=>>", 12, FRAME_WHOLE), 12);
    assert_int_equal(framed("Level 2\r\n=>>A", 13, FRAME_WHOLE), 9);
    assert_int_equal(framed("\r\n=>>A", 6, FRAME_MORE), 7);
    assert_int_equal(framed("Password: ? ", 12, FRAME_WHOLE), 12);
    assert_int_equal(framed("\xa5\xc0", 2, FRAME_WHOLE), 2);
    assert_int_equal(framed("\xa5\xc0\xa5\xc1", 4, FRAME_WHOLE), 2);
    assert_int_equal(framed("\xa5\xe3\x06\x31\xc5\x84=", 7, FRAME_WHOLE), 6);
    assert_int_equal(framed("\xa5\xe3\x06\x31", 4, FRAME_MORE), 6);
    assert_int_equal(framed("=>\xa5\xd1", 4, FRAME_WHOLE), 2);
    assert_int_equal(framed("\xff\xfb\x01=", 4, FRAME_WHOLE), 3);
    framed("\xa5\x00\x06\x31", 4, FRAME_NOT);
    framed("a\x80", 2, FRAME_NOT);
}

static int
looks(const char *octets, size_t size)
{
    return sel.looks((const uint8_t *)octets, size);
}

static void
nothing_else_looks_like_it(void **state UNUSED)
{
    assert_int_equal(looks("\xa5\xe3\x06\x31\xc5\x84", 6), LOOKS_SURE);
    assert_int_equal(looks("\xa5\xe3\x06\x31\xc5\x85", 6), LOOKS_NOT);
    assert_int_equal(looks("\xa5\xc0", 2), LOOKS_LIKE);
    assert_int_equal(looks("\r\n=>", 4), LOOKS_SURE);
    assert_int_equal(looks("\r\n=", 3), LOOKS_LIKE);
    assert_int_equal(looks("FEEDER 1\r\nLevel 1\r\n=>", 21), LOOKS_SURE);
    assert_int_equal(looks("=>", 2), LOOKS_NOT);
    assert_int_equal(looks("\r\n=> ", 5), LOOKS_NOT);
    assert_int_equal(looks("\x02\"FID=SEL-1\"\r\n", 14), LOOKS_SURE);
    assert_int_equal(looks("ACC\r\n", 5), LOOKS_FAINT);
    assert_int_equal(looks("QUIT\r\n", 6), LOOKS_NOT);
    assert_int_equal(looks("\xff\xfb\x01", 3), LOOKS_NOT);
}

TEST_MAIN(cmocka_unit_test(relays_tell_what_they_speak),
          cmocka_unit_test(meters_are_read_as_configured), cmocka_unit_test(breakers_are_operated),
          cmocka_unit_test(events_are_told), cmocka_unit_test(checksums_are_checked),
          cmocka_unit_test(levels_of_access_are_told_and_passwords_never),
          cmocka_unit_test(relays_say_who_they_are),
          cmocka_unit_test(lines_prompts_and_messages_are_told_apart),
          cmocka_unit_test(nothing_else_looks_like_it))
