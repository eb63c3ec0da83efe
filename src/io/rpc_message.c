#include "io/rpc_message.h"

#include "io/jsontext.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    enum rpc_code code;
    enum err err;
} codes[] = {
    {RPC_PARSE_ERROR, ERR_MALFORMED},
    {RPC_INVALID_REQUEST, ERR_MALFORMED},
    {RPC_METHOD_NOT_FOUND, ERR_UNSUPPORTED},
    {RPC_INVALID_PARAMS, ERR_INVALID},
};

enum rpc_code
rpc_code(enum err err)
{
    if (err == ERR_INVALID || err == ERR_MALFORMED)
        return RPC_INVALID_PARAMS;
    return RPC_SERVER_ERROR - (int)err;
}

/* Our peers name the error in data.err; others have only the code. */
static enum err
error_of(json_int_t code, const json_t *data)
{
    const char *name = json_string_value(json_object_get(data, "err"));
    for (enum err err = ERR_OK + 1; name && err < ERR_MAX; err++) {
        if (!strcmp(err_name(err), name))
            return err;
    }
    for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
        if (codes[i].code == code)
            return codes[i].err;
    }
    return ERR_IO; /* something went wrong over there */
}

/* Of the members of `object`, those not in `names`: the first, or NULL. */
static const char *
unknown_member(json_t *object, const char *const *names, size_t n_names)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (i < n_names && strcmp(names[i], key))
            i++;
        if (i == n_names)
            return key;
    }
    return NULL;
}

static enum err
check_members(json_t *object, const char *const *names, size_t n_names, struct diag *diag)
{
    const char *name = unknown_member(object, names, n_names);
    if (name)
        return diag_set(diag, ERR_INVALID, "JSON-RPC: member \"%.40s\" has no place here", name);
    return ERR_OK;
}

static enum err
invalid(struct diag *diag, const char *what)
{
    return diag_set(diag, ERR_INVALID, "JSON-RPC: %s", what);
}

static enum err
read_request(struct rpc_message *m, struct diag *diag)
{
    static const char *const names[] = {"jsonrpc", "id", "method", "params"};
    m->kind = m->id ? RPC_REQUEST : RPC_NOTIFICATION;
    m->method = json_string_value(json_object_get(m->root, "method"));
    m->params = json_object_get(m->root, "params");
    if (!m->method)
        return invalid(diag, "the method is not a string");
    if (m->params && !json_is_array(m->params) && !json_is_object(m->params))
        return invalid(diag, "params is neither an array nor an object");
    if (json_is_null(m->id))
        return invalid(diag, "the id is null");
    return check_members(m->root, names, ARRAY_SIZE(names), diag);
}

static enum err
read_result(struct rpc_message *m, struct diag *diag)
{
    static const char *const names[] = {"jsonrpc", "id", "result"};
    m->kind = RPC_RESULT;
    m->result = json_object_get(m->root, "result");
    if (!m->id || json_is_null(m->id))
        return invalid(diag, "a result without an id");
    return check_members(m->root, names, ARRAY_SIZE(names), diag);
}

static enum err
read_error(struct rpc_message *m, const json_t *error, struct diag *diag)
{
    static const char *const names[] = {"jsonrpc", "id", "error"};
    m->kind = RPC_ERROR;
    const json_t *code = json_object_get(error, "code");
    m->text = json_string_value(json_object_get(error, "message"));
    if (!json_is_integer(code) || !m->text)
        return invalid(diag, "an error needs an integer code and a message");
    if (!m->id)
        return invalid(diag, "an error without an id");
    m->code = json_integer_value(code);
    m->err = error_of(m->code, json_object_get(error, "data"));
    if (json_is_null(m->id))
        m->id = NULL;
    return check_members(m->root, names, ARRAY_SIZE(names), diag);
}

static enum err
read_message(struct rpc_message *m, struct diag *diag)
{
    if (json_is_array(m->root))
        return invalid(diag, "batches are not accepted: one message per line");
    const char *version = json_string_value(json_object_get(m->root, "jsonrpc"));
    if (!version || strcmp(version, "2.0"))
        return invalid(diag, "not an object with \"jsonrpc\":\"2.0\"");
    m->id = json_object_get(m->root, "id");
    if (m->id && !json_is_string(m->id) && !json_is_integer(m->id) && !json_is_null(m->id))
        return invalid(diag, "the id is neither a string nor an integer");
    const json_t *error = json_object_get(m->root, "error");
    if (json_object_get(m->root, "method"))
        return read_request(m, diag);
    if (error)
        return read_error(m, error, diag);
    if (json_object_get(m->root, "result"))
        return read_result(m, diag);
    return invalid(diag, "neither method nor result nor error");
}

enum err
rpc_message_parse(const char *line, size_t size, struct rpc_message *message, struct diag *diag)
{
    struct rpc_message m = {0};
    enum err err = jsontext_parse(line, size, &m.root, diag);
    if (err)
        return err;
    err = read_message(&m, diag);
    if (err) {
        rpc_message_fini(&m);
        return err;
    }
    *message = m;
    return ERR_OK;
}

void
rpc_message_fini(struct rpc_message *message)
{
    json_decref(message->root);
    *message = (struct rpc_message){0};
}

/* ---- writing: the frame by hand, the values by jansson */

static void
put_value(struct buf *out, const char *before, const json_t *value, enum err *err)
{
    buf_str(out, before);
    if (!*err)
        *err = jsontext_put(out, value);
}

/* Ends the line; takes it back as a whole if anything of it failed. */
static enum err
put_end(struct buf *out, size_t start, enum err err)
{
    buf_str(out, "}\n");
    if (!err)
        err = buf_err(out);
    if (err) {
        out->size = start;
        out->overflow = false;
    }
    return err;
}

enum err
rpc_put_request(struct buf *out, const json_t *id, const char *method, const json_t *params)
{
    size_t start = out->size;
    enum err err = ERR_OK;
    json_t *name = jsontext_string(method);
    buf_str(out, "{\"jsonrpc\":\"2.0\"");
    if (id)
        put_value(out, ",\"id\":", id, &err);
    put_value(out, ",\"method\":", name, &err);
    if (params)
        put_value(out, ",\"params\":", params, &err);
    json_decref(name);
    return put_end(out, start, err);
}

enum err
rpc_put_result(struct buf *out, const json_t *id, const json_t *result)
{
    size_t start = out->size;
    enum err err = ERR_OK;
    put_value(out, "{\"jsonrpc\":\"2.0\",\"id\":", id, &err);
    put_value(out, ",\"result\":", result, &err);
    return put_end(out, start, err);
}

enum err
rpc_put_error(struct buf *out, const json_t *id, enum rpc_code code, enum err what,
              const char *text)
{
    size_t start = out->size;
    enum err err = ERR_OK;
    json_t *message = jsontext_string(text);
    buf_str(out, "{\"jsonrpc\":\"2.0\",\"id\":");
    if (id)
        put_value(out, "", id, &err);
    else
        buf_str(out, "null");
    buf_printf(out, ",\"error\":{\"code\":%d", (int)code);
    put_value(out, ",\"message\":", message, &err);
    buf_printf(out, ",\"data\":{\"err\":\"%s\"}}", err_name(what));
    json_decref(message);
    return put_end(out, start, err);
}
