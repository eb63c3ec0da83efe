#include "proto/pcep/pcep_session.h"

#include "base/testing.h"

#include <stdio.h>

#define SECONDS(n) ((n)*NSEC_PER_SEC)

static const struct pcep_capabilities active = {
    .stateful = true,
    .stateful_flags = PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION,
    .path_setup_types = 1u << PCEP_PST_RSVP_TE | 1u << PCEP_PST_SR,
    .sr = true,
    .sr_msd = 8,
};

/* Two ends and what each has told so far. */
struct end {
    struct pcep_session *session;
    struct pcep_event last;
    unsigned n[PCEP_EVENT_DOWN + 1];
    char text[65536]; /* the messages of MESSAGE events, a line each */
};

struct pair {
    struct end pce, pcc;
    nsec_t now;
};

static void
drain(struct end *end)
{
    struct pcep_event event;
    while (pcep_session_next(end->session, &event)) {
        struct buf text = BUF_INIT;
        end->last = event;
        end->n[event.kind]++;
        if (event.message)
            pcep_message_print(event.message, &text);
        size_t used = strlen(end->text);
        snprintf(end->text + used, sizeof end->text - used, "%s%s", buf_cstr(&text),
                 event.message ? "\n" : "");
        buf_fini(&text);
    }
}

static bool
carry(struct end *from, struct end *to, nsec_t now)
{
    struct buf *out = pcep_session_output(from->session);
    bool any = out->size > 0;
    pcep_session_input(to->session, out->data, out->size, now);
    buf_clear(out);
    drain(to);
    return any;
}

static void
pump(struct pair *p)
{
    drain(&p->pce);
    drain(&p->pcc);
    for (bool any = true; any;) {
        any = carry(&p->pce, &p->pcc, p->now);
        any |= carry(&p->pcc, &p->pce, p->now);
    }
}

static struct pair *
pair_new(const struct pcep_session_config *pce, const struct pcep_session_config *pcc)
{
    struct pair *p = calloc(1, sizeof *p);
    struct pcep_session_config a = *pce, b = *pcc;
    a.end = PCEP_PCE;
    b.end = PCEP_PCC;
    p->pce.session = pcep_session_new(&a, 0);
    p->pcc.session = pcep_session_new(&b, 0);
    return p;
}

static void
pair_free(struct pair *p)
{
    pcep_session_free(p->pce.session);
    pcep_session_free(p->pcc.session);
    free(p);
}

static struct pair *
up_pair(void)
{
    struct pcep_session_config config = {.capabilities = active};
    struct pair *p = pair_new(&config, &config);
    pump(p);
    assert_true(pcep_session_is_up(p->pce.session) && pcep_session_is_up(p->pcc.session));
    return p;
}

/* One end, and a peer of hexadecimal. */
static struct end *
lone_end(struct pcep_session_config config)
{
    struct end *end = calloc(1, sizeof *end);
    end->session = pcep_session_new(&config, 0);
    return end;
}

static void
lone_free(struct end *end)
{
    pcep_session_free(end->session);
    free(end);
}

static void
feed(struct end *end, const char *hex, nsec_t now)
{
    size_t size;
    uint8_t *data = hex_bytes(hex, &size);
    pcep_session_input(end->session, data, size, now);
    free(data);
    drain(end);
}

/* All that is in the output, as text, which is emptied. */
static const char *
said(struct end *end)
{
    static char text[8192];
    struct buf *out = pcep_session_output(end->session), print = BUF_INIT;
    for (size_t at = 0, size; at < out->size; at += size) {
        struct pcep_message message;
        struct arena *arena = arena_new((size_t)8 << 20);
        assert_ok(pcep_frame(out->data + at, out->size - at, &size));
        assert_ok(pcep_message_decode(out->data + at, size, arena, &message, NULL, NULL));
        if (print.size)
            buf_str(&print, " | ");
        pcep_message_print(&message, &print);
        arena_free(arena);
    }
    buf_clear(out);
    snprintf(text, sizeof text, "%s", buf_cstr(&print));
    buf_fini(&print);
    return text;
}

#define OPEN_30_120 "2001000c 01100008 201e7801"
#define KEEPALIVE "20020004"
#define REPORT "200a0018 20100014 00001009 0011 0003 70 61 74 00 07100004"

