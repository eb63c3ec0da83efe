#include "sensors/cef.h"

#include "model/testing.h"

#define NOW (INT64_C(1793354400) * NSEC_PER_SEC + 123456789)

static void
assert_cef(const char *quoted, const char *expected)
{
    struct buf b = BUF_INIT;
    json_t *alert = json_quoted(quoted);
    cef_put(&b, alert, "0.1.0");
    assert_string_equal(buf_cstr(&b), expected);
    json_decref(alert);
    buf_fini(&b);
}

static void
an_alert_is_one_line_of_cef(void **state UNUSED)
{
    assert_cef("{'id':'s1/12','rule':'modbus-write','title':'A write','severity':'critical',"
               "'recorded':'2026-11-30T10:00:06Z','first':'2026-11-30T10:00:00Z',"
               "'last':'2026-11-30T10:00:05.25Z','count':3,'protocol':'modbus','circuit':null,"
               "'source':{'address':'10.0.0.7','mac':'02:00:00:00:00:07','port':1234},"
               "'target':{'address':'2001:db8::9','port':502},'site':'cc','incident':'s1/I1',"
               "'techniques':['T0855','T0831'],'explanation':'Never seen.'}",
               "CEF:0|Tieline|tieline-sensor|0.1.0|modbus-write|A write|10|externalId=s1/12 "
               "dvchost=s1 rt=1796032806000 start=1796032800000 end=1796032805250 cnt=3 "
               "src=10.0.0.7 smac=02:00:00:00:00:07 spt=1234 c6a3Label=Destination IPv6 "
               "c6a3=2001:db8::9 dpt=502 app=modbus cs2Label=Incident cs2=s1/I1 "
               "cs3Label=Techniques cs3=T0855 T0831 cs4Label=Site cs4=cc msg=Never seen.");
}

static void
an_address_on_ethernet_is_a_mac_address_only(void **state UNUSED)
{
    assert_cef("{'id':'s1/1','rule':'r','title':'t','severity':'low','source':"
               "{'address':'02:00:00:00:00:07','mac':'02:00:00:00:00:07'}}",
               "CEF:0|Tieline|tieline-sensor|0.1.0|r|t|3|externalId=s1/1 dvchost=s1 "
               "smac=02:00:00:00:00:07");
}

/* ArcSight's specification, "Character encoding": what ends a field, a value or the line. */
static void
nothing_that_an_alert_says_ends_a_field(void **state UNUSED)
{
    assert_cef("{'id':'s1/1','rule':'r','title':'a|b\\\\c=d\\ne','severity':'low',"
               "'protocol':'x|y=z','explanation':'one\\ntwo\\\\three\\rsrc=6.6.6.6'}",
               "CEF:0|Tieline|tieline-sensor|0.1.0|r|a\\|b\\\\c=d e|3|externalId=s1/1 dvchost=s1 "
               "app=x|y\\=z msg=one\\ntwo\\\\three\\rsrc\\=6.6.6.6");
}

static void
the_message_has_the_header_of_rfc_5424(void **state UNUSED)
{
    struct buf b = BUF_INIT;
    json_t *alert = json_quoted("{'id':'s1/1','rule':'a-rule-with-a-name-of-more-than-32-letters',"
                                "'title':'t','severity':'high'}");
    cef_put_syslog(&b, alert, "0.1.0", "a host", NOW);
    assert_string_equal(buf_cstr(&b),
                        "<35>1 2026-10-30T10:00:00.123456Z a?host tielined - "
                        "a-rule-with-a-name-of-more-than- - "
                        "CEF:0|Tieline|tieline-sensor|0.1.0|a-rule-with-a-name-of-more-than-32-"
                        "letters|t|8|externalId=s1/1 dvchost=s1");
    json_decref(alert);
    buf_fini(&b);
}

TEST_MAIN(cmocka_unit_test(an_alert_is_one_line_of_cef),
          cmocka_unit_test(an_address_on_ethernet_is_a_mac_address_only),
          cmocka_unit_test(nothing_that_an_alert_says_ends_a_field),
          cmocka_unit_test(the_message_has_the_header_of_rfc_5424))
