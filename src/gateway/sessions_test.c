/* How long a session goes on, and that nothing is done under one that is not on record. The
 * monotonic clock is the test's: it stands still until it is told to go on. */
#include "base/hex.h"
#include "gateway/code.h"
#include "gateway/service_private.h"
#include "gateway/service_testing.h"

#include <openssl/sha.h>
#include <signal.h>
#include <sys/resource.h>

#define TOKEN "tieline_0123456789abcdef0123456789abcdef0123456789a"
#define FAR_AWAY "2200-01-01T00:00:00Z"
#define IDLE (1800 * NSEC_PER_SEC) /* of all sessions here */

static nsec_t monotonic_clock = 1000 * NSEC_PER_SEC;

static nsec_t
read_monotonic(void)
{
    return monotonic_clock;
}

static nsec_t
read_wall(void *arg)
{
    return *(nsec_t *)arg;
}

/* No file may grow beyond this; RLIM_INFINITY: any may. The journal cannot be written then. */
static void
limit_files(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = MIN(size, limit.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int
set_up(void **state)
{
    static const char *const people[] = {"alice", "olga", "sam", "ada", "mallory"};
    api_set_up(state);
    struct api_scene *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(people); i++)
        tls_of(s, people[i]); /* their certificates are files */
    signal(SIGXFSZ, SIG_IGN);
    gateway_service_free(s->service);
    s->config.monotonic = read_monotonic;
    service_start(s);
    return 0;
}

static int
tear_down(void **state)
{
    limit_files(RLIM_INFINITY);
    return api_tear_down(state);
}

#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* A session of TOKEN with the id "s1", as a log-in records it. */
static void
open_session(struct api_scene *s, const char *person, const char *right, const char *roles,
             const char *until)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    char hash[SESSION_HASH_SIZE];
    SHA256((const uint8_t *)TOKEN, strlen(TOKEN), digest);
    hex_format(digest, sizeof digest, hash);
    char *body = xasprintf("{'id': 's1', 'person': '%s', 'right': '%s', 'token-hash': '%s',"
                           " 'roles': ['%s'], 'address': 'h', 'until': '%s', 'idle-s': 1800}",
                           person, right, hash, roles, until);
    append_event(s, "session.opened", "session/s1", body);
    free(body);
}

/* Asks with TOKEN, over a connection of `person`. */
static struct answer
ask_with_token(struct api_scene *s, const char *person, const char *what, const char *body)
{
    char *line = xasprintf("%s\r\nAuthorization: Bearer " TOKEN, what);
    struct answer a = ask(s, person, line, body);
    free(line);
    return a;
}

static void
assert_asked(struct api_scene *s, const char *person, int status, const char *says)
{
    struct answer a = ask_with_token(s, person, "GET /api/v1/whoami", NULL);
    if (a.status != status || !strstr(a.text, says))
        fail_msg("%d and \"%s\" were expected: %s", status, says, a.text);
    answer_fini(&a);
}

/* How many events of this type there are; *last is the last one's body (NULL is fine). */
static size_t
count_events(struct api_scene *s, const char *type, json_t **last)
{
    char *what = xasprintf("GET /api/v1/journal?type=%s", type);
    struct answer a = ask(s, "ada", what, NULL);
    const json_t *events = json_object_get(a.json, "events");
    size_t n = json_array_size(events);
    if (last)
        *last = json_incref(json_object_get(json_array_get(events, n - 1), "body"));
    answer_fini(&a);
    free(what);
    return n;
}

/* ---- how long it goes on */

static void
a_session_of_an_old_service_begins_when_it_is_opened(void **state)
{
    struct api_scene *s = *state;
    monotonic_clock += 10 * IDLE;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    sessions_sweep(s->service->sessions);
    assert_asked(s, "alice", 200, "\"session\"");
    monotonic_clock += IDLE - 1;
    assert_asked(s, "alice", 200, "\"session\"");
    assert_int_equal(count_events(s, "session.closed", NULL), 0);
}

static void
a_session_that_is_not_used_ends(void **state)
{
    struct api_scene *s = *state;
    json_t *body;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    monotonic_clock += IDLE - 1;
    assert_asked(s, "alice", 200, "\"session\"");
    monotonic_clock += IDLE - 1;
    assert_asked(s, "alice", 200, "\"session\"");
    monotonic_clock += IDLE;
    assert_asked(s, "alice", 401, "has ended: idle");
    assert_false(sessions_is_live(s->service->sessions, "s1"));
    sessions_sweep(s->service->sessions);
    RUN_UNTIL(s->base.loop, !access_session(&s->state->access, "s1"));
    assert_int_equal(count_events(s, "session.closed", &body), 1);
    assert_json(body, "{'id': 's1', 'person': 'alice', 'reason': 'idle'}");
    json_decref(body);
    assert_asked(s, "alice", 401, "no session with this token");
}

