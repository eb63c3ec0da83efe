#include "edge/stamp_agent.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "edge/stamp_request.h"
#include "proto/stamp/stamp_reflector.h"

#include <stdlib.h>
#include <string.h>

/* Frames that have been sent and of which the kernel has not said yet when they left. */
#define TOKENS 4096
/* A test that is done still waits for what was on its way: duplicates, and the kernel's word on
 * when the last packets left. */
#define LINGER (20 * NSEC_PER_MSEC)
/* Losses are found that much late, several at a time. */
#define EXPIRY_GRAIN (5 * NSEC_PER_MSEC)
/* A packet that is late by more than that shifts the rest of its test instead of having them catch
 * up in a burst. */
#define MAX_LATENESS (2 * NSEC_PER_MSEC)
#define CLOCK_CHECK_INTERVAL NSEC_PER_SEC
#define STAMP_T3_OFFSET 4 /* of the timestamp in a base packet: RFC 8762 section 4.3 */

#define IS_GROUP(address) ((address) >> 28 == 0xe)

struct test {
    struct stamp_request request;
    struct stamp_agent_owner owner;
    struct stamp_sender *sender;
    uint64_t serial; /* never used again */
    uint16_t ssid;
    nsec_t due;         /* the next packet; NSEC_NEVER: all are sent */
    nsec_t first, last; /* when packets were sent, monotonic */
    nsec_t linger;      /* it ends then; NSEC_NEVER: not yet */
    uint32_t n_sent;
    uint32_t n_stamped;  /* by the kernel */
    bool foreign_stamps; /* an answer came that the kernel did not stamp */
    uint32_t pps, samples;
};

/* What a tx_token stands for. */
struct token {
    uint32_t number; /* 0: nothing */
    uint64_t test;   /* its serial; 0: a reflection */
    uint32_t sequence;
    struct stamp_reflection reflection;
};

struct counters {
    uint64_t tests_started, tests_refused, packets_sent, answers_taken, answers_refused, reflected,
        reflected_by_management, not_reflected, not_a_test, malformed, no_such_test;
};

struct stamp_agent {
    struct stamp_agent_config config;
    struct stamp_reflector *reflector;
    nsec_t clock_checked;
    struct test *tests[STAMP_AGENT_MAX_TESTS];
    unsigned n_tests;
    uint64_t last_serial;
    uint16_t last_ssid;
    uint32_t last_token;
    struct token tokens[TOKENS];
    struct buf scratch;
    nsec_t wake; /* as last told */
    struct counters counters;
};

static nsec_t
now_of(const struct stamp_agent *a)
{
    return a->config.io.now(a->config.io.arg);
}

static nsec_t
wall_of(const struct stamp_agent *a)
{
    return a->config.io.wall(a->config.io.arg);
}

/* ---- Life ---- */

struct stamp_agent *
stamp_agent_new(const struct stamp_agent_config *config)
{
    const struct stamp_reflector_config reflector = {
        .stateful = true,
        .open = true, /* who may send to us, the rules of the circuits say */
        .error = {.format = STAMP_PTP},
        .receive_method = STAMP_METHOD_CONTROL_PLANE,
        .send_method = STAMP_METHOD_CONTROL_PLANE,
        .sent_method = STAMP_METHOD_SW_LOCAL,
        .max_sessions = config->max_sessions ? config->max_sessions : STAMP_AGENT_MAX_SESSIONS,
        .idle_timeout = STAMP_AGENT_SESSION_IDLE,
    };
    struct stamp_agent *a = xcalloc(1, sizeof *a);
    a->config = *config;
    a->last_ssid = (uint16_t)hash_mix(config->seed);
    a->wake = NSEC_NEVER;
    a->clock_checked = INT64_MIN;
    if (stamp_reflector_new(&reflector, &a->reflector, NULL))
        abort(); /* without a key nothing can be wrong with it */
    return a;
}

static void
test_free(struct test *t)
{
    stamp_sender_free(t->sender);
    free(t);
}

