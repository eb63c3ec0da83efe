#include "assure/service_private.h"

#include "assure/rounds.h"
#include "assure/watch.h"
#include "base/alloc.h"
#include "io/clock.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

/* The failover path is measured in every so many of a circuit's rounds. */
#define FAILOVER_EVERY 3

/* Turns that are closer than this come together: waking up costs more than a turn does. */
#define TICK (20 * NSEC_PER_MSEC)

/* Surveillance of one circuit. A round measures the primary path and, every third time, then the
 * failover path: one session after the other, so that they do not compete. */
struct survey {
    struct assure_service *service;
    char *circuit;
    struct watch *watch;
    struct rounds_turn *turn;
    uint64_t network_version; /* of the state, when the sessions were made */
    uint64_t fingerprint;     /* seq of the event */
    struct test_sessions sessions;
    struct load load;
    char *why_not; /* nothing can be measured; NULL: it can */
    nsec_t since;  /* wall */

    /* The round under way, or the last one. */
    enum test_path path;
    uint32_t at;            /* the session */
    uint64_t request;       /* 0: no round is under way */
    char id[TEST_ID_SIZE];  /* of the call */
    struct entries entries; /* of the path so far */
    bool failover_too;
    uint32_t n_turns, n_rounds, n_missed, n_skipped;
    nsec_t last;     /* wall: when a round was last made; 0: never */
    nsec_t recorded; /* monotonic: of the last summary, or when it began */
    UT_hash_handle hh;
};

/* News on its way to who keeps exceptions. */
struct notice {
    struct assure_service *service;
    char *circuit;
    const char *exception; /* static */
    uint64_t request;
    struct notice *prev, *next;
};

/* ---- Exceptions ---- */

static void
notice_free(struct notice *n)
{
    DL_DELETE(n->service->notices, n);
    free(n->circuit);
    free(n);
}

static struct survey *
find_survey(const struct assure_service *s, const char *circuit)
{
    struct survey *v;
    HASH_FIND_STR(s->surveys, circuit, v);
    return v;
}

/* What did not arrive is told again with the next round; that there was nothing to close is no
 * failure: somebody else has closed it. */
static void
on_noticed(void *arg, const struct call_result *result)
{
    struct notice *n = arg;
    struct survey *v = find_survey(n->service, n->circuit);
    if (v && result->err && result->err != ERR_NOT_FOUND)
        watch_untold(v->watch, n->exception);
    notice_free(n);
}

static void
notify(struct assure_service *s, const char *circuit, const char *exception, const char *subject,
       json_t *payload)
{
    struct notice *n = xcalloc(1, sizeof *n);
    *n = (struct notice){.service = s, .circuit = xstrdup(circuit), .exception = exception};
    DL_APPEND(s->notices, n);
    enum err err = bus_request(s->config.bus, subject, payload, NOTICE_TIMEOUT, on_noticed, n,
                               &n->request);
    if (err)
        on_noticed(n, &(struct call_result){err, err_text(err), NULL});
}

static void
raise_exception(struct assure_service *s, const char *circuit, const struct watch_news *news)
{
    char *object = xasprintf("circuit/%s", circuit);
    notify(s, circuit, news->exception, "exception.raise",
           json_pack("{ss ss ss ss ss sO}", "actor", ACTOR, "kind", news->exception, "severity",
                     exception_severity_word(news->severity), "object", object, "text", news->text,
                     "evidence", news->evidence));
    free(object);
}

static void
close_exception(struct assure_service *s, const char *circuit, const char *exception,
                const char *reason)
{
    char *object = xasprintf("circuit/%s", circuit);
    notify(s, circuit, exception, "exception.close",
           json_pack("{ss ss ss ss}", "actor", ACTOR, "kind", exception, "object", object, "reason",
                     reason));
    free(object);
}

/* ---- Records ---- */

static void
record(struct survey *v, bool ok, const struct entries *entries, const char *finding)
{
    json_t *findings = json_array();
    if (finding)
        json_array_append_new(findings, json_string(finding));
    json_t *answer = json_pack("{sb so so}", "ok", ok, "entries",
                               entries_to_json(entries, v->circuit), "findings", findings);
    assure_record(v->service, v->circuit, "surveillance", answer, NULL);
    json_decref(answer);
}