static struct end *
up_end(enum pcep_end which)
{
    struct end *end = lone_end((struct pcep_session_config){.end = which, .capabilities = active});
    feed(end,
         "20010028 01100024 201e7801 0010000400000005 002200100000000200010000001a000400000008"
         "2002 0004",
         0);
    assert_int_equal(end->n[PCEP_EVENT_UP], 1);
    said(end);
    return end;
}

/* ---- Coming up ------------------------------------------------------------------------------ */

static void
comes_up_and_knows_the_peer(void **state)
{
    (void)state;
    struct pair *p = up_pair();
    const struct pcep_capabilities *peer = pcep_session_peer(p->pce.session);
    assert_true(peer->stateful && peer->sr);
    assert_int_equal(peer->stateful_flags, PCEP_LSP_UPDATE | PCEP_LSP_INSTANTIATION);
    assert_int_equal(peer->path_setup_types, 3);
    assert_int_equal(peer->sr_msd, 8);
    assert_int_equal(p->pce.n[PCEP_EVENT_UP], 1);
    assert_int_equal(p->pcc.n[PCEP_EVENT_UP], 1);
    assert_int_equal(pcep_session_keepalive(p->pce.session), 30);
    assert_int_equal(pcep_session_deadtimer(p->pce.session), 120);
    pair_free(p);
}

static void
a_second_open_may_be_acceptable(void **state)
{
    (void)state;
    struct pair *p = pair_new(
        &(struct pcep_session_config){
            .capabilities = active, .min_keepalive = 10, .max_deadtimer = 90},
        &(struct pcep_session_config){.capabilities = active, .keepalive = 2, .deadtimer = 200});
    pump(p);
    assert_true(pcep_session_is_up(p->pce.session) && pcep_session_is_up(p->pcc.session));
    assert_int_equal(pcep_session_keepalive(p->pcc.session), 10);
    assert_int_equal(pcep_session_deadtimer(p->pce.session), 90);
    pair_free(p);
}

static void
a_second_open_that_is_no_better_ends_it(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE, .min_keepalive = 60});
    feed(end, OPEN_30_120, 0);
    assert_non_null(strstr(said(end), "type=1 value=4"));
    feed(end, OPEN_30_120, 0);
    assert_non_null(strstr(said(end), "type=1 value=5"));
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    assert_int_equal(end->n[PCEP_EVENT_UP], 0);
    lone_free(end);
}

static void
the_first_message_must_be_open(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    feed(end, REPORT, 0);
    assert_non_null(strstr(said(end), "PCErr {PCEP-ERROR type=1 value=1"));
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    lone_free(end);
}

static void
silence_at_the_start_is_told_the_peer(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    assert_int_equal(pcep_session_deadline(end->session), SECONDS(60));
    pcep_session_tick(end->session, SECONDS(60));
    drain(end);
    assert_non_null(strstr(said(end), "type=1 value=2"));
    assert_err(end->last.err, ERR_TIMEOUT);
    lone_free(end);

    end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    feed(end, OPEN_30_120, SECONDS(1));
    pcep_session_tick(end->session, SECONDS(61));
    drain(end);
    assert_non_null(strstr(said(end), "type=1 value=7"));
    lone_free(end);
}

static void
sr_without_its_capability_is_refused(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    feed(end, "20010018 01100014 201e7801 00220008 00000002 00010000", 0);
    assert_non_null(strstr(said(end), "type=10 value=12"));
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    lone_free(end);
}

/* ---- Being up ------------------------------------------------------------------------------- */

static void
keeps_alive_and_gives_up_the_silent(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    assert_int_equal(pcep_session_deadline(end->session), SECONDS(30));
    for (int i = 1; i < 4; i++) {
        pcep_session_tick(end->session, SECONDS(30 * i));
        assert_string_equal(said(end), "Keepalive");
    }
    assert_int_equal(pcep_session_deadline(end->session), SECONDS(120));
    pcep_session_tick(end->session, SECONDS(120));
    drain(end);
    assert_string_equal(said(end), "Close {CLOSE reason=2(DeadTimer expired)}");
    assert_err(end->last.err, ERR_TIMEOUT);
    assert_int_equal(end->last.reason, PCEP_CLOSE_DEADTIMER);
    assert_int_equal(pcep_session_deadline(end->session), NSEC_NEVER);
    lone_free(end);
}