static void
idle_time_begins_anew_with_the_service(void **state)
{
    struct api_scene *s = *state;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    gateway_service_free(s->service);
    monotonic_clock += 10 * IDLE;
    service_start(s);
    assert_asked(s, "alice", 200, "\"session\"");
    monotonic_clock += IDLE;
    assert_asked(s, "alice", 401, "has ended: idle");
}

static void
a_session_in_use_ends_at_its_time(void **state)
{
    struct api_scene *s = *state;
    nsec_t until;
    json_t *body;
    assert_ok(time_parse("2199-12-31T12:00:00Z", &until));
    nsec_t wall = until - 1;
    gateway_service_free(s->service);
    s->config.now = read_wall;
    s->config.now_arg = &wall;
    service_start(s);
    open_session(s, "alice", "session", "VIEWER", "2199-12-31T12:00:00Z");
    assert_asked(s, "alice", 200, "\"session\"");
    wall++;
    assert_asked(s, "alice", 401, "has ended: expired");
    sessions_sweep(s->service->sessions);
    RUN_UNTIL(s->base.loop, !access_session(&s->state->access, "s1"));
    assert_int_equal(count_events(s, "session.closed", &body), 1);
    assert_string_equal(json_string_value(json_object_get(body, "reason")), "expired");
    json_decref(body);
}

static void
an_end_that_could_not_be_recorded_is_recorded_later(void **state)
{
    struct api_scene *s = *state;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    monotonic_clock += IDLE;
    limit_files(1);
    sessions_sweep(s->service->sessions);
    RUN_UNTIL(s->base.loop, journal_health(s->base.journal).n_failed);
    limit_files(RLIM_INFINITY);
    sessions_sweep(s->service->sessions); /* not at once: it may be under way */
    assert_int_equal(journal_health(s->base.journal).n_queued, 0);
    monotonic_clock += 300 * NSEC_PER_SEC;
    sessions_sweep(s->service->sessions);
    RUN_UNTIL(s->base.loop, !access_session(&s->state->access, "s1"));
    assert_int_equal(count_events(s, "session.closed", NULL), 1);
}

/* ---- who ends it */

static void
a_revoked_session_holds_no_more(void **state)
{
    struct api_scene *s = *state;
    json_t *body;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    struct answer a = ask(s, "olga", "DELETE /api/v1/sessions/s1", NULL);
    assert_status(a, 404); /* she does not even see it */
    answer_fini(&a);
    a = ask(s, "ada", "DELETE /api/v1/sessions/s1", NULL);
    assert_status(a, 403);
    answer_fini(&a);
    assert_asked(s, "alice", 200, "\"session\"");
    a = ask(s, "sam", "DELETE /api/v1/sessions/s1", NULL);
    assert_status(a, 200);
    answer_fini(&a);
    assert_asked(s, "alice", 401, "no session with this token");
    assert_int_equal(count_events(s, "session.closed", &body), 1);
    assert_json(body, "{'id': 's1', 'person': 'alice', 'reason': 'revoked'}");
    json_decref(body);
}

static void
a_session_is_revoked_also_when_the_journal_cannot_write(void **state)
{
    struct api_scene *s = *state;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    limit_files(1);
    struct answer a = ask(s, "sam", "DELETE /api/v1/sessions/s1", NULL);
    limit_files(RLIM_INFINITY);
    assert_status(a, 503);
    assert_non_null(strstr(a.text, "it holds no more, but that cannot be recorded"));
    answer_fini(&a);
    assert_asked(s, "alice", 401, "has ended: revoked");
}

static void
who_logs_out_is_out(void **state)
{
    struct api_scene *s = *state;
    json_t *body;
    open_session(s, "alice", "session", "VIEWER", FAR_AWAY);
    struct answer a = ask_with_token(s, "alice", "DELETE /api/v1/sessions/s1", NULL);
    assert_status(a, 200);
    answer_fini(&a);
    assert_asked(s, "alice", 401, "no session with this token");
    assert_int_equal(count_events(s, "session.closed", &body), 1);
    assert_string_equal(json_string_value(json_object_get(body, "reason")), "logged out");
    json_decref(body);
}

/* ---- what is on record */