static bool
is_well(const struct survey *v)
{
    return !strcmp(watch_verdict(v->watch, TEST_PATH_MAX), "good");
}

static void
on_news(void *arg, const struct watch_news *news)
{
    struct survey *v = arg;
    if (news->change == WATCH_CLEARED) {
        close_exception(v->service, v->circuit, news->exception, news->text);
        char *finding = xasprintf("%s is over: %s", news->exception, news->text);
        record(v, is_well(v), &v->entries, finding);
        free(finding);
        return;
    }
    raise_exception(v->service, v->circuit, news);
    if (news->change == WATCH_RAISED)
        record(v, false, &v->entries, news->text);
}

/* Of a circuit that is not watched any more. */
static void
on_end(void *arg, const struct watch_news *news)
{
    struct survey *v = arg;
    close_exception(v->service, v->circuit, news->exception, news->text);
}

static void
record_summary(struct survey *v, nsec_t now)
{
    struct entries entries = {0};
    if (now - v->recorded < v->service->config.options.record_interval)
        return;
    v->recorded = now;
    watch_summary(v->watch, clock_wall(), &entries);
    record(v, is_well(v), &entries, is_well(v) ? NULL : watch_verdict(v->watch, TEST_PATH_MAX));
    entries_fini(&entries);
}

/* ---- A round ---- */

static void next_session(struct survey *);

static struct watch_context
context_of(struct survey *v, const struct circuit *circuit, watch_news_fn *tell)
{
    return (struct watch_context){circuit, clock_monotonic(), tell, v};
}

static void
begin_path(struct survey *v, enum test_path path)
{
    v->path = path;
    v->at = 0;
    entries_fini(&v->entries);
    next_session(v);
}

/* The path has been measured. */
static void
end_path(struct survey *v)
{
    const struct state *state = v->service->config.state;
    struct watch_context context = context_of(v, network_circuit(state->network, v->circuit),
                                              on_news);
    if (v->entries.n) {
        v->last = clock_wall();
        watch_round(v->watch, v->path, &v->entries, &context);
    }
    if (v->path == PATH_PRIMARY) {
        v->n_rounds += v->entries.n > 0;
        record_summary(v, context.now);
        if (v->failover_too)
            begin_path(v, PATH_FAILOVER);
    }
}

/* The round could not be made to its end. */
static void
miss(struct survey *v, const char *reason)
{
    const struct state *state = v->service->config.state;
    struct watch_context context = context_of(v, network_circuit(state->network, v->circuit),
                                              on_news);
    char *why = xasprintf("node %s: %s", v->sessions.list[v->at].node, reason);
    v->n_missed++;
    entries_fini(&v->entries);
    watch_missed(v->watch, why, &context);
    free(why);
}

static void
on_answer(void *arg, const struct call_result *result)
{
    struct survey *v = arg;
    const struct test_session *session = &v->sessions.list[v->at];
    struct node_answer answer;
    struct diag diag = {""};
    v->request = 0;
    if (result->err) {
        miss(v, *result->text ? result->text : err_text(result->err));
        return;
    }
    if (node_answer_read(result->value, session, &v->load, &answer, &diag)) {
        miss(v, diag.text);
        return;
    }
    entries_add(&v->entries, session, &v->load, &answer, clock_wall(),
                v->service->config.options.one_clock, v->circuit, NULL);
    node_answer_fini(&answer);
    v->at++;
    next_session(v);
}

/* Measures the next session of this path; without one, the path is done. */
static void
next_session(struct survey *v)
{
    while (v->at < v->sessions.n && v->sessions.list[v->at].path != v->path)
        v->at++;
    if (v->at == v->sessions.n) {
        end_path(v);
        return;
    }
    const struct test_session *session = &v->sessions.list[v->at];
    assure_name_test(v->service, v->id);
    enum err err = assure_call(v->service, session->node,
                               test_start_params(session, &v->load, v->id),
                               test_start_duration(&v->load), on_answer, v, &v->request);
    if (err)
        miss(v, err_text(err));
}

/* ---- What can be measured ---- */

static void
replace_why_not(struct survey *v, const char *why_not)
{
    free(v->why_not);
    v->why_not = why_not ? xstrdup(why_not) : NULL;
}

