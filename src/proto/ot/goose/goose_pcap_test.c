/* Every GOOSE message of every capture at hand is decoded and must say what tshark says. */
#include "proto/ot/goose/goose_subscriber.h"

#include "base/testing_pcap.h"

#include <math.h>
#include <time.h>

struct lists { /* the values of one type each, depth first, as the oracle prints them */
    struct buf boolean, integer, natural, bits, number;
};

static void
add(struct buf *list, const char *text)
{
    if (list->size)
        buf_u8(list, ',');
    buf_str(list, text);
}

static void
add_bits(struct buf *list, const struct goose_value *v)
{
    char text[2 * GOOSE_MAX_SIZE + 1] = "";
    for (size_t i = 0; i < v->octets.size; i++)
        snprintf(text + 2 * i, 3, "%02x", v->octets.data[i]);
    add(list, text);
}

static void
list_values(const struct goose_value *values, size_t n, struct lists *lists)
{
    char text[64];
    for (const struct goose_value *v = values; v < values + n; v++) {
        switch (v->type) {
        case GOOSE_ARRAY:
        case GOOSE_STRUCTURE:
            list_values(v->list.values, v->list.n, lists);
            break;
        case GOOSE_BOOLEAN:
            add(&lists->boolean, v->boolean ? "1" : "0");
            break;
        case GOOSE_INTEGER:
            snprintf(text, sizeof text, "%lld", (long long)v->integer);
            add(&lists->integer, text);
            break;
        case GOOSE_UNSIGNED:
            snprintf(text, sizeof text, "%llu", (unsigned long long)v->natural);
            add(&lists->natural, text);
            break;
        case GOOSE_BIT_STRING:
            add_bits(&lists->bits, v);
            break;
        case GOOSE_FLOATING_POINT:
            snprintf(text, sizeof text, "%.6g", v->number.value);
            add(&lists->number, text);
            break;
        default:
            break;
        }
    }
}

static void
check_text(const struct oracle *o, const char *column, struct ber_text text)
{
    char *ours = strndup(text.data ? text.data : "", text.size);
    assert_string_equal(ours, oracle_get(o, column));
    free(ours);
}

static void
check_number(const struct oracle *o, const char *column, unsigned long number)
{
    assert_int_equal(number, strtoul(oracle_get(o, column), NULL, 0));
}

/* tshark cuts the fraction where we round, and prints "Jan  2, 2000 02:46:11.258165836 UTC". */
static void
check_time(const struct oracle *o, struct iec61850_time t)
{
    char text[64];
    time_t seconds = t.seconds;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t n = strftime(text, sizeof text, "%b %e, %Y %H:%M:%S", &tm);
    unsigned nsec = (unsigned)((uint64_t)t.fraction * NSEC_PER_SEC >> 24);
    snprintf(text + n, sizeof text - n, ".%09u UTC", nsec);
    assert_string_equal(text, oracle_get(o, "goose.t"));
}

static void
check_values(const struct oracle *o, const struct goose_pdu *pdu)
{
    struct lists lists = {0};
    list_values(pdu->values, pdu->n_values, &lists);
    struct {
        const char *column;
        struct buf *list;
    } pairs[] = {
        {"goose.boolean", &lists.boolean},    {"goose.integer", &lists.integer},
        {"goose.unsigned", &lists.natural},   {"goose.bit_string", &lists.bits},
        {"goose.float_value", &lists.number},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        assert_string_equal(buf_cstr(pairs[i].list), oracle_get(o, pairs[i].column));
        buf_fini(pairs[i].list);
    }
}

static void
check_against_oracle(const struct oracle *o, const struct goose_pdu *pdu)
{
    check_number(o, "goose.appid", pdu->header.appid);
    check_number(o, "goose.length", pdu->header.length);
    check_number(o, "goose.reserve1.s_bit", pdu->header.reserved1 >> 15);
    check_text(o, "goose.gocbRef", pdu->gocb_ref);
    check_number(o, "goose.timeAllowedtoLive", pdu->time_allowed_to_live_ms);
    check_text(o, "goose.datSet", pdu->dat_set);
    check_text(o, "goose.goID", pdu->go_id);
    check_time(o, pdu->t);
    check_number(o, "goose.stNum", pdu->st_num);
    check_number(o, "goose.sqNum", pdu->sq_num);
    check_number(o, "goose.simulation", pdu->simulation);
    check_number(o, "goose.confRev", pdu->conf_rev);
    check_number(o, "goose.ndsCom", pdu->nds_com);
    check_number(o, "goose.numDatSetEntries", pdu->n_values);
    check_values(o, pdu);
}