/* ---- Tokens ---- */

static struct token *
new_token(struct stamp_agent *a)
{
    a->last_token = a->last_token % INT32_MAX + 1; /* 0 is none, PACKET_TOKEN_PTP another's */
    struct token *token = &a->tokens[a->last_token % TOKENS];
    *token = (struct token){.number = a->last_token};
    return token;
}

static struct test *
test_by_serial(const struct stamp_agent *a, uint64_t serial)
{
    for (unsigned i = 0; i < a->n_tests; i++) {
        if (a->tests[i]->serial == serial)
            return a->tests[i];
    }
    return NULL;
}

void
stamp_agent_transmitted(struct stamp_agent *a, uint32_t tx_token, nsec_t wall)
{
    struct token *token = &a->tokens[tx_token % TOKENS];
    if (!tx_token || token->number != tx_token)
        return;
    token->number = 0;
    if (!token->test) {
        stamp_reflector_sent(a->reflector, &token->reflection, wall);
        return;
    }
    struct test *t = test_by_serial(a, token->test);
    if (t) {
        stamp_sender_sent(t->sender, token->sequence, wall);
        t->n_stamped++;
    }
}

/* ---- When to do what ---- */

static nsec_t
test_next(const struct test *t)
{
    nsec_t next = t->due;
    if (next == NSEC_NEVER && t->linger != NSEC_NEVER)
        next = t->linger;
    else if (next == NSEC_NEVER) /* lost packets are looked for with every packet that is sent */
        next = stamp_sender_next(t->sender) + EXPIRY_GRAIN;
    return next;
}

static void
schedule(struct stamp_agent *a)
{
    nsec_t next = NSEC_NEVER;
    for (unsigned i = 0; i < a->n_tests; i++)
        next = MIN(next, test_next(a->tests[i]));
    if (next == a->wake)
        return;
    a->wake = next;
    a->config.io.wake_at(a->config.io.arg, next);
}

/* ---- The end of a test ---- */

static bool
needs_port(const struct stamp_agent *a, uint16_t port)
{
    for (unsigned i = 0; i < a->n_tests; i++) {
        const struct stamp_request *q = &a->tests[i]->request;
        if (q->management && q->headers.udp_src == port)
            return true;
    }
    return false;
}

/* Takes it out of the list; the caller has it now. */
static void
remove_test(struct stamp_agent *a, struct test *t)
{
    const struct stamp_agent_io *io = &a->config.io;
    unsigned i = 0;
    while (a->tests[i] != t)
        i++;
    a->tests[i] = a->tests[--a->n_tests];
    if (t->request.management && !needs_port(a, t->request.headers.udp_src))
        (void)io->management_listen(io->arg, t->request.headers.udp_src, false, NULL);
}

static void
end_test(struct stamp_agent *a, struct test *t, enum err err, const char *text)
{
    json_t *answer = NULL;
    remove_test(a, t);
    if (!err) {
        const struct stamp_outcome outcome = {
            .sent = t->n_sent,
            .span = t->last - t->first,
            .n_stamped = t->n_stamped,
            .kernel_arrivals = !t->foreign_stamps,
        };
        answer = stamp_request_answer(&t->request, t->sender, &outcome);
    }
    t->owner.done(t->owner.arg, err, text, answer);
    json_decref(answer);
    test_free(t);
}

void
stamp_agent_free(struct stamp_agent *a)
{
    if (!a)
        return;
    while (a->n_tests)
        end_test(a, a->tests[0], ERR_CLOSED, "the node ends");
    stamp_reflector_free(a->reflector);
    buf_fini(&a->scratch);
    free(a);
}

/* ---- Sending ---- */

