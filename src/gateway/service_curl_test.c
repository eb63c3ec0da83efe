/* With a client that is not ours: curl, over mutual TLS. */
#include "gateway/service_testing.h"

struct run {
    uv_process_t process;
    uv_pipe_t out;
    struct buf text;
    char piece[4096];
    bool ended, closed;
    int64_t status;
    int n_handles;
};

static void
run_closed(uv_handle_t *handle)
{
    ((struct run *)handle->data)->n_handles--;
}

static void
on_exit_status(uv_process_t *process, int64_t status, int signal UNUSED)
{
    struct run *run = process->data;
    run->status = status;
    run->ended = true;
    uv_close((uv_handle_t *)process, run_closed);
}

static void
on_alloc(uv_handle_t *handle, size_t size UNUSED, uv_buf_t *buf)
{
    struct run *run = handle->data;
    *buf = uv_buf_init(run->piece, sizeof run->piece);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct run *run = stream->data;
    if (n > 0)
        buf_put(&run->text, buf->base, (size_t)n);
    if (n < 0 && !run->closed) {
        run->closed = true;
        uv_close((uv_handle_t *)stream, run_closed);
    }
}

static void
start_curl(struct api_scene *s, struct run *run, char **args)
{
    uv_pipe_init(s->base.loop, &run->out, 0);
    run->out.data = run->process.data = run;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->out},
        {.flags = UV_INHERIT_FD, .data.fd = 2},
    };
    uv_process_options_t options = {
        .file = "curl", .args = args, .exit_cb = on_exit_status, .stdio = stdio, .stdio_count = 3};
    int failed = uv_spawn(s->base.loop, &run->process, &options);
    if (failed)
        fail_msg("curl: %s", uv_strerror(failed));
    run->n_handles = 2;
    uv_read_start((uv_stream_t *)&run->out, on_alloc, on_read);
}

/* Starts curl. `stem`: whose certificate; NULL: none. `more`: what curl is told besides, up to
 * NULL; NULL: nothing. It writes the HTTP status behind the body. */
static void
begin(struct api_scene *s, struct run *run, const char *stem, const char *path, char *const *more)
{
    const char *address = gateway_service_address(s->service);
    char *port = strrchr(address, ':') + 1, ca[TEST_PATH_SIZE], cert[TEST_PATH_SIZE],
         key[TEST_PATH_SIZE], *args[32];
    char *url = xasprintf("https://tielined:%s%s", port, path);
    char *resolve = xasprintf("tielined:%s:127.0.0.1", port);
    char *crt = xasprintf("%s.crt", stem ? stem : ""), *pem = xasprintf("%s.key", stem ? stem : "");
    size_t n = 0;
    const char *first[] = {"curl",        "--silent",
                           "--max-time",  "30",
                           "--write-out", " %{http_code}",
                           "--resolve",   resolve,
                           "--cacert",    test_path(&s->base.dir, "ca.crt", ca),
                           "--cert",      test_path(&s->base.dir, crt, cert),
                           "--key",       test_path(&s->base.dir, pem, key)};
    for (size_t i = 0; i < ARRAY_SIZE(first) - (stem ? 0 : 4); i++)
        args[n++] = (char *)(uintptr_t)first[i];
    while (more && *more)
        args[n++] = *more++;
    args[n++] = url;
    args[n] = NULL;
    start_curl(s, run, args);
    free(url);
    free(resolve);
    free(crt);
    free(pem);
}

/* The exit status of curl, and in *text what it wrote: to free(). */
static int
finish(struct api_scene *s, struct run *run, char **text)
{
    RUN_UNTIL(s->base.loop, run->ended && run->closed && run->n_handles == 0);
    *text = buf_steal_cstr(&run->text);
    return (int)run->status;
}

static int
curl(struct api_scene *s, const char *stem, const char *path, char *const *more, char **text)
{
    struct run run = {0};
    begin(s, &run, stem, path, more);
    return finish(s, &run, text);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), n = strlen(end);
    return length >= n && !strcmp(text + length - n, end);
}

/* ---- who gets in */

static void
a_person_with_a_certificate_gets_an_answer(void **state)
{
    struct api_scene *s = *state;
    char *text;
    tls_of(s, "alice");
    assert_int_equal(curl(s, "alice", "/api/v1/whoami", NULL, &text), 0);
    static const char begin[] = "{\"name\":\"alice\",\"roles\":[\"ENGINEER\"],\"right\":"
                                "{\"kind\":\"certificate\",\"id\":\"";
    static const char end[] = "\"},\"site\":\"substation-a\",\"version\":\"0.1.0-test\"} 200";
    assert_int_equal(strncmp(text, begin, strlen(begin)), 0);
    assert_non_null(strstr(text, end));
    free(text);
}

static void
an_unknown_person_gets_403(void **state)
{
    struct api_scene *s = *state;
    char *text;
    tls_of(s, "mallory");
    assert_int_equal(curl(s, "mallory", "/api/v1/whoami", NULL, &text), 0);
    assert_non_null(strstr(text, "urn:tieline:problem:denied"));
    assert_true(ends_with(text, " 403"));
    free(text);
}

/* No HTTP answer at all: the handshake fails. */
static void
assert_no_answer(struct api_scene *s, const char *stem)
{
    char *text;
    int status = curl(s, stem, "/api/v1/whoami", NULL, &text);
    assert_int_not_equal(status, 0);
    assert_string_equal(text, " 000");
    free(text);
    assert_int_equal(gateway_service_statistics(s->service).http.requests, 0);
    assert_true(gateway_service_statistics(s->service).http.refused > 0);
}