static void
what_is_heard_puts_off_the_dead_timer(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, KEEPALIVE, SECONDS(100));
    pcep_session_tick(end->session, SECONDS(150));
    assert_true(pcep_session_is_up(end->session));
    assert_int_equal(end->n[PCEP_EVENT_MESSAGE], 0);
    lone_free(end);
}

static void
entries_share_a_message_until_it_is_sent(void **state)
{
    (void)state;
    struct pair *p = up_pair();
    struct pcep_hop hops[] = {pcep_label_hop(16001), pcep_label_hop(16002)};
    struct pcep_route ero = {.hops = hops, .n = 2};
    for (uint32_t i = 1; i <= 10000; i++) {
        struct pcep_lsp lsp = {.plsp_id = i, .flags = PCEP_LSP_DELEGATE | PCEP_LSP_SYNC};
        struct pcep_entry entry = {.lsp = &lsp, .path.ero = &ero};
        assert_ok(pcep_session_send_entry(p->pcc.session, PCEP_PCRPT, &entry));
    }
    uint64_t messages = pcep_session_stats(p->pcc.session)->tx_type[PCEP_PCRPT];
    assert_int_equal(messages, (10000 * (8 + 20) + 65530) / 65531);

    struct pcep_event event;
    struct buf *out = pcep_session_output(p->pcc.session);
    uint32_t n = 0;
    pcep_session_input(p->pce.session, out->data, out->size, 0);
    while (pcep_session_next(p->pce.session, &event)) {
        assert_int_equal(event.kind, PCEP_EVENT_MESSAGE);
        for (uint32_t i = 0; i < event.message->n_entries; i++)
            assert_int_equal(event.message->entries[i].lsp->plsp_id, ++n);
    }
    assert_int_equal(n, 10000);

    /* Half of a message is out: nothing may join it. */
    struct pcep_lsp lsp = {.plsp_id = 1};
    struct pcep_entry entry = {.lsp = &lsp, .path.ero = &ero};
    buf_clear(out);
    assert_ok(pcep_session_send_entry(p->pcc.session, PCEP_PCRPT, &entry));
    buf_consume(out, 5);
    size_t left = out->size;
    assert_ok(pcep_session_send_entry(p->pcc.session, PCEP_PCRPT, &entry));
    assert_int_equal(out->size - left, 4 + 8 + 20);
    pair_free(p);
}

static void
orders_share_a_message_if_they_may(void **state)
{
    (void)state;
    for (uint32_t most = 0; most < 4; most++) {
        struct pcep_session_config pce = {.capabilities = active, .orders_a_message = most};
        struct pair *p = pair_new(&pce, &(struct pcep_session_config){.capabilities = active});
        struct pcep_srp srp = {.srp_id = 1};
        struct pcep_lsp lsp = {.plsp_id = 1};
        struct pcep_route ero = {.n = 0};
        struct pcep_entry entry = {.srp = &srp, .lsp = &lsp, .path.ero = &ero};
        pump(p);
        for (int i = 0; i < 6; i++)
            assert_ok(pcep_session_send_entry(p->pce.session, PCEP_PCUPD, &entry));
        pump(p);
        assert_int_equal(p->pcc.n[PCEP_EVENT_MESSAGE], most ? 6 / most : 6);
        pair_free(p);
    }
}

static void
faults_are_answered_and_the_rest_is_told(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    /* LSP 1 without ERO, SRP 7 and LSP 2 with an ERO of half a subobject, LSP 3 well. */
    feed(end,
         "200a0034 20100008 00001009"
         "2110000c 00000000 00000007 20100008 00002009 07100008 01040a00"
         "20100008 00003009 07100004",
         0);
    assert_string_equal(
        end->text, "PCRpt {LSP plsp-id=3 flags=D,A down} {ERO }"
                   " {refused 6/9 (Mandatory object missing: ERO object missing) plsp-id=1 ERO}"
                   " {refused 10/11 (Reception of an invalid object: Malformed object) srp=7"
                   " plsp-id=2 ERO: IPv4 prefix at offset 37}\n");
    assert_string_equal(
        said(end),
        "PCErr {SRP id=7} {PCEP-ERROR type=10 value=11 (Reception of an invalid object: Malformed"
        " object)} | PCErr {PCEP-ERROR type=6 value=9 (Mandatory object missing: ERO object"
        " missing)} {LSP plsp-id=1 down}");
    assert_true(pcep_session_is_up(end->session));
    assert_int_equal(pcep_session_stats(end->session)->faults, 2);
    lone_free(end);
}