static enum err
send_packet(struct stamp_agent *a, struct test *t, nsec_t due)
{
    const struct stamp_agent_io *io = &a->config.io;
    const struct stamp_headers *h = &t->request.headers;
    uint32_t sequence, headers = stamp_headers_size(h);
    buf_clear(&a->scratch);
    stamp_frame_write_headers(buf_reserve(&a->scratch, headers), h, t->request.payload_size);
    enum err err = stamp_sender_output(t->sender, due, wall_of(a), &a->scratch, &sequence);
    if (err)
        return err;
    struct token *token = new_token(a);
    token->test = t->serial;
    token->sequence = sequence;
    t->last = now_of(a);
    if (!t->n_sent)
        t->first = t->last;
    t->n_sent++;
    a->counters.packets_sent++;
    return io->send(io->arg, a->scratch.data, (uint32_t)a->scratch.size, 0, token->number);
}

/* The packets that are due. The sender is told when they should have left, so that what is sent a
 * little late does not slow the test down. */
static enum err
send_due(struct stamp_agent *a, struct test *t)
{
    enum err err = ERR_OK;
    while (!err && t->due != NSEC_NEVER) {
        nsec_t now = now_of(a);
        if (t->due > now)
            break;
        nsec_t due = now - t->due > MAX_LATENESS ? now : t->due;
        err = send_packet(a, t, due);
        t->due += t->request.interval;
        if (t->due <= due)
            t->due = due + t->request.interval;
        if (t->n_sent == t->request.count)
            t->due = NSEC_NEVER;
    }
    return err;
}

static void
linger_if_done(struct test *t, nsec_t now)
{
    if (t->linger == NSEC_NEVER && stamp_sender_is_done(t->sender))
        t->linger = now + LINGER;
}

static void
run_test(struct stamp_agent *a, struct test *t)
{
    nsec_t now = now_of(a);
    if (t->owner.is_waiting && !t->owner.is_waiting(t->owner.arg)) {
        end_test(a, t, ERR_CLOSED, "nobody waits for the answer");
        return;
    }
    enum err err = send_due(a, t);
    if (err) {
        end_test(a, t, err, "a test packet could not be sent");
        return;
    }
    stamp_sender_expire(t->sender, now);
    linger_if_done(t, now);
    if (now >= t->linger)
        end_test(a, t, ERR_OK, "");
}

void
stamp_agent_run(struct stamp_agent *a)
{
    a->wake = NSEC_NEVER; /* that has been, whether early or not */
    for (unsigned i = a->n_tests; i-- > 0;) {
        if (i < a->n_tests) /* `done` may have ended others */
            run_test(a, a->tests[i]);
    }
    schedule(a);
}

/* ---- The start of a test ---- */

static struct test *
test_by_id(const struct stamp_agent *a, const char *id)
{
    for (unsigned i = 0; i < a->n_tests; i++) {
        if (!strcmp(a->tests[i]->request.id, id))
            return a->tests[i];
    }
    return NULL;
}

static bool
ssid_is_used(const struct stamp_agent *a, uint16_t ssid)
{
    for (unsigned i = 0; i < a->n_tests; i++) {
        if (a->tests[i]->ssid == ssid)
            return true;
    }
    return false;
}

static uint16_t
new_ssid(struct stamp_agent *a)
{
    do
        a->last_ssid++;
    while (!a->last_ssid || ssid_is_used(a, a->last_ssid));
    return a->last_ssid;
}

/* Is there room for this one beside those that run? */
static enum err
check_load(const struct stamp_agent *a, const struct test *t, struct diag *diag)
{
    uint32_t pps = t->pps, samples = t->samples;
    if (a->n_tests == STAMP_AGENT_MAX_TESTS)
        return diag_set(diag, ERR_BUSY, "%d tests run already", STAMP_AGENT_MAX_TESTS);
    for (unsigned i = 0; i < a->n_tests; i++) {
        pps += a->tests[i]->pps;
        samples += a->tests[i]->samples;
    }
    if (pps > STAMP_AGENT_MAX_PPS)
        return diag_set(diag, ERR_BUSY,
                        "with the tests that run it would be %u packets a second: %d can be sent",
                        pps, STAMP_AGENT_MAX_PPS);
    if (samples > STAMP_AGENT_MAX_SAMPLES)
        return diag_set(diag, ERR_BUSY, "the tests that run have too many packets");
    return ERR_OK;
}

