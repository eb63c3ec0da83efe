#include "oidc/provider.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/jsontext.h"
#include "io/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct waiter {
    provider_looked_fn *fn;
    void *arg;
    struct waiter *next;
};

struct provider {
    uv_loop_t *loop;
    char *issuer, *ca, *cache;
    nsec_t keys_hold, refresh;
    struct timer *timer;
    struct fetch *fetch;     /* under way; NULL: none is */
    json_t *next_document;   /* the configuration, while the keys are fetched */
    json_t *document, *set;  /* the configuration and the keys that hold */
    struct token_keys *keys; /* of `set`; NULL: none yet */
    nsec_t fetched;          /* wall clock: the keys */
    nsec_t looked;           /* monotonic: the last look began */
    nsec_t back_off;
    struct waiter *waiters;
    struct diag problem; /* "": none */
    uint64_t n_looks, n_failed;
};

/* ---- the cache */

static void
write_cache(const struct provider *p)
{
    char time[TIME_TEXT_SIZE];
    if (!p->cache)
        return;
    struct diag diag = {""};
    json_t *json = json_pack("{ss ss sO sO}", "issuer", p->issuer, "fetched",
                             time_format(p->fetched, time), "configuration", p->document, "keys",
                             p->set);
    char *text = json_dumps(json, JSON_INDENT(1));
    if (!text || file_write(p->cache, text, strlen(text), 0600, false, &diag))
        log_warn("the provider's keys cannot be kept: %s", diag.text);
    json_decref(json);
    free(text);
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static enum err
take_cache(struct provider *p, const json_t *json, struct diag *diag)
{
    struct token_keys *keys;
    nsec_t fetched;
    json_t *document = json_object_get(json, "configuration"), *set = json_object_get(json, "keys");
    if (strcmp(text_of(json, "issuer"), p->issuer) != 0 || !json_is_object(document))
        return diag_set(diag, ERR_CONFLICT, "it is of another provider");
    if (time_parse(text_of(json, "fetched"), &fetched) || fetched > clock_wall())
        return diag_set(diag, ERR_INVALID, "when it was fetched is not said, or still to come");
    enum err err = token_keys_read(set, &keys, diag);
    if (err)
        return err;
    p->keys = keys;
    p->fetched = fetched;
    p->document = json_incref(document);
    p->set = json_incref(set);
    return ERR_OK;
}

static void
read_cache(struct provider *p)
{
    struct diag diag = {""};
    json_error_t error;
    if (!p->cache || access(p->cache, F_OK))
        return;
    json_t *json = json_load_file(p->cache, JSON_REJECT_DUPLICATES, &error);
    if (!json)
        diag_set(&diag, ERR_MALFORMED, "line %d: %s", error.line, error.text);
    if (!json || take_cache(p, json, &diag))
        log_warn("%s: not used: %s", p->cache, diag.text);
    json_decref(json);
}

/* ---- looking */

static void
tell_waiters(struct provider *p, enum err err)
{
    struct waiter *waiters = p->waiters;
    p->waiters = NULL;
    while (waiters) {
        struct waiter *w = waiters;
        waiters = w->next;
        w->fn(w->arg, err);
        free(w);
    }
}

static void
look_failed(struct provider *p, const char *why)
{
    if (!p->problem.text[0])
        log_warn("identity provider %s: %s", p->issuer, why);
    diag_set(&p->problem, ERR_CLOSED, "%s", why);
    p->n_failed++;
    p->back_off = p->back_off ? MIN(2 * p->back_off, PROVIDER_BACK_OFF_MAX) : PROVIDER_BACK_OFF;
    timer_start(p->timer, p->back_off);
    json_decref(p->next_document);
    p->next_document = NULL;
    tell_waiters(p, ERR_OK);
}

/* NULL: it is an answer that can be used. */
static const char *
wrong_answer(const struct fetch_result *result, char text[64])
{
    if (result->err)
        return result->text;
    if (result->status != 200)
        return snprintf(text, 64, "it answers with status %d", result->status), text;
    return json_is_object(result->document) ? NULL : "it answers with something that is not JSON";
}

static void
on_keys(void *arg, const struct fetch_result *result)
{
    struct provider *p = arg;
    struct token_keys *keys;
    struct diag diag = {""};
    char text[64];
    const char *wrong = wrong_answer(result, text);
    p->fetch = NULL;
    if (!wrong && token_keys_read(result->document, &keys, &diag))
        wrong = diag.text;
    if (wrong) {
        look_failed(p, wrong);
        return;
    }
    if (!p->keys || p->problem.text[0])
        log_info("identity provider %s: %zu keys", p->issuer, token_keys_count(keys));
    token_keys_free(p->keys);
    json_decref(p->set);
    json_decref(p->document);
    p->keys = keys;
    p->set = json_deep_copy(result->document);
    p->document = p->next_document;
    p->next_document = NULL;
    p->fetched = clock_wall();
    p->problem.text[0] = '\0';
    p->back_off = 0;
    timer_start(p->timer, p->refresh);
    write_cache(p);
    tell_waiters(p, ERR_OK);
}

static void
on_configuration(void *arg, const struct fetch_result *result)
{
    struct provider *p = arg;
    char text[64];
    const char *wrong = wrong_answer(result, text);
    p->fetch = NULL;
    if (!wrong && strcmp(text_of(result->document, "issuer"), p->issuer) != 0)
        wrong = "its configuration is that of another issuer"; /* Discovery section 4.3 */
    if (!wrong && strncmp(text_of(result->document, "jwks_uri"), "https://", 8) != 0)
        wrong = "its configuration has no jwks_uri with https";
    if (wrong) {
        look_failed(p, wrong);
        return;
    }
    p->next_document = json_deep_copy(result->document);
    p->fetch = fetch_start(
        p->loop, &(struct fetch_request){.url = text_of(result->document, "jwks_uri"), .ca = p->ca},
        on_keys, p);
}

static void
look(void *arg)
{
    struct provider *p = arg;
    size_t length = strlen(p->issuer);
    if (p->fetch)
        return;
    char *url = xasprintf("%s%s.well-known/openid-configuration", p->issuer,
                          length && p->issuer[length - 1] == '/' ? "" : "/");
    p->looked = clock_monotonic();
    p->n_looks++;
    p->fetch = fetch_start(p->loop, &(struct fetch_request){.url = url, .ca = p->ca},
                           on_configuration, p);
    free(url);
}

void
provider_look(struct provider *p, provider_looked_fn *fn, void *arg)
{
    if (!p->fetch && clock_monotonic() < p->looked + PROVIDER_LOOK_EVERY) {
        fn(arg, ERR_OK);
        return;
    }
    struct waiter *w = xcalloc(1, sizeof *w);
    *w = (struct waiter){fn, arg, p->waiters};
    p->waiters = w;
    look(p);
}

/* ---- what is known */

static bool
keys_hold(const struct provider *p)
{
    return p->keys && clock_wall() < p->fetched + p->keys_hold;
}

const struct token_keys *
provider_keys(struct provider *p, struct diag *diag)
{
    char text[TIME_TEXT_SIZE];
    const char *why = p->problem.text[0] ? p->problem.text : "not asked yet";
    if (keys_hold(p))
        return p->keys;
    if (p->keys)
        diag_set(diag, ERR_TIMEOUT, "the provider's keys held until %s; since then: %s",
                 time_format(p->fetched + p->keys_hold, text), why);
    else
        diag_set(diag, ERR_CLOSED, "the provider's keys are not known: %s", why);
    return NULL;
}

const char *
provider_text(const struct provider *p, const char *member)
{
    return json_string_value(json_object_get(p->document, member));
}

struct provider_health
provider_health(struct provider *p)
{
    bool hold = keys_hold(p);
    return (struct provider_health){.reachable = p->keys && !p->problem.text[0],
                                    .why = p->problem.text,
                                    .n_keys = hold ? token_keys_count(p->keys) : 0,
                                    .holds = hold ? p->fetched + p->keys_hold : 0,
                                    .n_looks = p->n_looks,
                                    .n_failed = p->n_failed};
}

struct provider *
provider_new(uv_loop_t *loop, const struct provider_config *config)
{
    struct provider *p = xcalloc(1, sizeof *p);
    p->loop = loop;
    p->issuer = xstrdup(config->issuer);
    p->ca = config->ca ? xstrdup(config->ca) : NULL;
    p->cache = config->cache ? xstrdup(config->cache) : NULL;
    p->keys_hold = config->keys_hold ? config->keys_hold : PROVIDER_KEYS_HOLD;
    p->refresh = config->refresh ? config->refresh : PROVIDER_REFRESH;
    p->timer = timer_new(loop, look, p);
    read_cache(p);
    look(p);
    return p;
}

void
provider_free(struct provider *p)
{
    if (!p)
        return;
    fetch_abandon(p->fetch);
    timer_free(p->timer);
    tell_waiters(p, ERR_CLOSED);
    token_keys_free(p->keys);
    json_decref(p->next_document);
    json_decref(p->document);
    json_decref(p->set);
    free(p->issuer);
    free(p->ca);
    free(p->cache);
    free(p);
}
