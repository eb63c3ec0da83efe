#include "wan/lines_client.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "io/clock.h"
#include "io/jsontext.h"
#include "io/timer.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#define ANSWER_TIME (90 * NSEC_PER_SEC) /* vtysh has 60 */
#define LINE_MAX_SIZE ((size_t)8 << 20)

struct question {
    json_int_t id;
    lines_done_fn *done;
    void *arg;
    struct question *prev, *next;
};

struct lines_client {
    uv_loop_t *loop;
    char *name, *host, *user, *key, *hosts;
    struct netconf_ssh_config config;
    struct netconf_ssh *ssh; /* NULL: not connected */
    struct reconnect reconnect;
    struct timer *retry, *patience;
    struct buf in;
    struct question *questions; /* in the order they were asked */
    json_int_t last_id;
    bool up;
    char reason[300];
};

static void
end_question(struct lines_client *c, struct question *q, enum err err, const char *text,
             const json_t *result)
{
    DL_DELETE(c->questions, q);
    q->done(q->arg, err, text, result);
    free(q);
}

static void
wait_for_next(struct lines_client *c)
{
    if (c->questions)
        timer_start(c->patience, ANSWER_TIME);
    else
        timer_stop(c->patience);
}

static void
lose(struct lines_client *c, enum err err, const char *reason)
{
    struct netconf_ssh *ssh = c->ssh;
    c->ssh = NULL;
    netconf_ssh_free(ssh);
    if (strcmp(c->reason, reason) != 0)
        log_warn("wan: %s: its agent is not reached: %s", c->name, reason);
    snprintf(c->reason, sizeof c->reason, "%s", reason);
    c->up = false;
    buf_clear(&c->in);
    while (c->questions)
        end_question(c, c->questions, err == ERR_DENIED ? ERR_CLOSED : err, reason, NULL);
    timer_stop(c->patience);
    reconnect_lost(&c->reconnect, clock_monotonic());
    timer_start(c->retry, clock_left(reconnect_wake(&c->reconnect)));
}

/* ---- Answers ---- */

static void
take_answer(struct lines_client *c, const json_t *message)
{
    struct question *q = c->questions;
    const json_t *error = json_object_get(message, "error"),
                 *result = json_object_get(message, "result");
    const char *text = json_string_value(json_object_get(error, "message"));
    const char *name = json_string_value(json_object_get(json_object_get(error, "data"), "err"));
    if (!q || json_integer_value(json_object_get(message, "id")) != q->id ||
        (!error && !json_is_object(result))) {
        lose(c, ERR_MALFORMED, "it says what was not asked");
        return;
    }
    enum err err = !error                                 ? ERR_OK
                   : name && !strcmp(name, "ERR_BUSY")    ? ERR_BUSY
                   : name && !strcmp(name, "ERR_TIMEOUT") ? ERR_TIMEOUT
                                                          : ERR_INVALID;
    end_question(c, q, err, text ? text : "", error ? NULL : result);
    wait_for_next(c);
}

static void
on_received(void *arg, const uint8_t *data, size_t size)
{
    struct lines_client *c = arg;
    const uint8_t *end;
    struct diag why = {""};
    if (c->in.size + size > LINE_MAX_SIZE) {
        lose(c, ERR_LIMIT, "it says more than is allowed");
        return;
    }
    buf_put(&c->in, data, size);
    while (c->ssh && c->in.size && (end = memchr(c->in.data, '\n', c->in.size))) {
        size_t length = (size_t)(end - c->in.data);
        json_t *message = NULL;
        enum err err = jsontext_parse((const char *)c->in.data, length, &message, &why);
        memmove(c->in.data, c->in.data + length + 1, c->in.size - length - 1);
        c->in.size -= length + 1;
        if (err)
            lose(c, err, why.text);
        else
            take_answer(c, message);
        json_decref(message);
    }
}

static void
on_closed(void *arg, enum err err, const char *reason)
{
    lose(arg, err ? err : ERR_CLOSED, *reason ? reason : "the connection was closed");
}

/* ---- Asking ---- */