static enum err
check_test(const struct stamp_agent *a, const struct test *t, struct diag *diag)
{
    const struct stamp_request *q = &t->request;
    char address[IPV4_TEXT_SIZE];
    if (test_by_id(a, q->id))
        return diag_set(diag, ERR_EXISTS, "test \"%s\" runs already", q->id);
    if (q->management && !a->config.management_address)
        return diag_set(diag, ERR_INVALID, "this node has no management address");
    if (q->management && q->headers.ipv4_src != a->config.management_address)
        return diag_set(diag, ERR_INVALID, "\"ipv4-src\" is not this node's management address, %s",
                        ipv4_format(a->config.management_address, address));
    return check_load(a, t, diag);
}

/* Timestamp Information and Follow-Up Telemetry, if there is room for them. */
static uint32_t
tlvs_for(size_t payload_size)
{
    size_t both = STAMP_BASE_SIZE + 2 * STAMP_TLV_HEADER_SIZE + STAMP_TIMESTAMP_INFORMATION_SIZE +
                  STAMP_FOLLOW_UP_SIZE;
    bool fit = payload_size == both || payload_size >= both + STAMP_TLV_HEADER_SIZE;
    return fit ? STAMP_TLV_BIT(STAMP_TLV_TIMESTAMP_INFORMATION) |
                     STAMP_TLV_BIT(STAMP_TLV_FOLLOW_UP_TELEMETRY)
               : 0;
}

static enum err
make_sender(struct stamp_agent *a, struct test *t, struct diag *diag)
{
    const struct stamp_request *q = &t->request;
    struct stamp_endpoint reflectors[STAMP_MAX_REFLECTORS];
    uint16_t port = q->management ? STAMP_PORT : q->headers.udp_dst;
    for (unsigned i = 0; i < q->n_reflectors; i++)
        reflectors[i] = stamp_endpoint_v4(q->reflectors[i], port);
    struct stamp_sender_config config = {
        .ssid = t->ssid,
        .count = q->count,
        .interval = q->interval,
        .timeout = q->timeout,
        .size = q->payload_size,
        .error = {.format = STAMP_PTP},
        .tlvs = tlvs_for(q->payload_size),
        .stateful = true,
        .reflectors = reflectors,
        .n_reflectors = q->n_reflectors,
        .max_samples = q->count,
    };
    config.error.synchronized = a->config.io.clock_is_synchronised(a->config.io.arg,
                                                                   &config.error.error);
    return stamp_sender_new(&config, t->due, &t->sender, diag);
}

static enum err
open_port(struct stamp_agent *a, const struct test *t, struct diag *diag)
{
    const struct stamp_agent_io *io = &a->config.io;
    uint16_t port = t->request.headers.udp_src;
    if (!t->request.management || needs_port(a, port))
        return ERR_OK;
    return io->management_listen(io->arg, port, true, diag) ? ERR_BUSY : ERR_OK;
}

enum err
stamp_agent_start(struct stamp_agent *a, const json_t *params,
                  const struct stamp_agent_owner *owner, struct diag *diag)
{
    struct test *t = xcalloc(1, sizeof *t);
    enum err err = stamp_request_read(params, &t->request, diag);
    if (!err) {
        t->owner = *owner;
        t->pps = (uint32_t)(NSEC_PER_SEC / t->request.interval);
        t->samples = t->request.count * t->request.n_reflectors;
        t->due = now_of(a);
        t->linger = NSEC_NEVER;
        err = check_test(a, t, diag);
    }
    if (!err) {
        t->ssid = new_ssid(a);
        err = make_sender(a, t, diag);
    }
    if (!err)
        err = open_port(a, t, diag);
    if (err) {
        a->counters.tests_refused++;
        test_free(t);
        return err;
    }
    a->counters.tests_started++;
    t->serial = ++a->last_serial;
    a->tests[a->n_tests++] = t;
    schedule(a);
    return ERR_OK;
}