static void
a_message_that_is_broken_is_refused_whole(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, "200a0010 20100008 00001009 07100008", 0);
    assert_int_equal(end->n[PCEP_EVENT_REFUSED], 1);
    assert_int_equal(end->last.fault.error.type, 10);
    assert_non_null(strstr(end->last.diag.text, "PCRpt: ERO: "));
    assert_non_null(strstr(said(end), "type=10 value=11"));
    assert_true(pcep_session_is_up(end->session));
    lone_free(end);
}

static void
errors_are_not_answered_with_errors(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, "20060008 0d100002", 0);
    assert_int_equal(end->n[PCEP_EVENT_REFUSED], 1);
    assert_string_equal(said(end), "");
    lone_free(end);
}

static void
unknown_messages_are_counted(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    for (int i = 0; i < 5; i++)
        feed(end, "20c80004", SECONDS(i));
    assert_true(pcep_session_is_up(end->session));
    for (int i = 0; i < 5; i++) /* a minute later there are as many again */
        feed(end, "20c80004", SECONDS(61 + i));
    assert_true(pcep_session_is_up(end->session));
    said(end);
    feed(end, "20c80004", SECONDS(70));
    assert_string_equal(said(end), "PCErr {PCEP-ERROR type=2 value=0 (Capability not supported)} | "
                                   "Close {CLOSE reason=5(unacceptable number of unrecognized PCEP "
                                   "messages)}");
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    lone_free(end);
}

static void
answers_to_nothing_are_counted(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCC);
    for (int i = 0; i < 6; i++)
        pcep_session_unknown_request(end->session, SECONDS(1));
    drain(end);
    assert_int_equal(end->last.reason, PCEP_CLOSE_UNKNOWN_REQUESTS);
    lone_free(end);
}

static void
what_was_not_agreed_on_is_refused(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    feed(end, OPEN_30_120 KEEPALIVE, 0);
    assert_true(pcep_session_is_up(end->session));
    said(end);
    feed(end, REPORT, 0);
    assert_non_null(strstr(said(end), "type=19 value=5"));
    assert_int_equal(end->n[PCEP_EVENT_REFUSED], 1);
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    lone_free(end);
}

static void
the_peer_may_close(void **state)
{
    (void)state;
    struct pair *p = up_pair();
    pcep_session_end(p->pcc.session, PCEP_CLOSE_NO_EXPLANATION, "maintenance");
    pump(p);
    assert_true(p->pce.last.by_peer);
    assert_int_equal(p->pce.last.reason, PCEP_CLOSE_NO_EXPLANATION);
    assert_int_equal(p->pce.n[PCEP_EVENT_DOWN], 1);
    assert_int_equal(p->pcc.n[PCEP_EVENT_DOWN], 1);
    struct pcep_lsp lsp = {.plsp_id = 1, .flags = PCEP_LSP_REMOVE};
    struct pcep_entry entry = {.lsp = &lsp};
    assert_err(pcep_session_send_entry(p->pcc.session, PCEP_PCRPT, &entry), ERR_CLOSED);
    pair_free(p);
}

static void
a_second_session_is_refused(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pcep_session_config){0}, &(struct pcep_session_config){0});
    pcep_session_refuse(p->pce.session, &PCEP_ERROR(PCEP_ERROR_SECOND_SESSION, 0), "there is one");
    pump(p);
    assert_err(p->pce.last.err, ERR_DENIED);
    assert_true(p->pcc.last.by_peer);
    assert_int_equal(p->pcc.last.fault.error.type, PCEP_ERROR_SECOND_SESSION);
    pair_free(p);
}