static void
what_a_session_changes_is_recorded_before_it_is_done(void **state)
{
    struct api_scene *s = *state;
    json_t *body;
    open_session(s, "sam", "session", "SECADM", FAR_AWAY);
    struct answer a = ask_with_token(s, "sam", "GET /api/v1/users", NULL);
    assert_status(a, 200);
    answer_fini(&a);
    assert_int_equal(count_events(s, "access.granted", NULL), 0);
    a = ask_with_token(s, "sam", "PUT /api/v1/users/otto", "{'roles': ['VIEWER']}");
    assert_status(a, 200);
    answer_fini(&a);
    assert_int_equal(count_events(s, "access.granted", &body), 1);
    assert_non_null(json_object_get(body, "body-sha256"));
    assert_int_equal(strncmp(json_string_value(json_object_get(body, "address")), "127.0.0.1:", 10),
                     0);
    json_object_del(body, "body-sha256");
    json_object_del(body, "address");
    assert_json(body, "{'person': 'sam', 'right': 'session', 'right-id': 's1', 'roles': ['SECADM'],"
                      " 'method': 'PUT', 'request': '/api/v1/users/otto'}");
    json_decref(body);
    a = ask(s, "ada", "GET /api/v1/journal", NULL);
    const char *granted = strstr(a.text, "access.granted"), *put = strstr(a.text, "user.put");
    assert_true(granted && put && granted < put);
    answer_fini(&a);
}

static void
what_cannot_be_recorded_is_not_done(void **state)
{
    struct api_scene *s = *state;
    open_session(s, "sam", "session", "SECADM", FAR_AWAY);
    limit_files(1);
    struct answer a = ask_with_token(s, "sam", "PUT /api/v1/users/otto", "{'roles': ['VIEWER']}");
    limit_files(RLIM_INFINITY);
    assert_status(a, 503);
    assert_non_null(strstr(a.text, "nothing is done that cannot be recorded"));
    answer_fini(&a);
    a = ask_with_token(s, "sam", "GET /api/v1/users/otto", NULL);
    assert_status(a, 404);
    answer_fini(&a);
}

/* ---- break-glass */

/* The code of a seal "main" for an OPERATOR. */
static char *
seal(struct api_scene *s)
{
    struct answer a = ask(s, "sam", "POST /api/v1/break-glass", "{'roles': ['OPERATOR']}");
    assert_status(a, 201);
    char *body = xasprintf("{'code': '%s', 'reason': 'storm'}", member(&a, "code"));
    answer_fini(&a);
    return body;
}

static void
assert_no_session(struct api_scene *s)
{
    assert_int_equal(HASH_COUNT(s->state->access.by_token), 0);
    assert_int_equal(count_events(s, "session.", NULL), 0);
    assert_int_equal(count_events(s, "break-glass.used", NULL), 0);
}

static void
a_code_opens_nothing_that_cannot_be_told(void **state)
{
    struct api_scene *s = *state;
    char *code = seal(s);
    struct responder *told = answer_error(s, "exception.raise", ERR_BUSY, "the journal is full");
    struct answer a = ask(s, "mallory", "POST /api/v1/break-glass/session", code);
    assert_status(a, 503);
    assert_non_null(strstr(a.text, "it cannot be told, so it is not done"));
    assert_null(strstr(a.text, SESSION_TOKEN_PREFIX));
    answer_fini(&a);
    assert_int_equal(told->n_asked, 1);
    assert_no_session(s);
    free(code);
}

static void
a_code_opens_nothing_that_cannot_be_recorded(void **state)
{
    struct api_scene *s = *state;
    char *code = seal(s);
    struct responder *told = answer_with(s, "exception.raise", "{}");
    limit_files(1);
    struct answer a = ask(s, "mallory", "POST /api/v1/break-glass/session", code);
    limit_files(RLIM_INFINITY);
    assert_status(a, 503);
    assert_non_null(strstr(a.text, "it cannot be recorded, so it is not done"));
    assert_null(strstr(a.text, SESSION_TOKEN_PREFIX));
    answer_fini(&a);
    assert_int_equal(told->n_asked, 1);
    assert_no_session(s);
    a = ask(s, "mallory", "POST /api/v1/break-glass/session", code); /* it was not used up */
    assert_status(a, 201);
    answer_fini(&a);
    assert_int_equal(count_events(s, "break-glass.used", NULL), 1);
    a = ask(s, "mallory", "POST /api/v1/break-glass/session", code);
    assert_status(a, 401);
    assert_non_null(strstr(a.text, "was used already"));
    answer_fini(&a);
    free(code);
}

static void
nothing_is_done_under_a_code_that_cannot_be_recorded(void **state)
{
    struct api_scene *s = *state;
    json_t *body;
    open_session(s, "break-glass/main", "break-glass", "OPERATOR", FAR_AWAY);
    assert_asked(s, "mallory", 200, "break-glass/main");
    assert_int_equal(count_events(s, "access.granted", &body), 1);
    assert_string_equal(json_string_value(json_object_get(body, "right")), "break-glass");
    assert_string_equal(json_string_value(json_object_get(body, "method")), "GET");
    json_decref(body);
    limit_files(1);
    struct answer a = ask_with_token(s, "mallory", "GET /api/v1/whoami", NULL);
    limit_files(RLIM_INFINITY);
    assert_status(a, 503);
    assert_non_null(strstr(a.text, "nothing is done that cannot be recorded"));
    answer_fini(&a);
}

