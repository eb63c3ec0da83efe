/* service_testing.h - a gateway for tests: over TLS, with a journal, a state, and other services
 * that say what the test tells them to. Static functions only.
 *
 * alice is ENGINEER, olga OPERATOR, sam SECADM, ada SECAUD, vera VIEWER; nora holds nothing here;
 * mallory has a certificate and is nobody. Single quotes stand for double ones in JSON. */
#ifndef GATEWAY_SERVICE_TESTING_H
#define GATEWAY_SERVICE_TESTING_H

#include "bus/local.h"
#include "gateway/service.h"
#include "io/testing.h"
#include "io/timer.h"
#include "journal/testing.h"
#include "model/testing.h"

#define USERS                                                                                      \
    "{\"users\": {\"alice\": [\"ENGINEER\"], \"olga\": [\"OPERATOR\"], \"sam\": [\"SECADM\"],"     \
    " \"ada\": [\"SECAUD\"], \"vera\": [\"VIEWER\"],"                                              \
    " \"nora\": {\"roles\": [\"ENGINEER\"], \"sites\": [\"elsewhere\"]}}}"

#define INVENTORY_EVENT                                                                            \
    "{" SMALL_INVENTORY ", 'tieline-circuit:circuits': {'circuit': [" MODBUS_CIRCUIT "]}}"

/* Another service, as far as one subject goes. */
struct responder {
    struct api_scene *scene;
    struct bus_subscription *subscription;
    json_t *answer; /* NULL: none, not even an error */
    enum err err;
    char *text;      /* of the error */
    json_t *payload; /* of the last request */
    unsigned n_asked;
};

struct client {
    struct stream *stream;
    struct buf got;
    bool opened, closed;
};

struct api_scene {
    struct scene base;
    struct bus *bus;
    struct state *state;
    struct journal_subscription *fold;
    char users_file[TEST_PATH_SIZE];
    struct tls *tls;
    struct test_ca ca;
    struct gateway_config config;
    struct gateway_service *service;
    struct responder responders[16];
    size_t n_responders;
    struct tls *people[16];
    char *names[16];
    size_t n_people;
    struct client clients[32];
    size_t n_clients;
};

/* ---- setting up */