static void
octets_that_are_no_pcep_end_it(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, "474554202f204854", 0);
    assert_int_equal(end->last.reason, PCEP_CLOSE_MALFORMED);
    assert_non_null(strstr(said(end), "type=1 value=8"));
    lone_free(end);
}

static void
one_octet_at_a_time_is_the_same(void **state)
{
    (void)state;
    struct pair *p = up_pair();
    size_t size;
    uint8_t *data = hex_bytes(REPORT REPORT, &size);
    for (size_t i = 0; i < size; i++) {
        pcep_session_input(p->pce.session, data + i, 1, 0);
        drain(&p->pce);
    }
    assert_int_equal(p->pce.n[PCEP_EVENT_MESSAGE], 2);
    free(data);
    pair_free(p);
}

static void
what_is_not_for_this_end_is_refused(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCC);
    feed(end, REPORT, 0);
    assert_string_equal(said(end), "PCErr {PCEP-ERROR type=2 value=0 (Capability not supported)}");
    assert_int_equal(end->n[PCEP_EVENT_REFUSED], 1);
    assert_string_equal(end->last.diag.text, "PCRpt is not for this end");
    assert_int_equal(pcep_session_stats(end->session)->unknown_messages, 1);
    lone_free(end);
}

static void
to_initiate_must_be_agreed_on(void **state)
{
    (void)state;
    struct pcep_session_config config = {.end = PCEP_PCC, .capabilities = active};
    config.capabilities.stateful_flags = PCEP_LSP_UPDATE;
    struct end *end = lone_end(config);
    feed(end, "20010014 01100010 201e7801 0010000400000005" KEEPALIVE, 0);
    said(end);
    feed(end, "200c0018 2110000c 00000001 00000009 20100008 00001000", 0);
    assert_non_null(strstr(said(end), "type=2 value=0"));
    assert_int_equal(end->n[PCEP_EVENT_REFUSED], 1);
    assert_true(pcep_session_is_up(end->session));
    feed(end, "200b001c 2110000c 00000000 00000009 20100008 00001000 07100004", 0);
    assert_int_equal(end->n[PCEP_EVENT_MESSAGE], 1);
    lone_free(end);
}

static void
open_comes_once(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, OPEN_30_120, 0);
    assert_non_null(strstr(said(end), "type=1 value=1"));
    assert_int_equal(end->last.reason, PCEP_CLOSE_MALFORMED);
    lone_free(end);

    end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    feed(end, OPEN_30_120 OPEN_30_120, 0);
    assert_non_null(strstr(said(end), "type=1 value=1"));
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    lone_free(end);
}

static void
a_close_is_a_close_however_it_is_written(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, "20070004", 0);
    assert_true(end->last.kind == PCEP_EVENT_DOWN && end->last.by_peer);
    assert_string_equal(said(end), "");
    lone_free(end);

    end = lone_end((struct pcep_session_config){.end = PCEP_PCE});
    feed(end, "2007000c 0f100008 00000001", 0);
    assert_true(end->last.kind == PCEP_EVENT_DOWN && end->last.by_peer);
    assert_int_equal(end->last.reason, PCEP_CLOSE_NO_EXPLANATION);
    lone_free(end);
}

static void
a_peer_that_does_not_read_is_given_up(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE, .output_limit = 100});
    feed(end, OPEN_30_120 KEEPALIVE, 0);
    for (int i = 0; i < 10; i++)
        feed(end, "20c80004", SECONDS(30 * i));
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    assert_err(end->last.err, ERR_LIMIT);
    said(end); /* whole messages */
    lone_free(end);
}

static void
only_what_is_for_the_caller_is_sent(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pcep_session_config){.capabilities = active},
                              &(struct pcep_session_config){.capabilities = active});
    struct pcep_message message = {.type = PCEP_CLOSE};
    assert_err(pcep_session_send(p->pce.session, &message), ERR_BUSY);
    pump(p);
    assert_err(pcep_session_send(p->pce.session, &message), ERR_INVALID);
    uint32_t srp_ids[] = {7, 8};
    assert_ok(pcep_session_send_error(p->pcc.session, &PCEP_ERROR_NAME_IN_USE, srp_ids, 2));
    pump(p);
    assert_string_equal(p->pce.text, "PCErr {SRP id=7} {SRP id=8} {PCEP-ERROR type=23 value=1 (Bad"
                                     " parameter value: SYMBOLIC-PATH-NAME in use)}\n");
    assert_int_equal(pcep_session_stats(p->pce.session)->rx_errors, 1);
    assert_int_equal(pcep_session_stats(p->pcc.session)->tx_errors, 1);
    pair_free(p);
}