/* What was decoded must decode to the same again after encoding. */
static void
check_round_trip(const struct goose_pdu *pdu, struct arena *arena)
{
    struct buf once = BUF_INIT, twice = BUF_INIT;
    struct goose_pdu again;
    assert_ok(goose_encode(&once, pdu));
    struct cursor c = cursor_over(once.data, once.size);
    assert_ok(goose_decode(&c, arena, &again));
    assert_ok(goose_encode(&twice, &again));
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    buf_fini(&once);
    buf_fini(&twice);
}

struct comparison {
    const char *name;
    struct oracle oracle;
    struct arena *arena;
    unsigned n_messages;
};

static void
compare_message(const struct pcap_payload *frame, void *arg)
{
    struct comparison *comparison = arg;
    struct goose_pdu pdu;
    struct cursor c = cursor_over(frame->data, frame->size);
    struct diag diag = {"no error"};
    arena_reset(comparison->arena);
    if (goose_decode(&c, comparison->arena, &pdu)) {
        cursor_explain(&c, &diag);
        fail_msg("%s frame %u: %s", comparison->name, frame->number, diag.text);
    }
    assert_true(oracle_next(&comparison->oracle));
    check_number(&comparison->oracle, "frame.number", frame->number);
    check_against_oracle(&comparison->oracle, &pdu);
    check_round_trip(&pdu, comparison->arena);
    comparison->n_messages++;
}

static void
compare_file(const char *path, const char *name, void *arg)
{
    struct comparison *comparison = arg;
    comparison->name = name;
    oracle_open(&comparison->oracle, "goose", path);
    pcap_each_payload(path, IEC61850_ETHERTYPE_GOOSE, compare_message, comparison);
    assert_false(oracle_next(&comparison->oracle)); /* tshark saw no more than we did */
    oracle_close(&comparison->oracle);
}

static void
every_message_says_what_tshark_says(void **state UNUSED)
{
    struct comparison comparison = {.arena = arena_new(2 * GOOSE_VALUES_BUDGET)};
    unsigned n_files = pcap_each_file("goose", compare_file, &comparison);
    n_files += pcap_each_file("goose/labelled-gpl3", compare_file, &comparison);
    print_message("%u messages of %u captures\n", comparison.n_messages, n_files);
    assert_true(comparison.n_messages > 20000);
    arena_free(comparison.arena);
}

/* The malformed ones: tshark warns and goes on, we say what is wrong. Two of them are well-formed:
 * goID is optional, and every primitive type has its form. */
static const struct {
    const char *name, *text;
} explained[] = {
    {"all_data_primitives_fallbacks", "no error"},
    {"malformed_asn1", "gocbRef at offset 11: malformed input"},
    {"missing_all_data", "allData at offset 111: truncated input"},
    {"missing_conf_rev", "confRev at offset 102: malformed input"},
    {"missing_dataset", "datSet at offset 44: malformed input"},
    {"missing_go_id", "no error"},
    {"missing_gocb_ref", "gocbRef at offset 11: malformed input"},
    {"missing_num_dat_set_entries", "numDatSetEntries at offset 108: malformed input"},
    {"missing_timestamp", "t at offset 83: malformed input"},
    {"truncated", "APDU at offset 8: truncated input"},
    {"unsupported_tlv", "allData at offset 111: malformed input"},
};