enum err
stamp_agent_stop(struct stamp_agent *a, const json_t *params, struct diag *diag)
{
    const char *id;
    enum err err = stamp_request_read_id(params, &id, diag);
    if (err)
        return err;
    struct test *t = test_by_id(a, id);
    if (!t)
        return diag_set(diag, ERR_NOT_FOUND, "no test \"%.63s\" runs", id);
    end_test(a, t, ERR_CLOSED, "the test was stopped");
    schedule(a);
    return ERR_OK;
}

/* ---- What comes in ---- */

static void
take_answer(struct stamp_agent *a, struct test *t, uint32_t from, uint16_t from_port,
            const uint8_t *payload, size_t size, nsec_t rx_time)
{
    struct stamp_endpoint endpoint = stamp_endpoint_v4(from, from_port);
    nsec_t now = now_of(a);
    if (stamp_sender_input(t->sender, &endpoint, payload, size, now, rx_time)) {
        a->counters.answers_refused++;
        return;
    }
    a->counters.answers_taken++;
    linger_if_done(t, now);
    schedule(a);
}

/* The test that a payload may answer; NULL: none. */
static struct test *
test_of_answer(const struct stamp_agent *a, const uint8_t *payload, size_t size)
{
    struct cursor c = cursor_over(payload, size);
    struct stamp_reflector_packet p;
    if (stamp_reflector_packet_decode(&c, STAMP_UNAUTHENTICATED, &p))
        return NULL;
    for (unsigned i = 0; i < a->n_tests; i++) {
        if (a->tests[i]->ssid == p.ssid)
            return a->tests[i];
    }
    return NULL;
}

/* Whose answer in-band this is: it comes back with the headers it went with, but for the MAC
 * addresses, which change between subnets. */
static struct test *
test_of_frame(const struct stamp_agent *a, const struct stamp_headers *h, const uint8_t *payload,
              size_t size)
{
    struct test *t = test_of_answer(a, payload, size);
    if (!t || t->request.management)
        return NULL;
    const struct stamp_headers *sent = &t->request.headers;
    bool back = h->ipv4_src == sent->ipv4_dst && h->ipv4_dst == sent->ipv4_src &&
                h->udp_src == sent->udp_dst && h->udp_dst == sent->udp_src;
    return back ? t : NULL;
}

static void
check_clock(struct stamp_agent *a, nsec_t now)
{
    nsec_t error = 0;
    if (a->clock_checked != INT64_MIN && now - a->clock_checked < CLOCK_CHECK_INTERVAL)
        return;
    a->clock_checked = now;
    bool synchronised = a->config.io.clock_is_synchronised(a->config.io.arg, &error);
    stamp_reflector_set_error(a->reflector, synchronised, error);
}

/* Sends the answer that stands in `scratch` behind its headers. */
static void
send_reflection(struct stamp_agent *a, const struct stamp_headers *back,
                const struct stamp_reflection *reflection)
{
    const struct stamp_agent_io *io = &a->config.io;
    uint32_t headers = stamp_headers_size(back);
    stamp_frame_write_headers(a->scratch.data, back, a->scratch.size - headers);
    struct token *token = new_token(a);
    token->reflection = *reflection;
    if (io->send(io->arg, a->scratch.data, (uint32_t)a->scratch.size,
                 (uint16_t)(headers + STAMP_T3_OFFSET), token->number))
        a->counters.not_reflected++;
    else
        a->counters.reflected++;
}

static void
send_by_management(struct stamp_agent *a, const struct stamp_headers *h, uint32_t headers)
{
    const struct stamp_agent_io *io = &a->config.io;
    if (io->management_send(io->arg, h->ipv4_src, h->udp_src, a->scratch.data + headers,
                            a->scratch.size - headers))
        a->counters.not_reflected++;
    else
        a->counters.reflected_by_management++;
}