static void
proposals_that_make_no_sense_end_it(void **state)
{
    (void)state;
    static const struct {
        const char *proposal, *answer;
    } cases[] = {
        {"20060014 0d100008 00000104 01100008 20001000", "type=1 value=6"},
        {"20060014 0d100008 00000104 01100008 203c0a00", "type=1 value=6"},
        {"2006000c 0d100008 00000104", "Keepalive"},
        {"2006000c 0d100008 00000103", "Keepalive"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCC});
        feed(end, OPEN_30_120, 0);
        feed(end, cases[i].proposal, 0);
        assert_non_null(strstr(said(end), cases[i].answer));
        assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
        lone_free(end);
    }
}

static void
no_keepalive_means_none(void **state)
{
    (void)state;
    struct end *end = lone_end((struct pcep_session_config){.end = PCEP_PCE, .keepalive = 255});
    feed(end, "2001000c 01100008 20000001" KEEPALIVE, 0);
    assert_non_null(strstr(said(end), "keepalive=0 deadtimer=0"));
    assert_true(pcep_session_is_up(end->session));
    assert_int_equal(pcep_session_deadline(end->session), NSEC_NEVER);
    lone_free(end);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static void
both_go_into_tls(void **state)
{
    (void)state;
    enum pcep_tls pce_modes[] = {PCEP_TLS_OFFERED, PCEP_TLS_REQUIRED};
    for (size_t i = 0; i < ARRAY_SIZE(pce_modes); i++) {
        struct pair *p = pair_new(&(struct pcep_session_config){.tls = pce_modes[i]},
                                  &(struct pcep_session_config){.tls = PCEP_TLS_REQUIRED});
        pump(p);
        assert_int_equal(p->pce.n[PCEP_EVENT_START_TLS], 1);
        assert_int_equal(p->pcc.n[PCEP_EVENT_START_TLS], 1);
        pcep_session_tls_done(p->pce.session, 0);
        pcep_session_tls_done(p->pcc.session, 0);
        pump(p);
        assert_true(pcep_session_is_up(p->pce.session) && pcep_session_is_secure(p->pce.session));
        pair_free(p);
    }
}

static void
the_handshake_begins_behind_start_tls(void **state)
{
    (void)state;
    struct end *end = lone_end(
        (struct pcep_session_config){.end = PCEP_PCE, .tls = PCEP_TLS_REQUIRED});
    feed(end, "200d0004 160301", 0);
    assert_int_equal(end->n[PCEP_EVENT_START_TLS], 1);
    struct pcep_octets rest = pcep_session_rest(end->session);
    assert_int_equal(rest.size, 3);
    assert_int_equal(rest.data[0], 0x16);
    lone_free(end);
}

static void
who_offers_tls_takes_also_without(void **state)
{
    (void)state;
    struct pair *p = pair_new(&(struct pcep_session_config){.tls = PCEP_TLS_OFFERED},
                              &(struct pcep_session_config){0});
    pump(p);
    assert_true(pcep_session_is_up(p->pce.session) && !pcep_session_is_secure(p->pce.session));
    pair_free(p);
}

static void
tls_that_is_missing_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum pcep_end end;
        enum pcep_tls tls;
        const char *hex, *answer;
        enum err err;
    } cases[] = {
        {PCEP_PCE, PCEP_TLS_REQUIRED, OPEN_30_120, "type=25 value=3", ERR_DENIED},
        {PCEP_PCC, PCEP_TLS_OFFERED, OPEN_30_120, "type=25 value=4", ERR_UNSUPPORTED},
        {PCEP_PCC, PCEP_TLS_REQUIRED, KEEPALIVE, "type=25 value=2", ERR_MALFORMED},
        {PCEP_PCE, PCEP_TLS_NONE, "200d0004", "type=25 value=4", ERR_UNSUPPORTED},
        {PCEP_PCE, PCEP_TLS_NONE, OPEN_30_120 "200d0004", "type=25 value=1", ERR_UNSUPPORTED},
        {PCEP_PCC, PCEP_TLS_OFFERED, "2006000c 0d100008 00001904", "StartTLS", ERR_UNSUPPORTED},
        {PCEP_PCC, PCEP_TLS_OFFERED, "2006000c 0d100008 00000101", "StartTLS", ERR_UNSUPPORTED},
        {PCEP_PCC, PCEP_TLS_REQUIRED, "2006000c 0d100008 00001904", "StartTLS", ERR_DENIED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct end *end = lone_end(
            (struct pcep_session_config){.end = cases[i].end, .tls = cases[i].tls});
        feed(end, cases[i].hex, 0);
        assert_non_null(strstr(said(end), cases[i].answer));
        assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
        assert_err(end->last.err, cases[i].err);
        lone_free(end);
    }
}