static void
send_question(struct lines_client *c, const char *method, json_t *params, lines_done_fn *done,
              void *arg)
{
    struct question *q = xcalloc(1, sizeof *q);
    struct buf text = BUF_INIT;
    *q = (struct question){.id = ++c->last_id, .done = done, .arg = arg};
    json_t *message = json_pack("{ss sI ss so}", "jsonrpc", "2.0", "id", q->id, "method", method,
                                "params", params);
    if (!jsontext_put(&text, message))
        buf_str(&text, "\n");
    netconf_ssh_send(c->ssh, text.data, text.size);
    DL_APPEND(c->questions, q);
    if (q == c->questions)
        wait_for_next(c);
    json_decref(message);
    buf_fini(&text);
}

struct refusal {
    lines_done_fn *done;
    void *arg;
    struct task *task;
};

static void
on_refused(void *arg)
{
    struct refusal *r = arg;
    task_free(r->task);
    r->done(r->arg, ERR_CLOSED, "its agent is not reached", NULL);
    free(r);
}

void
lines_client_ask(struct lines_client *c, const char *method, json_t *params, lines_done_fn *done,
                 void *arg)
{
    if (c->ssh) {
        send_question(c, method, params, done, arg);
        return;
    }
    struct refusal *r = xcalloc(1, sizeof *r);
    *r = (struct refusal){done, arg, NULL};
    r->task = task_new(c->loop, on_refused, r);
    task_schedule(r->task);
    json_decref(params);
}

/* ---- Connecting ---- */

static void
on_hello(void *arg, enum err err, const char *text UNUSED, const json_t *result)
{
    struct lines_client *c = arg;
    if (err || !json_integer_value(json_object_get(result, "agent")))
        return; /* lost, and told */
    log_info("wan: %s: its agent is reached", c->name);
    c->up = true;
    c->reason[0] = '\0';
    reconnect_connected(&c->reconnect, clock_monotonic());
}

static void
on_retry(void *arg)
{
    static const struct netconf_ssh_handler handler = {on_received, on_closed};
    struct lines_client *c = arg;
    struct diag why = {""};
    if (!reconnect_run(&c->reconnect, clock_monotonic())) {
        timer_start(c->retry, clock_left(reconnect_wake(&c->reconnect)));
        return;
    }
    enum err err = netconf_ssh_open(c->loop, &c->config, &handler, c, &c->ssh, &why);
    if (err)
        lose(c, err, why.text);
    else
        send_question(c, "frr.hello", json_object(), on_hello, c);
}

static void
on_silent(void *arg)
{
    lose(arg, ERR_TIMEOUT, "it does not answer");
}

static char *
copy_of(const char *text)
{
    return text ? xstrdup(text) : NULL;
}

enum err
lines_client_new(uv_loop_t *loop, const char *name, const struct netconf_ssh_config *config,
                 struct lines_client **client, struct diag *diag)
{
    if (!config->user || !config->key_file || !config->known_hosts_file)
        return diag_set(diag, ERR_INVALID, "user, key and known-hosts must be given");
    struct lines_client *c = xcalloc(1, sizeof *c);
    c->loop = loop;
    c->name = xstrdup(name);
    c->host = copy_of(config->host);
    c->user = copy_of(config->user);
    c->key = copy_of(config->key_file);
    c->hosts = copy_of(config->known_hosts_file);
    c->config = *config;
    c->config.host = c->host;
    c->config.user = c->user;
    c->config.key_file = c->key;
    c->config.known_hosts_file = c->hosts;
    c->config.subsystem = "tieline-frr";
    reconnect_init(&c->reconnect, &(struct reconnect_config){0}, clock_monotonic());
    c->retry = timer_new(loop, on_retry, c);
    c->patience = timer_new(loop, on_silent, c);
    timer_start(c->retry, 0);
    *client = c;
    return ERR_OK;
}

void
lines_client_free(struct lines_client *c)
{
    if (!c)
        return;
    while (c->questions)
        end_question(c, c->questions, ERR_CLOSED, "the controller gives it up", NULL);
    netconf_ssh_free(c->ssh);
    timer_free(c->retry);
    timer_free(c->patience);
    buf_fini(&c->in);
    free(c->name);
    free(c->host);
    free(c->user);
    free(c->key);
    free(c->hosts);
    free(c);
}

bool
lines_client_is_up(const struct lines_client *c)
{
    return c->up;
}

const char *
lines_client_reason(const struct lines_client *c)
{
    return c->reason;
}
