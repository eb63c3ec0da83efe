#include "gateway/sessions.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/hex.h"
#include "base/log.h"
#include "gateway/service_private.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/timer.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_EVERY (30 * NSEC_PER_SEC)
#define RECORD_AGAIN (300 * NSEC_PER_SEC) /* an end that did not become durable meanwhile */

/* What is known of a session besides its event. */
struct use {
    char *id;     /* key */
    nsec_t used;  /* monotonic, as all of them */
    nsec_t again; /* when its end is to be recorded once more; 0: it was not yet */
    bool revoked;
    UT_hash_handle hh;
};

struct sessions {
    struct gateway_service *service;
    struct use *uses;
    struct timer *sweep;
    nsec_t began; /* monotonic */
};

const char *
right_word(enum right_kind kind)
{
    static const char *const words[] = {[RIGHT_NONE] = "none",
                                        [RIGHT_CERTIFICATE] = "certificate",
                                        [RIGHT_SESSION] = "session",
                                        [RIGHT_BREAK_GLASS] = "break-glass"};
    return words[kind];
}

static const struct access *
access_of(const struct sessions *s)
{
    return &s->service->config.state->access;
}

static struct use *
find_use(const struct sessions *s, const char *id)
{
    struct use *use;
    HASH_FIND_STR(s->uses, id, use);
    return use;
}

static struct use *
need_use(struct sessions *s, const char *id)
{
    struct use *use = find_use(s, id);
    if (use)
        return use;
    use = xcalloc(1, sizeof *use);
    use->id = xstrdup(id);
    use->used = s->began; /* it was there before the program */
    HASH_ADD_KEYPTR(hh, s->uses, use->id, strlen(use->id), use);
    return use;
}

static void
use_free(struct sessions *s, struct use *use)
{
    HASH_DEL(s->uses, use);
    free(use->id);
    free(use);
}

static nsec_t
now(const struct sessions *s)
{
    const struct gateway_config *config = &s->service->config;
    return config->monotonic ? config->monotonic() : clock_monotonic();
}

void
sessions_begin(struct sessions *s, const char *id)
{
    need_use(s, id)->used = now(s);
}

void
sessions_forget(struct sessions *s, const char *id)
{
    struct use *use = find_use(s, id);
    if (use)
        use_free(s, use);
}

/* ---- how long they go on */

static nsec_t
last_used(const struct sessions *s, const struct session *session)
{
    const struct use *use = find_use(s, session->id);
    return use ? use->used : s->began;
}

/* A clock that is behind shall not keep anything open. */
static nsec_t
latest_clock(const struct sessions *s)
{
    const struct gateway_config *config = &s->service->config;
    nsec_t wall = clock_wall();
    return config->now ? MAX(wall, config->now(config->now_arg)) : wall;
}

/* NULL: it goes on. */
static const char *
why_over(const struct sessions *s, const struct session *session)
{
    const struct use *use = find_use(s, session->id);
    if (use && use->revoked)
        return "revoked";
    if (latest_clock(s) >= session->until)
        return "expired";
    return now(s) >= last_used(s, session) + session->idle ? "idle" : NULL;
}

bool
sessions_is_live(const struct sessions *s, const char *id)
{
    const struct session *session = access_session(access_of(s), id);
    return session && !why_over(s, session);
}

nsec_t
sessions_last_used(const struct sessions *s, const struct session *session)
{
    return clock_wall() - (now(s) - last_used(s, session));
}

void
sessions_sweep(struct sessions *s)
{
    const struct session *session, *next;
    HASH_ITER (hh, access_of(s)->by_token, session, next) {
        const char *why = why_over(s, session);
        if (why && now(s) >= need_use(s, session->id)->again)
            sessions_close(s, session->id, "system/gateway", why, NULL, NULL);
    }
}

static void
on_sweep(void *arg)
{
    struct sessions *s = arg;
    timer_start(s->sweep, SWEEP_EVERY);
    sessions_sweep(s);
}

struct sessions *
sessions_new(struct gateway_service *service)
{
    struct sessions *s = xcalloc(1, sizeof *s);
    s->service = service;
    s->began = now(s);
    s->sweep = timer_new(service->config.loop, on_sweep, s);
    timer_start(s->sweep, SWEEP_EVERY);
    return s;
}

void
sessions_free(struct sessions *s)
{
    struct use *use, *next;
    if (!s)
        return;
    HASH_ITER (hh, s->uses, use, next) {
        use_free(s, use);
    }
    timer_free(s->sweep);
    free(s);
}

/* ---- tokens */

static void
hash_token(const char *token, char hash[SESSION_HASH_SIZE])
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256((const uint8_t *)token, strlen(token), digest);
    hex_format(digest, sizeof digest, hash);
}

