/* Every Sampled Values message of the captures at hand must say what tshark says. */
#include "proto/ot/sv/sv.h"

#include "base/testing_pcap.h"

#include <inttypes.h>

static void
check_number(const struct oracle *o, const char *column, unsigned long number)
{
    assert_int_equal(number, strtoul(oracle_get(o, column), NULL, 0));
}

static void
check_le_sample(const struct oracle *o, const struct sv_asdu *asdu)
{
    struct sv_le_sample sample;
    assert_ok(sv_le_decode(asdu, &sample));
    struct buf values = BUF_INIT, qualities = BUF_INIT;
    for (int i = 0; i < SV_LE_CHANNELS; i++) {
        buf_printf(&values, "%s%" PRId32, i ? "," : "", sample.value[i]);
        buf_printf(&qualities, "%s0x%08" PRIx32, i ? "," : "", sample.quality[i]);
    }
    assert_string_equal(buf_cstr(&values), oracle_get(o, "sv.meas_value"));
    assert_string_equal(buf_cstr(&qualities), oracle_get(o, "sv.meas_quality"));
    buf_fini(&values);
    buf_fini(&qualities);
}

/* The captures have one ASDU in each frame, so no column holds a list. */
static void
check_against_oracle(const struct oracle *o, const struct sv_pdu *pdu)
{
    const struct sv_asdu *asdu = &pdu->asdus[0];
    const char *sv_id = oracle_get(o, "sv.svID");
    check_number(o, "sv.appid", pdu->header.appid);
    check_number(o, "sv.length", pdu->header.length);
    check_number(o, "sv.noASDU", pdu->n_asdus);
    assert_int_equal(pdu->n_asdus, 1);
    assert_int_equal(asdu->sv_id.size, strlen(sv_id));
    assert_memory_equal(asdu->sv_id.data, sv_id, strlen(sv_id));
    assert_int_equal(asdu->dat_set.data != NULL, *oracle_get(o, "sv.datSet") != '\0');
    check_number(o, "sv.smpCnt", asdu->smp_cnt);
    check_number(o, "sv.confRev", asdu->conf_rev);
    check_number(o, "sv.smpSynch", asdu->smp_synch);
    assert_int_equal(asdu->has_refr_tm, *oracle_get(o, "sv.refrTm") != '\0');
    assert_int_equal(asdu->has_smp_rate, *oracle_get(o, "sv.smpRate") != '\0');
    check_le_sample(o, asdu);
}

struct comparison {
    const char *name;
    struct oracle oracle;
    unsigned n_messages;
};

static void
compare_message(const struct pcap_payload *frame, void *arg)
{
    struct comparison *comparison = arg;
    struct sv_pdu pdu;
    struct buf again = BUF_INIT;
    struct cursor c = cursor_over(frame->data, frame->size);
    struct diag diag = {"no error"};
    if (sv_decode(&c, &pdu)) {
        cursor_explain(&c, &diag);
        fail_msg("%s frame %u: %s", comparison->name, frame->number, diag.text);
    }
    assert_true(oracle_next(&comparison->oracle));
    check_number(&comparison->oracle, "frame.number", frame->number);
    check_against_oracle(&comparison->oracle, &pdu);
    assert_ok(sv_encode(&again, &pdu));
    assert_int_equal(again.size, pdu.header.length);
    assert_memory_equal(again.data, frame->data, again.size);
    buf_fini(&again);
    comparison->n_messages++;
}

static void
compare_file(const char *path, const char *name, void *arg)
{
    struct comparison *comparison = arg;
    comparison->name = name;
    oracle_open(&comparison->oracle, "sv", path);
    pcap_each_payload(path, IEC61850_ETHERTYPE_SV, compare_message, comparison);
    assert_false(oracle_next(&comparison->oracle)); /* tshark saw no more than we did */
    oracle_close(&comparison->oracle);
}

static void
every_message_says_what_tshark_says(void **state UNUSED)
{
    struct comparison comparison = {.n_messages = 0};
    unsigned n_files = pcap_each_file("sv", compare_file, &comparison);
    print_message("%u messages of %u captures\n", comparison.n_messages, n_files);
    assert_true(comparison.n_messages > 10000);
}

int
main(void)
{
    if (pcap_data_missing("sv_pcap_test"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_message_says_what_tshark_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
