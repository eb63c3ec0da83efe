#include "cli/cli_control.h"

#include "base/alloc.h"
#include "io/rpc.h"

#include <stdlib.h>

struct question {
    uv_loop_t loop;
    const char *method;
    json_t *params;
    nsec_t timeout;
    struct stream *stream; /* until it is open */
    struct rpc *rpc;       /* from then on */
    bool over, answered;
    enum err err;
    json_t *result;
    struct diag *diag;
};

static void
finish(struct question *q, enum err err, const char *why)
{
    if (q->over)
        return;
    q->over = true;
    q->err = err ? diag_set(q->diag, err, "%s", why) : ERR_OK;
    uv_stop(&q->loop); /* a turn that ran a timer would wait for more */
}

static void
answered(void *arg, const struct call_result *result)
{
    struct question *q = arg;
    if (!result->err)
        q->result = json_incref(result->value);
    q->answered = result->err != ERR_TIMEOUT && result->err != ERR_CLOSED;
    finish(q, result->err, result->text);
}

static void
rpc_closed(void *arg, struct rpc *rpc UNUSED, enum err err, const char *reason)
{
    finish(arg, err ? err : ERR_CLOSED, reason);
}

static void
opened(void *arg, struct stream *stream)
{
    struct question *q = arg;
    struct rpc_config config = {.closed = rpc_closed, .arg = q};
    q->stream = NULL;
    q->rpc = rpc_new(&q->loop, stream, &config);
    json_t *params = q->params;
    q->params = NULL;
    enum err err = rpc_call(q->rpc, q->method, params, q->timeout, answered, q, NULL);
    if (err)
        finish(q, err, err_text(err));
}

static void
closed(void *arg, struct stream *stream UNUSED, enum err err, const char *reason)
{
    finish(arg, err ? err : ERR_CLOSED, reason);
}

static const struct stream_handler handler = {.opened = opened, .closed = closed};

enum err
control_ask(const char *path, const char *method, json_t *params, nsec_t timeout, json_t **result,
            bool *refused, struct diag *diag)
{
    struct question q = {.method = method, .params = params, .timeout = timeout, .diag = diag};
    char *address = xasprintf("unix:%s", path);
    struct stream_config config = {.address = address, .timeout = timeout};
    uv_loop_init(&q.loop);
    enum err err = stream_connect(&q.loop, &config, &handler, &q, &q.stream, diag);
    free(address);
    while (!err && !q.over)
        uv_run(&q.loop, UV_RUN_ONCE);
    err = err ? err : q.err;
    stream_free(q.stream);
    rpc_free(q.rpc);
    json_decref(q.params);
    uv_run(&q.loop, UV_RUN_DEFAULT); /* says goodbye */
    uv_loop_close(&q.loop);
    *refused = err && q.answered;
    if (!err)
        *result = q.result;
    else
        json_decref(q.result);
    return err;
}