/* The token of "Bearer TOKEN" (RFC 6750 section 2.1); NULL: it is something else. */
static const char *
bearer(const char *authorization)
{
    return strncasecmp(authorization, "Bearer ", 7)
               ? NULL
               : authorization + 7 + strspn(authorization + 7, " ");
}

enum err
sessions_resolve(struct sessions *s, const char *authorization, struct person *person,
                 struct right *right, struct diag *diag)
{
    char hash[SESSION_HASH_SIZE];
    const char *token = bearer(authorization);
    if (!token)
        return diag_set(diag, ERR_DENIED, "only Authorization: Bearer is taken");
    hash_token(token, hash);
    const struct session *session = access_session_by_token(access_of(s), hash);
    if (!session)
        return diag_set(diag, ERR_DENIED, "there is no session with this token (any more)");
    const char *over = why_over(s, session);
    if (over)
        return diag_set(diag, ERR_DENIED, "session %s of %.127s has ended: %s", session->id,
                        session->person, over);
    enum err err = roles_from_json(session->roles, &person->roles, diag);
    if (err)
        return diag_set(diag, ERR_DENIED, "session %s has roles that are none", session->id);
    need_use(s, session->id)->used = now(s);
    snprintf(person->name, sizeof person->name, "%s", session->person);
    right->kind = session->break_glass ? RIGHT_BREAK_GLASS : RIGHT_SESSION;
    snprintf(right->id, sizeof right->id, "%s", session->id);
    return ERR_OK;
}

static bool
make_token(char token[SESSION_TOKEN_SIZE])
{
    uint8_t secret[32];
    struct buf text = BUF_INIT;
    if (RAND_bytes(secret, sizeof secret) != 1)
        return false;
    base64_put(&text, secret, sizeof secret);
    snprintf(token, SESSION_TOKEN_SIZE, "%s%.43s", SESSION_TOKEN_PREFIX, buf_cstr(&text));
    for (char *c = token + strlen(SESSION_TOKEN_PREFIX); *c; c++)
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
    OPENSSL_cleanse(secret, sizeof secret);
    OPENSSL_cleanse(text.data, text.size);
    buf_fini(&text);
    return true;
}

enum err
sessions_ticket(struct sessions *s, const char *person, struct session_ticket *ticket,
                struct diag *diag)
{
    uint8_t id[(SESSION_ID_SIZE - 1) / 2];
    const struct session *session, *next;
    unsigned n = 0;
    HASH_ITER (hh, access_of(s)->by_token, session, next) {
        n += !strcmp(session->person, person);
    }
    if (n >= SESSIONS_PER_PERSON_MAX || HASH_COUNT(access_of(s)->by_token) >= SESSIONS_ALL_MAX)
        return diag_set(diag, ERR_LIMIT, "there are too many sessions%s",
                        n >= SESSIONS_PER_PERSON_MAX ? " of this person" : "");
    if (RAND_bytes(id, sizeof id) != 1 || !make_token(ticket->token))
        return diag_set(diag, ERR_IO, "this machine gives no random numbers");
    hash_token(ticket->token, ticket->token_hash);
    hex_format(id, sizeof id, ticket->id);
    return ERR_OK;
}

/* ---- the end of one */

struct closing {
    session_closed_fn *done;
    void *arg;
};

static void
on_recorded(void *arg, enum err err, uint64_t seq UNUSED, const char *why)
{
    struct closing *closing = arg;
    if (err)
        log_error("the end of a session cannot be recorded: %s", why);
    if (closing->done)
        closing->done(closing->arg, err, why);
    free(closing);
}

void
sessions_close(struct sessions *s, const char *id, const char *actor, const char *reason,
               session_closed_fn *done, void *arg)
{
    struct diag diag = {""};
    struct buf body = BUF_INIT;
    const struct session *session = access_session(access_of(s), id);
    char *object = xasprintf("session/%s", id);
    json_t *json = json_pack("{ss ss* ss}", "id", id, "person", session ? session->person : NULL,
                             "reason", reason);
    struct closing *closing = xcalloc(1, sizeof *closing);
    *closing = (struct closing){done, arg};
    struct use *use = need_use(s, id);
    use->revoked = true;
    use->again = now(s) + RECORD_AGAIN;
    event_streams_end_session(s->service->events, id);
    enum err err = jsontext_put(&body, json);
    if (!err)
        err = journal_append(s->service->config.journal,
                             &(struct journal_entry){.type = "session.closed",
                                                     .object = object,
                                                     .actor = actor,
                                                     .body = buf_cstr(&body)},
                             1, on_recorded, closing, &diag);
    if (err)
        on_recorded(closing, err, 0, diag.text);
    json_decref(json);
    buf_fini(&body);
    free(object);
}