static void
reflect(struct stamp_agent *a, const struct stamp_headers *h, const uint8_t *payload, size_t size,
        nsec_t rx_time, bool kernel_time)
{
    bool group = IS_GROUP(h->ipv4_dst);
    struct stamp_headers back = stamp_headers_reversed(h);
    struct stamp_reflection reflection;
    const struct stamp_arrival arrival = {
        .from = stamp_endpoint_v4(h->ipv4_src, h->udp_src),
        .to = stamp_endpoint_v4(h->ipv4_dst, h->udp_dst),
        .received = rx_time,
        .ttl = h->ttl,
        .dscp = h->dscp,
        .ecn = h->ecn,
        .source_mac = h->eth_src.octets,
        .receive_method = kernel_time ? STAMP_METHOD_SW_LOCAL : STAMP_METHOD_CONTROL_PLANE,
    };
    uint32_t headers = stamp_headers_size(h);
    nsec_t now = now_of(a);
    check_clock(a, now);
    buf_clear(&a->scratch);
    buf_reserve(&a->scratch, headers);
    if ((group && !a->config.management_address) ||
        h->udp_src == STAMP_PORT || /* or two reflectors would go on for ever */
        stamp_reflector_input(a->reflector, &arrival, payload, size, now, wall_of(a), &a->scratch,
                              &reflection)) {
        a->counters.not_reflected++;
        return;
    }
    back.dscp = reflection.dscp;
    if (group)
        send_by_management(a, h, headers);
    else
        send_reflection(a, &back, &reflection);
}

void
stamp_agent_local(struct stamp_agent *a, const uint8_t *frame, size_t size, uint32_t in_port UNUSED,
                  nsec_t rx_time, bool kernel_time)
{
    struct stamp_headers h;
    const uint8_t *payload;
    size_t payload_size;
    enum err err = stamp_frame_read(frame, size, &h, &payload, &payload_size);
    if (err) {
        *(err == ERR_MALFORMED ? &a->counters.malformed : &a->counters.not_a_test) += 1;
        return;
    }
    struct test *t = test_of_frame(a, &h, payload, payload_size);
    if (t) {
        t->foreign_stamps |= !kernel_time;
        take_answer(a, t, h.ipv4_src, h.udp_src, payload, payload_size, rx_time);
    } else if (h.udp_dst == STAMP_PORT) {
        reflect(a, &h, payload, payload_size, rx_time, kernel_time);
    } else {
        a->counters.no_such_test++;
    }
}

void
stamp_agent_management(struct stamp_agent *a, uint32_t from, uint16_t from_port, uint16_t port,
                       const uint8_t *payload, size_t size, nsec_t rx_time)
{
    struct test *t = test_of_answer(a, payload, size);
    if (t && t->request.management && t->request.headers.udp_src == port)
        take_answer(a, t, from, from_port, payload, size, rx_time);
    else
        a->counters.no_such_test++;
}

/* ---- For people ---- */

unsigned
stamp_agent_n_tests(const struct stamp_agent *a)
{
    return a->n_tests;
}

json_t *
stamp_agent_status(const struct stamp_agent *a)
{
    const struct counters *n = &a->counters;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"running", a->n_tests},
        {"sessions", stamp_reflector_n_sessions(a->reflector)},
        {"tests-started", n->tests_started},
        {"tests-refused", n->tests_refused},
        {"packets-sent", n->packets_sent},
        {"answers-taken", n->answers_taken},
        {"answers-refused", n->answers_refused},
        {"reflected", n->reflected},
        {"reflected-by-management", n->reflected_by_management},
        {"not-reflected", n->not_reflected},
        {"not-a-test", n->not_a_test},
        {"malformed", n->malformed},
        {"no-such-test", n->no_such_test},
    };
    json_t *json = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        json_object_set_new(json, rows[i].name, json_integer((json_int_t)rows[i].value));
    return json;
}