/* It is in the journal, as one whom nobody knows. */
static void
assert_recorded(struct api_scene *s, const char *reason)
{
    append_event(s, "test.later", "x", "{}"); /* then all before it is durable */
    struct answer a = ask(s, "sam", "GET /api/v1/journal?type=access.", NULL);
    json_t *events = json_object_get(a.json, "events"), *event = json_array_get(events, 0);
    json_t *body = json_object_get(event, "body");
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(json_string_value(json_object_get(event, "type")), "access.denied");
    assert_string_equal(json_string_value(json_object_get(event, "object")), "/");
    assert_string_equal(json_string_value(json_object_get(event, "actor")), "system/gateway");
    assert_string_equal(json_string_value(json_object_get(body, "person")), "");
    assert_non_null(strstr(json_string_value(json_object_get(body, "address")), "127.0.0.1:"));
    assert_null(json_object_get(body, "method"));
    if (!strstr(json_string_value(json_object_get(body, "reason")), reason))
        fail_msg("%s", a.text);
    answer_fini(&a);
}

static void
a_certificate_of_an_unknown_ca_gets_no_answer(void **state)
{
    struct api_scene *s = *state;
    struct test_ca other = test_ca_make("elsewhere");
    test_cert_issue(&s->base.dir, "forged", &other, &(struct test_cert){.name = "alice"});
    test_ca_free(&other);
    assert_no_answer(s, "forged");
    assert_recorded(s, "unable to get local issuer certificate");
}

static void
an_expired_certificate_gets_no_answer(void **state)
{
    struct api_scene *s = *state;
    test_cert_issue(&s->base.dir, "old", &s->ca,
                    &(struct test_cert){.name = "alice", .from_s = -7200, .to_s = -3600});
    assert_no_answer(s, "old");
    assert_recorded(s, "certificate has expired");
}

static void
without_a_certificate_there_is_no_answer(void **state)
{
    assert_no_answer(*state, NULL);
    assert_recorded(*state, "peer did not return a certificate");
}

static void
tls_1_2_is_not_spoken(void **state)
{
    struct api_scene *s = *state;
    char *text, *more[] = {"--tls-max", "1.2", NULL};
    tls_of(s, "alice");
    assert_int_not_equal(curl(s, "alice", "/api/v1/whoami", more, &text), 0);
    assert_string_equal(text, " 000");
    free(text);
    assert_recorded(s, "unsupported protocol");
}

/* ---- what it gets */

static void
orders_are_posted(void **state)
{
    struct api_scene *s = *state;
    char *text, *more[] = {"--json", "{\"workflow\": \"w\", \"input\": {}}", NULL};
    struct responder *r = answer_with(s, "work.submit", "{'id': 4}");
    tls_of(s, "olga");
    assert_int_equal(curl(s, "olga", "/api/v1/orders", more, &text), 0);
    assert_string_equal(text, "{\"id\":4} 201");
    assert_json(r->payload, "{'actor': 'olga', 'workflow': 'w', 'input': {}}");
    free(text);
}

static void
a_form_is_not_taken(void **state)
{
    struct api_scene *s = *state;
    char *text, *more[] = {"--data", "workflow=w", NULL};
    tls_of(s, "olga");
    assert_int_equal(curl(s, "olga", "/api/v1/orders", more, &text), 0);
    assert_true(ends_with(text, " 415"));
    free(text);
}

static void
a_large_body_is_refused_before_it_is_sent(void **state)
{
    struct api_scene *s = *state;
    char path[TEST_PATH_SIZE], *text;
    FILE *file = fopen(test_path(&s->base.dir, "large", path), "w");
    assert_non_null(file);
    assert_int_equal(ftruncate(fileno(file), (off_t)64 << 20), 0);
    fclose(file);
    char *more[] = {"--upload-file", path, "--header", "Content-Type: application/json", NULL};
    tls_of(s, "alice");
    assert_int_equal(curl(s, "alice", "/api/v1/sites/a", more, &text), 0);
    assert_true(ends_with(text, " 413"));
    free(text);
}

static void
events_are_streamed(void **state)
{
    struct api_scene *s = *state;
    char *text, *more[] = {"--no-buffer", NULL};
    struct run run = {0};
    tls_of(s, "vera");
    begin(s, &run, "vera", "/api/v1/events?from=1", more);
    RUN_UNTIL(s->base.loop, run.ended || strstr(buf_cstr(&run.text), "id: 1\n"));
    gateway_service_free(s->service);
    s->service = NULL;
    assert_int_equal(finish(s, &run, &text), 0);
    assert_non_null(strstr(text, "retry: 2000\n\nid: 1\nevent: model.put\ndata: {"));
    assert_true(ends_with(text, ": the service ends\n\n 200"));
    free(text);
}

TEST_MAIN(API_TEST(a_person_with_a_certificate_gets_an_answer),
          API_TEST(an_unknown_person_gets_403),
          API_TEST(a_certificate_of_an_unknown_ca_gets_no_answer),
          API_TEST(an_expired_certificate_gets_no_answer),
          API_TEST(without_a_certificate_there_is_no_answer), API_TEST(tls_1_2_is_not_spoken),
          API_TEST(orders_are_posted), API_TEST(a_form_is_not_taken),
          API_TEST(a_large_body_is_refused_before_it_is_sent), API_TEST(events_are_streamed))