static void
start_tls_that_does_not_come_is_told(void **state)
{
    (void)state;
    struct end *end = lone_end(
        (struct pcep_session_config){.end = PCEP_PCC, .tls = PCEP_TLS_REQUIRED});
    pcep_session_tick(end->session, SECONDS(60));
    drain(end);
    assert_non_null(strstr(said(end), "type=25 value=5"));
    lone_free(end);
}

static void
start_tls_in_a_session_ends_it(void **state)
{
    (void)state;
    struct end *end = up_end(PCEP_PCE);
    feed(end, "200d0004", 0);
    assert_non_null(strstr(said(end), "type=25 value=1"));
    assert_int_equal(end->n[PCEP_EVENT_DOWN], 1);
    lone_free(end);
}

TEST_MAIN(cmocka_unit_test(comes_up_and_knows_the_peer),
          cmocka_unit_test(a_second_open_may_be_acceptable),
          cmocka_unit_test(a_second_open_that_is_no_better_ends_it),
          cmocka_unit_test(the_first_message_must_be_open),
          cmocka_unit_test(silence_at_the_start_is_told_the_peer),
          cmocka_unit_test(sr_without_its_capability_is_refused),
          cmocka_unit_test(keeps_alive_and_gives_up_the_silent),
          cmocka_unit_test(what_is_heard_puts_off_the_dead_timer),
          cmocka_unit_test(entries_share_a_message_until_it_is_sent),
          cmocka_unit_test(orders_share_a_message_if_they_may),
          cmocka_unit_test(faults_are_answered_and_the_rest_is_told),
          cmocka_unit_test(a_message_that_is_broken_is_refused_whole),
          cmocka_unit_test(errors_are_not_answered_with_errors),
          cmocka_unit_test(unknown_messages_are_counted),
          cmocka_unit_test(answers_to_nothing_are_counted),
          cmocka_unit_test(what_was_not_agreed_on_is_refused), cmocka_unit_test(the_peer_may_close),
          cmocka_unit_test(a_second_session_is_refused),
          cmocka_unit_test(octets_that_are_no_pcep_end_it),
          cmocka_unit_test(one_octet_at_a_time_is_the_same),
          cmocka_unit_test(what_is_not_for_this_end_is_refused),
          cmocka_unit_test(to_initiate_must_be_agreed_on), cmocka_unit_test(open_comes_once),
          cmocka_unit_test(a_close_is_a_close_however_it_is_written),
          cmocka_unit_test(a_peer_that_does_not_read_is_given_up),
          cmocka_unit_test(only_what_is_for_the_caller_is_sent),
          cmocka_unit_test(proposals_that_make_no_sense_end_it),
          cmocka_unit_test(no_keepalive_means_none), cmocka_unit_test(both_go_into_tls),
          cmocka_unit_test(the_handshake_begins_behind_start_tls),
          cmocka_unit_test(who_offers_tls_takes_also_without),
          cmocka_unit_test(tls_that_is_missing_is_refused),
          cmocka_unit_test(start_tls_that_does_not_come_is_told),
          cmocka_unit_test(start_tls_in_a_session_ends_it))
