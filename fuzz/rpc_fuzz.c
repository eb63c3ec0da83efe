/* Lines of JSON-RPC as a peer could send them, cut into pieces as a network could. The first octet
 * is the size of the pieces. What is accepted must come out of our own encoder and be the same. */
#include "io/lines.h"
#include "io/rpc_message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

static bool
same(const json_t *a, const json_t *b)
{
    return a == b || json_equal(a, b);
}

static enum err
write_again(const struct rpc_message *m, struct buf *out)
{
    switch (m->kind) {
    case RPC_REQUEST:
    case RPC_NOTIFICATION:
        return rpc_put_request(out, m->id, m->method, m->params);
    case RPC_RESULT:
        return rpc_put_result(out, m->id, m->result);
    case RPC_ERROR:
        return rpc_put_error(out, m->id, rpc_code(m->err), m->err, m->text);
    }
    abort();
}

static void
check_round_trip(const struct rpc_message *m)
{
    struct buf out = BUF_INIT;
    struct lines lines = lines_limited(SIZE_MAX);
    struct rpc_message again;
    size_t size;
    must(write_again(m, &out) == ERR_OK);
    lines_put(&lines, out.data, out.size);
    const char *line = lines_next(&lines, &size);
    must(line && size + 1 == out.size);
    must(rpc_message_parse(line, size, &again, NULL) == ERR_OK);
    must(again.kind == m->kind && again.err == m->err && same(again.id, m->id));
    must(same(again.params, m->params) && same(again.result, m->result));
    rpc_message_fini(&again);
    lines_fini(&lines);
    buf_fini(&out);
}

static void
take_line(const char *line, size_t size)
{
    struct rpc_message message;
    struct diag diag = {.text = ""};
    char *exact = malloc(size ? size : 1);
    memcpy(exact, line, size);
    enum err err = rpc_message_parse(exact, size, &message, &diag);
    free(exact);
    must(!err == (diag.text[0] == '\0'));
    if (err)
        return;
    check_round_trip(&message);
    rpc_message_fini(&message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines lines = lines_limited(4096);
    size_t step = size ? data[0] + 1u : 1;
    for (size_t at = 1; at < size; at += step) {
        const char *line;
        size_t length;
        lines_put(&lines, data + at, MIN(step, size - at));
        while ((line = lines_next(&lines, &length)))
            take_line(line, length);
    }
    lines_fini(&lines);
    return 0;
}