static inline UNUSED void
write_users(struct api_scene *s, const char *text)
{
    char path[TEST_PATH_SIZE];
    FILE *file = fopen(test_path(&s->base.dir, "written", path), "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(rename(path, s->users_file), 0);
}

static inline UNUSED void
apply_to_state(void *arg, const struct journal_event *event)
{
    struct api_scene *s = arg;
    struct diag diag = {""};
    json_t *body = json_loads(event->body, 0, NULL);
    if (state_apply(s->state,
                    &(struct state_event){event->seq, event->time, event->type, event->object,
                                          event->actor, body, 0},
                    &diag))
        fail_msg("%s: %s", event->type, diag.text);
    json_decref(body);
}

/* Durable, and in the state. */
static inline UNUSED void
append_event(struct api_scene *s, const char *type, const char *object, const char *quoted)
{
    json_t *json = json_quoted(quoted);
    char *body = json_dumps(json, JSON_COMPACT);
    struct journal_entry entry = {type, object, "system/test", body, 0};
    assert_ok(append_and_wait(&s->base, &entry, 1).err);
    free(body);
    json_decref(json);
}

/* The identity that a certificate of this name gives; kept by the scene. */
static inline UNUSED struct tls *
tls_of(struct api_scene *s, const char *name)
{
    char ca[TEST_PATH_SIZE], cert[TEST_PATH_SIZE], key[TEST_PATH_SIZE], file[64];
    for (size_t i = 0; i < s->n_people; i++) {
        if (!strcmp(s->names[i], name))
            return s->people[i];
    }
    assert_true(s->n_people < ARRAY_SIZE(s->people));
    test_cert_issue(&s->base.dir, name, &s->ca, &(struct test_cert){.name = name});
    snprintf(file, sizeof file, "%s.crt", name);
    test_path(&s->base.dir, file, cert);
    snprintf(file, sizeof file, "%s.key", name);
    test_path(&s->base.dir, file, key);
    struct tls **tls = &s->people[s->n_people];
    s->names[s->n_people++] = xstrdup(name);
    assert_ok(
        tls_new(&(struct tls_config){test_path(&s->base.dir, "ca.crt", ca), cert, key}, tls, NULL));
    return *tls;
}

static inline UNUSED void
service_start(struct api_scene *s)
{
    struct diag diag = {""};
    if (gateway_service_new(&s->config, &s->service, &diag))
        fail_msg("%s", diag.text);
}

static inline UNUSED int
api_set_up(void **state)
{
    struct api_scene *s = xcalloc(1, sizeof *s);
    void *base;
    scene_set_up(&base);
    s->base = *(struct scene *)base;
    free(base);
    scene_open(&s->base);
    s->bus = bus_local_new(s->base.loop, 0, 0);
    s->state = state_new();
    assert_ok(journal_subscribe(s->base.journal, 1, apply_to_state, s, &s->fold, NULL));
    test_path(&s->base.dir, "users.json", s->users_file);
    write_users(s, USERS);
    s->ca = test_ca_make("utility");
    test_pem_write(&s->base.dir, "ca.crt", s->ca.cert, NULL);
    s->config = (struct gateway_config){
        .loop = s->base.loop,
        .journal = s->base.journal,
        .bus = s->bus,
        .state = s->state,
        .site = "substation-a",
        .tls = tls_of(s, "tielined"),
        .address = "127.0.0.1:0",
        .users_file = s->users_file,
        .schema_directory = TIELINE_SOURCE_DIR "/schema",
        .version = "0.1.0-test",
    };
    append_event(s, "model.put", "inventory", INVENTORY_EVENT);
    service_start(s);
    *state = s;
    return 0;
}

static inline UNUSED void
client_end(struct client *client)
{
    stream_free(client->stream);
    buf_fini(&client->got);
    *client = (struct client){0};
}

static inline UNUSED int
api_tear_down(void **state)
{
    struct api_scene *s = *state;
    for (size_t i = 0; i < s->n_clients; i++)
        client_end(&s->clients[i]);
    gateway_service_free(s->service);
    for (size_t i = 0; i < s->n_responders; i++) {
        bus_unsubscribe(s->responders[i].subscription);
        json_decref(s->responders[i].answer);
        json_decref(s->responders[i].payload);
        free(s->responders[i].text);
    }
    for (size_t i = 0; i < s->n_people; i++) {
        tls_free(s->people[i]);
        free(s->names[i]);
    }
    bus_free(s->bus);
    journal_unsubscribe(s->fold);
    state_free(s->state);
    test_ca_free(&s->ca);
    scene_close(&s->base);
    test_loop_free(s->base.loop);
    test_dir_remove(&s->base.dir);
    free(s);
    return 0;
}

#define API_TEST(name) cmocka_unit_test_setup_teardown(name, api_set_up, api_tear_down)

/* ---- other services */

static inline UNUSED void
responder_asked(void *arg, struct bus *bus, const struct bus_message *message)
{
    struct responder *r = arg;
    r->n_asked++;
    json_decref(r->payload);
    r->payload = json_incref(message->payload);
    if (r->answer)
        bus_reply(bus, message->reply_to, json_incref(r->answer));
    else if (r->err)
        bus_reply_error(bus, message->reply_to, r->err, "%s", r->text);
}

static inline UNUSED struct responder *
add_responder(struct api_scene *s, const char *subject)
{
    struct responder *r = &s->responders[s->n_responders++];
    assert_true(s->n_responders <= ARRAY_SIZE(s->responders));
    r->scene = s;
    assert_ok(bus_subscribe(s->bus, subject, responder_asked, r, &r->subscription));
    return r;
}

/* This is what is answered on the subject. */
static inline UNUSED struct responder *
answer_with(struct api_scene *s, const char *subject, const char *quoted)
{
    struct responder *r = add_responder(s, subject);
    r->answer = json_quoted(quoted);
    return r;
}

static inline UNUSED struct responder *
answer_error(struct api_scene *s, const char *subject, enum err err, const char *text)
{
    struct responder *r = add_responder(s, subject);
    r->err = err;
    r->text = xstrdup(text);
    return r;
}

/* Compares with JSON in single quotes, whatever the order of members. */
#define assert_json(json, quoted)                                                                  \
    do {                                                                                           \
        json_t *expected_ = json_quoted(quoted);                                                   \
        if (!json_equal((json), expected_)) {                                                      \
            char *text_ = (json) ? json_dumps((json), JSON_SORT_KEYS | JSON_ENCODE_ANY) : NULL;    \
            fail_msg("%s", text_ ? text_ : "nothing");                                             \
        }                                                                                          \
        json_decref(expected_);                                                                    \
    } while (0)

/* ---- clients */

static inline UNUSED void
client_opened(void *arg, struct stream *stream UNUSED)
{
    ((struct client *)arg)->opened = true;
}

static inline UNUSED void
client_received(void *arg, struct stream *stream UNUSED, const uint8_t *data, size_t size)
{
    buf_put(&((struct client *)arg)->got, data, size);
}

static inline UNUSED void
client_closed(void *arg, struct stream *stream UNUSED, enum err err UNUSED,
              const char *reason UNUSED)
{
    ((struct client *)arg)->closed = true;
}

static const struct stream_handler client_handler UNUSED = {
    .opened = client_opened, .received = client_received, .closed = client_closed};

static inline UNUSED struct client *
connect_as(struct api_scene *s, const char *person)
{
    assert_true(s->n_clients < ARRAY_SIZE(s->clients));
    struct client *client = &s->clients[s->n_clients++];
    struct stream_config config = {.address = gateway_service_address(s->service),
                                   .tls = tls_of(s, person)};
    assert_ok(
        stream_connect(s->base.loop, &config, &client_handler, client, &client->stream, NULL));
    RUN_UNTIL(s->base.loop, client->opened || client->closed);
    assert_true(client->opened);
    return client;
}

static inline UNUSED void
say(struct client *client, const char *text)
{
    assert_ok(stream_send(client->stream, text, strlen(text)));
}

static inline UNUSED bool
heard(struct client *client, const char *text)
{
    return strstr(buf_cstr(&client->got), text) != NULL;
}

/* ---- a request and its answer */

struct answer {
    int status;
    char *text; /* head and body */
    json_t *json;
};

static inline UNUSED void
answer_fini(struct answer *a)
{
    free(a->text);
    json_decref(a->json);
    *a = (struct answer){0};
}

static inline UNUSED const char *
answer_body(const struct answer *a)
{
    const char *body = strstr(a->text, "\r\n\r\n");
    return body ? body + 4 : "";
}

/* The value of a header line; static, "" if there is none. */
static inline UNUSED const char *
answer_field(const struct answer *a, const char *name)
{
    static char value[256];
    char *line = xasprintf("\r\n%s: ", name);
    const char *at = strstr(a->text, line);
    snprintf(value, sizeof value, "%.*s", at ? (int)strcspn(at + strlen(line), "\r") : 0,
             at ? at + strlen(line) : "");
    free(line);
    return value;
}

/* Sends these octets as one person, and takes all that is answered until the connection ends. */
static inline UNUSED struct answer
ask_raw(struct api_scene *s, const char *person, const void *octets, size_t size)
{
    struct client *client = connect_as(s, person);
    assert_ok(stream_send(client->stream, octets, size));
    RUN_UNTIL(s->base.loop, client->closed);
    struct answer a = {.text = xstrdup(buf_cstr(&client->got))};
    a.status = strlen(a.text) > 12 ? atoi(a.text + 9) : 0;
    a.json = json_loads(answer_body(&a), JSON_REJECT_DUPLICATES, NULL);
    client_end(client);
    s->n_clients--;
    return a;
}

/* `what` is "GET /api/v1/whoami" and may have header lines behind it, each with CR LF in front.
 * `quoted` is the body; NULL: none. */
static inline UNUSED struct answer
ask(struct api_scene *s, const char *person, const char *what, const char *quoted)
{
    char *body = xstrdup(quoted ? quoted : "");
    for (char *at = body; (at = strchr(at, '\''));)
        *at = '"';
    size_t line = strcspn(what, "\r");
    char *text = xasprintf("%.*s HTTP/1.1\r\nHost: h\r\nConnection: close%s%s\r\n"
                           "Content-Length: %zu\r\n\r\n%s",
                           (int)line, what, what + line,
                           quoted ? "\r\nContent-Type: application/json" : "", strlen(body), body);
    struct answer a = ask_raw(s, person, text, strlen(text));
    free(text);
    free(body);
    return a;
}

static inline UNUSED const char *
member(const struct answer *a, const char *name)
{
    const char *text = json_string_value(json_object_get(a->json, name));
    return text ? text : "";
}

/* Asks, and fails unless the answer has this status. */
#define assert_status(answer, expected)                                                            \
    do {                                                                                           \
        if ((answer).status != (expected))                                                         \
            fail_msg("%s", (answer).text);                                                         \
    } while (0)

/* Asks as each person; those named in `may` get `status`, all others 403. */
static inline UNUSED void
assert_only(struct api_scene *s, const char *may, const char *what, const char *body, int status)
{
    static const char *const people[] = {"alice", "olga", "sam", "ada", "vera"};
    for (size_t i = 0; i < ARRAY_SIZE(people); i++) {
        struct answer a = ask(s, people[i], what, body);
        int expected = strstr(may, people[i]) ? status : 403;
        if (a.status != expected)
            fail_msg("%s as %s: %s", what, people[i], a.text);
        answer_fini(&a);
    }
}

#define EVERYBODY "alice olga sam ada vera"

#endif