/* The sessions anew, if the network has changed since they were made. */
static void
renew_sessions(struct survey *v)
{
    const struct assure_service *s = v->service;
    const struct state *state = s->config.state;
    const struct circuit *circuit = network_circuit(state->network, v->circuit);
    const struct design *design = network_design(state->network, v->circuit);
    struct findings findings = {0};
    struct diag diag = {""};
    if (v->network_version == state->network_version && v->n_turns)
        return;
    v->network_version = state->network_version;
    test_sessions_fini(&v->sessions);
    if (test_sessions_make(state->network, circuit, design, TEST_BOTH_PATHS, &v->sessions,
                           &findings, &diag))
        replace_why_not(v, diag.text);
    else if (!v->sessions.n ||
             !load_make(circuit, LOAD_WATCH, &s->config.options.load, &v->load, &findings))
        replace_why_not(v, findings.n ? findings.items[0].text : "there is nothing to measure");
    else
        replace_why_not(v, NULL);
    findings_fini(&findings);
}

static void
take_turn(struct survey *v)
{
    if (v->request || assure_is_testing(v->service, v->circuit)) {
        v->n_skipped++;
        return;
    }
    renew_sessions(v);
    v->failover_too = ++v->n_turns % FAILOVER_EVERY == 0;
    if (!v->why_not)
        begin_path(v, PATH_PRIMARY);
}

static void
schedule(struct assure_service *s)
{
    nsec_t due = rounds_due(s->rounds), left = clock_left(due),
           tick = MIN(TICK, s->config.options.watch_interval / 16);
    if (due == NSEC_NEVER)
        timer_stop(s->turn);
    else
        timer_start(s->turn, MAX(left, tick));
}

void
assure_take_turns(void *arg)
{
    struct assure_service *s = arg;
    struct survey *v;
    nsec_t now = clock_monotonic();
    while ((v = rounds_take(s->rounds, now)))
        take_turn(v);
    schedule(s);
}

/* ---- Which circuits ---- */

/* Exceptions about the circuit from before the program started. */
static void
adopt_exceptions(struct survey *v)
{
    const struct state *state = v->service->config.state;
    char *object = xasprintf("circuit/%s", v->circuit);
    for (const struct exception *e = state->exceptions; e; e = e->hh.next) {
        if (e->state != EXCEPTION_CLOSED && !strcmp(e->object, object))
            watch_adopt(v->watch, e->kind, clock_monotonic());
    }
    free(object);
}

static void
read_fingerprint(const struct fingerprint *f, struct entries *entries)
{
    struct diag diag;
    if (entries_from_json(f->entries, entries, &diag))
        *entries = (struct entries){0}; /* Losses can be watched all the same. */
}

static void
begin_survey(struct assure_service *s, const char *circuit, const struct fingerprint *f)
{
    struct survey *v = xcalloc(1, sizeof *v);
    struct entries entries = {0};
    nsec_t now = clock_monotonic();
    read_fingerprint(f, &entries);
    *v = (struct survey){.service = s,
                         .circuit = xstrdup(circuit),
                         .watch = watch_new(&entries),
                         .turn = rounds_add(s->rounds, v, now),
                         .fingerprint = f->seq,
                         .since = clock_wall(),
                         .recorded = now};
    entries_fini(&entries);
    HASH_ADD_KEYPTR(hh, s->surveys, v->circuit, strlen(v->circuit), v);
    adopt_exceptions(v);
    schedule(s);
}

static void
survey_free(struct survey *v)
{
    struct assure_service *s = v->service;
    HASH_DEL(s->surveys, v);
    rounds_remove(s->rounds, v->turn);
    if (v->request)
        assure_abort(s, v->sessions.list[v->at].node, v->id, v->request);
    watch_free(v->watch);
    test_sessions_fini(&v->sessions);
    entries_fini(&v->entries);
    free(v->why_not);
    free(v->circuit);
    free(v);
}

static void
end_survey(struct survey *v)
{
    struct assure_service *s = v->service;
    struct watch_context context = context_of(v, NULL, on_end);
    watch_end(v->watch, "the circuit is not active any more", &context);
    survey_free(v);
    schedule(s);
}