static void
explain_message(const struct pcap_payload *frame, void *arg)
{
    const char *name = arg;
    struct arena *arena = arena_new(GOOSE_VALUES_BUDGET);
    struct goose_pdu pdu;
    struct cursor c = cursor_over(frame->data, frame->size);
    struct diag diag = {"no error"};
    enum err err = goose_decode(&c, arena, &pdu);
    assert_err(cursor_explain(&c, &diag), err);
    arena_free(arena);
    for (size_t i = 0; i < ARRAY_SIZE(explained); i++) {
        if (strstr(name, explained[i].name)) {
            assert_string_equal(diag.text, explained[i].text);
            return;
        }
    }
    fail_msg("%s: %s: not explained", name, diag.text);
}

static void
explain_file(const char *path, const char *name, void *arg UNUSED)
{
    pcap_each_payload(path, IEC61850_ETHERTYPE_GOOSE, explain_message, (void *)name);
}

static void
every_malformed_message_is_explained(void **state UNUSED)
{
    assert_int_equal(pcap_each_file("goose/malformed", explain_file, NULL), ARRAY_SIZE(explained));
}

/* ---- The subscriber on benign traffic ------------------------------------------------------ */

#define MAX_PUBLISHERS 16

struct watched {
    const char *name;
    bool attacked, alarm;
    struct arena *arena;
    struct goose_subscriber *subscribers[MAX_PUBLISHERS];
    unsigned n;
};

static struct goose_event
watch(struct watched *w, const struct goose_pdu *pdu, nsec_t now)
{
    for (unsigned i = 0; i < w->n; i++) {
        struct goose_event event = goose_subscriber_input(w->subscribers[i], pdu, now);
        if (event.kind != GOOSE_FOREIGN)
            return event;
    }
    assert_true(w->n < MAX_PUBLISHERS);
    char *ref = strndup(pdu->gocb_ref.data, pdu->gocb_ref.size);
    w->subscribers[w->n] = goose_subscriber_new(&(struct goose_subscriber_config){
        .gocb_ref = ref, .appid = pdu->header.appid, .conf_rev = pdu->conf_rev});
    free(ref);
    return goose_subscriber_input(w->subscribers[w->n++], pdu, now);
}

static void
watch_message(const struct pcap_payload *frame, void *arg)
{
    struct watched *w = arg;
    struct goose_pdu pdu;
    struct cursor c = cursor_over(frame->data, frame->size);
    arena_reset(w->arena);
    assert_ok(goose_decode(&c, w->arena, &pdu));
    struct goose_event event = watch(w, &pdu, frame->wall_ns);
    bool wrong = event.kind == GOOSE_OLD || event.kind == GOOSE_DUPLICATE ||
                 event.kind == GOOSE_RESTART || event.kind == GOOSE_MISMATCH || event.altered ||
                 event.missed_states;
    if (wrong && !w->attacked)
        fail_msg("%s frame %u: %s", w->name, frame->number, goose_event_name(event.kind));
    w->alarm |= wrong;
}

static void
watch_file(const char *path, const char *name, void *arg)
{
    unsigned *n_alarmed = arg;
    struct watched w = {.name = name, .arena = arena_new(GOOSE_VALUES_BUDGET)};
    w.attacked = strstr(name, "IED_TRSF1_90");
    /* In these two the publisher itself lies, at a moment when it does change its state. */
    bool consistent = strstr(name, "_906_") || strstr(name, "_908_");
    pcap_each_payload(path, IEC61850_ETHERTYPE_GOOSE, watch_message, &w);
    assert_int_equal(w.alarm, w.attacked && !consistent);
    (*n_alarmed) += w.alarm;
    while (w.n)
        goose_subscriber_free(w.subscribers[--w.n]);
    arena_free(w.arena);
}

static void
benign_captures_raise_no_alarm_and_inconsistent_ones_do(void **state UNUSED)
{
    unsigned n_alarmed = 0;
    unsigned n_files = pcap_each_file("goose/labelled-gpl3", watch_file, &n_alarmed);
    print_message("%u of %u captures with an alarm\n", n_alarmed, n_files);
    assert_int_equal(n_alarmed, 7);
}

int
main(void)
{
    if (pcap_data_missing("goose_pcap_test"))
        return TEST_SKIPPED;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_says_what_tshark_says),
        cmocka_unit_test(every_malformed_message_is_explained),
        cmocka_unit_test(benign_captures_raise_no_alarm_and_inconsistent_ones_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