static void
no_code_gives_the_right_to_seal_another(void **state)
{
    struct api_scene *s = *state;
    static const char *const roles[] = {"SECADM", "RBACMNT", "SECAUD', 'RBACMNT"};
    for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
        char *body = xasprintf("{'roles': ['%s']}", roles[i]);
        struct answer a = ask(s, "sam", "POST /api/v1/break-glass", body);
        assert_status(a, 403);
        assert_non_null(strstr(a.text, "rule seal"));
        answer_fini(&a);
        free(body);
    }
    open_session(s, "break-glass/main", "break-glass", "OPERATOR', 'SECAUD", FAR_AWAY);
    struct answer a = ask_with_token(s, "mallory", "POST /api/v1/break-glass",
                                     "{'roles': ['VIEWER']}");
    assert_status(a, 403);
    assert_non_null(strstr(a.text, "that may do this: SECADM"));
    answer_fini(&a);
}

/* ---- secrets */

/* What is kept of a secret while its request waits; json_decref() it. */
static json_t *
secret_of(struct api_scene *s, const char *name)
{
    RUN_UNTIL(s->base.loop,
              s->service->requests && json_object_get(s->service->requests->kept, name));
    json_t *secret = json_incref(json_object_get(s->service->requests->kept, name));
    assert_true(strlen(json_string_value(secret)) > 30);
    return secret;
}

static void
assert_wiped(json_t *secret)
{
    static const char zeros[256];
    assert_memory_equal(json_string_value(secret), zeros, json_string_length(secret));
    json_decref(secret);
}

static struct client *
begin_asking(struct api_scene *s, const char *person, const char *path, const char *body)
{
    struct client *client = connect_as(s, person);
    char *text = xasprintf("POST /api/v1/%s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json"
                           "\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                           path, strlen(body), body);
    say(client, text);
    free(text);
    return client;
}

static void
secrets_are_wiped_from_memory(void **state)
{
    struct api_scene *s = *state;
    answer_with(s, "exception.raise", "{}");
    struct client *client = begin_asking(s, "sam", "break-glass", "{\"roles\": [\"OPERATOR\"]}");
    json_t *code = secret_of(s, "code");
    char *body = xasprintf("{\"code\": \"%s\"}", json_string_value(code));
    RUN_UNTIL(s->base.loop, client->closed);
    assert_true(heard(client, " 201 "));
    assert_wiped(code);
    client = begin_asking(s, "mallory", "break-glass/session", body);
    json_t *token = secret_of(s, "token");
    RUN_UNTIL(s->base.loop, client->closed);
    assert_true(heard(client, " 201 "));
    assert_wiped(token);
    free(body);
}

static void
a_secret_is_wiped_though_nothing_came_of_it(void **state)
{
    struct api_scene *s = *state;
    char *quoted = seal(s), *body = xstrdup(quoted);
    for (char *at = body; (at = strchr(at, '\''));)
        *at = '"';
    add_responder(s, "exception.raise"); /* says nothing */
    struct client *client = begin_asking(s, "mallory", "break-glass/session", body);
    json_t *token = secret_of(s, "token");
    gateway_service_free(s->service);
    s->service = NULL;
    RUN_UNTIL(s->base.loop, client->closed);
    assert_true(heard(client, " 503 "));
    assert_wiped(token);
    free(quoted);
    free(body);
}

TEST_MAIN(SESSION_TEST(a_session_of_an_old_service_begins_when_it_is_opened),
          SESSION_TEST(a_session_that_is_not_used_ends),
          SESSION_TEST(idle_time_begins_anew_with_the_service),
          SESSION_TEST(a_session_in_use_ends_at_its_time),
          SESSION_TEST(an_end_that_could_not_be_recorded_is_recorded_later),
          SESSION_TEST(a_revoked_session_holds_no_more),
          SESSION_TEST(a_session_is_revoked_also_when_the_journal_cannot_write),
          SESSION_TEST(who_logs_out_is_out),
          SESSION_TEST(what_a_session_changes_is_recorded_before_it_is_done),
          SESSION_TEST(what_cannot_be_recorded_is_not_done),
          SESSION_TEST(a_code_opens_nothing_that_cannot_be_told),
          SESSION_TEST(a_code_opens_nothing_that_cannot_be_recorded),
          SESSION_TEST(nothing_is_done_under_a_code_that_cannot_be_recorded),
          SESSION_TEST(no_code_gives_the_right_to_seal_another),
          SESSION_TEST(secrets_are_wiped_from_memory),
          SESSION_TEST(a_secret_is_wiped_though_nothing_came_of_it))