/* Its fingerprint, if it is active. */
static const struct fingerprint *
watched_fingerprint(const struct assure_service *s, const char *circuit)
{
    const struct state *state = s->config.state;
    const struct circuit_status *status = state_circuit(state, circuit);
    const struct circuit *c = network_circuit(state->network, circuit);
    if (!status || status->phase != PHASE_ACTIVE || !c ||
        !network_design(state->network, circuit) ||
        (s->config.watches && !s->config.watches(s->config.watches_arg, c)))
        return NULL;
    return state_fingerprint(state, circuit);
}

void
assure_survey_sync(struct assure_service *s, const char *circuit)
{
    const struct fingerprint *f = watched_fingerprint(s, circuit);
    struct survey *v = find_survey(s, circuit);
    struct entries entries = {0};
    if (!f && v) {
        end_survey(v);
    } else if (f && !v) {
        begin_survey(s, circuit, f);
    } else if (f && f->seq != v->fingerprint) {
        read_fingerprint(f, &entries);
        watch_rebase(v->watch, &entries);
        v->fingerprint = f->seq;
        entries_fini(&entries);
    }
}

void
assure_surveys_check(struct assure_service *s)
{
    struct survey *v, *next;
    HASH_ITER (hh, s->surveys, v, next)
        assure_survey_sync(s, v->circuit);
}

/* Exceptions of ours about circuits that ceased to be active just before the program ended. */
static void
close_orphans(struct assure_service *s)
{
    static const char prefix[] = "circuit/";
    for (const struct exception *e = s->config.state->exceptions; e; e = e->hh.next) {
        const char *exception = watch_exception(e->kind);
        if (e->state == EXCEPTION_CLOSED || !exception ||
            strncmp(e->object, prefix, strlen(prefix)) != 0)
            continue;
        const char *circuit = e->object + strlen(prefix);
        if (!find_survey(s, circuit))
            close_exception(s, circuit, exception, "the circuit is not active any more");
    }
}

void
assure_surveys_start(struct assure_service *s)
{
    const struct assure_options *o = &s->config.options;
    uint32_t packets = o->load.watch_packets ? o->load.watch_packets : WATCH_PACKETS;
    struct rounds_config config = {.interval = o->watch_interval,
                                   .packets = packets +
                                              (packets + FAILOVER_EVERY - 1) / FAILOVER_EVERY,
                                   .packets_per_second = o->watch_rate};
    s->rounds = rounds_new(&config);
    s->turn = timer_new(s->config.loop, assure_take_turns, s);
    for (const struct circuit_status *c = s->config.state->circuits; c; c = c->hh.next)
        assure_survey_sync(s, c->circuit);
    close_orphans(s);
}

void
assure_surveys_free(struct assure_service *s)
{
    struct survey *v, *next;
    HASH_ITER (hh, s->surveys, v, next)
        survey_free(v);
    while (s->notices) {
        bus_cancel(s->config.bus, s->notices->request);
        notice_free(s->notices);
    }
    rounds_free(s->rounds);
    timer_free(s->turn);
}

/* ---- Report ---- */

static json_t *
survey_to_json(const struct survey *v)
{
    char text[TIME_TEXT_SIZE];
    json_t *json = json_pack("{ss sb ss sb ss sI sI sI so}", "circuit", v->circuit, "watched",
                             !v->why_not, "verdict", watch_verdict(v->watch, TEST_PATH_MAX),
                             "flapping", watch_is_flapping(v->watch), "since",
                             time_format(v->since, text), "rounds", (json_int_t)v->n_rounds,
                             "missed", (json_int_t)v->n_missed, "skipped", (json_int_t)v->n_skipped,
                             "paths", watch_to_json(v->watch));
    if (v->last)
        json_object_set_new(json, "last", json_string(time_format(v->last, text)));
    set_json_text(json, "reason", v->why_not);
    return json;
}

json_t *
assure_surveys_report(const struct assure_service *s, const char *circuit)
{
    json_t *list = json_array();
    for (const struct survey *v = s->surveys; v; v = v->hh.next) {
        if (!circuit || !strcmp(circuit, v->circuit))
            json_array_append_new(list, survey_to_json(v));
    }
    return list;
}

nsec_t
assure_surveys_interval(const struct assure_service *s)
{
    return rounds_interval(s->rounds);
}
